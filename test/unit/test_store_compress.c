/* Compressed amounts, scripts and coins; undo data. */
#include "script/script.h"
#include "store/blockfile.h"
#include "store/coins.h"
#include "unit.h"

static void test_amounts(void **state)
{
    /* X(amount, compressed) as the format's other implementations have them */
    static const struct {
        uint64_t v, c;
    } known[] = {{0, 0x0},         {1, 0x1},           {1000000, 0x7},
                 {100000000, 0x9}, {5000000000, 0x32}, {2100000000000000, 0x1406f40}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        assert_int_equal(amount_compress(known[i].v), known[i].c);
        assert_int_equal(amount_decompress(known[i].c), known[i].v);
    }
    for (int i = 0; i < 100000; i++) {
        uint64_t v = test_rand() % MAX_MONEY;

        if (i % 3 == 0)
            v -= v % 100000;
        assert_int_equal(amount_decompress(amount_compress(v)), v);
        assert_int_equal(amount_compress(amount_decompress((uint64_t)i)), i);
    }
}

/* Serialised length, the coin read back, and that a cut anywhere is noticed. */
static void round_trip(const char *script_hex, size_t expect_script)
{
    struct buf script = BUF_INIT, out = BUF_INIT, memory = BUF_INIT;
    struct coin c = {.height = 203998, .coinbase = true}, back;
    struct reader r;

    assert_true(hex_read(&script, script_hex));
    c.out = (struct tx_out){6000000000, buf_span(&script)};
    coin_write(&out, &c);
    assert_int_equal(out.len, 3 + 1 + expect_script);
    reader_init(&r, out.data, out.len);
    assert_true(coin_read(&r, &back, &memory));
    assert_true(reader_done(&r));
    assert_int_equal(back.height, c.height);
    assert_true(back.coinbase);
    assert_int_equal(back.out.value, c.out.value);
    assert_true(span_eq(back.out.script_pubkey, c.out.script_pubkey));
    for (size_t cut = 0; cut < out.len; cut++) {
        reader_init(&r, out.data, cut);
        assert_false(coin_read(&r, &back, &memory));
    }
    buf_clear(&script);
    buf_clear(&out);
    buf_clear(&memory);
}

static void test_scripts(void **state)
{
    /* the generator as an uncompressed key, and a point with an odd y */
    const char *g = "4104"
                    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8ac";
    const char *odd = "4104"
                      "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                      "b7c52588d95c3b9aa25b0403f1eef75702e84bb7597aabe663b82f6f04ef2777ac";
    const char *off_curve = "4104"
                            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                            "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b9ac";

    (void)state;
    round_trip("76a914000102030405060708090a0b0c0d0e0f1011121388ac", 21);
    round_trip("a914000102030405060708090a0b0c0d0e0f1011121387", 21);
    round_trip("2102"
               "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac",
               33);
    round_trip("2103"
               "0000000000000000000000000000000000000000000000000000000000000005ac",
               33);
    round_trip(g, 33);
    round_trip(odd, 33);
    round_trip(off_curve, 1 + 67);
    round_trip("", 1);
    round_trip("0014000102030405060708090a0b0c0d0e0f10111213", 1 + 22);
    round_trip("76a914000102030405060708090a0b0c0d0e0f1011121388ad", 1 + 25);
}

/* A coin as Core's own tests spell it out. */
static void test_known_coins(void **state)
{
    struct buf bytes = BUF_INIT, memory = BUF_INIT;
    struct coin c;
    struct reader r;

    (void)state;
    assert_true(hex_read(&bytes, "97f23c835800816115944e077fe7c803cfa57f29b36bf87c1d35"));
    reader_init(&r, bytes.data, bytes.len);
    assert_true(coin_read(&r, &c, &memory));
    assert_int_equal(c.height, 203998);
    assert_false(c.coinbase);
    assert_int_equal(c.out.value, 60000000000);
    assert_hex(c.out.script_pubkey.data, c.out.script_pubkey.len,
               "76a914816115944e077fe7c803cfa57f29b36bf87c1d3588ac");
    buf_reset(&bytes);
    assert_true(hex_read(&bytes, "8ddf77bbd123008c988f1a4a4de2161e0f50aac7f17e7f9555caa4"));
    reader_init(&r, bytes.data, bytes.len);
    assert_true(coin_read(&r, &c, &memory));
    assert_int_equal(c.height, 120891);
    assert_true(c.coinbase);
    assert_int_equal(c.out.value, 110397);
    buf_reset(&bytes);
    assert_true(hex_read(&bytes, "000006"));
    reader_init(&r, bytes.data, bytes.len);
    assert_true(coin_read(&r, &c, &memory));
    assert_int_equal(c.height, 0);
    assert_int_equal(c.out.value, 0);
    assert_int_equal(c.out.script_pubkey.len, 0);
    /* a script longer than its bytes, and one longer than any memory */
    buf_reset(&bytes);
    assert_true(hex_read(&bytes, "000007"));
    reader_init(&r, bytes.data, bytes.len);
    assert_false(coin_read(&r, &c, &memory));
    buf_reset(&bytes);
    assert_true(hex_read(&bytes, "00008a95c0bb00"));
    reader_init(&r, bytes.data, bytes.len);
    assert_false(coin_read(&r, &c, &memory));
    /* an x that is on no curve point */
    buf_reset(&bytes);
    assert_true(
        hex_read(&bytes, "0000040000000000000000000000000000000000000000000000000000000000000005"));
    reader_init(&r, bytes.data, bytes.len);
    assert_false(coin_read(&r, &c, &memory));
    buf_clear(&bytes);
    buf_clear(&memory);
}

static void fill_undo(struct block_undo *u)
{
    for (uint32_t i = 0; i < u->n_tx; i++) {
        struct tx_undo *t = &u->tx[i];

        t->n = (uint32_t)(test_rand() % 5);
        t->coins = arena_calloc(&u->memory, t->n + 1, sizeof(*t->coins));
        for (uint32_t k = 0; k < t->n; k++) {
            uint8_t script[80];
            size_t len = test_rand() % sizeof(script);

            test_rand_bytes(script, len);
            t->coins[k] =
                (struct coin){.out = {(int64_t)(test_rand() % MAX_MONEY),
                                      span_of(arena_memdup(&u->memory, script, len), len)},
                              .height = (uint32_t)(test_rand() % 3 ? test_rand() % 1000000 : 0),
                              .coinbase = test_rand() & 1};
        }
    }
}

static void test_undo(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct block_undo *u = undo_create((uint32_t)(test_rand() % 6)), *back;
        struct buf a = BUF_INIT, b = BUF_INIT;

        fill_undo(u);
        undo_write(&a, u);
        back = undo_parse(buf_span(&a));
        assert_non_null(back);
        undo_write(&b, back);
        assert_true(span_eq(buf_span(&a), buf_span(&b)));
        undo_unref(back);
        for (size_t cut = 0; cut < a.len; cut++)
            assert_null(undo_parse(span_of(a.data, cut)));
        /* any bytes at all: parsed or not, but never read past the end */
        a.data[test_rand() % a.len] ^= (uint8_t)(1 + test_rand() % 255);
        undo_unref(undo_parse(buf_span(&a)));
        undo_unref(u);
        buf_clear(&a);
        buf_clear(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_known_coins),
        cmocka_unit_test(test_undo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
