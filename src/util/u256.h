/* 256-bit unsigned integers, for targets and chain work. Four 64-bit limbs, least significant
 * first. */
#ifndef MITE_UTIL_U256_H
#define MITE_UTIL_U256_H

#include <stdbool.h>
#include <stdint.h>

struct u256 {
    uint64_t w[4];
};

struct u256 u256_from_u64(uint64_t v);
/* From and to 32 bytes, little-endian (the byte order of a hash in memory). */
struct u256 u256_from_le(const uint8_t b[32]);
void u256_to_le(uint8_t b[32], struct u256 a);
/* Big-endian hex of up to 64 digits ("00..0a3f"); false where it is not that. */
bool u256_from_hex(struct u256 *out, const char *hex);
char *u256_to_hex(char out[65], struct u256 a); /* 64 digits, big-endian */

int u256_cmp(struct u256 a, struct u256 b);
bool u256_is_zero(struct u256 a);
struct u256 u256_add(struct u256 a, struct u256 b); /* modulo 2^256, as all below */
struct u256 u256_sub(struct u256 a, struct u256 b);
struct u256 u256_mul_u64(struct u256 a, uint64_t b);
struct u256 u256_div(struct u256 a, struct u256 b); /* b must not be 0 */
struct u256 u256_shl(struct u256 a, unsigned n);
struct u256 u256_shr(struct u256 a, unsigned n);
struct u256 u256_not(struct u256 a);
unsigned u256_bits(struct u256 a); /* position of the highest set bit plus one; 0 for 0 */
double u256_to_double(struct u256 a);

#endif
