/* Ranges of descriptors in arguments. */
#ifndef MITE_RPC_RANGE_H
#define MITE_RPC_RANGE_H

#include "rpc/rpc.h"

/* False with the error noted (-8). */
bool rpc_get_range(struct rpc_call *call, struct json_object *v, int64_t *begin, int64_t *end);

#endif
