/* Methods that offer transactions to the mempool. */
#include <stdlib.h>

#include "mempool/mempool.h"
#include "net/net.h"
#include "rpc/rpc.h"
#include "rpc/tx_json.h"
#include "script/script.h"
#include "util/mem.h"

#define MAX_FEERATE_DEFAULT (COIN / 10) /* 0.10 a kvB */

/* A feerate argument in the unit a kvB; false with the error noted. */
static bool arg_max_feerate(struct rpc_call *call, int64_t *rate)
{
    *rate = MAX_FEERATE_DEFAULT;
    if (!rpc_arg_given(call, "maxfeerate"))
        return true;
    if (!rpc_arg_amount(call, "maxfeerate", rate))
        return false;
    if (*rate >= COIN)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Fee rates larger than or equal to 1BTC/kvB are not accepted");
    return true;
}

/* ---- sendrawtransaction ---- */

static bool burns_too_much(const struct tx *tx, int64_t max_burn)
{
    for (uint32_t i = 0; i < tx->n_out; i++) {
        struct span script = tx->out[i].script_pubkey;
        if (tx->out[i].value > max_burn &&
            (script_unspendable(script) || !script_has_valid_ops(script)))
            return true;
    }
    return false;
}

/* Whether the transaction is in a block already: one of its outputs is a coin. */
static bool is_confirmed(struct rpc_call *call, const struct tx *tx)
{
    struct buf memory = BUF_INIT;
    bool found = false;
    for (uint32_t i = 0; i < tx->n_out && !found; i++) {
        struct outpoint o = {tx->txid, i};
        struct coin coin;
        enum coin_result r = chain_coin(rpc_ctx(call)->chain, &o, &coin, &memory);
        found = r == COIN_FOUND;
        if (r == COIN_ERROR)
            rpc_set_error(call, RPC_DATABASE_ERROR, "Reading a coin failed");
    }
    buf_clear(&memory);
    return found;
}

static bool reject(struct rpc_call *call, const struct verdict *v)
{
    char text[600];
    enum rpc_code code = RPC_VERIFY_REJECTED;
    if (v->kind == VERDICT_MISSING_INPUTS || v->kind == VERDICT_ERROR)
        code = RPC_VERIFY_ERROR;
    return rpc_set_error(call, code, "%s", verdict_text(v, text, sizeof(text)));
}

static bool offer(struct rpc_call *call, const struct tx *tx, int64_t max_fee)
{
    struct mempool *m = rpc_ctx(call)->mempool;
    struct accept_result r;
    bool ok = true;
    /* Tried out first only where the fee may be refused. */
    if (max_fee > 0) {
        ok = mempool_accept(m, tx, MEMPOOL_TEST, &r);
        if (!ok)
            reject(call, &r.verdict);
        else if (r.fee > max_fee)
            ok = rpc_set_error(
                call, RPC_VERIFY_ERROR,
                "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
        accept_result_clear(&r);
    }
    if (!ok)
        return false;
    ok = mempool_accept(m, tx, 0, &r) || reject(call, &r.verdict);
    accept_result_clear(&r);
    return ok;
}

static bool send_tx(struct rpc_call *call, const struct tx *tx, int64_t max_fee)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    chain_drain(ctx->chain);
    const struct mempool_entry *known = mempool_get(ctx->mempool, &tx->txid);
    struct wtxid wtxid = known ? known->tx->wtxid : tx->wtxid;
    if (known == NULL) {
        if (is_confirmed(call, tx) || rpc_failed(call))
            return rpc_set_error(call, RPC_VERIFY_ALREADY_IN_UTXO_SET,
                                 "Transaction outputs already in utxo set");
        if (!offer(call, tx, max_fee))
            return false;
        mempool_set_unbroadcast(ctx->mempool, &tx->txid, true);
    }
    if (ctx->p2p)
        net_broadcast_tx(ctx->p2p, &tx->txid, &wtxid);
    return true;
}

static struct rpc_answer *sendrawtransaction(struct rpc_call *call)
{
    int64_t max_rate, max_burn = 0;
    bool burn_given = rpc_arg_given(call, "maxburnamount");
    if ((burn_given && !rpc_arg_amount(call, "maxburnamount", &max_burn)) || rpc_failed(call))
        return rpc_fail(call);
    struct tx *tx = rpc_arg_tx(call, "hexstring");
    if (tx == NULL)
        return rpc_fail(call);
    if (burns_too_much(tx, max_burn))
        rpc_set_error(call, RPC_VERIFY_ERROR,
                      "Unspendable output exceeds maximum configured by user (maxburnamount)");
    else if (arg_max_feerate(call, &max_rate) &&
             send_tx(call, tx, feerate_fee(max_rate, tx_vsize(tx))))
        json_put_hash(rpc_result(call), NULL, tx->txid.b);
    tx_unref(tx);
    return rpc_failed(call) ? rpc_fail(call) : rpc_ok(call);
}

/* ---- lists of transactions ---- */

struct tx_list {
    const struct tx *tx[PACKAGE_MAX];
    size_t n;
};

static void tx_list_clear(struct tx_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        tx_unref(l->tx[i]);
}

static struct tx *parse_member(struct rpc_call *call, struct json_object *v)
{
    if (!rpc_check_type(call, v, "str"))
        return NULL;
    const char *hex = json_object_get_string(v);
    struct tx *tx = tx_parse_hex(hex, true, true);
    if (tx == NULL)
        rpc_set_error(call, RPC_DESERIALIZATION_ERROR,
                      "TX decode failed: %s Make sure the tx has at least one input.", hex);
    return tx;
}

/* Clear the list in any case. */
static bool arg_txs(struct rpc_call *call, const char *name, struct tx_list *l)
{
    struct json_object *list = rpc_arg(call, name);
    size_t n = json_object_array_length(list);
    l->n = 0;
    if (n < 1 || n > PACKAGE_MAX)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Array must contain between 1 and %d transactions.", PACKAGE_MAX);
    for (size_t i = 0; i < n; i++) {
        struct tx *tx = parse_member(call, json_object_array_get_idx(list, i));
        if (tx == NULL)
            return false;
        l->tx[l->n++] = tx;
    }
    return true;
}

static void put_sizes(struct json *j, const struct tx *tx, int32_t vsize)
{
    json_put_int(j, "vsize_adjusted", vsize);
    json_put_int(j, "vsize", vsize);
    json_put_uint(j, "vsize_bip141", tx_vsize(tx));
}

static void put_fees(struct json *j, const struct tx_list *l, const struct package_member *p)
{
    json_begin_object(j, "fees");
    json_put_amount(j, "base", p->r.fee);
    if (p->state == MEMBER_ACCEPTED) {
        json_put_amount(j, "effective-feerate", p->effective_feerate);
        json_begin_array(j, "effective-includes");
        for (size_t i = 0; i < l->n; i++) {
            if (p->fee_members >> i & 1)
                json_put_hash(j, NULL, l->tx[i]->wtxid.b);
        }
        json_end(j);
    }
    json_end(j);
}

/* ---- testmempoolaccept ---- */

static void put_refused(struct json *j, const struct verdict *v)
{
    char text[600];
    json_put_bool(j, "allowed", false);
    if (v->kind == VERDICT_MISSING_INPUTS) {
        json_put_str(j, "reject-reason", "missing-inputs");
        return;
    }
    json_put_str(j, "reject-reason", v->reason);
    json_put_str(j, "reject-details", verdict_text(v, text, sizeof(text)));
}

/* False where the fee is too high: what comes behind is then not told either. */
static bool put_tested(struct json *j, const struct tx_list *l, size_t i,
                       const struct package_member *p, int64_t max_rate)
{
    int64_t max_fee = feerate_fee(max_rate, p->r.vsize);
    if (p->state == MEMBER_REFUSED) {
        put_refused(j, &p->r.verdict);
    } else if (max_fee > 0 && p->r.fee > max_fee) {
        json_put_bool(j, "allowed", false);
        json_put_str(j, "reject-reason", "max-fee-exceeded");
        return false;
    } else {
        json_put_bool(j, "allowed", true);
        put_sizes(j, l->tx[i], p->r.vsize);
        put_fees(j, l, p);
    }
    return true;
}

/* One by itself has the rules of one by itself: it may replace others. */
static void test_list(struct mempool *m, const struct tx_list *l, struct package_result *r)
{
    if (l->n > 1) {
        mempool_accept_package(m, l->tx, l->n, true, 0, r);
        return;
    }
    *r = (struct package_result){.n = 1};
    struct package_member *p = &r->member[0];
    p->state = mempool_accept(m, l->tx[0], MEMPOOL_TEST, &p->r) ? MEMBER_ACCEPTED : MEMBER_REFUSED;
    p->fee_members = 1;
    p->effective_feerate = p->r.vsize ? feerate_of(p->r.modified_fee, p->r.vsize) : 0;
}

static struct rpc_answer *testmempoolaccept(struct rpc_call *call)
{
    struct json *j = rpc_result(call);
    struct tx_list l;
    struct package_result r;
    int64_t max_rate;
    char text[600];
    bool go_on = true;
    if (!arg_txs(call, "rawtxs", &l) || !arg_max_feerate(call, &max_rate)) {
        tx_list_clear(&l);
        return rpc_fail(call);
    }
    test_list(rpc_ctx(call)->mempool, &l, &r);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < l.n; i++) {
        json_begin_object(j, NULL);
        json_put_hash(j, "txid", l.tx[i]->txid.b);
        json_put_hash(j, "wtxid", l.tx[i]->wtxid.b);
        if (r.of_package)
            json_put_str(j, "package-error", verdict_text(&r.verdict, text, sizeof(text)));
        if (go_on && r.member[i].state != MEMBER_NOT_VALIDATED)
            go_on = put_tested(j, &l, i, &r.member[i], max_rate);
        json_end(j);
    }
    json_end(j);
    package_result_clear(&r);
    tx_list_clear(&l);
    return rpc_ok(call);
}

/* ---- submitpackage ---- */

static void put_submitted(struct json *j, const struct tx_list *l, size_t i,
                          const struct package_member *p)
{
    char hex[HASH_HEX_SIZE], text[600];
    json_begin_object(j, hash_to_hex(hex, l->tx[i]->wtxid.b));
    json_put_hash(j, "txid", l->tx[i]->txid.b);
    switch (p->state) {
    case MEMBER_NOT_VALIDATED: json_put_str(j, "error", "package-not-validated"); break;
    case MEMBER_OTHER_WITNESS: json_put_hash(j, "other-wtxid", p->other.b); break;
    case MEMBER_REFUSED:
        json_put_str(j, "error", verdict_text(&p->r.verdict, text, sizeof(text)));
        break;
    case MEMBER_ACCEPTED:
    case MEMBER_KNOWN:
        put_sizes(j, l->tx[i], p->r.vsize);
        put_fees(j, l, p);
        break;
    }
    json_end(j);
}

static void put_package(struct json *j, const struct tx_list *l, const struct package_result *r)
{
    char text[600];
    json_begin_object(j, NULL);
    json_put_str(j, "package_msg",
                 r->verdict.kind == VERDICT_VALID ? "success"
                                                  : verdict_text(&r->verdict, text, sizeof(text)));
    json_begin_object(j, "tx-results");
    for (size_t i = 0; i < l->n; i++)
        put_submitted(j, l, i, &r->member[i]);
    json_end(j);
    json_begin_array(j, "replaced-transactions");
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; k < r->member[i].r.n_replaced; k++)
            json_put_hash(j, NULL, r->member[i].r.replaced[k].b);
    }
    json_end(j);
    json_end(j);
}

/* To peers goes whatever is in the pool now. */
static void broadcast_list(const struct rpc_context *ctx, const struct tx_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct mempool_entry *e = mempool_get(ctx->mempool, &l->tx[i]->txid);
        if (e == NULL)
            continue;
        mempool_set_unbroadcast(ctx->mempool, &e->txid, true);
        if (ctx->p2p)
            net_broadcast_tx(ctx->p2p, &e->txid, &e->tx->wtxid);
    }
}

static bool check_list(struct rpc_call *call, const struct tx_list *l, int64_t max_burn)
{
    for (size_t i = 0; i < l->n; i++) {
        if (burns_too_much(l->tx[i], max_burn))
            return rpc_set_error(
                call, RPC_VERIFY_ERROR,
                "Unspendable output exceeds maximum configured by user (maxburnamount)");
    }
    return l->n == 1 || package_is_tree(l->tx, l->n) ||
           rpc_set_error(call, RPC_VERIFY_ERROR,
                         "package topology disallowed. not child-with-parents or parents depend on "
                         "each other.");
}

static struct rpc_answer *submitpackage(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    struct tx_list l = {.n = 0};
    struct package_result r;
    int64_t max_rate, max_burn = 0;
    rpc_arg_amount(call, "maxburnamount", &max_burn);
    if (rpc_failed(call) || !arg_max_feerate(call, &max_rate) || !arg_txs(call, "package", &l) ||
        !check_list(call, &l, max_burn)) {
        tx_list_clear(&l);
        return rpc_fail(call);
    }
    mempool_accept_package(ctx->mempool, l.tx, l.n, false, max_rate, &r);
    broadcast_list(ctx, &l);
    put_package(rpc_result(call), &l, &r);
    package_result_clear(&r);
    tx_list_clear(&l);
    return rpc_ok(call);
}

#define MAX_FEERATE_PARAM                                                                  \
    {                                                                                      \
        "maxfeerate", "amount", "0.10",                                                    \
            "Transactions that pay more a kvB are refused; 0: any, 1 and above: an error", \
    }

const struct rpc_method rpc_mempool_submit_methods[] = {
    {"sendrawtransaction", sendrawtransaction,
     "Puts a transaction into the mempool and gives it to peers.",
     RPC_PARAMS({"hexstring", "hex", RPC_REQUIRED, "The transaction"}, MAX_FEERATE_PARAM,
                {"maxburnamount", "amount", "0.00",
                 "Transactions that put more into an unspendable output are refused"}),
     "hex"},
    {"submitpackage", submitpackage,
     "Puts a child and its unconfirmed parents into the mempool, judged together where the parents "
     "pay too little alone, and gives them to peers.",
     RPC_PARAMS({"package", "[hex]", RPC_REQUIRED, "The transactions, parents first, child last",
                 .usage = "[\"rawtx\",...]"},
                MAX_FEERATE_PARAM,
                {"maxburnamount", "amount", "0.00",
                 "Transactions that put more into an unspendable output are refused"}),
     "{package_msg:str, tx-results:{<wtxid>:{txid:hex, other-wtxid?:hex, vsize_adjusted?:num, "
     "vsize?:num, vsize_bip141?:num, fees?:{base:amount, effective-feerate?:amount, "
     "effective-includes?:[hex]}, error?:str}}, replaced-transactions?:[hex]}"},
    {"testmempoolaccept", testmempoolaccept,
     "Whether the mempool would take transactions, and what they would cost.",
     RPC_PARAMS({"rawtxs", "[hex]", RPC_REQUIRED,
                 "The transactions; several are judged as a package, parents before children",
                 .usage = "[\"rawtx\",...]"},
                MAX_FEERATE_PARAM),
     "[{txid:hex, wtxid:hex, package-error?:str, allowed?:bool, vsize_adjusted?:num, vsize?:num, "
     "vsize_bip141?:num, fees?:{base:amount, effective-feerate:amount, effective-includes:[hex]}, "
     "reject-reason?:str, reject-details?:str}]"},
    {0},
};
