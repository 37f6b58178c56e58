/*
 * Networks as data. Logic never asks which network it is: it asks the fields here.
 */
#ifndef MITE_CONSENSUS_PARAMS_H
#define MITE_CONSENSUS_PARAMS_H

#include "chain/address.h"
#include "chain/block.h"
#include "util/u256.h"

enum retarget_rule { RETARGET_NONE, RETARGET_2016 };

/* BIP9 deployments that are not buried. */
#define DEPLOYMENT_ALWAYS_ACTIVE INT64_C(-1)
#define DEPLOYMENT_NEVER_ACTIVE  INT64_C(-2)
#define DEPLOYMENT_NO_TIMEOUT    INT64_MAX
enum deployment_id { DEPLOYMENT_TESTDUMMY, DEPLOYMENT_COUNT };
struct deployment {
    const char *name;
    int bit;
    int64_t start_time, timeout;
    int32_t min_activation_height;
    uint32_t period, threshold;
};
/* Rules buried at a height. */
enum buried_id {
    BURIED_BIP34,  /* height in coinbase */
    BURIED_BIP66,  /* strict DER */
    BURIED_BIP65,  /* CHECKLOCKTIMEVERIFY */
    BURIED_CSV,    /* BIP68, 112, 113 */
    BURIED_SEGWIT, /* BIP141, 147; scripts are verified with segwit's rules at every height */
    BURIED_COUNT
};
#define BURIED_NEVER INT32_MAX
const char *
buried_name(enum buried_id id); /* "bip66", as getdeploymentinfo lists it, in its order */
/* As -testactivationheight names it: "bip34", "dersig", "cltv", "csv", "segwit". */
bool buried_from_option(const char *name, enum buried_id *id);

struct script_flag_exception {
    struct block_hash block;
    uint32_t flags;
};
struct checkpoint_snapshot { /* assumeutxo */
    int32_t height;
    struct block_hash block;
    uint8_t coins_hash[32]; /* hash_serialized_3 */
    uint64_t chain_tx;
};

struct known_block {
    int32_t height;
    struct block_hash hash;
};

struct network {
    const char *name;    /* "main", "test", "testnet4", "signet", "regtest": as RPC says it */
    const char *datadir; /* "" for main, "testnet3", ... */
    uint8_t magic[4];
    uint16_t port, rpc_port, onion_port;
    const char *const *dns_seeds; /* NULL-terminated */
    struct address_params address;

    struct header genesis_header;
    struct block_hash genesis_hash;
    const char *genesis_message; /* coinbase text */
    struct span genesis_output;  /* script */
    int64_t genesis_reward;

    struct u256 pow_limit;
    enum retarget_rule retarget;
    bool min_difficulty_blocks; /* testnet's special rule: 20 minutes without a block */
    bool bip94;                 /* testnet4: timewarp and block-storm rules */
    int64_t spacing, timespan;  /* seconds: 600 and 1209600 */
    int32_t halving_interval;
    int64_t initial_subsidy;
    int32_t coinbase_maturity;

    int32_t buried[BURIED_COUNT];
    struct block_hash bip34_hash; /* BIP30 is implied above this block */
    /* Blocks that may repeat a coinbase, and those whose coinbase was thus repeated (BIP30). */
    const struct known_block *bip30_repeats, *bip30_lost;
    size_t n_bip30_repeats, n_bip30_lost;
    struct deployment deployments[DEPLOYMENT_COUNT];
    int32_t min_bip9_warning_height; /* below, unknown version bits are not warned of */
    const struct script_flag_exception *flag_exceptions;
    size_t n_flag_exceptions;
    struct span signet_challenge; /* empty: no signet */

    struct u256 min_chain_work;
    struct block_hash assume_valid;
    const struct checkpoint_snapshot *snapshots;
    size_t n_snapshots;
    /* For progress: transactions up to a time, and the rate since. */
    int64_t tx_time, tx_count;
    double tx_rate;

    /* Of the headers pre-synchronisation: one bit kept of every so many headers; headers buffered.
     */
    uint32_t headers_commitment_period, headers_redownload_buffer;
    uint32_t assumed_blocks_gb, assumed_coins_gb; /* size on disk, for the warning at start */

    bool require_standard; /* default of -acceptnonstdtxn is its contrary */
    bool
        mine_on_demand; /* blocks are made by command: a node alone or with an old tip is in sync */
    bool default_consistency_checks;
    bool mockable_time; /* setmocktime is allowed */
    bool is_test_chain; /* coins are worth nothing: options that endanger them are allowed */
    uint64_t prune_after_height;
    uint64_t fast_prune_after_height; /* with -fastprune; 0: no other */
};

/* By the name of -chain: "main", "test", "testnet4", "signet", "regtest"; NULL where there is none.
 */
const struct network *network_find(const char *name);
const struct network *const *network_all(size_t *n);
/* The genesis block, made from the parameters. */
struct block *network_genesis(const struct network *net);
/* A copy to change (-vbparams, -testactivationheight, -signetchallenge); free with network_free().
 */
struct network *network_copy(const struct network *net);
void network_free(struct network *net);
/* Sets the challenge and the magic that follows from it (BIP325). */
void network_set_signet_challenge(struct network *net, struct span challenge);

#endif
