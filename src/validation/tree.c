/*
 * The header tree: every header that was ever accepted, linked to its parent, and the row of those
 * that make the active chain.
 *
 * Nodes come from one arena and stay for good, so pointers to them may be kept anywhere. A block
 * can be connected when its transactions and those of all its ancestors have been seen at some time
 * (chain_tx is not zero); one that comes early waits in a list at its parent.
 */
#include <math.h>
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"
#include "validation/internal.h"

struct node *tree_find(const struct chain *c, const struct block_hash *hash)
{
    return table_get(&c->by_hash, hash);
}

struct node *tree_add(struct chain *c, const struct header *h, const struct block_hash *hash,
                      struct node *prev)
{
    struct node *n = arena_calloc(&c->node_memory, 1, sizeof(*n));

    hnode_init(&n->i.h, h, hash, prev ? &prev->i.h : NULL);
    n->i.status = BLOCK_VALID_TREE;
    n->i.sequence = SEQUENCE_AT_LOAD;
    n->i.file = -1;
    CHECK(table_add(&c->by_hash, n) == NULL);
    return n;
}

void tree_mark_dirty(struct chain *c, struct node *n)
{
    if (n->dirty)
        return;
    n->dirty = true;
    c->dirty = array_reserve(c->dirty, &c->cap_dirty, c->n_dirty + 1, sizeof(struct node *));
    c->dirty[c->n_dirty++] = n;
}

void node_raise(struct chain *c, struct node *n, uint32_t level)
{
    if (n->i.status & BLOCK_FAILED || (n->i.status & BLOCK_VALID_MASK) >= level)
        return;
    n->i.status = (n->i.status & ~(uint32_t)BLOCK_VALID_MASK) | level;
    tree_mark_dirty(c, n);
}

void tree_set_tip(struct chain *c, struct node *n)
{
    size_t need = (size_t)node_height(n) + 1, had = c->n_active;

    c->active = array_reserve(c->active, &c->cap_active, need, sizeof(struct node *));
    c->n_active = need;
    for (; n && ((size_t)node_height(n) >= had || c->active[node_height(n)] != n); n = node_prev(n))
        c->active[node_height(n)] = n;
}

/* At the end: of two that wait, the one that came first is the first to be linked. */
void tree_wait_for_parent(struct node *n)
{
    struct node **end = &node_prev(n)->waiting;

    for (; *end; end = &(*end)->next_waiting) {
        if (*end == n)
            return;
    }
    n->next_waiting = NULL;
    *end = n;
}

/* Links n and all that waits for it, breadth first. `waiting` lists are threaded into a queue. */
static void link_from(struct chain *c, struct node *n)
{
    struct node *last = n;

    n->next_waiting = NULL;
    for (; n; n = n->next_waiting) {
        struct node *prev = node_prev(n);

        n->i.chain_tx = (prev ? prev->i.chain_tx : 0) + n->i.n_tx;
        n->i.sequence = c->next_sequence++;
        candidates_add(c, n);
        last->next_waiting = n->waiting;
        n->waiting = NULL;
        while (last->next_waiting)
            last = last->next_waiting;
    }
}

void tree_received(struct chain *c, struct node *n)
{
    node_raise(c, n, BLOCK_VALID_TRANSACTIONS);
    tree_mark_dirty(c, n);
    if (!node_prev(n) || node_prev(n)->i.chain_tx)
        link_from(c, n);
    else
        tree_wait_for_parent(n);
}

void tree_update_ibd(struct chain *c)
{
    const struct node *tip = tip_node(c);

    if (!c->ibd || c->importing || c->reindexing)
        return;
    if (u256_cmp(tip->i.h.work, c->opts.min_chain_work) < 0 ||
        (int64_t)tip->i.h.time < time_now() - c->opts.max_tip_age)
        return;
    log_info("Leaving InitialBlockDownload (latching to false)");
    c->ibd = false;
}

/* ---- asking ---- */

const struct block_index *chain_tip(const struct chain *c)
{
    return &tip_node(c)->i;
}

int32_t chain_height(const struct chain *c)
{
    return (int32_t)c->n_active - 1;
}

const struct block_index *chain_best_header(const struct chain *c)
{
    return &c->best_header->i;
}

const struct block_index *chain_best_invalid(const struct chain *c)
{
    return c->best_invalid ? &c->best_invalid->i : NULL;
}

const struct block_index *chain_at(const struct chain *c, int32_t height)
{
    return height >= 0 && (size_t)height < c->n_active ? &c->active[height]->i : NULL;
}

const struct block_index *chain_find(const struct chain *c, const struct block_hash *hash)
{
    const struct node *n = tree_find(c, hash);

    return n ? &n->i : NULL;
}

bool chain_contains(const struct chain *c, const struct block_index *i)
{
    return tree_active(c, (const struct node *)i);
}

const struct block_index *chain_next(const struct chain *c, const struct block_index *i)
{
    return chain_contains(c, i) ? chain_at(c, i->h.height + 1) : NULL;
}

const struct block_index *chain_fork(const struct chain *c, const struct block_index *i)
{
    if (i->h.height > chain_height(c))
        i = index_ancestor(i, chain_height(c));
    while (!chain_contains(c, i))
        i = index_prev(i);
    return i;
}

bool chain_is_ibd(const struct chain *c)
{
    return c->ibd;
}

double chain_progress(const struct chain *c, const struct block_index *i)
{
    const struct network *net = c->net;
    int64_t now = time_now(), at = i->h.time;
    double total;

    if (i->chain_tx == 0)
        return 0;
    if (llabs(now - at) <= 2 * 3600 && c->best_header->i.h.height >= i->h.height)
        at = now - (c->best_header->i.h.height - i->h.height) * net->spacing;
    if ((int64_t)i->chain_tx <= net->tx_count)
        total = (double)net->tx_count + (double)(now - net->tx_time) * net->tx_rate;
    else
        total = (double)i->chain_tx + (double)(now - at) * net->tx_rate;
    return fmin((double)i->chain_tx / total, 1.0);
}

static const char *tip_status(const struct chain *c, const struct node *n)
{
    if (tree_active(c, n))
        return "active";
    if (n->i.status & BLOCK_FAILED)
        return "invalid";
    if (!n->i.chain_tx)
        return "headers-only";
    if (node_valid(n, BLOCK_VALID_SCRIPTS))
        return "valid-fork";
    return node_valid(n, BLOCK_VALID_TREE) ? "valid-headers" : "unknown";
}

/* Highest first; the later of two at one height second. */
static int compare_tips(const void *a, const void *b)
{
    const struct chain_tip_info *x = a, *y = b;

    if (x->index->h.height != y->index->h.height)
        return x->index->h.height > y->index->h.height ? -1 : 1;
    return x->index->sequence < y->index->sequence ? -1 : x->index->sequence > y->index->sequence;
}

struct chain_tip_info *chain_tips(const struct chain *c, size_t *n)
{
    struct chain_tip_info *tips = NULL;
    struct table parents;
    size_t cap = 0, pos = 0;
    const struct node *i;

    *n = 0;
    TABLE_INIT(&parents, struct node, i.h.hash);
    while ((i = table_next(&c->by_hash, &pos))) {
        if (!tree_active(c, i) && node_prev(i))
            table_add(&parents, node_prev(i));
    }
    pos = 0;
    while ((i = table_next(&c->by_hash, &pos))) {
        if (i != tip_node(c) && (tree_active(c, i) || table_get(&parents, &i->i.h.hash)))
            continue;
        tips = array_reserve(tips, &cap, *n + 1, sizeof(*tips));
        tips[(*n)++] = (struct chain_tip_info){
            &i->i, i->i.h.height - chain_fork(c, &i->i)->h.height, tip_status(c, i)};
    }
    table_clear(&parents);
    qsort(tips, *n, sizeof(*tips), compare_tips);
    return tips;
}

size_t chain_locator(const struct chain *c, const struct block_index *i, struct block_hash out[64])
{
    int32_t step = 1;
    size_t n = 0;

    for (i = i ? i : chain_tip(c); n < 64;) {
        out[n++] = i->h.hash;
        if (i->h.height == 0)
            break;
        i = index_ancestor(i, i->h.height > step ? i->h.height - step : 0);
        if (n > 10)
            step *= 2;
    }
    return n;
}

const struct block_index *chain_find_locator(const struct chain *c, const struct block_hash *l,
                                             size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const struct block_index *i = chain_find(c, &l[k]);

        if (!i)
            continue;
        if (chain_contains(c, i))
            return i;
        if (index_ancestor(i, chain_height(c)) == chain_tip(c))
            return chain_tip(c);
    }
    return &c->active[0]->i;
}
