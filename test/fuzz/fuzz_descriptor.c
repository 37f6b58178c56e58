/*
 * Descriptors: what parses has a text that parses to the same text, and expands, or says that it
 * cannot without private keys.
 */
#include <stdlib.h>

#include "consensus/params.h"
#include "fuzz.h"
#include "script/descriptor.h"
#include "util/mem.h"

static void check_expansion(const struct descriptor *d)
{
    static const uint32_t indexes[] = {0, 1, 0x7fffffff};
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++) {
        struct expansion e;
        if (descriptor_expand(d, indexes[i], true, &e))
            CHECK(e.n_scripts >= 1);
        expansion_clear(&e);
    }
}

static void check_text(const struct address_params *p, const struct descriptor *d)
{
    struct descriptor **again;
    size_t n;
    char *error = NULL, *text = descriptor_to_string(p, d);
    CHECK(descriptor_parse(p, text, true, &again, &n, &error) && n == 1);
    char *second = descriptor_to_string(p, again[0]);
    CHECK(strcmp(text, second) == 0);
    free(second);
    free(text);
    descriptors_free(again, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct address_params *p = &network_find("main")->address;
    struct descriptor **list;
    size_t n;
    char *error = NULL;
    if (size > 2000)
        return 0;
    char *s = xstrndup((const char *)data, size);
    if (descriptor_parse(p, s, false, &list, &n, &error)) {
        for (size_t i = 0; i < n; i++) {
            check_text(p, list[i]);
            check_expansion(list[i]);
        }
        descriptors_free(list, n);
    } else {
        CHECK(error);
    }
    free(error);
    free(s);
    return 0;
}
