/* Who may not connect: bans of subnets by the user (banlist.json), and discouraged addresses. */
#ifndef MITE_NET_BANS_H
#define MITE_NET_BANS_H

#include "net/netaddr.h"

struct bans;

struct ban {
    struct subnet subnet;
    int64_t created, until; /* seconds */
};

/* Reads PATH where it is there. */
struct bans *bans_create(const char *path);
void bans_destroy(struct bans *b); /* writes what has changed */
bool bans_save(struct bans *b);    /* false: errno */
/* False where the subnet is banned at least as long already. */
bool bans_add(struct bans *b, const struct subnet *s, int64_t until);
bool bans_remove(struct bans *b, const struct subnet *s);
void bans_clear(struct bans *b);
bool bans_is_banned(struct bans *b, const struct netaddr *a);
bool bans_has(struct bans *b, const struct subnet *s);
/* In order of subnet; drops what has run out. Valid until the next call. */
const struct ban *bans_list(struct bans *b, size_t *n);

/* Misbehaviour: not refused, but the first to go, and not dialled. Forgotten at restart; the last
 * 50,000 at least are remembered. */
void bans_discourage(struct bans *b, const struct netaddr *a);
bool bans_is_discouraged(const struct bans *b, const struct netaddr *a);

#endif
