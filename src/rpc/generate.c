/* Methods that mine blocks at once, on this thread: for test networks, where a block takes a few
 * tries. They are not in the list that help gives. */
#include <stdlib.h>

#include "mining/mining.h"
#include "rpc/rpc.h"
#include "rpc/tx_json.h"
#include "script/descriptor.h"
#include "util/mem.h"

#define MAX_TRIES_DEFAULT 1000000

/* ---- where the reward goes ---- */

static bool address_script(const struct rpc_context *ctx, const char *s, struct buf *script)
{
    struct destination d;
    if (!address_decode(&ctx->net->address, s, &d, NULL))
        return false;
    destination_script(&d, script);
    return true;
}

/* Of combo() the witness key hash, or the key hash where the key is not compressed. */
static bool expand_single(struct rpc_call *call, const struct descriptor *d, struct buf *script)
{
    struct expansion e;
    bool ok = descriptor_expand(d, 0, false, &e);
    if (ok) {
        size_t pick = e.n_scripts == 1 ? 0 : e.n_scripts == 4 ? 2 : 1;
        write_span(script, buf_span(&e.scripts[pick]));
    } else {
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                      "Cannot derive script without private keys");
    }
    expansion_clear(&e);
    return ok;
}

/* False with *error where the text is no descriptor, or with the call's error noted. */
static bool descriptor_script(struct rpc_call *call, const char *s, struct buf *script,
                              char **error)
{
    struct descriptor **d;
    size_t n;
    bool ok = false;
    *error = NULL;
    if (!descriptor_parse(&rpc_ctx(call)->net->address, s, false, &d, &n, error))
        return false;
    if (n > 1)
        rpc_set_error(call, RPC_INVALID_PARAMETER, "Multipath descriptor not accepted");
    else if (descriptor_is_range(d[0]))
        rpc_set_error(call, RPC_INVALID_PARAMETER,
                      "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?");
    else
        ok = expand_single(call, d[0], script);
    descriptors_free(d, n);
    return ok;
}

/* ---- blocks ---- */

/* Mines it and hands it to the chain. False with the error noted, or where tries ran out. */
static struct block *solve(struct rpc_call *call, const struct block *b, uint64_t *tries,
                           bool submit)
{
    struct chain *chain = rpc_ctx(call)->chain;
    struct block *solved = mine_block(b, rpc_ctx(call)->net, tries);
    if (solved == NULL || !submit)
        return solved;
    struct verdict v = {0};
    bool is_new;
    if (!chain_accept_block(chain, solved, ACCEPT_REQUESTED | ACCEPT_MIN_POW_CHECKED, &is_new,
                            &v)) {
        rpc_set_error(call, RPC_INTERNAL_ERROR, "ProcessNewBlock, block not accepted");
        block_unref(solved);
        return NULL;
    }
    chain_drain(chain);
    return solved;
}

static struct rpc_answer *generate_to(struct rpc_call *call, int64_t n, struct span script,
                                      uint64_t tries)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    json_begin_array(rpc_result(call), NULL);
    while (n-- > 0 && tries > 0) {
        struct block_template *t = template_create(ctx->chain, ctx->mempool, ctx->tmpl, script);
        struct block *b = template_block(t, 0);
        struct block *solved = solve(call, b, &tries, true);
        if (solved)
            json_put_hash(rpc_result(call), NULL, solved->hash.b);
        block_unref(solved);
        block_unref(b);
        template_destroy(t);
        if (rpc_failed(call))
            return rpc_fail(call);
        if (solved == NULL)
            break;
    }
    json_end(rpc_result(call));
    return rpc_ok(call);
}

static struct rpc_answer *generatetoaddress(struct rpc_call *call)
{
    int64_t n = rpc_arg_int(call, "nblocks", 0);
    int64_t tries = rpc_arg_int64(call, "maxtries", MAX_TRIES_DEFAULT);
    struct buf script = BUF_INIT;
    if (rpc_failed(call))
        return rpc_fail(call);
    if (!address_script(rpc_ctx(call), rpc_arg_str(call, "address"), &script))
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Error: Invalid address");
    struct rpc_answer *a = generate_to(call, n, buf_span(&script), (uint64_t)tries);
    buf_clear(&script);
    return a;
}

static struct rpc_answer *generatetodescriptor(struct rpc_call *call)
{
    int64_t n = rpc_arg_int(call, "num_blocks", 0);
    int64_t tries = rpc_arg_int64(call, "maxtries", MAX_TRIES_DEFAULT);
    struct buf script = BUF_INIT;
    char *error;
    if (rpc_failed(call))
        return rpc_fail(call);
    if (!descriptor_script(call, rpc_arg_str(call, "descriptor"), &script, &error)) {
        if (error)
            rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "%s", error);
        free(error);
        return rpc_fail(call);
    }
    struct rpc_answer *a = generate_to(call, n, buf_span(&script), (uint64_t)tries);
    buf_clear(&script);
    return a;
}

/* ---- a block of given transactions ---- */

struct tx_list {
    const struct tx **tx;
    size_t n;
};

static void tx_list_clear(struct tx_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        tx_unref(l->tx[i]);
    free(l->tx);
}

/* A transaction by its id in the mempool, or as hex. NULL with the error noted. */
static const struct tx *find_tx(struct rpc_call *call, const char *s)
{
    struct txid txid;
    if (hash_from_hex(txid.b, s)) {
        const struct mempool_entry *e = mempool_get(rpc_ctx(call)->mempool, &txid);
        if (e)
            return tx_ref((struct tx *)e->tx);
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Transaction %s not in mempool.", s);
        return NULL;
    }
    struct tx *tx = tx_parse_hex(s, true, true);
    if (tx == NULL)
        rpc_set_error(call, RPC_DESERIALIZATION_ERROR,
                      "Transaction decode failed for %s. Make sure the tx has at least one input.",
                      s);
    return tx;
}

static bool find_txs(struct rpc_call *call, struct tx_list *l)
{
    struct json_object *list = rpc_arg(call, "transactions");
    size_t n = json_object_array_length(list);
    l->n = 0;
    l->tx = xcalloc(n + 1, sizeof(*l->tx));
    for (size_t i = 0; i < n; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (!rpc_check_type(call, item, "str"))
            return false;
        const struct tx *tx = find_tx(call, json_object_get_string(item));
        if (tx == NULL)
            return false;
        l->tx[l->n++] = tx;
    }
    return true;
}

static struct rpc_answer *answer_block(struct rpc_call *call, const struct block *solved,
                                       bool submit)
{
    if (rpc_failed(call))
        return rpc_fail(call);
    if (solved == NULL)
        return rpc_error(call, RPC_MISC_ERROR, "Failed to make block.");
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_put_hash(j, "hash", solved->hash.b);
    if (!submit)
        json_put_hex(j, "hex", solved->raw.data, solved->raw.len);
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *generate_with(struct rpc_call *call, struct span script,
                                        const struct tx_list *l, bool submit)
{
    const struct rpc_context *ctx = rpc_ctx(call);
    uint64_t tries = MAX_TRIES_DEFAULT;
    struct verdict v = {0};
    struct block *solved = NULL;
    struct block_template *t = template_create_with(ctx->chain, ctx->tmpl, script, l->tx, l->n);
    struct block *b = template_block(t, 0);
    char text[600];
    if (!chain_test_block(ctx->chain, b, false, true, &v))
        rpc_set_error(call, RPC_VERIFY_ERROR, "TestBlockValidity failed: %s",
                      verdict_text(&v, text, sizeof(text)));
    else
        solved = solve(call, b, &tries, submit);
    struct rpc_answer *a = answer_block(call, solved, submit);
    block_unref(solved);
    block_unref(b);
    template_destroy(t);
    return a;
}

static struct rpc_answer *generateblock(struct rpc_call *call)
{
    const char *output = rpc_arg_str(call, "output");
    bool submit = rpc_arg_bool(call, "submit", true);
    struct buf script = BUF_INIT;
    struct tx_list list = {0};
    char *error = NULL;
    if (rpc_failed(call))
        return rpc_fail(call);
    if (!descriptor_script(call, output, &script, &error) && !rpc_failed(call) &&
        !address_script(rpc_ctx(call), output, &script))
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Error: Invalid address or descriptor");
    free(error);
    if (!rpc_failed(call))
        find_txs(call, &list);
    struct rpc_answer *a =
        rpc_failed(call) ? rpc_fail(call) : generate_with(call, buf_span(&script), &list, submit);
    tx_list_clear(&list);
    buf_clear(&script);
    return a;
}

static struct rpc_answer *generate(struct rpc_call *call)
{
    return rpc_error(call, RPC_METHOD_NOT_FOUND,
                     "generate\n\nhas been replaced by the -generate cli option. Refer to -help "
                     "for more information.\n");
}

#define BLOCK_HASHES "[hex]"
#define MAX_TRIES_PARAM                                               \
    {                                                                 \
        "maxtries", "num", "1000000", "How many nonces to try in all" \
    }

const struct rpc_method rpc_generate_methods[] = {
    {"generate", generate,
     "has been replaced by the -generate cli option. Refer to -help for more information.",
     RPC_NO_PARAMS, NULL, true},
    {"generateblock", generateblock, "Mines a block of the given transactions at once.",
     RPC_PARAMS({"output", "str", RPC_REQUIRED, "The address or descriptor that gets the reward"},
                {"transactions", "[str]", RPC_REQUIRED,
                 "Ids of transactions in the mempool, or raw transactions as hex, in the order of "
                 "the block"},
                {"submit", "bool", "true", "Whether the block is added to the chain or returned"}),
     "{hash:hex, hex?:hex}", true},
    {"generatetoaddress", generatetoaddress,
     "Mines blocks whose reward goes to an address, and returns their hashes.",
     RPC_PARAMS({"nblocks", "num", RPC_REQUIRED, "How many blocks"},
                {"address", "str", RPC_REQUIRED, "Where the reward goes"}, MAX_TRIES_PARAM),
     BLOCK_HASHES, true},
    {"generatetodescriptor", generatetodescriptor,
     "Mines blocks whose reward goes to a descriptor, and returns their hashes.",
     RPC_PARAMS({"num_blocks", "num", RPC_REQUIRED, "How many blocks"},
                {"descriptor", "str", RPC_REQUIRED, "Where the reward goes"}, MAX_TRIES_PARAM),
     BLOCK_HASHES, true},
    {0},
};
