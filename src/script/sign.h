/*
 * Signing: turns keys and scripts that a caller can look up into scriptSig and witness.
 */
#ifndef MITE_SCRIPT_SIGN_H
#define MITE_SCRIPT_SIGN_H

#include "script/standard.h"
#include "script/verify.h"

/* Where keys and scripts come from (a wallet, a list of keys given by RPC). Each returns false for
 * what it does not have; any may be NULL. Output keys are written into caller's memory. */
struct signing_provider {
    bool (*key)(void *arg, const uint8_t key_hash[20], struct seckey *out);
    bool (*pubkey)(void *arg, const uint8_t key_hash[20], struct pubkey *out);
    bool (*script)(void *arg, const uint8_t script_hash160[20],
                   struct buf *out); /* redeem, witness script */
    /* Taproot: internal key and merkle root (32 bytes, *has_root) behind an output key. */
    bool (*taproot)(void *arg, const struct xonly *output, struct xonly *internal, uint8_t root[32],
                    bool *has_root);
    void *arg;
};

/* Signs input `in` of m, spending `spent[in]`; all n_in spent outputs are given (taproot commits to
 * them). Merges with signatures that are there already (multisig). Returns true where the input is
 * complete afterwards: it then verifies under SCRIPT_VERIFY_STANDARD. hash_type 0: the default. */
bool sign_input(struct mtx *m, unsigned in, const struct tx_out *spent,
                const struct signing_provider *p, int hash_type, enum script_error *err);
/* Bytes that a signed input will take: scriptSig and witness size (largest case, low R signatures),
 * for fee computation. False where it cannot be told (unknown script). */
bool sign_input_size(struct span spent_script, const struct signing_provider *p, bool grind_low_r,
                     uint32_t *script_sig_len, uint32_t *witness_len);

#endif
