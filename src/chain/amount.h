/* Amounts, in satoshi (1e-8 of the unit), and feerates. */
#ifndef MITE_CHAIN_AMOUNT_H
#define MITE_CHAIN_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#define COIN      INT64_C(100000000)
#define MAX_MONEY (INT64_C(21000000) * COIN)

static inline bool money_range(int64_t v)
{
    return v >= 0 && v <= MAX_MONEY;
}
/* a + b into *out; false where a term or the sum is out of the range of money. */
bool amount_add(int64_t *out, int64_t a, int64_t b);
/* "-1.00000001": always eight decimals, as RPC prints them. */
char *amount_format(char out[32], int64_t v);
/* A decimal number (also with exponent, as JSON allows) of at most eight decimals, exact. */
bool amount_parse(int64_t *out, const char *s);

/* Satoshi per 1000 virtual bytes. Fee of `vsize`, rounded up (away from zero), as Core does. */
int64_t feerate_fee(int64_t sat_per_kvb, int64_t vsize);
/* Fee over size in sat/kvB, rounded down. */
int64_t feerate_of(int64_t fee, int64_t vsize);

#endif
