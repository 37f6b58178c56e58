/*
 * Going into the background. It happens before any thread is started and any lock taken, because
 * neither survives a fork. With -daemonwait the parent waits on a pipe for one byte; should the
 * child die first, the pipe's end tells so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/node.h"
#include "util/mem.h"

static int ready_fd = -1;

_Noreturn static void parent(int fd, bool wait)
{
    char ok = 1;
    if (wait) {
        ssize_t n;
        do {
            n = read(fd, &ok, 1);
        } while (n < 0 && errno == EINTR);
        if (n != 1)
            ok = 0;
    }
    exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Standard output and input lead nowhere; errors are still shown until the node is ready. */
static void detach(void)
{
    int null = open("/dev/null", O_RDWR);
    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}

bool daemon_start(bool wait, char **error)
{
    int fds[2];
    pid_t pid = -1;
    if (pipe2(fds, O_CLOEXEC) == 0)
        pid = fork();
    if (pid < 0) {
        *error = xasprintf("fork() failed: %s", strerror(errno));
        return false;
    }
    if (pid > 0) {
        close(fds[1]);
        parent(fds[0], wait);
    }
    close(fds[0]);
    ready_fd = fds[1];
    setsid();
    detach();
    return true;
}

void daemon_ready(bool ok)
{
    if (ready_fd < 0)
        return;
    char c = ok;
    if (write(ready_fd, &c, 1) != 1) {
        /* the parent has gone: nobody to tell */
    }
    close(ready_fd);
    ready_fd = -1;
    int null = open("/dev/null", O_RDWR);
    if (ok && null >= 0)
        dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}
