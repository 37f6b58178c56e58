/*
 * Clusters: one allocation each, holding the linearisation, the dependencies as words of bits, and
 * the chunks, which are the nodes of the pool's chunk index.
 *
 * A cluster never changes: whoever adds or removes a transaction makes new clusters in place of
 * those touched (change.c), so a change can be weighed before it is made and dropped without undo.
 * Positions follow the linearisation, which is topological, so parents have lower bits than
 * their children and ancestors or descendants are found in a single pass.
 */
#include <stdlib.h>

#include "mempool/pool.h"
#include "util/mem.h"

static size_t cluster_size(unsigned n, unsigned n_chunks)
{
    return sizeof(struct cluster) + n_chunks * sizeof(struct chunk) +
           n * (sizeof(uint64_t) + sizeof(struct mempool_entry *));
}

static struct cluster *cluster_alloc(struct mempool *m, unsigned n, unsigned n_chunks)
{
    size_t size = cluster_size(n, n_chunks);
    struct cluster *c = xmalloc(size);
    *c = (struct cluster){.n = (uint8_t)n, .n_chunks = (uint8_t)n_chunks, .id = m->next_cluster++};
    c->chunk = (struct chunk *)(c + 1);
    c->parents = (uint64_t *)(c->chunk + n_chunks);
    c->tx = (struct mempool_entry **)(c->parents + n);
    m->cluster_bytes += size;
    return c;
}

struct cluster *cluster_create(struct mempool *m, const struct depgraph *g, const unsigned *order,
                               bool optimal, struct mempool_entry *const *entries)
{
    unsigned counts[CLUSTER_MAX], place[CLUSTER_MAX];
    struct feefrac sums[CLUSTER_MAX];
    unsigned n_chunks = chunk_order(g, order, counts, sums);
    struct cluster *c = cluster_alloc(m, g->n, n_chunks);
    c->optimal = optimal;
    for (unsigned k = 0; k < g->n; k++)
        place[order[k]] = k;
    for (unsigned k = 0; k < g->n; k++) {
        c->tx[k] = entries[order[k]];
        c->weight += g->tx[order[k]].size;
        c->parents[k] = 0;
        for (uint64_t left = g->parents[order[k]]; left; left &= left - 1)
            c->parents[k] |= UINT64_C(1) << place[__builtin_ctzll(left)];
    }
    unsigned first = 0;
    for (unsigned k = 0; k < n_chunks; k++) {
        c->chunk[k] = (struct chunk){
            .cluster = c, .rate = sums[k], .first = (uint8_t)first, .count = (uint8_t)counts[k]};
        first += counts[k];
    }
    return c;
}

void cluster_free(struct mempool *m, struct cluster *c)
{
    m->cluster_bytes -= cluster_size(c->n, c->n_chunks);
    free(c);
}

void cluster_install(struct mempool *m, struct cluster *c)
{
    for (unsigned k = 0; k < c->n; k++) {
        c->tx[k]->cluster = c;
        c->tx[k]->cluster_pos = k;
    }
    for (unsigned k = 0; k < c->n_chunks; k++)
        chunk_index_add(&m->chunks, &c->chunk[k]);
    m->n_suboptimal += !c->optimal;
}

void cluster_uninstall(struct mempool *m, struct cluster *c)
{
    for (unsigned k = 0; k < c->n_chunks; k++)
        chunk_index_remove(&m->chunks, &c->chunk[k]);
    m->n_suboptimal -= !c->optimal;
}

uint64_t cluster_ancestors(const struct cluster *c, uint64_t set)
{
    for (unsigned k = c->n; k-- > 0;) {
        if (set >> k & 1)
            set |= c->parents[k];
    }
    return set;
}

uint64_t cluster_descendants(const struct cluster *c, uint64_t set)
{
    for (unsigned k = 0; k < c->n; k++) {
        if (c->parents[k] & set)
            set |= UINT64_C(1) << k;
    }
    return set;
}

const struct chunk *cluster_chunk_at(const struct cluster *c, unsigned pos)
{
    unsigned k = 0;
    while (pos >= (unsigned)c->chunk[k].first + c->chunk[k].count)
        k++;
    return &c->chunk[k];
}
