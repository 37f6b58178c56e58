/*
 * News of blocks: as compact blocks to those who want them so (mostly earlier already, see
 * compact_out.c), as headers to those who want them (BIP130) while these connect to what the peer
 * has, as inv otherwise, and after a reorganisation too long to be told header by header.
 */
#include <stdlib.h>

#include "net/internal.h"
#include "util/mem.h"

#define MAX_BLOCKS_ANNOUNCE 8

/* Whether the peer has i, or told us or was told by us of something built on it. */
bool peer_has_header(const struct peer *p, const struct block_index *i)
{
    if (p->best_known && index_ancestor(p->best_known, i->h.height) == i)
        return true;
    return p->best_header_sent && index_ancestor(p->best_header_sent, i->h.height) == i;
}

void announce_tip(struct net *n, const struct block_index *tip, const struct block_index *fork)
{
    const struct block_index *fresh[MAX_BLOCKS_ANNOUNCE];
    size_t count = 0;
    struct peer *p;
    for (const struct block_index *i = tip; i != fork && count < MAX_BLOCKS_ANNOUNCE;
         i = index_prev(i))
        fresh[count++] = i;
    TAILQ_FOREACH (p, &n->peers, link) {
        if (!p->established || p->disconnect)
            continue;
        /* More than it takes for headers become one inv: no need to keep them all. */
        if (p->n_announce > MAX_BLOCKS_ANNOUNCE)
            p->n_announce = 0;
        p->announce = array_reserve(p->announce, &p->cap_announce, p->n_announce + count,
                                    sizeof(*p->announce));
        for (size_t i = count; i-- > 0;)
            p->announce[p->n_announce++] = fresh[i]->h.hash;
        announce_tick(p);
    }
}

void block_invs_add(struct peer *p, const struct block_hash *hash)
{
    struct inv *inv;
    p->block_invs = array_reserve(p->block_invs, &p->cap_block_invs, p->n_block_invs + 1,
                                  sizeof(*p->block_invs));
    inv = &p->block_invs[p->n_block_invs++];
    inv->type = INV_BLOCK;
    memcpy(inv->hash, hash->b, 32);
}

/* Collects the headers to send. False where the peer could not connect them. */
static bool collect(struct peer *p, const struct block_index **out, size_t *n)
{
    const struct chain *c = p->net->chain;
    const struct block_index *last = NULL;
    *n = 0;
    for (size_t k = 0; k < p->n_announce; k++) {
        const struct block_index *i = chain_find(c, &p->announce[k]);
        if (!i || chain_at(c, i->h.height) != i || (last && index_prev(i) != last))
            return false; /* reorganised away, or around */
        last = i;
        if (*n == 0 && peer_has_header(p, i))
            continue;
        if (*n == 0 && index_prev(i) && !peer_has_header(p, index_prev(i)))
            return false;
        out[(*n)++] = i;
    }
    return true;
}

static void send_headers(struct peer *p, const struct block_index *const *list, size_t n)
{
    struct buf b = BUF_INIT;
    write_compact(&b, n);
    for (size_t i = 0; i < n; i++) {
        struct header h;
        uint8_t raw[HEADER_SIZE];
        hnode_header(&list[i]->h, &h);
        header_write(&h, raw);
        write_bytes(&b, raw, sizeof(raw));
        write_u8(&b, 0);
    }
    p->best_header_sent = list[n - 1];
    peer_send_buf(p, M_headers, &b);
}

/* False where the block cannot be had (pruned meanwhile). */
static bool send_compact(struct peer *p, const struct block_index *i)
{
    const struct block *b = load_block(p->net, i);
    if (!b)
        return false;
    send_cmpctblock(p, b);
    p->best_header_sent = i;
    block_unref(b);
    return true;
}

static void announce_headers(struct peer *p)
{
    const struct block_index *list[MAX_BLOCKS_ANNOUNCE];
    size_t n = 0;
    bool compact = p->wants_cmpct && p->n_announce == 1;
    bool by_headers = p->wants_headers && p->n_announce <= MAX_BLOCKS_ANNOUNCE;
    if (p->n_announce == 0)
        return;
    peer_process_availability(p);
    if ((by_headers || compact) && collect(p, list, &n)) {
        if (n > 0 && !(compact && send_compact(p, list[0])))
            send_headers(p, list, n);
    } else {
        const struct block_hash *last = &p->announce[p->n_announce - 1];
        const struct block_index *i = chain_find(p->net->chain, last);
        if (i && !peer_has_header(p, i))
            block_invs_add(p, last);
    }
    p->n_announce = 0;
}

void announce_tick(struct peer *p)
{
    struct buf b = BUF_INIT;
    announce_headers(p);
    if (p->n_block_invs == 0)
        return;
    write_compact(&b, p->n_block_invs); /* at most 500 and a few: below MAX_INV */
    for (size_t i = 0; i < p->n_block_invs; i++) {
        write_u32(&b, p->block_invs[i].type);
        write_bytes(&b, p->block_invs[i].hash, 32);
    }
    p->n_block_invs = 0;
    peer_send_buf(p, M_inv, &b);
}
