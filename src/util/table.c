/*
 * The hash table of util/table.h.
 *
 * Two arrays of the same length: hashes of 4 bytes, and pointers. A probe walks the hashes alone
 * (sixteen to a cache line) and touches a pointer and its value only where all 32 bits agree, so
 * a miss costs one line of memory and a hit three. A stored hash is never 0: 0 says "free".
 * Deletion shifts back what follows, so there are no tombstones and a table that lives for months
 * stays as fast as a new one. Chaining was rejected for its pointer and cache miss an entry.
 *
 * A place is the hash's low bits: a table holds at most 2^32 of them.
 */
#include "util/table.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/random.h"
#include "util/siphash.h"

enum { CAP_MIN = 16 };

void table_init(struct table *t, size_t key_offset, size_t key_len)
{
    *t = (struct table){.key_offset = key_offset, .key_len = key_len};
    t->k0 = random_u64();
    t->k1 = random_u64();
}

void table_clear(struct table *t)
{
    free(t->slot);
    free(t->hash);
    t->slot = NULL;
    t->hash = NULL;
    t->n = t->cap = 0;
}

static uint32_t hash_of(const struct table *t, const void *key)
{
    uint32_t h = (uint32_t)siphash13(t->k0, t->k1, key, t->key_len);
    return h ? h : 1;
}

static const void *key_of(const struct table *t, const void *value)
{
    return (const char *)value + t->key_offset;
}

/* The place of the key, or the free place where it would go. Needs cap > n. */
static size_t find(const struct table *t, const void *key, uint32_t h)
{
    size_t mask = t->cap - 1;
    size_t i = h & mask;
    while (t->hash[i] != 0) {
        if (t->hash[i] == h && memcmp(key_of(t, t->slot[i]), key, t->key_len) == 0)
            break;
        i = (i + 1) & mask;
    }
    return i;
}

static void place(struct table *t, void *value, uint32_t h)
{
    size_t mask = t->cap - 1;
    size_t i = h & mask;
    while (t->hash[i] != 0)
        i = (i + 1) & mask;
    t->hash[i] = h;
    t->slot[i] = value;
}

static void grow(struct table *t)
{
    struct table old = *t;
    CHECK(old.cap < (size_t)1 << 32);
    t->cap = old.cap ? old.cap * 2 : CAP_MIN;
    t->hash = xcalloc(t->cap, sizeof(*t->hash));
    t->slot = xreallocarray(NULL, t->cap, sizeof(*t->slot));
    for (size_t i = 0; i < old.cap; i++) {
        if (old.hash[i] != 0)
            place(t, old.slot[i], old.hash[i]);
    }
    free(old.hash);
    free(old.slot);
}

void *table_get(const struct table *t, const void *key)
{
    if (t->n == 0)
        return NULL;
    size_t i = find(t, key, hash_of(t, key));
    return t->hash[i] ? t->slot[i] : NULL;
}

void *table_add(struct table *t, void *value)
{
    const void *key = key_of(t, value);
    uint32_t h = hash_of(t, key);
    if (t->n + 1 > t->cap / 4 * 3) {
        if (t->n) {
            size_t i = find(t, key, h);
            if (t->hash[i])
                return t->slot[i];
        }
        grow(t);
    }
    size_t i = find(t, key, h);
    if (t->hash[i])
        return t->slot[i];
    t->hash[i] = h;
    t->slot[i] = value;
    t->n++;
    return NULL;
}

/* Empties place i and moves back every entry that the hole would cut off from its home. */
static void close_hole(struct table *t, size_t i)
{
    size_t mask = t->cap - 1;
    for (size_t j = (i + 1) & mask; t->hash[j] != 0; j = (j + 1) & mask) {
        size_t distance = (j - t->hash[j]) & mask;
        if (distance >= ((j - i) & mask)) {
            t->hash[i] = t->hash[j];
            t->slot[i] = t->slot[j];
            i = j;
        }
    }
    t->hash[i] = 0;
}

void *table_remove(struct table *t, const void *key)
{
    if (t->n == 0)
        return NULL;
    size_t i = find(t, key, hash_of(t, key));
    if (!t->hash[i])
        return NULL;
    void *value = t->slot[i];
    close_hole(t, i);
    t->n--;
    return value;
}

void *table_next(const struct table *t, size_t *pos)
{
    while (*pos < t->cap) {
        size_t i = (*pos)++;
        if (t->hash[i])
            return t->slot[i];
    }
    return NULL;
}

size_t table_memory(const struct table *t)
{
    return t->cap * (sizeof(*t->slot) + sizeof(*t->hash));
}
