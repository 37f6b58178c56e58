/* Requests of transactions: whom, when, one at a time; random histories against the rules. */
#include "net/txrequest.h"
#include "unit.h"

static struct tx_want hash(unsigned n)
{
    struct tx_want w = {.wtxid = true};
    memcpy(w.hash, &n, sizeof(n));
    return w;
}

static size_t due(struct txrequest *t, int peer, int64_t now)
{
    struct tx_want out[100];
    return txrequest_due(t, peer, now, out, 100);
}

static void test_preference(void **state)
{
    struct txrequest *t = txrequest_create();
    struct tx_want w = hash(1);
    (void)state;
    txrequest_announce(t, 1, &w, false, 2000);
    txrequest_announce(t, 2, &w, true, 1000);
    txrequest_announce(t, 2, &w, true, 5000); /* known already */
    assert_int_equal(txrequest_size(t), 2);
    assert_int_equal(due(t, 2, 999), 0);
    assert_int_equal(due(t, 1, 1500), 0);
    assert_int_equal(due(t, 2, 1500), 1);
    assert_int_equal(due(t, 1, 3000), 0); /* the preferred one is chosen */
    txrequest_requested(t, 2, w.hash, 10000);
    assert_int_equal(txrequest_inflight(t, 2), 1);
    assert_int_equal(due(t, 1, 9999), 0);
    assert_int_equal(due(t, 1, 10000), 1); /* no answer: the next */
    assert_int_equal(txrequest_inflight(t, 2), 0);
    txrequest_requested(t, 1, w.hash, 20000);
    txrequest_answered(t, 1, w.hash); /* notfound: nobody is left */
    assert_int_equal(txrequest_size(t), 0);
    assert_int_equal(txrequest_count(t, 1), 0);
    txrequest_destroy(t);
}

static void test_order(void **state)
{
    struct txrequest *t = txrequest_create();
    struct tx_want out[10];
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct tx_want w = hash(i);
        txrequest_announce(t, 7, &w, true, 20 - i);
    }
    assert_int_equal(txrequest_due(t, 7, 100, out, 10), 10);
    for (unsigned i = 0; i < 10; i++) {
        struct tx_want w = hash(i);
        assert_memory_equal(out[i].hash, w.hash, 32);
    }
    txrequest_forget_peer(t, 7);
    assert_int_equal(txrequest_size(t), 0);
    txrequest_destroy(t);
}

static void test_forget(void **state)
{
    struct txrequest *t = txrequest_create();
    struct tx_want a = hash(1), b = hash(2);
    int peers[4];
    (void)state;
    for (int p = 1; p <= 3; p++) {
        txrequest_announce(t, p, &a, false, 0);
        txrequest_announce(t, p, &b, false, 0);
    }
    assert_int_equal(txrequest_candidates(t, a.hash, peers, 4), 3);
    txrequest_forget(t, a.hash);
    assert_int_equal(txrequest_size(t), 3);
    assert_int_equal(txrequest_candidates(t, a.hash, peers, 4), 0);
    assert_int_equal(due(t, 1, 1) + due(t, 2, 1) + due(t, 3, 1), 1);
    txrequest_destroy(t);
}

/* The one that is asked goes away: another is chosen at once. */
static void test_peer_leaves(void **state)
{
    struct txrequest *t = txrequest_create();
    struct tx_want w = hash(9);
    (void)state;
    txrequest_announce(t, 1, &w, true, 0);
    txrequest_announce(t, 2, &w, false, 0);
    assert_int_equal(due(t, 1, 1), 1);
    txrequest_requested(t, 1, w.hash, 1000);
    txrequest_forget_peer(t, 1);
    assert_int_equal(due(t, 2, 1), 1);
    txrequest_destroy(t);
}

#define PEERS 8
#define TXS   30
enum what { NOTHING, ANNOUNCED, ASKED, ANSWERED };

/* A model: who announced what, and who is being asked. */
static void test_random(void **state)
{
    struct txrequest *t = txrequest_create();
    enum what model[PEERS][TXS] = {{NOTHING}};
    int64_t now = 0;
    (void)state;
    for (int step = 0; step < 50000; step++) {
        unsigned p = (unsigned)(test_rand() % PEERS), x = (unsigned)(test_rand() % TXS);
        struct tx_want w = hash(x), out[TXS];
        now += (int64_t)(test_rand() % 3);
        switch (test_rand() % 6) {
        case 0:
        case 1:
            txrequest_announce(t, (int)p, &w, p % 2, now + (int64_t)(test_rand() % 20));
            if (model[p][x] == NOTHING)
                model[p][x] = ANNOUNCED;
            break;
        case 2: {
            size_t n = txrequest_due(t, (int)p, now, out, TXS);
            for (size_t i = 0; i < n; i++) {
                unsigned id;
                memcpy(&id, out[i].hash, sizeof(id));
                assert_int_equal(model[p][id], ANNOUNCED);
                for (int q = 0; q < PEERS; q++)
                    assert_int_not_equal(model[q][id], ASKED); /* one at a time */
                txrequest_requested(t, (int)p, out[i].hash, INT64_MAX);
                model[p][id] = ASKED;
            }
            break;
        }
        case 3:
            txrequest_answered(t, (int)p, w.hash);
            if (model[p][x] != NOTHING)
                model[p][x] = ANSWERED;
            break;
        case 4:
            if (test_rand() % 10)
                break;
            txrequest_forget(t, w.hash);
            for (int q = 0; q < PEERS; q++)
                model[q][x] = NOTHING;
            break;
        case 5:
            if (test_rand() % 20)
                break;
            txrequest_forget_peer(t, (int)p);
            for (int i = 0; i < TXS; i++)
                model[p][i] = NOTHING;
            break;
        }
        /* A transaction that all have answered is forgotten. */
        for (int i = 0; i < TXS; i++) {
            bool open = false;
            for (int q = 0; q < PEERS; q++)
                open |= model[q][i] == ANNOUNCED || model[q][i] == ASKED;
            for (int q = 0; q < PEERS && !open; q++)
                model[q][i] = NOTHING;
        }
        size_t count = 0, asked = 0;
        for (int i = 0; i < TXS; i++) {
            count += model[p][i] != NOTHING;
            asked += model[p][i] == ASKED;
        }
        assert_int_equal(txrequest_count(t, (int)p), count);
        assert_int_equal(txrequest_inflight(t, (int)p), asked);
    }
    txrequest_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preference), cmocka_unit_test(test_order),
        cmocka_unit_test(test_forget),     cmocka_unit_test(test_peer_leaves),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
