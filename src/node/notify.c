/*
 * Commands of the user that are run when something happens.
 *
 * At most MAX_RUNNING run at a time; the others wait in order, so that many blocks at once do not
 * end in as many processes. A SIGCHLD says that one has ended, and the next begins. Those of
 * -shutdownnotify do not wait for others, and the node stops when they have ended. Commands that
 * still run when the node ends go on by themselves; those that still wait are left out.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/subprocess.h"
#include "validation/chain.h"

#define MAX_RUNNING 16

struct command {
    char *line;
    pid_t pid;
    bool before_stop;
};
struct notifier {
    struct event *child_ended;
    struct command *running;
    size_t n_running, running_cap;
    char **waiting;
    size_t n_waiting, waiting_cap;
    struct u256 tip_work; /* of the tip before the last change */
};

/* Takes over the line. */
static void start(struct notifier *n, char *line, bool before_stop)
{
    pid_t pid = shell_start(line);
    if (pid == 0) {
        log_warning("Command \"%s\" could not be started: %s", line, strerror(errno));
        free(line);
        return;
    }
    n->running = array_reserve(n->running, &n->running_cap, n->n_running + 1, sizeof(*n->running));
    n->running[n->n_running++] = (struct command){line, pid, before_stop};
}

static void start_waiting(struct notifier *n)
{
    size_t taken = 0;
    while (taken < n->n_waiting && n->n_running < MAX_RUNNING)
        start(n, n->waiting[taken++], false);
    n->n_waiting -= taken;
    if (taken > 0 && n->n_waiting > 0)
        memmove(n->waiting, n->waiting + taken, n->n_waiting * sizeof(*n->waiting));
}

static void enqueue(struct node *node, char *line)
{
    struct notifier *n = node->notifier;
    n->waiting = array_reserve(n->waiting, &n->waiting_cap, n->n_waiting + 1, sizeof(*n->waiting));
    n->waiting[n->n_waiting++] = line;
    start_waiting(n);
}

static void on_child_ended(evutil_socket_t sig, short what, void *arg)
{
    (void)sig, (void)what;
    struct notifier *n = arg;
    for (size_t i = 0; i < n->n_running;) {
        int status;
        struct command *c = &n->running[i];
        if (!shell_ended(c->pid, &status)) {
            i++;
            continue;
        }
        if (status != 0)
            log_warning("Command \"%s\" returned %d", c->line, status);
        free(c->line);
        *c = n->running[--n->n_running];
    }
    start_waiting(n);
}

/* The option's command, or NULL. */
static const char *command_of(const struct node *node, const char *option)
{
    const char *command = option_str(node->options, option);
    return command && *command ? command : NULL;
}

void notify_alert(struct node *node, const char *message)
{
    const char *command = command_of(node, "alertnotify");
    if (!command)
        return;
    char *quoted = shell_quote_safe(message);
    enqueue(node, shell_fill(command, quoted));
    free(quoted);
}

void notify_startup(struct node *node)
{
    const char *command = command_of(node, "startupnotify");
    if (command)
        enqueue(node, xstrdup(command));
}

void notify_shutdown(struct node *node)
{
    for (const char *const *c = option_list(node->options, "shutdownnotify"); *c; c++)
        if (**c)
            start(node->notifier, xstrdup(*c), true);
}

bool notify_shutdown_done(const struct node *node)
{
    const struct notifier *n = node->notifier;
    for (size_t i = 0; i < n->n_running; i++)
        if (n->running[i].before_stop)
            return false;
    return true;
}

static void tell_block(struct node *node, const char *command, const struct block_index *i)
{
    char hex[HASH_HEX_SIZE];
    enqueue(node, shell_fill(command, hash_to_hex(hex, i->h.hash.b)));
}

/* Each block that had more work than the tip before: a reorganisation tells of the blocks that
 * were better, and a tip that was taken back of the one below. */
static void on_tip_changed(void *arg, const struct block_index *tip, const struct block_index *fork,
                           bool ibd)
{
    struct node *node = arg;
    struct u256 before = node->notifier->tip_work;
    const char *command = command_of(node, "blocknotify");
    node->notifier->tip_work = tip->h.work;
    if (!command || ibd)
        return;
    for (int32_t h = fork->h.height + 1; h < tip->h.height; h++) {
        const struct block_index *i = index_ancestor(tip, h);
        if (u256_cmp(i->h.work, before) > 0)
            tell_block(node, command, i);
    }
    tell_block(node, command, tip);
}

void notify_open(struct node *node)
{
    static const struct chain_events events = {.tip_changed = on_tip_changed};
    struct notifier *n = node->notifier = xcalloc(1, sizeof(*n));
    n->tip_work = chain_tip(node->chain)->h.work;
    n->child_ended = evsignal_new(node->base, SIGCHLD, on_child_ended, n);
    event_add(n->child_ended, NULL);
    chain_subscribe(node->chain, &events, node);
}

void notify_close(struct node *node)
{
    struct notifier *n = node->notifier;
    if (!n)
        return;
    if (node->chain)
        chain_unsubscribe(node->chain, node);
    if (n->n_waiting > 0)
        log_warning("%zu commands of notifications were not run", n->n_waiting);
    event_free(n->child_ended);
    for (size_t i = 0; i < n->n_running; i++)
        free(n->running[i].line);
    for (size_t i = 0; i < n->n_waiting; i++)
        free(n->waiting[i]);
    free(n->running);
    free(n->waiting);
    free(n);
    node->notifier = NULL;
}
