/* What the files about the network share. */
#ifndef MITE_RPC_NET_H
#define MITE_RPC_NET_H

#include "net/net.h"
#include "rpc/rpc.h"

/* NULL with the error noted where there is no network. */
struct net *rpc_net(struct rpc_call *call);

#endif
