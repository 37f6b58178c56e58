/*
 * Transport: how messages become bytes of one connection and back. A table of functions, so that
 * the peer protocol does not know which one a connection speaks.
 */
#ifndef MITE_NET_TRANSPORT_H
#define MITE_NET_TRANSPORT_H

#include <event2/buffer.h>

#include "net/message.h"
#include "util/bytes.h"

struct transport;

struct transport_ops {
    /* Feeds bytes from the peer. Takes as many as belong to at most one message (*used), and gives
     * that message in *out when it is complete (NULL otherwise). Replies of a handshake go to
     * `reply`. False: the connection cannot go on, *error (static) says why. */
    bool (*receive)(struct transport *t, struct span in, size_t *used, struct message **out,
                    struct evbuffer *reply, const char **error);
    /* Appends a message to the bytes that go out. Returns the bytes it takes on the wire. */
    size_t (*send)(struct transport *t, struct evbuffer *out, enum message_id id,
                   struct span payload);
    /* The same with a name that need not be one of ours (sendmsgtopeer). */
    size_t (*send_named)(struct transport *t, struct evbuffer *out, const char *name,
                         struct span payload);
    /* Bytes held for an unfinished message. */
    size_t (*pending)(const struct transport *t);
    void (*destroy)(struct transport *t);
    const char *name; /* "v1", "v2": as getpeerinfo has it */
};
struct transport {
    const struct transport_ops *ops;
};

struct transport *transport_v1_create(const uint8_t magic[4]);

#endif
