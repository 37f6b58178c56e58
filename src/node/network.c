/* The network's rules as options change them (signet challenge, heights for tests), and the name
 * by which peers know us. */
#include <stdlib.h>
#include <string.h>

#include "node/node.h"
#include "util/mem.h"
#include "util/str.h"

#define MAX_USER_AGENT 256

static struct network *own(struct node *node)
{
    if (!node->own_net) {
        node->own_net = network_copy(node->net);
        node->net = node->own_net;
    }
    return node->own_net;
}

static bool set_challenge(struct node *node)
{
    const char *const *c = option_list(node->options, "signetchallenge");
    if (!c[0] || node->net->signet_challenge.len == 0)
        return true;
    struct buf script = BUF_INIT;
    if (c[1])
        node->error = xstrdup("-signetchallenge cannot be multiple values.");
    else if (!hex_read(&script, c[0]))
        node->error = xasprintf("-signetchallenge must be hex, not '%s'.", c[0]);
    else
        network_set_signet_challenge(own(node), buf_span(&script));
    buf_clear(&script);
    return !node->error;
}

/* "name@height" */
static bool set_activation(struct node *node, const char *text)
{
    const char *at = strchr(text, '@');
    uint32_t height;
    enum buried_id id;
    if (!at) {
        node->error = xasprintf("Invalid format (%s) for -testactivationheight=name@height.", text);
        return false;
    }
    char *name = xstrndup(text, (size_t)(at - text));
    if (!parse_u32(at + 1, &height) || height >= INT32_MAX)
        node->error =
            xasprintf("Invalid height value (%s) for -testactivationheight=name@height.", text);
    else if (!buried_from_option(name, &id))
        node->error = xasprintf("Invalid name (%s) for -testactivationheight=name@height.", text);
    else
        own(node)->buried[id] = (int32_t)height;
    free(name);
    return !node->error;
}

/* "deployment:start:end[:min_activation_height]" */
static bool set_deployment(struct node *node, const char *text)
{
    size_t n;
    char **part = str_split(text, ':', &n);
    int64_t start = 0, end = 0, height = 0;
    struct deployment *d = NULL;
    if (n < 3 || n > 4)
        node->error = xstrdup("Version bits parameters malformed, expecting "
                              "deployment:start:end[:min_activation_height]");
    else if (!parse_i64(part[1], &start))
        node->error = xasprintf("Invalid nStartTime (%s)", part[1]);
    else if (!parse_i64(part[2], &end))
        node->error = xasprintf("Invalid nTimeout (%s)", part[2]);
    else if (n == 4 && (!parse_i64(part[3], &height) || height < 0 || height > INT32_MAX))
        node->error = xasprintf("Invalid min_activation_height (%s)", part[3]);
    for (int i = 0; !node->error && i < DEPLOYMENT_COUNT; i++)
        if (strcmp(node->net->deployments[i].name, part[0]) == 0)
            d = &own(node)->deployments[i];
    if (d) {
        d->start_time = start;
        d->timeout = end;
        d->min_activation_height = (int32_t)height;
    } else if (!node->error) {
        node->error = xasprintf("Invalid deployment (%s)", part[0]);
    }
    free(part);
    return !node->error;
}

bool network_choose(struct node *node)
{
    char *error;
    const char *chain = options_chain_name(node->options, &error);
    if (!chain) {
        node->error = error;
        return false;
    }
    options_set_network(node->options, chain);
    node->net = network_find(chain);
    const char *const *heights = option_list(node->options, "testactivationheight");
    const char *const *deployments = option_list(node->options, "vbparams");
    if (!node->net->is_test_chain && (heights[0] || deployments[0])) {
        node->error = xasprintf("The -%s option may not be used on mainnet.",
                                heights[0] ? "testactivationheight" : "vbparams");
        return false;
    }
    for (; *heights; heights++)
        if (!set_activation(node, *heights))
            return false;
    for (; *deployments; deployments++)
        if (!set_deployment(node, *deployments))
            return false;
    if (option_bool(node->options, "fastprune") && node->net->fast_prune_after_height)
        own(node)->prune_after_height = node->net->fast_prune_after_height;
    return set_challenge(node);
}

bool user_agent_build(struct node *node)
{
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;-_?@";
    struct buf name = BUF_INIT;
    write_printf(&name, "/Satoshi:" CLIENT_VERSION_STR);
    const char *const *c = option_list(node->options, "uacomment");
    for (size_t i = 0; c[i]; i++) {
        if (c[i][strspn(c[i], safe)] != 0) {
            node->error = xasprintf("User Agent comment (%s) contains unsafe characters.", c[i]);
            buf_clear(&name);
            return false;
        }
        write_printf(&name, "%s%s", i ? "; " : "(", c[i]);
    }
    write_printf(&name, "%s/", c[0] ? ")" : "");
    if (name.len > MAX_USER_AGENT)
        node->error = xasprintf("Total length of network version string (%zu) exceeds maximum "
                                "length (%d). Reduce the number or size of uacomments.",
                                name.len, MAX_USER_AGENT);
    write_u8(&name, 0);
    node->user_agent = xstrdup((const char *)name.data);
    buf_clear(&name);
    return !node->error;
}
