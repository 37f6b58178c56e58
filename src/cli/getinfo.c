/*
 * -getinfo: what a person asks first, from several calls, one after the other (so numbers may stem
 * from different moments).
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "util/check.h"
#include "util/mem.h"

enum { BAR_CELLS = 21 };

struct palette {
    const char *blue, *green, *yellow, *magenta, *cyan, *reset;
};
static const struct palette plain = {"", "", "", "", "", ""};
static const struct palette colours = {"\033[34m", "\033[32m", "\033[33m",
                                       "\033[35m", "\033[36m", "\033[0m"};

/* A call's result, or NULL: then *status is the exit status, the error printed unless `quiet`. */
static struct json_object *ask(struct client *c, const char *method, bool quiet, int *status)
{
    struct json_object *reply, *error_object, *result = NULL;
    char *error = NULL;

    enum client_result r = client_call(c, method, "[]", &reply, &error);
    if (r != CLIENT_OK) {
        *status = cli_fail_call(r, error);
        return NULL;
    }
    *status = EXIT_SUCCESS;
    if (json_object_object_get_ex(reply, "error", &error_object) && error_object)
        *status = quiet ? EXIT_FAILURE : cli_print_reply(reply);
    else if (json_object_object_get_ex(reply, "result", &result))
        json_object_get(result);
    json_object_put(reply);
    return result;
}

static const char *text(struct json_object *o, const char *key)
{
    struct json_object *v;
    return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : "";
}

static double number(struct json_object *o, const char *key)
{
    struct json_object *v;
    return json_object_object_get_ex(o, key, &v) ? json_object_get_double(v) : 0;
}

static void print_bar(double part)
{
    int full = (int)(part * BAR_CELLS);

    for (int i = 0; i < BAR_CELLS; i++)
        fputs(i < full ? "█" : i == full ? "▒" : "░", stdout);
    putchar(' ');
}

static void print_chain(struct json_object *chain, const struct palette *p)
{
    double part = number(chain, "verificationprogress");

    printf("%sChain: %s%s\n", p->blue, text(chain, "chain"), p->reset);
    printf("Blocks: %s\nHeaders: %s\n", text(chain, "blocks"), text(chain, "headers"));
    printf("Verification progress: ");
    if (part < 0.99999)
        print_bar(part);
    printf("%.4f%%\nDifficulty: %s\n\n", part * 100, text(chain, "difficulty"));
}

/* "127.0.0.1:9050 (ipv4, ipv6), ..." or "n/a": each proxy with the networks that go through it. */
static void print_proxies(struct json_object *networks)
{
    bool any = false;
    size_t n = json_object_array_length(networks);

    for (size_t i = 0; i < n; i++) {
        const char *proxy = text(json_object_array_get_idx(networks, i), "proxy");
        bool first = *proxy != 0;
        for (size_t j = 0; j < i && first; j++)
            first = strcmp(text(json_object_array_get_idx(networks, j), "proxy"), proxy) != 0;
        if (!first)
            continue;
        printf("%s%s (", any ? ", " : "", proxy);
        any = true;
        bool more = false;
        for (size_t j = i; j < n; j++) {
            struct json_object *net = json_object_array_get_idx(networks, j);
            if (strcmp(text(net, "proxy"), proxy) != 0)
                continue;
            printf("%s%s", more ? ", " : "", text(net, "name"));
            more = true;
        }
        putchar(')');
    }
    puts(any ? "" : "n/a");
}

static void print_network(struct json_object *net, const struct palette *p)
{
    struct json_object *networks;

    printf("%sNetwork: in %s, out %s, total %s%s\n", p->green, text(net, "connections_in"),
           text(net, "connections_out"), text(net, "connections"), p->reset);
    printf("Version: %s\nTime offset (s): %s\nProxies: ", text(net, "version"),
           text(net, "timeoffset"));
    if (json_object_object_get_ex(net, "networks", &networks))
        print_proxies(networks);
    printf("Min tx relay fee rate (BTC/kvB): %s\n\n", text(net, "relayfee"));
}

static const char *trusted_balance(struct json_object *balances)
{
    struct json_object *mine;
    return json_object_object_get_ex(balances, "mine", &mine) ? text(mine, "trusted") : "";
}

static const char *shown_name(const char *wallet)
{
    return *wallet ? wallet : "\"\"";
}

/* One wallet: the one named, or the only one loaded. */
static void print_wallet(struct client *c, struct json_object *info, const struct palette *p)
{
    int status;

    printf("%sWallet: %s%s\nKeypool size: %s\n", p->magenta, shown_name(text(info, "walletname")),
           p->reset, text(info, "keypoolsize"));
    if (json_object_object_get_ex(info, "unlocked_until", NULL))
        printf("Unlocked until: %s\n", text(info, "unlocked_until"));
    struct json_object *balances = ask(c, "getbalances", true, &status);
    if (balances)
        printf("%sBalance:%s %s\n", p->cyan, p->reset, trusted_balance(balances));
    putchar('\n');
    json_object_put(balances);
}

/* Several wallets: the balance of each, right-justified. */
static void print_wallets(struct client *c, struct json_object *names, const struct palette *p)
{
    int status, width = 10;
    size_t n = json_object_array_length(names);
    struct json_object **balances = xcalloc(n, sizeof(*balances));

    for (size_t i = 0; i < n; i++) {
        client_set_wallet(c, json_object_get_string(json_object_array_get_idx(names, i)));
        balances[i] = ask(c, "getbalances", true, &status);
        int len = balances[i] ? (int)strlen(trusted_balance(balances[i])) : 0;
        width = len > width ? len : width;
    }
    printf("%sBalances%s\n", p->cyan, p->reset);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));
        if (balances[i])
            printf("%*s %s\n", width, trusted_balance(balances[i]), shown_name(name));
        json_object_put(balances[i]);
    }
    putchar('\n');
    free(balances);
}

static void print_wallet_part(struct client *c, const char *wallet, const struct palette *p)
{
    int status;

    struct json_object *info = ask(c, "getwalletinfo", true, &status);
    if (info) {
        print_wallet(c, info, p);
    } else if (!wallet) {
        struct json_object *names = ask(c, "listwallets", true, &status);
        if (names && json_object_array_length(names) > 1)
            print_wallets(c, names, p);
        json_object_put(names);
    }
    json_object_put(info);
}

static void print_warnings(struct json_object *net, const struct palette *p)
{
    struct json_object *warnings = NULL;
    size_t n = 0;

    if (json_object_object_get_ex(net, "warnings", &warnings) &&
        json_object_is_type(warnings, json_type_array))
        n = json_object_array_length(warnings);
    printf("%sWarnings:%s", p->yellow, p->reset);
    for (size_t i = 0; i < n; i++)
        printf("%s%s", i ? "\n" : " ",
               json_object_get_string(json_object_array_get_idx(warnings, i)));
    puts(n ? "" : " (none)");
}

int cli_getinfo(struct client *c, const char *wallet, bool colour)
{
    const struct palette *p = colour ? &colours : &plain;
    int status;

    client_set_wallet(c, NULL);
    struct json_object *net = ask(c, "getnetworkinfo", false, &status);
    struct json_object *chain = net ? ask(c, "getblockchaininfo", false, &status) : NULL;
    if (chain) {
        print_chain(chain, p);
        print_network(net, p);
        client_set_wallet(c, wallet);
        print_wallet_part(c, wallet, p);
        print_warnings(net, p);
    }
    json_object_put(chain);
    json_object_put(net);
    return status;
}
