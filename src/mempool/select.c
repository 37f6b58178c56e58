/*
 * What goes into a block: chunks in order of feerate, as far as they fit.
 *
 * The chunk index holds them in that order already, so a template costs what it takes to walk to
 * the block's end. A chunk that does not fit is left out, and with it the rest of its cluster,
 * which may depend on it. Near the end of a full block the search for something small is given up
 * after many failures.
 */
#include <stdlib.h>

#include "mempool/pool.h"
#include "util/mem.h"

enum { GIVE_UP_FAILURES = 1000, FULL_ENOUGH_WEIGHT = 4000 };

struct selecting {
    struct mempool *m;
    const struct selection_limits *limits;
    struct block_selection *out;
    size_t cap, cap_chunks;
    uint64_t skip; /* mark of clusters left out */
    int32_t height;
    int64_t lock_time;
};

static void add_entry(struct selecting *s, const struct mempool_entry *e)
{
    struct block_selection *o = s->out;
    if (o->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        o->txs = xreallocarray(o->txs, s->cap, sizeof(*o->txs));
        o->fees = xreallocarray(o->fees, s->cap, sizeof(*o->fees));
        o->sigops_cost = xreallocarray(o->sigops_cost, s->cap, sizeof(*o->sigops_cost));
    }
    o->txs[o->n] = tx_ref((struct tx *)e->tx);
    o->fees[o->n] = e->fee;
    o->sigops_cost[o->n++] = e->sigops_cost;
    o->total_fee += e->fee;
    o->total_weight += e->weight;
    o->total_sigops += e->sigops_cost;
}

static void add_chunk(struct selecting *s, const struct chunk *c)
{
    struct block_selection *o = s->out;
    o->chunks = array_reserve(o->chunks, &s->cap_chunks, o->n_chunks + 1, sizeof(*o->chunks));
    o->chunks[o->n_chunks++] = c->rate;
    for (unsigned k = 0; k < c->count; k++)
        add_entry(s, c->cluster->tx[c->first + k]);
}

static bool chunk_fits(const struct selecting *s, const struct chunk *c)
{
    int64_t weight = s->limits->weight + s->out->total_weight + c->rate.size;
    int64_t sigops = s->limits->sigops + s->out->total_sigops;
    if (weight >= s->limits->max_weight)
        return false;
    for (unsigned k = 0; k < c->count; k++) {
        const struct mempool_entry *e = c->cluster->tx[c->first + k];
        sigops += e->sigops_cost;
        if (!tx_is_final(e->tx, s->height, s->lock_time))
            return false;
    }
    return sigops < MAX_BLOCK_SIGOPS_COST;
}

static bool pays(const struct selecting *s, const struct chunk *c)
{
    int64_t vsize = (c->rate.size + WITNESS_SCALE - 1) / WITNESS_SCALE;
    return c->rate.fee >= feerate_fee(s->limits->min_feerate, vsize);
}

static void select_chunks(struct selecting *s)
{
    unsigned failures = 0;
    for (struct chunk *c = chunk_index_best(&s->m->chunks); c && pays(s, c);
         c = chunk_index_next(c)) {
        if (c->cluster->mark == s->skip)
            continue;
        if (chunk_fits(s, c)) {
            add_chunk(s, c);
            failures = 0;
            continue;
        }
        c->cluster->mark = s->skip;
        int64_t weight = s->limits->weight + s->out->total_weight;
        if (++failures > GIVE_UP_FAILURES && weight > s->limits->max_weight - FULL_ENOUGH_WEIGHT)
            return;
    }
}

void mempool_select(struct mempool *m, const struct selection_limits *l,
                    struct block_selection *out)
{
    const struct hnode *tip = &chain_tip(m->opts.chain)->h;
    *out = (struct block_selection){0};
    struct selecting s = {.m = m,
                          .limits = l,
                          .out = out,
                          .skip = ++m->next_mark,
                          .height = tip->height + 1,
                          .lock_time = hnode_median_time_past(tip)};
    select_chunks(&s);
}

void block_selection_clear(struct block_selection *s)
{
    for (size_t i = 0; i < s->n; i++)
        tx_unref(s->txs[i]);
    free(s->txs);
    free(s->fees);
    free(s->sigops_cost);
    free(s->chunks);
    *s = (struct block_selection){0};
}
