/*
 * Operations that look into elements: comparison, arithmetic, hashes and the two time locks.
 *
 * Numbers are read from at most four bytes, so sums of two fit in int64_t and may be pushed with
 * five; such a result cannot be read as a number again, which the rules want. The time locks read
 * five bytes, since a lock time reaches beyond 2^31.
 */
#include "script/exec.h"

static enum script_error replace(struct exec *x, size_t n, struct elem e)
{
    stack_drop(x->stack, n);
    stack_push(x->stack, e);
    return SCRIPT_ERR_OK;
}

static bool num_of(const struct exec *x, size_t i, size_t max, int64_t *out)
{
    bool minimal = (x->v->flags & SCRIPT_VERIFY_MINIMALDATA) != 0;
    return script_num_decode(elem_span(stack_top(x->stack, i)), minimal, max, out);
}

bool exec_num(const struct exec *x, size_t i, int64_t *out)
{
    return num_of(x, i, 4, out);
}

enum script_error exec_result(struct exec *x, bool ok, bool verify, enum script_error err)
{
    if (verify && !ok)
        return err;
    if (!verify)
        stack_push(x->stack, elem_bool(ok));
    return SCRIPT_ERR_OK;
}

enum script_error op_size(struct exec *x, uint8_t op)
{
    (void)op;
    stack_push(x->stack, elem_num(stack_top(x->stack, 1)->len));
    return SCRIPT_ERR_OK;
}

enum script_error op_equal(struct exec *x, uint8_t op)
{
    bool eq = span_eq(elem_span(stack_top(x->stack, 1)), elem_span(stack_top(x->stack, 2)));
    stack_drop(x->stack, 2);
    return exec_result(x, eq, op == OP_EQUALVERIFY, SCRIPT_ERR_EQUALVERIFY);
}

enum script_error op_unary(struct exec *x, uint8_t op)
{
    int64_t n;
    if (!exec_num(x, 1, &n))
        return SCRIPT_ERR_SCRIPTNUM;
    switch (op) {
    case OP_1ADD: n++; break;
    case OP_1SUB: n--; break;
    case OP_NEGATE: n = -n; break;
    case OP_ABS: n = n < 0 ? -n : n; break;
    case OP_NOT: n = n == 0; break;
    case OP_0NOTEQUAL: n = n != 0; break;
    default: CHECK(!"unary operation");
    }
    return replace(x, 1, elem_num(n));
}

static int64_t binary(uint8_t op, int64_t a, int64_t b)
{
    switch (op) {
    case OP_ADD: return a + b;
    case OP_SUB: return a - b;
    case OP_BOOLAND: return a != 0 && b != 0;
    case OP_BOOLOR: return a != 0 || b != 0;
    case OP_NUMEQUAL:
    case OP_NUMEQUALVERIFY: return a == b;
    case OP_NUMNOTEQUAL: return a != b;
    case OP_LESSTHAN: return a < b;
    case OP_GREATERTHAN: return a > b;
    case OP_LESSTHANOREQUAL: return a <= b;
    case OP_GREATERTHANOREQUAL: return a >= b;
    case OP_MIN: return a < b ? a : b;
    case OP_MAX: return a > b ? a : b;
    }
    CHECK(!"binary operation");
    return 0;
}

enum script_error op_binary(struct exec *x, uint8_t op)
{
    int64_t a, b;
    if (!exec_num(x, 2, &a) || !exec_num(x, 1, &b))
        return SCRIPT_ERR_SCRIPTNUM;
    int64_t n = binary(op, a, b);
    if (op != OP_NUMEQUALVERIFY)
        return replace(x, 2, elem_num(n));
    stack_drop(x->stack, 2);
    return exec_result(x, n != 0, true, SCRIPT_ERR_NUMEQUALVERIFY);
}

enum script_error op_within(struct exec *x, uint8_t op)
{
    (void)op;
    int64_t n, min, max;
    if (!exec_num(x, 3, &n) || !exec_num(x, 2, &min) || !exec_num(x, 1, &max))
        return SCRIPT_ERR_SCRIPTNUM;
    return replace(x, 3, elem_bool(min <= n && n < max));
}

enum script_error op_hash(struct exec *x, uint8_t op)
{
    struct span s = elem_span(stack_top(x->stack, 1));
    uint8_t out[32];
    size_t len = op == OP_SHA256 || op == OP_HASH256 ? 32 : 20;
    switch (op) {
    case OP_RIPEMD160: ripemd160(out, s.data, s.len); break;
    case OP_SHA1: sha1(out, s.data, s.len); break;
    case OP_SHA256: sha256(out, s.data, s.len); break;
    case OP_HASH160: hash160(out, s.data, s.len); break;
    case OP_HASH256: sha256d(out, s.data, s.len); break;
    default: CHECK(!"hash operation");
    }
    return replace(x, 1, elem_copy(out, len));
}

/* ---- time locks ---- */

/* Reads the operand, which stays on the stack. */
static enum script_error lock_operand(const struct exec *x, int64_t *n)
{
    if (x->stack->n < 1)
        return SCRIPT_ERR_INVALID_STACK_OPERATION;
    if (!num_of(x, 1, 5, n))
        return SCRIPT_ERR_SCRIPTNUM;
    return *n < 0 ? SCRIPT_ERR_NEGATIVE_LOCKTIME : SCRIPT_ERR_OK;
}

/* BIP65. Both sides must be heights or both times, and the input must not be final, since a
 * transaction of final inputs ignores its lock time. */
enum script_error op_locktime(struct exec *x, uint8_t op)
{
    (void)op;
    if (!(x->v->flags & SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY))
        return SCRIPT_ERR_OK;
    int64_t n;
    enum script_error err = lock_operand(x, &n);
    if (err != SCRIPT_ERR_OK)
        return err;
    const struct tx *tx = x->v->c->tx;
    bool same_kind = (n < LOCKTIME_THRESHOLD) == (tx->lock_time < LOCKTIME_THRESHOLD);
    if (!same_kind || n > tx->lock_time || tx->in[x->v->in].sequence == SEQUENCE_FINAL)
        return SCRIPT_ERR_UNSATISFIED_LOCKTIME;
    return SCRIPT_ERR_OK;
}

/* BIP112. Of both numbers only the kind (blocks or time) and the low 16 bits count. */
enum script_error op_sequence(struct exec *x, uint8_t op)
{
    enum { DISABLE = 1u << 31, IS_TIME = 1u << 22, VALUE = 0xffff };
    (void)op;
    if (!(x->v->flags & SCRIPT_VERIFY_CHECKSEQUENCEVERIFY))
        return SCRIPT_ERR_OK;
    int64_t n;
    enum script_error err = lock_operand(x, &n);
    if (err != SCRIPT_ERR_OK || (n & DISABLE))
        return err;
    const struct tx *tx = x->v->c->tx;
    uint32_t have = tx->in[x->v->in].sequence, want = (uint32_t)n;
    if (tx->version < 2 || (have & DISABLE) || (have & IS_TIME) != (want & IS_TIME) ||
        (want & VALUE) > (have & VALUE))
        return SCRIPT_ERR_UNSATISFIED_LOCKTIME;
    return SCRIPT_ERR_OK;
}
