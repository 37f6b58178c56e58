/*
 * Waiting times by feerate.
 *
 * Each transaction that is seen to come in falls into a bucket by its feerate (5 % apart). When a
 * block takes it, it counts as confirmed within as many periods as it has waited and all longer
 * ones; when it leaves otherwise, as failed for those that it has outlived. All sums fade by
 * `decay` a block, so the horizon is some multiple of 1 / (1 - decay). What waits still is held
 * against the buckets too: else a feerate that has just stopped being enough would look good.
 *
 * An estimate walks from the highest feerate down, gathering buckets into ranges that have enough
 * data to judge, and stops caring when a range fails; it is the median of the last that passed.
 */
#include "mempool/fee_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define BUCKET_MIN     100.0 /* sat/kvB */
#define BUCKET_MAX     1e7
#define BUCKET_SPACING 1.05
#define BUCKET_END     1e99

/* ---- buckets ---- */

void fee_buckets_init(struct fee_buckets *b)
{
    b->bound = xmalloc(FEE_BUCKETS_MAX * sizeof(*b->bound));
    b->n = 0;
    for (double bound = BUCKET_MIN; bound <= BUCKET_MAX; bound *= BUCKET_SPACING)
        b->bound[b->n++] = bound;
    b->bound[b->n++] = BUCKET_END;
}

unsigned fee_bucket_of(const struct fee_buckets *b, double feerate)
{
    unsigned low = 0, high = b->n - 1;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (b->bound[mid] < feerate)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* ---- keeping ---- */

void fee_stats_init(struct fee_stats *s, const struct fee_buckets *b, double decay, unsigned scale,
                    unsigned periods)
{
    *s = (struct fee_stats){.buckets = b, .decay = decay, .scale = scale, .periods = periods};
    s->count = xcalloc(b->n, sizeof(double));
    s->feerates = xcalloc(b->n, sizeof(double));
    s->confirmed = xcalloc((size_t)periods * b->n, sizeof(double));
    s->failed = xcalloc((size_t)periods * b->n, sizeof(double));
    s->waiting = xcalloc((size_t)periods * scale * b->n, sizeof(int));
    s->waiting_longer = xcalloc(b->n, sizeof(int));
}

void fee_stats_clear(struct fee_stats *s)
{
    free(s->count);
    free(s->feerates);
    free(s->confirmed);
    free(s->failed);
    free(s->waiting);
    free(s->waiting_longer);
    *s = (struct fee_stats){0};
}

unsigned fee_stats_max_target(const struct fee_stats *s)
{
    return s->scale * s->periods;
}

static int *waiting_at(const struct fee_stats *s, unsigned height)
{
    return &s->waiting[(size_t)(height % fee_stats_max_target(s)) * s->buckets->n];
}

void fee_stats_enter(struct fee_stats *s, unsigned height, unsigned bucket)
{
    waiting_at(s, height)[bucket]++;
}

void fee_stats_leave(struct fee_stats *s, unsigned entry_height, unsigned best_height,
                     unsigned bucket, bool mined)
{
    if (best_height < entry_height && best_height != 0)
        return;
    unsigned waited = best_height == 0 ? 0 : best_height - entry_height;
    int *n = waited >= fee_stats_max_target(s) ? &s->waiting_longer[bucket]
                                               : &waiting_at(s, entry_height)[bucket];
    if (*n > 0)
        --*n;
    if (mined)
        return;
    for (unsigned i = 0; i < waited / s->scale && i < s->periods; i++)
        s->failed[(size_t)i * s->buckets->n + bucket]++;
}

static void fade(double *v, size_t n, double by)
{
    for (size_t i = 0; i < n; i++)
        v[i] *= by;
}

void fee_stats_next_block(struct fee_stats *s, unsigned height)
{
    unsigned n = s->buckets->n;
    int *oldest = waiting_at(s, height);
    for (unsigned i = 0; i < n; i++)
        s->waiting_longer[i] += oldest[i];
    memset(oldest, 0, n * sizeof(*oldest));
    fade(s->count, n, s->decay);
    fade(s->feerates, n, s->decay);
    fade(s->confirmed, (size_t)n * s->periods, s->decay);
    fade(s->failed, (size_t)n * s->periods, s->decay);
}

void fee_stats_record(struct fee_stats *s, unsigned blocks, unsigned bucket, double feerate)
{
    if (blocks < 1)
        return;
    for (unsigned i = (blocks + s->scale - 1) / s->scale - 1; i < s->periods; i++)
        s->confirmed[(size_t)i * s->buckets->n + bucket]++;
    s->count[bucket]++;
    s->feerates[bucket] += feerate;
}

/* ---- estimating ---- */

/* Sums over the buckets gathered so far, and where they lie: from `high` down to `low`. */
struct gathered {
    double confirmed, count, failed, waiting;
    unsigned high, low;
};

static void gather(struct gathered *g, const struct fee_stats *s, unsigned target, unsigned height,
                   unsigned bucket)
{
    size_t at = (size_t)((target + s->scale - 1) / s->scale - 1) * s->buckets->n + bucket;
    g->low = bucket;
    g->confirmed += s->confirmed[at];
    g->failed += s->failed[at];
    g->count += s->count[bucket];
    for (unsigned ago = target; ago < fee_stats_max_target(s); ago++)
        g->waiting += waiting_at(s, height - ago)[bucket];
    g->waiting += s->waiting_longer[bucket];
}

static struct fee_range range_of(const struct fee_stats *s, const struct gathered *g)
{
    return (struct fee_range){.start = g->low ? s->buckets->bound[g->low - 1] : 0,
                              .end = s->buckets->bound[g->high],
                              .within_target = g->confirmed,
                              .total_confirmed = g->count,
                              .in_mempool = g->waiting,
                              .left_mempool = g->failed};
}

static double median_of(const struct fee_stats *s, unsigned low, unsigned high)
{
    double sum = 0;
    for (unsigned i = low; i <= high; i++)
        sum += s->count[i];
    double half = sum / 2;
    for (unsigned i = low; i <= high && sum != 0; i++) {
        if (s->count[i] >= half)
            return s->feerates[i] / s->count[i];
        half -= s->count[i];
    }
    return -1;
}

static const struct fee_range no_range = {.start = -1, .end = -1};

double fee_stats_estimate(const struct fee_stats *s, unsigned target, double sufficient,
                          double success, unsigned height, struct fee_raw *out)
{
    struct fee_range pass = no_range, fail = no_range;
    struct gathered g = {.high = s->buckets->n - 1}, best = g;
    double partial = 0; /* data since the last judgement */
    bool found = false, passing = true, fresh = false;
    for (unsigned bucket = s->buckets->n; bucket-- > 0;) {
        if (fresh)
            g = (struct gathered){.high = bucket};
        fresh = false;
        gather(&g, s, target, height, bucket);
        partial += s->count[bucket];
        if (partial < sufficient / (1 - s->decay))
            continue;
        partial = 0;
        if (g.confirmed / (g.count + g.failed + g.waiting) < success) {
            if (passing)
                fail = range_of(s, &g);
            passing = false;
            continue;
        }
        fail = no_range;
        pass = range_of(s, &g);
        best = g;
        found = passing = fresh = true;
    }
    if (passing && !fresh)
        fail = range_of(s, &g);
    if (out)
        *out =
            (struct fee_raw){.decay = s->decay, .scale = (int)s->scale, .pass = pass, .fail = fail};
    return found ? median_of(s, best.low, best.high) : -1;
}

/* ---- the file ---- */

static void write_double(struct buf *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    write_u64(b, bits);
}

static void write_doubles(struct buf *b, const double *v, unsigned n)
{
    write_compact(b, n);
    for (unsigned i = 0; i < n; i++)
        write_double(b, v[i]);
}

static void write_rows(struct buf *b, const double *v, unsigned rows, unsigned n)
{
    write_compact(b, rows);
    for (unsigned i = 0; i < rows; i++)
        write_doubles(b, v + (size_t)i * n, n);
}

void fee_stats_write(struct buf *b, const struct fee_stats *s)
{
    unsigned n = s->buckets->n;
    write_double(b, s->decay);
    write_u32(b, s->scale);
    write_doubles(b, s->feerates, n);
    write_doubles(b, s->count, n);
    write_rows(b, s->confirmed, s->periods, n);
    write_rows(b, s->failed, s->periods, n);
}

static double read_double(struct reader *r)
{
    uint64_t bits = read_u64(r);
    double v;
    memcpy(&v, &bits, sizeof(v));
    if (!isfinite(v))
        reader_fail(r);
    return v;
}

static void read_doubles(struct reader *r, double *v, unsigned n)
{
    if (read_compact(r, n) != n)
        reader_fail(r);
    for (unsigned i = 0; i < n && reader_ok(r); i++)
        v[i] = read_double(r);
}

static void read_rows(struct reader *r, double *v, unsigned rows, unsigned n)
{
    for (unsigned i = 0; i < rows && reader_ok(r); i++)
        read_doubles(r, v + (size_t)i * n, n);
}

bool fee_stats_read(struct reader *r, struct fee_stats *s, const struct fee_buckets *buckets)
{
    double decay = read_double(r);
    unsigned scale = read_u32(r), n = buckets->n;
    if (!reader_ok(r) || decay <= 0 || decay >= 1 || scale == 0 || scale > FEE_TARGET_MAX)
        return false;
    /* The number of periods stands behind two rows of known length. */
    struct reader ahead = *r;
    double *row = xmalloc(n * sizeof(*row));
    read_doubles(&ahead, row, n);
    read_doubles(&ahead, row, n);
    free(row);
    unsigned periods = (unsigned)read_compact(&ahead, FEE_TARGET_MAX);
    if (!reader_ok(&ahead) || periods == 0 || periods * scale > FEE_TARGET_MAX)
        return false;
    struct fee_stats fresh;
    fee_stats_init(&fresh, buckets, decay, scale, periods);
    read_doubles(r, fresh.feerates, n);
    read_doubles(r, fresh.count, n);
    bool same = read_compact(r, FEE_TARGET_MAX) == periods;
    read_rows(r, fresh.confirmed, periods, n);
    same &= read_compact(r, FEE_TARGET_MAX) == periods;
    read_rows(r, fresh.failed, periods, n);
    if (!reader_ok(r) || !same) {
        fee_stats_clear(&fresh);
        return false;
    }
    fee_stats_clear(s);
    *s = fresh;
    return true;
}
