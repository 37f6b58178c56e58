/*
 * Hashes: SHA-256 and its relatives. OpenSSL's transforms, called without its EVP layer, whose
 * fetch and locking cost more than a short message's hash.
 */
#ifndef MITE_CRYPTO_HASH_H
#define MITE_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/sha.h>

#include "util/bytes.h"

struct sha256 {
    SHA256_CTX ctx;
};

void sha256_init(struct sha256 *h);
void sha256_write(struct sha256 *h, const void *data, size_t len);
void sha256_write_u32(struct sha256 *h, uint32_t v); /* little-endian */
void sha256_write_u64(struct sha256 *h, uint64_t v);
void sha256_write_compact(struct sha256 *h, uint64_t v); /* CompactSize */
void sha256_final(struct sha256 *h, uint8_t out[32]);
void sha256d_final(struct sha256 *h, uint8_t out[32]); /* SHA-256 of the SHA-256 */

void sha256(uint8_t out[32], const void *data, size_t len);
void sha256d(uint8_t out[32], const void *data, size_t len);
void sha1(uint8_t out[20], const void *data, size_t len);
void ripemd160(uint8_t out[20], const void *data, size_t len);
void hash160(uint8_t out[20], const void *data, size_t len); /* RIPEMD-160 of SHA-256 */
void hmac_sha256(uint8_t out[32], const void *key, size_t key_len, const void *data, size_t len);
void hmac_sha512(uint8_t out[64], const void *key, size_t key_len, const void *data, size_t len);
/* BIP340: SHA-256(SHA-256(tag) || SHA-256(tag) || ...): starts such a hash. */
void sha256_init_tagged(struct sha256 *h, const char *tag);

/* SHA-256d of n messages of 64 bytes each, out gets n * 32 bytes (out may be in): merkle trees. */
void sha256d_64(uint8_t *out, const uint8_t *in, size_t n);

/* A message in three parts, any of which may be empty, and where its hash goes. */
struct sha256_job {
    struct span part[3];
    uint8_t *out; /* 32 bytes */
};
/* SHA-256d of n messages of any lengths, several side by side. */
void sha256d_many(const struct sha256_job *jobs, size_t n);

#endif
