/*
 * The node: the composition root. It owns every part, opens them in order, runs the loop, and
 * closes them in reverse. Nothing below knows of it.
 */
#ifndef MITE_NODE_NODE_H
#define MITE_NODE_NODE_H

#include <event2/event.h>

#include "mempool/mempool.h"
#include "mining/mining.h"
#include "node/conf.h"
#include "rpc/server.h"
#include "wallet/wallet.h"

/* The version of Bitcoin Core whose interface this is: peers and RPC are told it. */
#define CLIENT_VERSION     319900
#define CLIENT_VERSION_STR "31.99.0"

/* In the order in which they are shown. */
enum warning { WARNING_UNKNOWN_RULES, WARNING_INVALID_CHAIN, WARNING_PRE_RELEASE, WARNING_COUNT };

struct node {
    struct options *options;
    struct settings *settings;
    const struct network *net; /* `own_net` where options changed a rule */
    struct network *own_net;

    char *datadir, *netdir; /* the data directory, and the network's folder in it */
    char *blocksdir;        /* the network's blocks folder */
    char *log_path;         /* NULL: no file */
    char *pid_path;         /* set once written */
    int lock_fd, blocks_lock_fd;
    char *user_agent;

    struct event_base *base;
    struct event *signals[3];
    struct event *wake, *tick, *stop, *quit_check, *import, *idle;
    int wake_fd;
    int64_t clock_skip_us; /* mockscheduler: periodic work thinks it is so much later */
    int64_t next_mempool_tick_us, next_fees_save_us;
    bool stopping; /* asked to */
    bool quitting; /* the server has stopped */
    int64_t start_mono_us;

    struct workers *workers;
    struct chain *chain;
    struct mempool *mempool;
    struct indexes *indexes;
    struct fee_estimator *fees;
    struct net *p2p;
    struct wallets *wallets; /* NULL: -disablewallet */
    struct wallet_node wallet_node;
    struct miner *miner;
    struct template_options tmpl;
    struct block_import *importing;
    uint64_t prune_target;
    struct u256 min_chain_work;
    size_t next_import; /* of the -loadblock list */

    char *warning_texts[WARNING_COUNT];      /* NULL: not raised */
    const char *warnings[WARNING_COUNT + 1]; /* those that are raised, for RPC */
    struct unknown_bits unknown_bits;
    struct notifier *notifier;
    struct rpc_context ctx;
    struct rpc_server *rpc;

    char *error; /* why it stops, or did not start */
};

/* settings.json: one more source of options, before they are checked. */
bool node_read_settings(struct node *node) MUST_USE;
/* Everything up to the loop; false: node->error. The options are complete. */
bool node_open(struct node *node) MUST_USE;
/* Runs until somebody asks it to stop. */
void node_run(struct node *node);
/* Closes whatever is open, in reverse order. */
void node_close(struct node *node);
/* Asks the loop to end; from any place on the owner. */
void node_stop(struct node *node);
/* The same because of `message`, which becomes the error. */
void node_fatal(void *node, const char *message);

/* ---- parts of it, each in a file ---- */

/* paths.c. The data directory, the network's folders and their locks. */
char *default_datadir(void);
bool paths_choose(struct node *node) MUST_USE;
bool paths_lock(struct node *node) MUST_USE;
bool paths_write_pid(struct node *node) MUST_USE;
void paths_unlock(struct node *node);
char *node_path(const struct node *node, const char *name); /* in the network's folder */

/* logging.c */
bool logging_configure(struct node *node) MUST_USE;
bool logging_open(struct node *node) MUST_USE;

/* network.c: rules changed by options, and the name that peers see. */
bool network_choose(struct node *node) MUST_USE;
bool user_agent_build(struct node *node) MUST_USE;

/* parts.c: opens and closes the parts with their options. */
bool parts_open(struct node *node) MUST_USE;
void parts_close(struct node *node);

/* gossip.c */
void fees_part_open(struct node *node);
void fees_part_save(struct node *node);
void fees_part_close(struct node *node);
bool net_part_open(struct node *node) MUST_USE;

/* indexes.c */
bool indexes_part_check(struct node *node) MUST_USE; /* of the options alone */
bool indexes_part_open(struct node *node) MUST_USE;

/* wallet_link.c */
bool wallets_part_open(struct node *node) MUST_USE;

/* warnings.c: what the user should know, as RPC's "warnings" and -alertnotify tell it. */
void warnings_open(struct node *node);
void warnings_close(struct node *node);

/* notify.c: commands of the user, by -alertnotify, -blocknotify, -startupnotify, -shutdownnotify.
 */
void notify_open(struct node *node); /* with the chain open */
void notify_close(struct node *node);
void notify_alert(struct node *node, const char *message);
void notify_startup(struct node *node);
void notify_shutdown(struct node *node);
bool notify_shutdown_done(const struct node *node); /* its commands have ended */

/* loop.c */
bool loop_open(struct node *node) MUST_USE;
void loop_close(struct node *node);
void loop_wake(void *node); /* from any thread */
void loop_advance(void *node, int64_t seconds);
/* Imports, then the mempool file, in slices. */
void loop_start_imports(struct node *node);

/* daemon.c: -daemon and -daemonwait. In the parent it does not return. */
bool daemon_start(bool wait, char **error) MUST_USE;
/* The child tells the waiting parent how it went. */
void daemon_ready(bool ok);

#endif
