/* Private to consensus/: the tables of params.c. */
#ifndef MITE_CONSENSUS_NETWORKS_H
#define MITE_CONSENSUS_NETWORKS_H

#include "consensus/params.h"

extern const struct network network_main;
extern const struct network network_test;
extern const struct network network_testnet4;
extern const struct network network_signet;
extern const struct network network_regtest;

#endif
