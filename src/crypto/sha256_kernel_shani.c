/*
 * The SHA-NI kernel: four messages side by side.
 *
 * `sha256rnds2` does two rounds, takes four cycles and could start every cycle (on some processors
 * every second), so one message alone leaves the unit idle most of the time. Four independent
 * chains fill it; a fifth only spills registers. All the rest is about not computing what is
 * constant:
 *
 * First hash of a header, second block: words 0 to 2 are the job's, 3 is the nonce, the others are
 * padding. Rounds 0 to 2 are done once per job. Round 3 adds the nonce to two words of a constant
 * state. That leaves rounds 4 to 63, whose first twelve words (with their round constants) are
 * plain constants, and a schedule that begins with terms that are zero or the job's.
 *
 * Second hash: round 0 adds digest word 0 to two words of a constant state. With the words taken in
 * groups that begin at word 1, rounds 1 to 60 are thirty whole instructions; and round 60 is the
 * last one needed, since digest word 7, the most significant one of the hash as a number, is
 * final then. One comparison of that word against the target's sorts out all but a hit in
 * four billion (for a real target), and a hit is checked again in plain code.
 *
 * Layout of the instructions: one register holds words A B E F of the state, from high to low, the
 * other C D G H. Two rounds put the new A B E F where C D G H was. Tried and worse: 2, 3, 5 and 6
 * streams, pshufd in place of movhlps, loops over arrays of variable length.
 */
#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#include "crypto/sha256_kernel_impl.h"

#define TARGET __attribute__((target("sha,avx")))
#define INLINE static inline __attribute__((always_inline, target("sha,avx")))

enum { STREAMS = 4 };

/* The statements once for each stream, with its number as the constant `i`. */
#define EACH(...)           \
    do {                    \
        {                   \
            enum { i = 0 }; \
            __VA_ARGS__;    \
        }                   \
        {                   \
            enum { i = 1 }; \
            __VA_ARGS__;    \
        }                   \
        {                   \
            enum { i = 2 }; \
            __VA_ARGS__;    \
        }                   \
        {                   \
            enum { i = 3 }; \
            __VA_ARGS__;    \
        }                   \
    } while (0)

/* Four rounds with message words w[i] and the round constants k. */
#define ROUNDS(w, k)                                                                          \
    EACH(__m128i wk = _mm_add_epi32((w)[i], k); c[i] = _mm_sha256rnds2_epu32(c[i], a[i], wk); \
         a[i] = _mm_sha256rnds2_epu32(a[i], c[i], high_half(wk)))
/* Four rounds with constants only. */
#define ROUNDS_K(k_low, k_high)                            \
    EACH(c[i] = _mm_sha256rnds2_epu32(c[i], a[i], k_low)); \
    EACH(a[i] = _mm_sha256rnds2_epu32(a[i], c[i], k_high))
/* w0 = the words after w3, by the whole rule. */
#define SCHEDULE(w0, w1, w2, w3)                                                  \
    EACH((w0)[i] = _mm_sha256msg1_epu32((w0)[i], (w1)[i]));                       \
    EACH((w0)[i] = _mm_add_epi32((w0)[i], _mm_alignr_epi8((w3)[i], (w2)[i], 4))); \
    EACH((w0)[i] = _mm_sha256msg2_epu32((w0)[i], (w3)[i]))

INLINE __m128i high_half(__m128i x)
{
    return _mm_castps_si128(_mm_movehl_ps(_mm_castsi128_ps(x), _mm_castsi128_ps(x)));
}

INLINE __m128i load(const void *p)
{
    return _mm_loadu_si128(p);
}

INLINE __m128i load_half(const void *p)
{
    return _mm_loadl_epi64(p);
}

/* Round constants of rounds t .. t + 3. */
INLINE __m128i k4(int t)
{
    return _mm_loadu_si128((const __m128i *)(sha256_k + t));
}

/* The words of a state in the order of the instructions. */
INLINE __m128i state_abef(const uint32_t s[8])
{
    return _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]);
}
INLINE __m128i state_cdgh(const uint32_t s[8])
{
    return _mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]);
}

/* Round constants plus the constant words of the two paddings: word 0x80000000, zeros, the length.
 */
struct constants {
    uint32_t wk1[12] __attribute__((aligned(16))); /* words 4 to 15 of an 80-byte message */
    uint32_t wk2[4] __attribute__((aligned(16)));  /* words 9 to 12 of a 32-byte message */
};
static const struct constants constants = {
    {0x3956c25b + 0x80000000, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
     0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174 + 640},
    {0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74},
};

/* What of a job is constant for all nonces, in registers' form. */
struct prepared {
    __m128i abef3, cdgh3; /* after round 3, less the nonce in A and E */
    __m128i mid_abef, mid_cdgh;
    __m128i w16_17;    /* in the lower half */
    __m128i base20;    /* W20..23, less what depends on the nonce */
    __m128i base28;    /* W28..31 likewise */
    uint32_t w18, w19; /* less s0(nonce), less nonce */
    uint32_t top;      /* of the target, as a number */
};

TARGET static void prepare(struct prepared *p, const struct mining_job *job)
{
    struct sha256_tail t;
    sha256_tail_init(&t, job);
    p->abef3 = state_abef(t.state3);
    p->cdgh3 = state_cdgh(t.state3);
    p->mid_abef = state_abef(job->midstate);
    p->mid_cdgh = state_cdgh(job->midstate);
    p->w16_17 = _mm_set_epi32(0, 0, (int)t.w17, (int)t.w16);
    p->base20 = _mm_set_epi32((int)t.w16, 640, 0, (int)0x80000000);
    p->base28 = _mm_set_epi32((int)(640 + sha256_s0(t.w16)), (int)sha256_s0(640), 0, 0);
    p->w18 = t.w18;
    p->w19 = t.w19;
    p->top = t.target_top;
}

/* Tries nonces n .. n + 3; bit i of the result says that n + i may win. */
INLINE int try4(const struct prepared *p, uint32_t n)
{
    __m128i a[STREAMS], c[STREAMS];
    __m128i w0[STREAMS], w1[STREAMS], w2[STREAMS], w3[STREAMS];

    /* First hash: round 3 and the words that the nonce enters first. */
    EACH(uint32_t word = __builtin_bswap32(n + i);
         uint64_t w18_19 = (uint64_t)(p->w19 + word) << 32 | (uint32_t)(p->w18 + sha256_s0(word));
         __m128i both = _mm_cvtsi64_si128((long long)((uint64_t)word << 32));
         a[i] = _mm_add_epi32(p->abef3, _mm_unpacklo_epi64(both, both)); c[i] = p->cdgh3;
         w0[i] = _mm_unpacklo_epi64(p->w16_17, _mm_cvtsi64_si128((long long)w18_19)));
    ROUNDS_K(load(constants.wk1), load_half(constants.wk1 + 2));
    ROUNDS_K(load(constants.wk1 + 4), load_half(constants.wk1 + 6));
    ROUNDS_K(load(constants.wk1 + 8), load_half(constants.wk1 + 10));
    ROUNDS(w0, k4(16));
    EACH(w1[i] = _mm_sha256msg2_epu32(p->base20, w0[i]));
    ROUNDS(w1, k4(20));
    EACH(w2[i] = _mm_sha256msg2_epu32(_mm_alignr_epi8(w1[i], w0[i], 4), w1[i]));
    ROUNDS(w2, k4(24));
    EACH(w3[i] = _mm_add_epi32(p->base28, _mm_alignr_epi8(w2[i], w1[i], 4));
         w3[i] = _mm_sha256msg2_epu32(w3[i], w2[i]));
    ROUNDS(w3, k4(28));
    SCHEDULE(w0, w1, w2, w3);
    ROUNDS(w0, k4(32));
    SCHEDULE(w1, w2, w3, w0);
    ROUNDS(w1, k4(36));
    SCHEDULE(w2, w3, w0, w1);
    ROUNDS(w2, k4(40));
    SCHEDULE(w3, w0, w1, w2);
    ROUNDS(w3, k4(44));
    SCHEDULE(w0, w1, w2, w3);
    ROUNDS(w0, k4(48));
    SCHEDULE(w1, w2, w3, w0);
    ROUNDS(w1, k4(52));
    SCHEDULE(w2, w3, w0, w1);
    ROUNDS(w2, k4(56));
    SCHEDULE(w3, w0, w1, w2);
    ROUNDS(w3, k4(60));

    /* The digest, as words 1 to 4, 5 to 8 and (in the high lane of w3) 0; then round 0. */
    const __m128i odd_lanes = _mm_set_epi32(0x0f0e0d0c, -1, 0x0f0e0d0c, -1);
    const __m128i abef0 = _mm_set_epi32((int)0xfc08884d, 0x6a09e667, (int)0x98c7e2a2, 0x510e527f);
    const __m128i cdgh0 = _mm_set_epi32((int)0xbb67ae85, 0x3c6ef372, (int)0x9b05688c, 0x1f83d9ab);
    const __m128i padding = _mm_set_epi32((int)0x80000000, 0, 0, 0);
    EACH(__m128i x = _mm_add_epi32(a[i], p->mid_abef); __m128i y = _mm_add_epi32(c[i], p->mid_cdgh);
         __m128i t = _mm_castps_si128(
             _mm_shuffle_ps(_mm_castsi128_ps(x), _mm_castsi128_ps(y), _MM_SHUFFLE(2, 3, 1, 2)));
         w0[i] = _mm_shuffle_epi32(t, _MM_SHUFFLE(1, 3, 2, 0));
         t = _mm_castps_si128(
             _mm_shuffle_ps(_mm_castsi128_ps(y), _mm_castsi128_ps(x), _MM_SHUFFLE(0, 0, 0, 1)));
         t = _mm_shuffle_epi32(t, _MM_SHUFFLE(3, 1, 0, 2));
         w1[i] = _mm_blend_epi16(t, padding, 0xc0); w3[i] = x;
         a[i] = _mm_add_epi32(abef0, _mm_shuffle_epi8(x, odd_lanes)); c[i] = cdgh0);
    ROUNDS(w0, k4(1));
    ROUNDS(w1, k4(5));
    ROUNDS_K(load(constants.wk2), load_half(constants.wk2 + 2));
    const __m128i w13_15 = _mm_set_epi32(0, 256, 0, 0);
    EACH(w3[i] = _mm_blend_epi16(_mm_sha256msg1_epu32(w3[i], w0[i]), w13_15, 0x3f));
    ROUNDS(w3, k4(13));
    EACH(w0[i] = _mm_sha256msg2_epu32(_mm_sha256msg1_epu32(w0[i], w1[i]), w3[i]));
    ROUNDS(w0, k4(17));
    EACH(w1[i] = _mm_sha256msg1_epu32(w1[i], _mm_setzero_si128());
         w1[i] = _mm_add_epi32(w1[i], _mm_alignr_epi8(w0[i], w3[i], 4));
         w1[i] = _mm_sha256msg2_epu32(w1[i], w0[i]));
    ROUNDS(w1, k4(21));
    EACH(w2[i] = _mm_sha256msg2_epu32(_mm_alignr_epi8(w1[i], w0[i], 4), w1[i]));
    ROUNDS(w2, k4(25));
    SCHEDULE(w3, w0, w1, w2);
    ROUNDS(w3, k4(29));
    SCHEDULE(w0, w1, w2, w3);
    ROUNDS(w0, k4(33));
    SCHEDULE(w1, w2, w3, w0);
    ROUNDS(w1, k4(37));
    SCHEDULE(w2, w3, w0, w1);
    ROUNDS(w2, k4(41));
    SCHEDULE(w3, w0, w1, w2);
    ROUNDS(w3, k4(45));
    SCHEDULE(w0, w1, w2, w3);
    ROUNDS(w0, k4(49));
    SCHEDULE(w1, w2, w3, w0);
    ROUNDS(w1, k4(53));
    SCHEDULE(w2, w3, w0, w1);
    ROUNDS(w2, k4(57));

    /* Digest word 7 of all four, as the upper part of a number, against the target's. */
    const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    __m128i e = _mm_unpackhi_epi64(_mm_unpacklo_epi32(a[0], a[1]), _mm_unpacklo_epi32(a[2], a[3]));
    e = _mm_shuffle_epi8(_mm_add_epi32(e, _mm_set1_epi32(0x5be0cd19)), swap);
    __m128i wins = _mm_cmpeq_epi32(_mm_min_epu32(e, _mm_set1_epi32((int)p->top)), e);
    return _mm_movemask_ps(_mm_castsi128_ps(wins));
}

TARGET static bool scan(const struct mining_job *job, uint32_t first, uint32_t count,
                        uint32_t *nonce, uint32_t *tried)
{
    struct prepared p;
    _mm256_zeroupper(); /* dirty upper halves make every SHA instruction three times as slow */
    prepare(&p, job);
    for (uint32_t done = 0; done < count;) {
        int hits = try4(&p, first + done);
        if (__builtin_expect(hits != 0, 0) &&
            sha256_check_hits(job, (unsigned)hits, first, count, done, nonce, tried))
            return true;
        if (count - done <= STREAMS)
            break;
        done += STREAMS;
    }
    *tried = count;
    return false;
}

/* ---- SHA-256d of 64 bytes ---- */

INLINE void load_words(__m128i w[STREAMS], const uint8_t *in, int group)
{
    const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    EACH(w[i] = _mm_shuffle_epi8(load(in + 64 * i + 16 * group), swap));
}

#define ALL_ROUNDS()                    \
    ROUNDS(w0, k4(0));                  \
    ROUNDS(w1, k4(4));                  \
    ROUNDS(w2, k4(8));                  \
    ROUNDS(w3, k4(12));                 \
    for (int t = 16; t < 64; t += 16) { \
        SCHEDULE(w0, w1, w2, w3);       \
        ROUNDS(w0, k4(t));              \
        SCHEDULE(w1, w2, w3, w0);       \
        ROUNDS(w1, k4(t + 4));          \
        SCHEDULE(w2, w3, w0, w1);       \
        ROUNDS(w2, k4(t + 8));          \
        SCHEDULE(w3, w0, w1, w2);       \
        ROUNDS(w3, k4(t + 12));         \
    }

TARGET static void hash4(uint8_t out[32 * STREAMS], const uint8_t in[64 * STREAMS])
{
    __m128i a[STREAMS], c[STREAMS], saved_a[STREAMS], saved_c[STREAMS];
    __m128i w0[STREAMS], w1[STREAMS], w2[STREAMS], w3[STREAMS];
    const __m128i iv_abef = state_abef(sha256_iv), iv_cdgh = state_cdgh(sha256_iv);
    load_words(w0, in, 0);
    load_words(w1, in, 1);
    load_words(w2, in, 2);
    load_words(w3, in, 3);
    EACH(a[i] = iv_abef; c[i] = iv_cdgh);
    ALL_ROUNDS();
    EACH(a[i] = _mm_add_epi32(a[i], iv_abef); c[i] = _mm_add_epi32(c[i], iv_cdgh);
         saved_a[i] = a[i]; saved_c[i] = c[i]);
    for (int t = 0; t < 64; t += 4) {
        ROUNDS_K(load(sha256_padding64_wk + t), load_half(sha256_padding64_wk + t + 2));
    }
    EACH(a[i] = _mm_add_epi32(a[i], saved_a[i]); c[i] = _mm_add_epi32(c[i], saved_c[i]);
         w0[i] = _mm_unpackhi_epi64(c[i], a[i]); /* D C B A from low to high */
         w1[i] = _mm_unpacklo_epi64(c[i], a[i]); /* H G F E */
         w0[i] = _mm_shuffle_epi32(w0[i], _MM_SHUFFLE(0, 1, 2, 3));
         w1[i] = _mm_shuffle_epi32(w1[i], _MM_SHUFFLE(0, 1, 2, 3));
         w2[i] = _mm_set_epi32(0, 0, 0, (int)0x80000000); w3[i] = _mm_set_epi32(256, 0, 0, 0);
         a[i] = iv_abef; c[i] = iv_cdgh);
    ALL_ROUNDS();
    const __m128i swap = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    EACH(a[i] = _mm_add_epi32(a[i], iv_abef); c[i] = _mm_add_epi32(c[i], iv_cdgh);
         w0[i] = _mm_shuffle_epi8(_mm_unpackhi_epi64(c[i], a[i]), swap);
         w1[i] = _mm_shuffle_epi8(_mm_unpacklo_epi64(c[i], a[i]), swap);
         _mm_storeu_si128((__m128i *)(out + 32 * i), w0[i]);
         _mm_storeu_si128((__m128i *)(out + 32 * i + 16), w1[i]));
}

TARGET static void hash_pairs(uint8_t *out, const uint8_t *in, size_t n)
{
    _mm256_zeroupper();
    for (; n >= STREAMS; n -= STREAMS, in += 64 * STREAMS, out += 32 * STREAMS)
        hash4(out, in);
    if (n) {
        uint8_t last_in[64 * STREAMS] = {0}, last_out[32 * STREAMS];
        memcpy(last_in, in, 64 * n);
        hash4(last_out, last_in);
        memcpy(out, last_out, 32 * n);
    }
}

/* ---- one block of each of four messages ---- */

TARGET static void blocks(uint32_t *state, const uint8_t *const *in)
{
    __m128i a[STREAMS], c[STREAMS];
    __m128i w0[STREAMS], w1[STREAMS], w2[STREAMS], w3[STREAMS];
    const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    uint32_t s[8];
    _mm256_zeroupper();
    EACH(w0[i] = _mm_shuffle_epi8(load(in[i]), swap);
         w1[i] = _mm_shuffle_epi8(load(in[i] + 16), swap);
         w2[i] = _mm_shuffle_epi8(load(in[i] + 32), swap);
         w3[i] = _mm_shuffle_epi8(load(in[i] + 48), swap));
    EACH(for (int k = 0; k < 8; k++) s[k] = state[k * STREAMS + i]; a[i] = state_abef(s);
         c[i] = state_cdgh(s));
    ALL_ROUNDS();
    /* A B E F and C D G H, from the high word to the low */
    EACH(uint32_t abef[4]; uint32_t cdgh[4]; _mm_storeu_si128((__m128i *)abef, a[i]);
         _mm_storeu_si128((__m128i *)cdgh, c[i]); for (int k = 0; k < 2; k++) {
             state[k * STREAMS + i] += abef[3 - k];
             state[(k + 2) * STREAMS + i] += cdgh[3 - k];
             state[(k + 4) * STREAMS + i] += abef[1 - k];
             state[(k + 6) * STREAMS + i] += cdgh[1 - k];
         });
}

static bool usable(void)
{
    unsigned eax, ebx, ecx, edx;
    bool sha = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx >> 29 & 1;
    return sha && __builtin_cpu_supports("avx");
}

const struct sha256_kernel sha256_kernel_shani = {"sha-ni", STREAMS,    usable,
                                                  scan,     hash_pairs, blocks};

#endif
