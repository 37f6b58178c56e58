/*
 * MuHash3072: the hash of a set as a product in the integers modulo p = 2^3072 - 1103717.
 *
 * An element is the 3072-bit number that ChaCha20 makes of its SHA-256. Adding multiplies the
 * numerator, removing the denominator, and only muhash_final() divides: one modular inverse (by
 * OpenSSL, some hundred microseconds) for any number of elements.
 *
 * The numbers are 48 limbs of 64 bits. A product is split twice by Karatsuba's rule (nine products
 * of 12 limbs in place of sixteen); those are made column by column with a three-limb accumulator,
 * fully unrolled, since loops of 1 to 48 steps cost more in mispredicted ends than in arithmetic.
 * The upper half is folded in with 2^3072 = 1103717. Numbers stay below 2^3072, not below p: the
 * full reduction is left to the end, where equality matters.
 */
#include "crypto/muhash.h"

#include <string.h>

#include <openssl/bn.h>

#include "crypto/aes.h"
#include "crypto/hash.h"
#include "util/bytes.h"

enum { LIMBS = 48, BASE = 12, BYTES = 8 * LIMBS, FOLD = 1103717 };

typedef unsigned __int128 u128;

/* r[0..23] = a * b. The accumulator's 192 bits are room for 2^64 products. */
static void multiply_base(uint64_t r[2 * BASE], const uint64_t a[BASE], const uint64_t b[BASE])
{
    uint64_t low = 0, mid = 0, high = 0;
#pragma GCC unroll 32
    for (int k = 0; k < 2 * BASE - 1; k++) {
        int first = k < BASE ? 0 : k - BASE + 1;
        int last = k < BASE ? k : BASE - 1;
#pragma GCC unroll 32
        for (int i = first; i <= last; i++) {
            u128 product = (u128)a[i] * b[k - i];
            u128 sum = ((u128)mid << 64 | low) + product;
            high += sum < product;
            low = (uint64_t)sum;
            mid = (uint64_t)(sum >> 64);
        }
        r[k] = low;
        low = mid;
        mid = high;
        high = 0;
    }
    r[2 * BASE - 1] = low;
}

/* r += a; returns the carry. */
static uint64_t add_limbs(uint64_t *r, const uint64_t *a, int n)
{
    u128 carry = 0;
    for (int i = 0; i < n; i++) {
        carry += (u128)r[i] + a[i];
        r[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return (uint64_t)carry;
}

/* r = a - b; returns the borrow. */
static uint64_t subtract_limbs(uint64_t *r, const uint64_t *a, const uint64_t *b, int n)
{
    uint64_t borrow = 0;
    for (int i = 0; i < n; i++) {
        u128 d = (u128)a[i] - b[i] - borrow;
        r[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return borrow;
}

/* r = |a - b|; true where a < b. */
static bool difference(uint64_t *r, const uint64_t *a, const uint64_t *b, int n)
{
    bool less = subtract_limbs(r, a, b, n);
    if (less)
        subtract_limbs(r, b, a, n);
    return less;
}

/* r[0..2n-1] = a * b, n being 12, 24 or 48: with halves a = a0 + a1 X, b likewise, the middle is
 * a0 b0 + a1 b1 - (a0 - a1)(b0 - b1). */
static void multiply_wide(uint64_t *r, const uint64_t *a, const uint64_t *b, int n)
{
    if (n == BASE) {
        multiply_base(r, a, b);
        return;
    }
    uint64_t da[LIMBS / 2], db[LIMBS / 2], cross[LIMBS], middle[LIMBS];
    int h = n / 2;
    bool negative = difference(da, a, a + h, h) != difference(db, b, b + h, h);
    multiply_wide(r, a, b, h);
    multiply_wide(r + n, a + h, b + h, h);
    multiply_wide(cross, da, db, h);
    memcpy(middle, r, (size_t)n * sizeof(*r));
    uint64_t top = add_limbs(middle, r + n, n);
    if (negative)
        top += add_limbs(middle, cross, n);
    else
        top -= subtract_limbs(middle, middle, cross, n);
    top += add_limbs(r + h, middle, n);
    for (int i = n + h; top; i++)
        top = __builtin_add_overflow(r[i], top, &r[i]);
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
    multiply_wide(t, a, b, LIMBS);
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
