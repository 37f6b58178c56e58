/*
 * How long connecting blocks takes, and how long it holds the owner.
 *
 *   bench/bench_connect [THREADS [BLOCKS]]
 *
 * Imports the real chains of ../shared (or $MITE_SHARED) and a chain made here, of blocks of 500
 * signed P2WPKH inputs each, from a file, as -loadblock does, in a loop like the node's: every call
 * on the owner's thread is timed, and between calls it sleeps until somebody wakes it.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../test/unit/support/chain_dir.h"
#include "crypto/hash.h"
#include "script/sign.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/time.h"

#define INPUTS_PER_BLOCK 500
#define INPUTS_PER_TX    5
#define START            110 /* blocks before there is anything to spend */

/* ---- the loop ---- */

struct holds {
    int64_t *us;
    size_t n, cap;
};

static void wake(void *arg)
{
    uint64_t one = 1;

    if (write(*(int *)arg, &one, sizeof(one)) < 0)
        abort();
}

static void sleep_until_woken(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint64_t count;

    if (poll(&p, 1, 1000) > 0 && read(fd, &count, sizeof(count)) < 0)
        abort();
}

static void timed(struct holds *h, int64_t since)
{
    h->us = array_reserve(h->us, &h->cap, h->n + 1, sizeof(*h->us));
    h->us[h->n++] = time_mono_us() - since;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void run_loop(struct test_chain *t, struct block_import *imp, int fd, struct holds *h)
{
    for (;;) {
        int64_t start = time_mono_us();
        enum import_state state;

        workers_reap(t->workers);
        chain_poll(t->chain);
        state = chain_import_step(imp);
        timed(h, start);
        if (state == IMPORT_DONE)
            return;
        if (state == IMPORT_WAITING)
            sleep_until_woken(fd);
    }
}

static void measure(const char *name, const char *network, const char *path, unsigned threads)
{
    int fd = eventfd(0, 0);
    struct holds h = {0};
    struct test_chain t;
    struct block_import *imp;
    int64_t start, end;
    char *error;
    double cpu;

    test_chain_init(&t, network, 0);
    workers_destroy(t.workers);
    t.workers = t.opts.workers = workers_create(threads, wake, &fd);
    t.opts.wake = wake;
    t.opts.wake_arg = &fd;
    t.opts.no_writer_thread = false;
    t.opts.check_block_index = false;
    CHECK(test_chain_open(&t));
    imp = chain_import_start(t.chain, path, &error);
    CHECK(imp);
    cpu = cpu_seconds();
    start = time_mono_us();
    run_loop(&t, imp, fd, &h);
    end = time_mono_us();
    cpu = cpu_seconds() - cpu;
    qsort(h.us, h.n, sizeof(*h.us), compare);
    printf("%-18s %6d blocks %8.3f s %8.3f s cpu   owner held: p50 %.2f ms, p99 %.2f ms, most %.2f "
           "ms\n",
           name, chain_height(t.chain), (double)(end - start) / 1e6, cpu,
           (double)h.us[h.n / 2] / 1e3, (double)h.us[h.n * 99 / 100] / 1e3,
           (double)h.us[h.n - 1] / 1e3);
    chain_import_finish(imp);
    test_chain_clear(&t);
    free(h.us);
    close(fd);
}

/* ---- a chain of signatures ---- */

struct maker {
    const struct network *net;
    struct hnode *at;
    struct seckey key;
    uint8_t script[22], code[25];
    struct buf file;
};

static void append(struct maker *m, struct block *b)
{
    struct hnode *next = xcalloc(1, sizeof(*next)); /* lives as long as the chain of nodes */

    hnode_init(next, &b->header, &b->hash, m->at);
    m->at = next;
    write_bytes(&m->file, m->net->magic, 4);
    write_u32(&m->file, (uint32_t)b->raw.len);
    write_span(&m->file, b->raw);
    block_unref(b);
}

static void make_scripts(struct maker *m)
{
    static const uint8_t head[] = {0x76, 0xa9, 20}, tail[] = {0x88, 0xac};
    struct pubkey pk;

    seckey_generate(&m->key);
    CHECK(seckey_pubkey(&pk, &m->key));
    m->script[1] = 20;
    pubkey_id(&pk, m->script + 2);
    memcpy(m->code, head, 3);
    memcpy(m->code + 3, m->script + 2, 20);
    memcpy(m->code + 23, tail, 2);
}

/* Signs every input of a transaction that spends outputs of `value` to our key. */
static const struct tx *sign_all(const struct maker *m, struct mtx *draft, int64_t value)
{
    const struct tx *unsigned_tx = mtx_finish(draft), *tx;
    struct sighash_cache cache;
    struct pubkey pk;
    uint8_t hash[32], sig[73];
    size_t len;

    CHECK(seckey_pubkey(&pk, &m->key));
    sighash_cache_init_all(&cache, unsigned_tx, NULL);
    for (unsigned i = 0; i < draft->n_in; i++) {
        sighash_v0(hash, &cache, i, span_of(m->code, sizeof(m->code)), value, SIGHASH_ALL);
        CHECK(ecdsa_sign(sig, &len, &m->key, hash, false));
        sig[len++] = SIGHASH_ALL;
        mtx_in_set_witness(&draft->in[i],
                           (struct span[]){span_of(sig, len), span_of(pk.data, pk.len)}, 2);
    }
    tx = mtx_finish(draft);
    tx_unref(unsigned_tx);
    return tx;
}

/* A coinbase's reward into as many outputs as the next block will spend. */
static struct tx *split(const struct maker *m, const struct block *from)
{
    static const uint8_t op_true = 0x51;
    struct span witness = span_of(&op_true, 1);
    struct outpoint o = {.txid = from->tx[0]->txid};
    struct mtx draft;
    struct tx *tx;

    mtx_init(&draft);
    mtx_in_set_witness(mtx_add_in(&draft, &o, SEQUENCE_FINAL), &witness, 1);
    for (int i = 0; i < INPUTS_PER_BLOCK; i++)
        mtx_add_out(&draft, COIN / 1000, span_of(m->script, sizeof(m->script)));
    tx = mtx_finish(&draft);
    mtx_clear(&draft);
    return tx;
}

static void add_spends(struct maker *m, const struct tx *coins)
{
    const struct tx *txs[INPUTS_PER_BLOCK / INPUTS_PER_TX];
    size_t n = ARRAY_LEN(txs);

    for (size_t i = 0; i < n; i++) {
        struct mtx draft;

        mtx_init(&draft);
        for (uint32_t k = 0; k < INPUTS_PER_TX; k++) {
            struct outpoint o = {coins->txid, (uint32_t)i * INPUTS_PER_TX + k};

            mtx_add_in(&draft, &o, SEQUENCE_FINAL);
        }
        mtx_add_out(&draft, COIN / 1000, span_of(m->script, sizeof(m->script)));
        txs[i] = sign_all(m, &draft, COIN / 1000);
        mtx_clear(&draft);
    }
    append(m, factory_block_on(m->net, m->at, txs, n, 0, 2));
    for (size_t i = 0; i < n; i++)
        tx_unref(txs[i]);
}

static void make_signed_chain(const char *path, int blocks)
{
    struct maker m = {.net = network_find("regtest")};
    struct block *genesis = network_genesis(m.net), **first;
    struct hnode root;

    hnode_init(&root, &genesis->header, &genesis->hash, NULL);
    m.at = &root;
    make_scripts(&m);
    first = xcalloc((size_t)blocks + START, sizeof(struct block *));
    for (int i = 0; i < blocks + START; i++) {
        struct block *b = factory_block_on(m.net, m.at, NULL, 0, 0, 0);

        first[i] = block_ref(b);
        append(&m, b);
    }
    for (int i = 0; i < blocks; i++) {
        const struct tx *tx = split(&m, first[i]);

        append(&m, factory_block_on(m.net, m.at, &tx, 1, 0, 1));
        add_spends(&m, tx);
        tx_unref(tx);
    }
    CHECK(file_replace(path, m.file.data, m.file.len));
    for (int i = 0; i < blocks + START; i++)
        block_unref(first[i]);
    free(first);
    block_unref(genesis);
    buf_clear(&m.file);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *file, *network;
    } real[] = {{"mainnet_0_599", "main"}, {"testnet3_0_4000", "test"}, {"signet_0_120", "signet"}};
    unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : cpu_count();
    int blocks = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 100;
    const char *shared = getenv("MITE_SHARED"), *tmp = getenv("TMPDIR");
    char *path;

    for (size_t i = 0; i < ARRAY_LEN(real); i++) {
        path = xasprintf("%s/chain/sync/%s.blk", shared ? shared : "../shared", real[i].file);
        if (path_exists(path))
            measure(real[i].file, real[i].network, path, threads);
        else
            printf("%s is not there\n", path);
        free(path);
    }
    path = xasprintf("%s/mite-bench-%d.blk", tmp ? tmp : "/tmp", (int)getpid());
    make_signed_chain(path, blocks);
    printf("%d inputs, one signature each:\n", blocks * INPUTS_PER_BLOCK);
    measure("signatures", "regtest", path, threads);
    unlink(path);
    free(path);
    return 0;
}
