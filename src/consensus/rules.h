/*
 * Rules of transactions and blocks that need no state, and those that need coins and headers given
 * by the caller. Reason strings are the field's.
 */
#ifndef MITE_CONSENSUS_RULES_H
#define MITE_CONSENSUS_RULES_H

#include "chain/block.h"
#include "chain/coin.h"
#include "consensus/headers.h"

#define MAX_BLOCK_SIGOPS_COST    80000
#define LOCKTIME_VERIFY_SEQUENCE 1u

/* Context-free: sizes, amounts, duplicates, coinbase form ("bad-txns-..."). */
bool tx_check(const struct tx *tx, struct verdict *v);
bool tx_is_final(const struct tx *tx, int32_t height, int64_t time);
/* The coins of tx's inputs, in order, at `height`: maturity, ranges, sums. *fee out. */
bool tx_check_inputs(const struct tx *tx, const struct coin *const *coins, int32_t height,
                     const struct network *net, int64_t *fee, struct verdict *v);

/* BIP68. coin_heights[i] is the height of input i's coin (the next block's for unconfirmed ones,
 * which count as height + 1 of the tip). The lock is met by a block after `prev`
 * where min_height < its height and min_time < prev's median time past. */
struct sequence_lock {
    int32_t min_height;
    int64_t min_time;
};
struct sequence_lock sequence_lock_of(const struct tx *tx, uint32_t flags,
                                      const int32_t *coin_heights, const struct hnode *prev);
bool sequence_lock_met(const struct sequence_lock *lock, const struct hnode *prev);

/* Cost of all signature operations; coins in input order (not read for a coinbase). */
int64_t tx_sigops_cost(const struct tx *tx, const struct coin *const *coins, uint32_t flags);
unsigned tx_legacy_sigops(const struct tx *tx);

/* Context-free: header, signet's signature, merkle root and mutation, sizes, coinbase position,
 * transactions, legacy sigops. check_pow (also of the signature) and check_merkle false for a block
 * that is being made. */
bool block_check(const struct block *b, const struct network *net, bool check_pow,
                 bool check_merkle, struct verdict *v);
/* After its predecessor: finality, BIP34, witness commitment, weight. */
bool block_check_contextual(const struct block *b, const struct hnode *prev,
                            const struct network *net, struct verdict *v);
/* The witness commitment, and no witness without one: "bad-witness-nonce-size",
 * "bad-witness-merkle-match", "unexpected-witness". */
bool block_check_witness(const struct block *b, bool segwit_active, struct verdict *v);
/* BIP325; true for the genesis block and for networks without a challenge. */
bool signet_check(const struct block *b, const struct network *net);
/* Index of the coinbase output with the witness commitment, or -1 (BIP141). */
int witness_commitment_index(const struct block *b);
int64_t block_subsidy(const struct network *net, int32_t height);
/* Whether the block must be checked for transactions that would overwrite coins (BIP30). */
bool bip30_applies(const struct network *net, const struct hnode *n);
/* Whether it is one of those that did overwrite an earlier block's coinbase. */
bool bip30_repeats(const struct network *net, const struct hnode *n);
/* Whether its coinbase was overwritten later: its coins can never be spent. */
bool bip30_lost(const struct network *net, const struct hnode *n);

#endif
