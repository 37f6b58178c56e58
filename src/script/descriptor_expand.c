/*
 * Expansion: the scripts and keys of one position of a descriptor, and a signing provider over
 * them.
 *
 * Keys are derived in the order of the text; scripts are built from the inside out, each wrapped
 * one remembered as subscript. The tree of a tr() is hashed like a stack machine: a leaf is pushed
 * with its depth, and two neighbours of equal depth become their branch.
 */
#include <stdlib.h>

#include "crypto/hash.h"
#include "script/descriptor_tree.h"
#include "util/mem.h"

#define TAPLEAF_VERSION 0xc0

static struct buf *add_buf(struct buf **list, size_t *n)
{
    *list = xreallocarray(*list, *n + 1, sizeof(**list));
    buf_init(&(*list)[*n]);
    return &(*list)[(*n)++];
}

static bool derive_keys(const struct node *n, uint32_t index, bool secrets, struct expansion *e)
{
    for (size_t i = 0; i < n->n_keys; i++) {
        e->keys = xreallocarray(e->keys, e->n_keys + 1, sizeof(*e->keys));
        memset(&e->keys[e->n_keys], 0, sizeof(*e->keys));
        if (!key_expr_derive(&n->keys[i], index, secrets, &e->keys[e->n_keys++]))
            return false;
    }
    for (size_t i = 0; i < n->n_sub; i++)
        if (!derive_keys(n->sub[i], index, secrets, e))
            return false;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const struct pubkey *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
    return order ? order : (int)x->len - (int)y->len;
}

static int compare_xonly(const void *a, const void *b)
{
    return memcmp(((const struct pubkey *)a)->data + 1, ((const struct pubkey *)b)->data + 1, 32);
}

static struct pubkey *node_pubkeys(const struct node *n, const struct derived_key *keys)
{
    struct pubkey *pks = xcalloc(n->n_keys + 1, sizeof(*pks));

    for (size_t i = 0; i < n->n_keys; i++)
        pks[i] = keys[i].pubkey;
    if (n->kind == NODE_SORTEDMULTI)
        qsort(pks, n->n_keys, sizeof(*pks), compare_keys);
    if (n->kind == NODE_SORTEDMULTI_A)
        qsort(pks, n->n_keys, sizeof(*pks), compare_xonly);
    return pks;
}

static void build_multi_a(const struct node *n, const struct pubkey *pks, struct buf *out)
{
    for (size_t i = 0; i < n->n_keys; i++) {
        script_push(out, pks[i].data + 1, 32);
        script_op(out, i ? OP_CHECKSIGADD : OP_CHECKSIG);
    }
    script_push_int(out, n->threshold);
    script_op(out, OP_NUMEQUAL);
}

/* A script that is not wrapped, of keys that start at *keys; inside a tree where `tap`. */
static void build_plain(const struct node *n, const struct derived_key *keys, bool tap,
                        struct buf *out)
{
    uint8_t id[20];
    struct pubkey *pks;

    switch (n->kind) {
    case NODE_PK:
        if (tap) {
            script_push(out, keys[0].pubkey.data + 1, 32);
            script_op(out, OP_CHECKSIG);
        } else {
            script_p2pk(out, &keys[0].pubkey);
        }
        break;
    case NODE_PKH:
        pubkey_id(&keys[0].pubkey, id);
        script_p2pkh(out, id);
        break;
    case NODE_WPKH:
        pubkey_id(&keys[0].pubkey, id);
        script_p2wpkh(out, id);
        break;
    case NODE_MULTI:
    case NODE_SORTEDMULTI:
        pks = node_pubkeys(n, keys);
        script_multisig(out, n->threshold, pks, (unsigned)n->n_keys);
        free(pks);
        break;
    case NODE_MULTI_A:
    case NODE_SORTEDMULTI_A:
        pks = node_pubkeys(n, keys);
        build_multi_a(n, pks, out);
        free(pks);
        break;
    case NODE_COMBO:
    case NODE_SH:
    case NODE_WSH:
    case NODE_TR:
    case NODE_RAWTR:
    case NODE_ADDR:
    case NODE_RAW: CHECK(!"not a plain script");
    }
}

static void wrap_sh(struct span script, struct buf *out)
{
    uint8_t id[20];
    hash160(id, script.data, script.len);
    script_p2sh(out, id);
}

static void wrap_wsh(struct span script, struct buf *out)
{
    uint8_t hash[32];
    sha256(hash, script.data, script.len);
    script_p2wsh(out, hash);
}

static void build_wrapped(const struct node *n, struct expansion *e, struct buf *out)
{
    const struct node *inner = n->sub[0];
    struct buf script = BUF_INIT;

    if (inner->kind == NODE_WSH)
        build_wrapped(inner, e, &script);
    else
        build_plain(inner, e->keys, false, &script);
    if (n->kind == NODE_SH)
        wrap_sh(buf_span(&script), out);
    else
        wrap_wsh(buf_span(&script), out);
    *add_buf(&e->subscripts, &e->n_subscripts) = script;
}

static void build_combo(struct expansion *e)
{
    const struct pubkey *pk = &e->keys[0].pubkey;
    uint8_t id[20];
    struct buf witness = BUF_INIT;

    pubkey_id(pk, id);
    script_p2pk(add_buf(&e->scripts, &e->n_scripts), pk);
    script_p2pkh(add_buf(&e->scripts, &e->n_scripts), id);
    if (!pubkey_compressed(pk))
        return;
    script_p2wpkh(add_buf(&e->scripts, &e->n_scripts), id);
    script_p2wpkh(&witness, id);
    wrap_sh(buf_span(&witness), add_buf(&e->scripts, &e->n_scripts));
    *add_buf(&e->subscripts, &e->n_subscripts) = witness;
}

/* ---- taproot ---- */

/* A subtree on the stack: its hash, depth, and the leaves [first, end) under it. */
struct branch {
    uint8_t hash[32];
    unsigned depth;
    size_t first, end;
};

static void add_to_paths(struct expansion *e, const struct branch *of, const uint8_t sibling[32])
{
    for (size_t i = of->first; i < of->end; i++)
        write_bytes(&e->leaves[i].control, sibling, 32);
}

static void tree_root(struct expansion *e)
{
    struct branch stack[TAPROOT_MAX_DEPTH + 2];
    size_t n = 0;

    for (size_t i = 0; i < e->n_leaves; i++) {
        struct branch *b = &stack[n++];
        memcpy(b->hash, e->leaves[i].hash, 32);
        b->depth = e->leaves[i].depth;
        b->first = i;
        b->end = i + 1;
        while (n >= 2 && stack[n - 1].depth == stack[n - 2].depth && stack[n - 1].depth > 0) {
            struct branch *l = &stack[n - 2], *r = &stack[n - 1];
            add_to_paths(e, l, r->hash);
            add_to_paths(e, r, l->hash);
            tapbranch_hash(l->hash, l->hash, r->hash);
            l->end = r->end;
            l->depth--;
            n--;
        }
    }
    CHECK(n == 1 && stack[0].depth == 0);
    memcpy(e->merkle_root, stack[0].hash, 32);
    e->has_root = true;
}

static void build_leaves(const struct node *n, struct expansion *e)
{
    size_t key = n->n_keys;

    e->leaves = xcalloc(n->n_sub, sizeof(*e->leaves));
    e->n_leaves = n->n_sub;
    for (size_t i = 0; i < n->n_sub; i++) {
        struct tap_leaf *leaf = &e->leaves[i];
        leaf->depth = n->depth[i];
        build_plain(n->sub[i], e->keys + key, true, &leaf->script);
        key += n->sub[i]->n_keys;
        tapleaf_hash(leaf->hash, TAPLEAF_VERSION, buf_span(&leaf->script));
        write_u8(&leaf->control, TAPLEAF_VERSION); /* parity comes when the output key is known */
        write_bytes(&leaf->control, e->internal.b, 32);
    }
    tree_root(e);
}

static bool build_tr(const struct node *n, struct expansion *e, struct buf *out)
{
    uint8_t tweak[32];
    bool parity;

    e->internal = pubkey_xonly(&e->keys[0].pubkey);
    if (n->n_sub)
        build_leaves(n, e);
    taptweak_hash(tweak, &e->internal, e->has_root ? e->merkle_root : NULL);
    if (!taproot_tweak(&e->output, &parity, &e->internal, tweak))
        return false;
    for (size_t i = 0; parity && i < e->n_leaves; i++)
        e->leaves[i].control.data[0] |= 1;
    e->has_taproot = true;
    script_p2tr(out, &e->output);
    return true;
}

/* ---- the face ---- */

static bool build_scripts(const struct node *n, struct expansion *e)
{
    struct xonly key;

    if (n->kind == NODE_COMBO) {
        build_combo(e);
        return true;
    }
    struct buf *out = add_buf(&e->scripts, &e->n_scripts);
    switch (n->kind) {
    case NODE_SH:
    case NODE_WSH: build_wrapped(n, e, out); return true;
    case NODE_TR: return build_tr(n, e, out);
    case NODE_RAWTR:
        key = pubkey_xonly(&e->keys[0].pubkey);
        script_p2tr(out, &key);
        return true;
    case NODE_ADDR:
    case NODE_RAW: write_bytes(out, n->script.data, n->script.len); return true;
    case NODE_PK:
    case NODE_PKH:
    case NODE_WPKH:
    case NODE_MULTI:
    case NODE_SORTEDMULTI:
    case NODE_MULTI_A:
    case NODE_SORTEDMULTI_A:
    case NODE_COMBO: break;
    }
    build_plain(n, e->keys, false, out);
    return true;
}

bool descriptor_expand(const struct descriptor *d, uint32_t index, bool secrets,
                       struct expansion *out)
{
    memset(out, 0, sizeof(*out));
    return derive_keys(d->root, index, secrets, out) && build_scripts(d->root, out);
}

static void clear_list(struct buf *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_clear(&list[i]);
    free(list);
}

void expansion_clear(struct expansion *e)
{
    clear_list(e->scripts, e->n_scripts);
    clear_list(e->subscripts, e->n_subscripts);
    for (size_t i = 0; i < e->n_keys; i++)
        derived_key_clear(&e->keys[i]);
    for (size_t i = 0; i < e->n_leaves; i++) {
        buf_clear(&e->leaves[i].script);
        buf_clear(&e->leaves[i].control);
    }
    free(e->keys);
    free(e->leaves);
    memset(e, 0, sizeof(*e));
}

/* ---- provider ---- */

static const struct derived_key *key_by_id(const struct expansion *e, const uint8_t id[20])
{
    for (size_t i = 0; i < e->n_keys; i++) {
        uint8_t own[20];
        struct pubkey other = e->keys[i].pubkey;
        pubkey_id(&other, own);
        if (memcmp(own, id, 20) == 0)
            return &e->keys[i];
        if (other.len != 33)
            continue;
        other.data[0] ^= 1; /* x-only use knows no parity */
        pubkey_id(&other, own);
        if (e->has_taproot && memcmp(own, id, 20) == 0)
            return &e->keys[i];
    }
    return NULL;
}

static bool provide_key(void *arg, const uint8_t id[20], struct seckey *out)
{
    const struct derived_key *k = key_by_id(arg, id);

    if (!k || !k->has_seckey)
        return false;
    *out = k->seckey;
    return true;
}

static bool provide_pubkey(void *arg, const uint8_t id[20], struct pubkey *out)
{
    const struct derived_key *k = key_by_id(arg, id);

    if (!k)
        return false;
    *out = k->pubkey;
    return true;
}

static bool provide_script(void *arg, const uint8_t id[20], struct buf *out)
{
    const struct expansion *e = arg;

    for (size_t i = 0; i < e->n_subscripts; i++) {
        uint8_t own[20];
        hash160(own, e->subscripts[i].data, e->subscripts[i].len);
        if (memcmp(own, id, 20) != 0)
            continue;
        write_bytes(out, e->subscripts[i].data, e->subscripts[i].len);
        return true;
    }
    return false;
}

static bool provide_taproot(void *arg, const struct xonly *output, struct xonly *internal,
                            uint8_t root[32], bool *has_root)
{
    const struct expansion *e = arg;

    if (!e->has_taproot || memcmp(output, &e->output, sizeof(*output)) != 0)
        return false;
    *internal = e->internal;
    *has_root = e->has_root;
    if (e->has_root)
        memcpy(root, e->merkle_root, 32);
    return true;
}

void expansion_provider(const struct expansion *e, struct signing_provider *out)
{
    *out = (struct signing_provider){.key = provide_key,
                                     .pubkey = provide_pubkey,
                                     .script = provide_script,
                                     .taproot = provide_taproot,
                                     .arg = (void *)e};
}
