/* The RPC server: HTTP, authorisation, JSON-RPC. Made and stopped by the composition root. */
#ifndef MITE_RPC_SERVER_H
#define MITE_RPC_SERVER_H

#include "rpc/rpc.h"

struct rpc_server;

struct rpc_server_options {
    struct event_base *base;
    const struct rpc_context *ctx;
    uint16_t port;
    const char *const *bind; /* "addr[:port]", NULL-terminated; obeyed where allow_ip is given */
    const char *const *allow_ip;  /* "addr", "addr/bits", "addr/mask" */
    const char *user, *password;  /* NULL: none */
    const char *const *auth;      /* "user:salt$hash" */
    const char *const *whitelist; /* "user:method,method" */
    int whitelist_default;        /* -1: not said */
    const char *cookie_file;      /* NULL: no cookie */
    unsigned cookie_mode;         /* 0600 */
    int timeout_s;
    unsigned max_pending; /* calls that may wait for their answer at once */
};

/* Binds its ports and writes the cookie; requests are served as soon as the loop runs. NULL: *error
 * is a sentence (caller frees). */
struct rpc_server *rpc_server_create(const struct rpc_server_options *o, char **error);
/* No new requests; calls that wait are told to end. */
void rpc_server_stop(struct rpc_server *s);
/* True where every call has been answered and every answer written. */
bool rpc_server_is_idle(const struct rpc_server *s);
/* Also removes the cookie. */
void rpc_server_destroy(struct rpc_server *s);

/* Frees what waiting methods hold of the chain; after the server. */
void rpc_waits_close(void);

#endif
