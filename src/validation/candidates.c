/*
 * Which chain is the best: the blocks that could be the tip, and what is known to be invalid.
 *
 * Candidates are blocks whose transactions are all known, that are not known to be invalid and are
 * not worse than the tip. They lie in a heap with the best on top. Entries are not taken out when
 * they lose their right to be there: what comes to the top is checked and thrown away, and an entry
 * may be there twice. When the rare things happen that give old blocks a new chance (invalidate,
 * reconsider, precious) the heap is made anew from the whole tree.
 *
 * The order is Core's: more work; then the earlier arrival (a precious block has a negative
 * number); blocks that were loaded from disk have the same number and the choice between them is
 * by hash, so that it does not depend on memory.
 */
#include <string.h>

#include "util/log.h"
#include "util/mem.h"
#include "validation/internal.h"

bool node_better(const struct node *a, const struct node *b)
{
    int by_work = u256_cmp(a->i.h.work, b->i.h.work);

    if (by_work != 0)
        return by_work > 0;
    if (a->i.sequence != b->i.sequence)
        return a->i.sequence < b->i.sequence;
    return memcmp(a->i.h.hash.b, b->i.h.hash.b, 32) < 0;
}

static void sift_down(struct chain *c, size_t at)
{
    struct node **h = c->candidates;

    for (;;) {
        size_t best = at, left = 2 * at + 1;

        for (size_t k = left; k < left + 2 && k < c->n_candidates; k++) {
            if (node_better(h[k], h[best]))
                best = k;
        }
        if (best == at)
            return;
        struct node *swap = h[at];
        h[at] = h[best];
        h[best] = swap;
        at = best;
    }
}

static bool is_candidate(const struct chain *c, const struct node *n)
{
    return n->i.chain_tx && node_valid(n, BLOCK_VALID_TRANSACTIONS) && !node_better(tip_node(c), n);
}

/* Throws out what the tip has left behind. */
static void compact(struct chain *c)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->n_candidates; i++) {
        if (is_candidate(c, c->candidates[i]))
            c->candidates[kept++] = c->candidates[i];
    }
    c->n_candidates = kept;
    for (size_t i = kept / 2; i-- > 0;)
        sift_down(c, i);
}

static void push(struct chain *c, struct node *n)
{
    size_t at;

    if (c->n_candidates == c->cap_candidates)
        compact(c);
    /* doubling from half full at least, so that compacting costs little for each push */
    if (c->n_candidates >= c->cap_candidates / 2)
        c->candidates = array_reserve(c->candidates, &c->cap_candidates, c->cap_candidates + 1,
                                      sizeof(struct node *));
    at = c->n_candidates++;
    for (; at > 0 && node_better(n, c->candidates[(at - 1) / 2]); at = (at - 1) / 2)
        c->candidates[at] = c->candidates[(at - 1) / 2];
    c->candidates[at] = n;
}

static void pop(struct chain *c)
{
    c->candidates[0] = c->candidates[--c->n_candidates];
    sift_down(c, 0);
}

void candidates_add(struct chain *c, struct node *n)
{
    if (is_candidate(c, n))
        push(c, n);
}

void candidates_rebuild(struct chain *c)
{
    size_t pos = 0;
    struct node *n;

    c->n_candidates = 0;
    c->usable = NULL;
    while ((n = table_next(&c->by_hash, &pos)))
        candidates_add(c, n);
}

/* Whether all blocks from n down to the active chain can be connected. Where data is missing
 * (pruned), what is above it waits for it to come again. What was found good is remembered, so that
 * a long branch is walked once and not for each block of it. */
static bool branch_usable(struct chain *c, struct node *n)
{
    struct node *bad = n;

    while (bad != c->usable && !tree_active(c, bad) && !(bad->i.status & BLOCK_FAILED) &&
           (bad->i.status & BLOCK_HAVE_DATA))
        bad = node_prev(bad);
    if (bad == c->usable || tree_active(c, bad)) {
        c->usable = n;
        return true;
    }
    if (bad->i.status & BLOCK_FAILED) {
        if (!c->best_invalid || u256_cmp(n->i.h.work, c->best_invalid->i.h.work) > 0)
            c->best_invalid = n;
        return false;
    }
    for (; n != bad; n = node_prev(n))
        tree_wait_for_parent(n);
    return false;
}

struct node *candidates_best(struct chain *c)
{
    while (c->n_candidates) {
        struct node *best = c->candidates[0];

        if (!is_candidate(c, best)) {
            pop(c);
        } else if (best == tip_node(c) || branch_usable(c, best)) {
            return best;
        } else {
            pop(c);
        }
    }
    return tip_node(c);
}

void tree_recalculate_best_header(struct chain *c)
{
    size_t pos = 0;
    struct node *n;

    c->best_header = tip_node(c);
    while ((n = table_next(&c->by_hash, &pos))) {
        if (!(n->i.status & BLOCK_FAILED) && u256_cmp(n->i.h.work, c->best_header->i.h.work) > 0)
            c->best_header = n;
    }
}

void tree_mark_failed(struct chain *c, struct node *failed)
{
    char hex[HASH_HEX_SIZE];
    size_t pos = 0;
    struct node *n;

    c->usable = NULL;
    while ((n = table_next(&c->by_hash, &pos))) {
        if (n->i.status & BLOCK_FAILED || node_ancestor(n, node_height(failed)) != failed)
            continue;
        n->i.status |= BLOCK_FAILED;
        tree_mark_dirty(c, n);
        if (!c->best_invalid || u256_cmp(n->i.h.work, c->best_invalid->i.h.work) > 0)
            c->best_invalid = n;
    }
    if (c->best_header->i.status & BLOCK_FAILED)
        tree_recalculate_best_header(c);
    log_info("invalid block=%s height=%d", hash_to_hex(hex, failed->i.h.hash.b),
             node_height(failed));
}
