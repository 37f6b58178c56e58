/*
 * Bytes: what of util/bytes.h is not inline.
 *
 * The fixed-width reads are in the header because a block is some hundred thousand of them and the
 * bounds check folds into its surroundings there. The variable-length numbers and the whole writing
 * side are here. A buffer grows by doubling; its length is our own, so running out of address space
 * is exhaustion of memory and aborts, where a reader that runs out of bytes merely fails.
 */
#include "util/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"

uint64_t read_compact(struct reader *r, uint64_t max)
{
    uint8_t first = read_u8(r);
    uint64_t v = first, least = 0;
    if (first == 0xfd) {
        v = read_u16(r);
        least = 0xfd;
    } else if (first == 0xfe) {
        v = read_u32(r);
        least = 0x10000;
    } else if (first == 0xff) {
        v = read_u64(r);
        least = 0x100000000;
    }
    if (v < least || v > max) {
        reader_fail(r);
        return 0;
    }
    return v;
}

uint64_t read_varint(struct reader *r)
{
    uint64_t v = 0;
    for (;;) {
        uint8_t byte = read_u8(r);
        if (v > UINT64_MAX >> 7) {
            reader_fail(r);
            return 0;
        }
        v = v << 7 | (byte & 0x7f);
        if (!(byte & 0x80))
            return r->failed ? 0 : v;
        if (v == UINT64_MAX) {
            reader_fail(r);
            return 0;
        }
        v++;
    }
}

struct span read_var_span(struct reader *r, size_t max)
{
    return read_span(r, read_compact(r, max));
}

/* ---- buffer ---- */

void buf_init(struct buf *b)
{
    *b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b)
{
    free(b->data);
    buf_init(b);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
}

void buf_reserve(struct buf *b, size_t more)
{
    if (more <= b->cap - b->len)
        return;
    CHECK(more <= SIZE_MAX - b->len);
    b->data = array_reserve(b->data, &b->cap, b->len + more, 1);
}

uint8_t *buf_take(struct buf *b, size_t *len)
{
    uint8_t *data = b->data;
    if (len)
        *len = b->len;
    buf_init(b);
    return data;
}

struct span buf_span(const struct buf *b)
{
    return (struct span){b->data, b->len};
}

void write_bytes(struct buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    buf_reserve(b, len);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

void write_u8(struct buf *b, uint8_t v)
{
    write_bytes(b, &v, sizeof(v));
}

void write_u16(struct buf *b, uint16_t v)
{
    write_bytes(b, &v, sizeof(v));
}

void write_u32(struct buf *b, uint32_t v)
{
    write_bytes(b, &v, sizeof(v));
}

void write_u64(struct buf *b, uint64_t v)
{
    write_bytes(b, &v, sizeof(v));
}

void write_u16be(struct buf *b, uint16_t v)
{
    write_u16(b, __builtin_bswap16(v));
}

void write_u32be(struct buf *b, uint32_t v)
{
    write_u32(b, __builtin_bswap32(v));
}

size_t compact_size(uint64_t v)
{
    if (v < 0xfd)
        return 1;
    if (v <= 0xffff)
        return 3;
    return v <= 0xffffffff ? 5 : 9;
}

void write_compact(struct buf *b, uint64_t v)
{
    switch (compact_size(v)) {
    case 1: write_u8(b, (uint8_t)v); return;
    case 3:
        write_u8(b, 0xfd);
        write_u16(b, (uint16_t)v);
        return;
    case 5:
        write_u8(b, 0xfe);
        write_u32(b, (uint32_t)v);
        return;
    }
    write_u8(b, 0xff);
    write_u64(b, v);
}

/* Made from the last byte to the first: each further one carries 7 bits of what is left minus 1. */
void write_varint(struct buf *b, uint64_t v)
{
    uint8_t bytes[10];
    size_t i = sizeof(bytes);
    bytes[--i] = v & 0x7f;
    while (v > 0x7f) {
        v = (v >> 7) - 1;
        bytes[--i] = 0x80 | (v & 0x7f);
    }
    write_bytes(b, bytes + i, sizeof(bytes) - i);
}

void write_span(struct buf *b, struct span s)
{
    write_bytes(b, s.data, s.len);
}

void write_var_span(struct buf *b, struct span s)
{
    write_compact(b, s.len);
    write_span(b, s);
}

void write_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    buf_reserve(b, (size_t)n + 1); /* for the NUL, which is not counted */
    va_start(ap, fmt);
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

/* ---- hex ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Number of hex digits that s begins with, at most max. */
static size_t hex_prefix(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && hex_digit(s[n]) >= 0)
        n++;
    return n;
}

static void hex_decode_checked(uint8_t *out, size_t len, const char *hex)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
}

char *hex_encode(char *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

char *hex_dup(const void *data, size_t len)
{
    CHECK(len <= SIZE_MAX / 4);
    return hex_encode(xmalloc(2 * len + 1), data, len);
}

bool hex_decode(uint8_t *out, size_t len, const char *hex)
{
    if (hex_prefix(hex, 2 * len) != 2 * len || hex[2 * len] != '\0')
        return false;
    hex_decode_checked(out, len, hex);
    return true;
}

bool hex_read(struct buf *b, const char *hex)
{
    size_t digits = hex_prefix(hex, SIZE_MAX);
    if (hex[digits] != '\0' || digits % 2 != 0)
        return false;
    buf_reserve(b, digits / 2);
    if (digits)
        hex_decode_checked(b->data + b->len, digits / 2, hex);
    b->len += digits / 2;
    return true;
}

bool is_hex(const char *s)
{
    size_t digits = hex_prefix(s, SIZE_MAX);
    return s[digits] == '\0' && digits >= 2 && digits % 2 == 0;
}
