/*
 * Indexes beside the chain: where each transaction is (-txindex), the compact filter of each block
 * (-blockfilterindex), the statistics of all coins at each height (-coinstatsindex), what spends
 * each output (-txospenderindex). On disk they are Bitcoin Core's, under indexes/.
 *
 * They follow the active chain by themselves, on workers; an index may be behind it. Everything
 * here is called on the owner's thread.
 */
#ifndef MITE_INDEX_INDEX_H
#define MITE_INDEX_INDEX_H

#include "validation/chain.h"

struct indexes;
struct index;

enum index_id { INDEX_TX, INDEX_COIN_STATS, INDEX_SPENDER, INDEX_FILTER, INDEX_COUNT };

struct index_options {
    struct chain *chain;
    struct workers *workers;
    const char *datadir;       /* of the network */
    bool enabled[INDEX_COUNT]; /* by index_id */
    size_t cache_bytes;        /* of each database */
    bool wipe;                 /* build them anew */
    /* The disk or a database failed: the node stops. The message is a sentence for the user. */
    void (*fatal)(void *arg, const char *message);
    void *fatal_arg;
};

/* Opens those that are enabled, possibly none, and sets them going. NULL: *error says why (caller
 * frees). */
struct indexes *indexes_open(const struct index_options *opts, char **error);
/* No more work is begun; whoever waits is called. Then the workers can be waited for. */
void indexes_stop(struct indexes *s);
/* After indexes_stop() and the workers: notes where each index stands, and closes. */
void indexes_close(struct indexes *s);

/* NULL where it is not enabled. */
struct index *indexes_get(const struct indexes *s, enum index_id id);
const char *index_name(const struct index *ix); /* as getindexinfo shows it */
bool index_synced(const struct index *ix);      /* it has been level with the chain once */
int32_t index_height(const struct index *ix);
/* It was level with the chain, and has work to do. */
bool index_behind(const struct index *ix);
/* Calls `fn` once, later, when what is now the tip is indexed (or nothing more will be: the index
 * stops, or the tip has changed branch). */
void index_wait(struct index *ix, void (*fn)(void *arg), void *arg);
/* Forgets a waiter that has not been called. */
void index_wait_cancel(struct index *ix, const void *arg);

/* ---- asking ---- */

enum index_result { INDEX_FOUND, INDEX_MISSING, INDEX_ERROR };

/* The transaction and its block: on the active chain, or else a block that was once. The caller
 * owns *tx. */
enum index_result tx_index_find(struct index *ix, const struct txid *txid, struct tx **tx,
                                const struct block_index **block) MUST_USE;

/* The transaction that spends the output, and its block: on the active chain, or else where the
 * index stands. The caller owns *tx. */
enum index_result spender_index_find(struct index *ix, const struct outpoint *o, struct tx **tx,
                                     const struct block_index **block) MUST_USE;

/* The filter is appended to `filter` (may be NULL). Also of blocks that were once connected. */
enum index_result filter_index_get(struct index *ix, const struct block_index *i,
                                   struct buf *filter, uint8_t header[32]) MUST_USE;

/* Sums from the genesis block to a block; amounts in satoshi. */
struct coin_totals {
    uint8_t muhash[32];
    uint64_t txouts, bogosize;
    int64_t amount, subsidy;
    struct u256 prevout_spent, new_outputs, coinbase;
    int64_t lost_genesis, lost_bip30, lost_scripts, lost_unclaimed;
};
enum index_result coin_stats_index_get(struct index *ix, const struct block_index *i,
                                       struct coin_totals *out) MUST_USE;

#endif
