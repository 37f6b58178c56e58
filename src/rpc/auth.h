/* Who may call: addresses, users, and the methods of each. */
#ifndef MITE_RPC_AUTH_H
#define MITE_RPC_AUTH_H

#include <sys/socket.h>

#include "rpc/server.h"

struct rpc_auth;

/* Reads the options and writes the cookie. NULL: *error is a sentence (caller frees). */
struct rpc_auth *rpc_auth_create(const struct rpc_server_options *o, char **error);
/* Frees; removes the cookie that it wrote. */
void rpc_auth_destroy(struct rpc_auth *a);
bool rpc_auth_address(const struct rpc_auth *a, const struct sockaddr *addr);
/* The user of an Authorization header (a name that lives as long as `a`), NULL where refused. */
const char *rpc_auth_user(const struct rpc_auth *a, const char *header);
bool rpc_auth_method(const struct rpc_auth *a, const char *user, const char *method);

#endif
