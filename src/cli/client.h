/*
 * The client's side of JSON-RPC over HTTP: one connection, one call at a time, waiting for the
 * answer. On a terminal a long wait shows the node's progress.
 */
#ifndef MITE_CLI_CLIENT_H
#define MITE_CLI_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct client;

struct client_options {
    const char *host;
    uint16_t port;
    const char *credentials; /* "user:password"; NULL: none were found */
    const char *refusal;     /* what to say where they are refused */
    const char *wallet;      /* NULL: none named */
    const char *id;          /* JSON-RPC request id */
    int timeout_s;           /* of the call, 0: none */
    bool show_progress;      /* on standard error, after a second */
};

enum client_result {
    CLIENT_OK,          /* an answer, which may be an error of the node's */
    CLIENT_UNREACHABLE, /* nobody there (yet) */
    CLIENT_FAILED
};

struct client *client_create(const struct client_options *o);
void client_destroy(struct client *c);
/* Calls a method with "params" as JSON text. On CLIENT_OK *reply is the whole answer object (the
 * caller puts it); otherwise *error is a sentence (caller frees). */
enum client_result client_call(struct client *c, const char *method, const char *params,
                               struct json_object **reply, char **error);
/* For requests to come. */
void client_set_wallet(struct client *c, const char *wallet);

#endif
