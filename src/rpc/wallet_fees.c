/* Arguments that say how a payment's fee is found, and who pays it. */
#include "rpc/wallet_fees.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"

#define MAX_TARGET 1008

/* sat/vB with at most three decimals, into sat/kvB. */
static bool read_feerate(struct rpc_call *call, struct json_object *v, int64_t *out)
{
    int64_t amount;
    if (!rpc_get_amount(call, v, &amount))
        return false;
    if (amount % (COIN / 1000) != 0)
        return rpc_set_error(call, RPC_TYPE_ERROR, "Invalid amount");
    *out = amount / (COIN / 1000);
    return true;
}

static bool read_mode(struct rpc_call *call, struct json_object *v, int *conservative)
{
    const char *mode = json_object_get_string(v);
    *conservative = -1;
    if (strcasecmp(mode, "unset") == 0)
        return true;
    if (strcasecmp(mode, "economical") != 0 && strcasecmp(mode, "conservative") != 0)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid estimate_mode parameter, must be one of: \"unset\", "
                             "\"economical\", \"conservative\"");
    *conservative = strcasecmp(mode, "conservative") == 0;
    return true;
}

static bool set_explicit(struct rpc_call *call, struct spend_request *r,
                         struct json_object *conf_target, struct json_object *mode,
                         struct json_object *fee_rate, bool override_minimum)
{
    if (conf_target)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Cannot specify both conf_target and fee_rate. Please provide either "
                             "a confirmation target in blocks for automatic fee estimation, or an "
                             "explicit fee rate.");
    if (mode && strcmp(json_object_get_string(mode), "unset") != 0)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Cannot specify both estimate_mode and fee_rate");
    r->override_feerate = override_minimum;
    if (r->rbf < 0)
        r->rbf = 1;
    return read_feerate(call, fee_rate, &r->feerate);
}

bool rpc_set_fee(struct rpc_call *call, struct spend_request *r, struct json_object *conf_target,
                 struct json_object *estimate_mode, struct json_object *fee_rate,
                 bool override_minimum)
{
    int64_t target;
    if (fee_rate)
        return set_explicit(call, r, conf_target, estimate_mode, fee_rate, override_minimum);
    if (estimate_mode && !read_mode(call, estimate_mode, &r->estimate_conservative))
        return false;
    if (!conf_target)
        return true;
    if (!rpc_get_int(call, conf_target, &target))
        return false;
    if (target < 1 || target > MAX_TARGET)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid conf_target, must be between %u and %u", 1, MAX_TARGET);
    r->conf_target = (int)target;
    return true;
}

/* ---- outputs ---- */

static bool find_position(struct rpc_call *call, struct json_object *v, const char *const *keys,
                          size_t n, int64_t *at)
{
    if (json_object_is_type(v, json_type_int))
        return rpc_get_int(call, v, at);
    if (!json_object_is_type(v, json_type_string))
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter 'subtract fee from output', invalid value type: %s",
                             json_type_text(v));
    for (size_t i = 0; i < n; i++) {
        *at = (int64_t)i;
        if (keys && strcmp(keys[i], json_object_get_string(v)) == 0)
            return true;
    }
    return rpc_set_error(call, RPC_INVALID_PARAMETER,
                         "Invalid parameter 'subtract fee from output', destination %s not found "
                         "in tx outputs",
                         json_object_get_string(v));
}

static bool set_subtract(struct rpc_call *call, struct spend_request *r, struct json_object *list,
                         const char *const *keys)
{
    size_t n = list ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < n; i++) {
        const char *wrong = NULL;
        int64_t at;
        if (!find_position(call, json_object_array_get_idx(list, i), keys, r->n_outputs, &at))
            return false;
        if (at < 0)
            wrong = "negative position";
        else if (at >= (int64_t)r->n_outputs)
            wrong = "position too large";
        else if (r->outputs[at].subtract_fee)
            wrong = "duplicated position";
        if (wrong)
            return rpc_set_error(call, RPC_INVALID_PARAMETER,
                                 "Invalid parameter 'subtract fee from output', %s: %d", wrong,
                                 (int)at);
        r->outputs[at].subtract_fee = true;
    }
    return true;
}

bool rpc_set_outputs(struct rpc_call *call, struct spend_request *r, const struct mtx *m,
                     struct json_object *subtract, const char *const *keys)
{
    r->outputs = xcalloc(m->n_out + 1, sizeof(*r->outputs));
    r->n_outputs = m->n_out;
    for (size_t i = 0; i < m->n_out; i++) {
        r->outputs[i].value = m->out[i].value;
        write_span(&r->outputs[i].script, buf_span(&m->out[i].script_pubkey));
    }
    return set_subtract(call, r, subtract, keys);
}

static size_t add_keys(struct json_object *object, const char **keys, size_t at, size_t n)
{
    struct json_object_iterator it = json_object_iter_begin(object);
    struct json_object_iterator end = json_object_iter_end(object);
    for (; at < n && !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
        keys[at++] = json_object_iter_peek_name(&it);
    return at;
}

const char **rpc_output_keys(struct json_object *outputs, size_t n)
{
    const char **keys = xcalloc(n + 1, sizeof(*keys));
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        keys[i] = "";
    if (json_object_is_type(outputs, json_type_object))
        add_keys(outputs, keys, 0, n);
    else
        for (size_t i = 0; i < json_object_array_length(outputs); i++)
            at = add_keys(json_object_array_get_idx(outputs, i), keys, at, n);
    return keys;
}
