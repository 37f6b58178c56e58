/* Scripts as bytes: opcodes, walking, building, numbers. */
#ifndef MITE_SCRIPT_SCRIPT_H
#define MITE_SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"

#define MAX_SCRIPT_SIZE          10000
#define MAX_SCRIPT_ELEMENT_SIZE  520
#define MAX_OPS_PER_SCRIPT       201
#define MAX_PUBKEYS_PER_MULTISIG 20
#define MAX_STACK_SIZE           1000

/* X(value, identifier, name that RPC shows): every opcode above the direct pushes. */
/* clang-format off */
#define OPCODES(X) \
    X(0x00, OP_0, "0") X(0x4c, OP_PUSHDATA1, "OP_PUSHDATA1") \
    X(0x4d, OP_PUSHDATA2, "OP_PUSHDATA2") X(0x4e, OP_PUSHDATA4, "OP_PUSHDATA4") \
    X(0x4f, OP_1NEGATE, "-1") X(0x50, OP_RESERVED, "OP_RESERVED") X(0x51, OP_1, "1") \
    X(0x52, OP_2, "2") X(0x53, OP_3, "3") X(0x54, OP_4, "4") X(0x55, OP_5, "5") \
    X(0x56, OP_6, "6") X(0x57, OP_7, "7") X(0x58, OP_8, "8") X(0x59, OP_9, "9") \
    X(0x5a, OP_10, "10") X(0x5b, OP_11, "11") X(0x5c, OP_12, "12") X(0x5d, OP_13, "13") \
    X(0x5e, OP_14, "14") X(0x5f, OP_15, "15") X(0x60, OP_16, "16") X(0x61, OP_NOP, "OP_NOP") \
    X(0x62, OP_VER, "OP_VER") X(0x63, OP_IF, "OP_IF") X(0x64, OP_NOTIF, "OP_NOTIF") \
    X(0x65, OP_VERIF, "OP_VERIF") X(0x66, OP_VERNOTIF, "OP_VERNOTIF") X(0x67, OP_ELSE, "OP_ELSE") \
    X(0x68, OP_ENDIF, "OP_ENDIF") X(0x69, OP_VERIFY, "OP_VERIFY") X(0x6a, OP_RETURN, "OP_RETURN") \
    X(0x6b, OP_TOALTSTACK, "OP_TOALTSTACK") X(0x6c, OP_FROMALTSTACK, "OP_FROMALTSTACK") \
    X(0x6d, OP_2DROP, "OP_2DROP") X(0x6e, OP_2DUP, "OP_2DUP") X(0x6f, OP_3DUP, "OP_3DUP") \
    X(0x70, OP_2OVER, "OP_2OVER") X(0x71, OP_2ROT, "OP_2ROT") X(0x72, OP_2SWAP, "OP_2SWAP") \
    X(0x73, OP_IFDUP, "OP_IFDUP") X(0x74, OP_DEPTH, "OP_DEPTH") X(0x75, OP_DROP, "OP_DROP") \
    X(0x76, OP_DUP, "OP_DUP") X(0x77, OP_NIP, "OP_NIP") X(0x78, OP_OVER, "OP_OVER") \
    X(0x79, OP_PICK, "OP_PICK") X(0x7a, OP_ROLL, "OP_ROLL") X(0x7b, OP_ROT, "OP_ROT") \
    X(0x7c, OP_SWAP, "OP_SWAP") X(0x7d, OP_TUCK, "OP_TUCK") X(0x7e, OP_CAT, "OP_CAT") \
    X(0x7f, OP_SUBSTR, "OP_SUBSTR") X(0x80, OP_LEFT, "OP_LEFT") X(0x81, OP_RIGHT, "OP_RIGHT") \
    X(0x82, OP_SIZE, "OP_SIZE") X(0x83, OP_INVERT, "OP_INVERT") X(0x84, OP_AND, "OP_AND") \
    X(0x85, OP_OR, "OP_OR") X(0x86, OP_XOR, "OP_XOR") X(0x87, OP_EQUAL, "OP_EQUAL") \
    X(0x88, OP_EQUALVERIFY, "OP_EQUALVERIFY") X(0x89, OP_RESERVED1, "OP_RESERVED1") \
    X(0x8a, OP_RESERVED2, "OP_RESERVED2") X(0x8b, OP_1ADD, "OP_1ADD") X(0x8c, OP_1SUB, "OP_1SUB") \
    X(0x8d, OP_2MUL, "OP_2MUL") X(0x8e, OP_2DIV, "OP_2DIV") X(0x8f, OP_NEGATE, "OP_NEGATE") \
    X(0x90, OP_ABS, "OP_ABS") X(0x91, OP_NOT, "OP_NOT") X(0x92, OP_0NOTEQUAL, "OP_0NOTEQUAL") \
    X(0x93, OP_ADD, "OP_ADD") X(0x94, OP_SUB, "OP_SUB") X(0x95, OP_MUL, "OP_MUL") \
    X(0x96, OP_DIV, "OP_DIV") X(0x97, OP_MOD, "OP_MOD") X(0x98, OP_LSHIFT, "OP_LSHIFT") \
    X(0x99, OP_RSHIFT, "OP_RSHIFT") X(0x9a, OP_BOOLAND, "OP_BOOLAND") \
    X(0x9b, OP_BOOLOR, "OP_BOOLOR") X(0x9c, OP_NUMEQUAL, "OP_NUMEQUAL") \
    X(0x9d, OP_NUMEQUALVERIFY, "OP_NUMEQUALVERIFY") X(0x9e, OP_NUMNOTEQUAL, "OP_NUMNOTEQUAL") \
    X(0x9f, OP_LESSTHAN, "OP_LESSTHAN") X(0xa0, OP_GREATERTHAN, "OP_GREATERTHAN") \
    X(0xa1, OP_LESSTHANOREQUAL, "OP_LESSTHANOREQUAL") \
    X(0xa2, OP_GREATERTHANOREQUAL, "OP_GREATERTHANOREQUAL") X(0xa3, OP_MIN, "OP_MIN") \
    X(0xa4, OP_MAX, "OP_MAX") X(0xa5, OP_WITHIN, "OP_WITHIN") \
    X(0xa6, OP_RIPEMD160, "OP_RIPEMD160") X(0xa7, OP_SHA1, "OP_SHA1") \
    X(0xa8, OP_SHA256, "OP_SHA256") X(0xa9, OP_HASH160, "OP_HASH160") \
    X(0xaa, OP_HASH256, "OP_HASH256") X(0xab, OP_CODESEPARATOR, "OP_CODESEPARATOR") \
    X(0xac, OP_CHECKSIG, "OP_CHECKSIG") X(0xad, OP_CHECKSIGVERIFY, "OP_CHECKSIGVERIFY") \
    X(0xae, OP_CHECKMULTISIG, "OP_CHECKMULTISIG") \
    X(0xaf, OP_CHECKMULTISIGVERIFY, "OP_CHECKMULTISIGVERIFY") X(0xb0, OP_NOP1, "OP_NOP1") \
    X(0xb1, OP_CHECKLOCKTIMEVERIFY, "OP_CHECKLOCKTIMEVERIFY") \
    X(0xb2, OP_CHECKSEQUENCEVERIFY, "OP_CHECKSEQUENCEVERIFY") X(0xb3, OP_NOP4, "OP_NOP4") \
    X(0xb4, OP_NOP5, "OP_NOP5") X(0xb5, OP_NOP6, "OP_NOP6") X(0xb6, OP_NOP7, "OP_NOP7") \
    X(0xb7, OP_NOP8, "OP_NOP8") X(0xb8, OP_NOP9, "OP_NOP9") X(0xb9, OP_NOP10, "OP_NOP10") \
    X(0xba, OP_CHECKSIGADD, "OP_CHECKSIGADD") X(0xff, OP_INVALIDOPCODE, "OP_INVALIDOPCODE")
/* clang-format on */

enum opcode {
#define X(value, id, name) id = (value),
    OPCODES(X)
#undef X
};

const char *opcode_name(uint8_t op); /* "OP_UNKNOWN" for what has none */

/* ---- walking ---- */

struct script_iter {
    const uint8_t *p, *end;
};
void script_iter_init(struct script_iter *it, struct span script);
/* Next opcode and, for pushes (op <= OP_PUSHDATA4), its data. False at the end, and in front of a
 * push that runs past it; script_iter_done() tells which. */
bool script_next(struct script_iter *it, uint8_t *op, struct span *push);
bool script_iter_done(const struct script_iter *it);
bool script_is_push_only(struct span script);
bool script_has_valid_ops(struct span script); /* parses, pushes <= 520, nothing above OP_NOP10 */
bool push_is_minimal(uint8_t op, struct span push);
/* Legacy count of signature operations; with `accurate`, OP_n before a CHECKMULTISIG counts n. */
unsigned script_sigops(struct span script, bool accurate);
/* OP_RETURN first, or longer than MAX_SCRIPT_SIZE: can never be spent, makes no coin. */
bool script_unspendable(struct span script);
bool script_is_p2sh(struct span script);
bool script_is_witness_program(struct span script, int *version, struct span *program);
bool script_is_anchor(struct span script); /* OP_1 4e73 */
/* Last pushed item of a push-only scriptSig: the P2SH redeem script (an empty view where that was
 * pushed by OP_1 and the like). False where there is none. */
bool script_last_push(struct span script, struct span *push);

/* ---- building ---- */

void script_op(struct buf *b, enum opcode op);
/* The shortest push opcode; never OP_n for a small number. */
void script_push(struct buf *b, const void *data, size_t len);
void script_push_span(struct buf *b, struct span s);
void script_push_int(struct buf *b, int64_t n); /* OP_0, OP_1NEGATE, OP_1..16, or a number push */

/* ---- numbers ---- */

/* Minimal little-endian sign-magnitude; at most 9 bytes. Returns the length. */
size_t script_num_encode(uint8_t out[9], int64_t n);
/* False where longer than `max` (at most 8) bytes, or not minimal where `minimal`. */
bool script_num_decode(struct span s, bool minimal, size_t max, int64_t *out);

/* ---- text ---- */

/* "OP_DUP OP_HASH160 <hex> ...": as RPC's "asm". With `sighash` names of hash types follow
 * signatures. */
char *script_to_asm(struct span script, bool sighash_decode); /* caller frees */
#endif
