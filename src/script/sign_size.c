/*
 * How large a signed input will be, told before it is signed: fees depend on it.
 *
 * The form of the output is walked as signing walks it, but only lengths are added up. Signatures
 * are taken at their usual largest size, so the estimate is never below the truth by more than the
 * rare byte that a signature of unusual length costs.
 */
#include "script/sign.h"

#define TAPROOT_SIG_SIZE 65

struct sizing {
    const struct signing_provider *p;
    uint32_t sig; /* a signature with its hash type */
};

static uint32_t push_size(size_t len)
{
    return (uint32_t)(len + (len < OP_PUSHDATA1 ? 1 : len <= 0xff ? 2 : 3));
}

static uint32_t key_size(const struct sizing *z, const uint8_t hash[20])
{
    struct pubkey pk;
    return z->p->pubkey && z->p->pubkey(z->p->arg, hash, &pk) ? pk.len : 33;
}

/* Bytes and number of the items that satisfy a script, each with one byte of length in front:
 * none is longer than 75 bytes. */
static bool script_items(const struct sizing *z, struct span script, uint32_t *size, uint32_t *n)
{
    struct solution sol;
    switch (script_solve(script, &sol)) {
    case SCRIPT_PUBKEY:
        *size = 1 + z->sig;
        *n = 1;
        return true;
    case SCRIPT_PUBKEYHASH:
        *size = 1 + z->sig + 1 + key_size(z, sol.data[0].data);
        *n = 2;
        return true;
    case SCRIPT_MULTISIG:
        *size = 1 + (1 + z->sig) * sol.required;
        *n = 1 + sol.required;
        return true;
    case SCRIPT_NONSTANDARD:
    case SCRIPT_ANCHOR:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
    case SCRIPT_WITNESS_V1_TAPROOT:
    case SCRIPT_WITNESS_UNKNOWN: return false;
    }
    CHECK(!"script type");
    return false;
}

static bool find_script(const struct sizing *z, const uint8_t hash[20], struct buf *out)
{
    return z->p->script && z->p->script(z->p->arg, hash, out);
}

static bool witness_script_size(const struct sizing *z, const uint8_t program[32],
                                uint32_t *witness)
{
    struct buf script = BUF_INIT;
    uint8_t hash[20];
    uint32_t size, n;
    ripemd160(hash, program, 32);
    bool ok = find_script(z, hash, &script) && script_items(z, buf_span(&script), &size, &n);
    if (ok)
        *witness = (uint32_t)(compact_size(n + 1) + size + compact_size(script.len) + script.len);
    buf_clear(&script);
    return ok;
}

static bool output_size(const struct sizing *z, struct span script, bool in_p2sh,
                        uint32_t *script_sig, uint32_t *witness)
{
    struct solution sol;
    uint32_t n;
    switch (script_solve(script, &sol)) {
    case SCRIPT_WITNESS_V0_KEYHASH: *witness = 1 + 1 + z->sig + 1 + 33; return true;
    case SCRIPT_WITNESS_V0_SCRIPTHASH: return witness_script_size(z, sol.data[0].data, witness);
    case SCRIPT_WITNESS_V1_TAPROOT: *witness = 1 + 1 + TAPROOT_SIG_SIZE; return !in_p2sh;
    case SCRIPT_NONSTANDARD:
    case SCRIPT_ANCHOR:
    case SCRIPT_PUBKEY:
    case SCRIPT_PUBKEYHASH:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_MULTISIG:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_UNKNOWN: return script_items(z, script, script_sig, &n);
    }
    CHECK(!"script type");
    return false;
}

bool sign_input_size(struct span spent_script, const struct signing_provider *p, bool grind_low_r,
                     uint32_t *script_sig_len, uint32_t *witness_len)
{
    struct sizing z = {.p = p, .sig = grind_low_r ? 71 : 72};
    *script_sig_len = *witness_len = 0;
    if (!script_is_p2sh(spent_script))
        return output_size(&z, spent_script, false, script_sig_len, witness_len);
    struct buf redeem = BUF_INIT;
    bool ok = find_script(&z, spent_script.data + 2, &redeem) &&
              output_size(&z, buf_span(&redeem), true, script_sig_len, witness_len);
    if (ok)
        *script_sig_len += push_size(redeem.len);
    buf_clear(&redeem);
    return ok;
}
