/* The indexes with their options. */
#include <string.h>

#include "index/index.h"
#include "node/node.h"
#include "util/mem.h"

#define CACHE_MIN   ((size_t)2 << 20)
#define CACHE_MAX   ((size_t)64 << 20)
#define CACHE_SHARE 16 /* of -dbcache */

/* -blockfilterindex: "", "1" (all kinds), "0", or the names of kinds. */
static bool filter_option(struct node *node, bool *on)
{
    const char *const *list = option_list(node->options, "blockfilterindex");
    const char *last = NULL;
    for (size_t i = 0; list[i]; i++)
        last = list[i];
    *on = last && strcmp(last, "0") != 0;
    if (!*on || !*last || strcmp(last, "1") == 0)
        return true;
    for (size_t i = 0; list[i]; i++) {
        if (strcmp(list[i], "basic") == 0)
            continue;
        node->error = xasprintf("Unknown -blockfilterindex value %s.", list[i]);
        return false;
    }
    return true;
}

bool indexes_part_check(struct node *node)
{
    const struct options *o = node->options;
    bool filters;
    if (!filter_option(node, &filters))
        return false;
    if (option_int(o, "prune") > 0 && option_bool(o, "txindex"))
        node->error = xstrdup("Prune mode is incompatible with -txindex.");
    else if (option_int(o, "prune") > 0 && option_bool(o, "txospenderindex"))
        node->error = xstrdup("Prune mode is incompatible with -txospenderindex.");
    return !node->error;
}

bool indexes_part_open(struct node *node)
{
    const struct options *o = node->options;
    size_t cache = ((size_t)option_int(o, "dbcache") << 20) / CACHE_SHARE;
    struct index_options io = {
        .chain = node->chain,
        .workers = node->workers,
        .datadir = node->netdir,
        .enabled = {[INDEX_TX] = option_bool(o, "txindex"),
                    [INDEX_COIN_STATS] = option_bool(o, "coinstatsindex"),
                    [INDEX_SPENDER] = option_bool(o, "txospenderindex")},
        .cache_bytes = cache < CACHE_MIN   ? CACHE_MIN
                       : cache > CACHE_MAX ? CACHE_MAX
                                           : cache,
        .wipe = option_bool(o, "reindex"),
        .fatal = node_fatal,
        .fatal_arg = node,
    };
    if (!filter_option(node, &io.enabled[INDEX_FILTER]))
        return false;
    node->indexes = indexes_open(&io, &node->error);
    return node->indexes != NULL;
}
