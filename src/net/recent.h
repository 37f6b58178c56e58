/* A set that remembers at least the last `limit` of the hashes put into it, and forgets older ones.
 */
#ifndef MITE_NET_RECENT_H
#define MITE_NET_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent {
    uint64_t *gen[3]; /* gen[0] is being filled; 0 marks an empty slot */
    size_t cap[3], n;
    size_t limit;
    uint64_t k0, k1;
};

/* Grows with use up to 3 * 8 bytes * the power of two above 2/3 of the limit. */
void recent_init(struct recent *r, size_t limit);
void recent_clear(struct recent *r);
void recent_reset(struct recent *r); /* forgets all */
void recent_add(struct recent *r, const void *key, size_t len);
bool recent_has(const struct recent *r, const void *key, size_t len);

#endif
