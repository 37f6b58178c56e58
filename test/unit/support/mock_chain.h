/*
 * A chain made of nothing but a table of coins and a row of tips, for tests of the mempool: it has
 * the calls that the mempool makes, and connects and disconnects whatever block it is told to.
 */
#ifndef MITE_TEST_MOCK_CHAIN_H
#define MITE_TEST_MOCK_CHAIN_H

#include "validation/chain.h"

struct chain *mock_chain_create(int32_t height);
void mock_chain_destroy(struct chain *c);
void mock_chain_forget_subscribers(struct chain *c);
/* A confirmed coin that anybody can spend with mock_witness. */
struct outpoint mock_coin(struct chain *c, int64_t value, bool coinbase, int32_t height);
/* The block becomes the tip: coins move, events are sent. */
void mock_connect(struct chain *c, const struct tx *const *txs, size_t n);
/* The last `n` blocks go, then the tip changes. */
void mock_disconnect(struct chain *c, unsigned n);
bool mock_has_coin(const struct chain *c, const struct outpoint *o);

/* P2WSH of OP_TRUE: standard, and needs no key. */
struct span mock_script(void);
/* A transaction that spends these, with outputs of these values to mock_script(). */
struct tx *mock_tx(const struct outpoint *in, size_t n_in, const int64_t *values, size_t n_out,
                   uint32_t version);

#endif
