/*
 * Compact blocks (BIP152 version 2): the four messages' bytes, short ids, and the reconstruction of
 * a block from what is at hand. Pure: no peers, no clock.
 */
#ifndef MITE_NET_CMPCT_H
#define MITE_NET_CMPCT_H

#include "consensus/rules.h"

#define CMPCT_VERSION 2
#define MAX_CMPCT_TXS 65535 /* positions have 16 bits */

/* SipHash keys of one compact block's short ids: of its header and the sender's nonce. */
struct short_id_keys {
    uint64_t k0, k1;
};
struct short_id_keys short_id_keys(const struct header *h, uint64_t nonce);
/* 48 bits. */
uint64_t short_id(const struct short_id_keys *k, const struct wtxid *wtxid);

/* A "cmpctblock" as received. */
struct cmpct {
    struct header header;
    uint64_t nonce;
    uint64_t *short_ids; /* of all that is not prefilled, in the block's order */
    size_t n_short;
    struct cmpct_prefilled {
        uint32_t index; /* in the block; may be past its end in a bad message */
        struct tx *tx;
    } * prefilled;
    size_t n_prefilled;
};
/* False where the bytes are none. Clear it in any case. */
bool cmpct_read(struct cmpct *c, struct reader *r);
void cmpct_clear(struct cmpct *c);
/* The coinbase is sent along, all others by their short ids. The block has a transaction. */
void cmpct_write(struct buf *b, const struct block *block, uint64_t nonce);

/* "getblocktxn": positions, ascending (the wire has their differences). Caller frees *index. */
bool getblocktxn_read(struct reader *r, struct block_hash *hash, uint32_t **index, size_t *n);
void getblocktxn_write(struct buf *b, const struct block_hash *hash, const uint32_t *index,
                       size_t n);

/* "blocktxn". */
struct blocktxn {
    struct block_hash hash;
    struct tx **tx;
    size_t n;
};
bool blocktxn_read(struct blocktxn *t, struct reader *r);
void blocktxn_clear(struct blocktxn *t);
void blocktxn_write(struct buf *b, const struct block *block, const uint32_t *index, size_t n);

/* No coinbase, and a transaction of 64 bytes: it may be two hashes of the merkle tree dressed up as
 * one, under the header of a good block. Nothing is to be concluded about that block. */
bool block_may_be_dressed(const struct block *b);

/* ---- reconstruction ---- */

enum cmpct_result {
    CMPCT_OK,
    CMPCT_INVALID, /* its sender broke the protocol */
    CMPCT_FAILED   /* short ids collide, maybe by chance: the whole block is needed */
};

struct partial_block;
/* NULL: *res says why. */
struct partial_block *partial_block_create(const struct cmpct *c, enum cmpct_result *res);
void partial_block_free(struct partial_block *p);
/* Shows a transaction that we have, which is taken where its short id is asked for. Two with the
 * same short id: neither. False where no more is missing. */
bool partial_block_offer(struct partial_block *p, const struct tx *tx);
/* Positions of what is missing, ascending; caller frees. */
uint32_t *partial_block_missing(const struct partial_block *p, size_t *n);
/* Once: with the missing ones in order. CMPCT_OK: *out is the block, which matches its header.
 * CMPCT_FAILED: *v says how it does not. */
enum cmpct_result partial_block_fill(struct partial_block *p, const struct tx *const *txs, size_t n,
                                     bool segwit_active, struct block **out, struct verdict *v);
/* It was filled, whatever came of it. */
bool partial_block_used(const struct partial_block *p);

#endif
