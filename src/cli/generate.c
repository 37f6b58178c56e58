/* -generate: a new address of the wallet, then blocks to it. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "util/mem.h"
#include "util/str.h"

/* JSON text of generatetoaddress's parameters; NULL with *error. */
static char *generate_params(const char *address, char *const *args, size_t n, char **error)
{
    int64_t count = 1, tries = 0;

    if (n > 2) {
        *error = xstrdup("too many arguments (maximum 2 for nblocks and maxtries)");
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (!parse_i64(args[i], i == 0 ? &count : &tries)) {
            *error = xasprintf("Error parsing JSON: %s", args[i]);
            return NULL;
        }
    if (count <= 0) {
        *error = xstrdup("the first argument (number of blocks to generate, default: 1) must be an "
                         "integer value greater than zero");
        return NULL;
    }
    if (n < 2)
        return xasprintf("[%lld,\"%s\"]", (long long)count, address);
    return xasprintf("[%lld,\"%s\",%lld]", (long long)count, address, (long long)tries);
}

static int generate_to(struct client *c, struct json_object *address, char *const *args, size_t n)
{
    struct json_object *reply, *error_object, *blocks;
    char *error = NULL;

    char *params = generate_params(json_object_get_string(address), args, n, &error);
    if (!params) {
        cli_fail(error);
        free(error);
        return EXIT_FAILURE;
    }
    client_set_wallet(c, NULL);
    enum client_result r = client_call(c, "generatetoaddress", params, &reply, &error);
    free(params);
    if (r != CLIENT_OK)
        return cli_fail_call(r, error);
    if (!json_object_object_get_ex(reply, "error", &error_object) || !error_object) {
        struct json_object *result = json_object_new_object();
        json_object_object_get_ex(reply, "result", &blocks);
        json_object_object_add(result, "address", json_object_get(address));
        json_object_object_add(result, "blocks", json_object_get(blocks));
        json_object_object_add(reply, "result", result);
    }
    int status = cli_print_reply(reply);
    json_object_put(reply);
    return status;
}

int cli_generate(struct client *c, char *const *args, size_t n)
{
    struct json_object *reply, *error_object, *address;
    char *error = NULL;

    enum client_result r = client_call(c, "getnewaddress", "[]", &reply, &error);
    if (r != CLIENT_OK)
        return cli_fail_call(r, error);
    int status;
    if (json_object_object_get_ex(reply, "error", &error_object) && error_object)
        status = cli_print_reply(reply);
    else if (!json_object_object_get_ex(reply, "result", &address) ||
             !json_object_is_type(address, json_type_string))
        status = cli_fail("getnewaddress gave no address");
    else
        status = generate_to(c, address, args, n);
    json_object_put(reply);
    return status;
}
