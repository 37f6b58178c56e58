/* Waiting times by feerate over one horizon: the statistics under block-policy estimates. */
#ifndef MITE_MEMPOOL_FEE_STATS_H
#define MITE_MEMPOOL_FEE_STATS_H

#include "mempool/fees.h"

#define FEE_BUCKETS_MAX 1000
#define FEE_TARGET_MAX  1008

/* Upper bounds of the feerate buckets, rising; shared by the three horizons. */
struct fee_buckets {
    double *bound;
    unsigned n;
};
void fee_buckets_init(struct fee_buckets *b);
unsigned fee_bucket_of(const struct fee_buckets *b, double feerate);

struct fee_stats {
    const struct fee_buckets *buckets;
    double decay;            /* a block */
    unsigned scale, periods; /* blocks to a period; periods tracked */
    /* Decaying sums by bucket. */
    double *count;     /* confirmed ever */
    double *feerates;  /* of those */
    double *confirmed; /* [period][bucket]: within so many periods */
    double *failed;    /* [period][bucket]: left unconfirmed after so many */
    /* Now in the mempool, by [height of entry modulo periods * scale][bucket], and older ones. */
    int *waiting;
    int *waiting_longer;
};

void fee_stats_init(struct fee_stats *s, const struct fee_buckets *b, double decay, unsigned scale,
                    unsigned periods);
void fee_stats_clear(struct fee_stats *s);
unsigned fee_stats_max_target(const struct fee_stats *s);

void fee_stats_enter(struct fee_stats *s, unsigned height, unsigned bucket);
void fee_stats_leave(struct fee_stats *s, unsigned entry_height, unsigned best_height,
                     unsigned bucket, bool mined);
/* Before a block's transactions are recorded: time goes on by one block. */
void fee_stats_next_block(struct fee_stats *s, unsigned height);
void fee_stats_record(struct fee_stats *s, unsigned blocks, unsigned bucket, double feerate);

/* Median feerate of the lowest range of buckets of which `success` (a proportion) was confirmed
 * within target, each range large enough to tell; -1 where there is none. out may be NULL. */
double fee_stats_estimate(const struct fee_stats *s, unsigned target, double sufficient,
                          double success, unsigned height, struct fee_raw *out);

void fee_stats_write(struct buf *b, const struct fee_stats *s);
/* False where the bytes are none; s is then as before. */
bool fee_stats_read(struct reader *r, struct fee_stats *s, const struct fee_buckets *buckets);

#endif
