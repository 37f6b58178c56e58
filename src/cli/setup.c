/*
 * The client reads the node's own configuration file and cookie, so that on the same machine
 * `mite-cli` needs no options but those that the node was started with.
 */
#include "cli/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/conf.h"
#include "node/node.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/str.h"

#define MAX_COOKIE_SIZE 4096

/* The data directory: what `given` names, or the default one. NULL: there is none of that name. */
static char *find_datadir(const char *given)
{
    return given && *given ? realpath(given, NULL) : default_datadir();
}

bool setup_config(struct setup *s, char **error)
{
    char *warnings = NULL, *why = NULL;
    const char *given = option_str(s->options, "datadir");

    s->datadir = find_datadir(given);
    if (!s->datadir) {
        *error = xasprintf("Specified data directory \"%s\" does not exist.", given);
        return false;
    }
    bool ok = config_read(s->options, s->datadir, &s->conf_path, &warnings, &why);
    free(warnings); /* the node's concern */
    if (!ok) {
        *error = xasprintf("Error reading configuration file: %s", why);
        free(why);
        return false;
    }
    const char *in_file = option_str(s->options, "datadir");
    if (in_file && *in_file) {
        free(s->datadir);
        s->datadir = xstrdup(in_file);
    }
    const char *name = options_chain_name(s->options, error);
    s->net = name ? network_find(name) : NULL;
    if (name && !s->net)
        *error = xasprintf("Unknown chain %s.", name);
    return s->net != NULL;
}

static bool parse_port(const char *text, uint16_t *port)
{
    uint32_t n;

    if (!parse_u32(text, &n) || n == 0 || n > UINT16_MAX)
        return false;
    *port = (uint16_t)n;
    return true;
}

/* "host", "host:port", "[v6]", "[v6]:port", "v6". False: the port is none. */
static bool split_host(struct setup *s, const char *text)
{
    const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL, *colon = strrchr(text, ':');

    if (bracket) {
        s->host = xstrndup(text + 1, (size_t)(bracket - text - 1));
        return bracket[1] == 0 || (bracket[1] == ':' && parse_port(bracket + 2, &s->port));
    }
    if (colon && strchr(text, ':') == colon) {
        s->host = xstrndup(text, (size_t)(colon - text));
        return parse_port(colon + 1, &s->port);
    }
    s->host = xstrdup(text);
    return true;
}

bool setup_address(struct setup *s, char **error)
{
    const char *connect = option_str(s->options, "rpcconnect");

    s->port = s->net->rpc_port;
    if (!split_host(s, connect)) {
        *error = xasprintf("Invalid port provided in -rpcconnect: %s", connect);
        return false;
    }
    if (option_is_set(s->options, "rpcport")) {
        const char *port = option_str(s->options, "rpcport");
        if (!parse_port(port, &s->port)) {
            *error = xasprintf("Invalid port provided in -rpcport: %s", port);
            return false;
        }
    }
    return true;
}

/* NULL: *why says what is wrong with the cookie. */
static char *read_cookie(const struct setup *s, const char **why)
{
    struct buf text = BUF_INIT;
    char *cookie = NULL;

    if (option_is_negated(s->options, "rpccookiefile")) {
        *why = "Cookie file was disabled via -norpccookiefile and no rpcpassword was specified.";
        return NULL;
    }
    char *netdir = path_join(s->datadir, s->net->datadir);
    char *path = path_join(netdir, option_str(s->options, "rpccookiefile"));
    if (!file_read(path, &text, MAX_COOKIE_SIZE)) {
        *why = "Failed to read cookie file and no rpcpassword was specified.";
    } else {
        write_u8(&text, 0);
        size_t len;
        cookie = (char *)buf_take(&text, &len);
        cookie[strcspn(cookie, "\r\n")] = 0;
        *why = "Cookie file credentials were invalid and no rpcpassword was specified.";
    }
    buf_clear(&text);
    free(path);
    free(netdir);
    return cookie;
}

void setup_credentials(struct setup *s, const char *stdin_password)
{
    const char *password = stdin_password ? stdin_password : option_str(s->options, "rpcpassword");
    const char *user = option_str(s->options, "rpcuser");
    const char *why = "Incorrect rpcuser or rpcpassword were specified.";

    free(s->credentials);
    free(s->refusal);
    if (password && *password)
        s->credentials = xasprintf("%s:%s", user ? user : "", password);
    else
        s->credentials = read_cookie(s, &why);
    s->refusal =
        s->conf_path ? xasprintf("%s Configuration file: (%s)", why, s->conf_path) : xstrdup(why);
}

void setup_clear(struct setup *s)
{
    options_destroy(s->options);
    if (s->credentials)
        wipe(s->credentials, strlen(s->credentials));
    free(s->credentials);
    free(s->refusal);
    free(s->host);
    free(s->conf_path);
    free(s->datadir);
}
