/* The coins cache against a plain model: random changes, flushes cut off anywhere, reopening. */
#include "store/coins.h"
#include "unit.h"

#define POINTS 400

/* What should be there: height 0 is no coin. */
struct model {
    struct coin coins[POINTS];
    uint8_t scripts[POINTS][40];
};

static struct outpoint point(unsigned i)
{
    struct outpoint o = {.n = i % 7 == 0 ? 16500 + i : i % 5};

    memset(o.txid.b, 0, 32);
    o.txid.b[0] = (uint8_t)(i / 16);
    o.txid.b[31] = (uint8_t)i;
    o.txid.b[30] = (uint8_t)(i >> 8);
    return o;
}

static struct coins *open_coins(const char *dir, size_t cache)
{
    struct coins_options opts = {.cache_bytes = cache, .db_cache_bytes = (size_t)1 << 20};
    char *error = NULL, *path = path_join(dir, "chainstate");
    struct coins *c = coins_open(path, &opts, &error);

    assert_non_null(c);
    free(path);
    return c;
}

static void check_point(struct coins *c, const struct model *m, unsigned i)
{
    struct outpoint o = point(i);
    struct buf memory = BUF_INIT;
    struct coin got;
    enum coin_result res = coins_get(c, &o, &got, &memory);

    assert_int_equal(res, m->coins[i].height ? COIN_FOUND : COIN_MISSING);
    if (res == COIN_FOUND) {
        assert_int_equal(got.height, m->coins[i].height);
        assert_int_equal(got.coinbase, m->coins[i].coinbase);
        assert_int_equal(got.out.value, m->coins[i].out.value);
        assert_true(span_eq(got.out.script_pubkey, m->coins[i].out.script_pubkey));
    }
    buf_clear(&memory);
}

static void change(struct coins *c, struct model *m, unsigned i)
{
    struct outpoint o = point(i);
    struct arena memory = ARENA_INIT;
    struct coin got;

    if (m->coins[i].height) {
        if (test_rand() & 1) {
            assert_int_equal(coins_spend(c, &o, &got, &memory), COIN_FOUND);
            assert_int_equal(got.height, m->coins[i].height);
        } else {
            assert_int_equal(coins_remove(c, &o), COIN_FOUND);
        }
        m->coins[i].height = 0;
    } else if (test_rand() % 8 == 0) {
        assert_int_equal(coins_spend(c, &o, &got, &memory), COIN_MISSING);
    } else {
        size_t len = test_rand() % sizeof(m->scripts[i]);

        test_rand_bytes(m->scripts[i], len);
        if (len && m->scripts[i][0] == 0x6a)
            m->scripts[i][0] = 0;
        m->coins[i] =
            (struct coin){{(int64_t)(test_rand() % MAX_MONEY), span_of(m->scripts[i], len)},
                          1 + (uint32_t)(test_rand() % 800000),
                          test_rand() & 1};
        coins_add(c, &o, &m->coins[i], test_rand() & 1);
    }
    arena_clear(&memory);
}

/* The way of the pipeline's workers: asked before, read and put in some changes later. */
struct ahead {
    struct outpoint o;
    uint32_t epoch;
    struct buf bytes;
    bool out;
};

static void fetch_ahead(struct coins *c, struct ahead *a)
{
    if (a->out) {
        coins_fetched(c, a->epoch, &a->o, buf_span(&a->bytes));
        buf_clear(&a->bytes);
        a->out = false;
        return;
    }
    a->o = point((unsigned)(test_rand() % POINTS));
    if (coins_cached(c, &a->o))
        return;
    a->epoch = coins_epoch(c);
    a->out = true;
    assert_int_not_equal(coins_read_db(c, &a->o, &a->bytes), COIN_ERROR);
}

struct flushing {
    struct coins_flush *f;
    int stage; /* 0: none, 1: cut off, 2: written, being ended */
};

static void flush_step(struct coins *c, struct flushing *f, const struct model *m,
                       struct model *on_disk, struct model *cut)
{
    static const struct block_hash best = {{7}};
    char *error = NULL;

    switch (f->stage) {
    case 0:
        *cut = *m;
        for (unsigned i = 0; i < POINTS; i++)
            cut->coins[i].out.script_pubkey.data = cut->scripts[i];
        f->f = coins_flush_begin(c, &best);
        f->stage = 1;
        break;
    case 1:
        assert_true(coins_flush_write(f->f, &error));
        *on_disk = *cut;
        for (unsigned i = 0; i < POINTS; i++)
            on_disk->coins[i].out.script_pubkey.data = on_disk->scripts[i];
        f->stage = 2;
        break;
    default:
        if (coins_flush_end(f->f, 1 + test_rand() % 60))
            f->stage = 0;
        break;
    }
}

static void random_life(size_t cache)
{
    static struct model m, on_disk, cut;
    struct ahead ahead[8] = {0};
    struct flushing f = {0};
    char *dir = temp_dir();
    struct coins *c = open_coins(dir, cache);

    memset(&m, 0, sizeof(m));
    on_disk = m;
    for (int step = 0; step < 40000; step++) {
        unsigned i = (unsigned)(test_rand() % POINTS);

        switch (test_rand() % 16) {
        case 0: coins_evict(c, 50); break;
        case 1: fetch_ahead(c, &ahead[test_rand() % ARRAY_LEN(ahead)]); break;
        case 2:
            if (test_rand() % 4 == 0)
                flush_step(c, &f, &m, &on_disk, &cut);
            break;
        case 3: check_point(c, &m, i); break;
        default: change(c, &m, i); break;
        }
        if (test_rand() % 3000 == 0 && f.stage != 1) { /* as after a crash: only what was written */
            while (f.stage && !coins_flush_end(f.f, 1000))
                continue;
            f.stage = 0;
            coins_close(c);
            c = open_coins(dir, cache);
            m = on_disk;
            for (unsigned k = 0; k < POINTS; k++) {
                m.coins[k].out.script_pubkey.data = m.scripts[k];
                check_point(c, &m, k);
            }
            for (size_t k = 0; k < ARRAY_LEN(ahead); k++) {
                ahead[k].out = false;
                buf_clear(&ahead[k].bytes);
            }
        }
    }
    for (unsigned i = 0; i < POINTS; i++)
        check_point(c, &m, i);
    for (size_t k = 0; k < ARRAY_LEN(ahead); k++)
        buf_clear(&ahead[k].bytes);
    if (f.stage)
        while (!coins_flush_end(f.f, 1000))
            continue;
    coins_close(c);
    temp_dir_remove(dir);
}

static void test_random(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        random_life(i & 1 ? (size_t)1 << 20 : 0); /* 0: everything clean is evicted */
}

/* Coins that come and go between flushes leave nothing, neither in memory nor on disk. */
static void test_fresh_leaves_nothing(void **state)
{
    char *dir = temp_dir(), *error = NULL;
    struct coins *c = open_coins(dir, (size_t)8 << 20);
    const struct block_hash best = {{1}};
    struct block_hash read, heads[2];
    struct arena memory = ARENA_INIT;
    struct coin coin = {.out = {50, {NULL, 0}}, .height = 3}, out;
    struct coins_flush *f;
    bool in_flush;

    (void)state;
    for (unsigned i = 0; i < POINTS; i++) {
        struct outpoint o = point(i);

        coins_add(c, &o, &coin, false);
        assert_int_equal(coins_spend(c, &o, &out, &memory), COIN_FOUND);
    }
    assert_int_equal(coins_count(c), 0);
    assert_int_equal(coins_dirty_memory(c), 0);
    f = coins_flush_begin(c, &best);
    assert_true(coins_flush_write(f, &error));
    assert_true(coins_flush_end(f, 1000000));
    assert_true(coins_best(c, &read, &in_flush, heads));
    assert_false(in_flush);
    assert_true(block_hash_eq(&read, &best));
    arena_clear(&memory);
    coins_close(c);
    temp_dir_remove(dir);
}

/* The budget: what the cache takes from the system for each coin of common size. */
static void test_memory(void **state)
{
    char *dir = temp_dir();
    struct coins *c = open_coins(dir, (size_t)1 << 30);
    uint8_t script[25] = {0x76, 0xa9, 20, [23] = 0x88, [24] = 0xac};
    struct coin coin = {.out = {0, {script, sizeof(script)}}, .height = 700000};
    const size_t n = 300000;
    struct outpoint o = {.n = 1};

    (void)state;
    for (size_t i = 0; i < n; i++) {
        test_rand_bytes(o.txid.b, 32);
        coin.out.value = (int64_t)(test_rand() % (MAX_MONEY / 1000));
        coins_add(c, &o, &coin, false);
    }
    print_message("%zu bytes for each of %zu coins\n", coins_memory(c) / n, n);
    assert_true(coins_memory(c) <= 104 * n);
    coins_close(c);
    temp_dir_remove(dir);
}

/* Opening something that is no database is an error, and says where. */
static void test_damaged(void **state)
{
    char *dir = temp_dir(), *path = path_join(dir, "chainstate"), *current, *error = NULL;
    struct coins_options opts = {.cache_bytes = 1 << 20, .db_cache_bytes = 1 << 20};
    struct coins *c = coins_open(path, &opts, &error);

    (void)state;
    assert_non_null(c);
    coins_close(c);
    current = path_join(path, "CURRENT");
    assert_true(file_replace(current, "MANIFEST-999999\n", 16));
    assert_null(coins_open(path, &opts, &error));
    assert_non_null(strstr(error, path));
    free(error);
    free(current);
    free(path);
    temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_fresh_leaves_nothing),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
