/*
 * Signing: turns keys and scripts that a caller can look up into scriptSig and witness.
 */
#ifndef MITE_SCRIPT_SIGN_H
#define MITE_SCRIPT_SIGN_H

#include "script/standard.h"
#include "script/verify.h"

/* Where keys and scripts come from (a wallet, a list of keys given by RPC). Each returns false for
 * what it does not have; any may be NULL. Results are written into the caller's memory. */
struct signing_provider {
    bool (*key)(void *arg, const uint8_t key_hash[20], struct seckey *out);
    bool (*pubkey)(void *arg, const uint8_t key_hash[20], struct pubkey *out);
    /* Redeem and witness scripts, by hash160; appended to out. */
    bool (*script)(void *arg, const uint8_t script_hash160[20], struct buf *out);
    /* Taproot: internal key and merkle root (32 bytes, *has_root) behind an output key. */
    bool (*taproot)(void *arg, const struct xonly *output, struct xonly *internal, uint8_t root[32],
                    bool *has_root);
    void *arg;
};

/* A transaction that is being signed: what its inputs share, computed once. Signatures do not
 * commit to scriptSigs and witnesses, so it stays good while inputs are being filled. */
struct signer {
    struct mtx *m;
    const struct tx_out *spent;
    struct tx *tx;
    struct sighash_cache cache;
};
/* `spent`: the output that each input spends, in order; script_pubkey.data NULL where it is not
 * known, which leaves that input alone and makes taproot signatures impossible. m and spent must
 * outlive the signer; m's inputs and outputs must not be added to or removed. */
void signer_init(struct signer *s, struct mtx *m, const struct tx_out *spent);
void signer_clear(struct signer *s);
/* Signs input `in`. Merges with signatures that are there already (multisig), looks for scripts in
 * what is there already, and leaves an input alone that is complete or to which it can add nothing.
 * hash_type 0: the default of each signature kind. Returns true where the input verifies afterwards
 * under SCRIPT_VERIFY_STANDARD, else *err (may be NULL) says why not. */
bool signer_sign(struct signer *s, unsigned in, const struct signing_provider *p, int hash_type,
                 enum script_error *err);

/* The same for a single input of m. */
bool sign_input(struct mtx *m, unsigned in, const struct tx_out *spent,
                const struct signing_provider *p, int hash_type, enum script_error *err);
/* All inputs. True where all are complete; errs (may be NULL) has m->n_in entries. */
bool sign_inputs(struct mtx *m, const struct tx_out *spent, const struct signing_provider *p,
                 int hash_type, enum script_error *errs);

/* Bytes that a signed input will take, for fee computation: the scriptSig without its length, and
 * the serialised witness with its count (0 where there is none). Signatures count 71 bytes where R
 * is ground low, else 72; taproot's 65, as the field's wallets estimate. False where it cannot be
 * told (unknown script). */
bool sign_input_size(struct span spent_script, const struct signing_provider *p, bool grind_low_r,
                     uint32_t *script_sig_len, uint32_t *witness_len);

#endif
