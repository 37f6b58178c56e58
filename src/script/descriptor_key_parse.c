/*
 * Parsing of key expressions (BIP380): origin in brackets, then a public key, a private key or an
 * extended key with its path, at most one multipath step (BIP389) and at most one range at the end.
 *
 * A multipath is not kept: the parser is asked for one of its alternatives and tells how many there
 * are, so one descriptor never stands for several anywhere else.
 */
#include <ctype.h>
#include <stdlib.h>

#include "script/descriptor_tree.h"
#include "util/mem.h"
#include "util/str.h"

/* The next part of a text up to `sep`. False where all parts are taken. */
struct splitter {
    const uint8_t *p, *end;
    char sep;
    bool done;
};

static void split_init(struct splitter *s, struct span text, char sep)
{
    *s = (struct splitter){text.data, text.data + text.len, sep, false};
}

static bool split_next(struct splitter *s, struct span *part)
{
    if (s->done)
        return false;
    size_t left = (size_t)(s->end - s->p);
    const uint8_t *at = left ? memchr(s->p, s->sep, left) : NULL;
    *part = span_of(s->p, at ? (size_t)(at - s->p) : left);
    if (at)
        s->p = at + 1;
    else
        s->done = true;
    return true;
}

#define SPAN_ARG(s) (int)(s).len, (const char *)(s).data

static bool parse_step(struct span text, uint32_t *out, bool *apostrophe, char **error)
{
    uint64_t v = 0;
    size_t digits = text.len;
    bool hardened = false, number;

    if (text.len == 0) {
        *error = xstrdup("Key path value '' is not valid");
        return false;
    }
    uint8_t last = text.data[text.len - 1];
    if (last == '\'' || last == 'h') {
        hardened = true;
        digits--;
    }
    number = digits > 0 && digits <= 10;
    for (size_t i = 0; number && i < digits; i++) {
        number = isdigit(text.data[i]);
        v = v * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (!number || v > UINT32_MAX) {
        *error = xasprintf("Key path value '%.*s' is not a valid uint32", (int)digits,
                           (const char *)text.data);
        return false;
    }
    if (v >= BIP32_HARDENED) {
        *error = xasprintf("Key path value %u is out of range", (unsigned)v);
        return false;
    }
    if (hardened)
        *apostrophe = last == '\'';
    *out = (uint32_t)v | (hardened ? BIP32_HARDENED : 0);
    return true;
}

/* "<0;1;2h>": takes alternative `which`. */
static bool parse_multipath(struct span text, size_t which, size_t *n_alternatives, uint32_t *out,
                            bool *apostrophe, char **error)
{
    struct splitter s;
    struct span part;
    uint32_t *seen = NULL;
    size_t n = 0, cap = 0;
    bool ok = true;

    split_init(&s, span_of(text.data + 1, text.len - 2), ';');
    while (ok && split_next(&s, &part)) {
        uint32_t v;
        ok = parse_step(part, &v, apostrophe, error);
        for (size_t i = 0; ok && i < n; i++) {
            if (seen[i] != v)
                continue;
            *error = xasprintf("Duplicated key path value %u in multipath specifier", v);
            ok = false;
        }
        if (!ok)
            break;
        seen = array_reserve(seen, &cap, n + 1, sizeof(*seen));
        seen[n++] = v;
    }
    if (ok && n < 2) {
        *error = xstrdup("Multipath key path specifiers must have at least two items");
        ok = false;
    }
    if (ok) {
        *n_alternatives = n;
        *out = seen[which < n ? which : 0];
    }
    free(seen);
    return ok;
}

/* Where the whole of a step is "<...>" but has fewer than two parts, the sentence must not depend
 * on whether that one part is a number. */
static bool multipath_has_parts(struct span text)
{
    return memchr(text.data, ';', text.len) != NULL;
}

/* Steps of `s` into a malloc'ed path. n_multipath NULL: a multipath is not allowed here. */
static bool parse_steps(struct splitter *s, size_t which, size_t *n_multipath, uint32_t **path,
                        size_t *len, bool *apostrophe, char **error)
{
    struct span part;
    size_t cap = 0;
    bool multipath = false;

    while (split_next(s, &part)) {
        uint32_t v = 0;
        if (part.len >= 2 && part.data[0] == '<' && part.data[part.len - 1] == '>') {
            if (!n_multipath) {
                *error = xasprintf("Key path value '%.*s' specifies multipath in a section where "
                                   "multipath is not allowed",
                                   SPAN_ARG(part));
                return false;
            }
            if (multipath) {
                *error = xstrdup("Multiple multipath key path specifiers found");
                return false;
            }
            multipath = true;
            if (!multipath_has_parts(part)) {
                *error = xstrdup("Multipath key path specifiers must have at least two items");
                return false;
            }
            if (!parse_multipath(part, which, n_multipath, &v, apostrophe, error))
                return false;
        } else if (!parse_step(part, &v, apostrophe, error)) {
            return false;
        }
        if (*len == KEY_PATH_MAX) {
            *error = xstrdup("Key path is too long");
            return false;
        }
        *path = array_reserve(*path, &cap, *len + 1, sizeof(**path));
        (*path)[(*len)++] = v;
    }
    return true;
}

static void set_secret(struct key_expr *k, const struct ext_seckey *secret)
{
    k->secret = secret_alloc(sizeof(*k->secret));
    *k->secret = *secret;
}

static bool parse_hex_key(const char *str, bool uncompressed, bool tap, struct key_expr *out,
                          char **error)
{
    struct buf b = BUF_INIT;
    struct pubkey pk = {0};
    bool ok = false;

    if (!hex_read(&b, str))
        return false;
    if (pubkey_from_bytes(&pk, b.data, b.len)) {
        if (pk.data[0] == 6 || pk.data[0] == 7)
            *error = xstrdup("Hybrid public keys are not allowed");
        else if (!pubkey_valid(&pk))
            *error = xasprintf("Pubkey '%s' is invalid", str);
        else if (!uncompressed && !pubkey_compressed(&pk))
            *error = xstrdup("Uncompressed keys are not allowed");
        else
            ok = true;
    } else if (b.len == 32 && tap) {
        pk.len = 33;
        pk.data[0] = 2;
        memcpy(pk.data + 1, b.data, 32);
        ok = out->xonly = pubkey_valid(&pk);
    }
    if (!ok && !*error)
        *error = xasprintf("Pubkey '%s' is invalid", str);
    if (ok)
        out->pubkey = pk;
    buf_clear(&b);
    return ok;
}

/* 1: a WIF key; 0: not one; -1: one that is not allowed here. */
static int parse_wif(const struct address_params *p, const char *str, bool uncompressed, bool tap,
                     struct key_expr *out, char **error)
{
    struct ext_seckey secret = {0};
    int result = 0;

    if (wif_decode(p, str, &secret.key)) {
        result = 1;
        if (!uncompressed && !secret.key.compressed) {
            *error = xstrdup("Uncompressed keys are not allowed");
            result = -1;
        } else {
            CHECK(seckey_pubkey(&out->pubkey, &secret.key));
            out->xonly = tap;
            set_secret(out, &secret);
        }
    }
    wipe(&secret, sizeof(secret));
    return result;
}

static bool parse_extended(const struct address_params *p, const char *str, struct key_expr *out,
                           char **error)
{
    struct ext_seckey secret;

    if (ext_seckey_decode(p, str, &secret)) {
        ext_seckey_neuter(&out->ext, &secret);
        set_secret(out, &secret);
        wipe(&secret, sizeof(secret));
    } else if (!ext_pubkey_decode(p, str, &out->ext)) {
        *error = xasprintf("key '%s' is not valid", str);
        return false;
    }
    out->extended = true;
    out->pubkey = out->ext.key;
    return true;
}

/* Cuts a final "/<asterisk>" off the text. */
static struct span take_range(struct span text, struct key_expr *out)
{
    static const char *const endings[] = {"/*", "/*'", "/*h"};

    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        size_t n = strlen(endings[i]);
        if (text.len < n || memcmp(text.data + text.len - n, endings[i], n) != 0)
            continue;
        out->derive = i == 0 ? DERIVE_NORMAL : DERIVE_HARDENED;
        if (i)
            out->apostrophe = i == 1;
        return span_of(text.data, text.len - n);
    }
    return text;
}

static bool parse_inner(const struct address_params *p, struct span text, bool uncompressed,
                        bool tap, size_t multipath, size_t *n_multipath, struct key_expr *out,
                        char **error)
{
    struct splitter s;
    struct span first;
    bool single = !text.len || !memchr(text.data, '/', text.len), ok = false;

    split_init(&s, text, '/');
    split_next(&s, &first);
    if (first.len == 0) {
        *error = xstrdup("No key provided");
        return false;
    }
    char *str = xstrndup((const char *)first.data, first.len);
    if (isspace((unsigned char)str[0]) || isspace((unsigned char)str[first.len - 1])) {
        *error = xasprintf("Key '%s' is invalid due to whitespace", str);
    } else if (single && is_hex(str)) {
        ok = parse_hex_key(str, uncompressed, tap, out, error);
    } else {
        int wif = single ? parse_wif(p, str, uncompressed, tap, out, error) : 0;
        ok = wif == 1;
        if (wif == 0 && parse_extended(p, str, out, error)) {
            split_init(&s, take_range(text, out), '/');
            split_next(&s, &first);
            ok = parse_steps(&s, multipath, n_multipath, &out->path, &out->path_len,
                             &out->apostrophe, error);
        }
    }
    wipe(str, first.len);
    free(str);
    return ok;
}

static bool parse_origin(struct span text, struct key_expr *out, char **error)
{
    struct splitter s;
    struct span fpr;

    if (text.len == 0 || text.data[0] != '[') {
        *error = xasprintf("Key origin start '[ character expected but not found, got '%c' instead",
                           text.len ? text.data[0] : ']');
        return false;
    }
    split_init(&s, span_of(text.data + 1, text.len - 1), '/');
    split_next(&s, &fpr);
    if (fpr.len != 8) {
        *error = xasprintf("Fingerprint is not 4 bytes (%zu characters instead of 8 characters)",
                           fpr.len);
        return false;
    }
    char hex[9] = {0};
    memcpy(hex, fpr.data, 8);
    if (!hex_decode(out->fingerprint, 4, hex)) {
        *error = xasprintf("Fingerprint '%s' is not hex", hex);
        return false;
    }
    out->has_origin = true;
    return parse_steps(&s, 0, NULL, &out->origin, &out->origin_len, &out->apostrophe, error);
}

bool key_expr_parse(const struct address_params *p, struct span text, bool uncompressed, bool tap,
                    size_t multipath, size_t *n_multipath, struct key_expr *out, char **error)
{
    struct splitter s;
    struct span part[3];
    size_t n = 0;

    memset(out, 0, sizeof(*out));
    *n_multipath = 1;
    split_init(&s, text, ']');
    while (n < 3 && split_next(&s, &part[n]))
        n++;
    if (n > 2) {
        *error = xstrdup("Multiple ']' characters found for a single pubkey");
        return false;
    }
    if (n == 2 && !parse_origin(part[0], out, error))
        return false;
    if (!parse_inner(p, part[n - 1], uncompressed, tap, multipath, n_multipath, out, error))
        return false;
    key_expr_prepare(out);
    return true;
}
