/*
 * Script checks of a block, as jobs for the workers.
 *
 * A job verifies some two dozen inputs: about a millisecond, so that a block of one transaction and
 * a block of thousands both spread over all cores. It reads the block and the undo record, which
 * are immutable from the moment the block is applied, and tells only which input failed. The one of
 * the lowest place in the block is reported, whatever order they ran in.
 */
#include <stdio.h>
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "validation/internal.h"

#define JOB_INPUTS 24

struct script_job {
    struct job job; /* first */
    struct chain *c;
    struct step *s;
    const struct script_item *items;
    size_t n;
    bool failed;
    uint32_t tx, in;
    enum script_error error;
};

static bool verify_item(struct script_job *j, const struct script_item *item)
{
    const struct step *s = j->s;
    const struct tx *tx = s->block->tx[item->tx];
    const struct tx_undo *u = &s->undo->tx[item->tx - 1];
    struct tx_out *spent = xreallocarray(NULL, tx->n_in, sizeof(*spent));
    struct sighash_cache cache;
    bool ok = true;

    for (uint32_t k = 0; k < tx->n_in; k++)
        spent[k] = u->coins[k].out;
    sighash_cache_init(&cache, tx, spent);
    for (uint32_t k = item->in_begin; ok && k < item->in_end; k++) {
        ok = script_verify_input(&cache, k, &spent[k], s->flags, j->c->sig_memo, &j->error);
        j->tx = item->tx;
        j->in = k;
    }
    free(spent);
    return ok;
}

static void run(struct job *job)
{
    struct script_job *j = (struct script_job *)job;

    for (size_t i = 0; i < j->n && !j->failed; i++) {
        if (__atomic_load_n(&j->s->stop, __ATOMIC_RELAXED))
            return;
        j->failed = !verify_item(j, &j->items[i]);
    }
}

static void done(struct job *job)
{
    struct script_job *j = (struct script_job *)job;
    struct step *s = j->s;
    struct chain *c = j->c;

    if (j->failed && (!s->script_failed || j->tx < s->failed_tx ||
                      (j->tx == s->failed_tx && j->in < s->failed_in))) {
        s->script_failed = true;
        s->failed_tx = j->tx;
        s->failed_in = j->in;
        s->script_error = j->error;
    }
    free(j);
    pipeline_job_done(c, s);
}

void scripts_submit(struct chain *c, struct step *s)
{
    size_t at = 0;

    while (at < s->n_items) {
        struct script_job *j = xcalloc(1, sizeof(*j));
        size_t inputs = 0;

        j->job.run = run;
        j->job.done = done;
        j->c = c;
        j->s = s;
        j->items = s->items + at;
        while (at < s->n_items && inputs < JOB_INPUTS) {
            inputs += s->items[at].in_end - s->items[at].in_begin;
            at++;
            j->n++;
        }
        s->jobs++;
        c->pipe.jobs++;
        workers_submit(c->workers, &j->job);
    }
}

void scripts_verdict(const struct step *s, struct verdict *v)
{
    const struct tx *tx = s->block->tx[s->failed_tx];
    const struct outpoint *prev = &tx->in[s->failed_in].prev;
    char reason[128], txid[HASH_HEX_SIZE], wtxid[HASH_HEX_SIZE], from[HASH_HEX_SIZE];

    snprintf(reason, sizeof(reason), "block-script-verify-flag-failed (%s)",
             script_error_message(s->script_error));
    (void)verdict_fail(v, VERDICT_CONSENSUS, reason, "input %u of %s (wtxid %s), spending %s:%u",
                       s->failed_in, hash_to_hex(txid, tx->txid.b), hash_to_hex(wtxid, tx->wtxid.b),
                       hash_to_hex(from, prev->txid.b), prev->n);
}

/* Seconds of work of the best header's difficulty between a block and the best header. */
static bool two_weeks_behind(const struct chain *c, const struct node *n)
{
    const struct hnode *best = &c->best_header->i.h;
    struct u256 r;

    if (u256_cmp(best->work, n->i.h.work) <= 0)
        return false;
    r = u256_mul_u64(u256_sub(best->work, n->i.h.work), (uint64_t)c->net->spacing);
    r = u256_div(r, bits_work(best->bits));
    return u256_cmp(r, u256_from_u64(14 * 24 * 3600)) > 0;
}

/* NULL where the block's scripts may be taken as valid: it is below the assumed valid block, and
 * that is deep in the best chain of headers that there is. */
static const char *why_checked(const struct chain *c, const struct node *n)
{
    const struct node *assumed;

    if (block_hash_is_zero(&c->opts.assume_valid))
        return "assumevalid=0 (always verify)";
    assumed = tree_find(c, &c->opts.assume_valid);
    if (!assumed)
        return "assumevalid hash not in headers";
    if (node_ancestor(assumed, node_height(n)) != n)
        return node_height(n) > node_height(assumed) ? "block height above assumevalid height"
                                                     : "block not in assumevalid chain";
    if (node_ancestor(c->best_header, node_height(n)) != n)
        return "block not in best header chain";
    if (u256_cmp(c->best_header->i.h.work, c->opts.min_chain_work) < 0)
        return "best header chainwork below minimumchainwork";
    if (!two_weeks_behind(c, n))
        return "block too recent relative to best header";
    return NULL;
}

bool scripts_needed(struct chain *c, const struct node *n)
{
    const char *why = why_checked(c, n), *told = why ? why : "";

    if (told != c->script_reason) {
        if (why)
            log_info("Enabling script verification at block #%d: %s.", node_height(n), why);
        else
            log_info("Disabling script verification at block #%d.", node_height(n));
        c->script_reason = told;
    }
    return why != NULL;
}
