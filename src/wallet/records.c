/*
 * The records of a wallet file, written: keys and values exactly as Core's descriptor wallets have
 * them. A key is a name (with its length) and what tells records of that name apart. What reads
 * them is load.c, except for transactions, whose two directions are best seen side by side.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "util/str.h"
#include "wallet/inside.h"

#define LOCATOR_VERSION 70016
#define TX_STRING_MAX   (1 << 20)

static void put_string(struct buf *b, const char *s)
{
    write_var_span(b, span_of(s, strlen(s)));
}

static void begin_key(struct buf *key, const char *name)
{
    buf_init(key);
    put_string(key, name);
}

/* Writes and releases both. */
static void put(struct wallet *w, struct buf *key, struct buf *value)
{
    wallet_db_put(w->db, buf_span(key), buf_span(value));
    wipe(value->data, value->len);
    buf_clear(key);
    buf_clear(value);
}

static void erase(struct wallet *w, struct buf *key)
{
    wallet_db_erase(w->db, buf_span(key));
    buf_clear(key);
}

/* ---- the wallet itself ---- */

void wallet_put_version(struct wallet *w)
{
    struct buf k, v = BUF_INIT;

    begin_key(&k, "version");
    write_u32(&v, WALLET_CLIENT_VERSION);
    put(w, &k, &v);
}

void wallet_put_flags(struct wallet *w)
{
    struct buf k, v = BUF_INIT;

    begin_key(&k, "flags");
    write_u64(&v, w->flags);
    put(w, &k, &v);
}

void wallet_put_order(struct wallet *w)
{
    struct buf k, v = BUF_INIT;

    begin_key(&k, "orderposnext");
    write_u64(&v, (uint64_t)w->next_order);
    put(w, &k, &v);
}

/* Heights of a locator: the last eleven blocks, then steps that double, then the first block. */
static void write_locator(struct wallet *w, struct buf *v)
{
    const struct wallet_node *node = w->set->o.node;
    struct buf hashes = BUF_INIT;
    struct block_hash h = w->last_block;
    uint64_t n = 0;
    int32_t height = w->last_height, step = 1;

    while (height >= 0) {
        if (n > 0 && !node->block_hash(node->arg, height, &h))
            break;
        write_bytes(&hashes, h.b, 32);
        if (++n > 10)
            step *= 2;
        if (height == 0)
            break;
        height = height > step ? height - step : 0;
    }
    write_u32(v, LOCATOR_VERSION);
    write_compact(v, n);
    write_span(v, buf_span(&hashes));
    buf_clear(&hashes);
}

void wallet_put_best_block(struct wallet *w)
{
    struct buf k, v = BUF_INIT;

    begin_key(&k, "bestblock"); /* empty: for programs older than the record below */
    write_u32(&v, LOCATOR_VERSION);
    write_compact(&v, 0);
    put(w, &k, &v);
    begin_key(&k, "bestblock_nomerkle");
    write_locator(w, &v);
    put(w, &k, &v);
}

/* ---- descriptors ---- */

static void begin_descriptor_key(struct buf *key, const char *name,
                                 const struct wallet_descriptor *d)
{
    begin_key(key, name);
    write_bytes(key, d->id, 32);
}

void wallet_put_descriptor(struct wallet *w, const struct wallet_descriptor *d)
{
    struct buf k, v = BUF_INIT;
    char *text = descriptor_to_string(&w->set->o.net->address, d->d);

    begin_descriptor_key(&k, "walletdescriptor", d);
    put_string(&v, text);
    write_u64(&v, (uint64_t)d->created);
    write_u32(&v, (uint32_t)d->next);
    write_u32(&v, (uint32_t)d->range_begin);
    write_u32(&v, (uint32_t)d->range_end);
    put(w, &k, &v);
    free(text);
}

static void begin_active_key(struct buf *k, enum output_type type, bool internal)
{
    begin_key(k, internal ? "activeinternalspk" : "activeexternalspk");
    write_u8(k, (uint8_t)type);
}

void wallet_put_active(struct wallet *w, const struct wallet_descriptor *d, enum output_type type,
                       bool internal)
{
    struct buf k, v = BUF_INIT;

    begin_active_key(&k, type, internal);
    write_bytes(&v, d->id, 32);
    put(w, &k, &v);
}

void wallet_erase_active(struct wallet *w, enum output_type type, bool internal)
{
    struct buf k;

    begin_active_key(&k, type, internal);
    erase(w, &k);
}

void wallet_put_cache(struct wallet *w, const struct wallet_descriptor *d,
                      const struct descriptor_cache_item *item)
{
    struct buf k, v = BUF_INIT;
    uint8_t xpub[74];

    begin_descriptor_key(&k,
                         item->kind == DESCRIPTOR_CACHE_LAST_HARDENED ? "walletdescriptorlhcache"
                                                                      : "walletdescriptorcache",
                         d);
    write_u32(&k, item->key);
    if (item->kind == DESCRIPTOR_CACHE_DERIVED)
        write_u32(&k, item->index);
    ext_pubkey_write(&item->xpub, xpub);
    write_var_span(&v, span_of(xpub, sizeof(xpub)));
    put(w, &k, &v);
}

/* SEC1's ECPrivateKey with the curve's parameters spelled out, as OpenSSL once wrote it. */
static void write_private_der(struct buf *out, const struct seckey *key, const struct pubkey *pk)
{
    static const uint8_t params[] = {
        0x02, 0x01, 0x01, 0x30, 0x2c, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x01, 0x01, 0x02,
        0x21, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
        0xff, 0xff, 0xfc, 0x2f, 0x30, 0x06, 0x04, 0x01, 0x00, 0x04, 0x01, 0x07, 0x04};
    static const uint8_t generator[] = {
        0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce,
        0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2,
        0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98, 0x48, 0x3a, 0xda, 0x77, 0x26, 0xa3, 0xc4,
        0x65, 0x5d, 0xa4, 0xfb, 0xfc, 0x0e, 0x11, 0x08, 0xa8, 0xfd, 0x17, 0xb4, 0x48,
        0xa6, 0x85, 0x54, 0x19, 0x9c, 0x47, 0xd0, 0x8f, 0xfb, 0x10, 0xd4, 0xb8};
    static const uint8_t order[] = {0x02, 0x21, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
                                    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e,
                                    0x8c, 0xd0, 0x36, 0x41, 0x41, 0x02, 0x01, 0x01};
    bool small = pk->len == 33;
    static const uint8_t begin_small[] = {0x30, 0x81, 0xd3, 0x02, 0x01, 0x01, 0x04, 0x20};
    static const uint8_t begin_large[] = {0x30, 0x82, 0x01, 0x13, 0x02, 0x01, 0x01, 0x04, 0x20};
    static const uint8_t middle_small[] = {0xa0, 0x81, 0x85, 0x30, 0x81, 0x82};
    static const uint8_t middle_large[] = {0xa0, 0x81, 0xa5, 0x30, 0x81, 0xa2};

    if (small)
        write_bytes(out, begin_small, sizeof(begin_small));
    else
        write_bytes(out, begin_large, sizeof(begin_large));
    write_bytes(out, key->b, 32);
    write_bytes(out, small ? middle_small : middle_large, 6);
    write_bytes(out, params, sizeof(params));
    write_u8(out, small ? 0x21 : 0x41);
    write_u8(out, small ? 0x02 : 0x04);
    write_bytes(out, generator, small ? 32 : 64);
    write_bytes(out, order, sizeof(order));
    write_u8(out, 0xa1);
    write_u8(out, (uint8_t)(pk->len + 3));
    write_u8(out, 0x03);
    write_u8(out, (uint8_t)(pk->len + 1));
    write_u8(out, 0x00);
    write_bytes(out, pk->data, pk->len);
}

void wallet_put_seckey(struct wallet *w, const struct wallet_descriptor *d,
                       const struct seckey *key)
{
    struct buf k, v = BUF_INIT, der = BUF_INIT;
    struct pubkey pk;
    struct sha256 h;
    uint8_t check[32];

    CHECK(seckey_pubkey(&pk, key));
    begin_descriptor_key(&k, "walletdescriptorkey", d);
    write_var_span(&k, span_of(pk.data, pk.len));
    buf_reserve(&der, 300); /* no copies of the secret by growing */
    write_private_der(&der, key, &pk);
    sha256_init(&h);
    sha256_write(&h, pk.data, pk.len);
    sha256_write(&h, der.data, der.len);
    sha256d_final(&h, check);
    buf_reserve(&v, 400);
    write_var_span(&v, buf_span(&der));
    write_bytes(&v, check, 32);
    put(w, &k, &v);
    wipe(der.data, der.len);
    buf_clear(&der);
}

void wallet_put_crypted_key(struct wallet *w, const struct wallet_descriptor *d,
                            const struct wallet_key *key)
{
    struct buf k, v = BUF_INIT;

    begin_descriptor_key(&k, "walletdescriptorckey", d);
    write_var_span(&k, span_of(key->pubkey.data, key->pubkey.len));
    write_var_span(&v, span_of(key->secret, sizeof(key->secret)));
    put(w, &k, &v);
    begin_descriptor_key(&k, "walletdescriptorkey", d);
    write_var_span(&k, span_of(key->pubkey.data, key->pubkey.len));
    erase(w, &k);
}

void wallet_put_master_key(struct wallet *w, const struct master_key *m)
{
    struct buf k, v = BUF_INIT;

    begin_key(&k, "mkey");
    write_u32(&k, m->id);
    write_var_span(&v, span_of(m->crypted, sizeof(m->crypted)));
    write_var_span(&v, span_of(m->salt, sizeof(m->salt)));
    write_u32(&v, m->method);
    write_u32(&v, m->iterations);
    write_var_span(&v, buf_span(&m->other));
    put(w, &k, &v);
}

/* ---- address book, locks ---- */

static void put_text(struct wallet *w, const char *name, const char *address, const char *text)
{
    struct buf k, v = BUF_INIT;

    begin_key(&k, name);
    put_string(&k, address);
    if (text) {
        put_string(&v, text);
        put(w, &k, &v);
    } else {
        erase(w, &k);
    }
}

void wallet_put_address(struct wallet *w, const struct address_entry *e)
{
    struct buf k, v = BUF_INIT;

    put_text(w, "name", e->address, e->label);
    put_text(w, "purpose", e->address,
             e->purpose != PURPOSE_NONE ? address_purpose_name(e->purpose) : NULL);
    begin_key(&k, "destdata");
    put_string(&k, e->address);
    put_string(&k, "used");
    if (e->used) {
        put_string(&v, "1");
        put(w, &k, &v);
    } else {
        erase(w, &k);
    }
}

void wallet_put_locked(struct wallet *w, const struct outpoint *o, bool locked)
{
    struct buf k, v = BUF_INIT;

    begin_key(&k, "lockedutxo");
    write_bytes(&k, o->txid.b, 32);
    write_u32(&k, o->n);
    if (locked) {
        write_u8(&v, '1');
        put(w, &k, &v);
    } else {
        erase(w, &k);
    }
}

/* ---- transactions ---- */

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
    put_string(b, key);
    put_string(b, value);
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

    begin_key(&k, "wtxvariant");
    write_bytes(&k, tx->txid.b, 32);
    write_bytes(&k, tx->wtxid.b, 32);
    tx_write(&v, tx, true);
    put(w, &k, &v);
}

void wallet_put_tx(struct wallet *w, const struct wtx *tx)
{
    struct buf k, v = BUF_INIT;
    uint8_t hash[32];
    int32_t index;

    put_variant(w, tx->tx);
    begin_key(&k, "tx");
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
    put(w, &k, &v);
}

void wallet_erase_tx(struct wallet *w, const struct txid *txid)
{
    struct buf k;

    begin_key(&k, "tx");
    write_bytes(&k, txid->b, 32);
    erase(w, &k);
    begin_key(&k, "wtxvariant");
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
