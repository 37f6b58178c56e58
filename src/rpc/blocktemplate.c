/*
 * getblocktemplate: BIP22 and BIP23 with the fields of BIP9 and BIP145.
 *
 * The template is kept between calls: it is made anew when the tip has changed, and otherwise at
 * most every few seconds where the mempool has changed.
 *
 * A long poll waits for another tip, or, after a minute, for a change of the mempool. The chain's
 * event only sets off the timers of those who wait: answers are given from the loop, since nothing
 * may be asked of the chain from inside its work.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "mining/mining.h"
#include "net/net.h"
#include "rpc/mining.h"
#include "util/mem.h"
#include "util/table.h"
#include "util/time.h"

enum { REFRESH_SECONDS = 5, POLL_FIRST_SECONDS = 60, POLL_NEXT_SECONDS = 10 };

static struct {
    struct block_template *template;
    uint64_t mempool_version;
    int64_t time;
} kept;

/* ---- proposals ---- */

static struct rpc_answer *judge(struct rpc_call *call, const struct block *b)
{
    struct chain *chain = rpc_ctx(call)->chain;
    const struct block_index *known = chain_find(chain, &b->hash);
    struct verdict v = {0};
    if (known == NULL) {
        chain_test_block(chain, b, false, true, &v);
        return rpc_answer_bip22(call, &v);
    }
    const char *what = "duplicate-inconclusive";
    if (known->status & (BLOCK_FAILED | BLOCK_FAILED_CHILD))
        what = "duplicate-invalid";
    else if ((known->status & BLOCK_VALID_MASK) >= BLOCK_VALID_SCRIPTS)
        what = "duplicate";
    json_put_str(rpc_result(call), NULL, what);
    return rpc_ok(call);
}

static struct rpc_answer *proposal(struct rpc_call *call, struct json_object *request)
{
    struct json_object *data = json_get(request, "data");
    if (!json_object_is_type(data, json_type_string))
        return rpc_error(call, RPC_TYPE_ERROR, "Missing data String key for proposal");
    struct block *b = rpc_parse_block(json_object_get_string(data));
    if (b == NULL)
        return rpc_error(call, RPC_DESERIALIZATION_ERROR, "Block decode failed");
    struct rpc_answer *a = judge(call, b);
    block_unref(b);
    return a;
}

/* ---- the template ---- */

static void refresh(const struct rpc_context *ctx)
{
    chain_drain(ctx->chain);
    const struct block_hash *tip = &chain_tip(ctx->chain)->h.hash;
    uint64_t version = mempool_version(ctx->mempool);
    int64_t now = time_now();
    if (kept.template && block_hash_eq(&kept.template->header.prev, tip) &&
        (kept.mempool_version == version || now - kept.time <= REFRESH_SECONDS)) {
        template_update_time(kept.template, ctx->chain);
        return;
    }
    template_destroy(kept.template);
    kept.template = template_create(ctx->chain, ctx->mempool, ctx->tmpl, span_of("\x51", 1));
    kept.mempool_version = version;
    kept.time = now;
}

struct position {
    struct txid txid;
    int64_t index;
};

static void put_tx(struct json *j, const struct block_template *t, size_t i,
                   const struct table *positions, bool segwit)
{
    const struct tx *tx = t->selected.txs[i];
    json_begin_object(j, NULL);
    json_put_hex(j, "data", tx->raw.data, tx->raw.len);
    json_put_hash(j, "txid", tx->txid.b);
    json_put_hash(j, "hash", tx->wtxid.b);
    json_begin_array(j, "depends");
    for (uint32_t k = 0; k < tx->n_in; k++) {
        const struct position *p = table_get(positions, &tx->in[k].prev.txid);
        if (p)
            json_put_int(j, NULL, p->index);
    }
    json_end(j);
    json_put_int(j, "fee", t->selected.fees[i]);
    json_put_int(j, "sigops", t->selected.sigops_cost[i] / (segwit ? 1 : WITNESS_SCALE));
    json_put_uint(j, "weight", tx_weight(tx));
    json_end(j);
}

/* Transactions with the numbers, from 1, of those before that they spend. */
static void put_txs(struct json *j, const struct block_template *t, bool segwit)
{
    size_t n = t->selected.n;
    struct position *p = xcalloc(n + 1, sizeof(*p));
    struct table positions;
    TABLE_INIT(&positions, struct position, txid);
    json_begin_array(j, "transactions");
    for (size_t i = 0; i < n; i++) {
        put_tx(j, t, i, &positions, segwit);
        p[i] = (struct position){t->selected.txs[i]->txid, (int64_t)i + 1};
        table_add(&positions, &p[i]);
    }
    json_end(j);
    table_clear(&positions);
    free(p);
}

static void put_strings(struct json *j, const char *key, const char *const *s)
{
    json_begin_array(j, key);
    for (; *s; s++)
        json_put_str(j, NULL, *s);
    json_end(j);
}

static void put_rules(struct json *j, const struct network *net, const struct hnode *prev,
                      bool segwit)
{
    json_begin_array(j, "rules");
    json_put_str(j, NULL, "csv");
    if (segwit) {
        json_put_str(j, NULL, "!segwit");
        json_put_str(j, NULL, "taproot");
    }
    if (net->signet_challenge.len > 0)
        json_put_str(j, NULL, "!signet");
    for (int i = 0; i < DEPLOYMENT_COUNT; i++) {
        if (deployment_state(net, (enum deployment_id)i, prev) == DEPLOYMENT_ACTIVE)
            json_put_str(j, NULL, net->deployments[i].name);
    }
    json_end(j);
    json_begin_object(j, "vbavailable");
    for (int i = 0; i < DEPLOYMENT_COUNT; i++) {
        enum deployment_state s = deployment_state(net, (enum deployment_id)i, prev);
        if (s == DEPLOYMENT_STARTED || s == DEPLOYMENT_LOCKED_IN)
            json_put_int(j, net->deployments[i].name, net->deployments[i].bit);
    }
    json_end(j);
}

static void put_limits(struct json *j, bool segwit)
{
    int scale = segwit ? 1 : WITNESS_SCALE;
    json_put_int(j, "sigoplimit", MAX_BLOCK_SIGOPS_COST / scale);
    json_put_int(j, "sizelimit", MAX_BLOCK_SERIALIZED / scale);
    if (segwit)
        json_put_int(j, "weightlimit", MAX_BLOCK_WEIGHT);
}

static void put_target(struct json *j, const struct network *net, uint32_t bits)
{
    struct u256 target = {{0}};
    char hex[65];
    bits_to_target(bits, &net->pow_limit, &target);
    json_put_str(j, "target", u256_to_hex(hex, target));
}

static void put_coinbase(struct json *j, const struct block_template *t, uint64_t mempool_version)
{
    char hex[HASH_HEX_SIZE];
    json_begin_object(j, "coinbaseaux");
    json_end(j);
    json_put_int(j, "coinbasevalue", t->subsidy_and_fees);
    json_put_strf(j, "longpollid", "%s%llu", hash_to_hex(hex, t->header.prev.b),
                  (unsigned long long)mempool_version);
}

static void put_template(struct json *j, const struct rpc_context *ctx,
                         const struct block_template *t)
{
    static const char *const capabilities[] = {"proposal", NULL};
    static const char *const mutable[] = {"time", "transactions", "prevblock", NULL};
    const struct hnode *prev = &chain_find(ctx->chain, &t->header.prev)->h;
    bool segwit = t->has_commitment;
    json_begin_object(j, NULL);
    put_strings(j, "capabilities", capabilities);
    json_put_int(j, "version", t->header.version);
    put_rules(j, ctx->net, prev, segwit);
    json_put_int(j, "vbrequired", 0);
    json_put_hash(j, "previousblockhash", t->header.prev.b);
    put_txs(j, t, segwit);
    put_coinbase(j, t, kept.mempool_version);
    put_target(j, ctx->net, t->header.bits);
    json_put_int(j, "mintime", t->min_time);
    put_strings(j, "mutable", mutable);
    json_put_str(j, "noncerange", "00000000ffffffff");
    put_limits(j, segwit);
    json_put_uint(j, "curtime", t->header.time);
    json_put_strf(j, "bits", "%08x", t->header.bits);
    json_put_int(j, "height", t->height);
    if (ctx->net->signet_challenge.len > 0)
        json_put_hex(j, "signet_challenge", ctx->net->signet_challenge.data,
                     ctx->net->signet_challenge.len);
    if (t->has_commitment) {
        struct span script = t->coinbase->out[1].script_pubkey;
        json_put_hex(j, "default_witness_commitment", script.data, script.len);
    }
    json_end(j);
}

static bool has_rule(struct json_object *request, const char *rule)
{
    struct json_object *rules = json_get(request, "rules");
    if (!json_object_is_type(rules, json_type_array))
        return false;
    for (size_t i = 0; i < json_object_array_length(rules); i++) {
        const char *s = json_object_get_string(json_object_array_get_idx(rules, i));
        if (s && strcmp(s, rule) == 0)
            return true;
    }
    return false;
}

/* A node of a network with value that is alone or behind must not give out work. */
static bool ready_to_mine(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    if (ctx->net->is_test_chain)
        return true;
    if (ctx->p2p == NULL || net_peer_count(ctx->p2p, true, true) == 0)
        return rpc_set_error(call, RPC_CLIENT_NOT_CONNECTED, "mite is not connected!");
    if (chain_is_ibd(ctx->chain))
        return rpc_set_error(call, RPC_CLIENT_IN_INITIAL_DOWNLOAD,
                             "mite is in initial sync and waiting for blocks...");
    return true;
}

static struct rpc_answer *answer_template(struct rpc_call *call)
{
    struct json_object *request = rpc_arg(call, "template_request");
    const struct rpc_context *ctx = rpc_ctx(call);
    if (ctx->net->signet_challenge.len > 0 && !has_rule(request, "signet"))
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "getblocktemplate must be called with the signet rule set (call with "
                         "{\"rules\": [\"segwit\", \"signet\"]})");
    if (!has_rule(request, "segwit"))
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "getblocktemplate must be called with the segwit rule set (call with "
                         "{\"rules\": [\"segwit\"]})");
    refresh(ctx);
    put_template(rpc_result(call), ctx, kept.template);
    return rpc_ok(call);
}

/* ---- long polls ---- */

struct poll {
    struct rpc_call *call;
    struct block_hash tip;    /* that the caller knows */
    uint64_t mempool_version; /* likewise */
    int64_t mempool_from_us;  /* when the mempool begins to count */
    struct event *timer;
    struct poll *next, **link;
};
static struct poll *polls;
static const struct chain *watched;

static void poll_end(struct poll *p)
{
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    event_free(p->timer);
    free(p);
}

static void poll_cancelled(struct rpc_call *call, void *arg)
{
    poll_end(arg);
    rpc_error(call, RPC_CLIENT_NOT_CONNECTED, "Shutting down");
}

static void poll_wait(struct poll *p, int seconds)
{
    struct timeval tv = {seconds, 0};
    evtimer_add(p->timer, &tv);
}

static void poll_look(evutil_socket_t fd, short what, void *arg)
{
    struct poll *p = arg;
    struct rpc_call *call = p->call;
    const struct rpc_context *ctx = rpc_ctx(call);
    (void)fd, (void)what;
    bool other_tip = !block_hash_eq(&chain_tip(ctx->chain)->h.hash, &p->tip);
    bool mempool_counts = time_mono_us() >= p->mempool_from_us;
    if (other_tip || (mempool_counts && mempool_version(ctx->mempool) != p->mempool_version)) {
        poll_end(p);
        answer_template(call);
        return;
    }
    poll_wait(p, mempool_counts ? POLL_NEXT_SECONDS : POLL_FIRST_SECONDS);
}

static void on_tip(void *arg, const struct block_index *tip, const struct block_index *fork,
                   bool ibd)
{
    (void)arg, (void)tip, (void)fork, (void)ibd;
    for (struct poll *p = polls; p; p = p->next)
        event_active(p->timer, EV_TIMEOUT, 0);
}

static struct rpc_answer *start_poll(struct rpc_call *call, const struct block_hash *tip,
                                     uint64_t version)
{
    static const struct chain_events events = {.tip_changed = on_tip};
    const struct rpc_context *ctx = rpc_ctx(call);
    if (watched != ctx->chain)
        chain_subscribe(ctx->chain, &events, NULL);
    watched = ctx->chain;
    struct poll *p = xcalloc(1, sizeof(*p));
    *p = (struct poll){.call = call,
                       .tip = *tip,
                       .mempool_version = version,
                       .mempool_from_us = time_mono_us() + POLL_FIRST_SECONDS * INT64_C(1000000),
                       .next = polls,
                       .link = &polls};
    p->timer = evtimer_new(ctx->base, poll_look, p);
    if (polls)
        polls->link = &p->next;
    polls = p;
    poll_wait(p, POLL_FIRST_SECONDS);
    return rpc_later(call, poll_cancelled, p);
}

/* The id is the tip's hash and the mempool's version behind it. Whoever waits for a tip that is not
 * there (any more) is answered at once. */
static struct rpc_answer *long_poll(struct rpc_call *call, struct json_object *id)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    struct block_hash tip = chain_tip(ctx->chain)->h.hash;
    uint64_t version = mempool_version(ctx->mempool);
    if (json_object_is_type(id, json_type_string)) {
        const char *text = json_object_get_string(id);
        char hex[HASH_HEX_SIZE];
        snprintf(hex, sizeof(hex), "%.64s", text);
        struct json_object *hash = json_object_new_string(hex);
        bool ok = rpc_get_hash(call, hash, "longpollid", tip.b);
        json_object_put(hash);
        if (!ok)
            return rpc_fail(call);
        version = strtoull(text + strlen(hex), NULL, 10);
    }
    if (!block_hash_eq(&chain_tip(ctx->chain)->h.hash, &tip))
        return answer_template(call);
    return start_poll(call, &tip, version);
}

struct rpc_answer *rpc_getblocktemplate(struct rpc_call *call)
{
    struct json_object *request = rpc_arg(call, "template_request");
    struct json_object *mode = json_get(request, "mode");
    const char *name = json_object_is_type(mode, json_type_string) ? json_object_get_string(mode)
                       : mode                                      ? ""
                                                                   : "template";
    if (strcmp(name, "proposal") == 0)
        return proposal(call, request);
    if (strcmp(name, "template") != 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Invalid mode");
    if (!ready_to_mine(call))
        return rpc_fail(call);
    struct json_object *id = json_get(request, "longpollid");
    return id ? long_poll(call, id) : answer_template(call);
}
