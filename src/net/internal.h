/*
 * The inside of net/: the node's network state and a peer, and what the files of this folder call
 * of one another. Nothing outside net/ includes this. All of it belongs to the owner's thread.
 */
#ifndef MITE_NET_INTERNAL_H
#define MITE_NET_INTERNAL_H

#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "net/addrman.h"
#include "net/bans.h"
#include "net/cmpct.h"
#include "net/net.h"
#include "net/netaddr.h"
#include "net/orphans.h"
#include "net/permissions.h"
#include "net/recent.h"
#include "net/transport.h"
#include "net/txrequest.h"
#include "util/table.h"

#define SECOND_US           INT64_C(1000000)
#define MAX_OUTBOUND_FULL   8
#define MAX_OUTBOUND_BLOCKS 2
#define MAX_ADDNODE         8
#define MAX_SUBVERSION      256
#define MAX_ANNOUNCERS      3

enum conn_type {
    CONN_INBOUND,
    CONN_OUTBOUND_FULL,
    CONN_MANUAL,
    CONN_FEELER,
    CONN_BLOCK_RELAY,
    CONN_ADDR_FETCH
};
const char *conn_type_name(enum conn_type t);

/* A block we asked a peer for (inflight.c). */
struct inflight {
    struct block_hash hash;        /* key of net.inflight */
    struct inflight *next;         /* for the same block, in order of request */
    struct partial_block *partial; /* it sent a compact block; NULL: not yet */
    const struct block_index *index;
    struct peer *peer;
    TAILQ_ENTRY(inflight) link; /* of the peer, in order of request */
};
TAILQ_HEAD(inflight_list, inflight);

/* What a peer that relays transactions needs; absent for block-relay-only and feelers. */
struct tx_relay {
    bool relay;            /* it wants announcements (fRelay of version) */
    struct recent known;   /* 50,000 ids that it has or was told of */
    struct wtxid *to_send; /* announcements that wait for the next trickle */
    size_t n_to_send, cap_to_send;
    bool send_mempool; /* asked by "mempool", answered by the next trickle */
    int64_t next_inv_us;
    uint64_t last_inv_sequence; /* mempool sequence at the last trickle: what it may ask for */
    int64_t fee_filter;         /* received, sat/kvB */
    int64_t fee_filter_sent;
    int64_t next_fee_filter_us;
};

struct addr_relay {
    bool enabled;
    struct recent known;       /* 5,000 addresses that it has or was told of */
    struct addr_info *to_send; /* at most MAX_ADDR */
    size_t n_to_send, cap_to_send;
    int64_t next_send_us, next_local_us;
    double tokens; /* one for each address that it may tell us */
    int64_t tokens_us;
    uint64_t processed, rate_limited;
    bool getaddr_sent, getaddr_received;
};

struct headers_presync;

struct peer {
    TAILQ_ENTRY(peer) link;
    struct net *net;
    int id;
    enum conn_type type;
    unsigned permissions;      /* enum net_permission */
    struct netaddr addr;       /* of the other side, as connected */
    struct netaddr addr_bind;  /* of our side */
    struct netaddr addr_local; /* of our side as the peer sees it */
    char *dial_name;           /* what was dialled, where it was a text */
    bool prefer_evict;
    uint64_t netgroup; /* keyed */

    /* connection (conn.c) */
    int fd;
    struct event *ev_read, *ev_write;
    struct evbuffer *out;
    struct transport *transport;
    bool connecting, disconnect;
    int64_t connect_deadline_us;   /* monotonic */
    struct message *rx, **rx_tail; /* complete messages, at most max_receive_buffer bytes and one */
    size_t rx_bytes;
    bool rx_paused;
    bool scheduled; /* in net.work */
    TAILQ_ENTRY(peer) work_link;
    int64_t connected_s, last_send_s, last_recv_s, last_block_s, last_tx_s;
    uint64_t bytes_sent, bytes_recv;
    uint64_t msg_sent[MESSAGE_COUNT + 1], msg_recv[MESSAGE_COUNT + 1];

    /* handshake (handshake.c) */
    uint64_t nonce; /* ours, in our version message */
    bool version_sent, got_version, established;
    int32_t version, common_version;
    uint64_t services;
    char subver[MAX_SUBVERSION + 1];
    int32_t start_height;
    int64_t time_offset;
    bool wants_addrv2, wtxid_relay, wants_headers, sent_sendheaders;
    bool misbehaved;

    /* ping */
    uint64_t ping_nonce; /* 0: none out */
    int64_t ping_start_us, ping_time_us, ping_min_us;
    bool ping_queued;

    /* headers and blocks (headers.c, download.c) */
    bool sync_started;
    int64_t sync_deadline_us;             /* for the initial headers; 0: none */
    const struct block_index *best_known; /* best block that it is known to have */
    struct block_hash best_unknown;       /* announced, not known to us yet */
    const struct block_index *last_common;
    const struct block_index *best_header_sent;
    int64_t last_getheaders_us;
    bool asked_before_sync; /* for headers, because of an inv */
    struct headers_presync *presync;
    bool preferred;                /* a download peer that we chose */
    struct inflight_list inflight; /* at most MAX_BLOCKS_PER_PEER */
    unsigned n_inflight;
    int64_t stalling_since_us, downloading_since_us;
    struct block_hash
        *announce; /* new blocks to tell of, at most MAX_BLOCKS_ANNOUNCE + 1 by headers */
    size_t n_announce, cap_announce;
    struct inv *block_invs; /* answers to getblocks and reorganisations, at most 500 + announce */
    size_t n_block_invs, cap_block_invs;
    struct block_hash continue_hash;  /* getblocks: when it asks for this one, tell it of our tip */
    unsigned parsing;                 /* block messages on the workers */
    struct block_hash wait_block;     /* the next message waits until this one was checked */
    int64_t wait_until_us;            /* but not past this; 0: no wait */
    bool provides_cmpct, wants_cmpct; /* it sent sendcmpct; and asked for high bandwidth */
    bool announces_cmpct;             /* we asked it for high bandwidth */
    int64_t last_announcement_s;
    bool sync_protected;           /* never dropped for a chain with too little work */
    int64_t chain_sync_deadline_s; /* consider_eviction() */
    const struct block_index *chain_sync_work;
    bool chain_sync_asked;

    /* getdata that is not answered yet, at most MAX_INV */
    struct inv *getdata;
    size_t n_getdata, getdata_at;

    struct tx_relay *tx;
    struct addr_relay addrs;
};
TAILQ_HEAD(peer_list, peer);

struct listener {
    struct net *net;
    struct event *ev;
    int fd;
    struct netaddr addr;
    unsigned permissions;
};

/* Token bucket of announcements (relay.c). */
struct inv_bucket {
    double rate, count, count_cap, count_floor;
    double size, size_rate;
    int64_t at_us;
    struct wtxid *backlog;
    size_t n_backlog, cap_backlog; /* at most the mempool's count, stale ones are dropped */
};

struct block_source {
    struct block_hash hash;
    int peer;     /* 0: none */
    bool compact; /* put together by us from what it told: BIP152 lets it not be checked */
};

struct added_node {
    char *name;
    int64_t next_try_us; /* monotonic */
    int64_t backoff_us;
};

struct net {
    struct net_options opts; /* strings are not kept: what is needed later is copied below */
    struct event_base *base;
    struct chain *chain;
    struct mempool *mempool;
    const struct network *params;
    char *user_agent, *datadir;
    bool active, started;
    uint64_t services;
    uint64_t secret[2]; /* of keyed hashes */

    struct listener *listeners;
    size_t n_listeners;
    struct whitelist *whitelist;
    size_t n_whitelist;
    struct bans *bans;
    struct addrman *addrman;

    struct peer_list peers;
    size_t n_peers;
    int next_id;
    TAILQ_HEAD(, peer) work; /* peers with messages to process */
    struct event *ev_work, *ev_tick, *ev_dial;
    bool reap;
    uint64_t total_recv, total_sent;

    /* upload target */
    int64_t upload_cycle_start_s;
    uint64_t upload_in_cycle;

    /* dial.c */
    struct added_node *added;
    size_t n_added, cap_added;
    char **connect_only;
    char **seed_nodes;
    size_t next_seed_node;
    bool use_connect_only;
    int64_t next_feeler_us, next_auto_us, dns_at_us;
    bool dns_done;
    struct resolver *resolver;
    int64_t seed_node_at_us;
    int64_t next_dump_s;

    /* local addresses that peers told us of, with votes; at most 16 */
    struct local_addr {
        struct netaddr addr;
        int score;
    } local[16];
    size_t n_local;
    uint16_t listen_port;

    /* download.c */
    struct table
        inflight; /* first struct inflight by hash, at most n_peers * MAX_BLOCKS_PER_PEER */
    unsigned n_sync_started, n_preferred, n_downloading;
    int64_t stall_timeout_us;
    int64_t last_tip_us;
    struct block_hash last_inv_asked; /* announced block for which a peer was asked for headers */
    unsigned parsing;                 /* jobs out; net_destroy() waits for them */
    struct block_source
        *block_sources; /* ring of BLOCK_SOURCES: who gave a block not yet checked */
    size_t next_source;
    const struct block_index *announced; /* the last tip that we told of */
    const struct block *recent_block;    /* the newest, kept for quick answers */

    /* compact.c */
    struct peer *announcers[MAX_ANNOUNCERS]; /* high bandwidth, the last to deliver last */
    size_t n_announcers;
    int32_t fast_announced;  /* height up to which blocks were told of before they were checked */
    const struct tx **extra; /* refused or replaced lately; a ring once it is opts.extra_txs */
    size_t n_extra, cap_extra, next_extra;

    /* transactions */
    struct txrequest *txrequest;
    struct orphans *orphans;
    struct recent rejects;        /* 120,000 wtxids refused since the last block */
    struct recent reconsiderable; /* 120,000 refused for their fee alone */
    struct recent confirmed;      /* 48,000 in recent blocks */
    struct inv_bucket bucket_in, bucket_out;
    int64_t next_unbroadcast_us, next_inbound_inv_us;
    struct table recent_by_txid, recent_by_wtxid; /* transactions of recent_block */
    struct addr_cache *addr_cache;
};

/* ---- conn.c ---- */

bool conn_listen(struct net *n, const struct netaddr *a, unsigned permissions, char **error);
void conn_start_listeners(struct net *n);
void conn_close_listeners(struct net *n);
/* Starts to connect. The peer, or NULL where the system refused at once. */
struct peer *conn_dial(struct net *n, const struct netaddr *a, const char *name,
                       enum conn_type type);
/* Marks the peer; it goes when the current callback is through. */
void peer_disconnect(struct peer *p, const char *fmt, ...) PRINTF(2, 3);
void net_reap(struct net *n);
void peer_send(struct peer *p, enum message_id id, struct span payload);
void peer_send_buf(struct peer *p, enum message_id id, struct buf *payload); /* clears it */
/* True while the bytes that wait to go out are more than -maxsendbuffer. */
bool peer_send_full(const struct peer *p);
void peer_resume(struct peer *p); /* reads again when the queue has room */
void conn_check_timeouts(struct net *n);
bool is_outbound(const struct peer *p);

/* ---- net.c ---- */

struct peer *peer_find(struct net *n, int id);
void peer_misbehaving(struct peer *p, const char *why);
void net_wake(struct net *n);       /* run the work callback soon */
void peer_schedule(struct peer *p); /* the peer has a message to process */
bool net_blocks_only(const struct net *n);
void net_arm_tick(struct net *n); /* there is a peer */

/* ---- process.c ---- */

/* Processes at most one message. True where there is more that can be done now. */
bool peer_process(struct peer *p);
/* All that is due now: pings, announcements, requests. */
void peer_tick(struct peer *p);

/* ---- handlers: one a message; `r` stands at the payload's begin ---- */

#define HANDLER(name) void on_##name(struct peer *p, struct reader *r, struct message *m)
HANDLER(version);
HANDLER(verack);
HANDLER(wtxidrelay);
HANDLER(sendaddrv2);
HANDLER(feature);
HANDLER(ping);
HANDLER(pong);
HANDLER(addr);
HANDLER(addrv2);
HANDLER(getaddr);
HANDLER(inv);
HANDLER(getdata);
HANDLER(notfound);
HANDLER(getblocks);
HANDLER(getheaders);
HANDLER(headers);
HANDLER(sendheaders);
HANDLER(block);
HANDLER(tx);
HANDLER(mempool);
HANDLER(feefilter);
HANDLER(nobloom);
HANDLER(sendcmpct);
HANDLER(cmpctblock);
HANDLER(getblocktxn);
HANDLER(blocktxn);

/* ---- handshake.c ---- */

void send_version(struct peer *p);
void addr_fetch_tick(struct peer *p, int64_t now_s);
void ping_tick(struct peer *p, int64_t now_us);

/* ---- addr_relay.c ---- */

bool addr_relay_setup(struct peer *p); /* false: no addresses with this peer */
void addr_relay_clear(struct peer *p);
void addr_tick(struct peer *p, int64_t now_us);
/* What the peer says our address is, and what we say of ourselves. */
void local_addr_add(struct net *n, const struct netaddr *a, int score);
void local_addr_seen(struct net *n, const struct netaddr *a);
bool local_addr_best(const struct peer *p, struct netaddr *out);
void addr_cache_free(struct net *n);

/* ---- headers.c ---- */

/* Asks for headers after `from` unless asked in the last two minutes. */
bool maybe_getheaders(struct peer *p, const struct block_index *from);
bool maybe_getheaders_locator(struct peer *p, const struct block_hash *locator, size_t n);
void headers_tick(struct peer *p, int64_t now_us);
void headers_forget(struct peer *p);
void consider_eviction(struct peer *p, int64_t now_s);
/* A verdict about a header or block of this peer, if it is its fault. */
/* `compact`: it was told as a compact block, which may be passed on before it is checked. */
void punish_for_block(struct peer *p, const struct verdict *v, bool compact);
/* A header that was told otherwise than by "headers". */
void header_announced(struct peer *p, const struct header *h);
bool index_less_work(const struct block_index *a, const struct block_index *b);
/* Work that a chain must have before its headers are kept. */
struct u256 headers_work_threshold(const struct net *n);
bool peer_serves_blocks(const struct peer *p);
bool peer_limited(const struct peer *p); /* only the last 288 blocks */
bool peer_serves_witness(const struct peer *p);

/* ---- presync.c ---- */

enum presync_result { PRESYNC_MORE, PRESYNC_HEADERS, PRESYNC_FAILED };
struct headers_presync *presync_create(const struct network *net, const struct block_index *start,
                                       const struct u256 *min_work, int64_t now);
void presync_free(struct headers_presync *s);
enum presync_result presync_process(struct headers_presync *s, const struct header *h, size_t n,
                                    bool full, struct header **out, size_t *n_out, bool *done,
                                    const char **why);
size_t presync_locator(const struct headers_presync *s, struct block_hash out[2]);
int32_t presync_height(const struct headers_presync *s); /* -1 once the second pass runs */

/* ---- download.c ---- */

#define MAX_BLOCKS_PER_PEER 16
void download_init(struct net *n);
void download_clear(struct net *n);
void download_tick(struct peer *p, int64_t now_us);
void download_forget(struct peer *p);
void peer_block_availability(struct peer *p, const struct block_hash *hash);
void peer_process_availability(struct peer *p);
/* New headers on the way to a better tip: ask the announcing peer at once. */
void direct_fetch(struct peer *p, const struct block_index *last);
void download_block_checked(struct net *n, const struct block *b, const struct verdict *v);
void download_tip_changed(struct net *n);
bool request_block(struct peer *p, const struct block_index *i);
/* Just the message: the request stands already. */
void request_whole(struct peer *p, const struct block_hash *hash);
bool can_direct_fetch(const struct net *n);
bool have_data(const struct net *n, const struct block_index *i);
/* A whole block came, or was put together (`compact`). `p` is NULL where the peer went while its
 * block was parsed. */
void block_arrived(struct net *n, struct peer *p, const struct block *b, bool compact);

/* ---- inflight.c ---- */

struct inflight *inflight_first(const struct net *n, const struct block_hash *hash);
struct inflight *inflight_of(const struct peer *p, const struct block_hash *hash);
unsigned inflight_count(const struct net *n, const struct block_hash *hash);
bool block_is_inflight(const struct net *n, const struct block_hash *hash);
struct inflight *inflight_add(struct peer *p, const struct block_index *i); /* not of p yet */
void inflight_remove(struct inflight *f);
void inflight_remove_all(struct net *n, const struct block_hash *hash);

/* ---- compact.c: compact blocks in; compact_out.c: out ---- */

void compact_init(struct net *n);
void compact_clear(struct net *n);
void compact_forget(struct peer *p);
/* It gave us a new block first: it may announce the next ones without being asked. */
void prefer_announcer(struct peer *p);
/* A transaction that is not in the mempool but may be in a block. */
void extra_tx_add(struct net *n, const struct tx *tx);
void send_sendcmpct(struct peer *p, bool announce);
void send_cmpctblock(struct peer *p, const struct block *b);
void announce_unchecked(struct net *n, const struct block *b, const struct block_index *i);

/* ---- announce.c, serve.c ---- */

void announce_tip(struct net *n, const struct block_index *tip, const struct block_index *fork);
void announce_tick(struct peer *p);
void block_invs_add(struct peer *p, const struct block_hash *hash);
bool peer_has_header(const struct peer *p, const struct block_index *i);
/* Works on the peer's getdata while it has room to send. True where something is left. */
bool serve_getdata(struct peer *p);
/* The newest block, from memory also before it is checked, or one from disk; NULL: not there. */
const struct block *load_block(struct net *n, const struct block_index *i);
struct inv *read_invs(struct peer *p, struct reader *r, size_t *n, const char *name);
void count_upload(struct net *n, size_t bytes);

/* ---- relay.c: transactions out ---- */

void tx_relay_create(struct peer *p);
void tx_relay_destroy(struct peer *p);
void tx_relay_tick(struct peer *p, int64_t now_us);
void fee_filter_tick(struct peer *p, int64_t now_us);
void relay_tx(struct net *n, const struct wtxid *wtxid);
void relay_buckets_tick(struct net *n, int64_t now_us);
void relay_recent_block(struct net *n, const struct block *b);
void relay_init(struct net *n);
void relay_clear(struct net *n);
void tx_known(struct peer *p, const uint8_t id[32]);
/* The transaction of a getdata, if this peer may have it. */
const struct tx *tx_for_getdata(struct peer *p, const struct inv *inv);

/* ---- tx_download.c: transactions in ---- */

bool refuses_txs(const struct peer *p); /* it is not to send us any */
void tx_announced(struct peer *p, const struct inv *inv, int64_t now_us);
void tx_not_found(struct peer *p, const struct inv *inv);
void tx_download_tick(struct peer *p, int64_t now_us);
void tx_download_forget(struct peer *p);
/* One orphan of this peer whose parents may have come. True where more wait. */
bool tx_process_orphan(struct peer *p);
void tx_block_connected(struct net *n, const struct block *b);
void tx_block_disconnected(struct net *n);
void tx_tip_changed(struct net *n);

/* ---- dial.c ---- */

void dial_init(struct net *n, const struct net_options *o);
void dial_start(struct net *n);
void dial_clear(struct net *n);
void dial_tick(struct net *n);
void dial_closed(struct peer *p); /* a connection ended or failed */
bool already_connected(struct net *n, const struct netaddr *a);
unsigned count_type(const struct net *n, enum conn_type type);

/* ---- eviction.c ---- */

/* Makes room for an inbound connection: false where all are worth more. */
bool evict_inbound(struct net *n, bool relaying_only);
unsigned inbound_slots(const struct net *n);

#endif
