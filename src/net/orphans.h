/*
 * Transactions whose parents we do not know yet, kept for a while in the hope of them. Each has its
 * announcers; a peer can fill no more than its own share.
 */
#ifndef MITE_NET_ORPHANS_H
#define MITE_NET_ORPHANS_H

#include "chain/block.h"

#define ORPHANS_MAX_ANNOUNCEMENTS 3000   /* in all */
#define ORPHANS_WEIGHT_PER_PEER   404000 /* what each peer may hold whatever the others do */
#define ORPHANS_MAX_TX_WEIGHT     400000

struct orphans;
struct orphans *orphans_create(void);
void orphans_destroy(struct orphans *o);

/* False where it was there from this peer, or is too big. */
bool orphans_add(struct orphans *o, const struct tx *tx, int peer);
/* One more peer has it. False where we do not hold it, or the peer announced it before. */
bool orphans_add_announcer(struct orphans *o, const struct wtxid *wtxid, int peer);
bool orphans_has(const struct orphans *o, const struct wtxid *wtxid);
bool orphans_has_from(const struct orphans *o, const struct wtxid *wtxid, int peer);
const struct tx *orphans_get(const struct orphans *o, const struct wtxid *wtxid);
bool orphans_remove(struct orphans *o, const struct wtxid *wtxid);
void orphans_remove_peer(struct orphans *o, int peer);
/* `b` makes some impossible (their coin is spent) or needless. */
void orphans_block(struct orphans *o, const struct block *b);

/* A parent came: its children are to be tried again, each by one of its announcers. */
void orphans_parent_came(struct orphans *o, const struct tx *parent);
/* The next one to try for this peer, and whether there are any. */
const struct tx *orphans_next_to_try(struct orphans *o, int peer);
bool orphans_has_to_try(const struct orphans *o, int peer);

size_t orphans_count(const struct orphans *o);
size_t orphans_announcements(const struct orphans *o);
struct orphan_info {
    const struct tx *tx;
    const int *peers;
    size_t n_peers;
};
void orphans_each(const struct orphans *o, void (*fn)(void *arg, const struct orphan_info *i),
                  void *arg);

#endif
