/*
 * Who is asked for which transaction, and when. Announcements come in, requests come due: each
 * transaction is asked of one peer at a time, of preferred peers first, of the next one when the
 * answer does not come.
 */
#ifndef MITE_NET_TXREQUEST_H
#define MITE_NET_TXREQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct txrequest;

struct tx_want {
    uint8_t hash[32];
    bool wtxid; /* how the peer announced it */
};

struct txrequest *txrequest_create(void);
void txrequest_destroy(struct txrequest *t);

/* Peer `peer` has it; it may be asked from `time_us` on. The caller bounds announcements by
 * txrequest_count(). A second announcement of the same by the same peer changes nothing. */
void txrequest_announce(struct txrequest *t, int peer, const struct tx_want *w, bool preferred,
                        int64_t time_us);
/* What is to be asked of this peer now, in order of announcement; at most `max`. */
size_t txrequest_due(struct txrequest *t, int peer, int64_t now_us, struct tx_want *out,
                     size_t max);
/* It was asked; no answer by `expiry_us` counts as none at all. */
void txrequest_requested(struct txrequest *t, int peer, const uint8_t hash[32], int64_t expiry_us);
/* The peer answered (with it or with notfound): it is not asked for it again. */
void txrequest_answered(struct txrequest *t, int peer, const uint8_t hash[32]);
/* We have it, or want it no more. */
void txrequest_forget(struct txrequest *t, const uint8_t hash[32]);
void txrequest_forget_peer(struct txrequest *t, int peer);

size_t txrequest_count(const struct txrequest *t, int peer);    /* announcements of the peer */
size_t txrequest_inflight(const struct txrequest *t, int peer); /* requests out to it */
size_t txrequest_size(const struct txrequest *t);               /* announcements in all */
/* Peers that may still be asked for it; at most `max`. */
size_t txrequest_candidates(const struct txrequest *t, const uint8_t hash[32], int *peers,
                            size_t max);

#endif
