/*
 * The frame around the interpreter: scriptSig, output script, P2SH redeem script, witness program,
 * taproot, and what must be left on the stack; and names of errors and flags.
 *
 * Rules were added as soft forks around a core that stayed, so the frame reads as their history:
 * each is behind its flag and leaves the result of the older ones alone. A witness program is
 * verified with a stack of its own, after which the outer one counts as holding one element.
 */
#include "script/verify.h"

#include "script/exec.h"

/* ---- names ---- */

const char *script_error_name(enum script_error e)
{
    static const char *const names[] = {
#define X(id, name, message) [SCRIPT_ERR_##id] = (name),
        SCRIPT_ERRORS(X)
#undef X
    };
    return names[e];
}

const char *script_error_message(enum script_error e)
{
    static const char *const messages[] = {
#define X(id, name, message) [SCRIPT_ERR_##id] = (message),
        SCRIPT_ERRORS(X)
#undef X
    };
    return messages[e];
}

static uint32_t flag_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } flags[] = {
#define X(name, bit) {#name, 1u << (bit)},
        SCRIPT_FLAGS(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (strlen(flags[i].name) == len && memcmp(flags[i].name, name, len) == 0)
            return flags[i].bit;
    }
    return 0;
}

bool script_flags_parse(const char *s, uint32_t *flags)
{
    *flags = 0;
    if (*s == 0 || strcmp(s, "NONE") == 0)
        return true;
    for (;;) {
        size_t len = strcspn(s, ",");
        uint32_t bit = flag_of(s, len);
        if (bit == 0)
            return false;
        *flags |= bit;
        if (s[len] == 0)
            return true;
        s += len + 1;
    }
}

/* ---- witness programs ---- */

/* BIP342: an undefined opcode anywhere makes the script valid, whatever else it says before or
 * behind, as long as it can be cut into operations up to there. */
static bool is_op_success(uint8_t op)
{
    return op == 80 || op == 98 || (op >= 126 && op <= 129) || (op >= 131 && op <= 134) ||
           (op >= 137 && op <= 138) || (op >= 141 && op <= 142) || (op >= 149 && op <= 153) ||
           (op >= 187 && op <= 254);
}

static enum script_error find_op_success(struct span script, uint32_t flags, bool *found)
{
    struct script_iter it;
    struct span push;
    uint8_t op;
    *found = false;
    script_iter_init(&it, script);
    while (script_next(&it, &op, &push)) {
        if (is_op_success(op)) {
            *found = true;
            return flags & SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS ? SCRIPT_ERR_DISCOURAGE_OP_SUCCESS
                                                               : SCRIPT_ERR_OK;
        }
    }
    return script_iter_done(&it) ? SCRIPT_ERR_OK : SCRIPT_ERR_BAD_OPCODE;
}

static enum script_error push_items(struct stack *s, const struct span *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].len > MAX_SCRIPT_ELEMENT_SIZE)
            return SCRIPT_ERR_PUSH_SIZE;
        stack_push(s, elem_view(items[i]));
    }
    return SCRIPT_ERR_OK;
}

/* Runs a script over the first n items of a witness: exactly one true element must be left. */
static enum script_error run_witness(const struct verify *v, const struct span *items, size_t n,
                                     struct span script, enum sig_version version,
                                     struct taproot_spend *tap)
{
    if (version == SIG_TAPSCRIPT) {
        bool success;
        enum script_error err = find_op_success(script, v->flags, &success);
        if (err != SCRIPT_ERR_OK || success)
            return err;
        if (n > MAX_STACK_SIZE)
            return SCRIPT_ERR_STACK_SIZE;
    }
    struct stack stack;
    stack_init(&stack);
    enum script_error err = push_items(&stack, items, n);
    if (err == SCRIPT_ERR_OK)
        err = exec_script(v, &stack, script, version, tap);
    if (err == SCRIPT_ERR_OK && stack.n != 1)
        err = SCRIPT_ERR_CLEANSTACK;
    if (err == SCRIPT_ERR_OK && !elem_true(stack_top(&stack, 1)))
        err = SCRIPT_ERR_EVAL_FALSE;
    stack_clear(&stack);
    return err;
}

static enum script_error verify_v0(const struct verify *v, const struct witness *w,
                                   struct span program)
{
    if (program.len == 32) {
        if (w->n == 0)
            return SCRIPT_ERR_WITNESS_PROGRAM_WITNESS_EMPTY;
        struct span script = w->items[w->n - 1];
        uint8_t hash[32];
        sha256(hash, script.data, script.len);
        if (memcmp(hash, program.data, 32) != 0)
            return SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH;
        return run_witness(v, w->items, w->n - 1, script, SIG_V0, NULL);
    }
    if (program.len != 20)
        return SCRIPT_ERR_WITNESS_PROGRAM_WRONG_LENGTH;
    if (w->n != 2)
        return SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH;
    uint8_t p2pkh[25] = {OP_DUP, OP_HASH160, 20, [23] = OP_EQUALVERIFY, [24] = OP_CHECKSIG};
    memcpy(p2pkh + 3, program.data, 20);
    return run_witness(v, w->items, 2, span_of(p2pkh, sizeof(p2pkh)), SIG_V0, NULL);
}

#define ANNEX_TAG         0x50
#define LEAF_VERSION_MASK 0xfe
#define LEAF_TAPSCRIPT    0xc0
#define CONTROL_MIN       33
#define CONTROL_STEP      32
#define CONTROL_MAX       (CONTROL_MIN + 128 * CONTROL_STEP)
#define WEIGHT_ALLOWANCE  50

/* Takes an annex off the end of the witness: its number of items without it. */
static size_t take_annex(const struct witness *w, struct taproot_spend *tap)
{
    tap->has_annex = false;
    if (w->n < 2)
        return w->n;
    struct span last = w->items[w->n - 1];
    if (last.len == 0 || last.data[0] != ANNEX_TAG)
        return w->n;
    struct sha256 h;
    sha256_init(&h);
    sha256_write_compact(&h, last.len);
    sha256_write(&h, last.data, last.len);
    sha256_final(&h, tap->annex_hash);
    tap->has_annex = true;
    return w->n - 1;
}

static int64_t witness_size(const struct witness *w)
{
    size_t size = compact_size(w->n);
    for (uint32_t i = 0; i < w->n; i++)
        size += compact_size(w->items[i].len) + w->items[i].len;
    return (int64_t)size;
}

static bool control_commits(struct span control, const uint8_t leaf_hash[32], struct span program)
{
    struct xonly output, internal;
    uint8_t root[32], tweak[32];
    memcpy(output.b, program.data, 32);
    memcpy(internal.b, control.data + 1, 32);
    taproot_root(root, leaf_hash, control);
    taptweak_hash(tweak, &internal, root);
    return taproot_check_tweak(&output, control.data[0] & 1, &internal, tweak);
}

static enum script_error verify_leaf(const struct verify *v, const struct witness *w, size_t n,
                                     struct span program, struct taproot_spend *tap)
{
    struct span control = w->items[n - 1], script = w->items[n - 2];
    if (control.len < CONTROL_MIN || control.len > CONTROL_MAX ||
        (control.len - CONTROL_MIN) % CONTROL_STEP != 0)
        return SCRIPT_ERR_TAPROOT_WRONG_CONTROL_SIZE;
    uint8_t leaf_version = control.data[0] & LEAF_VERSION_MASK;
    tapleaf_hash(tap->leaf.leaf_hash, leaf_version, script);
    if (!control_commits(control, tap->leaf.leaf_hash, program))
        return SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH;
    if (leaf_version != LEAF_TAPSCRIPT)
        return v->flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION
                   ? SCRIPT_ERR_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION
                   : SCRIPT_ERR_OK;
    tap->weight_left = witness_size(w) + WEIGHT_ALLOWANCE;
    tap->leaf.codesep_pos = UINT32_MAX;
    return run_witness(v, w->items, n - 2, script, SIG_TAPSCRIPT, tap);
}

static enum script_error verify_taproot(const struct verify *v, const struct witness *w,
                                        struct span program)
{
    if (!(v->flags & SCRIPT_VERIFY_TAPROOT))
        return SCRIPT_ERR_OK;
    if (w->n == 0)
        return SCRIPT_ERR_WITNESS_PROGRAM_WITNESS_EMPTY;
    struct taproot_spend tap = {.single_ready = false};
    size_t n = take_annex(w, &tap);
    if (n == 1)
        return check_schnorr(v, w->items[0], program, &tap, SIG_TAPROOT);
    return verify_leaf(v, w, n, program, &tap);
}

static enum script_error verify_program(const struct verify *v, const struct witness *w,
                                        int version, struct span program, bool in_p2sh)
{
    if (version == 0)
        return verify_v0(v, w, program);
    if (version == 1 && program.len == 32 && !in_p2sh)
        return verify_taproot(v, w, program);
    if (version == 1 && !in_p2sh && program.len == 2 && memcmp(program.data, "\x4e\x73", 2) == 0)
        return SCRIPT_ERR_OK; /* pay to anchor: anybody's */
    return v->flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM
               ? SCRIPT_ERR_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM
               : SCRIPT_ERR_OK;
}

/* ---- the frame ---- */

struct frame {
    struct span script_sig;
    const struct witness *witness;
    struct span script_pubkey;
    struct stack stack;
    bool had_witness;
};

static enum script_error run_to_true(const struct verify *v, struct stack *stack,
                                     struct span script)
{
    enum script_error err = exec_script(v, stack, script, SIG_BASE, NULL);
    if (err == SCRIPT_ERR_OK && (stack->n == 0 || !elem_true(stack_top(stack, 1))))
        return SCRIPT_ERR_EVAL_FALSE;
    return err;
}

/* The stack counts as clean after a witness program. */
static void keep_one(struct stack *stack)
{
    stack_drop(stack, stack->n - 1);
}

static enum script_error native_witness(const struct verify *v, struct frame *f)
{
    int version;
    struct span program;
    if (!(v->flags & SCRIPT_VERIFY_WITNESS) ||
        !script_is_witness_program(f->script_pubkey, &version, &program))
        return SCRIPT_ERR_OK;
    f->had_witness = true;
    if (f->script_sig.len > 0)
        return SCRIPT_ERR_WITNESS_MALLEATED;
    keep_one(&f->stack);
    return verify_program(v, f->witness, version, program, false);
}

/* The scriptSig must be the one push of the redeem script, in its shortest form. */
static bool is_single_push(struct span script_sig, struct span redeem)
{
    return script_sig.len == redeem.len + 1 && script_sig.data[0] == redeem.len &&
           memcmp(script_sig.data + 1, redeem.data, redeem.len) == 0;
}

static enum script_error nested_witness(const struct verify *v, struct frame *f, struct span redeem)
{
    int version;
    struct span program;
    if (!(v->flags & SCRIPT_VERIFY_WITNESS) ||
        !script_is_witness_program(redeem, &version, &program))
        return SCRIPT_ERR_OK;
    f->had_witness = true;
    if (!is_single_push(f->script_sig, redeem))
        return SCRIPT_ERR_WITNESS_MALLEATED_P2SH;
    keep_one(&f->stack);
    return verify_program(v, f->witness, version, program, true);
}

/* f->stack is what the scriptSig left: the redeem script is on its top. */
static enum script_error run_p2sh(const struct verify *v, struct frame *f)
{
    if (!script_is_push_only(f->script_sig))
        return SCRIPT_ERR_SIG_PUSHONLY;
    struct elem top = *stack_top(&f->stack, 1);
    struct span redeem = elem_span(&top);
    stack_drop(&f->stack, 1);
    enum script_error err = run_to_true(v, &f->stack, redeem);
    return err == SCRIPT_ERR_OK ? nested_witness(v, f, redeem) : err;
}

static enum script_error run_scripts(const struct verify *v, struct frame *f)
{
    enum script_error err = exec_script(v, &f->stack, f->script_sig, SIG_BASE, NULL);
    if (err != SCRIPT_ERR_OK)
        return err;
    if (!(v->flags & SCRIPT_VERIFY_P2SH) || !script_is_p2sh(f->script_pubkey)) {
        err = run_to_true(v, &f->stack, f->script_pubkey);
        return err == SCRIPT_ERR_OK ? native_witness(v, f) : err;
    }
    struct stack outer; /* the hash check consumes a copy */
    stack_copy(&outer, &f->stack);
    err = run_to_true(v, &outer, f->script_pubkey);
    stack_clear(&outer);
    return err == SCRIPT_ERR_OK ? run_p2sh(v, f) : err;
}

static enum script_error run_frame(const struct verify *v, struct frame *f)
{
    if ((v->flags & SCRIPT_VERIFY_SIGPUSHONLY) && !script_is_push_only(f->script_sig))
        return SCRIPT_ERR_SIG_PUSHONLY;
    enum script_error err = run_scripts(v, f);
    if (err != SCRIPT_ERR_OK)
        return err;
    if ((v->flags & SCRIPT_VERIFY_CLEANSTACK) && f->stack.n != 1)
        return SCRIPT_ERR_CLEANSTACK;
    if ((v->flags & SCRIPT_VERIFY_WITNESS) && !f->had_witness && f->witness->n > 0)
        return SCRIPT_ERR_WITNESS_UNEXPECTED;
    return SCRIPT_ERR_OK;
}

bool script_verify_parts(const struct sighash_cache *c, unsigned in, struct span script_sig,
                         const struct witness *witness, const struct tx_out *spent, uint32_t flags,
                         const struct sig_memo *memo, enum script_error *err)
{
    CHECK(in < c->tx->n_in);
    struct verify v = {.c = c, .in = in, .amount = spent->value, .flags = flags, .memo = memo};
    struct frame f = {
        .script_sig = script_sig, .witness = witness, .script_pubkey = spent->script_pubkey};
    stack_init(&f.stack);
    enum script_error e = run_frame(&v, &f);
    stack_clear(&f.stack);
    if (err)
        *err = e;
    return e == SCRIPT_ERR_OK;
}

bool script_verify_input(const struct sighash_cache *c, unsigned in, const struct tx_out *spent,
                         uint32_t flags, const struct sig_memo *memo, enum script_error *err)
{
    CHECK(in < c->tx->n_in);
    const struct tx_in *txin = &c->tx->in[in];
    return script_verify_parts(c, in, txin->script_sig, &txin->witness, spent, flags, memo, err);
}

/* ---- counts of signature operations (BIP16, BIP141) ---- */

unsigned p2sh_sigops(const struct tx_in *in, struct span spent_script)
{
    struct span redeem;
    if (!script_is_p2sh(spent_script) || !script_last_push(in->script_sig, &redeem))
        return 0;
    return script_sigops(redeem, true);
}

static unsigned program_sigops(const struct witness *w, int version, struct span program)
{
    if (version != 0)
        return 0; /* tapscript has its budget of weight instead */
    if (program.len == 20)
        return 1;
    return program.len == 32 && w->n > 0 ? script_sigops(w->items[w->n - 1], true) : 0;
}

unsigned witness_sigops(const struct tx_in *in, struct span spent_script, uint32_t flags)
{
    int version;
    struct span script = spent_script, program;
    if (!(flags & SCRIPT_VERIFY_WITNESS))
        return 0;
    if (script_is_p2sh(script) && !script_last_push(in->script_sig, &script))
        return 0;
    if (!script_is_witness_program(script, &version, &program))
        return 0;
    return program_sigops(&in->witness, version, program);
}
