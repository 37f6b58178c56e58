/* What coins.c and coins_flush.c share. Private to store/. */
#ifndef MITE_STORE_COINS_INTERNAL_H
#define MITE_STORE_COINS_INTERNAL_H

#include "store/coin_table.h"
#include "store/coins.h"

/* References of dirty records; an entry with the top bit is a free place. */
struct dirty_list {
    uint32_t *refs;
    size_t n, cap, live;
    uint32_t hole; /* the first free place */
};

struct coins {
    struct db *db;
    struct coin_table table;
    struct dirty_list dirty;
    uint8_t generation; /* RECORD_CUT or 0: of the records in `dirty` */
    size_t dirty_bytes;
    size_t limit;
    uint32_t epoch;
    struct coins_flush *flush;
    struct buf scratch, key;
};

struct coins_flush {
    struct coins *coins;
    struct block_hash best;
    struct dirty_list list;
    size_t ended; /* entries of the list that are done with */
};

/* The database's key of an outpoint. */
void coin_key(struct buf *key, const struct outpoint *o);

#endif
