/*
 * Descriptors: the tree's memory, what it is (range, type, keys), and its text forms.
 *
 * A descriptor holds the private keys that its text held, in secret memory; a wallet whose keys
 * live elsewhere gives them and takes them away with descriptor_add_seckey() and
 * descriptor_forget_seckeys(). Text is made on demand: nothing of the original is kept but the way
 * in which hardened steps were written.
 */
#include "script/descriptor.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "script/descriptor_tree.h"
#include "util/mem.h"

const char *const node_names[] = {
    [NODE_PK] = "pk",           [NODE_PKH] = "pkh",
    [NODE_WPKH] = "wpkh",       [NODE_COMBO] = "combo",
    [NODE_MULTI] = "multi",     [NODE_SORTEDMULTI] = "sortedmulti",
    [NODE_MULTI_A] = "multi_a", [NODE_SORTEDMULTI_A] = "sortedmulti_a",
    [NODE_SH] = "sh",           [NODE_WSH] = "wsh",
    [NODE_TR] = "tr",           [NODE_RAWTR] = "rawtr",
    [NODE_ADDR] = "addr",       [NODE_RAW] = "raw"};

static const char *const type_names[] = {"legacy", "p2sh-segwit", "bech32", "bech32m", "unknown"};

const char *output_type_name(enum output_type t)
{
    return type_names[t];
}

bool output_type_parse(const char *s, enum output_type *out)
{
    for (int t = OUTPUT_LEGACY; t < OUTPUT_UNKNOWN; t++) {
        if (strcmp(s, type_names[t]) != 0)
            continue;
        *out = (enum output_type)t;
        return true;
    }
    return false;
}

/* ---- memory ---- */

void key_expr_clear(struct key_expr *k)
{
    free(k->origin);
    free(k->path);
    free(k->cached);
    if (k->secret)
        secret_free(k->secret, sizeof(*k->secret));
    memset(k, 0, sizeof(*k));
}

void node_free(struct node *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n_keys; i++)
        key_expr_clear(&n->keys[i]);
    for (size_t i = 0; i < n->n_sub; i++)
        node_free(n->sub[i]);
    free(n->keys);
    free(n->sub);
    free(n->depth);
    buf_clear(&n->script);
    free(n);
}

void descriptor_free(struct descriptor *d)
{
    if (!d)
        return;
    node_free(d->root);
    free(d);
}

void descriptors_free(struct descriptor **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        descriptor_free(list[i]);
    free(list);
}

/* ---- asking ---- */

static size_t collect_keys(struct node *n, struct key_expr **out)
{
    size_t count = 0;

    for (size_t i = 0; i < n->n_keys; i++, count++)
        if (out)
            out[count] = &n->keys[i];
    for (size_t i = 0; i < n->n_sub; i++)
        count += collect_keys(n->sub[i], out ? out + count : NULL);
    return count;
}

struct key_expr **descriptor_keys(const struct descriptor *d, size_t *n)
{
    *n = collect_keys(d->root, NULL);
    struct key_expr **keys = xcalloc(*n + 1, sizeof(*keys));
    collect_keys(d->root, keys);
    return keys;
}

bool descriptor_is_range(const struct descriptor *d)
{
    size_t n;
    bool range = false;
    struct key_expr **keys = descriptor_keys(d, &n);

    for (size_t i = 0; i < n; i++)
        range = range || key_expr_is_range(keys[i]);
    free(keys);
    return range;
}

bool descriptor_is_solvable(const struct descriptor *d)
{
    return d->root->kind != NODE_ADDR && d->root->kind != NODE_RAW && d->root->kind != NODE_RAWTR;
}

static size_t count_private(const struct descriptor *d, size_t *n_keys)
{
    size_t known = 0;
    struct key_expr **keys = descriptor_keys(d, n_keys);

    for (size_t i = 0; i < *n_keys; i++)
        known += keys[i]->secret != NULL;
    free(keys);
    return known;
}

bool descriptor_has_private(const struct descriptor *d)
{
    size_t n;
    return count_private(d, &n) > 0;
}

bool descriptor_has_all_private(const struct descriptor *d)
{
    size_t n;
    return count_private(d, &n) == n && n > 0;
}

bool descriptor_is_combo(const struct descriptor *d)
{
    return d->root->kind == NODE_COMBO;
}

bool descriptor_is_single_type(const struct descriptor *d)
{
    return d->root->kind != NODE_COMBO;
}

static enum output_type script_output_type(struct span script)
{
    struct destination dest;

    if (!script_to_destination(script, &dest))
        return OUTPUT_UNKNOWN;
    switch (dest.type) {
    case DEST_P2PKH: return OUTPUT_LEGACY;
    case DEST_P2SH: return OUTPUT_LEGACY;
    case DEST_P2WPKH:
    case DEST_P2WSH: return OUTPUT_BECH32;
    case DEST_P2TR:
    case DEST_WITNESS: return OUTPUT_BECH32M;
    case DEST_NONE:
    case DEST_PUBKEY:
    case DEST_ANCHOR: break;
    }
    return OUTPUT_UNKNOWN;
}

enum output_type descriptor_output_type(const struct descriptor *d)
{
    switch (d->root->kind) {
    case NODE_PKH: return OUTPUT_LEGACY;
    case NODE_WPKH:
    case NODE_WSH: return OUTPUT_BECH32;
    case NODE_SH:
        return d->root->sub[0]->kind == NODE_WPKH || d->root->sub[0]->kind == NODE_WSH
                   ? OUTPUT_P2SH_SEGWIT
                   : OUTPUT_LEGACY;
    case NODE_TR:
    case NODE_RAWTR: return OUTPUT_BECH32M;
    case NODE_ADDR:
    case NODE_RAW: return script_output_type(buf_span(&d->root->script));
    case NODE_PK:
    case NODE_COMBO:
    case NODE_MULTI:
    case NODE_SORTEDMULTI:
    case NODE_MULTI_A:
    case NODE_SORTEDMULTI_A: break;
    }
    return OUTPUT_UNKNOWN;
}

/* ---- text ---- */

static bool print_node(const struct address_params *p, const struct node *n, enum key_text how,
                       struct buf *out);

/* The leaves as a tree: a brace opens where the next leaf lies deeper, and closes behind right
 * sides. */
static bool print_tree(const struct address_params *p, const struct node *n, enum key_text how,
                       struct buf *out)
{
    bool right[TAPROOT_MAX_DEPTH + 1];
    unsigned depth = 0;

    for (size_t i = 0; i < n->n_sub; i++) {
        if (i)
            write_u8(out, ',');
        for (; depth < n->depth[i]; depth++) {
            write_u8(out, '{');
            right[depth] = false;
        }
        if (!print_node(p, n->sub[i], how, out))
            return false;
        while (depth && right[depth - 1]) {
            write_u8(out, '}');
            depth--;
        }
        if (depth)
            right[depth - 1] = true;
    }
    return true;
}

static bool print_arguments(const struct address_params *p, const struct node *n, enum key_text how,
                            struct buf *out)
{
    bool multi = n->kind >= NODE_MULTI && n->kind <= NODE_SORTEDMULTI_A;

    if (multi)
        write_printf(out, "%u", n->threshold);
    for (size_t i = 0; i < n->n_keys; i++) {
        if (multi || i)
            write_u8(out, ',');
        if (!key_expr_print(p, &n->keys[i], how, out))
            return false;
    }
    if (n->n_sub == 0)
        return true;
    if (n->n_keys)
        write_u8(out, ',');
    return print_tree(p, n, how, out);
}

static bool print_node(const struct address_params *p, const struct node *n, enum key_text how,
                       struct buf *out)
{
    bool ok = true;
    char *text = NULL;

    write_printf(out, "%s(", node_names[n->kind]);
    if (n->kind == NODE_ADDR)
        text = address_encode(p, &n->destination);
    else if (n->kind == NODE_RAW)
        text = hex_dup(n->script.data, n->script.len);
    else
        ok = print_arguments(p, n, how, out);
    if (text)
        write_bytes(out, text, strlen(text));
    write_u8(out, ')');
    free(text);
    return ok;
}

bool descriptor_print(const struct address_params *p, const struct descriptor *d, enum key_text how,
                      struct buf *out)
{
    return print_node(p, d->root, how, out);
}

char *descriptor_to_string(const struct address_params *p, const struct descriptor *d)
{
    struct buf b = BUF_INIT;

    CHECK(descriptor_print(p, d, KEY_TEXT_PUBLIC, &b));
    return descriptor_finish_text(&b);
}

char *descriptor_to_private_string(const struct address_params *p, const struct descriptor *d)
{
    struct buf b = BUF_INIT;

    if (!descriptor_has_private(d))
        return NULL;
    CHECK(descriptor_print(p, d, KEY_TEXT_PRIVATE, &b));
    return descriptor_finish_text(&b);
}

char *descriptor_to_normalized_string(const struct address_params *p, const struct descriptor *d)
{
    struct buf b = BUF_INIT;

    if (descriptor_print(p, d, KEY_TEXT_NORMALIZED, &b))
        return descriptor_finish_text(&b);
    buf_clear(&b);
    return NULL;
}

void descriptor_id(const struct address_params *p, const struct descriptor *d, uint8_t out[32])
{
    struct buf b = BUF_INIT;
    char sum[9];

    CHECK(descriptor_print(p, d, KEY_TEXT_COMPAT, &b));
    write_u8(&b, 0);
    CHECK(descriptor_checksum((const char *)b.data, sum));
    b.len--;
    write_printf(&b, "#%s", sum);
    sha256(out, b.data, b.len);
    buf_clear(&b);
}

/* ---- keys ---- */

size_t descriptor_seckeys(const struct descriptor *d, struct seckey *out, size_t max)
{
    size_t n, found = 0;
    struct key_expr **keys = descriptor_keys(d, &n);

    for (size_t i = 0; i < n; i++) {
        if (!keys[i]->secret)
            continue;
        if (found < max) {
            out[found] = keys[i]->secret->key;
            out[found].compressed = pubkey_compressed(&keys[i]->pubkey);
        }
        found++;
    }
    free(keys);
    return found;
}

/* An x-only key stands for both points: its private key is either's. */
static bool is_key_of(const struct key_expr *k, const struct pubkey *pk)
{
    if (k->xonly)
        return pk->len == 33 && memcmp(k->pubkey.data + 1, pk->data + 1, 32) == 0;
    return pubkey_eq(&k->pubkey, pk);
}

bool descriptor_add_seckey(struct descriptor *d, const struct seckey *key)
{
    struct pubkey pk;
    size_t n;
    bool found = false;

    if (!seckey_pubkey(&pk, key))
        return false;
    struct key_expr **keys = descriptor_keys(d, &n);
    for (size_t i = 0; i < n; i++) {
        struct key_expr *k = keys[i];
        if (!is_key_of(k, &pk))
            continue;
        found = true;
        if (k->secret)
            continue;
        k->secret = secret_alloc(sizeof(*k->secret));
        memset(k->secret, 0, sizeof(*k->secret));
        k->secret->key = *key;
        if (!k->extended)
            continue;
        k->secret->depth = k->ext.depth;
        k->secret->child = k->ext.child;
        memcpy(k->secret->parent, k->ext.parent, 4);
        memcpy(k->secret->chaincode, k->ext.chaincode, 32);
        key_expr_prepare(k);
    }
    free(keys);
    return found;
}

void descriptor_forget_seckeys(struct descriptor *d)
{
    size_t n;
    struct key_expr **keys = descriptor_keys(d, &n);

    for (size_t i = 0; i < n; i++) {
        if (keys[i]->secret)
            secret_free(keys[i]->secret, sizeof(*keys[i]->secret));
        keys[i]->secret = NULL;
    }
    free(keys);
}

size_t descriptor_root_pubkeys(const struct descriptor *d, struct pubkey *out, size_t max)
{
    size_t n;
    struct key_expr **keys = descriptor_keys(d, &n);

    for (size_t i = 0; i < n && i < max; i++)
        out[i] = keys[i]->pubkey;
    free(keys);
    return n;
}

size_t descriptor_ext_pubkeys(const struct descriptor *d, struct ext_pubkey *out, size_t max)
{
    size_t n, found = 0;
    struct key_expr **keys = descriptor_keys(d, &n);

    for (size_t i = 0; i < n; i++) {
        if (!keys[i]->extended)
            continue;
        if (found < max)
            out[found] = keys[i]->ext;
        found++;
    }
    free(keys);
    return found;
}

bool descriptor_ext_seckey(const struct descriptor *d, size_t which, struct ext_seckey *out)
{
    size_t n, found = 0;
    bool ok = false;
    struct key_expr **keys = descriptor_keys(d, &n);

    for (size_t i = 0; i < n && !ok; i++) {
        if (!keys[i]->extended || found++ != which)
            continue;
        if (!keys[i]->secret)
            break;
        *out = *keys[i]->secret;
        ok = true;
    }
    free(keys);
    return ok;
}
