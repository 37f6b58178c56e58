/*
 * The mempool-policy estimate: what a transaction must pay to be among the best half (or three
 * quarters) of a full block made of the mempool now.
 *
 * That is worth something only where this mempool resembles the miners': the last blocks must
 * consist, by weight, of what was here before. The answer is kept for some seconds on the same tip.
 */
#include <string.h>

#include "mempool/fees_internal.h"
#include "util/time.h"

enum { CACHE_SECONDS = 7, MEMPOOL_TARGET = 2, COINBASE_SIGOPS = 400, RESERVED_WEIGHT = 8000 };
#define COVERAGE_MIN 0.75

/* ---- health ---- */

void fees_note_mined(struct fee_estimator *f, const struct block *b, int32_t height,
                     const struct mempool_entry *const *e, size_t n)
{
    struct fees_block_stats s = {.height = (uint64_t)height};
    for (uint32_t i = 1; i < b->n_tx; i++)
        s.block_weight += tx_weight(b->tx[i]);
    for (size_t i = 0; i < n; i++)
        s.mempool_weight += (uint64_t)e[i]->weight;
    /* After a reorganisation the blocks that went count no more. */
    while (f->n_mined > 0 && f->mined[f->n_mined - 1].height >= s.height)
        f->n_mined--;
    if (f->n_mined > 0 && f->mined[f->n_mined - 1].height + 1 != s.height)
        f->n_mined = 0;
    if (f->n_mined == FEES_HEALTH_BLOCKS) {
        f->n_mined--;
        memmove(f->mined, f->mined + 1, f->n_mined * sizeof(f->mined[0]));
    }
    f->mined[f->n_mined++] = s;
    f->mined_tip = b->hash;
    f->cached.valid = false;
}

size_t fees_block_stats(const struct fee_estimator *f,
                        struct fees_block_stats out[FEES_HEALTH_BLOCKS])
{
    memcpy(out, f->mined, f->n_mined * sizeof(f->mined[0]));
    return f->n_mined;
}

static const char *health_error(const struct fee_estimator *f)
{
    uint64_t all = 0, foreseen = 0;
    if (!mempool_loaded(f->mempool))
        return "mempool_policy: Mempool not loaded yet, no fee rate estimate available";
    if (f->n_mined < FEES_HEALTH_BLOCKS)
        return "mempool_policy: Not enough recent block data for fee rate estimation";
    for (size_t i = 0; i < f->n_mined; i++) {
        all += f->mined[i].block_weight;
        foreseen += f->mined[i].mempool_weight;
    }
    /* Less than one block in six: nobody needs to outbid anybody. */
    if (all >= MAX_BLOCK_WEIGHT && (double)foreseen / (double)all < COVERAGE_MIN)
        return "mempool_policy: Mempool is unreliable for fee rate estimation";
    return NULL;
}

/* ---- percentiles ---- */

static struct feefrac to_vsize(struct feefrac rate)
{
    return (struct feefrac){rate.fee, (rate.size + WITNESS_SCALE - 1) / WITNESS_SCALE};
}

static int64_t floor_feerate(struct fee_estimator *f)
{
    int64_t relay = mempool_opts(f->mempool)->min_relay_feerate;
    int64_t rolling = mempool_min_feerate(f->mempool);
    return relay > rolling ? relay : rolling;
}

/* Chunks of a block in order of feerate: the ones at which it is half and three quarters full. */
static void compute(struct fee_estimator *f)
{
    struct selection_limits l = {.max_weight = MAX_BLOCK_WEIGHT,
                                 .weight = RESERVED_WEIGHT,
                                 .sigops = COINBASE_SIGOPS,
                                 .min_feerate = 1};
    struct block_selection s;
    mempool_select(f->mempool, &l, &s);
    struct feefrac *chunks = s.chunks;
    size_t n = s.n_chunks;
    int64_t weight = 0;
    f->cached.half = f->cached.three_quarters = floor_feerate(f);
    for (size_t i = 0; i < n; i++)
        chunks[i] = to_vsize(chunks[i]);
    chunks_sort(chunks, n);
    for (size_t i = 0; i < n; i++) {
        int64_t before = weight, rate = feerate_of(chunks[i].fee, chunks[i].size);
        weight += chunks[i].size * WITNESS_SCALE;
        if (before < MAX_BLOCK_WEIGHT / 2 && weight >= MAX_BLOCK_WEIGHT / 2)
            f->cached.half = rate;
        if (before < MAX_BLOCK_WEIGHT / 4 * 3 && weight >= MAX_BLOCK_WEIGHT / 4 * 3)
            f->cached.three_quarters = rate;
    }
    block_selection_clear(&s);
    f->cached.valid = true;
    f->cached.tip = chain_tip(f->chain)->h.hash;
    f->cached.time = time_now();
}

struct fee_estimate fees_by_mempool(struct fee_estimator *f, bool conservative)
{
    struct fee_estimate e = {
        .target = MEMPOOL_TARGET, .source = FEE_POLICY_MEMPOOL, .error = health_error(f)};
    if (e.error)
        return e;
    if (!f->cached.valid || f->cached.time + CACHE_SECONDS < time_now() ||
        !block_hash_eq(&f->cached.tip, &chain_tip(f->chain)->h.hash))
        compute(f);
    e.feerate = conservative ? f->cached.half : f->cached.three_quarters;
    return e;
}
