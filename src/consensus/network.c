/*
 * What is done with a network's parameters: lookup, the genesis block, and copies that options
 * (-vbparams, -testactivationheight, -signetchallenge) change before anything else sees them.
 */
#include <stdlib.h>

#include "consensus/networks.h"
#include "crypto/hash.h"
#include "script/script.h"
#include "util/mem.h"

static const struct network *const networks[] = {&network_main, &network_test, &network_testnet4,
                                                 &network_signet, &network_regtest};

const struct network *const *network_all(size_t *n)
{
    *n = ARRAY_LEN(networks);
    return networks;
}

const struct network *network_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(networks); i++)
        if (strcmp(networks[i]->name, name) == 0)
            return networks[i];
    return NULL;
}

/* The coinbase carries the number 486604799 (the bits 0x1d00ffff, whatever those of this network),
 * a 4 that is not written as OP_4, and the message. */
struct block *network_genesis(const struct network *net)
{
    static const struct outpoint none = {{{0}}, UINT32_MAX};
    static const uint8_t four[1] = {4};
    struct mtx m;
    struct mtx_in *in;
    struct tx *coinbase;
    struct block *b;

    mtx_init(&m);
    m.version = 1;
    in = mtx_add_in(&m, &none, SEQUENCE_FINAL);
    script_push_int(&in->script_sig, 486604799);
    script_push(&in->script_sig, four, sizeof(four));
    script_push(&in->script_sig, net->genesis_message, strlen(net->genesis_message));
    mtx_add_out(&m, net->genesis_reward, net->genesis_output);
    coinbase = mtx_finish(&m);
    b = block_create(&net->genesis_header, (const struct tx *const *)&coinbase, 1);
    tx_unref(coinbase);
    mtx_clear(&m);
    return b;
}

struct network *network_copy(const struct network *net)
{
    struct network *copy = xmemdup(net, sizeof(*net));

    copy->signet_challenge.data = xmemdup(net->signet_challenge.data, net->signet_challenge.len);
    return copy;
}

void network_free(struct network *net)
{
    if (!net)
        return;
    free((void *)net->signet_challenge.data);
    free(net);
}

void network_set_signet_challenge(struct network *net, struct span challenge)
{
    static const char *const no_seeds[] = {NULL};
    struct sha256 h;
    uint8_t hash[32];

    free((void *)net->signet_challenge.data);
    net->signet_challenge = span_of(xmemdup(challenge.data, challenge.len), challenge.len);
    sha256_init(&h);
    sha256_write_compact(&h, challenge.len);
    sha256_write(&h, challenge.data, challenge.len);
    sha256d_final(&h, hash);
    memcpy(net->magic, hash, sizeof(net->magic));
    /* Nothing is known of the chain of another challenge. */
    net->dns_seeds = no_seeds;
    net->min_chain_work = u256_from_u64(0);
    memset(&net->assume_valid, 0, sizeof(net->assume_valid));
    net->tx_time = net->tx_count = 0;
    net->tx_rate = 0;
    net->assumed_blocks_gb = net->assumed_coins_gb = 0;
}

const char *buried_name(enum buried_id id)
{
    static const char *const names[BURIED_COUNT] = {"bip34", "bip66", "bip65", "csv", "segwit"};

    return names[id];
}

bool buried_from_option(const char *name, enum buried_id *id)
{
    static const char *const names[BURIED_COUNT] = {"bip34", "dersig", "cltv", "csv", "segwit"};

    for (int i = 0; i < BURIED_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *id = (enum buried_id)i;
            return true;
        }
    }
    return false;
}
