/*
 * Linearisation of clusters by a spanning forest.
 *
 * The best order of a cluster is found as a partition into chunks, each held together by a tree of
 * "active" dependencies. Two moves improve a partition:
 *   - split: taking away an active dependency cuts its chunk into the part with the parent (top)
 *     and the part with the child (bottom). Where the top's feerate is the higher one, the two are
 *     better apart, top first.
 *   - merge: a chunk that depends on a chunk of lower feerate cannot come before it, so the two
 *     become one, joined by a dependency between them.
 * When no split pays and no merge is needed, the chunks in order of feerate are an optimal
 * linearisation: this is the simplex method on the problem "closure of the highest density", as
 * published for this use. A start from an existing order only merges what has to be merged, so
 * the result is at least as good as that order.
 *
 * There are at most 64 transactions, so sets are words and a step costs some tens of
 * instructions. No bound on the number of steps is proved, hence the budget; where it runs out, the
 * better start of the given order and the ancestor-set order has been improved as far as it came.
 *
 * Rejected: exhaustive search over closures (optimal too, exponential in bad cases), and ancestor
 * sets alone (misses that two children pay for one parent).
 */
#include "mempool/linearize.h"

#include <string.h>

#include "util/check.h"

struct forest {
    const struct depgraph *g;
    uint64_t children[CLUSTER_MAX];   /* direct */
    uint64_t up[CLUSTER_MAX];         /* active dependencies: parents of a child */
    uint64_t down[CLUSTER_MAX];       /* active dependencies: children of a parent */
    uint64_t members[CLUSTER_MAX];    /* of a chunk; chunks are named by one of their members */
    struct feefrac sum[CLUSTER_MAX];  /* of a chunk */
    unsigned char chunk[CLUSTER_MAX]; /* name of a transaction's chunk */
    uint64_t budget;
};

static unsigned lowest(uint64_t set)
{
    return (unsigned)__builtin_ctzll(set);
}

#define FOR_EACH(i, set)            \
    for (uint64_t left_##i = (set); \
         left_##i != 0 && ((i = lowest(left_##i)), left_##i &= left_##i - 1, true);)

static bool spend(struct forest *f, uint64_t steps)
{
    f->budget = f->budget > steps ? f->budget - steps : 0;
    return f->budget > 0;
}

/* ---- chunks ---- */

static void name_chunk(struct forest *f, uint64_t set)
{
    unsigned name = lowest(set), i;
    struct feefrac sum = {0, 0};
    FOR_EACH(i, set)
    {
        f->chunk[i] = (unsigned char)name;
        sum = feefrac_add(sum, f->g->tx[i]);
    }
    f->members[name] = set;
    f->sum[name] = sum;
}

/* What hangs together with `from` by active dependencies. */
static uint64_t connected(const struct forest *f, unsigned from)
{
    uint64_t seen = UINT64_C(1) << from, todo = seen;
    while (todo) {
        unsigned i = lowest(todo);
        todo &= todo - 1;
        uint64_t fresh = (f->up[i] | f->down[i]) & ~seen;
        seen |= fresh;
        todo |= fresh;
    }
    return seen;
}

/* The dependency of a member on (or, `below`, of) another chunk that must be merged next: the
 * neighbour of the worst feerate above, or of the best feerate below. False where none has to. */
static bool find_merge(struct forest *f, unsigned name, bool below, unsigned *mine, unsigned *other)
{
    uint64_t set = f->members[name];
    struct feefrac limit = f->sum[name];
    bool found = false;
    unsigned i, j;
    FOR_EACH(i, set)
    {
        FOR_EACH(j, (below ? f->children[i] : f->g->parents[i]) & ~set)
        {
            int cmp = feefrac_cmp(f->sum[f->chunk[j]], limit);
            if (below ? cmp <= 0 : cmp >= 0)
                continue;
            limit = f->sum[f->chunk[j]];
            *mine = i;
            *other = j;
            found = true;
        }
    }
    spend(f, (uint64_t)__builtin_popcountll(set));
    return found;
}

static void merge_away(struct forest *f, unsigned member, bool below)
{
    unsigned mine = 0, other = 0;
    while (find_merge(f, f->chunk[member], below, &mine, &other)) {
        unsigned parent = below ? mine : other, child = below ? other : mine;
        f->up[child] |= UINT64_C(1) << parent;
        f->down[parent] |= UINT64_C(1) << child;
        name_chunk(f, f->members[f->chunk[mine]] | f->members[f->chunk[other]]);
    }
}

/* Every transaction joins, in order, below what came before it. */
static void forest_init(struct forest *f, const struct depgraph *g, const unsigned *order,
                        uint64_t budget)
{
    memset(f, 0, sizeof(*f));
    f->g = g;
    f->budget = budget;
    for (unsigned k = 0; k < g->n; k++) {
        unsigned i = order[k], p;
        name_chunk(f, UINT64_C(1) << i);
        merge_away(f, i, false);
        FOR_EACH(p, g->parents[i])
        {
            f->children[p] |= UINT64_C(1) << i;
        }
    }
}

/* ---- splitting ---- */

static __int128 split_gain(const struct forest *f, uint64_t top, unsigned name)
{
    struct feefrac t = {0, 0}, all = f->sum[name];
    unsigned i;
    FOR_EACH(i, top)
    {
        t = feefrac_add(t, f->g->tx[i]);
    }
    return (__int128)t.fee * (all.size - t.size) - (__int128)(all.fee - t.fee) * t.size;
}

static void cut(struct forest *f, unsigned parent, unsigned child)
{
    f->up[child] &= ~(UINT64_C(1) << parent);
    f->down[parent] &= ~(UINT64_C(1) << child);
}

static void tie(struct forest *f, unsigned parent, unsigned child)
{
    f->up[child] |= UINT64_C(1) << parent;
    f->down[parent] |= UINT64_C(1) << child;
}

/* The active dependency of the chunk whose split gains most; false where none gains. */
static bool best_split(struct forest *f, unsigned name, unsigned *parent, unsigned *child)
{
    __int128 best = 0;
    unsigned c, p;
    FOR_EACH(c, f->members[name])
    {
        FOR_EACH(p, f->up[c])
        {
            cut(f, p, c);
            uint64_t top = connected(f, p);
            tie(f, p, c);
            __int128 gain = split_gain(f, top, name);
            spend(f, (uint64_t)__builtin_popcountll(f->members[name]));
            if (gain > best) {
                best = gain;
                *parent = p;
                *child = c;
            }
        }
    }
    return best > 0;
}

static void split(struct forest *f, unsigned parent, unsigned child)
{
    cut(f, parent, child);
    name_chunk(f, connected(f, parent));
    name_chunk(f, connected(f, child));
    merge_away(f, parent, false);
    merge_away(f, child, true);
}

static uint64_t chunk_names(const struct forest *f)
{
    uint64_t names = 0;
    for (unsigned i = 0; i < f->g->n; i++)
        names |= UINT64_C(1) << f->chunk[i];
    return names;
}

/* Splits until nothing gains; false where the budget ran out first. */
static bool improve(struct forest *f)
{
    bool changed = true;
    while (changed) {
        changed = false;
        unsigned name, parent, child;
        FOR_EACH(name, chunk_names(f))
        {
            /* A merge may have renamed what was a chunk when the round began. */
            if (f->chunk[name] != name || !best_split(f, name, &parent, &child))
                continue;
            split(f, parent, child);
            changed = true;
            if (f->budget == 0)
                return false;
        }
    }
    return f->budget > 0;
}

/* Chunks that fall into parts of equal feerate are cut where no dependency forbids it: smaller
 * chunks pack better and are what is shown. */
static void cut_equals(struct forest *f)
{
    for (unsigned c = 0; c < f->g->n; c++) {
        unsigned p;
        FOR_EACH(p, f->up[c])
        {
            cut(f, p, c);
            uint64_t top = connected(f, p), bottom = connected(f, c), above = 0;
            unsigned i;
            FOR_EACH(i, top)
            {
                above |= f->g->parents[i];
            }
            if ((above & bottom) == 0 && split_gain(f, top, f->chunk[c]) == 0) {
                name_chunk(f, top);
                name_chunk(f, bottom);
            } else {
                tie(f, p, c);
            }
        }
    }
}

/* ---- output ---- */

/* Whether chunk or transaction a goes before b: feerate, then size, then rank. */
static bool goes_before(struct feefrac a, uint64_t rank_a, struct feefrac b, uint64_t rank_b)
{
    int cmp = feefrac_cmp(a, b);
    if (cmp != 0)
        return cmp > 0;
    if (a.size != b.size)
        return a.size < b.size;
    return rank_a < rank_b;
}

static uint64_t chunk_rank(const struct forest *f, unsigned name)
{
    uint64_t rank = UINT64_MAX;
    unsigned i;
    FOR_EACH(i, f->members[name])
    {
        if (f->g->rank[i] < rank)
            rank = f->g->rank[i];
    }
    return rank;
}

static bool chunk_ready(const struct forest *f, unsigned name, uint64_t done)
{
    unsigned i;
    FOR_EACH(i, f->members[name])
    {
        if (f->g->parents[i] & ~done & ~f->members[name])
            return false;
    }
    return true;
}

static unsigned pick_chunk(const struct forest *f, uint64_t names, uint64_t done)
{
    unsigned best = CLUSTER_MAX, name;
    FOR_EACH(name, names)
    {
        if (chunk_ready(f, name, done) &&
            (best == CLUSTER_MAX ||
             goes_before(f->sum[name], chunk_rank(f, name), f->sum[best], chunk_rank(f, best))))
            best = name;
    }
    CHECK(best < CLUSTER_MAX);
    return best;
}

static unsigned pick_tx(const struct depgraph *g, uint64_t among, uint64_t done)
{
    unsigned best = CLUSTER_MAX, i;
    FOR_EACH(i, among)
    {
        if ((g->parents[i] & ~done) == 0 &&
            (best == CLUSTER_MAX || goes_before(g->tx[i], g->rank[i], g->tx[best], g->rank[best])))
            best = i;
    }
    CHECK(best < CLUSTER_MAX);
    return best;
}

static void write_order(const struct forest *f, unsigned *order)
{
    uint64_t names = chunk_names(f), done = 0;
    unsigned k = 0;
    while (names) {
        unsigned name = pick_chunk(f, names, done);
        names &= ~(UINT64_C(1) << name);
        uint64_t left = f->members[name];
        while (left) {
            unsigned i = pick_tx(f->g, left, done);
            order[k++] = i;
            done |= UINT64_C(1) << i;
            left &= ~(UINT64_C(1) << i);
        }
    }
}

/* ---- the rest ---- */

void depgraph_ancestors(const struct depgraph *g, uint64_t anc[CLUSTER_MAX])
{
    for (unsigned i = 0; i < g->n; i++)
        anc[i] = g->parents[i] | UINT64_C(1) << i;
    bool changed = true;
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < g->n; i++) {
            uint64_t all = anc[i];
            unsigned p;
            FOR_EACH(p, anc[i])
            {
                all |= anc[p];
            }
            changed |= all != anc[i];
            anc[i] = all;
        }
    }
}

void depgraph_descendants(const struct depgraph *g, uint64_t desc[CLUSTER_MAX])
{
    uint64_t anc[CLUSTER_MAX];
    depgraph_ancestors(g, anc);
    memset(desc, 0, sizeof(*desc) * g->n);
    for (unsigned i = 0; i < g->n; i++) {
        unsigned a;
        FOR_EACH(a, anc[i])
        {
            desc[a] |= UINT64_C(1) << i;
        }
    }
}

static struct feefrac set_sum(const struct depgraph *g, uint64_t set)
{
    struct feefrac sum = {0, 0};
    unsigned i;
    FOR_EACH(i, set)
    {
        sum = feefrac_add(sum, g->tx[i]);
    }
    return sum;
}

void ancestor_set_order(const struct depgraph *g, unsigned order[CLUSTER_MAX])
{
    uint64_t anc[CLUSTER_MAX], done = 0;
    depgraph_ancestors(g, anc);
    for (unsigned k = 0; k < g->n;) {
        unsigned best = CLUSTER_MAX;
        struct feefrac best_sum = {0, 0};
        for (unsigned i = 0; i < g->n; i++) {
            if (done >> i & 1)
                continue;
            struct feefrac sum = set_sum(g, anc[i] & ~done);
            if (best == CLUSTER_MAX || goes_before(sum, g->rank[i], best_sum, g->rank[best])) {
                best = i;
                best_sum = sum;
            }
        }
        uint64_t left = anc[best] & ~done;
        while (left) {
            unsigned i = pick_tx(g, left, done);
            order[k++] = i;
            done |= UINT64_C(1) << i;
            left &= ~(UINT64_C(1) << i);
        }
    }
}

unsigned chunk_order(const struct depgraph *g, const unsigned *order, unsigned counts[CLUSTER_MAX],
                     struct feefrac sums[CLUSTER_MAX])
{
    unsigned n = 0;
    for (unsigned k = 0; k < g->n; k++) {
        sums[n] = g->tx[order[k]];
        counts[n++] = 1;
        while (n > 1 && feefrac_cmp(sums[n - 1], sums[n - 2]) > 0) {
            sums[n - 2] = feefrac_add(sums[n - 2], sums[n - 1]);
            counts[n - 2] += counts[n - 1];
            n--;
        }
    }
    return n;
}

static enum diagram_order compare_orders(const struct depgraph *g, const unsigned *a,
                                         const unsigned *b)
{
    unsigned counts[CLUSTER_MAX];
    struct feefrac sa[CLUSTER_MAX], sb[CLUSTER_MAX];
    unsigned na = chunk_order(g, a, counts, sa), nb = chunk_order(g, b, counts, sb);
    return diagram_compare(sa, na, sb, nb);
}

static bool improve_from(const struct depgraph *g, unsigned *order, uint64_t budget)
{
    struct forest f;
    forest_init(&f, g, order, budget);
    bool optimal = improve(&f);
    if (optimal)
        cut_equals(&f);
    write_order(&f, order);
    return optimal;
}

bool linearize(const struct depgraph *g, unsigned order[CLUSTER_MAX], uint64_t budget)
{
    CHECK(g->n <= CLUSTER_MAX);
    if (g->n <= 1 || improve_from(g, order, budget))
        return true;
    unsigned other[CLUSTER_MAX];
    ancestor_set_order(g, other);
    bool optimal = improve_from(g, other, budget);
    /* What was given must not be undercut: the other start counts where it is better throughout. */
    if (optimal || compare_orders(g, other, order) == DIAGRAM_BETTER)
        memcpy(order, other, sizeof(*order) * g->n);
    return optimal;
}
