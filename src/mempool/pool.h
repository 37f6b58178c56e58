/*
 * Inside of the mempool: clusters, their chunks in order of feerate, and staged changes. Included
 * by the .c files of this folder only.
 */
#ifndef MITE_MEMPOOL_POOL_H
#define MITE_MEMPOOL_POOL_H

#include "mempool/linearize.h"
#include "mempool/mempool.h"
#include "util/table.h"

/* A stretch of a cluster's linearisation that is mined or evicted as one; a node of the chunk tree.
 */
struct chunk {
    struct chunk *left, *right, *up;
    struct cluster *cluster;
    struct feefrac rate;
    uint32_t priority;
    uint8_t first, count; /* positions in the cluster */
};

/* Connected transactions in their linearisation. Immutable but for marks: a change makes a new one.
 */
struct cluster {
    uint64_t id; /* order of making: the older goes first where feerates are equal */
    int64_t weight;
    uint64_t mark; /* set by who walks: see mempool.next_mark */
    uint8_t n, n_chunks;
    bool optimal;
    struct chunk *chunk;
    struct mempool_entry **tx; /* topological, as mined */
    uint64_t *parents;         /* of each, bits of positions: lower ones only */
};

struct cluster *cluster_create(struct mempool *m, const struct depgraph *g, const unsigned *order,
                               bool optimal, struct mempool_entry *const *entries);
void cluster_free(struct mempool *m, struct cluster *c);
/* Makes its entries point to it and its chunks known, and the contrary. */
void cluster_install(struct mempool *m, struct cluster *c);
void cluster_uninstall(struct mempool *m, struct cluster *c);
/* The set with all its ancestors, or descendants. */
uint64_t cluster_ancestors(const struct cluster *c, uint64_t set);
uint64_t cluster_descendants(const struct cluster *c, uint64_t set);
const struct chunk *cluster_chunk_at(const struct cluster *c, unsigned pos);

/* ---- all chunks, best first ---- */

struct chunk_index {
    struct chunk *root;
};
void chunk_index_add(struct chunk_index *x, struct chunk *c);
void chunk_index_remove(struct chunk_index *x, struct chunk *c);
struct chunk *chunk_index_best(const struct chunk_index *x);
struct chunk *chunk_index_worst(const struct chunk_index *x);
struct chunk *chunk_index_next(struct chunk *c); /* the next worse one, or NULL */
bool chunk_index_check(const struct chunk_index *x, size_t *n);

/* ---- the pool ---- */

#define SUBSCRIBERS_MAX 8

struct mempool {
    struct mempool_options opts;
    struct table by_txid;  /* entries */
    struct table by_wtxid; /* their transactions */
    struct table spends;   /* mempool_spend inside entries */
    struct table deltas;   /* struct mempool_delta */
    struct chunk_index chunks;
    size_t n_suboptimal; /* clusters whose linearisation is not known to be optimal */
    size_t n_unbroadcast;
    int64_t total_vsize, total_fee;
    size_t entry_bytes, cluster_bytes; /* on the heap */
    uint64_t sequence, next_serial, next_cluster, next_mark;
    uint64_t version; /* counts every change of content: what was checked before is stale after */
    bool loaded;      /* mempool.dat is in, or was not asked for */

    int64_t oldest_time; /* no entry is older */
    int64_t expiry_scan_time;

    double rolling_feerate; /* sat/kvB */
    int64_t rolling_time;
    bool block_since_bump;

    /* Disconnected and not yet resubmitted, oldest block last. */
    const struct tx **disconnected;
    size_t n_disconnected, cap_disconnected, disconnected_bytes;
    bool reorganised;

    struct {
        struct mempool_events events;
        void *arg;
    } subscriber[SUBSCRIBERS_MAX];
    size_t n_subscribers;
};

struct mempool_entry *entry_of_spend(const struct mempool_spend *s);
struct mempool_entry *pool_find(const struct mempool *m, const struct txid *txid);
struct mempool_entry *pool_spender(const struct mempool *m, const struct outpoint *o);
struct mempool_entry *entry_create(struct mempool *m, const struct tx *tx);
void entry_free(struct mempool_entry *e);
struct feefrac entry_feefrac(const struct mempool_entry *e); /* with its delta */

/* A growing list of entries. */
struct entry_list {
    struct mempool_entry **e;
    size_t n, cap;
};
void entry_list_add(struct entry_list *l, struct mempool_entry *e);
void entry_list_clear(struct entry_list *l);
/* Adds e and what depends on it, leaving out what is marked doomed already, and marks it. */
void doom_with_descendants(struct entry_list *l, struct mempool_entry *e);
/* Takes the marks off again. */
void undoom(struct entry_list *l);

/* Takes doomed entries (all descendants included) out of their clusters, tables and totals, with
 * events. Clears the list. */
void pool_remove(struct mempool *m, struct entry_list *doomed, enum removal_reason reason);
/* The same where a committed change has taken them out of the clusters already. */
void pool_discard(struct mempool *m, struct entry_list *doomed, enum removal_reason reason);
/* Puts an entry, whose cluster a committed change has made, into the tables, with its event. */
void pool_insert(struct mempool *m, struct mempool_entry *e, bool limits);
/* What mempool_prioritise() has said of a transaction. */
int64_t pool_delta(const struct mempool *m, const struct txid *txid);
void pool_forget_delta(struct mempool *m, const struct txid *txid);
/* Expiry, then eviction of the worst chunks while memory is over the limit. */
void pool_limit(struct mempool *m);
void pool_check_sometimes(struct mempool *m); /* as -checkmempool says */

/* ---- the chain (reorg.c) ---- */

void pool_follow_chain(struct mempool *m);
void pool_forget_disconnected(struct mempool *m);

/* ---- staged changes of clusters ---- */

#define CHANGE_ADDITIONS_MAX         25
#define CHANGE_REPLACED_CLUSTERS_MAX 100

struct change {
    struct mempool *m;
    struct mempool_entry *added[CHANGE_ADDITIONS_MAX];
    struct entry_list parents[CHANGE_ADDITIONS_MAX],
        children[CHANGE_ADDITIONS_MAX];           /* in the pool */
    uint32_t added_parents[CHANGE_ADDITIONS_MAX]; /* bits of additions before it */
    unsigned n_added;
    struct entry_list doomed; /* by doom_with_descendants() */
    struct cluster **old, **fresh;
    size_t n_old, n_fresh, cap_old, cap_fresh;
    uint64_t mark;
};
void change_init(struct change *c, struct mempool *m);
void change_clear(struct change *c); /* drops what was not committed, undooms */
/* An entry that is in no table yet. Its parents are found; its children too where asked. */
void change_add(struct change *c, struct mempool_entry *e, bool with_children);
void change_doom(struct change *c, struct mempool_entry *e);
void change_touch(struct change *c, struct cluster *cl);
/* Computes the new clusters. False where one would be too large: then nothing is staged. */
bool change_stage(struct change *c);
/* The diagram of the clusters after against before. */
enum diagram_order change_diagram(const struct change *c);
/* Puts the new clusters in place of the old ones. */
void change_commit(struct change *c);

#endif
