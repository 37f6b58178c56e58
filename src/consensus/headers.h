/*
 * Rules of headers: targets, work, median time past, retarget, versionbits. Pure functions over
 * linked header nodes, which the block index (validation/) is made of.
 */
#ifndef MITE_CONSENSUS_HEADERS_H
#define MITE_CONSENSUS_HEADERS_H

#include "consensus/params.h"
#include "consensus/verdict.h"

/* A header in the tree. prev and skip are NULL for genesis; skip leads far back, for quick
 * ancestors. */
struct hnode {
    const struct hnode *prev, *skip;
    struct block_hash hash;
    int32_t height;
    int32_t version;
    uint32_t time, bits, nonce;
    uint32_t time_max; /* of all times up to here */
    uint8_t merkle_root[32];
    struct u256 work; /* of the whole chain up to here */
};

/* Fills all fields from the header and its predecessor (NULL for genesis). */
void hnode_init(struct hnode *n, const struct header *h, const struct block_hash *hash,
                const struct hnode *prev);
void hnode_header(const struct hnode *n, struct header *out);
const struct hnode *hnode_ancestor(const struct hnode *n,
                                   int32_t height); /* NULL above n or below 0 */
int64_t hnode_median_time_past(const struct hnode *n);
/* The last block that both chains have. */
const struct hnode *hnode_last_common(const struct hnode *a, const struct hnode *b);

/* Compact targets. False where negative, overflowing, zero or above the limit. */
bool bits_to_target(uint32_t bits, const struct u256 *limit, struct u256 *target);
uint32_t target_to_bits(struct u256 target);
struct u256 bits_work(uint32_t bits); /* 2^256 / (target + 1); 0 for invalid bits */
bool pow_check(const struct block_hash *hash, uint32_t bits, const struct network *net);
/* The bits that a block after `prev` with this time must have. */
uint32_t pow_next_bits(const struct network *net, const struct hnode *prev, uint32_t time);
/* Whether new bits can follow old ones at this height at all (headers pre-synchronisation). */
bool pow_transition_possible(const struct network *net, int64_t height, uint32_t old_bits,
                             uint32_t new_bits);
/* Difficulty as RPC shows it: 1.0 at bits 0x1d00ffff. */
double bits_difficulty(uint32_t bits);

/* The header by itself: "high-hash". */
bool header_check(const struct header *h, const struct block_hash *hash, const struct network *net,
                  struct verdict *v);
/* After its predecessor: "bad-diffbits", "time-too-old", "time-too-new", "time-timewarp-attack",
 * "bad-version(0x...)". `now` in seconds. */
bool header_check_contextual(const struct header *h, const struct hnode *prev, int64_t now,
                             const struct network *net, struct verdict *v);

/* ---- deployments ---- */

enum deployment_state {
    DEPLOYMENT_DEFINED,
    DEPLOYMENT_STARTED,
    DEPLOYMENT_LOCKED_IN,
    DEPLOYMENT_ACTIVE,
    DEPLOYMENT_FAILED
};
/* State for the block after `prev` (BIP9; NULL: for genesis). */
enum deployment_state deployment_state(const struct network *net, enum deployment_id id,
                                       const struct hnode *prev);
/* Height of the first block of the period in which that state began. */
int32_t deployment_since(const struct network *net, enum deployment_id id,
                         const struct hnode *prev);
const char *deployment_state_name(enum deployment_state s); /* "locked_in" */
/* Signalling in the period of block `n`, up to n. */
struct deployment_stats {
    uint32_t period, threshold, elapsed, count;
    bool possible; /* the threshold can still be reached */
};
struct deployment_stats deployment_statistics(const struct network *net, enum deployment_id id,
                                              const struct hnode *n);
bool deployment_signals(const struct network *net, enum deployment_id id, const struct hnode *n);
bool buried_active_after(const struct network *net, enum buried_id id, const struct hnode *prev);
int32_t block_version_for(const struct network *net,
                          const struct hnode *prev); /* what a miner sets */
/* Version bits that blocks lock in or have activated though no deployment here uses them. Only the
 * lowest bits announce rules, the others are the miners' to use. All zero at first; `end` must
 * outlive it. */
#define VERSION_BITS 5
struct unknown_bits {
    uint32_t locked_in, active;
    const struct hnode *end; /* the last block of the last period that is in it; NULL: none is */
};
void unknown_bits_update(struct unknown_bits *u, const struct network *net,
                         const struct hnode *tip);
/* Script flags with which the block `n` is verified, historic exceptions included. */
uint32_t block_script_flags(const struct network *net, const struct hnode *n);

#endif
