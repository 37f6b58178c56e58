/*
 * combinerawtransaction: one transaction from several that are signed in part.
 *
 * The signer takes from an input whatever signatures, keys and scripts it finds there, in whatever
 * order they stand. So each input is given everything that any of the transactions has for it, and
 * is "signed" without keys.
 */
#include <stdlib.h>

#include "rpc/tx_json.h"
#include "script/sign.h"
#include "util/mem.h"

struct variants {
    struct tx **tx;
    size_t n;
};

static void variants_clear(struct variants *v)
{
    for (size_t i = 0; i < v->n; i++)
        tx_unref(v->tx[i]);
    free(v->tx);
}

/* Id of the transaction without any signature. */
static struct txid bare_id(const struct tx *tx)
{
    struct mtx m;
    mtx_from_tx(&m, tx);
    for (size_t i = 0; i < m.n_in; i++) {
        buf_reset(&m.in[i].script_sig);
        mtx_in_set_witness(&m.in[i], NULL, 0);
    }
    struct tx *bare = mtx_finish(&m);
    struct txid id = bare->txid;
    tx_unref(bare);
    mtx_clear(&m);
    return id;
}

static bool read_variants(struct rpc_call *call, struct variants *v)
{
    struct json_object *list = rpc_arg(call, "txs");
    size_t n = json_object_array_length(list);
    v->tx = xcalloc(n + 1, sizeof(*v->tx));
    for (size_t i = 0; i < n; i++) {
        struct json_object *hex = json_object_array_get_idx(list, i);
        if (!rpc_check_type(call, hex, "str"))
            return false;
        struct tx *tx = tx_parse_hex(json_object_get_string(hex), true, true);
        if (!tx)
            return rpc_set_error(
                call, RPC_DESERIALIZATION_ERROR,
                "TX decode failed for tx %zu. Make sure the tx has at least one input.", i);
        v->tx[v->n++] = tx;
    }
    if (n < 2)
        return rpc_set_error(call, RPC_DESERIALIZATION_ERROR,
                             "Missing transactions. At least two transactions required.");
    struct txid first = bare_id(v->tx[0]);
    for (size_t i = 1; i < n; i++) {
        struct txid id = bare_id(v->tx[i]);
        if (!txid_eq(&first, &id))
            return rpc_set_error(call, RPC_INVALID_PARAMETER,
                                 "Transaction number %zu not compatible with first transaction",
                                 i + 1);
    }
    return true;
}

/* All that the variants have for an input: pushes of scriptSigs, items of witnesses. */
static void gather(const struct variants *v, size_t in, struct span **items, size_t *n)
{
    size_t cap = 0;
    *items = NULL;
    *n = 0;
    for (size_t t = 0; t < v->n; t++) {
        const struct tx_in *from = &v->tx[t]->in[in];
        struct script_iter it;
        struct span push;
        uint8_t op;
        script_iter_init(&it, from->script_sig);
        while (script_next(&it, &op, &push)) {
            *items = array_reserve(*items, &cap, *n + 1, sizeof(**items));
            (*items)[(*n)++] = push;
        }
        for (uint32_t w = 0; w < from->witness.n; w++) {
            *items = array_reserve(*items, &cap, *n + 1, sizeof(**items));
            (*items)[(*n)++] = from->witness.items[w];
        }
    }
}

/* The first variant that has anything stands where nothing can be combined. */
static void put_back(struct mtx_in *in, const struct variants *v, size_t at)
{
    size_t t = 0;
    while (t + 1 < v->n && v->tx[t]->in[at].script_sig.len == 0 && v->tx[t]->in[at].witness.n == 0)
        t++;
    const struct tx_in *from = &v->tx[t]->in[at];
    buf_reset(&in->script_sig);
    write_span(&in->script_sig, from->script_sig);
    mtx_in_set_witness(in, from->witness.items, from->witness.n);
}

static void combine_input(struct signer *s, const struct variants *v, size_t at)
{
    const struct signing_provider nobody = {0};
    struct mtx_in *in = &s->m->in[at];
    struct span *items;
    size_t n;
    gather(v, at, &items, &n);
    buf_reset(&in->script_sig);
    mtx_in_set_witness(in, items, n);
    bool complete = signer_sign(s, (unsigned)at, &nobody, SIGHASH_DEFAULT, NULL);
    if (!complete && in->n_witness == n && in->script_sig.len == 0)
        put_back(in, v, at);
    free(items);
}

static bool all_known(struct rpc_call *call, const struct mtx *m, const struct tx_out *coins)
{
    for (size_t i = 0; i < m->n_in; i++)
        if (!coins[i].script_pubkey.data)
            return rpc_set_error(call, RPC_VERIFY_ERROR, "Input not found or already spent");
    return true;
}

static void combine(struct rpc_call *call, const struct variants *v)
{
    struct buf memory = BUF_INIT;
    struct mtx m;
    mtx_from_tx(&m, v->tx[0]);
    struct tx_out *coins = rpc_spent_outputs(call, &m, NULL, &memory, NULL, NULL);
    if (coins && all_known(call, &m, coins)) {
        struct signer s;
        signer_init(&s, &m, coins);
        for (size_t i = 0; i < m.n_in; i++)
            combine_input(&s, v, i);
        signer_clear(&s);
        struct tx *tx = mtx_finish(&m);
        json_put_tx_hex(rpc_result(call), NULL, tx);
        tx_unref(tx);
    }
    free(coins);
    buf_clear(&memory);
    mtx_clear(&m);
}

static struct rpc_answer *combinerawtransaction(struct rpc_call *call)
{
    struct variants v = {0};
    if (read_variants(call, &v))
        combine(call, &v);
    variants_clear(&v);
    return rpc_failed(call) ? rpc_fail(call) : rpc_ok(call);
}

const struct rpc_method rpc_combine_methods[] = {
    {"combinerawtransaction", combinerawtransaction,
     "Puts together the signatures of several copies of a transaction.",
     RPC_PARAMS({"txs", "[hex]", RPC_REQUIRED, "The copies", "[\"hexstring\",...]"}), "hex"},
    {0},
};
