/* Hashes, HMAC, AES and ChaCha20: published answers, and OpenSSL's EVP for random input. */

#include <openssl/evp.h>

#include "crypto/aes.h"
#include "crypto/hash.h"
#include "unit.h"

static void known_answers(void **state)
{
    (void)state;
    uint8_t out[64];
    sha256(out, "", 0);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256(out, "abc", 3);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256d(out, "hello", 5);
    assert_hex(out, 32, "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
    sha1(out, "abc", 3);
    assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    ripemd160(out, "", 0);
    assert_hex(out, 20, "9c1185a5c5e9fc54612808977ee8f548b2258d31");
    ripemd160(out, "abc", 3);
    assert_hex(out, 20, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    uint8_t pubkey[33]; /* the generator: everybody's first address */
    assert_true(hex_decode(pubkey, 33,
                           "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"));
    hash160(out, pubkey, 33);
    assert_hex(out, 20, "751e76e8199196d454941c45d1b3a323f1433bd6");
}

static void million_letters(void **state)
{
    (void)state;
    struct sha256 h;
    uint8_t out[32], piece[1000];
    memset(piece, 'a', sizeof(piece));
    sha256_init(&h);
    for (int i = 0; i < 1000; i++)
        sha256_write(&h, piece, sizeof(piece));
    sha256_final(&h, out);
    assert_hex(out, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void in_pieces(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        uint8_t data[300], whole[32], out[32];
        size_t len = test_rand() % sizeof(data);
        test_rand_bytes(data, len);
        sha256(whole, data, len);
        struct sha256 h;
        sha256_init(&h);
        for (size_t pos = 0; pos < len;) {
            size_t n = test_rand() % (len - pos) + 1;
            sha256_write(&h, data + pos, n);
            pos += n;
        }
        struct sha256 copy = h;
        sha256_final(&h, out);
        assert_memory_equal(out, whole, 32);
        sha256d_final(&copy, out);
        sha256(whole, whole, 32);
        assert_memory_equal(out, whole, 32);
    }
}

static void integers(void **state)
{
    (void)state;
    static const uint64_t values[] = {0,      1,      252,     253,        254,         255,
                                      0xfffe, 0xffff, 0x10000, 0xffffffff, 0x100000000, UINT64_MAX};
    struct buf b = BUF_INIT;
    struct sha256 h;
    sha256_init(&h);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        write_compact(&b, values[i]);
        write_u64(&b, values[i]);
        write_u32(&b, (uint32_t)values[i]);
        sha256_write_compact(&h, values[i]);
        sha256_write_u64(&h, values[i]);
        sha256_write_u32(&h, (uint32_t)values[i]);
    }
    uint8_t got[32], want[32];
    sha256_final(&h, got);
    sha256(want, b.data, b.len);
    assert_memory_equal(got, want, 32);
    buf_clear(&b);
}

static void tags(void **state)
{
    (void)state;
    static const char *const names[] = {"TapSighash",        "TapLeaf",
                                        "TapBranch",         "TapTweak",
                                        "BIP0340/challenge", "BIP0322-signed-message",
                                        "TapSigHash",        ""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct sha256 h;
        uint8_t twice[64], got[32], want[32];
        sha256(twice, names[i], strlen(names[i]));
        memcpy(twice + 32, twice, 32);
        sha256_init(&h);
        sha256_write(&h, twice, 64);
        sha256_write(&h, "message", 7);
        sha256_final(&h, want);
        sha256_init_tagged(&h, names[i]);
        sha256_write(&h, "message", 7);
        sha256_final(&h, got);
        assert_memory_equal(got, want, 32);
    }
}

/* RFC 4231, cases 1 to 4, 6 and 7 (5 is about truncation). */
static void hmac_rfc4231(void **state)
{
    (void)state;
    char *a20 = xmalloc(41), *dd50 = xmalloc(101), *aa131 = xmalloc(263), *cd50 = xmalloc(101);
    for (int i = 0; i < 20; i++)
        memcpy(a20 + 2 * i, "aa", 3);
    for (int i = 0; i < 50; i++) {
        memcpy(dd50 + 2 * i, "dd", 3);
        memcpy(cd50 + 2 * i, "cd", 3);
    }
    for (int i = 0; i < 131; i++)
        memcpy(aa131 + 2 * i, "aa", 3);
    const struct {
        const char *key, *text, *hex, *sha256, *sha512;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There", NULL,
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
         "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
         "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
        {"4a656665", "what do ya want for nothing?", NULL,
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
         "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
        {a20, NULL, dd50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
         "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
         "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
        {"0102030405060708090a0b0c0d0e0f10111213141516171819", NULL, cd50,
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
         "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
         "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
        {aa131, "Test Using Larger Than Block-Size Key - Hash Key First", NULL,
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
         "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
         "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
        {aa131,
         "This is a test using a larger than block-size key and a larger than block-size data. The "
         "key needs to be hashed before being used by the HMAC algorithm.",
         NULL, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
         "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
         "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf key = BUF_INIT, data = BUF_INIT;
        assert_true(hex_read(&key, cases[i].key));
        if (cases[i].text)
            write_bytes(&data, cases[i].text, strlen(cases[i].text));
        else
            assert_true(hex_read(&data, cases[i].hex));
        uint8_t out[64];
        hmac_sha256(out, key.data, key.len, data.data, data.len);
        assert_hex(out, 32, cases[i].sha256);
        hmac_sha512(out, key.data, key.len, data.data, data.len);
        assert_hex(out, 64, cases[i].sha512);
        buf_clear(&key);
        buf_clear(&data);
    }
    free(a20);
    free(dd50);
    free(aa131);
    free(cd50);
}

static void pairs(void **state)
{
    (void)state;
    for (size_t n = 0; n < 70; n++) {
        uint8_t *in = xmalloc(64 * n), *out = xmalloc(32 * n), *want = xmalloc(32 * n);
        test_rand_bytes(in, 64 * n);
        for (size_t i = 0; i < n; i++)
            sha256d(want + 32 * i, in + 64 * i, 64);
        sha256d_64(out, in, n);
        assert_memory_equal(out, want, 32 * n);
        sha256d_64(in, in, n); /* in place */
        assert_memory_equal(in, want, 32 * n);
        free(in);
        free(out);
        free(want);
    }
}

/* NIST SP 800-38A, F.2.5, followed by a block of padding. */
static void aes_known(void **state)
{
    (void)state;
    uint8_t key[32], iv[16], plain[64], out[80], back[80];
    size_t len;
    assert_true(
        hex_decode(key, 32, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"));
    assert_true(hex_decode(iv, 16, "000102030405060708090a0b0c0d0e0f"));
    assert_true(hex_decode(plain, 64,
                           "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                           "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"));
    assert_true(aes256_cbc_encrypt(out, &len, plain, 64, key, iv));
    assert_int_equal(len, 80);
    assert_hex(out, 64,
               "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
               "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b");
    assert_true(aes256_cbc_decrypt(back, &len, out, 80, key, iv));
    assert_int_equal(len, 64);
    assert_memory_equal(back, plain, 64);
    assert_false(aes256_cbc_decrypt(back, &len, out, 64, key, iv)); /* no padding there */
    assert_false(aes256_cbc_decrypt(back, &len, out, 79, key, iv));
    assert_false(aes256_cbc_decrypt(back, &len, out, 0, key, iv));
}

static void aes_round_trip(void **state)
{
    (void)state;
    for (size_t n = 0; n < 100; n++) {
        uint8_t key[32], iv[16], plain[100], out[116], back[116];
        size_t len, back_len;
        test_rand_bytes(key, 32);
        test_rand_bytes(iv, 16);
        test_rand_bytes(plain, n);
        assert_true(aes256_cbc_encrypt(out, &len, plain, n, key, iv));
        assert_int_equal(len, n / 16 * 16 + 16);
        assert_true(aes256_cbc_decrypt(back, &back_len, out, len, key, iv));
        assert_int_equal(back_len, n);
        assert_memory_equal(back, plain, n);
    }
}

static void chacha20(void **state)
{
    (void)state;
    uint8_t key[32] = {0}, out[1500], want[1500], iv[16] = {0}, zeros[1500] = {0};
    chacha20_keystream(out, 64, key);
    assert_hex(out, 64,
               "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
               "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    for (int i = 0; i < 300; i++) {
        size_t len = test_rand() % sizeof(out);
        test_rand_bytes(key, 32);
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        int n = 0;
        assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_chacha20(), NULL, key, iv), 1);
        assert_int_equal(EVP_EncryptUpdate(ctx, want, &n, zeros, (int)len), 1);
        EVP_CIPHER_CTX_free(ctx);
        chacha20_keystream(out, len, key);
        assert_memory_equal(out, want, len);
    }
}

/* Messages of all lengths about the ends of blocks, and random ones up to more than are hashed side
 * by side, each cut into parts anywhere: as one by one. */
static void many_messages(void **state)
{
    enum { N = 700, MAX = 6000 };
    uint8_t *data = xmalloc(MAX), (*out)[32] = xcalloc(N, 32), want[32];
    struct sha256_job *jobs = xcalloc(N, sizeof(*jobs));

    (void)state;
    test_rand_bytes(data, MAX);
    for (size_t n = 0; n <= N; n += n < 40 ? 1 : 60) {
        for (size_t i = 0; i < n; i++) {
            size_t len = i < 300 ? i : test_rand() % (i % 7 ? 500 : MAX);
            size_t a = test_rand() % (len + 1), b = a + test_rand() % (len - a + 1);

            jobs[i] = (struct sha256_job){
                {span_of(data, a), span_of(data + a, b - a), span_of(data + b, len - b)}, out[i]};
        }
        sha256d_many(jobs, n);
        for (size_t i = 0; i < n; i++) {
            const struct span *p = jobs[i].part;

            sha256d(want, data, p[0].len + p[1].len + p[2].len);
            assert_memory_equal(out[i], want, 32);
        }
    }
    free(jobs);
    free(out);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_messages),   cmocka_unit_test(known_answers),
        cmocka_unit_test(million_letters), cmocka_unit_test(in_pieces),
        cmocka_unit_test(integers),        cmocka_unit_test(tags),
        cmocka_unit_test(hmac_rfc4231),    cmocka_unit_test(pairs),
        cmocka_unit_test(aes_known),       cmocka_unit_test(aes_round_trip),
        cmocka_unit_test(chacha20),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
