/*
 * Three generations, each an open-addressed set of keyed 64-bit hashes that takes half the limit:
 * when the youngest is full the oldest goes. A rolling Bloom filter does the same in fixed memory;
 * this takes memory only as it is used (most peers tell little), and is wrong about a hash it never
 * saw once in 2^64 / n, not once in a million.
 */
#include "net/recent.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/random.h"
#include "util/siphash.h"

#define FIRST_CAP 16

void recent_init(struct recent *r, size_t limit)
{
    memset(r, 0, sizeof(*r));
    r->limit = limit;
    r->k0 = random_u64();
    r->k1 = random_u64();
}

void recent_reset(struct recent *r)
{
    for (int g = 0; g < 3; g++) {
        free(r->gen[g]);
        r->gen[g] = NULL;
        r->cap[g] = 0;
    }
    r->n = 0;
}

void recent_clear(struct recent *r)
{
    recent_reset(r);
}

static uint64_t hash_of(const struct recent *r, const void *key, size_t len)
{
    uint64_t h = siphash(r->k0, r->k1, key, len);
    return h ? h : 1;
}

/* The slot where h is, or would go. */
static size_t find(const uint64_t *set, size_t cap, uint64_t h)
{
    size_t i = h & (cap - 1);
    while (set[i] && set[i] != h)
        i = (i + 1) & (cap - 1);
    return i;
}

static void grow(struct recent *r)
{
    size_t cap = r->cap[0] ? r->cap[0] * 2 : FIRST_CAP;
    uint64_t *set = xcalloc(cap, sizeof(*set));
    for (size_t i = 0; i < r->cap[0]; i++) {
        if (r->gen[0][i])
            set[find(set, cap, r->gen[0][i])] = r->gen[0][i];
    }
    free(r->gen[0]);
    r->gen[0] = set;
    r->cap[0] = cap;
}

static void turn(struct recent *r)
{
    free(r->gen[2]);
    for (int g = 2; g > 0; g--) {
        r->gen[g] = r->gen[g - 1];
        r->cap[g] = r->cap[g - 1];
    }
    r->gen[0] = NULL;
    r->cap[0] = 0;
    r->n = 0;
}

void recent_add(struct recent *r, const void *key, size_t len)
{
    uint64_t h = hash_of(r, key, len);
    if (r->n >= (r->limit + 1) / 2)
        turn(r);
    if ((r->n + 1) * 4 > r->cap[0] * 3)
        grow(r);
    size_t i = find(r->gen[0], r->cap[0], h);
    if (r->gen[0][i] == 0) {
        r->gen[0][i] = h;
        r->n++;
    }
}

bool recent_has(const struct recent *r, const void *key, size_t len)
{
    uint64_t h = hash_of(r, key, len);
    for (int g = 0; g < 3; g++) {
        if (r->cap[g] && r->gen[g][find(r->gen[g], r->cap[g], h)] == h)
            return true;
    }
    return false;
}
