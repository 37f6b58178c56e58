/* One line on standard error, rewritten in place, that says how far the node is. */
#ifndef MITE_CLI_PROGRESS_H
#define MITE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

struct progress {
    bool shown;
    int64_t first_us, first_height;
    double first_part;
};

/* From an answer to getblockchaininfo; says nothing where the node is at its tip. */
void progress_update(struct progress *p, struct json_object *reply);
/* Takes the line away. */
void progress_end(struct progress *p);
/* "4 min 10 s"; out holds 32. */
char *progress_duration(char out[32], int64_t seconds);

#endif
