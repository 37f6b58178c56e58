/* Methods about wallets as a whole: creating, loading, listing, what one is. */
#include <stdlib.h>
#include <string.h>

#include "rpc/wallet_rpc.h"
#include "util/mem.h"

#define FORMAT_VERSION 169900

static enum rpc_code code_of(enum wallet_status status)
{
    switch (status) {
    case WALLET_NOT_FOUND: return RPC_WALLET_NOT_FOUND;
    case WALLET_EXISTS: return RPC_WALLET_ALREADY_EXISTS;
    case WALLET_LOADED: return RPC_WALLET_ALREADY_LOADED;
    case WALLET_NAME_EMPTY: return RPC_INVALID_PARAMETER;
    case WALLET_ENCRYPT_FAILED: return RPC_WALLET_ENCRYPTION_FAILED;
    case WALLET_OK:
    case WALLET_FAILED:
    case WALLET_BAD_PATH: break;
    }
    return RPC_WALLET_ERROR;
}

static bool have_wallets(struct rpc_call *call)
{
    return rpc_ctx(call)->wallets ||
           rpc_set_error(call, RPC_METHOD_NOT_FOUND, "Method not found (wallets are disabled)");
}

static void put_warnings(struct json *j, const char *const *warnings, size_t n)
{
    bool open = false;
    for (size_t i = 0; i < n; i++) {
        if (!warnings[i])
            continue;
        if (!open)
            json_begin_array(j, "warnings");
        open = true;
        json_put_str(j, NULL, warnings[i]);
    }
    if (open)
        json_end(j);
}

/* The load_on_startup argument: true, false, or (not given) as it is. NULL or a warning. */
static const char *set_startup(struct rpc_call *call, struct wallet *w)
{
    bool load = rpc_arg_bool(call, "load_on_startup", false);
    if (!rpc_arg_given(call, "load_on_startup") || wallet_remember(w, load))
        return NULL;
    return load ? "Wallet load on startup setting could not be updated, so wallet may not be "
                  "loaded next node startup."
                : "Wallet load on startup setting could not be updated, so wallet may still be "
                  "loaded next node startup.";
}

/* Takes over error and warning. */
static struct rpc_answer *answer_loaded(struct rpc_call *call, enum wallet_status status,
                                        struct wallet *w, char *error, char *warning)
{
    struct rpc_answer *a;
    if (status == WALLET_OK) {
        const char *const warnings[] = {set_startup(call, w), warning};
        struct json *j = rpc_result(call);
        json_begin_object(j, NULL);
        json_put_str(j, "name", wallet_name(w));
        put_warnings(j, warnings, ARRAY_LEN(warnings));
        json_end(j);
        a = rpc_ok(call);
    } else {
        a = rpc_error(call, code_of(status), "%s", error);
    }
    free(error);
    free(warning);
    return a;
}

static struct rpc_answer *createwallet(struct rpc_call *call)
{
    struct wallet_create c = {.name = rpc_arg_str(call, "wallet_name"),
                              .disable_private_keys =
                                  rpc_arg_bool(call, "disable_private_keys", false),
                              .blank = rpc_arg_bool(call, "blank", false),
                              .passphrase = rpc_arg_bytes(call, "passphrase"),
                              .avoid_reuse = rpc_arg_bool(call, "avoid_reuse", false)};
    struct wallet *w = NULL;
    char *error = NULL, *warning = NULL;
    if (rpc_failed(call) || !have_wallets(call))
        return rpc_fail(call);
    if (!rpc_arg_bool(call, "descriptors", true))
        return rpc_error(call, RPC_WALLET_ERROR,
                         "descriptors argument must be set to \"true\"; it is no longer possible "
                         "to create a legacy wallet.");
    if (rpc_arg_bool(call, "external_signer", false))
        return rpc_error(
            call, RPC_WALLET_ERROR,
            "Compiled without external signing support (required for external signing)");
    enum wallet_status status = wallet_create(rpc_ctx(call)->wallets, &c, &w, &error, &warning);
    if (status == WALLET_OK && rpc_arg_given(call, "passphrase") && !c.passphrase.len)
        warning = xstrdup("Empty string given as passphrase, wallet will not be encrypted.");
    return answer_loaded(call, status, w, error, warning);
}

static struct rpc_answer *loadwallet(struct rpc_call *call)
{
    struct wallet *w = NULL;
    char *error = NULL, *warning = NULL;
    if (!have_wallets(call))
        return rpc_fail(call);
    enum wallet_status status =
        wallet_load(rpc_ctx(call)->wallets, rpc_arg_str(call, "filename"), &w, &error, &warning);
    return answer_loaded(call, status, w, error, warning);
}

static struct rpc_answer *restorewallet(struct rpc_call *call)
{
    struct wallet *w = NULL;
    char *error = NULL, *warning = NULL;
    if (!have_wallets(call))
        return rpc_fail(call);
    enum wallet_status status =
        wallet_restore(rpc_ctx(call)->wallets, rpc_arg_str(call, "wallet_name"),
                       rpc_arg_str(call, "backup_file"), &w, &error, &warning);
    return answer_loaded(call, status, w, error, warning);
}

/* The name given by path, by argument, or by both alike. */
static const char *unique_name(struct rpc_call *call)
{
    const char *by_path = rpc_wallet_name(call), *by_arg = rpc_arg_str(call, "wallet_name");
    if (by_path && by_arg && strcmp(by_path, by_arg) != 0)
        rpc_set_error(call, RPC_INVALID_PARAMETER,
                      "The RPC endpoint wallet and the wallet name parameter specify different "
                      "wallets");
    else if (!by_path && !by_arg)
        rpc_set_error(call, RPC_INVALID_PARAMETER,
                      "Either the RPC endpoint wallet or the wallet name parameter must be "
                      "provided");
    return by_path ? by_path : by_arg;
}

static struct rpc_answer *unloadwallet(struct rpc_call *call)
{
    const char *name = unique_name(call);
    if (rpc_failed(call) || !have_wallets(call))
        return rpc_fail(call);
    struct wallet *w = wallets_find(rpc_ctx(call)->wallets, name);
    if (!w)
        return rpc_error(call, RPC_WALLET_NOT_FOUND,
                         "Requested wallet does not exist or is not loaded");
    const char *const warnings[] = {set_startup(call, w)};
    wallet_unload(w);
    json_begin_object(rpc_result(call), NULL);
    put_warnings(rpc_result(call), warnings, 1);
    json_end(rpc_result(call));
    return rpc_ok(call);
}

static struct rpc_answer *listwallets(struct rpc_call *call)
{
    struct json *j = rpc_result(call);
    if (!have_wallets(call))
        return rpc_fail(call);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < wallets_count(rpc_ctx(call)->wallets); i++)
        json_put_str(j, NULL, wallet_name(wallets_at(rpc_ctx(call)->wallets, i)));
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *listwalletdir(struct rpc_call *call)
{
    struct json *j = rpc_result(call);
    size_t n;
    if (!have_wallets(call))
        return rpc_fail(call);
    char **names = wallets_list_dir(rpc_ctx(call)->wallets, &n);
    json_begin_object(j, NULL);
    json_begin_array(j, "wallets");
    for (size_t i = 0; i < n; i++) {
        json_begin_object(j, NULL);
        json_put_str_take(j, "name", names[i]);
        json_begin_array(j, "warnings");
        json_end(j);
        json_end(j);
    }
    json_end(j);
    json_end(j);
    free(names);
    return rpc_ok(call);
}

static void put_flags(struct json *j, uint64_t flags)
{
    static const struct {
        uint64_t flag;
        const char *name;
    } names[] = {{WALLET_FLAG_AVOID_REUSE, "avoid_reuse"},
                 {WALLET_FLAG_KEY_ORIGIN_METADATA, "key_origin_metadata"},
                 {WALLET_FLAG_LAST_HARDENED_CACHED, "last_hardened_xpub_cached"},
                 {WALLET_FLAG_DISABLE_PRIVATE_KEYS, "disable_private_keys"},
                 {WALLET_FLAG_BLANK, "blank"},
                 {WALLET_FLAG_DESCRIPTORS, "descriptor_wallet"},
                 {WALLET_FLAG_EXTERNAL_SIGNER, "external_signer"}};
    json_begin_array(j, "flags");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (flags & names[i].flag)
            json_put_str(j, NULL, names[i].name);
    json_end(j);
}

static struct rpc_answer *getwalletinfo(struct rpc_call *call)
{
    struct json *j = rpc_result(call);
    struct wallet *w = rpc_wallet(call);
    int64_t external, internal;
    if (!w)
        return rpc_fail(call);
    wallet_keypool_sizes(w, &external, &internal);
    json_begin_object(j, NULL);
    json_put_str(j, "walletname", wallet_name(w));
    json_put_int(j, "walletversion", FORMAT_VERSION);
    json_put_str(j, "format", "sqlite");
    json_put_uint(j, "txcount", wallet_tx_count(w));
    json_put_int(j, "keypoolsize", external);
    json_put_int(j, "keypoolsize_hd_internal", internal);
    if (wallet_is_encrypted(w))
        json_put_int(j, "unlocked_until", wallet_unlocked_until(w));
    json_put_bool(j, "private_keys_enabled", !(wallet_flags(w) & WALLET_FLAG_DISABLE_PRIVATE_KEYS));
    json_put_bool(j, "avoid_reuse", wallet_flags(w) & WALLET_FLAG_AVOID_REUSE);
    json_put_bool(j, "scanning", false);
    json_put_bool(j, "descriptors", wallet_flags(w) & WALLET_FLAG_DESCRIPTORS);
    json_put_bool(j, "external_signer", false);
    json_put_bool(j, "blank", wallet_flags(w) & WALLET_FLAG_BLANK);
    if (wallet_birth_time(w) != INT64_MAX)
        json_put_int(j, "birthtime", wallet_birth_time(w));
    put_flags(j, wallet_flags(w));
    json_put_last_block(j, w);
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *setwalletflag(struct rpc_call *call)
{
    const char *name = rpc_arg_str(call, "flag");
    bool value = rpc_arg_bool(call, "value", true);
    static const char *const fixed[] = {"key_origin_metadata",  "last_hardened_xpub_cached",
                                        "disable_private_keys", "blank",
                                        "descriptor_wallet",    "external_signer"};
    struct wallet *w = rpc_wallet(call);
    if (!w)
        return rpc_fail(call);
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (strcmp(name, fixed[i]) == 0)
            return rpc_error(call, RPC_INVALID_PARAMETER, "Wallet flag is immutable: %s", name);
    if (strcmp(name, "avoid_reuse") != 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Unknown wallet flag: %s", name);
    if (!!(wallet_flags(w) & WALLET_FLAG_AVOID_REUSE) == value)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Wallet flag is already set to %s: %s",
                         value ? "true" : "false", name);
    wallet_set_flags(w, value ? WALLET_FLAG_AVOID_REUSE : 0, value ? 0 : WALLET_FLAG_AVOID_REUSE);
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_str(j, "flag_name", name);
    json_put_bool(j, "flag_state", value);
    if (value)
        json_put_str(j, "warnings",
                     "You need to rescan the blockchain in order to correctly mark used "
                     "destinations in the past. Until this is done, some destinations may "
                     "be considered unused, even if the opposite is the case.");
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *backupwallet(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    char *error = NULL;
    if (!w)
        return rpc_fail(call);
    if (wallet_backup(w, rpc_arg_str(call, "destination"), &error))
        return rpc_ok_null(call);
    struct rpc_answer *a = rpc_error(call, RPC_WALLET_ERROR, "%s", error);
    free(error);
    return a;
}

static struct rpc_answer *keypoolrefill(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    int64_t size = rpc_arg_int(call, "newsize", 0);
    if (!w || rpc_failed(call))
        return rpc_fail(call);
    if (size < 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, expected valid size.");
    if (!rpc_wallet_unlocked(call, w))
        return rpc_fail(call);
    if (!wallet_keypool_refill(w, (unsigned)size))
        return rpc_error(call, RPC_WALLET_ERROR, "Error refreshing keypool.");
    return rpc_ok_null(call);
}

#define STARTUP                                                                        \
    {                                                                                  \
        "load_on_startup", "bool", NULL,                                               \
            "Put the wallet on the list of those loaded at start (true), take it off " \
            "(false), or leave the list as it is (null)"                               \
    }
#define NAME_AND_WARNINGS "{name:str, warnings?:[str]}"

const struct rpc_method rpc_wallet_manage_methods[] = {
    {"backupwallet", backupwallet, "Writes a copy of the wallet's file.",
     RPC_PARAMS({"destination", "str", RPC_REQUIRED, "Where to"}), "null"},
    {"createwallet", createwallet, "Creates a wallet and loads it.",
     RPC_PARAMS(
         {"wallet_name", "str", RPC_REQUIRED, "Its name, or the path of its folder"},
         {"disable_private_keys", "bool", "false", "It can only watch"},
         {"blank", "bool", "false", "Without keys; they are imported later"},
         {"passphrase", "str", NULL, "Encrypts it"},
         {"avoid_reuse", "bool", "false", "Keeps coins of addresses that were used before apart"},
         {"descriptors", "bool", "true", "Must be true"}, STARTUP,
         {"external_signer", "bool", "false", "Not supported"}),
     NAME_AND_WARNINGS},
    {"getwalletinfo", getwalletinfo, "State of the wallet.", RPC_NO_PARAMS,
     "{walletname:str, walletversion:num, format:str, txcount:num, keypoolsize:num, "
     "keypoolsize_hd_internal?:num, unlocked_until?:time, private_keys_enabled:bool, "
     "avoid_reuse:bool, scanning:{duration:num, progress:num}|bool, descriptors:bool, "
     "external_signer:bool, blank:bool, birthtime?:time, flags:[str], " RPC_LAST_BLOCK_TYPE "}"},
    {"keypoolrefill", keypoolrefill, "Makes keys in advance.",
     RPC_PARAMS({"newsize", "num", "1000, or as set by -keypool", "How many lie ahead"}), "null"},
    {"listwalletdir", listwalletdir, "The wallets in the wallet directory.", RPC_NO_PARAMS,
     "{wallets:[{name:str, warnings?:[str]}]}"},
    {"listwallets", listwallets, "The wallets that are loaded.", RPC_NO_PARAMS, "[str]"},
    {"loadwallet", loadwallet, "Loads a wallet.",
     RPC_PARAMS({"filename", "str", RPC_REQUIRED, "Its name, or the path of its folder"}, STARTUP),
     NAME_AND_WARNINGS},
    {"restorewallet", restorewallet, "Restores a wallet from a backup and loads it.",
     RPC_PARAMS({"wallet_name", "str", RPC_REQUIRED, "The name it gets"},
                {"backup_file", "str", RPC_REQUIRED, "The backup"}, STARTUP),
     NAME_AND_WARNINGS},
    {"setwalletflag", setwalletflag, "Changes a flag of the wallet.",
     RPC_PARAMS({"flag", "str", RPC_REQUIRED, "avoid_reuse"},
                {"value", "bool", "true", "Its new state"}),
     "{flag_name:str, flag_state:bool, warnings?:str}"},
    {"unloadwallet", unloadwallet, "Saves a wallet and closes it.",
     RPC_PARAMS({"wallet_name", "str", "the wallet of the call's path", "Its name"}, STARTUP),
     "{warnings?:[str]}"},
    {0},
};
