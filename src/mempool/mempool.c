/*
 * The pool's content: entries in three tables (by txid, by wtxid, by outpoint spent), totals, and
 * what can be asked of them.
 *
 * An entry is one allocation with a record for each input at its end; those records are the values
 * of the table of spends, so a spend costs 40 bytes and a slot. The table by wtxid holds the
 * transactions themselves, whose txid leads on to the entry. Clusters are made elsewhere
 * (change.c): here entries come in when their cluster stands already, and go when it is gone.
 *
 * Memory is counted as the heap gives it out, since the limit is on the process, not on a notion:
 * entries, their transactions, clusters and tables.
 */
#include "mempool/mempool.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "mempool/pool.h"
#include "util/mem.h"
#include "util/random.h"

void mempool_options_init(struct mempool_options *o)
{
    *o = (struct mempool_options){
        .max_bytes = DEFAULT_MAX_MEMPOOL_BYTES,
        .min_relay_feerate = DEFAULT_MIN_RELAY_FEERATE,
        .incremental_feerate = DEFAULT_INCREMENTAL_FEERATE,
        .dust_relay_feerate = DEFAULT_DUST_RELAY_FEERATE,
        .expiry_seconds = DEFAULT_MEMPOOL_EXPIRY_HOURS * 3600,
        .cluster_count_limit = DEFAULT_CLUSTER_COUNT_LIMIT,
        .cluster_size_limit_vb = DEFAULT_CLUSTER_SIZE_LIMIT_VB,
        .max_datacarrier_bytes = DEFAULT_DATACARRIER_BYTES,
        .bytes_per_sigop = DEFAULT_BYTES_PER_SIGOP,
        .permit_bare_multisig = true,
        .require_standard = true,
    };
}

struct mempool *mempool_create(const struct mempool_options *opts)
{
    CHECK(opts->cluster_count_limit >= 1 && opts->cluster_count_limit <= CLUSTER_MAX);
    struct mempool *m = xcalloc(1, sizeof(*m));
    m->opts = *opts;
    m->sequence = 1;
    m->next_serial = 1;
    TABLE_INIT(&m->by_txid, struct mempool_entry, txid);
    TABLE_INIT(&m->by_wtxid, struct tx, wtxid);
    TABLE_INIT(&m->spends, struct mempool_spend, prev);
    TABLE_INIT(&m->deltas, struct mempool_delta, txid);
    m->oldest_time = INT64_MAX;
    pool_follow_chain(m);
    return m;
}

static void free_clusters(struct mempool *m)
{
    struct chunk *c;
    while ((c = chunk_index_best(&m->chunks)) != NULL) {
        struct cluster *cl = c->cluster;
        cluster_uninstall(m, cl);
        cluster_free(m, cl);
    }
}

void mempool_destroy(struct mempool *m)
{
    if (m == NULL)
        return;
    size_t pos = 0;
    struct mempool_entry *e;
    free_clusters(m);
    while ((e = table_next(&m->by_txid, &pos)) != NULL)
        entry_free(e);
    pos = 0;
    void *delta;
    while ((delta = table_next(&m->deltas, &pos)) != NULL)
        free(delta);
    table_clear(&m->by_txid);
    table_clear(&m->by_wtxid);
    table_clear(&m->spends);
    table_clear(&m->deltas);
    pool_forget_disconnected(m);
    free(m);
}

/* ---- entries ---- */

struct mempool_entry *entry_create(struct mempool *m, const struct tx *tx)
{
    struct mempool_entry *e = xcalloc(1, sizeof(*e) + tx->n_in * sizeof(e->spends[0]));
    e->txid = tx->txid;
    e->tx = tx_standalone(tx);
    e->serial = m->next_serial++;
    for (uint32_t i = 0; i < tx->n_in; i++)
        e->spends[i] = (struct mempool_spend){tx->in[i].prev, i};
    return e;
}

void entry_free(struct mempool_entry *e)
{
    if (e == NULL)
        return;
    tx_unref(e->tx);
    free(e);
}

static size_t entry_memory(struct mempool_entry *e)
{
    return malloc_usable_size(e) + tx_memory(e->tx);
}

struct feefrac entry_feefrac(const struct mempool_entry *e)
{
    return (struct feefrac){e->fee + e->fee_delta, e->adjusted_weight};
}

struct mempool_entry *entry_of_spend(const struct mempool_spend *s)
{
    const char *first = (const char *)(s - s->index);
    return (struct mempool_entry *)(first - offsetof(struct mempool_entry, spends));
}

struct mempool_entry *pool_find(const struct mempool *m, const struct txid *txid)
{
    return table_get(&m->by_txid, txid);
}

struct mempool_entry *pool_spender(const struct mempool *m, const struct outpoint *o)
{
    const struct mempool_spend *s = table_get(&m->spends, o);
    return s ? entry_of_spend(s) : NULL;
}

void entry_list_add(struct entry_list *l, struct mempool_entry *e)
{
    l->e = array_reserve(l->e, &l->cap, l->n + 1, sizeof(*l->e));
    l->e[l->n++] = e;
}

void entry_list_clear(struct entry_list *l)
{
    free(l->e);
    *l = (struct entry_list){0};
}

void doom_with_descendants(struct entry_list *l, struct mempool_entry *e)
{
    const struct cluster *c = e->cluster;
    uint64_t set = cluster_descendants(c, UINT64_C(1) << e->cluster_pos);
    for (; set; set &= set - 1) {
        struct mempool_entry *d = c->tx[__builtin_ctzll(set)];
        if (d->doomed)
            continue;
        d->doomed = true;
        entry_list_add(l, d);
    }
}

void undoom(struct entry_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->e[i]->doomed = false;
}

/* ---- coming and going ---- */

void pool_check_sometimes(struct mempool *m)
{
    if (m->opts.check_ratio > 0 && random_below((uint64_t)m->opts.check_ratio) == 0)
        mempool_check(m);
}

void pool_insert(struct mempool *m, struct mempool_entry *e, bool limits)
{
    CHECK(table_add(&m->by_txid, e) == NULL);
    CHECK(table_add(&m->by_wtxid, (struct tx *)e->tx) == NULL);
    for (uint32_t i = 0; i < e->tx->n_in; i++)
        CHECK(table_add(&m->spends, &e->spends[i]) == NULL);
    m->total_vsize += e->vsize;
    m->total_fee += e->fee;
    m->entry_bytes += entry_memory(e);
    m->n_unbroadcast += e->unbroadcast;
    if (e->time < m->oldest_time)
        m->oldest_time = e->time;
    m->version++;
    m->sequence++;
    for (size_t i = 0; i < m->n_subscribers; i++) {
        if (m->subscriber[i].events.added)
            m->subscriber[i].events.added(m->subscriber[i].arg, e, limits);
    }
}

static void take_out(struct mempool *m, struct mempool_entry *e)
{
    CHECK(table_remove(&m->by_txid, &e->txid) == e);
    CHECK(table_remove(&m->by_wtxid, &e->tx->wtxid) == e->tx);
    for (uint32_t i = 0; i < e->tx->n_in; i++)
        CHECK(table_remove(&m->spends, &e->spends[i].prev) == &e->spends[i]);
    m->total_vsize -= e->vsize;
    m->total_fee -= e->fee;
    m->entry_bytes -= entry_memory(e);
    m->n_unbroadcast -= e->unbroadcast;
    m->version++;
}

static void tell_removed(struct mempool *m, const struct mempool_entry *e,
                         enum removal_reason reason, uint64_t sequence)
{
    for (size_t i = 0; i < m->n_subscribers; i++) {
        if (m->subscriber[i].events.removed)
            m->subscriber[i].events.removed(m->subscriber[i].arg, e, reason, sequence);
    }
}

void pool_discard(struct mempool *m, struct entry_list *doomed, enum removal_reason reason)
{
    for (size_t i = 0; i < doomed->n; i++)
        take_out(m, doomed->e[i]);
    for (size_t i = 0; i < doomed->n; i++) {
        tell_removed(m, doomed->e[i], reason, m->sequence++);
        entry_free(doomed->e[i]);
    }
    entry_list_clear(doomed);
}

void pool_remove(struct mempool *m, struct entry_list *doomed, enum removal_reason reason)
{
    if (doomed->n == 0)
        return;
    struct change c;
    change_init(&c, m);
    for (size_t i = 0; i < doomed->n; i++)
        change_touch(&c, doomed->e[i]->cluster);
    CHECK(change_stage(&c));
    change_commit(&c);
    change_clear(&c);
    pool_discard(m, doomed, reason);
    pool_check_sometimes(m);
}

void mempool_remove(struct mempool *m, const struct txid *txid)
{
    struct mempool_entry *e = pool_find(m, txid);
    struct entry_list doomed = {0};
    if (e == NULL)
        return;
    doom_with_descendants(&doomed, e);
    pool_remove(m, &doomed, REMOVED_CONFLICT);
}

void mempool_subscribe(struct mempool *m, const struct mempool_events *ev, void *arg)
{
    CHECK(m->n_subscribers < SUBSCRIBERS_MAX);
    m->subscriber[m->n_subscribers].events = *ev;
    m->subscriber[m->n_subscribers++].arg = arg;
}

/* ---- asking ---- */

const struct mempool_entry *mempool_get(const struct mempool *m, const struct txid *txid)
{
    return pool_find(m, txid);
}

const struct mempool_entry *mempool_get_wtxid(const struct mempool *m, const struct wtxid *wtxid)
{
    const struct tx *tx = table_get(&m->by_wtxid, wtxid);
    return tx ? pool_find(m, &tx->txid) : NULL;
}

const struct tx *mempool_next_tx(const struct mempool *m, size_t *pos)
{
    return table_next(&m->by_wtxid, pos);
}

const struct mempool_entry *mempool_spender(const struct mempool *m, const struct outpoint *o)
{
    return pool_spender(m, o);
}

enum coin_result mempool_coin(struct mempool *m, const struct outpoint *o, bool include_spent,
                              struct coin *out, struct buf *memory)
{
    if (!include_spent && pool_spender(m, o))
        return COIN_MISSING;
    const struct mempool_entry *e = pool_find(m, &o->txid);
    if (e == NULL)
        return chain_coin(m->opts.chain, o, out, memory);
    if (o->n >= e->tx->n_out)
        return COIN_MISSING;
    struct span script = e->tx->out[o->n].script_pubkey;
    buf_reset(memory);
    write_span(memory, script);
    *out = (struct coin){.out = {e->tx->out[o->n].value, buf_span(memory)},
                         .height = MEMPOOL_HEIGHT,
                         .coinbase = false};
    return COIN_FOUND;
}

size_t mempool_count(const struct mempool *m)
{
    return m->by_txid.n;
}

int64_t mempool_total_vsize(const struct mempool *m)
{
    return m->total_vsize;
}

int64_t mempool_total_fee(const struct mempool *m)
{
    return m->total_fee;
}

size_t mempool_memory(const struct mempool *m)
{
    return m->entry_bytes + m->cluster_bytes + table_memory(&m->by_txid) +
           table_memory(&m->by_wtxid) + table_memory(&m->spends) + table_memory(&m->deltas) +
           m->deltas.n * sizeof(struct mempool_delta);
}

uint64_t mempool_sequence(const struct mempool *m)
{
    return m->sequence;
}

uint64_t mempool_version(const struct mempool *m)
{
    return m->version;
}

bool mempool_is_optimal(const struct mempool *m)
{
    return m->n_suboptimal == 0;
}

bool mempool_loaded(const struct mempool *m)
{
    return m->loaded;
}

void mempool_set_loaded(struct mempool *m)
{
    m->loaded = true;
}

const struct mempool_options *mempool_opts(const struct mempool *m)
{
    return &m->opts;
}

const struct mempool_entry **mempool_sorted(const struct mempool *m, size_t *n)
{
    const struct mempool_entry **all = xmalloc((m->by_txid.n + 1) * sizeof(*all));
    *n = 0;
    for (struct chunk *c = chunk_index_best(&m->chunks); c; c = chunk_index_next(c)) {
        for (unsigned k = 0; k < c->count; k++)
            all[(*n)++] = c->cluster->tx[c->first + k];
    }
    return all;
}

static uint64_t relatives_set(const struct mempool_entry *e, enum relation kind)
{
    const struct cluster *c = e->cluster;
    uint64_t self = UINT64_C(1) << e->cluster_pos, set = 0;
    switch (kind) {
    case RELATION_PARENTS: return c->parents[e->cluster_pos];
    case RELATION_ANCESTORS: return cluster_ancestors(c, self) & ~self;
    case RELATION_DESCENDANTS: return cluster_descendants(c, self) & ~self;
    case RELATION_CHILDREN: break;
    }
    for (unsigned k = 0; k < c->n; k++)
        set |= c->parents[k] & self ? UINT64_C(1) << k : 0;
    return set;
}

const struct mempool_entry **mempool_relatives(const struct mempool *m,
                                               const struct mempool_entry *e, enum relation kind,
                                               size_t *n)
{
    (void)m;
    uint64_t set = relatives_set(e, kind);
    const struct mempool_entry **list =
        xmalloc(((size_t)__builtin_popcountll(set) + 1) * sizeof(*list));
    *n = 0;
    for (; set; set &= set - 1)
        list[(*n)++] = e->cluster->tx[__builtin_ctzll(set)];
    return list;
}

struct feefrac mempool_chunk(const struct mempool *m, const struct mempool_entry *e)
{
    (void)m;
    return cluster_chunk_at(e->cluster, e->cluster_pos)->rate;
}

void mempool_cluster(const struct mempool *m, const struct mempool_entry *e,
                     struct mempool_cluster_info *out)
{
    (void)m;
    const struct cluster *c = e->cluster;
    out->n = c->n;
    out->n_chunks = c->n_chunks;
    out->weight = c->weight;
    out->entries = xmemdup(c->tx, c->n * sizeof(*c->tx));
    out->chunks = xmalloc(c->n_chunks * sizeof(*out->chunks));
    for (unsigned k = 0; k < c->n_chunks; k++) {
        out->chunks[k].rate = c->chunk[k].rate;
        out->chunks[k].count = c->chunk[k].count;
    }
}

struct feefrac *mempool_diagram(const struct mempool *m, size_t *n)
{
    size_t cap = 0;
    struct feefrac *d = NULL;
    *n = 0;
    for (struct chunk *c = chunk_index_best(&m->chunks); c; c = chunk_index_next(c)) {
        d = array_reserve(d, &cap, *n + 1, sizeof(*d));
        d[(*n)++] = c->rate;
    }
    return d;
}

/* ---- own transactions not yet asked for ---- */

void mempool_set_unbroadcast(struct mempool *m, const struct txid *txid, bool on)
{
    struct mempool_entry *e = pool_find(m, txid);
    if (e == NULL || e->unbroadcast == on)
        return;
    e->unbroadcast = on;
    m->n_unbroadcast += on ? 1 : -(size_t)1;
}

size_t mempool_unbroadcast_count(const struct mempool *m)
{
    return m->n_unbroadcast;
}

struct txid *mempool_unbroadcast(const struct mempool *m, size_t *n)
{
    struct txid *list = xmalloc((m->n_unbroadcast + 1) * sizeof(*list));
    const struct mempool_entry *e;
    size_t pos = 0;
    *n = 0;
    while (m->n_unbroadcast > *n && (e = table_next(&m->by_txid, &pos)) != NULL) {
        if (e->unbroadcast)
            list[(*n)++] = e->txid;
    }
    return list;
}
