/*
 * Block and undo files: blocks/blkNNNNN.dat and revNNNNN.dat as Core writes them, obfuscated with
 * xor.dat: records of [magic][u32 length][data], undo records with a checksum behind.
 */
#ifndef MITE_STORE_BLOCKFILE_H
#define MITE_STORE_BLOCKFILE_H

#include "chain/block.h"
#include "chain/coin.h"

struct file_pos {
    int32_t file; /* -1: none */
    uint32_t pos; /* of the data, behind magic and length */
};

/* What a block spent, for going back: one list of coins for each transaction but the coinbase. */
struct tx_undo {
    struct coin *coins;
    uint32_t n;
};
struct block_undo {
    struct tx_undo *tx;
    uint32_t n_tx;
    int refs;
    /* private: memory of the scripts */
    void *memory;
};
void undo_write(struct buf *b, const struct block_undo *u);
/* NULL where the bytes are no undo data. */
struct block_undo *undo_parse(struct span data);
struct block_undo *undo_ref(const struct block_undo *u);
void undo_unref(const struct block_undo *u);

struct blockfiles; /* knows which files there are and how full; see store/blockfile.c */

#endif
