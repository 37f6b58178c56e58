/*
 * Addresses: which text stands for which output, and back.
 *
 * A text that begins with the network's bech32 prefix is read as bech32 and as nothing else, so
 * that the error names what is wrong with it; all other text is read as Base58Check. The error
 * texts are what users' programs and tests compare, so they are the field's to the letter.
 */
#include "chain/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "chain/bech32.h"

#define WITNESS_PROGRAM_MAX 40

static char *encode_base58(uint8_t prefix, const struct destination *d)
{
    uint8_t data[21];

    data[0] = prefix;
    memcpy(data + 1, d->data, 20);
    return base58check_encode(data, sizeof(data));
}

static char *encode_witness(const char *hrp, uint8_t version, const uint8_t *program, size_t len)
{
    uint8_t values[1 + (WITNESS_PROGRAM_MAX * 8 + 4) / 5];
    size_t n;

    CHECK(len <= WITNESS_PROGRAM_MAX);
    values[0] = version;
    convert_bits(values + 1, &n, 5, program, len, 8, true);
    return bech32_encode(version == 0 ? BECH32 : BECH32M, hrp, values, n + 1);
}

char *address_encode(const struct address_params *p, const struct destination *d)
{
    static const uint8_t anchor[2] = {0x4e, 0x73};

    switch (d->type) {
    case DEST_NONE:
    case DEST_PUBKEY: return NULL;
    case DEST_P2PKH: return encode_base58(p->pubkey_prefix, d);
    case DEST_P2SH: return encode_base58(p->script_prefix, d);
    case DEST_P2WPKH: return encode_witness(p->hrp, 0, d->data, 20);
    case DEST_P2WSH: return encode_witness(p->hrp, 0, d->data, 32);
    case DEST_P2TR: return encode_witness(p->hrp, 1, d->data, 32);
    case DEST_ANCHOR: return encode_witness(p->hrp, 1, anchor, sizeof(anchor));
    case DEST_WITNESS: return encode_witness(p->hrp, d->witness_version, d->data, d->len);
    }
    return NULL;
}

static void set(struct destination *d, enum destination_type type, const uint8_t *data, size_t len)
{
    d->type = type;
    d->len = (uint8_t)len;
    memcpy(d->data, data, len);
}

static bool fail(struct address_error *error, const char *text)
{
    snprintf(error->text, sizeof(error->text), "%s", text);
    return false;
}

static bool decode_base58(const struct address_params *p, const char *s, struct destination *out,
                          struct address_error *error)
{
    struct buf b = BUF_INIT;
    bool ok = false;

    if (!base58check_decode(s, &b, 21)) {
        if (base58_decode(s, &b, 100))
            fail(error, "Invalid checksum or length of Base58 address (P2PKH or P2SH)");
        else
            fail(error, "Invalid or unsupported Segwit (Bech32) or Base58 encoding.");
    } else if (b.len == 0 || (b.data[0] != p->pubkey_prefix && b.data[0] != p->script_prefix)) {
        fail(error, "Invalid or unsupported Base58-encoded address.");
    } else if (b.len != 21) {
        fail(error, "Invalid length for Base58 address (P2PKH or P2SH)");
    } else {
        set(out, b.data[0] == p->pubkey_prefix ? DEST_P2PKH : DEST_P2SH, b.data + 1, 20);
        ok = true;
    }
    buf_clear(&b);
    return ok;
}

static bool set_program_v0(struct destination *out, const uint8_t *program, size_t len,
                           struct address_error *error)
{
    if (len == 20 || len == 32) {
        set(out, len == 20 ? DEST_P2WPKH : DEST_P2WSH, program, len);
        return true;
    }
    snprintf(error->text, sizeof(error->text),
             "Invalid Bech32 v0 address program size (%zu %s), per BIP141", len,
             len == 1 ? "byte" : "bytes");
    return false;
}

static bool set_program(struct destination *out, unsigned version, const uint8_t *program,
                        size_t len, struct address_error *error)
{
    if (version == 0)
        return set_program_v0(out, program, len, error);
    if (version == 1 && len == 32) {
        set(out, DEST_P2TR, program, len);
        return true;
    }
    if (version == 1 && len == 2 && program[0] == 0x4e && program[1] == 0x73) {
        set(out, DEST_ANCHOR, program, len);
        return true;
    }
    if (version > 16)
        return fail(error, "Invalid Bech32 address witness version");
    if (len < 2 || len > WITNESS_PROGRAM_MAX) {
        snprintf(error->text, sizeof(error->text), "Invalid Bech32 address program size (%zu %s)",
                 len, len == 1 ? "byte" : "bytes");
        return false;
    }
    set(out, DEST_WITNESS, program, len);
    out->witness_version = (uint8_t)version;
    return true;
}

static bool decode_bech32(const struct address_params *p, const char *s, struct destination *out,
                          struct address_error *error)
{
    uint8_t values[BECH32_MAX_LEN], program[BECH32_MAX_LEN];
    enum bech32_encoding enc;
    size_t n, len;
    char hrp[84];

    enc = bech32_decode(s, hrp, values, sizeof(values), &n);
    if (enc == BECH32_NONE) {
        bech32_locate(s, error);
        return false;
    }
    if (n == 0)
        return fail(error, "Empty Bech32 data section");
    if (strcmp(hrp, p->hrp) != 0) {
        snprintf(error->text, sizeof(error->text),
                 "Invalid or unsupported prefix for Segwit (Bech32) address (expected %s, got %s).",
                 p->hrp, hrp);
        return false;
    }
    if (values[0] == 0 && enc != BECH32)
        return fail(error, "Version 0 witness address must use Bech32 checksum");
    if (values[0] != 0 && enc != BECH32M)
        return fail(error, "Version 1+ witness address must use Bech32m checksum");
    if (!convert_bits(program, &len, 8, values + 1, n - 1, 5, false))
        return fail(error, "Invalid padding in Bech32 data section");
    return set_program(out, values[0], program, len, error);
}

bool address_decode(const struct address_params *p, const char *s, struct destination *out,
                    struct address_error *error)
{
    struct address_error e = {0};
    bool ok;

    memset(out, 0, sizeof(*out));
    if (strncasecmp(s, p->hrp, strlen(p->hrp)) == 0)
        ok = decode_bech32(p, s, out, &e);
    else
        ok = decode_base58(p, s, out, &e);
    if (error)
        *error = e;
    else
        address_error_clear(&e);
    return ok;
}

void address_error_clear(struct address_error *error)
{
    free(error->at);
    *error = (struct address_error){0};
}

bool destination_eq(const struct destination *a, const struct destination *b)
{
    return a->type == b->type && a->witness_version == b->witness_version && a->len == b->len &&
           memcmp(a->data, b->data, a->len) == 0;
}
