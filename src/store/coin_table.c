/*
 * Open addressing with linear probing and backward-shift deletion, keyed with a random SipHash key:
 * whoever fills the set of coins cannot choose where they go.
 *
 * A slot is 8 bytes, the record's reference and 32 bits of its hash, so growing never looks at the
 * records. The table is 64 tables side by side, chosen by the top bits of the hash: each grows by
 * itself, and the longest pause is a 64th of rebuilding everything.
 */
#include "store/coin_table.h"

#include <stdlib.h>

#include "util/mem.h"
#include "util/random.h"
#include "util/siphash.h"

#define EMPTY     UINT32_MAX
#define FIRST_CAP 16

void coin_table_init(struct coin_table *t)
{
    memset(t, 0, sizeof(*t));
    slab_init(&t->slab);
    random_bytes(&t->k0, sizeof(t->k0));
    random_bytes(&t->k1, sizeof(t->k1));
}

void coin_table_clear(struct coin_table *t)
{
    for (size_t i = 0; i < COIN_SHARDS; i++)
        free(t->shards[i].slots);
    slab_clear(&t->slab);
}

static uint64_t hash_of(const struct coin_table *t, const struct outpoint *o)
{
    return siphash(t->k0, t->k1, o, sizeof(*o));
}

static struct coin_shard *shard_of(const struct coin_table *t, uint64_t hash)
{
    return (struct coin_shard *)&t->shards[hash >> 58];
}

uint32_t coin_table_find(const struct coin_table *t, const struct outpoint *o)
{
    uint64_t hash = hash_of(t, o);
    const struct coin_shard *s = shard_of(t, hash);
    uint32_t tag = (uint32_t)hash;

    if (s->n == 0)
        return EMPTY;
    for (uint32_t i = tag & s->mask; s->slots[i].ref != EMPTY; i = (i + 1) & s->mask) {
        if (s->slots[i].tag == tag &&
            memcmp(&record_at(t, s->slots[i].ref)->outpoint, o, sizeof(*o)) == 0)
            return s->slots[i].ref;
    }
    return EMPTY;
}

uint32_t record_create(struct coin_table *t, const struct outpoint *o, struct span value)
{
    uint32_t ref = slab_alloc(&t->slab, RECORD_HEAD + value.len);
    struct record *r = record_at(t, ref);

    r->outpoint = *o;
    r->dirty_at = 0;
    r->len = (uint16_t)value.len;
    r->flags = 0;
    if (value.len)
        memcpy(r->value, value.data, value.len);
    return ref;
}

void record_free(struct coin_table *t, uint32_t ref)
{
    slab_free(&t->slab, ref, record_size(record_at(t, ref)));
}

static void put_slot(struct coin_shard *s, struct coin_slot slot)
{
    uint32_t i = slot.tag & s->mask;

    while (s->slots[i].ref != EMPTY)
        i = (i + 1) & s->mask;
    s->slots[i] = slot;
}

static void grow(struct coin_table *t, struct coin_shard *s)
{
    uint32_t old_cap = s->slots ? s->mask + 1 : 0, cap = old_cap ? old_cap * 2 : FIRST_CAP;
    struct coin_slot *old = s->slots;

    s->slots = xreallocarray(NULL, cap, sizeof(*s->slots));
    s->mask = cap - 1;
    for (uint32_t i = 0; i < cap; i++)
        s->slots[i].ref = EMPTY;
    for (uint32_t i = 0; i < old_cap; i++) {
        if (old[i].ref != EMPTY)
            put_slot(s, old[i]);
    }
    free(old);
    t->slots += cap - old_cap;
}

void coin_table_insert(struct coin_table *t, uint32_t ref)
{
    uint64_t hash = hash_of(t, &record_at(t, ref)->outpoint);
    struct coin_shard *s = shard_of(t, hash);

    if (!s->slots || s->n + s->n / 7 >= s->mask) /* 7/8 */
        grow(t, s);
    put_slot(s, (struct coin_slot){ref, (uint32_t)hash});
    s->n++;
    t->n++;
}

static uint32_t slot_of(const struct coin_shard *s, uint32_t ref, uint32_t tag)
{
    uint32_t i = tag & s->mask;

    while (s->slots[i].ref != ref) {
        CHECK(s->slots[i].ref != EMPTY);
        i = (i + 1) & s->mask;
    }
    return i;
}

void coin_table_replace(struct coin_table *t, uint32_t old_ref, uint32_t new_ref)
{
    uint64_t hash = hash_of(t, &record_at(t, old_ref)->outpoint);
    struct coin_shard *s = shard_of(t, hash);

    s->slots[slot_of(s, old_ref, (uint32_t)hash)].ref = new_ref;
}

void coin_table_remove(struct coin_table *t, uint32_t ref)
{
    uint64_t hash = hash_of(t, &record_at(t, ref)->outpoint);
    struct coin_shard *s = shard_of(t, hash);
    uint32_t hole = slot_of(s, ref, (uint32_t)hash);

    for (uint32_t i = (hole + 1) & s->mask; s->slots[i].ref != EMPTY; i = (i + 1) & s->mask) {
        uint32_t home = s->slots[i].tag & s->mask;

        if (((i - home) & s->mask) >= ((i - hole) & s->mask)) {
            s->slots[hole] = s->slots[i];
            hole = i;
        }
    }
    s->slots[hole].ref = EMPTY;
    s->n--;
    t->n--;
}

uint32_t coin_table_sweep(struct coin_table *t)
{
    if (t->n == 0)
        return EMPTY;
    for (;;) {
        struct coin_shard *s = &t->shards[t->hand];

        while (s->n && t->hand_slot <= s->mask) {
            uint32_t ref = s->slots[t->hand_slot].ref;

            t->hand_slot++;
            if (ref != EMPTY)
                return ref;
        }
        t->hand = (t->hand + 1) % COIN_SHARDS;
        t->hand_slot = 0;
    }
}

size_t coin_table_memory(const struct coin_table *t)
{
    return slab_memory(&t->slab) + t->slots * sizeof(struct coin_slot);
}
