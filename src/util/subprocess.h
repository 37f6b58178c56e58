/* Commands of the user, run by the shell besides the program. */
#ifndef MITE_UTIL_SUBPROCESS_H
#define MITE_UTIL_SUBPROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/check.h"

/* Starts `command` by /bin/sh -c and does not wait for it: standard input is empty, output goes
 * where ours does, signals are at their defaults, and a Ctrl-C in our terminal does not reach it.
 * 0: it could not be started (errno). The caller asks shell_ended() later. */
pid_t shell_start(const char *command) MUST_USE;
/* Without waiting: whether it has ended, and then its exit status, or 128 and the signal's number
 * as the shell counts. Not to be asked again once it said yes. */
bool shell_ended(pid_t pid, int *status) MUST_USE;
/* Every "%s" of `template` replaced by `text`. Caller frees. */
char *shell_fill(const char *template, const char *text);
/* The characters of `text` that mean nothing to a shell between single quotes, in these quotes.
 * Letters, digits, blanks and .,;-_/:?@() stay, as in Bitcoin Core; the others are left out. */
char *shell_quote_safe(const char *text);

#endif
