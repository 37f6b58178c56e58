/*
 * What happens to entries while they wait: priorities, expiry, eviction, and the rolling minimum.
 *
 * Where memory is over its limit the worst chunk of the whole pool goes, which is always the end of
 * some linearisation, so nothing is left without its parents. What was evicted, and a step above,
 * becomes the least feerate that gets in; it halves every twelve hours (faster while the pool is
 * far from full) once a block has come, and vanishes below half a step.
 */
#include <math.h>
#include <stdlib.h>

#include "mempool/pool.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

enum { ROLLING_HALF_LIFE = 12 * 3600, ROLLING_UPDATE_SECONDS = 10 };

/* ---- priorities ---- */

static void change_delta(struct mempool *m, const struct txid *txid, int64_t fee_delta)
{
    struct mempool_delta *d = table_get(&m->deltas, txid);
    if (d == NULL) {
        d = xmalloc(sizeof(*d));
        *d = (struct mempool_delta){*txid, 0};
        CHECK(table_add(&m->deltas, d) == NULL);
    }
    if (__builtin_add_overflow(d->delta, fee_delta, &d->delta))
        d->delta = fee_delta < 0 ? INT64_MIN : INT64_MAX;
    if (d->delta == 0)
        free(table_remove(&m->deltas, txid));
}

int64_t pool_delta(const struct mempool *m, const struct txid *txid)
{
    const struct mempool_delta *d = table_get(&m->deltas, txid);
    return d ? d->delta : 0;
}

void pool_forget_delta(struct mempool *m, const struct txid *txid)
{
    free(table_remove(&m->deltas, txid));
}

void mempool_prioritise(struct mempool *m, const struct txid *txid, int64_t fee_delta)
{
    change_delta(m, txid, fee_delta);
    struct mempool_entry *e = pool_find(m, txid);
    if (e == NULL)
        return;
    e->fee_delta = pool_delta(m, txid);
    struct change c;
    change_init(&c, m);
    change_touch(&c, e->cluster);
    CHECK(change_stage(&c));
    change_commit(&c);
    change_clear(&c);
    m->version++;
    pool_check_sometimes(m);
}

struct mempool_delta *mempool_deltas(const struct mempool *m, size_t *n)
{
    struct mempool_delta *all = xmalloc((m->deltas.n + 1) * sizeof(*all));
    const struct mempool_delta *d;
    size_t pos = 0;
    *n = 0;
    while ((d = table_next(&m->deltas, &pos)) != NULL)
        all[(*n)++] = *d;
    return all;
}

/* ---- the rolling minimum ---- */

static void decay(struct mempool *m, int64_t now)
{
    double half_life = ROLLING_HALF_LIFE;
    size_t used = mempool_memory(m);
    if (used < m->opts.max_bytes / 4)
        half_life /= 4;
    else if (used < m->opts.max_bytes / 2)
        half_life /= 2;
    m->rolling_feerate /= exp2((double)(now - m->rolling_time) / half_life);
    m->rolling_time = now;
    if (m->rolling_feerate < (double)m->opts.incremental_feerate / 2)
        m->rolling_feerate = 0;
}

int64_t mempool_min_feerate(struct mempool *m)
{
    if (!m->block_since_bump || m->rolling_feerate == 0)
        return llround(m->rolling_feerate);
    int64_t now = time_now();
    if (now > m->rolling_time + ROLLING_UPDATE_SECONDS)
        decay(m, now);
    if (m->rolling_feerate == 0)
        return 0;
    int64_t rate = llround(m->rolling_feerate);
    return rate > m->opts.incremental_feerate ? rate : m->opts.incremental_feerate;
}

static void note_evicted(struct mempool *m, struct feefrac rate)
{
    int64_t vsize = (rate.size + WITNESS_SCALE - 1) / WITNESS_SCALE;
    double removed = (double)(feerate_of(rate.fee, vsize) + m->opts.incremental_feerate);
    if (removed > m->rolling_feerate) {
        m->rolling_feerate = removed;
        m->block_since_bump = false;
    }
}

/* ---- expiry and eviction ---- */

static void expire(struct mempool *m)
{
    int64_t now = time_now(), limit = now - m->opts.expiry_seconds;
    if (m->oldest_time >= limit || m->expiry_scan_time == now)
        return;
    struct entry_list doomed = {0};
    struct mempool_entry *e;
    size_t pos = 0;
    m->expiry_scan_time = now;
    m->oldest_time = INT64_MAX;
    while ((e = table_next(&m->by_txid, &pos)) != NULL) {
        if (e->time < limit)
            doom_with_descendants(&doomed, e);
        else if (e->time < m->oldest_time)
            m->oldest_time = e->time;
    }
    if (doomed.n > 0)
        log_debug(LOG_mempool, "Expired %zu transactions from the memory pool\n", doomed.n);
    pool_remove(m, &doomed, REMOVED_EXPIRY);
}

static void evict(struct mempool *m)
{
    struct chunk *worst;
    while (mempool_memory(m) > m->opts.max_bytes && (worst = chunk_index_worst(&m->chunks))) {
        note_evicted(m, worst->rate);
        struct entry_list doomed = {0};
        for (unsigned k = 0; k < worst->count; k++)
            doom_with_descendants(&doomed, worst->cluster->tx[worst->first + k]);
        pool_remove(m, &doomed, REMOVED_SIZELIMIT);
    }
}

void pool_limit(struct mempool *m)
{
    expire(m);
    evict(m);
}

void mempool_tick(struct mempool *m)
{
    expire(m);
}
