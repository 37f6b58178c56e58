/* 256-bit numbers against OpenSSL's, strings, names, random numbers, memory and time. */

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/bn.h>

#include "unit.h"
#include "util/time.h"
#include "util/u256.h"

static BIGNUM *to_bn(struct u256 a)
{
    uint8_t b[32];
    u256_to_le(b, a);
    return BN_lebin2bn(b, 32, NULL);
}

static void assert_bn(struct u256 a, BIGNUM *want)
{
    uint8_t b[32], w[32];
    BN_mask_bits(want, 256);
    assert_int_equal(BN_bn2lebinpad(want, w, 32), 32);
    u256_to_le(b, a);
    assert_memory_equal(b, w, 32);
    BN_free(want);
}

/* Numbers of all sizes, with long runs of zeros and ones: where carries and estimates go wrong. */
static struct u256 any(void)
{
    struct u256 a;
    for (int i = 0; i < 4; i++) {
        uint64_t v = test_rand();
        a.w[i] = v % 4 == 0 ? 0 : v % 4 == 1 ? UINT64_MAX : test_rand();
    }
    a = u256_shr(a, test_rand() % 256);
    return test_rand() % 8 ? a : u256_shl(u256_not(a), test_rand() % 256);
}

static void against_openssl(void **state)
{
    (void)state;
    BN_CTX *ctx = BN_CTX_new();
    for (int i = 0; i < 20000; i++) {
        struct u256 a = any(), b = any();
        uint64_t m = test_rand() >> (test_rand() % 64);
        unsigned n = test_rand() % 256;
        BIGNUM *x = to_bn(a), *y = to_bn(b), *r;
        assert_int_equal(u256_cmp(a, b), BN_cmp(x, y));
        assert_int_equal(u256_bits(a), BN_num_bits(x));
        assert_int_equal(u256_is_zero(a), BN_is_zero(x));
        r = BN_new();
        BN_add(r, x, y);
        assert_bn(u256_add(a, b), r);
        r = BN_new();
        BN_set_bit(r, 256);
        BN_add(r, r, x);
        BN_sub(r, r, y);
        assert_bn(u256_sub(a, b), r);
        r = BN_dup(x);
        BN_mul_word(r, m);
        assert_bn(u256_mul_u64(a, m), r);
        r = BN_new();
        BN_lshift(r, x, (int)n);
        assert_bn(u256_shl(a, n), r);
        r = BN_new();
        BN_rshift(r, x, (int)n);
        assert_bn(u256_shr(a, n), r);
        if (!u256_is_zero(b)) {
            r = BN_new();
            BN_div(r, NULL, x, y, ctx);
            assert_bn(u256_div(a, b), r);
        }
        BN_free(x);
        BN_free(y);
    }
    BN_CTX_free(ctx);
}

static void u256_edges(void **state)
{
    (void)state;
    struct u256 zero = u256_from_u64(0), one = u256_from_u64(1), max = u256_not(zero);
    assert_true(u256_is_zero(u256_add(max, one)));
    assert_int_equal(u256_cmp(u256_sub(zero, one), max), 0);
    assert_int_equal(u256_cmp(u256_div(max, max), one), 0);
    assert_int_equal(u256_cmp(u256_div(max, one), max), 0);
    assert_true(u256_is_zero(u256_div(one, max)));
    assert_true(u256_is_zero(u256_shl(max, 256)));
    assert_true(u256_is_zero(u256_shr(max, 300)));
    assert_int_equal(u256_bits(zero), 0);
    /* The work of a block at the easiest target: 2^256 / (target + 1) = 4295032833. */
    struct u256 target;
    assert_true(u256_from_hex(&target, "ffff0000000000000000000000000000000000000000000000000000"));
    struct u256 work = u256_div(u256_not(target), u256_add(target, one));
    assert_int_equal(u256_add(work, one).w[0], 4295032833);
    assert_true(u256_to_double(u256_from_u64(1u << 31)) == 0x1p31);
    assert_true(u256_to_double(u256_shl(one, 255)) == 0x1p255);
}

static void u256_hex(void **state)
{
    (void)state;
    struct u256 a;
    char text[65];
    assert_true(u256_from_hex(&a, "1"));
    assert_int_equal(a.w[0], 1);
    assert_true(
        u256_from_hex(&a, "0123456789abcdefFEDCBA98765432100000000000000000000000000000000a"));
    assert_string_equal(u256_to_hex(text, a),
                        "0123456789abcdeffedcba98765432100000000000000000000000000000000a");
    assert_false(u256_from_hex(&a, ""));
    assert_false(u256_from_hex(&a, "0x1"));
    assert_false(u256_from_hex(&a, "1g"));
    assert_false(
        u256_from_hex(&a, "00123456789abcdefFEDCBA98765432100000000000000000000000000000000a"));
}

static void numbers_from_text(void **state)
{
    (void)state;
    int64_t i;
    uint64_t u;
    uint32_t v;
    assert_true(parse_i64("-9223372036854775808", &i) && i == INT64_MIN);
    assert_true(parse_i64("9223372036854775807", &i) && i == INT64_MAX);
    assert_true(parse_i64("-0", &i) && i == 0);
    assert_true(parse_u64("18446744073709551615", &u) && u == UINT64_MAX);
    assert_true(parse_u64("007", &u) && u == 7);
    assert_true(parse_u32("4294967295", &v) && v == UINT32_MAX);
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "9223372036854775808",
                                      "--1",
                                      "1e3",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    for (size_t k = 0; k < ARRAY_LEN(bad); k++)
        assert_false(parse_i64(bad[k], &i));
    assert_false(parse_i64("-9223372036854775809", &i));
    assert_false(parse_u64("-1", &u));
    assert_false(parse_u64("18446744073709551616", &u));
    assert_false(parse_u32("4294967296", &v));
}

static void strings(void **state)
{
    (void)state;
    size_t n;
    char **parts = str_split("a,,bc,", ',', &n);
    assert_int_equal(n, 4);
    assert_string_equal(parts[0], "a");
    assert_string_equal(parts[1], "");
    assert_string_equal(parts[2], "bc");
    assert_string_equal(parts[3], "");
    assert_null(parts[4]);
    free(parts);
    parts = str_split("", ',', &n);
    assert_int_equal(n, 1);
    assert_string_equal(parts[0], "");
    free(parts);
    char text[] = " \t x y \r\n";
    assert_string_equal(str_trim(text), "x y");
    char blank[] = "  ";
    assert_string_equal(str_trim(blank), "");
    assert_true(starts_with("abc", "ab") && starts_with("abc", "") && !starts_with("ab", "abc"));
    assert_true(ends_with("abc", "bc") && ends_with("abc", "") && !ends_with("bc", "abc"));
    char *clean = sanitize("a\n\x1b[1m\xff\\", 8);
    assert_string_equal(clean, "a\\x0a\\x1b[1m\\xff\\");
    free(clean);
}

static void near_names(void **state)
{
    (void)state;
    assert_int_equal(edit_distance("", ""), 0);
    assert_int_equal(edit_distance("", "abc"), 3);
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    assert_int_equal(edit_distance("datadir", "datadri"), 1);
    assert_int_equal(edit_distance("ca", "abc"), 3);
    static const char *const names[] = {"datadir", "dbcache", "debug", "listen", "connect", "conf"};
    assert_string_equal(nearest_name("datdir", names, ARRAY_LEN(names)), "datadir");
    assert_string_equal(nearest_name("lisetn", names, ARRAY_LEN(names)), "listen");
    assert_string_equal(nearest_name("conn", names, ARRAY_LEN(names)), "conf");
    assert_null(nearest_name("rpcuser", names, ARRAY_LEN(names)));
    assert_null(nearest_name("", names, ARRAY_LEN(names)));
    assert_null(nearest_name("x", names, 0));
    for (int i = 0; i < 500; i++) { /* symmetric; bounded by the longer length */
        char a[12] = {0}, b[12] = {0};
        for (size_t k = test_rand() % 11; k-- > 0;)
            a[k] = (char)('a' + test_rand() % 3);
        for (size_t k = test_rand() % 11; k-- > 0;)
            b[k] = (char)('a' + test_rand() % 3);
        unsigned d = edit_distance(a, b);
        assert_int_equal(d, edit_distance(b, a));
        assert_true(d <= (strlen(a) > strlen(b) ? strlen(a) : strlen(b)));
        assert_int_equal(d == 0, strcmp(a, b) == 0);
    }
}

static void random_numbers(void **state)
{
    (void)state;
    uint64_t seen[3] = {0};
    for (int i = 0; i < 30000; i++)
        seen[random_below(3)]++;
    for (int i = 0; i < 3; i++)
        assert_in_range(seen[i], 9000, 11000);
    assert_int_equal(random_below(1), 0);
    uint8_t big[2000] = {0}, zero[32] = {0};
    random_bytes(big, sizeof(big));
    assert_memory_not_equal(big, zero, 32);
    assert_memory_not_equal(big + sizeof(big) - 32, zero, 32);
    double sum = 0;
    for (int i = 0; i < 20000; i++) {
        int64_t v = random_exp_us(1000);
        assert_true(v >= 0);
        sum += (double)v;
    }
    assert_in_range((int)(sum / 20000), 950, 1050);
}

/* A child that repeated its parent's numbers would repeat its parent's keys. */
static void random_after_fork(void **state)
{
    (void)state;
    uint64_t mine, its = 0;
    random_u64(); /* so that there is a buffer to inherit */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        uint64_t v = random_u64();
        _exit(write(ends[1], &v, sizeof(v)) != sizeof(v));
    }
    mine = random_u64();
    assert_int_equal(read(ends[0], &its, sizeof(its)), sizeof(its));
    assert_true(its != mine);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(ends[0]);
    close(ends[1]);
}

static void secrets(void **state)
{
    (void)state;
    enum { N = 4000 };
    uint8_t **all = xcalloc(N, sizeof(*all));
    size_t *sizes = xcalloc(N, sizeof(*sizes));
    struct secret_stats before, full, after;
    secret_stats(&before);
    for (size_t i = 0; i < N; i++) {
        sizes[i] = i == 100 ? 200000 : test_rand() % 200;
        all[i] = secret_alloc(sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++) /* fresh and wiped memory is zero */
            assert_int_equal(all[i][k], 0);
        memset(all[i], (int)i | 1, sizes[i]);
        if (i % 3 == 0) {
            size_t j = test_rand() % (i + 1);
            secret_free(all[j], sizes[j]);
            all[j] = NULL;
        }
    }
    secret_stats(&full);
    assert_true(full.used > before.used + N * 32 && full.used <= full.total);
    assert_true(full.locked <= full.total && full.chunks_used > 0);
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; all[i] && k < sizes[i]; k++)
            assert_int_equal(all[i][k], (uint8_t)(i | 1));
        secret_free(all[i], sizes[i]);
    }
    secret_stats(&after);
    assert_true(after.used >= before.used && after.used < full.used / 2);
    free(all);
    free(sizes);
}

static void memory(void **state)
{
    (void)state;
    size_t cap = 0;
    int *p = NULL;
    for (size_t i = 0; i < 1000; i++) {
        p = array_reserve(p, &cap, i + 1, sizeof(*p));
        assert_true(cap > i);
        p[i] = (int)i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p[i], i);
    assert_true(cap < 2100);
    free(p);
    char *s = xasprintf("%s %d", "a", 1), *t = xstrndup("abcdef", 3), *u = xstrndup("a", 9);
    assert_string_equal(s, "a 1");
    assert_string_equal(t, "abc");
    assert_string_equal(u, "a");
    free(s);
    free(t);
    free(u);
}

/* What must abort is tried in a child. */
static bool aborts(void (*what)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        what();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
static void overflow(void)
{
    volatile size_t n = SIZE_MAX / 2;
    free(xreallocarray(NULL, n, 3));
}
static void divide_by_zero(void)
{
    u256_div(u256_from_u64(1), u256_from_u64(0));
}
static void double_free(void)
{
    void *p = secret_alloc(32), *q = secret_alloc(32);
    secret_free(p, 32);
    secret_free(p, 32);
    secret_free(q, 32);
}
static void aborting(void **state)
{
    (void)state;
    assert_true(aborts(overflow));
    assert_true(aborts(divide_by_zero));
    assert_true(aborts(double_free));
}

static void times(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(time_iso8601(text, 0), "1970-01-01T00:00:00Z");
    assert_string_equal(time_iso8601(text, 1231006505), "2009-01-03T18:15:05Z");
    assert_string_equal(time_iso8601(text, 951782400), "2000-02-29T00:00:00Z");
    assert_string_equal(time_iso8601(text, 4294967295), "2106-02-07T06:28:15Z");
    assert_string_equal(time_iso8601(text, -1), "1969-12-31T23:59:59Z");
    for (int i = 0; i < 2000; i++) {
        int64_t t = (int64_t)(test_rand() % 253402300800);
        struct tm tm;
        time_t tt = (time_t)t;
        char want[32];
        gmtime_r(&tt, &tm);
        strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
        assert_string_equal(time_iso8601(text, t), want);
    }
    int64_t before = time_mono_us();
    time_set_mock(1000);
    assert_int_equal(time_now(), 1000);
    assert_int_equal(time_now_us(), 1000000000);
    assert_int_equal(time_get_mock(), 1000);
    assert_true(time_system() > 1700000000);
    time_set_mock(0);
    assert_true(time_now() > 1700000000);
    assert_true(time_mono_us() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_openssl), cmocka_unit_test(u256_edges),
        cmocka_unit_test(u256_hex),        cmocka_unit_test(numbers_from_text),
        cmocka_unit_test(strings),         cmocka_unit_test(near_names),
        cmocka_unit_test(random_numbers),  cmocka_unit_test(random_after_fork),
        cmocka_unit_test(secrets),         cmocka_unit_test(memory),
        cmocka_unit_test(aborting),        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
