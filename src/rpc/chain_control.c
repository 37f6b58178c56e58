/* Methods that change which chain is active, check it, prune it, or wait for it. */
#include <event2/event.h>
#include <stdlib.h>

#include "rpc/block_json.h"
#include "rpc/server.h"
#include "util/log.h"
#include "util/mem.h"

#define MAX_CHECK_LEVEL     4
#define DEFAULT_CHECKLEVEL  3
#define DEFAULT_CHECKBLOCKS 6
#define MAX_PRUNE_TIME      1000000000 /* larger numbers are times */
#define TIMESTAMP_WINDOW    7200

/* ---- choosing ---- */

static struct rpc_answer *invalidateblock(struct rpc_call *call)
{
    const struct block_index *i = rpc_arg_block_hash(call, "blockhash", "blockhash");
    struct verdict v = {0};
    char text[512];
    if (!i)
        return rpc_fail(call);
    if (!chain_invalidate(rpc_ctx(call)->chain, i, &v))
        return rpc_error(call, RPC_DATABASE_ERROR, "%s", verdict_text(&v, text, sizeof(text)));
    return rpc_ok_null(call);
}

static struct rpc_answer *reconsiderblock(struct rpc_call *call)
{
    const struct block_index *i = rpc_arg_block_hash(call, "blockhash", "blockhash");
    if (!i)
        return rpc_fail(call);
    chain_reconsider(rpc_ctx(call)->chain, i);
    return rpc_ok_null(call);
}

static struct rpc_answer *preciousblock(struct rpc_call *call)
{
    const struct block_index *i = rpc_arg_block_hash(call, "blockhash", "blockhash");
    struct verdict v = {0};
    char text[512];
    if (!i)
        return rpc_fail(call);
    if (!chain_precious(rpc_ctx(call)->chain, i, &v))
        return rpc_error(call, RPC_DATABASE_ERROR, "%s", verdict_text(&v, text, sizeof(text)));
    return rpc_ok_null(call);
}

/* ---- checking and pruning ---- */

static struct rpc_answer *verifychain(struct rpc_call *call)
{
    int64_t level = rpc_arg_int(call, "checklevel", DEFAULT_CHECKLEVEL);
    int64_t blocks = rpc_arg_int(call, "nblocks", DEFAULT_CHECKBLOCKS);
    char *error = NULL;
    if (rpc_failed(call))
        return rpc_fail(call);
    level = level < 0 ? 0 : level > MAX_CHECK_LEVEL ? MAX_CHECK_LEVEL : level;
    bool ok =
        chain_verify(rpc_ctx(call)->chain, (int)level, (int)(blocks < 0 ? 0 : blocks), &error);
    if (!ok)
        log_error("verifychain: %s", error);
    free(error);
    json_put_bool(rpc_result(call), NULL, ok);
    return rpc_ok(call);
}

/* A time means the first block of the active chain that is not much older. */
static int64_t height_of_time(const struct chain *chain, int64_t time)
{
    int32_t lo = 0, hi = chain_height(chain) + 1;
    while (lo < hi) {
        int32_t mid = lo + (hi - lo) / 2;
        if (chain_at(chain, mid)->h.time_max < time)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo <= chain_height(chain) ? lo : -1;
}

static struct rpc_answer *pruneblockchain(struct rpc_call *call)
{
    struct chain *chain = rpc_ctx(call)->chain;
    int64_t height = rpc_arg_int(call, "height", 0), tip = chain_height(chain);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (!chain_pruning(chain))
        return rpc_error(call, RPC_MISC_ERROR,
                         "Cannot prune blocks because node is not in prune mode.");
    if (height < 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Negative block height.");
    if (height > MAX_PRUNE_TIME) {
        height = height_of_time(chain, height - TIMESTAMP_WINDOW);
        if (height < 0)
            return rpc_error(call, RPC_INVALID_PARAMETER,
                             "Could not find block with at least the specified timestamp.");
    }
    if (tip < (int64_t)rpc_ctx(call)->net->prune_after_height)
        return rpc_error(call, RPC_MISC_ERROR, "Blockchain is too short for pruning.");
    if (height > tip)
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Blockchain is shorter than the attempted prune height.");
    chain_prune_to(chain, (int32_t)height);
    json_put_int(rpc_result(call), NULL, chain_prune_height(chain) - 1);
    return rpc_ok(call);
}

static struct rpc_answer *syncwithvalidationinterfacequeue(struct rpc_call *call)
{
    chain_drain(rpc_ctx(call)->chain);
    return rpc_ok_null(call);
}

/* ---- waiting ----
 *
 * The chain's events come from inside its work, where nothing may be told to it, whereas an answer
 * can start the next call of a batch: so the event only sets off a timer of no delay. */

enum wait_for { WAIT_CHANGE, WAIT_HASH, WAIT_HEIGHT };
struct wait {
    struct rpc_call *call;
    enum wait_for what;
    struct block_hash hash;
    int64_t height;
    struct event *timeout;
    struct wait *next, **link;
};
static struct wait *waits;
static struct event *check_event;
static const struct chain *watched;

static bool wait_met(const struct wait *w)
{
    const struct block_index *tip = chain_tip(rpc_ctx(w->call)->chain);
    switch (w->what) {
    case WAIT_CHANGE: return !block_hash_eq(&tip->h.hash, &w->hash);
    case WAIT_HASH: return block_hash_eq(&tip->h.hash, &w->hash);
    case WAIT_HEIGHT: return tip->h.height >= w->height;
    }
    return true;
}

static struct rpc_answer *answer_tip(struct rpc_call *call)
{
    const struct block_index *tip = chain_tip(rpc_ctx(call)->chain);
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_hash(j, "hash", tip->h.hash.b);
    json_put_int(j, "height", tip->h.height);
    json_end(j);
    return rpc_ok(call);
}

static void end_wait(struct wait *w)
{
    struct rpc_call *call = w->call;
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    if (w->timeout)
        event_free(w->timeout);
    free(w);
    answer_tip(call);
}

static void wait_cancelled(struct rpc_call *call, void *arg)
{
    (void)call;
    end_wait(arg);
}

static void wait_timed_out(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    end_wait(arg);
}

static void check_waits(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    for (struct wait *w = waits; w;) {
        if (wait_met(w)) {
            end_wait(w);
            w = waits; /* an answer may have ended or begun others */
        } else {
            w = w->next;
        }
    }
}

static void on_tip(void *arg, const struct block_index *tip, const struct block_index *fork,
                   bool ibd)
{
    (void)arg, (void)tip, (void)fork, (void)ibd;
    if (waits)
        event_active(check_event, EV_TIMEOUT, 0);
}

static void watch(const struct rpc_context *ctx)
{
    static const struct chain_events events = {.tip_changed = on_tip};
    if (watched == ctx->chain)
        return;
    watched = ctx->chain;
    check_event = evtimer_new(ctx->base, check_waits, NULL);
    chain_subscribe(ctx->chain, &events, NULL);
}

void rpc_waits_close(void)
{
    if (check_event)
        event_free(check_event);
    check_event = NULL;
    watched = NULL;
}

static struct rpc_answer *start_wait(struct rpc_call *call, const struct wait *wanted)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    int64_t timeout_ms = rpc_arg_int(call, "timeout", 0);
    if (!rpc_failed(call) && timeout_ms < 0)
        rpc_set_error(call, RPC_MISC_ERROR, "Negative timeout");
    if (rpc_failed(call))
        return rpc_fail(call);
    struct wait here = *wanted;
    here.call = call;
    if (wait_met(&here))
        return answer_tip(call);
    watch(ctx);
    struct wait *w = xmemdup(&here, sizeof(here));
    w->next = waits;
    w->link = &waits;
    if (waits)
        waits->link = &w->next;
    waits = w;
    if (timeout_ms > 0) {
        struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
        w->timeout = evtimer_new(ctx->base, wait_timed_out, w);
        evtimer_add(w->timeout, &tv);
    }
    return rpc_later(call, wait_cancelled, w);
}

static struct rpc_answer *waitfornewblock(struct rpc_call *call)
{
    struct wait w = {.what = WAIT_CHANGE, .hash = chain_tip(rpc_ctx(call)->chain)->h.hash};
    if (rpc_arg_given(call, "current_tip"))
        rpc_arg_hash(call, "current_tip", w.hash.b);
    return start_wait(call, &w);
}

static struct rpc_answer *waitforblock(struct rpc_call *call)
{
    struct wait w = {.what = WAIT_HASH};
    rpc_arg_hash(call, "blockhash", w.hash.b);
    return start_wait(call, &w);
}

static struct rpc_answer *waitforblockheight(struct rpc_call *call)
{
    struct wait w = {.what = WAIT_HEIGHT, .height = rpc_arg_int(call, "height", 0)};
    return start_wait(call, &w);
}

#define HASH_PARAM                                           \
    {                                                        \
        "blockhash", "hex", RPC_REQUIRED, "The block's hash" \
    }
#define TIMEOUT_PARAM                                                           \
    {                                                                           \
        "timeout", "num", "0", "Milliseconds to wait at most; 0: without limit" \
    }
#define TIP_TYPE "{hash:hex, height:num}"

const struct rpc_method rpc_chain_control_methods[] = {
    {"invalidateblock", invalidateblock, "Takes a block, and what is built on it, for invalid.",
     RPC_PARAMS(HASH_PARAM), "null", true},
    {"preciousblock", preciousblock,
     "Prefers a block over others of the same work, as if it had come first.",
     RPC_PARAMS(HASH_PARAM), "null"},
    {"pruneblockchain", pruneblockchain,
     "Deletes the files of old blocks (with -prune); returns the height of the last one deleted.",
     RPC_PARAMS({"height", "num", RPC_REQUIRED,
                 "Blocks up to this height, or older than this time, may go"}),
     "num"},
    {"reconsiderblock", reconsiderblock,
     "Takes back what invalidateblock said of a block, its ancestors and descendants.",
     RPC_PARAMS(HASH_PARAM), "null", true},
    {"syncwithvalidationinterfacequeue", syncwithvalidationinterfacequeue,
     "Returns when everything that the chain has taken in has had its effect.", RPC_NO_PARAMS,
     "null", true},
    {"verifychain", verifychain, "Checks the last blocks of the chain; false where one is wrong.",
     RPC_PARAMS({"checklevel", "num", "3", "How thoroughly, 0 to 4"},
                {"nblocks", "num", "6", "How many blocks; 0: all"}),
     "bool"},
    {"waitforblock", waitforblock, "Waits until a block is the tip, and returns the tip.",
     RPC_PARAMS(HASH_PARAM, TIMEOUT_PARAM), TIP_TYPE},
    {"waitforblockheight", waitforblockheight,
     "Waits until the chain is so high, and returns the tip.",
     RPC_PARAMS({"height", "num", RPC_REQUIRED, "The height"}, TIMEOUT_PARAM), TIP_TYPE},
    {"waitfornewblock", waitfornewblock, "Waits for another tip, and returns it.",
     RPC_PARAMS(TIMEOUT_PARAM,
                {"current_tip", "hex", NULL, "The tip to differ from (default: the one now)"}),
     TIP_TYPE},
    {0},
};
