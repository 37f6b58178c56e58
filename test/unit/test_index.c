/* The indexes: built, followed, reorganised, interrupted, set back, damaged; and those that Bitcoin
 * Core wrote. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain/filter.h"
#include "index/index.h"
#include "store/db.h"
#include "support/chain_dir.h"
#include "unit.h"
#include "util/file.h"

struct setup {
    struct test_chain t;
    struct indexes *s;
    char *error, *fatal;
    bool no_spenders; /* leave out that index */
};

static void on_fatal(void *arg, const char *message)
{
    struct setup *u = arg;

    if (!u->fatal)
        u->fatal = xstrdup(message);
}

static bool open_indexes(struct setup *u)
{
    struct index_options o = {.chain = u->t.chain,
                              .workers = u->t.workers,
                              .datadir = u->t.dir,
                              .enabled = {true, true, !u->no_spenders, true},
                              .cache_bytes = 1 << 20,
                              .fatal = on_fatal,
                              .fatal_arg = u};

    free(u->error);
    u->error = NULL;
    u->s = indexes_open(&o, &u->error);
    return u->s != NULL;
}

static void close_indexes(struct setup *u)
{
    indexes_stop(u->s);
    while (workers_wait(u->t.workers)) {
    }
    indexes_close(u->s);
    u->s = NULL;
}

static void set_up(struct setup *u, unsigned threads)
{
    memset(u, 0, sizeof(*u));
    test_chain_init(&u->t, "regtest", threads);
    assert_true(test_chain_open(&u->t));
}

static void tear_down(struct setup *u)
{
    if (u->s)
        close_indexes(u);
    test_chain_clear(&u->t);
    free(u->error);
    free(u->fatal);
}

static void settle(struct setup *u)
{
    chain_drain(u->t.chain);
    while (workers_wait(u->t.workers)) {
    }
}

static void run(const char *program, const char *a, const char *b, const char *c)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execlp(program, program, a, b, c, (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- what the indexes must say ---- */

static void check_filter(struct setup *u, const struct block_index *i, const struct block *b,
                         const struct block_undo *undo, uint8_t header[32])
{
    struct buf want = BUF_INIT, got = BUF_INIT;
    struct span spent[1024];
    uint8_t hash[32], stored[32];
    size_t n = 0;

    for (uint32_t k = 0; undo && k < undo->n_tx; k++)
        for (uint32_t m = 0; m < undo->tx[k].n; m++)
            spent[n++] = undo->tx[k].coins[m].out.script_pubkey;
    block_filter_make(&want, b, spent, n);
    block_filter_hash(hash, buf_span(&want));
    block_filter_header(header, hash, header);
    assert_int_equal(filter_index_get(indexes_get(u->s, INDEX_FILTER), i, &got, stored),
                     INDEX_FOUND);
    assert_true(span_eq(buf_span(&got), buf_span(&want)));
    assert_memory_equal(stored, header, 32);
    buf_clear(&want);
    buf_clear(&got);
}

static void check_txs(struct setup *u, const struct block_index *i, const struct block *b)
{
    const struct block_index *at;
    struct tx *tx;

    for (uint32_t k = 0; k < b->n_tx; k++) {
        enum index_result res =
            tx_index_find(indexes_get(u->s, INDEX_TX), &b->tx[k]->txid, &tx, &at);

        assert_int_equal(res, i->h.height == 0 ? INDEX_MISSING : INDEX_FOUND);
        if (res != INDEX_FOUND)
            continue;
        assert_ptr_equal(at, i);
        assert_true(wtxid_eq(&tx->wtxid, &b->tx[k]->wtxid));
        tx_unref(tx);
    }
}

static void check_spenders(struct setup *u, const struct block_index *i, const struct block *b)
{
    struct index *ix = indexes_get(u->s, INDEX_SPENDER);
    const struct block_index *at;
    struct tx *tx;

    for (uint32_t k = 1; ix && k < b->n_tx; k++) {
        for (uint32_t m = 0; m < b->tx[k]->n_in; m++) {
            assert_int_equal(spender_index_find(ix, &b->tx[k]->in[m].prev, &tx, &at), INDEX_FOUND);
            assert_ptr_equal(at, i);
            assert_true(txid_eq(&tx->txid, &b->tx[k]->txid));
            tx_unref(tx);
        }
    }
    if (ix && i == chain_tip(u->t.chain)) { /* a coin nobody has spent */
        struct outpoint o = {b->tx[0]->txid, 0};

        assert_int_equal(spender_index_find(ix, &o, &tx, &at), INDEX_MISSING);
    }
}

/* All of the active chain, and the coins of the tip against a scan. */
static void check_all(struct setup *u)
{
    struct coins_stats scan;
    struct coin_totals t;
    uint8_t header[32] = {0};
    bool error;

    settle(u);
    if (u->fatal)
        fail_msg("%s", u->fatal);
    for (int32_t h = 0; h <= chain_height(u->t.chain); h++) {
        const struct block_index *i = chain_at(u->t.chain, h);
        struct block *b = chain_read_block(u->t.chain, i, &error);
        struct block_undo *undo = h > 0 ? chain_read_undo(u->t.chain, i, &error) : NULL;

        check_filter(u, i, b, undo, header);
        check_txs(u, i, b);
        check_spenders(u, i, b);
        block_unref(b);
        undo_unref(undo);
    }
    for (int id = 0; id < INDEX_COUNT; id++) {
        struct index *ix = indexes_get(u->s, (enum index_id)id);

        if (!ix)
            continue;
        assert_true(index_synced(ix));
        assert_false(index_behind(ix));
        assert_int_equal(index_height(ix), chain_height(u->t.chain));
    }
    assert_int_equal(
        coin_stats_index_get(indexes_get(u->s, INDEX_COIN_STATS), chain_tip(u->t.chain), &t),
        INDEX_FOUND);
    scan = test_chain_stats(&u->t, COINS_HASH_MUHASH);
    assert_memory_equal(t.muhash, scan.hash, 32);
    assert_int_equal(t.txouts, scan.txouts);
    assert_int_equal(t.bogosize, scan.bogosize);
    assert_int_equal(t.amount, scan.total_amount);
    assert_int_equal(t.amount + t.lost_genesis + t.lost_scripts + t.lost_unclaimed + t.lost_bip30,
                     t.subsidy);
}

/* ---- making chains ---- */

static struct outpoint coinbase_of(struct setup *u, int32_t height)
{
    bool error;
    struct block *b = chain_read_block(u->t.chain, chain_at(u->t.chain, height), &error);
    struct outpoint o = {.txid = b->tx[0]->txid};

    block_unref(b);
    return o;
}

/* A block on `prev` that spends the coinbase of a height; of the fee, `lost` is not claimed. */
static const struct block_index *spend_block(struct setup *u, const struct block_index *prev,
                                             int32_t height, int64_t unclaimed, uint32_t tag)
{
    struct outpoint o = coinbase_of(u, height);
    const struct tx *txs[2];
    struct verdict v;
    struct block *b;
    struct block_hash hash;

    txs[0] = factory_spend(&o, 1, 50 * COIN, 5, 5000);
    o = (struct outpoint){txs[0]->txid, 3};
    txs[1] = factory_spend(&o, 1, (50 * COIN - 5000) / 5, 2, 1000);
    b = factory_block(u->t.opts.net, prev, txs, 2, 6000 - unclaimed, tag);
    assert_true(factory_submit(&u->t, b, &v));
    hash = b->hash;
    block_unref(b);
    tx_unref(txs[0]);
    tx_unref(txs[1]);
    return chain_find(u->t.chain, &hash);
}

static const struct block_index *empty_block(struct setup *u, const struct block_index *prev,
                                             uint32_t tag)
{
    struct block *b = factory_block(u->t.opts.net, prev, NULL, 0, 0, tag);
    struct block_hash hash = b->hash;
    struct verdict v;

    assert_true(factory_submit(&u->t, b, &v));
    block_unref(b);
    return chain_find(u->t.chain, &hash);
}

/* Three blocks with spends on the tip, then a branch of four from below them. */
static void reorganise(struct setup *u, int32_t height, uint32_t tag)
{
    const struct block_index *fork = chain_tip(u->t.chain), *tip = fork;

    for (int i = 0; i < 3; i++)
        tip = spend_block(u, tip, height + i, 100, tag);
    assert_ptr_equal(chain_tip(u->t.chain), tip);
    settle(u);
    for (int i = 0; i < 4; i++)
        fork = i % 2 ? empty_block(u, fork, tag + 1) : spend_block(u, fork, height + i, 0, tag + 1);
    assert_ptr_equal(chain_tip(u->t.chain), fork);
    assert_false(chain_contains(u->t.chain, tip));
}

/* ---- tests ---- */

static void run_follow(unsigned threads)
{
    struct setup u;

    set_up(&u, threads);
    assert_true(open_indexes(&u));
    factory_extend(&u.t, 110, 0);
    check_all(&u);
    spend_block(&u, chain_tip(u.t.chain), 1, 0, 0);
    spend_block(&u, chain_tip(u.t.chain), 2, 2500, 0);
    check_all(&u);
    reorganise(&u, 3, 10);
    check_all(&u);
    tear_down(&u);
}

static void test_follow(void **state)
{
    (void)state;
    run_follow(0);
    run_follow(3);
}

/* What was on the chain can still be asked for, and comes back as it was. */
static void test_old_branch(void **state)
{
    const struct block_index *old, *at;
    struct coin_totals before, after;
    uint8_t header[2][32];
    struct setup u;
    struct txid txid;
    struct tx *tx;

    (void)state;
    set_up(&u, 0);
    assert_true(open_indexes(&u));
    factory_extend(&u.t, 110, 0);
    old = spend_block(&u, chain_tip(u.t.chain), 1, 7, 1);
    settle(&u);
    txid = coinbase_of(&u, 111).txid;
    assert_int_equal(filter_index_get(indexes_get(u.s, INDEX_FILTER), old, NULL, header[0]),
                     INDEX_FOUND);
    assert_int_equal(coin_stats_index_get(indexes_get(u.s, INDEX_COIN_STATS), old, &before),
                     INDEX_FOUND);
    (void)empty_block(&u, empty_block(&u, index_prev(old), 2), 2);
    check_all(&u);
    assert_int_equal(filter_index_get(indexes_get(u.s, INDEX_FILTER), old, NULL, header[1]),
                     INDEX_FOUND);
    assert_memory_equal(header[0], header[1], 32);
    assert_int_equal(coin_stats_index_get(indexes_get(u.s, INDEX_COIN_STATS), old, &after),
                     INDEX_FOUND);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(tx_index_find(indexes_get(u.s, INDEX_TX), &txid, &tx, &at), INDEX_FOUND);
    assert_ptr_equal(at, old);
    tx_unref(tx);
    (void)empty_block(&u, empty_block(&u, old, 3), 3);
    assert_true(chain_contains(u.t.chain, old));
    check_all(&u);
    tear_down(&u);
}

/* Built over a chain that is there, stopped after every job, with the chain changing meanwhile. */
static void test_restarts(void **state)
{
    struct setup u;

    (void)state;
    set_up(&u, 0);
    factory_extend(&u.t, 330, 0);
    for (int round = 0; round < 4; round++) {
        assert_true(open_indexes(&u));
        for (int id = 0; id < INDEX_COUNT && round > 0; id++) {
            int32_t height = index_height(indexes_get(u.s, (enum index_id)id));

            assert_true(height > 0 && height < 330);
            assert_false(index_synced(indexes_get(u.s, (enum index_id)id)));
        }
        close_indexes(&u); /* what was begun is done: one job of each */
        if (round == 2)
            reorganise(&u, 1, 20);
        test_chain_close(&u.t);
        assert_true(test_chain_open(&u.t));
    }
    assert_true(open_indexes(&u));
    check_all(&u);
    close_indexes(&u);
    assert_true(open_indexes(&u)); /* nothing is left to do */
    assert_int_equal(workers_pending(u.t.workers), 0);
    check_all(&u);
    tear_down(&u);
}

/* After a crash the indexes may be those of an earlier time, or of another branch. */
static void test_set_back(void **state)
{
    struct setup u;
    char *indexes, *copy;

    (void)state;
    set_up(&u, 2);
    indexes = path_join(u.t.dir, "indexes");
    copy = path_join(u.t.dir, "copy");
    assert_true(open_indexes(&u));
    factory_extend(&u.t, 110, 0);
    const struct block_index *fork = chain_tip(u.t.chain);
    const struct block_index *tip = spend_block(&u, fork, 1, 3, 1);
    tip = spend_block(&u, tip, 2, 3, 1);
    check_all(&u);
    close_indexes(&u);
    run("cp", "-r", indexes, copy);
    assert_true(open_indexes(&u));
    for (int i = 0; i < 3; i++)
        fork = empty_block(&u, fork, 5);
    assert_false(chain_contains(u.t.chain, tip));
    check_all(&u);
    close_indexes(&u);
    run("rm", "-r", indexes, "--");
    run("mv", copy, indexes, "--");
    assert_true(open_indexes(&u));
    check_all(&u);
    tear_down(&u);
    free(indexes);
    free(copy);
}

static void note_call(void *arg)
{
    ++*(int *)arg;
}

static void test_waiters(void **state)
{
    struct setup u;
    int calls[3] = {0};
    struct index *ix;

    (void)state;
    set_up(&u, 0);
    assert_true(open_indexes(&u));
    settle(&u);
    ix = indexes_get(u.s, INDEX_COIN_STATS);
    assert_true(index_synced(ix));
    factory_extend(&u.t, 3, 0);
    while (!index_behind(ix))
        (void)empty_block(&u, chain_tip(u.t.chain), 0);
    index_wait(ix, note_call, &calls[0]);
    index_wait(ix, note_call, &calls[1]);
    index_wait_cancel(ix, &calls[1]);
    assert_int_equal(calls[0], 0);
    settle(&u);
    assert_int_equal(calls[0], 1);
    assert_int_equal(calls[1], 0);
    while (!index_behind(ix))
        (void)empty_block(&u, chain_tip(u.t.chain), 0);
    index_wait(ix, note_call, &calls[2]);
    close_indexes(&u);
    assert_int_equal(calls[2], 1);
    tear_down(&u);
}

static void put(struct setup *u, const char *folder, const char *key, const void *value, size_t len)
{
    struct db_options o = {.cache_bytes = 1 << 20};
    char *path = xasprintf("%s/indexes/%s", u->t.dir, folder);
    struct db *db = db_open(path, &o, &u->error);
    struct db_batch *batch = db_batch_create(db);

    db_batch_put(batch, span_of(key, strlen(key)), span_of(value, len));
    assert_true(db_write(db, batch, true));
    db_batch_destroy(batch);
    db_close(db);
    free(path);
}

static void test_damage(void **state)
{
    static const struct {
        const char *folder, *key;
        size_t len;
        const char *message;
    } cases[] = {
        {"coinstatsindex/db", "M", 768, "its hash is not that of its last block"},
        {"coinstatsindex/db", "M", 5, "the hash of the coins is missing"},
        {"coinstatsindex/db", "B", 3, "it does not say where it stands"},
        {"coinstatsindex/db", "B", 4 + 1 + 32, "it does not say where it stands"},
        {"blockfilter/basic/db", "P", 1, "the place of the next filter is malformed"},
        {"txindex", "\016next_block_seq", 3, "its count of blocks is malformed"},
        {"txindex", "\016txid_hash_salt", 17, "its salt is malformed"},
    };
    static const uint8_t zeros[768];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct setup u;

        set_up(&u, 0);
        assert_true(open_indexes(&u));
        factory_extend(&u.t, 3, 0);
        settle(&u);
        close_indexes(&u);
        put(&u, cases[i].folder, cases[i].key, zeros, cases[i].len);
        assert_false(open_indexes(&u));
        assert_non_null(strstr(u.error, cases[i].message));
        tear_down(&u);
    }
}

static void test_unknown_best(void **state)
{
    uint8_t place[4 + 1 + 32] = {0};
    struct setup u;

    (void)state;
    set_up(&u, 0);
    assert_true(open_indexes(&u));
    settle(&u);
    close_indexes(&u);
    place[4] = 1;
    put(&u, "coinstatsindex/db", "B", place, sizeof(place));
    assert_false(open_indexes(&u));
    assert_string_equal(u.error,
                        "best block of coinstatsindex not found. Please rebuild the index.");
    tear_down(&u);
}

/* The folder that Bitcoin Core wrote: all of it is found without building anything. */
static void test_golden(void **state)
{
    const char *shared = getenv("MITE_SHARED");
    char *file = path_join(shared ? shared : "../shared", "golden/life-1.tar.xz"), *dir;
    char folder[] = "/tmp/mite-index-XXXXXX";
    struct setup u = {.no_spenders = true};

    (void)state;
    if (!path_exists(file)) {
        printf("not found: %s, test skipped\n", file);
        free(file);
        skip();
    }
    assert_non_null(mkdtemp(folder));
    dir = xasprintf("--directory=%s", folder);
    run("tar", dir, "-xf", file);
    free(dir);
    free(file);
    dir = xasprintf("%s/datadir/regtest", folder);
    test_chain_init_in(&u.t, "regtest", 0, dir);
    free(dir);
    assert_true(test_chain_open(&u.t));
    assert_true(open_indexes(&u));
    assert_int_equal(workers_pending(u.t.workers), 0);
    check_all(&u);
    factory_extend(&u.t, 5, 0);
    check_all(&u);
    tear_down(&u);
    run("rm", "-r", folder, "--");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follow),       cmocka_unit_test(test_old_branch),
        cmocka_unit_test(test_restarts),     cmocka_unit_test(test_set_back),
        cmocka_unit_test(test_waiters),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_unknown_best), cmocka_unit_test(test_golden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
