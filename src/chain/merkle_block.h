/* A block's header with a proof that some transactions are in it (BIP37's merkleblock): what
 * gettxoutproof gives out and verifytxoutproof takes. */
#ifndef MITE_CHAIN_MERKLE_BLOCK_H
#define MITE_CHAIN_MERKLE_BLOCK_H

#include "chain/block.h"

/* Appends the proof of those transactions whose `wanted` is true; one for each of the block's. */
void merkle_block_write(struct buf *out, const struct block *b, const bool *wanted);

struct merkle_match {
    struct txid txid;
    uint32_t index; /* in the block, where n_tx is its real number of transactions */
};
struct merkle_block {
    struct header header;
    uint32_t n_tx; /* as the proof says: whoever knows the block compares */
    struct merkle_match *matches;
    size_t n_matches;
};
enum merkle_result {
    MERKLE_PROVED,   /* the tree ends in the header's root */
    MERKLE_WRONG,    /* a merkleblock, but it proves nothing; no matches */
    MERKLE_MALFORMED /* not one at all */
};
/* Bytes behind it are left unread. Clear it in every case. */
enum merkle_result merkle_block_read(struct merkle_block *out, struct reader *r) MUST_USE;
void merkle_block_clear(struct merkle_block *m);

#endif
