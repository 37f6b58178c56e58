/*
 * mempool.dat: the pool over a restart, in Core's format.
 *
 * Version 2 is obfuscated with an 8-byte key by position in the file (so that virus scanners do not
 * find their patterns in what strangers sent); version 1 is plain. Each transaction comes with its
 * time and fee delta; behind them all other deltas, and the ids nobody has asked for yet. Loading
 * offers every transaction again in the order of the file, which is topological.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mempool/accept.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/time.h"

enum { VERSION_PLAIN = 1, VERSION_XOR = 2, KEY_SIZE = 8 };
#define FILE_MAX ((size_t)4 << 30)

/* From position `from` on. */
static void obfuscate(uint8_t *data, size_t len, size_t from, const uint8_t key[KEY_SIZE])
{
    for (size_t i = from; i < len; i++)
        data[i] ^= key[i % KEY_SIZE];
}

/* ---- saving ---- */

static void write_entries(struct mempool *m, struct buf *b)
{
    size_t n;
    const struct mempool_entry **all = mempool_sorted(m, &n);
    write_u64(b, n);
    for (size_t i = 0; i < n; i++) {
        tx_write(b, all[i]->tx, true);
        write_u64(b, (uint64_t)all[i]->time);
        write_u64(b, (uint64_t)all[i]->fee_delta);
    }
    free(all);
}

/* Deltas of transactions that are not here. */
static void write_deltas(struct mempool *m, struct buf *b)
{
    size_t n, absent = 0;
    struct mempool_delta *d = mempool_deltas(m, &n);
    for (size_t i = 0; i < n; i++)
        absent += pool_find(m, &d[i].txid) == NULL;
    write_compact(b, absent);
    for (size_t i = 0; i < n; i++) {
        if (pool_find(m, &d[i].txid))
            continue;
        write_bytes(b, d[i].txid.b, sizeof(d[i].txid.b));
        write_u64(b, (uint64_t)d[i].delta);
    }
    free(d);
}

static void write_unbroadcast(struct mempool *m, struct buf *b)
{
    size_t n;
    struct txid *ids = mempool_unbroadcast(m, &n);
    write_compact(b, n);
    for (size_t i = 0; i < n; i++)
        write_bytes(b, ids[i].b, sizeof(ids[i].b));
    free(ids);
}

bool mempool_save(struct mempool *m, const char *path, char **error)
{
    struct buf b = BUF_INIT;
    uint8_t key[KEY_SIZE] = {0};
    bool plain = m->opts.persist_v1;
    write_u64(&b, plain ? VERSION_PLAIN : VERSION_XOR);
    if (!plain) {
        random_bytes(key, sizeof(key));
        write_var_span(&b, span_of(key, sizeof(key)));
    }
    size_t from = b.len;
    write_entries(m, &b);
    write_deltas(m, &b);
    write_unbroadcast(m, &b);
    obfuscate(b.data, b.len, from, key);
    bool ok = file_replace(path, b.data, b.len);
    if (!ok)
        *error = xasprintf("%s cannot be written: %s", path, strerror(errno));
    buf_clear(&b);
    return ok;
}

/* ---- loading ---- */

struct loading {
    struct mempool *m;
    const struct mempool_load_options *o;
    struct reader r;
    size_t accepted, failed, expired, known;
};

static void load_tx(struct loading *l, const struct tx *tx, int64_t time, int64_t delta)
{
    struct accept_result r;
    int64_t now = time_now();
    if (l->o->use_current_time)
        time = now;
    if (delta != 0 && l->o->apply_fee_deltas)
        mempool_prioritise(l->m, &tx->txid, delta);
    if (time <= now - l->m->opts.expiry_seconds) {
        l->expired++;
        return;
    }
    if (mempool_accept_at(l->m, tx, 0, time, &r))
        l->accepted++;
    else if (mempool_get(l->m, &tx->txid))
        l->known++;
    else
        l->failed++;
    accept_result_clear(&r);
}

static void load_entries(struct loading *l)
{
    uint64_t n = read_u64(&l->r);
    for (uint64_t i = 0; i < n && reader_ok(&l->r); i++) {
        struct tx *tx = tx_read(&l->r, true);
        int64_t time = read_i64(&l->r), delta = read_i64(&l->r);
        if (tx && reader_ok(&l->r))
            load_tx(l, tx, time, delta);
        tx_unref(tx);
    }
}

static void load_deltas(struct loading *l)
{
    uint64_t n = read_compact(&l->r, reader_left(&l->r));
    for (uint64_t i = 0; i < n && reader_ok(&l->r); i++) {
        struct txid txid;
        read_bytes(&l->r, txid.b, sizeof(txid.b));
        int64_t delta = read_i64(&l->r);
        if (reader_ok(&l->r) && l->o->apply_fee_deltas)
            mempool_prioritise(l->m, &txid, delta);
    }
}

static void load_unbroadcast(struct loading *l)
{
    uint64_t n = read_compact(&l->r, reader_left(&l->r));
    for (uint64_t i = 0; i < n && reader_ok(&l->r); i++) {
        struct txid txid;
        read_bytes(&l->r, txid.b, sizeof(txid.b));
        if (reader_ok(&l->r) && l->o->apply_unbroadcast)
            mempool_set_unbroadcast(l->m, &txid, true);
    }
}

/* Leaves the reader behind version and key, the data behind them plain. */
static bool open_envelope(struct buf *b, struct reader *r)
{
    reader_init(r, b->data, b->len);
    uint64_t version = read_u64(r);
    if (reader_ok(r) && version == VERSION_PLAIN)
        return true;
    struct span key = read_var_span(r, KEY_SIZE);
    if (!reader_ok(r) || version != VERSION_XOR || key.len != KEY_SIZE)
        return false;
    uint8_t copy[KEY_SIZE];
    memcpy(copy, key.data, sizeof(copy));
    obfuscate(b->data, b->len, b->len - reader_left(r), copy);
    return true;
}

static bool load_all(struct loading *l, const char *path, char **error)
{
    load_entries(l);
    load_deltas(l);
    load_unbroadcast(l);
    log_info("Imported mempool transactions from file: %zu succeeded, %zu failed, %zu expired, "
             "%zu already there\n",
             l->accepted, l->failed, l->expired, l->known);
    if (reader_ok(&l->r))
        return true;
    *error = xasprintf("%s is damaged: it ends too early or is no mempool file", path);
    return false;
}

bool mempool_load(struct mempool *m, const char *path, const struct mempool_load_options *o,
                  char **error)
{
    struct buf b = BUF_INIT;
    struct loading l = {.m = m, .o = o};
    bool ok = false;
    if (!file_read(path, &b, FILE_MAX))
        *error = xasprintf("%s cannot be read: %s", path, strerror(errno));
    else if (!open_envelope(&b, &l.r))
        *error = xasprintf("%s is no mempool file of a known version", path);
    else
        ok = load_all(&l, path, error);
    buf_clear(&b);
    return ok;
}
