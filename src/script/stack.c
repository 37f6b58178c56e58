/*
 * The interpreter's stack, and the operations that only move elements about.
 *
 * Elements are small values (see exec.h), the first of them inside the struct, so most scripts run
 * without a single allocation. A stack that grows beyond moves to the heap once and doubles; its
 * size is bounded by the limit of 1,000 elements that is checked after each operation, and for
 * witness version 0, where that check comes only after the first one, by the witness itself.
 */
#include <stdlib.h>

#include "script/exec.h"
#include "util/mem.h"

void stack_init(struct stack *s)
{
    s->items = s->first;
    s->n = 0;
    s->cap = STACK_INLINE;
}

void stack_clear(struct stack *s)
{
    if (s->items != s->first)
        free(s->items);
    stack_init(s);
}

static void stack_reserve(struct stack *s, size_t need)
{
    if (need <= s->cap)
        return;
    size_t cap = s->cap * 2 > need ? s->cap * 2 : need;
    if (s->items == s->first) {
        s->items = xreallocarray(NULL, cap, sizeof(*s->items));
        memcpy(s->items, s->first, s->n * sizeof(*s->items));
    } else {
        s->items = xreallocarray(s->items, cap, sizeof(*s->items));
    }
    s->cap = cap;
}

void stack_copy(struct stack *out, const struct stack *s)
{
    stack_init(out);
    stack_reserve(out, s->n);
    memcpy(out->items, s->items, s->n * sizeof(*s->items));
    out->n = s->n;
}

struct elem *stack_top(struct stack *s, size_t i)
{
    CHECK(i >= 1 && i <= s->n);
    return &s->items[s->n - i];
}

void stack_push(struct stack *s, struct elem e)
{
    stack_reserve(s, s->n + 1);
    s->items[s->n++] = e;
}

void stack_drop(struct stack *s, size_t n)
{
    CHECK(n <= s->n);
    s->n -= n;
}

void stack_remove(struct stack *s, size_t i)
{
    struct elem *at = stack_top(s, i);
    memmove(at, at + 1, (i - 1) * sizeof(*at));
    s->n--;
}

void stack_insert(struct stack *s, size_t i, struct elem e)
{
    CHECK(i >= 1 && i <= s->n + 1);
    stack_reserve(s, s->n + 1);
    s->n++;
    struct elem *at = stack_top(s, i);
    memmove(at + 1, at, (i - 1) * sizeof(*at));
    *at = e;
}

/* ---- elements ---- */

struct elem elem_view(struct span s)
{
    return (struct elem){.len = (uint32_t)s.len, .is_view = true, .u.view = s.data};
}

struct elem elem_copy(const void *data, size_t len)
{
    CHECK(len <= ELEM_INLINE);
    struct elem e = {.len = (uint32_t)len};
    memcpy(e.u.own, data, len);
    return e;
}

struct elem elem_bool(bool v)
{
    return (struct elem){.len = v ? 1 : 0, .u.own = {1}};
}

struct elem elem_num(int64_t n)
{
    struct elem e = {.len = 0};
    e.len = (uint32_t)script_num_encode(e.u.own, n);
    return e;
}

struct span elem_span(const struct elem *e)
{
    return span_of(e->is_view ? e->u.view : e->u.own, e->len);
}

bool elem_true(const struct elem *e)
{
    struct span s = elem_span(e);
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] != 0)
            return i + 1 < s.len || s.data[i] != 0x80;
    }
    return false;
}

/* ---- operations ---- */

/* Copies the `n` elements that begin with the i-th from the top. */
static void dup_from(struct stack *s, size_t i, size_t n)
{
    for (size_t k = 0; k < n; k++)
        stack_push(s, *stack_top(s, i));
}

/* Moves the i-th element from the top to the top. */
static void roll(struct stack *s, size_t i)
{
    struct elem e = *stack_top(s, i);
    stack_remove(s, i);
    stack_push(s, e);
}

enum script_error op_toalt(struct exec *x, uint8_t op)
{
    (void)op;
    stack_push(&x->alt, *stack_top(x->stack, 1));
    stack_drop(x->stack, 1);
    return SCRIPT_ERR_OK;
}

enum script_error op_fromalt(struct exec *x, uint8_t op)
{
    (void)op;
    if (x->alt.n < 1)
        return SCRIPT_ERR_INVALID_ALTSTACK_OPERATION;
    stack_push(x->stack, *stack_top(&x->alt, 1));
    stack_drop(&x->alt, 1);
    return SCRIPT_ERR_OK;
}

enum script_error op_drop(struct exec *x, uint8_t op)
{
    stack_drop(x->stack, op == OP_2DROP ? 2 : 1);
    return SCRIPT_ERR_OK;
}

enum script_error op_dup(struct exec *x, uint8_t op)
{
    size_t n = op == OP_3DUP ? 3 : op == OP_2DUP ? 2 : 1;
    dup_from(x->stack, n, n);
    return SCRIPT_ERR_OK;
}

enum script_error op_over(struct exec *x, uint8_t op)
{
    (void)op;
    dup_from(x->stack, 2, 1);
    return SCRIPT_ERR_OK;
}

enum script_error op_2over(struct exec *x, uint8_t op)
{
    (void)op;
    dup_from(x->stack, 4, 2);
    return SCRIPT_ERR_OK;
}

enum script_error op_2rot(struct exec *x, uint8_t op)
{
    (void)op;
    roll(x->stack, 6);
    roll(x->stack, 6);
    return SCRIPT_ERR_OK;
}

enum script_error op_2swap(struct exec *x, uint8_t op)
{
    (void)op;
    roll(x->stack, 4);
    roll(x->stack, 4);
    return SCRIPT_ERR_OK;
}

/* OP_ROT and OP_SWAP */
enum script_error op_roll(struct exec *x, uint8_t op)
{
    roll(x->stack, op == OP_ROT ? 3 : 2);
    return SCRIPT_ERR_OK;
}

enum script_error op_ifdup(struct exec *x, uint8_t op)
{
    (void)op;
    if (elem_true(stack_top(x->stack, 1)))
        dup_from(x->stack, 1, 1);
    return SCRIPT_ERR_OK;
}

enum script_error op_depth(struct exec *x, uint8_t op)
{
    (void)op;
    stack_push(x->stack, elem_num((int64_t)x->stack->n));
    return SCRIPT_ERR_OK;
}

enum script_error op_nip(struct exec *x, uint8_t op)
{
    (void)op;
    stack_remove(x->stack, 2);
    return SCRIPT_ERR_OK;
}

enum script_error op_tuck(struct exec *x, uint8_t op)
{
    (void)op;
    stack_insert(x->stack, 3, *stack_top(x->stack, 1));
    return SCRIPT_ERR_OK;
}

/* OP_PICK and OP_ROLL */
enum script_error op_pick(struct exec *x, uint8_t op)
{
    int64_t n;
    if (!exec_num(x, 1, &n))
        return SCRIPT_ERR_SCRIPTNUM;
    stack_drop(x->stack, 1);
    if (n < 0 || (uint64_t)n >= x->stack->n)
        return SCRIPT_ERR_INVALID_STACK_OPERATION;
    if (op == OP_ROLL)
        roll(x->stack, (size_t)n + 1);
    else
        dup_from(x->stack, (size_t)n + 1, 1);
    return SCRIPT_ERR_OK;
}
