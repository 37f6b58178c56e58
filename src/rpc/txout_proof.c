/*
 * gettxoutproof and verifytxoutproof: that transactions are in a block of the active chain.
 *
 * Where no block is named, it is found by the transaction index or by an unspent output. The coins
 * are asked output by output, as they are kept by outpoint; a transaction whose first outputs are
 * spent costs a look-up for each, and one without any unspent output the most that a block's
 * transaction can have.
 */
#include <stdlib.h>

#include "chain/merkle_block.h"
#include "rpc/block_json.h"
#include "rpc/index.h"
#include "util/mem.h"

#define MAX_OUTPUTS (4000000 / 36) /* the smallest output weighs 36 of a block's 4,000,000 */

static int compare_txids(const void *a, const void *b)
{
    const uint8_t *x = a, *y = b;
    for (int i = 31; i >= 0; i--)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

/* The array "txids", sorted. NULL with the error noted. */
static struct txid *read_txids(struct rpc_call *call, size_t *n)
{
    struct json_object *list = rpc_arg(call, "txids");
    *n = json_object_array_length(list);
    struct txid *ids = xcalloc(*n ? *n : 1, sizeof(*ids));
    if (*n == 0)
        rpc_set_error(call, RPC_INVALID_PARAMETER, "Parameter 'txids' cannot be empty");
    for (size_t i = 0; i < *n && !rpc_failed(call); i++)
        rpc_get_hash(call, json_object_array_get_idx(list, i), "txid", ids[i].b);
    if (!rpc_failed(call))
        qsort(ids, *n, sizeof(*ids), compare_txids);
    for (size_t i = 1; i < *n && !rpc_failed(call); i++) {
        char hex[HASH_HEX_SIZE];
        if (txid_eq(&ids[i - 1], &ids[i]))
            rpc_set_error(call, RPC_INVALID_PARAMETER, "Invalid parameter, duplicated txid: %s",
                          hash_to_hex(hex, ids[i].b));
    }
    if (!rpc_failed(call))
        return ids;
    free(ids);
    return NULL;
}

static const struct block_index *find_by_coin(struct rpc_call *call, const struct txid *txid)
{
    struct chain *chain = rpc_ctx(call)->chain;
    struct outpoint o = {*txid, 0};
    struct buf memory = BUF_INIT;
    struct coin coin;
    enum coin_result res = COIN_MISSING;
    for (; o.n < MAX_OUTPUTS && res == COIN_MISSING; o.n++)
        res = chain_coin(chain, &o, &coin, &memory);
    buf_clear(&memory);
    if (res == COIN_ERROR)
        rpc_set_error(call, RPC_DATABASE_ERROR, "Unable to read the coins");
    return res == COIN_FOUND ? chain_at(chain, (int32_t)coin.height) : NULL;
}

static const struct block_index *find_by_index(struct rpc_call *call, const struct txid *txid)
{
    struct index *ix = indexes_get(rpc_ctx(call)->indexes, INDEX_TX);
    const struct block_index *block = NULL;
    struct tx *tx = NULL;
    enum index_result res = ix ? tx_index_find(ix, txid, &tx, &block) : INDEX_MISSING;
    if (res == INDEX_ERROR)
        rpc_set_error(call, RPC_DATABASE_ERROR, "Unable to read the transaction index");
    if (res != INDEX_FOUND)
        return NULL;
    tx_unref(tx);
    return block;
}

static const struct block_index *find_block(struct rpc_call *call, const struct txid *ids, size_t n)
{
    const struct block_index *block = NULL;
    if (rpc_arg_given(call, "blockhash"))
        return rpc_arg_block_hash(call, "blockhash", "blockhash");
    chain_drain(rpc_ctx(call)->chain);
    block = find_by_index(call, &ids[0]);
    for (size_t i = 0; i < n && !block && !rpc_failed(call); i++)
        block = find_by_coin(call, &ids[i]);
    if (!block)
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Transaction not yet in block");
    return block;
}

static bool put_proof(struct rpc_call *call, const struct block *b, const struct txid *ids,
                      size_t n)
{
    bool *wanted = xcalloc(b->n_tx ? b->n_tx : 1, sizeof(*wanted));
    size_t found = 0;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        wanted[i] = bsearch(&b->tx[i]->txid, ids, n, sizeof(*ids), compare_txids) != NULL;
        found += wanted[i];
    }
    if (found == n) {
        struct buf proof = BUF_INIT;
        merkle_block_write(&proof, b, wanted);
        json_put_hex(rpc_result(call), NULL, proof.data, proof.len);
        buf_clear(&proof);
    } else {
        rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                      "Not all transactions found in specified or retrieved block");
    }
    free(wanted);
    return !rpc_failed(call);
}

static struct rpc_answer *gettxoutproof(struct rpc_call *call)
{
    size_t n;
    struct txid *ids = read_txids(call, &n);
    const struct block_index *i = ids ? find_block(call, ids, n) : NULL;
    struct block *b = i && !rpc_failed(call) ? rpc_read_block(call, i) : NULL;
    bool ok = b && put_proof(call, b, ids, n);
    if (b)
        block_unref(b);
    free(ids);
    return ok ? rpc_ok(call) : rpc_fail(call);
}

bool rpc_arg_merkle_block(struct rpc_call *call, const char *name, struct merkle_block *out,
                          bool *proved)
{
    struct buf raw = BUF_INIT;
    struct reader r;
    bool ok = rpc_arg_hex(call, name, &raw);
    *out = (struct merkle_block){0};
    if (ok) {
        reader_init(&r, raw.data, raw.len);
        enum merkle_result res = merkle_block_read(out, &r);
        *proved = res == MERKLE_PROVED;
        if (res == MERKLE_MALFORMED)
            ok = rpc_set_error(call, RPC_MISC_ERROR,
                               "SpanReader::read(): end of data: iostream error");
    }
    buf_clear(&raw);
    return ok;
}

static struct rpc_answer *verifytxoutproof(struct rpc_call *call)
{
    struct chain *chain = rpc_ctx(call)->chain;
    struct merkle_block m;
    struct json *j = rpc_result(call);
    bool proved;
    if (!rpc_arg_merkle_block(call, "proof", &m, &proved))
        return rpc_fail(call);
    struct block_hash hash = header_hash(&m.header);
    const struct block_index *i = proved ? chain_find(chain, &hash) : NULL;
    if (proved && (!i || !chain_contains(chain, i) || i->n_tx == 0)) {
        merkle_block_clear(&m);
        return rpc_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Block not found in chain");
    }
    json_begin_array(j, NULL);
    for (size_t k = 0; proved && m.n_tx == i->n_tx && k < m.n_matches; k++)
        json_put_hash(j, NULL, m.matches[k].txid.b);
    json_end(j);
    merkle_block_clear(&m);
    return rpc_ok(call);
}

const struct rpc_method rpc_txout_proof_methods[] = {
    {"gettxoutproof", gettxoutproof,
     "A proof that transactions are in a block. Without the block's hash it is found by -txindex or "
     "where an output is unspent.",
     RPC_PARAMS({"txids", "[hex]", RPC_REQUIRED, "The transactions, all of one block"},
                {"blockhash", "hex", NULL, "The block"}),
     "str"},
    {"verifytxoutproof", verifytxoutproof,
     "The transactions that a proof shows to be in a block of the active chain; none where it "
     "proves nothing.",
     RPC_PARAMS({"proof", "hex", RPC_REQUIRED, "The proof, as gettxoutproof gives it"}), "[hex]"},
    {0},
};
