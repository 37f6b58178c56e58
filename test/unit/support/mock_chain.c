#include "mock_chain.h"

#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "crypto/hash.h"
#include "script/standard.h"
#include "util/table.h"

struct mock {
    struct outpoint at;
    struct coin coin;
    bool spent; /* by a block: kept to be restored */
};

#define HEIGHT_MAX 4000

struct chain {
    const struct network *net;
    struct table coins;
    struct block_index index[HEIGHT_MAX];
    struct block *block[HEIGHT_MAX];
    int32_t height;
    struct chain_events events[4];
    void *arg[4];
    size_t n_events;
};

/* ---- what the mempool calls ---- */

void chain_drain(struct chain *c)
{
    (void)c;
}

const struct block_index *chain_tip(const struct chain *c)
{
    return &c->index[c->height];
}

int32_t chain_height(const struct chain *c)
{
    return c->height;
}

const struct block_index *chain_at(const struct chain *c, int32_t height)
{
    return height >= 0 && height <= c->height ? &c->index[height] : NULL;
}

const struct block_index *chain_find(const struct chain *c, const struct block_hash *hash)
{
    for (int32_t i = c->height; i >= 0; i--) {
        if (block_hash_eq(&c->index[i].h.hash, hash))
            return &c->index[i];
    }
    return NULL;
}

const struct block_index *chain_best_header(const struct chain *c)
{
    return chain_tip(c);
}

bool chain_is_ibd(const struct chain *c)
{
    (void)c;
    return false;
}

const struct network *chain_network(const struct chain *c)
{
    return c->net;
}

struct script_cache *chain_script_cache(struct chain *c)
{
    (void)c;
    return NULL;
}

void script_cache_add(struct script_cache *c, const struct wtxid *wtxid, uint32_t flags)
{
    (void)c;
    (void)wtxid;
    (void)flags;
}

struct sig_memo *chain_sig_memo(struct chain *c)
{
    (void)c;
    return NULL;
}

void chain_subscribe(struct chain *c, const struct chain_events *events, void *arg)
{
    assert_true(c->n_events < ARRAY_LEN(c->events));
    c->events[c->n_events] = *events;
    c->arg[c->n_events++] = arg;
}

enum coin_result chain_coin(struct chain *c, const struct outpoint *o, struct coin *out,
                            struct buf *memory)
{
    const struct mock *m = table_get(&c->coins, o);
    if (m == NULL || m->spent)
        return COIN_MISSING;
    buf_reset(memory);
    write_span(memory, m->coin.out.script_pubkey);
    *out = m->coin;
    out->out.script_pubkey = buf_span(memory);
    return COIN_FOUND;
}

/* ---- what tests call ---- */

struct span mock_script(void)
{
    static struct buf script;
    if (script.len == 0) {
        uint8_t hash[32];
        sha256(hash, "\x51", 1);
        script_p2wsh(&script, hash);
    }
    return buf_span(&script);
}

struct tx *mock_tx(const struct outpoint *in, size_t n_in, const int64_t *values, size_t n_out,
                   uint32_t version)
{
    struct mtx m;
    struct span item = span_of("\x51", 1);
    mtx_init(&m);
    m.version = version;
    for (size_t i = 0; i < n_in; i++)
        mtx_in_set_witness(mtx_add_in(&m, &in[i], 0xfffffffd), &item, 1);
    for (size_t i = 0; i < n_out; i++)
        mtx_add_out(&m, values[i], mock_script());
    struct tx *tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

static void set_index(struct chain *c, int32_t height)
{
    struct block_index *i = &c->index[height];
    memset(i, 0, sizeof(*i));
    i->h.height = height;
    i->h.prev = height > 0 ? &c->index[height - 1].h : NULL;
    i->h.skip = i->h.prev;
    i->h.time = 1600000000u + (uint32_t)height * 600;
    i->h.version = 4;
    i->h.bits = c->net->genesis_header.bits;
    i->h.work = u256_mul_u64(bits_work(i->h.bits), (uint64_t)height + 1);
    test_rand_bytes(i->h.hash.b, 32);
}

struct chain *mock_chain_create(int32_t height)
{
    struct chain *c = xcalloc(1, sizeof(*c));
    c->net = network_find("regtest");
    TABLE_INIT(&c->coins, struct mock, at);
    c->height = height;
    for (int32_t i = 0; i <= height; i++)
        set_index(c, i);
    return c;
}

void mock_chain_destroy(struct chain *c)
{
    size_t pos = 0;
    void *m;
    while ((m = table_next(&c->coins, &pos)) != NULL)
        free(m);
    table_clear(&c->coins);
    for (int32_t i = 0; i <= c->height; i++)
        block_unref(c->block[i]);
    free(c);
}

void mock_chain_forget_subscribers(struct chain *c)
{
    c->n_events = 0;
}

static struct mock *add_coin(struct chain *c, const struct outpoint *at, int64_t value,
                             bool coinbase, int32_t height)
{
    struct mock *m = table_get(&c->coins, at);
    if (m == NULL) {
        m = xcalloc(1, sizeof(*m));
        m->at = *at;
        table_add(&c->coins, m);
    }
    m->coin = (struct coin){{value, mock_script()}, (uint32_t)height, coinbase};
    m->spent = false;
    return m;
}

struct outpoint mock_coin(struct chain *c, int64_t value, bool coinbase, int32_t height)
{
    struct outpoint o = {.n = 0};
    test_rand_bytes(o.txid.b, 32);
    add_coin(c, &o, value, coinbase, height);
    return o;
}

bool mock_has_coin(const struct chain *c, const struct outpoint *o)
{
    const struct mock *m = table_get(&c->coins, o);
    return m && !m->spent;
}

static void move_coins(struct chain *c, const struct tx *tx, bool connect)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct mock *m = table_get(&c->coins, &tx->in[i].prev);
        assert_non_null(m);
        assert_true(m->spent != connect);
        m->spent = connect;
    }
    for (uint32_t i = 0; i < tx->n_out; i++) {
        struct outpoint o = {tx->txid, i};
        if (connect)
            add_coin(c, &o, tx->out[i].value, false, c->height);
        else
            free(table_remove(&c->coins, &o));
    }
}

static void tell_tip(struct chain *c, int32_t fork)
{
    for (size_t i = 0; i < c->n_events; i++) {
        if (c->events[i].tip_changed)
            c->events[i].tip_changed(c->arg[i], chain_tip(c), &c->index[fork], false);
    }
}

void mock_connect(struct chain *c, const struct tx *const *txs, size_t n)
{
    const struct tx **all = xmalloc((n + 1) * sizeof(*all));
    struct outpoint null_prev = {.n = UINT32_MAX};
    int64_t value = test_rand() % COIN;
    all[0] = mock_tx(&null_prev, 1, &value, 1, 2);
    for (size_t i = 0; i < n; i++)
        all[i + 1] = txs[i];
    assert_true(c->height + 1 < HEIGHT_MAX);
    set_index(c, ++c->height);
    struct header h = {.nonce = (uint32_t)test_rand()};
    struct block *b = block_create(&h, all, n + 1);
    c->index[c->height].h.hash = b->hash;
    c->block[c->height] = b;
    for (size_t i = 1; i <= n; i++)
        move_coins(c, b->tx[i], true);
    for (size_t i = 0; i < c->n_events; i++) {
        if (c->events[i].block_connected)
            c->events[i].block_connected(c->arg[i], b, chain_tip(c), NULL);
    }
    tell_tip(c, c->height - 1);
    tx_unref(all[0]);
    free(all);
}

void mock_disconnect(struct chain *c, unsigned n)
{
    for (; n > 0; n--) {
        struct block *b = c->block[c->height];
        for (size_t i = b->n_tx; i-- > 1;)
            move_coins(c, b->tx[i], false);
        c->height--;
        for (size_t i = 0; i < c->n_events; i++) {
            if (c->events[i].block_disconnected)
                c->events[i].block_disconnected(c->arg[i], b, &c->index[c->height + 1]);
        }
        c->block[c->height + 1] = NULL;
        block_unref(b);
    }
    tell_tip(c, c->height);
}
