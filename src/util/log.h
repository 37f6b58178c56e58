/*
 * The log: debug.log and the console, with categories. May be called from any thread; the one lock
 * inside is private to log.c. No secret is ever an argument.
 */
#ifndef MITE_UTIL_LOG_H
#define MITE_UTIL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/check.h"

/* X(name): the categories of -debug=<category>, spelled as Bitcoin Core spells them. */
/* clang-format off */
#define LOG_CATEGORIES(X) \
    X(net) X(tor) X(mempool) X(http) X(bench) X(zmq) X(walletdb) X(rpc) X(estimatefee) X(addrman) \
    X(selectcoins) X(reindex) X(cmpctblock) X(rand) X(prune) X(proxy) X(mempoolrej) X(libevent) \
    X(coindb) X(qt) X(leveldb) X(validation) X(i2p) X(ipc) X(lock) X(blockstorage) \
    X(txreconciliation) X(scan) X(txpackages) X(kernel) X(privatebroadcast) X(mining)
/* clang-format on */

enum log_category {
#define X(name) LOG_##name,
    LOG_CATEGORIES(X)
#undef X
        LOG_CATEGORY_COUNT
};

enum log_level {
    LOG_LEVEL_TRACE,
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR
};

struct log_options {
    const char *file;      /* NULL: none */
    bool console;          /* also to stdout */
    bool timestamps;       /* on by default */
    bool time_micros;      /* -logtimemicros */
    bool thread_names;     /* -logthreadnames */
    bool source_locations; /* -logsourcelocations */
    bool level_always;     /* -loglevelalways */
    bool rate_limit;       /* -logratelimit, on by default: at most 1 MiB an hour from one place */
};

/* Opens the file for appending; lines written before are kept in memory and come first.
 * Returns false with errno where it cannot be opened. */
bool log_open(const struct log_options *opts) MUST_USE;
void log_close(void);
/* Closes and opens the file again (SIGHUP). */
void log_reopen(void);
/* Cuts a file above 11 MB down to its last 10 MB (-shrinkdebugfile); before log_open(). */
bool log_shrink(const char *file) MUST_USE;
/* "net", "all", "1", "none", "0"...: false for a name that is none. */
bool log_enable(const char *category, bool on) MUST_USE;
/* "trace", "debug" or "info", which is what users may set; false for anything else. */
bool log_level_parse(const char *name, enum log_level *out) MUST_USE;
/* The level of all categories that have none of their own; debug at first. At most info. */
void log_set_level(enum log_level level);
bool log_set_category_level(const char *category, enum log_level level) MUST_USE;
/* Whether log_debug(), or log_trace(), writes lines of that category. */
bool log_enabled(enum log_category category);
bool log_trace_enabled(enum log_category category);
/* Whether -debug or the logging RPC turned it on, at whatever level. */
bool log_category_active(enum log_category category);
const char *log_category_name(enum log_category category);

/* Unconditional lines. */
#define log_info(...)    log_write(LOG_LEVEL_INFO, -1, __FILE__, __LINE__, __func__, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, -1, __FILE__, __LINE__, __func__, __VA_ARGS__)
#define log_error(...)   log_write(LOG_LEVEL_ERROR, -1, __FILE__, __LINE__, __func__, __VA_ARGS__)
/* Lines of a category: LOG_net and so on. Arguments are evaluated only where it is on. */
#define log_debug(category, ...)                                                                  \
    (log_enabled(category)                                                                        \
         ? log_write(LOG_LEVEL_DEBUG, (int)(category), __FILE__, __LINE__, __func__, __VA_ARGS__) \
         : (void)0)
#define log_trace(category, ...)                                                                  \
    (log_trace_enabled(category)                                                                  \
         ? log_write(LOG_LEVEL_TRACE, (int)(category), __FILE__, __LINE__, __func__, __VA_ARGS__) \
         : (void)0)
void log_write(enum log_level level, int category, const char *file, int line, const char *func,
               const char *fmt, ...) PRINTF(6, 7);

#endif
