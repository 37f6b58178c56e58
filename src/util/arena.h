/* Arena: memory for what dies together. Chunks grow by doubling; nothing is freed singly. */
#ifndef MITE_UTIL_ARENA_H
#define MITE_UTIL_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *head;
    size_t total; /* bytes taken from malloc */
};

#define ARENA_INIT \
    {              \
        NULL, 0    \
    }
void arena_init(struct arena *a);
void arena_clear(struct arena *a);
/* `size` bytes, aligned to 16, uninitialised. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_calloc(struct arena *a, size_t n, size_t size);
void *arena_memdup(struct arena *a, const void *p, size_t size);

#endif
