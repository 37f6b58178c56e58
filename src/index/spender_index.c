/*
 * The index of spenders: for each output that a confirmed transaction spends, where that
 * transaction lies.
 *
 * A key without a value for each input: eight bytes of a keyed hash of the outpoint, and the place
 * of the spending transaction (block file, position of the block, offset behind the header).
 * Whoever asks walks the keys of the hash and compares inputs. A block that leaves the chain takes
 * its keys with it.
 */
#include <stdlib.h>

#include "index/internal.h"
#include "util/mem.h"
#include "util/siphash.h"

#define SPENDER_PREFIX 's'
#define HASH_SIZE      8
#define SALT_KEY       span_of("\013siphash_key", 12)

struct spender_index {
    struct index_salt salt;
};

static bool load(struct index *ix, const struct block_index *best, char **error)
{
    struct spender_index *s = xcalloc(1, sizeof(*s));

    (void)best;
    ix->state = s;
    return index_salt(ix, SALT_KEY, &s->salt, error);
}

static void prefix_write(struct buf *key, const struct index *ix, const struct outpoint *o)
{
    const struct spender_index *s = ix->state;
    uint8_t data[36];

    memcpy(data, o->txid.b, 32);
    put_le32(data + 32, o->n);
    buf_reset(key);
    write_u8(key, SPENDER_PREFIX);
    write_u64(key, siphash(s->salt.k0, s->salt.k1, data, sizeof(data)));
}

/* Every input of the block goes in or out. */
static void each_input(struct index *ix, const struct index_block *b, struct db_batch *batch,
                       bool put)
{
    uint64_t offset = compact_size(b->block->n_tx) + b->block->tx[0]->total_size;
    struct buf key = BUF_INIT;

    for (uint32_t i = 1; i < b->block->n_tx; i++) {
        const struct tx *tx = b->block->tx[i];

        for (uint32_t k = 0; k < tx->n_in; k++) {
            prefix_write(&key, ix, &tx->in[k].prev);
            write_varint(&key, (uint64_t)b->at.file);
            write_varint(&key, b->at.pos);
            write_varint(&key, offset);
            if (put)
                db_batch_put(batch, buf_span(&key), span_of("", 0));
            else
                db_batch_delete(batch, buf_span(&key));
        }
        offset += tx->total_size;
    }
    buf_clear(&key);
}

static bool connect(struct index *ix, const struct index_block *b, struct db_batch *batch,
                    char **error)
{
    (void)error;
    each_input(ix, b, batch, true);
    return true;
}

static bool disconnect(struct index *ix, const struct index_block *b, struct db_batch *batch,
                       char **error)
{
    (void)error;
    each_input(ix, b, batch, false);
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

static struct tx *spender_in(struct chain *chain, const struct block_index *i,
                             const struct outpoint *o, bool *failed)
{
    struct block *b = chain_read_block(chain, i, failed);
    struct tx *found = NULL;

    for (uint32_t k = 1; b && k < b->n_tx && !found; k++)
        for (uint32_t m = 0; m < b->tx[k]->n_in && !found; m++)
            if (txid_eq(&b->tx[k]->in[m].prev.txid, &o->txid) && b->tx[k]->in[m].prev.n == o->n)
                found = tx_standalone(b->tx[k]);
    block_unref(b);
    return found;
}

static bool read_place(struct span key, struct file_pos *at)
{
    struct reader r;
    uint64_t file, pos;

    reader_init(&r, key.data, key.len);
    (void)read_span(&r, 1 + HASH_SIZE);
    file = read_varint(&r);
    pos = read_varint(&r);
    (void)read_varint(&r);
    *at = (struct file_pos){(int32_t)file, (uint32_t)pos};
    return reader_done(&r) && file <= INT32_MAX && pos <= UINT32_MAX;
}

enum index_result spender_index_find(struct index *ix, const struct outpoint *o, struct tx **tx,
                                     const struct block_index **block)
{
    struct db_iter *it = db_iter_create(ix->db);
    struct buf prefix = BUF_INIT;
    const struct block_index *i = NULL;
    bool failed = false;

    *tx = NULL;
    *block = NULL;
    prefix_write(&prefix, ix, o);
    for (db_iter_seek(it, buf_span(&prefix)); db_iter_valid(it) && !failed; db_iter_next(it)) {
        struct span key = db_iter_key(it);
        struct file_pos at;
        struct tx *found;

        if (key.len < prefix.len || memcmp(key.data, prefix.data, prefix.len) != 0)
            break;
        i = read_place(key, &at) ? chain_block_at(ix->chain, at) : NULL;
        found = i ? spender_in(ix->chain, i, o, &failed) : NULL;
        failed = failed || !i;
        if (!found || (*tx && !chain_contains(ix->chain, i))) {
            tx_unref(found);
            continue;
        }
        tx_unref(*tx);
        *tx = found;
        *block = i;
    }
    failed = failed || db_iter_failed(it);
    db_iter_destroy(it);
    buf_clear(&prefix);
    if (failed) {
        tx_unref(*tx);
        *tx = NULL;
    }
    return failed ? INDEX_ERROR : *tx ? INDEX_FOUND : INDEX_MISSING;
}

const struct index_kind spender_index_kind = {
    .name = "txospenderindex",
    .folder = "txospenderindex/db",
    .best_key = {(const uint8_t *)"B", 1},
    .old_blocks = true,
    .load = load,
    .connect = connect,
    .disconnect = disconnect,
    .commit = commit,
    .close = close_state,
};
