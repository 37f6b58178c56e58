/* What every unit test needs: cmocka, the shared vectors, random numbers whose seed is printed. */
#ifndef MITE_TEST_UNIT_H
#define MITE_TEST_UNIT_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/bytes.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/str.h"

/* Appends a file of ../shared ("vectors/siphash.json"). Skips the running test where the shared
 * data is not there. */
static inline void shared_append(const char *name, struct buf *b)
{
    const char *dir = getenv("MITE_SHARED");
    char *path = path_join(dir ? dir : "../shared", name);
    if (!path_exists(path)) {
        printf("vectors not found: %s, test skipped\n", path);
        free(path);
        skip();
    }
    bool ok = file_read(path, b, (size_t)1 << 30);
    free(path);
    assert_true(ok);
}

/* The same as text, in memory that the caller frees. */
static inline char *shared_read(const char *name)
{
    struct buf b = BUF_INIT;
    shared_append(name, &b);
    write_u8(&b, 0);
    return (char *)buf_take(&b, NULL);
}

/* Test randomness: splitmix64 from MITE_TEST_SEED, or from a random seed, which is printed. */
static inline uint64_t test_rand(void)
{
    static uint64_t state;
    static bool seeded;
    if (!seeded) {
        const char *given = getenv("MITE_TEST_SEED");
        if (!given || !parse_u64(given, &state))
            state = random_u64();
        printf("MITE_TEST_SEED=%llu\n", (unsigned long long)state);
        seeded = true;
    }
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline void test_rand_bytes(void *out, size_t len)
{
    uint8_t *p = out;
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)test_rand();
}

/* A fresh folder; the caller removes it with temp_dir_remove(), which frees the name too. */
static inline char *temp_dir(void)
{
    const char *base = getenv("TMPDIR");
    char *path = xasprintf("%s/mite-unit-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}
static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}
static inline void temp_dir_remove(char *path)
{
    assert_int_equal(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(path);
}

static inline void assert_hex(const void *data, size_t len, const char *hex)
{
    char *got = hex_dup(data, len);
    assert_string_equal(got, hex);
    free(got);
}

#endif
