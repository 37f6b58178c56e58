/*
 * Rules of blocks: whole real chains pass; a real block altered in one way each is refused for the
 * reason that the field gives; signet's signatures; parameters of the networks.
 */
#include "consensus/rules.h"
#include "crypto/hash.h"
#include "script/script.h"
#include "script/verify.h"
#include "unit.h"

#define FAR_FUTURE INT64_C(4000000000)

/* ---- whole chains ---- */

static void check_sync_file(const char *network, const char *file, size_t want)
{
    const struct network *net = network_find(network);
    struct hnode *nodes = xcalloc(want, sizeof(*nodes));
    struct buf raw = BUF_INIT;
    struct verdict v;
    struct reader r;
    size_t n = 0;

    shared_append(file, &raw);
    reader_init(&r, raw.data, raw.len);
    for (; reader_left(&r) > 0; n++) {
        struct span magic = read_span(&r, 4), bytes = read_span(&r, read_u32(&r));
        struct block *b = block_parse(bytes.data, bytes.len);
        const struct hnode *prev = n ? &nodes[n - 1] : NULL;

        assert_true(span_eq(magic, span_of(net->magic, 4)));
        assert_non_null(b);
        assert_true(n < want);
        hnode_init(&nodes[n], &b->header, &b->hash, prev);
        if (!block_check(b, net, true, true, &v))
            fail_msg("%s %zu: %s", network, n, v.reason);
        if (prev && (!header_check_contextual(&b->header, prev, FAR_FUTURE, net, &v) ||
                     !block_check_contextual(b, prev, net, &v)))
            fail_msg("%s %zu: %s", network, n, v.reason);
        if (n == 0)
            assert_true(block_hash_eq(&b->hash, &net->genesis_hash));
        block_unref(b);
    }
    assert_true(reader_ok(&r));
    assert_int_equal(n, want);
    printf("%s: %zu blocks\n", file, n);
    buf_clear(&raw);
    free(nodes);
}

static void real_chains(void **state)
{
    (void)state;
    check_sync_file("main", "chain/sync/mainnet_0_599.blk", 600);
    check_sync_file("test", "chain/sync/testnet3_0_4000.blk", 4001);
    check_sync_file("signet", "chain/sync/signet_0_120.blk", 121);
}

/* ---- one real block, altered ---- */

#define HEIGHT 757739

/* The block as parts that can be changed. */
struct parts {
    struct header header;
    struct mtx *txs;
    size_t n;
    int commitment; /* output of the coinbase */
};

static void take_apart(struct parts *p)
{
    struct buf raw = BUF_INIT;
    struct block *b;

    shared_append("chain/blocks/mainnet-757739.bin", &raw);
    b = block_parse(raw.data, raw.len);
    assert_non_null(b);
    p->header = b->header;
    p->n = b->n_tx;
    p->txs = xcalloc(p->n + 1, sizeof(*p->txs)); /* room for one more */
    for (size_t i = 0; i < p->n; i++)
        mtx_from_tx(&p->txs[i], b->tx[i]);
    p->commitment = witness_commitment_index(b);
    assert_true(p->commitment >= 0);
    block_unref(b);
    buf_clear(&raw);
}

static void clear_parts(struct parts *p)
{
    for (size_t i = 0; i < p->n; i++)
        mtx_clear(&p->txs[i]);
    free(p->txs);
}

static struct block *put_together(const struct parts *p, bool fix_merkle_root)
{
    struct tx **txs = xcalloc(p->n + 1, sizeof(*txs));
    struct header h = p->header;
    struct block *b, *fixed;

    for (size_t i = 0; i < p->n; i++)
        txs[i] = mtx_finish(&p->txs[i]);
    b = block_create(&h, (const struct tx *const *)txs, p->n);
    for (size_t i = 0; i < p->n; i++)
        tx_unref(txs[i]);
    free(txs);
    if (!fix_merkle_root)
        return b;
    block_merkle_root(b, h.merkle_root, NULL);
    fixed = block_with_header(b, &h);
    block_unref(b);
    return fixed;
}

/* Writes the commitment to the witnesses as they are now. */
static void fix_commitment(struct parts *p)
{
    struct block *b = put_together(p, true);
    uint8_t pair[64];

    block_witness_merkle_root(b, pair);
    memcpy(pair + 32, p->txs[0].in[0].witness[0].data, 32);
    sha256d(p->txs[0].out[p->commitment].script_pubkey.data + 6, pair, 64);
    block_unref(b);
}

static void assert_alone(const struct parts *p, bool fix_merkle_root, const char *reason,
                         enum verdict_kind kind)
{
    struct block *b = put_together(p, fix_merkle_root);
    struct verdict v = {.kind = VERDICT_VALID};
    bool ok = block_check(b, network_find("main"), !fix_merkle_root, true, &v);

    assert_string_equal(ok ? "" : v.reason, reason);
    assert_int_equal(v.kind, kind);
    block_unref(b);
}

static void assert_after(const struct parts *p, const struct network *net, const char *reason,
                         enum verdict_kind kind)
{
    struct block *b = put_together(p, true);
    struct verdict v = {.kind = VERDICT_VALID};
    struct hnode prev = {.height = HEIGHT - 1, .time = p->header.time - 600};
    bool ok = block_check_contextual(b, &prev, net ? net : network_find("main"), &v);

    assert_string_equal(ok ? "" : v.reason, reason);
    assert_int_equal(v.kind, kind);
    block_unref(b);
}

static void unaltered(void **state)
{
    struct parts p;

    (void)state;
    take_apart(&p);
    assert_alone(&p, false, "", VERDICT_VALID);
    assert_after(&p, NULL, "", VERDICT_VALID);
    fix_commitment(&p);
    assert_alone(&p, false, "", VERDICT_VALID);
    clear_parts(&p);
}

static void wrong_header(void **state)
{
    struct parts p;

    (void)state;
    take_apart(&p);
    p.header.nonce++;
    assert_alone(&p, false, "high-hash", VERDICT_INVALID_HEADER);
    clear_parts(&p);
}

static void wrong_merkle_root(void **state)
{
    struct parts p;

    (void)state;
    take_apart(&p);
    p.txs[5].lock_time ^= 1;
    assert_alone(&p, false, "bad-txnmrklroot", VERDICT_MUTATED);
    p.txs[5].lock_time ^= 1;
    /* a transaction less */
    p.n--;
    assert_alone(&p, false, "bad-txnmrklroot", VERDICT_MUTATED);
    p.n++;
    /* of 63 transactions the last one twice: the same root (CVE-2012-2459) */
    assert_int_equal(p.n, 63);
    p.txs[63] = p.txs[62];
    p.n++;
    assert_alone(&p, false, "bad-txns-duplicate", VERDICT_MUTATED);
    p.n--;
    clear_parts(&p);
}

static void wrong_size(void **state)
{
    uint8_t *big = xcalloc(1000000, 1);
    size_t n;
    struct parts p;

    (void)state;
    take_apart(&p);
    n = p.n;
    p.n = 0;
    assert_alone(&p, true, "bad-blk-length", VERDICT_CONSENSUS);
    p.n = n;
    mtx_add_out(&p.txs[3], 0, span_of(big, 990000));
    assert_alone(&p, true, "bad-blk-length", VERDICT_CONSENSUS);
    clear_parts(&p);
    free(big);
}

static void wrong_coinbase(void **state)
{
    static const struct outpoint none = {{{0}}, UINT32_MAX};
    struct outpoint prev;
    struct parts p;

    (void)state;
    take_apart(&p);
    prev = p.txs[0].in[0].prev;
    p.txs[0].in[0].prev.n = 0;
    assert_alone(&p, true, "bad-cb-missing", VERDICT_CONSENSUS);
    p.txs[0].in[0].prev = prev;
    p.txs[0].in[0].script_sig.len = 1;
    assert_alone(&p, true, "bad-cb-length", VERDICT_CONSENSUS);
    clear_parts(&p);
    take_apart(&p);
    while (p.txs[7].n_in > 1) {
        struct mtx_in *in = &p.txs[7].in[--p.txs[7].n_in];

        buf_clear(&in->script_sig);
        mtx_in_set_witness(in, NULL, 0);
    }
    p.txs[7].in[0].prev = none;
    assert_alone(&p, true, "bad-cb-multiple", VERDICT_CONSENSUS);
    clear_parts(&p);
}

static void wrong_transaction(void **state)
{
    struct block *b;
    struct verdict v;
    struct parts p;
    char want[HASH_HEX_SIZE];

    (void)state;
    take_apart(&p);
    p.txs[9].out[0].value = -1;
    assert_alone(&p, true, "bad-txns-vout-negative", VERDICT_CONSENSUS);
    b = put_together(&p, true);
    assert_false(block_check(b, network_find("main"), false, true, &v));
    hash_to_hex(want, b->tx[9]->txid.b);
    assert_non_null(strstr(v.detail, want));
    block_unref(b);
    clear_parts(&p);
}

static void too_many_sigops(void **state)
{
    uint8_t checksigs[20000];
    struct parts p;

    (void)state;
    memset(checksigs, OP_CHECKSIG, sizeof(checksigs));
    take_apart(&p);
    mtx_add_out(&p.txs[3], 0, span_of(checksigs, 19000));
    assert_alone(&p, true, "", VERDICT_VALID);
    mtx_add_out(&p.txs[4], 0, span_of(checksigs, 1000));
    assert_alone(&p, true, "bad-blk-sigops", VERDICT_CONSENSUS);
    clear_parts(&p);
}

static void not_final(void **state)
{
    struct network *net = network_copy(network_find("main"));
    struct parts p;

    (void)state;
    take_apart(&p);
    p.txs[4].in[0].sequence = 0;
    p.txs[4].lock_time = HEIGHT;
    fix_commitment(&p);
    assert_after(&p, net, "bad-txns-nonfinal", VERDICT_CONSENSUS);
    p.txs[4].lock_time = HEIGHT - 1;
    fix_commitment(&p);
    assert_after(&p, net, "", VERDICT_VALID);
    /* BIP113: against the median time past, before it against the block's own */
    p.txs[4].lock_time = p.header.time - 600;
    fix_commitment(&p);
    assert_after(&p, net, "bad-txns-nonfinal", VERDICT_CONSENSUS);
    net->buried[BURIED_CSV] = BURIED_NEVER;
    assert_after(&p, net, "", VERDICT_VALID);
    clear_parts(&p);
    network_free(net);
}

static void wrong_height(void **state)
{
    struct network *net = network_copy(network_find("main"));
    struct parts p;

    (void)state;
    take_apart(&p);
    p.txs[0].in[0].script_sig.data[1] ^= 1;
    assert_after(&p, net, "bad-cb-height", VERDICT_CONSENSUS);
    net->buried[BURIED_BIP34] = HEIGHT + 1;
    assert_after(&p, net, "", VERDICT_VALID);
    net->buried[BURIED_BIP34] = HEIGHT;
    assert_after(&p, net, "bad-cb-height", VERDICT_CONSENSUS);
    p.txs[0].in[0].script_sig.len = 3;
    assert_after(&p, net, "bad-cb-height", VERDICT_CONSENSUS);
    clear_parts(&p);
    network_free(net);
}

static void wrong_witness(void **state)
{
    struct network *net = network_copy(network_find("main"));
    struct span none[2] = {{NULL, 0}, {NULL, 0}};
    struct buf *nonce;
    struct parts p;

    (void)state;
    take_apart(&p);
    nonce = &p.txs[0].in[0].witness[0];
    nonce->data[0] ^= 1;
    assert_after(&p, net, "bad-witness-merkle-match", VERDICT_MUTATED);
    nonce->data[0] ^= 1;
    nonce->len = 31;
    assert_after(&p, net, "bad-witness-nonce-size", VERDICT_MUTATED);
    nonce->len = 32;
    assert_after(&p, net, "", VERDICT_VALID);
    /* without its commitment no witness may be there; without segwit none either way */
    p.txs[0].out[p.commitment].script_pubkey.data[2] ^= 1;
    assert_after(&p, net, "unexpected-witness", VERDICT_MUTATED);
    p.txs[0].out[p.commitment].script_pubkey.data[2] ^= 1;
    net->buried[BURIED_SEGWIT] = HEIGHT + 1;
    assert_after(&p, net, "unexpected-witness", VERDICT_MUTATED);
    net->buried[BURIED_SEGWIT] = HEIGHT;
    mtx_in_set_witness(&p.txs[0].in[0], none, 2);
    assert_after(&p, net, "bad-witness-nonce-size", VERDICT_MUTATED);
    mtx_in_set_witness(&p.txs[0].in[0], none, 0);
    assert_after(&p, net, "bad-witness-nonce-size", VERDICT_MUTATED);
    clear_parts(&p);
    network_free(net);
}

/* The last of several commitments counts. */
static void last_commitment_counts(void **state)
{
    struct parts p;
    struct block *b;

    (void)state;
    take_apart(&p);
    mtx_insert_out(&p.txs[0], 0, 0, buf_span(&p.txs[0].out[p.commitment].script_pubkey));
    p.txs[0].out[0].script_pubkey.data[10] ^= 1;
    b = put_together(&p, true);
    assert_int_equal(witness_commitment_index(b), p.commitment + 1);
    block_unref(b);
    assert_after(&p, NULL, "", VERDICT_VALID);
    mtx_add_out(&p.txs[0], 0, buf_span(&p.txs[0].out[0].script_pubkey));
    assert_after(&p, NULL, "bad-witness-merkle-match", VERDICT_MUTATED);
    clear_parts(&p);
}

static void too_heavy(void **state)
{
    size_t len = 3950000, at = 0;
    struct span item;
    struct block *b;
    struct parts p;

    (void)state;
    take_apart(&p);
    while (p.txs[at].in[0].n_witness == 0 || at == 0)
        at++;
    item = span_of(xcalloc(len, 1), len);
    mtx_in_set_witness(&p.txs[at].in[0], &item, 1);
    fix_commitment(&p);
    b = put_together(&p, true);
    assert_true(block_weight(b) > MAX_BLOCK_WEIGHT);
    len -= block_weight(b) - MAX_BLOCK_WEIGHT;
    block_unref(b);
    assert_alone(&p, true, "", VERDICT_VALID);
    assert_after(&p, NULL, "bad-blk-weight", VERDICT_CONSENSUS);
    /* exactly the limit */
    p.txs[at].in[0].witness[0].len = len;
    fix_commitment(&p);
    assert_after(&p, NULL, "", VERDICT_VALID);
    p.txs[at].in[0].witness[0].len = len + 1;
    fix_commitment(&p);
    assert_after(&p, NULL, "bad-blk-weight", VERDICT_CONSENSUS);
    clear_parts(&p);
    free((void *)item.data);
}

/* ---- signet ---- */

static struct block *signet_block(unsigned height)
{
    struct buf raw = BUF_INIT;
    struct block *b = NULL;
    struct reader r;

    shared_append("chain/sync/signet_0_120.blk", &raw);
    reader_init(&r, raw.data, raw.len);
    for (unsigned i = 0; i <= height; i++) {
        struct span bytes;

        read_u32(&r);
        bytes = read_span(&r, read_u32(&r));
        if (i == height)
            b = block_parse(bytes.data, bytes.len);
    }
    buf_clear(&raw);
    assert_non_null(b);
    return b;
}

/* The block with the byte at `at` of its commitment output's script flipped, and a new root. */
static struct block *alter_commitment(const struct block *b, size_t at)
{
    struct header h = b->header;
    struct block *altered, *fixed;
    struct mtx m;
    struct tx *tx;

    assert_int_equal(b->n_tx, 1);
    mtx_from_tx(&m, b->tx[0]);
    m.out[witness_commitment_index(b)].script_pubkey.data[at] ^= 1;
    tx = mtx_finish(&m);
    altered = block_create(&h, (const struct tx *const *)&tx, 1);
    block_merkle_root(altered, h.merkle_root, NULL);
    fixed = block_with_header(altered, &h);
    block_unref(altered);
    tx_unref(tx);
    mtx_clear(&m);
    return fixed;
}

static void signet_signatures(void **state)
{
    const struct network *net = network_find("signet");
    struct network *custom = network_copy(net);
    struct block *b = signet_block(100), *altered, *genesis = network_genesis(net);
    static const uint8_t op_true[1] = {OP_1}, op_false[1] = {OP_0};
    struct header h = b->header;
    struct verdict v;
    size_t len;

    (void)state;
    assert_true(signet_check(genesis, net));
    assert_true(signet_check(b, net));
    assert_true(signet_check(b, network_find("main")));
    len = b->tx[0]->out[witness_commitment_index(b)].script_pubkey.len;
    for (size_t at = 0; at < len; at++) {
        altered = alter_commitment(b, at);
        assert_false(signet_check(altered, net));
        block_unref(altered);
    }
    /* the time is signed; nonce and bits are not */
    h.time++;
    altered = block_with_header(b, &h);
    assert_false(signet_check(altered, net));
    block_unref(altered);
    h.time--;
    h.nonce++;
    altered = block_with_header(b, &h);
    assert_true(signet_check(altered, net));
    assert_false(block_check(altered, net, true, true, &v));
    assert_string_equal(v.reason, "high-hash");
    block_unref(altered);
    /* another challenge: one that nothing satisfies */
    network_set_signet_challenge(custom, span_of(op_false, 1));
    assert_false(block_check(b, custom, true, true, &v));
    assert_string_equal(v.reason, "bad-signet-blksig");
    assert_int_equal(v.kind, VERDICT_CONSENSUS);
    /* OP_TRUE asks for no solution, but for a commitment */
    network_set_signet_challenge(custom, span_of(op_true, 1));
    altered = alter_commitment(b, 2);
    assert_false(signet_check(altered, custom));
    block_unref(altered);
    block_unref(genesis);
    block_unref(b);
    network_free(custom);
}

/* ---- parameters ---- */

static void genesis_blocks(void **state)
{
    size_t n;
    const struct network *const *nets = network_all(&n);

    (void)state;
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++) {
        struct block *b = network_genesis(nets[i]);
        struct u256 target;
        struct verdict v;

        assert_ptr_equal(network_find(nets[i]->name), nets[i]);
        assert_true(block_hash_eq(&b->hash, &nets[i]->genesis_hash));
        assert_true(block_check(b, nets[i], true, true, &v));
        /* the limit is no finer than bits can say, and genesis has it */
        assert_true(bits_to_target(b->header.bits, &nets[i]->pow_limit, &target));
        assert_int_equal(target_to_bits(nets[i]->pow_limit), b->header.bits);
        block_unref(b);
    }
    assert_null(network_find("testnet3"));
    assert_null(network_find(""));
}

static void subsidies(void **state)
{
    const struct network *net = network_find("main"), *regtest = network_find("regtest");
    int64_t sum = 0;

    (void)state;
    assert_int_equal(block_subsidy(net, 0), 50 * COIN);
    assert_int_equal(block_subsidy(net, 209999), 50 * COIN);
    assert_int_equal(block_subsidy(net, 210000), 25 * COIN);
    assert_int_equal(block_subsidy(net, 840000), 312500000);
    assert_int_equal(block_subsidy(net, 64 * 210000), 0);
    assert_int_equal(block_subsidy(net, INT32_MAX), 0);
    assert_int_equal(block_subsidy(regtest, 149), 50 * COIN);
    assert_int_equal(block_subsidy(regtest, 150), 25 * COIN);
    for (int32_t h = 0; h < 14000000; h += 1000) {
        sum += block_subsidy(net, h) * 1000;
        assert_true(money_range(sum));
    }
    assert_int_equal(sum, INT64_C(2099999997690000));
}

static void signet_challenges(void **state)
{
    const struct network *net = network_find("signet");
    struct network *copy = network_copy(net);

    (void)state;
    network_set_signet_challenge(copy, net->signet_challenge);
    assert_memory_equal(copy->magic, net->magic, 4);
    assert_null(copy->dns_seeds[0]);
    assert_true(u256_is_zero(copy->min_chain_work));
    assert_true(block_hash_is_zero(&copy->assume_valid));
    network_set_signet_challenge(copy, span_of("\x51", 1));
    assert_memory_equal(copy->magic, "\x54\xd2\x6f\xbd", 4);
    network_free(copy);
    network_free(NULL);
}

static void names_of_deployments(void **state)
{
    enum buried_id id;

    (void)state;
    assert_string_equal(buried_name(BURIED_BIP66), "bip66");
    assert_string_equal(buried_name(BURIED_SEGWIT), "segwit");
    assert_true(buried_from_option("dersig", &id));
    assert_int_equal(id, BURIED_BIP66);
    assert_true(buried_from_option("cltv", &id));
    assert_int_equal(id, BURIED_BIP65);
    assert_false(buried_from_option("bip66", &id));
    assert_false(buried_from_option("taproot", &id));
}

static void script_flags(void **state)
{
    const struct network *net = network_find("main");
    struct hnode n = {.height = 173804};

    (void)state;
    assert_int_equal(block_script_flags(net, &n),
                     SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_TAPROOT);
    n.height = 481823;
    assert_int_equal(block_script_flags(net, &n),
                     SCRIPT_VERIFY_MANDATORY & ~SCRIPT_VERIFY_NULLDUMMY);
    n.height = 481824;
    assert_int_equal(block_script_flags(net, &n), SCRIPT_VERIFY_MANDATORY);
    hash_from_hex(n.hash.b, "0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad");
    n.height = 692261;
    assert_int_equal(block_script_flags(net, &n), SCRIPT_VERIFY_MANDATORY & ~SCRIPT_VERIFY_TAPROOT);
    hash_from_hex(n.hash.b, "00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22");
    n.height = 170060;
    assert_int_equal(block_script_flags(net, &n), SCRIPT_VERIFY_NONE);
}

static void bip30(void **state)
{
    const struct network *net = network_find("main");
    struct hnode base = {.height = 227931, .hash = net->bip34_hash}, n = {.height = 91842};
    char *text = shared_read("chain/headers/mainnet_bip30.txt"), *save = NULL;
    unsigned lost = 0;

    (void)state;
    assert_true(bip30_applies(net, &n));
    hash_from_hex(n.hash.b, "00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec");
    assert_false(bip30_applies(net, &n));
    assert_true(bip30_repeats(net, &n));
    n.height = 91843;
    assert_true(bip30_applies(net, &n));
    /* behind the block of BIP34's height it is implied, until it no longer is */
    n = (struct hnode){.height = 227932, .prev = &base, .skip = &base};
    assert_false(bip30_applies(net, &n));
    n.height = 1983702;
    assert_true(bip30_applies(net, &n));
    n.height = 227932;
    base.hash.b[0] ^= 1;
    assert_true(bip30_applies(net, &n));
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char hash[65], header[161];

        assert_int_equal(sscanf(line, "%d %64s %160s", &n.height, hash, header), 3);
        assert_true(hash_from_hex(n.hash.b, hash));
        assert_true(bip30_lost(net, &n));
        assert_true(bip30_applies(net, &n));
        lost++;
    }
    assert_int_equal(lost, 2);
    free(text);
}

static void verdict_as_text(void **state)
{
    struct verdict v = {.kind = VERDICT_VALID};
    char text[64];

    (void)state;
    assert_string_equal(verdict_text(&v, text, sizeof(text)), "Valid");
    assert_false(verdict_fail(&v, VERDICT_CONSENSUS, "bad-x", "%s", ""));
    assert_string_equal(verdict_text(&v, text, sizeof(text)), "bad-x");
    verdict_fail(&v, VERDICT_CONSENSUS, "bad-x", "%d of %d", 1, 2);
    assert_string_equal(verdict_text(&v, text, sizeof(text)), "bad-x, 1 of 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_chains),       cmocka_unit_test(unaltered),
        cmocka_unit_test(wrong_header),      cmocka_unit_test(wrong_merkle_root),
        cmocka_unit_test(wrong_size),        cmocka_unit_test(wrong_coinbase),
        cmocka_unit_test(wrong_transaction), cmocka_unit_test(too_many_sigops),
        cmocka_unit_test(not_final),         cmocka_unit_test(wrong_height),
        cmocka_unit_test(wrong_witness),     cmocka_unit_test(last_commitment_counts),
        cmocka_unit_test(too_heavy),         cmocka_unit_test(signet_signatures),
        cmocka_unit_test(genesis_blocks),    cmocka_unit_test(subsidies),
        cmocka_unit_test(signet_challenges), cmocka_unit_test(names_of_deployments),
        cmocka_unit_test(script_flags),      cmocka_unit_test(bip30),
        cmocka_unit_test(verdict_as_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
