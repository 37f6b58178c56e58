/*
 * The coins cache.
 *
 * A record holds a coin in the database's own compressed form: small, copied as it is from a read
 * and into a write; only what is spent or asked for is unpacked. With its slot in the table a coin
 * takes about 90 bytes.
 *
 * Changes are flushed without stopping: coins_flush_begin() takes the list of dirty records away
 * as it is, which is a moment's work at any size, and starts a new one. From then on the records of
 * the old list are frozen, since the writer reads them: a change to such a coin makes a new record
 * that replaces it in the table, and the old one waits for the end of the flush. Which of the two
 * lists a dirty record is in is told by one bit, the generation. When all is written,
 * coins_flush_end() goes through the list in slices: coins become clean and stay in the cache,
 * spent ones go. So at every moment the cache has all that the database does not, and a read of
 * the database for an outpoint that the cache does not know is right, also during a flush.
 *
 * A coin that is made and spent between two flushes leaves no trace (RECORD_FRESH): the dirty list
 * is threaded with a chain of its free places, so that taking a record out costs nothing.
 *
 * Rejected: a second layer of cache for each block, as Core has (everything is hashed and copied
 * twice; unwinding from undo data is rare); leaving marks instead of lists and searching the table
 * at a flush (a quarter of a second in one piece at ten million coins).
 */
#include "store/coins.h"

#include <stdlib.h>

#include "script/script.h"
#include "store/coins_internal.h"
#include "util/mem.h"

#define NONE      UINT32_MAX
#define HOLE      0x80000000u /* in a dirty list: a free place; the rest is the next one */
#define HOLE_END  0x7fffffffu
#define LIMIT_MAX ((size_t)15 << 30)

bool coin_unspendable(struct span script)
{
    return (script.len > 0 && script.data[0] == OP_RETURN) || script.len > MAX_SCRIPT_SIZE;
}

void coin_hash_write(struct buf *b, const struct outpoint *o, const struct coin *c)
{
    write_bytes(b, o->txid.b, 32);
    write_u32(b, o->n);
    write_u32(b, c->height * 2 + c->coinbase);
    write_u64(b, (uint64_t)c->out.value);
    write_var_span(b, c->out.script_pubkey);
}

void coin_key(struct buf *key, const struct outpoint *o)
{
    buf_reset(key);
    write_u8(key, 'C');
    write_bytes(key, o->txid.b, sizeof(o->txid.b));
    write_varint(key, o->n);
}

struct coins *coins_open(const char *path, const struct coins_options *opts, char **error)
{
    struct db_options db_opts = {
        .cache_bytes = opts->db_cache_bytes, .wipe = opts->wipe, .obfuscate = true};
    struct db *db = db_open(path, &db_opts, error);
    struct coins *c;

    if (!db)
        return NULL;
    c = xcalloc(1, sizeof(*c));
    c->db = db;
    coin_table_init(&c->table);
    c->dirty.hole = HOLE_END;
    coins_set_limit(c, opts->cache_bytes);
    return c;
}

void coins_close(struct coins *c)
{
    if (!c)
        return;
    CHECK(!c->flush);
    coin_table_clear(&c->table);
    free(c->dirty.refs);
    buf_clear(&c->scratch);
    buf_clear(&c->key);
    db_close(c->db);
    free(c);
}

struct db *coins_db(struct coins *c)
{
    return c->db;
}

bool coins_best(struct coins *c, struct block_hash *best, bool *in_flush,
                struct block_hash heads[2])
{
    struct buf value = BUF_INIT;
    enum db_result res = db_get(c->db, span_of("B", 1), &value);
    bool ok = false;

    *in_flush = false;
    memset(best, 0, sizeof(*best));
    if (res == DB_OK && value.len == sizeof(*best)) {
        memcpy(best, value.data, sizeof(*best));
        ok = true;
    } else if (res == DB_NOT_FOUND) {
        res = db_get(c->db, span_of("H", 1), &value);
        ok = res == DB_NOT_FOUND;
        if (res == DB_OK && value.len == 65 && value.data[0] == 2) {
            memcpy(heads, value.data + 1, 64);
            *in_flush = true;
            ok = true;
        }
    }
    buf_clear(&value);
    return ok;
}

/* ---- the dirty list ---- */

static void list_add(struct coins *c, uint32_t ref)
{
    struct dirty_list *l = &c->dirty;
    struct record *r = record_at(&c->table, ref);
    uint32_t at = l->hole;

    if (at != HOLE_END) {
        l->hole = l->refs[at] & ~HOLE;
    } else {
        l->refs = array_reserve(l->refs, &l->cap, l->n + 1, sizeof(*l->refs));
        at = (uint32_t)l->n++;
    }
    l->refs[at] = ref;
    l->live++;
    r->dirty_at = at;
    r->flags = (r->flags & ~RECORD_CUT) | RECORD_DIRTY | c->generation;
}

static void list_remove(struct coins *c, const struct record *r)
{
    struct dirty_list *l = &c->dirty;

    l->refs[r->dirty_at] = HOLE | l->hole;
    l->hole = r->dirty_at;
    l->live--;
}

/* In the list that a flush has taken: may not be touched. */
static bool is_frozen(const struct coins *c, const struct record *r)
{
    return c->flush && (r->flags & RECORD_DIRTY) && (r->flags & RECORD_CUT) != c->generation;
}

static size_t dirty_size(const struct record *r)
{
    return slab_size(record_size(r)) + 3 * sizeof(uint64_t);
}

static void make_dirty(struct coins *c, uint32_t ref)
{
    list_add(c, ref);
    c->dirty_bytes += dirty_size(record_at(&c->table, ref));
}

static void make_clean(struct coins *c, const struct record *r)
{
    list_remove(c, r);
    c->dirty_bytes -= dirty_size(r);
}

/* ---- changing the set ---- */

/* Puts a dirty record in the place of one that is there. */
static void replace(struct coins *c, uint32_t old_ref, struct span value)
{
    struct record *old = record_at(&c->table, old_ref);
    uint32_t ref = record_create(&c->table, &old->outpoint, value);
    bool fresh = !is_frozen(c, old) && (old->flags & RECORD_FRESH);

    coin_table_replace(&c->table, old_ref, ref);
    if (is_frozen(c, old)) {
        old->flags |= RECORD_REPLACED;
    } else {
        if (old->flags & RECORD_DIRTY)
            make_clean(c, old);
        record_free(&c->table, old_ref);
    }
    record_at(&c->table, ref)->flags = RECORD_USED | (fresh ? RECORD_FRESH : 0);
    make_dirty(c, ref);
}

/* The coin of a record that is there goes. */
static void erase(struct coins *c, uint32_t ref)
{
    struct record *r = record_at(&c->table, ref);

    if (!is_frozen(c, r) && (r->flags & RECORD_FRESH)) {
        make_clean(c, r);
        coin_table_remove(&c->table, ref);
        record_free(&c->table, ref);
        return;
    }
    replace(c, ref, span_of(NULL, 0));
}

static void insert(struct coins *c, const struct outpoint *o, struct span value, unsigned flags)
{
    uint32_t ref = record_create(&c->table, o, value);

    coin_table_insert(&c->table, ref);
    record_at(&c->table, ref)->flags = (uint8_t)(flags & (RECORD_FRESH | RECORD_USED));
    if (flags & RECORD_DIRTY)
        make_dirty(c, ref);
}

void coins_add(struct coins *c, const struct outpoint *o, const struct coin *coin, bool maybe_there)
{
    uint32_t ref;

    if (coin_unspendable(coin->out.script_pubkey))
        return;
    buf_reset(&c->scratch);
    coin_write(&c->scratch, coin);
    ref = coin_table_find(&c->table, o);
    if (ref != NONE)
        replace(c, ref, buf_span(&c->scratch));
    else
        insert(c, o, buf_span(&c->scratch),
               RECORD_DIRTY | RECORD_USED | (maybe_there ? 0 : RECORD_FRESH));
}

enum coin_result coins_read_db(struct coins *c, const struct outpoint *o, struct buf *out)
{
    uint8_t key[1 + 32 + 5];
    struct buf k = {.data = key, .cap = sizeof(key)};

    coin_key(&k, o);
    switch (db_get(c->db, buf_span(&k), out)) {
    case DB_OK: return COIN_FOUND;
    case DB_NOT_FOUND: return COIN_MISSING;
    case DB_ERROR: break;
    }
    return COIN_ERROR;
}

/* The record of a coin, brought from the database where the cache has none; NONE: see *res. */
static uint32_t find(struct coins *c, const struct outpoint *o, enum coin_result *res)
{
    uint32_t ref = coin_table_find(&c->table, o);

    *res = COIN_FOUND;
    if (ref == NONE) {
        buf_reset(&c->scratch);
        *res = coins_read_db(c, o, &c->scratch);
        if (*res != COIN_FOUND)
            return NONE;
        if (c->scratch.len > UINT16_MAX) {
            *res = COIN_ERROR;
            return NONE;
        }
        insert(c, o, buf_span(&c->scratch), RECORD_USED);
        ref = coin_table_find(&c->table, o);
    }
    if (record_at(&c->table, ref)->len == 0) {
        *res = COIN_MISSING;
        return NONE;
    }
    return ref;
}

/* What the database holds is checksummed: bytes that are no coin are an error of the disk. */
static bool unpack(const struct record *r, struct coin *out, struct buf *memory)
{
    struct reader reader;

    reader_init(&reader, r->value, r->len);
    return coin_read(&reader, out, memory);
}

enum coin_result coins_get(struct coins *c, const struct outpoint *o, struct coin *out,
                           struct buf *memory)
{
    enum coin_result res;
    uint32_t ref = find(c, o, &res);

    if (ref == NONE)
        return res;
    record_at(&c->table, ref)->flags |= RECORD_USED;
    return unpack(record_at(&c->table, ref), out, memory) ? COIN_FOUND : COIN_ERROR;
}

enum coin_result coins_has(struct coins *c, const struct outpoint *o)
{
    enum coin_result res;

    (void)find(c, o, &res);
    return res;
}

enum coin_result coins_spend(struct coins *c, const struct outpoint *o, struct coin *out,
                             struct arena *memory)
{
    struct reader reader;
    enum coin_result res;
    uint32_t ref = find(c, o, &res);
    const struct record *r;

    if (ref == NONE)
        return res;
    r = record_at(&c->table, ref);
    reader_init(&reader, r->value, r->len);
    if (!coin_read_arena(&reader, out, memory))
        return COIN_ERROR;
    erase(c, ref);
    return COIN_FOUND;
}

enum coin_result coins_remove(struct coins *c, const struct outpoint *o)
{
    enum coin_result res;
    uint32_t ref = find(c, o, &res);

    if (ref != NONE)
        erase(c, ref);
    return res;
}

/* ---- fetching ahead ---- */

bool coins_cached(const struct coins *c, const struct outpoint *o)
{
    return coin_table_find(&c->table, o) != NONE;
}

uint32_t coins_epoch(const struct coins *c)
{
    return c->epoch;
}

void coins_fetched(struct coins *c, uint32_t epoch, const struct outpoint *o, struct span value)
{
    if (epoch == c->epoch && value.len > 0 && value.len <= UINT16_MAX && !coins_cached(c, o))
        insert(c, o, value, RECORD_USED);
}

/* ---- memory ---- */

size_t coins_memory(const struct coins *c)
{
    return coin_table_memory(&c->table) + c->dirty.cap * sizeof(uint32_t);
}

size_t coins_used(const struct coins *c)
{
    return coins_memory(c) - slab_memory(&c->table.slab) + c->table.slab.used;
}

size_t coins_dirty_memory(const struct coins *c)
{
    return c->dirty_bytes;
}

size_t coins_count(const struct coins *c)
{
    return c->table.n;
}

size_t coins_limit(const struct coins *c)
{
    return c->limit;
}

void coins_set_limit(struct coins *c, size_t bytes)
{
    c->limit = bytes < LIMIT_MAX ? bytes : LIMIT_MAX;
}

void coins_evict(struct coins *c, size_t max)
{
    while (max-- > 0 && coins_used(c) > c->limit) {
        uint32_t ref = coin_table_sweep(&c->table);
        struct record *r;

        if (ref == NONE)
            return;
        r = record_at(&c->table, ref);
        if (r->flags & RECORD_DIRTY)
            continue;
        if (r->flags & RECORD_USED) {
            r->flags &= ~RECORD_USED;
            continue;
        }
        coin_table_remove(&c->table, ref);
        record_free(&c->table, ref);
    }
}

/* ---- flushing, the owner's part ---- */

struct coins_flush *coins_flush_begin(struct coins *c, const struct block_hash *best)
{
    struct coins_flush *f = xcalloc(1, sizeof(*f));

    CHECK(!c->flush);
    f->coins = c;
    f->best = *best;
    f->list = c->dirty;
    c->dirty = (struct dirty_list){.hole = HOLE_END};
    c->generation ^= RECORD_CUT;
    c->dirty_bytes = 0;
    c->flush = f;
    return f;
}

bool coins_flushing(const struct coins *c)
{
    return c->flush != NULL;
}

static void end_record(struct coins *c, uint32_t ref)
{
    struct record *r = record_at(&c->table, ref);

    if (r->flags & RECORD_REPLACED) {
        record_free(&c->table, ref);
    } else if (r->len == 0) {
        coin_table_remove(&c->table, ref);
        record_free(&c->table, ref);
    } else {
        r->flags &= ~(RECORD_DIRTY | RECORD_FRESH);
    }
}

bool coins_flush_end(struct coins_flush *f, size_t max)
{
    struct coins *c = f->coins;

    if (f->ended == 0)
        c->epoch++;
    for (; max > 0 && f->ended < f->list.n; f->ended++, max--) {
        if (!(f->list.refs[f->ended] & HOLE))
            end_record(c, f->list.refs[f->ended]);
    }
    if (f->ended < f->list.n)
        return false;
    c->flush = NULL;
    free(f->list.refs);
    free(f);
    return true;
}
