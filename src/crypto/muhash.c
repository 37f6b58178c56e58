/*
 * MuHash3072: the hash of a set as a product in the integers modulo p = 2^3072 - 1103717.
 *
 * An element is the 3072-bit number that ChaCha20 makes of its SHA-256. Adding multiplies the
 * numerator, removing the denominator, and only muhash_final() divides: one modular inverse (by
 * OpenSSL, some hundred microseconds) for any number of elements.
 *
 * The numbers are 48 limbs of 64 bits. A product is made column by column with a three-limb
 * accumulator, which compilers turn into a multiplication and three additions a step, and folded
 * with 2^3072 = 1103717. Numbers stay below 2^3072, not below p: the full reduction is left to the
 * end, where equality matters.
 */
#include "crypto/muhash.h"

#include <string.h>

#include <openssl/bn.h>

#include "crypto/aes.h"
#include "crypto/hash.h"
#include "util/bytes.h"

enum { LIMBS = 48, BYTES = 8 * LIMBS, FOLD = 1103717 };

typedef unsigned __int128 u128;

/* A sum of products: 192 bits are room for 2^64 of them. */
struct column {
    uint64_t low, mid, high;
};

static inline __attribute__((always_inline)) void column_add(struct column *c, uint64_t a,
                                                             uint64_t b)
{
    u128 product = (u128)a * b;
    u128 sum = ((u128)c->mid << 64 | c->low) + product;
    c->high += sum < product;
    c->low = (uint64_t)sum;
    c->mid = (uint64_t)(sum >> 64);
}

/* product[0..95] = a * b */
static void multiply_wide(uint64_t product[2 * LIMBS], const uint64_t a[LIMBS],
                          const uint64_t b[LIMBS])
{
    struct column c = {0, 0, 0};
    for (int k = 0; k < 2 * LIMBS - 1; k++) {
        int first = k < LIMBS ? 0 : k - LIMBS + 1;
        int last = k < LIMBS ? k : LIMBS - 1;
        for (int i = first; i <= last; i++)
            column_add(&c, a[i], b[k - i]);
        product[k] = c.low;
        c.low = c.mid;
        c.mid = c.high;
        c.high = 0;
    }
    product[2 * LIMBS - 1] = c.low;
}

/* Adds v to the number; returns the carry out of it. */
static uint64_t add_small(uint64_t x[LIMBS], uint64_t v)
{
    for (int i = 0; v && i < LIMBS; i++)
        v = __builtin_add_overflow(x[i], v, &x[i]);
    return v;
}

static void multiply(uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    uint64_t t[2 * LIMBS];
    multiply_wide(t, a, b);
    u128 carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (u128)t[LIMBS + i] * FOLD + t[i];
        a[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (add_small(a, (uint64_t)carry * FOLD))
        add_small(a, FOLD);
}

/* To the one form below p. */
static void reduce(uint64_t a[LIMBS])
{
    bool above = a[0] >= (uint64_t)-FOLD;
    for (int i = 1; i < LIMBS; i++)
        above = above && a[i] == UINT64_MAX;
    if (above)
        add_small(a, FOLD); /* and drop the carry: subtracts p */
}

static void invert(uint64_t a[LIMBS])
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = BN_new();
    CHECK(ctx && p && BN_set_bit(p, 3072) && BN_sub_word(p, FOLD));
    BIGNUM *x = BN_lebin2bn((const uint8_t *)a, BYTES, NULL);
    CHECK(x && BN_mod_inverse(x, x, p, ctx));
    CHECK(BN_bn2lebinpad(x, (uint8_t *)a, BYTES) == BYTES);
    BN_free(x);
    BN_free(p);
    BN_CTX_free(ctx);
}

static void set_one(uint64_t a[LIMBS])
{
    memset(a, 0, BYTES);
    a[0] = 1;
}

static void element(uint64_t out[LIMBS], const void *data, size_t len)
{
    uint8_t key[32];
    sha256(key, data, len);
    chacha20_keystream((uint8_t *)out, BYTES, key);
}

void muhash_init(struct muhash *m)
{
    set_one(m->num);
    set_one(m->den);
}

void muhash_add(struct muhash *m, const void *data, size_t len)
{
    uint64_t e[LIMBS];
    element(e, data, len);
    multiply(m->num, e);
}

void muhash_remove(struct muhash *m, const void *data, size_t len)
{
    uint64_t e[LIMBS];
    element(e, data, len);
    multiply(m->den, e);
}

void muhash_combine(struct muhash *m, const struct muhash *other)
{
    multiply(m->num, other->num);
    multiply(m->den, other->den);
}

/* A product of zero needs an element that is a multiple of p, which is a preimage nobody has; but
 * the two numbers are also read from disk, where anything may be written. */
static bool is_zero(const uint64_t a[LIMBS])
{
    uint64_t any = 0;
    for (int i = 0; i < LIMBS; i++)
        any |= a[i];
    return any == 0;
}

void muhash_final(struct muhash *m, uint8_t out[32])
{
    reduce(m->den);
    if (is_zero(m->den))
        set_one(m->den);
    invert(m->den);
    multiply(m->num, m->den);
    reduce(m->num);
    set_one(m->den);
    sha256(out, m->num, BYTES);
}

void muhash_write(const struct muhash *m, uint8_t out[768])
{
    memcpy(out, m->num, BYTES);
    memcpy(out + BYTES, m->den, BYTES);
}

void muhash_read(struct muhash *m, const uint8_t in[768])
{
    memcpy(m->num, in, BYTES);
    memcpy(m->den, in + BYTES, BYTES);
}
