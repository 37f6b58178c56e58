/* Methods about addresses: new ones, what one is, labels. */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "rpc/tx_json.h"
#include "rpc/wallet_rpc.h"
#include "util/mem.h"

/* ---- new addresses ---- */

static struct rpc_answer *answer_address(struct rpc_call *call, bool ok,
                                         const struct destination *d, char *error)
{
    struct rpc_answer *a;
    if (ok) {
        json_put_str_take(rpc_result(call), NULL, address_encode(&rpc_ctx(call)->net->address, d));
        a = rpc_ok(call);
    } else {
        a = rpc_error(call, RPC_WALLET_KEYPOOL_RAN_OUT, "%s", error);
    }
    free(error);
    return a;
}

static struct rpc_answer *getnewaddress(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    const char *label;
    enum output_type type;
    struct destination d;
    char *error = NULL;
    if (!w)
        return rpc_fail(call);
    if (!wallet_can_get_addresses(w, false))
        return rpc_error(call, RPC_WALLET_ERROR, "Error: This wallet has no available keys");
    enum output_type def = wallets_opts(wallet_set(w))->address_type;
    if (!rpc_arg_label(call, "label", &label) ||
        !rpc_arg_output_type(call, "address_type", def, &type))
        return rpc_fail(call);
    bool ok = wallet_new_address(w, label, type, &d, &error);
    return answer_address(call, ok, &d, error);
}

static struct rpc_answer *getrawchangeaddress(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    enum output_type type;
    struct destination d;
    char *error = NULL;
    if (!w)
        return rpc_fail(call);
    if (!wallet_can_get_addresses(w, true))
        return rpc_error(call, RPC_WALLET_ERROR, "Error: This wallet has no available keys");
    const struct wallets_options *o = wallets_opts(wallet_set(w));
    enum output_type def = o->change_type != OUTPUT_UNKNOWN ? o->change_type : o->address_type;
    if (!rpc_arg_output_type(call, "address_type", def, &type))
        return rpc_fail(call);
    bool ok = wallet_new_change_address(w, type, &d, &error);
    return answer_address(call, ok, &d, error);
}

/* ---- getaddressinfo ---- */

static const struct derived_key *key_of(const struct expansion *e, const uint8_t id[20])
{
    for (size_t i = 0; i < e->n_keys; i++) {
        uint8_t own[20];
        pubkey_id(&e->keys[i].pubkey, own);
        if (memcmp(own, id, 20) == 0)
            return &e->keys[i];
    }
    return NULL;
}

static const struct buf *subscript_of(const struct expansion *e, const struct destination *d)
{
    for (size_t i = 0; i < e->n_subscripts; i++) {
        const struct buf *s = &e->subscripts[i];
        uint8_t hash[32];
        if (d->type == DEST_P2SH)
            hash160(hash, s->data, s->len);
        else
            sha256(hash, s->data, s->len);
        if (memcmp(hash, d->data, d->type == DEST_P2SH ? 20 : 32) == 0)
            return s;
    }
    return NULL;
}

static void put_key(struct json *j, const struct expansion *e, const struct destination *d)
{
    const struct derived_key *k = key_of(e, d->data);
    if (!k)
        return;
    json_put_hex(j, "pubkey", k->pubkey.data, k->pubkey.len);
    if (d->type == DEST_P2PKH)
        json_put_bool(j, "iscompressed", pubkey_compressed(&k->pubkey));
}

static void put_solution(struct json *j, const struct network *net, const struct expansion *e,
                         const struct destination *d);

/* What lies inside a script hash: another output form as "embedded", or the keys of a multisig. */
static void put_subscript(struct json *j, const struct network *net, const struct expansion *e,
                          const struct buf *script)
{
    struct destination inner;
    struct solution s;
    enum script_type type = script_solve(buf_span(script), &s);
    json_put_str(j, "script", script_type_name(type));
    json_put_hex(j, "hex", script->data, script->len);
    if (script_to_destination(buf_span(script), &inner)) {
        const struct derived_key *k =
            inner.len == 20 && inner.type != DEST_P2SH ? key_of(e, inner.data) : NULL;
        if (k)
            json_put_hex(j, "pubkey", k->pubkey.data, k->pubkey.len);
        json_begin_object(j, "embedded");
        json_put_destination(j, &inner);
        put_solution(j, net, e, &inner);
        json_put_str_take(j, "address", address_encode(&net->address, &inner));
        json_put_hex(j, "scriptPubKey", script->data, script->len);
        json_end(j);
    } else if (type == SCRIPT_MULTISIG) {
        json_put_int(j, "sigsrequired", s.required);
        json_begin_array(j, "pubkeys");
        for (unsigned i = 0; i < s.n_data; i++)
            json_put_hex(j, NULL, s.data[i].data, s.data[i].len);
        json_end(j);
    }
}

static void put_solution(struct json *j, const struct network *net, const struct expansion *e,
                         const struct destination *d)
{
    const struct buf *script;
    switch (d->type) {
    case DEST_P2PKH:
    case DEST_P2WPKH: put_key(j, e, d); break;
    case DEST_P2SH:
    case DEST_P2WSH:
        script = subscript_of(e, d);
        if (script)
            put_subscript(j, net, e, script);
        break;
    case DEST_NONE:
    case DEST_PUBKEY:
    case DEST_P2TR:
    case DEST_ANCHOR:
    case DEST_WITNESS: break;
    }
}

/* Where the key comes from, of single keys. */
static void put_origin(struct json *j, const struct wallet_script *info, const struct expansion *e)
{
    json_put_int(j, "timestamp", info->owner->created);
    if (e->n_keys != 1)
        return;
    char hex[9];
    json_put_str_take(j, "hdkeypath",
                      bip32_path_format(e->keys[0].path, e->keys[0].path_len, false));
    json_put_str(j, "hdseedid", "0000000000000000000000000000000000000000");
    json_put_str(j, "hdmasterfingerprint", hex_encode(hex, e->keys[0].fingerprint, 4));
}

static void put_ownership(struct json *j, struct wallet *w, struct span script,
                          const struct wallet_script *info, const struct expansion *e)
{
    const struct address_params *p = &wallet_network(w)->address;
    json_put_bool(j, "ismine", info != NULL);
    bool solvable = info && descriptor_is_solvable(info->owner->d);
    json_put_bool(j, "solvable", solvable);
    if (solvable)
        json_put_str_take(j, "desc", descriptor_infer(p, script, e));
    if (info)
        json_put_str_take(j, "parent_desc", descriptor_to_normalized_string(p, info->owner->d));
    json_put_bool(j, "iswatchonly", false);
}

static void put_labels(struct json *j, struct wallet *w, const char *address)
{
    const struct address_entry *entry = wallet_address_entry(w, address);
    json_begin_array(j, "labels");
    if (entry && entry->label)
        json_put_str(j, NULL, entry->label);
    json_end(j);
}

static void put_address_info(struct json *j, struct wallet *w, const struct destination *d)
{
    const struct network *net = wallet_network(w);
    struct buf script = BUF_INIT;
    struct wallet_script info;
    struct expansion e;
    char *address = address_encode(&net->address, d);
    destination_script(d, &script);
    bool mine = wallet_script_info(w, buf_span(&script), &info);
    bool known = wallet_expand(w, buf_span(&script), false, &e);
    json_begin_object(j, NULL);
    json_put_str(j, "address", address);
    json_put_hex(j, "scriptPubKey", script.data, script.len);
    put_ownership(j, w, buf_span(&script), mine ? &info : NULL, &e);
    json_put_destination(j, d);
    if (known)
        put_solution(j, net, &e, d);
    json_put_bool(j, "ischange", wallet_is_change(w, buf_span(&script)));
    if (known)
        put_origin(j, &info, &e);
    put_labels(j, w, address);
    json_end(j);
    expansion_clear(&e);
    buf_clear(&script);
    free(address);
}

static struct rpc_answer *getaddressinfo(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct destination d;
    struct address_error error;
    if (!w)
        return rpc_fail(call);
    bool ok =
        address_decode(&rpc_ctx(call)->net->address, rpc_arg_str(call, "address"), &d, &error);
    if (!ok)
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "%s",
                      *error.text ? error.text : "Invalid address");
    address_error_clear(&error);
    if (!ok)
        return rpc_fail(call);
    put_address_info(rpc_result(call), w, &d);
    return rpc_ok(call);
}

/* ---- labels ---- */

static struct rpc_answer *setlabel(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct destination d;
    struct buf script = BUF_INIT;
    const char *label;
    if (!w)
        return rpc_fail(call);
    if (!address_decode(&rpc_ctx(call)->net->address, rpc_arg_str(call, "address"), &d, NULL))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid Bitcoin address");
    if (!rpc_arg_label(call, "label", &label))
        return rpc_fail(call);
    destination_script(&d, &script);
    bool mine = wallet_is_mine(w, buf_span(&script));
    char *address = address_encode(&rpc_ctx(call)->net->address, &d);
    bool ok = wallet_set_label(w, address, label, mine ? PURPOSE_RECEIVE : PURPOSE_SEND);
    free(address);
    buf_clear(&script);
    if (!ok)
        return rpc_error(call, RPC_WALLET_ERROR, "The wallet file could not be written");
    return rpc_ok_null(call);
}

static struct rpc_answer *getaddressesbylabel(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    const struct address_entry *e;
    const char *label;
    bool any = false;
    if (!w || !rpc_arg_label(call, "label", &label))
        return rpc_fail(call);
    json_begin_object(j, NULL);
    for (size_t i = 0; (e = wallet_address_at(w, i)); i++) {
        if (!e->label || strcmp(e->label, label) != 0)
            continue;
        any = true;
        json_begin_object(j, e->address);
        json_put_str(j, "purpose",
                     e->purpose == PURPOSE_NONE ? "unknown" : address_purpose_name(e->purpose));
        json_end(j);
    }
    json_end(j);
    if (!any)
        return rpc_error(call, RPC_WALLET_INVALID_LABEL_NAME, "No addresses with label %s", label);
    return rpc_ok(call);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct rpc_answer *listlabels(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    const char *purpose = rpc_arg_str(call, "purpose"), **labels = NULL;
    const struct address_entry *e;
    size_t n = 0, cap = 0;
    enum address_purpose want = PURPOSE_NONE;
    if (!w || rpc_failed(call))
        return rpc_fail(call);
    while (purpose && *purpose && want <= PURPOSE_REFUND &&
           strcmp(purpose, address_purpose_name(want)) != 0)
        want++;
    if (want > PURPOSE_REFUND)
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Invalid 'purpose' argument, must be a known purpose string, typically "
                         "'send', or 'receive'.");
    for (size_t i = 0; (e = wallet_address_at(w, i)); i++) {
        if (!e->label || (want != PURPOSE_NONE && e->purpose != want))
            continue;
        labels = array_reserve(labels, &cap, n + 1, sizeof(*labels));
        labels[n++] = e->label;
    }
    if (n)
        qsort(labels, n, sizeof(*labels), compare_texts);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(labels[i], labels[i - 1]) != 0)
            json_put_str(j, NULL, labels[i]);
    json_end(j);
    free(labels);
    return rpc_ok(call);
}

#define EMBEDDED                                                                    \
    "isscript?:bool, iswitness?:bool, witness_version?:num, witness_program?:hex, " \
    "script?:str, hex?:hex, pubkeys?:[hex], sigsrequired?:num, pubkey?:hex, iscompressed?:bool"

const struct rpc_method rpc_wallet_address_methods[] = {
    {"getaddressesbylabel", getaddressesbylabel, "The addresses that have a label.",
     RPC_PARAMS({"label", "str", RPC_REQUIRED, "The label"}), "{<address>:{purpose:str}}"},
    {"getaddressinfo", getaddressinfo, "What the wallet knows of an address.",
     RPC_PARAMS({"address", "str", RPC_REQUIRED, "The address"}),
     "{address:str, scriptPubKey:hex, ismine:bool, iswatchonly:bool, solvable:bool, desc?:str, "
     "parent_desc?:str, " EMBEDDED ", embedded?:{address?:str, scriptPubKey?:hex, " EMBEDDED
     "}, ischange:bool, timestamp?:time, hdkeypath?:str, hdseedid?:hex, "
     "hdmasterfingerprint?:hex, labels:[str]}"},
    {"getnewaddress", getnewaddress, "A new address to be paid to.",
     RPC_PARAMS({"label", "str", "\"\"", "Its label"},
                {"address_type", "str", "as set by -addresstype",
                 "legacy, p2sh-segwit, bech32 or bech32m"}),
     "str"},
    {"getrawchangeaddress", getrawchangeaddress, "A new address for change.",
     RPC_PARAMS({"address_type", "str", "as set by -changetype",
                 "legacy, p2sh-segwit, bech32 or bech32m"}),
     "str"},
    {"listlabels", listlabels, "All labels, or those of addresses with a purpose.",
     RPC_PARAMS({"purpose", "str", NULL, "send or receive"}), "[str]"},
    {"setlabel", setlabel, "Gives an address a label.",
     RPC_PARAMS({"address", "str", RPC_REQUIRED, "The address"},
                {"label", "str", RPC_REQUIRED, "Its label"}),
     "null"},
    {0},
};
