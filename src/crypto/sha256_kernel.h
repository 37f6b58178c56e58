/*
 * Our own SHA-256 compression, for many messages of the same short length and for mining:
 * portable, SHA-NI, AVX2 (8 lanes), AVX-512 (16 lanes), picked at run time.
 */
#ifndef MITE_CRYPTO_SHA256_KERNEL_H
#define MITE_CRYPTO_SHA256_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Work on one block header: all but the nonce, prepared once. */
struct mining_job {
    uint8_t header[80];   /* serialised; bytes 76..79, the nonce, are ignored */
    uint32_t midstate[8]; /* after the first 64 bytes */
    uint8_t target[32];   /* little-endian: a hash <= target wins */
};

#define SHA256_MAX_LANES 16

struct sha256_kernel {
    const char *name; /* "portable", "sha-ni", "avx2", "avx512" */
    unsigned lanes;   /* messages that it does side by side */
    bool (*usable)(void);
    /* Tries nonces first .. first + count - 1 (count > 0, no wrap). Returns true and the first
     * winning nonce found, which has been checked in plain code; *tried says how many were tried.
     */
    bool (*scan)(const struct mining_job *job, uint32_t first, uint32_t count, uint32_t *nonce,
                 uint32_t *tried);
    void (*sha256d_64)(uint8_t *out, const uint8_t *in, size_t n);
    /* Takes one block of 64 bytes into the state of each lane; word i of lane k is at
     * state[i * lanes + k]. */
    void (*blocks)(uint32_t *state, const uint8_t *const *in);
};

/* The fastest usable one that passed its self-test against a known block, found out at first use
 * (which takes about a millisecond); never NULL. */
const struct sha256_kernel *sha256_kernel_best(void);
/* The one for fewer messages than the best has lanes. */
const struct sha256_kernel *sha256_kernel_narrow(void);
/* By name, or NULL where it is unknown or not usable here. */
const struct sha256_kernel *sha256_kernel_find(const char *name);
/* All that this build has; NULL-terminated. */
const struct sha256_kernel *const *sha256_kernels(void);
void mining_job_init(struct mining_job *job, const uint8_t header[80], const uint8_t target[32]);

#endif
