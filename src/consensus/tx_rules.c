/*
 * Rules of transactions: form, amounts, maturity, locks, cost of signature operations.
 *
 * The order of the checks is that of the field, since a transaction with two faults is refused for
 * the first. Each check is pure: coins and headers are given.
 */
#include <stdlib.h>

#include "consensus/rules.h"
#include "script/verify.h"
#include "util/mem.h"

#define MIN_COINBASE_SCRIPT 2
#define MAX_COINBASE_SCRIPT 100
/* Up to here pairs of inputs are compared; above they are sorted. */
#define FEW_INPUTS 24

/* BIP68: of an input's sequence. */
#define SEQUENCE_LOCK_DISABLED (1u << 31)
#define SEQUENCE_LOCK_TIME     (1u << 22)
#define SEQUENCE_LOCK_MASK     0xffffu
#define SEQUENCE_TIME_UNIT     512 /* seconds */

static bool check_outputs(const struct tx *tx, struct verdict *v)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < tx->n_out; i++) {
        int64_t value = tx->out[i].value;

        if (value < 0)
            return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-vout-negative", "%s", "");
        if (value > MAX_MONEY)
            return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-vout-toolarge", "%s", "");
        if (!amount_add(&sum, sum, value))
            return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-txouttotal-toolarge", "%s", "");
    }
    return true;
}

static int by_outpoint(const void *a, const void *b)
{
    const struct outpoint *x = *(const struct outpoint *const *)a;
    const struct outpoint *y = *(const struct outpoint *const *)b;
    int c = memcmp(x->txid.b, y->txid.b, 32);

    return c ? c : (x->n > y->n) - (x->n < y->n);
}

static bool has_repeated_sorted(const struct tx *tx)
{
    const struct outpoint **sorted = xcalloc(tx->n_in, sizeof(*sorted));
    bool found = false;

    for (uint32_t i = 0; i < tx->n_in; i++)
        sorted[i] = &tx->in[i].prev;
    qsort(sorted, tx->n_in, sizeof(*sorted), by_outpoint);
    for (uint32_t i = 1; i < tx->n_in && !found; i++)
        found = outpoint_eq(sorted[i - 1], sorted[i]);
    free(sorted);
    return found;
}

static bool has_repeated_input(const struct tx *tx)
{
    if (tx->n_in > FEW_INPUTS)
        return has_repeated_sorted(tx);
    for (uint32_t i = 1; i < tx->n_in; i++)
        for (uint32_t k = 0; k < i; k++)
            if (outpoint_eq(&tx->in[i].prev, &tx->in[k].prev))
                return true;
    return false;
}

bool tx_check(const struct tx *tx, struct verdict *v)
{
    if (tx->n_in == 0)
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-vin-empty", "%s", "");
    if (tx->n_out == 0)
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-vout-empty", "%s", "");
    if (tx->base_size > MAX_BLOCK_WEIGHT / WITNESS_SCALE)
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-oversize", "%s", "");
    if (!check_outputs(tx, v))
        return false;
    if (has_repeated_input(tx))
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-inputs-duplicate", "%s", "");
    if (tx_is_coinbase(tx)) {
        size_t len = tx->in[0].script_sig.len;

        if (len < MIN_COINBASE_SCRIPT || len > MAX_COINBASE_SCRIPT)
            return verdict_fail(v, VERDICT_CONSENSUS, "bad-cb-length", "%s", "");
        return true;
    }
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (outpoint_is_null(&tx->in[i].prev))
            return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-prevout-null", "%s", "");
    return true;
}

bool tx_is_final(const struct tx *tx, int32_t height, int64_t time)
{
    if (tx->lock_time == 0 ||
        tx->lock_time < (tx->lock_time < LOCKTIME_THRESHOLD ? (int64_t)height : time))
        return true;
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (tx->in[i].sequence != SEQUENCE_FINAL)
            return false;
    return true;
}

bool tx_check_inputs(const struct tx *tx, const struct coin *const *coins, int32_t height,
                     const struct network *net, int64_t *fee, struct verdict *v)
{
    char in_text[32], out_text[32];
    int64_t in = 0, out = 0;

    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct coin *c = coins[i];

        if (c->coinbase && height - (int32_t)c->height < net->coinbase_maturity)
            return verdict_fail(v, VERDICT_PREMATURE_SPEND, "bad-txns-premature-spend-of-coinbase",
                                "tried to spend coinbase at depth %d", height - (int32_t)c->height);
        if (!amount_add(&in, in, c->out.value))
            return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-inputvalues-outofrange", "%s", "");
    }
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (!amount_add(&out, out, tx->out[i].value))
            return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-txouttotal-toolarge", "%s", "");
    if (in < out)
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-in-belowout",
                            "value in (%s) < value out (%s)", amount_format(in_text, in),
                            amount_format(out_text, out));
    *fee = in - out;
    return true;
}

struct sequence_lock sequence_lock_of(const struct tx *tx, uint32_t flags,
                                      const int32_t *coin_heights, const struct hnode *prev)
{
    struct sequence_lock lock = {-1, -1};

    if (tx->version < 2 || !(flags & LOCKTIME_VERIFY_SEQUENCE))
        return lock;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        uint32_t sequence = tx->in[i].sequence;
        int64_t value = sequence & SEQUENCE_LOCK_MASK;

        if (sequence & SEQUENCE_LOCK_DISABLED)
            continue;
        if (sequence & SEQUENCE_LOCK_TIME) {
            /* From the median time of the block before the one that holds the coin. */
            int32_t base = coin_heights[i] > 0 ? coin_heights[i] - 1 : 0;
            int64_t time =
                hnode_median_time_past(hnode_ancestor(prev, base)) + value * SEQUENCE_TIME_UNIT - 1;

            lock.min_time = time > lock.min_time ? time : lock.min_time;
        } else {
            int32_t height = coin_heights[i] + (int32_t)value - 1;

            lock.min_height = height > lock.min_height ? height : lock.min_height;
        }
    }
    return lock;
}

bool sequence_lock_met(const struct sequence_lock *lock, const struct hnode *prev)
{
    return lock->min_height < prev->height + 1 && lock->min_time < hnode_median_time_past(prev);
}

unsigned tx_legacy_sigops(const struct tx *tx)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < tx->n_in; i++)
        n += script_sigops(tx->in[i].script_sig, false);
    for (uint32_t i = 0; i < tx->n_out; i++)
        n += script_sigops(tx->out[i].script_pubkey, false);
    return n;
}

int64_t tx_sigops_cost(const struct tx *tx, const struct coin *const *coins, uint32_t flags)
{
    int64_t cost = (int64_t)tx_legacy_sigops(tx) * WITNESS_SCALE;

    if (tx_is_coinbase(tx))
        return cost;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct span script = coins[i]->out.script_pubkey;

        if (flags & SCRIPT_VERIFY_P2SH)
            cost += (int64_t)p2sh_sigops(&tx->in[i], script) * WITNESS_SCALE;
        cost += witness_sigops(&tx->in[i], script, flags);
    }
    return cost;
}
