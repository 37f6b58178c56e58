/* The log: what is in the file after lines from here and there, with all options on and off. */

#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <unistd.h>

#include "unit.h"
#include "util/log.h"
#include "util/time.h"

/* log.c has one state per process, so these tests run in order, and each ends with log_close(). */

static char *read_text(const char *path)
{
    struct buf b = BUF_INIT;
    assert_true(file_read(path, &b, 1 << 30));
    write_u8(&b, 0);
    return (char *)buf_take(&b, NULL);
}

static bool matches(const char *text, const char *pattern)
{
    regex_t re;
    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    if (!found)
        print_message("no \"%s\" in:\n%s", pattern, text);
    return found;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void early_lines(void **state)
{
    char *path = path_join(*state, "debug.log");
    errno = 77;
    log_info("first %d", 1);
    assert_int_equal(errno, 77);
    log_warning("second");
    struct log_options o = {.file = path, .timestamps = true};
    assert_true(log_open(&o));
    log_error("third\x1b[2J\ttab\x7f \xc3\xa9\n");
    log_info("fourth\nand on");
    log_close();
    log_info("nowhere");
    char *text = read_text(path);
    assert_true(matches(text, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z first 1\n"
                              "[^ ]+ \\[warning\\] second\n"
                              "[^ ]+ \\[error\\] third\\\\x1b\\[2J\\\\x09tab\\\\x7f \xc3\xa9\n"
                              "[^ ]+ fourth\nand on\n$"));
    free(text);
    free(path);
}

static void categories(void **state)
{
    char *path = path_join(*state, "categories.log");
    struct log_options o = {.file = path};
    assert_true(log_open(&o));
    int evaluated = 0;
    log_debug(LOG_net, "off %d", ++evaluated);
    assert_int_equal(evaluated, 0);
    assert_true(log_enable("net", true));
    assert_false(log_enable("nets", true));
    assert_true(log_enabled(LOG_net));
    assert_false(log_enabled(LOG_mempool));
    log_debug(LOG_net, "on %d", ++evaluated);
    log_trace(LOG_net, "no trace %d", ++evaluated);
    assert_int_equal(evaluated, 1);
    assert_true(log_set_category_level("net", LOG_LEVEL_TRACE));
    assert_false(log_set_category_level("all", LOG_LEVEL_TRACE));
    log_trace(LOG_net, "trace");
    assert_true(log_enable("all", true));
    log_debug(LOG_mempool, "pool");
    log_trace(LOG_mempool, "no pool");
    log_set_level(LOG_LEVEL_INFO);
    assert_false(log_enabled(LOG_mempool));
    assert_true(log_category_active(LOG_mempool));
    log_debug(LOG_mempool, "no pool");
    log_debug(LOG_net, "net keeps its own");
    log_set_level(LOG_LEVEL_DEBUG);
    assert_true(log_enable("none", true));
    assert_false(log_enabled(LOG_net));
    assert_true(log_enable("1", true));
    assert_true(log_enable("", false));
    assert_false(log_category_active(LOG_net));
    assert_true(log_enable("net", true) && log_enable("0", true));
    assert_false(log_category_active(LOG_net));
    log_close();
    char *text = read_text(path);
    assert_string_equal(text,
                        "[net] on 1\n[net:trace] trace\n[mempool] pool\n[net] net keeps its own\n");
    free(text);
    free(path);
    enum log_level level;
    assert_true(log_level_parse("trace", &level) && level == LOG_LEVEL_TRACE);
    assert_true(log_level_parse("info", &level) && level == LOG_LEVEL_INFO);
    assert_false(log_level_parse("error", &level));
    assert_false(log_level_parse("", &level));
    assert_string_equal(log_category_name(LOG_txreconciliation), "txreconciliation");
}

static void all_options(void **state)
{
    char *path = path_join(*state, "options.log");
    struct log_options o = {.file = path,
                            .timestamps = true,
                            .time_micros = true,
                            .thread_names = true,
                            .source_locations = true,
                            .level_always = true};
    assert_true(log_open(&o));
    pthread_setname_np(pthread_self(), "here");
    time_set_mock(1231006505);
    log_info("a");
    time_set_mock(0);
    log_warning("b");
    assert_true(log_enable("net", true));
    log_debug(LOG_net, "c");
    log_close();
    assert_true(log_enable("all", false));
    char *text = read_text(path);
    assert_true(matches(
        text, "^[^ ]{10}T[^ ]{8}\\.[0-9]{6}Z \\(mocktime: 2009-01-03T18:15:05Z\\) \\[here\\] "
              "\\[[^ ]*test_util_log\\.c:[0-9]+\\] \\[all_options\\] \\[all:info\\] a\n"
              "[^ ]+Z \\[here\\] [^ ]+ \\[all_options\\] \\[all:warning\\] b\n"
              "[^ ]+Z \\[here\\] [^ ]+ \\[all_options\\] \\[net:debug\\] c\n$"));
    free(text);
    free(path);
}

static void reopening(void **state)
{
    char *path = path_join(*state, "reopen.log"), *moved = path_join(*state, "reopen.log.1");
    struct log_options o = {.file = path};
    assert_true(log_open(&o));
    log_info("one");
    assert_int_equal(rename(path, moved), 0);
    log_info("two");
    log_reopen();
    log_info("three");
    log_close();
    char *text = read_text(moved);
    assert_string_equal(text, "one\ntwo\n");
    free(text);
    text = read_text(path);
    assert_string_equal(text, "three\n");
    free(text);
    struct log_options bad = {.file = "/nonexistent/debug.log"};
    assert_false(log_open(&bad));
    assert_int_equal(errno, ENOENT);
    free(path);
    free(moved);
}

static void rate_limit(void **state)
{
    char *path = path_join(*state, "limit.log");
    struct log_options o = {.file = path, .rate_limit = true};
    assert_true(log_open(&o));
    char *kilobyte = xmalloc(1025);
    memset(kilobyte, 'x', 1024);
    kilobyte[1024] = '\0';
    for (int i = 0; i < 3000; i++)
        log_info("%s", kilobyte);
    log_info("another place");
    log_close();
    char *text = read_text(path);
    assert_int_equal(count_lines(text), 1024 + 1);
    assert_true(ends_with(text, "\nanother place\n"));
    free(text);
    free(kilobyte);
    free(path);
}

static void *log_many(void *arg)
{
    for (int i = 0; i < 500; i++)
        log_info("%s %d %s", (const char *)arg, i,
                 "................................................");
    return NULL;
}
static void threads(void **state)
{
    char *path = path_join(*state, "threads.log");
    struct log_options o = {.file = path};
    assert_true(log_open(&o));
    pthread_t t[4];
    static const char *const names[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, log_many, (void *)names[i]), 0);
    for (int i = 0; i < 50; i++) {
        log_reopen();
        assert_true(log_enable("net", i % 2));
        log_debug(LOG_net, "x");
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    log_close();
    assert_true(log_enable("none", true));
    char *text = read_text(path);
    size_t n, whole = 0;
    char **lines = str_split(text, '\n', &n);
    for (size_t i = 0; i < n; i++)
        whole += strlen(lines[i]) > 50 &&
                 ends_with(lines[i], " ................................................") &&
                 strchr("abcd", lines[i][0]);
    assert_int_equal(whole, 2000);
    free(lines);
    free(text);
    free(path);
}

static void shrinking(void **state)
{
    char *path = path_join(*state, "big.log");
    assert_true(log_shrink(path)); /* none there */
    struct buf b = BUF_INIT;
    for (int i = 0; i < 1200000; i++)
        write_printf(&b, "%09d\n", i);
    assert_true(file_replace(path, b.data, 11000000));
    assert_true(log_shrink(path));
    char *text = read_text(path);
    assert_int_equal(strlen(text), 11000000);
    free(text);
    assert_true(file_replace(path, b.data, b.len));
    assert_true(log_shrink(path));
    text = read_text(path);
    assert_int_equal(strlen(text), 10000000);
    assert_memory_equal(text + 10000000 - 10, "001199999\n", 10);
    free(text);
    buf_clear(&b);
    free(path);
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
        cmocka_unit_test(early_lines), cmocka_unit_test(categories), cmocka_unit_test(all_options),
        cmocka_unit_test(reopening),   cmocka_unit_test(rate_limit), cmocka_unit_test(threads),
        cmocka_unit_test(shrinking),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
