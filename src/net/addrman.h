/* The address manager: who else is out there, such that a liar with many addresses gains little. */
#ifndef MITE_NET_ADDRMAN_H
#define MITE_NET_ADDRMAN_H

#include "net/netaddr.h"

struct addrman;

/* An address as gossip tells it. */
struct addr_info {
    struct netaddr addr;
    uint64_t services;
    int64_t time; /* last heard of, seconds */
};

/* `deterministic` fixes the secret (tests only). */
struct addrman *addrman_create(bool deterministic);
void addrman_destroy(struct addrman *a);

size_t addrman_size(const struct addrman *a);
/* Counts by family; family ADDR_NONE: all. */
size_t addrman_count(const struct addrman *a, enum addr_family f, bool in_new, bool in_tried);

/* Adds what `source` told us; `penalty` seconds are taken from the times. Returns how many are new.
 */
size_t addrman_add(struct addrman *a, const struct addr_info *list, size_t n,
                   const struct netaddr *source, int64_t penalty);
/* A connection is about to be tried. `count_failure`: it counts against the address until it works.
 */
void addrman_attempt(struct addrman *a, const struct netaddr *addr, bool count_failure);
/* It worked: moves to tried. True where it did move. */
bool addrman_good(struct addrman *a, const struct netaddr *addr);
/* A long connection with it ended: refreshes its time. */
void addrman_connected(struct addrman *a, const struct netaddr *addr);
void addrman_set_services(struct addrman *a, const struct netaddr *addr, uint64_t services);
/* A random address, better ones more often. False where there is none. */
bool addrman_select(struct addrman *a, bool new_only, struct addr_info *out, int64_t *last_try);
/* An address that a newcomer to tried would push out, to be tested first by a feeler. */
bool addrman_select_collision(struct addrman *a, struct addr_info *out, int64_t *last_try);
void addrman_resolve_collisions(struct addrman *a);
/* Up to `max` random ones (0: all), at most `percent` of all (0: all), of one family or of any
 * (ADDR_NONE); `good_only` leaves out the hopeless. Caller frees. */
struct addr_info *addrman_sample(struct addrman *a, size_t max, unsigned percent,
                                 enum addr_family f, bool good_only, size_t *n);
/* Every entry with its place, for RPC. An entry in several new buckets is shown as often. */
struct addr_entry_info {
    struct addr_info info;
    struct netaddr source;
    bool tried;
    int bucket, position;
};
void addrman_each(const struct addrman *a, bool tried,
                  void (*fn)(void *arg, const struct addr_entry_info *e), void *arg);
/* Where `addr` would go, were it new and told by `source` (tests). */
bool addrman_find_place(const struct addrman *a, const struct netaddr *addr, int *bucket, int *pos);

/* peers.dat in Core's format. Load: false where the file is there but is none (*error, caller
 * frees); a missing file is an empty manager. */
bool addrman_load(struct addrman *a, const char *path, const uint8_t magic[4], char **error);
bool addrman_save(const struct addrman *a, const char *path, const uint8_t magic[4]);
/* The same from and to memory. */
bool addrman_read(struct addrman *a, struct span file, const uint8_t magic[4], const char **error);
void addrman_write(const struct addrman *a, const uint8_t magic[4], struct buf *out);

/* One address as peers.dat and anchors.dat have it. */
void addr_info_write_disk(struct buf *b, const struct addr_info *i);
bool addr_info_read_disk(struct reader *r, struct addr_info *out);

#endif
