/*
 * Acceptance in its three parts, kept apart so that the second can run elsewhere: prepare (state is
 * read, nothing changed), scripts (pure), finish (state is changed). Inside mempool/ only.
 */
#ifndef MITE_MEMPOOL_ACCEPT_H
#define MITE_MEMPOOL_ACCEPT_H

#include "mempool/pool.h"
#include "script/verify.h"
#include "util/arena.h"

/* Inside flags, beside those of mempool.h. */
enum accept_private_flags {
    ACCEPT_NO_REPLACEMENT = 256,
    ACCEPT_NO_SIBLING_EVICTION = 512,
    ACCEPT_PACKAGE_FEES = 1024, /* its feerate is judged together with others' */
    ACCEPT_IN_PACKAGE = 2048    /* limits of memory are enforced by who called */
};

struct acceptance {
    struct mempool *m;
    const struct tx *tx;
    unsigned flags;
    int64_t time;
    int64_t max_feerate; /* sat/kvB that the caller will pay; 0: any */
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
    struct change *change; /* where it is an addition, at this index */
    unsigned at;
    uint64_t version; /* of the pool when prepared */
};

void acceptance_init(struct acceptance *a, struct mempool *m, struct change *c, const struct tx *tx,
                     unsigned flags, int64_t time, struct accept_result *r);
void acceptance_clear(struct acceptance *a); /* not the change */

/* All that one transaction can be asked by itself; it is then an addition to the change. False:
 * a->v says why. */
bool accept_check(struct acceptance *a);
/* The same, then its clusters and what they contain: all but scripts. */
bool accept_prepare(struct acceptance *a);
bool accept_check_feerate(struct mempool *m, int64_t fee, int64_t vsize, struct verdict *v);
/* Rules of BIP431 for one transaction and its parents in the pool. May add a sibling to the
 * conflicts, to be replaced. */
bool accept_truc(struct acceptance *a);
/* The same for the parents that it has in its package of `n`; *v is the package's. */
bool accept_truc_package(const struct acceptance *all, unsigned n, unsigned at, struct verdict *v);
/* A parent's dust must be spent by the child that comes for it; `package` are those before it. */
bool accept_ephemeral(struct acceptance *a, const struct acceptance *package);
/* Conflicts leave, limits of clusters hold, and the replacement pays. Stages the change. */
bool accept_clusters(struct acceptance *a);
/* Of a package of one parent and one child that conflict with something in the pool. */
bool accept_clusters_package(struct acceptance *a, unsigned n, struct verdict *v);
/* Every input under the standard rules; reads nothing but `a`. */
bool accept_scripts(struct acceptance *a);
/* Notes in the script cache that they are good. */
void accept_remember(const struct acceptance *a);
/* Who is replaced, into the result. */
void accept_tell_replaced(const struct change *c, struct accept_result *r);
/* Puts the entries of a staged change in, and the replaced ones out. */
void accept_commit(struct change *c, struct acceptance *a, unsigned n);
/* Is it still there after pool_limit()? If not, "mempool full". */
bool accept_check_kept(struct mempool *m, const struct txid *txid, struct verdict *v);
/* All in one, on a chain that is not busy. */
bool pool_accept(struct mempool *m, const struct tx *tx, unsigned flags, int64_t time,
                 int64_t max_feerate, struct accept_result *r);

#endif
