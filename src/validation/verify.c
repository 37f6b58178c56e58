/*
 * Checking what is stored: -checkblocks and verifychain.
 *
 * Levels as in Core: 0 reads blocks, 1 checks them by themselves, 2 reads undo data, 3 takes the
 * blocks out of the coins in memory, 4 puts them in again with all checks. Levels 3 and 4 work on
 * the live cache and leave it as it was; where they find a fault the node stops anyway. The coins
 * of level 3 must fit into the cache: it goes no further down than that.
 */
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "validation/internal.h"

struct verifying {
    struct chain *c;
    int level;
    char **error;
    struct node *low; /* the lowest block that was taken out, or NULL */
};

static bool fault(struct verifying *f, const struct node *n, const char *what)
{
    char hex[HASH_HEX_SIZE];

    *f->error =
        xasprintf("%s at %d, hash=%s", what, node_height(n), hash_to_hex(hex, n->i.h.hash.b));
    return false;
}

static bool take_out(struct verifying *f, struct node *n, const struct block *b,
                     const struct block_undo *u)
{
    bool error;

    if (f->level < 3 || coins_used(f->c->coins) > coins_limit(f->c->coins) ||
        (f->low && node_prev(f->low) != n))
        return true;
    if (!unapply_block(f->c, b, u, n, &error))
        return fault(f, n, "coin database inconsistencies found");
    f->low = n;
    return true;
}

static bool check_one(struct verifying *f, struct node *n)
{
    struct verdict v = {0};
    bool error, ok = true;
    struct block *b = chain_read_block(f->c, &n->i, &error);
    struct block_undo *u = NULL;

    if (!b)
        return fault(f, n, "the block cannot be read");
    if (f->level >= 1 && !block_check(b, f->c->net, true, true, &v))
        ok = fault(f, n, "found bad block");
    if (ok && f->level >= 2) {
        u = chain_read_undo(f->c, &n->i, &error);
        ok = u ? take_out(f, n, b, u) : fault(f, n, "found bad undo data");
    }
    block_unref(b);
    undo_unref(u);
    return ok;
}

static void finish_scripts(struct chain *c, struct step *s)
{
    scripts_submit(c, s);
    while (s->jobs > 0 && workers_wait(c->workers))
        continue;
}

/* With all checks at level 4, without any at level 3. */
static bool put_in(struct verifying *f, struct node *n)
{
    struct chain *c = f->c;
    struct verdict v = {0};
    struct step s = {.connect = true, .node = n, .check_scripts = scripts_needed(c, n)};
    bool error, ok;

    s.block = chain_read_block(c, &n->i, &error);
    if (!s.block)
        return fault(f, n, "the block cannot be read");
    if (f->level < 4) {
        ok = reapply_block(c, s.block, n);
    } else {
        ok = apply_block(c, &s, &v) == APPLY_OK;
        if (ok)
            finish_scripts(c, &s);
        ok = (ok && !s.script_failed) || fault(f, n, "found unconnectable block");
    }
    block_unref(s.block);
    undo_unref(s.undo);
    free(s.items);
    return ok;
}

static bool verify(struct verifying *f, int blocks)
{
    struct chain *c = f->c;
    int32_t tip = chain_height(c);
    struct node *n;

    if (blocks <= 0 || blocks > tip)
        blocks = tip;
    log_info("Verifying last %i blocks at level %i", blocks, f->level);
    for (n = tip_node(c); node_prev(n) && node_height(n) > tip - blocks; n = node_prev(n)) {
        if (!(n->i.status & BLOCK_HAVE_DATA)) {
            if (chain_pruning(c))
                break;
            return fault(f, n, "the data is missing of the block");
        }
        if (!check_one(f, n))
            return false;
    }
    for (int32_t h = f->low ? node_height(f->low) : tip + 1; h <= tip; h++) {
        if (!put_in(f, c->active[h]))
            return false;
    }
    return true;
}

bool chain_verify(struct chain *c, int level, int blocks, char **error)
{
    struct verifying f = {.c = c, .level = level < 4 ? level : 4, .error = error};
    bool ok;

    *error = NULL;
    chain_drain(c);
    c->testing = true;
    ok = verify(&f, blocks);
    c->testing = false;
    if (!ok && f.low)
        chain_fail(c,
                   "Corrupted block database detected (%s). Restart with -reindex to rebuild "
                   "it.",
                   *error);
    return ok;
}

/* ---- -checkblockindex ---- */

static void check_node(const struct chain *c, const struct node *n)
{
    const struct node *prev = node_prev(n);
    bool failed = n->i.status & BLOCK_FAILED;

    CHECK(!prev || node_height(n) == node_height(prev) + 1);
    CHECK(!prev || u256_cmp(n->i.h.work, prev->i.h.work) > 0);
    CHECK(!prev || !(prev->i.status & BLOCK_FAILED) || failed);
    CHECK(failed || u256_cmp(n->i.h.work, c->best_header->i.h.work) <= 0);
    CHECK(!(n->i.status & BLOCK_HAVE_DATA) || n->i.n_tx > 0);
    CHECK(!(n->i.status & BLOCK_HAVE_UNDO) || n->i.status & BLOCK_HAVE_DATA);
    CHECK(c->have_pruned || !n->i.n_tx || n->i.status & BLOCK_HAVE_DATA);
    CHECK(!n->i.chain_tx || n->i.n_tx);
    CHECK(!n->i.chain_tx || n->i.chain_tx == n->i.n_tx + (prev ? prev->i.chain_tx : 0));
    CHECK(!n->i.n_tx || (n->i.status & BLOCK_VALID_MASK) >= BLOCK_VALID_TRANSACTIONS || failed);
    CHECK(!tree_active(c, n) || !failed);
}

void check_block_index(const struct chain *c)
{
    const struct node *tip = tip_node(c), *n;
    size_t pos = 0;

    while ((n = table_next(&c->by_hash, &pos)))
        check_node(c, n);
    for (size_t h = 1; h < c->n_active; h++)
        CHECK(node_prev(c->active[h]) == c->active[h - 1]);
    CHECK(!(c->best_header->i.status & BLOCK_FAILED));
    for (size_t i = 0; i < c->n_candidates; i++)
        CHECK(c->candidates[i]->i.chain_tx);
    CHECK(!(tip->i.status & BLOCK_FAILED));
}
