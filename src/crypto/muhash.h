/* MuHash3072: a hash of a set that elements can join and leave in any order. As Core's "muhash". */
#ifndef MITE_CRYPTO_MUHASH_H
#define MITE_CRYPTO_MUHASH_H

#include <stddef.h>
#include <stdint.h>

/* Product of all elements added, product of all removed, modulo 2^3072 - 1103717. */
struct muhash {
    uint64_t num[48], den[48];
};

void muhash_init(struct muhash *m);
void muhash_add(struct muhash *m, const void *data, size_t len);
void muhash_remove(struct muhash *m, const void *data, size_t len);
void muhash_combine(struct muhash *m, const struct muhash *other); /* union of disjoint sets */
/* SHA-256 of the 384 bytes, little-endian, of num / den. m is left with den = 1. */
void muhash_final(struct muhash *m, uint8_t out[32]);
/* num and den as 384 little-endian bytes each: the form in which indexes store it. */
void muhash_write(const struct muhash *m, uint8_t out[768]);
void muhash_read(struct muhash *m, const uint8_t in[768]);

#endif
