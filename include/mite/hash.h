/*
 * The hashes of the field. `out` may lie in the data. Data of length 0 may be NULL.
 */
#ifndef MITE_HASH_H
#define MITE_HASH_H

#include <mite/chain.h>

#ifdef __cplusplus
extern "C" {
#endif

MITE_API void mite_sha256(uint8_t out[32], const void *data, size_t len);
MITE_API void mite_sha256d(uint8_t out[32], const void *data, size_t len); /* twice: txid, block */
MITE_API void mite_ripemd160(uint8_t out[20], const void *data, size_t len);
MITE_API void mite_hash160(uint8_t out[20], const void *data, size_t len); /* RIPEMD of SHA-256 */
/* BIP340: SHA-256 with the hash of `tag`, a string, twice in front. */
MITE_API void mite_tagged_hash(uint8_t out[32], const char *tag, const void *data, size_t len);

/* Root of n hashes of 32 bytes, one behind the other; zeros where n is 0. *mutated (may be NULL) is
 * 1 where other leaves give the same root since some are there twice (CVE-2012-2459). */
MITE_API void mite_merkle_root(uint8_t out[32], const uint8_t *hashes, size_t n, int *mutated);

/* A hash as people see it, 64 digits, last byte first, and back; mite_hash_parse() returns 0 where
 * the text is not exactly that. */
#define MITE_HASH_TEXT_SIZE 65
MITE_API char *mite_hash_text(char out[MITE_HASH_TEXT_SIZE], const uint8_t hash[32]);
MITE_API int mite_hash_parse(uint8_t out[32], const char *text);

#ifdef __cplusplus
}
#endif

#endif
