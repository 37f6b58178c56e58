/* mempool.dat and the files of fee estimates: round trips, damage, and those that Core left. */
#include <unistd.h>

#include "mempool/fees.h"
#include "mempool/mempool.h"
#include "support/mock_chain.h"
#include "unit.h"
#include "util/time.h"

#define NOW 1700000000

struct fixture {
    struct chain *chain;
    struct mempool *pool;
    char *dir, *path;
};

static void new_pool(struct fixture *f, bool v1)
{
    struct mempool_options o;
    mempool_options_init(&o);
    o.chain = f->chain;
    o.persist_v1 = v1;
    mempool_destroy(f->pool);
    mock_chain_forget_subscribers(f->chain);
    f->pool = mempool_create(&o);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    time_set_mock(NOW);
    f->chain = mock_chain_create(300);
    f->dir = temp_dir();
    f->path = path_join(f->dir, "mempool.dat");
    new_pool(f, false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mempool_destroy(f->pool);
    mock_chain_destroy(f->chain);
    temp_dir_remove(f->dir);
    free(f->path);
    free(f);
    time_set_mock(0);
    return 0;
}

static struct txid fill(struct fixture *f)
{
    struct txid last = {{0}};
    for (unsigned i = 0; i < 20; i++) {
        struct outpoint at = mock_coin(f->chain, COIN, false, 100);
        int64_t value = COIN - 1000 - i * 100;
        struct tx *a = mock_tx(&at, 1, &value, 1, 2);
        struct outpoint next = {a->txid, 0};
        value -= 5000;
        struct tx *b = mock_tx(&next, 1, &value, 1, 2);
        struct accept_result r;
        assert_true(mempool_accept_at(f->pool, a, 0, NOW - i, &r));
        accept_result_clear(&r);
        assert_true(mempool_accept_at(f->pool, b, 0, NOW - i, &r));
        accept_result_clear(&r);
        last = a->txid;
        tx_unref(a);
        tx_unref(b);
    }
    return last;
}

static const struct mempool_load_options whole = {.apply_fee_deltas = true,
                                                  .apply_unbroadcast = true};

static void round_trip(struct fixture *f, bool v1)
{
    char *error = NULL;
    struct txid absent = {{1, 2, 3}}, one;
    new_pool(f, v1);
    one = fill(f);
    mempool_prioritise(f->pool, &one, 777);
    mempool_prioritise(f->pool, &absent, -5);
    mempool_set_unbroadcast(f->pool, &one, true);
    int64_t time = mempool_get(f->pool, &one)->time, fee = mempool_total_fee(f->pool);
    assert_true(mempool_save(f->pool, f->path, &error));
    new_pool(f, v1);
    assert_true(mempool_load(f->pool, f->path, &whole, &error));
    mempool_check(f->pool);
    assert_int_equal(mempool_count(f->pool), 40);
    assert_int_equal(mempool_total_fee(f->pool), fee);
    const struct mempool_entry *e = mempool_get(f->pool, &one);
    assert_int_equal(e->time, time);
    assert_int_equal(e->fee_delta, 777);
    assert_true(e->unbroadcast);
    size_t n;
    free(mempool_deltas(f->pool, &n));
    assert_int_equal(n, 2);
    /* Only what the caller wants of the file. */
    static const struct mempool_load_options plain = {.use_current_time = true};
    new_pool(f, v1);
    assert_true(mempool_load(f->pool, f->path, &plain, &error));
    assert_int_equal(mempool_get(f->pool, &one)->time, NOW);
    assert_int_equal(mempool_unbroadcast_count(f->pool), 0);
    free(mempool_deltas(f->pool, &n));
    assert_int_equal(n, 0);
}

static void plain_file(void **state)
{
    round_trip(*state, true);
}

static void obfuscated_file(void **state)
{
    round_trip(*state, false);
}

/* However it is cut, loading says so, takes what is whole, and does not fall over. */
static void damaged_file(void **state)
{
    struct fixture *f = *state;
    char *error = NULL;
    struct buf b = BUF_INIT;
    fill(f);
    assert_true(mempool_save(f->pool, f->path, &error));
    assert_true(file_read(f->path, &b, 1 << 20));
    for (size_t len = 0; len < b.len; len += 1 + (size_t)(test_rand() % 97)) {
        assert_true(file_replace(f->path, b.data, len));
        new_pool(f, false);
        assert_false(mempool_load(f->pool, f->path, &whole, &error));
        assert_non_null(error);
        free(error);
        error = NULL;
        mempool_check(f->pool);
    }
    for (unsigned i = 0; i < 200; i++) {
        size_t at = (size_t)(test_rand() % b.len);
        uint8_t was = b.data[at];
        b.data[at] ^= (uint8_t)(1 + test_rand() % 255);
        assert_true(file_replace(f->path, b.data, b.len));
        b.data[at] = was;
        new_pool(f, false);
        if (!mempool_load(f->pool, f->path, &whole, &error))
            free(error);
        error = NULL;
        mempool_check(f->pool);
    }
    buf_clear(&b);
}

static void expired_on_load(void **state)
{
    struct fixture *f = *state;
    char *error = NULL;
    fill(f);
    assert_true(mempool_save(f->pool, f->path, &error));
    time_set_mock(NOW + DEFAULT_MEMPOOL_EXPIRY_HOURS * 3600);
    new_pool(f, false);
    assert_true(mempool_load(f->pool, f->path, &whole, &error));
    assert_int_equal(mempool_count(f->pool), 0);
}

/* ---- fee estimates ---- */

static char *fees_path(const struct fixture *f, const char *name)
{
    char *folder = path_join(f->dir, "fees"), *path = path_join(folder, name);
    assert_true(make_dirs(folder));
    free(folder);
    return path;
}

#define BLOCKS_FILE "block_policy_estimates.dat"

/* The file that Core left is read, and written again as it was. */
static void golden_fees(void **state)
{
    struct fixture *f = *state;
    struct buf golden = BUF_INIT, again = BUF_INIT;
    shared_append("golden/life-1.tar.xz", &golden); /* skips where the data is not there */
    buf_reset(&golden);
    const char *shared = getenv("MITE_SHARED");
    char *command = xasprintf("tar -xJf %s/golden/life-1.tar.xz -C %s --strip-components=2 "
                              "datadir/regtest/fees",
                              shared ? shared : "../shared", f->dir);
    assert_int_equal(system(command), 0);
    free(command);
    char *path = fees_path(f, BLOCKS_FILE);
    assert_true(file_read(path, &golden, 1 << 24));
    struct fee_estimator *e = fees_create(f->pool, f->chain);
    fees_load(e, f->dir, true);
    assert_true(fees_save(e, f->dir));
    assert_true(file_read(path, &again, 1 << 24));
    assert_int_equal(again.len, golden.len);
    assert_memory_equal(again.data, golden.data, golden.len);
    fees_destroy(e);
    buf_clear(&golden);
    buf_clear(&again);
    free(path);
}

static struct tx *pay(struct fixture *f, int64_t fee)
{
    struct outpoint at = mock_coin(f->chain, COIN, false, 100);
    int64_t value = COIN - fee;
    struct tx *tx = mock_tx(&at, 1, &value, 1, 2);
    struct accept_result r;
    assert_true(mempool_accept(f->pool, tx, 0, &r));
    accept_result_clear(&r);
    return tx;
}

/* Half of the transactions pay well and are mined at once, half pay little and wait ten blocks. */
static void live_market(struct fixture *f, unsigned blocks)
{
    struct tx *waiting[10][4] = {{NULL}};
    for (unsigned i = 0; i < blocks; i++) {
        struct tx *now[8];
        size_t n = 0;
        time_set_mock(chain_tip(f->chain)->h.time + 1);
        for (unsigned k = 0; k < 4; k++) {
            now[n++] = pay(f, 10000);
            if (waiting[i % 10][k])
                now[n++] = waiting[i % 10][k];
            waiting[i % 10][k] = pay(f, 200);
        }
        mock_connect(f->chain, (const struct tx *const *)now, n);
        for (size_t k = 0; k < n; k++)
            tx_unref(now[k]);
    }
    for (unsigned i = 0; i < 10; i++)
        for (unsigned k = 0; k < 4; k++)
            tx_unref(waiting[i][k]);
}

static void estimates(void **state)
{
    struct fixture *f = *state;
    struct fee_estimator *e = fees_create(f->pool, f->chain);
    struct fee_estimate quick = fees_estimate(e, FEE_POLICY_BLOCKS, 2, true);
    assert_string_equal(quick.error, "Insufficient data or no feerate found");
    live_market(f, 200);
    quick = fees_estimate(e, FEE_POLICY_BLOCKS, 2, false);
    struct fee_estimate slow = fees_estimate(e, FEE_POLICY_BLOCKS, 24, false);
    assert_null(quick.error);
    assert_null(slow.error);
    assert_int_equal(slow.target, 24);
    /* 10,000 and 200 satoshi over some 94 vB. */
    assert_in_range(quick.feerate, 90000, 110000);
    assert_in_range(slow.feerate, 1900, 2200);
    struct fee_raw raw;
    fees_estimate_raw(e, 2, 0.95, FEE_HORIZON_SHORT, &raw);
    assert_int_equal(raw.feerate, quick.feerate);
    assert_true(raw.fail.start >= 0 && raw.fail.end < raw.pass.start * 1.1 + 1);
    assert_int_equal(fees_estimate(e, FEE_POLICY_BLOCKS, 1008, false).target, 99);
    fees_destroy(e);
}

static void fees_round_trip(void **state)
{
    struct fixture *f = *state;
    struct fee_estimator *e = fees_create(f->pool, f->chain);
    live_market(f, 150);
    struct fee_estimate before = fees_estimate(e, FEE_POLICY_BLOCKS, 6, true);
    fees_flush_unconfirmed(e);
    assert_true(fees_save(e, f->dir));
    fees_destroy(e);
    new_pool(f, false);
    e = fees_create(f->pool, f->chain);
    fees_load(e, f->dir, false);
    struct fee_estimate after = fees_estimate(e, FEE_POLICY_BLOCKS, 6, true);
    assert_int_equal(after.feerate, before.feerate);
    assert_int_equal(after.target, before.target);
    struct fees_block_stats stats[FEES_HEALTH_BLOCKS];
    assert_int_equal(fees_block_stats(e, stats), FEES_HEALTH_BLOCKS);
    assert_int_equal(stats[FEES_HEALTH_BLOCKS - 1].height, chain_height(f->chain));
    fees_destroy(e);
}

static void damaged_fees(void **state)
{
    struct fixture *f = *state;
    struct fee_estimator *e = fees_create(f->pool, f->chain);
    char *path = fees_path(f, BLOCKS_FILE);
    struct buf b = BUF_INIT;
    live_market(f, 20);
    assert_true(fees_save(e, f->dir));
    assert_true(file_read(path, &b, 1 << 24));
    for (unsigned i = 0; i < 60; i++) {
        size_t at = (size_t)(test_rand() % (i % 2 ? b.len : 4000));
        uint8_t was = b.data[at];
        b.data[at] ^= (uint8_t)(1 + test_rand() % 255);
        assert_true(file_replace(path, b.data, i % 3 ? b.len : at));
        b.data[at] = was;
        fees_load(e, f->dir, true);
        fees_estimate(e, FEE_POLICY_BLOCKS, 1 + (int)(test_rand() % 1008), i % 2);
    }
    fees_destroy(e);
    buf_clear(&b);
    free(path);
}

int main(void)
{
#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        FILE_TEST(plain_file),   FILE_TEST(obfuscated_file), FILE_TEST(damaged_file),
        FILE_TEST(golden_fees),  FILE_TEST(expired_on_load), FILE_TEST(estimates),
        FILE_TEST(damaged_fees), FILE_TEST(fees_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
