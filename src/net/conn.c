/*
 * Sockets: listening, dialling, reading, writing, closing. Plain events of libevent over
 * non-blocking sockets: what is read goes straight to the transport, complete messages queue at the
 * peer until process.c takes them, and what is to be sent waits in one evbuffer a peer.
 * Bufferevents were left aside: they hold every byte once more, and pausing one direction by the
 * size of our own queues is simpler without them.
 *
 * Bounds of one peer: its queue of received messages takes -maxreceivebuffer and at most one
 * message more, then reading pauses; while more than -maxsendbuffer waits to go out, its messages
 * are not processed, so what it can make us send is bounded by the answer to one message.
 *
 * A peer is never freed inside a callback that may still use it: peer_disconnect() marks it, and
 * net_reap() frees the marked ones when the callback of the loop is through.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/siphash.h"
#include "util/time.h"

#define READ_CHUNK (64u * 1024)

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

const char *conn_type_name(enum conn_type t)
{
    static const char *const names[] = {
        "inbound", "outbound-full-relay", "manual", "feeler", "block-relay-only", "addr-fetch",
    };
    return names[t];
}

bool is_outbound(const struct peer *p)
{
    return p->type != CONN_INBOUND;
}

static struct netaddr socket_name(int fd, bool peer)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    int rc = peer ? getpeername(fd, (struct sockaddr *)&ss, &len)
                  : getsockname(fd, (struct sockaddr *)&ss, &len);
    struct netaddr none = {ADDR_NONE};
    return rc == 0 ? netaddr_from_sockaddr((struct sockaddr *)&ss) : none;
}

static struct peer *peer_create(struct net *n, int fd, const struct netaddr *a, enum conn_type type)
{
    struct peer *p = xcalloc(1, sizeof(*p));
    uint8_t group[17];
    size_t len = netaddr_group(a, group);
    p->net = n;
    p->id = -1; /* numbered when connected */
    p->type = type;
    p->addr = *a;
    p->fd = fd;
    p->out = evbuffer_new();
    CHECK(p->out);
    p->rx_tail = &p->rx;
    p->transport = transport_v1_create(n->params->magic);
    p->netgroup = siphash(n->secret[0], n->secret[1], group, len);
    p->connected_s = time_now();
    p->nonce = random_u64();
    p->ping_time_us = p->ping_min_us = -1;
    p->ev_read = event_new(n->base, fd, EV_READ | EV_PERSIST, on_readable, p);
    p->ev_write = event_new(n->base, fd, EV_WRITE, on_writable, p);
    CHECK(p->ev_read && p->ev_write);
    TAILQ_INIT(&p->inflight);
    TAILQ_INSERT_TAIL(&n->peers, p, link);
    n->n_peers++;
    net_arm_tick(n);
    p->permissions = whitelist_permissions(n->whitelist, n->n_whitelist, a, type == CONN_INBOUND);
    return p;
}

static void peer_free(struct peer *p)
{
    struct net *n = p->net;
    log_debug(LOG_net, "peer=%d gone", p->id);
    TAILQ_REMOVE(&n->peers, p, link);
    n->n_peers--;
    if (p->scheduled)
        TAILQ_REMOVE(&n->work, p, work_link);
    headers_forget(p);
    download_forget(p);
    compact_forget(p);
    tx_download_forget(p);
    dial_closed(p);
    tx_relay_destroy(p);
    addr_relay_clear(p);
    for (struct message *m = p->rx, *next; m; m = next) {
        next = m->next;
        message_free(m);
    }
    event_free(p->ev_read);
    event_free(p->ev_write);
    evbuffer_free(p->out);
    close(p->fd);
    p->transport->ops->destroy(p->transport);
    free(p->announce);
    free(p->block_invs);
    free(p->getdata);
    free(p->dial_name);
    free(p);
}

void net_reap(struct net *n)
{
    if (!n->reap)
        return;
    n->reap = false;
    for (struct peer *p = TAILQ_FIRST(&n->peers), *next; p; p = next) {
        next = TAILQ_NEXT(p, link);
        if (p->disconnect)
            peer_free(p);
    }
}

void peer_disconnect(struct peer *p, const char *fmt, ...)
{
    char why[200];
    va_list ap;
    if (p->disconnect)
        return;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    log_debug(LOG_net, "disconnecting peer=%d: %s", p->id, why);
    p->disconnect = true;
    event_del(p->ev_read);
    event_del(p->ev_write);
    p->net->reap = true;
    net_wake(p->net);
}

/* ---- out ---- */

bool peer_send_full(const struct peer *p)
{
    return evbuffer_get_length(p->out) > p->net->opts.max_send_buffer;
}

static void flush_out(struct peer *p)
{
    while (evbuffer_get_length(p->out) > 0) {
        int sent = evbuffer_write(p->out, p->fd);
        if (sent <= 0) {
            if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
                peer_disconnect(p, "cannot send: %s", strerror(errno));
            break;
        }
        p->bytes_sent += (size_t)sent;
        p->net->total_sent += (size_t)sent;
        count_upload(p->net, (size_t)sent);
        p->last_send_s = time_now();
    }
    if (!p->disconnect && evbuffer_get_length(p->out) > 0)
        event_add(p->ev_write, NULL);
}

static void send_now(struct peer *p, size_t wire_size, enum message_id id)
{
    p->msg_sent[id] += wire_size;
    if (!p->connecting && !event_pending(p->ev_write, EV_WRITE, NULL))
        flush_out(p);
}

void peer_send(struct peer *p, enum message_id id, struct span payload)
{
    if (p->disconnect)
        return;
    log_debug(LOG_net, "sending %s (%zu bytes) peer=%d", message_name(id), payload.len, p->id);
    send_now(p, p->transport->ops->send(p->transport, p->out, id, payload), id);
}

void peer_send_buf(struct peer *p, enum message_id id, struct buf *payload)
{
    peer_send(p, id, buf_span(payload));
    buf_clear(payload);
}

bool net_send_message(struct net *n, int peer_id, const char *name, struct span payload)
{
    struct peer *p = peer_find(n, peer_id);
    if (!p)
        return false;
    enum message_id id = message_find(name);
    send_now(p, p->transport->ops->send_named(p->transport, p->out, name, payload), id);
    return true;
}

static void connected(struct peer *p)
{
    struct net *n = p->net;
    int err = 0;
    socklen_t len = sizeof(err);
    if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 || err != 0) {
        peer_disconnect(p, "connection failed: %s", strerror(err));
        return;
    }
    p->connecting = false;
    p->id = n->next_id++;
    p->connected_s = time_now();
    p->addr_bind = socket_name(p->fd, false);
    log_debug(LOG_net, "connected to peer=%d", p->id);
    event_add(p->ev_read, NULL);
    send_version(p);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct peer *p = arg;
    struct net *n = p->net;
    (void)fd;
    (void)what;
    bool was_full = peer_send_full(p);
    if (p->connecting)
        connected(p);
    if (!p->disconnect)
        flush_out(p);
    if (!p->disconnect && was_full && !peer_send_full(p))
        peer_schedule(p);
    net_reap(n);
}

/* ---- in ---- */

static bool queue_full(const struct peer *p)
{
    return p->rx_bytes > p->net->opts.max_receive_buffer;
}

void peer_resume(struct peer *p)
{
    if (p->rx_paused && !queue_full(p) && !p->disconnect) {
        p->rx_paused = false;
        event_add(p->ev_read, NULL);
    }
}

static void enqueue(struct peer *p, struct message *m)
{
    p->msg_recv[m->id] += m->wire_size;
    if (m->rejected) {
        message_free(m);
        return;
    }
    *p->rx_tail = m;
    p->rx_tail = &m->next;
    p->rx_bytes += sizeof(*m) + m->len;
    peer_schedule(p);
}

static void feed(struct peer *p, struct span in)
{
    while (in.len > 0 && !p->disconnect) {
        struct message *m;
        const char *error = NULL;
        size_t used;
        if (!p->transport->ops->receive(p->transport, in, &used, &m, p->out, &error)) {
            peer_disconnect(p, "%s", error);
            return;
        }
        in.data += used;
        in.len -= used;
        if (m)
            enqueue(p, m);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    static uint8_t chunk[READ_CHUNK]; /* the owner's thread only */
    struct peer *p = arg;
    struct net *n = p->net;
    (void)what;
    ssize_t got = recv(fd, chunk, sizeof(chunk), 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (got <= 0) {
        peer_disconnect(p, got == 0 ? "closed by the other side" : strerror(errno));
    } else {
        p->bytes_recv += (size_t)got;
        n->total_recv += (size_t)got;
        p->last_recv_s = time_now();
        feed(p, span_of(chunk, (size_t)got));
        if (queue_full(p) && !p->disconnect) {
            p->rx_paused = true;
            event_del(p->ev_read);
        }
    }
    net_reap(n);
}

/* ---- new connections ---- */

static int set_options(int fd)
{
    int one = 1;
    if (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return 0;
}

unsigned inbound_slots(const struct net *n)
{
    unsigned outbound = MAX_OUTBOUND_FULL + MAX_OUTBOUND_BLOCKS + 1;
    return n->opts.max_connections > outbound ? n->opts.max_connections - outbound : 0;
}

static bool inbound_allowed(struct net *n, const struct netaddr *a, unsigned permissions,
                            bool *prefer_evict)
{
    bool noban = permissions & PERMISSION_NOBAN;
    unsigned slots = inbound_slots(n);
    *prefer_evict = bans_is_discouraged(n->bans, a);
    if (!n->active || a->family == ADDR_NONE)
        return false;
    if (!noban && bans_is_banned(n->bans, a))
        return false;
    unsigned inbound = count_type(n, CONN_INBOUND);
    /* A discouraged address is only let in while there is plenty of room. */
    if (!noban && inbound + 1 >= slots && *prefer_evict)
        return false;
    return inbound < slots || evict_inbound(n, false);
}

static void accept_one(struct listener *l, int fd)
{
    struct net *n = l->net;
    struct netaddr a = socket_name(fd, true);
    bool prefer_evict;
    unsigned permissions =
        l->permissions | whitelist_permissions(n->whitelist, n->n_whitelist, &a, true);
    if (set_options(fd) != 0 || !inbound_allowed(n, &a, permissions, &prefer_evict)) {
        log_debug(LOG_net, "connection from %s dropped", addr_family_name(a.family));
        close(fd);
        return;
    }
    struct peer *p = peer_create(n, fd, &a, CONN_INBOUND);
    p->id = n->next_id++;
    p->addr_bind = socket_name(fd, false);
    p->permissions = permissions;
    p->prefer_evict = prefer_evict;
    event_add(p->ev_read, NULL);
    log_debug(LOG_net, "accepted peer=%d", p->id);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;
    struct net *n = l->net;
    (void)what;
    int s = accept(fd, NULL, NULL);
    if (s >= 0)
        accept_one(l, s);
    net_reap(n);
}

static int open_listener(const struct netaddr *a)
{
    struct sockaddr_storage ss;
    socklen_t len;
    int one = 1, fd;
    if (!netaddr_to_sockaddr(a, &ss, &len))
        return -1;
    fd = socket(ss.ss_family, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (ss.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (set_options(fd) != 0 || bind(fd, (struct sockaddr *)&ss, len) != 0 ||
        listen(fd, 128) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

bool conn_listen(struct net *n, const struct netaddr *a, unsigned permissions, char **error)
{
    char text[NETADDR_TEXT];
    int fd = open_listener(a);
    if (fd < 0) {
        netaddr_format(a, text);
        *error = errno == EADDRINUSE
                     ? xasprintf("Unable to bind to %s on this computer. mite is probably already "
                                 "running.",
                                 text)
                     : xasprintf("Unable to bind to %s on this computer (bind returned error %s)",
                                 text, strerror(errno));
        return false;
    }
    n->listeners = xreallocarray(n->listeners, n->n_listeners + 1, sizeof(*n->listeners));
    n->listeners[n->n_listeners++] = (struct listener){n, NULL, fd, *a, permissions};
    return true;
}

/* The listeners' array does not move any more: events may point into it. */
void conn_start_listeners(struct net *n)
{
    for (size_t i = 0; i < n->n_listeners; i++) {
        struct listener *l = &n->listeners[i];
        l->ev = event_new(n->base, l->fd, EV_READ | EV_PERSIST, on_accept, l);
        CHECK(l->ev && event_add(l->ev, NULL) == 0);
    }
}

void conn_close_listeners(struct net *n)
{
    for (size_t i = 0; i < n->n_listeners; i++) {
        if (n->listeners[i].ev)
            event_free(n->listeners[i].ev);
        close(n->listeners[i].fd);
    }
    free(n->listeners);
    n->listeners = NULL;
    n->n_listeners = 0;
}

struct peer *conn_dial(struct net *n, const struct netaddr *a, const char *name,
                       enum conn_type type)
{
    struct sockaddr_storage ss;
    socklen_t len;
    if (!netaddr_to_sockaddr(a, &ss, &len))
        return NULL;
    int fd = socket(ss.ss_family, SOCK_STREAM, 0);
    if (fd < 0)
        return NULL;
    if (set_options(fd) != 0 ||
        (connect(fd, (struct sockaddr *)&ss, len) != 0 && errno != EINPROGRESS)) {
        close(fd);
        return NULL;
    }
    struct peer *p = peer_create(n, fd, a, type);
    p->dial_name = name ? xstrdup(name) : NULL;
    p->connecting = true;
    p->connect_deadline_us = time_mono_us() + n->opts.connect_timeout_ms * 1000;
    event_add(p->ev_write, NULL);
    return p;
}

/* Who says nothing at first, later, or no longer takes what we send, goes. */
static void check_inactivity(struct peer *p, int64_t now)
{
    const int64_t timeout = 20 * 60;
    if (now <= p->connected_s + p->net->opts.peer_timeout_s)
        return;
    if (p->last_recv_s == 0 || p->last_send_s == 0)
        peer_disconnect(p, "nothing heard in the first %lld seconds",
                        (long long)p->net->opts.peer_timeout_s);
    else if (now > p->last_send_s + timeout)
        peer_disconnect(p, "send timeout");
    else if (now > p->last_recv_s + timeout)
        peer_disconnect(p, "receive timeout");
    else if (!p->established)
        peer_disconnect(p, "version handshake timeout");
}

void conn_check_timeouts(struct net *n)
{
    int64_t now = time_now(), mono = time_mono_us();
    struct peer *p;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (p->connecting) {
            if (mono > p->connect_deadline_us)
                peer_disconnect(p, "connection timed out");
        } else {
            check_inactivity(p, now);
        }
    }
}
