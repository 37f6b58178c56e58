/* Standard output types: what a script is, which address it has, and the script of an address. */
#ifndef MITE_SCRIPT_STANDARD_H
#define MITE_SCRIPT_STANDARD_H

#include "chain/address.h"
#include "script/script.h"

enum script_type {
    SCRIPT_NONSTANDARD,
    SCRIPT_ANCHOR,
    SCRIPT_PUBKEY,
    SCRIPT_PUBKEYHASH,
    SCRIPT_SCRIPTHASH,
    SCRIPT_MULTISIG,
    SCRIPT_NULL_DATA,
    SCRIPT_WITNESS_V0_KEYHASH,
    SCRIPT_WITNESS_V0_SCRIPTHASH,
    SCRIPT_WITNESS_V1_TAPROOT,
    SCRIPT_WITNESS_UNKNOWN
};
const char *script_type_name(enum script_type t); /* "pubkeyhash", as RPC shows it */

#define SOLUTION_MAX 20
struct solution {
    enum script_type type;
    struct span data[SOLUTION_MAX]; /* hash, program, key, or the keys of a multisig: views */
    unsigned n_data;
    unsigned required; /* multisig: m of n_data */
    int witness_version;
};
enum script_type script_solve(struct span script, struct solution *out);

/* False where it has no address (bare keys give DEST_PUBKEY and false, as multisig and null data).
 */
bool script_to_destination(struct span script, struct destination *out);
void destination_script(const struct destination *d, struct buf *out);

/* Outputs for a key. */
void script_p2pk(struct buf *b, const struct pubkey *pk);
void script_p2pkh(struct buf *b, const uint8_t hash[20]);
void script_p2sh(struct buf *b, const uint8_t hash[20]);
void script_p2wpkh(struct buf *b, const uint8_t hash[20]);
void script_p2wsh(struct buf *b, const uint8_t hash[32]);
void script_p2tr(struct buf *b, const struct xonly *output_key);
void script_multisig(struct buf *b, unsigned required, const struct pubkey *keys, unsigned n);

#endif
