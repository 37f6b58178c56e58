/*
 * Random scripts in every place where a script can stand: whatever they are, they get a verdict,
 * the same one each time, and more flags never turn a failure into success. The seed is printed;
 * MITE_TEST_SEED repeats a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "script/standard.h"
#include "script/verify.h"
#include "util/random.h"
#include "util/str.h"

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
    seed += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static int init_seed(void **state)
{
    const char *s = getenv("MITE_TEST_SEED");
    (void)state;
    if (!s || !parse_u64(s, &seed))
        seed = random_u64();
    printf("MITE_TEST_SEED=%llu\n", (unsigned long long)seed);
    return 0;
}

/* A script of up to 60 pieces: mostly operations that do something, small numbers, pushes, keys and
 * signatures that have the form of such, conditions, and now and then any byte. */
static void random_piece(struct buf *b)
{
    static const uint8_t common[] = {
        OP_IF,       OP_ELSE,        OP_ENDIF,         OP_DUP,
        OP_CHECKSIG, OP_CHECKSIGADD, OP_CHECKMULTISIG, OP_CODESEPARATOR,
        OP_NOT,      OP_DROP,        OP_SWAP};
    static const uint8_t sig[] = {0x30, 6, 2, 1, 1, 2, 1, 1, 1};
    uint8_t data[80];
    size_t len;
    switch (rnd(8)) {
    case 0: write_u8(b, common[rnd(ARRAY_LEN(common))]); return;
    case 1: script_push_int(b, (int64_t)rnd(40) - 2); return;
    case 2: script_push(b, sig, sizeof(sig)); return;
    case 3:
        len = rnd(3) ? 33 : rnd(sizeof(data));
        memset(data, (int)rnd(4), sizeof(data));
        script_push(b, data, len);
        return;
    case 4: write_u8(b, (uint8_t)rnd(256)); return;
    default: write_u8(b, (uint8_t)(OP_NOP + rnd(OP_CHECKSIGADD - OP_NOP + 1))); return;
    }
}

static struct buf random_script(uint32_t max)
{
    struct buf b = BUF_INIT;
    for (uint32_t n = rnd(max); n > 0; n--)
        random_piece(&b);
    return b;
}

static struct buf random_pushes(void)
{
    struct buf b = BUF_INIT;
    for (uint32_t n = rnd(8); n > 0; n--)
        script_push_int(&b, (int64_t)rnd(20) - 1);
    return b;
}

enum place { IN_OUTPUT, IN_P2SH, IN_P2WSH, IN_TAPROOT, N_PLACES };

struct spend {
    struct buf script, script_sig, output, control;
    struct buf item[6];
    struct span items[8];
    struct witness witness;
};

static void put_taproot(struct spend *s)
{
    struct seckey key = {.b = {1}, .compressed = true};
    struct pubkey pk;
    struct xonly internal, output;
    uint8_t leaf[32], tweak[32];
    bool parity;
    assert_true(seckey_pubkey(&pk, &key));
    internal = pubkey_xonly(&pk);
    tapleaf_hash(leaf, 0xc0, buf_span(&s->script));
    taptweak_hash(tweak, &internal, leaf);
    assert_true(taproot_tweak(&output, &parity, &internal, tweak));
    script_p2tr(&s->output, &output);
    write_u8(&s->control, (uint8_t)(0xc0 | parity));
    write_bytes(&s->control, internal.b, 32);
}

static void put_output(struct spend *s, enum place place)
{
    uint8_t hash[32];
    switch (place) {
    case IN_OUTPUT: write_span(&s->output, buf_span(&s->script)); return;
    case IN_P2SH:
        hash160(hash, s->script.data, s->script.len);
        script_p2sh(&s->output, hash);
        script_push_span(&s->script_sig, buf_span(&s->script));
        return;
    case IN_P2WSH:
        sha256(hash, s->script.data, s->script.len);
        script_p2wsh(&s->output, hash);
        return;
    case IN_TAPROOT: put_taproot(s); return;
    case N_PLACES: fail();
    }
}

static void random_spend(struct spend *s, enum place place)
{
    uint32_t n = 0;
    memset(s, 0, sizeof(*s));
    s->script = random_script(60);
    bool in_witness = place == IN_P2WSH || place == IN_TAPROOT;
    if (!in_witness)
        s->script_sig = rnd(4) ? random_pushes() : random_script(10);
    put_output(s, place);
    for (uint32_t i = in_witness ? rnd(7) : 0; i > 0; i--) {
        s->item[n] = random_script(3);
        s->items[n] = buf_span(&s->item[n]);
        n++;
    }
    if (in_witness)
        s->items[n++] = buf_span(&s->script);
    if (place == IN_TAPROOT)
        s->items[n++] = buf_span(&s->control);
    s->witness = (struct witness){s->items, n};
}

static void clear_spend(struct spend *s)
{
    for (size_t i = 0; i < ARRAY_LEN(s->item); i++)
        buf_clear(&s->item[i]);
    buf_clear(&s->script);
    buf_clear(&s->script_sig);
    buf_clear(&s->output);
    buf_clear(&s->control);
}

static struct tx *make_tx(void)
{
    struct mtx m;
    struct outpoint prev = {.n = 1};
    mtx_init(&m);
    mtx_add_in(&m, &prev, rnd(2) ? 0 : SEQUENCE_FINAL);
    mtx_add_in(&m, &prev, 1);
    mtx_add_out(&m, 1, span_of("\x51", 1));
    struct tx *tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

static uint32_t sane_flags(uint32_t flags)
{
    if (flags & (SCRIPT_VERIFY_CLEANSTACK | SCRIPT_VERIFY_TAPROOT))
        flags |= SCRIPT_VERIFY_WITNESS;
    if (flags & SCRIPT_VERIFY_WITNESS)
        flags |= SCRIPT_VERIFY_P2SH;
    return flags;
}

static bool check_spend(const struct spend *s, const struct tx *tx)
{
    struct tx_out spent[2] = {{1, buf_span(&s->output)}, {2, buf_span(&s->output)}};
    struct sighash_cache c;
    enum script_error err, again;
    uint32_t few = sane_flags(rnd(1u << 21)), more = sane_flags(few | rnd(1u << 21));
    sighash_cache_init_all(&c, tx, spent);
    bool ok = script_verify_parts(&c, 0, buf_span(&s->script_sig), &s->witness, &spent[0], few,
                                  NULL, &err);
    assert_int_equal(ok, err == SCRIPT_ERR_OK);
    script_verify_parts(&c, 0, buf_span(&s->script_sig), &s->witness, &spent[0], few, NULL, &again);
    assert_int_equal(err, again);
    if (script_verify_parts(&c, 0, buf_span(&s->script_sig), &s->witness, &spent[0], more, NULL,
                            NULL))
        assert_true(ok);
    return ok;
}

/* What else reads scripts must survive them as well. */
static void check_readers(const struct spend *s)
{
    struct solution sol;
    struct destination d;
    struct tx_in in = {.script_sig = buf_span(&s->script_sig), .witness = s->witness};
    struct span script = buf_span(&s->script);
    script_solve(script, &sol);
    script_to_destination(script, &d);
    assert_true(script_sigops(script, true) <= script_sigops(script, false));
    p2sh_sigops(&in, buf_span(&s->output));
    witness_sigops(&in, buf_span(&s->output), SCRIPT_VERIFY_WITNESS);
    free(script_to_asm(script, true));
}

static void test_random_spends(void **state)
{
    (void)state;
    size_t good = 0, n = 40000;
    struct tx *tx = make_tx();
    for (size_t i = 0; i < n; i++) {
        struct spend s;
        random_spend(&s, (enum place)rnd(N_PLACES));
        good += check_spend(&s, tx);
        check_readers(&s);
        clear_spend(&s);
    }
    printf("%zu random spends, %zu of them valid\n", n, good);
    assert_true(good > 0 && good < n);
    tx_unref(tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_spends)};
    return cmocka_run_group_tests(tests, init_seed, NULL);
}
