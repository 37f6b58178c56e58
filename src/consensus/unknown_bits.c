/*
 * Version bits that nothing here knows: if miners lock one in by BIP9's way, there are new rules
 * that this node cannot check, and its user should hear of it.
 *
 * Each of the bits is taken for a deployment that may start at once and never times out. The
 * states of all bits are carried from the end of one period to that of the next, in one walk over
 * the period's blocks; a chain that goes on costs nothing between two periods' ends, and one that
 * was reorganised across an end is walked again from its first period that counts. Rejected: one
 * struct deployment for each bit and the code of deployments.c, which would walk the whole chain
 * several times for each block.
 */
#include "consensus/headers.h"

#define VERSION_TOP_BITS 0x20000000
#define VERSION_TOP_MASK 0xe0000000

/* BIP9 has three quarters for test networks, today's deployments nine tenths for the real one. */
static int32_t period_of(const struct network *net)
{
    return net->is_test_chain ? (int32_t)(net->timespan / net->spacing) : 2016;
}

static int32_t threshold_of(const struct network *net)
{
    return net->is_test_chain ? period_of(net) * 3 / 4 : 1815;
}

/* The bits that enough blocks set in the period that `end` closes. Those that a deployment of ours
 * has blocks set, at that time, are not unknown: that is the same throughout the period. */
static uint32_t bits_of_period(const struct network *net, const struct hnode *end)
{
    int32_t counts[VERSION_BITS] = {0}, period = period_of(net);
    const struct hnode *n = end;
    uint32_t reached = 0;

    for (int32_t i = 0; i < period && n && n->height >= net->min_bip9_warning_height; i++) {
        uint32_t version = (uint32_t)n->version;

        if ((version & VERSION_TOP_MASK) == VERSION_TOP_BITS)
            for (int bit = 0; bit < VERSION_BITS; bit++)
                counts[bit] += (int32_t)(version >> bit & 1);
        n = n->prev;
    }
    for (int bit = 0; bit < VERSION_BITS; bit++)
        if (counts[bit] >= threshold_of(net))
            reached |= UINT32_C(1) << bit;
    return reached
               ? reached &
                     ~(uint32_t)block_version_for(net, hnode_ancestor(end, end->height - period))
               : 0;
}

/* From the state after the period before to that after the one that `end` closes. */
static void next_period(struct unknown_bits *u, const struct network *net, const struct hnode *end)
{
    u->active |= u->locked_in;
    u->locked_in = bits_of_period(net, end) & ~u->active;
    u->end = end;
}

/* The end of the first period whose signals count: not the first of all, in which no deployment has
 * started, and none wholly below the height of the network's parameters. */
static int32_t first_end(const struct network *net)
{
    int32_t period = period_of(net), end = (net->min_bip9_warning_height / period + 1) * period - 1;

    return end < 2 * period - 1 ? 2 * period - 1 : end;
}

void unknown_bits_update(struct unknown_bits *u, const struct network *net, const struct hnode *tip)
{
    int32_t period = period_of(net), height;

    if (u->end && hnode_ancestor(tip, u->end->height) != u->end)
        *u = (struct unknown_bits){0};
    height = u->end ? u->end->height + period : first_end(net);
    for (; height <= tip->height; height += period)
        next_period(u, net, hnode_ancestor(tip, height));
}
