/*
 * Transport v1: magic, name in twelve bytes, length, four bytes of SHA-256d, payload. The payload's
 * memory grows as its bytes arrive, never by the length the header states alone. A wrong magic or
 * length ends the connection, for nothing after it can be understood; a wrong checksum or name
 * costs only that message.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "net/transport.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define V1_HEADER 24
#define GROW_STEP (256u * 1024)

struct v1 {
    struct transport base;
    uint8_t magic[4];
    uint8_t header[V1_HEADER];
    size_t header_len;
    uint8_t *data;
    size_t len, cap, want;
    struct sha256 hash; /* of the payload so far */
};

static bool header_done(struct v1 *t, const char **error)
{
    if (memcmp(t->header, t->magic, 4) != 0) {
        *error = "wrong network magic";
        return false;
    }
    t->want = get_le32(t->header + 16);
    if (t->want > MAX_MESSAGE_SIZE) {
        *error = "message too large";
        return false;
    }
    sha256_init(&t->hash);
    return true;
}

static size_t take(uint8_t *to, size_t have, size_t want, struct span in)
{
    size_t n = want - have < in.len ? want - have : in.len;
    memcpy(to + have, in.data, n);
    return n;
}

/* Printable ASCII, then only zeros. */
static bool name_ok(const uint8_t name[12])
{
    size_t len = strnlen((const char *)name, 12);
    for (size_t i = 0; i < 12; i++) {
        if (i < len ? name[i] < 0x20 || name[i] > 0x7e : name[i] != 0)
            return false;
    }
    return true;
}

static struct message *finish(struct v1 *t)
{
    struct message *m = xcalloc(1, sizeof(*m));
    uint8_t hash[32];
    sha256d_final(&t->hash, hash);
    m->rejected = !name_ok(t->header + 4) || memcmp(hash, t->header + 20, 4) != 0;
    if (m->rejected) {
        m->id = MESSAGE_COUNT;
        log_debug(LOG_net, "message with a bad checksum or name dropped (%zu bytes)", t->len);
    } else {
        memcpy(m->name, t->header + 4, 12);
        m->id = message_find(m->name);
    }
    m->data = t->data;
    m->len = t->len;
    m->wire_size = t->len + V1_HEADER;
    m->time_us = time_now_us();
    t->data = NULL;
    t->header_len = t->len = t->cap = t->want = 0;
    return m;
}

static bool v1_receive(struct transport *base, struct span in, size_t *used, struct message **out,
                       struct evbuffer *reply, const char **error)
{
    struct v1 *t = (struct v1 *)base;
    size_t n = 0;
    (void)reply;
    *out = NULL;
    if (t->header_len < V1_HEADER) {
        n = take(t->header, t->header_len, V1_HEADER, in);
        t->header_len += n;
        /* A wrong magic shows at once: not every stranger sends 24 bytes. */
        if (t->header_len >= 4 && memcmp(t->header, t->magic, 4) != 0) {
            *error = "wrong network magic";
            return false;
        }
        if (t->header_len < V1_HEADER) {
            *used = n;
            return true;
        }
        if (!header_done(t, error))
            return false;
    }
    struct span rest = {in.data + n, in.len - n};
    size_t more = t->want - t->len < rest.len ? t->want - t->len : rest.len;
    if (t->len + more > t->cap) {
        size_t step = t->cap > GROW_STEP ? t->cap : GROW_STEP;
        t->cap = t->cap + step < t->len + more ? t->len + more : t->cap + step;
        t->cap = t->cap < t->want ? t->cap : t->want;
        t->data = xrealloc(t->data, t->cap);
    }
    if (more) {
        memcpy(t->data + t->len, rest.data, more);
        sha256_write(&t->hash, rest.data, more);
        t->len += more;
    }
    *used = n + more;
    if (t->len == t->want)
        *out = finish(t);
    return true;
}

static size_t v1_send_named(struct transport *base, struct evbuffer *out, const char *name,
                            struct span payload)
{
    struct v1 *t = (struct v1 *)base;
    uint8_t header[V1_HEADER] = {0}, hash[32];
    memcpy(header, t->magic, 4);
    memcpy(header + 4, name, strnlen(name, 12));
    put_le32(header + 16, (uint32_t)payload.len);
    sha256d(hash, payload.data, payload.len);
    memcpy(header + 20, hash, 4);
    CHECK(evbuffer_add(out, header, sizeof(header)) == 0);
    if (payload.len)
        CHECK(evbuffer_add(out, payload.data, payload.len) == 0);
    return V1_HEADER + payload.len;
}

static size_t v1_send(struct transport *t, struct evbuffer *out, enum message_id id,
                      struct span payload)
{
    return v1_send_named(t, out, message_name(id), payload);
}

static size_t v1_pending(const struct transport *base)
{
    const struct v1 *t = (const struct v1 *)base;
    return t->cap;
}

static void v1_destroy(struct transport *base)
{
    struct v1 *t = (struct v1 *)base;
    free(t->data);
    free(t);
}

static const struct transport_ops v1_ops = {
    v1_receive, v1_send, v1_send_named, v1_pending, v1_destroy, "v1",
};

struct transport *transport_v1_create(const uint8_t magic[4])
{
    struct v1 *t = xcalloc(1, sizeof(*t));
    t->base.ops = &v1_ops;
    memcpy(t->magic, magic, 4);
    return &t->base;
}
