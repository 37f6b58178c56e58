/*
 * Answers to those who sync from us: headers, block hashes, blocks. Old branches are shown only
 * while they could be news to an honest peer, so nobody can tell our past by them; a limited node
 * serves the last 288 blocks, and -maxuploadtarget keeps old blocks back first. A getdata is worked
 * on as far as the peer takes what we send, the rest waits.
 */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define MAX_GETBLOCKS   500
#define STALE_LIMIT     (30 * 24 * 60 * 60) /* seconds, by date and by work */
#define HISTORICAL_AGE  (7 * 24 * 60 * 60)
#define LIMITED_SERVED  (288 + 2)
#define UPLOAD_CYCLE    (24 * 60 * 60)
#define MAX_CMPCT_DEPTH 5

/* ---- upload target ---- */

/* The cycle begins with what is sent, not with who asks about it. */
void count_upload(struct net *n, size_t bytes)
{
    int64_t now = time_now();
    if (n->upload_cycle_start_s + UPLOAD_CYCLE < now) {
        n->upload_cycle_start_s = now;
        n->upload_in_cycle = 0;
    }
    n->upload_in_cycle += bytes;
}

static int64_t cycle_left(const struct net *n)
{
    int64_t left = n->upload_cycle_start_s + UPLOAD_CYCLE - time_now();
    if (n->upload_cycle_start_s == 0)
        return UPLOAD_CYCLE;
    return left > 0 ? left : 0;
}

void net_upload_info(struct net *n, struct upload_info *out)
{
    uint64_t target = n->opts.max_upload_target;
    memset(out, 0, sizeof(*out));
    out->target = target;
    out->cycle_seconds = UPLOAD_CYCLE;
    out->serve_historical = true;
    if (target == 0)
        return;
    out->cycle_left = cycle_left(n);
    out->left = n->upload_in_cycle < target ? target - n->upload_in_cycle : 0;
    out->target_reached = n->upload_in_cycle >= target;
    /* New blocks go first: enough is kept for one full block in each spacing that is left. */
    uint64_t reserve = (uint64_t)(out->cycle_left / n->params->spacing) * MAX_BLOCK_SERIALIZED;
    out->serve_historical = reserve < target && n->upload_in_cycle < target - reserve;
}

/* ---- headers and hashes ---- */

static bool may_show(const struct net *n, const struct block_index *i)
{
    const struct block_index *best = chain_best_header(n->chain);
    if (chain_contains(n->chain, i))
        return true;
    if ((i->status & BLOCK_VALID_MASK) < BLOCK_VALID_SCRIPTS ||
        (i->status & (BLOCK_FAILED | BLOCK_FAILED_CHILD)) ||
        (int64_t)best->h.time - i->h.time >= STALE_LIMIT)
        return false;
    if (u256_cmp(i->h.work, best->h.work) >= 0)
        return true;
    double lead = u256_to_double(u256_sub(best->h.work, i->h.work));
    double per_block = u256_to_double(bits_work(best->h.bits));
    return lead / per_block * (double)n->params->spacing < STALE_LIMIT;
}

/* Version, locator, stop. False: the peer is gone or the message bad. */
static bool read_locator(struct peer *p, struct reader *r, struct block_hash *locator, size_t *n,
                         struct block_hash *stop)
{
    read_u32(r);
    uint64_t count = read_compact(r, UINT64_MAX);
    if (reader_ok(r) && count > MAX_LOCATOR) {
        peer_disconnect(p, "locator of %llu hashes", (unsigned long long)count);
        return false;
    }
    *n = (size_t)count;
    for (size_t i = 0; i < *n && reader_ok(r); i++)
        read_bytes(r, locator[i].b, 32);
    read_bytes(r, stop->b, 32);
    return reader_ok(r);
}

static void send_headers_from(struct peer *p, const struct block_index *i,
                              const struct block_hash *stop)
{
    const struct chain *c = p->net->chain;
    struct buf b = BUF_INIT, list = BUF_INIT;
    size_t n = 0;
    while (i && n < MAX_HEADERS) {
        struct header h;
        uint8_t raw[HEADER_SIZE];
        hnode_header(&i->h, &h);
        header_write(&h, raw);
        write_bytes(&list, raw, sizeof(raw));
        write_u8(&list, 0);
        n++;
        if (block_hash_eq(&i->h.hash, stop))
            break;
        i = chain_next(c, i);
    }
    /* NULL at the end: the peer has been shown our tip. */
    p->best_header_sent = i ? i : chain_tip(c);
    write_compact(&b, n);
    write_span(&b, buf_span(&list));
    buf_clear(&list);
    peer_send_buf(p, M_headers, &b);
}

HANDLER(getheaders)
{
    struct net *n = p->net;
    struct block_hash locator[MAX_LOCATOR], stop;
    size_t count;
    const struct block_index *i;
    (void)m;
    if (!read_locator(p, r, locator, &count, &stop))
        return;
    /* Our chain may be a low-work one that somebody fed us: not to be passed on. Silence would look
     * like a stall. */
    if (u256_cmp(chain_tip(n->chain)->h.work, n->opts.min_chain_work) < 0 &&
        !(p->permissions & PERMISSION_DOWNLOAD)) {
        peer_send(p, M_headers, span_of("", 1));
        return;
    }
    if (count == 0) {
        i = chain_find(n->chain, &stop);
        if (!i || !may_show(n, i))
            return;
    } else {
        i = chain_find_locator(n->chain, locator, count);
        i = i ? chain_next(n->chain, i) : NULL;
    }
    send_headers_from(p, i, &stop);
}

HANDLER(getblocks)
{
    struct net *n = p->net;
    struct block_hash locator[MAX_LOCATOR], stop;
    size_t count;
    (void)m;
    if (!read_locator(p, r, locator, &count, &stop))
        return;
    const struct block_index *i = chain_find_locator(n->chain, locator, count);
    i = i ? chain_next(n->chain, i) : NULL;
    for (size_t k = 0; i && !block_hash_eq(&i->h.hash, &stop); i = chain_next(n->chain, i)) {
        if (!(i->status & BLOCK_HAVE_DATA))
            break; /* pruned: what cannot be had is not offered */
        block_invs_add(p, &i->h.hash);
        if (++k == MAX_GETBLOCKS) {
            p->continue_hash = i->h.hash;
            break;
        }
    }
}

/* ---- blocks ---- */

const struct block *load_block(struct net *n, const struct block_index *i)
{
    bool error;
    if (n->recent_block && block_hash_eq(&n->recent_block->hash, &i->h.hash))
        return block_ref(n->recent_block);
    return chain_read_block(n->chain, i, &error);
}

/* False: the peer is to go. */
static bool may_serve(struct peer *p, const struct block_index *i)
{
    struct net *n = p->net;
    struct upload_info up;
    net_upload_info(n, &up);
    bool old = (int64_t)chain_best_header(n->chain)->h.time - i->h.time > HISTORICAL_AGE;
    if (!up.serve_historical && old && !(p->permissions & PERMISSION_DOWNLOAD)) {
        peer_disconnect(p, "historical block serving limit reached");
        return false;
    }
    if (!(p->permissions & PERMISSION_NOBAN_BIT) && !(n->services & NODE_NETWORK) &&
        chain_height(n->chain) - i->h.height > LIMITED_SERVED) {
        peer_disconnect(p, "asked for a block below the limit of a limited node");
        return false;
    }
    return true;
}

/* A compact form is of use only while its transactions are in the other's mempool. */
static bool serves_compact(const struct net *n, const struct block_index *i)
{
    return can_direct_fetch(n) && i->h.height >= chain_height(n->chain) - MAX_CMPCT_DEPTH;
}

/* We told of it before it was checked (BIP152), so we serve it. */
static bool told_unchecked(const struct net *n, const struct block_index *i)
{
    return n->recent_block && block_hash_eq(&n->recent_block->hash, &i->h.hash) &&
           !(i->status & (BLOCK_FAILED | BLOCK_FAILED_CHILD));
}

static void send_block(struct peer *p, const struct block *b, uint32_t type, bool compact)
{
    struct buf out = BUF_INIT;
    if (compact) {
        send_cmpctblock(p, b);
        return;
    }
    if (type != INV_BLOCK) {
        peer_send(p, M_block, b->raw);
        return;
    }
    block_write(&out, b, false);
    peer_send_buf(p, M_block, &out);
}

static void serve_block(struct peer *p, const struct inv *inv)
{
    struct net *n = p->net;
    struct block_hash hash;
    memcpy(hash.b, inv->hash, 32);
    const struct block_index *i = chain_find(n->chain, &hash);
    if (!i || !(may_show(n, i) || told_unchecked(n, i)) || !may_serve(p, i) ||
        !(i->status & BLOCK_HAVE_DATA))
        return;
    const struct block *b = load_block(n, i);
    if (!b)
        return;
    send_block(p, b, inv->type, inv->type == INV_CMPCT_BLOCK && serves_compact(n, i));
    block_unref(b);
    /* The last hash of a getblocks answer: tell of our tip, so that it asks on. */
    if (block_hash_eq(&p->continue_hash, &hash)) {
        block_invs_add(p, &chain_tip(n->chain)->h.hash);
        memset(&p->continue_hash, 0, sizeof(p->continue_hash));
        announce_tick(p);
    }
}

/* ---- getdata ---- */

static void serve_tx(struct peer *p, const struct inv *inv, struct buf *not_found, size_t *missing)
{
    struct buf out = BUF_INIT;
    const struct tx *tx = tx_for_getdata(p, inv);
    if (!p->tx)
        return; /* no transactions between us, not even the lack of one */
    if (!tx) {
        write_u32(not_found, inv->type);
        write_bytes(not_found, inv->hash, 32);
        (*missing)++;
        return;
    }
    /* Without witness for who did not ask for it in either way that implies one. */
    tx_write(&out, tx, inv->type != INV_TX);
    peer_send_buf(p, M_tx, &out);
    mempool_set_unbroadcast(p->net->mempool, &tx->txid, false);
}

static bool is_tx_inv(uint32_t type)
{
    return type == INV_TX || type == INV_WTX || type == INV_WITNESS_TX;
}

static bool is_block_inv(uint32_t type)
{
    return type == INV_BLOCK || type == INV_WITNESS_BLOCK || type == INV_CMPCT_BLOCK;
}

bool serve_getdata(struct peer *p)
{
    struct buf body = BUF_INIT, out = BUF_INIT;
    size_t missing = 0;
    while (p->getdata_at < p->n_getdata && is_tx_inv(p->getdata[p->getdata_at].type) &&
           !peer_send_full(p))
        serve_tx(p, &p->getdata[p->getdata_at++], &body, &missing);
    if (p->getdata_at < p->n_getdata && !peer_send_full(p)) {
        const struct inv *inv = &p->getdata[p->getdata_at];
        if (!is_tx_inv(inv->type)) {
            p->getdata_at++;
            if (is_block_inv(inv->type))
                serve_block(p, inv);
            else if (inv->type == INV_FILTERED_BLOCK)
                peer_disconnect(p, "filtered block asked for without bloom service");
        }
    }
    if (missing > 0) {
        write_compact(&out, missing);
        write_span(&out, buf_span(&body));
        peer_send_buf(p, M_notfound, &out);
    }
    buf_clear(&body);
    if (p->getdata_at < p->n_getdata)
        return true;
    p->n_getdata = p->getdata_at = 0;
    free(p->getdata);
    p->getdata = NULL;
    return false;
}

/* Inventories have one form. NULL where the message is bad; punished where it is too long. */
struct inv *read_invs(struct peer *p, struct reader *r, size_t *n, const char *name)
{
    uint64_t count = read_compact(r, UINT64_MAX);
    if (!reader_ok(r))
        return NULL;
    if (count > MAX_INV) {
        log_debug(LOG_net, "%s message size = %llu", name, (unsigned long long)count);
        peer_misbehaving(p, "inventory too long");
        return NULL;
    }
    if (reader_left(r) / 36 < count) {
        reader_fail(r);
        return NULL;
    }
    struct inv *list = xcalloc(count + 1, sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        list[i].type = read_u32(r);
        read_bytes(r, list[i].hash, 32);
    }
    *n = (size_t)count;
    return list;
}

HANDLER(getdata)
{
    size_t n;
    (void)m;
    struct inv *list = read_invs(p, r, &n, "getdata");
    if (!list)
        return;
    /* The one before is answered: messages wait behind it. */
    CHECK(p->n_getdata == 0);
    p->getdata = list;
    p->n_getdata = n;
    p->getdata_at = 0;
    serve_getdata(p);
}
