/* getindexinfo and getblockfilter, and waiting for an index. */
#include "rpc/index.h"

#include <stdlib.h>

#include "rpc/block_json.h"
#include "util/mem.h"

/* ---- waiting ---- */

struct waiting {
    struct rpc_call *call;
    struct index *ix;
    rpc_handler *finish;
};

static void caught_up(void *arg)
{
    struct waiting *w = arg;
    struct rpc_call *call = w->call;
    rpc_handler *finish = w->finish;
    free(w);
    finish(call);
}

static void cancelled(struct rpc_call *call, void *arg)
{
    struct waiting *w = arg;
    index_wait_cancel(w->ix, w);
    free(w);
    rpc_error(call, RPC_MISC_ERROR, "The node is stopping");
}

struct rpc_answer *rpc_when_indexed(struct rpc_call *call, struct index *ix, rpc_handler *finish)
{
    if (!ix || !index_behind(ix))
        return finish(call);
    struct waiting *w = xcalloc(1, sizeof(*w));
    *w = (struct waiting){call, ix, finish};
    index_wait(ix, caught_up, w);
    return rpc_later(call, cancelled, w);
}

/* ---- getindexinfo ---- */

static struct rpc_answer *getindexinfo(struct rpc_call *call)
{
    const char *only = rpc_arg_str(call, "index_name");
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    for (int id = 0; id < INDEX_COUNT; id++) {
        const struct index *ix = indexes_get(rpc_ctx(call)->indexes, (enum index_id)id);
        if (!ix || (only && *only && strcmp(only, index_name(ix)) != 0))
            continue;
        json_begin_object(j, index_name(ix));
        json_put_bool(j, "synced", index_synced(ix));
        json_put_int(j, "best_block_height", index_height(ix));
        json_end(j);
    }
    json_end(j);
    return rpc_ok(call);
}

/* ---- getblockfilter ---- */

static struct rpc_answer *no_filter(struct rpc_call *call, const struct block_index *i,
                                    bool was_synced)
{
    if ((i->status & BLOCK_VALID_MASK) < BLOCK_VALID_SCRIPTS || i->status & BLOCK_FAILED)
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                         "Filter not found. Block was not connected to active chain.");
    if (!was_synced)
        return rpc_error(
            call, RPC_MISC_ERROR,
            "Filter not found. Block filters are still in the process of being indexed.");
    return rpc_error(call, RPC_INTERNAL_ERROR,
                     "Filter not found. This error is unexpected and indicates index corruption.");
}

static struct rpc_answer *filter_now(struct rpc_call *call)
{
    const struct block_index *i = rpc_arg_block_hash(call, "blockhash", "blockhash");
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_FILTER);
    struct buf filter = BUF_INIT;
    uint8_t header[32];
    if (!i)
        return rpc_fail(call);
    if (filter_index_get(ix, i, &filter, header) != INDEX_FOUND) {
        buf_clear(&filter);
        return no_filter(call, i, index_synced(ix));
    }
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_hex(j, "filter", filter.data, filter.len);
    json_put_hash(j, "header", header);
    json_end(j);
    buf_clear(&filter);
    return rpc_ok(call);
}

static struct rpc_answer *getblockfilter(struct rpc_call *call)
{
    const char *type = rpc_arg_str(call, "filtertype");
    struct block_hash hash;
    if (!rpc_arg_hash(call, "blockhash", hash.b))
        return rpc_fail(call);
    if (type && strcmp(type, "basic") != 0)
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Unknown filtertype");
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_FILTER);
    if (!ix)
        return rpc_error(call, RPC_MISC_ERROR, "Index is not enabled for filtertype basic");
    if (!rpc_arg_block_hash(call, "blockhash", "blockhash"))
        return rpc_fail(call);
    return rpc_when_indexed(call, ix, filter_now);
}

const struct rpc_method rpc_filter_methods[] = {
    {"getblockfilter", getblockfilter, "The compact filter of a block (BIP157).",
     RPC_PARAMS({"blockhash", "hex", RPC_REQUIRED, "The block"},
                {"filtertype", "str", "\"basic\"", "The kind of filter: basic"}),
     "{filter:hex, header:hex}"},
    {0},
};
const struct rpc_method rpc_index_methods[] = {
    {"getindexinfo", getindexinfo, "How far the indexes are.",
     RPC_PARAMS({"index_name", "str", NULL, "Only this one"}),
     "{<name>:{synced:bool, best_block_height:num}}"},
    {0},
};
