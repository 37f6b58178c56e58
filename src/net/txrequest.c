/*
 * An announcement is delayed, then ready, perhaps chosen (the one of its transaction to be asked
 * next), asked, and done. A heap over times wakes the delayed and the asked ones; choosing is local
 * to one transaction, so each event costs the logarithm of the heap and a walk over the announcers
 * of one transaction (at most the number of peers). Among ready announcers the preferred come
 * first, then a keyed hash decides, so that nobody can arrange to be the one that is asked.
 */
#include "net/txrequest.h"

#include <stdlib.h>
#include <string.h>

#include "util/check.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/siphash.h"
#include "util/table.h"

enum state { DELAYED, READY, CHOSEN, ASKED, DONE };
#define NOT_IN_HEAP SIZE_MAX

struct announcement {
    struct announcement *next_of_tx;
    struct announcement *next_of_peer, *prev_of_peer;
    struct announcement *next_due, *prev_due; /* chosen ones of the peer */
    struct wanted *tx;
    struct tracked_peer *peer;
    enum state state;
    bool wtxid, preferred;
    uint64_t sequence, priority;
    int64_t time_us;
    size_t heap_pos;
};
struct wanted {
    uint8_t hash[32]; /* key */
    struct announcement *list;
};
struct tracked_peer {
    int id; /* key */
    struct announcement *list, *due;
    size_t n, n_asked;
};
struct txrequest {
    struct table wanted, peers;
    struct announcement **heap; /* by time */
    size_t n_heap, cap_heap;
    size_t n;
    uint64_t sequence, k0, k1;
};

struct txrequest *txrequest_create(void)
{
    struct txrequest *t = xcalloc(1, sizeof(*t));
    TABLE_INIT(&t->wanted, struct wanted, hash);
    TABLE_INIT(&t->peers, struct tracked_peer, id);
    t->k0 = random_u64();
    t->k1 = random_u64();
    return t;
}

/* ---- heap ---- */

static void heap_set(struct txrequest *t, size_t i, struct announcement *a)
{
    t->heap[i] = a;
    a->heap_pos = i;
}

static void heap_up(struct txrequest *t, size_t i, struct announcement *a)
{
    while (i > 0 && t->heap[(i - 1) / 2]->time_us > a->time_us) {
        heap_set(t, i, t->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_set(t, i, a);
}

static void heap_down(struct txrequest *t, size_t i, struct announcement *a)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= t->n_heap)
            break;
        if (child + 1 < t->n_heap && t->heap[child + 1]->time_us < t->heap[child]->time_us)
            child++;
        if (t->heap[child]->time_us >= a->time_us)
            break;
        heap_set(t, i, t->heap[child]);
        i = child;
    }
    heap_set(t, i, a);
}

static void heap_push(struct txrequest *t, struct announcement *a)
{
    t->heap = array_reserve(t->heap, &t->cap_heap, t->n_heap + 1, sizeof(*t->heap));
    heap_up(t, t->n_heap++, a);
}

static void heap_remove(struct txrequest *t, struct announcement *a)
{
    size_t i = a->heap_pos;
    if (i == NOT_IN_HEAP)
        return;
    a->heap_pos = NOT_IN_HEAP;
    struct announcement *last = t->heap[--t->n_heap];
    if (last == a)
        return;
    heap_down(t, i, last);
    heap_up(t, last->heap_pos, last);
}

/* ---- choosing ---- */

static void due_add(struct announcement *a)
{
    a->next_due = a->peer->due;
    a->prev_due = NULL;
    if (a->next_due)
        a->next_due->prev_due = a;
    a->peer->due = a;
    a->state = CHOSEN;
}

static void due_remove(struct announcement *a)
{
    if (a->prev_due)
        a->prev_due->next_due = a->next_due;
    else
        a->peer->due = a->next_due;
    if (a->next_due)
        a->next_due->prev_due = a->prev_due;
}

static bool better(const struct announcement *a, const struct announcement *b)
{
    if (a->preferred != b->preferred)
        return a->preferred;
    return a->priority > b->priority;
}

/* One announcer is chosen whenever nobody is being asked and somebody is ready. */
static void choose(struct wanted *w)
{
    struct announcement *best = NULL, *chosen = NULL;
    for (struct announcement *a = w->list; a; a = a->next_of_tx) {
        if (a->state == ASKED)
            return;
        if (a->state == CHOSEN)
            chosen = a;
        if ((a->state == READY || a->state == CHOSEN) && (!best || better(a, best)))
            best = a;
    }
    if (best == chosen)
        return;
    if (chosen) {
        due_remove(chosen);
        chosen->state = READY;
    }
    due_add(best);
}

static void set_state(struct txrequest *t, struct announcement *a, enum state s)
{
    if (a->state == CHOSEN)
        due_remove(a);
    if (a->state == ASKED)
        a->peer->n_asked--;
    if (s == ASKED)
        a->peer->n_asked++;
    heap_remove(t, a);
    a->state = s;
    if (s == DELAYED || s == ASKED)
        heap_push(t, a);
}

static void drop_announcement(struct txrequest *t, struct announcement *a)
{
    struct tracked_peer *p = a->peer;
    set_state(t, a, DONE);
    if (a->prev_of_peer)
        a->prev_of_peer->next_of_peer = a->next_of_peer;
    else
        p->list = a->next_of_peer;
    if (a->next_of_peer)
        a->next_of_peer->prev_of_peer = a->prev_of_peer;
    t->n--;
    free(a);
    if (--p->n == 0) {
        table_remove(&t->peers, &p->id);
        free(p);
    }
}

static void drop_tx(struct txrequest *t, struct wanted *w)
{
    table_remove(&t->wanted, w->hash);
    for (struct announcement *a = w->list, *next; a; a = next) {
        next = a->next_of_tx;
        drop_announcement(t, a);
    }
    free(w);
}

/* After a change of an announcement: choose anew, or forget a transaction that all are done with.
 */
static void settle(struct txrequest *t, struct wanted *w)
{
    for (const struct announcement *a = w->list; a; a = a->next_of_tx) {
        if (a->state != DONE) {
            choose(w);
            return;
        }
    }
    drop_tx(t, w);
}

static void advance(struct txrequest *t, int64_t now_us)
{
    while (t->n_heap > 0 && t->heap[0]->time_us <= now_us) {
        struct announcement *a = t->heap[0];
        set_state(t, a, a->state == ASKED ? DONE : READY);
        settle(t, a->tx);
    }
}

/* ---- face ---- */

void txrequest_destroy(struct txrequest *t)
{
    if (!t)
        return;
    size_t pos = 0;
    for (struct wanted *w = table_next(&t->wanted, &pos); w; w = table_next(&t->wanted, &pos)) {
        for (struct announcement *a = w->list, *next; a; a = next) {
            next = a->next_of_tx;
            free(a);
        }
        free(w);
    }
    pos = 0;
    for (void *p = table_next(&t->peers, &pos); p; p = table_next(&t->peers, &pos))
        free(p);
    table_clear(&t->wanted);
    table_clear(&t->peers);
    free(t->heap);
    free(t);
}

static struct wanted *get_wanted(struct txrequest *t, const uint8_t hash[32])
{
    struct wanted *w = table_get(&t->wanted, hash);
    if (!w) {
        w = xcalloc(1, sizeof(*w));
        memcpy(w->hash, hash, 32);
        table_add(&t->wanted, w);
    }
    return w;
}

static struct tracked_peer *get_peer(struct txrequest *t, int id)
{
    struct tracked_peer *p = table_get(&t->peers, &id);
    if (!p) {
        p = xcalloc(1, sizeof(*p));
        p->id = id;
        table_add(&t->peers, p);
    }
    return p;
}

static struct announcement *find(const struct txrequest *t, int peer, const uint8_t hash[32])
{
    const struct wanted *w = table_get(&t->wanted, hash);
    struct announcement *a = w ? w->list : NULL;
    while (a && a->peer->id != peer)
        a = a->next_of_tx;
    return a;
}

void txrequest_announce(struct txrequest *t, int peer, const struct tx_want *want, bool preferred,
                        int64_t time_us)
{
    uint8_t salted[36];
    if (find(t, peer, want->hash))
        return;
    struct wanted *w = get_wanted(t, want->hash);
    struct tracked_peer *p = get_peer(t, peer);
    struct announcement *a = xcalloc(1, sizeof(*a));
    memcpy(salted, want->hash, 32);
    memcpy(salted + 32, &peer, 4);
    *a = (struct announcement){.next_of_tx = w->list,
                               .next_of_peer = p->list,
                               .tx = w,
                               .peer = p,
                               .state = DONE,
                               .wtxid = want->wtxid,
                               .preferred = preferred,
                               .sequence = t->sequence++,
                               .priority = siphash(t->k0, t->k1, salted, sizeof(salted)),
                               .time_us = time_us,
                               .heap_pos = NOT_IN_HEAP};
    w->list = a;
    if (p->list)
        p->list->prev_of_peer = a;
    p->list = a;
    p->n++;
    t->n++;
    set_state(t, a, DELAYED);
}

static int by_sequence(const void *a, const void *b)
{
    const struct announcement *const *x = a, *const *y = b;
    return ((*x)->sequence > (*y)->sequence) - ((*x)->sequence < (*y)->sequence);
}

size_t txrequest_due(struct txrequest *t, int peer, int64_t now_us, struct tx_want *out, size_t max)
{
    advance(t, now_us);
    const struct tracked_peer *p = table_get(&t->peers, &peer);
    if (!p || !p->due)
        return 0;
    struct announcement **list = xcalloc(p->n, sizeof(struct announcement *));
    size_t n = 0;
    for (struct announcement *a = p->due; a; a = a->next_due)
        list[n++] = a;
    qsort(list, n, sizeof(struct announcement *), by_sequence);
    if (n > max)
        n = max;
    for (size_t i = 0; i < n; i++) {
        memcpy(out[i].hash, list[i]->tx->hash, 32);
        out[i].wtxid = list[i]->wtxid;
    }
    free(list);
    return n;
}

void txrequest_requested(struct txrequest *t, int peer, const uint8_t hash[32], int64_t expiry_us)
{
    struct announcement *a = find(t, peer, hash);
    if (!a || a->state == DONE || a->state == ASKED)
        return;
    a->time_us = expiry_us;
    set_state(t, a, ASKED);
}

void txrequest_answered(struct txrequest *t, int peer, const uint8_t hash[32])
{
    struct announcement *a = find(t, peer, hash);
    if (!a || a->state == DONE)
        return;
    set_state(t, a, DONE);
    settle(t, a->tx);
}

void txrequest_forget(struct txrequest *t, const uint8_t hash[32])
{
    struct wanted *w = table_get(&t->wanted, hash);
    if (w)
        drop_tx(t, w);
}

/* Takes `a` out of its transaction's list. */
static void unlink_of_tx(struct announcement *a)
{
    struct announcement **at = &a->tx->list;
    while (*at != a)
        at = &(*at)->next_of_tx;
    *at = a->next_of_tx;
}

void txrequest_forget_peer(struct txrequest *t, int peer)
{
    struct tracked_peer *p = table_get(&t->peers, &peer);
    while (p) {
        struct announcement *a = p->list;
        struct wanted *w = a->tx;
        bool last = p->n == 1;
        unlink_of_tx(a);
        drop_announcement(t, a);
        if (w->list)
            settle(t, w);
        else
            drop_tx(t, w);
        /* settle() may have dropped other peers' announcements, never more of this one: a peer
         * announces a transaction once. */
        if (last)
            p = NULL;
    }
}

size_t txrequest_count(const struct txrequest *t, int peer)
{
    const struct tracked_peer *p = table_get(&t->peers, &peer);
    return p ? p->n : 0;
}

size_t txrequest_inflight(const struct txrequest *t, int peer)
{
    const struct tracked_peer *p = table_get(&t->peers, &peer);
    return p ? p->n_asked : 0;
}

size_t txrequest_size(const struct txrequest *t)
{
    return t->n;
}

size_t txrequest_candidates(const struct txrequest *t, const uint8_t hash[32], int *peers,
                            size_t max)
{
    const struct wanted *w = table_get(&t->wanted, hash);
    size_t n = 0;
    for (const struct announcement *a = w ? w->list : NULL; a && n < max; a = a->next_of_tx) {
        if (a->state != DONE)
            peers[n++] = a->peer->id;
    }
    return n;
}
