/*
 * From a script back to a descriptor: what RPC shows as "desc".
 *
 * Keys and subscripts behind hashes come from an expansion, where one is given; without it a hash
 * stays an address. What is inferred has no ranges and no private keys: an origin and a public key.
 */
#include <stdlib.h>

#include "crypto/hash.h"
#include "script/descriptor_tree.h"
#include "util/mem.h"

struct infer {
    const struct address_params *params;
    const struct expansion *known; /* or NULL */
    struct buf *out;
};

enum infer_context { INFER_TOP, INFER_SH, INFER_WSH };

static const struct derived_key *known_key(const struct infer *in, const uint8_t id[20])
{
    for (size_t i = 0; in->known && i < in->known->n_keys; i++) {
        uint8_t own[20];
        pubkey_id(&in->known->keys[i].pubkey, own);
        if (memcmp(own, id, 20) == 0)
            return &in->known->keys[i];
    }
    return NULL;
}

static const struct buf *known_script(const struct infer *in, const uint8_t *hash, bool is_sha256)
{
    for (size_t i = 0; in->known && i < in->known->n_subscripts; i++) {
        const struct buf *s = &in->known->subscripts[i];
        uint8_t own[32];
        if (is_sha256)
            sha256(own, s->data, s->len);
        else
            hash160(own, s->data, s->len);
        if (memcmp(own, hash, is_sha256 ? 32 : 20) == 0)
            return s;
    }
    return NULL;
}

static void print_origin(const struct derived_key *k, struct buf *out)
{
    char hex[9];

    write_printf(out, "[%s", hex_encode(hex, k->fingerprint, 4));
    for (size_t i = 0; i < k->path_len; i++)
        write_printf(out, "/%u%s", k->path[i] & ~BIP32_HARDENED,
                     k->path[i] & BIP32_HARDENED ? "h" : "");
    write_u8(out, ']');
}

static void print_key(const struct infer *in, struct span key, bool xonly)
{
    const struct derived_key *k = NULL;
    char hex[131];

    for (size_t i = 0; in->known && i < in->known->n_keys && !k; i++) {
        const struct pubkey *pk = &in->known->keys[i].pubkey;
        if (span_eq(span_of(pk->data + xonly, (size_t)(pk->len - xonly)), key))
            k = &in->known->keys[i];
    }
    if (k)
        print_origin(k, in->out);
    write_printf(in->out, "%s", hex_encode(hex, key.data, key.len));
}

static bool print_key_function(const struct infer *in, const char *name, struct span key)
{
    write_printf(in->out, "%s(", name);
    print_key(in, key, false);
    write_u8(in->out, ')');
    return true;
}

static bool usable_key(struct span key, enum infer_context ctx)
{
    struct pubkey pk;

    return pubkey_from_bytes(&pk, key.data, key.len) && pk.data[0] <= 4 && pubkey_valid(&pk) &&
           (ctx != INFER_WSH || pubkey_compressed(&pk));
}

static bool infer_multi(const struct infer *in, const struct solution *s, enum infer_context ctx)
{
    if (ctx == INFER_TOP && s->n_data > 3)
        return false;
    for (unsigned i = 0; i < s->n_data; i++)
        if (!usable_key(s->data[i], ctx))
            return false;
    write_printf(in->out, "multi(%u", s->required);
    for (unsigned i = 0; i < s->n_data; i++) {
        write_u8(in->out, ',');
        print_key(in, s->data[i], false);
    }
    write_u8(in->out, ')');
    return true;
}

static bool infer_key_hash(const struct infer *in, const struct solution *s, const char *name,
                           enum infer_context ctx)
{
    const struct derived_key *k = known_key(in, s->data[0].data);

    if (!k || ((ctx == INFER_WSH || s->type == SCRIPT_WITNESS_V0_KEYHASH) &&
               !pubkey_compressed(&k->pubkey)))
        return false;
    return print_key_function(in, name, span_of(k->pubkey.data, k->pubkey.len));
}

static bool infer_script(const struct infer *in, struct span script, enum infer_context ctx);

static bool infer_wrapped(const struct infer *in, const char *name, const struct buf *inner,
                          enum infer_context ctx)
{
    size_t at = in->out->len;

    if (!inner)
        return false;
    write_printf(in->out, "%s(", name);
    if (!infer_script(in, buf_span(inner), ctx)) {
        in->out->len = at;
        return false;
    }
    write_u8(in->out, ')');
    return true;
}

/* tr(KEY) where it is known to be that and has no tree; rawtr() else. */
static bool infer_taproot(const struct infer *in, struct span key)
{
    const struct expansion *e = in->known;
    struct xonly x;

    memcpy(x.b, key.data, 32);
    if (e && e->has_taproot && !e->has_root && memcmp(e->output.b, key.data, 32) == 0) {
        write_printf(in->out, "tr(");
        print_key(in, span_of(e->internal.b, 32), true);
        write_u8(in->out, ')');
        return true;
    }
    if (!xonly_valid(&x))
        return false;
    write_printf(in->out, "rawtr(");
    print_key(in, key, true);
    write_u8(in->out, ')');
    return true;
}

/* Appends the expression, or nothing and false. */
static bool infer_script(const struct infer *in, struct span script, enum infer_context ctx)
{
    struct solution s;

    switch (script_solve(script, &s)) {
    case SCRIPT_PUBKEY:
        return usable_key(s.data[0], ctx) && print_key_function(in, "pk", s.data[0]);
    case SCRIPT_PUBKEYHASH: return infer_key_hash(in, &s, "pkh", ctx);
    case SCRIPT_MULTISIG: return infer_multi(in, &s, ctx);
    case SCRIPT_WITNESS_V0_KEYHASH: return ctx != INFER_WSH && infer_key_hash(in, &s, "wpkh", ctx);
    case SCRIPT_SCRIPTHASH:
        return ctx == INFER_TOP &&
               infer_wrapped(in, "sh", known_script(in, s.data[0].data, false), INFER_SH);
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
        return ctx != INFER_WSH &&
               infer_wrapped(in, "wsh", known_script(in, s.data[0].data, true), INFER_WSH);
    case SCRIPT_WITNESS_V1_TAPROOT: return ctx == INFER_TOP && infer_taproot(in, s.data[0]);
    case SCRIPT_NONSTANDARD:
    case SCRIPT_ANCHOR:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_UNKNOWN: break;
    }
    return false;
}

char *descriptor_infer(const struct address_params *p, struct span script,
                       const struct expansion *known)
{
    struct buf b = BUF_INIT;
    struct infer in = {p, known, &b};
    struct destination dest;

    if (!infer_script(&in, script, INFER_TOP)) {
        char *text = script_to_destination(script, &dest) ? address_encode(p, &dest) : NULL;
        if (text) {
            write_printf(&b, "addr(%s)", text);
        } else {
            free(text);
            text = hex_dup(script.data, script.len);
            write_printf(&b, "raw(%s)", text);
        }
        free(text);
    }
    return descriptor_finish_text(&b);
}
