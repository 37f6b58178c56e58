/*
 * Blocks: which to ask of whom, and what to do when one comes or does not. Each peer is asked for
 * up to 16 blocks of the 1,024 that follow the last one it shares with us and we have; the same
 * block is asked of one peer only (but see compact.c). When that window cannot move because one
 * peer sits on its first block, the peer has two seconds (doubling each time it happens, lest a
 * slow line of ours throws out everybody) to deliver. Large blocks are parsed and hashed on a
 * worker; the owner gets them back in done().
 */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"
#include "util/workers.h"

#define DOWNLOAD_WINDOW   1024
#define STALL_DEFAULT_US  (2 * SECOND_US)
#define STALL_MAX_US      (64 * SECOND_US)
#define BLOCK_SOURCES     2048 /* more than can be in flight and in the pipeline */
#define PARSE_INLINE      (64u * 1024)
#define LIMITED_BLOCKS    288
#define WAIT_FOR_BLOCK_US (5 * SECOND_US)

void download_init(struct net *n)
{
    TABLE_INIT(&n->inflight, struct inflight, hash);
    n->stall_timeout_us = STALL_DEFAULT_US;
    n->block_sources = xcalloc(BLOCK_SOURCES, sizeof(*n->block_sources));
    n->last_tip_us = time_now_us();
}

void download_clear(struct net *n)
{
    table_clear(&n->inflight);
    free(n->block_sources);
    block_unref(n->recent_block);
}

/* ---- what a peer has ---- */

void peer_process_availability(struct peer *p)
{
    if (block_hash_is_zero(&p->best_unknown))
        return;
    const struct block_index *i = chain_find(p->net->chain, &p->best_unknown);
    if (!i)
        return;
    if (!p->best_known || !index_less_work(i, p->best_known))
        p->best_known = i;
    memset(&p->best_unknown, 0, sizeof(p->best_unknown));
}

void peer_block_availability(struct peer *p, const struct block_hash *hash)
{
    peer_process_availability(p);
    const struct block_index *i = chain_find(p->net->chain, hash);
    if (!i)
        p->best_unknown = *hash;
    else if (!p->best_known || !index_less_work(i, p->best_known))
        p->best_known = i;
}

/* ---- requests out ---- */

void download_forget(struct peer *p)
{
    while (!TAILQ_EMPTY(&p->inflight))
        inflight_remove(TAILQ_FIRST(&p->inflight));
}

static void write_request(struct buf *b, uint32_t type, const struct block_hash *hash)
{
    write_u32(b, type);
    write_bytes(b, hash->b, 32);
}

static uint32_t block_inv_type(const struct peer *p)
{
    return peer_serves_witness(p) ? INV_WITNESS_BLOCK : INV_BLOCK;
}

static void request_blocks(struct peer *p, const struct block_index *const *list, size_t n)
{
    struct buf b = BUF_INIT;
    if (n == 0)
        return;
    write_compact(&b, n);
    for (size_t i = 0; i < n; i++) {
        write_request(&b, block_inv_type(p), &list[i]->h.hash);
        inflight_remove_all(p->net, &list[i]->h.hash);
        inflight_add(p, list[i]);
        log_debug(LOG_net, "requesting block %d from peer=%d", list[i]->h.height, p->id);
    }
    peer_send_buf(p, M_getdata, &b);
}

void request_whole(struct peer *p, const struct block_hash *hash)
{
    struct buf b = BUF_INIT;
    write_compact(&b, 1);
    write_request(&b, block_inv_type(p), hash);
    peer_send_buf(p, M_getdata, &b);
}

/* The news of one block, and nothing else is on its way: our mempool has nearly all of it. */
static bool wants_compact(const struct peer *p, const struct block_index *last)
{
    const struct net *n = p->net;
    return p->provides_cmpct && !net_blocks_only(n) && n->inflight.n == 0 && last->h.prev &&
           index_prev(last)->chain_tx > 0 &&
           !(index_prev(last)->status & (BLOCK_FAILED | BLOCK_FAILED_CHILD));
}

static void request_compact(struct peer *p, const struct block_index *i)
{
    struct buf b = BUF_INIT;
    write_compact(&b, 1);
    write_request(&b, INV_CMPCT_BLOCK, &i->h.hash);
    inflight_add(p, i);
    log_debug(LOG_net, "requesting compact block %d from peer=%d", i->h.height, p->id);
    peer_send_buf(p, M_getdata, &b);
}

static bool needs_witness(const struct net *n, const struct block_index *i)
{
    return buried_active_after(n->params, BURIED_SEGWIT, i->h.prev);
}

bool have_data(const struct net *n, const struct block_index *i)
{
    return (i->status & BLOCK_HAVE_DATA) || chain_contains(n->chain, i);
}

/* Walks from the last common block towards what the peer has. */
struct walk {
    struct peer *p;
    const struct block_index *out[MAX_BLOCKS_PER_PEER];
    size_t n, max;
    int32_t window_end;
    struct peer *waiting_for; /* has the first block that is missing */
    struct peer *staller;
};

/* False ends the walk. */
static bool walk_step(struct walk *w, const struct block_index *i)
{
    struct peer *p = w->p;
    const struct net *n = p->net;
    if (i->status & (BLOCK_FAILED | BLOCK_FAILED_CHILD))
        return false; /* the peer's chain is invalid from here */
    if (!peer_serves_witness(p) && needs_witness(n, i))
        return false;
    if (have_data(n, i)) {
        if (i->chain_tx > 0 || chain_contains(n->chain, i))
            p->last_common = i;
        return true;
    }
    const struct inflight *f = inflight_first(n, &i->h.hash);
    if (f) {
        if (!w->waiting_for)
            w->waiting_for = f->peer;
        return true;
    }
    if (i->h.height > w->window_end) {
        if (w->n == 0 && w->waiting_for && w->waiting_for != p)
            w->staller = w->waiting_for;
        return false;
    }
    if (peer_limited(p) && p->best_known->h.height - i->h.height >= LIMITED_BLOCKS - 2)
        return true;
    w->out[w->n++] = i;
    return w->n < w->max;
}

/* Blocks in ascending order, found in batches from the far end (prev is the only way back). */
static void walk_blocks(struct walk *w)
{
    const struct block_index *batch[128], *at = w->p->last_common;
    int32_t max = w->p->best_known->h.height;
    if (max > w->window_end + 1)
        max = w->window_end + 1;
    while (at->h.height < max) {
        int32_t to = at->h.height + 128 < max ? at->h.height + 128 : max;
        size_t count = (size_t)(to - at->h.height);
        const struct block_index *i = index_ancestor(w->p->best_known, to);
        at = i;
        for (size_t k = count; k-- > 0; i = index_prev(i))
            batch[k] = i;
        for (size_t k = 0; k < count; k++) {
            if (!walk_step(w, batch[k]))
                return;
        }
    }
}

static void find_blocks(struct walk *w)
{
    struct peer *p = w->p;
    const struct net *n = p->net;
    const struct block_index *tip = chain_tip(n->chain);
    peer_process_availability(p);
    if (!p->best_known || index_less_work(p->best_known, tip) ||
        u256_cmp(p->best_known->h.work, n->opts.min_chain_work) < 0)
        return;
    if (!p->last_common) {
        int32_t h =
            p->best_known->h.height < tip->h.height ? p->best_known->h.height : tip->h.height;
        p->last_common = chain_at(n->chain, h);
    }
    /* The peer may have reorganised. */
    p->last_common =
        (const struct block_index *)hnode_last_common(&p->last_common->h, &p->best_known->h);
    if (p->last_common == p->best_known)
        return;
    w->window_end = p->last_common->h.height + DOWNLOAD_WINDOW;
    walk_blocks(w);
}

static bool sync_blocks_from(const struct peer *p)
{
    const struct net *n = p->net;
    if (p->preferred)
        return true;
    return p->type != CONN_ADDR_FETCH && (n->n_preferred == 0 || n->inflight.n == 0);
}

static void request_more(struct peer *p, int64_t now_us)
{
    struct walk w = {.p = p, .max = MAX_BLOCKS_PER_PEER - p->n_inflight};
    bool ibd = chain_is_ibd(p->net->chain);
    if (!peer_serves_blocks(p) || p->n_inflight >= MAX_BLOCKS_PER_PEER)
        return;
    if (ibd && (!sync_blocks_from(p) || peer_limited(p)))
        return;
    find_blocks(&w);
    request_blocks(p, w.out, w.n);
    if (p->n_inflight == 0 && w.staller && w.staller->stalling_since_us == 0) {
        w.staller->stalling_since_us = now_us;
        log_debug(LOG_net, "peer=%d holds up the download", w.staller->id);
    }
}

static void check_download_timeouts(struct peer *p, int64_t now_us)
{
    struct net *n = p->net;
    if (p->stalling_since_us && p->stalling_since_us < now_us - n->stall_timeout_us) {
        peer_disconnect(p, "stalls block download");
        n->stall_timeout_us =
            n->stall_timeout_us * 2 < STALL_MAX_US ? n->stall_timeout_us * 2 : STALL_MAX_US;
        return;
    }
    if (p->n_inflight == 0)
        return;
    /* One spacing, and half of one for each other peer that shares our line. */
    int64_t spacing = n->params->spacing * SECOND_US;
    if (now_us > p->downloading_since_us + spacing + spacing / 2 * (n->n_downloading - 1))
        peer_disconnect(p, "timeout of block download");
}

void download_tick(struct peer *p, int64_t now_us)
{
    check_download_timeouts(p, now_us);
    if (!p->disconnect)
        request_more(p, now_us);
}

bool can_direct_fetch(const struct net *n)
{
    return chain_tip(n->chain)->h.time > time_now() - n->params->spacing * 20;
}

void direct_fetch(struct peer *p, const struct block_index *last)
{
    struct net *n = p->net;
    const struct block_index *want[MAX_BLOCKS_PER_PEER + 1], *i = last;
    size_t count = 0, room = MAX_BLOCKS_PER_PEER - p->n_inflight;
    if (!can_direct_fetch(n) || (last->status & (BLOCK_FAILED | BLOCK_FAILED_CHILD)) ||
        index_less_work(last, chain_tip(n->chain)))
        return;
    while (i && !chain_contains(n->chain, i) && count <= MAX_BLOCKS_PER_PEER) {
        if (!have_data(n, i) && !block_is_inflight(n, &i->h.hash) &&
            (peer_serves_witness(p) || !needs_witness(n, i)))
            want[count++] = i;
        i = index_prev(i);
    }
    if (!i || !chain_contains(n->chain, i))
        return; /* a deep reorganisation is for the ordinary download */
    for (size_t a = 0, b = count; a + 1 < b; a++) { /* oldest first */
        const struct block_index *t = want[a];
        want[a] = want[--b];
        want[b] = t;
    }
    if (count == 1 && room > 0 && wants_compact(p, last))
        request_compact(p, want[0]);
    else
        request_blocks(p, want, count < room ? count : room);
}

bool request_block(struct peer *p, const struct block_index *i)
{
    if (p->n_inflight >= MAX_BLOCKS_PER_PEER)
        return false;
    request_blocks(p, &i, 1);
    return true;
}

/* ---- blocks in ---- */

static void remember_source(struct net *n, const struct block_hash *hash, int peer, bool compact)
{
    n->block_sources[n->next_source] = (struct block_source){*hash, peer + 1, compact};
    n->next_source = (n->next_source + 1) % BLOCK_SOURCES;
}

/* Who gave it, or NULL; forgets. */
static struct peer *take_source(struct net *n, const struct block_hash *hash, bool *compact)
{
    for (size_t k = 0; k < BLOCK_SOURCES; k++) {
        struct block_source *s = &n->block_sources[k];
        if (s->peer && block_hash_eq(&s->hash, hash)) {
            int id = s->peer - 1;
            s->peer = 0;
            *compact = s->compact;
            return peer_find(n, id);
        }
    }
    return NULL;
}

void download_block_checked(struct net *n, const struct block *b, const struct verdict *v)
{
    bool compact = false;
    struct peer *p = take_source(n, &b->hash, &compact), *q;
    bool alone = n->inflight.n == block_is_inflight(n, &b->hash);
    if (p && v->kind != VERDICT_VALID)
        punish_for_block(p, v, compact);
    else if (p && alone && !chain_is_ibd(n->chain))
        prefer_announcer(p);
    TAILQ_FOREACH (q, &n->peers, link) {
        if (q->wait_until_us && block_hash_eq(&q->wait_block, &b->hash))
            q->wait_until_us = 0;
    }
}

/* The next messages of the peer see this block's effect. */
static void wait_for_block(struct peer *p, const struct block *b)
{
    const struct block_index *i = chain_find(p->net->chain, &b->hash);
    if (!i || i->chain_tx == 0 || !chain_busy(p->net->chain))
        return;
    p->wait_block = b->hash;
    p->wait_until_us = time_mono_us() + WAIT_FOR_BLOCK_US;
}

static unsigned accept_flags(const struct net *n, const struct block *b, bool requested)
{
    unsigned flags = requested ? ACCEPT_REQUESTED : 0;
    const struct block_index *prev = chain_find(n->chain, &b->header.prev);
    if (prev) {
        struct u256 work = u256_add(prev->h.work, bits_work(b->header.bits));
        if (u256_cmp(work, headers_work_threshold(n)) >= 0)
            flags |= ACCEPT_MIN_POW_CHECKED;
    }
    return flags;
}

void block_arrived(struct net *n, struct peer *p, const struct block *b, bool compact)
{
    struct inflight *own = p ? inflight_of(p, &b->hash) : NULL;
    struct verdict v = {VERDICT_VALID, "", ""};
    bool is_new = false, ignored;
    unsigned flags = accept_flags(n, b, compact || block_is_inflight(n, &b->hash));
    if (own)
        inflight_remove(own);
    if (block_may_be_dressed(b)) {
        if (p)
            peer_misbehaving(p, "mutated block");
        return;
    }
    if (p)
        remember_source(n, &b->hash, p->id, compact);
    bool ok = chain_accept_block(n->chain, b, flags, &is_new, &v);
    if (!ok)
        log_debug(LOG_net, "block refused: %s, %s", v.reason, v.detail);
    /* A damaged copy from somebody else does not end the wait for the right one. */
    if (v.kind != VERDICT_MUTATED)
        inflight_remove_all(n, &b->hash);
    if (p && is_new && ok)
        p->last_block_s = time_now();
    if (!is_new || !ok)
        take_source(n, &b->hash, &ignored);
    if (p && !ok)
        punish_for_block(p, &v, compact);
    if (p && ok && !p->disconnect)
        wait_for_block(p, b);
}

struct parse_job {
    struct job job;
    struct net *net;
    int peer;
    uint8_t *data;
    size_t len;
    struct block *block;
};

static void parse_run(struct job *j)
{
    struct parse_job *job = (struct parse_job *)j;
    job->block = block_parse_take(job->data, job->len);
}

static void bad_block(const struct peer *p)
{
    log_debug(LOG_net, "block of peer=%d does not parse", p->id);
}

static void parse_done(struct job *j)
{
    struct parse_job *job = (struct parse_job *)j;
    struct net *n = job->net;
    struct peer *p = peer_find(n, job->peer);
    n->parsing--;
    if (p) {
        p->parsing--;
        peer_schedule(p);
    }
    if (job->block)
        block_arrived(n, p, job->block, false);
    else if (p)
        bad_block(p);
    block_unref(job->block);
    free(job);
}

HANDLER(block)
{
    struct net *n = p->net;
    if (n->opts.workers && (m->len > PARSE_INLINE || p->parsing > 0)) {
        struct parse_job *job = xcalloc(1, sizeof(*job));
        *job = (struct parse_job){{parse_run, parse_done}, n, p->id, m->data, m->len, NULL};
        m->data = NULL;
        m->len = 0;
        p->parsing++;
        n->parsing++;
        workers_submit(n->opts.workers, &job->job);
        reader_init(r, "", 0);
        return;
    }
    struct block *b = block_parse_take(m->data, m->len);
    m->data = NULL;
    reader_init(r, "", 0);
    if (b)
        block_arrived(n, p, b, false);
    else
        bad_block(p);
    block_unref(b);
}

void download_tip_changed(struct net *n)
{
    n->last_tip_us = time_now_us();
    if (n->stall_timeout_us > STALL_DEFAULT_US) {
        n->stall_timeout_us = n->stall_timeout_us * 85 / 100;
        if (n->stall_timeout_us < STALL_DEFAULT_US)
            n->stall_timeout_us = STALL_DEFAULT_US;
    }
}
