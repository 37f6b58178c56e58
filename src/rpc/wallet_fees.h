/* Arguments that say how a payment's fee is found. */
#ifndef MITE_RPC_WALLET_FEES_H
#define MITE_RPC_WALLET_FEES_H

#include "rpc/wallet_rpc.h"

/* conf_target, estimate_mode and fee_rate (values, each may be NULL) into a request. */
bool rpc_set_fee(struct rpc_call *call, struct spend_request *r, struct json_object *conf_target,
                 struct json_object *estimate_mode, struct json_object *fee_rate,
                 bool override_minimum);
/* The outputs of an mtx become those of the request, and the fee is taken from the positions or
 * addresses that `subtract` (array or NULL) names. `keys`: the outputs' names, in order. */
bool rpc_set_outputs(struct rpc_call *call, struct spend_request *r, const struct mtx *m,
                     struct json_object *subtract, const char *const *keys);
/* Keys of an outputs argument in order: an object's, or those of an array's objects. Caller frees
 * the array. */
const char **rpc_output_keys(struct json_object *outputs, size_t n);

#endif
