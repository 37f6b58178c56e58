/*
 * Proof of work: compact targets, work, and which target comes next.
 *
 * All arithmetic is modulo 2^256, as it always was: where a product of target and time span runs
 * over (a target near signet's limit can), the wrapped value is the rule.
 */
#include "consensus/headers.h"

/* The number that compact bits stand for; false where negative or too large for 256 bits. */
static bool expand_bits(uint32_t bits, struct u256 *target)
{
    unsigned size = bits >> 24;
    uint32_t word = bits & 0x007fffff;

    if (size <= 3) {
        word >>= 8 * (3 - size);
        *target = u256_from_u64(word);
    } else {
        *target = u256_shl(u256_from_u64(word), 8 * (size - 3));
    }
    if (word == 0)
        return true;
    return (bits & 0x00800000) == 0 && size <= 34 && (word <= 0xff || size <= 33) &&
           (word <= 0xffff || size <= 32);
}

bool bits_to_target(uint32_t bits, const struct u256 *limit, struct u256 *target)
{
    return expand_bits(bits, target) && !u256_is_zero(*target) && u256_cmp(*target, *limit) <= 0;
}

uint32_t target_to_bits(struct u256 target)
{
    unsigned size = (u256_bits(target) + 7) / 8;
    uint32_t word;

    if (size <= 3)
        word = (uint32_t)target.w[0] << 8 * (3 - size);
    else
        word = (uint32_t)u256_shr(target, 8 * (size - 3)).w[0];
    /* The top bit is the sign: make room for it. */
    if (word & 0x00800000) {
        word >>= 8;
        size++;
    }
    return word | size << 24;
}

struct u256 bits_work(uint32_t bits)
{
    struct u256 target, one = u256_from_u64(1);

    if (!expand_bits(bits, &target) || u256_is_zero(target))
        return u256_from_u64(0);
    /* 2^256 / (t + 1) == (2^256 - t - 1) / (t + 1) + 1, and the former does not fit. */
    return u256_add(u256_div(u256_not(target), u256_add(target, one)), one);
}

bool pow_check(const struct block_hash *hash, uint32_t bits, const struct network *net)
{
    struct u256 target;

    return bits_to_target(bits, &net->pow_limit, &target) &&
           u256_cmp(u256_from_le(hash->b), target) <= 0;
}

static int32_t retarget_interval(const struct network *net)
{
    return (int32_t)(net->timespan / net->spacing);
}

/* target * span / timespan, at most the limit. */
static struct u256 scale_target(const struct network *net, uint32_t bits, int64_t span)
{
    struct u256 target;

    expand_bits(bits, &target);
    target = u256_mul_u64(target, (uint64_t)span);
    target = u256_div(target, u256_from_u64((uint64_t)net->timespan));
    return u256_cmp(target, net->pow_limit) > 0 ? net->pow_limit : target;
}

static uint32_t retarget(const struct network *net, const struct hnode *last)
{
    const struct hnode *first = hnode_ancestor(last, last->height - (retarget_interval(net) - 1));
    int64_t span = (int64_t)last->time - first->time;

    if (span < net->timespan / 4)
        span = net->timespan / 4;
    if (span > net->timespan * 4)
        span = net->timespan * 4;
    /* BIP94: the last block of a period may have had the minimum difficulty; the first never has.
     */
    return target_to_bits(scale_target(net, net->bip94 ? first->bits : last->bits, span));
}

/* Testnet's rule: after 20 minutes without a block the minimum difficulty is allowed; otherwise
 * that of the last block which did not make use of it. */
static uint32_t min_difficulty_bits(const struct network *net, const struct hnode *prev,
                                    uint32_t time)
{
    uint32_t limit = target_to_bits(net->pow_limit);

    if (time > (int64_t)prev->time + net->spacing * 2)
        return limit;
    while (prev->prev && prev->height % retarget_interval(net) != 0 && prev->bits == limit)
        prev = prev->prev;
    return prev->bits;
}

uint32_t pow_next_bits(const struct network *net, const struct hnode *prev, uint32_t time)
{
    if ((prev->height + 1) % retarget_interval(net) != 0)
        return net->min_difficulty_blocks ? min_difficulty_bits(net, prev, time) : prev->bits;
    switch (net->retarget) {
    case RETARGET_NONE: return prev->bits;
    case RETARGET_2016: return retarget(net, prev);
    }
    return prev->bits;
}

/* A target as a header can state it. */
static struct u256 rounded(struct u256 target)
{
    struct u256 r;

    expand_bits(target_to_bits(target), &r);
    return r;
}

bool pow_transition_possible(const struct network *net, int64_t height, uint32_t old_bits,
                             uint32_t new_bits)
{
    struct u256 target, easiest, hardest;

    if (net->min_difficulty_blocks)
        return true;
    if (height % retarget_interval(net) != 0 || net->retarget == RETARGET_NONE)
        return old_bits == new_bits;
    expand_bits(new_bits, &target);
    easiest = rounded(scale_target(net, old_bits, net->timespan * 4));
    hardest = rounded(scale_target(net, old_bits, net->timespan / 4));
    return u256_cmp(target, easiest) <= 0 && u256_cmp(target, hardest) >= 0;
}

double bits_difficulty(uint32_t bits)
{
    int shift = (int)(bits >> 24);
    double difficulty = (double)0x0000ffff / (double)(bits & 0x00ffffff);

    for (; shift < 29; shift++)
        difficulty *= 256.0;
    for (; shift > 29; shift--)
        difficulty /= 256.0;
    return difficulty;
}
