/*
 * libmite: the rules of the network as a library. Bytes in, a verdict out: no I/O, no clock, no
 * global state, no threads of its own. Every function may be called from any thread at any time,
 * and takes any bytes whatever.
 */
#ifndef MITE_CONSENSUS_H
#define MITE_CONSENSUS_H

#include <mite/chain.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Script verification flags: which rules hold. The bits are those that are used everywhere. */
#define MITE_VERIFY_NONE                0u
#define MITE_VERIFY_P2SH                (1u << 0)  /* BIP16 */
#define MITE_VERIFY_DERSIG              (1u << 2)  /* BIP66 */
#define MITE_VERIFY_NULLDUMMY           (1u << 4)  /* BIP147 */
#define MITE_VERIFY_CHECKLOCKTIMEVERIFY (1u << 9)  /* BIP65 */
#define MITE_VERIFY_CHECKSEQUENCEVERIFY (1u << 10) /* BIP112 */
#define MITE_VERIFY_WITNESS             (1u << 11) /* BIP141, BIP143; needs P2SH */
#define MITE_VERIFY_TAPROOT             (1u << 17) /* BIP341, BIP342; needs WITNESS */
/* All of them: what blocks at the tip must obey. */
#define MITE_VERIFY_ALL                                                                        \
    (MITE_VERIFY_P2SH | MITE_VERIFY_DERSIG | MITE_VERIFY_NULLDUMMY |                           \
     MITE_VERIFY_CHECKLOCKTIMEVERIFY | MITE_VERIFY_CHECKSEQUENCEVERIFY | MITE_VERIFY_WITNESS | \
     MITE_VERIFY_TAPROOT)

/* Why an input was not verified. Values from MITE_ERR_SCRIPT up are script errors, whose numbers
 * may change: only their texts mean something. */
typedef enum {
    MITE_ERR_OK = 0,
    MITE_ERR_TX,    /* the bytes are not one transaction */
    MITE_ERR_INPUT, /* the transaction has no such input */
    MITE_ERR_SPENT, /* the spent outputs are not as many as the inputs */
    MITE_ERR_FLAGS, /* a flag that is none of the above, or one without those it needs */
    MITE_ERR_SCRIPT = 256
} mite_error;

/*
 * Verifies input `input` (from 0) of the serialised transaction `tx` against all outputs that it
 * spends, in the order of its inputs. Returns 1 if the input is valid under `flags`, else 0; *err
 * (may be NULL) says why.
 */
MITE_API int mite_verify_input(const uint8_t *tx, size_t tx_len, unsigned input,
                               const mite_output *spent, size_t n_spent, uint32_t flags,
                               mite_error *err);

/*
 * The same for all inputs of a parsed transaction, and cheaper than one by one: what their
 * signatures have in common is hashed once. Where 0 is returned, *input (may be NULL) is the first
 * input that is not valid.
 */
MITE_API int mite_verify_tx(const mite_tx *tx, const mite_output *spent, size_t n_spent,
                            uint32_t flags, unsigned *input, mite_error *err);

/* A sentence for an error, such as "Script evaluated without error but finished with a false/empty
 * top stack element". Never NULL; static. */
MITE_API const char *mite_error_string(mite_error err);

/*
 * Checks a transaction by itself: sizes, amounts, inputs named twice, the form of a coinbase.
 * Returns 1, or 0 with *reason (may be NULL; static) in the field's words ("bad-txns-vin-empty").
 */
MITE_API int mite_check_tx(const mite_tx *tx, const char **reason);

/*
 * Checks a serialised block by itself: proof of work, merkle root, sizes, transactions, signet's
 * signature; nothing that needs earlier blocks. `network` is "main", "test", "testnet4", "signet"
 * or "regtest". Returns 1, or 0 with *reason (may be NULL; static) in the field's words
 * ("bad-txnmrklroot"), "bad-encoding" where the bytes are no block, or "unknown-network".
 */
MITE_API int mite_check_block(const uint8_t *block, size_t block_len, const char *network,
                              const char **reason);

#ifdef __cplusplus
}
#endif

#endif
