/* Standardness: what is relayed and mined by default, beyond what is valid. */
#ifndef MITE_MEMPOOL_POLICY_H
#define MITE_MEMPOOL_POLICY_H

#include "consensus/rules.h"

struct policy {
    int64_t dust_relay_feerate;
    unsigned max_datacarrier_bytes;
    bool permit_bare_multisig;
};
/* Reason strings: "version", "tx-size", "scriptsig-size", "scriptsig-not-pushonly", "scriptpubkey",
 * "datacarrier", "bare-multisig", "dust". */
bool policy_tx_standard(const struct tx *tx, const struct policy *p, const char **reason);
bool policy_inputs_standard(const struct tx *tx, const struct coin *const *coins, struct verdict *v);
bool policy_witness_standard(const struct tx *tx, const struct coin *const *coins);
int64_t policy_dust_threshold(const struct tx_out *out, int64_t dust_feerate);
/* Virtual size that also counts signature operations (20 bytes each). */
int64_t policy_vsize(int64_t weight, int64_t sigops_cost);

#endif
