/*
 * Output descriptors (BIP380 to 387, 389): pk, pkh, wpkh, sh, wsh, combo, multi, sortedmulti, tr
 * (with trees of pk and multi_a), rawtr, addr, raw; key origins, ranges, hardened steps, multipath,
 * checksum. Miniscript and musig() join here later.
 */
#ifndef MITE_SCRIPT_DESCRIPTOR_H
#define MITE_SCRIPT_DESCRIPTOR_H

#include "script/sign.h"

struct descriptor;

/* Parses text with or without "#checksum" (required where `require_checksum`). On success the
 * caller owns *n descriptors (one, or one for each step of a multipath) in a malloc'ed array.
 * False: *error is Core's sentence (caller frees). Private keys found are kept in the descriptor.
 */
bool descriptor_parse(const struct address_params *p, const char *s, bool require_checksum,
                      struct descriptor ***out, size_t *n, char **error) MUST_USE;
void descriptor_free(struct descriptor *d);
void descriptors_free(struct descriptor **list, size_t n); /* what descriptor_parse() gave */

enum output_type {
    OUTPUT_LEGACY,
    OUTPUT_P2SH_SEGWIT,
    OUTPUT_BECH32,
    OUTPUT_BECH32M,
    OUTPUT_UNKNOWN
};
const char *output_type_name(enum output_type t); /* "p2sh-segwit" */
bool output_type_parse(const char *s, enum output_type *out);

bool descriptor_is_range(const struct descriptor *d);
bool descriptor_is_solvable(const struct descriptor *d); /* not addr(), raw() */
bool descriptor_has_private(const struct descriptor *d); /* at least one private key is known */
bool descriptor_has_all_private(const struct descriptor *d);
bool descriptor_is_single_type(const struct descriptor *d); /* not combo() */
bool descriptor_is_combo(const struct descriptor *d);
/* The type that addresses of it have; OUTPUT_UNKNOWN where there is none (combo, pk, multi...). */
enum output_type descriptor_output_type(const struct descriptor *d);

/* With checksum, caller frees. _private shows the private keys that are known; NULL where none is.
 * _normalized: keys at the last hardened step (xpub with origin), as listdescriptors shows; NULL
 * where that step cannot be derived. */
char *descriptor_to_string(const struct address_params *p, const struct descriptor *d);
char *descriptor_to_private_string(const struct address_params *p, const struct descriptor *d);
char *descriptor_to_normalized_string(const struct address_params *p, const struct descriptor *d);
/* BIP380 checksum of text without "#..."; NULL where a character is none of the alphabet. */
char *descriptor_checksum(const char *s, char out[9]);
/* SHA-256 of the public text, hardened steps written with an apostrophe: the id in wallet files. */
void descriptor_id(const struct address_params *p, const struct descriptor *d, uint8_t out[32]);

/* What position `index` expands to. */
struct derived_key {
    struct pubkey pubkey;
    uint8_t fingerprint[4]; /* origin: master fingerprint and path to the key */
    uint32_t *path;
    size_t path_len;
    bool has_seckey;
    struct seckey seckey;
};
struct tap_leaf {
    struct buf script;
    unsigned depth;
    uint8_t hash[32];
    struct buf control; /* control block: version and parity, internal key, path */
};
struct expansion {
    struct buf *scripts; /* output scripts: one, or up to four of combo() */
    size_t n_scripts;
    struct derived_key *keys;
    size_t n_keys;
    struct buf *subscripts; /* redeem and witness scripts behind them, innermost first */
    size_t n_subscripts;
    bool has_taproot; /* tr(): */
    struct xonly internal, output;
    uint8_t merkle_root[32];
    bool has_root;
    struct tap_leaf *leaves;
    size_t n_leaves;
};
/* False where a hardened step has neither private key nor cache. With `secrets`, private keys that
 * are known come along (slower). Clear with expansion_clear() in both cases. */
bool descriptor_expand(const struct descriptor *d, uint32_t index, bool secrets,
                       struct expansion *out);
void expansion_clear(struct expansion *e); /* wipes the secrets */
/* A provider over one expansion (valid while it lives). */
void expansion_provider(const struct expansion *e, struct signing_provider *out);

/* ---- private keys, for a wallet to store and to bring back ---- */

/* Every private key that is known, WIF or root of an extended key: at most `max` into out (may be
 * NULL with max 0). Returns how many there are. */
size_t descriptor_seckeys(const struct descriptor *d, struct seckey *out, size_t max);
/* Gives a key to every key expression whose public key it has. False where there is none. */
bool descriptor_add_seckey(struct descriptor *d, const struct seckey *k);
void descriptor_forget_seckeys(struct descriptor *d); /* wipes all */
/* Every public key (root of extended ones): the ids under which a wallet stores them. */
size_t descriptor_root_pubkeys(const struct descriptor *d, struct pubkey *out, size_t max);
/* Root extended public keys. */
size_t descriptor_ext_pubkeys(const struct descriptor *d, struct ext_pubkey *out, size_t max);
/* The extended private key of root `n`; false where it is not known. */
bool descriptor_ext_seckey(const struct descriptor *d, size_t n, struct ext_seckey *out);

/* ---- derivations that need a private key, remembered ---- */

/* Key expressions are counted from 0 in the order of the text. PARENT: what /<asterisk> is derived
 * from; LAST_HARDENED: at the last hardened step; DERIVED: the key of one index, where the last
 * step itself is hardened. */
enum descriptor_cache_kind {
    DESCRIPTOR_CACHE_PARENT,
    DESCRIPTOR_CACHE_LAST_HARDENED,
    DESCRIPTOR_CACHE_DERIVED
};
struct descriptor_cache_item {
    enum descriptor_cache_kind kind;
    uint32_t key, index;
    struct ext_pubkey xpub;
};
/* What can be computed now, for positions [from, to): caller frees *items. */
size_t descriptor_cache_get(struct descriptor *d, uint32_t from, uint32_t to,
                            struct descriptor_cache_item **items);
bool descriptor_cache_put(struct descriptor *d, const struct descriptor_cache_item *item);

/* ---- inferring ---- */

/* Descriptor text (with checksum, caller frees) of a script. `known` may be NULL: then keys behind
 * hashes are not known and the answer is addr(), raw(), pk(), multi() or rawtr(). */
char *descriptor_infer(const struct address_params *p, struct span script,
                       const struct expansion *known);

#endif
