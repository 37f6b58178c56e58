/*
 * What the files of validation/ share. Nobody else includes it.
 */
#ifndef MITE_VALIDATION_INTERNAL_H
#define MITE_VALIDATION_INTERNAL_H

#include "store/blockdb.h"
#include "store/writer.h"
#include "util/arena.h"
#include "util/table.h"
#include "validation/chain.h"

#define MIN_BLOCKS_TO_KEEP    288
#define SEQUENCE_BEST_AT_LOAD 0
#define SEQUENCE_AT_LOAD      1
#define SUBSCRIBERS_MAX       16

/* A block_index with the chain's private part. */
struct node {
    struct block_index i;      /* first */
    struct node *waiting;      /* blocks that came before this one could be connected: a list */
    struct node *next_waiting; /* our place in our parent's list */
    bool dirty;
};

static inline struct node *node_prev(const struct node *n)
{
    return (struct node *)n->i.h.prev;
}
static inline struct node *node_ancestor(const struct node *n, int32_t height)
{
    return (struct node *)hnode_ancestor(&n->i.h, height);
}
static inline int32_t node_height(const struct node *n)
{
    return n->i.h.height;
}

/* A block whose bytes are in memory: not yet written, in the pipeline, or recent. */
struct held_block {
    struct block_hash hash;
    const struct block *block;
    const struct block_undo *undo; /* until it is written */
    unsigned writes;               /* under way */
    size_t bytes;
    struct held_block *older, *newer;
};

enum step_state {
    STEP_READING,  /* the block comes from disk */
    STEP_FETCHING, /* its coins come from disk */
    STEP_READY,
    STEP_APPLIED, /* in the coins; scripts may be under way */
    STEP_FAILED   /* a rule is broken: `verdict` is told when its turn comes */
};

struct script_item {
    uint32_t tx, in_begin, in_end;
};

/* A change of the coins that has not become the tip yet: see pipeline.c. */
struct step {
    bool connect;
    enum step_state state;
    struct node *node;
    const struct block *block;
    struct block_undo *undo;
    uint32_t flags; /* of scripts */
    bool check_scripts;
    unsigned jobs; /* of all kinds, under way */
    bool dropped;  /* out of the pipeline; freed when the last job is home */
    int stop;      /* atomic: jobs need not go on */
    size_t bytes;
    struct buf undo_bytes;
    bool undo_ready;
    struct script_item *items;
    size_t n_items, cap_items;
    /* the first script that failed, in the order of the block */
    bool script_failed;
    uint32_t failed_tx, failed_in;
    enum script_error script_error;
    struct verdict verdict; /* of STEP_FAILED */
    struct step *prev, *next;
};

struct pipeline {
    struct step *first, *last;
    struct step *next; /* the first that is not applied */
    size_t n, bytes;
    unsigned jobs; /* of all steps, dropped ones too */
    bool running;  /* inside pump */
};

struct subscriber {
    struct chain_events events;
    void *arg;
};

struct chain {
    struct chain_options opts;
    const struct network *net;
    char *datadir;
    struct workers *workers;
    struct writer *writer;
    struct script_cache *script_cache;
    struct sig_memo *sig_memo;

    struct db *index_db;
    struct blockfiles *files;
    struct coins *coins;

    /* tree */
    struct arena node_memory;
    struct table by_hash;
    struct node **active; /* by height */
    size_t n_active, cap_active;
    struct node *best_header, *best_invalid;
    struct node **candidates; /* a heap, the best first; see candidates.c */
    size_t n_candidates, cap_candidates;
    struct node *usable; /* all from here down to the active chain can be connected; or NULL */
    int32_t next_sequence, reverse_sequence;
    struct u256 precious_work;
    struct node **dirty;
    size_t n_dirty, cap_dirty;
    bool ibd;
    unsigned importing;
    bool reindexing;
    bool have_pruned;
    bool prune_check;
    int32_t prune_height; /* pruneblockchain's; 0: none */
    int32_t keep_from;    /* chain_keep_from()'s */

    /* blocks in memory */
    struct table held;
    struct held_block *held_oldest, *held_newest;
    size_t held_bytes, held_unwritten;

    struct pipeline pipe;
    struct node *tip_told;     /* of the last tip_changed event */
    bool halted;               /* stop_at_height */
    bool testing;              /* chain_test_block: nothing may start */
    const char *script_reason; /* why scripts are (not) checked, as last logged */

    /* flushing */
    bool flush_wanted;
    struct flush *flush;
    int64_t next_flush_us; /* monotonic */
    struct stats_request *stats_waiting;
    unsigned stats_running;

    struct subscriber subscribers[SUBSCRIBERS_MAX];
    size_t n_subscribers;
    char *failed;
    /* scratch of apply */
    const struct coin **coin_ptrs;
    int32_t *coin_heights;
    size_t cap_coin_ptrs, cap_coin_heights;
};

/* ---- tree.c ---- */
struct node *tree_find(const struct chain *c, const struct block_hash *hash);
/* Links a header that is not known yet; prev is NULL for genesis. */
struct node *tree_add(struct chain *c, const struct header *h, const struct block_hash *hash,
                      struct node *prev);
void tree_mark_dirty(struct chain *c, struct node *n);
static inline struct node *tip_node(const struct chain *c)
{
    return c->active[c->n_active - 1];
}
static inline bool tree_active(const struct chain *c, const struct node *n)
{
    return (size_t)node_height(n) < c->n_active && c->active[node_height(n)] == n;
}
/* The active chain becomes the one that ends in n (its branch is walked back to the fork). */
void tree_set_tip(struct chain *c, struct node *n);
static inline bool node_valid(const struct node *n, uint32_t level)
{
    return !(n->i.status & BLOCK_FAILED) && (n->i.status & BLOCK_VALID_MASK) >= level;
}
void node_raise(struct chain *c, struct node *n, uint32_t level);
/* The block's transactions are known: n_tx and place are set; links what waited for it. */
void tree_received(struct chain *c, struct node *n);
void tree_wait_for_parent(struct node *n);
void tree_update_ibd(struct chain *c);

/* ---- candidates.c ---- */
/* More work, or as much and seen earlier: in the order of Core's candidates. */
bool node_better(const struct node *a, const struct node *b);
void candidates_add(struct chain *c, struct node *n); /* where it is not worse than the tip */
void candidates_rebuild(struct chain *c);
/* The best block all of whose ancestors are at hand: at least the tip. */
struct node *candidates_best(struct chain *c);
/* n was found invalid: it and all that descends from it. */
void tree_mark_failed(struct chain *c, struct node *n);
void tree_recalculate_best_header(struct chain *c);

/* ---- held.c: blocks in memory and on disk ---- */
const struct block *held_find(const struct chain *c, const struct block_hash *hash);
void held_add(struct chain *c, const struct block *b);
void held_clear(struct chain *c);
/* Stores a new block: its place is set in n, the write is under way. */
void store_block(struct chain *c, struct node *n, const struct block *b);
void store_undo(struct chain *c, struct node *n, struct block_undo *u, struct buf *bytes);
/* Any thread: reads and checks the block at n; NULL and *error. */
struct block *read_block_at(const struct blockfiles *files, struct file_pos at,
                            const struct block_hash *hash, char **error);

/* ---- apply.c: blocks and coins ---- */
enum apply_result { APPLY_OK, APPLY_INVALID, APPLY_ERROR };
/* Connects s->block to the coins, fills s->undo and s->items; leaves no trace where it fails. */
enum apply_result apply_block(struct chain *c, struct step *s, struct verdict *v);
/* Takes a connected block out again. False: the coins were not as the block left them. */
bool unapply_block(struct chain *c, const struct block *b, const struct block_undo *u,
                   const struct node *n, bool *error);
/* Connects a block that was connected before: nothing is checked, coins may be there or not. */
bool reapply_block(struct chain *c, const struct block *b, const struct node *n);

/* ---- scripts.c ---- */
void scripts_submit(struct chain *c, struct step *s);
bool scripts_needed(struct chain *c, const struct node *n);
void scripts_verdict(const struct step *s, struct verdict *v);

/* ---- pipeline.c ---- */
void pipeline_pump(struct chain *c, bool no_limit);
void pipeline_job_done(struct chain *c, struct step *s);
void pipeline_clear(struct chain *c);
bool pipeline_full(const struct chain *c);
/* True where the coins are those of the tip. */
bool pipeline_at_tip(const struct chain *c);
/* Disconnects the tip for good, whatever comes next. Nothing may be in the pipeline. */
bool pipeline_disconnect_tip(struct chain *c);
/* Waits for whatever the pipeline or the writer is waiting for. False where there is nothing. */
bool chain_wait(struct chain *c);

/* ---- flush.c ---- */
void flush_request(struct chain *c);
void flush_if_needed(struct chain *c);
/* Called between steps: starts what is wanted, ends what is written. True where something moved. */
bool flush_poll(struct chain *c);
void flush_schedule(struct chain *c);
/* Waits for the writer and forgets a flush, whatever became of it. */
void flush_abandon(struct chain *c);

/* ---- prune.c ---- */
bool prune_is_due(struct chain *c);
/* The block files to be removed with this flush, already forgotten by the index; caller frees. */
int32_t *prune_choose(struct chain *c, size_t *n);

/* ---- load.c ---- */
/* The block index from its database; an empty one gets the genesis block. */
bool load_index(struct chain *c, char **error);
/* The tip from the coins, after a replay where a flush was cut off. */
bool load_tip(struct chain *c, char **error);

/* ---- chain.c ---- */
void chain_fail(struct chain *c, const char *fmt, ...) PRINTF(2, 3);
#define ACCEPT_HEADER_FIRST 0x100u /* with enum accept_block_flags: from a file */
/* Accepts a block that `pre` (may be NULL) says has been checked by itself. `at` (may be NULL) is
 * where it lies already. */
bool accept_block(struct chain *c, const struct block *b, unsigned flags, const struct file_pos *at,
                  const struct verdict *pre, bool *is_new, struct verdict *v);
bool accept_header(struct chain *c, const struct header *h, const struct block_hash *hash,
                   bool min_pow_checked, struct node **out, struct verdict *v);
/* ---- stats.c ---- */
/* The coins of `at` are in the database. */
void stats_start_waiting(struct chain *c, const struct node *at);

/* ---- verify.c ---- */
/* -checkblockindex: CHECKs what must hold in the tree. */
void check_block_index(const struct chain *c);

/* ---- events.c ---- */
void event_connected(struct chain *c, const struct block *b, const struct node *n,
                     const struct block_undo *u);
void event_disconnected(struct chain *c, const struct block *b, const struct node *n);
void event_tip_changed(struct chain *c);
void event_header_tip(struct chain *c);
void event_checked(struct chain *c, const struct block *b, const struct node *n,
                   const struct verdict *v);
void event_accepted(struct chain *c, const struct block *b, const struct node *n);
void event_flushed(struct chain *c, const struct node *n);

#endif
