/*
 * Hashes: SHA-256 and its relatives over OpenSSL's transforms.
 *
 * OpenSSL 3 would like everybody to go through EVP, whose one-shot functions fetch an
 * implementation by name, under a lock, on every call: for the 32 to 80 bytes that we hash most of
 * the time this costs several times the hash. The older per-algorithm functions reach the same
 * assembler directly. They are marked deprecated, hence the macro; should they ever go, this file
 * is the only one that calls them. HMAC is written out for the same reason.
 *
 * The state of a tagged hash (BIP340) after its 64-byte prefix is a constant of the tag; those of
 * the consensus rules are tabulated, since a taproot input needs up to a dozen of them.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hash.h"

#include <string.h>

#include <openssl/ripemd.h>

#include "crypto/sha256_kernel.h"
#include "util/bytes.h"
#include "util/mem.h"

enum { SHA512_BLOCK = 128 };

void sha256_init(struct sha256 *h)
{
    SHA256_Init(&h->ctx);
}

void sha256_write(struct sha256 *h, const void *data, size_t len)
{
    SHA256_Update(&h->ctx, data, len);
}

void sha256_write_u32(struct sha256 *h, uint32_t v)
{
    SHA256_Update(&h->ctx, &v, sizeof(v));
}

void sha256_write_u64(struct sha256 *h, uint64_t v)
{
    SHA256_Update(&h->ctx, &v, sizeof(v));
}

void sha256_write_compact(struct sha256 *h, uint64_t v)
{
    uint8_t b[9];
    size_t len = compact_size(v);
    put_le64(b + 1, v);
    b[0] = len == 1 ? (uint8_t)v : len == 3 ? 0xfd : len == 5 ? 0xfe : 0xff;
    SHA256_Update(&h->ctx, b, len);
}

void sha256_final(struct sha256 *h, uint8_t out[32])
{
    SHA256_Final(out, &h->ctx);
}

void sha256d_final(struct sha256 *h, uint8_t out[32])
{
    uint8_t first[32];
    SHA256_Final(first, &h->ctx);
    sha256(out, first, sizeof(first));
}

void sha256(uint8_t out[32], const void *data, size_t len)
{
    SHA256_CTX c;
    SHA256_Init(&c);
    SHA256_Update(&c, data, len);
    SHA256_Final(out, &c);
}

void sha256d(uint8_t out[32], const void *data, size_t len)
{
    uint8_t first[32];
    sha256(first, data, len);
    sha256(out, first, sizeof(first));
}

void sha1(uint8_t out[20], const void *data, size_t len)
{
    SHA_CTX c;
    SHA1_Init(&c);
    SHA1_Update(&c, data, len);
    SHA1_Final(out, &c);
}

void ripemd160(uint8_t out[20], const void *data, size_t len)
{
    RIPEMD160_CTX c;
    RIPEMD160_Init(&c);
    RIPEMD160_Update(&c, data, len);
    RIPEMD160_Final(out, &c);
}

void hash160(uint8_t out[20], const void *data, size_t len)
{
    uint8_t first[32];
    sha256(first, data, len);
    ripemd160(out, first, sizeof(first));
}

/* The two padded keys of an HMAC. */
static void hmac_pads(uint8_t *inner, uint8_t *outer, size_t block, const uint8_t *key, size_t len)
{
    memset(inner, 0x36, block);
    memset(outer, 0x5c, block);
    for (size_t i = 0; i < len; i++) {
        inner[i] ^= key[i];
        outer[i] ^= key[i];
    }
}

void hmac_sha256(uint8_t out[32], const void *key, size_t key_len, const void *data, size_t len)
{
    uint8_t short_key[32], inner[64], outer[64];
    if (key_len > sizeof(inner)) {
        sha256(short_key, key, key_len);
        key = short_key;
        key_len = sizeof(short_key);
    }
    hmac_pads(inner, outer, sizeof(inner), key, key_len);
    SHA256_CTX c;
    SHA256_Init(&c);
    SHA256_Update(&c, inner, sizeof(inner));
    SHA256_Update(&c, data, len);
    SHA256_Final(out, &c);
    SHA256_Init(&c);
    SHA256_Update(&c, outer, sizeof(outer));
    SHA256_Update(&c, out, 32);
    SHA256_Final(out, &c);
    wipe(inner, sizeof(inner));
    wipe(outer, sizeof(outer));
    wipe(short_key, sizeof(short_key));
}

void hmac_sha512(uint8_t out[64], const void *key, size_t key_len, const void *data, size_t len)
{
    uint8_t short_key[64], inner[SHA512_BLOCK], outer[SHA512_BLOCK];
    SHA512_CTX c;
    if (key_len > sizeof(inner)) {
        SHA512_Init(&c);
        SHA512_Update(&c, key, key_len);
        SHA512_Final(short_key, &c);
        key = short_key;
        key_len = sizeof(short_key);
    }
    hmac_pads(inner, outer, sizeof(inner), key, key_len);
    SHA512_Init(&c);
    SHA512_Update(&c, inner, sizeof(inner));
    SHA512_Update(&c, data, len);
    SHA512_Final(out, &c);
    SHA512_Init(&c);
    SHA512_Update(&c, outer, sizeof(outer));
    SHA512_Update(&c, out, 64);
    SHA512_Final(out, &c);
    wipe(inner, sizeof(inner));
    wipe(outer, sizeof(outer));
    wipe(short_key, sizeof(short_key));
}

/* States after the 64-byte prefix of the tags that verification uses. */
static const struct {
    const char *tag;
    uint32_t state[8];
} known_tags[] = {
    {"TapSighash",
     {0xf504a425, 0xd7f8783b, 0x1363868a, 0xe3e55658, 0x6eee945d, 0xbc7888dd, 0x02a6e2c3,
      0x1873fe9f}},
    {"TapLeaf",
     {0x9ce0e4e6, 0x7c116c39, 0x38b3caf2, 0xc30f5089, 0xd3f3936c, 0x47636e60, 0x7db33eea,
      0xddc6f0c9}},
    {"TapBranch",
     {0x23a865a9, 0xb8a40da7, 0x977c1e04, 0xc49e246f, 0xb5be1376, 0x9d24c9b7, 0xb583b5d4,
      0xa8d226d2}},
    {"TapTweak",
     {0xd129a2f3, 0x701c655d, 0x6583b6c3, 0xb9419727, 0x95f4e232, 0x94fd54f4, 0xa2ae8d85,
      0x47ca590b}},
};

void sha256_init_tagged(struct sha256 *h, const char *tag)
{
    SHA256_Init(&h->ctx);
    for (size_t i = 0; i < ARRAY_LEN(known_tags); i++) {
        if (strcmp(tag, known_tags[i].tag) != 0)
            continue;
        memcpy(h->ctx.h, known_tags[i].state, sizeof(known_tags[i].state));
        h->ctx.Nl = 512; /* bits so far */
        return;
    }
    uint8_t tag_hash[32];
    sha256(tag_hash, tag, strlen(tag));
    SHA256_Update(&h->ctx, tag_hash, sizeof(tag_hash));
    SHA256_Update(&h->ctx, tag_hash, sizeof(tag_hash));
}

/* One message alone is done faster by the plain code than by a kernel with most lanes empty. */
void sha256d_64(uint8_t *out, const uint8_t *in, size_t n)
{
    if (n == 1) {
        sha256d(out, in, 64);
        return;
    }
    const struct sha256_kernel *wide = sha256_kernel_best();
    size_t many = n - n % wide->lanes;
    if (many)
        wide->sha256d_64(out, in, many);
    if (n > many)
        sha256_kernel_narrow()->sha256d_64(out + 32 * many, in + 64 * many, n - many);
}
