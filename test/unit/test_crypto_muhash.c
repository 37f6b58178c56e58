/* MuHash: Bitcoin Core's known value, and that a set's hash does not depend on how it came about.
 */

#include <openssl/bn.h>

#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/muhash.h"
#include "unit.h"

static void number(struct muhash *m, uint8_t n, bool add)
{
    uint8_t data[32] = {n};
    if (add)
        muhash_add(m, data, sizeof(data));
    else
        muhash_remove(m, data, sizeof(data));
}

/* As RPC prints it: the hash's bytes backwards. */
static void assert_final(struct muhash *m, const char *want)
{
    uint8_t hash[32], backwards[32];
    muhash_final(m, hash);
    for (int i = 0; i < 32; i++)
        backwards[i] = hash[31 - i];
    assert_hex(backwards, 32, want);
}

static void known(void **state)
{
    (void)state;
    struct muhash m;
    muhash_init(&m);
    number(&m, 0, true);
    number(&m, 1, true);
    number(&m, 2, false);
    assert_final(&m, "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863");
    /* The empty set, as gettxoutsetinfo gives it for a chain without coins. */
    muhash_init(&m);
    assert_final(&m, "dd5ad2a105c2d29495f577245c357409002329b9f4d6182c0af3dc2f462555c8");
}

static void any_order(void **state)
{
    (void)state;
    uint8_t first[32], hash[32];
    for (int round = 0; round < 6; round++) {
        struct muhash a, b;
        muhash_init(&a);
        muhash_init(&b);
        for (uint8_t i = 0; i < 20; i++) {
            uint8_t k = (uint8_t)((i * 7 + round * 3) % 20);
            struct muhash *half = test_rand() % 2 ? &a : &b;
            number(half, k, true);
            number(half, (uint8_t)(100 + i), true); /* comes and goes */
        }
        for (uint8_t i = 0; i < 20; i++)
            number(test_rand() % 2 ? &a : &b, (uint8_t)(100 + i), false);
        muhash_combine(&a, &b);
        uint8_t stored[768];
        muhash_write(&a, stored);
        muhash_read(&b, stored);
        muhash_final(&b, round ? hash : first);
        if (round)
            assert_memory_equal(hash, first, 32);
        /* What final() leaves may go on. */
        number(&b, 77, true);
        number(&b, 77, false);
        muhash_final(&b, hash);
        assert_memory_equal(hash, first, 32);
    }
}

static void to_nothing(void **state)
{
    (void)state;
    struct muhash m;
    uint8_t empty[32], hash[32];
    muhash_init(&m);
    muhash_final(&m, empty);
    for (uint8_t i = 0; i < 50; i++)
        number(&m, i, true);
    for (uint8_t i = 0; i < 50; i++)
        number(&m, (uint8_t)(49 - i), false);
    muhash_final(&m, hash);
    assert_memory_equal(hash, empty, 32);
}

/* The same product by OpenSSL's big numbers, also from the largest numbers that can be stored. */
static void against_openssl(void **state)
{
    (void)state;
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = BN_new();
    BN_set_bit(p, 3072);
    BN_sub_word(p, 1103717);
    for (int round = 0; round < 20; round++) {
        uint8_t stored[768], bytes[384], want[32], got[32];
        struct muhash m;
        test_rand_bytes(stored, sizeof(stored));
        if (round < 5)
            memset(stored, 0xff, 384);
        if (round == 4)
            memset(stored, 0xff, sizeof(stored));
        BIGNUM *num = BN_lebin2bn(stored, 384, NULL), *den = BN_lebin2bn(stored + 384, 384, NULL);
        muhash_read(&m, stored);
        for (int i = 0; i < round * 5; i++) {
            uint8_t data[100], key[32];
            size_t len = test_rand() % sizeof(data);
            test_rand_bytes(data, len);
            sha256(key, data, len);
            chacha20_keystream(bytes, 384, key);
            BIGNUM *e = BN_lebin2bn(bytes, 384, NULL);
            bool add = test_rand() % 2;
            if (add)
                muhash_add(&m, data, len);
            else
                muhash_remove(&m, data, len);
            BN_mod_mul(add ? num : den, add ? num : den, e, p, ctx);
            BN_free(e);
        }
        BN_mod_inverse(den, den, p, ctx);
        BN_mod_mul(num, num, den, p, ctx);
        assert_int_equal(BN_bn2lebinpad(num, bytes, 384), 384);
        sha256(want, bytes, 384);
        muhash_final(&m, got);
        assert_memory_equal(got, want, 32);
        BN_free(num);
        BN_free(den);
    }
    BN_free(p);
    BN_CTX_free(ctx);
}

/* Carries that run through all limbs: numbers just around 2^3072 and the modulus. */
static void edges(void **state)
{
    (void)state;
    static const uint32_t low[] = {0, 1, 2, 1103716, 1103717, 1103718, 2207434};
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = BN_new();
    BN_set_bit(p, 3072);
    BN_sub_word(p, 1103717);
    for (size_t i = 0; i < ARRAY_LEN(low) * ARRAY_LEN(low); i++) {
        struct muhash a, b;
        uint8_t stored[768] = {0}, bytes[384], want[32], got[32];
        stored[384] = 1;
        BIGNUM *x = BN_new(), *y = BN_new(); /* 2^3072 - 1 - low[..] */
        BN_set_bit(x, 3072);
        BN_set_bit(y, 3072);
        BN_sub_word(x, 1 + low[i / ARRAY_LEN(low)]);
        BN_sub_word(y, 1 + low[i % ARRAY_LEN(low)]);
        BN_bn2lebinpad(x, stored, 384);
        muhash_read(&a, stored);
        BN_bn2lebinpad(y, stored, 384);
        muhash_read(&b, stored);
        muhash_combine(&a, &b);
        muhash_final(&a, got);
        BN_mod_mul(x, x, y, p, ctx);
        BN_bn2lebinpad(x, bytes, 384);
        sha256(want, bytes, 384);
        assert_memory_equal(got, want, 32);
        BN_free(x);
        BN_free(y);
    }
    BN_free(p);
    BN_CTX_free(ctx);
}

/* A broken file may hold a zero, or the modulus: an answer, not a crash. */
static void zero_denominator(void **state)
{
    (void)state;
    uint8_t stored[768] = {1}, hash[32];
    struct muhash m;
    muhash_read(&m, stored);
    muhash_final(&m, hash);
    memset(stored + 384, 0xff, 384);
    put_le64(stored + 384, (uint64_t)-1103717);
    muhash_read(&m, stored);
    muhash_final(&m, hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),      cmocka_unit_test(any_order),
        cmocka_unit_test(to_nothing), cmocka_unit_test(against_openssl),
        cmocka_unit_test(edges),      cmocka_unit_test(zero_denominator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
