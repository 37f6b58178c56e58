/*
 * Mining: block templates from the mempool, blocks on demand, and the built-in miner.
 */
#ifndef MITE_MINING_MINING_H
#define MITE_MINING_MINING_H

#include "mempool/mempool.h"

struct template_options {
    int64_t max_weight;      /* -blockmaxweight */
    int64_t reserved_weight; /* -blockreservedweight: header, coinbase */
    int64_t reserved_sigops; /* cost kept for the coinbase: 400 */
    int64_t min_feerate;     /* -blockmintxfee, sat/kvB */
    int32_t version;         /* 0: computed; -blockversion on regtest */
};

#define DEFAULT_BLOCK_RESERVED_WEIGHT 8000
#define DEFAULT_BLOCK_RESERVED_SIGOPS 400
#define DEFAULT_BLOCK_MIN_FEERATE     1

/* A block ready but for its nonce; transactions as mempool_select() chose them. */
struct block_template {
    struct header header;
    const struct tx *coinbase;
    struct block_selection selected;
    int32_t height;
    int64_t subsidy_and_fees;
    int64_t weight;   /* reserved weight and transactions */
    int64_t min_time; /* median time past + 1, or what BIP94 asks */
    bool has_commitment;
    uint8_t witness_commitment[32];
};
/* With `mempool` NULL the block is empty but for its coinbase. */
struct block_template *template_create(struct chain *c, struct mempool *m,
                                       const struct template_options *o,
                                       struct span coinbase_script);
/* With these transactions, in this order, whatever they pay: the coinbase claims the subsidy alone.
 */
struct block_template *template_create_with(struct chain *c, const struct template_options *o,
                                            struct span coinbase_script,
                                            const struct tx *const *txs, size_t n);
/* Of the last template that chose from a mempool; not known before the first. */
struct template_size {
    bool known;
    int64_t weight;
    size_t n_tx;
};
struct template_size template_last_size(void);
void template_destroy(struct block_template *t);
/* The block with a fresh extranonce in its coinbase and the merkle root that follows. */
struct block *template_block(const struct block_template *t, uint64_t extranonce);
/* Its header alone; from any thread, since a template that nobody updates is not written to. */
void template_header(const struct block_template *t, uint64_t extranonce, struct header *out);
/* Time of a header made now: not before min_time; bits follow it on test networks. */
void template_update_time(struct block_template *t, struct chain *c);

/* The least time that a block after prev may have. */
int64_t template_min_time(const struct network *net, const struct hnode *prev);

/* Solves a block on this thread, as generatetoaddress does. NULL after max_tries nonces. */
struct block *mine_block(const struct block *b, const struct network *net, uint64_t *max_tries);

/* ---- the built-in miner ---- */
struct miner;
struct miner_options {
    struct chain *chain;
    struct mempool *mempool;
    struct template_options tmpl;
    struct span script;   /* where the reward goes */
    unsigned threads;     /* 0: all processors */
    void (*wake)(void *); /* from any thread: the owner must call miner_poll() soon */
    void *wake_arg;
};
/* Subscribes to the chain; the script is copied. Work is given out by the first miner_poll(). */
struct miner *miner_start(const struct miner_options *o);
/* Ends the threads within milliseconds; before the chain is closed. */
void miner_stop(struct miner *m);
/* On the owner: hands in blocks found and gives out fresh work. Also call it every few seconds.
 * There is no work while a chain of value is being synchronised or the chain's disk failed. */
void miner_poll(struct miner *m);
struct miner_stats {
    const char *kernel;
    unsigned threads;
    uint64_t hashes;
    double hashes_per_second;
    uint64_t blocks_found;
};
void miner_stats(const struct miner *m, struct miner_stats *out);
/* Estimated hashes per second of the network over `lookup` blocks (-1: since the last retarget). */
double network_hashps(const struct chain *c, int lookup, int height);

#endif
