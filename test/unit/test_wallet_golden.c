/*
 * Wallets that Bitcoin Core wrote (golden/life-1): opened over the blocks of the same data
 * directory, they have the balances, coins, transactions, addresses and descriptors that Core's
 * answers in the transcript give.
 */
#include <json-c/json.h>
#include <sys/stat.h>

#include "support/wallet_chain.h"
#include "unit.h"

struct golden {
    char *dir;
    struct wallet_chain chain;
    struct wallet_node node;
    struct wallets *wallets;
    char *transcript;
};

static struct golden g;

/* ---- the blocks of the data directory ---- */

static struct buf read_whole(const char *name)
{
    struct buf b = BUF_INIT;
    char *path = path_join(g.dir, name);
    assert_true(file_read(path, &b, (size_t)1 << 30));
    free(path);
    return b;
}

static size_t read_blocks(struct block **out, size_t max)
{
    struct buf file = read_whole("datadir/regtest/blocks/blk00000.dat");
    struct buf key = read_whole("datadir/regtest/blocks/xor.dat");
    size_t n = 0, at = 0;
    for (size_t i = 0; i < file.len; i++)
        file.data[i] ^= key.data[i % key.len];
    while (at + 8 < file.len && memcmp(file.data + at, "\xfa\xbf\xb5\xda", 4) == 0 && n < max) {
        uint32_t len = get_le32(file.data + at + 4);
        out[n] = block_parse(file.data + at + 8, len);
        assert_non_null(out[n++]);
        at += 8 + len;
    }
    buf_clear(&file);
    buf_clear(&key);
    return n;
}

/* The chain that ends in `tip`. */
static void load_chain(const char *tip)
{
    struct block *all[1000], *line[1000];
    size_t n = read_blocks(all, 1000), len = 0;
    struct block_hash want;
    assert_true(hash_from_hex(want.b, tip));
    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < n && !found; i++) {
            if (!block_hash_eq(&all[i]->hash, &want))
                continue;
            line[len++] = all[i];
            want = all[i]->header.prev;
            found = true;
        }
    }
    while (len)
        wallet_chain_push(&g.chain, block_ref(line[--len]));
    for (size_t i = 0; i < n; i++)
        block_unref(all[i]);
}

/* ---- the transcript ---- */

/* Result of the last (or first) call of a method at a path; the caller puts it. */
static struct json_object *answer(const char *path, const char *method, const char *params)
{
    struct json_object *result = NULL;
    char *copy = xstrdup(g.transcript), *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct json_object *o = json_tokener_parse(line), *v;
        if (o && json_object_object_get_ex(o, "path", &v) &&
            strcmp(json_object_get_string(v), path) == 0 &&
            json_object_object_get_ex(o, "method", &v) &&
            strcmp(json_object_get_string(v), method) == 0 &&
            (!params || (json_object_object_get_ex(o, "params", &v) &&
                         strstr(json_object_to_json_string(v), params)))) {
            json_object_object_get_ex(o, "response", &v);
            struct json_object *whole = json_tokener_parse(json_object_get_string(v)), *r;
            if (json_object_object_get_ex(whole, "result", &r) && r) {
                json_object_put(result);
                result = json_object_get(r);
            }
            json_object_put(whole);
        }
        json_object_put(o);
    }
    free(copy);
    if (!result)
        fail_msg("no answer to %s at %s", method, path);
    return result;
}

static int64_t amount(struct json_object *o, const char *key)
{
    struct json_object *v;
    int64_t sat;
    assert_true(json_object_object_get_ex(o, key, &v));
    assert_true(amount_parse(&sat, json_object_to_json_string(v)));
    return sat;
}

static const char *text(struct json_object *o, const char *key)
{
    struct json_object *v;
    return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : "";
}

/* ---- */

static int setup(void **state)
{
    (void)state;
    const char *shared = getenv("MITE_SHARED");
    char *archive = path_join(shared ? shared : "../shared", "golden/life-1.tar.xz");
    if (!path_exists(archive)) {
        printf("skipped: %s is not here\n", archive);
        free(archive);
        return 0;
    }
    g.dir = temp_dir();
    char *command = xasprintf("tar -C '%s' -xJf '%s'", g.dir, archive);
    assert_int_equal(system(command), 0);
    free(command);
    free(archive);
    struct buf b = read_whole("transcript.jsonl");
    write_u8(&b, 0);
    g.transcript = (char *)buf_take(&b, NULL);
    wallet_chain_init(&g.chain);
    g.chain.accept = false; /* as the transcript had it: unconfirmed ones stay outside */
    struct json_object *balances = answer("/wallet/alice", "getbalances", NULL), *last;
    assert_true(json_object_object_get_ex(balances, "lastprocessedblock", &last));
    load_chain(text(last, "hash"));
    json_object_put(balances);
    wallet_chain_node(&g.chain, &g.node);
    struct wallets_options o;
    char *dir = path_join(g.dir, "datadir/regtest/wallets"), *error = NULL;
    wallet_chain_options(&o, dir, &g.node);
    g.wallets = wallets_create(&o, &error);
    assert_non_null(g.wallets);
    free(dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (!g.dir)
        return 0;
    wallets_destroy(g.wallets);
    wallet_chain_clear(&g.chain);
    free(g.transcript);
    temp_dir_remove(g.dir);
    return 0;
}

static struct wallet *open_wallet(const char *name)
{
    char *error = NULL, *warning = NULL;
    if (!g.dir)
        skip();
    struct wallet *w = wallets_find(g.wallets, name);
    if (w)
        return w;
    if (wallet_load(g.wallets, name, &w, &error, &warning) != WALLET_OK)
        fail_msg("%s: %s", name, error);
    assert_null(warning);
    return w;
}

static void list_dir(void **state)
{
    (void)state;
    if (!g.dir)
        skip();
    size_t n;
    char **names = wallets_list_dir(g.wallets, &n);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static void check_balance(const char *name)
{
    struct wallet *w = open_wallet(name);
    char *path = xasprintf("/wallet/%s", name);
    struct json_object *all = answer(path, "getbalances", NULL), *mine;
    struct wallet_balance b;
    assert_true(json_object_object_get_ex(all, "mine", &mine));
    wallet_get_balance(w, 0, true, true, &b);
    printf("%s: %lld trusted\n", name, (long long)b.trusted);
    assert_int_equal(b.trusted, amount(mine, "trusted"));
    assert_int_equal(b.untrusted_pending, amount(mine, "untrusted_pending"));
    assert_int_equal(b.immature, amount(mine, "immature"));
    json_object_put(all);
    free(path);
}

static void balances(void **state)
{
    (void)state;
    check_balance("alice");
    check_balance("bob");
    check_balance("watch");
    check_balance("cold");
}

/* What the transcript's listunspent shows: four later payments of alice's are not in this mempool
 * and spend some of it, so those coins are looked at as well. */
static void check_coins(const char *name)
{
    struct wallet *w = open_wallet(name);
    char *path = xasprintf("/wallet/%s", name);
    struct json_object *list = answer(path, "listunspent", "[ ]");
    size_t n = json_object_array_length(list);
    for (size_t i = 0; i < n; i++) {
        struct json_object *c = json_object_array_get_idx(list, i), *v;
        struct outpoint o;
        assert_true(hash_from_hex(o.txid.b, text(c, "txid")));
        json_object_object_get_ex(c, "vout", &v);
        o.n = (uint32_t)json_object_get_int(v);
        const struct tx_out *out = wallet_output(w, &o);
        assert_non_null(out);
        assert_int_equal(out->value, amount(c, "amount"));
        char *hex = hex_dup(out->script_pubkey.data, out->script_pubkey.len);
        assert_string_equal(hex, text(c, "scriptPubKey"));
        free(hex);
        json_object_object_get_ex(c, "confirmations", &v);
        assert_int_equal(wtx_depth(w, wallet_tx(w, &o.txid)), json_object_get_int(v));
        struct expansion e;
        assert_true(wallet_expand(w, out->script_pubkey, false, &e));
        char *desc = descriptor_infer(&network_find("regtest")->address, out->script_pubkey, &e);
        assert_string_equal(desc, text(c, "desc"));
        free(desc);
        expansion_clear(&e);
    }
    printf("%s: %zu coins\n", name, n);
    json_object_put(list);
    free(path);
}

static void coins(void **state)
{
    (void)state;
    check_coins("alice");
    check_coins("bob");
    check_coins("watch");
}

static void descriptors(void **state)
{
    (void)state;
    struct wallet *w = open_wallet("alice");
    struct json_object *r = answer("/wallet/alice", "listdescriptors", NULL), *list;
    const struct address_params *p = &network_find("regtest")->address;
    size_t found = 0;
    assert_true(json_object_object_get_ex(r, "descriptors", &list));
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *d = json_object_array_get_idx(list, i), *v;
        for (size_t k = 0; wallet_descriptor_at(w, k); k++) {
            const struct wallet_descriptor *own = wallet_descriptor_at(w, k);
            char *normal = descriptor_to_normalized_string(p, own->d);
            assert_non_null(normal);
            if (strcmp(normal, text(d, "desc")) == 0) {
                found++;
                json_object_object_get_ex(d, "internal", &v);
                assert_int_equal(own->internal, json_object_get_boolean(v));
                json_object_object_get_ex(d, "timestamp", &v);
                assert_int_equal(own->created, json_object_get_int64(v));
            }
            free(normal);
        }
    }
    assert_int_equal(found, json_object_array_length(list));
    assert_int_equal(found, 8);
    json_object_put(r);
}

static void transactions(void **state)
{
    (void)state;
    struct wallet *w = open_wallet("alice");
    struct json_object *list = answer("/wallet/alice", "listtransactions", "500");
    size_t n = json_object_array_length(list), conflicted = 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *t = json_object_array_get_idx(list, i), *v;
        struct txid txid;
        assert_true(hash_from_hex(txid.b, text(t, "txid")));
        const struct wtx *tx = wallet_tx(w, &txid);
        assert_non_null(tx);
        json_object_object_get_ex(t, "confirmations", &v);
        assert_int_equal(wtx_depth(w, tx), json_object_get_int(v));
        conflicted += tx->state == WTX_CONFLICTED;
        json_object_object_get_ex(t, "time", &v);
        assert_int_equal(wtx_time(tx), json_object_get_int64(v));
        json_object_object_get_ex(t, "timereceived", &v);
        assert_int_equal(tx->time_received, json_object_get_int64(v));
        if (json_object_object_get_ex(t, "fee", &v)) {
            int64_t out = 0;
            for (uint32_t k = 0; k < tx->tx->n_out; k++)
                out += tx->tx->out[k].value;
            assert_int_equal(out - wtx_debit(w, tx), amount(t, "fee"));
        }
    }
    printf("%zu entries, %zu of conflicted transactions\n", n, conflicted);
    assert_true(conflicted > 0);
    json_object_put(list);
}

static void labels(void **state)
{
    (void)state;
    struct wallet *w = open_wallet("alice");
    const struct address_entry *e =
        wallet_address_entry(w, "bcrt1q3rp4vhxswh5555up358p9duej4yluyw76q3f9d");
    assert_non_null(e);
    assert_string_equal(e->label, "a-bech32");
    assert_int_equal(e->purpose, PURPOSE_RECEIVE);
}

static void locked_wallet(void **state)
{
    (void)state;
    struct wallet *w = open_wallet("cold");
    struct destination d;
    char *error = NULL;
    assert_true(wallet_is_encrypted(w) && wallet_is_locked(w));
    assert_false(wallet_unlock(w, span_of("wrong", sizeof("wrong") - 1), 10));
    assert_true(wallet_is_locked(w));
    assert_true(wallet_new_address(w, "", OUTPUT_BECH32, &d, &error));
    assert_true(wallet_unlock(w, span_of("correct horse", sizeof("correct horse") - 1), 10));
    assert_false(wallet_is_locked(w));
    const struct wallet_descriptor *own = wallet_active_descriptor(w, OUTPUT_BECH32, false);
    assert_true(descriptor_has_all_private(own->d));
    wallet_lock(w);
    assert_true(wallet_is_locked(w));
    assert_false(descriptor_has_private(own->d));
}

/* Closed and opened again, nothing has changed; a rescan finds nothing new. */
static void again(void **state)
{
    (void)state;
    struct wallet *w = open_wallet("bob");
    struct wallet_balance before, after;
    size_t n = wallet_tx_count(w);
    int32_t last;
    wallet_get_balance(w, 0, true, true, &before);
    wallet_unload(w);
    w = open_wallet("bob");
    assert_int_equal(wallet_tx_count(w), n);
    assert_true(wallet_rescan(w, 0, -1, &last));
    assert_int_equal(last, g.chain.n - 1);
    assert_int_equal(wallet_tx_count(w), n);
    wallet_get_balance(w, 0, true, true, &after);
    assert_memory_equal(&before, &after, sizeof(before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_dir),      cmocka_unit_test(balances),     cmocka_unit_test(coins),
        cmocka_unit_test(descriptors),   cmocka_unit_test(transactions), cmocka_unit_test(labels),
        cmocka_unit_test(locked_wallet), cmocka_unit_test(again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
