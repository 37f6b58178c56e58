/*
 * Fee estimation, two ways: by how long transactions of each feerate have waited for a block
 * (block policy), and by what stands in the mempool now (mempool policy). Files are Core's.
 */
#ifndef MITE_MEMPOOL_FEES_H
#define MITE_MEMPOOL_FEES_H

#include "mempool/mempool.h"

struct fee_estimator;

struct fee_estimator *fees_create(struct mempool *m, struct chain *c); /* subscribes to both */
void fees_destroy(struct fee_estimator *f);
/* The files of the folder `dir`/fees (dir: of the network). A file of before they had a folder of
 * their own is moved there first. Statistics older than 60 hours are left out unless
 * `accept_stale`. What cannot be read is logged and left out: estimates are rebuilt from what
 * comes. */
void fees_load(struct fee_estimator *f, const char *dir, bool accept_stale);
/* False (logged) where the disk failed. Every hour, and at the end. */
bool fees_save(struct fee_estimator *f, const char *dir);
/* What is still unconfirmed is counted as not confirmed: before the last fees_save(). */
void fees_flush_unconfirmed(struct fee_estimator *f);

enum fee_policy { FEE_POLICY_ANY, FEE_POLICY_BLOCKS, FEE_POLICY_MEMPOOL };
struct fee_estimate {
    int64_t feerate; /* sat/kvB; 0: none, error says why */
    int target;      /* blocks, for which it holds */
    enum fee_policy source;
    const char *error;
};
/* For confirmation within `target` blocks. ANY: the lower of both, or the error of either. */
struct fee_estimate fees_estimate(struct fee_estimator *f, enum fee_policy source, int target,
                                  bool conservative);

enum fee_horizon { FEE_HORIZON_SHORT, FEE_HORIZON_MEDIUM, FEE_HORIZON_LONG };
int fees_max_target(const struct fee_estimator *f, enum fee_horizon h); /* 12, 48, 1008 */
struct fee_range {
    double start, end, within_target, total_confirmed, in_mempool, left_mempool;
};
struct fee_raw {
    int64_t feerate; /* sat/kvB; 0: none */
    double decay;
    int scale;
    struct fee_range pass, fail; /* start -1: there is none */
};
void fees_estimate_raw(const struct fee_estimator *f, int target, double threshold,
                       enum fee_horizon h, struct fee_raw *out);

/* How much of the last blocks the mempool had foreseen; newest last. */
#define FEES_HEALTH_BLOCKS 6
struct fees_block_stats {
    uint64_t height, mempool_weight, block_weight; /* without coinbases */
};
size_t fees_block_stats(const struct fee_estimator *f,
                        struct fees_block_stats out[FEES_HEALTH_BLOCKS]);

#endif
