/*
 * The address book: labels and purposes, and (avoid_reuse) which addresses were spent from. Sorted
 * by address, as lists are shown in that order and the book is read far more often than written.
 */
#include <stdlib.h>

#include "util/mem.h"
#include "wallet/inside.h"

static const char *const purposes[] = {"", "receive", "send", "refund"};

const char *address_purpose_name(enum address_purpose p)
{
    return purposes[p];
}

/* Where the address is, or would be. */
static size_t place_of(const struct wallet *w, const char *address, bool *found)
{
    size_t lo = 0, hi = w->n_addresses;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (strcmp(w->addresses[mid]->address, address) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *found = lo < w->n_addresses && strcmp(w->addresses[lo]->address, address) == 0;
    return lo;
}

struct address_entry *wallet_book_entry(struct wallet *w, const char *address, bool create)
{
    bool found;
    size_t at = place_of(w, address, &found);

    if (found)
        return w->addresses[at];
    if (!create)
        return NULL;
    struct address_entry *e = xcalloc(1, sizeof(*e));
    e->address = xstrdup(address);
    w->addresses =
        array_reserve(w->addresses, &w->cap_addresses, w->n_addresses + 1, sizeof(*w->addresses));
    memmove(w->addresses + at + 1, w->addresses + at,
            (w->n_addresses - at) * sizeof(*w->addresses));
    w->addresses[at] = e;
    w->n_addresses++;
    return e;
}

const struct address_entry *wallet_address_entry(const struct wallet *w, const char *address)
{
    bool found;
    size_t at = place_of(w, address, &found);

    return found ? w->addresses[at] : NULL;
}

const struct address_entry *wallet_address_at(const struct wallet *w, size_t i)
{
    return i < w->n_addresses ? w->addresses[i] : NULL;
}

bool wallet_set_label(struct wallet *w, const char *address, const char *label,
                      enum address_purpose purpose)
{
    struct address_entry *e = wallet_book_entry(w, address, true);
    char *copy = xstrdup(label);

    free(e->label);
    e->label = copy;
    if (purpose != PURPOSE_NONE)
        e->purpose = purpose;
    wallet_put_address(w, e);
    return w->importing || wallet_commit(w);
}

void wallet_book_clear(struct wallet *w)
{
    for (size_t i = 0; i < w->n_addresses; i++) {
        free(w->addresses[i]->address);
        free(w->addresses[i]->label);
        free(w->addresses[i]);
    }
    free(w->addresses);
}

bool wallet_script_address(struct wallet *w, struct span script, char **address)
{
    struct destination d;

    *address = NULL;
    if (script_to_destination(script, &d))
        *address = address_encode(&w->set->o.net->address, &d);
    return *address != NULL;
}

/* An output is change where it is the wallet's and nobody ever gave its address a name. */
bool wallet_is_change(struct wallet *w, struct span script)
{
    char *address;

    if (!wallet_is_mine(w, script))
        return false;
    if (!wallet_script_address(w, script, &address))
        return true;
    const struct address_entry *e = wallet_address_entry(w, address);
    free(address);
    return !e || !e->label;
}

bool wallet_script_used(struct wallet *w, struct span script)
{
    char *address;
    const struct address_entry *e = NULL;

    if (wallet_script_address(w, script, &address))
        e = wallet_address_entry(w, address);
    free(address);
    return e && e->used;
}

void wallet_mark_spent_addresses(struct wallet *w, const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct tx_out *out = wallet_output(w, &tx->in[i].prev);
        char *address;
        if (!out || !wallet_is_mine(w, out->script_pubkey) ||
            !wallet_script_address(w, out->script_pubkey, &address))
            continue;
        struct address_entry *e = wallet_book_entry(w, address, true);
        free(address);
        if (e->used)
            continue;
        e->used = true;
        wallet_put_address(w, e);
    }
}
