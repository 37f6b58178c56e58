/*
 * Files: the system's calls with their rough edges taken off.
 *
 * Every loop over EINTR and short counts in the program is here. A file that matters as a whole
 * (settings, peers, the cookie) is replaced by rename(), never written over: after a crash there
 * is the old file or the new one. The lock of a data directory is an fcntl() record lock, the kind
 * that Bitcoin Core takes on the same file, so the two programs keep each other out as well.
 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/mem.h"

char *path_join(const char *dir, const char *name)
{
    if (name[0] == '/' || dir[0] == '\0')
        return xstrdup(name);
    size_t len = strlen(dir);
    return xasprintf("%s%s%s", dir, dir[len - 1] == '/' ? "" : "/", name);
}

bool path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool make_dir(const char *path)
{
    if (mkdir(path, 0700) == 0)
        return true;
    int error = errno;
    if (path_is_dir(path)) /* also where mkdir says EROFS or EACCES about what is there */
        return true;
    errno = error == EEXIST ? ENOTDIR : error;
    return false;
}

bool make_dirs(const char *path)
{
    char *copy = xstrdup(path);
    bool ok = true;
    for (char *p = copy + 1; ok && *copy && *p; p++) {
        if (*p != '/' || p[-1] == '/')
            continue;
        *p = '\0';
        ok = make_dir(copy);
        *p = '/';
    }
    ok = ok && make_dir(copy);
    int error = errno;
    free(copy);
    errno = error;
    return ok;
}

/* Closes without losing the errno of what went wrong before. */
static bool close_after(int fd, bool ok)
{
    int error = errno;
    if (close(fd) != 0 && ok)
        return false;
    errno = error;
    return ok;
}

static bool read_to_end(int fd, struct buf *out, size_t max)
{
    size_t start = out->len;
    for (;;) {
        buf_reserve(out, 65536);
        ssize_t n = read(fd, out->data + out->len, out->cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        out->len += (size_t)n;
        if (out->len - start > max) {
            errno = EFBIG;
            return false;
        }
    }
}

bool file_read(const char *path, struct buf *out, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t before = out->len;
    bool ok = close_after(fd, read_to_end(fd, out, max));
    if (!ok)
        out->len = before;
    return ok;
}

bool file_sync(int fd)
{
    while (fdatasync(fd) != 0) {
        if (errno == EINVAL || errno == EROFS) /* a pipe or device: nothing to sync */
            return true;
        if (errno != EINTR)
            return false;
    }
    return true;
}

bool dir_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    return close_after(fd, fsync(fd) == 0 || errno == EINVAL);
}

static bool sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    char *dir = slash ? xstrndup(path, len ? len : 1) : xstrdup(".");
    bool ok = dir_sync(dir);
    free(dir);
    return ok;
}

static bool write_new(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    return close_after(fd, pwrite_all(fd, data, len, 0) && file_sync(fd));
}

bool file_replace(const char *path, const void *data, size_t len)
{
    char *temporary = xasprintf("%s.new", path);
    bool ok = write_new(temporary, data, len) && rename(temporary, path) == 0;
    int error = errno;
    if (!ok)
        unlink(temporary);
    free(temporary);
    errno = error;
    return ok && sync_parent(path);
}

bool pread_all(int fd, void *data, size_t len, uint64_t offset)
{
    uint8_t *p = data;
    while (len) {
        ssize_t n = pread(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO; /* the file ends before it should */
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

bool pwrite_all(int fd, const void *data, size_t len, uint64_t offset)
{
    const uint8_t *p = data;
    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENOSPC;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

int dir_lock(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int error = errno;
    free(path);
    if (fd < 0) {
        errno = error;
        return -1;
    }
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &whole) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error == EACCES || error == EAGAIN ? EWOULDBLOCK : error;
    return -1;
}

uint64_t disk_free(const char *path)
{
    struct statvfs fs;
    if (statvfs(path, &fs) != 0)
        return UINT64_MAX;
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}
