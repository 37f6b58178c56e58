/*
 * What the files of index/ share. Nobody else includes it.
 */
#ifndef MITE_INDEX_INTERNAL_H
#define MITE_INDEX_INTERNAL_H

#include "index/index.h"
#include "store/db.h"

/* A block on its way into an index or out of it, as a worker sees it. */
struct index_block {
    const struct block_hash *hash, *prev; /* prev: NULL for the genesis block */
    int32_t height;
    struct file_pos at;            /* where the block lies */
    const struct hnode *node;      /* the fields that never change */
    const struct block *block;     /* for connect(); for disconnect() where the kind asks */
    const struct block_undo *undo; /* likewise; NULL for the genesis block */
};

/*
 * What makes an index the kind it is. connect(), disconnect() and commit() run on a worker, never
 * two at once for one index, and own its state meanwhile. They fill the batch, which is written
 * when they have returned true; false: *error says why (caller frees).
 */
struct index_kind {
    const char *name, *folder; /* the folder of its database, below indexes/ */
    struct span best_key;
    bool undo;       /* needs what blocks spent */
    bool old_blocks; /* disconnect() needs the block too */
    /* `best` is the block it stood at, or NULL. */
    bool (*load)(struct index *ix, const struct block_index *best, char **error);
    bool (*connect)(struct index *ix, const struct index_block *b, struct db_batch *batch,
                    char **error);
    bool (*disconnect)(struct index *ix, const struct index_block *b, struct db_batch *batch,
                       char **error);
    bool (*commit)(struct index *ix, struct db_batch *batch, char **error);
    void (*close)(struct index *ix);
};
extern const struct index_kind tx_index_kind, coin_stats_index_kind, spender_index_kind,
    filter_index_kind;

struct index_waiter {
    const struct block_index *target;
    void (*fn)(void *arg);
    void *arg;
    struct index_waiter *next;
};

struct index {
    const struct index_kind *kind;
    struct indexes *set;
    struct chain *chain;
    char *folder;
    struct db *db;
    void *state; /* the kind's */

    const struct block_index *best;      /* indexed up to here; NULL: nothing yet */
    const struct block_index *committed; /* what the database says of that */
    int64_t next_commit_us, next_log_us; /* monotonic */
    /* Ends of branches that were left before this index had them: visited first, in order. */
    const struct block_index **goals;
    size_t n_goals, cap_goals;
    bool synced;
    bool failed;           /* the kind's state is not that of `best` */
    struct index_job *job; /* under way, or NULL */
    struct index_waiter *waiters;
};

/* ---- records.c: keys that several kinds have in common ---- */

#define INDEX_HASH_SIZE 32

/* The key of what is kept of the block of the active chain at a height; its value begins with the
 * block's hash. */
void index_height_key(uint8_t key[5], int32_t height);
/* Appends what is kept of the block, wherever it is, without the hash in front. */
enum db_result index_record_get(struct db *db, int32_t height, const struct block_hash *hash,
                                struct buf *out) MUST_USE;
void index_record_put(struct db_batch *batch, int32_t height, const struct block_hash *hash,
                      struct span value);
/* The block leaves the active chain: its record is kept under its hash. */
bool index_record_retire(struct index *ix, struct db_batch *batch, const struct index_block *b,
                         char **error);
/* The secret of a database's hashes (SipHash): 16 bytes under `key`, drawn at random and kept the
 * first time. False: *error. */
struct index_salt {
    uint64_t k0, k1;
};
bool index_salt(struct index *ix, struct span key, struct index_salt *out, char **error);
/* "The index NAME is damaged (why)..."; returns false. */
bool index_damaged(const struct index *ix, char **error, const char *why);
/* What the database says is wrong with it; returns false. */
bool index_db_failed(const struct index *ix, char **error);

#endif
