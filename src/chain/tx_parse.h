/* Private to chain/: how transactions and blocks parse and place transactions in memory. */
#ifndef MITE_CHAIN_TX_PARSE_H
#define MITE_CHAIN_TX_PARSE_H

#include "chain/tx.h"

/* What a serialised transaction holds, found by reading over it once. */
struct tx_layout {
    uint32_t n_in, n_out;
    uint32_t n_items; /* of all witnesses */
    uint32_t size, base_size;
    bool has_witness;
};

/* The arrays of one or many transactions, as they are handed out. */
struct tx_space {
    struct tx_in *in;
    struct tx_out *out;
    struct span *items;
};

/* Reads over one transaction. False (and the reader failed) where there is none. */
bool tx_scan(struct reader *r, bool allow_witness, struct tx_layout *l) MUST_USE;
/* Makes the transaction that tx_scan found at `raw`, with views into raw, and takes its arrays
 * from `space`. Ids are left to tx_hash(). */
void tx_place(struct tx *tx, const uint8_t *raw, const struct tx_layout *l, struct tx_space *space);
void tx_hash(struct tx *tx);
/* The ids of many, hashed side by side: less than half the time of one by one. */
void tx_hash_many(struct tx *const *txs, size_t n);

#endif
