/*
 * Strings: numbers read strictly, splitting, and the name that was probably meant.
 *
 * strtoll() takes leading blanks, a plus sign, and whatever follows the number; what users and
 * files hand us is either a number or a mistake, so the digits are read here.
 */
#include "util/str.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

enum { NAME_MAX_LEN = 63 };

bool parse_u64(const char *s, uint64_t *out)
{
    uint64_t v = 0;
    if (*s == '\0')
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
            return false;
    }
    *out = v;
    return true;
}

bool parse_u32(const char *s, uint32_t *out)
{
    uint64_t v;
    if (!parse_u64(s, &v) || v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}

bool parse_i64(const char *s, int64_t *out)
{
    bool negative = *s == '-';
    uint64_t v;
    if (!parse_u64(s + negative, &v) || v > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)-v : (int64_t)v;
    return true;
}

bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *s, const char *suffix)
{
    size_t len = strlen(s), n = strlen(suffix);
    return len >= n && memcmp(s + len - n, suffix, n) == 0;
}

char **str_split(const char *s, char sep, size_t *n)
{
    size_t parts = 1, len = strlen(s);
    for (const char *p = s; *p; p++)
        parts += *p == sep;
    char **list = xmalloc((parts + 1) * sizeof(*list) + len + 1);
    char *text = memcpy((char *)(list + parts + 1), s, len + 1);
    for (size_t i = 0; i < parts; i++) {
        list[i] = text;
        while (*text && *text != sep)
            text++;
        *text++ = '\0';
    }
    list[parts] = NULL;
    if (n)
        *n = parts;
    return list;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char *str_trim(char *s)
{
    while (is_blank(*s))
        s++;
    size_t len = strlen(s);
    while (len && is_blank(s[len - 1]))
        len--;
    s[len] = '\0';
    return s;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment, with the last three rows of the matrix. */
unsigned edit_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    unsigned *rows = xreallocarray(NULL, 3 * (lb + 1), sizeof(*rows));
    unsigned *before = rows, *last = rows + lb + 1, *row = rows + 2 * (lb + 1);
    for (size_t j = 0; j <= lb; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);
            d = least(d, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d = least(d, before[j - 2] + 1);
            row[j] = d;
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    unsigned distance = last[lb];
    free(rows);
    return distance;
}

/* One slip in a name of up to five letters, two up to ten, three in a longer one. */
const char *nearest_name(const char *name, const char *const *names, size_t n)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_LEN)
        return NULL;
    unsigned limit = len <= 5 ? 1 : len <= 10 ? 2 : 3;
    const char *best = NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned d = edit_distance(name, names[i]);
        if (d <= limit) {
            best = names[i];
            if (d == 0)
                break;
            limit = d - 1;
        }
    }
    return best;
}

char *sanitize(const char *s, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    CHECK(len < SIZE_MAX / 4);
    char *out = xmalloc(4 * len + 1), *p = out;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c < 0x7f) {
            *p++ = (char)c;
            continue;
        }
        *p++ = '\\';
        *p++ = 'x';
        *p++ = digits[c >> 4];
        *p++ = digits[c & 15];
    }
    *p = '\0';
    return out;
}
