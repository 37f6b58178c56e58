/*
 * Addresses of peers as plain values. IPv4 keeps its own four bytes, not the mapped sixteen, so
 * that each family has one length and a prefix test is a loop over bits. What is routable, and
 * which addresses count as one group, follows the registries of special ranges (RFC 6890 and
 * friends), as all nodes must agree on that for gossip to work. Text forms are in netaddr_text.c.
 */
#include "net/netaddr.h"

#include <netinet/in.h>
#include <string.h>

static const struct {
    uint8_t family, len;
    const char *name;
} families[] = {
    {ADDR_IPV4, 4, "ipv4"}, {ADDR_IPV6, 16, "ipv6"},   {ADDR_ONION, 32, "onion"},
    {ADDR_I2P, 32, "i2p"},  {ADDR_CJDNS, 16, "cjdns"},
};

static const uint8_t mapped_v4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

size_t addr_family_len(uint8_t family)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (families[i].family == family)
            return families[i].len;
    }
    return 0;
}

const char *addr_family_name(uint8_t family)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (families[i].family == family)
            return families[i].name;
    }
    return "not_publicly_routable";
}

enum addr_family addr_family_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (strcmp(families[i].name, name) == 0)
            return families[i].family;
    }
    return ADDR_NONE;
}

bool netaddr_same_host(const struct netaddr *a, const struct netaddr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool netaddr_eq(const struct netaddr *a, const struct netaddr *b)
{
    return a->port == b->port && netaddr_same_host(a, b);
}

struct netaddr netaddr_ipv4(uint32_t host_order, uint16_t port)
{
    struct netaddr a = {.family = ADDR_IPV4, .port = port};
    put_be32(a.ip, host_order);
    return a;
}

struct netaddr netaddr_from_sockaddr(const struct sockaddr *sa)
{
    struct netaddr none = {ADDR_NONE};
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof(in));
        return netaddr_ipv4(ntohl(in.sin_addr.s_addr), ntohs(in.sin_port));
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof(in6));
        return netaddr_from_v1(in6.sin6_addr.s6_addr, ntohs(in6.sin6_port));
    }
    return none;
}

bool netaddr_to_sockaddr(const struct netaddr *a, struct sockaddr_storage *out, socklen_t *len)
{
    memset(out, 0, sizeof(*out));
    if (a->family == ADDR_IPV4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&in.sin_addr, a->ip, 4);
        memcpy(out, &in, sizeof(in));
        *len = sizeof(in);
        return true;
    }
    if (a->family == ADDR_IPV6 || a->family == ADDR_CJDNS) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
        memcpy(&in6.sin6_addr, a->ip, 16);
        memcpy(out, &in6, sizeof(in6));
        *len = sizeof(in6);
        return true;
    }
    return false;
}

static bool prefix_eq(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    if (memcmp(a, b, bytes) != 0)
        return false;
    return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

struct range {
    uint8_t prefix[16];
    uint8_t bits;
};

static bool in_ranges(const uint8_t *ip, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (prefix_eq(ip, ranges[i].prefix, ranges[i].bits))
            return true;
    }
    return false;
}

bool netaddr_is_loopback(const struct netaddr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    if (a->family == ADDR_IPV4)
        return a->ip[0] == 127 || a->ip[0] == 0;
    return a->family == ADDR_IPV6 && memcmp(a->ip, one, 16) == 0;
}

bool netaddr_is_valid(const struct netaddr *a)
{
    static const uint8_t zero[16], none4[4] = {255, 255, 255, 255};
    static const struct range documentation = {{0x20, 0x01, 0x0d, 0xb8}, 32};
    if (a->family == ADDR_IPV4)
        return memcmp(a->ip, zero, 4) != 0 && memcmp(a->ip, none4, 4) != 0;
    if (a->family == ADDR_IPV6)
        return memcmp(a->ip, zero, 16) != 0 && !in_ranges(a->ip, &documentation, 1);
    if (a->family == ADDR_CJDNS)
        return a->ip[0] == 0xfc;
    return a->family != ADDR_NONE;
}

bool netaddr_is_routable(const struct netaddr *a)
{
    static const struct range v4[] = {
        {{10}, 8},         /* private */
        {{192, 168}, 16},  /* private */
        {{172, 16}, 12},   /* private */
        {{198, 18}, 15},   /* benchmarks */
        {{169, 254}, 16},  /* link-local */
        {{100, 64}, 10},   /* carrier's NAT */
        {{192, 0, 2}, 24}, /* documentation */
        {{198, 51, 100}, 24},
        {{203, 0, 113}, 24},
    };
    static const struct range v6[] = {
        {{0xfe, 0x80}, 64},             /* link-local */
        {{0xfc}, 7},                    /* unique local */
        {{0x20, 0x01, 0x00, 0x10}, 28}, /* ORCHID */
        {{0x20, 0x01, 0x00, 0x20}, 28}, /* ORCHID v2 */
    };
    if (!netaddr_is_valid(a) || netaddr_is_loopback(a))
        return false;
    if (a->family == ADDR_IPV4)
        return !in_ranges(a->ip, v4, ARRAY_LEN(v4));
    if (a->family == ADDR_IPV6)
        return !in_ranges(a->ip, v6, ARRAY_LEN(v6));
    return true;
}

/* IPv4 inside IPv6: NAT64, 6to4, Teredo and translated addresses are grouped by the IPv4 part. */
static bool embedded_ipv4(const uint8_t ip[16], uint8_t out[4])
{
    static const struct range tail[] = {
        {{0x00, 0x64, 0xff, 0x9b}, 96},                   /* NAT64 */
        {{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 96}, /* SIIT */
    };
    static const struct range six_to_four = {{0x20, 0x02}, 16};
    static const struct range teredo = {{0x20, 0x01, 0x00, 0x00}, 32};
    if (in_ranges(ip, tail, ARRAY_LEN(tail))) {
        memcpy(out, ip + 12, 4);
        return true;
    }
    if (in_ranges(ip, &six_to_four, 1)) {
        memcpy(out, ip + 2, 4);
        return true;
    }
    if (in_ranges(ip, &teredo, 1)) {
        for (int i = 0; i < 4; i++)
            out[i] = ip[12 + i] ^ 0xff;
        return true;
    }
    return false;
}

enum addr_family netaddr_network(const struct netaddr *a)
{
    uint8_t v4[4];
    if (!netaddr_is_routable(a))
        return ADDR_NONE;
    if (a->family == ADDR_IPV6 && embedded_ipv4(a->ip, v4))
        return ADDR_IPV4;
    return (enum addr_family)a->family;
}

/* The first byte names the kind (the numbers that peers.dat's hashes are made with). */
enum group_kind {
    GROUP_UNROUTABLE = 0,
    GROUP_IPV4 = 1,
    GROUP_IPV6 = 2,
    GROUP_ONION = 3,
    GROUP_I2P = 4,
    GROUP_CJDNS = 5,
    GROUP_LOCAL = 255
};

static size_t group_bits(uint8_t kind, const uint8_t *ip, unsigned bits, uint8_t out[17])
{
    unsigned bytes = bits / 8;
    out[0] = kind;
    memcpy(out + 1, ip, bytes);
    if (bits % 8)
        out[1 + bytes++] = ip[bits / 8] | (uint8_t)((1u << (8 - bits % 8)) - 1);
    return 1 + bytes;
}

size_t netaddr_group(const struct netaddr *a, uint8_t out[17])
{
    static const struct range he_net = {{0x20, 0x01, 0x04, 0x70}, 32};
    uint8_t v4[4];
    if (netaddr_is_loopback(a))
        return group_bits(GROUP_LOCAL, a->ip, 0, out);
    if (!netaddr_is_routable(a))
        return group_bits(GROUP_UNROUTABLE, a->ip, 0, out);
    switch (a->family) {
    case ADDR_IPV4: return group_bits(GROUP_IPV4, a->ip, 16, out);
    case ADDR_ONION: return group_bits(GROUP_ONION, a->ip, 4, out);
    case ADDR_I2P: return group_bits(GROUP_I2P, a->ip, 4, out);
    case ADDR_CJDNS: return group_bits(GROUP_CJDNS, a->ip, 12, out);
    }
    if (embedded_ipv4(a->ip, v4))
        return group_bits(GROUP_IPV4, v4, 16, out);
    return group_bits(GROUP_IPV6, a->ip, in_ranges(a->ip, &he_net, 1) ? 36 : 32, out);
}

/* ---- wire ---- */

bool netaddr_v1_bytes(const struct netaddr *a, uint8_t out[16])
{
    memset(out, 0, 16);
    if (a->family == ADDR_IPV4) {
        memcpy(out, mapped_v4, 12);
        memcpy(out + 12, a->ip, 4);
        return true;
    }
    if (a->family == ADDR_IPV6) {
        memcpy(out, a->ip, 16);
        return true;
    }
    return false;
}

struct netaddr netaddr_from_v1(const uint8_t in[16], uint16_t port)
{
    /* Prefixes by which old software smuggled onion v2 and internal names through IPv6. */
    static const struct range not_ip[] = {
        {{0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43}, 48},
        {{0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24}, 48},
    };
    struct netaddr a = {.family = ADDR_IPV6, .port = port};
    if (memcmp(in, mapped_v4, 12) == 0) {
        a.family = ADDR_IPV4;
        memcpy(a.ip, in + 12, 4);
    } else if (in_ranges(in, not_ip, ARRAY_LEN(not_ip))) {
        a.family = ADDR_NONE;
    } else {
        memcpy(a.ip, in, 16);
    }
    return a;
}

void netaddr_write_v1(struct buf *b, const struct netaddr *a)
{
    uint8_t ip[16];
    netaddr_v1_bytes(a, ip);
    write_bytes(b, ip, 16);
    write_u16be(b, a->port);
}

struct netaddr netaddr_read_v1(struct reader *r)
{
    uint8_t ip[16];
    read_bytes(r, ip, 16);
    uint16_t port = read_u16be(r);
    return netaddr_from_v1(ip, port);
}

void netaddr_write_v2(struct buf *b, const struct netaddr *a)
{
    size_t len = addr_family_len(a->family);
    CHECK(len > 0);
    write_u8(b, a->family);
    write_var_span(b, span_of(a->ip, len));
    write_u16be(b, a->port);
}

struct netaddr netaddr_read_v2(struct reader *r)
{
    struct netaddr a = {ADDR_NONE};
    uint8_t family = read_u8(r);
    struct span bytes = read_var_span(r, 512);
    size_t len = addr_family_len(family);
    uint16_t port = read_u16be(r);
    if (len == 0)
        return a;
    if (bytes.len != len) {
        reader_fail(r);
        return a;
    }
    if (family == ADDR_IPV6) {
        /* IPv4 and old onion addresses have no business inside IPv6 here (BIP155). */
        a = netaddr_from_v1(bytes.data, port);
        if (a.family != ADDR_IPV6)
            memset(&a, 0, sizeof(a));
        return a;
    }
    a.family = family;
    a.port = port;
    memcpy(a.ip, bytes.data, len);
    if (family == ADDR_CJDNS && a.ip[0] != 0xfc)
        memset(&a, 0, sizeof(a));
    return a;
}

/* ---- subnets ---- */

struct subnet subnet_of_host(const struct netaddr *a)
{
    struct subnet s = {*a, (uint8_t)(addr_family_len(a->family) * 8)};
    s.base.port = 0;
    if (a->family == ADDR_ONION || a->family == ADDR_I2P)
        s.bits = 255;
    return s;
}

bool subnet_contains(const struct subnet *s, const struct netaddr *a)
{
    if (s->base.family != a->family || a->family == ADDR_NONE)
        return false;
    if (s->bits == 255)
        return netaddr_same_host(&s->base, a);
    return prefix_eq(s->base.ip, a->ip, s->bits);
}

bool subnet_eq(const struct subnet *a, const struct subnet *b)
{
    return a->bits == b->bits && netaddr_same_host(&a->base, &b->base);
}
