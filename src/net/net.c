/*
 * The network's frame: opens and closes everything, runs the timers, tells the parts what the chain
 * does. Three timers: `work` processes messages in slices (one message a peer at a turn, at most
 * five milliseconds before the loop gets its chance), `tick` does ten times a second what is due at
 * each peer, `dial` makes connections. Nothing runs while there are no peers and none to look for.
 */
#include "net/net.h"

#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/str.h"
#include "util/time.h"

#define SLICE_US       5000
#define TICK_US        100000
#define DIAL_US        500000
#define DUMP_INTERVAL  (15 * 60)
#define RECENT_REJECTS 120000
#define RECENT_BLOCKS  48000

/* ---- timers ---- */

static void arm(struct event *ev, int64_t us)
{
    struct timeval tv = {us / 1000000, us % 1000000};
    if (!event_pending(ev, EV_TIMEOUT, NULL))
        event_add(ev, &tv);
}

void net_wake(struct net *n)
{
    arm(n->ev_work, 0);
}

void peer_schedule(struct peer *p)
{
    if (p->scheduled || p->disconnect)
        return;
    p->scheduled = true;
    TAILQ_INSERT_TAIL(&p->net->work, p, work_link);
    net_wake(p->net);
}

static void on_work(evutil_socket_t fd, short what, void *arg)
{
    struct net *n = arg;
    struct peer *p;
    int64_t end = time_mono_us() + SLICE_US;
    (void)fd;
    (void)what;
    while ((p = TAILQ_FIRST(&n->work)) != NULL) {
        TAILQ_REMOVE(&n->work, p, work_link);
        p->scheduled = false;
        if (peer_process(p))
            peer_schedule(p);
        if (time_mono_us() > end)
            break;
    }
    net_reap(n);
    if (!TAILQ_EMPTY(&n->work))
        net_wake(n);
}

/* Messages that waited may be due now. */
static void schedule_waiting(struct net *n)
{
    struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (p->rx || p->n_getdata > 0 || orphans_has_to_try(n->orphans, p->id))
            peer_schedule(p);
    }
}

static void dump_addresses(struct net *n)
{
    char *path = path_join(n->datadir, "peers.dat");
    if (!addrman_save(n->addrman, path, n->params->magic))
        log_error("cannot write %s", path);
    free(path);
    n->next_dump_s = time_mono_us() / SECOND_US + DUMP_INTERVAL;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct net *n = arg;
    struct peer *p;
    (void)fd;
    (void)what;
    conn_check_timeouts(n);
    relay_buckets_tick(n, time_now_us());
    TAILQ_FOREACH (p, &n->peers, link)
        peer_tick(p);
    schedule_waiting(n);
    net_reap(n);
    if (time_mono_us() / SECOND_US > n->next_dump_s)
        dump_addresses(n);
    if (n->n_peers > 0)
        arm(n->ev_tick, TICK_US);
}

void net_arm_tick(struct net *n)
{
    arm(n->ev_tick, TICK_US);
}

static void on_dial(evutil_socket_t fd, short what, void *arg)
{
    struct net *n = arg;
    (void)fd;
    (void)what;
    dial_tick(n);
    arm(n->ev_dial, DIAL_US);
}

/* ---- the chain ---- */

static void block_connected(void *arg, const struct block *b, const struct block_index *i,
                            const struct block_undo *undo)
{
    struct net *n = arg;
    (void)i;
    (void)undo;
    if (chain_is_ibd(n->chain))
        return; /* nobody tells us of transactions yet */
    tx_block_connected(n, b);
    relay_recent_block(n, b);
}

static void block_disconnected(void *arg, const struct block *b, const struct block_index *i)
{
    (void)b;
    (void)i;
    tx_block_disconnected(arg);
}

/* A long reorganisation passes through tips of less work than the one we told of: no news. */
static bool worth_announcing(const struct net *n, const struct block_index *tip)
{
    const struct block_index *told = n->announced;
    return !told || chain_contains(n->chain, told) || index_less_work(told, tip) ||
           (told->status & (BLOCK_FAILED | BLOCK_FAILED_CHILD));
}

static void tip_changed(void *arg, const struct block_index *tip, const struct block_index *fork,
                        bool ibd)
{
    struct net *n = arg;
    tx_tip_changed(n);
    download_tip_changed(n);
    if (!ibd && worth_announcing(n, tip)) {
        if (n->announced)
            fork = (const struct block_index *)hnode_last_common(&n->announced->h, &tip->h);
        n->announced = tip;
        announce_tip(n, tip, fork);
    }
    schedule_waiting(n);
}

static void block_checked(void *arg, const struct block *b, const struct block_index *i,
                          const struct verdict *v)
{
    (void)i;
    download_block_checked(arg, b, v);
    schedule_waiting(arg);
}

/* Good proof of work on our tip: told before it is checked to who asked for that. */
static void block_accepted(void *arg, const struct block *b, const struct block_index *i)
{
    announce_unchecked(arg, b, i);
}

static const struct chain_events chain_handlers = {
    .block_connected = block_connected,
    .block_disconnected = block_disconnected,
    .tip_changed = tip_changed,
    .block_checked = block_checked,
    .block_accepted = block_accepted,
};

/* ---- life ---- */

static bool parse_whitelist(struct net *n, const char *const *list, char **error)
{
    for (size_t i = 0; list && list[i]; i++) {
        n->whitelist = xreallocarray(n->whitelist, n->n_whitelist + 1, sizeof(*n->whitelist));
        if (!whitelist_parse(list[i], n->opts.default_permissions, &n->whitelist[n->n_whitelist],
                             error))
            return false;
        n->n_whitelist++;
    }
    return true;
}

static bool listen_any(struct net *n, uint16_t port, char **error)
{
    struct netaddr any4 = {.family = ADDR_IPV4, .port = port};
    struct netaddr any6 = {.family = ADDR_IPV6, .port = port};
    char *ignored = NULL;
    if (!conn_listen(n, &any6, 0, &ignored))
        free(ignored); /* no IPv6 here */
    return conn_listen(n, &any4, 0, error);
}

static bool listen_bind(struct net *n, const char *text, uint16_t port, char **error)
{
    struct netaddr a;
    char *copy = xstrdup(text), *onion = strstr(copy, "=onion");
    if (onion)
        *onion = 0; /* where Tor's own connections come in: an address like another */
    bool ok = netaddr_parse(copy, port, &a);
    if (!ok)
        *error = xasprintf("Cannot resolve -bind address: '%s'", text);
    free(copy);
    return ok && conn_listen(n, &a, 0, error);
}

static bool listen_all(struct net *n, const struct net_options *o, char **error)
{
    uint16_t port = o->port ? o->port : n->params->port;
    bool any = true;
    n->listen_port = port;
    for (size_t i = 0; o->bind && o->bind[i]; i++) {
        any = false;
        if (!listen_bind(n, o->bind[i], port, error))
            return false;
    }
    for (size_t i = 0; o->whitebind && o->whitebind[i]; i++) {
        struct netaddr a;
        unsigned permissions;
        any = false;
        if (!whitebind_parse(o->whitebind[i], port, o->default_permissions, &a, &permissions,
                             error) ||
            !conn_listen(n, &a, permissions, error))
            return false;
    }
    return !any || listen_any(n, port, error);
}

/* Our addresses on interfaces, where they can be reached from outside. */
static void discover(struct net *n)
{
    struct ifaddrs *list;
    if (getifaddrs(&list) != 0)
        return;
    for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
        if (!i->ifa_addr)
            continue;
        struct netaddr a = netaddr_from_sockaddr(i->ifa_addr);
        a.port = n->listen_port;
        local_addr_add(n, &a, 1);
    }
    freeifaddrs(list);
}

static struct event *timer(struct net *n, event_callback_fn fn)
{
    struct event *ev = event_new(n->base, -1, 0, fn, n);
    CHECK(ev);
    return ev;
}

static struct net *create_parts(const struct net_options *o)
{
    struct net *n = xcalloc(1, sizeof(*n));
    n->opts = *o;
    n->base = o->base;
    n->chain = o->chain;
    n->mempool = o->mempool;
    n->params = chain_network(o->chain);
    n->user_agent = xstrdup(o->user_agent);
    n->datadir = xstrdup(o->datadir);
    n->active = o->network_active;
    n->services = NODE_WITNESS | NODE_NETWORK_LIMITED;
    if (!chain_pruning(o->chain))
        n->services |= NODE_NETWORK;
    if (o->peer_block_filters)
        n->services |= NODE_COMPACT_FILTERS;
    random_bytes(n->secret, sizeof(n->secret));
    TAILQ_INIT(&n->peers);
    TAILQ_INIT(&n->work);
    n->ev_work = timer(n, on_work);
    n->ev_tick = timer(n, on_tick);
    n->ev_dial = timer(n, on_dial);
    n->txrequest = txrequest_create();
    n->orphans = orphans_create();
    n->addrman = addrman_create(false);
    recent_init(&n->rejects, RECENT_REJECTS);
    recent_init(&n->reconsiderable, RECENT_REJECTS);
    recent_init(&n->confirmed, RECENT_BLOCKS);
    n->next_dump_s = time_mono_us() / SECOND_US + DUMP_INTERVAL;
    download_init(n);
    relay_init(n);
    compact_init(n);
    dial_init(n, o);
    return n;
}

static void free_parts(struct net *n)
{
    event_free(n->ev_work);
    event_free(n->ev_tick);
    event_free(n->ev_dial);
    dial_clear(n);
    conn_close_listeners(n);
    relay_clear(n);
    compact_clear(n);
    download_clear(n);
    txrequest_destroy(n->txrequest);
    orphans_destroy(n->orphans);
    addrman_destroy(n->addrman);
    bans_destroy(n->bans);
    recent_clear(&n->rejects);
    recent_clear(&n->reconsiderable);
    recent_clear(&n->confirmed);
    addr_cache_free(n);
    free(n->whitelist);
    free(n->user_agent);
    free(n->datadir);
    free(n);
}

static bool load(struct net *n, char **error)
{
    char *peers = path_join(n->datadir, "peers.dat");
    char *bans = path_join(n->datadir, "banlist.json");
    n->bans = bans_create(bans);
    bool ok = addrman_load(n->addrman, peers, n->params->magic, error);
    free(peers);
    free(bans);
    return ok;
}

struct net *net_create(const struct net_options *o, char **error)
{
    struct net *n = create_parts(o);
    if (!load(n, error) || !parse_whitelist(n, o->whitelist, error) ||
        (o->listen && !listen_all(n, o, error))) {
        free_parts(n);
        return NULL;
    }
    if (o->listen)
        discover(n);
    chain_subscribe(o->chain, &chain_handlers, n);
    return n;
}

void net_start(struct net *n)
{
    n->started = true;
    conn_start_listeners(n);
    dial_start(n);
    arm(n->ev_dial, DIAL_US);
}

void net_destroy(struct net *n)
{
    struct peer *p;
    if (!n)
        return;
    chain_unsubscribe(n->chain, n);
    while (n->parsing > 0 && workers_wait(n->opts.workers))
        ;
    TAILQ_FOREACH (p, &n->peers, link)
        peer_disconnect(p, "shutdown");
    net_reap(n);
    dump_addresses(n);
    free_parts(n);
}

/* ---- small things that all use ---- */

struct peer *peer_find(struct net *n, int id)
{
    struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (p->id == id && !p->disconnect)
            return p;
    }
    return NULL;
}

void peer_misbehaving(struct peer *p, const char *why)
{
    log_debug(LOG_net, "Misbehaving: peer=%d: %s", p->id, why);
    p->misbehaved = true;
    peer_schedule(p);
}

bool net_blocks_only(const struct net *n)
{
    return n->opts.blocks_only;
}
