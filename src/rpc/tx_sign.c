/*
 * Signing for RPC: the outputs that a transaction spends, found and given; and the answer of
 * signrawtransactionwith*.
 */
#include <stdlib.h>

#include "mempool/mempool.h"
#include "rpc/tx_json.h"
#include "script/sign.h"
#include "util/mem.h"

static const struct {
    const char *name;
    int type;
} hash_types[] = {
    {"DEFAULT", SIGHASH_DEFAULT},
    {"ALL", SIGHASH_ALL},
    {"ALL|ANYONECANPAY", SIGHASH_ALL | SIGHASH_ANYONECANPAY},
    {"NONE", SIGHASH_NONE},
    {"NONE|ANYONECANPAY", SIGHASH_NONE | SIGHASH_ANYONECANPAY},
    {"SINGLE", SIGHASH_SINGLE},
    {"SINGLE|ANYONECANPAY", SIGHASH_SINGLE | SIGHASH_ANYONECANPAY},
};

bool rpc_sighash_type(struct rpc_call *call, const char *name, int *hash_type)
{
    *hash_type = SIGHASH_DEFAULT;
    if (!name)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(hash_types); i++) {
        if (strcmp(hash_types[i].name, name) == 0) {
            *hash_type = hash_types[i].type;
            return true;
        }
    }
    return rpc_set_error(call, RPC_INVALID_PARAMETER, "'%s' is not a valid sighash parameter.",
                         name);
}

/* ---- the spent outputs ---- */

struct prevtx {
    struct outpoint out;
    struct buf script, redeem, witness;
    int64_t amount;
    bool has_amount;
};

static bool optional_hex(struct rpc_call *call, struct json_object *v, const char *name,
                         struct buf *out)
{
    struct json_object *member = json_get(v, name);
    return !member || rpc_get_hex(call, member, name, out);
}

static bool read_prevtx(struct rpc_call *call, struct json_object *v, struct prevtx *p)
{
    static const char type[] = "{txid:hex, vout:num, scriptPubKey:hex, redeemScript?:hex, "
                               "witnessScript?:hex, amount?:amount}";
    int64_t n;
    if (!json_object_is_type(v, json_type_object))
        return rpc_set_error(call, RPC_DESERIALIZATION_ERROR,
                             "expected object with {\"txid'\",\"vout\",\"scriptPubKey\"}");
    if (!rpc_check_object(call, v, type, false) ||
        !rpc_get_hash(call, json_get(v, "txid"), "txid", p->out.txid.b) ||
        !rpc_get_int(call, json_get(v, "vout"), &n))
        return false;
    if (n < 0)
        return rpc_set_error(call, RPC_DESERIALIZATION_ERROR, "vout cannot be negative");
    p->out.n = (uint32_t)n;
    struct json_object *amount = json_get(v, "amount");
    p->has_amount = amount != NULL;
    return rpc_get_hex(call, json_get(v, "scriptPubKey"), "scriptPubKey", &p->script) &&
           optional_hex(call, v, "redeemScript", &p->redeem) &&
           optional_hex(call, v, "witnessScript", &p->witness) &&
           (!amount || rpc_get_amount(call, amount, &p->amount));
}

static void add_script(struct buf **scripts, size_t *n, struct span s)
{
    *scripts = xreallocarray(*scripts, *n + 1, sizeof(**scripts));
    buf_init(&(*scripts)[*n]);
    write_span(&(*scripts)[(*n)++], s);
}

/* The script that `inner` gives as P2WSH. */
static void as_p2wsh(struct buf *out, struct span inner)
{
    uint8_t hash[32];
    sha256(hash, inner.data, inner.len);
    script_p2wsh(out, hash);
}

static bool is_p2sh_of(struct span spk, struct span redeem)
{
    struct buf b = BUF_INIT;
    uint8_t hash[20];
    hash160(hash, redeem.data, redeem.len);
    script_p2sh(&b, hash);
    bool same = span_eq(buf_span(&b), spk);
    buf_clear(&b);
    return same;
}

/* Redeem and witness script of a given output must fit it and each other; both are then known to
 * the signer. A witness script may also be given as redeemScript, as older callers do. */
static bool take_scripts(struct rpc_call *call, const struct prevtx *p, struct buf **scripts,
                         size_t *n)
{
    struct span spk = buf_span(&p->script), redeem = buf_span(&p->redeem);
    struct span witness = buf_span(&p->witness), inner = witness.len ? witness : redeem, program;
    int version;
    bool p2sh = script_is_p2sh(spk);
    bool p2wsh =
        script_is_witness_program(spk, &version, &program) && program.len == 32 && version == 0;
    struct buf wrapped = BUF_INIT;
    if (!p2sh && !p2wsh)
        return true;
    if (inner.len == 0)
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "Missing redeemScript/witnessScript");
    as_p2wsh(&wrapped, inner);
    struct span outer = buf_span(&wrapped);
    bool fits = p2sh ? is_p2sh_of(spk, inner) || is_p2sh_of(spk, outer) : span_eq(spk, outer);
    if (witness.len && redeem.len && !span_eq(redeem, witness) && !span_eq(redeem, outer))
        rpc_set_error(call, RPC_INVALID_PARAMETER,
                      "redeemScript does not correspond to witnessScript");
    else if (!fits)
        rpc_set_error(call, RPC_INVALID_PARAMETER,
                      "redeemScript/witnessScript does not match scriptPubKey");
    add_script(scripts, n, inner);
    add_script(scripts, n, outer);
    buf_clear(&wrapped);
    return !rpc_failed(call);
}

/* Where an output is in `memory`: it may move while it grows, so places first, pointers last. */
struct place {
    size_t at, len;
    int64_t value;
    bool known;
};

static void keep(struct place *p, struct buf *memory, struct span script, int64_t value)
{
    *p = (struct place){memory->len, script.len, value, true};
    write_span(memory, script);
}

static bool overlay(struct rpc_call *call, const struct mtx *m, struct json_object *v,
                    struct place *places, struct buf *memory, struct buf **scripts, size_t *n)
{
    struct prevtx p = {0};
    bool ok = read_prevtx(call, v, &p);
    for (size_t i = 0; ok && i < m->n_in; i++) {
        if (!outpoint_eq(&m->in[i].prev, &p.out))
            continue;
        if (places[i].known &&
            !span_eq(span_of(memory->data + places[i].at, places[i].len), buf_span(&p.script))) {
            char *was = script_to_asm(span_of(memory->data + places[i].at, places[i].len), false);
            char *is = script_to_asm(buf_span(&p.script), false);
            ok = rpc_set_error(call, RPC_DESERIALIZATION_ERROR,
                               "Previous output scriptPubKey mismatch:\n%s\nvs:\n%s", was, is);
            free(was);
            free(is);
        } else {
            keep(&places[i], memory, buf_span(&p.script), p.has_amount ? p.amount : MAX_MONEY);
        }
    }
    ok = ok && (!scripts || take_scripts(call, &p, scripts, n));
    buf_clear(&p.script);
    buf_clear(&p.redeem);
    buf_clear(&p.witness);
    return ok;
}

struct tx_out *rpc_spent_outputs(struct rpc_call *call, const struct mtx *m,
                                 struct json_object *prevtxs, struct buf *memory,
                                 struct buf **scripts, size_t *n_scripts)
{
    struct place *places = xcalloc(m->n_in + 1, sizeof(*places));
    struct buf script = BUF_INIT;
    bool ok = true;
    chain_drain(rpc_ctx(call)->chain);
    for (size_t i = 0; ok && i < m->n_in; i++) {
        struct coin coin;
        buf_reset(&script);
        switch (mempool_coin(rpc_ctx(call)->mempool, &m->in[i].prev, true, &coin, &script)) {
        case COIN_FOUND: keep(&places[i], memory, coin.out.script_pubkey, coin.out.value); break;
        case COIN_MISSING: break;
        case COIN_ERROR:
            ok = rpc_set_error(call, RPC_DATABASE_ERROR, "Unable to read the coins database");
        }
    }
    size_t n = prevtxs ? json_object_array_length(prevtxs) : 0;
    for (size_t i = 0; ok && i < n; i++)
        ok = overlay(call, m, json_object_array_get_idx(prevtxs, i), places, memory, scripts,
                     n_scripts);
    struct tx_out *out = ok ? xcalloc(m->n_in + 1, sizeof(*out)) : NULL;
    for (size_t i = 0; ok && i < m->n_in; i++)
        if (places[i].known)
            out[i] = (struct tx_out){places[i].value,
                                     span_of(memory->data + places[i].at, places[i].len)};
    free(places);
    buf_clear(&script);
    return out;
}

/* ---- signing ---- */

static void put_input_error(struct json *j, const struct mtx_in *in, const char *error)
{
    json_begin_object(j, NULL);
    json_put_hash(j, "txid", in->prev.txid.b);
    json_put_int(j, "vout", in->prev.n);
    json_begin_array(j, "witness");
    for (size_t i = 0; i < in->n_witness; i++)
        json_put_hex(j, NULL, in->witness[i].data, in->witness[i].len);
    json_end(j);
    json_put_hex(j, "scriptSig", in->script_sig.data, in->script_sig.len);
    json_put_int(j, "sequence", in->sequence);
    json_put_str(j, "error", error);
    json_end(j);
}

/* Core's sentence for an input that is not complete. */
static const char *input_error(const struct tx_out *coin, enum script_error err)
{
    if (!coin->script_pubkey.data)
        return "Input not found or already spent";
    if (err == SCRIPT_ERR_INVALID_STACK_OPERATION)
        return "Unable to sign input, invalid stack size (possibly missing key)";
    if (err == SCRIPT_ERR_SIG_NULLFAIL)
        return "CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)";
    return script_error_message(err);
}

/* A witness signature commits to the amount, which must then have been given. */
static bool amounts_known(struct rpc_call *call, const struct mtx *m, const struct tx_out *coins)
{
    for (size_t i = 0; i < m->n_in; i++)
        if (coins[i].value == MAX_MONEY && m->in[i].n_witness > 0)
            return rpc_set_error(call, RPC_TYPE_ERROR, "Missing amount for input %zu", i);
    return true;
}

bool rpc_sign_tx(struct rpc_call *call, struct mtx *m, const struct tx_out *coins,
                 const struct signing_provider *provider, int hash_type)
{
    enum script_error *errs = xcalloc(m->n_in + 1, sizeof(*errs));
    bool complete = sign_inputs(m, coins, provider, hash_type, errs);
    if (!amounts_known(call, m, coins)) {
        free(errs);
        return false;
    }
    struct json *j = rpc_result(call);
    struct tx *tx = mtx_finish(m);
    json_begin_object(j, NULL);
    json_put_tx_hex(j, "hex", tx);
    json_put_bool(j, "complete", complete);
    if (!complete) {
        json_begin_array(j, "errors");
        for (size_t i = 0; i < m->n_in; i++)
            if (errs[i] != SCRIPT_ERR_OK || !coins[i].script_pubkey.data)
                put_input_error(j, &m->in[i], input_error(&coins[i], errs[i]));
        json_end(j);
    }
    json_end(j);
    tx_unref(tx);
    free(errs);
    return true;
}
