/*
 * Warnings of the node: each is raised once, shown by RPC as long as it holds, logged, and told by
 * -alertnotify when it is raised.
 *
 * They are looked at when the tip changes and when a block is found invalid. During the initial
 * download nobody is warned of rules that are unknown: what matters is the state at its end.
 */
#include <stdlib.h>

#include "consensus/headers.h"
#include "node/node.h"
#include "util/log.h"
#include "util/mem.h"
#include "validation/chain.h"

#define INVALID_CHAIN_BLOCKS 6

static void list_warnings(struct node *node)
{
    size_t n = 0;
    for (size_t i = 0; i < WARNING_COUNT; i++)
        if (node->warning_texts[i])
            node->warnings[n++] = node->warning_texts[i];
    node->warnings[n] = NULL;
}

/* Takes over the text. */
static void raise_warning(struct node *node, enum warning what, char *text)
{
    if (node->warning_texts[what]) {
        free(text);
        return;
    }
    node->warning_texts[what] = text;
    list_warnings(node);
    log_warning("%s", text);
    notify_alert(node, text);
}

static void drop_warning(struct node *node, enum warning what)
{
    free(node->warning_texts[what]);
    node->warning_texts[what] = NULL;
    list_warnings(node);
}

static void check_rules(struct node *node, const struct hnode *tip)
{
    unknown_bits_update(&node->unknown_bits, node->net, tip);
    for (int bit = 0; bit < VERSION_BITS; bit++)
        if (node->unknown_bits.active >> bit & 1)
            raise_warning(node, WARNING_UNKNOWN_RULES,
                          xasprintf("Unknown new rules activated (versionbit %d)", bit));
}

static void check_invalid_chain(struct node *node)
{
    const struct block_index *bad = chain_best_invalid(node->chain), *tip = chain_tip(node->chain);
    struct u256 ahead = u256_mul_u64(bits_work(tip->h.bits), INVALID_CHAIN_BLOCKS);
    if (bad && u256_cmp(bad->h.work, u256_add(tip->h.work, ahead)) > 0)
        raise_warning(
            node, WARNING_INVALID_CHAIN,
            xstrdup("Warning: Found invalid chain more than 6 blocks longer than our best "
                    "chain. This could be due to database corruption or consensus "
                    "incompatibility with peers."));
    else
        drop_warning(node, WARNING_INVALID_CHAIN);
}

static void on_tip_changed(void *arg, const struct block_index *tip, const struct block_index *fork,
                           bool ibd)
{
    (void)fork;
    check_invalid_chain(arg);
    if (!ibd)
        check_rules(arg, &tip->h);
}

static void on_block_checked(void *arg, const struct block *b, const struct block_index *i,
                             const struct verdict *v)
{
    (void)b, (void)i;
    if (v->kind != VERDICT_VALID)
        check_invalid_chain(arg);
}

void warnings_open(struct node *node)
{
    static const struct chain_events events = {.tip_changed = on_tip_changed,
                                               .block_checked = on_block_checked};
    node->warning_texts[WARNING_PRE_RELEASE] =
        xstrdup("This is a pre-release test build - use at your own risk - do not use for mining "
                "or merchant applications");
    list_warnings(node);
    chain_subscribe(node->chain, &events, node);
}

void warnings_close(struct node *node)
{
    for (size_t i = 0; i < WARNING_COUNT; i++)
        free(node->warning_texts[i]);
}
