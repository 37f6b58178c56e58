/* Methods that estimate feerates. */
#include <math.h>
#include <strings.h>

#include "mempool/fees.h"
#include "rpc/rpc.h"

/* ---- arguments ---- */

static int arg_target(struct rpc_call *call)
{
    int64_t target = rpc_arg_int(call, "conf_target", 0);
    int max = fees_max_target(rpc_ctx(call)->fees, FEE_HORIZON_LONG);
    if (!rpc_failed(call) && (target < 1 || target > max))
        rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid conf_target, must be between %u and %u",
                      1, (unsigned)max);
    return (int)target;
}

static bool arg_conservative(struct rpc_call *call)
{
    const char *mode = rpc_arg_str(call, "estimate_mode");
    if (mode == NULL || strcasecmp(mode, "economical") == 0 || strcasecmp(mode, "unset") == 0)
        return false;
    if (strcasecmp(mode, "conservative") == 0)
        return true;
    return rpc_set_error(call, RPC_INVALID_PARAMETER,
                         "Invalid estimate_mode parameter, must be one of: \"unset\", "
                         "\"economical\", \"conservative\"");
}

static enum fee_policy source_of(struct json_object *options)
{
    struct json_object *v = json_get(options, "fee_rate_estimator");
    const char *name = v ? json_object_get_string(v) : "none";
    if (strcasecmp(name, "block_policy") == 0)
        return FEE_POLICY_BLOCKS;
    return strcasecmp(name, "mempool_policy") == 0 ? FEE_POLICY_MEMPOOL : FEE_POLICY_ANY;
}

static int64_t option_verbosity(struct rpc_call *call, struct json_object *options)
{
    struct json_object *v = json_get(options, "verbosity");
    int64_t verbosity = 1;
    if (v)
        rpc_get_int(call, v, &verbosity);
    return verbosity;
}

/* ---- estimatesmartfee ---- */

static void put_health(struct json *j, const struct fee_estimator *f)
{
    struct fees_block_stats s[FEES_HEALTH_BLOCKS];
    size_t n = fees_block_stats(f, s);
    json_begin_array(j, "mempool_health_statistics");
    while (n-- > 0) {
        json_begin_object(j, NULL);
        json_put_uint(j, "block_height", s[n].height);
        json_put_uint(j, "block_weight", s[n].block_weight);
        json_put_uint(j, "mempool_txs_weight", s[n].mempool_weight);
        json_end(j);
    }
    json_end(j);
}

/* Nothing below what the mempool takes is of use. */
static int64_t at_least_relayed(struct mempool *m, int64_t feerate)
{
    int64_t rolling = mempool_min_feerate(m), relay = mempool_opts(m)->min_relay_feerate;
    feerate = feerate > rolling ? feerate : rolling;
    return feerate > relay ? feerate : relay;
}

static struct rpc_answer *estimatesmartfee(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    int target = arg_target(call);
    bool conservative = arg_conservative(call);
    struct json_object *options = rpc_arg(call, "options");
    if (rpc_failed(call) || !rpc_arg_check_object(call, "options", true))
        return rpc_fail(call);
    int64_t verbosity = option_verbosity(call, options);
    if (rpc_failed(call))
        return rpc_fail(call);
    enum fee_policy source = source_of(options);
    struct fee_estimate e = fees_estimate(ctx->fees, source, target, conservative);
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    if (e.error) {
        json_begin_array(j, "errors");
        json_put_str(j, NULL, e.error);
        json_end(j);
    } else {
        json_put_amount(j, "feerate", at_least_relayed(ctx->mempool, e.feerate));
        if (source == FEE_POLICY_ANY)
            json_put_str(j, "estimator",
                         e.source == FEE_POLICY_BLOCKS ? "block_policy" : "mempool_policy");
    }
    json_put_int(j, "blocks", e.target);
    if (verbosity >= 2)
        put_health(j, ctx->fees);
    json_end(j);
    return rpc_ok(call);
}

/* ---- estimaterawfee ---- */

static double cents(double v)
{
    return round(v * 100) / 100;
}

static void put_range(struct json *j, const char *key, const struct fee_range *r)
{
    json_begin_object(j, key);
    json_put_double(j, "startrange", round(r->start));
    json_put_double(j, "endrange", round(r->end));
    json_put_double(j, "withintarget", cents(r->within_target));
    json_put_double(j, "totalconfirmed", cents(r->total_confirmed));
    json_put_double(j, "inmempool", cents(r->in_mempool));
    json_put_double(j, "leftmempool", cents(r->left_mempool));
    json_end(j);
}

static void put_horizon(struct json *j, const char *key, const struct fee_raw *raw)
{
    json_begin_object(j, key);
    if (raw->feerate != 0)
        json_put_amount(j, "feerate", raw->feerate);
    json_put_double(j, "decay", raw->decay);
    json_put_int(j, "scale", raw->scale);
    if (raw->feerate != 0) {
        put_range(j, "pass", &raw->pass);
        if (raw->fail.start != -1)
            put_range(j, "fail", &raw->fail);
    } else {
        put_range(j, "fail", &raw->fail);
        json_begin_array(j, "errors");
        json_put_str(j, NULL, "Insufficient data or no feerate found which meets threshold");
        json_end(j);
    }
    json_end(j);
}

static struct rpc_answer *estimaterawfee(struct rpc_call *call)
{
    static const char *const names[] = {"short", "medium", "long"};
    const struct fee_estimator *f = rpc_ctx(call)->fees;
    double threshold = 0.95;
    int target = arg_target(call);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (rpc_arg_given(call, "threshold") &&
        (!json_as_double(rpc_arg(call, "threshold"), &threshold) || threshold < 0 || threshold > 1))
        return rpc_error(call, RPC_INVALID_PARAMETER, "Invalid threshold");
    json_begin_object(rpc_result(call), NULL);
    for (int h = FEE_HORIZON_SHORT; h <= FEE_HORIZON_LONG; h++) {
        struct fee_raw raw;
        if (target > fees_max_target(f, (enum fee_horizon)h))
            continue;
        fees_estimate_raw(f, target, threshold, (enum fee_horizon)h, &raw);
        put_horizon(rpc_result(call), names[h], &raw);
    }
    json_end(rpc_result(call));
    return rpc_ok(call);
}

/* ---- table ---- */

#define RANGE                                                               \
    "{startrange:num, endrange:num, withintarget:num, totalconfirmed:num, " \
    "inmempool:num, leftmempool:num}"
#define HORIZON \
    "{feerate?:num, decay:num, scale:num, pass?:" RANGE ", fail?:" RANGE ", errors?:[str]}"

const struct rpc_method rpc_fees_methods[] = {
    {"estimatesmartfee", estimatesmartfee,
     "The feerate with which a transaction should be confirmed within some blocks.",
     RPC_PARAMS({"conf_target", "num", RPC_REQUIRED, "Within how many blocks (1 to 1008)"},
                {"estimate_mode", "str", "economical",
                 "\"economical\", \"conservative\" (slower to follow a falling market) or "
                 "\"unset\""},
                {"options", "{fee_rate_estimator?:str, verbosity?:num}", NULL,
                 "fee_rate_estimator: \"block_policy\" (how long transactions waited), "
                 "\"mempool_policy\" (what waits now) or \"none\" (the lower of both, default); "
                 "verbosity 2: with statistics of the last blocks"}),
     "{feerate?:num, estimator?:str, errors?:[str], blocks:num, "
     "mempool_health_statistics?:[{block_height:num, block_weight:num, mempool_txs_weight:num}]}"},
    {0},
};

const struct rpc_method rpc_fees_hidden_methods[] = {
    {"estimaterawfee", estimaterawfee,
     "The statistics behind the block policy estimate, by horizon. May change at any time.",
     RPC_PARAMS({"conf_target", "num", RPC_REQUIRED, "Within how many blocks (1 to 1008)"},
                {"threshold", "num", "0.95",
                 "The proportion of a range of feerates that must have been confirmed in time"}),
     "{short?:" HORIZON ", medium?:" HORIZON ", long?:" HORIZON "}", true},
    {0},
};
