/* The node as a whole: what is opened when, and closed in reverse. */
#include "config.h"

#include "node/node.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

bool node_read_settings(struct node *node)
{
    const char *name = option_str(node->options, "settings");
    char *path = name ? node_path(node, name) : NULL, *error = NULL;
    node->settings = settings_open(path, node->options, &error);
    if (!node->settings) {
        node->error = error;
    }
    free(path);
    return node->settings != NULL;
}

static void log_start(const struct node *node)
{
    log_info("mite version " PACKAGE_VERSION ", interface of Bitcoin Core " CLIENT_VERSION_STR);
    log_info("Using data directory %s", node->netdir);
    options_log(node->options);
}

bool node_open(struct node *node)
{
    node->start_mono_us = time_mono_us();
    if (!logging_configure(node) || !user_agent_build(node) || !paths_lock(node) ||
        !paths_write_pid(node) || !logging_open(node))
        return false;
    log_start(node);
    if (option_int(node->options, "mocktime") != 0)
        time_set_mock(option_int(node->options, "mocktime"));
    if (!loop_open(node) || !parts_open(node))
        return false;
    loop_start_imports(node);
    log_info("Done loading after %lld us", (long long)(time_mono_us() - node->start_mono_us));
    notify_startup(node);
    return true;
}

void node_close(struct node *node)
{
    parts_close(node);
    loop_close(node);
    paths_unlock(node);
    settings_close(node->settings);
    network_free(node->own_net);
    free(node->datadir);
    free(node->netdir);
    free(node->blocksdir);
    free(node->pid_path);
    free(node->user_agent);
    log_info("Shutdown done");
    log_close();
    free(node->log_path);
}
