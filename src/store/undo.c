/*
 * Undo data: the coins that a block spent, in the order of its inputs, so that it can be
 * disconnected. Layout: CompactSize count of lists, for each list CompactSize count of coins and
 * the coins. One arena holds the lists and the scripts.
 */
#include <stdlib.h>

#include "chain/tx.h"
#include "store/blockfile.h"
#include "store/coins.h"
#include "util/mem.h"

struct block_undo *undo_create(uint32_t n_tx)
{
    struct block_undo *u = xcalloc(1, sizeof(*u));

    arena_init(&u->memory);
    u->refs = 1;
    u->n_tx = n_tx;
    if (n_tx)
        u->tx = arena_calloc(&u->memory, n_tx, sizeof(*u->tx));
    return u;
}

void undo_write(struct buf *b, const struct block_undo *u)
{
    write_compact(b, u->n_tx);
    for (uint32_t i = 0; i < u->n_tx; i++) {
        write_compact(b, u->tx[i].n);
        for (uint32_t k = 0; k < u->tx[i].n; k++)
            coin_write_undo(b, &u->tx[i].coins[k]);
    }
}

/* Counts come from a file: no more than the bytes left can hold are believed. */
static uint64_t read_count(struct reader *r)
{
    return read_compact(r, reader_left(r));
}

static bool read_list(struct reader *r, struct tx_undo *list, struct arena *memory)
{
    uint64_t n = read_count(r);

    if (!reader_ok(r))
        return false;
    list->coins = arena_alloc(memory, n * sizeof(*list->coins));
    for (uint64_t k = 0; k < n; k++) {
        if (!coin_read_undo(r, &list->coins[k], memory))
            return false;
        list->n++;
    }
    return true;
}

struct block_undo *undo_parse(struct span data)
{
    struct block_undo *u;
    struct reader r;
    uint64_t n;
    bool ok;

    reader_init(&r, data.data, data.len);
    n = read_count(&r);
    if (!reader_ok(&r))
        return NULL;
    u = undo_create((uint32_t)n);
    ok = true;
    for (uint64_t i = 0; ok && i < n; i++)
        ok = read_list(&r, &u->tx[i], &u->memory);
    if (ok && reader_done(&r))
        return u;
    undo_unref(u);
    return NULL;
}

struct block_undo *undo_ref(const struct block_undo *u)
{
    struct block_undo *m = (struct block_undo *)u;

    __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
    return m;
}

void undo_unref(const struct block_undo *u)
{
    struct block_undo *m = (struct block_undo *)u;

    if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    arena_clear(&m->memory);
    free(m);
}
