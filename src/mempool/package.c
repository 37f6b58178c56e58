/*
 * Packages: several transactions that come together, a child and its parents, so that the child can
 * pay for them.
 *
 * Each member is first tried by itself: what can stand alone does, and its fee is not counted for
 * others. What is refused only for its fee, or for the want of such a parent, is then judged
 * together: feerate over all, one staged change, one replacement. Limits of memory are enforced
 * when all is in, so that a parent is not evicted before its child has come.
 *
 * Testing judges everything together from the start, each by its own feerate, and replaces nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "mempool/accept.h"
#include "util/time.h"

#define PACKAGE_WEIGHT_MAX 404000

/* ---- shape ---- */

static bool spends_from(const struct tx *tx, const struct txid *txid)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (txid_eq(&tx->in[i].prev.txid, txid))
            return true;
    }
    return false;
}

static bool share_input(const struct tx *a, const struct tx *b)
{
    for (uint32_t i = 0; i < a->n_in; i++) {
        for (uint32_t k = 0; k < b->n_in; k++) {
            if (outpoint_eq(&a->in[i].prev, &b->in[k].prev))
                return true;
        }
    }
    return false;
}

/* Whether some pair of members, the first before the second, is related in this way. */
static bool any_pair(const struct tx *const *tx, size_t n,
                     bool (*related)(const struct tx *before, const struct tx *after))
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i + 1; k < n; k++) {
            if (related(tx[i], tx[k]))
                return true;
        }
    }
    return false;
}

static bool same(const struct tx *a, const struct tx *b)
{
    return txid_eq(&a->txid, &b->txid);
}

static bool spends_later(const struct tx *before, const struct tx *after)
{
    return spends_from(before, &after->txid);
}

static bool spends_earlier(const struct tx *before, const struct tx *after)
{
    return spends_from(after, &before->txid);
}

static bool well_formed(const struct tx *const *tx, size_t n, struct verdict *v)
{
    const char *fault = NULL;
    uint64_t weight = 0;
    for (size_t i = 0; i < n; i++)
        weight += tx_weight(tx[i]);
    if (n > PACKAGE_MAX)
        fault = "package-too-many-transactions";
    else if (n > 1 && weight > PACKAGE_WEIGHT_MAX)
        fault = "package-too-large";
    else if (any_pair(tx, n, same))
        fault = "package-contains-duplicates";
    else if (any_pair(tx, n, spends_later))
        fault = "package-not-sorted";
    else if (any_pair(tx, n, share_input))
        fault = "conflict-in-package";
    return !fault || verdict_fail(v, VERDICT_POLICY, fault, "%s", "");
}

bool package_is_child_with_parents(const struct tx *const *tx, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (!spends_from(tx[n - 1], &tx[i]->txid))
            return false;
    }
    return n >= 2;
}

bool package_is_tree(const struct tx *const *tx, size_t n)
{
    return package_is_child_with_parents(tx, n) && !any_pair(tx, n - 1, spends_earlier);
}

/* ---- judged together ---- */

struct together {
    struct mempool *m;
    struct change change;
    struct acceptance a[PACKAGE_MAX];
    struct accept_result r[PACKAGE_MAX];
    unsigned n;
    bool test;
    int64_t fee, vsize;           /* modified fees of all */
    struct package_result *out;   /* of the whole package */
    unsigned member[PACKAGE_MAX]; /* which member of it each is */
};

static bool transaction_failed(struct together *t)
{
    t->out->of_package = false;
    return verdict_fail(&t->out->verdict, VERDICT_CONSENSUS, "transaction failed", "%s", "");
}

static struct package_member *member_of(struct together *t, unsigned i)
{
    return &t->out->member[t->member[i]];
}

/* What was found out together takes the place of what was found out alone. */
static void hand_over(struct together *t, unsigned i)
{
    struct package_member *p = member_of(t, i);
    accept_result_clear(&p->r);
    p->r = t->r[i];
    t->r[i] = (struct accept_result){0};
}

static bool refuse_member(struct together *t, unsigned i)
{
    member_of(t, i)->state = MEMBER_REFUSED;
    hand_over(t, i);
    return transaction_failed(t);
}

static bool refuse_package(struct together *t)
{
    t->out->of_package = true;
    return false;
}

static bool check_members(struct together *t, int64_t max_feerate)
{
    for (unsigned i = 0; i < t->n; i++) {
        struct acceptance *a = &t->a[i];
        if (!accept_check(a))
            return refuse_member(t, i);
        t->fee += a->r->modified_fee;
        t->vsize += a->entry->vsize;
        if (max_feerate &&
            (__int128)a->r->modified_fee * 1000 > (__int128)max_feerate * a->entry->vsize) {
            verdict_fail(a->v, VERDICT_POLICY, "max feerate exceeded", "%s", "");
            return refuse_member(t, i);
        }
    }
    return true;
}

static bool check_together(struct together *t)
{
    struct verdict *v = &t->out->verdict;
    bool replaces = false;
    for (unsigned i = 0; i < t->n; i++) {
        if (!accept_truc_package(t->a, t->n, i, v))
            return refuse_package(t);
        replaces |= t->a[i].conflicts.n > 0;
    }
    if (!t->test && !accept_check_feerate(t->m, t->fee, t->vsize, t->a[t->n - 1].v))
        return refuse_member(t, t->n - 1);
    if (replaces && !accept_clusters_package(t->a, t->n, v))
        return refuse_package(t);
    if (!replaces && !change_stage(&t->change)) {
        verdict_fail(v, VERDICT_POLICY, "too-large-cluster", "%s", "");
        return refuse_package(t);
    }
    return true;
}

static void note_accepted(struct together *t, unsigned i)
{
    struct package_member *p = member_of(t, i);
    hand_over(t, i);
    p->state = MEMBER_ACCEPTED;
    p->fee_members = UINT32_C(1) << t->member[i];
    p->effective_feerate = feerate_of(p->r.modified_fee, p->r.vsize);
    if (t->test)
        return;
    for (unsigned k = 0; k < t->n; k++)
        p->fee_members |= UINT32_C(1) << t->member[k];
    p->effective_feerate = feerate_of(t->fee, t->vsize);
}

static bool check_dust_and_scripts(struct together *t)
{
    for (unsigned i = 0; i < t->n && t->m->opts.require_standard; i++) {
        if (accept_ephemeral(&t->a[i], t->a))
            continue;
        refuse_member(t, i);
        return verdict_fail(&t->out->verdict, VERDICT_CONSENSUS, "unspent-dust", "%s", "");
    }
    for (unsigned i = 0; i < t->n; i++) {
        if (!accept_scripts(&t->a[i]))
            return refuse_member(t, i);
        accept_remember(&t->a[i]);
        if (t->test)
            note_accepted(t, i);
    }
    return true;
}

/* Members whose bits are set in `which`, as one. */
static void accept_together(struct mempool *m, const struct tx *const *tx, uint32_t which,
                            bool test, int64_t max_feerate, struct package_result *out)
{
    unsigned flags = ACCEPT_IN_PACKAGE | ACCEPT_NO_SIBLING_EVICTION |
                     (test ? ACCEPT_NO_REPLACEMENT : ACCEPT_PACKAGE_FEES);
    struct together t = {.m = m, .test = test, .out = out};
    int64_t now = time_now();
    change_init(&t.change, m);
    for (; which; which &= which - 1) {
        unsigned i = (unsigned)__builtin_ctz(which);
        t.member[t.n] = i;
        acceptance_init(&t.a[t.n], m, &t.change, tx[i], flags, now, &t.r[t.n]);
        t.n++;
    }
    if (check_members(&t, max_feerate) && check_together(&t) && check_dust_and_scripts(&t) &&
        !test) {
        for (unsigned i = 0; i < t.n; i++)
            note_accepted(&t, i);
        accept_tell_replaced(&t.change, &out->member[t.member[0]].r);
        accept_commit(&t.change, t.a, t.n);
    }
    change_clear(&t.change);
    for (unsigned i = 0; i < t.n; i++) {
        acceptance_clear(&t.a[i]);
        accept_result_clear(&t.r[i]);
    }
}

/* ---- one after the other, then together ---- */

static void submit_alone(struct mempool *m, const struct tx *tx, int64_t max_feerate, unsigned i,
                         struct package_member *p)
{
    const struct mempool_entry *known = pool_find(m, &tx->txid);
    if (known && wtxid_eq(&known->tx->wtxid, &tx->wtxid)) {
        p->state = MEMBER_KNOWN;
        p->r.fee = known->fee;
        p->r.vsize = known->vsize;
    } else if (known) {
        p->state = MEMBER_OTHER_WITNESS;
        p->other = known->tx->wtxid;
    } else if (pool_accept(m, tx, ACCEPT_IN_PACKAGE, time_now(), max_feerate, &p->r)) {
        p->state = MEMBER_ACCEPTED;
        p->fee_members = UINT32_C(1) << i;
        p->effective_feerate = feerate_of(p->r.modified_fee, p->r.vsize);
    } else {
        p->state = MEMBER_REFUSED;
    }
}

static bool may_do_together(const struct package_member *p)
{
    return p->r.verdict.kind == VERDICT_RECONSIDERABLE ||
           p->r.verdict.kind == VERDICT_MISSING_INPUTS;
}

/* What did not stay when memory was brought within its limit. */
static void check_kept(struct mempool *m, const struct tx *const *tx, struct package_result *out)
{
    for (size_t i = 0; i < out->n; i++) {
        struct package_member *p = &out->member[i];
        if (p->state == MEMBER_REFUSED || p->state == MEMBER_NOT_VALIDATED ||
            pool_find(m, &tx[i]->txid))
            continue;
        p->state = MEMBER_REFUSED;
        verdict_fail(&p->r.verdict, VERDICT_POLICY, "mempool full", "%s", "");
        out->of_package = false;
        verdict_fail(&out->verdict, VERDICT_CONSENSUS, "transaction failed", "%s", "");
    }
}

static void submit(struct mempool *m, const struct tx *const *tx, int64_t max_feerate,
                   struct package_result *out)
{
    uint32_t again = 0;
    bool hopeless = false;
    for (unsigned i = 0; i < out->n; i++) {
        struct package_member *p = &out->member[i];
        submit_alone(m, tx[i], max_feerate, i, p);
        if (p->state != MEMBER_REFUSED)
            continue;
        if (out->n > 1 && may_do_together(p))
            again |= UINT32_C(1) << i;
        else
            hopeless = true;
    }
    if (hopeless)
        verdict_fail(&out->verdict, VERDICT_CONSENSUS, "transaction failed", "%s", "");
    else if (again && (again & (again - 1)))
        accept_together(m, tx, again, false, max_feerate, out);
    else if (again)
        verdict_fail(&out->verdict, VERDICT_CONSENSUS, "transaction failed", "%s", "");
    pool_limit(m);
    check_kept(m, tx, out);
    pool_check_sometimes(m);
}

bool mempool_accept_package(struct mempool *m, const struct tx *const *txs, size_t n, bool test,
                            int64_t max_feerate, struct package_result *out)
{
    memset(out, 0, sizeof(*out));
    out->n = n < PACKAGE_MAX ? n : PACKAGE_MAX;
    chain_drain(m->opts.chain);
    out->of_package = true;
    if (!well_formed(txs, n, &out->verdict))
        return false;
    if (!test && n > 1 && !package_is_child_with_parents(txs, n))
        return verdict_fail(&out->verdict, VERDICT_POLICY, "package-not-child-with-parents", "%s",
                            "");
    out->of_package = false;
    if (test)
        accept_together(m, txs, (uint32_t)((UINT64_C(1) << n) - 1), true, max_feerate, out);
    else
        submit(m, txs, max_feerate, out);
    return out->verdict.kind == VERDICT_VALID;
}

void package_result_clear(struct package_result *r)
{
    for (size_t i = 0; i < r->n; i++)
        accept_result_clear(&r->member[i].r);
}
