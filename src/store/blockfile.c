/*
 * Block and undo files.
 *
 * A block is appended to blkNNNNN.dat until the file would pass 128 MiB, then the next file begins;
 * its undo data goes to revNNNNN.dat of the same number, in the order in which blocks connect. All
 * bytes are XORed with the key of xor.dat by their place in the file, so that no virus scanner
 * finds anything in a block that somebody put there on purpose. Space is allocated ahead in steps
 * of 16 MiB and 1 MiB: files stay in one piece, and a full disk shows before a record is torn.
 *
 * The counts belong to the owner; which bytes go where is fixed before they are written, and the
 * block index may name a place as soon as the write before it in the writer's queue is done. So
 * reading needs no lock and no open file: it opens, reads at the place, closes.
 *
 * What was rejected: one descriptor for each file kept open for reading. It saves some 5 us of a
 * read that takes 500, and needs a lock.
 */
#include "store/blockfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/random.h"

#define KEY_SIZE   8
#define BLK_CHUNK  ((uint64_t)16 << 20)
#define REV_CHUNK  ((uint64_t)1 << 20)
#define MAX_RECORD ((uint32_t)64 << 20) /* of a length field that is believed */

struct counted_file {
    struct file_info info;
    bool dirty;
};

/* A file that the writer has open. */
struct open_file {
    int32_t file; /* -1: none */
    int fd;
    uint64_t allocated;
};

struct blockfiles {
    char *dir;
    uint8_t magic[4];
    uint8_t key[KEY_SIZE];
    uint32_t max_size;
    /* owner's */
    struct counted_file *files;
    size_t n_files, cap_files;
    /* writer's */
    struct open_file blk, rev;
};

/* ---- xor.dat ---- */

/* A fresh folder has no files yet, but maybe hidden ones (locks). */
static bool folder_is_fresh(const char *dir)
{
    DIR *d = opendir(dir);
    bool fresh = true;

    if (!d)
        return true;
    for (struct dirent *e; fresh && (e = readdir(d));) {
        char *path = path_join(dir, e->d_name);

        fresh = e->d_name[0] == '.' || path_is_dir(path);
        free(path);
    }
    closedir(d);
    return fresh;
}

static bool load_key(struct blockfiles *f, bool xor_new, char **error)
{
    char *path = path_join(f->dir, "xor.dat");
    struct buf stored = BUF_INIT;
    bool ok = true, some = false;

    if (path_exists(path)) {
        ok = file_read(path, &stored, KEY_SIZE) && stored.len == KEY_SIZE;
        if (ok)
            memcpy(f->key, stored.data, KEY_SIZE);
        else
            *error =
                xasprintf("Cannot read %s: %s", path, stored.len ? "too short" : strerror(errno));
    } else {
        if (xor_new && folder_is_fresh(f->dir))
            random_bytes(f->key, KEY_SIZE);
        ok = file_replace(path, f->key, KEY_SIZE);
        if (!ok)
            *error = xasprintf("Cannot write %s: %s", path, strerror(errno));
    }
    for (size_t i = 0; i < KEY_SIZE; i++)
        some = some || f->key[i];
    if (ok && some && !xor_new) {
        char hex[2 * KEY_SIZE + 1];

        *error =
            xasprintf("The blocksdir XOR-key can not be disabled when a random key was already "
                      "stored! Stored key: '%s', stored path: '%s'.",
                      hex_encode(hex, f->key, KEY_SIZE), path);
        ok = false;
    }
    buf_clear(&stored);
    free(path);
    return ok;
}

void blockfiles_obfuscate(const uint8_t key[8], uint8_t *data, size_t len, uint64_t offset)
{
    uint8_t turned[KEY_SIZE];
    uint64_t k, word;
    size_t i = 0;

    for (size_t n = 0; n < KEY_SIZE; n++)
        turned[n] = key[(offset + n) % KEY_SIZE];
    memcpy(&k, turned, sizeof(k));
    if (k == 0)
        return;
    for (; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, data + i, sizeof(word));
        word ^= k;
        memcpy(data + i, &word, sizeof(word));
    }
    for (; i < len; i++)
        data[i] ^= turned[i % KEY_SIZE];
}

/* ---- opening ---- */

struct blockfiles *blockfiles_open(const char *dir, const uint8_t magic[4], bool xor_new,
                                   uint32_t max_size, char **error)
{
    struct blockfiles *f = xcalloc(1, sizeof(*f));

    f->dir = xstrdup(dir);
    memcpy(f->magic, magic, sizeof(f->magic));
    f->max_size = max_size;
    f->blk.file = f->rev.file = -1;
    f->blk.fd = f->rev.fd = -1;
    if (!make_dirs(dir)) {
        *error = xasprintf("Cannot make the folder %s: %s", dir, strerror(errno));
    } else if (load_key(f, xor_new, error)) {
        return f;
    }
    blockfiles_close(f);
    return NULL;
}

void blockfiles_close(struct blockfiles *f)
{
    if (!f)
        return;
    if (f->blk.fd >= 0)
        close(f->blk.fd);
    if (f->rev.fd >= 0)
        close(f->rev.fd);
    free(f->files);
    free(f->dir);
    free(f);
}

const char *blockfiles_dir(const struct blockfiles *f)
{
    return f->dir;
}

const uint8_t *blockfiles_key(const struct blockfiles *f)
{
    return f->key;
}

char *blockfiles_path(const struct blockfiles *f, const char *prefix, int32_t file)
{
    return xasprintf("%s/%s%05d.dat", f->dir, prefix, file);
}

bool blockfiles_exists(const struct blockfiles *f, int32_t file)
{
    char *path = blockfiles_path(f, "blk", file);
    bool exists = path_exists(path);

    free(path);
    return exists;
}

/* ---- counts (owner) ---- */

void file_info_write(struct buf *b, const struct file_info *f)
{
    write_varint(b, f->n_blocks);
    write_varint(b, f->size);
    write_varint(b, f->undo_size);
    write_varint(b, f->height_first);
    write_varint(b, f->height_last);
    write_varint(b, f->time_first);
    write_varint(b, f->time_last);
}

bool file_info_read(struct span data, struct file_info *f)
{
    struct reader r;

    reader_init(&r, data.data, data.len);
    f->n_blocks = (uint32_t)read_varint(&r);
    f->size = (uint32_t)read_varint(&r);
    f->undo_size = (uint32_t)read_varint(&r);
    f->height_first = (uint32_t)read_varint(&r);
    f->height_last = (uint32_t)read_varint(&r);
    f->time_first = read_varint(&r);
    f->time_last = read_varint(&r);
    return reader_done(&r);
}

static struct counted_file *get_file(struct blockfiles *f, int32_t file)
{
    size_t need = (size_t)file + 1;

    if (need > f->n_files) {
        f->files = array_reserve(f->files, &f->cap_files, need, sizeof(*f->files));
        memset(f->files + f->n_files, 0, (need - f->n_files) * sizeof(*f->files));
        f->n_files = need;
    }
    return &f->files[file];
}

int32_t blockfiles_count(const struct blockfiles *f)
{
    return (int32_t)f->n_files;
}

const struct file_info *blockfiles_info(const struct blockfiles *f, int32_t file)
{
    return &f->files[file].info;
}

void blockfiles_set_info(struct blockfiles *f, int32_t file, const struct file_info *info)
{
    get_file(f, file)->info = *info;
}

uint64_t blockfiles_total_size(const struct blockfiles *f)
{
    uint64_t total = 0;

    for (size_t i = 0; i < f->n_files; i++)
        total += (uint64_t)f->files[i].info.size + f->files[i].info.undo_size;
    return total;
}

size_t blockfiles_take_dirty(struct blockfiles *f, int32_t *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_files && n < max; i++) {
        if (!f->files[i].dirty)
            continue;
        f->files[i].dirty = false;
        out[n++] = (int32_t)i;
    }
    return n;
}

static void count_block(struct counted_file *file, int32_t height, uint32_t time)
{
    struct file_info *i = &file->info;
    uint32_t h = (uint32_t)height;

    if (i->n_blocks == 0 || i->height_first > h)
        i->height_first = h;
    if (i->n_blocks == 0 || i->time_first > time)
        i->time_first = time;
    i->n_blocks++;
    if (h > i->height_last)
        i->height_last = h;
    if (time > i->time_last)
        i->time_last = time;
    file->dirty = true;
}

struct file_pos blockfiles_place_block(struct blockfiles *f, uint32_t size, int32_t height,
                                       uint32_t time, int32_t *finished)
{
    uint32_t need = size + BLOCK_RECORD_HEADER;
    int32_t at = f->n_files ? (int32_t)f->n_files - 1 : 0;
    struct counted_file *file = get_file(f, at);
    struct file_pos pos;

    *finished = -1;
    if (file->info.size > 0 && (uint64_t)file->info.size + need > f->max_size) {
        *finished = at;
        file = get_file(f, ++at);
    }
    pos = (struct file_pos){at, file->info.size + BLOCK_RECORD_HEADER};
    count_block(file, height, time);
    file->info.size += need;
    return pos;
}

void blockfiles_count_block(struct blockfiles *f, struct file_pos at, uint32_t size, int32_t height,
                            uint32_t time)
{
    struct counted_file *file = get_file(f, at.file);

    count_block(file, height, time);
    if (at.pos + size > file->info.size)
        file->info.size = at.pos + size;
}

struct file_pos blockfiles_place_undo(struct blockfiles *f, int32_t file, uint32_t size)
{
    struct counted_file *c = get_file(f, file);
    struct file_pos pos = {file, c->info.undo_size + BLOCK_RECORD_HEADER};

    c->info.undo_size += size + UNDO_RECORD_OVERHEAD;
    c->dirty = true;
    return pos;
}

void blockfiles_forget(struct blockfiles *f, int32_t file)
{
    f->files[file] = (struct counted_file){.dirty = true};
}

/* ---- writing (writer's thread) ---- */

static bool close_file(struct open_file *o)
{
    int fd = o->fd;
    bool ok;

    o->file = -1;
    o->fd = -1;
    if (fd < 0)
        return true;
    ok = file_sync(fd);
    return close(fd) == 0 && ok;
}

static bool open_for_writing(struct blockfiles *f, struct open_file *o, const char *prefix,
                             int32_t file)
{
    struct stat st;
    char *path;

    if (o->file == file)
        return true;
    if (!close_file(o))
        return false;
    path = blockfiles_path(f, prefix, file);
    o->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    if (o->fd < 0)
        return false;
    o->file = file;
    if (fstat(o->fd, &st) != 0)
        return false;
    o->allocated = (uint64_t)st.st_size;
    return true;
}

/* Space up to `end` and the rest of its chunk. A file system that cannot allocate ahead is written
 * as it comes. */
static bool allocate(struct open_file *o, uint64_t end, uint64_t chunk)
{
    uint64_t want = (end + chunk - 1) / chunk * chunk;
    int err;

    if (end <= o->allocated)
        return true;
    err = posix_fallocate(o->fd, (off_t)o->allocated, (off_t)(want - o->allocated));
    if (err == 0) {
        o->allocated = want;
        return true;
    }
    errno = err;
    return err == EINVAL || err == EOPNOTSUPP;
}

static bool write_record(struct blockfiles *f, struct open_file *o, struct file_pos at,
                         struct buf *record, uint64_t chunk)
{
    uint64_t offset = at.pos - BLOCK_RECORD_HEADER;

    if (!allocate(o, offset + record->len, chunk))
        return false;
    blockfiles_obfuscate(f->key, record->data, record->len, offset);
    return pwrite_all(o->fd, record->data, record->len, offset);
}

static void begin_record(struct blockfiles *f, struct buf *record, struct span data)
{
    buf_reserve(record, data.len + UNDO_RECORD_OVERHEAD);
    write_bytes(record, f->magic, sizeof(f->magic));
    write_u32(record, (uint32_t)data.len);
    write_span(record, data);
}

bool blockfiles_write_block(struct blockfiles *f, struct file_pos at, struct span block)
{
    struct buf record = BUF_INIT;
    bool ok;

    begin_record(f, &record, block);
    ok = open_for_writing(f, &f->blk, "blk", at.file) &&
         write_record(f, &f->blk, at, &record, BLK_CHUNK);
    buf_clear(&record);
    return ok;
}

static void undo_checksum(uint8_t out[32], const struct block_hash *prev, struct span undo)
{
    struct sha256 h;

    sha256_init(&h);
    sha256_write(&h, prev->b, 32);
    sha256_write(&h, undo.data, undo.len);
    sha256d_final(&h, out);
}

bool blockfiles_write_undo(struct blockfiles *f, struct file_pos at, const struct block_hash *prev,
                           struct span undo)
{
    struct buf record = BUF_INIT;
    uint8_t sum[32];
    bool ok;

    undo_checksum(sum, prev, undo);
    begin_record(f, &record, undo);
    write_bytes(&record, sum, sizeof(sum));
    ok = open_for_writing(f, &f->rev, "rev", at.file) &&
         write_record(f, &f->rev, at, &record, REV_CHUNK);
    buf_clear(&record);
    return ok;
}

static bool cut(struct blockfiles *f, struct open_file *o, const char *prefix, int32_t file,
                uint32_t size)
{
    if (!open_for_writing(f, o, prefix, file))
        return false;
    return ftruncate(o->fd, size) == 0 && close_file(o);
}

bool blockfiles_finish(struct blockfiles *f, int32_t file, uint32_t size, uint32_t undo_size)
{
    return cut(f, &f->blk, "blk", file, size) &&
           (undo_size == 0 || cut(f, &f->rev, "rev", file, undo_size));
}

bool blockfiles_sync(struct blockfiles *f)
{
    return (f->blk.fd < 0 || file_sync(f->blk.fd)) && (f->rev.fd < 0 || file_sync(f->rev.fd)) &&
           dir_sync(f->dir);
}

void blockfiles_remove(struct blockfiles *f, int32_t file)
{
    char *blk = blockfiles_path(f, "blk", file), *rev = blockfiles_path(f, "rev", file);

    unlink(blk);
    unlink(rev);
    free(blk);
    free(rev);
}

/* ---- reading (any thread) ---- */

static char *read_error(const char *path, const char *why)
{
    return xasprintf("Cannot read %s: %s", path, why);
}

/* Header and data of the record at a place; `extra` bytes behind the data are read as well. */
static bool read_record(const struct blockfiles *f, const char *path, int fd, struct file_pos at,
                        uint32_t extra, struct buf *out, char **error)
{
    uint64_t offset = at.pos - BLOCK_RECORD_HEADER;
    uint8_t head[BLOCK_RECORD_HEADER];
    uint32_t len;

    if (at.pos < BLOCK_RECORD_HEADER || !pread_all(fd, head, sizeof(head), offset)) {
        *error = read_error(path, "the file ends before the record that the block index names");
        return false;
    }
    blockfiles_obfuscate(f->key, head, sizeof(head), offset);
    len = get_le32(head + 4);
    if (memcmp(head, f->magic, 4) != 0 || len > MAX_RECORD) {
        *error = read_error(path, "no record where the block index names one");
        return false;
    }
    len += extra;
    buf_reserve(out, len);
    if (!pread_all(fd, out->data + out->len, len, at.pos)) {
        *error = read_error(path, "a record is cut short");
        return false;
    }
    blockfiles_obfuscate(f->key, out->data + out->len, len, at.pos);
    out->len += len;
    return true;
}

static bool read_at(const struct blockfiles *f, const char *prefix, struct file_pos at,
                    uint32_t extra, struct buf *out, char **error)
{
    char *path = blockfiles_path(f, prefix, at.file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = false;

    if (fd < 0) {
        *error = read_error(path, strerror(errno));
    } else {
        ok = read_record(f, path, fd, at, extra, out, error);
        close(fd);
    }
    free(path);
    return ok;
}

bool blockfiles_read_block(const struct blockfiles *f, struct file_pos at, struct buf *out,
                           char **error)
{
    return read_at(f, "blk", at, 0, out, error);
}

bool blockfiles_read_undo(const struct blockfiles *f, struct file_pos at,
                          const struct block_hash *prev, struct buf *out, char **error)
{
    size_t before = out->len;
    struct span undo;
    uint8_t sum[32];
    char *path;

    if (!read_at(f, "rev", at, sizeof(sum), out, error))
        return false;
    out->len -= sizeof(sum);
    undo = span_of(out->data + before, out->len - before);
    undo_checksum(sum, prev, undo);
    if (memcmp(sum, undo.data + undo.len, sizeof(sum)) == 0)
        return true;
    path = blockfiles_path(f, "rev", at.file);
    *error = read_error(path, "the checksum of undo data does not match");
    free(path);
    return false;
}
