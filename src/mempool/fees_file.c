/*
 * The estimator's two files, fees/block_policy_estimates.dat and fees/mempool_policy_estimator.dat,
 * in Core's formats. Neither is dear: one that is old, damaged or of another version is left out
 * with a line in the log, and what it told is learned anew.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mempool/fees_internal.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

enum { BLOCKS_VERSION = 309900, MEMPOOL_VERSION = 1 };
#define FILE_MAX           (16 << 20)
#define FILE_AGE_MAX       (60 * 3600)
#define FOLDER             "fees"
#define BLOCKS_FILE        "block_policy_estimates.dat"
#define BLOCKS_FILE_FORMER "fee_estimates.dat"
#define MEMPOOL_FILE       "mempool_policy_estimator.dat"

static char *file_path(const char *dir, const char *name)
{
    char *folder = path_join(dir, FOLDER), *path = path_join(folder, name);
    free(folder);
    return path;
}

/* ---- block policy ---- */

/* In the file the medium horizon stands first. */
static const enum fee_horizon file_order[3] = {FEE_HORIZON_MEDIUM, FEE_HORIZON_SHORT,
                                               FEE_HORIZON_LONG};

static void write_blocks(const struct fee_estimator *f, struct buf *b)
{
    bool own = fees_span(f) > fees_file_span(f) / 2;
    write_u32(b, BLOCKS_VERSION);
    write_u32(b, f->best_height);
    write_u32(b, own ? f->first_height : f->old_first_height);
    write_u32(b, own ? f->best_height : f->old_best_height);
    write_compact(b, f->buckets.n);
    for (unsigned i = 0; i < f->buckets.n; i++) {
        uint64_t bits;
        memcpy(&bits, &f->buckets.bound[i], sizeof(bits));
        write_u64(b, bits);
    }
    for (int i = 0; i < 3; i++)
        fee_stats_write(b, &f->stats[file_order[i]]);
}

static bool read_buckets(struct reader *r, struct fee_buckets *b)
{
    b->n = (unsigned)read_compact(r, FEE_BUCKETS_MAX);
    b->bound = xmalloc(FEE_BUCKETS_MAX * sizeof(*b->bound));
    for (unsigned i = 0; i < b->n && reader_ok(r); i++) {
        uint64_t bits = read_u64(r);
        memcpy(&b->bound[i], &bits, sizeof(bits));
        if (i > 0 && !(b->bound[i] > b->bound[i - 1]))
            reader_fail(r);
    }
    return reader_ok(r) && b->n > 1;
}

/* All or nothing: into fresh statistics, which then take the place of f's. */
static bool read_stats(struct fee_estimator *f, struct reader *r)
{
    struct fee_buckets buckets = {0};
    struct fee_stats stats[3] = {{0}};
    bool ok = read_buckets(r, &buckets);
    for (int i = 0; i < 3 && ok; i++)
        ok = fee_stats_read(r, &stats[file_order[i]], &buckets);
    if (!ok) {
        for (int i = 0; i < 3; i++)
            fee_stats_clear(&stats[i]);
        free(buckets.bound);
        return false;
    }
    free(f->buckets.bound);
    f->buckets = buckets;
    for (int i = 0; i < 3; i++) {
        fee_stats_clear(&f->stats[i]);
        f->stats[i] = stats[i];
        f->stats[i].buckets = &f->buckets;
    }
    return true;
}

static const char *read_blocks(struct fee_estimator *f, struct span data)
{
    struct reader r;
    reader_init(&r, data.data, data.len);
    uint32_t version = read_u32(&r), best = read_u32(&r);
    uint32_t old_first = read_u32(&r), old_best = read_u32(&r);
    if (!reader_ok(&r) || version < BLOCKS_VERSION)
        return "too old to be read";
    if (version > BLOCKS_VERSION)
        return "of a later version";
    if (old_first > old_best || old_best > best)
        return "damaged: its heights are out of order";
    if (!read_stats(f, &r))
        return "damaged";
    f->best_height = best;
    f->old_first_height = old_first;
    f->old_best_height = old_best;
    return NULL;
}

/* ---- mempool policy ---- */

static void write_mined(const struct fee_estimator *f, struct buf *b)
{
    write_u32(b, MEMPOOL_VERSION);
    write_compact(b, f->n_mined);
    for (size_t i = 0; i < f->n_mined; i++) {
        write_u64(b, f->mined[i].height);
        write_u64(b, f->mined[i].mempool_weight);
        write_u64(b, f->mined[i].block_weight);
    }
    write_bytes(b, f->mined_tip.b, sizeof(f->mined_tip.b));
}

/* It counts only where it ends at the tip. */
static const char *read_mined(struct fee_estimator *f, struct span data)
{
    struct fees_block_stats mined[FEES_HEALTH_BLOCKS] = {{0}};
    struct block_hash tip;
    struct reader r;
    reader_init(&r, data.data, data.len);
    uint32_t version = read_u32(&r);
    size_t n = (size_t)read_compact(&r, FEES_HEALTH_BLOCKS);
    for (size_t i = 0; i < n; i++) {
        mined[i].height = read_u64(&r);
        mined[i].mempool_weight = read_u64(&r);
        mined[i].block_weight = read_u64(&r);
        if (i > 0 && mined[i].height != mined[i - 1].height + 1)
            reader_fail(&r);
    }
    read_bytes(&r, tip.b, sizeof(tip.b));
    if (!reader_ok(&r) || version != MEMPOOL_VERSION)
        return "damaged or of another version";
    const struct hnode *now = &chain_tip(f->chain)->h;
    if (n > 0 && (mined[n - 1].height != (uint64_t)now->height || !block_hash_eq(&tip, &now->hash)))
        return "about another tip";
    memcpy(f->mined, mined, sizeof(mined));
    f->n_mined = n;
    f->mined_tip = tip;
    return NULL;
}

/* ---- files ---- */

static void load_file(struct fee_estimator *f, const char *path,
                      const char *(*read)(struct fee_estimator *, struct span))
{
    struct buf b = BUF_INIT;
    if (file_read(path, &b, FILE_MAX)) {
        const char *fault = read(f, buf_span(&b));
        if (fault)
            log_warning("Fee estimates in %s are left out: the file is %s\n", path, fault);
    } else if (errno != ENOENT) {
        log_warning("Fee estimates in %s are left out: %s\n", path, strerror(errno));
    }
    buf_clear(&b);
}

static bool too_old(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    int64_t age = time_system() - (int64_t)st.st_mtime;
    if (age > FILE_AGE_MAX)
        log_info("Fee estimates in %s are left out: they are %lld hours old\n", path,
                 (long long)age / 3600);
    return age > FILE_AGE_MAX;
}

/* Before it had its folder, the file lay in the data directory itself. Where both are, the former
 * one is of no use any more. */
static void move_former(const char *dir, const char *path)
{
    char *former = path_join(dir, BLOCKS_FILE_FORMER), *folder = path_join(dir, FOLDER);
    bool ok = true;
    if (path_exists(former) && path_exists(path))
        ok = unlink(former) == 0;
    else if (path_exists(former))
        ok = make_dirs(folder) && rename(former, path) == 0;
    if (!ok)
        log_warning("Fee estimates in %s cannot be moved to %s: %s\n", former, path,
                    strerror(errno));
    free(former);
    free(folder);
}

void fees_load(struct fee_estimator *f, const char *dir, bool accept_stale)
{
    char *blocks = file_path(dir, BLOCKS_FILE), *mempool = file_path(dir, MEMPOOL_FILE);
    move_former(dir, blocks);
    if (accept_stale || !too_old(blocks))
        load_file(f, blocks, read_blocks);
    load_file(f, mempool, read_mined);
    free(blocks);
    free(mempool);
}

static bool save_file(const struct fee_estimator *f, const char *dir, const char *name,
                      void (*write)(const struct fee_estimator *, struct buf *))
{
    struct buf b = BUF_INIT;
    char *path = file_path(dir, name);
    write(f, &b);
    bool ok = file_replace(path, b.data, b.len);
    if (!ok)
        log_warning("Fee estimates cannot be written to %s: %s\n", path, strerror(errno));
    buf_clear(&b);
    free(path);
    return ok;
}

bool fees_save(struct fee_estimator *f, const char *dir)
{
    char *folder = path_join(dir, FOLDER);
    bool ok = make_dirs(folder);
    if (!ok)
        log_warning("The folder %s cannot be made: %s\n", folder, strerror(errno));
    free(folder);
    return ok && save_file(f, dir, BLOCKS_FILE, write_blocks) &&
           save_file(f, dir, MEMPOOL_FILE, write_mined);
}
