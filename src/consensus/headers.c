/*
 * The tree of headers: nodes, ancestors, median time, and the rules that a header obeys after its
 * predecessor.
 *
 * Besides its predecessor each node points to one ancestor further back. How far follows from the
 * jumps of the nodes before it (Myers' applicative random-access list): the jumps double where
 * they can, so any ancestor is found in a logarithmic number of steps, and a node's jump depends
 * on nothing but its predecessor.
 */
#include "consensus/headers.h"

#include <stdio.h>

#define MEDIAN_TIME_SPAN  11
#define MAX_FUTURE_TIME   (2 * 60 * 60)
#define MAX_TIMEWARP_TIME 600 /* BIP94 */

static const struct hnode *jump_of(const struct hnode *prev)
{
    const struct hnode *skip = prev->skip;

    if (skip && skip->skip && prev->height - skip->height == skip->height - skip->skip->height)
        return skip->skip;
    return prev;
}

void hnode_init(struct hnode *n, const struct header *h, const struct block_hash *hash,
                const struct hnode *prev)
{
    n->prev = prev;
    n->skip = prev ? jump_of(prev) : NULL;
    n->hash = *hash;
    n->height = prev ? prev->height + 1 : 0;
    n->version = h->version;
    n->time = h->time;
    n->bits = h->bits;
    n->nonce = h->nonce;
    n->time_max = prev && prev->time_max > h->time ? prev->time_max : h->time;
    memcpy(n->merkle_root, h->merkle_root, 32);
    n->work = bits_work(h->bits);
    if (prev)
        n->work = u256_add(n->work, prev->work);
}

void hnode_header(const struct hnode *n, struct header *out)
{
    memset(out, 0, sizeof(*out));
    out->version = n->version;
    if (n->prev)
        out->prev = n->prev->hash;
    memcpy(out->merkle_root, n->merkle_root, 32);
    out->time = n->time;
    out->bits = n->bits;
    out->nonce = n->nonce;
}

const struct hnode *hnode_ancestor(const struct hnode *n, int32_t height)
{
    if (!n || height < 0 || height > n->height)
        return NULL;
    while (n->height > height)
        n = n->skip->height >= height ? n->skip : n->prev;
    return n;
}

int64_t hnode_median_time_past(const struct hnode *n)
{
    uint32_t times[MEDIAN_TIME_SPAN];
    int count = 0;

    /* Insertion sort: the times come nearly sorted, latest first. */
    for (; n && count < MEDIAN_TIME_SPAN; n = n->prev, count++) {
        int i = count;

        for (; i > 0 && times[i - 1] < n->time; i--)
            times[i] = times[i - 1];
        times[i] = n->time;
    }
    CHECK(count > 0);
    /* Sorted downwards: of an even count the later of the two in the middle. */
    return times[(count - 1) / 2];
}

const struct hnode *hnode_last_common(const struct hnode *a, const struct hnode *b)
{
    if (!a || !b)
        return NULL;
    if (a->height > b->height)
        a = hnode_ancestor(a, b->height);
    else
        b = hnode_ancestor(b, a->height);
    /* Nodes of one height jump equally far. */
    while (a != b) {
        bool jump = a->skip != b->skip;

        a = jump ? a->skip : a->prev;
        b = jump ? b->skip : b->prev;
    }
    return a;
}

bool header_check(const struct header *h, const struct block_hash *hash, const struct network *net,
                  struct verdict *v)
{
    if (!pow_check(hash, h->bits, net))
        return verdict_fail(v, VERDICT_INVALID_HEADER, "high-hash", "proof of work failed");
    return true;
}

static bool version_too_old(int32_t version, const struct hnode *prev, const struct network *net)
{
    return (version < 2 && buried_active_after(net, BURIED_BIP34, prev)) ||
           (version < 3 && buried_active_after(net, BURIED_BIP66, prev)) ||
           (version < 4 && buried_active_after(net, BURIED_BIP65, prev));
}

static bool is_retarget_height(const struct network *net, int32_t height)
{
    return height % (net->timespan / net->spacing) == 0;
}

bool header_check_contextual(const struct header *h, const struct hnode *prev, int64_t now,
                             const struct network *net, struct verdict *v)
{
    char reason[32];

    if (h->bits != pow_next_bits(net, prev, h->time))
        return verdict_fail(v, VERDICT_INVALID_HEADER, "bad-diffbits", "incorrect proof of work");
    if (h->time <= hnode_median_time_past(prev))
        return verdict_fail(v, VERDICT_INVALID_HEADER, "time-too-old",
                            "block's timestamp is too early");
    if (net->bip94 && is_retarget_height(net, prev->height + 1) &&
        h->time < (int64_t)prev->time - MAX_TIMEWARP_TIME)
        return verdict_fail(v, VERDICT_INVALID_HEADER, "time-timewarp-attack",
                            "block's timestamp is too early on diff adjustment block");
    if (h->time > now + MAX_FUTURE_TIME)
        return verdict_fail(v, VERDICT_TIME_FUTURE, "time-too-new",
                            "block timestamp too far in the future");
    if (version_too_old(h->version, prev, net)) {
        snprintf(reason, sizeof(reason), "bad-version(0x%08x)", (unsigned)h->version);
        return verdict_fail(v, VERDICT_INVALID_HEADER, reason, "rejected nVersion=0x%08x block",
                            (unsigned)h->version);
    }
    return true;
}
