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

void reader_init(struct reader *r, const void *data, size_t len);
bool reader_ok(const struct reader *r) MUST_USE;
/* True where all was read and nothing failed: the usual last question of a parser. */
bool reader_done(const struct reader *r) MUST_USE;
size_t reader_left(const struct reader *r);
/* The place where the reader stands: valid until the data goes; for taking spans of what was read. */
const uint8_t *reader_pos(const struct reader *r);
void reader_fail(struct reader *r);

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
int32_t read_i32(struct reader *r);
int64_t read_i64(struct reader *r);
uint16_t read_u16be(struct reader *r);
uint32_t read_u32be(struct reader *r);
/* CompactSize in its shortest form; larger than `max` or not shortest fails. */
uint64_t read_compact(struct reader *r, uint64_t max);
/* Core's VARINT (base 128, most significant first, no redundancy), as its databases use it. */
uint64_t read_varint(struct reader *r);
/* Copies `len` bytes; zeros on failure. */
void read_bytes(struct reader *r, void *out, size_t len);
/* A view of the next `len` bytes; empty on failure. */
struct span read_span(struct reader *r, size_t len);
/* CompactSize length (at most `max`), then that many bytes. */
struct span read_var_span(struct reader *r, size_t max);

/* ---- buffer ---- */

struct buf {
    uint8_t *data;
    size_t len, cap;
};

#define BUF_INIT {NULL, 0, 0}
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
