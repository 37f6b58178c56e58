/*
 * Arenas: a list of chunks, the newest at the head, from which memory is cut in order.
 *
 * Each chunk is twice as large as the one before (from 1 KiB, at most 1 MiB), so a small
 * transaction costs one malloc() and a large block a few. A request larger than the next chunk gets
 * a chunk of exactly its size. What is left of a chunk when the next one starts is lost: at most
 * half.
 */
#include "util/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

enum { ALIGN = 16, CHUNK_MIN = 1024, CHUNK_MAX = 1 << 20 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size; /* of data */
    _Alignas(ALIGN) uint8_t data[];
};

void arena_init(struct arena *a)
{
    *a = (struct arena)ARENA_INIT;
}

void arena_clear(struct arena *a)
{
    for (struct arena_chunk *c = a->head; c;) {
        struct arena_chunk *next = c->next;
        free(c);
        c = next;
    }
    arena_init(a);
}

static struct arena_chunk *add_chunk(struct arena *a, size_t need)
{
    size_t size = a->head ? a->head->size * 2 : CHUNK_MIN;
    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    if (size < need)
        size = need;
    CHECK(size <= SIZE_MAX - sizeof(struct arena_chunk));
    struct arena_chunk *c = xmalloc(sizeof(*c) + size);
    c->next = a->head;
    c->used = 0;
    c->size = size;
    a->head = c;
    a->total += sizeof(*c) + size;
    return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
    CHECK(size <= SIZE_MAX / 2);
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct arena_chunk *c = a->head;
    if (!c || c->size - c->used < size)
        c = add_chunk(a, size);
    void *p = c->data + c->used;
    c->used += size;
    return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
    size_t total;
    CHECK(!__builtin_mul_overflow(n, size, &total));
    return memset(arena_alloc(a, total), 0, total);
}

void *arena_memdup(struct arena *a, const void *p, size_t size)
{
    void *copy = arena_alloc(a, size);
    if (size)
        memcpy(copy, p, size);
    return copy;
}
