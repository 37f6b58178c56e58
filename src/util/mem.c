/*
 * Allocation that cannot fail.
 *
 * A node that has no memory left can neither validate nor write a consistent state, and code that
 * pretends to handle a failed malloc() is code that no test ever runs. So exhaustion aborts, as
 * does a size that overflows: both leave one clear line. What keeps a peer from driving us there
 * is elsewhere: sizes are checked against the bytes that are present before memory is taken.
 *
 * Sizes of zero give a real pointer (malloc(1)), so that NULL never means "empty".
 */
#include "util/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "out of memory: %zu bytes\n", size);
    abort();
}

static size_t product(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        out_of_memory(SIZE_MAX);
    return total;
}

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    size_t total = product(n, size);
    void *p = calloc(1, total ? total : 1);
    if (!p)
        out_of_memory(total);
    return p;
}

void *xrealloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (!q)
        out_of_memory(size);
    return q;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
    return xrealloc(p, product(n, size));
}

void *xmemdup(const void *p, size_t size)
{
    void *q = xmalloc(size);
    if (size)
        memcpy(q, p, size);
    return q;
}

char *xstrdup(const char *s)
{
    return xmemdup(s, strlen(s) + 1);
}

char *xstrndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = xmalloc(len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *xvasprintf(const char *fmt, va_list ap)
{
    char *s;
    if (vasprintf(&s, fmt, ap) < 0)
        out_of_memory(strlen(fmt));
    return s;
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = xvasprintf(fmt, ap);
    va_end(ap);
    return s;
}

void *array_reserve(void *p, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return p;
    size_t grown = *cap > SIZE_MAX / 2 ? need : *cap * 2;
    if (grown < 8)
        grown = 8;
    if (grown < need)
        grown = need;
    p = xreallocarray(p, grown, size);
    *cap = grown;
    return p;
}

void wipe(void *p, size_t size)
{
    if (size == 0)
        return; /* p may be NULL then */
    explicit_bzero(p, size);
}
