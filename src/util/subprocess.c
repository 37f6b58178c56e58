/*
 * Commands of the user, by posix_spawn() of the shell.
 *
 * Starting one takes the owner a fraction of a millisecond; the end of one is a SIGCHLD, upon which
 * the owner asks for each that it has started. All our descriptors are close-on-exec, so that no
 * command holds a socket or the lock of the data directory. Rejected: system(), which waits and so
 * would need a thread for each command, and forking twice to be rid of the child, which would hide
 * how it ended.
 */
#include "util/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "util/bytes.h"
#include "util/mem.h"

extern char **environ;

static void default_signals(posix_spawnattr_t *attr)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(attr, &all);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETPGROUP);
}

pid_t shell_start(const char *command)
{
    char sh[] = "/bin/sh", c[] = "-c", *copy = xstrdup(command);
    char *argv[] = {sh, c, copy, NULL};
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    pid_t pid = 0;
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_init(&files);
    default_signals(&attr);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    int error = posix_spawn(&pid, sh, &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    free(copy);
    errno = error;
    return error == 0 ? pid : 0;
}

bool shell_ended(pid_t pid, int *status)
{
    int raw;
    pid_t got = waitpid(pid, &raw, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return false;
    *status = got < 0 ? 0 : WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return true;
}

char *shell_fill(const char *template, const char *text)
{
    struct buf out = BUF_INIT;
    for (const char *p = template; *p;) {
        const char *hole = strstr(p, "%s");
        size_t len = hole ? (size_t)(hole - p) : strlen(p);
        write_bytes(&out, p, len);
        if (hole)
            write_bytes(&out, text, strlen(text));
        p += len + (hole ? 2 : 0);
    }
    write_bytes(&out, "", 1);
    return (char *)out.data;
}

char *shell_quote_safe(const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               " .,;-_/:?@()";
    struct buf out = BUF_INIT;
    write_bytes(&out, "'", 1);
    for (; *text; text++)
        if (strchr(safe, *text))
            write_bytes(&out, text, 1);
    write_bytes(&out, "'", 2);
    return (char *)out.data;
}
