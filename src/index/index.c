/*
 * The set of indexes: each follows the active chain with one job at a time.
 *
 * The owner plans a job: the next blocks to go in, or (after a reorganisation) to come out first,
 * with what is needed to read each. A worker reads them from disk or memory, computes, and writes
 * the index's own database, a batch a block, until a time slice is over; the owner then moves
 * `best` on and plans the next. An index that is level with the chain is woken by the tip_changed
 * event; there is no other path for new blocks, so building and following are the same thing.
 *
 * Where an index stands is written rarely, and never ahead of the coins on disk: after a crash the
 * chain may lie behind what it was, and an index with sums must never need a block that is gone.
 * What is in the database above the noted place does no harm, it is written again. Like Core, an
 * index stays where it is while the chain is behind it on the same branch.
 *
 * Rejected: feeding indexes from the block_connected event. It saves reading a block that is in
 * memory anyway (the plan takes those by reference), and would need a second path to catch up.
 */
#include "index/index.h"

#include <stdlib.h>

#include "index/internal.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define JOB_BLOCKS_MAX  64
#define JOB_SLICE_US    10000
#define COMMIT_EVERY_US INT64_C(30000000)
#define LOG_EVERY_US    INT64_C(30000000)
#define LOCATOR_MAX     64
#define LOCATOR_VERSION 70016

struct indexes {
    struct index_options opts;
    struct index *all[INDEX_COUNT];
    const struct block_index *flushed; /* the coins on disk are those of this block */
    bool stopping;
};

struct index_step {
    bool connect;
    const struct block_index *i;
    struct stored_block source;
};

struct index_job {
    struct job job; /* first */
    struct index *ix;
    struct index_step steps[JOB_BLOCKS_MAX];
    size_t n, n_done;
    bool commit;
    struct buf locator;
    char *error;
};

static const struct index_kind *const kinds[INDEX_COUNT] = {
    [INDEX_TX] = &tx_index_kind,
    [INDEX_COIN_STATS] = &coin_stats_index_kind,
    [INDEX_SPENDER] = &spender_index_kind,
    [INDEX_FILTER] = &filter_index_kind,
};

static void pump(struct index *ix);

/* ---- on a worker ---- */

static bool read_step(const struct index *ix, const struct index_step *s, struct index_block *b,
                      char **error)
{
    const struct index_kind *k = ix->kind;

    *b = (struct index_block){.hash = &s->i->h.hash, .height = s->i->h.height, .node = &s->i->h};
    if (s->i->h.prev)
        b->prev = &s->i->h.prev->hash;
    if (!s->connect && !k->old_blocks)
        return true;
    b->at = s->source.data_at;
    b->block = stored_block_read(&s->source, error);
    if (b->block && k->undo && b->height > 0)
        b->undo = stored_block_read_undo(&s->source, error);
    return b->block && (b->undo || !k->undo || b->height == 0);
}

static bool run_step(struct index_job *j, const struct index_step *s, struct db_batch *batch)
{
    const struct index_kind *k = j->ix->kind;
    struct index_block b;
    bool ok = read_step(j->ix, s, &b, &j->error);

    db_batch_reset(batch);
    if (ok)
        ok = s->connect ? k->connect(j->ix, &b, batch, &j->error)
                        : k->disconnect(j->ix, &b, batch, &j->error);
    if (ok && !db_write(j->ix->db, batch, false))
        ok = index_db_failed(j->ix, &j->error);
    block_unref(b.block);
    undo_unref(b.undo);
    return ok;
}

static bool run_commit(struct index *ix, struct db_batch *batch, struct span locator, char **error)
{
    db_batch_reset(batch);
    if (!ix->kind->commit(ix, batch, error))
        return false;
    db_batch_put(batch, ix->kind->best_key, locator);
    return db_write(ix->db, batch, true) || index_db_failed(ix, error);
}

static void job_run(struct job *job)
{
    struct index_job *j = (struct index_job *)job;
    struct db_batch *batch = db_batch_create(j->ix->db);
    int64_t end = time_mono_us() + JOB_SLICE_US;

    if (j->commit)
        (void)run_commit(j->ix, batch, buf_span(&j->locator), &j->error);
    while (!j->error && j->n_done < j->n && run_step(j, &j->steps[j->n_done], batch)) {
        j->n_done++;
        if (time_mono_us() >= end)
            break;
    }
    db_batch_destroy(batch);
}

/* ---- the place of an index ---- */

static void write_locator(struct buf *out, const struct index *ix)
{
    struct block_hash hashes[LOCATOR_MAX];
    size_t n = chain_locator(ix->chain, ix->best, hashes);

    write_u32(out, LOCATOR_VERSION);
    write_compact(out, n);
    write_bytes(out, hashes, n * sizeof(hashes[0]));
}

/* False: *error is set. *best NULL: the index is empty. */
static bool read_place(struct index *ix, const struct block_index **best, char **error)
{
    struct buf value = BUF_INIT;
    enum db_result res = db_get(ix->db, ix->kind->best_key, &value);
    struct block_hash hash;
    struct reader r;
    uint64_t n;

    *best = NULL;
    reader_init(&r, value.data, value.len);
    (void)read_u32(&r);
    n = read_compact(&r, LOCATOR_MAX);
    read_bytes(&r, hash.b, sizeof(hash.b));
    buf_clear(&value);
    if (res == DB_ERROR)
        return index_db_failed(ix, error);
    if (res == DB_NOT_FOUND)
        return true;
    if (!reader_ok(&r) || n == 0)
        return index_damaged(ix, error, "it does not say where it stands");
    *best = chain_find(ix->chain, &hash);
    if (!*best)
        *error = xasprintf("best block of %s not found. Please rebuild the index.", ix->kind->name);
    return *best != NULL;
}

/* True where a is the block below b on b's branch, or b itself. */
static bool is_ancestor(const struct block_index *a, const struct block_index *b)
{
    return b && a && a->h.height <= b->h.height && index_ancestor(b, a->h.height) == a;
}

/* All of the active chain is in the index (which may be ahead of it on the same branch). */
static bool is_level(const struct index *ix)
{
    return is_ancestor(chain_tip(ix->chain), ix->best);
}

static void update_keep(struct indexes *s)
{
    int32_t from = INT32_MAX;

    for (int id = 0; id < INDEX_COUNT; id++) {
        const struct index *ix = s->all[id];

        if (ix && index_height(ix) < from)
            from = index_height(ix);
    }
    chain_keep_from(s->opts.chain, from);
}

/* ---- waiters ---- */

/* Calls whose target is reached; all of them where `force`. */
static void call_waiters(struct index *ix, bool force)
{
    struct index_waiter **at = &ix->waiters, *ready = NULL, **last = &ready, *w;

    while ((w = *at)) {
        if (force || (ix->n_goals == 0 && (is_ancestor(w->target, ix->best) ||
                                           !chain_contains(ix->chain, w->target)))) {
            *at = w->next;
            w->next = NULL;
            *last = w;
            last = &w->next;
        } else {
            at = &w->next;
        }
    }
    while ((w = ready)) {
        ready = w->next;
        w->fn(w->arg);
        free(w);
    }
}

void index_wait(struct index *ix, void (*fn)(void *arg), void *arg)
{
    struct index_waiter *w = xcalloc(1, sizeof(*w));

    *w = (struct index_waiter){chain_tip(ix->chain), fn, arg, ix->waiters};
    ix->waiters = w;
}

void index_wait_cancel(struct index *ix, const void *arg)
{
    struct index_waiter **at = &ix->waiters, *w;

    while ((w = *at) && w->arg != arg)
        at = &w->next;
    if (!w)
        return;
    *at = w->next;
    free(w);
}

/* ---- planning ---- */

static void fail(struct index *ix, const char *message)
{
    struct indexes *s = ix->set;
    bool first = !s->stopping;

    indexes_stop(s);
    if (first)
        s->opts.fatal(s->opts.fatal_arg, message);
}

/* The step from `at` towards a goal; false where there is none to do. */
static bool next_step(const struct index *ix, const struct block_index *at,
                      const struct block_index *goal, struct index_step *s)
{
    s->connect = !at || is_ancestor(at, goal);
    if (!at)
        s->i = chain_at(ix->chain, 0);
    else if (!s->connect)
        s->i = is_ancestor(goal, at) ? NULL : at;
    else
        s->i = at == goal ? NULL : index_ancestor(goal, at->h.height + 1);
    return s->i != NULL;
}

/* Where an index at `at` goes next, when it is past the first *passed of its goals. */
static const struct block_index *goal_of(const struct index *ix, const struct block_index *at,
                                         size_t *passed)
{
    while (*passed < ix->n_goals && is_ancestor(ix->goals[*passed], at))
        ++*passed;
    return *passed < ix->n_goals ? ix->goals[*passed] : chain_tip(ix->chain);
}

static void drop_goals(struct index *ix, size_t passed)
{
    if (passed == 0)
        return;
    ix->n_goals -= passed;
    memmove(ix->goals, ix->goals + passed, ix->n_goals * sizeof(ix->goals[0]));
}

static char *pruned_message(const struct index *ix)
{
    return xasprintf("%s best block of the index goes beyond pruned data%s. Please disable the "
                     "index or reindex (which will download the whole blockchain again)",
                     ix->kind->name, ix->kind->undo ? " (including undo data)" : "");
}

/* False: a block is gone. */
static bool plan(struct index *ix, struct index_job *j)
{
    const struct block_index *at = ix->best;
    struct index_step *s = j->steps;
    size_t passed = 0;

    for (; j->n < JOB_BLOCKS_MAX && next_step(ix, at, goal_of(ix, at, &passed), s); s++) {
        bool needed = s->connect || ix->kind->old_blocks;

        if (needed && !chain_stored_block(ix->chain, s->i, ix->kind->undo, &s->source))
            return false;
        j->n++;
        at = s->connect ? s->i : index_prev(s->i);
    }
    return true;
}

static bool commit_is_due(const struct index *ix)
{
    return ix->best && ix->best != ix->committed && is_ancestor(ix->best, ix->set->flushed) &&
           (is_level(ix) || time_mono_us() >= ix->next_commit_us);
}

static void job_free(struct index_job *j)
{
    for (size_t i = 0; i < j->n; i++)
        stored_block_clear(&j->steps[i].source);
    buf_clear(&j->locator);
    free(j->error);
    free(j);
}

static void note_progress(struct index *ix)
{
    if (!ix->synced && is_level(ix)) {
        ix->synced = true;
        log_info("%s is enabled at height %d", ix->kind->name, (int)index_height(ix));
    } else if (!ix->synced && time_mono_us() >= ix->next_log_us) {
        ix->next_log_us = time_mono_us() + LOG_EVERY_US;
        log_info("Syncing %s with block chain from height %d", ix->kind->name,
                 (int)index_height(ix));
    }
}

static void job_done(struct job *job)
{
    struct index_job *j = (struct index_job *)job;
    struct index *ix = j->ix;

    ix->job = NULL;
    if (j->commit && !j->error) {
        ix->committed = ix->best;
        ix->next_commit_us = time_mono_us() + COMMIT_EVERY_US;
    }
    for (size_t i = 0; i < j->n_done; i++) {
        size_t passed = 0;

        ix->best = j->steps[i].connect ? j->steps[i].i : index_prev(j->steps[i].i);
        goal_of(ix, ix->best, &passed);
        drop_goals(ix, passed);
    }
    if (j->error) {
        ix->failed = true;
        fail(ix, j->error);
        job_free(j);
        return;
    }
    job_free(j);
    update_keep(ix->set);
    note_progress(ix);
    call_waiters(ix, false);
    pump(ix);
}

/* At the start this is known at once, and told in the two lines that users know. */
static bool can_begin(const struct index *ix, char **error)
{
    struct index_step s = {.connect = false};
    bool ok = true;
    char *message;

    if (next_step(ix, ix->best, chain_tip(ix->chain), &s) && (s.connect || ix->kind->old_blocks))
        ok = chain_stored_block(ix->chain, s.i, ix->kind->undo, &s.source);
    stored_block_clear(&s.source);
    if (ok)
        return true;
    message = pruned_message(ix);
    *error = xasprintf("%s\nError: A fatal internal error occurred, see debug.log for details: "
                       "Failed to start indexes, shutting down\u2026",
                       message);
    free(message);
    return false;
}

/* Begins the next job where there is something to do and none under way. */
static void pump(struct index *ix)
{
    struct index_job *j;

    if (ix->job || ix->set->stopping)
        return;
    j = xcalloc(1, sizeof(*j));
    j->job.run = job_run;
    j->job.done = job_done;
    j->ix = ix;
    if (!plan(ix, j)) {
        char *message = pruned_message(ix);

        job_free(j);
        fail(ix, message);
        free(message);
        return;
    }
    j->commit = commit_is_due(ix);
    if (j->commit)
        write_locator(&j->locator, ix);
    if (j->n == 0 && !j->commit) {
        job_free(j);
        return;
    }
    ix->job = j;
    workers_submit(ix->set->opts.workers, &j->job);
}

static void pump_all(struct indexes *s)
{
    for (int id = 0; id < INDEX_COUNT; id++)
        if (s->all[id])
            pump(s->all[id]);
}

static void on_tip_changed(void *arg, const struct block_index *tip, const struct block_index *fork,
                           bool ibd)
{
    (void)tip, (void)fork, (void)ibd;
    pump_all(arg);
}

/* What was connected while an index was level is indexed even if it is left before its turn: users
 * may ask for any block that they saw. */
static void on_disconnected(void *arg, const struct block *b, const struct block_index *i)
{
    struct indexes *s = arg;

    (void)b;
    for (int id = 0; id < INDEX_COUNT; id++) {
        struct index *ix = s->all[id];

        if (!ix || !ix->synced || is_ancestor(i, ix->best) ||
            (ix->n_goals && is_ancestor(i, ix->goals[ix->n_goals - 1])))
            continue;
        ix->goals = array_reserve(ix->goals, &ix->cap_goals, ix->n_goals + 1, sizeof(i));
        ix->goals[ix->n_goals++] = i;
    }
}

static void on_flushed(void *arg, const struct block_index *i)
{
    struct indexes *s = arg;

    s->flushed = i;
    pump_all(s);
}

/* ---- opening and closing ---- */

static struct index *index_open(struct indexes *s, const struct index_kind *kind, char **error)
{
    struct index *ix = xcalloc(1, sizeof(*ix));
    struct db_options o = {.cache_bytes = s->opts.cache_bytes, .wipe = s->opts.wipe};
    char *indexes = path_join(s->opts.datadir, "indexes");

    ix->kind = kind;
    ix->set = s;
    ix->chain = s->opts.chain;
    ix->folder = path_join(indexes, kind->folder);
    free(indexes);
    ix->next_commit_us = time_mono_us() + COMMIT_EVERY_US;
    if (!make_dirs(ix->folder))
        *error = xasprintf("Cannot make the folder %s", ix->folder);
    else
        ix->db = db_open(ix->folder, &o, error);
    if (ix->db && read_place(ix, &ix->best, error) && kind->load(ix, ix->best, error) &&
        can_begin(ix, error)) {
        ix->committed = ix->best;
        ix->synced = ix->best && is_level(ix);
    }
    return ix;
}

static void index_free(struct index *ix)
{
    ix->kind->close(ix);
    if (ix->db)
        db_close(ix->db);
    free(ix->goals);
    free(ix->folder);
    free(ix);
}

struct indexes *indexes_open(const struct index_options *opts, char **error)
{
    static const struct chain_events events = {.block_disconnected = on_disconnected,
                                               .tip_changed = on_tip_changed,
                                               .flushed = on_flushed};
    /* Of several that cannot be opened, users are told of the one that Core names. */
    static const enum index_id order[INDEX_COUNT] = {INDEX_TX, INDEX_SPENDER, INDEX_FILTER,
                                                     INDEX_COIN_STATS};
    struct indexes *s = xcalloc(1, sizeof(*s));

    s->opts = *opts;
    s->flushed = chain_tip(opts->chain);
    for (int i = 0; i < INDEX_COUNT && !*error; i++) {
        enum index_id id = order[i];

        if (opts->enabled[id])
            s->all[id] = index_open(s, kinds[id], error);
    }
    if (*error) {
        for (int id = 0; id < INDEX_COUNT; id++)
            if (s->all[id])
                index_free(s->all[id]);
        free(s);
        return NULL;
    }
    update_keep(s);
    chain_subscribe(opts->chain, &events, s);
    pump_all(s);
    return s;
}

void indexes_stop(struct indexes *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    for (int id = 0; id < INDEX_COUNT; id++)
        if (s->all[id])
            call_waiters(s->all[id], true);
}

static void last_commit(struct index *ix)
{
    struct buf locator = BUF_INIT;
    struct db_batch *batch;
    char *error = NULL;

    if (!is_ancestor(ix->best, ix->set->flushed))
        return;
    batch = db_batch_create(ix->db);
    write_locator(&locator, ix);
    if (!run_commit(ix, batch, buf_span(&locator), &error))
        log_error("%s", error);
    free(error);
    db_batch_destroy(batch);
    buf_clear(&locator);
}

void indexes_close(struct indexes *s)
{
    chain_unsubscribe(s->opts.chain, s);
    if (!chain_failed(s->opts.chain) && chain_flush(s->opts.chain))
        s->flushed = chain_tip(s->opts.chain);
    for (int id = 0; id < INDEX_COUNT; id++) {
        struct index *ix = s->all[id];

        if (!ix)
            continue;
        CHECK(!ix->job);
        if (ix->best != ix->committed && !ix->failed)
            last_commit(ix);
        index_free(ix);
    }
    chain_keep_from(s->opts.chain, INT32_MAX);
    free(s);
}

/* ---- asking ---- */

struct index *indexes_get(const struct indexes *s, enum index_id id)
{
    return s->all[id];
}

const char *index_name(const struct index *ix)
{
    return ix->kind->name;
}

bool index_synced(const struct index *ix)
{
    return ix->synced;
}

int32_t index_height(const struct index *ix)
{
    return ix->best ? ix->best->h.height : 0;
}

bool index_behind(const struct index *ix)
{
    return ix->synced && !ix->set->stopping && (ix->n_goals > 0 || !is_level(ix));
}
