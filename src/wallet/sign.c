/*
 * Signing with the wallet's keys. Each input is signed with the expansion of the one position that
 * its output belongs to, so private keys exist for as long as that takes; an input that is not the
 * wallet's own script but names its keys (a multisig of several parties) is served by a provider
 * over all descriptors' fixed keys and known positions.
 */
#include <stdlib.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "wallet/inside.h"

/* ---- a provider over everything ---- */

/* The key with that hash: among the positions whose simple scripts are in the table, and the fixed
 * keys of descriptors that are no range. */
static bool expand_key(struct wallet *w, const uint8_t id[20], struct expansion *e)
{
    struct buf script = BUF_INIT;
    bool found = false;

    for (int kind = 0; kind < 3 && !found; kind++) {
        script.len = 0;
        if (kind == 0) {
            script_p2wpkh(&script, id);
        } else if (kind == 1) {
            script_p2pkh(&script, id);
        } else {
            struct buf inner = BUF_INIT;
            uint8_t hash[20];
            script_p2wpkh(&inner, id);
            hash160(hash, inner.data, inner.len);
            script_p2sh(&script, hash);
            buf_clear(&inner);
        }
        found = wallet_expand(w, buf_span(&script), true, e);
        if (!found)
            expansion_clear(e);
    }
    buf_clear(&script);
    for (size_t i = 0; i < w->n_descs && !found; i++) {
        if (descriptor_is_range(w->descs[i]->d))
            continue;
        found = descriptor_expand(w->descs[i]->d, 0, true, e);
        for (size_t k = 0; found && k < e->n_keys; k++) {
            uint8_t own[20];
            pubkey_id(&e->keys[k].pubkey, own);
            if (memcmp(own, id, 20) == 0)
                return true;
        }
        expansion_clear(e);
        found = false;
    }
    return found;
}

static bool any_key(void *arg, const uint8_t id[20], struct seckey *out)
{
    struct expansion e;
    struct signing_provider p;

    bool ok = expand_key(arg, id, &e);
    if (!ok)
        return false;
    expansion_provider(&e, &p);
    ok = p.key(p.arg, id, out);
    expansion_clear(&e);
    return ok;
}

static bool any_pubkey(void *arg, const uint8_t id[20], struct pubkey *out)
{
    struct expansion e;
    struct signing_provider p;

    if (!expand_key(arg, id, &e))
        return false;
    expansion_provider(&e, &p);
    bool ok = p.pubkey(p.arg, id, out);
    expansion_clear(&e);
    return ok;
}

static bool any_script(void *arg, const uint8_t id[20], struct buf *out)
{
    struct buf script = BUF_INIT;
    struct expansion e;
    struct signing_provider p;

    script_p2sh(&script, id);
    bool ok = wallet_expand(arg, buf_span(&script), false, &e);
    if (ok) {
        expansion_provider(&e, &p);
        ok = p.script(p.arg, id, out);
    }
    expansion_clear(&e);
    buf_clear(&script);
    return ok;
}

static bool any_taproot(void *arg, const struct xonly *output, struct xonly *internal,
                        uint8_t root[32], bool *has_root)
{
    struct buf script = BUF_INIT;
    struct expansion e;
    struct signing_provider p;

    script_p2tr(&script, output);
    bool ok = wallet_expand(arg, buf_span(&script), false, &e);
    if (ok) {
        expansion_provider(&e, &p);
        ok = p.taproot(p.arg, output, internal, root, has_root);
    }
    expansion_clear(&e);
    buf_clear(&script);
    return ok;
}

void wallet_provider(struct wallet *w, struct signing_provider *out)
{
    wallet_fill_all(w);
    *out = (struct signing_provider){.key = any_key,
                                     .pubkey = any_pubkey,
                                     .script = any_script,
                                     .taproot = any_taproot,
                                     .arg = w};
}

/* ---- transactions ---- */

bool wallet_sign(struct wallet *w, struct mtx *m, const struct tx_out *coins, int hash_type,
                 enum script_error *errors)
{
    struct signer s;
    bool all = true;

    signer_init(&s, m, coins);
    for (unsigned i = 0; i < m->n_in; i++) {
        struct signing_provider p;
        struct expansion e = {0};
        enum script_error err = SCRIPT_ERR_OK;
        if (coins[i].script_pubkey.data && wallet_expand(w, coins[i].script_pubkey, true, &e))
            expansion_provider(&e, &p);
        else
            wallet_provider(w, &p);
        all = signer_sign(&s, i, &p, hash_type, &err) && all;
        if (errors)
            errors[i] = err;
        expansion_clear(&e);
    }
    signer_clear(&s);
    return all;
}

int64_t wallet_input_weight(struct wallet *w, const struct tx_out *out, bool *witness)
{
    struct expansion e;
    struct signing_provider p;
    uint32_t sig_len, witness_len;
    int64_t weight = -1;

    *witness = false;
    if (wallet_expand(w, out->script_pubkey, false, &e)) {
        expansion_provider(&e, &p);
        if (sign_input_size(out->script_pubkey, &p, true, &sig_len, &witness_len)) {
            *witness = witness_len > 0;
            weight = ((int64_t)36 + 4 + (int64_t)compact_size(sig_len) + sig_len) * WITNESS_SCALE +
                     (witness_len ? witness_len : 1);
        }
    }
    expansion_clear(&e);
    return weight;
}

bool wallet_sign_message(struct wallet *w, const struct destination *d, const uint8_t hash[32],
                         uint8_t sig[65], char **error)
{
    struct expansion e;
    struct signing_provider p;
    struct buf script = BUF_INIT;
    struct seckey key;

    destination_script(d, &script);
    bool ok = wallet_expand(w, buf_span(&script), true, &e);
    if (ok) {
        expansion_provider(&e, &p);
        ok = p.key(p.arg, d->data, &key) && ecdsa_sign_compact(sig, &key, hash);
        wipe(&key, sizeof(key));
    }
    if (!ok)
        *error = xstrdup("Private key not available");
    expansion_clear(&e);
    buf_clear(&script);
    return ok;
}
