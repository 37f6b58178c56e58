/* Methods that pay: sendtoaddress, sendmany; and signing of a raw transaction. */
#include <stdlib.h>
#include <string.h>

#include "rpc/tx_json.h"
#include "rpc/wallet_fees.h"
#include "util/mem.h"
#include "util/random.h"

/* Payments are shown in no order that tells anything. */
static void shuffle_outputs(struct spend_request *r)
{
    for (size_t i = r->n_outputs; i > 1; i--) {
        size_t k = (size_t)random_below(i);
        struct spend_output t = r->outputs[i - 1];
        r->outputs[i - 1] = r->outputs[k];
        r->outputs[k] = t;
    }
}

static bool may_send(struct rpc_call *call, struct wallet *w)
{
    if (!rpc_wallet_unlocked(call, w))
        return false;
    if (wallet_flags(w) & WALLET_FLAG_DISABLE_PRIVATE_KEYS)
        return rpc_set_error(call, RPC_WALLET_ERROR,
                             "Error: Private keys are disabled for this wallet");
    return true;
}

static void put_sent(struct rpc_call *call, const struct tx *tx, enum spend_fee_source source)
{
    struct json *j = rpc_result(call);
    if (!rpc_arg_bool(call, "verbose", false)) {
        json_put_hash(j, NULL, tx->txid.b);
        return;
    }
    json_begin_object(j, NULL);
    json_put_hash(j, "txid", tx->txid.b);
    json_put_str(j, "fee_reason", spend_fee_source_name(source));
    json_end(j);
}

static struct rpc_answer *send_money(struct rpc_call *call, struct wallet *w,
                                     struct spend_request *r, const struct wtx_note *note)
{
    struct spend_result result;
    struct verdict v = {0};
    char *error = NULL;
    if (!may_send(call, w))
        return rpc_fail(call);
    shuffle_outputs(r);
    if (!wallet_spend(w, r, true, &result, &error)) {
        struct rpc_answer *a = rpc_error(call, RPC_WALLET_INSUFFICIENT_FUNDS, "%s", error);
        free(error);
        return a;
    }
    struct tx *tx = mtx_finish(&result.tx);
    /* What the mempool refuses now stays in the wallet and may go out later. */
    bool ok = wallet_commit_tx(w, tx, note, &v) || v.kind != VERDICT_ERROR;
    if (ok)
        put_sent(call, tx, result.fee_source);
    else
        rpc_set_error(call, RPC_WALLET_ERROR, "%s", v.detail);
    tx_unref(tx);
    spend_result_clear(&result);
    return ok ? rpc_ok(call) : rpc_fail(call);
}

static bool set_common(struct rpc_call *call, struct spend_request *r)
{
    if (rpc_arg_given(call, "replaceable"))
        r->rbf = rpc_arg_bool(call, "replaceable", true);
    return rpc_set_fee(call, r, rpc_arg(call, "conf_target"), rpc_arg(call, "estimate_mode"),
                       rpc_arg(call, "fee_rate"), false);
}

static struct rpc_answer *sendtoaddress(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct wtx_note note = {.comment = rpc_arg_str(call, "comment"),
                            .comment_to = rpc_arg_str(call, "comment_to")};
    struct spend_request r;
    struct rpc_answer *a = NULL;
    bool subtract = rpc_arg_bool(call, "subtractfeefromamount", false);
    if (!w || rpc_failed(call))
        return rpc_fail(call);
    spend_request_init(&r);
    r.outputs = xcalloc(1, sizeof(*r.outputs));
    r.n_outputs = 1;
    r.outputs[0].subtract_fee = subtract;
    bool ok = rpc_arg_avoid_reuse(call, w, "avoid_reuse", &r.avoid_reuse);
    r.avoid_partial = r.avoid_reuse;
    ok = ok && set_common(call, &r);
    ok = ok && rpc_address_script(call, rpc_arg_str(call, "address"), &r.outputs[0].script) &&
         rpc_arg_amount(call, "amount", &r.outputs[0].value);
    a = ok ? send_money(call, w, &r, &note) : rpc_fail(call);
    spend_request_clear(&r);
    return a;
}

static struct rpc_answer *sendmany(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct wtx_note note = {.comment = rpc_arg_str(call, "comment")};
    const char *dummy = rpc_arg_str(call, "dummy");
    struct json_object *amounts = rpc_arg(call, "amounts");
    struct spend_request r;
    struct mtx m;
    if (!w || rpc_failed(call))
        return rpc_fail(call);
    if (dummy && *dummy)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Dummy value must be set to \"\"");
    spend_request_init(&r);
    mtx_init(&m);
    bool ok = set_common(call, &r) && rpc_add_outputs(call, &m, amounts);
    const char **keys = ok ? rpc_output_keys(amounts, m.n_out) : NULL;
    ok = ok && rpc_set_outputs(call, &r, &m, rpc_arg(call, "subtractfeefrom"), keys);
    struct rpc_answer *a = ok ? send_money(call, w, &r, &note) : rpc_fail(call);
    free(keys);
    mtx_clear(&m);
    spend_request_clear(&r);
    return a;
}

/* ---- signrawtransactionwithwallet ---- */

static bool sign_with_wallet(struct rpc_call *call, struct wallet *w, struct mtx *m, int hash_type)
{
    struct buf memory = BUF_INIT;
    struct signing_provider p;
    struct tx_out *coins =
        rpc_spent_outputs(call, m, rpc_arg(call, "prevtxs"), &memory, NULL, NULL);
    bool ok = coins != NULL;
    if (ok) {
        wallet_provider(w, &p);
        /* First what is the wallet's own, by the position each output belongs to. */
        wallet_sign(w, m, coins, hash_type, NULL);
        ok = rpc_sign_tx(call, m, coins, &p, hash_type);
    }
    free(coins);
    buf_clear(&memory);
    return ok;
}

static struct rpc_answer *signrawtransactionwithwallet(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    int hash_type;
    struct mtx m;
    if (!w)
        return rpc_fail(call);
    struct tx *tx = rpc_arg_tx(call, "hexstring");
    if (!tx)
        return rpc_fail(call);
    mtx_from_tx(&m, tx);
    tx_unref(tx);
    bool ok = rpc_wallet_unlocked(call, w) &&
              rpc_sighash_type(call, rpc_arg_str(call, "sighashtype"), &hash_type) &&
              sign_with_wallet(call, w, &m, hash_type);
    mtx_clear(&m);
    return ok ? rpc_ok(call) : rpc_fail(call);
}

#define REPLACEABLE                                                                      \
    {                                                                                    \
        "replaceable", "bool", "wallet default", "Says that it may be replaced (BIP125)" \
    }
#define TARGET                                                                            \
    {                                                                                     \
        "conf_target", "num", "wallet -txconfirmtarget", "Blocks within which to confirm" \
    }
#define MODE                                                                     \
    {                                                                            \
        "estimate_mode", "str", "\"unset\"", "unset, economical or conservative" \
    }
#define FEE_RATE                                                                         \
    {                                                                                    \
        "fee_rate", "amount", "not set, fall back to wallet fee estimation", "In sat/vB" \
    }
#define VERBOSE                                             \
    {                                                       \
        "verbose", "bool", "false", "Also why this feerate" \
    }
#define SENT "hex | {txid:hex, fee_reason:str}"

const struct rpc_method rpc_wallet_spend_methods[] = {
    {"sendmany", sendmany, "Pays to several addresses in one transaction.",
     RPC_PARAMS({"dummy", "str", "\"\"", "For old callers; must be \"\"", .usage = "\"\""},
                {"amounts", "{<address>:amount}", RPC_REQUIRED, "What each address gets"},
                {"minconf", "num", NULL, "No longer of use"},
                {"comment", "str", NULL, "Kept in the wallet only"},
                {"subtractfeefrom", "[any]", NULL,
                 "Addresses that share the fee, instead of the sender",
                 .usage = "[\"address\",...]"},
                REPLACEABLE, TARGET, MODE, FEE_RATE, VERBOSE),
     SENT},
    {"sendtoaddress", sendtoaddress, "Pays to an address.",
     RPC_PARAMS({"address", "str", RPC_REQUIRED, "To whom"},
                {"amount", "amount", RPC_REQUIRED, "How much"},
                {"comment", "str", NULL, "What for; kept in the wallet only"},
                {"comment_to", "str", NULL, "To whom, in words; kept in the wallet only"},
                {"subtractfeefromamount", "bool", "false", "The receiver pays the fee"},
                REPLACEABLE, TARGET, MODE,
                {"avoid_reuse", "bool", "true",
                 "Leave coins of addresses alone that were spent from before"},
                FEE_RATE, VERBOSE),
     SENT},
    {"signrawtransactionwithwallet", signrawtransactionwithwallet,
     "Signs the inputs of a transaction with the wallet's keys.",
     RPC_PARAMS({"hexstring", "hex", RPC_REQUIRED, "The transaction"},
                {"prevtxs",
                 "[{txid:hex, vout:num, scriptPubKey:hex, redeemScript?:hex, witnessScript?:hex, "
                 "amount?:amount}]",
                 NULL, "Spent outputs that are not known here yet"},
                {"sighashtype", "str", "\"DEFAULT for Taproot, ALL otherwise\"",
                 "DEFAULT, ALL, NONE, SINGLE, each also with |ANYONECANPAY"}),
     "{hex:hex, complete:bool, errors?:[{txid:hex, vout:num, witness:[hex], scriptSig:hex, "
     "sequence:num, error:str}]}"},
    {0},
};
