/*
 * Staged changes: which clusters would there be if these entries went and those came?
 *
 * All clusters that are touched are taken apart: those of the entries that go and of the relatives
 * of those that come. What stays and what comes are nodes; dependencies join them (union-find);
 * each connected set becomes a new cluster, linearised from the old order. Only then, when limits
 * and the feerate diagram have been looked at, is it decided: commit swaps clusters, clear forgets.
 *
 * One way for everything (arrival, replacement, block, eviction, priority, reorganisation) was
 * preferred to quick paths for each: a cluster has at most 64 transactions, so taking it apart is
 * some microseconds.
 */
#include <stdlib.h>
#include <string.h>

#include "mempool/pool.h"
#include "util/mem.h"

#define NO_NODE UINT32_MAX

struct node {
    struct mempool_entry *entry;
    uint32_t set;   /* union-find: towards the root */
    uint32_t next;  /* of the same set, in order */
    uint32_t last;  /* at a root: end of the list that begins at `first` */
    uint32_t first; /* at a root */
    uint32_t count; /* at a root */
    uint32_t local; /* index in its set */
    int added;      /* index of an addition, or -1 */
};

struct staging {
    struct change *c;
    struct node *node;
    uint32_t n;
};

/* ---- what is touched ---- */

void change_init(struct change *c, struct mempool *m)
{
    memset(c, 0, sizeof(*c));
    c->m = m;
    c->mark = ++m->next_mark;
}

void change_clear(struct change *c)
{
    for (size_t i = 0; i < c->n_fresh; i++)
        cluster_free(c->m, c->fresh[i]);
    for (unsigned i = 0; i < c->n_added; i++) {
        entry_list_clear(&c->parents[i]);
        entry_list_clear(&c->children[i]);
    }
    undoom(&c->doomed);
    entry_list_clear(&c->doomed);
    free(c->old);
    free(c->fresh);
    memset(c, 0, sizeof(*c));
}

void change_touch(struct change *c, struct cluster *cl)
{
    if (cl->mark == c->mark)
        return;
    cl->mark = c->mark;
    c->old = array_reserve(c->old, &c->cap_old, c->n_old + 1, sizeof(*c->old));
    c->old[c->n_old++] = cl;
}

void change_doom(struct change *c, struct mempool_entry *e)
{
    size_t before = c->doomed.n;
    doom_with_descendants(&c->doomed, e);
    for (size_t i = before; i < c->doomed.n; i++)
        change_touch(c, c->doomed.e[i]->cluster);
}

static void add_relative(struct change *c, struct entry_list *l, struct mempool_entry *e)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->e[i] == e)
            return;
    }
    entry_list_add(l, e);
    change_touch(c, e->cluster);
}

/* Bit of the addition with this id, or 0. */
static uint32_t find_added(const struct change *c, const struct txid *txid)
{
    for (unsigned i = 0; i < c->n_added; i++) {
        if (txid_eq(&c->added[i]->txid, txid))
            return UINT32_C(1) << i;
    }
    return 0;
}

void change_add(struct change *c, struct mempool_entry *e, bool with_children)
{
    CHECK(c->n_added < CHANGE_ADDITIONS_MAX);
    unsigned at = c->n_added;
    for (uint32_t i = 0; i < e->tx->n_in; i++) {
        const struct txid *prev = &e->tx->in[i].prev.txid;
        struct mempool_entry *parent = pool_find(c->m, prev);
        c->added_parents[at] |= find_added(c, prev);
        if (parent)
            add_relative(c, &c->parents[at], parent);
    }
    for (uint32_t i = 0; with_children && i < e->tx->n_out; i++) {
        struct outpoint o = {e->txid, i};
        struct mempool_entry *child = pool_spender(c->m, &o);
        if (child)
            add_relative(c, &c->children[at], child);
    }
    c->added[c->n_added++] = e;
}

/* ---- sets ---- */

static uint32_t find_set(struct staging *s, uint32_t i)
{
    while (s->node[i].set != i) {
        s->node[i].set = s->node[s->node[i].set].set;
        i = s->node[i].set;
    }
    return i;
}

static void join(struct staging *s, uint32_t a, uint32_t b)
{
    a = find_set(s, a);
    b = find_set(s, b);
    if (a != b)
        s->node[a < b ? b : a].set = a < b ? a : b;
}

static void add_node(struct staging *s, struct mempool_entry *e, int added)
{
    s->node[s->n] = (struct node){.entry = e, .set = s->n, .added = added};
    e->scratch = s->n++;
}

static void make_nodes(struct staging *s)
{
    struct change *c = s->c;
    size_t most = c->n_added;
    for (size_t i = 0; i < c->n_old; i++)
        most += c->old[i]->n;
    s->node = xmalloc((most + 1) * sizeof(*s->node));
    for (size_t i = 0; i < c->n_old; i++) {
        for (unsigned k = 0; k < c->old[i]->n; k++) {
            if (!c->old[i]->tx[k]->doomed)
                add_node(s, c->old[i]->tx[k], -1);
        }
    }
    for (unsigned i = 0; i < c->n_added; i++)
        add_node(s, c->added[i], (int)i);
}

static void join_old(struct staging *s, const struct cluster *cl)
{
    for (unsigned k = 0; k < cl->n; k++) {
        if (cl->tx[k]->doomed)
            continue;
        for (uint64_t left = cl->parents[k]; left; left &= left - 1) {
            struct mempool_entry *parent = cl->tx[__builtin_ctzll(left)];
            if (!parent->doomed)
                join(s, cl->tx[k]->scratch, parent->scratch);
        }
    }
}

static void join_relatives(struct staging *s, struct mempool_entry *e, const struct entry_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (!l->e[i]->doomed)
            join(s, e->scratch, l->e[i]->scratch);
    }
}

static void make_sets(struct staging *s)
{
    struct change *c = s->c;
    for (size_t i = 0; i < c->n_old; i++)
        join_old(s, c->old[i]);
    for (unsigned i = 0; i < c->n_added; i++) {
        join_relatives(s, c->added[i], &c->parents[i]);
        join_relatives(s, c->added[i], &c->children[i]);
        for (uint32_t left = c->added_parents[i]; left; left &= left - 1)
            join(s, c->added[i]->scratch, c->added[__builtin_ctz(left)]->scratch);
    }
    for (uint32_t i = 0; i < s->n; i++) {
        struct node *root = &s->node[find_set(s, i)];
        s->node[i].next = NO_NODE;
        s->node[i].local = root->count;
        if (root->count++ == 0)
            root->first = i;
        else
            s->node[root->last].next = i;
        root->last = i;
    }
}

/* ---- new clusters ---- */

static void add_parents(const struct staging *s, struct depgraph *g, const struct node *n)
{
    const struct change *c = s->c;
    uint64_t *set = &g->parents[n->local];
    if (n->added < 0) {
        const struct cluster *cl = n->entry->cluster;
        for (uint64_t left = cl->parents[n->entry->cluster_pos]; left; left &= left - 1) {
            const struct mempool_entry *parent = cl->tx[__builtin_ctzll(left)];
            if (!parent->doomed)
                *set |= UINT64_C(1) << s->node[parent->scratch].local;
        }
        return;
    }
    const struct entry_list *parents = &c->parents[n->added], *children = &c->children[n->added];
    for (size_t i = 0; i < parents->n; i++) {
        if (!parents->e[i]->doomed)
            *set |= UINT64_C(1) << s->node[parents->e[i]->scratch].local;
    }
    for (uint32_t left = c->added_parents[n->added]; left; left &= left - 1)
        *set |= UINT64_C(1) << s->node[c->added[__builtin_ctz(left)]->scratch].local;
    for (size_t i = 0; i < children->n; i++) {
        if (!children->e[i]->doomed)
            g->parents[s->node[children->e[i]->scratch].local] |= UINT64_C(1) << n->local;
    }
}

/* The graph of one set. False where it is above the limits. */
static bool make_graph(const struct staging *s, uint32_t root, struct depgraph *g,
                       struct mempool_entry **entries, bool *has_children)
{
    const struct mempool_options *o = &s->c->m->opts;
    if (s->node[root].count > CLUSTER_MAX)
        return false;
    int64_t weight = 0;
    bool fresh = false;
    memset(g, 0, sizeof(*g));
    *has_children = false;
    for (uint32_t i = s->node[root].first; i != NO_NODE; i = s->node[i].next) {
        const struct node *n = &s->node[i];
        entries[n->local] = n->entry;
        g->tx[n->local] = entry_feefrac(n->entry);
        g->rank[n->local] = n->entry->serial;
        add_parents(s, g, n);
        weight += g->tx[n->local].size;
        fresh |= n->added >= 0;
        *has_children |= n->added >= 0 && s->c->children[n->added].n > 0;
        g->n++;
    }
    return !fresh ||
           (g->n <= o->cluster_count_limit && weight <= o->cluster_size_limit_vb * WITNESS_SCALE);
}

static bool stage_set(const struct staging *s, uint32_t root)
{
    struct change *c = s->c;
    struct depgraph g;
    struct mempool_entry *entries[CLUSTER_MAX];
    unsigned order[CLUSTER_MAX];
    bool has_children;
    if (!make_graph(s, root, &g, entries, &has_children))
        return false;
    /* The old order, with additions behind, is topological unless one has children already. */
    for (unsigned k = 0; k < g.n; k++)
        order[k] = k;
    if (has_children)
        ancestor_set_order(&g, order);
    bool optimal = linearize(&g, order, LINEARIZE_BUDGET);
    c->fresh = array_reserve(c->fresh, &c->cap_fresh, c->n_fresh + 1, sizeof(*c->fresh));
    c->fresh[c->n_fresh++] = cluster_create(c->m, &g, order, optimal, entries);
    return true;
}

bool change_stage(struct change *c)
{
    struct staging s = {.c = c};
    make_nodes(&s);
    make_sets(&s);
    bool ok = true;
    for (uint32_t i = 0; i < s.n && ok; i++) {
        if (find_set(&s, i) == i)
            ok = stage_set(&s, i);
    }
    free(s.node);
    if (!ok) {
        for (size_t i = 0; i < c->n_fresh; i++)
            cluster_free(c->m, c->fresh[i]);
        c->n_fresh = 0;
    }
    return ok;
}

static struct feefrac *diagram_of(struct cluster *const *clusters, size_t n, size_t *n_chunks)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += clusters[i]->n_chunks;
    struct feefrac *d = xmalloc((total + 1) * sizeof(*d));
    *n_chunks = 0;
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = 0; k < clusters[i]->n_chunks; k++)
            d[(*n_chunks)++] = clusters[i]->chunk[k].rate;
    }
    chunks_sort(d, *n_chunks);
    return d;
}

enum diagram_order change_diagram(const struct change *c)
{
    size_t n_old, n_fresh;
    struct feefrac *old = diagram_of(c->old, c->n_old, &n_old);
    struct feefrac *fresh = diagram_of(c->fresh, c->n_fresh, &n_fresh);
    enum diagram_order order = diagram_compare(fresh, n_fresh, old, n_old);
    free(old);
    free(fresh);
    return order;
}

void change_commit(struct change *c)
{
    for (size_t i = 0; i < c->n_old; i++) {
        cluster_uninstall(c->m, c->old[i]);
        cluster_free(c->m, c->old[i]);
    }
    for (size_t i = 0; i < c->n_fresh; i++)
        cluster_install(c->m, c->fresh[i]);
    c->n_old = c->n_fresh = 0;
}
