/*
 * Readers, buffers, hex and arenas: round trips, and that no input, however hostile, is read past
 * its end (each input is copied to a malloc() of its exact size, so that ASan sees it).
 */

#include "unit.h"
#include "util/arena.h"

static void reader_of_hex(struct reader *r, struct buf *b, const char *hex)
{
    buf_reset(b);
    assert_true(hex_read(b, hex));
    reader_init(r, b->data, b->len);
}

static void fixed_width(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    write_u8(&b, 0xab);
    write_u16(&b, 0x1234);
    write_u32(&b, 0xdeadbeef);
    write_u64(&b, 0x0123456789abcdef);
    write_u16be(&b, 0x1234);
    write_u32be(&b, 0xdeadbeef);
    assert_hex(b.data, b.len, "ab3412efbeaddeefcdab89674523011234deadbeef");
    struct reader r;
    reader_init(&r, b.data, b.len);
    assert_int_equal(read_u8(&r), 0xab);
    assert_int_equal(read_u16(&r), 0x1234);
    assert_int_equal(read_u32(&r), 0xdeadbeef);
    assert_true(read_u64(&r) == 0x0123456789abcdef);
    assert_int_equal(read_u16be(&r), 0x1234);
    assert_false(reader_done(&r));
    assert_int_equal(read_u32be(&r), 0xdeadbeef);
    assert_true(reader_done(&r));
    buf_clear(&b);
}

static void signed_integers(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct reader r;
    reader_of_hex(&r, &b, "ffffffff0000000000000080");
    assert_int_equal(read_i32(&r), -1);
    assert_true(read_i64(&r) == INT64_MIN);
    assert_true(reader_done(&r));
    buf_clear(&b);
}

static void failure_is_sticky(void **state)
{
    (void)state;
    struct reader r;
    reader_init(&r, "\1\2\3", 3);
    assert_int_equal(read_u32(&r), 0);
    assert_false(reader_ok(&r));
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(read_u8(&r), 0);
    assert_int_equal(read_span(&r, 1).len, 0);
    assert_int_equal(read_span(&r, 0).len, 0);
    assert_false(reader_done(&r));
    uint8_t out[4] = {9, 9, 9, 9};
    read_bytes(&r, out, 4);
    assert_hex(out, 4, "00000000");
    reader_init(&r, NULL, 0);
    assert_true(reader_done(&r));
    assert_int_equal(read_span(&r, SIZE_MAX).len, 0);
    assert_false(reader_ok(&r));
}

static void compact_known(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *hex;
    } known[] = {{0, "00"},
                 {252, "fc"},
                 {253, "fdfd00"},
                 {0xffff, "fdffff"},
                 {0x10000, "fe00000100"},
                 {0xffffffff, "feffffffff"},
                 {0x100000000, "ff0000000001000000"},
                 {UINT64_MAX, "ffffffffffffffffff"}};
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        buf_reset(&b);
        write_compact(&b, known[i].value);
        assert_hex(b.data, b.len, known[i].hex);
        assert_int_equal(compact_size(known[i].value), b.len);
        struct reader r;
        reader_init(&r, b.data, b.len);
        assert_true(read_compact(&r, UINT64_MAX) == known[i].value);
        assert_true(reader_done(&r));
        if (known[i].value) {
            reader_init(&r, b.data, b.len);
            assert_true(read_compact(&r, known[i].value - 1) == 0);
            assert_false(reader_ok(&r));
        }
    }
    buf_clear(&b);
}

static void compact_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "fd",
                                      "fdfc00",
                                      "fd00",
                                      "fe00000000",
                                      "feffff0000",
                                      "fe000001",
                                      "ffffffffff00000000",
                                      "ff00000000010000",
                                      "ff"};
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct reader r;
        reader_of_hex(&r, &b, bad[i]);
        assert_true(read_compact(&r, UINT64_MAX) == 0);
        assert_false(reader_ok(&r));
    }
    buf_clear(&b);
}

static void varint_known(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *hex;
    } known[] = {{0, "00"},
                 {1, "01"},
                 {127, "7f"},
                 {128, "8000"},
                 {255, "807f"},
                 {256, "8100"},
                 {16383, "fe7f"},
                 {16384, "ff00"},
                 {16511, "ff7f"},
                 {65535, "82fe7f"},
                 {(uint64_t)1 << 32, "8efefeff00"},
                 {UINT64_MAX, "80fefefefefefefefe7f"}};
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        buf_reset(&b);
        write_varint(&b, known[i].value);
        assert_hex(b.data, b.len, known[i].hex);
        struct reader r;
        reader_init(&r, b.data, b.len);
        assert_true(read_varint(&r) == known[i].value);
        assert_true(reader_done(&r));
    }
    buf_clear(&b);
}

static void varint_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "80", "ffff", "80fefefefefefefeff00", "ffffffffffffffffffff", "80fefefefefefefefefe7f"};
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct reader r;
        reader_of_hex(&r, &b, bad[i]);
        assert_true(read_varint(&r) == 0);
        assert_false(reader_ok(&r));
    }
    buf_clear(&b);
}

static void numbers_round_trip(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    for (int i = 0; i < 20000; i++) {
        uint64_t v = test_rand() >> (test_rand() % 64);
        buf_reset(&b);
        write_compact(&b, v);
        write_varint(&b, v);
        struct reader r;
        reader_init(&r, b.data, b.len);
        assert_true(read_compact(&r, v) == v);
        assert_true(read_varint(&r) == v);
        assert_true(reader_done(&r));
    }
    buf_clear(&b);
}

static void hostile_lengths(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct reader r;
    reader_of_hex(&r, &b, "ffffffffffffffffff00");
    assert_int_equal(read_var_span(&r, SIZE_MAX).len, 0);
    assert_false(reader_ok(&r));
    reader_of_hex(&r, &b, "03aabb");
    assert_int_equal(read_var_span(&r, 100).len, 0);
    assert_false(reader_ok(&r));
    reader_of_hex(&r, &b, "03aabbcc");
    assert_int_equal(read_var_span(&r, 2).len, 0);
    assert_false(reader_ok(&r));
    reader_of_hex(&r, &b, "03aabbcc");
    assert_hex(read_var_span(&r, 3).data, 3, "aabbcc");
    assert_true(reader_done(&r));
    buf_clear(&b);
}

/* Random operations over random bytes: never past the end, and what failed once stays failed. */
static void random_reads(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t len = test_rand() % 40;
        uint8_t *data = xmalloc(len); /* its exact size */
        test_rand_bytes(data, len);
        struct reader r;
        reader_init(&r, data, len);
        uint8_t out[64];
        bool failed = false;
        for (int i = 0; i < 12; i++) {
            size_t before = reader_left(&r);
            switch (test_rand() % 7) {
            case 0: read_u8(&r); break;
            case 1: read_u64(&r); break;
            case 2: read_compact(&r, test_rand()); break;
            case 3: read_varint(&r); break;
            case 4: read_bytes(&r, out, test_rand() % 64); break;
            case 5: read_var_span(&r, test_rand() % 300); break;
            case 6: read_u32be(&r); break;
            }
            assert_true(reader_left(&r) <= before);
            assert_true(!failed || !reader_ok(&r));
            failed = !reader_ok(&r);
            assert_true(!failed || reader_left(&r) == 0);
        }
        free(data);
    }
}

static void buffers(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    write_bytes(&b, NULL, 0);
    write_span(&b, (struct span){NULL, 0});
    assert_null(b.data);
    write_var_span(&b, span_of("abc", 3));
    write_printf(&b, "%d-%s", 42, "x");
    assert_hex(b.data, b.len, "0361626334322d78");
    buf_reset(&b);
    for (int i = 0; i < 100000; i++)
        write_u8(&b, (uint8_t)i);
    assert_int_equal(b.len, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], (uint8_t)i);
    size_t len;
    uint8_t *taken = buf_take(&b, &len);
    assert_int_equal(len, 100000);
    assert_int_equal(b.len, 0);
    assert_null(b.data);
    free(taken);
    assert_true(span_eq(buf_span(&b), span_of("x", 0)));
    assert_false(span_eq(span_of("ab", 2), span_of("ac", 2)));
}

static void hex(void **state)
{
    (void)state;
    uint8_t out[4];
    assert_true(hex_decode(out, 4, "00ffAb1C"));
    assert_hex(out, 4, "00ffab1c");
    static const char *const bad[] = {"00ffab1", "00ffab1c0", "00ffab1c00", "00ffabg0",
                                      "",        " 0ffab1c",  "0x00ffab",   "00ffab-1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(hex_decode(out, 4, bad[i]));
    assert_true(hex_decode(out, 0, ""));
    struct buf b = BUF_INIT;
    assert_true(hex_read(&b, ""));
    assert_true(hex_read(&b, "aB"));
    assert_false(hex_read(&b, "abc"));
    assert_false(hex_read(&b, "zz"));
    assert_hex(b.data, b.len, "ab");
    buf_clear(&b);
    assert_true(is_hex("00"));
    assert_false(is_hex(""));
    assert_false(is_hex("0"));
    assert_false(is_hex("0\xc3"));
}

static void arenas(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    uint8_t *pieces[300];
    size_t sizes[300];
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        sizes[i] = test_rand() % (i % 50 == 0 ? 100000 : 200);
        pieces[i] = arena_alloc(&a, sizes[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], (uint8_t)i);
    }
    uint8_t *zero = arena_calloc(&a, 10, 10);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zero[i], 0);
    assert_memory_equal(arena_memdup(&a, "hello", 6), "hello", 6);
    assert_true(a.total > 0);
    arena_clear(&a);
    assert_int_equal(a.total, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_width),
        cmocka_unit_test(signed_integers),
        cmocka_unit_test(failure_is_sticky),
        cmocka_unit_test(compact_known),
        cmocka_unit_test(compact_bad),
        cmocka_unit_test(varint_known),
        cmocka_unit_test(varint_bad),
        cmocka_unit_test(numbers_round_trip),
        cmocka_unit_test(hostile_lengths),
        cmocka_unit_test(random_reads),
        cmocka_unit_test(buffers),
        cmocka_unit_test(hex),
        cmocka_unit_test(arenas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
