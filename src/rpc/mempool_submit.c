/* Methods that offer transactions to the mempool. */
#include <stdlib.h>

#include "mempool/mempool.h"
#include "net/net.h"
#include "rpc/rpc.h"
#include "rpc/tx_json.h"
#include "script/script.h"
#include "util/mem.h"

enum { PACKAGE_MAX = 25 };
#define MAX_FEERATE_DEFAULT (COIN / 10) /* 0.10 a kvB */

/* A feerate argument in the unit a kvB; false with the error noted. */
static bool arg_max_feerate(struct rpc_call *call, int64_t *rate)
{
    *rate = MAX_FEERATE_DEFAULT;
    if (!rpc_arg_given(call, "maxfeerate"))
        return true;
    if (!rpc_arg_amount(call, "maxfeerate", rate))
        return false;
    if (*rate >= COIN)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Fee rates larger than or equal to 1BTC/kvB are not accepted");
    return true;
}

/* ---- sendrawtransaction ---- */

static bool burns_too_much(const struct tx *tx, int64_t max_burn)
{
    for (uint32_t i = 0; i < tx->n_out; i++) {
        struct span script = tx->out[i].script_pubkey;
        if (tx->out[i].value > max_burn &&
            (script_unspendable(script) || !script_has_valid_ops(script)))
            return true;
    }
    return false;
}

/* Whether the transaction is in a block already: one of its outputs is a coin. */
static bool is_confirmed(struct rpc_call *call, const struct tx *tx)
{
    struct buf memory = BUF_INIT;
    bool found = false;
    for (uint32_t i = 0; i < tx->n_out && !found; i++) {
        struct outpoint o = {tx->txid, i};
        struct coin coin;
        enum coin_result r = chain_coin(rpc_ctx(call)->chain, &o, &coin, &memory);
        found = r == COIN_FOUND;
        if (r == COIN_ERROR)
            rpc_set_error(call, RPC_DATABASE_ERROR, "Reading a coin failed");
    }
    buf_clear(&memory);
    return found;
}

static bool reject(struct rpc_call *call, const struct verdict *v)
{
    char text[600];
    enum rpc_code code = RPC_VERIFY_REJECTED;
    if (v->kind == VERDICT_MISSING_INPUTS || v->kind == VERDICT_ERROR)
        code = RPC_VERIFY_ERROR;
    return rpc_set_error(call, code, "%s", verdict_text(v, text, sizeof(text)));
}

static bool offer(struct rpc_call *call, const struct tx *tx, int64_t max_fee)
{
    struct mempool *m = rpc_ctx(call)->mempool;
    struct accept_result r;
    bool ok = true;
    /* Tried out first only where the fee may be refused. */
    if (max_fee > 0) {
        ok = mempool_accept(m, tx, MEMPOOL_TEST, &r);
        if (!ok)
            reject(call, &r.verdict);
        else if (r.fee > max_fee)
            ok = rpc_set_error(
                call, RPC_VERIFY_ERROR,
                "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
        accept_result_clear(&r);
    }
    if (!ok)
        return false;
    ok = mempool_accept(m, tx, 0, &r) || reject(call, &r.verdict);
    accept_result_clear(&r);
    return ok;
}

static bool send_tx(struct rpc_call *call, const struct tx *tx, int64_t max_fee)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    chain_drain(ctx->chain);
    const struct mempool_entry *known = mempool_get(ctx->mempool, &tx->txid);
    struct wtxid wtxid = known ? known->tx->wtxid : tx->wtxid;
    if (known == NULL) {
        if (is_confirmed(call, tx) || rpc_failed(call))
            return rpc_set_error(call, RPC_VERIFY_ALREADY_IN_UTXO_SET,
                                 "Transaction outputs already in utxo set");
        if (!offer(call, tx, max_fee))
            return false;
        mempool_set_unbroadcast(ctx->mempool, &tx->txid, true);
    }
    if (ctx->p2p)
        net_broadcast_tx(ctx->p2p, &tx->txid, &wtxid);
    return true;
}

static struct rpc_answer *sendrawtransaction(struct rpc_call *call)
{
    int64_t max_rate, max_burn = 0;
    bool burn_given = rpc_arg_given(call, "maxburnamount");
    if ((burn_given && !rpc_arg_amount(call, "maxburnamount", &max_burn)) || rpc_failed(call))
        return rpc_fail(call);
    struct tx *tx = rpc_arg_tx(call, "hexstring");
    if (tx == NULL)
        return rpc_fail(call);
    if (burns_too_much(tx, max_burn))
        rpc_set_error(call, RPC_VERIFY_ERROR,
                      "Unspendable output exceeds maximum configured by user (maxburnamount)");
    else if (arg_max_feerate(call, &max_rate) &&
             send_tx(call, tx, feerate_fee(max_rate, tx_vsize(tx))))
        json_put_hash(rpc_result(call), NULL, tx->txid.b);
    tx_unref(tx);
    return rpc_failed(call) ? rpc_fail(call) : rpc_ok(call);
}

/* ---- testmempoolaccept ---- */

static void put_accepted(struct json *j, const struct tx *tx, const struct accept_result *r)
{
    json_put_bool(j, "allowed", true);
    json_put_int(j, "vsize_adjusted", r->vsize);
    json_put_int(j, "vsize", r->vsize);
    json_put_uint(j, "vsize_bip141", tx_vsize(tx));
    json_begin_object(j, "fees");
    json_put_amount(j, "base", r->fee);
    json_put_amount(j, "effective-feerate", feerate_of(r->modified_fee, r->vsize));
    json_begin_array(j, "effective-includes");
    json_put_hash(j, NULL, tx->wtxid.b);
    json_end(j);
    json_end(j);
}

static void put_refused(struct json *j, const struct verdict *v)
{
    char text[600];
    json_put_bool(j, "allowed", false);
    if (v->kind == VERDICT_MISSING_INPUTS) {
        json_put_str(j, "reject-reason", "missing-inputs");
        return;
    }
    json_put_str(j, "reject-reason", v->reason);
    json_put_str(j, "reject-details", verdict_text(v, text, sizeof(text)));
}

static void test_one(struct rpc_call *call, const struct tx *tx, int64_t max_rate)
{
    struct json *j = rpc_result(call);
    struct accept_result r;
    bool ok = mempool_accept(rpc_ctx(call)->mempool, tx, MEMPOOL_TEST, &r);
    int64_t max_fee = feerate_fee(max_rate, r.vsize);
    json_begin_object(j, NULL);
    json_put_hash(j, "txid", tx->txid.b);
    json_put_hash(j, "wtxid", tx->wtxid.b);
    if (!ok) {
        put_refused(j, &r.verdict);
    } else if (max_fee > 0 && r.fee > max_fee) {
        json_put_bool(j, "allowed", false);
        json_put_str(j, "reject-reason", "max-fee-exceeded");
    } else {
        put_accepted(j, tx, &r);
    }
    json_end(j);
    accept_result_clear(&r);
}

static struct tx *parse_member(struct rpc_call *call, struct json_object *v)
{
    if (!rpc_check_type(call, v, "str"))
        return NULL;
    const char *hex = json_object_get_string(v);
    struct tx *tx = tx_parse_hex(hex, true, true);
    if (tx == NULL)
        rpc_set_error(call, RPC_DESERIALIZATION_ERROR,
                      "TX decode failed: %s Make sure the tx has at least one input.", hex);
    return tx;
}

static struct rpc_answer *testmempoolaccept(struct rpc_call *call)
{
    struct json_object *list = rpc_arg(call, "rawtxs");
    size_t n = json_object_array_length(list);
    int64_t max_rate;
    if (n < 1 || n > PACKAGE_MAX)
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Array must contain between 1 and %d transactions.", PACKAGE_MAX);
    if (!arg_max_feerate(call, &max_rate))
        return rpc_fail(call);
    if (n > 1)
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Packages are not supported: give one transaction at a time");
    struct tx *tx = parse_member(call, json_object_array_get_idx(list, 0));
    if (tx == NULL)
        return rpc_fail(call);
    json_begin_array(rpc_result(call), NULL);
    test_one(call, tx, max_rate);
    json_end(rpc_result(call));
    tx_unref(tx);
    return rpc_ok(call);
}

#define MAX_FEERATE_PARAM                                                                  \
    {                                                                                      \
        "maxfeerate", "amount", "0.10",                                                    \
            "Transactions that pay more a kvB are refused; 0: any, 1 and above: an error", \
    }

const struct rpc_method rpc_mempool_submit_methods[] = {
    {"sendrawtransaction", sendrawtransaction,
     "Puts a transaction into the mempool and gives it to peers.",
     RPC_PARAMS({"hexstring", "hex", RPC_REQUIRED, "The transaction"}, MAX_FEERATE_PARAM,
                {"maxburnamount", "amount", "0.00",
                 "Transactions that put more into an unspendable output are refused"}),
     "hex"},
    {"testmempoolaccept", testmempoolaccept,
     "Whether the mempool would take a transaction, and what it would cost.",
     RPC_PARAMS({"rawtxs", "[hex]", RPC_REQUIRED, "The transaction"}, MAX_FEERATE_PARAM),
     "[{txid:hex, wtxid:hex, package-error?:str, allowed?:bool, vsize_adjusted?:num, vsize?:num, "
     "vsize_bip141?:num, fees?:{base:amount, effective-feerate:amount, effective-includes:[hex]}, "
     "reject-reason?:str, reject-details?:str}]"},
    {0},
};
