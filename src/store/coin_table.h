/*
 * The table of the coins cache: from outpoint to record. Private to store/.
 */
#ifndef MITE_STORE_COIN_TABLE_H
#define MITE_STORE_COIN_TABLE_H

#include "chain/hashes.h"
#include "store/coin_slab.h"
#include "util/bytes.h"

enum record_flags {
    RECORD_DIRTY = 1,    /* differs from the database */
    RECORD_FRESH = 2,    /* the database has no coin here */
    RECORD_CUT = 4,      /* generation: the flush whose list has the record; see coins.c */
    RECORD_USED = 8,     /* looked at since the last round of eviction */
    RECORD_REPLACED = 16 /* no longer in the table: waits for the end of its flush */
};

/* len 0: the coin is spent. The value is the database's; it begins at byte 43. */
struct record {
    struct outpoint outpoint;
    uint32_t dirty_at; /* place in the list of its generation */
    uint16_t len;
    uint8_t flags;
    uint8_t value[];
};

#define RECORD_HEAD offsetof(struct record, value)
#define COIN_SHARDS 64

struct coin_slot {
    uint32_t ref; /* UINT32_MAX: empty */
    uint32_t tag;
};
struct coin_shard {
    struct coin_slot *slots;
    uint32_t n, mask; /* mask + 1 slots */
};
struct coin_table {
    struct coin_slab slab;
    struct coin_shard shards[COIN_SHARDS];
    uint64_t k0, k1;
    size_t n, slots;
    size_t hand; /* eviction's place: shard, then slot */
    uint32_t hand_slot;
};

void coin_table_init(struct coin_table *t);
void coin_table_clear(struct coin_table *t);
static inline struct record *record_at(const struct coin_table *t, uint32_t ref)
{
    return slab_at(&t->slab, ref);
}
static inline size_t record_size(const struct record *r)
{
    return RECORD_HEAD + r->len;
}
/* The reference of the outpoint's record, or UINT32_MAX. */
uint32_t coin_table_find(const struct coin_table *t, const struct outpoint *o);
/* A new record (flags 0), not in the table. */
uint32_t record_create(struct coin_table *t, const struct outpoint *o, struct span value);
void record_free(struct coin_table *t, uint32_t ref);
/* The outpoint must not be in the table. */
void coin_table_insert(struct coin_table *t, uint32_t ref);
/* The outpoint must be in the table: its slot now names another record of the same outpoint. */
void coin_table_replace(struct coin_table *t, uint32_t old_ref, uint32_t new_ref);
void coin_table_remove(struct coin_table *t, uint32_t ref);
/* The next record in the round of eviction, UINT32_MAX where the table is empty. */
uint32_t coin_table_sweep(struct coin_table *t);
size_t coin_table_memory(const struct coin_table *t);

#endif
