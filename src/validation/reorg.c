/*
 * What a user decides about the chain: that a block is invalid, that it is not, that it is to be
 * preferred; and whether a block that is being made would be valid.
 *
 * All of it drains the pipeline first. Core's rules: an invalidated block and all that descends
 * from it are marked failed, also on disk; reconsidering clears the mark from the block, its
 * ancestors and its descendants; a precious block gets a lower number of arrival than any before.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"
#include "validation/internal.h"

static bool stopped(const struct chain *c, struct verdict *v)
{
    memset(v, 0, sizeof(*v));
    return c->failed && !verdict_fail(v, VERDICT_ERROR, "internal-error", "%s", c->failed);
}

bool chain_invalidate(struct chain *c, const struct block_index *i, struct verdict *v)
{
    struct node *n = (struct node *)i;

    if (stopped(c, v))
        return false;
    if (i->h.height == 0)
        return verdict_fail(v, VERDICT_CONSENSUS, "genesis cannot be invalidated", "%s", "");
    chain_drain(c);
    c->testing = true; /* nothing connects until the marks are right */
    while (tree_active(c, n) && pipeline_disconnect_tip(c))
        continue;
    c->testing = false;
    if (c->failed) {
        (void)stopped(c, v);
        return false;
    }
    tree_mark_failed(c, n);
    candidates_rebuild(c);
    event_tip_changed(c);
    if (c->opts.check_block_index)
        check_block_index(c);
    chain_drain(c);
    return !stopped(c, v);
}

void chain_reconsider(struct chain *c, const struct block_index *i)
{
    struct node *target = (struct node *)i, *n;
    int32_t height = node_height(target);
    size_t pos = 0;

    chain_drain(c);
    while ((n = table_next(&c->by_hash, &pos))) {
        if (!(n->i.status & BLOCK_FAILED) ||
            (node_ancestor(n, height) != target && node_ancestor(target, node_height(n)) != n))
            continue;
        n->i.status &= ~(uint32_t)BLOCK_FAILED;
        tree_mark_dirty(c, n);
        if (c->best_invalid == n)
            c->best_invalid = NULL;
    }
    tree_recalculate_best_header(c);
    candidates_rebuild(c);
    chain_drain(c);
}

bool chain_precious(struct chain *c, const struct block_index *i, struct verdict *v)
{
    struct node *n = (struct node *)i, *tip;

    if (stopped(c, v))
        return false;
    chain_drain(c);
    tip = tip_node(c);
    if (u256_cmp(n->i.h.work, tip->i.h.work) < 0)
        return true;
    if (u256_cmp(tip->i.h.work, c->precious_work) > 0)
        c->reverse_sequence = -1;
    c->precious_work = tip->i.h.work;
    n->i.sequence = c->reverse_sequence;
    if (c->reverse_sequence > INT32_MIN)
        c->reverse_sequence--;
    candidates_rebuild(c);
    chain_drain(c);
    return !stopped(c, v);
}

/* ---- testing a block ---- */

static bool finish_test(struct chain *c, struct step *s, struct verdict *v)
{
    bool error;

    scripts_submit(c, s);
    while (s->jobs > 0 && workers_wait(c->workers))
        continue;
    if (s->script_failed)
        scripts_verdict(s, v);
    if (!unapply_block(c, s->block, s->undo, s->node, &error))
        chain_fail(c, "The coins do not fit a block that was tested a moment ago. Restart.");
    return !s->script_failed && !c->failed;
}

static bool test_connect(struct chain *c, const struct block *b, struct verdict *v)
{
    struct node n = {0};
    struct step s = {.connect = true, .node = &n, .block = b, .check_scripts = true};
    bool ok = false;

    hnode_init(&n.i.h, &b->header, &b->hash, &tip_node(c)->i.h);
    c->testing = true;
    switch (apply_block(c, &s, v)) {
    case APPLY_OK: ok = finish_test(c, &s, v); break;
    case APPLY_INVALID: break;
    case APPLY_ERROR: (void)stopped(c, v); break;
    }
    c->testing = false;
    undo_unref(s.undo);
    free(s.items);
    return ok;
}

bool chain_test_block(struct chain *c, const struct block *b, bool check_pow, bool check_merkle,
                      struct verdict *v)
{
    const struct node *tip;

    if (stopped(c, v))
        return false;
    chain_drain(c);
    tip = tip_node(c);
    if (!block_hash_eq(&b->header.prev, &tip->i.h.hash))
        return verdict_fail(v, VERDICT_CONSENSUS, "inconclusive-not-best-prevblk", "%s", "");
    return block_check(b, c->net, check_pow, check_merkle, v) &&
           header_check_contextual(&b->header, &tip->i.h, time_now(), c->net, v) &&
           block_check_contextual(b, &tip->i.h, c->net, v) && test_connect(c, b, v);
}
