/*
 * Flushing: what goes to disk together, and when.
 *
 * A flush is cut off at a moment when the coins are those of the tip (the pipeline is held for the
 * blink that this takes): the list of changed coins, the index entries and file counts that
 * changed. The writer then does, in this order, what makes every crash harmless:
 *   1. block and undo files are synced, so the index may name what is in them;
 *   2. the index is written and synced, so a replay finds every block that the coins may know;
 *   3. the coins are written (store/coins_flush.c), synced at the end;
 *   4. pruned files are removed, which nothing names any more.
 * Meanwhile the owner goes on. It happens when much of the cache waits to be written, once an hour,
 * when somebody asks, and at the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/time.h"
#include "validation/internal.h"

#define HOUR_US     INT64_C(3600000000)
#define END_SLICE   20000
#define EVICT_SLICE 4096
#define MIN_FREE    ((uint64_t)50 << 20) /* bytes that are left to others */
#define DIRTY_MAX   8000                 /* index entries that wait */

struct flush {
    struct write_job job; /* first */
    struct chain *c;
    struct db_batch *batch;
    struct coins_flush *coins;
    struct node *at;
    bool written;
    int32_t *pruned;
    size_t n_pruned;
};

static bool flush_run(struct write_job *job, char **error)
{
    struct flush *f = (struct flush *)job;
    struct chain *c = f->c;

    if (!blockfiles_sync(c->files)) {
        *error = xasprintf("Cannot sync block files in %s: %s.", blockfiles_dir(c->files),
                           strerror(errno));
        return false;
    }
    if (!db_write(c->index_db, f->batch, true)) {
        *error = xasprintf("Cannot write the block index %s: %s.", db_path(c->index_db),
                           db_error(c->index_db));
        return false;
    }
    if (!coins_flush_write(f->coins, error))
        return false;
    for (size_t i = 0; i < f->n_pruned; i++)
        blockfiles_remove(c->files, f->pruned[i]);
    return true;
}

static void flush_done(struct write_job *job, bool ok)
{
    struct flush *f = (struct flush *)job;

    f->written = true;
    if (!ok)
        chain_fail(f->c, "%s", writer_error(f->c->writer));
}

static void flush_free(struct flush *f)
{
    db_batch_destroy(f->batch);
    free(f->pruned);
    free(f);
}

static void put_node(struct db_batch *batch, struct node *n)
{
    struct block_record r = {
        .height = node_height(n),
        .status = n->i.status,
        .n_tx = n->i.n_tx,
        .file = n->i.file,
        .data_pos = n->i.data_pos,
        .undo_pos = n->i.undo_pos,
    };

    hnode_header(&n->i.h, &r.header);
    blockdb_put_block(batch, &n->i.h.hash, &r);
    n->dirty = false;
}

static void put_index(struct chain *c, struct db_batch *batch)
{
    int32_t files[64];
    size_t n;

    while ((n = blockfiles_take_dirty(c->files, files, ARRAY_LEN(files))) > 0) {
        for (size_t i = 0; i < n; i++)
            blockdb_put_file(batch, files[i], blockfiles_info(c->files, files[i]));
    }
    if (blockfiles_count(c->files) > 0)
        blockdb_put_last_file(batch, blockfiles_count(c->files) - 1);
    if (c->have_pruned)
        blockdb_put_flag(batch, "prunedblockfiles", true);
    for (size_t i = 0; i < c->n_dirty; i++)
        put_node(batch, c->dirty[i]);
    c->n_dirty = 0;
}

static bool space_left(struct chain *c)
{
    uint64_t coins = coins_dirty_memory(c->coins) * 2;

    if (disk_free(c->datadir) >= MIN_FREE + coins &&
        disk_free(blockfiles_dir(c->files)) >= MIN_FREE)
        return true;
    chain_fail(c, "Disk space is too low!");
    return false;
}

static void schedule(struct chain *c)
{
    c->next_flush_us = time_mono_us() + HOUR_US - (int64_t)random_below(HOUR_US / 6);
}

static void flush_begin(struct chain *c)
{
    struct flush *f;

    if (!space_left(c))
        return;
    f = xcalloc(1, sizeof(*f));
    c->flush_wanted = false;
    f->job.run = flush_run;
    f->job.done = flush_done;
    f->c = c;
    f->at = tip_node(c);
    f->pruned = prune_choose(c, &f->n_pruned);
    f->batch = db_batch_create(c->index_db);
    put_index(c, f->batch);
    f->coins = coins_flush_begin(c->coins, &f->at->i.h.hash);
    c->flush = f;
    schedule(c);
    log_debug(LOG_coindb, "Flush of block %d begins: %zu bytes of coins", node_height(f->at),
              coins_used(c->coins));
    writer_submit(c->writer, &f->job);
}

bool flush_poll(struct chain *c)
{
    struct flush *f = c->flush;

    writer_reap(c->writer);
    if (c->failed)
        return false;
    if (f && f->written) {
        if (!coins_flush_end(f->coins, END_SLICE))
            return true;
        c->flush = NULL;
        stats_start_waiting(c, f->at);
        event_flushed(c, f->at);
        flush_free(f);
        return true;
    }
    if (f || !c->flush_wanted || !pipeline_at_tip(c))
        return false;
    flush_begin(c);
    return true;
}

void flush_abandon(struct chain *c)
{
    struct flush *f = c->flush;

    while (writer_wait(c->writer))
        continue;
    if (!f)
        return;
    c->flush = NULL;
    while (!coins_flush_end(f->coins, SIZE_MAX))
        continue;
    flush_free(f);
}

void flush_request(struct chain *c)
{
    c->flush_wanted = true;
}

void flush_if_needed(struct chain *c)
{
    size_t limit = coins_limit(c->coins);

    if (coins_used(c->coins) > limit)
        coins_evict(c->coins, EVICT_SLICE);
    if (c->flush)
        return;
    if (coins_dirty_memory(c->coins) > limit / 10 * 6 || c->n_dirty > DIRTY_MAX)
        flush_request(c);
}

bool chain_flush(struct chain *c)
{
    bool asked = false;

    while (!c->failed && !c->pipe.running) {
        pipeline_pump(c, true);
        if (!c->flush && !c->flush_wanted) {
            if (asked)
                return true;
            asked = true;
            flush_request(c);
            continue;
        }
        if ((c->flush && c->flush->written) || (!c->flush && pipeline_at_tip(c)))
            continue;
        if (!chain_wait(c))
            break;
    }
    return false;
}

void chain_tick(struct chain *c)
{
    if (c->failed) {
        chain_cancel_stats(c); /* the flush that they wait for will not come */
        return;
    }
    if (c->prune_check && prune_is_due(c))
        flush_request(c);
    if (time_mono_us() >= c->next_flush_us)
        flush_request(c);
    coins_evict(c->coins, EVICT_SLICE);
    pipeline_pump(c, false);
}

void flush_schedule(struct chain *c)
{
    schedule(c);
}
