/*
 * The public face of transactions, blocks and hashes.
 *
 * What users hold as mite_tx and mite_block are the node's own objects under a name that says
 * nothing about their inside: no second representation, no copy. Numbers of inputs, outputs and
 * items that callers ask for are checked here, since below they would be bugs. A transaction of a
 * block is handed out as const, so that mite_tx_free() does not take it.
 */
#include <stdlib.h>
#include <string.h>

#include "chain/block.h"
#include "crypto/hash.h"
#include "mite/chain.h"
#include "mite/hash.h"
#include "util/mem.h"

static const struct tx *tx_of(const mite_tx *tx)
{
    return (const struct tx *)tx;
}

static const struct block *block_of(const mite_block *block)
{
    return (const struct block *)block;
}

mite_tx *mite_tx_parse(const uint8_t *tx, size_t tx_len)
{
    return (mite_tx *)tx_parse(tx, tx_len);
}

void mite_tx_free(mite_tx *tx)
{
    tx_unref(tx_of(tx));
}

void mite_tx_id(const mite_tx *tx, uint8_t out[32])
{
    memcpy(out, tx_of(tx)->txid.b, 32);
}

void mite_tx_witness_id(const mite_tx *tx, uint8_t out[32])
{
    memcpy(out, tx_of(tx)->wtxid.b, 32);
}

uint32_t mite_tx_version(const mite_tx *tx)
{
    return tx_of(tx)->version;
}

uint32_t mite_tx_lock_time(const mite_tx *tx)
{
    return tx_of(tx)->lock_time;
}

uint32_t mite_tx_weight(const mite_tx *tx)
{
    return tx_weight(tx_of(tx));
}

int mite_tx_is_coinbase(const mite_tx *tx)
{
    return tx_is_coinbase(tx_of(tx));
}

size_t mite_tx_n_inputs(const mite_tx *tx)
{
    return tx_of(tx)->n_in;
}

size_t mite_tx_n_outputs(const mite_tx *tx)
{
    return tx_of(tx)->n_out;
}

int mite_tx_input(const mite_tx *tx, size_t input, mite_input *out)
{
    const struct tx_in *in;

    if (input >= tx_of(tx)->n_in)
        return 0;
    in = &tx_of(tx)->in[input];
    *out = (mite_input){in->prev.txid.b,     in->prev.n,         in->sequence,
                        in->script_sig.data, in->script_sig.len, in->witness.n};
    return 1;
}

int mite_tx_output(const mite_tx *tx, size_t output, mite_output *out)
{
    const struct tx_out *o;

    if (output >= tx_of(tx)->n_out)
        return 0;
    o = &tx_of(tx)->out[output];
    *out = (mite_output){o->script_pubkey.data, o->script_pubkey.len, o->value};
    return 1;
}

int mite_tx_witness(const mite_tx *tx, size_t input, size_t item, const uint8_t **out,
                    size_t *out_len)
{
    const struct witness *w;

    if (input >= tx_of(tx)->n_in)
        return 0;
    w = &tx_of(tx)->in[input].witness;
    if (item >= w->n)
        return 0;
    *out = w->items[item].data;
    *out_len = w->items[item].len;
    return 1;
}

/* ---- blocks ---- */

mite_block *mite_block_parse(const uint8_t *block, size_t block_len)
{
    return (mite_block *)block_parse(block, block_len);
}

void mite_block_free(mite_block *block)
{
    block_unref(block_of(block));
}

void mite_block_hash(const mite_block *block, uint8_t out[32])
{
    memcpy(out, block_of(block)->hash.b, 32);
}

void mite_block_header(const mite_block *block, uint8_t out[80])
{
    header_write(&block_of(block)->header, out);
}

uint32_t mite_block_weight(const mite_block *block)
{
    return block_weight(block_of(block));
}

size_t mite_block_n_txs(const mite_block *block)
{
    return block_of(block)->n_tx;
}

const mite_tx *mite_block_tx(const mite_block *block, size_t tx)
{
    return tx < block_of(block)->n_tx ? (const mite_tx *)block_of(block)->tx[tx] : NULL;
}

/* ---- hashes ---- */

void mite_sha256(uint8_t out[32], const void *data, size_t len)
{
    sha256(out, data, len);
}

void mite_sha256d(uint8_t out[32], const void *data, size_t len)
{
    sha256d(out, data, len);
}

void mite_ripemd160(uint8_t out[20], const void *data, size_t len)
{
    ripemd160(out, data, len);
}

void mite_hash160(uint8_t out[20], const void *data, size_t len)
{
    hash160(out, data, len);
}

void mite_tagged_hash(uint8_t out[32], const char *tag, const void *data, size_t len)
{
    struct sha256 h;

    sha256_init_tagged(&h, tag);
    sha256_write(&h, data, len);
    sha256_final(&h, out);
}

void mite_merkle_root(uint8_t out[32], const uint8_t *hashes, size_t n, int *mutated)
{
    uint8_t(*leaves)[32] = xreallocarray(NULL, n ? n : 1, sizeof(*leaves));
    bool twice;

    if (n)
        memcpy(leaves, hashes, n * sizeof(*leaves));
    merkle_root(out, leaves, n, &twice);
    free(leaves);
    if (mutated)
        *mutated = twice;
}

char *mite_hash_text(char out[MITE_HASH_TEXT_SIZE], const uint8_t hash[32])
{
    return hash_to_hex(out, hash);
}

int mite_hash_parse(uint8_t out[32], const char *text)
{
    return hash_from_hex(out, text);
}
