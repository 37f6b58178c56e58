/*
 * Wallets: descriptor wallets in Core's SQLite format. A wallet reaches the node only through
 * `struct wallet_node`, so that it can be tested alone and moved out of the process later.
 */
#ifndef MITE_WALLET_WALLET_H
#define MITE_WALLET_WALLET_H

#include "consensus/params.h"
#include "consensus/verdict.h"
#include "script/descriptor.h"
#include "chain/block.h"

struct wallet;
struct wallets;

/* What a wallet asks of the node. All on the owner's thread. */
struct wallet_node {
    void *arg;
    int32_t (*height)(void *arg);
    bool (*block_hash)(void *arg, int32_t height, struct block_hash *out); /* active chain */
    int32_t (*block_height)(void *arg, const struct block_hash *hash);     /* -1: not in the active chain */
    bool (*block_times)(void *arg, const struct block_hash *hash, int64_t *time, int64_t *mtp, int64_t *time_max);
    struct block *(*read_block)(void *arg, int32_t height); /* NULL: pruned or an error */
    bool (*submit)(void *arg, const struct tx *tx, int64_t max_feerate, struct verdict *v); /* to mempool, and relays */
    bool (*in_mempool)(void *arg, const struct txid *txid);
    int64_t (*fee_estimate)(void *arg, int target, bool conservative); /* sat/kvB, 0: none */
    int64_t (*min_feerate)(void *arg);      /* of the mempool, sat/kvB */
    int64_t (*relay_feerate)(void *arg);
    int64_t (*dust_feerate)(void *arg);
};

struct wallets_options {
    const struct network *net;
    const char *dir;             /* datadir/wallets */
    const struct wallet_node *node;
    int64_t fallback_fee;        /* sat/kvB, 0: disabled */
    int64_t discard_feerate, consolidate_feerate, max_tx_fee;
    unsigned confirm_target;     /* 6 */
    unsigned keypool;            /* 1000 */
    enum output_type address_type, change_type; /* change OUTPUT_UNKNOWN: as Core chooses */
    bool spend_zero_conf_change;
};

struct wallets *wallets_create(const struct wallets_options *o, char **error);
void wallets_destroy(struct wallets *w); /* saves and closes all */
/* Chain and mempool events come in by these (the composition root subscribes). */
void wallets_block_connected(struct wallets *w, const struct block *b, int32_t height);
void wallets_block_disconnected(struct wallets *w, const struct block *b, int32_t height);
void wallets_tx_added(struct wallets *w, const struct tx *tx);
void wallets_tx_removed(struct wallets *w, const struct tx *tx, bool conflict);
void wallets_tick(struct wallets *w); /* rebroadcast, keypool; every minute */

#endif
