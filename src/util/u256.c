/*
 * 256-bit unsigned integers: just what targets and chain work need.
 *
 * Division is Knuth's algorithm D in base 2^32, since every header's work is a quotient and a long
 * chain's index has a million of them; a bitwise division would take seconds of a start.
 */
#include "util/u256.h"

#include <string.h>

#include "util/bytes.h"

struct u256 u256_from_u64(uint64_t v)
{
    return (struct u256){{v, 0, 0, 0}};
}

struct u256 u256_from_le(const uint8_t b[32])
{
    struct u256 a;
    memcpy(a.w, b, 32);
    return a;
}

void u256_to_le(uint8_t b[32], struct u256 a)
{
    memcpy(b, a.w, 32);
}

bool u256_from_hex(struct u256 *out, const char *hex)
{
    size_t len = strnlen(hex, 65);
    if (len == 0 || len > 64)
        return false;
    char full[65];
    memset(full, '0', 64 - len);
    memcpy(full + 64 - len, hex, len + 1);
    uint8_t b[32];
    if (!hex_decode(b, 32, full))
        return false;
    for (int i = 0; i < 4; i++)
        out->w[i] = get_be64(b + 24 - 8 * i);
    return true;
}

char *u256_to_hex(char out[65], struct u256 a)
{
    uint8_t b[32];
    for (int i = 0; i < 4; i++)
        put_be64(b + 24 - 8 * i, a.w[i]);
    return hex_encode(out, b, 32);
}

int u256_cmp(struct u256 a, struct u256 b)
{
    for (int i = 3; i >= 0; i--) {
        if (a.w[i] != b.w[i])
            return a.w[i] < b.w[i] ? -1 : 1;
    }
    return 0;
}

bool u256_is_zero(struct u256 a)
{
    return (a.w[0] | a.w[1] | a.w[2] | a.w[3]) == 0;
}

struct u256 u256_add(struct u256 a, struct u256 b)
{
    unsigned __int128 sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (unsigned __int128)a.w[i] + b.w[i];
        a.w[i] = (uint64_t)sum;
        sum >>= 64;
    }
    return a;
}

struct u256 u256_not(struct u256 a)
{
    for (int i = 0; i < 4; i++)
        a.w[i] = ~a.w[i];
    return a;
}

struct u256 u256_sub(struct u256 a, struct u256 b)
{
    return u256_add(u256_add(a, u256_not(b)), u256_from_u64(1));
}

struct u256 u256_mul_u64(struct u256 a, uint64_t b)
{
    unsigned __int128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (unsigned __int128)a.w[i] * b;
        a.w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

struct u256 u256_shl(struct u256 a, unsigned n)
{
    struct u256 r = {{0}};
    for (unsigned i = n / 64, k = 0; i < 4; i++, k++) {
        r.w[i] = a.w[k] << n % 64;
        if (k > 0 && n % 64)
            r.w[i] |= a.w[k - 1] >> (64 - n % 64);
    }
    return r;
}

struct u256 u256_shr(struct u256 a, unsigned n)
{
    struct u256 r = {{0}};
    for (unsigned i = n / 64, k = 0; i < 4; i++, k++) {
        r.w[k] = a.w[i] >> n % 64;
        if (i < 3 && n % 64)
            r.w[k] |= a.w[i + 1] << (64 - n % 64);
    }
    return r;
}

unsigned u256_bits(struct u256 a)
{
    for (unsigned i = 4; i-- > 0;) {
        if (a.w[i])
            return 64 * i + 64 - (unsigned)__builtin_clzll(a.w[i]);
    }
    return 0;
}

/* One digit of the quotient: u[0..n] -= q * v[0..n-1], with Knuth's estimate of q, corrected. */
static uint32_t divide_step(uint32_t *u, const uint32_t *v, int n)
{
    uint64_t top = (uint64_t)u[n] << 32 | u[n - 1];
    uint64_t q = top / v[n - 1], rest = top % v[n - 1];
    while (q >> 32 || (n > 1 && q * v[n - 2] > (rest << 32 | u[n - 2]))) {
        q--;
        rest += v[n - 1];
        if (rest >> 32)
            break;
    }
    uint64_t carry = 0;
    int64_t borrow = 0;
    for (int i = 0; i <= n; i++) {
        carry += i < n ? q * v[i] : 0;
        borrow += (int64_t)u[i] - (int64_t)(uint32_t)carry;
        u[i] = (uint32_t)borrow;
        borrow >>= 32;
        carry >>= 32;
    }
    if (borrow < 0) { /* the estimate was one too large */
        q--;
        carry = 0;
        for (int i = 0; i <= n; i++) {
            carry += (uint64_t)u[i] + (i < n ? v[i] : 0);
            u[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    return (uint32_t)q;
}

struct u256 u256_div(struct u256 a, struct u256 b)
{
    CHECK(!u256_is_zero(b));
    int n = (int)(u256_bits(b) + 31) / 32;
    unsigned shift = (unsigned)n * 32 - u256_bits(b); /* brings b's highest bit to a limb's top */
    struct u256 vn = u256_shl(b, shift), un = u256_shl(a, shift);
    uint32_t v[8], u[9], q[8] = {0};
    memcpy(v, vn.w, 32);
    memcpy(u, un.w, 32);
    u[8] = shift ? (uint32_t)(a.w[3] >> (64 - shift)) : 0;
    for (int j = 8 - n; j >= 0; j--)
        q[j] = divide_step(u + j, v, n);
    struct u256 r;
    memcpy(r.w, q, 32);
    return r;
}

/* Summed in base 2^32 from the low end, as Bitcoin Core does: the last bit shows in some answers.
 */
double u256_to_double(struct u256 a)
{
    double sum = 0, unit = 1;
    for (int i = 0; i < 8; i++) {
        sum += unit * (double)(uint32_t)(a.w[i / 2] >> (i % 2 * 32));
        unit *= 4294967296.0;
    }
    return sum;
}
