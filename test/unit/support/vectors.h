/* Test data beside the repository (../shared, or the folder that MITE_SHARED names). */
#ifndef MITE_UNIT_SUPPORT_VECTORS_H
#define MITE_UNIT_SUPPORT_VECTORS_H

#include <json-c/json.h>

#include "util/bytes.h"

/* Parses SHARED/vectors/NAME. Where the file is not there it says so in words and skips the running
 * test; where it is broken the test fails. Release with json_object_put(). */
struct json_object *vectors_load(const char *name);

/* Member or element; the test fails where there is none. */
struct json_object *json_at(struct json_object *array, size_t i);
struct json_object *json_member(struct json_object *object, const char *key);
const char *json_str(struct json_object *o);

/* Hex of a test, appended to b or filling exactly `len` bytes; the test fails where it is not hex.
 */
void hex_into(struct buf *b, const char *hex);
void hex_exact(uint8_t *out, size_t len, const char *hex);

#endif
