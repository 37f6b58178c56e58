/* Workers with 0, 1 and 4 threads: every job runs once, comes home once, on the owner's thread. */

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit.h"
#include "util/time.h"
#include "util/workers.h"

struct count_job {
    struct job job;
    struct fixture *f;
    unsigned in, out;
    bool done;
};

struct fixture {
    struct workers *w;
    pthread_t owner;
    int wake; /* an eventfd */
    size_t done, resubmit;
    _Atomic size_t ran, notified;
    unsigned order[16];
};

static void notify(void *arg)
{
    struct fixture *f = arg;
    uint64_t one = 1;
    f->notified++;
    assert_int_equal(write(f->wake, &one, sizeof(one)), sizeof(one));
}

static void setup(struct fixture *f, unsigned threads, bool with_notify)
{
    memset(f, 0, sizeof(*f));
    f->owner = pthread_self();
    f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    f->w = workers_create(threads, with_notify ? notify : NULL, f);
    assert_int_equal(workers_threads(f->w), threads);
}

static void teardown(struct fixture *f)
{
    assert_int_equal(workers_pending(f->w), 0);
    workers_destroy(f->w);
    close(f->wake);
}

static void count_run(struct job *job)
{
    struct count_job *c = (struct count_job *)job;
    volatile uint32_t x = c->in;
    for (int i = 0; i < 200; i++) /* a little work, so that jobs overlap */
        x = x * 1664525 + 1013904223;
    c->out = c->in + 1;
    (void)x;
    c->f->ran++;
}

static void count_done(struct job *job)
{
    struct count_job *c = (struct count_job *)job;
    assert_true(pthread_equal(c->f->owner, pthread_self()));
    assert_false(c->done);
    assert_int_equal(c->out, c->in + 1);
    c->done = true;
    c->f->done++;
    if (c->f->resubmit) {
        c->f->resubmit--;
        c->done = false;
        c->out = 0;
        workers_submit(c->f->w, job);
    }
}

static void init_jobs(struct fixture *f, struct count_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        jobs[i] = (struct count_job){{count_run, count_done, NULL}, f, (unsigned)i, 0, false};
}

static void by_waiting(unsigned threads)
{
    enum { N = 5000 };
    struct fixture f;
    setup(&f, threads, false);
    struct count_job *jobs = xcalloc(N, sizeof(*jobs));
    init_jobs(&f, jobs, N);
    f.resubmit = 100; /* `done` may submit */
    for (size_t i = 0; i < N; i++) {
        if (i % 7)
            workers_submit(f.w, &jobs[i].job);
        else
            workers_submit_first(f.w, &jobs[i].job);
    }
    while (workers_wait(f.w))
        assert_true(f.done <= N + 100);
    assert_int_equal(f.done, N + 100);
    assert_int_equal(f.ran, N + 100);
    assert_false(workers_wait(f.w));
    assert_int_equal(workers_reap(f.w), 0);
    teardown(&f);
    free(jobs);
}

/* As the owner's loop does it: sleep until notified, then reap. */
static void by_notify(unsigned threads)
{
    enum { N = 20000 };
    struct fixture f;
    setup(&f, threads, true);
    struct count_job *jobs = xcalloc(N, sizeof(*jobs));
    init_jobs(&f, jobs, N);
    for (size_t i = 0; i < N; i++)
        workers_submit(f.w, &jobs[i].job);
    size_t reaped = 0;
    while (reaped < N) {
        struct pollfd p = {.fd = f.wake, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 20000), 1);
        uint64_t n;
        assert_int_equal(read(f.wake, &n, sizeof(n)), sizeof(n));
        reaped += workers_reap(f.w);
    }
    assert_int_equal(f.done, N);
    assert_true(f.notified <= N);
    teardown(&f);
    free(jobs);
}

static void waiting_0(void **state)
{
    (void)state;
    by_waiting(0);
}
static void waiting_1(void **state)
{
    (void)state;
    by_waiting(1);
}
static void waiting_4(void **state)
{
    (void)state;
    by_waiting(4);
}
static void notify_0(void **state)
{
    (void)state;
    by_notify(0);
}
static void notify_1(void **state)
{
    (void)state;
    by_notify(1);
}
static void notify_4(void **state)
{
    (void)state;
    by_notify(4);
}

/* Waiting for another job from inside a job's `done`, while more are finished already. */
static struct count_job *nested_jobs;
static void nested_done(struct job *job)
{
    struct count_job *c = (struct count_job *)job;
    c->f->done++;
    if (c->in == 0) {
        workers_submit(c->f->w, &nested_jobs[9].job);
        while (!nested_jobs[9].done && workers_wait(c->f->w))
            continue;
        assert_true(nested_jobs[9].done);
    }
    c->done = true;
}
static void nested_wait(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 3; threads++) {
        struct fixture f;
        setup(&f, threads, false);
        nested_jobs = xcalloc(10, sizeof(*nested_jobs));
        init_jobs(&f, nested_jobs, 10);
        for (int i = 0; i < 10; i++)
            nested_jobs[i].job.done = nested_done;
        for (int i = 0; i < 9; i++)
            workers_submit(f.w, &nested_jobs[i].job);
        while (workers_wait(f.w))
            continue;
        assert_int_equal(f.done, 10);
        teardown(&f);
        free(nested_jobs);
    }
}

static void order_done(struct job *job)
{
    struct count_job *c = (struct count_job *)job;
    c->f->order[c->f->done++] = c->in;
}
static void first_comes_first(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 0, false);
    struct count_job jobs[4];
    init_jobs(&f, jobs, 4);
    for (int i = 0; i < 4; i++)
        jobs[i].job.done = order_done;
    workers_submit(f.w, &jobs[0].job);
    workers_submit(f.w, &jobs[1].job);
    workers_submit_first(f.w, &jobs[2].job);
    workers_submit_first(f.w, &jobs[3].job);
    while (workers_wait(f.w))
        continue;
    static const unsigned want[] = {3, 2, 0, 1};
    for (int i = 0; i < 4; i++)
        assert_int_equal(f.order[i], want[i]);
    teardown(&f);
}

static void idle_costs_nothing(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 4, true);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    poll(NULL, 0, 100);
    getrusage(RUSAGE_SELF, &after);
    int64_t us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
                 after.ru_utime.tv_usec - before.ru_utime.tv_usec;
    assert_true(us < 20000);
    teardown(&f);
}

/* A script's worst case needs its stack: 256 KiB of frames must fit. */
static void deep_run(struct job *job)
{
    volatile uint8_t frame[256 * 1024];
    for (size_t i = 0; i < sizeof(frame); i += 4096)
        frame[i] = 1;
    ((struct count_job *)job)->out = ((struct count_job *)job)->in + frame[4096];
}
static void deep_stack(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, 1, true);
    struct count_job c = {{deep_run, count_done, NULL}, &f, 1, 0, false};
    workers_submit(f.w, &c.job);
    while (!workers_reap(f.w)) {
        struct pollfd p = {.fd = f.wake, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 20000), 1);
    }
    assert_int_equal(c.out, 2);
    teardown(&f);
}

static void unused_pool(void **state)
{
    (void)state;
    workers_destroy(NULL);
    for (unsigned n = 0; n < 5; n++)
        workers_destroy(workers_create(n, NULL, NULL));
    assert_true(cpu_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_0),          cmocka_unit_test(waiting_1),
        cmocka_unit_test(waiting_4),          cmocka_unit_test(notify_0),
        cmocka_unit_test(notify_1),           cmocka_unit_test(notify_4),
        cmocka_unit_test(nested_wait),        cmocka_unit_test(first_comes_first),
        cmocka_unit_test(idle_costs_nothing), cmocka_unit_test(deep_stack),
        cmocka_unit_test(unused_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
