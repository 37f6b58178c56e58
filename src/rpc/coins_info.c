/* gettxoutsetinfo: of the coins of now by a scan, of those at any block by the index. */
#include <stdlib.h>

#include "rpc/block_json.h"
#include "rpc/index.h"
#include "util/mem.h"

static void put_hash(struct json *j, enum coins_hash_type type, const uint8_t hash[32])
{
    if (type == COINS_HASH_SERIALIZED_3)
        json_put_hash(j, "hash_serialized_3", hash);
    else if (type == COINS_HASH_MUHASH)
        json_put_hash(j, "muhash", hash);
}

/* ---- by a scan ---- */

struct set_info {
    struct rpc_call *call;
    enum coins_hash_type type;
};

static void set_info_done(void *arg, const struct coins_stats *s)
{
    struct set_info *info = arg;
    struct rpc_call *call = info->call;
    enum coins_hash_type type = info->type;
    free(info);
    if (!s->ok) {
        rpc_error(call, RPC_INTERNAL_ERROR, "Unable to read UTXO set");
        return;
    }
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_int(j, "height", s->at->h.height);
    json_put_hash(j, "bestblock", s->at->h.hash.b);
    json_put_uint(j, "txouts", s->txouts);
    json_put_uint(j, "bogosize", s->bogosize);
    put_hash(j, type, s->hash);
    json_put_amount(j, "total_amount", s->total_amount);
    json_put_uint(j, "transactions", s->transactions);
    json_put_uint(j, "disk_size", s->disk_size);
    json_end(j);
    rpc_ok(call);
}

static struct rpc_answer *scan(struct rpc_call *call, enum coins_hash_type type)
{
    struct set_info *info = xcalloc(1, sizeof(*info));
    *info = (struct set_info){call, type};
    chain_coins_stats(rpc_ctx(call)->chain, type, set_info_done, info);
    return rpc_later(call, NULL, NULL);
}

/* ---- by the index ---- */

static int64_t lost(const struct coin_totals *t)
{
    return t->lost_genesis + t->lost_bip30 + t->lost_scripts + t->lost_unclaimed;
}

static void put_difference(struct json *j, const char *key, struct u256 now, struct u256 before)
{
    json_put_amount(j, key, (int64_t)u256_sub(now, before).w[0]);
}

static void put_block_info(struct json *j, const struct coin_totals *t, const struct coin_totals *p)
{
    json_begin_object(j, "block_info");
    put_difference(j, "prevout_spent", t->prevout_spent, p->prevout_spent);
    put_difference(j, "coinbase", t->coinbase, p->coinbase);
    put_difference(j, "new_outputs_ex_coinbase", t->new_outputs, p->new_outputs);
    json_put_amount(j, "unspendable", lost(t) - lost(p));
    json_begin_object(j, "unspendables");
    json_put_amount(j, "genesis_block", t->lost_genesis - p->lost_genesis);
    json_put_amount(j, "bip30", t->lost_bip30 - p->lost_bip30);
    json_put_amount(j, "scripts", t->lost_scripts - p->lost_scripts);
    json_put_amount(j, "unclaimed_rewards", t->lost_unclaimed - p->lost_unclaimed);
    json_end(j);
    json_end(j);
}

static struct rpc_answer *from_index(struct rpc_call *call, enum coins_hash_type type,
                                     const struct block_index *i)
{
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_COIN_STATS);
    const struct block_index *before = index_prev(i);
    struct coin_totals t, p = {.txouts = 0};
    if (coin_stats_index_get(ix, i, &t) != INDEX_FOUND ||
        (before && coin_stats_index_get(ix, before, &p) != INDEX_FOUND))
        return rpc_error(call, RPC_INTERNAL_ERROR, "Unable to read UTXO set");
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_int(j, "height", i->h.height);
    json_put_hash(j, "bestblock", i->h.hash.b);
    json_put_uint(j, "txouts", t.txouts);
    json_put_uint(j, "bogosize", t.bogosize);
    put_hash(j, type, t.muhash);
    json_put_amount(j, "total_amount", t.amount);
    json_put_amount(j, "total_unspendable_amount", lost(&t));
    put_block_info(j, &t, &p);
    json_end(j);
    return rpc_ok(call);
}

/* ---- the call ---- */

static bool hash_type(struct rpc_call *call, enum coins_hash_type *type)
{
    const char *name = rpc_arg_str(call, "hash_type");
    if (!name || strcmp(name, "hash_serialized_3") == 0)
        *type = COINS_HASH_SERIALIZED_3;
    else if (strcmp(name, "muhash") == 0)
        *type = COINS_HASH_MUHASH;
    else if (strcmp(name, "none") == 0)
        *type = COINS_HASH_NONE;
    else
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "'%s' is not a valid hash_type", name);
    return true;
}

/* The block asked for; NULL with an error noted where it cannot be had. */
static const struct block_index *wanted_block(struct rpc_call *call, enum coins_hash_type type)
{
    if (!indexes_get(rpc_ctx(call)->indexes, INDEX_COIN_STATS))
        rpc_set_error(call, RPC_INVALID_PARAMETER,
                      "Querying specific block heights requires coinstatsindex");
    else if (type == COINS_HASH_SERIALIZED_3)
        rpc_set_error(call, RPC_INVALID_PARAMETER,
                      "hash_serialized_3 hash type cannot be queried for a specific block");
    else if (!rpc_arg_bool(call, "use_index", true))
        rpc_set_error(call, RPC_INVALID_PARAMETER,
                      "Cannot set use_index to false when querying for a specific block");
    return rpc_failed(call) ? NULL : rpc_arg_block_or_height(call, "hash_or_height");
}

static struct rpc_answer *set_info_now(struct rpc_call *call)
{
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_COIN_STATS);
    const struct block_index *i = chain_tip(rpc_ctx(call)->chain);
    enum coins_hash_type type = COINS_HASH_NONE;
    if (hash_type(call, &type) && rpc_arg_given(call, "hash_or_height"))
        i = wanted_block(call, type);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (!index_synced(ix) && rpc_arg_given(call, "hash_or_height") &&
        i->h.height > index_height(ix))
        return rpc_error(
            call, RPC_INTERNAL_ERROR,
            "Unable to get data because coinstatsindex is still syncing. Current height: %d",
            (int)index_height(ix));
    return from_index(call, type, i);
}

static struct rpc_answer *gettxoutsetinfo(struct rpc_call *call)
{
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_COIN_STATS);
    enum coins_hash_type type = COINS_HASH_NONE;
    if (hash_type(call, &type) && rpc_arg_given(call, "hash_or_height"))
        wanted_block(call, type);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (!ix || !rpc_arg_bool(call, "use_index", true) || type == COINS_HASH_SERIALIZED_3)
        return scan(call, type);
    return rpc_when_indexed(call, ix, set_info_now);
}

const struct rpc_method rpc_coins_info_methods[] = {
    {"gettxoutsetinfo", gettxoutsetinfo, "Number, amount and hash of all coins.",
     RPC_PARAMS({"hash_type", "str", "\"hash_serialized_3\"", "hash_serialized_3, muhash or none"},
                {"hash_or_height", "num|str", "the current best block",
                 "The block (needs the coin statistics index)", .flags = RPC_ANY_TYPE},
                {"use_index", "bool", "true", "Use the coin statistics index where there is one"}),
     "{height:num, bestblock:hex, txouts:num, bogosize:num, hash_serialized_3?:hex, muhash?:hex, "
     "total_amount:amount, transactions?:num, disk_size?:num, total_unspendable_amount?:amount, "
     "block_info?:{prevout_spent:amount, coinbase:amount, new_outputs_ex_coinbase:amount, "
     "unspendable:amount, unspendables:{genesis_block:amount, bip30:amount, scripts:amount, "
     "unclaimed_rewards:amount}}}"},
    {0},
};
