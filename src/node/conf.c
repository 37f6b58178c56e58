/*
 * Configuration files: "name=value" lines, '#' comments, [section] for a network, and "includeconf"
 * one level deep. The format and its error messages are Bitcoin Core's, whose files are read where
 * mite has none of its own.
 */
#include "node/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/str.h"

#define MAX_CONFIG_SIZE (16 * 1024 * 1024)

static void add_line(char **text, char *line)
{
    char *joined = *text ? xasprintf("%s\n%s", *text, line) : xstrdup(line);
    free(*text);
    free(line);
    *text = joined;
}

static void check_section(const char *path, size_t number, const char *name, char **warnings)
{
    if (!network_find(name))
        add_line(warnings, xasprintf("%s:%zu Section [%s] is not recognized.", path, number, name));
}

/* "name=value", perhaps "section.name=value". */
static bool parse_pair(struct options *o, char *section, char *line, char *equals, const char *path,
                       size_t number, char **warnings, char **error)
{
    *equals = 0;
    char *name = str_trim(line), *value = str_trim(equals + 1), *dot = strchr(name, '.');
    const char *in = section;
    if (dot) {
        *dot = 0;
        in = name;
        name = dot + 1;
        check_section(path, number, in, warnings);
    }
    return options_add_file_value(o, in, name, value, error);
}

static bool parse_line(struct options *o, char **section, char *line, const char *path,
                       size_t number, char **warnings, char **error)
{
    char *hash = strchr(line, '#'), *equals;
    if (hash)
        *hash = 0;
    line = str_trim(line);
    size_t len = strlen(line);
    if (len == 0)
        return true;
    if (line[0] == '[' && line[len - 1] == ']') {
        line[len - 1] = 0;
        free(*section);
        *section = xstrdup(line + 1);
        check_section(path, number, *section, warnings);
        return true;
    }
    equals = strchr(line, '=');
    if (line[0] == '-')
        *error = xasprintf("parse error on line %zu: %s, options in configuration file must be "
                           "specified without leading -",
                           number, line);
    else if (!equals)
        *error = xasprintf(
            "parse error on line %zu: %s%s%s%s", number, line,
            starts_with(line, "no") ? ", if you intended to specify a negated option, use " : "",
            starts_with(line, "no") ? line : "", starts_with(line, "no") ? "=1 instead" : "");
    else if (hash && memmem(line, (size_t)(equals - line), "rpcpassword", 11))
        *error = xasprintf("parse error on line %zu, using # in rpcpassword can be ambiguous and "
                           "should be avoided",
                           number);
    else
        return parse_pair(o, *section, line, equals, path, number, warnings, error);
    return false;
}

bool config_parse(struct options *o, const char *path, const char *text, size_t len,
                  char **warnings, char **error)
{
    char *copy = xstrndup(text, len), *section = xstrdup("");
    size_t number = 0;
    bool ok = true;
    for (char *line = copy, *next; ok && line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        ok = parse_line(o, &section, line, path, ++number, warnings, error);
    }
    free(section);
    free(copy);
    return ok;
}

static bool read_and_parse(struct options *o, const char *path, char **warnings, char **error)
{
    struct buf text = BUF_INIT;
    bool ok = file_read(path, &text, MAX_CONFIG_SIZE);
    if (!ok)
        *error = xasprintf("specified config file \"%s\" could not be opened.", path);
    else
        ok = config_parse(o, path, (const char *)text.data, text.len, warnings, error);
    buf_clear(&text);
    return ok;
}

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list[n])
        n++;
    return n;
}

/* The files of the default section, then those of the network's; what they include is not read. */
static bool read_includes(struct options *o, const char *datadir, char **warnings, char **error)
{
    const char *const *list = option_list(o, "includeconf");
    size_t n = count(list);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        char *path = path_join(datadir, list[i]);
        if (path_is_dir(path))
            *error = xasprintf("Included config file \"%s\" is a directory.", path);
        else if (!path_exists(path))
            *error = xasprintf("Failed to include configuration file %s", list[i]);
        ok = !*error && read_and_parse(o, path, warnings, error);
        if (ok)
            log_info("Included configuration file %s", path);
        free(path);
    }
    if (!ok)
        return false;
    const char *const *now = option_list(o, "includeconf");
    for (size_t i = 0; i < count(now); i++) {
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known |= now[i] == list[k];
        if (!known)
            fprintf(
                stderr,
                "warning: -includeconf cannot be used from included files; ignoring -includeconf=%s\n",
                now[i]);
    }
    return true;
}

static char *find_file(const struct options *o, const char *datadir)
{
    if (option_is_negated(o, "conf"))
        return NULL;
    if (option_is_set(o, "conf") && *option_str(o, "conf"))
        return path_join(datadir, option_str(o, "conf"));
    char *path = path_join(datadir, "mite.conf");
    if (path_exists(path))
        return path;
    free(path);
    return path_join(datadir, "bitcoin.conf");
}

bool config_read(struct options *o, const char *datadir, char **path, char **warnings, char **error)
{
    bool ok = true;
    *error = NULL;
    *path = find_file(o, datadir);
    if (*path && path_is_dir(*path)) {
        *error = xasprintf("Config file \"%s\" is a directory.", *path);
        ok = false;
    } else if (*path && path_exists(*path)) {
        ok = read_and_parse(o, *path, warnings, error);
    } else {
        if (*path && option_is_set(o, "conf") && *option_str(o, "conf")) {
            *error = xasprintf("specified config file \"%s\" could not be opened.", *path);
            ok = false;
        }
        free(*path);
        *path = NULL;
    }
    char *chain_error = NULL;
    const char *chain = ok ? options_chain_name(o, &chain_error) : NULL;
    if (chain)
        options_set_network(o, chain);
    free(chain_error); /* the caller asks again, and says it in other words */
    return ok && (!*path || read_includes(o, datadir, warnings, error));
}
