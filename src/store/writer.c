/*
 * The writer thread: a first-in first-out list of writes, and the list of those that are done.
 *
 * It is not a worker pool of one: there an owner that waits lends a hand, and two writes would run
 * side by side. Order is all that makes a crash harmless (data before the index that names it, undo
 * before the status that claims it, both before the coins), and this is the place that keeps it:
 * after a failed write nothing more is written at all.
 */
#include "store/writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "util/mem.h"

struct list {
    struct write_job *first, *last;
};

struct writer {
    pthread_mutex_t lock;
    pthread_cond_t work, finished;
    struct list queue, done; /* guarded by lock, as all down to error */
    bool stop;
    char *error;
    size_t pending; /* the owner's */
    bool has_thread;
    pthread_t thread;
    void (*wake)(void *);
    void *arg;
};

static void push(struct list *l, struct write_job *job)
{
    job->next = NULL;
    if (l->last)
        l->last->next = job;
    else
        l->first = job;
    l->last = job;
}

static struct write_job *pop(struct list *l)
{
    struct write_job *job = l->first;

    if (!job)
        return NULL;
    l->first = job->next;
    if (!l->first)
        l->last = NULL;
    return job;
}

/* Called and left with the lock held. */
static void run_job(struct writer *w, struct write_job *job)
{
    bool failed = w->error != NULL;
    char *error = NULL;

    pthread_mutex_unlock(&w->lock);
    job->ok = !failed && job->run(job, &error);
    pthread_mutex_lock(&w->lock);
    if (!job->ok && !w->error)
        w->error = error;
    else
        free(error);
    push(&w->done, job);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;

    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        struct write_job *job = pop(&w->queue);

        if (!job) {
            pthread_cond_wait(&w->work, &w->lock);
            continue;
        }
        run_job(w, job);
        pthread_cond_signal(&w->finished);
        if (w->wake && w->done.first == job) {
            pthread_mutex_unlock(&w->lock);
            w->wake(w->arg);
            pthread_mutex_lock(&w->lock);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Signals are the owner's. */
static bool start_thread(struct writer *w)
{
    sigset_t all, before;
    bool ok;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = pthread_create(&w->thread, NULL, writer_main, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        pthread_setname_np(w->thread, "writer");
    return ok;
}

struct writer *writer_create(bool thread, void (*wake)(void *), void *arg)
{
    struct writer *w = xcalloc(1, sizeof(*w));

    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_cond_init(&w->finished, NULL);
    w->wake = wake;
    w->arg = arg;
    w->has_thread = thread && start_thread(w);
    return w;
}

void writer_destroy(struct writer *w)
{
    if (!w)
        return;
    CHECK(w->pending == 0);
    if (w->has_thread) {
        pthread_mutex_lock(&w->lock);
        w->stop = true;
        pthread_cond_signal(&w->work);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->finished);
    free(w->error);
    free(w);
}

void writer_submit(struct writer *w, struct write_job *job)
{
    w->pending++;
    pthread_mutex_lock(&w->lock);
    if (w->has_thread) {
        push(&w->queue, job);
        pthread_cond_signal(&w->work);
    } else {
        run_job(w, job);
    }
    pthread_mutex_unlock(&w->lock);
}

size_t writer_reap(struct writer *w)
{
    struct list done;
    size_t n = 0;

    if (w->pending == 0)
        return 0;
    pthread_mutex_lock(&w->lock);
    done = w->done;
    w->done = (struct list){NULL, NULL};
    pthread_mutex_unlock(&w->lock);
    for (struct write_job *job; (job = pop(&done)); n++) {
        w->pending--;
        job->done(job, job->ok);
    }
    return n;
}

bool writer_wait(struct writer *w)
{
    if (w->pending == 0)
        return false;
    pthread_mutex_lock(&w->lock);
    while (!w->done.first)
        pthread_cond_wait(&w->finished, &w->lock);
    pthread_mutex_unlock(&w->lock);
    writer_reap(w);
    return true;
}

size_t writer_pending(const struct writer *w)
{
    return w->pending;
}

const char *writer_error(const struct writer *w)
{
    struct writer *m = (struct writer *)w;
    const char *error;

    pthread_mutex_lock(&m->lock);
    error = w->error;
    pthread_mutex_unlock(&m->lock);
    return error;
}
