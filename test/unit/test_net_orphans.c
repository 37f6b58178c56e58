/* The orphanage: who may keep what, what a parent or a block does, that a flood hurts only itself.
 */
#include "net/orphans.h"
#include "unit.h"

/* A transaction with one input of `parent` and a script of `padding` bytes. */
static struct tx *make(const struct txid *parent, uint32_t n, size_t padding)
{
    struct mtx m;
    uint8_t *script = xcalloc(padding + 1, 1);
    struct outpoint prev = {.n = n};
    if (parent)
        prev.txid = *parent;
    else
        test_rand_bytes(prev.txid.b, 32);
    mtx_init(&m);
    mtx_add_in(&m, &prev, SEQUENCE_FINAL);
    mtx_add_out(&m, 1000, span_of(script, padding));
    m.lock_time = (uint32_t)test_rand();
    struct tx *tx = mtx_finish(&m);
    mtx_clear(&m);
    free(script);
    return tx;
}

static void test_announcers(void **state)
{
    struct orphans *o = orphans_create();
    struct tx *tx = make(NULL, 0, 10);
    (void)state;
    assert_true(orphans_add(o, tx, 1));
    assert_false(orphans_add(o, tx, 1));
    assert_true(orphans_add_announcer(o, &tx->wtxid, 2));
    assert_int_equal(orphans_count(o), 1);
    assert_int_equal(orphans_announcements(o), 2);
    orphans_remove_peer(o, 1);
    assert_true(orphans_has(o, &tx->wtxid));
    assert_false(orphans_has_from(o, &tx->wtxid, 1));
    orphans_remove_peer(o, 2);
    assert_false(orphans_has(o, &tx->wtxid));
    assert_int_equal(orphans_announcements(o), 0);
    tx_unref(tx);
    orphans_destroy(o);
}

static void test_parent(void **state)
{
    struct orphans *o = orphans_create();
    struct tx *parent = make(NULL, 0, 10), *a = make(&parent->txid, 0, 10);
    struct tx *b = make(&parent->txid, 1, 10), *other = make(NULL, 0, 10);
    (void)state;
    orphans_add(o, a, 1);
    orphans_add(o, b, 2);
    orphans_add(o, other, 1);
    assert_false(orphans_has_to_try(o, 1));
    orphans_parent_came(o, parent);
    assert_true(orphans_has_to_try(o, 1));
    assert_ptr_equal(orphans_next_to_try(o, 1), a);
    assert_null(orphans_next_to_try(o, 1));
    assert_ptr_equal(orphans_next_to_try(o, 2), b);
    assert_int_equal(orphans_count(o), 3); /* whether they go is for the caller to say */
    assert_true(orphans_remove(o, &a->wtxid));
    tx_unref(parent);
    tx_unref(a);
    tx_unref(b);
    tx_unref(other);
    orphans_destroy(o);
}

/* The one who was to try it leaves: another announcer does. */
static void test_try_moves(void **state)
{
    struct orphans *o = orphans_create();
    struct tx *parent = make(NULL, 0, 10), *a = make(&parent->txid, 0, 10);
    (void)state;
    orphans_add(o, a, 1);
    orphans_add_announcer(o, &a->wtxid, 2);
    orphans_parent_came(o, parent);
    orphans_parent_came(o, parent);
    assert_int_equal(orphans_has_to_try(o, 1) + orphans_has_to_try(o, 2), 1);
    int first = orphans_has_to_try(o, 1) ? 1 : 2;
    orphans_remove_peer(o, first);
    assert_true(orphans_has_to_try(o, 3 - first));
    tx_unref(parent);
    tx_unref(a);
    orphans_destroy(o);
}

static void test_block(void **state)
{
    struct orphans *o = orphans_create();
    struct tx *parent = make(NULL, 0, 10);
    struct tx *mined = make(&parent->txid, 0, 10), *rival = make(&parent->txid, 0, 20);
    struct tx *sibling = make(&parent->txid, 1, 10);
    const struct tx *txs[] = {mined};
    struct header h = {0};
    (void)state;
    orphans_add(o, mined, 1);
    orphans_add(o, rival, 1);
    orphans_add(o, sibling, 1);
    struct block *b = block_create(&h, txs, 1);
    orphans_block(o, b);
    assert_false(orphans_has(o, &mined->wtxid));
    assert_false(orphans_has(o, &rival->wtxid));
    assert_true(orphans_has(o, &sibling->wtxid));
    block_unref(b);
    tx_unref(parent);
    tx_unref(mined);
    tx_unref(rival);
    tx_unref(sibling);
    orphans_destroy(o);
}

static void test_flood(void **state)
{
    struct orphans *o = orphans_create();
    struct tx *mine[20];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mine); i++) {
        mine[i] = make(NULL, 0, 100);
        assert_true(orphans_add(o, mine[i], 1));
    }
    for (int i = 0; i < 4 * ORPHANS_MAX_ANNOUNCEMENTS; i++) {
        struct tx *tx = make(NULL, 0, 10);
        orphans_add(o, tx, 2);
        assert_true(orphans_announcements(o) <= ORPHANS_MAX_ANNOUNCEMENTS);
        tx_unref(tx);
    }
    for (size_t i = 0; i < ARRAY_LEN(mine); i++) {
        assert_true(orphans_has(o, &mine[i]->wtxid));
        tx_unref(mine[i]);
    }
    orphans_destroy(o);
}

static int64_t held_weight;

static void add_weight(void *arg, const struct orphan_info *i)
{
    (void)arg;
    held_weight += tx_weight(i->tx);
}

static void test_weight(void **state)
{
    struct orphans *o = orphans_create();
    (void)state;
    for (int i = 0; i < 30; i++) {
        struct tx *tx = make(NULL, 0, 20000);
        orphans_add(o, tx, 5);
        tx_unref(tx);
    }
    held_weight = 0;
    orphans_each(o, add_weight, NULL);
    assert_true(held_weight <= ORPHANS_WEIGHT_PER_PEER);
    assert_true(orphans_count(o) >= 3);
    struct tx *huge = make(NULL, 0, ORPHANS_MAX_TX_WEIGHT / 4 + 1);
    assert_false(orphans_add(o, huge, 6));
    tx_unref(huge);
    orphans_destroy(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_announcers), cmocka_unit_test(test_parent),
        cmocka_unit_test(test_try_moves),  cmocka_unit_test(test_block),
        cmocka_unit_test(test_flood),      cmocka_unit_test(test_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
