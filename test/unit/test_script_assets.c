/*
 * script_assets_test.json, where somebody has put it into the vectors: the thousands of spends that
 * Bitcoin Core's feature_taproot.py makes when it is run with --dumptests (its files concatenated,
 * in brackets). Each has a spend that must succeed, one that must fail, or both; a member "error"
 * (a script made to dump that as well) names the sentence of the failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "script/verify.h"
#include "support/vectors.h"
#include "util/mem.h"
#include "util/random.h"

struct asset {
    struct tx *tx;
    struct tx_out *spent;
    struct buf memory;
    unsigned in;
    uint32_t flags;
    bool final;
    const char *error; /* of the failing spend, where known */
};

static void read_outputs(struct asset *a, struct json_object *list)
{
    size_t n = json_object_array_length(list);
    struct reader r;
    assert_int_equal(n, a->tx->n_in);
    a->spent = xcalloc(n, sizeof(*a->spent));
    for (size_t i = 0; i < n; i++)
        hex_into(&a->memory, json_str(json_at(list, i)));
    reader_init(&r, a->memory.data, a->memory.len);
    for (size_t i = 0; i < n; i++) {
        a->spent[i].value = read_i64(&r);
        a->spent[i].script_pubkey = read_var_span(&r, MAX_SCRIPT_SIZE);
    }
    assert_true(reader_done(&r));
}

static void read_asset(struct asset *a, struct json_object *o)
{
    struct json_object *final, *error;
    memset(a, 0, sizeof(*a));
    a->tx = tx_parse_hex(json_str(json_member(o, "tx")), true, true);
    assert_non_null(a->tx);
    read_outputs(a, json_member(o, "prevouts"));
    a->in = (unsigned)json_object_get_int(json_member(o, "index"));
    assert_true(script_flags_parse(json_str(json_member(o, "flags")), &a->flags));
    a->error = json_object_object_get_ex(o, "error", &error) ? json_object_get_string(error) : NULL;
    a->final = json_object_object_get_ex(o, "final", &final);
}

static void clear_asset(struct asset *a)
{
    tx_unref(a->tx);
    free(a->spent);
    buf_clear(&a->memory);
}

/* The flags that the cases know: more of them only where a case is final, fewer only for success.
 */
static uint32_t other_flags(const struct asset *a, bool success)
{
    uint32_t some = (uint32_t)random_below(1u << 21) & SCRIPT_VERIFY_MANDATORY;
    uint32_t flags = success ? (a->final ? some : a->flags & some) : a->flags | some;
    if (!(flags & SCRIPT_VERIFY_P2SH))
        flags &= ~(uint32_t)SCRIPT_VERIFY_WITNESS;
    return flags;
}

static bool right_error(const struct asset *a, enum script_error err)
{
    bool right = !a->error || strcmp(a->error, script_error_message(err)) == 0;
    if (!right)
        print_error("%s, not %s\n", script_error_message(err), a->error);
    return right;
}

static bool run_spend(const struct asset *a, struct json_object *spend, bool success)
{
    struct json_object *list = json_member(spend, "witness");
    size_t n = json_object_array_length(list);
    struct buf sig = BUF_INIT, *items = xcalloc(n + 1, sizeof(*items));
    struct span *spans = xcalloc(n + 1, sizeof(*spans));
    struct sighash_cache c;
    hex_into(&sig, json_str(json_member(spend, "scriptSig")));
    for (size_t i = 0; i < n; i++) {
        hex_into(&items[i], json_str(json_at(list, i)));
        spans[i] = buf_span(&items[i]);
    }
    struct witness w = {spans, (uint32_t)n};
    sighash_cache_init_all(&c, a->tx, a->spent);
    bool good = true;
    for (int k = 0; k < 4; k++) {
        uint32_t flags = k == 0 ? a->flags : other_flags(a, success);
        enum script_error err;
        good &= script_verify_parts(&c, a->in, buf_span(&sig), &w, &a->spent[a->in], flags, NULL,
                                    &err) == success;
        good = good && (success || k > 0 || right_error(a, err));
    }
    for (size_t i = 0; i < n; i++)
        buf_clear(&items[i]);
    buf_clear(&sig);
    free(items);
    free(spans);
    return good;
}

static void test_assets(void **state)
{
    (void)state;
    struct json_object *all = vectors_load("script_assets_test.json");
    size_t n = json_object_array_length(all), spends = 0, bad = 0;
    for (size_t i = 0; i < n; i++) {
        static const char *const names[2] = {"failure", "success"};
        struct json_object *o = json_object_array_get_idx(all, i), *spend;
        if (!o)
            continue;
        struct asset a;
        read_asset(&a, o);
        for (int k = 0; k < 2; k++) {
            if (!json_object_object_get_ex(o, names[k], &spend))
                continue;
            spends++;
            if (!run_spend(&a, spend, k == 1)) {
                bad++;
                print_error("%s: not a %s\n", json_str(json_member(o, "comment")), names[k]);
            }
        }
        clear_asset(&a);
    }
    printf("script_assets_test.json: %zu spends\n", spends);
    assert_int_equal(bad, 0);
    json_object_put(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_assets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
