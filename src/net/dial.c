/*
 * Whom to connect to: the nodes that the user names, again and again with growing pauses; otherwise
 * eight full and two block-relay-only peers out of the address manager, no two of one group; a
 * feeler now and then to learn which addresses live. Where we know too few addresses the network's
 * DNS seeds and the user's seed nodes are asked. Runs from one timer, one new connection at a turn.
 */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "net/resolve.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/siphash.h"
#include "util/time.h"

#define RETRY_FIRST_US     (2 * SECOND_US)
#define RETRY_MAX_US       (60 * SECOND_US)
#define GOOD_CONNECTION_S  60
#define FEELER_INTERVAL_US (120 * SECOND_US)
#define SEED_WAIT_FEW_US   (11 * SECOND_US)
#define SEED_WAIT_MANY_US  (300 * SECOND_US)
#define SEED_MANY          1000
#define SEED_NODE_WAIT_US  (10 * SECOND_US)
#define ADDRS_PER_SEED     32
#define AUTO_PAUSE_US      (SECOND_US / 2)
#define DAY                86400

static char **copy_strings(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    char **out = xcalloc(n + 1, sizeof(char *));
    for (size_t i = 0; i < n; i++)
        out[i] = xstrdup(list[i]);
    return out;
}

static void free_strings(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

static void add_name(struct net *n, const char *name)
{
    n->added = array_reserve(n->added, &n->cap_added, n->n_added + 1, sizeof(*n->added));
    n->added[n->n_added++] = (struct added_node){xstrdup(name), 0, RETRY_FIRST_US};
}

void dial_init(struct net *n, const struct net_options *o)
{
    n->resolver = resolver_create(n->base);
    n->use_connect_only = o->connect != NULL;
    n->connect_only = copy_strings(o->connect);
    n->seed_nodes = copy_strings(o->seed_nodes);
    for (size_t i = 0; o->add_nodes && o->add_nodes[i]; i++)
        net_add_node(n, o->add_nodes[i]);
}

void dial_start(struct net *n)
{
    int64_t now = time_mono_us();
    size_t known = addrman_size(n->addrman);
    n->dns_done = !n->opts.dns_seed && !n->opts.force_dns_seed;
    n->dns_at_us = now;
    if (known > 0 && !n->opts.force_dns_seed)
        n->dns_at_us += known < SEED_MANY ? SEED_WAIT_FEW_US : SEED_WAIT_MANY_US;
    n->seed_node_at_us = known > 0 ? now + SEED_NODE_WAIT_US : now;
    n->next_feeler_us = now + random_exp_us(FEELER_INTERVAL_US);
    for (size_t i = 0; n->connect_only[i]; i++)
        add_name(n, n->connect_only[i]);
    dial_tick(n);
}

void dial_clear(struct net *n)
{
    resolver_destroy(n->resolver);
    n->resolver = NULL;
    for (size_t i = 0; i < n->n_added; i++)
        free(n->added[i].name);
    free(n->added);
    free_strings(n->connect_only);
    free_strings(n->seed_nodes);
}

unsigned count_type(const struct net *n, enum conn_type type)
{
    const struct peer *p;
    unsigned count = 0;
    TAILQ_FOREACH (p, &n->peers, link)
        count += p->type == type && !p->disconnect;
    return count;
}

bool already_connected(struct net *n, const struct netaddr *a)
{
    const struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (!p->disconnect && netaddr_eq(&p->addr, a))
            return true;
    }
    return false;
}

static const struct peer *find_by_name(const struct net *n, const char *name)
{
    const struct peer *p;
    struct netaddr a;
    bool numeric = netaddr_parse(name, n->params->port, &a);
    TAILQ_FOREACH (p, &n->peers, link) {
        if (p->disconnect)
            continue;
        if ((p->dial_name && strcmp(p->dial_name, name) == 0) ||
            (numeric && netaddr_eq(&p->addr, &a)))
            return p;
    }
    return NULL;
}

/* ---- by name ---- */

struct named_dial {
    struct net *net;
    char *name;
    enum conn_type type;
};

static void dial_addr(struct net *n, const struct netaddr *a, const char *name, enum conn_type type)
{
    if (!n->active || already_connected(n, a))
        return;
    if (type != CONN_MANUAL && (bans_is_banned(n->bans, a) || bans_is_discouraged(n->bans, a)))
        return;
    struct peer *p = conn_dial(n, a, name, type);
    if (!p)
        log_debug(LOG_net, "cannot connect to %s", name ? name : "a peer");
}

static void named_resolved(void *arg, const struct netaddr *list, size_t count)
{
    struct named_dial *d = arg;
    if (count > 0 && !find_by_name(d->net, d->name))
        dial_addr(d->net, &list[random_below(count)], d->name, d->type);
    free(d->name);
    free(d);
}

static void dial_name(struct net *n, const char *name, enum conn_type type)
{
    struct netaddr a;
    char host[256];
    uint16_t port = n->params->port;
    if (netaddr_parse(name, n->params->port, &a)) {
        dial_addr(n, &a, name, type);
        return;
    }
    if (!host_port_split(name, host, sizeof(host), &port) || !*host)
        return;
    struct named_dial *d = xcalloc(1, sizeof(*d));
    *d = (struct named_dial){n, xstrdup(name), type};
    resolver_ask(n->resolver, host, port, 64, named_resolved, d);
}

static void dial_added(struct net *n, int64_t now)
{
    for (size_t i = 0; i < n->n_added; i++) {
        struct added_node *a = &n->added[i];
        if (now < a->next_try_us || find_by_name(n, a->name) ||
            count_type(n, CONN_MANUAL) >= MAX_ADDNODE)
            continue;
        a->next_try_us = now + a->backoff_us;
        a->backoff_us = a->backoff_us * 2 < RETRY_MAX_US ? a->backoff_us * 2 : RETRY_MAX_US;
        dial_name(n, a->name, CONN_MANUAL);
    }
}

void dial_closed(struct peer *p)
{
    struct net *n = p->net;
    bool was_good = p->established && time_now() - p->connected_s > GOOD_CONNECTION_S;
    if (is_outbound(p) && p->established && p->type != CONN_BLOCK_RELAY)
        addrman_connected(n->addrman, &p->addr);
    for (size_t i = 0; p->dial_name && was_good && i < n->n_added; i++) {
        struct added_node *a = &n->added[i];
        if (strcmp(a->name, p->dial_name) == 0) {
            a->backoff_us = RETRY_FIRST_US;
            a->next_try_us = time_mono_us() + RETRY_FIRST_US;
        }
    }
}

/* ---- by ourselves ---- */

static bool group_in_use(const struct net *n, const struct netaddr *a)
{
    const struct peer *p;
    uint8_t group[17];
    uint64_t keyed = siphash(n->secret[0], n->secret[1], group, netaddr_group(a, group));
    TAILQ_FOREACH (p, &n->peers, link) {
        if ((p->type == CONN_OUTBOUND_FULL || p->type == CONN_BLOCK_RELAY) && !p->disconnect &&
            p->netgroup == keyed)
            return true;
    }
    return false;
}

static bool is_local(const struct net *n, const struct netaddr *a)
{
    for (size_t i = 0; i < n->n_local; i++) {
        if (netaddr_eq(&n->local[i].addr, a))
            return true;
    }
    return false;
}

static bool services_promise(const struct net *n, uint64_t services)
{
    (void)n;
    return (services & NODE_WITNESS) && (services & (NODE_NETWORK | NODE_NETWORK_LIMITED));
}

/* An address worth a try, within a hundred draws. */
static bool draw_address(struct net *n, bool feeler, struct addr_info *out)
{
    int64_t last_try, now = time_now();
    for (int tries = 0; tries < 100; tries++) {
        bool collision = feeler && addrman_select_collision(n->addrman, out, &last_try);
        if (!collision && !addrman_select(n->addrman, feeler, out, &last_try))
            return false;
        if (!netaddr_is_valid(&out->addr) || is_local(n, &out->addr) ||
            already_connected(n, &out->addr))
            continue;
        if (!feeler && group_in_use(n, &out->addr))
            continue;
        if (now - last_try < 600 && tries < 30)
            continue;
        if (!feeler && !services_promise(n, out->services))
            continue;
        if (out->addr.family != ADDR_IPV4 && out->addr.family != ADDR_IPV6)
            continue; /* needs a proxy */
        return true;
    }
    return false;
}

static void dial_drawn(struct net *n, enum conn_type type)
{
    struct addr_info info;
    if (!draw_address(n, type == CONN_FEELER, &info))
        return;
    addrman_attempt(n->addrman, &info.addr, count_type(n, CONN_OUTBOUND_FULL) > 1);
    if (bans_is_banned(n->bans, &info.addr) || bans_is_discouraged(n->bans, &info.addr))
        return;
    struct peer *p = conn_dial(n, &info.addr, NULL, type);
    if (p)
        p->services = info.services;
}

static void dial_automatic(struct net *n, int64_t now)
{
    unsigned max = n->opts.max_connections;
    unsigned max_full = max < MAX_OUTBOUND_FULL ? max : MAX_OUTBOUND_FULL;
    unsigned max_blocks =
        max - max_full < MAX_OUTBOUND_BLOCKS ? max - max_full : MAX_OUTBOUND_BLOCKS;
    if (now < n->next_auto_us || addrman_size(n->addrman) == 0)
        return;
    n->next_auto_us = now + AUTO_PAUSE_US;
    addrman_resolve_collisions(n->addrman);
    if (count_type(n, CONN_OUTBOUND_FULL) < max_full) {
        dial_drawn(n, CONN_OUTBOUND_FULL);
    } else if (count_type(n, CONN_BLOCK_RELAY) < max_blocks) {
        dial_drawn(n, CONN_BLOCK_RELAY);
    } else if (now > n->next_feeler_us) {
        n->next_feeler_us = now + random_exp_us(FEELER_INTERVAL_US);
        dial_drawn(n, CONN_FEELER);
    }
}

/* ---- seeds ---- */

static void seed_resolved(void *arg, const struct netaddr *list, size_t count)
{
    struct net *n = arg;
    struct addr_info out[64];
    struct netaddr source = {ADDR_NONE}; /* one source for all seeds: a few buckets at most */
    for (size_t i = 0; i < count; i++) {
        out[i].addr = list[i];
        out[i].services = NODE_NETWORK | NODE_WITNESS;
        out[i].time = time_now() - 3 * DAY - (int64_t)random_below(4 * DAY);
    }
    size_t added = addrman_add(n->addrman, out, count, &source, 0);
    log_info("%zu addresses found from DNS seeds", added);
}

static unsigned established_full(const struct net *n)
{
    const struct peer *p;
    unsigned count = 0;
    TAILQ_FOREACH (p, &n->peers, link)
        count += p->type == CONN_OUTBOUND_FULL && p->established;
    return count;
}

static void ask_seeds(struct net *n, int64_t now)
{
    char host[256];
    if (n->dns_done || now < n->dns_at_us)
        return;
    n->dns_done = true;
    if (!n->opts.force_dns_seed && established_full(n) >= 2)
        return;
    for (size_t i = 0; n->params->dns_seeds && n->params->dns_seeds[i]; i++) {
        /* The name's first part asks for full nodes with witnesses. */
        snprintf(host, sizeof(host), "x%x.%s", NODE_NETWORK | NODE_WITNESS,
                 n->params->dns_seeds[i]);
        resolver_ask(n->resolver, host, n->params->port, ADDRS_PER_SEED, seed_resolved, n);
    }
}

static void ask_seed_nodes(struct net *n, int64_t now)
{
    if (!n->seed_nodes[n->next_seed_node] || now < n->seed_node_at_us || established_full(n) >= 2)
        return;
    n->seed_node_at_us = now + SEED_NODE_WAIT_US;
    dial_name(n, n->seed_nodes[n->next_seed_node++], CONN_ADDR_FETCH);
}

void dial_tick(struct net *n)
{
    int64_t now = time_mono_us();
    if (!n->active)
        return;
    dial_added(n, now);
    ask_seed_nodes(n, now);
    if (n->use_connect_only)
        return;
    ask_seeds(n, now);
    dial_automatic(n, now);
}

/* ---- face ---- */

bool net_add_node(struct net *n, const char *node)
{
    for (size_t i = 0; i < n->n_added; i++) {
        if (strcmp(n->added[i].name, node) == 0)
            return false;
    }
    add_name(n, node);
    if (n->started)
        dial_tick(n);
    return true;
}

bool net_remove_node(struct net *n, const char *node)
{
    for (size_t i = 0; i < n->n_added; i++) {
        if (strcmp(n->added[i].name, node) != 0)
            continue;
        free(n->added[i].name);
        n->added[i] = n->added[--n->n_added];
        return true;
    }
    return false;
}

bool net_try_node(struct net *n, const char *node)
{
    if (find_by_name(n, node))
        return false;
    dial_name(n, node, CONN_MANUAL);
    return true;
}

size_t net_added_nodes(struct net *n, struct added_node_info *out, size_t max)
{
    size_t count = n->n_added < max ? n->n_added : max;
    for (size_t i = 0; i < count; i++) {
        const struct peer *p = find_by_name(n, n->added[i].name);
        out[i] = (struct added_node_info){.node = n->added[i].name};
        if (!p || p->connecting)
            continue;
        out[i].connected = true;
        out[i].inbound = !is_outbound(p);
        netaddr_format(&p->addr, out[i].addr);
    }
    return count;
}

bool net_add_connection(struct net *n, const char *addr, const char *type, bool *bad_type)
{
    static const struct {
        enum conn_type type;
        unsigned max;
    } types[] = {
        {CONN_OUTBOUND_FULL, MAX_OUTBOUND_FULL},
        {CONN_BLOCK_RELAY, MAX_OUTBOUND_BLOCKS},
        {CONN_ADDR_FETCH, 1000},
        {CONN_FEELER, 1000},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(conn_type_name(types[i].type), type) != 0)
            continue;
        *bad_type = false;
        if (count_type(n, types[i].type) >= types[i].max)
            return false;
        dial_name(n, addr, types[i].type);
        return true;
    }
    *bad_type = true;
    return false;
}
