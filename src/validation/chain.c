/*
 * The chain: opening and closing, and taking in headers and blocks.
 *
 * A header is linked into the tree when it holds by itself and after its parent. A block is stored
 * when it holds by itself and in its place, whether or not it is on the best chain; connecting it
 * is the pipeline's work. What is refused here with a verdict of the rules marks the block as
 * failed, except where the data does not match the header: another copy may be good.
 *
 * An error of disk or database stops everything: chain_fail() keeps the first sentence, tells the
 * composition root, and from then on nothing is accepted, connected or written.
 */
#include "validation/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"
#include "validation/internal.h"

#define INDEX_CACHE       ((size_t)2 << 20)
#define COINS_DB_CACHE    ((size_t)8 << 20)
#define DEFAULT_SIG_CACHE ((size_t)32 << 20)

void chain_fail(struct chain *c, const char *fmt, ...)
{
    va_list ap;

    if (c->failed)
        return;
    va_start(ap, fmt);
    c->failed = xvasprintf(fmt, ap);
    va_end(ap);
    log_error("*** %s", c->failed);
    if (c->opts.fatal)
        c->opts.fatal(c->opts.fatal_arg, c->failed);
}

const char *chain_failed(const struct chain *c)
{
    return c->failed;
}

static bool error_verdict(const struct chain *c, struct verdict *v)
{
    return verdict_fail(v, VERDICT_ERROR, "internal-error", "%s", c->failed);
}

/* ---- opening ---- */

static bool open_databases(struct chain *c, char **error)
{
    const struct chain_options *o = &c->opts;
    /* the index stays in the data directory wherever the blocks are */
    char *own = path_join(c->datadir, "blocks"), *index = path_join(own, "index");
    char *coins = path_join(c->datadir, "chainstate");
    struct db_options index_opts = {.cache_bytes = INDEX_CACHE, .wipe = o->reindex};
    struct coins_options coins_opts = {.cache_bytes = o->dbcache_bytes,
                                       .db_cache_bytes = COINS_DB_CACHE,
                                       .wipe = o->reindex || o->reindex_chainstate};

    c->files = blockfiles_open(o->blocksdir ? o->blocksdir : own, c->net->magic, o->blocks_xor,
                               o->block_file_max ? o->block_file_max : BLOCKFILE_MAX_SIZE, error);
    if (c->files && !make_dirs(own))
        *error = xasprintf("Cannot make the folder %s: %s", own, strerror(errno));
    else if (c->files)
        c->index_db = db_open(index, &index_opts, error);
    if (c->index_db)
        c->coins = coins_open(coins, &coins_opts, error);
    free(own);
    free(index);
    free(coins);
    return c->coins != NULL;
}

static struct chain *create(const struct chain_options *opts)
{
    struct chain *c = xcalloc(1, sizeof(*c));
    size_t cache = opts->sig_cache_bytes ? opts->sig_cache_bytes : DEFAULT_SIG_CACHE;

    c->opts = *opts;
    c->net = opts->net;
    c->keep_from = INT32_MAX;
    c->datadir = xstrdup(opts->datadir);
    c->workers = opts->workers;
    c->writer = writer_create(!opts->no_writer_thread, opts->wake, opts->wake_arg);
    c->script_cache = script_cache_create(cache / 2);
    c->sig_memo = sig_memo_create(cache / 2);
    arena_init(&c->node_memory);
    TABLE_INIT(&c->by_hash, struct node, i.h.hash);
    TABLE_INIT(&c->held, struct held_block, hash);
    c->ibd = true;
    c->next_sequence = SEQUENCE_AT_LOAD + 1;
    c->reverse_sequence = -1;
    return c;
}

static void destroy(struct chain *c)
{
    writer_destroy(c->writer);
    coins_close(c->coins);
    db_close(c->index_db);
    blockfiles_close(c->files);
    script_cache_destroy(c->script_cache);
    sig_memo_destroy(c->sig_memo);
    table_clear(&c->by_hash);
    arena_clear(&c->node_memory);
    free(c->active);
    free(c->candidates);
    free(c->dirty);
    free(c->coin_ptrs);
    free(c->coin_heights);
    free(c->datadir);
    free(c->failed);
    free(c);
}

static bool verify_at_start(struct chain *c, char **error)
{
    char *why;

    if (chain_height(c) == 0 || c->opts.check_level < 0 || c->reindexing)
        return true;
    if ((int64_t)tip_node(c)->i.h.time > time_now() + 2 * 3600) {
        *error =
            xstrdup("The block database contains a block which appears to be from the future. "
                    "This may be due to your computer's date and time being set incorrectly. "
                    "Only rebuild the block database if you are sure that your computer's date "
                    "and time are correct.");
        return false;
    }
    if (chain_verify(c, c->opts.check_level, c->opts.check_blocks, &why))
        return true;
    *error = xasprintf("Corrupted block database detected (%s). Restart with -reindex to rebuild "
                       "it.",
                       why);
    free(why);
    return false;
}

struct chain *chain_open(const struct chain_options *opts, char **error)
{
    struct chain *c = create(opts);

    if (open_databases(c, error) && load_index(c, error) && load_tip(c, error)) {
        tree_update_ibd(c);
        c->tip_told = tip_node(c);
        flush_schedule(c);
        if (verify_at_start(c, error)) {
            pipeline_pump(c, false);
            return c;
        }
    }
    pipeline_clear(c);
    flush_abandon(c);
    held_clear(c);
    destroy(c);
    return NULL;
}

void chain_close(struct chain *c)
{
    if (!c)
        return;
    if (!c->halted)
        chain_drain(c);
    pipeline_clear(c);
    (void)chain_flush(c);
    chain_cancel_stats(c);
    while (c->stats_running > 0 && workers_wait(c->workers))
        continue;
    flush_abandon(c);
    held_clear(c);
    destroy(c);
}

const struct network *chain_network(const struct chain *c)
{
    return c->net;
}

struct script_cache *chain_script_cache(struct chain *c)
{
    return c->script_cache;
}

struct sig_memo *chain_sig_memo(struct chain *c)
{
    return c->sig_memo;
}

void chain_poll(struct chain *c)
{
    writer_reap(c->writer);
    pipeline_pump(c, false);
}

enum coin_result chain_coin(struct chain *c, const struct outpoint *o, struct coin *out,
                            struct buf *memory)
{
    enum coin_result res = coins_get(c->coins, o, out, memory);

    if (res == COIN_ERROR)
        chain_fail(c, "Cannot read from the coin database: %s.", db_error(coins_db(c->coins)));
    return res;
}

size_t chain_coins_memory(const struct chain *c)
{
    return coins_memory(c->coins);
}

/* ---- headers ---- */

static bool known_header(const struct node *n, struct verdict *v)
{
    char hex[HASH_HEX_SIZE];

    if (!(n->i.status & BLOCK_FAILED))
        return true;
    return verdict_fail(v, VERDICT_CACHED_INVALID, "duplicate-invalid",
                        "block %s was previously marked invalid", hash_to_hex(hex, n->i.h.hash.b));
}

bool accept_header(struct chain *c, const struct header *h, const struct block_hash *hash,
                   bool min_pow_checked, struct node **out, struct verdict *v)
{
    struct node *prev;

    *out = tree_find(c, hash);
    if (*out)
        return known_header(*out, v);
    if (!header_check(h, hash, c->net, v))
        return false;
    prev = tree_find(c, &h->prev);
    if (!prev)
        return verdict_fail(v, VERDICT_MISSING_PREV, "prev-blk-not-found", "%s", "");
    if (prev->i.status & BLOCK_FAILED)
        return verdict_fail(v, VERDICT_INVALID_PREV, "bad-prevblk", "%s", "");
    if (!header_check_contextual(h, &prev->i.h, time_now(), c->net, v))
        return false;
    if (!min_pow_checked)
        return verdict_fail(v, VERDICT_LOW_WORK, "too-little-chainwork", "%s", "");
    *out = tree_add(c, h, hash, prev);
    tree_mark_dirty(c, *out);
    if (u256_cmp((*out)->i.h.work, c->best_header->i.h.work) > 0)
        c->best_header = *out;
    return true;
}

bool chain_accept_headers(struct chain *c, const struct header *h, size_t n, bool min_pow_checked,
                          const struct block_index **last, struct verdict *v)
{
    const struct node *best = c->best_header;
    struct node *node = NULL;
    bool ok = true;

    memset(v, 0, sizeof(*v));
    if (last)
        *last = NULL;
    if (c->failed)
        return error_verdict(c, v);
    for (size_t i = 0; ok && i < n; i++) {
        struct block_hash hash = header_hash(&h[i]);

        ok = accept_header(c, &h[i], &hash, min_pow_checked, &node, v);
        if (ok && last)
            *last = &node->i;
    }
    if (c->opts.check_block_index)
        check_block_index(c);
    if (c->best_header != best)
        event_header_tip(c);
    return ok;
}

/* ---- blocks ---- */

/* Blocks that nobody asked for are taken only where they may soon be of use. */
static bool wanted(const struct chain *c, const struct node *n)
{
    const struct node *tip = tip_node(c);

    return n->i.n_tx == 0 && u256_cmp(n->i.h.work, tip->i.h.work) >= 0 &&
           node_height(n) <= node_height(tip) + MIN_BLOCKS_TO_KEEP &&
           u256_cmp(n->i.h.work, c->opts.min_chain_work) >= 0;
}

static void place(struct chain *c, struct node *n, const struct block *b, const struct file_pos *at)
{
    n->i.n_tx = b->n_tx;
    if (at) {
        n->i.file = at->file;
        n->i.data_pos = at->pos;
        n->i.undo_pos = 0;
        n->i.status |= BLOCK_HAVE_DATA;
        blockfiles_count_block(c->files, *at, (uint32_t)b->raw.len, node_height(n), b->header.time);
        held_add(c, b);
    } else {
        store_block(c, n, b);
    }
    if (buried_active_after(c->net, BURIED_SEGWIT, n->i.h.prev))
        n->i.status |= BLOCK_OPT_WITNESS;
    tree_received(c, n);
}

/* Marks n as failed unless another copy of the block may be good. Returns false. */
static bool refuse(struct chain *c, struct node *n, const struct verdict *v)
{
    if (v->kind != VERDICT_MUTATED && v->kind != VERDICT_ERROR)
        tree_mark_failed(c, n);
    return false;
}

static bool check_alone(struct chain *c, const struct block *b, const struct verdict *pre,
                        struct verdict *v)
{
    if (!pre)
        return block_check(b, c->net, true, true, v);
    *v = *pre;
    return pre->kind == VERDICT_VALID;
}

/* From a peer a block is checked by itself before its header is linked, so that one that does not
 * match its header leaves no trace. From a file the header comes first: its children follow. */
bool accept_block(struct chain *c, const struct block *b, unsigned flags, const struct file_pos *at,
                  const struct verdict *pre, bool *is_new, struct verdict *v)
{
    bool header_first = flags & ACCEPT_HEADER_FIRST, ok;
    const struct node *best = c->best_header;
    struct node *n;

    *is_new = false;
    if (!header_first && !check_alone(c, b, pre, v))
        return false;
    ok = accept_header(c, &b->header, &b->hash, flags & ACCEPT_MIN_POW_CHECKED, &n, v);
    if (c->best_header != best)
        event_header_tip(c);
    if (!ok)
        return false;
    if (n->i.status & BLOCK_HAVE_DATA || (!(flags & ACCEPT_REQUESTED) && !wanted(c, n)))
        return true;
    if (header_first && !check_alone(c, b, pre, v))
        return refuse(c, n, v);
    if (node_prev(n) && !block_check_contextual(b, n->i.h.prev, c->net, v))
        return refuse(c, n, v);
    if (!c->ibd && node_prev(n) == tip_node(c))
        event_accepted(c, b, n);
    *is_new = true;
    place(c, n, b, at);
    return true;
}

bool chain_accept_block(struct chain *c, const struct block *b, unsigned flags, bool *is_new,
                        struct verdict *v)
{
    bool fresh;

    if (!is_new)
        is_new = &fresh;
    memset(v, 0, sizeof(*v));
    *is_new = false;
    if (c->failed)
        return error_verdict(c, v);
    if (!accept_block(c, b, flags, NULL, NULL, is_new, v)) {
        event_checked(c, b, tree_find(c, &b->hash), v);
        return false;
    }
    if (c->opts.check_block_index)
        check_block_index(c);
    pipeline_pump(c, false);
    return true;
}
