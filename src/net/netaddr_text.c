/*
 * Addresses as text. Only numeric forms: names are resolved elsewhere, on a thread, because a
 * lookup blocks. Onion addresses carry a checksum and a version, I2P ones are the bare hash, both
 * in base32 without padding.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "net/netaddr.h"
#include "util/str.h"

static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static void base32_encode(char *out, const uint8_t *in, size_t len)
{
    unsigned acc = 0, bits = 0;
    for (size_t i = 0; i < len; i++) {
        acc = (acc << 8 | in[i]) & 0xffff;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            *out++ = base32_digits[acc >> bits & 31];
        }
    }
    if (bits)
        *out++ = base32_digits[acc << (5 - bits) & 31];
    *out = 0;
}

/* Exactly `len` bytes from `digits` digits; leftover bits must be zero. */
static bool base32_decode(uint8_t *out, size_t len, const char *in, size_t digits)
{
    unsigned acc = 0, bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < digits; i++) {
        const char *d = memchr(base32_digits, tolower((unsigned char)in[i]), 32);
        if (!d)
            return false;
        acc = (acc << 5 | (unsigned)(d - base32_digits)) & 0xffff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            if (n == len)
                return false;
            out[n++] = (uint8_t)(acc >> bits);
        }
    }
    return n == len && (acc & ((1u << bits) - 1)) == 0;
}

static void onion_checksum(const uint8_t key[32], uint8_t out[2])
{
    uint8_t msg[15 + 32 + 1], digest[32];
    memcpy(msg, ".onion checksum", 15);
    memcpy(msg + 15, key, 32);
    msg[47] = 3;
    CHECK(EVP_Digest(msg, sizeof(msg), digest, NULL, EVP_sha3_256(), NULL) == 1);
    memcpy(out, digest, 2);
}

static bool parse_onion(const char *host, struct netaddr *out)
{
    uint8_t raw[35], sum[2];
    if (strlen(host) != 56 + 6 || !base32_decode(raw, 35, host, 56) || raw[34] != 3)
        return false;
    onion_checksum(raw, sum);
    if (memcmp(sum, raw + 32, 2) != 0)
        return false;
    out->family = ADDR_ONION;
    memcpy(out->ip, raw, 32);
    return true;
}

static bool parse_host(const char *host, struct netaddr *out)
{
    uint8_t ip6[16];
    memset(out, 0, sizeof(*out));
    if (ends_with(host, ".onion"))
        return parse_onion(host, out);
    if (ends_with(host, ".b32.i2p")) {
        out->family = ADDR_I2P;
        return strlen(host) == 52 + 8 && base32_decode(out->ip, 32, host, 52);
    }
    if (inet_pton(AF_INET, host, out->ip) == 1) {
        out->family = ADDR_IPV4;
        return true;
    }
    if (inet_pton(AF_INET6, host, ip6) != 1)
        return false;
    *out = netaddr_from_v1(ip6, 0);
    return out->family != ADDR_NONE;
}

static bool parse_port(const char *s, uint16_t *port)
{
    uint32_t v;
    if (!parse_u32(s, &v) || v > 65535)
        return false;
    *port = (uint16_t)v;
    return true;
}

bool host_port_split(const char *text, char *host, size_t size, uint16_t *port)
{
    const char *colon = strrchr(text, ':'), *end = text + strlen(text);
    bool brackets = text[0] == '[' && strchr(text, ']') != NULL;
    if (brackets) {
        const char *close = strchr(text, ']');
        if (close[1] != 0 && (close[1] != ':' || !parse_port(close + 2, port)))
            return false;
        text++;
        end = close;
    } else if (colon && strchr(text, ':') == colon) {
        if (!parse_port(colon + 1, port))
            return false;
        end = colon;
    }
    if ((size_t)(end - text) >= size)
        return false;
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = 0;
    return true;
}

bool netaddr_parse(const char *text, uint16_t default_port, struct netaddr *out)
{
    char host[NETADDR_TEXT];
    uint16_t port = default_port;
    if (!host_port_split(text, host, sizeof(host), &port) || !parse_host(host, out))
        return false;
    out->port = out->family == ADDR_I2P && port == default_port ? 0 : port;
    return true;
}

char *netaddr_format_host(const struct netaddr *a, char out[NETADDR_TEXT])
{
    uint8_t raw[35];
    out[0] = 0;
    switch (a->family) {
    case ADDR_IPV4: inet_ntop(AF_INET, a->ip, out, NETADDR_TEXT); break;
    case ADDR_IPV6:
    case ADDR_CJDNS: inet_ntop(AF_INET6, a->ip, out, NETADDR_TEXT); break;
    case ADDR_ONION:
        memcpy(raw, a->ip, 32);
        onion_checksum(raw, raw + 32);
        raw[34] = 3;
        base32_encode(out, raw, 35);
        memcpy(out + 56, ".onion", 7);
        break;
    case ADDR_I2P:
        base32_encode(out, a->ip, 32);
        memcpy(out + 52, ".b32.i2p", 9);
        break;
    }
    return out;
}

char *netaddr_format(const struct netaddr *a, char out[NETADDR_TEXT])
{
    char host[NETADDR_TEXT];
    netaddr_format_host(a, host);
    bool brackets = a->family == ADDR_IPV6 || a->family == ADDR_CJDNS;
    snprintf(out, NETADDR_TEXT, brackets ? "[%.70s]:%u" : "%.70s:%u", host, a->port);
    return out;
}

/* "24" or "255.255.255.0". */
static bool parse_mask(const char *s, const struct netaddr *base, uint8_t *bits)
{
    size_t max = addr_family_len(base->family) * 8, n = 0;
    uint32_t v;
    struct netaddr mask;
    if (parse_u32(s, &v)) {
        *bits = (uint8_t)v;
        return v <= max;
    }
    if (!parse_host(s, &mask) || mask.family != base->family)
        return false;
    while (n < max && mask.ip[n / 8] & 0x80 >> n % 8)
        n++;
    *bits = (uint8_t)n;
    for (; n < max; n++) {
        if (mask.ip[n / 8] & 0x80 >> n % 8)
            return false;
    }
    return true;
}

bool subnet_parse(const char *text, struct subnet *out)
{
    char host[NETADDR_TEXT];
    struct netaddr a;
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = 0;
    if (!parse_host(host, &a))
        return false;
    *out = subnet_of_host(&a);
    if (!slash)
        return true;
    if (out->bits == 255 || a.family == ADDR_CJDNS || !parse_mask(slash + 1, &a, &out->bits))
        return false;
    for (size_t i = out->bits; i < addr_family_len(a.family) * 8; i++)
        out->base.ip[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    return true;
}

char *subnet_format(const struct subnet *s, char out[NETADDR_TEXT + 8])
{
    char host[NETADDR_TEXT];
    netaddr_format_host(&s->base, host);
    if (s->bits == 255 || s->base.family == ADDR_CJDNS)
        snprintf(out, NETADDR_TEXT + 8, "%s", host);
    else
        snprintf(out, NETADDR_TEXT + 8, "%s/%u", host, s->bits);
    return out;
}
