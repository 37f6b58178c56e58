/* What the SHA-256 kernels share among themselves; see crypto/sha256_kernel.h for their face. */
#ifndef MITE_CRYPTO_SHA256_KERNEL_IMPL_H
#define MITE_CRYPTO_SHA256_KERNEL_IMPL_H

#include "crypto/sha256_kernel.h"

extern const uint32_t sha256_iv[8];
extern const uint32_t sha256_k[64];
/* Message words plus round constants of the block that pads a message of 64 bytes. */
extern const uint32_t sha256_padding64_wk[64];

static inline uint32_t sha256_rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}
static inline uint32_t sha256_s0(uint32_t x)
{
    return sha256_rotr(x, 7) ^ sha256_rotr(x, 18) ^ x >> 3;
}
static inline uint32_t sha256_s1(uint32_t x)
{
    return sha256_rotr(x, 17) ^ sha256_rotr(x, 19) ^ x >> 10;
}

/* The second block of a header, as far as it does not depend on the nonce. */
struct sha256_tail {
    uint32_t state3[8];  /* after rounds 0 to 3; the nonce is still to be added to A and E */
    uint32_t w16, w17;   /* words of the schedule */
    uint32_t w18, w19;   /* less s0(nonce), less nonce */
    uint32_t target_top; /* upper 32 bits of the target */
};
void sha256_tail_init(struct sha256_tail *t, const struct mining_job *job);

/* Checks in plain code what a kernel found among nonces first + done ..., bit i of `hits` for the
 * i-th; those past `count` are left out. True with the first that wins, and how many were tried. */
bool sha256_check_hits(const struct mining_job *job, unsigned hits, uint32_t first, uint32_t count,
                       uint32_t done, uint32_t *nonce, uint32_t *tried);

extern const struct sha256_kernel sha256_kernel_portable;
#if defined(__x86_64__)
extern const struct sha256_kernel sha256_kernel_shani, sha256_kernel_avx2, sha256_kernel_avx512;
#endif

#endif
