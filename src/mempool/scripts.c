/*
 * Acceptance, the part that costs: scripts and signatures of every input.
 *
 * Pure work over the transaction and copied coins. Few inputs are verified here and now; from a
 * handful on they are dealt out to the workers in slices while the owner takes its share by
 * waiting. Where several inputs fail, the first one is the reason, as if they had been checked in
 * order.
 */
#include <stdio.h>

#include "mempool/accept.h"

#include "util/mem.h"
#include "util/workers.h"
#include "validation/script_cache.h"

/* Below, handing out costs more than it gains. */
enum { PARALLEL_INPUTS_MIN = 6, SLICES_MAX = 16 };

struct slice {
    struct job job;
    const struct acceptance *a;
    const struct sighash_cache *cache;
    const struct sig_memo *memo;
    uint32_t from, to;
    uint32_t failed; /* == to: none */
    enum script_error err;
    size_t *left;
};

static void run_slice(struct job *job)
{
    struct slice *s = (struct slice *)job;
    const struct acceptance *a = s->a;
    for (s->failed = s->from; s->failed < s->to; s->failed++) {
        if (!script_verify_input(s->cache, s->failed, &a->spent[s->failed], SCRIPT_VERIFY_STANDARD,
                                 s->memo, &s->err))
            return;
    }
}

static void slice_done(struct job *job)
{
    --*((struct slice *)job)->left;
}

static unsigned count_slices(const struct acceptance *a)
{
    struct workers *w = a->m->opts.workers;
    if (w == NULL || a->tx->n_in < PARALLEL_INPUTS_MIN)
        return 1;
    unsigned n = 2 * (workers_threads(w) + 1);
    if (n > SLICES_MAX)
        n = SLICES_MAX;
    return n < a->tx->n_in ? n : a->tx->n_in;
}

static void run_all(struct acceptance *a, struct slice *slice, unsigned n)
{
    size_t left = n;
    if (n == 1) {
        run_slice(&slice[0].job);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        slice[i].left = &left;
        workers_submit_first(a->m->opts.workers, &slice[i].job);
    }
    while (left > 0)
        workers_wait(a->m->opts.workers);
}

static bool script_failure(struct acceptance *a, uint32_t in, enum script_error err)
{
    const struct tx *tx = a->tx;
    char reason[128], txid[HASH_HEX_SIZE], wtxid[HASH_HEX_SIZE], prev[HASH_HEX_SIZE];
    snprintf(reason, sizeof(reason), "mempool-script-verify-flag-failed (%s)",
             script_error_message(err));
    bool stripped = !tx->has_witness && policy_spends_witness(tx, a->coin_ptrs);
    return verdict_fail(a->v, stripped ? VERDICT_WITNESS_STRIPPED : VERDICT_POLICY, reason,
                        "input %u of %s (wtxid %s), spending %s:%u", in,
                        hash_to_hex(txid, tx->txid.b), hash_to_hex(wtxid, tx->wtxid.b),
                        hash_to_hex(prev, tx->in[in].prev.txid.b), tx->in[in].prev.n);
}

/* A block on this tip that has the transaction need not verify it again: what passes under the
 * standard flags passes under any part of them. */
void accept_remember(const struct acceptance *a)
{
    struct script_cache *cache = chain_script_cache(a->m->opts.chain);
    const struct hnode *tip = &chain_tip(a->m->opts.chain)->h;
    uint32_t flags = block_script_flags(chain_network(a->m->opts.chain), tip);
    if (cache && (flags & ~SCRIPT_VERIFY_STANDARD) == 0)
        script_cache_add(cache, &a->tx->wtxid, flags);
}

bool accept_scripts(struct acceptance *a)
{
    struct slice slice[SLICES_MAX];
    struct sighash_cache cache;
    unsigned n = count_slices(a);
    sighash_cache_init(&cache, a->tx, a->spent);
    for (unsigned i = 0; i < n; i++) {
        slice[i] = (struct slice){.job = {.run = run_slice, .done = slice_done},
                                  .a = a,
                                  .cache = &cache,
                                  .memo = chain_sig_memo(a->m->opts.chain),
                                  .from = (uint32_t)((uint64_t)a->tx->n_in * i / n),
                                  .to = (uint32_t)((uint64_t)a->tx->n_in * (i + 1) / n)};
    }
    run_all(a, slice, n);
    for (unsigned i = 0; i < n; i++) {
        if (slice[i].failed < slice[i].to)
            return script_failure(a, slice[i].failed, slice[i].err);
    }
    return true;
}
