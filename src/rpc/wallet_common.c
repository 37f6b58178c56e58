/* What the wallet methods share. */
#include <stdlib.h>
#include <string.h>

#include "rpc/wallet_rpc.h"
#include "util/mem.h"

struct wallet *rpc_wallet(struct rpc_call *call)
{
    struct wallets *ws = rpc_ctx(call)->wallets;
    const char *name = rpc_wallet_name(call);

    if (!ws) {
        rpc_set_error(call, RPC_METHOD_NOT_FOUND, "Method not found (wallets are disabled)");
        return NULL;
    }
    if (name) {
        struct wallet *w = wallets_find(ws, name);
        if (!w)
            rpc_set_error(call, RPC_WALLET_NOT_FOUND,
                          "Requested wallet does not exist or is not loaded");
        return w;
    }
    if (wallets_count(ws) == 1)
        return wallets_at(ws, 0);
    if (wallets_count(ws) == 0)
        rpc_set_error(call, RPC_WALLET_NOT_FOUND,
                      "No wallet is loaded. Load a wallet using loadwallet or create a new one "
                      "with createwallet. (Note: A default wallet is no longer automatically "
                      "created)");
    else
        rpc_set_error(call, RPC_WALLET_NOT_SPECIFIED,
                      "Multiple wallets are loaded. Please select which wallet to use by "
                      "requesting the RPC through the /wallet/<walletname> URI path.");
    return NULL;
}

bool rpc_wallet_unlocked(struct rpc_call *call, struct wallet *w)
{
    if (!wallet_is_locked(w))
        return true;
    return rpc_set_error(call, RPC_WALLET_UNLOCK_NEEDED,
                         "Error: Please enter the wallet passphrase with walletpassphrase first.");
}

bool rpc_arg_label(struct rpc_call *call, const char *name, const char **label)
{
    *label = rpc_arg_str(call, name);
    if (!*label)
        *label = "";
    if (strcmp(*label, "*") == 0)
        return rpc_set_error(call, RPC_WALLET_INVALID_LABEL_NAME, "Invalid label name");
    return !rpc_failed(call);
}

bool rpc_arg_output_type(struct rpc_call *call, const char *name, enum output_type def,
                         enum output_type *out)
{
    const char *text = rpc_arg_str(call, name);

    *out = def;
    if (!text || output_type_parse(text, out))
        return !rpc_failed(call);
    return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Unknown address type '%s'", text);
}

bool rpc_arg_avoid_reuse(struct rpc_call *call, struct wallet *w, const char *name, bool *out)
{
    bool can = wallet_flags(w) & WALLET_FLAG_AVOID_REUSE;

    *out = rpc_arg_bool(call, name, can);
    if (*out && !can)
        return rpc_set_error(call, RPC_WALLET_ERROR,
                             "wallet does not have the \"avoid reuse\" feature enabled");
    return !rpc_failed(call);
}

struct span rpc_arg_bytes(struct rpc_call *call, const char *name)
{
    struct json_object *v = rpc_arg(call, name);

    if (!v || !rpc_check_type(call, v, "str"))
        return span_of(NULL, 0);
    return span_of(json_object_get_string(v), (size_t)json_object_get_string_len(v));
}

void json_put_last_block(struct json *j, struct wallet *w)
{
    json_begin_object(j, "lastprocessedblock");
    json_put_hash(j, "hash", wallet_last_block(w)->b);
    json_put_int(j, "height", wallet_last_height(w));
    json_end(j);
}

void json_put_parent_descs(struct json *j, struct wallet *w, struct span script)
{
    struct wallet_script info;

    json_begin_array(j, "parent_descs");
    if (wallet_script_info(w, script, &info)) {
        char *text = descriptor_to_normalized_string(&wallet_network(w)->address, info.owner->d);
        json_put_str_take(j, NULL, text);
    }
    json_end(j);
}
