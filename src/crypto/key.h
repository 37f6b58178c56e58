/*
 * Keys and signatures over secp256k1: a thin, value-typed face of libsecp256k1.
 *
 * Verification needs no state. Signing uses one context, made and blinded at first use.
 */
#ifndef MITE_CRYPTO_KEY_H
#define MITE_CRYPTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"

/* A public key as it was serialised: 33 or 65 bytes. len 0: none. Not necessarily on the curve. */
struct pubkey {
    uint8_t len;
    uint8_t data[65];
};
struct xonly {
    uint8_t b[32];
};
/* A secret key; `compressed` says how its public key is serialised. Wipe after use. */
struct seckey {
    uint8_t b[32];
    bool compressed;
};

/* By first byte and length only: 02/03 with 33, 04/06/07 with 65. */
bool pubkey_from_bytes(struct pubkey *out, const uint8_t *data, size_t len);
bool pubkey_valid(const struct pubkey *pk); /* on the curve */
bool pubkey_compressed(const struct pubkey *pk);
bool pubkey_decompress(struct pubkey *out, const struct pubkey *pk); /* to 65 bytes */
bool pubkey_eq(const struct pubkey *a, const struct pubkey *b);
void pubkey_id(const struct pubkey *pk, uint8_t out[20]); /* hash160 */
struct xonly pubkey_xonly(const struct pubkey *pk);       /* pk compressed or not, valid or not */
bool xonly_valid(const struct xonly *x);
/* P + tweak * G for a compressed key; false at infinity or where tweak >= n. */
bool pubkey_tweak_add(struct pubkey *out, const struct pubkey *pk, const uint8_t tweak[32]);

/* ECDSA over a 32-byte hash. `sig` is DER without hash type, parsed as laxly as consensus before
 * BIP66 did; high S is accepted (policy checks that elsewhere). */
bool ecdsa_verify(const struct pubkey *pk, const uint8_t hash[32], struct span sig);
/* True where S is in the lower half (BIP62 rule 5); sig as above. */
bool ecdsa_is_low_s(struct span sig);
/* BIP340. */
bool schnorr_verify(const struct xonly *pk, const uint8_t *msg, size_t msg_len,
                    const uint8_t sig[64]);
/* BIP341: out == internal + hash_TapTweak(internal || root) * G, with that parity. */
bool taproot_check_tweak(const struct xonly *out, bool parity, const struct xonly *internal,
                         const uint8_t tweak_hash[32]);
/* out = internal + tweak * G. */
bool taproot_tweak(struct xonly *out, bool *parity, const struct xonly *internal,
                   const uint8_t tweak_hash[32]);

bool seckey_valid(const uint8_t b[32]);
void seckey_generate(struct seckey *out); /* compressed */
bool seckey_pubkey(struct pubkey *out, const struct seckey *key);
bool seckey_tweak_add(struct seckey *key, const uint8_t tweak[32]);
/* RFC 6979, DER, low S; grinds for a low R (71 bytes or less) where `grind`. Writes at most 72. */
bool ecdsa_sign(uint8_t sig[72], size_t *sig_len, const struct seckey *key, const uint8_t hash[32],
                bool grind);
/* BIP340 with `aux` (32 bytes; NULL for zeros). With `tweak` the BIP341 tweaked key signs. */
bool schnorr_sign(uint8_t sig[64], const struct seckey *key, const uint8_t hash[32],
                  const uint8_t *tweak, const uint8_t *aux);
/* Signed messages: 65 bytes, recovery id first ("Bitcoin Signed Message"). */
bool ecdsa_sign_compact(uint8_t sig[65], const struct seckey *key, const uint8_t hash[32]);
bool ecdsa_recover(struct pubkey *out, const uint8_t sig[65], const uint8_t hash[32]);

#endif
