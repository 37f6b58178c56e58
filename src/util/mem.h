/* Allocation that aborts on exhaustion and on overflow of a size: no NULL checks after these. */
#ifndef MITE_UTIL_MEM_H
#define MITE_UTIL_MEM_H

#include <stdarg.h>
#include <stddef.h>

#include "util/check.h"

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
/* realloc(p, n * size) with the product checked. */
void *xreallocarray(void *p, size_t n, size_t size);
void *xmemdup(const void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);
char *xvasprintf(const char *fmt, va_list ap) PRINTF(1, 0);

/* Makes room for at least `need` elements of `size` bytes in a growing array: doubles *cap. */
void *array_reserve(void *p, size_t *cap, size_t need, size_t size);

/* Overwrites a secret in a way that the compiler keeps. */
void wipe(void *p, size_t size);
/* Memory for secrets: page-locked where the system allows it, wiped when freed. */
void *secret_alloc(size_t size);
void secret_free(void *p, size_t size);
/* Of all memory taken for secrets, in bytes; `locked` is what the system agreed to lock. */
struct secret_stats {
    size_t used, total, locked;
    size_t chunks_used, chunks_free; /* runs of taken and of free memory */
};
void secret_stats(struct secret_stats *out);

#endif
