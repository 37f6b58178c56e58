/*
 * Two caches of fixed size, made of sets of four entries each; a new entry takes the place of the
 * oldest of its set. Which set is decided by a hash with a secret key, so nobody can aim at one.
 * Entries are compared whole: a false "known" would be an invalid block accepted.
 *
 * Pages that were never written cost no memory, so a node that has seen little stays small.
 *
 * The script cache belongs to the owner. Signatures are looked up by all workers: their table is
 * cut into parts with a lock each, which is held for a comparison of four entries.
 */
#include "validation/script_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "util/mem.h"
#include "util/random.h"
#include "util/siphash.h"

#define WAYS 4

/* The largest power of two of sets of this size in so many bytes. */
static size_t count_sets(size_t bytes, size_t set_size)
{
    size_t n = 1;

    while (n * 2 * set_size <= bytes)
        n *= 2;
    return n;
}

/* ---- transactions ---- */

struct script_entry {
    struct wtxid wtxid;
    uint32_t flags;
    uint32_t age; /* 0: empty */
};
struct script_cache {
    struct script_entry (*sets)[WAYS];
    size_t mask;
    uint64_t k0, k1;
    uint32_t clock;
};

struct script_cache *script_cache_create(size_t bytes)
{
    struct script_cache *c = xcalloc(1, sizeof(*c));
    size_t n = count_sets(bytes, sizeof(*c->sets));

    c->sets = xcalloc(n, sizeof(*c->sets));
    c->mask = n - 1;
    random_bytes(&c->k0, sizeof(c->k0));
    random_bytes(&c->k1, sizeof(c->k1));
    return c;
}

void script_cache_destroy(struct script_cache *c)
{
    if (!c)
        return;
    free(c->sets);
    free(c);
}

static struct script_entry *set_of(const struct script_cache *c, const struct wtxid *wtxid)
{
    return c->sets[siphash(c->k0, c->k1, wtxid->b, sizeof(wtxid->b)) & c->mask];
}

static bool entry_is(const struct script_entry *e, const struct wtxid *wtxid, uint32_t flags)
{
    return e->age && e->flags == flags && wtxid_eq(&e->wtxid, wtxid);
}

bool script_cache_has(const struct script_cache *c, const struct wtxid *wtxid, uint32_t flags)
{
    const struct script_entry *set = set_of(c, wtxid);

    for (size_t i = 0; i < WAYS; i++) {
        if (entry_is(&set[i], wtxid, flags))
            return true;
    }
    return false;
}

void script_cache_add(struct script_cache *c, const struct wtxid *wtxid, uint32_t flags)
{
    struct script_entry *set = set_of(c, wtxid), *oldest = set;

    for (size_t i = 0; i < WAYS; i++) {
        if (entry_is(&set[i], wtxid, flags))
            return;
        if (set[i].age < oldest->age)
            oldest = &set[i];
    }
    *oldest = (struct script_entry){*wtxid, flags, ++c->clock ? c->clock : ++c->clock};
}

/* ---- signatures ---- */

#define PARTS 64

struct sig_set {
    uint8_t entry[WAYS][32];
    uint8_t next; /* the place to be taken next */
};
struct sig_table {
    struct sig_memo memo; /* first: a sig_memo is handed out */
    pthread_mutex_t lock[PARTS];
    struct sig_set *sets; /* set i is guarded by lock[i % PARTS] */
    size_t mask;
    uint64_t k0, k1;
};

static size_t place_of(const struct sig_table *t, const uint8_t entry[32])
{
    return siphash(t->k0, t->k1, entry, 32) & t->mask;
}

static bool set_has(const struct sig_set *s, const uint8_t entry[32])
{
    for (size_t i = 0; i < WAYS; i++) {
        if (memcmp(s->entry[i], entry, 32) == 0)
            return true;
    }
    return false;
}

static bool sig_known(void *arg, const uint8_t entry[32])
{
    struct sig_table *t = arg;
    size_t at = place_of(t, entry);
    bool known;

    pthread_mutex_lock(&t->lock[at % PARTS]);
    known = set_has(&t->sets[at], entry);
    pthread_mutex_unlock(&t->lock[at % PARTS]);
    return known;
}

static void sig_add(void *arg, const uint8_t entry[32])
{
    struct sig_table *t = arg;
    size_t at = place_of(t, entry);
    struct sig_set *s = &t->sets[at];

    pthread_mutex_lock(&t->lock[at % PARTS]);
    if (!set_has(s, entry)) {
        memcpy(s->entry[s->next], entry, 32);
        s->next = (s->next + 1) % WAYS;
    }
    pthread_mutex_unlock(&t->lock[at % PARTS]);
}

struct sig_memo *sig_memo_create(size_t bytes)
{
    struct sig_table *t = xcalloc(1, sizeof(*t));
    size_t n = count_sets(bytes, sizeof(*t->sets));

    t->sets = xcalloc(n, sizeof(*t->sets));
    t->mask = n - 1;
    random_bytes(&t->k0, sizeof(t->k0));
    random_bytes(&t->k1, sizeof(t->k1));
    for (size_t i = 0; i < PARTS; i++)
        pthread_mutex_init(&t->lock[i], NULL);
    t->memo.known = sig_known;
    t->memo.add = sig_add;
    t->memo.arg = t;
    random_bytes(t->memo.salt, sizeof(t->memo.salt));
    return &t->memo;
}

void sig_memo_destroy(struct sig_memo *m)
{
    struct sig_table *t = (struct sig_table *)m;

    if (!t)
        return;
    for (size_t i = 0; i < PARTS; i++)
        pthread_mutex_destroy(&t->lock[i]);
    free(t->sets);
    free(t);
}
