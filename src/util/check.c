/*
 * The end of the road for our own bugs.
 *
 * A failed CHECK means that the program's state is not what its author believed, so the only honest
 * thing left is to say where and to stop. It writes with stdio straight to stderr, not to the log:
 * the log may be what is broken, and this file is in libmite, which has none. abort() rather than
 * exit(), so that a core file or a debugger sees the stack and no exit handler runs on bad state.
 */
#include "util/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *func, const char *expr)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d %s: check failed: %s\n", file, line, func, expr);
    fflush(stderr);
    abort();
}
