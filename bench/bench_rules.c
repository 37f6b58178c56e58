/*
 * What the rules cost, against the least that they could cost.
 *
 *   bench/bench_rules [ROUNDS]
 *
 * - An input's verification (its part of the transaction's hashing, the interpreter, keys and
 *   signatures read) against the calls into libsecp256k1 that it needs, on the same inputs: parse
 *   the key, parse the signature, verify.
 * - Merkle roots of 2,000 txids, and ids of the transactions of a block, against OpenSSL's SHA-256
 *   called for one message after the other.
 * - One legacy transaction of 1 MB of the kind whose hashing grows with the square of its size.
 *
 * Both sides run in turns, ROUNDS times (31); medians count, also of the ratio within a turn, which
 * other programs disturb least. Time is that of the thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "chain/block.h"
#include "chain/tx_parse.h"
#include "crypto/hash.h"
#include "script/sign.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/str.h"

#define INPUTS     40
#define MAX_ROUNDS 101

static size_t rounds = 31;

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), compare);
    return v[n / 2];
}

/* One side of a comparison: does the whole work once. */
typedef void work_fn(void *arg);

/* Runs both in turns and prints the medians per unit; `inverse` shows how many times faster. */
static void measure(const char *name, work_fn *ours, work_fn *theirs, void *arg, size_t units,
                    bool inverse)
{
    double a[MAX_ROUNDS], b[MAX_ROUNDS], ratio[MAX_ROUNDS];

    ours(arg);
    theirs(arg);
    for (size_t i = 0; i < rounds; i++) {
        double start = now_ns(), middle;

        ours(arg);
        middle = now_ns();
        theirs(arg);
        a[i] = (middle - start) / (double)units;
        b[i] = (now_ns() - middle) / (double)units;
        ratio[i] = inverse ? b[i] / a[i] : a[i] / b[i];
    }
    printf("%-34s %10.1f ns  bare %10.1f ns  %s %.3f\n", name, median(a, rounds), median(b, rounds),
           inverse ? "times faster" : "ratio", median(ratio, rounds));
}

/* ---- inputs ---- */

/* A call to libsecp256k1 that verification makes. */
struct bare {
    uint8_t hash[32];
    struct span key, sig; /* without hash type */
};

enum kind { P2WPKH, P2TR, P2WSH_2_OF_3 };

struct spend {
    enum kind kind;
    struct seckey keys[3];
    struct pubkey pubkeys[3];
    struct buf script; /* of the multisig */
    struct buf output;
    struct tx_out spent[INPUTS];
    struct mtx m;
    struct tx *tx;
    struct bare calls[INPUTS * 3];
    size_t n_calls;
};

static bool find_key(void *arg, const uint8_t id[20], struct seckey *out)
{
    const struct spend *s = arg;

    for (int i = 0; i < 2; i++) { /* the third key is not ours: the first two sign */
        uint8_t have[20];

        pubkey_id(&s->pubkeys[i], have);
        *out = s->keys[i];
        if (memcmp(have, id, 20) == 0)
            return true;
    }
    return false;
}

static bool find_script(void *arg, const uint8_t id[20], struct buf *out)
{
    const struct spend *s = arg;

    (void)id;
    write_span(out, buf_span(&s->script));
    return s->script.len > 0;
}

static bool find_taproot(void *arg, const struct xonly *output, struct xonly *internal,
                         uint8_t root[32], bool *has_root)
{
    const struct spend *s = arg;

    (void)output;
    (void)root;
    *internal = pubkey_xonly(&s->pubkeys[0]);
    *has_root = false;
    return true;
}

static void make_output(struct spend *s)
{
    struct xonly internal = pubkey_xonly(&s->pubkeys[0]), output;
    uint8_t hash[32];
    bool parity;

    switch (s->kind) {
    case P2WPKH:
        pubkey_id(&s->pubkeys[0], hash);
        script_p2wpkh(&s->output, hash);
        return;
    case P2TR:
        taptweak_hash(hash, &internal, NULL);
        CHECK(taproot_tweak(&output, &parity, &internal, hash));
        script_p2tr(&s->output, &output);
        return;
    case P2WSH_2_OF_3:
        script_multisig(&s->script, 2, s->pubkeys, 3);
        sha256(hash, s->script.data, s->script.len);
        script_p2wsh(&s->output, hash);
        return;
    }
}

static void add_call(struct spend *s, const uint8_t hash[32], struct span key, struct span sig)
{
    struct bare *c = &s->calls[s->n_calls++];

    memcpy(c->hash, hash, 32);
    c->key = key;
    c->sig = sig;
}

/* The signature before its hash type. */
static struct span bare_sig(struct span s)
{
    return span_of(s.data, s.len - 1);
}

static void list_calls(struct spend *s, const struct sighash_cache *c, unsigned in)
{
    const struct span *w = s->tx->in[in].witness.items;
    uint8_t hash[32], code[25] = {OP_DUP, OP_HASH160, 20, [23] = OP_EQUALVERIFY, OP_CHECKSIG};

    switch (s->kind) {
    case P2WPKH:
        memcpy(code + 3, s->output.data + 2, 20);
        sighash_v0(hash, c, in, span_of(code, 25), s->spent[in].value, SIGHASH_ALL);
        add_call(s, hash, w[1], bare_sig(w[0]));
        return;
    case P2TR:
        CHECK(sighash_taproot(hash, c, in, SIGHASH_DEFAULT, NULL, NULL));
        add_call(s, hash, span_of(s->output.data + 2, 32), w[0]);
        return;
    case P2WSH_2_OF_3: /* from the last key down: one attempt is in vain */
        sighash_v0(hash, c, in, w[3], s->spent[in].value, SIGHASH_ALL);
        add_call(s, hash, span_of(s->pubkeys[2].data, 33), bare_sig(w[2]));
        add_call(s, hash, span_of(s->pubkeys[1].data, 33), bare_sig(w[2]));
        add_call(s, hash, span_of(s->pubkeys[0].data, 33), bare_sig(w[1]));
        return;
    }
}

static void make_spend(struct spend *s, enum kind kind)
{
    struct signing_provider provider = {
        .key = find_key, .script = find_script, .taproot = find_taproot, .arg = s};
    struct sighash_cache c;

    memset(s, 0, sizeof(*s));
    s->kind = kind;
    for (int i = 0; i < 3; i++) {
        seckey_generate(&s->keys[i]);
        CHECK(seckey_pubkey(&s->pubkeys[i], &s->keys[i]));
    }
    make_output(s);
    mtx_init(&s->m);
    for (uint32_t i = 0; i < INPUTS; i++) {
        struct outpoint prev = {.n = i};

        random_bytes(prev.txid.b, 32);
        mtx_add_in(&s->m, &prev, SEQUENCE_FINAL);
        s->spent[i] = (struct tx_out){100000 + i, buf_span(&s->output)};
    }
    mtx_add_out(&s->m, 50000, buf_span(&s->output));
    mtx_add_out(&s->m, 40000, buf_span(&s->output));
    CHECK(sign_inputs(&s->m, s->spent, &provider, 0, NULL));
    s->tx = mtx_finish(&s->m);
    sighash_cache_init(&c, s->tx, s->spent);
    for (unsigned i = 0; i < INPUTS; i++)
        list_calls(s, &c, i);
}

static void clear_spend(struct spend *s)
{
    tx_unref(s->tx);
    mtx_clear(&s->m);
    buf_clear(&s->script);
    buf_clear(&s->output);
}

static void verify_ours(void *arg)
{
    const struct spend *s = arg;
    struct sighash_cache c;

    sighash_cache_init(&c, s->tx, s->spent);
    for (unsigned i = 0; i < INPUTS; i++)
        CHECK(script_verify_input(&c, i, &s->spent[i], SCRIPT_VERIFY_MANDATORY, NULL, NULL));
}

static int bare_ecdsa(const struct bare *c)
{
    secp256k1_ecdsa_signature sig;
    secp256k1_pubkey key;

    CHECK(secp256k1_ec_pubkey_parse(secp256k1_context_static, &key, c->key.data, c->key.len));
    CHECK(secp256k1_ecdsa_signature_parse_der(secp256k1_context_static, &sig, c->sig.data,
                                              c->sig.len));
    secp256k1_ecdsa_signature_normalize(secp256k1_context_static, &sig, &sig);
    return secp256k1_ecdsa_verify(secp256k1_context_static, &sig, c->hash, &key);
}

static int bare_schnorr(const struct bare *c)
{
    secp256k1_xonly_pubkey key;

    CHECK(secp256k1_xonly_pubkey_parse(secp256k1_context_static, &key, c->key.data));
    return secp256k1_schnorrsig_verify(secp256k1_context_static, c->sig.data, c->hash, 32, &key);
}

static void verify_bare(void *arg)
{
    const struct spend *s = arg;
    int good = 0;

    for (size_t i = 0; i < s->n_calls; i++)
        good += s->kind == P2TR ? bare_schnorr(&s->calls[i]) : bare_ecdsa(&s->calls[i]);
    CHECK(good == INPUTS * (s->kind == P2WSH_2_OF_3 ? 2 : 1));
}

static void bench_inputs(void)
{
    static const char *const names[] = {"input P2WPKH", "input P2TR key path",
                                        "input P2WSH 2-of-3"};

    for (int kind = P2WPKH; kind <= P2WSH_2_OF_3; kind++) {
        struct spend *s = xmalloc(sizeof(*s));

        make_spend(s, (enum kind)kind);
        measure(names[kind], verify_ours, verify_bare, s, INPUTS, false);
        clear_spend(s);
        free(s);
    }
}

/* ---- hashes ---- */

#define LEAVES 2000
#define PAIRS  4096

struct hashing {
    uint8_t leaves[LEAVES][32], work[LEAVES][32];
    uint8_t in[PAIRS * 64], out[PAIRS * 32];
    struct buf block;
    struct block *parsed;
    EVP_MD_CTX *ctx;
    EVP_MD *md;
};

/* SHA-256d by OpenSSL: a fetched algorithm, a context that is used again. */
static void openssl_sha256d(struct hashing *h, uint8_t out[32], const void *data, size_t len)
{
    uint8_t first[32];

    CHECK(EVP_DigestInit_ex2(h->ctx, h->md, NULL) && EVP_DigestUpdate(h->ctx, data, len) &&
          EVP_DigestFinal_ex(h->ctx, first, NULL));
    CHECK(EVP_DigestInit_ex2(h->ctx, h->md, NULL) && EVP_DigestUpdate(h->ctx, first, 32) &&
          EVP_DigestFinal_ex(h->ctx, out, NULL));
}

static void pairs_ours(void *arg)
{
    struct hashing *h = arg;

    sha256d_64(h->out, h->in, PAIRS);
}

static void pairs_low_level(void *arg)
{
    struct hashing *h = arg;

    for (size_t i = 0; i < PAIRS; i++)
        sha256d(h->out + 32 * i, h->in + 64 * i, 64);
}

static void pairs_openssl(void *arg)
{
    struct hashing *h = arg;

    for (size_t i = 0; i < PAIRS; i++)
        openssl_sha256d(h, h->out + 32 * i, h->in + 64 * i, 64);
}

static void merkle_ours(void *arg)
{
    struct hashing *h = arg;
    uint8_t root[32];

    memcpy(h->work, h->leaves, sizeof(h->work));
    merkle_root(root, h->work, LEAVES, NULL);
}

static void merkle_openssl(void *arg)
{
    struct hashing *h = arg;

    memcpy(h->work, h->leaves, sizeof(h->work));
    for (size_t n = LEAVES; n > 1; n = (n + 1) / 2) {
        for (size_t i = 0; i < n; i += 2) {
            uint8_t pair[64];

            memcpy(pair, h->work[i], 32);
            memcpy(pair + 32, h->work[i + 1 < n ? i + 1 : i], 32);
            openssl_sha256d(h, h->work[i / 2], pair, 64);
        }
    }
}

/* Ids of a block's transactions as block_parse() makes them, less what parsing costs. */
static void ids_ours(void *arg)
{
    struct hashing *h = arg;

    tx_hash_many(h->parsed->tx, h->parsed->n_tx);
}

static void ids_openssl(void *arg)
{
    struct hashing *h = arg;

    for (uint32_t i = 0; i < h->parsed->n_tx; i++) {
        const struct tx *tx = h->parsed->tx[i];
        uint8_t first[32], out[32];

        openssl_sha256d(h, out, tx->raw.data, tx->raw.len);
        EVP_DigestInit_ex2(h->ctx, h->md, NULL);
        EVP_DigestUpdate(h->ctx, &tx->version, 4);
        EVP_DigestUpdate(h->ctx, tx->raw.data + 6, tx->base_size - 8);
        EVP_DigestUpdate(h->ctx, &tx->lock_time, 4);
        EVP_DigestFinal_ex(h->ctx, first, NULL);
        openssl_sha256d(h, out, first, 32);
    }
}

/* 2,000 transactions with one or two inputs and two outputs: what most of them are. */
static void make_block(struct hashing *h)
{
    struct header header = {0};
    const struct tx **txs = xcalloc(LEAVES, sizeof(*txs));
    uint8_t bytes[72];

    for (size_t i = 0; i < LEAVES; i++) {
        struct mtx m;
        struct span items[2];

        mtx_init(&m);
        for (size_t k = 0; k <= i % 2; k++) {
            struct outpoint prev = {.n = (uint32_t)k};

            random_bytes(bytes, sizeof(bytes));
            random_bytes(prev.txid.b, 32);
            items[0] = span_of(bytes, 71 + i % 2);
            items[1] = span_of(bytes, 33);
            mtx_in_set_witness(mtx_add_in(&m, &prev, SEQUENCE_FINAL), items, 2);
        }
        mtx_add_out(&m, (int64_t)i, span_of(bytes, 22));
        mtx_add_out(&m, (int64_t)i, span_of(bytes, i % 3 ? 22 : 34));
        txs[i] = mtx_finish(&m);
        mtx_clear(&m);
    }
    h->parsed = block_create(&header, txs, LEAVES);
    for (size_t i = 0; i < LEAVES; i++)
        tx_unref(txs[i]);
    free(txs);
}

static void bench_hashes(void)
{
    struct hashing *h = xcalloc(1, sizeof(*h));

    h->ctx = EVP_MD_CTX_new();
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    CHECK(h->ctx && h->md);
    random_bytes(h->leaves, sizeof(h->leaves));
    random_bytes(h->in, sizeof(h->in));
    make_block(h);
    measure("SHA-256d of 64 bytes", pairs_ours, pairs_openssl, h, PAIRS, true);
    measure("  against OpenSSL without EVP", pairs_ours, pairs_low_level, h, PAIRS, true);
    measure("merkle root of 2,000 txids", merkle_ours, merkle_openssl, h, 1, true);
    measure("ids of a block's transactions", ids_ours, ids_openssl, h, LEAVES, true);
    block_unref(h->parsed);
    EVP_MD_free(h->md);
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

/* ---- a transaction of 1 MB whose hashing grows with its square ---- */

#define BIG_INPUTS 6700

/* <pubkey> OP_CHECKSIG OP_NOT, spent by signatures that have the right form and are wrong: all
 * hashing and verification is done, and nothing has to be signed. */
static void bench_quadratic(void)
{
    struct tx_out *spent = xcalloc(BIG_INPUTS, sizeof(*spent));
    struct buf script = BUF_INIT;
    struct sighash_cache c;
    struct seckey key;
    struct pubkey pk;
    struct mtx m;
    struct tx *tx;
    double start, hashing;
    uint8_t sig[72], hash[32];

    seckey_generate(&key);
    CHECK(seckey_pubkey(&pk, &key));
    script_p2pk(&script, &pk);
    script_op(&script, OP_NOT);
    mtx_init(&m);
    for (uint32_t i = 0; i < BIG_INPUTS; i++) {
        struct outpoint prev = {.n = i};
        struct mtx_in *in = mtx_add_in(&m, &prev, SEQUENCE_FINAL);
        size_t len;

        random_bytes(hash, 32);
        CHECK(ecdsa_sign(sig, &len, &key, hash, false));
        sig[len - 1] ^= 1;
        write_u8(&in->script_sig, (uint8_t)(len + 1));
        write_bytes(&in->script_sig, sig, len);
        write_u8(&in->script_sig, SIGHASH_ALL);
        script_push(&in->script_sig, sig, 36); /* as long as a key hash spend; dropped */
        script_op(&in->script_sig, OP_DROP);
        spent[i] = (struct tx_out){1, buf_span(&script)};
    }
    mtx_add_out(&m, 1, buf_span(&script));
    tx = mtx_finish(&m);
    mtx_clear(&m);
    start = now_ns();
    sighash_cache_init(&c, tx, spent);
    for (unsigned i = 0; i < BIG_INPUTS; i++)
        CHECK(script_verify_input(&c, i, &spent[i], SCRIPT_VERIFY_MANDATORY, NULL, NULL));
    hashing = now_ns();
    for (unsigned i = 0; i < BIG_INPUTS; i++)
        sighash_legacy(hash, tx, i, buf_span(&script), SIGHASH_ALL);
    printf(
        "transaction of %u inputs, %u bytes: verified in %.0f ms; its messages one by one %.0f ms\n",
        tx->n_in, tx->total_size, (hashing - start) / 1e6, (now_ns() - hashing) / 1e6);
    tx_unref(tx);
    buf_clear(&script);
    free(spent);
}

int main(int argc, char **argv)
{
    uint64_t n;

    if (argc > 1) {
        if (!parse_u64(argv[1], &n) || n < 5 || n > MAX_ROUNDS) {
            fprintf(stderr, "usage: bench_rules [ROUNDS]   (5 to %d)\n", MAX_ROUNDS);
            return 2;
        }
        rounds = n;
    }
    bench_inputs();
    bench_hashes();
    bench_quadratic();
    return 0;
}
