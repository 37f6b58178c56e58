/*
 * Transactions in: what peers announce is asked for by plan (txrequest.c), what comes goes to the
 * mempool, what lacks parents waits (orphans.c) while these are asked for. What was refused is
 * remembered, so that the same is not fetched and checked again for every peer that has it; the
 * memory is emptied by each new block, which may change the answer.
 */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define MAX_ANNOUNCED   5000 /* per peer */
#define MAX_ASKED       100  /* per peer, more are delayed */
#define NONPREFERRED_US (2 * SECOND_US)
#define TXID_DELAY_US   (2 * SECOND_US)
#define OVERLOADED_US   (2 * SECOND_US)
#define EXPIRY_US       (60 * SECOND_US)
#define GETDATA_BATCH   1000
#define MAX_PARENTS     50 /* an orphan with more is not worth the trouble */

/* Whether this peer is not to send us transactions at all. */
bool refuses_txs(const struct peer *p)
{
    if (p->type == CONN_BLOCK_RELAY || p->type == CONN_FEELER)
        return true;
    return net_blocks_only(p->net) && !(p->permissions & PERMISSION_RELAY);
}

static bool is_preferred(const struct peer *p)
{
    return is_outbound(p) || (p->permissions & PERMISSION_NOBAN_BIT);
}

/* Known in a way that makes asking for it needless. `refused_for_fee`: also where only its fee was
 * too low, which a child may change. */
static bool have_tx(struct net *n, const struct tx_want *w, bool refused_for_fee)
{
    struct txid txid;
    struct wtxid wtxid;
    memcpy(txid.b, w->hash, 32);
    memcpy(wtxid.b, w->hash, 32);
    if (orphans_has(n->orphans, &wtxid)) /* by txid too: they are the same without a witness */
        return true;
    if (recent_has(&n->rejects, w->hash, 32) || recent_has(&n->confirmed, w->hash, 32) ||
        (refused_for_fee && recent_has(&n->reconsiderable, w->hash, 32)))
        return true;
    return w->wtxid ? mempool_get_wtxid(n->mempool, &wtxid) != NULL
                    : mempool_get(n->mempool, &txid) != NULL;
}

/* ---- announcements ---- */

static bool some_wtxid_peer(const struct net *n)
{
    const struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (p->wtxid_relay && p->established)
            return true;
    }
    return false;
}

static void want(struct peer *p, const struct tx_want *w, int64_t now_us)
{
    struct txrequest *t = p->net->txrequest;
    bool unlimited = p->permissions & PERMISSION_RELAY;
    if (!unlimited && txrequest_count(t, p->id) >= MAX_ANNOUNCED)
        return;
    int64_t at = now_us;
    if (!is_preferred(p))
        at += NONPREFERRED_US;
    if (!w->wtxid && some_wtxid_peer(p->net))
        at += TXID_DELAY_US;
    if (!unlimited && txrequest_inflight(t, p->id) >= MAX_ASKED)
        at += OVERLOADED_US;
    txrequest_announce(t, p->id, w, is_preferred(p), at);
}

/* The parents that we lack, once each; at most MAX_PARENTS. */
static size_t missing_parents(struct net *n, const struct tx *tx, struct tx_want *out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < tx->n_in && count < MAX_PARENTS; i++) {
        struct tx_want w = {.wtxid = false};
        bool seen = false;
        memcpy(w.hash, tx->in[i].prev.txid.b, 32);
        for (size_t k = 0; k < count; k++)
            seen |= memcmp(out[k].hash, w.hash, 32) == 0;
        if (!seen && !have_tx(n, &w, false))
            out[count++] = w;
    }
    return count;
}

static void want_parents(struct peer *p, const struct tx *tx, int64_t now_us)
{
    struct tx_want parents[MAX_PARENTS];
    size_t n = missing_parents(p->net, tx, parents);
    for (size_t i = 0; i < n; i++) {
        tx_known(p, parents[i].hash);
        want(p, &parents[i], now_us);
    }
}

void tx_announced(struct peer *p, const struct inv *inv, int64_t now_us)
{
    struct net *n = p->net;
    struct tx_want w = {.wtxid = inv->type == INV_WTX};
    struct wtxid wtxid;
    memcpy(w.hash, inv->hash, 32);
    memcpy(wtxid.b, inv->hash, 32);
    if (w.wtxid && orphans_has(n->orphans, &wtxid)) {
        /* One more who can give us its parents. */
        if (orphans_add_announcer(n->orphans, &wtxid, p->id) && orphans_has(n->orphans, &wtxid))
            want_parents(p, orphans_get(n->orphans, &wtxid), now_us);
        return;
    }
    if (!have_tx(n, &w, true))
        want(p, &w, now_us);
}

static void process_inv(struct peer *p, const struct inv *inv, const struct inv **last_block,
                        int64_t now_us)
{
    struct net *n = p->net;
    struct block_hash hash;
    if (inv->type == INV_BLOCK) {
        memcpy(hash.b, inv->hash, 32);
        peer_block_availability(p, &hash);
        const struct block_index *i = chain_find(n->chain, &hash);
        if (!i && !block_is_inflight(n, &hash))
            *last_block = inv;
        return;
    }
    if (inv->type != INV_TX && inv->type != INV_WTX)
        return;
    if (refuses_txs(p)) {
        peer_disconnect(p, "transaction announced against the protocol");
        return;
    }
    /* A peer uses one kind of id. */
    if (p->wtxid_relay != (inv->type == INV_WTX))
        return;
    tx_known(p, inv->hash);
    if (!chain_is_ibd(n->chain))
        tx_announced(p, inv, now_us);
}

/* Blocks are fetched by their headers only. One peer syncs them at first; others are asked when
 * they announce something, lest the chosen one keeps us in the dark: each once, and one for each
 * announced block. */
static void ask_headers_of(struct peer *p, const struct inv *block)
{
    struct net *n = p->net;
    if (p->sync_started) {
        maybe_getheaders(p, chain_best_header(n->chain));
        return;
    }
    if (p->asked_before_sync || memcmp(n->last_inv_asked.b, block->hash, 32) == 0)
        return;
    if (maybe_getheaders(p, chain_best_header(n->chain))) {
        p->asked_before_sync = true;
        memcpy(n->last_inv_asked.b, block->hash, 32);
    }
}

HANDLER(inv)
{
    const struct inv *last_block = NULL;
    int64_t now_us = time_now_us();
    size_t count;
    (void)m;
    struct inv *list = read_invs(p, r, &count, "inv");
    for (size_t i = 0; list && i < count && !p->disconnect; i++)
        process_inv(p, &list[i], &last_block, now_us);
    if (last_block && !p->disconnect)
        ask_headers_of(p, last_block);
    free(list);
}

void tx_not_found(struct peer *p, const struct inv *inv)
{
    if (inv->type == INV_TX || inv->type == INV_WTX || inv->type == INV_WITNESS_TX)
        txrequest_answered(p->net->txrequest, p->id, inv->hash);
}

HANDLER(notfound)
{
    size_t count;
    (void)m;
    struct inv *list = read_invs(p, r, &count, "notfound");
    for (size_t i = 0; list && i < count && count <= MAX_ANNOUNCED + MAX_BLOCKS_PER_PEER; i++)
        tx_not_found(p, &list[i]);
    free(list);
}

/* ---- requests ---- */

void tx_download_tick(struct peer *p, int64_t now_us)
{
    struct net *n = p->net;
    struct tx_want due[GETDATA_BATCH];
    struct buf body = BUF_INIT, out = BUF_INIT;
    size_t asked = 0, count = txrequest_due(n->txrequest, p->id, now_us, due, GETDATA_BATCH);
    for (size_t i = 0; i < count; i++) {
        if (have_tx(n, &due[i], false)) {
            txrequest_forget(n->txrequest, due[i].hash);
            continue;
        }
        uint32_t by_txid = peer_serves_witness(p) ? INV_WITNESS_TX : INV_TX;
        write_u32(&body, due[i].wtxid ? INV_WTX : by_txid);
        write_bytes(&body, due[i].hash, 32);
        asked++;
        txrequest_requested(n->txrequest, p->id, due[i].hash, now_us + EXPIRY_US);
    }
    if (asked > 0) {
        write_compact(&out, asked);
        write_span(&out, buf_span(&body));
        peer_send_buf(p, M_getdata, &out);
    }
    buf_clear(&body);
}

void tx_download_forget(struct peer *p)
{
    txrequest_forget_peer(p->net->txrequest, p->id);
    orphans_remove_peer(p->net->orphans, p->id);
}

/* ---- what comes ---- */

static void forget_requests(struct net *n, const struct tx *tx)
{
    txrequest_forget(n->txrequest, tx->txid.b);
    txrequest_forget(n->txrequest, tx->wtxid.b);
}

/* Children of what was accepted are tried at their announcers' turns. */
static void wake_orphans(struct net *n)
{
    struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (orphans_has_to_try(n->orphans, p->id))
            peer_schedule(p);
    }
}

static void tx_accepted(struct net *n, const struct tx *tx)
{
    forget_requests(n, tx);
    orphans_parent_came(n->orphans, tx);
    orphans_remove(n->orphans, &tx->wtxid);
    relay_tx(n, &tx->wtxid);
    wake_orphans(n);
}

static void reject(struct net *n, const struct tx *tx, bool by_txid)
{
    recent_add(&n->rejects, tx->wtxid.b, 32);
    txrequest_forget(n->txrequest, tx->wtxid.b);
    if (by_txid) {
        recent_add(&n->rejects, tx->txid.b, 32);
        txrequest_forget(n->txrequest, tx->txid.b);
    }
    orphans_remove(n->orphans, &tx->wtxid);
}

static bool parent_rejected(const struct net *n, const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (recent_has(&n->rejects, tx->in[i].prev.txid.b, 32))
            return true;
    }
    return false;
}

/* Everybody who announced it may know its parents. */
static void keep_orphan(struct peer *p, const struct tx *tx)
{
    struct net *n = p->net;
    int peers[64];
    int64_t now_us = time_now_us();
    if (parent_rejected(n, tx)) {
        reject(n, tx, true);
        return;
    }
    size_t count = txrequest_candidates(n->txrequest, tx->wtxid.b, peers, ARRAY_LEN(peers));
    orphans_add(n->orphans, tx, p->id);
    want_parents(p, tx, now_us);
    for (size_t i = 0; i < count; i++) {
        struct peer *q = peer_find(n, peers[i]);
        if (q && q != p && orphans_add_announcer(n->orphans, &tx->wtxid, q->id))
            want_parents(q, tx, now_us);
    }
    forget_requests(n, tx);
}

/* The mempool said no. */
static void tx_refused(struct peer *p, const struct tx *tx, const struct verdict *v)
{
    struct net *n = p->net;
    log_debug(LOG_mempoolrej, "transaction of peer=%d not accepted: %s", p->id, v->reason);
    if (v->kind == VERDICT_ERROR)
        return;
    if (v->kind == VERDICT_MISSING_INPUTS) {
        keep_orphan(p, tx);
        return;
    }
    if (v->kind == VERDICT_WITNESS_STRIPPED) {
        orphans_remove(n->orphans, &tx->wtxid);
        return; /* another may have it with its witness, under the same txid */
    }
    if (v->kind == VERDICT_RECONSIDERABLE) {
        recent_add(&n->reconsiderable, tx->wtxid.b, 32);
        txrequest_forget(n->txrequest, tx->wtxid.b);
        orphans_remove(n->orphans, &tx->wtxid);
        return;
    }
    /* Inputs that are not standard are so whatever the witness says. */
    reject(n, tx, strcmp(v->reason, "bad-txns-nonstandard-inputs") == 0);
}

static bool try_accept(struct peer *p, const struct tx *tx, struct verdict *v)
{
    struct accept_result res;
    struct net *n = p->net;
    bool ok = mempool_accept(n->mempool, tx, 0, &res);
    *v = res.verdict;
    if (ok) {
        log_debug(LOG_mempool, "accepted a transaction of peer=%d", p->id);
        p->last_tx_s = time_now();
        tx_accepted(n, tx);
    }
    accept_result_clear(&res);
    return ok;
}

static void tx_arrived(struct peer *p, const struct tx *tx)
{
    struct net *n = p->net;
    struct tx_want w = {.wtxid = true};
    struct verdict v;
    tx_known(p, p->wtxid_relay ? tx->wtxid.b : tx->txid.b);
    txrequest_answered(n->txrequest, p->id, tx->txid.b);
    if (tx->has_witness)
        txrequest_answered(n->txrequest, p->id, tx->wtxid.b);
    memcpy(w.hash, tx->wtxid.b, 32);
    if (have_tx(n, &w, true)) {
        if (p->permissions & PERMISSION_FORCERELAY_BIT)
            relay_tx(n, &tx->wtxid);
        return;
    }
    if (try_accept(p, tx, &v))
        return;
    if (v.kind != VERDICT_WITNESS_STRIPPED && v.kind != VERDICT_ERROR)
        extra_tx_add(n, tx);
    tx_refused(p, tx, &v);
}

HANDLER(tx)
{
    if (refuses_txs(p)) {
        peer_disconnect(p, "transaction sent against the protocol");
        return;
    }
    if (chain_is_ibd(p->net->chain))
        return;
    struct tx *tx = tx_parse(m->data, m->len);
    if (!tx) {
        reader_fail(r);
        return;
    }
    tx_arrived(p, tx);
    tx_unref(tx);
}

bool tx_process_orphan(struct peer *p)
{
    struct net *n = p->net;
    const struct tx *tx = orphans_next_to_try(n->orphans, p->id);
    struct verdict v;
    if (!tx)
        return false;
    tx_ref(tx);
    if (!try_accept(p, tx, &v) && v.kind != VERDICT_MISSING_INPUTS)
        tx_refused(p, tx, &v);
    tx_unref(tx);
    return true;
}

/* ---- the chain moves ---- */

void tx_block_connected(struct net *n, const struct block *b)
{
    orphans_block(n->orphans, b);
    for (uint32_t i = 0; i < b->n_tx; i++)
        orphans_parent_came(n->orphans, b->tx[i]);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        recent_add(&n->confirmed, b->tx[i]->txid.b, 32);
        if (b->tx[i]->has_witness)
            recent_add(&n->confirmed, b->tx[i]->wtxid.b, 32);
        forget_requests(n, b->tx[i]);
    }
}

void tx_block_disconnected(struct net *n)
{
    recent_reset(&n->confirmed);
}

void tx_tip_changed(struct net *n)
{
    recent_reset(&n->rejects);
    recent_reset(&n->reconsiderable);
}
