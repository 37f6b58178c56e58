/* Methods that ask the indexes. */
#ifndef MITE_RPC_INDEX_H
#define MITE_RPC_INDEX_H

#include "index/index.h"
#include "rpc/rpc.h"

/* Ends a handler: `finish` answers at once, or, where the index (may be NULL) is behind the chain,
 * when it has indexed what is now the tip. */
struct rpc_answer *rpc_when_indexed(struct rpc_call *call, struct index *ix, rpc_handler *finish);

#endif
