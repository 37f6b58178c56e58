/*
 * The version handshake and pings. Who connects speaks first; after both versions, and before
 * verack, the two agree on what changes the meaning of later messages (wtxidrelay, sendaddrv2,
 * features). A connection to ourselves is known by the nonce of our own version message.
 */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/str.h"
#include "util/time.h"

#define PING_INTERVAL_US     (120 * SECOND_US)
#define PING_TIMEOUT_US      (20 * 60 * SECOND_US)
#define ADDR_FETCH_TIMEOUT_S 300
#define VERSION_PONG         60000 /* pings have nonces after this version (BIP31) */

void send_version(struct peer *p)
{
    struct net *n = p->net;
    struct buf b = BUF_INIT;
    struct netaddr none = {ADDR_NONE};
    uint8_t ip[16];
    /* What does not fit the old form, and what a relay in between would see, stays zero. */
    bool tell = netaddr_v1_bytes(&p->addr, ip) && netaddr_is_routable(&p->addr);
    bool relay = !refuses_txs(p);
    write_u32(&b, PROTOCOL_VERSION);
    write_u64(&b, n->services);
    write_u64(&b, (uint64_t)time_now());
    write_u64(&b, tell ? p->services : 0);
    netaddr_write_v1(&b, tell ? &p->addr : &none);
    write_u64(&b, n->services);
    netaddr_write_v1(&b, &none);
    write_u64(&b, p->nonce);
    write_var_span(&b, span_of(n->user_agent, strlen(n->user_agent)));
    write_u32(&b, (uint32_t)chain_height(n->chain));
    write_u8(&b, relay);
    p->version_sent = true;
    peer_send_buf(p, M_version, &b);
}

struct version_message {
    int32_t version;
    uint64_t services;
    int64_t time;
    struct netaddr addr_me;
    uint64_t nonce;
    struct span subver;
    int32_t height;
    bool relay;
};

/* Old versions end earlier: what is absent keeps its default. */
static bool parse_version(struct reader *r, struct version_message *v)
{
    uint8_t skip[26];
    memset(v, 0, sizeof(*v));
    v->nonce = 1;
    v->height = -1;
    v->relay = true;
    v->version = read_i32(r);
    v->services = read_u64(r);
    v->time = read_i64(r);
    read_u64(r);
    v->addr_me = netaddr_read_v1(r);
    if (reader_left(r) > 0) {
        read_bytes(r, skip, sizeof(skip));
        v->nonce = read_u64(r);
    }
    if (reader_left(r) > 0)
        v->subver = read_var_span(r, MAX_SUBVERSION);
    if (reader_left(r) > 0)
        v->height = read_i32(r);
    if (reader_left(r) > 0)
        v->relay = read_u8(r) != 0;
    if (v->time < 0)
        v->time = 0;
    return reader_ok(r);
}

/* Only characters that cannot do harm in a log or a terminal. */
static void clean_subver(char *out, struct span in)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               " .,;-_/:?@()";
    for (size_t i = 0; i < in.len; i++) {
        if (in.data[i] && strchr(safe, in.data[i]))
            *out++ = (char)in.data[i];
    }
    *out = 0;
}

/* Peers that we choose ourselves must be able to serve us. */
static bool services_suffice(const struct peer *p, uint64_t services)
{
    struct net *n = p->net;
    if (p->type == CONN_INBOUND || p->type == CONN_MANUAL || p->type == CONN_FEELER)
        return true;
    if (!(services & NODE_WITNESS))
        return false;
    if (services & NODE_NETWORK)
        return true;
    int64_t age = time_now() - chain_tip(n->chain)->h.time;
    return (services & NODE_NETWORK_LIMITED) && age < 144 * n->params->spacing;
}

static bool is_self(const struct net *n, uint64_t nonce)
{
    const struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (is_outbound(p) && !p->connecting && !p->established && p->nonce == nonce)
            return true;
    }
    return false;
}

static bool version_acceptable(struct peer *p, const struct version_message *v)
{
    struct net *n = p->net;
    if (is_outbound(p))
        addrman_set_services(n->addrman, &p->addr, v->services);
    if (!services_suffice(p, v->services)) {
        peer_disconnect(p, "does not offer the services that we look for (%08llx)",
                        (unsigned long long)v->services);
        return false;
    }
    if (v->version < MIN_PEER_PROTOCOL_VERSION) {
        peer_disconnect(p, "obsolete version %d", v->version);
        return false;
    }
    if (!is_outbound(p) && is_self(n, v->nonce)) {
        peer_disconnect(p, "it is ourselves");
        return false;
    }
    return true;
}

/* What is to be agreed before verack. */
static void send_negotiation(struct peer *p)
{
    if (p->common_version >= VERSION_WTXID_RELAY) {
        peer_send(p, M_wtxidrelay, span_of(NULL, 0));
        peer_send(p, M_sendaddrv2, span_of(NULL, 0));
    }
    peer_send(p, M_verack, span_of(NULL, 0));
}

static void take_version(struct peer *p, const struct version_message *v)
{
    p->got_version = true;
    p->version = v->version;
    p->common_version = v->version < PROTOCOL_VERSION ? v->version : PROTOCOL_VERSION;
    p->services = v->services;
    p->start_height = v->height;
    p->addr_local = v->addr_me;
    p->time_offset = v->time - time_now();
    clean_subver(p->subver, v->subver);
    if (p->type != CONN_BLOCK_RELAY && p->type != CONN_FEELER && v->relay)
        tx_relay_create(p);
    p->preferred = (is_outbound(p) || (p->permissions & PERMISSION_NOBAN_BIT)) &&
                   p->type != CONN_ADDR_FETCH && p->type != CONN_FEELER && peer_serves_blocks(p) &&
                   (p->services & NODE_NETWORK || p->services & NODE_NETWORK_LIMITED);
    p->net->n_preferred += p->preferred;
}

/* Relaying costs memory: only a part of the inbound slots may. */
static void limit_relaying_peers(struct peer *p)
{
    struct net *n = p->net;
    const struct peer *q;
    unsigned count = 0, max = inbound_slots(n) * (unsigned)n->opts.inbound_relay_percent / 100;
    if (is_outbound(p) || !p->tx || (p->permissions & PERMISSION_NOBAN_BIT))
        return;
    TAILQ_FOREACH (q, &n->peers, link)
        count += !is_outbound(q) && q->tx && q->tx->relay && !q->disconnect;
    if (count > max && !evict_inbound(n, true))
        peer_disconnect(p, "too many peers that relay transactions");
}

HANDLER(version)
{
    struct net *n = p->net;
    struct version_message v;
    (void)m;
    if (p->got_version) {
        log_debug(LOG_net, "redundant version message from peer=%d", p->id);
        return;
    }
    if (!parse_version(r, &v) || !version_acceptable(p, &v))
        return;
    if (!is_outbound(p) && netaddr_is_routable(&v.addr_me))
        local_addr_seen(n, &v.addr_me);
    if (!is_outbound(p))
        send_version(p);
    take_version(p, &v);
    limit_relaying_peers(p);
    send_negotiation(p);
    log_debug(LOG_net, "peer=%d: version %d, height %d, %s", p->id, v.version, v.height, p->subver);
    if (!is_outbound(p))
        return;
    addrman_good(n->addrman, &p->addr);
    if (p->type == CONN_FEELER) {
        peer_disconnect(p, "feeler done");
        return;
    }
    if (addr_relay_setup(p)) {
        peer_send(p, M_getaddr, span_of(NULL, 0));
        p->addrs.getaddr_sent = true;
        p->addrs.tokens += MAX_ADDR;
    }
}

HANDLER(verack)
{
    struct net *n = p->net;
    (void)r;
    (void)m;
    if (p->established) {
        log_debug(LOG_net, "redundant verack from peer=%d", p->id);
        return;
    }
    p->established = true;
    if (p->common_version >= VERSION_COMPACT_BLOCKS)
        send_sendcmpct(p, false);
    if (p->tx)
        p->tx->last_inv_sequence = mempool_sequence(n->mempool);
    if (is_outbound(p))
        log_info("New %s peer connected: transport: %s, version: %d, blocks=%d, peer=%d",
                 conn_type_name(p->type), p->transport->ops->name, p->version, p->start_height,
                 p->id);
}

HANDLER(wtxidrelay)
{
    (void)r;
    (void)m;
    if (p->established)
        peer_disconnect(p, "wtxidrelay received after verack");
    else if (p->common_version >= VERSION_WTXID_RELAY)
        p->wtxid_relay = true;
}

HANDLER(sendaddrv2)
{
    (void)r;
    (void)m;
    if (p->established)
        peer_disconnect(p, "sendaddrv2 received after verack");
    else
        p->wants_addrv2 = true;
}

/* BIP434: an id of 4 to 80 bytes and up to 512 bytes of data. We know none yet. */
HANDLER(feature)
{
    (void)m;
    if (p->established) {
        peer_disconnect(p, "feature received after verack");
        return;
    }
    if (p->common_version < VERSION_FEATURE) {
        peer_disconnect(p, "feature received with incompatible version");
        return;
    }
    struct span id = read_var_span(r, 80);
    read_var_span(r, 512);
    if (!reader_done(r) || id.len < 4)
        peer_disconnect(p, "invalid feature payload");
}

/* ---- ping ---- */

HANDLER(ping)
{
    uint8_t nonce[8];
    (void)m;
    if (p->common_version <= VERSION_PONG)
        return;
    read_bytes(r, nonce, sizeof(nonce));
    if (reader_ok(r))
        peer_send(p, M_pong, span_of(nonce, sizeof(nonce)));
}

static void ping_finished(struct peer *p, int64_t took_us)
{
    p->ping_nonce = 0;
    if (took_us < 0)
        return;
    p->ping_time_us = took_us;
    if (p->ping_min_us < 0 || took_us < p->ping_min_us)
        p->ping_min_us = took_us;
}

HANDLER(pong)
{
    if (m->len < 8) {
        log_debug(LOG_net, "pong peer=%d: Short payload", p->id);
        p->ping_nonce = 0;
        return;
    }
    uint64_t nonce = read_u64(r);
    if (p->ping_nonce == 0) {
        log_debug(LOG_net, "pong peer=%d: Unsolicited pong without ping", p->id);
    } else if (nonce == p->ping_nonce) {
        ping_finished(p, m->time_us - p->ping_start_us);
    } else {
        log_debug(LOG_net, "pong peer=%d: Nonce %s", p->id, nonce ? "mismatch" : "zero");
        if (nonce == 0) /* a peer that does not understand nonces */
            p->ping_nonce = 0;
    }
}

/* It was asked for addresses: if it has none to tell, others do. */
void addr_fetch_tick(struct peer *p, int64_t now_s)
{
    if (p->type == CONN_ADDR_FETCH && now_s > p->connected_s + ADDR_FETCH_TIMEOUT_S)
        peer_disconnect(p, "addrfetch connection timeout");
}

void ping_tick(struct peer *p, int64_t now_us)
{
    uint8_t payload[8];
    if (p->ping_nonce && now_us > p->ping_start_us + PING_TIMEOUT_US &&
        now_us / SECOND_US > p->connected_s + p->net->opts.peer_timeout_s) {
        peer_disconnect(p, "ping timeout: %.6fs", (double)(now_us - p->ping_start_us) / 1e6);
        return;
    }
    bool due = p->ping_nonce == 0 && now_us > p->ping_start_us + PING_INTERVAL_US;
    if (!due && !p->ping_queued)
        return;
    do
        p->ping_nonce = random_u64();
    while (p->ping_nonce == 0);
    p->ping_queued = false;
    p->ping_start_us = now_us;
    put_le64(payload, p->ping_nonce);
    peer_send(p, M_ping, span_of(payload, sizeof(payload)));
}
