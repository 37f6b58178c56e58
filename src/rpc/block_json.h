/* Blocks and headers as JSON. */
#ifndef MITE_RPC_BLOCK_JSON_H
#define MITE_RPC_BLOCK_JSON_H

#include "chain/merkle_block.h"
#include "rpc/tx_json.h"
#include "validation/chain.h"

#define RPC_BLOCK_HEADER_FIELDS                                                              \
    "hash:hex, confirmations:num, height:num, version:num, versionHex:hex, merkleroot:hex, " \
    "time:time, mediantime:time, nonce:num, bits:hex, target:hex, difficulty:num, "          \
    "chainwork:hex, nTx:num, previousblockhash?:hex, nextblockhash?:hex"

/* What the chain says of a block, by value: good on a worker. */
struct block_facts {
    struct hnode node;
    bool has_prev, has_next;
    struct block_hash prev, next;
    int32_t confirmations;
    int64_t median_time;
    uint32_t n_tx;
};
void block_facts_init(struct block_facts *f, const struct chain *c, const struct block_index *i);
/* The fields of a header, into an object that is open. */
void json_put_block_header(struct json *j, const struct network *net, const struct block_facts *f);
/* bits, target and difficulty of compact bits, into an object that is open. */
void json_put_target(struct json *j, const struct network *net, uint32_t bits);

/* A whole block as getblock shows it at verbosity 1, 2 and 3; undo may be NULL. */
void json_put_block(struct json *j, const struct network *net, const struct block_facts *f,
                    const struct block *b, const struct block_undo *undo, int verbosity);

/* The block that an argument names by hash; NULL with "Block not found" noted. `name_in_message`
 * is what errors call the parameter. */
const struct block_index *rpc_arg_block_hash(struct rpc_call *call, const char *name,
                                             const char *name_in_message);
/* By hash or height of the active chain. */
const struct block_index *rpc_arg_block_or_height(struct rpc_call *call, const char *name);
/* A block from disk; NULL with Core's error noted: pruned, never had, or lost. */
struct block *rpc_read_block(struct rpc_call *call, const struct block_index *i);
/* Its undo data: *undo stays NULL where there is none to have. False: the error is noted. */
bool rpc_read_undo(struct rpc_call *call, const struct block_index *i, struct block_undo **undo);

/* txout_proof.c. A hex argument as a proof; false with the error noted where it is none. Clear it
 * in every case. */
bool rpc_arg_merkle_block(struct rpc_call *call, const char *name, struct merkle_block *out,
                          bool *proved);

#endif
