/*
 * Compact filters and the transport's cipher: what[1]. 0: a block hash[32], a script with its
 * length, a filter, which is searched for the script. 1: a filter made of a block finds the scripts
 * that it was made of. 2: key[32], then bytes as packets that a connection receives.
 */
#include <stdlib.h>

#include "chain/filter.h"
#include "crypto/bip324.h"
#include "crypto/ellswift.h"
#include "fuzz.h"
#include "util/mem.h"

static void search(struct reader *r)
{
    struct block_hash block;
    struct span script;
    bool match;

    read_bytes(r, block.b, 32);
    script = read_var_span(r, reader_left(r));
    (void)!block_filter_match(span_of(reader_pos(r), reader_left(r)), &block, &script, 1, &match);
}

static void make(struct reader *r)
{
    struct block *b = block_parse(reader_pos(r), reader_left(r));
    struct buf filter = BUF_INIT;
    bool match;

    if (!b)
        return;
    block_filter_make(&filter, b, NULL, 0);
    for (uint32_t i = 0; i < b->n_tx && i < 20; i++) {
        for (uint32_t k = 0; k < b->tx[i]->n_out && k < 20; k++) {
            struct span s = b->tx[i]->out[k].script_pubkey;

            CHECK(block_filter_match(buf_span(&filter), &b->hash, &s, 1, &match));
            CHECK(match || s.len == 0 || s.data[0] == 0x6a);
        }
    }
    buf_clear(&filter);
    block_unref(b);
}

static void receive(struct reader *r)
{
    static const uint8_t magic[4];
    uint8_t secret[32], encoding[64] = {0}, x[32];
    struct bip324 *c;
    bool ignore;

    read_bytes(r, secret, 32);
    memcpy(encoding, secret, 32);
    read_bytes(r, encoding + 32, 32);
    ellswift_decode(x, encoding);
    c = bip324_create(secret, magic, false);
    while (reader_left(r) >= BIP324_LENGTH_SIZE) {
        struct span head = read_span(r, BIP324_LENGTH_SIZE), rest;
        uint32_t len = bip324_decrypt_length(c, head.data);
        uint8_t *out;

        rest = read_span(r, (len & 0xff) + BIP324_HEADER_SIZE + BIP324_TAG_SIZE);
        if (!rest.data)
            break;
        out = xmalloc(rest.len);
        if (!bip324_decrypt(c, out, rest, span_of(NULL, 0), &ignore))
            reader_fail(r);
        free(out);
    }
    bip324_destroy(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const what[])(struct reader *) = {search, make, receive};
    struct reader r;

    reader_init(&r, data, size);
    what[read_u8(&r) % ARRAY_LEN(what)](&r);
    return 0;
}
