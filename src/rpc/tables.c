/* All method tables. A file with methods adds its declaration and its line here. */
#include "rpc/rpc.h"

extern const struct rpc_method rpc_blockchain_methods[];
extern const struct rpc_method rpc_control_methods[];
extern const struct rpc_method rpc_generate_methods[];
extern const struct rpc_method rpc_mining_methods[];

const struct rpc_table rpc_tables[] = {
    {"blockchain", rpc_blockchain_methods},
    {"control", rpc_control_methods},
    {"hidden", rpc_generate_methods},
    {"mining", rpc_mining_methods},
    {NULL, NULL},
};
