/*
 * The connect pipeline: from the tip to the best block that is known, several blocks in flight.
 *
 * The pipeline is a list of steps that lead from the tip to where the coins cache stands and on to
 * blocks still being fetched: first the blocks to disconnect, then those to connect. Each step to
 * connect goes through the same stations:
 *
 *   reading    a worker reads the block, where it is not in memory
 *   fetching   workers bring the coins it spends from the database into the cache
 *   ready      the owner applies it when all before it are applied: coins move, rules of amounts
 *              are checked, script jobs go out, and the next block is applied without waiting
 *   applied    when its jobs are home and it is the first in line, it becomes the tip
 *
 * Only then is it told to anybody, and only then written (undo data, index). So a block whose
 * script turns out to be bad costs nothing but taking the steps from it on back out of the cache,
 * from memory, last first.
 *
 * A reorganisation is the same thing with steps to disconnect in front. They are applied to the
 * cache at once, but the tip does not move until the new branch has been checked as far as it is
 * better than the tip; then all of it is told in one go. Where the new branch turns out to be bad
 * the old blocks are put back and nobody saw anything. Only a reorganisation too long for the
 * window is told in parts.
 *
 * Rejected: a queue for each station (the list in order with a state in each step is the same and
 * cannot get out of order); committing in the jobs' done (everything that changes the chain happens
 * in pipeline_pump(), so subscribers see one order of events).
 */
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"
#include "validation/internal.h"

#define WINDOW_STEPS 1024
#define WINDOW_BYTES ((size_t)32 << 20)
#define SLICE_US     8000
#define FETCH_DIRECT 4  /* so few coins the owner reads itself */
#define FETCH_JOB    64 /* coins a job */
#define UNDO_INLINE  200

/* ---- steps ---- */

static struct step *step_append(struct chain *c, struct node *n, bool connect)
{
    struct step *s = xcalloc(1, sizeof(*s));

    s->connect = connect;
    s->node = n;
    s->prev = c->pipe.last;
    if (s->prev)
        s->prev->next = s;
    else
        c->pipe.first = s;
    c->pipe.last = s;
    c->pipe.n++;
    return s;
}

static void step_set_block(struct chain *c, struct step *s, const struct block *b)
{
    s->block = b;
    s->bytes = block_memory(b);
    c->pipe.bytes += s->bytes;
}

static void step_free(struct step *s)
{
    block_unref(s->block);
    undo_unref(s->undo);
    buf_clear(&s->undo_bytes);
    free(s->items);
    free(s);
}

/* Out of the list; freed now, or when its last job comes home. */
static void step_drop(struct chain *c, struct step *s)
{
    struct pipeline *p = &c->pipe;

    if (p->next == s)
        p->next = s->next;
    if (s->prev)
        s->prev->next = s->next;
    else
        p->first = s->next;
    if (s->next)
        s->next->prev = s->prev;
    else
        p->last = s->prev;
    p->n--;
    p->bytes -= s->bytes;
    s->dropped = true;
    __atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
    if (s->jobs == 0)
        step_free(s);
}

void pipeline_job_done(struct chain *c, struct step *s)
{
    s->jobs--;
    c->pipe.jobs--;
    if (s->dropped && s->jobs == 0)
        step_free(s);
}

/* Where the coins will stand when all steps are done. */
static struct node *pipe_end(const struct chain *c)
{
    const struct step *s = c->pipe.last;

    if (!s)
        return tip_node(c);
    return s->connect ? s->node : node_prev(s->node);
}

bool pipeline_full(const struct chain *c)
{
    return c->pipe.n >= WINDOW_STEPS || c->pipe.bytes >= WINDOW_BYTES;
}

bool pipeline_at_tip(const struct chain *c)
{
    return !c->pipe.first || (c->pipe.first->connect && c->pipe.first->state != STEP_APPLIED);
}

/* ---- fetching coins ---- */

struct fetch_job {
    struct job job; /* first */
    struct chain *c;
    struct step *s;
    uint32_t epoch;
    size_t n;
    const struct outpoint *outpoints[FETCH_JOB];
    uint32_t end[FETCH_JOB]; /* of each one's bytes in `values` */
    struct buf values;
};

static void fetch_run(struct job *job)
{
    struct fetch_job *f = (struct fetch_job *)job;

    for (size_t i = 0; i < f->n; i++) {
        /* an error shows again, and is told, when the owner looks for the coin */
        if (coins_read_db(f->c->coins, f->outpoints[i], &f->values) == COIN_ERROR)
            f->values.len = i ? f->end[i - 1] : 0;
        f->end[i] = (uint32_t)f->values.len;
    }
}

static void fetch_done(struct job *job)
{
    struct fetch_job *f = (struct fetch_job *)job;
    uint32_t begin = 0;

    for (size_t i = 0; i < f->n; i++) {
        coins_fetched(f->c->coins, f->epoch, f->outpoints[i],
                      span_of(f->values.data + begin, f->end[i] - begin));
        begin = f->end[i];
    }
    if (f->s->jobs == 1 && f->s->state == STEP_FETCHING)
        f->s->state = STEP_READY;
    buf_clear(&f->values);
    pipeline_job_done(f->c, f->s);
    free(f);
}

static void fetch_submit(struct chain *c, struct fetch_job *f)
{
    f->s->jobs++;
    c->pipe.jobs++;
    workers_submit_first(c->workers, &f->job);
}

static struct fetch_job *fetch_create(struct chain *c, struct step *s)
{
    struct fetch_job *f = xcalloc(1, sizeof(*f));

    f->job.run = fetch_run;
    f->job.done = fetch_done;
    f->c = c;
    f->s = s;
    f->epoch = coins_epoch(c->coins);
    return f;
}

/* Sends the outpoints of the block that the cache does not know out to be read. */
static void fetch_coins(struct chain *c, struct step *s)
{
    struct fetch_job *f = fetch_create(c, s);
    bool sent = false;

    s->state = STEP_FETCHING;
    for (uint32_t i = 1; i < s->block->n_tx; i++) {
        const struct tx *tx = s->block->tx[i];

        for (uint32_t k = 0; k < tx->n_in; k++) {
            if (coins_cached(c->coins, &tx->in[k].prev))
                continue;
            f->outpoints[f->n++] = &tx->in[k].prev;
            if (f->n < FETCH_JOB)
                continue;
            fetch_submit(c, f);
            sent = true;
            f = fetch_create(c, s);
        }
    }
    if (f->n > 0 && (sent || f->n > FETCH_DIRECT)) {
        fetch_submit(c, f);
        return;
    }
    free(f);
    if (!sent)
        s->state = STEP_READY;
}

/* ---- reading blocks ---- */

struct read_job {
    struct job job; /* first */
    struct chain *c;
    struct step *s;
    struct file_pos at;
    struct block_hash hash;
    struct block *block;
    char *error;
};

static void read_run(struct job *job)
{
    struct read_job *r = (struct read_job *)job;

    r->block = read_block_at(r->c->files, r->at, &r->hash, &r->error);
}

static void read_done(struct job *job)
{
    struct read_job *r = (struct read_job *)job;
    struct chain *c = r->c;
    struct step *s = r->s;

    if (s->dropped)
        block_unref(r->block);
    else if (!r->block)
        chain_fail(c, "%s", r->error);
    else {
        step_set_block(c, s, r->block);
        fetch_coins(c, s);
    }
    pipeline_job_done(c, s);
    free(r->error);
    free(r);
}

static void start_connect(struct chain *c, struct node *n)
{
    struct step *s = step_append(c, n, true);
    const struct block *held = held_find(c, &n->i.h.hash);
    struct read_job *r;

    if (!c->pipe.next)
        c->pipe.next = s;
    if (held) {
        step_set_block(c, s, block_ref(held));
        fetch_coins(c, s);
        return;
    }
    r = xcalloc(1, sizeof(*r));
    r->job.run = read_run;
    r->job.done = read_done;
    r->c = c;
    r->s = s;
    r->at = (struct file_pos){n->i.file, n->i.data_pos};
    r->hash = n->i.h.hash;
    s->jobs++;
    c->pipe.jobs++;
    workers_submit(c->workers, &r->job);
}

/* ---- applying ---- */

struct undo_job {
    struct job job; /* first */
    struct chain *c;
    struct step *s;
    struct buf bytes;
};

static void undo_run(struct job *job)
{
    struct undo_job *u = (struct undo_job *)job;

    undo_write(&u->bytes, u->s->undo);
}

static void undo_done(struct job *job)
{
    struct undo_job *u = (struct undo_job *)job;

    u->s->undo_bytes = u->bytes;
    u->s->undo_ready = true;
    pipeline_job_done(u->c, u->s);
    free(u);
}

/* The undo record becomes bytes on a worker; where it is small, when it is written. */
static void submit_undo(struct chain *c, struct step *s)
{
    struct undo_job *u;
    size_t coins = 0;

    if (s->node->i.status & BLOCK_HAVE_UNDO)
        return;
    for (uint32_t i = 0; i < s->undo->n_tx && coins <= UNDO_INLINE; i++)
        coins += s->undo->tx[i].n;
    if (coins <= UNDO_INLINE)
        return;
    u = xcalloc(1, sizeof(*u));
    u->job.run = undo_run;
    u->job.done = undo_done;
    u->c = c;
    u->s = s;
    s->jobs++;
    c->pipe.jobs++;
    workers_submit(c->workers, &u->job);
}

static bool coins_crowded(const struct chain *c)
{
    size_t limit = coins_limit(c->coins);

    return c->flush && coins_used(c->coins) > limit + limit / 8 + ((size_t)4 << 20);
}

static bool may_apply(const struct chain *c)
{
    const struct step *s = c->pipe.next;

    if (!s || s->state != STEP_READY || c->halted)
        return false;
    /* A flush that is wanted waits for the coins to be the tip's, or for a reorganisation. */
    if ((c->flush_wanted && !c->flush) && c->pipe.first->connect)
        return false;
    return !coins_crowded(c);
}

static bool apply_next(struct chain *c)
{
    struct step *s = c->pipe.next;

    if (!may_apply(c))
        return false;
    s->check_scripts = scripts_needed(c, s->node);
    switch (apply_block(c, s, &s->verdict)) {
    case APPLY_OK:
        s->state = STEP_APPLIED;
        c->pipe.next = s->next;
        submit_undo(c, s);
        scripts_submit(c, s);
        return true;
    case APPLY_INVALID: s->state = STEP_FAILED; return true;
    case APPLY_ERROR: break;
    }
    return false;
}

/* ---- taking steps back ---- */

static void take_back_last(struct chain *c)
{
    struct step *s = c->pipe.last;
    bool ok = true, error = false;

    if (!s->connect)
        ok = reapply_block(c, s->block, s->node);
    else if (s->state == STEP_APPLIED)
        ok = unapply_block(c, s->block, s->undo, s->node, &error);
    if (!ok)
        chain_fail(c, "The coins do not fit a block that was connected a moment ago. Restart.");
    step_drop(c, s);
}

static void fail_step(struct chain *c, struct step *s)
{
    const struct block *b = block_ref(s->block);
    struct node *n = s->node;
    struct verdict v = s->verdict;
    char text[512], hex[HASH_HEX_SIZE];

    if (s->state == STEP_APPLIED)
        scripts_verdict(s, &v);
    while (pipe_end(c) != n)
        take_back_last(c);
    take_back_last(c);
    log_error("Block validation error: block %s: %s", hash_to_hex(hex, n->i.h.hash.b),
              verdict_text(&v, text, sizeof(text)));
    tree_mark_failed(c, n);
    event_checked(c, b, n, &v);
    block_unref(b);
}

/* ---- commit ---- */

static void commit_disconnect(struct chain *c, struct step *s)
{
    struct node *n = s->node;

    tree_set_tip(c, node_prev(n));
    event_disconnected(c, s->block, n);
    step_drop(c, s);
}

static void log_tip(const struct chain *c)
{
    const struct node *n = tip_node(c);
    char hex[HASH_HEX_SIZE], date[32];

    if (c->ibd && node_height(n) % 1000 != 0)
        return;
    log_info("UpdateTip: new best=%s height=%d tx=%llu date='%s' progress=%f cache=%.1fMiB(%zutxo)",
             hash_to_hex(hex, n->i.h.hash.b), node_height(n), (unsigned long long)n->i.chain_tx,
             time_iso8601(date, n->i.h.time), chain_progress(c, &n->i),
             (double)coins_used(c->coins) / (1 << 20), coins_count(c->coins));
}

static void commit_connect(struct chain *c, struct step *s)
{
    static const struct verdict valid;
    struct node *n = s->node;

    if (!(n->i.status & BLOCK_HAVE_UNDO)) {
        if (!s->undo_ready)
            undo_write(&s->undo_bytes, s->undo);
        store_undo(c, n, s->undo, &s->undo_bytes);
    }
    node_raise(c, n, BLOCK_VALID_SCRIPTS);
    tree_set_tip(c, n);
    tree_update_ibd(c);
    log_tip(c);
    event_checked(c, s->block, n, &valid);
    event_connected(c, s->block, n, s->undo);
    if (c->opts.stop_at_height > 0 && node_height(n) >= c->opts.stop_at_height && !c->halted) {
        c->halted = true;
        if (c->opts.stop)
            c->opts.stop(c->opts.stop_arg);
    }
    step_drop(c, s);
}

/* What stands at the head of the line: done, bad, or not yet known. */
enum judgement { STEP_UNKNOWN, STEP_GOOD, STEP_BAD };
static enum judgement judge(const struct step *s)
{
    if (s->state == STEP_FAILED)
        return STEP_BAD;
    if (s->state != STEP_APPLIED || s->jobs)
        return STEP_UNKNOWN;
    return s->script_failed ? STEP_BAD : STEP_GOOD;
}

/* A reorganisation: the first step that makes the branch better than the tip, or NULL. *bad: the
 * one at which the branch ends. */
static struct step *better_step(const struct chain *c, struct step **bad)
{
    struct step *s = c->pipe.first;

    *bad = NULL;
    while (s && !s->connect)
        s = s->next;
    for (; s; s = s->next) {
        switch (judge(s)) {
        case STEP_UNKNOWN: return NULL;
        case STEP_BAD: *bad = s; return NULL;
        case STEP_GOOD: break;
        }
        if (node_better(s->node, tip_node(c)))
            return s;
    }
    return NULL;
}

static bool commit_branch(struct chain *c)
{
    struct step *bad, *last = better_step(c, &bad);

    if (bad) {
        fail_step(c, bad);
        return true;
    }
    if (!last && !pipeline_full(c))
        return false;
    while (c->pipe.first && !c->pipe.first->connect)
        commit_disconnect(c, c->pipe.first);
    for (bool more = last != NULL; more;) {
        more = c->pipe.first != last;
        commit_connect(c, c->pipe.first);
    }
    return true;
}

static bool commit_first(struct chain *c)
{
    struct step *s = c->pipe.first;

    if (!s)
        return false;
    if (!s->connect)
        return commit_branch(c);
    switch (judge(s)) {
    case STEP_UNKNOWN: return false;
    case STEP_BAD: fail_step(c, s); return true;
    case STEP_GOOD: break;
    }
    commit_connect(c, s);
    return true;
}

/* ---- where to go ---- */

static bool start_disconnect(struct chain *c, struct node *n)
{
    bool error;
    struct block *b = chain_read_block(c, &n->i, &error);
    struct block_undo *u = b ? chain_read_undo(c, &n->i, &error) : NULL;
    struct step *s;

    if (!b || !u) {
        block_unref(b);
        chain_fail(c, "Failed to disconnect block at height %d: its data has been pruned.",
                   node_height(n));
        return false;
    }
    s = step_append(c, n, false);
    s->undo = u;
    s->state = STEP_APPLIED;
    step_set_block(c, s, b);
    if (unapply_block(c, b, u, n, &error))
        return true;
    chain_fail(c,
               "Failed to disconnect block at height %d: the coin database does not fit it. "
               "Restart with -reindex-chainstate.",
               node_height(n));
    return false;
}

/* Adds or takes back one step towards the best candidate. */
static bool extend(struct chain *c)
{
    struct node *target, *end = pipe_end(c);
    const struct step *last = c->pipe.last;

    if (c->halted || c->testing)
        return false;
    target = candidates_best(c);
    if (target == end)
        return false;
    if (last && !last->connect && node_ancestor(target, node_height(last->node)) == last->node) {
        take_back_last(c);
        return true;
    }
    if (node_ancestor(target, node_height(end)) == end) {
        if (pipeline_full(c))
            return false;
        start_connect(c, node_ancestor(target, node_height(end) + 1));
        return true;
    }
    if (last && last->connect) {
        take_back_last(c);
        return true;
    }
    return start_disconnect(c, end);
}

bool pipeline_disconnect_tip(struct chain *c)
{
    CHECK(!c->pipe.first);
    if (!start_disconnect(c, tip_node(c)))
        return false;
    commit_disconnect(c, c->pipe.first);
    return true;
}

void pipeline_pump(struct chain *c, bool no_limit)
{
    int64_t end = no_limit ? INT64_MAX : time_mono_us() + SLICE_US;

    if (c->pipe.running)
        return;
    c->pipe.running = true;
    while (!c->failed) {
        bool moved = flush_poll(c);

        moved = commit_first(c) || moved;
        moved = apply_next(c) || moved;
        moved = (!c->failed && extend(c)) || moved;
        if (!moved)
            break;
        flush_if_needed(c);
        if (end != INT64_MAX && time_mono_us() > end) {
            if (c->opts.wake)
                c->opts.wake(c->opts.wake_arg);
            break;
        }
    }
    c->pipe.running = false;
    event_tip_changed(c);
}

void pipeline_clear(struct chain *c)
{
    while (c->pipe.jobs > 0 && workers_wait(c->workers))
        continue;
    while (c->pipe.last)
        step_drop(c, c->pipe.last);
}

bool chain_wait(struct chain *c)
{
    if (c->pipe.jobs > 0)
        return workers_wait(c->workers);
    return writer_wait(c->writer);
}

bool chain_busy(const struct chain *c)
{
    if (c->failed || c->halted)
        return false;
    return c->pipe.first || candidates_best((struct chain *)c) != tip_node(c);
}

void chain_drain(struct chain *c)
{
    if (c->pipe.running)
        return;
    for (;;) {
        pipeline_pump(c, true);
        if (!chain_busy(c) || !chain_wait(c))
            return;
    }
}
