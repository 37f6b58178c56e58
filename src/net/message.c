/* Names of the messages, in one list with their numbers. */
#include "net/message.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define X(name) #name,
    MESSAGES(X)
#undef X
};

const char *message_name(enum message_id id)
{
    return id < MESSAGE_COUNT ? names[id] : "*other*";
}

enum message_id message_find(const char *name)
{
    for (int i = 0; i < MESSAGE_COUNT; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return MESSAGE_COUNT;
}

void message_free(struct message *m)
{
    if (m)
        free(m->data);
    free(m);
}
