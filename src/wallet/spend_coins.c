/*
 * Which coins a payment may take, and from which circle of them it does.
 *
 * Coins are offered in widening circles (confirmed first, then unconfirmed change with ever longer
 * chains of ancestors), and within a circle first those of one output type alone, so that a payment
 * does not link types without need. Coins of one address may have to go together; then a group of
 * them is what is chosen.
 */
#include <stdlib.h>

#include "util/mem.h"
#include "wallet/spending.h"

#define GROUP_MAX         100 /* coins of one address that are spent together */
#define MEMPOOL_CHAIN_MAX 25

int64_t spend_input_fee(int64_t feerate, int64_t weight)
{
    return feerate_fee(feerate, (weight + 3) / 4);
}

bool spend_fail(char **error, char *text)
{
    *error = text;
    return false;
}

static bool is_preset(const struct choice *c, const struct outpoint *o)
{
    for (size_t i = 0; i < c->r->n_inputs; i++)
        if (outpoint_eq(&c->r->inputs[i].out, o))
            return true;
    return false;
}

/* ---- candidates ---- */

static int64_t cached_input_weight(struct choice *c, const struct tx_out *out, bool *witness)
{
    const struct wallet_entry *e = wallet_entry_of(c->w, out->script_pubkey);

    /* All positions of a descriptor are alike, but for the four forms of combo(). */
    if (!e || !descriptor_is_single_type(e->owner->d))
        return wallet_input_weight(c->w, out, witness);
    if (!e->owner->input_weight)
        e->owner->input_weight = wallet_input_weight(c->w, out, &e->owner->input_witness);
    *witness = e->owner->input_witness;
    return e->owner->input_weight;
}

void spend_find_candidates(struct choice *c)
{
    struct coin_filter f = coin_filter_default;
    size_t kept = 0;

    if (!c->r->add_inputs)
        return;
    f.include_unsafe = c->r->include_unsafe;
    f.min_depth = c->r->min_depth;
    f.max_depth = c->r->max_depth;
    f.include_used = !c->r->avoid_reuse;
    f.min_amount = 1;
    c->coins = wallet_coins(c->w, &f, &c->n_coins);
    c->coin_weight = xcalloc(c->n_coins + 1, sizeof(*c->coin_weight));
    c->coin_witness = xcalloc(c->n_coins + 1, sizeof(*c->coin_witness));
    for (size_t i = 0; i < c->n_coins; i++) {
        bool witness;
        int64_t weight = cached_input_weight(c, &c->coins[i].txout, &witness);
        if (weight < 0 || is_preset(c, &c->coins[i].out))
            continue;
        c->coins[kept] = c->coins[i];
        c->coin_witness[kept] = witness;
        c->coin_weight[kept++] = weight;
    }
    c->n_coins = kept;
}

/* One circle of coins. */
struct circle {
    int32_t depth_own, depth_other;
    size_t max_chain; /* unconfirmed relatives */
    bool mixed;       /* output types */
    bool partial;     /* what is left of an address beside its full groups */
};

static enum output_type type_of(const struct wallet_coin *coin)
{
    struct solution s;

    switch (script_solve(coin->txout.script_pubkey, &s)) {
    case SCRIPT_WITNESS_V1_TAPROOT: return OUTPUT_BECH32M;
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH: return OUTPUT_BECH32;
    case SCRIPT_SCRIPTHASH: return OUTPUT_P2SH_SEGWIT;
    case SCRIPT_PUBKEYHASH: return OUTPUT_LEGACY;
    case SCRIPT_NONSTANDARD:
    case SCRIPT_ANCHOR:
    case SCRIPT_PUBKEY:
    case SCRIPT_MULTISIG:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_UNKNOWN: break;
    }
    return OUTPUT_UNKNOWN;
}

static bool in_circle(struct choice *c, const struct wallet_coin *coin, const struct circle *k)
{
    const struct wallet_node *node = c->w->set->o.node;
    size_t ancestors = 0, cluster = 0;
    bool own = wtx_debit(c->w, coin->tx) > 0;

    if (coin->depth < (own ? k->depth_own : k->depth_other))
        return false;
    if (coin->depth > 0 || !node->cluster_counts(node->arg, &coin->tx->txid, &ancestors, &cluster))
        return true;
    return ancestors <= k->max_chain && cluster <= k->max_chain;
}

/* Groups: each coin alone, or (to keep addresses' coins together) all of a script. */
struct group {
    struct select_item item;
    size_t *coins;
    size_t n;
    struct span script;
    bool rest;
};

static struct select_item coin_item(const struct choice *c, size_t i)
{
    struct select_item it = {.value = c->coins[i].txout.value, .weight = c->coin_weight[i]};

    it.fee = spend_input_fee(c->feerate, it.weight);
    it.fee_later = spend_input_fee(c->w->set->o.consolidate_feerate, it.weight);
    it.amount = it.value - (c->n_subtract ? 0 : it.fee);
    return it;
}

static void add_to_group(struct group *g, size_t coin, const struct select_item *it)
{
    g->coins = xreallocarray(g->coins, g->n + 1, sizeof(*g->coins));
    g->coins[g->n++] = coin;
    g->item.amount += it->amount;
    g->item.value += it->value;
    g->item.fee += it->fee;
    g->item.fee_later += it->fee_later;
    g->item.weight += it->weight;
}

/* A group that is not full, where the same address has full ones. */
static bool is_rest(const struct group *groups, size_t n, size_t g)
{
    for (size_t i = 0; groups[g].n < GROUP_MAX && i < n; i++)
        if (i != g && groups[i].n == GROUP_MAX && span_eq(groups[i].script, groups[g].script))
            return true;
    return false;
}

static size_t drop_rests(struct group *groups, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        groups[i].rest = is_rest(groups, n, i);
    for (size_t i = 0; i < n; i++) {
        if (groups[i].rest)
            free(groups[i].coins);
        else
            groups[kept++] = groups[i];
    }
    return kept;
}

static size_t make_groups(const struct choice *c, const size_t *eligible, size_t n, bool partial,
                          struct group *groups)
{
    bool together = c->r->avoid_partial || c->w->set->o.avoid_partial;
    size_t n_groups = 0;

    for (size_t i = 0; i < n; i++) {
        struct select_item it = coin_item(c, eligible[i]);
        struct span script = c->coins[eligible[i]].txout.script_pubkey;
        size_t g = n_groups;
        for (size_t j = 0; together && j < n_groups && g == n_groups; j++)
            if (groups[j].n < GROUP_MAX && span_eq(groups[j].script, script))
                g = j;
        if (g == n_groups) {
            groups[n_groups] = (struct group){.script = script};
            n_groups++;
        }
        add_to_group(&groups[g], eligible[i], &it);
    }
    return together && !partial ? drop_rests(groups, n_groups) : n_groups;
}

static bool select_from(struct choice *c, const size_t *eligible, size_t n, bool partial,
                        struct chosen *out, int64_t *waste, bool *too_heavy)
{
    struct group *groups = xcalloc(n + 1, sizeof(*groups));
    struct select_item *items = xcalloc(n + 1, sizeof(*items));
    struct selection s;
    size_t n_groups = make_groups(c, eligible, n, partial, groups);
    bool heavy;

    for (size_t i = 0; i < n_groups; i++)
        items[i] = groups[i].item;
    bool ok = select_coins(items, n_groups, &c->params, &s, &heavy);
    *too_heavy = *too_heavy || (!ok && heavy);
    if (ok) {
        memset(out, 0, sizeof(*out));
        for (size_t i = 0; i < s.n; i++) {
            const struct group *g = &groups[s.items[i]];
            out->coins = xreallocarray(out->coins, out->n + g->n, sizeof(*out->coins));
            memcpy(out->coins + out->n, g->coins, g->n * sizeof(*g->coins));
            out->n += g->n;
        }
        out->change = s.change;
        *waste = s.waste;
    }
    selection_clear(&s);
    for (size_t i = 0; i < n_groups; i++)
        free(groups[i].coins);
    free(groups);
    free(items);
    return ok;
}

/* First each output type by itself, the one with the least waste wins; then all together. */
static bool select_in_circle(struct choice *c, const struct circle *k, struct chosen *out,
                             bool *too_heavy)
{
    size_t *eligible = xmalloc((c->n_coins + 1) * sizeof(*eligible)), n = 0, n_all = 0;
    int64_t best = 0;
    bool found = false;
    unsigned types = 0;

    for (int type = 0; type <= OUTPUT_UNKNOWN; type++) {
        struct chosen one;
        int64_t waste;
        n = 0;
        for (size_t i = 0; i < c->n_coins; i++)
            if ((int)type_of(&c->coins[i]) == type && in_circle(c, &c->coins[i], k))
                eligible[n++] = i;
        types += n > 0;
        n_all += n;
        if (n == 0 || !select_from(c, eligible, n, k->partial, &one, &waste, too_heavy))
            continue;
        if (found && waste >= best) {
            free(one.coins);
            continue;
        }
        if (found)
            free(out->coins);
        *out = one;
        best = waste;
        found = true;
    }
    if (!found && k->mixed && types > 1) {
        n = 0;
        for (size_t i = 0; i < c->n_coins; i++)
            if (in_circle(c, &c->coins[i], k))
                eligible[n++] = i;
        found = select_from(c, eligible, n, k->partial, out, &best, too_heavy);
    }
    free(eligible);
    return found;
}

static bool no_funds(struct choice *c, bool too_heavy, char **error)
{
    int64_t balance = c->preset_value, amount = c->preset_amount;
    int64_t whole = c->params.target + c->preset_amount;

    for (size_t i = 0; i < c->n_coins; i++) {
        struct select_item it = coin_item(c, i);
        balance += it.value;
        amount += it.amount > 0 ? it.amount : 0;
    }
    if (c->r->n_inputs && !c->r->add_inputs)
        return spend_fail(
            error,
            xstrdup("The preselected coins total amount does not cover the transaction target. "
                    "Please allow other inputs to be automatically selected or include more "
                    "coins manually"));
    if (too_heavy)
        return spend_fail(
            error,
            xstrdup("The inputs size exceeds the maximum weight. Please try sending a smaller "
                    "amount or manually consolidating your wallet's UTXOs"));
    if (balance >= c->paid && amount < whole) {
        char text[32];
        amount_format(text, whole - c->paid);
        size_t n = strlen(text);
        while (n > 2 && text[n - 1] == '0' && text[n - 3] != '.')
            text[--n] = '\0'; /* two decimals at least */
        return spend_fail(
            error,
            xasprintf("The total exceeds your balance when the %s transaction fee is included.",
                      text));
    }
    if (amount >= whole && c->w->set->o.spend_zero_conf_change)
        return spend_fail(
            error, xstrdup("Unconfirmed UTXOs are available, but spending them creates a chain of "
                           "transactions that will be rejected by the mempool"));
    return spend_fail(error, xstrdup("Insufficient funds"));
}

bool spend_choose_coins(struct choice *c, struct chosen *out, char **error)
{
    static const struct circle circles[] = {
        {1, 6, 0, false, false},
        {1, 1, 0, true, false},
        {0, 1, 2, true, false},
        {0, 1, 4, true, false},
        {0, 1, MEMPOOL_CHAIN_MAX / 2, true, false},
        {0, 1, MEMPOOL_CHAIN_MAX - 1, true, true},
        {0, 0, MEMPOOL_CHAIN_MAX - 1, true, true}, /* unsafe ones */
        {0, 1, SIZE_MAX, true, true},              /* not with -walletrejectlongchains */
    };
    const struct wallets_options *o = &c->w->set->o;
    bool too_heavy = false;

    memset(out, 0, sizeof(*out));
    if (c->params.target <= 0) { /* what was chosen by hand is enough */
        int64_t cost = c->n_subtract ? 0 : c->params.change_fee;
        int64_t change = -c->params.target - cost;
        out->change = change >= c->params.change_viable ? change : 0;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(circles) && c->n_coins; i++) {
        const struct circle *k = &circles[i];
        if (i >= 2 && !o->spend_zero_conf_change)
            break;
        if (k->depth_other == 0 && !c->r->include_unsafe)
            continue;
        if (k->max_chain == SIZE_MAX && o->reject_long_chains)
            continue;
        if (select_in_circle(c, k, out, &too_heavy))
            return true;
    }
    return no_funds(c, too_heavy, error);
}
