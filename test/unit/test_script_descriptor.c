/*
 * Descriptors: every case that BIP380 to 387 and 389 print, known addresses of BIP44, 49, 84 and
 * 86, the sentences of bad ones, text forms, remembered derivations and what a script is inferred
 * to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "consensus/params.h"
#include "script/descriptor.h"
#include "support/vectors.h"
#include "unit.h"
#include "util/mem.h"

static const struct address_params *params(const char *net)
{
    return &network_find(net)->address;
}

static struct descriptor *parse_one(const char *net, const char *text)
{
    struct descriptor **list, *d;
    size_t n;
    char *error = NULL;
    if (!descriptor_parse(params(net), text, false, &list, &n, &error))
        fail_msg("%s: %s", text, error);
    assert_int_equal(n, 1);
    d = list[0];
    free(list);
    return d;
}

static void check_error(const char *text, bool require_checksum, const char *expected)
{
    struct descriptor **list;
    size_t n;
    char *error = NULL;
    if (descriptor_parse(params("main"), text, require_checksum, &list, &n, &error))
        fail_msg("good: %s", text);
    if (strcmp(error, expected) != 0)
        fail_msg("%s\n  gives: %s\n  not:   %s", text, error, expected);
    free(error);
}

static void check_text(char *got, const char *expected)
{
    char sum[9];
    assert_non_null(got);
    char *with = xasprintf("%s#%s", expected, descriptor_checksum(expected, sum));
    assert_string_equal(got, with);
    free(with);
    free(got);
}

/* ---- the BIPs' cases ---- */

struct scripts {
    char *hex[64];
    size_t n;
};

static void expand_all(const struct descriptor *d, struct scripts *out)
{
    unsigned positions = descriptor_is_range(d) ? 3 : 1;
    out->n = 0;
    for (unsigned i = 0; i < positions; i++) {
        struct expansion e;
        assert_true(descriptor_expand(d, i, true, &e));
        for (size_t j = 0; j < e.n_scripts; j++)
            out->hex[out->n++] = hex_dup(e.scripts[j].data, e.scripts[j].len);
        expansion_clear(&e);
    }
}

static void clear_scripts(struct scripts *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->hex[i]);
    s->n = 0;
}

/* A good case: scripts follow, or (multipath) descriptors. */
static void check_good(const char *text, FILE *f, char *line, size_t size)
{
    struct descriptor **list;
    struct scripts got = {0};
    size_t n, at = 0;
    char *error = NULL;
    if (!descriptor_parse(params("main"), text, false, &list, &n, &error))
        fail_msg("%s: %s", text, error);
    if (n == 1)
        expand_all(list[0], &got);
    for (;;) {
        long pos = ftell(f);
        if (!fgets(line, (int)size, f))
            break;
        if (line[0] != '>') {
            fseek(f, pos, SEEK_SET);
            break;
        }
        line[strcspn(line, "\n")] = '\0';
        if (n == 1) {
            assert_true(at < got.n);
            if (strcmp(got.hex[at], line + 2) != 0)
                fail_msg("%s: %s is not %s", text, got.hex[at], line + 2);
        } else {
            char *own = descriptor_has_private(list[at])
                            ? descriptor_to_private_string(params("main"), list[at])
                            : descriptor_to_string(params("main"), list[at]);
            check_text(own, line + 2);
        }
        at++;
    }
    assert_true(n == 1 ? at <= got.n : at == n);
    clear_scripts(&got);
    descriptors_free(list, n);
}

static void bip_cases(void **state)
{
    (void)state;
    char *path = xasprintf("%s/test/unit/data/descriptors.txt",
                           getenv("MITE_TOP") ? getenv("MITE_TOP") : "..");
    FILE *f = fopen(path, "r");
    char *line = xmalloc(20000), *text = xmalloc(20000);
    unsigned good = 0, bad = 0;
    if (!f)
        fail_msg("%s is missing", path);
    while (fgets(line, 20000, f)) {
        line[strcspn(line, "\n")] = '\0';
        strcpy(text, line + 2);
        if (line[0] == '=') {
            check_good(text, f, line, 20000);
            good++;
        } else if (line[0] == '!') {
            struct descriptor **list;
            size_t n;
            char *error = NULL;
            if (descriptor_parse(params("main"), text, false, &list, &n, &error))
                fail_msg("good: %s", text);
            free(error);
            bad++;
        }
    }
    printf("%u good, %u bad\n", good, bad);
    assert_true(good > 50 && bad > 40);
    fclose(f);
    free(line);
    free(text);
    free(path);
}

#define XPUB \
    "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
#define XPRV \
    "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"
#define KEY      "0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600"
#define WIF      "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
#define WIF_LONG "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"

static void bip380_keys(void **state)
{
    static const char *const good[] = {
        KEY,
        "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235",
        "[deadbeef/0h/0h/0h]" KEY,
        "[deadbeef/0'/0'/0']" KEY,
        "[deadbeef/0'/0h/0']" KEY,
        WIF_LONG,
        WIF,
        XPUB,
        "[deadbeef/0h/1h/2h]" XPUB,
        "[deadbeef/0h/1h/2h]" XPUB "/3/4/5",
        "[deadbeef/0h/1h/2h]" XPUB "/3/4/5/*",
        XPUB "/3h/4h/5h/*",
        XPUB "/3h/4h/5h/*h",
        "[deadbeef/0h/1h/2]" XPUB "/3h/4h/5h/*h",
        XPRV,
        "[deadbeef/0h/1h/2h]" XPRV "/3/4/5/*",
        XPRV "/3h/4h/5h/*h",
        "[deadbeef/0h/1h/2]" XPRV "/3h/4h/5h/*h"};
    (void)state;
    descriptor_free(parse_one("main", "raw(deadbeef)#89f8spxm"));
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char *text = xasprintf("pkh(%s)", good[i]);
        descriptor_free(parse_one("main", text));
        free(text);
    }
}

static void sentences(void **state)
{
    (void)state;
    check_error("raw(deadbeef)", true, "Missing checksum");
    check_error("raw(deadbeef)#", false, "Expected 8 character checksum, not 0 characters");
    check_error("raw(deadbeef)#89f8spxmx", false,
                "Expected 8 character checksum, not 9 characters");
    check_error("raw(deadbeef)#89f8spx", false, "Expected 8 character checksum, not 7 characters");
    check_error("raw(deedbeef)#89f8spxm", false,
                "Provided checksum '89f8spxm' does not match computed checksum 'xj8ljs75'");
    check_error("raw(deedbeef)##9f8spxm", false, "Multiple '#' symbols");
    check_error("raw(\xc3\x9c)#00000000", false, "Invalid characters in payload");
    check_error("pkh([deadbeef/0h/0h/0h/*]" KEY ")", false,
                "pkh(): Key path value '*' is not a valid uint32");
    check_error("pkh([deadbeef/0h/0h/0h/]" KEY ")", false, "pkh(): Key path value '' is not valid");
    check_error("pkh([deadbef/0h]" KEY ")", false,
                "pkh(): Fingerprint is not 4 bytes (7 characters instead of 8 characters)");
    check_error("pkh([gaaaaaaa]" KEY ")", false, "pkh(): Fingerprint 'gaaaaaaa' is not hex");
    check_error("pkh([deadbeef/0f]" KEY ")", false,
                "pkh(): Key path value '0f' is not a valid uint32");
    check_error("pkh(" XPRV "/2147483648)", false,
                "pkh(): Key path value 2147483648 is out of range");
    check_error("pkh([aaaaaaaa][aaaaaaaa]" XPRV "/0)", false,
                "pkh(): Multiple ']' characters found for a single pubkey");
    check_error("pkh(aaaaaaaa]" XPRV "/0)", false,
                "pkh(): Key origin start '[ character expected but not found, got 'a' instead");
    check_error("pkh([deadbeef])", false, "pkh(): No key provided");
    check_error("pkh(" WIF "/0)", false, "pkh(): key '" WIF "' is not valid");
    check_error("wpkh(" WIF_LONG ")", false, "wpkh(): Uncompressed keys are not allowed");
    check_error("sh(" KEY ")", false, "A function is needed within P2SH");
    check_error("wsh(" KEY ")", false, "A function is needed within P2WSH");
    check_error("sh(sh(pkh(" KEY ")))", false, "Can only have sh() at top level");
    check_error("wsh(wpkh(" KEY "))", false, "Can only have wpkh() at top level or inside sh()");
    check_error("sh(combo(" KEY "))", false, "Can only have combo() at top level");
    check_error(
        "multi(3," KEY "," KEY ")", false,
        "Multisig threshold cannot be larger than the number of keys; threshold is 3 but only 2 keys specified");
    check_error("multi(0," KEY ")", false, "Multisig threshold cannot be 0, must be at least 1");
    check_error("multi(a," KEY ")", false, "Multi threshold 'a' is not valid");
    check_error("multi(1," KEY "," KEY "," KEY "," KEY ")", false,
                "Cannot have 4 pubkeys in bare multisig; only at most 3 pubkeys");
    check_error("addr(asdf)", false, "Address is not valid");
    check_error("raw(asdf)", false, "Raw script is not hex");
    check_error("nosuch(" KEY ")", false, "'nosuch(" KEY ")' is not a valid descriptor function");
    check_error("", false, "'' is not a valid descriptor function");
    check_error("pkh(" XPUB "/<0>)", false,
                "pkh(): Multipath key path specifiers must have at least two items");
    check_error("pkh(" XPUB "/<0;0>)", false,
                "pkh(): Duplicated key path value 0 in multipath specifier");
    check_error("pkh(" XPUB "/<0;1>/<0;1>)", false,
                "pkh(): Multiple multipath key path specifiers found");
    check_error("sh(wsh(pk(" KEY "),pk(" KEY ")))", false,
                "'pk(" KEY ")' is not a valid descriptor function");
}

/* ---- text ---- */

static void texts(void **state)
{
    struct descriptor *d = parse_one("main", "wpkh([deadbeef/0'/1]" XPRV "/3/4'/5/*)");
    (void)state;
    check_text(descriptor_to_string(params("main"), d), "wpkh([deadbeef/0'/1]" XPUB "/3/4'/5/*)");
    check_text(descriptor_to_private_string(params("main"), d),
               "wpkh([deadbeef/0'/1]" XPRV "/3/4'/5/*)");
    char *normal = descriptor_to_normalized_string(params("main"), d);
    assert_non_null(strstr(normal, "wpkh([deadbeef/0h/1/3/4h]xpub"));
    assert_non_null(strstr(normal, "/5/*)#"));
    free(normal);
    assert_true(descriptor_is_range(d) && descriptor_is_solvable(d) &&
                descriptor_has_all_private(d));
    assert_int_equal(descriptor_output_type(d), OUTPUT_BECH32);
    descriptor_free(d);

    d = parse_one("main", "wpkh(" XPUB "/3h/*)");
    assert_null(descriptor_to_private_string(params("main"), d));
    assert_null(descriptor_to_normalized_string(params("main"), d));
    struct expansion e;
    assert_false(descriptor_expand(d, 0, false, &e));
    expansion_clear(&e);
    descriptor_free(d);

    /* The tree's braces come back as they were. */
    const char *tree =
        "tr(a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd,{pk(" KEY
        "),{{pk(" XPUB "/1),pk(" XPUB "/2)},multi_a(1," KEY ")}})";
    d = parse_one("main", tree);
    check_text(descriptor_to_string(params("main"), d), tree);
    descriptor_free(d);
}

/* ---- remembered derivations, and keys that come and go ---- */

static void check_same_expansion(const struct descriptor *a, const struct descriptor *b,
                                 uint32_t index)
{
    struct expansion x, y;
    assert_true(descriptor_expand(a, index, false, &x));
    assert_true(descriptor_expand(b, index, false, &y));
    assert_int_equal(x.n_scripts, y.n_scripts);
    assert_true(span_eq(buf_span(&x.scripts[0]), buf_span(&y.scripts[0])));
    assert_int_equal(x.keys[0].path_len, y.keys[0].path_len);
    expansion_clear(&x);
    expansion_clear(&y);
}

static void check_cache(const char *format, uint32_t positions)
{
    char *with_key = xasprintf(format, XPRV), *without = xasprintf(format, XPUB);
    struct descriptor *a = parse_one("main", with_key), *b = parse_one("main", without);
    struct descriptor_cache_item *items;
    struct expansion e;
    struct seckey key;
    size_t n = descriptor_cache_get(a, 0, positions, &items);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++)
        assert_true(descriptor_cache_put(b, &items[i]));
    for (uint32_t i = 0; i < positions; i++)
        check_same_expansion(a, b, i);
    free(items);

    assert_int_equal(descriptor_seckeys(a, &key, 1), 1);
    assert_true(descriptor_add_seckey(b, &key));
    assert_true(descriptor_expand(b, 1, true, &e));
    assert_true(e.keys[0].has_seckey);
    struct pubkey pk;
    assert_true(seckey_pubkey(&pk, &e.keys[0].seckey) && pubkey_eq(&pk, &e.keys[0].pubkey));
    expansion_clear(&e);
    descriptor_forget_seckeys(b);
    assert_false(descriptor_has_private(b));
    check_same_expansion(a, b, 1);
    descriptor_free(a);
    descriptor_free(b);
    free(with_key);
    free(without);
}

static void cache(void **state)
{
    (void)state;
    check_cache("wpkh(%s/84h/1h/0h/0/*)", 3);
    check_cache("tr(%s/86'/*')", 3);
    check_cache("sh(wpkh(%s/1/*h))", 3);
}

/* ---- known addresses ---- */

static void check_address(const char *text, uint32_t index, const char *address)
{
    struct descriptor *d = parse_one("main", text);
    struct expansion e;
    struct destination dest;
    assert_true(descriptor_expand(d, index, false, &e));
    assert_true(script_to_destination(buf_span(&e.scripts[0]), &dest));
    char *got = address_encode(params("main"), &dest);
    assert_string_equal(got, address);
    free(got);
    expansion_clear(&e);
    descriptor_free(d);
}

/* Master key of "abandon abandon ... about", as BIP84 and BIP86 print it. */
#define ABANDON \
    "xprv9s21ZrQH143K3GJpoapnV8SFfukcVBSfeCficPSGfubmSFDxo1kuHnLisriDvSnRRuL2Qrg5ggqHKNVpxR86QEC8w35uxmGoggxtQTPvfUu"

static void bip_addresses(void **state)
{
    (void)state;
    check_address("pkh(" ABANDON "/44h/0h/0h/0/*)", 0, "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA");
    check_address("sh(wpkh(" ABANDON "/49h/0h/0h/0/*))", 0, "37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf");
    check_address("wpkh(" ABANDON "/84h/0h/0h/0/*)", 0,
                  "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu");
    check_address("wpkh(" ABANDON "/84h/0h/0h/0/*)", 1,
                  "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g");
    check_address("wpkh(" ABANDON "/84h/0h/0h/1/*)", 0,
                  "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el");
    check_address("tr(" ABANDON "/86h/0h/0h/0/*)", 0,
                  "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr");
    check_address("tr(" ABANDON "/86h/0h/0h/0/*)", 1,
                  "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh");
    check_address("tr(" ABANDON "/86h/0h/0h/1/*)", 0,
                  "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7");
}

/* ---- inferring ---- */

static void check_infer(const char *descriptor, bool known, const char *expected)
{
    struct descriptor *d = parse_one("main", descriptor);
    struct expansion e;
    assert_true(descriptor_expand(d, 0, false, &e));
    check_text(descriptor_infer(params("main"), buf_span(&e.scripts[0]), known ? &e : NULL),
               expected);
    expansion_clear(&e);
    descriptor_free(d);
}

static void infer(void **state)
{
    (void)state;
    check_infer("pk(" KEY ")", false, "pk(" KEY ")");
    check_infer("wpkh([deadbeef/1h]" KEY ")", true, "wpkh([deadbeef/1h]" KEY ")");
    check_infer("sh(wpkh([deadbeef/1h]" KEY "))", true, "sh(wpkh([deadbeef/1h]" KEY "))");
    check_infer("sh(wsh(multi(1,[deadbeef/1h]" KEY ")))", true,
                "sh(wsh(multi(1,[deadbeef/1h]" KEY ")))");
    check_infer("pkh(" KEY ")", false, "addr(1AKcnS2ip6TBkacnz9okU6H4d43KiCSqBv)");
    check_infer("raw(deadbeef)", false, "raw(deadbeef)");
    check_infer(
        "tr([deadbeef/1h]a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)", true,
        "tr([deadbeef/1h]a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)");
    check_infer("tr(a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)", false,
                "rawtr(77aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11)");
}

/* ---- rpc_bip67.json ---- */

static char *join_keys(const char *function, struct json_object *keys)
{
    struct buf b = BUF_INIT;
    write_printf(&b, "sh(%s(2", function);
    for (size_t i = 0; i < json_object_array_length(keys); i++)
        write_printf(&b, ",%s", json_str(json_at(keys, i)));
    write_printf(&b, "))");
    write_u8(&b, 0);
    return (char *)buf_take(&b, NULL);
}

static void check_bip67(struct json_object *c, const char *function, const char *keys)
{
    char *text = join_keys(function, json_member(c, keys)), *address;
    struct descriptor *d = parse_one("regtest", text);
    struct expansion e;
    struct destination dest;
    assert_true(descriptor_expand(d, 0, false, &e));
    assert_int_equal(e.n_scripts, 1);
    assert_true(script_to_destination(buf_span(&e.scripts[0]), &dest));
    address = address_encode(params("regtest"), &dest);
    assert_string_equal(address, json_str(json_member(c, "address")));
    assert_int_equal(e.n_subscripts, 1);
    assert_hex(e.subscripts[0].data, e.subscripts[0].len, json_str(json_member(c, "script")));
    free(address);
    expansion_clear(&e);
    descriptor_free(d);
    free(text);
}

static void bip67(void **state)
{
    struct json_object *all = vectors_load("rpc_bip67.json");
    size_t n = json_object_array_length(all);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        check_bip67(json_at(all, i), "sortedmulti", "keys");
        check_bip67(json_at(all, i), "multi", "sorted_keys");
    }
    printf("rpc_bip67.json: %zu cases\n", n);
    json_object_put(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bip_cases), cmocka_unit_test(bip380_keys), cmocka_unit_test(sentences),
        cmocka_unit_test(texts),     cmocka_unit_test(cache),       cmocka_unit_test(bip_addresses),
        cmocka_unit_test(infer),     cmocka_unit_test(bip67),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
