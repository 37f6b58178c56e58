/* Merkle blocks: every choice of transactions in blocks of every small size, and proofs
 * that are broken in each way. */
#include "chain/merkle_block.h"
#include "unit.h"

/* A block of n tiny transactions that differ in their lock time. */
static struct block *make_block(uint32_t n)
{
    struct header h = {.version = 1, .bits = 0x207fffff};
    const struct tx **txs = xcalloc(n, sizeof(*txs));
    for (uint32_t i = 0; i < n; i++) {
        struct mtx m;
        struct outpoint o = {{{1}}, i};
        mtx_init(&m);
        mtx_add_in(&m, &o, 0);
        mtx_add_out(&m, 1, span_of("\x51", 1));
        txs[i] = mtx_finish(&m);
        mtx_clear(&m);
    }
    struct block *b = block_create(&h, txs, n), *whole;
    block_merkle_root(b, h.merkle_root, NULL);
    whole = block_with_header(b, &h);
    block_unref(b);
    for (uint32_t i = 0; i < n; i++)
        tx_unref(txs[i]);
    free(txs);
    return whole;
}

static enum merkle_result read_back(struct merkle_block *m, const struct buf *raw)
{
    struct reader r;
    reader_init(&r, raw->data, raw->len);
    return merkle_block_read(m, &r);
}

static void assert_proves(const struct block *b, const bool *wanted)
{
    struct buf raw = BUF_INIT;
    struct merkle_block m;
    size_t n = 0;
    merkle_block_write(&raw, b, wanted);
    assert_int_equal(read_back(&m, &raw), MERKLE_PROVED);
    assert_int_equal(m.n_tx, b->n_tx);
    struct block_hash hash = header_hash(&m.header);
    assert_true(block_hash_eq(&hash, &b->hash));
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (!wanted[i])
            continue;
        assert_true(n < m.n_matches);
        assert_int_equal(m.matches[n].index, i);
        assert_true(txid_eq(&m.matches[n].txid, &b->tx[i]->txid));
        n++;
    }
    assert_int_equal(m.n_matches, n);
    merkle_block_clear(&m);
    buf_clear(&raw);
}

static void all_choices(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 9; n++) {
        struct block *b = make_block(n);
        for (uint32_t choice = 0; choice < 1u << n; choice++) {
            bool wanted[9];
            for (uint32_t i = 0; i < n; i++)
                wanted[i] = choice >> i & 1;
            assert_proves(b, wanted);
        }
        block_unref(b);
    }
}

/* No change of a byte may prove something else of this block. */
static void broken(void **state)
{
    (void)state;
    struct block *b = make_block(7);
    bool wanted[7] = {[2] = true, [6] = true};
    struct buf raw = BUF_INIT;
    struct merkle_block m;
    merkle_block_write(&raw, b, wanted);
    for (size_t len = 0; len < raw.len; len++) {
        struct buf cut = {raw.data, len, len};
        assert_int_equal(read_back(&m, &cut), MERKLE_MALFORMED);
    }
    for (size_t i = 0; i < raw.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            raw.data[i] ^= (uint8_t)(1 << bit);
            enum merkle_result res = read_back(&m, &raw);
            struct block_hash hash = header_hash(&m.header);
            if (res == MERKLE_PROVED && block_hash_eq(&hash, &b->hash) && m.n_tx == b->n_tx)
                /* only padding of the flags may differ */
                for (size_t k = 0; k < m.n_matches; k++)
                    assert_true(txid_eq(&m.matches[k].txid, &b->tx[m.matches[k].index]->txid));
            merkle_block_clear(&m);
            raw.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    put_le32(raw.data + HEADER_SIZE, 0); /* no transactions */
    assert_int_equal(read_back(&m, &raw), MERKLE_WRONG);
    put_le32(raw.data + HEADER_SIZE, UINT32_MAX);
    assert_int_equal(read_back(&m, &raw), MERKLE_WRONG);
    buf_clear(&raw);
    block_unref(b);
}

/* The last transaction of an odd number, shown as if it were there twice. */
static void doubled_leaf(void **state)
{
    (void)state;
    struct block *b = make_block(3);
    struct buf raw = BUF_INIT;
    struct merkle_block m;
    uint8_t header[HEADER_SIZE];
    header_write(&b->header, header);
    write_bytes(&raw, header, sizeof(header));
    write_u32(&raw, 4);
    write_compact(&raw, 4);
    for (uint32_t i = 0; i < 4; i++)
        write_bytes(&raw, b->tx[i < 3 ? i : 2]->txid.b, 32);
    write_compact(&raw, 1);
    write_u8(&raw, 0x7f);
    assert_int_equal(read_back(&m, &raw), MERKLE_WRONG);
    buf_clear(&raw);
    block_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_choices),
        cmocka_unit_test(broken),
        cmocka_unit_test(doubled_leaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
