/*
 * Feerate diagrams and linearisation: against exhaustive search on small random graphs, against
 * ancestor sets on large ones.
 */
#include "mempool/linearize.h"

#include "unit.h"

static unsigned below(unsigned n)
{
    return (unsigned)(test_rand() % n);
}

static void random_graph(struct depgraph *g, unsigned n, unsigned density)
{
    memset(g, 0, sizeof(*g));
    g->n = n;
    bool few_rates = below(3) == 0;
    for (unsigned i = 0; i < n; i++) {
        g->tx[i].size = few_rates ? 100 : 1 + below(1000);
        g->tx[i].fee = few_rates ? (int64_t)below(4) * 50 : below(5000);
        g->rank[i] = test_rand();
        for (unsigned k = 0; k < i; k++)
            g->parents[i] |= below(100) < density ? UINT64_C(1) << k : 0;
    }
}

static void assert_topological(const struct depgraph *g, const unsigned *order)
{
    uint64_t done = 0;
    for (unsigned k = 0; k < g->n; k++) {
        assert_int_equal(g->parents[order[k]] & ~done, 0);
        assert_int_equal(done >> order[k] & 1, 0);
        done |= UINT64_C(1) << order[k];
    }
}

static enum diagram_order compare(const struct depgraph *g, const unsigned *a, const unsigned *b)
{
    unsigned counts[CLUSTER_MAX];
    struct feefrac sa[CLUSTER_MAX], sb[CLUSTER_MAX];
    unsigned na = chunk_order(g, a, counts, sa);
    unsigned nb = chunk_order(g, b, counts, sb);
    for (unsigned i = 1; i < na; i++)
        assert_true(feefrac_cmp(sa[i - 1], sa[i]) >= 0);
    return diagram_compare(sa, na, sb, nb);
}

/* Every topological order of what is left, against `best`. */
static void search(const struct depgraph *g, unsigned *order, unsigned k, uint64_t done,
                   const unsigned *best)
{
    if (k == g->n) {
        enum diagram_order c = compare(g, best, order);
        assert_true(c == DIAGRAM_BETTER || c == DIAGRAM_EQUAL);
        return;
    }
    for (unsigned i = 0; i < g->n; i++) {
        if (done >> i & 1 || g->parents[i] & ~done)
            continue;
        order[k] = i;
        search(g, order, k + 1, done | UINT64_C(1) << i, best);
    }
}

static void optimal_against_exhaustive_search(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 1500; round++) {
        struct depgraph g;
        unsigned order[CLUSTER_MAX], other[CLUSTER_MAX];
        random_graph(&g, 1 + below(7), 10 + below(60));
        for (unsigned i = 0; i < g.n; i++)
            order[i] = i;
        assert_true(linearize(&g, order, LINEARIZE_BUDGET));
        assert_topological(&g, order);
        search(&g, other, 0, 0, order);
    }
}

static void never_worse_on_large_graphs(void **state)
{
    (void)state;
    unsigned optimal = 0, rounds = 300;
    for (unsigned round = 0; round < rounds; round++) {
        struct depgraph g;
        unsigned order[CLUSTER_MAX], given[CLUSTER_MAX], sets[CLUSTER_MAX];
        random_graph(&g, 20 + below(45), 1 + below(20));
        for (unsigned i = 0; i < g.n; i++)
            given[i] = i;
        memcpy(order, given, sizeof(order));
        bool is_optimal = linearize(&g, order, LINEARIZE_BUDGET);
        optimal += is_optimal;
        assert_topological(&g, order);
        ancestor_set_order(&g, sets);
        assert_topological(&g, sets);
        enum diagram_order a = compare(&g, order, given), b = compare(&g, order, sets);
        assert_true(a == DIAGRAM_BETTER || a == DIAGRAM_EQUAL);
        if (is_optimal)
            assert_true(b == DIAGRAM_BETTER || b == DIAGRAM_EQUAL);
    }
    printf("optimal: %u of %u\n", optimal, rounds);
    assert_true(optimal > rounds * 9 / 10);
}

/* However little work is allowed, what comes out is an order and not worse than what went in. */
static void small_budgets(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct depgraph g;
        unsigned order[CLUSTER_MAX], given[CLUSTER_MAX];
        random_graph(&g, 2 + below(63), 1 + below(40));
        for (unsigned i = 0; i < g.n; i++)
            order[i] = given[i] = i;
        linearize(&g, order, below(2000));
        assert_topological(&g, order);
        enum diagram_order c = compare(&g, order, given);
        assert_true(c == DIAGRAM_BETTER || c == DIAGRAM_EQUAL);
    }
}

static void child_pays_for_parent(void **state)
{
    (void)state;
    /* 0 <- 2 -> 1: neither parent pays alone, the child pays for both; 3 stands between. */
    struct depgraph g = {.n = 4,
                         .tx = {{0, 100}, {0, 100}, {900, 100}, {250, 100}},
                         .parents = {0, 0, 3, 1},
                         .rank = {0, 1, 2, 3}};
    unsigned order[CLUSTER_MAX] = {0, 1, 2, 3}, counts[CLUSTER_MAX];
    struct feefrac sums[CLUSTER_MAX];
    assert_true(linearize(&g, order, LINEARIZE_BUDGET));
    assert_int_equal(chunk_order(&g, order, counts, sums), 2);
    assert_int_equal(counts[0], 3);
    assert_int_equal(sums[0].fee, 900);
    assert_int_equal(order[3], 3);
}

static void equal_feerates_are_cut(void **state)
{
    (void)state;
    struct depgraph g = {.n = 3, .tx = {{10, 10}, {20, 20}, {30, 30}}, .parents = {0, 1, 2}};
    unsigned order[CLUSTER_MAX] = {0, 1, 2}, counts[CLUSTER_MAX];
    struct feefrac sums[CLUSTER_MAX];
    assert_true(linearize(&g, order, LINEARIZE_BUDGET));
    assert_int_equal(chunk_order(&g, order, counts, sums), 3);
}

static void diagrams(void **state)
{
    (void)state;
    const struct feefrac a[] = {{10, 1}, {1, 1}}, b[] = {{11, 2}}, c[] = {{10, 1}, {2, 2}},
                         d[] = {{12, 2}}, e[] = {{9, 1}, {3, 1}};
    assert_int_equal(diagram_compare(a, 2, a, 2), DIAGRAM_EQUAL);
    assert_int_equal(diagram_compare(a, 2, b, 1), DIAGRAM_BETTER);
    assert_int_equal(diagram_compare(b, 1, a, 2), DIAGRAM_WORSE);
    assert_int_equal(diagram_compare(a, 2, d, 1), DIAGRAM_INCOMPARABLE);
    assert_int_equal(diagram_compare(c, 2, a, 2), DIAGRAM_BETTER);
    assert_int_equal(diagram_compare(e, 2, a, 2), DIAGRAM_INCOMPARABLE);
    assert_int_equal(diagram_compare(NULL, 0, NULL, 0), DIAGRAM_EQUAL);
    assert_int_equal(diagram_compare(NULL, 0, b, 1), DIAGRAM_WORSE);
    const struct feefrac low[] = {{-5, 3}};
    assert_int_equal(diagram_compare(low, 1, NULL, 0), DIAGRAM_WORSE);
}

/* Against the curves themselves, taken at every size. */
static void diagrams_at_random(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct feefrac d[2][6];
        size_t n[2];
        double y[2][200];
        for (unsigned k = 0; k < 2; k++) {
            n[k] = below(6);
            for (size_t i = 0; i < n[k]; i++)
                d[k][i] = (struct feefrac){below(20), 1 + below(12)};
            chunks_sort(d[k], n[k]);
            size_t at = 0;
            double sum = 0;
            for (size_t i = 0; i < n[k]; i++) {
                for (int64_t s = 1; s <= d[k][i].size; s++)
                    y[k][++at] = sum + (double)d[k][i].fee * (double)s / (double)d[k][i].size;
                sum += (double)d[k][i].fee;
            }
            y[k][0] = 0;
            while (++at < 200)
                y[k][at] = sum;
        }
        bool above = false, under = false;
        for (unsigned s = 0; s < 200; s++) {
            above |= y[0][s] > y[1][s] + 1e-9;
            under |= y[0][s] < y[1][s] - 1e-9;
        }
        enum diagram_order want = above && under ? DIAGRAM_INCOMPARABLE
                                  : above        ? DIAGRAM_BETTER
                                  : under        ? DIAGRAM_WORSE
                                                 : DIAGRAM_EQUAL;
        assert_int_equal(diagram_compare(d[0], n[0], d[1], n[1]), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diagrams),
        cmocka_unit_test(diagrams_at_random),
        cmocka_unit_test(child_pays_for_parent),
        cmocka_unit_test(equal_feerates_are_cut),
        cmocka_unit_test(optimal_against_exhaustive_search),
        cmocka_unit_test(never_worse_on_large_graphs),
        cmocka_unit_test(small_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
