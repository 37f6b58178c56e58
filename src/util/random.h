/* Randomness from the kernel's generator, buffered per thread; aborts where it fails. */
#ifndef MITE_UTIL_RANDOM_H
#define MITE_UTIL_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t len);
uint64_t random_u64(void);
/* Uniform in [0, n), n > 0. */
uint64_t random_below(uint64_t n);
/* Exponentially distributed with the given mean: the delays of a Poisson process. */
int64_t random_exp_us(int64_t mean_us);

#endif
