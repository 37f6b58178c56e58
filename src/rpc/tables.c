/* All method tables. A file with methods adds its declaration and its line here. */
#include "rpc/rpc.h"

extern const struct rpc_method rpc_block_stats_methods[];
extern const struct rpc_method rpc_blockchain_methods[];
extern const struct rpc_method rpc_chain_control_methods[];
extern const struct rpc_method rpc_chain_stats_methods[];
extern const struct rpc_method rpc_coins_info_methods[];
extern const struct rpc_method rpc_combine_methods[];
extern const struct rpc_method rpc_control_methods[];
extern const struct rpc_method rpc_decodescript_methods[];
extern const struct rpc_method rpc_fees_hidden_methods[];
extern const struct rpc_method rpc_fees_methods[];
extern const struct rpc_method rpc_filter_methods[];
extern const struct rpc_method rpc_generate_methods[];
extern const struct rpc_method rpc_index_methods[];
extern const struct rpc_method rpc_mempool_hidden_methods[];
extern const struct rpc_method rpc_mempool_methods[];
extern const struct rpc_method rpc_mempool_submit_methods[];
extern const struct rpc_method rpc_mining_methods[];
extern const struct rpc_method rpc_net_block_methods[];
extern const struct rpc_method rpc_net_hidden_methods[];
extern const struct rpc_method rpc_net_methods[];
extern const struct rpc_method rpc_net_nodes_methods[];
extern const struct rpc_method rpc_rawtransaction_methods[];
extern const struct rpc_method rpc_scan_methods[];
extern const struct rpc_method rpc_txout_proof_methods[];
extern const struct rpc_method rpc_util_methods[];
extern const struct rpc_method rpc_descriptor_methods[];
extern const struct rpc_method rpc_wallet_address_methods[];
extern const struct rpc_method rpc_wallet_coins_methods[];
extern const struct rpc_method rpc_wallet_encrypt_methods[];
extern const struct rpc_method rpc_wallet_fund_methods[];
extern const struct rpc_method rpc_wallet_fundraw_methods[];
extern const struct rpc_method rpc_wallet_history_methods[];
extern const struct rpc_method rpc_wallet_import_methods[];
extern const struct rpc_method rpc_wallet_manage_methods[];
extern const struct rpc_method rpc_wallet_pruned_methods[];
extern const struct rpc_method rpc_wallet_received_methods[];
extern const struct rpc_method rpc_wallet_spend_methods[];

const struct rpc_table rpc_tables[] = {
    {"blockchain", rpc_blockchain_methods},
    {"blockchain", rpc_block_stats_methods},
    {"blockchain", rpc_chain_control_methods},
    {"blockchain", rpc_chain_stats_methods},
    {"blockchain", rpc_coins_info_methods},
    {"blockchain", rpc_filter_methods},
    {"blockchain", rpc_mempool_methods},
    {"blockchain", rpc_net_block_methods},
    {"blockchain", rpc_scan_methods},
    {"blockchain", rpc_txout_proof_methods},
    {"control", rpc_control_methods},
    {"hidden", rpc_fees_hidden_methods},
    {"hidden", rpc_generate_methods},
    {"hidden", rpc_mempool_hidden_methods},
    {"mining", rpc_mining_methods},
    {"hidden", rpc_net_hidden_methods},
    {"network", rpc_net_methods},
    {"network", rpc_net_nodes_methods},
    {"rawtransactions", rpc_rawtransaction_methods},
    {"rawtransactions", rpc_combine_methods},
    {"rawtransactions", rpc_decodescript_methods},
    {"util", rpc_util_methods},
    {"util", rpc_index_methods},
    {"rawtransactions", rpc_mempool_submit_methods},
    {"util", rpc_fees_methods},
    {"util", rpc_descriptor_methods},
    {"wallet", rpc_wallet_address_methods},
    {"wallet", rpc_wallet_coins_methods},
    {"wallet", rpc_wallet_encrypt_methods},
    {"wallet", rpc_wallet_fund_methods},
    {"rawtransactions", rpc_wallet_fundraw_methods},
    {"wallet", rpc_wallet_history_methods},
    {"wallet", rpc_wallet_import_methods},
    {"wallet", rpc_wallet_manage_methods},
    {"wallet", rpc_wallet_pruned_methods},
    {"wallet", rpc_wallet_received_methods},
    {"wallet", rpc_wallet_spend_methods},
    {NULL, NULL},
};
