/* The inside of a wallet: private to wallet/. */
#ifndef MITE_WALLET_INSIDE_H
#define MITE_WALLET_INSIDE_H

#include "util/table.h"
#include "wallet/db.h"
#include "wallet/wallet.h"

#define WALLET_CLIENT_VERSION 319900 /* what the "version" record says */
#define WALLET_FEATURE_LATEST 169900

/* An output script of the wallet. */
struct wallet_entry {
    uint8_t id[32]; /* SHA-256 of the script: key of the table */
    struct wallet_descriptor *owner;
    uint32_t index;
};

/* An output of a wallet transaction that is the wallet's. */
struct own_output {
    struct wtx *tx;
    uint32_t n;
};

/* Who of the wallet's transactions spend an output: more than one are in conflict. */
struct spends {
    struct outpoint out; /* key */
    struct wtx **by;
    size_t n;
};

struct locked_coin {
    struct outpoint out;
    bool persistent;
};

/* A private key under the master key. */
struct wallet_key {
    struct pubkey pubkey;
    uint8_t secret[48]; /* AES-256-CBC of 32 bytes */
};

/* The master key under a passphrase: a record "mkey". */
struct master_key {
    uint32_t id;
    uint8_t crypted[48], salt[8];
    uint32_t method, iterations;
    struct buf other;
};

struct wallet {
    struct wallets *set;
    struct wallet_db *db;
    char *name, *file;
    uint64_t flags;

    struct wallet_descriptor **descs;
    size_t n_descs, cap_descs;
    struct wallet_descriptor *active[2][OUTPUT_UNKNOWN]; /* [internal][type] */
    struct table scripts;                                /* struct wallet_entry */
    bool importing;

    struct master_key *mkeys;
    size_t n_mkeys;
    uint8_t *master;     /* secret memory, 32 bytes; NULL: locked or not encrypted */
    int64_t relock_time; /* seconds; 0: locked */

    struct table txs;     /* struct wtx */
    struct wtx **ordered; /* by order */
    size_t n_txs, cap_txs;
    int64_t next_order;
    struct table spends;
    struct own_output *own;
    size_t n_own, cap_own;
    struct table own_index; /* not in the file: outpoints in `own` */

    struct address_entry **addresses; /* sorted by address */
    size_t n_addresses, cap_addresses;

    struct locked_coin *locked;
    size_t n_locked, cap_locked;

    struct block_hash last_block;
    int32_t last_height; /* -1: none */
    int64_t next_rebroadcast;
};

struct wallets {
    struct wallets_options o;
    char *dir;
    struct wallet **list;
    size_t n, cap;
};

/* ---- records.c: the file's records ---- */

/* A key begins with its record's name; put and erase release what they take. */
void wallet_record_key(struct buf *key, const char *name);
void wallet_record_string(struct buf *b, const char *s);
void wallet_record_put(struct wallet *w, struct buf *key, struct buf *value);
void wallet_record_erase(struct wallet *w, struct buf *key);
void wallet_put_version(struct wallet *w);
void wallet_put_flags(struct wallet *w);
void wallet_put_descriptor(struct wallet *w, const struct wallet_descriptor *d);
void wallet_put_active(struct wallet *w, const struct wallet_descriptor *d, enum output_type type,
                       bool internal);
void wallet_erase_active(struct wallet *w, enum output_type type, bool internal);
void wallet_put_cache(struct wallet *w, const struct wallet_descriptor *d,
                      const struct descriptor_cache_item *item);
void wallet_put_seckey(struct wallet *w, const struct wallet_descriptor *d, const struct seckey *k);
/* Writes the encrypted key and erases the plain one. */
void wallet_put_crypted_key(struct wallet *w, const struct wallet_descriptor *d,
                            const struct wallet_key *k);
void wallet_put_master_key(struct wallet *w, const struct master_key *m);
void wallet_put_tx(struct wallet *w, const struct wtx *tx);
void wallet_erase_tx(struct wallet *w, const struct txid *txid);
void wallet_put_order(struct wallet *w);
void wallet_put_best_block(struct wallet *w);
void wallet_put_address(struct wallet *w, const struct address_entry *e);
void wallet_put_locked(struct wallet *w, const struct outpoint *o, bool locked);
/* The value of a "tx" record. False: it is none. */
bool wallet_read_tx(struct wtx *out, struct span value);
void wtx_free(struct wtx *tx);

/* ---- load.c ---- */

/* Reads all records. False: *error is Core's sentence. */
bool wallet_load_records(struct wallet *w, char **error, char **warning);
/* The locator of the file; false where there is none or the disk failed. Caller frees. */
bool wallet_read_best_block(struct wallet *w, struct block_hash **locator, size_t *n);

/* ---- crypt.c ---- */

bool master_key_open(const struct master_key *m, struct span passphrase, uint8_t out[32]);
void master_key_seal(struct master_key *m, struct span passphrase, const uint8_t key[32],
                     uint32_t iterations);
void wallet_key_seal(struct wallet_key *k, const struct seckey *plain, const uint8_t master[32]);
bool wallet_key_open(const struct wallet_key *k, const uint8_t master[32], struct seckey *out);

/* ---- keys.c ---- */

struct wallet_descriptor *wallet_find_descriptor(struct wallet *w, const uint8_t id[32]);
/* Takes over d. */
struct wallet_descriptor *wallet_add_descriptor(struct wallet *w, struct descriptor *d,
                                                int64_t created, int32_t begin, int32_t end,
                                                int32_t next);
/* Makes the eight descriptors of a new seed and activates them. */
bool wallet_setup_descriptors(struct wallet *w);
void wallet_set_active(struct wallet *w, struct wallet_descriptor *d, enum output_type type,
                       bool internal);
/* Writes what of positions [from, to) is remembered; hardened ones while the private key is here.
 */
void wallet_save_cache(struct wallet *w, struct wallet_descriptor *d, int32_t from, int32_t to);
bool wallet_derivable(const struct wallet_descriptor *d, int32_t index);
/* Writes the private keys that a new descriptor holds: sealed where the wallet is encrypted. */
void wallet_save_seckeys(struct wallet *w, struct wallet_descriptor *d);
void wallet_clear_active(struct wallet *w, struct wallet_descriptor *d, enum output_type type,
                         bool internal);
/* Puts all promised positions into the table of scripts: before looking at what the chain brings.
 */
void wallet_fill_all(struct wallet *w);
bool wallet_fill_some(struct wallet *w, unsigned positions);
/* Extends the range so that `size` (0: the keypool) positions lie ahead of the next one. */
bool wallet_top_up(struct wallet *w, struct wallet_descriptor *d, unsigned size);
const struct wallet_entry *wallet_entry_of(struct wallet *w, struct span script);
/* The script was seen on the chain: addresses up to it are used up. */
void wallet_mark_used(struct wallet *w, const struct wallet_entry *e);
void wallet_give_keys(struct wallet *w);   /* unlocked: private keys into the descriptors */
void wallet_forget_keys(struct wallet *w); /* locked */
void wallet_descriptor_free(struct wallet_descriptor *d);
bool wallet_descriptor_is_internal(const struct wallet *w, const struct wallet_descriptor *d,
                                   bool *known);
/* Script at the next position of the active descriptor, not yet taken. */
bool wallet_peek_change(struct wallet *w, enum output_type type, struct buf *script, char **error);
/* Where `script` is a position that was peeked at: takes it. */
void wallet_take_change(struct wallet *w, struct span script);

/* ---- book.c ---- */

struct address_entry *wallet_book_entry(struct wallet *w, const char *address, bool create);
bool wallet_script_address(struct wallet *w, struct span script, char **address);
void wallet_book_clear(struct wallet *w);
/* Marks the addresses of what `tx` spends as used before (avoid_reuse). */
void wallet_mark_spent_addresses(struct wallet *w, const struct tx *tx);

/* ---- ledger.c ---- */

struct wtx *wallet_tx_mutable(const struct wallet *w, const struct txid *txid);
/* Puts a transaction read from the file into the maps. */
void wallet_index_tx(struct wallet *w, struct wtx *tx);
/* New or known: gives it the state; written. */
struct wtx *wallet_add_tx(struct wallet *w, const struct tx *tx, enum wtx_state state,
                          const struct block_hash *block, int32_t height, int32_t index,
                          bool rescanning);
/* Adds it where it concerns the wallet. `update`: also where it is known. */
bool wallet_sync_tx(struct wallet *w, const struct tx *tx, enum wtx_state state,
                    const struct block_hash *block, int32_t height, int32_t index, bool update,
                    bool rescanning);
/* The transaction and all of the wallet that builds on it; caller frees. */
struct wtx **wallet_family(struct wallet *w, struct wtx *tx, size_t *n);
const struct spends *wallet_spends(const struct wallet *w, const struct outpoint *o);
void wallet_find_own_outputs(struct wallet *w); /* after scripts were added */
void wallet_mark_conflicted(struct wallet *w, const struct block_hash *block, int32_t height,
                            const struct txid *txid);
void wallet_set_tx_state(struct wallet *w, struct wtx *tx, enum wtx_state state);
void wallet_ledger_clear(struct wallet *w);

/* ---- events.c ---- */

void wallet_block_connected(struct wallet *w, const struct block *b, int32_t height);
void wallet_block_disconnected(struct wallet *w, const struct block *b, int32_t height);
void wallet_tx_added_to_mempool(struct wallet *w, const struct tx *tx);
void wallet_tx_left_mempool(struct wallet *w, const struct tx *tx, bool conflict);
/* After opening: catches up with the chain from the block of the file, and with the mempool. */
bool wallet_catch_up(struct wallet *w, char **error);
void wallet_rebroadcast(struct wallet *w); /* where it is time to */

/* Commits; a failure is told to the node, which stops. */
bool wallet_commit(struct wallet *w);

#endif
