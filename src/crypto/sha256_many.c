/*
 * SHA-256d of many messages of different lengths: the transactions of a block.
 *
 * Each lane of the kernel holds one message and takes its next block in every step; a lane whose
 * message is through takes the next message, so that lanes stay busy though lengths differ. The
 * second hash is one more block, of the digest, in the same lane. Blocks that lie in one part of a
 * message are read where they are, others are put together in the lane's own memory.
 *
 * A long message would go on alone when all others are done, at the price of a whole step a block,
 * so those are hashed by the plain code, which loses little on them.
 *
 * Rejected: sorting messages by length, which needs no lanes to be refilled, but leaves them empty
 * where lengths are few of a kind.
 */
#include <string.h>

#include "crypto/hash.h"
#include "crypto/sha256_kernel.h"
#include "crypto/sha256_kernel_impl.h"

#define BLOCK        64
#define LONG_MESSAGE 4096

struct lane {
    const struct sha256_job *job; /* NULL: idle */
    bool second;                  /* hashing the digest of the first hash */
    unsigned part;                /* where the next byte is */
    size_t offset;
    size_t left, total; /* bytes */
    bool ended;         /* the end mark is behind the message */
    bool padded;        /* the length is written: no block is left */
    uint8_t block[BLOCK];
};

static size_t job_size(const struct sha256_job *j)
{
    return j->part[0].len + j->part[1].len + j->part[2].len;
}

static void plain(const struct sha256_job *j)
{
    struct sha256 h;

    sha256_init(&h);
    for (int i = 0; i < 3; i++)
        sha256_write(&h, j->part[i].data, j->part[i].len);
    sha256d_final(&h, j->out);
}

/* Copies what is left of the message, up to a block; returns its length. */
static size_t gather(struct lane *l)
{
    size_t n = 0;

    while (n < BLOCK && l->left > 0) {
        struct span p = l->job->part[l->part];
        size_t take = p.len - l->offset < BLOCK - n ? p.len - l->offset : BLOCK - n;

        if (take)
            memcpy(l->block + n, p.data + l->offset, take);
        n += take;
        l->left -= take;
        l->offset += take;
        if (l->offset == p.len) {
            l->part++;
            l->offset = 0;
        }
    }
    return n;
}

/* Behind n bytes of a last block: the end mark, zeros, and the length where there is room. */
static void pad(struct lane *l, size_t n)
{
    memset(l->block + n, 0, BLOCK - n);
    if (!l->ended && n < BLOCK) {
        l->block[n++] = 0x80;
        l->ended = true;
    }
    if (l->ended && n <= BLOCK - 8) {
        put_be64(l->block + BLOCK - 8, (uint64_t)l->total * 8);
        l->padded = true;
    }
}

static const uint8_t *next_block(struct lane *l)
{
    struct span p = l->left ? l->job->part[l->part] : span_of(NULL, 0);
    size_t n;

    if (l->left && p.len - l->offset > BLOCK) { /* more: so that a part's end is met in gather() */
        l->offset += BLOCK;
        l->left -= BLOCK;
        return p.data + l->offset - BLOCK;
    }
    n = gather(l);
    if (l->left == 0)
        pad(l, n);
    return l->block;
}

static void set_state(uint32_t *state, unsigned lanes, unsigned lane)
{
    for (unsigned i = 0; i < 8; i++)
        state[i * lanes + lane] = sha256_iv[i];
}

static void get_digest(uint8_t out[32], const uint32_t *state, unsigned lanes, unsigned lane)
{
    for (unsigned i = 0; i < 8; i++)
        put_be32(out + 4 * i, state[i * lanes + lane]);
}

static void start(struct lane *l, const struct sha256_job *job)
{
    l->job = job;
    l->second = l->ended = l->padded = false;
    l->part = 0;
    l->offset = 0;
    l->left = l->total = job ? job_size(job) : 0;
}

/* The digest becomes the message: one block, complete. */
static void start_second(struct lane *l)
{
    l->second = true;
    l->left = 0;
    l->total = 32;
    l->ended = l->padded = false;
    pad(l, 32);
    l->padded = true;
}

/* The next job that is short; long ones on the way are done. */
static const struct sha256_job *next_job(const struct sha256_job **jobs, size_t *n)
{
    while (*n) {
        const struct sha256_job *j = (*jobs)++;

        (*n)--;
        if (job_size(j) <= LONG_MESSAGE)
            return j;
        plain(j);
    }
    return NULL;
}

/* After a step: the digest of a message that is through is given, and the lane has something new.
 * Returns false where it is idle from now on. */
static bool turn(struct lane *l, uint32_t *state, unsigned lanes, unsigned lane,
                 const struct sha256_job **jobs, size_t *n)
{
    if (!l->padded)
        return true;
    if (!l->second) {
        get_digest(l->block, state, lanes, lane);
        start_second(l);
    } else {
        get_digest(l->job->out, state, lanes, lane);
        start(l, next_job(jobs, n));
    }
    set_state(state, lanes, lane);
    return l->job != NULL;
}

void sha256d_many(const struct sha256_job *jobs, size_t n)
{
    const struct sha256_kernel *k = sha256_kernel_best();
    uint32_t state[8 * SHA256_MAX_LANES] __attribute__((aligned(64)));
    const uint8_t *at[SHA256_MAX_LANES];
    struct lane lanes[SHA256_MAX_LANES];
    unsigned busy = 0;

    if (n < k->lanes) {
        for (size_t i = 0; i < n; i++)
            plain(&jobs[i]);
        return;
    }
    for (unsigned i = 0; i < k->lanes; i++) {
        start(&lanes[i], next_job(&jobs, &n));
        set_state(state, k->lanes, i);
        memset(lanes[i].block, 0, BLOCK);
        busy += lanes[i].job != NULL;
    }
    while (busy > 0) {
        for (unsigned i = 0; i < k->lanes; i++) {
            bool second = lanes[i].second && lanes[i].job;

            at[i] = !lanes[i].job || second ? lanes[i].block : next_block(&lanes[i]);
        }
        k->blocks(state, at);
        for (unsigned i = 0; i < k->lanes; i++)
            if (lanes[i].job && !turn(&lanes[i], state, k->lanes, i, &jobs, &n))
                busy--;
    }
}
