/*
 * Base58: the number that the bytes are, big-endian, in base 58 with an alphabet without look-alike
 * letters; each leading zero byte is a leading '1'. Base58Check adds the first four bytes of the
 * SHA-256d. Quadratic in the length, so decoding takes the largest length that makes sense and
 * gives up beyond it.
 */
#include <stdlib.h>

#include "chain/address.h"
#include "crypto/hash.h"
#include "util/mem.h"

#define CHECKSUM_SIZE 4

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

char *base58_encode(const uint8_t *data, size_t len)
{
    size_t zeros = 0, size = len * 138 / 100 + 1, used = 0;
    uint8_t *digits; /* least significant first */
    char *text, *p;

    while (zeros < len && data[zeros] == 0)
        zeros++;
    digits = xcalloc(size, 1);
    for (size_t i = zeros; i < len; i++) {
        unsigned carry = data[i];

        for (size_t k = 0; k < used || carry != 0; k++) {
            carry += 256u * digits[k];
            digits[k] = (uint8_t)(carry % 58);
            carry /= 58;
            if (k >= used)
                used = k + 1;
        }
    }
    text = p = xmalloc(zeros + used + 1);
    memset(p, '1', zeros);
    p += zeros;
    while (used > 0)
        *p++ = alphabet[digits[--used]];
    *p = '\0';
    free(digits);
    return text;
}

static int digit_of(char c)
{
    const char *p = c ? strchr(alphabet, c) : NULL;

    return p ? (int)(p - alphabet) : -1;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* bytes = bytes * 58 + digit, least significant first; false where more than `room` are needed. */
static bool push_digit(uint8_t *bytes, size_t *used, size_t room, int digit)
{
    unsigned carry = (unsigned)digit;

    for (size_t k = 0; k < *used || carry != 0; k++) {
        if (k >= room)
            return false;
        carry += 58u * (k < *used ? bytes[k] : 0);
        bytes[k] = (uint8_t)carry;
        carry >>= 8;
        if (k >= *used)
            *used = k + 1;
    }
    return true;
}

/* Blanks around the number are skipped, as Core does. */
bool base58_decode(const char *s, struct buf *out, size_t max)
{
    size_t zeros = 0, used = 0;
    uint8_t *bytes;
    bool ok = true;

    while (is_blank(*s))
        s++;
    for (; *s == '1'; s++)
        if (++zeros > max)
            return false;
    bytes = xmalloc(max + 1);
    for (; ok && *s && !is_blank(*s); s++)
        ok = digit_of(*s) >= 0 && push_digit(bytes, &used, max - zeros, digit_of(*s));
    while (is_blank(*s))
        s++;
    ok = ok && *s == '\0';
    if (ok) {
        for (size_t i = 0; i < zeros; i++)
            write_u8(out, 0);
        while (used > 0)
            write_u8(out, bytes[--used]);
    }
    free(bytes);
    return ok;
}

char *base58check_encode(const uint8_t *data, size_t len)
{
    struct buf b = BUF_INIT;
    uint8_t hash[32];
    char *text;

    sha256d(hash, data, len);
    write_bytes(&b, data, len);
    write_bytes(&b, hash, CHECKSUM_SIZE);
    text = base58_encode(b.data, b.len);
    wipe(b.data, b.len);
    buf_clear(&b);
    return text;
}

bool base58check_decode(const char *s, struct buf *out, size_t max)
{
    size_t before = out->len, len;
    uint8_t hash[32];

    if (!base58_decode(s, out, max + CHECKSUM_SIZE))
        return false;
    len = out->len - before;
    if (len >= CHECKSUM_SIZE) {
        out->len -= CHECKSUM_SIZE;
        sha256d(hash, out->data + before, len - CHECKSUM_SIZE);
        if (memcmp(hash, out->data + out->len, CHECKSUM_SIZE) == 0)
            return true;
    }
    if (len > 0)
        wipe(out->data + before, len);
    out->len = before;
    return false;
}
