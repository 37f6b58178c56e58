/*
 * Feerate diagrams.
 *
 * A diagram is concave because its chunks are sorted by feerate, so two of them are compared at
 * their corners only: wherever one curve has a corner, the other is a straight line, and a
 * difference of curves has its extremes at corners. The walk goes over the corners of both in
 * order of size; at each it asks on which side of the other curve's current segment the corner
 * lies. All products are 128 bits wide: fees are below 2^61 and sizes below 2^40.
 */
#include "mempool/feerate.h"

#include <stdbool.h>
#include <stdlib.h>

static int compare_best_first(const void *a, const void *b)
{
    return feefrac_cmp(*(const struct feefrac *)b, *(const struct feefrac *)a);
}

void chunks_sort(struct feefrac *chunks, size_t n)
{
    if (n > 1)
        qsort(chunks, n, sizeof(*chunks), compare_best_first);
}

struct curve {
    const struct feefrac *chunk;
    size_t n, at;       /* `at`: the segment that leaves the last corner passed */
    struct feefrac sum; /* the last corner passed */
};

static struct feefrac next_corner(const struct curve *c)
{
    return feefrac_add(c->sum, c->chunk[c->at]);
}

static void pass_corner(struct curve *c)
{
    c->sum = next_corner(c);
    c->at++;
}

/* Sign of (p's fee - the curve's fee at p's size), p not before the curve's last corner and not
 * behind the end of its segment. */
static int side_of(struct feefrac p, const struct curve *c)
{
    struct feefrac rest = {p.fee - c->sum.fee, p.size - c->sum.size};
    if (c->at == c->n || rest.size == 0)
        return rest.fee < 0 ? -1 : rest.fee > 0;
    __int128 l = (__int128)rest.fee * c->chunk[c->at].size;
    __int128 r = (__int128)c->chunk[c->at].fee * rest.size;
    return l < r ? -1 : l > r;
}

enum diagram_order diagram_compare(const struct feefrac *a, size_t n_a, const struct feefrac *b,
                                   size_t n_b)
{
    struct curve ca = {a, n_a, 0, {0, 0}}, cb = {b, n_b, 0, {0, 0}};
    bool above = false, below = false;
    while (ca.at < ca.n || cb.at < cb.n) {
        bool from_a =
            cb.at == cb.n || (ca.at < ca.n && next_corner(&ca).size <= next_corner(&cb).size);
        int side = from_a ? side_of(next_corner(&ca), &cb) : -side_of(next_corner(&cb), &ca);
        above |= side > 0;
        below |= side < 0;
        pass_corner(from_a ? &ca : &cb);
    }
    if (above && below)
        return DIAGRAM_INCOMPARABLE;
    return above ? DIAGRAM_BETTER : below ? DIAGRAM_WORSE : DIAGRAM_EQUAL;
}
