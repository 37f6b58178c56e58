/* JSON out and in: escapes, exact amounts, numbers and their limits, refusals. */

#include "chain/amount.h"
#include "rpc/json.h"
#include "unit.h"

static void assert_text(struct json *j, const char *want)
{
    write_u8(&j->out, 0);
    assert_string_equal((const char *)j->out.data, want);
    json_clear(j);
}

static void writing(void **state)
{
    (void)state;
    struct json j;
    uint8_t bytes[3] = {0, 0x7f, 0xff}, hash[32] = {0xaa, [31] = 1};
    json_init(&j);
    json_begin_object(&j, NULL);
    json_put_str(&j, "s", "a\"b\\c\n\x01\x7f/\xc3\xa9");
    json_put_strn(&j, "n", "x\0y", 3);
    json_begin_array(&j, "a");
    json_put_int(&j, NULL, INT64_MIN);
    json_put_uint(&j, NULL, UINT64_MAX);
    json_put_bool(&j, NULL, true);
    json_put_null(&j, NULL);
    json_begin_object(&j, NULL);
    json_end(&j);
    json_begin_array(&j, NULL);
    json_end(&j);
    json_end(&j);
    json_put_hex(&j, "h", bytes, 3);
    json_put_hex(&j, "e", bytes, 0);
    json_put_hash(&j, "id", hash);
    json_put_strf(&j, "f", "%08x", 0x30);
    json_put_str_take(&j, "none", NULL);
    json_put_str_take(&j, "t", xstrdup("own"));
    json_end(&j);
    assert_text(&j, "{\"s\":\"a\\\"b\\\\c\\n\\u0001\\u007f/\xc3\xa9\",\"n\":\"x\\u0000y\","
                    "\"a\":[-9223372036854775808,18446744073709551615,true,null,{},[]],"
                    "\"h\":\"007fff\",\"e\":\"\","
                    "\"id\":\"01000000000000000000000000000000000000000000000000000000000000aa\","
                    "\"f\":\"00000030\",\"t\":\"own\"}");
}

static void numbers_out(void **state)
{
    (void)state;
    struct json j;
    json_init(&j);
    json_begin_array(&j, NULL);
    json_put_amount(&j, NULL, 0);
    json_put_amount(&j, NULL, 1);
    json_put_amount(&j, NULL, -100000001);
    json_put_amount(&j, NULL, MAX_MONEY);
    json_put_double(&j, NULL, 4.656542373906925e-10);
    json_put_double(&j, NULL, 1);
    json_put_double(&j, NULL, 0.1);
    json_put_double(&j, NULL, 2.473331317436399e-06);
    json_end(&j);
    assert_text(&j, "[0.00000000,0.00000001,-1.00000001,21000000.00000000,"
                    "4.656542373906925e-10,1,0.1,2.473331317436399e-06]");
}

static struct json_object *parse(const char *text)
{
    bool ok;
    struct json_object *v = json_parse(text, strlen(text), &ok);
    assert_true(ok);
    return v;
}

static void parsing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      "{",        "[1,]",  "{\"a\":1,}", "'a'",    "nul",          "1 2",
        "[1] x", "\"\xff\"", "{a:1}", "[1 2]",      "\"\n\"", "{\"a\" 1}",    "tru",
        "]",     "\"abc",    "NaN",   "[Infinity]", "1.",     "{\"a\":1.e5}", "-"};
    static const char *const good[] = {"1",      " [1,2] ", "\"a\"", "{\"a\":{}}",
                                       "-0.5e3", "true",    "[]\n",  "0"};
    bool ok;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(json_parse(bad[i], strlen(bad[i]), &ok));
        if (ok)
            fail_msg("taken for JSON: %s", bad[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        json_object_put(parse(good[i]));
    assert_null(json_parse("null", 4, &ok));
    assert_true(ok);
    /* Depth is bounded. */
    char deep[2001];
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    assert_null(json_parse(deep, 2000, &ok));
    assert_false(ok);
}

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {{"0", true, 0},
                 {"-5", true, -5},
                 {"9223372036854775807", true, INT64_MAX},
                 {"-9223372036854775808", true, INT64_MIN},
                 {"9223372036854775808", false, 0},
                 {"99999999999999999999999", false, 0},
                 {"1.0", false, 0},
                 {"1e3", false, 0},
                 {"\"1\"", false, 0},
                 {"true", false, 0},
                 {"[]", false, 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *v = parse(cases[i].text);
        int64_t n = 0;
        assert_int_equal(json_as_int(v, INT64_MIN, INT64_MAX, &n), cases[i].ok);
        assert_true(n == cases[i].value);
        json_object_put(v);
    }
    struct json_object *v = parse("128");
    int64_t n;
    assert_false(json_as_int(v, 0, 127, &n));
    assert_false(json_as_int(v, 129, 200, &n));
    assert_true(json_as_int(v, 128, 128, &n));
    json_object_put(v);
}

static void amounts_in(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {{"1", true, COIN},
                 {"0.1", true, COIN / 10},
                 {"\"0.1\"", true, COIN / 10},
                 {"20999999.9769", true, INT64_C(2099999997690000)},
                 {"0.00000001", true, 1},
                 {"1e-8", true, 1},
                 {"1.00000000", true, COIN},
                 {"0.000000001", false, 0},
                 {"1e-9", false, 0},
                 {"\"\"", false, 0},
                 {"\"foo\"", false, 0},
                 {"\"1\\u00002\"", false, 0},
                 {"true", false, 0},
                 {"{}", false, 0},
                 {"92233720368.54775808", false, 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *v = parse(cases[i].text);
        int64_t n = 0;
        if (json_as_amount(v, &n) != cases[i].ok || (cases[i].ok && n != cases[i].value))
            fail_msg("amount %s", cases[i].text);
        json_object_put(v);
    }
}

static void members(void **state)
{
    (void)state;
    struct json_object *v = parse("{\"a\":1,\"b\":null,\"c\":[]}");
    assert_non_null(json_get(v, "a"));
    assert_null(json_get(v, "b"));
    assert_null(json_get(v, "x"));
    assert_null(json_get(json_get(v, "c"), "a"));
    assert_null(json_get(NULL, "a"));
    assert_string_equal(json_type_text(v), "object");
    assert_string_equal(json_type_text(json_get(v, "a")), "number");
    assert_string_equal(json_type_text(json_get(v, "c")), "array");
    assert_string_equal(json_type_text(NULL), "null");
    json_object_put(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing),       cmocka_unit_test(numbers_out), cmocka_unit_test(parsing),
        cmocka_unit_test(whole_numbers), cmocka_unit_test(amounts_in),  cmocka_unit_test(members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
