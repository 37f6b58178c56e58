/*
 * Slabs for coins. A coin's record is 70 to 90 bytes and there are millions: malloc() would add 16
 * to each, and pointers to them would take 8 where 4 do. So records are cut from chunks of 256 KiB
 * in steps of 8 bytes (64 and 1024 for the rare long script), freed ones go to a list of their
 * size, and a record is named by chunk and place, 31 bits in all, which reach 16 GiB.
 *
 * Chunks are never given back before the end: the cache is bounded, and what one flush frees the
 * next blocks take. The table of chunks has its full size from the start (untouched pages cost
 * nothing), so that the writer thread can follow references while the owner adds chunks.
 */
#include "store/coin_slab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "util/mem.h"

#define MAX_CHUNKS ((size_t)1 << 16)
#define TABLE_SIZE (MAX_CHUNKS * sizeof(uint8_t *))

/* Classes: 8..128 by 8, then 192..1024 by 64 (and 1088), then by 1024. */
static unsigned class_of(size_t size, size_t *rounded)
{
    if (size <= 128) {
        *rounded = (size + 7) / 8 * 8;
        return (unsigned)(*rounded / 8 - 1);
    }
    if (size <= 1024) {
        *rounded = (size + 63) / 64 * 64;
        return (unsigned)(16 + *rounded / 64 - 3);
    }
    CHECK(size <= SLAB_MAX + 1024);
    *rounded = (size + 1023) / 1024 * 1024;
    return (unsigned)(16 + 14 + *rounded / 1024 - 2);
}

size_t slab_size(size_t size)
{
    size_t rounded;

    (void)class_of(size, &rounded);
    return rounded;
}

void slab_init(struct coin_slab *s)
{
    memset(s, 0, sizeof(*s));
    s->chunks = mmap(NULL, TABLE_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(s->chunks != MAP_FAILED);
    s->top = SLAB_CHUNK;
    for (size_t i = 0; i < SLAB_CLASSES; i++)
        s->free[i] = UINT32_MAX;
}

void slab_clear(struct coin_slab *s)
{
    for (uint32_t i = 0; i < s->n_chunks; i++)
        free(s->chunks[i]);
    munmap(s->chunks, TABLE_SIZE);
}

uint32_t slab_alloc(struct coin_slab *s, size_t size)
{
    size_t rounded;
    unsigned c = class_of(size, &rounded);
    uint32_t ref = s->free[c];

    s->used += rounded;
    if (ref != UINT32_MAX) {
        memcpy(&s->free[c], slab_at(s, ref), sizeof(uint32_t));
        return ref;
    }
    if (SLAB_CHUNK - s->top < rounded) {
        CHECK(s->n_chunks < MAX_CHUNKS);
        s->chunks[s->n_chunks++] = xmalloc(SLAB_CHUNK);
        s->top = 0;
    }
    ref = (s->n_chunks - 1) << SLAB_PER_CHUNK_BITS | (uint32_t)(s->top / 8);
    s->top += rounded;
    return ref;
}

void slab_free(struct coin_slab *s, uint32_t ref, size_t size)
{
    size_t rounded;
    unsigned c = class_of(size, &rounded);

    memcpy(slab_at(s, ref), &s->free[c], sizeof(uint32_t));
    s->free[c] = ref;
    s->used -= rounded;
}

size_t slab_memory(const struct coin_slab *s)
{
    return (size_t)s->n_chunks * SLAB_CHUNK;
}
