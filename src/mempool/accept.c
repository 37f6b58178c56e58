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

static void find_conflicts(struct acceptance *a)
{
    for (uint32_t i = 0; i < a->tx->n_in; i++) {
        struct mempool_entry *e = pool_spender(a->m, &a->tx->in[i].prev);
        if (e)
            add_conflict(a, e);
    }
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

static bool check_feerate(struct acceptance *a)
{
    long long paid = a->r->modified_fee;
    long long least = feerate_fee(mempool_min_feerate(a->m), a->entry->vsize);
    if (least > 0 && paid < least)
        return verdict_fail(a->v, VERDICT_RECONSIDERABLE, "mempool min fee not met", "%lld < %lld",
                            paid, least);
    least = feerate_fee(a->m->opts.min_relay_feerate, a->entry->vsize);
    if (paid < least)
        return verdict_fail(a->v, VERDICT_RECONSIDERABLE, "min relay fee not met", "%lld < %lld",
                            paid, least);
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
    return (a->flags & MEMPOOL_BYPASS_LIMITS) || check_feerate(a);
}

bool accept_prepare(struct acceptance *a)
{
    bool bypass = a->flags & MEMPOOL_BYPASS_LIMITS;
    int64_t fee;
    a->version = a->m->version;
    if (!check_alone(a) || !check_known(a))
        return false;
    find_conflicts(a);
    if (!fetch_coins(a) || !check_sequence_locks(a) || !check_inputs(a, &fee))
        return false;
    make_entry(a, fee);
    if (!check_entry(a))
        return false;
    change_add(&a->change, a->entry, bypass);
    if (!bypass && !accept_truc(a))
        return false;
    if (!accept_clusters(a))
        return false;
    return bypass || !a->m->opts.require_standard || accept_ephemeral(a);
}

/* ---- putting it together ---- */

static void tell_replaced(struct acceptance *a)
{
    const struct entry_list *gone = &a->change.doomed;
    a->r->replaced = xmalloc((gone->n + 1) * sizeof(*a->r->replaced));
    for (size_t i = 0; i < gone->n; i++)
        a->r->replaced[a->r->n_replaced++] = gone->e[i]->txid;
}

void accept_finish(struct acceptance *a)
{
    struct mempool *m = a->m;
    bool bypass = a->flags & MEMPOOL_BYPASS_LIMITS;
    struct txid txid = a->entry->txid;
    CHECK(a->version == m->version);
    change_commit(&a->change);
    pool_discard(m, &a->change.doomed, REMOVED_REPLACED);
    pool_insert(m, a->entry, !bypass);
    a->entry = NULL;
    if (bypass)
        return;
    pool_limit(m);
    pool_check_sometimes(m);
    if (!pool_find(m, &txid))
        verdict_fail(a->v, VERDICT_RECONSIDERABLE, "mempool full", "%s", "");
}

static void acceptance_clear(struct acceptance *a)
{
    change_clear(&a->change);
    entry_list_clear(&a->conflicts);
    entry_free(a->entry);
    arena_clear(&a->arena);
}

bool pool_accept(struct mempool *m, const struct tx *tx, unsigned flags, int64_t time,
                 struct accept_result *r)
{
    memset(r, 0, sizeof(*r));
    struct acceptance a = {
        .m = m, .tx = tx, .flags = flags, .time = time, .r = r, .v = &r->verdict};
    change_init(&a.change, m);
    arena_init(&a.arena);
    if (accept_prepare(&a) && accept_scripts(&a)) {
        accept_remember(&a);
        tell_replaced(&a);
        if (!(flags & MEMPOOL_TEST))
            accept_finish(&a);
    }
    acceptance_clear(&a);
    return r->verdict.kind == VERDICT_VALID;
}

bool mempool_accept_at(struct mempool *m, const struct tx *tx, unsigned flags, int64_t time,
                       struct accept_result *r)
{
    chain_drain(m->opts.chain);
    return pool_accept(m, tx, flags, time, r);
}

bool mempool_accept(struct mempool *m, const struct tx *tx, unsigned flags, struct accept_result *r)
{
    return mempool_accept_at(m, tx, flags, time_now(), r);
}
