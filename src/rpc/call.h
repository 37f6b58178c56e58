/* A call from the inside of rpc/: how the server makes one, and what it finds when it has ended. */
#ifndef MITE_RPC_CALL_H
#define MITE_RPC_CALL_H

#include "rpc/rpc.h"

struct rpc_call {
    const struct rpc_context *ctx;
    const struct rpc_method *method;
    struct json_object *params; /* owns what args point to */
    struct json_object **args;  /* by position, NULL for null */
    size_t n_args;              /* as the caller gave them */
    char *wallet;
    struct json result;
    int error_code; /* 0: none */
    char *error;
    bool in_handler, answered;
    void (*cancel)(struct rpc_call *, void *);
    void *cancel_arg;
    void (*done)(struct rpc_call *call, void *arg);
    void *done_arg;
    int64_t start_us;
    struct rpc_call *next, **link; /* the list of active calls */
};

/*
 * Runs a method. `params` (array, object or NULL) is referenced, `wallet` copied. `done` is called
 * exactly once, possibly before this returns, and frees the call; *running (may be NULL) is set to
 * the call before anything else.
 */
void rpc_call_run(const struct rpc_context *ctx, const char *method, struct json_object *params,
                  const char *wallet, struct rpc_call **running,
                  void (*done)(struct rpc_call *call, void *arg), void *arg);
void rpc_call_free(struct rpc_call *call);
/* Nobody waits for this answer any more. The call may be freed by this. */
void rpc_call_cancel(struct rpc_call *call);
/* Calls that run now, in any order. */
const struct rpc_call *rpc_active_calls(void);

const struct rpc_method *rpc_find_method(const struct rpc_context *ctx, const char *name);
/* Position of a parameter by any of its names, -1 where there is none. */
int rpc_param_index(const struct rpc_method *m, const char *name);
size_t rpc_param_count(const struct rpc_method *m);

/* Puts params into args by position, and checks number and types: false with the error noted. */
bool rpc_bind_args(struct rpc_call *call);

/* "getblock "blockhash" ( verbosity )" */
void rpc_signature(struct buf *out, const struct rpc_method *m);
void rpc_help_method(struct buf *out, const struct rpc_method *m);
void rpc_help_list(struct buf *out, const struct rpc_context *ctx);

#endif
