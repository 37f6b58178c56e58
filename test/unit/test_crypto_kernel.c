/*
 * The SHA-256 kernels against plain hashing: the same first winner among random nonces, the same
 * count of tries, at every alignment and at the ends of the nonce's range; and pairs of hashes.
 */

#include "crypto/hash.h"
#include "crypto/sha256_kernel.h"
#include "unit.h"

/* The hash of a header with that nonce, most significant byte first. */
static void hash_with(uint8_t out[32], const uint8_t header[80], uint32_t nonce)
{
    uint8_t copy[80], hash[32];
    memcpy(copy, header, 80);
    put_le32(copy + 76, nonce);
    sha256d(hash, copy, 80);
    for (int i = 0; i < 32; i++)
        out[i] = hash[31 - i];
}

static void to_target(uint8_t target[32], const uint8_t number[32])
{
    for (int i = 0; i < 32; i++)
        target[i] = number[31 - i];
}

static const struct sha256_kernel *kernel_at(int i)
{
    const char *name = sha256_kernels()[i]->name;
    const struct sha256_kernel *k = sha256_kernel_find(name);
    if (!k)
        printf("%s is not usable here\n", name);
    return k;
}

static void genesis(void **state)
{
    (void)state;
    uint8_t header[80], target[32] = {0};
    assert_true(hex_decode(
        header, 80,
        "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27a"
        "c72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000"));
    target[26] = target[27] = 0xff;
    struct mining_job job;
    mining_job_init(&job, header, target);
    for (int i = 0; sha256_kernels()[i]; i++) {
        const struct sha256_kernel *k = kernel_at(i);
        for (uint32_t before = 0; k && before < 40; before++) {
            uint32_t nonce = 0, tried = 0;
            assert_true(k->scan(&job, 2083236893 - before, 200000, &nonce, &tried));
            assert_int_equal(nonce, 2083236893);
            assert_int_equal(tried, before + 1);
            if (before) {
                assert_false(k->scan(&job, 2083236893 - before, before, &nonce, &tried));
                assert_int_equal(tried, before);
            }
        }
    }
}

/* Targets that some, none, or exactly one of the nonces meets. */
static void random_jobs(void **state)
{
    (void)state;
    enum { MAX = 100 };
    for (int round = 0; round < 300; round++) {
        uint8_t header[80], hashes[MAX][32], target[32];
        uint32_t count = 1 + (uint32_t)(test_rand() % MAX), first = (uint32_t)test_rand();
        if (round % 5 == 0)
            first = UINT32_MAX - count + 1; /* up to the last nonce there is */
        if (round % 5 == 1)
            first = 0;
        test_rand_bytes(header, 80);
        uint32_t least = 0;
        for (uint32_t i = 0; i < count; i++) {
            hash_with(hashes[i], header, first + i);
            if (memcmp(hashes[i], hashes[least], 32) < 0)
                least = i;
        }
        uint8_t limit[32];
        switch (test_rand() % 4) {
        case 0: memcpy(limit, hashes[least], 32); break; /* equal wins */
        case 1:                                          /* one less than the least: none wins */
            memcpy(limit, hashes[least], 32);
            for (int i = 31; i >= 0 && limit[i]-- == 0; i--)
                continue;
            break;
        case 2: memcpy(limit, hashes[test_rand() % count], 32); break;
        case 3: test_rand_bytes(limit, 32); break;
        }
        uint32_t want = 0;
        while (want < count && memcmp(hashes[want], limit, 32) > 0)
            want++;
        to_target(target, limit);
        struct mining_job job;
        mining_job_init(&job, header, target);
        for (int i = 0; sha256_kernels()[i]; i++) {
            const struct sha256_kernel *k = sha256_kernel_find(sha256_kernels()[i]->name);
            if (!k)
                continue;
            uint32_t nonce = 0, tried = 0;
            bool found = k->scan(&job, first, count, &nonce, &tried);
            assert_int_equal(found, want < count);
            assert_int_equal(tried, found ? want + 1 : count);
            if (found)
                assert_int_equal(nonce, first + want);
        }
    }
}

static void midstates(void **state)
{
    (void)state;
    uint8_t zeros[80] = {0}, target[32] = {0};
    struct mining_job job;
    mining_job_init(&job, zeros, target);
    static const uint32_t want[] = {0xda5698be, 0x17b9b469, 0x62335799, 0x779fbeca,
                                    0x8ce5d491, 0xc0d26243, 0xbafef9ea, 0x1837a9d8};
    for (int i = 0; i < 8; i++)
        assert_int_equal(job.midstate[i], want[i]);
}

static void pairs(void **state)
{
    (void)state;
    for (int i = 0; sha256_kernels()[i]; i++) {
        const struct sha256_kernel *k = kernel_at(i);
        for (size_t n = 1; k && n < 70; n++) {
            uint8_t *in = xmalloc(64 * n), *out = xmalloc(32 * n), *want = xmalloc(32 * n);
            test_rand_bytes(in, 64 * n);
            for (size_t j = 0; j < n; j++)
                sha256d(want + 32 * j, in + 64 * j, 64);
            k->sha256d_64(out, in, n);
            assert_memory_equal(out, want, 32 * n);
            k->sha256d_64(in, in, n);
            assert_memory_equal(in, want, 32 * n);
            free(in);
            free(out);
            free(want);
        }
    }
}

static void choice(void **state)
{
    (void)state;
    const struct sha256_kernel *best = sha256_kernel_best();
    assert_non_null(best);
    assert_true(best->usable());
    assert_ptr_equal(best, sha256_kernel_best());
    assert_true(sha256_kernel_narrow()->lanes <= best->lanes);
    assert_non_null(sha256_kernel_find("portable"));
    assert_null(sha256_kernel_find("abacus"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genesis), cmocka_unit_test(random_jobs), cmocka_unit_test(midstates),
        cmocka_unit_test(pairs),   cmocka_unit_test(choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
