/*
 * Transactions and scripts between JSON and memory: what getrawtransaction, getblock, the wallet
 * and PSBT methods share.
 */
#ifndef MITE_RPC_TX_JSON_H
#define MITE_RPC_TX_JSON_H

#include "chain/address.h"
#include "chain/coin.h"
#include "rpc/rpc.h"

struct network;
struct tx_undo;

/* The type of json_put_tx_fields()'s object, for result types in tables. */
#define RPC_SCRIPT_PUBKEY_TYPE "{asm:str, desc:str, hex:hex, address?:str, type:str}"
#define RPC_TX_FIELDS                                                                   \
    "txid:hex, hash:hex, size:num, vsize:num, weight:num, version:num, locktime:time, " \
    "vin:[{coinbase?:hex, txid?:hex, vout?:num, scriptSig?:{asm:str, hex:hex}, "        \
    "txinwitness?:[hex], sequence:num}], "                                              \
    "vout:[{value:amount, n:num, scriptPubKey:" RPC_SCRIPT_PUBKEY_TYPE "}]"

/* An output script as an object: asm, desc, hex (where `hex`), address, type. */
void json_put_script_pubkey(struct json *j, const char *key, const struct network *net,
                            struct span script, bool hex);
/* The same fields into an object that is open. */
void json_put_script_pubkey_fields(struct json *j, const struct network *net, struct span script,
                                   bool hex);
/* Address of a script as a string value under `key`; writes nothing where it has none. */
bool json_put_script_address(struct json *j, const char *key, const struct network *net,
                             struct span script);
/* The fields of a transaction, into an object that is open. With `undo` also "fee" and, where
 * `prevouts`, each input's "prevout"; with `hex` last the "hex". */
void json_put_tx_fields(struct json *j, const struct network *net, const struct tx *tx,
                        const struct tx_undo *undo, bool prevouts, bool hex);
/* Whole transaction as hex string. */
void json_put_tx_hex(struct json *j, const char *key, const struct tx *tx);

/* A transaction from a hex argument; NULL with the error noted (-22,
 * "TX decode failed. Make sure the tx has at least one input."). */
struct tx *rpc_arg_tx(struct rpc_call *call, const char *name);

/*
 * Builds from the parameters of createrawtransaction and its kin: `inputs` (array or NULL) and
 * `outputs` (array of objects, or one object). rbf: 1 yes, 0 no, -1 not said. False with the error
 * noted; clear the mtx in both cases.
 */
bool rpc_build_tx(struct rpc_call *call, struct mtx *m, struct json_object *inputs,
                  struct json_object *outputs, int64_t lock_time, int rbf, int64_t version);
/* The outputs alone, appended to m. */
bool rpc_add_outputs(struct rpc_call *call, struct mtx *m, struct json_object *outputs);

/* An address of this network into its script; "Invalid Bitcoin address: x" (code -5) is noted. */
bool rpc_address_script(struct rpc_call *call, const char *address, struct buf *script);

/* isscript, iswitness, witness_version, witness_program of an address, into an open object. */
void json_put_destination(struct json *j, const struct destination *d);
/* What a signed message's signature is made over. */
void rpc_message_hash(uint8_t out[32], const char *message);

/* Name of a signature hash type ("ALL|ANYONECANPAY", "DEFAULT"); NULL gives the default, 0. */
bool rpc_sighash_type(struct rpc_call *call, const char *name, int *hash_type);

/*
 * signrawtransactionwith*: signs all inputs of m with the keys of `provider`. `coins` are the spent
 * outputs in the order of the inputs (script data NULL: unknown). Writes {hex, complete, errors?};
 * false with the error noted.
 */
struct signing_provider;
bool rpc_sign_tx(struct rpc_call *call, struct mtx *m, const struct tx_out *coins,
                 const struct signing_provider *provider, int hash_type);
/* The spent outputs of m from chain and mempool, overlaid by the "prevtxs" argument of a call
 * (array or NULL; its redeem and witness scripts are added to `scripts`, unless that is NULL).
 * Array of m->n_in, memory of the scripts in `memory`. NULL with the error noted. */
struct tx_out *rpc_spent_outputs(struct rpc_call *call, const struct mtx *m,
                                 struct json_object *prevtxs, struct buf *memory,
                                 struct buf **scripts, size_t *n_scripts);

#endif
