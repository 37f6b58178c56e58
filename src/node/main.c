/* mited: reads its options, becomes a daemon where asked, and runs a node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"

#include "node/node.h"
#include "util/file.h"
#include "util/mem.h"

static bool wants_help(const struct options *o)
{
    return option_bool(o, "help") || option_bool(o, "h") || option_bool(o, "?") ||
           option_bool(o, "help-debug");
}

static void print_version(void)
{
    printf("mite daemon version v" PACKAGE_VERSION
           " mited, interface of Bitcoin Core v" CLIENT_VERSION_STR "\n");
}

static void print_help(const struct options *o)
{
    char *text = options_help(PROGRAM_MITED, option_bool(o, "help-debug"));
    print_version();
    printf("\n%s", text);
    free(text);
}

/* The data directory by command line or configuration file; the file itself is looked for in the
 * one that the command line gives. */
static bool read_config(struct node *node, char **error)
{
    const char *given = option_str(node->options, "datadir");
    char *dir = given && *given ? realpath(given, NULL) : default_datadir();
    char *conf = NULL, *warnings = NULL, *why = NULL;
    if (!dir) {
        *error = xasprintf("Specified data directory \"%s\" does not exist.", given);
        return false;
    }
    if (!config_read(node->options, dir, &conf, &warnings, &why)) {
        *error = xasprintf("Error reading configuration file: %s", why);
        free(why);
    }
    const char *now = option_str(node->options, "datadir");
    if (!*error && now && *now && !path_is_dir(now))
        *error = xasprintf("Error reading configuration file: specified data directory \"%s\" does "
                           "not exist.",
                           now);
    node->datadir = !*error && now && *now ? realpath(now, NULL) : xstrdup(dir);
    if (warnings)
        fprintf(stderr, "Warning: %s\n", warnings);
    free(warnings);
    free(conf);
    free(dir);
    return !*error;
}

/* Values that follow from other options, where nobody has given them. */
static void soft_settings(struct options *o)
{
    bool connect = option_list(o, "connect")[0] || option_is_negated(o, "connect");
    bool none = option_int(o, "maxconnections") <= 0;
    if (option_list(o, "bind")[0])
        options_soft_set(o, "listen", "1");
    if (connect || none) {
        options_soft_set(o, "dnsseed", "0");
        options_soft_set(o, "listen", "0");
    }
    options_soft_set(o, "dnsseed", "1");
    options_soft_set(o, "listen", "1");
}

/* Everything that options decide before the node is opened. */
static bool prepare(struct node *node)
{
    char *warnings = NULL;
    if (!read_config(node, &node->error) || !network_choose(node) || !paths_choose(node) ||
        !node_read_settings(node))
        return false;
    if (!options_check(node->options, &node->error, &warnings))
        return false;
    if (warnings)
        fprintf(stderr, "Warning: %s\n", warnings);
    free(warnings);
    node->error = options_unsuitable(node->options);
    soft_settings(node->options);
    return !node->error;
}

static bool become_daemon(struct node *node)
{
    bool wait = option_bool(node->options, "daemonwait");
    if (!wait && !option_bool(node->options, "daemon"))
        return true;
    printf("mite starting\n");
    fflush(stdout);
    return daemon_start(wait, &node->error);
}

/* The one line on standard error. True where there was something to say. */
static bool tell_error(struct node *node)
{
    if (!node->error)
        return false;
    fprintf(stderr, "Error: %s\n", node->error);
    free(node->error);
    node->error = NULL;
    return true;
}

static int run(struct node *node)
{
    bool ok = prepare(node) && become_daemon(node) && node_open(node);
    tell_error(node);
    daemon_ready(ok);
    if (ok)
        node_run(node);
    node_close(node);
    if (tell_error(node)) /* the disk may also fail at the very end */
        ok = false;
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
    char *error;
    struct node node = {.options = options_create(PROGRAM_MITED),
                        .lock_fd = -1,
                        .blocks_lock_fd = -1,
                        .wake_fd = -1};
    int status = EXIT_SUCCESS;
    umask(0077);
    if (!options_parse_command_line(node.options, argc, argv, &error)) {
        fprintf(stderr, "Error: Error parsing command line arguments: %s\n", error);
        free(error);
        status = EXIT_FAILURE;
    } else if (wants_help(node.options)) {
        print_help(node.options);
    } else if (option_bool(node.options, "version")) {
        print_version();
    } else {
        status = run(&node);
    }
    options_destroy(node.options);
    return status;
}
