/* Hashes as distinct types, so that one is not passed for another. Bytes in the order of the wire;
 * text is their hex in reverse order, as the field shows them. */
#ifndef MITE_CHAIN_HASHES_H
#define MITE_CHAIN_HASHES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct txid {
    uint8_t b[32];
};
struct wtxid {
    uint8_t b[32];
};
struct block_hash {
    uint8_t b[32];
};

struct outpoint {
    struct txid txid;
    uint32_t n;
};

#define HASH_HEX_SIZE 65

/* 64 digits in display order (reversed) and back; false where `hex` is not exactly that. */
char *hash_to_hex(char out[HASH_HEX_SIZE], const uint8_t b[32]);
bool hash_from_hex(uint8_t b[32], const char *hex);

static inline bool txid_eq(const struct txid *a, const struct txid *b)
{
    return memcmp(a, b, 32) == 0;
}
static inline bool wtxid_eq(const struct wtxid *a, const struct wtxid *b)
{
    return memcmp(a, b, 32) == 0;
}
static inline bool block_hash_eq(const struct block_hash *a, const struct block_hash *b)
{
    return memcmp(a, b, 32) == 0;
}
static inline bool block_hash_is_zero(const struct block_hash *a)
{
    static const struct block_hash zero;
    return block_hash_eq(a, &zero);
}
static inline bool outpoint_eq(const struct outpoint *a, const struct outpoint *b)
{
    return txid_eq(&a->txid, &b->txid) && a->n == b->n;
}
/* The prevout of a coinbase: zero txid, n = 0xffffffff. */
bool outpoint_is_null(const struct outpoint *o);

#endif
