/* BIP32: the five vectors that it prints, paths, and derivation of public from public keys. */

#include "chain/address.h"
#include "crypto/bip32.h"
#include "unit.h"

static const struct {
    const char *seed, *path, *xpub, *xprv;
} good[] = {
    {"000102030405060708090a0b0c0d0e0f", "m",
     "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8Y"
     "tGqsefD265TMg7usUDFdp6W1EGMcet8",
     "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF"
     "5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"},
    {"000102030405060708090a0b0c0d0e0f", "m/0h",
     "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCd"
     "rfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw",
     "xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7"
     "oWgT11eZG7XnxHrnYeSvkzY7d2bhkJ7"},
    {"000102030405060708090a0b0c0d0e0f", "m/0h/1",
     "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7"
     "SyYq527Hqck2AxYysAA7xmALppuCkwQ",
     "xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaX"
     "wTCg8MSY3H2EU4pWcQDnRnrVA1xe8fs"},
    {"000102030405060708090a0b0c0d0e0f", "m/0h/1/2h",
     "xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5"
     "uJh7n7epu4trkrX7x7DogT5Uv6fcLW5",
     "xprv9z4pot5VBttmtdRTWfWQmoH1taj2axGVzFqSb8C9xaxKymcFzXBDptWmT7FwuEzG3ryjH4ktypQS"
     "AewRiNMjANTtpgP4mLTj34bhnZX7UiM"},
    {"000102030405060708090a0b0c0d0e0f", "m/0h/1/2h/2",
     "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZAC"
     "Tj37sR62cfN7fe5JnJ7dh8zL4fiyLHV",
     "xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrb"
     "dqqsunu5Mm3wDvUAKRHSC34sJ7in334"},
    {"000102030405060708090a0b0c0d0e0f", "m/0h/1/2h/2/1000000000",
     "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro"
     "49S8yGasTvXEYBVPamhGW6cFJodrTHy",
     "xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPi"
     "e1rFSruoUihUZREPSL39UNdE3BBDu76"},
    {"fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a"
     "8784817e7b7875726f6c696663605d5a5754514e4b484542",
     "m",
     "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8ido"
     "c4a6mr8BDzTJY47LJhkJ8UB7WEGuduB",
     "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpS"
     "BHNqPqm55Qn3LqFtT2emdEXVYsCzC2U"},
    {"fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a"
     "8784817e7b7875726f6c696663605d5a5754514e4b484542",
     "m/0",
     "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUm"
     "mDznezpbZb7ap6r1D3tgFxHmwMkQTPH",
     "xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZ"
     "Xo1ex8G81dwSM1fwqWpWkeS3v86pgKt"},
    {"fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a"
     "8784817e7b7875726f6c696663605d5a5754514e4b484542",
     "m/0/2147483647h",
     "xpub6ASAVgeehLbnwdqV6UKMHVzgqAG8Gr6riv3Fxxpj8ksbH9ebxaEyBLZ85ySDhKiLDBrQSARLq1uN"
     "Rts8RuJiHjaDMBU4Zn9h8LZNnBC5y4a",
     "xprv9wSp6B7kry3Vj9m1zSnLvN3xH8RdsPP1Mh7fAaR7aRLcQMKTR2vidYEeEg2mUCTAwCd6vnxVrcjf"
     "y2kRgVsFawNzmjuHc2YmYRmagcEPdU9"},
    {"fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a"
     "8784817e7b7875726f6c696663605d5a5754514e4b484542",
     "m/0/2147483647h/1",
     "xpub6DF8uhdarytz3FWdA8TvFSvvAh8dP3283MY7p2V4SeE2wyWmG5mg5EwVvmdMVCQcoNJxGoWaU9DC"
     "Wh89LojfZ537wTfunKau47EL2dhHKon",
     "xprv9zFnWC6h2cLgpmSA46vutJzBcfJ8yaJGg8cX1e5StJh45BBciYTRXSd25UEPVuesF9yog62tGAQt"
     "HjXajPPdbRCHuWS6T8XA2ECKADdw4Ef"},
    {"fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a"
     "8784817e7b7875726f6c696663605d5a5754514e4b484542",
     "m/0/2147483647h/1/2147483646h",
     "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4"
     "ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL",
     "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU"
     "6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"},
    {"fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a"
     "8784817e7b7875726f6c696663605d5a5754514e4b484542",
     "m/0/2147483647h/1/2147483646h/2",
     "xpub6FnCn6nSzZAw5Tw7cgR9bi15UV96gLZhjDstkXXxvCLsUXBGXPdSnLFbdpq8p9HmGsApME5hQTZ3"
     "emM2rnY5agb9rXpVGyy3bdW6EEgAtqt",
     "xprvA2nrNbFZABcdryreWet9Ea4LvTJcGsqrMzxHx98MMrotbir7yrKCEXw7nadnHM8Dq38EGfSh6dqA"
     "9QWTyefMLEcBYJUuekgW4BYPJcr9E7j"},
    {"4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f"
     "863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be",
     "m",
     "xpub661MyMwAqRbcEZVB4dScxMAdx6d4nFc9nvyvH3v4gJL378CSRZiYmhRoP7mBy6gSPSCYk6SzXPTf"
     "3ND1cZAceL7SfJ1Z3GC8vBgp2epUt13",
     "xprv9s21ZrQH143K25QhxbucbDDuQ4naNntJRi4KUfWT7xo4EKsHt2QJDu7KXp1A3u7Bi1j8ph3EGsZ9"
     "Xvz9dGuVrtHHs7pXeTzjuxBrCmmhgC6"},
    {"4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f"
     "863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be",
     "m/0h",
     "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9"
     "fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y",
     "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBc"
     "BUdJCVVFceUvJFjaPdGZ2y9WACViL4L"},
    {"3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678", "m",
     "xpub661MyMwAqRbcGczjuMoRm6dXaLDEhW1u34gKenbeYqAix21mdUKJyuyu5F1rzYGVxyL6tmgBUAEP"
     "rEz92mBXjByMRiJdba9wpnN37RLLAXa",
     "xprv9s21ZrQH143K48vGoLGRPxgo2JNkJ3J3fqkirQC2zVdk5Dgd5w14S7fRDyHH4dWNHUgkvsvNDCkv"
     "AwcSHNAQwhwgNMgZhLtQC63zxwhQmRv"},
    {"3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678", "m/0h",
     "xpub69AUMk3qDBi3uW1sXgjCmVjJ2G6WQoYSnNHyzkmdCHEhSZ4tBok37xfFEqHd2AddP56Tqp4o56Ae"
     "PAgCjYdvpW2PU2jbUPFKsav5ut6Ch1m",
     "xprv9vB7xEWwNp9kh1wQRfCCQMnZUEG21LpbR9NPCNN1dwhiZkjjeGRnaALmPXCX7SgjFTiCTT6bXes1"
     "7boXtjq3xLpcDjzEuGLQBM5ohqkao9G"},
    {"3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678", "m/0h/1h",
     "xpub6BJA1jSqiukeaesWfxe6sNK9CCGaujFFSJLomWHprUL9DePQ4JDkM5d88n49sMGJxrhpjazuXYWd"
     "Mf17C9T5XnxkopaeS7jGk1GyyVziaMt",
     "xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxs"
     "pZdFHfnBEjHqU5hG1Jaj32dVoS6XLT1"},
};

/* Vector 5, without the two of unknown version and the one of a wrong checksum: see test_chain. */
static const struct {
    const char *why, *text;
} bad[] = {
    {"pubkey version / prvkey mismatch",
     "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6LBpB85b3D2yc8sfvZU5"
     "21AAwdZafEz7mnzBBsz4wKY5fTtTQBm"},
    {"prvkey version / pubkey mismatch",
     "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFGTQQD3dC4H2D5GBj7vW"
     "vSQaaBv5cxi9gafk7NF3pnBju6dwKvH"},
    {"invalid pubkey prefix 04",
     "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Txnt3siSujt9RCVYsx4"
     "qHZGc62TG4McvMGcAUjeuwZdduYEvFn"},
    {"invalid prvkey prefix 04",
     "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFGpWnsj83BHtEy5Zt8Cc"
     "Dr1UiRXuWCmTQLxEK9vbz5gPstX92JQ"},
    {"invalid pubkey prefix 01",
     "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6N8ZMMXctdiCjxTNq964"
     "yKkwrkBJJwpzZS4HS2fxvyYUA4q2Xe4"},
    {"invalid prvkey prefix 01",
     "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFAzHGBP2UuGCqWLTAPLc"
     "MtD9y5gkZ6Eq3Rjuahrv17fEQ3Qen6J"},
    {"zero depth with non-zero parent fingerprint",
     "xprv9s2SPatNQ9Vc6GTbVMFPFo7jsaZySyzk7L8n2uqKXJen3KUmvQNTuLh3fhZMBoG3G4ZW1N2kZuHE"
     "PY53qmbZzCHshoQnNf4GvELZfqTUrcv"},
    {"zero depth with non-zero parent fingerprint",
     "xpub661no6RGEX3uJkY4bNnPcw4URcQTrSibUZ4NqJEw5eBkv7ovTwgiT91XX27VbEXGENhYRCf7hyEb"
     "WrR3FewATdCEebj6znwMfQkhRYHRLpJ"},
    {"zero depth with non-zero index",
     "xprv9s21ZrQH4r4TsiLvyLXqM9P7k1K3EYhA1kkD6xuquB5i39AU8KF42acDyL3qsDbU9NmZn6MsGSUY"
     "ZEsuoePmjzsB3eFKSUEh3Gu1N3cqVUN"},
    {"zero depth with non-zero index",
     "xpub661MyMwAuDcm6CRQ5N4qiHKrJ39Xe1R1NyfouMKTTWcguwVcfrZJaNvhpebzGerh7gucBvzEQWRu"
     "gZDuDXjNDRmXzSZe4c7mnTK97pTvGS8"},
    {"private key 0 not in 1..n-1",
     "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzF93Y5wvzdUayhgkkFoic"
     "QZcP3y52uPPxFnfoLZB21Teqt1VvEHx"},
    {"private key n not in 1..n-1",
     "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFAzHGBP2UuGCqWLTAPLc"
     "MtD5SDKr24z3aiUvKr9bJpdrcLg1y3G"},
    {"invalid pubkey 020000000000000000000000000000000000000000000000000000000000000007",
     "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Q5JXayek4PRsn35jii4"
     "veMimro1xefsM58PgBMrvdYre8QyULY"},
};

enum { VERSION_PUB = 0x0488b21e, VERSION_PRV = 0x0488ade4 };

static char *to_text(uint32_t version, const uint8_t body[74])
{
    uint8_t all[78];
    put_be32(all, version);
    memcpy(all + 4, body, 74);
    return base58check_encode(all, sizeof(all));
}

static void published(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct buf seed = BUF_INIT;
        struct ext_seckey k, back;
        struct ext_pubkey pub, from_pub;
        uint32_t path[10];
        size_t len;
        uint8_t body[74];
        assert_true(hex_read(&seed, good[i].seed));
        assert_true(ext_seckey_from_seed(&k, seed.data, seed.len));
        assert_true(bip32_path_parse(good[i].path, path, ARRAY_LEN(path), &len));
        for (size_t j = 0; j < len; j++) {
            ext_seckey_neuter(&pub, &k);
            bool hardened = path[j] & BIP32_HARDENED;
            assert_int_equal(ext_pubkey_derive(&from_pub, &pub, path[j]), !hardened);
            assert_true(ext_seckey_derive(&k, &k, path[j]));
            ext_seckey_neuter(&pub, &k);
            if (!hardened) {
                uint8_t other[74];
                ext_pubkey_write(&pub, body);
                ext_pubkey_write(&from_pub, other);
                assert_memory_equal(body, other, 74);
            }
        }
        ext_seckey_neuter(&pub, &k);
        ext_seckey_write(&k, body);
        char *text = to_text(VERSION_PRV, body);
        assert_string_equal(text, good[i].xprv);
        free(text);
        assert_true(ext_seckey_read(&back, body));
        assert_memory_equal(back.key.b, k.key.b, 32);
        ext_pubkey_write(&pub, body);
        text = to_text(VERSION_PUB, body);
        assert_string_equal(text, good[i].xpub);
        free(text);
        assert_true(ext_pubkey_read(&from_pub, body));
        buf_clear(&seed);
    }
}

static void invalid(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf b = BUF_INIT;
        assert_true(base58check_decode(bad[i].text, &b, 78));
        assert_int_equal(b.len, 78);
        struct ext_seckey sec;
        struct ext_pubkey pub;
        bool ok = get_be32(b.data) == VERSION_PRV ? ext_seckey_read(&sec, b.data + 4)
                                                  : ext_pubkey_read(&pub, b.data + 4);
        if (ok)
            fail_msg("%s", bad[i].why);
        buf_clear(&b);
    }
}

static void depth_ends(void **state)
{
    (void)state;
    struct ext_seckey k;
    struct ext_pubkey pub;
    assert_true(ext_seckey_from_seed(&k, "seed", 4));
    for (int i = 0; i < 255; i++)
        assert_true(ext_seckey_derive(&k, &k, 0));
    ext_seckey_neuter(&pub, &k);
    assert_false(ext_seckey_derive(&k, &k, 0));
    assert_false(ext_pubkey_derive(&pub, &pub, 0));
}

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical; /* NULL: not a path */
    } cases[] = {{"m", "m"},
                 {"m/0", "m/0"},
                 {"0", "m/0"},
                 {"84h/0'/5", "m/84h/0h/5"},
                 {"m/2147483647h", "m/2147483647h"},
                 {"m/2147483648", NULL},
                 {"m/2147483648h", NULL},
                 {"m/4294967296", NULL},
                 {"m/", NULL},
                 {"/", NULL},
                 {"m//1", NULL},
                 {"", NULL},
                 {"m/-1", NULL},
                 {"m/+1", NULL},
                 {"m/1hh", NULL},
                 {"m/h", NULL},
                 {"m/1H", NULL},
                 {"M/1", NULL},
                 {"m/0x1", NULL},
                 {"m/1/2/3/4/5/6/7/8", NULL},
                 {"m/1 ", NULL},
                 {"m/1/m", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t path[7];
        size_t len;
        bool ok = bip32_path_parse(cases[i].text, path, ARRAY_LEN(path), &len);
        assert_int_equal(ok, cases[i].canonical != NULL);
        if (!ok)
            continue;
        char *text = bip32_path_format(path, len, false);
        assert_string_equal(text, cases[i].canonical);
        free(text);
    }
    char *text = bip32_path_format((uint32_t[]){84 | BIP32_HARDENED, 1}, 2, true);
    assert_string_equal(text, "m/84'/1");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),
        cmocka_unit_test(invalid),
        cmocka_unit_test(depth_ends),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
