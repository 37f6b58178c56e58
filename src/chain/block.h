/* Blocks: immutable, reference-counted; the transactions and their arrays are freed with the block.
 */
#ifndef MITE_CHAIN_BLOCK_H
#define MITE_CHAIN_BLOCK_H

#include "chain/tx.h"

#define HEADER_SIZE 80

struct header {
    int32_t version;
    struct block_hash prev;
    uint8_t merkle_root[32];
    uint32_t time, bits, nonce;
};

void header_write(const struct header *h, uint8_t out[HEADER_SIZE]);
void header_read(struct header *h, const uint8_t in[HEADER_SIZE]);
struct block_hash header_hash(const struct header *h);

struct block {
    struct header header;
    struct block_hash hash;
    uint32_t n_tx;
    struct tx *const *tx;
    struct span raw;    /* as serialised, with witnesses */
    uint32_t base_size; /* bytes without witnesses, header and count included */
    /* private */
    int refs;      /* atomic */
    size_t memory; /* bytes of the struct and its arrays */
};

/* All of `data` is one block. Copies the bytes. Computes every txid and wtxid. NULL where it is
 * none; a block without transactions parses (the rules refuse it). */
struct block *block_parse(const void *data, size_t len) MUST_USE;
/* The same, taking over `data` (malloc) in every case. */
struct block *block_parse_take(uint8_t *data, size_t len) MUST_USE;
/* How many of the bytes are a block, where more may follow; 0: it is none. */
size_t block_extent(const void *data, size_t len) MUST_USE;
/* From parts, as a miner does. Transactions are copied. */
struct block *block_create(const struct header *h, const struct tx *const *txs, size_t n) MUST_USE;
/* Another header over the same transactions (a solved nonce). */
struct block *block_with_header(const struct block *b, const struct header *h) MUST_USE;
struct block *block_ref(const struct block *b);
void block_unref(const struct block *b);
void block_write(struct buf *b, const struct block *block, bool witness);
uint32_t block_weight(const struct block *b);
size_t block_memory(const struct block *b);

/* Merkle roots. *mutated (may be NULL): two equal hashes meet in a level (CVE-2012-2459). */
void merkle_root(uint8_t root[32], uint8_t (*leaves)[32], size_t n,
                 bool *mutated); /* leaves are overwritten */
void block_merkle_root(const struct block *b, uint8_t root[32], bool *mutated);
void block_witness_merkle_root(const struct block *b,
                               uint8_t root[32]); /* coinbase counts as zero */
/* Branch of leaf 0 (for Stratum and signet): the siblings from the bottom up. Returns how many. */
size_t merkle_branch_first(uint8_t (*branch)[32], const uint8_t (*leaves)[32], size_t n);

#endif
