/*
 * Hierarchical keys (BIP32).
 *
 * A derivation step is an HMAC-SHA512 and one addition on the curve. The rare failures (an invalid
 * half of the HMAC, depth 255) are answers, not bugs: a caller takes the next index. Everything
 * that held secret bytes is wiped on the way out.
 */
#include "crypto/bip32.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "util/mem.h"
#include "util/str.h"

void ext_pubkey_write(const struct ext_pubkey *k, uint8_t out[74])
{
    CHECK(k->key.len == 33);
    out[0] = k->depth;
    memcpy(out + 1, k->parent, 4);
    put_be32(out + 5, k->child);
    memcpy(out + 9, k->chaincode, 32);
    memcpy(out + 41, k->key.data, 33);
}

/* A master key has neither parent nor index. */
static bool origin_consistent(uint8_t depth, const uint8_t parent[4], uint32_t child)
{
    return depth != 0 || (child == 0 && get_le32(parent) == 0);
}

bool ext_pubkey_read(struct ext_pubkey *k, const uint8_t in[74])
{
    k->depth = in[0];
    memcpy(k->parent, in + 1, 4);
    k->child = get_be32(in + 5);
    memcpy(k->chaincode, in + 9, 32);
    return pubkey_from_bytes(&k->key, in + 41, 33) && pubkey_valid(&k->key) &&
           origin_consistent(k->depth, k->parent, k->child);
}

void ext_seckey_write(const struct ext_seckey *k, uint8_t out[74])
{
    out[0] = k->depth;
    memcpy(out + 1, k->parent, 4);
    put_be32(out + 5, k->child);
    memcpy(out + 9, k->chaincode, 32);
    out[41] = 0;
    memcpy(out + 42, k->key.b, 32);
}

bool ext_seckey_read(struct ext_seckey *k, const uint8_t in[74])
{
    k->depth = in[0];
    memcpy(k->parent, in + 1, 4);
    k->child = get_be32(in + 5);
    memcpy(k->chaincode, in + 9, 32);
    memcpy(k->key.b, in + 42, 32);
    k->key.compressed = true;
    return in[41] == 0 && seckey_valid(k->key.b) &&
           origin_consistent(k->depth, k->parent, k->child);
}

bool ext_seckey_from_seed(struct ext_seckey *out, const void *seed, size_t len)
{
    static const char salt[] = "Bitcoin seed";
    uint8_t both[64];
    hmac_sha512(both, salt, strlen(salt), seed, len);
    memset(out, 0, sizeof(*out));
    memcpy(out->key.b, both, 32);
    memcpy(out->chaincode, both + 32, 32);
    out->key.compressed = true;
    wipe(both, sizeof(both));
    return seckey_valid(out->key.b);
}

/* The HMAC of a step: `key` is the 33 bytes that BIP32 calls ser(point) or 0 || ser(secret). */
static void step(uint8_t both[64], const uint8_t chaincode[32], const uint8_t key[33],
                 uint32_t child)
{
    uint8_t data[37];
    memcpy(data, key, 33);
    put_be32(data + 33, child);
    hmac_sha512(both, chaincode, 32, data, sizeof(data));
    wipe(data, sizeof(data));
}

bool ext_seckey_derive(struct ext_seckey *out, const struct ext_seckey *k, uint32_t child)
{
    struct pubkey pk;
    uint8_t both[64], secret[33] = {0};
    if (k->depth == 255 || !k->key.compressed || !seckey_pubkey(&pk, &k->key))
        return false;
    memcpy(secret + 1, k->key.b, 32);
    step(both, k->chaincode, child & BIP32_HARDENED ? secret : pk.data, child);
    uint8_t id[20];
    pubkey_id(&pk, id);
    struct ext_seckey next = {.depth = (uint8_t)(k->depth + 1), .child = child, .key = k->key};
    memcpy(next.parent, id, 4);
    memcpy(next.chaincode, both + 32, 32);
    bool ok = seckey_tweak_add(&next.key, both);
    *out = next;
    wipe(&next, sizeof(next));
    wipe(both, sizeof(both));
    wipe(secret, sizeof(secret));
    return ok;
}

bool ext_pubkey_derive(struct ext_pubkey *out, const struct ext_pubkey *k, uint32_t child)
{
    uint8_t both[64];
    if (k->depth == 255 || child & BIP32_HARDENED || k->key.len != 33)
        return false;
    step(both, k->chaincode, k->key.data, child);
    struct ext_pubkey next = {.depth = (uint8_t)(k->depth + 1), .child = child};
    ext_pubkey_fingerprint(k, next.parent);
    memcpy(next.chaincode, both + 32, 32);
    bool ok = pubkey_tweak_add(&next.key, &k->key, both);
    *out = next;
    return ok;
}

void ext_seckey_neuter(struct ext_pubkey *out, const struct ext_seckey *k)
{
    out->depth = k->depth;
    memcpy(out->parent, k->parent, 4);
    out->child = k->child;
    memcpy(out->chaincode, k->chaincode, 32);
    CHECK(k->key.compressed && seckey_pubkey(&out->key, &k->key));
}

void ext_pubkey_fingerprint(const struct ext_pubkey *k, uint8_t out[4])
{
    uint8_t id[20];
    pubkey_id(&k->key, id);
    memcpy(out, id, 4);
}

static bool parse_step(char *text, uint32_t *out)
{
    size_t len = strlen(text);
    bool hardened = len && (text[len - 1] == 'h' || text[len - 1] == '\'');
    if (hardened)
        text[len - 1] = '\0';
    if (!parse_u32(text, out) || *out & BIP32_HARDENED)
        return false;
    if (hardened)
        *out |= BIP32_HARDENED;
    return true;
}

bool bip32_path_parse(const char *s, uint32_t *path, size_t max, size_t *len)
{
    size_t n;
    char **parts = str_split(s, '/', &n);
    size_t first = strcmp(parts[0], "m") == 0;
    bool ok = n - first <= max;
    for (size_t i = first; ok && i < n; i++)
        ok = parse_step(parts[i], &path[i - first]);
    *len = n - first;
    free(parts);
    return ok;
}

char *bip32_path_format(const uint32_t *path, size_t len, bool apostrophe)
{
    struct buf b = BUF_INIT;
    write_u8(&b, 'm');
    for (size_t i = 0; i < len; i++)
        write_printf(&b, "/%u%s", path[i] & ~BIP32_HARDENED,
                     !(path[i] & BIP32_HARDENED) ? ""
                     : apostrophe                ? "'"
                                                 : "h");
    write_u8(&b, '\0');
    return (char *)buf_take(&b, NULL);
}
