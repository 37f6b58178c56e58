/*
 * Rules of transactions: tx_valid.json and tx_invalid.json whole, with the field's own way of using
 * the flags (less flags never refuse a valid transaction, more never accept an invalid one, and
 * each flag listed is needed), and each reason string by construction.
 */
#include "consensus/rules.h"
#include "script/verify.h"
#include "support/script_text.h"
#include "support/vectors.h"
#include "unit.h"

#define N_FLAGS   21
#define ALL_FLAGS ((1u << N_FLAGS) - 1)

/* ---- the two files ---- */

struct tx_case {
    struct tx *tx;
    struct tx_out *spent; /* in the order of the inputs */
    struct buf scripts;
    uint32_t flags;
    bool bad_tx; /* "BADTX" */
    const char *text;
};

static struct outpoint outpoint_of(struct json_object *input)
{
    struct outpoint o;

    assert_true(hash_from_hex(o.txid.b, json_str(json_at(input, 0))));
    o.n = (uint32_t)json_object_get_int64(json_at(input, 1));
    return o;
}

/* The output that an input spends; its script lies in c->scripts at an offset until all are read.
 */
static void add_spent(struct tx_case *c, struct json_object *input)
{
    struct outpoint prev = outpoint_of(input);
    size_t start = c->scripts.len;

    assert_true(script_from_text(json_str(json_at(input, 2)), &c->scripts));
    for (uint32_t i = 0; i < c->tx->n_in; i++) {
        if (!outpoint_eq(&prev, &c->tx->in[i].prev))
            continue;
        c->spent[i].value = 0;
        if (json_object_array_length(input) > 3)
            c->spent[i].value = json_object_get_int64(json_at(input, 3));
        c->spent[i].script_pubkey = span_of((void *)(start + 1), c->scripts.len - start);
    }
}

static void read_case(struct tx_case *c, struct json_object *test)
{
    struct json_object *inputs = json_at(test, 0);
    const char *flags = json_str(json_at(test, 2));
    struct buf bytes = BUF_INIT;

    *c = (struct tx_case){.text = json_object_to_json_string(test)};
    hex_into(&bytes, json_str(json_at(test, 1)));
    c->tx = tx_parse(bytes.data, bytes.len);
    buf_clear(&bytes);
    assert_non_null(c->tx);
    c->spent = xcalloc(c->tx->n_in + 1, sizeof(*c->spent));
    for (size_t i = 0; i < json_object_array_length(inputs); i++)
        add_spent(c, json_at(inputs, i));
    for (uint32_t i = 0; i < c->tx->n_in; i++)
        if (c->spent[i].script_pubkey.data)
            c->spent[i].script_pubkey.data =
                c->scripts.data + ((uintptr_t)c->spent[i].script_pubkey.data - 1);
    c->bad_tx = strcmp(flags, "BADTX") == 0;
    assert_true(c->bad_tx || script_flags_parse(flags, &c->flags));
}

static void clear_case(struct tx_case *c)
{
    tx_unref(c->tx);
    free(c->spent);
    buf_clear(&c->scripts);
}

static bool scripts_pass(const struct tx_case *c, uint32_t flags)
{
    struct sighash_cache cache;
    enum script_error err;

    sighash_cache_init(&cache, c->tx, c->spent);
    for (uint32_t i = 0; i < c->tx->n_in; i++)
        if (!script_verify_input(&cache, i, &c->spent[i], flags, NULL, &err))
            return false;
    return true;
}

static void expect(const struct tx_case *c, uint32_t flags, bool pass)
{
    if (scripts_pass(c, flags) != pass)
        fail_msg("%s with flags %x: %s", pass ? "refused" : "accepted", flags, c->text);
}

/* Flags that others need go with them, and with what they need. */
static uint32_t trim(uint32_t flags)
{
    if (!(flags & SCRIPT_VERIFY_P2SH))
        flags &= ~(uint32_t)SCRIPT_VERIFY_WITNESS;
    if (!(flags & SCRIPT_VERIFY_WITNESS))
        flags &= ~(uint32_t)SCRIPT_VERIFY_CLEANSTACK;
    return flags;
}

static uint32_t fill(uint32_t flags)
{
    if (flags & SCRIPT_VERIFY_CLEANSTACK)
        flags |= SCRIPT_VERIFY_WITNESS;
    if (flags & SCRIPT_VERIFY_WITNESS)
        flags |= SCRIPT_VERIFY_P2SH;
    return flags;
}

/* The flags listed are those that must be off. */
static void check_valid(const struct tx_case *c)
{
    uint32_t on = ALL_FLAGS & ~c->flags;
    struct verdict v;

    if (!tx_check(c->tx, &v))
        fail_msg("%s: %s", v.reason, c->text);
    assert_int_equal(on, fill(on));
    expect(c, on, true);
    for (int i = 0; i < N_FLAGS; i++) {
        uint32_t less = trim(c->flags & ~(1u << i));

        expect(c, trim(on & ~(1u << i)), true);
        expect(c, trim(on & (uint32_t)test_rand()), true);
        if (less != c->flags)
            expect(c, ALL_FLAGS & ~less, false);
    }
}

static void check_invalid(const struct tx_case *c)
{
    struct verdict v;

    if (!tx_check(c->tx, &v)) {
        if (!c->bad_tx)
            fail_msg("%s: %s", v.reason, c->text);
        return;
    }
    assert_false(c->bad_tx);
    assert_int_equal(c->flags, fill(c->flags));
    expect(c, c->flags, false);
    for (int i = 0; i < N_FLAGS; i++) {
        uint32_t less = trim(c->flags & ~(1u << i));

        expect(c, fill(c->flags | 1u << i), false);
        expect(c, fill(c->flags | ((uint32_t)test_rand() & ALL_FLAGS)), false);
        if (less != c->flags)
            expect(c, less, true);
    }
}

static void run_file(const char *name, void (*check)(const struct tx_case *c))
{
    struct json_object *all = vectors_load(name);
    size_t count = 0;

    for (size_t i = 0; i < json_object_array_length(all); i++) {
        struct json_object *test = json_at(all, i);
        struct tx_case c;

        if (!json_object_is_type(json_at(test, 0), json_type_array))
            continue; /* a comment */
        assert_int_equal(json_object_array_length(test), 3);
        read_case(&c, test);
        check(&c);
        clear_case(&c);
        count++;
    }
    printf("%s: %zu cases\n", name, count);
    assert_in_range(count, 90, 1000);
    json_object_put(all);
}

static void tx_valid(void **state)
{
    (void)state;
    run_file("tx_valid.json", check_valid);
}

static void tx_invalid(void **state)
{
    (void)state;
    run_file("tx_invalid.json", check_invalid);
}

/* ---- reasons ---- */

static const struct outpoint some_prev = {{{1}}, 0};
static const struct outpoint null_prev = {{{0}}, UINT32_MAX};

static void assert_refused(const struct mtx *m, const char *reason)
{
    struct tx *tx = mtx_finish(m);
    struct verdict v;

    assert_false(tx_check(tx, &v));
    assert_string_equal(v.reason, reason);
    assert_int_equal(v.kind, VERDICT_CONSENSUS);
    tx_unref(tx);
}

static void assert_accepted(const struct mtx *m)
{
    struct tx *tx = mtx_finish(m);
    struct verdict v;

    if (!tx_check(tx, &v))
        fail_msg("%s", v.reason);
    tx_unref(tx);
}

static void one_in_one_out(struct mtx *m)
{
    mtx_init(m);
    mtx_add_in(m, &some_prev, SEQUENCE_FINAL);
    mtx_add_out(m, 1, span_of("", 0));
}

static void refuses_bad_amounts(void **state)
{
    struct mtx m;

    (void)state;
    one_in_one_out(&m);
    assert_accepted(&m);
    m.out[0].value = -1;
    assert_refused(&m, "bad-txns-vout-negative");
    m.out[0].value = MAX_MONEY + 1;
    assert_refused(&m, "bad-txns-vout-toolarge");
    m.out[0].value = MAX_MONEY;
    assert_accepted(&m);
    mtx_add_out(&m, 0, span_of("", 0));
    assert_accepted(&m);
    m.out[1].value = 1;
    assert_refused(&m, "bad-txns-txouttotal-toolarge");
    mtx_clear(&m);
}

static void refuses_bad_form(void **state)
{
    uint8_t *big = xcalloc(1000001, 1);
    struct mtx m;

    (void)state;
    mtx_init(&m);
    assert_refused(&m, "bad-txns-vin-empty");
    mtx_add_in(&m, &some_prev, 0);
    assert_refused(&m, "bad-txns-vout-empty");
    mtx_add_out(&m, 0, span_of(big, 999935));
    assert_accepted(&m);
    write_u8(&m.out[0].script_pubkey, 0);
    assert_accepted(&m); /* exactly 1,000,000 bytes */
    write_u8(&m.out[0].script_pubkey, 0);
    assert_refused(&m, "bad-txns-oversize");
    mtx_clear(&m);
    one_in_one_out(&m);
    mtx_add_in(&m, &null_prev, 0);
    assert_refused(&m, "bad-txns-prevout-null");
    mtx_clear(&m);
    free(big);
}

static void refuses_repeated_inputs(void **state)
{
    struct outpoint prev = some_prev;
    struct mtx m;

    (void)state;
    one_in_one_out(&m);
    for (uint32_t n = 1; n < 60; n++) {
        prev.n = n;
        mtx_add_in(&m, &prev, 0);
        assert_accepted(&m);
        m.in[n].prev = m.in[n / 2].prev;
        assert_refused(&m, "bad-txns-inputs-duplicate");
        m.in[n].prev = prev;
    }
    mtx_clear(&m);
}

static void refuses_bad_coinbase(void **state)
{
    static const uint8_t zeros[101];
    struct mtx m;

    (void)state;
    one_in_one_out(&m);
    m.in[0].prev = null_prev;
    write_bytes(&m.in[0].script_sig, zeros, 1);
    assert_refused(&m, "bad-cb-length");
    write_bytes(&m.in[0].script_sig, zeros, 1);
    assert_accepted(&m);
    write_bytes(&m.in[0].script_sig, zeros, 98);
    assert_accepted(&m);
    write_bytes(&m.in[0].script_sig, zeros, 1);
    assert_refused(&m, "bad-cb-length");
    mtx_clear(&m);
}

/* ---- inputs ---- */

static bool inputs_pass(const struct mtx *m, const struct coin *coins, int32_t height, int64_t *fee,
                        struct verdict *v)
{
    const struct coin *list[4] = {&coins[0], &coins[1], &coins[2], &coins[3]};
    struct tx *tx = mtx_finish(m);
    bool ok = tx_check_inputs(tx, list, height, network_find("main"), fee, v);

    tx_unref(tx);
    return ok;
}

static void checks_inputs(void **state)
{
    struct coin coins[4] = {{{5, {NULL, 0}}, 100, true}, {{7, {NULL, 0}}, 190, false}};
    struct outpoint other = {{{2}}, 0};
    struct verdict v;
    struct mtx m;
    int64_t fee;

    (void)state;
    one_in_one_out(&m);
    mtx_add_in(&m, &other, 0);
    assert_false(inputs_pass(&m, coins, 199, &fee, &v));
    assert_string_equal(v.reason, "bad-txns-premature-spend-of-coinbase");
    assert_string_equal(v.detail, "tried to spend coinbase at depth 99");
    assert_int_equal(v.kind, VERDICT_PREMATURE_SPEND);
    assert_true(inputs_pass(&m, coins, 200, &fee, &v));
    assert_int_equal(fee, 11);
    m.out[0].value = 12;
    assert_true(inputs_pass(&m, coins, 200, &fee, &v));
    assert_int_equal(fee, 0);
    m.out[0].value = 13;
    assert_false(inputs_pass(&m, coins, 200, &fee, &v));
    assert_string_equal(v.reason, "bad-txns-in-belowout");
    assert_string_equal(v.detail, "value in (0.00000012) < value out (0.00000013)");
    coins[1].out.value = MAX_MONEY - 4;
    assert_false(inputs_pass(&m, coins, 200, &fee, &v));
    assert_string_equal(v.reason, "bad-txns-inputvalues-outofrange");
    coins[1].out.value = -1;
    assert_false(inputs_pass(&m, coins, 200, &fee, &v));
    assert_string_equal(v.reason, "bad-txns-inputvalues-outofrange");
    mtx_clear(&m);
}

static void knows_finality(void **state)
{
    struct mtx m;
    struct tx *tx;

    (void)state;
    one_in_one_out(&m);
    m.in[0].sequence = 0;
    m.lock_time = 100;
    tx = mtx_finish(&m);
    assert_false(tx_is_final(tx, 100, 2000000000));
    assert_true(tx_is_final(tx, 101, 0));
    tx_unref(tx);
    m.lock_time = LOCKTIME_THRESHOLD;
    tx = mtx_finish(&m);
    assert_false(tx_is_final(tx, 600000000, LOCKTIME_THRESHOLD));
    assert_true(tx_is_final(tx, 0, LOCKTIME_THRESHOLD + 1));
    tx_unref(tx);
    m.in[0].sequence = SEQUENCE_FINAL;
    tx = mtx_finish(&m);
    assert_true(tx_is_final(tx, 0, 0));
    tx_unref(tx);
    m.lock_time = 0;
    m.in[0].sequence = 0;
    tx = mtx_finish(&m);
    assert_true(tx_is_final(tx, 0, 0));
    tx_unref(tx);
    mtx_clear(&m);
}

/* ---- BIP68 ---- */

/* A chain of 20 headers, 600 seconds apart: the median time past of height h is 600 * (h - 5). */
static void make_chain(struct hnode nodes[20])
{
    struct header h = {.version = 4, .bits = 0x207fffff};
    struct block_hash hash = {{0}};

    for (int i = 0; i < 20; i++) {
        h.time = 600u * (uint32_t)i;
        hash.b[0] = (uint8_t)i;
        hnode_init(&nodes[i], &h, &hash, i ? &nodes[i - 1] : NULL);
    }
}

static struct sequence_lock lock_of(uint32_t version, uint32_t flags, uint32_t sequence,
                                    int32_t coin_height, const struct hnode *prev)
{
    struct sequence_lock lock;
    struct mtx m;
    struct tx *tx;

    one_in_one_out(&m);
    m.version = version;
    m.in[0].sequence = sequence;
    tx = mtx_finish(&m);
    lock = sequence_lock_of(tx, flags, &coin_height, prev);
    tx_unref(tx);
    mtx_clear(&m);
    return lock;
}

static void sequence_locks(void **state)
{
    static const uint32_t by_time = 1u << 22, off = 1u << 31;
    struct hnode nodes[20];
    const struct hnode *tip = &nodes[19];
    struct sequence_lock lock;

    (void)state;
    make_chain(nodes);
    lock = lock_of(2, 1, 5, 15, tip); /* 5 blocks on a coin of height 15: in block 20 */
    assert_int_equal(lock.min_height, 19);
    assert_int_equal(lock.min_time, -1);
    assert_true(sequence_lock_met(&lock, tip));
    assert_false(sequence_lock_met(&lock, &nodes[18]));
    lock = lock_of(2, 1, 1, 20, tip); /* unconfirmed, one block */
    assert_false(sequence_lock_met(&lock, tip));
    lock = lock_of(2, 1, 0, 20, tip);
    assert_true(sequence_lock_met(&lock, tip));
    /* off: by version, by flag, by the sequence's own bit; bits between do not count */
    assert_int_equal(lock_of(1, 1, 5, 15, tip).min_height, -1);
    assert_int_equal(lock_of(2, 0, 5, 15, tip).min_height, -1);
    assert_int_equal(lock_of(2, 1, off | 5, 15, tip).min_height, -1);
    assert_int_equal(lock_of(0xffffffff, 1, 0x00010005, 15, tip).min_height, 19);
    /* time: from the median time of the block before the coin's, 600 * (14 - 5) */
    lock = lock_of(2, 1, by_time | 5, 15, tip);
    assert_int_equal(lock.min_height, -1);
    assert_int_equal(lock.min_time, 600 * 9 + 5 * 512 - 1);
    assert_true(sequence_lock_met(&lock, tip));
    lock = lock_of(2, 1, by_time | 6, 15, tip);
    assert_int_equal(lock.min_time, 600 * 9 + 6 * 512 - 1);
    assert_false(sequence_lock_met(&lock, tip));
    assert_int_equal(lock_of(2, 1, by_time | 1, 0, tip).min_time, 511);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tx_valid),
        cmocka_unit_test(tx_invalid),
        cmocka_unit_test(refuses_bad_amounts),
        cmocka_unit_test(refuses_bad_form),
        cmocka_unit_test(refuses_repeated_inputs),
        cmocka_unit_test(refuses_bad_coinbase),
        cmocka_unit_test(checks_inputs),
        cmocka_unit_test(knows_finality),
        cmocka_unit_test(sequence_locks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
