/*
 * Key expressions: their text, and the keys that they derive.
 *
 * What all indexes share is derived once, when the key comes in: the key at the last hardened step
 * (which normalised text shows) and the parent of the range. So a position costs one public
 * derivation, and a descriptor that has lost its private keys (locked wallet) or never had them
 * still derives as long as these two are remembered. A hardened range has no such parent: there
 * each position's key is remembered by itself.
 */
#include <stdlib.h>

#include "script/descriptor_tree.h"
#include "util/mem.h"

bool key_expr_is_range(const struct key_expr *k)
{
    return k->derive != DERIVE_NONE;
}

size_t key_expr_hardened_steps(const struct key_expr *k)
{
    size_t n = k->path_len;

    while (n && !(k->path[n - 1] & BIP32_HARDENED))
        n--;
    return n;
}

/* ---- text ---- */

static void print_steps(const uint32_t *path, size_t n, bool apostrophe, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        write_printf(out, "/%u%s", path[i] & ~BIP32_HARDENED,
                     path[i] & BIP32_HARDENED ? (apostrophe ? "'" : "h") : "");
}

static void print_range(const struct key_expr *k, bool apostrophe, struct buf *out)
{
    if (k->derive == DERIVE_NONE)
        return;
    write_printf(out, "/*%s", k->derive == DERIVE_HARDENED ? (apostrophe ? "'" : "h") : "");
}

static void print_owned(char *text, struct buf *out)
{
    size_t n = strlen(text);

    write_bytes(out, text, n);
    wipe(text, n);
    free(text);
}

static void print_constant(const struct address_params *p, const struct key_expr *k, bool secret,
                           struct buf *out)
{
    unsigned skip = k->xonly ? 1 : 0;

    if (secret && k->secret) {
        struct seckey key = k->secret->key;
        key.compressed = pubkey_compressed(&k->pubkey);
        print_owned(wif_encode(p, &key), out);
        wipe(&key, sizeof(key));
    } else {
        print_owned(hex_dup(k->pubkey.data + skip, k->pubkey.len - skip), out);
    }
}

static void own_fingerprint(const struct key_expr *k, uint8_t out[4])
{
    uint8_t id[20];

    pubkey_id(&k->pubkey, id);
    memcpy(out, id, 4);
}

static void print_fingerprint(const uint8_t fpr[4], struct buf *out)
{
    char hex[9];
    write_printf(out, "[%s", hex_encode(hex, fpr, 4));
}

/* The part of the path up to the last hardened step becomes origin. */
static bool print_normalized(const struct address_params *p, const struct key_expr *k,
                             size_t hardened, struct buf *out)
{
    struct ext_pubkey xpub;
    uint8_t fpr[4];

    if (!key_expr_ext_at(k, hardened, &xpub))
        return false;
    own_fingerprint(k, fpr);
    print_fingerprint(k->has_origin ? k->fingerprint : fpr, out);
    print_steps(k->origin, k->origin_len, false, out);
    print_steps(k->path, hardened, false, out);
    write_u8(out, ']');
    print_owned(ext_pubkey_encode(p, &xpub), out);
    print_steps(k->path + hardened, k->path_len - hardened, false, out);
    print_range(k, false, out);
    return true;
}

bool key_expr_print(const struct address_params *p, const struct key_expr *k, enum key_text how,
                    struct buf *out)
{
    size_t hardened = key_expr_hardened_steps(k);
    bool normalized = how == KEY_TEXT_NORMALIZED;
    bool apostrophe = how == KEY_TEXT_COMPAT || (k->apostrophe && !normalized);

    if (normalized && k->extended && hardened && k->derive != DERIVE_HARDENED)
        return print_normalized(p, k, hardened, out);
    if (k->has_origin) {
        print_fingerprint(k->fingerprint, out);
        print_steps(k->origin, k->origin_len, apostrophe, out);
        write_u8(out, ']');
    }
    if (!k->extended) {
        print_constant(p, k, how == KEY_TEXT_PRIVATE, out);
        return true;
    }
    if (how == KEY_TEXT_PRIVATE && k->secret)
        print_owned(ext_seckey_encode(p, k->secret), out);
    else
        print_owned(ext_pubkey_encode(p, &k->ext), out);
    print_steps(k->path, k->path_len, apostrophe, out);
    print_range(k, apostrophe, out);
    return true;
}

/* ---- derivation ---- */

static bool secret_at(const struct key_expr *k, size_t steps, struct ext_seckey *out)
{
    if (!k->secret)
        return false;
    *out = *k->secret;
    for (size_t i = 0; i < steps; i++)
        if (!ext_seckey_derive(out, out, k->path[i]))
            return false;
    return true;
}

static bool public_steps(struct ext_pubkey *x, const uint32_t *path, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!ext_pubkey_derive(x, x, path[i]))
            return false;
    return true;
}

bool key_expr_ext_at(const struct key_expr *k, size_t steps, struct ext_pubkey *out)
{
    size_t hardened = key_expr_hardened_steps(k);
    struct ext_seckey secret;

    if (!k->extended)
        return false;
    if (k->has_parent && steps == k->path_len) {
        *out = k->parent;
        return true;
    }
    if (k->has_last_hardened && steps >= hardened) {
        *out = k->last_hardened;
        return public_steps(out, k->path + hardened, steps - hardened);
    }
    if (hardened == 0) {
        *out = k->ext;
        return public_steps(out, k->path, steps);
    }
    bool ok = secret_at(k, steps, &secret);
    if (ok)
        ext_seckey_neuter(out, &secret);
    wipe(&secret, sizeof(secret));
    return ok;
}

void key_expr_prepare(struct key_expr *k)
{
    size_t hardened = key_expr_hardened_steps(k);

    if (!k->extended)
        return;
    if (!k->has_last_hardened && hardened)
        k->has_last_hardened = key_expr_ext_at(k, hardened, &k->last_hardened);
    if (!k->has_parent)
        k->has_parent = key_expr_ext_at(k, k->path_len, &k->parent);
}

static const struct cached_key *find_cached(const struct key_expr *k, uint32_t index, size_t *at)
{
    size_t lo = 0, hi = k->n_cached;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (k->cached[mid].index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (at)
        *at = lo;
    return lo < k->n_cached && k->cached[lo].index == index ? &k->cached[lo] : NULL;
}

static bool derive_secret(const struct key_expr *k, uint32_t index, struct ext_seckey *out)
{
    if (!secret_at(k, k->path_len, out))
        return false;
    if (k->derive == DERIVE_NONE)
        return true;
    return ext_seckey_derive(out, out,
                             k->derive == DERIVE_HARDENED ? index | BIP32_HARDENED : index);
}

static bool derive_public(const struct key_expr *k, uint32_t index, struct ext_pubkey *out)
{
    struct ext_seckey secret;
    const struct cached_key *hit;

    if (k->derive != DERIVE_HARDENED) {
        if (!key_expr_ext_at(k, k->path_len, out))
            return false;
        return k->derive == DERIVE_NONE || ext_pubkey_derive(out, out, index);
    }
    if ((hit = find_cached(k, index, NULL))) {
        *out = hit->xpub;
        return true;
    }
    bool ok = derive_secret(k, index, &secret);
    if (ok)
        ext_seckey_neuter(out, &secret);
    wipe(&secret, sizeof(secret));
    return ok;
}

static void set_origin(const struct key_expr *k, uint32_t index, struct derived_key *out)
{
    size_t n = 0;
    bool range = k->derive != DERIVE_NONE;

    if (k->has_origin)
        memcpy(out->fingerprint, k->fingerprint, 4);
    else
        own_fingerprint(k, out->fingerprint);
    out->path = xcalloc(k->origin_len + k->path_len + 1, sizeof(*out->path));
    for (size_t i = 0; i < k->origin_len; i++)
        out->path[n++] = k->origin[i];
    for (size_t i = 0; i < k->path_len; i++)
        out->path[n++] = k->path[i];
    if (range)
        out->path[n++] = k->derive == DERIVE_HARDENED ? index | BIP32_HARDENED : index;
    out->path_len = n;
}

bool key_expr_derive(const struct key_expr *k, uint32_t index, bool secrets,
                     struct derived_key *out)
{
    struct ext_pubkey xpub;
    struct ext_seckey secret;

    if (!k->extended) {
        out->pubkey = k->pubkey;
    } else {
        if (!derive_public(k, index, &xpub))
            return false;
        out->pubkey = xpub.key;
    }
    set_origin(k, index, out);
    if (!secrets || !k->secret)
        return true;
    if (!k->extended) {
        out->seckey = k->secret->key;
        out->seckey.compressed = pubkey_compressed(&k->pubkey);
        out->has_seckey = true;
    } else if (derive_secret(k, index, &secret)) {
        out->seckey = secret.key;
        out->seckey.compressed = true;
        out->has_seckey = true;
        wipe(&secret, sizeof(secret));
    }
    return true;
}

void derived_key_clear(struct derived_key *k)
{
    free(k->path);
    wipe(k, sizeof(*k));
}

/* ---- what a wallet file remembers ---- */

static void add_item(struct descriptor_cache_item **items, size_t *n, size_t *cap,
                     enum descriptor_cache_kind kind, size_t key, uint32_t index,
                     const struct ext_pubkey *xpub)
{
    *items = array_reserve(*items, cap, *n + 1, sizeof(**items));
    (*items)[(*n)++] = (struct descriptor_cache_item){kind, (uint32_t)key, index, *xpub};
}

size_t descriptor_cache_get(struct descriptor *d, uint32_t from, uint32_t to,
                            struct descriptor_cache_item **items)
{
    size_t n_keys, n = 0, cap = 0;
    struct key_expr **keys = descriptor_keys(d, &n_keys);

    *items = NULL;
    for (size_t i = 0; i < n_keys; i++) {
        struct key_expr *k = keys[i];
        struct ext_pubkey xpub;
        if (!k->extended)
            continue;
        if (k->derive != DERIVE_HARDENED && k->has_parent)
            add_item(items, &n, &cap, DESCRIPTOR_CACHE_PARENT, i, 0, &k->parent);
        if (k->has_last_hardened)
            add_item(items, &n, &cap, DESCRIPTOR_CACHE_LAST_HARDENED, i, 0, &k->last_hardened);
        for (uint32_t at = from; k->derive == DERIVE_HARDENED && at < to; at++)
            if (derive_public(k, at, &xpub))
                add_item(items, &n, &cap, DESCRIPTOR_CACHE_DERIVED, i, at, &xpub);
    }
    free(keys);
    return n;
}

static void put_derived(struct key_expr *k, uint32_t index, const struct ext_pubkey *xpub)
{
    size_t at;

    if (find_cached(k, index, &at))
        return;
    k->cached = array_reserve(k->cached, &k->cap_cached, k->n_cached + 1, sizeof(*k->cached));
    memmove(k->cached + at + 1, k->cached + at, (k->n_cached - at) * sizeof(*k->cached));
    k->cached[at] = (struct cached_key){index, *xpub};
    k->n_cached++;
}

bool descriptor_cache_put(struct descriptor *d, const struct descriptor_cache_item *item)
{
    size_t n;
    struct key_expr **keys = descriptor_keys(d, &n);
    struct key_expr *k = item->key < n ? keys[item->key] : NULL;

    free(keys);
    if (!k || !k->extended)
        return false;
    switch (item->kind) {
    case DESCRIPTOR_CACHE_PARENT:
        k->parent = item->xpub;
        k->has_parent = true;
        break;
    case DESCRIPTOR_CACHE_LAST_HARDENED:
        k->last_hardened = item->xpub;
        k->has_last_hardened = true;
        break;
    case DESCRIPTOR_CACHE_DERIVED: put_derived(k, item->index, &item->xpub); break;
    }
    return true;
}
