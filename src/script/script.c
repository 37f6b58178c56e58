/*
 * Scripts as bytes.
 *
 * A script is a view of bytes and nothing here copies one. Walking goes through `struct
 * script_iter`, which never reads past the end: the one failure it knows is a push that promises
 * more bytes than there are, and it tells that apart from the end. Everything that looks into a
 * script (the interpreter, the templates, the counts of signature operations) walks with it, so a
 * script is cut into operations in one place only.
 *
 * Rejected: a parsed form (array of operations) kept beside the bytes. Most scripts are walked
 * once, and the signature hashes need the bytes.
 */
#include "script/script.h"

/* ---- walking ---- */

void script_iter_init(struct script_iter *it, struct span script)
{
    it->p = script.data;
    it->end = script.len > 0 ? script.data + script.len : script.data; /* NULL + 0 is undefined */
}

static bool read_push_len(struct script_iter *it, uint8_t op, size_t *len)
{
    size_t width = op < OP_PUSHDATA1 ? 0 : op == OP_PUSHDATA1 ? 1 : op == OP_PUSHDATA2 ? 2 : 4;
    if ((size_t)(it->end - it->p) < width)
        return false;
    *len = op;
    if (width > 0) {
        *len = 0;
        for (size_t i = 0; i < width; i++)
            *len |= (size_t)it->p[i] << (8 * i);
    }
    it->p += width;
    return (size_t)(it->end - it->p) >= *len;
}

bool script_next(struct script_iter *it, uint8_t *op, struct span *push)
{
    *push = span_of(NULL, 0);
    if (it->p == it->end)
        return false;
    const uint8_t *start = it->p;
    *op = *it->p++;
    if (*op > OP_PUSHDATA4)
        return true;
    size_t len;
    if (!read_push_len(it, *op, &len)) {
        it->p = start; /* stays in front of the bad push: script_iter_done() is false */
        return false;
    }
    *push = span_of(it->p, len);
    it->p += len;
    return true;
}

bool script_iter_done(const struct script_iter *it)
{
    return it->p == it->end;
}

bool script_is_push_only(struct span script)
{
    struct script_iter it;
    struct span push;
    uint8_t op;
    script_iter_init(&it, script);
    while (script_next(&it, &op, &push)) {
        if (op > OP_16)
            return false;
    }
    return script_iter_done(&it);
}

bool script_has_valid_ops(struct span script)
{
    struct script_iter it;
    struct span push;
    uint8_t op;
    script_iter_init(&it, script);
    while (script_next(&it, &op, &push)) {
        if (op > OP_NOP10 || push.len > MAX_SCRIPT_ELEMENT_SIZE)
            return false;
    }
    return script_iter_done(&it);
}

bool push_is_minimal(uint8_t op, struct span push)
{
    if (push.len == 0)
        return op == OP_0;
    if (push.len == 1 && ((push.data[0] >= 1 && push.data[0] <= 16) || push.data[0] == 0x81))
        return false; /* OP_1 to OP_16 and OP_1NEGATE do it without data */
    if (push.len < OP_PUSHDATA1)
        return op == push.len;
    if (push.len <= 0xff)
        return op == OP_PUSHDATA1;
    if (push.len <= 0xffff)
        return op == OP_PUSHDATA2;
    return true;
}

unsigned script_sigops(struct span script, bool accurate)
{
    struct script_iter it;
    struct span push;
    uint8_t op, last = OP_INVALIDOPCODE;
    unsigned n = 0;
    script_iter_init(&it, script);
    while (script_next(&it, &op, &push)) {
        if (op == OP_CHECKSIG || op == OP_CHECKSIGVERIFY) {
            n++;
        } else if (op == OP_CHECKMULTISIG || op == OP_CHECKMULTISIGVERIFY) {
            bool known = accurate && last >= OP_1 && last <= OP_16;
            n += known ? last - OP_1 + 1u : MAX_PUBKEYS_PER_MULTISIG;
        }
        last = op;
    }
    return n;
}

bool script_unspendable(struct span script)
{
    return (script.len > 0 && script.data[0] == OP_RETURN) || script.len > MAX_SCRIPT_SIZE;
}

bool script_is_p2sh(struct span script)
{
    return script.len == 23 && script.data[0] == OP_HASH160 && script.data[1] == 20 &&
           script.data[22] == OP_EQUAL;
}

bool script_is_witness_program(struct span script, int *version, struct span *program)
{
    if (script.len < 4 || script.len > 42 || script.data[1] + 2u != script.len)
        return false;
    uint8_t op = script.data[0];
    if (op != OP_0 && (op < OP_1 || op > OP_16))
        return false;
    *version = op == OP_0 ? 0 : op - OP_1 + 1;
    *program = span_of(script.data + 2, script.len - 2);
    return true;
}

bool script_is_anchor(struct span script)
{
    static const uint8_t anchor[4] = {OP_1, 2, 0x4e, 0x73};
    return span_eq(script, span_of(anchor, sizeof(anchor)));
}

bool script_last_push(struct span script, struct span *push)
{
    if (script.len == 0 || !script_is_push_only(script))
        return false;
    struct script_iter it;
    uint8_t op;
    script_iter_init(&it, script);
    struct span next;
    while (script_next(&it, &op, &next))
        *push = next;
    return true;
}

/* ---- building ---- */

void script_op(struct buf *b, enum opcode op)
{
    write_u8(b, (uint8_t)op);
}

void script_push(struct buf *b, const void *data, size_t len)
{
    if (len < OP_PUSHDATA1) {
        write_u8(b, (uint8_t)len);
    } else if (len <= 0xff) {
        write_u8(b, OP_PUSHDATA1);
        write_u8(b, (uint8_t)len);
    } else if (len <= 0xffff) {
        write_u8(b, OP_PUSHDATA2);
        write_u16(b, (uint16_t)len);
    } else {
        CHECK(len <= UINT32_MAX);
        write_u8(b, OP_PUSHDATA4);
        write_u32(b, (uint32_t)len);
    }
    write_bytes(b, data, len);
}

void script_push_span(struct buf *b, struct span s)
{
    script_push(b, s.data, s.len);
}

void script_push_int(struct buf *b, int64_t n)
{
    if (n == 0) {
        write_u8(b, OP_0);
    } else if (n == -1 || (n >= 1 && n <= 16)) {
        write_u8(b, (uint8_t)(OP_1 + n - 1));
    } else {
        uint8_t num[9];
        script_push(b, num, script_num_encode(num, n));
    }
}

/* ---- numbers ---- */

size_t script_num_encode(uint8_t out[9], int64_t n)
{
    uint64_t abs = n < 0 ? -(uint64_t)n : (uint64_t)n;
    size_t len = 0;
    for (; abs > 0; abs >>= 8)
        out[len++] = (uint8_t)abs;
    if (len > 0 && (out[len - 1] & 0x80))
        out[len++] = n < 0 ? 0x80 : 0x00;
    else if (n < 0)
        out[len - 1] |= 0x80;
    return len;
}

static bool num_is_minimal(struct span s)
{
    if (s.len == 0 || (s.data[s.len - 1] & 0x7f) != 0)
        return true;
    /* The last byte carries the sign only: needed where the one before it has its top bit set. */
    return s.len > 1 && (s.data[s.len - 2] & 0x80) != 0;
}

bool script_num_decode(struct span s, bool minimal, size_t max, int64_t *out)
{
    CHECK(max <= 8);
    if (s.len > max || (minimal && !num_is_minimal(s)))
        return false;
    uint64_t abs = 0;
    for (size_t i = 0; i < s.len; i++)
        abs |= (uint64_t)s.data[i] << (8 * i);
    *out = (int64_t)abs;
    if (s.len > 0 && (s.data[s.len - 1] & 0x80))
        *out = -(int64_t)(abs & ~(UINT64_C(0x80) << (8 * (s.len - 1))));
    return true;
}
