/*
 * Taproot and tapscript (BIP341, BIP342) by hand: what script_tests.json leaves out. Spends of an
 * output with one leaf are built, signed where needed, and broken in one way each; the error must
 * be the one that the field names.
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
#include "util/mem.h"

#define FLAGS     SCRIPT_VERIFY_MANDATORY
#define MAX_ITEMS 1100

/* A spend of a taproot output with one leaf: its witness is the items, script and control block,
 * annex. Input 1 spends another output. */
struct spend {
    struct seckey key;
    struct xonly internal, output;
    struct buf script, control, annex;
    uint8_t leaf_version;
    struct buf spk;
    struct tx *tx;
    struct tx_out spent[2];
    struct sighash_cache cache;
    struct buf items[MAX_ITEMS];
    size_t n;
    uint32_t codesep_pos;
};

static void spend_tx(struct spend *s)
{
    struct mtx m;
    mtx_init(&m);
    for (uint32_t i = 0; i < 2; i++) {
        struct outpoint prev = {.n = i};
        mtx_add_in(&m, &prev, 5 + i);
        s->spent[i] = (struct tx_out){1000 + i, buf_span(&s->spk)};
    }
    mtx_add_out(&m, 900, buf_span(&s->spk));
    mtx_add_out(&m, 901, buf_span(&s->spk));
    s->tx = mtx_finish(&m);
    mtx_clear(&m);
    sighash_cache_init_all(&s->cache, s->tx, s->spent);
}

static struct spend *spend_new(const char *script, uint8_t leaf_version)
{
    struct spend *s = xcalloc(1, sizeof(*s));
    uint8_t leaf[32], tweak[32];
    struct pubkey pk;
    bool parity;
    memset(s->key.b, 9, 32);
    s->key.compressed = true;
    assert_true(seckey_pubkey(&pk, &s->key));
    s->internal = pubkey_xonly(&pk);
    s->leaf_version = leaf_version;
    s->codesep_pos = UINT32_MAX;
    assert_true(script_from_text(script, &s->script));
    tapleaf_hash(leaf, leaf_version, buf_span(&s->script));
    taptweak_hash(tweak, &s->internal, leaf);
    assert_true(taproot_tweak(&s->output, &parity, &s->internal, tweak));
    script_p2tr(&s->spk, &s->output);
    write_u8(&s->control, (uint8_t)(leaf_version | parity));
    write_bytes(&s->control, s->internal.b, 32);
    spend_tx(s);
    return s;
}

static void spend_free(struct spend *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_clear(&s->items[i]);
    buf_clear(&s->script);
    buf_clear(&s->control);
    buf_clear(&s->annex);
    buf_clear(&s->spk);
    tx_unref(s->tx);
    free(s);
}

static struct buf *add_item(struct spend *s, const void *data, size_t len)
{
    struct buf *b = &s->items[s->n++];
    write_bytes(b, data, len);
    return b;
}

static void annex_hash(const struct spend *s, uint8_t out[32])
{
    struct buf b = BUF_INIT;
    write_var_span(&b, buf_span(&s->annex));
    sha256(out, b.data, b.len);
    buf_clear(&b);
}

/* Adds a signature of the leaf by the internal key, or of the key path where `leaf` is false. */
static struct buf *add_sig(struct spend *s, uint8_t hash_type, bool leaf)
{
    uint8_t hash[32], sig[65], annex[32], tweak[32];
    struct tapscript_data data = {.codesep_pos = s->codesep_pos};
    annex_hash(s, annex);
    tapleaf_hash(data.leaf_hash, s->leaf_version, buf_span(&s->script));
    taptweak_hash(tweak, &s->internal, data.leaf_hash);
    assert_true(sighash_taproot(hash, &s->cache, 0, hash_type, s->annex.len > 0 ? annex : NULL,
                                leaf ? &data : NULL));
    assert_true(schnorr_sign(sig, &s->key, hash, leaf ? NULL : tweak, NULL));
    sig[64] = hash_type;
    return add_item(s, sig, hash_type == SIGHASH_DEFAULT ? 64 : 65);
}

static enum script_error verify(const struct spend *s, bool leaf, uint32_t flags)
{
    struct span *items = xreallocarray(NULL, s->n + 3, sizeof(*items));
    struct witness w = {.items = items};
    enum script_error err;
    for (size_t i = 0; i < s->n; i++)
        items[w.n++] = buf_span(&s->items[i]);
    if (leaf) {
        items[w.n++] = buf_span(&s->script);
        items[w.n++] = buf_span(&s->control);
    }
    if (s->annex.len > 0)
        items[w.n++] = buf_span(&s->annex);
    script_verify_parts(&s->cache, 0, span_of(NULL, 0), &w, &s->spent[0], flags, NULL, &err);
    free(items);
    return err;
}

static const char *spend_error(const char *script, size_t n_empty, uint32_t flags)
{
    struct spend *s = spend_new(script, 0xc0);
    for (size_t i = 0; i < n_empty; i++)
        add_item(s, NULL, 0);
    const char *name = script_error_name(verify(s, true, flags));
    spend_free(s);
    return name;
}

#define KEY "0x20 0x60431edb9baf0d4dc4fb31f0ca31c5b17e7c1ecaf0d1fec53c5e7a4b9b2e9e3f"

/* The script with the key that signs: "#" stands for its push. */
static struct spend *spend_with_key(const char *script)
{
    struct spend *first = spend_new("1", 0xc0);
    char *hex = hex_dup(first->internal.b, 32);
    struct buf text = BUF_INIT;
    for (const char *c = script; *c != 0; c++) {
        if (*c == '#')
            write_printf(&text, "0x20 0x%s", hex);
        else
            write_u8(&text, (uint8_t)*c);
    }
    write_u8(&text, 0);
    struct spend *s = spend_new((const char *)text.data, 0xc0);
    buf_clear(&text);
    free(hex);
    spend_free(first);
    return s;
}

/* ---- key path ---- */

static void test_key_path(void **state)
{
    static const uint8_t types[] = {0, 1, 2, 3, 0x81, 0x82, 0x83};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        for (int annex = 0; annex < 2; annex++) {
            struct spend *s = spend_new("1", 0xc0);
            if (annex)
                write_bytes(&s->annex, "\x50more", 5);
            struct buf *sig = add_sig(s, types[i], false);
            assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_OK);
            sig->data[33] ^= 1;
            assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_SCHNORR_SIG);
            assert_int_equal(verify(s, false, FLAGS & ~(unsigned)SCRIPT_VERIFY_TAPROOT),
                             SCRIPT_ERR_OK);
            spend_free(s);
        }
    }
}

static void test_key_path_errors(void **state)
{
    (void)state;
    struct spend *s = spend_new("1", 0xc0);
    assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_WITNESS_PROGRAM_WITNESS_EMPTY);
    struct buf *sig = add_sig(s, SIGHASH_ALL, false);
    sig->data[64] = 0;
    assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_SCHNORR_SIG_HASHTYPE);
    sig->data[64] = 4;
    assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_SCHNORR_SIG_HASHTYPE);
    sig->data[64] = SIGHASH_NONE;
    assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_SCHNORR_SIG);
    sig->len = 63;
    assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_SCHNORR_SIG_SIZE);
    sig->len = 0;
    assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_SCHNORR_SIG_SIZE);
    spend_free(s);
}

/* An annex that was added later breaks the signature; one alone is no annex. */
static void test_annex(void **state)
{
    (void)state;
    struct spend *s = spend_new("1", 0xc0);
    add_sig(s, SIGHASH_ALL, false);
    write_u8(&s->annex, 0x50);
    assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_SCHNORR_SIG);
    buf_clear(&s->items[0]);
    s->n = 0;
    assert_int_equal(verify(s, false, FLAGS), SCRIPT_ERR_SCHNORR_SIG_SIZE);
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_OK);
    spend_free(s);
}

/* ---- commitment ---- */

static void test_control_block(void **state)
{
    (void)state;
    struct spend *s = spend_new("1", 0xc0);
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_OK);
    s->control.data[0] ^= 1;
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH);
    s->control.data[0] ^= 3;
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH);
    s->control.len = 32;
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_TAPROOT_WRONG_CONTROL_SIZE);
    s->control.len = 33;
    write_u8(&s->control, 0);
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_TAPROOT_WRONG_CONTROL_SIZE);
    s->control.len = 33;
    for (int i = 0; i < 128 * 32; i++)
        write_u8(&s->control, 0);
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH);
    for (int i = 0; i < 32; i++)
        write_u8(&s->control, 0);
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_TAPROOT_WRONG_CONTROL_SIZE);
    spend_free(s);
}

static void test_leaf_versions(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 256; v += 2) {
        /* A false script: only tapscript's version looks at it. 0x50 would be taken for an annex.
         */
        if (v == 0x50)
            continue;
        struct spend *s = spend_new("0 RETURN", (uint8_t)v);
        assert_int_equal(verify(s, true, FLAGS), v == 0xc0 ? SCRIPT_ERR_OP_RETURN : SCRIPT_ERR_OK);
        assert_int_equal(verify(s, true, SCRIPT_VERIFY_STANDARD),
                         v == 0xc0 ? SCRIPT_ERR_OP_RETURN
                                   : SCRIPT_ERR_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION);
        spend_free(s);
    }
}

/* ---- tapscript ---- */

static void test_op_success(void **state)
{
    static const uint8_t ranges[][2] = {{80, 80},   {98, 98},   {126, 129}, {131, 134},
                                        {137, 138}, {141, 142}, {149, 153}, {187, 254}};
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        for (unsigned op = ranges[i][0]; op <= ranges[i][1]; op++, n++) {
            char text[64];
            /* Behind a return, in front of a cut-off push: both do not matter. */
            snprintf(text, sizeof(text), "RETURN 0x%02x 0x4d01", op);
            assert_string_equal(spend_error(text, 1001, FLAGS), "OK");
            assert_string_equal(spend_error(text, 0, SCRIPT_VERIFY_STANDARD),
                                "DISCOURAGE_OP_SUCCESS");
        }
    }
    assert_int_equal(n, 87);
    assert_string_equal(spend_error("0x4d01 0x50", 0, FLAGS), "BAD_OPCODE");
    assert_string_equal(spend_error("0x01 0x50 DROP 0", 0, FLAGS), "EVAL_FALSE");
    assert_string_equal(spend_error("0xff", 0, FLAGS), "BAD_OPCODE");
}

static void test_rules(void **state)
{
    static const struct {
        const char *script;
        size_t n_empty;
        const char *error;
    } cases[] = {
        {"0", 0, "EVAL_FALSE"},
        {"1 1", 0, "CLEANSTACK"},
        {"NOP", 0, "CLEANSTACK"},
        {"2DROP 1", 1002, "STACK_SIZE"}, /* before anything is executed */
        {"DROP 1", 1001, "STACK_SIZE"},
        {"1 IF 1 ENDIF", 0, "OK"},
        {"2 IF 1 ENDIF", 0, "TAPSCRIPT_MINIMALIF"},
        {"0x01 0x00 NOTIF 1 ENDIF", 0, "TAPSCRIPT_MINIMALIF"},
        {"0 0 0 CHECKMULTISIG", 0, "TAPSCRIPT_CHECKMULTISIG"},
        {"0 IF CHECKMULTISIGVERIFY ENDIF 1", 0, "OK"},
        {"0 CHECKSIG", 1, "TAPSCRIPT_EMPTY_PUBKEY"},
        {"0 CHECKSIG", 0, "INVALID_STACK_OPERATION"},
        {KEY " CHECKSIG", 1, "EVAL_FALSE"},
        {KEY " CHECKSIG NOT", 1, "OK"},
        {KEY " CHECKSIGVERIFY", 1, "CHECKSIGVERIFY"},
        {"1 0x01 0x09 CHECKSIG", 0, "OK"}, /* unknown kind of key */
        {"0 1 0x01 0x09 CHECKSIGADD", 0, "OK"},
        {"0 1 CHECKSIGADD", 0, "INVALID_STACK_OPERATION"},
        {"0 0x05 0x0000000001 0x01 0x09 CHECKSIGADD", 0, "SCRIPTNUM"},
        {"0 0x04 0xffffff7f 0x01 0x09 CHECKSIGADD", 0, "OK"},
        {"1 16 0x01 0x09 CHECKSIGADD 17 EQUAL", 0, "OK"},
        {"VERIF", 0, "BAD_OPCODE"},
        {"RESERVED1", 0, "OK"}, /* OP_SUCCESS137 */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = spend_error(cases[i].script, cases[i].n_empty, FLAGS);
        if (strcmp(got, cases[i].error) != 0)
            fail_msg("%s: %s, not %s", cases[i].script, got, cases[i].error);
    }
    assert_string_equal(spend_error("1 0x01 0x11 CHECKSIG", 0, SCRIPT_VERIFY_STANDARD),
                        "DISCOURAGE_UPGRADABLE_PUBKEYTYPE");
}

/* Old limits are gone: 201 operations, 10,000 bytes of script. That of elements stays. */
static void test_limits(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    for (int i = 0; i < 11000; i++)
        write_bytes(&text, "NOP ", 4);
    write_bytes(&text, "1", 2);
    assert_string_equal(spend_error((const char *)text.data, 0, FLAGS), "OK");
    buf_clear(&text);
    assert_string_equal(spend_error("1000 1SUB DROP DROP 1", 1000, FLAGS), "STACK_SIZE");

    static const uint8_t large[521] = {1};
    struct spend *s = spend_new("DROP 1", 0xc0);
    struct buf *item = add_item(s, large, 521);
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_PUSH_SIZE);
    item->len = 520;
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_OK);
    spend_free(s);
}

static void test_checksig(void **state)
{
    static const uint8_t types[] = {0, 1, 2, 3, 0x81, 0x82, 0x83};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct spend *s = spend_with_key("# CHECKSIG");
        struct buf *sig = add_sig(s, types[i], true);
        assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_OK);
        sig->data[1] ^= 1;
        assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_SCHNORR_SIG);
        sig->len = 10;
        assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_SCHNORR_SIG_SIZE);
        sig->len = 0;
        assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_EVAL_FALSE);
        spend_free(s);
    }
}

/* The position of the last executed code separator is signed, counted in operations. */
static void test_codesep(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {0, 1, 4, UINT32_MAX};
    for (size_t i = 0; i <= ARRAY_LEN(wrong); i++) {
        struct spend *s = spend_with_key("CODESEPARATOR 0x02 0xabab DROP CODESEPARATOR 0 IF "
                                         "CODESEPARATOR ENDIF # CHECKSIG");
        s->codesep_pos = i < ARRAY_LEN(wrong) ? wrong[i] : 3;
        add_sig(s, SIGHASH_DEFAULT, true);
        assert_int_equal(verify(s, true, SCRIPT_VERIFY_STANDARD),
                         i < ARRAY_LEN(wrong) ? SCRIPT_ERR_SCHNORR_SIG : SCRIPT_ERR_OK);
        spend_free(s);
    }
}

static void test_checksigadd(void **state)
{
    (void)state;
    struct spend *s = spend_with_key("# CHECKSIG # CHECKSIGADD # CHECKSIGADD 2 NUMEQUAL");
    add_sig(s, SIGHASH_ALL, true);
    add_item(s, NULL, 0);
    add_sig(s, SIGHASH_NONE, true);
    assert_int_equal(verify(s, true, SCRIPT_VERIFY_STANDARD), SCRIPT_ERR_OK);
    s->items[2].data[0] ^= 1;
    assert_int_equal(verify(s, true, FLAGS), SCRIPT_ERR_SCHNORR_SIG);
    spend_free(s);
}

/* The witness pays for signatures: 50 for each beyond the first, by its size. */
static void test_weight(void **state)
{
    (void)state;
    /* One signature that is checked n times; each check costs 3 bytes of script. */
    for (int padding = 0; padding < 400; padding++) {
        struct buf text = BUF_INIT;
        for (int i = 0; i < 8; i++)
            write_printf(&text, "2DUP CHECKSIGVERIFY ");
        write_printf(&text, "CHECKSIG");
        write_u8(&text, 0);
        struct spend *s = spend_new((const char *)text.data, 0xc0);
        add_sig(s, SIGHASH_DEFAULT, true);
        add_item(s, s->internal.b, 32);
        for (int i = 0; i < padding; i++)
            write_u8(&s->annex, i == 0 ? 0x50 : 0);
        if (padding > 0) { /* the annex is signed */
            struct buf key = s->items[1], old = s->items[0];
            s->n = 0;
            buf_init(&s->items[0]);
            add_sig(s, SIGHASH_DEFAULT, true);
            s->items[s->n++] = key;
            buf_clear(&old);
        }
        size_t size = 1 + 65 + 33 + 1 + s->script.len + 1 + 33;
        if (padding > 0)
            size += compact_size((uint64_t)padding) + (size_t)padding;
        assert_int_equal(verify(s, true, FLAGS), size + 50 >= 9 * 50
                                                     ? SCRIPT_ERR_OK
                                                     : SCRIPT_ERR_TAPSCRIPT_VALIDATION_WEIGHT);
        spend_free(s);
        buf_clear(&text);
    }
}

/* Taproot inside P2SH is no taproot. */
static void test_in_p2sh(void **state)
{
    (void)state;
    struct spend *s = spend_new("0", 0xc0);
    struct buf script_sig = BUF_INIT, p2sh = BUF_INIT;
    uint8_t hash[20];
    enum script_error err;
    script_push_span(&script_sig, buf_span(&s->spk));
    hash160(hash, s->spk.data, s->spk.len);
    script_p2sh(&p2sh, hash);
    struct tx_out spent = {1, buf_span(&p2sh)};
    struct witness w = {.n = 0};
    assert_true(
        script_verify_parts(&s->cache, 0, buf_span(&script_sig), &w, &spent, FLAGS, NULL, &err));
    assert_false(script_verify_parts(&s->cache, 0, buf_span(&script_sig), &w, &spent,
                                     SCRIPT_VERIFY_STANDARD, NULL, &err));
    assert_int_equal(err, SCRIPT_ERR_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM);
    buf_clear(&script_sig);
    buf_clear(&p2sh);
    spend_free(s);
}

/* ---- memory of signatures ---- */

struct memory {
    uint8_t entry[16][32];
    size_t n, asked;
};

static bool memory_known(void *arg, const uint8_t entry[32])
{
    struct memory *m = arg;
    m->asked++;
    for (size_t i = 0; i < m->n; i++) {
        if (memcmp(m->entry[i], entry, 32) == 0)
            return true;
    }
    return false;
}

static void memory_add(void *arg, const uint8_t entry[32])
{
    struct memory *m = arg;
    memcpy(m->entry[m->n++], entry, 32);
}

static void test_sig_memo(void **state)
{
    (void)state;
    struct memory m = {.n = 0};
    struct sig_memo memo = {memory_known, memory_add, &m, {1, 2, 3}};
    struct spend *s = spend_new("1", 0xc0);
    struct buf *sig = add_sig(s, SIGHASH_ALL, false);
    struct span item = buf_span(sig);
    struct witness w = {&item, 1};
    for (int i = 0; i < 3; i++)
        assert_true(script_verify_parts(&s->cache, 0, span_of(NULL, 0), &w, &s->spent[0], FLAGS,
                                        &memo, NULL));
    assert_int_equal(m.asked, 3);
    assert_int_equal(m.n, 1);
    sig->data[0] ^= 1; /* another signature is not the one remembered, and not remembered either */
    assert_false(
        script_verify_parts(&s->cache, 0, span_of(NULL, 0), &w, &s->spent[0], FLAGS, &memo, NULL));
    assert_int_equal(m.n, 1);
    spend_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_path),      cmocka_unit_test(test_key_path_errors),
        cmocka_unit_test(test_annex),         cmocka_unit_test(test_control_block),
        cmocka_unit_test(test_leaf_versions), cmocka_unit_test(test_op_success),
        cmocka_unit_test(test_rules),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_checksig),      cmocka_unit_test(test_codesep),
        cmocka_unit_test(test_checksigadd),   cmocka_unit_test(test_weight),
        cmocka_unit_test(test_in_p2sh),       cmocka_unit_test(test_sig_memo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
