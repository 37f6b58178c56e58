/* Test data: see vectors.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/mem.h"
#include "vectors.h"

static char *vector_path(const char *name)
{
    const char *shared = getenv("MITE_SHARED");
    return xasprintf("%s/vectors/%s", shared ? shared : "../shared", name);
}

struct json_object *vectors_load(const char *name)
{
    char *path = vector_path(name);
    if (access(path, R_OK) != 0) {
        printf("vectors not found: %s, test skipped\n", path);
        free(path);
        skip();
    }
    struct json_object *o = json_object_from_file(path);
    free(path);
    assert_non_null(o);
    return o;
}

struct json_object *json_at(struct json_object *array, size_t i)
{
    struct json_object *o = json_object_array_get_idx(array, i);
    assert_non_null(o);
    return o;
}

struct json_object *json_member(struct json_object *object, const char *key)
{
    struct json_object *o;
    if (!json_object_object_get_ex(object, key, &o))
        fail_msg("no member %s", key);
    return o;
}

const char *json_str(struct json_object *o)
{
    assert_true(json_object_is_type(o, json_type_string));
    return json_object_get_string(o);
}

void hex_into(struct buf *b, const char *hex)
{
    if (*hex != 0)
        assert_true(hex_read(b, hex));
}

void hex_exact(uint8_t *out, size_t len, const char *hex)
{
    assert_true(hex_decode(out, len, hex));
}
