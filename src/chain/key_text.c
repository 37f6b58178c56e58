/* Keys as text: WIF of single secret keys, xpub and xprv of extended ones; all Base58Check. */
#include "chain/address.h"
#include "util/mem.h"

#define EXT_KEY_SIZE 74
#define WIF_MAX      34

char *wif_encode(const struct address_params *p, const struct seckey *key)
{
    uint8_t data[WIF_MAX];
    char *text;

    data[0] = p->secret_prefix;
    memcpy(data + 1, key->b, 32);
    data[33] = 1;
    text = base58check_encode(data, key->compressed ? 34 : 33);
    wipe(data, sizeof(data));
    return text;
}

static void clear_secret(struct buf *b)
{
    if (b->data)
        wipe(b->data, b->cap);
    buf_clear(b);
}

bool wif_decode(const struct address_params *p, const char *s, struct seckey *out)
{
    struct buf b = BUF_INIT;
    bool ok;

    ok = base58check_decode(s, &b, WIF_MAX) && (b.len == 33 || (b.len == 34 && b.data[33] == 1)) &&
         b.data[0] == p->secret_prefix && seckey_valid(b.data + 1);
    if (ok) {
        memcpy(out->b, b.data + 1, 32);
        out->compressed = b.len == 34;
    }
    clear_secret(&b);
    return ok;
}

static bool ext_decode(const uint8_t version[4], const char *s, uint8_t out[EXT_KEY_SIZE])
{
    struct buf b = BUF_INIT;
    bool ok;

    ok = base58check_decode(s, &b, 4 + EXT_KEY_SIZE) && b.len == 4 + EXT_KEY_SIZE &&
         memcmp(b.data, version, 4) == 0;
    if (ok)
        memcpy(out, b.data + 4, EXT_KEY_SIZE);
    clear_secret(&b);
    return ok;
}

char *ext_pubkey_encode(const struct address_params *p, const struct ext_pubkey *k)
{
    uint8_t data[4 + EXT_KEY_SIZE];

    memcpy(data, p->ext_public, 4);
    ext_pubkey_write(k, data + 4);
    return base58check_encode(data, sizeof(data));
}

bool ext_pubkey_decode(const struct address_params *p, const char *s, struct ext_pubkey *out)
{
    uint8_t data[EXT_KEY_SIZE];

    return ext_decode(p->ext_public, s, data) && ext_pubkey_read(out, data);
}

char *ext_seckey_encode(const struct address_params *p, const struct ext_seckey *k)
{
    uint8_t data[4 + EXT_KEY_SIZE];
    char *text;

    memcpy(data, p->ext_secret, 4);
    ext_seckey_write(k, data + 4);
    text = base58check_encode(data, sizeof(data));
    wipe(data, sizeof(data));
    return text;
}

bool ext_seckey_decode(const struct address_params *p, const char *s, struct ext_seckey *out)
{
    uint8_t data[EXT_KEY_SIZE];
    bool ok;

    ok = ext_decode(p->ext_secret, s, data) && ext_seckey_read(out, data);
    wipe(data, sizeof(data));
    return ok;
}
