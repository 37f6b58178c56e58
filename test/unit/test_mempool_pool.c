/*
 * The pool over a mock chain: reasons of refusal, clusters, replacement, TRUC, dust, eviction,
 * expiry, blocks and reorganisations; and long random lives, looked at whole after every step.
 */
#include "mempool/mempool.h"

#include "support/mock_chain.h"
#include "unit.h"
#include "util/time.h"

#define START_HEIGHT 300
#define NOW          1700000000

struct fixture {
    struct chain *chain;
    struct mempool *pool;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct mempool_options o;
    time_set_mock(NOW);
    f->chain = mock_chain_create(START_HEIGHT);
    mempool_options_init(&o);
    o.chain = f->chain;
    o.check_ratio = 1;
    f->pool = mempool_create(&o);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mempool_check(f->pool);
    mempool_destroy(f->pool);
    mock_chain_destroy(f->chain);
    free(f);
    time_set_mock(0);
    return 0;
}

static struct mempool *pool_with(struct fixture *f, void (*change)(struct mempool_options *))
{
    struct mempool_options o = *mempool_opts(f->pool);
    mempool_destroy(f->pool);
    mock_chain_destroy(f->chain);
    f->chain = mock_chain_create(START_HEIGHT);
    o.chain = f->chain;
    change(&o);
    return f->pool = mempool_create(&o);
}

/* Offers and expects the reason ("": accepted). */
static void offer(struct mempool *m, const struct tx *tx, const char *reason)
{
    struct accept_result r;
    bool ok = mempool_accept(m, tx, 0, &r);
    assert_string_equal(r.verdict.reason, reason);
    assert_int_equal(ok, *reason == '\0');
    assert_int_equal(mempool_get_wtxid(m, &tx->wtxid) != NULL, ok);
    accept_result_clear(&r);
}

static struct tx *spend(struct outpoint in, int64_t value)
{
    return mock_tx(&in, 1, &value, 1, 2);
}

static struct outpoint out_of(const struct tx *tx, uint32_t n)
{
    return (struct outpoint){tx->txid, n};
}

static void plain_reasons(void **state)
{
    struct fixture *f = *state;
    struct mempool *m = f->pool;
    struct outpoint coin = mock_coin(f->chain, COIN, false, 100);
    struct outpoint none = {.n = 0};
    struct tx *a = spend(coin, COIN - 1000), *b = spend(none, 1000), *c = spend(coin, COIN - 10),
              *d = spend(coin, COIN - 1005), *e = spend(coin, COIN + 1);
    offer(m, a, "");
    struct accept_result r;
    assert_false(mempool_accept(m, a, 0, &r));
    assert_string_equal(r.verdict.reason, "txn-already-in-mempool");
    offer(m, b, "bad-txns-inputs-missingorspent");
    offer(m, c, "insufficient fee");
    offer(m, d, "insufficient fee");
    offer(m, e, "bad-txns-in-belowout");
    struct outpoint other = mock_coin(f->chain, COIN, false, 100);
    struct tx *g = spend(other, COIN - 5), *h = spend(other, 100);
    offer(m, g, "min relay fee not met");
    offer(m, h, "dust");
    struct outpoint young = mock_coin(f->chain, COIN, true, START_HEIGHT - 50);
    struct tx *i = spend(young, COIN - 1000);
    offer(m, i, "bad-txns-premature-spend-of-coinbase");
    struct tx *all[] = {a, b, c, d, e, g, h, i};
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        tx_unref(all[k]);
}

static void test_accept_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct tx *a = spend(mock_coin(f->chain, COIN, false, 100), COIN - 1000);
    struct accept_result r;
    uint64_t sequence = mempool_sequence(f->pool);
    assert_true(mempool_accept(f->pool, a, MEMPOOL_TEST, &r));
    assert_int_equal(r.fee, 1000);
    assert_int_equal(r.vsize, tx_vsize(a));
    assert_int_equal(mempool_count(f->pool), 0);
    assert_int_equal(mempool_sequence(f->pool), sequence);
    accept_result_clear(&r);
    tx_unref(a);
}

static void witness_twins(void **state)
{
    struct fixture *f = *state;
    struct outpoint coin = mock_coin(f->chain, COIN, false, 100);
    struct tx *a = spend(coin, COIN - 1000);
    struct mtx m;
    mtx_from_tx(&m, a);
    mtx_in_set_witness(&m.in[0], NULL, 0);
    struct tx *stripped = mtx_finish(&m);
    mtx_clear(&m);
    struct accept_result r;
    assert_false(mempool_accept(f->pool, stripped, 0, &r));
    assert_int_equal(r.verdict.kind, VERDICT_WITNESS_STRIPPED);
    assert_string_equal(
        r.verdict.reason,
        "mempool-script-verify-flag-failed (Witness program was passed an empty witness)");
    offer(f->pool, a, "");
    assert_false(mempool_accept(f->pool, stripped, 0, &r));
    assert_string_equal(r.verdict.reason, "txn-same-nonwitness-data-in-mempool");
    tx_unref(stripped);
    tx_unref(a);
}

static void cluster_limit(void **state)
{
    struct fixture *f = *state;
    struct outpoint at = mock_coin(f->chain, COIN, false, 100);
    int64_t value = COIN;
    for (unsigned i = 0; i < 64; i++) {
        struct tx *tx = spend(at, value -= 1000);
        offer(f->pool, tx, "");
        at = out_of(tx, 0);
        tx_unref(tx);
    }
    struct tx *tx = spend(at, value - 1000);
    offer(f->pool, tx, "too-large-cluster");
    size_t n;
    const struct mempool_entry **all = mempool_sorted(f->pool, &n);
    assert_int_equal(n, 64);
    size_t n_up, n_down;
    free(mempool_relatives(f->pool, all[10], RELATION_ANCESTORS, &n_up));
    free(mempool_relatives(f->pool, all[10], RELATION_DESCENDANTS, &n_down));
    assert_int_equal(n_up, 10);
    assert_int_equal(n_down, 53);
    free(all);
    /* Mining the first makes room. */
    struct txid first = {{0}};
    struct block_selection s;
    struct selection_limits l = {.max_weight = 1000};
    mempool_select(f->pool, &l, &s);
    assert_true(s.n >= 1 && s.n < 64);
    first = s.txs[0]->txid;
    mock_connect(f->chain, s.txs, 1);
    assert_null(mempool_get(f->pool, &first));
    offer(f->pool, tx, "");
    assert_int_equal(mempool_count(f->pool), 64);
    block_selection_clear(&s);
    tx_unref(tx);
}

static void replacement(void **state)
{
    struct fixture *f = *state;
    struct outpoint x = mock_coin(f->chain, COIN, false, 100),
                    y = mock_coin(f->chain, COIN, false, 100);
    struct tx *a = spend(x, COIN - 1000), *child = spend(out_of(a, 0), COIN - 3000);
    offer(f->pool, a, "");
    offer(f->pool, child, "");
    struct tx *low = spend(x, COIN - 2900); /* pays less than parent and child */
    offer(f->pool, low, "insufficient fee");
    struct outpoint both[] = {x, y};
    int64_t value = 2 * COIN - 3500;
    struct tx *better = mock_tx(both, 2, &value, 1, 2);
    struct accept_result r;
    assert_true(mempool_accept(f->pool, better, 0, &r));
    assert_int_equal(r.n_replaced, 2);
    accept_result_clear(&r);
    assert_int_equal(mempool_count(f->pool), 1);
    /* More fee in all, but so much larger that miners would be worse off. */
    int64_t values[60];
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        values[i] = 10000;
    values[0] = COIN - 59 * 10000 - 3900;
    struct tx *large = mock_tx(&x, 1, values, ARRAY_LEN(values), 2);
    offer(f->pool, large, "replacement-failed");
    /* A transaction cannot replace what it spends. */
    struct outpoint own[] = {x, out_of(better, 0)};
    value = 3 * COIN - 100000;
    struct tx *selfish = mock_tx(own, 2, &value, 1, 2);
    value = 2 * COIN;
    struct tx *selfish2 = mock_tx(own, 2, &value, 1, 2);
    offer(f->pool, selfish2, "bad-txns-spends-conflicting-tx");
    assert_non_null(mempool_get(f->pool, &better->txid));
    struct tx *all[] = {a, child, low, better, large, selfish, selfish2};
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        tx_unref(all[k]);
}

static struct tx *truc(struct outpoint in, int64_t value, unsigned outputs)
{
    int64_t values[300];
    for (unsigned i = 0; i < outputs; i++)
        values[i] = i ? 1000 : value - (int64_t)(outputs - 1) * 1000;
    return mock_tx(&in, 1, values, outputs, 3);
}

static void truc_rules(void **state)
{
    struct fixture *f = *state;
    struct outpoint x = mock_coin(f->chain, COIN, false, 100),
                    y = mock_coin(f->chain, COIN, false, 100);
    struct tx *parent = truc(x, COIN - 1000, 2), *plain = spend(y, COIN - 1000);
    offer(f->pool, parent, "");
    offer(f->pool, plain, "");
    struct tx *mixed = truc(out_of(plain, 0), COIN - 3000, 1),
              *mixed2 = spend(out_of(parent, 0), COIN - 4000),
              *big = truc(out_of(parent, 0), COIN - 900000, 30),
              *child = truc(out_of(parent, 0), COIN - 4000, 1),
              *sibling_low = mock_tx(&(struct outpoint){parent->txid, 1}, 1, &(int64_t){900}, 1, 3);
    offer(f->pool, mixed, "TRUC-violation");
    offer(f->pool, mixed2, "TRUC-violation");
    offer(f->pool, big, "TRUC-violation");
    offer(f->pool, child, "");
    struct tx *grandchild = truc(out_of(child, 0), COIN - 9000, 1);
    offer(f->pool, grandchild, "TRUC-violation");
    offer(f->pool, sibling_low, "insufficient fee (including sibling eviction)");
    struct tx *all[] = {parent, plain, mixed, mixed2, big, child, sibling_low, grandchild};
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        tx_unref(all[k]);
}

static void no_relay_fee(struct mempool_options *o)
{
    o->min_relay_feerate = 0;
}

static void ephemeral_dust(void **state)
{
    struct fixture *f = *state;
    struct mempool *m = pool_with(f, no_relay_fee);
    struct outpoint x = mock_coin(f->chain, COIN, false, 100);
    int64_t values[] = {COIN, 0}, paying[] = {COIN - 500, 0}, two[] = {COIN, 0, 0};
    struct tx *parent = mock_tx(&x, 1, values, 2, 2), *pays = mock_tx(&x, 1, paying, 2, 2),
              *twice = mock_tx(&x, 1, two, 3, 2);
    offer(m, pays, "dust");
    offer(m, twice, "dust");
    offer(m, parent, "");
    struct tx *forgets = spend(out_of(parent, 0), COIN - 1000);
    offer(m, forgets, "missing-ephemeral-spends");
    struct outpoint both[] = {out_of(parent, 0), out_of(parent, 1)};
    int64_t value = COIN - 1000;
    struct tx *sweeps = mock_tx(both, 2, &value, 1, 2);
    offer(m, sweeps, "");
    struct tx *all[] = {parent, pays, twice, forgets, sweeps};
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        tx_unref(all[k]);
}

/* ---- packages ---- */

static void offer_package(struct mempool *m, const struct tx *const *tx, size_t n, bool test,
                          const char *reason)
{
    struct package_result r;
    bool ok = mempool_accept_package(m, tx, n, test, 0, &r);
    assert_string_equal(r.verdict.reason, reason);
    assert_int_equal(ok, *reason == '\0');
    package_result_clear(&r);
    mempool_check(m);
}

static void child_pays_in_package(void **state)
{
    struct fixture *f = *state;
    struct outpoint x = mock_coin(f->chain, COIN, false, 100),
                    y = mock_coin(f->chain, COIN, false, 100);
    struct tx *free_one = spend(x, COIN), *rich = spend(y, COIN - 5000);
    struct outpoint both[] = {out_of(free_one, 0), out_of(rich, 0)};
    int64_t value = 2 * COIN - 10000;
    struct tx *child = mock_tx(both, 2, &value, 1, 2),
              *stingy = spend(out_of(free_one, 0), COIN - 5);
    const struct tx *good[] = {free_one, rich, child}, *poor[] = {free_one, stingy},
                    *unsorted[] = {child, free_one}, *twice[] = {free_one, free_one},
                    *apart[] = {rich, free_one}, *clash[] = {free_one, child, stingy};
    offer(f->pool, free_one, "min relay fee not met");
    offer_package(f->pool, poor, 2, false, "transaction failed");
    offer_package(f->pool, unsorted, 2, false, "package-not-sorted");
    offer_package(f->pool, twice, 2, false, "package-contains-duplicates");
    offer_package(f->pool, apart, 2, false, "package-not-child-with-parents");
    offer_package(f->pool, clash, 3, true, "conflict-in-package");
    offer_package(f->pool, good, 3, true, "transaction failed"); /* tested, each pays for itself */
    assert_int_equal(mempool_count(f->pool), 0);
    struct package_result r;
    assert_true(mempool_accept_package(f->pool, good, 3, false, 0, &r));
    assert_int_equal(r.member[0].state, MEMBER_ACCEPTED);
    assert_int_equal(r.member[0].fee_members, 5); /* with the child; the rich parent stood alone */
    assert_int_equal(r.member[1].fee_members, 2);
    assert_int_equal(mempool_count(f->pool), 3);
    package_result_clear(&r);
    assert_true(mempool_accept_package(f->pool, good, 3, false, 0, &r));
    assert_int_equal(r.member[2].state, MEMBER_KNOWN);
    package_result_clear(&r);
    struct tx *all[] = {free_one, rich, child, stingy};
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        tx_unref(all[k]);
}

static void package_replaces(void **state)
{
    struct fixture *f = *state;
    struct outpoint x = mock_coin(f->chain, COIN, false, 100);
    struct tx *old = spend(x, COIN - 2000), *parent = spend(x, COIN - 1),
              *poor = spend(out_of(parent, 0), COIN - 2001),
              *child = spend(out_of(parent, 0), COIN - 9000);
    const struct tx *weak[] = {parent, poor}, *strong[] = {parent, child};
    offer(f->pool, old, "");
    offer_package(f->pool, weak, 2, false, "package RBF failed: insufficient anti-DoS fees");
    assert_non_null(mempool_get(f->pool, &old->txid));
    offer_package(f->pool, strong, 2, false, "");
    assert_null(mempool_get(f->pool, &old->txid));
    assert_int_equal(mempool_count(f->pool), 2);
    struct tx *all[] = {old, parent, poor, child};
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        tx_unref(all[k]);
}

static void small_pool(struct mempool_options *o)
{
    o->max_bytes = 60000;
}

static void eviction_and_rolling_minimum(void **state)
{
    struct fixture *f = *state;
    struct mempool *m = pool_with(f, small_pool);
    assert_int_equal(mempool_min_feerate(m), 0);
    for (unsigned i = 0; i < 300; i++) {
        struct tx *tx = spend(mock_coin(f->chain, COIN, false, 100), COIN - 1000 - i * 10);
        struct accept_result r;
        bool ok = mempool_accept(m, tx, 0, &r);
        assert_true(ok || strcmp(r.verdict.reason, "mempool full") == 0 ||
                    strcmp(r.verdict.reason, "mempool min fee not met") == 0);
        assert_true(mempool_memory(m) <= 60000);
        accept_result_clear(&r);
        tx_unref(tx);
    }
    int64_t least = mempool_min_feerate(m);
    assert_true(least > 1000 * 1000 / 200);
    size_t n;
    const struct mempool_entry **all = mempool_sorted(m, &n);
    for (size_t i = 0; i < n; i++)
        assert_true(feerate_of(all[i]->fee, all[i]->vsize) + 100 >= least);
    free(all);
    /* It does not fall before a block has come, and then by half in 12 hours at most. */
    time_set_mock(NOW + 86400);
    assert_int_equal(mempool_min_feerate(m), least);
    mock_connect(f->chain, NULL, 0);
    time_set_mock(NOW + 86400 + 12 * 3600);
    int64_t later = mempool_min_feerate(m);
    assert_in_range(later, least / 2 - 1, least / 2 + 1);
    time_set_mock(NOW + 86400 * 100);
    assert_int_equal(mempool_min_feerate(m), 0);
}

static void expiry(void **state)
{
    struct fixture *f = *state;
    struct tx *a = spend(mock_coin(f->chain, COIN, false, 100), COIN - 1000);
    offer(f->pool, a, "");
    time_set_mock(NOW + 1000);
    struct tx *child = spend(out_of(a, 0), COIN - 2000),
              *other = spend(mock_coin(f->chain, COIN, false, 100), COIN - 1000);
    offer(f->pool, child, "");
    offer(f->pool, other, "");
    time_set_mock(NOW + DEFAULT_MEMPOOL_EXPIRY_HOURS * 3600);
    mempool_tick(f->pool);
    assert_int_equal(mempool_count(f->pool), 3);
    time_set_mock(NOW + DEFAULT_MEMPOOL_EXPIRY_HOURS * 3600 + 1);
    mempool_tick(f->pool);
    assert_int_equal(mempool_count(f->pool), 1);
    assert_non_null(mempool_get(f->pool, &other->txid));
    tx_unref(a);
    tx_unref(child);
    tx_unref(other);
}

static void block_conflicts(void **state)
{
    struct fixture *f = *state;
    struct outpoint x = mock_coin(f->chain, COIN, false, 100);
    struct tx *a = spend(x, COIN - 1000), *child = spend(out_of(a, 0), COIN - 2000),
              *rival = spend(x, COIN - 5000);
    offer(f->pool, a, "");
    offer(f->pool, child, "");
    mock_connect(f->chain, (const struct tx *const *)&rival, 1);
    assert_int_equal(mempool_count(f->pool), 0);
    tx_unref(a);
    tx_unref(child);
    tx_unref(rival);
}

static void reorganisation(void **state)
{
    struct fixture *f = *state;
    struct outpoint x = mock_coin(f->chain, COIN, false, 100);
    struct tx *a = spend(x, COIN - 1000), *b = spend(out_of(a, 0), COIN - 2000),
              *c = spend(out_of(b, 0), COIN - 3000);
    offer(f->pool, a, "");
    mock_connect(f->chain, (const struct tx *const *)&a, 1);
    offer(f->pool, b, "");
    mock_connect(f->chain, (const struct tx *const *)&b, 1);
    offer(f->pool, c, "");
    mock_disconnect(f->chain, 2);
    assert_int_equal(mempool_count(f->pool), 3);
    assert_int_equal(mempool_get(f->pool, &a->txid)->sequence, 0);
    size_t n;
    free(mempool_relatives(f->pool, mempool_get(f->pool, &c->txid), RELATION_ANCESTORS, &n));
    assert_int_equal(n, 2);
    tx_unref(a);
    tx_unref(b);
    tx_unref(c);
}

static void reorganisation_beyond_the_limit(void **state)
{
    struct fixture *f = *state;
    struct outpoint at = mock_coin(f->chain, COIN, false, 100);
    struct tx *tx[66];
    for (unsigned i = 0; i < 66; i++) {
        tx[i] = spend(at, COIN - 1000 * (int64_t)(i + 1));
        at = out_of(tx[i], 0);
    }
    mock_connect(f->chain, (const struct tx *const *)tx, 65);
    offer(f->pool, tx[65], "");
    mock_disconnect(f->chain, 1);
    assert_int_equal(mempool_count(f->pool), 64);
    assert_null(mempool_get(f->pool, &tx[64]->txid));
    assert_null(mempool_get(f->pool, &tx[65]->txid));
    for (unsigned i = 0; i < 66; i++)
        tx_unref(tx[i]);
}

static void priority(void **state)
{
    struct fixture *f = *state;
    struct outpoint x = mock_coin(f->chain, COIN, false, 100),
                    y = mock_coin(f->chain, COIN, false, 100);
    struct tx *a = spend(x, COIN - 5), *b = spend(y, COIN - 1000);
    offer(f->pool, a, "min relay fee not met");
    mempool_prioritise(f->pool, &a->txid, 5000);
    offer(f->pool, a, "");
    offer(f->pool, b, "");
    size_t n;
    const struct mempool_entry **all = mempool_sorted(f->pool, &n);
    assert_true(txid_eq(&all[0]->txid, &a->txid));
    free(all);
    mempool_prioritise(f->pool, &a->txid, -5000);
    free(mempool_deltas(f->pool, &n));
    assert_int_equal(n, 0);
    all = mempool_sorted(f->pool, &n);
    assert_true(txid_eq(&all[0]->txid, &b->txid));
    free(all);
    tx_unref(a);
    tx_unref(b);
}

/* ---- random lives ---- */

#define COINS_MAX 400

struct life {
    struct fixture *f;
    struct outpoint coin[COINS_MAX]; /* of the chain and of transactions, spent or not */
    size_t n;
    unsigned accepted, refused, replaced;
};

static void remember(struct life *l, struct outpoint o)
{
    l->coin[l->n < COINS_MAX ? l->n++ : test_rand() % COINS_MAX] = o;
}

static int64_t value_of(struct life *l, const struct outpoint *o)
{
    struct coin coin;
    struct buf memory = BUF_INIT;
    enum coin_result r = mempool_coin(l->f->pool, o, true, &coin, &memory);
    buf_clear(&memory);
    return r == COIN_FOUND ? coin.out.value : -1;
}

static void random_offer(struct life *l)
{
    struct outpoint in[4];
    size_t n_in = 1 + test_rand() % 4, n_out = 1 + test_rand() % 3;
    int64_t sum = 0, values[3];
    for (size_t i = 0; i < n_in; i++) {
        in[i] = l->coin[test_rand() % l->n];
        int64_t v = value_of(l, &in[i]);
        if (v < 0)
            return;
        sum += v;
    }
    sum -= (int64_t)(test_rand() % 20000);
    for (size_t i = 0; i < n_out; i++)
        values[i] = sum / (int64_t)n_out;
    struct tx *tx = mock_tx(in, n_in, values, n_out, test_rand() % 20 ? 2 : 3);
    struct accept_result r;
    if (mempool_accept(l->f->pool, tx, 0, &r)) {
        l->accepted++;
        l->replaced += (unsigned)r.n_replaced;
        for (uint32_t i = 0; i < tx->n_out; i++)
            remember(l, out_of(tx, i));
    } else {
        l->refused++;
    }
    accept_result_clear(&r);
    tx_unref(tx);
}

static void assert_selection(struct life *l, const struct block_selection *s, int64_t max_weight)
{
    int64_t weight = 4000;
    for (size_t i = 0; i < s->n; i++) {
        const struct mempool_entry *e = mempool_get(l->f->pool, &s->txs[i]->txid);
        assert_non_null(e);
        weight += e->weight;
        size_t n;
        const struct mempool_entry **up = mempool_relatives(l->f->pool, e, RELATION_PARENTS, &n);
        for (size_t p = 0; p < n; p++) {
            size_t k = 0;
            while (k < i && !txid_eq(&s->txs[k]->txid, &up[p]->txid))
                k++;
            assert_true(k < i);
        }
        free(up);
    }
    assert_true(weight <= max_weight);
}

static void random_block(struct life *l)
{
    struct block_selection s;
    struct selection_limits limits = {
        .max_weight = 4000 + (int64_t)(test_rand() % 30000), .weight = 4000, .sigops = 400};
    mempool_select(l->f->pool, &limits, &s);
    assert_selection(l, &s, limits.max_weight);
    mock_connect(l->f->chain, s.txs, s.n);
    block_selection_clear(&s);
}

static void random_step(struct life *l)
{
    size_t n;
    const struct mempool_entry **all;
    switch (test_rand() % 40) {
    case 0: random_block(l); break;
    case 1:
        if (chain_height(l->f->chain) > START_HEIGHT + 4)
            mock_disconnect(l->f->chain, 1 + (unsigned)(test_rand() % 3));
        break;
    case 2:
    case 3:
        all = mempool_sorted(l->f->pool, &n);
        if (n > 0 && test_rand() % 2)
            mempool_remove(l->f->pool, &all[test_rand() % n]->txid);
        else if (n > 0)
            mempool_prioritise(l->f->pool, &all[test_rand() % n]->txid,
                               (int64_t)(test_rand() % 20000) - 10000);
        free(all);
        break;
    case 4: remember(l, mock_coin(l->f->chain, COIN, false, 100)); break;
    default: random_offer(l);
    }
    time_set_mock(time_now() + (int64_t)(test_rand() % 20));
}

static void random_lives(void **state)
{
    struct fixture *f = *state;
    struct life l = {.f = f};
    for (unsigned i = 0; i < 20; i++)
        remember(&l, mock_coin(f->chain, COIN, false, 100));
    for (unsigned i = 0; i < 6000; i++) {
        random_step(&l);
        mempool_check(f->pool);
    }
    printf("accepted %u, refused %u, replaced %u, left %zu\n", l.accepted, l.refused, l.replaced,
           mempool_count(f->pool));
    assert_true(l.accepted > 100 && l.replaced > 10); /* that it has lived at all */
}

int main(void)
{
#define POOL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        POOL_TEST(plain_reasons),    POOL_TEST(test_accept_changes_nothing),
        POOL_TEST(witness_twins),    POOL_TEST(cluster_limit),
        POOL_TEST(replacement),      POOL_TEST(truc_rules),
        POOL_TEST(ephemeral_dust),   POOL_TEST(eviction_and_rolling_minimum),
        POOL_TEST(expiry),           POOL_TEST(child_pays_in_package),
        POOL_TEST(package_replaces), POOL_TEST(block_conflicts),
        POOL_TEST(reorganisation),   POOL_TEST(reorganisation_beyond_the_limit),
        POOL_TEST(priority),         POOL_TEST(random_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
