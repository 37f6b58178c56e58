/*
 * The block-policy estimator: follows what comes into the mempool and what blocks take, over three
 * horizons, and answers from them.
 *
 * Only transactions that tell something are followed: those that came on a current tip, alone
 * (no parents waiting, no package) and past all limits. A smart estimate asks half, all and double
 * of the target with rising certainty, each over the shortest horizon that covers it, and takes the
 * highest answer: so that a target is not cheaper than a longer one by an accident of the data.
 */
#include "mempool/fees.h"

#include <math.h>
#include <stdlib.h>

#include "mempool/fees_internal.h"
#include "util/mem.h"
#include "util/time.h"

#define OLD_DATA_BLOCKS  (6 * 1008) /* the file's statistics count no longer than this */
#define TIP_AGE_MAX      (3 * 3600) /* a tip that is older is not current */
#define HALF_SUCCESS     0.6
#define SUCCESS          0.85
#define DOUBLE_SUCCESS   0.95
#define SUFFICIENT       0.1 /* transactions a block that make a range tell */
#define SUFFICIENT_SHORT 0.5

static const struct {
    double decay, sufficient;
    unsigned scale, periods;
} horizons[3] = {
    [FEE_HORIZON_SHORT] = {0.962, SUFFICIENT_SHORT, 1, 12},
    [FEE_HORIZON_MEDIUM] = {0.9952, SUFFICIENT, 2, 24},
    [FEE_HORIZON_LONG] = {0.99931, SUFFICIENT, 24, 42},
};

/* ---- following ---- */

static bool tip_is_current(const struct fee_estimator *f)
{
    const struct block_index *tip = chain_tip(f->chain);
    return !chain_is_ibd(f->chain) && (int64_t)tip->h.time >= time_now() - TIP_AGE_MAX &&
           tip->h.height >= chain_best_header(f->chain)->h.height - 1;
}

static bool has_parents(const struct fee_estimator *f, const struct mempool_entry *e)
{
    size_t n;
    free(mempool_relatives(f->mempool, e, RELATION_PARENTS, &n));
    return n > 0;
}

static void on_added(void *arg, const struct mempool_entry *e, bool limits)
{
    struct fee_estimator *f = arg;
    if ((unsigned)e->height != f->best_height || !limits || has_parents(f, e) ||
        !tip_is_current(f) || table_get(&f->tracked, &e->txid))
        return;
    struct tracked *t = xmalloc(sizeof(*t));
    *t = (struct tracked){.txid = e->txid,
                          .height = (unsigned)e->height,
                          .bucket =
                              fee_bucket_of(&f->buckets, (double)feerate_of(e->fee, e->vsize))};
    table_add(&f->tracked, t);
    for (int i = 0; i < 3; i++)
        fee_stats_enter(&f->stats[i], t->height, t->bucket);
}

static void leave(struct fee_estimator *f, const struct tracked *t, bool mined)
{
    for (int i = 0; i < 3; i++)
        fee_stats_leave(&f->stats[i], t->height, f->best_height, t->bucket, mined);
}

static void on_removed(void *arg, const struct mempool_entry *e, enum removal_reason reason,
                       uint64_t sequence)
{
    struct fee_estimator *f = arg;
    (void)sequence;
    struct tracked *t = table_remove(&f->tracked, &e->txid);
    if (t)
        leave(f, t, reason == REMOVED_BLOCK);
    free(t);
}

/* True where it was followed. */
static bool record(struct fee_estimator *f, const struct mempool_entry *e)
{
    struct tracked *t = table_remove(&f->tracked, &e->txid);
    if (t == NULL)
        return false;
    double feerate = (double)feerate_of(e->fee, e->vsize);
    bool waited = f->best_height > t->height;
    leave(f, t, true);
    for (int i = 0; i < 3 && waited; i++)
        fee_stats_record(&f->stats[i], f->best_height - t->height, t->bucket, feerate);
    free(t);
    return waited;
}

static void on_mined(void *arg, const struct block *b, int32_t height,
                     const struct mempool_entry *const *e, size_t n)
{
    struct fee_estimator *f = arg;
    fees_note_mined(f, b, height, e, n);
    /* A reorganisation tells nothing about how long anybody has waited. */
    if ((unsigned)height <= f->best_height)
        return;
    f->best_height = (unsigned)height;
    for (int i = 0; i < 3; i++)
        fee_stats_next_block(&f->stats[i], f->best_height);
    size_t counted = 0;
    for (size_t i = 0; i < n; i++)
        counted += record(f, e[i]);
    if (f->first_height == 0 && counted > 0)
        f->first_height = f->best_height;
}

void fees_flush_unconfirmed(struct fee_estimator *f)
{
    size_t pos = 0;
    struct tracked *t;
    while ((t = table_next(&f->tracked, &pos)) != NULL) {
        leave(f, t, false);
        free(t);
    }
    table_clear(&f->tracked);
}

struct fee_estimator *fees_create(struct mempool *m, struct chain *c)
{
    static const struct mempool_events events = {
        .added = on_added, .removed = on_removed, .mined = on_mined};
    struct fee_estimator *f = xcalloc(1, sizeof(*f));
    f->mempool = m;
    f->chain = c;
    fee_buckets_init(&f->buckets);
    for (int i = 0; i < 3; i++)
        fee_stats_init(&f->stats[i], &f->buckets, horizons[i].decay, horizons[i].scale,
                       horizons[i].periods);
    TABLE_INIT(&f->tracked, struct tracked, txid);
    mempool_subscribe(m, &events, f);
    return f;
}

void fees_destroy(struct fee_estimator *f)
{
    if (f == NULL)
        return;
    size_t pos = 0;
    void *t;
    while ((t = table_next(&f->tracked, &pos)) != NULL)
        free(t);
    table_clear(&f->tracked);
    for (int i = 0; i < 3; i++)
        fee_stats_clear(&f->stats[i]);
    free(f->buckets.bound);
    free(f);
}

/* ---- answering ---- */

int fees_max_target(const struct fee_estimator *f, enum fee_horizon h)
{
    return (int)fee_stats_max_target(&f->stats[h]);
}

unsigned fees_span(const struct fee_estimator *f)
{
    return f->first_height == 0 ? 0 : f->best_height - f->first_height;
}

unsigned fees_file_span(const struct fee_estimator *f)
{
    if (f->old_first_height == 0 || f->best_height > f->old_best_height + OLD_DATA_BLOCKS)
        return 0;
    return f->old_best_height - f->old_first_height;
}

static int max_usable_target(const struct fee_estimator *f)
{
    unsigned span = fees_span(f), old = fees_file_span(f);
    int most = (int)((span > old ? span : old) / 2), limit = fees_max_target(f, FEE_HORIZON_LONG);
    return most < limit ? most : limit;
}

static double ask(const struct fee_estimator *f, enum fee_horizon h, int target, double success)
{
    return fee_stats_estimate(&f->stats[h], (unsigned)target, horizons[h].sufficient, success,
                              f->best_height, NULL);
}

/* Over the shortest horizon that covers the target; with `shorter`, not more than the shorter ones
 * ask for their longest targets. */
static double ask_combined(const struct fee_estimator *f, int target, double success, bool shorter)
{
    int short_max = fees_max_target(f, FEE_HORIZON_SHORT);
    int medium_max = fees_max_target(f, FEE_HORIZON_MEDIUM);
    if (target < 1 || target > fees_max_target(f, FEE_HORIZON_LONG))
        return -1;
    double best = ask(f,
                      target <= short_max    ? FEE_HORIZON_SHORT
                      : target <= medium_max ? FEE_HORIZON_MEDIUM
                                             : FEE_HORIZON_LONG,
                      target, success);
    for (int h = FEE_HORIZON_MEDIUM; shorter && h >= FEE_HORIZON_SHORT; h--) {
        int max = h == FEE_HORIZON_MEDIUM ? medium_max : short_max;
        if (target <= max)
            continue;
        double other = ask(f, (enum fee_horizon)h, max, success);
        if (other > 0 && (best == -1 || other < best))
            best = other;
    }
    return best;
}

/* What the longer horizons, which forget slowly, ask for. */
static double ask_conservative(const struct fee_estimator *f, int target)
{
    double best = -1;
    if (target <= fees_max_target(f, FEE_HORIZON_SHORT))
        best = ask(f, FEE_HORIZON_MEDIUM, target, DOUBLE_SUCCESS);
    if (target <= fees_max_target(f, FEE_HORIZON_MEDIUM))
        best = fmax(best, ask(f, FEE_HORIZON_LONG, target, DOUBLE_SUCCESS));
    return best;
}

static struct fee_estimate by_blocks(const struct fee_estimator *f, int target, bool conservative)
{
    struct fee_estimate e = {.target = target,
                             .source = FEE_POLICY_BLOCKS,
                             .error = "Insufficient data or no feerate found"};
    if (target <= 0 || target > fees_max_target(f, FEE_HORIZON_LONG))
        return e;
    /* There is no saying what makes the very next block. */
    if (target == 1)
        target = 2;
    int usable = max_usable_target(f);
    if (target > usable)
        target = usable;
    e.target = target;
    if (target <= 1)
        return e;
    double rate = ask_combined(f, target / 2, HALF_SUCCESS, true);
    rate = fmax(rate, ask_combined(f, target, SUCCESS, true));
    rate = fmax(rate, ask_combined(f, 2 * target, DOUBLE_SUCCESS, !conservative));
    if (conservative || rate == -1)
        rate = fmax(rate, ask_conservative(f, 2 * target));
    if (rate < 0)
        return e;
    e.feerate = llround(rate);
    e.error = NULL;
    return e;
}

struct fee_estimate fees_estimate(struct fee_estimator *f, enum fee_policy source, int target,
                                  bool conservative)
{
    struct fee_estimate blocks = by_blocks(f, target, conservative);
    if (source == FEE_POLICY_BLOCKS || (source == FEE_POLICY_ANY && blocks.error))
        return blocks;
    struct fee_estimate now = fees_by_mempool(f, conservative);
    if (source == FEE_POLICY_MEMPOOL || now.error)
        return now;
    return now.feerate < blocks.feerate ? now : blocks;
}

void fees_estimate_raw(const struct fee_estimator *f, int target, double threshold,
                       enum fee_horizon h, struct fee_raw *out)
{
    *out = (struct fee_raw){.pass = {.start = -1, .end = -1}, .fail = {.start = -1, .end = -1}};
    if (target <= 0 || target > fees_max_target(f, h) || threshold > 1)
        return;
    double rate = fee_stats_estimate(&f->stats[h], (unsigned)target, horizons[h].sufficient,
                                     threshold, f->best_height, out);
    out->feerate = rate < 0 ? 0 : llround(rate);
}
