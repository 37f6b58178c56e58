/* Methods about the network: what it is doing, and who is on the other side. */
#include "rpc/net.h"

#include <string.h>

#include "net/net.h"
#include "util/mem.h"
#include "util/time.h"

#define CLIENT_VERSION 319900

struct net *rpc_net(struct rpc_call *call)
{
    struct net *n = rpc_ctx(call)->p2p;
    if (!n)
        rpc_set_error(call, RPC_CLIENT_P2P_DISABLED,
                      "Error: Peer-to-peer functionality missing or disabled");
    return n;
}

static const struct {
    uint64_t bit;
    const char *name;
} service_names[] = {
    {NODE_NETWORK, "NETWORK"},
    {NODE_BLOOM, "BLOOM"},
    {NODE_WITNESS, "WITNESS"},
    {NODE_COMPACT_FILTERS, "COMPACT_FILTERS"},
    {NODE_NETWORK_LIMITED, "NETWORK_LIMITED"},
    {NODE_P2P_V2, "P2P_V2"},
};

static void put_services(struct json *j, const char *key, const char *names_key, uint64_t services)
{
    json_put_strf(j, key, "%016llx", (unsigned long long)services);
    json_begin_array(j, names_key);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = UINT64_C(1) << bit;
        size_t i = 0;
        if (!(services & flag))
            continue;
        while (i < ARRAY_LEN(service_names) && service_names[i].bit != flag)
            i++;
        if (i < ARRAY_LEN(service_names))
            json_put_str(j, NULL, service_names[i].name);
        else
            json_put_strf(j, NULL, "UNKNOWN[2^%u]", bit);
    }
    json_end(j);
}

/* ---- getnetworkinfo ---- */

static void put_bucket(struct json *j, const char *key, const struct inv_bucket_info *b)
{
    json_begin_object(j, key);
    json_put_uint(j, "backlog", b->backlog);
    json_put_double(j, "count_tok", b->count_tokens);
    json_put_double(j, "size_tok", b->size_tokens);
    json_end(j);
}

static void put_networks(struct json *j)
{
    static const struct {
        const char *name;
        bool reachable;
    } list[] = {{"ipv4", true}, {"ipv6", true}, {"onion", false}, {"i2p", false}, {"cjdns", false}};
    json_begin_array(j, "networks");
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        json_begin_object(j, NULL);
        json_put_str(j, "name", list[i].name);
        json_put_bool(j, "limited", !list[i].reachable);
        json_put_bool(j, "reachable", list[i].reachable);
        json_put_str(j, "proxy", "");
        json_put_bool(j, "proxy_randomize_credentials", false);
        json_end(j);
    }
    json_end(j);
}

static void put_local_addresses(struct json *j, const struct net *n)
{
    struct net_local_address list[16];
    size_t count = net_local_addresses(n, list, ARRAY_LEN(list));
    json_begin_array(j, "localaddresses");
    for (size_t i = 0; i < count; i++) {
        json_begin_object(j, NULL);
        json_put_str(j, "address", list[i].addr);
        json_put_uint(j, "port", list[i].port);
        json_put_int(j, "score", list[i].score);
        json_end(j);
    }
    json_end(j);
}

static void put_connections(struct json *j, const struct net *n)
{
    struct inv_bucket_info in, out;
    net_inv_buckets(n, &in, &out);
    json_put_uint(j, "tx_send_rate", net_tx_send_rate(n));
    json_begin_object(j, "inv_buckets");
    put_bucket(j, "inbound", &in);
    put_bucket(j, "outbound", &out);
    json_end(j);
    json_put_bool(j, "networkactive", net_is_active(n));
    json_put_uint(j, "connections", net_peer_count(n, true, true));
    json_put_uint(j, "connections_in", net_peer_count(n, true, false));
    json_put_uint(j, "connections_out", net_peer_count(n, false, true));
}

static struct rpc_answer *getnetworkinfo(struct rpc_call *call)
{
    const struct net *n = rpc_net(call);
    const struct rpc_context *ctx = rpc_ctx(call);
    struct json *j = rpc_result(call);
    if (!n)
        return rpc_fail(call);
    json_begin_object(j, NULL);
    json_put_int(j, "version", CLIENT_VERSION);
    json_put_str(j, "subversion", net_user_agent(n));
    json_put_int(j, "protocolversion", PROTOCOL_VERSION);
    put_services(j, "localservices", "localservicesnames", net_local_services(n));
    json_put_bool(j, "localrelay", net_relays_txs(n));
    json_put_int(j, "timeoffset", net_time_offset(n));
    put_connections(j, n);
    put_networks(j);
    json_put_amount(j, "relayfee", mempool_opts(ctx->mempool)->min_relay_feerate);
    json_put_amount(j, "incrementalfee", mempool_opts(ctx->mempool)->incremental_feerate);
    put_local_addresses(j, n);
    json_begin_array(j, "warnings");
    for (size_t i = 0; ctx->warnings && ctx->warnings[i]; i++)
        json_put_str(j, NULL, ctx->warnings[i]);
    json_end(j);
    json_end(j);
    return rpc_ok(call);
}

/* ---- getpeerinfo ---- */

static void put_message_bytes(struct json *j, const char *key, const struct peer_info *p, bool sent)
{
    json_begin_object(j, key);
    for (size_t i = 0; i < p->n_msgs; i++) {
        uint64_t bytes = sent ? p->msgs[i].sent : p->msgs[i].received;
        if (bytes)
            json_put_uint(j, p->msgs[i].name, bytes);
    }
    json_end(j);
}

static void put_traffic(struct json *j, const struct peer_info *p)
{
    json_put_bool(j, "relaytxes", p->relay_txs);
    json_put_uint(j, "last_inv_sequence", p->last_inv_sequence);
    json_put_uint(j, "inv_to_send", p->inv_to_send);
    json_put_int(j, "lastsend", p->last_send);
    json_put_int(j, "lastrecv", p->last_recv);
    json_put_int(j, "last_transaction", p->last_transaction);
    json_put_int(j, "last_block", p->last_block);
    json_put_uint(j, "bytessent", p->bytes_sent);
    json_put_uint(j, "bytesrecv", p->bytes_recv);
    json_put_int(j, "conntime", p->conn_time);
    json_put_int(j, "timeoffset", p->time_offset);
    if (p->ping_time_us >= 0)
        json_put_double(j, "pingtime", (double)p->ping_time_us / 1e6);
    if (p->min_ping_us >= 0)
        json_put_double(j, "minping", (double)p->min_ping_us / 1e6);
    if (p->ping_wait_us > 0)
        json_put_double(j, "pingwait", (double)p->ping_wait_us / 1e6);
}

static void put_sync(struct json *j, const struct peer_info *p)
{
    json_put_uint(j, "version", p->version);
    json_put_str(j, "subver", p->subver);
    json_put_bool(j, "inbound", p->inbound);
    json_put_bool(j, "bip152_hb_to", p->bip152_to);
    json_put_bool(j, "bip152_hb_from", p->bip152_from);
    json_put_int(j, "presynced_headers", p->presynced_headers);
    json_put_int(j, "synced_headers", p->synced_headers);
    json_put_int(j, "synced_blocks", p->synced_blocks);
    json_begin_array(j, "inflight");
    for (size_t i = 0; i < p->n_inflight; i++)
        json_put_int(j, NULL, p->inflight[i]);
    json_end(j);
    json_put_bool(j, "addr_relay_enabled", p->addr_relay_enabled);
    json_put_uint(j, "addr_processed", p->addr_processed);
    json_put_uint(j, "addr_rate_limited", p->addr_rate_limited);
    json_begin_array(j, "permissions");
    for (size_t i = 0; p->permissions[i]; i++)
        json_put_str(j, NULL, p->permissions[i]);
    json_end(j);
}

static void put_peer(void *arg, const struct peer_info *p)
{
    struct json *j = arg;
    json_begin_object(j, NULL);
    json_put_int(j, "id", p->id);
    json_put_str(j, "addr", p->addr);
    if (*p->addr_bind)
        json_put_str(j, "addrbind", p->addr_bind);
    if (*p->addr_local)
        json_put_str(j, "addrlocal", p->addr_local);
    json_put_str(j, "network", p->network);
    put_services(j, "services", "servicesnames", p->services);
    put_traffic(j, p);
    put_sync(j, p);
    json_put_amount(j, "minfeefilter", p->min_fee_filter);
    put_message_bytes(j, "bytessent_per_msg", p, true);
    put_message_bytes(j, "bytesrecv_per_msg", p, false);
    json_put_str(j, "connection_type", p->connection_type);
    json_put_str(j, "transport_protocol_type", p->transport);
    json_put_str(j, "session_id", p->session_id);
    json_end(j);
}

static struct rpc_answer *getpeerinfo(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    struct json *j = rpc_result(call);
    if (!n)
        return rpc_fail(call);
    json_begin_array(j, NULL);
    net_each_peer(n, put_peer, j);
    json_end(j);
    return rpc_ok(call);
}

/* ---- small ones ---- */

static struct rpc_answer *getconnectioncount(struct rpc_call *call)
{
    const struct net *n = rpc_net(call);
    if (!n)
        return rpc_fail(call);
    json_put_uint(rpc_result(call), NULL, net_peer_count(n, true, true));
    return rpc_ok(call);
}

static struct rpc_answer *getnettotals(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    struct json *j = rpc_result(call);
    struct upload_info up;
    uint64_t recv, sent;
    if (!n)
        return rpc_fail(call);
    net_totals(n, &recv, &sent);
    net_upload_info(n, &up);
    json_begin_object(j, NULL);
    json_put_uint(j, "totalbytesrecv", recv);
    json_put_uint(j, "totalbytessent", sent);
    json_put_int(j, "timemillis", time_system_us() / 1000);
    json_begin_object(j, "uploadtarget");
    json_put_int(j, "timeframe", up.cycle_seconds);
    json_put_uint(j, "target", up.target);
    json_put_bool(j, "target_reached", up.target_reached);
    json_put_bool(j, "serve_historical_blocks", up.serve_historical);
    json_put_uint(j, "bytes_left_in_cycle", up.left);
    json_put_int(j, "time_left_in_cycle", up.cycle_left);
    json_end(j);
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *ping(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    if (!n)
        return rpc_fail(call);
    net_ping_all(n);
    return rpc_ok_null(call);
}

static struct rpc_answer *setnetworkactive(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    bool active = rpc_arg_bool(call, "state", true);
    if (rpc_failed(call))
        return rpc_fail(call);
    net_set_active(n, active);
    json_put_bool(rpc_result(call), NULL, net_is_active(n));
    return rpc_ok(call);
}

static struct rpc_answer *getblockfrompeer(struct rpc_call *call)
{
    struct net *n = rpc_net(call);
    struct chain *c = rpc_ctx(call)->chain;
    struct block_hash hash;
    int64_t peer = rpc_arg_int(call, "peer_id", 0);
    if (!rpc_arg_hash(call, "blockhash", hash.b) || rpc_failed(call))
        return rpc_fail(call);
    const struct block_index *i = chain_find(c, &hash);
    if (!i)
        return rpc_error(call, RPC_MISC_ERROR, "Block header missing");
    /* A pruned node drops blocks by file: one far ahead would keep others from being pruned. */
    if (chain_is_pruned(c) && i->h.height > chain_height(c))
        return rpc_error(call, RPC_MISC_ERROR,
                         "In prune mode, only blocks that the node has already synced previously "
                         "can be fetched from a peer");
    if (i->status & BLOCK_HAVE_DATA)
        return rpc_error(call, RPC_MISC_ERROR, "Block already downloaded");
    const char *why = net_fetch_block(n, (int)peer, i);
    if (why)
        return rpc_error(call, RPC_MISC_ERROR, "%s", why);
    json_begin_object(rpc_result(call), NULL);
    json_end(rpc_result(call));
    return rpc_ok(call);
}

#define PEER                                                                                        \
    "{id:num, addr:str, addrbind?:str, addrlocal?:str, network:str, mapped_as?:num, services:hex, " \
    "servicesnames:[str], relaytxes:bool, last_inv_sequence:num, inv_to_send:num, lastsend:time, "  \
    "lastrecv:time, last_transaction:time, last_block:time, bytessent:num, bytesrecv:num, "         \
    "conntime:time, timeoffset:num, pingtime?:num, minping?:num, pingwait?:num, version:num, "      \
    "subver:str, inbound:bool, bip152_hb_to:bool, bip152_hb_from:bool, presynced_headers:num, "     \
    "synced_headers:num, synced_blocks:num, inflight:[num], addr_relay_enabled:bool, "              \
    "addr_processed:num, addr_rate_limited:num, permissions:[str], minfeefilter:num, "              \
    "bytessent_per_msg:{<msg>:num}, bytesrecv_per_msg:{<msg>:num}, connection_type:str, "           \
    "transport_protocol_type:str, session_id:str}"

#define BUCKET "{backlog:num, count_tok:num, size_tok:num}"

const struct rpc_method rpc_net_methods[] = {
    {"getconnectioncount", getconnectioncount, "Number of connections to other nodes.",
     RPC_NO_PARAMS, "num"},
    {"getnettotals", getnettotals, "Bytes received and sent, and the state of -maxuploadtarget.",
     RPC_NO_PARAMS,
     "{totalbytesrecv:num, totalbytessent:num, timemillis:time, uploadtarget:{timeframe:num, "
     "target:num, target_reached:bool, serve_historical_blocks:bool, bytes_left_in_cycle:num, "
     "time_left_in_cycle:num}}"},
    {"getnetworkinfo", getnetworkinfo, "The state of this node on the network.", RPC_NO_PARAMS,
     "{version:num, subversion:str, protocolversion:num, localservices:hex, "
     "localservicesnames:[str], localrelay:bool, timeoffset:num, tx_send_rate:num, "
     "inv_buckets:{<class>:" BUCKET "}, connections:num, connections_in:num, "
     "connections_out:num, networkactive:bool, networks:[{name:str, limited:bool, "
     "reachable:bool, proxy:str, proxy_randomize_credentials:bool}], relayfee:num, "
     "incrementalfee:num, localaddresses:[{address:str, port:num, score:num}], warnings:[str]}"},
    {"getpeerinfo", getpeerinfo, "What is known of each connected node.", RPC_NO_PARAMS,
     "[" PEER "]"},
    {"ping", ping,
     "Asks all peers for a ping, whose times getpeerinfo shows as pingtime and pingwait. It is "
     "answered in line with other messages, so it measures the peer's load as well.",
     RPC_NO_PARAMS, "null"},
    {"setnetworkactive", setnetworkactive, "Switches all traffic with peers on or off.",
     RPC_PARAMS({"state", "bool", RPC_REQUIRED, "true: on, false: off"}), "bool"},
    {0},
};

const struct rpc_method rpc_net_block_methods[] = {
    {"getblockfrompeer", getblockfrompeer,
     "Asks a peer for a block whose header is known and whose data is not. An answer does not "
     "mean that the block comes.",
     RPC_PARAMS({"blockhash", "hex", RPC_REQUIRED, "The block"},
                {"peer_id", "num", RPC_REQUIRED, "The peer, as getpeerinfo numbers it"}),
     "{}"},
    {0},
};
