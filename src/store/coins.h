/*
 * The coins: a cache of all changes since the last flush over the chainstate database.
 *
 * Formats are Core's: key 'C' txid VARINT(n), value compressed coin; 'B' best block; 'H' head
 * blocks while a flush is under way.
 *
 * Everything is called on the owner's thread but coins_read_db() (any thread) and
 * coins_flush_write() (the writer's).
 */
#ifndef MITE_STORE_COINS_H
#define MITE_STORE_COINS_H

#include "chain/coin.h"
#include "store/db.h"
#include "util/arena.h"

struct coins;

enum coin_result { COIN_FOUND, COIN_MISSING, COIN_ERROR };

/* Core's compressed forms, used on disk and in undo data. */
uint64_t amount_compress(uint64_t v);
uint64_t amount_decompress(uint64_t v);
void coin_write(struct buf *b,
                const struct coin *c); /* VARINT(height * 2 + coinbase), amount, script */
/* The script is put into `memory` (reset first). False where the bytes are no coin. */
bool coin_read(struct reader *r, struct coin *c, struct buf *memory) MUST_USE;
bool coin_read_arena(struct reader *r, struct coin *c, struct arena *memory) MUST_USE;
/* As undo files hold coins. */
void coin_write_undo(struct buf *b, const struct coin *c);
bool coin_read_undo(struct reader *r, struct coin *c, struct arena *memory) MUST_USE;
/* As hashes of the set commit to it: outpoint, height and coinbase bit, amount, script. */
void coin_hash_write(struct buf *b, const struct outpoint *o, const struct coin *c);
/* Core's measure of a coin that no database's form changes. */
static inline uint64_t coin_bogosize(const struct coin *c)
{
    return 32 + 4 + 4 + 8 + 2 + c->out.script_pubkey.len;
}
/* Never enters the set: OP_RETURN first, or longer than any script that can run. */
bool coin_unspendable(struct span script);

/* ---- opening ---- */

struct coins_options {
    size_t cache_bytes;    /* of the cache in memory */
    size_t db_cache_bytes; /* of LevelDB */
    bool wipe;
};
/* NULL: *error says why (caller frees). */
struct coins *coins_open(const char *path, const struct coins_options *opts, char **error);
/* What was not flushed is lost. */
void coins_close(struct coins *c);
struct db *coins_db(struct coins *c);
/* The block whose coins the database holds (zero: none yet). In the middle of a flush that was cut
 * off by a crash there is none: then *heads is set to the block that was being flushed to and the
 * one it started from. False on an error. */
bool coins_best(struct coins *c, struct block_hash *best, bool *in_flush,
                struct block_hash heads[2]) MUST_USE;

/* ---- coins ---- */

/* The script of *out is copied into `memory` (reset first). */
enum coin_result coins_get(struct coins *c, const struct outpoint *o, struct coin *out,
                           struct buf *memory) MUST_USE;
enum coin_result coins_has(struct coins *c, const struct outpoint *o) MUST_USE;
/* Takes the coin out; its script is put into the arena. */
enum coin_result coins_spend(struct coins *c, const struct outpoint *o, struct coin *out,
                             struct arena *memory) MUST_USE;
/* Puts a coin in. `maybe_there`: a coin may be there already, to be replaced; otherwise the caller
 * knows that neither cache nor database has one. Unspendable ones are left out. */
void coins_add(struct coins *c, const struct outpoint *o, const struct coin *coin,
               bool maybe_there);
/* Takes a coin out without looking at it: what connecting a block put in, when it is unwound.
 * COIN_MISSING where it was not there. */
enum coin_result coins_remove(struct coins *c, const struct outpoint *o) MUST_USE;

/* ---- fetching ahead ---- */

/* True where the cache knows the outpoint, be it as spent. */
bool coins_cached(const struct coins *c, const struct outpoint *o);
/* The database's bytes of a coin, appended to out. Any thread. */
enum coin_result coins_read_db(struct coins *c, const struct outpoint *o, struct buf *out) MUST_USE;
/* Puts bytes from coins_read_db() into the cache. They are not taken where a flush has ended since
 * the epoch was asked, before the read (what is in the database may have changed), or where the
 * cache knows better. */
uint32_t coins_epoch(const struct coins *c);
void coins_fetched(struct coins *c, uint32_t epoch, const struct outpoint *o, struct span value);

/* ---- memory and flushing ---- */

size_t coins_memory(const struct coins *c);       /* bytes taken from the system */
size_t coins_used(const struct coins *c);         /* of them in use */
size_t coins_dirty_memory(const struct coins *c); /* of these waiting for a flush */
size_t coins_count(const struct coins *c);        /* entries */
size_t coins_limit(const struct coins *c);
void coins_set_limit(struct coins *c, size_t bytes);
/* Drops clean entries until the cache is below its limit or `max` entries were looked at. */
void coins_evict(struct coins *c, size_t max);

struct coins_flush;
/* Cuts off all changes so far, which lead to the state of block `best`. The cache goes on with the
 * next changes. No other flush may be under way. */
struct coins_flush *coins_flush_begin(struct coins *c, const struct block_hash *best);
/* Writes them: sorted, in batches, marked by head blocks where one batch does not hold them.
 * Durable when it returns. False: *error says why. */
bool coins_flush_write(struct coins_flush *f, char **error) MUST_USE;
/* What was written becomes clean, `max` entries a call. True when all is done: f is freed. */
bool coins_flush_end(struct coins_flush *f, size_t max);
bool coins_flushing(const struct coins *c);

#endif
