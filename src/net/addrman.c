/*
 * Two tables of small buckets. "New" has what was only heard of: where an address goes in it
 * depends on a secret, its group and the group of who told it, so one source can fill but a few
 * buckets. "Tried" has what we once connected to, placed by the secret, the address and its group.
 * A newcomer to tried does not push out who is there: the older one is tested by a feeler first.
 * The hashes are those of Bitcoin Core, since peers.dat keeps the secret and is shared with it.
 */
#include "net/addrman.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "net/addrman_private.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/time.h"

#define MINUTE INT64_C(60)
#define DAY    INT64_C(86400)

struct addrman *addrman_create(bool deterministic)
{
    struct addrman *a = xcalloc(1, sizeof(*a));
    TABLE_INIT(&a->by_addr, struct entry, addr);
    if (deterministic)
        a->key[0] = 1;
    else
        random_bytes(a->key, sizeof(a->key));
    a->last_good = 1;
    return a;
}

void addrman_destroy(struct addrman *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++)
        free(a->all[i]);
    table_clear(&a->by_addr);
    free(a->all);
    free(a);
}

/* ---- places ---- */

static void hash_begin(const struct addrman *a, struct sha256 *h)
{
    sha256_init(h);
    sha256_write(h, a->key, 32);
}

static void hash_bytes(struct sha256 *h, const void *data, size_t len)
{
    sha256_write_compact(h, len);
    sha256_write(h, data, len);
}

static void hash_group(struct sha256 *h, const struct netaddr *addr)
{
    uint8_t group[17];
    hash_bytes(h, group, netaddr_group(addr, group));
}

static void hash_addr(struct sha256 *h, const struct netaddr *addr)
{
    uint8_t key[34];
    size_t len = addr_family_len(addr->family);
    if (netaddr_v1_bytes(addr, key))
        len = 16;
    else
        memcpy(key, addr->ip, len);
    put_be16(key + len, addr->port);
    hash_bytes(h, key, len + 2);
}

static uint64_t hash_end(struct sha256 *h)
{
    uint8_t out[32];
    sha256d_final(h, out);
    return get_le64(out);
}

int addrman_tried_bucket(const struct addrman *a, const struct netaddr *addr)
{
    struct sha256 h;
    hash_begin(a, &h);
    hash_addr(&h, addr);
    uint64_t inner = hash_end(&h) % TRIED_PER_GROUP;
    hash_begin(a, &h);
    hash_group(&h, addr);
    sha256_write_u64(&h, inner);
    return (int)(hash_end(&h) % TRIED_BUCKETS);
}

int addrman_new_bucket(const struct addrman *a, const struct netaddr *addr,
                       const struct netaddr *source)
{
    struct sha256 h;
    hash_begin(a, &h);
    hash_group(&h, addr);
    hash_group(&h, source);
    uint64_t inner = hash_end(&h) % NEW_PER_SOURCE;
    hash_begin(a, &h);
    hash_group(&h, source);
    sha256_write_u64(&h, inner);
    return (int)(hash_end(&h) % NEW_BUCKETS);
}

int addrman_position(const struct addrman *a, bool in_new, int bucket, const struct netaddr *addr)
{
    struct sha256 h;
    hash_begin(a, &h);
    sha256_write(&h, in_new ? "N" : "K", 1);
    sha256_write_u32(&h, (uint32_t)bucket);
    hash_addr(&h, addr);
    return (int)(hash_end(&h) % BUCKET_SIZE);
}

static struct entry **new_place(struct addrman *a, const struct entry *e,
                                const struct netaddr *source)
{
    int b = addrman_new_bucket(a, &e->addr, source);
    return &a->new_slot[b][addrman_position(a, true, b, &e->addr)];
}

static struct entry **tried_place(struct addrman *a, const struct netaddr *addr)
{
    int b = addrman_tried_bucket(a, addr);
    return &a->tried_slot[b][addrman_position(a, false, b, addr)];
}

/* ---- entries ---- */

static struct entry *find(const struct addrman *a, const struct netaddr *addr)
{
    return table_get(&a->by_addr, addr);
}

struct entry *addrman_create_entry(struct addrman *a, const struct addr_info *info,
                                   const struct netaddr *source)
{
    struct entry *e = xcalloc(1, sizeof(*e));
    e->addr = info->addr;
    e->services = info->services;
    e->time = info->time;
    e->source = *source;
    a->all = array_reserve(a->all, &a->cap, a->n + 1, sizeof(*a->all));
    e->index = a->n;
    a->all[a->n++] = e;
    CHECK(table_add(&a->by_addr, e) == NULL);
    return e;
}

void addrman_delete_entry(struct addrman *a, struct entry *e)
{
    CHECK(e->refs == 0 && !e->tried);
    a->all[e->index] = a->all[--a->n];
    a->all[e->index]->index = e->index;
    table_remove(&a->by_addr, &e->addr);
    free(e);
}

static void new_slot_set(struct addrman *a, struct entry **slot, struct entry *e)
{
    *slot = e;
    if (e->refs++ == 0)
        a->n_new++;
}

static void new_slot_clear(struct addrman *a, struct entry **slot)
{
    struct entry *e = *slot;
    if (!e)
        return;
    *slot = NULL;
    if (--e->refs == 0) {
        a->n_new--;
        addrman_delete_entry(a, e);
    }
}

/* Not worth keeping or telling. */
static bool is_terrible(const struct entry *e, int64_t now)
{
    if (e->last_try >= now - MINUTE)
        return false;
    if (e->time > now + 10 * MINUTE || now - e->time > 30 * DAY)
        return true;
    if (e->last_success == 0 && e->attempts >= 3)
        return true;
    return now - e->last_success > 7 * DAY && e->attempts >= 10;
}

static double chance(const struct entry *e, int64_t now)
{
    double c = now - e->last_try < 10 * MINUTE ? 0.01 : 1.0;
    return c * pow(0.66, e->attempts < 8 ? e->attempts : 8);
}

/* What is known already may get a newer time, and a place in one more bucket, but ever more seldom.
 */
static bool refresh(struct entry *e, const struct addr_info *i, int64_t penalty)
{
    bool online = time_now() - i->time < DAY;
    int64_t interval = online ? 60 * MINUTE : DAY;
    bool newer = i->time > e->time;
    if (e->time < i->time - interval - penalty)
        e->time = i->time - penalty > 0 ? i->time - penalty : 0;
    e->services |= i->services;
    if (!newer || e->tried || e->refs == NEW_PER_ADDRESS)
        return false;
    return e->refs == 0 || random_below(UINT64_C(1) << e->refs) == 0;
}

static bool add_one(struct addrman *a, const struct addr_info *i, const struct netaddr *source,
                    int64_t penalty)
{
    struct entry *e = find(a, &i->addr);
    if (!netaddr_is_routable(&i->addr))
        return false;
    if (netaddr_same_host(&i->addr, source))
        penalty = 0; /* it tells of itself */
    if (e) {
        if (!refresh(e, i, penalty))
            return false;
    } else {
        struct addr_info aged = *i;
        aged.time = i->time - penalty > 0 ? i->time - penalty : 0;
        e = addrman_create_entry(a, &aged, source);
    }
    bool fresh = e->refs == 0;
    struct entry **slot = new_place(a, e, source);
    if (*slot != e) {
        const struct entry *old = *slot;
        if (!old || is_terrible(old, time_now()) || (old->refs > 1 && e->refs == 0)) {
            new_slot_clear(a, slot);
            new_slot_set(a, slot, e);
            return fresh;
        }
    }
    if (e->refs == 0)
        addrman_delete_entry(a, e);
    return false;
}

size_t addrman_add(struct addrman *a, const struct addr_info *list, size_t n,
                   const struct netaddr *source, int64_t penalty)
{
    size_t added = 0;
    for (size_t i = 0; i < n; i++)
        added += add_one(a, &list[i], source, penalty);
    return added;
}

void addrman_attempt(struct addrman *a, const struct netaddr *addr, bool count_failure)
{
    struct entry *e = find(a, addr);
    int64_t now = time_now();
    if (!e)
        return;
    e->last_try = now;
    /* Failures while we are offline ourselves must not spoil all addresses. */
    if (count_failure && e->last_count_attempt < a->last_good) {
        e->last_count_attempt = now;
        e->attempts++;
    }
}

/* ---- tried ---- */

static void leave_new(struct addrman *a, struct entry *e)
{
    int start = addrman_new_bucket(a, &e->addr, &e->source);
    for (int i = 0; i < NEW_BUCKETS && e->refs > 0; i++) {
        int b = (start + i) % NEW_BUCKETS;
        struct entry **slot = &a->new_slot[b][addrman_position(a, true, b, &e->addr)];
        if (*slot == e) {
            *slot = NULL;
            e->refs--;
        }
    }
    CHECK(e->refs == 0);
    a->n_new--;
}

/* The one it pushes out goes back to new. */
static void make_tried(struct addrman *a, struct entry *e)
{
    struct entry **slot = tried_place(a, &e->addr), *old = *slot;
    leave_new(a, e);
    if (old) {
        struct entry **back = new_place(a, old, &old->source);
        old->tried = false;
        a->n_tried--;
        new_slot_clear(a, back);
        new_slot_set(a, back, old);
    }
    *slot = e;
    e->tried = true;
    a->n_tried++;
}

static void add_collision(struct addrman *a, const struct netaddr *addr)
{
    for (size_t i = 0; i < a->n_collisions; i++) {
        if (netaddr_eq(&a->collisions[i], addr))
            return;
    }
    if (a->n_collisions < MAX_COLLISIONS)
        a->collisions[a->n_collisions++] = *addr;
}

static bool good(struct addrman *a, const struct netaddr *addr, bool test_first, int64_t now)
{
    struct entry *e = find(a, addr);
    a->last_good = now;
    if (!e)
        return false;
    e->last_success = e->last_try = now;
    e->attempts = 0;
    if (e->tried || e->refs == 0)
        return false;
    if (test_first && *tried_place(a, addr)) {
        add_collision(a, addr);
        return false;
    }
    make_tried(a, e);
    return true;
}

bool addrman_good(struct addrman *a, const struct netaddr *addr)
{
    return good(a, addr, true, time_now());
}

void addrman_connected(struct addrman *a, const struct netaddr *addr)
{
    struct entry *e = find(a, addr);
    if (e && time_now() - e->time > 20 * MINUTE)
        e->time = time_now();
}

void addrman_set_services(struct addrman *a, const struct netaddr *addr, uint64_t services)
{
    struct entry *e = find(a, addr);
    if (e)
        e->services = services;
}

/* True where the collision at `addr` is settled. */
static bool resolve(struct addrman *a, const struct netaddr *addr)
{
    struct entry *e = find(a, addr);
    int64_t now = time_now();
    if (!e || e->tried)
        return true;
    struct entry *old = *tried_place(a, addr);
    if (!old) {
        good(a, addr, false, now);
        return true;
    }
    if (now - old->last_success < 4 * 60 * MINUTE)
        return true; /* it lives: the newcomer stays in new */
    if (now - old->last_try < 4 * 60 * MINUTE) {
        if (now - old->last_try <= MINUTE)
            return false; /* the test may still be running */
        good(a, addr, false, now);
        return true;
    }
    if (now - e->last_success > 40 * MINUTE) {
        good(a, addr, false, now); /* nobody found time to test */
        return true;
    }
    return false;
}

void addrman_resolve_collisions(struct addrman *a)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->n_collisions; i++) {
        struct netaddr addr = a->collisions[i];
        if (!resolve(a, &addr))
            a->collisions[kept++] = addr;
    }
    a->n_collisions = kept;
}

static void to_info(const struct entry *e, struct addr_info *out, int64_t *last_try)
{
    *out = (struct addr_info){e->addr, e->services, e->time};
    *last_try = e->last_try;
}

bool addrman_select_collision(struct addrman *a, struct addr_info *out, int64_t *last_try)
{
    if (a->n_collisions == 0)
        return false;
    const struct netaddr *addr = &a->collisions[random_below(a->n_collisions)];
    const struct entry *old = find(a, addr) ? *tried_place(a, addr) : NULL;
    if (!old)
        return false;
    to_info(old, out, last_try);
    return true;
}

/* ---- asking ---- */

static struct entry *random_entry(struct addrman *a, bool tried)
{
    for (;;) {
        size_t start = random_below(BUCKET_SIZE);
        struct entry **bucket = tried ? a->tried_slot[random_below(TRIED_BUCKETS)]
                                      : a->new_slot[random_below(NEW_BUCKETS)];
        for (size_t i = 0; i < BUCKET_SIZE; i++) {
            if (bucket[(start + i) % BUCKET_SIZE])
                return bucket[(start + i) % BUCKET_SIZE];
        }
    }
}

bool addrman_select(struct addrman *a, bool new_only, struct addr_info *out, int64_t *last_try)
{
    int64_t now = time_now();
    double factor = 1.0;
    if (a->n_new == 0 && (new_only || a->n_tried == 0))
        return false;
    bool tried = !new_only && a->n_tried > 0 && (a->n_new == 0 || random_below(2) == 0);
    for (;;) {
        const struct entry *e = random_entry(a, tried);
        if ((double)random_below(1u << 30) < factor * chance(e, now) * (double)(1u << 30)) {
            to_info(e, out, last_try);
            return true;
        }
        factor *= 1.2;
    }
}

struct addr_info *addrman_sample(struct addrman *a, size_t max, unsigned percent,
                                 enum addr_family f, bool good_only, size_t *n)
{
    size_t limit = percent ? a->n * percent / 100 : a->n;
    int64_t now = time_now();
    if (max && limit > max)
        limit = max;
    struct addr_info *out = xcalloc(limit + 1, sizeof(*out));
    *n = 0;
    for (size_t i = 0; i < a->n && *n < limit; i++) {
        size_t j = i + random_below(a->n - i);
        struct entry *e = a->all[j];
        a->all[j] = a->all[i];
        a->all[j]->index = j;
        a->all[i] = e;
        e->index = i;
        if ((f != ADDR_NONE && e->addr.family != f) || (good_only && is_terrible(e, now)))
            continue;
        out[(*n)++] = (struct addr_info){e->addr, e->services, e->time};
    }
    return out;
}

size_t addrman_size(const struct addrman *a)
{
    return a->n;
}

size_t addrman_count(const struct addrman *a, enum addr_family f, bool in_new, bool in_tried)
{
    size_t count = 0;
    if (f == ADDR_NONE)
        return (in_new ? a->n_new : 0) + (in_tried ? a->n_tried : 0);
    for (size_t i = 0; i < a->n; i++) {
        const struct entry *e = a->all[i];
        count += e->addr.family == f && (e->tried ? in_tried : in_new);
    }
    return count;
}

void addrman_each(const struct addrman *a, bool tried,
                  void (*fn)(void *arg, const struct addr_entry_info *e), void *arg)
{
    int buckets = tried ? TRIED_BUCKETS : NEW_BUCKETS;
    for (int b = 0; b < buckets; b++) {
        for (int p = 0; p < BUCKET_SIZE; p++) {
            const struct entry *e = tried ? a->tried_slot[b][p] : a->new_slot[b][p];
            if (!e)
                continue;
            struct addr_entry_info i = {{e->addr, e->services, e->time}, e->source, tried, b, p};
            fn(arg, &i);
        }
    }
}

bool addrman_find_place(const struct addrman *a, const struct netaddr *addr, int *bucket, int *pos)
{
    const struct entry *e = find(a, addr);
    if (!e)
        return false;
    *bucket = e->tried ? addrman_tried_bucket(a, addr) : addrman_new_bucket(a, addr, &e->source);
    *pos = addrman_position(a, !e->tried, *bucket, addr);
    return true;
}
