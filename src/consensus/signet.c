/*
 * Signet (BIP325): each block carries a signature in its coinbase, a solution to the network's
 * challenge script.
 *
 * The solution stands in the witness commitment output, behind a header of four bytes. It signs
 * the block without itself: a transaction to_spend, whose output is the challenge, commits to the
 * header with the merkle root of a coinbase that has the solution taken out; a transaction to_sign
 * spends it with the solution as its scriptSig and witness. A block without a solution may still
 * satisfy a challenge such as OP_TRUE.
 */
#include <stdlib.h>

#include "consensus/rules.h"
#include "script/verify.h"
#include "util/mem.h"

#define SIGNET_FLAGS \
    (SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_DERSIG | SCRIPT_VERIFY_NULLDUMMY)
#define MAX_WIRE_SIZE 0x02000000

/* Rewrites the commitment script without the solution, which it returns: empty where there is
 * none. False where the script has none of it. */
static bool take_solution(struct span script, struct buf *without, struct span *solution)
{
    static const uint8_t header[4] = {0xec, 0xc7, 0xda, 0xa2};
    struct script_iter it;
    struct span push;
    bool found = false;
    uint8_t op;

    script_iter_init(&it, script);
    while (script_next(&it, &op, &push)) {
        if (push.len == 0) {
            write_u8(without, op);
            continue;
        }
        if (!found && push.len > sizeof(header) && memcmp(push.data, header, sizeof(header)) == 0) {
            *solution = span_of(push.data + sizeof(header), push.len - sizeof(header));
            push.len = sizeof(header);
            found = true;
        }
        script_push_span(without, push);
    }
    return found;
}

/* scriptSig, then witness, each as on the wire. */
static bool read_solution(struct span solution, struct mtx_in *in)
{
    struct span *items = NULL, script;
    size_t cap = 0, n = 0;
    struct reader r;
    uint64_t count;

    reader_init(&r, solution.data, solution.len);
    script = read_var_span(&r, MAX_WIRE_SIZE);
    count = read_compact(&r, MAX_WIRE_SIZE);
    for (; n < count && reader_ok(&r); n++) {
        items = array_reserve(items, &cap, n + 1, sizeof(*items));
        items[n] = read_var_span(&r, MAX_WIRE_SIZE);
    }
    if (reader_done(&r)) {
        write_span(&in->script_sig, script);
        mtx_in_set_witness(in, items, n);
    }
    free(items);
    return reader_done(&r);
}

/* The coinbase without the solution, which is left in `in`. NULL where it cannot be read. */
static struct tx *unsigned_coinbase(const struct block *b, struct mtx_in *in)
{
    int at = witness_commitment_index(b);
    struct buf script = BUF_INIT;
    struct tx *coinbase = NULL;
    struct span solution;
    struct mtx m;

    if (at < 0)
        return NULL;
    mtx_from_tx(&m, b->tx[0]);
    if (!take_solution(b->tx[0]->out[at].script_pubkey, &script, &solution)) {
        coinbase = mtx_finish(&m);
    } else if (read_solution(solution, in)) {
        buf_reset(&m.out[at].script_pubkey);
        write_span(&m.out[at].script_pubkey, buf_span(&script));
        coinbase = mtx_finish(&m);
    }
    buf_clear(&script);
    mtx_clear(&m);
    return coinbase;
}

/* What is signed: version, predecessor, merkle root with that coinbase, time. */
static void signed_data(const struct block *b, const struct tx *coinbase, uint8_t out[72])
{
    uint8_t(*leaves)[32] = xcalloc(b->n_tx, 32);

    memcpy(leaves[0], coinbase->txid.b, 32);
    for (uint32_t i = 1; i < b->n_tx; i++)
        memcpy(leaves[i], b->tx[i]->txid.b, 32);
    put_le32(out, (uint32_t)b->header.version);
    memcpy(out + 4, b->header.prev.b, 32);
    merkle_root(out + 36, leaves, b->n_tx, NULL);
    put_le32(out + 68, b->header.time);
    free(leaves);
}

static struct tx *make_to_spend(const struct block *b, const struct tx *coinbase,
                                struct span challenge)
{
    static const struct outpoint none = {{{0}}, UINT32_MAX};
    uint8_t data[72];
    struct mtx_in *in;
    struct tx *tx;
    struct mtx m;

    mtx_init(&m);
    m.version = 0;
    in = mtx_add_in(&m, &none, 0);
    signed_data(b, coinbase, data);
    script_op(&in->script_sig, OP_0);
    script_push(&in->script_sig, data, sizeof(data));
    mtx_add_out(&m, 0, challenge);
    tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

static bool verify_solution(const struct tx *to_sign, const struct tx_out *challenge)
{
    struct sighash_cache cache;
    enum script_error err;

    sighash_cache_init(&cache, to_sign, challenge);
    return script_verify_input(&cache, 0, challenge, SIGNET_FLAGS, NULL, &err);
}

bool signet_check(const struct block *b, const struct network *net)
{
    static const struct outpoint none = {{{0}}, UINT32_MAX};
    static const uint8_t op_return[1] = {OP_RETURN};
    struct tx *coinbase, *to_spend, *to_sign;
    struct mtx m;
    bool ok = false;

    if (net->signet_challenge.len == 0 || block_hash_eq(&b->hash, &net->genesis_hash))
        return true;
    mtx_init(&m);
    m.version = 0;
    mtx_add_in(&m, &none, 0);
    mtx_add_out(&m, 0, span_of(op_return, sizeof(op_return)));
    coinbase = unsigned_coinbase(b, &m.in[0]);
    if (coinbase) {
        to_spend = make_to_spend(b, coinbase, net->signet_challenge);
        m.in[0].prev = (struct outpoint){to_spend->txid, 0};
        to_sign = mtx_finish(&m);
        ok = verify_solution(to_sign, &to_spend->out[0]);
        tx_unref(to_sign);
        tx_unref(to_spend);
        tx_unref(coinbase);
    }
    mtx_clear(&m);
    return ok;
}
