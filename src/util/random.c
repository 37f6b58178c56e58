/*
 * Randomness: the kernel's generator and nothing beside it.
 *
 * Own pools that mix clocks and counters guard against kernels which no longer exist, and are one
 * more thing to get wrong. A system call for each 64-bit number would be slow, so each thread keeps
 * a small buffer, in locked memory since keys come out of it; what was handed out is wiped from it.
 * A child of fork() must not repeat its parent's numbers: only the forking thread lives on there,
 * and its buffer is emptied by a handler.
 */
#include "util/random.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util/check.h"
#include "util/mem.h"

struct pool {
    uint8_t bytes[512];
    size_t left; /* unused ones, at the end of bytes */
};
static _Thread_local struct pool *pool;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;

static void forget(void)
{
    if (pool)
        wipe(pool, sizeof(*pool));
}

static void free_pool(void *p)
{
    secret_free(p, sizeof(struct pool));
    pool = NULL;
}

static void register_handlers(void)
{
    CHECK(pthread_atfork(NULL, NULL, forget) == 0);
    CHECK(pthread_key_create(&at_thread_end, free_pool) == 0);
}

static void create_pool(void)
{
    pthread_once(&once, register_handlers);
    pool = secret_alloc(sizeof(*pool));
    pool->left = 0;
    CHECK(pthread_setspecific(at_thread_end, pool) == 0);
}

static void from_kernel(uint8_t *out, size_t len)
{
    while (len) {
        ssize_t n = getrandom(out, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        CHECK(n > 0);
        out += n;
        len -= (size_t)n;
    }
}

void random_bytes(void *out, size_t len)
{
    if (len > sizeof(pool->bytes) / 2) {
        from_kernel(out, len);
        return;
    }
    if (!pool)
        create_pool();
    if (pool->left < len) {
        from_kernel(pool->bytes, sizeof(pool->bytes));
        pool->left = sizeof(pool->bytes);
    }
    uint8_t *from = pool->bytes + sizeof(pool->bytes) - pool->left;
    if (len)
        memcpy(out, from, len);
    wipe(from, len);
    pool->left -= len;
}

uint64_t random_u64(void)
{
    uint64_t v;
    random_bytes(&v, sizeof(v));
    return v;
}

/* Draws again where a draw falls into the incomplete last multiple of n: no bias. */
uint64_t random_below(uint64_t n)
{
    CHECK(n > 0);
    uint64_t skip = -n % n; /* 2^64 mod n */
    uint64_t v;
    do
        v = random_u64();
    while (v < skip);
    return v % n;
}

int64_t random_exp_us(int64_t mean_us)
{
    double uniform = (double)(random_u64() >> 11) * 0x1p-53; /* [0, 1) */
    return (int64_t)(-log1p(-uniform) * (double)mean_us + 0.5);
}
