/*
 * The block index database (blocks/index): what is kept of every header, of every block file, and
 * a few flags. Keys and values are Core's: 'b' hash, 'f' file number, 'l', 'R', 'F' name.
 */
#ifndef MITE_STORE_BLOCKDB_H
#define MITE_STORE_BLOCKDB_H

#include "chain/block.h"
#include "store/blockfile.h"
#include "store/db.h"

/* What is stored of a block; file and positions as the status bits say. */
struct block_record {
    struct header header;
    int32_t height;
    uint32_t status;
    uint32_t n_tx;
    int32_t file;
    uint32_t data_pos, undo_pos;
};

/* Status bits that decide what of a record is written. */
#define BLOCKDB_HAVE_DATA 8u
#define BLOCKDB_HAVE_UNDO 16u

void block_record_write(struct buf *b, const struct block_record *r);
bool block_record_read(struct span data, struct block_record *r) MUST_USE;

/* Calls `fn` for every record, in the order of hashes; stops where it returns false. False: *error
 * (caller frees) says what is wrong with the database (or fn stopped, then it is untouched). */
bool blockdb_each(struct db *db,
                  bool (*fn)(void *arg, const struct block_hash *hash,
                             const struct block_record *r),
                  void *arg, char **error) MUST_USE;
/* Reads the counts of all files into `files`. */
bool blockdb_load_files(struct db *db, struct blockfiles *files, char **error) MUST_USE;

void blockdb_put_block(struct db_batch *b, const struct block_hash *hash,
                       const struct block_record *r);
void blockdb_put_file(struct db_batch *b, int32_t file, const struct file_info *info);
void blockdb_put_last_file(struct db_batch *b, int32_t file);
/* Named flags ("prunedblockfiles"). */
void blockdb_put_flag(struct db_batch *b, const char *name, bool value);
enum db_result blockdb_get_flag(struct db *db, const char *name, bool *value) MUST_USE;
/* A reindex is under way. */
void blockdb_put_reindexing(struct db_batch *b, bool on);
enum db_result blockdb_get_reindexing(struct db *db, bool *on) MUST_USE;

#endif
