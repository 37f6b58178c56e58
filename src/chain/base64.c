/* Base64 (RFC 4648, with padding), strict: the one text of some bytes is the only one accepted. */
#include "chain/address.h"
#include "util/mem.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t len)
{
    const uint8_t *in = data;
    char *text = xmalloc((len + 2) / 3 * 4 + 1), *p = text;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)in[i] << 16 | (n > 1 ? in[i + 1] << 8 : 0) | (n > 2 ? in[i + 2] : 0);

        *p++ = digits[v >> 18];
        *p++ = digits[v >> 12 & 63];
        *p++ = n > 1 ? digits[v >> 6 & 63] : '=';
        *p++ = n > 2 ? digits[v & 63] : '=';
    }
    *p = '\0';
    return text;
}

static int digit_of(char c)
{
    const char *p = c ? strchr(digits, c) : NULL;

    return p ? (int)(p - digits) : -1;
}

bool base64_decode(const char *s, struct buf *out)
{
    size_t len = strlen(s), before = out->len;
    uint32_t acc = 0;
    unsigned bits = 0;

    if (len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && len > 0 && s[len - 1] == '='; i++)
        len--;
    for (size_t i = 0; i < len; i++) {
        int d = digit_of(s[i]);

        if (d < 0) {
            out->len = before;
            return false;
        }
        acc = (acc << 6 | (uint32_t)d) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            write_u8(out, acc >> bits & 0xff);
        }
    }
    if (bits >= 6 || (acc & ((1u << bits) - 1)) != 0) {
        out->len = before;
        return false;
    }
    return true;
}
