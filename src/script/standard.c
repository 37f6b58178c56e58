/*
 * Standard output types.
 *
 * The forms are few and fixed, so each has its own small matcher over the bytes; a table of
 * patterns would be longer than what it replaces. The order of the matchers decides nothing but
 * which is tried first: no script fits two of them.
 */
#include "script/standard.h"

const char *script_type_name(enum script_type t)
{
    switch (t) {
    case SCRIPT_NONSTANDARD: return "nonstandard";
    case SCRIPT_ANCHOR: return "anchor";
    case SCRIPT_PUBKEY: return "pubkey";
    case SCRIPT_PUBKEYHASH: return "pubkeyhash";
    case SCRIPT_SCRIPTHASH: return "scripthash";
    case SCRIPT_MULTISIG: return "multisig";
    case SCRIPT_NULL_DATA: return "nulldata";
    case SCRIPT_WITNESS_V0_KEYHASH: return "witness_v0_keyhash";
    case SCRIPT_WITNESS_V0_SCRIPTHASH: return "witness_v0_scripthash";
    case SCRIPT_WITNESS_V1_TAPROOT: return "witness_v1_taproot";
    case SCRIPT_WITNESS_UNKNOWN: return "witness_unknown";
    }
    CHECK(!"script type");
    return NULL;
}

/* ---- matchers ---- */

static void add_data(struct solution *out, const uint8_t *data, size_t len)
{
    out->data[out->n_data++] = span_of(data, len);
}

static bool is_key(struct span s)
{
    struct pubkey pk;
    return pubkey_from_bytes(&pk, s.data, s.len);
}

static bool match_pubkey(struct span s, struct solution *out)
{
    if ((s.len != 35 && s.len != 67) || s.data[0] != s.len - 2 || s.data[s.len - 1] != OP_CHECKSIG)
        return false;
    struct span key = span_of(s.data + 1, s.len - 2);
    if (!is_key(key))
        return false;
    add_data(out, key.data, key.len);
    return true;
}

static bool match_pubkeyhash(struct span s, struct solution *out)
{
    if (s.len != 25 || s.data[0] != OP_DUP || s.data[1] != OP_HASH160 || s.data[2] != 20 ||
        s.data[23] != OP_EQUALVERIFY || s.data[24] != OP_CHECKSIG)
        return false;
    add_data(out, s.data + 3, 20);
    return true;
}

/* A count of multisig: OP_1 to OP_16, or a minimal push of a larger number. */
static bool read_count(uint8_t op, struct span push, unsigned min, unsigned *out)
{
    int64_t n;
    if (op >= OP_1 && op <= OP_16)
        n = op - OP_1 + 1;
    else if (op > OP_PUSHDATA4 || !push_is_minimal(op, push) ||
             !script_num_decode(push, true, 4, &n))
        return false;
    *out = (unsigned)n;
    return n >= min && n <= MAX_PUBKEYS_PER_MULTISIG;
}

static bool match_multisig(struct span s, struct solution *out)
{
    struct script_iter it;
    struct span push;
    uint8_t op;
    unsigned n;
    if (s.len < 1 || s.data[s.len - 1] != OP_CHECKMULTISIG)
        return false;
    script_iter_init(&it, s);
    if (!script_next(&it, &op, &push) || !read_count(op, push, 1, &out->required))
        return false;
    bool more;
    while ((more = script_next(&it, &op, &push)) && is_key(push)) {
        if (out->n_data == SOLUTION_MAX)
            return false;
        add_data(out, push.data, push.len);
    }
    return more && read_count(op, push, out->required, &n) && n == out->n_data &&
           it.p + 1 == it.end;
}

static bool match_null_data(struct span s)
{
    return s.len >= 1 && s.data[0] == OP_RETURN &&
           script_is_push_only(span_of(s.data + 1, s.len - 1));
}

static enum script_type program_type(struct span s, const struct solution *sol)
{
    size_t len = sol->data[0].len;
    if (sol->witness_version == 0)
        return len == 20   ? SCRIPT_WITNESS_V0_KEYHASH
               : len == 32 ? SCRIPT_WITNESS_V0_SCRIPTHASH
                           : SCRIPT_NONSTANDARD;
    if (sol->witness_version == 1 && len == 32)
        return SCRIPT_WITNESS_V1_TAPROOT;
    return script_is_anchor(s) ? SCRIPT_ANCHOR : SCRIPT_WITNESS_UNKNOWN;
}

static enum script_type match(struct span s, struct solution *out)
{
    struct span program;
    if (script_is_p2sh(s)) {
        add_data(out, s.data + 2, 20);
        return SCRIPT_SCRIPTHASH;
    }
    if (script_is_witness_program(s, &out->witness_version, &program)) {
        add_data(out, program.data, program.len);
        return program_type(s, out);
    }
    if (match_null_data(s))
        return SCRIPT_NULL_DATA;
    if (match_pubkey(s, out))
        return SCRIPT_PUBKEY;
    if (match_pubkeyhash(s, out))
        return SCRIPT_PUBKEYHASH;
    return match_multisig(s, out) ? SCRIPT_MULTISIG : SCRIPT_NONSTANDARD;
}

enum script_type script_solve(struct span script, struct solution *out)
{
    out->n_data = out->required = 0;
    out->witness_version = -1;
    out->type = match(script, out);
    if (out->type == SCRIPT_NONSTANDARD)
        out->n_data = out->required = 0;
    return out->type;
}

/* ---- destinations ---- */

static bool set_destination(struct destination *out, enum destination_type type, struct span s)
{
    out->type = type;
    out->len = (uint8_t)s.len;
    memcpy(out->data, s.data, s.len);
    return type != DEST_PUBKEY;
}

bool script_to_destination(struct span script, struct destination *out)
{
    struct solution sol;
    memset(out, 0, sizeof(*out));
    switch (script_solve(script, &sol)) {
    case SCRIPT_NONSTANDARD:
    case SCRIPT_MULTISIG:
    case SCRIPT_NULL_DATA: return false;
    case SCRIPT_PUBKEY: return set_destination(out, DEST_PUBKEY, sol.data[0]);
    case SCRIPT_PUBKEYHASH: return set_destination(out, DEST_P2PKH, sol.data[0]);
    case SCRIPT_SCRIPTHASH: return set_destination(out, DEST_P2SH, sol.data[0]);
    case SCRIPT_WITNESS_V0_KEYHASH: return set_destination(out, DEST_P2WPKH, sol.data[0]);
    case SCRIPT_WITNESS_V0_SCRIPTHASH: return set_destination(out, DEST_P2WSH, sol.data[0]);
    case SCRIPT_WITNESS_V1_TAPROOT: return set_destination(out, DEST_P2TR, sol.data[0]);
    case SCRIPT_ANCHOR: return set_destination(out, DEST_ANCHOR, sol.data[0]);
    case SCRIPT_WITNESS_UNKNOWN:
        out->witness_version = (uint8_t)sol.witness_version;
        return set_destination(out, DEST_WITNESS, sol.data[0]);
    }
    CHECK(!"script type");
    return false;
}

static void script_program(struct buf *b, int version, const uint8_t *data, size_t len)
{
    script_push_int(b, version);
    script_push(b, data, len);
}

void destination_script(const struct destination *d, struct buf *out)
{
    switch (d->type) {
    case DEST_NONE: return;
    case DEST_PUBKEY:
        script_push(out, d->data, d->len);
        script_op(out, OP_CHECKSIG);
        return;
    case DEST_P2PKH: script_p2pkh(out, d->data); return;
    case DEST_P2SH: script_p2sh(out, d->data); return;
    case DEST_P2WPKH:
    case DEST_P2WSH: script_program(out, 0, d->data, d->len); return;
    case DEST_P2TR:
    case DEST_ANCHOR: script_program(out, 1, d->data, d->len); return;
    case DEST_WITNESS: script_program(out, d->witness_version, d->data, d->len); return;
    }
}

/* ---- outputs for a key ---- */

void script_p2pk(struct buf *b, const struct pubkey *pk)
{
    script_push(b, pk->data, pk->len);
    script_op(b, OP_CHECKSIG);
}

void script_p2pkh(struct buf *b, const uint8_t hash[20])
{
    script_op(b, OP_DUP);
    script_op(b, OP_HASH160);
    script_push(b, hash, 20);
    script_op(b, OP_EQUALVERIFY);
    script_op(b, OP_CHECKSIG);
}

void script_p2sh(struct buf *b, const uint8_t hash[20])
{
    script_op(b, OP_HASH160);
    script_push(b, hash, 20);
    script_op(b, OP_EQUAL);
}

void script_p2wpkh(struct buf *b, const uint8_t hash[20])
{
    script_program(b, 0, hash, 20);
}

void script_p2wsh(struct buf *b, const uint8_t hash[32])
{
    script_program(b, 0, hash, 32);
}

void script_p2tr(struct buf *b, const struct xonly *output_key)
{
    script_program(b, 1, output_key->b, 32);
}

void script_multisig(struct buf *b, unsigned required, const struct pubkey *keys, unsigned n)
{
    CHECK(required >= 1 && required <= n && n <= MAX_PUBKEYS_PER_MULTISIG);
    script_push_int(b, required);
    for (unsigned i = 0; i < n; i++)
        script_push(b, keys[i].data, keys[i].len);
    script_push_int(b, n);
    script_op(b, OP_CHECKMULTISIG);
}
