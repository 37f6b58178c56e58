/* Blocks as JSON, and finding and reading the blocks that calls ask for. */
#include "rpc/block_json.h"

#include <stdlib.h>

#include "consensus/headers.h"

void block_facts_init(struct block_facts *f, const struct chain *c, const struct block_index *i)
{
    *f = (struct block_facts){.node = i->h,
                              .confirmations = -1,
                              .median_time = hnode_median_time_past(&i->h),
                              .n_tx = i->n_tx};
    if (i->h.prev) {
        f->has_prev = true;
        f->prev = i->h.prev->hash;
    }
    if (!chain_contains(c, i))
        return;
    f->confirmations = chain_height(c) - i->h.height + 1;
    const struct block_index *next = chain_next(c, i);
    if (next) {
        f->has_next = true;
        f->next = next->h.hash;
    }
}

void json_put_target(struct json *j, const struct network *net, uint32_t bits)
{
    struct u256 target = {{0}};
    char hex[65];
    bits_to_target(bits, &net->pow_limit, &target);
    json_put_strf(j, "bits", "%08x", bits);
    json_put_str(j, "target", u256_to_hex(hex, target));
    json_put_double(j, "difficulty", bits_difficulty(bits));
}

void json_put_block_header(struct json *j, const struct network *net, const struct block_facts *f)
{
    const struct hnode *n = &f->node;
    char hex[65];
    json_put_hash(j, "hash", n->hash.b);
    json_put_int(j, "confirmations", f->confirmations);
    json_put_int(j, "height", n->height);
    json_put_int(j, "version", n->version);
    json_put_strf(j, "versionHex", "%08x", (uint32_t)n->version);
    json_put_hash(j, "merkleroot", n->merkle_root);
    json_put_int(j, "time", n->time);
    json_put_int(j, "mediantime", f->median_time);
    json_put_int(j, "nonce", n->nonce);
    json_put_target(j, net, n->bits);
    json_put_str(j, "chainwork", u256_to_hex(hex, n->work));
    json_put_int(j, "nTx", f->n_tx);
    if (f->has_prev)
        json_put_hash(j, "previousblockhash", f->prev.b);
    if (f->has_next)
        json_put_hash(j, "nextblockhash", f->next.b);
}

static void put_coinbase(struct json *j, const struct tx *tx)
{
    json_begin_object(j, "coinbase_tx");
    json_put_int(j, "version", tx->version);
    json_put_int(j, "locktime", tx->lock_time);
    json_put_int(j, "sequence", tx->in[0].sequence);
    json_put_hex(j, "coinbase", tx->in[0].script_sig.data, tx->in[0].script_sig.len);
    if (tx->in[0].witness.n > 0)
        json_put_hex(j, "witness", tx->in[0].witness.items[0].data, tx->in[0].witness.items[0].len);
    json_end(j);
}

void json_put_block(struct json *j, const struct network *net, const struct block_facts *f,
                    const struct block *b, const struct block_undo *undo, int verbosity)
{
    json_begin_object(j, NULL);
    json_put_block_header(j, net, f);
    json_put_int(j, "strippedsize", b->base_size);
    json_put_uint(j, "size", b->raw.len);
    json_put_int(j, "weight", block_weight(b));
    put_coinbase(j, b->tx[0]);
    json_begin_array(j, "tx");
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (verbosity <= 1) {
            json_put_hash(j, NULL, b->tx[i]->txid.b);
            continue;
        }
        const struct tx_undo *u = undo && i > 0 && i - 1 < undo->n_tx ? &undo->tx[i - 1] : NULL;
        json_begin_object(j, NULL);
        json_put_tx_fields(j, net, b->tx[i], u, verbosity >= 3, true);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

/* ---- finding and reading ---- */

static const struct block_index *find_hash(struct rpc_call *call, struct json_object *v,
                                           const char *name)
{
    struct block_hash hash;
    if (!rpc_get_hash(call, v, name, hash.b))
        return NULL;
    const struct block_index *i = chain_find(rpc_ctx(call)->chain, &hash);
    if (!i)
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Block not found");
    return i;
}

const struct block_index *rpc_arg_block_hash(struct rpc_call *call, const char *name,
                                             const char *name_in_message)
{
    return find_hash(call, rpc_arg(call, name), name_in_message);
}

const struct block_index *rpc_arg_block_or_height(struct rpc_call *call, const char *name)
{
    struct json_object *v = rpc_arg(call, name);
    const struct chain *chain = rpc_ctx(call)->chain;
    int64_t height;
    if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
        return find_hash(call, v, "hash_or_height");
    if (!rpc_get_int(call, v, &height))
        return NULL;
    if (height < 0)
        rpc_set_error(call, RPC_INVALID_PARAMETER, "Target block height %d is negative",
                      (int)height);
    else if (height > chain_height(chain))
        rpc_set_error(call, RPC_INVALID_PARAMETER, "Target block height %d after current tip %d",
                      (int)height, (int)chain_height(chain));
    return rpc_failed(call) ? NULL : chain_at(chain, (int32_t)height);
}

struct block *rpc_read_block(struct rpc_call *call, const struct block_index *i)
{
    struct chain *chain = rpc_ctx(call)->chain;
    bool error = false;
    if (!(i->status & BLOCK_HAVE_DATA)) {
        rpc_set_error(call, RPC_MISC_ERROR, "%s",
                      i->n_tx > 0 && chain_is_pruned(chain)
                          ? "Block not available (pruned data)"
                          : "Block not available (not fully downloaded)");
        return NULL;
    }
    struct block *b = chain_read_block(chain, i, &error);
    if (!b) /* the index says that it is there */
        rpc_set_error(call, RPC_MISC_ERROR, "Block not found on disk");
    return b;
}

bool rpc_read_undo(struct rpc_call *call, const struct block_index *i, struct block_undo **undo)
{
    bool error = false;
    *undo = NULL;
    if (!i->h.prev || !(i->status & BLOCK_HAVE_UNDO))
        return true;
    *undo = chain_read_undo(rpc_ctx(call)->chain, i, &error);
    return *undo || rpc_set_error(call, RPC_INTERNAL_ERROR,
                                  "Undo data expected but can't be read. This could be due to disk "
                                  "corruption or a conflict with a pruning event.");
}
