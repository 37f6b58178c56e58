/*
 * Scripts as text, the way RPC's "asm" fields show them.
 *
 * The form is an interface: pushes of at most four bytes are shown as the number that they would
 * be, longer ones in hex, and all other operations by name. It is for people; it cannot be read
 * back without loss (a push of 0x0100 and one of 0x01 look the same), so there is no parser here.
 * In scriptSigs a push that has the form of a signature is shown with the name of its hash type.
 */
#include <inttypes.h>

#include "script/script.h"
#include "script/verify.h"

const char *opcode_name(uint8_t op)
{
    static const char *const names[256] = {
#define X(value, id, name) [value] = (name),
        OPCODES(X)
#undef X
    };
    return names[op] ? names[op] : "OP_UNKNOWN";
}

static const char *hash_type_name(uint8_t hash_type)
{
    switch (hash_type) {
    case SIGHASH_ALL: return "ALL";
    case SIGHASH_ALL | SIGHASH_ANYONECANPAY: return "ALL|ANYONECANPAY";
    case SIGHASH_NONE: return "NONE";
    case SIGHASH_NONE | SIGHASH_ANYONECANPAY: return "NONE|ANYONECANPAY";
    case SIGHASH_SINGLE: return "SINGLE";
    case SIGHASH_SINGLE | SIGHASH_ANYONECANPAY: return "SINGLE|ANYONECANPAY";
    }
    return NULL;
}

static void write_hex(struct buf *b, struct span s)
{
    buf_reserve(b, 2 * s.len + 1);
    hex_encode((char *)b->data + b->len, s.data, s.len);
    b->len += 2 * s.len;
}

static void write_push(struct buf *b, struct span push, bool sighash_decode)
{
    if (push.len <= 4) {
        int64_t n;
        CHECK(script_num_decode(push, false, 4, &n));
        write_printf(b, "%" PRId64, n);
        return;
    }
    const char *type = NULL;
    if (sighash_decode && sig_is_strict_der(push))
        type = hash_type_name(push.data[push.len - 1]);
    if (type)
        push.len--;
    write_hex(b, push);
    if (type)
        write_printf(b, "[%s]", type);
}

char *script_to_asm(struct span script, bool sighash_decode)
{
    struct buf b = BUF_INIT;
    struct script_iter it;
    struct span push;
    uint8_t op;
    bool decode = sighash_decode && !script_unspendable(script);
    script_iter_init(&it, script);
    while (script_next(&it, &op, &push)) {
        if (b.len > 0)
            write_u8(&b, ' ');
        if (op <= OP_PUSHDATA4)
            write_push(&b, push, decode);
        else
            write_bytes(&b, opcode_name(op), strlen(opcode_name(op)));
    }
    if (!script_iter_done(&it))
        write_printf(&b, "%s[error]", b.len > 0 ? " " : "");
    write_u8(&b, 0);
    return (char *)buf_take(&b, NULL);
}
