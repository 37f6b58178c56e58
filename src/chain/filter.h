/* Compact filters of blocks (BIP158, the basic kind): which scripts a block pays to or spends. */
#ifndef MITE_CHAIN_FILTER_H
#define MITE_CHAIN_FILTER_H

#include "chain/block.h"

/* Appends the serialised filter of a block: all scripts of its outputs but empty ones and those
 * that begin with OP_RETURN, and the n_spent scripts that its inputs spend, but empty ones. */
void block_filter_make(struct buf *out, const struct block *b, const struct span *spent,
                       size_t n_spent);
/* SHA-256d of a serialised filter, and the header that commits to it and all before it (BIP157; of
 * the genesis block, `prev` is zeros). */
void block_filter_hash(uint8_t out[32], struct span filter);
void block_filter_header(uint8_t out[32], const uint8_t filter_hash[32], const uint8_t prev[32]);
/* Whether any of n scripts may be in the filter of that block: *match out. False where the bytes
 * are no filter. */
bool block_filter_match(struct span filter, const struct block_hash *block,
                        const struct span *scripts, size_t n, bool *match) MUST_USE;

#endif
