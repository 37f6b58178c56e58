/*
 * Fee estimation: the block-policy estimator (buckets of feerates, how many blocks they waited,
 * decaying averages over three horizons), in Core's file format.
 */
#ifndef MITE_MEMPOOL_FEES_H
#define MITE_MEMPOOL_FEES_H

#include "mempool/mempool.h"

struct fee_estimator;

struct fee_estimator *fees_create(struct mempool *m, struct chain *c); /* subscribes to both */
void fees_destroy(struct fee_estimator *f);
bool fees_save(struct fee_estimator *f, const char *path);
bool fees_load(struct fee_estimator *f, const char *path);
/* Feerate in sat/kvB for confirmation within `target` blocks, 0 where not enough is known.
 * *returned_target: the one for which it holds. */
int64_t fees_estimate_smart(const struct fee_estimator *f, int target, bool conservative,
                            int *returned_target);
enum fee_horizon { FEE_HORIZON_SHORT, FEE_HORIZON_MEDIUM, FEE_HORIZON_LONG };
int fees_max_target(const struct fee_estimator *f, enum fee_horizon h); /* 12, 48, 1008 */
struct fee_range {
    double start, end, within_target, total_confirmed, in_mempool, left_mempool;
};
struct fee_raw {
    int64_t feerate; /* sat/kvB; 0: none */
    double decay;
    int scale;
    struct fee_range pass, fail;
    bool has_pass, has_fail;
};
void fees_estimate_raw(const struct fee_estimator *f, int target, double threshold,
                       enum fee_horizon h, struct fee_raw *out);

#endif
