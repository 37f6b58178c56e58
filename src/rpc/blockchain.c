/* Methods that ask about the chain of blocks. */
#include "rpc/rpc.h"
#include "validation/chain.h"

static struct rpc_answer *getblockcount(struct rpc_call *call)
{
    json_put_int(rpc_result(call), NULL, chain_height(rpc_ctx(call)->chain));
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

const struct rpc_method rpc_blockchain_methods[] = {
    {"getblockcount", getblockcount, "Height of the tip of the active chain; genesis has 0.",
     RPC_NO_PARAMS, "num"},
    {"getblockhash", getblockhash, "Hash of the block at a height of the active chain.",
     RPC_PARAMS({"height", "num", RPC_REQUIRED, "The height"}), "hex"},
    {0},
};
