/*
 * LevelDB behind a narrow face.
 *
 * Core's databases differ from plain LevelDB in one thing: all values are XORed with an 8-byte key
 * that lies under "\000obfuscate_key" in the database itself (itself stored plain). A database that
 * has no such key is plain. The options that touch the format are Core's: no compression (its own
 * LevelDB is built without Snappy, so a compressed table could not be read back), bloom filters of
 * 10 bits, tables of 32 MiB.
 *
 * Every operation has three results, found, not found and failed, and the text of the first failure
 * is kept for the one line that the user will see. Reads come from several threads at once (LevelDB
 * allows that), so this text is the one thing here that has a lock.
 */
#include "store/db.h"

#include <leveldb/c.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"
#include "util/random.h"

#define KEY_SIZE 8

struct db {
    leveldb_t *ldb;
    leveldb_options_t *options;
    leveldb_readoptions_t *read, *scan;
    leveldb_writeoptions_t *write, *write_sync;
    leveldb_cache_t *cache;
    leveldb_filterpolicy_t *bloom;
    uint8_t key[KEY_SIZE];
    bool obfuscated;
    char *path;
    pthread_mutex_t lock; /* guards error */
    char error[512];
};

struct db_batch {
    struct db *db;
    leveldb_writebatch_t *batch;
    size_t size;
    struct buf scratch;
};

struct db_iter {
    struct db *db;
    leveldb_iterator_t *it;
    struct buf value;
    bool failed;
};

static const char obfuscation_name[] = "\016\000obfuscate_key"; /* as a serialised string of 14 */

static void keep_error(struct db *db, char *err)
{
    pthread_mutex_lock(&db->lock);
    if (!db->error[0])
        snprintf(db->error, sizeof(db->error), "%s", err);
    pthread_mutex_unlock(&db->lock);
    leveldb_free(err);
}

/* XORs data with the database's key; `data` is the beginning of a value. */
static void obfuscate(const struct db *db, uint8_t *data, size_t len)
{
    uint64_t key, word;
    size_t i = 0;

    if (!db->obfuscated)
        return;
    memcpy(&key, db->key, sizeof(key));
    for (; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, data + i, sizeof(word));
        word ^= key;
        memcpy(data + i, &word, sizeof(word));
    }
    for (; i < len; i++)
        data[i] ^= db->key[i % KEY_SIZE];
}

static void set_options(struct db *db, const struct db_options *opts)
{
    db->options = leveldb_options_create();
    db->cache = leveldb_cache_create_lru(opts->cache_bytes / 2);
    db->bloom = leveldb_filterpolicy_create_bloom(10);
    leveldb_options_set_create_if_missing(db->options, 1);
    leveldb_options_set_paranoid_checks(db->options, 1);
    leveldb_options_set_cache(db->options, db->cache);
    leveldb_options_set_write_buffer_size(db->options, opts->cache_bytes / 4);
    leveldb_options_set_filter_policy(db->options, db->bloom);
    leveldb_options_set_max_file_size(db->options, (size_t)32 << 20);
    leveldb_options_set_compression(db->options, opts->compression ? leveldb_snappy_compression
                                                                   : leveldb_no_compression);
    db->read = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(db->read, 1);
    db->scan = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(db->scan, 1);
    leveldb_readoptions_set_fill_cache(db->scan, 0);
    db->write = leveldb_writeoptions_create();
    db->write_sync = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(db->write_sync, 1);
}

static bool is_empty(struct db *db)
{
    leveldb_iterator_t *it = leveldb_create_iterator(db->ldb, db->scan);
    bool empty;

    leveldb_iter_seek_to_first(it);
    empty = !leveldb_iter_valid(it);
    leveldb_iter_destroy(it);
    return empty;
}

/* Reads the obfuscation key, or makes one. The stored form is a byte vector: length, then bytes. */
static bool load_key(struct db *db, bool create)
{
    struct span name = span_of(obfuscation_name, sizeof(obfuscation_name) - 1);
    struct buf stored = BUF_INIT;
    enum db_result res = db_get(db, name, &stored);
    struct db_batch *batch;
    bool ok = res != DB_ERROR;

    if (res == DB_OK && (stored.len != KEY_SIZE + 1 || stored.data[0] != KEY_SIZE)) {
        snprintf(db->error, sizeof(db->error), "obfuscation key is malformed");
        ok = false;
    } else if (res == DB_OK) {
        memcpy(db->key, stored.data + 1, KEY_SIZE);
        db->obfuscated = true;
    } else if (res == DB_NOT_FOUND && create && is_empty(db)) {
        uint8_t value[KEY_SIZE + 1] = {KEY_SIZE};

        random_bytes(value + 1, KEY_SIZE);
        batch = db_batch_create(db);
        db_batch_put(batch, name, span_of(value, sizeof(value)));
        ok = db_write(db, batch, false);
        db_batch_destroy(batch);
        memcpy(db->key, value + 1, KEY_SIZE);
        db->obfuscated = true;
    }
    buf_clear(&stored);
    return ok;
}

struct db *db_open(const char *path, const struct db_options *opts, char **error)
{
    struct db *db = xcalloc(1, sizeof(*db));
    char *err = NULL;

    pthread_mutex_init(&db->lock, NULL);
    db->path = xstrdup(path);
    set_options(db, opts);
    if (opts->wipe)
        leveldb_destroy_db(db->options, path, &err);
    if (!err)
        db->ldb = leveldb_open(db->options, path, &err);
    if (err) {
        keep_error(db, err);
        goto fail;
    }
    if (!load_key(db, opts->obfuscate))
        goto fail;
    return db;
fail:
    *error = xasprintf("Cannot open the database %s: %s", path, db->error);
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    if (db->ldb)
        leveldb_close(db->ldb);
    leveldb_options_destroy(db->options);
    leveldb_readoptions_destroy(db->read);
    leveldb_readoptions_destroy(db->scan);
    leveldb_writeoptions_destroy(db->write);
    leveldb_writeoptions_destroy(db->write_sync);
    leveldb_cache_destroy(db->cache);
    leveldb_filterpolicy_destroy(db->bloom);
    pthread_mutex_destroy(&db->lock);
    free(db->path);
    free(db);
}

enum db_result db_get(struct db *db, struct span key, struct buf *out)
{
    char *err = NULL;
    size_t len = 0;
    char *value = leveldb_get(db->ldb, db->read, (const char *)key.data, key.len, &len, &err);

    if (err) {
        keep_error(db, err);
        return DB_ERROR;
    }
    if (!value)
        return DB_NOT_FOUND;
    write_bytes(out, value, len);
    obfuscate(db, out->data + out->len - len, len);
    leveldb_free(value);
    return DB_OK;
}

enum db_result db_has(struct db *db, struct span key)
{
    struct buf value = BUF_INIT;
    enum db_result res = db_get(db, key, &value);

    buf_clear(&value);
    return res;
}

struct db_batch *db_batch_create(struct db *db)
{
    struct db_batch *b = xcalloc(1, sizeof(*b));

    b->db = db;
    b->batch = leveldb_writebatch_create();
    return b;
}

void db_batch_destroy(struct db_batch *b)
{
    if (!b)
        return;
    leveldb_writebatch_destroy(b->batch);
    buf_clear(&b->scratch);
    free(b);
}

void db_batch_put(struct db_batch *b, struct span key, struct span value)
{
    buf_reset(&b->scratch);
    write_span(&b->scratch, value);
    obfuscate(b->db, b->scratch.data, b->scratch.len);
    leveldb_writebatch_put(b->batch, (const char *)key.data, key.len, (const char *)b->scratch.data,
                           b->scratch.len);
    b->size += key.len + value.len + 3;
}

void db_batch_delete(struct db_batch *b, struct span key)
{
    leveldb_writebatch_delete(b->batch, (const char *)key.data, key.len);
    b->size += key.len + 2;
}

size_t db_batch_size(const struct db_batch *b)
{
    return b->size;
}

void db_batch_reset(struct db_batch *b)
{
    leveldb_writebatch_clear(b->batch);
    b->size = 0;
}

bool db_write(struct db *db, struct db_batch *b, bool sync)
{
    char *err = NULL;

    leveldb_write(db->ldb, sync ? db->write_sync : db->write, b->batch, &err);
    if (err)
        keep_error(db, err);
    return !err;
}

const char *db_error(const struct db *db)
{
    return db->error;
}

const char *db_path(const struct db *db)
{
    return db->path;
}

struct db_iter *db_iter_create(struct db *db)
{
    struct db_iter *it = xcalloc(1, sizeof(*it));

    it->db = db;
    it->it = leveldb_create_iterator(db->ldb, db->scan);
    return it;
}

void db_iter_destroy(struct db_iter *it)
{
    if (!it)
        return;
    leveldb_iter_destroy(it->it);
    buf_clear(&it->value);
    free(it);
}

/* An iterator that met an error is invalid, just as one at the end is: tell them apart. */
static void note_error(struct db_iter *it)
{
    char *err = NULL;

    if (leveldb_iter_valid(it->it))
        return;
    leveldb_iter_get_error(it->it, &err);
    if (err) {
        it->failed = true;
        keep_error(it->db, err);
    }
}

void db_iter_seek(struct db_iter *it, struct span key)
{
    leveldb_iter_seek(it->it, (const char *)key.data, key.len);
    note_error(it);
}

bool db_iter_valid(const struct db_iter *it)
{
    return !it->failed && leveldb_iter_valid(it->it);
}

void db_iter_next(struct db_iter *it)
{
    leveldb_iter_next(it->it);
    note_error(it);
}

struct span db_iter_key(const struct db_iter *it)
{
    size_t len = 0;
    const char *key = leveldb_iter_key(it->it, &len);

    return span_of(key, len);
}

struct span db_iter_value(struct db_iter *it)
{
    size_t len = 0;
    const char *value = leveldb_iter_value(it->it, &len);

    if (!it->db->obfuscated)
        return span_of(value, len);
    buf_reset(&it->value);
    write_bytes(&it->value, value, len);
    obfuscate(it->db, it->value.data, len);
    return buf_span(&it->value);
}

bool db_iter_failed(const struct db_iter *it)
{
    return it->failed;
}

uint64_t db_estimate_size(struct db *db, struct span begin, struct span end)
{
    const char *start = (const char *)begin.data, *limit = (const char *)end.data;
    uint64_t size = 0;

    leveldb_approximate_sizes(db->ldb, 1, &start, &begin.len, &limit, &end.len, &size);
    return size;
}

void db_compact(struct db *db)
{
    leveldb_compact_range(db->ldb, NULL, 0, NULL, 0);
}
