/* Whole chains of three networks from files: tips and coins hashes as Core has them. */
#include "support/chain_dir.h"
#include "unit.h"

static const struct {
    const char *file, *network, *tip, *serialized, *muhash;
    int32_t height;
    uint64_t txouts;
    int64_t total;
} known[] = {
    {"mainnet_0_599", "main", "0000000042844571bc6bce8e1c0fbec99466971eaff89fef8c0d123582181d4d",
     "6b1d7ce40dba4aac9c4d4342c1482f516885b50a6c60c814d82eefc73c9ad8a6",
     "ce93177ecb5987744529c6e484b895dea4e4b1d062aef2230583f3f32acc4f8d", 599, 601, 29950},
    {"testnet3_0_4000", "test", "00000000185b36fa6e406626a722793bea80531515e0b2a99ff05b73738901f1",
     "d47a6ca2d786f0db1f8ce4bb8d56d5b26778c8dff317f62036e56b9d7ea0e82c",
     "6a155d607dccdf17321178f9598283ca7d2b05cc7fa64f8cc4293f2533ff7124", 4000, 4197, 200000},
    {"signet_0_120", "signet", "0000013673a6d6169418a65dc888b51c10dd666ef0e82785515c2086476066ea",
     "6d9f9fd0d6598843659a78f451c1f577690c1ef4a0d9bd0c41ad3877d85d43d3",
     "a0e968901678296996072f24a75f381740acea4ef28cb1409ce2739887faf58b", 120, 120, 6000},
};

/* Skips the running test where the shared data is not there. */
static char *shared_path(const char *name)
{
    const char *dir = getenv("MITE_SHARED");
    char *path = path_join(dir ? dir : "../shared", name);

    if (!path_exists(path)) {
        printf("not found: %s, test skipped\n", path);
        free(path);
        skip();
    }
    return path;
}

static void check_state(struct test_chain *t, size_t i)
{
    char hex[HASH_HEX_SIZE];
    struct coins_stats s = test_chain_stats(t, COINS_HASH_SERIALIZED_3);

    assert_int_equal(chain_height(t->chain), known[i].height);
    assert_string_equal(hash_to_hex(hex, chain_tip(t->chain)->h.hash.b), known[i].tip);
    assert_true(s.ok);
    assert_ptr_equal(s.at, chain_tip(t->chain));
    assert_int_equal(s.txouts, known[i].txouts);
    assert_int_equal(s.total_amount, known[i].total * COIN);
    assert_string_equal(hash_to_hex(hex, s.hash), known[i].serialized);
    s = test_chain_stats(t, COINS_HASH_MUHASH);
    assert_string_equal(hash_to_hex(hex, s.hash), known[i].muhash);
}

static void import(struct test_chain *t, const char *path)
{
    char *error = NULL;
    struct block_import *imp = chain_import_start(t->chain, path, &error);

    assert_non_null(imp);
    chain_import_run(imp);
    chain_import_finish(imp);
}

static void run_sync(size_t i, unsigned threads)
{
    char *name = xasprintf("chain/sync/%s.blk", known[i].file), *path = shared_path(name);
    struct test_chain t;

    test_chain_init(&t, known[i].network, threads);
    t.opts.check_block_index = known[i].height < 200; /* it costs the square of the height */
    assert_true(test_chain_open(&t));
    import(&t, path);
    check_state(&t, i);
    test_chain_close(&t);
    assert_true(test_chain_open(&t));
    check_state(&t, i);
    test_chain_close(&t);
    t.opts.reindex_chainstate = true;
    assert_true(test_chain_open(&t));
    chain_drain(t.chain);
    check_state(&t, i);
    test_chain_clear(&t);
    free(name);
    free(path);
}

static void test_sync(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        run_sync(i, 2);
        run_sync(i, 0);
    }
}

static void test_reindex(void **state)
{
    char *path = shared_path("chain/sync/testnet3_0_4000.blk");
    struct test_chain t;
    struct block_import *imp;

    (void)state;
    test_chain_init(&t, "test", 2);
    t.opts.check_block_index = false;
    assert_true(test_chain_open(&t));
    import(&t, path);
    test_chain_close(&t);
    t.opts.reindex = true;
    assert_true(test_chain_open(&t));
    assert_int_equal(chain_height(t.chain), 0);
    imp = chain_reindex_start(t.chain);
    assert_non_null(imp);
    for (int i = 0; i < 20; i++)
        (void)chain_import_step(imp); /* cut off in the middle: the next start goes on */
    chain_import_finish(imp);
    test_chain_close(&t);
    t.opts.reindex = false;
    assert_true(test_chain_open(&t));
    imp = chain_reindex_start(t.chain);
    assert_non_null(imp);
    chain_import_run(imp);
    chain_import_finish(imp);
    check_state(&t, 1);
    assert_null(chain_reindex_start(t.chain));
    test_chain_close(&t);
    assert_true(test_chain_open(&t));
    assert_null(chain_reindex_start(t.chain));
    check_state(&t, 1);
    test_chain_clear(&t);
    free(path);
}

/* Any one bit flipped anywhere: the block is refused, those before it are there, and the node goes
 * on and takes the right file. */
static void test_flipped_bit(void **state)
{
    char *path = shared_path("chain/sync/mainnet_0_599.blk"), *bad;
    struct buf file = BUF_INIT;
    struct test_chain t;

    (void)state;
    shared_append("chain/sync/mainnet_0_599.blk", &file);
    for (int round = 0; round < 12; round++) {
        uint64_t at = 293 + test_rand() % (file.len - 293); /* behind the genesis block */

        print_message("bit flipped at %llu\n", (unsigned long long)at);
        test_chain_init(&t, "main", round % 3);
        t.opts.check_block_index = false;
        assert_true(test_chain_open(&t));
        bad = path_join(t.dir, "bad.blk");
        file.data[at] ^= 4;
        assert_true(file_replace(bad, file.data, file.len));
        file.data[at] ^= 4;
        import(&t, bad);
        assert_true(chain_height(t.chain) < 599);
        assert_null(t.fatal);
        import(&t, path);
        check_state(&t, 0);
        test_chain_clear(&t);
        free(bad);
    }
    buf_clear(&file);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_reindex),
        cmocka_unit_test(test_flipped_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
