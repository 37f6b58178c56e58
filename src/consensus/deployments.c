/*
 * Deployments: which rules hold for a block. Buried ones are heights; the others follow BIP9 with
 * a minimum activation height, and their state is that of a whole period of blocks.
 *
 * A state is computed from the headers alone: the first period that may start is found by
 * bisection, and from there each period is looked at until the state is final. Nothing is
 * remembered between calls. What that costs is bounded by the time-out, where there is one; without
 * one (regtest's test dummy) blocks that we mine signal, so that it is over after four periods, and
 * a chain of 100,000 blocks that never do costs half a millisecond. Rejected: states in the header
 * nodes, which would tie them to a network.
 */
#include "consensus/headers.h"
#include "script/verify.h"

#define VERSION_TOP_BITS 0x20000000
#define VERSION_TOP_MASK 0xe0000000

static bool signals(const struct deployment *d, const struct hnode *n)
{
    return ((uint32_t)n->version & VERSION_TOP_MASK) == VERSION_TOP_BITS &&
           ((uint32_t)n->version >> d->bit & 1) != 0;
}

/* Last block of the period that ended at or before n; NULL before the first period's end. */
static const struct hnode *period_end(const struct deployment *d, const struct hnode *n)
{
    int32_t period = (int32_t)d->period;

    return n ? hnode_ancestor(n, n->height - (n->height + 1) % period) : NULL;
}

static uint32_t count_signals(const struct deployment *d, const struct hnode *n, uint32_t blocks)
{
    uint32_t count = 0;

    for (; n && blocks > 0; n = n->prev, blocks--)
        count += signals(d, n);
    return count;
}

/* Whether enough blocks of the period that `end` closes signal. Most periods are decided long
 * before their first block, by those that do not. */
static bool locks_in(const struct deployment *d, const struct hnode *end)
{
    uint32_t count = 0, misses = 0;

    for (const struct hnode *n = end; n && count + misses < d->period; n = n->prev) {
        if (signals(d, n))
            count++;
        else if (++misses > d->period - d->threshold)
            return false;
    }
    return count >= d->threshold;
}

/* State of the period after the one that `end` closes, from the state of that one. */
static enum deployment_state next_state(const struct deployment *d, enum deployment_state state,
                                        const struct hnode *end)
{
    int64_t time = hnode_median_time_past(end);

    switch (state) {
    case DEPLOYMENT_DEFINED: return time >= d->start_time ? DEPLOYMENT_STARTED : state;
    case DEPLOYMENT_STARTED:
        if (locks_in(d, end))
            return DEPLOYMENT_LOCKED_IN;
        return time >= d->timeout ? DEPLOYMENT_FAILED : state;
    case DEPLOYMENT_LOCKED_IN:
        return end->height + 1 >= d->min_activation_height ? DEPLOYMENT_ACTIVE : state;
    case DEPLOYMENT_ACTIVE:
    case DEPLOYMENT_FAILED: return state;
    }
    return state;
}

/* The first period's end at which the deployment may start, at or before `end`. */
static int32_t first_start(const struct deployment *d, const struct hnode *end)
{
    int32_t period = (int32_t)d->period;
    int32_t low = 0, high = end ? (end->height + 1) / period : 0; /* in periods */

    /* Median times never decrease along a chain, so bisection finds it. */
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        const struct hnode *n = hnode_ancestor(end, (middle + 1) * period - 1);

        if (hnode_median_time_past(n) >= d->start_time)
            high = middle;
        else
            low = middle + 1;
    }
    return (low + 1) * period - 1;
}

/* The state after `prev`; *since is the height of the first block for which it holds. */
static enum deployment_state state_since(const struct network *net, enum deployment_id id,
                                         const struct hnode *prev, int32_t *since)
{
    const struct deployment *d = &net->deployments[id];
    enum deployment_state state = DEPLOYMENT_DEFINED;
    const struct hnode *end;

    *since = 0;
    if (d->start_time == DEPLOYMENT_ALWAYS_ACTIVE)
        return DEPLOYMENT_ACTIVE;
    if (d->start_time == DEPLOYMENT_NEVER_ACTIVE)
        return DEPLOYMENT_FAILED;
    end = period_end(d, prev);
    for (int32_t h = first_start(d, end); end && h <= end->height; h += (int32_t)d->period) {
        enum deployment_state next = next_state(d, state, hnode_ancestor(end, h));

        if (next != state)
            *since = h + 1;
        state = next;
        if (state == DEPLOYMENT_ACTIVE || state == DEPLOYMENT_FAILED)
            break;
    }
    return state;
}

enum deployment_state deployment_state(const struct network *net, enum deployment_id id,
                                       const struct hnode *prev)
{
    int32_t since;

    return state_since(net, id, prev, &since);
}

int32_t deployment_since(const struct network *net, enum deployment_id id, const struct hnode *prev)
{
    int32_t since;

    state_since(net, id, prev, &since);
    return since;
}

const char *deployment_state_name(enum deployment_state s)
{
    static const char *const names[] = {"defined", "started", "locked_in", "active", "failed"};

    return names[s];
}

struct deployment_stats deployment_statistics(const struct network *net, enum deployment_id id,
                                              const struct hnode *n)
{
    const struct deployment *d = &net->deployments[id];
    struct deployment_stats s = {.period = d->period, .threshold = d->threshold};

    if (n) {
        s.elapsed = (uint32_t)n->height % d->period + 1;
        s.count = count_signals(d, n, s.elapsed);
    }
    s.possible = s.period - s.elapsed + s.count >= s.threshold;
    return s;
}

bool deployment_signals(const struct network *net, enum deployment_id id, const struct hnode *n)
{
    return signals(&net->deployments[id], n);
}

bool buried_active_after(const struct network *net, enum buried_id id, const struct hnode *prev)
{
    return (prev ? prev->height + 1 : 0) >= net->buried[id];
}

int32_t block_version_for(const struct network *net, const struct hnode *prev)
{
    int32_t version = VERSION_TOP_BITS;

    for (int i = 0; i < DEPLOYMENT_COUNT; i++) {
        enum deployment_state s = deployment_state(net, (enum deployment_id)i, prev);

        if (s == DEPLOYMENT_STARTED || s == DEPLOYMENT_LOCKED_IN)
            version |= 1 << net->deployments[i].bit;
    }
    return version;
}

/* P2SH, segwit and taproot were enforced from some height on; all earlier blocks but the listed
 * ones obey them too, so they hold everywhere. */
static uint32_t base_script_flags(const struct network *net, const struct block_hash *hash)
{
    for (size_t i = 0; i < net->n_flag_exceptions; i++)
        if (block_hash_eq(&net->flag_exceptions[i].block, hash))
            return net->flag_exceptions[i].flags;
    return SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_TAPROOT;
}

uint32_t block_script_flags(const struct network *net, const struct hnode *n)
{
    static const uint32_t flags_of[BURIED_COUNT] = {
        [BURIED_BIP66] = SCRIPT_VERIFY_DERSIG,
        [BURIED_BIP65] = SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY,
        [BURIED_CSV] = SCRIPT_VERIFY_CHECKSEQUENCEVERIFY,
        [BURIED_SEGWIT] = SCRIPT_VERIFY_NULLDUMMY,
    };
    uint32_t flags = base_script_flags(net, &n->hash);

    for (int i = 0; i < BURIED_COUNT; i++)
        if (n->height >= net->buried[i])
            flags |= flags_of[i];
    return flags;
}
