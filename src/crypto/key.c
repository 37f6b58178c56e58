/*
 * Keys and signatures over libsecp256k1.
 *
 * Verification goes through the library's constant context and keeps no state at all. Signing needs
 * a context that was blinded with random bytes; it is made at first use and published by one
 * compare-and-swap, so two threads that come first at once make one too many and nothing worse.
 *
 * The one thing of our own is the reading of ECDSA signatures. Until BIP66, a signature was
 * whatever OpenSSL of its day took for DER: lengths in forms too long, a length of the sequence
 * that is wrong, bytes left at the end, negative numbers. Such signatures are in old blocks, so
 * they are read here as generously as that. Where the numbers are readable but too large to be
 * right, the signature counts as read, and fails when it is verified.
 */
#include "crypto/key.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "util/random.h"

/* ---- public keys ---- */

bool pubkey_from_bytes(struct pubkey *out, const uint8_t *data, size_t len)
{
    out->len = 0;
    if (len == 33 ? data[0] != 2 && data[0] != 3
                  : len != 65 || (data[0] != 4 && data[0] != 6 && data[0] != 7))
        return false;
    out->len = (uint8_t)len;
    memcpy(out->data, data, len);
    return true;
}

static bool parse(secp256k1_pubkey *out, const struct pubkey *pk)
{
    return pk->len != 0 &&
           secp256k1_ec_pubkey_parse(secp256k1_context_static, out, pk->data, pk->len);
}

static void serialize(struct pubkey *out, const secp256k1_pubkey *pk, bool compressed)
{
    size_t len = compressed ? 33 : 65;
    CHECK(secp256k1_ec_pubkey_serialize(secp256k1_context_static, out->data, &len, pk,
                                        compressed ? SECP256K1_EC_COMPRESSED
                                                   : SECP256K1_EC_UNCOMPRESSED));
    out->len = (uint8_t)len;
}

bool pubkey_valid(const struct pubkey *pk)
{
    secp256k1_pubkey point;
    return parse(&point, pk);
}

bool pubkey_compressed(const struct pubkey *pk)
{
    return pk->len == 33;
}

bool pubkey_decompress(struct pubkey *out, const struct pubkey *pk)
{
    secp256k1_pubkey point;
    if (!parse(&point, pk))
        return false;
    serialize(out, &point, false);
    return true;
}

bool pubkey_eq(const struct pubkey *a, const struct pubkey *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

void pubkey_id(const struct pubkey *pk, uint8_t out[20])
{
    hash160(out, pk->data, pk->len);
}

struct xonly pubkey_xonly(const struct pubkey *pk)
{
    struct xonly x;
    CHECK(pk->len >= 33);
    memcpy(x.b, pk->data + 1, 32);
    return x;
}

bool xonly_valid(const struct xonly *x)
{
    secp256k1_xonly_pubkey point;
    return secp256k1_xonly_pubkey_parse(secp256k1_context_static, &point, x->b);
}

bool pubkey_tweak_add(struct pubkey *out, const struct pubkey *pk, const uint8_t tweak[32])
{
    secp256k1_pubkey point;
    if (!parse(&point, pk) ||
        !secp256k1_ec_pubkey_tweak_add(secp256k1_context_static, &point, tweak))
        return false;
    serialize(out, &point, true);
    return true;
}

/* ---- ECDSA ---- */

/* The length of a DER element, in any form that encodes a number below 2^24. */
static size_t lax_length(struct reader *r)
{
    uint8_t first = read_u8(r);
    if (!(first & 0x80))
        return first;
    struct span s = read_span(r, first & 0x7f);
    size_t i = 0, len = 0;
    while (i < s.len && s.data[i] == 0)
        i++;
    if (s.len - i > 3)
        reader_fail(r);
    else
        for (; i < s.len; i++)
            len = len << 8 | s.data[i];
    return len;
}

/* An integer as 32 bytes, big-endian. *fits is cleared where it is larger. */
static void lax_integer(struct reader *r, uint8_t out[32], bool *fits)
{
    if (read_u8(r) != 0x02)
        reader_fail(r);
    struct span s = read_span(r, lax_length(r));
    while (s.len && *s.data == 0) {
        s.data++;
        s.len--;
    }
    memset(out, 0, 32);
    if (s.len > 32)
        *fits = false;
    else if (s.len)
        memcpy(out + 32 - s.len, s.data, s.len);
}

static bool lax_parse(secp256k1_ecdsa_signature *sig, struct span der)
{
    struct reader r;
    reader_init(&r, der.data, der.len);
    if (read_u8(&r) != 0x30)
        return false;
    uint8_t length = read_u8(&r); /* what it says does not matter, only where it ends */
    if (length & 0x80)
        read_span(&r, length & 0x7f);
    uint8_t rs[64];
    bool fits = true;
    lax_integer(&r, rs, &fits);
    lax_integer(&r, rs + 32, &fits);
    if (!reader_ok(&r))
        return false;
    if (fits && secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, sig, rs))
        return true;
    memset(rs, 0, sizeof(rs)); /* a signature that never verifies */
    return secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, sig, rs);
}

bool ecdsa_verify(const struct pubkey *pk, const uint8_t hash[32], struct span sig)
{
    secp256k1_pubkey point;
    secp256k1_ecdsa_signature s;
    if (!parse(&point, pk) || !lax_parse(&s, sig))
        return false;
    secp256k1_ecdsa_signature_normalize(secp256k1_context_static, &s, &s);
    return secp256k1_ecdsa_verify(secp256k1_context_static, &s, hash, &point);
}

bool ecdsa_is_low_s(struct span sig)
{
    secp256k1_ecdsa_signature s;
    return lax_parse(&s, sig) &&
           !secp256k1_ecdsa_signature_normalize(secp256k1_context_static, NULL, &s);
}

/* ---- BIP340 and BIP341 ---- */

bool schnorr_verify(const struct xonly *pk, const uint8_t *msg, size_t msg_len,
                    const uint8_t sig[64])
{
    secp256k1_xonly_pubkey point;
    return secp256k1_xonly_pubkey_parse(secp256k1_context_static, &point, pk->b) &&
           secp256k1_schnorrsig_verify(secp256k1_context_static, sig, msg, msg_len, &point);
}

bool taproot_check_tweak(const struct xonly *out, bool parity, const struct xonly *internal,
                         const uint8_t tweak_hash[32])
{
    secp256k1_xonly_pubkey point;
    return secp256k1_xonly_pubkey_parse(secp256k1_context_static, &point, internal->b) &&
           secp256k1_xonly_pubkey_tweak_add_check(secp256k1_context_static, out->b, parity, &point,
                                                  tweak_hash);
}

bool taproot_tweak(struct xonly *out, bool *parity, const struct xonly *internal,
                   const uint8_t tweak_hash[32])
{
    secp256k1_xonly_pubkey point, tweaked;
    secp256k1_pubkey sum;
    int odd;
    if (!secp256k1_xonly_pubkey_parse(secp256k1_context_static, &point, internal->b) ||
        !secp256k1_xonly_pubkey_tweak_add(secp256k1_context_static, &sum, &point, tweak_hash))
        return false;
    CHECK(secp256k1_xonly_pubkey_from_pubkey(secp256k1_context_static, &tweaked, &odd, &sum));
    CHECK(secp256k1_xonly_pubkey_serialize(secp256k1_context_static, out->b, &tweaked));
    *parity = odd;
    return true;
}

/* ---- secret keys ---- */

static const secp256k1_context *signing_context(void)
{
    static secp256k1_context *shared;
    secp256k1_context *ctx = __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
    if (ctx)
        return ctx;
    uint8_t seed[32];
    random_bytes(seed, sizeof(seed));
    ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    CHECK(ctx && secp256k1_context_randomize(ctx, seed));
    wipe(seed, sizeof(seed));
    secp256k1_context *expected = NULL;
    if (__atomic_compare_exchange_n(&shared, &expected, ctx, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return ctx;
    secp256k1_context_destroy(ctx);
    return expected;
}

bool seckey_valid(const uint8_t b[32])
{
    return secp256k1_ec_seckey_verify(secp256k1_context_static, b);
}

void seckey_generate(struct seckey *out)
{
    do
        random_bytes(out->b, sizeof(out->b));
    while (!seckey_valid(out->b));
    out->compressed = true;
}

bool seckey_pubkey(struct pubkey *out, const struct seckey *key)
{
    secp256k1_pubkey point;
    if (!secp256k1_ec_pubkey_create(signing_context(), &point, key->b))
        return false;
    serialize(out, &point, key->compressed);
    return true;
}

bool seckey_tweak_add(struct seckey *key, const uint8_t tweak[32])
{
    return secp256k1_ec_seckey_tweak_add(secp256k1_context_static, key->b, tweak);
}

static bool low_r(const secp256k1_ecdsa_signature *sig)
{
    uint8_t rs[64];
    secp256k1_ecdsa_signature_serialize_compact(secp256k1_context_static, rs, sig);
    return rs[0] < 0x80;
}

/* A fault while signing can give the key away, so what was signed is verified before it is shown.
 */
static void check_signature(const struct seckey *key, const uint8_t hash[32],
                            const secp256k1_ecdsa_signature *sig)
{
    secp256k1_pubkey point;
    CHECK(secp256k1_ec_pubkey_create(signing_context(), &point, key->b));
    CHECK(secp256k1_ecdsa_verify(secp256k1_context_static, sig, hash, &point));
}

bool ecdsa_sign(uint8_t sig[72], size_t *sig_len, const struct seckey *key, const uint8_t hash[32],
                bool grind)
{
    secp256k1_ecdsa_signature s;
    uint8_t extra[32] = {0};
    if (!secp256k1_ecdsa_sign(signing_context(), &s, hash, key->b, NULL, NULL))
        return false;
    for (uint32_t counter = 1; grind && !low_r(&s); counter++) {
        put_le32(extra, counter);
        if (!secp256k1_ecdsa_sign(signing_context(), &s, hash, key->b, NULL, extra))
            return false;
    }
    check_signature(key, hash, &s);
    *sig_len = 72;
    CHECK(secp256k1_ecdsa_signature_serialize_der(secp256k1_context_static, sig, sig_len, &s));
    return true;
}

bool schnorr_sign(uint8_t sig[64], const struct seckey *key, const uint8_t hash[32],
                  const uint8_t *tweak, const uint8_t *aux)
{
    secp256k1_keypair pair;
    secp256k1_xonly_pubkey point;
    bool ok =
        secp256k1_keypair_create(signing_context(), &pair, key->b) &&
        (!tweak || secp256k1_keypair_xonly_tweak_add(secp256k1_context_static, &pair, tweak)) &&
        secp256k1_schnorrsig_sign32(signing_context(), sig, hash, &pair, aux);
    if (ok) {
        CHECK(secp256k1_keypair_xonly_pub(secp256k1_context_static, &point, NULL, &pair));
        CHECK(secp256k1_schnorrsig_verify(secp256k1_context_static, sig, hash, 32, &point));
    }
    wipe(&pair, sizeof(pair));
    return ok;
}

bool ecdsa_sign_compact(uint8_t sig[65], const struct seckey *key, const uint8_t hash[32])
{
    secp256k1_ecdsa_recoverable_signature s;
    int id;
    if (!secp256k1_ecdsa_sign_recoverable(signing_context(), &s, hash, key->b, NULL, NULL))
        return false;
    CHECK(secp256k1_ecdsa_recoverable_signature_serialize_compact(secp256k1_context_static, sig + 1,
                                                                  &id, &s));
    sig[0] = (uint8_t)(27 + id + (key->compressed ? 4 : 0));
    struct pubkey signer, recovered;
    CHECK(seckey_pubkey(&signer, key) && ecdsa_recover(&recovered, sig, hash));
    CHECK(pubkey_eq(&signer, &recovered));
    return true;
}

bool ecdsa_recover(struct pubkey *out, const uint8_t sig[65], const uint8_t hash[32])
{
    secp256k1_ecdsa_recoverable_signature s;
    secp256k1_pubkey point;
    uint8_t id = (uint8_t)(sig[0] - 27);
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(secp256k1_context_static, &s, sig + 1,
                                                             id & 3) ||
        !secp256k1_ecdsa_recover(secp256k1_context_static, &point, &s, hash))
        return false;
    serialize(out, &point, id & 4);
    return true;
}
