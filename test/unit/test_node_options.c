/* Options: command line, files and their sections, negation, precedence, refusals. */

#include "node/conf.h"
#include "unit.h"

static struct options *command_line(char **error, ...)
{
    const char *argv[16] = {"mited"};
    int argc = 1;
    va_list ap;
    va_start(ap, error);
    for (const char *a; (a = va_arg(ap, const char *)); argc++)
        argv[argc] = a;
    va_end(ap);
    struct options *o = options_create(PROGRAM_MITED);
    *error = NULL;
    options_parse_command_line(o, argc, (char *const *)(uintptr_t)argv, error);
    return o;
}

static void assert_list(const struct options *o, const char *name, const char *want)
{
    struct buf b = BUF_INIT;
    for (const char *const *v = option_list(o, name); *v; v++)
        write_printf(&b, "%s%s", b.len ? "," : "", *v);
    write_u8(&b, 0);
    assert_string_equal((const char *)b.data, want);
    buf_clear(&b);
}

static void values(void **state)
{
    (void)state;
    char *error;
    struct options *o = command_line(&error, "-server", "-listen=0", "-par=-2", "-dbcache=7",
                                     "-dbcache=9", "--uacomment=a", "-uacomment=b", "-nodiscover",
                                     "-fallbackfee=0.0002", "-debug", "-pid=x.pid", NULL);
    assert_null(error);
    assert_true(option_bool(o, "server"));
    assert_false(option_bool(o, "listen"));
    assert_int_equal(option_int(o, "par"), -2);
    assert_int_equal(option_int(o, "dbcache"), 9); /* the last one */
    assert_list(o, "uacomment", "a,b");
    assert_list(o, "debug", "");
    assert_true(option_is_set(o, "discover") && option_is_negated(o, "discover"));
    assert_false(option_bool(o, "discover"));
    assert_true(option_amount(o, "fallbackfee") == 20000);
    assert_string_equal(option_str(o, "pid"), "x.pid");
    /* Defaults. */
    assert_true(option_bool(o, "blocksxor"));
    assert_int_equal(option_int(o, "maxmempool"), 300);
    assert_string_equal(option_str(o, "settings"), "settings.json");
    assert_null(option_str(o, "proxy"));
    assert_true(option_amount(o, "minrelaytxfee") == 100);
    assert_false(option_is_set(o, "port"));
    options_destroy(o);
}

static void negation(void **state)
{
    (void)state;
    char *error;
    struct options *o =
        command_line(&error, "-noconnect", "-addnode=a", "-noaddnode", "-addnode=b", "-nolisten=0",
                     "-nosettings", "-nodebug=1", "-par=3", "-nopar", NULL);
    assert_null(error);
    assert_true(option_is_negated(o, "connect"));
    assert_list(o, "connect", "");
    assert_list(o, "addnode", "b");
    assert_true(option_bool(o, "listen")); /* not not */
    assert_null(option_str(o, "settings"));
    assert_list(o, "debug", "");
    assert_int_equal(option_int(o, "par"), 0);
    options_destroy(o);
}

static void assert_error(const char *arg, const char *want)
{
    char *error;
    struct options *o = command_line(&error, arg, NULL);
    assert_non_null(error);
    assert_string_equal(error, want);
    free(error);
    options_destroy(o);
}

static void bad_arguments(void **state)
{
    (void)state;
    assert_error("-dash_cli=1", "Invalid parameter -dash_cli=1");
    assert_error("-lisen=1", "Invalid parameter -lisen=1. Did you mean -listen?");
    assert_error("-regtest.port=1", "Invalid parameter -regtest.port=1");
    assert_error("foo", "Command line contains unexpected token 'foo', see mited -h for a list of "
                        "options.");
    assert_error("-proxy",
                 "Can not set -proxy with no value. Please specify value with -proxy=value.");
    assert_error("-nodatadir", "Negating of -datadir is meaningless and therefore forbidden");
    assert_error("-includeconf=x",
                 "-includeconf cannot be used from commandline; -includeconf=\"x\"");
    assert_error("-noincludeconf=0",
                 "-includeconf cannot be used from commandline; -includeconf=true");
}

static void assert_check(const char *arg, const char *want_error, const char *want_warning)
{
    char *error, *warnings = NULL;
    struct options *o = command_line(&error, arg, NULL);
    assert_null(error);
    assert_int_equal(options_check(o, &error, &warnings), want_error == NULL);
    if (want_error)
        assert_string_equal(error, want_error);
    if (want_warning)
        assert_string_equal(warnings, want_warning);
    else
        assert_null(warnings);
    free(error);
    free(warnings);
    options_destroy(o);
}

static void checks(void **state)
{
    (void)state;
    assert_check("-dbcache=12", NULL, NULL);
    assert_check("-dbcache=abc", "Invalid value for -dbcache=<abc>: a whole number is expected",
                 NULL);
    assert_check("-listen=yes", "Invalid value for -listen=<yes>: 0 or 1 is expected", NULL);
    assert_check("-fallbackfee=1x", "Invalid value for -fallbackfee=<1x>: an amount is expected",
                 NULL);
    assert_check("-cjdnsreachable=0", NULL, NULL);
    assert_check("-nocjdnsreachable", NULL, NULL);
    assert_check("-cjdnsreachable",
                 "Option -cjdnsreachable is known from Bitcoin Core but not supported here yet. "
                 "Leave it out to go on.",
                 NULL);
    assert_check("-mempoolfullrbf=1", NULL,
                 "Option '-mempoolfullrbf' is set but it was removed. This option has no effect.");
}

static struct options *from_file(const char *text, const char *network, char **error)
{
    struct options *o = options_create(PROGRAM_MITED);
    char *warnings = NULL;
    *error = NULL;
    config_parse(o, "f", text, strlen(text), &warnings, error);
    if (network)
        options_set_network(o, network);
    free(warnings);
    return o;
}

static void sections(void **state)
{
    (void)state;
    static const char text[] = "# a comment\n"
                               "regtest=1\n"
                               "dbcache = 5 # and more\r\n"
                               "dbcache=6\n"
                               "uacomment=one\n"
                               "port=1\n"
                               "main.rpcport=2\n"
                               "regtest.rpcport=3\n"
                               "[regtest]\n"
                               "uacomment=two\n"
                               "nodebug=1\n"
                               "[test]\n"
                               "dbcache=8\n"
                               "uacomment=three\n";
    char *error;
    struct options *o = from_file(text, NULL, &error);
    assert_null(error);
    assert_string_equal(options_chain_name(o, &error), "regtest");
    options_set_network(o, "regtest");
    assert_int_equal(option_int(o, "dbcache"), 5); /* in files the first counts */
    assert_list(o, "uacomment", "two,one");
    assert_int_equal(option_int(o, "rpcport"), 3);
    assert_false(option_is_set(o, "port")); /* for main, or in the section, only */
    char *unsuitable = options_unsuitable(o);
    assert_string_equal(unsuitable, "Config setting for -port only applied on regtest network when "
                                    "in [regtest] section.");
    free(unsuitable);
    options_destroy(o);
    o = from_file(text, "test", &error);
    assert_int_equal(option_int(o, "dbcache"), 8);
    assert_list(o, "uacomment", "three,one");
    options_destroy(o);
    o = from_file(text, "main", &error);
    assert_int_equal(option_int(o, "port"), 1);
    assert_int_equal(option_int(o, "rpcport"), 2);
    assert_null(options_unsuitable(o));
    options_destroy(o);
}

static void precedence(void **state)
{
    (void)state;
    char *error;
    struct options *o = command_line(&error, "-dbcache=1", "-addnode=cli", NULL);
    assert_true(options_add_file_value(o, "", "dbcache", "2", &error));
    assert_true(options_add_file_value(o, "", "maxmempool", "2", &error));
    assert_true(options_add_file_value(o, "regtest", "maxmempool", "3", &error));
    assert_true(options_add_file_value(o, "", "addnode", "plain", &error));
    assert_true(options_add_file_value(o, "regtest", "noaddnode", "1", &error));
    assert_true(options_add_file_value(o, "regtest", "addnode", "section", &error));
    options_add_setting(o, "maxmempool", "4", false);
    options_add_setting(o, "wallet", "w", false);
    options_add_setting(o, "nonsense", "w", false);
    options_set_network(o, "regtest");
    assert_int_equal(option_int(o, "dbcache"), 1);
    assert_int_equal(option_int(o, "maxmempool"), 4);
    assert_list(o, "wallet", "w");
    assert_list(o, "addnode", "cli,section");
    assert_false(options_soft_set(o, "dbcache", "9"));
    assert_true(options_soft_set(o, "timeout", "9"));
    assert_int_equal(option_int(o, "timeout"), 9);
    options_destroy(o);
}

static void assert_file_error(const char *text, const char *want)
{
    char *error;
    struct options *o = from_file(text, NULL, &error);
    assert_non_null(error);
    assert_string_equal(error, want);
    free(error);
    options_destroy(o);
}

static void bad_files(void **state)
{
    (void)state;
    assert_file_error("garbage\n", "parse error on line 1: garbage");
    assert_file_error("\n-dash=1\n",
                      "parse error on line 2: -dash=1, options in configuration file "
                      "must be specified without leading -");
    assert_file_error("nono\n", "parse error on line 1: nono, if you intended to specify a negated "
                                "option, use nono=1 instead");
    assert_file_error("server=1\nrpcuser=a\nrpcpassword=some#pass",
                      "parse error on line 3, using # in rpcpassword can be ambiguous and should "
                      "be avoided");
    assert_file_error("main.rpcpassword=some#pass",
                      "parse error on line 1, using # in rpcpassword can be ambiguous and should "
                      "be avoided");
    assert_file_error("conf=x\n", "conf cannot be set in the configuration file; use includeconf= "
                                  "if you want to include additional config files");
    char *error;
    struct options *o = from_file("unknown_key=1\n", NULL, &error); /* only logged */
    assert_null(error);
    options_destroy(o);
}

static void chains(void **state)
{
    (void)state;
    char *error;
    struct options *o = command_line(&error, "-regtest", "-signet", NULL);
    assert_null(options_chain_name(o, &error));
    assert_string_equal(error, "Invalid combination of -regtest, -signet, -testnet, -testnet4 and "
                               "-chain. Can use at most one.");
    free(error);
    options_destroy(o);
    o = command_line(&error, "-chain=nope", NULL);
    assert_null(options_chain_name(o, &error));
    assert_string_equal(error, "Unknown chain nope.");
    free(error);
    options_destroy(o);
    o = command_line(&error, "-testnet", NULL);
    assert_string_equal(options_chain_name(o, &error), "test");
    options_destroy(o);
    o = command_line(&error, "-chain=testnet4", "-noregtest", NULL);
    assert_string_equal(options_chain_name(o, &error), "testnet4");
    options_destroy(o);
    o = command_line(&error, NULL);
    assert_string_equal(options_chain_name(o, &error), "main");
    options_destroy(o);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);
    assert_true(file_replace(path, text, strlen(text)));
    free(path);
}

static void files(void **state)
{
    (void)state;
    char *dir = temp_dir(), *path, *warnings = NULL, *error;
    write_file(dir, "bitcoin.conf",
               "regtest=1\n[regtest]\nuacomment=main\nincludeconf=more.conf\n");
    write_file(dir, "more.conf", "uacomment=more\nincludeconf=ignored.conf\n[nonsense]\n");
    struct options *o = options_create(PROGRAM_MITED);
    assert_true(config_read(o, dir, &path, &warnings, &error));
    assert_true(ends_with(path, "/bitcoin.conf"));
    assert_string_equal(options_network(o), "regtest");
    assert_list(o, "uacomment", "main,more");
    assert_true(ends_with(warnings, "more.conf:3 Section [nonsense] is not recognized."));
    free(warnings);
    free(path);
    options_destroy(o);
    /* Its own file wins. */
    write_file(dir, "mite.conf", "signet=1\nincludeconf=missing.conf\n");
    o = options_create(PROGRAM_MITED);
    warnings = NULL;
    assert_false(config_read(o, dir, &path, &warnings, &error));
    assert_true(ends_with(path, "/mite.conf"));
    assert_string_equal(error, "Failed to include configuration file missing.conf");
    free(error);
    free(path);
    options_destroy(o);
    temp_dir_remove(dir);
}

static void settings(void **state)
{
    (void)state;
    char *dir = temp_dir(), *path = path_join(dir, "settings.json"), *error;
    struct options *o = options_create(PROGRAM_MITED);
    struct settings *s = settings_open(path, o, &error);
    assert_non_null(s);
    assert_true(path_exists(path));
    assert_true(settings_autoload(s, "a", true));
    assert_true(settings_autoload(s, "b", true));
    assert_true(settings_autoload(s, "a", true));
    assert_true(settings_autoload(s, "a", false));
    assert_true(settings_autoload(s, "none", false));
    settings_close(s);
    options_destroy(o);
    o = options_create(PROGRAM_MITED);
    s = settings_open(path, o, &error);
    assert_list(o, "wallet", "b");
    settings_close(s);
    options_destroy(o);
    static const char *const bad[][2] = {
        {"invalid", "does not contain valid JSON"},
        {"\"string\"", "Found non-object value \"string\" in settings file"},
        {"{\"wallet\":[1]}", "Invalid value detected for '-wallet'"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        write_file(dir, "settings.json", bad[i][0]);
        o = options_create(PROGRAM_MITED);
        assert_null(settings_open(path, o, &error));
        assert_non_null(strstr(error, bad[i][1]));
        free(error);
        options_destroy(o);
    }
    free(path);
    temp_dir_remove(dir);
}

static void table(void **state)
{
    (void)state;
    for (size_t g = 0; g < option_group_count; g++) {
        for (size_t i = 0; i < option_groups[g].n; i++) {
            const struct option_def *d = &option_groups[g].options[i];
            assert_ptr_equal(option_find(d->name), d); /* no name twice */
            assert_non_null(d->help);
            if (!(d->flags & (OPTION_HIDDEN | OPTION_REMOVED)))
                assert_true(*d->help != 0);
        }
    }
    struct options *o = options_create(PROGRAM_MITED);
    char *error, *warnings;
    assert_true(options_check(o, &error, &warnings));
    options_destroy(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),    cmocka_unit_test(negation), cmocka_unit_test(bad_arguments),
        cmocka_unit_test(checks),    cmocka_unit_test(sections), cmocka_unit_test(precedence),
        cmocka_unit_test(bad_files), cmocka_unit_test(chains),   cmocka_unit_test(files),
        cmocka_unit_test(settings),  cmocka_unit_test(table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
