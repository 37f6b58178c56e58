/* Transactions that the user puts into the wallet, or takes out of it, past the chain's events. */
#include <stdlib.h>

#include "util/mem.h"
#include "wallet/inside.h"

bool wallet_insert_confirmed(struct wallet *w, const struct tx *tx, const struct block_hash *block,
                             int32_t height, int32_t index)
{
    bool mine = false;

    wallet_fill_all(w);
    for (uint32_t i = 0; i < tx->n_out && !mine; i++)
        mine = wallet_is_mine(w, tx->out[i].script_pubkey);
    if (!mine)
        return false;
    wallet_add_tx(w, tx, WTX_CONFIRMED, block, height, index, false);
    (void)wallet_commit(w); /* a failure stops the node */
    return true;
}

static void forget_spends(struct wallet *w, const struct wtx *tx)
{
    for (uint32_t i = 0; i < tx->tx->n_in; i++) {
        struct spends *s = table_get(&w->spends, &tx->tx->in[i].prev);
        size_t kept = 0;

        for (size_t j = 0; s && j < s->n; j++)
            if (s->by[j] != tx)
                s->by[kept++] = s->by[j];
        if (!s)
            continue;
        s->n = kept;
        if (kept > 0)
            continue;
        table_remove(&w->spends, &tx->tx->in[i].prev);
        free(s->by);
        free(s);
    }
}

static void forget_own(struct wallet *w, const struct wtx *tx)
{
    size_t kept = 0;

    for (size_t i = 0; i < w->n_own; i++)
        if (w->own[i].tx != tx)
            w->own[kept++] = w->own[i];
    w->n_own = kept;
    for (uint32_t i = 0; i < tx->tx->n_out; i++) {
        const struct outpoint o = {tx->txid, i};

        free(table_remove(&w->own_index, &o));
    }
}

bool wallet_remove_tx(struct wallet *w, const struct txid *txid)
{
    struct wtx *tx = wallet_tx_mutable(w, txid);
    size_t kept = 0;

    if (!tx)
        return false;
    wallet_erase_tx(w, txid);
    if (!wallet_commit(w))
        return false;
    forget_spends(w, tx);
    forget_own(w, tx);
    for (size_t i = 0; i < w->n_txs; i++) {
        w->ordered[i]->debit = -1; /* it may have spent from this one */
        if (w->ordered[i] != tx)
            w->ordered[kept++] = w->ordered[i];
    }
    w->n_txs = kept;
    table_remove(&w->txs, &tx->txid);
    wtx_free(tx);
    return true;
}
