/*
 * Coin selection. Four ways to choose, of which the one with the least waste is taken:
 *
 * bnb       branch and bound: a set without change, overpaying by less than a change would cost.
 * knapsack  random subsets that come near to target plus a sensible change.
 * srd       single random draw: shuffle, take until there is enough. Gives useful change and tells
 *           little about the wallet.
 * cg        at high feerates: the lightest set that leaves a change, by branch and bound on weight.
 *
 * Waste compares with spending the same coins at the long-term feerate: what their inputs cost more
 * (or less) now, plus what the change costs, or what is paid in excess where there is none.
 *
 * Searches are bounded by a number of steps, so a wallet of any size is chosen from in a few ms.
 */
#include "wallet/select.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define MAX_STEPS       100000
#define KNAPSACK_ROUNDS 1000
#define SRD_CHANGE      50000 /* satoshi: change that a random draw leaves at least */

struct pool {
    const struct select_item *items;
    size_t *order; /* indexes into items: sorted */
    size_t n;
    const struct select_params *p;
};

void selection_clear(struct selection *s)
{
    free(s->items);
    memset(s, 0, sizeof(*s));
}

static void finish(const struct pool *pool, struct selection *s, const char *algorithm)
{
    const struct select_params *p = pool->p;

    s->algorithm = algorithm;
    s->amount = s->value = s->weight = s->waste = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct select_item *it = &pool->items[s->items[i]];
        s->amount += it->amount;
        s->value += it->value;
        s->weight += it->weight;
        s->waste += it->fee - it->fee_later;
    }
    s->change = s->amount - p->target - (p->free_change ? 0 : p->change_fee);
    if (s->change < p->change_viable)
        s->change = 0;
    s->waste += s->change ? p->change_cost : s->amount - p->target;
}

/* ---- sorted pools ---- */

static int by_amount_falling(const struct select_item *a, const struct select_item *b)
{
    if (a->amount != b->amount)
        return a->amount > b->amount ? -1 : 1;
    int64_t wa = a->fee - a->fee_later, wb = b->fee - b->fee_later;
    return wa < wb ? -1 : wa > wb;
}

/* Merge sort of indexes: qsort() has no argument for the items. */
static void sort_order(const struct pool *pool, size_t *order, size_t *spare, size_t n)
{
    size_t half = n / 2, i = 0, j = half, k = 0;

    if (n < 2)
        return;
    sort_order(pool, order, spare, half);
    sort_order(pool, order + half, spare, n - half);
    while (i < half && j < n)
        spare[k++] = by_amount_falling(&pool->items[order[i]], &pool->items[order[j]]) <= 0
                         ? order[i++]
                         : order[j++];
    while (i < half)
        spare[k++] = order[i++];
    while (j < n)
        spare[k++] = order[j++];
    memcpy(order, spare, n * sizeof(*order));
}

static void pool_init(struct pool *pool, const struct select_item *items, size_t n,
                      const struct select_params *p, bool positive)
{
    size_t *spare = xmalloc((n + 1) * sizeof(*spare));

    *pool = (struct pool){items, xmalloc((n + 1) * sizeof(size_t)), 0, p};
    for (size_t i = 0; i < n; i++)
        if (!positive || items[i].amount > 0)
            pool->order[pool->n++] = i;
    sort_order(pool, pool->order, spare, pool->n);
    free(spare);
}

static void take(struct selection *s, size_t item)
{
    s->items = xreallocarray(s->items, s->n + 1, sizeof(*s->items));
    s->items[s->n++] = item;
}

static int64_t draw(const struct select_params *p, int64_t below)
{
    return (int64_t)p->random(p->random_arg, (uint64_t)below);
}

/* ---- branch and bound ---- */

struct search {
    size_t *chosen, n;
    size_t *best, n_best;
    bool found;
    int64_t best_score;
};

static void search_init(struct search *s, size_t n)
{
    s->chosen = xmalloc((n + 1) * sizeof(size_t));
    s->best = xmalloc((n + 1) * sizeof(size_t));
    s->n = s->n_best = 0;
    s->found = false;
    s->best_score = INT64_MAX;
}

/* Hands the best set over (positions in the pool's order become items). */
static bool search_finish(struct search *s, const struct pool *pool, struct selection *out,
                          const char *name)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; s->found && i < s->n_best; i++)
        take(out, pool->order[s->best[i]]);
    bool found = s->found;
    free(s->chosen);
    free(s->best);
    if (found)
        finish(pool, out, name);
    return found;
}

static void keep_best(struct search *s, int64_t score)
{
    s->best_score = score;
    s->n_best = s->n;
    memcpy(s->best, s->chosen, s->n * sizeof(*s->chosen));
    s->found = true;
}

/* Sums of what lies at and behind each place of the order. */
static int64_t *suffix_sums(const struct pool *pool)
{
    int64_t *left = xmalloc((pool->n + 1) * sizeof(*left));

    left[pool->n] = 0;
    for (size_t i = pool->n; i-- > 0;)
        left[i] = left[i + 1] + pool->items[pool->order[i]].amount;
    return left;
}

static bool same_kind(const struct pool *pool, size_t a, size_t b)
{
    const struct select_item *x = &pool->items[pool->order[a]], *y = &pool->items[pool->order[b]];
    return x->amount == y->amount && x->fee == y->fee;
}

/* Depth first, largest amounts first, with before without. */
static bool branch_and_bound(const struct pool *pool, struct selection *out, bool *too_heavy)
{
    const struct select_params *p = pool->p;
    int64_t *left = suffix_sums(pool), amount = 0, waste = 0, weight = 0;
    bool dear = pool->n && pool->items[pool->order[0]].fee > pool->items[pool->order[0]].fee_later;
    struct search s;
    size_t at = 0;

    search_init(&s, pool->n);
    for (unsigned step = 0; step < MAX_STEPS; step++) {
        bool back = false;
        if (amount + left[at] < p->target || amount > p->target + p->change_cost ||
            (s.found && dear && waste > s.best_score)) {
            back = true;
        } else if (weight > p->max_weight) {
            *too_heavy = true;
            back = true;
        } else if (amount >= p->target) {
            int64_t score = waste + amount - p->target;
            if (!s.found || score < s.best_score)
                keep_best(&s, score);
            back = true;
        }
        if (back) {
            if (s.n == 0)
                break;
            at = s.chosen[--s.n];
            const struct select_item *it = &pool->items[pool->order[at]];
            amount -= it->amount;
            waste -= it->fee - it->fee_later;
            weight -= it->weight;
            at++;
            /* What is like the one left out would only repeat the search. */
            while (at < pool->n && same_kind(pool, at, at - 1))
                at++;
            continue;
        }
        const struct select_item *it = &pool->items[pool->order[at]];
        s.chosen[s.n++] = at++;
        amount += it->amount;
        waste += it->fee - it->fee_later;
        weight += it->weight;
    }
    free(left);
    return search_finish(&s, pool, out, "bnb");
}

/* The lightest set that reaches the target and a change. Depth first over amounts; a branch ends
 * where it is as heavy as the best, or where even the lightest of what is left would make it so. */
static bool grind(const struct pool *pool, struct selection *out, bool *too_heavy)
{
    const struct select_params *p = pool->p;
    int64_t goal = p->target + p->change_target, amount = 0, weight = 0;
    int64_t *left = suffix_sums(pool), *lightest = xmalloc((pool->n + 1) * sizeof(*lightest));
    struct search s;
    size_t at = 0;

    search_init(&s, pool->n);
    s.best_score = p->max_weight - p->change_weight + 1;
    lightest[pool->n] = INT64_MAX / 4;
    for (size_t i = pool->n; i-- > 0;) {
        int64_t own = pool->items[pool->order[i]].weight;
        lightest[i] = own < lightest[i + 1] ? own : lightest[i + 1];
    }
    if (left[0] < goal)
        *too_heavy = false;
    for (unsigned step = 0; step < MAX_STEPS; step++) {
        bool back = false;
        if (amount >= goal && weight < s.best_score) {
            keep_best(&s, weight);
            back = true;
        } else if (amount + left[at] < goal || weight + lightest[at] >= s.best_score) {
            back = true;
        }
        if (back) {
            if (s.n == 0)
                break;
            at = s.chosen[--s.n];
            amount -= pool->items[pool->order[at]].amount;
            weight -= pool->items[pool->order[at]].weight;
            at++;
            while (at < pool->n && same_kind(pool, at, at - 1))
                at++;
            continue;
        }
        amount += pool->items[pool->order[at]].amount;
        weight += pool->items[pool->order[at]].weight;
        s.chosen[s.n++] = at++;
    }
    free(left);
    free(lightest);
    return search_finish(&s, pool, out, "cg");
}

/* ---- single random draw ---- */

static bool random_draw(const struct pool *pool, struct selection *out, bool *too_heavy)
{
    const struct select_params *p = pool->p;
    int64_t goal = p->target + p->change_fee + SRD_CHANGE, amount = 0, weight = 0;
    size_t *order = xmemdup(pool->order, pool->n * sizeof(*order) + 1);

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < pool->n && amount < goal; i++) {
        size_t j = i + (size_t)draw(p, (int64_t)(pool->n - i));
        size_t t = order[i];
        order[i] = order[j];
        order[j] = t;
        take(out, order[i]);
        amount += pool->items[order[i]].amount;
        weight += pool->items[order[i]].weight;
        while (weight > p->max_weight - p->change_weight && out->n) { /* drop the least */
            size_t least = 0;
            for (size_t k = 1; k < out->n; k++)
                if (pool->items[out->items[k]].amount < pool->items[out->items[least]].amount)
                    least = k;
            amount -= pool->items[out->items[least]].amount;
            weight -= pool->items[out->items[least]].weight;
            out->items[least] = out->items[--out->n];
            *too_heavy = true;
        }
    }
    free(order);
    if (amount >= goal) {
        finish(pool, out, "srd");
        return true;
    }
    selection_clear(out);
    return false;
}

/* ---- knapsack ---- */

/* Random subsets of those smaller than the target: the smallest sum found that reaches `goal`. */
static int64_t best_subset(const struct pool *pool, const size_t *small, size_t n, int64_t total,
                           int64_t goal, bool *best)
{
    bool *in = xcalloc(n + 1, sizeof(*in));
    int64_t best_sum = total;

    memset(best, true, n);
    for (unsigned round = 0; round < KNAPSACK_ROUNDS && best_sum != goal; round++) {
        int64_t sum = 0;
        bool reached = false;
        memset(in, 0, n);
        for (int pass = 0; pass < 2 && !reached; pass++) {
            for (size_t i = 0; i < n; i++) {
                /* First by coin toss, then what was left out. */
                if (pass == 0 ? !draw(pool->p, 2) : in[i])
                    continue;
                sum += pool->items[small[i]].amount;
                in[i] = true;
                if (sum < goal)
                    continue;
                reached = true;
                if (sum < best_sum) {
                    best_sum = sum;
                    memcpy(best, in, n * sizeof(*in));
                }
                sum -= pool->items[small[i]].amount;
                in[i] = false;
            }
        }
    }
    free(in);
    return best_sum;
}

static void take_subset(struct selection *out, const size_t *small, size_t n, const bool *in)
{
    for (size_t i = 0; i < n; i++)
        if (in[i])
            take(out, small[i]);
}

static bool knapsack(const struct pool *pool, struct selection *out, bool *too_heavy)
{
    const struct select_params *p = pool->p;
    size_t *small = xmalloc((pool->n + 1) * sizeof(*small)), n = 0;
    bool *in = xmalloc(pool->n + 1), found = false;
    const size_t *larger = NULL; /* the least that suffices alone */
    int64_t total = 0;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < pool->n && !found; i++) {
        int64_t amount = pool->items[pool->order[i]].amount;
        if (amount == p->target) {
            take(out, pool->order[i]);
            found = true;
        } else if (amount < p->target + p->change_target) {
            small[n++] = pool->order[i];
            total += amount;
        } else {
            larger = &pool->order[i]; /* amounts fall */
        }
    }
    if (!found && total == p->target) {
        memset(in, true, n);
        take_subset(out, small, n, in);
        found = true;
    } else if (!found && total < p->target) {
        if (larger)
            take(out, *larger);
        found = larger != NULL;
    } else if (!found) {
        int64_t goal = p->target;
        int64_t sum = best_subset(pool, small, n, total, goal, in);
        if (sum != goal && total >= goal + p->change_target) {
            goal += p->change_target;
            sum = best_subset(pool, small, n, total, goal, in);
        }
        bool poor = sum != p->target && sum < p->target + p->change_target;
        if (larger && (poor || pool->items[*larger].amount <= sum))
            take(out, *larger);
        else
            take_subset(out, small, n, in);
        found = true;
    }
    free(small);
    free(in);
    if (!found)
        return false;
    finish(pool, out, "knapsack");
    if (out->weight <= p->max_weight - p->change_weight)
        return true;
    *too_heavy = true;
    selection_clear(out);
    return false;
}

/* ---- the best of them ---- */

typedef bool algorithm(const struct pool *pool, struct selection *out, bool *too_heavy);

static void compete(algorithm *way, const struct pool *pool, struct selection *best, bool *found,
                    bool *too_heavy)
{
    struct selection s;

    if (!way(pool, &s, too_heavy))
        return;
    if (*found && (s.waste > best->waste || (s.waste == best->waste && s.n <= best->n))) {
        selection_clear(&s);
        return;
    }
    if (*found)
        selection_clear(best);
    *best = s;
    *found = true;
}

bool select_coins(const struct select_item *items, size_t n, const struct select_params *p,
                  struct selection *out, bool *too_heavy)
{
    struct pool positive, all;
    bool found = false;

    *too_heavy = false;
    memset(out, 0, sizeof(*out));
    pool_init(&positive, items, n, p, true);
    pool_init(&all, items, n, p, false);
    if (p->exact)
        compete(branch_and_bound, &positive, out, &found, too_heavy);
    compete(knapsack, &all, out, &found, too_heavy);
    if (p->frugal)
        compete(grind, &positive, out, &found, too_heavy);
    compete(random_draw, &positive, out, &found, too_heavy);
    free(positive.order);
    free(all.order);
    return found;
}
