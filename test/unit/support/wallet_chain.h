/* A chain and a mempool in memory, as a wallet sees them: real blocks and transactions, no rules.
 */
#ifndef MITE_TEST_WALLET_CHAIN_H
#define MITE_TEST_WALLET_CHAIN_H

#include "wallet/wallet.h"

struct wallet_chain {
    struct block **blocks;
    size_t n;
    const struct tx **pool;
    size_t n_pool;
    bool accept;             /* what submit() answers */
    int64_t estimate;        /* sat/kvB, 0: none */
    struct wallets *wallets; /* told of what is submitted */
};

void wallet_chain_init(struct wallet_chain *c);
void wallet_chain_clear(struct wallet_chain *c);
void wallet_chain_push(struct wallet_chain *c, struct block *b); /* takes over b */
void wallet_chain_pop(struct wallet_chain *c);
/* A block on top that pays `value` to `script`, with the pool's transactions where `with_pool`.
 * Tells nobody. */
struct block *wallet_chain_mine(struct wallet_chain *c, struct span script, int64_t value,
                                int64_t time, bool with_pool);
void wallet_chain_node(struct wallet_chain *c, struct wallet_node *out);
void wallet_chain_options(struct wallets_options *o, const char *dir,
                          const struct wallet_node *node);

#endif
