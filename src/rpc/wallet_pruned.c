/* Transactions put into a wallet with a proof, without scanning blocks that may have been pruned,
 * and taken out of it again. */
#include "rpc/block_json.h"
#include "rpc/tx_json.h"
#include "rpc/wallet_rpc.h"

static bool import(struct rpc_call *call, struct wallet *w, const struct tx *tx,
                   const struct merkle_block *m)
{
    struct block_hash hash = header_hash(&m->header);
    const struct block_index *i = chain_find(rpc_ctx(call)->chain, &hash);
    const struct merkle_match *match = NULL;
    if (!i || !chain_contains(rpc_ctx(call)->chain, i) || i->h.height > wallet_last_height(w))
        return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Block not found in chain");
    for (size_t k = 0; k < m->n_matches && !match; k++)
        if (txid_eq(&m->matches[k].txid, &tx->txid))
            match = &m->matches[k];
    if (!match)
        return rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                             "Transaction given doesn't exist in proof");
    return wallet_insert_confirmed(w, tx, &hash, i->h.height, (int32_t)match->index) ||
           rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY,
                         "No addresses in wallet correspond to included transaction");
}

static struct rpc_answer *importprunedfunds(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct tx *tx = w ? rpc_arg_tx(call, "rawtransaction") : NULL;
    struct merkle_block m;
    bool proved;
    if (!tx)
        return rpc_fail(call);
    bool ok = rpc_arg_merkle_block(call, "txoutproof", &m, &proved);
    if (ok && !proved)
        ok = rpc_set_error(call, RPC_INVALID_ADDRESS_OR_KEY, "Something wrong with merkleblock");
    ok = ok && import(call, w, tx, &m);
    merkle_block_clear(&m);
    tx_unref(tx);
    return ok ? rpc_ok_null(call) : rpc_fail(call);
}

static struct rpc_answer *removeprunedfunds(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct txid txid;
    char hex[HASH_HEX_SIZE];
    if (!w)
        return rpc_fail(call);
    if (!rpc_deprecated_enabled(call, "removeprunedfunds"))
        return rpc_error(call, RPC_METHOD_DEPRECATED,
                         "DEPRECATION WARNING: This feature will be removed in the next major "
                         "release. Start bitcoind with the `-deprecatedrpc=removeprunedfunds` "
                         "option in order to use this.");
    if (!rpc_arg_hash(call, "txid", txid.b))
        return rpc_fail(call);
    if (!wallet_tx(w, &txid))
        return rpc_error(call, RPC_WALLET_ERROR, "Transaction %s does not belong to this wallet",
                         hash_to_hex(hex, txid.b));
    if (!wallet_remove_tx(w, &txid))
        return rpc_error(call, RPC_WALLET_ERROR, "Failure removing transaction: %s",
                         hash_to_hex(hex, txid.b));
    return rpc_ok_null(call);
}

const struct rpc_method rpc_wallet_pruned_methods[] = {
    {"importprunedfunds", importprunedfunds,
     "Adds a transaction that pays the wallet, by a proof that it is in a block. What spends its "
     "outputs later has to be added too, or found by a scan.",
     RPC_PARAMS({"rawtransaction", "hex", RPC_REQUIRED, "The transaction"},
                {"txoutproof", "hex", RPC_REQUIRED, "The proof, as gettxoutproof gives it"}),
     "null"},
    {"removeprunedfunds", removeprunedfunds,
     "Takes a transaction out of the wallet, which changes its balance. Deprecated: works with "
     "-deprecatedrpc=removeprunedfunds only.",
     RPC_PARAMS({"txid", "hex", RPC_REQUIRED, "The transaction"}), "null"},
    {0},
};
