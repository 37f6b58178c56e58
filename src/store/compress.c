/*
 * The compressed forms of amounts, scripts and coins, as the coins database and the undo files hold
 * them.
 *
 * An amount drops its trailing decimal zeros into an exponent. A script of one of six common forms
 * becomes its type and the hash or the x coordinate; any other is its length plus six, then its
 * bytes. An uncompressed public key is only taken apart where it is on the curve, since otherwise
 * it could not be put together again.
 *
 * A coin in the database is [VARINT(height * 2 + coinbase)][amount][script]. In undo data a zero
 * byte stands behind the height where the height is not 0: old versions kept the transaction's
 * version there.
 */
#include "crypto/key.h"
#include "script/script.h"
#include "store/coins.h"
#include "util/mem.h"

#define SPECIAL_SCRIPTS 6
#define SPECIAL_MAX     67

uint64_t amount_compress(uint64_t v)
{
    unsigned e = 0, d;

    if (v == 0)
        return 0;
    while (v % 10 == 0 && e < 9) {
        v /= 10;
        e++;
    }
    if (e == 9)
        return 1 + (v - 1) * 10 + 9;
    d = v % 10;
    v /= 10;
    return 1 + (v * 9 + d - 1) * 10 + e;
}

uint64_t amount_decompress(uint64_t v)
{
    unsigned e;
    uint64_t n;

    if (v == 0)
        return 0;
    v--;
    e = v % 10;
    v /= 10;
    if (e < 9) {
        n = v / 9 * 10 + v % 9 + 1;
    } else {
        n = v + 1;
    }
    while (e-- > 0)
        n *= 10;
    return n;
}

/* The compressed form of a script of a special type; 0 where it is of none. */
static size_t compress_special(uint8_t out[33], struct span s)
{
    const uint8_t *p = s.data;
    struct pubkey pk;

    if (s.len == 25 && p[0] == OP_DUP && p[1] == OP_HASH160 && p[2] == 20 &&
        p[23] == OP_EQUALVERIFY && p[24] == OP_CHECKSIG) {
        out[0] = 0;
        memcpy(out + 1, p + 3, 20);
        return 21;
    }
    if (s.len == 23 && p[0] == OP_HASH160 && p[1] == 20 && p[22] == OP_EQUAL) {
        out[0] = 1;
        memcpy(out + 1, p + 2, 20);
        return 21;
    }
    if (s.len == 35 && p[0] == 33 && p[34] == OP_CHECKSIG && (p[1] == 2 || p[1] == 3)) {
        memcpy(out, p + 1, 33);
        return 33;
    }
    if (s.len == 67 && p[0] == 65 && p[66] == OP_CHECKSIG && p[1] == 4 &&
        pubkey_from_bytes(&pk, p + 1, 65) && pubkey_valid(&pk)) {
        out[0] = 4 | (p[65] & 1);
        memcpy(out + 1, p + 2, 32);
        return 33;
    }
    return 0;
}

static void script_write(struct buf *b, struct span s)
{
    uint8_t special[33];
    size_t n = compress_special(special, s);

    if (n) {
        write_bytes(b, special, n);
        return;
    }
    write_varint(b, s.len + SPECIAL_SCRIPTS);
    write_span(b, s);
}

static size_t key_script(uint8_t *out, const uint8_t *key, size_t len)
{
    out[0] = len;
    memcpy(out + 1, key, len);
    out[len + 1] = OP_CHECKSIG;
    return len + 2;
}

/* Builds the script of a special type from its payload; 0 where there is none (a key that is not on
 * the curve). */
static size_t decompress_special(uint8_t out[SPECIAL_MAX], unsigned type, const uint8_t *payload)
{
    static const uint8_t p2pkh_head[] = {OP_DUP, OP_HASH160, 20};
    struct pubkey small, full;

    switch (type) {
    case 0:
        memcpy(out, p2pkh_head, 3);
        memcpy(out + 3, payload, 20);
        out[23] = OP_EQUALVERIFY;
        out[24] = OP_CHECKSIG;
        return 25;
    case 1:
        out[0] = OP_HASH160;
        out[1] = 20;
        memcpy(out + 2, payload, 20);
        out[22] = OP_EQUAL;
        return 23;
    case 2:
    case 3:
        small.data[0] = type;
        memcpy(small.data + 1, payload, 32);
        return key_script(out, small.data, 33);
    default:
        small.len = 33;
        small.data[0] = type - 2;
        memcpy(small.data + 1, payload, 32);
        if (!pubkey_decompress(&full, &small))
            return 0;
        return key_script(out, full.data, 65);
    }
}

/* Reads a script: a view of the input, or of `special`. One that is longer than any that can be
 * spent is replaced by a short one that cannot be spent either. */
static struct span script_read(struct reader *r, uint8_t special[SPECIAL_MAX])
{
    static const uint8_t unspendable[] = {OP_RETURN};
    uint64_t n = read_varint(r);
    struct span payload;

    if (n >= SPECIAL_SCRIPTS) {
        n -= SPECIAL_SCRIPTS;
        payload = read_span(r, n);
        return n > MAX_SCRIPT_SIZE ? span_of(unspendable, 1) : payload;
    }
    payload = read_span(r, n < 2 ? 20 : 32);
    if (!reader_ok(r))
        return payload;
    n = decompress_special(special, n, payload.data);
    if (n == 0)
        reader_fail(r);
    return span_of(special, n);
}

static void write_amount_and_script(struct buf *b, const struct tx_out *out)
{
    write_varint(b, amount_compress((uint64_t)out->value));
    script_write(b, out->script_pubkey);
}

void coin_write(struct buf *b, const struct coin *c)
{
    write_varint(b, (uint64_t)c->height * 2 + c->coinbase);
    write_amount_and_script(b, &c->out);
}

void coin_write_undo(struct buf *b, const struct coin *c)
{
    write_varint(b, (uint64_t)c->height * 2 + c->coinbase);
    if (c->height > 0)
        write_u8(b, 0);
    write_amount_and_script(b, &c->out);
}

static struct span read_coin(struct reader *r, struct coin *c, bool undo,
                             uint8_t special[SPECIAL_MAX])
{
    uint64_t code = read_varint(r);

    c->height = (uint32_t)(code >> 1);
    c->coinbase = code & 1;
    if (code >> 1 > INT32_MAX)
        reader_fail(r);
    if (undo && c->height > 0)
        (void)read_varint(r);
    c->out.value = (int64_t)amount_decompress(read_varint(r));
    return script_read(r, special);
}

bool coin_read(struct reader *r, struct coin *c, struct buf *memory)
{
    uint8_t special[SPECIAL_MAX];
    struct span s = read_coin(r, c, false, special);

    buf_reset(memory);
    if (!reader_ok(r))
        return false;
    write_span(memory, s);
    c->out.script_pubkey = buf_span(memory);
    return true;
}

static bool read_to_arena(struct reader *r, struct coin *c, bool undo, struct arena *memory)
{
    uint8_t special[SPECIAL_MAX];
    struct span s = read_coin(r, c, undo, special);

    if (!reader_ok(r))
        return false;
    c->out.script_pubkey = span_of(arena_memdup(memory, s.data, s.len), s.len);
    return true;
}

bool coin_read_arena(struct reader *r, struct coin *c, struct arena *memory)
{
    return read_to_arena(r, c, false, memory);
}

bool coin_read_undo(struct reader *r, struct coin *c, struct arena *memory)
{
    return read_to_arena(r, c, true, memory);
}
