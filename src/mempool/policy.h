/* Standardness: what is relayed and mined by default, beyond what is valid. */
#ifndef MITE_MEMPOOL_POLICY_H
#define MITE_MEMPOOL_POLICY_H

#include "consensus/rules.h"

#define MAX_STANDARD_TX_WEIGHT      400000
#define MIN_STANDARD_TX_NONWITNESS  65
#define MAX_STANDARD_TX_SIGOPS_COST (MAX_BLOCK_SIGOPS_COST / 5)
#define MAX_TX_LEGACY_SIGOPS        2500 /* BIP54 */
#define MAX_STANDARD_SCRIPTSIG_SIZE 1650
#define MAX_P2SH_SIGOPS             15
#define MAX_DUST_OUTPUTS_PER_TX     1
#define DEFAULT_BYTES_PER_SIGOP     20
#define TRUC_VERSION                3 /* BIP431 */
#define TRUC_MAX_VSIZE              10000
#define TRUC_CHILD_MAX_VSIZE        1000

struct policy {
    int64_t dust_relay_feerate;
    unsigned max_datacarrier_bytes;
    bool permit_bare_multisig;
};
/* Reason strings: "version", "tx-size", "scriptsig-size", "scriptsig-not-pushonly", "scriptpubkey",
 * "datacarrier", "bare-multisig", "dust". */
bool policy_tx_standard(const struct tx *tx, const struct policy *p, const char **reason);
/* Coins in input order. "bad-txns-nonstandard-inputs" with the particulars as detail. */
bool policy_inputs_standard(const struct tx *tx, const struct coin *const *coins,
                            struct verdict *v);
bool policy_witness_standard(const struct tx *tx, const struct coin *const *coins);
/* Whether an input spends a witness program other than pay-to-anchor: a transaction without any
 * witness that does so may have been stripped of it. */
bool policy_spends_witness(const struct tx *tx, const struct coin *const *coins);

/* The least value that is worth its spending at this feerate (sat/kvB). */
int64_t policy_dust_threshold(const struct tx_out *out, int64_t dust_feerate);
bool policy_is_dust(const struct tx_out *out, int64_t dust_feerate);
unsigned policy_dust_count(const struct tx *tx, int64_t dust_feerate);

/* Weight and virtual size that also count signature operations. */
int64_t policy_adjusted_weight(int64_t weight, int64_t sigops_cost, unsigned bytes_per_sigop);
int64_t policy_vsize(int64_t weight, int64_t sigops_cost, unsigned bytes_per_sigop);

#endif
