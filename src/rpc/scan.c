/*
 * scantxoutset: all coins whose scripts some descriptors describe.
 *
 * Descriptors are expanded first, into a table of scripts by their hash; then a worker walks over a
 * snapshot of the coins. One scan at a time; the calls that ask for its progress or end it meet it
 * through the two atomic fields.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "rpc/range.h"
#include "script/descriptor.h"
#include "util/mem.h"
#include "util/table.h"
#include "validation/chain.h"

enum { RANGE_END_DEFAULT = 1000 };

struct needle {
    uint8_t hash[32]; /* of the script */
    char *desc;
};

struct hit {
    struct outpoint at;
    struct coin coin; /* script in `scripts` at `script` */
    size_t script;
    const struct needle *needle;
};

struct scan {
    struct rpc_call *call;
    struct table needles;
    struct hit *hits;
    size_t n_hits, cap_hits;
    struct buf scripts;
    atomic_int progress; /* percent */
    atomic_bool abort;
};

static struct scan *running;

static void scan_free(struct scan *s)
{
    size_t pos = 0;
    struct needle *n;
    while ((n = table_next(&s->needles, &pos)) != NULL) {
        free(n->desc);
        free(n);
    }
    table_clear(&s->needles);
    buf_clear(&s->scripts);
    free(s->hits);
    free(s);
}

/* ---- what is looked for ---- */

static bool get_range(struct rpc_call *call, struct json_object *v, int64_t *begin, int64_t *end)
{
    *begin = 0;
    *end = RANGE_END_DEFAULT;
    return v == NULL || rpc_get_range(call, v, begin, end);
}

static void add_needle(struct scan *s, const struct expansion *e, struct span script)
{
    struct needle *n = xcalloc(1, sizeof(*n));
    sha256(n->hash, script.data, script.len);
    if (table_add(&s->needles, n) == NULL)
        n->desc = descriptor_infer(&rpc_ctx(s->call)->net->address, script, e);
    else
        free(n);
}

static bool add_expansions(struct scan *s, const struct descriptor *d, const char *text,
                           int64_t begin, int64_t end)
{
    bool ok = true;
    for (int64_t i = begin; i <= end && ok; i++) {
        struct expansion e;
        ok = descriptor_expand(d, (uint32_t)i, false, &e);
        for (size_t k = 0; k < e.n_scripts && ok; k++)
            add_needle(s, &e, buf_span(&e.scripts[k]));
        expansion_clear(&e);
    }
    return ok || rpc_set_error(s->call, RPC_INVALID_ADDRESS_OR_KEY,
                               "Cannot derive script without private keys: '%s'", text);
}

static bool add_descriptor(struct scan *s, const char *text, struct json_object *range)
{
    struct descriptor **d;
    char *error = NULL;
    size_t n;
    int64_t begin, end;
    if (!get_range(s->call, range, &begin, &end))
        return false;
    if (!descriptor_parse(&rpc_ctx(s->call)->net->address, text, false, &d, &n, &error)) {
        rpc_set_error(s->call, RPC_INVALID_ADDRESS_OR_KEY, "%s", error);
        free(error);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        bool ranged = descriptor_is_range(d[i]);
        ok = add_expansions(s, d[i], text, ranged ? begin : 0, ranged ? end : 0);
    }
    descriptors_free(d, n);
    return ok;
}

static bool add_object(struct scan *s, struct json_object *v)
{
    if (json_object_is_type(v, json_type_string))
        return add_descriptor(s, json_object_get_string(v), NULL);
    if (!json_object_is_type(v, json_type_object))
        return rpc_set_error(s->call, RPC_INVALID_PARAMETER,
                             "Scan object needs to be either a string or an object");
    struct json_object *desc = json_get(v, "desc");
    if (desc == NULL)
        return rpc_set_error(s->call, RPC_INVALID_PARAMETER,
                             "Descriptor needs to be provided in scan object");
    return rpc_check_type(s->call, desc, "str") &&
           add_descriptor(s, json_object_get_string(desc), json_get(v, "range"));
}

/* ---- the scan ---- */

/* On a worker. */
static bool visit(void *arg, const struct outpoint *o, const struct coin *coin)
{
    struct scan *s = arg;
    uint8_t hash[32];
    struct span script = coin->out.script_pubkey;
    if (atomic_load(&s->abort))
        return false;
    atomic_store(&s->progress, o->txid.b[0] * 100 / 256);
    sha256(hash, script.data, script.len);
    const struct needle *n = table_get(&s->needles, hash);
    if (n == NULL)
        return true;
    s->hits = array_reserve(s->hits, &s->cap_hits, s->n_hits + 1, sizeof(*s->hits));
    s->hits[s->n_hits++] = (struct hit){*o, *coin, s->scripts.len, n};
    write_span(&s->scripts, script);
    return true;
}

static void put_hit(struct json *j, const struct scan *s, const struct hit *h,
                    const struct block_index *at)
{
    const struct block_index *block = index_ancestor(at, (int32_t)h->coin.height);
    json_begin_object(j, NULL);
    json_put_hash(j, "txid", h->at.txid.b);
    json_put_uint(j, "vout", h->at.n);
    json_put_hex(j, "scriptPubKey", s->scripts.data + h->script, h->coin.out.script_pubkey.len);
    json_put_str(j, "desc", h->needle->desc);
    json_put_amount(j, "amount", h->coin.out.value);
    json_put_bool(j, "coinbase", h->coin.coinbase);
    json_put_uint(j, "height", h->coin.height);
    if (block)
        json_put_hash(j, "blockhash", block->h.hash.b);
    json_put_int(j, "confirmations", at->h.height - (int64_t)h->coin.height + 1);
    json_end(j);
}

static void scan_done(void *arg, const struct coins_stats *stats)
{
    struct scan *s = arg;
    struct json *j = rpc_result(s->call);
    int64_t total = 0;
    running = NULL;
    if (!stats->ok) {
        rpc_error(s->call, RPC_INTERNAL_ERROR, "Unable to read UTXO set");
        scan_free(s);
        return;
    }
    json_begin_object(j, NULL);
    json_put_bool(j, "success", !atomic_load(&s->abort));
    json_put_uint(j, "txouts", stats->txouts);
    json_put_int(j, "height", stats->at->h.height);
    json_put_hash(j, "bestblock", stats->at->h.hash.b);
    json_begin_array(j, "unspents");
    for (size_t i = 0; i < s->n_hits; i++) {
        put_hit(j, s, &s->hits[i], stats->at);
        total += s->hits[i].coin.out.value;
    }
    json_end(j);
    json_put_amount(j, "total_amount", total);
    json_end(j);
    rpc_ok(s->call);
    scan_free(s);
}

static void cancel(struct rpc_call *call, void *arg)
{
    (void)call;
    atomic_store(&((struct scan *)arg)->abort, true);
}

static struct rpc_answer *start(struct rpc_call *call)
{
    struct json_object *list = rpc_arg(call, "scanobjects");
    if (running)
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Scan already in progress, use action \"abort\" or \"status\"");
    if (list == NULL)
        return rpc_error(call, RPC_MISC_ERROR,
                         "scanobjects argument is required for the start action");
    struct scan *s = xcalloc(1, sizeof(*s));
    s->call = call;
    TABLE_INIT(&s->needles, struct needle, hash);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        if (!add_object(s, json_object_array_get_idx(list, i))) {
            scan_free(s);
            return rpc_fail(call);
        }
    }
    running = s;
    struct rpc_answer *later = rpc_later(call, cancel, s);
    chain_coins_scan(rpc_ctx(call)->chain, visit, scan_done, s);
    return later;
}

static struct rpc_answer *scantxoutset(struct rpc_call *call)
{
    const char *action = rpc_arg_str(call, "action");
    if (strcmp(action, "start") == 0)
        return start(call);
    if (strcmp(action, "abort") == 0) {
        if (running)
            atomic_store(&running->abort, true);
        json_put_bool(rpc_result(call), NULL, running != NULL);
        return rpc_ok(call);
    }
    if (strcmp(action, "status") != 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Invalid action '%s'", action);
    if (running == NULL)
        return rpc_ok_null(call);
    json_begin_object(rpc_result(call), NULL);
    json_put_int(rpc_result(call), "progress", atomic_load(&running->progress));
    json_end(rpc_result(call));
    return rpc_ok(call);
}

const struct rpc_method rpc_scan_methods[] = {
    {"scantxoutset", scantxoutset,
     "Looks through all coins for those that output descriptors describe.",
     RPC_PARAMS({"action", "str", RPC_REQUIRED,
                 "\"start\" (answers when the scan has ended), \"abort\" or \"status\""},
                {"scanobjects", "[any]", NULL,
                 "Descriptors, or objects {\"desc\": descriptor, \"range\": end or [begin,end]}",
                 "[scanobjects,...]"}),
     "{success:bool, txouts:num, height:num, bestblock:hex, unspents:[{txid:hex, vout:num, "
     "scriptPubKey:hex, desc:str, amount:amount, coinbase:bool, height:num, blockhash:hex, "
     "confirmations:num}], total_amount:amount} | bool | {progress:num} | null"},
    {0},
};
