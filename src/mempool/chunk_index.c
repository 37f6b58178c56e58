/*
 * All chunks of the pool in order of feerate: a treap whose nodes are the chunks themselves.
 *
 * Mining walks it from the best end, eviction from the worst. A treap (search tree by feerate, heap
 * by random priority) is balanced in expectation whatever peers send, since they do not know the
 * priorities, and needs no more than three pointers a chunk. Two heaps (one for each end) were
 * rejected: a template would have to copy one of them.
 */
#include "mempool/pool.h"
#include "util/random.h"

static bool better(const struct chunk *a, const struct chunk *b)
{
    int cmp = feefrac_cmp(a->rate, b->rate);
    if (cmp != 0)
        return cmp > 0;
    if (a->cluster != b->cluster)
        return a->cluster->id < b->cluster->id;
    return a->first < b->first;
}

static void relink(struct chunk_index *x, struct chunk *old, struct chunk *fresh)
{
    struct chunk *up = old->up;
    if (up == NULL)
        x->root = fresh;
    else if (up->left == old)
        up->left = fresh;
    else
        up->right = fresh;
    if (fresh)
        fresh->up = up;
}

/* Lifts a child above its parent, keeping the order. */
static void lift(struct chunk_index *x, struct chunk *c)
{
    struct chunk *up = c->up;
    relink(x, up, c);
    struct chunk **hole = up->left == c ? &up->left : &up->right;
    struct chunk **from = hole == &up->left ? &c->right : &c->left;
    *hole = *from;
    if (*hole)
        (*hole)->up = up;
    *from = up;
    up->up = c;
}

void chunk_index_add(struct chunk_index *x, struct chunk *c)
{
    c->left = c->right = c->up = NULL;
    c->priority = (uint32_t)random_u64();
    struct chunk **at = &x->root;
    while (*at) {
        c->up = *at;
        at = better(c, *at) ? &(*at)->left : &(*at)->right;
    }
    *at = c;
    while (c->up && c->up->priority < c->priority)
        lift(x, c);
}

void chunk_index_remove(struct chunk_index *x, struct chunk *c)
{
    while (c->left && c->right)
        lift(x, c->left->priority > c->right->priority ? c->left : c->right);
    relink(x, c, c->left ? c->left : c->right);
    c->left = c->right = c->up = NULL;
}

struct chunk *chunk_index_best(const struct chunk_index *x)
{
    struct chunk *c = x->root;
    while (c && c->left)
        c = c->left;
    return c;
}

struct chunk *chunk_index_worst(const struct chunk_index *x)
{
    struct chunk *c = x->root;
    while (c && c->right)
        c = c->right;
    return c;
}

struct chunk *chunk_index_next(struct chunk *c)
{
    if (c->right) {
        c = c->right;
        while (c->left)
            c = c->left;
        return c;
    }
    while (c->up && c->up->right == c)
        c = c->up;
    return c->up;
}

bool chunk_index_check(const struct chunk_index *x, size_t *n)
{
    *n = 0;
    struct chunk *last = NULL;
    for (struct chunk *c = chunk_index_best(x); c; c = chunk_index_next(c)) {
        if ((last && !better(last, c)) || (c->up && c->up->priority < c->priority))
            return false;
        last = c;
        ++*n;
    }
    return true;
}
