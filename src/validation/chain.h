/*
 * The chain: header tree, connect pipeline, reorganisation, events. The only place that knows which
 * block is the tip, and the only writer of coins.
 *
 * Everything here is called on the owner's thread unless said otherwise. Blocks connect in a
 * pipeline: fetch coins, apply in order, check scripts on workers, commit in order (design.md
 * section 3). The tip and all events speak of committed blocks only; the coins cache runs ahead of
 * the tip while the pipeline is busy, so who looks at coins together with the tip (mempool, RPC)
 * asks chain_busy() first and waits, or calls chain_drain().
 *
 * Events are sent from inside chain_accept_block(), chain_poll(), chain_drain() and whatever waits
 * for the workers. A subscriber may ask the chain anything but must not tell it anything: it
 * remembers what to do and does it when its own turn comes.
 */
#ifndef MITE_VALIDATION_CHAIN_H
#define MITE_VALIDATION_CHAIN_H

#include "consensus/rules.h"
#include "store/blockfile.h"
#include "store/coins.h"
#include "util/workers.h"
#include "validation/script_cache.h"

struct chain;

/* Status bits as Core's block index stores them. */
enum block_status {
    BLOCK_VALID_TREE = 2,
    BLOCK_VALID_TRANSACTIONS = 3,
    BLOCK_VALID_CHAIN = 4,
    BLOCK_VALID_SCRIPTS = 5,
    BLOCK_VALID_MASK = 7,
    BLOCK_HAVE_DATA = 8,
    BLOCK_HAVE_UNDO = 16,
    BLOCK_FAILED = 32,
    BLOCK_FAILED_CHILD = 64,
    BLOCK_OPT_WITNESS = 128
};

/* A node of the header tree: read-only outside validation/. Lives as long as the chain. */
struct block_index {
    struct hnode h; /* first: a block_index is a hnode */
    uint32_t status;
    uint32_t n_tx;
    uint64_t chain_tx; /* transactions up to here; 0 while a block below is missing */
    int32_t file;
    uint32_t data_pos, undo_pos;
    int32_t sequence; /* order of arrival, ties of work go to the first */
};

struct chain_options {
    const struct network *net;
    const char *datadir;   /* of this network */
    const char *blocksdir; /* of this network; NULL: datadir/blocks */
    struct workers *workers;
    size_t dbcache_bytes;
    bool reindex, reindex_chainstate;
    bool blocks_xor; /* new block folders get an xor key */
    int check_blocks, check_level;
    bool check_block_index;         /* -checkblockindex: whole-structure invariants */
    int64_t max_tip_age;            /* seconds */
    uint64_t prune_target;          /* bytes; 0: keep all */
    int stop_at_height;             /* 0: none */
    struct block_hash assume_valid; /* zero: all scripts are checked */
    struct u256 min_chain_work;
    size_t sig_cache_bytes; /* of the script cache and the signature memo together */
    uint32_t
        block_file_max; /* bytes of a block file; 0: Core's 128 MiB (-fastprune makes them small) */
    bool no_writer_thread; /* everything is written at once, on the owner (tests) */
    /* stop_at_height is reached; the pipeline has halted. May be NULL. */
    void (*stop)(void *arg);
    void *stop_arg;
    /* Called from any thread when the owner should call chain_poll() soon. May be NULL. */
    void (*wake)(void *arg);
    void *wake_arg;
    /* The disk or a database failed: the node stops. The message is a sentence for the user. */
    void (*fatal)(void *arg, const char *message);
    void *fatal_arg;
};

/* Opens or creates; NULL: *error says why and what to do (caller frees). */
struct chain *chain_open(const struct chain_options *opts, char **error);
/* Drains, flushes durably, closes. */
void chain_close(struct chain *c);
const struct network *chain_network(const struct chain *c);
/* What the writer has finished and what the pipeline can do next: the loop calls it when woken, and
 * after workers_reap(). */
void chain_poll(struct chain *c);
/* Shared with the mempool, which fills them. */
struct script_cache *chain_script_cache(struct chain *c);
struct sig_memo *chain_sig_memo(struct chain *c);

/* ---- asking ---- */

const struct block_index *
chain_tip(const struct chain *c); /* never NULL once open: genesis at least */
int32_t chain_height(const struct chain *c);
const struct block_index *chain_best_header(const struct chain *c);
/* Of the blocks known to be invalid the one with the most work; NULL: there is none. */
const struct block_index *chain_best_invalid(const struct chain *c);
const struct block_index *chain_at(const struct chain *c,
                                   int32_t height); /* active chain, or NULL */
const struct block_index *chain_find(const struct chain *c, const struct block_hash *hash);
bool chain_contains(const struct chain *c, const struct block_index *i);
const struct block_index *chain_next(const struct chain *c, const struct block_index *i);
/* Fork point of i with the active chain. */
const struct block_index *chain_fork(const struct chain *c, const struct block_index *i);
static inline const struct block_index *index_prev(const struct block_index *i)
{
    return (const struct block_index *)i->h.prev;
}
static inline const struct block_index *index_ancestor(const struct block_index *i, int32_t height)
{
    return (const struct block_index *)hnode_ancestor(&i->h, height);
}
/* True until the tip is recent and has the minimum work, and while blocks are imported; then false
 * for good. */
bool chain_is_ibd(const struct chain *c);
/* The disk failed: nothing more will be accepted. What opts.fatal was told, or NULL. */
const char *chain_failed(const struct chain *c);
double chain_progress(const struct chain *c, const struct block_index *i);
/* Heads of all branches, caller frees the array. */
struct chain_tip_info {
    const struct block_index *index;
    int32_t branch_len;
    const char *status; /* "active", "valid-fork", "valid-headers", "headers-only", "invalid" */
};
struct chain_tip_info *chain_tips(const struct chain *c, size_t *n);
/* Block locator from i (NULL: the tip) and what a peer's locator means here. */
size_t chain_locator(const struct chain *c, const struct block_index *i, struct block_hash out[64]);
const struct block_index *chain_find_locator(const struct chain *c, const struct block_hash *l,
                                             size_t n);

/* From memory or disk. NULL: not there (pruned, never had: `*error` false) or disk error (true).
 * A stored block whose bytes do not hash to its index is an error. */
struct block *chain_read_block(struct chain *c, const struct block_index *i, bool *error);
struct block_undo *chain_read_undo(struct chain *c, const struct block_index *i, bool *error);
/* What a worker needs to read a block and what it spent. */
struct stored_block { /* private */
    struct block_hash hash, prev;
    const struct blockfiles *files;
    struct file_pos data_at, undo_at; /* data_at may be read */
    struct block *block;              /* in memory */
    struct block_undo *undo;          /* in memory */
};
/* Owner: false where the block is not there (any more). Undo data is there for every block that was
 * ever connected but the genesis block. */
bool chain_stored_block(struct chain *c, const struct block_index *i, bool with_undo,
                        struct stored_block *out) MUST_USE;
void stored_block_clear(struct stored_block *s);
/* Any thread. NULL: *error says why (caller frees). */
struct block *stored_block_read(const struct stored_block *s, char **error);
struct block_undo *stored_block_read_undo(const struct stored_block *s, char **error);
/* The block that lies at a place; NULL where none does or it cannot be read. */
const struct block_index *chain_block_at(struct chain *c, struct file_pos at);
/* The committed and applied state's coin: its script is copied into `memory` (reset first). */
enum coin_result chain_coin(struct chain *c, const struct outpoint *o, struct coin *out,
                            struct buf *memory) MUST_USE;
uint64_t chain_disk_size(const struct chain *c);
size_t chain_coins_memory(const struct chain *c);
bool chain_is_pruned(const struct chain *c);
int32_t
chain_prune_height(const struct chain *c); /* lowest height with data; 0 where none is pruned */

/* gettxoutsetinfo: over a snapshot of the flushed state, on a worker, from the first to the last
 * coin; `done` is called on the owner. */
enum coins_hash_type { COINS_HASH_NONE, COINS_HASH_SERIALIZED_3, COINS_HASH_MUHASH };
struct coins_stats {
    bool ok; /* false: database error */
    const struct block_index *at;
    uint64_t txouts, transactions, bogosize, disk_size;
    int64_t total_amount;
    uint8_t hash[32];
};
void chain_coins_stats(struct chain *c, enum coins_hash_type type,
                       void (*done)(void *arg, const struct coins_stats *stats), void *arg);

/* scantxoutset: shows every coin of such a snapshot to `visit`, on a worker; false from it ends the
 * scan. `done` is called on the owner; of the statistics, ok, at and txouts (seen) count. */
void chain_coins_scan(struct chain *c,
                      bool (*visit)(void *arg, const struct outpoint *o, const struct coin *coin),
                      void (*done)(void *arg, const struct coins_stats *stats), void *arg);
/* Those that still wait for a flush are told now (not ok): before the places where their answers go
 * are closed. */
void chain_cancel_stats(struct chain *c);

/* ---- telling ---- */

/* Headers in order, each on the one before. *last (may be NULL) gets the last one accepted.
 * `min_pow_checked`: the sender's chain has been shown to have enough work; otherwise headers of
 * too little work are refused with VERDICT_LOW_WORK ("too-little-chainwork"). */
bool chain_accept_headers(struct chain *c, const struct header *h, size_t n, bool min_pow_checked,
                          const struct block_index **last, struct verdict *v);

/* Checks a block by itself and in its place, stores it and sets the pipeline going. True where it
 * was accepted so far (also when it was known already: *is_new false). What becomes of it is told
 * by the block_checked event: at once, later, or (not on the best chain) never. */
enum accept_block_flags {
    ACCEPT_REQUESTED = 1, /* asked for, or local: stored even when far ahead or of less work */
    ACCEPT_MIN_POW_CHECKED = 2
};
bool chain_accept_block(struct chain *c, const struct block *b, unsigned flags, bool *is_new,
                        struct verdict *v);
/* Would the block be valid on the tip? Drains first; changes nothing. For miners' proposals. */
bool chain_test_block(struct chain *c, const struct block *b, bool check_pow, bool check_merkle,
                      struct verdict *v);

bool chain_busy(const struct chain *c);
/* Waits until nothing is in the pipeline and the best chain is the active one. */
void chain_drain(struct chain *c);
/* False where it cannot be (genesis) or the disk failed. Both drain. */
bool chain_invalidate(struct chain *c, const struct block_index *i, struct verdict *v);
void chain_reconsider(struct chain *c, const struct block_index *i);
bool chain_precious(struct chain *c, const struct block_index *i, struct verdict *v);
/* Everything on disk before it returns. */
bool chain_flush(struct chain *c);
/* Periodic work (hourly durable points, pruning); the node's loop calls it every few seconds. */
void chain_tick(struct chain *c);
/* verifychain: the last `blocks` blocks (0: all) at level 0 to 4. Drains; runs on the owner. False:
 * *error says what was found. */
bool chain_verify(struct chain *c, int level, int blocks, char **error);
/* pruneblockchain: deletes block files wholly below `height`, as far as the last 288 blocks allow.
 */
void chain_prune_to(struct chain *c, int32_t height);
bool chain_pruning(const struct chain *c); /* -prune is on */
/* Somebody still needs the blocks from a little below `height` on: they are not pruned. INT32_MAX:
 * nobody does. */
void chain_keep_from(struct chain *c, int32_t height);
/* Feeds a file of [magic][length][block] records (-loadblock, reindex, in any order); blocks whose
 * parent comes later are kept by place. Works in slices of a few milliseconds. One at a time. */
struct block_import;
enum import_state {
    IMPORT_DONE,   /* all was read, and what can be connected is: call chain_import_finish() */
    IMPORT_READY,  /* step again soon: there is something to do at once */
    IMPORT_WAITING /* step again after the next wake (workers_reap(), chain_poll()) */
};
struct block_import *chain_import_start(struct chain *c, const char *path, char **error);
/* -reindex (also one that was interrupted): over the block files that are there. NULL where none is
 * to be done. */
struct block_import *chain_reindex_start(struct chain *c);
enum import_state chain_import_step(struct block_import *imp);
/* The same to the end, waiting: for tools and tests. */
void chain_import_run(struct block_import *imp);
/* Frees it; what was not read stays unread (a reindex will go on at the next start). */
void chain_import_finish(struct block_import *imp);

/* ---- events ---- */

/* Subscribers are called in the order of subscription, on the owner. Any member may be NULL. */
struct chain_events {
    /* The block is the new tip (or the way there). */
    void (*block_connected)(void *arg, const struct block *b, const struct block_index *i,
                            const struct block_undo *undo);
    void (*block_disconnected)(void *arg, const struct block *b, const struct block_index *i);
    /* After a batch of the above: `fork` is the last common block of old and new chain. */
    void (*tip_changed)(void *arg, const struct block_index *tip, const struct block_index *fork,
                        bool ibd);
    void (*header_tip)(void *arg, const struct block_index *best, bool ibd);
    /* Connected (v->kind VALID) or found invalid. */
    void (*block_checked)(void *arg, const struct block *b, const struct block_index *i,
                          const struct verdict *v);
    /* A block with good proof of work on the tip, not yet connected: for quick relay. */
    void (*block_accepted)(void *arg, const struct block *b, const struct block_index *i);
    /* A durable point: coins on disk are those of this block. */
    void (*flushed)(void *arg, const struct block_index *i);
};
void chain_subscribe(struct chain *c, const struct chain_events *events, void *arg);
void chain_unsubscribe(struct chain *c, const void *arg); /* not from inside an event */

#endif
