/*
 * The networks that everybody shares, as data: main, testnet3, testnet4, signet, regtest.
 *
 * The values are facts of those networks as Bitcoin Core 31.99 has them, taken over so that the
 * same chain is the best one for both. Hashes are written as four 64-bit pieces of the number that
 * the field shows, most significant first, and turned into bytes by the compiler. What is done
 * with the networks (genesis, copies) is in network.c.
 *
 * Taproot is not among the deployments: like P2SH and segwit's script rules it holds from genesis,
 * but for the blocks that `flag_exceptions` names.
 */
#include "consensus/params.h"

#include "consensus/networks.h"

#include "script/verify.h"

/* clang-format off */
#define BYTES(x) \
    (uint8_t)(x), (uint8_t)((uint64_t)(x) >> 8), (uint8_t)((uint64_t)(x) >> 16), \
        (uint8_t)((uint64_t)(x) >> 24), (uint8_t)((uint64_t)(x) >> 32), \
        (uint8_t)((uint64_t)(x) >> 40), (uint8_t)((uint64_t)(x) >> 48), \
        (uint8_t)((uint64_t)(x) >> 56)
/* clang-format on */
#define HASH_BYTES(a, b, c, d)                 \
    {                                          \
        BYTES(d), BYTES(c), BYTES(b), BYTES(a) \
    }
#define HASH(a, b, c, d)       \
    {                          \
        HASH_BYTES(a, b, c, d) \
    }
#define U256(a, b, c, d) \
    {                    \
        {                \
            d, c, b, a   \
        }                \
    }
#define SPAN(array)          \
    {                        \
        array, sizeof(array) \
    }

/* A key, and OP_CHECKSIG. */
static const uint8_t first_output[] = {
    0x41, 0x04, 0x67, 0x8a, 0xfd, 0xb0, 0xfe, 0x55, 0x48, 0x27, 0x19, 0x67, 0xf1, 0xa6,
    0x71, 0x30, 0xb7, 0x10, 0x5c, 0xd6, 0xa8, 0x28, 0xe0, 0x39, 0x09, 0xa6, 0x79, 0x62,
    0xe0, 0xea, 0x1f, 0x61, 0xde, 0xb6, 0x49, 0xf6, 0xbc, 0x3f, 0x4c, 0xef, 0x38, 0xc4,
    0xf3, 0x55, 0x04, 0xe5, 0x1e, 0xc1, 0x12, 0xde, 0x5c, 0x38, 0x4d, 0xf7, 0xba, 0x0b,
    0x8d, 0x57, 0x8a, 0x4c, 0x70, 0x2b, 0x6b, 0xf1, 0x1d, 0x5f, 0xac};
/* The same with a key of zeros. */
static const uint8_t testnet4_output[35] = {[0] = 0x21, [34] = 0xac};
/* 1 of 2 keys. */
static const uint8_t signet_challenge[] = {
    0x51, 0x21, 0x03, 0xad, 0x5e, 0x0e, 0xda, 0xd1, 0x8c, 0xb1, 0xf0, 0xfc, 0x0d, 0x28, 0xa3,
    0xd4, 0xf1, 0xf3, 0xe4, 0x45, 0x64, 0x03, 0x37, 0x48, 0x9a, 0xbb, 0x10, 0x40, 0x4f, 0x2d,
    0x1e, 0x08, 0x6b, 0xe4, 0x30, 0x21, 0x03, 0x59, 0xef, 0x50, 0x21, 0x96, 0x4f, 0xe2, 0x2d,
    0x6f, 0x8e, 0x05, 0xb2, 0x46, 0x3c, 0x95, 0x40, 0xce, 0x96, 0x88, 0x3f, 0xe3, 0xb2, 0x78,
    0x76, 0x0f, 0x04, 0x8f, 0x51, 0x89, 0xf2, 0xe6, 0xc4, 0x52, 0xae};

#define FIRST_MESSAGE "The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
#define FIRST_MERKLE_ROOT \
    HASH_BYTES(0x4a5e1e4baab89f3a, 0x32518a88c31bc87f, 0x618f76673e2cc77a, 0xb2127b7afdeda33b)

/* ---- main ---- */

static const char *const main_seeds[] = {"dnsseed.bluematt.me.",
                                         "seed.bitcoin.jonasschnelli.ch.",
                                         "seed.btc.petertodd.net.",
                                         "seed.bitcoin.sprovoost.nl.",
                                         "dnsseed.emzy.de.",
                                         "seed.bitcoin.wiz.biz.",
                                         "seed.mainnet.achownodes.xyz.",
                                         NULL};

static const struct script_flag_exception main_exceptions[] = {
    /* the one block that BIP16 would refuse */
    {HASH(0x00000000000002dc, 0x756eebf4f49723ed, 0x8d30cc28a5f108eb, 0x94b1ba88ac4f9c22),
     SCRIPT_VERIFY_NONE},
    /* and the one that taproot would */
    {HASH(0x0000000000000000, 0x000f14c35b2d841e, 0x986ab5441de8c585, 0xd5ffe55ea1e395ad),
     SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS},
};

static const struct checkpoint_snapshot main_snapshots[] = {
    {840000, HASH(0x0000000000000000, 0x000320283a032748, 0xcef8227873ff4872, 0x689bf23f1cda83a5),
     HASH_BYTES(0xa2a5521b1b5ab65f, 0x67818e5e8eccabb7, 0x171a517f9e238220, 0x8f77687310768f96),
     991032194},
    {880000, HASH(0x0000000000000000, 0x00010b17283c3c40, 0x0507969a9c2afd1d, 0xcf2082ec5cca2880),
     HASH_BYTES(0xdbd190983eaf433e, 0xf7c15f78a278ae42, 0xc00ef52e0fd2a549, 0x53782175fbadcea9),
     1145604538},
    {910000, HASH(0x0000000000000000, 0x000108970acb9522, 0xffd516eae17acddc, 0xb1bd16469194a821),
     HASH_BYTES(0x4daf8a17b4902498, 0xc5787966a2b51c61, 0x3acdab5df5db73f1, 0x96fa59a4da2f1568),
     1226586151},
    {935000, HASH(0x0000000000000000, 0x000147034958af16, 0x52b2b91bba607bea, 0xcc5e72a56f0fb5ee),
     HASH_BYTES(0xe4b90ef9eae834f5, 0x6c4b64d2d50143ce, 0xe10ad87994c614d7, 0xd04125e2a6025050),
     1305397408},
};

/* The blocks whose coinbases repeat an earlier one, and the blocks of those earlier ones, whose
 * coins were lost by it. */
static const struct known_block main_bip30_repeats[] = {
    {91842, HASH(0x00000000000a4d0a, 0x398161ffc163c503, 0x763b1f4360639393, 0xe0e4c8e300e0caec)},
    {91880, HASH(0x00000000000743f1, 0x90a18c5577a3c2d2, 0xa1f610ae9601ac04, 0x6a38084ccb7cd721)},
};
static const struct known_block main_bip30_lost[] = {
    {91722, HASH(0x00000000000271a2, 0xdc26e7667f8419f2, 0xe15416dc6955e5a6, 0xc6cdf3f2574dd08e)},
    {91812, HASH(0x00000000000af0ae, 0xd4792b1acee3d966, 0xaf36cf5def14935d, 0xb8de83d6f9306f2f)},
};

const struct network network_main = {
    .name = "main",
    .datadir = "",
    .magic = {0xf9, 0xbe, 0xb4, 0xd9},
    .port = 8333,
    .rpc_port = 8332,
    .onion_port = 8334,
    .dns_seeds = main_seeds,
    .address = {0, 5, 128, {0x04, 0x88, 0xb2, 0x1e}, {0x04, 0x88, 0xad, 0xe4}, "bc"},
    .genesis_header = {.version = 1,
                       .merkle_root = FIRST_MERKLE_ROOT,
                       .time = 1231006505,
                       .bits = 0x1d00ffff,
                       .nonce = 2083236893},
    .genesis_hash =
        HASH(0x000000000019d668, 0x9c085ae165831e93, 0x4ff763ae46a2a6c1, 0x72b3f1b60a8ce26f),
    .genesis_message = FIRST_MESSAGE,
    .genesis_output = SPAN(first_output),
    .genesis_reward = 50 * COIN,
    .pow_limit =
        U256(0x00000000ffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff),
    .retarget = RETARGET_2016,
    .spacing = 600,
    .timespan = 1209600,
    .halving_interval = 210000,
    .initial_subsidy = 50 * COIN,
    .coinbase_maturity = 100,
    .buried = {[BURIED_BIP34] = 227931,
               [BURIED_BIP66] = 363725,
               [BURIED_BIP65] = 388381,
               [BURIED_CSV] = 419328,
               [BURIED_SEGWIT] = 481824},
    .bip34_hash =
        HASH(0x000000000000024b, 0x89b42a942fe0d9fe, 0xa3bb44ab7bd1b191, 0x15dd6a759c0808b8),
    .bip30_repeats = main_bip30_repeats,
    .n_bip30_repeats = ARRAY_LEN(main_bip30_repeats),
    .bip30_lost = main_bip30_lost,
    .n_bip30_lost = ARRAY_LEN(main_bip30_lost),
    .deployments = {[DEPLOYMENT_TESTDUMMY] = {.name = "testdummy",
                                              .bit = 28,
                                              .start_time = DEPLOYMENT_NEVER_ACTIVE,
                                              .timeout = DEPLOYMENT_NO_TIMEOUT,
                                              .period = 2016,
                                              .threshold = 1815}},
    .min_bip9_warning_height = 711648,
    .flag_exceptions = main_exceptions,
    .n_flag_exceptions = ARRAY_LEN(main_exceptions),
    .min_chain_work =
        U256(0x0000000000000000, 0x0000000000000000, 0x00000001128750f8, 0x2f4c366153a3a030),
    .assume_valid = HASH(0x0000000000000000, 0x0000ccebd6d74d91, 0x94d8dcdc1d177c47,
                         0x8e094bfad51ba5ac), /* 938343 */
    .snapshots = main_snapshots,
    .n_snapshots = ARRAY_LEN(main_snapshots),
    .tx_time = 1772055173,
    .tx_count = 1315805869,
    .tx_rate = 5.40111006496122,
    .headers_commitment_period = 641,
    .headers_redownload_buffer = 15218,
    .assumed_blocks_gb = 856,
    .assumed_coins_gb = 14,
    .require_standard = true,
    .prune_after_height = 100000,
};

/* ---- test ---- */

static const char *const test_seeds[] = {"testnet-seed.bitcoin.jonasschnelli.ch.",
                                         "seed.tbtc.petertodd.net.", "testnet-seed.bluematt.me.",
                                         "seed.testnet.achownodes.xyz.", NULL};

static const struct script_flag_exception test_exceptions[] = {
    /* the one block that BIP16 would refuse */
    {HASH(0x00000000dd30457c, 0x001f4095d208cc12, 0x96b0eed002427aa5, 0x99874af7a432b105),
     SCRIPT_VERIFY_NONE},
};

static const struct checkpoint_snapshot test_snapshots[] = {
    {2500000, HASH(0x0000000000000093, 0xbcb68c03a9a168ae, 0x252572d348a2eaeb, 0xa2cdf9231d73206f),
     HASH_BYTES(0xf841584909f68e47, 0x897952345234e37f, 0xcd9128cd818f41ee, 0x6c3ca68db8071be7),
     66484552},
    {4840000, HASH(0x00000000000000f4, 0x971a7fb37fbdff89, 0x315b69a2e1920c46, 0x7654a382f0d64786),
     HASH_BYTES(0xce6bb677bb2ee978, 0x9c4a1c9d73e6683c, 0x53fc20e8fdbedbda, 0xaf468982a0c8db2a),
     536078574},
};

const struct network network_test = {
    .name = "test",
    .datadir = "testnet3",
    .magic = {0x0b, 0x11, 0x09, 0x07},
    .port = 18333,
    .rpc_port = 18332,
    .onion_port = 18334,
    .dns_seeds = test_seeds,
    .address = {111, 196, 239, {0x04, 0x35, 0x87, 0xcf}, {0x04, 0x35, 0x83, 0x94}, "tb"},
    .genesis_header = {.version = 1,
                       .merkle_root = FIRST_MERKLE_ROOT,
                       .time = 1296688602,
                       .bits = 0x1d00ffff,
                       .nonce = 414098458},
    .genesis_hash =
        HASH(0x000000000933ea01, 0xad0ee984209779ba, 0xaec3ced90fa3f408, 0x719526f8d77f4943),
    .genesis_message = FIRST_MESSAGE,
    .genesis_output = SPAN(first_output),
    .genesis_reward = 50 * COIN,
    .pow_limit =
        U256(0x00000000ffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff),
    .retarget = RETARGET_2016,
    .min_difficulty_blocks = true,
    .spacing = 600,
    .timespan = 1209600,
    .halving_interval = 210000,
    .initial_subsidy = 50 * COIN,
    .coinbase_maturity = 100,
    .buried = {[BURIED_BIP34] = 21111,
               [BURIED_BIP66] = 330776,
               [BURIED_BIP65] = 581885,
               [BURIED_CSV] = 770112,
               [BURIED_SEGWIT] = 834624},
    .bip34_hash =
        HASH(0x0000000023b3a96d, 0x3484e5abb3755c41, 0x3e7d41500f8e2a5c, 0x3f0dd01299cd8ef8),
    .deployments = {[DEPLOYMENT_TESTDUMMY] = {.name = "testdummy",
                                              .bit = 28,
                                              .start_time = DEPLOYMENT_NEVER_ACTIVE,
                                              .timeout = DEPLOYMENT_NO_TIMEOUT,
                                              .period = 2016,
                                              .threshold = 1512}},
    .min_bip9_warning_height = 2013984,
    .flag_exceptions = test_exceptions,
    .n_flag_exceptions = ARRAY_LEN(test_exceptions),
    .min_chain_work =
        U256(0x0000000000000000, 0x0000000000000000, 0x00000000000017dd, 0xe1c649f3708d14b6),
    .assume_valid = HASH(0x000000007a61e423, 0x0b28ac5cb6b5e5a0, 0x130de37ac1faf2f8,
                         0x987d2fa6505b67f4), /* 4842348 */
    .snapshots = test_snapshots,
    .n_snapshots = ARRAY_LEN(test_snapshots),
    .tx_time = 1772051651,
    .tx_count = 536108416,
    .tx_rate = 0.02691479016257117,
    .headers_commitment_period = 673,
    .headers_redownload_buffer = 14460,
    .assumed_blocks_gb = 245,
    .assumed_coins_gb = 19,
    .require_standard = true,
    .is_test_chain = true,
    .prune_after_height = 1000,
};

/* ---- testnet4 ---- */

static const char *const testnet4_seeds[] = {"seed.testnet4.bitcoin.sprovoost.nl.",
                                             "seed.testnet4.wiz.biz.", NULL};

static const struct checkpoint_snapshot testnet4_snapshots[] = {
    {90000, HASH(0x0000000002ebe8bc, 0xda020e0dd6ccfbdf, 0xac531d2f6a814571, 0x91b99fc2df2dbe3b),
     HASH_BYTES(0x784fb5e98241de66, 0xfdd429f4392155c9, 0xe7db5c017148e66e, 0x8fdbc95746f8b9b5),
     11347043},
    {120000, HASH(0x000000000bd2317e, 0x51b3c5794981c35b, 0xa894ce27d3e772d5, 0xc39ecd9cbce01dc8),
     HASH_BYTES(0x10b05d05ad468d09, 0x71162e1b222a4aa6, 0x6caca89da2bb2a93, 0xf8f37fb29c4794b0),
     14141057},
};

const struct network network_testnet4 = {
    .name = "testnet4",
    .datadir = "testnet4",
    .magic = {0x1c, 0x16, 0x3f, 0x28},
    .port = 48333,
    .rpc_port = 48332,
    .onion_port = 48334,
    .dns_seeds = testnet4_seeds,
    .address = {111, 196, 239, {0x04, 0x35, 0x87, 0xcf}, {0x04, 0x35, 0x83, 0x94}, "tb"},
    .genesis_header = {.version = 1,
                       .merkle_root = HASH_BYTES(0x7aa0a7ae1e223414, 0xcb807e40cd57e667,
                                                 0xb718e42aaf9306db, 0x9102fe28912b7b4e),
                       .time = 1714777860,
                       .bits = 0x1d00ffff,
                       .nonce = 393743547},
    .genesis_hash =
        HASH(0x00000000da84f2ba, 0xfbbc53dee25a72ae, 0x507ff4914b867c56, 0x5be350b0da8bf043),
    .genesis_message =
        "03/May/2024 000000000000000000001ebd58c244970b3aa9d783bb001011fbe8ea8e98e00e",
    .genesis_output = SPAN(testnet4_output),
    .genesis_reward = 50 * COIN,
    .pow_limit =
        U256(0x00000000ffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff),
    .retarget = RETARGET_2016,
    .min_difficulty_blocks = true,
    .bip94 = true,
    .spacing = 600,
    .timespan = 1209600,
    .halving_interval = 210000,
    .initial_subsidy = 50 * COIN,
    .coinbase_maturity = 100,
    .buried = {[BURIED_BIP34] = 1,
               [BURIED_BIP66] = 1,
               [BURIED_BIP65] = 1,
               [BURIED_CSV] = 1,
               [BURIED_SEGWIT] = 1},
    .deployments = {[DEPLOYMENT_TESTDUMMY] = {.name = "testdummy",
                                              .bit = 28,
                                              .start_time = DEPLOYMENT_NEVER_ACTIVE,
                                              .timeout = DEPLOYMENT_NO_TIMEOUT,
                                              .period = 2016,
                                              .threshold = 1512}},
    .min_chain_work =
        U256(0x0000000000000000, 0x0000000000000000, 0x00000000000009a0, 0xfe15d0177d086304),
    .assume_valid = HASH(0x0000000002368b1e, 0x4ee27e2e85676ae6, 0xf9f9e69579b29093,
                         0xe9a82c170bf7cf8a), /* 123613 */
    .snapshots = testnet4_snapshots,
    .n_snapshots = ARRAY_LEN(testnet4_snapshots),
    .tx_time = 1772013387,
    .tx_count = 14191421,
    .tx_rate = 0.01848579579528412,
    .headers_commitment_period = 606,
    .headers_redownload_buffer = 16092,
    .assumed_blocks_gb = 31,
    .assumed_coins_gb = 2,
    .require_standard = true,
    .is_test_chain = true,
    .prune_after_height = 1000,
};

/* ---- signet ---- */

static const char *const signet_seeds[] = {"seed.signet.bitcoin.sprovoost.nl.",
                                           "seed.signet.achownodes.xyz.", NULL};

static const struct checkpoint_snapshot signet_snapshots[] = {
    {160000, HASH(0x0000003ca3c99aff, 0x040f2563c2ad8f8e, 0xc88bd0fd6b8f0895, 0xcfaf1ef90353a62c),
     HASH_BYTES(0xfe0a44309b74d6b5, 0x883d246cb419c622, 0x1bcccf0b308c9b59, 0xb7d70783dbdf928a),
     2289496},
    {290000, HASH(0x0000000577f2741b, 0xb30cd9d39d6d71b0, 0x23afbeb9764f6260, 0x786a97969d5c9ac0),
     HASH_BYTES(0x97267e000b4b8768, 0x00167e71b9123f15, 0x29d13b14308abec2, 0x888bbd2160d14545),
     28547497},
};

const struct network network_signet = {
    .name = "signet",
    .datadir = "signet",
    .magic = {0x0a, 0x03, 0xcf, 0x40},
    .port = 38333,
    .rpc_port = 38332,
    .onion_port = 38334,
    .dns_seeds = signet_seeds,
    .address = {111, 196, 239, {0x04, 0x35, 0x87, 0xcf}, {0x04, 0x35, 0x83, 0x94}, "tb"},
    .genesis_header = {.version = 1,
                       .merkle_root = FIRST_MERKLE_ROOT,
                       .time = 1598918400,
                       .bits = 0x1e0377ae,
                       .nonce = 52613770},
    .genesis_hash =
        HASH(0x00000008819873e9, 0x25422c1ff0f99f7c, 0xc9bbb232af63a077, 0xa480a3633bee1ef6),
    .genesis_message = FIRST_MESSAGE,
    .genesis_output = SPAN(first_output),
    .genesis_reward = 50 * COIN,
    .pow_limit =
        U256(0x00000377ae000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000),
    .retarget = RETARGET_2016,
    .spacing = 600,
    .timespan = 1209600,
    .halving_interval = 210000,
    .initial_subsidy = 50 * COIN,
    .coinbase_maturity = 100,
    .buried = {[BURIED_BIP34] = 1,
               [BURIED_BIP66] = 1,
               [BURIED_BIP65] = 1,
               [BURIED_CSV] = 1,
               [BURIED_SEGWIT] = 1},
    .deployments = {[DEPLOYMENT_TESTDUMMY] = {.name = "testdummy",
                                              .bit = 28,
                                              .start_time = DEPLOYMENT_NEVER_ACTIVE,
                                              .timeout = DEPLOYMENT_NO_TIMEOUT,
                                              .period = 2016,
                                              .threshold = 1815}},
    .signet_challenge = SPAN(signet_challenge),
    .min_chain_work =
        U256(0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x00000b463ea0a4b8),
    .assume_valid = HASH(0x00000008414aab61, 0x092ef93f1aacc54c, 0xf9e9f16af29ddad4,
                         0x93b908a01ff5c329), /* 293175 */
    .snapshots = signet_snapshots,
    .n_snapshots = ARRAY_LEN(signet_snapshots),
    .tx_time = 1772055248,
    .tx_count = 28676833,
    .tx_rate = 0.06736623436338929,
    .headers_commitment_period = 620,
    .headers_redownload_buffer = 15724,
    .assumed_blocks_gb = 24,
    .assumed_coins_gb = 4,
    .require_standard = true,
    .is_test_chain = true,
    .prune_after_height = 1000,
};

/* ---- regtest ---- */

static const char *const regtest_seeds[] = {"dummySeed.invalid.", NULL};

static const struct checkpoint_snapshot regtest_snapshots[] = {
    {110, HASH(0x135eec25a6fb2778, 0x84e5824e7aa7d052, 0xc4868161c99a5122, 0x170b5266f86c273d),
     HASH_BYTES(0x86e9a1205b418b16, 0xdde3a18a78c730e3, 0x0137e28466bda5db, 0xf6b33ab8fc05447c),
     111},
    {200, HASH(0x385901ccbd69dff6, 0xbbd00065d01fb8a9, 0xe464dede7cfe0372, 0x443884f9b1dcf6b9),
     HASH_BYTES(0x17dcc016d188d160, 0x68907cdeb38b7569, 0x1a118d43053b8cd6, 0xa25969419381d13a),
     201},
    {299, HASH(0x0c552ced4721c249, 0xa389eb9b08cb8da2, 0x61cd46f0e7b5f9d0, 0x64d48f3113406853),
     HASH_BYTES(0x106b2c56233e378a, 0x824cf0d5ff2be42e, 0xd32c72f1605c9be2, 0x88d00942908a40ac),
     334},
};

const struct network network_regtest = {
    .name = "regtest",
    .datadir = "regtest",
    .magic = {0xfa, 0xbf, 0xb5, 0xda},
    .port = 18444,
    .rpc_port = 18443,
    .onion_port = 18445,
    .dns_seeds = regtest_seeds,
    .address = {111, 196, 239, {0x04, 0x35, 0x87, 0xcf}, {0x04, 0x35, 0x83, 0x94}, "bcrt"},
    .genesis_header = {.version = 1,
                       .merkle_root = FIRST_MERKLE_ROOT,
                       .time = 1296688602,
                       .bits = 0x207fffff,
                       .nonce = 2},
    .genesis_hash =
        HASH(0x0f9188f13cb7b2c7, 0x1f2a335e3a4fc328, 0xbf5beb436012afca, 0x590b1a11466e2206),
    .genesis_message = FIRST_MESSAGE,
    .genesis_output = SPAN(first_output),
    .genesis_reward = 50 * COIN,
    .pow_limit =
        U256(0x7fffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff),
    .retarget = RETARGET_NONE,
    .min_difficulty_blocks = true,
    .spacing = 600,
    .timespan = 86400,
    .halving_interval = 150,
    .initial_subsidy = 50 * COIN,
    .coinbase_maturity = 100,
    .buried = {[BURIED_BIP34] = 1,
               [BURIED_BIP66] = 1,
               [BURIED_BIP65] = 1,
               [BURIED_CSV] = 1,
               [BURIED_SEGWIT] = 0},
    .deployments = {[DEPLOYMENT_TESTDUMMY] = {.name = "testdummy",
                                              .bit = 28,
                                              .start_time = 0,
                                              .timeout = DEPLOYMENT_NO_TIMEOUT,
                                              .period = 144,
                                              .threshold = 108}},
    .snapshots = regtest_snapshots,
    .n_snapshots = ARRAY_LEN(regtest_snapshots),
    .tx_time = 0,
    .tx_count = 0,
    .tx_rate = 0.001,
    .headers_commitment_period = 275,
    .headers_redownload_buffer = 7017,
    .require_standard = true,
    .mine_on_demand = true,
    .default_consistency_checks = true,
    .fast_prune_after_height = 100,
    .mockable_time = true,
    .is_test_chain = true,
    .prune_after_height = 1000,
};
