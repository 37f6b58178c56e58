/* SipHash: a keyed hash. 2-4 for short ids (BIP152) and filters (BIP158), 1-3 for our tables. */
#ifndef MITE_UTIL_SIPHASH_H
#define MITE_UTIL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4: what BIP152 and BIP158 ask for. */
uint64_t siphash(uint64_t k0, uint64_t k1, const void *data, size_t len);
/* SipHash-1-3: for what never leaves the process. */
uint64_t siphash13(uint64_t k0, uint64_t k1, const void *data, size_t len);
/* The unpadded 1-3 form that takes a hash as one block of four words: keys of Core's transaction
 * index are made with it. */
uint64_t siphash13_hash(uint64_t k0, uint64_t k1, const uint8_t hash[32]);

#endif
