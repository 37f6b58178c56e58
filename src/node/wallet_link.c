/*
 * The wallets and the rest of the node: what a wallet asks is answered here, and the events of
 * chain and mempool that concern it are passed on. Neither knows of the other.
 */
#include <stdlib.h>
#include <string.h>

#include "mempool/fees.h"
#include "net/net.h"
#include "node/node.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/str.h"
#include "wallet/wallet.h"

/* ---- questions ---- */

static int32_t ask_height(void *arg)
{
    const struct node *node = arg;
    return chain_height(node->chain);
}

static bool ask_block_hash(void *arg, int32_t height, struct block_hash *out)
{
    const struct node *node = arg;
    const struct block_index *i = chain_at(node->chain, height);
    if (i)
        *out = i->h.hash;
    return i != NULL;
}

static const struct block_index *active_block(const struct node *node,
                                              const struct block_hash *hash)
{
    const struct block_index *i = chain_find(node->chain, hash);
    return i && chain_contains(node->chain, i) ? i : NULL;
}

static int32_t ask_block_height(void *arg, const struct block_hash *hash)
{
    const struct block_index *i = active_block(arg, hash);
    return i ? i->h.height : -1;
}

static bool ask_block_times(void *arg, const struct block_hash *hash, int64_t *time, int64_t *mtp,
                            int64_t *time_max)
{
    const struct block_index *i = active_block(arg, hash);
    if (!i)
        return false;
    *time = i->h.time;
    *mtp = hnode_median_time_past(&i->h);
    *time_max = i->h.time_max;
    return true;
}

static struct block *ask_block(void *arg, int32_t height)
{
    const struct node *node = arg;
    const struct block_index *i = chain_at(node->chain, height);
    bool error = false;
    return i && (i->status & BLOCK_HAVE_DATA) ? chain_read_block(node->chain, i, &error) : NULL;
}

static bool do_submit(void *arg, const struct tx *tx, bool relay, struct verdict *v)
{
    struct node *node = arg;
    struct accept_result r = {0};
    bool ok = mempool_get(node->mempool, &tx->txid) || mempool_accept(node->mempool, tx, 0, &r);
    *v = r.verdict;
    accept_result_clear(&r);
    if (!ok || !relay)
        return ok;
    mempool_set_unbroadcast(node->mempool, &tx->txid, true);
    net_broadcast_tx(node->p2p, &tx->txid, &tx->wtxid);
    return true;
}

static bool ask_in_mempool(void *arg, const struct txid *txid)
{
    const struct node *node = arg;
    return mempool_get(node->mempool, txid) != NULL;
}

static void ask_mempool_each(void *arg, void (*visit)(void *to, const struct tx *tx), void *to)
{
    const struct node *node = arg;
    size_t n;
    const struct mempool_entry **list = mempool_sorted(node->mempool, &n);
    for (size_t i = 0; i < n; i++)
        visit(to, list[i]->tx);
    free(list);
}

static int64_t ask_fee(void *arg, int target, bool conservative)
{
    const struct node *node = arg;
    return fees_estimate(node->fees, FEE_POLICY_ANY, target, conservative).feerate;
}

static int64_t ask_min_feerate(void *arg)
{
    const struct node *node = arg;
    return mempool_min_feerate(node->mempool);
}

static int64_t ask_relay_feerate(void *arg)
{
    const struct node *node = arg;
    return mempool_opts(node->mempool)->min_relay_feerate;
}

static int64_t ask_dust_feerate(void *arg)
{
    const struct node *node = arg;
    return mempool_opts(node->mempool)->dust_relay_feerate;
}

static int64_t ask_incremental_feerate(void *arg)
{
    const struct node *node = arg;
    return mempool_opts(node->mempool)->incremental_feerate;
}

static bool ask_cluster_counts(void *arg, const struct txid *txid, size_t *ancestors,
                               size_t *cluster)
{
    const struct node *node = arg;
    const struct mempool_entry *e = mempool_get(node->mempool, txid);
    struct mempool_cluster_info info;
    if (!e)
        return false;
    free(mempool_relatives(node->mempool, e, RELATION_ANCESTORS, ancestors));
    ++*ancestors;
    mempool_cluster(node->mempool, e, &info);
    *cluster = info.n;
    free(info.entries);
    free(info.chunks);
    return true;
}

/* ---- events ---- */

static void on_block_connected(void *arg, const struct block *b, const struct block_index *i,
                               const struct block_undo *undo)
{
    struct node *node = arg;
    (void)undo;
    wallets_block_connected(node->wallets, b, i->h.height);
}

static void on_block_disconnected(void *arg, const struct block *b, const struct block_index *i)
{
    struct node *node = arg;
    wallets_block_disconnected(node->wallets, b, i->h.height);
}

static void on_tx_added(void *arg, const struct mempool_entry *e, bool limits)
{
    struct node *node = arg;
    (void)limits;
    wallets_tx_added(node->wallets, e->tx);
}

static void on_tx_removed(void *arg, const struct mempool_entry *e, enum removal_reason reason,
                          uint64_t sequence)
{
    struct node *node = arg;
    (void)sequence;
    if (reason != REMOVED_BLOCK)
        wallets_tx_removed(node->wallets, e->tx, reason == REMOVED_CONFLICT);
}

/* ---- open and close ---- */

static bool remember(void *arg, const char *name, bool load)
{
    struct node *node = arg;
    return settings_autoload(node->settings, name, load);
}

static bool type_option(struct node *node, const char *name, enum output_type *out)
{
    const char *text = option_str(node->options, name);
    if (text && !output_type_parse(text, out)) {
        node->error =
            xasprintf("Unknown %s '%s'",
                      strcmp(name, "addresstype") == 0 ? "address type" : "change type", text);
        return false;
    }
    return true;
}

/* -walletdir; without it "wallets" in the network's folder, or the folder itself where it has none.
 */
static char *wallet_dir(struct node *node)
{
    const char *given = option_str(node->options, "walletdir");
    if (!given || !*given) {
        char *dir = node_path(node, "wallets");
        if (path_is_dir(dir))
            return dir;
        free(dir);
        return xstrdup(node->netdir);
    }
    char *dir = realpath(given, NULL);
    if (!dir)
        node->error = xasprintf("Specified -walletdir \"%s\" does not exist", given);
    else if (!path_is_dir(dir))
        node->error = xasprintf("Specified -walletdir \"%s\" is not a directory", given);
    else if (given[0] != '/')
        node->error = xasprintf("Specified -walletdir \"%s\" is a relative path", given);
    if (!node->error)
        return dir;
    free(dir);
    return NULL;
}

static bool create_wallets(struct node *node, const char *dir)
{
    const struct options *o = node->options;
    node->wallet_node = (struct wallet_node){
        .arg = node,
        .height = ask_height,
        .block_hash = ask_block_hash,
        .block_height = ask_block_height,
        .block_times = ask_block_times,
        .read_block = ask_block,
        .submit = do_submit,
        .in_mempool = ask_in_mempool,
        .mempool_each = ask_mempool_each,
        .fee_estimate = ask_fee,
        .min_feerate = ask_min_feerate,
        .relay_feerate = ask_relay_feerate,
        .dust_feerate = ask_dust_feerate,
        .incremental_feerate = ask_incremental_feerate,
        .cluster_counts = ask_cluster_counts,
    };
    struct wallets_options wo = {
        .net = node->net,
        .dir = dir,
        .node = &node->wallet_node,
        .fallback_fee = option_amount(o, "fallbackfee"),
        .discard_feerate = option_amount(o, "discardfee"),
        .consolidate_feerate = option_amount(o, "consolidatefeerate"),
        .max_tx_fee = option_amount(o, "maxtxfee"),
        .min_tx_feerate = option_amount(o, "mintxfee"),
        .confirm_target = (unsigned)option_int(o, "txconfirmtarget"),
        .keypool = (unsigned)option_int(o, "keypool"),
        .change_type = OUTPUT_UNKNOWN,
        .spend_zero_conf_change = option_bool(o, "spendzeroconfchange"),
        .rbf = option_bool(o, "walletrbf"),
        .avoid_partial = option_bool(o, "avoidpartialspends"),
        .max_aps_fee = option_amount(o, "maxapsfee"),
        .reject_long_chains = option_bool(o, "walletrejectlongchains"),
        .broadcast = option_bool(o, "walletbroadcast"),
        .cross_chain = option_bool(o, "walletcrosschain"),
        .remember = remember,
        .remember_arg = node,
        .fatal = node_fatal,
        .fatal_arg = node,
    };
    if (!type_option(node, "addresstype", &wo.address_type) ||
        !type_option(node, "changetype", &wo.change_type))
        return false;
    node->wallets = wallets_create(&wo, &node->error);
    return node->wallets != NULL;
}

/* What loadwallet says first is left out at start, as Bitcoin Core does. */
static const char *at_start(const char *error)
{
    static const char before[] = "Wallet file verification failed. ";
    return starts_with(error, before) ? error + strlen(before) : error;
}

/* Where no wallet is named, one without name is loaded if it is there, as in old days. */
static bool load_unnamed(struct node *node)
{
    char *error = NULL, *warning = NULL;
    struct wallet *w;
    enum wallet_status status = wallet_load(node->wallets, "", &w, &error, &warning);
    free(warning);
    if (status == WALLET_OK || status == WALLET_NOT_FOUND)
        free(error);
    else
        node->error = error;
    return !node->error;
}

/* The wallets of -wallet and settings.json. One that is not there is only warned of. */
static bool load_wallets(struct node *node)
{
    if (!option_is_set(node->options, "wallet"))
        return load_unnamed(node);
    for (const char *const *name = option_list(node->options, "wallet"); *name; name++) {
        char *error = NULL, *warning = NULL;
        struct wallet *w;
        if (wallets_find(node->wallets, *name))
            continue;
        enum wallet_status status = wallet_load(node->wallets, *name, &w, &error, &warning);
        if (warning)
            log_warning("%s", warning);
        free(warning);
        if (status == WALLET_NOT_FOUND)
            log_warning("Skipping -wallet path that doesn't exist. %s", error);
        else if (status != WALLET_OK)
            node->error = xstrdup(at_start(error));
        free(error);
        if (node->error)
            return false;
    }
    return true;
}

bool wallets_part_open(struct node *node)
{
    static const struct chain_events blocks = {.block_connected = on_block_connected,
                                               .block_disconnected = on_block_disconnected};
    static const struct mempool_events txs = {.added = on_tx_added, .removed = on_tx_removed};
    if (option_bool(node->options, "disablewallet"))
        return true;
    char *dir = wallet_dir(node);
    bool ok = dir && create_wallets(node, dir) && load_wallets(node);
    free(dir);
    if (!ok)
        return false;
    chain_subscribe(node->chain, &blocks, node);
    mempool_subscribe(node->mempool, &txs, node);
    return true;
}
