/*
 * Blocks and coins: moving the coins of one block, forward and back.
 *
 * Going forward each spent coin is taken out of the cache into the undo record, in which the rules
 * find it (amounts, maturity, locks, signature operations) and from which the script jobs will read
 * it; so a coin is unpacked once. Where a rule is broken everything that the block moved so far is
 * put back, from the same record.
 *
 * BIP30 (no transaction may overwrite the coins of an older one with the same id) costs a search of
 * the database for every output. Two transactions have one id only when they spend the same coins,
 * so such a pair leads back to two equal coinbases; where every block but genesis has its height in
 * the coinbase (BIP34 from block 1 on) there are none, and the search is left out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"
#include "validation/internal.h"

static enum apply_result invalid(struct verdict *v, const char *reason, const char *detail)
{
    (void)verdict_fail(v, VERDICT_CONSENSUS, reason, "%s", detail);
    return APPLY_INVALID;
}

static enum apply_result invalid_tx(struct verdict *v, const char *reason, const char *detail,
                                    const struct tx *tx)
{
    char hex[HASH_HEX_SIZE];

    (void)verdict_fail(v, VERDICT_CONSENSUS, reason, "%s%s", detail, hash_to_hex(hex, tx->txid.b));
    return APPLY_INVALID;
}

static enum apply_result coins_failed(struct chain *c)
{
    const char *why = db_error(coins_db(c->coins));

    chain_fail(c,
               "Cannot read from the coin database: %s. Restart with -reindex-chainstate where "
               "this stays so.",
               why[0] ? why : "a coin is malformed");
    return APPLY_ERROR;
}

/* ---- going back ---- */

/* Takes the outputs of a transaction out. *clean is cleared where one was not there. */
static bool remove_outputs(struct chain *c, const struct tx *tx, bool *clean)
{
    struct outpoint o = {.txid = tx->txid};

    for (uint32_t k = 0; k < tx->n_out; k++) {
        if (coin_unspendable(tx->out[k].script_pubkey))
            continue;
        o.n = k;
        switch (coins_remove(c->coins, &o)) {
        case COIN_FOUND: break;
        case COIN_MISSING: *clean = false; break;
        case COIN_ERROR: coins_failed(c); return false;
        }
    }
    return true;
}

/* Puts the coins back that the first inputs of a transaction spent. */
static void restore_inputs(struct chain *c, const struct tx *tx, const struct tx_undo *u)
{
    for (uint32_t k = u->n; k-- > 0;)
        coins_add(c->coins, &tx->in[k].prev, &u->coins[k], true);
}

/* The transactions of b before `n`, last first. */
static bool unapply_txs(struct chain *c, const struct block *b, const struct block_undo *u,
                        uint32_t n, const struct node *node, bool *clean)
{
    while (n-- > 0) {
        bool tx_clean = true;

        if (!remove_outputs(c, b->tx[n], &tx_clean))
            return false;
        if (!tx_clean && (n > 0 || !bip30_lost(c->net, &node->i.h)))
            *clean = false;
        if (n > 0)
            restore_inputs(c, b->tx[n], &u->tx[n - 1]);
    }
    return true;
}

static bool undo_fits(const struct block *b, const struct block_undo *u)
{
    if (u->n_tx + 1 != b->n_tx)
        return false;
    for (uint32_t i = 1; i < b->n_tx; i++) {
        if (u->tx[i - 1].n != b->tx[i]->n_in)
            return false;
    }
    return true;
}

bool unapply_block(struct chain *c, const struct block *b, const struct block_undo *u,
                   const struct node *n, bool *error)
{
    bool clean = true;

    *error = false;
    if (!undo_fits(b, u))
        return false;
    *error = !unapply_txs(c, b, u, b->n_tx, n, &clean);
    return !*error && clean;
}

/* ---- going forward again ---- */

static void add_outputs(struct chain *c, const struct tx *tx, const struct node *n, bool coinbase,
                        bool maybe_there)
{
    struct coin coin = {.height = (uint32_t)node_height(n), .coinbase = coinbase};
    struct outpoint o = {.txid = tx->txid};

    for (uint32_t k = 0; k < tx->n_out; k++) {
        o.n = k;
        coin.out = tx->out[k];
        coins_add(c->coins, &o, &coin, maybe_there);
    }
}

bool reapply_block(struct chain *c, const struct block *b, const struct node *n)
{
    for (uint32_t i = 0; i < b->n_tx; i++) {
        const struct tx *tx = b->tx[i];

        for (uint32_t k = 0; i > 0 && k < tx->n_in; k++) {
            if (coins_remove(c->coins, &tx->in[k].prev) == COIN_ERROR) {
                coins_failed(c);
                return false;
            }
        }
        add_outputs(c, tx, n, i == 0, true);
    }
    return true;
}

/* ---- going forward ---- */

struct applying {
    struct chain *c;
    struct step *s;
    struct verdict *v;
    int64_t fees, sigops;
    bool csv;
};

static enum apply_result check_bip30(struct chain *c, const struct step *s, struct verdict *v)
{
    if (c->net->buried[BURIED_BIP34] <= 1 || !bip30_applies(c->net, &s->node->i.h))
        return APPLY_OK;
    for (uint32_t i = 0; i < s->block->n_tx; i++) {
        struct outpoint o = {.txid = s->block->tx[i]->txid};

        for (; o.n < s->block->tx[i]->n_out; o.n++) {
            switch (coins_has(c->coins, &o)) {
            case COIN_FOUND: return invalid(v, "bad-txns-BIP30", "tried to overwrite transaction");
            case COIN_MISSING: break;
            case COIN_ERROR: return coins_failed(c);
            }
        }
    }
    return APPLY_OK;
}

static enum apply_result spend_inputs(struct applying *a, const struct tx *tx, struct tx_undo *u)
{
    struct chain *c = a->c;

    u->coins = arena_alloc(&a->s->undo->memory, tx->n_in * sizeof(*u->coins));
    for (u->n = 0; u->n < tx->n_in; u->n++) {
        switch (coins_spend(c->coins, &tx->in[u->n].prev, &u->coins[u->n], &a->s->undo->memory)) {
        case COIN_FOUND: break;
        case COIN_MISSING:
            return invalid_tx(a->v, "bad-txns-inputs-missingorspent",
                              "CheckTxInputs: inputs missing/spent in transaction ", tx);
        case COIN_ERROR: return coins_failed(c);
        }
    }
    c->coin_ptrs = array_reserve(c->coin_ptrs, &c->cap_coin_ptrs, tx->n_in, sizeof(*c->coin_ptrs));
    for (uint32_t k = 0; k < tx->n_in; k++)
        c->coin_ptrs[k] = &u->coins[k];
    return APPLY_OK;
}

/* BIP68: relative locks, by the heights of the coins. */
static bool locks_met(struct applying *a, const struct tx *tx, const struct tx_undo *u)
{
    struct chain *c = a->c;
    const struct hnode *prev = a->s->node->i.h.prev;
    struct sequence_lock lock;

    if (!a->csv || tx->version < 2)
        return true;
    c->coin_heights =
        array_reserve(c->coin_heights, &c->cap_coin_heights, tx->n_in, sizeof(*c->coin_heights));
    for (uint32_t k = 0; k < tx->n_in; k++)
        c->coin_heights[k] = (int32_t)u->coins[k].height;
    lock = sequence_lock_of(tx, LOCKTIME_VERIFY_SEQUENCE, c->coin_heights, prev);
    return sequence_lock_met(&lock, prev);
}

static enum apply_result check_inputs(struct applying *a, const struct tx *tx,
                                      const struct tx_undo *u)
{
    struct verdict v = {0};
    char detail[sizeof(v.detail) + 32];
    int64_t fee;

    if (!tx_check_inputs(tx, a->c->coin_ptrs, node_height(a->s->node), a->c->net, &fee, &v)) {
        snprintf(detail, sizeof(detail), "%.*s in transaction ", (int)sizeof(v.detail), v.detail);
        return invalid_tx(a->v, v.reason, detail, tx);
    }
    if (!amount_add(&a->fees, a->fees, fee))
        return invalid(a->v, "bad-txns-accumulated-fee-outofrange",
                       "accumulated fee in the block out of range");
    if (!locks_met(a, tx, u))
        return invalid_tx(a->v, "bad-txns-nonfinal", "contains a non-BIP68-final transaction ", tx);
    return APPLY_OK;
}

/* Notes the inputs of a transaction to be verified; many inputs are cut up. */
static void add_items(struct step *s, uint32_t tx)
{
    uint32_t n_in = s->block->tx[tx]->n_in, piece = n_in / 8 > 128 ? n_in / 8 : 128;

    for (uint32_t at = 0; at < n_in; at += piece) {
        uint32_t end = n_in - at < 2 * piece ? n_in : at + piece;

        s->items = array_reserve(s->items, &s->cap_items, s->n_items + 1, sizeof(*s->items));
        s->items[s->n_items++] = (struct script_item){tx, at, end};
        if (end == n_in)
            break;
    }
}

static enum apply_result apply_tx(struct applying *a, uint32_t i)
{
    struct step *s = a->s;
    const struct tx *tx = s->block->tx[i];
    enum apply_result res = APPLY_OK;

    if (i > 0) {
        res = spend_inputs(a, tx, &s->undo->tx[i - 1]);
        if (res == APPLY_OK)
            res = check_inputs(a, tx, &s->undo->tx[i - 1]);
    }
    if (res != APPLY_OK)
        return res;
    a->sigops += tx_sigops_cost(tx, a->c->coin_ptrs, s->flags);
    if (a->sigops > MAX_BLOCK_SIGOPS_COST)
        return invalid(a->v, "bad-blk-sigops", "too many sigops");
    if (i > 0 && s->check_scripts && !script_cache_has(a->c->script_cache, &tx->wtxid, s->flags))
        add_items(s, i);
    add_outputs(a->c, tx, s->node, i == 0, i == 0);
    return APPLY_OK;
}

static enum apply_result check_reward(struct applying *a)
{
    const struct tx *coinbase = a->s->block->tx[0];
    int64_t limit = block_subsidy(a->c->net, node_height(a->s->node)) + a->fees, paid = 0;

    for (uint32_t k = 0; k < coinbase->n_out; k++)
        paid += coinbase->out[k].value; /* each and their sum have been checked */
    if (paid <= limit)
        return APPLY_OK;
    (void)verdict_fail(a->v, VERDICT_CONSENSUS, "bad-cb-amount",
                       "coinbase pays too much (actual=%lld vs limit=%lld)", (long long)paid,
                       (long long)limit);
    return APPLY_INVALID;
}

/* Puts everything back: transactions before `n` and what the inputs of transaction n spent. */
static enum apply_result roll_back(struct applying *a, uint32_t n, enum apply_result res)
{
    struct step *s = a->s;
    bool clean = true;

    if (n > 0 && n < s->block->n_tx)
        restore_inputs(a->c, s->block->tx[n], &s->undo->tx[n - 1]);
    if (!unapply_txs(a->c, s->block, s->undo, n, s->node, &clean))
        res = APPLY_ERROR;
    s->n_items = 0;
    undo_unref(s->undo);
    s->undo = NULL;
    return res;
}

enum apply_result apply_block(struct chain *c, struct step *s, struct verdict *v)
{
    struct applying a = {.c = c, .s = s, .v = v};
    enum apply_result res = check_bip30(c, s, v);
    uint32_t i = 0;

    if (res != APPLY_OK)
        return res;
    s->flags = block_script_flags(c->net, &s->node->i.h);
    a.csv = buried_active_after(c->net, BURIED_CSV, s->node->i.h.prev);
    s->undo = undo_create(s->block->n_tx - 1);
    while (res == APPLY_OK && i < s->block->n_tx) {
        res = apply_tx(&a, i);
        if (res == APPLY_OK)
            i++;
    }
    if (res == APPLY_OK)
        res = check_reward(&a);
    return res == APPLY_OK ? res : roll_back(&a, i, res);
}
