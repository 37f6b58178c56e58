/*
 * Transactions: what parses is written back byte for byte, and comes through its changeable form
 * with the same ids.
 */
#include "chain/tx.h"
#include "fuzz.h"

static void check_round_trip(const struct tx *tx, const uint8_t *data, size_t size)
{
    struct buf b = BUF_INIT;
    tx_write(&b, tx, true);
    CHECK(span_eq(buf_span(&b), span_of(data, size)));
    CHECK(tx->total_size == size);
    buf_reset(&b);
    tx_write(&b, tx, false);
    CHECK(b.len == tx->base_size);
    CHECK(tx_weight(tx) == 3 * tx->base_size + tx->total_size);
    buf_clear(&b);
}

static void check_mtx(const struct tx *tx)
{
    struct mtx m;
    mtx_from_tx(&m, tx);
    struct tx *copy = mtx_finish(&m);
    CHECK(txid_eq(&copy->txid, &tx->txid));
    CHECK(wtxid_eq(&copy->wtxid, &tx->wtxid));
    CHECK(copy->has_witness == tx->has_witness);
    tx_unref(copy);
    mtx_clear(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r;
    reader_init(&r, data, size);
    struct tx *old = tx_read(&r, false);
    if (old) {
        CHECK(!old->has_witness);
        tx_unref(old);
    }
    struct tx *tx = tx_parse(data, size);
    if (tx) {
        check_round_trip(tx, data, size);
        check_mtx(tx);
        tx_unref(tx);
    }
    return 0;
}
