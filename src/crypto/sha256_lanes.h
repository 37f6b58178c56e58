/*
 * A SHA-256 kernel that does LANES messages side by side, one in each element of a vector. Included
 * by sha256_kernel_{portable,avx2,avx512}.c, each of which first defines
 *   LANES            elements of a vector (4, 8, 16)
 *   TARGET           the function attribute that allows its instructions, or nothing
 *   KERNEL, NAME     the kernel's symbol and its name
 * and may define ROTR(x, n), XOR3, CH and MAJ where the processor has an instruction for them.
 *
 * Written with the compiler's vectors. In the scan, terms that are zero or constant for a job are
 * left out of the schedule by hand, from the first words down to where all terms vary; the last
 * rounds compute what word 7 of the digest needs and the compiler drops the rest as unused.
 */
#ifndef MITE_CRYPTO_SHA256_LANES_H
#define MITE_CRYPTO_SHA256_LANES_H

#include <string.h>

#include "crypto/sha256_kernel_impl.h"
#include "util/bytes.h"

#define LINLINE static inline __attribute__((always_inline)) TARGET

typedef uint32_t vec __attribute__((vector_size(4 * LANES)));

#ifndef ROTR
#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))
#endif
#ifndef XOR3
#define XOR3(x, y, z) ((x) ^ (y) ^ (z))
#endif
#ifndef CH
#define CH(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#endif
#ifndef MAJ
#define MAJ(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))
#endif
#define BIG_S0(x)   XOR3(ROTR(x, 2), ROTR(x, 13), ROTR(x, 22))
#define BIG_S1(x)   XOR3(ROTR(x, 6), ROTR(x, 11), ROTR(x, 25))
#define SMALL_S0(x) XOR3(ROTR(x, 7), ROTR(x, 18), (x) >> 3)
#define SMALL_S1(x) XOR3(ROTR(x, 17), ROTR(x, 19), (x) >> 10)

#define SPLAT(x) ((vec){0} + (x))

/* Word i of the state (0: A, 7: H) before round t: the words stay, their names move on. */
#define STATE(i, t) s[((i) - (t)) & 7]

/* Round t; WK(t) is the sum of message word and round constant. The sums are in the order of the
 * shortest way from one E to the next. */
#define ROUND(t, WK)                                                     \
    do {                                                                 \
        vec e = STATE(4, t), a = STATE(0, t), sum = STATE(7, t) + WK(t); \
        sum += CH(e, STATE(5, t), STATE(6, t));                          \
        sum += BIG_S1(e);                                                \
        STATE(3, t) += sum;                                              \
        sum += MAJ(a, STATE(1, t), STATE(2, t));                         \
        STATE(7, t) = sum + BIG_S0(a);                                   \
    } while (0)
#define ROUNDS4(t, WK)  \
    ROUND(t, WK);       \
    ROUND((t) + 1, WK); \
    ROUND((t) + 2, WK); \
    ROUND((t) + 3, WK)
#define ROUNDS8(t, WK) \
    ROUNDS4(t, WK);    \
    ROUNDS4((t) + 4, WK)

/* A word and its round constant. The schedule is a ring of 16 words. */
#define W(t)    w[(t)&15]
#define WORD(t) (W(t) + sha256_k[t])
/* The same, after making the word from those before it. */
#define NEXT(t) (W(t) += SMALL_S1(W((t)-2)) + W((t)-7) + SMALL_S0(W((t)-15)), W(t) + sha256_k[t])

/* What of a job is constant for all nonces. */
struct prepared {
    struct sha256_tail t;
    uint32_t midstate[8];
    uint32_t w31, w32; /* the constant terms of these words */
};

LINLINE vec swap_bytes(vec x)
{
    return x << 24 | (x & 0xff00) << 8 | (x >> 8 & 0xff00) | x >> 24;
}

/* The digest words of the first hash, for nonces (as message words) `word`. */
LINLINE void first_hash(vec s[8], const struct prepared *p, vec word)
{
    const struct sha256_tail *t = &p->t;
    vec w[16];
    for (int i = 0; i < 8; i++)
        STATE(i, 4) = SPLAT(t->state3[i]);
    STATE(0, 4) += word;
    STATE(4, 4) += word;
#define PADDING(i) (sha256_k[i] + ((i) == 4 ? 0x80000000 : (i) == 15 ? 640 : 0))
    ROUNDS8(4, PADDING);
    ROUNDS4(12, PADDING);
#undef PADDING
    W(16) = SPLAT(t->w16);
    W(17) = SPLAT(t->w17);
    W(18) = t->w18 + SMALL_S0(word);
    W(19) = t->w19 + word;
    W(20) = SMALL_S1(W(18)) + 0x80000000;
    W(21) = SMALL_S1(W(19));
    W(22) = SMALL_S1(W(20)) + 640;
    W(23) = SMALL_S1(W(21)) + t->w16;
    W(24) = SMALL_S1(W(22)) + t->w17;
    W(25) = SMALL_S1(W(23)) + W(18);
    W(26) = SMALL_S1(W(24)) + W(19);
    W(27) = SMALL_S1(W(25)) + W(20);
    W(28) = SMALL_S1(W(26)) + W(21);
    W(29) = SMALL_S1(W(27)) + W(22);
    W(30) = SMALL_S1(W(28)) + W(23) + sha256_s0(640);
    W(31) = SMALL_S1(W(29)) + W(24) + p->w31;
    ROUNDS8(16, WORD);
    ROUNDS8(24, WORD);
    W(32) = SMALL_S1(W(30)) + W(25) + p->w32;
    ROUND(32, WORD);
    ROUND(33, NEXT);
    ROUND(34, NEXT);
    ROUND(35, NEXT);
    ROUNDS4(36, NEXT);
    ROUNDS8(40, NEXT);
    ROUNDS8(48, NEXT);
    ROUNDS8(56, NEXT);
    for (int i = 0; i < 8; i++)
        s[i] += p->midstate[i];
}

/* Word 7 of the digest of the 32 bytes in d. */
LINLINE vec second_hash(const vec d[8])
{
    vec s[8], w[16];
    for (int i = 0; i < 8; i++)
        s[i] = SPLAT(sha256_iv[i]);
#define DIGEST(i) (d[i] + sha256_k[i])
    ROUNDS8(0, DIGEST);
#undef DIGEST
#define PADDING(i) (sha256_k[i] + ((i) == 8 ? 0x80000000 : (i) == 15 ? 256 : 0))
    ROUNDS8(8, PADDING);
#undef PADDING
    W(16) = SMALL_S0(d[1]) + d[0];
    W(17) = SMALL_S0(d[2]) + d[1] + sha256_s1(256);
    W(18) = SMALL_S1(W(16)) + SMALL_S0(d[3]) + d[2];
    W(19) = SMALL_S1(W(17)) + SMALL_S0(d[4]) + d[3];
    W(20) = SMALL_S1(W(18)) + SMALL_S0(d[5]) + d[4];
    W(21) = SMALL_S1(W(19)) + SMALL_S0(d[6]) + d[5];
    W(22) = SMALL_S1(W(20)) + SMALL_S0(d[7]) + d[6] + 256;
    W(23) = SMALL_S1(W(21)) + W(16) + d[7] + sha256_s0(0x80000000);
    W(24) = SMALL_S1(W(22)) + W(17) + 0x80000000;
    W(25) = SMALL_S1(W(23)) + W(18);
    W(26) = SMALL_S1(W(24)) + W(19);
    W(27) = SMALL_S1(W(25)) + W(20);
    W(28) = SMALL_S1(W(26)) + W(21);
    W(29) = SMALL_S1(W(27)) + W(22);
    W(30) = SMALL_S1(W(28)) + W(23) + sha256_s0(256);
    W(31) = SMALL_S1(W(29)) + W(24) + SMALL_S0(W(16)) + 256;
    ROUNDS8(16, WORD);
    ROUNDS8(24, WORD);
    ROUNDS8(32, NEXT);
    ROUNDS8(40, NEXT);
    ROUNDS8(48, NEXT);
    ROUNDS4(56, NEXT);
    ROUND(60, NEXT);
    return STATE(4, 61) + sha256_iv[7]; /* what is E now would be H after round 63 */
}

/* Bit i says that nonce n + i may win. */
LINLINE unsigned try_lanes(const struct prepared *p, uint32_t n)
{
    vec nonces = SPLAT(n), digest[8];
    for (uint32_t i = 0; i < LANES; i++)
        nonces[i] += i;
    first_hash(digest, p, swap_bytes(nonces));
    vec low = (vec)(swap_bytes(second_hash(digest)) <= p->t.target_top);
    unsigned hits = 0;
    for (int i = 0; i < LANES; i++)
        hits |= (low[i] & 1u) << i;
    return hits;
}

TARGET static bool scan(const struct mining_job *job, uint32_t first, uint32_t count,
                        uint32_t *nonce, uint32_t *tried)
{
    struct prepared p;
    sha256_tail_init(&p.t, job);
    memcpy(p.midstate, job->midstate, sizeof(p.midstate));
    p.w31 = sha256_s0(p.t.w16) + 640;
    p.w32 = sha256_s0(p.t.w17) + p.t.w16;
    for (uint32_t done = 0; done < count;) {
        unsigned hits = try_lanes(&p, first + done);
        if (__builtin_expect(hits != 0, 0) &&
            sha256_check_hits(job, hits, first, count, done, nonce, tried))
            return true;
        if (count - done <= LANES)
            break;
        done += LANES;
    }
    *tried = count;
    return false;
}

/* ---- SHA-256d of 64 bytes ---- */

/* 64 rounds; adds nothing. */
LINLINE void all_rounds(vec s[8], vec w[16])
{
    ROUNDS8(0, WORD);
    ROUNDS8(8, WORD);
    ROUNDS8(16, NEXT);
    ROUNDS8(24, NEXT);
    ROUNDS8(32, NEXT);
    ROUNDS8(40, NEXT);
    ROUNDS8(48, NEXT);
    ROUNDS8(56, NEXT);
}

LINLINE void initial_state(vec s[8])
{
    for (int i = 0; i < 8; i++)
        s[i] = SPLAT(sha256_iv[i]);
}

/* 64 rounds over the padding of 64 bytes. */
LINLINE void padding_rounds(vec s[8])
{
#define PADDING(t) sha256_padding64_wk[t]
    ROUNDS8(0, PADDING);
    ROUNDS8(8, PADDING);
    ROUNDS8(16, PADDING);
    ROUNDS8(24, PADDING);
    ROUNDS8(32, PADDING);
    ROUNDS8(40, PADDING);
    ROUNDS8(48, PADDING);
    ROUNDS8(56, PADDING);
#undef PADDING
}

TARGET static void hash_lanes(uint8_t out[32 * LANES], const uint8_t in[64 * LANES])
{
    vec s[8], w[16], middle[8];
    for (int i = 0; i < 16; i++) {
        for (int lane = 0; lane < LANES; lane++)
            w[i][lane] = get_be32(in + 64 * lane + 4 * i);
    }
    initial_state(s);
    all_rounds(s, w);
    for (int i = 0; i < 8; i++)
        middle[i] = s[i] += sha256_iv[i];
    padding_rounds(s);
    for (int i = 0; i < 8; i++) {
        w[i] = s[i] + middle[i];
        w[i + 8] = SPLAT(i == 0 ? 0x80000000 : i == 7 ? 256u : 0);
    }
    initial_state(s);
    all_rounds(s, w);
    for (int i = 0; i < 8; i++) {
        s[i] += sha256_iv[i];
        for (int lane = 0; lane < LANES; lane++)
            put_be32(out + 32 * lane + 4 * i, s[i][lane]);
    }
}

static void hash_pairs(uint8_t *out, const uint8_t *in, size_t n)
{
    for (; n >= LANES; n -= LANES, in += 64 * LANES, out += 32 * LANES)
        hash_lanes(out, in);
    if (n) {
        uint8_t last_in[64 * LANES] = {0}, last_out[32 * LANES];
        memcpy(last_in, in, 64 * n);
        hash_lanes(last_out, last_in);
        memcpy(out, last_out, 32 * n);
    }
}

/* ---- one block of each of many messages ---- */

TARGET static void blocks(uint32_t *state, const uint8_t *const *in)
{
    vec s[8], w[16], before[8];
    for (int i = 0; i < 16; i++) {
        for (int lane = 0; lane < LANES; lane++)
            w[i][lane] = get_be32(in[lane] + 4 * i);
    }
    memcpy(before, state, sizeof(before));
    memcpy(s, before, sizeof(s));
    all_rounds(s, w);
    for (int i = 0; i < 8; i++)
        s[i] += before[i];
    memcpy(state, s, sizeof(s));
}

const struct sha256_kernel KERNEL = {NAME, LANES, usable, scan, hash_pairs, blocks};

#endif
