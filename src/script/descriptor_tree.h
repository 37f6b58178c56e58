/* The inside of a descriptor: private to script/descriptor*.c. */
#ifndef MITE_SCRIPT_DESCRIPTOR_TREE_H
#define MITE_SCRIPT_DESCRIPTOR_TREE_H

#include "script/descriptor.h"

#define MAX_PUBKEYS_PER_MULTI_A 999
#define TAPROOT_MAX_DEPTH       128
#define KEY_PATH_MAX            255 /* BIP32's depth is one byte */

enum derive_step { DERIVE_NONE, DERIVE_NORMAL, DERIVE_HARDENED };

/* Remembered key of one index of a hardened range. */
struct cached_key {
    uint32_t index;
    struct ext_pubkey xpub;
};

struct key_expr {
    bool has_origin;
    uint8_t fingerprint[4];
    uint32_t *origin;
    size_t origin_len;
    bool apostrophe; /* how hardened steps are written: ' or h */

    bool extended;
    struct pubkey pubkey; /* constant key, or that of the extended one */
    bool xonly;           /* written without its first byte */
    struct ext_pubkey ext;
    uint32_t *path;
    size_t path_len;
    enum derive_step derive;

    struct ext_seckey *secret; /* secret memory; NULL: not known. Constant keys use .key alone */
    bool has_parent, has_last_hardened;
    struct ext_pubkey parent, last_hardened;
    struct cached_key *cached; /* sorted by index */
    size_t n_cached, cap_cached;
};

enum node_kind {
    NODE_PK,
    NODE_PKH,
    NODE_WPKH,
    NODE_COMBO,
    NODE_MULTI,
    NODE_SORTEDMULTI,
    NODE_MULTI_A,
    NODE_SORTEDMULTI_A,
    NODE_SH,
    NODE_WSH,
    NODE_TR,
    NODE_RAWTR,
    NODE_ADDR,
    NODE_RAW
};

struct node {
    enum node_kind kind;
    struct key_expr *keys;
    size_t n_keys;
    uint32_t threshold;
    struct node **sub; /* sh, wsh: one; tr: the leaves, with their depths */
    unsigned *depth;
    size_t n_sub;
    struct destination destination; /* addr */
    struct buf script;              /* addr, raw */
};

struct descriptor {
    struct node *root;
};

extern const char *const node_names[];

void node_free(struct node *n);
void key_expr_clear(struct key_expr *k);
/* All key expressions in the order of the text; caller frees the array (not the keys). */
struct key_expr **descriptor_keys(const struct descriptor *d, size_t *n);

/* Parses KEY. *multipath: in, which alternative to take; *n_multipath: out, how many there are
 * (1: no multipath). `tap`: x-only keys are allowed. False: *error. */
bool key_expr_parse(const struct address_params *p, struct span text, bool uncompressed, bool tap,
                    size_t multipath, size_t *n_multipath, struct key_expr *out, char **error);

enum key_text { KEY_TEXT_PUBLIC, KEY_TEXT_COMPAT, KEY_TEXT_PRIVATE, KEY_TEXT_NORMALIZED };
/* False where normalised and the last hardened step is not derivable. */
bool key_expr_print(const struct address_params *p, const struct key_expr *k, enum key_text how,
                    struct buf *out);
/* The whole descriptor without checksum; as above. */
bool descriptor_print(const struct address_params *p, const struct descriptor *d, enum key_text how,
                      struct buf *out);
/* Text in a buffer, ended by "#checksum": as a string that the caller frees. */
char *descriptor_finish_text(struct buf *b);

bool key_expr_is_range(const struct key_expr *k);
bool key_expr_derive(const struct key_expr *k, uint32_t index, bool secrets,
                     struct derived_key *out);
/* The extended public key behind the first `steps` of the path. */
bool key_expr_ext_at(const struct key_expr *k, size_t steps, struct ext_pubkey *out);
size_t key_expr_hardened_steps(const struct key_expr *k); /* steps up to the last hardened one */
/* Derives what later steps start from, as far as the keys at hand allow: after a key came in. */
void key_expr_prepare(struct key_expr *k);
void derived_key_clear(struct derived_key *k);

#endif
