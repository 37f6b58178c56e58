/*
 * Crashes: a child process works on a chain and dies at a random write, in the middle of it or
 * before it; then the chain is opened again, brought to the end, and must have the coins of one
 * that never died. The linker puts the functions of this file in place of the writing ones
 * (--wrap).
 */
#include <sys/wait.h>
#include <unistd.h>

#include "store/blockfile.h"
#include "store/db.h"
#include "support/chain_dir.h"
#include "unit.h"

/* ---- the writes that may be the last ---- */

static long writes_left = -1; /* negative: no end */

static bool last_write(void)
{
    return writes_left >= 0 && __atomic_sub_fetch(&writes_left, 1, __ATOMIC_SEQ_CST) == 0;
}

bool __real_pwrite_all(int fd, const void *data, size_t len, uint64_t offset);
bool __wrap_pwrite_all(int fd, const void *data, size_t len, uint64_t offset);
bool __wrap_pwrite_all(int fd, const void *data, size_t len, uint64_t offset)
{
    if (last_write()) {
        if (len > 1 && len % 2)
            (void)__real_pwrite_all(fd, data, len / 2, offset); /* torn */
        _exit(0);
    }
    return __real_pwrite_all(fd, data, len, offset);
}

bool __real_db_write(struct db *db, struct db_batch *b, bool sync);
bool __wrap_db_write(struct db *db, struct db_batch *b, bool sync);
bool __wrap_db_write(struct db *db, struct db_batch *b, bool sync)
{
    if (last_write())
        _exit(0);
    return __real_db_write(db, b, sync);
}

bool __real_file_sync(int fd);
bool __wrap_file_sync(int fd);
bool __wrap_file_sync(int fd)
{
    if (last_write())
        _exit(0);
    return __real_file_sync(fd);
}

/* ---- the work ---- */

#define BASE   120
#define BRANCH 14
#define MANY   20000 /* coins of a block, two of which are more than a batch of a flush holds */

/* Two branches of one chain, and what every test run does with them. */
struct plot {
    struct block *base[BASE], *a[BRANCH], *b[BRANCH + 3];
    char hash[HASH_HEX_SIZE];
    struct hnode nodes[BASE + 2 * BRANCH + 3]; /* what the blocks were built on */
    size_t n_nodes;
};

static struct block *next_block(struct plot *p, const struct network *net, struct hnode *at,
                                const struct tx *const *txs, size_t n, uint32_t tag)
{
    struct hnode *prev = &p->nodes[p->n_nodes++];
    *prev = *at;
    struct block *b = factory_block_on(net, prev, txs, n, 0, tag);

    hnode_init(at, &b->header, &b->hash, prev);
    return b;
}

static struct tx *spend_coinbase(const struct block *b, uint32_t n_out)
{
    struct outpoint o = {.txid = b->tx[0]->txid};

    return factory_spend(&o, 1, 50 * COIN, n_out, 0);
}

static void make_branch(struct plot *p, const struct network *net, struct hnode at,
                        struct block **out, int n, uint32_t tag)
{
    for (int i = 0; i < n; i++) {
        const struct tx *tx = spend_coinbase(p->base[i], i == 3 || i == 5 ? MANY : 2 + tag);

        out[i] = next_block(p, net, &at, &tx, 1, tag);
        tx_unref(tx);
    }
}

static void make_plot(struct plot *p)
{
    const struct network *net = network_find("regtest");
    struct block *genesis = network_genesis(net);
    struct hnode at;

    hnode_init(&at, &genesis->header, &genesis->hash, NULL);
    for (int i = 0; i < BASE; i++)
        p->base[i] = next_block(p, net, &at, NULL, 0, 0);
    make_branch(p, net, at, p->a, BRANCH, 1);
    make_branch(p, net, at, p->b, BRANCH + 3, 2);
    block_unref(genesis);
}

/* Gives the block where it is not there yet. False where the chain has failed. */
static void give(struct test_chain *t, const struct block *b)
{
    struct verdict v;

    assert_true(
        chain_accept_block(t->chain, b, ACCEPT_REQUESTED | ACCEPT_MIN_POW_CHECKED, NULL, &v));
}

static void act(struct test_chain *t, const struct plot *p, bool flushes)
{
    for (int i = 0; i < BASE; i++) {
        give(t, p->base[i]);
        if (flushes && i % 50 == 49)
            assert_true(chain_flush(t->chain));
    }
    for (int i = 0; i < BRANCH; i++) {
        give(t, p->a[i]);
        if (flushes && i == 8)
            assert_true(chain_flush(t->chain));
    }
    for (int i = 0; i < BRANCH + 3; i++) {
        give(t, p->b[i]);
        if (flushes && i == BRANCH + 1)
            assert_true(chain_flush(t->chain));
    }
    chain_drain(t->chain);
}

/* The child's whole life: `mite-test --child DIR WRITES THREADS`. */
static int child(const char *dir, const char *writes, const char *threads)
{
    static struct plot p;
    struct test_chain t;

    make_plot(&p);
    test_chain_init_in(&t, "regtest", (unsigned)strtoul(threads, NULL, 10), dir);
    t.opts.check_block_index = false;
    t.opts.check_blocks = 3;
    writes_left = strtol(writes, NULL, 10);
    if (!test_chain_open(&t))
        return 1;
    act(&t, &p, true);
    test_chain_close(&t);
    return 42; /* came to the end */
}

/* A program of its own: LevelDB's threads do not come over a fork. Returns its exit status. */
static int run_child(const char *dir, long writes)
{
    char *count = xasprintf("%ld", writes), *threads = xasprintf("%d", (int)(test_rand() % 3));
    char name[] = "mite-test", mode[] = "--child", *path = xstrdup(dir);
    char *const argv[] = {name, mode, path, count, threads, NULL};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        execv("/proc/self/exe", argv);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    free(path);
    free(count);
    free(threads);
    return WEXITSTATUS(status);
}

/* Crashes at write `writes`, then maybe in the middle of the repair too. Returns whether the work
 * had come to its end before. */
static bool crash_once(const struct plot *p, long writes)
{
    struct test_chain t;
    char hash[HASH_HEX_SIZE];
    bool ended = false;

    test_chain_init(&t, "regtest", 0);
    t.opts.check_block_index = false;
    t.opts.check_blocks = 3;
    for (int round = 0; round < 2; round++) {
        int status = run_child(t.dir, round ? 1 + (long)(test_rand() % 40) : writes);

        if (status != 0 && status != 42)
            fail_msg("the child could not start again after a crash at write %ld", writes);
        ended = ended || (round == 0 && status == 42);
        if (test_rand() % 3)
            break;
    }
    if (!test_chain_open(&t))
        fail_msg("crash at write %ld: %s", writes, t.error);
    act(&t, p, false);
    assert_string_equal(test_chain_coins_hash(&t, hash), p->hash);
    assert_null(t.fatal);
    assert_true(chain_verify(t.chain, 3, 30, &t.error));
    test_chain_clear(&t);
    return ended;
}

static void test_crash_anywhere(void **state)
{
    static struct plot p;
    struct test_chain t;
    long writes = 1;
    int crashes = 0;

    (void)state;
    make_plot(&p);
    test_chain_init(&t, "regtest", 0);
    assert_true(test_chain_open(&t));
    act(&t, &p, false);
    assert_true(block_hash_eq(&chain_tip(t.chain)->h.hash, &p.b[BRANCH + 2]->hash));
    test_chain_coins_hash(&t, p.hash);
    test_chain_clear(&t);
    while (!crash_once(&p, writes)) {
        writes += 1 + (long)(test_rand() % 16);
        crashes++;
    }
    print_message("%d crashes in %ld writes\n", crashes, writes);
    assert_true(crashes > 20);
    for (int i = 0; i < BASE; i++)
        block_unref(p.base[i]);
    for (int i = 0; i < BRANCH; i++)
        block_unref(p.a[i]);
    for (int i = 0; i < BRANCH + 3; i++)
        block_unref(p.b[i]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_anywhere),
    };

    if (argc == 5 && strcmp(argv[1], "--child") == 0)
        _exit(child(argv[2], argv[3], argv[4])); /* what it leaves behind is no leak */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
