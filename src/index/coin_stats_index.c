/*
 * Statistics of all coins at every height: the running MuHash of the set, counts, and sums of what
 * was made, spent and lost.
 *
 * The sums of a block are in its record; the MuHash itself (a product and a divisor of 384 bytes
 * each) is kept once, for the block where the index stands, together with that place. Going back a
 * block takes its outputs out of the product, puts back what it spent, and takes the sums from the
 * record of the block before; the hash in that record shows whether all went well.
 *
 * What a miner may claim and does not is lost too. It is not seen in any one place, so it is what
 * is missing when everything that came in is compared with everything that went out.
 */
#include <stdlib.h>

#include "crypto/muhash.h"
#include "index/internal.h"
#include "util/mem.h"

#define MUHASH_KEY  span_of("M", 1)
#define MUHASH_SIZE 768

struct coin_stats_index {
    struct muhash set;
    struct coin_totals t; /* its muhash is that of the last record */
    struct block_hash at;
    struct buf scratch;
};

/* ---- records ---- */

static void totals_write(struct buf *b, const struct coin_totals *t)
{
    const struct u256 *wide[] = {&t->prevout_spent, &t->new_outputs, &t->coinbase};
    uint8_t le[32];

    write_bytes(b, t->muhash, sizeof(t->muhash));
    write_u64(b, t->txouts);
    write_u64(b, t->bogosize);
    write_u64(b, (uint64_t)t->amount);
    write_u64(b, (uint64_t)t->subsidy);
    for (size_t i = 0; i < 3; i++) {
        u256_to_le(le, *wide[i]);
        write_bytes(b, le, sizeof(le));
    }
    write_u64(b, (uint64_t)t->lost_genesis);
    write_u64(b, (uint64_t)t->lost_bip30);
    write_u64(b, (uint64_t)t->lost_scripts);
    write_u64(b, (uint64_t)t->lost_unclaimed);
}

static bool totals_read(struct span data, struct coin_totals *t)
{
    struct u256 *wide[] = {&t->prevout_spent, &t->new_outputs, &t->coinbase};
    struct reader r;
    uint8_t le[32];

    reader_init(&r, data.data, data.len);
    read_bytes(&r, t->muhash, sizeof(t->muhash));
    t->txouts = read_u64(&r);
    t->bogosize = read_u64(&r);
    t->amount = read_i64(&r);
    t->subsidy = read_i64(&r);
    for (size_t i = 0; i < 3; i++) {
        read_bytes(&r, le, sizeof(le));
        *wide[i] = u256_from_le(le);
    }
    t->lost_genesis = read_i64(&r);
    t->lost_bip30 = read_i64(&r);
    t->lost_scripts = read_i64(&r);
    t->lost_unclaimed = read_i64(&r);
    return reader_done(&r);
}

static enum index_result get(struct index *ix, int32_t height, const struct block_hash *hash,
                             struct coin_totals *out)
{
    struct buf value = BUF_INIT;
    enum db_result res = index_record_get(ix->db, height, hash, &value);
    bool ok = res == DB_OK && totals_read(buf_span(&value), out);

    buf_clear(&value);
    return ok ? INDEX_FOUND : res == DB_NOT_FOUND ? INDEX_MISSING : INDEX_ERROR;
}

enum index_result coin_stats_index_get(struct index *ix, const struct block_index *i,
                                       struct coin_totals *out)
{
    return get(ix, i->h.height, &i->h.hash, out);
}

/* The state becomes what the record of a block says; its hash must be that of the set. */
static bool take_record(struct index *ix, int32_t height, const struct block_hash *hash,
                        char **error)
{
    struct coin_stats_index *s = ix->state;
    uint8_t sum[32];

    if (get(ix, height, hash, &s->t) != INDEX_FOUND)
        return index_damaged(ix, error, "a block's record cannot be read");
    muhash_final(&s->set, sum);
    s->at = *hash;
    return memcmp(sum, s->t.muhash, sizeof(sum)) == 0 ||
           index_damaged(ix, error, "its hash is not that of its last block");
}

/* ---- building ---- */

static bool load(struct index *ix, const struct block_index *best, char **error)
{
    struct coin_stats_index *s = xcalloc(1, sizeof(*s));
    struct buf value = BUF_INIT;
    enum db_result res = db_get(ix->db, MUHASH_KEY, &value);
    bool ok = value.len == MUHASH_SIZE;

    ix->state = s;
    muhash_init(&s->set);
    if (res == DB_OK && ok && best)
        muhash_read(&s->set, value.data);
    buf_clear(&value);
    if (res == DB_ERROR)
        return index_db_failed(ix, error);
    if (!best)
        return true;
    if (!ok)
        return index_damaged(ix, error, "the hash of the coins is missing");
    return take_record(ix, best->h.height, &best->h.hash, error);
}

static void add_wide(struct u256 *sum, int64_t amount)
{
    *sum = u256_add(*sum, u256_from_u64((uint64_t)amount));
}

/* In or out of the product alone. */
static void multiply(struct coin_stats_index *s, const struct outpoint *o, const struct coin *coin,
                     bool in)
{
    buf_reset(&s->scratch);
    coin_hash_write(&s->scratch, o, coin);
    if (in)
        muhash_add(&s->set, s->scratch.data, s->scratch.len);
    else
        muhash_remove(&s->set, s->scratch.data, s->scratch.len);
}

static void count(struct coin_totals *t, const struct coin *coin, bool in)
{
    t->txouts += in ? 1 : (uint64_t)-1;
    t->amount += in ? coin->out.value : -coin->out.value;
    t->bogosize += in ? coin_bogosize(coin) : -coin_bogosize(coin);
}

static void add_outputs(struct coin_stats_index *s, const struct index_block *b,
                        const struct tx *tx, bool coinbase)
{
    for (uint32_t k = 0; k < tx->n_out; k++) {
        struct coin coin = {tx->out[k], (uint32_t)b->height, coinbase};
        struct outpoint o = {tx->txid, k};

        if (coin_unspendable(coin.out.script_pubkey)) {
            s->t.lost_scripts += coin.out.value;
            continue;
        }
        multiply(s, &o, &coin, true);
        count(&s->t, &coin, true);
        add_wide(coinbase ? &s->t.coinbase : &s->t.new_outputs, coin.out.value);
    }
}

static void take_inputs(struct coin_stats_index *s, const struct tx *tx, const struct tx_undo *undo)
{
    for (uint32_t k = 0; k < undo->n; k++) {
        multiply(s, &tx->in[k].prev, &undo->coins[k], false);
        count(&s->t, &undo->coins[k], false);
        add_wide(&s->t.prevout_spent, undo->coins[k].out.value);
    }
}

static int64_t lost(const struct coin_totals *t)
{
    return t->lost_genesis + t->lost_bip30 + t->lost_scripts + t->lost_unclaimed;
}

/* What came in and neither went on nor is known to be lost, was not claimed. */
static bool add_unclaimed(struct coin_totals *t)
{
    struct u256 in = t->prevout_spent, out = u256_add(t->new_outputs, t->coinbase), rest;

    add_wide(&in, t->subsidy);
    add_wide(&out, lost(t));
    rest = u256_sub(in, out);
    t->lost_unclaimed += (int64_t)rest.w[0];
    return u256_cmp(in, out) >= 0 && u256_bits(rest) < 64;
}

/* Undo data tells of as many transactions and inputs as the block has. */
static bool undo_fits(const struct index_block *b)
{
    if (b->height == 0)
        return true;
    if (b->undo->n_tx != b->block->n_tx - 1)
        return false;
    for (uint32_t i = 1; i < b->block->n_tx; i++)
        if (b->undo->tx[i - 1].n != b->block->tx[i]->n_in)
            return false;
    return true;
}

static bool connect(struct index *ix, const struct index_block *b, struct db_batch *batch,
                    char **error)
{
    const struct network *net = chain_network(ix->chain);
    struct coin_stats_index *s = ix->state;
    int64_t subsidy = block_subsidy(net, b->height);
    struct buf value = BUF_INIT;

    if (b->height > 0 && !block_hash_eq(&s->at, b->prev))
        return index_damaged(ix, error, "it stands at another block than it says");
    if (!undo_fits(b))
        return index_damaged(ix, error, "undo data does not fit its block");
    s->t.subsidy += subsidy;
    if (b->height == 0)
        s->t.lost_genesis += subsidy;
    for (uint32_t i = 0; b->height > 0 && i < b->block->n_tx; i++) {
        if (i == 0 && bip30_lost(net, b->node)) {
            s->t.lost_bip30 += subsidy;
            continue;
        }
        add_outputs(s, b, b->block->tx[i], i == 0);
        if (i > 0)
            take_inputs(s, b->block->tx[i], &b->undo->tx[i - 1]);
    }
    if (!add_unclaimed(&s->t))
        return index_damaged(ix, error, "more was paid than there was");
    muhash_final(&s->set, s->t.muhash);
    s->at = *b->hash;
    totals_write(&value, &s->t);
    index_record_put(batch, b->height, b->hash, buf_span(&value));
    buf_clear(&value);
    return true;
}

static void revert_tx(struct coin_stats_index *s, const struct index_block *b, uint32_t i)
{
    const struct tx *tx = b->block->tx[i];

    for (uint32_t k = 0; k < tx->n_out; k++) {
        struct coin coin = {tx->out[k], (uint32_t)b->height, i == 0};
        struct outpoint o = {tx->txid, k};

        if (!coin_unspendable(coin.out.script_pubkey))
            multiply(s, &o, &coin, false);
    }
    for (uint32_t k = 0; i > 0 && k < tx->n_in; k++)
        multiply(s, &tx->in[k].prev, &b->undo->tx[i - 1].coins[k], true);
}

static bool disconnect(struct index *ix, const struct index_block *b, struct db_batch *batch,
                       char **error)
{
    struct coin_stats_index *s = ix->state;
    bool lost_coinbase = bip30_lost(chain_network(ix->chain), b->node);

    if (!index_record_retire(ix, batch, b, error))
        return false;
    if (!undo_fits(b))
        return index_damaged(ix, error, "undo data does not fit its block");
    for (uint32_t i = lost_coinbase; i < b->block->n_tx; i++)
        revert_tx(s, b, i);
    return take_record(ix, b->height - 1, b->prev, error);
}

static bool commit(struct index *ix, struct db_batch *batch, char **error)
{
    struct coin_stats_index *s = ix->state;
    uint8_t data[MUHASH_SIZE];

    (void)error;
    muhash_write(&s->set, data);
    db_batch_put(batch, MUHASH_KEY, span_of(data, sizeof(data)));
    return true;
}

static void close_state(struct index *ix)
{
    struct coin_stats_index *s = ix->state;

    if (s)
        buf_clear(&s->scratch);
    free(s);
}

const struct index_kind coin_stats_index_kind = {
    .name = "coinstatsindex",
    .folder = "coinstatsindex/db",
    .best_key = {(const uint8_t *)"B", 1},
    .undo = true,
    .old_blocks = true,
    .load = load,
    .connect = connect,
    .disconnect = disconnect,
    .commit = commit,
    .close = close_state,
};
