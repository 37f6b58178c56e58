/*
 * Values of options, and which of them counts.
 *
 * Sources, from strong to weak: command line, settings.json, the network's section of the
 * configuration files, their default section. For an option with one value the strongest source
 * decides; within the command line the last one given, within files the first, as Bitcoin Core has
 * it. A negation ("-nofoo") drops what its source said before; for lists it also cuts off the
 * weaker sources.
 *
 * Values are kept as text in the order of arrival and searched when asked for: there are a hundred
 * at most, asked for once.
 */
#include "node/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/amount.h"
#include "util/bytes.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/str.h"

struct setting {
    enum option_source source;
    char *section; /* files: "" or a network's name */
    char *name, *value;
    bool negated; /* -nofoo: value is "0" */
};
struct options {
    enum option_program program;
    struct setting *settings;
    size_t n, cap;
    const char *network; /* NULL until chosen */
    /* Lists that were handed out. */
    const char ***lists;
    size_t n_lists, cap_lists;
};

struct options *options_create(enum option_program program)
{
    struct options *o = xcalloc(1, sizeof(*o));
    o->program = program;
    return o;
}

void options_destroy(struct options *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->n; i++) {
        free(o->settings[i].section);
        free(o->settings[i].name);
        free(o->settings[i].value);
    }
    for (size_t i = 0; i < o->n_lists; i++)
        free(o->lists[i]);
    free(o->lists);
    free(o->settings);
    free(o);
}

static void add(struct options *o, enum option_source source, const char *section, const char *name,
                const char *value, bool negated)
{
    o->settings = array_reserve(o->settings, &o->cap, o->n + 1, sizeof(*o->settings));
    o->settings[o->n++] =
        (struct setting){source, xstrdup(section), xstrdup(name), xstrdup(value), negated};
}

/* What Core takes a text for where it wants a bool. */
static bool text_true(const char *s)
{
    return *s == 0 || strtol(s, NULL, 10) != 0;
}

/* Resolves "nofoo" unless an option has that very name. */
static const struct option_def *find_def(const char **name, const char **value, bool *negated)
{
    const struct option_def *def = option_find(*name);
    *negated = false;
    if (def || !starts_with(*name, "no"))
        return def;
    def = option_find(*name + 2);
    if (!def)
        return NULL;
    *name += 2;
    *negated = true;
    if (*value && !text_true(*value)) {
        log_warning("Parsed potentially confusing double-negative -%s=%s", *name, *value);
        *negated = false;
        *value = "1";
    }
    return def;
}

static const char *nearest_option(enum option_program program, const char *name)
{
    const char *names[1024];
    size_t n = 0;
    for (size_t g = 0; g < option_group_count; g++)
        for (size_t i = 0; i < option_groups[g].n && n < ARRAY_LEN(names); i++)
            if (option_has(&option_groups[g].options[i], program) &&
                !(option_groups[g].options[i].flags & (OPTION_HIDDEN | OPTION_REMOVED)))
                names[n++] = option_groups[g].options[i].name;
    return nearest_name(name, names, n);
}

static bool parse_argument(struct options *o, const char *arg, char **error)
{
    const char *key = arg + (arg[1] == '-' ? 2 : 1), *equals = strchr(key, '=');
    char *name = equals ? xstrndup(key, (size_t)(equals - key)) : xstrdup(key);
    const char *value = equals ? equals + 1 : NULL, *n = name;
    bool negated;
    const struct option_def *def = find_def(&n, &value, &negated);
    if (!def || !option_has(def, o->program)) {
        const char *near = nearest_option(o->program, name);
        *error = near ? xasprintf("Invalid parameter %s. Did you mean -%s?", arg, near)
                      : xasprintf("Invalid parameter %s", arg);
    } else if (def->flags & OPTION_FILE_ONLY) {
        bool text = value && !starts_with(name, "no");
        *error =
            xasprintf("-%s cannot be used from commandline; -%s=%s%s%s", n, n, text ? "\"" : "",
                      text      ? value
                      : negated ? "false"
                                : "true",
                      text ? "\"" : "");
    } else if (negated && (def->flags & OPTION_NO_NEGATION)) {
        *error = xasprintf("Negating of -%s is meaningless and therefore forbidden", n);
    } else if (!value && !negated && (def->flags & OPTION_NEEDS_VALUE)) {
        *error =
            xasprintf("Can not set -%s with no value. Please specify value with -%s=value.", n, n);
    } else {
        add(o, SOURCE_COMMAND_LINE, "", n, negated ? "0" : value ? value : "", negated);
    }
    free(name);
    return *error == NULL;
}

bool options_parse_command_line(struct options *o, int argc, char *const argv[], char **error)
{
    *error = NULL;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-' || argv[i][1] == 0) {
            *error = xasprintf("Command line contains unexpected token '%s', see mited -h for a "
                               "list of options.",
                               argv[i]);
            return false;
        }
        if (!parse_argument(o, argv[i], error))
            return false;
    }
    return true;
}

bool options_add_file_value(struct options *o, const char *section, const char *key,
                            const char *value, char **error)
{
    *error = NULL;
    bool negated;
    const char *name = key;
    const struct option_def *def = find_def(&name, &value, &negated);
    if (!def) {
        log_warning("Ignoring unknown configuration value %s", key);
        return true;
    }
    if (def->flags & OPTION_COMMAND_LINE_ONLY) {
        *error = xasprintf("%s cannot be set in the configuration file; use includeconf= if you "
                           "want to include additional config files",
                           name);
        return false;
    }
    add(o, *section ? SOURCE_FILE_SECTION : SOURCE_FILE, section, name, negated ? "0" : value,
        negated);
    return true;
}

void options_add_setting(struct options *o, const char *key, const char *value, bool negated)
{
    if (option_find(key))
        add(o, SOURCE_SETTINGS, "", key, value, negated);
    else
        log_warning("Ignoring unknown rw_settings value %s", key);
}

void options_set_network(struct options *o, const char *name)
{
    o->network = name;
}

const char *options_network(const struct options *o)
{
    return o->network ? o->network : "main";
}

/* ---- which counts ---- */

static bool is_main(const struct options *o)
{
    return strcmp(options_network(o), "main") == 0;
}

static bool applies(const struct options *o, const struct setting *s, const struct option_def *def)
{
    if (strcmp(s->name, def->name) != 0)
        return false;
    if (s->source == SOURCE_FILE_SECTION)
        return o->network && strcmp(s->section, o->network) == 0;
    return !(s->source == SOURCE_FILE && (def->flags & OPTION_NETWORK_ONLY) && o->network &&
             !is_main(o));
}

/* Index behind the last negation in a source, and whether that is the last word of the source. */
static size_t after_negation(const struct options *o, const struct option_def *def,
                             enum option_source source, bool *ends_negated, bool *any)
{
    size_t start = 0;
    *ends_negated = *any = false;
    for (size_t i = 0; i < o->n; i++) {
        const struct setting *s = &o->settings[i];
        if (s->source != source || !applies(o, s, def))
            continue;
        *any = true;
        *ends_negated = s->negated;
        if (s->negated)
            start = i + 1;
    }
    return start;
}

static const struct setting *value_in(const struct options *o, const struct option_def *def,
                                      enum option_source source)
{
    bool ends_negated, any;
    size_t start = after_negation(o, def, source, &ends_negated, &any);
    const struct setting *found = NULL;
    if (ends_negated)
        return &o->settings[start - 1];
    for (size_t i = start; i < o->n; i++) {
        const struct setting *s = &o->settings[i];
        if (s->source != source || !applies(o, s, def))
            continue;
        found = s;
        if (source == SOURCE_FILE_SECTION || source == SOURCE_FILE)
            break; /* in files, the first counts */
    }
    return found;
}

static const struct setting *winner(const struct options *o, const struct option_def *def)
{
    for (enum option_source s = SOURCE_COMMAND_LINE; s <= SOURCE_FILE; s++) {
        const struct setting *v = value_in(o, def, s);
        if (v)
            return v;
    }
    return NULL;
}

static const struct option_def *must_find(const char *name)
{
    const struct option_def *def = option_find(name);
    CHECK(def);
    return def;
}

bool option_is_set(const struct options *o, const char *name)
{
    return winner(o, must_find(name)) != NULL;
}

bool option_is_negated(const struct options *o, const char *name)
{
    const struct setting *s = winner(o, must_find(name));
    return s && s->negated;
}

bool option_bool(const struct options *o, const char *name)
{
    const struct option_def *def = must_find(name);
    const struct setting *s = winner(o, def);
    return s ? text_true(s->value) : def->def && text_true(def->def);
}

int64_t option_int(const struct options *o, const char *name)
{
    const struct option_def *def = must_find(name);
    const struct setting *s = winner(o, def);
    CHECK(def->type == OPTION_INT && (s || def->def));
    const char *text = s ? s->value : def->def;
    return *text ? strtoll(text, NULL, 10) : 1; /* options_check() has seen that it is a number */
}

const char *option_str(const struct options *o, const char *name)
{
    const struct option_def *def = must_find(name);
    const struct setting *s = winner(o, def);
    if (s && s->negated)
        return NULL;
    return s ? s->value : def->def;
}

int64_t option_amount(const struct options *o, const char *name)
{
    const struct option_def *def = must_find(name);
    const struct setting *s = winner(o, def);
    int64_t v = 0;
    CHECK(def->type == OPTION_AMOUNT && def->def);
    if (!amount_parse(&v, s ? s->value : def->def))
        return 0; /* options_check() refuses such values */
    return v;
}

const char *const *option_list(const struct options *o, const char *name)
{
    const struct option_def *def = must_find(name);
    const char **list = xcalloc(o->n + 1, sizeof(*list));
    size_t n = 0;
    for (enum option_source src = SOURCE_COMMAND_LINE; src <= SOURCE_FILE; src++) {
        bool ends_negated, any;
        size_t start = after_negation(o, def, src, &ends_negated, &any);
        for (size_t i = start; i < o->n; i++)
            if (o->settings[i].source == src && applies(o, &o->settings[i], def))
                list[n++] = o->settings[i].value;
        if (start > 0)
            break; /* negated here: weaker sources have no say */
    }
    struct options *m = (struct options *)(uintptr_t)o; /* only the list of what to free changes */
    m->lists = array_reserve(m->lists, &m->cap_lists, m->n_lists + 1, sizeof(*m->lists));
    m->lists[m->n_lists++] = list;
    return list;
}

bool options_soft_set(struct options *o, const char *name, const char *value)
{
    if (option_is_set(o, name))
        return false;
    add(o, SOURCE_COMMAND_LINE, "", name, value, false);
    return true;
}

/* ---- the network ---- */

const char *options_chain_name(const struct options *o, char **error)
{
    static const struct {
        const char *option, *chain;
    } flags[] = {{"regtest", "regtest"},
                 {"signet", "signet"},
                 {"testnet", "test"},
                 {"testnet4", "testnet4"}};
    const char *name = option_is_set(o, "chain") ? option_str(o, "chain") : NULL;
    int given = name != NULL;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (option_bool(o, flags[i].option)) {
            name = flags[i].chain;
            given++;
        }
    }
    *error = NULL;
    if (given > 1)
        *error = xstrdup("Invalid combination of -regtest, -signet, -testnet, -testnet4 and "
                         "-chain. Can use at most one.");
    else if (given == 1 && (!name || !network_find(name)))
        *error = xasprintf("Unknown chain %s.", name ? name : "");
    return *error ? NULL : name ? name : "main";
}

/* ---- checks ---- */

static bool well_formed(enum option_type type, const char *value)
{
    int64_t v;
    const char *n = *value == '+' ? value + 1 : value;
    switch (type) {
    case OPTION_BOOL:
    case OPTION_INT: return *value == 0 || parse_i64(n, &v);
    case OPTION_AMOUNT: return amount_parse(&v, value) && money_range(v);
    case OPTION_STRING:
    case OPTION_LIST: return true;
    }
    return true;
}

static const char *wanted(enum option_type type)
{
    return type == OPTION_BOOL     ? "0 or 1 is expected"
           : type == OPTION_AMOUNT ? "an amount is expected"
                                   : "a whole number is expected";
}

bool options_check(const struct options *o, char **error, char **warnings)
{
    struct buf warn = BUF_INIT;
    *error = *warnings = NULL;
    for (size_t i = 0; i < o->n && !*error; i++) {
        const struct setting *s = &o->settings[i];
        const struct option_def *def = must_find(s->name);
        if (!applies(o, s, def))
            continue;
        if (def->flags & OPTION_REMOVED)
            write_printf(&warn,
                         "%sOption '-%s' is set but it was removed. This option has no effect.",
                         warn.len ? "\n" : "", s->name);
        else if (!s->negated && !well_formed(def->type, s->value))
            *error =
                xasprintf("Invalid value for -%s=<%s>: %s", s->name, s->value, wanted(def->type));
        else if ((def->flags & OPTION_UNSUPPORTED) && !s->negated && strcmp(s->value, "0") != 0 &&
                 s == winner(o, def))
            *error = xasprintf("Option -%s is known from Bitcoin Core but not supported here yet. "
                               "Leave it out to go on.",
                               s->name);
    }
    if (warn.len) {
        write_u8(&warn, 0);
        *warnings = xstrdup((const char *)warn.data);
    }
    buf_clear(&warn);
    return *error == NULL;
}

char *options_unsuitable(const struct options *o)
{
    if (is_main(o))
        return NULL;
    for (size_t i = 0; i < o->n; i++) {
        const struct setting *s = &o->settings[i];
        const struct option_def *def = must_find(s->name);
        if (s->source == SOURCE_FILE && (def->flags & OPTION_NETWORK_ONLY) && !winner(o, def))
            return xasprintf(
                "Config setting for -%s only applied on %s network when in [%s] section.", s->name,
                o->network, o->network);
    }
    return NULL;
}

void options_log(const struct options *o)
{
    static const char *const from[] = {
        [SOURCE_COMMAND_LINE] = "Command-line arg",
        [SOURCE_SETTINGS] = "Setting file arg",
        [SOURCE_FILE_SECTION] = "Config file arg",
        [SOURCE_FILE] = "Config file arg",
    };
    for (size_t i = 0; i < o->n; i++) {
        const struct setting *s = &o->settings[i];
        bool secret = must_find(s->name)->flags & OPTION_SECRET;
        const char *quote = s->negated || secret ? "" : "\"";
        log_info("%s: %s%s%s%s=%s%s%s", from[s->source], *s->section ? "[" : "", s->section,
                 *s->section ? "] " : "", s->name, quote,
                 secret       ? "****"
                 : s->negated ? "false"
                              : s->value,
                 quote);
    }
}
