/*
 * Records of the block index database. A record of a block is a row of VARINTs (a constant where
 * old versions wrote theirs, height, status, transactions, places) and the header; its hash is the
 * key, and is checked against the header when it is read.
 */
#include "store/blockdb.h"

#include "util/mem.h"

#define RECORD_VERSION 259900 /* the last that Core ever wrote here; nobody reads it */

void block_record_write(struct buf *b, const struct block_record *r)
{
    uint8_t header[HEADER_SIZE];

    write_varint(b, RECORD_VERSION);
    write_varint(b, (uint64_t)r->height);
    write_varint(b, r->status);
    write_varint(b, r->n_tx);
    if (r->status & (BLOCKDB_HAVE_DATA | BLOCKDB_HAVE_UNDO))
        write_varint(b, (uint64_t)r->file);
    if (r->status & BLOCKDB_HAVE_DATA)
        write_varint(b, r->data_pos);
    if (r->status & BLOCKDB_HAVE_UNDO)
        write_varint(b, r->undo_pos);
    header_write(&r->header, header);
    write_bytes(b, header, sizeof(header));
}

bool block_record_read(struct span data, struct block_record *r)
{
    uint8_t header[HEADER_SIZE];
    struct reader in;
    uint64_t height, file = 0;

    memset(r, 0, sizeof(*r));
    reader_init(&in, data.data, data.len);
    (void)read_varint(&in);
    height = read_varint(&in);
    r->status = (uint32_t)read_varint(&in);
    r->n_tx = (uint32_t)read_varint(&in);
    if (r->status & (BLOCKDB_HAVE_DATA | BLOCKDB_HAVE_UNDO))
        file = read_varint(&in);
    if (r->status & BLOCKDB_HAVE_DATA)
        r->data_pos = (uint32_t)read_varint(&in);
    if (r->status & BLOCKDB_HAVE_UNDO)
        r->undo_pos = (uint32_t)read_varint(&in);
    read_bytes(&in, header, sizeof(header));
    header_read(&r->header, header);
    r->height = (int32_t)height;
    r->file = (int32_t)file;
    return reader_ok(&in) && height <= INT32_MAX && file < 1000000;
}

static bool each_failed(struct db *db, char **error, const char *why)
{
    *error = xasprintf("The block index %s is damaged (%s). Restart with -reindex to rebuild it.",
                       db_path(db), why);
    return false;
}

bool blockdb_each(struct db *db,
                  bool (*fn)(void *arg, const struct block_hash *hash,
                             const struct block_record *r),
                  void *arg, char **error)
{
    struct db_iter *it = db_iter_create(db);
    struct block_record r;
    struct block_hash hash, real;
    bool ok = true;

    for (db_iter_seek(it, span_of("b", 1)); ok && db_iter_valid(it); db_iter_next(it)) {
        struct span key = db_iter_key(it);

        if (key.len == 0 || key.data[0] != 'b')
            break;
        if (key.len != 33 || !block_record_read(db_iter_value(it), &r)) {
            ok = each_failed(db, error, "a record cannot be read");
            break;
        }
        memcpy(hash.b, key.data + 1, 32);
        real = header_hash(&r.header);
        if (!block_hash_eq(&hash, &real))
            ok = each_failed(db, error, "a header does not match its hash");
        else
            ok = fn(arg, &hash, &r);
    }
    if (ok && db_iter_failed(it))
        ok = each_failed(db, error, db_error(db));
    db_iter_destroy(it);
    return ok;
}

static void file_key(uint8_t key[5], int32_t file)
{
    key[0] = 'f';
    put_le32(key + 1, (uint32_t)file);
}

/* One file's counts; *found false where there are none. */
static bool load_file(struct db *db, struct blockfiles *files, int32_t file, bool *found)
{
    struct buf value = BUF_INIT;
    struct file_info info;
    uint8_t key[5];
    enum db_result res;
    bool ok;

    file_key(key, file);
    res = db_get(db, span_of(key, sizeof(key)), &value);
    *found = res == DB_OK;
    ok = res == DB_NOT_FOUND || (res == DB_OK && file_info_read(buf_span(&value), &info));
    if (ok && *found)
        blockfiles_set_info(files, file, &info);
    buf_clear(&value);
    return ok;
}

bool blockdb_load_files(struct db *db, struct blockfiles *files, char **error)
{
    struct buf value = BUF_INIT;
    enum db_result res = db_get(db, span_of("l", 1), &value);
    int32_t last = res == DB_OK && value.len == 4 ? (int32_t)get_le32(value.data) : -1;
    bool ok = res != DB_ERROR && last < 1000000, found;

    buf_clear(&value);
    for (int32_t i = 0; ok; i++) {
        ok = load_file(db, files, i, &found);
        if (!found && i > last)
            break;
        if (ok && !found)
            blockfiles_set_info(files, i, &(struct file_info){0});
    }
    return ok || each_failed(db, error, db_error(db)[0] ? db_error(db) : "counts of a file");
}

void blockdb_put_block(struct db_batch *b, const struct block_hash *hash,
                       const struct block_record *r)
{
    struct buf value = BUF_INIT;
    uint8_t key[33] = {'b'};

    memcpy(key + 1, hash->b, 32);
    block_record_write(&value, r);
    db_batch_put(b, span_of(key, sizeof(key)), buf_span(&value));
    buf_clear(&value);
}

void blockdb_put_file(struct db_batch *b, int32_t file, const struct file_info *info)
{
    struct buf value = BUF_INIT;
    uint8_t key[5];

    file_key(key, file);
    file_info_write(&value, info);
    db_batch_put(b, span_of(key, sizeof(key)), buf_span(&value));
    buf_clear(&value);
}

void blockdb_put_last_file(struct db_batch *b, int32_t file)
{
    uint8_t value[4];

    put_le32(value, (uint32_t)file);
    db_batch_put(b, span_of("l", 1), span_of(value, sizeof(value)));
}

static void flag_key(struct buf *key, const char *name)
{
    write_u8(key, 'F');
    write_var_span(key, span_of(name, strlen(name)));
}

void blockdb_put_flag(struct db_batch *b, const char *name, bool value)
{
    struct buf key = BUF_INIT;

    flag_key(&key, name);
    db_batch_put(b, buf_span(&key), span_of(value ? "1" : "0", 1));
    buf_clear(&key);
}

enum db_result blockdb_get_flag(struct db *db, const char *name, bool *value)
{
    struct buf key = BUF_INIT, stored = BUF_INIT;
    enum db_result res;

    flag_key(&key, name);
    res = db_get(db, buf_span(&key), &stored);
    *value = res == DB_OK && stored.len == 1 && stored.data[0] == '1';
    buf_clear(&key);
    buf_clear(&stored);
    return res;
}

void blockdb_put_reindexing(struct db_batch *b, bool on)
{
    if (on)
        db_batch_put(b, span_of("R", 1), span_of("1", 1));
    else
        db_batch_delete(b, span_of("R", 1));
}

enum db_result blockdb_get_reindexing(struct db *db, bool *on)
{
    enum db_result res = db_has(db, span_of("R", 1));

    *on = res == DB_OK;
    return res;
}
