/*
 * The ChaCha20 keystream (RFC 8439) with nonce and counter zero: what MuHash makes an element of.
 *
 * Six blocks for each coin of a snapshot, with a new key each time: OpenSSL's set-up by EVP costs
 * more than the blocks. Eight blocks are computed side by side in vectors of the compiler's (each
 * element of a vector is one block), which become whatever the target has.
 */
#include "crypto/aes.h"
#include "util/bytes.h"

enum { LANES = 8 };

#define INLINE static inline __attribute__((always_inline))

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

/* x = (x ^ y) rotated. By pointers: passing such vectors by value depends on the target. */
INLINE void mix(lanes *x, const lanes *y, int n)
{
    lanes v = *x ^ *y;
    *x = v << n | v >> (32 - n);
}

INLINE void quarter(lanes *a, lanes *b, lanes *c, lanes *d)
{
    *a += *b;
    mix(d, a, 16);
    *c += *d;
    mix(b, c, 12);
    *a += *b;
    mix(d, a, 8);
    *c += *d;
    mix(b, c, 7);
}

/* Blocks first .. first + 7 of the stream. */
INLINE void blocks(uint32_t out[LANES][16], const uint32_t init[16], uint32_t first)
{
    lanes start[16], x[16];
    for (int i = 0; i < 16; i++)
        start[i] = (lanes){0} + init[i];
    start[12] = (lanes){0, 1, 2, 3, 4, 5, 6, 7} + first;
    memcpy(x, start, sizeof(x));
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 4; k++)
            quarter(&x[k], &x[4 + k], &x[8 + k], &x[12 + k]);
        for (int k = 0; k < 4; k++)
            quarter(&x[k], &x[4 + (k + 1) % 4], &x[8 + (k + 2) % 4], &x[12 + (k + 3) % 4]);
    }
    uint32_t words[16][LANES];
    for (int i = 0; i < 16; i++) {
        x[i] += start[i];
        memcpy(words[i], &x[i], sizeof(x[i]));
    }
    for (int lane = 0; lane < LANES; lane++) {
        for (int i = 0; i < 16; i++)
            out[lane][i] = words[i][lane];
    }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void blocks_avx2(uint32_t out[LANES][16],
                                                        const uint32_t init[16], uint32_t first)
{
    blocks(out, init, first);
}
#endif

static void blocks_best(uint32_t out[LANES][16], const uint32_t init[16], uint32_t first)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        blocks_avx2(out, init, first);
        return;
    }
#endif
    blocks(out, init, first);
}

void chacha20_keystream(uint8_t *out, size_t len, const uint8_t key[32])
{
    uint32_t init[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(init + 4, key, 32);
    for (uint32_t first = 0; len; first += LANES) {
        uint32_t stream[LANES][16];
        size_t n = len < sizeof(stream) ? len : sizeof(stream);
        blocks_best(stream, init, first);
        memcpy(out, stream, n);
        out += n;
        len -= n;
    }
}
