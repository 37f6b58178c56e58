/* The node's parts, each opened with its options, and closed in reverse. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/index.h"
#include "net/net.h"
#include "node/node.h"
#include "script/standard.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/str.h"

#define MAX_THREADS     64
#define MIN_DBCACHE_MIB 4
#define FAST_PRUNE_FILE 0x10000
#define MIN_PRUNE_MIB   550
#define MIN_FREE_BYTES  (50 * 1024 * 1024)
#define TEMPLATE_SIGOPS 400

static unsigned verification_threads(const struct options *o)
{
    int64_t n = option_int(o, "par"), cpus = cpu_count();
    if (n == 1)
        return 0; /* all on the owner */
    n = n <= 0 ? cpus + n : n;
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (unsigned)n;
}

static bool check_disk(struct node *node, const char *path)
{
    if (disk_free(path) >= MIN_FREE_BYTES)
        return true;
    node->error = xasprintf("Disk space is low for \"%s\"", path);
    return false;
}

/* ---- the server ---- */

static unsigned cookie_mode(struct node *node)
{
    const char *perms = option_str(node->options, "rpccookieperms");
    if (perms && strcmp(perms, "owner") == 0)
        return 0600;
    if (perms && strcmp(perms, "group") == 0)
        return 0640;
    if (perms && strcmp(perms, "all") == 0)
        return 0644;
    node->error = xasprintf("Invalid value for -rpccookieperms=%s: owner, group or all is expected",
                            perms ? perms : "");
    return 0;
}

static void rpc_shutdown(void *node)
{
    node_stop(node);
}

static void fill_context(struct node *node)
{
    node->ctx = (struct rpc_context){
        .net = node->net,
        .base = node->base,
        .workers = node->workers,
        .chain = node->chain,
        .mempool = node->mempool,
        .fees = node->fees,
        .p2p = node->p2p,
        .indexes = node->indexes,
        .wallets = node->wallets,
        .miner = &node->miner,
        .tmpl = &node->tmpl,
        .datadir = node->netdir,
        .log_path = node->log_path ? node->log_path : "",
        .start_mono_us = node->start_mono_us,
        .dbcache_bytes = (size_t)option_int(node->options, "dbcache") << 20,
        .prune_target = node->prune_target,
        .max_tx_fee = option_amount(node->options, "maxtxfee"),
        .deprecated = option_list(node->options, "deprecatedrpc"),
        .warnings = node->warnings,
        .shutdown = rpc_shutdown,
        .shutdown_arg = node,
        .advance = loop_advance,
        .advance_arg = node,
    };
}

static bool open_server(struct node *node)
{
    const struct options *o = node->options;
    if (!option_bool(o, "server"))
        return true;
    const char *cookie = option_str(o, "rpccookiefile");
    char *cookie_path = cookie ? node_path(node, cookie) : NULL, *error = NULL;
    int64_t port = option_is_set(o, "rpcport") ? option_int(o, "rpcport") : node->net->rpc_port;
    struct rpc_server_options so = {
        .base = node->base,
        .ctx = &node->ctx,
        .port = (uint16_t)port,
        .bind = option_list(o, "rpcbind"),
        .allow_ip = option_list(o, "rpcallowip"),
        .user = option_str(o, "rpcuser"),
        .password = option_str(o, "rpcpassword"),
        .auth = option_list(o, "rpcauth"),
        .whitelist = option_list(o, "rpcwhitelist"),
        .whitelist_default =
            option_is_set(o, "rpcwhitelistdefault") ? option_bool(o, "rpcwhitelistdefault") : -1,
        .cookie_file = cookie_path,
        .cookie_mode = cookie_mode(node),
        .timeout_s = (int)option_int(o, "rpcservertimeout"),
        .max_pending = (unsigned)(option_int(o, "rpcthreads") + option_int(o, "rpcworkqueue")),
    };
    if (port < 1 || port > 65535)
        node->error =
            xasprintf("Invalid port specified in -rpcport: '%s'", option_str(o, "rpcport"));
    else if (so.cookie_mode)
        node->rpc = rpc_server_create(&so, &error);
    if (error)
        node->error = error;
    free(cookie_path);
    return node->rpc != NULL;
}

/* ---- chain and mempool ---- */

static bool hash_option(struct node *node, const char *name, uint8_t out[32])
{
    const char *text = option_str(node->options, name);
    if (!option_is_set(node->options, name))
        return true;
    memset(out, 0, 32);
    size_t len = text ? strlen(text) : 0;
    const char *digits = len > 2 && text[0] == '0' && text[1] == 'x' ? text + 2 : text;
    len = digits ? strlen(digits) : 0;
    char full[HASH_HEX_SIZE];
    memset(full, '0', 64);
    full[64] = 0;
    if (len <= 64 && len > 0)
        memcpy(full + 64 - len, digits, len);
    if (len > 64 || !hash_from_hex(out, full)) {
        node->error = xasprintf("Invalid hex value for -%s=%s: at most 64 hex digits are expected",
                                name, text);
        return false;
    }
    return true;
}

static bool prune_target(struct node *node, uint64_t *bytes)
{
    int64_t mib = option_int(node->options, "prune");
    *bytes = mib <= 0 ? 0 : mib == 1 ? UINT64_MAX : (uint64_t)mib * 1024 * 1024;
    if (mib < 0)
        node->error = xstrdup("Prune cannot be configured with a negative value.");
    else if (mib > 1 && mib < MIN_PRUNE_MIB)
        node->error = xasprintf("Prune configured below the minimum of %d MiB.  Please use a "
                                "higher number.",
                                MIN_PRUNE_MIB);
    else if (mib > 0 && option_bool(node->options, "reindex-chainstate"))
        node->error = xstrdup("Prune mode is incompatible with -reindex-chainstate. Use full "
                              "-reindex instead.");
    return !node->error;
}

static bool open_chain(struct node *node)
{
    const struct options *o = node->options;
    int64_t cache = option_int(o, "dbcache");
    struct chain_options co = {
        .net = node->net,
        .datadir = node->netdir,
        .blocksdir = node->blocksdir,
        .workers = node->workers,
        .dbcache_bytes = (size_t)(cache < MIN_DBCACHE_MIB ? MIN_DBCACHE_MIB : cache) << 20,
        .reindex = option_bool(o, "reindex"),
        .reindex_chainstate = option_bool(o, "reindex-chainstate"),
        .blocks_xor = option_bool(o, "blocksxor"),
        .check_blocks = (int)option_int(o, "checkblocks"),
        .check_level = (int)option_int(o, "checklevel"),
        .check_block_index = option_is_set(o, "checkblockindex")
                                 ? option_bool(o, "checkblockindex")
                                 : node->net->default_consistency_checks,
        .max_tip_age = option_int(o, "maxtipage"),
        .stop_at_height = (int)option_int(o, "stopatheight"),
        .assume_valid = node->net->assume_valid,
        .min_chain_work = node->net->min_chain_work,
        .sig_cache_bytes = (size_t)option_int(o, "maxsigcachesize") << 20,
        .block_file_max = option_bool(o, "fastprune") ? FAST_PRUNE_FILE : 0,
        .wake = loop_wake,
        .wake_arg = node,
        .fatal = node_fatal,
        .fatal_arg = node,
    };
    uint8_t work[32];
    u256_to_le(work, co.min_chain_work);
    if (!hash_option(node, "assumevalid", co.assume_valid.b) ||
        !hash_option(node, "minimumchainwork", work) || !prune_target(node, &node->prune_target))
        return false;
    co.prune_target = node->prune_target;
    node->min_chain_work = co.min_chain_work = u256_from_le(work);
    node->chain = chain_open(&co, &node->error);
    return node->chain != NULL;
}

static bool open_mempool(struct node *node)
{
    const struct options *o = node->options;
    struct mempool_options mo;
    mempool_options_init(&mo);
    mo.chain = node->chain;
    mo.workers = node->workers;
    mo.max_bytes = (size_t)option_int(o, "maxmempool") * 1000000;
    mo.min_relay_feerate = option_amount(o, "minrelaytxfee");
    mo.incremental_feerate = option_amount(o, "incrementalrelayfee");
    mo.dust_relay_feerate = option_amount(o, "dustrelayfee");
    mo.expiry_seconds = option_int(o, "mempoolexpiry") * 3600;
    mo.cluster_count_limit = (unsigned)option_int(o, "limitclustercount");
    mo.cluster_size_limit_vb = option_int(o, "limitclustersize") * 1000;
    mo.max_datacarrier_bytes =
        option_bool(o, "datacarrier") ? (unsigned)option_int(o, "datacarriersize") : 0;
    mo.bytes_per_sigop = (unsigned)option_int(o, "bytespersigop");
    mo.permit_bare_multisig = option_bool(o, "permitbaremultisig");
    mo.require_standard = option_is_set(o, "acceptnonstdtxn") ? !option_bool(o, "acceptnonstdtxn")
                                                              : node->net->require_standard;
    mo.check_ratio = option_is_set(o, "checkmempool") ? (int)option_int(o, "checkmempool")
                                                      : node->net->default_consistency_checks;
    if (!mo.require_standard && !node->net->is_test_chain)
        node->error =
            xasprintf("acceptnonstdtxn is not currently supported for %s chain", node->net->name);
    else if (mo.cluster_count_limit < 1 || mo.cluster_count_limit > DEFAULT_CLUSTER_COUNT_LIMIT)
        node->error = xasprintf("limitclustercount must be less than or equal to %d",
                                DEFAULT_CLUSTER_COUNT_LIMIT);
    else if ((int64_t)mo.max_bytes < mo.cluster_size_limit_vb * MEMPOOL_BYTES_PER_CLUSTER_VB)
        node->error = xasprintf(
            "-maxmempool must be at least %lld MB",
            (long long)(mo.cluster_size_limit_vb * MEMPOOL_BYTES_PER_CLUSTER_VB + 999999) /
                1000000);
    else
        node->mempool = mempool_create(&mo);
    return node->mempool != NULL;
}

static void template_defaults(struct node *node)
{
    const struct options *o = node->options;
    node->tmpl = (struct template_options){
        .max_weight = option_int(o, "blockmaxweight"),
        .reserved_weight = option_int(o, "blockreservedweight"),
        .reserved_sigops = TEMPLATE_SIGOPS,
        .min_feerate = option_amount(o, "blockmintxfee"),
        .version = (int32_t)option_int(o, "blockversion"),
    };
}

/* -mine */
static bool start_miner(struct node *node)
{
    const char *address = option_str(node->options, "mine");
    struct destination d;
    struct address_error why;
    if (!address)
        return true;
    if (!address_decode(&node->net->address, address, &d, &why)) {
        node->error = xasprintf("Invalid address for -mine=%s: %s", address, why.text);
        address_error_clear(&why);
        return false;
    }
    address_error_clear(&why);
    int64_t threads = option_int(node->options, "minethreads");
    struct buf script = BUF_INIT;
    destination_script(&d, &script);
    struct miner_options mo = {
        .chain = node->chain,
        .mempool = node->mempool,
        .tmpl = node->tmpl,
        .script = buf_span(&script),
        .threads = threads < 0 ? 1 : (unsigned)threads,
        .wake = loop_wake,
        .wake_arg = node,
    };
    node->miner = miner_start(&mo);
    buf_clear(&script);
    loop_wake(node);
    return true;
}

bool parts_open(struct node *node)
{
    template_defaults(node);
    if (!indexes_part_check(node) || !check_disk(node, node->netdir) ||
        !check_disk(node, node->blocksdir))
        return false;
    node->workers = workers_create(verification_threads(node->options), loop_wake, node);
    /* The port first: whether it is free is known at once, whereas the chain may take a while. */
    if (!open_server(node) || !open_chain(node) || !open_mempool(node) || !indexes_part_open(node))
        return false;
    notify_open(node);
    fees_part_open(node);
    if (!net_part_open(node) || !wallets_part_open(node))
        return false;
    warnings_open(node);
    fill_context(node);
    net_start(node->p2p);
    return start_miner(node);
}

static void save_mempool(struct node *node)
{
    if (!option_bool(node->options, "persistmempool") || !mempool_loaded(node->mempool))
        return;
    char *path = node_path(node, "mempool.dat"), *error = NULL;
    if (!mempool_save(node->mempool, path, &error)) {
        log_error("%s", error);
        free(error);
    }
    free(path);
}

/* Jobs that are under way still answer calls, so the server outlives them. */
void parts_close(struct node *node)
{
    if (node->chain)
        chain_cancel_stats(node->chain);
    if (node->miner)
        miner_stop(node->miner);
    if (node->importing)
        chain_import_finish(node->importing);
    if (node->wallets)
        wallets_destroy(node->wallets);
    if (node->p2p)
        net_destroy(node->p2p);
    if (node->mempool)
        save_mempool(node);
    if (node->indexes)
        indexes_stop(node->indexes);
    while (node->workers && workers_wait(node->workers)) {
    }
    rpc_server_destroy(node->rpc);
    rpc_waits_close();
    if (node->fees)
        fees_part_close(node);
    if (node->mempool)
        mempool_destroy(node->mempool);
    if (node->indexes)
        indexes_close(node->indexes);
    notify_close(node);
    if (node->chain)
        chain_close(node->chain);
    warnings_close(node);
    if (node->workers)
        workers_destroy(node->workers);
}
