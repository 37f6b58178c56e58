/*
 * Blocks in memory and on disk.
 *
 * A block that came in is given its place in a file at once and handed to the writer; until it is
 * written it is read from here. After that it stays as long as
 * there is room: what was new a moment ago is what peers and wallets ask for. The oldest that
 * nobody needs goes first.
 *
 * A block read from disk is not believed: its header must hash to what the index says and its
 * transactions to the header's merkle root, or else the file is damaged, which is an error and
 * never a verdict.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "validation/internal.h"

#define HELD_MAX ((size_t)24 << 20)

const struct block *held_find(const struct chain *c, const struct block_hash *hash)
{
    const struct held_block *h = table_get(&c->held, hash);

    return h ? h->block : NULL;
}

static void unlink_held(struct chain *c, struct held_block *h)
{
    if (h->older)
        h->older->newer = h->newer;
    else
        c->held_oldest = h->newer;
    if (h->newer)
        h->newer->older = h->older;
    else
        c->held_newest = h->older;
}

static void drop(struct chain *c, struct held_block *h)
{
    table_remove(&c->held, &h->hash);
    unlink_held(c, h);
    c->held_bytes -= h->bytes;
    block_unref(h->block);
    undo_unref(h->undo);
    free(h);
}

static void make_room(struct chain *c)
{
    struct held_block *newer;

    for (struct held_block *h = c->held_oldest; h && c->held_bytes > HELD_MAX; h = newer) {
        newer = h->newer;
        if (!h->writes)
            drop(c, h);
    }
}

static struct held_block *get(struct chain *c, const struct block_hash *hash)
{
    struct held_block *h = table_get(&c->held, hash);

    if (h)
        return h;
    h = xcalloc(1, sizeof(*h));
    h->hash = *hash;
    h->older = c->held_newest;
    if (h->older)
        h->older->newer = h;
    else
        c->held_oldest = h;
    c->held_newest = h;
    table_add(&c->held, h);
    return h;
}

void held_add(struct chain *c, const struct block *b)
{
    struct held_block *h = get(c, &b->hash);

    if (h->block)
        return;
    h->block = block_ref(b);
    h->bytes += block_memory(b);
    c->held_bytes += block_memory(b);
    make_room(c);
}

void held_clear(struct chain *c)
{
    while (c->held_oldest)
        drop(c, c->held_oldest);
    table_clear(&c->held);
}

/* ---- writing ---- */

struct store_job {
    struct write_job job; /* first */
    struct chain *c;
    struct block_hash hash, prev;
    struct file_pos at;
    const struct block *block; /* or NULL: undo data */
    struct buf undo;
    int32_t finished; /* a file to be closed first, or -1 */
    uint32_t finished_size, finished_undo_size;
};

static bool store_run(struct write_job *job, char **error)
{
    struct store_job *s = (struct store_job *)job;
    struct blockfiles *files = s->c->files;
    bool ok = s->finished < 0 ||
              blockfiles_finish(files, s->finished, s->finished_size, s->finished_undo_size);

    if (ok && s->block)
        ok = blockfiles_write_block(files, s->at, s->block->raw);
    else if (ok)
        ok = blockfiles_write_undo(files, s->at, &s->prev, buf_span(&s->undo));
    if (!ok)
        *error = errno == ENOSPC
                     ? xstrdup("Disk space is too low!")
                     : xasprintf("Failed to write %s to %s: %s.", s->block ? "block" : "undo data",
                                 blockfiles_dir(files), strerror(errno));
    return ok;
}

static void store_done(struct write_job *job, bool ok)
{
    struct store_job *s = (struct store_job *)job;
    struct held_block *h = table_get(&s->c->held, &s->hash);

    CHECK(h && h->writes > 0);
    h->writes--;
    if (s->block)
        s->c->held_unwritten -= s->block->raw.len;
    else if (!h->writes) {
        undo_unref(h->undo);
        h->undo = NULL;
    }
    if (!h->writes && !h->block)
        drop(s->c, h);
    else
        make_room(s->c);
    if (!ok)
        chain_fail(s->c, "%s", writer_error(s->c->writer));
    block_unref(s->block);
    buf_clear(&s->undo);
    free(s);
}

static void submit(struct chain *c, struct node *n, struct store_job *s)
{
    s->job.run = store_run;
    s->job.done = store_done;
    s->c = c;
    s->hash = n->i.h.hash;
    get(c, &s->hash)->writes++;
    writer_submit(c->writer, &s->job);
}

void store_block(struct chain *c, struct node *n, const struct block *b)
{
    struct store_job *s = xcalloc(1, sizeof(*s));

    s->at = blockfiles_place_block(c->files, (uint32_t)b->raw.len, node_height(n), b->header.time,
                                   &s->finished);
    if (s->finished >= 0) {
        s->finished_size = blockfiles_info(c->files, s->finished)->size;
        s->finished_undo_size = 0; /* its undo data may still grow */
    }
    s->block = block_ref(b);
    n->i.file = s->at.file;
    n->i.data_pos = s->at.pos;
    n->i.undo_pos = 0;
    n->i.status |= BLOCK_HAVE_DATA;
    c->held_unwritten += b->raw.len;
    c->prune_check = true;
    submit(c, n, s); /* first: what waits to be written cannot be dropped to make room */
    held_add(c, b);
}

void store_undo(struct chain *c, struct node *n, struct block_undo *u, struct buf *bytes)
{
    struct store_job *s = xcalloc(1, sizeof(*s));
    struct held_block *h;

    s->finished = -1;
    s->at = blockfiles_place_undo(c->files, n->i.file, (uint32_t)bytes->len);
    s->prev = n->i.h.prev->hash;
    s->undo = *bytes;
    buf_init(bytes);
    n->i.undo_pos = s->at.pos;
    n->i.status |= BLOCK_HAVE_UNDO;
    tree_mark_dirty(c, n);
    h = get(c, &n->i.h.hash);
    if (!h->undo)
        h->undo = undo_ref(u);
    submit(c, n, s);
}

/* ---- reading ---- */

static bool merkle_ok(const struct block *b)
{
    uint8_t root[32];
    bool mutated;

    block_merkle_root(b, root, &mutated);
    return !mutated && memcmp(root, b->header.merkle_root, 32) == 0;
}

struct block *read_block_at(const struct blockfiles *files, struct file_pos at,
                            const struct block_hash *hash, char **error)
{
    struct buf bytes = BUF_INIT;
    struct block *b = NULL;
    uint8_t *data;
    size_t len;

    if (!blockfiles_read_block(files, at, &bytes, error)) {
        buf_clear(&bytes);
        return NULL;
    }
    data = buf_take(&bytes, &len);
    b = block_parse_take(data, len);
    if (b && block_hash_eq(&b->hash, hash) && merkle_ok(b))
        return b;
    block_unref(b);
    *error = xasprintf("Corrupt block found in blk%05d.dat at %u, indicating potential hardware "
                       "failure. Restart with -reindex to rebuild what can be rebuilt.",
                       at.file, at.pos);
    return NULL;
}

struct block *chain_read_block(struct chain *c, const struct block_index *i, bool *error)
{
    const struct block *held = held_find(c, &i->h.hash);
    struct file_pos at = {i->file, i->data_pos};
    struct block *b;
    char *why;

    *error = false;
    if (held)
        return block_ref(held);
    if (!(i->status & BLOCK_HAVE_DATA))
        return NULL;
    b = read_block_at(c->files, at, &i->h.hash, &why);
    if (b)
        return b;
    *error = true;
    chain_fail(c, "%s", why);
    free(why);
    return NULL;
}

struct block_undo *chain_read_undo(struct chain *c, const struct block_index *i, bool *error)
{
    const struct held_block *h = table_get(&c->held, &i->h.hash);
    struct file_pos at = {i->file, i->undo_pos};
    struct buf bytes = BUF_INIT;
    struct block_undo *u = NULL;
    char *why = NULL;

    *error = false;
    if (h && h->undo)
        return undo_ref(h->undo);
    if (!(i->status & BLOCK_HAVE_UNDO))
        return NULL;
    if (blockfiles_read_undo(c->files, at, &i->h.prev->hash, &bytes, &why))
        u = undo_parse(buf_span(&bytes));
    buf_clear(&bytes);
    if (u)
        return u;
    *error = true;
    chain_fail(c, "%s", why ? why : "Undo data is damaged. Restart with -reindex to rebuild it.");
    free(why);
    return NULL;
}

bool chain_stored_block(struct chain *c, const struct block_index *i, bool with_undo,
                        struct stored_block *out)
{
    const struct held_block *h = table_get(&c->held, &i->h.hash);

    memset(out, 0, sizeof(*out));
    out->hash = i->h.hash;
    if (i->h.height == 0) { /* known without a file: the first file may be yet to be read anew */
        out->block = network_genesis(c->net);
        return true;
    }
    if (!(i->status & BLOCK_HAVE_DATA) || (with_undo && !(i->status & BLOCK_HAVE_UNDO)))
        return false;
    if (i->h.prev)
        out->prev = i->h.prev->hash;
    out->files = c->files;
    out->data_at = (struct file_pos){i->file, i->data_pos};
    out->undo_at = (struct file_pos){with_undo ? i->file : -1, i->undo_pos};
    if (h && h->block)
        out->block = block_ref(h->block);
    if (h && h->undo && with_undo)
        out->undo = undo_ref(h->undo);
    return true;
}

/* Blocks in memory are looked through first: they may not have been written yet. */
const struct block_index *chain_block_at(struct chain *c, struct file_pos at)
{
    const struct held_block *h;
    const struct node *n = NULL;
    struct buf bytes = BUF_INIT;
    struct block_hash hash;
    char *error = NULL;

    for (h = c->held_newest; h; h = h->older) {
        n = tree_find(c, &h->hash);
        if (n && n->i.file == at.file && n->i.data_pos == at.pos)
            return &n->i;
    }
    n = NULL;
    if (blockfiles_read_block(c->files, at, &bytes, &error) && bytes.len >= HEADER_SIZE) {
        sha256d(hash.b, bytes.data, HEADER_SIZE);
        n = tree_find(c, &hash);
    }
    free(error);
    buf_clear(&bytes);
    return n ? &n->i : NULL;
}

void stored_block_clear(struct stored_block *s)
{
    block_unref(s->block);
    undo_unref(s->undo);
    memset(s, 0, sizeof(*s));
}

struct block *stored_block_read(const struct stored_block *s, char **error)
{
    return s->block ? block_ref(s->block) : read_block_at(s->files, s->data_at, &s->hash, error);
}

struct block_undo *stored_block_read_undo(const struct stored_block *s, char **error)
{
    struct buf bytes = BUF_INIT;
    struct block_undo *u = NULL;

    if (s->undo)
        return undo_ref(s->undo);
    if (!blockfiles_read_undo(s->files, s->undo_at, &s->prev, &bytes, error)) {
        buf_clear(&bytes);
        return NULL;
    }
    u = undo_parse(buf_span(&bytes));
    if (!u)
        *error = xasprintf("Undo data in rev%05d.dat is damaged. Restart with -reindex to rebuild "
                           "it.",
                           s->undo_at.file);
    buf_clear(&bytes);
    return u;
}

uint64_t chain_disk_size(const struct chain *c)
{
    return blockfiles_total_size(c->files);
}
