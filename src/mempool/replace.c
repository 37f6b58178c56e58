/*
 * Acceptance, the part about other transactions in the pool: replacement, TRUC, ephemeral dust.
 *
 * Any transaction may replace what it conflicts with (full replace-by-fee). The replacement must
 * pay more than everything that leaves, by its own relay cost, and the feerate diagram of all
 * clusters touched must rise: then miners are better off whatever the size of the next block. Both
 * are asked, since a better diagram alone could be bought for nothing over and over.
 *
 * TRUC (BIP431, version 3) promises more for less: at most one unconfirmed parent and child, both
 * small, in exchange for a child that may push out its sibling.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mempool/accept.h"

struct id_pair {
    char txid[HASH_HEX_SIZE], wtxid[HASH_HEX_SIZE];
};

static struct id_pair ids_of(const struct tx *tx)
{
    struct id_pair p;
    hash_to_hex(p.txid, tx->txid.b);
    hash_to_hex(p.wtxid, tx->wtxid.b);
    return p;
}

/* ---- replacement ---- */

/* "0.00001": at least two decimals, no zeros behind them. */
static char *short_amount(char out[32], int64_t v)
{
    amount_format(out, v);
    size_t len = strlen(out);
    while (len > 2 && out[len - 1] == '0' && out[len - 3] != '.')
        out[--len] = '\0';
    return out;
}

static bool check_conflicting_clusters(struct acceptance *a)
{
    uint64_t mark = ++a->m->next_mark;
    unsigned n = 0;
    for (size_t i = 0; i < a->conflicts.n; i++) {
        struct cluster *c = a->conflicts.e[i]->cluster;
        n += c->mark != mark;
        c->mark = mark;
    }
    if (n <= CHANGE_REPLACED_CLUSTERS_MAX)
        return true;
    char reason[96];
    snprintf(reason, sizeof(reason), "too many potential replacements%s",
             a->sibling_eviction ? " (including sibling eviction)" : "");
    return verdict_fail(a->v, VERDICT_POLICY, reason,
                        "rejecting replacement %s; too many conflicting clusters (%u > %d)",
                        ids_of(a->tx).txid, n, CHANGE_REPLACED_CLUSTERS_MAX);
}

static bool insufficient_fee(struct acceptance *a, const char *what, int64_t have, int64_t need)
{
    char reason[96], x[32], y[32];
    snprintf(reason, sizeof(reason), "insufficient fee%s",
             a->sibling_eviction ? " (including sibling eviction)" : "");
    return verdict_fail(a->v, VERDICT_RECONSIDERABLE, reason,
                        "rejecting replacement %s, %s; %s < %s", ids_of(a->tx).txid, what,
                        short_amount(x, have), short_amount(y, need));
}

static bool check_replacement_fee(struct acceptance *a)
{
    int64_t leaving = 0, paid = a->r->modified_fee;
    for (size_t i = 0; i < a->change.doomed.n; i++)
        leaving += a->change.doomed.e[i]->fee + a->change.doomed.e[i]->fee_delta;
    if (paid < leaving)
        return insufficient_fee(a, "less fees than conflicting txs", paid, leaving);
    int64_t step = feerate_fee(a->m->opts.incremental_feerate, a->entry->vsize);
    if (paid - leaving < step)
        return insufficient_fee(a, "not enough additional fees to relay", paid - leaving, step);
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
    const struct entry_list *parents = &a->change.parents[0];
    for (size_t i = 0; i < parents->n; i++) {
        const struct cluster *c = parents->e[i]->cluster;
        uint64_t set = cluster_ancestors(c, UINT64_C(1) << parents->e[i]->cluster_pos);
        for (; set; set &= set - 1) {
            const struct mempool_entry *e = c->tx[__builtin_ctzll(set)];
            if (is_conflict(a, e))
                return verdict_fail(a->v, VERDICT_CONSENSUS, "bad-txns-spends-conflicting-tx",
                                    "%s spends conflicting transaction %s", ids_of(a->tx).txid,
                                    ids_of(e->tx).txid);
        }
    }
    return true;
}

bool accept_clusters(struct acceptance *a)
{
    bool replaces = a->conflicts.n > 0;
    if (replaces) {
        if (!check_conflicting_clusters(a))
            return false;
        /* A mark of its own: the count above has overwritten the change's. */
        a->change.mark = ++a->m->next_mark;
        for (size_t i = 0; i < a->change.n_old; i++)
            a->change.old[i]->mark = a->change.mark;
        for (size_t i = 0; i < a->conflicts.n; i++)
            change_doom(&a->change, a->conflicts.e[i]);
        if (!check_replacement_fee(a))
            return false;
    }
    if (!change_stage(&a->change))
        return verdict_fail(a->v, VERDICT_POLICY, "too-large-cluster", "%s", "");
    if (!replaces)
        return true;
    if (change_diagram(&a->change) != DIAGRAM_BETTER)
        return verdict_fail(a->v, VERDICT_RECONSIDERABLE, "replacement-failed",
                            "insufficient feerate: does not improve feerate diagram");
    return check_not_own_ancestor(a);
}

/* ---- TRUC ---- */

static bool truc_violation(struct acceptance *a, const char *what)
{
    return verdict_fail(a->v, VERDICT_POLICY, "TRUC-violation", "%s", what);
}

/* Version 3 and others do not spend each other unconfirmed. */
static bool check_inheritance(struct acceptance *a)
{
    const struct entry_list *parents = &a->change.parents[0];
    struct id_pair self = ids_of(a->tx);
    for (size_t i = 0; i < parents->n; i++) {
        const struct tx *parent = parents->e[i]->tx;
        bool child_is = a->tx->version == TRUC_VERSION, parent_is = parent->version == TRUC_VERSION;
        if (child_is == parent_is)
            continue;
        struct id_pair other = ids_of(parent);
        char text[400];
        snprintf(text, sizeof(text),
                 "%sversion=3 tx %s (wtxid=%s) cannot spend from %sversion=3 tx %s (wtxid=%s)",
                 child_is ? "" : "non-", self.txid, self.wtxid, parent_is ? "" : "non-", other.txid,
                 other.wtxid);
        return truc_violation(a, text);
    }
    return true;
}

static bool check_truc_size(struct acceptance *a, const char *kind, int64_t limit)
{
    struct id_pair self = ids_of(a->tx);
    char text[256];
    if (a->entry->vsize <= limit)
        return true;
    snprintf(text, sizeof(text),
             "version=3 %s %s (wtxid=%s) is too big: %d > %" PRId64 " virtual bytes", kind,
             self.txid, self.wtxid, a->entry->vsize, limit);
    return truc_violation(a, text);
}

/* The parent's only child, where it is alone and can be asked to leave. */
static struct mempool_entry *only_child(const struct mempool_entry *parent)
{
    const struct cluster *c = parent->cluster;
    uint64_t self = UINT64_C(1) << parent->cluster_pos;
    uint64_t down = cluster_descendants(c, self) & ~self;
    if (__builtin_popcountll(down) != 1)
        return NULL;
    return __builtin_popcountll(cluster_ancestors(c, down)) == 2 ? c->tx[__builtin_ctzll(down)]
                                                                 : NULL;
}

static bool check_truc_siblings(struct acceptance *a, struct mempool_entry *parent)
{
    const struct cluster *c = parent->cluster;
    uint64_t self = UINT64_C(1) << parent->cluster_pos;
    uint64_t down = cluster_descendants(c, self) & ~self;
    if (down == 0)
        return true;
    for (uint64_t left = down; left; left &= left - 1) {
        if (is_conflict(a, c->tx[__builtin_ctzll(left)]))
            return true; /* it will make room */
    }
    struct mempool_entry *sibling = only_child(parent);
    if (sibling) {
        entry_list_add(&a->conflicts, sibling);
        a->sibling_eviction = true;
        return true;
    }
    struct id_pair p = ids_of(parent->tx);
    char text[256];
    snprintf(text, sizeof(text), "tx %s (wtxid=%s) would exceed descendant count limit", p.txid,
             p.wtxid);
    return truc_violation(a, text);
}

bool accept_truc(struct acceptance *a)
{
    const struct entry_list *parents = &a->change.parents[0];
    if (!check_inheritance(a))
        return false;
    if (a->tx->version != TRUC_VERSION)
        return true;
    if (!check_truc_size(a, "tx", TRUC_MAX_VSIZE))
        return false;
    if (parents->n == 0)
        return true;
    const struct mempool_entry *parent = parents->e[0];
    if (parents->n > 1 || parent->cluster->parents[parent->cluster_pos] != 0) {
        struct id_pair self = ids_of(a->tx);
        char text[256];
        snprintf(text, sizeof(text), "tx %s (wtxid=%s) would have too many ancestors", self.txid,
                 self.wtxid);
        return truc_violation(a, text);
    }
    return check_truc_size(a, "child tx", TRUC_CHILD_MAX_VSIZE) &&
           check_truc_siblings(a, parents->e[0]);
}

/* ---- ephemeral dust ---- */

static bool spends_output(const struct tx *tx, const struct txid *txid, uint32_t n)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (tx->in[i].prev.n == n && txid_eq(&tx->in[i].prev.txid, txid))
            return true;
    }
    return false;
}

bool accept_ephemeral(struct acceptance *a)
{
    const struct entry_list *parents = &a->change.parents[0];
    for (size_t i = 0; i < parents->n; i++) {
        const struct tx *parent = parents->e[i]->tx;
        for (uint32_t n = 0; n < parent->n_out; n++) {
            if (!policy_is_dust(&parent->out[n], a->m->opts.dust_relay_feerate) ||
                spends_output(a->tx, &parent->txid, n))
                continue;
            struct id_pair self = ids_of(a->tx);
            return verdict_fail(a->v, VERDICT_POLICY, "missing-ephemeral-spends",
                                "tx %s (wtxid=%s) did not spend parent's ephemeral dust", self.txid,
                                self.wtxid);
        }
    }
    return true;
}
