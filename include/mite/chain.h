/*
 * Transactions and blocks: parsed once, then looked at. Both are opaque and never change, so any
 * number of threads may look at one. Whatever bytes are given: they parse, or NULL comes back.
 */
#ifndef MITE_CHAIN_H
#define MITE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

/* What the shared library exports. */
#if defined(__GNUC__)
#define MITE_API __attribute__((visibility("default")))
#else
#define MITE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mite_tx mite_tx;
typedef struct mite_block mite_block;

/* An output: its script and its amount in satoshi. Whose the script's bytes are says the call. */
typedef struct {
    const uint8_t *script;
    size_t script_len;
    int64_t amount;
} mite_output;

/* An input. Its pointers lead into the transaction. */
typedef struct {
    const uint8_t *prev_txid; /* 32 bytes, as on the wire */
    uint32_t prev_output;
    uint32_t sequence;
    const uint8_t *script;
    size_t script_len;
    size_t witness_items;
} mite_input;

/* ---- transactions ---- */

/* All of the bytes are one transaction, with witnesses or without; else NULL. The bytes are copied.
 * Release with mite_tx_free(). */
MITE_API mite_tx *mite_tx_parse(const uint8_t *tx, size_t tx_len);
MITE_API void mite_tx_free(mite_tx *tx); /* NULL is fine */

/* 32 bytes in the order of the wire; texts show them reversed (mite_hash_text() in hash.h). */
MITE_API void mite_tx_id(const mite_tx *tx, uint8_t out[32]);
MITE_API void mite_tx_witness_id(const mite_tx *tx, uint8_t out[32]);
MITE_API uint32_t mite_tx_version(const mite_tx *tx);
MITE_API uint32_t mite_tx_lock_time(const mite_tx *tx);
MITE_API uint32_t mite_tx_weight(const mite_tx *tx); /* BIP141 */
MITE_API int mite_tx_is_coinbase(const mite_tx *tx);
MITE_API size_t mite_tx_n_inputs(const mite_tx *tx);
MITE_API size_t mite_tx_n_outputs(const mite_tx *tx);
/* These return 0, and leave *out alone, where there is none of that number (from 0). */
MITE_API int mite_tx_input(const mite_tx *tx, size_t input, mite_input *out);
MITE_API int mite_tx_output(const mite_tx *tx, size_t output, mite_output *out);
MITE_API int mite_tx_witness(const mite_tx *tx, size_t input, size_t item, const uint8_t **out,
                             size_t *out_len);

/* ---- blocks ---- */

/* All of the bytes are one block; else NULL. Whether it is a good one says mite_check_block() in
 * consensus.h. Release with mite_block_free(). */
MITE_API mite_block *mite_block_parse(const uint8_t *block, size_t block_len);
MITE_API void mite_block_free(mite_block *block);

MITE_API void mite_block_hash(const mite_block *block, uint8_t out[32]);
MITE_API void mite_block_header(const mite_block *block, uint8_t out[80]);
MITE_API uint32_t mite_block_weight(const mite_block *block);
MITE_API size_t mite_block_n_txs(const mite_block *block);
/* Transaction of that number, good as long as the block, not to be freed; NULL where there is none.
 */
MITE_API const mite_tx *mite_block_tx(const mite_block *block, size_t tx);

#ifdef __cplusplus
}
#endif

#endif
