/*
 * peers.dat, byte for byte as Bitcoin Core has it (format 4): the network's magic, versions, the
 * secret, the entries of new and of tried, which new buckets each entry is in, the hash of an asmap
 * (none here), and SHA-256d of it all. Places in the buckets are not in the file: they follow from
 * the secret. What does not fit where the secret puts it is dropped, so a damaged or hostile file
 * can at worst make the manager forget.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "net/addrman_private.h"
#include "util/file.h"
#include "util/mem.h"

#define FORMAT       4
#define COMPAT_BASE  32
#define BUCKETS_FLAG (1 << 30)
#define DISK_VERSION 220000
#define DISK_ADDRV2  (1 << 29)
#define MAX_FILE     (64u * 1024 * 1024)

void addr_info_write_disk(struct buf *b, const struct addr_info *i)
{
    write_u32(b, DISK_VERSION | DISK_ADDRV2);
    write_u32(b, (uint32_t)i->time);
    write_compact(b, i->services);
    netaddr_write_v2(b, &i->addr);
}

bool addr_info_read_disk(struct reader *r, struct addr_info *out)
{
    uint32_t version = read_u32(r) & ~(uint32_t)0x7ffff; /* low bits: the writer's version */
    bool v2 = version & DISK_ADDRV2;
    if (version & ~(uint32_t)DISK_ADDRV2)
        reader_fail(r);
    out->time = read_u32(r);
    out->services = v2 ? read_compact(r, UINT64_MAX) : read_u64(r);
    out->addr = v2 ? netaddr_read_v2(r) : netaddr_read_v1(r);
    return reader_ok(r);
}

/* A host without its port. */
static void write_host(struct buf *b, const struct netaddr *a)
{
    write_u8(b, a->family);
    write_var_span(b, span_of(a->ip, addr_family_len(a->family)));
}

static struct netaddr read_host(struct reader *r)
{
    struct netaddr a = {.family = read_u8(r)};
    struct span ip = read_var_span(r, 512);
    if (ip.len != addr_family_len(a.family)) {
        memset(&a, 0, sizeof(a)); /* a source that we cannot name */
        return a;
    }
    memcpy(a.ip, ip.data, ip.len);
    return a;
}

static void write_entry(struct buf *b, const struct entry *e)
{
    struct addr_info i = {e->addr, e->services, e->time};
    struct netaddr source = e->source;
    if (source.family == ADDR_NONE) /* unknown: all zeros of IPv6 */
        source.family = ADDR_IPV6;
    addr_info_write_disk(b, &i);
    write_host(b, &source);
    write_u64(b, (uint64_t)e->last_success);
    write_u32(b, (uint32_t)e->attempts);
}

static bool read_entry(struct reader *r, struct entry *e)
{
    struct addr_info i;
    memset(e, 0, sizeof(*e));
    if (!addr_info_read_disk(r, &i))
        return false;
    e->addr = i.addr;
    e->services = i.services;
    e->time = i.time;
    e->source = read_host(r);
    e->last_success = read_i64(r);
    e->attempts = read_i32(r);
    return reader_ok(r);
}

static void write_buckets(const struct addrman *a, struct buf *out)
{
    for (int b = 0; b < NEW_BUCKETS; b++) {
        uint32_t n = 0;
        for (int p = 0; p < BUCKET_SIZE; p++)
            n += a->new_slot[b][p] != NULL;
        write_u32(out, n);
        for (int p = 0; p < BUCKET_SIZE; p++) {
            if (a->new_slot[b][p])
                write_u32(out, (uint32_t)a->new_slot[b][p]->file_index);
        }
    }
}

void addrman_write(const struct addrman *a, const uint8_t magic[4], struct buf *out)
{
    uint8_t hash[32], no_asmap[32] = {0};
    size_t start = out->len;
    int32_t index = 0;
    write_bytes(out, magic, 4);
    write_u8(out, FORMAT);
    write_u8(out, COMPAT_BASE + FORMAT);
    write_bytes(out, a->key, 32);
    write_u32(out, (uint32_t)a->n_new);
    write_u32(out, (uint32_t)a->n_tried);
    write_u32(out, NEW_BUCKETS ^ BUCKETS_FLAG);
    for (size_t i = 0; i < a->n; i++) {
        if (!a->all[i]->tried) {
            a->all[i]->file_index = index++;
            write_entry(out, a->all[i]);
        }
    }
    for (size_t i = 0; i < a->n; i++) {
        if (a->all[i]->tried)
            write_entry(out, a->all[i]);
    }
    write_buckets(a, out);
    write_bytes(out, no_asmap, 32);
    sha256d(hash, out->data + start, out->len - start);
    write_bytes(out, hash, 32);
}

static struct entry *insert(struct addrman *a, const struct entry *from)
{
    struct addr_info i = {from->addr, from->services, from->time};
    if (!netaddr_is_valid(&from->addr) || table_get(&a->by_addr, &from->addr))
        return NULL;
    struct entry *e = addrman_create_entry(a, &i, &from->source);
    e->last_success = from->last_success;
    e->attempts = from->attempts;
    return e;
}

static void place_tried(struct addrman *a, const struct entry *from)
{
    int b = addrman_tried_bucket(a, &from->addr);
    struct entry **slot = &a->tried_slot[b][addrman_position(a, false, b, &from->addr)];
    if (*slot)
        return;
    struct entry *e = insert(a, from);
    if (!e)
        return;
    *slot = e;
    e->tried = true;
    a->n_tried++;
}

static void place_new(struct addrman *a, struct entry *e, int bucket)
{
    struct entry **slot = &a->new_slot[bucket][addrman_position(a, true, bucket, &e->addr)];
    if (*slot || e->refs == NEW_PER_ADDRESS)
        return;
    *slot = e;
    if (e->refs++ == 0)
        a->n_new++;
}

/* The buckets that each new entry is in; `list` in the order of the file, NULL where it was
 * dropped. */
static void read_buckets(struct addrman *a, struct reader *r, struct entry **list, size_t n,
                         uint32_t buckets)
{
    for (uint32_t b = 0; b < buckets && reader_ok(r); b++) {
        uint32_t count = read_u32(r);
        for (uint32_t i = 0; i < count && reader_ok(r); i++) {
            uint32_t index = read_u32(r);
            if (reader_ok(r) && index < n && list[index] && b < NEW_BUCKETS)
                place_new(a, list[index], (int)b);
        }
    }
}

static void read_entries(struct addrman *a, struct reader *r)
{
    uint32_t n_new = read_u32(r), n_tried = read_u32(r), buckets = read_u32(r) ^ BUCKETS_FLAG;
    struct entry e;
    if (n_new > NEW_BUCKETS * BUCKET_SIZE || n_tried > TRIED_BUCKETS * BUCKET_SIZE)
        reader_fail(r);
    if (!reader_ok(r))
        return;
    struct entry **list = xcalloc((size_t)n_new + 1, sizeof(*list));
    for (uint32_t i = 0; i < n_new && read_entry(r, &e); i++)
        list[i] = insert(a, &e);
    for (uint32_t i = 0; i < n_tried && read_entry(r, &e); i++)
        place_tried(a, &e);
    read_buckets(a, r, list, n_new, buckets);
    for (uint32_t i = 0; i < n_new; i++) {
        if (list[i] && list[i]->refs == 0)
            place_new(a, list[i], addrman_new_bucket(a, &list[i]->addr, &list[i]->source));
        if (list[i] && list[i]->refs == 0)
            addrman_delete_entry(a, list[i]);
    }
    free(list);
}

bool addrman_read(struct addrman *a, struct span file, const uint8_t magic[4], const char **error)
{
    uint8_t hash[32], zero[32] = {0};
    struct reader r;
    if (file.len < 4 + 2 + 32 + 12 + 32 || memcmp(file.data, magic, 4) != 0) {
        *error = "it is not of this network, or too short";
        return false;
    }
    sha256d(hash, file.data, file.len - 32);
    if (memcmp(hash, file.data + file.len - 32, 32) != 0) {
        *error = "its checksum is wrong, data is corrupted";
        return false;
    }
    reader_init(&r, file.data + 4, file.len - 36);
    read_u8(&r);
    if (read_u8(&r) > COMPAT_BASE + FORMAT) {
        *error = "it was written by a newer version";
        return false;
    }
    read_bytes(&r, a->key, 32);
    if (memcmp(a->key, zero, 32) == 0)
        reader_fail(&r);
    read_entries(a, &r);
    if (!reader_ok(&r)) {
        *error = "it ends early";
        return false;
    }
    return true;
}

bool addrman_load(struct addrman *a, const char *path, const uint8_t magic[4], char **error)
{
    struct buf file = BUF_INIT;
    const char *why = NULL;
    if (!path_exists(path))
        return true;
    bool ok = file_read(path, &file, MAX_FILE);
    if (!ok)
        why = strerror(errno);
    else
        ok = addrman_read(a, buf_span(&file), magic, &why);
    if (!ok)
        *error =
            xasprintf("Invalid or corrupt peers.dat (%s). If you believe this is a bug, please "
                      "report it. As a workaround, you can move the file (\"%s\") out of the "
                      "way (rename, move, or delete) to have a new one created on the next "
                      "start.",
                      why, path);
    buf_clear(&file);
    return ok;
}

bool addrman_save(const struct addrman *a, const char *path, const uint8_t magic[4])
{
    struct buf file = BUF_INIT;
    addrman_write(a, magic, &file);
    bool ok = file_replace(path, file.data, file.len);
    buf_clear(&file);
    return ok;
}
