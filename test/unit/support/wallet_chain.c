#include "wallet_chain.h"

#include <stdlib.h>
#include <string.h>

#include "util/check.h"
#include "util/mem.h"
#include "util/random.h"

void wallet_chain_init(struct wallet_chain *c)
{
    memset(c, 0, sizeof(*c));
    c->accept = true;
}

void wallet_chain_clear(struct wallet_chain *c)
{
    for (size_t i = 0; i < c->n; i++)
        block_unref(c->blocks[i]);
    for (size_t i = 0; i < c->n_pool; i++)
        tx_unref(c->pool[i]);
    free(c->blocks);
    free(c->pool);
}

void wallet_chain_push(struct wallet_chain *c, struct block *b)
{
    c->blocks = xreallocarray(c->blocks, c->n + 1, sizeof(*c->blocks));
    c->blocks[c->n++] = b;
}

void wallet_chain_pop(struct wallet_chain *c)
{
    block_unref(c->blocks[--c->n]);
}

static void remove_from_pool(struct wallet_chain *c, const struct txid *txid)
{
    for (size_t i = 0; i < c->n_pool; i++) {
        if (!txid_eq(&c->pool[i]->txid, txid))
            continue;
        tx_unref(c->pool[i]);
        memmove(c->pool + i, c->pool + i + 1, (c->n_pool - i - 1) * sizeof(*c->pool));
        c->n_pool--;
        return;
    }
}

struct block *wallet_chain_mine(struct wallet_chain *c, struct span script, int64_t value,
                                int64_t time, bool with_pool)
{
    struct header h = {.version = 4, .time = (uint32_t)time, .bits = 0x207fffff};
    struct mtx m;
    const struct outpoint none = {.n = UINT32_MAX};
    const struct tx **txs = xcalloc(c->n_pool + 1, sizeof(*txs));
    size_t n = 1;

    if (c->n)
        h.prev = c->blocks[c->n - 1]->hash;
    random_bytes(&h.nonce, sizeof(h.nonce));
    mtx_init(&m);
    struct mtx_in *in = mtx_add_in(&m, &none, UINT32_MAX);
    write_u32(&in->script_sig, (uint32_t)c->n);
    write_u32(&in->script_sig, h.nonce);
    mtx_add_out(&m, value, script);
    struct tx *coinbase = mtx_finish(&m);
    txs[0] = coinbase;
    for (size_t i = 0; with_pool && i < c->n_pool; i++)
        txs[n++] = c->pool[i];
    struct block *b = block_create(&h, txs, n);
    while (with_pool && c->n_pool)
        remove_from_pool(c, &c->pool[0]->txid);
    wallet_chain_push(c, b);
    tx_unref(coinbase);
    mtx_clear(&m);
    free(txs);
    return b;
}

/* ---- what the wallet sees ---- */

static int32_t height(void *arg)
{
    return (int32_t)((struct wallet_chain *)arg)->n - 1;
}

static bool block_hash(void *arg, int32_t h, struct block_hash *out)
{
    struct wallet_chain *c = arg;
    if (h < 0 || (size_t)h >= c->n)
        return false;
    *out = c->blocks[h]->hash;
    return true;
}

static int32_t block_height(void *arg, const struct block_hash *hash)
{
    struct wallet_chain *c = arg;
    for (size_t i = 0; i < c->n; i++)
        if (block_hash_eq(&c->blocks[i]->hash, hash))
            return (int32_t)i;
    return -1;
}

static bool block_times(void *arg, const struct block_hash *hash, int64_t *time, int64_t *mtp,
                        int64_t *time_max)
{
    struct wallet_chain *c = arg;
    int32_t h = block_height(arg, hash);
    if (h < 0)
        return false;
    *time = *mtp = c->blocks[h]->header.time;
    *time_max = 0;
    for (int32_t i = 0; i <= h; i++)
        if (c->blocks[i]->header.time > *time_max)
            *time_max = c->blocks[i]->header.time;
    return true;
}

static struct block *read_block(void *arg, int32_t h)
{
    struct wallet_chain *c = arg;
    return h >= 0 && (size_t)h < c->n ? block_ref(c->blocks[h]) : NULL;
}

static bool in_pool(void *arg, const struct txid *txid)
{
    struct wallet_chain *c = arg;
    for (size_t i = 0; i < c->n_pool; i++)
        if (txid_eq(&c->pool[i]->txid, txid))
            return true;
    return false;
}

static bool submit(void *arg, const struct tx *tx, bool relay, struct verdict *v)
{
    struct wallet_chain *c = arg;
    (void)relay;
    if (!c->accept)
        return verdict_fail(v, VERDICT_POLICY, "test-refuses", "by order");
    if (in_pool(arg, &tx->txid))
        return true;
    c->pool = xreallocarray(c->pool, c->n_pool + 1, sizeof(*c->pool));
    c->pool[c->n_pool++] = tx_ref(tx);
    if (c->wallets)
        wallets_tx_added(c->wallets, tx);
    return true;
}

static void each(void *arg, void (*visit)(void *to, const struct tx *tx), void *to)
{
    struct wallet_chain *c = arg;
    for (size_t i = 0; i < c->n_pool; i++)
        visit(to, c->pool[i]);
}

static int64_t estimate(void *arg, int target, bool conservative)
{
    (void)target;
    (void)conservative;
    return ((struct wallet_chain *)arg)->estimate;
}

static int64_t one_sat(void *arg)
{
    (void)arg;
    return 100;
}

static int64_t dust(void *arg)
{
    (void)arg;
    return 3000;
}

static bool counts(void *arg, const struct txid *txid, size_t *ancestors, size_t *cluster)
{
    if (!in_pool(arg, txid))
        return false;
    *ancestors = *cluster = 1;
    return true;
}

void wallet_chain_node(struct wallet_chain *c, struct wallet_node *out)
{
    *out = (struct wallet_node){.arg = c,
                                .height = height,
                                .block_hash = block_hash,
                                .block_height = block_height,
                                .block_times = block_times,
                                .read_block = read_block,
                                .submit = submit,
                                .in_mempool = in_pool,
                                .mempool_each = each,
                                .fee_estimate = estimate,
                                .min_feerate = one_sat,
                                .relay_feerate = one_sat,
                                .dust_feerate = dust,
                                .incremental_feerate = one_sat,
                                .cluster_counts = counts};
}

void wallet_chain_options(struct wallets_options *o, const char *dir,
                          const struct wallet_node *node)
{
    *o = (struct wallets_options){.net = network_find("regtest"),
                                  .dir = dir,
                                  .node = node,
                                  .fallback_fee = 10000,
                                  .discard_feerate = 10000,
                                  .consolidate_feerate = 10000,
                                  .max_tx_fee = COIN / 10,
                                  .min_tx_feerate = 1000,
                                  .confirm_target = 6,
                                  .keypool = 20,
                                  .address_type = OUTPUT_BECH32,
                                  .change_type = OUTPUT_UNKNOWN,
                                  .spend_zero_conf_change = true,
                                  .rbf = true,
                                  .reject_long_chains = true,
                                  .broadcast = true};
}
