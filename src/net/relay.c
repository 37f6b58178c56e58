/*
 * Transactions out. What is accepted is not told at once: each peer gets its news in a batch at
 * random moments (inbound ones all at the same, so that many connections learn no more than one),
 * sorted by what a miner takes first and not by arrival. How many go out in a second is limited by
 * two token buckets, one for inbound and one for outbound peers; what exceeds them waits, best
 * first. A peer may ask for what was in the mempool when it was last told, so it cannot probe for
 * what came since.
 */
#include <stdlib.h>
#include <string.h>

#include "mempool/feerate.h"
#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/time.h"

#define INBOUND_INTERVAL_US   (5 * SECOND_US)
#define OUTBOUND_INTERVAL_US  (2 * SECOND_US)
#define DEFAULT_SEND_RATE     14
#define SIZE_START            12e6
#define SIZE_CAP              50e6
#define SIZE_RATE             20e3
#define SIZE_FLOOR            (-50e3)
#define COUNT_SECONDS         30
#define KNOWN_TXS             50000
#define FEEFILTER_INTERVAL_US (600 * SECOND_US)
#define FEEFILTER_CHANGE_US   (300 * SECOND_US)
#define UNBROADCAST_US        (600 * SECOND_US)
#define MAX_FILTER_FEERATE    1e7

void tx_relay_create(struct peer *p)
{
    p->tx = xcalloc(1, sizeof(*p->tx));
    p->tx->relay = true;
    recent_init(&p->tx->known, KNOWN_TXS);
}

void tx_relay_destroy(struct peer *p)
{
    if (!p->tx)
        return;
    recent_clear(&p->tx->known);
    free(p->tx->to_send);
    free(p->tx);
}

void tx_known(struct peer *p, const uint8_t id[32])
{
    if (p->tx)
        recent_add(&p->tx->known, id, 32);
}

/* ---- buckets ---- */

static void bucket_init(struct inv_bucket *b, unsigned rate, double mult)
{
    memset(b, 0, sizeof(*b));
    b->rate = rate * mult;
    b->count = b->count_cap = (double)rate * COUNT_SECONDS;
    b->count_floor = -1.0 * rate * (double)(INBOUND_INTERVAL_US / SECOND_US);
    b->size = SIZE_START;
    b->size_rate = SIZE_RATE * mult;
    b->at_us = time_now_us();
}

void relay_init(struct net *n)
{
    unsigned rate = net_tx_send_rate(n);
    bucket_init(&n->bucket_in, rate, 1.0);
    bucket_init(&n->bucket_out, rate, (double)INBOUND_INTERVAL_US / OUTBOUND_INTERVAL_US);
    n->next_unbroadcast_us = time_now_us() + UNBROADCAST_US + random_exp_us(UNBROADCAST_US / 4);
    TABLE_INIT(&n->recent_by_txid, struct tx, txid);
    TABLE_INIT(&n->recent_by_wtxid, struct tx, wtxid);
}

void relay_clear(struct net *n)
{
    free(n->bucket_in.backlog);
    free(n->bucket_out.backlog);
    table_clear(&n->recent_by_txid);
    table_clear(&n->recent_by_wtxid);
}

static void bucket_fill(struct inv_bucket *b, int64_t now_us)
{
    double seconds = (double)(now_us - b->at_us) / 1e6;
    b->at_us = now_us;
    if (seconds <= 0)
        return;
    b->count += seconds * b->rate;
    if (b->count > b->count_cap)
        b->count = b->count_cap;
    b->size += seconds * b->size_rate;
    if (b->size > SIZE_CAP)
        b->size = SIZE_CAP;
}

static bool bucket_open(const struct inv_bucket *b)
{
    return b->count > 0 && b->size > 0;
}

/* False where no more may go in this round. */
static bool bucket_take(struct inv_bucket *b, double size)
{
    b->count -= 1;
    b->size -= size;
    return b->count > b->count_floor && b->size > SIZE_FLOOR;
}

static void queue_for_peers(struct net *n, bool outbound, const struct mempool_entry *e)
{
    struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link) {
        struct tx_relay *t = p->tx;
        const uint8_t *id = p->wtxid_relay ? e->tx->wtxid.b : e->txid.b;
        if (is_outbound(p) != outbound || !t || !t->relay || !p->established ||
            recent_has(&t->known, id, 32))
            continue;
        t->to_send =
            array_reserve(t->to_send, &t->cap_to_send, t->n_to_send + 1, sizeof(*t->to_send));
        t->to_send[t->n_to_send++] = e->tx->wtxid;
    }
}

static void bucket_relay(struct net *n, struct inv_bucket *b, bool outbound,
                         const struct mempool_entry *e)
{
    bucket_fill(b, time_now_us());
    if (b->n_backlog == 0 && bucket_open(b)) {
        bucket_take(b, e->tx->total_size);
        queue_for_peers(n, outbound, e);
        return;
    }
    b->backlog = array_reserve(b->backlog, &b->cap_backlog, b->n_backlog + 1, sizeof(*b->backlog));
    b->backlog[b->n_backlog++] = e->tx->wtxid;
}

void relay_tx(struct net *n, const struct wtxid *wtxid)
{
    const struct mempool_entry *e = mempool_get_wtxid(n->mempool, wtxid);
    if (!e)
        return;
    bucket_relay(n, &n->bucket_in, false, e);
    bucket_relay(n, &n->bucket_out, true, e);
}

/* ---- order: what a miner takes first, parents before children ---- */

struct ranked {
    const struct mempool_entry *e;
    struct feefrac chunk;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int c = feefrac_cmp(y->chunk, x->chunk);
    return c ? c : (x->e->serial > y->e->serial) - (x->e->serial < y->e->serial);
}

/* Those of the list that are in the mempool still, best first; caller frees. */
static struct ranked *rank(struct net *n, const struct wtxid *list, size_t count, size_t *out)
{
    struct ranked *r = xcalloc(count + 1, sizeof(*r));
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        const struct mempool_entry *e = mempool_get_wtxid(n->mempool, &list[i]);
        if (!e)
            continue;
        r[(*out)++] = (struct ranked){e, mempool_chunk(n->mempool, e)};
    }
    qsort(r, *out, sizeof(*r), by_rank);
    return r;
}

static void drain(struct net *n, struct inv_bucket *b, bool outbound, int64_t now_us)
{
    size_t count, i = 0;
    bucket_fill(b, now_us);
    if (b->n_backlog == 0 || !bucket_open(b))
        return;
    struct ranked *r = rank(n, b->backlog, b->n_backlog, &count);
    while (i < count) {
        queue_for_peers(n, outbound, r[i].e);
        if (!bucket_take(b, r[i++].e->tx->total_size))
            break;
    }
    b->n_backlog = 0;
    for (; i < count; i++)
        b->backlog[b->n_backlog++] = r[i].e->tx->wtxid;
    free(r);
}

static void retry_unbroadcast(struct net *n)
{
    size_t count;
    struct txid *list = mempool_unbroadcast(n->mempool, &count);
    for (size_t i = 0; i < count; i++) {
        const struct mempool_entry *e = mempool_get(n->mempool, &list[i]);
        if (e)
            relay_tx(n, &e->tx->wtxid);
    }
    free(list);
}

void relay_buckets_tick(struct net *n, int64_t now_us)
{
    drain(n, &n->bucket_in, false, now_us);
    drain(n, &n->bucket_out, true, now_us);
    if (now_us > n->next_unbroadcast_us) {
        n->next_unbroadcast_us =
            now_us + UNBROADCAST_US + (int64_t)random_below((uint64_t)UNBROADCAST_US / 2);
        retry_unbroadcast(n);
    }
}

/* ---- batches to a peer ---- */

#define INV_BATCH 1000

struct batch {
    struct peer *p;
    struct buf list;
    size_t n;
};

static void batch_flush(struct batch *b)
{
    struct buf out = BUF_INIT;
    if (b->n == 0)
        return;
    write_compact(&out, b->n);
    write_span(&out, buf_span(&b->list));
    peer_send_buf(b->p, M_inv, &out);
    buf_reset(&b->list);
    b->n = 0;
}

static void batch_add(struct batch *b, const struct mempool_entry *e)
{
    struct tx_relay *t = b->p->tx;
    bool by_wtxid = b->p->wtxid_relay;
    const uint8_t *id = by_wtxid ? e->tx->wtxid.b : e->txid.b;
    if (recent_has(&t->known, id, 32) || e->fee < feerate_fee(t->fee_filter, e->vsize))
        return;
    recent_add(&t->known, id, 32);
    write_u32(&b->list, by_wtxid ? INV_WTX : INV_TX);
    write_bytes(&b->list, id, 32);
    if (++b->n == INV_BATCH)
        batch_flush(b);
}

static void announce_mempool(struct batch *b)
{
    size_t n;
    const struct mempool_entry **list = mempool_sorted(b->p->net->mempool, &n);
    for (size_t i = 0; i < n; i++)
        batch_add(b, list[i]);
    free(list);
}

static void announce_queued(struct batch *b)
{
    struct tx_relay *t = b->p->tx;
    size_t n;
    struct ranked *r = rank(b->p->net, t->to_send, t->n_to_send, &n);
    for (size_t i = 0; i < n; i++)
        batch_add(b, r[i].e);
    free(r);
    t->n_to_send = 0;
}

/* All inbound peers share one clock. */
static int64_t next_inv(struct peer *p, int64_t now_us)
{
    struct net *n = p->net;
    if (is_outbound(p))
        return now_us + random_exp_us(OUTBOUND_INTERVAL_US);
    if (n->next_inbound_inv_us < now_us)
        n->next_inbound_inv_us = now_us + random_exp_us(INBOUND_INTERVAL_US);
    return n->next_inbound_inv_us;
}

void tx_relay_tick(struct peer *p, int64_t now_us)
{
    struct tx_relay *t = p->tx;
    struct batch b = {p, BUF_INIT, 0};
    if (!t)
        return;
    bool now = p->permissions & PERMISSION_NOBAN_BIT;
    if (t->next_inv_us < now_us) {
        now = true;
        t->next_inv_us = next_inv(p, now_us);
    }
    if (!now)
        return;
    if (!t->relay)
        t->n_to_send = 0;
    if (t->send_mempool) {
        t->send_mempool = false;
        announce_mempool(&b);
    }
    if (t->n_to_send > 0)
        announce_queued(&b);
    batch_flush(&b);
    buf_clear(&b.list);
    t->last_inv_sequence = mempool_sequence(p->net->mempool);
}

HANDLER(mempool)
{
    (void)r;
    (void)m;
    if (!(p->permissions & PERMISSION_MEMPOOL)) {
        if (!(p->permissions & PERMISSION_NOBAN_BIT))
            peer_disconnect(p, "mempool request without permission");
        return;
    }
    if (p->tx)
        p->tx->send_mempool = true;
}

const struct tx *tx_for_getdata(struct peer *p, const struct inv *inv)
{
    struct net *n = p->net;
    const struct mempool_entry *e;
    struct txid txid;
    struct wtxid wtxid;
    memcpy(txid.b, inv->hash, 32);
    memcpy(wtxid.b, inv->hash, 32);
    if (!p->tx)
        return NULL;
    bool by_wtxid = inv->type == INV_WTX;
    e = by_wtxid ? mempool_get_wtxid(n->mempool, &wtxid) : mempool_get(n->mempool, &txid);
    if (e && e->sequence < p->tx->last_inv_sequence)
        return e->tx;
    return table_get(by_wtxid ? &n->recent_by_wtxid : &n->recent_by_txid, inv->hash);
}

/* Transactions of the newest block are still asked for by those who have not seen it. */
void relay_recent_block(struct net *n, const struct block *b)
{
    if (n->recent_block && block_hash_eq(&n->recent_block->hash, &b->hash))
        return;
    block_unref(n->recent_block);
    n->recent_block = block_ref(b);
    table_clear(&n->recent_by_txid);
    table_clear(&n->recent_by_wtxid);
    TABLE_INIT(&n->recent_by_txid, struct tx, txid);
    TABLE_INIT(&n->recent_by_wtxid, struct tx, wtxid);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        table_add(&n->recent_by_txid, (void *)b->tx[i]);
        table_add(&n->recent_by_wtxid, (void *)b->tx[i]);
    }
}

/* ---- fee filter (BIP133) ---- */

HANDLER(feefilter)
{
    (void)m;
    int64_t rate = read_i64(r);
    if (reader_ok(r) && money_range(rate) && p->tx)
        p->tx->fee_filter = rate;
}

/* To a step of a coarse scale, mostly the lower: the exact minimum would tell who we are. */
static int64_t round_feerate(struct net *n, int64_t rate)
{
    int64_t inc = mempool_opts(n->mempool)->incremental_feerate;
    double step = inc / 2 > 1 ? (double)(inc / 2) : 1, lower = 0;
    while (step < (double)rate && step <= MAX_FILTER_FEERATE) {
        lower = step;
        step *= 1.1;
    }
    bool past_end = step > MAX_FILTER_FEERATE;
    if (rate <= 0)
        return 0;
    return (int64_t)(past_end || random_below(3) != 0 ? lower : step);
}

void fee_filter_tick(struct peer *p, int64_t now_us)
{
    struct net *n = p->net;
    struct tx_relay *t = p->tx;
    uint8_t payload[8];
    if (!t || p->common_version < VERSION_FEEFILTER || net_blocks_only(n) ||
        (p->permissions & PERMISSION_FORCERELAY_BIT) || p->type == CONN_BLOCK_RELAY)
        return;
    int64_t current = mempool_min_feerate(n->mempool);
    int64_t closed = round_feerate(n, MAX_MONEY);
    if (chain_is_ibd(n->chain))
        current = MAX_MONEY; /* transactions are of no use to us yet */
    else if (t->fee_filter_sent == closed)
        t->next_fee_filter_us = 0;
    if (now_us > t->next_fee_filter_us) {
        int64_t rate = round_feerate(n, current);
        int64_t min = mempool_opts(n->mempool)->min_relay_feerate;
        rate = rate > min ? rate : min;
        if (rate != t->fee_filter_sent) {
            put_le64(payload, (uint64_t)rate);
            peer_send(p, M_feefilter, span_of(payload, sizeof(payload)));
            t->fee_filter_sent = rate;
        }
        t->next_fee_filter_us = now_us + random_exp_us(FEEFILTER_INTERVAL_US);
    } else if (now_us + FEEFILTER_CHANGE_US < t->next_fee_filter_us &&
               (current < 3 * t->fee_filter_sent / 4 || current > 4 * t->fee_filter_sent / 3)) {
        t->next_fee_filter_us = now_us + (int64_t)random_below((uint64_t)FEEFILTER_CHANGE_US);
    }
}

/* ---- face ---- */

unsigned net_tx_send_rate(const struct net *n)
{
    return n->opts.tx_send_rate ? n->opts.tx_send_rate : DEFAULT_SEND_RATE;
}

void net_inv_buckets(const struct net *n, struct inv_bucket_info *inbound,
                     struct inv_bucket_info *outbound)
{
    *inbound =
        (struct inv_bucket_info){n->bucket_in.n_backlog, n->bucket_in.count, n->bucket_in.size};
    *outbound =
        (struct inv_bucket_info){n->bucket_out.n_backlog, n->bucket_out.count, n->bucket_out.size};
}

void net_broadcast_tx(struct net *n, const struct txid *txid, const struct wtxid *wtxid)
{
    mempool_set_unbroadcast(n->mempool, txid, true);
    relay_tx(n, wtxid);
}
