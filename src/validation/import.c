/*
 * Importing blocks from files: -loadblock, and the block files themselves (-reindex).
 *
 * The owner walks along the file and finds records by their magic and length; workers read, parse
 * and check them, several ahead; the owner takes the results in the order of the file. A record
 * that is no block, or is cut short, is passed over: the search for the magic goes on behind its
 * own, as garbage may be anywhere. A block whose parent is not known yet is remembered by its
 * place, and read again when the parent has come: during sync blocks are stored in the order of
 * arrival.
 *
 * What is read ahead is bounded in number and bytes, and nothing is read while the pipeline is
 * full.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"
#include "validation/internal.h"

#define AHEAD_ITEMS     64
#define AHEAD_BYTES     ((size_t)16 << 20)
#define UNWRITTEN_BYTES ((size_t)32 << 20)
#define SLICE_US        8000
#define SEARCH_CHUNK    65536

struct import_file {
    int fd;
    int32_t number; /* of a block file; -1: not one of ours */
    uint64_t size;
    bool obfuscated;
};

/* A record found in a file. */
struct item {
    struct job job; /* first */
    struct block_import *imp;
    const struct import_file *file;
    uint64_t at; /* of the block's bytes */
    uint32_t len;
    bool done, dropped, again;
    struct block *block; /* NULL when done: it is no block */
    struct verdict verdict;
    struct item *next;
};

/* Records whose parent is not known: all that have one parent. */
struct place {
    const struct import_file *file;
    uint64_t at;
    uint32_t len;
    struct place *next;
};
struct orphans {
    struct block_hash parent;
    struct place *first;
};

struct block_import {
    struct chain *c;
    struct import_file *files;
    size_t n_files, current;
    uint64_t offset; /* in the current file */
    struct item *first, *last;
    size_t n_items, bytes;
    unsigned jobs;
    struct place *again; /* records whose parent has come */
    struct table orphans;
    bool reindex;
    uint64_t last_size, last_end; /* of the last block file: as it was, and up to the last block */
    uint64_t n_blocks;
};

/* ---- reading ---- */

static bool read_at(const struct block_import *imp, const struct import_file *f, void *data,
                    size_t len, uint64_t at)
{
    if (!pread_all(f->fd, data, len, at))
        return false;
    if (f->obfuscated)
        blockfiles_obfuscate(blockfiles_key(imp->c->files), data, len, at);
    return true;
}

static void item_run(struct job *job)
{
    struct item *t = (struct item *)job;
    uint8_t *data = xmalloc(t->len);

    if (!read_at(t->imp, t->file, data, t->len, t->at)) {
        free(data);
        return;
    }
    t->block = block_parse_take(data, t->len);
    if (t->block)
        (void)block_check(t->block, t->imp->c->net, true, true, &t->verdict);
}

static void item_free(struct item *t)
{
    block_unref(t->block);
    free(t);
}

static void item_done(struct job *job)
{
    struct item *t = (struct item *)job;

    t->imp->jobs--;
    t->done = true;
    if (t->dropped)
        item_free(t);
}

static void submit(struct block_import *imp, const struct import_file *file, uint64_t at,
                   uint32_t len, bool again)
{
    struct item *t = xcalloc(1, sizeof(*t));

    t->job.run = item_run;
    t->job.done = item_done;
    t->imp = imp;
    t->file = file;
    t->at = at;
    t->len = len;
    t->again = again;
    if (imp->last)
        imp->last->next = t;
    else
        imp->first = t;
    imp->last = t;
    imp->n_items++;
    imp->bytes += len;
    imp->jobs++;
    workers_submit(imp->c->workers, &t->job);
}

static struct item *take_first(struct block_import *imp)
{
    struct item *t = imp->first;

    imp->first = t->next;
    if (!imp->first)
        imp->last = NULL;
    imp->n_items--;
    imp->bytes -= t->len;
    return t;
}

static void drop_item(struct item *t)
{
    if (t->done)
        item_free(t);
    else
        t->dropped = true;
}

/* The place of the next magic at or behind imp->offset; false at the end of the file. */
static bool find_magic(struct block_import *imp, const struct import_file *f)
{
    const uint8_t *magic = imp->c->net->magic;
    uint8_t chunk[SEARCH_CHUNK];

    while (imp->offset + BLOCK_RECORD_HEADER <= f->size) {
        uint64_t left = f->size - imp->offset;
        size_t n = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
        const uint8_t *found;

        if (!read_at(imp, f, chunk, n, imp->offset))
            return false;
        found = memmem(chunk, n, magic, 4);
        if (found) {
            imp->offset += (uint64_t)(found - chunk);
            return true;
        }
        imp->offset += n - 3;
    }
    return false;
}

/* Finds the next record of the current file. */
static bool next_record(struct block_import *imp, uint64_t *at, uint32_t *len)
{
    const struct import_file *f = &imp->files[imp->current];
    uint8_t head[BLOCK_RECORD_HEADER];

    while (imp->offset + sizeof(head) <= f->size) {
        if (!read_at(imp, f, head, sizeof(head), imp->offset))
            return false;
        *len = get_le32(head + 4);
        *at = imp->offset + sizeof(head);
        if (memcmp(head, imp->c->net->magic, 4) == 0 && *len >= HEADER_SIZE &&
            *len <= MAX_BLOCK_SERIALIZED && *at + *len <= f->size) {
            imp->offset = *at + *len;
            return true;
        }
        imp->offset++;
        if (!find_magic(imp, f))
            return false;
    }
    return false;
}

static bool all_read(const struct block_import *imp)
{
    return imp->current == imp->n_files && !imp->again;
}

static bool crowded(const struct block_import *imp)
{
    return imp->n_items >= AHEAD_ITEMS || imp->bytes >= AHEAD_BYTES;
}

/* Sends one more record out to be read. */
static bool read_ahead(struct block_import *imp)
{
    struct place *p = imp->again;
    uint64_t at;
    uint32_t len;

    if (crowded(imp))
        return false;
    if (p) {
        imp->again = p->next;
        submit(imp, p->file, p->at, p->len, true);
        free(p);
        return true;
    }
    if (imp->current == imp->n_files)
        return false;
    if (next_record(imp, &at, &len)) {
        submit(imp, &imp->files[imp->current], at, len, false);
        return true;
    }
    /* the place to go back to is in this file as long as records of it are out */
    if (imp->n_items)
        return false;
    imp->current++;
    imp->offset = 0;
    if (imp->reindex && imp->current < imp->n_files)
        log_info("Reindexing block file blk%05d.dat (%zu of %zu)...",
                 imp->files[imp->current].number, imp->current + 1, imp->n_files);
    return true;
}

/* ---- taking in ---- */

/* What looked like a record is no block: the search goes on inside it. */
static void go_back(struct block_import *imp, const struct item *bad)
{
    struct item *t, *keep = NULL, **end = &keep;

    imp->offset = bad->at - BLOCK_RECORD_HEADER + 1;
    if (!find_magic(imp, &imp->files[imp->current]))
        imp->offset = imp->files[imp->current].size;
    while (imp->first) {
        t = take_first(imp);
        if (!t->again) {
            drop_item(t);
            continue;
        }
        t->next = NULL;
        *end = t;
        end = &t->next;
    }
    for (t = keep; t; t = t->next) {
        imp->last = t;
        imp->n_items++;
        imp->bytes += t->len;
    }
    imp->first = keep;
}

static void remember(struct block_import *imp, const struct item *t)
{
    struct orphans *o = table_get(&imp->orphans, &t->block->header.prev);
    struct place *p = xcalloc(1, sizeof(*p));

    if (!o) {
        o = xcalloc(1, sizeof(*o));
        o->parent = t->block->header.prev;
        table_add(&imp->orphans, o);
    }
    *p = (struct place){t->file, t->at, t->len, o->first};
    o->first = p;
}

static void children_can_come(struct block_import *imp, const struct block_hash *parent)
{
    struct orphans *o = table_remove(&imp->orphans, parent);
    struct place *last;

    if (!o)
        return;
    for (last = o->first; last->next;)
        last = last->next;
    last->next = imp->again;
    imp->again = o->first;
    free(o);
}

static void take_block(struct block_import *imp, const struct item *t)
{
    struct chain *c = imp->c;
    struct file_pos at = {t->file->number, (uint32_t)t->at};
    const struct node *known = tree_find(c, &t->block->hash);
    char hex[HASH_HEX_SIZE], text[512];
    struct verdict v = {0};
    bool is_new;

    if (t->file->number >= 0 && imp->current + 1 == imp->n_files && t->at + t->len > imp->last_end)
        imp->last_end = t->at + t->len;
    if (!known && !tree_find(c, &t->block->header.prev)) {
        remember(imp, t);
        return;
    }
    if (!known || !(known->i.status & BLOCK_HAVE_DATA)) {
        if (!accept_block(c, t->block,
                          ACCEPT_REQUESTED | ACCEPT_MIN_POW_CHECKED | ACCEPT_HEADER_FIRST,
                          t->file->number >= 0 ? &at : NULL, &t->verdict, &is_new, &v))
            log_warning("Import: block %s is refused: %s", hash_to_hex(hex, t->block->hash.b),
                        verdict_text(&v, text, sizeof(text)));
        imp->n_blocks += is_new;
    }
    if (tree_find(c, &t->block->hash))
        children_can_come(imp, &t->block->hash);
}

static bool may_take(const struct block_import *imp)
{
    return imp->first && imp->first->done && !pipeline_full(imp->c) &&
           imp->c->held_unwritten < UNWRITTEN_BYTES;
}

static bool take_next(struct block_import *imp)
{
    struct item *t;

    if (!may_take(imp))
        return false;
    t = take_first(imp);
    if (t->block)
        take_block(imp, t);
    else if (!t->again)
        go_back(imp, t);
    item_free(t);
    return true;
}

enum import_state chain_import_step(struct block_import *imp)
{
    int64_t end = time_mono_us() + SLICE_US;
    struct chain *c = imp->c;

    while (!c->failed && !c->halted) {
        bool moved = read_ahead(imp);

        moved = take_next(imp) || moved;
        if (!moved)
            break;
        if (time_mono_us() > end) {
            pipeline_pump(c, false);
            return IMPORT_READY;
        }
    }
    pipeline_pump(c, false);
    if (c->failed || c->halted)
        return IMPORT_DONE;
    if (may_take(imp) || (imp->n_items == 0 && !all_read(imp)))
        return IMPORT_READY;
    return imp->n_items == 0 && !chain_busy(c) ? IMPORT_DONE : IMPORT_WAITING;
}

void chain_import_run(struct block_import *imp)
{
    for (;;) {
        switch (chain_import_step(imp)) {
        case IMPORT_DONE: return;
        case IMPORT_READY: break;
        case IMPORT_WAITING:
            if (imp->jobs > 0 ? !workers_wait(imp->c->workers) : !chain_wait(imp->c))
                return;
            break;
        }
    }
}

/* ---- starting and finishing ---- */

static bool add_file(struct block_import *imp, const char *path, int32_t number)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    struct import_file *f;

    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    imp->files = xreallocarray(imp->files, imp->n_files + 1, sizeof(*imp->files));
    f = &imp->files[imp->n_files++];
    *f = (struct import_file){fd, number, (uint64_t)st.st_size, number >= 0};
    return true;
}

static struct block_import *create(struct chain *c)
{
    struct block_import *imp = xcalloc(1, sizeof(*imp));

    imp->c = c;
    TABLE_INIT(&imp->orphans, struct orphans, parent);
    c->importing++;
    return imp;
}

struct block_import *chain_import_start(struct chain *c, const char *path, char **error)
{
    struct block_import *imp = create(c);

    if (!add_file(imp, path, -1)) {
        *error = xasprintf("Could not open blocks file %s: %s", path, strerror(errno));
        chain_import_finish(imp);
        return NULL;
    }
    log_info("Importing blocks file %s...", path);
    return imp;
}

/* New blocks must not land on top of blocks that are still to be read: until the end of the reindex
 * the last file counts as full as it is. */
struct block_import *chain_reindex_start(struct chain *c)
{
    struct block_import *imp;
    struct file_info info = {0};
    bool found = true;

    if (!c->reindexing)
        return NULL;
    imp = create(c);
    imp->reindex = true;
    for (int32_t n = 0; found; n++) {
        char *path = blockfiles_path(c->files, "blk", n);

        found = add_file(imp, path, n);
        free(path);
    }
    if (imp->n_files) {
        int32_t last = imp->files[imp->n_files - 1].number;

        if (last < blockfiles_count(c->files))
            info = *blockfiles_info(c->files, last);
        imp->last_size = imp->files[imp->n_files - 1].size;
        info.size = (uint32_t)imp->last_size;
        blockfiles_set_info(c->files, last, &info);
    }
    log_info("Reindexing %zu block files...", imp->n_files);
    return imp;
}

/* All files have been read: the flag goes, and the space behind the last block is free again. */
static void end_reindex(struct block_import *imp)
{
    struct chain *c = imp->c;
    int32_t last = blockfiles_count(c->files) - 1;
    struct node *genesis = c->active[0];
    struct db_batch *batch;
    struct block *b;

    if (last >= 0 && blockfiles_info(c->files, last)->size == imp->last_size) {
        struct file_info info = *blockfiles_info(c->files, last);

        info.size = (uint32_t)imp->last_end;
        blockfiles_set_info(c->files, last, &info);
    }
    if (!(genesis->i.status & BLOCK_HAVE_DATA)) {
        b = network_genesis(c->net);
        genesis->i.n_tx = b->n_tx;
        store_block(c, genesis, b);
        tree_received(c, genesis);
        block_unref(b);
    }
    c->reindexing = false;
    if (!chain_flush(c))
        return;
    batch = db_batch_create(c->index_db);
    blockdb_put_reindexing(batch, false);
    if (!db_write(c->index_db, batch, true))
        chain_fail(c, "Cannot write the block index: %s.", db_error(c->index_db));
    db_batch_destroy(batch);
    log_info("Reindexing finished");
}

static void free_orphans(struct block_import *imp)
{
    struct orphans *o;
    struct place *p;
    size_t pos = 0;

    while ((o = table_next(&imp->orphans, &pos))) {
        while ((p = o->first)) {
            o->first = p->next;
            free(p);
        }
        free(o);
    }
    table_clear(&imp->orphans);
    while ((p = imp->again)) {
        imp->again = p->next;
        free(p);
    }
}

void chain_import_finish(struct block_import *imp)
{
    struct chain *c = imp->c;
    bool complete = all_read(imp) && imp->n_items == 0 && !c->failed && !c->halted;

    while (imp->first)
        drop_item(take_first(imp));
    while (imp->jobs > 0 && workers_wait(c->workers))
        continue;
    free_orphans(imp);
    for (size_t i = 0; i < imp->n_files; i++)
        close(imp->files[i].fd);
    if (imp->n_files)
        log_info("Loaded %llu blocks from external file", (unsigned long long)imp->n_blocks);
    if (imp->reindex && complete)
        end_reindex(imp);
    c->importing--;
    tree_update_ibd(c);
    free(imp->files);
    free(imp);
}
