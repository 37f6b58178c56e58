/* The log's options, and what is written first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/node.h"
#include "util/log.h"
#include "util/mem.h"

static bool is_off(const char *category)
{
    return strcmp(category, "0") == 0 || strcmp(category, "none") == 0;
}

/* What stands before a "-debug=none" does not count, be it nonsense. */
static bool enable_categories(struct node *node)
{
    const char *const *on = option_list(node->options, "debug");
    const char *const *off = option_list(node->options, "debugexclude");
    size_t first = 0;
    for (size_t i = 0; on[i]; i++)
        if (is_off(on[i]))
            first = i + 1;
    for (; on[first]; first++) {
        if (!log_enable(*on[first] ? on[first] : "all", true)) {
            node->error = xasprintf("Unsupported logging category -debug=%s.", on[first]);
            return false;
        }
    }
    for (; *off; off++) {
        if (!log_enable(*off, false)) {
            node->error = xasprintf("Unsupported logging category -debugexclude=%s.", *off);
            return false;
        }
    }
    return true;
}

static bool set_level(struct node *node, const char *text)
{
    enum log_level level;
    const char *colon = strchr(text, ':');
    if (!colon) {
        if (log_level_parse(text, &level)) {
            log_set_level(level);
            return true;
        }
        node->error = xasprintf("Unsupported global logging level -loglevel=%s. Valid values: "
                                "info, debug, trace.",
                                text);
        return false;
    }
    char *category = xstrndup(text, (size_t)(colon - text));
    bool ok = log_level_parse(colon + 1, &level) && log_set_category_level(category, level);
    if (!ok)
        node->error = xasprintf("Unsupported category-specific logging level -loglevel=%s. "
                                "Expected -loglevel=<category>:<loglevel>.",
                                text);
    free(category);
    return ok;
}

bool logging_configure(struct node *node)
{
    for (const char *const *l = option_list(node->options, "loglevel"); *l; l++)
        if (!set_level(node, *l))
            return false;
    return enable_categories(node);
}

bool logging_open(struct node *node)
{
    const struct options *o = node->options;
    const char *name = option_str(o, "debuglogfile");
    bool debugging = option_list(o, "debug")[0] != NULL;
    bool daemon = option_bool(o, "daemon") || option_bool(o, "daemonwait");
    node->log_path = name ? node_path(node, name) : NULL;
    struct log_options log = {
        .file = node->log_path,
        .console = option_is_set(o, "printtoconsole") ? option_bool(o, "printtoconsole") : !daemon,
        .timestamps = option_bool(o, "logtimestamps"),
        .time_micros = option_bool(o, "logtimemicros"),
        .thread_names = option_bool(o, "logthreadnames"),
        .source_locations = option_bool(o, "logsourcelocations"),
        .level_always = option_bool(o, "loglevelalways"),
        .rate_limit = option_bool(o, "logratelimit"),
    };
    bool shrink =
        option_is_set(o, "shrinkdebugfile") ? option_bool(o, "shrinkdebugfile") : !debugging;
    if (node->log_path && shrink && !log_shrink(node->log_path) && errno != ENOENT)
        log_warning("Unable to shrink %s: %s", node->log_path, strerror(errno));
    if (log_open(&log))
        return true;
    node->error = xasprintf("Could not open debug log file %s", node->log_path);
    return false;
}
