/*
 * The wallets of a node: paths, creating, loading, unloading, and handing events to each.
 *
 * A wallet's name is its path below the wallet directory (or absolute); its file is wallet.dat in
 * that folder, or, as in old days, a file with the very name.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/time.h"
#include "wallet/inside.h"

#define DIR_DEPTH_MAX 16
#define IDLE_SLICE    100 /* positions derived in one slice: a few milliseconds */

struct wallets *wallets_create(const struct wallets_options *o, char **error)
{
    struct wallets *ws = xcalloc(1, sizeof(*ws));

    if (!make_dirs(o->dir)) {
        *error = xasprintf("Cannot create the wallet directory %s: %s", o->dir, strerror(errno));
        free(ws);
        return NULL;
    }
    ws->o = *o;
    if (ws->o.keypool == 0)
        ws->o.keypool = 1;
    ws->dir = xstrdup(o->dir);
    ws->o.dir = ws->dir;
    return ws;
}

static void wallet_free(struct wallet *w)
{
    wallet_lock(w);
    wallet_ledger_clear(w);
    wallet_book_clear(w);
    for (size_t i = 0; i < w->n_descs; i++)
        wallet_descriptor_free(w->descs[i]);
    for (size_t i = 0; i < w->n_mkeys; i++)
        buf_clear(&w->mkeys[i].other);
    free(w->descs);
    free(w->mkeys);
    free(w->locked);
    free(w->name);
    free(w->file);
    free(w);
}

static struct wallet *wallet_new(struct wallets *ws, const char *name, const char *file)
{
    struct wallet *w = xcalloc(1, sizeof(*w));

    w->set = ws;
    w->name = xstrdup(name);
    w->file = xstrdup(file);
    w->last_height = -1;
    TABLE_INIT(&w->scripts, struct wallet_entry, id);
    TABLE_INIT(&w->txs, struct wtx, txid);
    TABLE_INIT(&w->spends, struct spends, out);
    table_init(&w->own_index, 0, sizeof(struct outpoint));
    return w;
}

/* Opened but not wanted after all. */
static void wallet_discard(struct wallet *w)
{
    wallet_db_abandon(w->db);
    wallet_free(w);
}

void wallet_unload(struct wallet *w)
{
    struct wallets *ws = w->set;
    size_t i = 0;

    while (ws->list[i] != w)
        i++;
    memmove(ws->list + i, ws->list + i + 1, (ws->n - i - 1) * sizeof(*ws->list));
    ws->n--;
    if (!wallet_db_close(w->db))
        log_error("[%s] the wallet file could not be written at closing", w->name);
    wallet_free(w);
}

void wallets_destroy(struct wallets *ws)
{
    if (!ws)
        return;
    while (ws->n)
        wallet_unload(ws->list[ws->n - 1]);
    free(ws->list);
    free(ws->dir);
    free(ws);
}

static void add_wallet(struct wallets *ws, struct wallet *w)
{
    ws->list = array_reserve(ws->list, &ws->cap, ws->n + 1, sizeof(*ws->list));
    ws->list[ws->n++] = w;
}

struct wallet *wallets_find(struct wallets *ws, const char *name)
{
    for (size_t i = 0; i < ws->n; i++)
        if (strcmp(ws->list[i]->name, name) == 0)
            return ws->list[i];
    return NULL;
}

struct wallet *wallets_at(struct wallets *ws, size_t i)
{
    return i < ws->n ? ws->list[i] : NULL;
}

size_t wallets_count(const struct wallets *ws)
{
    return ws->n;
}

const struct wallets_options *wallets_opts(const struct wallets *ws)
{
    return &ws->o;
}

/* ---- small facts of one wallet ---- */

const char *wallet_name(const struct wallet *w)
{
    return w->name;
}

uint64_t wallet_flags(const struct wallet *w)
{
    return w->flags;
}

bool wallet_set_flags(struct wallet *w, uint64_t set, uint64_t clear)
{
    w->flags = (w->flags | set) & ~clear;
    wallet_put_flags(w);
    return wallet_commit(w);
}

const struct network *wallet_network(const struct wallet *w)
{
    return w->set->o.net;
}

struct wallets *wallet_set(const struct wallet *w)
{
    return w->set;
}

int64_t wallet_birth_time(const struct wallet *w)
{
    int64_t birth = INT64_MAX;

    for (size_t i = 0; i < w->n_descs; i++)
        if (w->descs[i]->created < birth)
            birth = w->descs[i]->created;
    /* A key may turn out to be older than was said. */
    for (size_t i = 0; i < w->n_txs; i++)
        if (wtx_time(w->ordered[i]) < birth)
            birth = wtx_time(w->ordered[i]);
    return birth;
}

int32_t wallet_last_height(const struct wallet *w)
{
    return w->last_height;
}

const struct block_hash *wallet_last_block(const struct wallet *w)
{
    return &w->last_block;
}

bool wallet_save(struct wallet *w)
{
    return wallet_commit(w);
}

bool wallet_remember(struct wallet *w, bool load)
{
    return w->set->o.remember && w->set->o.remember(w->set->o.remember_arg, w->name, load);
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool wallet_backup(struct wallet *w, const char *path, char **error)
{
    bool ok = !path_is_dir(path) && !same_file(path, w->file) && wallet_commit(w);

    if (ok && path_exists(path))
        ok = unlink(path) == 0;
    if (ok && wallet_db_backup(w->db, path))
        return true;
    *error = xstrdup("Error: Wallet backup failed!");
    return false;
}

/* ---- paths ---- */

/* As std::filesystem normalises: no double slash, no part "." (but alone), and ".." only at the
 * beginning, which a trailing slash may not follow directly. */
static bool is_normal(const char *name)
{
    const char *p = name + (name[0] == '/');
    bool leading = name[0] != '/'; /* only ".." so far */

    if (strcmp(name, ".") == 0 || !*p)
        return true;
    for (;;) {
        size_t n = strcspn(p, "/");
        bool up = n == 2 && p[0] == '.' && p[1] == '.';
        if (n == 0 || (n == 1 && p[0] == '.') || (up && !leading))
            return false;
        leading = leading && up;
        if (!p[n])
            return true;
        p += n + 1;
        if (!*p)
            return !leading;
    }
}

static bool bad_path(char **error, const char *text)
{
    *error = xstrdup(text);
    return false;
}

/* The folder (or old file) of a name; caller frees *path. */
static bool wallet_path(const struct wallets *ws, const char *name, char **path, char **error)
{
    static const char relative[] =
        "Wallet name given as a relative path cannot begin with ./ or ../, for wallets not in the "
        "walletdir, please use an absolute path.";
    struct stat st;

    if (!is_normal(name))
        return bad_path(error, "Wallet name given as a path must be normalized");
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || starts_with(name, "../"))
        return bad_path(error, relative);
    if (strcmp(name, "/") == 0)
        return bad_path(error, "Wallet name cannot be the root path");
    *path = *name ? path_join(ws->dir, name) : xstrdup(ws->dir);
    if (stat(*path, &st) != 0 || S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && !strchr(name, '/')))
        return true;
    *error =
        xasprintf("Invalid -wallet path '%s'. -wallet path should point to a directory where "
                  "wallet.dat and database/log.?????????? files can be stored, a location where "
                  "such a directory could be created, or (for backwards compatibility) the name "
                  "of an existing data file in -walletdir (\"%s\")",
                  name, ws->dir);
    free(*path);
    *path = NULL;
    return false;
}

static char *data_file(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return xstrdup(path);
    return path_join(path, "wallet.dat");
}

static void list_dir(char ***names, size_t *n, size_t *cap, const char *dir, const char *prefix,
                     unsigned depth)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    char *file = path_join(dir, "wallet.dat");

    if (wallet_db_is_sqlite(file)) {
        *names = array_reserve(*names, cap, *n + 1, sizeof(**names));
        (*names)[(*n)++] = xstrdup(prefix);
    }
    free(file);
    while (d && depth < DIR_DEPTH_MAX && (entry = readdir(d))) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *path = path_join(dir, entry->d_name);
        /* Links to folders are wallets themselves but are not gone into. */
        bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
        if (path_is_dir(path)) {
            char *name = *prefix ? path_join(prefix, entry->d_name) : xstrdup(entry->d_name);
            list_dir(names, n, cap, path, name, link ? DIR_DEPTH_MAX : depth + 1);
            free(name);
        }
        free(path);
    }
    if (d)
        closedir(d);
}

char **wallets_list_dir(struct wallets *ws, size_t *n)
{
    char **names = NULL;
    size_t cap = 0;

    *n = 0;
    list_dir(&names, n, &cap, ws->dir, "", 0);
    return names;
}

/* ---- creating ---- */

static enum wallet_status failed(enum wallet_status status, char **error, const char *prefix,
                                 char *why)
{
    *error = xasprintf("%s %s", prefix, why);
    free(why);
    return status;
}

static bool fill_new(struct wallet *w, const struct wallet_create *c, char **error)
{
    const struct wallet_node *node = w->set->o.node;

    w->flags = WALLET_FLAG_DESCRIPTORS | WALLET_FLAG_LAST_HARDENED_CACHED;
    if (c->disable_private_keys)
        w->flags |= WALLET_FLAG_DISABLE_PRIVATE_KEYS;
    if (c->blank)
        w->flags |= WALLET_FLAG_BLANK;
    if (c->avoid_reuse)
        w->flags |= WALLET_FLAG_AVOID_REUSE;
    wallet_put_version(w);
    wallet_put_flags(w);
    w->last_height = node->height(node->arg);
    if (!node->block_hash(node->arg, w->last_height, &w->last_block))
        w->last_height = -1;
    wallet_put_best_block(w);
    /* With a passphrase keys are made only when they can be sealed: none is ever written in plain.
     */
    if (c->passphrase.len)
        return wallet_encrypt(w, c->passphrase, error);
    if (!c->blank && !c->disable_private_keys && !wallet_setup_descriptors(w)) {
        *error = xstrdup("Error: Unable to make keys");
        return false;
    }
    if (wallet_db_commit(w->db))
        return true;
    *error = xasprintf("Error creating %s: %s", w->file, wallet_db_error(w->db));
    return false;
}

static bool create_file(struct wallet *w, const char *dir, char **error)
{
    if (!make_dirs(dir)) {
        *error = xasprintf("SQLiteDatabase: Failed to open database in directory '%s': %s", dir,
                           strerror(errno));
        return false;
    }
    w->db = wallet_db_open(w->file, true, w->set->o.net->magic, error);
    return w->db != NULL;
}

static enum wallet_status check_new(struct wallets *ws, const struct wallet_create *c, char **path,
                                    char **error)
{
    static const char verify[] = "Wallet file verification failed.";
    char *why = NULL;

    if (!*c->name) {
        *error = xstrdup("Wallet name cannot be empty");
        return WALLET_NAME_EMPTY;
    }
    if (c->disable_private_keys && c->passphrase.len) {
        *error =
            xstrdup("Passphrase provided but private keys are disabled. A passphrase is only used "
                    "to encrypt private keys, so cannot be used for wallets with private keys "
                    "disabled.");
        return WALLET_FAILED;
    }
    if (!wallet_path(ws, c->name, path, &why))
        return failed(WALLET_FAILED, error, verify, why);
    char *file = data_file(*path);
    bool exists = path_exists(file);
    free(file);
    if (!exists)
        return WALLET_OK;
    enum wallet_status status =
        failed(WALLET_FAILED, error, verify,
               xasprintf("Failed to create database path '%s'. Database already exists.", *path));
    free(*path);
    return status;
}

enum wallet_status wallet_create(struct wallets *ws, const struct wallet_create *c,
                                 struct wallet **out, char **error, char **warning)
{
    char *path, *why = NULL;
    enum wallet_status status = check_new(ws, c, &path, error);

    *warning = NULL;
    if (status != WALLET_OK)
        return status;
    char *file = data_file(path);
    struct wallet *w = wallet_new(ws, c->name, file);
    if (!create_file(w, path, &why)) {
        status = failed(WALLET_FAILED, error, "Wallet file verification failed.", why);
        wallet_discard(w);
    } else if (!fill_new(w, c, &why)) {
        status = failed(WALLET_FAILED, error, "Wallet creation failed.", why);
        wallet_discard(w);
        unlink(file);
    } else {
        add_wallet(ws, w);
        *out = w;
        log_info("[%s] wallet created", w->name);
    }
    free(file);
    free(path);
    return status;
}

/* ---- loading ---- */

static enum wallet_status find_file(struct wallets *ws, const char *name, char **file, char **error)
{
    char *path = NULL, *why = NULL;
    enum wallet_status status = WALLET_OK;

    if (!wallet_path(ws, name, &path, &why)) {
        *error = why;
        return WALLET_FAILED;
    }
    *file = data_file(path);
    if (!path_exists(path)) {
        status = WALLET_NOT_FOUND;
        *error = xasprintf("Failed to load database path '%s'. Path does not exist.", path);
    } else if (!wallet_db_is_sqlite(*file)) {
        status = WALLET_NOT_FOUND;
        *error =
            xasprintf("Failed to load database path '%s'. Data is not in recognized format.", path);
    }
    free(path);
    return status;
}

static bool open_existing(struct wallet *w, char **error, char **warning)
{
    w->db = wallet_db_open(w->file, false, w->set->o.net->magic, error);
    if (!w->db)
        return false;
    if (!wallet_load_records(w, error, warning))
        return false;
    wallet_put_version(w);
    if (w->flags & WALLET_FLAG_DISABLE_PRIVATE_KEYS)
        for (size_t i = 0; i < w->n_descs && !*warning; i++)
            if (w->descs[i]->has_private)
                *warning = xasprintf("Warning: Private keys detected in wallet {%s} with disabled "
                                     "private keys",
                                     w->file);
    wallet_keypool_refill(w, 0);
    return wallet_catch_up(w, error);
}

enum wallet_status wallet_load(struct wallets *ws, const char *name, struct wallet **out,
                               char **error, char **warning)
{
    char *file = NULL, *why = NULL;
    int64_t start = time_mono_us();

    *warning = NULL;
    if (wallets_find(ws, name)) {
        *error = xasprintf("Wallet \"%s\" is already loaded.", name);
        return WALLET_LOADED;
    }
    enum wallet_status status = find_file(ws, name, &file, &why);
    if (status != WALLET_OK) {
        free(file);
        return failed(status, error, "Wallet file verification failed.", why);
    }
    struct wallet *w = wallet_new(ws, name, file);
    free(file);
    if (!open_existing(w, &why, warning)) {
        const char *prefix = w->db ? "Wallet loading failed." : "Wallet file verification failed.";
        status = failed(WALLET_FAILED, error, prefix, why);
        wallet_discard(w);
        return status;
    }
    add_wallet(ws, w);
    wallet_resubmit(w, false);
    *out = w;
    log_info("[%s] wallet loaded in %lld ms: %zu descriptors, %zu transactions", w->name,
             (long long)((time_mono_us() - start) / 1000), w->n_descs, w->n_txs);
    return WALLET_OK;
}

static bool copy_file(const char *from, const char *to)
{
    struct buf b = BUF_INIT;
    bool ok = file_read(from, &b, (size_t)4 << 30) && file_replace(to, b.data, b.len);

    wipe(b.data, b.len);
    buf_clear(&b);
    return ok;
}

enum wallet_status wallet_restore(struct wallets *ws, const char *name, const char *backup,
                                  struct wallet **out, char **error, char **warning)
{
    char *path = NULL;
    enum wallet_status status = WALLET_NAME_EMPTY;

    *warning = NULL;
    if (!*name) {
        *error = xstrdup("Wallet name cannot be empty");
        return status;
    }
    if (!path_exists(backup)) {
        *error = xstrdup("Backup file does not exist");
        return status;
    }
    if (!wallet_path(ws, name, &path, error))
        return WALLET_FAILED;
    char *file = path_join(path, "wallet.dat");
    bool had_dir = path_exists(path);
    if (had_dir && !path_is_dir(path)) {
        status = WALLET_EXISTS;
        *error = xasprintf("Failed to restore wallet. Database file exists '%s'.", path);
    } else if (path_exists(file)) {
        status = WALLET_EXISTS;
        *error = xasprintf("Failed to restore wallet. Database file exists in '%s'.", file);
    } else if (!make_dirs(path) || !copy_file(backup, file)) {
        status = WALLET_FAILED;
        *error = xasprintf("Failed to restore database path '%s'.", path);
    } else {
        status = wallet_load(ws, name, out, error, warning);
        if (status != WALLET_OK) {
            unlink(file);
            if (!had_dir)
                rmdir(path);
        }
    }
    free(file);
    free(path);
    return status;
}

/* ---- events ---- */

void wallets_block_connected(struct wallets *ws, const struct block *b, int32_t height)
{
    for (size_t i = 0; i < ws->n; i++)
        wallet_block_connected(ws->list[i], b, height);
}

void wallets_block_disconnected(struct wallets *ws, const struct block *b, int32_t height)
{
    for (size_t i = 0; i < ws->n; i++)
        wallet_block_disconnected(ws->list[i], b, height);
}

void wallets_tx_added(struct wallets *ws, const struct tx *tx)
{
    for (size_t i = 0; i < ws->n; i++)
        wallet_tx_added_to_mempool(ws->list[i], tx);
}

void wallets_tx_removed(struct wallets *ws, const struct tx *tx, bool conflict)
{
    for (size_t i = 0; i < ws->n; i++)
        wallet_tx_left_mempool(ws->list[i], tx, conflict);
}

void wallets_tick(struct wallets *ws)
{
    for (size_t i = 0; i < ws->n; i++) {
        struct wallet *w = ws->list[i];
        if (w->relock_time && time_now() >= w->relock_time)
            wallet_lock(w);
        wallet_rebroadcast(w);
        wallet_commit(w);
    }
}

bool wallets_idle(struct wallets *ws)
{
    for (size_t i = 0; i < ws->n; i++)
        if (wallet_fill_some(ws->list[i], IDLE_SLICE))
            return true;
    return false;
}
