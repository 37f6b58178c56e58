/* The SHA-256 kernel of eight lanes in AVX2: for processors without the SHA instructions. */
#if defined(__x86_64__)

#include <stdbool.h>

#define LANES  8
#define TARGET __attribute__((target("avx2")))
#define KERNEL sha256_kernel_avx2
#define NAME   "avx2"

static bool usable(void)
{
    return __builtin_cpu_supports("avx2");
}

#include "crypto/sha256_lanes.h"

#endif
