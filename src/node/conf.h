/* Configuration files and settings.json. */
#ifndef MITE_NODE_CONF_H
#define MITE_NODE_CONF_H

#include "node/options.h"

/* Parses the text of one file. Names of its includeconf lines go to the options as any other.
 * `path` is for messages; unknown sections are added to *warnings (a malloc'ed text, may be NULL).
 */
bool config_parse(struct options *o, const char *path, const char *text, size_t len,
                  char **warnings, char **error);

/*
 * Reads the configuration file (-conf, or mite.conf or bitcoin.conf in `datadir`) and what it
 * includes, and chooses the network on the way, because sections depend on it. *path gets the
 * file's name, NULL where none was read. False: *error.
 */
bool config_read(struct options *o, const char *datadir, char **path, char **warnings,
                 char **error);

/* settings.json: what the node itself remembers between runs. */
struct settings;
/* NULL: *error. A file that is not there is written. `path` NULL: nothing is read or kept. */
struct settings *settings_open(const char *path, struct options *o, char **error);
void settings_close(struct settings *s);
/* Puts a wallet on the list of those loaded at start, or takes it off. */
bool settings_autoload(struct settings *s, const char *wallet, bool on);

#endif
