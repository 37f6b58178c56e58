/*
 * Rules of blocks: what can be said of a block alone, and of a block after its predecessor. What
 * needs coins is in validation/, which calls the rules of transactions for it.
 *
 * A block whose transactions do not match what its header commits to is MUTATED, not invalid:
 * somebody may have changed it on its way, and another copy may be good. Therefore all checks of
 * commitments come before those whose failure condemns the header.
 */
#include "consensus/rules.h"
#include "crypto/hash.h"
#include "script/script.h"

#define COMMITMENT_SIZE 38
#define NONCE_SIZE      32
/* From here on a coinbase of before BIP34 could be repeated, by the heights that some of those
 * happen to begin with. */
#define BIP34_IMPLIES_BIP30_LIMIT 1983702

static bool check_merkle_root(const struct block *b, struct verdict *v)
{
    uint8_t root[32];
    bool mutated;

    block_merkle_root(b, root, &mutated);
    if (memcmp(root, b->header.merkle_root, 32) != 0)
        return verdict_fail(v, VERDICT_MUTATED, "bad-txnmrklroot", "hashMerkleRoot mismatch");
    if (mutated)
        return verdict_fail(v, VERDICT_MUTATED, "bad-txns-duplicate", "duplicate transaction");
    return true;
}

static bool check_form(const struct block *b, struct verdict *v)
{
    if (b->n_tx == 0 || b->n_tx > MAX_BLOCK_WEIGHT / WITNESS_SCALE ||
        b->base_size > MAX_BLOCK_WEIGHT / WITNESS_SCALE)
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-blk-length", "size limits failed");
    if (!tx_is_coinbase(b->tx[0]))
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-cb-missing", "first tx is not coinbase");
    for (uint32_t i = 1; i < b->n_tx; i++)
        if (tx_is_coinbase(b->tx[i]))
            return verdict_fail(v, VERDICT_CONSENSUS, "bad-cb-multiple", "more than one coinbase");
    return true;
}

static bool check_transactions(const struct block *b, struct verdict *v)
{
    uint64_t sigops = 0;
    char txid[HASH_HEX_SIZE];
    struct verdict of_tx;

    for (uint32_t i = 0; i < b->n_tx; i++)
        if (!tx_check(b->tx[i], &of_tx))
            return verdict_fail(v, VERDICT_CONSENSUS, of_tx.reason,
                                "Transaction check failed (tx hash %s) %s",
                                hash_to_hex(txid, b->tx[i]->txid.b), of_tx.detail);
    for (uint32_t i = 0; i < b->n_tx; i++)
        sigops += tx_legacy_sigops(b->tx[i]);
    if (sigops * WITNESS_SCALE > MAX_BLOCK_SIGOPS_COST)
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-blk-sigops", "out-of-bounds SigOpCount");
    return true;
}

bool block_check(const struct block *b, const struct network *net, bool check_pow,
                 bool check_merkle, struct verdict *v)
{
    if (check_pow && !header_check(&b->header, &b->hash, net, v))
        return false;
    if (check_pow && !signet_check(b, net))
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-signet-blksig",
                            "signet block signature validation failure");
    if (check_merkle && !check_merkle_root(b, v))
        return false;
    return check_form(b, v) && check_transactions(b, v);
}

/* ---- after the predecessor ---- */

/* BIP34: the coinbase's script begins with a push of the height. */
static bool has_height(const struct tx *coinbase, int32_t height)
{
    struct span script = coinbase->in[0].script_sig;
    struct buf want = BUF_INIT;
    bool ok;

    script_push_int(&want, height);
    ok = script.len >= want.len && memcmp(script.data, want.data, want.len) == 0;
    buf_clear(&want);
    return ok;
}

int witness_commitment_index(const struct block *b)
{
    static const uint8_t start[6] = {OP_RETURN, 0x24, 0xaa, 0x21, 0xa9, 0xed};
    int at = -1;

    if (b->n_tx == 0)
        return -1;
    for (uint32_t i = 0; i < b->tx[0]->n_out; i++) {
        struct span s = b->tx[0]->out[i].script_pubkey;

        if (s.len >= COMMITMENT_SIZE && memcmp(s.data, start, sizeof(start)) == 0)
            at = (int)i;
    }
    return at;
}

static bool check_commitment(const struct block *b, int at, struct verdict *v)
{
    const struct tx *coinbase = b->tx[0];
    const struct witness *w = &coinbase->in[0].witness;
    uint8_t pair[64], hash[32];

    if (w->n != 1 || w->items[0].len != NONCE_SIZE)
        return verdict_fail(v, VERDICT_MUTATED, "bad-witness-nonce-size",
                            "CheckWitnessMalleation : invalid witness reserved value size");
    block_witness_merkle_root(b, pair);
    memcpy(pair + 32, w->items[0].data, NONCE_SIZE);
    sha256d(hash, pair, sizeof(pair));
    if (memcmp(hash, coinbase->out[at].script_pubkey.data + 6, 32) != 0)
        return verdict_fail(v, VERDICT_MUTATED, "bad-witness-merkle-match",
                            "CheckWitnessMalleation : witness merkle commitment mismatch");
    return true;
}

bool block_check_witness(const struct block *b, bool segwit_active, struct verdict *v)
{
    int at = segwit_active ? witness_commitment_index(b) : -1;

    if (at >= 0)
        return check_commitment(b, at, v);
    for (uint32_t i = 0; i < b->n_tx; i++)
        if (b->tx[i]->has_witness)
            return verdict_fail(v, VERDICT_MUTATED, "unexpected-witness",
                                "CheckWitnessMalleation : unexpected witness data found");
    return true;
}

bool block_check_contextual(const struct block *b, const struct hnode *prev,
                            const struct network *net, struct verdict *v)
{
    int32_t height = prev ? prev->height + 1 : 0;
    int64_t lock_cutoff = b->header.time;

    if (buried_active_after(net, BURIED_CSV, prev) && prev)
        lock_cutoff = hnode_median_time_past(prev);
    for (uint32_t i = 0; i < b->n_tx; i++)
        if (!tx_is_final(b->tx[i], height, lock_cutoff))
            return verdict_fail(v, VERDICT_CONSENSUS, "bad-txns-nonfinal", "non-final transaction");
    if (buried_active_after(net, BURIED_BIP34, prev) && !has_height(b->tx[0], height))
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-cb-height",
                            "block height mismatch in coinbase");
    if (!block_check_witness(b, buried_active_after(net, BURIED_SEGWIT, prev), v))
        return false;
    /* After the commitment: only then is the size of the witnesses the block's own fault. */
    if (block_weight(b) > MAX_BLOCK_WEIGHT)
        return verdict_fail(v, VERDICT_CONSENSUS, "bad-blk-weight", "weight limit failed");
    return true;
}

int64_t block_subsidy(const struct network *net, int32_t height)
{
    int32_t halvings = height / net->halving_interval;

    return halvings >= 64 ? 0 : net->initial_subsidy >> halvings;
}

/* ---- BIP30 ---- */

static bool is_known(const struct known_block *list, size_t n, const struct hnode *block)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].height == block->height && block_hash_eq(&list[i].hash, &block->hash))
            return true;
    return false;
}

bool bip30_repeats(const struct network *net, const struct hnode *n)
{
    return is_known(net->bip30_repeats, net->n_bip30_repeats, n);
}

bool bip30_lost(const struct network *net, const struct hnode *n)
{
    return is_known(net->bip30_lost, net->n_bip30_lost, n);
}

bool bip30_applies(const struct network *net, const struct hnode *n)
{
    const struct hnode *bip34 = hnode_ancestor(n->prev, net->buried[BURIED_BIP34]);

    if (n->height >= BIP34_IMPLIES_BIP30_LIMIT)
        return true;
    if (bip34 && block_hash_eq(&bip34->hash, &net->bip34_hash))
        return false; /* coinbases hold their height and cannot be repeated */
    return !bip30_repeats(net, n);
}
