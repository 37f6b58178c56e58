/*
 * SQLite as a store of keys and values, in the format of Core's descriptor wallets: one table
 * main(key BLOB PRIMARY KEY, value BLOB), the network's magic as application_id, user_version 0.
 *
 * Writes gather in one transaction until somebody needs them to be durable: an address that is
 * shown or a transaction that is sent commits at once, what was learnt from a block may wait, since
 * the file's best block waits in the same transaction and a restart scans from there. A commit is
 * synced to disk (synchronous=FULL, rollback journal), so a crash leaves the state of the last
 * commit.
 *
 * The file is locked exclusively while it is open: two programs on one wallet would reuse
 * addresses. WAL mode was rejected, since a wallet that is copied must be one file.
 */
#include "wallet/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"
#include "util/mem.h"

enum { STMT_GET, STMT_PUT, STMT_ERASE, STMT_ERASE_PREFIX, STMT_EACH, STMT_COUNT };
static const char *const sql[STMT_COUNT] = {
    "SELECT value FROM main WHERE key = ?",
    "INSERT or REPLACE into main values(?, ?)",
    "DELETE FROM main WHERE key = ?",
    "DELETE FROM main WHERE instr(key, ?) = 1",
    "SELECT key, value FROM main WHERE key >= ? AND key < ? ORDER BY key",
};

struct wallet_db {
    sqlite3 *db;
    sqlite3_stmt *stmt[STMT_COUNT];
    bool dirty, failed;
    char error[256];
};

bool wallet_db_is_sqlite(const char *file)
{
    static const char magic[16] = "SQLite format 3";
    char begin[16];
    FILE *f = fopen(file, "rb");

    if (!f)
        return false;
    bool ok = fread(begin, 1, sizeof(begin), f) == sizeof(begin) &&
              memcmp(begin, magic, sizeof(magic)) == 0;
    fclose(f);
    return ok;
}

static void note_failure(struct wallet_db *db, const char *what)
{
    if (!db->failed) {
        snprintf(db->error, sizeof(db->error), "%s: %s", what, sqlite3_errmsg(db->db));
        log_error("Wallet database: %s", db->error);
    }
    db->failed = true;
}

static bool run(struct wallet_db *db, const char *text)
{
    return sqlite3_exec(db->db, text, NULL, NULL, NULL) == SQLITE_OK;
}

static bool run_checked(struct wallet_db *db, const char *text)
{
    if (run(db, text))
        return true;
    note_failure(db, text);
    return false;
}

/* The one number that a statement answers with. */
static bool query_number(struct wallet_db *db, const char *text, int64_t *out)
{
    sqlite3_stmt *s;

    if (sqlite3_prepare_v2(db->db, text, -1, &s, NULL) != SQLITE_OK)
        return false;
    bool ok = sqlite3_step(s) == SQLITE_ROW;
    if (ok)
        *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return ok;
}

/* ---- opening ---- */

static bool has_table(struct wallet_db *db, bool *has)
{
    int64_t n = 0;

    if (!query_number(db, "SELECT count(*) FROM sqlite_master WHERE type='table' AND name='main'",
                      &n))
        return false;
    *has = n > 0;
    return true;
}

static bool create_table(struct wallet_db *db, const uint8_t magic[4])
{
    char pragma[64];

    snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d", (int32_t)get_be32(magic));
    return run_checked(db,
                       "CREATE TABLE main(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)") &&
           run_checked(db, pragma) && run_checked(db, "PRAGMA user_version = 0");
}

static bool check_integrity(struct wallet_db *db, char **error)
{
    sqlite3_stmt *s;
    struct buf text = BUF_INIT;
    int step = SQLITE_ERROR;

    if (sqlite3_prepare_v2(db->db, "PRAGMA integrity_check", -1, &s, NULL) == SQLITE_OK) {
        while ((step = sqlite3_step(s)) == SQLITE_ROW) {
            const char *line = (const char *)sqlite3_column_text(s, 0);
            if (line && strcmp(line, "ok") != 0)
                write_printf(&text, "%s\n", line);
        }
    }
    if (step != SQLITE_DONE)
        *error = xasprintf("SQLiteDatabase: Failed to execute statement to verify database: %s",
                           sqlite3_errmsg(db->db));
    else if (text.len)
        *error = xasprintf("Failed to verify database\n%.*s", (int)text.len, (char *)text.data);
    sqlite3_finalize(s);
    buf_clear(&text);
    return *error == NULL;
}

static bool check_identity(struct wallet_db *db, const uint8_t magic[4], char **error)
{
    int64_t id = 0, version = 0;

    if (!query_number(db, "PRAGMA application_id", &id) ||
        !query_number(db, "PRAGMA user_version", &version)) {
        *error = xasprintf("SQLiteDatabase: Failed to fetch the application id: %s",
                           sqlite3_errmsg(db->db));
    } else if ((uint32_t)id != get_be32(magic)) {
        *error = xasprintf("SQLiteDatabase: Unexpected application id. Expected %u, got %u",
                           get_be32(magic), (uint32_t)id);
    } else if (version != 0) {
        *error = xasprintf("SQLiteDatabase: Unknown sqlite wallet schema version %d. Only version "
                           "%d is supported",
                           (int)version, 0);
    }
    return *error == NULL;
}

static bool open_file(struct wallet_db *db, const char *file, bool create, char **error)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    mode_t old = umask(077);
    int rc = sqlite3_open_v2(file, &db->db, flags, NULL);
    umask(old);

    if (rc != SQLITE_OK) {
        *error = xasprintf("SQLiteDatabase: Failed to open database: %s\n", sqlite3_errstr(rc));
        return false;
    }
    sqlite3_extended_result_codes(db->db, 1);
    run(db, "PRAGMA locking_mode = exclusive");
    if (!run(db, "BEGIN EXCLUSIVE TRANSACTION")) {
        int why = sqlite3_errcode(db->db) & 0xff;
        if (why == SQLITE_NOTADB || why == SQLITE_CORRUPT || why == SQLITE_IOERR)
            *error =
                xasprintf("SQLiteDatabase: Failed to open database: %s\n", sqlite3_errmsg(db->db));
        else
            *error =
                xstrdup("SQLiteDatabase: Unable to obtain an exclusive lock on the database, is "
                        "it being used by another instance of Bitcoin Core?\n");
        return false;
    }
    run(db, "COMMIT");
    run(db, "PRAGMA fullfsync = true");
    run(db, "PRAGMA synchronous = FULL");
    return true;
}

static bool prepare(struct wallet_db *db)
{
    for (int i = 0; i < STMT_COUNT; i++)
        if (sqlite3_prepare_v3(db->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmt[i], NULL) !=
            SQLITE_OK)
            return false;
    return true;
}

struct wallet_db *wallet_db_open(const char *file, bool create, const uint8_t magic[4],
                                 char **error)
{
    struct wallet_db *db = xcalloc(1, sizeof(*db));
    bool has = false, ok = open_file(db, file, create, error);

    if (ok && (!has_table(db, &has) || (!has && create && !create_table(db, magic)))) {
        *error = xasprintf("SQLiteDatabase: Failed to open database: %s\n", sqlite3_errmsg(db->db));
        ok = false;
    }
    ok = ok && check_identity(db, magic, error) && check_integrity(db, error);
    if (ok && !prepare(db)) {
        *error = xasprintf("SQLiteDatabase: Failed to setup SQL statements: %s\n",
                           sqlite3_errmsg(db->db));
        ok = false;
    }
    if (ok)
        return db;
    wallet_db_abandon(db);
    return NULL;
}

void wallet_db_abandon(struct wallet_db *db)
{
    if (!db)
        return;
    wallet_db_rollback(db);
    for (int i = 0; i < STMT_COUNT; i++)
        sqlite3_finalize(db->stmt[i]);
    sqlite3_close(db->db);
    free(db);
}

bool wallet_db_close(struct wallet_db *db)
{
    bool ok = wallet_db_commit(db);
    wallet_db_abandon(db);
    return ok;
}

/* ---- writing ---- */

static void begin(struct wallet_db *db)
{
    if (db->dirty)
        return;
    run_checked(db, "BEGIN TRANSACTION");
    db->dirty = true;
}

static void bind(sqlite3_stmt *s, int at, struct span v)
{
    sqlite3_bind_blob(s, at, v.len ? (const void *)v.data : "", (int)v.len, SQLITE_STATIC);
}

static void execute(struct wallet_db *db, int which, struct span a, const struct span *b)
{
    sqlite3_stmt *s = db->stmt[which];

    begin(db);
    bind(s, 1, a);
    if (b)
        bind(s, 2, *b);
    if (sqlite3_step(s) != SQLITE_DONE)
        note_failure(db, "write");
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
}

void wallet_db_put(struct wallet_db *db, struct span key, struct span value)
{
    execute(db, STMT_PUT, key, &value);
}

void wallet_db_erase(struct wallet_db *db, struct span key)
{
    execute(db, STMT_ERASE, key, NULL);
}

void wallet_db_erase_prefix(struct wallet_db *db, struct span prefix)
{
    execute(db, STMT_ERASE_PREFIX, prefix, NULL);
}

bool wallet_db_dirty(const struct wallet_db *db)
{
    return db->dirty;
}

void wallet_db_rollback(struct wallet_db *db)
{
    if (db->dirty)
        run(db, "ROLLBACK");
    db->dirty = db->failed = false;
}

bool wallet_db_commit(struct wallet_db *db)
{
    if (!db->dirty)
        return true;
    if (!db->failed && run_checked(db, "COMMIT")) {
        db->dirty = false;
        return true;
    }
    wallet_db_rollback(db);
    return false;
}

const char *wallet_db_error(const struct wallet_db *db)
{
    return db->error;
}

/* ---- reading ---- */

int wallet_db_get(struct wallet_db *db, struct span key, struct buf *out)
{
    sqlite3_stmt *s = db->stmt[STMT_GET];
    int result = 0;

    bind(s, 1, key);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        write_bytes(out, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0));
        result = 1;
    } else if (rc != SQLITE_DONE) {
        result = -1;
    }
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return result;
}

/* The first key that is behind all keys with the prefix, which must not be all 0xff. */
static void prefix_end(struct span prefix, struct buf *out)
{
    write_span(out, prefix);
    while (out->len && out->data[out->len - 1] == 0xff)
        out->len--;
    CHECK(out->len > 0);
    out->data[out->len - 1]++;
}

bool wallet_db_each(struct wallet_db *db, struct span prefix,
                    bool (*visit)(void *arg, struct span key, struct span value), void *arg)
{
    sqlite3_stmt *s = db->stmt[STMT_EACH];
    struct buf end = BUF_INIT;
    bool go_on = true;
    int rc = SQLITE_DONE;

    prefix_end(prefix, &end);
    bind(s, 1, prefix);
    bind(s, 2, buf_span(&end));
    while (go_on && (rc = sqlite3_step(s)) == SQLITE_ROW)
        go_on = visit(arg, span_of(sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0)),
                      span_of(sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1)));
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    buf_clear(&end);
    return go_on && rc == SQLITE_DONE;
}

/* ---- copies ---- */

bool wallet_db_backup(struct wallet_db *db, const char *file)
{
    sqlite3 *to = NULL;
    bool ok = false;

    if (sqlite3_open(file, &to) == SQLITE_OK) {
        sqlite3_backup *b = sqlite3_backup_init(to, "main", db->db, "main");
        if (b) {
            ok = sqlite3_backup_step(b, -1) == SQLITE_DONE;
            ok = sqlite3_backup_finish(b) == SQLITE_OK && ok;
        }
    }
    sqlite3_close(to);
    return ok;
}

bool wallet_db_rewrite(struct wallet_db *db)
{
    return wallet_db_commit(db) && run(db, "VACUUM");
}
