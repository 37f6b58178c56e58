/* Transactions: parsing, ids, sizes, hostile bytes, building. */
#include "chain/tx.h"
#include "support/vectors.h"
#include "unit.h"

/* BIP143's first example: two inputs, the second P2WPKH; unsigned, and signed with witness. */
static const char unsigned_hex[] =
    "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffff"
    "ef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206"
    "000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42db"
    "ee7e4dbe6a21b2d50ce2f0167faa815988ac11000000";
static const char signed_hex[] =
    "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830"
    "450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f928"
    "1a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e81"
    "5b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f6"
    "6f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988"
    "ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c"
    "4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7aca"
    "fcdb3566bb0ad253f62fc70f07aeee635711000000";

static struct tx *parse(const char *hex)
{
    struct buf b = BUF_INIT;
    struct tx *tx;

    hex_into(&b, hex);
    tx = tx_parse(b.data, b.len);
    buf_clear(&b);
    return tx;
}

static void assert_id(const uint8_t b[32], const char *want)
{
    char text[HASH_HEX_SIZE];

    assert_string_equal(hash_to_hex(text, b), want);
}

static void parses_segwit(void **state)
{
    struct tx *tx = parse(signed_hex);
    struct buf b = BUF_INIT;

    (void)state;
    assert_non_null(tx);
    assert_int_equal(tx->version, 1);
    assert_int_equal(tx->lock_time, 17);
    assert_int_equal(tx->n_in, 2);
    assert_int_equal(tx->n_out, 2);
    assert_true(tx->has_witness);
    assert_int_equal(tx->in[0].witness.n, 0);
    assert_int_equal(tx->in[1].witness.n, 2);
    assert_int_equal(tx->in[1].witness.items[1].len, 33);
    assert_int_equal(tx->in[0].script_sig.len, 0x49);
    assert_int_equal(tx->in[0].sequence, 0xffffffee);
    assert_int_equal(tx->in[1].prev.n, 1);
    assert_int_equal(tx->out[0].value, 112340000);
    assert_int_equal(tx->total_size, strlen(signed_hex) / 2);
    assert_int_equal(tx->total_size - tx->base_size, 2 + 1 + 1 + 1 + 71 + 1 + 33);
    assert_int_equal(tx_weight(tx), 3 * tx->base_size + tx->total_size);
    tx_write(&b, tx, true);
    assert_hex(b.data, b.len, signed_hex);
    buf_clear(&b);
    tx_unref(tx);
}

/* The stripped form is that of the same transaction without witness, with the same txid. */
static void strips_witness(void **state)
{
    struct tx *tx = parse(signed_hex), *stripped;
    struct buf b = BUF_INIT;

    (void)state;
    tx_write(&b, tx, false);
    assert_int_equal(b.len, tx->base_size);
    stripped = tx_parse(b.data, b.len);
    assert_non_null(stripped);
    assert_false(stripped->has_witness);
    assert_true(txid_eq(&tx->txid, &stripped->txid));
    assert_false(wtxid_eq(&tx->wtxid, &stripped->wtxid));
    assert_memory_equal(stripped->txid.b, stripped->wtxid.b, 32);
    assert_int_equal(stripped->base_size, stripped->total_size);
    buf_clear(&b);
    tx_unref(stripped);
    tx_unref(tx);
}

static void refuses(const char *hex)
{
    struct tx *tx = parse(hex);

    if (tx)
        fail_msg("parsed: %s", hex);
}

static void refuses_bad_bytes(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    refuses("");
    refuses("01000000");
    refuses("0100000001");
    /* counts that the bytes do not bear, up to the largest */
    refuses("01000000feffffff01");
    refuses("01000000fe00000002");
    refuses("01000000ffffffffffffffffff");
    refuses("0100000000020000000000");
    /* a count not in its shortest form */
    refuses("01000000fd0000000000000000");
    /* superfluous witness record: flag set, all witnesses empty */
    refuses("01000000000101"
            "0000000000000000000000000000000000000000000000000000000000000000ffffffff00ffffffff"
            "0100000000000000000000"
            "00000000");
    /* unknown flag */
    refuses("01000000000301"
            "0000000000000000000000000000000000000000000000000000000000000000ffffffff00ffffffff"
            "01000000000000000000010100"
            "00000000");
    /* every truncation, and one byte too many */
    hex_into(&b, signed_hex);
    for (size_t len = 0; len < b.len; len++)
        assert_null(tx_parse(b.data, len));
    write_u8(&b, 0);
    assert_null(tx_parse(b.data, b.len));
    buf_clear(&b);
}

/* No inputs and no outputs: the only form with a zero behind the zero. */
static void parses_empty(void **state)
{
    struct tx *tx = parse("02000000000000000000");

    (void)state;
    assert_non_null(tx);
    assert_int_equal(tx->n_in, 0);
    assert_int_equal(tx->n_out, 0);
    assert_int_equal(tx->base_size, 10);
    tx_unref(tx);
}

static void hex_tries_both_forms(void **state)
{
    /* No inputs, one output, as a wallet is asked to fund: in BIP144's reading its count is a flag.
     */
    static const char no_inputs[] =
        "0200000000"
        "0100e1f505000000001600140000000000000000000000000000000000000000"
        "00000000";
    struct tx *tx;

    (void)state;
    assert_null(tx_parse_hex(no_inputs, false, true));
    tx = tx_parse_hex(no_inputs, true, true);
    assert_non_null(tx);
    assert_int_equal(tx->n_in, 0);
    assert_int_equal(tx->n_out, 1);
    assert_int_equal(tx->out[0].value, COIN);
    tx_unref(tx);
    tx = tx_parse_hex(signed_hex, true, true);
    assert_non_null(tx);
    assert_true(tx->has_witness);
    tx_unref(tx);
    assert_null(tx_parse_hex(signed_hex, true, false));
    assert_null(tx_parse_hex("01zz", true, true));
    assert_null(tx_parse_hex("010", true, true));
    assert_null(tx_parse_hex("", true, true));
}

static void builds(void **state)
{
    struct tx *tx = parse(unsigned_hex), *again;
    struct mtx m;

    (void)state;
    mtx_from_tx(&m, tx);
    again = mtx_finish(&m);
    assert_true(wtxid_eq(&tx->wtxid, &again->wtxid));
    assert_hex(again->raw.data, again->raw.len, unsigned_hex);
    tx_unref(again);

    /* scriptSig and witness make it the signed one */
    again = parse(signed_hex);
    write_span(&m.in[0].script_sig, again->in[0].script_sig);
    mtx_in_set_witness(&m.in[1], again->in[1].witness.items, again->in[1].witness.n);
    tx_unref(tx);
    tx = mtx_finish(&m);
    assert_true(wtxid_eq(&tx->wtxid, &again->wtxid));
    assert_int_equal(tx_weight(tx), tx_weight(again));
    assert_hex(tx->raw.data, tx->raw.len, signed_hex);
    tx_unref(again);
    mtx_clear(&m);

    mtx_from_tx(&m, tx);
    again = mtx_finish(&m);
    assert_true(wtxid_eq(&tx->wtxid, &again->wtxid));
    tx_unref(again);
    tx_unref(tx);
    mtx_clear(&m);
}

static void builds_in_order(void **state)
{
    static const struct outpoint prev = {{{7}}, 3};
    static const uint8_t script[3] = {1, 2, 3};
    struct mtx m;
    struct tx *tx;

    (void)state;
    mtx_init(&m);
    for (uint32_t i = 0; i < 9; i++)
        mtx_add_in(&m, &prev, i);
    for (int64_t i = 0; i < 9; i++)
        mtx_add_out(&m, i, span_of(script, (size_t)i % 4));
    mtx_insert_out(&m, 4, 100, span_of(script, 3));
    tx = mtx_finish(&m);
    assert_int_equal(tx->version, 2);
    assert_int_equal(tx->n_in, 9);
    assert_int_equal(tx->n_out, 10);
    for (uint32_t i = 0; i < 9; i++)
        assert_int_equal(tx->in[i].sequence, i);
    assert_int_equal(tx->out[3].value, 3);
    assert_int_equal(tx->out[4].value, 100);
    assert_int_equal(tx->out[5].value, 4);
    assert_int_equal(tx->out[9].value, 8);
    assert_int_equal(tx->out[8].script_pubkey.len, 3);
    tx_unref(tx);
    mtx_clear(&m);
}

/* Without inputs it has a form, which only the reader without witness takes. */
static void builds_without_inputs(void **state)
{
    struct mtx m;
    struct tx *tx, *again;
    struct reader r;

    (void)state;
    mtx_init(&m);
    mtx_add_out(&m, 5, span_of(NULL, 0));
    tx = mtx_finish(&m);
    assert_null(tx_parse(tx->raw.data, tx->raw.len));
    reader_init(&r, tx->raw.data, tx->raw.len);
    again = tx_read(&r, false);
    assert_non_null(again);
    assert_true(reader_done(&r));
    assert_true(txid_eq(&tx->txid, &again->txid));
    tx_unref(again);
    tx_unref(tx);
    mtx_clear(&m);
}

static void reads_in_sequence(void **state)
{
    struct buf b = BUF_INIT;
    struct reader r;
    struct tx *one, *two;

    (void)state;
    hex_into(&b, signed_hex);
    hex_into(&b, unsigned_hex);
    reader_init(&r, b.data, b.len);
    one = tx_read(&r, true);
    two = tx_read(&r, true);
    assert_non_null(one);
    assert_non_null(two);
    assert_true(reader_done(&r));
    assert_null(tx_read(&r, true));
    assert_false(reader_ok(&r));
    assert_ptr_equal(tx_ref(one), one);
    tx_unref(one);
    assert_int_equal(one->version, 1);
    tx_unref(one);
    tx_unref(two);
    buf_clear(&b);
}

static void knows_coinbase(void **state)
{
    struct tx *tx =
        parse("01000000010000000000000000000000000000000000000000000000000000000000000000"
              "ffffffff0704ffff001d0104ffffffff0100f2052a0100000043410496b538e853519c72"
              "6a2c91e61ec11600ae1390813a627c66fb8be7947be63c52da7589379515d4e0a604f8"
              "141781e62294721166bf621e73a82cbf2342c858eeac00000000");

    (void)state;
    assert_non_null(tx);
    assert_true(tx_is_coinbase(tx));
    assert_id(tx->txid.b, "0e3e2357e806b6cdb1f70b54c3a3a17b6714ee1f0e68bebb44a74b1efd512098");
    tx_unref(tx);
    tx = parse(signed_hex);
    assert_false(tx_is_coinbase(tx));
    tx_unref(tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_segwit),        cmocka_unit_test(strips_witness),
        cmocka_unit_test(refuses_bad_bytes),    cmocka_unit_test(parses_empty),
        cmocka_unit_test(hex_tries_both_forms), cmocka_unit_test(builds),
        cmocka_unit_test(builds_in_order),      cmocka_unit_test(builds_without_inputs),
        cmocka_unit_test(reads_in_sequence),    cmocka_unit_test(knows_coinbase),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
