/*
 * LevelDB with what Core's databases add: an obfuscation key over all values, durable batches,
 * and errors that are never taken for "not found".
 */
#ifndef MITE_STORE_DB_H
#define MITE_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"

struct db;
struct db_batch;
struct db_iter;

enum db_result { DB_OK, DB_NOT_FOUND, DB_ERROR };

struct db_options {
    size_t cache_bytes;
    bool wipe;      /* destroy what is there first */
    bool obfuscate; /* new databases get a random key (chainstate); an existing key is always obeyed
                     */
    bool compression; /* Core's databases have none, and its LevelDB cannot read any */
};

/* NULL: *error says why (caller frees). */
struct db *db_open(const char *path, const struct db_options *opts, char **error);
void db_close(struct db *db);
/* Reads may be called from any thread. On DB_OK the value is appended to out. */
enum db_result db_get(struct db *db, struct span key, struct buf *out) MUST_USE;
enum db_result db_has(struct db *db, struct span key) MUST_USE;

struct db_batch *db_batch_create(struct db *db);
void db_batch_destroy(struct db_batch *b);
void db_batch_put(struct db_batch *b, struct span key, struct span value);
void db_batch_delete(struct db_batch *b, struct span key);
size_t db_batch_size(const struct db_batch *b); /* approximate bytes */
void db_batch_reset(struct db_batch *b);
/* False: the disk failed; db_error() says how. Durable before it returns where `sync`. May be
 * called from any thread, one at a time. */
bool db_write(struct db *db, struct db_batch *b, bool sync) MUST_USE;
/* The first error that a read or write of this database met ("" where none did). */
const char *db_error(const struct db *db);
const char *db_path(const struct db *db);

/* A consistent view of the moment it was made: for scans on a worker while the owner writes. */
struct db_iter *db_iter_create(struct db *db);
void db_iter_destroy(struct db_iter *it);
void db_iter_seek(struct db_iter *it, struct span key);
bool db_iter_valid(const struct db_iter *it);
void db_iter_next(struct db_iter *it);
struct span db_iter_key(const struct db_iter *it);
struct span db_iter_value(struct db_iter *it); /* deobfuscated; good until the next move */
bool db_iter_failed(const struct db_iter *it);
uint64_t db_estimate_size(struct db *db, struct span begin, struct span end);
void db_compact(struct db *db);

#endif
