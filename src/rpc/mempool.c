/* Methods that look at the mempool, and its file. */
#include <stdlib.h>

#include "mempool/mempool.h"
#include "rpc/index.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"

/* ---- one entry ---- */

struct family {
    const struct mempool_entry **e;
    size_t n;
};

static struct family family_of(const struct mempool *m, const struct mempool_entry *e,
                               enum relation kind)
{
    struct family f;
    f.e = mempool_relatives(m, e, kind, &f.n);
    return f;
}

struct family_sum {
    int64_t count, vsize, fee; /* the entry included */
};

static struct family_sum sum_family(const struct mempool *m, const struct mempool_entry *e,
                                    enum relation kind)
{
    struct family_sum s = {1, e->vsize, e->fee + e->fee_delta};
    struct family f = family_of(m, e, kind);
    for (size_t i = 0; i < f.n; i++) {
        s.count++;
        s.vsize += f.e[i]->vsize;
        s.fee += f.e[i]->fee + f.e[i]->fee_delta;
    }
    free(f.e);
    return s;
}

static int by_shown_txid(const void *a, const void *b)
{
    const struct mempool_entry *x = *(const struct mempool_entry *const *)a;
    const struct mempool_entry *y = *(const struct mempool_entry *const *)b;
    for (int i = 31; i >= 0; i--) {
        if (x->txid.b[i] != y->txid.b[i])
            return x->txid.b[i] < y->txid.b[i] ? -1 : 1;
    }
    return 0;
}

static void put_family(struct json *j, const char *key, const struct mempool *m,
                       const struct mempool_entry *e, enum relation kind)
{
    struct family f = family_of(m, e, kind);
    if (f.n > 1)
        qsort(f.e, f.n, sizeof(*f.e), by_shown_txid);
    json_begin_array(j, key);
    for (size_t i = 0; i < f.n; i++)
        json_put_hash(j, NULL, f.e[i]->txid.b);
    json_end(j);
    free(f.e);
}

static void put_fees(struct json *j, const struct mempool_entry *e, int64_t ancestors,
                     int64_t descendants, int64_t chunk)
{
    json_begin_object(j, "fees");
    json_put_amount(j, "base", e->fee);
    json_put_amount(j, "modified", e->fee + e->fee_delta);
    json_put_amount(j, "ancestor", ancestors);
    json_put_amount(j, "descendant", descendants);
    json_put_amount(j, "chunk", chunk);
    json_end(j);
}

/* BIP125: it or an unconfirmed ancestor has an input below the two highest sequence numbers. */
static bool signals_replacement(const struct mempool *m, const struct mempool_entry *e)
{
    struct family f = family_of(m, e, RELATION_ANCESTORS);
    bool found = false;
    for (size_t i = 0; i <= f.n && !found; i++) {
        const struct tx *tx = i < f.n ? f.e[i]->tx : e->tx;
        for (uint32_t k = 0; k < tx->n_in; k++)
            found |= tx->in[k].sequence < SEQUENCE_FINAL - 1;
    }
    free(f.e);
    return found;
}

static void put_entry(struct rpc_call *call, const char *key, const struct mempool_entry *e)
{
    const struct mempool *m = rpc_ctx(call)->mempool;
    struct json *j = rpc_result(call);
    struct family_sum up = sum_family(m, e, RELATION_ANCESTORS);
    struct family_sum down = sum_family(m, e, RELATION_DESCENDANTS);
    struct feefrac chunk = mempool_chunk(m, e);
    json_begin_object(j, key);
    json_put_int(j, "vsize_adjusted", e->vsize);
    json_put_int(j, "vsize", e->vsize);
    json_put_uint(j, "vsize_bip141", tx_vsize(e->tx));
    json_put_int(j, "weight", e->weight);
    json_put_int(j, "time", e->time);
    json_put_int(j, "height", e->height);
    json_put_int(j, "descendantcount", down.count);
    json_put_int(j, "descendantsize", down.vsize);
    json_put_int(j, "ancestorcount", up.count);
    json_put_int(j, "ancestorsize", up.vsize);
    json_put_hash(j, "wtxid", e->tx->wtxid.b);
    json_put_int(j, "chunkweight", chunk.size);
    put_fees(j, e, up.fee, down.fee, chunk.fee);
    put_family(j, "depends", m, e, RELATION_PARENTS);
    put_family(j, "spentby", m, e, RELATION_CHILDREN);
    json_put_bool(j, "unbroadcast", e->unbroadcast);
    if (rpc_deprecated_enabled(call, "bip125"))
        json_put_bool(j, "bip125-replaceable", signals_replacement(m, e));
    json_end(j);
}

/* The entry of the "txid" argument; NULL with the error noted. */
static const struct mempool_entry *arg_entry(struct rpc_call *call)
{
    struct txid txid;
    if (!rpc_arg_hash(call, "txid", txid.b))
        return NULL;
    const struct mempool_entry *e = mempool_get(rpc_ctx(call)->mempool, &txid);
    if (e == NULL)
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Transaction not in mempool");
    return e;
}

static struct rpc_answer *getmempoolentry(struct rpc_call *call)
{
    const struct mempool_entry *e = arg_entry(call);
    if (e == NULL)
        return rpc_fail(call);
    put_entry(call, NULL, e);
    return rpc_ok(call);
}

/* ---- several entries ---- */

static void put_list(struct rpc_call *call, const char *key, const struct mempool_entry *const *e,
                     size_t n, bool verbose)
{
    struct json *j = rpc_result(call);
    char hex[HASH_HEX_SIZE];
    if (!verbose) {
        json_begin_array(j, key);
        for (size_t i = 0; i < n; i++)
            json_put_hash(j, NULL, e[i]->txid.b);
    } else {
        json_begin_object(j, key);
        for (size_t i = 0; i < n; i++)
            put_entry(call, hash_to_hex(hex, e[i]->txid.b), e[i]);
    }
    json_end(j);
}

static struct rpc_answer *getrawmempool(struct rpc_call *call)
{
    const struct mempool *m = rpc_ctx(call)->mempool;
    bool verbose = rpc_arg_bool(call, "verbose", false);
    bool sequence = rpc_arg_bool(call, "mempool_sequence", false);
    size_t n;
    if (rpc_failed(call))
        return rpc_fail(call);
    if (verbose && sequence)
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Verbose results cannot contain mempool sequence values.");
    const struct mempool_entry **all = mempool_sorted(m, &n);
    if (sequence)
        json_begin_object(rpc_result(call), NULL);
    put_list(call, sequence ? "txids" : NULL, all, n, verbose);
    if (sequence) {
        json_put_uint(rpc_result(call), "mempool_sequence", mempool_sequence(m));
        json_end(rpc_result(call));
    }
    free(all);
    return rpc_ok(call);
}

static struct rpc_answer *answer_relatives(struct rpc_call *call, enum relation kind)
{
    const struct mempool_entry *e = arg_entry(call);
    bool verbose = rpc_arg_bool(call, "verbose", false);
    if (rpc_failed(call))
        return rpc_fail(call);
    struct family f = family_of(rpc_ctx(call)->mempool, e, kind);
    put_list(call, NULL, f.e, f.n, verbose);
    free(f.e);
    return rpc_ok(call);
}

static struct rpc_answer *getmempoolancestors(struct rpc_call *call)
{
    return answer_relatives(call, RELATION_ANCESTORS);
}

static struct rpc_answer *getmempooldescendants(struct rpc_call *call)
{
    return answer_relatives(call, RELATION_DESCENDANTS);
}

/* ---- clusters ---- */

static struct rpc_answer *getmempoolcluster(struct rpc_call *call)
{
    const struct mempool_entry *e = arg_entry(call);
    struct json *j = rpc_result(call);
    struct mempool_cluster_info c;
    if (e == NULL)
        return rpc_fail(call);
    mempool_cluster(rpc_ctx(call)->mempool, e, &c);
    json_begin_object(j, NULL);
    json_put_int(j, "clusterweight", c.weight);
    json_put_uint(j, "txcount", c.n);
    json_begin_array(j, "chunks");
    for (size_t i = 0, at = 0; i < c.n_chunks; i++) {
        json_begin_object(j, NULL);
        json_put_amount(j, "chunkfee", c.chunks[i].rate.fee);
        json_put_int(j, "chunkweight", c.chunks[i].rate.size);
        json_begin_array(j, "txs");
        for (unsigned k = 0; k < c.chunks[i].count; k++)
            json_put_hash(j, NULL, c.entries[at++]->txid.b);
        json_end(j);
        json_end(j);
    }
    json_end(j);
    json_end(j);
    free(c.entries);
    free(c.chunks);
    return rpc_ok(call);
}

static struct rpc_answer *getmempoolfeeratediagram(struct rpc_call *call)
{
    struct json *j = rpc_result(call);
    struct feefrac sum = {0, 0};
    size_t n;
    struct feefrac *chunks = mempool_diagram(rpc_ctx(call)->mempool, &n);
    json_begin_array(j, NULL);
    for (size_t i = 0; i <= n; i++) {
        json_begin_object(j, NULL);
        json_put_int(j, "weight", sum.size);
        json_put_amount(j, "fee", sum.fee);
        json_end(j);
        if (i < n)
            sum = feefrac_add(sum, chunks[i]);
    }
    json_end(j);
    free(chunks);
    return rpc_ok(call);
}

/* ---- the whole ---- */

static struct rpc_answer *getmempoolinfo(struct rpc_call *call)
{
    struct mempool *m = rpc_ctx(call)->mempool;
    const struct mempool_options *o = mempool_opts(m);
    struct json *j = rpc_result(call);
    int64_t least = mempool_min_feerate(m);
    json_begin_object(j, NULL);
    json_put_bool(j, "loaded", mempool_loaded(m));
    json_put_uint(j, "size", mempool_count(m));
    json_put_int(j, "bytes", mempool_total_vsize(m));
    json_put_uint(j, "usage", mempool_memory(m));
    json_put_amount(j, "total_fee", mempool_total_fee(m));
    json_put_uint(j, "maxmempool", o->max_bytes);
    json_put_amount(j, "mempoolminfee",
                    least > o->min_relay_feerate ? least : o->min_relay_feerate);
    json_put_amount(j, "minrelaytxfee", o->min_relay_feerate);
    json_put_amount(j, "incrementalrelayfee", o->incremental_feerate);
    json_put_uint(j, "unbroadcastcount", mempool_unbroadcast_count(m));
    json_put_bool(j, "permitbaremultisig", o->permit_bare_multisig);
    json_put_uint(j, "maxdatacarriersize", o->max_datacarrier_bytes);
    json_put_uint(j, "limitclustercount", o->cluster_count_limit);
    json_put_int(j, "limitclustersize", o->cluster_size_limit_vb);
    json_put_bool(j, "optimal", mempool_is_optimal(m));
    if (rpc_deprecated_enabled(call, "fullrbf"))
        json_put_bool(j, "fullrbf", true);
    json_end(j);
    return rpc_ok(call);
}

/* ---- who spends what ---- */

/* Of one member of "outputs"; false with the error noted. */
static bool get_outpoint(struct rpc_call *call, struct json_object *v, struct outpoint *o)
{
    int64_t n = 0;
    if (!rpc_check_type(call, v, "{}") ||
        !rpc_check_object(call, v, "{txid:str, vout:num}", true) ||
        !rpc_get_hash(call, json_get(v, "txid"), "txid", o->txid.b) ||
        !rpc_get_int(call, json_get(v, "vout"), &n))
        return false;
    if (n < 0)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Invalid parameter, vout cannot be negative");
    o->n = (uint32_t)n;
    return true;
}

static void put_spender(struct json *j, const struct outpoint *o, const struct tx *tx,
                        const struct block_index *block, bool with_tx)
{
    json_begin_object(j, NULL);
    json_put_hash(j, "txid", o->txid.b);
    json_put_uint(j, "vout", o->n);
    if (tx) {
        json_put_hash(j, "spendingtxid", tx->txid.b);
        if (with_tx)
            json_put_hex(j, "spendingtx", tx->raw.data, tx->raw.len);
    }
    if (block)
        json_put_hash(j, "blockhash", block->h.hash.b);
    json_end(j);
}

static bool option_bool(struct json_object *options, const char *key, bool def)
{
    struct json_object *v = json_get(options, key);
    return v ? json_object_get_boolean(v) : def;
}

/* From mempool and index. */
static bool find_spender(struct rpc_call *call, const struct outpoint *o, bool mempool_only,
                         bool with_tx)
{
    const struct mempool_entry *e = mempool_spender(rpc_ctx(call)->mempool, o);
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_SPENDER);
    const struct block_index *block = NULL;
    struct tx *tx = NULL;
    char hex[HASH_HEX_SIZE];
    if (e || mempool_only) {
        put_spender(rpc_result(call), o, e ? e->tx : NULL, NULL, with_tx);
        return true;
    }
    if (!ix || !index_synced(ix))
        return rpc_set_error(call, RPC_MISC_ERROR,
                             "Mempool lacks a relevant spend, and txospenderindex is unavailable.");
    enum index_result res = spender_index_find(ix, o, &tx, &block);
    if (res == INDEX_ERROR)
        return rpc_set_error(call, RPC_MISC_ERROR,
                             "IO error finding spending tx for outpoint %s:%u.",
                             hash_to_hex(hex, o->txid.b), (unsigned)o->n);
    put_spender(rpc_result(call), o, tx, tx ? block : NULL, with_tx);
    tx_unref(tx);
    return true;
}

static struct rpc_answer *spenders_now(struct rpc_call *call)
{
    struct json_object *outputs = rpc_arg(call, "outputs"), *options = rpc_arg(call, "options");
    bool no_index = !indexes_get(rpc_ctx(call)->indexes, INDEX_SPENDER);
    bool mempool_only = option_bool(options, "mempool_only", no_index);
    bool with_tx = option_bool(options, "return_spending_tx", false);
    struct json *j = rpc_result(call);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < json_object_array_length(outputs); i++) {
        struct outpoint o;
        if (!get_outpoint(call, json_object_array_get_idx(outputs, i), &o) ||
            !find_spender(call, &o, mempool_only, with_tx))
            return rpc_fail(call);
    }
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *gettxspendingprevout(struct rpc_call *call)
{
    if (json_object_array_length(rpc_arg(call, "outputs")) == 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, outputs are missing");
    if (!rpc_arg_check_object(call, "options", true))
        return rpc_fail(call);
    bool mempool_only = option_bool(rpc_arg(call, "options"), "mempool_only", false);
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_SPENDER);
    return rpc_when_indexed(call, mempool_only ? NULL : ix, spenders_now);
}

/* ---- the file ---- */

static struct rpc_answer *savemempool(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    char *error = NULL;
    if (!mempool_loaded(ctx->mempool))
        return rpc_error(call, RPC_MISC_ERROR, "The mempool was not loaded yet");
    char *path = path_join(ctx->datadir, "mempool.dat");
    if (!mempool_save(ctx->mempool, path, &error)) {
        log_warning("%s\n", error);
        free(error);
        free(path);
        return rpc_error(call, RPC_MISC_ERROR, "Unable to dump mempool to disk");
    }
    json_begin_object(rpc_result(call), NULL);
    json_put_str_take(rpc_result(call), "filename", path);
    json_end(rpc_result(call));
    return rpc_ok(call);
}

static struct rpc_answer *importmempool(struct rpc_call *call)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    const char *path = rpc_arg_str(call, "filepath");
    struct json_object *options = rpc_arg(call, "options");
    char *error = NULL;
    if (rpc_failed(call) || !rpc_arg_check_object(call, "options", true))
        return rpc_fail(call);
    if (chain_is_ibd(ctx->chain))
        return rpc_error(call, RPC_CLIENT_IN_INITIAL_DOWNLOAD,
                         "Can only import the mempool after the block download and sync is done.");
    struct mempool_load_options o = {
        .use_current_time = option_bool(options, "use_current_time", true),
        .apply_fee_deltas = option_bool(options, "apply_fee_delta_priority", false),
        .apply_unbroadcast = option_bool(options, "apply_unbroadcast_set", false)};
    if (!mempool_load(ctx->mempool, path, &o, &error)) {
        log_warning("%s\n", error);
        free(error);
        return rpc_error(call, RPC_MISC_ERROR,
                         "Unable to import mempool file, see debug log for details.");
    }
    json_begin_object(rpc_result(call), NULL);
    json_end(rpc_result(call));
    return rpc_ok(call);
}

/* ---- table ---- */

#define ENTRY                                                                               \
    "{vsize:num, vsize_bip141:num, vsize_adjusted:num, weight:num, time:time, height:num, " \
    "descendantcount:num, descendantsize:num, ancestorcount:num, ancestorsize:num, "        \
    "chunkweight:num, wtxid:hex, fees:{base:amount, modified:amount, ancestor:amount, "     \
    "descendant:amount, chunk:amount}, depends:[hex], spentby:[hex], unbroadcast:bool}"
#define TXID_PARAM                                                                \
    {                                                                             \
        "txid", "hex", RPC_REQUIRED, "The transaction; it must be in the mempool" \
    }
#define VERBOSE_PARAM                                              \
    {                                                              \
        "verbose", "bool", "false", "Objects instead of ids alone" \
    }
#define LIST_OR_ENTRIES "[hex] | {<transactionid>:" ENTRY "}"

const struct rpc_method rpc_mempool_methods[] = {
    {"getmempoolancestors", getmempoolancestors, "What a transaction in the mempool depends on.",
     RPC_PARAMS(TXID_PARAM, VERBOSE_PARAM), LIST_OR_ENTRIES},
    {"getmempoolcluster", getmempoolcluster,
     "The cluster of a transaction in the mempool: its chunks in the order of mining.",
     RPC_PARAMS(TXID_PARAM),
     "{clusterweight:num, txcount:num, chunks:[{chunkfee:num, chunkweight:num, txs:[hex]}]}"},
    {"getmempooldescendants", getmempooldescendants,
     "What depends on a transaction in the mempool.", RPC_PARAMS(TXID_PARAM, VERBOSE_PARAM),
     LIST_OR_ENTRIES},
    {"getmempoolentry", getmempoolentry, "What the mempool knows of a transaction.",
     RPC_PARAMS(TXID_PARAM), ENTRY},
    {"getmempoolinfo", getmempoolinfo, "State of the mempool.", RPC_NO_PARAMS,
     "{loaded:bool, size:num, bytes:num, usage:num, total_fee:amount, maxmempool:num, "
     "mempoolminfee:amount, minrelaytxfee:amount, incrementalrelayfee:num, unbroadcastcount:num, "
     "permitbaremultisig:bool, maxdatacarriersize:num, limitclustercount:num, "
     "limitclustersize:num, optimal:bool}"},
    {"getrawmempool", getrawmempool, "All transactions of the mempool, best first.",
     RPC_PARAMS(VERBOSE_PARAM,
                {"mempool_sequence", "bool", "false",
                 "Whether the sequence number of the mempool comes along (not with verbose)"}),
     LIST_OR_ENTRIES " | {txids:[hex], mempool_sequence:num}"},
    {"gettxspendingprevout", gettxspendingprevout,
     "Which transactions of the mempool spend some outputs.",
     RPC_PARAMS({"outputs", "[{txid:hex, vout:num}]", RPC_REQUIRED, "The outputs"},
                {"options", "{mempool_only?:bool, return_spending_tx?:bool}", NULL,
                 "mempool_only: look no further than the mempool; return_spending_tx: the whole "
                 "transaction comes along",
                 NULL, RPC_NAMED_OPTIONS}),
     "[{txid:hex, vout:num, spendingtxid?:hex, spendingtx?:hex, blockhash?:hex}]"},
    {"importmempool", importmempool,
     "Offers the transactions of a mempool.dat to the mempool. Import only files that you trust.",
     RPC_PARAMS({"filepath", "str", RPC_REQUIRED, "The file"},
                {"options",
                 "{use_current_time?:bool, apply_fee_delta_priority?:bool, "
                 "apply_unbroadcast_set?:bool}",
                 NULL, "What of the file besides the transactions counts", "options",
                 RPC_NAMED_OPTIONS}),
     "{}"},
    {"savemempool", savemempool, "Writes mempool.dat now.", RPC_NO_PARAMS, "{filename:str}"},
    {0},
};

const struct rpc_method rpc_mempool_hidden_methods[] = {
    {"getmempoolfeeratediagram", getmempoolfeeratediagram,
     "The feerate diagram of the whole mempool: cumulative weight and fee behind each chunk.",
     RPC_NO_PARAMS, "[{weight:num, fee:amount}]", true},
    {0},
};
