/* Methods of locked wallets, and signing of messages. */
#include <stdlib.h>
#include <string.h>

#include "rpc/tx_json.h"
#include "rpc/wallet_rpc.h"
#include "util/time.h"

#define MAX_UNLOCK_SECONDS 100000000

static bool need_encrypted(struct rpc_call *call, struct wallet *w)
{
    if (wallet_is_encrypted(w))
        return true;
    return rpc_set_error(call, RPC_WALLET_WRONG_ENC_STATE,
                         "Error: running with an unencrypted wallet, but %s was called.",
                         rpc_method_name(call));
}

static bool need_text(struct rpc_call *call, struct span text)
{
    return text.len || rpc_set_error(call, RPC_INVALID_PARAMETER, "passphrase cannot be empty");
}

/* Programs of before 2023 took a passphrase only up to its first zero. */
static struct rpc_answer *wrong_passphrase(struct rpc_call *call, struct span given, bool changing)
{
    if (!given.len || !memchr(given.data, 0, given.len))
        return rpc_error(call, RPC_WALLET_PASSPHRASE_INCORRECT,
                         "Error: The wallet passphrase entered was incorrect.");
    return rpc_error(
        call, RPC_WALLET_PASSPHRASE_INCORRECT,
        "Error: The %swallet passphrase entered is incorrect. It contains a null character (ie - a "
        "zero byte). If the %spassphrase was set with a version of this software prior to 25.0, "
        "please try again with only the characters up to \u2014 but not including \u2014 the first "
        "null character.%s",
        changing ? "old " : "", changing ? "old " : "",
        changing ? ""
                 : " If this is successful, please set a new passphrase to avoid this issue in "
                   "the future.");
}

static struct rpc_answer *walletpassphrase(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct span passphrase = rpc_arg_bytes(call, "passphrase");
    int64_t seconds = rpc_arg_int64(call, "timeout", 0);
    if (!w || rpc_failed(call) || !need_encrypted(call, w))
        return rpc_fail(call);
    if (seconds < 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Timeout cannot be negative.");
    if (!need_text(call, passphrase))
        return rpc_fail(call);
    if (seconds > MAX_UNLOCK_SECONDS)
        seconds = MAX_UNLOCK_SECONDS;
    if (!wallet_unlock(w, passphrase, seconds))
        return wrong_passphrase(call, passphrase, false);
    return rpc_ok_null(call);
}

static struct rpc_answer *walletpassphrasechange(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct span from = rpc_arg_bytes(call, "oldpassphrase");
    struct span to = rpc_arg_bytes(call, "newpassphrase");
    if (!w || !need_encrypted(call, w) || !need_text(call, from) || !need_text(call, to))
        return rpc_fail(call);
    if (!wallet_change_passphrase(w, from, to))
        return wrong_passphrase(call, from, true);
    return rpc_ok_null(call);
}

static struct rpc_answer *walletlock(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    if (!w || !need_encrypted(call, w))
        return rpc_fail(call);
    wallet_lock(w);
    return rpc_ok_null(call);
}

static struct rpc_answer *encryptwallet(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct span passphrase = rpc_arg_bytes(call, "passphrase");
    char *error = NULL;
    if (!w)
        return rpc_fail(call);
    if (wallet_flags(w) & WALLET_FLAG_DISABLE_PRIVATE_KEYS)
        return rpc_error(call, RPC_WALLET_ENCRYPTION_FAILED,
                         "Error: wallet does not contain private keys, nothing to encrypt.");
    if (wallet_is_encrypted(w))
        return rpc_error(call, RPC_WALLET_WRONG_ENC_STATE,
                         "Error: running with an encrypted wallet, but encryptwallet was called.");
    if (!need_text(call, passphrase))
        return rpc_fail(call);
    if (!wallet_encrypt(w, passphrase, &error)) {
        free(error);
        return rpc_error(call, RPC_WALLET_ENCRYPTION_FAILED,
                         "Error: Failed to encrypt the wallet.");
    }
    json_put_str(rpc_result(call), NULL,
                 "wallet encrypted; The keypool has been flushed and a new HD seed was generated. "
                 "You need to make a new backup with the backupwallet RPC.");
    return rpc_ok(call);
}

static struct rpc_answer *signmessage(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct destination d;
    uint8_t hash[32], sig[65];
    char *error = NULL;
    if (!w || !rpc_wallet_unlocked(call, w))
        return rpc_fail(call);
    if (!address_decode(&rpc_ctx(call)->net->address, rpc_arg_str(call, "address"), &d, NULL))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid address");
    if (d.type != DEST_P2PKH)
        return rpc_error(call, RPC_TYPE_ERROR, "Address does not refer to key");
    rpc_message_hash(hash, rpc_arg_str(call, "message"));
    if (!wallet_sign_message(w, &d, hash, sig, &error)) {
        struct rpc_answer *a = rpc_error(call, RPC_WALLET_ERROR, "%s", error);
        free(error);
        return a;
    }
    json_put_str_take(rpc_result(call), NULL, base64_encode(sig, sizeof(sig)));
    return rpc_ok(call);
}

const struct rpc_method rpc_wallet_encrypt_methods[] = {
    {"encryptwallet", encryptwallet,
     "Encrypts the wallet's private keys for the first time. New keys are made: earlier backups "
     "do not have them.",
     RPC_PARAMS({"passphrase", "str", RPC_REQUIRED, "At least one character"}), "str"},
    {"signmessage", signmessage, "Signs a message with the key of an address.",
     RPC_PARAMS({"address", "str", RPC_REQUIRED, "Address whose key signs"},
                {"message", "str", RPC_REQUIRED, "The message"}),
     "str"},
    {"walletlock", walletlock, "Forgets the wallet's keys until the next walletpassphrase.",
     RPC_NO_PARAMS, "null"},
    {"walletpassphrase", walletpassphrase, "Unlocks the wallet for a time.",
     RPC_PARAMS({"passphrase", "str", RPC_REQUIRED, "The passphrase"},
                {"timeout", "num", RPC_REQUIRED, "Seconds, at most 100000000"}),
     "null"},
    {"walletpassphrasechange", walletpassphrasechange, "Changes the passphrase.",
     RPC_PARAMS({"oldpassphrase", "str", RPC_REQUIRED, "The present one"},
                {"newpassphrase", "str", RPC_REQUIRED, "The new one"}),
     "null"},
    {0},
};
