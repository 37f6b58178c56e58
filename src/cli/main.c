/* mite-cli: reads its options and arguments, asks the node, prints the answer. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "config.h"

#include "cli/commands.h"
#include "cli/params.h"
#include "cli/setup.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/time.h"

#define RPC_IN_WARMUP (-28)
#define RETRY_MS      50

/* The arguments behind the options, with those from standard input. */
struct arguments {
    char **v;
    size_t n, cap;
};

static void arguments_insert(struct arguments *a, size_t at, const char *text)
{
    a->v = array_reserve(a->v, &a->cap, a->n + 1, sizeof(*a->v));
    memmove(a->v + at + 1, a->v + at, (a->n - at) * sizeof(*a->v));
    a->v[at] = xstrdup(text);
    a->n++;
}

static void arguments_clear(struct arguments *a)
{
    for (size_t i = 0; i < a->n; i++) {
        wipe(a->v[i], strlen(a->v[i])); /* may be a passphrase */
        free(a->v[i]);
    }
    free(a->v);
}

/* One line without its end; NULL at the end of input. */
static char *read_line(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len = getline(&line, &cap, stdin);

    if (len < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = 0;
    return line;
}

/* A line that the terminal does not show; prompts only where there is one. */
static char *read_secret(const char *prompt)
{
    struct termios old, quiet;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;

    if (terminal) {
        fputs(prompt, stderr);
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    }
    char *line = read_line();
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &old);
        fputc('\n', stderr);
    }
    return line;
}

/* What -stdinrpcpass, -stdinwalletpassphrase and -stdin ask for, in that order. */
static bool read_stdin(const struct options *o, struct arguments *a, char **password, char **error)
{
    if (option_bool(o, "stdinrpcpass") && !(*password = read_secret("RPC password> "))) {
        *error = xstrdup("-stdinrpcpass specified but failed to read from standard input");
        return false;
    }
    if (option_bool(o, "stdinwalletpassphrase")) {
        if (a->n == 0 || !starts_with(a->v[0], "walletpassphrase")) {
            *error =
                xstrdup("-stdinwalletpassphrase is only applicable for walletpassphrase(change)");
            return false;
        }
        char *line = read_secret("Wallet passphrase> ");
        if (!line) {
            *error =
                xstrdup("-stdinwalletpassphrase specified but failed to read from standard input");
            return false;
        }
        arguments_insert(a, 1, line);
        wipe(line, strlen(line));
        free(line);
    }
    if (option_bool(o, "stdin")) {
        char *line;
        while ((line = read_line())) {
            arguments_insert(a, a->n, line);
            free(line);
        }
    }
    return true;
}

/* ---- calling ---- */

static struct client *connect_client(struct setup *s, const char *password)
{
    setup_credentials(s, password);
    const char *wallet =
        option_is_negated(s->options, "rpcwallet") ? NULL : option_str(s->options, "rpcwallet");
    struct client_options o = {
        .host = s->host,
        .port = s->port,
        .credentials = s->credentials,
        .refusal = s->refusal,
        .wallet = wallet,
        .id = option_str(s->options, "rpcid"),
        .timeout_s = (int)option_int(s->options, "rpcclienttimeout"),
        .show_progress = isatty(STDERR_FILENO),
    };
    return client_create(&o);
}

static void wait_a_little(void)
{
    struct timespec t = {0, RETRY_MS * 1000000L};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        continue;
}

static bool in_warmup(struct json_object *reply)
{
    struct json_object *error, *code;
    return json_object_object_get_ex(reply, "error", &error) &&
           json_object_object_get_ex(error, "code", &code) &&
           json_object_get_int(code) == RPC_IN_WARMUP;
}

/* -rpcwait: until a call that any node answers gets its answer. A refusal is an end as well, but
 * while there was no cookie yet. */
static bool wait_for_node(struct setup *s, const char *password)
{
    int64_t limit_s = option_int(s->options, "rpcwaittimeout"), start = time_mono_us();
    char *error = NULL;

    for (;;) {
        struct json_object *reply = NULL;
        struct client *c = connect_client(s, password);
        enum client_result r = client_call(c, "uptime", "[]", &reply, &error);
        client_destroy(c);
        bool there = r == CLIENT_OK ? !in_warmup(reply) : r == CLIENT_FAILED && s->credentials;
        json_object_put(reply);
        if (there || (limit_s > 0 && time_mono_us() - start >= limit_s * 1000000)) {
            if (r == CLIENT_OK)
                return true;
            if (there) { /* the call itself will say it */
                free(error);
                return true;
            }
            char *message = xasprintf("timeout on transient error: %s", error);
            free(error);
            cli_fail_call(r, message);
            return false;
        }
        free(error);
        error = NULL;
        wait_a_little();
    }
}

static int call_method(struct setup *s, struct client *c, const struct arguments *a)
{
    struct json_object *reply;
    char *error = NULL;

    if (a->n == 0)
        return cli_fail("too few parameters (need at least command)");
    const char *const *args = (const char *const *)a->v + 1;
    char *params = option_bool(s->options, "named")
                       ? cli_named(a->v[0], args, a->n - 1, &error)
                       : cli_positional(a->v[0], args, a->n - 1, &error);
    if (!params) {
        cli_fail(error);
        free(error);
        return EXIT_FAILURE;
    }
    enum client_result r = client_call(c, a->v[0], params, &reply, &error);
    wipe(params, strlen(params));
    free(params);
    if (r != CLIENT_OK)
        return cli_fail_call(r, error);
    int status = cli_print_reply(reply);
    json_object_put(reply);
    return status;
}

static int getinfo(struct setup *s, struct client *c, const struct arguments *a)
{
    const char *when = option_str(s->options, "color");
    bool always = strcmp(when, "always") == 0, automatic = strcmp(when, "auto") == 0;

    if (a->n > 0)
        return cli_fail("-getinfo takes no arguments");
    if (!always && !automatic && strcmp(when, "never") != 0)
        return cli_fail("Invalid value for -color option. Valid values: always, auto, never.");
    const char *wallet =
        option_is_negated(s->options, "rpcwallet") ? NULL : option_str(s->options, "rpcwallet");
    return cli_getinfo(c, wallet, always || (automatic && isatty(STDOUT_FILENO)));
}

static int run(struct setup *s, struct arguments *a)
{
    char *error = NULL, *password = NULL;
    int status = EXIT_FAILURE;

    if (!setup_config(s, &error) || !setup_address(s, &error) ||
        !read_stdin(s->options, a, &password, &error)) {
        cli_fail(error);
        free(error);
    } else if (option_bool(s->options, "getinfo") && option_bool(s->options, "generate")) {
        cli_fail("Only one of -getinfo, -generate may be specified");
    } else if (!option_bool(s->options, "rpcwait") || wait_for_node(s, password)) {
        struct client *c = connect_client(s, password);
        status = option_bool(s->options, "getinfo")    ? getinfo(s, c, a)
                 : option_bool(s->options, "generate") ? cli_generate(c, a->v, a->n)
                                                       : call_method(s, c, a);
        client_destroy(c);
    }
    if (password)
        wipe(password, strlen(password));
    free(password);
    return status;
}

static void print_help(void)
{
    char *text = options_help(PROGRAM_CLI, false);
    printf("mite RPC client version v" PACKAGE_VERSION "\n\n%s", text);
    free(text);
}

int main(int argc, char *argv[])
{
    struct setup s = {.options = options_create(PROGRAM_CLI)};
    struct arguments a = {0};
    char *error = NULL;
    int first = 1, status = EXIT_SUCCESS;

    while (first < argc && argv[first][0] == '-' && argv[first][1] != 0)
        first++;
    for (int i = first; i < argc; i++)
        arguments_insert(&a, a.n, argv[i]);
    if (!options_parse_command_line(s.options, first, argv, &error)) {
        fprintf(stderr, "Error parsing command line arguments: %s\n", error);
        free(error);
        status = EXIT_FAILURE;
    } else if (option_bool(s.options, "help") || option_bool(s.options, "h") ||
               option_bool(s.options, "?")) {
        print_help();
    } else if (option_bool(s.options, "version")) {
        /* Scripts that know bitcoin-cli look for its own words. */
        puts("mite-cli v" PACKAGE_VERSION ", as Bitcoin Core RPC client version v31.99.0");
    } else {
        status = run(&s, &a);
    }
    arguments_clear(&a);
    setup_clear(&s);
    return status;
}
