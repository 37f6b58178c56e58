/* Hierarchical keys (BIP32). Text forms (xprv, xpub) are in chain/address.h, since bytes differ by
 * network. */
#ifndef MITE_CRYPTO_BIP32_H
#define MITE_CRYPTO_BIP32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/key.h"

#define BIP32_HARDENED 0x80000000u

struct ext_pubkey {
    uint8_t depth;
    uint8_t parent[4]; /* fingerprint */
    uint32_t child;
    uint8_t chaincode[32];
    struct pubkey key; /* compressed */
};
struct ext_seckey {
    uint8_t depth;
    uint8_t parent[4];
    uint32_t child;
    uint8_t chaincode[32];
    struct seckey key;
};

/* The 74 bytes after the version: depth, parent, child, chaincode, key (33). */
void ext_pubkey_write(const struct ext_pubkey *k, uint8_t out[74]);
bool ext_pubkey_read(struct ext_pubkey *k, const uint8_t in[74]); /* checks as BIP32 asks */
void ext_seckey_write(const struct ext_seckey *k, uint8_t out[74]);
bool ext_seckey_read(struct ext_seckey *k, const uint8_t in[74]);

bool ext_seckey_from_seed(struct ext_seckey *out, const void *seed, size_t len);
bool ext_seckey_derive(struct ext_seckey *out, const struct ext_seckey *k, uint32_t child);
bool ext_pubkey_derive(struct ext_pubkey *out, const struct ext_pubkey *k, uint32_t child);
void ext_seckey_neuter(struct ext_pubkey *out, const struct ext_seckey *k);
void ext_pubkey_fingerprint(const struct ext_pubkey *k, uint8_t out[4]);

/* "m/84h/0'/5" or "84h/0h": up to `max` steps into path. False where it is not a path. */
bool bip32_path_parse(const char *s, uint32_t *path, size_t max, size_t *len);
char *bip32_path_format(const uint32_t *path, size_t len,
                        bool apostrophe); /* "m/84h/0h"; caller frees */

#endif
