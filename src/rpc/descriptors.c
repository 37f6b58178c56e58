/* Methods about descriptors that need no wallet. */
#include <stdlib.h>
#include <string.h>

#include "consensus/params.h"
#include "crypto/hash.h"
#include "rpc/range.h"
#include "rpc/tx_json.h"
#include "script/descriptor.h"
#include "util/mem.h"

static bool parse(struct rpc_call *call, bool require_checksum, struct descriptor ***list,
                  size_t *n)
{
    char *error = NULL;
    if (descriptor_parse(&rpc_ctx(call)->net->address, rpc_arg_str(call, "descriptor"),
                         require_checksum, list, n, &error))
        return true;
    rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "%s", error);
    free(error);
    return false;
}

static struct rpc_answer *getdescriptorinfo(struct rpc_call *call)
{
    const struct address_params *p = &rpc_ctx(call)->net->address;
    struct json *j = rpc_result(call);
    struct descriptor **list;
    size_t n;
    char sum[9];
    if (!parse(call, false, &list, &n))
        return rpc_fail(call);
    json_begin_object(j, NULL);
    json_put_str_take(j, "descriptor", descriptor_to_string(p, list[0]));
    if (n > 1) {
        json_begin_array(j, "multipath_expansion");
        for (size_t i = 0; i < n; i++)
            json_put_str_take(j, NULL, descriptor_to_string(p, list[i]));
        json_end(j);
    }
    const char *text = rpc_arg_str(call, "descriptor");
    char *bare = xstrndup(text, strcspn(text, "#"));
    json_put_str(j, "checksum", descriptor_checksum(bare, sum));
    json_put_bool(j, "isrange", descriptor_is_range(list[0]));
    json_put_bool(j, "issolvable", descriptor_is_solvable(list[0]));
    json_put_bool(j, "hasprivatekeys", descriptor_has_private(list[0]));
    json_end(j);
    wipe(bare, strlen(bare));
    free(bare);
    descriptors_free(list, n);
    return rpc_ok(call);
}

/* ---- deriveaddresses ---- */

static bool put_addresses(struct rpc_call *call, struct json *j, const struct descriptor *d,
                          uint32_t index)
{
    struct expansion e;
    bool ok = descriptor_expand(d, index, false, &e);
    if (!ok)
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                      "Cannot derive script without private keys");
    for (size_t i = 0; ok && i < e.n_scripts; i++) {
        struct destination dest;
        if (script_to_destination(buf_span(&e.scripts[i]), &dest))
            json_put_str_take(j, NULL, address_encode(&rpc_ctx(call)->net->address, &dest));
        else if (!descriptor_is_combo(d)) /* combo()'s bare key has none */
            ok = rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                               "Descriptor does not have a corresponding address");
    }
    expansion_clear(&e);
    return ok;
}

static bool put_all(struct rpc_call *call, struct json *j, const struct descriptor *d,
                    int64_t begin, int64_t end)
{
    json_begin_array(j, NULL);
    for (int64_t i = begin; i <= end; i++)
        if (!put_addresses(call, j, d, (uint32_t)i))
            return false;
    json_end(j);
    return true;
}

static struct rpc_answer *deriveaddresses(struct rpc_call *call)
{
    struct json *j = rpc_result(call);
    struct json_object *range = rpc_arg(call, "range");
    struct descriptor **list;
    int64_t begin = 0, end = 0;
    size_t n;
    if ((range && !rpc_get_range(call, range, &begin, &end)) || !parse(call, true, &list, &n))
        return rpc_fail(call);
    bool is_range = descriptor_is_range(list[0]), ok = true;
    if (!is_range && range)
        ok = rpc_set_error(call, RPC_INVALID_PARAMETER,
                           "Range should not be specified for an un-ranged descriptor");
    else if (is_range && !range)
        ok = rpc_set_error(call, RPC_INVALID_PARAMETER,
                           "Range must be specified for a ranged descriptor");
    if (ok && n > 1)
        json_begin_array(j, NULL);
    for (size_t i = 0; i < n && ok; i++)
        ok = put_all(call, j, list[i], begin, end);
    if (ok && n > 1)
        json_end(j);
    descriptors_free(list, n);
    return ok ? rpc_ok(call) : rpc_fail(call);
}

/* ---- createmultisig ---- */

static bool read_keys(struct rpc_call *call, struct pubkey *keys, unsigned *n, bool *compressed)
{
    struct json_object *list = rpc_arg(call, "keys");
    size_t len = json_object_array_length(list);
    *compressed = true;
    if (len > MAX_PUBKEYS_PER_MULTISIG)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Number of keys involved in the multisignature address creation > %d\n"
                             "Reduce the number",
                             MAX_PUBKEYS_PER_MULTISIG);
    for (size_t i = 0; i < len; i++) {
        struct buf b = BUF_INIT;
        struct json_object *v = json_object_array_get_idx(list, i);
        if (!rpc_check_type(call, v, "str"))
            return false;
        const char *text = json_object_get_string(v);
        if (!is_hex(text))
            return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                                 "Pubkey \"%s\" must be a hex string", text);
        if (strlen(text) != 66 && strlen(text) != 130)
            return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                                 "Pubkey \"%s\" must have a length of either 33 or 65 bytes", text);
        bool ok = hex_read(&b, text) && pubkey_from_bytes(&keys[i], b.data, b.len) &&
                  pubkey_valid(&keys[i]);
        buf_clear(&b);
        if (!ok)
            return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                                 "Pubkey \"%s\" must be cryptographically valid.", text);
        *compressed = *compressed && pubkey_compressed(&keys[i]);
    }
    *n = (unsigned)len;
    return true;
}

static bool check_multisig(struct rpc_call *call, int64_t required, unsigned n)
{
    if (required < 1)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "a multisignature address must require at least one key to redeem");
    if (n < required)
        return rpc_set_error(
            call, RPC_INVALID_PARAMETER,
            "not enough keys supplied (got %u keys, but need at least %d to redeem)", n,
            (int)required);
    return true;
}

/* The text of the descriptor around multi(). */
static char *multisig_descriptor(struct rpc_call *call, enum output_type type, int64_t required,
                                 const struct pubkey *keys, unsigned n)
{
    static const char *const format[] = {"sh(%s)", "sh(wsh(%s))", "wsh(%s)"};
    struct buf b = BUF_INIT;
    char hex[131], sum[9];
    write_printf(&b, "multi(%d", (int)required);
    for (unsigned i = 0; i < n; i++)
        write_printf(&b, ",%s", hex_encode(hex, keys[i].data, keys[i].len));
    write_printf(&b, ")");
    write_u8(&b, 0);
    char *bare = type == OUTPUT_LEGACY        ? xasprintf(format[0], (char *)b.data)
                 : type == OUTPUT_P2SH_SEGWIT ? xasprintf(format[1], (char *)b.data)
                                              : xasprintf(format[2], (char *)b.data);
    char *text = xasprintf("%s#%s", bare, descriptor_checksum(bare, sum));
    (void)call;
    free(bare);
    buf_clear(&b);
    return text;
}

static void multisig_output(enum output_type type, const struct buf *redeem,
                            struct destination *out)
{
    struct buf witness = BUF_INIT;
    uint8_t hash[32];
    memset(out, 0, sizeof(*out));
    sha256(hash, redeem->data, redeem->len);
    script_p2wsh(&witness, hash);
    out->type = type == OUTPUT_BECH32 ? DEST_P2WSH : DEST_P2SH;
    out->len = type == OUTPUT_BECH32 ? 32 : 20;
    if (type == OUTPUT_BECH32)
        memcpy(out->data, hash, 32);
    else if (type == OUTPUT_LEGACY)
        hash160(out->data, redeem->data, redeem->len);
    else
        hash160(out->data, witness.data, witness.len);
    buf_clear(&witness);
}

static struct rpc_answer *createmultisig(struct rpc_call *call)
{
    struct pubkey keys[MAX_PUBKEYS_PER_MULTISIG];
    struct json *j = rpc_result(call);
    struct buf redeem = BUF_INIT;
    struct destination d;
    enum output_type type = OUTPUT_LEGACY;
    const char *type_name = rpc_arg_str(call, "address_type");
    int64_t required = rpc_arg_int(call, "nrequired", 0);
    unsigned n = 0;
    bool compressed = true;
    if (rpc_failed(call))
        return rpc_fail(call);
    if (type_name && !output_type_parse(type_name, &type))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Unknown address type '%s'", type_name);
    if (type == OUTPUT_BECH32M)
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                         "createmultisig cannot create bech32m multisig addresses");
    if (!read_keys(call, keys, &n, &compressed) || !check_multisig(call, required, n))
        return rpc_fail(call);
    enum output_type made = compressed ? type : OUTPUT_LEGACY; /* segwit needs compressed keys */
    script_multisig(&redeem, (unsigned)required, keys, n);
    if (made == OUTPUT_LEGACY && redeem.len > MAX_SCRIPT_ELEMENT_SIZE) {
        rpc_set_error(call, RPC_INVALID_PARAMETER, "redeemScript exceeds size limit: %zu > %d",
                      redeem.len, MAX_SCRIPT_ELEMENT_SIZE);
        buf_clear(&redeem);
        return rpc_fail(call);
    }
    multisig_output(made, &redeem, &d);
    json_begin_object(j, NULL);
    json_put_str_take(j, "address", address_encode(&rpc_ctx(call)->net->address, &d));
    json_put_hex(j, "redeemScript", redeem.data, redeem.len);
    json_put_str_take(j, "descriptor", multisig_descriptor(call, made, required, keys, n));
    if (type_name && made != type) {
        json_begin_array(j, "warnings");
        json_put_str(j, NULL,
                     "Unable to make chosen address type, please ensure no uncompressed public "
                     "keys are present.");
        json_end(j);
    }
    json_end(j);
    buf_clear(&redeem);
    return rpc_ok(call);
}

const struct rpc_method rpc_descriptor_methods[] = {
    {"createmultisig", createmultisig, "The address and script of a multisig of n keys.",
     RPC_PARAMS({"nrequired", "num", RPC_REQUIRED, "How many must sign"},
                {"keys", "[str]", RPC_REQUIRED, "Public keys in hex", "[\"key\",...]"},
                {"address_type", "str", "legacy", "legacy, p2sh-segwit or bech32"}),
     "{address:str, redeemScript:hex, descriptor:str, warnings?:[str]}"},
    {"deriveaddresses", deriveaddresses, "The addresses of a descriptor.",
     RPC_PARAMS({"descriptor", "str", RPC_REQUIRED, "The descriptor, with checksum"},
                {"range", "range", NULL, "Which positions: the last one, or [begin,end]"}),
     "[str] | [[str]]"},
    {"getdescriptorinfo", getdescriptorinfo, "What a descriptor is, and its checksum.",
     RPC_PARAMS({"descriptor", "str", RPC_REQUIRED, "The descriptor"}),
     "{descriptor:str, multipath_expansion?:[str], checksum:str, isrange:bool, issolvable:bool, "
     "hasprivatekeys:bool}"},
    {0},
};
