/*
 * Acceptance of one transaction: from context-free rules to its place in a cluster.
 *
 * The order of checks is part of the interface, since the first failure is the reason that users
 * and peers see; it goes from cheap to dear, with scripts last. Everything before the scripts reads
 * the pool and the coins and changes nothing; the change to the clusters is staged. The scripts
 * need nothing but the transaction and the coins it spends, which were copied, so they may run
 * while the owner does other things. Where the pool has changed meanwhile, `version` tells, and
 * preparing again is cheap beside the scripts.
 *
 * Coins of the chain are those of its tip: the pipeline is drained first.
 */
#include "mempool/accept.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/time.h"

/* Outputs looked up to tell a transaction that is confirmed already from one that lacks inputs. */
enum { KNOWN_OUTPUTS_MAX = 16 };

void accept_result_clear(struct accept_result *r)
{
    free(r->replaced);
    memset(r, 0, sizeof(*r));
}

/* ---- the transaction by itself ---- */

static bool check_alone(struct acceptance *a)
{
    const struct mempool_options *o = &a->m->opts;
    struct policy p = {o->dust_relay_feerate, o->max_datacarrier_bytes, o->permit_bare_multisig};
    const char *reason;
    if (!tx_check(a->tx, a->v))
        return false;
    if (tx_is_coinbase(a->tx))
        return verdict_fail(a->v, VERDICT_CONSENSUS, "coinbase", "%s", "");
    if (o->require_standard && !policy_tx_standard(a->tx, &p, &reason))
        return verdict_fail(a->v, VERDICT_POLICY, reason, "%s", "");
    if (a->tx->base_size < MIN_STANDARD_TX_NONWITNESS)
        return verdict_fail(a->v, VERDICT_POLICY, "tx-size-small", "%s", "");
    return true;
}

static bool check_known(struct acceptance *a)
{
    const struct block_index *tip = chain_tip(a->m->opts.chain);
    if (!tx_is_final(a->tx, tip->h.height + 1, hnode_median_time_past(&tip->h)))
        return verdict_fail(a->v, VERDICT_PREMATURE_SPEND, "non-final", "%s", "");
    if (mempool_get_wtxid(a->m, &a->tx->wtxid))
        return verdict_fail(a->v, VERDICT_CONFLICT, "txn-already-in-mempool", "%s", "");
    if (pool_find(a->m, &a->tx->txid))
        return verdict_fail(a->v, VERDICT_CONFLICT, "txn-same-nonwitness-data-in-mempool", "%s",
                            "");
    return true;
}

static void add_conflict(struct acceptance *a, struct mempool_entry *e)
{
    for (size_t i = 0; i < a->conflicts.n; i++) {
        if (a->conflicts.e[i] == e)
            return;
    }
    entry_list_add(&a->conflicts, e);
}

static bool find_conflicts(struct acceptance *a)
{
    for (uint32_t i = 0; i < a->tx->n_in; i++) {
        struct mempool_entry *e = pool_spender(a->m, &a->tx->in[i].prev);
        if (e && (a->flags & ACCEPT_NO_REPLACEMENT))
            return verdict_fail(a->v, VERDICT_POLICY, "bip125-replacement-disallowed", "%s", "");
        if (e)
            add_conflict(a, e);
    }
    return true;
}

/* ---- coins ---- */

static bool database_error(struct acceptance *a)
{
    return verdict_fail(a->v, VERDICT_ERROR, "database-error", "reading a coin failed");
}

static bool missing_inputs(struct acceptance *a, struct buf *memory)
{
    for (uint32_t i = 0; i < a->tx->n_out && i < KNOWN_OUTPUTS_MAX; i++) {
        struct outpoint o = {a->tx->txid, i};
        struct coin coin;
        enum coin_result found = chain_coin(a->m->opts.chain, &o, &coin, memory);
        if (found == COIN_ERROR)
            return database_error(a);
        if (found == COIN_FOUND)
            return verdict_fail(a->v, VERDICT_CONFLICT, "txn-already-known", "%s", "");
    }
    return verdict_fail(a->v, VERDICT_MISSING_INPUTS, "bad-txns-inputs-missingorspent", "%s", "");
}

static void keep_coin(struct acceptance *a, uint32_t i, struct coin coin)
{
    struct span script = coin.out.script_pubkey;
    coin.out.script_pubkey = span_of(arena_memdup(&a->arena, script.data, script.len), script.len);
    a->coins[i] = coin;
    a->coin_ptrs[i] = &a->coins[i];
    a->spent[i] = coin.out;
    a->spends_coinbase |= coin.coinbase;
}

/* An output of a member of the same package, before this one. */
static bool package_coin(const struct acceptance *a, const struct outpoint *o, struct coin *coin)
{
    for (unsigned i = 0; i < a->change->n_added; i++) {
        const struct tx *tx = a->change->added[i]->tx;
        if (!txid_eq(&tx->txid, &o->txid) || o->n >= tx->n_out)
            continue;
        *coin = (struct coin){tx->out[o->n], MEMPOOL_HEIGHT, false};
        return true;
    }
    return false;
}

static bool fetch_coins(struct acceptance *a)
{
    uint32_t n = a->tx->n_in;
    struct buf memory = BUF_INIT;
    bool ok = true;
    a->coins = arena_calloc(&a->arena, n, sizeof(*a->coins));
    a->coin_ptrs = arena_calloc(&a->arena, n, sizeof(*a->coin_ptrs));
    a->spent = arena_calloc(&a->arena, n, sizeof(*a->spent));
    for (uint32_t i = 0; i < n && ok; i++) {
        struct coin coin;
        if (package_coin(a, &a->tx->in[i].prev, &coin)) {
            keep_coin(a, i, coin);
            continue;
        }
        switch (mempool_coin(a->m, &a->tx->in[i].prev, true, &coin, &memory)) {
        case COIN_FOUND: keep_coin(a, i, coin); break;
        case COIN_MISSING: ok = missing_inputs(a, &memory); break;
        case COIN_ERROR: ok = database_error(a); break;
        }
    }
    buf_clear(&memory);
    return ok;
}

static bool check_sequence_locks(struct acceptance *a)
{
    const struct hnode *tip = &chain_tip(a->m->opts.chain)->h;
    int32_t *heights = arena_calloc(&a->arena, a->tx->n_in, sizeof(*heights));
    for (uint32_t i = 0; i < a->tx->n_in; i++)
        heights[i] =
            a->coins[i].height == MEMPOOL_HEIGHT ? tip->height + 1 : (int32_t)a->coins[i].height;
    struct sequence_lock lock = sequence_lock_of(a->tx, LOCKTIME_VERIFY_SEQUENCE, heights, tip);
    return sequence_lock_met(&lock, tip) ||
           verdict_fail(a->v, VERDICT_PREMATURE_SPEND, "non-BIP68-final", "%s", "");
}

static bool check_inputs(struct acceptance *a, int64_t *fee)
{
    struct chain *chain = a->m->opts.chain;
    if (!tx_check_inputs(a->tx, a->coin_ptrs, chain_height(chain) + 1, chain_network(chain), fee,
                         a->v))
        return false;
    if (!a->m->opts.require_standard)
        return true;
    if (!policy_inputs_standard(a->tx, a->coin_ptrs, a->v))
        return false;
    return !a->tx->has_witness || policy_witness_standard(a->tx, a->coin_ptrs) ||
           verdict_fail(a->v, VERDICT_WITNESS_MUTATED, "bad-witness-nonstandard", "%s", "");
}

/* ---- the entry ---- */

static void make_entry(struct acceptance *a, int64_t fee)
{
    struct mempool *m = a->m;
    struct mempool_entry *e = entry_create(m, a->tx);
    int64_t sigops = tx_sigops_cost(a->tx, a->coin_ptrs, SCRIPT_VERIFY_STANDARD);
    e->fee = fee;
    e->fee_delta = pool_delta(m, &a->tx->txid);
    e->time = a->time;
    /* What comes back from a block was there before its children that are here already. */
    e->sequence = a->flags & MEMPOOL_BYPASS_LIMITS ? 0 : m->sequence;
    e->height = chain_height(m->opts.chain);
    e->sigops_cost = (int32_t)sigops;
    e->weight = (int32_t)tx_weight(a->tx);
    e->adjusted_weight =
        (int32_t)policy_adjusted_weight(e->weight, sigops, m->opts.bytes_per_sigop);
    e->vsize = (int32_t)policy_vsize(e->weight, sigops, m->opts.bytes_per_sigop);
    e->spends_coinbase = a->spends_coinbase;
    a->entry = e;
    a->r->fee = fee;
    a->r->modified_fee = fee + e->fee_delta;
    a->r->vsize = e->vsize;
}

bool accept_check_feerate(struct mempool *m, int64_t fee, int64_t vsize, struct verdict *v)
{
    long long paid = fee, least = feerate_fee(mempool_min_feerate(m), vsize);
    if (least > 0 && paid < least)
        return verdict_fail(v, VERDICT_RECONSIDERABLE, "mempool min fee not met", "%lld < %lld",
                            paid, least);
    least = feerate_fee(m->opts.min_relay_feerate, vsize);
    if (paid < least)
        return verdict_fail(v, VERDICT_RECONSIDERABLE, "min relay fee not met", "%lld < %lld", paid,
                            least);
    return true;
}

static bool check_entry(struct acceptance *a)
{
    const struct mempool_options *o = &a->m->opts;
    if (o->require_standard && (a->r->fee != 0 || a->r->modified_fee != 0) &&
        policy_dust_count(a->tx, o->dust_relay_feerate) > 0)
        return verdict_fail(a->v, VERDICT_POLICY, "dust", "tx with dust output must be 0-fee");
    if (a->entry->sigops_cost > MAX_STANDARD_TX_SIGOPS_COST)
        return verdict_fail(a->v, VERDICT_POLICY, "bad-txns-too-many-sigops", "%d",
                            a->entry->sigops_cost);
    return (a->flags & (MEMPOOL_BYPASS_LIMITS | ACCEPT_PACKAGE_FEES)) ||
           accept_check_feerate(a->m, a->r->modified_fee, a->entry->vsize, a->v);
}

bool accept_check(struct acceptance *a)
{
    bool bypass = a->flags & MEMPOOL_BYPASS_LIMITS;
    int64_t fee;
    a->version = a->m->version;
    if (!check_alone(a) || !check_known(a) || !find_conflicts(a))
        return false;
    if (!fetch_coins(a) || !check_sequence_locks(a) || !check_inputs(a, &fee))
        return false;
    make_entry(a, fee);
    if (!check_entry(a))
        return false;
    a->at = a->change->n_added;
    change_add(a->change, a->entry, bypass);
    return bypass || accept_truc(a);
}

/* The caller's own limit, against a slip of the hand. */
static bool check_max_feerate(struct acceptance *a)
{
    if (a->max_feerate == 0 ||
        (__int128)a->r->modified_fee * 1000 <= (__int128)a->max_feerate * a->entry->vsize)
        return true;
    return verdict_fail(a->v, VERDICT_POLICY, "max feerate exceeded", "%s", "");
}

bool accept_prepare(struct acceptance *a)
{
    if (!accept_check(a) || !accept_clusters(a) || !check_max_feerate(a))
        return false;
    return (a->flags & MEMPOOL_BYPASS_LIMITS) || !a->m->opts.require_standard ||
           accept_ephemeral(a, NULL);
}

/* ---- putting it together ---- */

void accept_tell_replaced(const struct change *c, struct accept_result *r)
{
    const struct entry_list *gone = &c->doomed;
    r->replaced = xmalloc((gone->n + 1) * sizeof(*r->replaced));
    for (size_t i = 0; i < gone->n; i++)
        r->replaced[r->n_replaced++] = gone->e[i]->txid;
}

void accept_commit(struct change *c, struct acceptance *a, unsigned n)
{
    struct mempool *m = c->m;
    change_commit(c);
    pool_discard(m, &c->doomed, REMOVED_REPLACED);
    for (unsigned i = 0; i < n; i++) {
        /* Who pays for others, or is paid for, tells nothing about feerates. */
        pool_insert(m, a[i].entry, !(a[i].flags & (MEMPOOL_BYPASS_LIMITS | ACCEPT_IN_PACKAGE)));
        a[i].entry = NULL;
    }
}

bool accept_check_kept(struct mempool *m, const struct txid *txid, struct verdict *v)
{
    return pool_find(m, txid) != NULL ||
           verdict_fail(v, VERDICT_RECONSIDERABLE, "mempool full", "%s", "");
}

void acceptance_init(struct acceptance *a, struct mempool *m, struct change *c, const struct tx *tx,
                     unsigned flags, int64_t time, struct accept_result *r)
{
    *a = (struct acceptance){
        .m = m, .change = c, .tx = tx, .flags = flags, .time = time, .r = r, .v = &r->verdict};
    arena_init(&a->arena);
}

void acceptance_clear(struct acceptance *a)
{
    entry_list_clear(&a->conflicts);
    entry_free(a->entry);
    arena_clear(&a->arena);
}

static void finish(struct acceptance *a)
{
    CHECK(a->version == a->m->version);
    accept_commit(a->change, a, 1);
    if (a->flags & (MEMPOOL_BYPASS_LIMITS | ACCEPT_IN_PACKAGE))
        return;
    pool_limit(a->m);
    pool_check_sometimes(a->m);
    accept_check_kept(a->m, &a->tx->txid, a->v);
}

bool pool_accept(struct mempool *m, const struct tx *tx, unsigned flags, int64_t time,
                 int64_t max_feerate, struct accept_result *r)
{
    struct change change;
    struct acceptance a;
    memset(r, 0, sizeof(*r));
    change_init(&change, m);
    acceptance_init(&a, m, &change, tx, flags, time, r);
    a.max_feerate = max_feerate;
    if (accept_prepare(&a) && accept_scripts(&a)) {
        accept_remember(&a);
        accept_tell_replaced(&change, r);
        if (!(flags & MEMPOOL_TEST))
            finish(&a);
    }
    change_clear(&change);
    acceptance_clear(&a);
    return r->verdict.kind == VERDICT_VALID;
}

bool mempool_accept_at(struct mempool *m, const struct tx *tx, unsigned flags, int64_t time,
                       struct accept_result *r)
{
    chain_drain(m->opts.chain);
    return pool_accept(m, tx, flags, time, 0, r);
}

bool mempool_accept(struct mempool *m, const struct tx *tx, unsigned flags, struct accept_result *r)
{
    return mempool_accept_at(m, tx, flags, time_now(), r);
}
