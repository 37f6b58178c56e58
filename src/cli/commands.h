/* What mite-cli does beyond passing on one call: -getinfo and -generate. */
#ifndef MITE_CLI_COMMANDS_H
#define MITE_CLI_COMMANDS_H

#include <stddef.h>

#include "cli/client.h"

/* Both return the exit status and print their result or error. */
int cli_getinfo(struct client *c, const char *wallet, bool colour);
int cli_generate(struct client *c, char *const *args, size_t n);

/* Prints an answer as users of bitcoin-cli expect it: text as it is, null as nothing, the rest as
 * indented JSON; an error on standard error, with its code as the exit status. */
int cli_print_reply(struct json_object *reply);
/* "error: MESSAGE" on standard error. Returns 1, the exit status. */
int cli_fail(const char *message);
/* The same for a call that got no answer, with a hint; frees the message. */
int cli_fail_call(enum client_result r, char *message);

#endif
