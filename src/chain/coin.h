/* A coin: an unspent output with what the rules need to know of its origin. */
#ifndef MITE_CHAIN_COIN_H
#define MITE_CHAIN_COIN_H

#include "chain/tx.h"

struct coin {
    struct tx_out out; /* the script is a view: who hands out the coin says how long it is good */
    uint32_t height;
    bool coinbase;
};

#endif
