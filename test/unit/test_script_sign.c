/*
 * Signing: every form that the signer knows, with every hash type, completed by one signer or by
 * two in either order, and what it must refuse. Estimated sizes are compared with what came out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "script/sign.h"
#include "support/vectors.h"
#include "util/mem.h"

#define N_KEYS 4

/* Keys 0 to 3; `have` says which the signer owns. Scripts are found by any of them. */
struct ring {
    struct seckey key[N_KEYS];
    struct pubkey pub[N_KEYS];
    bool have[N_KEYS];
    struct buf script[3];
    size_t n_scripts;
    struct xonly internal, output;
    uint8_t root[32];
    bool has_root, has_output;
};

static bool ring_key(void *arg, const uint8_t hash[20], struct seckey *out)
{
    const struct ring *r = arg;
    for (size_t i = 0; i < N_KEYS; i++) {
        uint8_t id[20];
        pubkey_id(&r->pub[i], id);
        if (r->have[i] && memcmp(id, hash, 20) == 0) {
            *out = r->key[i];
            return true;
        }
    }
    return false;
}

static bool ring_pubkey(void *arg, const uint8_t hash[20], struct pubkey *out)
{
    const struct ring *r = arg;
    for (size_t i = 0; i < N_KEYS; i++) {
        uint8_t id[20];
        pubkey_id(&r->pub[i], id);
        if (memcmp(id, hash, 20) == 0) {
            *out = r->pub[i];
            return true;
        }
    }
    return false;
}

static bool ring_script(void *arg, const uint8_t hash[20], struct buf *out)
{
    const struct ring *r = arg;
    for (size_t i = 0; i < r->n_scripts; i++) {
        uint8_t id[20];
        hash160(id, r->script[i].data, r->script[i].len);
        if (memcmp(id, hash, 20) == 0) {
            write_span(out, buf_span(&r->script[i]));
            return true;
        }
    }
    return false;
}

static bool ring_taproot(void *arg, const struct xonly *output, struct xonly *internal,
                         uint8_t root[32], bool *has_root)
{
    const struct ring *r = arg;
    if (!r->has_output || memcmp(output->b, r->output.b, 32) != 0)
        return false;
    *internal = r->internal;
    memcpy(root, r->root, 32);
    *has_root = r->has_root;
    return true;
}

static struct signing_provider ring_provider(struct ring *r)
{
    return (struct signing_provider){ring_key, ring_pubkey, ring_script, ring_taproot, r};
}

static void ring_init(struct ring *r, bool compressed)
{
    memset(r, 0, sizeof(*r));
    for (size_t i = 0; i < N_KEYS; i++) {
        memset(r->key[i].b, (int)i + 1, 32);
        r->key[i].compressed = compressed;
        r->have[i] = true;
        assert_true(seckey_pubkey(&r->pub[i], &r->key[i]));
    }
}

static void ring_clear(struct ring *r)
{
    for (size_t i = 0; i < r->n_scripts; i++)
        buf_clear(&r->script[i]);
}

static void ring_only(struct ring *r, size_t a, size_t b)
{
    for (size_t i = 0; i < N_KEYS; i++)
        r->have[i] = i == a || i == b;
}

/* ---- forms ---- */

enum form { PK, PKH, MULTI, WPKH, TR, TR_ROOT, TR_RAW };
enum wrap { BARE, IN_SH, IN_WSH, IN_SH_WSH };

static void make_inner(struct ring *r, enum form form, struct buf *out)
{
    uint8_t id[20], tweak[32];
    bool parity;
    pubkey_id(&r->pub[0], id);
    switch (form) {
    case PK: script_p2pk(out, &r->pub[0]); return;
    case PKH: script_p2pkh(out, id); return;
    case MULTI: script_multisig(out, 2, r->pub, 3); return;
    case WPKH: script_p2wpkh(out, id); return;
    case TR_RAW:
        r->output = pubkey_xonly(&r->pub[0]);
        script_p2tr(out, &r->output);
        return;
    case TR:
    case TR_ROOT:
        r->internal = pubkey_xonly(&r->pub[0]);
        r->has_root = form == TR_ROOT;
        memset(r->root, 7, 32);
        taptweak_hash(tweak, &r->internal, r->has_root ? r->root : NULL);
        assert_true(taproot_tweak(&r->output, &parity, &r->internal, tweak));
        r->has_output = true;
        script_p2tr(out, &r->output);
        return;
    }
    fail();
}

static void keep_script(struct ring *r, const struct buf *script)
{
    struct buf *b = &r->script[r->n_scripts++];
    buf_init(b);
    write_span(b, buf_span(script));
}

static void wrap_sh(struct ring *r, struct buf *script)
{
    uint8_t hash[20];
    keep_script(r, script);
    hash160(hash, script->data, script->len);
    buf_reset(script);
    script_p2sh(script, hash);
}

static void wrap_wsh(struct ring *r, struct buf *script)
{
    uint8_t hash[32];
    keep_script(r, script);
    sha256(hash, script->data, script->len);
    buf_reset(script);
    script_p2wsh(script, hash);
}

static void make_script(struct ring *r, enum form form, enum wrap wrap, struct buf *out)
{
    make_inner(r, form, out);
    if (wrap == IN_WSH || wrap == IN_SH_WSH)
        wrap_wsh(r, out);
    if (wrap == IN_SH || wrap == IN_SH_WSH)
        wrap_sh(r, out);
}

/* Two inputs of the same output script, two outputs. */
static void make_tx(struct mtx *m, struct tx_out spent[2], struct span script)
{
    mtx_init(m);
    for (uint32_t i = 0; i < 2; i++) {
        struct outpoint prev = {.n = i};
        memset(prev.txid.b, 0x11, 32);
        mtx_add_in(m, &prev, SEQUENCE_FINAL - i);
        mtx_add_out(m, 1000 + i, script);
        spent[i] = (struct tx_out){.value = 5000 + i, .script_pubkey = script};
    }
}

static void check_size(const struct mtx_in *in, struct span script,
                       const struct signing_provider *p)
{
    uint32_t script_sig, witness;
    assert_true(sign_input_size(script, p, true, &script_sig, &witness));
    size_t have = in->n_witness ? compact_size(in->n_witness) : 0;
    for (size_t i = 0; i < in->n_witness; i++)
        have += compact_size(in->witness[i].len) + in->witness[i].len;
    /* Signatures may be a few bytes shorter than usual, never longer. */
    assert_true(in->script_sig.len <= script_sig && in->script_sig.len + 8 >= script_sig);
    assert_true(have <= witness && have + 8 >= witness);
}

static void check_all_types(struct ring *r, enum form form, enum wrap wrap)
{
    static const int types[] = {0, 1, 2, 3, 0x81, 0x82, 0x83};
    struct signing_provider p = ring_provider(r);
    struct buf script = BUF_INIT;
    make_script(r, form, wrap, &script);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct mtx m;
        struct tx_out spent[2];
        enum script_error err[2];
        make_tx(&m, spent, buf_span(&script));
        assert_true(sign_inputs(&m, spent, &p, types[i], err));
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(err[k], SCRIPT_ERR_OK);
            check_size(&m.in[k], buf_span(&script), &p);
        }
        mtx_clear(&m);
    }
    buf_clear(&script);
}

static void test_forms(void **state)
{
    static const struct {
        enum form form;
        enum wrap wrap;
        bool uncompressed;
    } forms[] = {{PK, BARE, true},    {PK, IN_SH, true},    {PK, IN_WSH},    {PK, IN_SH_WSH},
                 {PKH, BARE, true},   {PKH, IN_SH, true},   {PKH, IN_WSH},   {PKH, IN_SH_WSH},
                 {MULTI, BARE, true}, {MULTI, IN_SH, true}, {MULTI, IN_WSH}, {MULTI, IN_SH_WSH},
                 {WPKH, BARE},        {WPKH, IN_SH},        {TR, BARE},      {TR_ROOT, BARE},
                 {TR_RAW, BARE}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        for (int compressed = forms[i].uncompressed ? 0 : 1; compressed < 2; compressed++) {
            struct ring r;
            ring_init(&r, compressed);
            check_all_types(&r, forms[i].form, forms[i].wrap);
            ring_clear(&r);
        }
    }
}

/* A key of the other parity: taproot keys are looked up by their x only. */
static void test_taproot_parities(void **state)
{
    (void)state;
    bool seen[2] = {false, false};
    for (int i = 1; i < 16; i++) {
        struct ring r;
        ring_init(&r, true);
        memset(r.key[0].b, i, 32);
        assert_true(seckey_pubkey(&r.pub[0], &r.key[0]));
        seen[r.pub[0].data[0] & 1] = true;
        check_all_types(&r, TR_ROOT, BARE);
        ring_clear(&r);
    }
    assert_true(seen[0] && seen[1]);
}

/* ---- several signers ---- */

static void test_two_signers(void **state)
{
    static const size_t orders[][2] = {{0, 1}, {1, 0}, {2, 0}, {1, 2}};
    (void)state;
    for (int wrap = BARE; wrap <= IN_SH_WSH; wrap++) {
        for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
            struct ring r;
            struct buf script = BUF_INIT;
            struct mtx m;
            struct tx_out spent[2];
            enum script_error err;
            ring_init(&r, true);
            struct signing_provider p = ring_provider(&r);
            make_script(&r, MULTI, (enum wrap)wrap, &script);
            make_tx(&m, spent, buf_span(&script));
            ring_only(&r, orders[i][0], orders[i][0]);
            assert_false(sign_input(&m, 0, spent, &p, 0, &err));
            assert_int_equal(err, SCRIPT_ERR_SIG_NULLFAIL);
            /* The second one knows no scripts: they are in the input already. */
            p.script = NULL;
            ring_only(&r, orders[i][1], orders[i][1]);
            assert_true(sign_input(&m, 0, spent, &p, SIGHASH_NONE, &err));
            ring_clear(&r);
            buf_clear(&script);
            mtx_clear(&m);
        }
    }
}

/* A complete input is left as it is, also by a signer that knows nothing. */
static void test_complete_is_kept(void **state)
{
    (void)state;
    struct ring r, nothing;
    struct buf script = BUF_INIT, before = BUF_INIT;
    struct mtx m;
    struct tx_out spent[2];
    ring_init(&r, true);
    ring_init(&nothing, true);
    ring_only(&nothing, N_KEYS, N_KEYS);
    struct signing_provider p = ring_provider(&r), none = {.arg = NULL};
    make_script(&r, PKH, BARE, &script);
    make_tx(&m, spent, buf_span(&script));
    assert_true(sign_input(&m, 1, spent, &p, 0, NULL));
    write_span(&before, buf_span(&m.in[1].script_sig));
    assert_true(sign_input(&m, 1, spent, &none, SIGHASH_NONE, NULL));
    assert_true(span_eq(buf_span(&before), buf_span(&m.in[1].script_sig)));
    enum script_error err;
    assert_false(sign_input(&m, 0, spent, &none, 0, &err));
    assert_int_equal(err, SCRIPT_ERR_INVALID_STACK_OPERATION);
    assert_int_equal(m.in[0].script_sig.len, 0);
    buf_clear(&before);
    buf_clear(&script);
    mtx_clear(&m);
}

/* ---- what must be refused ---- */

/* Foreign signatures and scripts in an input are not taken over. */
static void test_garbage_in_input(void **state)
{
    (void)state;
    struct ring r;
    struct buf script = BUF_INIT;
    struct mtx m;
    struct tx_out spent[2];
    ring_init(&r, true);
    struct signing_provider p = ring_provider(&r);
    make_script(&r, MULTI, IN_SH, &script);
    make_tx(&m, spent, buf_span(&script));
    uint8_t junk[71];
    memset(junk, 0x30, sizeof(junk));
    for (int i = 0; i < 300; i++)
        script_push(&m.in[0].script_sig, junk, sizeof(junk));
    write_u8(&m.in[0].script_sig, OP_PUSHDATA2); /* cut off */
    ring_only(&r, 0, 1);
    assert_true(sign_input(&m, 0, spent, &p, 0, NULL));
    ring_clear(&r);
    buf_clear(&script);
    mtx_clear(&m);
}

static void test_single_without_output(void **state)
{
    (void)state;
    struct ring r;
    struct buf script = BUF_INIT;
    struct mtx m;
    struct tx_out spent[2];
    ring_init(&r, true);
    struct signing_provider p = ring_provider(&r);
    make_script(&r, PKH, BARE, &script);
    make_tx(&m, spent, buf_span(&script));
    buf_clear(&m.out[1].script_pubkey);
    m.n_out = 1;
    assert_true(sign_input(&m, 0, spent, &p, SIGHASH_SINGLE, NULL));
    assert_false(sign_input(&m, 1, spent, &p, SIGHASH_SINGLE, NULL));
    assert_false(sign_input(&m, 1, spent, &p, SIGHASH_SINGLE | SIGHASH_ANYONECANPAY, NULL));
    assert_int_equal(m.in[1].script_sig.len, 0);
    buf_clear(&script);
    mtx_clear(&m);
}

/* Keys that witness programs do not allow, unknown spent outputs. */
static void test_impossible(void **state)
{
    (void)state;
    struct ring r;
    struct buf script = BUF_INIT;
    struct mtx m;
    struct tx_out spent[2];
    enum script_error err;
    uint32_t a, b;
    ring_init(&r, false);
    struct signing_provider p = ring_provider(&r);
    make_script(&r, WPKH, BARE, &script);
    make_tx(&m, spent, buf_span(&script));
    assert_false(sign_input(&m, 0, spent, &p, 0, &err));
    assert_int_equal(err, SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH);
    spent[0].script_pubkey = span_of(NULL, 0);
    assert_false(sign_input(&m, 0, spent, &p, 0, &err));
    mtx_clear(&m);

    ring_init(&r, true);
    buf_reset(&script);
    make_script(&r, TR, BARE, &script);
    make_tx(&m, spent, buf_span(&script));
    spent[1].script_pubkey = span_of(NULL, 0);
    assert_false(sign_input(&m, 0, spent, &p, 0, &err));
    mtx_clear(&m);

    buf_reset(&script);
    script_op(&script, OP_RETURN);
    assert_false(sign_input_size(buf_span(&script), &p, true, &a, &b));
    buf_reset(&script);
    script_p2sh(&script, r.root);
    assert_false(sign_input_size(buf_span(&script), &p, true, &a, &b));
    buf_clear(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_taproot_parities),
        cmocka_unit_test(test_two_signers),
        cmocka_unit_test(test_complete_is_kept),
        cmocka_unit_test(test_garbage_in_input),
        cmocka_unit_test(test_single_without_output),
        cmocka_unit_test(test_impossible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
