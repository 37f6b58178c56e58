/*
 * The JSON writer, and getters over json-c's tree.
 *
 * Answers are text appended to one buffer: no tree is built to be walked and freed again, which for
 * a block's transactions costs several times what the text does. The level's closing bracket is
 * kept in a small stack, so that open and close cannot be mixed up; depth is ours, not the
 * caller's, hence a CHECK. Output is compact, as Core prints it; only `"`, `\`, control characters
 * and DEL are escaped.
 *
 * Numbers that come in keep their text in json-c (for those with a point or an exponent), so an
 * amount is read as the exact decimal that was written; through a double, 0.1 would need rounding
 * and 20999999.9769 could be off by one.
 */
#include "rpc/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/amount.h"
#include "util/mem.h"

#define MAX_PARSE_DEPTH 512

void json_init(struct json *j)
{
    *j = (struct json){.out = BUF_INIT};
}

void json_clear(struct json *j)
{
    buf_clear(&j->out);
    json_init(j);
}

static void put_escaped(struct buf *b, const char *s, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    size_t start = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)s[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        write_bytes(b, s + start, i - start);
        start = i + 1;
        static const char plain[] = "\b\t\n\f\r\"\\", letter[] = "btnfr\"\\";
        const char *at = c ? strchr(plain, c) : NULL;
        char esc[6] = {'\\', at ? letter[at - plain] : 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        write_bytes(b, esc, at ? 2 : 6);
    }
    write_bytes(b, s + start, len - start);
}

static void put_quoted(struct buf *b, const char *s, size_t len)
{
    write_u8(b, '"');
    put_escaped(b, s, len);
    write_u8(b, '"');
}

/* What goes before every value: comma and key. */
static void begin_value(struct json *j, const char *key)
{
    CHECK(!key == (j->depth == 0 || j->closer[j->depth - 1] == ']'));
    if (j->comma)
        write_u8(&j->out, ',');
    j->comma = true;
    if (key) {
        put_quoted(&j->out, key, strlen(key));
        write_u8(&j->out, ':');
    }
}

static void open_level(struct json *j, const char *key, char open, char closer)
{
    begin_value(j, key);
    CHECK(j->depth < sizeof(j->closer));
    j->closer[j->depth++] = (uint8_t)closer;
    j->comma = false;
    write_u8(&j->out, (uint8_t)open);
}

void json_begin_object(struct json *j, const char *key)
{
    open_level(j, key, '{', '}');
}

void json_begin_array(struct json *j, const char *key)
{
    open_level(j, key, '[', ']');
}

void json_end(struct json *j)
{
    CHECK(j->depth > 0);
    write_u8(&j->out, j->closer[--j->depth]);
    j->comma = true;
}

void json_put_raw(struct json *j, const char *key, const char *text, size_t len)
{
    begin_value(j, key);
    write_bytes(&j->out, text, len);
}

void json_put_null(struct json *j, const char *key)
{
    json_put_raw(j, key, "null", 4);
}

void json_put_bool(struct json *j, const char *key, bool v)
{
    json_put_raw(j, key, v ? "true" : "false", v ? 4 : 5);
}

void json_put_int(struct json *j, const char *key, int64_t v)
{
    char s[24];
    json_put_raw(j, key, s, (size_t)snprintf(s, sizeof(s), "%" PRId64, v));
}

void json_put_uint(struct json *j, const char *key, uint64_t v)
{
    char s[24];
    json_put_raw(j, key, s, (size_t)snprintf(s, sizeof(s), "%" PRIu64, v));
}

void json_put_double(struct json *j, const char *key, double v)
{
    char s[40];
    json_put_raw(j, key, s, (size_t)snprintf(s, sizeof(s), "%.16g", v));
}

void json_put_amount(struct json *j, const char *key, int64_t satoshi)
{
    char s[32];
    amount_format(s, satoshi);
    json_put_raw(j, key, s, strlen(s));
}

void json_put_strn(struct json *j, const char *key, const char *s, size_t len)
{
    begin_value(j, key);
    put_quoted(&j->out, s, len);
}

void json_put_str(struct json *j, const char *key, const char *s)
{
    json_put_strn(j, key, s, strlen(s));
}

void json_put_strf(struct json *j, const char *key, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = xvasprintf(fmt, ap);
    va_end(ap);
    json_put_str_take(j, key, s);
}

void json_put_hex(struct json *j, const char *key, const void *data, size_t len)
{
    begin_value(j, key);
    struct buf *b = &j->out;
    buf_reserve(b, 2 * len + 3); /* with the 0 that hex_encode() puts behind */
    b->data[b->len++] = '"';
    hex_encode((char *)b->data + b->len, data, len);
    b->len += 2 * len;
    b->data[b->len++] = '"';
}

void json_put_hash(struct json *j, const char *key, const uint8_t b[32])
{
    char hex[HASH_HEX_SIZE];
    hash_to_hex(hex, b);
    json_put_strn(j, key, hex, 64);
}

void json_put_str_take(struct json *j, const char *key, char *s)
{
    if (s)
        json_put_str(j, key, s);
    free(s);
}

void json_put_value(struct json *j, const char *key, struct json_object *v)
{
    size_t len = 0;
    const char *s = json_object_to_json_string_length(
        v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    json_put_raw(j, key, s, len);
}

/* What json-c lets pass though it is no JSON: control characters in strings, NaN and Infinity, a
 * point without digits behind it. */
static bool is_strict(const char *text, size_t len)
{
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (in_string && c < 0x20)
            return false;
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == 'N' || c == 'I' ||
                                (c == '.' && (i + 1 == len || !isdigit((uint8_t)text[i + 1])))))
            return false;
    }
    return true;
}

struct json_object *json_parse(const char *text, size_t len, bool *ok)
{
    *ok = false;
    if (len > INT_MAX - 1 || !is_strict(text, len))
        return NULL;
    struct json_tokener *t = json_tokener_new_ex(MAX_PARSE_DEPTH);
    CHECK(t);
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *v = json_tokener_parse_ex(t, text, (int)len);
    enum json_tokener_error err = json_tokener_get_error(t);
    if (err == json_tokener_continue) /* a bare number ends only with what follows it */
        v = json_tokener_parse_ex(t, "", 1), err = json_tokener_get_error(t);
    size_t end = json_tokener_get_parse_end(t);
    *ok = err == json_tokener_success &&
          (end == 0 || end >= len || strspn(text + end, " \t\r\n") >= len - end);
    json_tokener_free(t);
    if (!*ok) {
        json_object_put(v);
        return NULL;
    }
    return v;
}

const char *json_type_text(struct json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_null: return "null";
    case json_type_boolean: return "bool";
    case json_type_double:
    case json_type_int: return "number";
    case json_type_object: return "object";
    case json_type_array: return "array";
    case json_type_string: return "string";
    }
    return "null";
}

struct json_object *json_get(struct json_object *v, const char *key)
{
    struct json_object *out = NULL;
    if (json_object_is_type(v, json_type_object))
        json_object_object_get_ex(v, key, &out);
    return out;
}

bool json_as_int(struct json_object *v, int64_t min, int64_t max, int64_t *out)
{
    if (!json_object_is_type(v, json_type_int))
        return false;
    int64_t n = json_object_get_int64(v); /* clamps what is larger, so compare both ways */
    if (n == INT64_MAX && json_object_get_uint64(v) > INT64_MAX)
        return false;
    if (n < min || n > max)
        return false;
    *out = n;
    return true;
}

bool json_as_double(struct json_object *v, double *out)
{
    if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
        return false;
    *out = json_object_get_double(v);
    return isfinite(*out);
}

bool json_as_amount(struct json_object *v, int64_t *out)
{
    switch (json_object_get_type(v)) {
    case json_type_int:
    case json_type_double: return amount_parse(out, json_object_to_json_string(v));
    case json_type_string:
        return strlen(json_object_get_string(v)) == (size_t)json_object_get_string_len(v) &&
               amount_parse(out, json_object_get_string(v));
    case json_type_null:
    case json_type_boolean:
    case json_type_object:
    case json_type_array: return false;
    }
    return false;
}
