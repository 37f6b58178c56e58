/*
 * Merkle trees of transactions.
 *
 * A level is hashed in place into the level above by one call over all its pairs, so that the
 * kernel that hashes many short messages at once sees them together. Where a level has an odd
 * count its last hash is paired with itself; that makes different leaf lists with the same root
 * (CVE-2012-2459), which shows as two equal neighbours in some level.
 */
#include <stdlib.h>

#include "chain/block.h"
#include "crypto/hash.h"
#include "util/mem.h"

static bool has_equal_pair(uint8_t (*level)[32], size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        if (memcmp(level[i], level[i + 1], 32) == 0)
            return true;
    return false;
}

/* Replaces a level of n > 1 hashes by the one above it; returns its count. */
static size_t hash_level(uint8_t (*level)[32], size_t n)
{
    uint8_t last[64];

    if (n % 2 != 0) {
        memcpy(last, level[n - 1], 32);
        memcpy(last + 32, level[n - 1], 32);
    }
    sha256d_64(level[0], level[0], n / 2);
    if (n % 2 != 0)
        sha256d_64(level[n / 2], last, 1);
    return (n + 1) / 2;
}

void merkle_root(uint8_t root[32], uint8_t (*leaves)[32], size_t n, bool *mutated)
{
    bool equal = false;

    if (n == 0)
        memset(root, 0, 32);
    for (size_t left = n; left > 1;) {
        equal = equal || has_equal_pair(leaves, left);
        left = hash_level(leaves, left);
    }
    if (n > 0)
        memcpy(root, leaves[0], 32);
    if (mutated)
        *mutated = equal;
}

void block_merkle_root(const struct block *b, uint8_t root[32], bool *mutated)
{
    uint8_t(*leaves)[32] = xcalloc(b->n_tx + 1, 32);

    for (uint32_t i = 0; i < b->n_tx; i++)
        memcpy(leaves[i], b->tx[i]->txid.b, 32);
    merkle_root(root, leaves, b->n_tx, mutated);
    free(leaves);
}

void block_witness_merkle_root(const struct block *b, uint8_t root[32])
{
    uint8_t(*leaves)[32] = xcalloc(b->n_tx + 1, 32);

    for (uint32_t i = 1; i < b->n_tx; i++)
        memcpy(leaves[i], b->tx[i]->wtxid.b, 32);
    merkle_root(root, leaves, b->n_tx, NULL);
    free(leaves);
}

size_t merkle_branch_first(uint8_t (*branch)[32], const uint8_t (*leaves)[32], size_t n)
{
    uint8_t(*level)[32] = xmalloc((n + 1) * 32);
    size_t depth = 0;

    memcpy(level, leaves, n * 32);
    while (n > 1) {
        memcpy(branch[depth++], level[1], 32);
        n = hash_level(level, n);
    }
    free(level);
    return depth;
}
