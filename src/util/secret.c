/*
 * Memory for secrets: secret_alloc() and secret_free() of util/mem.h.
 *
 * Keys and passphrases live in pools of 64 KiB that are locked into memory (so they never reach a
 * swap partition), kept out of core dumps, and wiped as each piece is freed. A pool is divided into
 * granules of 32 bytes, one bit each, searched first-fit: a wallet has thousands of 32-byte keys,
 * and a page for each would run into RLIMIT_MEMLOCK at once. Something larger than a pool gets
 * a mapping of its own.
 *
 * Where the system refuses to lock (a low limit), the memory is used all the same: a node that
 * cannot open its wallet protects nobody. The one lock guards `pools` and all that hangs on it.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "util/mem.h"

enum { POOL_SIZE = 65536, GRANULE = 32, GRANULES = POOL_SIZE / GRANULE };

struct pool {
    struct pool *next;
    uint8_t *base;
    bool locked;
    size_t used;           /* granules */
    uint8_t map[GRANULES]; /* 1: taken */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pool *pools; /* guarded by lock */

/* *locked (may be NULL): whether the system agreed. */
static void *map_locked(size_t size, bool *locked)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        fprintf(stderr, "out of memory: %zu bytes\n", size);
        abort();
    }
    /* Both are best effort: see above. */
    bool agreed = mlock(p, size) == 0;
    bool undumped = madvise(p, size, MADV_DONTDUMP) == 0;
    (void)undumped;
    if (locked)
        *locked = agreed;
    return p;
}

static size_t granules(size_t size)
{
    return size ? (size + GRANULE - 1) / GRANULE : 1;
}

static void *pool_alloc(struct pool *pool, size_t n)
{
    if (GRANULES - pool->used < n)
        return NULL;
    size_t run = 0;
    for (size_t i = 0; i < GRANULES; i++) {
        run = pool->map[i] ? 0 : run + 1;
        if (run == n) {
            size_t first = i + 1 - n;
            memset(pool->map + first, 1, n);
            pool->used += n;
            return pool->base + first * GRANULE;
        }
    }
    return NULL;
}

void *secret_alloc(size_t size)
{
    if (size > POOL_SIZE)
        return map_locked(size, NULL);
    size_t n = granules(size);
    void *p = NULL;
    pthread_mutex_lock(&lock);
    for (struct pool *pool = pools; pool && !p; pool = pool->next)
        p = pool_alloc(pool, n);
    if (!p) {
        struct pool *pool = xcalloc(1, sizeof(*pool));
        pool->base = map_locked(POOL_SIZE, &pool->locked);
        pool->next = pools;
        pools = pool;
        p = pool_alloc(pool, n);
    }
    pthread_mutex_unlock(&lock);
    return p;
}

static void pool_free(struct pool *pool, const uint8_t *p, size_t n)
{
    size_t first = (size_t)(p - pool->base) / GRANULE;
    CHECK(first + n <= GRANULES && pool->used >= n);
    for (size_t i = first; i < first + n; i++)
        CHECK(pool->map[i]);
    memset(pool->map + first, 0, n);
    pool->used -= n;
}

void secret_free(void *p, size_t size)
{
    if (!p)
        return;
    wipe(p, size);
    if (size > POOL_SIZE) {
        munmap(p, size);
        return;
    }
    pthread_mutex_lock(&lock);
    struct pool **link = &pools;
    while (*link && ((uint8_t *)p < (*link)->base || (uint8_t *)p >= (*link)->base + POOL_SIZE))
        link = &(*link)->next;
    CHECK(*link);
    struct pool *pool = *link;
    pool_free(pool, p, granules(size));
    if (pool->used == 0) {
        *link = pool->next;
        munmap(pool->base, POOL_SIZE);
        free(pool);
    }
    pthread_mutex_unlock(&lock);
}

static void count_chunks(const struct pool *pool, struct secret_stats *out)
{
    for (size_t i = 0; i < GRANULES; i++) {
        bool begins = i == 0 || pool->map[i] != pool->map[i - 1];
        out->chunks_used += begins && pool->map[i];
        out->chunks_free += begins && !pool->map[i];
    }
}

void secret_stats(struct secret_stats *out)
{
    *out = (struct secret_stats){0};
    pthread_mutex_lock(&lock);
    for (const struct pool *pool = pools; pool; pool = pool->next) {
        out->used += pool->used * GRANULE;
        out->total += POOL_SIZE;
        out->locked += pool->locked ? POOL_SIZE : 0;
        count_chunks(pool, out);
    }
    pthread_mutex_unlock(&lock);
}
