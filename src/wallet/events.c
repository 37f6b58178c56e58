/*
 * What the chain and the mempool tell a wallet, and how it catches up with what it missed.
 *
 * The best block of the file moves in the same SQLite transaction as what the blocks up to it
 * brought. So whatever a crash takes away is found again from there, and blocks need no commit of
 * their own.
 */
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/time.h"
#include "wallet/inside.h"

/* Keys may be older than their wallet's clock says. */
#define TIMESTAMP_WINDOW 7200
#define REBROADCAST_MIN  (12 * 3600)
#define REBROADCAST_SPAN (24 * 3600)

bool wallet_commit(struct wallet *w)
{
    if (wallet_db_commit(w->db))
        return true;
    if (w->set->o.fatal) {
        char *text = xasprintf("The wallet file %s could not be written: %s", w->file,
                               wallet_db_error(w->db));
        w->set->o.fatal(w->set->o.fatal_arg, text);
        free(text);
    }
    return false;
}

/* ---- mempool conflicts ---- */

static void add_conflict(struct wtx *t, const struct txid *with)
{
    for (size_t i = 0; i < t->n_mempool_conflicts; i++)
        if (txid_eq(&t->mempool_conflicts[i], with))
            return;
    t->mempool_conflicts = xreallocarray(t->mempool_conflicts, t->n_mempool_conflicts + 1,
                                         sizeof(*t->mempool_conflicts));
    t->mempool_conflicts[t->n_mempool_conflicts++] = *with;
}

static void remove_conflict(struct wtx *t, const struct txid *with)
{
    for (size_t i = 0; i < t->n_mempool_conflicts; i++)
        if (txid_eq(&t->mempool_conflicts[i], with))
            t->mempool_conflicts[i--] = t->mempool_conflicts[--t->n_mempool_conflicts];
}

/* Visits every transaction of the wallet that spends what tx spends, and all that builds on it. */
static void each_rival(struct wallet *w, const struct tx *tx,
                       void (*visit)(struct wtx *rival, const struct txid *with))
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct spends *s = wallet_spends(w, &tx->in[i].prev);
        for (size_t j = 0; s && j < s->n; j++) {
            size_t n;
            if (txid_eq(&s->by[j]->txid, &tx->txid))
                continue;
            struct wtx **list = wallet_family(w, s->by[j], &n);
            for (size_t k = 0; k < n; k++)
                visit(list[k], &tx->txid);
            free(list);
        }
    }
}

/* ---- mempool ---- */

void wallet_tx_added_to_mempool(struct wallet *w, const struct tx *tx)
{
    struct wtx *t;

    wallet_fill_all(w);
    wallet_sync_tx(w, tx, WTX_MEMPOOL, NULL, -1, 0, true, false);
    t = wallet_tx_mutable(w, &tx->txid);
    if (t)
        t->n_mempool_conflicts = 0;
    each_rival(w, tx, add_conflict);
}

void wallet_tx_left_mempool(struct wallet *w, const struct tx *tx, bool conflict)
{
    struct wtx *t = wallet_tx_mutable(w, &tx->txid);

    (void)conflict; /* what was confirmed instead marks it, where the wallet knows that */
    if (t && t->state == WTX_MEMPOOL)
        wallet_set_tx_state(w, t, WTX_INACTIVE);
    each_rival(w, tx, remove_conflict);
}

/* ---- blocks ---- */

void wallet_block_connected(struct wallet *w, const struct block *b, int32_t height)
{
    wallet_fill_all(w);
    w->last_height = height;
    w->last_block = b->hash;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        wallet_sync_tx(w, b->tx[i], WTX_CONFIRMED, &b->hash, height, (int32_t)i, true, false);
        each_rival(w, b->tx[i], remove_conflict);
    }
    wallet_put_best_block(w);
}

void wallet_block_disconnected(struct wallet *w, const struct block *b, int32_t height)
{
    const struct wallet_node *node = w->set->o.node;

    wallet_fill_all(w);
    w->last_height = height - 1;
    w->last_block = b->header.prev;
    for (uint32_t i = b->n_tx; i-- > 0;) {
        const struct tx *tx = b->tx[i];
        /* A coinbase can never be valid elsewhere; others may be back in the mempool already. */
        enum wtx_state state = tx_is_coinbase(tx)                       ? WTX_ABANDONED
                               : node->in_mempool(node->arg, &tx->txid) ? WTX_MEMPOOL
                                                                        : WTX_INACTIVE;
        if (wallet_tx(w, &tx->txid))
            wallet_sync_tx(w, tx, state, NULL, -1, 0, true, false);
    }
    for (size_t i = 0; i < w->n_txs; i++) {
        struct wtx *t = w->ordered[i];
        if (t->state == WTX_CONFLICTED && t->height >= height)
            wallet_set_tx_state(w, t, WTX_INACTIVE);
    }
    wallet_put_best_block(w);
}

/* ---- catching up ---- */

int32_t wallet_height_of_time(const struct wallet *w, int64_t time)
{
    const struct wallet_node *node = w->set->o.node;
    int32_t lo = 0, hi = node->height(node->arg) + 1;

    /* time_max never falls from a block to the next */
    while (lo < hi) {
        int32_t mid = lo + (hi - lo) / 2;
        struct block_hash h;
        int64_t t = 0, mtp = 0, time_max = 0;
        if (!node->block_hash(node->arg, mid, &h) ||
            !node->block_times(node->arg, &h, &t, &mtp, &time_max))
            return 0;
        if (time_max < time - TIMESTAMP_WINDOW)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool wallet_rescan(struct wallet *w, int32_t from, int32_t to, int32_t *last)
{
    const struct wallet_node *node = w->set->o.node;
    int64_t said = time_mono_us();

    *last = from - 1;
    wallet_fill_all(w);
    if (to < 0 || to > node->height(node->arg))
        to = node->height(node->arg);
    for (int32_t h = from < 0 ? 0 : from; h <= to; h++) {
        struct block *b = node->read_block(node->arg, h);
        if (!b) {
            wallet_commit(w);
            return false;
        }
        for (uint32_t i = 0; i < b->n_tx; i++)
            wallet_sync_tx(w, b->tx[i], WTX_CONFIRMED, &b->hash, h, (int32_t)i, true, true);
        block_unref(b);
        *last = h;
        if (time_mono_us() - said > 60 * 1000000) {
            said = time_mono_us();
            log_info("[%s] scanning blocks: at height %d of %d", w->name, h, to);
        }
    }
    wallet_fill_all(w);
    return wallet_commit(w);
}

static void visit_mempool(void *to, const struct tx *tx)
{
    wallet_tx_added_to_mempool(to, tx);
}

/* A coinbase whose block is gone can never be again, nor what builds on it. */
static void abandon_family(struct wallet *w, struct wtx *coinbase)
{
    size_t n;
    struct wtx **list = wallet_family(w, coinbase, &n);

    for (size_t i = 0; i < n; i++)
        if (i == 0 || list[i]->state == WTX_INACTIVE)
            wallet_set_tx_state(w, list[i], WTX_ABANDONED);
    free(list);
}

static void resolve_states(struct wallet *w)
{
    const struct wallet_node *node = w->set->o.node;

    for (size_t i = 0; i < w->n_txs; i++) {
        struct wtx *t = w->ordered[i];
        if (t->state != WTX_CONFIRMED && t->state != WTX_CONFLICTED)
            continue;
        t->height = node->block_height(node->arg, &t->block);
        if (t->height < 0) /* the block is not in the chain any more */
            wallet_set_tx_state(w, t, WTX_INACTIVE);
    }
    for (size_t i = 0; i < w->n_txs; i++)
        if (w->ordered[i]->state == WTX_INACTIVE && tx_is_coinbase(w->ordered[i]->tx))
            abandon_family(w, w->ordered[i]);
}

/* First height to scan, or -1 where the file is at the tip. */
static int32_t missing_from(struct wallet *w, int32_t tip)
{
    const struct wallet_node *node = w->set->o.node;
    struct block_hash *locator;
    size_t n;
    int32_t from = 0;

    if (!wallet_read_best_block(w, &locator, &n))
        return -1;
    for (size_t i = 0; i < n; i++) {
        int32_t h = node->block_height(node->arg, &locator[i]);
        if (h < 0)
            continue;
        from = h + 1;
        break;
    }
    free(locator);
    int64_t birth = wallet_birth_time(w);
    int32_t born = birth == INT64_MAX ? tip + 1 : wallet_height_of_time(w, birth);
    return from > born ? from : born;
}

bool wallet_catch_up(struct wallet *w, char **error)
{
    const struct wallet_node *node = w->set->o.node;
    int32_t tip = node->height(node->arg), last;

    w->last_height = tip;
    if (!node->block_hash(node->arg, tip, &w->last_block)) {
        w->last_height = -1;
        memset(&w->last_block, 0, sizeof(w->last_block));
    }
    resolve_states(w);
    int32_t from = missing_from(w, tip);
    if (from >= 0 && from <= tip) {
        log_info("[%s] scanning blocks %d to %d", w->name, from, tip);
        if (!wallet_rescan(w, from, -1, &last)) {
            *error = xstrdup("Failed to rescan the wallet during initialization");
            return false;
        }
    }
    wallet_fill_all(w);
    node->mempool_each(node->arg, visit_mempool, w);
    wallet_put_best_block(w);
    return wallet_commit(w);
}

/* ---- rebroadcast ---- */

static int64_t rebroadcast_time(void)
{
    return time_now() + REBROADCAST_MIN + (int64_t)random_below(REBROADCAST_SPAN);
}

void wallet_resubmit(struct wallet *w, bool relay)
{
    const struct wallet_node *node = w->set->o.node;

    if (!w->set->o.broadcast)
        return;
    for (size_t i = 0; i < w->n_txs; i++) {
        struct wtx *t = w->ordered[i];
        struct verdict v = {0};
        bool due = t->state == WTX_INACTIVE || (relay && t->state == WTX_MEMPOOL);
        if (due && !tx_is_coinbase(t->tx) && node->submit(node->arg, t->tx, relay, &v) &&
            t->state == WTX_INACTIVE)
            wallet_tx_added_to_mempool(w, t->tx); /* while loading no event comes */
    }
}

void wallet_rebroadcast(struct wallet *w)
{
    bool first = w->next_rebroadcast == 0;

    if (time_now() < w->next_rebroadcast)
        return;
    w->next_rebroadcast = rebroadcast_time();
    if (!first)
        wallet_resubmit(w, true);
}

/* ---- sending ---- */

bool wallet_commit_tx(struct wallet *w, const struct tx *tx, const struct wtx_note *note,
                      struct verdict *v)
{
    const struct wallet_node *node = w->set->o.node;
    struct wtx *t;

    wallet_fill_all(w);
    t = wallet_add_tx(w, tx, WTX_INACTIVE, NULL, -1, 0, false);
    if (note && note->comment && *note->comment)
        t->comment = xstrdup(note->comment);
    if (note && note->comment_to && *note->comment_to)
        t->comment_to = xstrdup(note->comment_to);
    if (note && note->replaces) {
        t->has_replaces = true;
        t->replaces = *note->replaces;
    }
    wallet_put_tx(w, t);
    if (!wallet_commit(w))
        return verdict_fail(v, VERDICT_ERROR, "wallet-write-failed", "%s", wallet_db_error(w->db));
    if (!w->set->o.broadcast)
        return true;
    if (!node->submit(node->arg, tx, true, v)) {
        log_info("[%s] transaction cannot be broadcast now: %s", w->name, v->reason);
        return false;
    }
    return wallet_commit(w);
}
