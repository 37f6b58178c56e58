/*
 * Every case of script_tests.json, as its first lines describe: a crediting transaction pays to the
 * output script, a spending one takes it with the given scriptSig and witness, and the result must
 * be exactly the error named. A case that passes must pass under fewer flags as well, one that
 * fails must fail under more, since each flag is a soft fork.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "script/verify.h"
#include "support/script_text.h"
#include "support/vectors.h"
#include "util/mem.h"
#include "util/random.h"

#define MAX_WITNESS 40

struct test_case {
    struct buf script_sig, script_pubkey;
    struct buf witness[MAX_WITNESS];
    size_t n_witness;
    int64_t amount;
    uint32_t flags;
    const char *expected;
};

static void put_hex(struct buf *out, const uint8_t *data, size_t len)
{
    char *hex = hex_dup(data, len);
    write_bytes(out, hex, strlen(hex));
    free(hex);
}

/* One leaf under the key that nobody has: the control block, and the output key in hex. */
static void make_taproot(struct span script, struct buf *control, struct buf *output_hex)
{
    struct xonly internal, output;
    uint8_t leaf[32], tweak[32];
    bool parity;
    hex_exact(internal.b, 32, "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0");
    tapleaf_hash(leaf, 0xc0, script);
    taptweak_hash(tweak, &internal, leaf);
    assert_true(taproot_tweak(&output, &parity, &internal, tweak));
    write_u8(control, (uint8_t)(0xc0 | parity));
    write_bytes(control, internal.b, 32);
    put_hex(output_hex, output.b, 32);
}

static void read_witness(struct test_case *t, struct json_object *list, struct buf *output_hex)
{
    size_t n = json_object_array_length(list) - 1;
    assert_true(n <= MAX_WITNESS);
    for (size_t i = 0; i < n; i++) {
        const char *s = json_str(json_at(list, i));
        struct buf *item = &t->witness[t->n_witness++];
        if (strncmp(s, "#SCRIPT#", 8) == 0)
            assert_true(script_from_text(s + 8, item));
        else if (strcmp(s, "#CONTROLBLOCK#") == 0)
            make_taproot(buf_span(&t->witness[i - 1]), item, output_hex);
        else
            hex_into(item, s);
    }
    assert_true(amount_parse(&t->amount, json_object_to_json_string(json_at(list, n))));
}

static void read_script(struct buf *out, const char *s, const struct buf *output_hex)
{
    const char *mark = strstr(s, "#TAPROOTOUTPUT#");
    char *text = mark ? xasprintf("%.*s0x%.*s%s", (int)(mark - s), s, (int)output_hex->len,
                                  (const char *)output_hex->data, mark + 15)
                      : xstrdup(s);
    if (!script_from_text(text, out))
        fail_msg("not a script: %s", text);
    free(text);
}

/* False where the line is a comment. */
static bool read_case(struct test_case *t, struct json_object *line)
{
    memset(t, 0, sizeof(*t));
    if (json_object_array_length(line) < 4)
        return false;
    struct buf output_hex = BUF_INIT;
    size_t at = 0;
    if (json_object_is_type(json_at(line, 0), json_type_array))
        read_witness(t, json_at(line, at++), &output_hex);
    read_script(&t->script_sig, json_str(json_at(line, at)), NULL);
    read_script(&t->script_pubkey, json_str(json_at(line, at + 1)), &output_hex);
    assert_true(script_flags_parse(json_str(json_at(line, at + 2)), &t->flags));
    t->expected = json_str(json_at(line, at + 3));
    buf_clear(&output_hex);
    return true;
}

static void clear_case(struct test_case *t)
{
    buf_clear(&t->script_sig);
    buf_clear(&t->script_pubkey);
    for (size_t i = 0; i < t->n_witness; i++)
        buf_clear(&t->witness[i]);
}

static struct tx *credit_tx(const struct test_case *t)
{
    struct mtx m;
    mtx_init(&m);
    m.version = 1;
    struct outpoint null = {.n = UINT32_MAX};
    struct mtx_in *in = mtx_add_in(&m, &null, SEQUENCE_FINAL);
    write_bytes(&in->script_sig, "\0\0", 2);
    mtx_add_out(&m, t->amount, buf_span(&t->script_pubkey));
    struct tx *tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

static struct tx *spend_tx(const struct test_case *t, const struct tx *credit)
{
    struct mtx m;
    struct span items[MAX_WITNESS];
    mtx_init(&m);
    m.version = 1;
    struct outpoint prev = {.txid = credit->txid};
    struct mtx_in *in = mtx_add_in(&m, &prev, SEQUENCE_FINAL);
    write_span(&in->script_sig, buf_span(&t->script_sig));
    for (size_t i = 0; i < t->n_witness; i++)
        items[i] = buf_span(&t->witness[i]);
    mtx_in_set_witness(in, items, t->n_witness);
    mtx_add_out(&m, t->amount, span_of(NULL, 0));
    struct tx *tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

/* Some flags mean nothing alone. */
static uint32_t fill_flags(uint32_t flags)
{
    if (flags & SCRIPT_VERIFY_CLEANSTACK)
        flags |= SCRIPT_VERIFY_WITNESS;
    if (flags & SCRIPT_VERIFY_TAPROOT)
        flags |= SCRIPT_VERIFY_WITNESS;
    if (flags & SCRIPT_VERIFY_WITNESS)
        flags |= SCRIPT_VERIFY_P2SH;
    return flags;
}

static uint32_t trim_flags(uint32_t flags)
{
    if (!(flags & SCRIPT_VERIFY_P2SH))
        flags &= ~(uint32_t)SCRIPT_VERIFY_WITNESS;
    if (!(flags & SCRIPT_VERIFY_WITNESS))
        flags &= ~(uint32_t)(SCRIPT_VERIFY_CLEANSTACK | SCRIPT_VERIFY_TAPROOT);
    return flags;
}

static void check_soft_forks(const struct sighash_cache *c, const struct tx_out *spent, bool ok,
                             uint32_t flags)
{
    for (int i = 0; i < 16; i++) {
        uint32_t other = (uint32_t)random_below(1u << 21);
        other = ok ? trim_flags(flags & other) : fill_flags(flags | other);
        assert_int_equal(script_verify_input(c, 0, spent, other, NULL, NULL), ok);
    }
}

static bool run_case(const struct test_case *t, const char *line)
{
    struct tx *credit = credit_tx(t), *spend = spend_tx(t, credit);
    struct sighash_cache c;
    enum script_error err;
    uint32_t flags = fill_flags(t->flags);
    sighash_cache_init(&c, spend, credit->out);
    bool ok = script_verify_input(&c, 0, &credit->out[0], flags, NULL, &err);
    assert_int_equal(ok, err == SCRIPT_ERR_OK);
    bool good = strcmp(script_error_name(err), t->expected) == 0;
    if (good)
        check_soft_forks(&c, &credit->out[0], ok, flags);
    else
        print_error("got %s: %s\n", script_error_name(err), line);
    tx_unref(spend);
    tx_unref(credit);
    return good;
}

static void test_script_tests(void **state)
{
    (void)state;
    struct json_object *all = vectors_load("script_tests.json");
    size_t n = 0, bad = 0;
    for (size_t i = 0; i < json_object_array_length(all); i++) {
        struct test_case t;
        struct json_object *line = json_at(all, i);
        if (read_case(&t, line)) {
            n++;
            bad += !run_case(&t, json_object_to_json_string(line));
        }
        clear_case(&t);
    }
    json_object_put(all);
    printf("script_tests.json: %zu cases\n", n);
    assert_int_equal(bad, 0);
    assert_true(n > 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_script_tests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
