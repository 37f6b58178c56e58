/* Names to addresses, without blocking the loop. */
#ifndef MITE_NET_RESOLVE_H
#define MITE_NET_RESOLVE_H

#include <event2/event.h>

#include "net/netaddr.h"

struct resolver;

struct resolver *resolver_create(struct event_base *base);
/* Lookups that are out are given up: they are answered with nothing. */
void resolver_destroy(struct resolver *r);
/* Calls `done` later with at most `max` (64 at most) addresses with `port`; none where it failed.
 */
void resolver_ask(struct resolver *r, const char *host, uint16_t port, size_t max,
                  void (*done)(void *arg, const struct netaddr *list, size_t n), void *arg);

#endif
