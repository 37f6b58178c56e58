/*
 * The record of a transaction, written and read: the transaction, its state as a block hash and an
 * index, texts as pairs, and fields that have had no meaning for years but must be there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"
#include "util/str.h"
#include "wallet/inside.h"

#define TX_STRING_MAX (1 << 20)

/* Hash and index of the record say the state. */
static void write_state(const struct wtx *tx, uint8_t hash[32], int32_t *index)
{
    memset(hash, 0, 32);
    *index = 0;
    switch (tx->state) {
    case WTX_CONFIRMED:
    case WTX_UNRECOGNIZED:
        memcpy(hash, tx->block.b, 32);
        *index = tx->index;
        break;
    case WTX_CONFLICTED:
        memcpy(hash, tx->block.b, 32);
        *index = -1;
        break;
    case WTX_ABANDONED:
        hash[0] = 1;
        *index = -1;
        break;
    case WTX_MEMPOOL:
    case WTX_INACTIVE: break;
    }
}

static void read_state(struct wtx *tx, const uint8_t hash[32], int32_t index)
{
    static const uint8_t zero[32], one[32] = {1};

    memcpy(tx->block.b, hash, 32);
    tx->index = index;
    tx->height = -1;
    tx->state = WTX_UNRECOGNIZED;
    if (memcmp(hash, zero, 32) == 0) {
        if (index == 0)
            tx->state = WTX_INACTIVE;
    } else if (memcmp(hash, one, 32) == 0) {
        if (index == -1)
            tx->state = WTX_ABANDONED;
    } else if (index >= 0) {
        tx->state = WTX_CONFIRMED;
    } else if (index == -1) {
        tx->state = WTX_CONFLICTED;
    }
}

static void put_pair(struct buf *b, uint64_t *n, const char *key, const char *value)
{
    if (!value)
        return;
    wallet_record_string(b, key);
    wallet_record_string(b, value);
    ++*n;
}

/* The texts of a transaction, in the order of their keys. */
static void write_texts(const struct wtx *tx, struct buf *v)
{
    struct buf pairs = BUF_INIT;
    char order[24], smart[16], by[HASH_HEX_SIZE], replaces[HASH_HEX_SIZE];
    uint64_t n = 0;

    snprintf(order, sizeof(order), "%lld", (long long)tx->order);
    snprintf(smart, sizeof(smart), "%u", tx->time_smart);
    hash_to_hex(by, tx->replaced_by.b);
    hash_to_hex(replaces, tx->replaces.b);
    put_pair(&pairs, &n, "comment", tx->comment);
    put_pair(&pairs, &n, "from", tx->from);
    put_pair(&pairs, &n, "fromaccount", "");
    put_pair(&pairs, &n, "message", tx->message);
    put_pair(&pairs, &n, "n", tx->order >= 0 ? order : NULL);
    put_pair(&pairs, &n, "replaced_by_txid", tx->has_replaced_by ? by : NULL);
    put_pair(&pairs, &n, "replaces_txid", tx->has_replaces ? replaces : NULL);
    put_pair(&pairs, &n, "timesmart", tx->time_smart ? smart : NULL);
    put_pair(&pairs, &n, "to", tx->comment_to);
    write_compact(v, n);
    write_span(v, buf_span(&pairs));
    buf_clear(&pairs);
}

static void put_variant(struct wallet *w, const struct tx *tx)
{
    struct buf k, v = BUF_INIT;

    wallet_record_key(&k, "wtxvariant");
    write_bytes(&k, tx->txid.b, 32);
    write_bytes(&k, tx->wtxid.b, 32);
    tx_write(&v, tx, true);
    wallet_record_put(w, &k, &v);
}

void wallet_put_tx(struct wallet *w, const struct wtx *tx)
{
    struct buf k, v = BUF_INIT;
    uint8_t hash[32];
    int32_t index;

    put_variant(w, tx->tx);
    wallet_record_key(&k, "tx");
    write_bytes(&k, tx->txid.b, 32);
    write_state(tx, hash, &index);
    tx_write(&v, tx->tx, true);
    write_bytes(&v, hash, 32);
    write_compact(&v, 0); /* once a merkle branch */
    write_u32(&v, (uint32_t)index);
    write_compact(&v, 0); /* once the transactions before it */
    write_texts(tx, &v);
    if (tx->requests.len)
        write_span(&v, buf_span(&tx->requests));
    else
        write_compact(&v, 0);
    write_u32(&v, 0);
    write_u32(&v, tx->time_received);
    write_u8(&v, 0);
    write_u8(&v, 0);
    wallet_record_put(w, &k, &v);
}

void wallet_erase_tx(struct wallet *w, const struct txid *txid)
{
    struct buf k;

    wallet_record_key(&k, "tx");
    write_bytes(&k, txid->b, 32);
    wallet_record_erase(w, &k);
    wallet_record_key(&k, "wtxvariant");
    write_bytes(&k, txid->b, 32);
    wallet_db_erase_prefix(w->db, buf_span(&k));
    buf_clear(&k);
}

static void take_text(struct wtx *tx, const char *key, char *value)
{
    int64_t number;
    char **text = strcmp(key, "comment") == 0   ? &tx->comment
                  : strcmp(key, "to") == 0      ? &tx->comment_to
                  : strcmp(key, "from") == 0    ? &tx->from
                  : strcmp(key, "message") == 0 ? &tx->message
                                                : NULL;

    if (text && !*text) {
        *text = value;
        return;
    }
    if (strcmp(key, "n") == 0 && parse_i64(value, &number))
        tx->order = number;
    else if (strcmp(key, "timesmart") == 0 && parse_i64(value, &number))
        tx->time_smart = (uint32_t)number;
    else if (strcmp(key, "replaces_txid") == 0)
        tx->has_replaces = hash_from_hex(tx->replaces.b, value);
    else if (strcmp(key, "replaced_by_txid") == 0)
        tx->has_replaced_by = hash_from_hex(tx->replaced_by.b, value);
    free(value);
}

static char *read_string(struct reader *r)
{
    struct span s = read_var_span(r, TX_STRING_MAX);
    return xstrndup((const char *)s.data, s.len);
}

static void read_texts(struct wtx *tx, struct reader *r)
{
    uint64_t n = read_compact(r, TX_STRING_MAX);

    for (uint64_t i = 0; i < n && reader_ok(r); i++) {
        char *key = read_string(r), *value = read_string(r);
        take_text(tx, key, value);
        free(key);
    }
}

static void read_requests(struct wtx *tx, struct reader *r)
{
    const uint8_t *begin = reader_pos(r);
    uint64_t n = read_compact(r, TX_STRING_MAX);

    for (uint64_t i = 0; i < n && reader_ok(r); i++) {
        read_var_span(r, TX_STRING_MAX);
        read_var_span(r, TX_STRING_MAX);
    }
    if (n && reader_ok(r))
        write_bytes(&tx->requests, begin, (size_t)(reader_pos(r) - begin));
}

bool wallet_read_tx(struct wtx *out, struct span value)
{
    struct reader r;
    uint8_t hash[32];

    reader_init(&r, value.data, value.len);
    out->order = -1;
    out->debit = -1;
    out->tx = tx_read(&r, true);
    if (!out->tx)
        return false;
    out->txid = out->tx->txid;
    read_bytes(&r, hash, 32);
    uint64_t branch = read_compact(&r, 64);
    read_span(&r, (size_t)branch * 32);
    read_state(out, hash, read_i32(&r));
    if (read_compact(&r, 1000) != 0) /* transactions before it: only in files of before 2014 */
        return false;
    read_texts(out, &r);
    read_requests(out, &r);
    read_u32(&r);
    out->time_received = read_u32(&r);
    read_u8(&r);
    read_u8(&r);
    return reader_ok(&r);
}

void wtx_free(struct wtx *tx)
{
    if (!tx)
        return;
    if (tx->tx)
        tx_unref(tx->tx);
    free(tx->from);
    free(tx->message);
    free(tx->comment);
    free(tx->comment_to);
    free(tx->variants);
    free(tx->mempool_conflicts);
    buf_clear(&tx->requests);
    free(tx);
}
