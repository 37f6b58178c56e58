/*
 * Arguments of the command line as parameters of a call: which are JSON, which plain text, and what
 * `name=value` means with -named.
 */
#ifndef MITE_CLI_PARAMS_H
#define MITE_CLI_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

/* One method's parameters as the table below writes them; NULL for a method that it does not know,
 * whose arguments all go as text. */
const char *cli_method_params(const char *method);

/* All methods of the table, for completion and for the test that holds it against the node's own.
 */
size_t cli_method_count(void);
const char *cli_method_name(size_t i);

/* The call's "params" as JSON text, caller frees: an array in order, or (-named) an object, where
 * arguments that are no `name=value` go in order into its "args". NULL: *error is a sentence
 * (caller frees). */
char *cli_positional(const char *method, const char *const *args, size_t n, char **error);
char *cli_named(const char *method, const char *const *args, size_t n, char **error);

#endif
