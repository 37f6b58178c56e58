/*
 * Transactions. A `struct tx` is immutable and reference-counted: parsed once, with its ids, and
 * shared by mempool, blocks, peers and wallets of all threads. Its scripts are views into one copy
 * of the bytes it was parsed from. A transaction inside a block lives in the block's memory and
 * its references are the block's. To build one, fill a `struct mtx`.
 */
#ifndef MITE_CHAIN_TX_H
#define MITE_CHAIN_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/amount.h"
#include "chain/hashes.h"
#include "util/bytes.h"

#define SEQUENCE_FINAL       0xffffffffu
#define WITNESS_SCALE        4
#define MAX_BLOCK_WEIGHT     4000000
#define MAX_BLOCK_SERIALIZED 4000000
#define LOCKTIME_THRESHOLD   500000000u

struct witness {
    const struct span *items;
    uint32_t n;
};
struct tx_in {
    struct outpoint prev;
    struct span script_sig;
    uint32_t sequence;
    struct witness witness;
};
struct tx_out {
    int64_t value; /* as on the wire: may be out of range until checked */
    struct span script_pubkey;
};

struct block;
struct tx {
    struct txid txid;
    struct wtxid wtxid;
    uint32_t version;
    uint32_t lock_time;
    uint32_t n_in, n_out;
    const struct tx_in *in;
    const struct tx_out *out;
    uint32_t base_size;  /* bytes without witness */
    uint32_t total_size; /* bytes with it */
    bool has_witness;
    struct span raw; /* as serialised, with witness where there is one */
    /* private */
    struct block *block; /* the owner, or NULL */
    int refs;            /* atomic */
};

/* Parses a transaction at the reader (BIP144 form where `allow_witness`), leaving it behind the
 * last byte. NULL (and the reader failed) where the bytes are none. The caller owns a reference. */
struct tx *tx_read(struct reader *r, bool allow_witness) MUST_USE;
/* All of `data` is one transaction. */
struct tx *tx_parse(const void *data, size_t len) MUST_USE;
/* Hex from a user: tried with and without witness form as Core's decoder does, whole input used. */
struct tx *tx_parse_hex(const char *hex, bool try_no_witness, bool try_witness) MUST_USE;
struct tx *tx_ref(const struct tx *tx);
void tx_unref(const struct tx *tx);
/* A reference to one with memory of its own: a copy where `tx` lies in a block, which it then does
 * not hold any longer. */
struct tx *tx_standalone(const struct tx *tx) MUST_USE;
/* Serialisation; without witness where `witness` is false. */
void tx_write(struct buf *b, const struct tx *tx, bool witness);

static inline uint32_t tx_weight(const struct tx *tx)
{
    return tx->base_size * (WITNESS_SCALE - 1) + tx->total_size;
}
static inline uint32_t tx_vsize(const struct tx *tx)
{
    return (tx_weight(tx) + WITNESS_SCALE - 1) / WITNESS_SCALE;
}
bool tx_is_coinbase(const struct tx *tx);
size_t tx_memory(const struct tx *tx); /* heap bytes it holds */

/* ---- building ---- */

struct mtx_in {
    struct outpoint prev;
    struct buf script_sig;
    uint32_t sequence;
    struct buf *witness;
    size_t n_witness;
};
struct mtx_out {
    int64_t value;
    struct buf script_pubkey;
};
struct mtx {
    uint32_t version, lock_time;
    struct mtx_in *in;
    size_t n_in;
    struct mtx_out *out;
    size_t n_out;
};

void mtx_init(struct mtx *m); /* version 2 */
void mtx_clear(struct mtx *m);
void mtx_from_tx(struct mtx *m, const struct tx *tx);
struct mtx_in *mtx_add_in(struct mtx *m, const struct outpoint *prev, uint32_t sequence);
struct mtx_out *mtx_add_out(struct mtx *m, int64_t value, struct span script_pubkey);
void mtx_insert_out(struct mtx *m, size_t at, int64_t value, struct span script_pubkey);
void mtx_in_set_witness(struct mtx_in *in, const struct span *items, size_t n);
/* The immutable form; any mtx has one (also without inputs, which is then not parseable again). */
struct tx *mtx_finish(const struct mtx *m) MUST_USE;

#endif
