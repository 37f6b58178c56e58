/*
 * Signature hashes: the message that an input's signature commits to.
 *
 * Three forms. The legacy one serialises a changed transaction (other scripts emptied, for NONE and
 * SINGLE also sequences and outputs); it is streamed into SHA-256 part by part, so the changed
 * transaction is never built. Since its length grows with the inputs, a large transaction costs the
 * square of its size; states at some inputs, which are the same in the messages of all later ones,
 * halve that. BIP143 and BIP341 instead commit to hashes over all inputs and
 * outputs, which `struct sighash_cache` computes once a transaction.
 *
 * Within one script, signatures over the same code share all of the message but the hash type at
 * its end. `struct hash_memo` keeps the SHA-256 state of what is shared, for each of the six ways
 * in which a hash type can cut the transaction: a script with a hundred CHECKSIGs costs one pass
 * over a large transaction, not a hundred. In taproot the type stands in front, but its only part
 * that can be long is the one output of SINGLE, whose hash is kept, and the annex, whose hash is
 * given.
 */
#include "script/exec.h"

/* Inputs and outputs of a large transaction are hashed in pieces of this many bytes. */
#define PIECE 1024

static bool only_this_input(int32_t hash_type)
{
    return (hash_type & SIGHASH_ANYONECANPAY) != 0;
}

static int output_mode(int32_t hash_type)
{
    int mode = hash_type & 0x1f;
    return mode == SIGHASH_NONE || mode == SIGHASH_SINGLE ? mode : SIGHASH_ALL;
}

static void hash_outpoint(struct sha256 *h, const struct outpoint *o)
{
    sha256_write(h, o->txid.b, 32);
    sha256_write_u32(h, o->n);
}

static void hash_var(struct sha256 *h, struct span s)
{
    sha256_write_compact(h, s.len);
    sha256_write(h, s.data, s.len);
}

static void hash_output(struct sha256 *h, const struct tx_out *out)
{
    sha256_write_u64(h, (uint64_t)out->value);
    hash_var(h, out->script_pubkey);
}

/* ---- legacy ---- */

/* The code without its OP_CODESEPARATORs, with its length in front. */
static void hash_code(struct sha256 *h, struct span code)
{
    struct script_iter it;
    struct span push;
    uint8_t op;
    size_t separators = 0;
    if (code.len > 0 && memchr(code.data, OP_CODESEPARATOR, code.len)) {
        script_iter_init(&it, code);
        while (script_next(&it, &op, &push))
            separators += op == OP_CODESEPARATOR;
    }
    if (separators == 0) {
        hash_var(h, code);
        return;
    }
    sha256_write_compact(h, code.len - separators);
    const uint8_t *from = code.data;
    script_iter_init(&it, code);
    while (script_next(&it, &op, &push)) {
        if (op == OP_CODESEPARATOR) {
            sha256_write(h, from, (size_t)(it.p - 1 - from));
            from = it.p;
        }
    }
    sha256_write(h, from, (size_t)(code.data + code.len - from));
}

/* Inputs `from` to `to` with empty scripts. */
static void hash_blank_inputs(struct sha256 *h, const struct tx *tx, unsigned from, unsigned to,
                              bool zero_sequence)
{
    uint8_t piece[PIECE];
    size_t n = 0;
    for (unsigned i = from; i < to; i++) {
        if (n + 41 > PIECE) {
            sha256_write(h, piece, n);
            n = 0;
        }
        memcpy(piece + n, tx->in[i].prev.txid.b, 32);
        put_le32(piece + n + 32, tx->in[i].prev.n);
        piece[n + 36] = 0;
        put_le32(piece + n + 37, zero_sequence ? 0 : tx->in[i].sequence);
        n += 41;
    }
    sha256_write(h, piece, n);
}

/* The beginning of all messages: up to the first input. */
static void legacy_head(struct sha256 *h, const struct tx *tx, uint32_t n_in)
{
    sha256_init(h);
    sha256_write_u32(h, tx->version);
    sha256_write_compact(h, n_in);
}

/* Up to before input `in`, of a message that commits to all; from the nearest prefix in the cache
 * (which may be NULL) where there is one. */
static void legacy_before(struct sha256 *h, const struct sighash_cache *c, const struct tx *tx,
                          unsigned in, bool zero_sequence)
{
    uint32_t known = c && c->prefix_step && !zero_sequence ? in / c->prefix_step : 0;
    if (known > SIGHASH_PREFIXES)
        known = SIGHASH_PREFIXES;
    if (known == 0)
        legacy_head(h, tx, tx->n_in);
    else
        *h = c->prefix[known - 1];
    hash_blank_inputs(h, tx, known ? known * c->prefix_step : 0, in, zero_sequence);
}

static void hash_legacy_inputs(struct sha256 *h, const struct sighash_cache *c, const struct tx *tx,
                               unsigned in, struct span code, int32_t hash_type)
{
    bool zero = output_mode(hash_type) != SIGHASH_ALL;
    bool alone = only_this_input(hash_type);
    if (alone)
        legacy_head(h, tx, 1);
    else
        legacy_before(h, c, tx, in, zero);
    hash_outpoint(h, &tx->in[in].prev);
    hash_code(h, code);
    sha256_write_u32(h, tx->in[in].sequence);
    if (!alone)
        hash_blank_inputs(h, tx, in + 1, tx->n_in, zero);
}

static void hash_legacy_outputs(struct sha256 *h, const struct tx *tx, unsigned in, int mode)
{
    static const struct tx_out blank = {.value = -1};
    uint32_t n = mode == SIGHASH_NONE ? 0 : mode == SIGHASH_SINGLE ? in + 1 : tx->n_out;
    sha256_write_compact(h, n);
    for (uint32_t i = 0; i < n; i++)
        hash_output(h, mode == SIGHASH_SINGLE && i != in ? &blank : &tx->out[i]);
}

static void legacy_begin(struct sha256 *h, const struct sighash_cache *c, const struct tx *tx,
                         unsigned in, struct span code, int32_t hash_type)
{
    hash_legacy_inputs(h, c, tx, in, code, hash_type);
    hash_legacy_outputs(h, tx, in, output_mode(hash_type));
    sha256_write_u32(h, tx->lock_time);
}

/* SINGLE without an output of the input's number: the message is the number one, by an oversight
 * that became a rule. */
static bool legacy_is_one(uint8_t out[32], const struct tx *tx, unsigned in, int32_t hash_type)
{
    if (output_mode(hash_type) != SIGHASH_SINGLE || in < tx->n_out)
        return false;
    memset(out, 0, 32);
    out[0] = 1;
    return true;
}

static void finish(uint8_t out[32], struct sha256 h, int32_t hash_type)
{
    sha256_write_u32(&h, (uint32_t)hash_type);
    sha256d_final(&h, out);
}

void sighash_legacy(uint8_t out[32], const struct tx *tx, unsigned in, struct span script_code,
                    int32_t hash_type)
{
    CHECK(in < tx->n_in);
    if (legacy_is_one(out, tx, in, hash_type))
        return;
    struct sha256 h;
    legacy_begin(&h, NULL, tx, in, script_code, hash_type);
    finish(out, h, hash_type);
}

/* ---- what all inputs share ---- */

static void hash_prevouts(uint8_t out[32], const struct tx *tx)
{
    struct sha256 h;
    sha256_init(&h);
    for (uint32_t i = 0; i < tx->n_in; i++)
        hash_outpoint(&h, &tx->in[i].prev);
    sha256_final(&h, out);
}

static void hash_sequences(uint8_t out[32], const struct tx *tx)
{
    struct sha256 h;
    sha256_init(&h);
    for (uint32_t i = 0; i < tx->n_in; i++)
        sha256_write_u32(&h, tx->in[i].sequence);
    sha256_final(&h, out);
}

static void hash_outputs(uint8_t out[32], const struct tx_out *outs, uint32_t n)
{
    struct sha256 h;
    sha256_init(&h);
    for (uint32_t i = 0; i < n; i++)
        hash_output(&h, &outs[i]);
    sha256_final(&h, out);
}

static void hash_spent(struct sighash_cache *c)
{
    struct sha256 amounts, scripts;
    sha256_init(&amounts);
    sha256_init(&scripts);
    for (uint32_t i = 0; i < c->tx->n_in; i++) {
        sha256_write_u64(&amounts, (uint64_t)c->spent[i].value);
        hash_var(&scripts, c->spent[i].script_pubkey);
    }
    sha256_final(&amounts, c->amounts);
    sha256_final(&scripts, c->scripts);
    sha256_init_tagged(&c->tag, "TapSighash");
}

static bool spends_taproot(const struct tx_out *spent, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct span s = spent[i].script_pubkey;
        if (s.len == 34 && s.data[0] == OP_1 && s.data[1] == 32)
            return true;
    }
    return false;
}

/* With fewer inputs than this the prefixes cost more than they spare. */
#define PREFIX_MIN_INPUTS 64

static void begin(struct sighash_cache *c, const struct tx *tx, const struct tx_out *spent)
{
    struct sha256 h;
    c->tx = tx;
    c->spent = spent;
    c->v0_ready = c->taproot_ready = false;
    c->prefix_step = tx->n_in < PREFIX_MIN_INPUTS ? 0 : tx->n_in / (SIGHASH_PREFIXES + 1);
    if (c->prefix_step == 0)
        return;
    legacy_head(&h, tx, tx->n_in);
    for (unsigned k = 0; k < SIGHASH_PREFIXES; k++) {
        hash_blank_inputs(&h, tx, k * c->prefix_step, (k + 1) * c->prefix_step, false);
        c->prefix[k] = h;
    }
}

void sighash_cache_init_all(struct sighash_cache *c, const struct tx *tx,
                            const struct tx_out *spent)
{
    begin(c, tx, spent);
    hash_prevouts(c->prevouts, tx);
    hash_sequences(c->sequences, tx);
    hash_outputs(c->outputs, tx->out, tx->n_out);
    sha256(c->prevouts2, c->prevouts, 32);
    sha256(c->sequences2, c->sequences, 32);
    sha256(c->outputs2, c->outputs, 32);
    c->v0_ready = true;
    c->taproot_ready = spent && spends_taproot(spent, tx->n_in);
    if (c->taproot_ready)
        hash_spent(c);
}

void sighash_cache_init(struct sighash_cache *c, const struct tx *tx, const struct tx_out *spent)
{
    if (tx->has_witness) {
        sighash_cache_init_all(c, tx, spent);
        return;
    }
    begin(c, tx, spent);
}

/* ---- BIP143 ---- */

static void v0_outputs(struct sha256 *h, const struct sighash_cache *c, unsigned in, int mode)
{
    uint8_t out[32] = {0};
    if (mode == SIGHASH_ALL) {
        memcpy(out, c->outputs2, 32);
    } else if (mode == SIGHASH_SINGLE && in < c->tx->n_out) {
        hash_outputs(out, &c->tx->out[in], 1);
        sha256(out, out, 32);
    }
    sha256_write(h, out, 32);
}

static void v0_begin(struct sha256 *h, const struct sighash_cache *c, unsigned in, struct span code,
                     int64_t amount, int32_t hash_type)
{
    static const uint8_t zero[32];
    const struct tx_in *txin = &c->tx->in[in];
    int mode = output_mode(hash_type);
    bool alone = only_this_input(hash_type);
    sha256_init(h);
    sha256_write_u32(h, c->tx->version);
    sha256_write(h, alone ? zero : c->prevouts2, 32);
    sha256_write(h, alone || mode != SIGHASH_ALL ? zero : c->sequences2, 32);
    hash_outpoint(h, &txin->prev);
    hash_var(h, code);
    sha256_write_u64(h, (uint64_t)amount);
    sha256_write_u32(h, txin->sequence);
    v0_outputs(h, c, in, mode);
    sha256_write_u32(h, c->tx->lock_time);
}

void sighash_v0(uint8_t out[32], const struct sighash_cache *c, unsigned in,
                struct span script_code, int64_t amount, int32_t hash_type)
{
    CHECK(c->v0_ready && in < c->tx->n_in);
    struct sha256 h;
    v0_begin(&h, c, in, script_code, amount, hash_type);
    finish(out, h, hash_type);
}

/* ---- memory of a script's hashes ---- */

void hash_memo_init(struct hash_memo *m)
{
    for (size_t i = 0; i < ARRAY_LEN(m->at); i++)
        m->at[i].used = false;
}

void hash_memo_clear(struct hash_memo *m)
{
    for (size_t i = 0; i < ARRAY_LEN(m->at); i++) {
        if (m->at[i].used)
            buf_clear(&m->at[i].own);
    }
}

void sighash_memo(uint8_t out[32], struct hash_memo *m, const struct verify *v,
                  enum sig_version version, struct span code, bool in_script, int32_t hash_type)
{
    if (version == SIG_BASE && legacy_is_one(out, v->c->tx, v->in, hash_type))
        return;
    size_t i = (size_t)output_mode(hash_type) - 1 + (only_this_input(hash_type) ? 3 : 0);
    if (!m->at[i].used) {
        m->at[i].used = true;
        buf_init(&m->at[i].own);
    } else if (span_eq(m->at[i].code, code)) {
        finish(out, m->at[i].state, hash_type);
        return;
    }
    m->at[i].code = code;
    if (!in_script) {
        buf_reset(&m->at[i].own);
        write_span(&m->at[i].own, code);
        m->at[i].code = buf_span(&m->at[i].own);
    }
    if (version == SIG_BASE) {
        legacy_begin(&m->at[i].state, v->c, v->c->tx, v->in, code, hash_type);
    } else {
        CHECK(v->c->v0_ready);
        v0_begin(&m->at[i].state, v->c, v->in, code, v->amount, hash_type);
    }
    finish(out, m->at[i].state, hash_type);
}

/* ---- BIP341 ---- */

static bool taproot_type_ok(uint8_t hash_type)
{
    return hash_type <= SIGHASH_SINGLE || (hash_type >= 0x81 && hash_type <= 0x83);
}

/* What the type leaves of the transaction as a whole. */
static void tap_common(struct sha256 *h, const struct sighash_cache *c, uint8_t hash_type)
{
    sha256_write_u32(h, c->tx->version);
    sha256_write_u32(h, c->tx->lock_time);
    if (!only_this_input(hash_type)) {
        sha256_write(h, c->prevouts, 32);
        sha256_write(h, c->amounts, 32);
        sha256_write(h, c->scripts, 32);
        sha256_write(h, c->sequences, 32);
    }
    if (output_mode(hash_type) == SIGHASH_ALL)
        sha256_write(h, c->outputs, 32);
}

static void tap_input(struct sha256 *h, const struct sighash_cache *c, unsigned in,
                      uint8_t hash_type)
{
    if (!only_this_input(hash_type)) {
        sha256_write_u32(h, in);
        return;
    }
    hash_outpoint(h, &c->tx->in[in].prev);
    hash_output(h, &c->spent[in]);
    sha256_write_u32(h, c->tx->in[in].sequence);
}

static void tap_leaf(struct sha256 *h, const struct tapscript_data *leaf)
{
    static const uint8_t key_version = 0;
    sha256_write(h, leaf->leaf_hash, 32);
    sha256_write(h, &key_version, 1);
    sha256_write_u32(h, leaf->codesep_pos);
}

/* `single`, where given, is the hash of the output of SINGLE. */
static bool tap_hash(uint8_t out[32], const struct sighash_cache *c, unsigned in, uint8_t hash_type,
                     const uint8_t *annex_hash, const struct tapscript_data *leaf,
                     const uint8_t *single)
{
    CHECK(in < c->tx->n_in);
    bool is_single = output_mode(hash_type) == SIGHASH_SINGLE;
    if (!c->taproot_ready || !taproot_type_ok(hash_type) || (is_single && in >= c->tx->n_out))
        return false;
    uint8_t head[2] = {0, hash_type};
    uint8_t spend_type = (uint8_t)((leaf ? 2 : 0) | (annex_hash ? 1 : 0));
    struct sha256 h = c->tag;
    sha256_write(&h, head, sizeof(head));
    tap_common(&h, c, hash_type);
    sha256_write(&h, &spend_type, 1);
    tap_input(&h, c, in, hash_type);
    if (annex_hash)
        sha256_write(&h, annex_hash, 32);
    if (is_single) {
        uint8_t hash[32];
        if (!single)
            hash_outputs(hash, &c->tx->out[in], 1);
        sha256_write(&h, single ? single : hash, 32);
    }
    if (leaf)
        tap_leaf(&h, leaf);
    sha256_final(&h, out);
    return true;
}

bool sighash_taproot(uint8_t out[32], const struct sighash_cache *c, unsigned in, uint8_t hash_type,
                     const uint8_t *annex_hash, const struct tapscript_data *leaf)
{
    return tap_hash(out, c, in, hash_type, annex_hash, leaf, NULL);
}

bool sighash_tap(uint8_t out[32], const struct verify *v, uint8_t hash_type,
                 struct taproot_spend *tap, enum sig_version version)
{
    if (output_mode(hash_type) == SIGHASH_SINGLE && !tap->single_ready && v->in < v->c->tx->n_out) {
        hash_outputs(tap->single, &v->c->tx->out[v->in], 1);
        tap->single_ready = true;
    }
    return tap_hash(out, v->c, v->in, hash_type, tap->has_annex ? tap->annex_hash : NULL,
                    version == SIG_TAPSCRIPT ? &tap->leaf : NULL, tap->single);
}

/* ---- taproot trees ---- */

void tapleaf_hash(uint8_t out[32], uint8_t leaf_version, struct span script)
{
    struct sha256 h;
    sha256_init_tagged(&h, "TapLeaf");
    sha256_write(&h, &leaf_version, 1);
    hash_var(&h, script);
    sha256_final(&h, out);
}

void tapbranch_hash(uint8_t out[32], const uint8_t a[32], const uint8_t b[32])
{
    bool ordered = memcmp(a, b, 32) < 0;
    struct sha256 h;
    sha256_init_tagged(&h, "TapBranch");
    sha256_write(&h, ordered ? a : b, 32);
    sha256_write(&h, ordered ? b : a, 32);
    sha256_final(&h, out);
}

void taproot_root(uint8_t out[32], const uint8_t leaf_hash[32], struct span control)
{
    memcpy(out, leaf_hash, 32);
    for (size_t at = 33; at + 32 <= control.len; at += 32)
        tapbranch_hash(out, out, control.data + at);
}

void taptweak_hash(uint8_t out[32], const struct xonly *internal, const uint8_t *root)
{
    struct sha256 h;
    sha256_init_tagged(&h, "TapTweak");
    sha256_write(&h, internal->b, 32);
    if (root)
        sha256_write(&h, root, 32);
    sha256_final(&h, out);
}
