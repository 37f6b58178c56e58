/*
 * Records by height and by hash, as the filter index and the coin statistics keep them.
 *
 * What is known of a block of the active chain lies under its height, so that a range of heights is
 * a range of keys; its value begins with the block's hash, which tells whose it is. When the block
 * leaves the chain, its record moves under its hash before another block's takes its place. So a
 * record is looked for under the height first, and where another block is found there, under the
 * hash.
 *
 * Beside them the salt, with which the transaction and the spender index hash what they look up.
 */
#include "index/internal.h"
#include "util/mem.h"
#include "util/random.h"

#define HEIGHT_PREFIX 't'
#define HASH_PREFIX   's'

void index_height_key(uint8_t key[5], int32_t height)
{
    key[0] = HEIGHT_PREFIX;
    put_be32(key + 1, (uint32_t)height);
}

static void hash_key(uint8_t key[1 + INDEX_HASH_SIZE], const struct block_hash *hash)
{
    key[0] = HASH_PREFIX;
    memcpy(key + 1, hash->b, INDEX_HASH_SIZE);
}

enum db_result index_record_get(struct db *db, int32_t height, const struct block_hash *hash,
                                struct buf *out)
{
    uint8_t by_height[5], by_hash[1 + INDEX_HASH_SIZE];
    size_t before = out->len;
    enum db_result res;

    index_height_key(by_height, height);
    res = db_get(db, span_of(by_height, sizeof(by_height)), out);
    if (res == DB_ERROR)
        return res;
    if (res == DB_OK && out->len - before >= INDEX_HASH_SIZE &&
        memcmp(out->data + before, hash->b, INDEX_HASH_SIZE) == 0) {
        out->len -= INDEX_HASH_SIZE;
        memmove(out->data + before, out->data + before + INDEX_HASH_SIZE, out->len - before);
        return DB_OK;
    }
    out->len = before;
    hash_key(by_hash, hash);
    return db_get(db, span_of(by_hash, sizeof(by_hash)), out);
}

void index_record_put(struct db_batch *batch, int32_t height, const struct block_hash *hash,
                      struct span value)
{
    struct buf record = BUF_INIT;
    uint8_t key[5];

    write_bytes(&record, hash->b, INDEX_HASH_SIZE);
    write_span(&record, value);
    index_height_key(key, height);
    db_batch_put(batch, span_of(key, sizeof(key)), buf_span(&record));
    buf_clear(&record);
}

bool index_record_retire(struct index *ix, struct db_batch *batch, const struct index_block *b,
                         char **error)
{
    uint8_t key[1 + INDEX_HASH_SIZE];
    struct buf record = BUF_INIT;
    enum db_result res = index_record_get(ix->db, b->height, b->hash, &record);

    if (res == DB_OK) {
        hash_key(key, b->hash);
        db_batch_put(batch, span_of(key, sizeof(key)), buf_span(&record));
    }
    buf_clear(&record);
    switch (res) {
    case DB_OK: return true;
    case DB_NOT_FOUND: return index_damaged(ix, error, "a block's record is missing");
    case DB_ERROR: break;
    }
    return index_db_failed(ix, error);
}

static bool make_salt(struct index *ix, struct span key, struct index_salt *out, char **error)
{
    struct db_batch *batch = db_batch_create(ix->db);
    uint8_t salt[16];
    bool ok;

    random_bytes(salt, sizeof(salt));
    out->k0 = get_le64(salt);
    out->k1 = get_le64(salt + 8);
    db_batch_put(batch, key, span_of(salt, sizeof(salt)));
    ok = db_write(ix->db, batch, true) || index_db_failed(ix, error);
    db_batch_destroy(batch);
    return ok;
}

bool index_salt(struct index *ix, struct span key, struct index_salt *out, char **error)
{
    struct buf value = BUF_INIT;
    enum db_result res = db_get(ix->db, key, &value);
    struct reader r;
    bool ok;

    reader_init(&r, value.data, value.len);
    out->k0 = read_u64(&r);
    out->k1 = read_u64(&r);
    ok = reader_done(&r);
    buf_clear(&value);
    switch (res) {
    case DB_OK: return ok || index_damaged(ix, error, "its salt is malformed");
    case DB_NOT_FOUND: return make_salt(ix, key, out, error);
    case DB_ERROR: break;
    }
    return index_db_failed(ix, error);
}

bool index_damaged(const struct index *ix, char **error, const char *why)
{
    *error = xasprintf("The %s is damaged (%s). Delete %s and restart to build it anew.",
                       ix->kind->name, why, ix->folder);
    return false;
}

bool index_db_failed(const struct index *ix, char **error)
{
    *error = xasprintf("The database of the %s failed: %s", ix->kind->name, db_error(ix->db));
    return false;
}
