/* Sums received by address and by label. */
#include <stdlib.h>
#include <string.h>

#include "rpc/tx_json.h"
#include "rpc/wallet_rpc.h"
#include "util/mem.h"

/* What an address of the book was paid. */
struct tally {
    int64_t amount;
    int32_t depth;
    struct txid *txids;
    size_t n_txids, cap_txids;
};

struct tallies {
    struct tally *list; /* one for each entry of the address book, in its order */
    size_t n;
};

struct query {
    int32_t min_depth;
    bool include_empty, immature;
    const char *only; /* address; NULL: all */
};

static bool counts(struct wallet *w, const struct wtx *tx, const struct query *q)
{
    int32_t depth = wtx_depth(w, tx);
    if (depth < q->min_depth || (tx_is_coinbase(tx->tx) && depth < 1))
        return false;
    return q->immature || !wtx_is_immature(w, tx);
}

static void count_output(struct tallies *t, struct wallet *w, const struct wtx *tx, uint32_t vout,
                         int32_t depth)
{
    const struct network *net = wallet_network(w);
    struct destination d;
    if (!script_to_destination(tx->tx->out[vout].script_pubkey, &d))
        return;
    char *address = address_encode(&net->address, &d);
    size_t at = address ? wallet_address_index(w, address) : SIZE_MAX;
    free(address);
    if (at >= t->n)
        return;
    struct tally *e = &t->list[at];
    e->amount += tx->tx->out[vout].value;
    if (depth < e->depth)
        e->depth = depth;
    e->txids = array_reserve(e->txids, &e->cap_txids, e->n_txids + 1, sizeof(*e->txids));
    e->txids[e->n_txids++] = tx->txid;
}

static void tally_all(struct wallet *w, const struct query *q, struct tallies *out)
{
    const struct wtx *tx;
    out->n = 0;
    while (wallet_address_at(w, out->n))
        out->n++;
    out->list = xcalloc(out->n + 1, sizeof(*out->list));
    for (size_t i = 0; i < out->n; i++)
        out->list[i].depth = INT32_MAX;
    for (size_t i = 0; (tx = wallet_tx_at(w, i)); i++)
        for (uint32_t k = 0; counts(w, tx, q) && k < tx->tx->n_out; k++)
            if (wallet_is_mine(w, tx->tx->out[k].script_pubkey))
                count_output(out, w, tx, k, wtx_depth(w, tx));
}

static void tallies_clear(struct tallies *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->list[i].txids);
    free(t->list);
}

static bool is_own_address(struct rpc_call *call, struct wallet *w, const char *address)
{
    struct buf script = BUF_INIT;
    struct destination d;
    if (!address_decode(&rpc_ctx(call)->net->address, address, &d, NULL))
        return false;
    destination_script(&d, &script);
    bool mine = wallet_is_mine(w, buf_span(&script));
    buf_clear(&script);
    return mine;
}

/* Entries without a label are change. */
static bool shown(struct rpc_call *call, struct wallet *w, const struct query *q,
                  const struct address_entry *entry, const struct tally *t)
{
    if (!entry->label || (q->only && strcmp(q->only, entry->address) != 0))
        return false;
    return t->n_txids || (q->include_empty && is_own_address(call, w, entry->address));
}

static bool read_query(struct rpc_call *call, struct query *q)
{
    *q = (struct query){.min_depth = (int32_t)rpc_arg_int(call, "minconf", 1),
                        .include_empty = rpc_arg_bool(call, "include_empty", false),
                        .immature = rpc_arg_bool(call, "include_immature_coinbase", false)};
    return !rpc_failed(call);
}

static struct rpc_answer *listreceivedbyaddress(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    const char *filter = rpc_arg_str(call, "address_filter");
    struct destination d;
    struct query q;
    struct tallies t;
    if (!w || !read_query(call, &q))
        return rpc_fail(call);
    if (filter && *filter) {
        if (!address_decode(&rpc_ctx(call)->net->address, filter, &d, NULL))
            return rpc_error(call, RPC_WALLET_ERROR, "address_filter parameter was invalid");
        q.only = filter;
    }
    tally_all(w, &q, &t);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < t.n; i++) {
        const struct tally *e = &t.list[i];
        const struct address_entry *entry = wallet_address_at(w, i);
        if (!shown(call, w, &q, entry, e))
            continue;
        json_begin_object(j, NULL);
        json_put_str(j, "address", entry->address);
        json_put_amount(j, "amount", e->amount);
        json_put_int(j, "confirmations", e->depth == INT32_MAX ? 0 : e->depth);
        json_put_str(j, "label", entry->label);
        json_begin_array(j, "txids");
        for (size_t k = 0; k < e->n_txids; k++)
            json_put_hash(j, NULL, e->txids[k].b);
        json_end(j);
        json_end(j);
    }
    json_end(j);
    tallies_clear(&t);
    return rpc_ok(call);
}

struct label_sum {
    const char *label;
    int64_t amount;
    int32_t depth;
};

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct label_sum *)a)->label, ((const struct label_sum *)b)->label);
}

static struct rpc_answer *listreceivedbylabel(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    struct query q;
    struct tallies t;
    if (!w || !read_query(call, &q))
        return rpc_fail(call);
    tally_all(w, &q, &t);
    struct label_sum *sums = xcalloc(t.n + 1, sizeof(*sums));
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < t.n; i++)
        if (shown(call, w, &q, wallet_address_at(w, i), &t.list[i]))
            sums[n++] = (struct label_sum){wallet_address_at(w, i)->label, t.list[i].amount,
                                           t.list[i].depth};
    if (n)
        qsort(sums, n, sizeof(*sums), compare_labels);
    for (size_t i = 0; i < n; i++) {
        if (kept && strcmp(sums[kept - 1].label, sums[i].label) == 0) {
            sums[kept - 1].amount += sums[i].amount;
            if (sums[i].depth < sums[kept - 1].depth)
                sums[kept - 1].depth = sums[i].depth;
        } else {
            sums[kept++] = sums[i];
        }
    }
    json_begin_array(j, NULL);
    for (size_t i = 0; i < kept; i++) {
        json_begin_object(j, NULL);
        json_put_amount(j, "amount", sums[i].amount);
        json_put_int(j, "confirmations", sums[i].depth == INT32_MAX ? 0 : sums[i].depth);
        json_put_str(j, "label", sums[i].label);
        json_end(j);
    }
    json_end(j);
    free(sums);
    tallies_clear(&t);
    return rpc_ok(call);
}

#define COMMON                                                                     \
    {"minconf", "num", "1", "Count only what has at least so many confirmations"}, \
        {"include_empty", "bool", "false", "List also what was paid nothing"},     \
    {                                                                              \
        "include_watchonly", "bool", "false", "No longer of use"                   \
    }
#define IMMATURE                                                                     \
    {                                                                                \
        "include_immature_coinbase", "bool", "false", "Count immature coinbases too" \
    }

const struct rpc_method rpc_wallet_received_methods[] = {
    {"listreceivedbyaddress", listreceivedbyaddress, "What each address was paid.",
     RPC_PARAMS(COMMON, {"address_filter", "str", NULL, "Only this address"}, IMMATURE),
     "[{address:str, amount:amount, confirmations:num, label:str, txids:[hex]}]"},
    {"listreceivedbylabel", listreceivedbylabel, "What the addresses of each label were paid.",
     RPC_PARAMS(COMMON, IMMATURE), "[{amount:amount, confirmations:num, label:str}]"},
    {0},
};
