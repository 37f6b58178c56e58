/*
 * gettxoutsetinfo: counting and hashing all coins; scantxoutset: looking at them all.
 *
 * The coins are flushed first, then a worker reads the database from end to end over an iterator,
 * which sees the state of the moment it was made whatever is written meanwhile. The owner waits for
 * nothing.
 *
 * The hashes commit to each coin as outpoint, VARINT-free height and coinbase bit, amount and
 * script. hash_serialized_3 takes them in the order of txid and output number; the database has the
 * numbers in the order of their encoding, which differs from 16,512 on, so the coins of a
 * transaction are sorted before they are hashed.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/muhash.h"
#include "util/mem.h"
#include "validation/internal.h"

struct stats_request {
    struct job job; /* first */
    struct chain *c;
    enum coins_hash_type type;
    bool (*visit)(void *arg, const struct outpoint *o, const struct coin *coin);
    struct coins_stats stats;
    struct db_iter *it;
    void (*done)(void *arg, const struct coins_stats *stats);
    void *arg;
    struct stats_request *next;
};

/* The coins of one transaction, serialised, to be sorted by output number. */
struct group_entry {
    uint32_t n;
    size_t begin, end; /* in `bytes` */
};
struct group {
    struct txid txid;
    struct buf bytes;
    struct group_entry *entries;
    size_t count, cap;
};

struct hashing {
    enum coins_hash_type type;
    struct sha256 sha;
    struct muhash mu;
};

static int by_number(const void *a, const void *b)
{
    const struct group_entry *x = a, *y = b;

    return x->n < y->n ? -1 : x->n > y->n;
}

static void hash_group(struct hashing *h, struct group *g, struct coins_stats *stats)
{
    if (g->count == 0)
        return;
    stats->transactions++;
    qsort(g->entries, g->count, sizeof(*g->entries), by_number);
    for (size_t i = 0; i < g->count; i++) {
        const uint8_t *p = g->bytes.data + g->entries[i].begin;
        size_t len = g->entries[i].end - g->entries[i].begin;

        if (h->type == COINS_HASH_SERIALIZED_3)
            sha256_write(&h->sha, p, len);
        else if (h->type == COINS_HASH_MUHASH)
            muhash_add(&h->mu, p, len);
    }
    g->count = 0;
    buf_reset(&g->bytes);
}

static void add_coin(struct group *g, const struct outpoint *o, const struct coin *coin,
                     struct coins_stats *stats)
{
    struct group_entry e = {o->n, g->bytes.len, 0};

    coin_hash_write(&g->bytes, o, coin);
    e.end = g->bytes.len;
    g->entries = array_reserve(g->entries, &g->cap, g->count + 1, sizeof(*g->entries));
    g->entries[g->count++] = e;
    stats->txouts++;
    stats->total_amount += coin->out.value;
    stats->bogosize += coin_bogosize(coin);
}

/* One record of the database. */
static bool read_record(struct db_iter *it, struct outpoint *o, struct coin *coin,
                        struct buf *memory)
{
    struct span key = db_iter_key(it), value = db_iter_value(it);
    struct reader r;

    reader_init(&r, key.data + 1, key.len - 1);
    read_bytes(&r, o->txid.b, 32);
    o->n = (uint32_t)read_varint(&r);
    if (!reader_done(&r))
        return false;
    reader_init(&r, value.data, value.len);
    return coin_read(&r, coin, memory);
}

static bool scan(struct stats_request *q, struct hashing *h)
{
    struct group g = {.count = 0};
    struct buf memory = BUF_INIT;
    struct outpoint o;
    struct coin coin;
    bool ok = true;

    for (db_iter_seek(q->it, span_of("C", 1)); db_iter_valid(q->it); db_iter_next(q->it)) {
        struct span key = db_iter_key(q->it);

        if (key.len == 0 || key.data[0] != 'C')
            break;
        ok = read_record(q->it, &o, &coin, &memory);
        if (!ok)
            break;
        if (q->visit) {
            q->stats.txouts++;
            if (!q->visit(q->arg, &o, &coin))
                break;
            continue;
        }
        if (g.count && !txid_eq(&g.txid, &o.txid))
            hash_group(h, &g, &q->stats);
        g.txid = o.txid;
        add_coin(&g, &o, &coin, &q->stats);
    }
    hash_group(h, &g, &q->stats);
    buf_clear(&memory);
    buf_clear(&g.bytes);
    free(g.entries);
    return ok && !db_iter_failed(q->it);
}

static void stats_run(struct job *job)
{
    struct stats_request *q = (struct stats_request *)job;
    struct hashing h = {.type = q->type};

    sha256_init(&h.sha);
    muhash_init(&h.mu);
    q->stats.ok = scan(q, &h);
    if (q->type == COINS_HASH_SERIALIZED_3)
        sha256d_final(&h.sha, q->stats.hash);
    else if (q->type == COINS_HASH_MUHASH)
        muhash_final(&h.mu, q->stats.hash);
}

static void stats_done(struct job *job)
{
    struct stats_request *q = (struct stats_request *)job;

    q->c->stats_running--;
    db_iter_destroy(q->it);
    q->done(q->arg, &q->stats);
    free(q);
}

static void start(struct chain *c, struct stats_request *q, const struct node *at)
{
    q->stats.at = &at->i;
    q->stats.disk_size = db_estimate_size(coins_db(c->coins), span_of("C", 1), span_of("D", 1));
    q->it = db_iter_create(coins_db(c->coins));
    workers_submit(c->workers, &q->job);
}

void stats_start_waiting(struct chain *c, const struct node *at)
{
    struct stats_request *q = c->stats_waiting, *next;

    if (c->flush_wanted) /* somebody asked while this flush was under way: wait for the next */
        return;
    c->stats_waiting = NULL;
    for (; q; q = next) {
        next = q->next;
        start(c, q, at);
    }
}

void chain_cancel_stats(struct chain *c)
{
    struct stats_request *q;

    while ((q = c->stats_waiting)) {
        c->stats_waiting = q->next;
        c->stats_running--;
        q->done(q->arg, &q->stats); /* ok is false */
        free(q);
    }
}

static void request(struct chain *c, struct stats_request *q)
{
    q->job.run = stats_run;
    q->job.done = stats_done;
    q->c = c;
    c->stats_running++;
    q->next = c->stats_waiting;
    c->stats_waiting = q;
    if (c->failed) {
        chain_cancel_stats(c);
        return;
    }
    flush_request(c);
    pipeline_pump(c, false);
}

void chain_coins_stats(struct chain *c, enum coins_hash_type type,
                       void (*done)(void *arg, const struct coins_stats *stats), void *arg)
{
    struct stats_request *q = xcalloc(1, sizeof(*q));

    q->type = type;
    q->done = done;
    q->arg = arg;
    request(c, q);
}

void chain_coins_scan(struct chain *c,
                      bool (*visit)(void *arg, const struct outpoint *o, const struct coin *coin),
                      void (*done)(void *arg, const struct coins_stats *stats), void *arg)
{
    struct stats_request *q = xcalloc(1, sizeof(*q));

    q->visit = visit;
    q->done = done;
    q->arg = arg;
    request(c, q);
}
