/*
 * Fee over size, compared without rounding, and feerate diagrams: the one notion of feerate that
 * mining, eviction and replacement share. Sizes are weights adjusted for signature operations.
 */
#ifndef MITE_MEMPOOL_FEERATE_H
#define MITE_MEMPOOL_FEERATE_H

#include <stddef.h>
#include <stdint.h>

struct feefrac {
    int64_t fee;  /* satoshi; may be negative by prioritisation */
    int64_t size; /* weight units, positive but for the empty sum */
};

/* By fee / size: negative, zero or positive as a is worse, equal or better. */
static inline int feefrac_cmp(struct feefrac a, struct feefrac b)
{
    __int128 l = (__int128)a.fee * b.size, r = (__int128)b.fee * a.size;
    return l < r ? -1 : l > r;
}
static inline struct feefrac feefrac_add(struct feefrac a, struct feefrac b)
{
    return (struct feefrac){a.fee + b.fee, a.size + b.size};
}

/* Sorts chunks best first. */
void chunks_sort(struct feefrac *chunks, size_t n);

/*
 * Compares two diagrams, each a list of chunks sorted best first: the curve of cumulative fee over
 * cumulative size, continued flat behind its end.
 */
enum diagram_order {
    DIAGRAM_WORSE, /* a is nowhere above b and somewhere below */
    DIAGRAM_EQUAL,
    DIAGRAM_BETTER, /* a is nowhere below b and somewhere above */
    DIAGRAM_INCOMPARABLE
};
enum diagram_order diagram_compare(const struct feefrac *a, size_t n_a, const struct feefrac *b,
                                   size_t n_b);

#endif
