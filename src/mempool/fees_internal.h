/* Inside of the fee estimator: shared by its files in mempool/ only. */
#ifndef MITE_MEMPOOL_FEES_INTERNAL_H
#define MITE_MEMPOOL_FEES_INTERNAL_H

#include "mempool/fee_stats.h"
#include "util/table.h"

struct tracked {
    struct txid txid;
    unsigned height; /* when it came in */
    unsigned bucket;
};

struct fee_estimator {
    struct mempool *mempool;
    struct chain *chain;

    /* Block policy. */
    struct fee_buckets buckets;
    struct fee_stats stats[3]; /* by enum fee_horizon */
    struct table tracked;
    unsigned best_height, first_height;         /* seen; the first with data */
    unsigned old_first_height, old_best_height; /* of the file */

    /* Mempool policy. */
    struct fees_block_stats mined[FEES_HEALTH_BLOCKS];
    size_t n_mined;
    struct block_hash mined_tip;
    struct {
        bool valid;
        struct block_hash tip;
        int64_t time;
        int64_t half, three_quarters; /* sat/kvB */
    } cached;
};

/* Blocks that statistics reach back: of this run, or of the file as long as that is recent. */
unsigned fees_span(const struct fee_estimator *f);
unsigned fees_file_span(const struct fee_estimator *f);
void fees_note_mined(struct fee_estimator *f, const struct block *b, int32_t height,
                     const struct mempool_entry *const *e, size_t n);
struct fee_estimate fees_by_mempool(struct fee_estimator *f, bool conservative);

#endif
