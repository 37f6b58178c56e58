/*
 * Gossip of addresses (addr, addrv2, getaddr). A peer may tell us one address in ten seconds, and a
 * thousand more when we asked; fresh ones in small messages are passed on to two peers, chosen by
 * the address and the day, so that telling the same again reaches nobody new. Who asks for
 * addresses gets a random part of ours, the same to all who ask within a day, so our table cannot
 * be copied by asking often.
 */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/siphash.h"
#include "util/time.h"

#define ADDR_RATE         0.1  /* per second */
#define ADDR_BUCKET       1000 /* tokens at most */
#define KNOWN_ADDRS       5000
#define SEND_INTERVAL_US  (30 * SECOND_US)
#define LOCAL_INTERVAL_US (24 * 3600 * SECOND_US)
#define ADDR_PENALTY      (2 * 3600)
#define MAX_PERCENT       23
#define MAX_CACHES        16

/* One answer to getaddr for each kind of asker, good for about a day. */
struct addr_cache {
    struct addr_cache *next;
    uint64_t id;
    int64_t expires_us;
    struct addr_info *list;
    size_t n;
};

bool addr_relay_setup(struct peer *p)
{
    struct addr_relay *a = &p->addrs;
    if (p->type == CONN_BLOCK_RELAY || p->type == CONN_FEELER)
        return false;
    if (!a->enabled) {
        a->enabled = true;
        recent_init(&a->known, KNOWN_ADDRS);
        a->tokens += 1;
        a->tokens_us = time_now_us();
    }
    return true;
}

void addr_relay_clear(struct peer *p)
{
    recent_clear(&p->addrs.known);
    free(p->addrs.to_send);
}

/* ---- out ---- */

static bool compatible(const struct peer *p, const struct netaddr *a)
{
    uint8_t ip[16];
    return p->wants_addrv2 || netaddr_v1_bytes(a, ip);
}

static void push_address(struct peer *p, const struct addr_info *i)
{
    struct addr_relay *a = &p->addrs;
    if (!netaddr_is_valid(&i->addr) || !compatible(p, &i->addr) ||
        recent_has(&a->known, &i->addr, sizeof(i->addr)))
        return;
    if (a->n_to_send >= MAX_ADDR) {
        a->to_send[random_below(a->n_to_send)] = *i;
        return;
    }
    a->to_send = array_reserve(a->to_send, &a->cap_to_send, a->n_to_send + 1, sizeof(*a->to_send));
    a->to_send[a->n_to_send++] = *i;
}

static uint64_t relay_rank(const struct net *n, const struct peer *p, const struct netaddr *a,
                           uint64_t day)
{
    struct {
        struct netaddr addr;
        uint32_t peer;
        uint64_t day;
    } key;
    memset(&key, 0, sizeof(key));
    key.addr = *a;
    key.peer = (uint32_t)p->id;
    key.day = day;
    return siphash(n->secret[0], n->secret[1], &key, sizeof(key));
}

/* To the two peers (one or two, where we could not connect to it ourselves) that this day's draw
 * gives the address to. */
static void relay_address(struct net *n, const struct peer *from, const struct addr_info *i,
                          bool reachable)
{
    uint64_t spread = siphash(n->secret[1], n->secret[0], &i->addr, sizeof(i->addr));
    uint64_t day = ((uint64_t)time_now() + spread % 86400) / 86400;
    struct peer *best[2] = {NULL, NULL}, *p;
    uint64_t rank[2] = {0, 0};
    int want = reachable || (spread & 1) ? 2 : 1;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (!p->addrs.enabled || p == from || !compatible(p, &i->addr))
            continue;
        uint64_t r = relay_rank(n, p, &i->addr, day);
        int at = r > rank[0] ? 0 : r > rank[1] ? 1 : 2;
        if (at == 0) {
            rank[1] = rank[0];
            best[1] = best[0];
        }
        if (at < 2) {
            rank[at] = r;
            best[at] = p;
        }
    }
    for (int k = 0; k < want; k++) {
        if (best[k])
            push_address(best[k], i);
    }
}

static void send_addresses(struct peer *p)
{
    struct addr_relay *a = &p->addrs;
    struct buf b = BUF_INIT, list = BUF_INIT;
    size_t n = 0;
    for (size_t i = 0; i < a->n_to_send; i++) {
        const struct addr_info *x = &a->to_send[i];
        if (recent_has(&a->known, &x->addr, sizeof(x->addr)))
            continue;
        recent_add(&a->known, &x->addr, sizeof(x->addr));
        n++;
        write_u32(&list, (uint32_t)x->time);
        if (p->wants_addrv2) {
            write_compact(&list, x->services);
            netaddr_write_v2(&list, &x->addr);
        } else {
            write_u64(&list, x->services);
            netaddr_write_v1(&list, &x->addr);
        }
    }
    a->n_to_send = 0;
    if (a->cap_to_send > 40) {
        free(a->to_send); /* a getaddr's answer: not needed again */
        a->to_send = NULL;
        a->cap_to_send = 0;
    }
    write_compact(&b, n);
    write_span(&b, buf_span(&list));
    buf_clear(&list);
    if (n > 0)
        peer_send(p, p->wants_addrv2 ? M_addrv2 : M_addr, buf_span(&b));
    buf_clear(&b);
}

static void advertise_self(struct peer *p, int64_t now_us)
{
    struct net *n = p->net;
    struct addr_relay *a = &p->addrs;
    struct addr_info i = {.services = n->services, .time = now_us / SECOND_US};
    if (n->n_listeners == 0 || chain_is_ibd(n->chain) || a->next_local_us >= now_us)
        return;
    if (a->next_local_us != 0)
        recent_reset(&a->known); /* so that it is told again */
    if (local_addr_best(p, &i.addr))
        push_address(p, &i);
    a->next_local_us = now_us + random_exp_us(LOCAL_INTERVAL_US);
}

void addr_tick(struct peer *p, int64_t now_us)
{
    struct addr_relay *a = &p->addrs;
    if (!a->enabled)
        return;
    advertise_self(p, now_us);
    if (now_us <= a->next_send_us)
        return;
    a->next_send_us = now_us + random_exp_us(SEND_INTERVAL_US);
    if (a->n_to_send > 0)
        send_addresses(p);
}

/* ---- in ---- */

static struct addr_info *read_addresses(struct reader *r, size_t n, bool v2)
{
    struct addr_info *list = xcalloc(n + 1, sizeof(*list)); /* n <= MAX_ADDR */
    for (size_t i = 0; i < n && reader_ok(r); i++) {
        list[i].time = read_u32(r);
        list[i].services = v2 ? read_compact(r, UINT64_MAX) : read_u64(r);
        list[i].addr = v2 ? netaddr_read_v2(r) : netaddr_read_v1(r);
    }
    if (reader_ok(r))
        return list;
    free(list);
    return NULL;
}

static void shuffle(struct addr_info *list, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below(i);
        struct addr_info t = list[i - 1];
        list[i - 1] = list[j];
        list[j] = t;
    }
}

static void refill(struct addr_relay *a, int64_t now_us)
{
    if (a->tokens < ADDR_BUCKET && now_us > a->tokens_us) {
        a->tokens += (double)(now_us - a->tokens_us) / 1e6 * ADDR_RATE;
        if (a->tokens > ADDR_BUCKET)
            a->tokens = ADDR_BUCKET;
    }
    a->tokens_us = now_us;
}

static bool reachable(const struct netaddr *a)
{
    return a->family == ADDR_IPV4 || a->family == ADDR_IPV6;
}

/* True where the address is to be remembered. */
static bool take_address(struct peer *p, struct addr_info *i, size_t in_message)
{
    struct net *n = p->net;
    int64_t now = time_now();
    if (!(i->services & (NODE_NETWORK | NODE_NETWORK_LIMITED)))
        return false;
    if (i->time <= 100000000 || i->time > now + 600)
        i->time = now - 5 * 86400;
    recent_add(&p->addrs.known, &i->addr, sizeof(i->addr));
    if (bans_is_discouraged(n->bans, &i->addr) || bans_is_banned(n->bans, &i->addr))
        return false;
    p->addrs.processed++;
    if (i->time > now - 600 && !p->addrs.getaddr_sent && in_message <= 10 &&
        netaddr_is_routable(&i->addr))
        relay_address(n, p, i, reachable(&i->addr));
    return reachable(&i->addr);
}

static void process_addresses(struct peer *p, struct addr_info *list, size_t n)
{
    struct addr_relay *a = &p->addrs;
    bool limited = !(p->permissions & PERMISSION_ADDR);
    size_t kept = 0;
    refill(a, time_now_us());
    shuffle(list, n);
    for (size_t i = 0; i < n; i++) {
        if (a->tokens < 1.0) {
            if (limited) {
                a->rate_limited++;
                continue;
            }
        } else {
            a->tokens -= 1.0;
        }
        if (take_address(p, &list[i], n))
            list[kept++] = list[i];
    }
    size_t added = addrman_add(p->net->addrman, list, kept, &p->addr, ADDR_PENALTY);
    log_debug(LOG_net, "addresses from peer=%d: %zu new of %zu", p->id, added, n);
    if (n < MAX_ADDR)
        a->getaddr_sent = false;
    if (p->type == CONN_ADDR_FETCH && n > 1)
        peer_disconnect(p, "addrfetch connection completed");
}

static void on_addresses(struct peer *p, struct reader *r, bool v2)
{
    uint64_t n = read_compact(r, UINT64_MAX);
    if (!reader_ok(r))
        return;
    if (!addr_relay_setup(p)) {
        log_debug(LOG_net, "addresses from peer=%d ignored", p->id);
        return;
    }
    if (n > MAX_ADDR) {
        peer_misbehaving(p, "too many addresses");
        return;
    }
    struct addr_info *list = read_addresses(r, (size_t)n, v2);
    if (list)
        process_addresses(p, list, (size_t)n);
    free(list);
}

HANDLER(addr)
{
    (void)m;
    on_addresses(p, r, false);
}

HANDLER(addrv2)
{
    (void)m;
    on_addresses(p, r, true);
}

/* ---- getaddr ---- */

static struct addr_cache *get_cache(struct peer *p)
{
    struct net *n = p->net;
    int64_t now = time_now_us();
    struct {
        struct netaddr bind;
        uint8_t network, zero[3];
    } key;
    struct addr_cache **at = &n->addr_cache, *c;
    size_t count = 0;
    memset(&key, 0, sizeof(key));
    key.bind = p->addr_bind;
    key.network = (uint8_t)netaddr_network(&p->addr);
    uint64_t id = siphash(n->secret[0], n->secret[1], &key, sizeof(key));
    for (; *at && (*at)->id != id; at = &(*at)->next)
        count++;
    c = *at;
    if (!c) {
        if (count >= MAX_CACHES) /* more listening addresses than that: they share */
            at = &n->addr_cache;
        else
            *at = xcalloc(1, sizeof(**at));
        c = *at;
        c->id = id;
    }
    if (c->expires_us <= now) {
        free(c->list);
        c->list = addrman_sample(n->addrman, MAX_ADDR, MAX_PERCENT, ADDR_NONE, true, &c->n);
        c->expires_us = now + INT64_C(21) * 3600 * SECOND_US +
                        (int64_t)random_below((uint64_t)6 * 3600 * SECOND_US);
    }
    return c;
}

void addr_cache_free(struct net *n)
{
    for (struct addr_cache *c = n->addr_cache, *next; c; c = next) {
        next = c->next;
        free(c->list);
        free(c);
    }
}

static void answer_getaddr(struct peer *p, const struct addr_info *list, size_t n)
{
    p->addrs.n_to_send = 0;
    for (size_t i = 0; i < n; i++) {
        if (!bans_is_banned(p->net->bans, &list[i].addr) &&
            !bans_is_discouraged(p->net->bans, &list[i].addr))
            push_address(p, &list[i]);
    }
}

HANDLER(getaddr)
{
    (void)r;
    (void)m;
    /* Only who came to us is answered: asking those we chose would reveal whom we know. */
    if (is_outbound(p) || !addr_relay_setup(p) || p->addrs.getaddr_received)
        return;
    p->addrs.getaddr_received = true;
    if (p->permissions & PERMISSION_ADDR) {
        size_t n;
        struct addr_info *list =
            addrman_sample(p->net->addrman, MAX_ADDR, MAX_PERCENT, ADDR_NONE, true, &n);
        answer_getaddr(p, list, n);
        free(list);
    } else {
        const struct addr_cache *c = get_cache(p);
        answer_getaddr(p, c->list, c->n);
    }
}

/* ---- our own address ---- */

void local_addr_add(struct net *n, const struct netaddr *a, int score)
{
    if (!netaddr_is_routable(a) || n->n_local == ARRAY_LEN(n->local))
        return;
    for (size_t i = 0; i < n->n_local; i++) {
        if (netaddr_same_host(&n->local[i].addr, a))
            return;
    }
    n->local[n->n_local].addr = *a;
    n->local[n->n_local++].score = score;
}

void local_addr_seen(struct net *n, const struct netaddr *a)
{
    for (size_t i = 0; i < n->n_local; i++) {
        if (netaddr_same_host(&n->local[i].addr, a))
            n->local[i].score++;
    }
}

bool local_addr_best(const struct peer *p, struct netaddr *out)
{
    const struct net *n = p->net;
    int best = -1;
    for (size_t i = 0; i < n->n_local; i++) {
        if (n->local[i].addr.family == p->addr.family && n->local[i].score > best) {
            best = n->local[i].score;
            *out = n->local[i].addr;
        }
    }
    /* What the peer sees us as is at least good for telling it to that peer. */
    if (netaddr_is_routable(&p->addr_local) && netaddr_is_routable(&p->addr) &&
        (best < 0 || random_below(2) == 0)) {
        uint16_t port = best >= 0 ? out->port : n->listen_port;
        *out = p->addr_local;
        if (is_outbound(p))
            out->port = port;
        best = 0;
    }
    return best >= 0;
}
