/*
 * Blocks.
 *
 * A parsed block is two allocations: the bytes, and one for the struct, its transactions and all
 * their arrays, whose sizes a first pass over the bytes has counted. Every transaction's scripts
 * are views into the bytes, and references to a transaction count on the block, so a block is
 * freed as a whole when nobody holds any part of it.
 */
#include "chain/block.h"

#include <stdlib.h>

#include "chain/tx_parse.h"
#include "crypto/hash.h"
#include "util/mem.h"

/* No transaction is shorter: version, two counts, lock time. */
#define MIN_TX_BYTES 10

void header_write(const struct header *h, uint8_t out[HEADER_SIZE])
{
    put_le32(out, (uint32_t)h->version);
    memcpy(out + 4, h->prev.b, 32);
    memcpy(out + 36, h->merkle_root, 32);
    put_le32(out + 68, h->time);
    put_le32(out + 72, h->bits);
    put_le32(out + 76, h->nonce);
}

void header_read(struct header *h, const uint8_t in[HEADER_SIZE])
{
    h->version = (int32_t)get_le32(in);
    memcpy(h->prev.b, in + 4, 32);
    memcpy(h->merkle_root, in + 36, 32);
    h->time = get_le32(in + 68);
    h->bits = get_le32(in + 72);
    h->nonce = get_le32(in + 76);
}

struct block_hash header_hash(const struct header *h)
{
    uint8_t bytes[HEADER_SIZE];
    struct block_hash hash;

    header_write(h, bytes);
    sha256d(hash.b, bytes, sizeof(bytes));
    return hash;
}

/* ---- parsing ---- */

/* First pass: the layout of each transaction, and the sum of all. */
static bool scan_block(struct reader *r, struct tx_layout **layouts, uint32_t *n_tx,
                       struct tx_layout *sum)
{
    uint64_t n;

    read_span(r, HEADER_SIZE);
    n = read_compact(r, reader_left(r));
    if (!reader_ok(r) || n > reader_left(r) / MIN_TX_BYTES)
        return false;
    *layouts = xcalloc(n ? n : 1, sizeof(**layouts));
    *n_tx = (uint32_t)n;
    memset(sum, 0, sizeof(*sum));
    for (uint64_t i = 0; i < n; i++) {
        struct tx_layout *l = &(*layouts)[i];

        if (!tx_scan(r, true, l))
            return false;
        sum->n_in += l->n_in;
        sum->n_out += l->n_out;
        sum->n_items += l->n_items;
        sum->base_size += l->base_size;
    }
    return reader_ok(r);
}

/* One allocation for the struct and all arrays, in the order of their alignment. */
static struct block *alloc_block(uint32_t n_tx, const struct tx_layout *sum, struct tx **txs,
                                 struct tx_space *space)
{
    size_t size = sizeof(struct block) + n_tx * (sizeof(struct tx) + sizeof(struct tx *)) +
                  sum->n_in * sizeof(struct tx_in) + sum->n_out * sizeof(struct tx_out) +
                  sum->n_items * sizeof(struct span);
    struct block *b = xmalloc(size);
    struct tx **pointers;

    memset(b, 0, sizeof(*b));
    *txs = (struct tx *)(b + 1);
    space->in = (struct tx_in *)(*txs + n_tx);
    space->out = (struct tx_out *)(space->in + sum->n_in);
    space->items = (struct span *)(space->out + sum->n_out);
    pointers = (struct tx **)(space->items + sum->n_items);
    for (uint32_t i = 0; i < n_tx; i++)
        pointers[i] = &(*txs)[i];
    b->tx = pointers;
    b->n_tx = n_tx;
    b->memory = size;
    return b;
}

/* `known`: transactions with the same bytes whose ids are taken over, or NULL. */
static struct block *parse_take(uint8_t *data, size_t len, const struct tx *const *known)
{
    struct tx_layout *layouts = NULL, sum;
    struct tx_space space;
    struct block *b = NULL;
    struct reader r;
    struct tx *txs;
    const uint8_t *pos;
    uint32_t n_tx;

    reader_init(&r, data, len);
    if (len > UINT32_MAX / WITNESS_SCALE || !scan_block(&r, &layouts, &n_tx, &sum) ||
        !reader_done(&r)) {
        free(data);
        goto out;
    }
    b = alloc_block(n_tx, &sum, &txs, &space);
    header_read(&b->header, data);
    b->hash = header_hash(&b->header);
    b->raw = span_of(data, len);
    b->base_size = (uint32_t)(HEADER_SIZE + compact_size(n_tx) + sum.base_size);
    b->refs = 1;
    pos = data + HEADER_SIZE + compact_size(n_tx);
    for (uint32_t i = 0; i < n_tx; pos += layouts[i].size, i++) {
        tx_place(&txs[i], pos, &layouts[i], &space);
        txs[i].block = b;
        if (known) {
            txs[i].txid = known[i]->txid;
            txs[i].wtxid = known[i]->wtxid;
        }
    }
    if (!known)
        tx_hash_many(b->tx, n_tx);
out:
    free(layouts);
    return b;
}

struct block *block_parse_take(uint8_t *data, size_t len)
{
    return parse_take(data, len, NULL);
}

struct block *block_parse(const void *data, size_t len)
{
    return parse_take(xmemdup(data, len), len, NULL);
}

size_t block_extent(const void *data, size_t len)
{
    struct tx_layout *layouts = NULL, sum;
    struct reader r;
    uint32_t n_tx;
    bool ok;

    reader_init(&r, data, len);
    ok = scan_block(&r, &layouts, &n_tx, &sum);
    free(layouts);
    return ok ? len - reader_left(&r) : 0;
}

struct block *block_create(const struct header *h, const struct tx *const *txs, size_t n)
{
    uint8_t header[HEADER_SIZE];
    struct buf b = BUF_INIT;
    struct block *block;
    size_t len;
    uint8_t *data;

    header_write(h, header);
    write_bytes(&b, header, sizeof(header));
    write_compact(&b, n);
    for (size_t i = 0; i < n; i++)
        tx_write(&b, txs[i], true);
    data = buf_take(&b, &len);
    block = parse_take(data, len, txs);
    CHECK(block && block->n_tx == n);
    return block;
}

struct block *block_with_header(const struct block *b, const struct header *h)
{
    uint8_t *data = xmemdup(b->raw.data, b->raw.len);

    header_write(h, data);
    return parse_take(data, b->raw.len, (const struct tx *const *)b->tx);
}

struct block *block_ref(const struct block *b)
{
    struct block *mut = (struct block *)b;

    __atomic_add_fetch(&mut->refs, 1, __ATOMIC_RELAXED);
    return mut;
}

void block_unref(const struct block *b)
{
    struct block *mut = (struct block *)b;

    if (!b || __atomic_sub_fetch(&mut->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    free((void *)mut->raw.data);
    free(mut);
}

void block_write(struct buf *b, const struct block *block, bool witness)
{
    uint8_t header[HEADER_SIZE];

    if (witness) {
        write_span(b, block->raw);
        return;
    }
    buf_reserve(b, block->base_size);
    header_write(&block->header, header);
    write_bytes(b, header, sizeof(header));
    write_compact(b, block->n_tx);
    for (uint32_t i = 0; i < block->n_tx; i++)
        tx_write(b, block->tx[i], false);
}

uint32_t block_weight(const struct block *b)
{
    return b->base_size * (WITNESS_SCALE - 1) + (uint32_t)b->raw.len;
}

size_t block_memory(const struct block *b)
{
    return b->memory + b->raw.len;
}
