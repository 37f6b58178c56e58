/* Standardness: tables of outputs, sizes, dust thresholds, scriptSigs, inputs and witnesses. */
#include "mempool/policy.h"

#include "crypto/hash.h"
#include "script/script.h"
#include "script/standard.h"
#include "unit.h"

static const struct policy defaults = {3000, 100000, true};

static struct buf script_of(const char *hex)
{
    struct buf b = BUF_INIT;
    assert_true(hex_read(&b, hex));
    return b;
}

/* A transaction with one input (scriptSig, witness) and one output. */
static struct tx *build(struct span script_sig, const struct span *witness, size_t n_witness,
                        struct span out, int64_t value, uint32_t version)
{
    struct mtx m;
    struct outpoint prev = {.n = 1};
    mtx_init(&m);
    m.version = version;
    prev.txid.b[0] = 7;
    struct mtx_in *in = mtx_add_in(&m, &prev, SEQUENCE_FINAL);
    write_span(&in->script_sig, script_sig);
    mtx_in_set_witness(in, witness, n_witness);
    mtx_add_out(&m, value, out);
    struct tx *tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

static void assert_standard(struct span script_sig, struct span out, int64_t value,
                            uint32_t version, const struct policy *p, const char *want)
{
    struct tx *tx = build(script_sig, NULL, 0, out, value, version);
    const char *reason = "";
    bool ok = policy_tx_standard(tx, p, &reason);
    assert_string_equal(ok ? "" : reason, want);
    tx_unref(tx);
}

#define H20 "0102030405060708090a0b0c0d0e0f1011121314"
#define H32 H20 "15161718191a1b1c1d1e1f20"
#define KEY "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

static void outputs(void **state)
{
    (void)state;
    static const struct {
        const char *script, *want;
        int64_t dust; /* threshold at 3000 sat/kvB */
    } cases[] = {
        {"76a914" H20 "88ac", "", 546},
        {"a914" H20 "87", "", 540},
        {"0014" H20, "", 294},
        {"0020" H32, "", 330},
        {"5120" H32, "", 330},
        {"51024e73", "", 240},
        {"21" KEY "ac", "", 576},
        {"6003010203", "", 243},
        {"6a0568656c6c6f", "", 0},
        {"6a", "", 0},
        {"5121" KEY "51ae", "", 582},
        {"5121" KEY "21" KEY "21" KEY "53ae", "", 786},
        {"5121" KEY "21" KEY "21" KEY "21" KEY "54ae", "scriptpubkey", 888},
        {"5221" KEY "51ae", "scriptpubkey", 582},
        {"51", "scriptpubkey", 474},
        {"0013"
         "01020304050607080910111213141516171819",
         "scriptpubkey", 291},
        {"6a4c", "scriptpubkey", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = script_of(cases[i].script);
        struct tx_out out = {0, buf_span(&b)};
        assert_standard(span_of(NULL, 0), buf_span(&b), COIN, 2, &defaults, cases[i].want);
        assert_int_equal(policy_dust_threshold(&out, 3000), cases[i].dust);
        out.value = cases[i].dust;
        assert_false(policy_is_dust(&out, 3000));
        out.value = cases[i].dust > 0 ? cases[i].dust - 1 : 0;
        assert_int_equal(policy_is_dust(&out, 3000), cases[i].dust > 0);
        assert_int_equal(policy_dust_threshold(&out, 0), 0);
        buf_clear(&b);
    }
}

static void options(void **state)
{
    (void)state;
    struct buf multisig = script_of("5121" KEY "51ae"), data = script_of("6a0568656c6c6f");
    struct policy p = defaults;
    p.permit_bare_multisig = false;
    assert_standard(span_of(NULL, 0), buf_span(&multisig), COIN, 2, &p, "bare-multisig");
    p.max_datacarrier_bytes = (unsigned)data.len;
    assert_standard(span_of(NULL, 0), buf_span(&data), 0, 2, &p, "");
    p.max_datacarrier_bytes--;
    assert_standard(span_of(NULL, 0), buf_span(&data), 0, 2, &p, "datacarrier");
    p.max_datacarrier_bytes = 0;
    assert_standard(span_of(NULL, 0), buf_span(&data), 0, 2, &p, "datacarrier");
    buf_clear(&multisig);
    buf_clear(&data);
}

static void versions_and_script_sigs(void **state)
{
    (void)state;
    struct buf out = script_of("0014" H20), sig = BUF_INIT;
    for (uint32_t v = 0; v <= 4; v++)
        assert_standard(span_of(NULL, 0), buf_span(&out), COIN, v, &defaults,
                        v >= 1 && v <= 3 ? "" : "version");
    assert_standard(span_of(NULL, 0), buf_span(&out), COIN, 0xffffffff, &defaults, "version");
    for (unsigned i = 0; i < MAX_STANDARD_SCRIPTSIG_SIZE; i++)
        script_op(&sig, OP_0);
    assert_standard(buf_span(&sig), buf_span(&out), COIN, 2, &defaults, "");
    script_op(&sig, OP_0);
    assert_standard(buf_span(&sig), buf_span(&out), COIN, 2, &defaults, "scriptsig-size");
    buf_reset(&sig);
    script_op(&sig, OP_NOP);
    assert_standard(buf_span(&sig), buf_span(&out), COIN, 2, &defaults, "scriptsig-not-pushonly");
    buf_clear(&sig);
    buf_clear(&out);
}

static void weight_limit(void **state)
{
    (void)state;
    struct mtx m;
    struct outpoint prev = {.n = 1};
    struct buf out = script_of("0014" H20);
    mtx_init(&m);
    mtx_add_in(&m, &prev, SEQUENCE_FINAL);
    uint32_t weight = 0;
    const char *reason = "";
    bool ok = true;
    while (weight < MAX_STANDARD_TX_WEIGHT - 1000) {
        for (unsigned i = 0; i < 100; i++)
            mtx_add_out(&m, COIN, buf_span(&out));
        struct tx *tx = mtx_finish(&m);
        weight = tx_weight(tx);
        ok = policy_tx_standard(tx, &defaults, &reason);
        assert_int_equal(ok, weight <= MAX_STANDARD_TX_WEIGHT);
        tx_unref(tx);
    }
    assert_false(ok);
    assert_string_equal(reason, "tx-size");
    mtx_clear(&m);
    buf_clear(&out);
}

/* One dust output may stand (it must then be spent at once), two may not. */
static void dust_outputs(void **state)
{
    (void)state;
    struct mtx m;
    struct outpoint prev = {.n = 1};
    struct buf out = script_of("0014" H20);
    const char *reason = "";
    mtx_init(&m);
    mtx_add_in(&m, &prev, SEQUENCE_FINAL);
    for (unsigned n = 0; n <= 3; n++) {
        struct tx *tx = mtx_finish(&m);
        assert_int_equal(policy_dust_count(tx, 3000), n);
        assert_int_equal(policy_tx_standard(tx, &defaults, &reason), n <= 1);
        tx_unref(tx);
        mtx_add_out(&m, 293, buf_span(&out));
    }
    assert_string_equal(reason, "dust");
    mtx_clear(&m);
    buf_clear(&out);
}

static void adjusted_sizes(void **state)
{
    (void)state;
    assert_int_equal(policy_adjusted_weight(400, 10, 20), 400);
    assert_int_equal(policy_adjusted_weight(400, 21, 20), 420);
    assert_int_equal(policy_vsize(401, 0, 20), 101);
    assert_int_equal(policy_vsize(400, 100, 20), 500);
    assert_int_equal(policy_vsize(400, 100, 0), 100);
}

/* ---- inputs ---- */

static void assert_inputs(struct span script_sig, struct span spent, const char *want)
{
    struct tx *tx = build(script_sig, NULL, 0, span_of("\x51", 1), 0, 2);
    struct coin coin = {{COIN, spent}, 1, false};
    const struct coin *coins = &coin;
    struct verdict v = {0};
    assert_int_equal(policy_inputs_standard(tx, &coins, &v), *want == '\0');
    assert_string_equal(v.detail, want);
    if (*want)
        assert_string_equal(v.reason, "bad-txns-nonstandard-inputs");
    tx_unref(tx);
}

static void inputs(void **state)
{
    (void)state;
    struct buf p2sh = script_of("a914" H20 "87"), sig = BUF_INIT, redeem = BUF_INIT;
    struct buf unknown = script_of("6003010203"), odd = script_of("51"),
               p2wpkh = script_of("0014" H20);
    assert_inputs(span_of(NULL, 0), buf_span(&p2wpkh), "");
    assert_inputs(span_of(NULL, 0), buf_span(&odd), "input 0 script unknown");
    assert_inputs(span_of(NULL, 0), buf_span(&unknown), "input 0 witness program is undefined");
    assert_inputs(span_of(NULL, 0), buf_span(&p2sh), "input 0 P2SH redeemscript missing");
    for (unsigned i = 0; i < MAX_P2SH_SIGOPS; i++)
        script_op(&redeem, OP_CHECKSIG);
    script_push_span(&sig, buf_span(&redeem));
    assert_inputs(buf_span(&sig), buf_span(&p2sh), "");
    buf_reset(&sig);
    script_op(&redeem, OP_CHECKSIG);
    script_push_span(&sig, buf_span(&redeem));
    assert_inputs(buf_span(&sig), buf_span(&p2sh),
                  "p2sh redeemscript sigops exceed limit (input 0: 16 > 15)");
    buf_reset(&sig);
    uint8_t large[521] = {0};
    script_push(&sig, large, sizeof(large));
    assert_inputs(buf_span(&sig), buf_span(&p2sh),
                  "p2sh scriptsig malformed (input 0: Push value size limit exceeded)");
    buf_reset(&sig);
    script_op(&sig, OP_RESERVED);
    assert_inputs(buf_span(&sig), buf_span(&p2sh),
                  "p2sh scriptsig malformed (input 0: Opcode missing or not understood)");
    struct buf *all[] = {&p2sh, &sig, &redeem, &unknown, &odd, &p2wpkh};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_clear(all[i]);
}

/* ---- witnesses ---- */

static void assert_witness(const char *spent, const struct span *items, size_t n, bool want)
{
    struct buf script = script_of(spent);
    struct tx *tx = build(span_of(NULL, 0), items, n, span_of("\x51", 1), 0, 2);
    struct coin coin = {{COIN, buf_span(&script)}, 1, false};
    const struct coin *coins = &coin;
    assert_int_equal(policy_witness_standard(tx, &coins), want);
    tx_unref(tx);
    buf_clear(&script);
}

static void witnesses(void **state)
{
    (void)state;
    static uint8_t bytes[4000] = {0xc0};
    static const uint8_t annex[] = {0x50, 1};
    struct span items[102];
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        items[i] = span_of(bytes, 80);
    assert_witness("0020" H32, items, 101, true);
    assert_witness("0020" H32, items, 102, false);
    items[1] = span_of(bytes, 3600);
    assert_witness("0020" H32, items, 2, true);
    items[1] = span_of(bytes, 3601);
    assert_witness("0020" H32, items, 2, false);
    items[1] = span_of(bytes, 80);
    items[0] = span_of(bytes, 81);
    assert_witness("0020" H32, items, 2, false);
    /* Taproot: item, script, control block of a tapscript leaf. */
    items[2] = span_of(bytes, 33);
    items[1] = span_of(bytes, 4000);
    assert_witness("5120" H32, items, 3, false);
    items[0] = span_of(bytes, 80);
    assert_witness("5120" H32, items, 3, true);
    items[1] = span_of(annex, sizeof(annex));
    assert_witness("5120" H32, items, 2, false);
    items[1] = span_of(bytes, 0);
    assert_witness("5120" H32, items, 2, false);
    assert_witness("51024e73", items, 1, false); /* an anchor needs none */
    assert_witness("76a914" H20 "88ac", items, 1, false);
    assert_witness("0014" H20, items, 2, true);
}

static void stripped_witness(void **state)
{
    (void)state;
    static const struct {
        const char *spent;
        bool witness;
    } cases[] = {{"0014" H20, true},
                 {"5120" H32, true},
                 {"51024e73", false},
                 {"76a914" H20 "88ac", false},
                 {"a914" H20 "87", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf script = script_of(cases[i].spent);
        struct tx *tx = build(span_of(NULL, 0), NULL, 0, span_of("\x51", 1), 0, 2);
        struct coin coin = {{COIN, buf_span(&script)}, 1, false};
        const struct coin *coins = &coin;
        assert_int_equal(policy_spends_witness(tx, &coins), cases[i].witness);
        tx_unref(tx);
        buf_clear(&script);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs),          cmocka_unit_test(options),
        cmocka_unit_test(weight_limit),     cmocka_unit_test(versions_and_script_sigs),
        cmocka_unit_test(dust_outputs),     cmocka_unit_test(adjusted_sizes),
        cmocka_unit_test(inputs),           cmocka_unit_test(witnesses),
        cmocka_unit_test(stripped_witness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
