/* Files: whole reads, atomic replacement, directories, locks, free space. All errors by errno. */
#ifndef MITE_UTIL_FILE_H
#define MITE_UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"

char *path_join(const char *dir,
                const char *name); /* caller frees; an absolute name stays itself */
bool path_exists(const char *path);
bool path_is_dir(const char *path);
/* mkdir -p with mode 0700 under the process's umask. */
bool make_dirs(const char *path) MUST_USE;
/* Appends the file's bytes to out; fails (EFBIG) above `max`. */
bool file_read(const char *path, struct buf *out, size_t max) MUST_USE;
/* Writes PATH.new, syncs it, renames it over PATH, syncs the folder: a crash leaves old or new. */
bool file_replace(const char *path, const void *data, size_t len) MUST_USE;
bool file_sync(int fd) MUST_USE;
bool dir_sync(const char *path) MUST_USE;
/* pread/pwrite of all the bytes, EINTR and short counts taken care of. */
bool pread_all(int fd, void *data, size_t len, uint64_t offset) MUST_USE;
bool pwrite_all(int fd, const void *data, size_t len, uint64_t offset) MUST_USE;
/* Takes the exclusive lock on DIR/NAME (created empty). Returns its descriptor, or -1:
 * errno EWOULDBLOCK where another process holds it. Closing any descriptor of that file frees it,
 * and a child of fork() does not have it: become a daemon first. */
int dir_lock(const char *dir, const char *name) MUST_USE;
/* Bytes free for this user on the file system of `path`; UINT64_MAX where it cannot be told. */
uint64_t disk_free(const char *path);

#endif
