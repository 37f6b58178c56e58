/*
 * Bytes: views, a bounded reader, a growing buffer, hex, and fixed-width integers.
 *
 * All parsing of what a peer, a file or a caller sent goes through `struct reader`. Its failure is
 * sticky: after the first read past the end, or the first bad encoding, every further read gives
 * zeros (or empty views) and reader_ok() is false, so a parser reads a whole structure and asks
 * once at the end. Nobody touches its pointer.
 */
#ifndef MITE_UTIL_BYTES_H
#define MITE_UTIL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/check.h"

/* A view of bytes that somebody else owns. */
struct span {
    const uint8_t *data;
    size_t len;
};

static inline struct span span_of(const void *data, size_t len)
{
    return (struct span){data, len};
}
static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline uint16_t get_le16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint32_t get_le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint64_t get_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint16_t get_be16(const uint8_t *p)
{
    return __builtin_bswap16(get_le16(p));
}
static inline uint32_t get_be32(const uint8_t *p)
{
    return __builtin_bswap32(get_le32(p));
}
static inline uint64_t get_be64(const uint8_t *p)
{
    return __builtin_bswap64(get_le64(p));
}
static inline void put_le16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, sizeof(v));
}
static inline void put_le32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}
static inline void put_le64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}
static inline void put_be16(uint8_t *p, uint16_t v)
{
    put_le16(p, __builtin_bswap16(v));
}
static inline void put_be32(uint8_t *p, uint32_t v)
{
    put_le32(p, __builtin_bswap32(v));
}
static inline void put_be64(uint8_t *p, uint64_t v)
{
    put_le64(p, __builtin_bswap64(v));
}

/* ---- reader ---- */

struct reader {
    const uint8_t *p;
    size_t left;
    bool failed;
};

static inline void reader_init(struct reader *r, const void *data, size_t len)
{
    r->p = data;
    r->left = len;
    r->failed = false;
}
static inline MUST_USE bool reader_ok(const struct reader *r)
{
    return !r->failed;
}
/* True where all was read and nothing failed: the usual last question of a parser. */
static inline MUST_USE bool reader_done(const struct reader *r)
{
    return !r->failed && r->left == 0;
}
static inline size_t reader_left(const struct reader *r)
{
    return r->left;
}
/* The place where the reader stands: valid until the data goes; for taking spans of what was read.
 */
static inline const uint8_t *reader_pos(const struct reader *r)
{
    return r->p;
}
/* Nothing is left of a reader that failed, so whoever loops on what is left ends. */
static inline void reader_fail(struct reader *r)
{
    r->failed = true;
    r->left = 0;
}
/* A view of the next `len` bytes; empty on failure. */
static inline struct span read_span(struct reader *r, size_t len)
{
    if (r->left < len) {
        reader_fail(r);
        return (struct span){NULL, 0};
    }
    struct span s = {r->p, len};
    if (len) {
        r->p += len;
        r->left -= len;
    }
    return s;
}
/* Copies `len` bytes; zeros on failure. */
static inline void read_bytes(struct reader *r, void *out, size_t len)
{
    struct span s = read_span(r, len);
    if (len == 0)
        return;
    if (s.data)
        memcpy(out, s.data, len);
    else
        memset(out, 0, len);
}

static inline uint8_t read_u8(struct reader *r)
{
    uint8_t v;
    read_bytes(r, &v, sizeof(v));
    return v;
}
static inline uint16_t read_u16(struct reader *r)
{
    uint16_t v;
    read_bytes(r, &v, sizeof(v));
    return v;
}
static inline uint32_t read_u32(struct reader *r)
{
    uint32_t v;
    read_bytes(r, &v, sizeof(v));
    return v;
}
static inline uint64_t read_u64(struct reader *r)
{
    uint64_t v;
    read_bytes(r, &v, sizeof(v));
    return v;
}
static inline int32_t read_i32(struct reader *r)
{
    return (int32_t)read_u32(r);
}
static inline int64_t read_i64(struct reader *r)
{
    return (int64_t)read_u64(r);
}
static inline uint16_t read_u16be(struct reader *r)
{
    return __builtin_bswap16(read_u16(r));
}
static inline uint32_t read_u32be(struct reader *r)
{
    return __builtin_bswap32(read_u32(r));
}
/* CompactSize in its shortest form; larger than `max` or not shortest fails. */
uint64_t read_compact(struct reader *r, uint64_t max);
/* Core's VARINT (base 128, most significant first, no redundancy), as its databases use it. */
uint64_t read_varint(struct reader *r);
/* CompactSize length (at most `max`), then that many bytes. */
struct span read_var_span(struct reader *r, size_t max);

/* ---- buffer ---- */

struct buf {
    uint8_t *data;
    size_t len, cap;
};

#define BUF_INIT   \
    {              \
        NULL, 0, 0 \
    }
void buf_init(struct buf *b);
void buf_clear(struct buf *b); /* frees; the buffer is empty and usable again */
void buf_reset(struct buf *b); /* length 0, memory kept */
void buf_reserve(struct buf *b, size_t more);
/* Hands the memory to the caller (free()); the buffer is empty again. */
uint8_t *buf_take(struct buf *b, size_t *len);
struct span buf_span(const struct buf *b);

void write_u8(struct buf *b, uint8_t v);
void write_u16(struct buf *b, uint16_t v);
void write_u32(struct buf *b, uint32_t v);
void write_u64(struct buf *b, uint64_t v);
void write_u16be(struct buf *b, uint16_t v);
void write_u32be(struct buf *b, uint32_t v);
void write_compact(struct buf *b, uint64_t v);
void write_varint(struct buf *b, uint64_t v);
void write_bytes(struct buf *b, const void *data, size_t len);
void write_span(struct buf *b, struct span s);
void write_var_span(struct buf *b, struct span s); /* CompactSize length, then the bytes */
void write_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
size_t compact_size(uint64_t v); /* bytes that write_compact takes */

/* ---- hex ---- */

/* Lower-case hex of `len` bytes into `out`, which holds 2 * len + 1. Returns out. */
char *hex_encode(char *out, const void *data, size_t len);
char *hex_dup(const void *data, size_t len); /* the same, in memory that the caller frees */
/* Exactly 2 * len hex digits of `hex` (upper or lower case, nothing else) into out. */
bool hex_decode(uint8_t *out, size_t len, const char *hex) MUST_USE;
/* Any even number of hex digits, appended to b. False (b unchanged) where it is not hex. */
bool hex_read(struct buf *b, const char *hex) MUST_USE;
bool is_hex(const char *s); /* even number of digits, at least two */

#endif
