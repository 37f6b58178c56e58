/* From options to a client: which node, and who asks. */
#ifndef MITE_CLI_SETUP_H
#define MITE_CLI_SETUP_H

#include "cli/client.h"
#include "node/options.h"

struct setup {
    struct options *options;
    char *datadir, *conf_path;
    const struct network *net;
    char *host, *credentials, *refusal;
    uint16_t port;
};

/* Reads the configuration file and chooses the network. False: *error (caller frees). */
bool setup_config(struct setup *s, char **error);
/* Host and port out of -rpcconnect, -rpcport and the network's default. */
bool setup_address(struct setup *s, char **error);
/* Password or cookie. None is no error yet: the node may not be there, or say what it thinks. To
 * be called again for every try of -rpcwait, since each start of a node has a new cookie. */
void setup_credentials(struct setup *s, const char *stdin_password);
void setup_clear(struct setup *s);

#endif
