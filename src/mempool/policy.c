/*
 * Standardness of transactions, their inputs and their witnesses.
 *
 * Standard is what wallets make today and what is cheap to check: small, push-only scriptSigs,
 * known output types, few signature operations, witnesses within BIP141's and BIP342's everyday
 * sizes. Everything else is valid in a block but not relayed, which keeps room for soft forks and
 * bounds what a stranger's transaction can cost. Nothing here reads state: coins are given.
 */
#include "mempool/policy.h"

#include <stdio.h>

#include "script/standard.h"
#include "script/verify.h"

enum {
    MAX_STANDARD_WITNESS_ITEM = 80, /* of P2WSH and tapscript, the script itself excepted */
    MAX_STANDARD_P2WSH_ITEMS = 100,
    MAX_STANDARD_P2WSH_SCRIPT = 3600,
    MAX_STANDARD_MULTISIG_KEYS = 3,
    TAPROOT_ANNEX_TAG = 0x50,
    TAPROOT_LEAF_MASK = 0xfe,
    TAPROOT_LEAF_TAPSCRIPT = 0xc0
};

/* ---- outputs ---- */

static bool output_standard(const struct tx_out *out, enum script_type *type)
{
    struct solution s;
    *type = script_solve(out->script_pubkey, &s);
    if (*type == SCRIPT_NONSTANDARD)
        return false;
    if (*type == SCRIPT_MULTISIG)
        return s.n_data >= 1 && s.n_data <= MAX_STANDARD_MULTISIG_KEYS && s.required >= 1 &&
               s.required <= s.n_data;
    return true;
}

/* Bytes that spending takes: outpoint, script length, sequence, and 107 bytes of signature and key;
 * in a witness these count a quarter. */
enum { SPEND_SIZE = 32 + 4 + 1 + 107 + 4, SPEND_SIZE_WITNESS = 32 + 4 + 1 + 107 / 4 + 4 };

int64_t policy_dust_threshold(const struct tx_out *out, int64_t dust_feerate)
{
    if (script_unspendable(out->script_pubkey))
        return 0;
    int version;
    struct span program;
    size_t size =
        sizeof(out->value) + compact_size(out->script_pubkey.len) + out->script_pubkey.len;
    size += script_is_witness_program(out->script_pubkey, &version, &program) ? SPEND_SIZE_WITNESS
                                                                              : SPEND_SIZE;
    return feerate_fee(dust_feerate, (int64_t)size);
}

bool policy_is_dust(const struct tx_out *out, int64_t dust_feerate)
{
    return out->value < policy_dust_threshold(out, dust_feerate);
}

unsigned policy_dust_count(const struct tx *tx, int64_t dust_feerate)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < tx->n_out; i++)
        n += policy_is_dust(&tx->out[i], dust_feerate);
    return n;
}

static bool outputs_standard(const struct tx *tx, const struct policy *p, const char **reason)
{
    size_t datacarrier_left = p->max_datacarrier_bytes;
    for (uint32_t i = 0; i < tx->n_out; i++) {
        enum script_type type;
        *reason = "scriptpubkey";
        if (!output_standard(&tx->out[i], &type))
            return false;
        *reason = "bare-multisig";
        if (type == SCRIPT_MULTISIG && !p->permit_bare_multisig)
            return false;
        if (type != SCRIPT_NULL_DATA)
            continue;
        *reason = "datacarrier";
        if (tx->out[i].script_pubkey.len > datacarrier_left)
            return false;
        datacarrier_left -= tx->out[i].script_pubkey.len;
    }
    *reason = "dust";
    return policy_dust_count(tx, p->dust_relay_feerate) <= MAX_DUST_OUTPUTS_PER_TX;
}

/* ---- transaction ---- */

bool policy_tx_standard(const struct tx *tx, const struct policy *p, const char **reason)
{
    *reason = "version";
    if (tx->version < 1 || tx->version > TRUC_VERSION)
        return false;
    *reason = "tx-size";
    if (tx_weight(tx) > MAX_STANDARD_TX_WEIGHT)
        return false;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        *reason = "scriptsig-size";
        if (tx->in[i].script_sig.len > MAX_STANDARD_SCRIPTSIG_SIZE)
            return false;
        *reason = "scriptsig-not-pushonly";
        if (!script_is_push_only(tx->in[i].script_sig))
            return false;
    }
    return outputs_standard(tx, p, reason);
}

int64_t policy_adjusted_weight(int64_t weight, int64_t sigops_cost, unsigned bytes_per_sigop)
{
    int64_t by_sigops = sigops_cost * (int64_t)bytes_per_sigop;
    return weight > by_sigops ? weight : by_sigops;
}

int64_t policy_vsize(int64_t weight, int64_t sigops_cost, unsigned bytes_per_sigop)
{
    return (policy_adjusted_weight(weight, sigops_cost, bytes_per_sigop) + WITNESS_SCALE - 1) /
           WITNESS_SCALE;
}

/* ---- inputs ---- */

/* Legacy signature operations of scriptSigs, spent scripts and redeem scripts (BIP54). */
static bool legacy_sigops_ok(const struct tx *tx, const struct coin *const *coins)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct span spent = coins[i]->out.script_pubkey;
        n += script_sigops(tx->in[i].script_sig, true);
        n += script_is_p2sh(spent) ? p2sh_sigops(&tx->in[i], spent) : script_sigops(spent, true);
        if (n > MAX_TX_LEGACY_SIGOPS)
            return false;
    }
    return true;
}

/* Runs a scriptSig that should only push. *top is its last item; SCRIPT_ERR_OK and *depth 0 where
 * it pushes nothing. */
static enum script_error run_pushes(struct span script, struct span *top, size_t *depth)
{
    struct script_iter it;
    uint8_t op;
    struct span push;
    *depth = 0;
    script_iter_init(&it, script);
    while (script_next(&it, &op, &push)) {
        if (op > OP_16 || op == OP_RESERVED)
            return SCRIPT_ERR_BAD_OPCODE;
        if (push.len > MAX_SCRIPT_ELEMENT_SIZE)
            return SCRIPT_ERR_PUSH_SIZE;
        if (++*depth > MAX_STACK_SIZE)
            return SCRIPT_ERR_STACK_SIZE;
    }
    if (!script_iter_done(&it))
        return SCRIPT_ERR_BAD_OPCODE;
    if (*depth > 0 && !script_last_push(script, top))
        *top = span_of(NULL, 0); /* a small number: no script worth the name */
    return SCRIPT_ERR_OK;
}

#define NONSTANDARD(v, ...) \
    verdict_fail(v, VERDICT_POLICY, "bad-txns-nonstandard-inputs", __VA_ARGS__)

static bool p2sh_standard(const struct tx_in *in, unsigned i, struct verdict *v)
{
    struct span redeem = {NULL, 0};
    size_t depth;
    enum script_error err = run_pushes(in->script_sig, &redeem, &depth);
    if (err != SCRIPT_ERR_OK)
        return NONSTANDARD(v, "p2sh scriptsig malformed (input %u: %s)", i,
                           script_error_message(err));
    if (depth == 0)
        return NONSTANDARD(v, "input %u P2SH redeemscript missing", i);
    unsigned sigops = script_sigops(redeem, true);
    if (sigops > MAX_P2SH_SIGOPS)
        return NONSTANDARD(v, "p2sh redeemscript sigops exceed limit (input %u: %u > %u)", i,
                           sigops, MAX_P2SH_SIGOPS);
    return true;
}

bool policy_inputs_standard(const struct tx *tx, const struct coin *const *coins, struct verdict *v)
{
    if (!legacy_sigops_ok(tx, coins))
        return NONSTANDARD(v, "non-witness sigops exceed bip54 limit");
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct solution s;
        enum script_type type = script_solve(coins[i]->out.script_pubkey, &s);
        if (type == SCRIPT_NONSTANDARD)
            return NONSTANDARD(v, "input %u script unknown", i);
        if (type == SCRIPT_WITNESS_UNKNOWN)
            return NONSTANDARD(v, "input %u witness program is undefined", i);
        if (type == SCRIPT_SCRIPTHASH && !p2sh_standard(&tx->in[i], i, v))
            return false;
    }
    return true;
}

/* ---- witnesses ---- */

static bool p2wsh_standard(const struct witness *w)
{
    if (w->items[w->n - 1].len > MAX_STANDARD_P2WSH_SCRIPT || w->n - 1 > MAX_STANDARD_P2WSH_ITEMS)
        return false;
    for (uint32_t i = 0; i + 1 < w->n; i++) {
        if (w->items[i].len > MAX_STANDARD_WITNESS_ITEM)
            return false;
    }
    return true;
}

/* No annex; a script path has its control block last and its script before that. */
static bool taproot_standard(const struct witness *w)
{
    if (w->n < 2)
        return true;
    struct span last = w->items[w->n - 1];
    if (last.len == 0 || last.data[0] == TAPROOT_ANNEX_TAG)
        return false;
    if ((last.data[0] & TAPROOT_LEAF_MASK) != TAPROOT_LEAF_TAPSCRIPT)
        return true;
    for (uint32_t i = 0; i + 2 < w->n; i++) {
        if (w->items[i].len > MAX_STANDARD_WITNESS_ITEM)
            return false;
    }
    return true;
}

/* The script that a witness answers to: the redeem script where it is wrapped. */
static bool witness_script_of(const struct tx_in *in, struct span spent, struct span *out,
                              bool *p2sh)
{
    size_t depth;
    *p2sh = script_is_p2sh(spent);
    *out = spent;
    return !*p2sh || (run_pushes(in->script_sig, out, &depth) == SCRIPT_ERR_OK && depth > 0);
}

static bool input_witness_standard(const struct tx_in *in, struct span spent)
{
    struct span script, program;
    bool p2sh;
    int version;
    if (script_is_anchor(spent) || !witness_script_of(in, spent, &script, &p2sh) ||
        !script_is_witness_program(script, &version, &program))
        return false;
    if (version == 0 && program.len == 32)
        return p2wsh_standard(&in->witness);
    if (version == 1 && program.len == 32 && !p2sh)
        return taproot_standard(&in->witness);
    return true;
}

bool policy_witness_standard(const struct tx *tx, const struct coin *const *coins)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (tx->in[i].witness.n > 0 &&
            !input_witness_standard(&tx->in[i], coins[i]->out.script_pubkey))
            return false;
    }
    return true;
}

bool policy_spends_witness(const struct tx *tx, const struct coin *const *coins)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct span script, program, spent = coins[i]->out.script_pubkey;
        bool p2sh;
        int version;
        if (!script_is_anchor(spent) && witness_script_of(&tx->in[i], spent, &script, &p2sh) &&
            script_is_witness_program(script, &version, &program))
            return true;
    }
    return false;
}
