/*
 * Block templates over a mock chain: the coinbase and its commitment, order and limits, fees, time,
 * extranonces, solving, and what the network's rate is taken from.
 */
#include "mining/mining.h"

#include "support/mock_chain.h"
#include "unit.h"
#include "util/time.h"

struct fixture {
    struct chain *chain;
    struct mempool *pool;
    struct template_options o;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct mempool_options o;
    f->chain = mock_chain_create(300);
    time_set_mock((int64_t)chain_tip(f->chain)->h.time + 10);
    mempool_options_init(&o);
    o.chain = f->chain;
    f->pool = mempool_create(&o);
    f->o = (struct template_options){.max_weight = MAX_BLOCK_WEIGHT,
                                     .reserved_weight = DEFAULT_BLOCK_RESERVED_WEIGHT,
                                     .reserved_sigops = DEFAULT_BLOCK_RESERVED_SIGOPS,
                                     .min_feerate = DEFAULT_BLOCK_MIN_FEERATE};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mempool_destroy(f->pool);
    mock_chain_destroy(f->chain);
    free(f);
    time_set_mock(0);
    return 0;
}

static struct txid pay(struct fixture *f, struct outpoint at, int64_t value, size_t outputs)
{
    int64_t values[50];
    for (size_t i = 0; i < outputs; i++)
        values[i] = value / (int64_t)outputs;
    struct tx *tx = mock_tx(&at, 1, values, outputs, 2);
    struct accept_result r;
    assert_true(mempool_accept(f->pool, tx, 0, &r));
    struct txid id = tx->txid;
    accept_result_clear(&r);
    tx_unref(tx);
    return id;
}

static struct block_template *make(struct fixture *f)
{
    return template_create(f->chain, f->pool, &f->o, mock_script());
}

/* The whole block is one that the rules take, as far as they can be asked without coins. */
static void assert_valid(struct fixture *f, const struct block_template *t, uint64_t extranonce)
{
    struct block *b = template_block(t, extranonce);
    struct verdict v = {0};
    struct block *again = block_parse(b->raw.data, b->raw.len);
    assert_non_null(again);
    assert_true(block_check(b, chain_network(f->chain), false, true, &v));
    assert_true(block_check_contextual(b, &chain_tip(f->chain)->h, chain_network(f->chain), &v));
    assert_true(block_weight(b) <= f->o.max_weight);
    block_unref(again);
    block_unref(b);
}

static void empty_block(void **state)
{
    struct fixture *f = *state;
    struct block_template *t = template_create(f->chain, NULL, &f->o, mock_script());
    assert_int_equal(t->height, 301);
    assert_int_equal(t->subsidy_and_fees, block_subsidy(chain_network(f->chain), 301));
    assert_int_equal(t->coinbase->lock_time, 300);
    assert_true(t->has_commitment);
    assert_valid(f, t, 0);
    template_destroy(t);
}

static void fees_and_order(void **state)
{
    struct fixture *f = *state;
    struct outpoint x = mock_coin(f->chain, COIN, false, 100),
                    y = mock_coin(f->chain, COIN, false, 100);
    struct txid low = pay(f, x, COIN - 500, 1);
    struct txid child = pay(f, (struct outpoint){low, 0}, COIN - 100500, 1);
    struct txid mid = pay(f, y, COIN - 5000, 1);
    struct block_template *t = make(f);
    assert_int_equal(t->selected.n, 3);
    assert_true(txid_eq(&t->selected.txs[0]->txid, &low));
    assert_true(txid_eq(&t->selected.txs[1]->txid, &child));
    assert_true(txid_eq(&t->selected.txs[2]->txid, &mid));
    assert_int_equal(t->selected.total_fee, 105500);
    assert_int_equal(t->coinbase->out[0].value,
                     block_subsidy(chain_network(f->chain), 301) + 105500);
    assert_valid(f, t, 0);
    assert_valid(f, t, 1);
    struct template_size size = template_last_size();
    assert_true(size.known && size.n_tx == 3 && size.weight == t->weight);
    template_destroy(t);
}

static void limits(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 60; i++)
        pay(f, mock_coin(f->chain, COIN, false, 100), COIN - 10000 - i * 100, 1 + i % 40);
    for (int64_t weight = 8000; weight < 100000; weight += 7919) {
        f->o.max_weight = weight;
        struct block_template *t = make(f);
        assert_true(t->weight < weight || t->selected.n == 0);
        assert_valid(f, t, 0);
        template_destroy(t);
    }
    f->o.max_weight = MAX_BLOCK_WEIGHT;
    f->o.min_feerate = 20000;
    struct block_template *t = make(f);
    for (size_t i = 0; i < t->selected.n; i++)
        assert_true(t->selected.fees[i] >= feerate_fee(20000, tx_vsize(t->selected.txs[i])));
    assert_true(t->selected.n > 0 && t->selected.n < 60);
    template_destroy(t);
}

static void given_transactions(void **state)
{
    struct fixture *f = *state;
    struct outpoint x = mock_coin(f->chain, COIN, false, 100);
    int64_t value = COIN - 7;
    struct tx *tx = mock_tx(&x, 1, &value, 1, 2);
    struct block_template *t =
        template_create_with(f->chain, &f->o, mock_script(), (const struct tx *const *)&tx, 1);
    assert_int_equal(t->selected.n, 1);
    assert_int_equal(t->subsidy_and_fees, block_subsidy(chain_network(f->chain), 301));
    assert_valid(f, t, 0);
    template_destroy(t);
    tx_unref(tx);
}

static void times(void **state)
{
    struct fixture *f = *state;
    const struct hnode *tip = &chain_tip(f->chain)->h;
    struct block_template *t = make(f);
    assert_int_equal(t->header.time, tip->time + 10);
    time_set_mock((int64_t)tip->time + 500);
    template_update_time(t, f->chain);
    assert_int_equal(t->header.time, tip->time + 500);
    time_set_mock(1000000000); /* the clock is behind the chain */
    template_update_time(t, f->chain);
    assert_int_equal(t->header.time, hnode_median_time_past(tip) + 1);
    template_destroy(t);
}

static void solving(void **state)
{
    struct fixture *f = *state;
    struct block_template *t = make(f);
    struct block *b = template_block(t, 0), *other = template_block(t, 7);
    uint64_t tries = 1000, none = 0;
    struct block *solved = mine_block(b, chain_network(f->chain), &tries);
    assert_non_null(solved);
    assert_true(pow_check(&solved->hash, solved->header.bits, chain_network(f->chain)));
    assert_true(tries <= 1000);
    assert_false(txid_eq(&b->tx[0]->txid, &other->tx[0]->txid));
    assert_memory_not_equal(b->header.merkle_root, other->header.merkle_root, 32);
    assert_null(mine_block(b, chain_network(f->chain), &none));
    block_unref(solved);
    block_unref(b);
    block_unref(other);
    template_destroy(t);
}

static void network_rate(void **state)
{
    struct fixture *f = *state;
    /* Blocks of the mock come every 600 seconds; on regtest each is worth two hashes. */
    double rate = network_hashps(f->chain, 120, -1);
    assert_true(rate > 2.0 / 600 * 0.99 && rate < 2.0 / 600 * 1.01);
    assert_true(network_hashps(f->chain, 10000, -1) > 0);
    assert_true(network_hashps(f->chain, -1, 200) > 0);
    assert_true(network_hashps(f->chain, 120, 0) == 0);
}

int main(void)
{
#define TEMPLATE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEMPLATE_TEST(empty_block),        TEMPLATE_TEST(fees_and_order), TEMPLATE_TEST(limits),
        TEMPLATE_TEST(given_transactions), TEMPLATE_TEST(times),          TEMPLATE_TEST(solving),
        TEMPLATE_TEST(network_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
