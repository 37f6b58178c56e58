/*
 * Descriptors of a wallet: which scripts are its own, new addresses, private keys.
 *
 * A range [begin, end) is promised in the file before an address of it is shown, and every promised
 * position must be recognised when the chain pays to it. Deriving them costs tens of microseconds
 * each, thousands for a new wallet, so the table of scripts is filled lazily: in idle slices, and
 * at the latest when something arrives that must be compared with it (wallet_fill_all). Making an
 * address derives just that one position.
 */
#include <stdlib.h>

#include "crypto/hash.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/time.h"
#include "wallet/inside.h"

#define SEED_SIZE 32

void wallet_descriptor_free(struct wallet_descriptor *d)
{
    if (!d)
        return;
    descriptor_free(d->d);
    wipe(d->keys, d->n_keys * sizeof(*d->keys));
    free(d->keys);
    free(d);
}

struct wallet_descriptor *wallet_find_descriptor(struct wallet *w, const uint8_t id[32])
{
    for (size_t i = 0; i < w->n_descs; i++)
        if (memcmp(w->descs[i]->id, id, 32) == 0)
            return w->descs[i];
    return NULL;
}

const struct wallet_descriptor *wallet_descriptor_at(const struct wallet *w, size_t i)
{
    return i < w->n_descs ? w->descs[i] : NULL;
}

const struct wallet_descriptor *wallet_active_descriptor(const struct wallet *w,
                                                         enum output_type type, bool internal)
{
    return type < OUTPUT_UNKNOWN ? w->active[internal][type] : NULL;
}

struct wallet_descriptor *wallet_add_descriptor(struct wallet *w, struct descriptor *d,
                                                int64_t created, int32_t begin, int32_t end,
                                                int32_t next)
{
    struct wallet_descriptor *wd = xcalloc(1, sizeof(*wd));

    wd->d = d;
    wd->created = created;
    wd->range_begin = wd->filled = begin;
    wd->range_end = end;
    wd->next = next;
    wd->has_private = descriptor_has_private(d);
    descriptor_id(&w->set->o.net->address, d, wd->id);
    w->descs = array_reserve(w->descs, &w->cap_descs, w->n_descs + 1, sizeof(*w->descs));
    w->descs[w->n_descs++] = wd;
    return wd;
}

/* ---- the table of scripts ---- */

static void add_script(struct wallet *w, struct wallet_descriptor *d, uint32_t index, struct span s)
{
    struct wallet_entry *e = xcalloc(1, sizeof(*e));

    sha256(e->id, s.data, s.len);
    e->owner = d;
    e->index = index;
    if (table_add(&w->scripts, e))
        free(e);
}

/* False where the position cannot be derived: a hardened step, and the wallet is locked. */
static bool fill_position(struct wallet *w, struct wallet_descriptor *d, uint32_t index)
{
    struct expansion e;
    bool ok = descriptor_expand(d->d, index, false, &e);

    for (size_t i = 0; ok && i < e.n_scripts; i++)
        add_script(w, d, index, buf_span(&e.scripts[i]));
    expansion_clear(&e);
    return ok;
}

/* Up to `max` positions. Returns how many were derived. */
static unsigned fill(struct wallet *w, struct wallet_descriptor *d, int32_t end, unsigned max)
{
    unsigned n = 0;

    for (; n < max && d->filled < end; n++)
        if (!fill_position(w, d, (uint32_t)d->filled++)) {
            d->filled--;
            break;
        }
    return n;
}

void wallet_fill_all(struct wallet *w)
{
    for (size_t i = 0; i < w->n_descs; i++)
        fill(w, w->descs[i], w->descs[i]->range_end, UINT32_MAX);
}

bool wallet_fill_some(struct wallet *w, unsigned positions)
{
    for (size_t i = 0; i < w->n_descs; i++)
        if (fill(w, w->descs[i], w->descs[i]->range_end, positions) > 0)
            return true;
    return false;
}

const struct wallet_entry *wallet_entry_of(struct wallet *w, struct span script)
{
    uint8_t id[32];

    sha256(id, script.data, script.len);
    return table_get(&w->scripts, id);
}

bool wallet_is_mine(struct wallet *w, struct span script)
{
    wallet_fill_all(w);
    return wallet_entry_of(w, script) != NULL;
}

bool wallet_script_info(struct wallet *w, struct span script, struct wallet_script *out)
{
    wallet_fill_all(w);
    const struct wallet_entry *e = wallet_entry_of(w, script);
    if (!e)
        return false;
    *out = (struct wallet_script){e->owner, e->index};
    return true;
}

bool wallet_expand(struct wallet *w, struct span script, bool secrets, struct expansion *out)
{
    struct wallet_script info;

    memset(out, 0, sizeof(*out));
    return wallet_script_info(w, script, &info) &&
           descriptor_expand(info.owner->d, info.index, secrets, out);
}

/* ---- ranges ---- */

/* Hardened ranges: each promised key is remembered while its private key is at hand. */
void wallet_save_cache(struct wallet *w, struct wallet_descriptor *d, int32_t from, int32_t to)
{
    struct descriptor_cache_item *items;
    size_t n = descriptor_cache_get(d->d, (uint32_t)from, (uint32_t)to, &items);

    for (size_t i = 0; i < n; i++) {
        if (items[i].kind == DESCRIPTOR_CACHE_DERIVED)
            CHECK(descriptor_cache_put(d->d, &items[i]));
        wallet_put_cache(w, d, &items[i]);
    }
    free(items);
}

bool wallet_derivable(const struct wallet_descriptor *d, int32_t index)
{
    struct expansion e;
    bool ok = descriptor_expand(d->d, (uint32_t)index, false, &e);

    expansion_clear(&e);
    return ok;
}

bool wallet_top_up(struct wallet *w, struct wallet_descriptor *d, unsigned size)
{
    int64_t want = (int64_t)d->next + (size ? size : w->set->o.keypool);
    int32_t end =
        want > d->range_end ? (int32_t)(want < INT32_MAX ? want : INT32_MAX) : d->range_end;

    if (!descriptor_is_range(d->d)) {
        d->range_begin = 0;
        end = 1;
    }
    if (end == d->range_end)
        return true;
    if (!wallet_derivable(d, end - 1))
        return false;
    wallet_save_cache(w, d, d->range_end > d->range_begin ? d->range_end : d->range_begin, end);
    d->range_end = end;
    wallet_put_descriptor(w, d);
    return true;
}

bool wallet_keypool_refill(struct wallet *w, unsigned size)
{
    bool ok = true;

    for (int internal = 0; internal < 2; internal++)
        for (int type = 0; type < OUTPUT_UNKNOWN; type++)
            if (w->active[internal][type])
                ok = wallet_top_up(w, w->active[internal][type], size) && ok;
    return wallet_commit(w) && ok;
}

void wallet_keypool_sizes(const struct wallet *w, int64_t *external, int64_t *internal)
{
    int64_t sum[2] = {0, 0};

    for (int i = 0; i < 2; i++)
        for (int type = 0; type < OUTPUT_UNKNOWN; type++)
            if (w->active[i][type])
                sum[i] += w->active[i][type]->range_end - w->active[i][type]->next;
    *external = sum[0];
    *internal = sum[1];
}

bool wallet_descriptor_is_internal(const struct wallet *w, const struct wallet_descriptor *d,
                                   bool *known)
{
    *known = d->active;
    (void)w;
    return d->active && d->internal;
}

void wallet_mark_used(struct wallet *w, const struct wallet_entry *e)
{
    struct wallet_descriptor *d = e->owner;
    bool known, internal = wallet_descriptor_is_internal(w, d, &known);

    if ((int32_t)e->index < d->next)
        return;
    for (int32_t i = d->next; known && !internal && i <= (int32_t)e->index; i++) {
        struct expansion x;
        char *address = NULL;
        if (descriptor_expand(d->d, (uint32_t)i, false, &x) && x.n_scripts == 1 &&
            wallet_script_address(w, buf_span(&x.scripts[0]), &address) &&
            !wallet_book_entry(w, address, false)) {
            struct address_entry *entry = wallet_book_entry(w, address, true);
            entry->label = xstrdup("");
            entry->purpose = PURPOSE_RECEIVE;
            wallet_put_address(w, entry);
        }
        free(address);
        expansion_clear(&x);
    }
    if (descriptor_is_range(d->d)) {
        d->next = (int32_t)e->index + 1;
        wallet_put_descriptor(w, d);
        if (!wallet_top_up(w, d, 0))
            log_warning("Wallet [%s]: topping up the keypool failed (locked wallet)", w->name);
        fill(w, d, d->range_end, UINT32_MAX);
    }
}

/* ---- new addresses ---- */

bool wallet_can_get_addresses(const struct wallet *w, bool internal)
{
    for (int type = 0; type < OUTPUT_UNKNOWN; type++)
        if (w->active[internal][type])
            return true;
    return false;
}

/* The script at the next position; tops up. */
static bool peek(struct wallet *w, struct wallet_descriptor *d, struct buf *script, char **error)
{
    struct expansion e;

    wallet_top_up(w, d, 0);
    if (d->next >= d->range_end && !wallet_top_up(w, d, 1)) {
        *error = xstrdup("Error: Keypool ran out, please call keypoolrefill first");
        return false;
    }
    bool ok = descriptor_expand(d->d, (uint32_t)d->next, false, &e);
    if (ok)
        write_span(script, buf_span(&e.scripts[0]));
    else
        *error = xstrdup("Error: Cannot extract destination from the generated scriptpubkey");
    expansion_clear(&e);
    return ok;
}

static void take(struct wallet *w, struct wallet_descriptor *d, struct span script)
{
    add_script(w, d, (uint32_t)d->next, script);
    d->next++;
    wallet_put_descriptor(w, d);
}

static bool new_address(struct wallet *w, enum output_type type, bool internal,
                        struct destination *out, char **error)
{
    struct wallet_descriptor *d = w->active[internal][type];
    struct buf script = BUF_INIT;

    if (!d) {
        *error = xasprintf("Error: No %s addresses available.", output_type_name(type));
        return false;
    }
    bool ok = peek(w, d, &script, error);
    if (ok && !script_to_destination(buf_span(&script), out)) {
        *error = xstrdup("Error: Cannot extract destination from the generated scriptpubkey");
        ok = false;
    }
    if (ok)
        take(w, d, buf_span(&script));
    buf_clear(&script);
    return ok;
}

bool wallet_new_address(struct wallet *w, const char *label, enum output_type type,
                        struct destination *out, char **error)
{
    if (!new_address(w, type, false, out, error))
        return false;
    char *address = address_encode(&w->set->o.net->address, out);
    bool ok = wallet_set_label(w, address, label, PURPOSE_RECEIVE);
    free(address);
    if (!ok)
        *error = xstrdup("Error: The wallet file could not be written");
    return ok;
}

bool wallet_new_change_address(struct wallet *w, enum output_type type, struct destination *out,
                               char **error)
{
    if (!new_address(w, type, true, out, error))
        return false;
    if (wallet_commit(w))
        return true;
    *error = xstrdup("Error: The wallet file could not be written");
    return false;
}

bool wallet_peek_change(struct wallet *w, enum output_type type, struct buf *script, char **error)
{
    struct wallet_descriptor *d = w->active[1][type];

    if (d)
        return peek(w, d, script, error);
    *error = xasprintf("Error: No %s addresses available.", output_type_name(type));
    return false;
}

void wallet_take_change(struct wallet *w, struct span script)
{
    for (int type = 0; type < OUTPUT_UNKNOWN; type++) {
        struct wallet_descriptor *d = w->active[1][type];
        struct expansion e;
        if (!d)
            continue;
        bool same = descriptor_expand(d->d, (uint32_t)d->next, false, &e) &&
                    span_eq(buf_span(&e.scripts[0]), script);
        expansion_clear(&e);
        if (!same)
            continue;
        take(w, d, script);
        return;
    }
}

/* ---- private keys ---- */

void wallet_give_keys(struct wallet *w)
{
    for (size_t i = 0; i < w->n_descs; i++) {
        struct wallet_descriptor *d = w->descs[i];
        for (size_t j = 0; j < d->n_keys; j++) {
            struct seckey k;
            if (wallet_key_open(&d->keys[j], w->master, &k))
                descriptor_add_seckey(d->d, &k);
            wipe(&k, sizeof(k));
        }
    }
}

void wallet_forget_keys(struct wallet *w)
{
    for (size_t i = 0; i < w->n_descs; i++)
        descriptor_forget_seckeys(w->descs[i]->d);
}

/* Writes the private keys that a new descriptor holds: sealed where the wallet is encrypted. */
void wallet_save_seckeys(struct wallet *w, struct wallet_descriptor *d)
{
    size_t n = descriptor_seckeys(d->d, NULL, 0);
    struct seckey *keys = n ? secret_alloc(n * sizeof(*keys)) : NULL;

    descriptor_seckeys(d->d, keys, n);
    for (size_t i = 0; i < n; i++) {
        if (!wallet_is_encrypted(w)) {
            wallet_put_seckey(w, d, &keys[i]);
            continue;
        }
        d->keys = xreallocarray(d->keys, d->n_keys + 1, sizeof(*d->keys));
        wallet_key_seal(&d->keys[d->n_keys], &keys[i], w->master);
        wallet_put_crypted_key(w, d, &d->keys[d->n_keys++]);
    }
    if (keys)
        secret_free(keys, n * sizeof(*keys));
}

void wallet_set_active(struct wallet *w, struct wallet_descriptor *d, enum output_type type,
                       bool internal)
{
    if (w->active[internal][type])
        w->active[internal][type]->active = false;
    if (w->active[!internal][type] == d) { /* it was for the other side */
        w->active[!internal][type] = NULL;
        wallet_erase_active(w, type, !internal);
    }
    w->active[internal][type] = d;
    d->active = true;
    d->internal = internal;
    wallet_put_active(w, d, type, internal);
}

void wallet_clear_active(struct wallet *w, struct wallet_descriptor *d, enum output_type type,
                         bool internal)
{
    if (type == OUTPUT_UNKNOWN || w->active[internal][type] != d)
        return;
    w->active[internal][type] = NULL;
    d->active = false;
    wallet_erase_active(w, type, internal);
}

/* "wpkh(xprv.../84h/1h/0h/0/<asterisk>)" */
static struct descriptor *default_descriptor(const struct network *net,
                                             const struct ext_seckey *master, enum output_type type,
                                             bool internal)
{
    static const char *const format[] = {"pkh(%s/44h/%dh/0h/%d/*)", "sh(wpkh(%s/49h/%dh/0h/%d/*))",
                                         "wpkh(%s/84h/%dh/0h/%d/*)", "tr(%s/86h/%dh/0h/%d/*)"};
    char *key = ext_seckey_encode(&net->address, master), *error = NULL;
    char *text = NULL;
    struct descriptor **list, *d;
    size_t n;

    switch (type) {
    case OUTPUT_LEGACY: text = xasprintf(format[0], key, net->is_test_chain, internal); break;
    case OUTPUT_P2SH_SEGWIT: text = xasprintf(format[1], key, net->is_test_chain, internal); break;
    case OUTPUT_BECH32: text = xasprintf(format[2], key, net->is_test_chain, internal); break;
    case OUTPUT_BECH32M: text = xasprintf(format[3], key, net->is_test_chain, internal); break;
    case OUTPUT_UNKNOWN: CHECK(!"no such type");
    }
    CHECK(descriptor_parse(&net->address, text, false, &list, &n, &error) && n == 1);
    d = list[0];
    free(list);
    wipe(text, strlen(text));
    wipe(key, strlen(key));
    free(text);
    free(key);
    return d;
}

bool wallet_setup_descriptors(struct wallet *w)
{
    uint8_t *seed = secret_alloc(SEED_SIZE);
    struct ext_seckey *master = secret_alloc(sizeof(*master));
    int64_t now = time_now();
    bool ok = true;

    do {
        random_bytes(seed, SEED_SIZE);
    } while (!seckey_valid(seed) || !ext_seckey_from_seed(master, seed, SEED_SIZE));
    for (int internal = 0; internal < 2; internal++) {
        for (int type = 0; type < OUTPUT_UNKNOWN; type++) {
            struct wallet_descriptor *d = wallet_add_descriptor(
                w, default_descriptor(w->set->o.net, master, (enum output_type)type, internal), now,
                0, 0, 0);
            wallet_save_seckeys(w, d);
            ok = wallet_top_up(w, d, 0) && ok;
            wallet_set_active(w, d, (enum output_type)type, internal);
        }
    }
    secret_free(master, sizeof(*master));
    secret_free(seed, SEED_SIZE);
    return ok;
}
