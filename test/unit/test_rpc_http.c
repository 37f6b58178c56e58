/* HTTP request heads: what is taken, and what must not be. */

#include "rpc/http.h"
#include "unit.h"

static bool line(const char *text)
{
    struct http_head h = {0};
    bool ok = http_parse_request_line(&h, text, strlen(text));
    http_head_clear(&h);
    return ok;
}

static void request_lines(void **state)
{
    (void)state;
    struct http_head h = {0};
    const char *text = "POST /wallet/a%20b?x HTTP/1.1";
    assert_true(http_parse_request_line(&h, text, strlen(text)));
    assert_string_equal(h.method, "POST");
    assert_string_equal(h.uri, "/wallet/a%20b?x");
    assert_true(h.keep_alive);
    http_head_clear(&h);
    text = "GET / HTTP/1.0";
    assert_true(http_parse_request_line(&h, text, strlen(text)));
    assert_false(h.keep_alive);
    http_head_clear(&h);
    static const char *const bad[] = {"",
                                      "GET",
                                      "GET /",
                                      "GET / ",
                                      "GET / HTTP/9.9",
                                      "GET / HTTP/2.0",
                                      "GET / HTTP/1.2",
                                      "GET / HTTP/INVALID",
                                      "GET / NOTHTTP/1.1",
                                      " GET / HTTP/1.1",
                                      "GET  / HTTP/1.1",
                                      "GET / HTTP/1.1 ",
                                      "GET x HTTP/1.1",
                                      "GET http://h/ HTTP/1.1",
                                      "AVERYLONGMETHODNAME / HTTP/1.1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (line(bad[i]))
            fail_msg("taken: %s", bad[i]);
    assert_false(http_parse_request_line(&h, "GET /\0x HTTP/1.1", 16));
    http_head_clear(&h);
}

static bool header(struct http_head *h, const char *text)
{
    return http_parse_header(h, text, strlen(text));
}

static void headers(void **state)
{
    (void)state;
    struct http_head h = {.keep_alive = true};
    assert_true(header(&h, "Content-Length: 12"));
    assert_true(h.has_length && h.length == 12);
    assert_true(header(&h, "content-length:12"));
    assert_false(header(&h, "Content-Length: 13")); /* two that differ */
    assert_false(header(&h, "Content-Length: -1"));
    assert_false(header(&h, "Content-Length: 1 2"));
    assert_true(header(&h, "Transfer-Encoding: chunked"));
    assert_true(h.chunked);
    assert_false(header(&h, "Transfer-Encoding: gzip"));
    assert_true(header(&h, "Connection: close"));
    assert_false(h.keep_alive);
    assert_true(header(&h, "connection: Keep-Alive"));
    assert_true(h.keep_alive);
    assert_true(header(&h, "Authorization: \tBasic abc \t"));
    assert_string_equal(h.authorization, "Basic abc");
    assert_true(header(&h, "Expect: 100-continue"));
    assert_true(h.expect_continue);
    assert_true(header(&h, "X-Unknown_1: any : thing"));
    assert_true(header(&h, "Empty:"));
    static const char *const bad[] = {"no colon", ": no name", "Space : x",   " folded: x",
                                      "\tx: y",   "Na\"me: x", "N\xc3\xa9: x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (header(&h, bad[i]))
            fail_msg("taken: %s", bad[i]);
    assert_false(http_parse_header(&h, "A: b\0c", 6));
    http_head_clear(&h);
}

static void chunk_sizes(void **state)
{
    (void)state;
    uint64_t n;
    assert_true(http_parse_chunk_size("1aF", 3, &n) && n == 0x1af);
    assert_true(http_parse_chunk_size("0", 1, &n) && n == 0);
    assert_true(http_parse_chunk_size("5;name=value", 12, &n) && n == 5);
    assert_false(http_parse_chunk_size("", 0, &n));
    assert_false(http_parse_chunk_size(";", 1, &n));
    assert_false(http_parse_chunk_size("-1", 2, &n));
    assert_false(http_parse_chunk_size("0x1", 3, &n));
    assert_false(http_parse_chunk_size("1\0", 2, &n));
    assert_false(http_parse_chunk_size("ffffffffffffffffff", 18, &n));
}

static void uris(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {{"", ""},
                 {"abc", "abc"},
                 {"a%20b", "a b"},
                 {"%2f%2F", "//"},
                 {"%e2%82%bf", "\xe2\x82\xbf"},
                 {"a+b", "a+b"},
                 {"%00", NULL},
                 {"%4", NULL},
                 {"%", NULL},
                 {"%zz", NULL},
                 {"x%41", "xA"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *s = http_uri_decode(cases[i].in, strlen(cases[i].in));
        if (cases[i].out)
            assert_string_equal(s, cases[i].out);
        else
            assert_null(s);
        free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_lines),
        cmocka_unit_test(headers),
        cmocka_unit_test(chunk_sizes),
        cmocka_unit_test(uris),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
