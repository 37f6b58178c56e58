/*
 * Keys and signatures: BIP340's and BIP341's vectors, RFC 6979, and the forms in which a signature
 * may come out of an old block.
 */

#include <json-c/json.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "unit.h"

#define GENERATOR                                                      \
    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" \
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"

static struct seckey seckey_of_hex(const char *hex)
{
    struct seckey k = {.compressed = true};
    assert_true(hex_decode(k.b, 32, hex));
    return k;
}
static struct seckey small_seckey(uint8_t n)
{
    return (struct seckey){.b[31] = n, .compressed = true};
}

static void public_key_forms(void **state)
{
    (void)state;
    uint8_t g[65];
    assert_true(hex_decode(g, 65, "04" GENERATOR));
    struct pubkey pk, other;
    assert_true(pubkey_from_bytes(&pk, g, 65));
    assert_true(pubkey_valid(&pk) && !pubkey_compressed(&pk));
    g[0] = 6; /* hybrid: must state the parity of y, which is even here */
    assert_true(pubkey_from_bytes(&pk, g, 65) && pubkey_valid(&pk));
    g[0] = 7;
    assert_true(pubkey_from_bytes(&pk, g, 65) && !pubkey_valid(&pk));
    g[0] = 4;
    g[64] ^= 1;
    assert_true(pubkey_from_bytes(&pk, g, 65) && !pubkey_valid(&pk));
    assert_false(pubkey_decompress(&other, &pk));
    g[0] = 2;
    assert_true(pubkey_from_bytes(&pk, g, 33) && pubkey_valid(&pk) && pubkey_compressed(&pk));
    assert_true(pubkey_decompress(&other, &pk));
    assert_hex(other.data, other.len, "04" GENERATOR);
    assert_false(pubkey_eq(&pk, &other));
    assert_true(pubkey_eq(&pk, &pk));
    struct xonly x = pubkey_xonly(&pk);
    assert_memory_equal(x.b, g + 1, 32);
    assert_true(xonly_valid(&x));
    uint8_t id[20];
    pubkey_id(&pk, id);
    assert_hex(id, 20, "751e76e8199196d454941c45d1b3a323f1433bd6");
    static const struct {
        uint8_t first;
        size_t len;
    } bad[] = {{2, 65}, {3, 65}, {4, 33}, {6, 33}, {5, 65}, {0, 33}, {1, 33},
               {2, 32}, {2, 34}, {4, 64}, {4, 66}, {2, 1},  {2, 0}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t data[66] = {bad[i].first};
        assert_false(pubkey_from_bytes(&pk, data, bad[i].len));
        assert_int_equal(pk.len, 0);
        assert_false(pubkey_valid(&pk));
    }
    memset(x.b, 0xff, 32);
    assert_false(xonly_valid(&x));
}

static void tweaks(void **state)
{
    (void)state;
    struct seckey one = small_seckey(1), three = small_seckey(3), two = small_seckey(2);
    struct pubkey g, want, got;
    assert_true(seckey_pubkey(&g, &one) && seckey_pubkey(&want, &three));
    assert_true(pubkey_tweak_add(&got, &g, two.b));
    assert_true(pubkey_eq(&got, &want));
    assert_true(seckey_tweak_add(&one, two.b));
    assert_memory_equal(one.b, three.b, 32);
    /* n - 3 brings it to zero: infinity, no key. */
    struct seckey minus_three =
        seckey_of_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036413e");
    assert_false(pubkey_tweak_add(&got, &want, minus_three.b));
    assert_false(seckey_tweak_add(&three, minus_three.b));
    uint8_t n[32];
    assert_true(
        hex_decode(n, 32, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    assert_false(pubkey_tweak_add(&got, &want, n));
    assert_false(seckey_valid(n));
    n[31]--;
    assert_true(seckey_valid(n));
    struct seckey zero = small_seckey(0);
    assert_false(seckey_valid(zero.b));
    assert_false(seckey_pubkey(&got, &zero));
    struct seckey fresh;
    seckey_generate(&fresh);
    assert_true(seckey_valid(fresh.b) && fresh.compressed);
}

/* A well-known vector of deterministic signing: key 1, "Satoshi Nakamoto". */
static void rfc6979(void **state)
{
    (void)state;
    struct seckey key = small_seckey(1);
    struct pubkey pk;
    uint8_t hash[32], sig[72];
    size_t len;
    assert_true(seckey_pubkey(&pk, &key));
    sha256(hash, "Satoshi Nakamoto", 16);
    assert_true(ecdsa_sign(sig, &len, &key, hash, false));
    assert_hex(sig, len,
               "3045022100934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
               "02202442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
    assert_true(ecdsa_verify(&pk, hash, span_of(sig, len)));
    assert_true(ecdsa_sign(sig, &len, &key, hash, true));
    assert_int_equal(len, 70);
    assert_int_equal(sig[3], 32);
    assert_true(ecdsa_verify(&pk, hash, span_of(sig, len)));
    struct seckey zero = small_seckey(0);
    assert_false(ecdsa_sign(sig, &len, &zero, hash, true));
}

static void sign_and_verify(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct seckey key;
        struct pubkey pk, recovered;
        uint8_t hash[32], sig[72], compact[65];
        size_t len;
        seckey_generate(&key);
        key.compressed = i % 2;
        test_rand_bytes(hash, 32);
        assert_true(seckey_pubkey(&pk, &key));
        assert_int_equal(pk.len, key.compressed ? 33 : 65);
        assert_true(ecdsa_sign(sig, &len, &key, hash, true));
        assert_true(len <= 71);
        assert_true(ecdsa_is_low_s(span_of(sig, len)));
        assert_true(ecdsa_verify(&pk, hash, span_of(sig, len)));
        assert_true(ecdsa_sign_compact(compact, &key, hash));
        assert_true(ecdsa_recover(&recovered, compact, hash));
        assert_true(pubkey_eq(&pk, &recovered));
        hash[test_rand() % 32] ^= (uint8_t)(1 << test_rand() % 8);
        assert_false(ecdsa_verify(&pk, hash, span_of(sig, len)));
        assert_true(!ecdsa_recover(&recovered, compact, hash) || !pubkey_eq(&pk, &recovered));
    }
}

/* R and S of the vector above, in every form that old nodes accepted. %s: S. */
#define R  "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
#define S  "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
#define HS "dbbd3162d46e9f9bef7feb87c16dc13b4f6568a87f4e83f728e2443ba586675c" /* n - S */
#define FF "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void lax_encodings(void **state)
{
    (void)state;
    static const struct {
        const char *what, *sig;
        bool good;
    } cases[] = {
        {"strict", "3045022100" R "0220" S, true},
        {"high S", "3046022100" R "022100" HS, true},
        {"negative R", "30440220" R "0220" S, true},
        {"negative S", "3045022100" R "0220" HS, true},
        {"padded R",
         "304702230000000"
         "0"
         "00" R "0220" S,
         false}, /* one byte too few */
        {"much padding",
         "304802240000000"
         "0" R "0220" S,
         true},
        {"bytes after", "3045022100" R "0220" S "deadbeef", true},
        {"wrong length of the sequence", "30ff022100" R "0220" S, false}, /* 127 bytes of length */
        {"other wrong length", "3001022100" R "0220" S, true},
        {"length zero", "3000022100" R "0220" S, true},
        {"long form", "308145022100" R "0220" S, true},
        {"longer form",
         "3084000000450284000000210"
         "0" R "02820020" S,
         true},
        {"very long form",
         "308900000000000000000045022100" R "0289000000000000000000"
         "20" S,
         false},
        {"long form that is right",
         "3045022100" R "02890000000000000000"
         "20" S,
         true},
        {"length of 2^24", "3045022100" R "02840100000020" S, false},
        {"indefinite", "3080022100" R "0220" S, true},
        {"not a sequence", "3145022100" R "0220" S, false},
        {"not an integer", "3045032100" R "0220" S, false},
        {"not an integer, second", "3045022100" R "0320" S, false},
        {"S cut off",
         "3045022100" R "0220"
         "2442ce9d",
         false},
        {"no S", "3045022100" R, false},
        {"empty", "", false},
        {"tag only", "30", false},
        {"length of a length cut off", "3082", false},
        {"R of length zero",
         "30250200"
         "0220" S,
         false},
        {"too long a number",
         "3046022201"
         "00" R "0220" S,
         false},
        {"R above n",
         "304502210"
         "0" FF "0220" S,
         false},
    };
    struct seckey key = small_seckey(1);
    struct pubkey pk;
    uint8_t hash[32];
    assert_true(seckey_pubkey(&pk, &key));
    sha256(hash, "Satoshi Nakamoto", 16);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT;
        if (!hex_read(&b, cases[i].sig))
            fail_msg("%s is not hex", cases[i].what);
        uint8_t *exact = xmemdup(b.data, b.len); /* its exact size, for ASan */
        if (ecdsa_verify(&pk, hash, span_of(exact, b.len)) != cases[i].good)
            fail_msg("%s", cases[i].what);
        free(exact);
        buf_clear(&b);
    }
}

static void low_s(void **state)
{
    (void)state;
    static const struct {
        const char *sig;
        bool low;
    } cases[] = {{"3045022100" R "0220" S, true},
                 {"3046022100" R "022100" HS, false},
                 {"", false},
                 {"30", false},
                 /* Readable but too large: counts as zero, which is low. */
                 {"304502210"
                  "0" FF "0220" HS,
                  true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT;
        (void)!hex_read(&b, cases[i].sig);
        assert_int_equal(ecdsa_is_low_s(buf_span(&b)), cases[i].low);
        buf_clear(&b);
    }
}

static void mangled_signatures(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_true(hex_read(&b, "3045022100" R "0220" S));
    struct seckey key = small_seckey(1);
    struct pubkey pk;
    uint8_t hash[32];
    assert_true(seckey_pubkey(&pk, &key));
    sha256(hash, "Satoshi Nakamoto", 16);
    for (int i = 0; i < 3000; i++) {
        size_t len = test_rand() % 4 ? b.len : test_rand() % (b.len + 1);
        uint8_t *sig = xmemdup(b.data, len);
        for (size_t k = test_rand() % 4; len && k-- > 0;)
            sig[test_rand() % 6 ? test_rand() % len : test_rand() % (len < 8 ? len : 8)] =
                (uint8_t)test_rand();
        (void)!ecdsa_verify(&pk, hash, span_of(sig, len)); /* must not read outside */
        free(sig);
    }
    buf_clear(&b);
}

static void bip340(void **state)
{
    (void)state;
    char *text = shared_read("vectors/bips/bip-0340-test-vectors.csv");
    size_t n, tried = 0;
    char **lines = str_split(text, '\n', &n);
    for (size_t i = 1; i < n; i++) {
        if (!*str_trim(lines[i]))
            continue;
        size_t fields;
        char **f = str_split(lines[i], ',', &fields);
        assert_true(fields >= 7);
        struct xonly pk;
        uint8_t sig[64];
        struct buf msg = BUF_INIT;
        assert_true(hex_decode(pk.b, 32, f[2]));
        assert_true(hex_decode(sig, 64, f[5]));
        assert_true(hex_read(&msg, f[4]));
        bool want = strcmp(f[6], "TRUE") == 0;
        assert_int_equal(schnorr_verify(&pk, msg.data, msg.len, sig), want);
        if (*f[1]) {
            struct seckey key = seckey_of_hex(f[1]);
            struct pubkey full;
            assert_true(seckey_pubkey(&full, &key));
            struct xonly x = pubkey_xonly(&full);
            assert_memory_equal(x.b, pk.b, 32);
            uint8_t aux[32], got[64];
            assert_true(hex_decode(aux, 32, f[3]));
            if (msg.len == 32) {
                assert_true(schnorr_sign(got, &key, msg.data, NULL, aux));
                assert_memory_equal(got, sig, 64);
            }
        }
        buf_clear(&msg);
        free(f);
        tried++;
    }
    printf("bip-0340-test-vectors.csv: %zu cases\n", tried);
    assert_int_equal(tried, 19);
    free(lines);
    free(text);
}

static const char *field(struct json_object *o, const char *a, const char *b)
{
    struct json_object *v;
    assert_true(json_object_object_get_ex(o, a, &v));
    assert_true(json_object_object_get_ex(v, b, &v));
    return json_object_get_string(v);
}

static void bip341_tweaks(void **state)
{
    (void)state;
    char *text = shared_read("vectors/bips/bip-0341-wallet-test-vectors.json");
    struct json_object *all = json_tokener_parse(text), *list;
    assert_true(json_object_object_get_ex(all, "scriptPubKey", &list));
    size_t n = json_object_array_length(list);
    printf("bip-0341-wallet-test-vectors.json: %zu outputs\n", n);
    assert_true(n >= 7);
    for (size_t i = 0; i < n; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        struct xonly internal, out;
        uint8_t tweak[32];
        bool parity;
        assert_true(hex_decode(internal.b, 32, field(one, "given", "internalPubkey")));
        assert_true(hex_decode(tweak, 32, field(one, "intermediary", "tweak")));
        assert_true(taproot_tweak(&out, &parity, &internal, tweak));
        assert_hex(out.b, 32, field(one, "intermediary", "tweakedPubkey"));
        assert_true(taproot_check_tweak(&out, parity, &internal, tweak));
        assert_false(taproot_check_tweak(&out, !parity, &internal, tweak));
        tweak[5] ^= 4;
        assert_false(taproot_check_tweak(&out, parity, &internal, tweak));
    }
    json_object_put(all);
    free(text);
}

/* A tweaked key signs for the tweaked output. */
static void schnorr_with_tweak(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        struct seckey key;
        struct pubkey pk;
        uint8_t tweak[32], hash[32], sig[64], sig_again[64], zeros[32] = {0};
        bool parity;
        seckey_generate(&key);
        test_rand_bytes(tweak, 32);
        tweak[0] = 0;
        test_rand_bytes(hash, 32);
        assert_true(seckey_pubkey(&pk, &key));
        struct xonly internal = pubkey_xonly(&pk), out;
        assert_true(taproot_tweak(&out, &parity, &internal, tweak));
        assert_true(schnorr_sign(sig, &key, hash, tweak, NULL));
        assert_true(schnorr_verify(&out, hash, 32, sig));
        assert_false(schnorr_verify(&internal, hash, 32, sig));
        assert_true(schnorr_sign(sig_again, &key, hash, tweak, zeros));
        assert_memory_equal(sig, sig_again, 64);
        assert_true(schnorr_sign(sig, &key, hash, NULL, NULL));
        assert_true(schnorr_verify(&internal, hash, 32, sig));
    }
    struct seckey zero = small_seckey(0);
    uint8_t sig[64], hash[32] = {1};
    assert_false(schnorr_sign(sig, &zero, hash, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_key_forms),
        cmocka_unit_test(tweaks),
        cmocka_unit_test(rfc6979),
        cmocka_unit_test(sign_and_verify),
        cmocka_unit_test(lax_encodings),
        cmocka_unit_test(low_s),
        cmocka_unit_test(mangled_signatures),
        cmocka_unit_test(bip340),
        cmocka_unit_test(bip341_tweaks),
        cmocka_unit_test(schnorr_with_tweak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
