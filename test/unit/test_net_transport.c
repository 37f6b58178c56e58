/* Transport v1: messages through it whole and in pieces, and what damages them. */
#include "crypto/hash.h"
#include "net/transport.h"
#include "unit.h"

static const uint8_t magic[4] = {0xfa, 0xbf, 0xb5, 0xda};

static void append(struct buf *b, struct evbuffer *ev)
{
    size_t len = evbuffer_get_length(ev);
    uint8_t *p = xmalloc(len + 1);
    assert_int_equal(evbuffer_remove(ev, p, len), len);
    write_bytes(b, p, len);
    free(p);
}

static void encode(struct buf *out, enum message_id id, const void *data, size_t len)
{
    struct transport *t = transport_v1_create(magic);
    struct evbuffer *ev = evbuffer_new();
    assert_int_equal(t->ops->send(t, ev, id, span_of(data, len)), len + 24);
    append(out, ev);
    evbuffer_free(ev);
    t->ops->destroy(t);
}

/* Feeds all in pieces of at most `step`; returns the messages in a list, NULL `error` where it went
 * well. */
static struct message *feed(struct transport *t, struct span in, size_t step, const char **error)
{
    struct message *first = NULL, **tail = &first;
    *error = NULL;
    while (in.len > 0) {
        struct message *m;
        size_t used, n = in.len < step ? in.len : step;
        if (!t->ops->receive(t, span_of(in.data, n), &used, &m, NULL, error))
            return first;
        assert_true(used > 0 && used <= n);
        in.data += used;
        in.len -= used;
        if (m) {
            *tail = m;
            tail = &m->next;
        }
    }
    return first;
}

static void free_list(struct message *m)
{
    while (m) {
        struct message *next = m->next;
        message_free(m);
        m = next;
    }
}

static void test_round_trip(void **state)
{
    static const size_t steps[] = {1, 2, 3, 23, 24, 25, 100, 1000000};
    struct buf wire = BUF_INIT;
    uint8_t data[300];
    const char *error;
    (void)state;
    test_rand_bytes(data, sizeof(data));
    encode(&wire, M_ping, data, 8);
    encode(&wire, M_verack, NULL, 0);
    encode(&wire, M_block, data, sizeof(data));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct transport *t = transport_v1_create(magic);
        struct message *m = feed(t, buf_span(&wire), steps[i], &error), *all = m;
        assert_null(error);
        assert_int_equal(m->id, M_ping);
        assert_int_equal(m->wire_size, 32);
        assert_memory_equal(m->data, data, 8);
        m = m->next;
        assert_int_equal(m->id, M_verack);
        assert_int_equal(m->len, 0);
        m = m->next;
        assert_int_equal(m->id, M_block);
        assert_int_equal(m->len, sizeof(data));
        assert_memory_equal(m->data, data, sizeof(data));
        assert_null(m->next);
        free_list(all);
        t->ops->destroy(t);
    }
    buf_clear(&wire);
}

static const char *one_error(const uint8_t *wire, size_t len, struct message **out)
{
    struct transport *t = transport_v1_create(magic);
    const char *error;
    *out = feed(t, span_of(wire, len), 7, &error);
    t->ops->destroy(t);
    return error;
}

static void test_damage(void **state)
{
    struct buf wire = BUF_INIT;
    struct message *m;
    (void)state;
    encode(&wire, M_ping, "12345678", 8);
    wire.data[0] ^= 1; /* magic: known after four bytes */
    assert_string_equal(one_error(wire.data, 4, &m), "wrong network magic");
    wire.data[0] ^= 1;
    wire.data[20] ^= 1; /* checksum */
    assert_null(one_error(wire.data, wire.len, &m));
    assert_true(m->rejected);
    assert_int_equal(m->id, MESSAGE_COUNT);
    assert_int_equal(m->wire_size, 32);
    free_list(m);
    wire.data[20] ^= 1;
    wire.data[15] = 'x'; /* letters behind the name's end */
    assert_null(one_error(wire.data, wire.len, &m));
    assert_true(m->rejected);
    free_list(m);
    wire.data[15] = 0;
    wire.data[5] = 1; /* a control character in the name */
    assert_null(one_error(wire.data, wire.len, &m));
    assert_true(m->rejected);
    free_list(m);
    buf_clear(&wire);
}

static void test_sizes(void **state)
{
    struct buf wire = BUF_INIT;
    struct message *m;
    struct transport *t = transport_v1_create(magic);
    const char *error;
    (void)state;
    encode(&wire, M_ping, NULL, 0);
    put_le32(wire.data + 16, MAX_MESSAGE_SIZE + 1);
    assert_string_equal(one_error(wire.data, wire.len, &m), "message too large");
    assert_null(m);
    /* A header that promises four megabytes takes no memory for them. */
    put_le32(wire.data + 16, MAX_MESSAGE_SIZE);
    m = feed(t, buf_span(&wire), wire.len, &error);
    assert_null(m);
    assert_null(error);
    assert_int_equal(t->ops->pending(t), 0);
    uint8_t byte = 7;
    m = feed(t, span_of(&byte, 1), 1, &error);
    assert_null(m);
    assert_true(t->ops->pending(t) <= 256 * 1024);
    t->ops->destroy(t);
    buf_clear(&wire);
}

static void test_unknown_name(void **state)
{
    struct transport *t = transport_v1_create(magic);
    struct evbuffer *ev = evbuffer_new();
    struct buf wire = BUF_INIT;
    const char *error;
    (void)state;
    t->ops->send_named(t, ev, "twelveletters", span_of("x", 1)); /* cut to twelve */
    append(&wire, ev);
    struct message *m = feed(t, buf_span(&wire), 5, &error);
    assert_string_equal(m->name, "twelveletter");
    assert_int_equal(m->id, MESSAGE_COUNT);
    assert_false(m->rejected);
    free_list(m);
    buf_clear(&wire);
    evbuffer_free(ev);
    t->ops->destroy(t);
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < MESSAGE_COUNT; i++)
        assert_int_equal(message_find(message_name(i)), i);
    assert_int_equal(message_find("nothing"), MESSAGE_COUNT);
    assert_int_equal(MESSAGE_COUNT, 36);
    assert_string_equal(message_name(MESSAGE_COUNT), "*other*");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_unknown_name),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
