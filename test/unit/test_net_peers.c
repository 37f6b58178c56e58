/*
 * The whole of net/ over loopback, with chains and mempools: two nodes that sync and relay, and a
 * stranger with a socket who says what no node would.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "net/net.h"
#include "support/chain_dir.h"
#include "unit.h"
#include "util/time.h"

static struct event_base *base;
static const uint8_t magic[4] = {0xfa, 0xbf, 0xb5, 0xda};

struct node {
    struct test_chain tc;
    struct mempool *mempool;
    struct net *net;
    uint16_t port;
};

static uint16_t free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    close(fd);
    return ntohs(in.sin_port);
}

static void node_open(struct node *n)
{
    static const char *const none[] = {NULL};
    char bind_to[32], *error = NULL;
    const char *binds[] = {bind_to, NULL};
    struct mempool_options mo;
    memset(n, 0, sizeof(*n));
    test_chain_init(&n->tc, "regtest", 0);
    assert_true(test_chain_open(&n->tc));
    mempool_options_init(&mo);
    mo.chain = n->tc.chain;
    mo.require_standard = false;
    n->mempool = mempool_create(&mo);
    n->port = free_port();
    snprintf(bind_to, sizeof(bind_to), "127.0.0.1:%u", n->port);
    struct net_options no = {
        .base = base,
        .chain = n->tc.chain,
        .mempool = n->mempool,
        .datadir = n->tc.dir,
        .user_agent = "/test:1/",
        .bind = binds,
        .listen = true,
        .connect = none,
        .max_connections = 50,
        .inbound_relay_percent = 100,
        .peer_timeout_s = 60,
        .connect_timeout_ms = 5000,
        .max_send_buffer = 1000000,
        .max_receive_buffer = 5000000,
        .network_active = true,
        .ban_seconds = 86400,
    };
    n->net = net_create(&no, &error);
    assert_non_null(n->net);
    net_start(n->net);
}

static void node_close(struct node *n)
{
    net_destroy(n->net);
    mempool_destroy(n->mempool);
    test_chain_clear(&n->tc);
}

/* Runs the loop until `done` or ten seconds have gone. */
static bool run_until(bool (*done)(void *arg), void *arg)
{
    int64_t end = time_mono_us() + 10 * 1000000;
    while (!done(arg)) {
        struct timeval tv = {0, 20000};
        if (time_mono_us() > end)
            return false;
        event_base_loopexit(base, &tv);
        event_base_loop(base, EVLOOP_ONCE);
    }
    return true;
}

static void run_ms(int ms)
{
    int64_t end = time_mono_us() + ms * 1000;
    while (time_mono_us() < end) {
        struct timeval tv = {0, 5000};
        event_base_loopexit(base, &tv);
        event_base_loop(base, EVLOOP_ONCE);
    }
}

static void connect_nodes(struct node *a, const struct node *b)
{
    char text[32];
    snprintf(text, sizeof(text), "127.0.0.1:%u", b->port);
    assert_true(net_try_node(a->net, text));
}

struct pair {
    struct node a, b;
};

static bool same_tip(void *arg)
{
    struct pair *p = arg;
    chain_drain(p->a.tc.chain);
    chain_drain(p->b.tc.chain);
    return block_hash_eq(&chain_tip(p->a.tc.chain)->h.hash, &chain_tip(p->b.tc.chain)->h.hash);
}

static void test_sync(void **state)
{
    static struct pair p;
    (void)state;
    node_open(&p.a);
    node_open(&p.b);
    factory_extend(&p.a.tc, 40, 1);
    connect_nodes(&p.b, &p.a);
    assert_true(run_until(same_tip, &p));
    assert_int_equal(chain_height(p.b.tc.chain), 40);
    factory_extend(&p.b.tc, 1, 2); /* and the other way, by announcement */
    assert_true(run_until(same_tip, &p));
    assert_int_equal(chain_height(p.a.tc.chain), 41);
    factory_extend(&p.a.tc, 20, 3);
    assert_true(run_until(same_tip, &p));
    assert_int_equal(net_peer_count(p.a.net, true, false), 1);
    assert_int_equal(net_peer_count(p.b.net, false, true), 1);
    node_close(&p.a);
    node_close(&p.b);
}

static void test_reorganisation(void **state)
{
    static struct pair p;
    (void)state;
    node_open(&p.a);
    node_open(&p.b);
    factory_extend(&p.a.tc, 10, 1);
    factory_extend(&p.b.tc, 12, 2);
    connect_nodes(&p.a, &p.b);
    assert_true(run_until(same_tip, &p));
    assert_int_equal(chain_height(p.a.tc.chain), 12);
    node_close(&p.a);
    node_close(&p.b);
}

static bool b_has_tx(void *arg)
{
    const struct pair *p = arg;
    return mempool_count(p->b.mempool) == 1;
}

static void test_tx(void **state)
{
    static struct pair p;
    struct accept_result r;
    (void)state;
    node_open(&p.a);
    node_open(&p.b);
    factory_extend(&p.a.tc, 101, 1);
    connect_nodes(&p.b, &p.a);
    assert_true(run_until(same_tip, &p));
    bool error;
    struct block *b = chain_read_block(p.a.tc.chain, chain_at(p.a.tc.chain, 1), &error);
    struct outpoint prev = {b->tx[0]->txid, 0};
    struct tx *tx = factory_spend(&prev, 1, b->tx[0]->out[0].value, 1, 10000);
    block_unref(b);
    assert_true(mempool_accept(p.a.mempool, tx, 0, &r));
    accept_result_clear(&r);
    net_broadcast_tx(p.a.net, &tx->txid, &tx->wtxid);
    assert_int_equal(mempool_unbroadcast_count(p.a.mempool), 1);
    /* Time is made to run: trickling and requests wait for seconds. */
    for (int i = 0; i < 60 && !b_has_tx(&p); i++) {
        time_set_mock(time_now() + 2);
        run_ms(150);
    }
    time_set_mock(0);
    assert_true(b_has_tx(&p));
    assert_int_equal(mempool_unbroadcast_count(p.a.mempool), 0); /* somebody has asked */
    tx_unref(tx);
    node_close(&p.a);
    node_close(&p.b);
}

/* ---- a stranger ---- */

struct stranger {
    int fd;
    struct buf in;
    bool closed;
};

static struct stranger stranger_connect(const struct node *n)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons(n->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct stranger s = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(connect(s.fd, (struct sockaddr *)&in, sizeof(in)), 0);
    evutil_make_socket_nonblocking(s.fd);
    return s;
}

static void stranger_close(struct stranger *s)
{
    close(s->fd);
    buf_clear(&s->in);
}

static void send_raw(struct stranger *s, const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len > 0 && !s->closed) {
        ssize_t n = send(s->fd, p, len, MSG_NOSIGNAL);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (errno != EAGAIN) {
            s->closed = true;
        } else {
            run_ms(5);
        }
    }
}

static void say(struct stranger *s, const char *name, const void *data, size_t len)
{
    uint8_t header[24] = {0}, hash[32];
    memcpy(header, magic, 4);
    memcpy(header + 4, name, strlen(name));
    put_le32(header + 16, (uint32_t)len);
    sha256d(hash, data, len);
    memcpy(header + 20, hash, 4);
    send_raw(s, header, sizeof(header));
    send_raw(s, data, len);
}

static void read_some(struct stranger *s)
{
    uint8_t chunk[65536];
    ssize_t n = recv(s->fd, chunk, sizeof(chunk), 0);
    if (n > 0)
        write_bytes(&s->in, chunk, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        s->closed = true;
}

/* How often a message of this name has come. */
static unsigned heard(struct stranger *s, const char *name)
{
    unsigned count = 0;
    size_t at = 0;
    read_some(s);
    while (at + 24 <= s->in.len) {
        count += strncmp((const char *)s->in.data + at + 4, name, 12) == 0;
        at += 24 + get_le32(s->in.data + at + 16);
    }
    return count;
}

struct wait {
    struct stranger *s;
    const char *name;
    unsigned times;
};

static bool wait_heard(void *arg)
{
    struct wait *w = arg;
    return heard(w->s, w->name) >= w->times || w->s->closed;
}

static bool hears(struct stranger *s, const char *name, unsigned times)
{
    struct wait w = {s, name, times};
    return run_until(wait_heard, &w) && heard(s, name) >= times;
}

static bool wait_closed(void *arg)
{
    struct stranger *s = arg;
    read_some(s);
    return s->closed;
}

static void say_version(struct stranger *s, int32_t version, uint64_t nonce)
{
    struct buf b = BUF_INIT;
    uint8_t addr[26] = {0};
    write_u32(&b, (uint32_t)version);
    write_u64(&b, NODE_NETWORK | NODE_WITNESS);
    write_u64(&b, (uint64_t)time_now());
    write_bytes(&b, addr, 26);
    write_bytes(&b, addr, 26);
    write_u64(&b, nonce);
    write_var_span(&b, span_of("/stranger/", 10));
    write_u32(&b, 0);
    write_u8(&b, 1);
    say(s, "version", b.data, b.len);
    buf_clear(&b);
}

static struct stranger shake_hands(const struct node *n)
{
    struct stranger s = stranger_connect(n);
    say_version(&s, PROTOCOL_VERSION, 12345);
    say(&s, "verack", NULL, 0);
    assert_true(hears(&s, "verack", 1));
    assert_true(hears(&s, "ping", 1));
    return s;
}

/* Alive and listening. */
static bool answers(struct stranger *s)
{
    unsigned before = heard(s, "pong");
    say(s, "ping", "12345678", 8);
    return hears(s, "pong", before + 1);
}

static void test_handshake(void **state)
{
    static struct node n;
    (void)state;
    node_open(&n);
    struct stranger s = stranger_connect(&n);
    say(&s, "ping", "12345678", 8); /* before version: not heard */
    run_ms(50);
    assert_int_equal(heard(&s, "pong"), 0);
    say_version(&s, PROTOCOL_VERSION, 1);
    assert_true(hears(&s, "version", 1));
    assert_true(hears(&s, "verack", 1));
    assert_int_equal(heard(&s, "wtxidrelay"), 1);
    assert_int_equal(heard(&s, "sendaddrv2"), 1);
    assert_int_equal(heard(&s, "sendcmpct"), 0);
    say(&s, "ping", "12345678", 8); /* before verack: neither */
    run_ms(50);
    assert_int_equal(heard(&s, "pong"), 0);
    say(&s, "verack", NULL, 0);
    say_version(&s, PROTOCOL_VERSION, 1); /* once is enough */
    assert_true(answers(&s));
    stranger_close(&s);
    node_close(&n);
}

static void test_bad_handshakes(void **state)
{
    static struct node n;
    (void)state;
    node_open(&n);
    struct stranger s = stranger_connect(&n);
    say_version(&s, 31799, 1);
    assert_true(run_until(wait_closed, &s));
    stranger_close(&s);
    s = stranger_connect(&n);
    send_raw(&s, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_true(run_until(wait_closed, &s));
    stranger_close(&s);
    s = stranger_connect(&n);
    say(&s, "version", "short", 5); /* cannot be read: not a version */
    run_ms(50);
    assert_int_equal(heard(&s, "verack"), 0);
    stranger_close(&s);
    s = shake_hands(&n);
    say(&s, "wtxidrelay", NULL, 0);
    assert_true(run_until(wait_closed, &s));
    stranger_close(&s);
    run_ms(50);
    assert_int_equal(net_peer_count(n.net, true, true), 0);
    node_close(&n);
}

/* To ourselves: the nonce of our own version message comes back. */
static void test_self(void **state)
{
    static struct node n;
    char text[32];
    (void)state;
    node_open(&n);
    snprintf(text, sizeof(text), "127.0.0.1:%u", n.port);
    assert_true(net_try_node(n.net, text));
    run_ms(300);
    assert_int_equal(net_peer_count(n.net, true, true), 0);
    node_close(&n);
}

/* More than a message of its kind may hold: the sender goes. */
static void too_many(const struct node *n, const char *name, uint64_t count, size_t each)
{
    struct stranger s = shake_hands(n);
    struct buf b = BUF_INIT;
    uint8_t *zeros = xcalloc(count, each);
    write_compact(&b, count);
    write_bytes(&b, zeros, count * each);
    say(&s, name, b.data, b.len);
    assert_true(run_until(wait_closed, &s));
    buf_clear(&b);
    free(zeros);
    stranger_close(&s);
}

static void test_oversized(void **state)
{
    static struct node n;
    (void)state;
    node_open(&n);
    too_many(&n, "inv", MAX_INV + 1, 36);
    too_many(&n, "getdata", MAX_INV + 1, 36);
    too_many(&n, "headers", MAX_HEADERS + 1, 81);
    too_many(&n, "addr", MAX_ADDR + 1, 30);
    struct stranger s = shake_hands(&n);
    struct buf b = BUF_INIT;
    uint8_t zeros[32 * 103] = {0};
    write_u32(&b, PROTOCOL_VERSION);
    write_compact(&b, MAX_LOCATOR + 1);
    write_bytes(&b, zeros, sizeof(zeros));
    say(&s, "getheaders", b.data, b.len);
    assert_true(run_until(wait_closed, &s));
    buf_clear(&b);
    stranger_close(&s);
    node_close(&n);
}

/* Counts without their bytes cost nothing, and the connection stays. */
static void test_lying_counts(void **state)
{
    static const char *const names[] = {"inv",      "getdata",   "headers",   "addr",
                                        "addrv2",   "block",     "tx",        "getheaders",
                                        "notfound", "getblocks", "feefilter", "ping"};
    static const uint8_t lies[][9] = {
        {0xfd, 0xe8, 0x03}, {0xfe, 0, 0, 0, 0x7f}, {0xff, 255, 255, 255, 255, 255, 255, 255, 0x7f}};
    static struct node n;
    (void)state;
    node_open(&n);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (size_t k = 0; k < ARRAY_LEN(lies); k++) {
            struct stranger s = shake_hands(&n);
            say(&s, names[i], lies[k], sizeof(lies[k]));
            say(&s, names[i], NULL, 0);
            run_ms(2);
            stranger_close(&s);
        }
    }
    struct stranger s = shake_hands(&n);
    assert_true(answers(&s));
    stranger_close(&s);
    node_close(&n);
}

/* Random bytes in every message: the node lives, and answers the next one. */
static void test_random_messages(void **state)
{
    static struct node n;
    (void)state;
    node_open(&n);
    factory_extend(&n.tc, 3, 1);
    struct stranger s = shake_hands(&n);
    for (int i = 0; i < 3000; i++) {
        uint8_t data[200];
        test_rand_bytes(data, sizeof(data));
        data[0] %= 10; /* counts that fit */
        say(&s, message_name(test_rand() % MESSAGE_COUNT), data, test_rand() % sizeof(data));
        if (i % 20 == 0)
            run_ms(1);
        read_some(&s);
        if (s.closed) {
            stranger_close(&s);
            s = shake_hands(&n);
        }
    }
    stranger_close(&s);
    s = shake_hands(&n);
    assert_true(answers(&s));
    assert_int_equal(chain_height(n.tc.chain), 3);
    stranger_close(&s);
    node_close(&n);
}

static void test_headers_fault(void **state)
{
    static struct node n;
    struct buf b = BUF_INIT;
    uint8_t raw[HEADER_SIZE];
    (void)state;
    node_open(&n);
    struct block *block = factory_block(n.tc.opts.net, chain_tip(n.tc.chain), NULL, 0, 0, 7);
    struct header h = block->header;
    struct block_hash hash;
    block_unref(block);
    do {
        h.nonce++;
        hash = header_hash(&h);
    } while (pow_check(&hash, h.bits, n.tc.opts.net));
    write_compact(&b, 1);
    header_write(&h, raw);
    write_bytes(&b, raw, sizeof(raw));
    write_u8(&b, 0);
    struct stranger s = shake_hands(&n);
    say(&s, "headers", b.data, b.len);
    assert_true(run_until(wait_closed, &s));
    buf_clear(&b);
    stranger_close(&s);
    node_close(&n);
}

/* A block asked for by getdata, with and without its witness, and one that is not there. */
static void test_serve(void **state)
{
    static struct node n;
    struct buf b = BUF_INIT;
    uint8_t unknown[32] = {1};
    (void)state;
    node_open(&n);
    const struct block_index *i = factory_extend(&n.tc, 2, 1);
    struct stranger s = shake_hands(&n);
    write_compact(&b, 3);
    write_u32(&b, INV_WITNESS_BLOCK);
    write_bytes(&b, i->h.hash.b, 32);
    write_u32(&b, INV_BLOCK);
    write_bytes(&b, unknown, 32);
    write_u32(&b, INV_TX);
    write_bytes(&b, unknown, 32);
    say(&s, "getdata", b.data, b.len);
    assert_true(hears(&s, "notfound", 1));
    assert_int_equal(heard(&s, "block"), 1);
    buf_clear(&b);
    stranger_close(&s);
    node_close(&n);
}

static int setup(void **state)
{
    (void)state;
    base = event_base_new();
    return base == NULL;
}

static int teardown(void **state)
{
    (void)state;
    event_base_free(base);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_reorganisation),
        cmocka_unit_test(test_tx),
        cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_bad_handshakes),
        cmocka_unit_test(test_self),
        cmocka_unit_test(test_oversized),
        cmocka_unit_test(test_lying_counts),
        cmocka_unit_test(test_random_messages),
        cmocka_unit_test(test_headers_fault),
        cmocka_unit_test(test_serve),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
