/* SipHash-2-4: the keyed hash of the tables, of short ids (BIP152) and of filters (BIP158). */
#ifndef MITE_UTIL_SIPHASH_H
#define MITE_UTIL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(uint64_t k0, uint64_t k1, const void *data, size_t len);

#endif
