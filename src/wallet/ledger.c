/*
 * The wallet's transactions and what they spend: states, order, conflicts.
 *
 * Two indexes carry everything: which transactions spend an outpoint (more than one: they are in
 * conflict), and which outputs are the wallet's own. A state is about the chain as far as the
 * wallet has seen it. What a confirmed transaction excludes is marked as conflicting with that
 * block, together with all that builds on it, and becomes merely inactive again when the block
 * goes.
 */
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"
#include "wallet/inside.h"

struct wtx *wallet_tx_mutable(const struct wallet *w, const struct txid *txid)
{
    return table_get(&w->txs, txid);
}

const struct wtx *wallet_tx(const struct wallet *w, const struct txid *txid)
{
    return table_get(&w->txs, txid);
}

const struct wtx *wallet_tx_at(const struct wallet *w, size_t i)
{
    return i < w->n_txs ? w->ordered[i] : NULL;
}

size_t wallet_tx_count(const struct wallet *w)
{
    return w->n_txs;
}

const struct spends *wallet_spends(const struct wallet *w, const struct outpoint *o)
{
    return table_get(&w->spends, o);
}

const struct tx_out *wallet_output(const struct wallet *w, const struct outpoint *o)
{
    const struct wtx *tx = wallet_tx(w, &o->txid);

    return tx && o->n < tx->tx->n_out ? &tx->tx->out[o->n] : NULL;
}

/* ---- indexes ---- */

static void index_spends(struct wallet *w, struct wtx *tx)
{
    for (uint32_t i = 0; i < tx->tx->n_in && !tx_is_coinbase(tx->tx); i++) {
        struct spends *s = table_get(&w->spends, &tx->tx->in[i].prev);
        if (!s) {
            s = xcalloc(1, sizeof(*s));
            s->out = tx->tx->in[i].prev;
            table_add(&w->spends, s);
        }
        s->by = xreallocarray(s->by, s->n + 1, sizeof(*s->by));
        s->by[s->n++] = tx;
    }
}

struct own_key {
    struct outpoint out; /* key of own_index */
};

static void add_own(struct wallet *w, struct wtx *tx, uint32_t n)
{
    struct own_key *k = xcalloc(1, sizeof(*k));

    k->out = (struct outpoint){tx->txid, n};
    if (table_add(&w->own_index, k)) {
        free(k);
        return;
    }
    w->own = array_reserve(w->own, &w->cap_own, w->n_own + 1, sizeof(*w->own));
    w->own[w->n_own++] = (struct own_output){tx, n};
}

static void index_own(struct wallet *w, struct wtx *tx)
{
    for (uint32_t i = 0; i < tx->tx->n_out; i++)
        if (wallet_entry_of(w, tx->tx->out[i].script_pubkey))
            add_own(w, tx, i);
}

void wallet_find_own_outputs(struct wallet *w)
{
    for (size_t i = 0; i < w->n_txs; i++) {
        w->ordered[i]->debit = -1;
        index_own(w, w->ordered[i]);
    }
}

static void index_order(struct wallet *w, struct wtx *tx)
{
    size_t at = w->n_txs;

    w->ordered = array_reserve(w->ordered, &w->cap_txs, w->n_txs + 1, sizeof(*w->ordered));
    while (at && w->ordered[at - 1]->order > tx->order) {
        w->ordered[at] = w->ordered[at - 1];
        at--;
    }
    w->ordered[at] = tx;
    w->n_txs++;
}

void wallet_index_tx(struct wallet *w, struct wtx *tx)
{
    CHECK(!table_add(&w->txs, tx));
    index_order(w, tx);
    index_spends(w, tx);
    index_own(w, tx);
}

void wallet_ledger_clear(struct wallet *w)
{
    size_t pos = 0;
    struct spends *s;
    void *p;

    while ((s = table_next(&w->spends, &pos))) {
        free(s->by);
        free(s);
    }
    pos = 0;
    while ((p = table_next(&w->own_index, &pos)))
        free(p);
    pos = 0;
    while ((p = table_next(&w->scripts, &pos)))
        free(p);
    for (size_t i = 0; i < w->n_txs; i++)
        wtx_free(w->ordered[i]);
    free(w->ordered);
    free(w->own);
    table_clear(&w->txs);
    table_clear(&w->spends);
    table_clear(&w->own_index);
    table_clear(&w->scripts);
}

/* ---- facts ---- */

int32_t wtx_depth(const struct wallet *w, const struct wtx *tx)
{
    if (tx->height < 0)
        return 0;
    if (tx->state == WTX_CONFIRMED)
        return w->last_height - tx->height + 1;
    if (tx->state == WTX_CONFLICTED)
        return -(w->last_height - tx->height + 1);
    return 0;
}

int32_t wtx_blocks_to_maturity(const struct wallet *w, const struct wtx *tx)
{
    int32_t left;

    if (!tx_is_coinbase(tx->tx))
        return 0;
    left = w->set->o.net->coinbase_maturity + 1 - wtx_depth(w, tx);
    return left > 0 ? left : 0;
}

bool wtx_is_immature(const struct wallet *w, const struct wtx *tx)
{
    return wtx_blocks_to_maturity(w, tx) > 0;
}

int64_t wtx_time(const struct wtx *tx)
{
    return tx->time_smart ? tx->time_smart : tx->time_received;
}

int64_t wtx_debit(struct wallet *w, const struct wtx *tx)
{
    int64_t sum = 0;

    if (tx->debit >= 0)
        return tx->debit;
    for (uint32_t i = 0; i < tx->tx->n_in; i++) {
        const struct tx_out *out = wallet_output(w, &tx->tx->in[i].prev);
        if (out && wallet_is_mine(w, out->script_pubkey))
            sum += out->value;
    }
    ((struct wtx *)tx)->debit = sum; /* remembered */
    return sum;
}

int64_t wtx_credit(struct wallet *w, const struct wtx *tx)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < tx->tx->n_out; i++)
        if (wallet_is_mine(w, tx->tx->out[i].script_pubkey))
            sum += tx->tx->out[i].value;
    return sum;
}

static int compare_txids(const void *a, const void *b)
{
    const uint8_t *x = a, *y = b;

    for (int i = 31; i >= 0; i--)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

struct txid *wallet_conflicts(const struct wallet *w, const struct wtx *tx, size_t *n)
{
    struct txid *list = NULL;
    size_t cap = 0, kept = 0;

    *n = 0;
    for (uint32_t i = 0; i < tx->tx->n_in; i++) {
        const struct spends *s = wallet_spends(w, &tx->tx->in[i].prev);
        for (size_t j = 0; s && j < s->n; j++) {
            if (s->by[j] == tx)
                continue;
            list = array_reserve(list, &cap, *n + 1, sizeof(*list));
            list[(*n)++] = s->by[j]->txid;
        }
    }
    if (*n)
        qsort(list, *n, sizeof(*list), compare_txids);
    for (size_t i = 0; i < *n; i++)
        if (i == 0 || !txid_eq(&list[i], &list[kept - 1]))
            list[kept++] = list[i];
    *n = kept;
    return list;
}

/* ---- descendants ---- */

struct wtx **wallet_family(struct wallet *w, struct wtx *tx, size_t *n)
{
    struct wtx **list = NULL;
    size_t cap = 0;

    list = array_reserve(list, &cap, 1, sizeof(*list));
    list[0] = tx;
    *n = 1;
    for (size_t done = 0; done < *n; done++) {
        struct wtx *t = list[done];
        for (uint32_t i = 0; i < t->tx->n_out; i++) {
            const struct outpoint o = {t->txid, i};
            const struct spends *s = wallet_spends(w, &o);
            for (size_t j = 0; s && j < s->n; j++) {
                bool known = false;
                for (size_t k = 0; k < *n && !known; k++)
                    known = list[k] == s->by[j];
                if (known)
                    continue;
                list = array_reserve(list, &cap, *n + 1, sizeof(*list));
                list[(*n)++] = s->by[j];
            }
        }
    }
    return list;
}

void wallet_set_tx_state(struct wallet *w, struct wtx *tx, enum wtx_state state)
{
    tx->state = state;
    memset(&tx->block, 0, sizeof(tx->block));
    tx->height = -1;
    tx->index = 0;
    wallet_put_tx(w, tx);
}

void wallet_mark_conflicted(struct wallet *w, const struct block_hash *block, int32_t height,
                            const struct txid *txid)
{
    struct wtx *tx = wallet_tx_mutable(w, txid);
    size_t n;

    if (!tx || height < 0)
        return;
    struct wtx **list = wallet_family(w, tx, &n);
    for (size_t i = 0; i < n; i++) {
        struct wtx *t = list[i];
        if (t->state == WTX_CONFLICTED && t->height >= 0 && t->height <= height)
            continue; /* excluded deeper already */
        if (t->state == WTX_CONFIRMED && t->height >= 0 && t->height <= height && t != tx)
            continue;
        t->state = WTX_CONFLICTED;
        t->block = *block;
        t->height = height;
        t->index = -1;
        wallet_put_tx(w, t);
    }
    free(list);
}

bool wallet_can_abandon(const struct wallet *w, const struct wtx *tx)
{
    return wtx_depth(w, tx) == 0 && tx->state != WTX_ABANDONED && tx->state != WTX_MEMPOOL;
}

bool wallet_abandon(struct wallet *w, const struct txid *txid)
{
    struct wtx *tx = wallet_tx_mutable(w, txid);
    size_t n;

    if (!tx || wtx_depth(w, tx) != 0 || tx->state == WTX_MEMPOOL)
        return false;
    struct wtx **list = wallet_family(w, tx, &n);
    for (size_t i = 0; i < n; i++)
        if (wallet_can_abandon(w, list[i]))
            wallet_set_tx_state(w, list[i], WTX_ABANDONED);
    free(list);
    return wallet_commit(w);
}

bool wallet_mark_replaced(struct wallet *w, const struct txid *old, const struct txid *by)
{
    struct wtx *tx = wallet_tx_mutable(w, old);

    if (!tx)
        return false;
    tx->has_replaced_by = true;
    tx->replaced_by = *by;
    wallet_put_tx(w, tx);
    return wallet_commit(w);
}

/* ---- adding ---- */

/* The time that lists show and order by: that of the block, but never before an older entry's and
 * never after now. */
static uint32_t smart_time(const struct wallet *w, const struct wtx *tx, bool rescanning)
{
    const struct wallet_node *node = w->set->o.node;
    int64_t block_time = 0, mtp = 0, time_max = 0, latest_now = tx->time_received, latest_entry = 0;

    if (tx->state != WTX_CONFIRMED ||
        !node->block_times(node->arg, &tx->block, &block_time, &mtp, &time_max))
        return tx->time_received;
    if (rescanning)
        return (uint32_t)time_max;
    for (size_t i = w->n_txs; i-- > 0;) {
        const struct wtx *t = w->ordered[i];
        int64_t time = wtx_time(t);
        if (t == tx || time > latest_now + 300)
            continue;
        latest_entry = time;
        if (time > latest_now)
            latest_now = time;
        break;
    }
    int64_t at = block_time < latest_now ? block_time : latest_now;
    return (uint32_t)(latest_entry > at ? latest_entry : at);
}

/* A parent that is excluded excludes its children. */
static void inherit_conflict(struct wallet *w, struct wtx *tx)
{
    for (uint32_t i = 0; i < tx->tx->n_in; i++) {
        const struct wtx *parent = wallet_tx(w, &tx->tx->in[i].prev.txid);
        if (parent && parent->state == WTX_CONFLICTED)
            wallet_mark_conflicted(w, &parent->block, parent->height, &tx->txid);
    }
}

static struct wtx *insert_tx(struct wallet *w, const struct tx *tx)
{
    struct wtx *t = xcalloc(1, sizeof(*t));

    /* A transaction in a block would keep the whole block in memory. */
    if (tx->block)
        t->tx = tx_parse(tx->raw.data, tx->raw.len);
    else
        t->tx = tx_ref(tx);
    CHECK(t->tx);
    t->txid = tx->txid;
    t->height = -1;
    t->debit = -1;
    t->order = w->next_order++;
    t->time_received = (uint32_t)time_now();
    wallet_index_tx(w, t);
    wallet_put_order(w);
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (wallet_coin_locked(w, &tx->in[i].prev))
            wallet_lock_coin(w, &tx->in[i].prev, false, false);
    return t;
}

static void add_variant(struct wtx *t, const struct wtxid *wtxid)
{
    for (size_t i = 0; i < t->n_variants; i++)
        if (wtxid_eq(&t->variants[i], wtxid))
            return;
    t->variants = xreallocarray(t->variants, t->n_variants + 1, sizeof(*t->variants));
    t->variants[t->n_variants++] = *wtxid;
}

/* The same transaction with another witness: the confirmed one counts. Own-output and spend indexes
 * point at the wtx, so only the tx inside changes. */
static void take_witness(struct wtx *t, const struct tx *tx)
{
    if (wtxid_eq(&t->tx->wtxid, &tx->wtxid))
        return;
    add_variant(t, &t->tx->wtxid);
    tx_unref(t->tx);
    t->tx = tx_parse(tx->raw.data, tx->raw.len);
    CHECK(t->tx);
    for (size_t i = 0; i < t->n_variants; i++)
        if (wtxid_eq(&t->variants[i], &tx->wtxid))
            t->variants[i--] = t->variants[--t->n_variants];
}

struct wtx *wallet_add_tx(struct wallet *w, const struct tx *tx, enum wtx_state state,
                          const struct block_hash *block, int32_t height, int32_t index,
                          bool rescanning)
{
    struct wtx *t = wallet_tx_mutable(w, &tx->txid);
    bool is_new = !t;

    if (is_new)
        t = insert_tx(w, tx);
    else if (state == WTX_CONFIRMED)
        take_witness(t, tx);
    if (w->flags & WALLET_FLAG_AVOID_REUSE)
        wallet_mark_spent_addresses(w, tx);
    t->state = state;
    t->height = height;
    t->index = index;
    if (block)
        t->block = *block;
    else
        memset(&t->block, 0, sizeof(t->block));
    if (is_new)
        t->time_smart = smart_time(w, t, rescanning);
    if (is_new && state != WTX_CONFIRMED)
        inherit_conflict(w, t);
    wallet_put_tx(w, t);
    log_info("[%s] transaction %s%s", w->name, hash_to_hex((char[HASH_HEX_SIZE]){0}, t->txid.b),
             is_new ? " new" : " updated");
    return t;
}

/* What the wallet has that spends the same as a confirmed transaction is excluded. */
static void exclude_rivals(struct wallet *w, const struct tx *tx, const struct block_hash *block,
                           int32_t height)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct spends *s = wallet_spends(w, &tx->in[i].prev);
        for (size_t j = 0; s && j < s->n; j++)
            if (!txid_eq(&s->by[j]->txid, &tx->txid))
                wallet_mark_conflicted(w, block, height, &s->by[j]->txid);
    }
}

static bool spends_own(struct wallet *w, const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct tx_out *out = wallet_output(w, &tx->in[i].prev);
        if (out && wallet_entry_of(w, out->script_pubkey))
            return true;
    }
    return false;
}

bool wallet_sync_tx(struct wallet *w, const struct tx *tx, enum wtx_state state,
                    const struct block_hash *block, int32_t height, int32_t index, bool update,
                    bool rescanning)
{
    const struct wtx *known = wallet_tx(w, &tx->txid);
    bool concerns = known != NULL;

    if (state == WTX_CONFIRMED)
        exclude_rivals(w, tx, block, height);
    if (known && !update)
        return false;
    for (uint32_t i = 0; i < tx->n_out; i++) {
        const struct wallet_entry *e = wallet_entry_of(w, tx->out[i].script_pubkey);
        if (!e)
            continue;
        concerns = true;
        wallet_mark_used(w, e);
    }
    if (!concerns && !spends_own(w, tx))
        return false;
    wallet_add_tx(w, tx, state, block, height, index, rescanning);
    return true;
}
