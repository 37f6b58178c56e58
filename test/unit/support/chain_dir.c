/* See chain_dir.h. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain_dir.h"
#include "crypto/hash.h"
#include "script/script.h"
#include "util/mem.h"

static void fatal(void *arg, const char *message)
{
    struct test_chain *t = arg;

    if (!t->fatal)
        t->fatal = xstrdup(message);
}

void test_chain_init(struct test_chain *t, const char *network, unsigned threads)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = xasprintf("%s/mite-chain-XXXXXX", tmp ? tmp : "/tmp");

    CHECK(mkdtemp(dir));
    test_chain_init_in(t, network, threads, dir);
    free(dir);
}

void test_chain_init_in(struct test_chain *t, const char *network, unsigned threads,
                        const char *dir)
{
    memset(t, 0, sizeof(*t));
    t->dir = xstrdup(dir);
    t->workers = workers_create(threads, NULL, NULL);
    t->opts = (struct chain_options){
        .net = network_find(network),
        .datadir = t->dir,
        .workers = t->workers,
        .dbcache_bytes = (size_t)16 << 20,
        .blocks_xor = true,
        .check_blocks = 6,
        .check_level = 4,
        .check_block_index = true,
        .max_tip_age = INT64_MAX / 2,
        .sig_cache_bytes = (size_t)1 << 20,
        .no_writer_thread = threads == 0,
        .fatal = fatal,
        .fatal_arg = t,
    };
}

bool test_chain_open(struct test_chain *t)
{
    CHECK(!t->chain);
    free(t->error);
    t->error = NULL;
    t->chain = chain_open(&t->opts, &t->error);
    return t->chain != NULL;
}

void test_chain_close(struct test_chain *t)
{
    chain_close(t->chain);
    t->chain = NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void test_chain_clear(struct test_chain *t)
{
    test_chain_close(t);
    workers_destroy(t->workers);
    nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(t->dir);
    free(t->error);
    free(t->fatal);
}

struct waited {
    bool done;
    struct coins_stats stats;
};

static void stats_done(void *arg, const struct coins_stats *stats)
{
    struct waited *w = arg;

    w->stats = *stats;
    w->done = true;
}

struct coins_stats test_chain_stats(struct test_chain *t, enum coins_hash_type type)
{
    struct waited w = {0};

    chain_coins_stats(t->chain, type, stats_done, &w);
    while (!w.done) {
        if (workers_pending(t->workers))
            workers_wait(t->workers);
        else
            (void)chain_flush(t->chain);
    }
    return w.stats;
}

char *test_chain_coins_hash(struct test_chain *t, char out[HASH_HEX_SIZE])
{
    struct coins_stats stats = test_chain_stats(t, COINS_HASH_SERIALIZED_3);

    return hash_to_hex(out, stats.hash);
}

const struct block_index *test_chain_find(const struct test_chain *t, const char *hex)
{
    struct block_hash hash;

    return hash_from_hex(hash.b, hex) ? chain_find(t->chain, &hash) : NULL;
}

/* ---- blocks ---- */

struct span factory_true(void)
{
    static uint8_t script[34];
    static const uint8_t op_true = OP_1;

    script[0] = OP_0;
    script[1] = 32;
    sha256(script + 2, &op_true, 1);
    return span_of(script, sizeof(script));
}

static void add_coinbase_script(struct mtx_in *in, int32_t height, uint32_t tag)
{
    script_push_int(&in->script_sig, height);
    script_push(&in->script_sig, &tag, sizeof(tag));
}

/* The output that commits to the witnesses, over a block that has the rest. */
static void add_commitment(struct mtx *coinbase, const struct block *b)
{
    uint8_t script[38] = {OP_RETURN, 36, 0xaa, 0x21, 0xa9, 0xed}, both[64] = {0};

    block_witness_merkle_root(b, both);
    sha256d(script + 6, both, sizeof(both));
    mtx_add_out(coinbase, 0, span_of(script, sizeof(script)));
}

static struct block *assemble(const struct header *h, const struct mtx *coinbase,
                              const struct tx *const *txs, size_t n_txs)
{
    const struct tx **all = xreallocarray(NULL, n_txs + 1, sizeof(*all));
    struct block *b;

    all[0] = mtx_finish(coinbase);
    for (size_t i = 0; i < n_txs; i++)
        all[i + 1] = txs[i];
    b = block_create(h, all, n_txs + 1);
    tx_unref(all[0]);
    free(all);
    return b;
}

struct block *factory_solve(const struct network *net, const struct block *b)
{
    struct header h = b->header;
    struct block_hash hash;

    block_merkle_root(b, h.merkle_root, NULL);
    for (h.nonce = 0;; h.nonce++) {
        hash = header_hash(&h);
        if (pow_check(&hash, h.bits, net))
            return block_with_header(b, &h);
    }
}

struct block *factory_block_on(const struct network *net, const struct hnode *prev,
                               const struct tx *const *txs, size_t n_txs, int64_t fees,
                               uint32_t tag)
{
    static const struct outpoint null = {.n = UINT32_MAX};
    static const uint8_t nonce[32];
    struct span reserved = span_of(nonce, sizeof(nonce));
    struct header h = {.version = 0x20000000, .prev = prev->hash, .time = prev->time + 1};
    struct block *draft, *b, *solved;
    struct mtx coinbase;
    struct mtx_in *in;

    h.bits = pow_next_bits(net, prev, h.time);
    mtx_init(&coinbase);
    in = mtx_add_in(&coinbase, &null, SEQUENCE_FINAL);
    add_coinbase_script(in, prev->height + 1, tag);
    mtx_add_out(&coinbase, block_subsidy(net, prev->height + 1) + fees, factory_true());
    draft = assemble(&h, &coinbase, txs, n_txs);
    add_commitment(&coinbase, draft);
    mtx_in_set_witness(&coinbase.in[0], &reserved, 1);
    b = assemble(&h, &coinbase, txs, n_txs);
    solved = factory_solve(net, b);
    block_unref(draft);
    block_unref(b);
    mtx_clear(&coinbase);
    return solved;
}

struct block *factory_block(const struct network *net, const struct block_index *prev,
                            const struct tx *const *txs, size_t n_txs, int64_t fees, uint32_t tag)
{
    return factory_block_on(net, &prev->h, txs, n_txs, fees, tag);
}

struct tx *factory_spend(const struct outpoint *prevs, size_t n, int64_t total, uint32_t n_out,
                         int64_t fee)
{
    static const uint8_t op_true = OP_1;
    struct span witness = span_of(&op_true, 1);
    struct mtx m;
    struct tx *tx;

    mtx_init(&m);
    for (size_t i = 0; i < n; i++) {
        struct mtx_in *in = mtx_add_in(&m, &prevs[i], SEQUENCE_FINAL);

        mtx_in_set_witness(in, &witness, 1);
    }
    for (uint32_t i = 0; i < n_out; i++)
        mtx_add_out(&m, (total - fee) / n_out, factory_true());
    tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

bool factory_submit(struct test_chain *t, const struct block *b, struct verdict *v)
{
    bool ok = chain_accept_block(t->chain, b, ACCEPT_REQUESTED | ACCEPT_MIN_POW_CHECKED, NULL, v);

    chain_drain(t->chain);
    return ok;
}

const struct block_index *factory_extend(struct test_chain *t, int n, uint32_t tag)
{
    struct verdict v;

    for (int i = 0; i < n; i++) {
        struct block *b =
            factory_block(t->opts.net, chain_tip(t->chain), NULL, 0, 0, tag + (uint32_t)i);

        CHECK(factory_submit(t, b, &v));
        CHECK(block_hash_eq(&chain_tip(t->chain)->h.hash, &b->hash));
        block_unref(b);
    }
    return chain_tip(t->chain);
}
