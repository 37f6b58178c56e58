/*
 * Script verification: the interpreter's face. Exact rules of BIP16, 65, 66, 112, 141, 143, 147,
 * 341, 342 and policy flags, each under the bit and the name that the field uses.
 */
#ifndef MITE_SCRIPT_VERIFY_H
#define MITE_SCRIPT_VERIFY_H

#include "chain/tx.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "script/script.h"

/* X(name, bit): SCRIPT_VERIFY_<name>, spelled as in tx_valid.json. */
/* clang-format off */
#define SCRIPT_FLAGS(X) \
    X(P2SH, 0) X(STRICTENC, 1) X(DERSIG, 2) X(LOW_S, 3) X(NULLDUMMY, 4) X(SIGPUSHONLY, 5) \
    X(MINIMALDATA, 6) X(DISCOURAGE_UPGRADABLE_NOPS, 7) X(CLEANSTACK, 8) X(CHECKLOCKTIMEVERIFY, 9) \
    X(CHECKSEQUENCEVERIFY, 10) X(WITNESS, 11) X(DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM, 12) \
    X(MINIMALIF, 13) X(NULLFAIL, 14) X(WITNESS_PUBKEYTYPE, 15) X(CONST_SCRIPTCODE, 16) \
    X(TAPROOT, 17) X(DISCOURAGE_UPGRADABLE_TAPROOT_VERSION, 18) X(DISCOURAGE_OP_SUCCESS, 19) \
    X(DISCOURAGE_UPGRADABLE_PUBKEYTYPE, 20)
/* clang-format on */

enum script_flags {
    SCRIPT_VERIFY_NONE = 0,
#define X(name, bit) SCRIPT_VERIFY_##name = 1u << (bit),
    SCRIPT_FLAGS(X)
#undef X
};

/* What blocks must obey at the tip (consensus), and what relay asks besides. */
#define SCRIPT_VERIFY_MANDATORY                                              \
    (SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_DERSIG | SCRIPT_VERIFY_NULLDUMMY |   \
     SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY | SCRIPT_VERIFY_CHECKSEQUENCEVERIFY | \
     SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_TAPROOT)
#define SCRIPT_VERIFY_STANDARD                                                                \
    (SCRIPT_VERIFY_MANDATORY | SCRIPT_VERIFY_STRICTENC | SCRIPT_VERIFY_MINIMALDATA |          \
     SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS | SCRIPT_VERIFY_CLEANSTACK |                    \
     SCRIPT_VERIFY_MINIMALIF | SCRIPT_VERIFY_NULLFAIL | SCRIPT_VERIFY_LOW_S |                 \
     SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM | SCRIPT_VERIFY_WITNESS_PUBKEYTYPE | \
     SCRIPT_VERIFY_CONST_SCRIPTCODE | SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION |   \
     SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS | SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE)

/* X(id, name in script_tests.json, message). */
/* clang-format off */
#define SCRIPT_ERRORS(X) \
    X(OK, "OK", "No error") X(UNKNOWN_ERROR, "UNKNOWN_ERROR", "unknown error") \
    X(EVAL_FALSE, "EVAL_FALSE", "Script evaluated without error but finished with a false/empty top stack element") \
    X(OP_RETURN, "OP_RETURN", "OP_RETURN was encountered") \
    X(SCRIPT_SIZE, "SCRIPT_SIZE", "Script is too big") \
    X(PUSH_SIZE, "PUSH_SIZE", "Push value size limit exceeded") \
    X(OP_COUNT, "OP_COUNT", "Operation limit exceeded") \
    X(STACK_SIZE, "STACK_SIZE", "Stack size limit exceeded") \
    X(SIG_COUNT, "SIG_COUNT", "Signature count negative or greater than pubkey count") \
    X(PUBKEY_COUNT, "PUBKEY_COUNT", "Pubkey count negative or limit exceeded") \
    X(VERIFY, "VERIFY", "Script failed an OP_VERIFY operation") \
    X(EQUALVERIFY, "EQUALVERIFY", "Script failed an OP_EQUALVERIFY operation") \
    X(CHECKMULTISIGVERIFY, "CHECKMULTISIGVERIFY", "Script failed an OP_CHECKMULTISIGVERIFY operation") \
    X(CHECKSIGVERIFY, "CHECKSIGVERIFY", "Script failed an OP_CHECKSIGVERIFY operation") \
    X(NUMEQUALVERIFY, "NUMEQUALVERIFY", "Script failed an OP_NUMEQUALVERIFY operation") \
    X(BAD_OPCODE, "BAD_OPCODE", "Opcode missing or not understood") \
    X(DISABLED_OPCODE, "DISABLED_OPCODE", "Attempted to use a disabled opcode") \
    X(INVALID_STACK_OPERATION, "INVALID_STACK_OPERATION", "Operation not valid with the current stack size") \
    X(INVALID_ALTSTACK_OPERATION, "INVALID_ALTSTACK_OPERATION", "Operation not valid with the current altstack size") \
    X(UNBALANCED_CONDITIONAL, "UNBALANCED_CONDITIONAL", "Invalid OP_IF construction") \
    X(NEGATIVE_LOCKTIME, "NEGATIVE_LOCKTIME", "Negative locktime") \
    X(UNSATISFIED_LOCKTIME, "UNSATISFIED_LOCKTIME", "Locktime requirement not satisfied") \
    X(SIG_HASHTYPE, "SIG_HASHTYPE", "Signature hash type missing or not understood") \
    X(SIG_DER, "SIG_DER", "Non-canonical DER signature") \
    X(MINIMALDATA, "MINIMALDATA", "Data push larger than necessary") \
    X(SIG_PUSHONLY, "SIG_PUSHONLY", "Only push operators allowed in signatures") \
    X(SIG_HIGH_S, "SIG_HIGH_S", "Non-canonical signature: S value is unnecessarily high") \
    X(SIG_NULLDUMMY, "SIG_NULLDUMMY", "Dummy CHECKMULTISIG argument must be zero") \
    X(PUBKEYTYPE, "PUBKEYTYPE", "Public key is neither compressed or uncompressed") \
    X(CLEANSTACK, "CLEANSTACK", "Stack size must be exactly one after execution") \
    X(MINIMALIF, "MINIMALIF", "OP_IF/NOTIF argument must be minimal") \
    X(SIG_NULLFAIL, "NULLFAIL", "Signature must be zero for failed CHECK(MULTI)SIG operation") \
    X(DISCOURAGE_UPGRADABLE_NOPS, "DISCOURAGE_UPGRADABLE_NOPS", "NOPx reserved for soft-fork upgrades") \
    X(DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM, "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", "Witness version reserved for soft-fork upgrades") \
    X(DISCOURAGE_UPGRADABLE_TAPROOT_VERSION, "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION", "Taproot version reserved for soft-fork upgrades") \
    X(DISCOURAGE_OP_SUCCESS, "DISCOURAGE_OP_SUCCESS", "OP_SUCCESSx reserved for soft-fork upgrades") \
    X(DISCOURAGE_UPGRADABLE_PUBKEYTYPE, "DISCOURAGE_UPGRADABLE_PUBKEYTYPE", "Public key version reserved for soft-fork upgrades") \
    X(WITNESS_PROGRAM_WRONG_LENGTH, "WITNESS_PROGRAM_WRONG_LENGTH", "Witness program has incorrect length") \
    X(WITNESS_PROGRAM_WITNESS_EMPTY, "WITNESS_PROGRAM_WITNESS_EMPTY", "Witness program was passed an empty witness") \
    X(WITNESS_PROGRAM_MISMATCH, "WITNESS_PROGRAM_MISMATCH", "Witness program hash mismatch") \
    X(WITNESS_MALLEATED, "WITNESS_MALLEATED", "Witness requires empty scriptSig") \
    X(WITNESS_MALLEATED_P2SH, "WITNESS_MALLEATED_P2SH", "Witness requires only-redeemscript scriptSig") \
    X(WITNESS_UNEXPECTED, "WITNESS_UNEXPECTED", "Witness provided for non-witness script") \
    X(WITNESS_PUBKEYTYPE, "WITNESS_PUBKEYTYPE", "Using non-compressed keys in segwit") \
    X(SCHNORR_SIG_SIZE, "SCHNORR_SIG_SIZE", "Invalid Schnorr signature size") \
    X(SCHNORR_SIG_HASHTYPE, "SCHNORR_SIG_HASHTYPE", "Invalid Schnorr signature hash type") \
    X(SCHNORR_SIG, "SCHNORR_SIG", "Invalid Schnorr signature") \
    X(TAPROOT_WRONG_CONTROL_SIZE, "TAPROOT_WRONG_CONTROL_SIZE", "Invalid Taproot control block size") \
    X(TAPSCRIPT_VALIDATION_WEIGHT, "TAPSCRIPT_VALIDATION_WEIGHT", "Too much signature validation relative to witness weight") \
    X(TAPSCRIPT_CHECKMULTISIG, "TAPSCRIPT_CHECKMULTISIG", "OP_CHECKMULTISIG(VERIFY) is not available in tapscript") \
    X(TAPSCRIPT_MINIMALIF, "TAPSCRIPT_MINIMALIF", "OP_IF/NOTIF argument must be minimal in tapscript") \
    X(TAPSCRIPT_EMPTY_PUBKEY, "TAPSCRIPT_EMPTY_PUBKEY", "Empty public key in tapscript") \
    X(OP_CODESEPARATOR, "OP_CODESEPARATOR", "Using OP_CODESEPARATOR in non-witness script") \
    X(SIG_FINDANDDELETE, "SIG_FINDANDDELETE", "Signature is found in scriptCode") \
    X(SCRIPTNUM, "SCRIPTNUM", "Script number overflowed or is non-minimally encoded")
/* clang-format on */

enum script_error {
#define X(id, name, message) SCRIPT_ERR_##id,
    SCRIPT_ERRORS(X)
#undef X
};

const char *script_error_name(enum script_error e);    /* "EVAL_FALSE" */
const char *script_error_message(enum script_error e); /* the sentence in reject reasons */
/* "P2SH,WITNESS" to bits; false where a name is none. "NONE" and "" are 0. */
bool script_flags_parse(const char *s, uint32_t *flags);

#define SIGHASH_PREFIXES 8
/*
 * What of a transaction's signature hashes is the same for all inputs (BIP143, BIP341), computed
 * once. Immutable after init: several threads may verify inputs of one transaction with it.
 */
struct sighash_cache {
    const struct tx *tx;
    const struct tx_out *spent; /* n_in outputs, or NULL: then no taproot */
    bool v0_ready, taproot_ready;
    uint8_t prevouts[32], sequences[32], outputs[32];    /* single SHA-256 (BIP341) */
    uint8_t prevouts2[32], sequences2[32], outputs2[32]; /* double (BIP143) */
    uint8_t amounts[32], scripts[32];
    struct sha256 tag; /* "TapSighash" begun */
    /* Legacy messages that commit to all inputs begin alike, up to their own input: the state
     * before input (k + 1) * prefix_step, for k from 0. Step 0: too few inputs for that. */
    uint32_t prefix_step;
    struct sha256 prefix[SIGHASH_PREFIXES];
};
/* tx and spent must outlive the cache. Computes what the inputs can need: nothing for a transaction
 * of few inputs without witnesses. */
void sighash_cache_init(struct sighash_cache *c, const struct tx *tx, const struct tx_out *spent);
/* The same for a transaction that is yet to be signed: all that `spent` allows. */
void sighash_cache_init_all(struct sighash_cache *c, const struct tx *tx,
                            const struct tx_out *spent);

#define SIGHASH_DEFAULT      0
#define SIGHASH_ALL          1
#define SIGHASH_NONE         2
#define SIGHASH_SINGLE       3
#define SIGHASH_ANYONECANPAY 0x80

void sighash_legacy(uint8_t out[32], const struct tx *tx, unsigned in, struct span script_code,
                    int32_t hash_type);
/* BIP143; needs c->v0_ready. */
void sighash_v0(uint8_t out[32], const struct sighash_cache *c, unsigned in,
                struct span script_code, int64_t amount, int32_t hash_type);
/* Tapscript's part of the message (BIP342); NULL for key path spends. */
struct tapscript_data {
    uint8_t leaf_hash[32];
    uint32_t codesep_pos; /* 0xffffffff: none */
};
/* BIP341. False where the hash type is unknown, where SINGLE has no output of the input's number,
 * or where the spent outputs are not known. annex_hash: SHA-256 of the annex with its length in
 * front, or NULL. */
bool sighash_taproot(uint8_t out[32], const struct sighash_cache *c, unsigned in, uint8_t hash_type,
                     const uint8_t *annex_hash, const struct tapscript_data *leaf);

/* A place to remember signatures that were found good; may be shared by threads. */
struct sig_memo {
    bool (*known)(void *arg, const uint8_t entry[32]);
    void (*add)(void *arg, const uint8_t entry[32]);
    void *arg;
    uint8_t salt[32];
};

/* Verifies input `in` of c->tx against the output it spends (c->spent may be NULL, see above).
 * memo and err may be NULL. */
bool script_verify_input(const struct sighash_cache *c, unsigned in, const struct tx_out *spent,
                         uint32_t flags, const struct sig_memo *memo, enum script_error *err);
/* The same with scriptSig and witness that are not in the transaction (yet). */
bool script_verify_parts(const struct sighash_cache *c, unsigned in, struct span script_sig,
                         const struct witness *witness, const struct tx_out *spent, uint32_t flags,
                         const struct sig_memo *memo, enum script_error *err);

/* Signature operations of one input beyond its legacy count (BIP141): those of a P2SH redeem
 * script, which cost WITNESS_SCALE each, and those of a witness program, which cost one each. */
unsigned p2sh_sigops(const struct tx_in *in, struct span spent_script);
unsigned witness_sigops(const struct tx_in *in, struct span spent_script, uint32_t flags);

/* Strict DER with a hash type byte behind it (BIP66). */
bool sig_is_strict_der(struct span sig);
/* BIP341 hashes. taproot_root: merkle root from a leaf and the path of a control block (its length
 * is 33 + 32 * n, n <= 128). */
void tapleaf_hash(uint8_t out[32], uint8_t leaf_version, struct span script);
void tapbranch_hash(uint8_t out[32], const uint8_t a[32], const uint8_t b[32]);
void taproot_root(uint8_t out[32], const uint8_t leaf_hash[32], struct span control);
void taptweak_hash(uint8_t out[32], const struct xonly *internal,
                   const uint8_t *root /* or NULL */);

#endif
