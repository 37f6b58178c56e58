/*
 * Permissions of connections. "noban" includes "download" and "forcerelay" includes "relay", as the
 * names are used elsewhere; a subnet without names gets the default ones.
 */
#include "net/permissions.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/str.h"

static const struct {
    const char *name;
    unsigned bits, test;
} table[] = {
    {"bloomfilter", PERMISSION_BLOOMFILTER, PERMISSION_BLOOMFILTER},
    {"noban", PERMISSION_NOBAN, PERMISSION_NOBAN_BIT},
    {"forcerelay", PERMISSION_FORCERELAY, PERMISSION_FORCERELAY_BIT},
    {"relay", PERMISSION_RELAY, PERMISSION_RELAY},
    {"mempool", PERMISSION_MEMPOOL, PERMISSION_MEMPOOL},
    {"download", PERMISSION_DOWNLOAD, PERMISSION_DOWNLOAD},
    {"addr", PERMISSION_ADDR, PERMISSION_ADDR},
};
#define ALL_PERMISSIONS 0x7fu

static bool one_name(const char *name, struct whitelist *w)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(table[i].name, name) == 0) {
            w->permissions |= table[i].bits;
            return true;
        }
    }
    if (strcmp(name, "bloom") == 0)
        w->permissions |= PERMISSION_BLOOMFILTER;
    else if (strcmp(name, "all") == 0)
        w->permissions |= ALL_PERMISSIONS;
    else if (strcmp(name, "in") == 0)
        w->in = true;
    else if (strcmp(name, "out") == 0)
        w->out = true;
    else
        return *name == 0;
    return true;
}

/* The names before '@'; *rest is what follows. */
static bool parse_names(const char *text, unsigned def, struct whitelist *w, const char **rest,
                        char **error)
{
    const char *at = strchr(text, '@');
    memset(w, 0, sizeof(*w));
    *rest = at ? at + 1 : text;
    if (!at) {
        w->permissions = def;
        return true;
    }
    char *names = xstrndup(text, (size_t)(at - text));
    size_t n;
    char **list = str_split(names, ',', &n);
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        ok = one_name(list[i], w);
        if (!ok)
            *error = xasprintf("Invalid P2P permission: '%s'", list[i]);
    }
    free(list);
    free(names);
    return ok;
}

bool whitelist_parse(const char *text, unsigned def, struct whitelist *out, char **error)
{
    const char *rest;
    if (!parse_names(text, def, out, &rest, error))
        return false;
    if (!out->in && !out->out)
        out->in = true;
    else if (out->permissions == 0) {
        *error = xasprintf("Only direction was set, no permissions: '%s'", text);
        return false;
    }
    if (!subnet_parse(rest, &out->subnet)) {
        *error = xasprintf("Invalid netmask specified in -whitelist: '%s'", rest);
        return false;
    }
    return true;
}

bool whitebind_parse(const char *text, uint16_t default_port, unsigned def, struct netaddr *out,
                     unsigned *permissions, char **error)
{
    struct whitelist w;
    const char *rest;
    if (!parse_names(text, def, &w, &rest, error))
        return false;
    if (w.in || w.out) {
        *error =
            xasprintf("whitebind may only be used for incoming connections (\"out\" was passed)");
        return false;
    }
    if (!netaddr_parse(rest, default_port, out)) {
        *error = xasprintf("Cannot resolve -whitebind address: '%s'", rest);
        return false;
    }
    *permissions = w.permissions;
    return true;
}

unsigned whitelist_permissions(const struct whitelist *w, size_t n, const struct netaddr *a,
                               bool inbound)
{
    unsigned out = 0;
    for (size_t i = 0; i < n; i++) {
        if ((inbound ? w[i].in : w[i].out) && subnet_contains(&w[i].subnet, a))
            out |= w[i].permissions;
    }
    return out;
}

void permission_names(unsigned permissions, const char *out[PERMISSION_NAMES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (permissions & table[i].test)
            out[n++] = table[i].name;
    }
    out[n] = NULL;
}
