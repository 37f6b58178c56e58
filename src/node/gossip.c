/* The network and the fee estimator with their options. */
#include <stdlib.h>
#include <string.h>

#include "mempool/fees.h"
#include "net/net.h"
#include "node/node.h"
#include "util/mem.h"
#include "util/str.h"

#define PEER_BUFFER_UNIT 1000

void fees_part_open(struct node *node)
{
    node->fees = fees_create(node->mempool, node->chain);
    fees_load(node->fees, node->netdir, option_bool(node->options, "acceptstalefeeestimates"));
}

void fees_part_save(struct node *node)
{
    (void)fees_save(node->fees, node->netdir); /* logged; estimates can be made anew */
}

void fees_part_close(struct node *node)
{
    fees_flush_unconfirmed(node->fees);
    fees_part_save(node);
    fees_destroy(node->fees);
}

/* "-connect=0" and "-noconnect" are an empty list; without the option there is none. */
static const char *const *connect_list(const struct options *o)
{
    static const char *const none[] = {NULL};
    const char *const *list = option_list(o, "connect");
    if (option_is_negated(o, "connect"))
        return none;
    if (!list[0])
        return NULL;
    return !list[1] && strcmp(list[0], "0") == 0 ? none : list;
}

/* A number of MiB, or with a unit behind it: a small letter for a power of 1000, a capital one of
 * 1024. */
static bool upload_target(struct node *node, uint64_t *bytes)
{
    static const char units[] = "kKmMgGtT";
    const char *text = option_str(node->options, "maxuploadtarget");
    size_t len = text ? strlen(text) : 0;
    const char *unit =
        len > 0 && strchr(units, text[len - 1]) ? strchr(units, text[len - 1]) : NULL;
    char *digits = xstrndup(text ? text : "", unit ? len - 1 : len);
    unsigned power = unit ? (unsigned)(unit - units) / 2 + 1 : 2;
    bool ok = parse_u64(digits, bytes), decimal = unit && (unit - units) % 2 == 0;
    for (unsigned i = 0; ok && i < power; i++)
        ok = !__builtin_mul_overflow(*bytes, (uint64_t)(decimal ? 1000 : 1024), bytes);
    free(digits);
    if (!ok)
        node->error = xasprintf("Unable to parse -maxuploadtarget: '%s'", text);
    return ok;
}

static unsigned default_permissions(const struct options *o)
{
    unsigned out = PERMISSIONS_DEFAULT;
    bool force = option_bool(o, "whitelistforcerelay");
    if (!option_bool(o, "whitelistrelay") && !force)
        out &= ~(unsigned)PERMISSION_RELAY;
    return force ? out | PERMISSION_FORCERELAY : out;
}

bool net_part_open(struct node *node)
{
    const struct options *o = node->options;
    int64_t port = option_is_set(o, "port") ? option_int(o, "port") : node->net->port;
    int64_t connections = option_int(o, "maxconnections");
    int64_t percent = option_int(o, "inboundrelaypercent");
    if (port < 1 || port > 65535)
        node->error = xasprintf("Invalid port specified in -port: '%s'", option_str(o, "port"));
    else if (connections < 0)
        node->error = xstrdup("-maxconnections must be greater or equal than zero");
    else if (option_int(o, "peertimeout") <= 0)
        node->error = xstrdup("peertimeout must be a positive integer.");
    else if (!option_bool(o, "listen") && option_list(o, "bind")[0])
        node->error = xstrdup("Cannot set -bind or -whitebind together with -listen=0");
    uint64_t target = 0;
    if (node->error || !upload_target(node, &target))
        return false;
    int64_t extra = option_int(o, "blockreconstructionextratxn");
    extra = extra < 0 ? 0 : extra > UINT32_MAX ? UINT32_MAX : extra;
    struct net_options no = {
        .base = node->base,
        .chain = node->chain,
        .mempool = node->mempool,
        .workers = node->workers,
        .min_chain_work = node->min_chain_work,
        .datadir = node->netdir,
        .user_agent = node->user_agent,
        .bind = option_list(o, "bind"),
        .port = (uint16_t)port,
        .listen = option_bool(o, "listen"),
        .connect = connect_list(o),
        .add_nodes = option_list(o, "addnode"),
        .seed_nodes = option_list(o, "seednode"),
        .dns_seed = option_bool(o, "dnsseed"),
        .force_dns_seed = option_bool(o, "forcednsseed"),
        .max_connections = (unsigned)connections,
        .peer_timeout_s = option_int(o, "peertimeout"),
        .connect_timeout_ms = option_int(o, "timeout"),
        .max_send_buffer = (size_t)option_int(o, "maxsendbuffer") * PEER_BUFFER_UNIT,
        .max_receive_buffer = (size_t)option_int(o, "maxreceivebuffer") * PEER_BUFFER_UNIT,
        .blocks_only = option_bool(o, "blocksonly"),
        .extra_txs = (size_t)extra,
        .network_active = option_bool(o, "networkactive"),
        .ban_seconds = option_int(o, "bantime"),
        .max_upload_target = target,
        .default_permissions = default_permissions(o),
        .whitelist = option_list(o, "whitelist"),
        .whitebind = option_list(o, "whitebind"),
        .inbound_relay_percent = percent < 0     ? 0
                                 : percent > 100 ? 100
                                                 : (int)percent,
        .tx_send_rate = (unsigned)option_int(o, "txsendrate"),
    };
    node->p2p = net_create(&no, &node->error);
    return node->p2p != NULL;
}
