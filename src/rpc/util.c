/* Methods that need no state of the node: addresses, signed messages, indexes. */
#include <stdlib.h>

#include "consensus/params.h"
#include "crypto/hash.h"
#include "rpc/tx_json.h"
#include "script/standard.h"
#include "util/mem.h"

/* ---- validateaddress ---- */

static void put_invalid(struct json *j, const struct address_error *e)
{
    json_put_bool(j, "isvalid", false);
    json_begin_array(j, "error_locations");
    for (size_t i = 0; i < e->n_at; i++)
        json_put_int(j, NULL, e->at[i]);
    json_end(j);
    json_put_str(j, "error", e->text);
}

static bool is_script(const struct destination *d)
{
    return d->type == DEST_P2SH || d->type == DEST_P2WSH || d->type == DEST_P2TR ||
           d->type == DEST_ANCHOR;
}

void json_put_destination(struct json *j, const struct destination *d)
{
    bool witness = d->type != DEST_P2PKH && d->type != DEST_P2SH;
    if (d->type != DEST_WITNESS)
        json_put_bool(j, "isscript", is_script(d));
    json_put_bool(j, "iswitness", witness);
    if (!witness || d->type == DEST_ANCHOR)
        return;
    json_put_int(j, "witness_version",
                 d->type == DEST_P2TR      ? 1
                 : d->type == DEST_WITNESS ? d->witness_version
                                           : 0);
    json_put_hex(j, "witness_program", d->data, d->len);
}

static struct rpc_answer *validateaddress(struct rpc_call *call)
{
    const struct network *net = rpc_ctx(call)->net;
    struct json *j = rpc_result(call);
    struct destination d;
    struct address_error e;
    bool ok = address_decode(&net->address, rpc_arg_str(call, "address"), &d, &e);
    json_begin_object(j, NULL);
    if (ok) {
        struct buf script = BUF_INIT;
        destination_script(&d, &script);
        json_put_bool(j, "isvalid", true);
        json_put_str_take(j, "address", address_encode(&net->address, &d));
        json_put_hex(j, "scriptPubKey", script.data, script.len);
        json_put_destination(j, &d);
        buf_clear(&script);
    } else {
        put_invalid(j, &e);
    }
    json_end(j);
    address_error_clear(&e);
    return rpc_ok(call);
}

/* ---- signed messages ---- */

void rpc_message_hash(uint8_t out[32], const char *message)
{
    static const char magic[] = "Bitcoin Signed Message:\n";
    struct sha256 h;
    sha256_init(&h);
    sha256_write_compact(&h, strlen(magic));
    sha256_write(&h, magic, strlen(magic));
    sha256_write_compact(&h, strlen(message));
    sha256_write(&h, message, strlen(message));
    sha256d_final(&h, out);
}

static struct rpc_answer *verifymessage(struct rpc_call *call)
{
    struct destination d;
    struct buf sig = BUF_INIT;
    struct pubkey key;
    uint8_t hash[32], id[20];
    if (!address_decode(&rpc_ctx(call)->net->address, rpc_arg_str(call, "address"), &d, NULL))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid address");
    if (d.type != DEST_P2PKH)
        return rpc_error(call, RPC_TYPE_ERROR, "Address does not refer to key");
    if (!base64_decode(rpc_arg_str(call, "signature"), &sig)) {
        buf_clear(&sig);
        return rpc_error(call, RPC_TYPE_ERROR, "Malformed base64 encoding");
    }
    rpc_message_hash(hash, rpc_arg_str(call, "message"));
    bool good = sig.len == 65 && ecdsa_recover(&key, sig.data, hash);
    if (good)
        pubkey_id(&key, id);
    json_put_bool(rpc_result(call), NULL, good && memcmp(id, d.data, 20) == 0);
    buf_clear(&sig);
    return rpc_ok(call);
}

static struct rpc_answer *signmessagewithprivkey(struct rpc_call *call)
{
    struct seckey key;
    uint8_t hash[32], sig[65];
    if (!wif_decode(&rpc_ctx(call)->net->address, rpc_arg_str(call, "privkey"), &key))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid private key");
    rpc_message_hash(hash, rpc_arg_str(call, "message"));
    bool ok = ecdsa_sign_compact(sig, &key, hash);
    wipe(&key, sizeof(key));
    if (!ok)
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Sign failed");
    json_put_str_take(rpc_result(call), NULL, base64_encode(sig, sizeof(sig)));
    return rpc_ok(call);
}

const struct rpc_method rpc_util_methods[] = {
    {"signmessagewithprivkey", signmessagewithprivkey, "Signs a message with a private key.",
     RPC_PARAMS({"privkey", "str", RPC_REQUIRED, "The key in WIF"},
                {"message", "str", RPC_REQUIRED, "The message"}),
     "str"},
    {"validateaddress", validateaddress, "Return information about the given bitcoin address.",
     RPC_PARAMS({"address", "str", RPC_REQUIRED, "The address"}),
     "{isvalid:bool, address?:str, scriptPubKey?:hex, isscript?:bool, iswitness?:bool, "
     "witness_version?:num, witness_program?:hex, error?:str, error_locations?:[num]}"},
    {"verifymessage", verifymessage, "Whether a message was signed by the key of an address.",
     RPC_PARAMS({"address", "str", RPC_REQUIRED, "The address (P2PKH)"},
                {"signature", "str", RPC_REQUIRED, "The signature in base 64"},
                {"message", "str", RPC_REQUIRED, "The message"}),
     "bool"},
    {0},
};
