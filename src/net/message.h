/* Messages: their names and limits, and one as it came from a peer. */
#ifndef MITE_NET_MESSAGE_H
#define MITE_NET_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_VERSION          70017
#define MIN_PEER_PROTOCOL_VERSION 31800
#define VERSION_SENDHEADERS       70012 /* BIP130 */
#define VERSION_FEEFILTER         70013 /* BIP133 */
#define VERSION_COMPACT_BLOCKS    70014 /* BIP152 */
#define VERSION_WTXID_RELAY       70016 /* BIP339, and BIP155 */
#define VERSION_FEATURE           70017 /* BIP434 */

#define MAX_MESSAGE_SIZE 4000000u
#define MAX_INV          50000u
#define MAX_GETDATA      1000u /* what we ask for at once */
#define MAX_HEADERS      2000u
#define MAX_LOCATOR      101u
#define MAX_ADDR         1000u

/* X(name): all that Bitcoin Core 31.99 knows. */
/* clang-format off */
#define MESSAGES(X) \
    X(version) X(verack) X(addr) X(addrv2) X(sendaddrv2) X(inv) X(getdata) X(merkleblock) \
    X(getblocks) X(getheaders) X(tx) X(headers) X(block) X(getaddr) X(mempool) X(ping) X(pong) \
    X(notfound) X(filterload) X(filteradd) X(filterclear) X(sendheaders) X(feefilter) \
    X(sendcmpct) X(cmpctblock) X(getblocktxn) X(blocktxn) X(getcfilters) X(cfilter) \
    X(getcfheaders) X(cfheaders) X(getcfcheckpt) X(cfcheckpt) X(wtxidrelay) X(sendtxrcncl) \
    X(feature)
/* clang-format on */

enum message_id {
#define X(name) M_##name,
    MESSAGES(X)
#undef X
        MESSAGE_COUNT, /* also the place of all other names in statistics */
};

const char *message_name(enum message_id id); /* MESSAGE_COUNT: "*other*" */
/* MESSAGE_COUNT for an unknown name. */
enum message_id message_find(const char *name);

/* A received message, in the queue of its peer. */
struct message {
    struct message *next;
    enum message_id id;
    char name[13];
    bool rejected; /* damaged (checksum, name): counted and dropped */
    uint8_t *data; /* malloc'ed */
    size_t len;
    size_t wire_size; /* with what the transport adds */
    int64_t time_us;  /* time_now_us() when its last byte came */
};
void message_free(struct message *m);

/* Types in inv, getdata, notfound. */
enum inv_type {
    INV_TX = 1,
    INV_BLOCK = 2,
    INV_FILTERED_BLOCK = 3,
    INV_CMPCT_BLOCK = 4,
    INV_WTX = 5,
    INV_WITNESS_TX = INV_TX | 1 << 30,
    INV_WITNESS_BLOCK = INV_BLOCK | 1 << 30
};
struct inv {
    uint32_t type;
    uint8_t hash[32];
};

#endif
