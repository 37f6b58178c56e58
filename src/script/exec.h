/*
 * Inside of the interpreter: the stack and the state of one script's execution. Private to
 * src/script: callers use verify.h.
 *
 * No operation that is still enabled makes an element of more than 32 bytes: larger ones are pushed
 * by a script or come from the witness, and those bytes outlive the execution. So an element is
 * either a view or at most 32 bytes of its own, and nothing is allocated per element.
 */
#ifndef MITE_SCRIPT_EXEC_H
#define MITE_SCRIPT_EXEC_H

#include "script/verify.h"

/* ---- stack ---- */

#define ELEM_INLINE  32
#define STACK_INLINE 32

struct elem {
    uint32_t len;
    bool is_view;
    union {
        const uint8_t *view;
        uint8_t own[ELEM_INLINE];
    } u;
};
struct stack {
    struct elem *items;
    size_t n, cap;
    struct elem first[STACK_INLINE];
};

void stack_init(struct stack *s);
void stack_clear(struct stack *s);
void stack_copy(struct stack *out, const struct stack *s); /* out is initialised by this */
/* The i-th element from the top, which is 1. Good until the stack changes. */
struct elem *stack_top(struct stack *s, size_t i);
void stack_push(struct stack *s, struct elem e);
void stack_drop(struct stack *s, size_t n);
void stack_remove(struct stack *s, size_t i);                /* the i-th from the top */
void stack_insert(struct stack *s, size_t i, struct elem e); /* so that it becomes the i-th */

struct elem elem_view(struct span s);
struct elem elem_copy(const void *data, size_t len); /* at most ELEM_INLINE */
struct elem elem_bool(bool v);
struct elem elem_num(int64_t n);
/* A view that is good while *e stays where it is. */
struct span elem_span(const struct elem *e);
bool elem_true(const struct elem *e); /* any byte set, other than a lone sign bit at the end */

/* ---- execution ---- */

enum sig_version { SIG_BASE, SIG_V0, SIG_TAPROOT, SIG_TAPSCRIPT };

/* What is the same for all scripts of one input. */
struct verify {
    const struct sighash_cache *c;
    unsigned in;
    int64_t amount;
    uint32_t flags;
    const struct sig_memo *memo;
};

/* What a taproot spend carries besides its script. */
struct taproot_spend {
    bool has_annex;
    uint8_t annex_hash[32];
    struct tapscript_data leaf;
    int64_t weight_left; /* BIP342's budget for signatures */
    bool single_ready;   /* hash of the output with the input's number */
    uint8_t single[32];
};

/* Signature hashes of one script without their last four bytes, by class of hash type: many
 * signatures over the same code then cost its length once. */
struct hash_memo {
    struct {
        bool used;
        struct span code;
        struct buf own; /* holds `code` where that is not the script itself */
        struct sha256 state;
    } at[6];
};

struct exec {
    const struct verify *v;
    enum sig_version version;
    struct span script;
    struct script_iter it;
    uint32_t op_pos;     /* number of the operation being executed, for BIP342 */
    const uint8_t *code; /* behind the last executed OP_CODESEPARATOR */
    unsigned op_count;
    uint32_t cond_depth; /* open OP_IFs */
    uint32_t cond_false; /* the outermost that is false, from 1; 0: none, so operations execute */
    struct stack *stack;
    struct stack alt;
    struct taproot_spend *tap; /* SIG_TAPSCRIPT */
    struct hash_memo hashes;
};

/* Executes a script over a stack. tap is for SIG_TAPSCRIPT. */
enum script_error exec_script(const struct verify *v, struct stack *stack, struct span script,
                              enum sig_version version, struct taproot_spend *tap) MUST_USE;

/* An operation, called where the stack is as deep as its entry in the table says. */
typedef enum script_error op_fn(struct exec *x, uint8_t op);

/* stack.c */
op_fn op_toalt, op_fromalt, op_drop, op_dup, op_over, op_2over, op_roll, op_2rot, op_2swap,
    op_ifdup, op_depth, op_nip, op_pick, op_tuck;
/* value.c */
op_fn op_size, op_equal, op_unary, op_binary, op_within, op_hash, op_locktime, op_sequence;
/* checksig.c */
op_fn op_codeseparator, op_checksig, op_checksigadd, op_checkmultisig;

/* The number in the i-th element from the top, of at most 4 bytes, minimal where flags ask for it.
 */
bool exec_num(const struct exec *x, size_t i, int64_t *out) MUST_USE;
/* Ends an operation that has a ...VERIFY form: pushes `ok`, or fails with `err` where it is false.
 */
enum script_error exec_result(struct exec *x, bool ok, bool verify, enum script_error err);

/* Signature of a taproot output key, or of a key in a tapscript (version). */
enum script_error check_schnorr(const struct verify *v, struct span sig, struct span key,
                                struct taproot_spend *tap, enum sig_version version) MUST_USE;

/* ---- signature hashes with memory ---- */

void hash_memo_init(struct hash_memo *m);
void hash_memo_clear(struct hash_memo *m);
/* As sighash_legacy() and sighash_v0(), by version. in_script: the code is a part of the script as
 * it stands, not a changed copy of it. */
void sighash_memo(uint8_t out[32], struct hash_memo *m, const struct verify *v,
                  enum sig_version version, struct span code, bool in_script, int32_t hash_type);
/* As sighash_taproot(), keeping tap->single. */
bool sighash_tap(uint8_t out[32], const struct verify *v, uint8_t hash_type,
                 struct taproot_spend *tap, enum sig_version version);

#endif
