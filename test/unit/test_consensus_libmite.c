/*
 * The public face: real blocks with the outputs that they spend are verified whole, every input
 * through mite_verify_input(), every amount, fee and signature operation; arguments that are no
 * good get their error.
 */
#include "consensus/rules.h"
#include "mite/consensus.h"
#include "script/verify.h"
#include "support/vectors.h"
#include "unit.h"
#include "util/table.h"

/* ---- blocks with the coins that they spend ---- */

struct known_coin {
    struct outpoint prev;
    struct coin coin;
    struct buf script;
    bool has_height;
};

static void add_coin(struct table *coins, const struct outpoint *prev, int64_t value,
                     struct span script, uint32_t height, bool coinbase, bool has_height)
{
    struct known_coin *k = xcalloc(1, sizeof(*k));

    k->prev = *prev;
    write_span(&k->script, script);
    k->coin = (struct coin){{value, buf_span(&k->script)}, height, coinbase};
    k->has_height = has_height;
    assert_null(table_add(coins, k));
}

static void add_line(struct table *coins, const char *line)
{
    struct json_object *o = json_tokener_parse(line), *height, *coinbase;
    struct outpoint prev;
    struct buf script = BUF_INIT;
    bool has_height;

    assert_non_null(o);
    assert_true(hash_from_hex(prev.txid.b, json_str(json_member(o, "txid"))));
    prev.n = (uint32_t)json_object_get_int64(json_member(o, "vout"));
    hex_into(&script, json_str(json_member(o, "spk")));
    has_height = json_object_object_get_ex(o, "height", &height) && height;
    coinbase = json_object_object_get(o, "coinbase");
    add_coin(coins, &prev, json_object_get_int64(json_member(o, "value")), buf_span(&script),
             has_height ? (uint32_t)json_object_get_int(height) : 0,
             has_height && json_object_get_boolean(coinbase), has_height);
    buf_clear(&script);
    json_object_put(o);
}

/* gzip is asked to read it: no test needs zlib for that. */
static void load_coins(struct table *coins, const char *name)
{
    const char *dir = getenv("MITE_SHARED");
    char *command =
        xasprintf("gzip -dc '%s/chain/blocks/%s.prevouts.jsonl.gz'", dir ? dir : "../shared", name);
    FILE *f = popen(command, "r");
    char *line = NULL;
    size_t cap = 0;

    assert_non_null(f);
    while (getline(&line, &cap, f) > 0)
        add_line(coins, line);
    assert_int_equal(pclose(f), 0);
    free(line);
    free(command);
}

static void free_coins(struct table *coins)
{
    struct known_coin *k;
    size_t pos = 0;

    while ((k = table_next(coins, &pos)) != NULL) {
        buf_clear(&k->script);
        free(k);
    }
    table_clear(coins);
}

struct totals {
    size_t inputs;
    int64_t fees, sigops;
};

/* The public call parses the transaction anew each time: of those of hundreds of inputs only some
 * go through it, the others through the call below it. */
#define MANY_INPUTS 200

static void verify_scripts(const struct tx *tx, const struct coin *const *spent, uint32_t flags,
                           struct totals *t)
{
    mite_output *outs = xcalloc(tx->n_in, sizeof(*outs));
    struct tx_out *plain = xcalloc(tx->n_in, sizeof(*plain));
    uint32_t step = tx->n_in > MANY_INPUTS ? tx->n_in / 20 : 1;
    struct sighash_cache cache;
    enum script_error script_err;
    mite_error err;

    for (uint32_t i = 0; i < tx->n_in; i++) {
        plain[i] = spent[i]->out;
        outs[i] =
            (mite_output){plain[i].script_pubkey.data, plain[i].script_pubkey.len, plain[i].value};
    }
    sighash_cache_init(&cache, tx, plain);
    for (uint32_t i = 0; i < tx->n_in; i++, t->inputs++) {
        if (i % step != 0)
            assert_true(script_verify_input(&cache, i, &plain[i], flags, NULL, &script_err));
        else if (!mite_verify_input(tx->raw.data, tx->raw.len, i, outs, tx->n_in, flags, &err))
            fail_msg("input %u: %s", i, mite_error_string(err));
    }
    free(plain);
    free(outs);
}

static void verify_tx(const struct tx *tx, struct table *coins, int32_t height,
                      const struct network *net, uint32_t flags, struct totals *t)
{
    const struct coin **spent = xcalloc(tx->n_in, sizeof(*spent));
    struct verdict v;
    int64_t fee;

    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct known_coin *k = table_get(coins, &tx->in[i].prev);

        assert_non_null(k);
        spent[i] = &k->coin;
    }
    if (!tx_check_inputs(tx, spent, height, net, &fee, &v))
        fail_msg("%s", v.reason);
    t->fees += fee;
    t->sigops += tx_sigops_cost(tx, spent, flags);
    verify_scripts(tx, spent, flags, t);
    free(spent);
}

static void verify_block(const char *network, int32_t height)
{
    const struct network *net = network_find(network);
    char *name = xasprintf("%s-%d", net->is_test_chain ? "testnet3" : "mainnet", height);
    char *path = xasprintf("chain/blocks/%s.bin", name);
    struct buf raw = BUF_INIT;
    struct hnode node = {.height = height};
    struct totals t = {0};
    struct table coins;
    const char *reason = NULL;
    struct block *b;
    uint32_t flags;
    int64_t paid = 0;

    shared_append(path, &raw);
    if (!mite_check_block(raw.data, raw.len, network, &reason))
        fail_msg("%s: %s", name, reason);
    b = block_parse(raw.data, raw.len);
    node.hash = b->hash;
    flags = block_script_flags(net, &node);
    TABLE_INIT(&coins, struct known_coin, prev);
    load_coins(&coins, name);
    t.sigops = tx_sigops_cost(b->tx[0], NULL, flags);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        const struct tx *tx = b->tx[i];

        if (i > 0)
            verify_tx(tx, &coins, height, net, flags, &t);
        for (uint32_t k = 0; k < tx->n_out; k++) {
            struct outpoint o = {tx->txid, k};

            if (!table_get(&coins, &o))
                add_coin(&coins, &o, tx->out[k].value, tx->out[k].script_pubkey, (uint32_t)height,
                         i == 0, true);
        }
    }
    for (uint32_t k = 0; k < b->tx[0]->n_out; k++)
        paid += b->tx[0]->out[k].value;
    assert_in_range(paid, 1, block_subsidy(net, height) + t.fees);
    assert_in_range(t.sigops, 0, MAX_BLOCK_SIGOPS_COST);
    printf("%s: %zu inputs verified, fees %lld, sigops %lld\n", name, t.inputs, (long long)t.fees,
           (long long)t.sigops);
    free_coins(&coins);
    block_unref(b);
    buf_clear(&raw);
    free(path);
    free(name);
}

static void real_blocks(void **state)
{
    static const int32_t mainnet[] = {170,    24835,  57043,  150013, 210000,
                                      277647, 367891, 757739, 866342};
    static const int32_t testnet[] = {928816, 928831, 1087400};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mainnet); i++)
        verify_block("main", mainnet[i]);
    for (size_t i = 0; i < ARRAY_LEN(testnet); i++)
        verify_block("test", testnet[i]);
}

/* ---- arguments ---- */

/* Output OP_1, and an empty spend of it. */
static const char spend_hex[] = "0100000001000000000000000000000000000000000000000000000000000000"
                                "00000000010000000000ffffffff0100000000000000000000000000";

static void assert_input(struct span tx, unsigned input, const char *script, size_t n_spent,
                         uint32_t flags, mite_error want)
{
    mite_output spent[2] = {{(const uint8_t *)script, strlen(script), 0}};
    mite_error err = (mite_error)-1;
    int ok = mite_verify_input(tx.data, tx.len, input, spent, n_spent, flags, &err);

    assert_int_equal(ok, want == MITE_ERR_OK);
    assert_int_equal(err, want);
    assert_int_equal(mite_verify_input(tx.data, tx.len, input, spent, n_spent, flags, NULL), ok);
    assert_true(strlen(mite_error_string(err)) > 5);
}

static void arguments(void **state)
{
    struct buf b = BUF_INIT;
    struct span tx;

    (void)state;
    hex_into(&b, spend_hex);
    tx = buf_span(&b);
    assert_input(tx, 0, "\x51", 1, MITE_VERIFY_ALL, MITE_ERR_OK);
    assert_input(tx, 0, "\x51", 1, MITE_VERIFY_NONE, MITE_ERR_OK);
    assert_input(tx, 1, "\x51", 1, 0, MITE_ERR_INPUT);
    assert_input(tx, UINT32_MAX, "\x51", 1, 0, MITE_ERR_INPUT);
    assert_input(tx, 0, "\x51", 0, 0, MITE_ERR_SPENT);
    assert_input(tx, 0, "\x51", 2, 0, MITE_ERR_SPENT);
    assert_input(tx, 0, "\x51", 1, 1u << 1, MITE_ERR_FLAGS);
    assert_input(tx, 0, "\x51", 1, 1u << 31, MITE_ERR_FLAGS);
    assert_input(tx, 0, "\x51", 1, MITE_VERIFY_WITNESS, MITE_ERR_FLAGS);
    assert_input(tx, 0, "\x51", 1, MITE_VERIFY_TAPROOT | MITE_VERIFY_P2SH, MITE_ERR_FLAGS);
    assert_input(tx, 0, "\x6a", 1, MITE_VERIFY_ALL,
                 (mite_error)(MITE_ERR_SCRIPT + (int)SCRIPT_ERR_OP_RETURN));
    assert_input(tx, 0, "", 1, MITE_VERIFY_ALL,
                 (mite_error)(MITE_ERR_SCRIPT + (int)SCRIPT_ERR_EVAL_FALSE));
    tx.len--;
    assert_input(tx, 0, "\x51", 1, 0, MITE_ERR_TX);
    tx.len = 0;
    assert_input(tx, 0, "\x51", 1, 0, MITE_ERR_TX);
    buf_clear(&b);
}

static void error_strings(void **state)
{
    (void)state;
    assert_string_equal(mite_error_string(MITE_ERR_OK), "No error");
    assert_string_equal(mite_error_string((mite_error)(MITE_ERR_SCRIPT + (int)SCRIPT_ERR_SIG_DER)),
                        "Non-canonical DER signature");
    assert_string_equal(mite_error_string((mite_error)77), "Unknown error");
    assert_string_equal(mite_error_string(MITE_ERR_SCRIPT), "Unknown error");
    assert_string_equal(mite_error_string((mite_error)100000), "Unknown error");
}

static void block_reasons(void **state)
{
    struct buf raw = BUF_INIT;
    const char *reason = NULL;

    (void)state;
    assert_false(mite_check_block(NULL, 0, "main", &reason));
    assert_string_equal(reason, "bad-encoding");
    assert_false(mite_check_block(NULL, 0, "bitcoin", &reason));
    assert_string_equal(reason, "unknown-network");
    assert_false(mite_check_block(NULL, 0, "bitcoin", NULL));
    shared_append("chain/blocks/mainnet-170.bin", &raw);
    assert_true(mite_check_block(raw.data, raw.len, "main", NULL));
    /* every bit of it: refused, with a reason */
    for (size_t i = 0; i < raw.len * 8; i += 3) {
        raw.data[i / 8] ^= (uint8_t)(1u << i % 8);
        reason = NULL;
        assert_false(mite_check_block(raw.data, raw.len, "main", &reason));
        assert_non_null(reason);
        if (i >= 80 * 8 + 8 && strcmp(reason, "bad-encoding") != 0)
            assert_string_equal(reason, "bad-txnmrklroot");
        raw.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    assert_false(mite_check_block(raw.data, raw.len, "signet", &reason));
    assert_string_equal(reason, "bad-signet-blksig");
    buf_clear(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_blocks),
        cmocka_unit_test(arguments),
        cmocka_unit_test(error_strings),
        cmocka_unit_test(block_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
