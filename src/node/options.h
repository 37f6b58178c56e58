/*
 * Options: one table of all of them, and the values that command line, settings.json and
 * configuration files give. What a value means when it is given several times, negated, or in a
 * section, is as in Bitcoin Core, so that its configuration files work unchanged.
 */
#ifndef MITE_NODE_OPTIONS_H
#define MITE_NODE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consensus/params.h"
#include "util/check.h"

/* ---- the table ---- */

enum option_type {
    OPTION_BOOL,
    OPTION_INT,
    OPTION_STRING,
    OPTION_LIST,  /* may be given several times */
    OPTION_AMOUNT /* decimal, of the currency's unit */
};
enum option_flags {
    OPTION_NETWORK_ONLY = 1, /* in a file it counts for main only, or in the network's section */
    OPTION_DEBUG = 2,        /* shown by -help-debug only */
    OPTION_HIDDEN = 4,       /* in no help */
    OPTION_SECRET = 8,       /* its value is not logged */
    OPTION_NEEDS_VALUE = 16, /* "-proxy" alone is an error */
    OPTION_NO_NEGATION = 32, /* "-nodatadir" is an error */
    OPTION_UNSUPPORTED = 64, /* known from Bitcoin Core; an error where it is switched on */
    OPTION_NO_EFFECT = 128,  /* accepted: nothing here depends on it */
    OPTION_REMOVED = 256,    /* Bitcoin Core had it once: a warning */
    OPTION_COMMAND_LINE_ONLY = 512,
    OPTION_FILE_ONLY = 1024,
    OPTION_CLI = 2048,     /* mite-cli has it too */
    OPTION_CLI_ONLY = 4096 /* mite-cli has it, mited does not */
};
/* Whose command line it is. Configuration files are shared and may set what either has. */
enum option_program { PROGRAM_MITED, PROGRAM_CLI };
struct option_def {
    const char *name; /* without '-' */
    const char *arg;  /* "<n>", or NULL */
    enum option_type type;
    const char *def; /* NULL: none, or worked out (then the help says how) */
    const char *help;
    unsigned flags;
};
struct option_group {
    const char *title;
    const struct option_def *options;
    size_t n;
};
extern const struct option_group option_groups[];
extern const size_t option_group_count;
const struct option_def *option_find(const char *name);

/* The text of -help (with `debug`: of -help-debug); caller frees. */
char *options_help(enum option_program program, bool debug);
bool option_has(const struct option_def *def, enum option_program program);

/* ---- values ---- */

struct options;

enum option_source { SOURCE_COMMAND_LINE, SOURCE_SETTINGS, SOURCE_FILE_SECTION, SOURCE_FILE };

struct options *options_create(enum option_program program);
void options_destroy(struct options *o);

/* False: *error is a sentence (caller frees). */
bool options_parse_command_line(struct options *o, int argc, char *const argv[], char **error);
/* One "key=value" of a file, in the section ("" for none). `where` is "file:line". */
bool options_add_file_value(struct options *o, const char *section, const char *key,
                            const char *value, char **error);
void options_add_setting(struct options *o, const char *key, const char *value, bool negated);
/* Where nobody has given it. True where it was set. */
bool options_soft_set(struct options *o, const char *name, const char *value);

/* The network that sections are read for. Until then, only default sections count. */
void options_set_network(struct options *o, const char *name);
const char *options_network(const struct options *o);
/* "main", "regtest"...; NULL with *error where the options contradict each other. */
const char *options_chain_name(const struct options *o, char **error);

/* Values of wrong form, unsupported options; *warnings (caller frees, may be NULL) gets lines about
 * removed ones. False: *error. */
bool options_check(const struct options *o, char **error, char **warnings);
/* Names given in the default section of a file though they count only in the network's section:
 * a sentence, or NULL. Caller frees. */
char *options_unsuitable(const struct options *o);
/* Logs where each value came from, without secrets. */
void options_log(const struct options *o);

/* The option must be in the table, with that type (CHECK); its default is the table's. */
bool option_bool(const struct options *o, const char *name);
int64_t option_int(const struct options *o, const char *name);
const char *option_str(const struct options *o, const char *name); /* NULL: none */
int64_t option_amount(const struct options *o, const char *name);  /* satoshi */
/* All values, NULL-terminated, valid until the options go. */
const char *const *option_list(const struct options *o, const char *name);
bool option_is_set(const struct options *o, const char *name);
bool option_is_negated(const struct options *o, const char *name);

#endif
