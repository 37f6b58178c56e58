/* What the files of mining methods share. */
#ifndef MITE_RPC_MINING_H
#define MITE_RPC_MINING_H

#include "chain/block.h"
#include "consensus/verdict.h"
#include "rpc/rpc.h"

/* null, the reason of a refusal (BIP22), or an error where it was the node's fault. */
struct rpc_answer *rpc_answer_bip22(struct rpc_call *call, const struct verdict *v);
struct block *rpc_parse_block(const char *hex); /* NULL where it is none */

/* rpc/blocktemplate.c */
rpc_handler rpc_getblocktemplate;
#define RPC_BLOCK_TEMPLATE_TYPE                                                              \
    "null | str | {version:num, rules:[str], vbavailable:{<rulename>:num}, "                 \
    "capabilities:[str], vbrequired:num, previousblockhash:str, "                            \
    "transactions:[{data:hex, txid:hex, hash:hex, depends:[num], fee:num, sigops:num, "      \
    "weight:num}], coinbaseaux:{<key>:hex}, coinbasevalue:num, longpollid:str, target:str, " \
    "mintime:time, mutable:[str], noncerange:hex, sigoplimit:num, sizelimit:num, "           \
    "weightlimit?:num, curtime:time, bits:str, height:num, signet_challenge?:hex, "          \
    "default_witness_commitment?:hex}"

#endif
