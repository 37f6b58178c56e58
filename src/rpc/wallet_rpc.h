/* What the wallet methods share: which wallet a call means, and JSON of what several of them show.
 */
#ifndef MITE_RPC_WALLET_RPC_H
#define MITE_RPC_WALLET_RPC_H

#include "rpc/rpc.h"
#include "wallet/wallet.h"

/* The wallet that the call means; NULL with the error noted (-18 none, -19 which). */
struct wallet *rpc_wallet(struct rpc_call *call);
/* False with the error noted where it is locked. */
bool rpc_wallet_unlocked(struct rpc_call *call, struct wallet *w);
/* A label argument; NULL not given gives "". False with the error noted ("*" is none). */
bool rpc_arg_label(struct rpc_call *call, const char *name, const char **label);
/* An address type argument; `def` where not given. */
bool rpc_arg_output_type(struct rpc_call *call, const char *name, enum output_type def,
                         enum output_type *out);
/* An avoid_reuse argument: the wallet's own setting by default. */
bool rpc_arg_avoid_reuse(struct rpc_call *call, struct wallet *w, const char *name, bool *out);

/* A string argument with its length: it may hold zeros. Empty where not given. */
struct span rpc_arg_bytes(struct rpc_call *call, const char *name);

/* "lastprocessedblock" into an open object. */
void json_put_last_block(struct json *j, struct wallet *w);
/* "parent_descs" of a script. */
void json_put_parent_descs(struct json *j, struct wallet *w, struct span script);
#define RPC_LAST_BLOCK_TYPE "lastprocessedblock:{hash:hex, height:num}"

/* Entries of listtransactions and its kin. */
#define RPC_WALLET_TX_FIELDS                                                                    \
    "confirmations:num, generated?:bool, trusted?:bool, blockhash?:hex, blockheight?:num, "     \
    "blockindex?:num, blocktime?:time, txid:hex, wtxid:hex, alternate_wtxids:[hex], "           \
    "walletconflicts:[hex], replaced_by_txid?:hex, replaces_txid?:hex, mempoolconflicts:[hex]," \
    " to?:str, time:time, timereceived:time, comment?:str, bip125-replaceable?:str"

#endif
