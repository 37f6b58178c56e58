/* Methods for miners: what is going on, priorities, and handing in of blocks and headers. */
#include "rpc/mining.h"

#include <stdlib.h>

#include "mining/mining.h"
#include "util/mem.h"
#include "util/time.h"

enum { HASHPS_LOOKUP_DEFAULT = 120 };

/* ---- rates ---- */

static struct rpc_answer *getnetworkhashps(struct rpc_call *call)
{
    const struct chain *chain = rpc_ctx(call)->chain;
    int64_t lookup = rpc_arg_int(call, "nblocks", HASHPS_LOOKUP_DEFAULT);
    int64_t height = rpc_arg_int(call, "height", -1);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (lookup < -1 || lookup == 0)
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Invalid nblocks. Must be a positive number or -1.");
    if (height < -1 || height > chain_height(chain))
        return rpc_error(call, RPC_INVALID_PARAMETER, "Block does not exist at specified height");
    json_put_double(rpc_result(call), NULL, network_hashps(chain, (int)lookup, (int)height));
    return rpc_ok(call);
}

static void put_difficulty(struct json *j, const struct network *net, uint32_t bits)
{
    struct u256 target = {{0}};
    char hex[65];
    bits_to_target(bits, &net->pow_limit, &target);
    json_put_strf(j, "bits", "%08x", bits);
    json_put_double(j, "difficulty", bits_difficulty(bits));
    json_put_str(j, "target", u256_to_hex(hex, target));
}

static void put_next_block(struct json *j, const struct network *net, const struct hnode *tip)
{
    int64_t time = time_now(), least = template_min_time(net, tip);
    json_begin_object(j, "next");
    json_put_int(j, "height", tip->height + 1);
    put_difficulty(j, net, pow_next_bits(net, tip, (uint32_t)(time > least ? time : least)));
    json_end(j);
}

static struct rpc_answer *getmininginfo(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    const struct block_index *tip = chain_tip(ctx->chain);
    struct json *j = rpc_result(call);
    struct template_size last = template_last_size();
    json_begin_object(j, NULL);
    json_put_int(j, "blocks", tip->h.height);
    if (last.known) {
        json_put_int(j, "currentblockweight", last.weight);
        json_put_int(j, "currentblocktx", (int64_t)last.n_tx);
    }
    put_difficulty(j, ctx->net, tip->h.bits);
    json_put_double(j, "networkhashps", network_hashps(ctx->chain, HASHPS_LOOKUP_DEFAULT, -1));
    json_put_uint(j, "pooledtx", mempool_count(ctx->mempool));
    json_put_amount(j, "blockmintxfee", ctx->tmpl->min_feerate);
    json_put_str(j, "chain", ctx->net->name);
    put_next_block(j, ctx->net, &tip->h);
    if (ctx->net->signet_challenge.len > 0)
        json_put_hex(j, "signet_challenge", ctx->net->signet_challenge.data,
                     ctx->net->signet_challenge.len);
    json_begin_array(j, "warnings");
    for (const char *const *w = ctx->warnings; w && *w; w++)
        json_put_str(j, NULL, *w);
    json_end(j);
    json_end(j);
    return rpc_ok(call);
}

/* ---- priorities ---- */

static bool has_dust(const struct mempool *m, const struct mempool_entry *e)
{
    return policy_dust_count(e->tx, mempool_opts(m)->dust_relay_feerate) > 0;
}

static struct rpc_answer *prioritisetransaction(struct rpc_call *call)
{
    struct mempool *m = rpc_ctx(call)->mempool;
    struct txid txid;
    double dummy = 0;
    rpc_arg_hash(call, "txid", txid.b);
    int64_t delta = rpc_arg_int64(call, "fee_delta", 0);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (rpc_arg_given(call, "dummy") &&
        (!json_as_double(rpc_arg(call, "dummy"), &dummy) || dummy != 0))
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Priority is no longer supported, dummy argument to "
                         "prioritisetransaction must be 0.");
    const struct mempool_entry *e = mempool_get(m, &txid);
    if (e && has_dust(m, e))
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Priority is not supported for transactions with dust outputs.");
    mempool_prioritise(m, &txid, delta);
    json_put_bool(rpc_result(call), NULL, true);
    return rpc_ok(call);
}

static struct rpc_answer *getprioritisedtransactions(struct rpc_call *call)
{
    struct mempool *m = rpc_ctx(call)->mempool;
    struct json *j = rpc_result(call);
    size_t n;
    struct mempool_delta *deltas = mempool_deltas(m, &n);
    json_begin_object(j, NULL);
    for (size_t i = 0; i < n; i++) {
        char hex[HASH_HEX_SIZE];
        const struct mempool_entry *e = mempool_get(m, &deltas[i].txid);
        json_begin_object(j, hash_to_hex(hex, deltas[i].txid.b));
        json_put_int(j, "fee_delta", deltas[i].delta);
        json_put_bool(j, "in_mempool", e != NULL);
        if (e)
            json_put_int(j, "modified_fee", e->fee + e->fee_delta);
        json_end(j);
    }
    json_end(j);
    free(deltas);
    return rpc_ok(call);
}

/* ---- handing in ---- */

struct rpc_answer *rpc_answer_bip22(struct rpc_call *call, const struct verdict *v)
{
    char text[600];
    if (v->kind == VERDICT_VALID)
        return rpc_ok_null(call);
    if (v->kind == VERDICT_ERROR)
        return rpc_error(call, RPC_VERIFY_ERROR, "%s", verdict_text(v, text, sizeof(text)));
    json_put_str(rpc_result(call), NULL, v->reason[0] ? v->reason : "rejected");
    return rpc_ok(call);
}

struct block *rpc_parse_block(const char *hex)
{
    struct buf raw = BUF_INIT;
    struct block *b = NULL;
    /* What stands behind the block is not looked at, as Bitcoin Core does it. */
    size_t len = hex_read(&raw, hex) ? block_extent(raw.data, raw.len) : 0;
    if (len > 0)
        b = block_parse(raw.data, len);
    buf_clear(&raw);
    return b;
}

/* What the chain said of the block that is being handed in. */
static struct {
    const struct chain *subscribed;
    struct block_hash hash;
    bool found;
    struct verdict verdict;
} catcher;

static void block_checked(void *arg, const struct block *b, const struct block_index *i,
                          const struct verdict *v)
{
    (void)arg;
    (void)i;
    if (!block_hash_eq(&b->hash, &catcher.hash))
        return;
    catcher.found = true;
    catcher.verdict = *v;
}

static void catch_block(struct chain *chain, const struct block_hash *hash)
{
    static const struct chain_events events = {.block_checked = block_checked};
    if (catcher.subscribed != chain)
        chain_subscribe(chain, &events, NULL);
    catcher.subscribed = chain;
    catcher.hash = *hash;
    catcher.found = false;
}

/* A miner may leave out the reserved value of the witness commitment: it is put in where the block
 * has a commitment and no witness in its coinbase. */
static struct block *complete_coinbase(struct chain *chain, struct block *b)
{
    static const uint8_t reserved[32];
    const struct block_index *prev = chain_find(chain, &b->header.prev);
    if (prev == NULL || b->n_tx == 0 || b->tx[0]->has_witness || b->tx[0]->n_in == 0 ||
        witness_commitment_index(b) < 0 ||
        !buried_active_after(chain_network(chain), BURIED_SEGWIT, &prev->h))
        return b;
    struct mtx m;
    struct span item = span_of(reserved, sizeof(reserved));
    const struct tx **txs = xmemdup(b->tx, b->n_tx * sizeof(*txs));
    mtx_from_tx(&m, b->tx[0]);
    mtx_in_set_witness(&m.in[0], &item, 1);
    txs[0] = mtx_finish(&m);
    mtx_clear(&m);
    struct block *complete = block_create(&b->header, txs, b->n_tx);
    tx_unref(txs[0]);
    free(txs);
    block_unref(b);
    return complete;
}

static struct rpc_answer *hand_in(struct rpc_call *call, const struct block *b)
{
    struct chain *chain = rpc_ctx(call)->chain;
    struct verdict v = {0};
    bool is_new = false;
    catch_block(chain, &b->hash);
    if (!chain_accept_block(chain, b, ACCEPT_REQUESTED | ACCEPT_MIN_POW_CHECKED, &is_new, &v))
        return rpc_answer_bip22(call, &v);
    if (!is_new) {
        json_put_str(rpc_result(call), NULL, "duplicate");
        return rpc_ok(call);
    }
    chain_drain(chain);
    if (catcher.found)
        return rpc_answer_bip22(call, &catcher.verdict);
    json_put_str(rpc_result(call), NULL, "inconclusive");
    return rpc_ok(call);
}

static struct rpc_answer *submitblock(struct rpc_call *call)
{
    struct block *b = rpc_parse_block(rpc_arg_str(call, "hexdata"));
    if (b == NULL)
        return rpc_error(call, RPC_DESERIALIZATION_ERROR, "Block decode failed");
    b = complete_coinbase(rpc_ctx(call)->chain, b);
    struct rpc_answer *a = hand_in(call, b);
    block_unref(b);
    return a;
}

static struct rpc_answer *submitheader(struct rpc_call *call)
{
    struct chain *chain = rpc_ctx(call)->chain;
    struct header h;
    struct buf raw = BUF_INIT;
    struct verdict v = {0};
    char hex[HASH_HEX_SIZE], text[400];
    /* What stands behind the header is not looked at: callers may hand in a whole block. */
    bool ok = hex_read(&raw, rpc_arg_str(call, "hexdata")) && raw.len >= HEADER_SIZE;
    if (ok)
        header_read(&h, raw.data);
    buf_clear(&raw);
    if (!ok)
        return rpc_error(call, RPC_DESERIALIZATION_ERROR, "Block header decode failed");
    if (chain_find(chain, &h.prev) == NULL)
        return rpc_error(call, RPC_VERIFY_ERROR, "Must submit previous header (%s) first",
                         hash_to_hex(hex, h.prev.b));
    if (chain_accept_headers(chain, &h, 1, true, NULL, &v))
        return rpc_ok_null(call);
    return rpc_error(call, RPC_VERIFY_ERROR, "%s",
                     v.kind == VERDICT_ERROR ? verdict_text(&v, text, sizeof(text)) : v.reason);
}

#define DIFFICULTY "bits:hex, difficulty:num, target:hex"

const struct rpc_method rpc_mining_methods[] = {
    {"getblocktemplate", rpc_getblocktemplate,
     "Data for building a block on the current tip (BIP22, BIP23, BIP9, BIP145), or the verdict on "
     "a proposal.",
     RPC_PARAMS(
         {"template_request",
          "{mode?:str, capabilities?:[str], rules:[str], longpollid?:str, data?:hex}", RPC_REQUIRED,
          "What is asked for; rules must have \"segwit\"",
          .usage =
              "{\"mode\":\"str\",\"capabilities\":[\"str\",...],\"rules\":[\"segwit\",\"str\",...],\"longpollid\":\"str\",\"data\":\"hex\"}"}),
     RPC_BLOCK_TEMPLATE_TYPE},
    {"getmininginfo", getmininginfo, "State of mining.", RPC_NO_PARAMS,
     "{blocks:num, currentblockweight?:num, currentblocktx?:num, " DIFFICULTY
     ", networkhashps:num, pooledtx:num, blockmintxfee:amount, chain:str, "
     "next:{height:num, " DIFFICULTY "}, signet_challenge?:hex, warnings:[str]}"},
    {"getnetworkhashps", getnetworkhashps,
     "Estimated hashes per second of the network, from the work of the last blocks.",
     RPC_PARAMS(
         {"nblocks", "num", "120", "Over how many blocks; -1: since the last change of difficulty"},
         {"height", "num", "-1", "As it was at this height; -1: now"}),
     "num"},
    {"getprioritisedtransactions", getprioritisedtransactions,
     "Fee deltas that prioritisetransaction has made, by txid.", RPC_NO_PARAMS,
     "{<txid>:{fee_delta:num, in_mempool:bool, modified_fee?:num}}"},
    {"prioritisetransaction", prioritisetransaction,
     "Lets a transaction count for mining as if it paid more or less.",
     RPC_PARAMS({"txid", "hex", RPC_REQUIRED, "The transaction"},
                {"dummy", "num", NULL, "For old callers; 0 or null"},
                {"fee_delta", "num", RPC_REQUIRED,
                 "Satoshi to add (or, negative, take off); no fee is really paid"}),
     "bool"},
    {"submitblock", submitblock,
     "Hands in a block. Null where it was accepted, else the reason (BIP22).",
     RPC_PARAMS({"hexdata", "hex", RPC_REQUIRED, "The block"},
                {"dummy", "str", "ignored", "For BIP22; ignored"}),
     "null | str"},
    {"submitheader", submitheader, "Hands in a header as candidate for the tip of the chain.",
     RPC_PARAMS({"hexdata", "hex", RPC_REQUIRED, "The header"}), "null"},
    {0},
};
