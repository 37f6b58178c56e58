/* The file of a wallet: one SQLite table of keys and values. Private to wallet/. */
#ifndef MITE_WALLET_DB_H
#define MITE_WALLET_DB_H

#include <stdbool.h>

#include "util/bytes.h"

struct wallet_db;

/* True where the file begins as an SQLite database does. */
bool wallet_db_is_sqlite(const char *file);
/* Opens FILE (creates it where `create`), takes the exclusive lock, checks magic, version and
 * integrity. NULL: *error is Core's sentence, caller frees. */
struct wallet_db *wallet_db_open(const char *file, bool create, const uint8_t magic[4],
                                 char **error) MUST_USE;
/* Commits what is open. False: that failed. Frees in every case. */
bool wallet_db_close(struct wallet_db *db);
/* Forgets what is not committed, and closes. */
void wallet_db_abandon(struct wallet_db *db);

/* Writes and erasures open a transaction by themselves; it lasts until wallet_db_commit(). A
 * failure is remembered and makes that return false; the transaction is rolled back then. */
void wallet_db_put(struct wallet_db *db, struct span key, struct span value);
void wallet_db_erase(struct wallet_db *db, struct span key);
void wallet_db_erase_prefix(struct wallet_db *db, struct span prefix);
bool wallet_db_commit(struct wallet_db *db) MUST_USE;
bool wallet_db_dirty(const struct wallet_db *db);
void wallet_db_rollback(struct wallet_db *db);
/* Why the last commit failed. */
const char *wallet_db_error(const struct wallet_db *db);

/* 1: value appended to out; 0: no such key; -1: error of the disk. */
int wallet_db_get(struct wallet_db *db, struct span key, struct buf *out) MUST_USE;
/* All records whose key begins with prefix, in order of keys. False: error of the disk, or the
 * visitor returned false. */
bool wallet_db_each(struct wallet_db *db, struct span prefix,
                    bool (*visit)(void *arg, struct span key, struct span value),
                    void *arg) MUST_USE;
/* A consistent copy as another file. */
bool wallet_db_backup(struct wallet_db *db, const char *file);
/* Rewrites the file, so that what was erased is gone from it. */
bool wallet_db_rewrite(struct wallet_db *db);

#endif
