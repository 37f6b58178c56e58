/*
 * Text forms: Base58Check, bech32 and bech32m (BIP173, BIP350), addresses, WIF keys, extended keys.
 * The prefixes come from the network.
 */
#ifndef MITE_CHAIN_ADDRESS_H
#define MITE_CHAIN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/bip32.h"
#include "util/bytes.h"

/* Part of a network's parameters. */
struct address_params {
    uint8_t pubkey_prefix, script_prefix, secret_prefix;
    uint8_t ext_public[4], ext_secret[4]; /* xpub, xprv versions */
    char hrp[16];                         /* "bc" */
};

enum destination_type {
    DEST_NONE,
    DEST_PUBKEY, /* bare key: has no address */
    DEST_P2PKH,  /* hash160 of a key */
    DEST_P2SH,   /* hash160 of a script */
    DEST_P2WPKH, /* witness version 0, 20 bytes */
    DEST_P2WSH,  /* witness version 0, 32 bytes */
    DEST_P2TR,   /* witness version 1, 32 bytes */
    DEST_ANCHOR, /* pay-to-anchor: witness version 1, 4e73 */
    DEST_WITNESS /* other witness program, version 1 to 16, 2 to 40 bytes */
};
struct destination {
    enum destination_type type;
    uint8_t witness_version; /* DEST_WITNESS */
    uint8_t len;
    uint8_t data[65];
};

/* Text of an address, caller frees; NULL for DEST_NONE and DEST_PUBKEY. */
char *address_encode(const struct address_params *p, const struct destination *d);
/* Why a text is no address. */
struct address_error {
    char text[192]; /* Core's words: "Invalid checksum or length of Base58 address (P2PKH or P2SH)"
                     */
    int *at;        /* malloc'ed: positions of likely typing errors in a bech32 string */
    size_t n_at;
};
/* False where it is no address of this network; *error (may be NULL) says why. It is set in every
 * case; clear it afterwards. */
bool address_decode(const struct address_params *p, const char *s, struct destination *out,
                    struct address_error *error);
void address_error_clear(struct address_error *error);
bool destination_eq(const struct destination *a, const struct destination *b);

char *wif_encode(const struct address_params *p, const struct seckey *key);
bool wif_decode(const struct address_params *p, const char *s, struct seckey *out);
char *ext_pubkey_encode(const struct address_params *p, const struct ext_pubkey *k);
bool ext_pubkey_decode(const struct address_params *p, const char *s, struct ext_pubkey *out);
char *ext_seckey_encode(const struct address_params *p, const struct ext_seckey *k);
bool ext_seckey_decode(const struct address_params *p, const char *s, struct ext_seckey *out);

/* Base58 without checksum, and with the four bytes of SHA-256d. Decoding appends to out; false (out
 * unchanged) where it is none or longer than `max` bytes. Callers free texts. */
char *base58_encode(const uint8_t *data, size_t len);
bool base58_decode(const char *s, struct buf *out, size_t max);
char *base58check_encode(const uint8_t *data, size_t len);
bool base58check_decode(const char *s, struct buf *out, size_t max);

enum bech32_encoding { BECH32_NONE, BECH32, BECH32M };
/* `values` are 5-bit groups. */
char *bech32_encode(enum bech32_encoding enc, const char *hrp, const uint8_t *values, size_t n);
/* hrp holds 84. Returns the encoding, BECH32_NONE where the checksum or form is wrong. */
enum bech32_encoding bech32_decode(const char *s, char hrp[84], uint8_t *values, size_t max,
                                   size_t *n);
/* Regroups bits; with padding where `pad`. False where leftover bits are not zero padding. */
bool convert_bits(uint8_t *out, size_t *n_out, unsigned to, const uint8_t *in, size_t n_in,
                  unsigned from, bool pad);
/* Decoding appends to out; false (out unchanged) where it is not the one text of some bytes. */
char *base64_encode(const void *data, size_t len);
bool base64_decode(const char *s, struct buf *out);

#endif
