/* Strings: strict number parsing, splitting, and the nearest of several names. */
#ifndef MITE_UTIL_STR_H
#define MITE_UTIL_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/check.h"

/* The whole string is one decimal number in range (an optional '-' for i64, no blanks, no '+'). */
bool parse_i64(const char *s, int64_t *out) MUST_USE;
bool parse_u64(const char *s, uint64_t *out) MUST_USE;
bool parse_u32(const char *s, uint32_t *out) MUST_USE;
bool starts_with(const char *s, const char *prefix);
bool ends_with(const char *s, const char *suffix);
/* Splits a copy of `s` at `sep`; NULL-terminated array in one block that the caller frees. */
char **str_split(const char *s, char sep, size_t *n);
/* Trims blanks at both ends in place and returns the new beginning. */
char *str_trim(char *s);
/* Number of single-character edits (insert, delete, replace, swap of neighbours) between two names.
 */
unsigned edit_distance(const char *a, const char *b);
/* The nearest of `names` to `name`, or NULL where none is near enough to be a slip of the hand. */
const char *nearest_name(const char *name, const char *const *names, size_t n);
/* Escapes control and non-ASCII bytes of what came from outside, for a log line. Caller frees. */
char *sanitize(const char *s, size_t len);

#endif
