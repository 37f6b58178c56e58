/*
 * Headers first: from one peer while we are far behind, from all once we are near the tip. Headers
 * are kept only when the chain they belong to is shown to have work worth our memory (as much as
 * the network's known minimum, and not much less than what we have); a peer whose chain is long but
 * not yet shown to be so goes through presync.c, which keeps one bit of hundreds of headers.
 */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define GETHEADERS_INTERVAL_US (120 * SECOND_US)
#define SYNC_TIMEOUT_US        (15 * 60 * SECOND_US)
#define DAY                    INT64_C(86400)
#define MAX_PROTECTED          4

bool index_less_work(const struct block_index *a, const struct block_index *b)
{
    return u256_cmp(a->h.work, b->h.work) < 0;
}

bool peer_serves_blocks(const struct peer *p)
{
    return p->services & (NODE_NETWORK | NODE_NETWORK_LIMITED);
}

bool peer_limited(const struct peer *p)
{
    return !(p->services & NODE_NETWORK) && (p->services & NODE_NETWORK_LIMITED);
}

bool peer_serves_witness(const struct peer *p)
{
    return p->services & NODE_WITNESS;
}

/* 144 blocks of work below the tip, or the network's minimum, whichever is more. */
struct u256 headers_work_threshold(const struct net *n)
{
    const struct block_index *tip = chain_tip(n->chain);
    struct u256 lead = u256_mul_u64(bits_work(tip->h.bits), 144);
    struct u256 near =
        u256_cmp(lead, tip->h.work) < 0 ? u256_sub(tip->h.work, lead) : u256_from_u64(0);
    struct u256 min = n->opts.min_chain_work;
    return u256_cmp(near, min) > 0 ? near : min;
}

/* ---- asking ---- */

bool maybe_getheaders_locator(struct peer *p, const struct block_hash *locator, size_t n)
{
    struct buf b = BUF_INIT;
    struct block_hash stop = {{0}};
    int64_t now = time_now_us();
    if (p->last_getheaders_us && now < p->last_getheaders_us + GETHEADERS_INTERVAL_US &&
        now >= p->last_getheaders_us)
        return false;
    write_u32(&b, PROTOCOL_VERSION);
    write_compact(&b, n);
    for (size_t i = 0; i < n; i++)
        write_bytes(&b, locator[i].b, 32);
    write_bytes(&b, stop.b, 32);
    p->last_getheaders_us = now;
    peer_send_buf(p, M_getheaders, &b);
    return true;
}

bool maybe_getheaders(struct peer *p, const struct block_index *from)
{
    struct block_hash locator[64];
    size_t n = chain_locator(p->net->chain, from, locator);
    return maybe_getheaders_locator(p, locator, n);
}

/* ---- receiving ---- */

static struct header *read_headers(struct reader *r, size_t n)
{
    if (reader_left(r) / (HEADER_SIZE + 1) < n) {
        reader_fail(r);
        return NULL;
    }
    struct header *h = xcalloc(n + 1, sizeof(*h));
    for (size_t i = 0; i < n; i++) {
        uint8_t raw[HEADER_SIZE];
        read_bytes(r, raw, sizeof(raw));
        header_read(&h[i], raw);
        read_compact(r, UINT64_MAX); /* number of transactions, always 0 */
    }
    if (reader_ok(r))
        return h;
    free(h);
    return NULL;
}

/* Each with its proof of work, each on the one before. NULL, or the peer's fault. */
static const char *check_sequence(const struct network *net, const struct header *h, size_t n,
                                  struct block_hash *last)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && !block_hash_eq(&h[i].prev, last))
            return "non-continuous headers sequence";
        *last = header_hash(&h[i]);
        if (!pow_check(last, h[i].bits, net))
            return "header with invalid proof of work";
    }
    return NULL;
}

static struct u256 claimed_work(const struct block_index *start, const struct header *h, size_t n)
{
    struct u256 work = start->h.work;
    for (size_t i = 0; i < n; i++)
        work = u256_add(work, bits_work(h[i].bits));
    return work;
}

/* A header that belongs to what we hold best needs no more proof. */
static bool is_ours(const struct net *n, const struct block_index *i)
{
    const struct block_index *best = chain_best_header(n->chain);
    return i && (chain_contains(n->chain, i) || index_ancestor(best, i->h.height) == i);
}

/* Which verdicts about a header or a block are its sender's fault. */
void punish_for_block(struct peer *p, const struct verdict *v, bool compact)
{
    switch (v->kind) {
    case VERDICT_CONSENSUS:
    case VERDICT_MUTATED:
        if (!compact)
            peer_misbehaving(p, v->reason);
        break;
    case VERDICT_INVALID_HEADER:
    case VERDICT_INVALID_PREV:
    case VERDICT_MISSING_PREV: peer_misbehaving(p, v->reason); break;
    case VERDICT_CACHED_INVALID:
        if (is_outbound(p) && !compact)
            peer_misbehaving(p, v->reason);
        break;
    case VERDICT_VALID:
    case VERDICT_TIME_FUTURE:
    case VERDICT_LOW_WORK:
    case VERDICT_POLICY:
    case VERDICT_MISSING_INPUTS:
    case VERDICT_PREMATURE_SPEND:
    case VERDICT_WITNESS_MUTATED:
    case VERDICT_WITNESS_STRIPPED:
    case VERDICT_CONFLICT:
    case VERDICT_RECONSIDERABLE:
    case VERDICT_NO_MEMPOOL:
    case VERDICT_ERROR: break;
    }
}

static unsigned count_protected(const struct net *n)
{
    const struct peer *p;
    unsigned count = 0;
    TAILQ_FOREACH (p, &n->peers, link)
        count += p->sync_protected;
    return count;
}

static void headers_accepted(struct peer *p, const struct block_index *last, bool fresh, bool more)
{
    struct net *n = p->net;
    const struct block_index *tip = chain_tip(n->chain);
    peer_block_availability(p, &last->h.hash);
    if (fresh && index_less_work(tip, last))
        p->last_announcement_s = time_now();
    if (chain_is_ibd(n->chain) && !more && p->type == CONN_OUTBOUND_FULL && p->best_known &&
        u256_cmp(p->best_known->h.work, n->opts.min_chain_work) < 0) {
        peer_disconnect(p, "its chain has too little work");
        return;
    }
    if (p->type == CONN_OUTBOUND_FULL && p->best_known && !p->sync_protected &&
        !index_less_work(p->best_known, tip) && count_protected(n) < MAX_PROTECTED)
        p->sync_protected = true;
}

static void accept_headers(struct peer *p, const struct header *h, size_t count, bool full)
{
    struct net *n = p->net;
    const struct block_index *last = NULL;
    struct verdict v;
    struct block_hash hash = header_hash(&h[count - 1]);
    bool fresh = chain_find(n->chain, &hash) == NULL;
    if (!chain_accept_headers(n->chain, h, count, true, &last, &v)) {
        log_debug(LOG_net, "headers of peer=%d refused: %s", p->id, v.reason);
        punish_for_block(p, &v, false);
        return;
    }
    CHECK(last);
    if (full && !p->presync && maybe_getheaders(p, last))
        log_debug(LOG_net, "more headers after %d from peer=%d", last->h.height, p->id);
    headers_accepted(p, last, fresh, full);
    if (!p->disconnect)
        direct_fetch(p, last);
}

static void presync_end(struct peer *p)
{
    presync_free(p->presync);
    p->presync = NULL;
}

/* Headers of a chain that is still to prove its work. */
static void continue_presync(struct peer *p, const struct header *h, size_t n)
{
    struct header *ready = NULL;
    size_t n_ready = 0;
    bool done = false;
    const char *why = NULL;
    p->last_getheaders_us = 0; /* this is the answer */
    enum presync_result res =
        presync_process(p->presync, h, n, n == MAX_HEADERS, &ready, &n_ready, &done, &why);
    if (res == PRESYNC_FAILED)
        log_debug(LOG_net, "headers of peer=%d: %s", p->id, why);
    if (res != PRESYNC_FAILED && !done) {
        struct block_hash locator[2];
        size_t k = presync_locator(p->presync, locator);
        maybe_getheaders_locator(p, locator, k);
    }
    if (n_ready > 0)
        accept_headers(p, ready, n_ready, false);
    free(ready);
    if (res == PRESYNC_FAILED || done)
        presync_end(p);
    /* What follows after the proof is asked for in the usual way. */
    if (done && res != PRESYNC_FAILED && n == MAX_HEADERS && !p->disconnect && p->best_known)
        maybe_getheaders(p, p->best_known);
}

/* True where the headers may be kept; else they went to presync or were dropped. */
static bool work_suffices(struct peer *p, const struct block_index *start, const struct header *h,
                          size_t n)
{
    struct net *net = p->net;
    struct u256 need = headers_work_threshold(net);
    if (u256_cmp(claimed_work(start, h, n), need) >= 0)
        return true;
    if (n < MAX_HEADERS) {
        log_debug(LOG_net, "chain of peer=%d has too little work, headers dropped", p->id);
        return false;
    }
    p->presync = presync_create(net->params, start, &need, time_now());
    continue_presync(p, h, n);
    return false;
}

static void process_headers(struct peer *p, const struct header *h, size_t n)
{
    struct net *net = p->net;
    struct block_hash hash;
    const char *fault = check_sequence(net->params, h, n, &hash);
    if (fault) {
        peer_misbehaving(p, fault);
        return;
    }
    if (p->presync) {
        continue_presync(p, h, n);
        return;
    }
    const struct block_index *start = chain_find(net->chain, &h[0].prev);
    if (!start && block_hash_eq(&net->params->genesis_hash, &hash))
        return; /* genesis itself */
    if (!start) {
        /* Announced without what leads to it: ask for that, remember the announcement. */
        if (maybe_getheaders(p, chain_best_header(net->chain)))
            log_debug(LOG_net, "peer=%d announced a header that does not connect", p->id);
        peer_block_availability(p, &hash);
        return;
    }
    p->last_getheaders_us = 0;
    const struct block_index *known = chain_find(net->chain, &hash);
    if (!is_ours(net, known) && !(p->permissions & PERMISSION_NOBAN_BIT) &&
        !work_suffices(p, start, h, n))
        return;
    accept_headers(p, h, n, n == MAX_HEADERS);
}

void header_announced(struct peer *p, const struct header *h)
{
    process_headers(p, h, 1);
}

HANDLER(headers)
{
    (void)m;
    uint64_t n = read_compact(r, UINT64_MAX);
    if (reader_ok(r) && n > MAX_HEADERS) {
        peer_misbehaving(p, "headers message too large");
        return;
    }
    struct header *h = read_headers(r, n);
    if (!h)
        return;
    if (n == 0) {
        p->last_getheaders_us = 0;
        if (p->presync)
            presync_end(p);
    } else {
        process_headers(p, h, n);
    }
    free(h);
}

HANDLER(sendheaders)
{
    (void)r;
    (void)m;
    p->wants_headers = true;
}

/* ---- in time ---- */

static bool may_sync_from(const struct peer *p)
{
    const struct net *n = p->net;
    if (!peer_serves_blocks(p))
        return false;
    if (p->preferred)
        return true;
    return p->type != CONN_ADDR_FETCH && (n->n_preferred == 0 || n->inflight.n == 0);
}

static void start_sync(struct peer *p, int64_t now_us)
{
    struct net *n = p->net;
    const struct block_index *best = chain_best_header(n->chain);
    bool recent = best->h.time > now_us / SECOND_US - DAY;
    if (p->sync_started || !peer_serves_blocks(p))
        return;
    if (!recent && (n->n_sync_started > 0 || !may_sync_from(p)))
        return;
    /* From one before the best: so the answer is never empty, and tells that the peer has ours. */
    const struct block_index *from = index_prev(best) ? index_prev(best) : best;
    if (!maybe_getheaders(p, from))
        return;
    p->sync_started = true;
    n->n_sync_started++;
    p->sync_deadline_us = now_us + SYNC_TIMEOUT_US +
                          1000 * ((now_us / SECOND_US - best->h.time) / n->params->spacing);
}

/* A peer that was to bring the headers and does not: somebody else should. */
static void check_sync_timeout(struct peer *p, int64_t now_us)
{
    struct net *n = p->net;
    if (!p->sync_started || p->sync_deadline_us == 0)
        return;
    if (chain_best_header(n->chain)->h.time > now_us / SECOND_US - DAY) {
        p->sync_deadline_us = 0; /* done: no more limit */
        return;
    }
    if (now_us <= p->sync_deadline_us || n->n_sync_started != 1 ||
        n->n_preferred <= (unsigned)p->preferred)
        return;
    if (!(p->permissions & PERMISSION_NOBAN_BIT)) {
        peer_disconnect(p, "timeout of headers download");
        return;
    }
    p->sync_started = false;
    n->n_sync_started--;
    p->sync_deadline_us = 0;
}

void headers_tick(struct peer *p, int64_t now_us)
{
    struct net *n = p->net;
    if (!p->sent_sendheaders && p->common_version >= VERSION_SENDHEADERS && p->best_known &&
        u256_cmp(p->best_known->h.work, n->opts.min_chain_work) > 0) {
        peer_send(p, M_sendheaders, span_of(NULL, 0));
        p->sent_sendheaders = true;
    }
    start_sync(p, now_us);
    check_sync_timeout(p, now_us);
}

/* ---- peers on another chain ---- */

#define CHAIN_SYNC_TIMEOUT    (20 * 60)
#define HEADERS_RESPONSE_TIME 120

/* An outbound peer whose best chain has stayed behind ours: asked once more, then replaced. */
void consider_eviction(struct peer *p, int64_t now_s)
{
    struct net *n = p->net;
    const struct block_index *tip = chain_tip(n->chain);
    if (p->sync_protected || !p->sync_started ||
        (p->type != CONN_OUTBOUND_FULL && p->type != CONN_BLOCK_RELAY))
        return;
    if (p->best_known && !index_less_work(p->best_known, tip)) {
        p->chain_sync_deadline_s = 0;
        p->chain_sync_work = NULL;
        p->chain_sync_asked = false;
    } else if (p->chain_sync_deadline_s == 0 ||
               (p->chain_sync_work && p->best_known &&
                !index_less_work(p->best_known, p->chain_sync_work))) {
        /* Behind: a fresh deadline, with the tip that it must reach. */
        p->chain_sync_deadline_s = now_s + CHAIN_SYNC_TIMEOUT;
        p->chain_sync_work = tip;
        p->chain_sync_asked = false;
    } else if (now_s > p->chain_sync_deadline_s) {
        if (p->chain_sync_asked) {
            peer_disconnect(p, "outbound peer has an old chain");
            return;
        }
        maybe_getheaders(p, index_prev(p->chain_sync_work) ? index_prev(p->chain_sync_work)
                                                           : p->chain_sync_work);
        p->chain_sync_asked = true;
        p->chain_sync_deadline_s = now_s + HEADERS_RESPONSE_TIME;
    }
}

void headers_forget(struct peer *p)
{
    p->net->n_sync_started -= p->sync_started;
    p->net->n_preferred -= p->preferred;
    presync_free(p->presync);
}
