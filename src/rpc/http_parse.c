/*
 * Parsing of HTTP request heads, line by line, with no state but the result.
 *
 * Strict where leniency has made request smuggling possible: no blank before a header's colon, no
 * folded lines, no two lengths that differ, versions 1.0 and 1.1 only; Transfer-Encoding wins over
 * Content-Length (RFC 9112 section 6). Header fields that nobody asks for are checked for form and
 * dropped.
 */
#include <stdlib.h>
#include <strings.h>

#include "rpc/http.h"
#include "util/mem.h"
#include "util/str.h"

void http_head_clear(struct http_head *h)
{
    free(h->uri);
    free(h->authorization);
    *h = (struct http_head){0};
}

bool http_parse_request_line(struct http_head *h, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    if (!space || space == line || (size_t)(space - line) >= sizeof(h->method) ||
        memchr(line, 0, len))
        return false;
    memcpy(h->method, line, (size_t)(space - line));
    const char *uri = space + 1, *end = line + len;
    const char *version = memchr(uri, ' ', (size_t)(end - uri));
    if (!version || *uri != '/' || end - version != 9)
        return false;
    if (memcmp(version, " HTTP/1.", 8) != 0 || (version[8] != '0' && version[8] != '1'))
        return false;
    h->uri = xstrndup(uri, (size_t)(version - uri));
    h->keep_alive = version[8] == '1';
    return true;
}

static bool is_token(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] <= ' ' || s[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", s[i]))
            return false;
    return len > 0;
}

static bool name_is(const char *s, size_t len, const char *name)
{
    return strlen(name) == len && strncasecmp(s, name, len) == 0;
}

static bool take_length(struct http_head *h, const char *value)
{
    uint64_t n;
    if (!parse_u64(value, &n) || (h->has_length && h->length != n))
        return false;
    h->has_length = true;
    h->length = n;
    return true;
}

static bool take_field(struct http_head *h, const char *name, size_t len, const char *value)
{
    if (name_is(name, len, "Content-Length"))
        return take_length(h, value);
    if (name_is(name, len, "Transfer-Encoding")) {
        h->chunked = true;
        return strcasecmp(value, "chunked") == 0;
    }
    if (name_is(name, len, "Connection")) {
        if (strcasecmp(value, "close") == 0)
            h->keep_alive = false;
        else if (strcasecmp(value, "keep-alive") == 0)
            h->keep_alive = true;
    } else if (name_is(name, len, "Expect")) {
        h->expect_continue = strcasecmp(value, "100-continue") == 0;
    } else if (name_is(name, len, "Authorization") && !h->authorization) {
        h->authorization = xstrdup(value);
    }
    return true;
}

bool http_parse_header(struct http_head *h, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    if (!colon || memchr(line, 0, len) || !is_token(line, (size_t)(colon - line)))
        return false;
    char *value = xstrndup(colon + 1, len - (size_t)(colon + 1 - line));
    bool ok = take_field(h, line, (size_t)(colon - line), str_trim(value));
    free(value);
    return ok;
}

bool http_parse_chunk_size(const char *line, size_t len, uint64_t *size)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < len && line[i] != ';' && line[i] != ' '; i++) {
        static const char digits[] = "0123456789abcdef";
        int c = line[i] >= 'A' && line[i] <= 'F' ? line[i] + 32 : line[i];
        const char *at = c ? strchr(digits, c) : NULL;
        if (!at || i >= 15)
            return false;
        n = n * 16 + (uint64_t)(at - digits);
    }
    *size = n;
    return i > 0;
}

char *http_uri_decode(const char *s, size_t len)
{
    char *out = xmalloc(len + 1), *p = out;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)s[i];
        if (c == '%') {
            char hex[3] = {0};
            if (len - i < 3)
                goto bad;
            memcpy(hex, s + i + 1, 2);
            if (!hex_decode(&c, 1, hex))
                goto bad;
            i += 2;
        }
        if (c == 0)
            goto bad;
        *p++ = (char)c;
    }
    *p = 0;
    return out;
bad:
    free(out);
    return NULL;
}
