/*
 * Compact filters (BIP158): a Golomb-coded set.
 *
 * Every script becomes a number below N * M by SipHash, keyed by the block's hash; the numbers are
 * sorted and their differences written in Golomb-Rice code: the quotient by 2^P in ones and a zero,
 * then P bits. Scripts that are there twice count once, also in N, so they are sorted and compared
 * as bytes first: two different ones that meet in a number stay two.
 *
 * To look many scripts up, their numbers are sorted too, and both lists are walked at once. A
 * filter that comes from elsewhere may claim any N: numbers are decoded one by one, nothing is
 * allocated by it, and a quotient ends with the bits.
 */
#include "chain/filter.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "util/siphash.h"

#define FILTER_P   19
#define FILTER_M   784931
#define OP_RETURN  0x6a /* chain/ knows no other opcode */
#define MAX_FILTER UINT32_MAX

/* ---- the numbers ---- */

static uint64_t number_of(const struct block_hash *block, struct span script, uint64_t range)
{
    uint64_t h = siphash(get_le64(block->b), get_le64(block->b + 8), script.data, script.len);

    return (uint64_t)((unsigned __int128)h * range >> 64);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Sorted numbers of n scripts; the caller frees. */
static uint64_t *numbers_of(const struct block_hash *block, const struct span *scripts, size_t n,
                            uint64_t range)
{
    uint64_t *v = xreallocarray(NULL, n + 1, sizeof(*v));

    for (size_t i = 0; i < n; i++)
        v[i] = number_of(block, scripts[i], range);
    qsort(v, n, sizeof(*v), compare_u64);
    return v;
}

/* ---- bits, the highest of a byte first ---- */

struct bit_writer {
    struct buf *out;
    uint64_t bits; /* the low `n`, fewer than 8 between calls */
    unsigned n;
};

static void put_bits(struct bit_writer *w, uint64_t v, unsigned n)
{
    w->bits = w->bits << n | v;
    for (w->n += n; w->n >= 8; w->n -= 8)
        write_u8(w->out, (uint8_t)(w->bits >> (w->n - 8)));
}

static void put_number(struct bit_writer *w, uint64_t v)
{
    for (uint64_t ones = v >> FILTER_P; ones > 0; ones--)
        put_bits(w, 1, 1);
    put_bits(w, 0, 1);
    put_bits(w, v & ((1u << FILTER_P) - 1), FILTER_P);
}

struct bit_reader {
    struct reader r;
    uint8_t byte;
    unsigned left; /* bits of it */
};

static unsigned get_bit(struct bit_reader *b)
{
    if (b->left == 0) {
        b->byte = read_u8(&b->r);
        b->left = 8;
    }
    return b->byte >> --b->left & 1;
}

static uint64_t get_number(struct bit_reader *b)
{
    uint64_t v = 0;

    while (reader_ok(&b->r) && get_bit(b))
        v++;
    for (int i = 0; i < FILTER_P; i++)
        v = v << 1 | get_bit(b);
    return v;
}

/* ---- making ---- */

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->data, y->data, len);

    return order != 0 ? order : x->len < y->len ? -1 : x->len > y->len;
}

/* Sorts, and leaves each once; returns how many are left. */
static size_t unique(struct span *v, size_t n)
{
    size_t kept = 0;

    qsort(v, n, sizeof(*v), compare_spans);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !span_eq(v[kept - 1], v[i]))
            v[kept++] = v[i];
    return kept;
}

/* The scripts of a block's filter, each once; the caller frees. */
static struct span *elements(const struct block *b, const struct span *spent, size_t n_spent,
                             size_t *n)
{
    size_t max = n_spent + 1;
    struct span *v;

    for (uint32_t i = 0; i < b->n_tx; i++)
        max += b->tx[i]->n_out;
    v = xreallocarray(NULL, max, sizeof(*v));
    *n = 0;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        for (uint32_t k = 0; k < b->tx[i]->n_out; k++) {
            struct span s = b->tx[i]->out[k].script_pubkey;

            if (s.len > 0 && s.data[0] != OP_RETURN)
                v[(*n)++] = s;
        }
    }
    for (size_t i = 0; i < n_spent; i++)
        if (spent[i].len > 0)
            v[(*n)++] = spent[i];
    *n = unique(v, *n);
    return v;
}

void block_filter_make(struct buf *out, const struct block *b, const struct span *spent,
                       size_t n_spent)
{
    struct bit_writer w = {.out = out};
    uint64_t *numbers, last = 0;
    struct span *v;
    size_t n;

    v = elements(b, spent, n_spent, &n);
    numbers = numbers_of(&b->hash, v, n, (uint64_t)n * FILTER_M);
    write_compact(out, n);
    for (size_t i = 0; i < n; i++) {
        put_number(&w, numbers[i] - last);
        last = numbers[i];
    }
    if (w.n > 0)
        put_bits(&w, 0, 8 - w.n);
    free(numbers);
    free(v);
}

/* ---- using ---- */

void block_filter_hash(uint8_t out[32], struct span filter)
{
    sha256d(out, filter.data, filter.len);
}

void block_filter_header(uint8_t out[32], const uint8_t filter_hash[32], const uint8_t prev[32])
{
    uint8_t both[64];

    memcpy(both, filter_hash, 32);
    memcpy(both + 32, prev, 32);
    sha256d(out, both, sizeof(both));
}

bool block_filter_match(struct span filter, const struct block_hash *block,
                        const struct span *scripts, size_t n, bool *match)
{
    struct bit_reader bits = {.left = 0};
    uint64_t count, at = 0, *wanted;
    size_t next = 0;

    *match = false;
    reader_init(&bits.r, filter.data, filter.len);
    count = read_compact(&bits.r, MAX_FILTER);
    wanted = numbers_of(block, scripts, n, count * FILTER_M);
    for (uint64_t i = 0; i < count && reader_ok(&bits.r); i++) {
        at += get_number(&bits);
        while (next < n && wanted[next] < at)
            next++;
        *match = *match || (next < n && wanted[next] == at);
    }
    free(wanted);
    return reader_done(&bits.r);
}
