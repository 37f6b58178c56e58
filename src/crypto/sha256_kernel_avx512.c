/*
 * The SHA-256 kernel of sixteen lanes in AVX-512, which has a rotation and does any function of
 * three operands (Ch, Maj, XOR of three) in one instruction. gcc 12 does not find these by itself.
 */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>

/* The sums of a round are written in the order that makes the chain from round to round short;
 * gcc's own order cost a quarter of the speed here, and makes no difference with narrower vectors.
 */
#ifndef __clang__
#pragma GCC optimize("no-tree-reassoc")
#endif

#define LANES      16
#define TARGET     __attribute__((target("avx512f")))
#define KERNEL     sha256_kernel_avx512
#define NAME       "avx512"
#define ROTR(x, n) ((vec)_mm512_ror_epi32((__m512i)(x), n))
#define TERNARY(x, y, z, f) \
    ((vec)_mm512_ternarylogic_epi32((__m512i)(x), (__m512i)(y), (__m512i)(z), f))
#define XOR3(x, y, z) TERNARY(x, y, z, 0x96)
#define CH(x, y, z)   TERNARY(x, y, z, 0xca)
#define MAJ(x, y, z)  TERNARY(x, y, z, 0xe8)

static bool usable(void)
{
    return __builtin_cpu_supports("avx512f");
}

#include "crypto/sha256_lanes.h"

#endif
