/*
 * Text forms: addresses of every network, keys, base58, bech32, base64. What decodes, encodes to a
 * text that decodes to the same.
 */
#include <stdlib.h>

#include "chain/address.h"
#include "consensus/params.h"
#include "fuzz.h"
#include "util/mem.h"

static void check_address(const struct address_params *p, const char *s)
{
    struct destination d, again;
    struct address_error error;
    if (address_decode(p, s, &d, &error)) {
        char *text = address_encode(p, &d);
        CHECK(text && address_decode(p, text, &again, NULL) && destination_eq(&d, &again));
        free(text);
    }
    address_error_clear(&error);
}

static void check_keys(const struct address_params *p, const char *s)
{
    struct seckey key;
    struct ext_pubkey xpub;
    struct ext_seckey xprv;
    char *text = NULL;
    if (wif_decode(p, s, &key))
        text = wif_encode(p, &key);
    else if (ext_pubkey_decode(p, s, &xpub))
        text = ext_pubkey_encode(p, &xpub);
    else if (ext_seckey_decode(p, s, &xprv))
        text = ext_seckey_encode(p, &xprv);
    CHECK(!text || strcmp(text, s) == 0);
    free(text);
}

static void check_base58(const char *s)
{
    struct buf b = BUF_INIT;
    if (base58_decode(s, &b, 1000)) {
        char *text = base58_encode(b.data, b.len);
        struct buf again = BUF_INIT;
        CHECK(base58_decode(text, &again, 1000) && span_eq(buf_span(&b), buf_span(&again)));
        buf_clear(&again);
        free(text);
    }
    buf_clear(&b);
}

static void check_bech32(const char *s)
{
    char hrp[84];
    uint8_t values[128];
    size_t n;
    enum bech32_encoding enc = bech32_decode(s, hrp, values, sizeof(values), &n);
    if (enc == BECH32_NONE)
        return;
    char *text = bech32_encode(enc, hrp, values, n);
    CHECK(strcasecmp(text, s) == 0);
    free(text);
}

static void check_base64(const char *s)
{
    struct buf b = BUF_INIT;
    if (base64_decode(s, &b)) {
        char *text = base64_encode(b.data, b.len);
        CHECK(strcmp(text, s) == 0);
        free(text);
    }
    buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1000)
        return 0;
    char *s = xstrndup((const char *)data, size);
    size_t n;
    const struct network *const *nets = network_all(&n);
    for (size_t i = 0; i < n; i++) {
        check_address(&nets[i]->address, s);
        check_keys(&nets[i]->address, s);
    }
    check_base58(s);
    check_bech32(s);
    check_base64(s);
    free(s);
    return 0;
}
