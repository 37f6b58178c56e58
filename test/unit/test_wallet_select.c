/*
 * Coin selection on random wallets: what is chosen suffices, is counted right, keeps to the weight,
 * wastes no more than any subset where all subsets can be tried, and fails only where it must.
 */
#include "unit.h"
#include "wallet/select.h"

static uint64_t draw(void *arg, uint64_t below)
{
    (void)arg;
    return test_rand() % below;
}

static struct select_params base_params(int64_t target)
{
    return (struct select_params){.target = target,
                                  .change_fee = 310,
                                  .change_cost = 990,
                                  .change_target = 50310,
                                  .change_viable = 700,
                                  .max_weight = 400000,
                                  .change_weight = 124,
                                  .exact = true,
                                  .random = draw};
}

static size_t random_items(struct select_item *items, size_t max, int64_t largest, int64_t later)
{
    size_t n = 1 + test_rand() % max;
    for (size_t i = 0; i < n; i++) {
        items[i].value = 1 + (int64_t)(test_rand() % (uint64_t)largest);
        items[i].weight = 230 + 4 * (int64_t)(test_rand() % 100);
        items[i].fee = items[i].weight * 10 / 4;
        items[i].fee_later = items[i].weight * later / 4;
        items[i].amount = items[i].value - items[i].fee;
    }
    return n;
}

static void check(const struct select_item *items, const struct select_params *p,
                  const struct selection *s)
{
    int64_t amount = 0, value = 0, weight = 0, waste = 0;
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(s->items[i], s->items[k]);
        const struct select_item *it = &items[s->items[i]];
        amount += it->amount;
        value += it->value;
        weight += it->weight;
        waste += it->fee - it->fee_later;
    }
    assert_int_equal(amount, s->amount);
    assert_int_equal(value, s->value);
    assert_int_equal(weight, s->weight);
    assert_true(amount >= p->target);
    assert_true(weight + (s->change ? p->change_weight : 0) <= p->max_weight);
    if (s->change) {
        assert_int_equal(s->change, amount - p->target - p->change_fee);
        assert_true(s->change >= p->change_viable);
    }
    assert_int_equal(s->waste, waste + (s->change ? p->change_cost : amount - p->target));
}

static int64_t sum_positive(const struct select_item *items, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += items[i].amount > 0 ? items[i].amount : 0;
    return sum;
}

static void random_wallets(void **state)
{
    struct select_item items[200];
    unsigned found = 0;
    (void)state;
    for (int round = 0; round < 2000; round++) {
        size_t n = random_items(items, round % 10 ? 12 : 200, 1000000, test_rand() % 2 ? 5 : 20);
        int64_t have = sum_positive(items, n);
        struct select_params p = base_params(1 + (int64_t)(test_rand() % 3000000));
        struct selection s;
        bool heavy;
        p.frugal = test_rand() % 2;
        p.exact = test_rand() % 2;
        if (select_coins(items, n, &p, &s, &heavy)) {
            check(items, &p, &s);
            found++;
        } else {
            assert_true(have < p.target);
        }
        selection_clear(&s);
    }
    assert_true(found > 200);
}

/* Where some coins add up to the target exactly, what is found wastes no more than they do. */
static void finds_exact(void **state)
{
    struct select_item items[20];
    (void)state;
    for (int round = 0; round < 300; round++) {
        size_t n = random_items(items, 20, 1000000, 5);
        struct select_params p = base_params(0);
        struct selection s;
        bool heavy;
        int64_t waste = 0;
        for (size_t i = 0; i < n; i++) {
            if (test_rand() % 3 || items[i].amount <= 0)
                continue;
            p.target += items[i].amount;
            waste += items[i].fee - items[i].fee_later;
        }
        if (p.target == 0)
            continue;
        assert_true(select_coins(items, n, &p, &s, &heavy));
        check(items, &p, &s);
        assert_true(s.waste <= waste);
        selection_clear(&s);
    }
}

/* Against all subsets without change: branch and bound finds the least waste. */
static void least_waste(void **state)
{
    struct select_item items[10];
    (void)state;
    for (int round = 0; round < 300; round++) {
        size_t n = random_items(items, 10, 30000, 5);
        struct select_params p = base_params(20000 + (int64_t)(test_rand() % 60000));
        int64_t best = INT64_MAX;
        for (unsigned set = 1; set < 1u << n; set++) {
            int64_t amount = 0, waste = 0;
            bool positive = true;
            for (size_t i = 0; i < n; i++) {
                if (!(set >> i & 1))
                    continue;
                positive = positive && items[i].amount > 0;
                amount += items[i].amount;
                waste += items[i].fee - items[i].fee_later;
            }
            if (positive && amount >= p.target && amount <= p.target + p.change_cost &&
                waste + amount - p.target < best)
                best = waste + amount - p.target;
        }
        struct selection s;
        bool heavy, ok = select_coins(items, n, &p, &s, &heavy);
        if (best != INT64_MAX) {
            assert_true(ok);
            assert_true(s.waste <= best);
        }
        selection_clear(&s);
    }
}

static void too_heavy(void **state)
{
    struct select_item items[100];
    struct select_params p = base_params(90 * 1000);
    struct selection s;
    bool heavy;
    (void)state;
    for (size_t i = 0; i < 100; i++)
        items[i] = (struct select_item){1000, 1100, 100, 50, 1000};
    p.change_target = 310;
    p.max_weight = 50 * 1000;
    assert_false(select_coins(items, 100, &p, &s, &heavy));
    assert_true(heavy);
    p.max_weight = 400000;
    assert_true(select_coins(items, 100, &p, &s, &heavy));
    selection_clear(&s);
    p.target = 200 * 1000;
    p.max_weight = 400000;
    assert_false(select_coins(items, 100, &p, &s, &heavy));
}

/* At high feerates the lightest set wins over the one with more coins. */
static void frugal(void **state)
{
    struct select_item items[21];
    struct select_params p = base_params(100000);
    struct selection s;
    bool heavy;
    (void)state;
    for (size_t i = 0; i < 20; i++)
        items[i] = (struct select_item){20000, 47200, 27200, 2720, 272};
    items[20] = (struct select_item){400000, 427200, 27200, 2720, 272};
    p.frugal = true;
    assert_true(select_coins(items, 21, &p, &s, &heavy));
    assert_int_equal(s.n, 1);
    selection_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_wallets), cmocka_unit_test(finds_exact),
        cmocka_unit_test(least_waste),    cmocka_unit_test(too_heavy),
        cmocka_unit_test(frugal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
