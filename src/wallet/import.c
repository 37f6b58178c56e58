/*
 * Importing descriptors. A new one is added as it is; one that is there already may get private
 * keys and a wider range, but never a narrower one, since its addresses may have been given away.
 */
#include <stdlib.h>

#include "util/mem.h"
#include "wallet/inside.h"

static bool import_fail(int *code, int value, char **error, const char *text)
{
    *code = value;
    *error = xstrdup(text);
    return false;
}

static bool check_import(const struct wallet *w, const struct wallet_import *imp, int *code,
                         char **error)
{
    bool private_disabled = w->flags & WALLET_FLAG_DISABLE_PRIVATE_KEYS;
    bool has_private = descriptor_has_private(imp->d);

    if (private_disabled && has_private)
        return import_fail(code, -4, error,
                           "Cannot import private keys to a wallet with private keys disabled");
    if (!private_disabled && !has_private)
        return import_fail(code, -4, error,
                           "Cannot import descriptor without private keys to a wallet with private "
                           "keys enabled");
    if (has_private && wallet_is_locked(w))
        return import_fail(
            code, -13, error,
            "Error: Please enter the wallet passphrase with walletpassphrase first.");
    if (imp->active && descriptor_output_type(imp->d) == OUTPUT_UNKNOWN)
        return import_fail(code, -1, error, "Cannot set descriptor to active");
    return true;
}

/* The descriptor is there already: the range may only grow. */
static bool update_descriptor(struct wallet_descriptor *d, const struct wallet_import *imp,
                              int *code, char **error)
{
    size_t n = descriptor_seckeys(imp->d, NULL, 0);
    struct seckey *keys = n ? secret_alloc(n * sizeof(*keys)) : NULL;

    if (d->range_end > d->range_begin && descriptor_is_range(d->d) &&
        (imp->range_begin > d->range_begin || imp->range_end < d->range_end)) {
        *code = -8;
        *error = xasprintf("new range must include current range = [%d,%d]", d->range_begin,
                           d->range_end - 1);
        if (keys)
            secret_free(keys, n * sizeof(*keys));
        return false;
    }
    descriptor_seckeys(imp->d, keys, n);
    for (size_t i = 0; i < n; i++)
        descriptor_add_seckey(d->d, &keys[i]);
    if (keys)
        secret_free(keys, n * sizeof(*keys));
    if (imp->range_begin < d->range_begin)
        d->filled = imp->range_begin;
    d->range_begin = imp->range_begin;
    d->next = imp->next;
    if (imp->created < d->created)
        d->created = imp->created;
    return true;
}

/* A script that is known by one descriptor keeps it; the new one finds its own only besides. */
bool wallet_import_descriptor(struct wallet *w, struct wallet_import *imp, int *code, char **error)
{
    uint8_t id[32];
    enum output_type type = descriptor_output_type(imp->d);

    if (!check_import(w, imp, code, error)) {
        descriptor_free(imp->d);
        return false;
    }
    descriptor_id(&w->set->o.net->address, imp->d, id);
    struct wallet_descriptor *d = wallet_find_descriptor(w, id);
    if (d) {
        bool ok = update_descriptor(d, imp, code, error);
        descriptor_free(imp->d);
        if (!ok)
            return false;
        if (imp->range_end > d->range_end) {
            wallet_save_cache(w, d, d->range_end, imp->range_end);
            d->range_end = imp->range_end;
        }
    } else {
        d = wallet_add_descriptor(w, imp->d, imp->created, imp->range_begin, imp->range_end,
                                  imp->next);
        wallet_save_cache(w, d, imp->range_begin, imp->range_end);
    }
    if (!wallet_derivable(d, d->range_begin))
        return import_fail(code, -4, error,
                           "Could not expand descriptor because private keys are missing");
    if (!d->n_keys)
        wallet_save_seckeys(w, d);
    d->has_private = d->has_private || descriptor_has_private(d->d);
    wallet_put_descriptor(w, d);
    wallet_top_up(w, d, 0);
    wallet_fill_all(w);
    wallet_find_own_outputs(w);
    if (imp->active) {
        wallet_set_active(w, d, type, imp->internal);
    } else {
        wallet_clear_active(w, d, type, imp->internal);
    }
    if (imp->label && !descriptor_is_range(d->d)) {
        struct expansion e;
        char *address = NULL;
        if (descriptor_expand(d->d, 0, false, &e))
            for (size_t i = 0; i < e.n_scripts; i++) {
                if (!wallet_script_address(w, buf_span(&e.scripts[i]), &address))
                    continue;
                wallet_set_label(w, address, imp->label, PURPOSE_RECEIVE);
                free(address);
            }
        expansion_clear(&e);
    }
    return w->importing || wallet_commit(w);
}

void wallet_import_begin(struct wallet *w)
{
    w->importing = true;
}

bool wallet_import_end(struct wallet *w)
{
    w->importing = false;
    return wallet_commit(w);
}
