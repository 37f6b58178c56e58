/*
 * DNS by libevent's evdns, which runs on our loop: getaddrinfo() would need a thread of its own
 * that cannot be stopped. The resolver is started with the first question; a node that never asks
 * for a name reads no resolv.conf and opens no socket.
 */
#include "net/resolve.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include <event2/dns.h>
#include <event2/util.h>

#include "util/log.h"
#include "util/mem.h"

#define MAX_ANSWERS 64

struct question {
    struct question *next;
    struct resolver *resolver;
    uint16_t port;
    size_t max;
    void (*done)(void *arg, const struct netaddr *list, size_t n);
    void *arg;
};
struct resolver {
    struct event_base *base;
    struct evdns_base *dns;
    struct question *out;
};

struct resolver *resolver_create(struct event_base *base)
{
    struct resolver *r = xcalloc(1, sizeof(*r));
    r->base = base;
    return r;
}

void resolver_destroy(struct resolver *r)
{
    if (!r)
        return;
    for (struct question *q = r->out; q; q = q->next) {
        q->done(q->arg, NULL, 0);
        q->done = NULL; /* answered(), called for each by the next line, only frees */
    }
    if (r->dns)
        evdns_base_free(r->dns, 1);
    free(r);
}

static void unlink_question(struct question *q)
{
    struct question **at = &q->resolver->out;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
}

static void answered(int result, struct evutil_addrinfo *list, void *arg)
{
    struct question *q = arg;
    struct netaddr out[MAX_ANSWERS];
    size_t n = 0;
    if (result != 0)
        log_debug(LOG_net, "name lookup failed: %s", evutil_gai_strerror(result));
    for (const struct evutil_addrinfo *i = list; result == 0 && i && n < q->max; i = i->ai_next) {
        out[n] = netaddr_from_sockaddr(i->ai_addr);
        out[n].port = q->port;
        n += out[n].family != ADDR_NONE;
    }
    if (list)
        evutil_freeaddrinfo(list);
    if (q->done) {
        unlink_question(q);
        q->done(q->arg, out, n);
    }
    free(q);
}

void resolver_ask(struct resolver *r, const char *host, uint16_t port, size_t max,
                  void (*done)(void *arg, const struct netaddr *list, size_t n), void *arg)
{
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    if (!r->dns)
        r->dns = evdns_base_new(r->base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                             EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!r->dns) {
        log_warning("DNS is not available: no name server is configured");
        done(arg, NULL, 0);
        return;
    }
    struct question *q = xcalloc(1, sizeof(*q));
    *q = (struct question){r->out, r, port, max < MAX_ANSWERS ? max : MAX_ANSWERS, done, arg};
    r->out = q;
    evdns_getaddrinfo(r->dns, host, NULL, &hints, answered, q);
}
