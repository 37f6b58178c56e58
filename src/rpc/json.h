/*
 * JSON. Going out: a writer that appends text to a buffer as it is called, because answers are made
 * once, in order, and may be megabytes. Coming in: json-c's tree, with getters that know our types.
 */
#ifndef MITE_RPC_JSON_H
#define MITE_RPC_JSON_H

#include <json-c/json.h>

#include "chain/hashes.h"
#include "util/bytes.h"

/* ---- writing ---- */

struct json {
    struct buf out;
    bool comma; /* something stands before the next value on this level */
    uint8_t depth;
    uint8_t closer[64]; /* '}' or ']' of each open level */
};

void json_init(struct json *j);
void json_clear(struct json *j);

/* Each puts one value: with its key inside an object; key NULL inside an array or at the top. */
void json_begin_object(struct json *j, const char *key); /* opens; json_end() closes */
void json_begin_array(struct json *j, const char *key);
void json_end(struct json *j);
void json_put_null(struct json *j, const char *key);
void json_put_bool(struct json *j, const char *key, bool v);
void json_put_int(struct json *j, const char *key, int64_t v);
void json_put_uint(struct json *j, const char *key, uint64_t v);
void json_put_double(struct json *j, const char *key,
                     double v); /* 16 digits, as Core prints them */
void json_put_amount(struct json *j, const char *key, int64_t satoshi); /* 0.00000000, exact */
void json_put_str(struct json *j, const char *key, const char *s);
void json_put_strn(struct json *j, const char *key, const char *s, size_t len);
void json_put_strf(struct json *j, const char *key, const char *fmt, ...) PRINTF(3, 4);
void json_put_hex(struct json *j, const char *key, const void *data, size_t len);
void json_put_hash(struct json *j, const char *key, const uint8_t b[32]); /* in display order */
/* A string that the caller hands over (NULL: writes nothing). */
void json_put_str_take(struct json *j, const char *key, char *s);
/* JSON text as it is. */
void json_put_raw(struct json *j, const char *key, const char *text, size_t len);
/* A value that came in. */
void json_put_value(struct json *j, const char *key, struct json_object *v);

/* ---- reading ---- */

/* The whole text is one JSON value (UTF-8, at most 512 levels); NULL where it is not, and also for
 * "null" (*ok tells). The caller owns a reference (json_object_put). */
struct json_object *json_parse(const char *text, size_t len, bool *ok);
/* Type names as Core's messages spell them: "null", "bool", "number", "string", "array", "object".
 */
const char *json_type_text(struct json_object *v);
/* Member or NULL (also where it is null or v is no object). */
struct json_object *json_get(struct json_object *v, const char *key);
/* A whole number within the range. */
bool json_as_int(struct json_object *v, int64_t min, int64_t max, int64_t *out) MUST_USE;
bool json_as_double(struct json_object *v, double *out) MUST_USE;
/* A number, or a string that holds one: exact decimals of at most eight places, into satoshi. */
bool json_as_amount(struct json_object *v, int64_t *out) MUST_USE;

#endif
