/*
 * Output descriptors (BIP380 to 386): pk, pkh, wpkh, sh, wsh, combo, multi, sortedmulti, tr, rawtr,
 * addr, raw; key origins, ranges, hardened steps, multipath (BIP389), checksum. Miniscript and tr()
 * trees join here later.
 */
#ifndef MITE_SCRIPT_DESCRIPTOR_H
#define MITE_SCRIPT_DESCRIPTOR_H

#include "script/sign.h"

struct descriptor;

/* Parses text with or without "#checksum" (required where `require_checksum`). On success the
 * caller owns *n descriptors (one, or one for each step of a multipath) in a malloc'ed array.
 * False: *error is Core's sentence (caller frees). Private keys found are kept in the descriptor. */
bool descriptor_parse(const struct address_params *p, const char *s, bool require_checksum,
    struct descriptor ***out, size_t *n, char **error) MUST_USE;
void descriptor_free(struct descriptor *d);

bool descriptor_is_range(const struct descriptor *d);
bool descriptor_is_solvable(const struct descriptor *d); /* not addr(), raw() */
bool descriptor_has_private(const struct descriptor *d);
bool descriptor_is_single_type(const struct descriptor *d); /* not combo() */
enum output_type { OUTPUT_LEGACY, OUTPUT_P2SH_SEGWIT, OUTPUT_BECH32, OUTPUT_BECH32M, OUTPUT_UNKNOWN };
enum output_type descriptor_output_type(const struct descriptor *d);
const char *output_type_name(enum output_type t); /* "p2sh-segwit" */
bool output_type_parse(const char *s, enum output_type *out);

/* With checksum, caller frees. _private gives NULL where a private key is missing. _normalized: keys
 * at the last hardened step (xpub with origin), as listdescriptors shows. NULL where not derivable. */
char *descriptor_to_string(const struct address_params *p, const struct descriptor *d);
char *descriptor_to_private_string(const struct address_params *p, const struct descriptor *d);
char *descriptor_to_normalized_string(const struct address_params *p, const struct descriptor *d);
char *descriptor_checksum(const char *s, char out[9]); /* of text without "#..."; NULL: bad character */
/* SHA-256 of the public text without checksum... as wallets use for an id (DescriptorID in Core). */
void descriptor_id(const struct address_params *p, const struct descriptor *d, uint8_t out[32]);

/* What position `index` expands to. */
struct derived_key {
    struct pubkey pubkey;
    uint8_t fingerprint[4]; /* origin: master fingerprint and path to the key */
    uint32_t path[16];
    size_t path_len;
    bool has_seckey;
    struct seckey seckey;
};
struct expansion {
    struct buf *scripts; /* output scripts: one, or up to four of combo() */
    size_t n_scripts;
    struct derived_key *keys;
    size_t n_keys;
    struct buf *subscripts; /* redeem and witness scripts behind them */
    size_t n_subscripts;
    bool has_taproot; /* tr(): */
    struct xonly internal, output;
    uint8_t merkle_root[32];
    bool has_root;
};
/* False where a hardened step has no private key. Clear with expansion_clear() in both cases. */
bool descriptor_expand(const struct descriptor *d, uint32_t index, struct expansion *out);
void expansion_clear(struct expansion *e); /* wipes the secrets */
/* A provider over one expansion (valid while it lives). */
void expansion_provider(const struct expansion *e, struct signing_provider *out);

/* Every extended private key that the text held, for a wallet to store. */
size_t descriptor_ext_seckeys(const struct descriptor *d, struct ext_seckey *out, size_t max);
size_t descriptor_ext_pubkeys(const struct descriptor *d, struct ext_pubkey *out, size_t max);
size_t descriptor_seckeys(const struct descriptor *d, struct seckey *out, size_t max); /* WIF ones */
/* The wallet's loaded private keys come back in by these. */
bool descriptor_add_ext_seckey(struct descriptor *d, const struct ext_seckey *k);
bool descriptor_add_seckey(struct descriptor *d, const struct seckey *k);

#endif
