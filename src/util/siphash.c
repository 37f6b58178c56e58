/*
 * SipHash by Aumasson and Bernstein, after its paper: c rounds for each 8 bytes, d rounds at the
 * end.
 *
 * Short ids and filters are defined over the 2-4 form. The tables need a hash that an attacker who
 * does not know the key cannot make collide, and nothing more; the 1-3 form gives that at half the
 * cost, and is what other hash tables under attack (Rust's, Python's) use. One inlined body makes
 * both, with the counts of rounds as constants.
 */
#include "util/siphash.h"

#include "util/bytes.h"

static inline uint64_t rotl(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static inline void rounds(uint64_t v[4], int n)
{
    for (int i = 0; i < n; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] = rotl(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] = rotl(v[2], 32);
    }
}

static inline __attribute__((always_inline)) uint64_t
sip(uint64_t k0, uint64_t k1, const uint8_t *p, size_t len, int c, int d)
{
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    uint64_t last = (uint64_t)len << 56;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t m = get_le64(p);
        v[3] ^= m;
        rounds(v, c);
        v[0] ^= m;
    }
    if (len >= 4) {
        uint64_t high = 0;
        for (size_t i = 4; i < len; i++)
            high |= (uint64_t)p[i] << (8 * i);
        last |= high | get_le32(p);
    } else {
        for (size_t i = 0; i < len; i++)
            last |= (uint64_t)p[i] << (8 * i);
    }
    v[3] ^= last;
    rounds(v, c);
    v[0] ^= last;
    v[2] ^= 0xff;
    rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t siphash(uint64_t k0, uint64_t k1, const void *data, size_t len)
{
    return sip(k0, k1, data, len, 2, 4);
}

uint64_t siphash13(uint64_t k0, uint64_t k1, const void *data, size_t len)
{
    return sip(k0, k1, data, len, 1, 3);
}

uint64_t siphash13_hash(uint64_t k0, uint64_t k1, const uint8_t hash[32])
{
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    static const uint8_t before[4] = {3, 0, 1, 2}; /* which word of the state meets which of ours */

    for (int i = 0; i < 4; i++)
        v[before[i]] ^= get_le64(hash + 8 * i);
    rounds(v, 1);
    for (int i = 0; i < 4; i++)
        v[i] ^= get_le64(hash + 8 * i);
    v[2] ^= 0x6465646461706e75; /* "unpadded" */
    rounds(v, 3);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
