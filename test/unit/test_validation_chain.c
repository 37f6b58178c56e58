/* Connecting, refusing, reorganising: what the chain becomes and what it tells. */
#include "support/chain_dir.h"
#include "unit.h"

/* ---- a subscriber that checks the order of what it is told ---- */

struct recorder {
    struct test_chain *t;
    const struct block_index *at; /* as the events lead */
    unsigned connected, disconnected, tips, invalid;
    char reason[128], detail[256];
};

static void on_connected(void *arg, const struct block *b, const struct block_index *i,
                         const struct block_undo *u)
{
    struct recorder *r = arg;

    assert_ptr_equal(index_prev(i), r->at);
    assert_true(block_hash_eq(&b->hash, &i->h.hash));
    assert_int_equal(u->n_tx, b->n_tx - 1);
    r->at = i;
    r->connected++;
}

static void on_disconnected(void *arg, const struct block *b, const struct block_index *i)
{
    struct recorder *r = arg;

    assert_ptr_equal(i, r->at);
    assert_true(block_hash_eq(&b->hash, &i->h.hash));
    r->at = index_prev(i);
    r->disconnected++;
}

static void on_tip(void *arg, const struct block_index *tip, const struct block_index *fork,
                   bool ibd)
{
    struct recorder *r = arg;

    (void)ibd;
    assert_ptr_equal(tip, r->at);
    assert_ptr_equal(tip, chain_tip(r->t->chain));
    assert_true(chain_contains(r->t->chain, fork));
    r->tips++;
}

static void on_checked(void *arg, const struct block *b, const struct block_index *i,
                       const struct verdict *v)
{
    struct recorder *r = arg;

    (void)b;
    (void)i;
    if (v->kind == VERDICT_VALID)
        return;
    r->invalid++;
    memcpy(r->reason, v->reason, sizeof(r->reason));
    memcpy(r->detail, v->detail, sizeof(r->detail));
}

static void record(struct recorder *r, struct test_chain *t)
{
    static const struct chain_events events = {.block_connected = on_connected,
                                               .block_disconnected = on_disconnected,
                                               .tip_changed = on_tip,
                                               .block_checked = on_checked};

    memset(r, 0, sizeof(*r));
    r->t = t;
    r->at = chain_tip(t->chain);
    chain_subscribe(t->chain, &events, r);
}

static void open_regtest(struct test_chain *t, unsigned threads)
{
    test_chain_init(t, "regtest", threads);
    assert_true(test_chain_open(t));
}

/* The coinbase output of the block at a height. */
static struct outpoint coinbase_of(struct test_chain *t, int32_t height)
{
    bool error;
    struct block *b = chain_read_block(t->chain, chain_at(t->chain, height), &error);
    struct outpoint o = {.txid = b->tx[0]->txid};

    block_unref(b);
    return o;
}

static const char *submit(struct test_chain *t, struct recorder *r, struct block *b)
{
    struct verdict v;

    r->reason[0] = r->detail[0] = '\0';
    (void)factory_submit(t, b, &v);
    block_unref(b);
    return r->reason;
}

/* ---- connecting ---- */

static void run_connect(unsigned threads)
{
    struct test_chain t;
    struct recorder r;
    char hash[2][HASH_HEX_SIZE];
    const struct tx *txs[300];
    struct outpoint o;

    open_regtest(&t, threads);
    record(&r, &t);
    factory_extend(&t, 110, 0);
    assert_int_equal(r.connected, 110);
    /* one into 200, in the same block each of them on its own, then all together */
    o = coinbase_of(&t, 1);
    txs[0] = factory_spend(&o, 1, 50 * COIN, 200, 0);
    for (unsigned i = 0; i < 200; i++) {
        o = (struct outpoint){txs[0]->txid, i};
        txs[i + 1] = factory_spend(&o, 1, 50 * COIN / 200, 1, 1000);
    }
    assert_string_equal(
        submit(&t, &r, factory_block(t.opts.net, chain_tip(t.chain), txs, 201, 200 * 1000, 0)), "");
    assert_int_equal(chain_height(t.chain), 111);
    for (unsigned i = 0; i < 201; i++)
        tx_unref(txs[i]);
    test_chain_coins_hash(&t, hash[0]);
    test_chain_close(&t);
    assert_true(test_chain_open(&t)); /* with verification at level 4 */
    assert_int_equal(chain_height(t.chain), 111);
    assert_string_equal(test_chain_coins_hash(&t, hash[1]), hash[0]);
    assert_null(t.fatal);
    test_chain_clear(&t);
}

static void test_connect(void **state)
{
    (void)state;
    run_connect(0);
    run_connect(1);
    run_connect(3);
}

/* ---- refusing ---- */

static struct block *spend_block(struct test_chain *t, const struct outpoint *o, int64_t value,
                                 int64_t fee, int64_t claim)
{
    const struct tx *tx = factory_spend(o, 1, value, 1, fee);
    struct block *b = factory_block(t->opts.net, chain_tip(t->chain), &tx, 1, claim, 9);

    tx_unref(tx);
    return b;
}

/* The same block with a witness that does not open the script. */
static struct tx *bad_witness(const struct outpoint *o)
{
    static const uint8_t op_two = 0x52;
    struct span witness = span_of(&op_two, 1);
    struct mtx m;
    struct tx *tx;

    mtx_init(&m);
    mtx_in_set_witness(mtx_add_in(&m, o, SEQUENCE_FINAL), &witness, 1);
    mtx_add_out(&m, 50 * COIN, factory_true());
    tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

static struct tx *locked(const struct outpoint *o, uint32_t sequence)
{
    static const uint8_t op_true = 0x51;
    struct span witness = span_of(&op_true, 1);
    struct mtx m;
    struct tx *tx;

    mtx_init(&m);
    mtx_in_set_witness(mtx_add_in(&m, o, sequence), &witness, 1);
    mtx_add_out(&m, 50 * COIN, factory_true());
    tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

static const char *submit_tx(struct test_chain *t, struct recorder *r, struct tx *tx)
{
    const struct tx *list = tx;
    struct block *b = factory_block(t->opts.net, chain_tip(t->chain), &list, 1, 0, 5);

    tx_unref(tx);
    return submit(t, r, b);
}

static void run_refuse(unsigned threads)
{
    struct test_chain t;
    struct recorder r;
    struct outpoint o, gone = {.n = 3};
    char hash[2][HASH_HEX_SIZE], before[HASH_HEX_SIZE];
    const struct block_index *tip;

    open_regtest(&t, threads);
    record(&r, &t);
    factory_extend(&t, 105, 0);
    test_chain_coins_hash(&t, hash[0]);
    tip = chain_tip(t.chain);
    hash_to_hex(before, tip->h.hash.b);
    o = coinbase_of(&t, 1);
    assert_string_equal(submit(&t, &r, spend_block(&t, &gone, COIN, 0, 0)),
                        "bad-txns-inputs-missingorspent");
    assert_non_null(strstr(r.detail, "CheckTxInputs: inputs missing/spent in transaction "));
    assert_string_equal(submit(&t, &r, spend_block(&t, &o, 50 * COIN, 1000, 1001)),
                        "bad-cb-amount");
    assert_string_equal(submit(&t, &r, spend_block(&t, &o, 51 * COIN, 0, 0)),
                        "bad-txns-in-belowout");
    o = coinbase_of(&t, 50);
    assert_string_equal(submit(&t, &r, spend_block(&t, &o, 50 * COIN, 0, 0)),
                        "bad-txns-premature-spend-of-coinbase");
    o = coinbase_of(&t, 2);
    assert_string_equal(submit_tx(&t, &r, bad_witness(&o)),
                        "block-script-verify-flag-failed (Witness program hash mismatch)");
    assert_non_null(strstr(r.detail, "input 0 of "));
    assert_string_equal(submit_tx(&t, &r, locked(&o, 200)), "bad-txns-nonfinal");
    /* none of it left a trace */
    assert_ptr_equal(chain_tip(t.chain), tip);
    assert_string_equal(test_chain_coins_hash(&t, hash[1]), hash[0]);
    assert_int_equal(r.invalid, 6);
    /* a block that lies about its transactions is not held against its header */
    {
        struct block *good = factory_block(t.opts.net, tip, NULL, 0, 0, 77);
        struct buf bytes = BUF_INIT;
        struct block *bad;

        block_write(&bytes, good, true);
        bytes.data[bytes.len - 1] ^= 1; /* the lock time of its coinbase */
        bad = block_parse(bytes.data, bytes.len);
        assert_non_null(bad);
        assert_string_equal(submit(&t, &r, bad), "bad-txnmrklroot");
        assert_string_equal(submit(&t, &r, good), "");
        buf_clear(&bytes);
    }
    assert_int_equal(chain_height(t.chain), 106);
    assert_null(t.fatal);
    test_chain_clear(&t);
}

static void test_refuse(void **state)
{
    (void)state;
    run_refuse(0);
    run_refuse(2);
}

/* A bad block is found out while blocks upon it are in flight: those before it stay. */
static void test_unwind(void **state)
{
    enum { LEN = 40, BAD = 25 };
    struct test_chain t;
    struct recorder r;
    struct block *blocks[LEN];
    struct hnode nodes[LEN + 1];
    struct verdict v;
    char hash[2][HASH_HEX_SIZE];
    struct outpoint o;

    (void)state;
    open_regtest(&t, 2);
    factory_extend(&t, 150, 0);
    record(&r, &t);
    nodes[0] = chain_tip(t.chain)->h;
    for (int i = 0; i < LEN; i++) {
        const struct tx *tx;

        o = coinbase_of(&t, i + 1);
        tx = i == BAD ? bad_witness(&o) : factory_spend(&o, 1, 50 * COIN, 3, 0);
        blocks[i] = factory_block_on(t.opts.net, &nodes[i], &tx, 1, 0, 3);
        hnode_init(&nodes[i + 1], &blocks[i]->header, &blocks[i]->hash, &nodes[i]);
        tx_unref(tx);
    }
    for (int i = 0; i < LEN; i++) /* no draining between */
        (void)chain_accept_block(t.chain, blocks[i], ACCEPT_REQUESTED | ACCEPT_MIN_POW_CHECKED,
                                 NULL, &v);
    chain_drain(t.chain);
    assert_int_equal(chain_height(t.chain), 150 + BAD);
    assert_int_equal(r.connected, BAD);
    assert_int_equal(r.disconnected, 0);
    assert_string_equal(r.reason,
                        "block-script-verify-flag-failed (Witness program hash mismatch)");
    assert_true(chain_find(t.chain, &blocks[BAD]->hash)->status & BLOCK_FAILED);
    test_chain_coins_hash(&t, hash[0]);
    test_chain_close(&t);
    t.opts.reindex_chainstate = true;
    assert_true(test_chain_open(&t));
    chain_drain(t.chain);
    assert_int_equal(chain_height(t.chain), 150 + BAD);
    assert_string_equal(test_chain_coins_hash(&t, hash[1]), hash[0]);
    for (int i = 0; i < LEN; i++)
        block_unref(blocks[i]);
    test_chain_clear(&t);
}

/* ---- reorganising ---- */

static void feed(struct test_chain *t, struct block *const *blocks, int n)
{
    struct verdict v;

    for (int i = 0; i < n; i++)
        assert_true(factory_submit(t, blocks[i], &v));
}

static void make_branch(struct test_chain *t, const struct block_index *from, struct block **out,
                        int n, uint32_t tag, bool spend)
{
    struct hnode prev = from->h, next;
    struct hnode *memory = xcalloc((size_t)n + 1, sizeof(*memory));

    memory[0] = prev;
    for (int i = 0; i < n; i++) {
        const struct tx *tx = NULL;

        if (spend) {
            struct outpoint o = coinbase_of(t, 1 + i);

            tx = factory_spend(&o, 1, 50 * COIN, 2 + tag % 3, 0);
        }
        out[i] = factory_block_on(t->opts.net, &memory[i], &tx, spend ? 1 : 0, 0, tag);
        hnode_init(&next, &out[i]->header, &out[i]->hash, &memory[i]);
        memory[i + 1] = next;
        tx_unref(tx);
    }
    free(memory);
}

static void test_reorg(void **state)
{
    struct test_chain t, direct;
    struct recorder r;
    struct block *a[10], *b[11];
    char hash[2][HASH_HEX_SIZE];
    const struct block_index *base;
    bool error;

    (void)state;
    open_regtest(&t, 2);
    open_regtest(&direct, 0);
    factory_extend(&t, 130, 0);
    for (int32_t h = 1; h <= 130; h++) {
        struct block *same = chain_read_block(t.chain, chain_at(t.chain, h), &error);

        feed(&direct, &same, 1);
        block_unref(same);
    }
    base = chain_tip(t.chain);
    make_branch(&t, base, a, 10, 1, true);
    make_branch(&t, base, b, 11, 2, true);
    record(&r, &t);
    feed(&t, a, 10);
    feed(&t, b, 10); /* as long: the first stays */
    assert_int_equal(r.disconnected, 0);
    assert_true(block_hash_eq(&chain_tip(t.chain)->h.hash, &a[9]->hash));
    r.tips = 0;
    feed(&t, b + 10, 1);
    assert_int_equal(r.disconnected, 10);
    assert_int_equal(r.connected, 10 + 11);
    assert_int_equal(r.tips, 1);
    feed(&direct, b, 11);
    assert_string_equal(test_chain_coins_hash(&t, hash[0]),
                        test_chain_coins_hash(&direct, hash[1]));
    test_chain_close(&t); /* and from disk */
    assert_true(test_chain_open(&t));
    assert_true(block_hash_eq(&chain_tip(t.chain)->h.hash, &b[10]->hash));
    assert_string_equal(test_chain_coins_hash(&t, hash[0]), hash[1]);
    for (int i = 0; i < 11; i++)
        block_unref(b[i]);
    for (int i = 0; i < 10; i++)
        block_unref(a[i]);
    test_chain_clear(&t);
    test_chain_clear(&direct);
}

/* A longer branch that is bad at its end: nobody sees it come and go. */
static void test_bad_branch(void **state)
{
    struct test_chain t;
    struct recorder r;
    struct block *a[5], *b[6];
    const struct tx *tx;
    struct outpoint o;
    struct hnode nodes[7];
    char hash[2][HASH_HEX_SIZE];

    (void)state;
    open_regtest(&t, 2);
    factory_extend(&t, 110, 0);
    make_branch(&t, chain_tip(t.chain), a, 5, 1, true);
    make_branch(&t, chain_tip(t.chain), b, 5, 2, true);
    nodes[0] = chain_tip(t.chain)->h;
    for (int i = 0; i < 5; i++)
        hnode_init(&nodes[i + 1], &b[i]->header, &b[i]->hash, &nodes[i]);
    o = coinbase_of(&t, 9);
    tx = bad_witness(&o);
    b[5] = factory_block_on(t.opts.net, &nodes[5], &tx, 1, 0, 0);
    tx_unref(tx);
    feed(&t, a, 5);
    record(&r, &t);
    test_chain_coins_hash(&t, hash[0]);
    feed(&t, b, 6);
    assert_int_equal(r.invalid, 1);
    assert_int_equal(r.disconnected, 0);
    assert_int_equal(r.tips, 0);
    assert_true(block_hash_eq(&chain_tip(t.chain)->h.hash, &a[4]->hash));
    assert_string_equal(test_chain_coins_hash(&t, hash[1]), hash[0]);
    for (int i = 0; i < 6; i++)
        block_unref(b[i]);
    for (int i = 0; i < 5; i++)
        block_unref(a[i]);
    test_chain_clear(&t);
}

/* ---- invalidate, reconsider, precious: a random walk against the definition ---- */

#define TREE 90

struct tree_model {
    struct block *block[TREE];
    struct hnode node[TREE];
    int parent[TREE]; /* -1: the base */
    bool stored[TREE], failed[TREE], bad[TREE];
};

static bool descends(const struct tree_model *m, int n, int from)
{
    while (n >= 0 && n != from)
        n = m->parent[n];
    return n == from;
}

static void build_tree(struct tree_model *m, struct test_chain *t)
{
    const struct hnode *base = &chain_tip(t->chain)->h;

    for (int i = 0; i < TREE; i++) {
        const struct hnode *prev;

        m->parent[i] = i == 0 ? -1
                              : (int)(test_rand() % 3 ? i - 1 - (int)(test_rand() % 3)
                                                      : (int)(test_rand() % (unsigned)i));
        if (m->parent[i] < -1)
            m->parent[i] = -1;
        prev = m->parent[i] < 0 ? base : &m->node[m->parent[i]];
        m->bad[i] = test_rand() % 20 == 0;
        m->block[i] = factory_block_on(t->opts.net, prev, NULL, 0, m->bad[i] ? 1 : 0, (uint32_t)i);
        hnode_init(&m->node[i], &m->block[i]->header, &m->block[i]->hash, prev);
        m->stored[i] = m->failed[i] = false;
    }
}

static bool connectable(const struct tree_model *m, int n)
{
    for (; n >= 0; n = m->parent[n]) {
        if (!m->stored[n] || m->failed[n])
            return false;
    }
    return true;
}

static void fail_from(struct tree_model *m, int n)
{
    for (int i = 0; i < TREE; i++) {
        if (descends(m, i, n))
            m->failed[i] = true;
    }
}

/* More work, or arrived earlier (which the chain itself counts). */
static bool model_better(const struct tree_model *m, struct test_chain *t, int a, int b)
{
    const struct block_index *x = chain_find(t->chain, &m->block[a]->hash);
    const struct block_index *y = chain_find(t->chain, &m->block[b]->hash);

    if (x->h.height != y->h.height)
        return x->h.height > y->h.height;
    return x->sequence < y->sequence;
}

/* The best block by the definition; bad ones on the way to it are found out. -1: the base. */
static int model_best(struct tree_model *m, struct test_chain *t)
{
    for (;;) {
        int best = -1, bad = -1;

        for (int i = 0; i < TREE; i++) {
            if (connectable(m, i) && (best < 0 || model_better(m, t, i, best)))
                best = i;
        }
        for (int i = best; i >= 0; i = m->parent[i]) {
            if (m->bad[i])
                bad = i;
        }
        if (bad < 0)
            return best;
        fail_from(m, bad);
    }
}

static void check_walk(struct tree_model *m, struct test_chain *t, const struct block_index *base)
{
    int best = model_best(m, t);
    const struct block_hash *expect = best < 0 ? &base->h.hash : &m->block[best]->hash;

    assert_true(block_hash_eq(&chain_tip(t->chain)->h.hash, expect));
    for (int i = 0; i < TREE; i++) {
        const struct block_index *n = chain_find(t->chain, &m->block[i]->hash);

        assert_int_equal(!!(n->status & BLOCK_FAILED), m->failed[i]);
    }
}

static void walk_step(struct tree_model *m, struct test_chain *t)
{
    int n = (int)(test_rand() % TREE);
    const struct block_index *i = chain_find(t->chain, &m->block[n]->hash);
    struct verdict v;

    switch (test_rand() % 8) {
    case 0:
        assert_true(chain_invalidate(t->chain, i, &v));
        fail_from(m, n);
        break;
    case 1:
        chain_reconsider(t->chain, i);
        for (int k = 0; k < TREE; k++) {
            if (descends(m, k, n) || descends(m, n, k))
                m->failed[k] = false;
        }
        break;
    default:
        if (factory_submit(t, m->block[n], &v))
            m->stored[n] = true;
        else
            assert_true(m->failed[n]);
        break;
    }
}

static void run_walk(unsigned threads)
{
    static struct tree_model m;
    struct test_chain t, direct;
    struct recorder r;
    const struct block_index *base;
    char hash[2][HASH_HEX_SIZE];
    struct header headers[TREE];
    struct verdict v;
    bool error;

    open_regtest(&t, threads);
    open_regtest(&direct, 0);
    base = factory_extend(&t, 3, 1000);
    record(&r, &t);
    build_tree(&m, &t);
    for (int i = 0; i < TREE; i++)
        headers[i] = m.block[i]->header;
    assert_true(chain_accept_headers(t.chain, headers, TREE, true, NULL, &v));
    for (int step = 0; step < 400; step++) {
        walk_step(&m, &t);
        check_walk(&m, &t, base);
    }
    for (int32_t h = 1; h <= chain_height(t.chain); h++) {
        struct block *b = chain_read_block(t.chain, chain_at(t.chain, h), &error);

        feed(&direct, &b, 1);
        block_unref(b);
    }
    assert_string_equal(test_chain_coins_hash(&t, hash[0]),
                        test_chain_coins_hash(&direct, hash[1]));
    assert_null(t.fatal);
    test_chain_clear(&direct);
    test_chain_clear(&t);
    for (int i = 0; i < TREE; i++)
        block_unref(m.block[i]);
}

static void test_walk(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++)
        run_walk(i % 3);
}

static void test_precious(void **state)
{
    struct test_chain t;
    struct block *a[2], *b[2], *c[3];
    const struct block_index *base;
    struct verdict v;

    (void)state;
    open_regtest(&t, 1);
    base = factory_extend(&t, 5, 0);
    make_branch(&t, base, a, 2, 1, false);
    make_branch(&t, base, b, 2, 2, false);
    make_branch(&t, base, c, 3, 3, false);
    feed(&t, a, 2);
    feed(&t, b, 2);
    assert_true(block_hash_eq(&chain_tip(t.chain)->h.hash, &a[1]->hash));
    assert_true(chain_precious(t.chain, chain_find(t.chain, &b[1]->hash), &v));
    assert_true(block_hash_eq(&chain_tip(t.chain)->h.hash, &b[1]->hash));
    assert_true(chain_precious(t.chain, chain_find(t.chain, &a[1]->hash), &v));
    assert_true(block_hash_eq(&chain_tip(t.chain)->h.hash, &a[1]->hash));
    assert_true(chain_precious(t.chain, chain_find(t.chain, &b[0]->hash), &v)); /* less work */
    assert_true(block_hash_eq(&chain_tip(t.chain)->h.hash, &a[1]->hash));
    feed(&t, c, 3);
    assert_true(block_hash_eq(&chain_tip(t.chain)->h.hash, &c[2]->hash));
    for (int i = 0; i < 2; i++) {
        block_unref(a[i]);
        block_unref(b[i]);
    }
    for (int i = 0; i < 3; i++)
        block_unref(c[i]);
    test_chain_clear(&t);
}

/* ---- the rest of the face ---- */

static void test_proposal(void **state)
{
    struct test_chain t;
    struct recorder r;
    struct outpoint o;
    struct verdict v = {0};
    const struct tx *tx;
    struct block *b;
    char hash[2][HASH_HEX_SIZE];

    (void)state;
    open_regtest(&t, 2);
    factory_extend(&t, 102, 0);
    record(&r, &t);
    test_chain_coins_hash(&t, hash[0]);
    o = coinbase_of(&t, 1);
    tx = factory_spend(&o, 1, 50 * COIN, 4, 500);
    b = factory_block(t.opts.net, chain_tip(t.chain), &tx, 1, 500, 0);
    assert_true(chain_test_block(t.chain, b, true, true, &v));
    block_unref(b);
    b = factory_block(t.opts.net, chain_tip(t.chain), &tx, 1, 501, 0);
    assert_false(chain_test_block(t.chain, b, true, true, &v));
    assert_string_equal(v.reason, "bad-cb-amount");
    block_unref(b);
    tx_unref(tx);
    tx = bad_witness(&o);
    b = factory_block(t.opts.net, chain_tip(t.chain), &tx, 1, 0, 0);
    assert_false(chain_test_block(t.chain, b, false, true, &v));
    assert_string_equal(v.reason,
                        "block-script-verify-flag-failed (Witness program hash mismatch)");
    block_unref(b);
    tx_unref(tx);
    b = factory_block(t.opts.net, chain_at(t.chain, 101), NULL, 0, 0, 0);
    assert_false(chain_test_block(t.chain, b, true, true, &v));
    assert_string_equal(v.reason, "inconclusive-not-best-prevblk");
    block_unref(b);
    assert_int_equal(r.connected + r.disconnected + r.invalid, 0);
    assert_string_equal(test_chain_coins_hash(&t, hash[1]), hash[0]);
    test_chain_clear(&t);
}

static void test_headers(void **state)
{
    struct test_chain t;
    struct block *b[3];
    struct verdict v;
    struct header h;
    const struct block_index *last;
    struct block_hash locator[64];
    bool is_new;
    size_t n;

    (void)state;
    open_regtest(&t, 0);
    factory_extend(&t, 40, 0);
    make_branch(&t, chain_at(t.chain, 20), b, 3, 1, false);
    assert_false(chain_accept_headers(t.chain, &b[1]->header, 1, true, &last, &v));
    assert_string_equal(v.reason, "prev-blk-not-found");
    assert_false(chain_accept_headers(t.chain, &b[0]->header, 1, false, &last, &v));
    assert_string_equal(v.reason, "too-little-chainwork");
    for (h = b[0]->header;; h.nonce++) {
        struct block_hash hash = header_hash(&h);

        if (!pow_check(&hash, h.bits, t.opts.net))
            break;
    }
    assert_false(chain_accept_headers(t.chain, &h, 1, true, &last, &v));
    assert_string_equal(v.reason, "high-hash");
    assert_true(chain_accept_headers(t.chain, &b[0]->header, 1, true, &last, &v));
    assert_true(block_hash_eq(&last->h.hash, &b[0]->hash));
    /* unasked, of less work than the tip: not stored */
    assert_true(chain_accept_block(t.chain, b[0], ACCEPT_MIN_POW_CHECKED, &is_new, &v));
    assert_false(is_new);
    assert_true(
        chain_accept_block(t.chain, b[0], ACCEPT_MIN_POW_CHECKED | ACCEPT_REQUESTED, &is_new, &v));
    assert_true(is_new);
    assert_true(chain_invalidate(t.chain, last, &v));
    assert_false(chain_accept_block(t.chain, b[0], ACCEPT_REQUESTED, &is_new, &v));
    assert_string_equal(v.reason, "duplicate-invalid");
    assert_false(chain_accept_headers(t.chain, &b[1]->header, 1, true, &last, &v));
    assert_string_equal(v.reason, "bad-prevblk");
    assert_false(chain_invalidate(t.chain, chain_at(t.chain, 0), &v));
    n = chain_locator(t.chain, NULL, locator);
    assert_true(block_hash_eq(&locator[0], &chain_tip(t.chain)->h.hash));
    assert_true(block_hash_eq(&locator[n - 1], &chain_at(t.chain, 0)->h.hash));
    assert_ptr_equal(chain_find_locator(t.chain, locator + 5, n - 5), chain_at(t.chain, 35));
    for (int i = 0; i < 3; i++)
        block_unref(b[i]);
    test_chain_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect),    cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_unwind),     cmocka_unit_test(test_reorg),
        cmocka_unit_test(test_bad_branch), cmocka_unit_test(test_walk),
        cmocka_unit_test(test_precious),   cmocka_unit_test(test_proposal),
        cmocka_unit_test(test_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
