/*
 * The index of compact filters (BIP157, BIP158): of each block its filter, the filter's hash, and
 * the header that chains them.
 *
 * Filters are appended to flat files fltrNNNNN.dat of 16 MiB, allocated by the MiB; the database
 * has their places. Where the next filter goes is noted together with how far the index is, and
 * also when a block leaves the chain: its record then refers to a filter that must not be written
 * over after a crash. In all other cases what is behind the noted place is written again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/filter.h"
#include "index/internal.h"
#include "util/file.h"
#include "util/mem.h"

#define FILE_MAX      ((uint32_t)16 << 20)
#define FILE_CHUNK    ((uint32_t)1 << 20)
#define PLACE_KEY     span_of("P", 1)
#define RECORD_HEADER 32 /* the block's hash, before the filter */
#define MAX_FILTER    ((uint32_t)16 << 20)

struct place {
    uint32_t file, pos;
};

struct filter_record {
    uint8_t hash[32], header[32];
    struct place at;
};

struct filter_index {
    struct place next;
    uint8_t last_header[32];
    int fd; /* of the file that is written, or -1 */
    char *folder;
};

/* ---- records ---- */

static void place_write(struct buf *b, struct place p)
{
    write_varint(b, p.file);
    write_varint(b, p.pos);
}

static struct place place_read(struct reader *r)
{
    uint64_t file = read_varint(r), pos = read_varint(r);

    if (file > INT32_MAX || pos > FILE_MAX)
        reader_fail(r);
    return (struct place){(uint32_t)file, (uint32_t)pos};
}

static enum index_result get(struct index *ix, int32_t height, const struct block_hash *hash,
                             struct filter_record *out)
{
    struct buf value = BUF_INIT;
    enum db_result res = index_record_get(ix->db, height, hash, &value);
    struct reader r;
    bool ok;

    reader_init(&r, value.data, value.len);
    read_bytes(&r, out->hash, sizeof(out->hash));
    read_bytes(&r, out->header, sizeof(out->header));
    out->at = place_read(&r);
    ok = reader_done(&r);
    buf_clear(&value);
    return res == DB_NOT_FOUND ? INDEX_MISSING : res == DB_OK && ok ? INDEX_FOUND : INDEX_ERROR;
}

static bool take_header(struct index *ix, int32_t height, const struct block_hash *hash,
                        char **error)
{
    struct filter_index *f = ix->state;
    struct filter_record rec;

    if (get(ix, height, hash, &rec) != INDEX_FOUND)
        return index_damaged(ix, error, "a block's record cannot be read");
    memcpy(f->last_header, rec.header, sizeof(f->last_header));
    return true;
}

static bool load(struct index *ix, const struct block_index *best, char **error)
{
    struct filter_index *f = xcalloc(1, sizeof(*f));
    struct buf value = BUF_INIT;
    enum db_result res = db_get(ix->db, PLACE_KEY, &value);
    struct reader r;
    bool ok;

    ix->state = f;
    f->fd = -1;
    f->folder = path_join(ix->folder, "..");
    reader_init(&r, value.data, value.len);
    f->next = place_read(&r);
    ok = reader_done(&r);
    buf_clear(&value);
    if (res == DB_ERROR)
        return index_db_failed(ix, error);
    if (res == DB_OK && !ok)
        return index_damaged(ix, error, "the place of the next filter is malformed");
    return !best || take_header(ix, best->h.height, &best->h.hash, error);
}

/* ---- files ---- */

static char *file_path(const struct index *ix, uint32_t file)
{
    const struct filter_index *f = ix->state;

    return xasprintf("%s/fltr%05u.dat", f->folder, file);
}

static bool file_failed(const struct index *ix, uint32_t file, const char *what, char **error)
{
    int why = errno;
    char *path = file_path(ix, file);

    *error = xasprintf("Cannot %s %s: %s", what, path, strerror(why));
    free(path);
    return false;
}

static bool open_file(struct index *ix, char **error)
{
    struct filter_index *f = ix->state;
    char *path;

    if (f->fd >= 0)
        return true;
    path = file_path(ix, f->next.file);
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    return f->fd >= 0 || file_failed(ix, f->next.file, "open", error);
}

static bool next_file(struct index *ix, char **error)
{
    struct filter_index *f = ix->state;
    bool ok = open_file(ix, error);

    if (ok && (ftruncate(f->fd, f->next.pos) != 0 || !file_sync(f->fd)))
        ok = file_failed(ix, f->next.file, "finish", error);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    f->next = (struct place){f->next.file + 1, 0};
    return ok;
}

/* Room for `len` more bytes, by whole chunks. */
static bool allocate(struct index *ix, uint32_t len, char **error)
{
    struct filter_index *f = ix->state;
    uint32_t have = (f->next.pos + FILE_CHUNK - 1) / FILE_CHUNK * FILE_CHUNK;
    uint32_t need = (f->next.pos + len + FILE_CHUNK - 1) / FILE_CHUNK * FILE_CHUNK;

    if (need <= have)
        return true;
    errno = posix_fallocate(f->fd, have, need - have);
    return errno == 0 || file_failed(ix, f->next.file, "write", error);
}

static bool append(struct index *ix, struct span record, char **error)
{
    struct filter_index *f = ix->state;

    if (f->next.pos + record.len > FILE_MAX && f->next.pos > 0 && !next_file(ix, error))
        return false;
    if (!open_file(ix, error) || !allocate(ix, (uint32_t)record.len, error))
        return false;
    return pwrite_all(f->fd, record.data, record.len, f->next.pos) ||
           file_failed(ix, f->next.file, "write", error);
}

static bool read_filter(const struct index *ix, struct place at, struct buf *out)
{
    uint8_t head[RECORD_HEADER + 9];
    char *path = file_path(ix, at.file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct reader r;
    uint64_t len = 0;
    size_t have = 0;
    bool ok = false;

    free(path);
    if (fd < 0)
        return false;
    while (have < sizeof(head) && pread_all(fd, head + have, 1, at.pos + have))
        have++;
    reader_init(&r, head, have);
    (void)read_span(&r, RECORD_HEADER);
    len = read_compact(&r, MAX_FILTER);
    if (reader_ok(&r)) {
        buf_reserve(out, len);
        ok = pread_all(fd, out->data + out->len, len, at.pos + RECORD_HEADER + compact_size(len));
        out->len += ok ? len : 0;
    }
    close(fd);
    return ok;
}

/* ---- building ---- */

static struct span *spent_scripts(const struct block_undo *undo, size_t *n)
{
    struct span *v;
    size_t max = 0;

    *n = 0;
    for (uint32_t i = 0; undo && i < undo->n_tx; i++)
        max += undo->tx[i].n;
    v = xreallocarray(NULL, max + 1, sizeof(*v));
    for (uint32_t i = 0; undo && i < undo->n_tx; i++)
        for (uint32_t k = 0; k < undo->tx[i].n; k++)
            v[(*n)++] = undo->tx[i].coins[k].out.script_pubkey;
    return v;
}

static void make_filter(struct buf *out, const struct index_block *b)
{
    size_t n;
    struct span *spent = spent_scripts(b->undo, &n);

    block_filter_make(out, b->block, spent, n);
    free(spent);
}

static void put_record(struct index *ix, const struct index_block *b, struct span filter,
                       struct db_batch *batch)
{
    struct filter_index *f = ix->state;
    struct buf value = BUF_INIT;
    uint8_t hash[32], header[32];

    block_filter_hash(hash, filter);
    block_filter_header(header, hash, f->last_header);
    memcpy(f->last_header, header, sizeof(header));
    write_bytes(&value, hash, sizeof(hash));
    write_bytes(&value, header, sizeof(header));
    place_write(&value, f->next);
    index_record_put(batch, b->height, b->hash, buf_span(&value));
    buf_clear(&value);
}

static bool connect(struct index *ix, const struct index_block *b, struct db_batch *batch,
                    char **error)
{
    struct filter_index *f = ix->state;
    struct buf filter = BUF_INIT, record = BUF_INIT;
    bool ok;

    make_filter(&filter, b);
    write_bytes(&record, b->hash->b, RECORD_HEADER);
    write_var_span(&record, buf_span(&filter));
    ok = append(ix, buf_span(&record), error);
    if (ok) {
        put_record(ix, b, buf_span(&filter), batch);
        f->next.pos += (uint32_t)record.len;
    }
    buf_clear(&filter);
    buf_clear(&record);
    return ok;
}

static void put_place(struct index *ix, struct db_batch *batch)
{
    const struct filter_index *f = ix->state;
    struct buf value = BUF_INIT;

    place_write(&value, f->next);
    db_batch_put(batch, PLACE_KEY, buf_span(&value));
    buf_clear(&value);
}

static bool disconnect(struct index *ix, const struct index_block *b, struct db_batch *batch,
                       char **error)
{
    put_place(ix, batch);
    return index_record_retire(ix, batch, b, error) &&
           take_header(ix, b->height - 1, b->prev, error);
}

static bool commit(struct index *ix, struct db_batch *batch, char **error)
{
    struct filter_index *f = ix->state;

    if (f->fd >= 0 && !file_sync(f->fd))
        return file_failed(ix, f->next.file, "write", error);
    put_place(ix, batch);
    return true;
}

static void close_state(struct index *ix)
{
    struct filter_index *f = ix->state;

    if (f && f->fd >= 0)
        close(f->fd);
    if (f)
        free(f->folder);
    free(f);
}

/* ---- asking ---- */

enum index_result filter_index_get(struct index *ix, const struct block_index *i,
                                   struct buf *filter, uint8_t header[32])
{
    struct filter_record rec;
    enum index_result res = get(ix, i->h.height, &i->h.hash, &rec);
    uint8_t hash[32];
    size_t before;

    if (res != INDEX_FOUND)
        return res;
    memcpy(header, rec.header, sizeof(rec.header));
    if (!filter)
        return res;
    before = filter->len;
    if (!read_filter(ix, rec.at, filter))
        return INDEX_ERROR;
    block_filter_hash(hash, span_of(filter->data + before, filter->len - before));
    return memcmp(hash, rec.hash, sizeof(hash)) == 0 ? INDEX_FOUND : INDEX_ERROR;
}

const struct index_kind filter_index_kind = {
    .name = "basic block filter index",
    .folder = "blockfilter/basic/db",
    .best_key = {(const uint8_t *)"B", 1},
    .undo = true,
    .load = load,
    .connect = connect,
    .disconnect = disconnect,
    .commit = commit,
    .close = close_state,
};
