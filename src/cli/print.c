/* How answers and errors look. Wording and exit status are those that scripts around bitcoin-cli
 * rely on. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"

#define RPC_WALLET_NOT_SPECIFIED (-19)

int cli_fail(const char *message)
{
    fprintf(stderr, "error: %s\n", message);
    return EXIT_FAILURE;
}

int cli_fail_call(enum client_result r, char *message)
{
    cli_fail(message);
    free(message);
    if (r == CLIENT_UNREACHABLE)
        fputs("\nMake sure that mited is running and that this is its RPC port.\n"
              "Use \"mite-cli -help\" for more.\n",
              stderr);
    return EXIT_FAILURE;
}

static int print_error(struct json_object *error)
{
    struct json_object *code = NULL, *message = NULL;

    if (!json_object_object_get_ex(error, "code", &code) ||
        !json_object_object_get_ex(error, "message", &message)) {
        fprintf(stderr, "error: %s\n", json_object_to_json_string(error));
        return EXIT_FAILURE;
    }
    int n = json_object_get_int(code);
    fprintf(stderr, "error code: %d\nerror message:\n%s\n", n, json_object_get_string(message));
    if (n == RPC_WALLET_NOT_SPECIFIED)
        fputs("Or for the CLI, name it with -rpcwallet=<walletname> in front of the command.\n",
              stderr);
    return abs(n);
}

int cli_print_reply(struct json_object *reply)
{
    struct json_object *error = NULL, *result = NULL;

    if (json_object_object_get_ex(reply, "error", &error) && error)
        return print_error(error);
    json_object_object_get_ex(reply, "result", &result);
    if (json_object_is_type(result, json_type_string))
        puts(json_object_get_string(result));
    else if (result)
        puts(json_object_to_json_string_ext(result, JSON_C_TO_STRING_PRETTY |
                                                        JSON_C_TO_STRING_SPACED |
                                                        JSON_C_TO_STRING_NOSLASHESCAPE));
    if (fflush(stdout) != 0)
        return cli_fail("cannot write to standard output");
    return EXIT_SUCCESS;
}
