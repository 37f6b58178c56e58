/* AES-256-CBC and the ChaCha20 stream, over OpenSSL: wallet encryption, MuHash. */
#ifndef MITE_CRYPTO_AES_H
#define MITE_CRYPTO_AES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PKCS#7 padding. out holds len + 16. */
bool aes256_cbc_encrypt(uint8_t *out, size_t *out_len, const uint8_t *in, size_t len,
                        const uint8_t key[32], const uint8_t iv[16]);
/* out holds len; false where the padding is wrong. */
bool aes256_cbc_decrypt(uint8_t *out, size_t *out_len, const uint8_t *in, size_t len,
                        const uint8_t key[32], const uint8_t iv[16]);
/* `len` bytes of keystream, nonce 0, counter 0. */
void chacha20_keystream(uint8_t *out, size_t len, const uint8_t key[32]);

#endif
