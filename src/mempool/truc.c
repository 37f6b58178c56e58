/*
 * Acceptance, the parts about parents: TRUC and ephemeral dust.
 *
 * TRUC (BIP431, version 3) promises more for less: at most one unconfirmed parent or child, both
 * small, in exchange for a child that may push out its sibling. Ephemeral dust is an output not
 * worth its spending that is allowed where the transaction pays nothing and the child that pays for
 * it spends the dust at once.
 */
#include <inttypes.h>
#include <stdio.h>

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

static bool is_conflict(const struct acceptance *a, const struct mempool_entry *e)
{
    for (size_t i = 0; i < a->conflicts.n; i++) {
        if (a->conflicts.e[i] == e)
            return true;
    }
    return false;
}

static bool truc_violation(struct verdict *v, const char *what)
{
    return verdict_fail(v, VERDICT_POLICY, "TRUC-violation", "%s", what);
}

/* Version 3 and others do not spend each other unconfirmed. */
static bool check_versions(const struct tx *child, const struct tx *parent, struct verdict *v)
{
    bool child_is = child->version == TRUC_VERSION, parent_is = parent->version == TRUC_VERSION;
    if (child_is == parent_is)
        return true;
    struct id_pair own = ids_of(child), other = ids_of(parent);
    char text[400];
    snprintf(text, sizeof(text),
             "%sversion=3 tx %s (wtxid=%s) cannot spend from %sversion=3 tx %s (wtxid=%s)",
             child_is ? "" : "non-", own.txid, own.wtxid, parent_is ? "" : "non-", other.txid,
             other.wtxid);
    return truc_violation(v, text);
}

static bool check_size(const struct acceptance *a, const char *kind, int64_t limit,
                       struct verdict *v)
{
    struct id_pair own = ids_of(a->tx);
    char text[256];
    if (a->entry->vsize <= limit)
        return true;
    snprintf(text, sizeof(text),
             "version=3 %s %s (wtxid=%s) is too big: %d > %" PRId64 " virtual bytes", kind,
             own.txid, own.wtxid, a->entry->vsize, limit);
    return truc_violation(v, text);
}

static bool too_many(const struct tx *tx, const char *what, struct verdict *v)
{
    struct id_pair own = ids_of(tx);
    char text[256];
    snprintf(text, sizeof(text), "tx %s (wtxid=%s) would %s", own.txid, own.wtxid, what);
    return truc_violation(v, text);
}
#define TOO_MANY_ANCESTORS   "have too many ancestors"
#define TOO_MANY_DESCENDANTS "exceed descendant count limit"

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

static bool check_siblings(struct acceptance *a, struct mempool_entry *parent)
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
    if (sibling == NULL || (a->flags & ACCEPT_NO_SIBLING_EVICTION))
        return too_many(parent->tx, TOO_MANY_DESCENDANTS, a->v);
    entry_list_add(&a->conflicts, sibling);
    a->sibling_eviction = true;
    return true;
}

bool accept_truc(struct acceptance *a)
{
    const struct entry_list *parents = &a->change->parents[a->at];
    for (size_t i = 0; i < parents->n; i++) {
        if (!check_versions(a->tx, parents->e[i]->tx, a->v))
            return false;
    }
    if (a->tx->version != TRUC_VERSION)
        return true;
    if (!check_size(a, "tx", TRUC_MAX_VSIZE, a->v))
        return false;
    if (parents->n == 0)
        return true;
    const struct mempool_entry *parent = parents->e[0];
    if (parents->n > 1 || parent->cluster->parents[parent->cluster_pos] != 0)
        return too_many(a->tx, TOO_MANY_ANCESTORS, a->v);
    return check_size(a, "child tx", TRUC_CHILD_MAX_VSIZE, a->v) &&
           check_siblings(a, parents->e[0]);
}

/* ---- in a package ---- */

static bool spends_from(const struct tx *tx, const struct txid *txid)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (txid_eq(&tx->in[i].prev.txid, txid))
            return true;
    }
    return false;
}

static bool has_descendants(const struct mempool_entry *e)
{
    uint64_t self = UINT64_C(1) << e->cluster_pos;
    return cluster_descendants(e->cluster, self) != self;
}

/* Nobody else in the package spends the parent, or this transaction itself. */
static bool check_package_siblings(const struct acceptance *all, unsigned n, unsigned at,
                                   const struct tx *parent, struct verdict *v)
{
    for (unsigned i = 0; i < n; i++) {
        if (i == at)
            continue;
        if (spends_from(all[i].tx, &parent->txid))
            return too_many(parent, TOO_MANY_DESCENDANTS, v);
        if (spends_from(all[i].tx, &all[at].tx->txid))
            return too_many(all[i].tx, TOO_MANY_ANCESTORS, v);
    }
    return true;
}

static bool check_package_truc(const struct acceptance *all, unsigned n, unsigned at,
                               struct verdict *v)
{
    const struct acceptance *a = &all[at];
    const struct entry_list *in_pool = &a->change->parents[a->at];
    uint32_t in_package = a->change->added_parents[a->at];
    size_t n_parents = in_pool->n + (size_t)__builtin_popcount(in_package);
    if (n_parents > 1)
        return too_many(a->tx, TOO_MANY_ANCESTORS, v);
    if (n_parents == 0)
        return true;
    const struct mempool_entry *pooled = in_pool->n > 0 ? in_pool->e[0] : NULL;
    if (pooled && pooled->cluster->parents[pooled->cluster_pos] != 0)
        return too_many(a->tx, TOO_MANY_ANCESTORS, v);
    const struct tx *parent = pooled ? pooled->tx : all[__builtin_ctz(in_package)].tx;
    if (!check_size(a, "child tx", TRUC_CHILD_MAX_VSIZE, v) || !check_versions(a->tx, parent, v) ||
        !check_package_siblings(all, n, at, parent, v))
        return false;
    return pooled == NULL || !has_descendants(pooled) || too_many(parent, TOO_MANY_DESCENDANTS, v);
}

bool accept_truc_package(const struct acceptance *all, unsigned n, unsigned at, struct verdict *v)
{
    const struct acceptance *a = &all[at];
    if (a->tx->version == TRUC_VERSION)
        return check_package_truc(all, n, at, v);
    const struct entry_list *in_pool = &a->change->parents[a->at];
    for (size_t i = 0; i < in_pool->n; i++) {
        if (!check_versions(a->tx, in_pool->e[i]->tx, v))
            return false;
    }
    for (uint32_t left = a->change->added_parents[a->at]; left; left &= left - 1) {
        if (!check_versions(a->tx, all[__builtin_ctz(left)].tx, v))
            return false;
    }
    return true;
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

static bool sweeps_dust(struct acceptance *a, const struct tx *parent)
{
    for (uint32_t n = 0; n < parent->n_out; n++) {
        if (!policy_is_dust(&parent->out[n], a->m->opts.dust_relay_feerate) ||
            spends_output(a->tx, &parent->txid, n))
            continue;
        struct id_pair own = ids_of(a->tx);
        return verdict_fail(a->v, VERDICT_POLICY, "missing-ephemeral-spends",
                            "tx %s (wtxid=%s) did not spend parent's ephemeral dust", own.txid,
                            own.wtxid);
    }
    return true;
}

bool accept_ephemeral(struct acceptance *a, const struct acceptance *package)
{
    const struct entry_list *parents = &a->change->parents[a->at];
    for (size_t i = 0; i < parents->n; i++) {
        if (!sweeps_dust(a, parents->e[i]->tx))
            return false;
    }
    for (uint32_t left = a->change->added_parents[a->at]; left; left &= left - 1) {
        if (!sweeps_dust(a, package[__builtin_ctz(left)].tx))
            return false;
    }
    return true;
}
