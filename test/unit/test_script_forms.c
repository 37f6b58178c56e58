/*
 * Scripts as bytes and as text, numbers, counts, output types: rpc_decodescript.json and cases by
 * hand at each edge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "script/standard.h"
#include "script/verify.h"
#include "support/script_text.h"
#include "support/vectors.h"

static struct buf from_hex(const char *hex)
{
    struct buf b = BUF_INIT;
    hex_into(&b, hex);
    return b;
}

static struct buf from_text(const char *text)
{
    struct buf b = BUF_INIT;
    assert_true(script_from_text(text, &b));
    return b;
}

/* ---- rpc_decodescript.json ---- */

static size_t check_decoded(const char *hex, struct json_object *expected)
{
    struct buf script = from_hex(hex);
    struct solution sol;
    struct json_object *inner;
    char *text = script_to_asm(buf_span(&script), false);
    assert_string_equal(text, json_str(json_member(expected, "asm")));
    assert_string_equal(script_type_name(script_solve(buf_span(&script), &sol)),
                        json_str(json_member(expected, "type")));
    free(text);
    buf_clear(&script);
    if (!json_object_object_get_ex(expected, "segwit", &inner))
        return 1;
    return 1 + check_decoded(json_str(json_member(inner, "hex")), inner);
}

static void test_decodescript(void **state)
{
    (void)state;
    struct json_object *all = vectors_load("rpc_decodescript.json");
    size_t n = json_object_array_length(all), checked = 0;
    for (size_t i = 0; i < n; i++)
        checked +=
            check_decoded(json_str(json_at(json_at(all, i), 0)), json_at(json_at(all, i), 1));
    printf("rpc_decodescript.json: %zu cases, %zu scripts\n", n, checked);
    json_object_put(all);
}

static void assert_asm(const char *hex, bool sighash, const char *expected)
{
    struct buf script = from_hex(hex);
    char *text = script_to_asm(buf_span(&script), sighash);
    assert_string_equal(text, expected);
    free(text);
    buf_clear(&script);
}

static void test_asm(void **state)
{
    (void)state;
    assert_asm("", true, "");
    assert_asm("00", true, "0");
    assert_asm("4f51604d0000", true, "-1 1 16 0");
    assert_asm("04ffffffff05ffffffff00", true, "-2147483647 ffffffff00");
    assert_asm("ba50bbff", true, "OP_CHECKSIGADD OP_RESERVED OP_UNKNOWN OP_INVALIDOPCODE");
    assert_asm("4c", true, "[error]");
    assert_asm("764e01000000", true, "OP_DUP [error]");
#define SIG "3006020101020101"
    assert_asm("09" SIG "81", true, SIG "[ALL|ANYONECANPAY]");
    assert_asm("09" SIG "81", false, SIG "81");
    assert_asm("09" SIG "04", true, SIG "04");
    assert_asm("6a09" SIG "01", true, "OP_RETURN " SIG "01"); /* an output: data, no signature */
#undef SIG
}

/* ---- numbers ---- */

static void test_numbers(void **state)
{
    static const struct {
        int64_t n;
        const char *hex;
    } cases[] = {{0, ""},
                 {1, "01"},
                 {-1, "81"},
                 {127, "7f"},
                 {128, "8000"},
                 {-128, "8080"},
                 {255, "ff00"},
                 {256, "0001"},
                 {-255, "ff80"},
                 {32767, "ff7f"},
                 {32768, "008000"},
                 {2147483647, "ffffff7f"},
                 {-2147483647, "ffffffff"},
                 {2147483648, "0000008000"},
                 {INT64_MAX, "ffffffffffffff7f"},
                 {INT64_MIN + 1, "ffffffffffffffff"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t out[9];
        int64_t back;
        char hex[19];
        size_t len = script_num_encode(out, cases[i].n);
        assert_string_equal(hex_encode(hex, out, len), cases[i].hex);
        assert_true(script_num_decode(span_of(out, len), true, 8, &back));
        assert_true(back == cases[i].n);
        assert_int_equal(script_num_decode(span_of(out, len), true, 4, &back), len <= 4);
    }
    uint8_t out[9];
    assert_int_equal(script_num_encode(out, INT64_MIN), 9);
}

static void test_numbers_not_minimal(void **state)
{
    static const struct {
        const char *hex;
        int64_t n;
        bool minimal;
    } cases[] = {{"00", 0, false},     {"80", 0, false},    {"0080", 0, false},
                 {"0100", 1, false},   {"0180", -1, false}, {"ff00", 255, true},
                 {"ff80", -255, true}, {"000080", 0, false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = from_hex(cases[i].hex);
        int64_t n;
        assert_true(script_num_decode(buf_span(&b), false, 4, &n));
        assert_int_equal(n, cases[i].n);
        assert_int_equal(script_num_decode(buf_span(&b), true, 4, &n), cases[i].minimal);
        buf_clear(&b);
    }
}

/* ---- pushes and walking ---- */

static void test_push_forms(void **state)
{
    static const struct {
        size_t len, head;
        uint8_t op;
    } cases[] = {{0, 1, 0},
                 {1, 1, 1},
                 {75, 1, 75},
                 {76, 2, OP_PUSHDATA1},
                 {255, 2, OP_PUSHDATA1},
                 {256, 3, OP_PUSHDATA2},
                 {65535, 3, OP_PUSHDATA2},
                 {65536, 5, OP_PUSHDATA4}};
    static uint8_t data[65536] = {17};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT;
        struct script_iter it;
        struct span push;
        uint8_t op;
        script_push(&b, data, cases[i].len);
        assert_int_equal(b.len, cases[i].head + cases[i].len);
        script_iter_init(&it, buf_span(&b));
        assert_true(script_next(&it, &op, &push));
        assert_int_equal(op, cases[i].op);
        assert_true(span_eq(push, span_of(data, cases[i].len)));
        assert_true(push_is_minimal(op, push));
        assert_false(script_next(&it, &op, &push));
        assert_true(script_iter_done(&it));
        /* Any shorter script is cut off in its one push. */
        script_iter_init(&it, span_of(b.data, b.len - 1));
        assert_false(script_next(&it, &op, &push));
        assert_int_equal(script_iter_done(&it), b.len == 1);
        buf_clear(&b);
    }
}

static void test_minimal_pushes(void **state)
{
    static const uint8_t zero[300] = {0};
    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        uint8_t byte = (uint8_t)v;
        bool has_op = (v >= 1 && v <= 16) || v == 0x81;
        assert_int_equal(push_is_minimal(1, span_of(&byte, 1)), !has_op);
        assert_false(push_is_minimal(OP_PUSHDATA1, span_of(&byte, 1)));
    }
    assert_false(push_is_minimal(OP_PUSHDATA1, span_of(zero, 0)));
    assert_false(push_is_minimal(OP_PUSHDATA1, span_of(zero, 75)));
    assert_false(push_is_minimal(OP_PUSHDATA2, span_of(zero, 255)));
    assert_false(push_is_minimal(OP_PUSHDATA4, span_of(zero, 256)));
}

static void test_predicates(void **state)
{
    static const struct {
        const char *hex;
        bool push_only, valid_ops, unspendable;
    } cases[] = {{"", true, true, false},       {"0051604f50", true, true, false},
                 {"61", false, true, false},    {"0102", true, true, false},
                 {"02ff", false, false, false}, {"6a", false, true, true},
                 {"b9", false, true, false},    {"ba", false, false, false},
                 {"4e", false, false, false},   {"4eff000000", false, false, false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = from_hex(cases[i].hex);
        assert_int_equal(script_is_push_only(buf_span(&b)), cases[i].push_only);
        assert_int_equal(script_has_valid_ops(buf_span(&b)), cases[i].valid_ops);
        assert_int_equal(script_unspendable(buf_span(&b)), cases[i].unspendable);
        buf_clear(&b);
    }
    static const uint8_t large[MAX_SCRIPT_SIZE + 1] = {0};
    struct buf b = BUF_INIT;
    assert_false(script_unspendable(span_of(large, MAX_SCRIPT_SIZE)));
    assert_true(script_unspendable(span_of(large, MAX_SCRIPT_SIZE + 1)));
    script_push(&b, large, MAX_SCRIPT_ELEMENT_SIZE);
    assert_true(script_has_valid_ops(buf_span(&b)));
    script_push(&b, large, MAX_SCRIPT_ELEMENT_SIZE + 1);
    assert_false(script_has_valid_ops(buf_span(&b)));
    buf_clear(&b);
}

/* ---- signature operations ---- */

static void assert_sigops(const char *text, unsigned rough, unsigned accurate)
{
    struct buf b = from_text(text);
    assert_int_equal(script_sigops(buf_span(&b), false), rough);
    assert_int_equal(script_sigops(buf_span(&b), true), accurate);
    buf_clear(&b);
}

static void test_sigops(void **state)
{
    (void)state;
    assert_sigops("", 0, 0);
    assert_sigops("CHECKSIG CHECKSIGVERIFY", 2, 2);
    assert_sigops("CHECKSIGADD", 0, 0);
    assert_sigops("3 CHECKMULTISIG 16 CHECKMULTISIGVERIFY", 40, 19);
    assert_sigops("0 CHECKMULTISIG 17 CHECKMULTISIG", 40, 40);
    assert_sigops("3 NOP CHECKMULTISIG", 20, 20);
    assert_sigops("CHECKSIG 0x05 0xacac CHECKSIG", 1, 1); /* what stands before a bad push counts */
}

static void assert_input_sigops(const char *script_sig, const char *spent, const char *witness,
                                unsigned p2sh, unsigned in_witness)
{
    struct buf sig = from_text(script_sig), spk = from_text(spent), item = from_text(witness);
    struct span items[1] = {buf_span(&item)};
    struct tx_in in = {.script_sig = buf_span(&sig), .witness = {items, item.len > 0}};
    assert_int_equal(p2sh_sigops(&in, buf_span(&spk)), p2sh);
    assert_int_equal(witness_sigops(&in, buf_span(&spk), SCRIPT_VERIFY_WITNESS), in_witness);
    assert_int_equal(witness_sigops(&in, buf_span(&spk), SCRIPT_VERIFY_P2SH), 0);
    buf_clear(&sig);
    buf_clear(&spk);
    buf_clear(&item);
}

#define H20  "0x14 0x0000000000000000000000000000000000000000"
#define H32  "0x20 0x0000000000000000000000000000000000000000000000000000000000000000"
#define P2SH "HASH160 " H20 " EQUAL"

static void test_input_sigops(void **state)
{
    (void)state;
    assert_input_sigops("0x02 0x52ae", P2SH, "", 2, 0);
    assert_input_sigops("NOP 0x02 0x52ae", P2SH, "", 0, 0);
    assert_input_sigops("0x02 0x52ae 1", P2SH, "", 0, 0);
    assert_input_sigops("", P2SH, "", 0, 0);
    assert_input_sigops("0x02 0x52ae", "CHECKSIG", "", 0, 0);
    assert_input_sigops("", "0 " H20, "", 0, 1);
    assert_input_sigops("", "0 " H32, "3 CHECKMULTISIG", 0, 3);
    assert_input_sigops("", "0 " H32, "", 0, 0);
    assert_input_sigops("", "1 " H32, "CHECKSIG", 0, 0);
    assert_input_sigops("0x16 0x00140000000000000000000000000000000000000000", P2SH, "", 0, 1);
    assert_input_sigops("NOP 0x16 0x00140000000000000000000000000000000000000000", P2SH, "", 0, 0);
}

/* ---- output types ---- */

static void assert_type(const char *text, enum script_type type, unsigned n_data, unsigned required)
{
    struct buf b = from_text(text);
    struct solution sol;
    assert_int_equal(script_solve(buf_span(&b), &sol), type);
    assert_int_equal(sol.n_data, n_data);
    assert_int_equal(sol.required, required);
    buf_clear(&b);
}

#define K33 "0x21 0x020000000000000000000000000000000000000000000000000000000000000000"
#define K5  K33 " " K33 " " K33 " " K33 " " K33

static void test_types(void **state)
{
    (void)state;
    assert_type("", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("DUP HASH160 " H20 " EQUALVERIFY CHECKSIG", SCRIPT_PUBKEYHASH, 1, 0);
    assert_type("DUP HASH160 " H20 " EQUALVERIFY CHECKSIG NOP", SCRIPT_NONSTANDARD, 0, 0);
    assert_type(P2SH, SCRIPT_SCRIPTHASH, 1, 0);
    assert_type("HASH160 0x4c " H20 " EQUAL", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("0 " H20, SCRIPT_WITNESS_V0_KEYHASH, 1, 0);
    assert_type("0 " H32, SCRIPT_WITNESS_V0_SCRIPTHASH, 1, 0);
    assert_type("0 0x02 0x0000", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("1 " H32, SCRIPT_WITNESS_V1_TAPROOT, 1, 0);
    assert_type("1 " H20, SCRIPT_WITNESS_UNKNOWN, 1, 0);
    assert_type("16 " H32, SCRIPT_WITNESS_UNKNOWN, 1, 0);
    assert_type("1 0x02 0x4e73", SCRIPT_ANCHOR, 1, 0);
    assert_type("2 0x02 0x4e73", SCRIPT_WITNESS_UNKNOWN, 1, 0);
    assert_type("-1 " H32, SCRIPT_NONSTANDARD, 0, 0);
    assert_type("RETURN", SCRIPT_NULL_DATA, 0, 0);
    assert_type("RETURN 1 " H32 " 0", SCRIPT_NULL_DATA, 0, 0);
    assert_type("RETURN NOP", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("RETURN 0x05 0x01", SCRIPT_NONSTANDARD, 0, 0);
    assert_type(K33 " CHECKSIG", SCRIPT_PUBKEY, 1, 0);
    assert_type(
        "0x21 0x040000000000000000000000000000000000000000000000000000000000000000 CHECKSIG",
        SCRIPT_NONSTANDARD, 0, 0);
}

static void test_multisig_types(void **state)
{
    (void)state;
    assert_type("1 " K33 " 1 CHECKMULTISIG", SCRIPT_MULTISIG, 1, 1);
    assert_type("2 " K5 " 5 CHECKMULTISIG", SCRIPT_MULTISIG, 5, 2);
    assert_type("1 " K5 " " K5 " " K5 " " K5 " 20 CHECKMULTISIG", SCRIPT_MULTISIG, 20, 1);
    assert_type("17 " K5 " " K5 " " K5 " " K5 " 20 CHECKMULTISIG", SCRIPT_MULTISIG, 20, 17);
    assert_type("1 " K5 " " K5 " " K5 " " K5 " " K33 " 21 CHECKMULTISIG", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("0 " K33 " 1 CHECKMULTISIG", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("2 " K33 " 1 CHECKMULTISIG", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("1 " K33 " 2 CHECKMULTISIG", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("0x01 0x01 " K33 " 1 CHECKMULTISIG", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("1 " K33 " 1 NOP CHECKMULTISIG", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("1 1 CHECKMULTISIG", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("CHECKMULTISIG", SCRIPT_NONSTANDARD, 0, 0);
    assert_type("1 " K33 " CHECKMULTISIG", SCRIPT_NONSTANDARD, 0, 0);
}

static void test_destinations(void **state)
{
    static const struct {
        const char *text;
        enum destination_type type;
        bool has_address;
    } cases[] = {{"DUP HASH160 " H20 " EQUALVERIFY CHECKSIG", DEST_P2PKH, true},
                 {P2SH, DEST_P2SH, true},
                 {"0 " H20, DEST_P2WPKH, true},
                 {"0 " H32, DEST_P2WSH, true},
                 {"1 " H32, DEST_P2TR, true},
                 {"1 0x02 0x4e73", DEST_ANCHOR, true},
                 {"9 " H20, DEST_WITNESS, true},
                 {K33 " CHECKSIG", DEST_PUBKEY, false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = from_text(cases[i].text), back = BUF_INIT;
        struct destination d;
        assert_int_equal(script_to_destination(buf_span(&b), &d), cases[i].has_address);
        assert_int_equal(d.type, cases[i].type);
        destination_script(&d, &back);
        assert_true(span_eq(buf_span(&b), buf_span(&back)));
        buf_clear(&b);
        buf_clear(&back);
    }
    struct buf b = from_text("1 " K33 " 1 CHECKMULTISIG");
    struct destination d;
    assert_false(script_to_destination(buf_span(&b), &d));
    assert_int_equal(d.type, DEST_NONE);
    buf_clear(&b);
}

/* ---- names ---- */

static void test_flag_names(void **state)
{
    (void)state;
    uint32_t flags;
    assert_true(script_flags_parse("", &flags) && flags == 0);
    assert_true(script_flags_parse("NONE", &flags) && flags == 0);
    assert_true(script_flags_parse("P2SH,TAPROOT", &flags));
    assert_int_equal(flags, 1u | 1u << 17);
    assert_false(script_flags_parse("P2SH,", &flags));
    assert_false(script_flags_parse("P2S", &flags));
    assert_false(script_flags_parse("p2sh", &flags));
    assert_string_equal(script_error_name(SCRIPT_ERR_SIG_NULLFAIL), "NULLFAIL");
    assert_string_equal(script_error_message(SCRIPT_ERR_OK), "No error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decodescript),   cmocka_unit_test(test_asm),
        cmocka_unit_test(test_numbers),        cmocka_unit_test(test_numbers_not_minimal),
        cmocka_unit_test(test_push_forms),     cmocka_unit_test(test_minimal_pushes),
        cmocka_unit_test(test_predicates),     cmocka_unit_test(test_sigops),
        cmocka_unit_test(test_input_sigops),   cmocka_unit_test(test_types),
        cmocka_unit_test(test_multisig_types), cmocka_unit_test(test_destinations),
        cmocka_unit_test(test_flag_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
