/*
 * The built-in miner: threads that scan nonces with the fastest kernel.
 *
 * The owner makes a template, wraps it as `struct work`, and publishes it; each thread takes
 * an extranonce of its own, which gives it a header nobody else has, and scans that header's nonces
 * in pieces of a few milliseconds. Between pieces it looks at one number, the generation: the owner
 * moves it on when the tip changes (work on the old tip ends at once, before there is new work),
 * when the template is replaced, and when the miner stops. Works are immutable and
 * reference-counted, so the templates of old ones go when the last thread has left them.
 *
 * A block that is found goes on a list and the owner is woken; there is no more work until it has
 * been handed in, since its successor is what to mine next. Threads run at the lowest priority:
 * what they take is what nobody else wants. Nothing here waits for anything but the condition
 * `news`.
 *
 * On a network without difficulty blocks come as fast as the chain connects them; their times run
 * ahead of the clock then, and before they would be refused for it the miner waits.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crypto/sha256_kernel.h"
#include "mining/mining.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/time.h"

enum {
    PIECE_US = 3000, /* that a thread scans between two looks at the generation */
    PIECE_MIN = 256, /* nonces */
    NICE = 19,       /* the lowest priority there is */
    THREADS_MAX = 1024,
    STACK_SIZE = 256 * 1024,
    FUTURE_MAX = 7200,    /* seconds that a header may be ahead of the clock */
    HEADERS_AHEAD_MAX = 6 /* headers known above the tip with which mining makes sense */
};
#define REFRESH_POOL_US \
    INT64_C(10000000)                /* a template older than this, when the pool has changed */
#define REFRESH_US INT64_C(30000000) /* and in any case: its time */
#define RETRY_US   INT64_C(5000000)  /* after a block of ours was refused */
#define SAMPLE_US  INT64_C(5000000)
#define SAMPLES    12

struct work {
    atomic_int refs;
    struct block_template *tmpl;
    uint8_t target[32]; /* little-endian */
    uint64_t generation;
};
struct found {
    struct found *next;
    struct work *work;
    uint64_t extranonce;
    uint32_t nonce;
};
struct sample {
    int64_t at_us;
    uint64_t hashes;
};

struct miner {
    struct miner_options opts;
    uint8_t *script;
    const struct sha256_kernel *kernel;
    /* Shared with the threads. */
    atomic_uint_fast64_t generation, extranonce, hashes;
    pthread_mutex_t lock;
    pthread_cond_t news; /* work, or stop */
    struct work *work;   /* guarded by lock, as all down to stop; NULL: there is none */
    struct found *found;
    bool stop;
    /* The owner's. */
    bool stale; /* the tip changed since the template was made */
    int64_t template_us, retry_us;
    uint64_t pool_version;
    uint64_t blocks_found;
    struct sample samples[SAMPLES]; /* a ring, the oldest at next_sample */
    size_t n_samples, next_sample;
    unsigned n_threads;
    pthread_t threads[];
};

/* ---- work ---- */

static struct work *work_ref(struct work *w)
{
    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    return w;
}

static void work_unref(struct work *w)
{
    if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1)
        return;
    template_destroy(w->tmpl);
    free(w);
}

/* Replaces the work (NULL: none) and moves all threads to it. */
static void publish(struct miner *m, struct work *w)
{
    pthread_mutex_lock(&m->lock);
    struct work *old = m->work;
    uint64_t generation = atomic_fetch_add(&m->generation, 1) + 1;
    if (w)
        w->generation = generation;
    m->work = w;
    pthread_cond_broadcast(&m->news);
    pthread_mutex_unlock(&m->lock);
    work_unref(old);
}

/* ---- threads ---- */

/* Hands a solved header to the owner, once a work. */
static void report(struct miner *m, struct work *w, uint64_t extranonce, uint32_t nonce)
{
    struct found *f = xmalloc(sizeof(*f));
    *f = (struct found){.work = work_ref(w), .extranonce = extranonce, .nonce = nonce};
    pthread_mutex_lock(&m->lock);
    f->next = m->found;
    m->found = f;
    struct work *solved = m->work == w ? w : NULL;
    if (solved) {
        m->work = NULL;
        atomic_fetch_add(&m->generation, 1);
    }
    pthread_mutex_unlock(&m->lock);
    work_unref(solved);
    m->opts.wake(m->opts.wake_arg);
}

/* So many nonces that the next piece takes as long as it should. */
static uint32_t next_piece(uint32_t tried, int64_t took_us)
{
    uint64_t piece = (uint64_t)tried * PIECE_US / (uint64_t)(took_us > 0 ? took_us : 1);
    uint64_t most = (uint64_t)tried * 4 + PIECE_MIN;
    piece = piece > most ? most : piece;
    return piece < PIECE_MIN ? PIECE_MIN : piece > UINT32_MAX ? UINT32_MAX : (uint32_t)piece;
}

/* Scans all nonces of one header. True where the work is still current and none was found. */
static bool scan_header(struct miner *m, struct work *w, uint64_t extranonce, uint32_t *piece)
{
    struct header h;
    uint8_t raw[HEADER_SIZE];
    struct mining_job job;
    template_header(w->tmpl, extranonce, &h);
    header_write(&h, raw);
    mining_job_init(&job, raw, w->target);
    for (uint64_t first = 0; first <= UINT32_MAX;) {
        uint64_t left = UINT32_MAX - first + 1;
        uint32_t count = *piece < left ? *piece : (uint32_t)left, nonce, tried;
        int64_t start = time_mono_us();
        bool hit = m->kernel->scan(&job, (uint32_t)first, count, &nonce, &tried);
        atomic_fetch_add_explicit(&m->hashes, tried, memory_order_relaxed);
        if (hit) {
            report(m, w, extranonce, nonce);
            return false;
        }
        *piece = next_piece(tried, time_mono_us() - start);
        first += count;
        if (atomic_load_explicit(&m->generation, memory_order_relaxed) != w->generation)
            return false;
    }
    return true;
}

static void *miner_main(void *arg)
{
    struct miner *m = arg;
    uint32_t piece = PIECE_MIN;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread only */
    pthread_mutex_lock(&m->lock);
    while (!m->stop) {
        if (!m->work) {
            pthread_cond_wait(&m->news, &m->lock);
            continue;
        }
        struct work *w = work_ref(m->work);
        pthread_mutex_unlock(&m->lock);
        while (scan_header(m, w, atomic_fetch_add(&m->extranonce, 1), &piece))
            continue;
        work_unref(w);
        pthread_mutex_lock(&m->lock);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static unsigned start_threads(struct miner *m, unsigned wanted)
{
    sigset_t all, before;
    pthread_attr_t attr;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    CHECK(pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setstacksize(&attr, STACK_SIZE) == 0);
    unsigned n = 0;
    while (n < wanted && pthread_create(&m->threads[n], &attr, miner_main, m) == 0) {
        char name[16];
        snprintf(name, sizeof(name), "miner.%u", n % THREADS_MAX);
        pthread_setname_np(m->threads[n], name);
        n++;
    }
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

/* ---- the owner ---- */

static void tip_changed(void *arg, const struct block_index *tip, const struct block_index *fork,
                        bool ibd)
{
    struct miner *m = arg;
    (void)tip;
    (void)fork;
    (void)ibd;
    m->stale = true;
    publish(m, NULL);
    m->opts.wake(m->opts.wake_arg);
}

/* Hands in a block. True where the chain took it. */
static bool submit(struct miner *m, const struct found *f)
{
    struct block *unsolved = template_block(f->work->tmpl, f->extranonce);
    struct header h = unsolved->header;
    h.nonce = f->nonce;
    struct block *b = block_with_header(unsolved, &h);
    struct verdict v;
    bool is_new;
    char hex[HASH_HEX_SIZE];
    hash_to_hex(hex, b->hash.b);
    bool ok = chain_accept_block(m->opts.chain, b, ACCEPT_REQUESTED | ACCEPT_MIN_POW_CHECKED,
                                 &is_new, &v);
    chain_drain(m->opts.chain);
    const struct block_index *i = chain_find(m->opts.chain, &b->hash);
    ok = ok && i && chain_contains(m->opts.chain, i);
    if (ok) {
        m->blocks_found++;
        log_info("Mined block %s at height %d", hex, f->work->tmpl->height);
    } else {
        log_error("Mined block %s was not taken into the chain", hex);
    }
    block_unref(b);
    block_unref(unsolved);
    return ok;
}

static struct found *take_found(struct miner *m)
{
    pthread_mutex_lock(&m->lock);
    struct found *list = m->found;
    m->found = NULL;
    pthread_mutex_unlock(&m->lock);
    return list;
}

static void submit_found(struct miner *m)
{
    for (struct found *f = take_found(m), *next; f; f = next) {
        next = f->next;
        const struct block_index *tip = chain_tip(m->opts.chain);
        bool timely = memcmp(&f->work->tmpl->header.prev, &tip->h.hash, sizeof(tip->h.hash)) == 0;
        if (timely && !submit(m, f))
            m->retry_us = time_mono_us() + RETRY_US;
        work_unref(f->work);
        free(f);
    }
}

/* Whether a block on this tip could be worth something. */
static bool may_mine(const struct miner *m)
{
    const struct chain *c = m->opts.chain;
    const struct block_index *tip = chain_tip(c), *best = chain_best_header(c);
    if (chain_failed(c) || time_mono_us() < m->retry_us)
        return false;
    if (u256_cmp(best->h.work, tip->h.work) > 0 &&
        best->h.height > tip->h.height + HEADERS_AHEAD_MAX)
        return false;
    return chain_network(c)->is_test_chain || !chain_is_ibd(c);
}

static bool has_work(struct miner *m)
{
    pthread_mutex_lock(&m->lock);
    bool has = m->work != NULL;
    pthread_mutex_unlock(&m->lock);
    return has;
}

static bool work_is_old(const struct miner *m)
{
    int64_t age = time_mono_us() - m->template_us;
    bool pool_changed = m->opts.mempool && mempool_version(m->opts.mempool) != m->pool_version;
    return age >= REFRESH_US || (pool_changed && age >= REFRESH_POOL_US);
}

static struct work *make_work(struct miner *m)
{
    const struct network *net = chain_network(m->opts.chain);
    struct span script = span_of(m->script, m->opts.script.len);
    struct block_template *t =
        template_create(m->opts.chain, m->opts.mempool, &m->opts.tmpl, script);
    struct u256 target;
    m->stale = false; /* making it drained the chain: it is on the newest tip */
    m->template_us = time_mono_us();
    m->pool_version = m->opts.mempool ? mempool_version(m->opts.mempool) : 0;
    if (t->header.time > time_now() + FUTURE_MAX) {
        m->retry_us = m->template_us + RETRY_US;
        template_destroy(t);
        return NULL;
    }
    struct work *w = xcalloc(1, sizeof(*w));
    atomic_init(&w->refs, 1);
    w->tmpl = t;
    CHECK(bits_to_target(t->header.bits, &net->pow_limit, &target));
    u256_to_le(w->target, target);
    return w;
}

static void take_sample(struct miner *m)
{
    int64_t now = time_mono_us();
    size_t last = (m->next_sample + SAMPLES - 1) % SAMPLES;
    if (m->n_samples && now - m->samples[last].at_us < SAMPLE_US)
        return;
    m->samples[m->next_sample] = (struct sample){now, atomic_load(&m->hashes)};
    m->next_sample = (m->next_sample + 1) % SAMPLES;
    if (m->n_samples < SAMPLES)
        m->n_samples++;
}

void miner_poll(struct miner *m)
{
    submit_found(m);
    if (!may_mine(m)) {
        if (has_work(m))
            publish(m, NULL);
    } else if (m->stale || !has_work(m) || work_is_old(m)) {
        publish(m, make_work(m));
    }
    take_sample(m);
}

struct miner *miner_start(const struct miner_options *o)
{
    static const struct chain_events events = {.tip_changed = tip_changed};
    unsigned wanted = o->threads ? o->threads : cpu_count();
    if (wanted > THREADS_MAX)
        wanted = THREADS_MAX;
    struct miner *m = xcalloc(1, sizeof(*m) + wanted * sizeof(m->threads[0]));
    m->opts = *o;
    m->script = xmemdup(o->script.data, o->script.len);
    m->kernel = sha256_kernel_best();
    atomic_init(&m->extranonce, random_below(UINT32_MAX)); /* two nodes of one owner differ */
    CHECK(pthread_mutex_init(&m->lock, NULL) == 0);
    CHECK(pthread_cond_init(&m->news, NULL) == 0);
    chain_subscribe(o->chain, &events, m);
    m->n_threads = start_threads(m, wanted);
    log_info("Mining with %u threads, SHA-256 by %s", m->n_threads, m->kernel->name);
    m->opts.wake(m->opts.wake_arg);
    return m;
}

void miner_stop(struct miner *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    m->stop = true;
    pthread_mutex_unlock(&m->lock);
    publish(m, NULL);
    for (unsigned i = 0; i < m->n_threads; i++)
        pthread_join(m->threads[i], NULL);
    chain_unsubscribe(m->opts.chain, m);
    for (struct found *f = m->found, *next; f; f = next) {
        next = f->next;
        work_unref(f->work);
        free(f);
    }
    pthread_cond_destroy(&m->news);
    pthread_mutex_destroy(&m->lock);
    free(m->script);
    free(m);
}

void miner_stats(const struct miner *m, struct miner_stats *out)
{
    *out = (struct miner_stats){.kernel = m->kernel->name,
                                .threads = m->n_threads,
                                .hashes = atomic_load(&m->hashes),
                                .blocks_found = m->blocks_found};
    if (m->n_samples == 0)
        return;
    const struct sample *oldest = &m->samples[m->n_samples < SAMPLES ? 0 : m->next_sample];
    int64_t us = time_mono_us() - oldest->at_us;
    if (us > 0)
        out->hashes_per_second = (double)(out->hashes - oldest->hashes) * 1e6 / (double)us;
}
