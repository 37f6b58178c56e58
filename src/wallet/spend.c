/*
 * Making a payment: feerate, coins, change, fee, signatures.
 *
 * Everything is computed from exact weights of signed inputs
 * before anything is signed; the change address is only looked at here and used up when the
 * transaction is committed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mempool/policy.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/time.h"
#include "wallet/spending.h"

#define MAX_STANDARD_WEIGHT 400000
#define CHANGE_LOWER        50000
#define CHANGE_UPPER        1000000
#define NESTED_INPUT_VSIZE  91
#define TX_OVERHEAD_VSIZE   10 /* version, lock time, counts, segwit marker */
#define TIP_AGE_MAX         (8 * 3600)
#define LONGEST_TARGET      1008

static const char *const source_names[] = {
    "None",         "User Specified Fee", "Fee Rate Estimator",
    "Fallback fee", "Mempool Min Fee",    "Minimum Required Fee"};

const char *spend_fee_source_name(enum spend_fee_source s)
{
    return source_names[s];
}

void spend_request_init(struct spend_request *r)
{
    memset(r, 0, sizeof(*r));
    r->add_inputs = true;
    r->max_depth = INT32_MAX;
    r->feerate = -1;
    r->estimate_conservative = -1;
    r->rbf = -1;
    r->version = 2;
    r->lock_time = -1;
    r->change_type = OUTPUT_UNKNOWN;
    r->change_position = -1;
}

void spend_request_clear(struct spend_request *r)
{
    for (size_t i = 0; i < r->n_outputs; i++)
        buf_clear(&r->outputs[i].script);
    free(r->outputs);
    free(r->inputs);
    buf_clear(&r->change_script);
}

void spend_result_clear(struct spend_result *r)
{
    mtx_clear(&r->tx);
}

/* ---- feerates ---- */

int64_t wallet_required_feerate(const struct wallet *w)
{
    const struct wallets_options *o = &w->set->o;
    int64_t relay = o->node->relay_feerate(o->node->arg);

    return o->min_tx_feerate > relay ? o->min_tx_feerate : relay;
}

static bool signals_rbf(const struct choice *c)
{
    return c->r->rbf >= 0 ? c->r->rbf : c->w->set->o.rbf;
}

static void choose_feerate(struct choice *c)
{
    const struct wallets_options *o = &c->w->set->o;
    int target = c->r->conf_target ? c->r->conf_target : (int)o->confirm_target;
    bool conservative =
        c->r->estimate_conservative >= 0 ? c->r->estimate_conservative : !signals_rbf(c);
    int64_t required = wallet_required_feerate(c->w);

    c->source = SPEND_FEE_USER;
    c->feerate = c->r->feerate;
    if (c->r->feerate >= 0 && c->r->override_feerate)
        return;
    if (c->r->feerate < 0) {
        c->source = SPEND_FEE_ESTIMATE;
        c->feerate = o->node->fee_estimate(o->node->arg, target, conservative);
        if (c->feerate == 0) {
            c->source = SPEND_FEE_FALLBACK;
            c->feerate = o->fallback_fee;
            if (c->feerate == 0)
                return;
        }
        int64_t least = o->node->min_feerate(o->node->arg);
        if (c->feerate < least) {
            c->feerate = least;
            c->source = SPEND_FEE_MEMPOOL_MIN;
        }
    }
    if (required > c->feerate) {
        c->feerate = required;
        c->source = SPEND_FEE_MINIMUM;
    }
}

static void feerate_text(char out[32], int64_t sat_per_kvb)
{
    snprintf(out, 32, "%lld.%03lld sat/vB", (long long)(sat_per_kvb / 1000),
             (long long)(sat_per_kvb % 1000));
}

static bool check_feerate(const struct choice *c, char **error)
{
    char given[32], used[32], relay[32], own[32];
    const struct wallets_options *o = &c->w->set->o;

    if (c->source == SPEND_FEE_FALLBACK && c->feerate == 0)
        return spend_fail(
            error,
            xstrdup("Fee estimation failed. Fallbackfee is disabled. Wait a few blocks or enable "
                    "-fallbackfee."));
    if (c->r->feerate < 0 || c->feerate <= c->r->feerate)
        return true;
    feerate_text(given, c->r->feerate);
    feerate_text(used, c->feerate);
    feerate_text(own, o->min_tx_feerate);
    feerate_text(relay, o->node->relay_feerate(o->node->arg));
    return spend_fail(error,
                      xasprintf("Fee rate (%s) is lower than the minimum fee rate setting (%s).\n"
                                "Consider modifying -mintxfee (%s) or -minrelaytxfee (%s).",
                                given, used, own, relay));
}

static void choose_discard_feerate(struct choice *c)
{
    const struct wallets_options *o = &c->w->set->o;
    int64_t estimate = o->node->fee_estimate(o->node->arg, LONGEST_TARGET, false);
    int64_t dust = o->node->dust_feerate(o->node->arg);

    c->discard_feerate = estimate && estimate < o->discard_feerate ? estimate : o->discard_feerate;
    if (c->discard_feerate < dust)
        c->discard_feerate = dust;
}

/* ---- change ---- */

static bool has_output_of(const struct spend_request *r, enum script_type a, enum script_type b)
{
    struct solution s;

    for (size_t i = 0; i < r->n_outputs; i++) {
        enum script_type t = script_solve(buf_span(&r->outputs[i].script), &s);
        if (t == a || t == b)
            return true;
    }
    return false;
}

/* Change looks like the payment where the wallet can make it so. */
static enum output_type choose_change_type(const struct choice *c)
{
    const struct wallets_options *o = &c->w->set->o;
    static const struct {
        enum output_type type;
        enum script_type a, b;
    } like[] = {{OUTPUT_BECH32M, SCRIPT_WITNESS_V1_TAPROOT, SCRIPT_WITNESS_V1_TAPROOT},
                {OUTPUT_BECH32, SCRIPT_WITNESS_V0_KEYHASH, SCRIPT_WITNESS_V0_SCRIPTHASH},
                {OUTPUT_P2SH_SEGWIT, SCRIPT_SCRIPTHASH, SCRIPT_SCRIPTHASH},
                {OUTPUT_LEGACY, SCRIPT_PUBKEYHASH, SCRIPT_PUBKEYHASH}};

    if (c->r->change_type != OUTPUT_UNKNOWN)
        return c->r->change_type;
    if (o->change_type != OUTPUT_UNKNOWN)
        return o->change_type;
    if (o->address_type == OUTPUT_LEGACY)
        return OUTPUT_LEGACY;
    for (size_t i = 0; i < ARRAY_LEN(like); i++)
        if (c->w->active[1][like[i].type] && has_output_of(c->r, like[i].a, like[i].b))
            return like[i].type;
    if (c->w->active[1][OUTPUT_BECH32M])
        return OUTPUT_BECH32M;
    return c->w->active[1][OUTPUT_BECH32] ? OUTPUT_BECH32 : o->address_type;
}

static int64_t output_size(struct span script)
{
    return 8 + (int64_t)compact_size(script.len) + (int64_t)script.len;
}

static void choose_change(struct choice *c)
{
    struct tx_out prototype = {0};
    bool witness;

    c->change_type = choose_change_type(c);
    if (c->r->change_script.len) {
        write_span(&c->change_script, buf_span(&c->r->change_script));
    } else {
        char *why = NULL;
        if (!wallet_peek_change(c->w, c->change_type, &c->change_script, &why))
            c->change_error =
                xasprintf("Transaction needs a change address, but we can't generate it. %s", why);
        free(why);
    }
    prototype.script_pubkey = buf_span(&c->change_script);
    c->change_size = output_size(prototype.script_pubkey);
    int64_t weight = wallet_input_weight(c->w, &prototype, &witness);
    c->change_spend_size = weight < 0 ? NESTED_INPUT_VSIZE : (weight + 3) / 4;
}

static uint64_t draw(void *arg, uint64_t below)
{
    (void)arg;
    return random_below(below);
}

static void set_params(struct choice *c)
{
    struct select_params *p = &c->params;
    const struct tx_out prototype = {0, buf_span(&c->change_script)};
    int64_t spend_fee = feerate_fee(c->discard_feerate, c->change_spend_size);
    int64_t dust = policy_dust_threshold(&prototype, c->discard_feerate);
    int64_t average = c->r->n_outputs ? c->paid / (int64_t)c->r->n_outputs : 0;
    int64_t upper = average * 2 < CHANGE_UPPER ? average * 2 : CHANGE_UPPER;
    int64_t max_weight = c->r->max_weight ? c->r->max_weight : MAX_STANDARD_WEIGHT;

    p->change_fee = feerate_fee(c->feerate, c->change_size);
    p->change_cost = spend_fee + p->change_fee;
    p->change_target = p->change_fee + CHANGE_LOWER;
    if (average > CHANGE_LOWER / 2)
        p->change_target += (int64_t)random_below((uint64_t)(upper - CHANGE_LOWER));
    p->change_viable = spend_fee + 1 > dust ? spend_fee + 1 : dust;
    p->max_weight = max_weight - c->base_size * WITNESS_SCALE - c->preset_weight;
    p->change_weight = c->change_size * WITNESS_SCALE;
    p->exact = c->n_subtract == 0;
    p->free_change = c->n_subtract > 0;
    p->frugal = c->feerate > 3 * c->w->set->o.consolidate_feerate;
    p->random = draw;
    p->target =
        c->paid + feerate_fee(c->feerate, c->n_subtract ? 0 : c->base_size) - c->preset_amount;
}

/* ---- outputs and chosen inputs ---- */

static bool check_outputs(struct choice *c, char **error)
{
    const struct wallet_node *node = c->w->set->o.node;
    int64_t dust_feerate = node->dust_feerate(node->arg);

    if (c->r->n_outputs == 0)
        return spend_fail(error, xstrdup("Transaction must have at least one recipient"));
    c->base_size = TX_OVERHEAD_VSIZE + (int64_t)compact_size(c->r->n_outputs);
    for (size_t i = 0; i < c->r->n_outputs; i++) {
        const struct spend_output *o = &c->r->outputs[i];
        const struct tx_out out = {o->value, buf_span(&o->script)};
        if (o->value < 0)
            return spend_fail(error, xstrdup("Transaction amounts must not be negative"));
        if (o->value < policy_dust_threshold(&out, dust_feerate))
            return spend_fail(error, xstrdup("Transaction amount too small"));
        c->base_size += output_size(out.script_pubkey);
        c->paid += o->value;
        c->n_subtract += o->subtract_fee;
    }
    return true;
}

static bool take_presets(struct choice *c, char **error)
{
    c->preset_out = xcalloc(c->r->n_inputs + 1, sizeof(struct tx_out));
    for (size_t i = 0; i < c->r->n_inputs; i++) {
        const struct spend_input *in = &c->r->inputs[i];
        const struct tx_out *out = wallet_output(c->w, &in->out);
        char hex[HASH_HEX_SIZE];
        hash_to_hex(hex, in->out.txid.b);
        if (!out && in->txout.script_pubkey.data)
            out = &in->txout;
        if (!out)
            return spend_fail(error, xasprintf("Not found pre-selected input COutPoint(%.10s, %u)",
                                               hex, in->out.n));
        bool witness = true;
        int64_t weight = in->weight ? in->weight : wallet_input_weight(c->w, out, &witness);
        if (weight < 0)
            return spend_fail(
                error,
                xasprintf("Not solvable pre-selected input COutPoint(%.10s, %u)", hex, in->out.n));
        c->preset_out[i] = *out;
        c->preset_witness = c->preset_witness || witness;
        c->preset_weight += weight;
        c->preset_value += out->value;
        c->preset_amount += out->value - (c->n_subtract ? 0 : spend_input_fee(c->feerate, weight));
    }
    return true;
}

/* ---- the transaction ---- */

/* The height of the next block, now and then one of before: nobody gains by mining older blocks
 * again. No lock where the tip is old, since that would say how old. */
static uint32_t fee_sniping_lock_time(struct wallet *w)
{
    const struct wallet_node *node = w->set->o.node;
    int64_t time = 0, mtp = 0, time_max = 0;
    int32_t height = w->last_height;

    if (height < 0 || !node->block_times(node->arg, &w->last_block, &time, &mtp, &time_max) ||
        time < time_now() - TIP_AGE_MAX)
        return 0;
    if (random_below(10) == 0)
        height -= (int32_t)random_below(100);
    return height > 0 ? (uint32_t)height : 0;
}

static void shuffle(size_t *list, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)random_below(i), t = list[i - 1];
        list[i - 1] = list[j];
        list[j] = t;
    }
}

static bool build(struct choice *c, struct chosen *ch, struct spend_result *out, char **error)
{
    const struct spend_request *r = c->r;
    uint32_t sequence = signals_rbf(c) ? SEQUENCE_FINAL - 2 : SEQUENCE_FINAL - 1;

    mtx_init(&out->tx);
    out->tx.version = r->version;
    for (size_t i = 0; i < r->n_outputs; i++)
        mtx_add_out(&out->tx, r->outputs[i].value, buf_span(&r->outputs[i].script));
    out->change_position = -1;
    if (ch->change) {
        int at = r->change_position;
        if (at < 0)
            at = (int)random_below(r->n_outputs + 1);
        if ((size_t)at > r->n_outputs)
            return spend_fail(error, xstrdup("Transaction change output index out of range"));
        if (!c->change_script.len)
            return spend_fail(error, xstrdup(c->change_error));
        mtx_insert_out(&out->tx, (size_t)at, ch->change, buf_span(&c->change_script));
        out->change_position = at;
    }
    for (size_t i = 0; i < r->n_inputs; i++)
        mtx_add_in(&out->tx, &r->inputs[i].out,
                   r->inputs[i].has_sequence ? r->inputs[i].sequence : sequence);
    shuffle(ch->coins, ch->n);
    for (size_t i = 0; i < ch->n; i++)
        mtx_add_in(&out->tx, &c->coins[ch->coins[i]].out, sequence);
    out->tx.lock_time = r->lock_time >= 0 ? (uint32_t)r->lock_time : fee_sniping_lock_time(c->w);
    return true;
}

/* Weight when it will be signed: witnesses of segwit inputs make the others carry an empty one. */
static int64_t signed_vsize(const struct choice *c, const struct chosen *ch, const struct mtx *m)
{
    int64_t weight =
        (8 + (int64_t)compact_size(m->n_in) + (int64_t)compact_size(m->n_out)) * WITNESS_SCALE;
    int64_t inputs = c->preset_weight;
    bool witness = c->preset_witness;

    for (size_t i = 0; i < m->n_out; i++)
        weight += output_size(buf_span(&m->out[i].script_pubkey)) * WITNESS_SCALE;
    for (size_t i = 0; i < ch->n; i++) {
        inputs += c->coin_weight[ch->coins[i]];
        witness = witness || c->coin_witness[ch->coins[i]];
    }
    weight += inputs + (witness ? 2 : -(int64_t)m->n_in);
    return (weight + WITNESS_SCALE - 1) / WITNESS_SCALE;
}

static int64_t outputs_value(const struct mtx *m)
{
    int64_t sum = 0;

    for (size_t i = 0; i < m->n_out; i++)
        sum += m->out[i].value;
    return sum;
}

/* Receivers pay: equally, what cannot be divided falls to the first. */
static bool subtract_fee(const struct choice *c, struct spend_result *out, int64_t fee,
                         char **error)
{
    const struct wallet_node *node = c->w->set->o.node;
    int64_t dust_feerate = node->dust_feerate(node->arg);
    bool first = true;
    size_t at = 0;

    for (size_t i = 0; i < c->r->n_outputs; i++, at++) {
        if (out->change_position >= 0 && at == (size_t)out->change_position)
            at++;
        struct mtx_out *o = &out->tx.out[at];
        if (!c->r->outputs[i].subtract_fee)
            continue;
        o->value -= fee / c->n_subtract + (first ? fee % c->n_subtract : 0);
        first = false;
        const struct tx_out view = {o->value, buf_span(&o->script_pubkey)};
        if (o->value < 0)
            return spend_fail(error, xstrdup("The transaction amount is too small to pay the fee"));
        if (o->value < policy_dust_threshold(&view, dust_feerate))
            return spend_fail(
                error,
                xstrdup(
                    "The transaction amount is too small to send after the fee has been deducted"));
    }
    return true;
}

static bool settle_fee(struct choice *c, const struct chosen *ch, struct spend_result *out,
                       char **error)
{
    int64_t value = c->preset_value, vsize = signed_vsize(c, ch, &out->tx);
    int64_t needed = feerate_fee(c->feerate, vsize);

    for (size_t i = 0; i < ch->n; i++)
        value += c->coins[ch->coins[i]].txout.value;
    int64_t paid = value - outputs_value(&out->tx);
    if (out->change_position >= 0 && needed < paid)
        out->tx.out[out->change_position].value += paid - needed;
    if (c->n_subtract && !subtract_fee(c, out, needed - (value - outputs_value(&out->tx)), error))
        return false;
    out->fee = value - outputs_value(&out->tx);
    out->fee_source = c->source;
    if (out->fee < needed)
        return spend_fail(error, xstrdup("Fee needed > fee paid"));
    if (vsize * WITNESS_SCALE > MAX_STANDARD_WEIGHT)
        return spend_fail(error, xstrdup("Transaction too large"));
    if (out->fee > c->w->set->o.max_tx_fee)
        return spend_fail(
            error, xstrdup("Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"));
    return true;
}

static bool sign_result(struct choice *c, const struct chosen *ch, struct spend_result *out,
                        char **error)
{
    struct tx_out *coins = xcalloc(out->tx.n_in + 1, sizeof(*coins));

    for (size_t i = 0; i < c->r->n_inputs; i++)
        coins[i] = c->preset_out[i];
    for (size_t i = 0; i < ch->n; i++)
        coins[c->r->n_inputs + i] = c->coins[ch->coins[i]].txout;
    bool ok = wallet_sign(c->w, &out->tx, coins, 0, NULL);
    free(coins);
    return ok || spend_fail(error, xstrdup("Signing transaction failed"));
}

static void choice_clear(struct choice *c)
{
    buf_clear(&c->change_script);
    free(c->change_error);
    free(c->coins);
    free(c->coin_weight);
    free(c->coin_witness);
    free(c->preset_out);
}

static bool spend_once(struct wallet *w, const struct spend_request *r, bool sign,
                       struct spend_result *out, char **error)
{
    struct choice c = {.w = w, .r = r};
    struct chosen ch = {0};

    memset(out, 0, sizeof(*out));
    mtx_init(&out->tx);
    *error = NULL;
    choose_feerate(&c);
    choose_discard_feerate(&c);
    bool ok = check_outputs(&c, error) && check_feerate(&c, error) && take_presets(&c, error);
    if (ok) {
        choose_change(&c);
        set_params(&c);
        if (c.params.target <= 0 && c.params.target + c.preset_amount == 0 && !r->n_inputs)
            ok = spend_fail(
                error, xstrdup("Transaction requires one destination of non-zero value, a non-zero "
                               "feerate, or a pre-selected input"));
    }
    if (ok) {
        spend_find_candidates(&c);
        mtx_clear(&out->tx);
        ok = spend_choose_coins(&c, &ch, error) && build(&c, &ch, out, error) &&
             settle_fee(&c, &ch, out, error) && (!sign || sign_result(&c, &ch, out, error));
    }
    if (!ok)
        spend_result_clear(out);
    free(ch.coins);
    choice_clear(&c);
    return ok;
}

/* The change address is used up, so that the next payment gets another one. */
static bool keep_change(struct wallet *w, const struct spend_request *r, struct spend_result *out,
                        bool sign)
{
    if (out->change_position >= 0 && !r->change_script.len)
        wallet_take_change(w, buf_span(&out->tx.out[out->change_position].script_pubkey));
    return sign || wallet_commit(w); /* who signs, commits with the transaction */
}

/* Spending all coins of an address together is better for privacy: done where it costs no more than
 * -maxapsfee. */
bool wallet_spend(struct wallet *w, const struct spend_request *r, bool sign,
                  struct spend_result *out, char **error)
{
    struct spend_request together = *r;
    struct spend_result second;
    int64_t limit = w->set->o.max_aps_fee;
    char *why = NULL;

    if (!spend_once(w, r, sign, out, error))
        return false;
    if (limit < 0 || r->avoid_partial || w->set->o.avoid_partial || !r->add_inputs)
        return keep_change(w, r, out, sign);
    together.avoid_partial = true;
    if (out->change_position >= 0 && r->change_position < 0)
        together.change_position = out->change_position;
    if (!spend_once(w, &together, sign, &second, &why)) {
        free(why);
        return keep_change(w, r, out, sign);
    }
    if (second.fee <= out->fee + limit) {
        spend_result_clear(out);
        *out = second;
    } else {
        spend_result_clear(&second);
    }
    return keep_change(w, r, out, sign);
}
