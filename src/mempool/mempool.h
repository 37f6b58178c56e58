/*
 * The mempool: unconfirmed transactions in clusters, each with its linearisation in chunks; one
 * notion of feerate serves mining, eviction, replacement and relay.
 */
#ifndef MITE_MEMPOOL_MEMPOOL_H
#define MITE_MEMPOOL_MEMPOOL_H

#include "validation/chain.h"

struct mempool;

struct mempool_options {
    struct chain *chain;
    struct sig_memo *sig_memo;     /* may be NULL */
    size_t max_bytes;              /* -maxmempool, as memory */
    int64_t min_relay_feerate;     /* sat/kvB */
    int64_t incremental_feerate;
    int64_t dust_relay_feerate;
    int64_t expiry_seconds;
    unsigned cluster_count_limit;  /* 64 */
    int64_t cluster_size_limit_vb; /* 101000 */
    unsigned max_datacarrier_bytes; /* 0: not relayed */
    bool permit_bare_multisig;
    bool require_standard;
    int check_ratio;               /* -checkmempool */
};

/* One transaction in the pool; read-only outside mempool/. Valid until the owner's next change. */
struct mempool_entry {
    struct txid txid; /* key of the pool's table */
    const struct tx *tx;
    int64_t fee;
    int64_t fee_delta; /* prioritisetransaction */
    int32_t vsize;     /* sigop-adjusted */
    int32_t weight;
    int64_t sigops_cost;
    int64_t time;      /* entry, seconds */
    int32_t height;    /* of the tip at entry */
    uint64_t sequence; /* order of entry */
    bool spends_coinbase;
    bool unbroadcast;
    struct sequence_lock lock;
    struct cluster *cluster; /* mempool/ private */
    uint32_t cluster_pos;
};

struct mempool *mempool_create(const struct mempool_options *opts); /* subscribes to the chain */
void mempool_destroy(struct mempool *m);

struct accept_result {
    struct verdict verdict; /* "insufficient fee", "txn-mempool-conflict", "min relay fee not met", ... */
    int64_t fee;
    int32_t vsize;
    int64_t effective_feerate; /* sat/kvB */
    struct txid *replaced;     /* malloc'ed */
    size_t n_replaced;
};
void accept_result_clear(struct accept_result *r);
enum mempool_accept_flags {
    MEMPOOL_TEST = 1,         /* change nothing */
    MEMPOOL_BYPASS_LIMITS = 2 /* after a reorganisation */
};
/* Drains the chain's pipeline first. Returns r->verdict.kind == VERDICT_VALID. */
bool mempool_accept(struct mempool *m, const struct tx *tx, unsigned flags, struct accept_result *r);

const struct mempool_entry *mempool_get(const struct mempool *m, const struct txid *txid);
const struct mempool_entry *mempool_get_wtxid(const struct mempool *m, const struct wtxid *wtxid);
/* The entry that spends o, or NULL. */
const struct mempool_entry *mempool_spender(const struct mempool *m, const struct outpoint *o);
/* Coins of the chain with the pool on top: spent in the pool is COIN_MISSING where `include_spent`
 * is false; height of unconfirmed ones is MEMPOOL_HEIGHT. */
#define MEMPOOL_HEIGHT 0x7fffffff
enum coin_result mempool_coin(struct mempool *m, const struct outpoint *o, bool include_spent,
    struct coin *out, struct buf *memory) MUST_USE;

size_t mempool_count(const struct mempool *m);
int64_t mempool_total_vsize(const struct mempool *m);
int64_t mempool_total_fee(const struct mempool *m);
size_t mempool_memory(const struct mempool *m);
uint64_t mempool_sequence(const struct mempool *m); /* counts every addition and removal */
int64_t mempool_min_feerate(const struct mempool *m); /* rolling minimum, sat/kvB */
const struct mempool_options *mempool_opts(const struct mempool *m);
/* All entries, best chunk first (a topological order); caller frees the array. */
const struct mempool_entry **mempool_sorted(struct mempool *m, size_t *n);
/* Parents and children in the pool, ancestors and descendants without the entry itself. Caller frees. */
const struct mempool_entry **mempool_relatives(struct mempool *m, const struct mempool_entry *e,
    int kind /* enum relation */, size_t *n);
enum relation { RELATION_PARENTS, RELATION_CHILDREN, RELATION_ANCESTORS, RELATION_DESCENDANTS };
/* Chunk feerate of the entry as mining sees it, fee and size of its chunk. */
void mempool_chunk(struct mempool *m, const struct mempool_entry *e, int64_t *fee, int32_t *vsize);

void mempool_prioritise(struct mempool *m, const struct txid *txid, int64_t fee_delta);
int64_t mempool_fee_delta(const struct mempool *m, const struct txid *txid);
void mempool_remove(struct mempool *m, const struct txid *txid); /* with descendants */
void mempool_set_unbroadcast(struct mempool *m, const struct txid *txid, bool on);
void mempool_tick(struct mempool *m); /* expiry; every few minutes */
/* mempool.dat; false with a message (caller frees) on an error of the disk. */
bool mempool_save(struct mempool *m, const char *path, char **error);
bool mempool_load(struct mempool *m, const char *path, char **error);

enum removal_reason {
    REMOVED_EXPIRY, REMOVED_SIZELIMIT, REMOVED_REORG, REMOVED_BLOCK, REMOVED_CONFLICT, REMOVED_REPLACED
};
struct mempool_events {
    void (*added)(void *arg, const struct mempool_entry *e);
    void (*removed)(void *arg, const struct tx *tx, enum removal_reason reason, uint64_t sequence);
};
void mempool_subscribe(struct mempool *m, const struct mempool_events *ev, void *arg);

/* ---- block templates: best chunks first, within the limits ---- */
struct block_selection {
    const struct tx **txs; /* topological order */
    int64_t *fees, *sigops_cost;
    size_t n;
    int64_t total_fee, total_weight, total_sigops;
};
void mempool_select(struct mempool *m, int64_t max_weight, int64_t max_sigops, int64_t min_feerate,
    struct block_selection *out);
void block_selection_clear(struct block_selection *s);

#endif
