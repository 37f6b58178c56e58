/*
 * Random transactions of all output types, signed by our own signer with random hash types, then
 * changed in one place. What a signature commits to says which inputs survive the change and which
 * do not: each input's verdict must be that one. The seed is printed; MITE_TEST_SEED repeats a run.
 */
#include "script/sign.h"
#include "unit.h"

enum kind {
    P2PK,
    P2PKH,
    MULTISIG,
    P2SH_PKH,
    P2SH_MULTISIG,
    P2WPKH,
    P2SH_P2WPKH,
    P2WSH_PK,
    P2WSH_MULTISIG,
    P2SH_P2WSH_MULTISIG,
    P2TR_KEY,
    P2TR_KEY_WITH_TREE,
    P2TR_SCRIPT,
    N_KINDS
};

enum change {
    NOTHING,
    VERSION,
    LOCK_TIME,
    PREVOUT, /* these: of one input, or of one output */
    SEQUENCE,
    AMOUNT_SPENT,
    SCRIPT_SPENT,
    SIGNATURE_BIT,
    NO_SIGNATURE,
    ANNEX,
    OUTPUT_AMOUNT,
    OUTPUT_SCRIPT,
    OUTPUT_ADDED,
    OUTPUT_INSERTED, /* in front: all move on */
    N_CHANGES
};

#define MAX_IN 6
#define N_KEYS 3

struct input {
    enum kind kind;
    int hash_type;
    struct seckey keys[N_KEYS];
    struct pubkey pubkeys[N_KEYS];
    struct buf output, inner, outer; /* scripts: of the output, and what its hash stands for */
    uint8_t root[32];                /* of a taproot tree */
    struct buf leaf, control;
};

struct spend {
    struct input in[MAX_IN];
    size_t n_in;
    struct mtx m;
    struct tx_out spent[MAX_IN];
};

static uint32_t rnd(uint32_t n)
{
    return (uint32_t)(test_rand() % n);
}

static bool is_taproot(enum kind k)
{
    return k >= P2TR_KEY;
}

static bool is_v0(enum kind k)
{
    return k >= P2WPKH && k < P2TR_KEY;
}

/* ---- making ---- */

static bool find_key(void *arg, const uint8_t id[20], struct seckey *out)
{
    const struct input *in = arg;
    uint8_t have[20];

    for (int i = 0; i < N_KEYS; i++) {
        pubkey_id(&in->pubkeys[i], have);
        *out = in->keys[i];
        if (memcmp(have, id, 20) == 0)
            return true;
    }
    return false;
}

static bool find_pubkey(void *arg, const uint8_t id[20], struct pubkey *out)
{
    struct seckey key;

    return find_key(arg, id, &key) && seckey_pubkey(out, &key);
}

static bool find_script(void *arg, const uint8_t id[20], struct buf *out)
{
    const struct input *in = arg;
    const struct buf *scripts[2] = {&in->inner, &in->outer};
    uint8_t have[20];

    for (int i = 0; i < 2; i++) {
        hash160(have, scripts[i]->data, scripts[i]->len);
        if (scripts[i]->len && memcmp(have, id, 20) == 0) {
            write_span(out, buf_span(scripts[i]));
            return true;
        }
    }
    return false;
}

static bool find_taproot(void *arg, const struct xonly *output, struct xonly *internal,
                         uint8_t root[32], bool *has_root)
{
    const struct input *in = arg;

    (void)output;
    *internal = pubkey_xonly(&in->pubkeys[0]);
    memcpy(root, in->root, 32);
    *has_root = in->kind == P2TR_KEY_WITH_TREE;
    return in->kind != P2TR_SCRIPT;
}

static void wrap_sh(const struct buf *script, struct buf *out)
{
    uint8_t hash[20];

    hash160(hash, script->data, script->len);
    script_p2sh(out, hash);
}

static void wrap_wsh(const struct buf *script, struct buf *out)
{
    uint8_t hash[32];

    sha256(hash, script->data, script->len);
    script_p2wsh(out, hash);
}

static void make_taproot(struct input *in)
{
    struct xonly internal = pubkey_xonly(&in->pubkeys[0]), leaf_key, out;
    uint8_t leaf[32], other[32], tweak[32];
    bool parity;

    leaf_key = pubkey_xonly(&in->pubkeys[1]);
    script_push(&in->leaf, leaf_key.b, 32);
    script_op(&in->leaf, OP_CHECKSIG);
    tapleaf_hash(leaf, 0xc0, buf_span(&in->leaf));
    test_rand_bytes(other, 32); /* a branch that nobody knows */
    tapbranch_hash(in->root, leaf, other);
    taptweak_hash(tweak, &internal, in->kind == P2TR_KEY ? NULL : in->root);
    assert_true(taproot_tweak(&out, &parity, &internal, tweak));
    script_p2tr(&in->output, &out);
    write_u8(&in->control, (uint8_t)(0xc0 | parity));
    write_bytes(&in->control, internal.b, 32);
    write_bytes(&in->control, other, 32);
}

static void make_output(struct input *in)
{
    uint8_t id[20];

    pubkey_id(&in->pubkeys[0], id);
    switch (in->kind) {
    case P2PK: script_p2pk(&in->output, &in->pubkeys[0]); return;
    case P2PKH: script_p2pkh(&in->output, id); return;
    case MULTISIG: script_multisig(&in->output, 2, in->pubkeys, N_KEYS); return;
    case P2SH_PKH:
        script_p2pkh(&in->inner, id);
        wrap_sh(&in->inner, &in->output);
        return;
    case P2SH_MULTISIG:
        script_multisig(&in->inner, 1 + rnd(3), in->pubkeys, N_KEYS);
        wrap_sh(&in->inner, &in->output);
        return;
    case P2WPKH: script_p2wpkh(&in->output, id); return;
    case P2SH_P2WPKH:
        script_p2wpkh(&in->inner, id);
        wrap_sh(&in->inner, &in->output);
        return;
    case P2WSH_PK:
        script_p2pk(&in->inner, &in->pubkeys[0]);
        wrap_wsh(&in->inner, &in->output);
        return;
    case P2WSH_MULTISIG:
        script_multisig(&in->inner, 1 + rnd(3), in->pubkeys, N_KEYS);
        wrap_wsh(&in->inner, &in->output);
        return;
    case P2SH_P2WSH_MULTISIG:
        script_multisig(&in->inner, 1 + rnd(3), in->pubkeys, N_KEYS);
        wrap_wsh(&in->inner, &in->outer);
        wrap_sh(&in->outer, &in->output);
        return;
    case P2TR_KEY:
    case P2TR_KEY_WITH_TREE:
    case P2TR_SCRIPT: make_taproot(in); return;
    case N_KINDS: fail();
    }
}

static int random_type(enum kind kind)
{
    static const int types[] = {SIGHASH_ALL, SIGHASH_NONE, SIGHASH_SINGLE};
    int type = types[rnd(3)] | (rnd(2) ? SIGHASH_ANYONECANPAY : 0);

    return is_taproot(kind) && rnd(3) == 0 ? SIGHASH_DEFAULT : type;
}

static void make_input(struct spend *s, size_t i)
{
    struct input *in = &s->in[i];
    struct outpoint prev = {.n = rnd(5)};
    bool compressed = !rnd(4);

    memset(in, 0, sizeof(*in));
    in->kind = (enum kind)rnd(N_KINDS);
    in->hash_type = random_type(in->kind);
    for (int k = 0; k < N_KEYS; k++) {
        do
            test_rand_bytes(in->keys[k].b, 32);
        while (!seckey_valid(in->keys[k].b));
        in->keys[k].compressed = compressed || in->kind >= P2WPKH;
        assert_true(seckey_pubkey(&in->pubkeys[k], &in->keys[k]));
    }
    make_output(in);
    test_rand_bytes(prev.txid.b, 32);
    mtx_add_in(&s->m, &prev, (uint32_t)test_rand());
    s->spent[i] = (struct tx_out){rnd(100000), buf_span(&in->output)};
}

/* A leaf's signature, which is not the signer's business. */
static void sign_leaf(struct spend *s, unsigned i)
{
    struct input *in = &s->in[i];
    struct tapscript_data leaf = {.codesep_pos = UINT32_MAX};
    struct sighash_cache c;
    struct tx *tx = mtx_finish(&s->m);
    uint8_t hash[32], sig[65];

    sighash_cache_init_all(&c, tx, s->spent);
    tapleaf_hash(leaf.leaf_hash, 0xc0, buf_span(&in->leaf));
    assert_true(sighash_taproot(hash, &c, i, (uint8_t)in->hash_type, NULL, &leaf));
    assert_true(schnorr_sign(sig, &in->keys[1], hash, NULL, NULL));
    sig[64] = (uint8_t)in->hash_type;
    struct span items[3] = {span_of(sig, in->hash_type ? 65 : 64), buf_span(&in->leaf),
                            buf_span(&in->control)};
    mtx_in_set_witness(&s->m.in[i], items, 3);
    tx_unref(tx);
}

static void make_spend(struct spend *s)
{
    s->n_in = 1 + rnd(MAX_IN);
    mtx_init(&s->m);
    s->m.lock_time = rnd(1000);
    for (size_t i = 0; i < s->n_in; i++)
        make_input(s, i);
    for (size_t i = 0; i < s->n_in + rnd(3); i++) /* SINGLE always has an output */
        mtx_add_out(&s->m, rnd(100000), buf_span(&s->in[i % s->n_in].output));
    for (unsigned i = 0; i < s->n_in; i++) {
        struct signing_provider p = {.key = find_key,
                                     .pubkey = find_pubkey,
                                     .script = find_script,
                                     .taproot = find_taproot,
                                     .arg = &s->in[i]};
        enum script_error err = SCRIPT_ERR_OK;

        if (s->in[i].kind == P2TR_SCRIPT)
            sign_leaf(s, i);
        else if (!sign_input(&s->m, i, s->spent, &p, s->in[i].hash_type, &err))
            fail_msg("kind %d, type %d: %s", s->in[i].kind, s->in[i].hash_type,
                     script_error_name(err));
    }
}

static void clear_spend(struct spend *s)
{
    mtx_clear(&s->m);
    for (size_t i = 0; i < s->n_in; i++) {
        struct input *in = &s->in[i];

        buf_clear(&in->output);
        buf_clear(&in->inner);
        buf_clear(&in->outer);
        buf_clear(&in->leaf);
        buf_clear(&in->control);
    }
}

/* ---- breaking ---- */

/* The bytes with an input's (last) signature, and where it begins and ends. */
static struct buf *signature_of(struct spend *s, size_t i, size_t *from, size_t *to)
{
    struct mtx_in *in = &s->m.in[i];
    struct script_iter it;
    struct span push, last = {NULL, 0};
    uint8_t op;

    if (in->n_witness > 0) {
        for (size_t k = 0; k < in->n_witness; k++) {
            if (in->witness[k].len < 60)
                continue; /* the empty item of a multisig */
            *from = 0;
            *to = in->witness[k].len;
            return &in->witness[k];
        }
    }
    script_iter_init(&it, buf_span(&in->script_sig));
    while (last.len == 0 && script_next(&it, &op, &push))
        if (push.len >= 60)
            last = push;
    assert_true(last.len > 0);
    *from = (size_t)(last.data - in->script_sig.data);
    *to = *from + last.len;
    return &in->script_sig;
}

static void add_annex(struct mtx_in *in)
{
    struct span items[8];
    uint8_t copies[8][200], annex[2] = {0x50, (uint8_t)rnd(256)};
    size_t n = in->n_witness;

    assert_true(n < 8);
    for (size_t k = 0; k < n; k++) {
        assert_true(in->witness[k].len <= sizeof(copies[k]));
        memcpy(copies[k], in->witness[k].data, in->witness[k].len);
        items[k] = span_of(copies[k], in->witness[k].len);
    }
    items[n] = span_of(annex, sizeof(annex));
    mtx_in_set_witness(in, items, n + 1);
}

/* Changes one thing, at input or output `at`. `other` is a script that nobody owns. */
static void apply(struct spend *s, enum change change, size_t at, struct span other)
{
    struct mtx_in *in = &s->m.in[at];
    size_t from, to;
    struct buf *b;

    switch (change) {
    case NOTHING: return;
    case VERSION: s->m.version ^= 1u << rnd(32); return;
    case LOCK_TIME: s->m.lock_time ^= 1u << rnd(32); return;
    case PREVOUT:
        if (rnd(2))
            in->prev.n ^= 1u << rnd(32);
        else
            in->prev.txid.b[rnd(32)] ^= (uint8_t)(1u << rnd(8));
        return;
    case SEQUENCE: in->sequence ^= 1u << rnd(32); return;
    case AMOUNT_SPENT: s->spent[at].value ^= INT64_C(1) << rnd(50); return;
    case SCRIPT_SPENT: s->spent[at].script_pubkey = other; return;
    case SIGNATURE_BIT:
        b = signature_of(s, at, &from, &to);
        b->data[from + rnd((uint32_t)(to - from))] ^= (uint8_t)(1u << rnd(8));
        return;
    case NO_SIGNATURE:
        buf_reset(&in->script_sig);
        mtx_in_set_witness(in, NULL, 0);
        return;
    case ANNEX: add_annex(in); return;
    case OUTPUT_AMOUNT: s->m.out[at].value ^= INT64_C(1) << rnd(50); return;
    case OUTPUT_SCRIPT: write_u8(&s->m.out[at].script_pubkey, OP_NOP); return;
    case OUTPUT_ADDED: mtx_add_out(&s->m, 1, other); return;
    case OUTPUT_INSERTED: mtx_insert_out(&s->m, 0, 1, other); return;
    case N_CHANGES: fail();
    }
}

/* Whether input i is still valid after the change at `at`: what its signatures commit to. */
static bool survives(const struct spend *s, size_t i, enum change change, size_t at)
{
    const struct input *in = &s->in[i];
    bool alone = in->hash_type & SIGHASH_ANYONECANPAY, here = i == at;
    int mode = in->hash_type & 3;

    if (in->hash_type == SIGHASH_DEFAULT)
        mode = SIGHASH_ALL;
    switch (change) {
    case NOTHING: return true;
    case VERSION:
    case LOCK_TIME: return false;
    case PREVOUT: return !here && alone;
    case SEQUENCE: /* the older forms leave others' out for NONE and SINGLE */
        return !here && (alone || (!is_taproot(in->kind) && mode != SIGHASH_ALL));
    case AMOUNT_SPENT:
        if (is_taproot(in->kind))
            return !here && alone;
        return !here || !is_v0(in->kind);
    case SCRIPT_SPENT: return !here && (alone || !is_taproot(in->kind));
    case SIGNATURE_BIT:
    case NO_SIGNATURE:
    case ANNEX: return !here;
    case OUTPUT_AMOUNT:
    case OUTPUT_SCRIPT: return mode == SIGHASH_NONE || (mode == SIGHASH_SINGLE && !here);
    case OUTPUT_ADDED: return mode != SIGHASH_ALL;
    case OUTPUT_INSERTED: return mode == SIGHASH_NONE;
    case N_CHANGES: break;
    }
    fail();
    return false;
}

static bool is_possible(const struct spend *s, enum change change, size_t at)
{
    /* without taproot an annex is an item too many, or one that policy refuses: no matter here */
    return change != ANNEX || is_taproot(s->in[at].kind);
}

static size_t check(struct spend *s, enum change change, size_t at)
{
    static const uint32_t flags[] = {SCRIPT_VERIFY_MANDATORY, SCRIPT_VERIFY_STANDARD};
    struct tx *tx = mtx_finish(&s->m);
    struct sighash_cache c;
    size_t good = 0;

    sighash_cache_init(&c, tx, s->spent);
    for (unsigned i = 0; i < s->n_in; i++) {
        bool want = survives(s, i, change, at);

        for (size_t f = 0; f < ARRAY_LEN(flags); f++) {
            enum script_error err;
            bool got = script_verify_input(&c, i, &s->spent[i], flags[f], NULL, &err);

            if (got != want)
                fail_msg("input %u (kind %d, type %#x) after change %d at %zu: %s", i,
                         s->in[i].kind, s->in[i].hash_type, change, at, script_error_name(err));
        }
        good += want;
    }
    tx_unref(tx);
    return good;
}

static void all_changes(void **state)
{
    enum { ROUNDS = 60 };
    struct buf other = BUF_INIT;
    size_t good = 0, all = 0;
    uint8_t nobody[20] = {9};

    (void)state;
    script_p2wpkh(&other, nobody);
    for (int round = 0; round < ROUNDS; round++) {
        for (int change = 0; change < N_CHANGES; change++) {
            struct spend s;
            size_t at;

            make_spend(&s);
            at = rnd((uint32_t)s.n_in);
            if (is_possible(&s, (enum change)change, at)) {
                check(&s, NOTHING, at);
                apply(&s, (enum change)change, at, buf_span(&other));
                good += check(&s, (enum change)change, at);
                all += s.n_in;
            }
            clear_spend(&s);
        }
    }
    printf("%zu inputs, of which %zu survived the change\n", all, good);
    assert_true(good > all / 10 && good < all);
    buf_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_changes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
