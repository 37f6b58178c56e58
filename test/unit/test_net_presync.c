/* Headers of a chain that must first prove its work: two passes, and those who cheat in either. */
#include "net/internal.h"
#include "support/chain_dir.h"
#include "unit.h"

#define CHAIN 4500

static struct header chain[CHAIN];
static struct test_chain tc;
static const struct block_index *genesis;

static int setup(void **state)
{
    struct block_hash prev;
    (void)state;
    test_chain_init(&tc, "regtest", 0);
    assert_true(test_chain_open(&tc));
    genesis = chain_tip(tc.chain);
    prev = genesis->h.hash;
    for (int i = 0; i < CHAIN; i++) {
        chain[i] = (struct header){.version = 4,
                                   .prev = prev,
                                   .time = genesis->h.time + 600u * (unsigned)i,
                                   .bits = genesis->h.bits};
        memcpy(chain[i].merkle_root, &i, sizeof(i));
        for (;;) { /* regtest's work is two tries */
            prev = header_hash(&chain[i]);
            if (pow_check(&prev, chain[i].bits, tc.opts.net))
                break;
            chain[i].nonce++;
        }
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_chain_clear(&tc);
    return 0;
}

static struct headers_presync *start(int blocks)
{
    struct u256 work =
        u256_add(genesis->h.work, u256_mul_u64(bits_work(genesis->h.bits), (uint64_t)blocks));
    return presync_create(tc.opts.net, genesis, &work, genesis->h.time + 86400 * 365);
}

struct step {
    enum presync_result res;
    struct header *out;
    size_t n;
    bool done;
    const char *why;
};

static struct step feed(struct headers_presync *s, const struct header *h, size_t n)
{
    struct step st = {0};
    st.res = presync_process(s, h, n, n == MAX_HEADERS, &st.out, &st.n, &st.done, &st.why);
    return st;
}

static void test_honest(void **state)
{
    struct headers_presync *s = start(4200);
    struct block_hash locator[2];
    struct step st;
    (void)state;
    st = feed(s, chain, 2000);
    assert_int_equal(st.res, PRESYNC_MORE);
    assert_int_equal(presync_height(s), 2000);
    presync_locator(s, locator);
    assert_memory_equal(locator[0].b, chain[2000].prev.b, 32);
    assert_int_equal(feed(s, chain + 2000, 2000).res, PRESYNC_MORE);
    assert_int_equal(feed(s, chain + 4000, 500).res, PRESYNC_MORE);
    assert_int_equal(presync_height(s), -1); /* the second pass, from the start */
    presync_locator(s, locator);
    assert_memory_equal(locator[0].b, genesis->h.hash.b, 32);
    st = feed(s, chain, 2000);
    assert_int_equal(st.res, PRESYNC_MORE);
    assert_false(st.done);
    assert_int_equal(feed(s, chain + 2000, 2000).res, PRESYNC_MORE);
    st = feed(s, chain + 4000, 500);
    assert_int_equal(st.res, PRESYNC_HEADERS);
    assert_true(st.done);
    assert_int_equal(st.n, CHAIN);
    assert_memory_equal(st.out, chain, sizeof(chain));
    free(st.out);
    presync_free(s);
}

static void test_short(void **state)
{
    struct headers_presync *s = start(4600);
    (void)state;
    feed(s, chain, 2000);
    feed(s, chain + 2000, 2000);
    assert_int_equal(feed(s, chain + 4000, 500).res, PRESYNC_FAILED);
    presync_free(s);
}

static void test_gap(void **state)
{
    struct headers_presync *s = start(4200);
    (void)state;
    feed(s, chain, 2000);
    assert_int_equal(feed(s, chain + 2001, 2000).res, PRESYNC_FAILED);
    presync_free(s);
}

/* Another chain in the second pass: one of its kept bits differs, most likely; without luck it gets
 * nowhere, for nothing is released before the work is there. */
static void test_switch(void **state)
{
    static struct header other[2000];
    struct headers_presync *s = start(4200);
    struct block_hash prev = genesis->h.hash;
    struct step st;
    (void)state;
    feed(s, chain, 2000);
    feed(s, chain + 2000, 2000);
    feed(s, chain + 4000, 500);
    for (int i = 0; i < 2000; i++) {
        other[i] = chain[i];
        other[i].prev = prev;
        other[i].version = 5;
        prev = header_hash(&other[i]);
    }
    st = feed(s, other, 2000);
    assert_true(st.res == PRESYNC_FAILED || st.res == PRESYNC_MORE);
    assert_int_equal(st.n, 0);
    if (st.res == PRESYNC_MORE) {
        st = feed(s, chain + 2000, 2000);
        assert_int_equal(st.res, PRESYNC_FAILED);
    }
    presync_free(s);
}

/* More headers than time allows. */
static void test_endless(void **state)
{
    struct u256 work = u256_mul_u64(bits_work(genesis->h.bits), 1000000);
    struct headers_presync *s =
        presync_create(tc.opts.net, genesis, &work, (int64_t)genesis->h.time - 2 * 60 * 60 + 110);
    (void)state;
    struct step st = feed(s, chain, 2000); /* 110 seconds: 660 blocks at most, one bit */
    if (st.res == PRESYNC_MORE)
        st = feed(s, chain + 2000, 2000);
    assert_int_equal(st.res, PRESYNC_FAILED);
    presync_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest), cmocka_unit_test(test_short),   cmocka_unit_test(test_gap),
        cmocka_unit_test(test_switch), cmocka_unit_test(test_endless),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
