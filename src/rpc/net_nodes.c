/* Methods about whom the node connects to, whom it bans, and which addresses it knows. */
#include <string.h>

#include "net/orphans.h"
#include "rpc/net.h"
#include "util/mem.h"
#include "util/time.h"

#define MAX_ADDED 1000

/* ---- added nodes ---- */

static struct rpc_answer *addnode(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    const char *node = rpc_arg_str(call, "node"), *command = rpc_arg_str(call, "command");
    bool v2 = rpc_arg_bool(call, "v2transport", false);
    if (rpc_failed(call))
        return rpc_fail(call);
    bool once = strcmp(command, "onetry") == 0, add = strcmp(command, "add") == 0;
    if (!once && !add && strcmp(command, "remove") != 0)
        return rpc_usage(call);
    if (!*node)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Error: Node address cannot be empty");
    if (v2 && !(net_local_services(n) & NODE_P2P_V2))
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Error: v2transport requested but not enabled (see -v2transport)");
    if (once)
        net_try_node(n, node);
    else if (add && !net_add_node(n, node))
        return rpc_error(call, RPC_CLIENT_NODE_ALREADY_ADDED, "Error: Node already added");
    else if (!add && !net_remove_node(n, node))
        return rpc_error(call, RPC_CLIENT_NODE_NOT_ADDED,
                         "Error: Node could not be removed. It has not been added previously.");
    return rpc_ok_null(call);
}

static struct rpc_answer *disconnectnode(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    const char *address = rpc_arg_str(call, "address");
    bool by_id = rpc_arg_given(call, "nodeid"), by_address = address && *address;
    int64_t id = rpc_arg_int(call, "nodeid", 0);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (by_id == by_address)
        return rpc_error(call, RPC_INVALID_PARAMS,
                         "Only one of address and nodeid should be provided.");
    struct subnet s;
    bool ok;
    if (by_address && strchr(address, '/') && subnet_parse(address, &s))
        ok = net_disconnect_subnet(n, &s);
    else
        ok = net_disconnect(n, by_address ? address : NULL, (int)id);
    if (!ok)
        return rpc_error(call, RPC_CLIENT_NODE_NOT_CONNECTED, "Node not found in connected nodes");
    return rpc_ok_null(call);
}

static void put_added(struct json *j, const struct added_node_info *a)
{
    json_begin_object(j, NULL);
    json_put_str(j, "addednode", a->node);
    json_put_bool(j, "connected", a->connected);
    json_begin_array(j, "addresses");
    if (a->connected) {
        json_begin_object(j, NULL);
        json_put_str(j, "address", a->addr);
        json_put_str(j, "connected", a->inbound ? "inbound" : "outbound");
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

static struct rpc_answer *getaddednodeinfo(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    const char *only = rpc_arg_str(call, "node");
    struct json *j = rpc_result(call);
    bool found = false;
    if (rpc_failed(call))
        return rpc_fail(call);
    struct added_node_info *list = xcalloc(MAX_ADDED, sizeof(*list));
    size_t count = net_added_nodes(n, list, MAX_ADDED);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < count; i++) {
        if (only && strcmp(list[i].node, only) != 0)
            continue;
        put_added(j, &list[i]);
        found = true;
    }
    json_end(j);
    free(list);
    if (only && !found)
        return rpc_error(call, RPC_CLIENT_NODE_NOT_ADDED, "Error: Node has not been added.");
    return rpc_ok(call);
}

/* ---- bans ---- */

static struct rpc_answer *ban_add(struct rpc_call *call, const struct subnet *s)
{
    struct net *n = rpc_net(call);
    int64_t time = rpc_arg_int64(call, "bantime", 0), now = time_now();
    bool absolute = rpc_arg_bool(call, "absolute", false);
    bool host = s->bits == 255 || s->bits == addr_family_len(s->base.family) * 8;
    if (rpc_failed(call))
        return rpc_fail(call);
    if (host ? bans_is_banned(net_bans(n), &s->base) : bans_has(net_bans(n), s))
        return rpc_error(call, RPC_CLIENT_NODE_ALREADY_ADDED, "Error: IP/Subnet already banned");
    if (absolute && time < now)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Error: Absolute timestamp is in the past");
    if (time <= 0)
        time = net_ban_seconds(n);
    net_ban(n, s, absolute && rpc_arg_int64(call, "bantime", 0) > 0 ? time : now + time);
    return rpc_ok_null(call);
}

static struct rpc_answer *setban(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    const char *text = rpc_arg_str(call, "subnet"), *command = rpc_arg_str(call, "command");
    struct subnet s;
    if (rpc_failed(call))
        return rpc_fail(call);
    bool add = strcmp(command, "add") == 0;
    if (!add && strcmp(command, "remove") != 0)
        return rpc_usage(call);
    if (!subnet_parse(text, &s))
        return rpc_error(call, RPC_CLIENT_INVALID_IP_OR_SUBNET, "Error: Invalid IP/Subnet");
    if (add)
        return ban_add(call, &s);
    if (!bans_remove(net_bans(n), &s))
        return rpc_error(call, RPC_CLIENT_INVALID_IP_OR_SUBNET,
                         "Error: Unban failed. Requested address/subnet was not previously "
                         "manually banned.");
    return rpc_ok_null(call);
}

static struct rpc_answer *listbanned(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    struct json *j = rpc_result(call);
    char text[NETADDR_TEXT + 8];
    size_t count;
    if (!n)
        return rpc_fail(call);
    const struct ban *list = bans_list(net_bans(n), &count);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(j, NULL);
        json_put_str(j, "address", subnet_format(&list[i].subnet, text));
        json_put_int(j, "ban_created", list[i].created);
        json_put_int(j, "banned_until", list[i].until);
        json_put_int(j, "ban_duration", list[i].until - list[i].created);
        json_put_int(j, "time_remaining", list[i].until - time_now());
        json_end(j);
    }
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *clearbanned(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    if (!n)
        return rpc_fail(call);
    bans_clear(net_bans(n));
    return rpc_ok_null(call);
}

/* ---- addresses ---- */

static const enum addr_family families[] = {ADDR_IPV4, ADDR_IPV6, ADDR_ONION, ADDR_I2P, ADDR_CJDNS};

static struct rpc_answer *getnodeaddresses(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    int64_t count = rpc_arg_int(call, "count", 1);
    const char *network = rpc_arg_str(call, "network");
    struct json *j = rpc_result(call);
    char text[NETADDR_TEXT];
    size_t found;
    if (rpc_failed(call))
        return rpc_fail(call);
    if (count < 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Address count out of range");
    enum addr_family f = network ? addr_family_find(network) : ADDR_NONE;
    if (network && f == ADDR_NONE)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Network not recognized: %s", network);
    struct addr_info *list = addrman_sample(net_addrman(n), (size_t)count, 0, f, true, &found);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < found; i++) {
        if (bans_is_banned(net_bans(n), &list[i].addr))
            continue;
        json_begin_object(j, NULL);
        json_put_int(j, "time", list[i].time);
        json_put_uint(j, "services", list[i].services);
        json_put_str(j, "address", netaddr_format_host(&list[i].addr, text));
        json_put_uint(j, "port", list[i].addr.port);
        json_put_str(j, "network", addr_family_name(netaddr_network(&list[i].addr)));
        json_end(j);
    }
    json_end(j);
    free(list);
    return rpc_ok(call);
}

static void put_counts(struct json *j, const char *key, const struct addrman *a, enum addr_family f)
{
    size_t fresh = addrman_count(a, f, true, false), tried = addrman_count(a, f, false, true);
    json_begin_object(j, key);
    json_put_uint(j, "new", fresh);
    json_put_uint(j, "tried", tried);
    json_put_uint(j, "total", fresh + tried);
    json_end(j);
}

static struct rpc_answer *getaddrmaninfo(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    struct json *j = rpc_result(call);
    if (!n)
        return rpc_fail(call);
    json_begin_object(j, NULL);
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        put_counts(j, addr_family_name(families[i]), net_addrman(n), families[i]);
    put_counts(j, "all_networks", net_addrman(n), ADDR_NONE);
    json_end(j);
    return rpc_ok(call);
}

static void put_entry(void *arg, const struct addr_entry_info *e)
{
    struct json *j = arg;
    char text[NETADDR_TEXT], key[32];
    snprintf(key, sizeof(key), "%d/%d", e->bucket, e->position);
    json_begin_object(j, key);
    json_put_str(j, "address", netaddr_format_host(&e->info.addr, text));
    json_put_uint(j, "port", e->info.addr.port);
    json_put_uint(j, "services", e->info.services);
    json_put_int(j, "time", e->info.time);
    json_put_str(j, "network", addr_family_name(netaddr_network(&e->info.addr)));
    json_put_str(j, "source", netaddr_format_host(&e->source, text));
    json_put_str(j, "source_network", addr_family_name(netaddr_network(&e->source)));
    json_end(j);
}

static struct rpc_answer *getrawaddrman(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    struct json *j = rpc_result(call);
    if (!n)
        return rpc_fail(call);
    json_begin_object(j, NULL);
    json_begin_object(j, "new");
    addrman_each(net_addrman(n), false, put_entry, j);
    json_end(j);
    json_begin_object(j, "tried");
    addrman_each(net_addrman(n), true, put_entry, j);
    json_end(j);
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *addpeeraddress(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    const char *text = rpc_arg_str(call, "address"), *error = NULL;
    int64_t port = rpc_arg_int(call, "port", 0);
    bool tried = rpc_arg_bool(call, "tried", false);
    struct json *j = rpc_result(call);
    struct addr_info info = {.services = NODE_NETWORK | NODE_WITNESS, .time = time_now()};
    if (rpc_failed(call))
        return rpc_fail(call);
    if (port < 0 || port > 65535)
        return rpc_error(call, RPC_MISC_ERROR, "JSON integer out of range");
    if (!netaddr_parse(text, (uint16_t)port, &info.addr))
        return rpc_error(call, RPC_CLIENT_INVALID_IP_OR_SUBNET, "Invalid IP address");
    info.addr.port = (uint16_t)port;
    if (addrman_add(net_addrman(n), &info, 1, &info.addr, 0) == 0)
        error = "failed-adding-to-new";
    else if (tried && !addrman_good(net_addrman(n), &info.addr))
        error = "failed-adding-to-tried";
    json_begin_object(j, NULL);
    if (error)
        json_put_str(j, "error", error);
    json_put_bool(j, "success", !error);
    json_end(j);
    return rpc_ok(call);
}

/* ---- orphans ---- */

struct orphan_output {
    struct json *j;
    int64_t verbosity;
};

static void put_orphan(void *arg, const struct orphan_info *o)
{
    const struct orphan_output *out = arg;
    struct json *j = out->j;
    if (out->verbosity == 0) {
        json_put_hash(j, NULL, o->tx->txid.b);
        return;
    }
    json_begin_object(j, NULL);
    json_put_hash(j, "txid", o->tx->txid.b);
    json_put_hash(j, "wtxid", o->tx->wtxid.b);
    json_put_uint(j, "bytes", o->tx->total_size);
    json_put_uint(j, "vsize", tx_vsize(o->tx));
    json_put_uint(j, "vsize_bip141", tx_vsize(o->tx));
    json_put_uint(j, "weight", tx_weight(o->tx));
    json_begin_array(j, "from");
    for (size_t i = 0; i < o->n_peers; i++)
        json_put_int(j, NULL, o->peers[i]);
    json_end(j);
    if (out->verbosity == 2)
        json_put_hex(j, "hex", o->tx->raw.data, o->tx->raw.len);
    json_end(j);
}

static struct rpc_answer *getorphantxs(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    struct orphan_output out = {rpc_result(call), rpc_arg_verbosity(call, "verbosity", 0)};
    struct json_object *v = rpc_arg(call, "verbosity");
    if (v && json_object_is_type(v, json_type_boolean))
        return rpc_error(call, RPC_TYPE_ERROR, "Verbosity was boolean but only integer allowed");
    if (rpc_failed(call))
        return rpc_fail(call);
    if (out.verbosity < 0 || out.verbosity > 2)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Invalid verbosity value %lld",
                         (long long)out.verbosity);
    json_begin_array(out.j, NULL);
    orphans_each(net_orphans(n), put_orphan, &out);
    json_end(out.j);
    return rpc_ok(call);
}

/* ---- for tests ---- */

static struct rpc_answer *addconnection(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    const char *address = rpc_arg_str(call, "address");
    const char *type = rpc_arg_str(call, "connection_type");
    bool v2 = rpc_arg_bool(call, "v2transport", false), bad_type;
    struct json *j = rpc_result(call);
    if (rpc_failed(call))
        return rpc_fail(call);
    if (!rpc_ctx(call)->net->is_test_chain || strcmp(rpc_ctx(call)->net->name, "regtest") != 0)
        return rpc_error(call, RPC_MISC_ERROR,
                         "addconnection is for regression testing (-regtest mode) only.");
    if (v2 && !(net_local_services(n) & NODE_P2P_V2))
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Error: Adding v2transport connections requires -v2transport init flag "
                         "to be set.");
    if (!net_add_connection(n, address, type, &bad_type)) {
        if (bad_type)
            return rpc_error(call, RPC_INVALID_PARAMETER, "Unknown connection type");
        return rpc_error(call, RPC_CLIENT_NODE_CAPACITY_REACHED,
                         "Error: Already at capacity for specified connection type.");
    }
    json_begin_object(j, NULL);
    json_put_str(j, "address", address);
    json_put_str(j, "connection_type", type);
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *sendmsgtopeer(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    int64_t peer = rpc_arg_int(call, "peer_id", 0);
    const char *name = rpc_arg_str(call, "msg_type"), *hex = rpc_arg_str(call, "msg");
    struct buf payload = BUF_INIT;
    if (rpc_failed(call))
        return rpc_fail(call);
    if (strlen(name) > 12)
        return rpc_error(call, RPC_INVALID_PARAMETER, "Error: msg_type too long, max length is 12");
    if (!hex_read(&payload, hex)) {
        buf_clear(&payload);
        return rpc_error(call, RPC_INVALID_PARAMETER, "Error parsing input for msg");
    }
    bool ok = net_send_message(n, (int)peer, name, buf_span(&payload));
    buf_clear(&payload);
    if (!ok)
        return rpc_error(call, RPC_MISC_ERROR, "Error: Could not send message to peer");
    json_begin_object(rpc_result(call), NULL);
    json_end(rpc_result(call));
    return rpc_ok(call);
}

#define COUNTS "{new:num, tried:num, total:num}"
#define ENTRY                                                                                    \
    "{address:str, port:num, services:num, time:time, network:str, source:str, mapped_as?:num, " \
    "source_network:str, source_mapped_as?:num}"

#define ORPHAN \
    "{txid:hex, wtxid:hex, bytes:num, vsize:num, vsize_bip141:num, weight:num, from:[num]"

const struct rpc_method rpc_net_nodes_methods[] = {
    {"addnode", addnode,
     "Adds a node to those that are always connected to, removes one, or tries one once. They "
     "have eight places of their own beside -maxconnections, and are not dropped for misbehaving.",
     RPC_PARAMS({"node", "str", RPC_REQUIRED, "The address, with or without a port"},
                {"command", "str", RPC_REQUIRED, "'add', 'remove' or 'onetry'"},
                {"v2transport", "bool", "set by -v2transport", "Use the encrypted transport"}),
     "null"},
    {"clearbanned", clearbanned, "Lifts all bans.", RPC_NO_PARAMS, "null"},
    {"disconnectnode", disconnectnode, "Ends a connection, by its address or its number.",
     RPC_PARAMS({"address", "str", "fallback to nodeid", "Address and port"},
                {"nodeid", "num", "fallback to address", "As getpeerinfo numbers it"}),
     "null"},
    {"getaddednodeinfo", getaddednodeinfo, "The added nodes (not those of onetry).",
     RPC_PARAMS({"node", "str", "all nodes", "Only this one"}),
     "[{addednode:str, connected:bool, addresses:[{address:str, connected:str}]}]"},
    {"getaddrmaninfo", getaddrmaninfo, "How many addresses are known of each network.",
     RPC_NO_PARAMS, "{<network>:" COUNTS "}"},
    {"getnodeaddresses", getnodeaddresses, "Known addresses, picked at random.",
     RPC_PARAMS({"count", "num", "1", "At most so many; 0: all"},
                {"network", "str", "all networks", "ipv4, ipv6, onion, i2p or cjdns"}),
     "[{time:time, services:num, address:str, port:num, network:str}]"},
    {"listbanned", listbanned, "Banned addresses and subnets.", RPC_NO_PARAMS,
     "[{address:str, ban_created:time, banned_until:time, ban_duration:time, "
     "time_remaining:time}]"},
    {"setban", setban, "Bans an address or a subnet, or lifts its ban.",
     RPC_PARAMS({"subnet", "str", RPC_REQUIRED, "An address, with or without a netmask"},
                {"command", "str", RPC_REQUIRED, "'add' or 'remove'"},
                {"bantime", "num", "0", "Seconds; 0: as -bantime says"},
                {"absolute", "bool", "false", "bantime is a date, not a duration"}),
     "null"},
    {0},
};

const struct rpc_method rpc_net_hidden_methods[] = {
    {"addconnection", addconnection, "Opens an outbound connection of a type. For tests.",
     RPC_PARAMS({"address", "str", RPC_REQUIRED, "Address and port"},
                {"connection_type", "str", RPC_REQUIRED,
                 "\"outbound-full-relay\", \"block-relay-only\", \"addr-fetch\" or \"feeler\""},
                {"v2transport", "bool", RPC_REQUIRED, "Use the encrypted transport"}),
     "{address:str, connection_type:str}", true},
    {"addpeeraddress", addpeeraddress, "Adds an address to the known ones. For tests.",
     RPC_PARAMS({"address", "str", RPC_REQUIRED, "The address"},
                {"port", "num", RPC_REQUIRED, "Its port"},
                {"tried", "bool", "false", "As one that was connected to already"}),
     "{success:bool, error?:str}", true},
    {"getrawaddrman", getrawaddrman, "All known addresses and their places. For tests.",
     RPC_NO_PARAMS, "{<table>:{<bucket/position>:" ENTRY "}}", true},
    {"getorphantxs", getorphantxs, "Transactions that wait for their parents.",
     RPC_PARAMS({"verbosity", "num", "0",
                 "0: txids, 1: with details, 2: with the serialised transaction", NULL,
                 RPC_ANY_TYPE}),
     "[hex] | [" ORPHAN "}] | [" ORPHAN ", hex:hex}]", true},
    {"sendmsgtopeer", sendmsgtopeer, "Sends a message to a peer as it is. For tests.",
     RPC_PARAMS({"peer_id", "num", RPC_REQUIRED, "The peer"},
                {"msg_type", "str", RPC_REQUIRED, "Name of the message"},
                {"msg", "str", RPC_REQUIRED, "Its payload, in hex"}),
     "{}", true},
    {0},
};
