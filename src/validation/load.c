/*
 * Loading the chain: the tree from the block index, the tip from the coins, and repair.
 *
 * The coin database says where we are. Normally it names its best block; after a crash in the
 * middle of a flush it names two head blocks instead, and holds something between the coins of one
 * and of the other. Taking blocks out and putting them in is repeatable (a coin that is there or
 * gone already does no harm), so the old branch is undone to the fork and the new one done again,
 * from the block files, and the result is the new head's exactly.
 */
#include <stdio.h>
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "validation/internal.h"

/* ---- the tree ---- */

struct loaded {
    struct block_record record;
    struct block_hash hash;
};
struct loading {
    struct loaded *all;
    size_t n, cap;
};

static bool collect(void *arg, const struct block_hash *hash, const struct block_record *r)
{
    struct loading *l = arg;

    l->all = array_reserve(l->all, &l->cap, l->n + 1, sizeof(*l->all));
    l->all[l->n++] = (struct loaded){*r, *hash};
    return true;
}

static int by_height(const void *a, const void *b)
{
    const struct loaded *x = a, *y = b;

    return x->record.height < y->record.height ? -1 : x->record.height > y->record.height;
}

static bool damaged(const struct chain *c, char **error, const char *why)
{
    *error = xasprintf("The block index %s is damaged (%s). Restart with -reindex to rebuild it.",
                       db_path(c->index_db), why);
    return false;
}

static void set_fields(struct chain *c, struct node *n, const struct block_record *r)
{
    struct node *prev = node_prev(n);

    n->i.status = r->status;
    n->i.n_tx = r->n_tx;
    n->i.file = r->file;
    n->i.data_pos = r->data_pos;
    n->i.undo_pos = r->undo_pos;
    if (n->i.status & BLOCK_FAILED_CHILD || (prev && prev->i.status & BLOCK_FAILED)) {
        n->i.status = (n->i.status & ~(uint32_t)BLOCK_FAILED_CHILD) | BLOCK_FAILED;
        if (n->i.status != r->status)
            tree_mark_dirty(c, n);
    }
    if (n->i.n_tx > 0 && (!prev || prev->i.chain_tx))
        n->i.chain_tx = (prev ? prev->i.chain_tx : 0) + n->i.n_tx;
    else if (n->i.n_tx > 0 && n->i.status & BLOCK_HAVE_DATA)
        tree_wait_for_parent(n);
}

static void note_best(struct chain *c, struct node *n)
{
    if (n->i.status & BLOCK_FAILED) {
        if (!c->best_invalid || u256_cmp(n->i.h.work, c->best_invalid->i.h.work) > 0)
            c->best_invalid = n;
    } else if (!c->best_header || node_better(n, c->best_header)) {
        c->best_header = n;
    }
}

static bool link_all(struct chain *c, const struct loading *l, char **error)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct loaded *e = &l->all[i];
        struct node *prev = tree_find(c, &e->record.header.prev), *n;

        if (e->record.height == 0 ? !block_hash_eq(&e->hash, &c->net->genesis_hash)
                                  : !prev || node_height(prev) != e->record.height - 1)
            return e->record.height == 0
                       ? damaged(c, error,
                                 "it begins with another genesis block: wrong datadir for "
                                 "the network?")
                       : damaged(c, error, "a header has no predecessor");
        n = tree_add(c, &e->record.header, &e->hash, prev);
        set_fields(c, n, &e->record);
        note_best(c, n);
    }
    return true;
}

static bool files_exist(const struct chain *c, const struct loading *l, char **error)
{
    int32_t n_files = blockfiles_count(c->files);
    bool *needed = xcalloc((size_t)n_files + 1, sizeof(bool)), ok = true;
    char why[64];

    for (size_t i = 0; i < l->n; i++) {
        const struct block_record *r = &l->all[i].record;

        if (r->status & BLOCK_HAVE_DATA && r->file < n_files)
            needed[r->file] = true;
        else if (r->status & BLOCK_HAVE_DATA)
            ok = damaged(c, error, "it names a block file of which it has no counts");
        if (!ok)
            break;
    }
    for (int32_t f = 0; ok && f < n_files; f++) {
        if (needed[f] && !blockfiles_exists(c->files, f)) {
            snprintf(why, sizeof(why), "blk%05d.dat is missing", f);
            ok = damaged(c, error, why);
        }
    }
    free(needed);
    return ok;
}

/* Files that a crash kept from being removed when they were pruned. */
static void remove_pruned_files(struct chain *c)
{
    if (!c->have_pruned)
        return;
    for (int32_t f = 0; f + 1 < blockfiles_count(c->files); f++) {
        if (blockfiles_info(c->files, f)->size == 0 && blockfiles_exists(c->files, f))
            blockfiles_remove(c->files, f);
    }
}

/* While block files are to be read anew, the genesis block waits to be found in them. */
static void add_genesis(struct chain *c)
{
    struct block *b = network_genesis(c->net);
    struct node *n = tree_add(c, &b->header, &b->hash, NULL);

    c->best_header = n;
    tree_mark_dirty(c, n);
    if (!c->reindexing) {
        n->i.n_tx = b->n_tx;
        store_block(c, n, b);
        n->i.chain_tx = n->i.n_tx;
        if (buried_active_after(c->net, BURIED_SEGWIT, NULL))
            n->i.status |= BLOCK_OPT_WITNESS;
        node_raise(c, n, BLOCK_VALID_TRANSACTIONS);
    }
    block_unref(b);
}

static bool load_flags(struct chain *c, char **error)
{
    struct db_batch *batch;
    bool ok;

    if (blockdb_get_flag(c->index_db, "prunedblockfiles", &c->have_pruned) == DB_ERROR ||
        blockdb_get_reindexing(c->index_db, &c->reindexing) == DB_ERROR)
        return damaged(c, error, db_error(c->index_db));
    if (!c->opts.reindex || !blockfiles_exists(c->files, 0))
        return true;
    batch = db_batch_create(c->index_db);
    blockdb_put_reindexing(batch, true);
    ok = db_write(c->index_db, batch, true);
    db_batch_destroy(batch);
    c->reindexing = true;
    return ok || damaged(c, error, db_error(c->index_db));
}

bool load_index(struct chain *c, char **error)
{
    struct loading l = {0};
    bool ok = load_flags(c, error) && blockdb_each(c->index_db, collect, &l, error) &&
              blockdb_load_files(c->index_db, c->files, error);

    if (ok) {
        if (l.n)
            qsort(l.all, l.n, sizeof(*l.all), by_height);
        ok = link_all(c, &l, error) && files_exist(c, &l, error);
    }
    free(l.all);
    if (!ok)
        return false;
    remove_pruned_files(c);
    if (!tree_find(c, &c->net->genesis_hash))
        add_genesis(c);
    if (c->have_pruned && !chain_pruning(c)) {
        *error = xstrdup("You need to rebuild the database using -reindex to go back to unpruned "
                         "mode.  This will redownload the entire blockchain");
        return false;
    }
    return true;
}

/* ---- the tip ---- */

static bool replay_failed(struct chain *c, char **error)
{
    *error = xasprintf("Unable to replay blocks. You will need to rebuild the database using "
                       "-reindex-chainstate.%s%s",
                       c->failed ? " " : "", c->failed ? c->failed : "");
    return false;
}

static bool roll_back(struct chain *c, const struct node *n)
{
    bool error;
    struct block *b = chain_read_block(c, &n->i, &error);
    struct block_undo *u = b ? chain_read_undo(c, &n->i, &error) : NULL;

    if (u)
        (void)unapply_block(c, b, u, n, &error);
    block_unref(b);
    undo_unref(u);
    return u && !error;
}

static bool roll_forward(struct chain *c, const struct node *n)
{
    bool error, ok;
    struct block *b = chain_read_block(c, &n->i, &error);

    ok = b && reapply_block(c, b, n);
    block_unref(b);
    return ok;
}

static bool replay(struct chain *c, const struct block_hash heads[2], char **error)
{
    struct node *to = tree_find(c, &heads[0]), *from = NULL, *fork = NULL;

    if (to && !block_hash_is_zero(&heads[1])) {
        from = tree_find(c, &heads[1]);
        fork = from ? (struct node *)hnode_last_common(&from->i.h, &to->i.h) : NULL;
    }
    if (!to || (!from && !block_hash_is_zero(&heads[1])))
        return replay_failed(c, error);
    log_info("Replaying blocks: the last flush was cut off on its way from height %d to %d",
             from ? node_height(from) : -1, node_height(to));
    for (; from && from != fork; from = node_prev(from)) {
        if (!roll_back(c, from))
            return replay_failed(c, error);
    }
    for (int32_t h = fork ? node_height(fork) + 1 : 1; h <= node_height(to); h++) {
        if (!roll_forward(c, node_ancestor(to, h)))
            return replay_failed(c, error);
    }
    tree_set_tip(c, to);
    if (!chain_flush(c))
        return replay_failed(c, error);
    return true;
}

static void settle(struct chain *c)
{
    for (size_t h = 0; h < c->n_active; h++)
        c->active[h]->i.sequence = SEQUENCE_BEST_AT_LOAD;
    candidates_rebuild(c);
    if (u256_cmp(tip_node(c)->i.h.work, c->best_header->i.h.work) > 0)
        c->best_header = tip_node(c);
}

bool load_tip(struct chain *c, char **error)
{
    struct block_hash best, heads[2];
    struct node *n;
    bool in_flush;

    if (!coins_best(c->coins, &best, &in_flush, heads)) {
        *error = xasprintf("Error opening coins database: %s. Restart with -reindex-chainstate.",
                           db_error(coins_db(c->coins)));
        return false;
    }
    tree_set_tip(c, tree_find(c, &c->net->genesis_hash));
    c->tip_told = tip_node(c);
    if (in_flush) {
        c->halted = true; /* no block may connect before the coins are whole */
        if (!replay(c, heads, error))
            return false;
        c->halted = false;
    } else if (!block_hash_is_zero(&best)) {
        n = tree_find(c, &best);
        if (!n)
            return damaged(c, error, "the coins are those of a block that it does not know");
        tree_set_tip(c, n);
    }
    settle(c);
    return true;
}
