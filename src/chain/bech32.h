/* Private to chain/: the code behind bech32 and bech32m. */
#ifndef MITE_CHAIN_BECH32_H
#define MITE_CHAIN_BECH32_H

#include "chain/address.h"

#define BECH32_MAX_LEN       90
#define BECH32_CHECKSUM_SIZE 6

/* Remainder of hrp and values (checksum included) as BIP173 computes it: 1 for a good bech32
 * string, 0x2bc830a3 for bech32m. */
uint32_t bech32_residue(const char *hrp, const uint8_t *values, size_t n);
uint32_t bech32_constant(enum bech32_encoding enc);
int bech32_value(char c); /* of either case; -1 for none */
/* Where a string that bech32_decode() refused is probably wrong: static text and positions. The
 * text is empty where nothing is found wrong. */
void bech32_locate(const char *s, struct address_error *error);

#endif
