/*
 * Transactions: parsing, identity, serialisation.
 *
 * Bytes are read twice. The first pass (tx_scan) checks the form and counts inputs, outputs and
 * witness items; it allocates nothing, so a hostile count costs only the reading of what is really
 * there. Then one allocation takes the struct, its arrays and a copy of the bytes, and the second
 * pass (tx_place) fills the arrays with views into that copy. A block does the same for all its
 * transactions at once.
 *
 * The base form (without witness) of a segwit transaction is three pieces of the whole one:
 * version, inputs and outputs, lock time. Ids and stripped serialisation are taken from these
 * pieces; nothing is written anew. Rejected: keeping a second, stripped copy (memory), and lazy
 * ids (a shared immutable object would need locks).
 */
#include "chain/tx.h"

#include <stdlib.h>

#include "chain/block.h"
#include "chain/tx_parse.h"
#include "crypto/hash.h"
#include "util/mem.h"

/* Of any count or length on the wire. */
#define MAX_WIRE_SIZE 0x02000000
/* Keeps weight within 32 bits. */
#define MAX_TX_BYTES 0x20000000
/* Marker and flag of BIP144. */
#define SEGWIT_MARK_SIZE 2

static uint32_t scan_inputs(struct reader *r)
{
    uint32_t n = (uint32_t)read_compact(r, MAX_WIRE_SIZE);

    for (uint32_t i = 0; i < n && reader_ok(r); i++) {
        read_span(r, 36);
        read_var_span(r, MAX_WIRE_SIZE);
        read_u32(r);
    }
    return n;
}

static uint32_t scan_outputs(struct reader *r)
{
    uint32_t n = (uint32_t)read_compact(r, MAX_WIRE_SIZE);

    for (uint32_t i = 0; i < n && reader_ok(r); i++) {
        read_u64(r);
        read_var_span(r, MAX_WIRE_SIZE);
    }
    return n;
}

static void scan_witnesses(struct reader *r, struct tx_layout *l)
{
    for (uint32_t i = 0; i < l->n_in && reader_ok(r); i++) {
        uint32_t n = (uint32_t)read_compact(r, MAX_WIRE_SIZE);

        for (uint32_t k = 0; k < n && reader_ok(r); k++, l->n_items++)
            read_var_span(r, MAX_WIRE_SIZE);
    }
    /* "Superfluous witness record": the same transaction would have a second form. */
    if (l->n_items == 0)
        reader_fail(r);
}

/* BIP144: no inputs, then a flag that is not zero. The reader stands behind the zero. */
static void scan_after_no_inputs(struct reader *r, struct tx_layout *l)
{
    uint8_t flag = read_u8(r);

    if (flag == 0)
        return; /* no inputs and no outputs either */
    if (flag != 1) {
        reader_fail(r);
        return;
    }
    l->has_witness = true;
    l->n_in = scan_inputs(r);
    l->n_out = scan_outputs(r);
}

bool tx_scan(struct reader *r, bool allow_witness, struct tx_layout *l)
{
    size_t start = reader_left(r), witness_size = 0;

    memset(l, 0, sizeof(*l));
    read_u32(r);
    l->n_in = scan_inputs(r);
    if (l->n_in == 0 && allow_witness)
        scan_after_no_inputs(r, l);
    else
        l->n_out = scan_outputs(r);
    if (l->has_witness) {
        witness_size = reader_left(r);
        scan_witnesses(r, l);
        witness_size -= reader_left(r);
        witness_size += SEGWIT_MARK_SIZE;
    }
    read_u32(r);
    if (reader_ok(r) && start - reader_left(r) > MAX_TX_BYTES)
        reader_fail(r);
    if (!reader_ok(r))
        return false;
    l->size = (uint32_t)(start - reader_left(r));
    l->base_size = (uint32_t)(l->size - witness_size);
    return true;
}

static void place_inputs(struct tx *tx, struct reader *r, struct tx_in *in)
{
    read_compact(r, MAX_WIRE_SIZE);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        read_bytes(r, in[i].prev.txid.b, 32);
        in[i].prev.n = read_u32(r);
        in[i].script_sig = read_var_span(r, MAX_WIRE_SIZE);
        in[i].sequence = read_u32(r);
        in[i].witness = (struct witness){NULL, 0};
    }
    tx->in = in;
}

static void place_outputs(struct tx *tx, struct reader *r, struct tx_out *out)
{
    read_compact(r, MAX_WIRE_SIZE);
    for (uint32_t i = 0; i < tx->n_out; i++) {
        out[i].value = read_i64(r);
        out[i].script_pubkey = read_var_span(r, MAX_WIRE_SIZE);
    }
    tx->out = out;
}

static void place_witnesses(struct tx *tx, struct reader *r, struct tx_in *in, struct span *items)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        uint32_t n = (uint32_t)read_compact(r, MAX_WIRE_SIZE);

        in[i].witness = (struct witness){items, n};
        for (uint32_t k = 0; k < n; k++)
            *items++ = read_var_span(r, MAX_WIRE_SIZE);
    }
}

void tx_place(struct tx *tx, const uint8_t *raw, const struct tx_layout *l, struct tx_space *space)
{
    struct reader r;

    memset(tx, 0, sizeof(*tx));
    tx->n_in = l->n_in;
    tx->n_out = l->n_out;
    tx->base_size = l->base_size;
    tx->total_size = l->size;
    tx->has_witness = l->has_witness;
    tx->raw = span_of(raw, l->size);
    reader_init(&r, raw, l->size);
    tx->version = read_u32(&r);
    if (l->has_witness)
        read_span(&r, SEGWIT_MARK_SIZE);
    place_inputs(tx, &r, space->in);
    place_outputs(tx, &r, space->out);
    if (l->has_witness)
        place_witnesses(tx, &r, space->in, space->items);
    tx->lock_time = read_u32(&r);
    CHECK(reader_done(&r));
    space->in += l->n_in;
    space->out += l->n_out;
    space->items += l->n_items;
}

/* Inputs and outputs as serialised, counts included: the middle piece of the base form. */
static struct span base_middle(const struct tx *tx)
{
    size_t mark = tx->has_witness ? SEGWIT_MARK_SIZE : 0;

    return span_of(tx->raw.data + 4 + mark, tx->base_size - 8);
}

void tx_hash(struct tx *tx)
{
    struct span middle = base_middle(tx);
    struct sha256 h;

    sha256d(tx->wtxid.b, tx->raw.data, tx->raw.len);
    if (!tx->has_witness) {
        memcpy(tx->txid.b, tx->wtxid.b, 32);
        return;
    }
    sha256_init(&h);
    sha256_write_u32(&h, tx->version);
    sha256_write(&h, middle.data, middle.len);
    sha256_write_u32(&h, tx->lock_time);
    sha256d_final(&h, tx->txid.b);
}

void tx_hash_many(struct tx *const *txs, size_t n)
{
    struct sha256_job *jobs = xreallocarray(NULL, 2 * n + 1, sizeof(*jobs));
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        struct span raw = txs[i]->raw;

        jobs[k++] = (struct sha256_job){{raw}, txs[i]->wtxid.b};
        if (txs[i]->has_witness)
            jobs[k++] = (struct sha256_job){
                {span_of(raw.data, 4), base_middle(txs[i]), span_of(raw.data + raw.len - 4, 4)},
                txs[i]->txid.b};
    }
    sha256d_many(jobs, k);
    for (size_t i = 0; i < n; i++)
        if (!txs[i]->has_witness)
            memcpy(txs[i]->txid.b, txs[i]->wtxid.b, 32);
    free(jobs);
}

static size_t layout_memory(const struct tx_layout *l)
{
    return sizeof(struct tx) + l->n_in * sizeof(struct tx_in) + l->n_out * sizeof(struct tx_out) +
           l->n_items * sizeof(struct span) + l->size;
}

/* A transaction of its own memory, from bytes that tx_scan went over. */
static struct tx *tx_create(const uint8_t *bytes, const struct tx_layout *l)
{
    struct tx *tx = xmalloc(layout_memory(l));
    struct tx_space space;
    uint8_t *raw;

    space.in = (struct tx_in *)(tx + 1);
    space.out = (struct tx_out *)(space.in + l->n_in);
    space.items = (struct span *)(space.out + l->n_out);
    raw = (uint8_t *)(space.items + l->n_items);
    memcpy(raw, bytes, l->size);
    tx_place(tx, raw, l, &space);
    tx->refs = 1;
    return tx;
}

struct tx *tx_read(struct reader *r, bool allow_witness)
{
    const uint8_t *bytes = reader_pos(r);
    struct tx_layout l;
    struct tx *tx;

    if (!tx_scan(r, allow_witness, &l))
        return NULL;
    tx = tx_create(bytes, &l);
    tx_hash(tx);
    return tx;
}

static struct tx *parse_whole(const void *data, size_t len, bool allow_witness)
{
    struct reader r;
    struct tx *tx;

    reader_init(&r, data, len);
    tx = tx_read(&r, allow_witness);
    if (tx && !reader_done(&r)) {
        tx_unref(tx);
        return NULL;
    }
    return tx;
}

struct tx *tx_parse(const void *data, size_t len)
{
    return parse_whole(data, len, true);
}

struct tx *tx_standalone(const struct tx *tx)
{
    struct tx_layout l = {.n_in = tx->n_in,
                          .n_out = tx->n_out,
                          .size = tx->total_size,
                          .base_size = tx->base_size,
                          .has_witness = tx->has_witness};
    struct tx *copy;

    if (!tx->block)
        return tx_ref(tx);
    for (uint32_t i = 0; i < tx->n_in; i++)
        l.n_items += tx->in[i].witness.n;
    copy = tx_create(tx->raw.data, &l);
    copy->txid = tx->txid;
    copy->wtxid = tx->wtxid;
    return copy;
}

struct tx *tx_ref(const struct tx *tx)
{
    struct tx *mut = (struct tx *)tx;

    if (mut->block)
        block_ref(mut->block);
    else
        __atomic_add_fetch(&mut->refs, 1, __ATOMIC_RELAXED);
    return mut;
}

void tx_unref(const struct tx *tx)
{
    struct tx *mut = (struct tx *)tx;

    if (!tx)
        return;
    if (mut->block)
        block_unref(mut->block);
    else if (__atomic_sub_fetch(&mut->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(mut);
}

void tx_write(struct buf *b, const struct tx *tx, bool witness)
{
    if (witness || !tx->has_witness) {
        write_span(b, tx->raw);
        return;
    }
    write_u32(b, tx->version);
    write_span(b, base_middle(tx));
    write_u32(b, tx->lock_time);
}

bool tx_is_coinbase(const struct tx *tx)
{
    return tx->n_in == 1 && outpoint_is_null(&tx->in[0].prev);
}

size_t tx_memory(const struct tx *tx)
{
    size_t items = 0;

    for (uint32_t i = 0; i < tx->n_in; i++)
        items += tx->in[i].witness.n;
    return sizeof(*tx) + tx->n_in * sizeof(struct tx_in) + tx->n_out * sizeof(struct tx_out) +
           items * sizeof(struct span) + tx->raw.len;
}

/* ---- hex from a user ---- */

/* Whether a script could be meant: it parses, its pushes and opcodes are within limits. Kept here
 * since script/ lies above; it serves only to tell the two readings of ambiguous hex apart. */
static bool script_plausible(struct span s)
{
    struct reader r;

    if (s.len > 10000)
        return false;
    reader_init(&r, s.data, s.len);
    while (reader_left(&r) > 0 && reader_ok(&r)) {
        uint8_t op = read_u8(&r);
        size_t push = op < 0x4c    ? op
                      : op == 0x4c ? read_u8(&r)
                      : op == 0x4d ? read_u16(&r)
                      : op == 0x4e ? read_u32(&r)
                                   : 0;

        if (op > 0xb9 || push > 520)
            return false;
        read_span(&r, push);
    }
    return reader_ok(&r);
}

static bool scripts_plausible(const struct tx *tx)
{
    if (!tx_is_coinbase(tx))
        for (uint32_t i = 0; i < tx->n_in; i++)
            if (!script_plausible(tx->in[i].script_sig))
                return false;
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (!script_plausible(tx->out[i].script_pubkey))
            return false;
    return true;
}

struct tx *tx_parse_hex(const char *hex, bool try_no_witness, bool try_witness)
{
    struct tx *with = NULL, *without = NULL;
    struct buf b = BUF_INIT;

    if (!hex_read(&b, hex))
        return NULL;
    if (try_witness)
        with = parse_whole(b.data, b.len, true);
    if (try_no_witness)
        without = parse_whole(b.data, b.len, false);
    buf_clear(&b);
    if (with && without && !scripts_plausible(with) && scripts_plausible(without)) {
        tx_unref(with);
        with = NULL;
    }
    if (!with)
        return without;
    tx_unref(without);
    return with;
}

/* ---- from a mutable one ---- */

static void write_base(struct buf *b, const struct mtx *m)
{
    write_compact(b, m->n_in);
    for (size_t i = 0; i < m->n_in; i++) {
        write_bytes(b, m->in[i].prev.txid.b, 32);
        write_u32(b, m->in[i].prev.n);
        write_var_span(b, buf_span(&m->in[i].script_sig));
        write_u32(b, m->in[i].sequence);
    }
    write_compact(b, m->n_out);
    for (size_t i = 0; i < m->n_out; i++) {
        write_u64(b, (uint64_t)m->out[i].value);
        write_var_span(b, buf_span(&m->out[i].script_pubkey));
    }
}

static size_t write_witnesses(struct buf *b, const struct mtx *m)
{
    size_t before = b->len;

    for (size_t i = 0; i < m->n_in; i++) {
        write_compact(b, m->in[i].n_witness);
        for (size_t k = 0; k < m->in[i].n_witness; k++)
            write_var_span(b, buf_span(&m->in[i].witness[k]));
    }
    return b->len - before;
}

struct tx *mtx_finish(const struct mtx *m)
{
    struct tx_layout l = {.n_in = (uint32_t)m->n_in, .n_out = (uint32_t)m->n_out};
    struct buf b = BUF_INIT;
    size_t witness_size = 0;
    struct tx *tx;

    for (size_t i = 0; i < m->n_in; i++)
        l.n_items += (uint32_t)m->in[i].n_witness;
    l.has_witness = l.n_items > 0;
    write_u32(&b, m->version);
    if (l.has_witness)
        write_u16be(&b, 0x0001);
    write_base(&b, m);
    if (l.has_witness)
        witness_size = SEGWIT_MARK_SIZE + write_witnesses(&b, m);
    write_u32(&b, m->lock_time);
    l.size = (uint32_t)b.len;
    l.base_size = (uint32_t)(b.len - witness_size);
    tx = tx_create(b.data, &l);
    tx_hash(tx);
    buf_clear(&b);
    return tx;
}
