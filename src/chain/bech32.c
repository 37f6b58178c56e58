/*
 * Bech32 and bech32m (BIP173, BIP350): text of 5-bit groups with a BCH checksum of six characters
 * over the human-readable part and the groups. The two differ in the constant that a good string's
 * remainder equals. Either case, never mixed; at most 90 characters.
 */
#include "chain/bech32.h"

#include "util/mem.h"

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* One step of polynomial division in GF(32): chk * x + v modulo the generator. */
static uint32_t step(uint32_t chk, uint8_t v)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    uint32_t top = chk >> 25;

    chk = (chk & 0x1ffffff) << 5 ^ v;
    for (int i = 0; i < 5; i++)
        if (top >> i & 1)
            chk ^= generator[i];
    return chk;
}

uint32_t bech32_residue(const char *hrp, const uint8_t *values, size_t n)
{
    uint32_t chk = 1;

    for (const char *p = hrp; *p; p++)
        chk = step(chk, (uint8_t)*p >> 5);
    chk = step(chk, 0);
    for (const char *p = hrp; *p; p++)
        chk = step(chk, *p & 0x1f);
    for (size_t i = 0; i < n; i++)
        chk = step(chk, values[i]);
    return chk;
}

uint32_t bech32_constant(enum bech32_encoding enc)
{
    return enc == BECH32M ? 0x2bc830a3 : 1;
}

int bech32_value(char c)
{
    const char *p = c ? strchr(charset, to_lower(c)) : NULL;

    return p ? (int)(p - charset) : -1;
}

char *bech32_encode(enum bech32_encoding enc, const char *hrp, const uint8_t *values, size_t n)
{
    static const uint8_t zeros[BECH32_CHECKSUM_SIZE];
    struct buf b = BUF_INIT, text = BUF_INIT;
    uint32_t sum;

    write_bytes(&b, values, n);
    write_bytes(&b, zeros, sizeof(zeros));
    sum = bech32_residue(hrp, b.data, b.len) ^ bech32_constant(enc);
    for (int i = 0; i < BECH32_CHECKSUM_SIZE; i++)
        b.data[n + i] = sum >> 5 * (5 - i) & 31;
    write_bytes(&text, hrp, strlen(hrp));
    write_u8(&text, '1');
    for (size_t i = 0; i < b.len; i++)
        write_u8(&text, (uint8_t)charset[b.data[i]]);
    write_u8(&text, '\0');
    buf_clear(&b);
    return (char *)buf_take(&text, NULL);
}

/* Printable, and not of both cases. */
static bool characters_ok(const char *s)
{
    bool lower = false, upper = false;

    for (; *s; s++) {
        if (*s < 33 || *s > 126)
            return false;
        lower = lower || (*s >= 'a' && *s <= 'z');
        upper = upper || (*s >= 'A' && *s <= 'Z');
    }
    return !(lower && upper);
}

enum bech32_encoding bech32_decode(const char *s, char hrp[84], uint8_t *values, size_t max,
                                   size_t *n)
{
    size_t len = strlen(s), hrp_len, n_all;
    const char *separator = strrchr(s, '1');
    uint8_t all[BECH32_MAX_LEN];
    uint32_t residue;

    if (len > BECH32_MAX_LEN || !separator || !characters_ok(s))
        return BECH32_NONE;
    hrp_len = (size_t)(separator - s);
    n_all = len - hrp_len - 1;
    if (hrp_len == 0 || n_all < BECH32_CHECKSUM_SIZE || n_all - BECH32_CHECKSUM_SIZE > max)
        return BECH32_NONE;
    for (size_t i = 0; i < n_all; i++) {
        if (bech32_value(separator[1 + i]) < 0)
            return BECH32_NONE;
        all[i] = (uint8_t)bech32_value(separator[1 + i]);
    }
    for (size_t i = 0; i < hrp_len; i++)
        hrp[i] = to_lower(s[i]);
    hrp[hrp_len] = '\0';
    *n = n_all - BECH32_CHECKSUM_SIZE;
    memcpy(values, all, *n);
    residue = bech32_residue(hrp, all, n_all);
    if (residue == bech32_constant(BECH32))
        return BECH32;
    return residue == bech32_constant(BECH32M) ? BECH32M : BECH32_NONE;
}

bool convert_bits(uint8_t *out, size_t *n_out, unsigned to, const uint8_t *in, size_t n_in,
                  unsigned from, bool pad)
{
    unsigned bits = 0;
    uint32_t acc = 0, mask = (1u << to) - 1;

    *n_out = 0;
    for (size_t i = 0; i < n_in; i++) {
        acc = (acc << from | in[i]) & 0xffffff;
        bits += from;
        while (bits >= to) {
            bits -= to;
            out[(*n_out)++] = acc >> bits & mask;
        }
    }
    if (pad && bits > 0)
        out[(*n_out)++] = acc << (to - bits) & mask;
    return pad || (bits < from && (acc << (to - bits) & mask) == 0);
}
