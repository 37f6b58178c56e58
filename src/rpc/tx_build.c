/*
 * Transactions from JSON: the inputs and outputs that createrawtransaction and its kin take, with
 * their checks and messages.
 */
#include <stdlib.h>

#include "consensus/params.h"
#include "rpc/tx_json.h"
#include "script/standard.h"
#include "util/mem.h"

#define SEQUENCE_RBF      0xfffffffdu
#define SEQUENCE_LOCKTIME 0xfffffffeu
#define MIN_TX_VERSION    1
#define MAX_TX_VERSION    3

struct tx *rpc_arg_tx(struct rpc_call *call, const char *name)
{
    const char *hex = rpc_arg_str(call, name);
    struct tx *tx = hex ? tx_parse_hex(hex, true, true) : NULL;
    if (!tx)
        rpc_set_error(call, RPC_DESERIALIZATION_ERROR,
                      "TX decode failed. Make sure the tx has at least one input.");
    return tx;
}

bool rpc_address_script(struct rpc_call *call, const char *address, struct buf *script)
{
    struct destination d;
    if (!address_decode(&rpc_ctx(call)->net->address, address, &d, NULL))
        return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid Bitcoin address: %s",
                             address);
    destination_script(&d, script);
    return true;
}

/* ---- inputs ---- */

static bool read_vout(struct rpc_call *call, struct json_object *v, uint32_t *n)
{
    int64_t value;
    if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, missing vout key");
    if (!rpc_get_int(call, v, &value))
        return false;
    if (value < 0)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, vout cannot be negative");
    *n = (uint32_t)value;
    return true;
}

static bool read_sequence(struct rpc_call *call, struct json_object *v, uint32_t *sequence)
{
    int64_t n;
    if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
        return true; /* the default stays */
    if (!json_as_int(v, 0, UINT32_MAX, &n))
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, sequence number is out of range");
    *sequence = (uint32_t)n;
    return true;
}

static bool add_inputs(struct rpc_call *call, struct mtx *m, struct json_object *inputs, int rbf)
{
    size_t n = inputs ? json_object_array_length(inputs) : 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *v = json_object_array_get_idx(inputs, i);
        struct outpoint prev;
        uint32_t sequence = rbf != 0            ? SEQUENCE_RBF
                            : m->lock_time != 0 ? SEQUENCE_LOCKTIME
                                                : SEQUENCE_FINAL;
        if (!rpc_check_type(call, v, "{}") ||
            !rpc_get_hash(call, json_get(v, "txid"), "txid", prev.txid.b) ||
            !read_vout(call, json_get(v, "vout"), &prev.n) ||
            !read_sequence(call, json_get(v, "sequence"), &sequence))
            return false;
        mtx_add_in(m, &prev, sequence);
    }
    return true;
}

/* ---- outputs ---- */

/* Keys that were seen: addresses by their script, "data" by an empty one. */
struct seen {
    struct buf *scripts;
    size_t n, cap;
};

static bool seen_before(struct seen *s, struct span script)
{
    for (size_t i = 0; i < s->n; i++)
        if (span_eq(buf_span(&s->scripts[i]), script))
            return true;
    s->scripts = array_reserve(s->scripts, &s->cap, s->n + 1, sizeof(*s->scripts));
    buf_init(&s->scripts[s->n]);
    write_span(&s->scripts[s->n++], script);
    return false;
}

static void seen_clear(struct seen *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_clear(&s->scripts[i]);
    free(s->scripts);
}

static bool add_data(struct rpc_call *call, struct mtx *m, struct json_object *value,
                     struct seen *seen)
{
    struct buf data = BUF_INIT, script = BUF_INIT;
    bool ok = true;
    if (seen_before(seen, span_of(NULL, 0)))
        ok = rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, duplicate key: data");
    else
        ok = rpc_get_hex(call, value, "Data", &data);
    if (ok) {
        script_op(&script, OP_RETURN);
        script_push_span(&script, buf_span(&data));
        mtx_add_out(m, 0, buf_span(&script));
    }
    buf_clear(&data);
    buf_clear(&script);
    return ok;
}

static bool add_payment(struct rpc_call *call, struct mtx *m, const char *address,
                        struct json_object *value, struct seen *seen)
{
    struct buf script = BUF_INIT;
    int64_t amount;
    bool ok = rpc_address_script(call, address, &script);
    if (ok && seen_before(seen, buf_span(&script)))
        ok = rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, duplicated address: %s",
                           address);
    ok = ok && rpc_get_amount(call, value, &amount);
    if (ok)
        mtx_add_out(m, amount, buf_span(&script));
    buf_clear(&script);
    return ok;
}

static bool add_members(struct rpc_call *call, struct mtx *m, struct json_object *object,
                        struct seen *seen)
{
    struct json_object_iterator it = json_object_iter_begin(object);
    struct json_object_iterator end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *key = json_object_iter_peek_name(&it);
        struct json_object *v = json_object_iter_peek_value(&it);
        if (strcmp(key, "data") == 0 ? !add_data(call, m, v, seen)
                                     : !add_payment(call, m, key, v, seen))
            return false;
    }
    return true;
}

bool rpc_add_outputs(struct rpc_call *call, struct mtx *m, struct json_object *outputs)
{
    struct seen seen = {0};
    bool ok = true;
    if (!outputs)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, output argument must be non-null");
    if (json_object_is_type(outputs, json_type_object)) {
        ok = add_members(call, m, outputs, &seen);
    } else if ((ok = rpc_check_type(call, outputs, "[]"))) {
        for (size_t i = 0; ok && i < json_object_array_length(outputs); i++) {
            struct json_object *v = json_object_array_get_idx(outputs, i);
            if (!json_object_is_type(v, json_type_object))
                ok = rpc_set_error(call, RPC_INVALID_PARAMETER,
                                   "Invalid parameter, key-value pair not an object as expected");
            else if (json_object_object_length(v) != 1)
                ok =
                    rpc_set_error(call, RPC_INVALID_PARAMETER,
                                  "Invalid parameter, key-value pair must contain exactly one key");
            else
                ok = add_members(call, m, v, &seen);
        }
    }
    seen_clear(&seen);
    return ok;
}

/* ---- the whole ---- */

static bool signals_rbf(const struct mtx *m)
{
    for (size_t i = 0; i < m->n_in; i++)
        if (m->in[i].sequence <= SEQUENCE_RBF)
            return true;
    return false;
}

bool rpc_build_tx(struct rpc_call *call, struct mtx *m, struct json_object *inputs,
                  struct json_object *outputs, int64_t lock_time, int rbf, int64_t version)
{
    mtx_init(m);
    if (lock_time < 0 || lock_time > UINT32_MAX)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, locktime out of range");
    if (version < MIN_TX_VERSION || version > MAX_TX_VERSION)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, version out of range(%d~%d)", MIN_TX_VERSION,
                             MAX_TX_VERSION);
    m->lock_time = (uint32_t)lock_time;
    m->version = (uint32_t)version;
    if (!add_inputs(call, m, inputs, rbf) || !rpc_add_outputs(call, m, outputs))
        return false;
    if (rbf > 0 && m->n_in > 0 && !signals_rbf(m))
        return rpc_set_error(
            call, RPC_INVALID_PARAMETER,
            "Invalid parameter combination: Sequence number(s) contradict replaceable option");
    return true;
}
