/*
 * The public face of the library: plain bytes to the node's own types and back.
 *
 * What callers hand over is checked here (lengths, counts, flags), since everything below takes
 * such mistakes for bugs. Reasons are returned as static strings: a verdict keeps its text inside
 * itself, so it is looked up among those that a block check can give.
 */
#include <stdlib.h>
#include <string.h>

#include "consensus/rules.h"
#include "mite/consensus.h"
#include "script/verify.h"
#include "util/mem.h"

_Static_assert(MITE_VERIFY_ALL == SCRIPT_VERIFY_MANDATORY, "bits are the same everywhere");
_Static_assert(MITE_VERIFY_TAPROOT == SCRIPT_VERIFY_TAPROOT &&
                   MITE_VERIFY_WITNESS == SCRIPT_VERIFY_WITNESS &&
                   MITE_VERIFY_CHECKLOCKTIMEVERIFY == SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY &&
                   MITE_VERIFY_CHECKSEQUENCEVERIFY == SCRIPT_VERIFY_CHECKSEQUENCEVERIFY,
               "each of them");

static int fail(mite_error *err, mite_error why)
{
    if (err)
        *err = why;
    return why == MITE_ERR_OK;
}

static bool flags_ok(uint32_t flags)
{
    if (flags & ~MITE_VERIFY_ALL)
        return false;
    if ((flags & MITE_VERIFY_WITNESS) && !(flags & MITE_VERIFY_P2SH))
        return false;
    return !(flags & MITE_VERIFY_TAPROOT) || (flags & MITE_VERIFY_WITNESS);
}

/* Verifies inputs from *input to before `end`; stops at the first that is not valid. */
static mite_error verify(const struct tx *tx, unsigned *input, unsigned end,
                         const mite_output *spent, uint32_t flags)
{
    struct tx_out *outs = xcalloc(tx->n_in, sizeof(*outs));
    struct sighash_cache cache;
    enum script_error error;
    bool ok = true;

    for (uint32_t i = 0; i < tx->n_in; i++)
        outs[i] = (struct tx_out){spent[i].amount, span_of(spent[i].script, spent[i].script_len)};
    sighash_cache_init(&cache, tx, outs);
    for (; *input < end; (*input)++) {
        ok = script_verify_input(&cache, *input, &outs[*input], flags, NULL, &error);
        if (!ok)
            break;
    }
    free(outs);
    return ok ? MITE_ERR_OK : (mite_error)(MITE_ERR_SCRIPT + (int)error);
}

int mite_verify_input(const uint8_t *tx_bytes, size_t tx_len, unsigned input,
                      const mite_output *spent, size_t n_spent, uint32_t flags, mite_error *err)
{
    struct tx *tx;
    mite_error why;

    if (!flags_ok(flags))
        return fail(err, MITE_ERR_FLAGS);
    tx = tx_parse(tx_bytes, tx_len);
    if (!tx)
        return fail(err, MITE_ERR_TX);
    if (input >= tx->n_in)
        why = MITE_ERR_INPUT;
    else if (n_spent != tx->n_in)
        why = MITE_ERR_SPENT;
    else
        why = verify(tx, &input, input + 1, spent, flags);
    tx_unref(tx);
    return fail(err, why);
}

int mite_verify_tx(const mite_tx *public, const mite_output *spent, size_t n_spent, uint32_t flags,
                   unsigned *input, mite_error *err)
{
    const struct tx *tx = (const struct tx *)public;
    unsigned at = 0;
    mite_error why;

    if (!flags_ok(flags))
        why = MITE_ERR_FLAGS;
    else if (n_spent != tx->n_in)
        why = MITE_ERR_SPENT;
    else
        why = verify(tx, &at, tx->n_in, spent, flags);
    if (input && why != MITE_ERR_OK)
        *input = at;
    return fail(err, why);
}

const char *mite_error_string(mite_error err)
{
    switch (err) {
    case MITE_ERR_OK: return "No error";
    case MITE_ERR_TX: return "The bytes are not one transaction";
    case MITE_ERR_INPUT: return "The transaction has no such input";
    case MITE_ERR_SPENT: return "The spent outputs are not as many as the inputs";
    case MITE_ERR_FLAGS: return "Unknown verification flag, or one without those it needs";
    case MITE_ERR_SCRIPT: break;
    }
    /* Script errors begin with their own OK, which is none. */
    if ((int)err > MITE_ERR_SCRIPT && (int)err <= MITE_ERR_SCRIPT + (int)SCRIPT_ERR_SCRIPTNUM)
        return script_error_message((enum script_error)((int)err - MITE_ERR_SCRIPT));
    return "Unknown error";
}

static const char *static_reason(const char *reason)
{
    static const char *const reasons[] = {
        "high-hash",
        "bad-signet-blksig",
        "bad-txnmrklroot",
        "bad-txns-duplicate",
        "bad-blk-length",
        "bad-cb-missing",
        "bad-cb-multiple",
        "bad-txns-vin-empty",
        "bad-txns-vout-empty",
        "bad-txns-oversize",
        "bad-txns-vout-negative",
        "bad-txns-vout-toolarge",
        "bad-txns-txouttotal-toolarge",
        "bad-txns-inputs-duplicate",
        "bad-cb-length",
        "bad-txns-prevout-null",
        "bad-blk-sigops",
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (strcmp(reasons[i], reason) == 0)
            return reasons[i];
    CHECK(!"a reason that is not in the list");
    return NULL;
}

int mite_check_tx(const mite_tx *tx, const char **reason)
{
    struct verdict v;

    if (tx_check((const struct tx *)tx, &v))
        return 1;
    if (reason)
        *reason = static_reason(v.reason);
    return 0;
}

int mite_check_block(const uint8_t *bytes, size_t len, const char *network, const char **reason)
{
    const struct network *net = network ? network_find(network) : NULL;
    const char *why = NULL;
    struct block *b = NULL;
    struct verdict v;

    if (!net)
        why = "unknown-network";
    else if ((b = block_parse(bytes, len)) == NULL)
        why = "bad-encoding";
    else if (!block_check(b, net, true, true, &v))
        why = static_reason(v.reason);
    block_unref(b);
    if (reason && why)
        *reason = why;
    return why == NULL;
}
