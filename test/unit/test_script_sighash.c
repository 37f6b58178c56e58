/*
 * Signature hashes: sighash.json (legacy), the examples of BIP143, and the wallet vectors of BIP341
 * down to the hashes that their inputs share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "data/bip143.h"
#include "script/standard.h"
#include "script/verify.h"
#include "support/vectors.h"
#include "util/mem.h"

static void assert_hex(const uint8_t *data, size_t len, const char *hex)
{
    char *got = hex_dup(data, len);
    assert_string_equal(got, hex);
    free(got);
}

/* ---- legacy ---- */

static void check_legacy(struct json_object *line)
{
    struct tx *tx = tx_parse_hex(json_str(json_at(line, 0)), true, true);
    struct buf script = BUF_INIT;
    uint8_t hash[32], expected[32];
    assert_non_null(tx);
    hex_into(&script, json_str(json_at(line, 1)));
    unsigned in = (unsigned)json_object_get_int(json_at(line, 2));
    int32_t type = (int32_t)json_object_get_int64(json_at(line, 3));
    assert_true(hash_from_hex(expected, json_str(json_at(line, 4))));
    sighash_legacy(hash, tx, in, buf_span(&script), type);
    assert_memory_equal(hash, expected, 32);
    buf_clear(&script);
    tx_unref(tx);
}

static void test_legacy(void **state)
{
    (void)state;
    struct json_object *all = vectors_load("sighash.json");
    size_t n = json_object_array_length(all);
    for (size_t i = 1; i < n; i++)
        check_legacy(json_at(all, i));
    printf("sighash.json: %zu cases\n", n - 1);
    assert_int_equal(n - 1, 500);
    json_object_put(all);
}

/* ---- BIP143 ---- */

static struct tx *bip143_tx(size_t i)
{
    struct tx *tx = tx_parse_hex(bip143_txs[i], false, true);
    assert_non_null(tx);
    return tx;
}

static void test_bip143_hashes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bip143_hashes); i++) {
        struct tx *tx = bip143_tx(bip143_hashes[i].tx);
        struct buf code = BUF_INIT;
        struct sighash_cache c;
        uint8_t hash[32];
        hex_into(&code, bip143_hashes[i].code);
        sighash_cache_init(&c, tx, NULL);
        sighash_v0(hash, &c, bip143_hashes[i].in, buf_span(&code), bip143_hashes[i].amount,
                   bip143_hashes[i].hash_type);
        assert_hex(hash, 32, bip143_hashes[i].hash);
        buf_clear(&code);
        tx_unref(tx);
    }
    printf("BIP143: %zu hashes\n", ARRAY_LEN(bip143_hashes));
}

static void find_spent(const struct tx_in *in, struct buf *script, int64_t *amount)
{
    for (size_t i = 0; i < ARRAY_LEN(bip143_spent); i++) {
        uint8_t id[6];
        hex_exact(id, sizeof(id), bip143_spent[i].txid);
        if (memcmp(id, in->prev.txid.b, sizeof(id)) == 0) {
            hex_into(script, bip143_spent[i].script);
            *amount = bip143_spent[i].amount;
            return;
        }
    }
    fail();
}

/* Verifies an input; a wrong amount must be refused where the input is of a witness program. */
static void check_bip143_input(const struct sighash_cache *c, unsigned in)
{
    uint32_t flags = SCRIPT_VERIFY_MANDATORY;
    struct buf script = BUF_INIT;
    struct tx_out spent;
    enum script_error err;
    find_spent(&c->tx->in[in], &script, &spent.value);
    spent.script_pubkey = buf_span(&script);
    assert_true(script_verify_input(c, in, &spent, flags, NULL, &err));
    spent.value++;
    bool legacy = c->tx->in[in].witness.n == 0;
    assert_int_equal(script_verify_input(c, in, &spent, flags, NULL, &err), legacy);
    buf_clear(&script);
}

static void test_bip143_transactions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bip143_txs); i++) {
        struct tx *tx = bip143_tx(i);
        struct sighash_cache c;
        sighash_cache_init(&c, tx, NULL);
        for (unsigned in = 0; in < tx->n_in; in++)
            check_bip143_input(&c, in);
        tx_unref(tx);
    }
    printf("BIP143: %zu transactions\n", ARRAY_LEN(bip143_txs));
}

/* ---- BIP341 ---- */

struct tree {
    uint8_t leaves[8][32]; /* in the order of the vectors' control blocks */
    uint8_t paths[8][128]; /* siblings from the bottom up */
    uint8_t versions[8];
    size_t path_len[8];
    size_t n;
};

static void hash_leaf(struct json_object *node, struct tree *t, uint8_t out[32])
{
    struct buf script = BUF_INIT;
    t->versions[t->n] = (uint8_t)json_object_get_int(json_member(node, "leafVersion"));
    hex_into(&script, json_str(json_member(node, "script")));
    tapleaf_hash(out, t->versions[t->n], buf_span(&script));
    memcpy(t->leaves[t->n], out, 32);
    t->n++;
    buf_clear(&script);
}

/* Leaves come depth first, so those of a branch are neighbours; each gets the other side's hash. */
static void hash_tree(struct json_object *node, struct tree *t, uint8_t out[32])
{
    if (!json_object_is_type(node, json_type_array)) {
        hash_leaf(node, t, out);
        return;
    }
    uint8_t side[2][32];
    size_t begin[3] = {t->n};
    for (size_t k = 0; k < 2; k++) {
        hash_tree(json_at(node, k), t, side[k]);
        begin[k + 1] = t->n;
    }
    for (size_t i = begin[0]; i < t->n; i++) {
        memcpy(t->paths[i] + t->path_len[i], side[i < begin[1]], 32);
        t->path_len[i] += 32;
    }
    tapbranch_hash(out, side[0], side[1]);
}

static void check_control_blocks(const struct tree *t, const struct xonly *internal,
                                 const uint8_t root[32], const struct xonly *output, bool parity,
                                 struct json_object *expected)
{
    assert_int_equal(json_object_array_length(expected), t->n);
    for (size_t i = 0; i < t->n; i++) {
        uint8_t got[32], tweak[32];
        struct buf control = BUF_INIT;
        write_u8(&control, (uint8_t)(t->versions[i] | parity));
        write_bytes(&control, internal->b, 32);
        write_bytes(&control, t->paths[i], t->path_len[i]);
        assert_hex(control.data, control.len, json_str(json_at(expected, i)));
        taproot_root(got, t->leaves[i], buf_span(&control));
        assert_memory_equal(got, root, 32);
        taptweak_hash(tweak, internal, got);
        assert_true(taproot_check_tweak(output, parity, internal, tweak));
        assert_false(taproot_check_tweak(output, !parity, internal, tweak));
        buf_clear(&control);
    }
}

static void check_output(struct json_object *v)
{
    struct json_object *given = json_member(v, "given"), *mid = json_member(v, "intermediary"),
                       *expected = json_member(v, "expected"), *script_tree;
    struct tree t = {.n = 0};
    struct xonly internal, output;
    uint8_t root[32], tweak[32];
    bool parity;
    hex_exact(internal.b, 32, json_str(json_member(given, "internalPubkey")));
    json_object_object_get_ex(given, "scriptTree", &script_tree);
    if (script_tree) {
        hash_tree(script_tree, &t, root);
        assert_hex(root, 32, json_str(json_member(mid, "merkleRoot")));
    }
    taptweak_hash(tweak, &internal, script_tree ? root : NULL);
    assert_hex(tweak, 32, json_str(json_member(mid, "tweak")));
    assert_true(taproot_tweak(&output, &parity, &internal, tweak));
    assert_hex(output.b, 32, json_str(json_member(mid, "tweakedPubkey")));
    struct buf script = BUF_INIT;
    script_p2tr(&script, &output);
    assert_hex(script.data, script.len, json_str(json_member(expected, "scriptPubKey")));
    buf_clear(&script);
    if (script_tree)
        check_control_blocks(&t, &internal, root, &output, parity,
                             json_member(expected, "scriptPathControlBlocks"));
}

static void test_bip341_outputs(void **state)
{
    (void)state;
    struct json_object *all = vectors_load("bip341_wallet_vectors.json");
    struct json_object *list = json_member(all, "scriptPubKey");
    size_t n = json_object_array_length(list);
    for (size_t i = 0; i < n; i++)
        check_output(json_at(list, i));
    printf("bip341_wallet_vectors.json: %zu outputs\n", n);
    assert_int_equal(n, 7);
    json_object_put(all);
}

static struct tx_out *read_spent(struct json_object *list, struct buf *memory)
{
    size_t n = json_object_array_length(list);
    struct tx_out *out = xcalloc(n, sizeof(*out));
    size_t *at = xcalloc(n + 1, sizeof(*at));
    for (size_t i = 0; i < n; i++) {
        hex_into(memory, json_str(json_member(json_at(list, i), "scriptPubKey")));
        at[i + 1] = memory->len;
        out[i].value = json_object_get_int64(json_member(json_at(list, i), "amountSats"));
    }
    for (size_t i = 0; i < n; i++)
        out[i].script_pubkey = span_of(memory->data + at[i], at[i + 1] - at[i]);
    free(at);
    return out;
}

static void check_key_path(const struct sighash_cache *c, struct json_object *v)
{
    struct json_object *given = json_member(v, "given"), *mid = json_member(v, "intermediary"), *o;
    unsigned in = (unsigned)json_object_get_int(json_member(given, "txinIndex"));
    uint8_t type = (uint8_t)json_object_get_int(json_member(given, "hashType"));
    struct seckey key = {.compressed = true};
    struct pubkey pk;
    uint8_t root[32], tweak[32], hash[32], sig[65];
    hex_exact(key.b, 32, json_str(json_member(given, "internalPrivkey")));
    json_object_object_get_ex(given, "merkleRoot", &o);
    if (o)
        hex_exact(root, 32, json_str(o));
    assert_true(seckey_pubkey(&pk, &key));
    struct xonly internal = pubkey_xonly(&pk);
    assert_hex(internal.b, 32, json_str(json_member(mid, "internalPubkey")));
    taptweak_hash(tweak, &internal, o ? root : NULL);
    assert_hex(tweak, 32, json_str(json_member(mid, "tweak")));
    assert_true(sighash_taproot(hash, c, in, type, NULL, NULL));
    assert_hex(hash, 32, json_str(json_member(mid, "sigHash")));
    assert_true(schnorr_sign(sig, &key, hash, tweak, NULL));
    sig[64] = type;
    struct json_object *witness = json_member(json_member(v, "expected"), "witness");
    assert_hex(sig, type == SIGHASH_DEFAULT ? 64 : 65, json_str(json_at(witness, 0)));
}

static void check_shared_hashes(const struct sighash_cache *c, struct json_object *mid)
{
    assert_hex(c->amounts, 32, json_str(json_member(mid, "hashAmounts")));
    assert_hex(c->outputs, 32, json_str(json_member(mid, "hashOutputs")));
    assert_hex(c->prevouts, 32, json_str(json_member(mid, "hashPrevouts")));
    assert_hex(c->scripts, 32, json_str(json_member(mid, "hashScriptPubkeys")));
    assert_hex(c->sequences, 32, json_str(json_member(mid, "hashSequences")));
}

static void check_spending(struct json_object *v)
{
    struct buf memory = BUF_INIT;
    struct json_object *given = json_member(v, "given"), *list = json_member(v, "inputSpending");
    struct tx_out *spent = read_spent(json_member(given, "utxosSpent"), &memory);
    struct tx *tx = tx_parse_hex(json_str(json_member(given, "rawUnsignedTx")), true, true);
    struct sighash_cache c;
    assert_non_null(tx);
    sighash_cache_init_all(&c, tx, spent);
    check_shared_hashes(&c, json_member(v, "intermediary"));
    for (size_t i = 0; i < json_object_array_length(list); i++)
        check_key_path(&c, json_at(list, i));
    printf("bip341_wallet_vectors.json: %zu key path spends\n", json_object_array_length(list));
    tx_unref(tx);

    tx = tx_parse_hex(json_str(json_member(json_member(v, "auxiliary"), "fullySignedTx")), true,
                      true);
    assert_non_null(tx);
    sighash_cache_init(&c, tx, spent);
    for (unsigned i = 0; i < tx->n_in; i++) {
        enum script_error err;
        assert_true(script_verify_input(&c, i, &spent[i], SCRIPT_VERIFY_MANDATORY, NULL, &err));
    }
    printf("bip341_wallet_vectors.json: %u inputs of the signed transaction\n", tx->n_in);
    tx_unref(tx);
    free(spent);
    buf_clear(&memory);
}

static void test_bip341_spending(void **state)
{
    (void)state;
    struct json_object *all = vectors_load("bip341_wallet_vectors.json");
    struct json_object *list = json_member(all, "keyPathSpending");
    for (size_t i = 0; i < json_object_array_length(list); i++)
        check_spending(json_at(list, i));
    json_object_put(all);
}

/* ---- many inputs ---- */

/* A transaction so large that messages start from states that are kept: each input is signed over
 * the message as it is made from its beginning, and verified. */
static void check_many(unsigned n_in, int32_t type)
{
    static const struct seckey key = {.b = {7}, .compressed = true};
    struct tx_out *spent = calloc(n_in, sizeof(*spent));
    struct buf script = BUF_INIT;
    struct sighash_cache c;
    struct pubkey pk;
    struct mtx m;
    assert_true(seckey_pubkey(&pk, &key));
    script_p2pk(&script, &pk);
    mtx_init(&m);
    for (unsigned i = 0; i < n_in; i++) {
        struct outpoint prev = {.n = i};
        mtx_add_in(&m, &prev, i * 3);
        if (i % 2)
            mtx_add_out(&m, i, buf_span(&script));
        spent[i] = (struct tx_out){1, buf_span(&script)};
    }
    struct tx *tx = mtx_finish(&m);
    mtx_clear(&m);
    sighash_cache_init(&c, tx, spent);
    for (unsigned i = 0; i < n_in; i++) {
        static const struct witness none;
        struct buf script_sig = BUF_INIT;
        uint8_t hash[32], sig[73];
        size_t len;
        sighash_legacy(hash, tx, i, buf_span(&script), type);
        assert_true(ecdsa_sign(sig, &len, &key, hash, false));
        sig[len++] = (uint8_t)type;
        script_push(&script_sig, sig, len);
        assert_true(script_verify_parts(&c, i, buf_span(&script_sig), &none, &spent[i],
                                        SCRIPT_VERIFY_STANDARD, NULL, NULL));
        buf_clear(&script_sig);
    }
    tx_unref(tx);
    buf_clear(&script);
    free(spent);
}

static void test_many_inputs(void **state)
{
    static const int32_t types[] = {SIGHASH_ALL, SIGHASH_NONE, SIGHASH_SINGLE};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        check_many(63, types[i]);
        check_many(64, types[i]);
        check_many(149, types[i] | SIGHASH_ANYONECANPAY);
        check_many(150, types[i]);
    }
}

/* ---- bad input ---- */

static void test_taproot_undefined(void **state)
{
    (void)state;
    struct tx *tx = bip143_tx(3); /* two inputs, two outputs */
    uint8_t script[34] = {OP_1, 32}, hash[32];
    struct tx_out spent[2] = {{1, span_of(script, 34)}, {2, span_of(script, 34)}};
    struct sighash_cache c;
    sighash_cache_init(&c, tx, spent);
    size_t good = 0;
    for (unsigned type = 0; type < 256; type++)
        good += sighash_taproot(hash, &c, 0, (uint8_t)type, NULL, NULL);
    assert_int_equal(good, 7);
    sighash_cache_init(&c, tx, NULL);
    assert_false(sighash_taproot(hash, &c, 0, SIGHASH_ALL, NULL, NULL));
    tx_unref(tx);

    tx = bip143_tx(2); /* two inputs, one output */
    sighash_cache_init(&c, tx, spent);
    assert_true(sighash_taproot(hash, &c, 0, SIGHASH_SINGLE, NULL, NULL));
    assert_false(sighash_taproot(hash, &c, 1, SIGHASH_SINGLE, NULL, NULL));
    assert_true(sighash_taproot(hash, &c, 1, SIGHASH_ALL, NULL, NULL));
    tx_unref(tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_bip143_hashes),
        cmocka_unit_test(test_bip143_transactions),
        cmocka_unit_test(test_bip341_outputs),
        cmocka_unit_test(test_bip341_spending),
        cmocka_unit_test(test_many_inputs),
        cmocka_unit_test(test_taproot_undefined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
