/*
 * Building of transactions: a plain growing structure that owns copies of its scripts, finished
 * into an immutable `struct tx` by mtx_finish() (tx.c). Pointers that mtx_add_in() and
 * mtx_add_out() return are good until the next addition.
 */
#include <stdlib.h>

#include "chain/tx.h"
#include "util/mem.h"

void mtx_init(struct mtx *m)
{
    *m = (struct mtx){.version = 2};
}

static void clear_witness(struct mtx_in *in)
{
    for (size_t i = 0; i < in->n_witness; i++)
        buf_clear(&in->witness[i]);
    free(in->witness);
    in->witness = NULL;
    in->n_witness = 0;
}

void mtx_clear(struct mtx *m)
{
    for (size_t i = 0; i < m->n_in; i++) {
        buf_clear(&m->in[i].script_sig);
        clear_witness(&m->in[i]);
    }
    for (size_t i = 0; i < m->n_out; i++)
        buf_clear(&m->out[i].script_pubkey);
    free(m->in);
    free(m->out);
    *m = (struct mtx){0};
}

void mtx_from_tx(struct mtx *m, const struct tx *tx)
{
    mtx_init(m);
    m->version = tx->version;
    m->lock_time = tx->lock_time;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct mtx_in *in = mtx_add_in(m, &tx->in[i].prev, tx->in[i].sequence);

        write_span(&in->script_sig, tx->in[i].script_sig);
        mtx_in_set_witness(in, tx->in[i].witness.items, tx->in[i].witness.n);
    }
    for (uint32_t i = 0; i < tx->n_out; i++)
        mtx_add_out(m, tx->out[i].value, tx->out[i].script_pubkey);
}

/* Room for one more of n: capacity is the next power of two, so none need be kept. */
static void *grow(void *p, size_t n, size_t size)
{
    if ((n & (n - 1)) != 0)
        return p;
    return xreallocarray(p, n ? n * 2 : 1, size);
}

struct mtx_in *mtx_add_in(struct mtx *m, const struct outpoint *prev, uint32_t sequence)
{
    struct mtx_in *in;

    m->in = grow(m->in, m->n_in, sizeof(*m->in));
    in = &m->in[m->n_in++];
    *in = (struct mtx_in){.prev = *prev, .sequence = sequence};
    return in;
}

struct mtx_out *mtx_add_out(struct mtx *m, int64_t value, struct span script_pubkey)
{
    mtx_insert_out(m, m->n_out, value, script_pubkey);
    return &m->out[m->n_out - 1];
}

void mtx_insert_out(struct mtx *m, size_t at, int64_t value, struct span script_pubkey)
{
    CHECK(at <= m->n_out);
    m->out = grow(m->out, m->n_out, sizeof(*m->out));
    memmove(&m->out[at + 1], &m->out[at], (m->n_out - at) * sizeof(*m->out));
    m->n_out++;
    m->out[at] = (struct mtx_out){.value = value};
    write_span(&m->out[at].script_pubkey, script_pubkey);
}

void mtx_in_set_witness(struct mtx_in *in, const struct span *items, size_t n)
{
    clear_witness(in);
    if (n == 0)
        return;
    in->witness = xcalloc(n, sizeof(*in->witness));
    in->n_witness = n;
    for (size_t i = 0; i < n; i++)
        write_span(&in->witness[i], items[i]);
}
