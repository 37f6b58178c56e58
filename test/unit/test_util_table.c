/*
 * Hash tables against the plainest model there is (an array of flags), and SipHash against its
 * published vectors.
 */

#include <json-c/json.h>

#include "unit.h"
#include "util/siphash.h"
#include "util/table.h"

struct item {
    int tag;
    uint32_t key[9]; /* 36 bytes, as an outpoint */
};

enum { KEYS = 3000 };

static void random_operations(void **state)
{
    (void)state;
    struct item *items = xcalloc(KEYS, sizeof(*items));
    bool *in = xcalloc(KEYS, sizeof(*in));
    size_t n = 0;
    for (uint32_t i = 0; i < KEYS; i++)
        items[i].key[8] = i;
    struct table t;
    TABLE_INIT(&t, struct item, key);
    for (int step = 0; step < 200000; step++) {
        /* Phases that grow, shrink, and churn. */
        bool add = test_rand() % 8 < (step / 20000 % 3 == 0 ? 6 : step / 20000 % 3 == 1 ? 2 : 4);
        size_t i = test_rand() % KEYS;
        struct item twin = items[i]; /* the same key in another value */
        if (add) {
            assert_ptr_equal(table_add(&t, &items[i]), in[i] ? &items[i] : NULL);
            n += !in[i];
            in[i] = true;
        } else {
            assert_ptr_equal(table_remove(&t, twin.key), in[i] ? &items[i] : NULL);
            n -= in[i];
            in[i] = false;
        }
        assert_int_equal(t.n, n);
        size_t k = test_rand() % KEYS;
        assert_ptr_equal(table_get(&t, items[k].key), in[k] ? &items[k] : NULL);
    }
    size_t seen = 0, pos = 0;
    for (struct item *it; (it = table_next(&t, &pos)); seen++)
        assert_true(in[it - items]);
    assert_int_equal(seen, n);
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(table_remove(&t, items[i].key), in[i] ? &items[i] : NULL);
    assert_int_equal(t.n, 0);
    table_clear(&t);
    assert_null(table_get(&t, items[0].key));
    free(items);
    free(in);
}

static void empty_table(void **state)
{
    (void)state;
    struct table t;
    TABLE_INIT(&t, struct item, key);
    struct item a = {.tag = 1, .key = {7}}, b = {.tag = 2, .key = {7}};
    assert_null(table_get(&t, a.key));
    assert_null(table_remove(&t, a.key));
    size_t pos = 0;
    assert_null(table_next(&t, &pos));
    assert_int_equal(table_memory(&t), 0);
    assert_null(table_add(&t, &a));
    assert_ptr_equal(table_add(&t, &b), &a); /* the first stays */
    assert_ptr_equal(table_get(&t, b.key), &a);
    assert_true(table_memory(&t) > 0);
    table_clear(&t);
    assert_int_equal(t.n, 0);
    assert_null(table_add(&t, &b)); /* usable again */
    assert_ptr_equal(table_get(&t, a.key), &b);
    table_clear(&t);
}

static void keys_differ_by_table(void **state)
{
    (void)state;
    struct table a, b;
    TABLE_INIT(&a, struct item, key);
    TABLE_INIT(&b, struct item, key);
    assert_true(a.k0 != b.k0 && a.k1 != b.k1);
}

static void siphash_vectors(void **state)
{
    (void)state;
    char *text = shared_read("vectors/siphash.json");
    struct json_object *all = json_tokener_parse(text);
    assert_non_null(all);
    size_t n = 0;
    for (size_t i = 0; i < json_object_array_length(all); i++) {
        struct json_object *one = json_object_array_get_idx(all, i), *key, *input, *expected, *want;
        assert_true(json_object_object_get_ex(one, "key", &key));
        assert_true(json_object_object_get_ex(one, "input", &input));
        assert_true(json_object_object_get_ex(one, "expected", &expected));
        if (!json_object_object_get_ex(expected, "siphash24", &want))
            continue;
        uint64_t k[2];
        for (size_t j = 0; j < 2; j++)
            k[j] = strtoull(json_object_get_string(json_object_array_get_idx(key, j)), NULL, 16);
        struct buf b = BUF_INIT;
        for (size_t j = 0; j < json_object_array_length(input); j++)
            assert_true(hex_read(&b, json_object_get_string(json_object_array_get_idx(input, j))));
        assert_true(siphash(k[0], k[1], b.data, b.len) ==
                    strtoull(json_object_get_string(want), NULL, 16));
        buf_clear(&b);
        n++;
    }
    assert_true(n > 30);
    json_object_put(all);
    free(text);
}

/* The key and the first inputs of the SipHash paper: bytes 0, 1, 2, ... */
static void siphash_paper(void **state)
{
    (void)state;
    uint8_t in[15];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)i;
    uint64_t k0 = 0x0706050403020100, k1 = 0x0f0e0d0c0b0a0908;
    assert_true(siphash(k0, k1, in, 15) == 0xa129ca6149be45e5);
    assert_true(siphash(k0, k1, NULL, 0) == 0x726fdb47dd0e0e31);
    assert_true(siphash13(k0, k1, NULL, 0) == 0xabac0158050fc4dc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),    cmocka_unit_test(empty_table),
        cmocka_unit_test(keys_differ_by_table), cmocka_unit_test(siphash_vectors),
        cmocka_unit_test(siphash_paper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
