/*
 * The whole pool looked at: every table against every other, every cluster against its entries'
 * inputs, every total against its sum. Quadratic in nothing but linear in everything, so it is for
 * debug builds, tests and -checkmempool.
 */
#include "mempool/pool.h"

static void check_links(const struct mempool *m, const struct mempool_entry *e)
{
    uint64_t parents = 0;
    for (uint32_t i = 0; i < e->tx->n_in; i++) {
        const struct mempool_spend *s = table_get(&m->spends, &e->tx->in[i].prev);
        CHECK(s == &e->spends[i] && s->index == i && entry_of_spend(s) == e);
        const struct mempool_entry *parent = pool_find(m, &e->tx->in[i].prev.txid);
        if (parent == NULL)
            continue;
        CHECK(e->tx->in[i].prev.n < parent->tx->n_out);
        CHECK(parent->cluster == e->cluster && parent->cluster_pos < e->cluster_pos);
        parents |= UINT64_C(1) << parent->cluster_pos;
    }
    CHECK(parents == e->cluster->parents[e->cluster_pos]);
}

static void check_entry(const struct mempool *m, const struct mempool_entry *e)
{
    CHECK(!e->doomed && txid_eq(&e->txid, &e->tx->txid));
    CHECK(table_get(&m->by_wtxid, &e->tx->wtxid) == e->tx);
    CHECK(e->cluster->tx[e->cluster_pos] == e);
    CHECK(e->fee_delta == pool_delta(m, &e->txid));
    CHECK(e->time >= m->oldest_time);
    check_links(m, e);
}

static uint64_t reachable(const struct cluster *c)
{
    uint64_t set = 1, before;
    do {
        before = set;
        set = cluster_descendants(c, cluster_ancestors(c, set));
    } while (set != before);
    return set;
}

static void check_cluster(const struct mempool *m, const struct cluster *c)
{
    unsigned at = 0;
    int64_t weight = 0;
    CHECK(c->n >= 1 && c->n <= CLUSTER_MAX);
    CHECK(reachable(c) == (c->n == CLUSTER_MAX ? UINT64_MAX : (UINT64_C(1) << c->n) - 1));
    for (unsigned k = 0; k < c->n_chunks; k++) {
        struct feefrac sum = {0, 0};
        CHECK(c->chunk[k].first == at && c->chunk[k].count > 0);
        for (unsigned i = 0; i < c->chunk[k].count; i++)
            sum = feefrac_add(sum, entry_feefrac(c->tx[at++]));
        CHECK(sum.fee == c->chunk[k].rate.fee && sum.size == c->chunk[k].rate.size);
        CHECK(k == 0 || feefrac_cmp(c->chunk[k - 1].rate, sum) >= 0);
        weight += sum.size;
    }
    CHECK(at == c->n && weight == c->weight);
    CHECK(weight <= m->opts.cluster_size_limit_vb * WITNESS_SCALE || c->n == 1);
}

static void check_totals(const struct mempool *m)
{
    const struct mempool_entry *e;
    size_t pos = 0, spends = 0, unbroadcast = 0;
    int64_t vsize = 0, fee = 0;
    while ((e = table_next(&m->by_txid, &pos)) != NULL) {
        vsize += e->vsize;
        fee += e->fee;
        spends += e->tx->n_in;
        unbroadcast += e->unbroadcast;
    }
    CHECK(vsize == m->total_vsize && fee == m->total_fee);
    CHECK(spends == m->spends.n && unbroadcast == m->n_unbroadcast);
    CHECK(m->by_wtxid.n == m->by_txid.n);
}

void mempool_check(struct mempool *m)
{
    const struct mempool_entry *e;
    size_t pos = 0, n_chunks, chunks_seen = 0, txs_seen = 0, suboptimal = 0;
    while ((e = table_next(&m->by_txid, &pos)) != NULL)
        check_entry(m, e);
    CHECK(chunk_index_check(&m->chunks, &n_chunks));
    for (struct chunk *c = chunk_index_best(&m->chunks); c; c = chunk_index_next(c)) {
        chunks_seen++;
        if (c->first != 0)
            continue;
        check_cluster(m, c->cluster);
        txs_seen += c->cluster->n;
        suboptimal += !c->cluster->optimal;
    }
    CHECK(chunks_seen == n_chunks && txs_seen == m->by_txid.n && suboptimal == m->n_suboptimal);
    check_totals(m);
}
