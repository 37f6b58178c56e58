/*
 * The built-in miner on a real chain: it extends regtest, follows a tip that somebody else made,
 * pays the script it was told, and stops within milliseconds where a block is far away.
 */

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mining/mining.h"
#include "support/chain_dir.h"
#include "unit.h"
#include "util/time.h"

static const uint8_t op_true[] = {0x51};

struct fixture {
    struct test_chain t;
    struct miner *miner;
    int wake; /* an eventfd */
};

static void wake(void *arg)
{
    const struct fixture *f = arg;
    uint64_t one = 1;
    assert_int_equal(write(f->wake, &one, sizeof(one)), sizeof(one));
}

static void start(struct fixture *f, const char *network, unsigned threads, int64_t max_tip_age)
{
    f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    test_chain_init(&f->t, network, 2);
    f->t.opts.max_tip_age = max_tip_age;
    assert_true(test_chain_open(&f->t));
    struct miner_options o = {.chain = f->t.chain,
                              .tmpl = {.max_weight = MAX_BLOCK_WEIGHT,
                                       .reserved_weight = DEFAULT_BLOCK_RESERVED_WEIGHT,
                                       .reserved_sigops = DEFAULT_BLOCK_RESERVED_SIGOPS,
                                       .min_feerate = DEFAULT_BLOCK_MIN_FEERATE},
                              .script = span_of(op_true, sizeof(op_true)),
                              .threads = threads,
                              .wake = wake,
                              .wake_arg = f};
    f->miner = miner_start(&o);
}

static void stop(struct fixture *f)
{
    int64_t before = time_mono_us();
    miner_stop(f->miner);
    assert_true(time_mono_us() - before < 500000); /* milliseconds, on an idle machine */
    test_chain_clear(&f->t);
    close(f->wake);
}

/* What the owner's loop does when it is woken, or after `timeout_ms`. */
static void turn(struct fixture *f, int timeout_ms)
{
    struct pollfd p = {.fd = f->wake, .events = POLLIN};
    uint64_t n;
    if (poll(&p, 1, timeout_ms) == 1)
        assert_int_equal(read(f->wake, &n, sizeof(n)), sizeof(n));
    workers_reap(f->t.workers);
    chain_poll(f->t.chain);
    miner_poll(f->miner);
}

static void until_height(struct fixture *f, int32_t height)
{
    int64_t end = time_mono_us() + 30000000;
    while (chain_height(f->t.chain) < height && time_mono_us() < end)
        turn(f, 1000);
    assert_true(chain_height(f->t.chain) >= height);
}

static void extends_the_chain(void **state)
{
    (void)state;
    struct fixture f;
    struct miner_stats stats;
    start(&f, "regtest", 3, INT64_MAX / 2);
    until_height(&f, 30);
    miner_stats(f.miner, &stats);
    assert_int_equal(stats.blocks_found, chain_height(f.t.chain));
    assert_int_equal(stats.threads, 3);
    assert_true(stats.hashes >= stats.blocks_found);
    for (int32_t h = 1; h <= 30; h++) {
        bool error;
        struct block *b = chain_read_block(f.t.chain, chain_at(f.t.chain, h), &error);
        assert_non_null(b);
        assert_true(span_eq(b->tx[0]->out[0].script_pubkey, span_of(op_true, sizeof(op_true))));
        block_unref(b);
    }
    /* Somebody else's block: the next ones are on top of it. */
    const struct block_index *other = factory_extend(&f.t, 1, 7);
    until_height(&f, other->h.height + 5);
    assert_true(chain_contains(f.t.chain, other));
    stop(&f);
}

static void stops_far_from_a_block(void **state)
{
    (void)state;
    struct fixture f;
    struct miner_stats stats;
    start(&f, "test", 2, 86400); /* 2^32 hashes a block */
    int64_t end = time_mono_us() + 60000000;
    do {
        turn(&f, 20);
        miner_stats(f.miner, &stats);
    } while (stats.hashes < 100000 && time_mono_us() < end);
    assert_true(stats.hashes >= 100000);
    assert_true(stats.hashes_per_second > 0);
    assert_int_equal(stats.blocks_found, 0);
    assert_int_equal(chain_height(f.t.chain), 0);
    stop(&f);
}

/* Nothing is mined on a chain of value that is far behind. */
static void rests_while_syncing(void **state)
{
    (void)state;
    struct fixture f;
    struct miner_stats stats;
    start(&f, "main", 1, 86400);
    for (int i = 0; i < 5; i++)
        turn(&f, 10);
    miner_stats(f.miner, &stats);
    assert_int_equal(stats.hashes, 0);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extends_the_chain),
        cmocka_unit_test(stops_far_from_a_block),
        cmocka_unit_test(rests_while_syncing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
