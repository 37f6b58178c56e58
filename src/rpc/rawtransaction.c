/* Methods about raw transactions and scripts. */
#include <stdlib.h>

#include "mempool/mempool.h"
#include "rpc/block_json.h"
#include "rpc/index.h"
#include "script/descriptor.h"
#include "script/sign.h"
#include "util/mem.h"

/* ---- getrawtransaction ---- */

struct found_tx {
    struct tx *tx;
    const struct block_index *block; /* NULL: in the mempool */
    bool block_given;                /* by the caller */
    struct block_undo *undo;
    const struct tx_undo *tx_undo;
    int32_t vsize_adjusted; /* in the mempool */
};

static bool is_genesis_coinbase(const struct rpc_context *ctx, const struct txid *txid)
{
    return memcmp(ctx->net->genesis_header.merkle_root, txid->b, 32) == 0;
}

static void find_in_block(struct rpc_call *call, const struct txid *txid, int64_t verbosity,
                          struct found_tx *out)
{
    struct block *b = rpc_read_block(call, out->block);
    for (uint32_t i = 0; b && i < b->n_tx && !out->tx; i++) {
        if (!txid_eq(&b->tx[i]->txid, txid))
            continue;
        out->tx = tx_ref(b->tx[i]);
        if (verbosity >= 2 && i > 0 && rpc_read_undo(call, out->block, &out->undo) && out->undo)
            out->tx_undo = &out->undo->tx[i - 1];
    }
    block_unref(b);
    if (!out->tx && !rpc_failed(call))
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                      "No such transaction found in the provided block. Use gettransaction for "
                      "wallet transactions.");
}

static bool not_found(struct rpc_call *call, const struct index *ix)
{
    const char *why = !ix ? "No such mempool transaction. Use -txindex or provide a block hash to "
                            "enable blockchain transaction queries"
                      : !index_synced(ix) ? "No such mempool transaction. Blockchain transactions "
                                            "are still in the process of being indexed"
                                          : "No such mempool or blockchain transaction";
    return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                         "%s. Use gettransaction for wallet transactions.", why);
}

static void find_in_index(struct rpc_call *call, const struct txid *txid, int64_t verbosity,
                          struct found_tx *out)
{
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_TX);
    enum index_result res = ix ? tx_index_find(ix, txid, &out->tx, &out->block) : INDEX_MISSING;
    if (res == INDEX_MISSING)
        not_found(call, ix);
    else if (res == INDEX_ERROR)
        rpc_set_error(call, RPC_DATABASE_ERROR, "Unable to read the transaction index");
    if (res != INDEX_FOUND || verbosity < 2)
        return;
    tx_unref(out->tx); /* once more from its block, with what it spent */
    out->tx = NULL;
    find_in_block(call, txid, verbosity, out);
}

static void find_in_mempool(const struct mempool_entry *e, struct found_tx *out)
{
    out->tx = tx_ref(e->tx);
    out->vsize_adjusted = e->vsize;
}

static void put_place(struct json *j, const struct chain *chain, const struct block_index *i)
{
    bool active = chain_contains(chain, i);
    json_put_hash(j, "blockhash", i->h.hash.b);
    json_put_int(j, "confirmations", active ? chain_height(chain) - i->h.height + 1 : 0);
    if (!active)
        return;
    json_put_int(j, "time", i->h.time);
    json_put_int(j, "blocktime", i->h.time);
}

static void put_found(struct rpc_call *call, const struct found_tx *f, int64_t verbosity)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    struct json *j = rpc_result(call);
    if (verbosity <= 0) {
        json_put_tx_hex(j, NULL, f->tx);
        return;
    }
    json_begin_object(j, NULL);
    if (f->block_given)
        json_put_bool(j, "in_active_chain", chain_contains(ctx->chain, f->block));
    if (!f->block)
        json_put_int(j, "vsize_adjusted", f->vsize_adjusted);
    json_put_tx_fields(j, ctx->net, f->tx, f->tx_undo, verbosity >= 2, true);
    if (f->block)
        put_place(j, ctx->chain, f->block);
    json_end(j);
}

static struct rpc_answer *rawtransaction_now(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    struct txid txid;
    struct block_hash hash;
    struct found_tx found = {0};
    if (!rpc_get_hash(call, rpc_arg(call, "txid"), "parameter 1", txid.b))
        return rpc_fail(call);
    if (is_genesis_coinbase(ctx, &txid))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                         "The genesis block coinbase is not considered an ordinary transaction and "
                         "cannot be retrieved");
    int64_t verbosity = rpc_arg_verbosity(call, "verbosity", 0);
    found.block_given = rpc_arg_given(call, "blockhash");
    if (found.block_given &&
        rpc_get_hash(call, rpc_arg(call, "blockhash"), "parameter 3", hash.b)) {
        found.block = chain_find(ctx->chain, &hash);
        if (!found.block)
            rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Block hash not found");
    }
    if (rpc_failed(call))
        return rpc_fail(call);
    const struct mempool_entry *e = mempool_get(ctx->mempool, &txid);
    if (found.block)
        find_in_block(call, &txid, verbosity, &found);
    else if (e)
        find_in_mempool(e, &found);
    else
        find_in_index(call, &txid, verbosity, &found);
    if (!rpc_failed(call))
        put_found(call, &found, verbosity);
    tx_unref(found.tx);
    undo_unref(found.undo);
    return rpc_failed(call) ? rpc_fail(call) : rpc_ok(call);
}

static struct rpc_answer *getrawtransaction(struct rpc_call *call)
{
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_TX);
    return rpc_when_indexed(call, rpc_arg_given(call, "blockhash") ? NULL : ix, rawtransaction_now);
}

/* ---- decode, create, sign ---- */

static struct rpc_answer *decoderawtransaction(struct rpc_call *call)
{
    bool given = rpc_arg_given(call, "iswitness");
    bool witness = rpc_arg_bool(call, "iswitness", false);
    const char *hex = rpc_arg_str(call, "hexstring");
    struct tx *tx = tx_parse_hex(hex, !given || !witness, !given || witness);
    if (!tx)
        return rpc_error(call, RPC_DESERIALIZATION_ERROR, "TX decode failed");
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_tx_fields(j, rpc_ctx(call)->net, tx, NULL, false, false);
    json_end(j);
    tx_unref(tx);
    return rpc_ok(call);
}

static struct rpc_answer *createrawtransaction(struct rpc_call *call)
{
    struct mtx m;
    int64_t lock_time = rpc_arg_int64(call, "locktime", 0);
    int rbf = rpc_arg_given(call, "replaceable") ? rpc_arg_bool(call, "replaceable", true) : -1;
    int64_t version = rpc_arg_int64(call, "version", 2);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (rpc_build_tx(call, &m, rpc_arg(call, "inputs"), rpc_arg(call, "outputs"), lock_time, rbf,
                     version)) {
        struct tx *tx = mtx_finish(&m);
        json_put_tx_hex(rpc_result(call), NULL, tx);
        tx_unref(tx);
    }
    mtx_clear(&m);
    return rpc_failed(call) ? rpc_fail(call) : rpc_ok(call);
}

/* Keys and scripts of a call, as a signing provider. */
struct keyring {
    struct seckey *keys;
    struct pubkey *pubkeys;
    size_t n_keys;
    struct buf *scripts;
    size_t n_scripts;
};

static bool ring_find(const struct keyring *r, const uint8_t hash[20], size_t *at)
{
    for (size_t i = 0; i < r->n_keys; i++) {
        uint8_t id[20];
        pubkey_id(&r->pubkeys[i], id);
        if (memcmp(id, hash, 20) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

static bool ring_key(void *arg, const uint8_t hash[20], struct seckey *out)
{
    const struct keyring *r = arg;
    size_t i;
    if (!ring_find(r, hash, &i))
        return false;
    *out = r->keys[i];
    return true;
}

static bool ring_pubkey(void *arg, const uint8_t hash[20], struct pubkey *out)
{
    const struct keyring *r = arg;
    size_t i;
    if (!ring_find(r, hash, &i))
        return false;
    *out = r->pubkeys[i];
    return true;
}

/* Given scripts, and P2WPKH of the given keys, which P2SH may hold. */
static bool ring_script(void *arg, const uint8_t hash[20], struct buf *out)
{
    const struct keyring *r = arg;
    uint8_t h[20];
    for (size_t i = 0; i < r->n_scripts; i++) {
        hash160(h, r->scripts[i].data, r->scripts[i].len);
        if (memcmp(h, hash, 20) == 0) {
            write_span(out, buf_span(&r->scripts[i]));
            return true;
        }
    }
    for (size_t i = 0; i < r->n_keys; i++) {
        struct buf s = BUF_INIT;
        uint8_t id[20];
        pubkey_id(&r->pubkeys[i], id);
        script_p2wpkh(&s, id);
        hash160(h, s.data, s.len);
        bool same = pubkey_compressed(&r->pubkeys[i]) && memcmp(h, hash, 20) == 0;
        if (same)
            write_span(out, buf_span(&s));
        buf_clear(&s);
        if (same)
            return true;
    }
    return false;
}

/* A key-only taproot output of one of the keys (BIP86). */
static bool ring_taproot(void *arg, const struct xonly *output, struct xonly *internal,
                         uint8_t root[32], bool *has_root)
{
    const struct keyring *r = arg;
    (void)root;
    for (size_t i = 0; i < r->n_keys; i++) {
        struct xonly x = pubkey_xonly(&r->pubkeys[i]), tweaked;
        uint8_t tweak[32];
        bool parity;
        taptweak_hash(tweak, &x, NULL);
        if (taproot_tweak(&tweaked, &parity, &x, tweak) && memcmp(&tweaked, output, 32) == 0) {
            *internal = x;
            *has_root = false;
            return true;
        }
    }
    return false;
}

static bool ring_fill(struct rpc_call *call, struct keyring *r)
{
    struct json_object *list = rpc_arg(call, "privkeys");
    size_t n = json_object_array_length(list);
    r->keys = secret_alloc((n + 1) * sizeof(*r->keys));
    r->pubkeys = xcalloc(n + 1, sizeof(*r->pubkeys));
    for (size_t i = 0; i < n; i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        if (!rpc_check_type(call, v, "str"))
            return false;
        if (!wif_decode(&rpc_ctx(call)->net->address, json_object_get_string(v), &r->keys[i]) ||
            !seckey_pubkey(&r->pubkeys[i], &r->keys[i]))
            return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid private key");
        r->n_keys++;
    }
    return true;
}

static void ring_clear(struct keyring *r, size_t n_listed)
{
    for (size_t i = 0; i < r->n_scripts; i++)
        buf_clear(&r->scripts[i]);
    free(r->scripts);
    free(r->pubkeys);
    if (r->keys)
        secret_free(r->keys, (n_listed + 1) * sizeof(*r->keys));
}

static struct rpc_answer *signrawtransactionwithkey(struct rpc_call *call)
{
    struct keyring ring = {0};
    struct signing_provider p = {ring_key, ring_pubkey, ring_script, ring_taproot, &ring};
    struct buf memory = BUF_INIT;
    struct mtx m;
    struct tx_out *coins = NULL;
    int type;
    struct tx *tx = rpc_arg_tx(call, "hexstring");
    mtx_init(&m);
    if (tx && rpc_sighash_type(call, rpc_arg_str(call, "sighashtype"), &type) &&
        ring_fill(call, &ring)) {
        mtx_clear(&m);
        mtx_from_tx(&m, tx);
        coins = rpc_spent_outputs(call, &m, rpc_arg(call, "prevtxs"), &memory, &ring.scripts,
                                  &ring.n_scripts);
        if (coins)
            rpc_sign_tx(call, &m, coins, &p, type);
    }
    ring_clear(&ring, json_object_array_length(rpc_arg(call, "privkeys")));
    free(coins);
    buf_clear(&memory);
    mtx_clear(&m);
    tx_unref(tx);
    return rpc_failed(call) ? rpc_fail(call) : rpc_ok(call);
}

#define TX_TYPE_VERBOSE                                           \
    "{in_active_chain?:bool, vsize_adjusted?:num, " RPC_TX_FIELDS \
    ", fee?:amount, hex:hex, blockhash?:hex, confirmations?:num, time?:num, blocktime?:time}"
#define HEX_PARAM                                           \
    {                                                       \
        "hexstring", "hex", RPC_REQUIRED, "The transaction" \
    }

const struct rpc_method rpc_rawtransaction_methods[] = {
    {"createrawtransaction", createrawtransaction,
     "Makes a transaction from inputs and outputs. It is not signed, kept or sent.",
     RPC_PARAMS({"inputs", "[{txid:hex, vout:num, sequence?:num}]", RPC_REQUIRED, "What to spend",
                 "[{\"txid\":\"hex\",\"vout\":n,\"sequence\":n},...]"},
                {"outputs", "[{<address>:amount} | {data:hex}]", RPC_REQUIRED,
                 "Payments and at most one piece of data; also as one object",
                 "[{\"address\":amount,...},{\"data\":\"hex\"},...]", RPC_ANY_TYPE},
                {"locktime", "num", "0", "Not to be confirmed before this height or time"},
                {"replaceable", "bool", "true", "Signal that it may be replaced (BIP125)"},
                {"version", "num", "2", "Version of the transaction"}),
     "hex"},
    {"decoderawtransaction", decoderawtransaction, "A transaction as an object.",
     RPC_PARAMS(HEX_PARAM, {"iswitness", "bool", "depends on heuristic tests",
                            "Whether it is in the form with witnesses"}),
     "{" RPC_TX_FIELDS "}"},
    {"getrawtransaction", getrawtransaction,
     "A transaction of the mempool, or of a block that is named: as hex (verbosity 0), as an "
     "object (1), or with fee and spent outputs besides (2).",
     RPC_PARAMS({"txid", "hex", RPC_REQUIRED, "The transaction's id"},
                {"verbosity|verbose", "num", "0", "How much: 0 to 2", .flags = RPC_ANY_TYPE},
                {"blockhash", "hex", NULL, "The block that it is in"}),
     "hex | " TX_TYPE_VERBOSE},
    {"signrawtransactionwithkey", signrawtransactionwithkey,
     "Signs a transaction with the given keys.",
     RPC_PARAMS(HEX_PARAM,
                {"privkeys", "[str]", RPC_REQUIRED, "Private keys in WIF", "[\"privatekey\",...]"},
                {"prevtxs",
                 "[{txid:hex, vout:num, scriptPubKey:hex, redeemScript?:hex, witnessScript?:hex, "
                 "amount?:amount}]",
                 NULL, "Spent outputs that the node does not know, and their scripts"},
                {"sighashtype", "str", "\"DEFAULT for Taproot, ALL otherwise\"",
                 "DEFAULT, ALL, NONE, SINGLE, also with |ANYONECANPAY"}),
     "{hex:hex, complete:bool, errors?:[{txid:hex, vout:num, witness:[hex], scriptSig:hex, "
     "sequence:num, error:str}]}"},
    {0},
};
