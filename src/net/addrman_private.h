/* What addrman.c and addrman_file.c share. */
#ifndef MITE_NET_ADDRMAN_PRIVATE_H
#define MITE_NET_ADDRMAN_PRIVATE_H

#include "net/addrman.h"
#include "util/table.h"

#define NEW_BUCKETS     1024
#define TRIED_BUCKETS   256
#define BUCKET_SIZE     64
#define NEW_PER_ADDRESS 8
#define NEW_PER_SOURCE  64
#define TRIED_PER_GROUP 8
#define MAX_COLLISIONS  10

struct entry {
    struct netaddr addr; /* key */
    uint64_t services;
    int64_t time, last_try, last_count_attempt, last_success;
    struct netaddr source;
    int32_t attempts;
    uint8_t refs; /* in new buckets */
    bool tried;
    size_t index; /* in all[] */
    int32_t file_index;
};

/* At most NEW_BUCKETS * BUCKET_SIZE + TRIED_BUCKETS * BUCKET_SIZE entries: each holds a slot. */
struct addrman {
    uint8_t key[32];
    struct table by_addr;
    struct entry **all;
    size_t n, cap;
    size_t n_new, n_tried;
    struct entry *new_slot[NEW_BUCKETS][BUCKET_SIZE];
    struct entry *tried_slot[TRIED_BUCKETS][BUCKET_SIZE];
    struct netaddr collisions[MAX_COLLISIONS];
    size_t n_collisions;
    int64_t last_good;
};

struct entry *addrman_create_entry(struct addrman *a, const struct addr_info *info,
                                   const struct netaddr *source);
void addrman_delete_entry(struct addrman *a, struct entry *e); /* holds no slot any more */
int addrman_tried_bucket(const struct addrman *a, const struct netaddr *addr);
int addrman_new_bucket(const struct addrman *a, const struct netaddr *addr,
                       const struct netaddr *source);
int addrman_position(const struct addrman *a, bool in_new, int bucket, const struct netaddr *addr);

#endif
