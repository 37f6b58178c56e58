/*
 * JSON-RPC over HTTP: from a POST to calls and back.
 *
 * A session is one HTTP request with one call or a batch. Its calls run one after another, in
 * order; when one answers later, the session waits for it and goes on from there. Version 2.0 of
 * the protocol is followed where a call asks for it, the older shape and HTTP status codes where it
 * does not, as Core does.
 */
#include "rpc/server.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc/auth.h"
#include "rpc/call.h"
#include "rpc/http.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/str.h"

#define WRONG_PASSWORD_DELAY_MS 250 /* slows down guessing */

struct rpc_server {
    const struct rpc_context *ctx;
    struct event_base *base;
    struct rpc_auth *auth;
    struct http_server *http;
    unsigned pending, max_pending;
    struct refusal *refusals;
};

/* What one member of a batch, or a single request, says of itself. */
struct request {
    struct json_object *id; /* of the body */
    bool has_id, v2;
    const char *method;
    struct json_object *params;
    const char *bad; /* it is not a valid request, and why */
};

struct session {
    struct rpc_server *server;
    struct http_request *http;
    struct json_object *body;
    char *wallet;
    const char *user;
    bool batch;
    size_t at, n; /* place in the batch */
    struct request current;
    struct rpc_call *call; /* the one that runs */
    bool running;          /* inside run_session(): a call that ends at once only returns */
    struct buf out;
    enum http_status status;
};

static void run_session(struct session *s);

/* ---- writing answers ---- */

static void put_id(struct buf *b, const struct request *r)
{
    if (!r->has_id)
        return;
    struct json j;
    json_init(&j);
    json_put_value(&j, NULL, r->id);
    write_printf(b, ",\"id\":");
    write_span(b, buf_span(&j.out));
    json_clear(&j);
}

static void put_error(struct buf *b, const struct request *r, int code, const char *message)
{
    struct json j;
    json_init(&j);
    json_begin_object(&j, NULL);
    json_put_int(&j, "code", code);
    json_put_str(&j, "message", message);
    json_end(&j);
    write_printf(b, r->v2 ? "{\"jsonrpc\":\"2.0\",\"error\":" : "{\"result\":null,\"error\":");
    write_span(b, buf_span(&j.out));
    put_id(b, r);
    write_u8(b, '}');
    json_clear(&j);
}

/* A large result keeps its memory: what surrounds it is moved to it, not it to that. */
static void put_result(struct buf *b, const struct request *r, struct buf *result)
{
    const char *before = r->v2 ? "{\"jsonrpc\":\"2.0\",\"result\":" : "{\"result\":";
    size_t n = strlen(before);
    if (b->len == 0) {
        buf_reserve(result, n + 64);
        memmove(result->data + n, result->data, result->len);
        memcpy(result->data, before, n);
        result->len += n;
        buf_clear(b);
        *b = *result;
        *result = (struct buf)BUF_INIT;
    } else {
        write_printf(b, "%s", before);
        write_span(b, buf_span(result));
    }
    if (!r->v2)
        write_printf(b, ",\"error\":null");
    put_id(b, r);
    write_u8(b, '}');
}

static void end_session(struct session *s)
{
    bool nothing = s->out.len == 0;
    if (s->batch && !nothing)
        write_u8(&s->out, ']');
    if (!nothing)
        write_u8(&s->out, '\n');
    s->server->pending--;
    s->http->gone = NULL;
    http_reply(s->http, nothing ? HTTP_NO_CONTENT : s->status, nothing ? NULL : "application/json",
               &s->out, NULL);
    json_object_put(s->body);
    free(s->wallet);
    free(s);
}

static enum http_status error_status(int code)
{
    return code == RPC_INVALID_REQUEST    ? HTTP_BAD_REQUEST
           : code == RPC_METHOD_NOT_FOUND ? HTTP_NOT_FOUND
                                          : HTTP_INTERNAL_SERVER_ERROR;
}

/* Where this member's answer goes; NULL for a notification, which gets none. */
static struct buf *answer_place(struct session *s)
{
    if (s->current.v2 && !s->current.has_id)
        return NULL;
    if (s->batch)
        write_u8(&s->out, s->out.len == 0 ? '[' : ',');
    return &s->out;
}

static void answer_error(struct session *s, int code, const char *message)
{
    struct buf *b = answer_place(s);
    if (!b)
        return;
    put_error(b, &s->current, code, message);
    if (!s->batch && !s->current.v2)
        s->status = error_status(code);
}

/* ---- running ---- */

static void call_done(struct rpc_call *call, void *arg)
{
    struct session *s = arg;
    if (call->error_code != 0) {
        answer_error(s, call->error_code, call->error);
    } else {
        struct buf *b = answer_place(s);
        if (b)
            put_result(b, &s->current, &call->result.out);
    }
    s->call = NULL;
    rpc_call_free(call);
    if (!s->running)
        run_session(s);
}

static void read_request(struct json_object *v, struct request *r)
{
    *r = (struct request){0};
    struct json_object *version, *method = NULL;
    if (!json_object_is_type(v, json_type_object)) {
        r->has_id = true;
        r->bad = "Invalid Request object";
        return;
    }
    r->has_id = json_object_object_get_ex(v, "id", &r->id);
    if (json_object_object_get_ex(v, "jsonrpc", &version) && version) {
        if (!json_object_is_type(version, json_type_string)) {
            r->bad = "jsonrpc field must be a string";
            return;
        }
        r->v2 = strcmp(json_object_get_string(version), "2.0") == 0;
        if (!r->v2 && strcmp(json_object_get_string(version), "1.0") != 0) {
            r->bad = "JSON-RPC version not supported";
            return;
        }
    }
    r->params = json_get(v, "params");
    json_object_object_get_ex(v, "method", &method);
    if (!method)
        r->bad = "Missing method";
    else if (!json_object_is_type(method, json_type_string))
        r->bad = "Method must be a string";
    else if (r->params && !json_object_is_type(r->params, json_type_array) &&
             !json_object_is_type(r->params, json_type_object))
        r->bad = "Params must be an array or object";
    else
        r->method = json_object_get_string(method);
}

static void call_started(struct session *s)
{
    const struct request *r = &s->current;
    rpc_call_run(s->server->ctx, r->method, r->params, s->wallet, &s->call, call_done, s);
}

static void run_session(struct session *s)
{
    s->running = true;
    while (s->at < s->n && !s->call) {
        struct json_object *v = s->batch ? json_object_array_get_idx(s->body, s->at) : s->body;
        s->at++;
        read_request(v, &s->current);
        if (s->current.bad)
            answer_error(s, RPC_INVALID_REQUEST, s->current.bad);
        else
            call_started(s);
    }
    s->running = false;
    if (!s->call)
        end_session(s);
}

static void client_gone(struct http_request *http, void *arg)
{
    (void)http;
    struct session *s = arg;
    s->n = s->at; /* the rest of a batch is for nobody */
    if (s->call)
        rpc_call_cancel(s->call);
}

/* ---- from HTTP ---- */

/* A request with wrong credentials, answered after a while. */
struct refusal {
    struct rpc_server *server;
    struct http_request *http;
    struct event *timer;
    struct refusal *next, **link;
};

static void refuse_user(struct http_request *http)
{
    http_reply(http, HTTP_UNAUTHORIZED, NULL, NULL, "WWW-Authenticate: Basic realm=\"jsonrpc\"");
}

static void end_refusal(struct refusal *r)
{
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    event_free(r->timer);
    r->http->gone = NULL;
    refuse_user(r->http);
    free(r);
}

static void on_refusal_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    end_refusal(arg);
}

static void refusal_gone(struct http_request *http, void *arg)
{
    (void)http;
    end_refusal(arg);
}

static void refuse_user_later(struct rpc_server *server, struct http_request *http)
{
    struct refusal *r = xcalloc(1, sizeof(*r));
    struct timeval tv = {0, WRONG_PASSWORD_DELAY_MS * 1000};
    log_warning("ThreadRPCServer incorrect password attempt");
    *r = (struct refusal){server, http, evtimer_new(server->base, on_refusal_timer, r),
                          server->refusals, &server->refusals};
    if (r->next)
        r->next->link = &r->next;
    server->refusals = r;
    http->gone = refusal_gone;
    http->gone_arg = r;
    evtimer_add(r->timer, &tv);
}

static void reply_json_error(struct http_request *http, int code, const char *message)
{
    struct buf b = BUF_INIT;
    struct request none = {.has_id = true};
    put_error(&b, &none, code, message);
    write_u8(&b, '\n');
    http_reply(http, error_status(code), "application/json", &b, NULL);
}

static bool methods_allowed(const struct session *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct json_object *v = s->batch ? json_object_array_get_idx(s->body, i) : s->body;
        struct json_object *m = json_get(v, "method");
        if (m && !rpc_auth_method(s->server->auth, s->user, json_object_get_string(m)))
            return false;
    }
    return true;
}

static void start_session(struct rpc_server *server, struct http_request *http, char *wallet,
                          const char *user)
{
    bool ok;
    struct json_object *body = json_parse((const char *)http->body.data, http->body.len, &ok);
    bool batch = json_object_is_type(body, json_type_array);
    struct session *s = xcalloc(1, sizeof(*s));
    *s = (struct session){.server = server,
                          .http = http,
                          .body = body,
                          .wallet = wallet,
                          .user = user,
                          .batch = batch,
                          .n = batch ? json_object_array_length(body) : 1,
                          .status = HTTP_OK};
    buf_clear(&http->body);
    if (ok && (batch || json_object_is_type(body, json_type_object)) && methods_allowed(s)) {
        if (batch && s->n == 0)
            write_u8(&s->out, '[');
        server->pending++;
        http->gone = client_gone;
        http->gone_arg = s;
        run_session(s);
        return;
    }
    if (!ok)
        reply_json_error(http, RPC_PARSE_ERROR, "Parse error");
    else if (!batch && !json_object_is_type(body, json_type_object))
        reply_json_error(http, RPC_PARSE_ERROR, "Top-level object parse error");
    else
        http_reply(http, HTTP_FORBIDDEN, NULL, NULL, NULL);
    json_object_put(body);
    free(wallet);
    free(s);
}

/* "/" gives *wallet NULL, "/wallet/NAME" its name; false: no such place. */
static bool read_path(const char *uri, char **wallet)
{
    static const char prefix[] = "/wallet/";
    size_t len = strcspn(uri, "?");
    *wallet = NULL;
    if (len == 1 && uri[0] == '/')
        return true;
    if (strncmp(uri, prefix, strlen(prefix)) != 0)
        return false;
    *wallet = http_uri_decode(uri + strlen(prefix), len - strlen(prefix));
    return *wallet != NULL;
}

static bool may_connect(const struct sockaddr *from, void *arg)
{
    const struct rpc_server *server = arg;
    return rpc_auth_address(server->auth, from);
}

static void on_request(struct http_request *http, void *arg)
{
    struct rpc_server *server = arg;
    const char *user = NULL;
    char *wallet = NULL;
    if (strcmp(http->head.method, "GET") != 0 && strcmp(http->head.method, "POST") != 0) {
        http_reply(http, HTTP_METHOD_NOT_ALLOWED, NULL, NULL, NULL);
    } else if (!read_path(http->head.uri, &wallet)) {
        http_reply(http, HTTP_NOT_FOUND, NULL, NULL, NULL);
    } else if (strcmp(http->head.method, "POST") != 0) {
        http_reply_text(http, HTTP_METHOD_NOT_ALLOWED, "JSONRPC server handles only POST requests");
    } else if (!http->head.authorization) {
        refuse_user(http);
    } else if (!(user = rpc_auth_user(server->auth, http->head.authorization))) {
        refuse_user_later(server, http);
    } else if (server->pending >= server->max_pending) {
        http_reply_text(http, HTTP_SERVICE_UNAVAILABLE, "Work queue depth exceeded");
    } else {
        start_session(server, http, wallet, user);
        return;
    }
    free(wallet);
}

/* ---- the server ---- */

/* "host", "host:port", "[v6]", "[v6]:port" */
static void split_host(const char *s, char **host, char **port)
{
    const char *end = NULL, *colon;
    *port = NULL;
    if (*s == '[' && (end = strchr(s, ']'))) {
        *host = xstrndup(s + 1, (size_t)(end - s - 1));
        colon = end[1] == ':' ? end + 1 : NULL;
    } else {
        colon = strchr(s, ':');
        if (colon && strchr(colon + 1, ':'))
            colon = NULL; /* a bare IPv6 address */
        *host = colon ? xstrndup(s, (size_t)(colon - s)) : xstrdup(s);
    }
    if (colon)
        *port = xstrdup(colon + 1);
}

/* Number of addresses bound; *error (first) says what did not work. */
static unsigned bind_one(struct rpc_server *s, const char *where, uint16_t default_port,
                         char **error)
{
    char *host, *port, number[8];
    split_host(where, &host, &port);
    snprintf(number, sizeof(number), "%u", default_port);
    const char *service = port ? port : number;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    unsigned bound = 0;
    int r = getaddrinfo(host, service, &hints, &list);
    for (struct addrinfo *a = list; a; a = a->ai_next)
        bound += http_bind(s->http, a->ai_addr, a->ai_addrlen);
    if (bound == 0 && !*error)
        *error = xasprintf("Unable to bind to %s port %s for the RPC server: %s", host, service,
                           r != 0 ? gai_strerror(r) : strerror(errno));
    if (bound > 0)
        log_debug(LOG_http, "Binding RPC on address %s port %s", host, service);
    if (list)
        freeaddrinfo(list);
    free(host);
    free(port);
    return bound;
}

/* Loopback unless addresses are given, and those count only with -rpcallowip. One of the loopback
 * addresses is enough: not every machine has IPv6. */
static bool bind_all(struct rpc_server *s, const struct rpc_server_options *o, char **error)
{
    static const char *const loopback[] = {"127.0.0.1", "::1", NULL};
    bool given = o->allow_ip && o->allow_ip[0] && o->bind && o->bind[0];
    if (o->bind && o->bind[0] && !given)
        log_warning("Option -rpcbind was ignored because -rpcallowip was not specified, refusing "
                    "to allow everyone to connect");
    unsigned bound = 0;
    for (const char *const *b = given ? o->bind : loopback; *b; b++) {
        unsigned n = bind_one(s, *b, o->port, error);
        if (n == 0 && (given || b == loopback))
            return false;
        bound += n;
    }
    free(*error);
    *error = NULL;
    return bound > 0;
}

struct rpc_server *rpc_server_create(const struct rpc_server_options *o, char **error)
{
    *error = NULL;
    struct rpc_server *s = xcalloc(1, sizeof(*s));
    s->ctx = o->ctx;
    s->base = o->base;
    s->max_pending = o->max_pending;
    s->http = http_create(o->base, o->timeout_s, may_connect, on_request, s);
    if (bind_all(s, o, error) && (s->auth = rpc_auth_create(o, error)))
        return s;
    rpc_server_destroy(s);
    return NULL;
}

void rpc_server_stop(struct rpc_server *s)
{
    http_stop(s->http);
}

bool rpc_server_is_idle(const struct rpc_server *s)
{
    return http_is_idle(s->http);
}

void rpc_server_destroy(struct rpc_server *s)
{
    if (!s)
        return;
    http_destroy(s->http);
    rpc_auth_destroy(s->auth);
    free(s);
}
