/* The notation of types in method tables (rpc.h): walking it, and checking values against it. */
#ifndef MITE_RPC_TYPES_H
#define MITE_RPC_TYPES_H

#include "rpc/json.h"

/* What JSON type a value must have ("string"); NULL where several will do. */
const char *rpc_type_kind(const char *type);

/* One member of an object type, or one element type of an array type. */
struct rpc_member {
    char name[48]; /* "": array element */
    bool optional;
    bool any_key; /* <name>: a key of the caller's choice */
    const char *type;
};
/* Walks the members: *at starts as the type (its '[' or '{'). False at the end. */
bool rpc_type_next(const char **at, struct rpc_member *m);
/* The next of the alternatives "a|b" of a type: its beginning in the text and its length. */
bool rpc_type_alternative(const char **at, const char **begin, size_t *len);
/* As the signature of a method shows it: {"txid":"hex","vout":n},... */
void rpc_type_usage(struct buf *out, const char *type);
/* As help shows it, over several lines. */
void rpc_type_describe(struct buf *out, const char *type, unsigned indent);

#endif
