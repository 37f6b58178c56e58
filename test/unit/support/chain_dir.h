/*
 * Chains for tests: a chain in a folder of its own with or without threads, a factory of regtest
 * blocks, and short names for what tests ask.
 */
#ifndef MITE_TEST_CHAIN_DIR_H
#define MITE_TEST_CHAIN_DIR_H

#include "validation/chain.h"

struct test_chain {
    char *dir;
    struct workers *workers;
    struct chain_options opts;
    struct chain *chain; /* NULL while closed */
    char *error;         /* of the last open that failed */
    char *fatal;         /* what opts.fatal was told */
};

/* A folder under TMPDIR; options for the network with everything checked. Not opened yet. */
void test_chain_init(struct test_chain *t, const char *network, unsigned threads);
/* The same in a folder that is there. */
void test_chain_init_in(struct test_chain *t, const char *network, unsigned threads,
                        const char *dir);
bool test_chain_open(struct test_chain *t);
void test_chain_close(struct test_chain *t);
/* Closes and removes the folder. */
void test_chain_clear(struct test_chain *t);
/* Waits for it, whatever has to be run. */
struct coins_stats test_chain_stats(struct test_chain *t, enum coins_hash_type type);
/* Its hash as hex, as RPC shows it. */
char *test_chain_coins_hash(struct test_chain *t, char out[HASH_HEX_SIZE]);
const struct block_index *test_chain_find(const struct test_chain *t, const char *hex);

/* ---- blocks ---- */

/* A block on `prev`, solved: a coinbase that pays to OP_TRUE (distinct by `tag`), then `txs`. The
 * reward is the subsidy and `fees`. */
struct block *factory_block(const struct network *net, const struct block_index *prev,
                            const struct tx *const *txs, size_t n_txs, int64_t fees, uint32_t tag);
/* The same on a header that no chain knows yet. */
struct block *factory_block_on(const struct network *net, const struct hnode *prev,
                               const struct tx *const *txs, size_t n_txs, int64_t fees,
                               uint32_t tag);
/* Solves the header again after a change. */
struct block *factory_solve(const struct network *net, const struct block *b);
/* A transaction that spends outputs which pay to OP_TRUE (in segwit's version too, see
 * factory_true()) to `n_out` equal ones, leaving `fee`. */
struct tx *factory_spend(const struct outpoint *prevs, size_t n, int64_t total, uint32_t n_out,
                         int64_t fee);
/* P2WSH of OP_TRUE: what the factory's outputs pay to. */
struct span factory_true(void);
/* Mines `n` blocks on the tip; returns the last block's index. */
const struct block_index *factory_extend(struct test_chain *t, int n, uint32_t tag);
/* Accepts and drains; true where the block was taken in (not: where it is valid in its chain). */
bool factory_submit(struct test_chain *t, const struct block *b, struct verdict *v);

#endif
