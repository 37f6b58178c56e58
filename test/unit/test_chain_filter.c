/*
 * Compact filters: the vectors of BIP158 from bytes to header; every script of a block is found,
 * others are not; filters that are none.
 */
#include "chain/filter.h"
#include "support/vectors.h"
#include "unit.h"

static struct span *scripts_of(struct json_object *list, size_t *n)
{
    struct span *v;

    *n = json_object_array_length(list);
    v = xcalloc(*n + 1, sizeof(*v));
    for (size_t i = 0; i < *n; i++) {
        struct buf b = BUF_INIT;

        hex_into(&b, json_str(json_at(list, i)));
        v[i].data = buf_take(&b, &v[i].len);
    }
    return v;
}

static void free_scripts(struct span *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)v[i].data);
    free(v);
}

static void check_matches(struct span filter, const struct block *b, const struct span *spent,
                          size_t n_spent)
{
    struct span none = span_of("no such script", 14);
    bool match;

    for (size_t i = 0; i < n_spent; i++) {
        assert_true(block_filter_match(filter, &b->hash, &spent[i], 1, &match));
        assert_int_equal(match, spent[i].len > 0);
    }
    for (uint32_t i = 0; i < b->n_tx; i++) {
        for (uint32_t k = 0; k < b->tx[i]->n_out; k++) {
            struct span some[2] = {none, b->tx[i]->out[k].script_pubkey};

            assert_true(block_filter_match(filter, &b->hash, some, 2, &match));
            if (some[1].len && some[1].data[0] != 0x6a)
                assert_true(match);
        }
    }
    assert_true(block_filter_match(filter, &b->hash, &none, 1, &match));
    assert_false(match);
    assert_true(block_filter_match(filter, &b->hash, NULL, 0, &match));
    assert_false(match);
}

/* Cut short, or with a byte more: no filter; with any bit changed: an answer all the same. */
static void check_broken(struct span filter, const struct block_hash *block)
{
    struct buf b = BUF_INIT;
    struct span any = span_of("x", 1);
    bool match;

    write_span(&b, filter);
    write_u8(&b, 0);
    assert_false(block_filter_match(buf_span(&b), block, &any, 1, &match));
    for (size_t len = 0; len < filter.len; len++)
        assert_false(block_filter_match(span_of(filter.data, len), block, &any, 1, &match));
    for (size_t i = 0; i < filter.len * 8; i++) {
        b.data[i / 8] ^= (uint8_t)(1 << i % 8);
        (void)!block_filter_match(span_of(b.data, filter.len), block, &any, 1, &match);
        b.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    buf_clear(&b);
}

static void check_vector(struct json_object *row)
{
    struct buf raw = BUF_INIT, filter = BUF_INIT;
    uint8_t prev[32], hash[32], header[32], want[32];
    struct block_hash block_hash;
    struct span *spent;
    struct block *b;
    size_t n;

    hex_into(&raw, json_str(json_at(row, 2)));
    b = block_parse(raw.data, raw.len);
    assert_non_null(b);
    assert_true(hash_from_hex(block_hash.b, json_str(json_at(row, 1))));
    assert_true(block_hash_eq(&b->hash, &block_hash));
    spent = scripts_of(json_at(row, 3), &n);
    block_filter_make(&filter, b, spent, n);
    assert_hex(filter.data, filter.len, json_str(json_at(row, 5)));
    assert_true(hash_from_hex(prev, json_str(json_at(row, 4))));
    assert_true(hash_from_hex(want, json_str(json_at(row, 6))));
    block_filter_hash(hash, buf_span(&filter));
    block_filter_header(header, hash, prev);
    assert_memory_equal(header, want, 32);
    check_matches(buf_span(&filter), b, spent, n);
    check_broken(buf_span(&filter), &b->hash);
    free_scripts(spent, n);
    block_unref(b);
    buf_clear(&filter);
    buf_clear(&raw);
}

static void check_file(const char *name)
{
    struct json_object *rows = vectors_load(name);
    size_t n = json_object_array_length(rows);

    for (size_t i = 1; i < n; i++) /* the first names the columns */
        check_vector(json_at(rows, i));
    printf("%s: %zu blocks\n", name, n - 1);
    assert_true(n > 5);
    json_object_put(rows);
}

static void bip158(void **state)
{
    (void)state;
    check_file("bips/bip-0158-testnet-19.json");
}

static void blockfilters(void **state)
{
    (void)state;
    check_file("blockfilters.json");
}

/* A filter may claim any count. */
static void huge_count(void **state)
{
    static const uint8_t huge[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0x00},
                         huger[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
    struct block_hash block = {{0}};
    struct span any = span_of("x", 1);
    bool match;

    (void)state;
    assert_false(block_filter_match(span_of(huge, sizeof(huge)), &block, &any, 1, &match));
    assert_false(block_filter_match(span_of(huger, sizeof(huger)), &block, &any, 1, &match));
    assert_false(block_filter_match(span_of(NULL, 0), &block, &any, 1, &match));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bip158),
        cmocka_unit_test(blockfilters),
        cmocka_unit_test(huge_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
