/*
 * The log: lines to debug.log and the console, in the form of Bitcoin Core's debug.log, which
 * people and tools read: "2026-11-22T08:48:14Z [net] message".
 *
 * A line is formatted by its caller's thread and leaves in one write() to a file opened for
 * appending, so nothing is lost when the process dies and lines of several threads do not mix. One
 * lock guards the destinations. What is logged before log_open() (options are still being read,
 * the data directory is not known) is kept, at most 1 MB of it, and written first, with its own
 * time. Control characters are escaped: what a peer calls itself must not forge lines or
 * steer a terminal. A failed write is not reported anywhere: there is no place left to report it,
 * and a full disk is noticed by those who write what matters.
 *
 * Whether a category is on is one atomic load, so disabled debug lines cost nothing. Unconditional
 * lines of one place in the code are limited to 1 MB an hour (see struct place): no peer can
 * fill the disk by making us say something over and over.
 */
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/bytes.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/time.h"

enum {
    EARLY_MAX = 1000000,         /* bytes kept before log_open() */
    SHRINK_ABOVE = 11 * 1000000, /* log_shrink() leaves smaller files alone */
    SHRINK_TO = 10 * 1000000,
    PLACES = 1024,
    LIMIT_BYTES = 1 << 20, /* an hour and place */
};
#define LIMIT_WINDOW_US INT64_C(3600000000)

struct entry {
    int64_t time_us, mock; /* mock: 0 where none is set */
    enum log_level level;
    int category; /* -1: none */
    const char *file, *func;
    int line;
    char thread[16];
};
struct early {
    struct early *next;
    struct entry entry;
    char text[];
};
/* What one place in the code (by file and line) has written in the current hour. */
struct place {
    const char *file;
    int line;
    uint64_t bytes, dropped;
};

static const char *const category_names[LOG_CATEGORY_COUNT] = {
#define X(name) #name,
    LOG_CATEGORIES(X)
#undef X
};
static const char *const level_names[] = {"trace", "debug", "info", "warning", "error"};

static _Atomic uint64_t debug_mask, trace_mask; /* categories that are on, to that level */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* All below is guarded by lock. */
static enum { STATE_EARLY, STATE_OPEN, STATE_CLOSED } state;
static struct log_options options;
static char *path;
static int fd = -1;
static struct early *early_first, **early_last = &early_first;
static size_t early_bytes, early_lost;
static uint64_t active; /* categories */
static enum log_level level = LOG_LEVEL_DEBUG;
static int category_level[LOG_CATEGORY_COUNT]; /* level + 1; 0: the general one */
static struct place places[PLACES];
static int64_t places_since_us;

/* ---- categories ---- */

static void update_masks(void)
{
    uint64_t debug = 0, trace = 0;
    for (int i = 0; i < LOG_CATEGORY_COUNT; i++) {
        int at = category_level[i] ? category_level[i] - 1 : (int)level;
        if (at <= LOG_LEVEL_DEBUG)
            debug |= active & UINT64_C(1) << i;
        if (at <= LOG_LEVEL_TRACE)
            trace |= active & UINT64_C(1) << i;
    }
    atomic_store_explicit(&debug_mask, debug, memory_order_relaxed);
    atomic_store_explicit(&trace_mask, trace, memory_order_relaxed);
}

static int find_category(const char *name)
{
    for (int i = 0; i < LOG_CATEGORY_COUNT; i++) {
        if (strcmp(name, category_names[i]) == 0)
            return i;
    }
    return -1;
}

/* The bits that a name stands for; false where it is no name. */
static bool category_bits(const char *name, uint64_t *bits)
{
    if (strcmp(name, "") == 0 || strcmp(name, "1") == 0 || strcmp(name, "all") == 0) {
        *bits = (UINT64_C(1) << LOG_CATEGORY_COUNT) - 1;
        return true;
    }
    int i = find_category(name);
    if (i < 0)
        return false;
    *bits = UINT64_C(1) << i;
    return true;
}

bool log_enable(const char *category, bool on)
{
    uint64_t bits;
    bool none = strcmp(category, "none") == 0 || strcmp(category, "0") == 0;
    if (none)
        category_bits("all", &bits);
    else if (!category_bits(category, &bits))
        return false;
    pthread_mutex_lock(&lock);
    if (on && !none)
        active |= bits;
    else
        active &= ~bits;
    update_masks();
    pthread_mutex_unlock(&lock);
    return true;
}

bool log_level_parse(const char *name, enum log_level *out)
{
    for (int i = 0; i <= LOG_LEVEL_INFO; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_level(enum log_level new_level)
{
    CHECK(new_level <= LOG_LEVEL_INFO);
    pthread_mutex_lock(&lock);
    level = new_level;
    update_masks();
    pthread_mutex_unlock(&lock);
}

bool log_set_category_level(const char *category, enum log_level new_level)
{
    CHECK(new_level <= LOG_LEVEL_INFO);
    int i = find_category(category);
    if (i < 0)
        return false;
    pthread_mutex_lock(&lock);
    category_level[i] = (int)new_level + 1;
    update_masks();
    pthread_mutex_unlock(&lock);
    return true;
}

bool log_enabled(enum log_category category)
{
    return atomic_load_explicit(&debug_mask, memory_order_relaxed) >> category & 1;
}

bool log_trace_enabled(enum log_category category)
{
    return atomic_load_explicit(&trace_mask, memory_order_relaxed) >> category & 1;
}

bool log_category_active(enum log_category category)
{
    pthread_mutex_lock(&lock);
    bool on = active >> category & 1;
    pthread_mutex_unlock(&lock);
    return on;
}

const char *log_category_name(enum log_category category)
{
    CHECK(category < LOG_CATEGORY_COUNT);
    return category_names[category];
}

/* ---- lines ---- */

static void write_time(struct buf *b, const struct entry *e)
{
    char text[32];
    time_iso8601(text, e->time_us / 1000000);
    if (options.time_micros)
        write_printf(b, "%.*s.%06dZ ", (int)strlen(text) - 1, text, (int)(e->time_us % 1000000));
    else
        write_printf(b, "%s ", text);
    if (e->mock)
        write_printf(b, "(mocktime: %s) ", time_iso8601(text, e->mock));
}

/* "[net] ", "[net:trace] ", "[warning] " or nothing. Info without, debug with a category go unsaid.
 */
static void write_level(struct buf *b, const struct entry *e)
{
    bool has_category = e->category >= 0 || options.level_always;
    if (!has_category && e->level == LOG_LEVEL_INFO)
        return;
    const char *name = e->category >= 0 ? category_names[e->category] : "all";
    bool has_level = options.level_always || !has_category || e->level != LOG_LEVEL_DEBUG;
    write_printf(b, "[%s%s%s] ", has_category ? name : "", has_category && has_level ? ":" : "",
                 has_level ? level_names[e->level] : "");
}

static void write_escaped(struct buf *b, const char *text)
{
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if ((c >= 0x20 && c != 0x7f) || c == '\n')
            write_u8(b, c);
        else
            write_printf(b, "\\x%02x", c);
    }
}

static void format_line(struct buf *b, const struct entry *e, const char *text)
{
    if (options.timestamps)
        write_time(b, e);
    if (options.thread_names)
        write_printf(b, "[%s] ", e->thread);
    if (options.source_locations) {
        const char *src = strstr(e->file, "src/");
        write_printf(b, "[%s:%d] [%s] ", src ? src + 4 : e->file, e->line, e->func);
    }
    write_level(b, e);
    write_escaped(b, text);
    if (b->len == 0 || b->data[b->len - 1] != '\n')
        write_u8(b, '\n');
}

static void write_fd(int to, const struct buf *b)
{
    for (size_t done = 0; done < b->len;) {
        ssize_t n = write(to, b->data + done, b->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

static void emit(const struct entry *e, const char *text)
{
    struct buf b = BUF_INIT;
    format_line(&b, e, text);
    if (fd >= 0)
        write_fd(fd, &b);
    if (options.console)
        write_fd(STDOUT_FILENO, &b);
    buf_clear(&b);
}

static void keep_early(const struct entry *e, const char *text)
{
    size_t len = strlen(text);
    if (early_bytes + sizeof(struct early) + len > EARLY_MAX) {
        early_lost++;
        return;
    }
    struct early *line = xmalloc(sizeof(*line) + len + 1);
    line->next = NULL;
    line->entry = *e;
    memcpy(line->text, text, len + 1);
    *early_last = line;
    early_last = &line->next;
    early_bytes += sizeof(*line) + len;
}

/* Writes the early lines where there is a place for them, and drops them. */
static void flush_early(bool write)
{
    while (early_first) {
        struct early *line = early_first;
        early_first = line->next;
        if (write)
            emit(&line->entry, line->text);
        free(line);
    }
    early_last = &early_first;
    early_bytes = early_lost = 0;
}

/* Whether a line from this place may be written: places share a slot only where hashes collide,
 * and then the newcomer takes it, so a collision loosens the limit and never silences. */
static bool within_limit(const struct entry *e, size_t len, uint64_t *was_dropped)
{
    if (e->time_us - places_since_us >= LIMIT_WINDOW_US || e->time_us < places_since_us) {
        places_since_us = e->time_us;
        for (int i = 0; i < PLACES; i++)
            places[i].bytes = 0;
    }
    struct place *p = &places[((uintptr_t)e->file / 8 + (unsigned)e->line * 31) % PLACES];
    if (p->file != e->file || p->line != e->line)
        *p = (struct place){e->file, e->line, 0, 0};
    bool fits = p->bytes + len <= LIMIT_BYTES;
    p->bytes += len;
    *was_dropped = fits ? p->dropped : 0;
    p->dropped = fits ? 0 : p->dropped + 1;
    return fits;
}

static void write_limited(const struct entry *e, const char *text)
{
    uint64_t dropped = 0;
    if (e->category < 0 && options.rate_limit && !within_limit(e, strlen(text), &dropped))
        return;
    if (dropped) {
        char note[160];
        snprintf(note, sizeof(note),
                 "%llu lines from %s:%d were left out: more than 1 MiB in an hour",
                 (unsigned long long)dropped, e->file, e->line);
        struct entry warning = *e;
        warning.level = LOG_LEVEL_WARNING;
        emit(&warning, note);
    }
    emit(e, text);
}

void log_write(enum log_level line_level, int category, const char *file, int line,
               const char *func, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list ap;
    va_start(ap, fmt);
    char *text = xvasprintf(fmt, ap);
    va_end(ap);
    struct entry e = {.time_us = time_system_us(),
                      .mock = time_get_mock(),
                      .level = line_level,
                      .category = category,
                      .file = file,
                      .func = func,
                      .line = line};
    if (pthread_getname_np(pthread_self(), e.thread, sizeof(e.thread)) != 0)
        e.thread[0] = '\0';
    pthread_mutex_lock(&lock);
    switch (state) {
    case STATE_EARLY: keep_early(&e, text); break;
    case STATE_OPEN: write_limited(&e, text); break;
    case STATE_CLOSED: break;
    }
    pthread_mutex_unlock(&lock);
    free(text);
    errno = saved_errno;
}

/* ---- the file ---- */

static int open_file(const char *name)
{
    return open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

bool log_open(const struct log_options *opts)
{
    int new_fd = -1;
    if (opts->file) {
        new_fd = open_file(opts->file);
        if (new_fd < 0)
            return false;
    }
    pthread_mutex_lock(&lock);
    CHECK(state != STATE_OPEN);
    state = STATE_OPEN;
    options = *opts;
    path = opts->file ? xstrdup(opts->file) : NULL;
    options.file = path;
    fd = new_fd;
    size_t lost = early_lost;
    flush_early(true);
    pthread_mutex_unlock(&lock);
    if (lost)
        log_warning("%zu early lines were left out of the log", lost);
    return true;
}

void log_close(void)
{
    pthread_mutex_lock(&lock);
    flush_early(false);
    if (fd >= 0)
        close(fd);
    fd = -1;
    free(path);
    path = NULL;
    options = (struct log_options){0};
    state = STATE_CLOSED;
    pthread_mutex_unlock(&lock);
}

/* Where the new file cannot be opened, the old one goes on. */
void log_reopen(void)
{
    pthread_mutex_lock(&lock);
    int new_fd = path ? open_file(path) : -1;
    if (new_fd >= 0) {
        close(fd);
        fd = new_fd;
    }
    pthread_mutex_unlock(&lock);
}

bool log_shrink(const char *file)
{
    struct stat st;
    if (stat(file, &st) != 0)
        return errno == ENOENT;
    if (!S_ISREG(st.st_mode) || st.st_size <= SHRINK_ABOVE)
        return true;
    int in = open(file, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return false;
    uint8_t *tail = xmalloc(SHRINK_TO);
    bool ok = pread_all(in, tail, SHRINK_TO, (uint64_t)st.st_size - SHRINK_TO);
    close(in);
    ok = ok && file_replace(file, tail, SHRINK_TO);
    free(tail);
    return ok;
}
