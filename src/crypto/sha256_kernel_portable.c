/*
 * The SHA-256 kernel for any processor: four lanes in the compiler's 128-bit vectors, which every
 * 64-bit processor has registers for, and which become plain code where it has not.
 */
#include <stdbool.h>

#define LANES 4
#define TARGET
#define KERNEL sha256_kernel_portable
#define NAME   "portable"

static bool usable(void)
{
    return true;
}

#include "crypto/sha256_lanes.h"
