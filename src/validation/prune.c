/*
 * Pruning: deleting whole block files, oldest first, when all of them together are larger than the
 * target, or below a height that the user names. The last 288 blocks always stay.
 *
 * Which files go is decided when a flush is cut off: their blocks lose their data in the index that
 * this flush writes, and the writer removes the files when that is durable. So a crash leaves at
 * worst a file that nothing names, which the next start removes.
 */
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "validation/internal.h"

#define KEEP_BUFFER 10                   /* below what chain_keep_from() names */
#define PRUNE_AHEAD ((uint64_t)17 << 20) /* a chunk of blocks and one of undo data may come */

bool chain_pruning(const struct chain *c)
{
    return c->opts.prune_target > 0;
}

bool chain_is_pruned(const struct chain *c)
{
    return c->have_pruned;
}

int32_t chain_prune_height(const struct chain *c)
{
    const struct node *n = tip_node(c);

    if (!c->have_pruned)
        return 0;
    while (n->i.status & BLOCK_HAVE_DATA && node_prev(n))
        n = node_prev(n);
    return node_prev(n) ? node_height(n) + 1 : 0;
}

static int32_t last_prunable(const struct chain *c)
{
    int32_t height = chain_height(c);

    if ((uint64_t)height <= c->net->prune_after_height)
        return -1;
    height -= MIN_BLOCKS_TO_KEEP;
    if (c->keep_from - KEEP_BUFFER - 1 < height)
        height = c->keep_from > KEEP_BUFFER + 1 ? c->keep_from - KEEP_BUFFER - 1 : 1;
    return height;
}

void chain_keep_from(struct chain *c, int32_t height)
{
    c->keep_from = height;
}

static bool over_target(const struct chain *c)
{
    return blockfiles_total_size(c->files) + PRUNE_AHEAD >= c->opts.prune_target;
}

bool prune_is_due(struct chain *c)
{
    if (c->prune_height > 0)
        return true;
    if (!chain_pruning(c) || c->opts.prune_target == UINT64_MAX)
        return false;
    c->prune_check = false;
    return over_target(c) && last_prunable(c) > 0;
}

static void forget_file(struct chain *c, int32_t file)
{
    size_t pos = 0;
    struct node *n;

    c->usable = NULL;
    while ((n = table_next(&c->by_hash, &pos))) {
        if (n->i.file != file || !(n->i.status & (BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO)))
            continue;
        n->i.status &= ~(uint32_t)(BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO);
        n->i.file = 0;
        n->i.data_pos = n->i.undo_pos = 0;
        tree_mark_dirty(c, n);
    }
    blockfiles_forget(c->files, file);
}

/* Files that go now; caller frees. */
int32_t *prune_choose(struct chain *c, size_t *n)
{
    int32_t keep_from = last_prunable(c), *out = NULL;
    bool manual = c->prune_height > 0;
    size_t cap = 0;

    *n = 0;
    if (manual && c->prune_height - 1 < keep_from)
        keep_from = c->prune_height - 1;
    if (!chain_pruning(c) || c->reindexing || keep_from <= 0)
        return NULL;
    for (int32_t f = 0; f + 1 < blockfiles_count(c->files); f++) {
        const struct file_info *info = blockfiles_info(c->files, f);

        if (info->size == 0 || (int64_t)info->height_last > keep_from)
            continue;
        if (!manual && (c->opts.prune_target == UINT64_MAX || !over_target(c)))
            break;
        log_info("Prune: block file %d (blocks %u to %u)", f, info->height_first,
                 info->height_last);
        forget_file(c, f);
        out = array_reserve(out, &cap, *n + 1, sizeof(*out));
        out[(*n)++] = f;
    }
    c->prune_height = 0;
    if (*n)
        c->have_pruned = true;
    return out;
}

void chain_prune_to(struct chain *c, int32_t height)
{
    c->prune_height = height;
    (void)chain_flush(c);
}
