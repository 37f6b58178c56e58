/*
 * The network: connections, peers, gossip of addresses, blocks and transactions. Everything runs on
 * the owner's loop. Inside: transport (bytes to messages), conn (sockets), peer (protocol state),
 * msg_*.c (one handler a message, one table), download (headers first, then blocks from many
 * peers), relay (transactions), addrman (addresses).
 */
#ifndef MITE_NET_NET_H
#define MITE_NET_NET_H

#include <event2/event.h>

#include "mempool/mempool.h"
#include "net/addrman.h"
#include "net/bans.h"
#include "net/message.h"
#include "net/permissions.h"

#define NODE_NETWORK         (1u << 0)
#define NODE_BLOOM           (1u << 2)
#define NODE_WITNESS         (1u << 3)
#define NODE_COMPACT_FILTERS (1u << 6)
#define NODE_NETWORK_LIMITED (1u << 10)
#define NODE_P2P_V2          (1u << 11)

struct net;

struct net_options {
    struct event_base *base;
    struct chain *chain;
    struct mempool *mempool;
    struct workers *workers;    /* parse large blocks; NULL: on the owner's thread */
    struct u256 min_chain_work; /* as the chain's */
    const char *datadir;        /* of this network: peers.dat, banlist.json */
    const char *user_agent;     /* "/Satoshi:31.99.0(comment)/" as the composition root builds it */
    const char *const *bind;    /* "addr:port", NULL-terminated; empty: any address */
    uint16_t port;              /* 0: the network's */
    bool listen;
    const char *const
        *connect; /* -connect: only these; NULL: not given; empty: none ("-connect=0") */
    const char *const *add_nodes;
    const char *const *seed_nodes;
    bool dns_seed;       /* ask when addresses are few */
    bool force_dns_seed; /* ask at once */
    unsigned max_connections;
    int64_t peer_timeout_s; /* handshake must be done by then (60) */
    int64_t connect_timeout_ms;
    size_t max_send_buffer, max_receive_buffer;
    bool blocks_only;
    size_t extra_txs; /* kept beside the mempool for compact blocks */
    bool network_active;
    int64_t ban_seconds;
    unsigned default_permissions; /* of whitelisted peers, enum net_permission */
    const char *const *whitelist; /* "[permissions@]subnet" */
    const char *const *whitebind; /* "[permissions@]addr:port" */
    uint64_t max_upload_target;   /* bytes in 24 hours; 0: no limit */
    int inbound_relay_percent;    /* of the inbound slots, for peers that relay transactions */
    unsigned tx_send_rate;        /* announcements a second to inbound peers; 0: 14 */
    bool peer_block_filters;      /* say NODE_COMPACT_FILTERS */
};

/* NULL: *error (a port in use, a bad address), caller frees. */
struct net *net_create(const struct net_options *opts, char **error);
void net_start(struct net *n); /* listening sockets are open already; now connections are made */
/* Closes all; the loop must run no more callbacks of it. Writes peers.dat. */
void net_destroy(struct net *n);

/* Announces a transaction of ours to the peers and keeps doing so until somebody asked for it. */
void net_broadcast_tx(struct net *n, const struct txid *txid, const struct wtxid *wtxid);

/* For RPC. A snapshot of one peer, valid until the loop runs again. */
struct peer_info {
    int id;
    char addr[264], addr_bind[NETADDR_TEXT], addr_local[NETADDR_TEXT];
    const char *network; /* "ipv4", "not_publicly_routable", ... */
    uint64_t services;
    bool relay_txs;
    int64_t last_send, last_recv, last_transaction, last_block, conn_time,
        time_offset; /* seconds */
    uint64_t bytes_sent, bytes_recv;
    int64_t ping_time_us, min_ping_us, ping_wait_us; /* -1: none */
    uint32_t version;
    char subver[257];
    bool inbound, bip152_to, bip152_from;
    int32_t presynced_headers, synced_headers, synced_blocks;
    const int32_t *inflight; /* heights */
    size_t n_inflight;
    bool addr_relay_enabled;
    uint64_t addr_processed, addr_rate_limited;
    const char *const *permissions; /* NULL-terminated names */
    int64_t min_fee_filter;         /* sat/kvB */
    const char
        *connection_type;  /* "inbound", "outbound-full-relay", "manual", "block-relay-only", ... */
    const char *transport; /* "v1", "v2", "detecting" */
    char session_id[65];
    uint64_t last_inv_sequence;
    size_t inv_to_send;
    /* bytes by message name */
    const struct peer_msg_bytes {
        const char *name;
        uint64_t sent, received;
    } * msgs;
    size_t n_msgs;
};
size_t net_peer_count(const struct net *n, bool inbound, bool outbound);
void net_each_peer(struct net *n, void (*fn)(void *arg, const struct peer_info *p), void *arg);
bool net_add_node(struct net *n, const char *node);                   /* false: there already */
bool net_remove_node(struct net *n, const char *node);                /* false: not there */
bool net_try_node(struct net *n, const char *node);                   /* "onetry" */
bool net_disconnect(struct net *n, const char *addr_or_null, int id); /* false: no such peer */
void net_set_active(struct net *n, bool active);
bool net_is_active(const struct net *n);
void net_ping_all(struct net *n);
void net_totals(const struct net *n, uint64_t *recv, uint64_t *sent);
uint64_t net_local_services(const struct net *n);
const char *net_user_agent(const struct net *n);
bool net_relays_txs(const struct net *n); /* not -blocksonly */
int64_t net_ban_seconds(const struct net *n);
struct net_local_address {
    char addr[NETADDR_TEXT];
    uint16_t port;
    int score;
};
size_t net_local_addresses(const struct net *n, struct net_local_address *out, size_t max);
int64_t net_time_offset(const struct net *n);
/* One hello: what getaddednodeinfo shows. */
struct added_node_info {
    const char *node;
    bool connected, inbound;
    char addr[NETADDR_TEXT];
};
size_t net_added_nodes(struct net *n, struct added_node_info *out, size_t max);

struct bans *net_bans(struct net *n);
struct addrman *net_addrman(struct net *n);
/* Bans and disconnects who is in the subnet. False where it is banned as long already. */
bool net_ban(struct net *n, const struct subnet *s, int64_t until);
bool net_disconnect_subnet(struct net *n, const struct subnet *s);

/* For tests (addconnection): an outbound connection of the type that getpeerinfo names. False: no
 * such type, or all slots of it are taken. */
bool net_add_connection(struct net *n, const char *addr, const char *type, bool *bad_type);
/* A message as it is, even one that makes no sense (sendmsgtopeer). False: no such peer. */
bool net_send_message(struct net *n, int peer_id, const char *name, struct span payload);
/* getblockfrompeer. NULL, or why not ("Peer does not exist"). */
const char *net_fetch_block(struct net *n, int peer_id, const struct block_index *i);

struct upload_info {
    uint64_t target, left;
    int64_t cycle_seconds, cycle_left;
    bool target_reached, serve_historical;
};
void net_upload_info(struct net *n, struct upload_info *out);
struct inv_bucket_info {
    size_t backlog;
    double count_tokens, size_tokens;
};
unsigned net_tx_send_rate(const struct net *n);
void net_inv_buckets(const struct net *n, struct inv_bucket_info *inbound,
                     struct inv_bucket_info *outbound);
/* Orphans, for getorphantxs. */
struct orphans *net_orphans(struct net *n);

#endif
