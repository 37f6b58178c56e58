/*
 * Headers of a chain that has not shown its work yet, synchronised twice. First pass: check that
 * each header follows the one before and that its bits could follow, add up the work, and keep only
 * one keyed bit of every 600th or so. When the work suffices the same chain is fetched again:
 * headers wait in a buffer until thousands behind them have matched their bits, and only then are
 * kept. An attacker who wants to fill our memory with cheap headers must pay for the work, or guess
 * all the bits.
 *
 * Memory: one bit per 600 headers of the longest chain the rules of time allow, and 14,000 headers
 * in the second pass.
 */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/siphash.h"

#define PERIOD      600
#define BUFFER      14000
#define MAX_FUTURE  (2 * 60 * 60)
#define MAX_PER_SEC 6 /* median time past grows a second in six blocks at least */

struct headers_presync {
    const struct network *net;
    const struct block_index *start;
    struct u256 min_work;
    uint64_t k0, k1;
    unsigned offset;
    size_t max_bits;

    /* first pass */
    uint8_t *bits; /* commitments */
    size_t n_bits, cap_bits;
    struct u256 work;
    struct block_hash last;
    uint32_t last_bits;
    int32_t height;

    /* second pass */
    bool again, proven;
    size_t next_bit;
    struct block_hash again_last;
    uint32_t again_bits;
    int32_t again_height;
    struct u256 again_work;
    struct header *buffer;
    size_t n_buffer, cap_buffer;
};

struct headers_presync *presync_create(const struct network *net, const struct block_index *start,
                                       const struct u256 *min_work, int64_t now)
{
    struct headers_presync *s = xcalloc(1, sizeof(*s));
    int64_t seconds = now - hnode_median_time_past(&start->h) + MAX_FUTURE;
    s->net = net;
    s->start = start;
    s->min_work = *min_work;
    s->k0 = random_u64();
    s->k1 = random_u64();
    s->offset = (unsigned)random_below(PERIOD);
    s->max_bits = seconds > 0 ? (size_t)(MAX_PER_SEC * seconds / PERIOD) : 0;
    s->work = start->h.work;
    s->last = start->h.hash;
    s->last_bits = start->h.bits;
    s->height = start->h.height;
    return s;
}

void presync_free(struct headers_presync *s)
{
    if (!s)
        return;
    free(s->bits);
    free(s->buffer);
    free(s);
}

static bool commitment(const struct headers_presync *s, const struct block_hash *hash)
{
    return siphash(s->k0, s->k1, hash->b, 32) & 1;
}

static const char *first_pass_one(struct headers_presync *s, const struct header *h)
{
    struct block_hash hash = header_hash(h);
    int32_t height = s->height + 1;
    if (!pow_transition_possible(s->net, height, s->last_bits, h->bits))
        return "impossible difficulty in presync";
    if (height % PERIOD == (int32_t)s->offset) {
        if (s->n_bits >= s->max_bits)
            return "chain longer than time allows in presync";
        s->bits = array_reserve(s->bits, &s->cap_bits, s->n_bits / 8 + 1, 1);
        if (s->n_bits % 8 == 0)
            s->bits[s->n_bits / 8] = 0;
        s->bits[s->n_bits / 8] |= (uint8_t)(commitment(s, &hash) << s->n_bits % 8);
        s->n_bits++;
    }
    s->work = u256_add(s->work, bits_work(h->bits));
    s->last = hash;
    s->last_bits = h->bits;
    s->height = height;
    return NULL;
}

static void start_again(struct headers_presync *s)
{
    s->again = true;
    s->again_last = s->start->h.hash;
    s->again_bits = s->start->h.bits;
    s->again_height = s->start->h.height;
    s->again_work = s->start->h.work;
}

static const char *first_pass(struct headers_presync *s, const struct header *h, size_t n)
{
    if (!block_hash_eq(&h[0].prev, &s->last))
        return "headers do not continue presync";
    for (size_t i = 0; i < n; i++) {
        const char *why = first_pass_one(s, &h[i]);
        if (why)
            return why;
    }
    if (u256_cmp(s->work, s->min_work) >= 0)
        start_again(s);
    return NULL;
}

static const char *second_pass_one(struct headers_presync *s, const struct header *h)
{
    struct block_hash hash = header_hash(h);
    int32_t height = s->again_height + 1;
    if (!block_hash_eq(&h->prev, &s->again_last))
        return "headers do not continue the second pass";
    if (!pow_transition_possible(s->net, height, s->again_bits, h->bits))
        return "impossible difficulty in the second pass";
    s->again_work = u256_add(s->again_work, bits_work(h->bits));
    if (u256_cmp(s->again_work, s->min_work) >= 0)
        s->proven = true;
    if (!s->proven && height % PERIOD == (int32_t)s->offset) {
        if (s->next_bit >= s->n_bits)
            return "second pass longer than the first";
        bool bit = s->bits[s->next_bit / 8] >> s->next_bit % 8 & 1;
        if (bit != commitment(s, &hash))
            return "second pass differs from the first";
        s->next_bit++;
    }
    s->buffer = array_reserve(s->buffer, &s->cap_buffer, s->n_buffer + 1, sizeof(*s->buffer));
    s->buffer[s->n_buffer++] = *h;
    s->again_last = hash;
    s->again_bits = h->bits;
    s->again_height = height;
    return NULL;
}

/* Headers with enough matched behind them, or all once the work is proven. */
static void release(struct headers_presync *s, struct header **out, size_t *n_out)
{
    size_t n = s->proven ? s->n_buffer : s->n_buffer > BUFFER ? s->n_buffer - BUFFER : 0;
    if (n == 0)
        return;
    *out = xmemdup(s->buffer, n * sizeof(**out));
    *n_out = n;
    s->n_buffer -= n;
    memmove(s->buffer, s->buffer + n, s->n_buffer * sizeof(*s->buffer));
}

enum presync_result presync_process(struct headers_presync *s, const struct header *h, size_t n,
                                    bool full, struct header **out, size_t *n_out, bool *done,
                                    const char **why)
{
    *why = NULL;
    *done = false;
    if (!s->again) {
        *why = first_pass(s, h, n);
        if (!*why && !full && !s->again)
            *why = "chain ended with too little work";
        return *why ? PRESYNC_FAILED : PRESYNC_MORE;
    }
    for (size_t i = 0; i < n && !*why; i++)
        *why = second_pass_one(s, &h[i]);
    if (*why)
        return PRESYNC_FAILED;
    release(s, out, n_out);
    *done = s->proven;
    if (!full && !s->proven) {
        *why = "the chain became shorter";
        return PRESYNC_FAILED;
    }
    return *n_out > 0 ? PRESYNC_HEADERS : PRESYNC_MORE;
}

size_t presync_locator(const struct headers_presync *s, struct block_hash out[2])
{
    out[0] = s->again ? s->again_last : s->last;
    out[1] = s->start->h.hash;
    return 2;
}

int32_t presync_height(const struct headers_presync *s)
{
    return s->again ? -1 : s->height;
}
