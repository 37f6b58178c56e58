/* ElligatorSwift (BIP324): public keys as 64 bytes that look random, and a secret shared by them.
 */
#ifndef MITE_CRYPTO_ELLSWIFT_H
#define MITE_CRYPTO_ELLSWIFT_H

#include "crypto/key.h"

/* The x coordinate that an encoding stands for. Every 64 bytes are an encoding. */
void ellswift_decode(uint8_t x[32], const uint8_t in[64]);
/* The t with which u decodes to x, of the `which`-th (0 to 7) kind; false where there is none. x
 * must be that of a point. */
bool ellswift_inverse(uint8_t t[32], const uint8_t x[32], const uint8_t u[32], unsigned which);
/* A random encoding of the key's public key. */
void ellswift_create(uint8_t out[64], const struct seckey *key);
/* The secret of the two encodings: `ours` was made from `key`. False where there is none, which
 * nobody can bring about. */
bool ellswift_ecdh(uint8_t out[32], const uint8_t ours[64], const uint8_t theirs[64],
                   const struct seckey *key, bool initiating) MUST_USE;

#endif
