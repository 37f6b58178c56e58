/*
 * Workers: threads that run pure jobs, and the way their results come home.
 *
 * A job gets what it needs by value or by reference count and touches nothing else. When it has
 * run, its `done` is called on the owner's thread, from workers_reap() or workers_wait(). With no
 * threads at all (-par=1) jobs run inside workers_reap()/workers_wait() on the owner's thread, so
 * callers need no second path.
 */
#ifndef MITE_UTIL_WORKERS_H
#define MITE_UTIL_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

struct workers;

/* Embed this in the job's own struct. `run` is called on a worker, `done` on the owner. */
struct job {
    void (*run)(struct job *job);
    void (*done)(struct job *job);
    struct job *next; /* the pool's */
};

/* `notify` (may be NULL) is called from a worker when there is something to reap: it must only
 * wake the owner's loop (write to an eventfd) and may be called less often than once a job. */
struct workers *workers_create(unsigned threads, void (*notify)(void *), void *arg);
/* All jobs must have been reaped. Joins the threads. */
void workers_destroy(struct workers *w);
unsigned workers_threads(const struct workers *w);
void workers_submit(struct workers *w, struct job *job);
/* Submits in front of the queue: what a waiting owner or an almost finished block needs. */
void workers_submit_first(struct workers *w, struct job *job);
/* Calls `done` of every finished job, in the order they finished. Returns how many. */
size_t workers_reap(struct workers *w);
/* Waits for at least one job to finish (or runs one itself) and reaps. False where none is out. */
bool workers_wait(struct workers *w);
/* Jobs submitted and not yet reaped. */
size_t workers_pending(const struct workers *w);

/* Number of processors this process may use, at least 1. */
unsigned cpu_count(void);

#endif
