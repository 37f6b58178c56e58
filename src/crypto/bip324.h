/*
 * The cipher of BIP324's transport: packets of encrypted length, a byte of header, contents and a
 * tag, with keys that are replaced every 224 packets.
 */
#ifndef MITE_CRYPTO_BIP324_H
#define MITE_CRYPTO_BIP324_H

#include <stdbool.h>
#include <stdint.h>

#include "util/bytes.h"

#define BIP324_LENGTH_SIZE  3
#define BIP324_HEADER_SIZE  1
#define BIP324_TAG_SIZE     16
#define BIP324_EXPANSION    (BIP324_LENGTH_SIZE + BIP324_HEADER_SIZE + BIP324_TAG_SIZE)
#define BIP324_MAX_CONTENTS 0xffffffu
#define BIP324_GARBAGE_MAX  4095 /* bytes between key and terminator */

struct bip324; /* both directions of one connection */

/* From the shared secret (ellswift_ecdh) and the network's magic. */
struct bip324 *bip324_create(const uint8_t secret[32], const uint8_t magic[4], bool initiating);
void bip324_destroy(struct bip324 *c);                    /* wipes; NULL is fine */
const uint8_t *bip324_session_id(const struct bip324 *c); /* 32 bytes */
/* The 16 bytes that end the garbage we send, and that which the other side sends. */
const uint8_t *bip324_send_terminator(const struct bip324 *c);
const uint8_t *bip324_receive_terminator(const struct bip324 *c);

/* A packet of contents.len + BIP324_EXPANSION bytes into out. `ignore` marks a decoy; `aad` is
 * authenticated with the first packet only: the garbage that was sent. */
void bip324_encrypt(struct bip324 *c, uint8_t *out, struct span contents, struct span aad,
                    bool ignore);
/* The length of the next packet's contents, from its first bytes; once a packet. */
uint32_t bip324_decrypt_length(struct bip324 *c, const uint8_t in[BIP324_LENGTH_SIZE]);
/* The rest of the packet (contents, BIP324_HEADER_SIZE + BIP324_TAG_SIZE); out gets the contents.
 * False where it is not what the other side sent: the connection must end. */
bool bip324_decrypt(struct bip324 *c, uint8_t *out, struct span in, struct span aad,
                    bool *ignore) MUST_USE;

#endif
