/* Methods about money: balances, unspent outputs, locks on them, sums received. */
#include <stdlib.h>
#include <string.h>

#include "mempool/mempool.h"
#include "rpc/tx_json.h"
#include "rpc/wallet_rpc.h"
#include "util/mem.h"

/* ---- balances ---- */

static struct rpc_answer *getbalance(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    const char *dummy = rpc_arg_str(call, "dummy");
    int64_t min_depth = rpc_arg_int(call, "minconf", 0);
    bool avoid_reuse;
    struct wallet_balance b;
    if (!w || rpc_failed(call))
        return rpc_fail(call);
    if (dummy && strcmp(dummy, "*") != 0)
        return rpc_error(call, RPC_METHOD_DEPRECATED,
                         "dummy first argument must be excluded or set to \"*\".");
    if (!rpc_arg_avoid_reuse(call, w, "avoid_reuse", &avoid_reuse))
        return rpc_fail(call);
    wallet_get_balance(w, (int32_t)min_depth, avoid_reuse, false, &b);
    json_put_amount(rpc_result(call), NULL, b.trusted);
    return rpc_ok(call);
}

static struct rpc_answer *getbalances(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    struct wallet_balance b;
    if (!w)
        return rpc_fail(call);
    wallet_get_balance(w, 0, true, true, &b);
    json_begin_object(j, NULL);
    json_begin_object(j, "mine");
    json_put_amount(j, "trusted", b.trusted);
    json_put_amount(j, "untrusted_pending", b.untrusted_pending);
    json_put_amount(j, "immature", b.immature);
    json_put_amount(j, "nonmempool", b.nonmempool);
    if (wallet_flags(w) & WALLET_FLAG_AVOID_REUSE)
        json_put_amount(j, "used", b.used);
    json_end(j);
    json_put_last_block(j, w);
    json_end(j);
    return rpc_ok(call);
}

/* ---- listunspent ---- */

struct address_set {
    struct buf *scripts;
    size_t n;
};

static bool set_has(const struct address_set *s, struct span script)
{
    for (size_t i = 0; i < s->n; i++)
        if (span_eq(buf_span(&s->scripts[i]), script))
            return true;
    return false;
}

static void set_clear(struct address_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_clear(&s->scripts[i]);
    free(s->scripts);
}

static bool read_addresses(struct rpc_call *call, struct address_set *out)
{
    struct json_object *list = rpc_arg(call, "addresses");
    size_t n = list ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        struct buf script = BUF_INIT;
        if (!rpc_check_type(call, v, "str"))
            return false;
        const char *text = json_object_get_string(v);
        if (!rpc_address_script(call, text, &script))
            return false;
        if (set_has(out, buf_span(&script))) {
            buf_clear(&script);
            return rpc_set_error(call, RPC_INVALID_PARAMETER,
                                 "Invalid parameter, duplicated address: %s", text);
        }
        out->scripts = xreallocarray(out->scripts, out->n + 1, sizeof(*out->scripts));
        out->scripts[out->n++] = script;
    }
    return true;
}

static bool read_filter(struct rpc_call *call, struct coin_filter *f)
{
    struct json_object *o = rpc_arg(call, "query_options"), *v;
    int64_t n;
    *f = coin_filter_default;
    f->min_depth = (int32_t)rpc_arg_int(call, "minconf", 1);
    f->max_depth = (int32_t)rpc_arg_int(call, "maxconf", 9999999);
    f->include_unsafe = rpc_arg_bool(call, "include_unsafe", true);
    if (rpc_failed(call) || !rpc_arg_check_object(call, "query_options", true))
        return false;
    if ((v = json_get(o, "minimumAmount")) && !rpc_get_amount(call, v, &f->min_amount))
        return false;
    if ((v = json_get(o, "maximumAmount")) && !rpc_get_amount(call, v, &f->max_amount))
        return false;
    if ((v = json_get(o, "minimumSumAmount")) && !rpc_get_amount(call, v, &f->min_sum))
        return false;
    if ((v = json_get(o, "maximumCount"))) {
        if (!rpc_get_int(call, v, &n))
            return false;
        f->max_count = n > 0 ? (size_t)n : 0;
    }
    if ((v = json_get(o, "include_immature_coinbase")))
        f->include_immature = json_object_get_boolean(v);
    return true;
}

static void put_ancestors(struct rpc_call *call, struct json *j, const struct txid *txid)
{
    const struct mempool *m = rpc_ctx(call)->mempool;
    const struct mempool_entry *e = mempool_get(m, txid);
    size_t n;
    if (!e)
        return;
    const struct mempool_entry **list = mempool_relatives(m, e, RELATION_ANCESTORS, &n);
    int64_t size = e->vsize, fees = e->fee + e->fee_delta;
    for (size_t i = 0; i < n; i++) {
        size += list[i]->vsize;
        fees += list[i]->fee + list[i]->fee_delta;
    }
    free(list);
    json_put_uint(j, "ancestorcount", n + 1);
    json_put_int(j, "ancestorsize", size);
    json_put_int(j, "ancestorfees", fees);
}

static void put_scripts(struct json *j, struct span script, const struct expansion *e)
{
    struct solution s;
    bool wsh_inside = false;
    if (script_solve(script, &s) == SCRIPT_SCRIPTHASH && e->n_subscripts) {
        const struct buf *redeem = &e->subscripts[e->n_subscripts - 1];
        json_put_hex(j, "redeemScript", redeem->data, redeem->len);
        wsh_inside = script_solve(buf_span(redeem), &s) == SCRIPT_WITNESS_V0_SCRIPTHASH;
    } else if (s.type == SCRIPT_WITNESS_V0_SCRIPTHASH) {
        wsh_inside = true;
    }
    if (wsh_inside && e->n_subscripts)
        json_put_hex(j, "witnessScript", e->subscripts[0].data, e->subscripts[0].len);
}

static void put_coin(struct rpc_call *call, struct json *j, struct wallet *w,
                     const struct wallet_coin *c)
{
    const struct network *net = wallet_network(w);
    struct span script = c->txout.script_pubkey;
    struct destination d;
    struct expansion e;
    struct wallet_script info;
    bool solvable = wallet_script_info(w, script, &info) && descriptor_is_solvable(info.owner->d);
    bool known = wallet_expand(w, script, false, &e);
    json_begin_object(j, NULL);
    json_put_hash(j, "txid", c->out.txid.b);
    json_put_uint(j, "vout", c->out.n);
    if (script_to_destination(script, &d)) {
        char *address = address_encode(&net->address, &d);
        const struct address_entry *entry = wallet_address_entry(w, address);
        json_put_str(j, "address", address);
        if (entry && entry->label)
            json_put_str(j, "label", entry->label);
        if (known)
            put_scripts(j, script, &e);
        free(address);
    }
    json_put_hex(j, "scriptPubKey", script.data, script.len);
    json_put_amount(j, "amount", c->txout.value);
    json_put_int(j, "confirmations", c->depth);
    if (c->depth == 0)
        put_ancestors(call, j, &c->out.txid);
    json_put_bool(j, "spendable", true);
    json_put_bool(j, "solvable", solvable);
    if (solvable)
        json_put_str_take(j, "desc", descriptor_infer(&net->address, script, &e));
    json_put_parent_descs(j, w, script);
    if (wallet_flags(w) & WALLET_FLAG_AVOID_REUSE)
        json_put_bool(j, "reused", wallet_script_used(w, script));
    json_put_bool(j, "safe", c->safe);
    json_end(j);
    expansion_clear(&e);
}

/* Legacy ones first, then as segwit came. */
static int kind_of(const struct wallet_coin *c)
{
    struct solution s;
    switch (script_solve(c->txout.script_pubkey, &s)) {
    case SCRIPT_PUBKEYHASH: return 0;
    case SCRIPT_SCRIPTHASH: return 1;
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH: return 2;
    case SCRIPT_WITNESS_V1_TAPROOT: return 3;
    case SCRIPT_NONSTANDARD:
    case SCRIPT_ANCHOR:
    case SCRIPT_PUBKEY:
    case SCRIPT_MULTISIG:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_UNKNOWN: break;
    }
    return 4;
}

static int compare_coins(const void *a, const void *b)
{
    const struct wallet_coin *x = a, *y = b;
    int kind = kind_of(x) - kind_of(y);
    if (kind)
        return kind;
    for (int i = 31; i >= 0; i--)
        if (x->out.txid.b[i] != y->out.txid.b[i])
            return x->out.txid.b[i] < y->out.txid.b[i] ? -1 : 1;
    return x->out.n < y->out.n ? -1 : x->out.n > y->out.n;
}

static struct rpc_answer *listunspent(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    struct address_set addresses = {0};
    struct coin_filter f;
    size_t n;
    if (!w || !read_addresses(call, &addresses) || !read_filter(call, &f)) {
        set_clear(&addresses);
        return rpc_fail(call);
    }
    struct wallet_coin *coins = wallet_coins(w, &f, &n);
    if (n)
        qsort(coins, n, sizeof(*coins), compare_coins);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < n; i++)
        if (!addresses.n || set_has(&addresses, coins[i].txout.script_pubkey))
            put_coin(call, j, w, &coins[i]);
    json_end(j);
    free(coins);
    set_clear(&addresses);
    return rpc_ok(call);
}

/* ---- locks ---- */

static bool check_lock(struct rpc_call *call, struct wallet *w, const struct outpoint *o,
                       bool unlock, bool persistent)
{
    const struct wtx *tx = wallet_tx(w, &o->txid);
    bool locked = wallet_coin_locked(w, o);
    if (!tx)
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, unknown transaction");
    if (o->n >= tx->tx->n_out)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, vout index out of bounds");
    if (wallet_is_spent(w, o))
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, expected unspent output");
    if (unlock && !locked)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, expected locked output");
    if (!unlock && locked && !persistent)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, output already locked");
    return true;
}

static bool read_outpoint(struct rpc_call *call, struct json_object *v, struct outpoint *o)
{
    int64_t n;
    if (!rpc_check_object(call, v, "{txid:hex, vout:num}", false) ||
        !rpc_get_hash(call, json_get(v, "txid"), "txid", o->txid.b) ||
        !rpc_get_int(call, json_get(v, "vout"), &n))
        return false;
    if (n < 0)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, vout cannot be negative");
    o->n = (uint32_t)n;
    return true;
}

static struct rpc_answer *lockunspent(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    bool unlock = rpc_arg_bool(call, "unlock", false);
    bool persistent = rpc_arg_bool(call, "persistent", false), ok = true;
    struct json_object *list = rpc_arg(call, "transactions");
    if (!w || rpc_failed(call))
        return rpc_fail(call);
    size_t n = list ? json_object_array_length(list) : 0;
    struct outpoint *outs = xcalloc(n + 1, sizeof(*outs));
    for (size_t i = 0; i < n && ok; i++)
        ok = read_outpoint(call, json_object_array_get_idx(list, i), &outs[i]) &&
             check_lock(call, w, &outs[i], unlock, persistent);
    for (size_t i = 0; i < n && ok; i++)
        wallet_lock_coin(w, &outs[i], !unlock, persistent);
    if (ok && !list && unlock)
        wallet_unlock_all_coins(w);
    free(outs);
    if (!ok)
        return rpc_fail(call);
    json_put_bool(rpc_result(call), NULL, true);
    return rpc_ok(call);
}

static struct rpc_answer *listlockunspent(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    const struct outpoint *o;
    if (!w)
        return rpc_fail(call);
    json_begin_array(j, NULL);
    for (size_t i = 0; (o = wallet_locked_at(w, i)); i++) {
        json_begin_object(j, NULL);
        json_put_hash(j, "txid", o->txid.b);
        json_put_uint(j, "vout", o->n);
        json_end(j);
    }
    json_end(j);
    return rpc_ok(call);
}

/* ---- sums received ---- */

static int64_t received(struct wallet *w, const struct address_set *scripts, int32_t min_depth,
                        bool immature)
{
    const struct wtx *tx;
    int64_t sum = 0;
    for (size_t i = 0; (tx = wallet_tx_at(w, i)); i++) {
        int32_t depth = wtx_depth(w, tx);
        bool coinbase = tx_is_coinbase(tx->tx);
        if (depth < min_depth || depth < 0 || (coinbase && depth < 1) ||
            (wtx_is_immature(w, tx) && !immature))
            continue;
        if (depth == 0 && tx->state != WTX_MEMPOOL)
            continue;
        for (uint32_t k = 0; k < tx->tx->n_out; k++)
            if (set_has(scripts, tx->tx->out[k].script_pubkey))
                sum += tx->tx->out[k].value;
    }
    return sum;
}

static struct rpc_answer *getreceivedbyaddress(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct destination d;
    struct buf script = BUF_INIT;
    int64_t min_depth = rpc_arg_int(call, "minconf", 1);
    bool immature = rpc_arg_bool(call, "include_immature_coinbase", false);
    if (!w || rpc_failed(call))
        return rpc_fail(call);
    if (!address_decode(&rpc_ctx(call)->net->address, rpc_arg_str(call, "address"), &d, NULL))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid Bitcoin address");
    destination_script(&d, &script);
    struct address_set one = {&script, 1};
    bool mine = wallet_is_mine(w, buf_span(&script));
    int64_t sum = mine ? received(w, &one, (int32_t)min_depth, immature) : 0;
    buf_clear(&script);
    if (!mine)
        return rpc_error(call, RPC_WALLET_ERROR, "Address not found in wallet");
    json_put_amount(rpc_result(call), NULL, sum);
    return rpc_ok(call);
}

static struct rpc_answer *getreceivedbylabel(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    int64_t min_depth = rpc_arg_int(call, "minconf", 1);
    bool immature = rpc_arg_bool(call, "include_immature_coinbase", false);
    struct address_set set = {0};
    const struct address_entry *e;
    const char *label;
    if (!w || rpc_failed(call) || !rpc_arg_label(call, "label", &label))
        return rpc_fail(call);
    size_t labelled = 0;
    for (size_t i = 0; (e = wallet_address_at(w, i)); i++) {
        struct buf script = BUF_INIT;
        if (!e->label || strcmp(e->label, label) != 0 ||
            !rpc_address_script(call, e->address, &script))
            continue;
        labelled++;
        if (!wallet_is_mine(w, buf_span(&script))) {
            buf_clear(&script);
            continue;
        }
        set.scripts = xreallocarray(set.scripts, set.n + 1, sizeof(*set.scripts));
        set.scripts[set.n++] = script;
    }
    int64_t sum = received(w, &set, (int32_t)min_depth, immature);
    set_clear(&set);
    if (!labelled)
        return rpc_error(call, RPC_WALLET_ERROR, "Label not found in wallet");
    json_put_amount(rpc_result(call), NULL, sum);
    return rpc_ok(call);
}

#define MINCONF(def)                                                      \
    {                                                                     \
        "minconf", "num", def, "Only with at least so many confirmations" \
    }
#define IMMATURE                                                                     \
    {                                                                                \
        "include_immature_coinbase", "bool", "false", "Count immature coinbases too" \
    }
#define OUTPOINTS "[{txid:hex, vout:num}]"

const struct rpc_method rpc_wallet_coins_methods[] = {
    {"getbalance", getbalance, "What can be spent: confirmed, and one's own unconfirmed change.",
     RPC_PARAMS({"dummy", "str", NULL, "For old callers: nothing, or \"*\""}, MINCONF("0"),
                {"include_watchonly", "bool", "false", "No longer of use"},
                {"avoid_reuse", "bool", "true",
                 "Leave out addresses that were spent from (where the wallet keeps them apart)"}),
     "amount"},
    {"getbalances", getbalances, "All balances.", RPC_NO_PARAMS,
     "{mine:{trusted:amount, untrusted_pending:amount, immature:amount, nonmempool:amount, "
     "used?:amount}, " RPC_LAST_BLOCK_TYPE "}"},
    {"getreceivedbyaddress", getreceivedbyaddress, "Sum of what an address was paid.",
     RPC_PARAMS({"address", "str", RPC_REQUIRED, "The address"}, MINCONF("1"), IMMATURE), "amount"},
    {"getreceivedbylabel", getreceivedbylabel, "Sum of what the addresses of a label were paid.",
     RPC_PARAMS({"label", "str", RPC_REQUIRED, "The label"}, MINCONF("1"), IMMATURE), "amount"},
    {"listlockunspent", listlockunspent, "Outputs that are locked against spending.", RPC_NO_PARAMS,
     OUTPOINTS},
    {"listunspent", listunspent, "Unspent outputs.",
     RPC_PARAMS(
         MINCONF("1"), {"maxconf", "num", "9999999", "With at most so many confirmations"},
         {"addresses", "[str]", "all", "Only of these addresses", .usage = "[\"address\",...]"},
         {"include_unsafe", "bool", "true", "Also unconfirmed ones of others"},
         {"query_options",
          "{minimumAmount?:amount, maximumAmount?:amount, maximumCount?:num, "
          "minimumSumAmount?:amount, include_immature_coinbase?:bool}",
          NULL, "More conditions", "query_options", RPC_NAMED_OPTIONS}),
     "[{txid:hex, vout:num, address?:str, label?:str, redeemScript?:hex, witnessScript?:hex, "
     "scriptPubKey:hex, amount:amount, confirmations:num, ancestorcount?:num, "
     "ancestorsize?:num, ancestorfees?:num, spendable:bool, solvable:bool, desc?:str, "
     "parent_descs:[str], reused?:bool, safe:bool}]"},
    {"lockunspent", lockunspent,
     "Locks outputs against being chosen for payments, or unlocks them.",
     RPC_PARAMS({"unlock", "bool", RPC_REQUIRED, "Unlock (true) or lock (false)"},
                {"transactions", OUTPOINTS, NULL, "Which; none with unlock: all"},
                {"persistent", "bool", "false", "Keep the lock in the wallet's file"}),
     "bool"},
    {0},
};
