/*
 * getblockstats: figures of one block. All are computed in one pass over its transactions and their
 * spent outputs, whatever is asked for: reading block and undo data is what costs.
 */
#include <stdlib.h>

#include "consensus/rules.h"
#include "rpc/block_json.h"
#include "util/mem.h"

/* What an unspent output costs besides itself: outpoint (36), height and coinbase flag (4). */
#define UTXO_OVERHEAD 40
#define PERCENTILES   5

/* X(name, value) in the order of the answer; all whole numbers but two, which are handled apart. */
struct figures {
    int64_t avgfee, avgfeerate, avgtxsize;
    int64_t percentiles[PERCENTILES];
    int64_t height, ins, maxfee, maxfeerate, maxtxsize, medianfee, mediantime, mediantxsize;
    int64_t minfee, minfeerate, mintxsize, outs, subsidy, swtotal_size, swtotal_weight, swtxs;
    int64_t time, total_out, total_size, total_weight, totalfee, txs;
    int64_t utxo_increase, utxo_size_inc, utxo_increase_actual, utxo_size_inc_actual;
    struct block_hash blockhash;
};

struct rate {
    int64_t feerate, weight;
};
struct gather {
    struct figures f;
    struct rate *rates;
    int64_t *fees, *sizes;
    size_t n; /* transactions but the coinbase */
};

static int64_t output_size(const struct tx_out *out)
{
    size_t len = out->script_pubkey.len;
    return 8 + (int64_t)compact_size(len) + (int64_t)len;
}

static void add_outputs(struct figures *f, const struct tx *tx, bool coinbase, bool genesis)
{
    f->outs += tx->n_out;
    for (uint32_t i = 0; i < tx->n_out; i++) {
        const struct tx_out *out = &tx->out[i];
        int64_t size = output_size(out) + UTXO_OVERHEAD;
        f->utxo_size_inc += size;
        if (!coinbase)
            f->total_out += out->value;
        if (genesis || script_unspendable(out->script_pubkey))
            continue; /* makes no coin */
        f->utxo_size_inc_actual += size;
        f->utxo_increase_actual++;
    }
}

static void minmax(int64_t v, int64_t *min, int64_t *max, bool first)
{
    if (first || v < *min)
        *min = v;
    if (v > *max)
        *max = v;
}

static void add_tx(struct gather *g, const struct tx *tx, const struct tx_undo *undo)
{
    struct figures *f = &g->f;
    int64_t fee = 0, weight = tx_weight(tx), size = tx->total_size;
    bool first = g->n == 0;
    f->ins += tx->n_in;
    for (uint32_t i = 0; i < undo->n; i++) {
        int64_t out_size = output_size(&undo->coins[i].out) + UTXO_OVERHEAD;
        fee += undo->coins[i].out.value;
        f->utxo_size_inc -= out_size;
        f->utxo_size_inc_actual -= out_size;
        f->utxo_increase_actual--;
    }
    for (uint32_t i = 0; i < tx->n_out; i++)
        fee -= tx->out[i].value;
    int64_t feerate = weight ? fee * WITNESS_SCALE / weight : 0;
    f->total_size += size;
    f->total_weight += weight;
    f->totalfee += fee;
    if (tx->has_witness) {
        f->swtxs++;
        f->swtotal_size += size;
        f->swtotal_weight += weight;
    }
    minmax(fee, &f->minfee, &f->maxfee, first);
    minmax(size, &f->mintxsize, &f->maxtxsize, first);
    minmax(feerate, &f->minfeerate, &f->maxfeerate, first);
    g->fees[g->n] = fee;
    g->sizes[g->n] = size;
    g->rates[g->n++] = (struct rate){feerate, weight};
}

static int compare_int(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_rates(const void *a, const void *b)
{
    const struct rate *x = a, *y = b;
    if (x->feerate != y->feerate)
        return x->feerate < y->feerate ? -1 : 1;
    return (x->weight > y->weight) - (x->weight < y->weight);
}

static int64_t median(int64_t *v, size_t n)
{
    if (n == 0)
        return 0;
    qsort(v, n, sizeof(*v), compare_int);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Feerates below which 10, 25, 50, 75 and 90 percent of the weight are. */
static void percentiles(struct gather *g)
{
    static const double part[PERCENTILES] = {0.1, 0.25, 0.5, 0.75, 0.9};
    if (g->n == 0)
        return;
    qsort(g->rates, g->n, sizeof(*g->rates), compare_rates);
    int64_t sum = 0;
    size_t next = 0;
    for (size_t i = 0; i < g->n; i++) {
        sum += g->rates[i].weight;
        while (next < PERCENTILES && (double)sum >= part[next] * (double)g->f.total_weight)
            g->f.percentiles[next++] = g->rates[i].feerate;
    }
    for (; next < PERCENTILES; next++)
        g->f.percentiles[next] = g->rates[g->n - 1].feerate;
}

static void gather(struct gather *g, const struct block *b, const struct block_undo *undo,
                   const struct block_index *i, const struct network *net)
{
    struct figures *f = &g->f;
    size_t n = b->n_tx;
    g->rates = xcalloc(n, sizeof(*g->rates));
    g->fees = xcalloc(n, sizeof(*g->fees));
    g->sizes = xcalloc(n, sizeof(*g->sizes));
    for (uint32_t t = 0; t < n; t++) {
        add_outputs(f, b->tx[t], t == 0, i->h.height == 0);
        if (t > 0 && undo && t - 1 < undo->n_tx)
            add_tx(g, b->tx[t], &undo->tx[t - 1]);
    }
    int64_t count = (int64_t)g->n;
    f->avgfee = count ? f->totalfee / count : 0;
    f->avgfeerate = f->total_weight ? f->totalfee * WITNESS_SCALE / f->total_weight : 0;
    f->avgtxsize = count ? f->total_size / count : 0;
    f->medianfee = median(g->fees, g->n);
    f->mediantxsize = median(g->sizes, g->n);
    percentiles(g);
    f->blockhash = i->h.hash;
    f->height = i->h.height;
    f->time = i->h.time;
    f->mediantime = hnode_median_time_past(&i->h);
    f->subsidy = block_subsidy(net, i->h.height);
    f->txs = (int64_t)n;
    f->utxo_increase = f->outs - f->ins;
}

/* ---- the answer ---- */

enum figure_kind { FIGURE_INT, FIGURE_HASH, FIGURE_PERCENTILES };
static const struct {
    const char *name;
    size_t offset;
    enum figure_kind kind;
} table[] = {
#define F(name)                                           \
    {                                                     \
#name, offsetof(struct figures, name), FIGURE_INT \
    }
    F(avgfee),
    F(avgfeerate),
    F(avgtxsize),
    {"blockhash", offsetof(struct figures, blockhash), FIGURE_HASH},
    {"feerate_percentiles", offsetof(struct figures, percentiles), FIGURE_PERCENTILES},
    F(height),
    F(ins),
    F(maxfee),
    F(maxfeerate),
    F(maxtxsize),
    F(medianfee),
    F(mediantime),
    F(mediantxsize),
    F(minfee),
    F(minfeerate),
    F(mintxsize),
    F(outs),
    F(subsidy),
    F(swtotal_size),
    F(swtotal_weight),
    F(swtxs),
    F(time),
    F(total_out),
    F(total_size),
    F(total_weight),
    F(totalfee),
    F(txs),
    F(utxo_increase),
    F(utxo_size_inc),
    F(utxo_increase_actual),
    F(utxo_size_inc_actual),
#undef F
};

static void put_figure(struct json *j, const struct figures *f, size_t i)
{
    const uint8_t *at = (const uint8_t *)f + table[i].offset;
    const int64_t *numbers = (const int64_t *)(const void *)at;
    switch (table[i].kind) {
    case FIGURE_INT: json_put_int(j, table[i].name, *numbers); break;
    case FIGURE_HASH: json_put_hash(j, table[i].name, at); break;
    case FIGURE_PERCENTILES:
        json_begin_array(j, table[i].name);
        for (size_t k = 0; k < PERCENTILES; k++)
            json_put_int(j, NULL, numbers[k]);
        json_end(j);
        break;
    }
}

/* Marks what is asked for. */
static bool select_figures(struct rpc_call *call, bool wanted[ARRAY_LEN(table)])
{
    struct json_object *list = rpc_arg(call, "stats");
    size_t n = list ? json_object_array_length(list) : 0;
    memset(wanted, n == 0, ARRAY_LEN(table));
    for (size_t i = 0; i < n; i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        if (!rpc_check_type(call, v, "str"))
            return false;
        bool found = false;
        for (size_t k = 0; k < ARRAY_LEN(table); k++) {
            if (strcmp(table[k].name, json_object_get_string(v)) == 0)
                found = wanted[k] = true;
        }
        if (!found)
            return rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid selected statistic '%s'",
                                 json_object_get_string(v));
    }
    return true;
}

static struct rpc_answer *getblockstats(struct rpc_call *call)
{
    bool wanted[ARRAY_LEN(table)];
    const struct block_index *i = rpc_arg_block_or_height(call, "hash_or_height");
    struct block_undo *undo = NULL;
    struct gather g = {0};
    if (!i || !select_figures(call, wanted))
        return rpc_fail(call);
    struct block *b = rpc_read_block(call, i);
    if (b && rpc_read_undo(call, i, &undo)) {
        struct json *j = rpc_result(call);
        gather(&g, b, undo, i, rpc_ctx(call)->net);
        json_begin_object(j, NULL);
        for (size_t k = 0; k < ARRAY_LEN(table); k++)
            if (wanted[k])
                put_figure(j, &g.f, k);
        json_end(j);
    }
    free(g.rates);
    free(g.fees);
    free(g.sizes);
    block_unref(b);
    undo_unref(undo);
    return rpc_failed(call) ? rpc_fail(call) : rpc_ok(call);
}

const struct rpc_method rpc_block_stats_methods[] = {
    {"getblockstats", getblockstats, "Figures of a block; amounts in satoshi.",
     RPC_PARAMS({"hash_or_height", "str|num", RPC_REQUIRED, "The block"},
                {"stats", "[str]", "all values", "Only these figures", "stats"}),
     "{avgfee?:num, avgfeerate?:num, avgtxsize?:num, blockhash?:hex, feerate_percentiles?:[num], "
     "height?:num, ins?:num, maxfee?:num, maxfeerate?:num, maxtxsize?:num, medianfee?:num, "
     "mediantime?:num, mediantxsize?:num, minfee?:num, minfeerate?:num, mintxsize?:num, outs?:num, "
     "subsidy?:num, swtotal_size?:num, swtotal_weight?:num, swtxs?:num, time?:num, total_out?:num, "
     "total_size?:num, total_weight?:num, totalfee?:num, txs?:num, utxo_increase?:num, "
     "utxo_size_inc?:num, utxo_increase_actual?:num, utxo_size_inc_actual?:num}"},
    {0},
};
