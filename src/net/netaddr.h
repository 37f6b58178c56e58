/* Network addresses: IPv4, IPv6, Tor v3, I2P, CJDNS; text, wire forms (BIP155), groups, subnets. */
#ifndef MITE_NET_NETADDR_H
#define MITE_NET_NETADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include "util/bytes.h"

/* The numbers of BIP155. */
enum addr_family {
    ADDR_NONE = 0,
    ADDR_IPV4 = 1,
    ADDR_IPV6 = 2,
    ADDR_ONION = 4, /* version 3; version 2 (number 3) is no more */
    ADDR_I2P = 5,
    ADDR_CJDNS = 6
};

/* An address with its port. Bytes past the family's length are zero, so two are equal where their
 * memory is, and one can be a key. */
struct netaddr {
    uint8_t family;
    uint8_t zero;
    uint16_t port;
    uint8_t ip[32];
};

size_t addr_family_len(uint8_t family); /* 0 for a family we do not know */
/* "ipv4", "ipv6", "onion", "i2p", "cjdns"; ADDR_NONE: "not_publicly_routable". */
const char *addr_family_name(uint8_t family);
/* ADDR_NONE for a name that is none. */
enum addr_family addr_family_find(const char *name);

bool netaddr_eq(const struct netaddr *a, const struct netaddr *b);        /* with port */
bool netaddr_same_host(const struct netaddr *a, const struct netaddr *b); /* without */
struct netaddr netaddr_ipv4(uint32_t host_order, uint16_t port);
/* ADDR_NONE for what is neither IPv4 nor IPv6; mapped IPv4 becomes IPv4. */
struct netaddr netaddr_from_sockaddr(const struct sockaddr *sa);
/* False for a family that has no sockets. */
bool netaddr_to_sockaddr(const struct netaddr *a, struct sockaddr_storage *out, socklen_t *len);

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80", "....onion:80", "....b32.i2p": never asks DNS. */
bool netaddr_parse(const char *text, uint16_t default_port, struct netaddr *out);
/* Splits "host:port" and "[host]:port"; *port keeps its value where the text has none. False where
 * the port is none. */
bool host_port_split(const char *text, char *host, size_t size, uint16_t *port);
#define NETADDR_TEXT 80
char *netaddr_format(const struct netaddr *a, char out[NETADDR_TEXT]);      /* "[::1]:80" */
char *netaddr_format_host(const struct netaddr *a, char out[NETADDR_TEXT]); /* "::1" */

bool netaddr_is_loopback(const struct netaddr *a);
bool netaddr_is_valid(const struct netaddr *a);
/* Publicly routable, as far as the address itself tells. */
bool netaddr_is_routable(const struct netaddr *a);
/* The family by which getpeerinfo names it: ADDR_NONE where it is not routable. */
enum addr_family netaddr_network(const struct netaddr *a);
/* Bytes that addresses of one operator probably share (a /16, a /32, ...): no two of our outbound
 * peers come from one group. Writes at most 17 bytes, returns how many. */
size_t netaddr_group(const struct netaddr *a, uint8_t out[17]);

/* ---- wire ---- */

/* The 16 bytes of the old form (mapped IPv4); zeros for what does not fit. True where it fits. */
bool netaddr_v1_bytes(const struct netaddr *a, uint8_t out[16]);
struct netaddr netaddr_from_v1(const uint8_t in[16], uint16_t port);
void netaddr_write_v1(struct buf *b, const struct netaddr *a); /* 16 bytes and the port */
struct netaddr netaddr_read_v1(struct reader *r);
/* BIP155: family, length, address, port. An unknown family reads as ADDR_NONE; a length over 512 or
 * not the family's own fails the reader. */
void netaddr_write_v2(struct buf *b, const struct netaddr *a);
struct netaddr netaddr_read_v2(struct reader *r);

/* ---- subnets ---- */

struct subnet {
    struct netaddr base; /* port 0 */
    uint8_t bits;        /* leading bits that count; the whole address for the overlay networks */
};
/* "1.2.3.4", "1.2.3.0/24", "1.2.3.0/255.255.255.0", "2001:db8::/32", "x.onion". */
bool subnet_parse(const char *text, struct subnet *out);
struct subnet subnet_of_host(const struct netaddr *a);
bool subnet_contains(const struct subnet *s, const struct netaddr *a);
bool subnet_eq(const struct subnet *a, const struct subnet *b);
char *subnet_format(const struct subnet *s, char out[NETADDR_TEXT + 8]);

#endif
