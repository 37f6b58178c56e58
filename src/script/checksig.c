/*
 * Operations that check signatures, in their three generations.
 *
 * Legacy: the code that is signed begins behind the last executed OP_CODESEPARATOR, and the
 * signature itself is removed from it wherever it appears as a push ("FindAndDelete"). That only
 * costs a search; a copy is made where something was found, and policy refuses that case. Encodings
 * (BIP66, low S, hash type, key type) are errors where flags ask for them; what passes unasked is
 * parsed as laxly as the first nodes did, in crypto/.
 *
 * Version 0 signs the code without removal. Tapscript has Schnorr signatures which must be empty or
 * valid, a budget of weight instead of counts, unknown key types that always pass, and no
 * OP_CHECKMULTISIG: OP_CHECKSIGADD takes its place.
 *
 * A signature that was found good may be remembered (struct sig_memo): the entry is a hash over a
 * secret salt, the message, the key and the signature, so nobody can make two of them meet.
 */
#include "script/exec.h"

#define SIGOP_WEIGHT 50 /* BIP342 */

/* ---- encodings ---- */

/* A DER integer at *at: positive, no needless zero in front. Moves *at behind it. */
static bool der_integer(struct span sig, size_t *at)
{
    if (sig.len - *at < 3 || sig.data[*at] != 0x02)
        return false;
    size_t len = sig.data[*at + 1];
    const uint8_t *v = sig.data + *at + 2;
    if (len == 0 || len > sig.len - *at - 2)
        return false;
    if ((v[0] & 0x80) || (len > 1 && v[0] == 0 && !(v[1] & 0x80)))
        return false;
    *at += 2 + len;
    return true;
}

bool sig_is_strict_der(struct span sig)
{
    if (sig.len < 9 || sig.len > 73)
        return false;
    struct span der = span_of(sig.data, sig.len - 1);
    if (der.data[0] != 0x30 || der.data[1] != der.len - 2)
        return false;
    size_t at = 2;
    return der_integer(der, &at) && der_integer(der, &at) && at == der.len;
}

static bool known_hash_type(struct span sig)
{
    uint8_t type = sig.data[sig.len - 1] & (uint8_t)~SIGHASH_ANYONECANPAY;
    return type >= SIGHASH_ALL && type <= SIGHASH_SINGLE;
}

static enum script_error check_sig_encoding(struct span sig, uint32_t flags)
{
    if (sig.len == 0)
        return SCRIPT_ERR_OK; /* the compact way of giving no signature */
    uint32_t strict = SCRIPT_VERIFY_DERSIG | SCRIPT_VERIFY_LOW_S | SCRIPT_VERIFY_STRICTENC;
    if ((flags & strict) && !sig_is_strict_der(sig))
        return SCRIPT_ERR_SIG_DER;
    if ((flags & SCRIPT_VERIFY_LOW_S) && !ecdsa_is_low_s(span_of(sig.data, sig.len - 1)))
        return SCRIPT_ERR_SIG_HIGH_S;
    if ((flags & SCRIPT_VERIFY_STRICTENC) && !known_hash_type(sig))
        return SCRIPT_ERR_SIG_HASHTYPE;
    return SCRIPT_ERR_OK;
}

static bool key_is_compressed(struct span key)
{
    return key.len == 33 && (key.data[0] == 0x02 || key.data[0] == 0x03);
}

static enum script_error check_key_encoding(struct span key, uint32_t flags,
                                            enum sig_version version)
{
    bool uncompressed = key.len == 65 && key.data[0] == 0x04;
    if ((flags & SCRIPT_VERIFY_STRICTENC) && !key_is_compressed(key) && !uncompressed)
        return SCRIPT_ERR_PUBKEYTYPE;
    if ((flags & SCRIPT_VERIFY_WITNESS_PUBKEYTYPE) && version == SIG_V0 && !key_is_compressed(key))
        return SCRIPT_ERR_WITNESS_PUBKEYTYPE;
    return SCRIPT_ERR_OK;
}

static enum script_error check_encodings(const struct exec *x, struct span sig, struct span key)
{
    enum script_error err = check_sig_encoding(sig, x->v->flags);
    return err != SCRIPT_ERR_OK ? err : check_key_encoding(key, x->v->flags, x->version);
}

/* ---- the code that is signed ---- */

struct script_code {
    struct span code;
    struct buf own; /* holds the code where signatures were removed from it */
    bool changed;
};

/* Copies `code` to out without the operations that are exactly the bytes `what`; how many. */
static size_t copy_without(struct buf *out, struct span code, struct span what)
{
    struct script_iter it;
    struct span push;
    uint8_t op;
    size_t found = 0;
    const uint8_t *end = code.data + code.len, *from = code.data;
    script_iter_init(&it, code);
    do {
        write_bytes(out, from, (size_t)(it.p - from));
        while ((size_t)(end - it.p) >= what.len && memcmp(it.p, what.data, what.len) == 0) {
            it.p += what.len;
            found++;
        }
        from = it.p;
    } while (script_next(&it, &op, &push));
    write_bytes(out, from, (size_t)(end - from));
    return found;
}

/* Removes pushes of `sig`, in the shortest form. Policy refuses where there is one. */
static enum script_error remove_sig(const struct exec *x, struct script_code *sc, struct span sig)
{
    struct buf what = BUF_INIT, out = BUF_INIT;
    size_t found = 0;
    script_push_span(&what, sig);
    if (sc->code.len >= what.len && memmem(sc->code.data, sc->code.len, what.data, what.len))
        found = copy_without(&out, sc->code, buf_span(&what));
    buf_clear(&what);
    if (found == 0) {
        buf_clear(&out);
        return SCRIPT_ERR_OK;
    }
    buf_clear(&sc->own);
    sc->own = out;
    sc->code = buf_span(&sc->own);
    sc->changed = true;
    return x->v->flags & SCRIPT_VERIFY_CONST_SCRIPTCODE ? SCRIPT_ERR_SIG_FINDANDDELETE
                                                        : SCRIPT_ERR_OK;
}

static struct script_code script_code_begin(const struct exec *x)
{
    struct script_code sc = {.own = BUF_INIT};
    sc.code = span_of(x->code, (size_t)(x->script.data + x->script.len - x->code));
    return sc;
}

enum script_error op_codeseparator(struct exec *x, uint8_t op)
{
    (void)op;
    x->code = x->it.p;
    if (x->tap)
        x->tap->leaf.codesep_pos = x->op_pos;
    return SCRIPT_ERR_OK;
}

/* ---- checks ---- */

static void memo_entry(uint8_t out[32], const struct sig_memo *memo, char kind,
                       const uint8_t hash[32], struct span key, struct span sig)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_write(&h, memo->salt, 32);
    sha256_write(&h, hash, 32);
    sha256_write(&h, &kind, 1);
    sha256_write(&h, key.data, key.len);
    sha256_write(&h, sig.data, sig.len);
    sha256_final(&h, out);
}

static bool ecdsa_check_memo(const struct sig_memo *memo, const struct pubkey *pk,
                             const uint8_t hash[32], struct span sig)
{
    if (!memo)
        return ecdsa_verify(pk, hash, sig);
    uint8_t entry[32];
    memo_entry(entry, memo, 'E', hash, span_of(pk->data, pk->len), sig);
    if (memo->known(memo->arg, entry))
        return true;
    bool ok = ecdsa_verify(pk, hash, sig);
    if (ok)
        memo->add(memo->arg, entry);
    return ok;
}

static bool schnorr_check_memo(const struct sig_memo *memo, const struct xonly *pk,
                               const uint8_t hash[32], const uint8_t sig[64])
{
    if (!memo)
        return schnorr_verify(pk, hash, 32, sig);
    uint8_t entry[32];
    memo_entry(entry, memo, 'S', hash, span_of(pk->b, 32), span_of(sig, 64));
    if (memo->known(memo->arg, entry))
        return true;
    bool ok = schnorr_verify(pk, hash, 32, sig);
    if (ok)
        memo->add(memo->arg, entry);
    return ok;
}

static bool check_ecdsa(struct exec *x, const struct script_code *sc, struct span sig,
                        struct span key)
{
    struct pubkey pk;
    if (sig.len == 0 || !pubkey_from_bytes(&pk, key.data, key.len))
        return false;
    uint8_t hash[32];
    sighash_memo(hash, &x->hashes, x->v, x->version, sc->code, !sc->changed, sig.data[sig.len - 1]);
    return ecdsa_check_memo(x->v->memo, &pk, hash, span_of(sig.data, sig.len - 1));
}

enum script_error check_schnorr(const struct verify *v, struct span sig, struct span key,
                                struct taproot_spend *tap, enum sig_version version)
{
    if (sig.len != 64 && sig.len != 65)
        return SCRIPT_ERR_SCHNORR_SIG_SIZE;
    uint8_t hash_type = sig.len == 65 ? sig.data[64] : SIGHASH_DEFAULT;
    if (sig.len == 65 && hash_type == SIGHASH_DEFAULT)
        return SCRIPT_ERR_SCHNORR_SIG_HASHTYPE;
    uint8_t hash[32];
    if (!sighash_tap(hash, v, hash_type, tap, version))
        return SCRIPT_ERR_SCHNORR_SIG_HASHTYPE;
    struct xonly pk;
    memcpy(pk.b, key.data, 32);
    return schnorr_check_memo(v->memo, &pk, hash, sig.data) ? SCRIPT_ERR_OK
                                                            : SCRIPT_ERR_SCHNORR_SIG;
}

static enum script_error checksig_old(struct exec *x, struct span sig, struct span key, bool *ok)
{
    struct script_code sc = script_code_begin(x);
    enum script_error err = SCRIPT_ERR_OK;
    if (x->version == SIG_BASE)
        err = remove_sig(x, &sc, sig);
    if (err == SCRIPT_ERR_OK)
        err = check_encodings(x, sig, key);
    if (err == SCRIPT_ERR_OK) {
        *ok = check_ecdsa(x, &sc, sig, key);
        if (!*ok && (x->v->flags & SCRIPT_VERIFY_NULLFAIL) && sig.len > 0)
            err = SCRIPT_ERR_SIG_NULLFAIL;
    }
    buf_clear(&sc.own);
    return err;
}

static enum script_error checksig_tapscript(struct exec *x, struct span sig, struct span key,
                                            bool *ok)
{
    *ok = sig.len > 0;
    if (*ok) {
        x->tap->weight_left -= SIGOP_WEIGHT;
        if (x->tap->weight_left < 0)
            return SCRIPT_ERR_TAPSCRIPT_VALIDATION_WEIGHT;
    }
    if (key.len == 0)
        return SCRIPT_ERR_TAPSCRIPT_EMPTY_PUBKEY;
    if (key.len == 32)
        return *ok ? check_schnorr(x->v, sig, key, x->tap, SIG_TAPSCRIPT) : SCRIPT_ERR_OK;
    if (x->v->flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE)
        return SCRIPT_ERR_DISCOURAGE_UPGRADABLE_PUBKEYTYPE;
    return SCRIPT_ERR_OK;
}

static enum script_error checksig(struct exec *x, struct span sig, struct span key, bool *ok)
{
    if (x->version == SIG_TAPSCRIPT)
        return checksig_tapscript(x, sig, key, ok);
    return checksig_old(x, sig, key, ok);
}

enum script_error op_checksig(struct exec *x, uint8_t op)
{
    bool ok = false;
    struct span sig = elem_span(stack_top(x->stack, 2)), key = elem_span(stack_top(x->stack, 1));
    enum script_error err = checksig(x, sig, key, &ok);
    if (err != SCRIPT_ERR_OK)
        return err;
    stack_drop(x->stack, 2);
    return exec_result(x, ok, op == OP_CHECKSIGVERIFY, SCRIPT_ERR_CHECKSIGVERIFY);
}

enum script_error op_checksigadd(struct exec *x, uint8_t op)
{
    (void)op;
    if (x->version != SIG_TAPSCRIPT)
        return SCRIPT_ERR_BAD_OPCODE;
    if (x->stack->n < 3)
        return SCRIPT_ERR_INVALID_STACK_OPERATION;
    int64_t n;
    if (!exec_num(x, 2, &n))
        return SCRIPT_ERR_SCRIPTNUM;
    bool ok = false;
    struct span sig = elem_span(stack_top(x->stack, 3)), key = elem_span(stack_top(x->stack, 1));
    enum script_error err = checksig(x, sig, key, &ok);
    if (err != SCRIPT_ERR_OK)
        return err;
    stack_drop(x->stack, 3);
    stack_push(x->stack, elem_num(n + (ok ? 1 : 0)));
    return SCRIPT_ERR_OK;
}

/* ---- OP_CHECKMULTISIG ---- */

/* Where its operands lie, as distances from the top of the stack. */
struct multisig {
    size_t n_keys, keys; /* the last key of the script lies at `keys` */
    size_t n_sigs, sigs;
    size_t depth; /* of all operands, without the extra one below */
};

static enum script_error multisig_operands(struct exec *x, struct multisig *m)
{
    int64_t n;
    if (x->stack->n < 1)
        return SCRIPT_ERR_INVALID_STACK_OPERATION;
    if (!exec_num(x, 1, &n))
        return SCRIPT_ERR_SCRIPTNUM;
    if (n < 0 || n > MAX_PUBKEYS_PER_MULTISIG)
        return SCRIPT_ERR_PUBKEY_COUNT;
    m->n_keys = (size_t)n;
    m->keys = 2;
    x->op_count += (unsigned)n;
    if (x->op_count > MAX_OPS_PER_SCRIPT)
        return SCRIPT_ERR_OP_COUNT;
    if (x->stack->n < m->n_keys + 2)
        return SCRIPT_ERR_INVALID_STACK_OPERATION;
    if (!exec_num(x, m->n_keys + 2, &n))
        return SCRIPT_ERR_SCRIPTNUM;
    if (n < 0 || (size_t)n > m->n_keys)
        return SCRIPT_ERR_SIG_COUNT;
    m->n_sigs = (size_t)n;
    m->sigs = m->n_keys + 3;
    m->depth = m->n_keys + m->n_sigs + 2;
    return x->stack->n < m->depth ? SCRIPT_ERR_INVALID_STACK_OPERATION : SCRIPT_ERR_OK;
}

/* Signatures must come in the order of their keys. Keys and signatures are looked at from the top
 * of the stack, so only as many encodings are checked as it takes: that is part of the rule. */
static enum script_error multisig_check(struct exec *x, const struct multisig *m,
                                        const struct script_code *sc, bool *ok)
{
    size_t keys_left = m->n_keys, sigs_left = m->n_sigs, key_at = m->keys, sig_at = m->sigs;
    while (sigs_left > 0 && sigs_left <= keys_left) {
        struct span sig = elem_span(stack_top(x->stack, sig_at));
        struct span key = elem_span(stack_top(x->stack, key_at));
        enum script_error err = check_encodings(x, sig, key);
        if (err != SCRIPT_ERR_OK)
            return err;
        if (check_ecdsa(x, sc, sig, key)) {
            sig_at++;
            sigs_left--;
        }
        key_at++;
        keys_left--;
    }
    *ok = sigs_left == 0;
    return SCRIPT_ERR_OK;
}

static enum script_error multisig_run(struct exec *x, const struct multisig *m, bool *ok)
{
    struct script_code sc = script_code_begin(x);
    enum script_error err = SCRIPT_ERR_OK;
    for (size_t i = 0; x->version == SIG_BASE && i < m->n_sigs && err == SCRIPT_ERR_OK; i++)
        err = remove_sig(x, &sc, elem_span(stack_top(x->stack, m->sigs + i)));
    if (err == SCRIPT_ERR_OK)
        err = multisig_check(x, m, &sc, ok);
    buf_clear(&sc.own);
    return err;
}

static bool multisig_any_sig(const struct exec *x, const struct multisig *m)
{
    for (size_t i = 0; i < m->n_sigs; i++) {
        if (stack_top(x->stack, m->sigs + i)->len > 0)
            return true;
    }
    return false;
}

enum script_error op_checkmultisig(struct exec *x, uint8_t op)
{
    if (x->version == SIG_TAPSCRIPT)
        return SCRIPT_ERR_TAPSCRIPT_CHECKMULTISIG;
    struct multisig m;
    bool ok = false;
    enum script_error err = multisig_operands(x, &m);
    if (err == SCRIPT_ERR_OK)
        err = multisig_run(x, &m, &ok);
    if (err != SCRIPT_ERR_OK)
        return err;
    if (!ok && (x->v->flags & SCRIPT_VERIFY_NULLFAIL) && multisig_any_sig(x, &m))
        return SCRIPT_ERR_SIG_NULLFAIL;
    stack_drop(x->stack, m.depth);
    /* One element too many has always been taken. */
    if (x->stack->n < 1)
        return SCRIPT_ERR_INVALID_STACK_OPERATION;
    if ((x->v->flags & SCRIPT_VERIFY_NULLDUMMY) && stack_top(x->stack, 1)->len > 0)
        return SCRIPT_ERR_SIG_NULLDUMMY;
    stack_drop(x->stack, 1);
    return exec_result(x, ok, op == OP_CHECKMULTISIGVERIFY, SCRIPT_ERR_CHECKMULTISIGVERIFY);
}
