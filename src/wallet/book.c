/*
 * The address book: labels and purposes, and (avoid_reuse) which addresses were spent from. Sorted
 * by kind of address and hash, as lists are shown in that order; the book is read far more often
 * than written.
 */
#include <stdlib.h>

#include "util/mem.h"
#include "wallet/inside.h"

static const char *const purposes[] = {"", "receive", "send", "refund"};

const char *address_purpose_name(enum address_purpose p)
{
    return purposes[p];
}

#define RANK_SIZE (sizeof(((struct address_entry *)0)->rank))

/* Kind and hash; what is no address here (of another network, in an old file) comes last. */
static void rank_of(const struct wallet *w, const char *address, uint8_t out[RANK_SIZE])
{
    static const uint8_t kinds[] = {[DEST_NONE] = 9, [DEST_PUBKEY] = 8, [DEST_P2PKH] = 1,
                                    [DEST_P2SH] = 2, [DEST_P2WSH] = 3,  [DEST_P2WPKH] = 4,
                                    [DEST_P2TR] = 5, [DEST_ANCHOR] = 6, [DEST_WITNESS] = 7};
    struct destination d;

    memset(out, 0, RANK_SIZE);
    if (address_decode(&w->set->o.net->address, address, &d, NULL)) {
        out[0] = kinds[d.type];
        out[1] = d.type == DEST_WITNESS ? d.witness_version : 0;
        memcpy(out + 2, d.data, d.len);
    } else {
        out[0] = kinds[DEST_NONE];
        memcpy(out + 1, address, strnlen(address, RANK_SIZE - 1));
    }
}

/* Where an address of this rank is, or would be. */
static size_t place_of(const struct wallet *w, const uint8_t rank[RANK_SIZE], bool *found)
{
    size_t lo = 0, hi = w->n_addresses;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (memcmp(w->addresses[mid]->rank, rank, RANK_SIZE) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *found = lo < w->n_addresses && memcmp(w->addresses[lo]->rank, rank, RANK_SIZE) == 0;
    return lo;
}

size_t wallet_address_index(const struct wallet *w, const char *address)
{
    uint8_t rank[RANK_SIZE];
    bool found;

    rank_of(w, address, rank);
    size_t at = place_of(w, rank, &found);
    return found ? at : SIZE_MAX;
}

struct address_entry *wallet_book_entry(struct wallet *w, const char *address, bool create)
{
    uint8_t rank[RANK_SIZE];
    bool found;

    rank_of(w, address, rank);
    size_t at = place_of(w, rank, &found);
    if (found)
        return w->addresses[at];
    if (!create)
        return NULL;
    struct address_entry *e = xcalloc(1, sizeof(*e));
    e->address = xstrdup(address);
    memcpy(e->rank, rank, RANK_SIZE);
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
    size_t at = wallet_address_index(w, address);

    return at < w->n_addresses ? w->addresses[at] : NULL;
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
