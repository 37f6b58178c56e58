/* Files: replacement, folders, whole reads and writes, and the lock between processes. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static void joining(void **state)
{
    (void)state;
    static const char *const cases[][3] = {{"a", "b", "a/b"},
                                           {"a/", "b", "a/b"},
                                           {"/a", "/b", "/b"},
                                           {"", "b", "b"},
                                           {"/", "b", "/b"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path = path_join(cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
        free(path);
    }
}

static void directories(void **state)
{
    char *deep = path_join(*state, "a//b/c/"), *file = path_join(*state, "file");
    assert_false(path_exists(deep));
    assert_true(make_dirs(deep));
    assert_true(make_dirs(deep)); /* again */
    assert_true(path_is_dir(deep));
    struct stat st;
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    assert_true(file_replace(file, "x", 1));
    assert_true(path_exists(file) && !path_is_dir(file));
    char *below = path_join(file, "d");
    assert_false(make_dirs(file));
    assert_int_equal(errno, ENOTDIR);
    assert_false(make_dirs(below));
    assert_int_equal(errno, ENOTDIR);
    assert_false(make_dirs(""));
    assert_true(make_dirs("/"));
    assert_true(dir_sync(*state));
    assert_false(dir_sync(file));
    free(deep);
    free(file);
    free(below);
}

static void replacing(void **state)
{
    char *path = path_join(*state, "replaced"), *temporary = path_join(*state, "replaced.new");
    struct buf b = BUF_INIT;
    assert_false(file_read(path, &b, 100));
    assert_int_equal(errno, ENOENT);
    assert_true(file_replace(path, "old content", 11));
    assert_true(file_replace(path, "new", 3));
    write_u8(&b, '>');
    assert_true(file_read(path, &b, 3));
    assert_true(span_eq(buf_span(&b), span_of(">new", 4)));
    assert_false(file_read(path, &b, 2));
    assert_int_equal(errno, EFBIG);
    assert_int_equal(b.len, 4);
    assert_false(path_exists(temporary));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(file_replace(path, NULL, 0));
    buf_reset(&b);
    assert_true(file_read(path, &b, 0));
    assert_int_equal(b.len, 0);
    assert_false(file_read(*state, &b, 100)); /* a folder */
    assert_false(file_replace("/nonexistent/file", "x", 1));
    assert_int_equal(errno, ENOENT);
    buf_clear(&b);
    free(path);
    free(temporary);
}

/* Where the disk is full, the old file stays whole and no rest is left. */
static void replacing_fails(void **state)
{
    char *path = path_join(*state, "kept");
    assert_true(file_replace(path, "kept", 4));
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {1000, 1000};
        setrlimit(RLIMIT_FSIZE, &limit);
        static uint8_t big[5000];
        _exit(file_replace(path, big, sizeof(big)) ? 1 : errno == EFBIG ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    struct buf b = BUF_INIT;
    assert_true(file_read(path, &b, 100));
    assert_true(span_eq(buf_span(&b), span_of("kept", 4)));
    char *temporary = path_join(*state, "kept.new");
    assert_false(path_exists(temporary));
    buf_clear(&b);
    free(path);
    free(temporary);
}

static void positioned(void **state)
{
    char *path = path_join(*state, "positioned");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    size_t len = 300000;
    uint8_t *data = xmalloc(len), *back = xmalloc(len);
    test_rand_bytes(data, len);
    assert_true(pwrite_all(fd, data, len, 12345));
    assert_true(file_sync(fd));
    assert_true(pread_all(fd, back, len, 12345));
    assert_memory_equal(data, back, len);
    assert_false(pread_all(fd, back, len, 12346)); /* one byte past the end */
    assert_int_equal(errno, EIO);
    assert_true(pread_all(fd, back, 0, 1 << 20));
    close(fd);
    assert_false(pread_all(fd, back, 1, 0));
    assert_int_equal(errno, EBADF);
    assert_true(disk_free(*state) > 0);
    assert_true(disk_free("/nonexistent") == UINT64_MAX);
    free(data);
    free(back);
    free(path);
}

static int lock_in_child(const char *dir)
{
    pid_t pid = fork();
    if (pid == 0) {
        int fd = dir_lock(dir, ".lock");
        _exit(fd >= 0 ? 0 : errno == EWOULDBLOCK ? 1 : 2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void locking(void **state)
{
    int fd = dir_lock(*state, ".lock");
    assert_true(fd >= 0);
    assert_int_equal(lock_in_child(*state), 1);
    close(fd);
    assert_int_equal(lock_in_child(*state), 0);
    fd = dir_lock(*state, ".lock");
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(dir_lock("/nonexistent", ".lock"), -1);
    assert_int_equal(errno, ENOENT);
}

static int make_dir(void **state)
{
    *state = temp_dir();
    return 0;
}
static int remove_dir(void **state)
{
    temp_dir_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining),    cmocka_unit_test(directories),
        cmocka_unit_test(replacing),  cmocka_unit_test(replacing_fails),
        cmocka_unit_test(positioned), cmocka_unit_test(locking),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
