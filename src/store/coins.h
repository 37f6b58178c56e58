/*
 * The coins: a cache of all changes since the last flush over the chainstate database.
 *
 * Formats are Core's: key 'C' txid VARINT(n), value compressed coin; 'B' best block; 'H' head blocks
 * while a flush is under way.
 */
#ifndef MITE_STORE_COINS_H
#define MITE_STORE_COINS_H

#include "chain/coin.h"
#include "store/db.h"

struct coins;

enum coin_result { COIN_FOUND, COIN_MISSING, COIN_ERROR };

/* Core's compressed forms, used on disk and in undo data. */
uint64_t amount_compress(uint64_t v);
uint64_t amount_decompress(uint64_t v);
void coin_write(struct buf *b, const struct coin *c); /* VARINT(height * 2 + coinbase), amount, script */
/* The script is put into `memory`. False where it is none. */
bool coin_read(struct reader *r, struct coin *c, struct buf *memory);

#endif
