/*
 * BIP37's partial merkle tree: from the root down, depth first, a bit for each node says whether
 * something wanted is below. Where nothing is, and at the leaves, stands a hash; what is above is
 * computed from below.
 *
 * A proof comes from outside, so a reader trusts nothing: the number of transactions is bounded
 * before anything is made of it, each bit and hash must be used, and two equal hashes side by side
 * are refused, since a tree of odd width could then prove a transaction that is not there
 * (CVE-2012-2459). That a proof of an inner node as a transaction (64 bytes) cannot be told from a
 * real one is the format's weakness; callers who know the block compare its number of transactions,
 * which fixes the depth.
 */
#include "chain/merkle_block.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "util/mem.h"

#define MAX_TXS (4000000 / 240) /* the smallest transaction weighs 240 of a block's 4,000,000 */
#define LEVELS  32

static uint32_t width_at(uint32_t n_tx, unsigned height)
{
    return (uint32_t)(((uint64_t)n_tx + (UINT64_C(1) << height) - 1) >> height);
}

static unsigned height_of(uint32_t n_tx)
{
    unsigned height = 0;

    while (width_at(n_tx, height) > 1)
        height++;
    return height;
}

static void hash_pair(uint8_t out[32], const uint8_t left[32], const uint8_t right[32])
{
    uint8_t pair[64];

    memcpy(pair, left, 32);
    memcpy(pair + 32, right, 32);
    sha256d(out, pair, sizeof(pair));
}

/* ---- making ---- */

struct maker {
    uint32_t n_tx;
    uint8_t (*hashes[LEVELS])[32]; /* of each level, from the leaves up */
    bool *wanted[LEVELS];          /* something below is */
    struct buf out_hashes, out_bits;
    size_t n_bits;
};

static void make_level(struct maker *m, unsigned height)
{
    uint32_t width = width_at(m->n_tx, height), below = height ? width_at(m->n_tx, height - 1) : 0;

    m->hashes[height] = xcalloc(width ? width : 1, 32);
    m->wanted[height] = xcalloc(width ? width : 1, sizeof(bool));
    for (uint32_t i = 0; i < width && height > 0; i++) {
        uint32_t left = 2 * i, right = left + 1 < below ? left + 1 : left;

        hash_pair(m->hashes[height][i], m->hashes[height - 1][left], m->hashes[height - 1][right]);
        m->wanted[height][i] = m->wanted[height - 1][left] || m->wanted[height - 1][right];
    }
}

static void put_bit(struct maker *m, bool bit)
{
    if (m->n_bits % 8 == 0)
        write_u8(&m->out_bits, 0);
    m->out_bits.data[m->n_bits / 8] |= (uint8_t)(bit << (m->n_bits % 8));
    m->n_bits++;
}

/* Deep as the tree is high. */
static void put_node(struct maker *m, unsigned height, uint32_t pos)
{
    bool wanted = m->wanted[height][pos];

    put_bit(m, wanted);
    if (height == 0 || !wanted) {
        write_bytes(&m->out_hashes, m->hashes[height][pos], 32);
        return;
    }
    put_node(m, height - 1, pos * 2);
    if (pos * 2 + 1 < width_at(m->n_tx, height - 1))
        put_node(m, height - 1, pos * 2 + 1);
}

void merkle_block_write(struct buf *out, const struct block *b, const bool *wanted)
{
    struct maker m = {.n_tx = b->n_tx};
    unsigned height = height_of(b->n_tx);
    uint8_t header[HEADER_SIZE];

    for (unsigned h = 0; h <= height; h++) {
        make_level(&m, h);
        for (uint32_t i = 0; h == 0 && i < b->n_tx; i++) {
            memcpy(m.hashes[0][i], b->tx[i]->txid.b, 32);
            m.wanted[0][i] = wanted[i];
        }
    }
    if (b->n_tx > 0)
        put_node(&m, height, 0);
    header_write(&b->header, header);
    write_bytes(out, header, sizeof(header));
    write_u32(out, b->n_tx);
    write_compact(out, m.out_hashes.len / 32);
    write_bytes(out, m.out_hashes.data, m.out_hashes.len);
    write_compact(out, m.out_bits.len);
    write_bytes(out, m.out_bits.data, m.out_bits.len);
    for (unsigned h = 0; h <= height; h++) {
        free(m.hashes[h]);
        free(m.wanted[h]);
    }
    buf_clear(&m.out_hashes);
    buf_clear(&m.out_bits);
}

/* ---- reading ---- */

struct taker {
    struct merkle_block *out;
    struct span hashes, bits;
    size_t hashes_used, bits_used, cap;
    bool bad;
};

static bool take_bit(struct taker *t)
{
    size_t at = t->bits_used++;

    if (at >= t->bits.len * 8)
        t->bad = true;
    return !t->bad && (t->bits.data[at / 8] >> (at % 8) & 1) != 0;
}

static void take_hash(struct taker *t, uint8_t out[32])
{
    if (t->hashes_used >= t->hashes.len / 32) {
        t->bad = true;
        memset(out, 0, 32);
        return;
    }
    memcpy(out, t->hashes.data + 32 * t->hashes_used++, 32);
}

static void add_match(struct taker *t, const uint8_t hash[32], uint32_t index)
{
    struct merkle_block *m = t->out;

    m->matches = array_reserve(m->matches, &t->cap, m->n_matches + 1, sizeof(*m->matches));
    memcpy(m->matches[m->n_matches].txid.b, hash, 32);
    m->matches[m->n_matches++].index = index;
}

/* Deep as the tree is high, and never wider than there are bits. */
static void take_node(struct taker *t, unsigned height, uint32_t pos, uint8_t out[32])
{
    bool below = take_bit(t);
    uint8_t left[32], right[32];

    memset(out, 0, 32);
    if (t->bad)
        return;
    if (height == 0 || !below) {
        take_hash(t, out);
        if (height == 0 && below && !t->bad)
            add_match(t, out, pos);
        return;
    }
    take_node(t, height - 1, pos * 2, left);
    memcpy(right, left, 32);
    if (pos * 2 + 1 < width_at(t->out->n_tx, height - 1)) {
        take_node(t, height - 1, pos * 2 + 1, right);
        if (memcmp(left, right, 32) == 0)
            t->bad = true;
    }
    hash_pair(out, left, right);
}

static bool proves(struct taker *t)
{
    struct merkle_block *m = t->out;
    uint8_t root[32];

    if (m->n_tx == 0 || m->n_tx > MAX_TXS || t->hashes.len / 32 > m->n_tx ||
        t->bits.len * 8 < t->hashes.len / 32)
        return false;
    take_node(t, height_of(m->n_tx), 0, root);
    return !t->bad && (t->bits_used + 7) / 8 == t->bits.len &&
           t->hashes_used == t->hashes.len / 32 && memcmp(root, m->header.merkle_root, 32) == 0;
}

enum merkle_result merkle_block_read(struct merkle_block *out, struct reader *r)
{
    struct taker t = {.out = out};
    struct span header;
    uint64_t n;

    memset(out, 0, sizeof(*out));
    header = read_span(r, HEADER_SIZE);
    out->n_tx = read_u32(r);
    n = read_compact(r, reader_left(r) / 32);
    t.hashes = read_span(r, (size_t)n * 32);
    t.bits = read_var_span(r, reader_left(r));
    if (!reader_ok(r))
        return MERKLE_MALFORMED;
    header_read(&out->header, header.data);
    if (proves(&t))
        return MERKLE_PROVED;
    merkle_block_clear(out);
    return MERKLE_WRONG;
}

void merkle_block_clear(struct merkle_block *m)
{
    free(m->matches);
    m->matches = NULL;
    m->n_matches = 0;
}
