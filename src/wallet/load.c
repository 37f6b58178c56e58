/*
 * Reading a wallet file: all records by name, in an order in which each finds what it needs:
 * descriptors, then their caches and keys, then scripts, then the address book and transactions.
 *
 * A record that cannot be understood is an error where keys or descriptors may be lost by going on,
 * and a warning where it is about transactions: then the chain is scanned again.
 */
#include <stdlib.h>

#include "crypto/hash.h"
#include "util/log.h"
#include "util/mem.h"
#include "wallet/inside.h"

#define TEXT_MAX (1 << 20)

struct loading {
    struct wallet *w;
    bool corrupt; /* keys or descriptors */
    bool newer;   /* asks for a newer program */
    bool bad_descriptor;
    bool bad_tx;
    char *detail;
};

static struct span key_rest(struct span key, size_t name_len)
{
    return span_of(key.data + 1 + name_len, key.len - 1 - name_len);
}

/* Visits the records of one name with the rest of their keys. */
struct visit {
    struct loading *l;
    size_t name_len;
    bool (*record)(struct loading *l, struct span key, struct span value);
};

static bool visit_record(void *arg, struct span key, struct span value)
{
    struct visit *v = arg;
    return v->record(v->l, key_rest(key, v->name_len), value);
}

static bool each(struct loading *l, const char *name,
                 bool (*record)(struct loading *l, struct span key, struct span value))
{
    struct visit v = {l, strlen(name), record};
    struct buf prefix = BUF_INIT;

    write_var_span(&prefix, span_of(name, strlen(name)));
    bool ok = wallet_db_each(l->w->db, buf_span(&prefix), visit_record, &v);
    buf_clear(&prefix);
    return ok;
}

static bool corrupt(struct loading *l, const char *what)
{
    log_error("[%s] wallet file: %s", l->w->name, what);
    l->corrupt = true;
    return true; /* go on, to name all */
}

static char *read_text(struct reader *r)
{
    struct span s = read_var_span(r, TEXT_MAX);
    return xstrndup((const char *)s.data, s.len);
}

/* ---- records ---- */

static bool load_flags(struct loading *l, struct span key, struct span value)
{
    const uint64_t known = WALLET_FLAG_AVOID_REUSE | WALLET_FLAG_KEY_ORIGIN_METADATA |
                           WALLET_FLAG_LAST_HARDENED_CACHED | WALLET_FLAG_DISABLE_PRIVATE_KEYS |
                           WALLET_FLAG_BLANK | WALLET_FLAG_DESCRIPTORS |
                           WALLET_FLAG_EXTERNAL_SIGNER;
    struct reader r;

    (void)key;
    reader_init(&r, value.data, value.len);
    l->w->flags = read_u64(&r);
    if (!reader_ok(&r))
        return corrupt(l, "flags cannot be read");
    /* Flags of the upper half must be understood. */
    l->newer = l->newer || ((l->w->flags & ~known) >> 32) != 0;
    return true;
}

static bool load_descriptor(struct loading *l, struct span key, struct span value)
{
    struct reader r;
    struct descriptor **list = NULL;
    size_t n = 0;
    char *error = NULL;

    reader_init(&r, value.data, value.len);
    char *text = read_text(&r);
    int64_t created = read_i64(&r);
    int32_t next = read_i32(&r), begin = read_i32(&r), end = read_i32(&r);
    if (!reader_ok(&r) || key.len != 32 || begin < 0 || end < begin || next < 0) {
        corrupt(l, "a descriptor cannot be read");
    } else if (!descriptor_parse(&l->w->set->o.net->address, text, true, &list, &n, &error)) {
        log_error("[%s] descriptor %s: %s", l->w->name, text, error);
        l->bad_descriptor = true;
    } else if (n != 1) {
        descriptors_free(list, n);
        corrupt(l, "a descriptor has several paths");
    } else {
        struct wallet_descriptor *d =
            wallet_add_descriptor(l->w, list[0], created, begin, end, next);
        free(list);
        if (memcmp(d->id, key.data, 32) != 0)
            corrupt(l, "the id of a descriptor is not that of its text");
    }
    free(error);
    free(text);
    return true;
}

static bool load_cache_item(struct loading *l, struct span key, struct span value,
                            bool last_hardened)
{
    struct descriptor_cache_item item = {.kind = DESCRIPTOR_CACHE_PARENT};
    struct wallet_descriptor *d = key.len >= 36 ? wallet_find_descriptor(l->w, key.data) : NULL;
    struct reader r;

    if (!d)
        return l->bad_descriptor || corrupt(l, "a cached key belongs to no descriptor");
    item.key = get_le32(key.data + 32);
    if (last_hardened) {
        item.kind = DESCRIPTOR_CACHE_LAST_HARDENED;
    } else if (key.len == 40) {
        item.kind = DESCRIPTOR_CACHE_DERIVED;
        item.index = get_le32(key.data + 36);
    }
    reader_init(&r, value.data, value.len);
    struct span xpub = read_var_span(&r, 74);
    if (!reader_ok(&r) || xpub.len != 74 || !ext_pubkey_read(&item.xpub, xpub.data) ||
        !descriptor_cache_put(d->d, &item))
        return corrupt(l, "a cached key cannot be read");
    return true;
}

static bool load_cache(struct loading *l, struct span key, struct span value)
{
    return load_cache_item(l, key, value, false);
}

static bool load_hardened_cache(struct loading *l, struct span key, struct span value)
{
    return load_cache_item(l, key, value, true);
}

/* The public key behind the descriptor's id. */
static struct wallet_descriptor *key_owner(struct loading *l, struct span key, struct pubkey *pk)
{
    struct reader r;

    if (key.len < 33)
        return NULL;
    reader_init(&r, key.data + 32, key.len - 32);
    struct span s = read_var_span(&r, 65);
    if (!reader_done(&r) || !pubkey_from_bytes(pk, s.data, s.len))
        return NULL;
    return wallet_find_descriptor(l->w, key.data);
}

/* The 32 bytes inside a SEC1 private key: the octet string after the version. */
static bool private_of_der(struct span der, uint8_t out[32])
{
    size_t at = der.len == 214 ? 6 : der.len == 279 ? 7 : 0;

    if (!at || der.data[at] != 0x04 || der.data[at + 1] != 0x20)
        return false;
    memcpy(out, der.data + at + 2, 32);
    return true;
}

static bool load_key(struct loading *l, struct span key, struct span value)
{
    struct pubkey pk = {0};
    struct seckey secret = {0};
    struct wallet_descriptor *d = key_owner(l, key, &pk);
    struct reader r;
    struct sha256 h;
    uint8_t check[32], stored[32];

    if (!d)
        return l->bad_descriptor || corrupt(l, "a private key belongs to no descriptor");
    reader_init(&r, value.data, value.len);
    struct span der = read_var_span(&r, 279);
    read_bytes(&r, stored, 32);
    sha256_init(&h);
    sha256_write(&h, pk.data, pk.len);
    sha256_write(&h, der.data, der.len);
    sha256d_final(&h, check);
    secret.compressed = pubkey_compressed(&pk);
    bool ok = reader_ok(&r) && memcmp(check, stored, 32) == 0 && private_of_der(der, secret.b) &&
              descriptor_add_seckey(d->d, &secret);
    wipe(&secret, sizeof(secret));
    d->has_private = true;
    return ok || corrupt(l, "a private key is damaged");
}

static bool load_crypted_key(struct loading *l, struct span key, struct span value)
{
    struct wallet_key k = {0};
    struct wallet_descriptor *d = key_owner(l, key, &k.pubkey);
    struct reader r;

    if (!d)
        return l->bad_descriptor || corrupt(l, "an encrypted key belongs to no descriptor");
    reader_init(&r, value.data, value.len);
    struct span secret = read_var_span(&r, 64);
    if (!reader_ok(&r) || secret.len != sizeof(k.secret))
        return corrupt(l, "an encrypted key is damaged");
    memcpy(k.secret, secret.data, sizeof(k.secret));
    d->keys = xreallocarray(d->keys, d->n_keys + 1, sizeof(*d->keys));
    d->keys[d->n_keys++] = k;
    d->has_private = true;
    return true;
}

static bool load_master_key(struct loading *l, struct span key, struct span value)
{
    struct wallet *w = l->w;
    struct master_key m = {0};
    struct reader r;

    if (key.len != 4)
        return corrupt(l, "a master key has no number");
    m.id = get_le32(key.data);
    reader_init(&r, value.data, value.len);
    struct span crypted = read_var_span(&r, 64), salt = read_var_span(&r, 64);
    m.method = read_u32(&r);
    m.iterations = read_u32(&r);
    struct span other = read_var_span(&r, TEXT_MAX);
    if (!reader_ok(&r) || crypted.len != sizeof(m.crypted) || salt.len != sizeof(m.salt))
        return corrupt(l, "a master key is damaged");
    memcpy(m.crypted, crypted.data, crypted.len);
    memcpy(m.salt, salt.data, salt.len);
    write_span(&m.other, other);
    w->mkeys = xreallocarray(w->mkeys, w->n_mkeys + 1, sizeof(*w->mkeys));
    w->mkeys[w->n_mkeys++] = m;
    return true;
}

static bool load_active(struct loading *l, struct span key, struct span value, bool internal)
{
    struct wallet_descriptor *d = value.len == 32 ? wallet_find_descriptor(l->w, value.data) : NULL;

    if (!d || key.len != 1 || key.data[0] >= OUTPUT_UNKNOWN)
        return l->bad_descriptor || corrupt(l, "an active descriptor is not there");
    l->w->active[internal][key.data[0]] = d;
    d->active = true;
    d->internal = internal;
    return true;
}

static bool load_external(struct loading *l, struct span key, struct span value)
{
    return load_active(l, key, value, false);
}

static bool load_internal(struct loading *l, struct span key, struct span value)
{
    return load_active(l, key, value, true);
}

static bool load_order(struct loading *l, struct span key, struct span value)
{
    (void)key;
    if (value.len == 8)
        l->w->next_order = (int64_t)get_le64(value.data);
    return true;
}

static char *record_text(struct span s)
{
    struct reader r;

    reader_init(&r, s.data, s.len);
    char *text = read_text(&r);
    if (reader_ok(&r))
        return text;
    free(text);
    return NULL;
}

static bool load_name(struct loading *l, struct span key, struct span value)
{
    char *address = record_text(key), *label = record_text(value);

    if (address && label) {
        struct address_entry *e = wallet_book_entry(l->w, address, true);
        free(e->label);
        e->label = label;
        label = NULL;
    }
    free(address);
    free(label);
    return true;
}

static bool load_purpose(struct loading *l, struct span key, struct span value)
{
    char *address = record_text(key), *purpose = record_text(value);

    for (int p = PURPOSE_RECEIVE; address && purpose && p <= PURPOSE_REFUND; p++)
        if (strcmp(purpose, address_purpose_name((enum address_purpose)p)) == 0)
            wallet_book_entry(l->w, address, true)->purpose = (enum address_purpose)p;
    free(address);
    free(purpose);
    return true;
}

static bool load_destdata(struct loading *l, struct span key, struct span value)
{
    struct reader r;

    (void)value;
    reader_init(&r, key.data, key.len);
    char *address = read_text(&r), *name = read_text(&r);
    if (reader_ok(&r) && strcmp(name, "used") == 0)
        wallet_book_entry(l->w, address, true)->used = true;
    free(address);
    free(name);
    return true;
}

static bool load_locked(struct loading *l, struct span key, struct span value)
{
    struct wallet *w = l->w;
    struct locked_coin c = {.persistent = true};

    (void)value;
    if (key.len != 36)
        return true;
    memcpy(c.out.txid.b, key.data, 32);
    c.out.n = get_le32(key.data + 32);
    w->locked = array_reserve(w->locked, &w->cap_locked, w->n_locked + 1, sizeof(*w->locked));
    w->locked[w->n_locked++] = c;
    return true;
}

static bool load_tx(struct loading *l, struct span key, struct span value)
{
    struct wtx *tx = xcalloc(1, sizeof(*tx));

    if (!wallet_read_tx(tx, value) || key.len != 32 || memcmp(tx->txid.b, key.data, 32) != 0) {
        log_warning("[%s] a transaction of the wallet file cannot be read", l->w->name);
        l->bad_tx = true;
        wtx_free(tx);
        return true;
    }
    if (tx->order < 0)
        tx->order = l->w->next_order++;
    if (tx->order >= l->w->next_order)
        l->w->next_order = tx->order + 1;
    wallet_index_tx(l->w, tx);
    return true;
}

static bool load_variant(struct loading *l, struct span key, struct span value)
{
    struct txid txid;
    struct wtxid wtxid;

    (void)value;
    if (key.len != 64)
        return true;
    memcpy(txid.b, key.data, 32);
    memcpy(wtxid.b, key.data + 32, 32);
    struct wtx *t = wallet_tx_mutable(l->w, &txid);
    if (!t || wtxid_eq(&t->tx->wtxid, &wtxid))
        return true;
    t->variants = xreallocarray(t->variants, t->n_variants + 1, sizeof(*t->variants));
    t->variants[t->n_variants++] = wtxid;
    return true;
}

static bool found_one(struct loading *l, struct span key, struct span value)
{
    (void)key;
    (void)value;
    l->corrupt = true;
    return true;
}

/* Keys outside of descriptors: a wallet of before them, or one that was tampered with. */
static bool has_legacy(struct loading *l, bool *has)
{
    static const char *const names[] = {"ckey", "cscript", "defaultkey", "hdchain",   "keymeta",
                                        "key",  "wkey",    "pool",       "watchmeta", "watchs"};
    struct loading probe = {.w = l->w};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!each(&probe, names[i], found_one))
            return false;
    *has = probe.corrupt;
    return true;
}

/* ---- the whole ---- */

static char *judge(const struct loading *l, bool legacy, const char *file)
{
    bool descriptors = l->w->flags & WALLET_FLAG_DESCRIPTORS;

    if (l->newer)
        return xasprintf("Error loading %s: Wallet requires newer version of mite", file);
    if (!descriptors && legacy)
        return xasprintf(
            "Error loading %s: Wallet is a legacy wallet. Please migrate to a descriptor "
            "wallet using the migration tool (migratewallet RPC).",
            file);
    if (legacy)
        return xasprintf(
            "Unexpected legacy entry in descriptor wallet found. Loading wallet %s\n\n"
            "The wallet might have been tampered with or created with malicious intent.\n",
            file);
    if (l->bad_descriptor)
        return xasprintf("Unrecognized descriptor found. Loading wallet %s\n\n"
                         "The wallet might have been created on a newer version.\n"
                         "Please try running the latest software version.\n",
                         file);
    if (l->corrupt)
        return xasprintf("Error loading %s: Wallet corrupted", file);
    if (l->w->flags & WALLET_FLAG_EXTERNAL_SIGNER)
        return xasprintf("Error loading %s: External signer wallet being loaded without external "
                         "signer support compiled",
                         file);
    return NULL;
}

static bool read_all(struct loading *l)
{
    static const struct {
        const char *name;
        bool (*record)(struct loading *l, struct span key, struct span value);
    } steps[] = {
        {"flags", load_flags},
        {"walletdescriptor", load_descriptor},
        {"walletdescriptorcache", load_cache},
        {"walletdescriptorlhcache", load_hardened_cache},
        {"walletdescriptorkey", load_key},
        {"walletdescriptorckey", load_crypted_key},
        {"mkey", load_master_key},
        {"activeexternalspk", load_external},
        {"activeinternalspk", load_internal},
        {"orderposnext", load_order},
        {"name", load_name},
        {"purpose", load_purpose},
        {"destdata", load_destdata},
        {"lockedutxo", load_locked},
    };

    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (!each(l, steps[i].name, steps[i].record))
            return false;
    if (l->corrupt || l->bad_descriptor || l->newer)
        return true;
    wallet_fill_all(l->w);
    return each(l, "tx", load_tx) && each(l, "wtxvariant", load_variant);
}

bool wallet_load_records(struct wallet *w, char **error, char **warning)
{
    struct loading l = {.w = w};
    bool legacy = false;

    if (!read_all(&l) || !has_legacy(&l, &legacy)) {
        *error = xasprintf("Error loading %s", w->file);
        return false;
    }
    *error = judge(&l, legacy, w->file);
    if (*error)
        return false;
    if (l.bad_tx)
        *warning = xasprintf("Error reading %s! Transaction data may be missing or incorrect. "
                             "Rescanning wallet.",
                             w->file);
    return true;
}

bool wallet_read_best_block(struct wallet *w, struct block_hash **locator, size_t *n)
{
    static const char *const names[] = {"bestblock", "bestblock_nomerkle"};

    *locator = NULL;
    *n = 0;
    for (size_t i = 0; i < ARRAY_LEN(names) && *n == 0; i++) {
        struct buf key = BUF_INIT, value = BUF_INIT;
        struct reader r;
        write_var_span(&key, span_of(names[i], strlen(names[i])));
        if (wallet_db_get(w->db, buf_span(&key), &value) == 1) {
            reader_init(&r, value.data, value.len);
            read_u32(&r);
            *n = (size_t)read_compact(&r, 101);
            *locator = xrealloc(*locator, (*n + 1) * sizeof(**locator));
            for (size_t j = 0; j < *n; j++)
                read_bytes(&r, (*locator)[j].b, 32);
            if (!reader_ok(&r))
                *n = 0;
        }
        buf_clear(&key);
        buf_clear(&value);
    }
    return true;
}
