/*
 * Workers: a queue, a list of what is done, and threads that carry jobs from one to the other.
 *
 * One mutex guards both lists; a job is tens of microseconds or more, so it is not what limits. An
 * idle thread sleeps on a condition and is woken one at a time, only where one sleeps. The owner is
 * told (notify) only when the list of finished jobs stops being empty: a loop that is already going
 * to reap needs no second wake-up. An owner that waits takes the next job itself where the queue
 * has one, and sleeps only when all that is left runs elsewhere.
 *
 * With no threads, submitting notifies and reaping runs the jobs. Reaping is bounded in time where
 * there is a loop to come back from: what is left over is notified again, so it stays responsive.
 * Work stealing and lock-free queues were left out: at these job sizes they buy nothing that can be
 * measured.
 */
#include "util/workers.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"
#include "util/time.h"

enum { STACK_SIZE = 512 * 1024, REAP_BUDGET_US = 5000, THREADS_MAX = 256 };

struct queue {
    struct job *first, *last;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t work;      /* the queue is not empty, or stop */
    pthread_cond_t finished;  /* done is not empty */
    struct queue queue, done; /* guarded by lock, as all down to stop */
    size_t idle;              /* threads asleep on `work` */
    bool owner_waits;
    bool stop;
    struct queue reaping; /* the owner's, as pending */
    size_t pending;       /* submitted and not reaped */
    void (*notify)(void *);
    void *arg;
    unsigned n_threads;
    pthread_t threads[];
};

static void push(struct queue *q, struct job *job)
{
    job->next = NULL;
    if (q->last)
        q->last->next = job;
    else
        q->first = job;
    q->last = job;
}

static void push_first(struct queue *q, struct job *job)
{
    job->next = q->first;
    q->first = job;
    if (!q->last)
        q->last = job;
}

static struct job *pop(struct queue *q)
{
    struct job *job = q->first;
    if (!job)
        return NULL;
    q->first = job->next;
    if (!q->first)
        q->last = NULL;
    return job;
}

static void *worker_main(void *arg)
{
    struct workers *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct job *job = pop(&w->queue);
        if (!job) {
            if (w->stop)
                break;
            w->idle++;
            pthread_cond_wait(&w->work, &w->lock);
            w->idle--;
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        job->run(job);
        pthread_mutex_lock(&w->lock);
        bool first = w->done.first == NULL;
        push(&w->done, job);
        if (!first)
            continue;
        if (w->owner_waits) {
            pthread_cond_signal(&w->finished);
        } else if (w->notify) {
            pthread_mutex_unlock(&w->lock);
            w->notify(w->arg);
            pthread_mutex_lock(&w->lock);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static size_t stack_size(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 16 * STACK_SIZE; /* their frames are many times as large */
#else
    return STACK_SIZE;
#endif
}

/* Signals are the owner's: a worker starts with all of them blocked. */
static unsigned start_threads(struct workers *w, unsigned threads)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attr;
    CHECK(pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setstacksize(&attr, stack_size()) == 0);
    unsigned n = 0;
    while (n < threads && pthread_create(&w->threads[n], &attr, worker_main, w) == 0) {
        char name[16];
        snprintf(name, sizeof(name), "worker.%u", n % THREADS_MAX);
        pthread_setname_np(w->threads[n], name);
        n++;
    }
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

struct workers *workers_create(unsigned threads, void (*notify)(void *), void *arg)
{
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    struct workers *w = xcalloc(1, sizeof(*w) + threads * sizeof(w->threads[0]));
    CHECK(pthread_mutex_init(&w->lock, NULL) == 0);
    CHECK(pthread_cond_init(&w->work, NULL) == 0);
    CHECK(pthread_cond_init(&w->finished, NULL) == 0);
    w->notify = notify;
    w->arg = arg;
    w->n_threads = start_threads(w, threads); /* fewer where the system has no more to give */
    return w;
}

void workers_destroy(struct workers *w)
{
    if (!w)
        return;
    CHECK(w->pending == 0);
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n_threads; i++)
        pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->finished);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

unsigned workers_threads(const struct workers *w)
{
    return w->n_threads;
}

size_t workers_pending(const struct workers *w)
{
    return w->pending;
}

static void submit(struct workers *w, struct job *job, void (*put)(struct queue *, struct job *))
{
    w->pending++;
    pthread_mutex_lock(&w->lock);
    bool was_empty = w->queue.first == NULL;
    put(&w->queue, job);
    if (w->idle)
        pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    if (w->n_threads == 0 && was_empty && w->notify)
        w->notify(w->arg);
}

void workers_submit(struct workers *w, struct job *job)
{
    submit(w, job, push);
}

void workers_submit_first(struct workers *w, struct job *job)
{
    submit(w, job, push_first);
}

/* Runs one queued job on the owner's thread. False where none is queued. */
static bool run_one(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    struct job *job = pop(&w->queue);
    pthread_mutex_unlock(&w->lock);
    if (!job)
        return false;
    job->run(job);
    pthread_mutex_lock(&w->lock);
    push(&w->done, job);
    pthread_mutex_unlock(&w->lock);
    return true;
}

/* The next finished job, or NULL. `reaping` is what was taken off `done` at once. */
static struct job *next_done(struct workers *w)
{
    if (!w->reaping.first) {
        pthread_mutex_lock(&w->lock);
        w->reaping = w->done;
        w->done = (struct queue){NULL, NULL};
        pthread_mutex_unlock(&w->lock);
    }
    return pop(&w->reaping);
}

/* A job's `done` may free the job, submit others, and come back here. */
size_t workers_reap(struct workers *w)
{
    int64_t end = w->notify ? time_mono_us() + REAP_BUDGET_US : INT64_MAX;
    for (size_t n = 0;; n++) {
        if (n && end != INT64_MAX && time_mono_us() >= end) {
            if (w->pending)
                w->notify(w->arg);
            return n;
        }
        struct job *job = next_done(w);
        if (!job && w->n_threads == 0 && run_one(w))
            job = next_done(w);
        if (!job)
            return n;
        w->pending--;
        job->done(job);
    }
}

bool workers_wait(struct workers *w)
{
    if (w->pending == 0)
        return false;
    pthread_mutex_lock(&w->lock);
    bool done = w->reaping.first || w->done.first;
    pthread_mutex_unlock(&w->lock);
    if (!done && !run_one(w)) {
        pthread_mutex_lock(&w->lock);
        w->owner_waits = true;
        while (!w->done.first)
            pthread_cond_wait(&w->finished, &w->lock);
        w->owner_waits = false;
        pthread_mutex_unlock(&w->lock);
    }
    workers_reap(w);
    return true;
}

unsigned cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}
