/*
 * The transaction index: on which block file, and where in it, each confirmed transaction lies.
 *
 * Core's present form: every indexed block gets a number, in the order of indexing, which both ways
 * lead to and from its hash. A transaction is a key without a value: five bytes of a keyed hash of
 * its txid, the number of its block, and its offset in the block. Whoever asks walks the keys that
 * share the five bytes and compares txids. A block that leaves the chain keeps its number and its
 * keys: it may come back, and its transactions can still be asked for.
 *
 * Databases of older versions have one record under each whole txid, and their own mark of how far
 * they are. They are built anew in the present form beside that; what is read back is always
 * checked against the block itself.
 */
#include <stdlib.h>

#include "index/internal.h"
#include "util/mem.h"
#include "util/siphash.h"

#define HEADER_SIZE  80
#define PREFIX_SIZE  5
#define OFFSET_SIZE  3
#define TX_PREFIX    'x'
#define SEQ_PREFIX   's'
#define BLOCK_PREFIX 'h'

/* Names are keys with their length in front. */
#define SALT_KEY span_of("\016txid_hash_salt", 15)
#define NEXT_KEY span_of("\016next_block_seq", 15)

struct tx_index {
    struct index_salt salt;
    uint32_t next_seq;
};

/* ---- keys ---- */

static void tx_prefix(const struct index *ix, const struct txid *txid, uint8_t key[1 + PREFIX_SIZE])
{
    const struct tx_index *t = ix->state;
    uint8_t hash[8];

    put_be64(hash, siphash13_hash(t->salt.k0, t->salt.k1, txid->b));
    key[0] = TX_PREFIX;
    memcpy(key + 1, hash, PREFIX_SIZE);
}

static void tx_key(struct buf *key, const struct index *ix, const struct txid *txid, uint32_t seq,
                   uint32_t offset)
{
    uint8_t prefix[1 + PREFIX_SIZE], be[4];

    tx_prefix(ix, txid, prefix);
    put_be32(be, offset);
    buf_reset(key);
    write_bytes(key, prefix, sizeof(prefix));
    write_varint(key, seq);
    write_bytes(key, be + sizeof(be) - OFFSET_SIZE, OFFSET_SIZE);
}

static void seq_key(struct buf *key, uint32_t seq)
{
    buf_reset(key);
    write_u8(key, SEQ_PREFIX);
    write_varint(key, seq);
}

static void block_key(struct buf *key, const struct block_hash *hash)
{
    buf_reset(key);
    write_u8(key, BLOCK_PREFIX);
    write_bytes(key, hash->b, sizeof(hash->b));
}

/* ---- building ---- */

static bool load(struct index *ix, const struct block_index *best, char **error)
{
    struct tx_index *t = xcalloc(1, sizeof(*t));
    struct buf value = BUF_INIT;
    enum db_result res = db_get(ix->db, NEXT_KEY, &value);
    bool ok = res == DB_NOT_FOUND || value.len == sizeof(uint32_t);

    (void)best;
    ix->state = t;
    if (res == DB_OK && ok)
        t->next_seq = get_le32(value.data);
    buf_clear(&value);
    if (res == DB_ERROR)
        return index_db_failed(ix, error);
    return ok ? index_salt(ix, SALT_KEY, &t->salt, error)
              : index_damaged(ix, error, "its count of blocks is malformed");
}

static void put_block(struct index *ix, const struct index_block *b, struct db_batch *batch)
{
    struct tx_index *t = ix->state;
    uint32_t offset = HEADER_SIZE + (uint32_t)compact_size(b->block->n_tx), seq = t->next_seq++;
    struct buf key = BUF_INIT;
    uint8_t number[4];

    put_le32(number, seq);
    block_key(&key, b->hash);
    db_batch_put(batch, buf_span(&key), span_of(number, sizeof(number)));
    seq_key(&key, seq);
    db_batch_put(batch, buf_span(&key), span_of(b->hash->b, sizeof(b->hash->b)));
    put_le32(number, t->next_seq);
    db_batch_put(batch, NEXT_KEY, span_of(number, sizeof(number)));
    for (uint32_t i = 0; i < b->block->n_tx; i++) {
        tx_key(&key, ix, &b->block->tx[i]->txid, seq, offset);
        db_batch_put(batch, buf_span(&key), span_of("", 0));
        offset += b->block->tx[i]->total_size;
    }
    buf_clear(&key);
}

/* The genesis block's transaction is left out: it is not one that can be spent. */
static bool connect(struct index *ix, const struct index_block *b, struct db_batch *batch,
                    char **error)
{
    struct buf key = BUF_INIT;
    enum db_result res;

    if (b->height == 0)
        return true;
    block_key(&key, b->hash);
    res = db_has(ix->db, buf_span(&key));
    buf_clear(&key);
    if (res == DB_NOT_FOUND)
        put_block(ix, b, batch);
    return res != DB_ERROR || index_db_failed(ix, error);
}

static bool disconnect(struct index *ix, const struct index_block *b, struct db_batch *batch,
                       char **error)
{
    (void)ix, (void)b, (void)batch, (void)error;
    return true;
}

static bool commit(struct index *ix, struct db_batch *batch, char **error)
{
    (void)ix, (void)batch, (void)error;
    return true;
}

static void close_state(struct index *ix)
{
    free(ix->state);
}

/* ---- asking ---- */

struct candidate {
    const struct block_index *block;
    uint32_t seq;
    bool active;
};

static int better_first(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->active != y->active)
        return x->active ? -1 : 1;
    return x->seq > y->seq ? -1 : x->seq < y->seq;
}

/* The block that has a number; NULL with *failed false where none is known. */
static const struct block_index *block_of(struct index *ix, uint32_t seq, bool *failed)
{
    struct buf key = BUF_INIT, value = BUF_INIT;
    const struct block_index *i = NULL;
    struct block_hash hash;
    enum db_result res;

    seq_key(&key, seq);
    res = db_get(ix->db, buf_span(&key), &value);
    *failed = res == DB_ERROR;
    if (res == DB_OK && value.len == sizeof(hash)) {
        memcpy(&hash, value.data, sizeof(hash));
        i = chain_find(ix->chain, &hash);
    }
    buf_clear(&key);
    buf_clear(&value);
    return i;
}

static bool read_key(struct span key, uint32_t *seq)
{
    struct reader r;
    uint64_t v;

    reader_init(&r, key.data + 1 + PREFIX_SIZE, key.len - 1 - PREFIX_SIZE);
    v = read_varint(&r);
    (void)read_span(&r, OFFSET_SIZE);
    *seq = (uint32_t)v;
    return reader_done(&r) && v <= UINT32_MAX;
}

/* Blocks that may have the transaction, the likeliest first; caller frees. False: database. */
static bool candidates(struct index *ix, const struct txid *txid, struct candidate **out, size_t *n)
{
    struct db_iter *it = db_iter_create(ix->db);
    uint8_t prefix[1 + PREFIX_SIZE];
    bool failed = false;
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    tx_prefix(ix, txid, prefix);
    for (db_iter_seek(it, span_of(prefix, sizeof(prefix))); db_iter_valid(it) && !failed;
         db_iter_next(it)) {
        struct span key = db_iter_key(it);
        struct candidate c = {0};

        if (key.len < sizeof(prefix) || memcmp(key.data, prefix, sizeof(prefix)) != 0)
            break;
        if (!read_key(key, &c.seq))
            continue;
        c.block = block_of(ix, c.seq, &failed);
        if (!c.block || !(c.block->status & BLOCK_HAVE_DATA))
            continue;
        c.active = chain_contains(ix->chain, c.block);
        *out = array_reserve(*out, &cap, *n + 1, sizeof(**out));
        (*out)[(*n)++] = c;
    }
    failed = failed || db_iter_failed(it);
    db_iter_destroy(it);
    if (*n)
        qsort(*out, *n, sizeof(**out), better_first);
    return !failed;
}

static struct tx *find_in(struct chain *chain, const struct block_index *i, const struct txid *txid,
                          bool *failed)
{
    struct block *b = chain_read_block(chain, i, failed);
    struct tx *tx = NULL;

    for (uint32_t k = 0; b && k < b->n_tx && !tx; k++)
        if (txid_eq(&b->tx[k]->txid, txid))
            tx = tx_standalone(b->tx[k]);
    block_unref(b);
    return tx;
}

enum index_result tx_index_find(struct index *ix, const struct txid *txid, struct tx **tx,
                                const struct block_index **block)
{
    struct candidate *all;
    size_t n;
    bool failed = !candidates(ix, txid, &all, &n);

    *tx = NULL;
    for (size_t i = 0; i < n && !*tx && !failed; i++) {
        *block = all[i].block;
        *tx = find_in(ix->chain, all[i].block, txid, &failed);
    }
    free(all);
    return failed ? INDEX_ERROR : *tx ? INDEX_FOUND : INDEX_MISSING;
}

const struct index_kind tx_index_kind = {
    .name = "txindex",
    .folder = "txindex",
    .best_key = {(const uint8_t *)"\015best_block_v2", 14},
    .load = load,
    .connect = connect,
    .disconnect = disconnect,
    .commit = commit,
    .close = close_state,
};
