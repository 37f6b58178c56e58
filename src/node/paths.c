/*
 * Where things are on disk: data directory, the network's folder, locks, pid file. The layout is
 * Bitcoin Core's, so that its data directory can be used and given back; hence also the pid file's
 * name, and the name in the message of a taken lock: scripts look for both.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/node.h"
#include "util/file.h"
#include "util/mem.h"

#define FAMILY_NAME "Bitcoin Core"

char *default_datadir(void)
{
    const char *home = getenv("HOME");
    if (!home || !*home) {
        const struct passwd *pw = getpwuid(getuid());
        home = pw ? pw->pw_dir : "/";
    }
    return path_join(home, ".mite");
}

char *node_path(const struct node *node, const char *name)
{
    return path_join(node->netdir, name);
}

static bool make_dir(struct node *node, const char *path)
{
    if (make_dirs(path))
        return true;
    node->error = errno == EACCES || errno == EROFS
                      ? xasprintf("Cannot write to directory '%s'; check permissions.", path)
                      : xasprintf("Cannot create directory '%s': %s", path, strerror(errno));
    return false;
}

bool paths_choose(struct node *node)
{
    node->netdir = path_join(node->datadir, node->net->datadir);
    size_t len = strlen(node->netdir);
    if (len > 1 && node->netdir[len - 1] == '/')
        node->netdir[len - 1] = 0; /* main has no folder of its own */
    const char *given = option_str(node->options, "blocksdir");
    if (given && !path_is_dir(given)) {
        node->error = xasprintf("Specified blocks directory \"%s\" does not exist.", given);
        return false;
    }
    char *top = given ? realpath(given, NULL) : xstrdup(node->datadir);
    CHECK(top);
    char *net = path_join(top, node->net->datadir);
    node->blocksdir = path_join(net, "blocks");
    free(net);
    free(top);
    /* A new folder gets one for wallets: where there is none, wallets lie beside it (-walletdir).
     */
    bool is_new = !path_exists(node->netdir);
    char *wallets = node_path(node, "wallets");
    bool ok = make_dir(node, node->netdir) && make_dir(node, node->blocksdir) &&
              (!is_new || make_dir(node, wallets));
    free(wallets);
    return ok;
}

static bool lock_dir(struct node *node, const char *path, int *fd)
{
    *fd = dir_lock(path, ".lock");
    if (*fd >= 0)
        return true;
    if (errno == EWOULDBLOCK || errno == EAGAIN)
        node->error = xasprintf("Cannot obtain a lock on directory %s. " FAMILY_NAME
                                " is probably already running.",
                                path);
    else if (errno == EACCES || errno == EROFS)
        node->error = xasprintf("Cannot write to directory '%s'; check permissions.", path);
    else
        node->error = xasprintf("Cannot lock directory '%s': %s", path, strerror(errno));
    return false;
}

bool paths_lock(struct node *node)
{
    return lock_dir(node, node->netdir, &node->lock_fd) &&
           lock_dir(node, node->blocksdir, &node->blocks_lock_fd);
}

bool paths_write_pid(struct node *node)
{
    const char *name = option_str(node->options, "pid");
    if (!name)
        return true;
    char *path = node_path(node, name), text[24];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && pwrite_all(fd, text, (size_t)len, 0);
    if (!ok)
        node->error = xasprintf("Unable to create the PID file '%s': %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (ok)
        node->pid_path = path;
    else
        free(path);
    return ok;
}

void paths_unlock(struct node *node)
{
    if (node->pid_path)
        unlink(node->pid_path);
    if (node->blocks_lock_fd >= 0)
        close(node->blocks_lock_fd);
    if (node->lock_fd >= 0)
        close(node->lock_fd);
    node->blocks_lock_fd = node->lock_fd = -1;
}
