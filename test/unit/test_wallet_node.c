/*
 * A wallet over a chain in memory: addresses, balances, payments, reorganisations, conflicts,
 * locking, importing, and what its file holds after a crash.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script/verify.h"
#include "support/wallet_chain.h"
#include "unit.h"
#include "util/time.h"

#define START 1700000000

struct fixture {
    struct wallet_chain chain;
    struct wallet_node node;
    struct wallets *wallets;
    char *dir;
};

static void open_set(struct fixture *f)
{
    struct wallets_options o;
    char *error = NULL;
    wallet_chain_options(&o, f->dir, &f->node);
    f->wallets = wallets_create(&o, &error);
    assert_non_null(f->wallets);
    f->chain.wallets = f->wallets;
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    time_set_mock(START); /* keys are not younger than the blocks */
    f->dir = temp_dir();
    wallet_chain_init(&f->chain);
    wallet_chain_node(&f->chain, &f->node);
    wallet_chain_mine(&f->chain, span_of("\x6a", 1), 0, START, false);
    open_set(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    wallets_destroy(f->wallets);
    wallet_chain_clear(&f->chain);
    temp_dir_remove(f->dir);
    free(f);
    return 0;
}

static struct span bytes(const char *text)
{
    return span_of(text, text ? strlen(text) : 0);
}

static struct wallet *create(struct fixture *f, const char *name, const char *passphrase)
{
    struct wallet_create c = {.name = name, .passphrase = bytes(passphrase)};
    struct wallet *w;
    char *error = NULL, *warning = NULL;
    if (wallet_create(f->wallets, &c, &w, &error, &warning) != WALLET_OK)
        fail_msg("%s", error);
    return w;
}

static struct wallet *load(struct fixture *f, const char *name)
{
    struct wallet *w;
    char *error = NULL, *warning = NULL;
    if (wallet_load(f->wallets, name, &w, &error, &warning) != WALLET_OK)
        fail_msg("%s", error);
    return w;
}

static struct destination address(struct wallet *w, enum output_type type)
{
    struct destination d;
    char *error = NULL;
    if (!wallet_new_address(w, "label", type, &d, &error))
        fail_msg("%s", error);
    return d;
}

static void mine(struct fixture *f, const struct destination *d, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct buf script = BUF_INIT;
        if (d)
            destination_script(d, &script);
        else
            write_u8(&script, 0x6a);
        int64_t time = f->chain.blocks[f->chain.n - 1]->header.time + 600;
        struct block *b =
            wallet_chain_mine(&f->chain, buf_span(&script), d ? 50 * COIN : 0, time, true);
        wallets_block_connected(f->wallets, b, (int32_t)f->chain.n - 1);
        buf_clear(&script);
    }
}

static void unmine(struct fixture *f, unsigned n)
{
    while (n--) {
        wallets_block_disconnected(f->wallets, f->chain.blocks[f->chain.n - 1],
                                   (int32_t)f->chain.n - 1);
        wallet_chain_pop(&f->chain);
    }
}

static int64_t trusted(struct wallet *w)
{
    struct wallet_balance b;
    wallet_get_balance(w, 0, true, false, &b);
    return b.trusted;
}

/* Every input verifies against what it spends. */
static void check_signed(struct wallet *from, const struct tx *tx)
{
    struct tx_out *spent = xcalloc(tx->n_in, sizeof(*spent));
    struct sighash_cache cache;
    for (uint32_t i = 0; i < tx->n_in; i++)
        spent[i] = *wallet_output(from, &tx->in[i].prev);
    sighash_cache_init(&cache, tx, spent);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        enum script_error e;
        if (!script_verify_input(&cache, i, &spent[i], SCRIPT_VERIFY_STANDARD, NULL, &e))
            fail_msg("input %u: %s", i, script_error_message(e));
    }
    free(spent);
}

static void make_request(struct spend_request *r, const struct destination *to, int64_t amount)
{
    spend_request_init(r);
    r->outputs = xcalloc(1, sizeof(*r->outputs));
    r->n_outputs = 1;
    r->outputs[0].value = amount;
    destination_script(to, &r->outputs[0].script);
}

static struct tx *pay_with(struct wallet *w, struct spend_request *r, int64_t *fee)
{
    struct spend_result result;
    struct verdict v = {0};
    char *error = NULL;
    if (!wallet_spend(w, r, true, &result, &error))
        fail_msg("%s", error);
    struct tx *tx = mtx_finish(&result.tx);
    check_signed(w, tx);
    *fee = result.fee;
    wallet_commit_tx(w, tx, NULL, &v);
    spend_result_clear(&result);
    spend_request_clear(r);
    return tx;
}

static struct tx *pay(struct wallet *w, const struct destination *to, int64_t amount, int64_t *fee)
{
    struct spend_request r;
    make_request(&r, to, amount);
    return pay_with(w, &r, fee);
}

static void check_refused(struct wallet *w, struct spend_request *r, const char *expected)
{
    struct spend_result result;
    char *error = NULL;
    assert_false(wallet_spend(w, r, true, &result, &error));
    assert_string_equal(error, expected);
    free(error);
    spend_request_clear(r);
}

/* ---- paying ---- */

static void two_people_pay(void **state)
{
    struct fixture *f = *state;
    struct wallet *alice = create(f, "alice", NULL), *bob = create(f, "bob", NULL);
    struct destination own = address(alice, OUTPUT_BECH32), his = address(bob, OUTPUT_BECH32M);
    struct wallet_balance b;
    int64_t fee;
    mine(f, &own, 1);
    wallet_get_balance(alice, 0, true, true, &b);
    assert_int_equal(b.immature, 50 * COIN);
    assert_int_equal(b.trusted, 0);
    mine(f, NULL, 100);
    assert_int_equal(trusted(alice), 50 * COIN);
    struct tx *tx = pay(alice, &his, 10 * COIN, &fee);
    assert_true(fee > 0 && fee < 10000);
    /* The fee is that of the real size, at 10 sat/vB. */
    assert_true(fee >= 10 * (int64_t)tx_vsize(tx) && fee <= 10 * ((int64_t)tx_vsize(tx) + 1));
    assert_int_equal(trusted(alice), 40 * COIN - fee);
    wallet_get_balance(bob, 0, true, true, &b);
    assert_int_equal(b.trusted, 0);
    assert_int_equal(b.untrusted_pending, 10 * COIN);
    mine(f, NULL, 1);
    assert_int_equal(trusted(alice), 40 * COIN - fee);
    assert_int_equal(trusted(bob), 10 * COIN);
    tx_unref(tx);
    tx = pay(bob, &own, 4 * COIN, &fee); /* and back, by taproot */
    mine(f, NULL, 1);
    assert_int_equal(trusted(bob), 6 * COIN - fee);
    tx_unref(tx);
}

static void every_type(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", NULL);
    int64_t fee;
    for (int type = 0; type < OUTPUT_UNKNOWN; type++) {
        struct destination d = address(w, (enum output_type)type);
        mine(f, &d, 1);
    }
    mine(f, NULL, 100);
    struct destination to = address(w, OUTPUT_LEGACY);
    struct tx *tx = pay(w, &to, 195 * COIN, &fee); /* needs all four */
    assert_int_equal(tx->n_in, 4);
    assert_true(fee >= 10 * (int64_t)tx_vsize(tx) && fee <= 10 * ((int64_t)tx_vsize(tx) + 2));
    /* An unconfirmed chain of one's own change is spendable. */
    struct tx *second = pay(w, &to, 1 * COIN, &fee);
    assert_true(trusted(w) > 199 * COIN);
    tx_unref(tx);
    tx_unref(second);
}

static void receiver_pays(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", NULL), *other = create(f, "o", NULL);
    struct destination own = address(w, OUTPUT_BECH32), his = address(other, OUTPUT_BECH32);
    struct spend_request r;
    int64_t fee;
    mine(f, &own, 1);
    mine(f, NULL, 100);
    make_request(&r, &his, 50 * COIN);
    r.outputs[0].subtract_fee = true;
    struct tx *tx = pay_with(w, &r, &fee);
    assert_int_equal(tx->n_out, 1);
    assert_int_equal(tx->out[0].value, 50 * COIN - fee);
    assert_int_equal(trusted(w), 0);
    tx_unref(tx);
}

static void refusals(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", NULL);
    struct destination own = address(w, OUTPUT_BECH32);
    struct spend_request r;
    make_request(&r, &own, COIN);
    check_refused(w, &r, "Insufficient funds");
    mine(f, &own, 1);
    mine(f, NULL, 100);
    make_request(&r, &own, 100);
    check_refused(w, &r, "Transaction amount too small");
    make_request(&r, &own, 51 * COIN);
    check_refused(w, &r, "Insufficient funds");
    make_request(&r, &own, 50 * COIN);
    check_refused(w, &r,
                  "The total exceeds your balance when the 0.0000042 transaction fee is included.");
    make_request(&r, &own, COIN);
    r.feerate = 500;
    check_refused(w, &r,
                  "Fee rate (0.500 sat/vB) is lower than the minimum fee rate setting (1.000 "
                  "sat/vB).\nConsider modifying -mintxfee (1.000 sat/vB) or -minrelaytxfee (0.100 "
                  "sat/vB).");
    make_request(&r, &own, COIN);
    r.feerate = 200000000;
    check_refused(w, &r, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
    make_request(&r, &own, COIN);
    r.n_inputs = 1;
    r.inputs = xcalloc(1, sizeof(*r.inputs));
    check_refused(w, &r, "Not found pre-selected input COutPoint(0000000000, 0)");
}

/* ---- the chain turns ---- */

static void reorganisation(void **state)
{
    struct fixture *f = *state;
    struct wallet *alice = create(f, "alice", NULL), *bob = create(f, "bob", NULL);
    struct destination own = address(alice, OUTPUT_BECH32), his = address(bob, OUTPUT_BECH32);
    int64_t fee;
    mine(f, &own, 2);
    mine(f, NULL, 101);
    struct tx *tx = pay(alice, &his, COIN, &fee);
    mine(f, NULL, 3);
    assert_int_equal(wtx_depth(bob, wallet_tx(bob, &tx->txid)), 3);
    unmine(f, 3);
    const struct wtx *seen = wallet_tx(bob, &tx->txid);
    assert_int_equal(seen->state, WTX_INACTIVE);
    assert_int_equal(wtx_depth(bob, seen), 0);
    assert_int_equal(trusted(bob), 0);
    wallets_tx_added(f->wallets, tx); /* back in the mempool */
    assert_int_equal(seen->state, WTX_MEMPOOL);
    mine(f, NULL, 1);
    unmine(f, 103); /* the coinbases too */
    const struct wtx *coinbase = wallet_tx_at(alice, 0);
    assert_true(tx_is_coinbase(coinbase->tx));
    assert_int_equal(wtx_depth(alice, coinbase), 1);
    unmine(f, 1);
    assert_int_equal(coinbase->state, WTX_ABANDONED);
    assert_int_equal(trusted(alice), 0);
    tx_unref(tx);
}

static void conflict(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", NULL);
    struct destination own = address(w, OUTPUT_BECH32), to = address(w, OUTPUT_LEGACY);
    struct spend_request r;
    int64_t fee;
    mine(f, &own, 1);
    mine(f, NULL, 100);
    f->chain.accept = false; /* it stays with the wallet */
    struct tx *first = pay(w, &to, COIN, &fee);
    assert_int_equal(wallet_tx(w, &first->txid)->state, WTX_INACTIVE);
    assert_int_equal(trusted(w), 0); /* its coin is taken, its change not to be had */
    assert_true(wallet_abandon(w, &first->txid));
    assert_int_equal(trusted(w), 50 * COIN);
    f->chain.accept = true;
    make_request(&r, &to, 2 * COIN);
    struct tx *second = pay_with(w, &r, &fee);
    mine(f, NULL, 1);
    const struct wtx *a = wallet_tx(w, &first->txid);
    assert_int_equal(a->state, WTX_CONFLICTED);
    assert_int_equal(wtx_depth(w, a), -1);
    size_t n;
    struct txid *rivals = wallet_conflicts(w, a, &n);
    assert_int_equal(n, 1);
    assert_true(txid_eq(&rivals[0], &second->txid));
    free(rivals);
    assert_int_equal(trusted(w), 50 * COIN - fee);
    assert_false(wallet_can_abandon(w, a));
    unmine(f, 1);
    assert_int_equal(a->state, WTX_INACTIVE);
    tx_unref(first);
    tx_unref(second);
}

/* ---- the file ---- */

static void file_round_trip(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", NULL);
    struct destination own = address(w, OUTPUT_BECH32M), to = address(w, OUTPUT_P2SH_SEGWIT);
    int64_t fee;
    mine(f, &own, 1);
    mine(f, NULL, 100);
    struct tx *tx = pay(w, &to, COIN, &fee);
    int64_t before = trusted(w);
    size_t count = wallet_tx_count(w);
    struct outpoint coin = {tx->txid, 0};
    wallet_lock_coin(w, &coin, true, true);
    wallet_unload(w);
    w = load(f, "w");
    assert_int_equal(wallet_tx_count(w), count);
    assert_int_equal(trusted(w), before);
    assert_true(wallet_coin_locked(w, &coin));
    char *text = address_encode(&network_find("regtest")->address, &own);
    assert_string_equal(wallet_address_entry(w, text)->label, "label");
    free(text);
    struct destination next = address(w, OUTPUT_BECH32M);
    assert_false(destination_eq(&next, &own));
    tx_unref(tx);
}

/* Blocks that came while it was closed are found; what the file's last block says of others too. */
static void catching_up(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", NULL);
    struct destination own = address(w, OUTPUT_BECH32);
    mine(f, &own, 1);
    wallet_unload(w);
    mine(f, &own, 2);
    mine(f, NULL, 100);
    w = load(f, "w");
    assert_int_equal(trusted(w), 150 * COIN);
    wallet_unload(w);
    for (int i = 0; i < 102; i++)
        wallet_chain_pop(&f->chain); /* the chain is another one now */
    mine(f, NULL, 103);
    w = load(f, "w");
    assert_int_equal(trusted(w), 50 * COIN);
}

/* The child shows an address and is killed at once: the parent finds it used, and the keys that
 * make it in the file. */
static void crash_keeps_addresses(void **state)
{
    struct fixture *f = *state;
    int pipes[2];
    struct destination shown;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct wallet *w = create(f, "w", NULL);
        for (int i = 0; i < 3; i++)
            shown = address(w, OUTPUT_BECH32);
        mine(f, &shown, 1); /* not committed: found again by scanning */
        if (write(pipes[1], &shown, sizeof(shown)) != sizeof(shown))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(read(pipes[0], &shown, sizeof(shown)), sizeof(shown));
    waitpid(child, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);
    mine(f, &shown, 1);
    struct wallet *w = load(f, "w");
    struct buf script = BUF_INIT;
    destination_script(&shown, &script);
    struct wallet_script info;
    assert_true(wallet_script_info(w, buf_span(&script), &info));
    assert_int_equal(info.index, 2);
    assert_true(info.owner->next >= 3);
    assert_true(descriptor_has_all_private(info.owner->d));
    buf_clear(&script);
    assert_int_equal(wallet_tx_count(w), 1);
}

static void damaged_file(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", NULL);
    char *error = NULL, *warning = NULL;
    wallet_unload(w);
    char *path = xasprintf("%s/w/wallet.dat", f->dir);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 5000, SEEK_SET);
    for (int i = 0; i < 8000; i++)
        fputc(i & 0xff, file);
    fclose(file);
    assert_int_not_equal(wallet_load(f->wallets, "w", &w, &error, &warning), WALLET_OK);
    assert_non_null(error);
    free(error);
    file = fopen(path, "wb");
    fputs("no database", file);
    fclose(file);
    assert_int_equal(wallet_load(f->wallets, "w", &w, &error, &warning), WALLET_NOT_FOUND);
    assert_non_null(strstr(error, "Data is not in recognized format."));
    free(error);
    free(path);
}

/* ---- locking ---- */

static void encryption(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", "secret");
    struct destination own = address(w, OUTPUT_BECH32);
    struct spend_request r;
    struct spend_result result;
    int64_t fee;
    char *error = NULL;
    assert_true(wallet_is_locked(w));
    mine(f, &own, 1);
    mine(f, NULL, 100);
    make_request(&r, &own, COIN);
    assert_false(wallet_spend(w, &r, true, &result, &error));
    assert_string_equal(error, "Signing transaction failed");
    free(error);
    spend_request_clear(&r);
    assert_false(wallet_unlock(w, bytes("Secret"), 100));
    assert_true(wallet_unlock(w, bytes("secret"), 100));
    tx_unref(pay(w, &own, COIN, &fee));
    wallet_lock(w);
    assert_true(wallet_change_passphrase(w, bytes("secret"), bytes("other")));
    assert_true(wallet_is_locked(w));
    wallet_unload(w);
    w = load(f, "w");
    assert_true(wallet_is_locked(w));
    assert_false(wallet_unlock(w, bytes("secret"), 100));
    assert_true(wallet_unlock(w, bytes("other"), 100));
}

/* Encrypting what was in plain: new keys, and the old ones no longer lie in the file. */
static void encrypt_later(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", NULL);
    struct destination before = address(w, OUTPUT_BECH32);
    const struct wallet_descriptor *d = wallet_active_descriptor(w, OUTPUT_BECH32, false);
    struct seckey key;
    char *error = NULL;
    assert_int_equal(descriptor_seckeys(d->d, &key, 1), 1);
    assert_true(wallet_encrypt(w, bytes("secret"), &error));
    assert_true(wallet_is_locked(w));
    assert_ptr_not_equal(wallet_active_descriptor(w, OUTPUT_BECH32, false), d);
    struct buf script = BUF_INIT, file = BUF_INIT;
    destination_script(&before, &script);
    assert_true(wallet_is_mine(w, buf_span(&script)));
    wallet_unload(w);
    char *path = xasprintf("%s/w/wallet.dat", f->dir);
    assert_true(file_read(path, &file, 1 << 26));
    assert_null(memmem(file.data, file.len, key.b, 32));
    w = load(f, "w");
    assert_true(wallet_is_mine(w, buf_span(&script)));
    assert_true(wallet_unlock(w, bytes("secret"), 10));
    buf_clear(&script);
    buf_clear(&file);
    free(path);
}

/* ---- importing ---- */

static struct descriptor *parse(const char *text)
{
    struct descriptor **list, *d;
    size_t n;
    char *error = NULL;
    assert_true(
        descriptor_parse(&network_find("regtest")->address, text, false, &list, &n, &error));
    d = list[0];
    free(list);
    return d;
}

/* combo() of a private key, as test frameworks give it: four scripts, all found and spendable. */
static void import_combo(void **state)
{
    struct fixture *f = *state;
    struct wallet_create c = {.name = "w", .blank = true};
    struct wallet *w;
    char *error = NULL, *warning = NULL;
    int code;
    int32_t last;
    assert_int_equal(wallet_create(f->wallets, &c, &w, &error, &warning), WALLET_OK);
    assert_false(wallet_can_get_addresses(w, false));
    const char *text = "combo(cVpF924EspNh8KjYsfhgY96mmxvT6DgdWiTYMtMjuM74hJaU5psW)";
    struct descriptor *d = parse(text);
    struct expansion e;
    assert_true(descriptor_expand(d, 0, false, &e));
    assert_int_equal(e.n_scripts, 4);
    for (size_t i = 0; i < 4; i++) {
        int64_t time = f->chain.blocks[f->chain.n - 1]->header.time + 600;
        wallets_block_connected(
            f->wallets,
            wallet_chain_mine(&f->chain, buf_span(&e.scripts[i]), 50 * COIN, time, true),
            (int32_t)f->chain.n - 1);
    }
    expansion_clear(&e);
    mine(f, NULL, 100);
    struct wallet_import imp = {.d = d, .created = 1, .range_end = 1, .label = "coinbase"};
    if (!wallet_import_descriptor(w, &imp, &code, &error))
        fail_msg("%s", error);
    assert_true(wallet_rescan(w, wallet_height_of_time(w, 1), -1, &last));
    assert_int_equal(trusted(w), 200 * COIN);
    struct destination to = {.type = DEST_P2WPKH, .len = 20};
    struct spend_request r;
    struct spend_result result;
    make_request(&r, &to, 190 * COIN);
    to.data[0] = 1;
    r.change_script = (struct buf){NULL, 0, 0};
    destination_script(&to, &r.change_script);
    assert_true(wallet_spend(w, &r, true, &result, &error));
    struct tx *tx = mtx_finish(&result.tx);
    assert_int_equal(tx->n_in, 4);
    check_signed(w, tx);
    tx_unref(tx);
    spend_result_clear(&result);
    spend_request_clear(&r);
    wallet_unload(w);
    w = load(f, "w");
    assert_int_equal(trusted(w), 200 * COIN);
}

/* A transaction beyond the promised positions is found when the range moves on. */
static void gap(void **state)
{
    struct fixture *f = *state;
    struct wallet *w = create(f, "w", NULL);
    const struct wallet_descriptor *d = wallet_active_descriptor(w, OUTPUT_BECH32, false);
    int32_t end = d->range_end;
    struct expansion e;
    for (int i = 0; i < 3; i++) {
        assert_true(descriptor_expand(d->d, (uint32_t)(d->range_end - 1), false, &e));
        int64_t time = f->chain.blocks[f->chain.n - 1]->header.time + 600;
        wallets_block_connected(
            f->wallets, wallet_chain_mine(&f->chain, buf_span(&e.scripts[0]), COIN, time, true),
            (int32_t)f->chain.n - 1);
        expansion_clear(&e);
    }
    assert_int_equal(wallet_tx_count(w), 3);
    assert_int_equal(d->range_end, end + 60);
    assert_int_equal(d->next, end + 40);
}

static void names(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name, *error;
    } bad[] = {
        {"", "Wallet name cannot be empty"},
        {"./x", "Wallet file verification failed. Wallet name given as a path must be normalized"},
        {"a//b", "Wallet file verification failed. Wallet name given as a path must be normalized"},
        {"a/../b",
         "Wallet file verification failed. Wallet name given as a path must be normalized"},
        {"../x",
         "Wallet file verification failed. Wallet name given as a relative path cannot begin "
         "with ./ or ../, for wallets not in the walletdir, please use an absolute path."},
        {"/", "Wallet file verification failed. Wallet name cannot be the root path"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct wallet_create c = {.name = bad[i].name};
        struct wallet *w;
        char *error = NULL, *warning = NULL;
        assert_int_not_equal(wallet_create(f->wallets, &c, &w, &error, &warning), WALLET_OK);
        assert_string_equal(error, bad[i].error);
        free(error);
    }
    create(f, "sub/dir", NULL);
    size_t n;
    char **list = wallets_list_dir(f->wallets, &n);
    assert_int_equal(n, 1);
    assert_string_equal(list[0], "sub/dir");
    free(list[0]);
    free(list);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(two_people_pay),        TEST(every_type),   TEST(receiver_pays),   TEST(refusals),
        TEST(reorganisation),        TEST(conflict),     TEST(file_round_trip), TEST(catching_up),
        TEST(crash_keeps_addresses), TEST(damaged_file), TEST(encryption),      TEST(encrypt_later),
        TEST(import_combo),          TEST(gap),          TEST(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
