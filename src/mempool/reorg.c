/*
 * The pool follows the chain: blocks take transactions out, disconnected blocks put theirs back.
 *
 * A connected block removes what it contains, and what conflicts with it. In a reorganisation the
 * transactions of disconnected blocks are collected; when the new tip stands, they are offered
 * again, oldest block first, without the limits that strangers have to obey; one that is refused
 * takes its descendants in the pool with it. Then whatever the new tip has made premature (locks,
 * coinbases too young or gone) goes as well. Collected transactions are bounded by bytes: beyond,
 * the latest are dropped, and their descendants too.
 */
#include <stdlib.h>

#include "mempool/accept.h"
#include "util/mem.h"
#include "util/time.h"

#define DISCONNECTED_BYTES_MAX 20000000

/* ---- a block comes ---- */

static void doom_conflicts(struct mempool *m, const struct tx *tx, struct entry_list *doomed)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct mempool_entry *e = pool_spender(m, &tx->in[i].prev);
        if (e && !txid_eq(&e->txid, &tx->txid))
            doom_with_descendants(doomed, e);
    }
}

static void tell_mined(struct mempool *m, const struct block *b, int32_t height,
                       const struct entry_list *mined)
{
    for (size_t i = 0; i < m->n_subscribers; i++) {
        if (m->subscriber[i].events.mined)
            m->subscriber[i].events.mined(m->subscriber[i].arg, b, height,
                                          (const struct mempool_entry *const *)mined->e, mined->n);
    }
}

/* What the block contains: marked one by one, since descendants stay. */
static void collect_mined(struct mempool *m, const struct block *b, struct entry_list *mined)
{
    for (uint32_t i = 1; i < b->n_tx; i++) {
        struct mempool_entry *e = pool_find(m, &b->tx[i]->txid);
        if (e == NULL || e->doomed)
            continue;
        e->doomed = true;
        entry_list_add(mined, e);
    }
}

static void block_connected(void *arg, const struct block *b, const struct block_index *i,
                            const struct block_undo *undo)
{
    struct mempool *m = arg;
    struct entry_list mined = {0}, conflicts = {0};
    (void)undo;
    collect_mined(m, b, &mined);
    tell_mined(m, b, i->h.height, &mined);
    pool_remove(m, &mined, REMOVED_BLOCK);
    for (uint32_t k = 0; k < b->n_tx; k++) {
        if (k > 0)
            doom_conflicts(m, b->tx[k], &conflicts);
        pool_forget_delta(m, &b->tx[k]->txid);
    }
    pool_remove(m, &conflicts, REMOVED_CONFLICT);
    m->rolling_time = time_now();
    m->block_since_bump = true;
    m->version++;
}

/* ---- a block goes ---- */

/* Later blocks are disconnected first, so the list grows backwards in time; within a block it is
 * turned round as well: reading it from the end gives the order of the chain. */
static void block_disconnected(void *arg, const struct block *b, const struct block_index *i)
{
    struct mempool *m = arg;
    (void)i;
    for (uint32_t k = b->n_tx; k-- > 1;) {
        m->disconnected = array_reserve(m->disconnected, &m->cap_disconnected,
                                        m->n_disconnected + 1, sizeof(*m->disconnected));
        m->disconnected[m->n_disconnected++] = tx_standalone(b->tx[k]);
        m->disconnected_bytes += tx_memory(b->tx[k]) + b->tx[k]->total_size;
    }
    m->reorganised = true;
    m->version++;
}

void pool_forget_disconnected(struct mempool *m)
{
    for (size_t i = 0; i < m->n_disconnected; i++)
        tx_unref(m->disconnected[i]);
    free(m->disconnected);
    m->disconnected = NULL;
    m->n_disconnected = m->cap_disconnected = m->disconnected_bytes = 0;
}

/* Entries that spend an output of tx, which is neither in the chain nor in the pool. */
static void remove_spenders(struct mempool *m, const struct tx *tx)
{
    struct entry_list doomed = {0};
    for (uint32_t i = 0; i < tx->n_out; i++) {
        struct outpoint o = {tx->txid, i};
        struct mempool_entry *e = pool_spender(m, &o);
        if (e)
            doom_with_descendants(&doomed, e);
    }
    pool_remove(m, &doomed, REMOVED_REORG);
}

static bool resubmit(struct mempool *m, const struct tx *tx)
{
    struct accept_result r;
    bool in = pool_accept(m, tx, MEMPOOL_BYPASS_LIMITS, time_now(), 0, &r);
    /* Its children here may be what is too many: without them there may be room. */
    if (!in && r.verdict.kind == VERDICT_POLICY) {
        accept_result_clear(&r);
        remove_spenders(m, tx);
        in = pool_accept(m, tx, MEMPOOL_BYPASS_LIMITS, time_now(), 0, &r);
    }
    accept_result_clear(&r);
    return in;
}

static void resubmit_all(struct mempool *m)
{
    size_t n = m->n_disconnected, bytes = m->disconnected_bytes, first = 0;
    const struct tx **list = m->disconnected;
    m->disconnected = NULL;
    m->n_disconnected = m->cap_disconnected = m->disconnected_bytes = 0;
    while (first < n && bytes > DISCONNECTED_BYTES_MAX) {
        bytes -= tx_memory(list[first]);
        first++;
    }
    for (size_t i = n; i-- > 0;) {
        bool known = pool_find(m, &list[i]->txid) != NULL;
        if (!known && (i < first || !resubmit(m, list[i])))
            remove_spenders(m, list[i]);
        tx_unref(list[i]);
    }
    free(list);
}

/* ---- what the new tip makes premature ---- */

/* Whether the entry could be in the next block: its coins are there, old enough, its locks met. */
static bool still_mineable(struct mempool *m, const struct mempool_entry *e)
{
    const struct hnode *tip = &chain_tip(m->opts.chain)->h;
    const struct network *net = chain_network(m->opts.chain);
    struct buf memory = BUF_INIT;
    int32_t *heights = xmalloc(e->tx->n_in * sizeof(*heights));
    bool ok = tx_is_final(e->tx, tip->height + 1, hnode_median_time_past(tip));
    for (uint32_t i = 0; i < e->tx->n_in && ok; i++) {
        struct coin coin;
        /* A read that failed stops the node by itself; the entry is left as it is. */
        enum coin_result found = mempool_coin(m, &e->tx->in[i].prev, true, &coin, &memory);
        heights[i] = tip->height + 1;
        if (found == COIN_MISSING)
            ok = false;
        else if (found == COIN_FOUND && coin.height != MEMPOOL_HEIGHT)
            heights[i] = (int32_t)coin.height;
        if (found == COIN_FOUND && coin.coinbase)
            ok = tip->height + 1 - (int32_t)coin.height >= net->coinbase_maturity;
    }
    if (ok) {
        struct sequence_lock lock = sequence_lock_of(e->tx, LOCKTIME_VERIFY_SEQUENCE, heights, tip);
        ok = sequence_lock_met(&lock, tip);
    }
    free(heights);
    buf_clear(&memory);
    return ok;
}

static void remove_premature(struct mempool *m)
{
    struct entry_list doomed = {0};
    struct mempool_entry *e;
    size_t pos = 0;
    while ((e = table_next(&m->by_txid, &pos)) != NULL) {
        if (!e->doomed && !still_mineable(m, e))
            doom_with_descendants(&doomed, e);
    }
    pool_remove(m, &doomed, REMOVED_REORG);
}

static void tip_changed(void *arg, const struct block_index *tip, const struct block_index *fork,
                        bool ibd)
{
    struct mempool *m = arg;
    (void)tip;
    (void)fork;
    (void)ibd;
    if (!m->reorganised)
        return;
    m->reorganised = false;
    resubmit_all(m);
    remove_premature(m);
    pool_limit(m);
}

void pool_follow_chain(struct mempool *m)
{
    static const struct chain_events events = {.block_connected = block_connected,
                                               .block_disconnected = block_disconnected,
                                               .tip_changed = tip_changed};
    chain_subscribe(m->opts.chain, &events, m);
}
