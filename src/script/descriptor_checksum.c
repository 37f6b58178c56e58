/*
 * The checksum of BIP380: a BCH code over GF(32). Characters are taken in groups of 32 from an
 * alphabet whose order makes likely errors (letter case, neighbours) cheap to detect: the low five
 * bits of a character's place go straight into the code, the high ones of three characters
 * together.
 */
#include <stdlib.h>

#include "script/descriptor_tree.h"
#include "util/mem.h"

static const char input_charset[] = "0123456789()[],'/*abcdefgh@:$%{}"
                                    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
                                    "ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
static const char checksum_charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint64_t poly_step(uint64_t c, unsigned value)
{
    static const uint64_t generator[5] = {UINT64_C(0xf5dee51989), UINT64_C(0xa9fdca3312),
                                          UINT64_C(0x1bab10e32d), UINT64_C(0x3706b1677a),
                                          UINT64_C(0x644d626ffd)};
    unsigned top = (unsigned)(c >> 35);

    c = ((c & UINT64_C(0x7ffffffff)) << 5) ^ value;
    for (unsigned i = 0; i < 5; i++)
        if (top >> i & 1)
            c ^= generator[i];
    return c;
}

char *descriptor_checksum(const char *s, char out[9])
{
    uint64_t c = 1;
    unsigned class = 0, pending = 0;

    for (; *s; s++) {
        const char *at = strchr(input_charset, *s);
        if (!at)
            return NULL;
        unsigned place = (unsigned)(at - input_charset);
        c = poly_step(c, place & 31);
        class = class * 3 + (place >> 5);
        if (++pending == 3) {
            c = poly_step(c, class);
            class = pending = 0;
        }
    }
    if (pending)
        c = poly_step(c, class);
    for (unsigned i = 0; i < 8; i++)
        c = poly_step(c, 0);
    c ^= 1;
    for (unsigned i = 0; i < 8; i++)
        out[i] = checksum_charset[c >> (5 * (7 - i)) & 31];
    out[8] = '\0';
    return out;
}

char *descriptor_finish_text(struct buf *b)
{
    char sum[9];

    write_u8(b, 0);
    CHECK(descriptor_checksum((const char *)b->data, sum));
    char *text = xasprintf("%s#%s", (const char *)b->data, sum);
    buf_clear(b);
    return text;
}
