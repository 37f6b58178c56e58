/*
 * Memory for the records of the coins cache: sizes from 8 to 10,240 bytes, named by 31-bit numbers
 * instead of pointers. Private to store/.
 */
#ifndef MITE_STORE_COIN_SLAB_H
#define MITE_STORE_COIN_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_CHUNK          ((size_t)256 << 10)
#define SLAB_MAX            10240
#define SLAB_CLASSES        (16 + 15 + 10)
#define SLAB_PER_CHUNK_BITS 15 /* units of 8 bytes in a chunk */

struct coin_slab {
    uint8_t **chunks; /* fixed size, so that the writer may look into it while it is filled */
    uint32_t n_chunks;
    size_t top; /* bytes cut from the last chunk */
    uint32_t free[SLAB_CLASSES];
    size_t used; /* bytes in use */
};

void slab_init(struct coin_slab *s);
void slab_clear(struct coin_slab *s);
uint32_t slab_alloc(struct coin_slab *s, size_t size);
void slab_free(struct coin_slab *s, uint32_t ref, size_t size);
/* What an allocation of this size takes. */
size_t slab_size(size_t size);
size_t slab_memory(const struct coin_slab *s);

static inline void *slab_at(const struct coin_slab *s, uint32_t ref)
{
    return s->chunks[ref >> SLAB_PER_CHUNK_BITS] +
           (size_t)(ref & ((1u << SLAB_PER_CHUNK_BITS) - 1)) * 8;
}

#endif
