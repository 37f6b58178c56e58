/* Statistics of the chain, the state of its deployments, and single coins. */
#include <stdlib.h>

#include "mempool/mempool.h"
#include "rpc/block_json.h"
#include "util/mem.h"

#define MONTH_SECONDS (30 * 24 * 60 * 60)

/* ---- getchaintxstats ---- */

/* The block that ends the window; NULL with the error noted. */
static const struct block_index *window_end(struct rpc_call *call)
{
    const struct chain *chain = rpc_ctx(call)->chain;
    if (!rpc_arg_given(call, "blockhash"))
        return chain_tip(chain);
    const struct block_index *end = rpc_arg_block_hash(call, "blockhash", "blockhash");
    if (end && !chain_contains(chain, end)) {
        rpc_set_error(call, RPC_INVALID_PARAMETER, "Block is not in main chain");
        return NULL;
    }
    return end;
}

static void put_window(struct json *j, const struct block_index *end, int32_t blocks)
{
    const struct block_index *start = index_ancestor(end, end->h.height - blocks);
    int64_t seconds = hnode_median_time_past(&end->h) - hnode_median_time_past(&start->h);
    json_put_int(j, "time", end->h.time);
    if (end->chain_tx)
        json_put_uint(j, "txcount", end->chain_tx);
    json_put_hash(j, "window_final_block_hash", end->h.hash.b);
    json_put_int(j, "window_final_block_height", end->h.height);
    json_put_int(j, "window_block_count", blocks);
    if (blocks == 0)
        return;
    json_put_int(j, "window_interval", seconds);
    if (!end->chain_tx || !start->chain_tx)
        return;
    uint64_t n = end->chain_tx - start->chain_tx;
    json_put_uint(j, "window_tx_count", n);
    if (seconds > 0)
        json_put_double(j, "txrate", (double)n / (double)seconds);
}

static struct rpc_answer *getchaintxstats(struct rpc_call *call)
{
    int64_t blocks = rpc_arg_int(call, "nblocks", 0);
    const struct block_index *end = rpc_failed(call) ? NULL : window_end(call);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (!rpc_arg_given(call, "nblocks")) {
        blocks = MONTH_SECONDS / rpc_ctx(call)->net->spacing;
        if (blocks > end->h.height - 1)
            blocks = end->h.height > 0 ? end->h.height - 1 : 0;
    } else if (blocks < 0 || (blocks > 0 && blocks >= end->h.height)) {
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Invalid block count: should be between 0 and the block's height - 1");
    }
    json_begin_object(rpc_result(call), NULL);
    put_window(rpc_result(call), end, (int32_t)blocks);
    json_end(rpc_result(call));
    return rpc_ok(call);
}

/* ---- getdeploymentinfo ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_script_flags(struct json *j, uint32_t flags)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } all[] = {
#define X(name, bit) {#name, 1u << (bit)},
        SCRIPT_FLAGS(X)
#undef X
    };
    const char *names[ARRAY_LEN(all)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (flags & all[i].bit)
            names[n++] = all[i].name;
    qsort(names, n, sizeof(names[0]), compare_names);
    json_begin_array(j, "script_flags");
    for (size_t i = 0; i < n; i++)
        json_put_str(j, NULL, names[i]);
    json_end(j);
}

static void put_buried(struct json *j, const struct network *net, enum buried_id id,
                       const struct block_index *i)
{
    if (net->buried[id] == BURIED_NEVER)
        return;
    json_begin_object(j, buried_name(id));
    json_put_str(j, "type", "buried");
    json_put_bool(j, "active", buried_active_after(net, id, &i->h));
    json_put_int(j, "height", net->buried[id]);
    json_end(j);
}

static void put_signalling(struct json *j, const struct network *net, enum deployment_id id,
                           enum deployment_state state, const struct block_index *i)
{
    struct deployment_stats s = deployment_statistics(net, id, &i->h);
    json_begin_object(j, "statistics");
    json_put_int(j, "period", s.period);
    if (state == DEPLOYMENT_STARTED)
        json_put_int(j, "threshold", s.threshold);
    json_put_int(j, "elapsed", s.elapsed);
    json_put_int(j, "count", s.count);
    if (state == DEPLOYMENT_STARTED)
        json_put_bool(j, "possible", s.possible);
    json_end(j);
    char *marks = xmalloc(s.elapsed + 1);
    const struct hnode *n = &i->h;
    for (uint32_t k = s.elapsed; k > 0; k--, n = n->prev)
        marks[k - 1] = deployment_signals(net, id, n) ? '#' : '-';
    json_put_strn(j, "signalling", marks, s.elapsed);
    free(marks);
}

static void put_deployment(struct json *j, const struct network *net, enum deployment_id id,
                           const struct block_index *i)
{
    const struct deployment *d = &net->deployments[id];
    const struct hnode *prev = i->h.prev;
    enum deployment_state now = deployment_state(net, id, prev);
    enum deployment_state next = deployment_state(net, id, &i->h);
    bool counts = now == DEPLOYMENT_STARTED || now == DEPLOYMENT_LOCKED_IN;
    if (d->start_time == DEPLOYMENT_NEVER_ACTIVE)
        return;
    json_begin_object(j, d->name);
    json_put_str(j, "type", "bip9");
    if (next == DEPLOYMENT_ACTIVE)
        json_put_int(j, "height", deployment_since(net, id, &i->h));
    json_put_bool(j, "active", next == DEPLOYMENT_ACTIVE);
    json_begin_object(j, "bip9");
    if (counts)
        json_put_int(j, "bit", d->bit);
    json_put_int(j, "start_time", d->start_time);
    json_put_int(j, "timeout", d->timeout);
    json_put_int(j, "min_activation_height", d->min_activation_height);
    json_put_str(j, "status", deployment_state_name(now));
    json_put_int(j, "since", deployment_since(net, id, prev));
    json_put_str(j, "status_next", deployment_state_name(next));
    if (counts)
        put_signalling(j, net, id, now, i);
    json_end(j);
    json_end(j);
}

static struct rpc_answer *getdeploymentinfo(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    const struct block_index *i = rpc_arg_given(call, "blockhash")
                                      ? rpc_arg_block_hash(call, "blockhash", "blockhash")
                                      : chain_tip(ctx->chain);
    if (!i)
        return rpc_fail(call);
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_hash(j, "hash", i->h.hash.b);
    json_put_int(j, "height", i->h.height);
    put_script_flags(j, block_script_flags(ctx->net, &i->h));
    json_begin_object(j, "deployments");
    for (int id = 0; id < BURIED_COUNT; id++)
        put_buried(j, ctx->net, (enum buried_id)id, i);
    for (int id = 0; id < DEPLOYMENT_COUNT; id++)
        put_deployment(j, ctx->net, (enum deployment_id)id, i);
    json_end(j);
    json_end(j);
    return rpc_ok(call);
}

/* ---- gettxout ---- */

static void put_coin(struct rpc_call *call, const struct coin *coin)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    const struct block_index *tip = chain_tip(ctx->chain);
    struct json *j = rpc_result(call);
    bool unconfirmed = coin->height == MEMPOOL_HEIGHT;
    json_begin_object(j, NULL);
    json_put_hash(j, "bestblock", tip->h.hash.b);
    json_put_int(j, "confirmations", unconfirmed ? 0 : tip->h.height - (int64_t)coin->height + 1);
    json_put_amount(j, "value", coin->out.value);
    json_put_script_pubkey(j, "scriptPubKey", ctx->net, coin->out.script_pubkey, true);
    json_put_bool(j, "coinbase", coin->coinbase);
    json_end(j);
}

static struct rpc_answer *gettxout(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    struct outpoint o = {0};
    rpc_arg_hash(call, "txid", o.txid.b);
    int64_t n = rpc_arg_int64(call, "n", 0);
    bool with_mempool = rpc_arg_bool(call, "include_mempool", true);
    if (!rpc_failed(call) && (n < 0 || n > UINT32_MAX))
        rpc_set_error(call, RPC_MISC_ERROR, "JSON integer out of range");
    if (rpc_failed(call))
        return rpc_fail(call);
    o.n = (uint32_t)n;
    struct coin coin;
    struct buf script = BUF_INIT;
    chain_drain(ctx->chain);
    enum coin_result r = with_mempool ? mempool_coin(ctx->mempool, &o, false, &coin, &script)
                                      : chain_coin(ctx->chain, &o, &coin, &script);
    if (r == COIN_FOUND)
        put_coin(call, &coin);
    buf_clear(&script);
    switch (r) {
    case COIN_FOUND: return rpc_ok(call);
    case COIN_MISSING: return rpc_ok_null(call);
    case COIN_ERROR: break;
    }
    return rpc_error(call, RPC_DATABASE_ERROR, "Unable to read the coins database");
}

const struct rpc_method rpc_chain_stats_methods[] = {
    {"getchaintxstats", getchaintxstats, "Number and rate of transactions in a window of blocks.",
     RPC_PARAMS({"nblocks", "num", "one month", "Blocks in the window"},
                {"blockhash", "hex", "chain tip", "The block that ends it"}),
     "{time:time, txcount?:num, window_final_block_hash:hex, window_final_block_height:num, "
     "window_block_count:num, window_interval?:num, window_tx_count?:num, txrate?:num}"},
    {"getdeploymentinfo", getdeploymentinfo, "Which changes of the rules are in force at a block.",
     RPC_PARAMS({"blockhash", "hex", "hash of current chain tip", "The block"}),
     "{hash:hex, height:num, script_flags:[str], deployments:{<name>:{type:str, height?:num, "
     "active:bool, bip9?:{bit?:num, start_time:time, timeout:time, min_activation_height:num, "
     "status:str, since:num, status_next:str, statistics?:{period:num, threshold?:num, "
     "elapsed:num, count:num, possible?:bool}, signalling?:str}}}}"},
    {"gettxout", gettxout, "An output that is not spent; null where it is, or was never made.",
     RPC_PARAMS({"txid", "hex", RPC_REQUIRED, "The transaction"},
                {"n", "num", RPC_REQUIRED, "Number of its output"},
                {"include_mempool", "bool", "true", "Reckon with unconfirmed transactions too"}),
     "{bestblock:hex, confirmations:num, value:amount, "
     "scriptPubKey:" RPC_SCRIPT_PUBKEY_TYPE ", coinbase:bool} | null"},
    {0},
};
