/*
 * Acceptance in its three parts, kept apart so that the second can run elsewhere: prepare (state is
 * read, nothing changed), scripts (pure), finish (state is changed). Inside mempool/ only.
 */
#ifndef MITE_MEMPOOL_ACCEPT_H
#define MITE_MEMPOOL_ACCEPT_H

#include "mempool/pool.h"
#include "script/verify.h"
#include "util/arena.h"

struct acceptance {
    struct mempool *m;
    const struct tx *tx;
    unsigned flags;
    int64_t time;
    struct accept_result *r;
    struct verdict *v; /* r's */

    struct arena arena;
    struct coin *coins; /* of the inputs, in order; scripts in the arena */
    const struct coin **coin_ptrs;
    struct tx_out *spent;
    bool spends_coinbase;

    struct mempool_entry *entry; /* not yet in the pool */
    struct entry_list conflicts; /* direct ones, and an evicted sibling */
    bool sibling_eviction;
    struct change change; /* staged by prepare */
    uint64_t version;     /* of the pool when prepared */
};

/* All but scripts. False: a->v says why. */
bool accept_prepare(struct acceptance *a);
/* Rules of BIP431 for one transaction, whose parents stand in a->change. May add a sibling to the
 * conflicts, to be replaced. */
bool accept_truc(struct acceptance *a);
/* A parent's dust must be spent by the child that comes for it. */
bool accept_ephemeral(struct acceptance *a);
/* Conflicts leave, limits of clusters hold, and the replacement pays. Stages the change. */
bool accept_clusters(struct acceptance *a);
/* Every input under the standard rules; reads nothing but `a`. */
bool accept_scripts(struct acceptance *a);
/* Notes in the script cache that they are good. */
void accept_remember(const struct acceptance *a);
/* Puts the entry in, and the replaced ones out. */
void accept_finish(struct acceptance *a);
/* All three in one, on a chain that is not busy. */
bool pool_accept(struct mempool *m, const struct tx *tx, unsigned flags, int64_t time,
                 struct accept_result *r);

#endif
