/* Blocks and merkle trees: real blocks, mutation, hostile bytes, making. */
#include "chain/block.h"
#include "crypto/hash.h"
#include "unit.h"

static const struct {
    const char *name, *hash;
    uint32_t n_tx;
} real[] = {
    {"mainnet-170", "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee", 2},
    {"mainnet-24835", "00000000132fbe8314fc571c0be60b31ccd461c9ee85f42bde8c6d160a9dacc0", 2},
    {"mainnet-57043", "00000000152340ca42227603908689183edc47355204e7aca59383b0aaac1fd8", 2},
    {"mainnet-150013", "000000000000011f9791dcfdfe0e402b79a165a3b781bafcc918b6f2166d577c", 47},
    {"mainnet-210000", "000000000000048b95347e83192f69cf0366076336c639f9b7228e9ba171342e", 457},
    {"mainnet-277647", "0000000000000000054a714e580b16c583701712ab91060e92dbde6eb1e052a8", 213},
    {"mainnet-367891", "000000000000000012ea0ca9579299ec120e3f57e7c309216884872592b29970", 420},
    {"mainnet-413567", "0000000000000000025aff8be8a55df8f89c77296db6198f272d6577325d4069", 1557},
    {"mainnet-481829", "000000000000000000917cba69f69b758fe396c8e30ae97bbcf08c4eb975e726", 2020},
    {"mainnet-540107", "00000000000000000021868c2cefc52a480d173c849412fe81c4e5ab806f94ab", 230},
    {"mainnet-757739", "00000000000000000002601c74946371bd1bf00ad3154f011c20abad1cabd0ea", 63},
    {"mainnet-866342", "000000000000000000014ce9ba7c6760053c3c82ce6ab43d60afb101d3c8f1f1", 4864},
    {"testnet3-928816", "00000000000001c4b87edf974ddc601d88dda332265b9849a944a5ff0141a378", 889},
    {"testnet3-928831", "00000000000001ad19468cbe4010a97942e7d81346f6bd0273f0698dc8022c0a", 915},
    {"testnet3-1087400", "0000000003db83e6ab01a6ebb26ad2b1481688009141c9afc204c54284e1ba66", 97},
};

static void load(const char *name, struct buf *out)
{
    char *path = xasprintf("chain/blocks/%s.bin", name);

    shared_append(path, out);
    free(path);
}

/* The merkle root without the batch, by the definition. */
static void plain_root(uint8_t root[32], uint8_t (*level)[32], size_t n)
{
    uint8_t pair[64];

    while (n > 1) {
        for (size_t i = 0; i < n; i += 2) {
            memcpy(pair, level[i], 32);
            memcpy(pair + 32, level[i + 1 < n ? i + 1 : i], 32);
            sha256d(level[i / 2], pair, 64);
        }
        n = (n + 1) / 2;
    }
    memcpy(root, level[0], 32);
}

static void check_real(const struct block *b, size_t i, struct span raw)
{
    char hex[HASH_HEX_SIZE];
    uint8_t root[32];
    struct buf out = BUF_INIT, stripped = BUF_INIT;
    struct block *again;
    bool mutated;

    assert_string_equal(hash_to_hex(hex, b->hash.b), real[i].hash);
    assert_int_equal(b->n_tx, real[i].n_tx);
    block_merkle_root(b, root, &mutated);
    assert_memory_equal(root, b->header.merkle_root, 32);
    assert_false(mutated);
    block_write(&out, b, true);
    assert_true(span_eq(buf_span(&out), raw));
    block_write(&stripped, b, false);
    assert_int_equal(stripped.len, b->base_size);
    assert_int_equal(block_weight(b), 3 * stripped.len + raw.len);
    again = block_parse(stripped.data, stripped.len);
    assert_non_null(again);
    for (uint32_t k = 0; k < b->n_tx; k++)
        assert_true(txid_eq(&b->tx[k]->txid, &again->tx[k]->txid));
    assert_int_equal(block_weight(again), 4 * stripped.len);
    block_unref(again);
    buf_clear(&out);
    buf_clear(&stripped);
}

static void parses_real_blocks(void **state)
{
    size_t n_tx = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(real); i++) {
        struct buf raw = BUF_INIT;
        struct block *b;

        load(real[i].name, &raw);
        b = block_parse(raw.data, raw.len);
        assert_non_null(b);
        check_real(b, i, buf_span(&raw));
        n_tx += b->n_tx;
        block_unref(b);
        buf_clear(&raw);
    }
    print_message("%zu blocks, %zu transactions\n", ARRAY_LEN(real), n_tx);
}

static void holds_by_any_part(void **state)
{
    struct buf raw = BUF_INIT;
    struct block *b;
    struct tx *tx, *alone;

    (void)state;
    load("mainnet-170", &raw);
    b = block_parse(raw.data, raw.len);
    buf_clear(&raw);
    tx = tx_ref(b->tx[1]);
    block_unref(b);
    assert_int_equal(tx->n_out, 2); /* ASan sees it where the block went too early */
    alone = tx_standalone(tx);
    assert_ptr_not_equal(alone, tx);
    assert_true(wtxid_eq(&alone->wtxid, &tx->wtxid));
    tx_unref(tx);
    assert_int_equal(alone->out[0].value, 10 * COIN);
    tx = tx_standalone(alone);
    assert_ptr_equal(tx, alone);
    tx_unref(tx);
    tx_unref(alone);
}

static void makes_blocks(void **state)
{
    struct buf raw = BUF_INIT;
    struct block *b, *made, *other;
    struct header h;

    (void)state;
    load("mainnet-757739", &raw);
    b = block_parse(raw.data, raw.len);
    made = block_create(&b->header, (const struct tx *const *)b->tx, b->n_tx);
    assert_true(block_hash_eq(&made->hash, &b->hash));
    assert_true(span_eq(made->raw, b->raw));
    assert_int_equal(made->base_size, b->base_size);
    for (uint32_t i = 0; i < b->n_tx; i++)
        assert_true(wtxid_eq(&made->tx[i]->wtxid, &b->tx[i]->wtxid));
    h = b->header;
    h.nonce++;
    other = block_with_header(b, &h);
    assert_int_equal(other->header.nonce, b->header.nonce + 1);
    assert_false(block_hash_eq(&other->hash, &b->hash));
    assert_true(txid_eq(&other->tx[5]->txid, &b->tx[5]->txid));
    block_unref(other);
    block_unref(made);
    block_unref(b);
    buf_clear(&raw);
}

static void refuses_bad_bytes(void **state)
{
    struct buf raw = BUF_INIT, hostile = BUF_INIT;
    struct block *b;

    (void)state;
    load("mainnet-170", &raw);
    for (size_t len = 0; len < raw.len; len++)
        assert_null(block_parse(raw.data, len));
    assert_int_equal(block_extent(raw.data, raw.len), raw.len);
    assert_int_equal(block_extent(raw.data, raw.len - 1), 0);
    write_u8(&raw, 0);
    assert_null(block_parse(raw.data, raw.len));
    assert_int_equal(block_extent(raw.data, raw.len), raw.len - 1);
    /* a count of transactions that the bytes do not bear */
    write_bytes(&hostile, raw.data, HEADER_SIZE);
    write_compact(&hostile, 0x1000000);
    assert_null(block_parse(hostile.data, hostile.len));
    /* no transactions: parses */
    hostile.len = HEADER_SIZE;
    write_u8(&hostile, 0);
    b = block_parse(hostile.data, hostile.len);
    assert_non_null(b);
    assert_int_equal(b->n_tx, 0);
    block_unref(b);
    buf_clear(&hostile);
    buf_clear(&raw);
}

/* Any bytes at all: flipped bits of a real block either parse or do not, and what parses
 * serialises to the same bytes. */
static void survives_flips(void **state)
{
    struct buf raw = BUF_INIT;
    uint64_t x = 0x9e3779b97f4a7c15u;
    unsigned parsed = 0;

    (void)state;
    load("mainnet-757739", &raw);
    for (int i = 0; i < 3000; i++) {
        struct block *b;
        size_t at;

        x = x * 6364136223846793005u + 1442695040888963407u;
        at = (size_t)(x >> 16) % raw.len;
        raw.data[at] ^= (uint8_t)(1u << (x >> 61));
        b = block_parse(raw.data, raw.len);
        if (b) {
            assert_true(span_eq(b->raw, buf_span(&raw)));
            parsed++;
        }
        block_unref(b);
        raw.data[at] ^= (uint8_t)(1u << (x >> 61));
    }
    print_message("%u of 3000 flips parse (seed 0x9e3779b97f4a7c15)\n", parsed);
    assert_in_range(parsed, 1000, 2999);
    buf_clear(&raw);
}

static void fill(uint8_t (*leaves)[32], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        memset(leaves[i], 0, 32);
        put_le32(leaves[i], (uint32_t)i + 1);
    }
}

static void merkle_equals_definition(void **state)
{
    uint8_t a[70][32], b[70][32], root[32], want[32];
    bool mutated;

    (void)state;
    merkle_root(root, a, 0, &mutated);
    memset(want, 0, 32);
    assert_memory_equal(root, want, 32);
    assert_false(mutated);
    for (size_t n = 1; n <= 70; n++) {
        fill(a, n);
        fill(b, n);
        merkle_root(root, a, n, &mutated);
        plain_root(want, b, n);
        assert_memory_equal(root, want, 32);
        assert_false(mutated);
    }
}

/* CVE-2012-2459: repeating the last 2^k transactions keeps the root and is noticed. */
static void merkle_sees_mutation(void **state)
{
    uint8_t a[80][32], root[32], mutant[32];
    bool mutated;

    (void)state;
    for (size_t n = 1; n <= 40; n++) {
        for (size_t k = 1; k <= n && n % k == 0; k *= 2) {
            if (n == k || n / k % 2 == 0)
                continue;
            fill(a, n);
            merkle_root(root, a, n, NULL);
            fill(a, n);
            memcpy(a[n], a[n - k], k * 32);
            merkle_root(mutant, a, n + k, &mutated);
            assert_memory_equal(root, mutant, 32);
            assert_true(mutated);
        }
    }
    /* two equal transactions side by side somewhere within */
    fill(a, 9);
    memcpy(a[5], a[4], 32);
    merkle_root(root, a, 9, &mutated);
    assert_true(mutated);
}

static void branch_leads_to_root(void **state)
{
    uint8_t a[70][32], root[32], branch[8][32], pair[64], hash[32];

    (void)state;
    for (size_t n = 1; n <= 70; n++) {
        size_t depth;

        fill(a, n);
        memset(a[0], 0xee, 32); /* need not be known */
        depth = merkle_branch_first(branch, (const uint8_t(*)[32])a, n);
        fill(a, n);
        memcpy(hash, a[0], 32);
        for (size_t i = 0; i < depth; i++) {
            memcpy(pair, hash, 32);
            memcpy(pair + 32, branch[i], 32);
            sha256d(hash, pair, 64);
        }
        merkle_root(root, a, n, NULL);
        assert_memory_equal(root, hash, 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_real_blocks),   cmocka_unit_test(holds_by_any_part),
        cmocka_unit_test(makes_blocks),         cmocka_unit_test(refuses_bad_bytes),
        cmocka_unit_test(survives_flips),       cmocka_unit_test(merkle_equals_definition),
        cmocka_unit_test(merkle_sees_mutation), cmocka_unit_test(branch_leads_to_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
