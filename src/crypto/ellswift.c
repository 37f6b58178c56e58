/*
 * ElligatorSwift, the encoding of public keys of BIP324.
 *
 * An encoding is two field elements u and t. A rational map takes them to three candidates of which
 * at least one is the x coordinate of a point; the first that is counts. The inverse solves for t,
 * given x and a random u: there are eight kinds of solutions, each of which may not exist, so u and
 * the kind are drawn until one does.
 *
 * This is arithmetic modulo p = 2^256 - 2^32 - 977, on four 64-bit limbs that are always fully
 * reduced. It works on public data only (an encoding is sent in the clear), so its time may depend
 * on it; the multiplication with the secret key is libsecp256k1's. Rejected: OpenSSL's big numbers,
 * which do the same with an allocation and an error to look at for every sum; and libsecp256k1's
 * own ElligatorSwift, which the version of Debian 12 lacks.
 */
#include "crypto/ellswift.h"

#include <secp256k1.h>
#include <secp256k1_ecdh.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "util/random.h"

/* ---- the field ---- */

typedef unsigned __int128 u128;

struct fe {
    uint64_t w[4]; /* least significant first, below p */
};

#define FOLD UINT64_C(0x1000003d1) /* 2^256 modulo p */

static const struct fe prime = {{UINT64_C(0xfffffffefffffc2f), UINT64_MAX, UINT64_MAX, UINT64_MAX}};
static const struct fe one = {{1}}, seven = {{7}};
static const struct fe root3 = {{UINT64_C(0x7d8d27ae1cd5f852), UINT64_C(0xc61f6d15da14ecd4),
                                 UINT64_C(0x233770c2a797962c), UINT64_C(0x0a2d2ba93507f1df)}};

/* a + carry * 2^256, less p where that is not negative. */
static struct fe reduce_once(struct fe a, uint64_t carry)
{
    struct fe r;
    uint64_t borrow = 0;

    for (int i = 0; i < 4; i++) {
        u128 d = (u128)a.w[i] - prime.w[i] - borrow;

        r.w[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return carry >= borrow ? r : a;
}

static struct fe fe_add(struct fe a, struct fe b)
{
    struct fe r;
    u128 sum = 0;

    for (int i = 0; i < 4; i++) {
        sum += (u128)a.w[i] + b.w[i];
        r.w[i] = (uint64_t)sum;
        sum >>= 64;
    }
    return reduce_once(r, (uint64_t)sum);
}

static struct fe fe_negate(struct fe a)
{
    struct fe r;
    uint64_t borrow = 0;

    for (int i = 0; i < 4; i++) {
        u128 d = (u128)prime.w[i] - a.w[i] - borrow;

        r.w[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return reduce_once(r, 0);
}

static struct fe fe_sub(struct fe a, struct fe b)
{
    return fe_add(a, fe_negate(b));
}

/* The 512-bit product, folded twice: what is above 2^256 counts FOLD times. */
static struct fe fe_mul(struct fe a, struct fe b)
{
    uint64_t wide[8] = {0};
    struct fe r;
    u128 sum;

    for (int i = 0; i < 4; i++) {
        u128 carry = 0;

        for (int k = 0; k < 4; k++) {
            carry += (u128)a.w[i] * b.w[k] + wide[i + k];
            wide[i + k] = (uint64_t)carry;
            carry >>= 64;
        }
        wide[i + 4] = (uint64_t)carry;
    }
    sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (u128)wide[i + 4] * FOLD + wide[i];
        r.w[i] = (uint64_t)sum;
        sum >>= 64;
    }
    sum *= FOLD;
    for (int i = 0; i < 4; i++) {
        sum += r.w[i];
        r.w[i] = (uint64_t)sum;
        sum >>= 64;
    }
    return reduce_once(r, (uint64_t)sum);
}

static bool fe_eq(struct fe a, struct fe b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static bool fe_is_zero(struct fe a)
{
    return (a.w[0] | a.w[1] | a.w[2] | a.w[3]) == 0;
}

static struct fe fe_pow(struct fe a, struct fe exponent)
{
    struct fe r = one;

    for (int i = 255; i >= 0; i--) {
        r = fe_mul(r, r);
        if (exponent.w[i / 64] >> (i % 64) & 1)
            r = fe_mul(r, a);
    }
    return r;
}

static struct fe fe_invert(struct fe a) /* of 0: 0 */
{
    static const struct fe minus_two = {
        {UINT64_C(0xfffffffefffffc2d), UINT64_MAX, UINT64_MAX, UINT64_MAX}};

    return fe_pow(a, minus_two);
}

/* A root; false where there is none. */
static bool fe_sqrt(struct fe *out, struct fe a)
{
    static const struct fe quarter = {
        /* (p + 1) / 4 */
        {UINT64_C(0xffffffffbfffff0c), UINT64_MAX, UINT64_MAX, UINT64_MAX >> 2}};

    *out = fe_pow(a, quarter);
    return fe_eq(fe_mul(*out, *out), a);
}

static struct fe fe_half(struct fe a)
{
    static const struct fe half = {
        /* 1 / 2 */
        {UINT64_C(0xffffffff7ffffe18), UINT64_MAX, UINT64_MAX, UINT64_MAX >> 1}};

    return fe_mul(a, half);
}

static struct fe fe_read(const uint8_t in[32])
{
    struct fe r;

    for (int i = 0; i < 4; i++)
        r.w[i] = get_be64(in + 24 - 8 * i);
    return reduce_once(r, 0);
}

static void fe_write(uint8_t out[32], struct fe a)
{
    for (int i = 0; i < 4; i++)
        put_be64(out + 24 - 8 * i, a.w[i]);
}

/* x^3 + 7 */
static struct fe curve(struct fe x)
{
    return fe_add(fe_mul(fe_mul(x, x), x), seven);
}

static bool is_x(struct fe x)
{
    struct fe y;

    return fe_sqrt(&y, curve(x));
}

/* ---- the map ---- */

static struct fe decode(struct fe u, struct fe t)
{
    struct fe x, y, t2, ratio;

    if (fe_is_zero(u))
        u = one;
    if (fe_is_zero(t))
        t = one;
    t2 = fe_mul(t, t);
    if (fe_is_zero(fe_add(curve(u), t2))) {
        t = fe_add(t, t);
        t2 = fe_mul(t, t);
    }
    x = fe_mul(fe_sub(curve(u), t2), fe_invert(fe_add(t, t)));
    y = fe_mul(fe_add(x, t), fe_invert(fe_mul(root3, u)));
    ratio = fe_mul(x, fe_invert(y));
    t2 = fe_add(y, y);
    t = fe_add(u, fe_mul(t2, t2));
    if (is_x(t))
        return t;
    t = fe_half(fe_negate(fe_add(ratio, u)));
    return is_x(t) ? t : fe_half(fe_sub(ratio, u));
}

/* The s and v of a kind of solution; false where there are none. */
static bool solve(struct fe *s, struct fe *v, struct fe x, struct fe u, unsigned which)
{
    struct fe g = curve(u), u2 = fe_mul(u, u), r, four_g;

    if (!(which & 2)) {
        if (is_x(fe_negate(fe_add(x, u))))
            return false;
        *v = x;
        r = fe_add(fe_add(u2, fe_mul(u, x)), fe_mul(x, x));
        *s = fe_negate(fe_mul(g, fe_invert(r)));
        return true;
    }
    *s = fe_sub(x, u);
    if (fe_is_zero(*s))
        return false;
    four_g = fe_add(fe_add(g, g), fe_add(g, g));
    r = fe_mul(*s, u2);
    r = fe_add(four_g, fe_add(fe_add(r, r), r));
    if (!fe_sqrt(&r, fe_negate(fe_mul(*s, r))) || ((which & 1) && fe_is_zero(r)))
        return false;
    *v = fe_half(fe_sub(fe_mul(r, fe_invert(*s)), u));
    return true;
}

static bool inverse(struct fe *t, struct fe x, struct fe u, unsigned which)
{
    struct fe s, v, w, c;

    if (!solve(&s, &v, x, u, which) || !fe_sqrt(&w, s))
        return false;
    c = which & 1 ? fe_add(one, root3) : fe_sub(one, root3);
    *t = fe_mul(w, fe_add(fe_half(fe_mul(u, c)), v));
    if ((which & 5) == 0 || (which & 5) == 5)
        *t = fe_negate(*t);
    return true;
}

/* ---- bytes ---- */

void ellswift_decode(uint8_t x[32], const uint8_t in[64])
{
    fe_write(x, decode(fe_read(in), fe_read(in + 32)));
}

bool ellswift_inverse(uint8_t t[32], const uint8_t x[32], const uint8_t u[32], unsigned which)
{
    struct fe out;

    if (!inverse(&out, fe_read(x), fe_read(u), which))
        return false;
    fe_write(t, out);
    return true;
}

void ellswift_create(uint8_t out[64], const struct seckey *key)
{
    struct pubkey pk;
    struct fe x, u, t;
    uint8_t kind;

    CHECK(seckey_pubkey(&pk, key));
    x = fe_read(pk.data + 1);
    do {
        random_bytes(out, 32);
        random_bytes(&kind, 1);
        u = fe_read(out);
    } while (fe_is_zero(u) || !inverse(&t, x, u, kind & 7));
    fe_write(out, u);
    fe_write(out + 32, t);
}

/* Only the x coordinate, as it is. */
static int take_x(unsigned char *out, const unsigned char *x, const unsigned char *y, void *data)
{
    (void)y;
    (void)data;
    memcpy(out, x, 32);
    return 1;
}

bool ellswift_ecdh(uint8_t out[32], const uint8_t ours[64], const uint8_t theirs[64],
                   const struct seckey *key, bool initiating)
{
    secp256k1_pubkey point;
    struct sha256 h;
    uint8_t x[33] = {2}, shared[32];

    ellswift_decode(x + 1, theirs);
    if (!secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, x, sizeof(x)) ||
        !secp256k1_ecdh(secp256k1_context_static, shared, &point, key->b, take_x, NULL))
        return false;
    sha256_init_tagged(&h, "bip324_ellswift_xonly_ecdh");
    sha256_write(&h, initiating ? ours : theirs, 64);
    sha256_write(&h, initiating ? theirs : ours, 64);
    sha256_write(&h, shared, 32);
    sha256_final(&h, out);
    wipe(shared, sizeof(shared));
    wipe(&h, sizeof(h));
    return true;
}
