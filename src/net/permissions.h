/* What a connection may do beyond the usual, by its address (-whitelist) or ours (-whitebind). */
#ifndef MITE_NET_PERMISSIONS_H
#define MITE_NET_PERMISSIONS_H

#include "net/netaddr.h"

enum net_permission {
    PERMISSION_BLOOMFILTER = 1 << 0,
    PERMISSION_RELAY = 1 << 1,          /* transactions are taken from it even with -blocksonly */
    PERMISSION_FORCERELAY_BIT = 1 << 2, /* relayed even where they are known already */
    PERMISSION_MEMPOOL = 1 << 3,
    PERMISSION_NOBAN_BIT = 1 << 4,
    PERMISSION_DOWNLOAD = 1 << 5, /* blocks beyond -maxuploadtarget and during initial download */
    PERMISSION_ADDR = 1 << 6,     /* no rate limit on addresses, no cache in answers */
    PERMISSION_FORCERELAY = PERMISSION_FORCERELAY_BIT | PERMISSION_RELAY,
    PERMISSION_NOBAN = PERMISSION_NOBAN_BIT | PERMISSION_DOWNLOAD
};
#define PERMISSIONS_DEFAULT  (PERMISSION_RELAY | PERMISSION_MEMPOOL | PERMISSION_NOBAN)
#define PERMISSION_NAMES_MAX 8

struct whitelist {
    struct subnet subnet;
    unsigned permissions;
    bool in, out;
};

/* "[permission,permission@]subnet"; `def` where none are named. False: *error says what is wrong
 * (caller frees). */
bool whitelist_parse(const char *text, unsigned def, struct whitelist *out, char **error);
/* "[permission,permission@]address:port". */
bool whitebind_parse(const char *text, uint16_t default_port, unsigned def, struct netaddr *out,
                     unsigned *permissions, char **error);
unsigned whitelist_permissions(const struct whitelist *w, size_t n, const struct netaddr *a,
                               bool inbound);
/* NULL-terminated names, in Core's order. */
void permission_names(unsigned permissions, const char *out[PERMISSION_NAMES_MAX]);

#endif
