/*
 * The public functions, as a user calls them: what[1] network[1] flags[4] input[1] n_spent[1], for
 * each spent output amount[8] and a script with its length; the rest is a transaction, a block, an
 * address or a script. Must hold: an error or a reason wherever 0 is returned.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "mite/consensus.h"
#include "mite/hash.h"
#include "mite/script.h"
#include "util/bytes.h"
#include "util/mem.h"

static const char *const networks[] = {"main", "test", "testnet4", "signet", "regtest", "none"};

struct call {
    const char *network;
    uint32_t flags;
    unsigned input;
    mite_output spent[256];
    size_t n_spent;
    struct span rest;
};

static void try_tx(const struct call *c)
{
    mite_error err = (mite_error)-1;
    mite_tx *tx = mite_tx_parse(c->rest.data, c->rest.len);
    const char *reason = NULL;
    unsigned bad = 0;
    int one, all;

    one = mite_verify_input(c->rest.data, c->rest.len, c->input, c->spent, c->n_spent, c->flags,
                            &err);
    CHECK(one == (err == MITE_ERR_OK) && mite_error_string(err));
    if (!tx) {
        CHECK(!one);
        return;
    }
    all = mite_verify_tx(tx, c->spent, c->n_spent, c->flags, &bad, &err);
    CHECK(all == (err == MITE_ERR_OK) && mite_error_string(err));
    if (all && c->input < mite_tx_n_inputs(tx))
        CHECK(one);
    if (!all && one)
        CHECK(bad != c->input);
    CHECK(mite_check_tx(tx, &reason) || reason);
    mite_tx_free(tx);
}

static void try_block(const struct call *c)
{
    mite_block *block = mite_block_parse(c->rest.data, c->rest.len);
    const char *reason = NULL;
    uint8_t hash[32];

    CHECK(mite_check_block(c->rest.data, c->rest.len, c->network, &reason) || reason);
    for (size_t i = 0; block && i < mite_block_n_txs(block); i++)
        mite_tx_id(mite_block_tx(block, i), hash);
    mite_block_free(block);
}

static void try_address(const struct call *c)
{
    char *text = xstrndup((const char *)c->rest.data, c->rest.len), back[MITE_ADDRESS_SIZE];
    uint8_t script[MITE_ADDRESS_SCRIPT_SIZE], again[MITE_ADDRESS_SCRIPT_SIZE];
    size_t len = mite_address_to_script(c->network, text, script, sizeof(script));

    if (len) {
        CHECK(len <= sizeof(script));
        CHECK(mite_script_to_address(c->network, script, len, back, sizeof(back)) < sizeof(back));
        CHECK(mite_address_to_script(c->network, back, again, sizeof(again)) == len);
        CHECK(memcmp(script, again, len) == 0);
    }
    free(text);
}

static void try_script(const struct call *c)
{
    char address[MITE_ADDRESS_SIZE], text[64];
    size_t len = mite_script_text(c->rest.data, c->rest.len, text, sizeof(text));

    CHECK(strlen(text) == (len < sizeof(text) ? len : sizeof(text) - 1));
    CHECK(mite_script_type(c->rest.data, c->rest.len));
    CHECK(mite_script_sigops(c->rest.data, c->rest.len, 1) <=
          mite_script_sigops(c->rest.data, c->rest.len, 0));
    mite_script_unspendable(c->rest.data, c->rest.len);
    CHECK(mite_script_to_address(c->network, c->rest.data, c->rest.len, address, sizeof(address)) <
          sizeof(address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(const struct call *) = {try_tx, try_block, try_address,
                                                         try_script};
    struct call c;
    struct reader r;
    uint8_t what;

    reader_init(&r, data, size);
    what = read_u8(&r);
    c.network = networks[read_u8(&r) % ARRAY_LEN(networks)];
    c.flags = read_u32(&r);
    c.input = read_u8(&r);
    c.n_spent = read_u8(&r);
    for (size_t i = 0; i < c.n_spent; i++) {
        struct span script;

        c.spent[i].amount = read_i64(&r);
        script = read_var_span(&r, size);
        c.spent[i].script = script.data;
        c.spent[i].script_len = script.len;
    }
    if (!reader_ok(&r))
        return 0;
    c.rest = span_of(reader_pos(&r), reader_left(&r));
    calls[what % ARRAY_LEN(calls)](&c);
    return 0;
}
