/*
 * From queued messages to handlers: one table says of each message how long it may be, when it is
 * welcome, and who takes it. A peer's messages are processed in order, one at a turn, so no peer
 * keeps the loop to itself.
 *
 * A message may have to wait, and all behind it with it: transactions while blocks are being
 * connected (coins run ahead of the tip then), anything behind a block that is still being parsed
 * or checked, so that a peer which sends a block and then asks sees its effect. Only blocks pass: a
 * sync is a stream of them.
 */
#include "net/internal.h"
#include "util/log.h"
#include "util/time.h"

enum when {
    UNKNOWN,   /* not ours: dropped */
    FIRST,     /* only "version" opens */
    HANDSHAKE, /* any time after version; the handler minds verack */
    LATER      /* after verack */
};

static const struct {
    size_t max_size;
    enum when when;
    void (*handle)(struct peer *p, struct reader *r, struct message *m);
} table[MESSAGE_COUNT] = {
    [M_version] = {MAX_MESSAGE_SIZE, FIRST, on_version},
    [M_verack] = {MAX_MESSAGE_SIZE, HANDSHAKE, on_verack},
    [M_wtxidrelay] = {MAX_MESSAGE_SIZE, HANDSHAKE, on_wtxidrelay},
    [M_sendaddrv2] = {MAX_MESSAGE_SIZE, HANDSHAKE, on_sendaddrv2},
    [M_feature] = {MAX_MESSAGE_SIZE, HANDSHAKE, on_feature},
    [M_ping] = {MAX_MESSAGE_SIZE, LATER, on_ping},
    [M_pong] = {MAX_MESSAGE_SIZE, LATER, on_pong},
    [M_addr] = {MAX_MESSAGE_SIZE, LATER, on_addr},
    [M_addrv2] = {MAX_MESSAGE_SIZE, LATER, on_addrv2},
    [M_getaddr] = {MAX_MESSAGE_SIZE, LATER, on_getaddr},
    [M_inv] = {MAX_MESSAGE_SIZE, LATER, on_inv},
    [M_getdata] = {MAX_MESSAGE_SIZE, LATER, on_getdata},
    [M_notfound] = {MAX_MESSAGE_SIZE, LATER, on_notfound},
    [M_getblocks] = {MAX_MESSAGE_SIZE, LATER, on_getblocks},
    [M_getheaders] = {MAX_MESSAGE_SIZE, LATER, on_getheaders},
    [M_headers] = {MAX_MESSAGE_SIZE, LATER, on_headers},
    [M_sendheaders] = {MAX_MESSAGE_SIZE, LATER, on_sendheaders},
    [M_block] = {MAX_MESSAGE_SIZE, LATER, on_block},
    [M_tx] = {MAX_MESSAGE_SIZE, LATER, on_tx},
    [M_mempool] = {MAX_MESSAGE_SIZE, LATER, on_mempool},
    [M_feefilter] = {MAX_MESSAGE_SIZE, LATER, on_feefilter},
    [M_sendcmpct] = {MAX_MESSAGE_SIZE, HANDSHAKE, on_sendcmpct},
    [M_cmpctblock] = {MAX_MESSAGE_SIZE, LATER, on_cmpctblock},
    [M_getblocktxn] = {MAX_MESSAGE_SIZE, LATER, on_getblocktxn},
    [M_blocktxn] = {MAX_MESSAGE_SIZE, LATER, on_blocktxn},
    [M_filterload] = {MAX_MESSAGE_SIZE, LATER, on_nobloom},
    [M_filteradd] = {MAX_MESSAGE_SIZE, LATER, on_nobloom},
    [M_filterclear] = {MAX_MESSAGE_SIZE, LATER, on_nobloom},
};

/* BIP37 service is off: who asks for it did not read our services (BIP111). */
HANDLER(nobloom)
{
    (void)r;
    peer_disconnect(p, "%s without bloom service", m->name);
}

static void dispatch(struct peer *p, struct message *m)
{
    struct reader r;
    enum when when = m->id < MESSAGE_COUNT ? table[m->id].when : UNKNOWN;
    log_debug(LOG_net, "received: %s (%zu bytes) peer=%d", m->id < MESSAGE_COUNT ? m->name : "?",
              m->len, p->id);
    if (!p->got_version && when != FIRST) {
        log_debug(LOG_net, "non-version message before version handshake from peer=%d", p->id);
        return;
    }
    if (when == UNKNOWN)
        return;
    if (when == LATER && !p->established) {
        log_debug(LOG_net, "%s before verack from peer=%d", m->name, p->id);
        return;
    }
    if (m->len > table[m->id].max_size) {
        peer_misbehaving(p, "message too long");
        return;
    }
    reader_init(&r, m->data, m->len);
    table[m->id].handle(p, &r, m);
    if (!reader_ok(&r))
        log_debug(LOG_net, "%s (%zu bytes) from peer=%d does not parse", m->name, m->len, p->id);
}

/* Whether the first message has to wait. */
static bool must_wait(struct peer *p, const struct message *m)
{
    bool busy = chain_busy(p->net->chain);
    if (m->id == M_tx)
        return busy || p->parsing > 0;
    if (m->id == M_block)
        return false;
    if (p->parsing > 0)
        return true;
    if (p->wait_until_us && (!busy || time_mono_us() > p->wait_until_us))
        p->wait_until_us = 0;
    return p->wait_until_us != 0;
}

static struct message *take_first(struct peer *p)
{
    struct message *m = p->rx;
    p->rx = m->next;
    if (!p->rx)
        p->rx_tail = &p->rx;
    p->rx_bytes -= sizeof(*m) + m->len;
    m->next = NULL;
    return m;
}

/* A rule was broken: who is not dear to us goes, and is remembered. */
static void punish(struct peer *p)
{
    struct net *n = p->net;
    struct peer *q;
    p->misbehaved = false;
    if ((p->permissions & PERMISSION_NOBAN_BIT) || p->type == CONN_MANUAL)
        return;
    if (!netaddr_is_loopback(&p->addr))
        bans_discourage(n->bans, &p->addr);
    peer_disconnect(p, "misbehaving");
    if (netaddr_is_loopback(&p->addr))
        return;
    TAILQ_FOREACH (q, &n->peers, link) {
        if (netaddr_same_host(&q->addr, &p->addr) && !(q->permissions & PERMISSION_NOBAN_BIT))
            peer_disconnect(q, "address discouraged");
    }
}

bool peer_process(struct peer *p)
{
    if (p->disconnect)
        return false;
    if (p->n_getdata > 0 && serve_getdata(p))
        return !peer_send_full(p);
    if (!chain_busy(p->net->chain) && tx_process_orphan(p))
        return true;
    if (!p->rx || peer_send_full(p) || must_wait(p, p->rx))
        return false;
    struct message *m = take_first(p);
    dispatch(p, m);
    message_free(m);
    peer_resume(p);
    if (p->misbehaved)
        punish(p);
    if (!p->disconnect)
        peer_tick(p);
    return !p->disconnect && (p->rx != NULL || p->n_getdata > 0);
}

void peer_tick(struct peer *p)
{
    int64_t now_us = time_now_us();
    if (p->misbehaved)
        punish(p);
    if (!p->established || p->disconnect)
        return;
    ping_tick(p, now_us);
    addr_fetch_tick(p, now_us / SECOND_US);
    if (p->disconnect)
        return;
    addr_tick(p, now_us);
    headers_tick(p, now_us);
    announce_tick(p);
    tx_relay_tick(p, now_us);
    download_tick(p, now_us);
    consider_eviction(p, now_us / SECOND_US);
    tx_download_tick(p, now_us);
    fee_filter_tick(p, now_us);
}
