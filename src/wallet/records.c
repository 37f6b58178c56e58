/*
 * The records of a wallet file, written: keys and values exactly as Core's descriptor wallets have
 * them. A key is a name (with its length) and what tells records of that name apart. What reads
 * them is load.c; transactions, whose two directions are best seen side by side, are in
 * records_tx.c.
 */
#include <stdlib.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "wallet/inside.h"

#define LOCATOR_VERSION 70016

void wallet_record_string(struct buf *b, const char *s)
{
    write_var_span(b, span_of(s, strlen(s)));
}

void wallet_record_key(struct buf *key, const char *name)
{
    buf_init(key);
    wallet_record_string(key, name);
}

/* Writes and releases both. */
void wallet_record_put(struct wallet *w, struct buf *key, struct buf *value)
{
    wallet_db_put(w->db, buf_span(key), buf_span(value));
    wipe(value->data, value->len);
    buf_clear(key);
    buf_clear(value);
}

void wallet_record_erase(struct wallet *w, struct buf *key)
{
    wallet_db_erase(w->db, buf_span(key));
    buf_clear(key);
}

/* ---- the wallet itself ---- */

void wallet_put_version(struct wallet *w)
{
    struct buf k, v = BUF_INIT;

    wallet_record_key(&k, "version");
    write_u32(&v, WALLET_CLIENT_VERSION);
    wallet_record_put(w, &k, &v);
}

void wallet_put_flags(struct wallet *w)
{
    struct buf k, v = BUF_INIT;

    wallet_record_key(&k, "flags");
    write_u64(&v, w->flags);
    wallet_record_put(w, &k, &v);
}

void wallet_put_order(struct wallet *w)
{
    struct buf k, v = BUF_INIT;

    wallet_record_key(&k, "orderposnext");
    write_u64(&v, (uint64_t)w->next_order);
    wallet_record_put(w, &k, &v);
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

    wallet_record_key(&k, "bestblock"); /* empty: for programs older than the record below */
    write_u32(&v, LOCATOR_VERSION);
    write_compact(&v, 0);
    wallet_record_put(w, &k, &v);
    wallet_record_key(&k, "bestblock_nomerkle");
    write_locator(w, &v);
    wallet_record_put(w, &k, &v);
}

/* ---- descriptors ---- */

static void begin_descriptor_key(struct buf *key, const char *name,
                                 const struct wallet_descriptor *d)
{
    wallet_record_key(key, name);
    write_bytes(key, d->id, 32);
}

void wallet_put_descriptor(struct wallet *w, const struct wallet_descriptor *d)
{
    struct buf k, v = BUF_INIT;
    char *text = descriptor_to_string(&w->set->o.net->address, d->d);

    begin_descriptor_key(&k, "walletdescriptor", d);
    wallet_record_string(&v, text);
    write_u64(&v, (uint64_t)d->created);
    write_u32(&v, (uint32_t)d->next);
    write_u32(&v, (uint32_t)d->range_begin);
    write_u32(&v, (uint32_t)d->range_end);
    wallet_record_put(w, &k, &v);
    free(text);
}

static void begin_active_key(struct buf *k, enum output_type type, bool internal)
{
    wallet_record_key(k, internal ? "activeinternalspk" : "activeexternalspk");
    write_u8(k, (uint8_t)type);
}

void wallet_put_active(struct wallet *w, const struct wallet_descriptor *d, enum output_type type,
                       bool internal)
{
    struct buf k, v = BUF_INIT;

    begin_active_key(&k, type, internal);
    write_bytes(&v, d->id, 32);
    wallet_record_put(w, &k, &v);
}

void wallet_erase_active(struct wallet *w, enum output_type type, bool internal)
{
    struct buf k;

    begin_active_key(&k, type, internal);
    wallet_record_erase(w, &k);
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
    wallet_record_put(w, &k, &v);
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
    wallet_record_put(w, &k, &v);
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
    wallet_record_put(w, &k, &v);
    begin_descriptor_key(&k, "walletdescriptorkey", d);
    write_var_span(&k, span_of(key->pubkey.data, key->pubkey.len));
    wallet_record_erase(w, &k);
}

void wallet_put_master_key(struct wallet *w, const struct master_key *m)
{
    struct buf k, v = BUF_INIT;

    wallet_record_key(&k, "mkey");
    write_u32(&k, m->id);
    write_var_span(&v, span_of(m->crypted, sizeof(m->crypted)));
    write_var_span(&v, span_of(m->salt, sizeof(m->salt)));
    write_u32(&v, m->method);
    write_u32(&v, m->iterations);
    write_var_span(&v, buf_span(&m->other));
    wallet_record_put(w, &k, &v);
}

/* ---- address book, locks ---- */

static void put_text(struct wallet *w, const char *name, const char *address, const char *text)
{
    struct buf k, v = BUF_INIT;

    wallet_record_key(&k, name);
    wallet_record_string(&k, address);
    if (text) {
        wallet_record_string(&v, text);
        wallet_record_put(w, &k, &v);
    } else {
        wallet_record_erase(w, &k);
    }
}

void wallet_put_address(struct wallet *w, const struct address_entry *e)
{
    struct buf k, v = BUF_INIT;

    put_text(w, "name", e->address, e->label);
    put_text(w, "purpose", e->address,
             e->purpose != PURPOSE_NONE ? address_purpose_name(e->purpose) : NULL);
    wallet_record_key(&k, "destdata");
    wallet_record_string(&k, e->address);
    wallet_record_string(&k, "used");
    if (e->used) {
        wallet_record_string(&v, "1");
        wallet_record_put(w, &k, &v);
    } else {
        wallet_record_erase(w, &k);
    }
}

void wallet_put_locked(struct wallet *w, const struct outpoint *o, bool locked)
{
    struct buf k, v = BUF_INIT;

    wallet_record_key(&k, "lockedutxo");
    write_bytes(&k, o->txid.b, 32);
    write_u32(&k, o->n);
    if (locked) {
        write_u8(&v, '1');
        wallet_record_put(w, &k, &v);
    } else {
        wallet_record_erase(w, &k);
    }
}
