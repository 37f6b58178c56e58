/*
 * Room for a newcomer when all inbound slots are taken. Whoever would be hard to replace for an
 * attacker is protected first: a few each of the most diverse groups, the quickest to answer, the
 * last to bring us transactions and blocks, and half of the rest by age. Of what remains, the
 * youngest of the group with most connections goes.
 */
#include <stdlib.h>
#include <string.h>

#include "net/internal.h"
#include "util/mem.h"

typedef int (*order)(const void *a, const void *b);

static int cmp_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

#define PEERS(a, b) \
    const struct peer *x = *(struct peer *const *)(a), *y = *(struct peer *const *)(b)

/* Each puts at the end who is to be protected. */
static int by_netgroup(const void *a, const void *b)
{
    PEERS(a, b);
    return (x->netgroup > y->netgroup) - (x->netgroup < y->netgroup);
}

static int by_ping(const void *a, const void *b)
{
    PEERS(a, b);
    int64_t px = x->ping_min_us < 0 ? INT64_MAX : x->ping_min_us;
    int64_t py = y->ping_min_us < 0 ? INT64_MAX : y->ping_min_us;
    return cmp_i64(py, px);
}

static int by_last_tx(const void *a, const void *b)
{
    PEERS(a, b);
    if (x->last_tx_s != y->last_tx_s)
        return cmp_i64(x->last_tx_s, y->last_tx_s);
    bool rx = x->tx && x->tx->relay, ry = y->tx && y->tx->relay;
    return rx != ry ? (rx ? 1 : -1) : cmp_i64(y->connected_s, x->connected_s);
}

static int by_block_relay(const void *a, const void *b)
{
    PEERS(a, b);
    bool ox = !x->tx && peer_serves_blocks(x), oy = !y->tx && peer_serves_blocks(y);
    if (ox != oy)
        return ox ? 1 : -1;
    return cmp_i64(x->last_block_s, y->last_block_s);
}

static int by_last_block(const void *a, const void *b)
{
    PEERS(a, b);
    if (x->last_block_s != y->last_block_s)
        return cmp_i64(x->last_block_s, y->last_block_s);
    return cmp_i64(y->connected_s, x->connected_s);
}

static int by_age(const void *a, const void *b)
{
    PEERS(a, b);
    return x->connected_s != y->connected_s ? cmp_i64(y->connected_s, x->connected_s)
                                            : y->id - x->id;
}

/* Takes the last `k` of the order out of the candidates. */
static size_t protect(struct peer **list, size_t n, order cmp, size_t k)
{
    qsort(list, n, sizeof(struct peer *), cmp);
    return n > k ? n - k : 0;
}

static size_t protect_block_relay(struct peer **list, size_t n, size_t k)
{
    qsort(list, n, sizeof(struct peer *), by_block_relay);
    while (n > 0 && k > 0 && !list[n - 1]->tx && peer_serves_blocks(list[n - 1])) {
        n--;
        k--;
    }
    return n;
}

static size_t group_size(struct peer *const *list, size_t n, uint64_t group)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += list[i]->netgroup == group;
    return count;
}

/* `list` is ordered by age, the youngest first. */
static struct peer *pick(struct peer *const *list, size_t n)
{
    struct peer *best = NULL;
    size_t best_size = 0;
    bool only_bad = false;
    for (size_t i = 0; i < n; i++)
        only_bad |= list[i]->prefer_evict;
    for (size_t i = 0; i < n; i++) {
        if (only_bad && !list[i]->prefer_evict)
            continue;
        size_t size = group_size(list, n, list[i]->netgroup);
        if (size > best_size) {
            best = list[i];
            best_size = size;
        }
    }
    return best;
}

bool evict_inbound(struct net *n, bool relaying_only)
{
    struct peer **list = xcalloc(n->n_peers + 1, sizeof(*list)), *p;
    size_t count = 0;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (relaying_only && !(p->tx && p->tx->relay))
            continue;
        if (!is_outbound(p) && !p->disconnect && !(p->permissions & PERMISSION_NOBAN_BIT))
            list[count++] = p;
    }
    count = protect(list, count, by_netgroup, 4);
    count = protect(list, count, by_ping, 8);
    count = protect(list, count, by_last_tx, 4);
    count = protect_block_relay(list, count, 8);
    count = protect(list, count, by_last_block, 4);
    count = protect(list, count, by_age, count / 2);
    struct peer *victim = pick(list, count);
    free(list);
    if (victim)
        peer_disconnect(victim, "evicted for a newcomer");
    return victim != NULL;
}
