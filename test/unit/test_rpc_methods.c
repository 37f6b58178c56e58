/* The method tables: every type can be read, help can be made, names and parameters are those of
 * the shared interface; and the binding of arguments, against a table of its own. */

#include "rpc/call.h"
#include "rpc/types.h"
#include "support/vectors.h"
#include "unit.h"

/* ---- the tables ---- */

static void walk(const char *type)
{
    const char *begin;
    size_t len;
    (void)rpc_type_kind(type);
    for (const char *at = type; rpc_type_alternative(&at, &begin, &len);) {
        struct rpc_member m;
        if (*begin != '{' && *begin != '[')
            continue;
        for (const char *in = begin; rpc_type_next(&in, &m);)
            walk(m.type);
    }
}

static void every_method(void (*fn)(const struct rpc_table *t, const struct rpc_method *m,
                                    void *arg),
                         void *arg)
{
    for (const struct rpc_table *t = rpc_tables; t->methods; t++)
        for (const struct rpc_method *m = t->methods; m->name; m++)
            fn(t, m, arg);
}

static void check_method(const struct rpc_table *t, const struct rpc_method *m, void *arg)
{
    (void)t;
    struct buf help = BUF_INIT, signature = BUF_INIT;
    assert_non_null(m->handler);
    assert_non_null(m->about);
    if (m->result)
        walk(m->result);
    for (const struct rpc_param *p = m->params; p && p->name; p++) {
        walk(p->type);
        assert_non_null(p->about);
    }
    rpc_signature(&signature, m);
    rpc_help_method(&help, m);
    assert_memory_equal(help.data, signature.data, signature.len);
    assert_int_equal(help.data[signature.len], '\n');
    buf_clear(&help);
    buf_clear(&signature);
    ++*(unsigned *)arg;
}

static void tables(void **state)
{
    (void)state;
    unsigned n = 0;
    every_method(check_method, &n);
    assert_true(n > 40);
}

static void count_name(const struct rpc_table *t, const struct rpc_method *m, void *arg)
{
    (void)t;
    struct {
        const char *name;
        unsigned n;
    } *count = arg;
    count->n += strcmp(m->name, count->name) == 0;
}

static void check_once(const struct rpc_table *t, const struct rpc_method *m, void *arg)
{
    (void)t, (void)arg;
    struct {
        const char *name;
        unsigned n;
    } count = {m->name, 0};
    every_method(count_name, &count);
    if (count.n != 1)
        fail_msg("%s is there %u times", m->name, count.n);
}

static void no_name_twice(void **state)
{
    (void)state;
    every_method(check_once, NULL);
}

/* ---- against the interface ---- */

static struct json_object *find(struct json_object *methods, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(methods); i++) {
        struct json_object *m = json_object_array_get_idx(methods, i);
        if (strcmp(json_str(json_member(m, "name")), name) == 0)
            return m;
    }
    return NULL;
}

static bool required(const struct rpc_param *p)
{
    return p->def && strcmp(p->def, RPC_REQUIRED) == 0;
}

static void compare(const struct rpc_table *t, const struct rpc_method *m, void *arg)
{
    struct json_object *want = find(arg, m->name), *aliases;
    if (!want || m->hidden || strcmp(t->category, "hidden") == 0)
        return;
    if (strcmp(t->category, json_str(json_member(want, "x-bitcoin-category"))) != 0)
        fail_msg("%s: category %s", m->name, t->category);
    struct json_object *params = json_member(want, "params");
    size_t n = 0;
    for (const struct rpc_param *p = m->params; p && p->name; p++)
        n += !(p->flags & RPC_HIDDEN_PARAM);
    if (n != json_object_array_length(params))
        fail_msg("%s: %zu parameters, not %zu", m->name, n, json_object_array_length(params));
    for (size_t i = 0; i < n; i++) {
        struct json_object *p = json_at(params, i);
        size_t len = strcspn(m->params[i].name, "|");
        const char *name = json_str(json_member(p, "name"));
        if (strlen(name) != len || strncmp(name, m->params[i].name, len) != 0)
            fail_msg("%s: parameter %zu is %s, not %s", m->name, i, m->params[i].name, name);
        if (required(&m->params[i]) != json_object_get_boolean(json_member(p, "required")))
            fail_msg("%s: %s: required or not", m->name, name);
        if (json_object_object_get_ex(p, "x-bitcoin-aliases", &aliases))
            for (size_t k = 0; k < json_object_array_length(aliases); k++)
                assert_int_equal(rpc_param_index(m, json_str(json_at(aliases, k))), i);
    }
}

static void against_interface(void **state)
{
    (void)state;
    char *text = shared_read("rpc/interface.json");
    struct json_object *all = json_tokener_parse(text);
    free(text);
    assert_non_null(all);
    every_method(compare, json_member(all, "methods"));
    json_object_put(all);
}

/* ---- arguments ---- */

static struct rpc_answer *no_handler(struct rpc_call *call)
{
    return rpc_ok_null(call);
}

static const struct rpc_method method = {
    "m", no_handler, "For this test.",
    RPC_PARAMS({"first", "str", RPC_REQUIRED, ""}, {"second|two", "num", "1", ""},
               {"options", "{a?:num, b?:str}", NULL, "", NULL, RPC_NAMED_OPTIONS},
               {"fourth", "str|num", NULL, ""}, {"fifth", "[str]", NULL, ""}),
    "null"};

static struct rpc_call *bind_text(const char *params)
{
    struct rpc_call *call = xcalloc(1, sizeof(*call));
    static struct rpc_call *head;
    call->link = &head;
    head = call;
    call->method = &method;
    call->params = json_tokener_parse(params);
    assert_non_null(call->params);
    rpc_bind_args(call);
    return call;
}

static void assert_bound(const char *params, const char *want)
{
    struct rpc_call *call = bind_text(params);
    struct json j;
    json_init(&j);
    json_begin_array(&j, NULL);
    for (size_t i = 0; i < call->n_args; i++)
        json_put_value(&j, NULL, call->args[i]);
    json_end(&j);
    write_u8(&j.out, 0);
    if (call->error)
        fail_msg("%s: %s", params, call->error);
    assert_string_equal((const char *)j.out.data, want);
    json_clear(&j);
    rpc_call_free(call);
}

static void assert_refused(const char *params, int code, const char *message)
{
    struct rpc_call *call = bind_text(params);
    assert_int_equal(call->error_code, code);
    assert_string_equal(call->error, message);
    rpc_call_free(call);
}

static void binding(void **state)
{
    (void)state;
    assert_bound("[\"x\"]", "[\"x\"]");
    assert_bound("[\"x\",2,null,\"y\"]", "[\"x\",2,null,\"y\"]");
    assert_bound("{\"first\":\"x\",\"fourth\":5}", "[\"x\",null,null,5]");
    assert_bound("{\"two\":3,\"first\":\"x\"}", "[\"x\",3]");
    assert_bound("{\"args\":[\"x\"],\"second\":2}", "[\"x\",2]");
    assert_bound("{\"first\":\"x\",\"b\":\"q\",\"a\":1}", "[\"x\",null,{\"b\":\"q\",\"a\":1}]");
    assert_bound("{\"first\":\"x\",\"second\":null}", "[\"x\",null]");
}

static void refusing(void **state)
{
    (void)state;
    assert_refused("{\"first\":\"x\",\"foo\":1}", -8, "Unknown named parameter foo");
    assert_refused("{\"args\":[\"x\"],\"first\":1}", -8,
                   "Parameter first specified twice both as positional and named argument");
    assert_refused("{\"args\":[\"x\",null,null],\"second\":1}", -8,
                   "Parameter second specified twice both as positional and named argument");
    assert_refused("{\"first\":\"x\",\"second\":1,\"two\":2}", -8, "Unknown named parameter two");
    assert_refused(
        "[1,\"a\"]", -3,
        "Wrong type passed:\n{\n    \"Position 1 (first)\": \"JSON value of type number "
        "is not of expected type string\",\n    \"Position 2 (second|two)\": \"JSON value "
        "of type string is not of expected type number\"\n}");
    assert_refused(
        "[null]", -3,
        "Wrong type passed:\n{\n    \"Position 1 (first)\": \"JSON value of type null is "
        "not of expected type string\"\n}");
    struct buf help = BUF_INIT;
    rpc_help_method(&help, &method);
    write_u8(&help, 0);
    assert_refused("[]", -1, (const char *)help.data);
    assert_refused("[\"x\",1,{},1,[],1]", -1, (const char *)help.data);
    assert_refused("{\"args\":[\"x\",1,{},1,[],1,2,3]}", -1, (const char *)help.data);
    assert_true(starts_with((const char *)help.data,
                            "m \"first\" ( second {\"a\":n,\"b\":\"str\",...} fourth "
                            "[\"str\",...] )\n"));
    buf_clear(&help);
}

static void option_objects(void **state)
{
    (void)state;
    static const struct {
        const char *params;
        bool strict;
        const char *error;
    } cases[] = {
        {"[\"x\",1,{\"a\":1}]", true, NULL},
        {"[\"x\",1,{\"a\":\"1\"}]", true,
         "JSON value of type string for field a is not of expected type number"},
        {"[\"x\",1,{\"z\":1}]", true, "Unexpected key z"},
        {"[\"x\",1,{\"z\":1}]", false, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rpc_call *call = bind_text(cases[i].params);
        assert_null(call->error);
        rpc_arg_check_object(call, "options", cases[i].strict);
        if (cases[i].error)
            assert_string_equal(call->error, cases[i].error);
        else
            assert_null(call->error);
        rpc_call_free(call);
    }
    struct rpc_call *call = bind_text("[\"x\",1,{\"a\":1,\"q\":2}]");
    assert_true(rpc_check_object(call, rpc_arg(call, "options"), "{a:num}", false));
    assert_false(rpc_check_object(call, rpc_arg(call, "options"), "{a:num}", true));
    assert_string_equal(call->error, "Unexpected key q");
    rpc_call_free(call);
    call = bind_text("[\"x\",1,{\"a\":1}]");
    assert_false(rpc_check_object(call, rpc_arg(call, "options"), "{a:num, b:str}", true));
    assert_string_equal(call->error, "Missing b");
    rpc_call_free(call);
}

static void getters(void **state)
{
    (void)state;
    struct rpc_call *call = bind_text("[\"00\",99999999999]");
    uint8_t hash[32];
    assert_string_equal(rpc_arg_str(call, "first"), "00");
    assert_true(rpc_arg_int64(call, "second", 7) == 99999999999);
    assert_false(rpc_failed(call));
    assert_int_equal(rpc_arg_int(call, "second", 7), 7); /* not in 32 bits */
    assert_int_equal(call->error_code, -1);
    assert_string_equal(call->error, "JSON integer out of range");
    assert_false(rpc_arg_hash(call, "first", hash)); /* the first error stays */
    assert_string_equal(call->error, "JSON integer out of range");
    rpc_call_free(call);
    call = bind_text("[\"00\"]");
    assert_false(rpc_arg_hash(call, "first", hash));
    assert_string_equal(call->error, "first must be of length 64 (not 2, for '00')");
    assert_int_equal(rpc_arg_int(call, "second", 7), 7); /* not given */
    rpc_call_free(call);
    call = bind_text("[\"zz\",1,null,-1]");
    struct buf b = BUF_INIT;
    int64_t amount;
    assert_false(rpc_arg_hex(call, "first", &b));
    assert_string_equal(call->error, "first must be hexadecimal string (not 'zz')");
    assert_false(rpc_arg_amount(call, "fourth", &amount));
    rpc_call_free(call);
    call = bind_text("[\"zz\",1,null,-1]");
    assert_false(rpc_arg_amount(call, "fourth", &amount));
    assert_string_equal(call->error, "Amount out of range");
    assert_int_equal(call->error_code, -3);
    rpc_call_free(call);
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(no_name_twice),
        cmocka_unit_test(against_interface),
        cmocka_unit_test(binding),
        cmocka_unit_test(refusing),
        cmocka_unit_test(option_objects),
        cmocka_unit_test(getters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
