/*
 * Which blocks were asked of whom. One request a block is the rule; while a compact block is being
 * completed two more peers may be asked for what is missing, so that one slow peer cannot keep a
 * new block from us. Requests for one block are chained in order of asking: the first is the one
 * that the table knows, and only the first may fall back to the whole block.
 */
#include <stdlib.h>

#include "net/internal.h"
#include "util/mem.h"
#include "util/time.h"

struct inflight *inflight_first(const struct net *n, const struct block_hash *hash)
{
    return table_get(&n->inflight, hash);
}

struct inflight *inflight_of(const struct peer *p, const struct block_hash *hash)
{
    struct inflight *f = inflight_first(p->net, hash);
    while (f && f->peer != p)
        f = f->next;
    return f;
}

unsigned inflight_count(const struct net *n, const struct block_hash *hash)
{
    unsigned count = 0;
    for (const struct inflight *f = inflight_first(n, hash); f; f = f->next)
        count++;
    return count;
}

bool block_is_inflight(const struct net *n, const struct block_hash *hash)
{
    return inflight_first(n, hash) != NULL;
}

static void unchain(struct net *n, struct inflight *f)
{
    struct inflight *first = inflight_first(n, &f->hash);
    if (first == f) {
        table_remove(&n->inflight, &f->hash);
        if (f->next)
            table_add(&n->inflight, f->next);
        return;
    }
    while (first->next != f)
        first = first->next;
    first->next = f->next;
}

void inflight_remove(struct inflight *f)
{
    struct peer *p = f->peer;
    struct net *n = p->net;
    if (TAILQ_FIRST(&p->inflight) == f)
        p->downloading_since_us = time_now_us();
    TAILQ_REMOVE(&p->inflight, f, link);
    if (--p->n_inflight == 0)
        n->n_downloading--;
    p->stalling_since_us = 0;
    unchain(n, f);
    partial_block_free(f->partial);
    free(f);
}

void inflight_remove_all(struct net *n, const struct block_hash *hash)
{
    struct inflight *f;
    while ((f = inflight_first(n, hash)) != NULL)
        inflight_remove(f);
}

struct inflight *inflight_add(struct peer *p, const struct block_index *i)
{
    struct net *n = p->net;
    struct inflight *f = xcalloc(1, sizeof(*f)), *last = inflight_first(n, &i->h.hash);
    f->hash = i->h.hash;
    f->index = i;
    f->peer = p;
    while (last && last->next)
        last = last->next;
    if (last)
        last->next = f;
    else
        table_add(&n->inflight, f);
    TAILQ_INSERT_TAIL(&p->inflight, f, link);
    if (p->n_inflight++ == 0) {
        p->downloading_since_us = time_now_us();
        n->n_downloading++;
    }
    return f;
}
