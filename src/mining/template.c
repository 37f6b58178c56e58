/*
 * Block templates: the mempool's choice under a coinbase of one's own, and blocks made of them.
 *
 * The coinbase's witness commitment does not depend on its scriptSig (its own leaf counts as
 * zero), so it is computed once; only the txid of the coinbase, and with it the merkle root,
 * changes with the extranonce. The coinbase's lock time is the height before (as Core has it since
 * 30), which makes coinbases unique without reading their scriptSig.
 *
 * A template is made anew on every change rather than patched: selection walks chunks that are
 * sorted already.
 */
#include <stdlib.h>

#include "crypto/hash.h"
#include "mining/mining.h"
#include "script/script.h"
#include "util/mem.h"
#include "util/time.h"

enum {
    COINBASE_SEQUENCE_OFFSET = 1, /* not final, so that the lock time counts */
    MAX_TIMEWARP = 600,           /* seconds; BIP94 */
    COMMITMENT_SIZE = 38
};
static const uint8_t commitment_prefix[6] = {0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};

/* ---- time ---- */

int64_t template_min_time(const struct network *net, const struct hnode *prev)
{
    int64_t least = hnode_median_time_past(prev) + 1;
    int64_t interval = net->timespan / net->spacing;
    /* The rule holds on some networks only; keeping it on all does no harm. */
    if ((prev->height + 1) % interval == 0 && least < (int64_t)prev->time - MAX_TIMEWARP)
        least = (int64_t)prev->time - MAX_TIMEWARP;
    return least;
}

static void set_time(struct block_template *t, const struct network *net, const struct hnode *prev)
{
    int64_t now = time_now();
    t->min_time = template_min_time(net, prev);
    t->header.time = (uint32_t)(now > t->min_time ? now : t->min_time);
    t->header.bits = pow_next_bits(net, prev, t->header.time);
}

void template_update_time(struct block_template *t, struct chain *c)
{
    const struct block_index *prev = chain_find(c, &t->header.prev);
    CHECK(prev != NULL);
    set_time(t, chain_network(c), &prev->h);
}

/* ---- coinbase ---- */

static void commit_to_witnesses(struct block_template *t)
{
    size_t n = t->selected.n + 1;
    uint8_t(*leaves)[32] = xcalloc(n, sizeof(*leaves));
    uint8_t both[64] = {0}; /* root and the reserved value, zero */
    for (size_t i = 1; i < n; i++)
        memcpy(leaves[i], t->selected.txs[i - 1]->wtxid.b, 32);
    merkle_root(both, leaves, n, NULL);
    sha256d(t->witness_commitment, both, sizeof(both));
    t->has_commitment = true;
    free(leaves);
}

static struct tx *make_coinbase(const struct block_template *t, struct span script,
                                uint64_t extranonce)
{
    static const struct outpoint null_prev = {.n = UINT32_MAX};
    static const uint8_t reserved[32];
    struct mtx m;
    mtx_init(&m);
    m.lock_time = (uint32_t)(t->height - 1);
    struct mtx_in *in = mtx_add_in(&m, &null_prev, SEQUENCE_FINAL - COINBASE_SEQUENCE_OFFSET);
    script_push_int(&in->script_sig, t->height);
    if (extranonce > 0 || t->height <= 16) /* a coinbase has at least two bytes */
        script_push_int(&in->script_sig, (int64_t)extranonce);
    mtx_add_out(&m, t->subsidy_and_fees, script);
    if (t->has_commitment) {
        uint8_t out[COMMITMENT_SIZE];
        struct span item = span_of(reserved, sizeof(reserved));
        memcpy(out, commitment_prefix, sizeof(commitment_prefix));
        memcpy(out + sizeof(commitment_prefix), t->witness_commitment, 32);
        mtx_add_out(&m, 0, span_of(out, sizeof(out)));
        mtx_in_set_witness(in, &item, 1);
    }
    struct tx *tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

/* ---- templates ---- */

static struct template_size last_size; /* the owner's */

struct template_size template_last_size(void)
{
    return last_size;
}

static struct block_template *make_template(struct chain *c, const struct template_options *o,
                                            struct span script, struct block_selection selected)
{
    const struct network *net = chain_network(c);
    const struct hnode *prev = &chain_tip(c)->h;
    struct block_template *t = xcalloc(1, sizeof(*t));
    t->selected = selected;
    t->height = prev->height + 1;
    t->header.version = o->version ? o->version : block_version_for(net, prev);
    t->header.prev = prev->hash;
    t->subsidy_and_fees = block_subsidy(net, t->height) + selected.total_fee;
    t->weight = o->reserved_weight + selected.total_weight;
    set_time(t, net, prev);
    if (buried_active_after(net, BURIED_SEGWIT, prev))
        commit_to_witnesses(t);
    t->coinbase = make_coinbase(t, script, 0);
    return t;
}

struct block_template *template_create(struct chain *c, struct mempool *m,
                                       const struct template_options *o,
                                       struct span coinbase_script)
{
    struct block_selection selected = {0};
    struct selection_limits limits = {.max_weight = o->max_weight,
                                      .weight = o->reserved_weight,
                                      .sigops = o->reserved_sigops,
                                      .min_feerate = o->min_feerate};
    chain_drain(c);
    if (m)
        mempool_select(m, &limits, &selected);
    struct block_template *t = make_template(c, o, coinbase_script, selected);
    last_size = (struct template_size){true, t->weight, t->selected.n};
    return t;
}

struct block_template *template_create_with(struct chain *c, const struct template_options *o,
                                            struct span coinbase_script,
                                            const struct tx *const *txs, size_t n)
{
    struct block_selection s = {.txs = xcalloc(n + 1, sizeof(*s.txs)),
                                .fees = xcalloc(n + 1, sizeof(*s.fees)),
                                .sigops_cost = xcalloc(n + 1, sizeof(*s.sigops_cost))};
    for (; s.n < n; s.n++) {
        s.txs[s.n] = tx_ref((struct tx *)txs[s.n]);
        s.total_weight += tx_weight(txs[s.n]);
    }
    chain_drain(c);
    return make_template(c, o, coinbase_script, s);
}

void template_destroy(struct block_template *t)
{
    if (t == NULL)
        return;
    block_selection_clear(&t->selected);
    tx_unref(t->coinbase);
    free(t);
}

static struct tx *coinbase_of(const struct block_template *t, uint64_t extranonce)
{
    return extranonce == 0 ? tx_ref((struct tx *)t->coinbase)
                           : make_coinbase(t, t->coinbase->out[0].script_pubkey, extranonce);
}

static void set_merkle_root(struct header *h, const struct block_template *t,
                            const struct tx *coinbase)
{
    size_t n = t->selected.n + 1;
    uint8_t(*leaves)[32] = xmalloc(n * sizeof(*leaves));
    memcpy(leaves[0], coinbase->txid.b, 32);
    for (size_t i = 1; i < n; i++)
        memcpy(leaves[i], t->selected.txs[i - 1]->txid.b, 32);
    merkle_root(h->merkle_root, leaves, n, NULL);
    free(leaves);
}

void template_header(const struct block_template *t, uint64_t extranonce, struct header *out)
{
    struct tx *coinbase = coinbase_of(t, extranonce);
    *out = t->header;
    set_merkle_root(out, t, coinbase);
    tx_unref(coinbase);
}

struct block *template_block(const struct block_template *t, uint64_t extranonce)
{
    size_t n = t->selected.n + 1;
    const struct tx **txs = xmalloc(n * sizeof(*txs));
    struct header h = t->header;
    struct tx *coinbase = coinbase_of(t, extranonce);
    txs[0] = coinbase;
    for (size_t i = 1; i < n; i++)
        txs[i] = t->selected.txs[i - 1];
    set_merkle_root(&h, t, coinbase);
    struct block *b = block_create(&h, txs, n);
    tx_unref(coinbase);
    free(txs);
    return b;
}

/* ---- solving ---- */

/* Hash of a header as a number against the target: both little-endian. */
static bool solves(const uint8_t header[HEADER_SIZE], const struct u256 *target)
{
    uint8_t hash[32];
    sha256d(hash, header, HEADER_SIZE);
    return u256_cmp(u256_from_le(hash), *target) <= 0;
}

struct block *mine_block(const struct block *b, const struct network *net, uint64_t *max_tries)
{
    struct header h = b->header;
    struct u256 target;
    uint8_t raw[HEADER_SIZE];
    CHECK(bits_to_target(h.bits, &net->pow_limit, &target));
    header_write(&h, raw);
    for (h.nonce = 0; *max_tries > 0; h.nonce++) {
        put_le32(raw + HEADER_SIZE - 4, h.nonce);
        if (solves(raw, &target))
            return block_with_header(b, &h);
        --*max_tries;
        if (h.nonce == UINT32_MAX)
            return NULL;
    }
    return NULL;
}

/* ---- the network's rate ---- */

double network_hashps(const struct chain *c, int lookup, int height)
{
    const struct block_index *last = chain_tip(c);
    if (height >= 0 && height < last->h.height)
        last = chain_at(c, height);
    if (last->h.height == 0)
        return 0;
    const struct network *net = chain_network(c);
    if (lookup <= 0)
        lookup = (int)(last->h.height % (net->timespan / net->spacing)) + 1;
    if (lookup > last->h.height)
        lookup = last->h.height;
    const struct block_index *first = last;
    uint32_t earliest = last->h.time, latest = last->h.time;
    for (int i = 0; i < lookup; i++) {
        first = index_prev(first);
        earliest = first->h.time < earliest ? first->h.time : earliest;
        latest = first->h.time > latest ? first->h.time : latest;
    }
    if (earliest == latest)
        return 0;
    return u256_to_double(u256_sub(last->h.work, first->h.work)) / (double)(latest - earliest);
}
