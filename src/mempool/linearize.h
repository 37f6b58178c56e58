/* The order in which a cluster's transactions are best mined: a pure function over a small graph.
 */
#ifndef MITE_MEMPOOL_LINEARIZE_H
#define MITE_MEMPOOL_LINEARIZE_H

#include <stdbool.h>

#include "mempool/feerate.h"

#define CLUSTER_MAX 64 /* transactions: a set of them is a 64-bit word */

struct depgraph {
    unsigned n;
    struct feefrac tx[CLUSTER_MAX];
    uint64_t parents[CLUSTER_MAX]; /* direct parents, as bits of their indices */
    uint64_t rank[CLUSTER_MAX];    /* breaks ties: lower first */
};

/* All ancestors or descendants of each transaction, itself included. The graph has no cycle. */
void depgraph_ancestors(const struct depgraph *g, uint64_t anc[CLUSTER_MAX]);
void depgraph_descendants(const struct depgraph *g, uint64_t desc[CLUSTER_MAX]);

/*
 * Improves `order`, a topological order of all of g, in place. The result is never worse than
 * what was given, nor than sorting by ancestor sets; where it returns true it is optimal (no order
 * has a diagram above it anywhere). `budget` bounds the work, in steps of some nanoseconds each.
 */
bool linearize(const struct depgraph *g, unsigned order[CLUSTER_MAX], uint64_t budget);
#define LINEARIZE_BUDGET 1000000

/* Cuts an order into chunks of falling feerate: sets the number of transactions of each and their
 * sums, returns how many chunks. */
unsigned chunk_order(const struct depgraph *g, const unsigned *order, unsigned counts[CLUSTER_MAX],
                     struct feefrac sums[CLUSTER_MAX]);

/* Repeatedly takes the ancestor set of the best feerate: the classical rule of block assembly. */
void ancestor_set_order(const struct depgraph *g, unsigned order[CLUSTER_MAX]);

#endif
