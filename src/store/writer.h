/*
 * The writer: one thread that does what goes to disk, in the order in which it was handed in. The
 * first failure stops it: nothing later is written, so what is on disk is always a prefix.
 */
#ifndef MITE_STORE_WRITER_H
#define MITE_STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "util/check.h"

struct writer;

/* Embed in the write's own struct. */
struct write_job {
    /* On the writer. False: *error says why (malloc). */
    bool (*run)(struct write_job *job, char **error);
    /* On the owner, in order; `ok` is false where this or an earlier write failed. */
    void (*done)(struct write_job *job, bool ok);
    struct write_job *next; /* the writer's */
    bool ok;
};

/* `wake` (may be NULL) is called from the thread when there is something to reap. Without a thread
 * jobs run inside writer_submit(). */
struct writer *writer_create(bool thread, void (*wake)(void *), void *arg);
/* Everything must have been reaped. */
void writer_destroy(struct writer *w);
void writer_submit(struct writer *w, struct write_job *job);
/* Calls `done` of what is finished. Returns how many. */
size_t writer_reap(struct writer *w);
/* Waits until at least one is finished and reaps; false where none is out. */
bool writer_wait(struct writer *w);
size_t writer_pending(const struct writer *w);
/* Why it stopped, or NULL. */
const char *writer_error(const struct writer *w);

#endif
