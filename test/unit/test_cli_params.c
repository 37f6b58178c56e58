/* mite-cli's table of parameters against the node's own, and what it makes of arguments. */
#include "cli/params.h"
#include "rpc/rpc.h"
#include "rpc/types.h"
#include "unit.h"

/* Finds the word of a table entry that has this name; false where there is none. */
static bool find_word(const char *params, const char *name, char *mark)
{
    char *copy = xstrdup(params), *save = NULL;
    bool found = false;

    for (char *word = strtok_r(copy, " ", &save); word && !found;
         word = strtok_r(NULL, " ", &save)) {
        size_t len = strlen(word);
        *mark = len && strchr("*?+", word[len - 1]) ? word[len - 1] : 0;
        if (*mark)
            word[len - 1] = 0;
        char *bar, *part = word;
        do {
            bar = strchr(part, '|');
            if (bar)
                *bar = 0;
            found |= strcmp(part, name) == 0;
            part = bar ? bar + 1 : part;
        } while (bar);
    }
    free(copy);
    return found;
}

static void check_param(const char *method, const char *params, const struct rpc_param *p)
{
    size_t n;
    char **names = str_split(p->name, '|', &n), mark = 0;

    for (size_t i = 0; i < n; i++) {
        if (!find_word(params, names[i], &mark))
            fail_msg("%s: the client does not know \"%s\"", method, names[i]);
        const char *kind = rpc_type_kind(p->type);
        bool text = kind && strcmp(kind, "string") == 0;
        bool client_text = mark == 0 || mark == '+';
        if (text != client_text && mark != '?' && !(p->flags & RPC_ANY_TYPE))
            fail_msg("%s: \"%s\" is %s here and %s there", method, names[i], p->type,
                     client_text ? "text" : "JSON");
    }
    free(names);
}

static void test_table_is_the_node_s(void **state)
{
    unsigned methods = 0;

    (void)state;
    for (const struct rpc_table *t = rpc_tables; t->category; t++)
        for (const struct rpc_method *m = t->methods; m->name; m++, methods++) {
            const char *params = cli_method_params(m->name);
            const struct rpc_param *p = m->params;
            if (!params && p && p->name)
                fail_msg("%s is not in the client's table", m->name);
            for (; p && p->name; p++)
                check_param(m->name, params, p);
        }
    assert_true(methods > 50);
}

static void expect_positional(const char *method, const char *const *args, size_t n,
                              const char *json)
{
    char *error = NULL, *text = cli_positional(method, args, n, &error);
    assert_non_null(text);
    assert_string_equal(text, json);
    free(text);
}

static void expect_named(const char *method, const char *const *args, size_t n, const char *json)
{
    char *error = NULL, *text = cli_named(method, args, n, &error);
    assert_non_null(text);
    assert_string_equal(text, json);
    free(text);
}

#define ARGS(...) (const char *[]){__VA_ARGS__}, ARRAY_LEN(((const char *[]){__VA_ARGS__}))

static void test_positional(void **state)
{
    (void)state;
    expect_positional("getblockhash", ARGS("1000"), "[1000]");
    expect_positional("getnewaddress", ARGS("12", "bech32"), "[\"12\",\"bech32\"]");
    expect_positional("sendtoaddress", ARGS("addr", "0.10000000"), "[\"addr\",0.10000000]");
    expect_positional("getblockstats", ARGS("00ff"), "[\"00ff\"]"); /* JSON, or else text */
    expect_positional("getblockstats", ARGS("12", "[\"time\"]"), "[12,[\"time\"]]");
    expect_positional("nosuchmethod", ARGS("1", "true"), "[\"1\",\"true\"]");
    expect_positional("getblockhash", ARGS("null"), "[null]");
}

static void test_bad_json(void **state)
{
    static const char *const bad[] = {"foo", "", "[1", "{", "1 2", "[1,]", "01", "'a'", "NaN"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *error = NULL;
        if (cli_positional("getblockhash", &bad[i], 1, &error))
            fail_msg("took %s for JSON", bad[i]);
        char *want = xasprintf("Error parsing JSON: %s", bad[i]);
        assert_string_equal(error, want);
        free(want);
        free(error);
    }
}

static void test_named(void **state)
{
    (void)state;
    expect_named("getblockhash", ARGS("height=5"), "{\"height\":5}");
    expect_named("getblock", ARGS("ff", "verbose=true"), "{\"verbose\":true,\"args\":[\"ff\"]}");
    expect_named("getblockhash", ARGS("5"), "{\"args\":[5]}");
    expect_named("echojson", ARGS("[\"a=b\"]", "42"), "{\"args\":[[\"a=b\"],42]}");
    expect_named("createwallet", ARGS("my=wallet"), "{\"args\":[\"my=wallet\"]}");
    expect_named("getblock", ARGS("blockhsah=ff"),
                 "{\"blockhsah\":\"ff\"}"); /* the node refuses it */
    expect_named("bumpfee", ARGS("txid=ff", "fee_rate=2"), "{\"txid\":\"ff\",\"fee_rate\":2}");
    expect_named("echo", ARGS("args=[1]", "2"), "{\"args\":\"[1]\",\"args\":[\"2\"]}");
}

static void test_table_has_no_method_twice(void **state)
{
    (void)state;
    for (size_t i = 1; i < cli_method_count(); i++)
        if (strcmp(cli_method_name(i - 1), cli_method_name(i)) >= 0)
            fail_msg("%s is out of order", cli_method_name(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_the_node_s),
        cmocka_unit_test(test_positional),
        cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_table_has_no_method_twice),
    };
    return cmocka_run_group_tests_name("cli/params", tests, NULL, NULL);
}
