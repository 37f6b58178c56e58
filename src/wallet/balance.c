/*
 * Balances and coins: what is unspent, what of it counts, and which coins may be spent.
 *
 * All walk the list of own outputs and ask the spend index. Trust of an unconfirmed transaction
 * goes back through its parents; what was found trustworthy is remembered for the length of one
 * walk.
 */
#include <stdlib.h>

#include "util/mem.h"
#include "wallet/inside.h"

const struct coin_filter coin_filter_default = {.min_depth = 0,
                                                .max_depth = INT32_MAX,
                                                .include_unsafe = true,
                                                .include_used = true,
                                                .max_amount = MAX_MONEY,
                                                .min_sum = MAX_MONEY};

enum how_spent { UNSPENT, SPENT_OFF_MEMPOOL, SPENT };

static enum how_spent how_spent(const struct wallet *w, const struct outpoint *o)
{
    const struct spends *s = wallet_spends(w, o);
    enum how_spent how = UNSPENT;

    for (size_t i = 0; s && i < s->n; i++) {
        const struct wtx *t = s->by[i];
        if (t->state == WTX_CONFIRMED || t->state == WTX_MEMPOOL)
            return SPENT;
        if (t->state != WTX_ABANDONED && t->state != WTX_CONFLICTED && !t->n_mempool_conflicts)
            how = SPENT_OFF_MEMPOOL;
    }
    return how;
}

bool wallet_is_spent(const struct wallet *w, const struct outpoint *o)
{
    return how_spent(w, o) != UNSPENT;
}

/* ---- trust ---- */

/* Confirmed, or of one's own all the way back to confirmed ones. */
static bool trusted(struct wallet *w, const struct wtx *tx, struct table *known, unsigned depth)
{
    if (table_get(known, &tx->txid) || tx->state == WTX_CONFIRMED)
        return true;
    if (tx->state != WTX_MEMPOOL || !w->set->o.spend_zero_conf_change || wtx_debit(w, tx) <= 0)
        return false;
    for (uint32_t i = 0; i < tx->tx->n_in; i++) {
        const struct outpoint *prev = &tx->tx->in[i].prev;
        const struct tx_out *out = wallet_output(w, prev);
        if (!out || !wallet_is_mine(w, out->script_pubkey))
            return false;
        /* A chain longer than any mempool holds is not gone through. */
        if (depth > 1000 || !trusted(w, wallet_tx(w, &prev->txid), known, depth + 1))
            return false;
    }
    table_add(known, (void *)tx);
    return true;
}

bool wtx_is_trusted(struct wallet *w, const struct wtx *tx)
{
    struct table known;

    TABLE_INIT(&known, struct wtx, txid);
    bool is = trusted(w, tx, &known, 0);
    table_clear(&known);
    return is;
}

/* ---- balance ---- */

void wallet_get_balance(struct wallet *w, int32_t min_depth, bool avoid_reuse, bool nonmempool,
                        struct wallet_balance *out)
{
    bool skip_used = avoid_reuse && (w->flags & WALLET_FLAG_AVOID_REUSE);
    struct table known;

    memset(out, 0, sizeof(*out));
    TABLE_INIT(&known, struct wtx, txid);
    for (size_t i = 0; i < w->n_own; i++) {
        const struct wtx *tx = w->own[i].tx;
        const struct outpoint o = {tx->txid, w->own[i].n};
        const struct tx_out *txout = &tx->tx->out[o.n];
        enum how_spent how = how_spent(w, &o);
        int64_t *sum = NULL;
        if (how == SPENT || (how == SPENT_OFF_MEMPOOL && !nonmempool))
            continue;
        bool is_trusted = trusted(w, tx, &known, 0);
        if (tx->state == WTX_CONFIRMED && wtx_is_immature(w, tx))
            sum = &out->immature;
        else if (is_trusted && wtx_depth(w, tx) >= min_depth)
            sum = &out->trusted;
        else if (!is_trusted && tx->state == WTX_MEMPOOL)
            sum = &out->untrusted_pending;
        if (!sum)
            continue;
        if (skip_used && wallet_script_used(w, txout->script_pubkey))
            sum = &out->used;
        *sum += txout->value;
        if (how == SPENT_OFF_MEMPOOL)
            out->nonmempool -= txout->value;
    }
    table_clear(&known);
}

/* ---- coins ---- */

static bool usable_tx(struct wallet *w, const struct wtx *tx, const struct coin_filter *f,
                      struct table *known, struct wallet_coin *c)
{
    c->tx = tx;
    c->depth = wtx_depth(w, tx);
    if (c->depth < 0 || (wtx_is_immature(w, tx) && !f->include_immature))
        return false;
    if (tx_is_coinbase(tx->tx) && tx->state != WTX_CONFIRMED)
        return false;
    if (c->depth == 0 && tx->state != WTX_MEMPOOL)
        return false;
    c->safe = trusted(w, tx, known, 0);
    /* Of a pair of replacements either may vanish. */
    if (c->depth == 0 && (tx->has_replaces || tx->has_replaced_by))
        c->safe = false;
    if (!c->safe && !f->include_unsafe)
        return false;
    return c->depth >= f->min_depth && c->depth <= f->max_depth;
}

static bool usable_output(struct wallet *w, const struct coin_filter *f,
                          const struct wallet_coin *c)
{
    if (c->txout.value < f->min_amount || c->txout.value > f->max_amount)
        return false;
    if (!f->include_locked && wallet_coin_locked(w, &c->out))
        return false;
    if (wallet_is_spent(w, &c->out))
        return false;
    return f->include_used || !(w->flags & WALLET_FLAG_AVOID_REUSE) ||
           !wallet_script_used(w, c->txout.script_pubkey);
}

struct wallet_coin *wallet_coins(struct wallet *w, const struct coin_filter *f, size_t *n)
{
    struct wallet_coin *list = NULL;
    size_t cap = 0;
    int64_t sum = 0;
    struct table known;

    *n = 0;
    wallet_fill_all(w);
    TABLE_INIT(&known, struct wtx, txid);
    for (size_t i = 0; i < w->n_own; i++) {
        struct wallet_coin c = {.out = {w->own[i].tx->txid, w->own[i].n}};
        c.txout = w->own[i].tx->tx->out[c.out.n];
        if (!usable_tx(w, w->own[i].tx, f, &known, &c) || !usable_output(w, f, &c))
            continue;
        list = array_reserve(list, &cap, *n + 1, sizeof(*list));
        list[(*n)++] = c;
        sum += c.txout.value;
        if ((f->min_sum != MAX_MONEY && sum >= f->min_sum) || (f->max_count && *n >= f->max_count))
            break;
    }
    table_clear(&known);
    return list;
}

/* ---- locks ---- */

static size_t find_locked(const struct wallet *w, const struct outpoint *o)
{
    size_t i = 0;

    while (i < w->n_locked && !outpoint_eq(&w->locked[i].out, o))
        i++;
    return i;
}

bool wallet_coin_locked(const struct wallet *w, const struct outpoint *o)
{
    return find_locked(w, o) < w->n_locked;
}

const struct outpoint *wallet_locked_at(const struct wallet *w, size_t i)
{
    return i < w->n_locked ? &w->locked[i].out : NULL;
}

static void lock_one(struct wallet *w, const struct outpoint *o, bool persistent)
{
    size_t i = find_locked(w, o);

    if (i == w->n_locked) {
        w->locked = array_reserve(w->locked, &w->cap_locked, w->n_locked + 1, sizeof(*w->locked));
        w->locked[w->n_locked++] = (struct locked_coin){*o, false};
    }
    if (persistent && !w->locked[i].persistent) {
        w->locked[i].persistent = true;
        wallet_put_locked(w, o, true);
    }
}

static void unlock_one(struct wallet *w, const struct outpoint *o)
{
    size_t i = find_locked(w, o);

    if (i == w->n_locked)
        return;
    if (w->locked[i].persistent)
        wallet_put_locked(w, o, false);
    w->locked[i] = w->locked[--w->n_locked];
}

bool wallet_lock_coin(struct wallet *w, const struct outpoint *o, bool lock, bool persistent)
{
    struct outpoint copy = *o; /* may be our own entry */

    if (lock)
        lock_one(w, &copy, persistent);
    else
        unlock_one(w, &copy);
    return !persistent || wallet_commit(w);
}

bool wallet_unlock_all_coins(struct wallet *w)
{
    while (w->n_locked)
        unlock_one(w, &w->locked[0].out);
    return wallet_commit(w);
}
