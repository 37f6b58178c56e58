/*
 * Held by wtxid, with an index from each missing parent's txid. When the limits are passed the peer
 * that holds most, measured against its share, loses its oldest announcement, until they are kept
 * again: a flood pushes out only its own. An orphan goes with its last announcer.
 *
 * Bounds: 3,000 announcements, 404,000 weight units for each peer that announces any.
 */
#include "net/orphans.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/random.h"
#include "util/table.h"

struct announcer {
    int peer;
    uint64_t sequence;
    bool try_again;
};
struct orphan {
    struct wtxid wtxid; /* key */
    const struct tx *tx;
    struct announcer *by;
    size_t n, cap; /* at most one for each peer */
};
struct parent {
    struct txid txid; /* key */
    struct orphan **children;
    size_t n, cap;
};
struct share {
    int peer; /* key */
    size_t announcements;
    int64_t weight;
    size_t n_try;
};
struct orphans {
    struct table by_wtxid, by_parent, shares;
    size_t announcements;
    int64_t weight; /* of the orphans, each once */
    uint64_t sequence;
};

struct orphans *orphans_create(void)
{
    struct orphans *o = xcalloc(1, sizeof(*o));
    TABLE_INIT(&o->by_wtxid, struct orphan, wtxid);
    TABLE_INIT(&o->by_parent, struct parent, txid);
    TABLE_INIT(&o->shares, struct share, peer);
    return o;
}

void orphans_destroy(struct orphans *o)
{
    if (!o)
        return;
    size_t pos = 0;
    for (struct share *s; (s = table_next(&o->shares, &pos));)
        s->announcements = 0;
    pos = 0;
    for (struct orphan *e; (e = table_next(&o->by_wtxid, &pos));) {
        tx_unref(e->tx);
        free(e->by);
        free(e);
    }
    pos = 0;
    for (struct parent *p; (p = table_next(&o->by_parent, &pos));) {
        free(p->children);
        free(p);
    }
    pos = 0;
    for (struct share *s; (s = table_next(&o->shares, &pos));)
        free(s);
    table_clear(&o->by_wtxid);
    table_clear(&o->by_parent);
    table_clear(&o->shares);
    free(o);
}

/* ---- index by parent ---- */

/* Whether input i is the first that names its parent. */
static bool first_of_parent(const struct tx *tx, uint32_t i)
{
    for (uint32_t j = 0; j < i; j++) {
        if (txid_eq(&tx->in[j].prev.txid, &tx->in[i].prev.txid))
            return false;
    }
    return true;
}

static void index_one(struct orphans *o, struct orphan *e, const struct txid *txid)
{
    struct parent *p = table_get(&o->by_parent, txid);
    if (!p) {
        p = xcalloc(1, sizeof(*p));
        p->txid = *txid;
        table_add(&o->by_parent, p);
    }
    p->children = array_reserve(p->children, &p->cap, p->n + 1, sizeof(*p->children));
    p->children[p->n++] = e;
}

static void unindex_one(struct orphans *o, const struct orphan *e, const struct txid *txid)
{
    struct parent *p = table_get(&o->by_parent, txid);
    for (size_t i = 0; p && i < p->n; i++) {
        if (p->children[i] != e)
            continue;
        p->children[i] = p->children[--p->n];
        break;
    }
    if (p && p->n == 0) {
        table_remove(&o->by_parent, txid);
        free(p->children);
        free(p);
    }
}

/* ---- shares ---- */

static struct share *get_share(struct orphans *o, int peer)
{
    struct share *s = table_get(&o->shares, &peer);
    if (!s) {
        s = xcalloc(1, sizeof(*s));
        s->peer = peer;
        table_add(&o->shares, s);
    }
    return s;
}

static void count_announcer(struct orphans *o, const struct orphan *e, int peer, int sign)
{
    struct share *s = get_share(o, peer);
    s->announcements += (size_t)sign;
    s->weight += sign * (int64_t)tx_weight(e->tx);
    o->announcements += (size_t)sign;
    if (s->announcements == 0) {
        table_remove(&o->shares, &peer);
        free(s);
    }
}

static void set_try(struct orphans *o, struct announcer *a, bool on)
{
    if (a->try_again == on)
        return;
    a->try_again = on;
    struct share *s = get_share(o, a->peer);
    s->n_try += on ? 1 : (size_t)-1;
}

static struct announcer *find_announcer(const struct orphan *e, int peer)
{
    for (size_t i = 0; i < e->n; i++) {
        if (e->by[i].peer == peer)
            return &e->by[i];
    }
    return NULL;
}

static void add_announcer(struct orphans *o, struct orphan *e, int peer)
{
    e->by = array_reserve(e->by, &e->cap, e->n + 1, sizeof(*e->by));
    e->by[e->n++] = (struct announcer){peer, o->sequence++, false};
    count_announcer(o, e, peer, 1);
}

static void erase(struct orphans *o, struct orphan *e)
{
    while (e->n > 0) {
        set_try(o, &e->by[e->n - 1], false);
        count_announcer(o, e, e->by[e->n - 1].peer, -1);
        e->n--;
    }
    for (uint32_t i = 0; i < e->tx->n_in; i++) {
        if (first_of_parent(e->tx, i))
            unindex_one(o, e, &e->tx->in[i].prev.txid);
    }
    o->weight -= tx_weight(e->tx);
    table_remove(&o->by_wtxid, &e->wtxid);
    tx_unref(e->tx);
    free(e->by);
    free(e);
}

/* Takes one announcement away, and the orphan with its last. */
static void remove_announcer(struct orphans *o, struct orphan *e, int peer)
{
    struct announcer *a = find_announcer(e, peer);
    if (!a)
        return;
    if (e->n == 1) {
        erase(o, e);
        return;
    }
    bool again = a->try_again;
    set_try(o, a, false);
    count_announcer(o, e, peer, -1);
    *a = e->by[--e->n];
    if (again)
        set_try(o, &e->by[random_below(e->n)], true);
}

/* ---- limits ---- */

/* How far a peer fills its share, the fuller of count and weight. */
static double fullness(const struct orphans *o, const struct share *s)
{
    double count = (double)s->announcements * (double)o->shares.n / ORPHANS_MAX_ANNOUNCEMENTS;
    double weight = (double)s->weight / ORPHANS_WEIGHT_PER_PEER;
    return count > weight ? count : weight;
}

static struct orphan *oldest_of(const struct orphans *o, int peer)
{
    struct orphan *best = NULL;
    uint64_t sequence = UINT64_MAX;
    size_t pos = 0;
    for (struct orphan *e; (e = table_next(&o->by_wtxid, &pos));) {
        const struct announcer *a = find_announcer(e, peer);
        if (a && !a->try_again && a->sequence < sequence) {
            sequence = a->sequence;
            best = e;
        }
    }
    if (best)
        return best;
    pos = 0;
    for (struct orphan *e; (e = table_next(&o->by_wtxid, &pos));) {
        if (find_announcer(e, peer))
            return e;
    }
    return NULL;
}

static void keep_limits(struct orphans *o)
{
    while (o->announcements > ORPHANS_MAX_ANNOUNCEMENTS ||
           o->weight > (int64_t)o->shares.n * ORPHANS_WEIGHT_PER_PEER) {
        const struct share *worst = NULL;
        size_t pos = 0;
        for (struct share *s; (s = table_next(&o->shares, &pos));) {
            if (!worst || fullness(o, s) > fullness(o, worst))
                worst = s;
        }
        CHECK(worst);
        int peer = worst->peer;
        remove_announcer(o, oldest_of(o, peer), peer);
    }
}

/* ---- face ---- */

bool orphans_add(struct orphans *o, const struct tx *tx, int peer)
{
    if (tx_weight(tx) > ORPHANS_MAX_TX_WEIGHT)
        return false;
    if (orphans_has(o, &tx->wtxid))
        return orphans_add_announcer(o, &tx->wtxid, peer);
    struct orphan *e = xcalloc(1, sizeof(*e));
    e->wtxid = tx->wtxid;
    e->tx = tx_ref(tx);
    table_add(&o->by_wtxid, e);
    o->weight += tx_weight(tx);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (first_of_parent(tx, i))
            index_one(o, e, &tx->in[i].prev.txid);
    }
    add_announcer(o, e, peer);
    keep_limits(o);
    return true;
}

bool orphans_add_announcer(struct orphans *o, const struct wtxid *wtxid, int peer)
{
    struct orphan *e = table_get(&o->by_wtxid, wtxid);
    if (!e || find_announcer(e, peer))
        return false;
    add_announcer(o, e, peer);
    keep_limits(o);
    return true;
}

bool orphans_has(const struct orphans *o, const struct wtxid *wtxid)
{
    return table_get(&o->by_wtxid, wtxid) != NULL;
}

bool orphans_has_from(const struct orphans *o, const struct wtxid *wtxid, int peer)
{
    const struct orphan *e = table_get(&o->by_wtxid, wtxid);
    return e && find_announcer(e, peer);
}

const struct tx *orphans_get(const struct orphans *o, const struct wtxid *wtxid)
{
    const struct orphan *e = table_get(&o->by_wtxid, wtxid);
    return e ? e->tx : NULL;
}

bool orphans_remove(struct orphans *o, const struct wtxid *wtxid)
{
    struct orphan *e = table_get(&o->by_wtxid, wtxid);
    if (e)
        erase(o, e);
    return e != NULL;
}

/* All orphans, as an array: the table must not change while it is walked. */
static struct orphan **all(const struct orphans *o, size_t *n)
{
    struct orphan **list = xcalloc(o->by_wtxid.n + 1, sizeof(*list));
    size_t pos = 0;
    *n = 0;
    for (struct orphan *e; (e = table_next(&o->by_wtxid, &pos));)
        list[(*n)++] = e;
    return list;
}

void orphans_remove_peer(struct orphans *o, int peer)
{
    size_t n;
    if (!table_get(&o->shares, &peer))
        return;
    struct orphan **list = all(o, &n);
    for (size_t i = 0; i < n; i++)
        remove_announcer(o, list[i], peer);
    free(list);
    keep_limits(o);
}

static bool spends(const struct tx *tx, const struct outpoint *op)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (outpoint_eq(&tx->in[i].prev, op))
            return true;
    }
    return false;
}

static void remove_spenders(struct orphans *o, const struct outpoint *op)
{
    for (;;) {
        const struct parent *p = table_get(&o->by_parent, &op->txid);
        size_t i = 0;
        while (p && i < p->n && !spends(p->children[i]->tx, op))
            i++;
        if (!p || i == p->n)
            return;
        erase(o, p->children[i]);
    }
}

void orphans_block(struct orphans *o, const struct block *b)
{
    if (o->by_wtxid.n == 0)
        return;
    for (uint32_t t = 0; t < b->n_tx; t++) {
        for (uint32_t i = 0; i < b->tx[t]->n_in; i++)
            remove_spenders(o, &b->tx[t]->in[i].prev);
    }
}

void orphans_parent_came(struct orphans *o, const struct tx *tx)
{
    const struct parent *p = table_get(&o->by_parent, &tx->txid);
    for (size_t i = 0; p && i < p->n; i++) {
        struct orphan *e = p->children[i];
        bool waiting = false;
        for (size_t k = 0; k < e->n; k++)
            waiting |= e->by[k].try_again;
        if (!waiting)
            set_try(o, &e->by[random_below(e->n)], true);
    }
}

bool orphans_has_to_try(const struct orphans *o, int peer)
{
    const struct share *s = table_get(&o->shares, &peer);
    return s && s->n_try > 0;
}

const struct tx *orphans_next_to_try(struct orphans *o, int peer)
{
    size_t pos = 0;
    if (!orphans_has_to_try(o, peer))
        return NULL;
    struct orphan *best = NULL;
    struct announcer *best_a = NULL;
    for (struct orphan *e; (e = table_next(&o->by_wtxid, &pos));) {
        struct announcer *a = find_announcer(e, peer);
        if (a && a->try_again && (!best || a->sequence < best_a->sequence)) {
            best = e;
            best_a = a;
        }
    }
    CHECK(best);
    set_try(o, best_a, false);
    return best->tx;
}

size_t orphans_count(const struct orphans *o)
{
    return o->by_wtxid.n;
}

size_t orphans_announcements(const struct orphans *o)
{
    return o->announcements;
}

void orphans_each(const struct orphans *o, void (*fn)(void *arg, const struct orphan_info *i),
                  void *arg)
{
    size_t pos = 0;
    for (const struct orphan *e; (e = table_next(&o->by_wtxid, &pos));) {
        int *peers = xcalloc(e->n, sizeof(*peers));
        for (size_t i = 0; i < e->n; i++)
            peers[i] = e->by[i].peer;
        struct orphan_info info = {e->tx, peers, e->n};
        fn(arg, &info);
        free(peers);
    }
}
