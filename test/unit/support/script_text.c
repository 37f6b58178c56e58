/* Scripts in the notation of the field's tests: see script_text.h. */
#include <stdlib.h>

#include "script_text.h"
#include "util/mem.h"
#include "util/str.h"

static bool op_by_name(const char *word, uint8_t *op)
{
    /* Numbers have a notation of their own, so names begin above OP_16. */
    for (int i = OP_NOP; i <= OP_CHECKSIGADD; i++) {
        const char *name = opcode_name((uint8_t)i);
        if (strcmp(name, "OP_UNKNOWN") == 0)
            continue;
        if (strcmp(word, name) == 0 || strcmp(word, name + 3) == 0) {
            *op = (uint8_t)i;
            return true;
        }
    }
    if (strcmp(word, "RESERVED") != 0 && strcmp(word, "OP_RESERVED") != 0)
        return false;
    *op = OP_RESERVED;
    return true;
}

static bool add_word(struct buf *out, const char *word)
{
    size_t len = strlen(word);
    int64_t n;
    uint8_t op;
    if (starts_with(word, "0x"))
        return hex_read(out, word + 2);
    if (len >= 2 && word[0] == '\'' && word[len - 1] == '\'') {
        script_push(out, word + 1, len - 2);
        return true;
    }
    if (parse_i64(word, &n)) {
        script_push_int(out, n);
        return true;
    }
    if (!op_by_name(word, &op))
        return false;
    write_u8(out, op);
    return true;
}

bool script_from_text(const char *s, struct buf *out)
{
    while (*s != 0) {
        size_t len = strcspn(s, " \t\n");
        char *word = xstrndup(s, len);
        bool ok = len == 0 || add_word(out, word);
        free(word);
        if (!ok)
            return false;
        s += len + (s[len] != 0);
    }
    return true;
}
