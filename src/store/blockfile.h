/*
 * Block and undo files: blocks/blkNNNNN.dat and revNNNNN.dat as Core writes them, obfuscated with
 * xor.dat: records of [magic][u32 length][data], undo records with a checksum behind.
 *
 * Where a record goes is decided by the owner (blockfiles_place_*), which keeps the counts of each
 * file in memory. Writing and syncing is the writer thread's; reading may be done by any thread.
 */
#ifndef MITE_STORE_BLOCKFILE_H
#define MITE_STORE_BLOCKFILE_H

#include "chain/block.h"
#include "chain/coin.h"
#include "util/arena.h"

struct file_pos {
    int32_t file; /* -1: none */
    uint32_t pos; /* of the data, behind magic and length */
};

/* ---- undo data ---- */

/* What a block spent, for going back: one list of coins for each transaction but the coinbase.
 * Immutable and reference-counted once made. */
struct tx_undo {
    struct coin *coins;
    uint32_t n;
};
struct block_undo {
    struct tx_undo *tx;
    uint32_t n_tx;
    /* private */
    int refs;
    struct arena memory;
};
struct block_undo *undo_create(uint32_t n_tx); /* lists empty; to be filled by its maker */
void undo_write(struct buf *b, const struct block_undo *u);
/* NULL where the bytes are no undo data. */
struct block_undo *undo_parse(struct span data);
struct block_undo *undo_ref(const struct block_undo *u);
void undo_unref(const struct block_undo *u);

/* ---- files ---- */

/* What block index key 'f' holds of a file. */
struct file_info {
    uint32_t n_blocks, size, undo_size;
    uint32_t height_first, height_last;
    uint64_t time_first, time_last;
};
void file_info_write(struct buf *b, const struct file_info *f);
bool file_info_read(struct span data, struct file_info *f);

struct blockfiles;

#define BLOCKFILE_MAX_SIZE   ((uint32_t)128 << 20)
#define BLOCK_RECORD_HEADER  8
#define UNDO_RECORD_OVERHEAD 40

/* Makes the folder and its xor.dat where they are missing (a random key where `xor_new` and the
 * folder is fresh). NULL: *error says why (caller frees). `max_size` is BLOCKFILE_MAX_SIZE but in
 * tests of pruning. */
struct blockfiles *blockfiles_open(const char *dir, const uint8_t magic[4], bool xor_new,
                                   uint32_t max_size, char **error);
void blockfiles_close(struct blockfiles *f);
const char *blockfiles_dir(const struct blockfiles *f);
/* Files known, numbered from 0. */
int32_t blockfiles_count(const struct blockfiles *f);
const struct file_info *blockfiles_info(const struct blockfiles *f, int32_t file);
void blockfiles_set_info(struct blockfiles *f, int32_t file, const struct file_info *info);
uint64_t blockfiles_total_size(const struct blockfiles *f);
/* Files whose info changed since the last call, in ascending order; returns how many. */
size_t blockfiles_take_dirty(struct blockfiles *f, int32_t *out, size_t max);

/* Owner: where a block of `size` bytes goes, counted in. *finished: a file that will grow no more
 * and should be given to blockfiles_finish(), or -1. */
struct file_pos blockfiles_place_block(struct blockfiles *f, uint32_t size, int32_t height,
                                       uint32_t time, int32_t *finished);
/* A block that is in its place already (reindex). */
void blockfiles_count_block(struct blockfiles *f, struct file_pos at, uint32_t size, int32_t height,
                            uint32_t time);
/* Undo data of `size` bytes (without overhead) beside block file `file`. */
struct file_pos blockfiles_place_undo(struct blockfiles *f, int32_t file, uint32_t size);

/* The counts of a file become those of an empty one. */
void blockfiles_forget(struct blockfiles *f, int32_t file);

/* Writer: false with errno. `prev` is the hash of the block before (it goes into the checksum). */
bool blockfiles_write_block(struct blockfiles *f, struct file_pos at, struct span block) MUST_USE;
bool blockfiles_write_undo(struct blockfiles *f, struct file_pos at, const struct block_hash *prev,
                           struct span undo) MUST_USE;
/* Cuts off what was allocated ahead, syncs and closes. */
bool blockfiles_finish(struct blockfiles *f, int32_t file, uint32_t size,
                       uint32_t undo_size) MUST_USE;
/* All written so far is on disk. */
bool blockfiles_sync(struct blockfiles *f) MUST_USE;
/* Removes both files (pruning). */
void blockfiles_remove(struct blockfiles *f, int32_t file);

/* Any thread. The bytes of the record are appended to out. False: *error says which file and why
 * (caller frees). */
bool blockfiles_read_block(const struct blockfiles *f, struct file_pos at, struct buf *out,
                           char **error) MUST_USE;
/* The checksum is checked. */
bool blockfiles_read_undo(const struct blockfiles *f, struct file_pos at,
                          const struct block_hash *prev, struct buf *out, char **error) MUST_USE;
bool blockfiles_exists(const struct blockfiles *f, int32_t file);
/* Path of blkNNNNN.dat, caller frees. */
char *blockfiles_path(const struct blockfiles *f, const char *prefix, int32_t file);
/* The key by which files are XORed, 8 bytes. */
const uint8_t *blockfiles_key(const struct blockfiles *f);
void blockfiles_obfuscate(const uint8_t key[8], uint8_t *data, size_t len, uint64_t offset);

#endif
