/*
 * Wallets: descriptor wallets in Core's SQLite format. A wallet reaches the node only through
 * `struct wallet_node`, so that it can be tested alone and moved out of the process later.
 *
 * Everything is called on the owner's thread. What a function has shown to the user (an address, a
 * transaction that was sent) is durable when it returns.
 */
#ifndef MITE_WALLET_WALLET_H
#define MITE_WALLET_WALLET_H

#include "chain/block.h"
#include "consensus/params.h"
#include "consensus/verdict.h"
#include "script/descriptor.h"

struct wallet;
struct wallets;

/* What a wallet asks of the node. All on the owner's thread. */
struct wallet_node {
    void *arg;
    int32_t (*height)(void *arg);
    bool (*block_hash)(void *arg, int32_t height, struct block_hash *out); /* active chain */
    int32_t (*block_height)(void *arg,
                            const struct block_hash *hash); /* -1: not in the active chain */
    bool (*block_times)(void *arg, const struct block_hash *hash, int64_t *time, int64_t *mtp,
                        int64_t *time_max);
    struct block *(*read_block)(void *arg, int32_t height); /* NULL: pruned or an error */
    /* To the mempool and, where `relay`, on to the peers. True also where it is there already. */
    bool (*submit)(void *arg, const struct tx *tx, bool relay, struct verdict *v);
    bool (*in_mempool)(void *arg, const struct txid *txid);
    /* All transactions of the mempool, parents before children. */
    void (*mempool_each)(void *arg, void (*visit)(void *to, const struct tx *tx), void *to);
    int64_t (*fee_estimate)(void *arg, int target, bool conservative); /* sat/kvB, 0: none */
    int64_t (*min_feerate)(void *arg);                                 /* of the mempool, sat/kvB */
    int64_t (*relay_feerate)(void *arg);
    int64_t (*dust_feerate)(void *arg);
    int64_t (*incremental_feerate)(void *arg);
    /* Unconfirmed ancestors of a mempool transaction, itself included, and how many its cluster
     * has; false where it is not in the mempool. */
    bool (*cluster_counts)(void *arg, const struct txid *txid, size_t *ancestors, size_t *cluster);
};

struct wallets_options {
    const struct network *net;
    const char *dir; /* datadir/wallets */
    const struct wallet_node *node;
    int64_t fallback_fee; /* sat/kvB, 0: disabled */
    int64_t discard_feerate, consolidate_feerate, max_tx_fee;
    int64_t min_tx_feerate;                     /* -mintxfee, 1000 */
    unsigned confirm_target;                    /* 6 */
    unsigned keypool;                           /* 1000 */
    enum output_type address_type, change_type; /* change OUTPUT_UNKNOWN: as Core chooses */
    bool spend_zero_conf_change;
    bool rbf;                /* -walletrbf: signal replaceability; on by default */
    bool avoid_partial;      /* -avoidpartialspends */
    int64_t max_aps_fee;     /* -maxapsfee, satoshi; negative: never try */
    bool reject_long_chains; /* -walletrejectlongchains */
    bool broadcast;          /* -walletbroadcast */
    bool cross_chain;        /* -walletcrosschain */
    /* Keeps the list of wallets to load at start (settings.json). False: could not be written. */
    bool (*remember)(void *arg, const char *name, bool load);
    void *remember_arg;
    void (*fatal)(void *arg, const char *message); /* a wallet file could not be written */
    void *fatal_arg;
};

struct wallets *wallets_create(const struct wallets_options *o, char **error);
void wallets_destroy(struct wallets *w); /* saves and closes all */
/* Chain and mempool events come in by these (the composition root subscribes). */
void wallets_block_connected(struct wallets *w, const struct block *b, int32_t height);
void wallets_block_disconnected(struct wallets *w, const struct block *b, int32_t height);
void wallets_tx_added(struct wallets *w, const struct tx *tx);
/* `conflict`: another one that spends the same was confirmed. Not called for what a block confirms.
 */
void wallets_tx_removed(struct wallets *w, const struct tx *tx, bool conflict);
void wallets_tick(struct wallets *w); /* rebroadcast, locking, saving; every second */
/* A slice of work that can wait (keys ahead). True while more is left: call again when idle. */
bool wallets_idle(struct wallets *w);
const struct wallets_options *wallets_opts(const struct wallets *w);

/* ---- the list of wallets ---- */

/* Core's error codes of loading and creating: FAILED_ENCRYPT and so on end in different RPC codes.
 */
enum wallet_status {
    WALLET_OK,
    WALLET_FAILED,        /* RPC -4 */
    WALLET_NOT_FOUND,     /* -18 */
    WALLET_BAD_PATH,      /* -4 */
    WALLET_EXISTS,        /* -36 */
    WALLET_LOADED,        /* -35 */
    WALLET_NAME_EMPTY,    /* -8 */
    WALLET_ENCRYPT_FAILED /* -16 */
};
struct wallet_create {
    const char *name;
    bool disable_private_keys, blank, avoid_reuse;
    struct span passphrase; /* empty: none */
};
/* On failure *error (caller frees) is Core's sentence. *warning may be set in every case. */
enum wallet_status wallet_create(struct wallets *ws, const struct wallet_create *c,
                                 struct wallet **out, char **error, char **warning) MUST_USE;
enum wallet_status wallet_load(struct wallets *ws, const char *name, struct wallet **out,
                               char **error, char **warning) MUST_USE;
enum wallet_status wallet_restore(struct wallets *ws, const char *name, const char *backup,
                                  struct wallet **out, char **error, char **warning) MUST_USE;
void wallet_unload(struct wallet *w); /* saves and closes */
/* Puts the name on, or takes it off, the list of wallets to load at start. False: not possible. */
bool wallet_remember(struct wallet *w, bool load);
struct wallet *wallets_find(struct wallets *ws, const char *name);
struct wallet *wallets_at(struct wallets *ws, size_t i); /* in order of loading; NULL at the end */
size_t wallets_count(const struct wallets *ws);
/* Names of the wallets in the wallet directory: caller frees each and the array. */
char **wallets_list_dir(struct wallets *ws, size_t *n);

/* ---- one wallet ---- */

#define WALLET_FLAG_AVOID_REUSE          (UINT64_C(1) << 0)
#define WALLET_FLAG_KEY_ORIGIN_METADATA  (UINT64_C(1) << 1)
#define WALLET_FLAG_LAST_HARDENED_CACHED (UINT64_C(1) << 2)
#define WALLET_FLAG_DISABLE_PRIVATE_KEYS (UINT64_C(1) << 32)
#define WALLET_FLAG_BLANK                (UINT64_C(1) << 33)
#define WALLET_FLAG_DESCRIPTORS          (UINT64_C(1) << 34)
#define WALLET_FLAG_EXTERNAL_SIGNER      (UINT64_C(1) << 35)

const char *wallet_name(const struct wallet *w);
uint64_t wallet_flags(const struct wallet *w);
bool wallet_set_flags(struct wallet *w, uint64_t set, uint64_t clear);
const struct network *wallet_network(const struct wallet *w);
struct wallets *wallet_set(const struct wallet *w);
int64_t wallet_birth_time(const struct wallet *w); /* INT64_MAX: none */
/* The block up to which the wallet knows the chain. */
int32_t wallet_last_height(const struct wallet *w);
const struct block_hash *wallet_last_block(const struct wallet *w);
size_t wallet_tx_count(const struct wallet *w);
void wallet_keypool_sizes(const struct wallet *w, int64_t *external, int64_t *internal);
/* Everything so far on disk. */
bool wallet_save(struct wallet *w) MUST_USE;
bool wallet_backup(struct wallet *w, const char *path, char **error);

/* ---- locking: passphrases are bytes and may hold zeros ---- */

bool wallet_is_encrypted(const struct wallet *w);
bool wallet_is_locked(const struct wallet *w);
bool wallet_encrypt(struct wallet *w, struct span passphrase, char **error);
/* False: wrong passphrase. Locks itself `seconds` from now. */
bool wallet_unlock(struct wallet *w, struct span passphrase, int64_t seconds);
void wallet_lock(struct wallet *w);
bool wallet_change_passphrase(struct wallet *w, struct span old_pass, struct span new_pass);
int64_t wallet_unlocked_until(const struct wallet *w); /* 0: locked */

/* ---- addresses ---- */

/* False: *error says why (code by *code: -12 keypool ran out, -4). The label is recorded. */
bool wallet_new_address(struct wallet *w, const char *label, enum output_type type,
                        struct destination *out, char **error);
bool wallet_new_change_address(struct wallet *w, enum output_type type, struct destination *out,
                               char **error);
bool wallet_can_get_addresses(const struct wallet *w, bool internal);
bool wallet_keypool_refill(struct wallet *w, unsigned size);
bool wallet_is_mine(struct wallet *w, struct span script);
/* What is known of a script that is the wallet's. */
struct wallet_script {
    const struct wallet_descriptor *owner;
    uint32_t index;
};
bool wallet_script_info(struct wallet *w, struct span script, struct wallet_script *out);
/* Expands it. With secrets only where unlocked. Clear the expansion in every case. */
bool wallet_expand(struct wallet *w, struct span script, bool secrets, struct expansion *out);
bool wallet_is_change(struct wallet *w, struct span script);

enum address_purpose { PURPOSE_NONE, PURPOSE_RECEIVE, PURPOSE_SEND, PURPOSE_REFUND };
const char *address_purpose_name(enum address_purpose p);
struct address_entry {
    char *address; /* key, owned by the book */
    char *label;   /* NULL: no label (change) */
    enum address_purpose purpose;
    bool used; /* avoid_reuse: was spent from */
    /* private */
    uint8_t rank[1 + 1 + 65]; /* what the book is sorted by */
};
/* NULL: not in the book. */
const struct address_entry *wallet_address_entry(const struct wallet *w, const char *address);
/* By kind of address (key hashes, script hashes, segwit...), then by hash. NULL at the end. */
const struct address_entry *wallet_address_at(const struct wallet *w, size_t i);
size_t wallet_address_index(const struct wallet *w, const char *address); /* SIZE_MAX: not there */
bool wallet_set_label(struct wallet *w, const char *address, const char *label,
                      enum address_purpose purpose);
/* avoid_reuse: money of this script's address was spent before. */
bool wallet_script_used(struct wallet *w, struct span script);

/* ---- descriptors ---- */

/* Read-only outside wallet/. */
struct wallet_descriptor {
    uint8_t id[32];
    struct descriptor *d;
    int64_t created;
    int32_t range_begin, range_end, next;
    bool active, internal; /* internal is of use where active */
    /* private */
    struct wallet_key *keys; /* encrypted private keys */
    size_t n_keys;
    int32_t filled; /* positions [range_begin, filled) are in the table of scripts */
    bool has_private;
    int64_t input_weight; /* of an input that spends it, 0: not yet known, -1: not solvable */
    bool input_witness;
};
const struct wallet_descriptor *wallet_descriptor_at(const struct wallet *w, size_t i);
const struct wallet_descriptor *wallet_active_descriptor(const struct wallet *w,
                                                         enum output_type type, bool internal);
struct wallet_import {
    struct descriptor *d; /* taken over in every case */
    int64_t created;
    bool active, internal;
    int32_t range_begin, range_end, next;
    const char *label; /* NULL: none */
};
/* As importdescriptors does one; *error is Core's sentence. A rescan is the caller's. */
bool wallet_import_descriptor(struct wallet *w, struct wallet_import *imp, int *code, char **error);
/* Makes importing many quick: nothing is durable before the end. */
void wallet_import_begin(struct wallet *w);
bool wallet_import_end(struct wallet *w);

/* ---- transactions ---- */

enum wtx_state {
    WTX_CONFIRMED,
    WTX_MEMPOOL,
    WTX_CONFLICTED, /* something that a block confirmed spends the same */
    WTX_INACTIVE,
    WTX_ABANDONED,
    WTX_UNRECOGNIZED /* block and index of the file mean nothing here; kept as they are */
};
/* Read-only outside wallet/. */
struct wtx {
    struct txid txid; /* key */
    struct tx *tx;
    enum wtx_state state;
    struct block_hash block; /* confirmed in it, or conflicting with it */
    int32_t height;
    int32_t index; /* position in the block */
    uint32_t time_received, time_smart;
    int64_t order;
    char *from, *message, *comment, *comment_to; /* NULL: none */
    bool has_replaces, has_replaced_by;
    struct txid replaces, replaced_by;
    struct wtxid *variants; /* other witnesses under which it was seen */
    size_t n_variants;
    struct txid *mempool_conflicts;
    size_t n_mempool_conflicts;
    /* private */
    struct buf requests; /* obsolete fields of the file, kept */
    int64_t debit;       /* -1: not computed */
    bool dirty;
};
const struct wtx *wallet_tx(const struct wallet *w, const struct txid *txid);
const struct wtx *wallet_tx_at(const struct wallet *w,
                               size_t i);                        /* oldest first; NULL at the end */
int32_t wtx_depth(const struct wallet *w, const struct wtx *tx); /* negative: conflicted */
int32_t wtx_blocks_to_maturity(const struct wallet *w, const struct wtx *tx);
bool wtx_is_immature(const struct wallet *w, const struct wtx *tx);
bool wtx_is_trusted(struct wallet *w, const struct wtx *tx);
int64_t wtx_time(const struct wtx *tx);
int64_t wtx_debit(struct wallet *w, const struct wtx *tx);  /* value of own inputs */
int64_t wtx_credit(struct wallet *w, const struct wtx *tx); /* value of own outputs */
/* Transactions of the wallet that spend the same: ids in order, caller frees. */
struct txid *wallet_conflicts(const struct wallet *w, const struct wtx *tx, size_t *n);
bool wallet_abandon(struct wallet *w, const struct txid *txid);
bool wallet_can_abandon(const struct wallet *w, const struct wtx *tx);
/* Adds a transaction that the user made: durable, then given to the mempool. False: the mempool
 * refused it (it stays in the wallet). */
struct wtx_note {
    const char *comment, *comment_to;
    const struct txid *replaces;
};
bool wallet_commit_tx(struct wallet *w, const struct tx *tx, const struct wtx_note *note,
                      struct verdict *v);
/* A transaction that the caller knows to be in that block, without its block having been seen.
 * False where it pays nothing to the wallet. */
bool wallet_insert_confirmed(struct wallet *w, const struct tx *tx, const struct block_hash *block,
                             int32_t height, int32_t index);
/* As if it had never been there; pointers to it end. False: it is not there, or the disk failed. */
bool wallet_remove_tx(struct wallet *w, const struct txid *txid);
bool wallet_mark_replaced(struct wallet *w, const struct txid *old, const struct txid *by);

/* ---- balances and coins ---- */

struct wallet_balance {
    int64_t trusted, untrusted_pending, immature, used, nonmempool;
};
void wallet_get_balance(struct wallet *w, int32_t min_depth, bool avoid_reuse, bool nonmempool,
                        struct wallet_balance *out);
struct wallet_coin {
    struct outpoint out;
    const struct wtx *tx;
    struct tx_out txout; /* a view into tx */
    int32_t depth;
    bool safe; /* confirmed, or of one's own and trusted */
};
struct coin_filter {
    int32_t min_depth, max_depth;
    bool include_unsafe, include_immature, include_locked;
    bool include_used;
    int64_t min_amount, max_amount, min_sum; /* 0 and MAX_MONEY: no limit */
    size_t max_count;                        /* 0: no limit */
};
extern const struct coin_filter coin_filter_default;
/* Unspent outputs of the wallet in no order; caller frees the array. */
struct wallet_coin *wallet_coins(struct wallet *w, const struct coin_filter *f, size_t *n);
bool wallet_is_spent(const struct wallet *w, const struct outpoint *o);
/* The output where the wallet knows the transaction. */
const struct tx_out *wallet_output(const struct wallet *w, const struct outpoint *o);
bool wallet_coin_locked(const struct wallet *w, const struct outpoint *o);
bool wallet_lock_coin(struct wallet *w, const struct outpoint *o, bool lock, bool persistent);
bool wallet_unlock_all_coins(struct wallet *w);
const struct outpoint *wallet_locked_at(const struct wallet *w, size_t i);

/* ---- spending ---- */

enum spend_fee_source {
    SPEND_FEE_NONE,
    SPEND_FEE_USER,
    SPEND_FEE_ESTIMATE,
    SPEND_FEE_FALLBACK,
    SPEND_FEE_MEMPOOL_MIN,
    SPEND_FEE_MINIMUM
};
const char *spend_fee_source_name(enum spend_fee_source s); /* as fee_reason shows it */
struct spend_output {
    struct buf script;
    int64_t value;
    bool subtract_fee;
};
struct spend_input { /* chosen by the user */
    struct outpoint out;
    uint32_t sequence;
    bool has_sequence;
    int64_t weight;      /* 0: to be found out */
    struct tx_out txout; /* where the wallet does not know it; script data NULL else */
};
struct spend_request {
    struct spend_output *outputs;
    size_t n_outputs;
    struct spend_input *inputs;
    size_t n_inputs;
    bool add_inputs; /* besides those */
    bool include_unsafe;
    int32_t min_depth, max_depth;
    int64_t feerate;           /* sat/kvB, -1: estimate */
    bool override_feerate;     /* also below the minimum */
    int conf_target;           /* 0: the default */
    int estimate_conservative; /* -1: default */
    bool avoid_reuse, avoid_partial;
    int rbf; /* 1, 0, -1: default */
    uint32_t version;
    int64_t lock_time;            /* -1: against fee sniping */
    enum output_type change_type; /* OUTPUT_UNKNOWN: as fits */
    struct buf change_script;     /* empty: a new address */
    int change_position;          /* -1: random */
    int64_t max_weight;           /* 0: standard */
};
void spend_request_init(struct spend_request *r);
void spend_request_clear(struct spend_request *r);
struct spend_result {
    struct mtx tx;
    int64_t fee;
    int change_position; /* -1: none */
    enum spend_fee_source fee_source;
};
void spend_result_clear(struct spend_result *r);
/* Chooses coins, adds change, and signs where `sign`. False: *error is Core's sentence (caller
 * frees). A change address is used up by it. */
bool wallet_spend(struct wallet *w, const struct spend_request *r, bool sign,
                  struct spend_result *out, char **error);
/* Signs what can be signed: `coins` are the spent outputs (script data NULL: unknown). Returns
 * whether all inputs are complete; errors (may be NULL): one for each input. */
bool wallet_sign(struct wallet *w, struct mtx *m, const struct tx_out *coins, int hash_type,
                 enum script_error *errors);
/* A provider over all of the wallet's keys and scripts; valid until the wallet's next change. */
void wallet_provider(struct wallet *w, struct signing_provider *out);
bool wallet_sign_message(struct wallet *w, const struct destination *d, const uint8_t hash[32],
                         uint8_t sig[65], char **error);
/* Weight of the signed input that spends the output; -1: not solvable. */
int64_t wallet_input_weight(struct wallet *w, const struct tx_out *out, bool *witness);
int64_t wallet_required_feerate(const struct wallet *w);

/* Unconfirmed transactions into the mempool again, with `relay` to the peers too. */
void wallet_resubmit(struct wallet *w, bool relay);

/* ---- rescan ---- */

/* Blocks from..to (to -1: the tip). False: a block could not be read (*failed is its height) or
 * wallet_abort_rescan(). */
bool wallet_rescan(struct wallet *w, int32_t from, int32_t to, int32_t *last);
/* First height whose blocks can matter to keys made at `time`. */
int32_t wallet_height_of_time(const struct wallet *w, int64_t time);

#endif
