/*
 * Text of hashes and the null outpoint.
 *
 * A hash is shown as a 256-bit number, most significant digit first, while its bytes are kept in
 * the order in which SHA-256 makes them and the wire carries them: the two orders meet only here.
 */
#include "chain/hashes.h"

#include "util/bytes.h"

static void reverse32(uint8_t out[32], const uint8_t in[32])
{
    for (int i = 0; i < 32; i++)
        out[i] = in[31 - i];
}

char *hash_to_hex(char out[HASH_HEX_SIZE], const uint8_t b[32])
{
    uint8_t r[32];

    reverse32(r, b);
    return hex_encode(out, r, sizeof(r));
}

bool hash_from_hex(uint8_t b[32], const char *hex)
{
    uint8_t r[32];

    if (!hex_decode(r, sizeof(r), hex))
        return false;
    reverse32(b, r);
    return true;
}

bool outpoint_is_null(const struct outpoint *o)
{
    static const struct txid zero;

    return o->n == UINT32_MAX && txid_eq(&o->txid, &zero);
}
