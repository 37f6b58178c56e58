/* fundrawtransaction and send: payments whose inputs and change the caller may choose. */
#include <stdlib.h>
#include <string.h>

#include "rpc/tx_json.h"
#include "rpc/wallet_fees.h"
#include "util/mem.h"

#define MIN_INPUT_WEIGHT    165
#define MAX_STANDARD_WEIGHT 400000
#define TRUC_VERSION        3
#define TRUC_MAX_WEIGHT     40000

/* A member by its present name, or by the one of before. */
static struct json_object *pick(struct json_object *o, const char *name, const char *old)
{
    struct json_object *v = json_get(o, name);
    return v || !old ? v : json_get(o, old);
}

static bool flag(struct json_object *o, const char *name, const char *old, bool def)
{
    struct json_object *v = pick(o, name, old);
    return v ? json_object_get_boolean(v) : def;
}

/* ---- change ---- */

static bool set_change(struct rpc_call *call, struct spend_request *r, struct json_object *o)
{
    struct json_object *address = pick(o, "change_address", "changeAddress"), *v;
    struct destination d;
    int64_t at;
    if (address) {
        if (!address_decode(&rpc_ctx(call)->net->address, json_object_get_string(address), &d,
                            NULL))
            return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                                 "Change address must be a valid bitcoin address");
        destination_script(&d, &r->change_script);
    }
    if ((v = pick(o, "change_position", "changePosition"))) {
        if (!rpc_get_int(call, v, &at))
            return false;
        if (at < 0 || at > (int64_t)r->n_outputs)
            return rpc_set_error(call, RPC_INVALID_PARAMETER, "changePosition out of bounds");
        r->change_position = (int)at;
    }
    if (!(v = json_get(o, "change_type")))
        return true;
    if (address)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Cannot specify both change address and address type options");
    if (!output_type_parse(json_object_get_string(v), &r->change_type))
        return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Unknown change type '%s'",
                             json_object_get_string(v));
    return true;
}

/* ---- fee and limits ---- */

static bool set_old_feerate(struct rpc_call *call, struct spend_request *r, struct json_object *o)
{
    struct json_object *v = json_get(o, "feeRate");
    if (!v)
        return true;
    if (json_get(o, "fee_rate"))
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Cannot specify both fee_rate (sat/vB) and feeRate (BTC/kvB)");
    if (json_get(o, "conf_target"))
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Cannot specify both conf_target and feeRate. Please provide either a "
                             "confirmation target in blocks for automatic fee estimation, or an "
                             "explicit fee rate.");
    if (json_get(o, "estimate_mode"))
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Cannot specify both estimate_mode and feeRate");
    r->override_feerate = true;
    return rpc_get_amount(call, v, &r->feerate);
}

static bool set_depths(struct rpc_call *call, struct spend_request *r, struct json_object *o)
{
    struct json_object *least = json_get(o, "minconf"), *most = json_get(o, "maxconf");
    int64_t n;
    if (least) {
        if (!rpc_get_int(call, least, &n))
            return false;
        if (n < 0)
            return rpc_set_error(call, RPC_INVALID_PARAMETER, "Negative minconf");
        r->min_depth = (int32_t)n;
    }
    if (!most)
        return true;
    if (!rpc_get_int(call, most, &n))
        return false;
    if (n < r->min_depth)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "maxconf can't be lower than minconf: %d < %d", (int)n, r->min_depth);
    r->max_depth = (int32_t)n;
    return true;
}

static bool set_weight_limit(struct rpc_call *call, struct spend_request *r, struct json_object *o)
{
    struct json_object *v = json_get(o, "max_tx_weight");
    int64_t n;
    if (v) {
        if (!rpc_get_int(call, v, &n))
            return false;
        r->max_weight = n;
    }
    if (r->version == TRUC_VERSION && (!r->max_weight || r->max_weight > TRUC_MAX_WEIGHT))
        r->max_weight = TRUC_MAX_WEIGHT;
    return true;
}

static bool set_options(struct rpc_call *call, struct spend_request *r, struct json_object *o,
                        bool override_minimum)
{
    struct json_object *v;
    if ((v = json_get(o, "add_inputs")))
        r->add_inputs = json_object_get_boolean(v);
    r->include_unsafe = flag(o, "include_unsafe", NULL, false);
    if ((v = json_get(o, "replaceable")))
        r->rbf = json_object_get_boolean(v);
    return set_change(call, r, o) && set_old_feerate(call, r, o) && set_depths(call, r, o) &&
           set_weight_limit(call, r, o) &&
           (json_get(o, "feeRate") ||
            rpc_set_fee(call, r, json_get(o, "conf_target"), json_get(o, "estimate_mode"),
                        json_get(o, "fee_rate"), override_minimum));
}

/* ---- inputs ---- */

static bool set_weight(struct rpc_call *call, struct spend_request *r, struct json_object *v)
{
    struct outpoint o;
    int64_t n, weight;
    struct json_object *vout = json_get(v, "vout"), *w = json_get(v, "weight");
    if (!rpc_get_hash(call, json_get(v, "txid"), "txid", o.txid.b))
        return false;
    if (!json_object_is_type(vout, json_type_int))
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, missing vout key");
    if (!rpc_get_int(call, vout, &n))
        return false;
    if (n < 0)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, vout cannot be negative");
    if (!json_object_is_type(w, json_type_int))
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, missing weight key");
    if (!rpc_get_int(call, w, &weight))
        return false;
    if (weight < MIN_INPUT_WEIGHT)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, weight cannot be less than 165 (41 bytes (size of "
                             "outpoint + sequence + empty scriptSig) * 4 (witness scaling factor)) "
                             "+ 1 (empty witness)");
    if (weight > MAX_STANDARD_WEIGHT)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, weight cannot be greater than the maximum "
                             "standard tx weight of %d",
                             MAX_STANDARD_WEIGHT);
    o.n = (uint32_t)n;
    for (size_t i = 0; i < r->n_inputs; i++)
        if (outpoint_eq(&r->inputs[i].out, &o))
            r->inputs[i].weight = weight;
    return true;
}

static bool set_weights(struct rpc_call *call, struct spend_request *r, struct json_object *list)
{
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        if (!rpc_check_type(call, v, "{}") || !set_weight(call, r, v))
            return false;
    }
    return true;
}

/* The inputs of m, with what the chain and the mempool know of the outputs they spend. */
static bool set_inputs(struct rpc_call *call, struct spend_request *r, const struct mtx *m,
                       bool given_sequences, struct buf *memory)
{
    struct tx_out *coins = rpc_spent_outputs(call, m, NULL, memory, NULL, NULL);
    if (!coins)
        return false;
    r->inputs = xcalloc(m->n_in + 1, sizeof(*r->inputs));
    r->n_inputs = m->n_in;
    for (size_t i = 0; i < m->n_in; i++)
        r->inputs[i] = (struct spend_input){.out = m->in[i].prev,
                                            .sequence = m->in[i].sequence,
                                            .has_sequence = given_sequences,
                                            .txout = coins[i]};
    free(coins);
    return true;
}

static void lock_inputs(struct wallet *w, const struct mtx *m)
{
    for (size_t i = 0; i < m->n_in; i++)
        wallet_lock_coin(w, &m->in[i].prev, true, false);
}

/* ---- fundrawtransaction ---- */

static bool decode(struct rpc_call *call, struct mtx *m)
{
    bool given = rpc_arg_given(call, "iswitness"), witness = rpc_arg_bool(call, "iswitness", true);
    struct tx *tx =
        tx_parse_hex(rpc_arg_str(call, "hexstring"), !given || !witness, !given || witness);
    if (!tx)
        return rpc_set_error(call, RPC_DESERIALIZATION_ERROR, "TX decode failed");
    mtx_clear(m);
    mtx_from_tx(m, tx);
    tx_unref(tx);
    return true;
}

/* Signatures that were there stay. */
static void keep_signatures(struct mtx *to, const struct mtx *from)
{
    for (size_t i = 0; i < from->n_in; i++) {
        const struct mtx_in *in = &from->in[i];
        struct span *items = xcalloc(in->n_witness + 1, sizeof(*items));
        for (size_t k = 0; k < in->n_witness; k++)
            items[k] = buf_span(&in->witness[k]);
        buf_reset(&to->in[i].script_sig);
        write_span(&to->in[i].script_sig, buf_span(&in->script_sig));
        mtx_in_set_witness(&to->in[i], items, in->n_witness);
        free(items);
    }
}

static void put_funded(struct json *j, const struct spend_result *result)
{
    struct tx *tx = mtx_finish(&result->tx);
    json_begin_object(j, NULL);
    json_put_tx_hex(j, "hex", tx);
    json_put_amount(j, "fee", result->fee);
    json_put_int(j, "changepos", result->change_position);
    json_end(j);
    tx_unref(tx);
}

static bool fund(struct rpc_call *call, struct wallet *w, struct spend_request *r,
                 const struct mtx *m, struct json_object *o)
{
    struct spend_result result;
    char *error = NULL;
    if (r->n_outputs == 0)
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "TX must have at least one output");
    if (!wallet_spend(w, r, false, &result, &error)) {
        rpc_set_error(call, RPC_WALLET_ERROR, "%s", error);
        free(error);
        return false;
    }
    keep_signatures(&result.tx, m);
    if (flag(o, "lockUnspents", "lock_unspents", false))
        lock_inputs(w, &result.tx);
    put_funded(rpc_result(call), &result);
    spend_result_clear(&result);
    return true;
}

static struct rpc_answer *fundrawtransaction(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json_object *o = rpc_arg(call, "options");
    struct spend_request r;
    struct mtx m;
    struct buf memory = BUF_INIT;
    if (!w || !rpc_arg_check_object(call, "options", true))
        return rpc_fail(call);
    spend_request_init(&r);
    mtx_init(&m);
    bool ok =
        decode(call, &m) &&
        rpc_set_outputs(call, &r, &m,
                        pick(o, "subtractFeeFromOutputs", "subtract_fee_from_outputs"), NULL) &&
        set_inputs(call, &r, &m, true, &memory);
    r.version = m.version;
    r.lock_time = m.lock_time;
    ok = ok && set_options(call, &r, o, true) &&
         set_weights(call, &r, json_get(o, "input_weights")) && fund(call, w, &r, &m, o);
    mtx_clear(&m);
    spend_request_clear(&r);
    buf_clear(&memory);
    return ok ? rpc_ok(call) : rpc_fail(call);
}

/* ---- send ---- */

/* Options that may also stand as arguments of the call. */
static bool merge_options(struct rpc_call *call, struct json_object *o)
{
    static const char *const outdated[][2] = {
        {"feeRate", "fee_rate (sat/vB)"},
        {"changeAddress", "change_address"},
        {"changePosition", "change_position"},
        {"lockUnspents", "lock_unspents"},
        {"subtractFeeFromOutputs", "subtract_fee_from_outputs"}};
    struct json_object *target = rpc_arg(call, "conf_target"),
                       *mode = rpc_arg(call, "estimate_mode");
    struct json_object *rate = rpc_arg(call, "fee_rate");
    if ((json_get(o, "conf_target") || json_get(o, "estimate_mode")) && (target || mode))
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Pass conf_target and estimate_mode either as arguments or in the "
                             "options object, but not both");
    if (json_get(o, "fee_rate") && rate)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Pass the fee_rate either as an argument, or in the options object, "
                             "but not both");
    if (target)
        json_object_object_add(o, "conf_target", json_object_get(target));
    if (mode)
        json_object_object_add(o, "estimate_mode", json_object_get(mode));
    if (rate)
        json_object_object_add(o, "fee_rate", json_object_get(rate));
    mode = json_get(o, "estimate_mode");
    if (json_get(o, "conf_target") && (!mode || strcmp(json_object_get_string(mode), "unset") == 0))
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "Specify estimate_mode");
    for (size_t i = 0; i < ARRAY_LEN(outdated); i++)
        if (json_get(o, outdated[i][0]))
            return rpc_set_error(call, RPC_INVALID_PARAMETER, "Use %s instead of %s",
                                 outdated[i][1], outdated[i][0]);
    return true;
}

static bool set_send_weights(struct rpc_call *call, struct spend_request *r, struct json_object *o)
{
    struct json_object *inputs = json_get(o, "inputs");
    if (json_get(o, "input_weights"))
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Input weights should be specified in inputs rather than in options.");
    for (size_t i = 0; inputs && i < json_object_array_length(inputs); i++) {
        struct json_object *v = json_object_array_get_idx(inputs, i);
        if (json_get(v, "weight") && !set_weight(call, r, v))
            return false;
    }
    return true;
}

static void put_sent(struct json *j, const struct tx *tx, bool with_hex)
{
    json_begin_object(j, NULL);
    json_put_hash(j, "txid", tx->txid.b);
    if (with_hex)
        json_put_tx_hex(j, "hex", tx);
    json_put_bool(j, "complete", true);
    json_end(j);
}

static bool spend_and_send(struct rpc_call *call, struct wallet *w, struct spend_request *r,
                           struct json_object *o)
{
    struct spend_result result;
    struct verdict v = {0};
    char *error = NULL;
    bool add = flag(o, "add_to_wallet", NULL, true), ok = true;
    if (flag(o, "psbt", NULL, false))
        return rpc_set_error(call, RPC_WALLET_ERROR, "PSBT is not supported");
    if (!wallet_spend(w, r, true, &result, &error)) {
        rpc_set_error(call, RPC_WALLET_ERROR, "%s", error);
        free(error);
        return false;
    }
    struct tx *tx = mtx_finish(&result.tx);
    if (flag(o, "lock_unspents", NULL, false))
        lock_inputs(w, &result.tx);
    if (add && !wallet_commit_tx(w, tx, NULL, &v) && v.kind == VERDICT_ERROR)
        ok = rpc_set_error(call, RPC_WALLET_ERROR, "%s", v.detail);
    if (ok && !add)
        ok = wallet_save(w) ||
             rpc_set_error(call, RPC_WALLET_ERROR, "The wallet file could not be written");
    if (ok)
        put_sent(rpc_result(call), tx, !add);
    tx_unref(tx);
    spend_result_clear(&result);
    return ok;
}

static bool prepare_send(struct rpc_call *call, struct wallet *w, struct spend_request *r,
                         struct json_object *o, struct buf *memory)
{
    struct json_object *outputs = rpc_arg(call, "outputs"), *lock = json_get(o, "locktime");
    struct json_object *replaceable = json_get(o, "replaceable");
    struct mtx m;
    int64_t lock_time = 0, version = rpc_arg_int(call, "version", 2);
    bool rbf =
        replaceable ? json_object_get_boolean(replaceable) : wallets_opts(wallet_set(w))->rbf;
    mtx_init(&m);
    bool ok = !rpc_failed(call);
    if (ok && lock && !json_as_int(lock, 0, UINT32_MAX, &lock_time))
        ok = rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, locktime out of range");
    ok = ok && rpc_build_tx(call, &m, json_get(o, "inputs"), outputs, lock_time, rbf, version);
    const char **keys = ok ? rpc_output_keys(outputs, m.n_out) : NULL;
    ok = ok && rpc_set_outputs(call, r, &m, json_get(o, "subtract_fee_from_outputs"), keys) &&
         set_inputs(call, r, &m, true, memory);
    r->add_inputs = m.n_in == 0;
    r->version = (uint32_t)version;
    if (lock)
        r->lock_time = lock_time;
    ok = ok && set_send_weights(call, r, o) && set_options(call, r, o, false);
    free(keys);
    mtx_clear(&m);
    return ok;
}

static struct rpc_answer *send(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json_object *given = rpc_arg(call, "options"), *o = NULL;
    struct spend_request r;
    struct buf memory = BUF_INIT;
    bool parsed;
    if (!w || !rpc_wallet_unlocked(call, w) || !rpc_arg_check_object(call, "options", true))
        return rpc_fail(call);
    const char *text = given ? json_object_to_json_string(given) : "{}";
    o = json_parse(text, strlen(text), &parsed); /* a copy to change */
    spend_request_init(&r);
    bool ok = merge_options(call, o) && prepare_send(call, w, &r, o, &memory) &&
              spend_and_send(call, w, &r, o);
    json_object_put(o);
    spend_request_clear(&r);
    buf_clear(&memory);
    return ok ? rpc_ok(call) : rpc_fail(call);
}

#define COMMON_OPTIONS                                                                         \
    "add_inputs?:bool, include_unsafe?:bool, minconf?:num, maxconf?:num, change_type?:str, "   \
    "max_tx_weight?:num, conf_target?:num, estimate_mode?:str, replaceable?:bool, "            \
    "solving_data?:{pubkeys?:[hex], scripts?:[hex], descriptors?:[str]}, fee_rate?:amount, "   \
    "change_address?:str, changeAddress?:str, change_position?:num, changePosition?:num, "     \
    "lock_unspents?:bool, lockUnspents?:bool, include_watching?:bool, includeWatching?:bool, " \
    "subtract_fee_from_outputs?:[any], subtractFeeFromOutputs?:[any], feeRate?:amount, "       \
    "input_weights?:[any], inputs?:[any], locktime?:num, psbt?:bool, add_to_wallet?:bool"

const struct rpc_method rpc_wallet_fundraw_methods[] = {
    {"fundrawtransaction", fundrawtransaction,
     "Adds inputs to a transaction until they cover its outputs and the fee, and a change output.",
     RPC_PARAMS({"hexstring", "hex", RPC_REQUIRED, "The transaction"},
                {"options", "{" COMMON_OPTIONS "}", NULL, "How", "options", RPC_NAMED_OPTIONS},
                {"iswitness", "bool", "depends on heuristic tests",
                 "Whether the hex is in the form with witnesses"}),
     "{hex:hex, fee:amount, changepos:num}"},
    {0},
};

const struct rpc_method rpc_wallet_fund_methods[] = {
    {"send", send, "Pays to one or several receivers.",
     RPC_PARAMS({"outputs", "any", RPC_REQUIRED,
                 "Addresses with amounts, and at most one \"data\" with hex",
                 .usage = "[{\"address\":amount,...},{\"data\":\"hex\"},...]"},
                {"conf_target", "num", "wallet -txconfirmtarget", "Blocks within which to confirm"},
                {"estimate_mode", "str", "\"unset\"", "unset, economical or conservative"},
                {"fee_rate", "amount", "not set, fall back to wallet fee estimation", "In sat/vB"},
                {"options", "{" COMMON_OPTIONS "}", NULL, "How", "options", RPC_NAMED_OPTIONS},
                {"version", "num", "2", "Of the transaction"}),
     "{complete:bool, txid?:hex, hex?:hex, psbt?:str}"},
    {0},
};
