/*
 * RPC methods: the table that describes them and what a handler may do.
 *
 * One table entry a method. From it come dispatch, positional and named arguments, the check of
 * their number and types, help, and the list of methods. A handler runs on the owner, reads its
 * arguments by name, and ends in `return` of what one of the answering functions made: nothing
 * else makes a `struct rpc_answer *`, so forgetting to answer does not compile.
 *
 *     static struct rpc_answer *getblockhash(struct rpc_call *call)
 *     {
 *         int64_t height = rpc_arg_int(call, "height", 0);
 *         const struct block_index *i = chain_at(rpc_ctx(call)->chain, height);
 *         if (rpc_failed(call))                           // "JSON integer out of range"
 *             return rpc_fail(call);
 *         if (!i)
 *             return rpc_error(call, RPC_INVALID_PARAMETER, "Block height out of range");
 *         json_put_hash(rpc_result(call), NULL, i->h.hash.b);
 *         return rpc_ok(call);
 *     }
 *
 *     const struct rpc_method rpc_blockchain_methods[] = {
 *         {"getblockhash", getblockhash, "Hash of the block at a height of the active chain.",
 *             RPC_PARAMS({"height", "num", RPC_REQUIRED, "The height"}), "hex"},
 *         {0}};
 *
 * Types are written as they look:  str hex num amount time bool null any range
 *   [type]  {key:type, key?:type, <name>:type}  type|type
 * where `?` marks what may be absent and <name> stands for keys that the caller chooses. `hex` is a
 * string, `amount` a number or a string with one (any type passes the check, the getter judges it),
 * `range` a number or [begin,end].
 */
#ifndef MITE_RPC_RPC_H
#define MITE_RPC_RPC_H

#include "rpc/json.h"

struct rpc_call;
struct rpc_answer;
typedef struct rpc_answer *rpc_handler(struct rpc_call *call);

/* ---- the table ---- */

struct rpc_param {
    const char *name; /* "conf_target", with other names behind: "label|account" */
    const char *type;
    const char *def; /* RPC_REQUIRED; NULL: optional; else the default, as JSON or in words */
    const char *about;
    const char *usage; /* in the signature, where it does not follow from the type */
    unsigned flags;
};
#define RPC_REQUIRED "!"
enum rpc_param_flags {
    RPC_ANY_TYPE = 1,      /* the handler checks the type itself */
    RPC_NAMED_OPTIONS = 2, /* an object whose members may also be given as named arguments */
    RPC_HIDDEN_PARAM = 4   /* not in help */
};
#define RPC_PARAMS(...)        \
    (const struct rpc_param[]) \
    {                          \
        __VA_ARGS__,           \
        {                      \
            0                  \
        }                      \
    }
#define RPC_NO_PARAMS NULL

struct rpc_method {
    const char *name;
    rpc_handler *handler;
    const char *about;
    const struct rpc_param *params; /* ends with an empty one; NULL: none */
    const char *result;             /* type; several shapes are joined by " | " */
    bool hidden;                    /* not in the list that `help` gives */
};

/* All tables of all files are listed in rpc/tables.c: a new file adds its line there. */
struct rpc_table {
    const char *category; /* as help heads it: "blockchain", "wallet"; "hidden" is not listed */
    const struct rpc_method *methods; /* ends with an empty one */
};
extern const struct rpc_table rpc_tables[]; /* ends with an empty one */

/* ---- what handlers work on ---- */

struct rpc_context {
    const struct network *net;
    struct event_base *base;
    struct workers *workers;
    struct chain *chain;
    struct mempool *mempool;
    struct fee_estimator *fees;
    struct net *p2p;
    struct indexes *indexes;
    struct wallets *wallets;             /* NULL: -disablewallet */
    struct miner **miner;                /* *miner is the built-in miner at work, or NULL */
    const struct template_options *tmpl; /* for block templates */
    const char *datadir;                 /* of the network */
    const char *log_path;
    int64_t start_mono_us;
    size_t dbcache_bytes;
    uint64_t prune_target;         /* bytes; UINT64_MAX: by hand; 0: no pruning */
    int64_t max_tx_fee;            /* default limit of sendrawtransaction, sat/kvB */
    const char *const *deprecated; /* -deprecatedrpc, NULL-terminated */
    const char *const *warnings;   /* for the "warnings" fields, NULL-terminated */
    void (*shutdown)(void *arg);   /* asks the loop to end */
    void *shutdown_arg;
    void (*advance)(void *arg,
                    int64_t seconds); /* mockscheduler: periodic work as if so much later */
    void *advance_arg;
};
const struct rpc_context *rpc_ctx(const struct rpc_call *call);
bool rpc_deprecated_enabled(const struct rpc_call *call, const char *method);
const char *rpc_method_name(const struct rpc_call *call);
/* The NAME of /wallet/NAME (may be ""), decoded; NULL where the call came in at "/". */
const char *rpc_wallet_name(const struct rpc_call *call);

/* ---- arguments, by name ----
 *
 * The table's entry must have them (CHECK). Left out and null are the same. A getter that meets a
 * bad value returns its default and notes the error (the first one stays): ask rpc_failed() once
 * after the last getter. */
struct json_object *rpc_arg(const struct rpc_call *call, const char *name); /* NULL: not given */
bool rpc_arg_given(const struct rpc_call *call, const char *name);
const char *rpc_arg_str(struct rpc_call *call, const char *name); /* NULL: not given */
bool rpc_arg_bool(struct rpc_call *call, const char *name, bool def);
int64_t rpc_arg_int(struct rpc_call *call, const char *name,
                    int64_t def); /* 32 bits, as most are */
int64_t rpc_arg_int64(struct rpc_call *call, const char *name, int64_t def);
/* "Invalid amount", "Amount out of range" (code -3); false where not given or bad. */
bool rpc_arg_amount(struct rpc_call *call, const char *name, int64_t *satoshi);
/* A number of old or a bool, as `verbose` of several methods: false 0, true 1. */
int64_t rpc_arg_verbosity(struct rpc_call *call, const char *name, int64_t def);
/* "NAME must be of length 64 (not 2, for '00')"; false where not given or bad. */
bool rpc_arg_hash(struct rpc_call *call, const char *name, uint8_t out[32]);
bool rpc_arg_hex(struct rpc_call *call, const char *name, struct buf *out);

/* The same for values inside arrays and objects; `name` is for the message. */
bool rpc_get_hash(struct rpc_call *call, struct json_object *v, const char *name, uint8_t out[32]);
bool rpc_get_hex(struct rpc_call *call, struct json_object *v, const char *name, struct buf *out);
bool rpc_get_amount(struct rpc_call *call, struct json_object *v, int64_t *satoshi);
bool rpc_get_int(struct rpc_call *call, struct json_object *v, int64_t *out); /* 32 bits */
/* "JSON value of type number is not of expected type string" unless v is of the named type. */
bool rpc_check_type(struct rpc_call *call, struct json_object *v, const char *type);
/* Members of an options object against a type "{a?:num, b?:str}": missing ones that lack `?`, wrong
 * types ("JSON value of type x for field y is not of expected type z") and, where `strict`, unknown
 * keys ("Unexpected key k"). */
bool rpc_check_object(struct rpc_call *call, struct json_object *v, const char *type, bool strict);
/* The same for a parameter, against its own type in the table. Not given is fine. */
bool rpc_arg_check_object(struct rpc_call *call, const char *name, bool strict);

/* ---- answering ---- */

/* Codes are Core's. */
enum rpc_code {
    RPC_MISC_ERROR = -1,
    RPC_FORBIDDEN_BY_SAFE_MODE = -2,
    RPC_TYPE_ERROR = -3,
    RPC_WALLET_ERROR = -4,
    RPC_INVALID_ADDRESS_OR_KEY = -5,
    RPC_WALLET_INSUFFICIENT_FUNDS = -6,
    RPC_OUT_OF_MEMORY = -7,
    RPC_INVALID_PARAMETER = -8,
    RPC_CLIENT_NOT_CONNECTED = -9,
    RPC_CLIENT_IN_INITIAL_DOWNLOAD = -10,
    RPC_WALLET_INVALID_LABEL_NAME = -11,
    RPC_WALLET_KEYPOOL_RAN_OUT = -12,
    RPC_WALLET_UNLOCK_NEEDED = -13,
    RPC_WALLET_PASSPHRASE_INCORRECT = -14,
    RPC_WALLET_WRONG_ENC_STATE = -15,
    RPC_WALLET_ENCRYPTION_FAILED = -16,
    RPC_WALLET_ALREADY_UNLOCKED = -17,
    RPC_WALLET_NOT_FOUND = -18,
    RPC_WALLET_NOT_SPECIFIED = -19,
    RPC_DATABASE_ERROR = -20,
    RPC_DESERIALIZATION_ERROR = -22,
    RPC_CLIENT_NODE_ALREADY_ADDED = -23,
    RPC_CLIENT_NODE_NOT_ADDED = -24,
    RPC_VERIFY_ERROR = -25,
    RPC_VERIFY_REJECTED = -26,
    RPC_VERIFY_ALREADY_IN_UTXO_SET = -27,
    RPC_IN_WARMUP = -28,
    RPC_CLIENT_NODE_NOT_CONNECTED = -29,
    RPC_CLIENT_INVALID_IP_OR_SUBNET = -30,
    RPC_CLIENT_P2P_DISABLED = -31,
    RPC_METHOD_DEPRECATED = -32,
    RPC_CLIENT_MEMPOOL_DISABLED = -33,
    RPC_CLIENT_NODE_CAPACITY_REACHED = -34,
    RPC_WALLET_ALREADY_LOADED = -35,
    RPC_WALLET_ALREADY_EXISTS = -36,
    RPC_INVALID_REQUEST = -32600,
    RPC_METHOD_NOT_FOUND = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL_ERROR = -32603,
    RPC_PARSE_ERROR = -32700
};

/* Where the result is written: exactly one value. Dropped where the call ends in an error. */
struct json *rpc_result(struct rpc_call *call);

struct rpc_answer *rpc_ok(struct rpc_call *call);      /* what was written is the result */
struct rpc_answer *rpc_ok_null(struct rpc_call *call); /* the result is null */
struct rpc_answer *rpc_error(struct rpc_call *call, enum rpc_code code, const char *fmt, ...)
    PRINTF(3, 4);
struct rpc_answer *rpc_usage(struct rpc_call *call); /* the help text as error -1 */

/* Notes an error (the first one stays) and returns false, so that a helper can end in it. */
bool rpc_set_error(struct rpc_call *call, enum rpc_code code, const char *fmt, ...) PRINTF(3, 4);
bool rpc_failed(const struct rpc_call *call);
/* Takes the noted error off the call again: its text (caller frees) and code. For calls that answer
 * each of several requests by itself. */
char *rpc_take_error(struct rpc_call *call, int *code);
struct rpc_answer *rpc_fail(struct rpc_call *call); /* the noted error is the answer */

/*
 * The answer comes later: from a worker's job or when something has happened. The call stays valid
 * until one of the functions above is called for it (on the owner; their return value is then of no
 * use), which must happen exactly once. `cancel` (may be NULL) is called, at most once and never
 * after the answer, when nobody waits any more: the client has gone or the node stops. It must see
 * to it that the answer is given soon (at once, or when the running job is reaped); whatever the
 * answer is, it is dropped where the client has gone. With NULL the answer must come by itself
 * before the workers end.
 */
struct rpc_answer *rpc_later(struct rpc_call *call, void (*cancel)(struct rpc_call *, void *arg),
                             void *arg);

#endif
