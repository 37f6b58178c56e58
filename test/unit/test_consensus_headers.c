/*
 * Headers: real sequences of four networks pass the contextual checks; every retarget of mainnet is
 * computed; each reason string by construction; ancestors, targets, deployments.
 */
#include <math.h>

#include "consensus/headers.h"
#include "support/vectors.h"
#include "unit.h"

#define FAR_FUTURE INT64_C(4000000000)

/* Headers of a file as a chain; the first is given `height`. */
struct chain {
    struct hnode *nodes;
    size_t n;
};

static void set_height(struct hnode *n, int32_t height)
{
    n->height = height;
}

static struct chain load_chain(const char *file, int32_t height)
{
    struct buf raw = BUF_INIT;
    struct chain c;

    shared_append(file, &raw);
    assert_int_equal(raw.len % HEADER_SIZE, 0);
    c.n = raw.len / HEADER_SIZE;
    c.nodes = xcalloc(c.n, sizeof(*c.nodes));
    for (size_t i = 0; i < c.n; i++) {
        struct header h;
        struct block_hash hash;

        header_read(&h, raw.data + i * HEADER_SIZE);
        hash = header_hash(&h);
        if (i > 0)
            assert_true(block_hash_eq(&h.prev, &c.nodes[i - 1].hash));
        hnode_init(&c.nodes[i], &h, &hash, i ? &c.nodes[i - 1] : NULL);
        if (i == 0)
            set_height(&c.nodes[i], height);
    }
    buf_clear(&raw);
    return c;
}

static struct header header_of(const struct hnode *n)
{
    struct header h;

    hnode_header(n, &h);
    return h;
}

/* All headers from `first` (of the file) on pass both checks. */
static void check_chain(const char *network, const char *file, int32_t height, size_t first)
{
    const struct network *net = network_find(network);
    struct chain c = load_chain(file, height);
    struct verdict v;

    for (size_t i = first; i < c.n; i++) {
        struct header h = header_of(&c.nodes[i]);

        if (!header_check(&h, &c.nodes[i].hash, net, &v) ||
            !header_check_contextual(&h, c.nodes[i].prev, FAR_FUTURE, net, &v))
            fail_msg("%s %d: %s", network, c.nodes[i].height, v.reason);
        assert_true(pow_transition_possible(net, c.nodes[i].height, c.nodes[i - 1].bits, h.bits));
    }
    printf("%s: %zu headers\n", file, c.n - first);
    free(c.nodes);
}

static void real_headers(void **state)
{
    (void)state;
    check_chain("main", "chain/headers/mainnet_0_10236.bin", 0, 1);
    check_chain("main", "chain/headers/mainnet_822528_830592.bin", 822528, 11);
    check_chain("signet", "chain/headers/signet_0_2015.bin", 0, 1);
    check_chain("testnet4", "chain/headers/testnet4_141120_143136.bin", 141120, 11);
}

/* The last and first header of every period of mainnet: computed bits, and the sum of all work. */
static void retargets_of_mainnet(void **state)
{
    const struct network *net = network_find("main");
    char *text = shared_read("chain/headers/mainnet_retarget_boundaries.jsonl"), *save = NULL;
    struct hnode first = {0}, last = {0};
    unsigned count = 0;

    (void)state;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct json_object *o = json_tokener_parse(line);
        int32_t height = json_object_get_int(json_member(o, "height"));
        uint8_t raw[HEADER_SIZE];
        struct block_hash hash;
        struct hnode n;
        struct header h;
        struct u256 want;

        hex_exact(raw, sizeof(raw), json_str(json_member(o, "header")));
        header_read(&h, raw);
        hash = header_hash(&h);
        assert_true(pow_check(&hash, h.bits, net));
        assert_true(u256_from_hex(&want, json_str(json_member(o, "chainwork_be"))));
        hnode_init(&n, &h, &hash, NULL);
        n.height = height;
        n.work = want;
        if (height % 2016 == 0) {
            if (height > 0) {
                /* the two ends of the period are all that a retarget looks at */
                last.prev = last.skip = &first;
                assert_int_equal(pow_next_bits(net, &last, h.time), h.bits);
                assert_true(pow_transition_possible(net, height, last.bits, h.bits));
                count++;
            }
            first = n;
        } else {
            struct u256 period = u256_mul_u64(bits_work(h.bits), 2015);

            assert_int_equal(height % 2016, 2015);
            assert_int_equal(h.bits, first.bits);
            assert_int_equal(u256_cmp(u256_add(first.work, period), n.work), 0);
            last = n;
        }
        json_object_put(o);
    }
    printf("%u retargets\n", count);
    assert_in_range(count, 400, 500);
    free(text);
}

static void finds_ancestors(void **state)
{
    enum { N = 5000 };
    struct hnode *a = xcalloc(N, sizeof(*a)), *b = xcalloc(N, sizeof(*b));
    struct header h = {.bits = 0x207fffff};
    struct block_hash hash = {{0}};

    (void)state;
    for (int i = 0; i < N; i++) {
        h.time = (uint32_t)i;
        put_le32(hash.b, (uint32_t)i);
        hnode_init(&a[i], &h, &hash, i ? &a[i - 1] : NULL);
        hash.b[31] = 1;
        hnode_init(&b[i], &h, &hash, i > 1234 ? &b[i - 1] : i ? &a[i - 1] : NULL);
        hash.b[31] = 0;
    }
    for (int i = 0; i < 20000; i++) {
        int32_t from = (int32_t)(test_rand() % N), to = (int32_t)(test_rand() % N);

        assert_ptr_equal(hnode_ancestor(&a[from], to), to > from ? NULL : &a[to]);
    }
    assert_null(hnode_ancestor(&a[5], -1));
    assert_null(hnode_ancestor(NULL, 0));
    assert_ptr_equal(hnode_last_common(&a[N - 1], &b[N - 1]), &a[1233]);
    assert_ptr_equal(hnode_last_common(&b[1300], &a[4000]), &a[1233]);
    assert_ptr_equal(hnode_last_common(&a[1000], &b[4000]), &a[1000]);
    assert_ptr_equal(hnode_last_common(&a[7], &a[7]), &a[7]);
    assert_int_equal(a[100].time_max, 100);
    free(a);
    free(b);
}

static void median_time(void **state)
{
    static const uint32_t times[] = {50, 40, 60, 10, 100, 90, 20, 80, 30, 70, 65, 5};
    static const int64_t medians[] = {50, 50, 50, 50, 50, 60, 50, 60, 50, 60, 60, 60};
    struct hnode nodes[12];
    struct header h = {.bits = 0x207fffff};
    struct block_hash hash = {{0}};

    (void)state;
    for (int i = 0; i < 12; i++) {
        h.time = times[i];
        hnode_init(&nodes[i], &h, &hash, i ? &nodes[i - 1] : NULL);
        assert_int_equal(hnode_median_time_past(&nodes[i]), medians[i]);
    }
    assert_int_equal(nodes[11].time_max, 100);
}

/* ---- targets ---- */

static void compact_targets(void **state)
{
    static const struct {
        uint32_t bits;
        const char *target; /* NULL: no target */
        uint32_t again;
    } cases[] = {
        {0, NULL, 0},
        {0x00123456, NULL, 0},
        {0x01003456, NULL, 0},
        {0x01123456, "12", 0x01120000},
        {0x02008000, "80", 0x02008000},
        {0x01fedcba, NULL, 0}, /* negative */
        {0x04923456, NULL, 0}, /* negative */
        {0x05009234, "92340000", 0x05009234},
        {0x04123456, "12345600", 0x04123456},
        {0x20123456, "1234560000000000000000000000000000000000000000000000000000000000",
         0x20123456},
        {0x1d00ffff, "ffff0000000000000000000000000000000000000000000000000000", 0x1d00ffff},
        {0x21010000, NULL, 0}, /* 2^256 */
        {0xff123456, NULL, 0},
        {0x220000ff, "ff00000000000000000000000000000000000000000000000000000000000000",
         0x2100ff00},
        {0x2200ff00, NULL, 0},
        {0x21008000, "8000000000000000000000000000000000000000000000000000000000000000",
         0x21008000},
    };
    struct u256 limit = u256_not(u256_from_u64(0)), target, want;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool ok = bits_to_target(cases[i].bits, &limit, &target);

        if (ok != (cases[i].target != NULL))
            fail_msg("%08x", cases[i].bits);
        if (!ok) {
            if (cases[i].bits >> 24 <= 4)
                assert_true(u256_is_zero(bits_work(cases[i].bits)));
            continue;
        }
        assert_true(u256_from_hex(&want, cases[i].target));
        assert_int_equal(u256_cmp(target, want), 0);
        assert_int_equal(target_to_bits(target), cases[i].again);
    }
    limit = u256_from_u64(0x80);
    assert_true(bits_to_target(0x02008000, &limit, &target));
    limit = u256_from_u64(0x7f);
    assert_false(bits_to_target(0x02008000, &limit, &target));
    assert_int_equal(bits_work(0x1d00ffff).w[0], 0x100010001);
    assert_int_equal(bits_work(0x207fffff).w[0], 2);
}

static void difficulty(void **state)
{
    (void)state;
    assert_true(bits_difficulty(0x1d00ffff) == 1.0);
    assert_true(fabs(bits_difficulty(0x207fffff) - 4.656542373906925e-10) < 1e-20);
    assert_true(fabs(bits_difficulty(0x1b0404cb) - 16307.420938523983) < 1e-9);
}

static void proof_of_work(void **state)
{
    const struct network *net = network_find("main");
    struct block_hash hash = net->genesis_hash;
    struct header h = net->genesis_header;
    struct verdict v;

    (void)state;
    assert_true(header_check(&h, &hash, net, &v));
    assert_false(pow_check(&hash, 0x1d00ffff ^ 0x00800000, net));
    assert_false(pow_check(&hash, 0x207fffff, net)); /* easier than the limit */
    assert_false(pow_check(&hash, 0, net));
    assert_false(pow_check(&hash, 0xff123456, net));
    hash.b[31] = 1;
    assert_false(header_check(&h, &hash, net, &v));
    assert_string_equal(v.reason, "high-hash");
    assert_string_equal(v.detail, "proof of work failed");
    assert_int_equal(v.kind, VERDICT_INVALID_HEADER);
}

/* ---- reasons ---- */

/* n headers of a network's limit, `step` seconds apart, from its genesis on. */
static struct hnode *make_chain(const struct network *net, int n, uint32_t step, int32_t version)
{
    struct hnode *nodes = xcalloc((size_t)n, sizeof(*nodes));
    struct header h = net->genesis_header;
    struct block_hash hash = net->genesis_hash;

    for (int i = 0; i < n; i++) {
        hnode_init(&nodes[i], &h, &hash, i ? &nodes[i - 1] : NULL);
        h.time += step;
        h.version = version;
        put_le32(hash.b, (uint32_t)i);
    }
    return nodes;
}

static void assert_header(const struct header *h, const struct hnode *prev, int64_t now,
                          const struct network *net, const char *reason, enum verdict_kind kind)
{
    struct verdict v = {.kind = VERDICT_VALID};
    bool ok = header_check_contextual(h, prev, now, net, &v);

    assert_string_equal(ok ? "" : v.reason, reason);
    assert_int_equal(v.kind, kind);
}

static void header_reasons(void **state)
{
    const struct network *net = network_find("regtest");
    struct hnode *nodes = make_chain(net, 20, 600, 4);
    const struct hnode *tip = &nodes[19];
    struct header h = header_of(tip), bad;

    (void)state;
    h.time += 600;
    assert_header(&h, tip, h.time, net, "", VERDICT_VALID);
    bad = h;
    bad.bits--;
    assert_header(&bad, tip, h.time, net, "bad-diffbits", VERDICT_INVALID_HEADER);
    bad = h;
    bad.time = (uint32_t)hnode_median_time_past(tip);
    assert_header(&bad, tip, h.time, net, "time-too-old", VERDICT_INVALID_HEADER);
    bad.time++;
    assert_header(&bad, tip, h.time, net, "", VERDICT_VALID);
    assert_header(&h, tip, h.time - 7200, net, "", VERDICT_VALID);
    assert_header(&h, tip, h.time - 7201, net, "time-too-new", VERDICT_TIME_FUTURE);
    for (int32_t version = 1; version < 4; version++) {
        char reason[32];

        bad = h;
        bad.version = version;
        snprintf(reason, sizeof(reason), "bad-version(0x%08x)", (unsigned)version);
        assert_header(&bad, tip, h.time, net, reason, VERDICT_INVALID_HEADER);
    }
    bad.version = -1;
    assert_header(&bad, tip, h.time, net, "bad-version(0xffffffff)", VERDICT_INVALID_HEADER);
    free(nodes);
}

static void versions_by_height(void **state)
{
    struct network *net = network_copy(network_find("regtest"));
    struct hnode *nodes = make_chain(net, 20, 600, 1);
    struct header h = header_of(&nodes[19]);

    (void)state;
    h.time += 600;
    for (int i = 0; i < BURIED_COUNT; i++)
        net->buried[i] = 21;
    assert_header(&h, &nodes[19], h.time, net, "", VERDICT_VALID);
    net->buried[BURIED_BIP34] = 20;
    assert_header(&h, &nodes[19], h.time, net, "bad-version(0x00000001)", VERDICT_INVALID_HEADER);
    h.version = 2;
    assert_header(&h, &nodes[19], h.time, net, "", VERDICT_VALID);
    net->buried[BURIED_BIP66] = 20;
    assert_header(&h, &nodes[19], h.time, net, "bad-version(0x00000002)", VERDICT_INVALID_HEADER);
    net->buried[BURIED_BIP66] = BURIED_NEVER;
    assert_header(&h, &nodes[19], h.time, net, "", VERDICT_VALID);
    network_free(net);
    free(nodes);
}

/* Testnet's 20 minutes: the limit after them, else the last real bits within the period. */
static void min_difficulty(void **state)
{
    const struct network *net = network_find("test");
    struct hnode *nodes = make_chain(net, 2100, 600, 4);
    uint32_t limit = 0x1d00ffff, hard = 0x1c00ffff;

    (void)state;
    for (int i = 2016; i < 2100; i++)
        nodes[i].bits = hard;
    assert_int_equal(pow_next_bits(net, &nodes[2050], nodes[2050].time + 1200), hard);
    assert_int_equal(pow_next_bits(net, &nodes[2050], nodes[2050].time + 1201), limit);
    nodes[2049].bits = nodes[2050].bits = limit;
    assert_int_equal(pow_next_bits(net, &nodes[2050], nodes[2050].time + 1), hard);
    /* a period that begins with the limit keeps it */
    for (int i = 2016; i <= 2050; i++)
        nodes[i].bits = limit;
    nodes[2015].bits = hard;
    assert_int_equal(pow_next_bits(net, &nodes[2050], nodes[2050].time + 1), limit);
    free(nodes);
}

/* BIP94: the retarget takes the first block's bits; the first block of a period may not be more
 * than 600 seconds before its predecessor. */
static void testnet4_rules(void **state)
{
    const struct network *net = network_find("testnet4"), *old = network_find("test");
    struct hnode *nodes = make_chain(net, 2016, 600, 4);
    struct hnode *last = &nodes[2015];
    uint32_t limit = 0x1d00ffff, hard = 0x1c00ffff;
    struct header h;

    (void)state;
    for (int i = 0; i < 2015; i++)
        nodes[i].bits = hard;
    last->bits = limit;
    /* 2015 intervals instead of 2016: a little harder than before */
    assert_int_equal(pow_next_bits(old, last, last->time + 1), 0x1d00ffde);
    assert_int_equal(pow_next_bits(net, last, last->time + 1), 0x1c00ffde);
    last->bits = hard;
    h = header_of(last);
    h.bits = pow_next_bits(net, last, 0);
    h.time = last->time - 600;
    assert_header(&h, last, FAR_FUTURE, net, "", VERDICT_VALID);
    h.time--;
    assert_header(&h, last, FAR_FUTURE, net, "time-timewarp-attack", VERDICT_INVALID_HEADER);
    assert_header(&h, last, FAR_FUTURE, old, "", VERDICT_VALID);
    free(nodes);
}

static void transitions(void **state)
{
    const struct network *net = network_find("main");

    (void)state;
    assert_true(pow_transition_possible(net, 2017, 0x1c00ffff, 0x1c00ffff));
    assert_false(pow_transition_possible(net, 2017, 0x1c00ffff, 0x1c00fffe));
    assert_true(pow_transition_possible(net, 2016, 0x1c00ffff, 0x1c03fffc));
    assert_false(pow_transition_possible(net, 2016, 0x1c00ffff, 0x1c03fffd));
    assert_true(pow_transition_possible(net, 2016, 0x1c00ffff, 0x1b3fffc0));
    assert_false(pow_transition_possible(net, 2016, 0x1c00ffff, 0x1b3fffbf));
    assert_true(pow_transition_possible(net, 2016, 0x1d00ffff, 0x1d00ffff));
    assert_false(pow_transition_possible(net, 2016, 0x1d00ffff, 0x1d010000));
    assert_true(pow_transition_possible(network_find("test"), 2017, 0x1c00ffff, 0x1d00ffff));
}

/* ---- deployments ---- */

struct bip9_chain {
    struct network *net;
    struct hnode nodes[144 * 8];
    int n;
};

static void mine_version(struct bip9_chain *c, int blocks, int32_t version, uint32_t time)
{
    for (; blocks > 0; blocks--, c->n++) {
        struct header h = {.version = version, .bits = 0x207fffff, .time = time};
        struct block_hash hash = {{0}};

        put_le32(hash.b, (uint32_t)c->n + 1);
        hnode_init(&c->nodes[c->n], &h, &hash, c->n ? &c->nodes[c->n - 1] : NULL);
    }
}

static void mine(struct bip9_chain *c, int blocks, bool signal, uint32_t time)
{
    mine_version(c, blocks, signal ? 0x30000000 : 0x20000000, time);
}

static void assert_state(const struct bip9_chain *c, enum deployment_state want, int32_t since)
{
    const struct hnode *tip = c->n ? &c->nodes[c->n - 1] : NULL;

    assert_int_equal(deployment_state(c->net, DEPLOYMENT_TESTDUMMY, tip), want);
    assert_int_equal(deployment_since(c->net, DEPLOYMENT_TESTDUMMY, tip), since);
}

static struct bip9_chain *start_chain(int64_t start, int64_t timeout, int32_t min_height)
{
    struct bip9_chain *c = xcalloc(1, sizeof(*c));
    struct deployment *d;

    c->net = network_copy(network_find("regtest"));
    d = &c->net->deployments[DEPLOYMENT_TESTDUMMY];
    d->start_time = start;
    d->timeout = timeout;
    d->min_activation_height = min_height;
    return c;
}

static void end_chain(struct bip9_chain *c)
{
    network_free(c->net);
    free(c);
}

static void bip9_activates(void **state)
{
    struct bip9_chain *c = start_chain(1000, 9000, 144 * 6);
    struct deployment_stats s;

    (void)state;
    assert_state(c, DEPLOYMENT_DEFINED, 0);
    mine(c, 144, true, 999);
    assert_state(c, DEPLOYMENT_DEFINED, 0);
    mine(c, 143, true, 1000);
    assert_state(c, DEPLOYMENT_DEFINED, 0);
    mine(c, 1, true, 1000);
    assert_state(c, DEPLOYMENT_STARTED, 288);
    assert_int_equal(block_version_for(c->net, &c->nodes[c->n - 1]), 0x30000000);
    mine(c, 107, true, 2000);
    mine(c, 37, false, 2000);
    assert_state(c, DEPLOYMENT_STARTED, 288);
    mine(c, 37, false, 3000);
    s = deployment_statistics(c->net, DEPLOYMENT_TESTDUMMY, &c->nodes[c->n - 1]);
    assert_int_equal(s.elapsed, 37);
    assert_int_equal(s.count, 0);
    assert_false(s.possible);
    c->n -= 1;
    mine(c, 1, true, 3000);
    mine(c, 107, true, 3000);
    s = deployment_statistics(c->net, DEPLOYMENT_TESTDUMMY, &c->nodes[c->n - 1]);
    assert_int_equal(s.period, 144);
    assert_int_equal(s.threshold, 108);
    assert_int_equal(s.elapsed, 144);
    assert_int_equal(s.count, 108);
    assert_true(s.possible);
    assert_true(deployment_signals(c->net, DEPLOYMENT_TESTDUMMY, &c->nodes[c->n - 1]));
    assert_state(c, DEPLOYMENT_LOCKED_IN, 144 * 4);
    /* the minimum height holds it there for a period more */
    mine(c, 144, false, 10000);
    assert_state(c, DEPLOYMENT_LOCKED_IN, 144 * 4);
    assert_int_equal(block_version_for(c->net, &c->nodes[c->n - 1]), 0x30000000);
    mine(c, 144, false, 10000);
    assert_state(c, DEPLOYMENT_ACTIVE, 144 * 6);
    mine(c, 144, false, 10000);
    assert_state(c, DEPLOYMENT_ACTIVE, 144 * 6);
    assert_int_equal(block_version_for(c->net, &c->nodes[c->n - 1]), 0x20000000);
    end_chain(c);
}

static void assert_unknown(struct bip9_chain *c, struct unknown_bits *u, uint32_t locked_in,
                           uint32_t active)
{
    struct unknown_bits fresh = {0};

    unknown_bits_update(u, c->net, &c->nodes[c->n - 1]);
    unknown_bits_update(&fresh, c->net, &c->nodes[c->n - 1]);
    assert_int_equal(u->locked_in, locked_in);
    assert_int_equal(u->active, active);
    assert_int_equal(fresh.locked_in, locked_in);
    assert_int_equal(fresh.active, active);
}

static void unknown_bits_lock_in(void **state)
{
    struct bip9_chain *c = start_chain(0, DEPLOYMENT_NO_TIMEOUT, 0);
    struct unknown_bits u = {0};

    (void)state;
    c->net->deployments[DEPLOYMENT_TESTDUMMY].bit = 4;
    mine_version(c, 144, 0x20000008, 1); /* nothing has started in the first period */
    assert_unknown(c, &u, 0, 0);
    mine_version(c, 107, 0x20000008, 1);
    mine_version(c, 37, 0x20000000, 1);
    assert_unknown(c, &u, 0, 0);
    /* not version bits at all, and a bit that a deployment which has started uses */
    mine_version(c, 72, 0x7fffffff, 1);
    mine_version(c, 72, 0x20000010, 1);
    assert_unknown(c, &u, 0, 0);
    mine_version(c, 36, 0x20000010, 1);
    mine_version(c, 107, 0x23ffff99, 1);
    assert_unknown(c, &u, 0, 0);
    mine_version(c, 1, 0x20000008, 1);
    assert_unknown(c, &u, 8, 0);
    mine_version(c, 143, 0x20000000, 1);
    assert_unknown(c, &u, 8, 0);
    mine_version(c, 1, 0x20000000, 1);
    assert_unknown(c, &u, 0, 8);
    /* back across the end of a period, and another way */
    c->n -= 146;
    assert_unknown(c, &u, 0, 0);
    mine_version(c, 2, 0x20000001, 2);
    assert_unknown(c, &u, 1, 0);
    /* below the height of the parameters nothing counts */
    c->net->min_bip9_warning_height = 144 * 3 + 37;
    u = (struct unknown_bits){0};
    assert_unknown(c, &u, 0, 0);
    c->net->min_bip9_warning_height = 144 * 3 + 36;
    u = (struct unknown_bits){0};
    assert_unknown(c, &u, 1, 0);
    end_chain(c);
}

static void bip9_fails(void **state)
{
    struct bip9_chain *c = start_chain(0, 5000, 0);

    (void)state;
    mine(c, 144, false, 1);
    assert_state(c, DEPLOYMENT_STARTED, 144);
    mine(c, 143, false, 1);
    mine(c, 1, false, 1);
    mine(c, 144, false, 5000);
    assert_state(c, DEPLOYMENT_FAILED, 432);
    mine(c, 144, true, 5000);
    assert_state(c, DEPLOYMENT_FAILED, 432);
    end_chain(c);
    /* the threshold counts before the timeout; another top of the version does not */
    c = start_chain(0, 5000, 0);
    mine(c, 144, false, 1);
    mine(c, 144, true, 5000);
    assert_state(c, DEPLOYMENT_LOCKED_IN, 288);
    for (int i = 144; i < 288; i++)
        c->nodes[i].version = 0x50000000;
    assert_state(c, DEPLOYMENT_FAILED, 288);
    end_chain(c);
    c = start_chain(DEPLOYMENT_ALWAYS_ACTIVE, DEPLOYMENT_NO_TIMEOUT, 0);
    assert_state(c, DEPLOYMENT_ACTIVE, 0);
    c->net->deployments[0].start_time = DEPLOYMENT_NEVER_ACTIVE;
    assert_state(c, DEPLOYMENT_FAILED, 0);
    end_chain(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_headers),       cmocka_unit_test(retargets_of_mainnet),
        cmocka_unit_test(finds_ancestors),    cmocka_unit_test(median_time),
        cmocka_unit_test(compact_targets),    cmocka_unit_test(difficulty),
        cmocka_unit_test(proof_of_work),      cmocka_unit_test(header_reasons),
        cmocka_unit_test(versions_by_height), cmocka_unit_test(min_difficulty),
        cmocka_unit_test(testnet4_rules),     cmocka_unit_test(transitions),
        cmocka_unit_test(bip9_activates),     cmocka_unit_test(unknown_bits_lock_in),
        cmocka_unit_test(bip9_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
