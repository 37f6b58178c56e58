/* Addresses: text, wire forms, groups, subnets; permissions; the set that forgets. */
#include "net/netaddr.h"
#include "net/permissions.h"
#include "net/recent.h"
#include "unit.h"

static struct netaddr parse(const char *text)
{
    struct netaddr a;
    assert_true(netaddr_parse(text, 8333, &a));
    return a;
}

static void test_text(void **state)
{
    static const struct {
        const char *in, *out;
        enum addr_family family;
    } good[] = {
        {"1.2.3.4", "1.2.3.4:8333", ADDR_IPV4},
        {"1.2.3.4:1", "1.2.3.4:1", ADDR_IPV4},
        {"::ffff:1.2.3.4", "1.2.3.4:8333", ADDR_IPV4},
        {"::1", "[::1]:8333", ADDR_IPV6},
        {"[2001:db8::5]:65535", "[2001:db8::5]:65535", ADDR_IPV6},
        {"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:80",
         "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:80", ADDR_ONION},
        {"udhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna.b32.i2p",
         "udhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna.b32.i2p:0", ADDR_I2P},
    };
    static const char *const bad[] = {
        "",
        "x",
        "1.2.3",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:x",
        "[::1",
        "[::1]x",
        "::1::2",
        "qg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
        "short.onion",
        "0dhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna.b32.i2p",
        "localhost",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onionpg6mmjiyjmcrsslvykfwnntlaru",
    };
    char text[NETADDR_TEXT];
    struct netaddr a;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        a = parse(good[i].in);
        assert_int_equal(a.family, good[i].family);
        assert_string_equal(netaddr_format(&a, text), good[i].out);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(netaddr_parse(bad[i], 8333, &a));
}

static void test_routable(void **state)
{
    static const char *const no[] = {"127.0.0.1",      "0.0.0.0",     "10.1.2.3",   "192.168.1.1",
                                     "172.31.0.1",     "169.254.1.1", "100.64.0.1", "192.0.2.1",
                                     "203.0.113.9",    "198.18.0.1",  "::1",        "fe80::1",
                                     "fd00::1",        "2001:db8::1", "::",         "2001:10::1",
                                     "255.255.255.255"};
    static const char *const yes[] = {"8.8.8.8", "172.32.0.1", "2a00:1450::1", "2002:5db8:d822::1",
                                      "100.128.0.1"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        struct netaddr a = parse(no[i]);
        assert_false(netaddr_is_routable(&a));
    }
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        struct netaddr a = parse(yes[i]);
        assert_true(netaddr_is_routable(&a));
    }
}

static bool same_group(const char *x, const char *y)
{
    struct netaddr a = parse(x), b = parse(y);
    uint8_t ga[17], gb[17];
    size_t na = netaddr_group(&a, ga), nb = netaddr_group(&b, gb);
    return na == nb && memcmp(ga, gb, na) == 0;
}

static void test_groups(void **state)
{
    (void)state;
    assert_true(same_group("8.8.1.1", "8.8.200.9"));
    assert_false(same_group("8.8.1.1", "8.9.1.1"));
    assert_true(same_group("2a00:1450::1", "2a00:1450:ffff::2"));
    assert_false(same_group("2a00:1450::1", "2a00:1451::1"));
    /* 36 bits at the tunnel broker, the IPv4 part where there is one. */
    assert_false(same_group("2001:470:1000::1", "2001:470:2000::1"));
    assert_true(same_group("2002:0808:0101::1", "8.8.4.4"));
    assert_true(same_group("64:ff9b::808:101", "8.8.4.4"));
    assert_true(same_group("2001:0:1:2:3:4:f7f7:fefe", "8.8.4.4"));
    assert_true(same_group("127.0.0.1", "::1"));
    assert_true(same_group("10.0.0.1", "192.168.0.1"));
}

static void test_wire(void **state)
{
    static const char *const list[] = {
        "1.2.3.4:5", "[2a00:1450::1]:6",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:80",
        "udhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna.b32.i2p"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        struct netaddr a = parse(list[i]), b;
        struct buf buf = BUF_INIT;
        struct reader r;
        netaddr_write_v2(&buf, &a);
        reader_init(&r, buf.data, buf.len);
        b = netaddr_read_v2(&r);
        assert_true(reader_done(&r));
        assert_true(netaddr_eq(&a, &b));
        for (size_t cut = 0; cut < buf.len; cut++) {
            reader_init(&r, buf.data, cut);
            netaddr_read_v2(&r);
            assert_false(reader_ok(&r));
        }
        buf_reset(&buf);
        netaddr_write_v1(&buf, &a);
        assert_int_equal(buf.len, 18);
        reader_init(&r, buf.data, buf.len);
        b = netaddr_read_v1(&r);
        if (i < 2)
            assert_true(netaddr_eq(&a, &b));
        buf_clear(&buf);
    }
}

static struct netaddr read_v2(const char *hex, bool *ok)
{
    uint8_t raw[600];
    struct reader r;
    size_t len = strlen(hex) / 2;
    assert_true(hex_decode(raw, len, hex));
    reader_init(&r, raw, len);
    struct netaddr a = netaddr_read_v2(&r);
    *ok = reader_ok(&r);
    return a;
}

static void test_wire_bad(void **state)
{
    bool ok;
    (void)state;
    read_v2("0105010203040520d8", &ok); /* five bytes of IPv4 */
    assert_false(ok);
    assert_int_equal(read_v2("9902abab208d", &ok).family, ADDR_NONE); /* unknown: skipped */
    assert_true(ok);
    assert_int_equal(read_v2("021000000000000000000000ffff01020304208d", &ok).family, ADDR_NONE);
    assert_true(ok); /* IPv4 in IPv6 */
    assert_int_equal(read_v2("0210fd87d87eeb4300000000000000000000208d", &ok).family, ADDR_NONE);
    assert_int_equal(read_v2("061020010000000000000000000000000000208d", &ok).family, ADDR_NONE);
    assert_true(ok);          /* CJDNS begins with fc */
    read_v2("01fd0102", &ok); /* 513 bytes */
    assert_false(ok);
}

static void test_subnets(void **state)
{
    static const struct {
        const char *net, *text, *in, *out;
    } good[] = {
        {"1.2.3.0/24", "1.2.3.0/24", "1.2.3.255", "1.2.4.0"},
        {"1.2.3.77/24", "1.2.3.0/24", "1.2.3.255", "1.2.4.0"},
        {"1.2.3.4", "1.2.3.4/32", "1.2.3.4", "1.2.3.5"},
        {"1.2.0.0/255.255.128.0", "1.2.0.0/17", "1.2.127.1", "1.2.128.1"},
        {"0.0.0.0/0", "0.0.0.0/0", "9.9.9.9", "::1"},
        {"2001:db8::/33", "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
    };
    static const char *const bad[] = {"1.2.3.4/33", "1.2.3.4/x", "1.2.3.4/255.0.255.0", "x/24",
                                      "1.2.3.4/-1", "::1/129",   "1.2.3.4/::",          ""};
    struct subnet s;
    char text[NETADDR_TEXT + 8];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct netaddr in = parse(good[i].in), out = parse(good[i].out);
        assert_true(subnet_parse(good[i].net, &s));
        assert_string_equal(subnet_format(&s, text), good[i].text);
        assert_true(subnet_contains(&s, &in));
        assert_false(subnet_contains(&s, &out));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(subnet_parse(bad[i], &s));
}

static void test_permissions(void **state)
{
    struct whitelist w;
    char *error = NULL;
    const char *names[PERMISSION_NAMES_MAX];
    struct netaddr a = parse("127.0.0.1");
    (void)state;
    assert_true(whitelist_parse("noban,in@127.0.0.1", 0, &w, &error));
    permission_names(w.permissions, names);
    assert_string_equal(names[0], "noban");
    assert_string_equal(names[1], "download");
    assert_null(names[2]);
    assert_int_equal(whitelist_permissions(&w, 1, &a, true), PERMISSION_NOBAN);
    assert_int_equal(whitelist_permissions(&w, 1, &a, false), 0);
    assert_true(whitelist_parse("127.0.0.0/8", PERMISSIONS_DEFAULT, &w, &error));
    assert_int_equal(w.permissions, PERMISSIONS_DEFAULT);
    assert_false(whitelist_parse("oopsie@127.0.0.1", 0, &w, &error));
    assert_string_equal(error, "Invalid P2P permission: 'oopsie'");
    free(error);
    assert_false(whitelist_parse("noban@127.0.0.1:230", 0, &w, &error));
    assert_non_null(strstr(error, "Invalid netmask specified in"));
    free(error);
}

static void test_recent(void **state)
{
    struct recent r;
    const uint32_t limit = 1000;
    (void)state;
    recent_init(&r, limit);
    for (uint32_t i = 0; i < 20 * limit; i++) {
        assert_false(recent_has(&r, &i, sizeof(i)));
        recent_add(&r, &i, sizeof(i));
        uint32_t back = i >= limit - 1 ? i - (limit - 1) : 0;
        assert_true(recent_has(&r, &back, sizeof(back)));
    }
    uint32_t old = 0;
    assert_false(recent_has(&r, &old, sizeof(old)));
    assert_true(r.cap[0] <= 1024 && r.cap[1] <= 1024 && r.cap[2] <= 1024); /* its memory */
    recent_reset(&r);
    old = 20 * limit - 1;
    assert_false(recent_has(&r, &old, sizeof(old)));
    recent_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),        cmocka_unit_test(test_routable),
        cmocka_unit_test(test_groups),      cmocka_unit_test(test_wire),
        cmocka_unit_test(test_wire_bad),    cmocka_unit_test(test_subnets),
        cmocka_unit_test(test_permissions), cmocka_unit_test(test_recent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
