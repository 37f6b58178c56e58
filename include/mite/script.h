/*
 * Scripts and addresses. `network` is "main", "test", "testnet4", "signet" or "regtest".
 *
 * Results of no fixed size go into the caller's memory. Such calls return how long the whole result
 * is, also where `size` bytes do not hold it: then nothing is promised about what is in `out`.
 */
#ifndef MITE_SCRIPT_H
#define MITE_SCRIPT_H

#include <mite/chain.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Holds any address, and the script of any address. */
#define MITE_ADDRESS_SIZE        128
#define MITE_ADDRESS_SCRIPT_SIZE 42

/* The output script that pays to an address: its length, or 0 where the text is no address of the
 * network. */
MITE_API size_t mite_address_to_script(const char *network, const char *address, uint8_t *out,
                                       size_t size);
/* The address of an output script: length of the text without its closing zero, or 0 where the
 * script has none (or the network is unknown). */
MITE_API size_t mite_script_to_address(const char *network, const uint8_t *script,
                                       size_t script_len, char *out, size_t size);
/* "pubkeyhash", "witness_v1_taproot", "nonstandard" and so on, as RPC names them. Static. */
MITE_API const char *mite_script_type(const uint8_t *script, size_t script_len);
/* "OP_DUP OP_HASH160 <hex> ...": length of the text without its closing zero. What cannot be read
 * is
 * "[error]". */
MITE_API size_t mite_script_text(const uint8_t *script, size_t script_len, char *out, size_t size);
/* Signature operations as they were counted before BIP16; `accurate` counts the keys of a multisig
 * where OP_1 to OP_16 says how many they are, and not as 20. */
MITE_API unsigned mite_script_sigops(const uint8_t *script, size_t script_len, int accurate);
/* 1 where no input can ever spend it: it begins with OP_RETURN, or is too long. */
MITE_API int mite_script_unspendable(const uint8_t *script, size_t script_len);

#ifdef __cplusplus
}
#endif

#endif
