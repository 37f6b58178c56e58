/*
 * Compact blocks without the network: bytes in, bytes out.
 *
 * A compact block names its transactions by 48 bits of a keyed hash of their wtxid. The receiver
 * hashes what it has with the same key and looks each one up in a table of the wanted ids, so the
 * work is one SipHash for each transaction of the mempool, once for a block. The table has its own
 * secret key: who chooses short ids cannot make it degenerate, and no limit on the length of its
 * chains is needed.
 *
 * Short ids collide now and then by chance, and at will for who knows the key, so a block is only
 * believed when its merkle root and witness commitment fit; else it is the short ids' fault, not
 * the block's, and the whole block is fetched. That is why a failure is never a verdict about the
 * block.
 *
 * Nothing is allocated by a number of the message before as many bytes are there.
 */
#include "net/cmpct.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "util/siphash.h"
#include "util/table.h"

#define SHORT_ID_BYTES 6
#define MIN_TX_BYTES   10

/* ---- short ids ---- */

struct short_id_keys short_id_keys(const struct header *h, uint64_t nonce)
{
    uint8_t in[HEADER_SIZE + 8], out[32];
    header_write(h, in);
    put_le64(in + HEADER_SIZE, nonce);
    sha256(out, in, sizeof(in));
    return (struct short_id_keys){get_le64(out), get_le64(out + 8)};
}

uint64_t short_id(const struct short_id_keys *k, const struct wtxid *wtxid)
{
    return siphash(k->k0, k->k1, wtxid->b, sizeof(wtxid->b)) & 0xffffffffffff;
}

/* ---- cmpctblock ---- */

static void read_short_ids(struct cmpct *c, struct reader *r)
{
    uint64_t n = read_compact(r, MAX_CMPCT_TXS);
    if (n > reader_left(r) / SHORT_ID_BYTES)
        reader_fail(r);
    if (!reader_ok(r))
        return;
    c->short_ids = xcalloc(n + 1, sizeof(*c->short_ids));
    c->n_short = (size_t)n;
    for (size_t i = 0; i < c->n_short; i++) {
        uint64_t low = read_u32(r);
        c->short_ids[i] = low | (uint64_t)read_u16(r) << 32;
    }
}

static void read_prefilled(struct cmpct *c, struct reader *r)
{
    uint64_t n = read_compact(r, MAX_CMPCT_TXS);
    uint32_t next = 0;
    if (n > reader_left(r) / (1 + MIN_TX_BYTES))
        reader_fail(r);
    if (!reader_ok(r))
        return;
    c->prefilled = xcalloc(n + 1, sizeof(*c->prefilled));
    for (size_t i = 0; i < n; i++) {
        uint32_t skip = (uint32_t)read_compact(r, MAX_CMPCT_TXS);
        struct tx *tx = tx_read(r, true);
        if (!tx)
            return;
        c->prefilled[c->n_prefilled++] = (struct cmpct_prefilled){next + skip, tx};
        next += skip + 1; /* at most 2^32: as many bytes are not in a message */
    }
}

bool cmpct_read(struct cmpct *c, struct reader *r)
{
    uint8_t raw[HEADER_SIZE];
    memset(c, 0, sizeof(*c));
    read_bytes(r, raw, sizeof(raw));
    header_read(&c->header, raw);
    c->nonce = read_u64(r);
    read_short_ids(c, r);
    if (reader_ok(r))
        read_prefilled(c, r);
    if (c->n_short + c->n_prefilled > MAX_CMPCT_TXS)
        reader_fail(r);
    return reader_ok(r);
}

void cmpct_clear(struct cmpct *c)
{
    for (size_t i = 0; i < c->n_prefilled; i++)
        tx_unref(c->prefilled[i].tx);
    free(c->prefilled);
    free(c->short_ids);
    memset(c, 0, sizeof(*c));
}

void cmpct_write(struct buf *b, const struct block *block, uint64_t nonce)
{
    struct short_id_keys keys = short_id_keys(&block->header, nonce);
    uint8_t header[HEADER_SIZE];
    CHECK(block->n_tx > 0);
    header_write(&block->header, header);
    write_bytes(b, header, sizeof(header));
    write_u64(b, nonce);
    write_compact(b, block->n_tx - 1);
    for (uint32_t i = 1; i < block->n_tx; i++) {
        uint64_t id = short_id(&keys, &block->tx[i]->wtxid);
        write_u32(b, (uint32_t)id);
        write_u16(b, (uint16_t)(id >> 32));
    }
    write_compact(b, 1);
    write_compact(b, 0);
    tx_write(b, block->tx[0], true);
}

/* ---- getblocktxn, blocktxn ---- */

bool getblocktxn_read(struct reader *r, struct block_hash *hash, uint32_t **index, size_t *n)
{
    uint32_t next = 0;
    *index = NULL;
    *n = 0;
    read_bytes(r, hash->b, 32);
    uint64_t count = read_compact(r, UINT32_MAX);
    if (count > reader_left(r))
        reader_fail(r);
    if (!reader_ok(r))
        return false;
    *index = xcalloc(count + 1, sizeof(**index));
    for (; *n < count && reader_ok(r); (*n)++) {
        uint32_t skip = (uint32_t)read_compact(r, MAX_CMPCT_TXS);
        if (next + skip > MAX_CMPCT_TXS)
            reader_fail(r);
        (*index)[*n] = next + skip;
        next += skip + 1;
    }
    return reader_ok(r);
}

void getblocktxn_write(struct buf *b, const struct block_hash *hash, const uint32_t *index,
                       size_t n)
{
    uint32_t next = 0;
    write_bytes(b, hash->b, 32);
    write_compact(b, n);
    for (size_t i = 0; i < n; i++) {
        write_compact(b, index[i] - next);
        next = index[i] + 1;
    }
}

bool blocktxn_read(struct blocktxn *t, struct reader *r)
{
    memset(t, 0, sizeof(*t));
    read_bytes(r, t->hash.b, 32);
    uint64_t n = read_compact(r, UINT32_MAX);
    if (n > reader_left(r) / MIN_TX_BYTES)
        reader_fail(r);
    if (!reader_ok(r))
        return false;
    t->tx = xcalloc(n + 1, sizeof(*t->tx));
    while (t->n < n) {
        struct tx *tx = tx_read(r, true);
        if (!tx)
            return false;
        t->tx[t->n++] = tx;
    }
    return true;
}

void blocktxn_clear(struct blocktxn *t)
{
    for (size_t i = 0; i < t->n; i++)
        tx_unref(t->tx[i]);
    free(t->tx);
    memset(t, 0, sizeof(*t));
}

void blocktxn_write(struct buf *b, const struct block *block, const uint32_t *index, size_t n)
{
    write_bytes(b, block->hash.b, 32);
    write_compact(b, n);
    for (size_t i = 0; i < n; i++) {
        CHECK(index[i] < block->n_tx);
        tx_write(b, block->tx[index[i]], true);
    }
}

/* ---- reconstruction ---- */

struct wanted {
    uint64_t id; /* key of the table */
    uint32_t index;
    bool collided;
};

struct partial_block {
    struct header header;
    struct short_id_keys keys;
    const struct tx **tx; /* referenced; NULL: missing */
    size_t n, n_missing;
    struct wanted *wanted;
    struct table by_id;
    bool used;
};

static bool place_prefilled(struct partial_block *p, const struct cmpct *c)
{
    for (size_t i = 0; i < c->n_prefilled; i++) {
        const struct cmpct_prefilled *f = &c->prefilled[i];
        /* Past what short ids and the ones before fill: there would be a hole. */
        if (f->index > c->n_short + i || (f->tx->n_in == 0 && f->tx->n_out == 0))
            return false;
        p->tx[f->index] = tx_ref(f->tx);
    }
    return true;
}

/* False where two are the same. */
static bool index_short_ids(struct partial_block *p, const struct cmpct *c)
{
    uint32_t at = 0;
    for (size_t i = 0; i < c->n_short; i++, at++) {
        while (p->tx[at])
            at++;
        p->wanted[i] = (struct wanted){c->short_ids[i], at, false};
        if (table_add(&p->by_id, &p->wanted[i]))
            return false;
    }
    return true;
}

struct partial_block *partial_block_create(const struct cmpct *c, enum cmpct_result *res)
{
    struct partial_block *p;
    *res = CMPCT_INVALID;
    if (c->header.bits == 0 || c->n_short + c->n_prefilled == 0)
        return NULL;
    p = xcalloc(1, sizeof(*p));
    p->header = c->header;
    p->keys = short_id_keys(&c->header, c->nonce);
    p->n = c->n_short + c->n_prefilled;
    p->n_missing = c->n_short;
    p->tx = xcalloc(p->n, sizeof(struct tx *));
    p->wanted = xcalloc(c->n_short + 1, sizeof(*p->wanted));
    TABLE_INIT(&p->by_id, struct wanted, id);
    if (place_prefilled(p, c))
        *res = index_short_ids(p, c) ? CMPCT_OK : CMPCT_FAILED;
    if (*res == CMPCT_OK)
        return p;
    partial_block_free(p);
    return NULL;
}

void partial_block_free(struct partial_block *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++) {
        if (p->tx[i])
            tx_unref(p->tx[i]);
    }
    free(p->tx);
    free(p->wanted);
    table_clear(&p->by_id);
    free(p);
}

bool partial_block_offer(struct partial_block *p, const struct tx *tx)
{
    uint64_t id = short_id(&p->keys, &tx->wtxid);
    struct wanted *w = table_get(&p->by_id, &id);
    if (!w || w->collided)
        return p->n_missing > 0;
    const struct tx **at = &p->tx[w->index];
    if (!*at) {
        *at = tx_ref(tx);
        p->n_missing--;
    } else if (!wtxid_eq(&(*at)->wtxid, &tx->wtxid)) {
        tx_unref(*at);
        *at = NULL;
        p->n_missing++;
        w->collided = true;
    }
    return p->n_missing > 0;
}

uint32_t *partial_block_missing(const struct partial_block *p, size_t *n)
{
    uint32_t *out = xcalloc(p->n_missing + 1, sizeof(*out));
    *n = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (!p->tx[i])
            out[(*n)++] = (uint32_t)i;
    }
    CHECK(*n == p->n_missing);
    return out;
}

bool partial_block_used(const struct partial_block *p)
{
    return p->used;
}

bool block_may_be_dressed(const struct block *b)
{
    if (b->n_tx == 0 || tx_is_coinbase(b->tx[0]))
        return false;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (b->tx[i]->base_size == 64)
            return true;
    }
    return false;
}

/* Whether the transactions are those that the header commits to. */
static bool is_whole(const struct block *b, bool segwit_active, struct verdict *v)
{
    uint8_t root[32];
    bool mutated;
    block_merkle_root(b, root, &mutated);
    if (mutated || memcmp(root, b->header.merkle_root, 32) != 0)
        return verdict_fail(v, VERDICT_MUTATED, "bad-txnmrklroot", "hashMerkleRoot mismatch");
    if (block_may_be_dressed(b))
        return verdict_fail(v, VERDICT_MUTATED, "bad-cb-missing", "transaction of 64 bytes");
    return !tx_is_coinbase(b->tx[0]) || block_check_witness(b, segwit_active, v);
}

enum cmpct_result partial_block_fill(struct partial_block *p, const struct tx *const *txs, size_t n,
                                     bool segwit_active, struct block **out, struct verdict *v)
{
    size_t taken = 0, size = 0;
    CHECK(!p->used);
    p->used = true;
    if (n != p->n_missing)
        return CMPCT_INVALID;
    for (size_t i = 0; i < p->n; i++) {
        if (!p->tx[i])
            p->tx[i] = tx_ref(txs[taken++]);
        size += p->tx[i]->total_size;
    }
    p->n_missing = 0;
    if (size > MAX_BLOCK_SERIALIZED) {
        verdict_fail(v, VERDICT_MUTATED, "bad-blk-length", "more than fits a block");
        return CMPCT_FAILED;
    }
    *out = block_create(&p->header, p->tx, p->n);
    if (is_whole(*out, segwit_active, v))
        return CMPCT_OK;
    block_unref(*out);
    *out = NULL;
    return CMPCT_FAILED;
}
