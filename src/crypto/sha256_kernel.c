/*
 * The SHA-256 kernels' common part: constants, the job, the plain check of what a kernel found, and
 * the choice among them.
 *
 * Which is fastest differs: on one generation of a processor SHA-NI beats 16 lanes of AVX-512 by a
 * third, on the next it is the other way round by two thirds. So they run against each other at
 * first use, a few hundred nonces each, by the cycle counter. A kernel takes part only after it
 * found the nonce of Bitcoin's first block and hashed some pairs as the plain code does: a
 * processor, a hypervisor or a compiler that is wrong about an instruction must cost speed, not the
 * chain. The choice is remembered in atomic pointers; making it twice at once does no harm.
 */
#include "crypto/sha256_kernel.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/sha256_kernel_impl.h"
#include "util/bytes.h"

const uint32_t sha256_iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

const uint32_t sha256_padding64_wk[64] = {
    0xc28a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf374,
    0x649b69c1, 0xf0fe4786, 0x0fe1edc6, 0x240cf254, 0x4fe9346f, 0x6cc984be, 0x61b9411e, 0x16f988fa,
    0xf2c65152, 0xa88e5a6d, 0xb019fc65, 0xb9d99ec7, 0x9a1231c3, 0xe70eeaa0, 0xfdb1232b, 0xc7353eb0,
    0x3069bad5, 0xcb976d5f, 0x5a0f118f, 0xdc1eeefd, 0x0a35b689, 0xde0b7a04, 0x58f4ca9d, 0xe15d5b16,
    0x007f3e86, 0x37088980, 0xa507ea32, 0x6fab9537, 0x17406110, 0x0d8cd6f1, 0xcdaa3b6d, 0xc0bbbe37,
    0x83613bda, 0xdb48a363, 0x0b02e931, 0x6fd15ca7, 0x521afaca, 0x31338431, 0x6ed41a95, 0x6d437890,
    0xc39c91f2, 0x9eccabbd, 0xb5c9a0e6, 0x532fb63c, 0xd2c741c6, 0x07237ea3, 0xa4954b68, 0x4c191d76,
};

static const struct sha256_kernel *const kernels[] = {
#if defined(__x86_64__)
    &sha256_kernel_shani,    &sha256_kernel_avx512,
    &sha256_kernel_avx2,
#endif
    &sha256_kernel_portable, NULL,
};

const struct sha256_kernel *const *sha256_kernels(void)
{
    return kernels;
}

void mining_job_init(struct mining_job *job, const uint8_t header[80], const uint8_t target[32])
{
    struct sha256 h;
    sha256_init(&h);
    sha256_write(&h, header, 64);
    memcpy(job->midstate, h.ctx.h, sizeof(job->midstate));
    memcpy(job->header, header, sizeof(job->header));
    memcpy(job->target, target, sizeof(job->target));
}

/* One round in plain code, on words A to H. */
static void round_plain(uint32_t s[8], uint32_t wk)
{
    uint32_t e = s[4], a = s[0];
    uint32_t t1 = s[7] + (sha256_rotr(e, 6) ^ sha256_rotr(e, 11) ^ sha256_rotr(e, 25)) +
                  ((e & s[5]) ^ (~e & s[6])) + wk;
    uint32_t t2 = (sha256_rotr(a, 2) ^ sha256_rotr(a, 13) ^ sha256_rotr(a, 22)) +
                  ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof(*s));
    s[4] += t1;
    s[0] = t1 + t2;
}

void sha256_tail_init(struct sha256_tail *t, const struct mining_job *job)
{
    uint32_t w[3];
    for (int i = 0; i < 3; i++)
        w[i] = get_be32(job->header + 64 + 4 * i);
    memcpy(t->state3, job->midstate, sizeof(t->state3));
    for (int i = 0; i < 3; i++)
        round_plain(t->state3, w[i] + sha256_k[i]);
    round_plain(t->state3, sha256_k[3]);
    t->w16 = sha256_s0(w[1]) + w[0];
    t->w17 = sha256_s1(640) + sha256_s0(w[2]) + w[1];
    t->w18 = sha256_s1(t->w16) + w[2];
    t->w19 = sha256_s1(t->w17) + sha256_s0(0x80000000);
    t->target_top = get_le32(job->target + 28);
}

static bool wins(const struct mining_job *job, uint32_t nonce)
{
    uint8_t header[80], hash[32];
    memcpy(header, job->header, sizeof(header));
    put_le32(header + 76, nonce);
    sha256d(hash, header, sizeof(header));
    for (int i = 31; i >= 0; i--) {
        if (hash[i] != job->target[i])
            return hash[i] < job->target[i];
    }
    return true;
}

bool sha256_check_hits(const struct mining_job *job, unsigned hits, uint32_t first, uint32_t count,
                       uint32_t done, uint32_t *nonce, uint32_t *tried)
{
    for (uint32_t i = 0; hits >> i && i < count - done; i++) {
        if (!(hits >> i & 1) || !wins(job, first + done + i))
            continue;
        *nonce = first + done + i;
        *tried = done + i + 1;
        return true;
    }
    return false;
}

/* Bitcoin's first block. */
static const char genesis[] =
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e"
    "67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";

static bool finds_genesis(const struct sha256_kernel *k)
{
    uint8_t header[80], target[32] = {0};
    struct mining_job job;
    CHECK(hex_decode(header, sizeof(header), genesis));
    target[26] = target[27] = 0xff;
    mining_job_init(&job, header, target);
    uint32_t nonce, tried;
    return k->scan(&job, 2083236893 - 50, 100, &nonce, &tried) && nonce == 2083236893 &&
           tried == 51;
}

static bool hashes_pairs(const struct sha256_kernel *k)
{
    enum { N = 19 };
    uint8_t in[64 * N], out[32 * N], want[32];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 167 + (i >> 8));
    k->sha256d_64(out, in, N);
    for (int i = 0; i < N; i++) {
        sha256d(want, in + 64 * i, 64);
        if (memcmp(want, out + 32 * i, 32) != 0)
            return false;
    }
    return true;
}

static bool hashes_blocks(const struct sha256_kernel *k)
{
    uint8_t in[SHA256_MAX_LANES][64];
    const uint8_t *at[SHA256_MAX_LANES];
    uint32_t state[8 * SHA256_MAX_LANES];
    struct sha256 h;
    for (unsigned lane = 0; lane < k->lanes; lane++) {
        at[lane] = in[lane];
        for (unsigned i = 0; i < 64; i++)
            in[lane][i] = (uint8_t)(i * 59 + lane * 3);
        for (unsigned i = 0; i < 8; i++)
            state[i * k->lanes + lane] = sha256_iv[i];
    }
    k->blocks(state, at);
    for (unsigned lane = 0; lane < k->lanes; lane++) {
        sha256_init(&h);
        sha256_write(&h, in[lane], 64);
        for (unsigned i = 0; i < 8; i++)
            if (state[i * k->lanes + lane] != h.ctx.h[i])
                return false;
    }
    return true;
}

static bool works(const struct sha256_kernel *k)
{
    return k->usable() && finds_genesis(k) && hashes_pairs(k) && hashes_blocks(k);
}

static uint64_t cycles(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0; /* there is one kernel only */
#endif
}

/* Cycles for some nonces: the least of several runs, since another program may take the processor.
 */
static uint64_t measure(const struct sha256_kernel *k)
{
    enum { NONCES = 512, RUNS = 4 };
    static const uint8_t header[80], never[32];
    struct mining_job job;
    mining_job_init(&job, header, never);
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < RUNS; i++) {
        uint32_t nonce, tried;
        uint64_t start = cycles();
        k->scan(&job, 0, NONCES, &nonce, &tried);
        uint64_t took = cycles() - start;
        if (took < least)
            least = took;
    }
    return least;
}

static const struct sha256_kernel *best, *narrow;

static void choose(void)
{
    const struct sha256_kernel *fastest = NULL, *slim = NULL;
    uint64_t least = UINT64_MAX;
    for (int i = 0; kernels[i]; i++) {
        if (!works(kernels[i]))
            continue;
        uint64_t took = measure(kernels[i]);
        if (took < least) {
            fastest = kernels[i];
            least = took;
        }
        if (!slim || kernels[i]->lanes < slim->lanes)
            slim = kernels[i]; /* of equal ones the first, which has the instructions for it */
    }
    CHECK(fastest);
    __atomic_store_n(&narrow, slim, __ATOMIC_RELEASE);
    __atomic_store_n(&best, fastest, __ATOMIC_RELEASE);
}

const struct sha256_kernel *sha256_kernel_best(void)
{
    if (!__atomic_load_n(&best, __ATOMIC_ACQUIRE))
        choose();
    return __atomic_load_n(&best, __ATOMIC_ACQUIRE);
}

const struct sha256_kernel *sha256_kernel_narrow(void)
{
    sha256_kernel_best();
    return __atomic_load_n(&narrow, __ATOMIC_ACQUIRE);
}

const struct sha256_kernel *sha256_kernel_find(const char *name)
{
    for (int i = 0; kernels[i]; i++) {
        if (strcmp(kernels[i]->name, name) == 0)
            return works(kernels[i]) ? kernels[i] : NULL;
    }
    return NULL;
}
