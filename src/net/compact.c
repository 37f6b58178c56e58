/*
 * Compact blocks in (BIP152). A block told by its short ids is put together from the mempool and
 * from what was refused or replaced lately; what is still missing is asked for by position. When it
 * does not fit its header then (short ids collide, or somebody lied) the whole block is asked for.
 * Nobody is punished for what a compact block turns out to contain, since it may be passed on
 * before it is checked; only for a bad header or a message that contradicts itself.
 *
 * Up to three peers are asked for the missing part of one block, lest one that stalls keeps it from
 * us; the third place is for an outbound peer, unless one is being asked already. Unasked compact
 * blocks are taken only from the three peers that we asked for them ("high bandwidth"): those who
 * delivered the last new blocks, one of them outbound if any such did.
 *
 * A reconstructed block goes the way of a received one, block_arrived().
 */
#include <stdlib.h>

#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define MAX_REQUESTS_PER_BLOCK 3
#define MAX_EXTRA_TX_MEMORY    100000
#define NEAR_TIP               2 /* further ahead the mempool is of no use */

/* ---- transactions beside the mempool ---- */

void extra_tx_add(struct net *n, const struct tx *tx)
{
    if (n->opts.extra_txs == 0 || tx_memory(tx) >= MAX_EXTRA_TX_MEMORY)
        return;
    if (n->n_extra < n->opts.extra_txs) {
        n->extra = array_reserve(n->extra, &n->cap_extra, n->n_extra + 1, sizeof(*n->extra));
        n->extra[n->n_extra++] = tx_standalone(tx);
        return;
    }
    tx_unref(n->extra[n->next_extra]);
    n->extra[n->next_extra] = tx_standalone(tx);
    n->next_extra = (n->next_extra + 1) % n->n_extra;
}

/* A miner may not have seen the replacement. */
static void removed(void *arg, const struct mempool_entry *e, enum removal_reason reason,
                    uint64_t sequence)
{
    (void)sequence;
    if (reason == REMOVED_REPLACED)
        extra_tx_add(arg, e->tx);
}

void compact_init(struct net *n)
{
    static const struct mempool_events events = {.removed = removed};
    mempool_subscribe(n->mempool, &events, n);
}

void compact_clear(struct net *n)
{
    for (size_t i = 0; i < n->n_extra; i++)
        tx_unref(n->extra[i]);
    free(n->extra);
}

/* ---- who may announce ---- */

static void take_announcer(struct net *n, size_t at)
{
    n->n_announcers--;
    memmove(&n->announcers[at], &n->announcers[at + 1],
            (n->n_announcers - at) * sizeof(n->announcers[0]));
}

void compact_forget(struct peer *p)
{
    struct net *n = p->net;
    for (size_t i = n->n_announcers; i-- > 0;) {
        if (n->announcers[i] == p)
            take_announcer(n, i);
    }
}

/* The one that goes for a new one: the longest without a delivery, but not the only outbound one
 * where the new one is inbound. */
static size_t least_useful(const struct net *n, const struct peer *new)
{
    unsigned outbound = 0;
    for (size_t i = 0; i < n->n_announcers; i++)
        outbound += is_outbound(n->announcers[i]);
    return !is_outbound(new) && outbound == 1 && is_outbound(n->announcers[0]) ? 1 : 0;
}

void prefer_announcer(struct peer *p)
{
    struct net *n = p->net;
    if (net_blocks_only(n) || !p->provides_cmpct)
        return;
    if (p->announces_cmpct) {
        compact_forget(p);
    } else {
        send_sendcmpct(p, true);
        p->announces_cmpct = true;
    }
    if (n->n_announcers == MAX_ANNOUNCERS) {
        size_t at = least_useful(n, p);
        send_sendcmpct(n->announcers[at], false);
        n->announcers[at]->announces_cmpct = false;
        take_announcer(n, at);
    }
    n->announcers[n->n_announcers++] = p;
}

/* ---- putting together ---- */

static struct partial_block *start_block(struct net *n, const struct cmpct *c,
                                         enum cmpct_result *res)
{
    struct partial_block *b = partial_block_create(c, res);
    const struct tx *tx;
    size_t pos = 0;
    bool missing = true;
    if (!b)
        return NULL;
    while (missing && (tx = mempool_next_tx(n->mempool, &pos)) != NULL)
        missing = partial_block_offer(b, tx);
    for (size_t i = 0; missing && i < n->n_extra; i++)
        missing = partial_block_offer(b, n->extra[i]);
    return b;
}

static enum cmpct_result fill(const struct net *n, struct partial_block *partial,
                              const struct block_index *i, const struct blocktxn *t,
                              struct block **out)
{
    struct verdict v = {VERDICT_VALID, "", ""};
    bool segwit = buried_active_after(n->params, BURIED_SEGWIT, i->h.prev);
    enum cmpct_result res =
        partial_block_fill(partial, (const struct tx *const *)t->tx, t->n, segwit, out, &v);
    if (res == CMPCT_FAILED)
        log_debug(LOG_cmpctblock, "compact block does not come together: %s, %s", v.reason,
                  v.detail);
    return res;
}

static void complete(struct inflight *f, const struct blocktxn *t)
{
    struct peer *p = f->peer;
    struct net *n = p->net;
    struct block *b = NULL;
    switch (fill(n, f->partial, f->index, t, &b)) {
    case CMPCT_OK:
        inflight_remove(f);
        block_arrived(n, p, b, true);
        block_unref(b);
        break;
    case CMPCT_INVALID:
        inflight_remove(f);
        peer_misbehaving(p, "invalid compact block/non-matching block transactions");
        break;
    case CMPCT_FAILED:
        /* The used partial block stays: it must not try that again. */
        if (inflight_first(n, &f->hash) == f)
            request_whole(p, &f->hash);
        else
            inflight_remove(f);
        break;
    }
}

static bool asked_of_outbound(const struct net *n, const struct block_hash *hash)
{
    for (const struct inflight *f = inflight_first(n, hash); f; f = f->next) {
        if (is_outbound(f->peer))
            return true;
    }
    return false;
}

/* Whether one more peer than the first is asked for what is missing. */
static bool may_ask(const struct inflight *f)
{
    const struct net *n = f->peer->net;
    unsigned count = inflight_count(n, &f->hash);
    if (inflight_first(n, &f->hash) == f)
        return true;
    return f->peer->announces_cmpct && (asked_of_outbound(n, &f->hash) || /* itself, maybe */
                                        count < MAX_REQUESTS_PER_BLOCK);
}

static void ask_missing(struct inflight *f)
{
    struct blocktxn none = {{{0}}, NULL, 0};
    struct buf b = BUF_INIT;
    size_t count;
    uint32_t *missing = partial_block_missing(f->partial, &count);
    if (count == 0) {
        complete(f, &none);
    } else if (may_ask(f)) {
        getblocktxn_write(&b, &f->hash, missing, count);
        peer_send_buf(f->peer, M_getblocktxn, &b);
    } else {
        inflight_remove(f);
    }
    free(missing);
}

static void start(struct inflight *f, const struct cmpct *c)
{
    struct peer *p = f->peer;
    enum cmpct_result res;
    f->partial = start_block(p->net, c, &res);
    if (f->partial) {
        ask_missing(f);
    } else if (res == CMPCT_INVALID) {
        inflight_remove(f);
        peer_misbehaving(p, "invalid compact block");
    } else if (inflight_first(p->net, &f->hash) == f) {
        request_whole(p, &f->hash);
    } else {
        inflight_remove(f);
    }
}

/* No more may be asked: of use only where nothing is missing. */
static void try_at_once(struct peer *p, const struct cmpct *c, const struct block_index *i)
{
    struct blocktxn none = {{{0}}, NULL, 0};
    struct block *b = NULL;
    enum cmpct_result res;
    struct partial_block *partial = start_block(p->net, c, &res);
    if (partial && fill(p->net, partial, i, &none, &b) == CMPCT_OK)
        block_arrived(p->net, p, b, true);
    block_unref(b);
    partial_block_free(partial);
}

/* ---- receiving ---- */

/* The header's place in the tree; NULL: it is not to be looked at further. */
static const struct block_index *accept_header(struct peer *p, const struct header *h)
{
    struct net *n = p->net;
    const struct block_index *prev = chain_find(n->chain, &h->prev), *i = NULL;
    struct block_hash hash = header_hash(h);
    struct verdict v;
    if (!prev) {
        if (!chain_is_ibd(n->chain))
            maybe_getheaders(p, chain_best_header(n->chain));
        return NULL;
    }
    struct u256 work = u256_add(prev->h.work, bits_work(h->bits));
    if (u256_cmp(work, headers_work_threshold(n)) < 0) {
        log_debug(LOG_net, "Ignoring low-work compact block from peer %d", p->id);
        return NULL;
    }
    bool fresh = chain_find(n->chain, &hash) == NULL;
    if (!chain_accept_headers(n->chain, h, 1, true, &i, &v)) {
        log_debug(LOG_net, "compact block of peer=%d refused: %s", p->id, v.reason);
        punish_for_block(p, &v, true);
        return NULL;
    }
    peer_block_availability(p, &hash);
    if (fresh && index_less_work(chain_tip(n->chain), i))
        p->last_announcement_s = time_now();
    return i;
}

/* Not for our mempool: old, or too far ahead. */
static bool is_out_of_reach(const struct net *n, const struct block_index *i)
{
    const struct block_index *tip = chain_tip(n->chain);
    return !index_less_work(tip, i) || i->n_tx > 0 || i->h.height > tip->h.height + NEAR_TIP;
}

static void take(struct peer *p, const struct cmpct *c, const struct block_index *i)
{
    struct net *n = p->net;
    struct inflight *own = inflight_of(p, &i->h.hash);
    unsigned count = inflight_count(n, &i->h.hash);
    if (have_data(n, i))
        return;
    if (!own && !p->announces_cmpct) {
        log_debug(LOG_cmpctblock, "peer=%d sent an unsolicited compact block", p->id);
        return;
    }
    if (is_out_of_reach(n, i)) {
        if (own)
            request_whole(p, &i->h.hash);
        else if (index_less_work(chain_tip(n->chain), i) && can_direct_fetch(n))
            header_announced(p, &c->header);
        return;
    }
    if (count == 0 && !can_direct_fetch(n))
        return;
    if (own && own->partial)
        log_debug(LOG_net, "peer=%d sent a compact block that is being completed", p->id);
    else if (own)
        start(own, c);
    else if (count < MAX_REQUESTS_PER_BLOCK && p->n_inflight < MAX_BLOCKS_PER_PEER)
        start(inflight_add(p, i), c);
    else
        try_at_once(p, c, i);
}

HANDLER(cmpctblock)
{
    struct cmpct c;
    (void)m;
    if (net_blocks_only(p->net) || !p->provides_cmpct) {
        log_debug(LOG_cmpctblock, "compact block of peer=%d ignored", p->id);
        return;
    }
    if (cmpct_read(&c, r)) {
        const struct block_index *i = accept_header(p, &c.header);
        if (i)
            take(p, &c, i);
    }
    cmpct_clear(&c);
}

HANDLER(blocktxn)
{
    struct blocktxn t;
    (void)m;
    if (blocktxn_read(&t, r)) {
        struct inflight *f = inflight_of(p, &t.hash);
        if (!f || !f->partial) {
            log_debug(LOG_net, "peer=%d sent block transactions that were not expected", p->id);
        } else if (partial_block_used(f->partial)) {
            inflight_remove(f);
            peer_misbehaving(p, "previous compact block reconstruction attempt failed");
        } else {
            complete(f, &t);
        }
    }
    blocktxn_clear(&t);
}
