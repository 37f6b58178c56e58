/* Addresses, Base58, bech32, WIF, extended keys, base64: the field's vectors, and errors. */

#include <ctype.h>
#include <strings.h>

#include "chain/address.h"
#include "consensus/params.h"
#include "support/vectors.h"
#include "unit.h"

static const struct address_params *params_of(const char *chain)
{
    const struct network *net = network_find(chain);

    assert_non_null(net);
    return &net->address;
}

/* The output script of a destination, by hand. */
static void script_of(struct buf *b, const struct destination *d)
{
    static const uint8_t p2pkh[3] = {0x76, 0xa9, 0x14}, p2sh[2] = {0xa9, 0x14};
    uint8_t version = d->type == DEST_WITNESS                          ? d->witness_version
                      : d->type == DEST_P2TR || d->type == DEST_ANCHOR ? 1
                                                                       : 0;

    buf_reset(b);
    if (d->type == DEST_P2PKH) {
        write_bytes(b, p2pkh, 3);
        write_bytes(b, d->data, 20);
        write_u16be(b, 0x88ac);
    } else if (d->type == DEST_P2SH) {
        write_bytes(b, p2sh, 2);
        write_bytes(b, d->data, 20);
        write_u8(b, 0x87);
    } else {
        write_u8(b, version ? (uint8_t)(0x50 + version) : 0);
        write_u8(b, d->len);
        write_bytes(b, d->data, d->len);
    }
}

static void assert_decodes(const struct address_params *p, const char *text, const char *script)
{
    struct buf b = BUF_INIT, want = BUF_INIT;
    struct address_error error;
    struct destination d, again;
    char *encoded;

    if (!address_decode(p, text, &d, &error))
        fail_msg("%s: %s", text, error.text);
    assert_string_equal(error.text, "");
    assert_int_equal(error.n_at, 0);
    script_of(&b, &d);
    hex_into(&want, script);
    assert_true(span_eq(buf_span(&b), buf_span(&want)));
    encoded = address_encode(p, &d);
    assert_int_equal(strcasecmp(encoded, text), 0);
    assert_true(address_decode(p, encoded, &again, NULL));
    assert_true(destination_eq(&d, &again));
    free(encoded);
    buf_clear(&b);
    buf_clear(&want);
}

static void assert_no_address(const struct address_params *p, const char *text)
{
    struct address_error error;
    struct destination d;

    if (address_decode(p, text, &d, &error))
        fail_msg("%s decodes", text);
    assert_int_equal(d.type, DEST_NONE);
    address_error_clear(&error);
}

static void check_key(const struct address_params *p, const char *text, const char *hex,
                      bool compressed)
{
    struct seckey key;
    char *encoded, *digits;

    assert_true(wif_decode(p, text, &key));
    assert_int_equal(key.compressed, compressed);
    digits = hex_dup(key.b, 32);
    assert_string_equal(digits, hex);
    encoded = wif_encode(p, &key);
    assert_string_equal(encoded, text);
    assert_no_address(p, text);
    free(encoded);
    free(digits);
}

static void key_io_valid(void **state)
{
    struct json_object *all = vectors_load("key_io_valid.json");
    size_t n = json_object_array_length(all);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct json_object *test = json_at(all, i), *meta, *flag;
        const struct address_params *p;
        struct seckey key;
        char *text;

        meta = json_at(test, 2);
        p = params_of(json_str(json_member(meta, "chain")));
        if (json_object_get_boolean(json_object_object_get(meta, "isPrivkey"))) {
            flag = json_object_object_get(meta, "isCompressed");
            check_key(p, json_str(json_at(test, 0)), json_str(json_at(test, 1)),
                      json_object_get_boolean(flag));
            continue;
        }
        assert_decodes(p, json_str(json_at(test, 0)), json_str(json_at(test, 1)));
        assert_false(wif_decode(p, json_str(json_at(test, 0)), &key));
        text = xstrdup(json_str(json_at(test, 0)));
        for (char *c = text; *c; c++)
            *c = (char)(islower((uint8_t)*c) ? toupper((uint8_t)*c) : tolower((uint8_t)*c));
        if (json_object_get_boolean(json_object_object_get(meta, "tryCaseFlip")))
            assert_decodes(p, text, json_str(json_at(test, 1)));
        else
            assert_no_address(p, text);
        free(text);
    }
    print_message("key_io_valid: %zu cases\n", n);
    printf("key_io_valid.json: %zu cases\n", n);
    json_object_put(all);
}

static void key_io_invalid(void **state)
{
    struct json_object *all = vectors_load("key_io_invalid.json");
    size_t n = json_object_array_length(all), n_nets;
    const struct network *const *nets = network_all(&n_nets);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        const char *text = json_str(json_at(json_at(all, i), 0));

        for (size_t k = 0; k < n_nets; k++) {
            struct seckey key;

            assert_no_address(&nets[k]->address, text);
            assert_false(wif_decode(&nets[k]->address, text, &key));
        }
    }
    print_message("key_io_invalid: %zu cases\n", n);
    printf("key_io_invalid.json: %zu cases\n", n);
    json_object_put(all);
}

/* Of Core's functional tests of validateaddress. */
static const struct {
    const char *chain, *text, *error;
    size_t n_at;
    int at[4];
} invalid[] = {
    {"main",
     "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"main", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "Invalid Bech32 checksum", 1, {41}},
    {"main",
     "BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2",
     "Version 1+ witness address must use Bech32m checksum",
     0,
     {0}},
    {"main", "bc1rw5uspcuh", "Version 1+ witness address must use Bech32m checksum", 0, {0}},
    {"main",
     "bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90",
     "Version 1+ witness address must use Bech32m checksum",
     0,
     {0}},
    {"main",
     "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
     "Invalid Bech32 v0 address program size (16 bytes), per BIP141",
     0,
     {0}},
    {"main",
     "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"main",
     "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3t4",
     "Invalid character or mixed case",
     1,
     {40}},
    {"main",
     "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
     "Version 1+ witness address must use Bech32m checksum",
     0,
     {0}},
    {"main",
     "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"main", "bc1gmk9yu", "Empty Bech32 data section", 0, {0}},
    {"main",
     "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"main",
     "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
     "Version 1+ witness address must use Bech32m checksum",
     0,
     {0}},
    {"main",
     "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"main",
     "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
     "Version 1+ witness address must use Bech32m checksum",
     0,
     {0}},
    {"main",
     "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
     "Version 0 witness address must use Bech32 checksum",
     0,
     {0}},
    {"main",
     "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"main",
     "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
     "Invalid Base 32 character",
     1,
     {59}},
    {"main",
     "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
     "Invalid Bech32 address witness version",
     0,
     {0}},
    {"main", "bc1pw5dgrnzv", "Invalid Bech32 address program size (1 byte)", 0, {0}},
    {"main",
     "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
     "Invalid Bech32 address program size (41 bytes)",
     0,
     {0}},
    {"main",
     "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
     "Invalid Bech32 v0 address program size (16 bytes), per BIP141",
     0,
     {0}},
    {"main",
     "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"main",
     "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
     "Invalid padding in Bech32 data section",
     0,
     {0}},
    {"main",
     "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"main", "bc1gmk9yu", "Empty Bech32 data section", 0, {0}},
    {"regtest",
     "bcrt1s0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav25430mtr",
     "Invalid Bech32 address program size (41 bytes)",
     0,
     {0}},
    {"regtest",
     "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"regtest",
     "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqdmchcc",
     "Version 1+ witness address must use Bech32m checksum",
     0,
     {0}},
    {"regtest",
     "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7k35mrzd",
     "Version 0 witness address must use Bech32 checksum",
     0,
     {0}},
    {"regtest",
     "bcrt130xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqynjegk",
     "Invalid Bech32 address witness version",
     0,
     {0}},
    {"regtest",
     "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kqqq5k3my",
     "Invalid Bech32 v0 address program size (21 bytes), per BIP141",
     0,
     {0}},
    {"regtest",
     "bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv049edschfnwystcqnsvyfpj23mpsg3jcedq9xv049edschfnwystcqnsvyfpj23m",
     "Bech32 string too long",
     18,
     {90, 91}},
    {"regtest", "bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Invalid Bech32 checksum", 1, {9}},
    {"regtest",
     "bcrt1qax9suht3qv95sw33xavx8crpxduefdrsvgsklu",
     "Invalid Bech32 checksum",
     2,
     {22, 43}},
    {"regtest", "BCRT1QPLMTZKC2XHARPPZDLNPAQL78RSHJ68U32RAH7R", "Invalid Bech32 checksum", 1, {38}},
    {"regtest", "bcrtq049ldschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Missing separator", 0, {0}},
    {"regtest",
     "bcrt1q04oldschfnwystcqnsvyfpj23mpsg3jcedq9xv",
     "Invalid Base 32 character",
     1,
     {8}},
    {"regtest",
     "bcrt1qdg3myrgvzw7ml8q0ejxhlkyxn7vl9r56yzkfgvzclrf4hkpx9yfqhpsuks",
     "Invalid Bech32 checksum",
     2,
     {19, 30}},
    {"regtest", "bcrt1ptmp74ayg7p24uslctssvjm06q5phz4yrxucgnv", "Invalid Bech32 checksum", 1, {5}},
    {"regtest",
     "17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem",
     "Invalid or unsupported Base58-encoded address.",
     0,
     {0}},
    {"regtest",
     "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJJfn",
     "Invalid checksum or length of Base58 address (P2PKH or P2SH)",
     0,
     {0}},
    {"regtest",
     "2VKf7XKMrp4bVNVmuRbyCewkP8FhGLP2E54LHDPakr9Sq5mtU2",
     "Invalid checksum or length of Base58 address (P2PKH or P2SH)",
     0,
     {0}},
    {"regtest",
     "asfah14i8fajz0123f",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"regtest",
     "1q049ldschfnwystcqnsvyfpj23mpsg3jcedq9xv",
     "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
     0,
     {0}},
    {"main",
     "bcrt1qtmp74ayg7p24uslctssvjm06q5phz4yrxucgnv",
     "Invalid or unsupported prefix for Segwit (Bech32) address (expected bc, got bcrt).",
     0,
     {0}},
    {"main", "bc1", "Invalid separator position", 1, {2}},
    {"main", "BC", "Missing separator", 0, {0}},
    {"main",
     "bc1q\x7f"
     "BC",
     "Invalid character or mixed case",
     3,
     {4, 5, 6}},
    {"main", "", "Invalid checksum or length of Base58 address (P2PKH or P2SH)", 0, {0}},
};

static void says_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(invalid); i++) {
        struct address_error error;
        struct destination d;

        assert_false(address_decode(params_of(invalid[i].chain), invalid[i].text, &d, &error));
        if (strcmp(error.text, invalid[i].error) != 0)
            fail_msg("%s: \"%s\"", invalid[i].text, error.text);
        assert_int_equal(error.n_at, invalid[i].n_at);
        for (size_t k = 0; k < error.n_at; k++)
            assert_int_equal(error.at[k], invalid[i].n_at <= ARRAY_LEN(invalid[i].at)
                                              ? invalid[i].at[k]
                                              : invalid[i].at[0] + (int)k);
        address_error_clear(&error);
    }
}

static void decodes_valid(void **state)
{
    static const char *const valid[][2] = {
        {"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
         "0014751e76e8199196d454941c45d1b3a323f1433bd6"},
        {"bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
         "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262"},
        {"bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
         "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6"},
        {"BC1SW50QGDZ25J", "6002751e"},
        {"bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"},
        {"bc1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvses5wp4dt",
         "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"},
        {"bc1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvses7epu4h",
         "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"},
        {"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
         "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"},
        {"bc1pfeessrawgf", "51024e73"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(valid); i++)
        assert_decodes(params_of("main"), valid[i][0], valid[i][1]);
}

/* One or two wrong characters after the separator are always found. */
static void locates_errors(void **state)
{
    static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    static const char *const texts[] = {
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y"};
    uint64_t x = 20260101;

    (void)state;
    for (int round = 0; round < 150; round++) {
        char *text = xstrdup(texts[round % 3]);
        struct address_error error;
        struct destination d;
        int at[2];

        for (int k = 0; k < 2; k++) {
            char c;

            x = x * 6364136223846793005u + 1442695040888963407u;
            at[k] = 3 + (int)((x >> 33) % (strlen(text) - 3));
            c = charset[x >> 59];
            text[at[k]] = c == text[at[k]] ? (c == 'q' ? 'p' : 'q') : c;
        }
        if (strcmp(text, texts[round % 3]) != 0 && at[0] != at[1]) {
            assert_false(address_decode(params_of("main"), text, &d, &error));
            assert_int_equal(error.n_at, 2);
            assert_int_equal(error.at[0], at[0] < at[1] ? at[0] : at[1]);
            assert_int_equal(error.at[1], at[0] < at[1] ? at[1] : at[0]);
            address_error_clear(&error);
        }
        free(text);
    }
}

static void base58_vectors(void **state)
{
    struct json_object *all = vectors_load("base58_encode_decode.json");
    size_t n = json_object_array_length(all);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct json_object *test = json_at(all, i);
        struct buf b = BUF_INIT, out = BUF_INIT;
        char *text;

        hex_into(&b, json_str(json_at(test, 0)));
        text = base58_encode(b.data, b.len);
        assert_string_equal(text, json_str(json_at(test, 1)));
        assert_true(base58_decode(text, &out, 256));
        assert_true(span_eq(buf_span(&b), buf_span(&out)));
        buf_reset(&out);
        assert_true(base58_decode(text, &out, b.len));
        if (b.len > 0)
            assert_false(base58_decode(text, &out, b.len - 1));
        free(text);
        buf_clear(&b);
        buf_clear(&out);
    }
    print_message("base58_encode_decode: %zu cases\n", n);
    printf("base58_encode_decode.json: %zu cases\n", n);
    json_object_put(all);
}

static void base58_blanks_and_errors(void **state)
{
    struct buf out = BUF_INIT;

    (void)state;
    assert_true(base58_decode(" \t\n\v\f\r skip \r\f\v\n\t ", &out, 3));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "\x97\x1a\x55", 3);
    assert_false(base58_decode(" \t\n\v\f\r skip \r\f\v\n\t a", &out, 3));
    assert_false(base58_decode("invalid", &out, 100));
    assert_false(base58_decode("bad0IOl", &out, 100));
    assert_false(base58_decode("11111", &out, 4));
    assert_false(base58check_decode("3vQB7B6MrGQZaxCuFg4oh0", &out, 100));
    assert_false(base58check_decode("", &out, 100));
    assert_int_equal(out.len, 3);
    buf_clear(&out);
}

static void assert_bech32(const char *text, enum bech32_encoding want)
{
    uint8_t values[90];
    char hrp[84], *again;
    size_t n;

    if (bech32_decode(text, hrp, values, sizeof(values), &n) != want)
        fail_msg("%s", text);
    if (want == BECH32_NONE)
        return;
    again = bech32_encode(want, hrp, values, n);
    assert_int_equal(strcasecmp(again, text), 0);
    free(again);
}

/* BIP173, BIP350. */
static void bech32_vectors(void **state)
{
    static const char *const bech32[] = {
        "A12UEL5L",
        "a12uel5l",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
        "?1ezyfcl"};
    static const char *const bech32m[] = {
        "A1LQFN3A",
        "a1lqfn3a",
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
        "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
        "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
        "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
        "?1v759aa"};
    static const char *const none[] = {
        " 1nwldj5",
        "\x7f"
        "1axkwrx",
        "\x80"
        "1eym55h",
        "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
        "pzry9x0s0muk",
        "1pzry9x0s0muk",
        "x1b4n0q5v",
        "li1dgmt3",
        "de1lg7wt\xff",
        "A1G7SGD8",
        "10a06t8",
        "1qzzfhee",
        "a12UEL5L",
        "A12uEL5L",
        " 1xj0phk",
        "\x7f"
        "1g6xzxy",
        "\x80"
        "1vctc34",
        "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
        "qyrz8wqd2c9m",
        "1qyrz8wqd2c9m",
        "y1b0jsk6g",
        "lt1igcx5c0",
        "in1muywd",
        "mm1crxm3i",
        "au1s5cgom",
        "M1VUXWEZ",
        "16plkw9",
        "1p2gdwpf",
        "abcdef1l7aum6echk45nj2s0wdvt2fg8x9yrzpqzd3ryx",
        "",
        "1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bech32); i++)
        assert_bech32(bech32[i], BECH32);
    for (size_t i = 0; i < ARRAY_LEN(bech32m); i++)
        assert_bech32(bech32m[i], BECH32M);
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_bech32(none[i], BECH32_NONE);
}

static void regroups_bits(void **state)
{
    static const uint8_t in[3] = {0xff, 0x00, 0x81}, odd[2] = {31, 1}, long_pad[3] = {0, 0, 0};
    uint8_t five[8], eight[8];
    size_t n, m;

    (void)state;
    assert_true(convert_bits(five, &n, 5, in, 3, 8, true));
    assert_int_equal(n, 5);
    assert_true(convert_bits(eight, &m, 8, five, n, 5, false));
    assert_int_equal(m, 3);
    assert_memory_equal(eight, in, 3);
    assert_false(convert_bits(eight, &m, 8, odd, 2, 5, false));      /* padding is not zero */
    assert_false(convert_bits(eight, &m, 8, long_pad, 3, 5, false)); /* 7 bits of padding */
    assert_true(convert_bits(eight, &m, 8, long_pad, 2, 5, false));
}

static void base64_vectors(void **state)
{
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const coded[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    static const char *const bad[] = {
        "Z",        "Zg",   "Zg=",  "Zg===", "Zh==",   "Zm9=", "Zm9v=",
        "Zm9v====", "Z===", "====", "Zm 9",  "Zm9v\n", "Zm9-", "=Zm9"};
    uint8_t all[256], *data;
    struct buf out = BUF_INIT;
    char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        text = base64_encode(plain[i], strlen(plain[i]));
        assert_string_equal(text, coded[i]);
        buf_reset(&out);
        assert_true(base64_decode(text, &out));
        assert_true(span_eq(buf_span(&out), span_of(plain[i], strlen(plain[i]))));
        free(text);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        buf_reset(&out);
        assert_false(base64_decode(bad[i], &out));
        assert_int_equal(out.len, 0);
    }
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    text = base64_encode(all, sizeof(all));
    buf_reset(&out);
    assert_true(base64_decode(text, &out));
    assert_int_equal(out.len, 256);
    data = out.data;
    assert_memory_equal(data, all, 256);
    free(text);
    buf_clear(&out);
}

/* BIP32, test vector 1. */
static void extended_keys(void **state)
{
    static const char xpub[] = "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFj"
                               "qJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8";
    static const char xprv[] = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNK"
                               "mPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi";
    const struct address_params *p = params_of("main");
    struct ext_pubkey pub, neutered;
    struct ext_seckey sec;
    char *text;

    (void)state;
    assert_true(ext_pubkey_decode(p, xpub, &pub));
    text = ext_pubkey_encode(p, &pub);
    assert_string_equal(text, xpub);
    free(text);
    assert_true(ext_seckey_decode(p, xprv, &sec));
    text = ext_seckey_encode(p, &sec);
    assert_string_equal(text, xprv);
    free(text);
    ext_seckey_neuter(&neutered, &sec);
    text = ext_pubkey_encode(p, &neutered);
    assert_string_equal(text, xpub);
    free(text);
    assert_false(ext_pubkey_decode(p, xprv, &pub));
    assert_false(ext_seckey_decode(p, xpub, &sec));
    assert_false(ext_pubkey_decode(params_of("regtest"), xpub, &pub));
    assert_false(ext_pubkey_decode(p, "xpub", &pub));
    assert_false(ext_seckey_decode(p, "", &sec));
}

static void encodes_nothing(void **state)
{
    struct destination d = {.type = DEST_NONE};

    (void)state;
    assert_null(address_encode(params_of("main"), &d));
    d.type = DEST_PUBKEY;
    assert_null(address_encode(params_of("main"), &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_io_valid),
        cmocka_unit_test(key_io_invalid),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(decodes_valid),
        cmocka_unit_test(locates_errors),
        cmocka_unit_test(base58_vectors),
        cmocka_unit_test(base58_blanks_and_errors),
        cmocka_unit_test(bech32_vectors),
        cmocka_unit_test(regroups_bits),
        cmocka_unit_test(base64_vectors),
        cmocka_unit_test(extended_keys),
        cmocka_unit_test(encodes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
