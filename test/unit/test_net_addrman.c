/* The address manager: places as Bitcoin Core gives them, what one source can reach, peers.dat. */
#include "crypto/hash.h"
#include "net/addrman.h"
#include "unit.h"
#include "util/time.h"

/* getrawaddrman of Bitcoin Core 31.99 with the same fixed secret (-test=addrman). */
static const struct {
    const char *address;
    uint16_t port;
    bool tried;
    int bucket, position;
    const char *network;
} places[] = {
    {"38.208.143.47", 8335, false, 138, 55, "ipv4"},
    {"99.14.238.199", 8334, false, 202, 40, "ipv4"},
    {"38.84.85.75", 8333, false, 216, 62, "ipv4"},
    {"50.181.156.124", 8333, false, 218, 19, "ipv4"},
    {"64:ff9b::5db8:d822", 8333, false, 385, 2, "ipv4"},
    {"81.214.187.97", 8334, false, 427, 53, "ipv4"},
    {"33.29.131.250", 8335, false, 478, 54, "ipv4"},
    {"56.128.236.28", 8335, false, 554, 50, "ipv4"},
    {"udhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna.b32.i2p", 0, false, 587, 24, "i2p"},
    {"2a00:1450:4001::8", 8335, false, 595, 12, "ipv6"},
    {"34.100.60.194", 8333, false, 602, 16, "ipv4"},
    {"99.100.196.77", 8335, false, 617, 12, "ipv4"},
    {"90.227.64.34", 8334, false, 648, 63, "ipv4"},
    {"1.2.3.4", 8333, false, 774, 4, "ipv4"},
    {"29.135.33.85", 8334, false, 918, 7, "ipv4"},
    {"58.240.126.98", 8333, false, 939, 15, "ipv4"},
    {"51.101.104.47", 8334, true, 5, 16, "ipv4"},
    {"86.188.151.10", 8333, true, 15, 28, "ipv4"},
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", 8335, true, 31, 10, "ipv4"},
    {"1.2.3.5", 8333, true, 36, 43, "ipv4"},
    {"11.2.107.199", 8335, true, 41, 2, "ipv4"},
    {"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", 8334, true, 72, 18, "onion"},
    {"51.94.246.121", 8334, true, 75, 52, "ipv4"},
    {"60.81.36.36", 8333, true, 83, 36, "ipv4"},
    {"49.1.173.17", 8335, true, 101, 18, "ipv4"},
    {"2001:470:1f1b::55", 8334, true, 105, 58, "ipv6"},
    {"13.184.212.43", 8333, true, 113, 62, "ipv4"},
    {"90.130.183.204", 8333, true, 121, 35, "ipv4"},
    {"80.52.127.4", 8334, true, 130, 40, "ipv4"},
    {"85.4.231.12", 8335, true, 176, 59, "ipv4"},
    {"42.26.80.29", 8335, true, 177, 27, "ipv4"},
    {"42.236.176.132", 8334, true, 182, 63, "ipv4"},
    {"13.183.206.5", 8333, true, 231, 48, "ipv4"},
    {"2002:5db8:d822::1", 8333, true, 250, 49, "ipv4"},
};

static const uint8_t regtest_magic[4] = {0xfa, 0xbf, 0xb5, 0xda};

static struct addr_info info(const char *address, uint16_t port)
{
    struct addr_info i = {.services = 9, .time = time_now()};
    assert_true(netaddr_parse(address, port, &i.addr));
    i.addr.port = port;
    return i;
}

static void test_places(void **state)
{
    struct addrman *a = addrman_create(true);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        struct addr_info x = info(places[i].address, places[i].port);
        int bucket, position;
        assert_int_equal(addrman_add(a, &x, 1, &x.addr, 0), 1);
        if (places[i].tried)
            assert_true(addrman_good(a, &x.addr));
        assert_true(addrman_find_place(a, &x.addr, &bucket, &position));
        assert_int_equal(bucket, places[i].bucket);
        assert_int_equal(position, places[i].position);
        assert_string_equal(addr_family_name(netaddr_network(&x.addr)), places[i].network);
    }
    assert_int_equal(addrman_size(a), ARRAY_LEN(places));
    addrman_destroy(a);
}

static char *data_path(const char *name)
{
    const char *src = getenv("MITE_UNIT_DATA");
    char *path = path_join(src ? src : "test/unit/data", name);
    if (!path_exists(path)) {
        free(path);
        path = xasprintf("../test/unit/data/%s", name);
    }
    return path;
}

/* The file that Core wrote with the entries above. */
static void test_core_file(void **state)
{
    struct addrman *a = addrman_create(false), *b = addrman_create(false);
    char *path = data_path("peers.dat"), *error = NULL;
    const char *why = NULL;
    struct buf ours = BUF_INIT;
    (void)state;
    assert_true(path_exists(path));
    assert_true(addrman_load(a, path, regtest_magic, &error));
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        struct addr_info x = info(places[i].address, places[i].port);
        int bucket, position;
        assert_true(addrman_find_place(a, &x.addr, &bucket, &position));
        assert_int_equal(bucket, places[i].bucket);
        assert_int_equal(position, places[i].position);
    }
    assert_int_equal(addrman_size(a), ARRAY_LEN(places));
    addrman_write(a, regtest_magic, &ours);
    assert_true(addrman_read(b, buf_span(&ours), regtest_magic, &why));
    assert_int_equal(addrman_size(b), ARRAY_LEN(places));
    buf_clear(&ours);
    free(path);
    addrman_destroy(a);
    addrman_destroy(b);
}

static struct netaddr random_addr(void)
{
    struct netaddr a;
    do
        a = netaddr_ipv4((uint32_t)test_rand(), 8333);
    while (!netaddr_is_routable(&a));
    return a;
}

static void fill(struct addrman *a, size_t n, const struct netaddr *source)
{
    for (size_t i = 0; i < n; i++) {
        struct addr_info x = {random_addr(), 9, time_now()};
        struct netaddr from = source ? *source : random_addr();
        addrman_add(a, &x, 1, &from, 0);
    }
}

/* Many addresses from one group of sources reach 64 of the 1024 new buckets, no more. */
static void test_one_source(void **state)
{
    struct addrman *a = addrman_create(false);
    struct netaddr liar = netaddr_ipv4(0x08080808, 1);
    (void)state;
    fill(a, 20000, &liar);
    assert_true(addrman_size(a) <= 64 * 64);
    assert_true(addrman_size(a) > 1000);
    fill(a, 20000, NULL);
    assert_true(addrman_size(a) > 10000);
    assert_true(addrman_count(a, ADDR_IPV4, true, false) == addrman_size(a));
    addrman_destroy(a);
}

static void test_select(void **state)
{
    struct addrman *a = addrman_create(false);
    struct addr_info x;
    int64_t last_try;
    size_t n, tried = 0;
    (void)state;
    assert_false(addrman_select(a, false, &x, &last_try));
    fill(a, 500, NULL);
    struct addr_info *list = addrman_sample(a, 0, 0, ADDR_NONE, true, &n);
    assert_int_equal(n, addrman_size(a));
    for (size_t i = 0; i < n; i += 10)
        tried += addrman_good(a, &list[i].addr);
    assert_int_equal(addrman_count(a, ADDR_NONE, false, true), tried);
    for (int i = 0; i < 100; i++) {
        assert_true(addrman_select(a, i % 2, &x, &last_try));
        assert_true(netaddr_is_routable(&x.addr));
    }
    free(list);
    list = addrman_sample(a, 1000, 23, ADDR_NONE, true, &n);
    assert_int_equal(n, addrman_size(a) * 23 / 100);
    free(list);
    list = addrman_sample(a, 1000, 0, ADDR_ONION, true, &n);
    assert_int_equal(n, 0);
    free(list);
    addrman_destroy(a);
}

/* What is in tried stays until it was tested: who comes later waits. */
static void test_collision(void **state)
{
    struct addrman *a = addrman_create(true);
    size_t before, collided = 0;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct addr_info x = {random_addr(), 9, time_now()};
        addrman_add(a, &x, 1, &x.addr, 0);
        before = addrman_count(a, ADDR_NONE, false, true);
        if (addrman_good(a, &x.addr))
            assert_int_equal(addrman_count(a, ADDR_NONE, false, true), before + 1);
        else
            collided++;
    }
    struct addr_info old;
    int64_t last_try;
    assert_true(collided > 0);
    assert_true(addrman_select_collision(a, &old, &last_try));
    addrman_resolve_collisions(a); /* the old ones answered lately: they stay */
    assert_false(addrman_select_collision(a, &old, &last_try));
    addrman_destroy(a);
}

static void test_round_trip(void **state)
{
    struct addrman *a = addrman_create(false), *b = addrman_create(false);
    struct buf x = BUF_INIT, y = BUF_INIT;
    const char *why = NULL;
    size_t n;
    (void)state;
    fill(a, 3000, NULL);
    struct addr_info *list = addrman_sample(a, 200, 0, ADDR_NONE, false, &n);
    for (size_t i = 0; i < n; i++)
        addrman_good(a, &list[i].addr);
    free(list);
    addrman_write(a, regtest_magic, &x);
    assert_true(addrman_read(b, buf_span(&x), regtest_magic, &why));
    assert_int_equal(addrman_size(b), addrman_size(a));
    assert_int_equal(addrman_count(b, ADDR_NONE, false, true),
                     addrman_count(a, ADDR_NONE, false, true));
    addrman_write(b, regtest_magic, &y);
    assert_int_equal(x.len, y.len);
    buf_clear(&x);
    buf_clear(&y);
    addrman_destroy(a);
    addrman_destroy(b);
}

/* Any damage is refused or, behind a right checksum, survived. */
static void test_bad_files(void **state)
{
    struct addrman *a = addrman_create(false);
    struct buf x = BUF_INIT;
    const char *why = NULL;
    uint8_t hash[32];
    (void)state;
    fill(a, 200, NULL);
    addrman_write(a, regtest_magic, &x);
    for (int i = 0; i < 300; i++) {
        struct addrman *b = addrman_create(false);
        uint8_t *copy = xmemdup(x.data, x.len);
        size_t len = i % 3 ? x.len : (size_t)(test_rand() % x.len);
        copy[test_rand() % x.len] ^= (uint8_t)(1 + test_rand() % 255);
        why = NULL;
        assert_false(addrman_read(b, span_of(copy, len), regtest_magic, &why));
        assert_non_null(why);
        addrman_destroy(b);
        if (len > 36) {
            b = addrman_create(false);
            sha256d(hash, copy, len - 32);
            memcpy(copy + len - 32, hash, 32);
            (void)addrman_read(b, span_of(copy, len), regtest_magic, &why);
            assert_true(addrman_size(b) <= 200);
            addrman_destroy(b);
        }
        free(copy);
    }
    buf_clear(&x);
    addrman_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),     cmocka_unit_test(test_core_file),
        cmocka_unit_test(test_one_source), cmocka_unit_test(test_select),
        cmocka_unit_test(test_collision),  cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
