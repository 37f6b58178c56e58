/*
 * Compact blocks out (BIP152): who asked for high bandwidth gets each block on our tip as soon as
 * its proof of work, its merkle root and its form are right, before its scripts are checked; all
 * others hear of it afterwards (announce.c). The transactions that somebody lacks are sent by
 * position for the last ten blocks; for older ones the whole block is, so that reading old blocks
 * costs the asker as much as us.
 */
#include <stdlib.h>

#include "net/internal.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"

#define MAX_BLOCKTXN_DEPTH      10
#define VERSION_UNCHECKED_CMPCT 70015 /* from here on nobody is banned for an invalid one */

void send_sendcmpct(struct peer *p, bool announce)
{
    uint8_t payload[9];
    payload[0] = announce;
    put_le64(payload + 1, CMPCT_VERSION);
    peer_send(p, M_sendcmpct, span_of(payload, sizeof(payload)));
}

/* Other versions are not ours; not having witnesses, version 1 is of no use to anybody. */
HANDLER(sendcmpct)
{
    (void)m;
    uint8_t announce = read_u8(r);
    uint64_t version = read_u64(r);
    if (!reader_ok(r))
        return;
    if (announce > 1) {
        peer_misbehaving(p, "invalid sendcmpct announce field");
        return;
    }
    if (version != CMPCT_VERSION)
        return;
    p->provides_cmpct = true;
    p->wants_cmpct = announce;
}

void send_cmpctblock(struct peer *p, const struct block *b)
{
    struct buf out = BUF_INIT;
    cmpct_write(&out, b, random_u64());
    peer_send_buf(p, M_cmpctblock, &out);
}

/* Whether to tell it of i now: it wants so, and can make use of it. */
static bool wants_unchecked(struct peer *p, const struct block_index *i)
{
    if (!p->established || p->disconnect || !p->wants_cmpct ||
        p->common_version < VERSION_UNCHECKED_CMPCT)
        return false;
    peer_process_availability(p);
    return !peer_has_header(p, i) && peer_has_header(p, index_prev(i));
}

void announce_unchecked(struct net *n, const struct block *b, const struct block_index *i)
{
    struct buf out = BUF_INIT;
    struct peer *p;
    if (i->h.height <= n->fast_announced)
        return;
    n->fast_announced = i->h.height;
    if (!buried_active_after(n->params, BURIED_SEGWIT, i->h.prev))
        return;
    relay_recent_block(n, b); /* they will ask for parts of it */
    TAILQ_FOREACH (p, &n->peers, link) {
        if (!wants_unchecked(p, i))
            continue;
        if (out.len == 0)
            cmpct_write(&out, b, random_u64());
        peer_send(p, M_cmpctblock, buf_span(&out));
        p->best_header_sent = i;
    }
    buf_clear(&out);
}

/* ---- getblocktxn ---- */

static void send_blocktxn(struct peer *p, const struct block *b, const uint32_t *index, size_t n)
{
    struct buf out = BUF_INIT;
    if (index[n - 1] >= b->n_tx) {
        peer_misbehaving(p, "getblocktxn with out-of-bounds tx indices");
        return;
    }
    blocktxn_write(&out, b, index, n);
    peer_send_buf(p, M_blocktxn, &out);
}

/* As if the whole block had been asked for. */
static void answer_with_block(struct peer *p, const struct block_hash *hash)
{
    CHECK(p->n_getdata == 0);
    p->getdata = xcalloc(1, sizeof(*p->getdata));
    p->getdata[0].type = INV_WITNESS_BLOCK;
    memcpy(p->getdata[0].hash, hash->b, 32);
    p->n_getdata = 1;
    p->getdata_at = 0;
}

static void answer(struct peer *p, const struct block_hash *hash, const uint32_t *index, size_t n)
{
    const struct chain *c = p->net->chain;
    const struct block_index *i = chain_find(c, hash);
    if (!i || !(i->status & BLOCK_HAVE_DATA)) {
        log_debug(LOG_net, "peer=%d asks for parts of a block that is not here", p->id);
        return;
    }
    if (i->h.height < chain_height(c) - MAX_BLOCKTXN_DEPTH) {
        answer_with_block(p, hash);
        return;
    }
    const struct block *b = load_block(p->net, i);
    if (b)
        send_blocktxn(p, b, index, n);
    block_unref(b);
}

HANDLER(getblocktxn)
{
    struct block_hash hash;
    uint32_t *index;
    size_t n;
    (void)m;
    if (getblocktxn_read(r, &hash, &index, &n)) {
        if (n == 0)
            peer_misbehaving(p, "getblocktxn received with no transaction indexes");
        else
            answer(p, &hash, index, n);
    }
    free(index);
}
