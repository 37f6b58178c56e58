/*
 * How fast the cryptography is on this processor: kernels, merkle pairs, signatures, MuHash.
 *
 *     make bench/bench_crypto && bench/bench_crypto
 *
 * Times are of this thread's processor time, and each figure is the best of several runs, so that
 * what else the machine does shows as little as possible.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/muhash.h"
#include "crypto/sha256_kernel.h"
#include "util/mem.h"

enum { RUNS = 7, NONCES = 500000, PAIRS = 4096, SIGNATURES = 500, ELEMENTS = 5000 };

static double cpu_seconds(void)
{
    struct timespec t;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Seconds of the fastest of several runs. */
static double fastest(void (*run)(void *), void *arg)
{
    double least = 1e9;
    for (int i = 0; i < RUNS; i++) {
        double start = cpu_seconds();
        run(arg);
        double took = cpu_seconds() - start;
        if (took < least)
            least = took;
    }
    return least;
}

static void report(const char *what, double rate, const char *unit)
{
    printf("%-32s %10.2f %s\n", what, rate, unit);
}

struct kernel_run {
    const struct sha256_kernel *kernel;
    uint8_t *in, *out;
};

static void scan(void *arg)
{
    const struct kernel_run *r = arg;
    static const uint8_t header[80] = {4}, never[32];
    struct mining_job job;
    uint32_t nonce, tried;
    mining_job_init(&job, header, never);
    CHECK(!r->kernel->scan(&job, 0, NONCES, &nonce, &tried));
}

static void pairs(void *arg)
{
    const struct kernel_run *r = arg;
    r->kernel->sha256d_64(r->out, r->in, PAIRS);
}

static void pairs_best(void *arg)
{
    const struct kernel_run *r = arg;
    sha256d_64(r->out, r->in, PAIRS);
}

static void bench_kernels(void)
{
    struct kernel_run r = {.in = xcalloc(PAIRS, 64), .out = xcalloc(PAIRS, 32)};
    char what[64];
    for (int i = 0; sha256_kernels()[i]; i++) {
        const char *name = sha256_kernels()[i]->name;
        r.kernel = sha256_kernel_find(name);
        if (!r.kernel) {
            printf("%-32s not usable here\n", name);
            continue;
        }
        snprintf(what, sizeof(what), "scan, %s", name);
        report(what, NONCES / fastest(scan, &r) / 1e6, "MH/s");
        snprintf(what, sizeof(what), "pairs, %s", name);
        report(what, PAIRS / fastest(pairs, &r) / 1e6, "M/s");
    }
    printf("%-32s %10s\n", "best kernel", sha256_kernel_best()->name);
    report("sha256d_64", PAIRS / fastest(pairs_best, &r) / 1e6, "M/s");
    free(r.in);
    free(r.out);
}

struct signatures {
    struct pubkey pk;
    struct xonly x;
    uint8_t hash[32], der[72], schnorr[64];
    size_t der_len;
};

static void verify_ecdsa(void *arg)
{
    const struct signatures *s = arg;
    for (int i = 0; i < SIGNATURES; i++)
        CHECK(ecdsa_verify(&s->pk, s->hash, span_of(s->der, s->der_len)));
}

static void verify_schnorr(void *arg)
{
    const struct signatures *s = arg;
    for (int i = 0; i < SIGNATURES; i++)
        CHECK(schnorr_verify(&s->x, s->hash, sizeof(s->hash), s->schnorr));
}

static void bench_signatures(void)
{
    struct signatures s = {.hash = {1, 2, 3}};
    struct seckey key;
    seckey_generate(&key);
    CHECK(seckey_pubkey(&s.pk, &key));
    s.x = pubkey_xonly(&s.pk);
    CHECK(ecdsa_sign(s.der, &s.der_len, &key, s.hash, true));
    CHECK(schnorr_sign(s.schnorr, &key, s.hash, NULL, NULL));
    report("ecdsa_verify", SIGNATURES / fastest(verify_ecdsa, &s), "/s");
    report("schnorr_verify", SIGNATURES / fastest(verify_schnorr, &s), "/s");
}

static void add_elements(void *arg)
{
    uint8_t coin[80] = {0};
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        put_le32(coin, i);
        muhash_add(arg, coin, sizeof(coin));
    }
}

static void hash_short(void *arg)
{
    uint8_t *data = arg;
    for (int i = 0; i < PAIRS; i++)
        sha256d(data, data, 64);
}

int main(void)
{
    struct muhash m;
    uint8_t data[64] = {0};
    bench_kernels();
    report("sha256d of 64 bytes", PAIRS / fastest(hash_short, data) / 1e6, "M/s");
    bench_signatures();
    muhash_init(&m);
    report("muhash_add", ELEMENTS / fastest(add_elements, &m), "/s");
    return 0;
}
