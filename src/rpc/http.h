/*
 * A small HTTP/1.1 server on the owner's loop: persistent connections, pipelining in order, bodies
 * by length or in chunks, answers now or later. RPC and REST are its users.
 */
#ifndef MITE_RPC_HTTP_H
#define MITE_RPC_HTTP_H

#include <event2/event.h>
#include <sys/socket.h>

#include "util/bytes.h"

#define HTTP_MAX_HEADERS 8192
#define HTTP_MAX_BODY    (32 * 1024 * 1024)

enum http_status {
    HTTP_OK = 200,
    HTTP_NO_CONTENT = 204,
    HTTP_BAD_REQUEST = 400,
    HTTP_UNAUTHORIZED = 401,
    HTTP_FORBIDDEN = 403,
    HTTP_NOT_FOUND = 404,
    HTTP_METHOD_NOT_ALLOWED = 405,
    HTTP_CONTENT_TOO_LARGE = 413,
    HTTP_INTERNAL_SERVER_ERROR = 500,
    HTTP_SERVICE_UNAVAILABLE = 503
};

/* A request's head and body as they arrive. */
struct http_head {
    char method[16];
    char *uri;           /* as sent */
    char *authorization; /* NULL: none */
    bool keep_alive, expect_continue;
    bool chunked, has_length;
    uint64_t length;
};
/* The request line, and one header line after another; false: malformed. */
bool http_parse_request_line(struct http_head *h, const char *line, size_t len) MUST_USE;
bool http_parse_header(struct http_head *h, const char *line, size_t len) MUST_USE;
/* Size line of a chunk: hex digits, perhaps an extension behind ';'. */
bool http_parse_chunk_size(const char *line, size_t len, uint64_t *size) MUST_USE;
void http_head_clear(struct http_head *h);
/* "%41" and the like; caller frees. NULL where malformed or with a zero byte inside. */
char *http_uri_decode(const char *s, size_t len);

struct http_server;
struct http_request {
    struct http_head head;
    struct buf body;
    struct sockaddr_storage peer;
    /* Set by the handler that answers later: called at most once, when the client has gone or the
     * server stops. The request must still be answered. */
    void (*gone)(struct http_request *r, void *arg);
    void *gone_arg;
    /* private */
    struct http_conn *conn;
};

/* Connections from elsewhere than `allowed` says are closed at once. `handler` must lead to one
 * http_reply() for every request, now or later. */
struct http_server *http_create(struct event_base *base, int timeout_s,
                                bool (*allowed)(const struct sockaddr *from, void *arg),
                                void (*handler)(struct http_request *r, void *arg), void *arg);
/* Binds and listens. False: errno says why. */
bool http_bind(struct http_server *s, const struct sockaddr *addr, socklen_t len) MUST_USE;
/* Answers: `type` NULL for none; takes the body over (it may be megabytes and is not copied). The
 * request is gone afterwards. `header` (may be NULL) is one more header line without its end. */
void http_reply(struct http_request *r, enum http_status status, const char *type, struct buf *body,
                const char *header);
void http_reply_text(struct http_request *r, enum http_status status, const char *text);
/* No more connections and requests; waiting ones are told that nobody waits. */
void http_stop(struct http_server *s);
/* True where every answer has been given and written. */
bool http_is_idle(const struct http_server *s);
/* Closes what is open, answered or not: no http_reply() may come after it. */
void http_destroy(struct http_server *s);

#endif
