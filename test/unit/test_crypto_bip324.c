/*
 * BIP324: the three vector files whole; keys that meet; a long talk over many changes of keys;
 * packets that somebody touched.
 */
#include "crypto/bip324.h"
#include "crypto/ellswift.h"
#include "unit.h"

static const uint8_t main_magic[4] = {0xf9, 0xbe, 0xb4, 0xd9};

/* ---- the vectors ---- */

#define MAX_FIELDS 24

/* Cuts a line at its commas; returns how many fields. */
static size_t cut(char *line, char *fields[MAX_FIELDS])
{
    size_t n = 0;

    for (char *p = line; p && n < MAX_FIELDS;) {
        char *comma = strchr(p, ',');

        if (comma)
            *comma = '\0';
        fields[n++] = p;
        p = comma ? comma + 1 : NULL;
    }
    return n;
}

typedef void row_fn(char *fields[MAX_FIELDS], size_t n);

static void each_row(const char *name, row_fn *check)
{
    char *text = shared_read(name), *rest = text, *line, *fields[MAX_FIELDS];
    size_t rows = 0;

    for (strsep(&rest, "\n"); (line = strsep(&rest, "\n")) != NULL;) {
        line[strcspn(line, "\r")] = '\0';
        if (*line == '\0')
            continue;
        check(fields, cut(line, fields));
        rows++;
    }
    printf("%s: %zu rows\n", name, rows);
    assert_true(rows > 3);
    free(text);
}

static void hex32(uint8_t out[32], const char *hex)
{
    assert_true(hex_decode(out, 32, hex));
}

static void check_decode(char *fields[MAX_FIELDS], size_t n)
{
    uint8_t in[64], x[32];

    assert_true(n >= 2);
    assert_true(hex_decode(in, 64, fields[0]));
    ellswift_decode(x, in);
    assert_hex(x, 32, fields[1]);
}

static void decode_vectors(void **state)
{
    (void)state;
    each_row("vectors/bips/bip-0324-ellswift_decode_test_vectors.csv", check_decode);
}

static void check_inverse(char *fields[MAX_FIELDS], size_t n)
{
    uint8_t x[32], both[64], got[32];

    assert_true(n >= 10);
    hex32(both, fields[0]);
    hex32(x, fields[1]);
    for (unsigned which = 0; which < 8; which++) {
        bool has = ellswift_inverse(both + 32, x, both, which);

        assert_int_equal(has, *fields[2 + which] != '\0');
        if (!has)
            continue;
        assert_hex(both + 32, 32, fields[2 + which]);
        ellswift_decode(got, both);
        assert_memory_equal(got, x, 32);
    }
}

static void inverse_vectors(void **state)
{
    (void)state;
    each_row("vectors/bips/bip-0324-xswiftec_inv_test_vectors.csv", check_inverse);
}

enum {
    IN_IDX,
    IN_PRIV_OURS,
    IN_OURS,
    IN_THEIRS,
    IN_INITIATING,
    IN_CONTENTS,
    IN_MULTIPLY,
    IN_AAD,
    IN_IGNORE,
    MID_X_OURS,
    MID_X_THEIRS,
    MID_X_SHARED,
    MID_SECRET,
    MID_KEYS, /* four columns */
    MID_SEND_TERMINATOR = MID_KEYS + 4,
    MID_RECV_TERMINATOR,
    OUT_SESSION_ID,
    OUT_CIPHERTEXT,
    OUT_ENDSWITH,
    PACKET_FIELDS
};

static void check_packet_keys(char *f[MAX_FIELDS], uint8_t secret[32])
{
    struct seckey key = {.compressed = true};
    uint8_t ours[64], theirs[64], x[32];

    hex32(key.b, f[IN_PRIV_OURS]);
    assert_true(hex_decode(ours, 64, f[IN_OURS]));
    assert_true(hex_decode(theirs, 64, f[IN_THEIRS]));
    ellswift_decode(x, ours);
    assert_hex(x, 32, f[MID_X_OURS]);
    ellswift_decode(x, theirs);
    assert_hex(x, 32, f[MID_X_THEIRS]);
    assert_true(ellswift_ecdh(secret, ours, theirs, &key, *f[IN_INITIATING] == '1'));
    assert_hex(secret, 32, f[MID_SECRET]);
}

static void check_packet(char *f[MAX_FIELDS], size_t n)
{
    struct buf contents = BUF_INIT, aad = BUF_INIT;
    uint8_t secret[32], *out;
    struct bip324 *c;
    uint32_t before, times;
    char *hex;

    assert_int_equal(n, PACKET_FIELDS);
    check_packet_keys(f, secret);
    c = bip324_create(secret, main_magic, *f[IN_INITIATING] == '1');
    assert_hex(bip324_send_terminator(c), 16, f[MID_SEND_TERMINATOR]);
    assert_hex(bip324_receive_terminator(c), 16, f[MID_RECV_TERMINATOR]);
    assert_hex(bip324_session_id(c), 32, f[OUT_SESSION_ID]);
    assert_true(parse_u32(f[IN_IDX], &before) && parse_u32(f[IN_MULTIPLY], &times));
    for (uint32_t i = 0; i < times; i++)
        assert_true(hex_read(&contents, f[IN_CONTENTS]));
    assert_true(hex_read(&aad, f[IN_AAD]));
    out = xmalloc(contents.len + BIP324_EXPANSION);
    for (uint32_t i = 0; i < before; i++)
        bip324_encrypt(c, out, span_of(NULL, 0), span_of(NULL, 0), false);
    bip324_encrypt(c, out, buf_span(&contents), buf_span(&aad), *f[IN_IGNORE] == '1');
    hex = hex_dup(out, contents.len + BIP324_EXPANSION);
    if (*f[OUT_CIPHERTEXT])
        assert_string_equal(hex, f[OUT_CIPHERTEXT]);
    else
        assert_true(*f[OUT_ENDSWITH] && ends_with(hex, f[OUT_ENDSWITH]));
    free(hex);
    free(out);
    bip324_destroy(c);
    buf_clear(&contents);
    buf_clear(&aad);
}

static void packet_vectors(void **state)
{
    (void)state;
    each_row("vectors/bips/bip-0324-packet_encoding_test_vectors.csv", check_packet);
}

/* ---- by construction ---- */

static void encodings(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        struct seckey a, b;
        struct pubkey pk;
        uint8_t ea[64], eb[64], x[32], sa[32], sb[32];

        seckey_generate(&a);
        seckey_generate(&b);
        ellswift_create(ea, &a);
        ellswift_create(eb, &b);
        ellswift_decode(x, ea);
        assert_true(seckey_pubkey(&pk, &a));
        assert_memory_equal(x, pk.data + 1, 32);
        assert_true(ellswift_ecdh(sa, ea, eb, &a, true));
        assert_true(ellswift_ecdh(sb, eb, ea, &b, false));
        assert_memory_equal(sa, sb, 32);
        assert_true(ellswift_ecdh(sb, eb, ea, &b, true));
        assert_memory_not_equal(sa, sb, 32);
        /* anything decodes to a point */
        test_rand_bytes(ea, 64);
        assert_true(ellswift_ecdh(sa, ea, eb, &a, true));
    }
}

struct talk {
    struct bip324 *a, *b;
    uint8_t packet[400];
};

static struct talk start_talk(void)
{
    uint8_t secret[32];
    struct talk t;

    test_rand_bytes(secret, sizeof(secret));
    t.a = bip324_create(secret, main_magic, true);
    t.b = bip324_create(secret, main_magic, false);
    return t;
}

static void end_talk(struct talk *t)
{
    bip324_destroy(t->a);
    bip324_destroy(t->b);
}

static void say(struct talk *t, struct bip324 *from, struct bip324 *to)
{
    uint8_t data[300], got[300], aad[20];
    size_t len = test_rand() % sizeof(data);
    struct span more = span_of(aad, test_rand() % 4 ? 0 : sizeof(aad));
    bool decoy = test_rand() & 1, ignore;

    test_rand_bytes(data, sizeof(data));
    test_rand_bytes(aad, sizeof(aad));
    bip324_encrypt(from, t->packet, span_of(data, len), more, decoy);
    assert_int_equal(bip324_decrypt_length(to, t->packet), len);
    assert_true(bip324_decrypt(to, got, span_of(t->packet + 3, len + 17), more, &ignore));
    assert_int_equal(ignore, decoy);
    assert_memory_equal(got, data, len);
}

static void long_talk(void **state)
{
    struct talk t = start_talk();

    (void)state;
    assert_memory_equal(bip324_session_id(t.a), bip324_session_id(t.b), 32);
    assert_memory_equal(bip324_send_terminator(t.a), bip324_receive_terminator(t.b), 16);
    assert_memory_equal(bip324_send_terminator(t.b), bip324_receive_terminator(t.a), 16);
    for (int i = 0; i < 3000; i++) {
        if (test_rand() % 3)
            say(&t, t.a, t.b);
        else
            say(&t, t.b, t.a);
    }
    end_talk(&t);
}

static void touched(void **state)
{
    uint8_t data[40] = {1, 2, 3}, got[60];
    struct span none = span_of(NULL, 0);
    bool ignore;

    (void)state;
    for (size_t i = 0; i < (sizeof(data) + 17) * 8; i += 3) {
        struct talk t = start_talk();

        bip324_encrypt(t.a, t.packet, span_of(data, sizeof(data)), none, false);
        t.packet[3 + i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(bip324_decrypt_length(t.b, t.packet), sizeof(data));
        assert_false(
            bip324_decrypt(t.b, got, span_of(t.packet + 3, sizeof(data) + 17), none, &ignore));
        end_talk(&t);
    }
    struct talk t = start_talk();
    bip324_encrypt(t.a, t.packet, none, none, false);
    bip324_decrypt_length(t.b, t.packet);
    assert_false(bip324_decrypt(t.b, got, span_of(t.packet + 3, 16), none, &ignore));
    assert_false(bip324_decrypt(t.b, got, span_of(t.packet + 3, 17), span_of("x", 1), &ignore));
    end_talk(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_vectors), cmocka_unit_test(inverse_vectors),
        cmocka_unit_test(packet_vectors), cmocka_unit_test(encodings),
        cmocka_unit_test(long_talk),      cmocka_unit_test(touched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
