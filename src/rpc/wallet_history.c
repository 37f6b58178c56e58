/*
 * Methods about the wallet's transactions: lists, one by id, abandoning, scanning the chain again.
 *
 * An entry of a list is one output from one side: sent, or received. Lists are gathered as short
 * records first, newest first, so that only what is shown is written.
 */
#include <stdlib.h>
#include <string.h>

#include "rpc/tx_json.h"
#include "rpc/wallet_rpc.h"
#include "util/mem.h"
#include "validation/chain.h"

struct entry {
    const struct wtx *tx;
    uint32_t vout;
    bool sent;
};
struct entries {
    struct entry *list;
    size_t n, cap;
};

static void add_entry(struct entries *e, const struct wtx *tx, uint32_t vout, bool sent)
{
    e->list = array_reserve(e->list, &e->cap, e->n + 1, sizeof(*e->list));
    e->list[e->n++] = (struct entry){tx, vout, sent};
}

/* The label under which an output's address is in the book; NULL where it is not. Caller frees
 * *address, which is NULL where the output has none. */
static const char *output_label(struct wallet *w, const struct tx_out *out, char **address)
{
    struct destination d;
    *address = NULL;
    if (script_to_destination(out->script_pubkey, &d))
        *address = address_encode(&wallet_network(w)->address, &d);
    const struct address_entry *e = *address ? wallet_address_entry(w, *address) : NULL;
    return e ? e->label : NULL;
}

static bool has_label(struct wallet *w, const struct tx_out *out, const char *label)
{
    char *address;
    const char *own = output_label(w, out, &address);
    free(address);
    return strcmp(own ? own : "", label) == 0;
}

/* First what was sent, then what was received; `label` (NULL: all) keeps of the latter those that
 * have it, and drops the former. */
static void gather(struct wallet *w, const struct wtx *tx, int32_t min_depth, const char *label,
                   bool include_change, struct entries *out)
{
    bool from_me = wtx_debit(w, tx) > 0;
    for (uint32_t i = 0; from_me && !label && i < tx->tx->n_out; i++)
        if (include_change || !wallet_is_change(w, tx->tx->out[i].script_pubkey))
            add_entry(out, tx, i, true);
    if (wtx_depth(w, tx) < min_depth)
        return;
    for (uint32_t i = 0; i < tx->tx->n_out; i++) {
        const struct tx_out *o = &tx->tx->out[i];
        if (!wallet_is_mine(w, o->script_pubkey) ||
            (from_me && !include_change && wallet_is_change(w, o->script_pubkey)) ||
            (label && !has_label(w, o, label)))
            continue;
        add_entry(out, tx, i, false);
    }
}

static int64_t value_out(const struct tx *tx)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < tx->n_out; i++)
        sum += tx->out[i].value;
    return sum;
}

static void put_txids(struct json *j, const char *key, const struct txid *ids, size_t n)
{
    json_begin_array(j, key);
    for (size_t i = 0; i < n; i++)
        json_put_hash(j, NULL, ids[i].b);
    json_end(j);
}

static void put_place(struct rpc_call *call, struct json *j, struct wallet *w, const struct wtx *tx)
{
    if (tx->state != WTX_CONFIRMED) {
        json_put_bool(j, "trusted", wtx_is_trusted(w, tx));
        return;
    }
    const struct block_index *i = chain_find(rpc_ctx(call)->chain, &tx->block);
    json_put_hash(j, "blockhash", tx->block.b);
    json_put_int(j, "blockheight", tx->height);
    json_put_int(j, "blockindex", tx->index);
    if (i)
        json_put_int(j, "blocktime", i->h.time);
}

static const char *rbf_status(struct rpc_call *call, const struct wtx *tx, int32_t depth)
{
    (void)call;
    for (uint32_t i = 0; depth <= 0 && i < tx->tx->n_in; i++)
        if (tx->tx->in[i].sequence < SEQUENCE_FINAL - 1)
            return "yes";
    return "no";
}

static void put_tx_fields(struct rpc_call *call, struct json *j, struct wallet *w,
                          const struct wtx *tx)
{
    size_t n;
    int32_t depth = wtx_depth(w, tx);
    struct txid *conflicts = wallet_conflicts(w, tx, &n);
    json_put_int(j, "confirmations", depth);
    if (tx_is_coinbase(tx->tx))
        json_put_bool(j, "generated", true);
    put_place(call, j, w, tx);
    json_put_hash(j, "txid", tx->txid.b);
    json_put_hash(j, "wtxid", tx->tx->wtxid.b);
    json_begin_array(j, "alternate_wtxids");
    for (size_t i = 0; i < tx->n_variants; i++)
        json_put_hash(j, NULL, tx->variants[i].b);
    json_end(j);
    put_txids(j, "walletconflicts", conflicts, n);
    put_txids(j, "mempoolconflicts", tx->mempool_conflicts, tx->n_mempool_conflicts);
    json_put_int(j, "time", wtx_time(tx));
    json_put_uint(j, "timereceived", tx->time_received);
    if (rpc_deprecated_enabled(call, "bip125"))
        json_put_str(j, "bip125-replaceable", rbf_status(call, tx, depth));
    if (tx->comment)
        json_put_str(j, "comment", tx->comment);
    if (tx->comment_to)
        json_put_str(j, "to", tx->comment_to);
    if (tx->has_replaces)
        json_put_hash(j, "replaces_txid", tx->replaces.b);
    if (tx->has_replaced_by)
        json_put_hash(j, "replaced_by_txid", tx->replaced_by.b);
    free(conflicts);
}

static const char *received_category(struct wallet *w, const struct wtx *tx)
{
    if (!tx_is_coinbase(tx->tx))
        return "receive";
    if (wtx_depth(w, tx) < 1)
        return "orphan";
    return wtx_is_immature(w, tx) ? "immature" : "generate";
}

static void put_entry(struct rpc_call *call, struct json *j, struct wallet *w,
                      const struct entry *e, bool whole)
{
    const struct tx_out *out = &e->tx->tx->out[e->vout];
    char *address;
    const char *label = output_label(w, out, &address);
    json_begin_object(j, NULL);
    json_put_str_take(j, "address", address);
    if (!e->sent)
        json_put_parent_descs(j, w, out->script_pubkey);
    json_put_str(j, "category", e->sent ? "send" : received_category(w, e->tx));
    json_put_amount(j, "amount", e->sent ? -out->value : out->value);
    if (label)
        json_put_str(j, "label", label);
    json_put_uint(j, "vout", e->vout);
    if (e->sent)
        json_put_amount(j, "fee", value_out(e->tx->tx) - wtx_debit(w, e->tx));
    else
        json_put_bool(j, "abandoned", e->tx->state == WTX_ABANDONED);
    if (whole)
        put_tx_fields(call, j, w, e->tx);
    if (e->sent)
        json_put_bool(j, "abandoned", e->tx->state == WTX_ABANDONED);
    json_end(j);
}

static void put_entries(struct rpc_call *call, struct json *j, const char *key, struct wallet *w,
                        const struct entries *e, bool whole)
{
    json_begin_array(j, key);
    for (size_t i = 0; i < e->n; i++)
        put_entry(call, j, w, &e->list[i], whole);
    json_end(j);
}

/* ---- listtransactions ---- */

static struct rpc_answer *listtransactions(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    const char *label = rpc_arg_str(call, "label");
    int64_t count = rpc_arg_int(call, "count", 10), skip = rpc_arg_int(call, "skip", 0);
    struct entries e = {0};
    if (!w || rpc_failed(call))
        return rpc_fail(call);
    if (label && strcmp(label, "*") == 0)
        label = NULL;
    if (label && !*label)
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Label argument must be a valid label name or \"*\".");
    if (count < 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Negative count");
    if (skip < 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Negative from");
    for (size_t i = wallet_tx_count(w); i-- > 0 && (int64_t)e.n < count + skip;)
        gather(w, wallet_tx_at(w, i), 0, label, false, &e);
    json_begin_array(j, NULL);
    int64_t end = count + skip < (int64_t)e.n ? count + skip : (int64_t)e.n;
    for (int64_t i = end; i-- > skip;)
        put_entry(call, j, w, &e.list[i], true);
    json_end(j);
    free(e.list);
    return rpc_ok(call);
}

/* ---- listsinceblock ---- */

/* What the wallet has of the blocks from `i` down to (not with) the active chain. */
static bool gather_removed(struct rpc_call *call, struct wallet *w, const struct block_index *i,
                           const char *label, bool include_change, struct entries *out)
{
    struct chain *chain = rpc_ctx(call)->chain;
    for (; i && !chain_contains(chain, i); i = index_prev(i)) {
        bool error;
        struct block *b = chain_read_block(chain, i, &error);
        if (!b)
            return rpc_set_error(call, RPC_INTERNAL_ERROR, "Can't read block from disk");
        for (uint32_t k = 0; k < b->n_tx; k++) {
            const struct wtx *tx = wallet_tx(w, &b->tx[k]->txid);
            if (tx)
                gather(w, tx, -100000000, label, include_change, out);
        }
        block_unref(b);
    }
    return true;
}

static bool since_arguments(struct rpc_call *call, const struct block_index **from, int64_t *target,
                            const char **label)
{
    struct block_hash hash;
    const char *text = rpc_arg_str(call, "blockhash");
    *from = NULL;
    *label = NULL;
    if (text && *text) {
        if (!rpc_arg_hash(call, "blockhash", hash.b))
            return false;
        *from = chain_find(rpc_ctx(call)->chain, &hash);
        if (!*from)
            return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Block not found");
    }
    *target = rpc_arg_int(call, "target_confirmations", 1);
    if (!rpc_failed(call) && *target < 1)
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid parameter");
    return !rpc_arg_given(call, "label") || rpc_arg_label(call, "label", label);
}

static struct rpc_answer *listsinceblock(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    bool removed = rpc_arg_bool(call, "include_removed", true);
    bool change = rpc_arg_bool(call, "include_change", false);
    const struct block_index *from;
    const char *label;
    int64_t target = 1;
    struct entries now = {0}, gone = {0};
    if (!w || !since_arguments(call, &from, &target, &label) || rpc_failed(call))
        return rpc_fail(call);
    struct chain *chain = rpc_ctx(call)->chain;
    const struct block_index *fork = from ? chain_fork(chain, from) : NULL;
    int32_t depth = fork ? wallet_last_height(w) + 1 - fork->h.height : -1;
    const struct wtx *tx;
    for (size_t i = 0; (tx = wallet_tx_at(w, i)); i++)
        if (depth == -1 || abs(wtx_depth(w, tx)) < depth)
            gather(w, tx, 0, label, change, &now);
    bool ok = !removed || gather_removed(call, w, from, label, change, &gone);
    if (target > wallet_last_height(w) + 1)
        target = wallet_last_height(w) + 1;
    const struct block_index *last = chain_at(chain, wallet_last_height(w) + 1 - (int32_t)target);
    json_begin_object(j, NULL);
    put_entries(call, j, "transactions", w, &now, true);
    if (removed)
        put_entries(call, j, "removed", w, &gone, true);
    if (last)
        json_put_hash(j, "lastblock", last->h.hash.b);
    json_end(j);
    free(now.list);
    free(gone.list);
    return ok ? rpc_ok(call) : rpc_fail(call);
}

/* ---- gettransaction ---- */

/* The decoded form, with "ischange" at outputs that are. */
static void put_decoded(struct json *j, struct wallet *w, const struct wtx *tx)
{
    const struct network *net = wallet_network(w);
    struct json whole;
    bool ok;
    json_init(&whole);
    json_begin_object(&whole, NULL);
    json_put_tx_fields(&whole, net, tx->tx, NULL, false, false);
    json_end(&whole);
    struct json_object *o = json_parse((const char *)whole.out.data, whole.out.len, &ok);
    struct json_object *outs = json_get(o, "vout");
    for (uint32_t i = 0; outs && i < tx->tx->n_out; i++)
        if (wallet_is_change(w, tx->tx->out[i].script_pubkey))
            json_object_object_add(json_object_array_get_idx(outs, i), "ischange",
                                   json_object_new_boolean(true));
    json_put_value(j, "decoded", o);
    json_object_put(o);
    json_clear(&whole);
}

static struct rpc_answer *gettransaction(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    struct txid txid;
    struct entries e = {0};
    bool verbose = rpc_arg_bool(call, "verbose", false);
    if (!w || !rpc_arg_hash(call, "txid", txid.b) || rpc_failed(call))
        return rpc_fail(call);
    const struct wtx *tx = wallet_tx(w, &txid);
    if (!tx)
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid or non-wallet transaction id");
    int64_t debit = wtx_debit(w, tx), fee = debit > 0 ? value_out(tx->tx) - debit : 0;
    json_begin_object(j, NULL);
    json_put_amount(j, "amount", wtx_credit(w, tx) - debit - fee);
    if (debit > 0)
        json_put_amount(j, "fee", fee);
    put_tx_fields(call, j, w, tx);
    gather(w, tx, 0, NULL, false, &e);
    put_entries(call, j, "details", w, &e, false);
    json_put_tx_hex(j, "hex", tx->tx);
    if (verbose)
        put_decoded(j, w, tx);
    json_put_last_block(j, w);
    json_end(j);
    free(e.list);
    return rpc_ok(call);
}

static struct rpc_answer *abandontransaction(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct txid txid;
    if (!w || !rpc_arg_hash(call, "txid", txid.b))
        return rpc_fail(call);
    if (!wallet_tx(w, &txid))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid or non-wallet transaction id");
    if (!wallet_abandon(w, &txid))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                         "Transaction not eligible for abandonment");
    return rpc_ok_null(call);
}

/* ---- rescanblockchain ---- */

static struct rpc_answer *rescanblockchain(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    int64_t from = rpc_arg_int(call, "start_height", 0), to = rpc_arg_int(call, "stop_height", -1);
    int32_t last;
    if (!w || rpc_failed(call) || !rpc_wallet_unlocked(call, w))
        return rpc_fail(call);
    int32_t tip = wallet_last_height(w);
    if (from < 0 || from > tip)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Invalid start_height");
    if (rpc_arg_given(call, "stop_height")) {
        if (to < 0 || to > tip)
            return rpc_error(call, RPC_INVALID_PARAMETER, "Invalid stop_height");
        if (to < from)
            return rpc_error(call, RPC_INVALID_PARAMETER,
                             "stop_height must be greater than start_height");
    }
    if (chain_is_pruned(rpc_ctx(call)->chain) && from < chain_prune_height(rpc_ctx(call)->chain))
        return rpc_error(call, RPC_MISC_ERROR,
                         "Can't rescan beyond pruned data. Use RPC call getblockchaininfo to "
                         "determine your pruned height.");
    if (!wallet_rescan(w, (int32_t)from, (int32_t)to, &last))
        return rpc_error(call, RPC_MISC_ERROR, "Rescan failed. Potentially corrupted data files.");
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_int(j, "start_height", from);
    json_put_int(j, "stop_height", last);
    json_end(j);
    return rpc_ok(call);
}

#define WATCHONLY                                                \
    {                                                            \
        "include_watchonly", "bool", "false", "No longer of use" \
    }
#define ENTRY                                                                         \
    "{address?:str, category:str, amount:amount, label?:str, vout:num, fee?:amount, " \
    "parent_descs?:[str], " RPC_WALLET_TX_FIELDS ", abandoned:bool}"

const struct rpc_method rpc_wallet_history_methods[] = {
    {"abandontransaction", abandontransaction,
     "Gives up a transaction that is in no block and not in the mempool, and what builds on it, "
     "so that its inputs can be spent again.",
     RPC_PARAMS({"txid", "hex", RPC_REQUIRED, "The transaction"}), "null"},
    {"gettransaction", gettransaction, "One transaction of the wallet.",
     RPC_PARAMS({"txid", "hex", RPC_REQUIRED, "The transaction"}, WATCHONLY,
                {"verbose", "bool", "false", "With a decoded form"}),
     "{amount:amount, fee?:amount, " RPC_WALLET_TX_FIELDS
     ", parent_descs?:[str], details:[{address?:str, category:str, amount:amount, label?:str, "
     "vout:num, fee?:amount, abandoned:bool, parent_descs?:[str]}], hex:hex, "
     "decoded?:{" RPC_TX_FIELDS "}, " RPC_LAST_BLOCK_TYPE "}"},
    {"listsinceblock", listsinceblock, "Transactions since a block, or all.",
     RPC_PARAMS({"blockhash", "str", NULL, "The block"},
                {"target_confirmations", "num", "1", "Sets which block is \"lastblock\""},
                WATCHONLY,
                {"include_removed", "bool", "true",
                 "Also those of blocks that are no longer in the chain"},
                {"include_change", "bool", "false", "Also change"},
                {"label", "str", NULL, "Only received ones with this label"}),
     "{transactions:[" ENTRY "], removed?:[" ENTRY "], lastblock:hex}"},
    {"listtransactions", listtransactions, "The last transactions, oldest first.",
     RPC_PARAMS({"label", "str", NULL, "Only received ones with this label; \"*\" for all"},
                {"count", "num", "10", "How many"}, {"skip", "num", "0", "How many to leave out"},
                WATCHONLY),
     "[" ENTRY "]"},
    {"rescanblockchain", rescanblockchain, "Looks through blocks for the wallet's transactions.",
     RPC_PARAMS({"start_height", "num", "0", "From here"},
                {"stop_height", "num", NULL, "Up to here; left out: the tip"}),
     "{start_height:num, stop_height:num}"},
    {0},
};
