/*
 * The interpreter: takes a script apart, obeys its conditions and limits, and calls one small
 * function an operation by a table.
 *
 * Order decides which error a script dies of, and the error is part of the interface, so the loop
 * does things in the order that the field settled on: size of a push, count of operations, disabled
 * operations (also where they would not execute), then execution, then the depth of the stacks.
 *
 * Nested conditions are two numbers: how many are open, and which of them is the outermost false
 * one. What is inside of that one cannot change it, so no list of values is needed.
 *
 * Rejected: one switch over all opcodes. The table costs a call for each operation, which is
 * nothing beside a signature, and keeps each rule in a function that can be read alone.
 */
#include "script/exec.h"

/* ---- conditions ---- */

static bool executing(const struct exec *x)
{
    return x->cond_false == 0;
}

/* Tapscript (and policy for witness version 0) wants exactly nothing or exactly one as condition.
 */
static enum script_error check_minimal_if(const struct exec *x, struct span s)
{
    if (s.len == 0 || (s.len == 1 && s.data[0] == 1))
        return SCRIPT_ERR_OK;
    if (x->version == SIG_TAPSCRIPT)
        return SCRIPT_ERR_TAPSCRIPT_MINIMALIF;
    if (x->version == SIG_V0 && (x->v->flags & SCRIPT_VERIFY_MINIMALIF))
        return SCRIPT_ERR_MINIMALIF;
    return SCRIPT_ERR_OK;
}

static enum script_error op_if(struct exec *x, uint8_t op)
{
    x->cond_depth++;
    if (!executing(x))
        return SCRIPT_ERR_OK;
    if (x->stack->n < 1)
        return SCRIPT_ERR_INVALID_STACK_OPERATION;
    struct elem *top = stack_top(x->stack, 1);
    enum script_error err = check_minimal_if(x, elem_span(top));
    if (err != SCRIPT_ERR_OK)
        return err;
    if (elem_true(top) != (op == OP_IF))
        x->cond_false = x->cond_depth;
    stack_drop(x->stack, 1);
    return SCRIPT_ERR_OK;
}

static enum script_error op_else(struct exec *x, uint8_t op)
{
    (void)op;
    if (x->cond_depth == 0)
        return SCRIPT_ERR_UNBALANCED_CONDITIONAL;
    if (executing(x))
        x->cond_false = x->cond_depth;
    else if (x->cond_false == x->cond_depth)
        x->cond_false = 0;
    return SCRIPT_ERR_OK;
}

static enum script_error op_endif(struct exec *x, uint8_t op)
{
    (void)op;
    if (x->cond_depth == 0)
        return SCRIPT_ERR_UNBALANCED_CONDITIONAL;
    if (x->cond_false == x->cond_depth)
        x->cond_false = 0;
    x->cond_depth--;
    return SCRIPT_ERR_OK;
}

/* ---- small ones ---- */

static enum script_error op_small_int(struct exec *x, uint8_t op)
{
    stack_push(x->stack, elem_num(op - (OP_1 - 1)));
    return SCRIPT_ERR_OK;
}

static enum script_error op_nop(struct exec *x, uint8_t op)
{
    (void)x;
    (void)op;
    return SCRIPT_ERR_OK;
}

static enum script_error op_upgradable(struct exec *x, uint8_t op)
{
    (void)op;
    if (x->v->flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS)
        return SCRIPT_ERR_DISCOURAGE_UPGRADABLE_NOPS;
    return SCRIPT_ERR_OK;
}

static enum script_error op_verify(struct exec *x, uint8_t op)
{
    (void)op;
    if (!elem_true(stack_top(x->stack, 1)))
        return SCRIPT_ERR_VERIFY;
    stack_drop(x->stack, 1);
    return SCRIPT_ERR_OK;
}

static enum script_error op_return(struct exec *x, uint8_t op)
{
    (void)x;
    (void)op;
    return SCRIPT_ERR_OP_RETURN;
}

/* ---- the table ---- */

struct op_entry {
    op_fn *fn;     /* NULL: no such operation */
    uint8_t need;  /* elements on the stack */
    bool disabled; /* fails a script also where it is not executed */
};

static const struct op_entry op_table[256] = {
    [OP_1NEGATE] = {op_small_int},
    [OP_1... OP_16] = {op_small_int},
    [OP_NOP] = {op_nop},
    [OP_IF] = {op_if},
    [OP_NOTIF] = {op_if},
    [OP_ELSE] = {op_else},
    [OP_ENDIF] = {op_endif},
    [OP_VERIFY] = {op_verify, 1},
    [OP_RETURN] = {op_return},
    [OP_TOALTSTACK] = {op_toalt, 1},
    [OP_FROMALTSTACK] = {op_fromalt},
    [OP_2DROP] = {op_drop, 2},
    [OP_2DUP] = {op_dup, 2},
    [OP_3DUP] = {op_dup, 3},
    [OP_2OVER] = {op_2over, 4},
    [OP_2ROT] = {op_2rot, 6},
    [OP_2SWAP] = {op_2swap, 4},
    [OP_IFDUP] = {op_ifdup, 1},
    [OP_DEPTH] = {op_depth},
    [OP_DROP] = {op_drop, 1},
    [OP_DUP] = {op_dup, 1},
    [OP_NIP] = {op_nip, 2},
    [OP_OVER] = {op_over, 2},
    [OP_PICK] = {op_pick, 2},
    [OP_ROLL] = {op_pick, 2},
    [OP_ROT] = {op_roll, 3},
    [OP_SWAP] = {op_roll, 2},
    [OP_TUCK] = {op_tuck, 2},
    [OP_CAT... OP_RIGHT] = {.disabled = true},
    [OP_SIZE] = {op_size, 1},
    [OP_INVERT... OP_XOR] = {.disabled = true},
    [OP_EQUAL] = {op_equal, 2},
    [OP_EQUALVERIFY] = {op_equal, 2},
    [OP_1ADD] = {op_unary, 1},
    [OP_1SUB] = {op_unary, 1},
    [OP_2MUL... OP_2DIV] = {.disabled = true},
    [OP_NEGATE... OP_0NOTEQUAL] = {op_unary, 1},
    [OP_ADD... OP_SUB] = {op_binary, 2},
    [OP_MUL... OP_RSHIFT] = {.disabled = true},
    [OP_BOOLAND... OP_MAX] = {op_binary, 2},
    [OP_WITHIN] = {op_within, 3},
    [OP_RIPEMD160... OP_HASH256] = {op_hash, 1},
    [OP_CODESEPARATOR] = {op_codeseparator},
    [OP_CHECKSIG... OP_CHECKSIGVERIFY] = {op_checksig, 2},
    [OP_CHECKMULTISIG... OP_CHECKMULTISIGVERIFY] = {op_checkmultisig},
    [OP_NOP1] = {op_upgradable},
    [OP_CHECKLOCKTIMEVERIFY] = {op_locktime},
    [OP_CHECKSEQUENCEVERIFY] = {op_sequence},
    [OP_NOP4... OP_NOP10] = {op_upgradable},
    [OP_CHECKSIGADD] = {op_checksigadd},
};

/* ---- the loop ---- */

/* What holds for operations whether they are executed or not. */
static enum script_error check_op(struct exec *x, uint8_t op, struct span push)
{
    if (push.len > MAX_SCRIPT_ELEMENT_SIZE)
        return SCRIPT_ERR_PUSH_SIZE;
    if (x->version != SIG_TAPSCRIPT && op > OP_16 && ++x->op_count > MAX_OPS_PER_SCRIPT)
        return SCRIPT_ERR_OP_COUNT;
    if (op_table[op].disabled)
        return SCRIPT_ERR_DISABLED_OPCODE;
    if (op == OP_CODESEPARATOR && x->version == SIG_BASE &&
        (x->v->flags & SCRIPT_VERIFY_CONST_SCRIPTCODE))
        return SCRIPT_ERR_OP_CODESEPARATOR;
    return SCRIPT_ERR_OK;
}

static enum script_error push_data(struct exec *x, uint8_t op, struct span push)
{
    if ((x->v->flags & SCRIPT_VERIFY_MINIMALDATA) && !push_is_minimal(op, push))
        return SCRIPT_ERR_MINIMALDATA;
    stack_push(x->stack, elem_view(push));
    return SCRIPT_ERR_OK;
}

static enum script_error execute(struct exec *x, uint8_t op, struct span push)
{
    if (op <= OP_PUSHDATA4)
        return executing(x) ? push_data(x, op, push) : SCRIPT_ERR_OK;
    /* OP_VERIF and OP_VERNOTIF lie in this range: invalid wherever they stand. */
    if (!executing(x) && (op < OP_IF || op > OP_ENDIF))
        return SCRIPT_ERR_OK;
    const struct op_entry *e = &op_table[op];
    if (!e->fn)
        return SCRIPT_ERR_BAD_OPCODE;
    if (x->stack->n < e->need)
        return SCRIPT_ERR_INVALID_STACK_OPERATION;
    return e->fn(x, op);
}

static enum script_error run(struct exec *x)
{
    struct span push;
    uint8_t op;
    for (; script_next(&x->it, &op, &push); x->op_pos++) {
        enum script_error err = check_op(x, op, push);
        if (err == SCRIPT_ERR_OK)
            err = execute(x, op, push);
        if (err != SCRIPT_ERR_OK)
            return err;
        if (x->stack->n + x->alt.n > MAX_STACK_SIZE)
            return SCRIPT_ERR_STACK_SIZE;
    }
    if (!script_iter_done(&x->it))
        return SCRIPT_ERR_BAD_OPCODE;
    return x->cond_depth == 0 ? SCRIPT_ERR_OK : SCRIPT_ERR_UNBALANCED_CONDITIONAL;
}

enum script_error exec_script(const struct verify *v, struct stack *stack, struct span script,
                              enum sig_version version, struct taproot_spend *tap)
{
    if (version != SIG_TAPSCRIPT && script.len > MAX_SCRIPT_SIZE)
        return SCRIPT_ERR_SCRIPT_SIZE;
    struct exec x;
    x.v = v;
    x.version = version;
    x.script = script;
    script_iter_init(&x.it, script);
    x.op_pos = 0;
    x.code = script.data;
    x.op_count = x.cond_depth = x.cond_false = 0;
    x.stack = stack;
    stack_init(&x.alt);
    x.tap = tap;
    hash_memo_init(&x.hashes);
    enum script_error err = run(&x);
    hash_memo_clear(&x.hashes);
    stack_clear(&x.alt);
    return err;
}
