/*
 * Signing.
 *
 * An input is solved from the outside in: the output script, then a redeem script behind its hash,
 * then a witness script, until a form is reached that asks for signatures. What is found is a list
 * of stack items for the scriptSig and one for the witness, which replace those of the input.
 *
 * Before that, all that the input already carries is taken apart into a pool of byte strings. The
 * pool is asked before the provider: a signature in it that verifies for a key is kept (so that the
 * owners of a multisig can sign one after the other, and two halves can be merged), and scripts and
 * keys are found in it by their hashes. Nothing in it is trusted: each is used only where a hash or
 * a signature proves it.
 *
 * The result is always verified as the network would before it is called complete.
 *
 * Rejected: guessing from the position of a signature which key it belongs to. Trying costs a
 * verification for each pair, at most 20 times 20, and cannot be wrong.
 */
#include "script/sign.h"

#include <stdlib.h>

#include "util/mem.h"

#define MAX_ITEMS 24  /* 20 signatures, the extra element, a script */
#define MAX_POOL  128 /* items of an input that are looked at */

enum signed_form { FORM_LEGACY, FORM_V0 };

struct items {
    struct buf at[MAX_ITEMS];
    size_t n;
};

struct work {
    const struct signer *s;
    unsigned in;
    const struct signing_provider *p;
    int hash_type;
    struct span pool[MAX_POOL];
    size_t n_pool;
};

static void items_clear(struct items *items)
{
    for (size_t i = 0; i < items->n; i++)
        buf_clear(&items->at[i]);
    items->n = 0;
}

static struct buf *items_add(struct items *items, struct span s)
{
    CHECK(items->n < MAX_ITEMS);
    struct buf *b = &items->at[items->n++];
    buf_init(b);
    write_span(b, s);
    return b;
}

/* ---- what the input carries already ---- */

static void pool_add(struct work *w, struct span s)
{
    if (w->n_pool < MAX_POOL)
        w->pool[w->n_pool++] = s;
}

static void pool_fill(struct work *w, const struct mtx_in *in)
{
    struct script_iter it;
    struct span push;
    uint8_t op;
    script_iter_init(&it, buf_span(&in->script_sig));
    while (script_next(&it, &op, &push))
        pool_add(w, push);
    for (size_t i = 0; i < in->n_witness; i++)
        pool_add(w, buf_span(&in->witness[i]));
}

static bool find_script(const struct work *w, const uint8_t hash[20], struct buf *out)
{
    if (w->p->script && w->p->script(w->p->arg, hash, out))
        return true;
    for (size_t i = 0; i < w->n_pool; i++) {
        uint8_t h[20];
        hash160(h, w->pool[i].data, w->pool[i].len);
        if (memcmp(h, hash, 20) == 0) {
            write_span(out, w->pool[i]);
            return true;
        }
    }
    return false;
}

static bool find_pubkey(const struct work *w, const uint8_t hash[20], struct pubkey *out)
{
    struct seckey key;
    if (w->p->pubkey && w->p->pubkey(w->p->arg, hash, out))
        return true;
    if (w->p->key && w->p->key(w->p->arg, hash, &key)) {
        bool ok = seckey_pubkey(out, &key);
        wipe(&key, sizeof(key));
        return ok;
    }
    for (size_t i = 0; i < w->n_pool; i++) {
        uint8_t id[20];
        if (!pubkey_from_bytes(out, w->pool[i].data, w->pool[i].len))
            continue;
        pubkey_id(out, id);
        if (memcmp(id, hash, 20) == 0)
            return true;
    }
    return false;
}

/* ---- signatures ---- */

static void ecdsa_message(uint8_t out[32], const struct work *w, struct span code,
                          enum signed_form form, int hash_type)
{
    if (form == FORM_LEGACY)
        sighash_legacy(out, w->s->tx, w->in, code, hash_type);
    else
        sighash_v0(out, &w->s->cache, w->in, code, w->s->spent[w->in].value, hash_type);
}

static bool reuse_signature(const struct work *w, const struct pubkey *pk, struct span code,
                            enum signed_form form, struct items *out)
{
    for (size_t i = 0; i < w->n_pool; i++) {
        struct span sig = w->pool[i];
        uint8_t hash[32];
        if (!sig_is_strict_der(sig))
            continue;
        ecdsa_message(hash, w, code, form, sig.data[sig.len - 1]);
        if (ecdsa_verify(pk, hash, span_of(sig.data, sig.len - 1))) {
            items_add(out, sig);
            return true;
        }
    }
    return false;
}

/* The private key of pk; wipe it after use. */
static bool find_seckey(const struct work *w, const struct pubkey *pk, struct seckey *out)
{
    uint8_t id[20];
    struct pubkey own;
    pubkey_id(pk, id);
    if (!w->p->key || !w->p->key(w->p->arg, id, out))
        return false;
    return seckey_pubkey(&own, out) && pubkey_eq(&own, pk);
}

static bool add_signature(const struct work *w, const struct pubkey *pk, struct span code,
                          enum signed_form form, struct items *out)
{
    if (reuse_signature(w, pk, code, form, out))
        return true;
    if (form == FORM_V0 && !pubkey_compressed(pk))
        return false;
    struct seckey key;
    uint8_t hash[32], sig[72 + 1];
    size_t len;
    int hash_type = w->hash_type == SIGHASH_DEFAULT ? SIGHASH_ALL : w->hash_type;
    ecdsa_message(hash, w, code, form, hash_type);
    bool ok = find_seckey(w, pk, &key) && ecdsa_sign(sig, &len, &key, hash, true);
    wipe(&key, sizeof(key));
    if (!ok)
        return false;
    sig[len] = (uint8_t)hash_type;
    items_add(out, span_of(sig, len + 1));
    return true;
}

/* The private key behind an x-only one: its full form may have either parity. */
static bool find_xonly_seckey(const struct work *w, const struct xonly *x, struct seckey *out)
{
    struct pubkey pk = {.len = 33};
    memcpy(pk.data + 1, x->b, 32);
    for (pk.data[0] = 2; pk.data[0] <= 3; pk.data[0]++) {
        uint8_t id[20];
        struct pubkey own;
        pubkey_id(&pk, id);
        if (!w->p->key || !w->p->key(w->p->arg, id, out) || !seckey_pubkey(&own, out))
            continue;
        struct xonly own_x = pubkey_xonly(&own);
        if (memcmp(own_x.b, x->b, 32) == 0)
            return true;
    }
    return false;
}

/* Signs with the key behind the output key: the tweaked internal one, or a bare one (rawtr). */
static bool sign_taproot(const struct work *w, const struct xonly *output, struct items *out)
{
    struct xonly internal;
    uint8_t root[32], tweak[32], hash[32], sig[64 + 1];
    bool has_root = false;
    bool tweaked = w->p->taproot && w->p->taproot(w->p->arg, output, &internal, root, &has_root);
    if (tweaked)
        taptweak_hash(tweak, &internal, has_root ? root : NULL);
    if (!sighash_taproot(hash, &w->s->cache, w->in, (uint8_t)w->hash_type, NULL, NULL))
        return false;
    struct seckey key;
    bool ok = find_xonly_seckey(w, tweaked ? &internal : output, &key) &&
              schnorr_sign(sig, &key, hash, tweaked ? tweak : NULL, NULL);
    wipe(&key, sizeof(key));
    if (!ok)
        return false;
    sig[64] = (uint8_t)w->hash_type;
    items_add(out, span_of(sig, w->hash_type == SIGHASH_DEFAULT ? 64 : 65));
    return true;
}

/* ---- forms that ask for signatures ---- */

static bool solve_pubkey(const struct work *w, const struct solution *sol, struct span script,
                         enum signed_form form, struct items *out)
{
    struct pubkey pk;
    return pubkey_from_bytes(&pk, sol->data[0].data, sol->data[0].len) &&
           add_signature(w, &pk, script, form, out);
}

static bool solve_pubkeyhash(const struct work *w, const struct solution *sol, struct span script,
                             enum signed_form form, struct items *out)
{
    struct pubkey pk;
    if (!find_pubkey(w, sol->data[0].data, &pk) || !add_signature(w, &pk, script, form, out))
        return false;
    items_add(out, span_of(pk.data, pk.len));
    return true;
}

/* Missing signatures leave empty items behind the others. */
static bool solve_multisig(const struct work *w, const struct solution *sol, struct span script,
                           enum signed_form form, struct items *out)
{
    unsigned have = 0;
    items_add(out, span_of(NULL, 0));
    for (unsigned i = 0; i < sol->n_data && have < sol->required; i++) {
        struct pubkey pk;
        if (pubkey_from_bytes(&pk, sol->data[i].data, sol->data[i].len))
            have += add_signature(w, &pk, script, form, out);
    }
    for (unsigned i = have; i < sol->required; i++)
        items_add(out, span_of(NULL, 0));
    return have > 0;
}

/* True where it found anything to put into the input. */
static bool solve_script(const struct work *w, struct span script, enum signed_form form,
                         struct items *out)
{
    struct solution sol;
    switch (script_solve(script, &sol)) {
    case SCRIPT_PUBKEY: return solve_pubkey(w, &sol, script, form, out);
    case SCRIPT_PUBKEYHASH: return solve_pubkeyhash(w, &sol, script, form, out);
    case SCRIPT_MULTISIG: return solve_multisig(w, &sol, script, form, out);
    case SCRIPT_NONSTANDARD:
    case SCRIPT_ANCHOR:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
    case SCRIPT_WITNESS_V1_TAPROOT:
    case SCRIPT_WITNESS_UNKNOWN: return false;
    }
    CHECK(!"script type");
    return false;
}

static bool solve_keyhash(const struct work *w, const struct solution *sol, struct items *witness)
{
    struct buf code = BUF_INIT;
    script_p2pkh(&code, sol->data[0].data);
    bool ok = solve_script(w, buf_span(&code), FORM_V0, witness);
    buf_clear(&code);
    return ok;
}

static bool solve_witness_script(const struct work *w, const struct solution *sol,
                                 struct items *witness)
{
    uint8_t hash[20];
    struct buf script = BUF_INIT;
    ripemd160(hash, sol->data[0].data, 32); /* of the SHA-256: hash160 of the script */
    bool ok = find_script(w, hash, &script) && solve_script(w, buf_span(&script), FORM_V0, witness);
    if (ok)
        items_add(witness, buf_span(&script));
    buf_clear(&script);
    return ok;
}

/* An output or redeem script. */
static bool solve_output(const struct work *w, struct span script, bool in_p2sh,
                         struct items *script_sig, struct items *witness)
{
    struct solution sol;
    struct xonly output;
    switch (script_solve(script, &sol)) {
    case SCRIPT_WITNESS_V0_KEYHASH: return solve_keyhash(w, &sol, witness);
    case SCRIPT_WITNESS_V0_SCRIPTHASH: return solve_witness_script(w, &sol, witness);
    case SCRIPT_WITNESS_V1_TAPROOT:
        memcpy(output.b, sol.data[0].data, 32);
        return !in_p2sh && sign_taproot(w, &output, witness);
    case SCRIPT_PUBKEY:
    case SCRIPT_PUBKEYHASH:
    case SCRIPT_MULTISIG:
    case SCRIPT_NONSTANDARD:
    case SCRIPT_ANCHOR:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_UNKNOWN: return solve_script(w, script, FORM_LEGACY, script_sig);
    }
    CHECK(!"script type");
    return false;
}

static bool solve_input(const struct work *w, struct span script, struct items *script_sig,
                        struct items *witness)
{
    if (!script_is_p2sh(script))
        return solve_output(w, script, false, script_sig, witness);
    struct buf redeem = BUF_INIT;
    bool ok = find_script(w, script.data + 2, &redeem) &&
              solve_output(w, buf_span(&redeem), true, script_sig, witness);
    if (ok)
        items_add(script_sig, buf_span(&redeem));
    buf_clear(&redeem);
    return ok;
}

/* ---- the input ---- */

static bool verify_input(const struct signer *s, unsigned in, enum script_error *err)
{
    const struct mtx_in *mi = &s->m->in[in];
    struct span *items = xreallocarray(NULL, mi->n_witness + 1, sizeof(*items));
    for (size_t i = 0; i < mi->n_witness; i++)
        items[i] = buf_span(&mi->witness[i]);
    struct witness w = {.items = items, .n = (uint32_t)mi->n_witness};
    bool ok = script_verify_parts(&s->cache, in, buf_span(&mi->script_sig), &w, &s->spent[in],
                                  SCRIPT_VERIFY_STANDARD, NULL, err);
    free(items);
    return ok;
}

/* Pushes as policy wants them: OP_n where there is one for the value. */
static void push_minimal(struct buf *out, struct span s)
{
    if (s.len == 1 && ((s.data[0] >= 1 && s.data[0] <= 16) || s.data[0] == 0x81))
        script_push_int(out, s.data[0] == 0x81 ? -1 : s.data[0]);
    else
        script_push_span(out, s);
}

static void store(struct mtx_in *in, const struct items *script_sig, const struct items *witness)
{
    struct span items[MAX_ITEMS];
    buf_reset(&in->script_sig);
    for (size_t i = 0; i < script_sig->n; i++)
        push_minimal(&in->script_sig, buf_span(&script_sig->at[i]));
    for (size_t i = 0; i < witness->n; i++)
        items[i] = buf_span(&witness->at[i]);
    mtx_in_set_witness(in, items, witness->n);
}

void signer_init(struct signer *s, struct mtx *m, const struct tx_out *spent)
{
    bool all = true;
    for (size_t i = 0; i < m->n_in; i++)
        all = all && spent[i].script_pubkey.data;
    s->m = m;
    s->spent = spent;
    s->tx = mtx_finish(m);
    sighash_cache_init_all(&s->cache, s->tx, all ? spent : NULL);
}

void signer_clear(struct signer *s)
{
    tx_unref(s->tx);
    s->tx = NULL;
}

bool signer_sign(struct signer *s, unsigned in, const struct signing_provider *p, int hash_type,
                 enum script_error *err)
{
    CHECK(in < s->m->n_in);
    if (!s->spent[in].script_pubkey.data) {
        if (err)
            *err = SCRIPT_ERR_UNKNOWN_ERROR;
        return false;
    }
    if (verify_input(s, in, err))
        return true;
    /* SINGLE without an output of this number would sign a constant that fits other inputs too. */
    if ((hash_type & ~SIGHASH_ANYONECANPAY) == SIGHASH_SINGLE && in >= s->m->n_out)
        return false;
    struct work w = {.s = s, .in = in, .p = p, .hash_type = hash_type};
    struct items script_sig = {.n = 0}, witness = {.n = 0};
    pool_fill(&w, &s->m->in[in]);
    if (solve_input(&w, s->spent[in].script_pubkey, &script_sig, &witness))
        store(&s->m->in[in], &script_sig, &witness);
    items_clear(&script_sig);
    items_clear(&witness);
    return verify_input(s, in, err);
}

bool sign_input(struct mtx *m, unsigned in, const struct tx_out *spent,
                const struct signing_provider *p, int hash_type, enum script_error *err)
{
    struct signer s;
    signer_init(&s, m, spent);
    bool ok = signer_sign(&s, in, p, hash_type, err);
    signer_clear(&s);
    return ok;
}

bool sign_inputs(struct mtx *m, const struct tx_out *spent, const struct signing_provider *p,
                 int hash_type, enum script_error *errs)
{
    struct signer s;
    bool all = true;
    signer_init(&s, m, spent);
    for (unsigned i = 0; i < m->n_in; i++)
        all &= signer_sign(&s, i, p, hash_type, errs ? &errs[i] : NULL);
    signer_clear(&s);
    return all;
}
