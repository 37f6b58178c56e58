/*
 * The public face of scripts and addresses.
 *
 * Below, texts are made in memory of their own; here they are copied into the caller's, so that no
 * user of the library has to free what another allocator gave. A text that does not fit is cut and
 * closed, and its whole length returned, as snprintf() does.
 */
#include <stdlib.h>
#include <string.h>

#include "consensus/params.h"
#include "mite/script.h"
#include "script/standard.h"

/* Copies a text that was made for it, and frees it. */
static size_t give_text(char *text, char *out, size_t size)
{
    size_t len = strlen(text);

    if (size) {
        size_t n = len < size ? len : size - 1;

        memcpy(out, text, n);
        out[n] = '\0';
    }
    free(text);
    return len;
}

size_t mite_address_to_script(const char *network, const char *address, uint8_t *out, size_t size)
{
    const struct network *net = network_find(network);
    struct buf script = BUF_INIT;
    struct destination d;
    size_t len;

    if (!net || !address_decode(&net->address, address, &d, NULL))
        return 0;
    destination_script(&d, &script);
    len = script.len;
    if (len <= size)
        memcpy(out, script.data, len);
    buf_clear(&script);
    return len;
}

size_t mite_script_to_address(const char *network, const uint8_t *script, size_t script_len,
                              char *out, size_t size)
{
    const struct network *net = network_find(network);
    struct destination d;

    if (!net || !script_to_destination(span_of(script, script_len), &d))
        return 0;
    return give_text(address_encode(&net->address, &d), out, size);
}

const char *mite_script_type(const uint8_t *script, size_t script_len)
{
    struct solution s;

    return script_type_name(script_solve(span_of(script, script_len), &s));
}

size_t mite_script_text(const uint8_t *script, size_t script_len, char *out, size_t size)
{
    return give_text(script_to_asm(span_of(script, script_len), false), out, size);
}

unsigned mite_script_sigops(const uint8_t *script, size_t script_len, int accurate)
{
    return script_sigops(span_of(script, script_len), accurate != 0);
}

int mite_script_unspendable(const uint8_t *script, size_t script_len)
{
    return script_unspendable(span_of(script, script_len));
}
