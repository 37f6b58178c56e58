/* Commands by the shell: what they are given, how they end, and what text may do to them. */
#include <poll.h>
#include <signal.h>

#include "unit.h"
#include "util/subprocess.h"

static int wait_end(pid_t pid)
{
    int status = -1;
    for (int i = 0; i < 10000; i++) {
        if (shell_ended(pid, &status))
            return status;
        assert_int_equal(poll(NULL, 0, 1), 0);
    }
    fail_msg("the command does not end");
    return -1;
}

static int run(const char *command)
{
    pid_t pid = shell_start(command);
    assert_true(pid > 0);
    return wait_end(pid);
}

static void ends(void **state)
{
    (void)state;
    assert_int_equal(run("exit 0"), 0);
    assert_int_equal(run("exit 7"), 7);
    assert_int_equal(run("kill -TERM $$"), 128 + SIGTERM);
    assert_int_equal(run("/nonexistent/command 2>/dev/null"), 127);
}

static void does_not_wait(void **state)
{
    (void)state;
    int status;
    pid_t pid = shell_start("sleep 60");
    assert_true(pid > 0);
    assert_false(shell_ended(pid, &status));
    assert_int_equal(kill(-pid, SIGKILL), 0); /* a process group of its own */
    assert_int_equal(wait_end(pid), 128 + SIGKILL);
}

static void starts_clean(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(run("kill -PIPE $$"), 128 + SIGPIPE);
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(run("read line; test $? -ne 0"), 0); /* nothing on standard input */
}

static void fills(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"", "x", ""},          {"%s", "x", "x"},       {"a %s b %s", "%s", "a %s b %s"},
        {"100%", "x", "100%"},  {"%%s", "x", "%x"},     {"none", "x", "none"},
        {"%s%s", "ab", "abab"}, {"%d %S", "x", "%d %S"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = shell_fill(cases[i][0], cases[i][1]);
        assert_string_equal(got, cases[i][2]);
        free(got);
    }
}

static void quotes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "''"},
        {"Unknown (bit 3): a@b, c;d?/_-.", "'Unknown (bit 3): a@b, c;d?/_-.'"},
        {"it's `rm` $HOME \"x\" \\ | > & * ~ # \n\t\xc3\xa9", "'its rm HOME x        '"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = shell_quote_safe(cases[i][0]);
        assert_string_equal(got, cases[i][1]);
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends),  cmocka_unit_test(does_not_wait), cmocka_unit_test(starts_clean),
        cmocka_unit_test(fills), cmocka_unit_test(quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
