/*
 * BIP324's packet cipher: keys from the shared secret by HKDF, lengths by a ChaCha20 stream,
 * contents by ChaCha20-Poly1305.
 *
 * Both ciphers go on to a new key after every 224 messages, which the old key's stream gives, so
 * that who gets hold of a key cannot read what was sent long before. The stream of lengths runs on
 * from message to message in between; contents have a nonce of their own each.
 *
 * OpenSSL's contexts are made once a direction and only get another key or nonce: fetching the
 * algorithm for every packet would cost more than most packets.
 */
#include "crypto/bip324.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "crypto/hash.h"
#include "util/mem.h"

#define REKEY_INTERVAL  224
#define KEY_SIZE        32
#define NONCE_SIZE      12
#define TERMINATOR_SIZE 16
#define IGNORE_BIT      0x80

/* ---- the stream of lengths ---- */

struct length_cipher {
    EVP_CIPHER_CTX *ctx;
    uint64_t count;
};

/* Epoch n of the stream, from its beginning. */
static void length_start(struct length_cipher *c, const uint8_t key[KEY_SIZE])
{
    uint8_t iv[16] = {0}; /* counter, zeros, epoch */

    put_le64(iv + 8, c->count / REKEY_INTERVAL);
    CHECK(EVP_EncryptInit_ex(c->ctx, NULL, NULL, key, iv));
}

static void length_open(struct length_cipher *c, const uint8_t key[KEY_SIZE])
{
    c->ctx = EVP_CIPHER_CTX_new();
    c->count = 0;
    CHECK(c->ctx && EVP_EncryptInit_ex(c->ctx, EVP_chacha20(), NULL, NULL, NULL));
    length_start(c, key);
}

static void length_crypt(struct length_cipher *c, uint8_t out[3], const uint8_t in[3])
{
    uint8_t key[KEY_SIZE] = {0};
    int n;

    CHECK(EVP_EncryptUpdate(c->ctx, out, &n, in, BIP324_LENGTH_SIZE));
    if (++c->count % REKEY_INTERVAL != 0)
        return;
    CHECK(EVP_EncryptUpdate(c->ctx, key, &n, key, sizeof(key)));
    length_start(c, key);
    wipe(key, sizeof(key));
}

/* ---- packets ---- */

struct packet_cipher {
    EVP_CIPHER_CTX *ctx;
    uint8_t key[KEY_SIZE];
    uint64_t count;
};

static void packet_open(struct packet_cipher *c, const uint8_t key[KEY_SIZE], bool encrypt)
{
    c->ctx = EVP_CIPHER_CTX_new();
    c->count = 0;
    memcpy(c->key, key, KEY_SIZE);
    CHECK(c->ctx && EVP_CipherInit_ex(c->ctx, EVP_chacha20_poly1305(), NULL, NULL, NULL, encrypt));
}

/* Starts a message; -1: the direction that the context has. */
static void packet_nonce(struct packet_cipher *c, uint32_t low)
{
    uint8_t nonce[NONCE_SIZE];

    put_le32(nonce, low);
    put_le64(nonce + 4, c->count / REKEY_INTERVAL);
    CHECK(EVP_CipherInit_ex(c->ctx, NULL, NULL, c->key, nonce, -1));
}

/* The next key is the stream under a nonce that no packet has. The context decrypts on one side
 * and encrypts on the other: a stream is the same in both directions. */
static void packet_done(struct packet_cipher *c)
{
    static const uint8_t zeros[KEY_SIZE];
    uint8_t next[KEY_SIZE];
    int n;

    if ((c->count + 1) % REKEY_INTERVAL == 0) {
        packet_nonce(c, UINT32_MAX);
        CHECK(EVP_CipherUpdate(c->ctx, next, &n, zeros, KEY_SIZE));
        memcpy(c->key, next, KEY_SIZE);
        wipe(next, sizeof(next));
    }
    c->count++;
}

static void add_aad(EVP_CIPHER_CTX *ctx, struct span aad)
{
    int n;

    CHECK(aad.len <= INT_MAX);
    if (aad.len)
        CHECK(EVP_CipherUpdate(ctx, NULL, &n, aad.data, (int)aad.len));
}

/* ---- both directions ---- */

struct bip324 {
    uint8_t session_id[32];
    uint8_t terminators[2][TERMINATOR_SIZE]; /* of the initiator, of the responder */
    bool initiating;
    struct length_cipher send_length, receive_length;
    struct packet_cipher send, receive;
};

/* HKDF-SHA256's expansion (RFC 5869) to one hash. */
static void expand(uint8_t out[32], const uint8_t prk[32], const char *info)
{
    uint8_t message[64];
    size_t len = strlen(info);

    CHECK(len < sizeof(message));
    memcpy(message, info, len);
    message[len] = 1;
    hmac_sha256(out, prk, 32, message, len + 1);
}

struct bip324 *bip324_create(const uint8_t secret[32], const uint8_t magic[4], bool initiating)
{
    static const char *const infos[2][2] = {{"initiator_L", "initiator_P"},
                                            {"responder_L", "responder_P"}};
    static const char label[] = "bitcoin_v2_shared_secret";
    uint8_t salt[sizeof(label) - 1 + 4], prk[32], key[32];
    struct bip324 *c = secret_alloc(sizeof(*c));
    int us = initiating ? 0 : 1;

    c->initiating = initiating;
    memcpy(salt, label, sizeof(label) - 1);
    memcpy(salt + sizeof(label) - 1, magic, 4);
    hmac_sha256(prk, salt, sizeof(salt), secret, 32);
    expand(key, prk, infos[us][0]);
    length_open(&c->send_length, key);
    expand(key, prk, infos[us][1]);
    packet_open(&c->send, key, true);
    expand(key, prk, infos[!us][0]);
    length_open(&c->receive_length, key);
    expand(key, prk, infos[!us][1]);
    packet_open(&c->receive, key, false);
    expand(key, prk, "garbage_terminators");
    memcpy(c->terminators, key, sizeof(key));
    expand(c->session_id, prk, "session_id");
    wipe(prk, sizeof(prk));
    wipe(key, sizeof(key));
    return c;
}

void bip324_destroy(struct bip324 *c)
{
    if (!c)
        return;
    EVP_CIPHER_CTX_free(c->send_length.ctx); /* wipes */
    EVP_CIPHER_CTX_free(c->receive_length.ctx);
    EVP_CIPHER_CTX_free(c->send.ctx);
    EVP_CIPHER_CTX_free(c->receive.ctx);
    secret_free(c, sizeof(*c));
}

const uint8_t *bip324_session_id(const struct bip324 *c)
{
    return c->session_id;
}

const uint8_t *bip324_send_terminator(const struct bip324 *c)
{
    return c->terminators[c->initiating ? 0 : 1];
}

const uint8_t *bip324_receive_terminator(const struct bip324 *c)
{
    return c->terminators[c->initiating ? 1 : 0];
}

void bip324_encrypt(struct bip324 *c, uint8_t *out, struct span contents, struct span aad,
                    bool ignore)
{
    EVP_CIPHER_CTX *ctx = c->send.ctx;
    uint8_t header = ignore ? IGNORE_BIT : 0, length[4];
    int n;

    CHECK(contents.len <= BIP324_MAX_CONTENTS);
    put_le32(length, (uint32_t)contents.len);
    length_crypt(&c->send_length, out, length);
    out += BIP324_LENGTH_SIZE;
    packet_nonce(&c->send, (uint32_t)(c->send.count % REKEY_INTERVAL));
    add_aad(ctx, aad);
    CHECK(EVP_CipherUpdate(ctx, out, &n, &header, 1));
    if (contents.len)
        CHECK(EVP_CipherUpdate(ctx, out + 1, &n, contents.data, (int)contents.len));
    CHECK(EVP_CipherFinal_ex(ctx, out + 1 + contents.len, &n));
    CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, BIP324_TAG_SIZE, out + 1 + contents.len));
    packet_done(&c->send);
}

uint32_t bip324_decrypt_length(struct bip324 *c, const uint8_t in[BIP324_LENGTH_SIZE])
{
    uint8_t length[4] = {0};

    length_crypt(&c->receive_length, length, in);
    return get_le32(length);
}

bool bip324_decrypt(struct bip324 *c, uint8_t *out, struct span in, struct span aad, bool *ignore)
{
    EVP_CIPHER_CTX *ctx = c->receive.ctx;
    uint8_t header, tag[BIP324_TAG_SIZE];
    int n;

    CHECK(in.len <= BIP324_MAX_CONTENTS + BIP324_HEADER_SIZE + BIP324_TAG_SIZE);
    if (in.len < BIP324_HEADER_SIZE + BIP324_TAG_SIZE)
        return false;
    in.len -= BIP324_TAG_SIZE;
    memcpy(tag, in.data + in.len, sizeof(tag));
    packet_nonce(&c->receive, (uint32_t)(c->receive.count % REKEY_INTERVAL));
    CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, BIP324_TAG_SIZE, tag));
    add_aad(ctx, aad);
    CHECK(EVP_CipherUpdate(ctx, &header, &n, in.data, 1));
    if (in.len > 1)
        CHECK(EVP_CipherUpdate(ctx, out, &n, in.data + 1, (int)in.len - 1));
    if (EVP_CipherFinal_ex(ctx, tag, &n) <= 0)
        return false;
    packet_done(&c->receive);
    *ignore = header & IGNORE_BIT;
    return true;
}
