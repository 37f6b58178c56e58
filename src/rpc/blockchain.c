/* Methods that ask about the chain of blocks. Blocks of many transactions are rendered on a worker:
 * nothing may hold the loop for the tens of milliseconds that megabytes of text take. */
#include <stdlib.h>

#include "rpc/block_json.h"
#include "util/mem.h"

#define RENDER_INLINE_BYTES 20000 /* blocks up to this size are rendered at once */

static struct rpc_answer *getblockcount(struct rpc_call *call)
{
    json_put_int(rpc_result(call), NULL, chain_height(rpc_ctx(call)->chain));
    return rpc_ok(call);
}

static struct rpc_answer *getbestblockhash(struct rpc_call *call)
{
    json_put_hash(rpc_result(call), NULL, chain_tip(rpc_ctx(call)->chain)->h.hash.b);
    return rpc_ok(call);
}

static struct rpc_answer *getdifficulty(struct rpc_call *call)
{
    uint32_t bits = chain_tip(rpc_ctx(call)->chain)->h.bits;
    json_put_double(rpc_result(call), NULL, bits_difficulty(bits));
    return rpc_ok(call);
}

static struct rpc_answer *getblockhash(struct rpc_call *call)
{
    int64_t height = rpc_arg_int(call, "height", 0);
    if (rpc_failed(call))
        return rpc_fail(call);
    const struct block_index *i = chain_at(rpc_ctx(call)->chain, (int32_t)height);
    if (!i)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Block height out of range");
    json_put_hash(rpc_result(call), NULL, i->h.hash.b);
    return rpc_ok(call);
}

static struct rpc_answer *getblockheader(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    const struct block_index *i = rpc_arg_block_hash(call, "blockhash", "hash");
    bool verbose = rpc_arg_bool(call, "verbose", true);
    if (rpc_failed(call))
        return rpc_fail(call);
    struct json *j = rpc_result(call);
    if (verbose) {
        struct block_facts f;
        block_facts_init(&f, ctx->chain, i);
        json_begin_object(j, NULL);
        json_put_block_header(j, ctx->net, &f);
        json_end(j);
    } else {
        struct header h;
        uint8_t raw[HEADER_SIZE];
        hnode_header(&i->h, &h);
        header_write(&h, raw);
        json_put_hex(j, NULL, raw, sizeof(raw));
    }
    return rpc_ok(call);
}

/* ---- getblock ---- */

struct render {
    struct job job; /* first */
    struct rpc_call *call;
    const struct network *net;
    struct block_facts facts;
    struct block *block;
    struct block_undo *undo;
    int verbosity;
    struct json out;
};

static void render_run(struct job *job)
{
    struct render *r = (struct render *)job;
    if (r->verbosity <= 0)
        json_put_hex(&r->out, NULL, r->block->raw.data, r->block->raw.len);
    else
        json_put_block(&r->out, r->net, &r->facts, r->block, r->undo, r->verbosity);
}

static void render_done(struct job *job)
{
    struct render *r = (struct render *)job;
    *rpc_result(r->call) = r->out;
    block_unref(r->block);
    undo_unref(r->undo);
    rpc_ok(r->call);
    free(r);
}

static struct rpc_answer *getblock(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    const struct block_index *i = rpc_arg_block_hash(call, "blockhash", "blockhash");
    int verbosity = (int)rpc_arg_verbosity(call, "verbosity", 1);
    struct block *b = rpc_failed(call) ? NULL : rpc_read_block(call, i);
    struct block_undo *undo = NULL;
    if (b && verbosity >= 2 && !rpc_read_undo(call, i, &undo))
        block_unref(b);
    if (rpc_failed(call))
        return rpc_fail(call);
    struct render *r = xcalloc(1, sizeof(*r));
    *r = (struct render){.job = {render_run, render_done},
                         .call = call,
                         .net = ctx->net,
                         .block = b,
                         .undo = undo,
                         .verbosity = verbosity};
    block_facts_init(&r->facts, ctx->chain, i);
    json_init(&r->out);
    if (b->raw.len <= RENDER_INLINE_BYTES) {
        render_run(&r->job);
        render_done(&r->job);
    } else {
        workers_submit_first(ctx->workers, &r->job);
    }
    return rpc_later(call, NULL, NULL);
}

/* ---- the chain as a whole ---- */

static void put_warnings(struct json *j, const struct rpc_context *ctx)
{
    json_begin_array(j, "warnings");
    for (const char *const *w = ctx->warnings; w && *w; w++)
        json_put_str(j, NULL, *w);
    json_end(j);
}

static void put_pruning(struct json *j, const struct rpc_context *ctx)
{
    json_put_bool(j, "pruned", chain_pruning(ctx->chain));
    if (!chain_pruning(ctx->chain))
        return;
    bool automatic = ctx->prune_target != UINT64_MAX;
    json_put_int(j, "pruneheight", chain_prune_height(ctx->chain));
    json_put_bool(j, "automatic_pruning", automatic);
    if (automatic)
        json_put_uint(j, "prune_target_size", ctx->prune_target);
}

static struct rpc_answer *getblockchaininfo(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    const struct block_index *tip = chain_tip(ctx->chain);
    struct json *j = rpc_result(call);
    char hex[65];
    json_begin_object(j, NULL);
    json_put_str(j, "chain", ctx->net->name);
    json_put_int(j, "blocks", tip->h.height);
    json_put_int(j, "headers", chain_best_header(ctx->chain)->h.height);
    json_put_hash(j, "bestblockhash", tip->h.hash.b);
    json_put_target(j, ctx->net, tip->h.bits);
    json_put_int(j, "time", tip->h.time);
    json_put_int(j, "mediantime", hnode_median_time_past(&tip->h));
    json_put_double(j, "verificationprogress", chain_progress(ctx->chain, tip));
    json_put_bool(j, "initialblockdownload", chain_is_ibd(ctx->chain));
    json_put_str(j, "chainwork", u256_to_hex(hex, tip->h.work));
    json_put_uint(j, "size_on_disk", chain_disk_size(ctx->chain));
    put_pruning(j, ctx);
    if (ctx->net->signet_challenge.len)
        json_put_hex(j, "signet_challenge", ctx->net->signet_challenge.data,
                     ctx->net->signet_challenge.len);
    put_warnings(j, ctx);
    json_end(j);
    return rpc_ok(call);
}

static int compare_tips(const void *a, const void *b)
{
    const struct block_index *x = ((const struct chain_tip_info *)a)->index;
    const struct block_index *y = ((const struct chain_tip_info *)b)->index;
    if (x->h.height != y->h.height)
        return x->h.height > y->h.height ? -1 : 1;
    return memcmp(&x->h.hash, &y->h.hash, sizeof(x->h.hash));
}

static struct rpc_answer *getchaintips(struct rpc_call *call)
{
    size_t n;
    struct chain_tip_info *tips = chain_tips(rpc_ctx(call)->chain, &n);
    struct json *j = rpc_result(call);
    if (n > 1)
        qsort(tips, n, sizeof(*tips), compare_tips);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(j, NULL);
        json_put_int(j, "height", tips[i].index->h.height);
        json_put_hash(j, "hash", tips[i].index->h.hash.b);
        json_put_int(j, "branchlen", tips[i].branch_len);
        json_put_str(j, "status", tips[i].status);
        json_end(j);
    }
    json_end(j);
    free(tips);
    return rpc_ok(call);
}

static struct rpc_answer *getchainstates(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    const struct block_index *tip = chain_tip(ctx->chain);
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_int(j, "headers", chain_best_header(ctx->chain)->h.height);
    json_begin_array(j, "chainstates");
    json_begin_object(j, NULL);
    json_put_int(j, "blocks", tip->h.height);
    json_put_hash(j, "bestblockhash", tip->h.hash.b);
    json_put_target(j, ctx->net, tip->h.bits);
    json_put_double(j, "verificationprogress", chain_progress(ctx->chain, tip));
    json_put_uint(j, "coins_db_cache_bytes", 0); /* LevelDB's own cache is not used */
    json_put_uint(j, "coins_tip_cache_bytes", ctx->dbcache_bytes);
    json_put_bool(j, "validated", true);
    json_end(j);
    json_end(j);
    json_end(j);
    return rpc_ok(call);
}

#define TX_WITH_FEE "{" RPC_TX_FIELDS ", fee?:amount, hex:hex}"
#define BLOCK_FIELDS                                                                 \
    RPC_BLOCK_HEADER_FIELDS ", strippedsize:num, size:num, weight:num, "             \
                            "coinbase_tx:{version:num, locktime:num, sequence:num, " \
                            "coinbase:hex, witness?:hex}, "

const struct rpc_method rpc_blockchain_methods[] = {
    {"getbestblockhash", getbestblockhash, "Hash of the tip of the active chain.", RPC_NO_PARAMS,
     "hex"},
    {"getblock", getblock,
     "A block: as hex (verbosity 0), with the ids of its transactions (1), with the transactions "
     "(2), or with the outputs that they spend besides (3).",
     RPC_PARAMS({"blockhash", "hex", RPC_REQUIRED, "The block's hash"},
                {"verbosity|verbose", "num", "1", "How much: 0 to 3", .flags = RPC_ANY_TYPE}),
     "hex | {" BLOCK_FIELDS "tx:[hex]} | {" BLOCK_FIELDS "tx:[" TX_WITH_FEE "]}"},
    {"getblockchaininfo", getblockchaininfo, "The state of the chain and of its verification.",
     RPC_NO_PARAMS,
     "{chain:str, blocks:num, headers:num, bestblockhash:hex, bits:hex, target:hex, "
     "difficulty:num, time:time, mediantime:time, verificationprogress:num, "
     "initialblockdownload:bool, chainwork:hex, size_on_disk:num, pruned:bool, pruneheight?:num, "
     "automatic_pruning?:bool, prune_target_size?:num, signet_challenge?:hex, warnings:[str]}"},
    {"getblockcount", getblockcount, "Height of the tip of the active chain; genesis has 0.",
     RPC_NO_PARAMS, "num"},
    {"getblockhash", getblockhash, "Hash of the block at a height of the active chain.",
     RPC_PARAMS({"height", "num", RPC_REQUIRED, "The height"}), "hex"},
    {"getblockheader", getblockheader, "A block's header, as an object or as hex.",
     RPC_PARAMS({"blockhash", "hex", RPC_REQUIRED, "The block's hash"},
                {"verbose", "bool", "true", "An object, or the 80 bytes as hex"}),
     "hex | {" RPC_BLOCK_HEADER_FIELDS "}"},
    {"getchainstates", getchainstates, "The chain states that are being kept.", RPC_NO_PARAMS,
     "{headers:num, chainstates:[{blocks:num, bestblockhash:hex, bits:hex, target:hex, "
     "difficulty:num, verificationprogress:num, snapshot_blockhash?:hex, "
     "coins_db_cache_bytes:num, coins_tip_cache_bytes:num, validated:bool}]}"},
    {"getchaintips", getchaintips, "The ends of all known branches, the active one included.",
     RPC_NO_PARAMS, "[{height:num, hash:hex, branchlen:num, status:str}]"},
    {"getdifficulty", getdifficulty, "Difficulty of the tip, as a multiple of the least one.",
     RPC_NO_PARAMS, "num"},
    {0},
};
