/*
 * The public face: real blocks with the outputs that they spend are verified whole, every input
 * through mite_verify_input(), every amount, fee and signature operation; arguments that are no
 * good get their error.
 */
#include "consensus/rules.h"
#include "mite/consensus.h"
#include "mite/hash.h"
#include "mite/script.h"
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

/* ---- parsing, hashing, texts ---- */

/* Against what the objects below say; every number past the last is refused. */
static void assert_same_tx(const mite_tx *tx, const struct tx *want)
{
    uint8_t id[32];
    mite_input in;
    mite_output out;
    const uint8_t *item;
    size_t len;

    mite_tx_id(tx, id);
    assert_memory_equal(id, want->txid.b, 32);
    mite_tx_witness_id(tx, id);
    assert_memory_equal(id, want->wtxid.b, 32);
    assert_int_equal(mite_tx_version(tx), want->version);
    assert_int_equal(mite_tx_lock_time(tx), want->lock_time);
    assert_int_equal(mite_tx_weight(tx), tx_weight(want));
    assert_int_equal(mite_tx_n_inputs(tx), want->n_in);
    assert_int_equal(mite_tx_n_outputs(tx), want->n_out);
    for (uint32_t i = 0; i < want->n_in; i++) {
        assert_true(mite_tx_input(tx, i, &in));
        assert_memory_equal(in.prev_txid, want->in[i].prev.txid.b, 32);
        assert_int_equal(in.prev_output, want->in[i].prev.n);
        assert_int_equal(in.sequence, want->in[i].sequence);
        assert_true(span_eq(span_of(in.script, in.script_len), want->in[i].script_sig));
        assert_int_equal(in.witness_items, want->in[i].witness.n);
        for (uint32_t k = 0; k < in.witness_items; k++) {
            assert_true(mite_tx_witness(tx, i, k, &item, &len));
            assert_true(span_eq(span_of(item, len), want->in[i].witness.items[k]));
        }
        assert_false(mite_tx_witness(tx, i, in.witness_items, &item, &len));
    }
    for (uint32_t i = 0; i < want->n_out; i++) {
        assert_true(mite_tx_output(tx, i, &out));
        assert_int_equal(out.amount, want->out[i].value);
        assert_true(span_eq(span_of(out.script, out.script_len), want->out[i].script_pubkey));
    }
    assert_false(mite_tx_input(tx, want->n_in, &in));
    assert_false(mite_tx_input(tx, SIZE_MAX, &in));
    assert_false(mite_tx_output(tx, want->n_out, &out));
    assert_false(mite_tx_witness(tx, want->n_in, 0, &item, &len));
}

static void parsed_block(void **state)
{
    struct buf raw = BUF_INIT;
    uint8_t hash[32], header[80], *txids;
    const struct block *want;
    mite_block *b;
    int mutated;

    (void)state;
    assert_null(mite_block_parse(NULL, 0));
    mite_block_free(NULL);
    shared_append("chain/blocks/mainnet-757739.bin", &raw);
    assert_null(mite_block_parse(raw.data, raw.len - 1));
    b = mite_block_parse(raw.data, raw.len);
    want = block_parse(raw.data, raw.len);
    assert_non_null(b);
    mite_block_hash(b, hash);
    assert_memory_equal(hash, want->hash.b, 32);
    mite_block_header(b, header);
    assert_memory_equal(header, raw.data, 80);
    assert_int_equal(mite_block_weight(b), block_weight(want));
    assert_int_equal(mite_block_n_txs(b), want->n_tx);
    txids = xcalloc(want->n_tx, 32);
    for (uint32_t i = 0; i < want->n_tx; i++) {
        assert_same_tx(mite_block_tx(b, i), want->tx[i]);
        assert_int_equal(mite_tx_is_coinbase(mite_block_tx(b, i)), i == 0);
        mite_tx_id(mite_block_tx(b, i), txids + (size_t)i * 32);
    }
    assert_null(mite_block_tx(b, want->n_tx));
    mite_merkle_root(hash, txids, want->n_tx, &mutated);
    assert_memory_equal(hash, header + 36, 32);
    assert_false(mutated);
    free(txids);
    block_unref(want);
    mite_block_free(b);
    buf_clear(&raw);
}

static void parsed_tx(void **state)
{
    struct buf b = BUF_INIT;
    const char *reason = NULL;
    mite_output spent = {(const uint8_t *)"\x51", 1, 0};
    unsigned input = 7;
    mite_error err;
    mite_tx *tx;

    (void)state;
    hex_into(&b, spend_hex);
    assert_null(mite_tx_parse(b.data, b.len - 1));
    assert_null(mite_tx_parse(NULL, 0));
    mite_tx_free(NULL);
    tx = mite_tx_parse(b.data, b.len);
    assert_non_null(tx);
    assert_true(mite_check_tx(tx, &reason));
    assert_true(mite_verify_tx(tx, &spent, 1, MITE_VERIFY_ALL, &input, &err));
    assert_int_equal(err, MITE_ERR_OK);
    assert_int_equal(input, 7);
    assert_false(mite_verify_tx(tx, &spent, 0, MITE_VERIFY_ALL, NULL, &err));
    assert_int_equal(err, MITE_ERR_SPENT);
    assert_false(mite_verify_tx(tx, &spent, 1, 1u << 30, NULL, &err));
    assert_int_equal(err, MITE_ERR_FLAGS);
    spent.script_len = 0;
    assert_false(mite_verify_tx(tx, &spent, 1, MITE_VERIFY_ALL, &input, NULL));
    assert_int_equal(input, 0);
    mite_tx_free(tx);
    b.data[b.len - 6] = 0x80; /* the amount's sign */
    tx = mite_tx_parse(b.data, b.len);
    assert_false(mite_check_tx(tx, &reason));
    assert_string_equal(reason, "bad-txns-vout-negative");
    assert_false(mite_check_tx(tx, NULL));
    mite_tx_free(tx);
    buf_clear(&b);
}

static void hashes(void **state)
{
    uint8_t out[32], leaves[96];
    char text[MITE_HASH_TEXT_SIZE];
    int mutated;

    (void)state;
    mite_sha256(out, NULL, 0);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    mite_sha256d(out, "hello", 5);
    assert_hex(out, 32, "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
    mite_ripemd160(out, "", 0);
    assert_hex(out, 20, "9c1185a5c5e9fc54612808977ee8f548b2258d31");
    mite_hash160(out, "hello", 5);
    assert_hex(out, 20, "b6a9c8c230722b7c748331a8b450f05566dc7d0f");
    mite_tagged_hash(out, "TapLeaf", "", 0);
    assert_hex(out, 32, "5212c288a377d1f8164962a5a13429f9ba6a7b84e59776a52c6637df2106facb");
    mite_sha256(out, "abc", 3);
    mite_hash_text(text, out);
    assert_string_equal(text, "ad1500f261ff10b49c7a1796a36103b02322ae5dde404141eacf018fbf1678ba");
    memset(out, 0, 32);
    assert_true(mite_hash_parse(out, text));
    assert_hex(out, 4, "ba7816bf");
    assert_false(mite_hash_parse(out, text + 1));
    assert_false(mite_hash_parse(out, ""));
    mite_merkle_root(out, NULL, 0, NULL);
    assert_hex(out, 4, "00000000");
    memset(leaves, 7, sizeof(leaves));
    mite_merkle_root(out, leaves, 3, &mutated);
    assert_true(mutated);
    leaves[0] = 1;
    mite_merkle_root(out, leaves, 3, &mutated);
    assert_false(mutated);
}

static void texts(void **state)
{
    static const char address[] = "bc1pqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsyjer9e";
    uint8_t script[MITE_ADDRESS_SCRIPT_SIZE], want[34] = {0x51, 32};
    char text[MITE_ADDRESS_SIZE], small[8];

    (void)state;
    memset(want + 2, 1, 32);
    assert_int_equal(mite_script_to_address("main", want, 34, text, sizeof(text)), strlen(address));
    assert_string_equal(text, address);
    assert_int_equal(mite_script_to_address("main", want, 34, small, sizeof(small)),
                     strlen(address));
    assert_string_equal(small, "bc1pqyq");
    assert_int_equal(mite_script_to_address("main", want, 34, NULL, 0), strlen(address));
    assert_int_equal(mite_script_to_address("nonet", want, 34, text, sizeof(text)), 0);
    assert_int_equal(mite_script_to_address("main", want, 0, text, sizeof(text)), 0);
    assert_int_equal(mite_address_to_script("main", address, script, sizeof(script)), 34);
    assert_memory_equal(script, want, 34);
    assert_int_equal(mite_address_to_script("main", address, script, 33), 34);
    assert_int_equal(mite_address_to_script("test", address, script, sizeof(script)), 0);
    assert_int_equal(mite_address_to_script("main", "", script, sizeof(script)), 0);
    assert_string_equal(mite_script_type(want, 34), "witness_v1_taproot");
    assert_string_equal(mite_script_type(NULL, 0), "nonstandard");
    assert_int_equal(mite_script_text((const uint8_t *)"\x76\xa9\x05", 3, text, sizeof(text)), 25);
    assert_string_equal(text, "OP_DUP OP_HASH160 [error]");
    assert_int_equal(mite_script_sigops((const uint8_t *)"\x52\xae\xac", 3, 1), 3);
    assert_int_equal(mite_script_sigops((const uint8_t *)"\x52\xae\xac", 3, 0), 21);
    assert_true(mite_script_unspendable((const uint8_t *)"\x6a", 1));
    assert_false(mite_script_unspendable((const uint8_t *)"\x51", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_blocks),   cmocka_unit_test(arguments),
        cmocka_unit_test(error_strings), cmocka_unit_test(block_reasons),
        cmocka_unit_test(parsed_block),  cmocka_unit_test(parsed_tx),
        cmocka_unit_test(hashes),        cmocka_unit_test(texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
