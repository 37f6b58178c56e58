/*
 * Acceptance, the part about what is replaced.
 *
 * Any transaction may replace what it conflicts with (full replace-by-fee). The replacement must
 * pay more than everything that leaves, by its own relay cost, and the feerate diagram of all
 * clusters touched must rise: then miners are better off whatever the size of the next block. Both
 * are asked, since a better diagram alone could be bought for nothing over and over.
 */
#include <stdio.h>
#include <string.h>

#include "mempool/accept.h"

/* "0.00001": at least two decimals, no zeros behind them. */
static char *short_amount(char out[32], int64_t v)
{
    amount_format(out, v);
    size_t len = strlen(out);
    while (len > 2 && out[len - 1] == '0' && out[len - 3] != '.')
        out[--len] = '\0';
    return out;
}

/* Distinct clusters of the direct conflicts. */
static unsigned count_clusters(struct mempool *m, const struct acceptance *a, unsigned n)
{
    uint64_t mark = ++m->next_mark;
    unsigned count = 0;
    for (unsigned k = 0; k < n; k++) {
        for (size_t i = 0; i < a[k].conflicts.n; i++) {
            struct cluster *c = a[k].conflicts.e[i]->cluster;
            count += c->mark != mark;
            c->mark = mark;
        }
    }
    return count;
}

static void doom_conflicts(struct change *c, const struct acceptance *a, unsigned n)
{
    /* A mark of its own: the count above has overwritten the change's. */
    c->mark = ++c->m->next_mark;
    for (size_t i = 0; i < c->n_old; i++)
        c->old[i]->mark = c->mark;
    for (unsigned k = 0; k < n; k++) {
        for (size_t i = 0; i < a[k].conflicts.n; i++)
            change_doom(c, a[k].conflicts.e[i]);
    }
}

/* Why `fee` for `vsize` does not pay for what leaves; false where it does. */
static bool underpays(const struct change *c, int64_t fee, int64_t vsize, const struct tx *tx,
                      char *why, size_t size)
{
    int64_t leaving = 0, step = feerate_fee(c->m->opts.incremental_feerate, vsize);
    char txid[HASH_HEX_SIZE], have[32], need[32];
    for (size_t i = 0; i < c->doomed.n; i++)
        leaving += c->doomed.e[i]->fee + c->doomed.e[i]->fee_delta;
    if (fee >= leaving && fee - leaving >= step)
        return false;
    bool less = fee < leaving;
    snprintf(why, size, "rejecting replacement %s, %s; %s < %s", hash_to_hex(txid, tx->txid.b),
             less ? "less fees than conflicting txs" : "not enough additional fees to relay",
             short_amount(have, less ? fee : fee - leaving),
             short_amount(need, less ? leaving : step));
    return true;
}

static bool too_many_clusters(struct mempool *m, const struct acceptance *a, unsigned n,
                              const struct tx *tx, char *why, size_t size)
{
    unsigned count = count_clusters(m, a, n);
    char txid[HASH_HEX_SIZE];
    if (count <= CHANGE_REPLACED_CLUSTERS_MAX)
        return false;
    snprintf(why, size, "rejecting replacement %s; too many conflicting clusters (%u > %d)",
             hash_to_hex(txid, tx->txid.b), count, CHANGE_REPLACED_CLUSTERS_MAX);
    return true;
}

static bool is_conflict(const struct acceptance *a, const struct mempool_entry *e)
{
    for (size_t i = 0; i < a->conflicts.n; i++) {
        if (a->conflicts.e[i] == e)
            return true;
    }
    return false;
}

/* A transaction cannot spend what it replaces. */
static bool check_not_own_ancestor(struct acceptance *a)
{
    const struct entry_list *parents = &a->change->parents[a->at];
    char own[HASH_HEX_SIZE], other[HASH_HEX_SIZE];
    for (size_t i = 0; i < parents->n; i++) {
        const struct cluster *c = parents->e[i]->cluster;
        uint64_t set = cluster_ancestors(c, UINT64_C(1) << parents->e[i]->cluster_pos);
        for (; set; set &= set - 1) {
            const struct mempool_entry *e = c->tx[__builtin_ctzll(set)];
            if (is_conflict(a, e))
                return verdict_fail(a->v, VERDICT_CONSENSUS, "bad-txns-spends-conflicting-tx",
                                    "%s spends conflicting transaction %s",
                                    hash_to_hex(own, a->tx->txid.b), hash_to_hex(other, e->txid.b));
        }
    }
    return true;
}

static const char no_better[] = "insufficient feerate: does not improve feerate diagram";

static bool replaces_well(struct acceptance *a)
{
    const char *sibling = a->sibling_eviction ? " (including sibling eviction)" : "";
    char reason[96], why[256];
    if (too_many_clusters(a->m, a, 1, a->tx, why, sizeof(why))) {
        snprintf(reason, sizeof(reason), "too many potential replacements%s", sibling);
        return verdict_fail(a->v, VERDICT_POLICY, reason, "%s", why);
    }
    doom_conflicts(a->change, a, 1);
    if (underpays(a->change, a->r->modified_fee, a->entry->vsize, a->tx, why, sizeof(why))) {
        snprintf(reason, sizeof(reason), "insufficient fee%s", sibling);
        return verdict_fail(a->v, VERDICT_RECONSIDERABLE, reason, "%s", why);
    }
    return true;
}

bool accept_clusters(struct acceptance *a)
{
    bool replaces = a->conflicts.n > 0;
    if (replaces && !replaces_well(a))
        return false;
    if (!change_stage(a->change))
        return verdict_fail(a->v, VERDICT_POLICY, "too-large-cluster", "%s", "");
    if (!replaces)
        return true;
    if (change_diagram(a->change) != DIAGRAM_BETTER)
        return verdict_fail(a->v, VERDICT_RECONSIDERABLE, "replacement-failed", "%s", no_better);
    return check_not_own_ancestor(a);
}

/* ---- of a package ---- */

static bool package_fails(struct verdict *v, const char *what, const char *detail)
{
    char reason[128];
    snprintf(reason, sizeof(reason), "package RBF failed: %s", what);
    return verdict_fail(v, VERDICT_POLICY, reason, "%s", detail);
}

static bool has_pool_parents(const struct change *c)
{
    bool any = false;
    for (unsigned i = 0; i < c->n_added; i++)
        any |= c->parents[i].n > 0;
    return any;
}

/* "0.00001000 BTC/kvB" */
static void feerate_text(char out[48], int64_t fee, int64_t vsize)
{
    char amount[32];
    snprintf(out, 48, "%s BTC/kvB", amount_format(amount, feerate_of(fee, vsize)));
}

/* A parent that is better alone would be paid for by nobody: the child must be what lifts it. */
static bool child_pays(const struct acceptance *a, int64_t fee, int64_t vsize, struct verdict *v)
{
    struct feefrac parent = {a[0].r->modified_fee, a[0].entry->vsize}, all = {fee, vsize};
    if (feefrac_cmp(all, parent) > 0)
        return true;
    char x[48], y[48], detail[160];
    feerate_text(x, fee, vsize);
    feerate_text(y, parent.fee, parent.size);
    snprintf(detail, sizeof(detail), "package feerate %s <= parent feerate is %s", x, y);
    return package_fails(v, "package feerate is less than or equal to parent feerate", detail);
}

bool accept_clusters_package(struct acceptance *a, unsigned n, struct verdict *v)
{
    struct change *c = a[0].change;
    const struct tx *child = a[n - 1].tx;
    int64_t fee = 0, vsize = 0;
    char why[256];
    if (n != 2)
        return package_fails(v, "package must be 1-parent-1-child", "");
    if (has_pool_parents(c))
        return package_fails(v, "new transaction cannot have mempool ancestors", "");
    if (too_many_clusters(c->m, a, n, child, why, sizeof(why)))
        return package_fails(v, "too many potential replacements", why);
    doom_conflicts(c, a, n);
    for (unsigned i = 0; i < n; i++) {
        fee += a[i].r->modified_fee;
        vsize += a[i].entry->vsize;
    }
    if (underpays(c, fee, vsize, child, why, sizeof(why)))
        return package_fails(v, "insufficient anti-DoS fees", why);
    if (!child_pays(a, fee, vsize, v))
        return false;
    if (!change_stage(c))
        return verdict_fail(v, VERDICT_POLICY, "too-large-cluster", "%s", "");
    return change_diagram(c) == DIAGRAM_BETTER || package_fails(v, no_better, "");
}
