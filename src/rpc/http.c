/*
 * The HTTP server's connections.
 *
 * Own code over libevent's buffers, not evhttp: evhttp 2.1 accepts folded headers and blanks before
 * colons, cannot say "413" in the words that clients of Core know, and copies bodies; what is
 * needed here is a few hundred lines.
 *
 * A connection reads one request at a time: head, body, handler, answer, and only when the answer
 * is written the next one, which may already wait in the input buffer (that is kept short by a
 * watermark). While a handler works, reading goes on so that a client's leaving is seen; a request
 * is then told once (`gone`), still answered, and the answer dropped. Idle connections are closed
 * after the timeout; a waiting client is not.
 *
 * An error in a request ends its connection: the answer is written, our side shut, and what the
 * client still sends is thrown away for a moment, because closing a socket with unread bytes in it
 * would reset the connection and lose the answer.
 */
#include "rpc/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define MAX_CONNECTIONS 256
#define INPUT_AHEAD     65536 /* bytes of pipelined requests that may wait */
#define LINGER_S        2

enum conn_state {
    CONN_LINE, /* waits for, or reads, a request line */
    CONN_HEADERS,
    CONN_BODY,       /* of a known length */
    CONN_CHUNK_SIZE, /* of a chunked body */
    CONN_CHUNK,
    CONN_CHUNK_END,
    CONN_TRAILER,
    CONN_HANDLER,   /* the request is with the handler */
    CONN_ANSWERING, /* the answer is being written */
    CONN_LINGER     /* answered for the last time; the rest of the input is thrown away */
};

struct http_conn {
    struct http_server *server;
    struct bufferevent *bev;
    enum conn_state state;
    struct http_request request;
    size_t header_bytes;
    uint64_t chunk_left;
    bool close_after; /* the answer */
    bool peer_gone;
    bool in_process; /* guards against recursion: a handler may answer at once */
    struct http_conn *next, **link;
};

struct http_server {
    struct event_base *base;
    struct evconnlistener **listeners;
    size_t n_listeners, cap_listeners;
    struct http_conn *conns;
    size_t n_conns;
    int timeout_s;
    bool stopping;
    bool (*allowed)(const struct sockaddr *from, void *arg);
    void (*handler)(struct http_request *r, void *arg);
    void *arg;
};

static void process(struct http_conn *c);

static void conn_free(struct http_conn *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    c->server->n_conns--;
    http_head_clear(&c->request.head);
    buf_clear(&c->request.body);
    bufferevent_free(c->bev);
    free(c);
}

static void set_timeout(struct http_conn *c, int seconds)
{
    struct timeval tv = {seconds, 0};
    bufferevent_set_timeouts(c->bev, seconds ? &tv : NULL, seconds ? &tv : NULL);
}

static void clear_request(struct http_conn *c)
{
    http_head_clear(&c->request.head);
    buf_clear(&c->request.body);
    c->request.gone = NULL;
    c->header_bytes = 0;
}

static const char *status_text(enum http_status status)
{
    switch (status) {
    case HTTP_OK: return "OK";
    case HTTP_NO_CONTENT: return "No Content";
    case HTTP_BAD_REQUEST: return "Bad Request";
    case HTTP_UNAUTHORIZED: return "Unauthorized";
    case HTTP_FORBIDDEN: return "Forbidden";
    case HTTP_NOT_FOUND: return "Not Found";
    case HTTP_METHOD_NOT_ALLOWED: return "Method Not Allowed";
    case HTTP_CONTENT_TOO_LARGE: return "Content too large";
    case HTTP_INTERNAL_SERVER_ERROR: return "Internal Server Error";
    case HTTP_SERVICE_UNAVAILABLE: return "Service Unavailable";
    }
    return "";
}

static void free_body(const void *data, size_t len, void *arg)
{
    (void)len, (void)arg;
    free((void *)(uintptr_t)data);
}

/* Writes the answer; the connection goes on when it is out. */
static void answer(struct http_conn *c, enum http_status status, const char *type, struct buf *body,
                   const char *header)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    size_t len = body ? body->len : 0;
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", (int)status, status_text(status));
    if (type)
        evbuffer_add_printf(out, "Content-Type: %s\r\n", type);
    if (header)
        evbuffer_add_printf(out, "%s\r\n", header);
    if (c->close_after)
        evbuffer_add_printf(out, "Connection: close\r\n");
    if (status != HTTP_NO_CONTENT)
        evbuffer_add_printf(out, "Content-Length: %zu\r\n", len);
    evbuffer_add(out, "\r\n", 2);
    if (len > 4096) {
        uint8_t *data = buf_take(body, &len);
        evbuffer_add_reference(out, data, len, free_body, NULL);
    } else if (len > 0) {
        evbuffer_add(out, body->data, len);
    }
    if (body)
        buf_clear(body);
    clear_request(c);
    c->state = CONN_ANSWERING;
    set_timeout(c, c->server->timeout_s);
}

/* The request cannot be taken: says so, and this is the connection's last answer. */
static void refuse(struct http_conn *c, enum http_status status)
{
    c->close_after = true;
    answer(c, status, NULL, NULL, NULL);
}

void http_reply(struct http_request *r, enum http_status status, const char *type, struct buf *body,
                const char *header)
{
    struct http_conn *c = r->conn;
    CHECK(c->state == CONN_HANDLER);
    if (c->peer_gone)
        c->close_after = true;
    answer(c, status, type, body, header);
    if (!c->in_process)
        process(c);
}

void http_reply_text(struct http_request *r, enum http_status status, const char *text)
{
    struct buf body = BUF_INIT;
    write_bytes(&body, text, strlen(text));
    http_reply(r, status, "text/html; charset=ISO-8859-1", &body, NULL);
}

/* ---- reading a request: each step returns false where it must wait for more input ---- */

/* A line without its end; NULL: not there yet, or too much has come (then the request is refused).
 */
static char *read_line(struct http_conn *c, size_t *len)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t waiting = evbuffer_get_length(in);
    char *line = evbuffer_readln(in, len, EVBUFFER_EOL_CRLF);
    c->header_bytes += line ? *len + 2 : 0;
    if (c->header_bytes > HTTP_MAX_HEADERS || (!line && waiting > HTTP_MAX_HEADERS)) {
        free(line);
        refuse(c, HTTP_BAD_REQUEST);
        return NULL;
    }
    return line;
}

static bool step_line(struct http_conn *c)
{
    size_t len;
    char *line = read_line(c, &len);
    if (!line)
        return c->state != CONN_LINE;
    if (len == 0) { /* blank lines before a request are tolerated */
        free(line);
        return true;
    }
    if (http_parse_request_line(&c->request.head, line, len))
        c->state = CONN_HEADERS;
    else
        refuse(c, HTTP_BAD_REQUEST);
    free(line);
    return true;
}

static void to_handler(struct http_conn *c)
{
    c->state = CONN_HANDLER;
    c->close_after = !c->request.head.keep_alive;
    set_timeout(c, 0);
    if (c->server->stopping)
        http_reply_text(&c->request, HTTP_SERVICE_UNAVAILABLE,
                        "Request rejected during server shutdown");
    else
        c->server->handler(&c->request, c->server->arg);
}

static void head_complete(struct http_conn *c)
{
    const struct http_head *h = &c->request.head;
    uint64_t length = h->has_length && !h->chunked ? h->length : 0;
    if (length > HTTP_MAX_BODY) {
        refuse(c, HTTP_CONTENT_TOO_LARGE);
        return;
    }
    if (h->expect_continue && (h->chunked || length > 0))
        evbuffer_add_printf(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n");
    if (h->chunked)
        c->state = CONN_CHUNK_SIZE;
    else if (length > 0)
        c->state = CONN_BODY;
    else
        to_handler(c);
}

static bool step_headers(struct http_conn *c)
{
    size_t len;
    char *line = read_line(c, &len);
    if (!line)
        return c->state != CONN_HEADERS;
    if (len == 0)
        head_complete(c);
    else if (!http_parse_header(&c->request.head, line, len))
        refuse(c, HTTP_BAD_REQUEST);
    free(line);
    return true;
}

/* Moves at most `want` bytes of input to the body; memory is taken as they come. */
static size_t take_body(struct http_conn *c, uint64_t want)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t n = evbuffer_get_length(in);
    if (n > want)
        n = (size_t)want;
    struct buf *body = &c->request.body;
    buf_reserve(body, n);
    if (n > 0)
        evbuffer_remove(in, body->data + body->len, n);
    body->len += n;
    return n;
}

static bool step_body(struct http_conn *c)
{
    take_body(c, c->request.head.length - c->request.body.len);
    if (c->request.body.len < c->request.head.length)
        return false;
    to_handler(c);
    return true;
}

static bool step_chunk_size(struct http_conn *c)
{
    size_t len;
    c->header_bytes = 0;
    char *line = read_line(c, &len);
    if (!line)
        return c->state != CONN_CHUNK_SIZE;
    if (!http_parse_chunk_size(line, len, &c->chunk_left))
        refuse(c, HTTP_BAD_REQUEST);
    else if (c->chunk_left > HTTP_MAX_BODY - c->request.body.len)
        refuse(c, HTTP_CONTENT_TOO_LARGE);
    else
        c->state = c->chunk_left > 0 ? CONN_CHUNK : CONN_TRAILER;
    free(line);
    return true;
}

static bool step_chunk(struct http_conn *c)
{
    c->chunk_left -= take_body(c, c->chunk_left);
    if (c->chunk_left > 0)
        return false;
    c->state = CONN_CHUNK_END;
    return true;
}

/* The line end behind a chunk; or, behind the last chunk, lines up to an empty one. */
static bool step_chunk_end(struct http_conn *c)
{
    size_t len;
    enum conn_state before = c->state;
    char *line = read_line(c, &len);
    if (!line)
        return c->state != before;
    free(line);
    if (before == CONN_CHUNK_END && len == 0)
        c->state = CONN_CHUNK_SIZE;
    else if (before == CONN_CHUNK_END)
        refuse(c, HTTP_BAD_REQUEST);
    else if (len == 0)
        to_handler(c);
    return true;
}

static bool step_linger(struct http_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    evbuffer_drain(in, evbuffer_get_length(in));
    return false;
}

/* The answer is out: next request, or the end. May set *freed. */
static bool step_answering(struct http_conn *c, bool *freed)
{
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
        return false;
    if (c->peer_gone) {
        conn_free(c);
        *freed = true;
        return false;
    }
    if (!c->close_after) {
        c->state = CONN_LINE;
        return true;
    }
    c->state = CONN_LINGER;
    shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    set_timeout(c, LINGER_S);
    return true;
}

static bool step(struct http_conn *c, bool *freed)
{
    switch (c->state) {
    case CONN_LINE: return step_line(c);
    case CONN_HEADERS: return step_headers(c);
    case CONN_BODY: return step_body(c);
    case CONN_CHUNK_SIZE: return step_chunk_size(c);
    case CONN_CHUNK: return step_chunk(c);
    case CONN_CHUNK_END:
    case CONN_TRAILER: return step_chunk_end(c);
    case CONN_HANDLER: return false;
    case CONN_ANSWERING: return step_answering(c, freed);
    case CONN_LINGER: return step_linger(c);
    }
    return false;
}

/* Goes on as far as the input allows. */
static void process(struct http_conn *c)
{
    bool freed = false;
    c->in_process = true;
    while (step(c, &freed)) {
    }
    if (freed)
        return;
    c->in_process = false;
    /* A body may be large; requests that wait behind one that is with the handler may not. */
    bool reading_body = c->state == CONN_BODY || c->state == CONN_CHUNK;
    bufferevent_setwatermark(c->bev, EV_READ, 0, reading_body ? 0 : INPUT_AHEAD);
    /* Writing is on since the start; to enable it anew would ask for a write event at once, and its
     * callback leads back here. */
    bufferevent_enable(c->bev, EV_READ);
}

static void on_io(struct bufferevent *bev, void *arg)
{
    (void)bev;
    process(arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev, (void)what;
    struct http_conn *c = arg;
    if (c->state == CONN_HANDLER) { /* left while it waits for its answer */
        c->peer_gone = true;
        bufferevent_disable(c->bev, EV_READ);
        void (*gone)(struct http_request *, void *) = c->request.gone;
        c->request.gone = NULL;
        if (gone)
            gone(&c->request, c->request.gone_arg);
    } else if (c->state == CONN_ANSWERING && (what & BEV_EVENT_EOF)) {
        c->peer_gone = true; /* half closed: it may still read */
        bufferevent_disable(c->bev, EV_READ);
    } else {
        conn_free(c);
    }
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *addr, int len,
                      void *arg)
{
    (void)l;
    struct http_server *s = arg;
    if (s->n_conns >= MAX_CONNECTIONS || s->stopping || !s->allowed(addr, s->arg)) {
        close(fd);
        return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct http_conn *c = xcalloc(1, sizeof(*c));
    c->server = s;
    c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
    CHECK(c->bev);
    c->request.conn = c;
    memcpy(&c->request.peer, addr, (size_t)len);
    c->next = s->conns;
    c->link = &s->conns;
    if (s->conns)
        s->conns->link = &c->next;
    s->conns = c;
    s->n_conns++;
    bufferevent_setcb(c->bev, on_io, on_io, on_event, c);
    set_timeout(c, s->timeout_s);
    process(c);
}

/* ---- the server ---- */

struct http_server *http_create(struct event_base *base, int timeout_s,
                                bool (*allowed)(const struct sockaddr *from, void *arg),
                                void (*handler)(struct http_request *r, void *arg), void *arg)
{
    struct http_server *s = xcalloc(1, sizeof(*s));
    s->base = base;
    s->timeout_s = timeout_s;
    s->allowed = allowed;
    s->handler = handler;
    s->arg = arg;
    return s;
}

bool http_bind(struct http_server *s, const struct sockaddr *addr, socklen_t len)
{
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    if (addr->sa_family == AF_INET6)
        flags |= LEV_OPT_BIND_IPV6ONLY;
    struct evconnlistener *l =
        evconnlistener_new_bind(s->base, on_accept, s, flags, -1, addr, (int)len);
    if (!l)
        return false;
    s->listeners =
        array_reserve(s->listeners, &s->cap_listeners, s->n_listeners + 1, sizeof(*s->listeners));
    s->listeners[s->n_listeners++] = l;
    return true;
}

void http_stop(struct http_server *s)
{
    s->stopping = true;
    for (size_t i = 0; i < s->n_listeners; i++)
        evconnlistener_free(s->listeners[i]);
    s->n_listeners = 0;
    struct http_conn *next;
    for (struct http_conn *c = s->conns; c; c = next) {
        next = c->next;
        c->close_after = true;
        if (c->state == CONN_HANDLER && c->request.gone) {
            void (*gone)(struct http_request *, void *) = c->request.gone;
            c->request.gone = NULL;
            gone(&c->request, c->request.gone_arg);
        }
    }
}

bool http_is_idle(const struct http_server *s)
{
    for (const struct http_conn *c = s->conns; c; c = c->next)
        if (c->state == CONN_HANDLER || evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
            return false;
    return true;
}

void http_destroy(struct http_server *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_listeners; i++)
        evconnlistener_free(s->listeners[i]);
    while (s->conns)
        conn_free(s->conns);
    free(s->listeners);
    free(s);
}
