/* What the network tells the user, and the small things the user may do to it (RPC). */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/time.h"

static void format_addr(const struct netaddr *a, char *out)
{
    if (a->family == ADDR_NONE)
        out[0] = 0;
    else
        netaddr_format(a, out);
}

static void fill_protocol(const struct peer *p, struct peer_info *i)
{
    i->services = p->services;
    i->version = (uint32_t)p->version;
    memcpy(i->subver, p->subver, sizeof(i->subver));
    i->time_offset = p->time_offset;
    i->relay_txs = p->tx && p->tx->relay;
    i->min_fee_filter = p->tx ? p->tx->fee_filter : 0;
    i->last_inv_sequence = p->tx ? p->tx->last_inv_sequence : 0;
    i->inv_to_send = p->tx ? p->tx->n_to_send : 0;
    i->addr_relay_enabled = p->addrs.enabled;
    i->addr_processed = p->addrs.processed;
    i->addr_rate_limited = p->addrs.rate_limited;
    i->ping_time_us = p->ping_time_us;
    i->min_ping_us = p->ping_min_us;
    i->ping_wait_us = p->ping_nonce ? time_now_us() - p->ping_start_us : -1;
    i->presynced_headers = p->presync ? presync_height(p->presync) : -1;
    i->synced_headers = p->best_known ? p->best_known->h.height : -1;
    i->bip152_to = p->announces_cmpct;
    i->bip152_from = p->wants_cmpct;
    i->synced_blocks = p->last_common ? p->last_common->h.height : -1;
}

static void fill_connection(const struct peer *p, struct peer_info *i)
{
    i->id = p->id;
    if (p->dial_name)
        snprintf(i->addr, sizeof(i->addr), "%s", p->dial_name);
    else
        format_addr(&p->addr, i->addr);
    format_addr(&p->addr_bind, i->addr_bind);
    if (netaddr_is_valid(&p->addr_local) && p->addr_local.port)
        format_addr(&p->addr_local, i->addr_local);
    i->network = addr_family_name(netaddr_network(&p->addr));
    i->last_send = p->last_send_s;
    i->last_recv = p->last_recv_s;
    i->last_transaction = p->last_tx_s;
    i->last_block = p->last_block_s;
    i->conn_time = p->connected_s;
    i->bytes_sent = p->bytes_sent;
    i->bytes_recv = p->bytes_recv;
    i->inbound = !is_outbound(p);
    i->connection_type = conn_type_name(p->type);
    i->transport = p->transport->ops->name;
}

static size_t fill_messages(const struct peer *p, struct peer_msg_bytes *out)
{
    size_t n = 0;
    for (int m = 0; m <= MESSAGE_COUNT; m++) {
        if (p->msg_sent[m] || p->msg_recv[m])
            out[n++] = (struct peer_msg_bytes){message_name(m), p->msg_sent[m], p->msg_recv[m]};
    }
    return n;
}

void net_each_peer(struct net *n, void (*fn)(void *arg, const struct peer_info *p), void *arg)
{
    const struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link) {
        struct peer_info i = {0};
        struct peer_msg_bytes msgs[MESSAGE_COUNT + 1];
        const char *names[PERMISSION_NAMES_MAX];
        int32_t heights[MAX_BLOCKS_PER_PEER];
        const struct inflight *f;
        if (p->disconnect || p->connecting)
            continue;
        fill_connection(p, &i);
        fill_protocol(p, &i);
        TAILQ_FOREACH (f, &p->inflight, link)
            heights[i.n_inflight++] = f->index->h.height;
        i.inflight = heights;
        i.n_msgs = fill_messages(p, msgs);
        i.msgs = msgs;
        permission_names(p->permissions, names);
        i.permissions = names;
        fn(arg, &i);
    }
}

size_t net_peer_count(const struct net *n, bool inbound, bool outbound)
{
    const struct peer *p;
    size_t count = 0;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (!p->disconnect && !p->connecting)
            count += is_outbound(p) ? outbound : inbound;
    }
    return count;
}

bool net_disconnect(struct net *n, const char *addr, int id)
{
    struct peer *p;
    char text[NETADDR_TEXT];
    TAILQ_FOREACH (p, &n->peers, link) {
        if (p->disconnect || p->connecting)
            continue;
        format_addr(&p->addr, text);
        bool named =
            addr && (strcmp(text, addr) == 0 || (p->dial_name && strcmp(p->dial_name, addr) == 0));
        if (named || (!addr && p->id == id)) {
            peer_disconnect(p, "asked by the user");
            return true;
        }
    }
    return false;
}

bool net_disconnect_subnet(struct net *n, const struct subnet *s)
{
    struct peer *p;
    bool any = false;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (!p->disconnect && subnet_contains(s, &p->addr)) {
            peer_disconnect(p, "asked by the user");
            any = true;
        }
    }
    return any;
}

bool net_ban(struct net *n, const struct subnet *s, int64_t until)
{
    if (!bans_add(n->bans, s, until))
        return false;
    net_disconnect_subnet(n, s);
    return true;
}

void net_set_active(struct net *n, bool active)
{
    struct peer *p;
    n->active = active;
    if (active)
        return;
    TAILQ_FOREACH (p, &n->peers, link)
        peer_disconnect(p, "network switched off");
}

bool net_is_active(const struct net *n)
{
    return n->active;
}

void net_ping_all(struct net *n)
{
    struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link)
        p->ping_queued = true;
}

void net_totals(const struct net *n, uint64_t *recv, uint64_t *sent)
{
    *recv = n->total_recv;
    *sent = n->total_sent;
}

uint64_t net_local_services(const struct net *n)
{
    return n->services;
}

const char *net_user_agent(const struct net *n)
{
    return n->user_agent;
}

bool net_relays_txs(const struct net *n)
{
    return !n->opts.blocks_only;
}

int64_t net_ban_seconds(const struct net *n)
{
    return n->opts.ban_seconds;
}

size_t net_local_addresses(const struct net *n, struct net_local_address *out, size_t max)
{
    size_t count = n->n_local < max ? n->n_local : max;
    for (size_t i = 0; i < count; i++) {
        netaddr_format_host(&n->local[i].addr, out[i].addr);
        out[i].port = n->local[i].addr.port;
        out[i].score = n->local[i].score;
    }
    return count;
}

static int cmp_i64(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The median of what outbound peers' clocks say. */
int64_t net_time_offset(const struct net *n)
{
    const struct peer *p;
    int64_t *list = xcalloc(n->n_peers + 1, sizeof(*list)), out;
    size_t count = 0;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (is_outbound(p) && p->established)
            list[count++] = p->time_offset;
    }
    qsort(list, count, sizeof(*list), cmp_i64);
    out = count >= 5 ? list[count / 2] : 0;
    free(list);
    return out;
}

struct bans *net_bans(struct net *n)
{
    return n->bans;
}

struct addrman *net_addrman(struct net *n)
{
    return n->addrman;
}

struct orphans *net_orphans(struct net *n)
{
    return n->orphans;
}

const char *net_fetch_block(struct net *n, int peer_id, const struct block_index *i)
{
    struct peer *p = peer_find(n, peer_id);
    if (!p)
        return "Peer does not exist";
    if (!peer_serves_witness(p))
        return "Pre-SegWit peer";
    if (block_is_inflight(n, &i->h.hash) || !request_block(p, i))
        return "Already requested from this peer";
    return NULL;
}
