/*
 * AES-256-CBC with PKCS#7 padding, over OpenSSL: how wallets encrypt their keys.
 *
 * EVP is right here: a wallet decrypts a key now and then, and the implementation it fetches uses
 * the processor's AES instructions in constant time. A wrong key shows itself by its padding most
 * of the time only; callers check what they got against the public key.
 */
#include "crypto/aes.h"

#include <limits.h>

#include <openssl/evp.h>

#include "util/check.h"

bool aes256_cbc_encrypt(uint8_t *out, size_t *out_len, const uint8_t *in, size_t len,
                        const uint8_t key[32], const uint8_t iv[16])
{
    if (len > INT_MAX - 16)
        return false;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CHECK(ctx);
    int n = 0, last = 0;
    bool ok = EVP_EncryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1 &&
              EVP_EncryptFinal_ex(ctx, out + n, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    *out_len = ok ? (size_t)(n + last) : 0;
    return ok;
}

bool aes256_cbc_decrypt(uint8_t *out, size_t *out_len, const uint8_t *in, size_t len,
                        const uint8_t key[32], const uint8_t iv[16])
{
    *out_len = 0;
    if (len == 0 || len % 16 != 0 || len > INT_MAX - 16)
        return false;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CHECK(ctx);
    int n = 0, last = 0;
    bool ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv) == 1 &&
              EVP_DecryptUpdate(ctx, out, &n, in, (int)len) == 1 &&
              EVP_DecryptFinal_ex(ctx, out + n, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    *out_len = ok ? (size_t)(n + last) : 0;
    return ok;
}
