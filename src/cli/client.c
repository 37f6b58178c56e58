/*
 * libevent's HTTP client on a loop of its own that runs until the answer is there. While it waits,
 * a timer may ask the same node for its height on a second connection and rewrite a line on
 * standard error; whatever goes wrong with that is ignored, since it is decoration.
 */
#include "cli/client.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "chain/address.h"
#include "cli/progress.h"
#include "util/bytes.h"
#include "util/mem.h"

#define HTTP_UNAUTHORIZED        401
#define HTTP_FORBIDDEN           403
#define HTTP_SERVICE_UNAVAILABLE 503

struct client {
    struct client_options o;
    char *authorization; /* the header's value */
    char *wallet;
    struct event_base *base;
    struct evhttp_connection *connection;
};

/* What came back from one request. */
struct exchange {
    struct event_base *base;
    bool finished;
    int status; /* 0: no answer */
    int error;  /* evhttp_request_error, -1: none */
    char *body;
    struct evhttp_request *request;
};

struct client *client_create(const struct client_options *o)
{
    struct client *c = xcalloc(1, sizeof(*c));

    c->o = *o;
    c->wallet = o->wallet ? xstrdup(o->wallet) : NULL;
    if (o->credentials) {
        char *encoded = base64_encode(o->credentials, strlen(o->credentials));
        c->authorization = xasprintf("Basic %s", encoded);
        wipe(encoded, strlen(encoded));
        free(encoded);
    }
    c->base = event_base_new();
    CHECK(c->base);
    return c;
}

void client_destroy(struct client *c)
{
    if (c->connection)
        evhttp_connection_free(c->connection);
    event_base_free(c->base);
    if (c->authorization)
        wipe(c->authorization, strlen(c->authorization));
    free(c->authorization);
    free(c->wallet);
    free(c);
}

void client_set_wallet(struct client *c, const char *wallet)
{
    free(c->wallet);
    c->wallet = wallet ? xstrdup(wallet) : NULL;
}

static void on_error(enum evhttp_request_error error, void *arg)
{
    ((struct exchange *)arg)->error = (int)error;
}

static void on_answer(struct evhttp_request *req, void *arg)
{
    struct exchange *x = arg;

    x->finished = true;
    if (req) {
        x->status = evhttp_request_get_response_code(req);
        struct evbuffer *in = evhttp_request_get_input_buffer(req);
        size_t len = evbuffer_get_length(in);
        x->body = xmalloc(len + 1);
        evbuffer_remove(in, x->body, len);
        x->body[len] = 0;
    }
    event_base_loopbreak(x->base);
}

static struct evhttp_connection *open_connection(struct client *c)
{
    struct evhttp_connection *e = evhttp_connection_base_new(c->base, NULL, c->o.host, c->o.port);

    CHECK(e);
    evhttp_connection_set_timeout(e, c->o.timeout_s > 0 ? c->o.timeout_s : 5 * 365 * 86400);
    return e;
}

static char *uri_of(const struct client *c)
{
    if (!c->wallet)
        return xstrdup("/");
    char *name = evhttp_uriencode(c->wallet, -1, 0);
    CHECK(name);
    char *uri = xasprintf("/wallet/%s", name);
    free(name);
    return uri;
}

static bool send_request(struct client *c, struct evhttp_connection *e, const char *body,
                         struct exchange *x)
{
    *x = (struct exchange){.base = c->base, .error = -1};
    struct evhttp_request *req = evhttp_request_new(on_answer, x);
    CHECK(req);
    evhttp_request_set_error_cb(req, on_error);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    evhttp_add_header(headers, "Host", c->o.host);
    evhttp_add_header(headers, "Content-Type", "application/json");
    if (c->authorization)
        evhttp_add_header(headers, "Authorization", c->authorization);
    evbuffer_add(evhttp_request_get_output_buffer(req), body, strlen(body));
    char *uri = uri_of(c);
    bool ok = evhttp_make_request(e, req, EVHTTP_REQ_POST, uri) == 0;
    free(uri);
    x->request = ok ? req : NULL;
    return ok;
}

static char *request_body(const char *id, const char *method, const char *params)
{
    struct json_object *name = json_object_new_string(method),
                       *json_id = json_object_new_string(id);
    char *body =
        xasprintf("{\"method\":%s,\"params\":%s,\"id\":%s}\n", json_object_to_json_string(name),
                  params, json_object_to_json_string(json_id));
    json_object_put(name);
    json_object_put(json_id);
    return body;
}

static const char *why_no_answer(int error)
{
    switch (error) {
    case EVREQ_HTTP_TIMEOUT: return "Timeout while waiting for a response";
    case EVREQ_HTTP_EOF: return "EOF reached";
    case EVREQ_HTTP_INVALID_HEADER: return "Error while reading header, or invalid header";
    case EVREQ_HTTP_BUFFER_ERROR: return "Error encountered while reading or writing";
    case EVREQ_HTTP_REQUEST_CANCEL: return "Request was canceled";
    case EVREQ_HTTP_DATA_TOO_LONG: return "Response body is larger than allowed";
    default: return "Could not connect to the server";
    }
}

static enum client_result judge(const struct client *c, const struct exchange *x,
                                struct json_object **reply, char **error)
{
    if (x->status == 0) {
        *error = xasprintf("Error while attempting to communicate with server %s:%u (%s)",
                           c->o.host, c->o.port, why_no_answer(x->error));
        return x->error == EVREQ_HTTP_TIMEOUT ? CLIENT_FAILED : CLIENT_UNREACHABLE;
    }
    if (x->status == HTTP_UNAUTHORIZED) {
        *error = xasprintf("Authorization failed: %s", c->o.refusal);
        return CLIENT_FAILED;
    }
    if (x->status == HTTP_SERVICE_UNAVAILABLE || x->status == HTTP_FORBIDDEN) {
        *error = x->body[0] ? xasprintf("Server response: %s", x->body)
                            : xasprintf("server returned HTTP error %d", x->status);
        return CLIENT_FAILED;
    }
    if (!x->body[0]) {
        *error = xstrdup("no response from server");
        return CLIENT_FAILED;
    }
    *reply = json_tokener_parse(x->body);
    if (!json_object_is_type(*reply, json_type_object)) {
        json_object_put(*reply);
        *reply = NULL;
        *error = xasprintf("server returned HTTP error %d and what is no JSON", x->status);
        return CLIENT_FAILED;
    }
    return CLIENT_OK;
}

/* ---- progress, while a call is under way ---- */

struct watcher {
    struct client *c;
    struct event *timer;
    struct evhttp_connection *connection;
    struct exchange x;
    struct progress progress;
};

static void on_height(struct evhttp_request *req, void *arg)
{
    struct watcher *w = arg;

    w->x.request = NULL;
    if (!req || evhttp_request_get_response_code(req) != 200)
        return;
    struct evbuffer *in = evhttp_request_get_input_buffer(req);
    size_t len = evbuffer_get_length(in);
    char *body = xmalloc(len + 1);
    evbuffer_remove(in, body, len);
    body[len] = 0;
    struct json_object *reply = json_tokener_parse(body);
    progress_update(&w->progress, reply);
    json_object_put(reply);
    free(body);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct watcher *w = arg;

    (void)fd;
    (void)what;
    if (w->x.request) /* the last question is still open */
        return;
    if (!w->connection)
        w->connection = open_connection(w->c);
    struct evhttp_request *req = evhttp_request_new(on_height, w);
    CHECK(req);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    evhttp_add_header(headers, "Host", w->c->o.host);
    if (w->c->authorization)
        evhttp_add_header(headers, "Authorization", w->c->authorization);
    static const char body[] = "{\"method\":\"getblockchaininfo\",\"params\":[],\"id\":0}";
    evbuffer_add(evhttp_request_get_output_buffer(req), body, sizeof(body) - 1);
    if (evhttp_make_request(w->connection, req, EVHTTP_REQ_POST, "/") == 0)
        w->x.request = req;
}

static void watcher_start(struct watcher *w, struct client *c)
{
    static const struct timeval second = {1, 0};

    *w = (struct watcher){.c = c};
    if (!c->o.show_progress)
        return;
    w->timer = event_new(c->base, -1, EV_PERSIST, on_tick, w);
    CHECK(w->timer && event_add(w->timer, &second) == 0);
}

static void watcher_stop(struct watcher *w)
{
    if (w->timer)
        event_free(w->timer);
    if (w->connection)
        evhttp_connection_free(w->connection); /* frees an open request with it */
    progress_end(&w->progress);
}

enum client_result client_call(struct client *c, const char *method, const char *params,
                               struct json_object **reply, char **error)
{
    struct exchange x;
    struct watcher w;

    *reply = NULL;
    if (!c->connection)
        c->connection = open_connection(c);
    char *body = request_body(c->o.id, method, params);
    bool sent = send_request(c, c->connection, body, &x);
    wipe(body, strlen(body)); /* may hold a passphrase */
    free(body);
    watcher_start(&w, c);
    while (sent && !x.finished && event_base_dispatch(c->base) == 0)
        continue;
    watcher_stop(&w);
    enum client_result result = judge(c, &x, reply, error);
    free(x.body);
    if (result != CLIENT_OK) { /* the next call starts on a fresh connection */
        evhttp_connection_free(c->connection);
        c->connection = NULL;
    }
    return result;
}
