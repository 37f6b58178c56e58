/*
 * The bounded reader: a sequence of reads, each chosen by a byte, over the rest of the input. It
 * never goes past the end, its failure stays, and CompactSize and VARINT have one form only.
 */
#include "fuzz.h"
#include "util/bytes.h"

static void check_number(struct reader *r, bool compact)
{
    const uint8_t *start = reader_pos(r);
    uint64_t v = compact ? read_compact(r, UINT64_MAX) : read_varint(r);
    if (!reader_ok(r)) {
        CHECK(v == 0);
        return;
    }
    struct buf b = BUF_INIT;
    if (compact)
        write_compact(&b, v);
    else
        write_varint(&b, v);
    CHECK(span_eq(buf_span(&b), span_of(start, (size_t)(reader_pos(r) - start))));
    CHECK(!compact || compact_size(v) == b.len);
    buf_clear(&b);
}

static void one_read(struct reader *r, uint8_t what)
{
    uint8_t out[64];
    struct span s;
    switch (what % 8) {
    case 0: read_u16(r); return;
    case 1: read_u32be(r); return;
    case 2: read_u64(r); return;
    case 3: check_number(r, true); return;
    case 4: check_number(r, false); return;
    case 5: read_bytes(r, out, what / 8); return;
    case 6: s = read_span(r, what); break;
    default: s = read_var_span(r, 300); break;
    }
    CHECK(reader_ok(r) || s.len == 0);
    CHECK(s.len <= 300);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r;
    reader_init(&r, data, size);
    while (reader_ok(&r) && reader_left(&r) > 0) {
        size_t left = reader_left(&r);
        one_read(&r, read_u8(&r));
        CHECK(reader_left(&r) < left);
    }
    if (!reader_ok(&r)) {
        CHECK(read_u64(&r) == 0 && !reader_ok(&r) && !reader_done(&r));
        CHECK(read_span(&r, 1).len == 0);
    }
    return 0;
}
