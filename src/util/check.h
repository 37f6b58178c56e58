/* CHECK: a bug of ours, never bad input and never a failed disk. Always compiled in. */
#ifndef MITE_UTIL_CHECK_H
#define MITE_UTIL_CHECK_H

#include <stdbool.h>

/* Aborts with file, line and expression unless `cond` holds. Never on peer, user or disk data. */
#define CHECK(cond) ((cond) ? (void)0 : check_failed(__FILE__, __LINE__, __func__, #cond))

/* As CHECK, for invariants that are dear to test: compiled in by --enable-debug only. */
#ifdef MITE_DEBUG
#define DEBUG_CHECK(cond) CHECK(cond)
#else
#define DEBUG_CHECK(cond) ((void)sizeof(cond))
#endif

#define MUST_USE       __attribute__((warn_unused_result))
#define PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))
#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))

_Noreturn void check_failed(const char *file, int line, const char *func, const char *expr);

#endif
