/* Amounts as text, checked sums, feerates. */
#include "chain/amount.h"
#include "unit.h"

static void formats(void **state)
{
    char text[32];

    (void)state;
    assert_string_equal(amount_format(text, 0), "0.00000000");
    assert_string_equal(amount_format(text, 1), "0.00000001");
    assert_string_equal(amount_format(text, -1), "-0.00000001");
    assert_string_equal(amount_format(text, MAX_MONEY), "21000000.00000000");
    assert_string_equal(amount_format(text, -100000001), "-1.00000001");
    assert_string_equal(amount_format(text, INT64_MAX), "92233720368.54775807");
    assert_string_equal(amount_format(text, INT64_MIN), "-92233720368.54775808");
}

static void parses(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"0.00000000", 0},
        {"1", COIN},
        {"0.1", 10000000},
        {"1.1", 110000000},
        {"1.10000000000000000", 110000000},
        {"1.1e1", 1100000000},
        {"1.1e-1", 11000000},
        {"1.1E+2", INT64_C(11000000000)},
        {"0.00000001", 1},
        {"1e-8", 1},
        {"0.0000000100000000000000", 1},
        {"0.0000001e-1", 1},
        {"0.000000000000000000000000000000000000000000000000000000000000000000000000001e+67", 1},
        {"20999999.9999999", MAX_MONEY - 10},
        {"20999999.99999999", MAX_MONEY - 1},
        {"-1.00000001", -100000001},
        {"9999999999.99999999", INT64_C(999999999999999999)},
        {"-9999999999.99999999", -INT64_C(999999999999999999)},
        {"1000000000.00000001", INT64_C(100000000000000001)},
        {"1e1", 1000000000},
    };
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      ".5",
                                      "5.",
                                      "1.",
                                      "01",
                                      "00",
                                      "0x1",
                                      "1e",
                                      "1e+",
                                      " 1",
                                      "1 ",
                                      "-.1",
                                      "1,1",
                                      "0.000000001",
                                      "0.00000001000000001",
                                      "1e-9",
                                      "0.000000019",
                                      "10000000000.00000000",
                                      "10000000000",
                                      "1e11",
                                      "1e93223372036854775807",
                                      "1e-93223372036854775807",
                                      "a",
                                      "1.1.1",
                                      "99999999999999999999",
                                      "-1000000000000000000000000",
                                      "1.0e",
                                      "1-",
                                      "NaN",
                                      "Infinity"};
    int64_t v;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        v = -77;
        if (!amount_parse(&v, good[i].text) || v != good[i].value)
            fail_msg("%s gave %lld", good[i].text, (long long)v);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (amount_parse(&v, bad[i]))
            fail_msg("\"%s\" gave %lld", bad[i], (long long)v);
}

static void round_trips(void **state)
{
    char text[32];
    uint64_t x = 88172645463325252u;
    int64_t v;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        int64_t amount = (int64_t)(x % (2 * (uint64_t)MAX_MONEY)) - MAX_MONEY;

        assert_true(amount_parse(&v, amount_format(text, amount)));
        assert_int_equal(v, amount);
    }
}

static void adds(void **state)
{
    int64_t v = 5;

    (void)state;
    assert_true(amount_add(&v, 1, 2));
    assert_int_equal(v, 3);
    assert_true(amount_add(&v, MAX_MONEY - 1, 1));
    assert_false(amount_add(&v, MAX_MONEY, 1));
    assert_false(amount_add(&v, -1, 1));
    assert_false(amount_add(&v, INT64_MAX, INT64_MAX));
    assert_false(amount_add(&v, INT64_MIN, 0));
    assert_int_equal(v, MAX_MONEY);
}

static void fees(void **state)
{
    (void)state;
    assert_int_equal(feerate_fee(1000, 0), 0);
    assert_int_equal(feerate_fee(1000, 1), 1);
    assert_int_equal(feerate_fee(1000, 121), 121);
    assert_int_equal(feerate_fee(123, 1), 1);
    assert_int_equal(feerate_fee(123, 121), 15);
    assert_int_equal(feerate_fee(123, 8), 1);
    assert_int_equal(feerate_fee(123, 9), 2);
    assert_int_equal(feerate_fee(-123, 1), -1);
    assert_int_equal(feerate_fee(-123, 9), -1);
    assert_int_equal(feerate_fee(-1000, 9), -9);
    assert_int_equal(feerate_fee(0, 100000), 0);
    assert_int_equal(feerate_fee(INT64_C(2100000000000000), 4000000) / 4000000,
                     INT64_C(2100000000000));
    assert_int_equal(feerate_of(27, 789), 34);
    assert_int_equal(feerate_of(26, 789), 32);
    assert_int_equal(feerate_of(-1, 789), -2);
    assert_int_equal(feerate_of(10, 0), 0);
    assert_int_equal(feerate_of(MAX_MONEY, 1), MAX_MONEY * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats), cmocka_unit_test(parses), cmocka_unit_test(round_trips),
        cmocka_unit_test(adds),    cmocka_unit_test(fees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
