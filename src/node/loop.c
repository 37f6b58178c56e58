/*
 * The loop: one libevent base on the owner's thread. Workers and the writer wake it through an
 * eventfd; a tick does what is due once a second; signals are events. Imports of block files go in
 * slices between the other events.
 *
 * Stopping: the commands of -shutdownnotify run to their end, which may still ask this node; then
 * the RPC server takes no more requests and gives the waiting ones their answer; when all answers
 * are out, or a few seconds later, the loop ends and the parts are closed.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "node/node.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define TICK_S           1
#define MEMPOOL_TICK_US  INT64_C(60000000)
#define FEES_SAVE_US     INT64_C(3600000000)
#define IDLE_MS          1
#define QUIT_CHECK_MS    2
#define QUIT_PATIENCE_US INT64_C(5000000)

static int64_t quit_deadline_us;

void loop_wake(void *arg)
{
    struct node *node = arg;
    uint64_t one = 1;
    /* Fails only when the counter is full, and then the loop is awake. */
    if (write(node->wake_fd, &one, sizeof(one)) != sizeof(one))
        return;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct node *node = arg;
    uint64_t count;
    if (read(fd, &count, sizeof(count)) != sizeof(count))
        return;
    workers_reap(node->workers);
    chain_poll(node->chain);
    if (node->miner)
        miner_poll(node->miner);
}

static int64_t now_us(const struct node *node)
{
    return time_mono_us() + node->clock_skip_us;
}

/* Work that can wait, a slice at a time, between other events. */
static void on_idle(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct node *node = arg;
    struct timeval soon = {0, IDLE_MS * 1000};
    if (node->wallets && wallets_idle(node->wallets))
        evtimer_add(node->idle, &soon);
}

static void periodic(struct node *node)
{
    chain_tick(node->chain);
    if (node->miner)
        miner_poll(node->miner);
    if (node->wallets) {
        wallets_tick(node->wallets);
        event_active(node->idle, EV_TIMEOUT, 0);
    }
    if (now_us(node) >= node->next_mempool_tick_us) {
        node->next_mempool_tick_us = now_us(node) + MEMPOOL_TICK_US;
        mempool_tick(node->mempool);
    }
    if (now_us(node) >= node->next_fees_save_us) {
        fees_part_save(node);
        node->next_fees_save_us = now_us(node) + FEES_SAVE_US;
    }
    int64_t stop_at = option_int(node->options, "stopatheight");
    if (stop_at > 0 && chain_height(node->chain) >= stop_at)
        node_stop(node);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    periodic(arg);
}

void loop_advance(void *arg, int64_t seconds)
{
    struct node *node = arg;
    node->clock_skip_us += seconds * 1000000;
    periodic(node);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    (void)what;
    if (sig == SIGHUP)
        log_reopen();
    else
        node_stop(arg);
}

/* ---- imports ---- */

static void finish_imports(struct node *node)
{
    char *error = NULL;
    if (option_bool(node->options, "persistmempool")) {
        char *path = node_path(node, "mempool.dat");
        struct mempool_load_options o = {.apply_fee_deltas = true, .apply_unbroadcast = true};
        if (path_exists(path) && !mempool_load(node->mempool, path, &o, &error)) {
            log_warning("%s", error);
            free(error);
        }
        free(path);
    }
    mempool_set_loaded(node->mempool);
    if (option_bool(node->options, "stopafterblockimport"))
        node_stop(node);
}

/* Starts the next file of -loadblock; false where there is none. */
static bool next_import(struct node *node)
{
    const char *const *files = option_list(node->options, "loadblock");
    while (files[node->next_import]) {
        const char *path = files[node->next_import++];
        char *error = NULL;
        log_info("Importing blocks file %s...", path);
        node->importing = chain_import_start(node->chain, path, &error);
        if (node->importing)
            return true;
        log_warning("%s", error);
        free(error);
    }
    return false;
}

static void on_import(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct node *node = arg;
    struct timeval now = {0, 0};
    if (node->importing && !chain_import_step(node->importing)) {
        chain_import_finish(node->importing);
        node->importing = NULL;
    }
    if (node->importing || next_import(node))
        evtimer_add(node->import, &now);
    else
        finish_imports(node);
}

void loop_start_imports(struct node *node)
{
    struct timeval now = {0, 0};
    node->importing = chain_reindex_start(node->chain);
    if (node->importing || next_import(node))
        evtimer_add(node->import, &now);
    else
        finish_imports(node);
}

/* ---- stopping ---- */

static void on_quit_check(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct node *node = arg;
    struct timeval again = {0, QUIT_CHECK_MS * 1000};
    if (!node->quitting && notify_shutdown_done(node)) {
        node->quitting = true;
        if (node->rpc)
            rpc_server_stop(node->rpc);
        quit_deadline_us = time_mono_us() + QUIT_PATIENCE_US;
    }
    if (node->quitting &&
        (!node->rpc || rpc_server_is_idle(node->rpc) || time_mono_us() > quit_deadline_us))
        event_base_loopbreak(node->base);
    else
        evtimer_add(node->quit_check, &again);
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    struct node *node = arg;
    log_info("Shutdown in progress...");
    notify_shutdown(node);
    on_quit_check(fd, what, arg);
}

void node_stop(struct node *node)
{
    if (node->stopping)
        return;
    node->stopping = true;
    event_active(node->stop, EV_TIMEOUT, 0);
}

void node_fatal(void *arg, const char *message)
{
    struct node *node = arg;
    log_error("*** %s", message);
    if (!node->error)
        node->error = xstrdup(message);
    node_stop(node);
}

/* ---- open and close ---- */

bool loop_open(struct node *node)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    signal(SIGPIPE, SIG_IGN);
    node->base = event_base_new();
    node->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!node->base || node->wake_fd < 0) {
        node->error = xasprintf("Unable to start the event loop: %s", strerror(errno));
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        node->signals[i] = evsignal_new(node->base, numbers[i], on_signal, node);
        event_add(node->signals[i], NULL);
    }
    node->wake = event_new(node->base, node->wake_fd, EV_READ | EV_PERSIST, on_wake, node);
    node->tick = event_new(node->base, -1, EV_PERSIST, on_tick, node);
    node->stop = evtimer_new(node->base, on_stop, node);
    node->quit_check = evtimer_new(node->base, on_quit_check, node);
    node->idle = evtimer_new(node->base, on_idle, node);
    node->import = evtimer_new(node->base, on_import, node);
    node->next_fees_save_us = now_us(node) + FEES_SAVE_US;
    return true;
}

void node_run(struct node *node)
{
    struct timeval tick = {TICK_S, 0};
    event_add(node->wake, NULL);
    event_add(node->tick, &tick);
    event_base_dispatch(node->base);
}

void loop_close(struct node *node)
{
    struct event *all[] = {node->signals[0], node->signals[1], node->signals[2],
                           node->wake,       node->tick,       node->stop,
                           node->quit_check, node->import,     node->idle};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i])
            event_free(all[i]);
    if (node->base)
        event_base_free(node->base);
    if (node->wake_fd >= 0)
        close(node->wake_fd);
}
