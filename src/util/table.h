/*
 * Hash table from fixed-length keys to pointers: open addressing, linear probing, backward-shift
 * deletion, grown at 3/4 load. The key lies inside the value at a fixed offset, so an entry costs
 * one pointer and 4 bytes of hash. Hashing is keyed with a per-table secret: what peers choose
 * (txids, outpoints, addresses) cannot be made to collide.
 */
#ifndef MITE_UTIL_TABLE_H
#define MITE_UTIL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    void **slot;
    uint32_t *hash;
    size_t n, cap; /* cap is 0 or a power of two */
    size_t key_offset, key_len;
    uint64_t k0, k1;
};

/* For values whose key is the `key_len` bytes at `key_offset`. The secret is drawn at random. */
void table_init(struct table *t, size_t key_offset, size_t key_len);
#define TABLE_INIT(t, type, member) \
    table_init(t, offsetof(type, member), sizeof(((type *)0)->member))
/* Frees the slots, not the values. */
void table_clear(struct table *t);
void *table_get(const struct table *t, const void *key);
/* Adds `value` and returns NULL; where its key is there already, changes nothing and returns the
 * value found. */
void *table_add(struct table *t, void *value);
/* Takes out and returns the value, or NULL. */
void *table_remove(struct table *t, const void *key);
/* Iteration in no order: start with *pos = 0, NULL ends. No change to the table meanwhile. */
void *table_next(const struct table *t, size_t *pos);
size_t table_memory(const struct table *t);

#endif
