/*
 * Verifies one input of a transaction with libmite.
 *
 *   cc verify.c $(pkg-config --cflags --libs --static libmite) -o verify
 *   ./verify TX_HEX INPUT SCRIPT_HEX:SATOSHI...
 *
 * One SCRIPT_HEX:SATOSHI for each output that the transaction spends, in the order of its inputs.
 * Exit status 0 where the input is valid, 1 where it is not, 2 where the arguments are no good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mite/consensus.h>

/* Bytes of `hex` up to `end`, in memory that is the caller's; exits where it is not hex. */
static uint8_t *unhex(const char *hex, const char *end, size_t *len)
{
    uint8_t *out = malloc((size_t)(end - hex) / 2 + 1);

    if (!out)
        exit(2);
    for (*len = 0; hex + 1 < end; hex += 2) {
        unsigned byte;

        if (sscanf(hex, "%2x", &byte) != 1)
            break;
        out[(*len)++] = (uint8_t)byte;
    }
    if (hex != end) {
        fprintf(stderr, "not hex: %s\n", hex);
        exit(2);
    }
    return out;
}

int main(int argc, char **argv)
{
    mite_output *spent;
    mite_error err;
    uint8_t *tx;
    size_t tx_len;
    int valid;

    if (argc < 4) {
        fprintf(stderr, "usage: verify TX_HEX INPUT SCRIPT_HEX:SATOSHI...\n");
        return 2;
    }
    tx = unhex(argv[1], argv[1] + strlen(argv[1]), &tx_len);
    spent = calloc((size_t)argc - 3, sizeof(*spent));
    if (!spent)
        return 2;
    for (int i = 3; i < argc; i++) {
        const char *colon = strchr(argv[i], ':');
        mite_output *out = &spent[i - 3];

        if (!colon) {
            fprintf(stderr, "no amount: %s\n", argv[i]);
            return 2;
        }
        out->script = unhex(argv[i], colon, &out->script_len);
        out->amount = strtoll(colon + 1, NULL, 10);
    }
    valid = mite_verify_input(tx, tx_len, (unsigned)strtoul(argv[2], NULL, 10), spent,
                              (size_t)argc - 3, MITE_VERIFY_ALL, &err);
    printf("%s\n", valid ? "valid" : mite_error_string(err));
    for (int i = 0; i < argc - 3; i++)
        free((void *)spent[i].script);
    free(spent);
    free(tx);
    return valid ? 0 : 1;
}
