/*
 * Shows what is in a transaction, or in a block that a file holds, with libmite.
 *
 *   cc inspect.c $(pkg-config --cflags --libs libmite) -o inspect
 *   ./inspect NETWORK tx TX_HEX
 *   ./inspect NETWORK block FILE
 *
 * Exit status 0 where it passes the checks that need no chain, 1 where it does not, 2 where the
 * arguments are no good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mite/consensus.h>
#include <mite/hash.h>
#include <mite/script.h>

static void show_id(const char *what, const uint8_t hash[32])
{
    char text[MITE_HASH_TEXT_SIZE];

    printf("%s %s\n", what, mite_hash_text(text, hash));
}

static void show_tx(const char *network, const mite_tx *tx)
{
    char address[MITE_ADDRESS_SIZE];
    mite_output out;
    uint8_t id[32];

    mite_tx_id(tx, id);
    show_id("transaction", id);
    printf("  weight %u, %zu inputs%s\n", mite_tx_weight(tx), mite_tx_n_inputs(tx),
           mite_tx_is_coinbase(tx) ? ", a coinbase" : "");
    for (size_t i = 0; mite_tx_output(tx, i, &out); i++) {
        if (!mite_script_to_address(network, out.script, out.script_len, address, sizeof(address)))
            snprintf(address, sizeof(address), "no address");
        printf("  output %zu: %lld satoshi, %s, %s\n", i, (long long)out.amount,
               mite_script_type(out.script, out.script_len), address);
    }
}

static int inspect_tx(const char *network, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = malloc(len + 1);
    const char *reason = "no transaction";
    mite_tx *tx;
    int good;

    if (!bytes)
        return 2;
    for (size_t i = 0; i < len; i++) {
        unsigned byte = 0;

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            len = i;
        bytes[i] = (uint8_t)byte;
    }
    tx = mite_tx_parse(bytes, len);
    good = tx && mite_check_tx(tx, &reason);
    if (tx)
        show_tx(network, tx);
    mite_tx_free(tx);
    free(bytes);
    printf("%s\n", good ? "good" : reason);
    return good ? 0 : 1;
}

static int inspect_block(const char *network, const char *path)
{
    static uint8_t bytes[4000000]; /* no block is longer */
    FILE *f = fopen(path, "rb");
    const char *reason = NULL;
    mite_block *block;
    uint8_t hash[32];
    size_t len;
    int good;

    if (!f) {
        perror(path);
        return 2;
    }
    len = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    block = mite_block_parse(bytes, len);
    if (block) {
        mite_block_hash(block, hash);
        show_id("block", hash);
        for (size_t i = 0; i < mite_block_n_txs(block); i++)
            show_tx(network, mite_block_tx(block, i));
    }
    mite_block_free(block);
    good = mite_check_block(bytes, len, network, &reason);
    printf("%s\n", good ? "good" : reason);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[2], "tx") == 0)
        return inspect_tx(argv[1], argv[3]);
    if (argc == 4 && strcmp(argv[2], "block") == 0)
        return inspect_block(argv[1], argv[3]);
    fprintf(stderr, "usage: inspect NETWORK tx TX_HEX | inspect NETWORK block FILE\n");
    return 2;
}
