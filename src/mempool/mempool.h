/*
 * The mempool: unconfirmed transactions in clusters, each with its linearisation in chunks; one
 * notion of feerate serves mining, eviction, replacement and relay.
 *
 * All calls are made on the owner's thread. Whoever asks about the pool together with the chain
 * does so while the chain is not busy (chain_drain()); mempool_accept() sees to it by itself.
 */
#ifndef MITE_MEMPOOL_MEMPOOL_H
#define MITE_MEMPOOL_MEMPOOL_H

#include "mempool/feerate.h"
#include "mempool/policy.h"
#include "validation/chain.h"

struct mempool;

#define DEFAULT_MAX_MEMPOOL_BYTES     300000000
#define DEFAULT_MIN_RELAY_FEERATE     100
#define DEFAULT_INCREMENTAL_FEERATE   100
#define DEFAULT_DUST_RELAY_FEERATE    3000
#define DEFAULT_MEMPOOL_EXPIRY_HOURS  336
#define DEFAULT_CLUSTER_COUNT_LIMIT   64
#define DEFAULT_CLUSTER_SIZE_LIMIT_VB 101000
#define DEFAULT_DATACARRIER_BYTES     100000
#define MEMPOOL_BYTES_PER_CLUSTER_VB  40 /* of -limitclustersize that -maxmempool must hold */

struct mempool_options {
    struct chain *chain;
    struct workers *workers;   /* for scripts of several inputs; may be NULL */
    size_t max_bytes;          /* -maxmempool, as memory */
    int64_t min_relay_feerate; /* sat/kvB */
    int64_t incremental_feerate;
    int64_t dust_relay_feerate;
    int64_t expiry_seconds;
    unsigned cluster_count_limit; /* at most 64 */
    int64_t cluster_size_limit_vb;
    unsigned max_datacarrier_bytes; /* 0: not relayed */
    unsigned bytes_per_sigop;
    bool permit_bare_multisig;
    bool require_standard;
    bool persist_v1; /* mempool.dat in the old, unobfuscated form */
    int check_ratio; /* -checkmempool: one change in so many is followed by a check; 0: never */
};
/* All defaults; chain and workers are left NULL. */
void mempool_options_init(struct mempool_options *o);

struct mempool_spend {
    struct outpoint prev;
    uint32_t index; /* of the input */
};

/* One transaction in the pool; read-only outside mempool/. Valid until the owner's next change. */
struct mempool_entry {
    struct txid txid; /* key of the pool's table */
    const struct tx *tx;
    int64_t fee;
    int64_t fee_delta;       /* prioritisetransaction; fee + fee_delta is the modified fee */
    int64_t time;            /* entry, seconds */
    uint64_t sequence;       /* of the pool when it came; 0 where it came back from a block */
    int32_t height;          /* of the tip at entry */
    int32_t vsize;           /* sigop-adjusted */
    int32_t weight;          /* as BIP141 counts it */
    int32_t adjusted_weight; /* at least bytes_per_sigop for each unit of sigops_cost */
    int32_t sigops_cost;
    bool spends_coinbase;
    bool unbroadcast;
    /* mempool/ private */
    bool doomed;
    uint32_t cluster_pos, scratch;
    struct cluster *cluster;
    uint64_t serial; /* order of arrival in this process */
    struct mempool_spend spends[];
};

struct mempool *mempool_create(const struct mempool_options *opts); /* subscribes to the chain */
void mempool_destroy(struct mempool *m);

struct accept_result {
    struct verdict
        verdict; /* "insufficient fee", "txn-mempool-conflict", "min relay fee not met", ... */
    int64_t fee; /* base fee, where it was found out (vsize is not 0) */
    int64_t modified_fee;
    int32_t vsize;
    struct txid *replaced; /* malloc'ed */
    size_t n_replaced;
};
void accept_result_clear(struct accept_result *r);
enum mempool_accept_flags {
    MEMPOOL_TEST = 1,         /* change nothing */
    MEMPOOL_BYPASS_LIMITS = 2 /* after a reorganisation */
};
/* Drains the chain's pipeline first. Returns r->verdict.kind == VERDICT_VALID. */
bool mempool_accept(struct mempool *m, const struct tx *tx, unsigned flags,
                    struct accept_result *r);
/* The same with the time at which the transaction is said to have come (mempool.dat). */
bool mempool_accept_at(struct mempool *m, const struct tx *tx, unsigned flags, int64_t time,
                       struct accept_result *r);

/* ---- packages: a child and the parents that it pays for ---- */

#define PACKAGE_MAX 25
struct package_member {
    enum {
        MEMBER_NOT_VALIDATED,
        MEMBER_ACCEPTED,
        MEMBER_KNOWN,         /* was in the pool already */
        MEMBER_OTHER_WITNESS, /* the same with another witness was: `other` */
        MEMBER_REFUSED        /* r.verdict says why */
    } state;
    struct accept_result r;
    struct wtxid other;
    int64_t effective_feerate; /* sat/kvB, with which it was judged... */
    uint32_t fee_members;      /* ...together with these: bits of their positions */
};
struct package_result {
    /* "transaction failed", "package-not-sorted", "too-large-cluster", ... */
    struct verdict verdict;
    bool of_package; /* refused as a package, not for one of its members */
    struct package_member member[PACKAGE_MAX];
    size_t n;
};
/* Parents first, the child last. With `test` (then any shape, and no replacement) nothing changes.
 * Members may be in the pool afterwards though the package failed. Drains the chain's pipeline
 * first. Clear the result in any case. */
bool mempool_accept_package(struct mempool *m, const struct tx *const *txs, size_t n, bool test,
                            int64_t max_feerate, struct package_result *out);
void package_result_clear(struct package_result *r);
/* Every other one is spent by the last; in a tree none of the parents spends another. */
bool package_is_child_with_parents(const struct tx *const *txs, size_t n);
bool package_is_tree(const struct tx *const *txs, size_t n);

const struct mempool_entry *mempool_get(const struct mempool *m, const struct txid *txid);
const struct mempool_entry *mempool_get_wtxid(const struct mempool *m, const struct wtxid *wtxid);
/* The entry that spends o, or NULL. */
const struct mempool_entry *mempool_spender(const struct mempool *m, const struct outpoint *o);
/* Coins of the chain with the pool on top: spent in the pool is COIN_MISSING where `include_spent`
 * is false; height of unconfirmed ones is MEMPOOL_HEIGHT. The script is copied into `memory`. */
#define MEMPOOL_HEIGHT 0x7fffffff
enum coin_result mempool_coin(struct mempool *m, const struct outpoint *o, bool include_spent,
                              struct coin *out, struct buf *memory) MUST_USE;

/* All transactions in no order: *pos = 0 before the first, NULL ends. No change meanwhile. */
const struct tx *mempool_next_tx(const struct mempool *m, size_t *pos);

size_t mempool_count(const struct mempool *m);
int64_t mempool_total_vsize(const struct mempool *m);
int64_t mempool_total_fee(const struct mempool *m);
size_t mempool_memory(const struct mempool *m);
uint64_t mempool_sequence(const struct mempool *m); /* counts every addition and removal */
uint64_t mempool_version(const struct mempool *m);  /* counts every change, of fees too */
/* What a transaction must pay to get in while the pool is full: the rolling minimum, sat/kvB; 0
 * where there is none. The relay minimum is beside it. */
int64_t mempool_min_feerate(struct mempool *m);
bool mempool_is_optimal(const struct mempool *m); /* every linearisation is known to be optimal */
bool mempool_loaded(const struct mempool *m);
void mempool_set_loaded(struct mempool *m);
const struct mempool_options *mempool_opts(const struct mempool *m);
/* All entries, best chunk first (a topological order); caller frees the array. */
const struct mempool_entry **mempool_sorted(const struct mempool *m, size_t *n);

enum relation { RELATION_PARENTS, RELATION_CHILDREN, RELATION_ANCESTORS, RELATION_DESCENDANTS };
/* Relatives in the pool without the entry itself, in the order of mining. Caller frees. */
const struct mempool_entry **mempool_relatives(const struct mempool *m,
                                               const struct mempool_entry *e, enum relation kind,
                                               size_t *n);
/* Fee (modified) and adjusted weight of the chunk that the entry is mined in. */
struct feefrac mempool_chunk(const struct mempool *m, const struct mempool_entry *e);
/* The cluster of an entry: entries in their linearisation, and the chunks. Caller frees both. */
struct mempool_cluster_info {
    const struct mempool_entry **entries;
    size_t n;
    int64_t weight;
    struct {
        struct feefrac rate;
        unsigned count;
    } * chunks;
    size_t n_chunks;
};
void mempool_cluster(const struct mempool *m, const struct mempool_entry *e,
                     struct mempool_cluster_info *out);
/* All chunks of the pool, best first; caller frees. */
struct feefrac *mempool_diagram(const struct mempool *m, size_t *n);

/* Adds to the fee that the pool reckons with, also for a transaction that is not there (yet). */
void mempool_prioritise(struct mempool *m, const struct txid *txid, int64_t fee_delta);
struct mempool_delta {
    struct txid txid;
    int64_t delta;
};
struct mempool_delta *mempool_deltas(const struct mempool *m, size_t *n); /* caller frees */
void mempool_remove(struct mempool *m, const struct txid *txid);          /* with descendants */

/* Own transactions that nobody has asked for yet. */
void mempool_set_unbroadcast(struct mempool *m, const struct txid *txid, bool on);
size_t mempool_unbroadcast_count(const struct mempool *m);
struct txid *mempool_unbroadcast(const struct mempool *m, size_t *n); /* caller frees */

void mempool_tick(struct mempool *m);  /* expiry; every few minutes */
void mempool_check(struct mempool *m); /* the whole structure, at length; aborts by CHECK */

/* mempool.dat. False with a message (caller frees) on an error of the disk or a bad file. */
struct mempool_load_options {
    bool use_current_time; /* not the file's times */
    bool apply_fee_deltas;
    bool apply_unbroadcast;
};
bool mempool_save(struct mempool *m, const char *path, char **error);
bool mempool_load(struct mempool *m, const char *path, const struct mempool_load_options *o,
                  char **error);

enum removal_reason {
    REMOVED_EXPIRY,
    REMOVED_SIZELIMIT,
    REMOVED_REORG,
    REMOVED_BLOCK,
    REMOVED_CONFLICT,
    REMOVED_REPLACED
};
struct mempool_events {
    /* `limits`: it came in the usual way, not back from a block. */
    void (*added)(void *arg, const struct mempool_entry *e, bool limits);
    void (*removed)(void *arg, const struct mempool_entry *e, enum removal_reason reason,
                    uint64_t sequence);
    /* A block took these (maybe none); `removed` follows for each. */
    void (*mined)(void *arg, const struct block *b, int32_t height,
                  const struct mempool_entry *const *e, size_t n);
};
void mempool_subscribe(struct mempool *m, const struct mempool_events *ev, void *arg);

/* ---- block templates: best chunks first, within the limits ---- */
struct block_selection {
    const struct tx **txs; /* referenced; topological order */
    int64_t *fees, *sigops_cost;
    size_t n;
    int64_t total_fee, total_weight, total_sigops;
    struct feefrac *chunks; /* that they came in */
    size_t n_chunks;
};
/* `weight` and `sigops` are used up already (header, coinbase). */
struct selection_limits {
    int64_t max_weight, weight, sigops;
    int64_t min_feerate; /* sat/kvB */
};
void mempool_select(struct mempool *m, const struct selection_limits *l,
                    struct block_selection *out);
void block_selection_clear(struct block_selection *s);

#endif
