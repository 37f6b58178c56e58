/*
 * Authorisation by Basic credentials: a cookie file that only this user can read, -rpcuser and
 * -rpcpassword, and -rpcauth with salted hashes. All are kept as salted HMAC-SHA-256, and all are
 * compared in constant time; which of them failed is not told.
 */
#include "rpc/auth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain/address.h"
#include "crypto/hash.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/str.h"

#define COOKIE_USER "__cookie__"
/* What has to do with passwords is told to the log only. */
#define NOT_STARTED "Unable to start HTTP server. See debug log for details."

struct subnet {
    uint8_t addr[16], mask[16]; /* IPv4 as ::ffff:a.b.c.d */
};
struct user {
    char *name, *salt;
    uint8_t hash[32];
};
struct allowance {
    char *user;
    char **methods; /* one block; the list for this user */
    size_t n;
};
struct rpc_auth {
    struct subnet *subnets;
    size_t n_subnets, cap_subnets;
    struct user *users;
    size_t n_users, cap_users;
    struct allowance *allowances;
    size_t n_allowances, cap_allowances;
    bool restricted; /* who has no allowance may call nothing */
    char *cookie_file;
};

/* ---- addresses ---- */

static bool parse_ip(const char *s, uint8_t out[16], bool *v4)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(out, mapped, 12);
    *v4 = inet_pton(AF_INET, s, out + 12) == 1;
    return *v4 || inet_pton(AF_INET6, s, out) == 1;
}

static void mask_of(uint8_t mask[16], unsigned bits)
{
    for (unsigned i = 0; i<16; i++, bits = bits> 8 ? bits - 8 : 0)
        mask[i] = bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);
}

static bool parse_subnet(const char *text, struct subnet *out)
{
    char *s = xstrdup(text), *bare = s, *slash = strchr(s, '/');
    uint64_t bits = 128;
    bool v4, mask_v4 = false, ok;
    if (slash)
        *slash++ = 0;
    size_t len = strlen(bare);
    if (len > 2 && bare[0] == '[' && bare[len - 1] == ']') { /* IPv6 may stand in brackets */
        bare[len - 1] = 0;
        bare++;
    }
    ok = parse_ip(bare, out->addr, &v4);
    mask_of(out->mask, 128);
    if (ok && slash && parse_u64(slash, &bits)) {
        ok = bits <= (v4 ? 32 : 128);
        mask_of(out->mask, (unsigned)bits + (v4 ? 96 : 0));
    } else if (ok && slash) {
        ok = parse_ip(slash, out->mask, &mask_v4) && mask_v4 == v4;
        memset(out->mask, 0xff, v4 ? 12 : 0);
    }
    free(s);
    return ok;
}

static void add_subnet(struct rpc_auth *a, const struct subnet *s)
{
    a->subnets = array_reserve(a->subnets, &a->cap_subnets, a->n_subnets + 1, sizeof(*a->subnets));
    a->subnets[a->n_subnets++] = *s;
}

bool rpc_auth_address(const struct rpc_auth *a, const struct sockaddr *addr)
{
    uint8_t ip[16] = {[10] = 0xff, [11] = 0xff};
    if (addr->sa_family == AF_INET)
        memcpy(ip + 12, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, 4);
    else if (addr->sa_family == AF_INET6)
        memcpy(ip, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, 16);
    else
        return false;
    for (size_t i = 0; i < a->n_subnets; i++) {
        bool match = true;
        for (int b = 0; b < 16; b++)
            match &= ((ip[b] ^ a->subnets[i].addr[b]) & a->subnets[i].mask[b]) == 0;
        if (match)
            return true;
    }
    return false;
}

static bool read_subnets(struct rpc_auth *a, const struct rpc_server_options *o, char **error)
{
    static const char *const always[] = {"127.0.0.0/8", "::1", NULL};
    const char *const *lists[] = {always, o->allow_ip};
    for (size_t l = 0; l < 2; l++) {
        for (const char *const *ip = lists[l]; ip && *ip; ip++) {
            struct subnet s;
            if (!parse_subnet(*ip, &s)) {
                *error = xasprintf(
                    "Invalid -rpcallowip subnet specification: %s. Valid values are a single IP "
                    "(e.g. 1.2.3.4), a network/netmask (e.g. 1.2.3.4/255.255.255.0), a "
                    "network/CIDR (e.g. 1.2.3.4/24), all ipv4 (0.0.0.0/0), or all ipv6 (::/0).",
                    *ip);
                return false;
            }
            add_subnet(a, &s);
        }
    }
    return true;
}

/* ---- users ---- */

static void add_user(struct rpc_auth *a, const char *name, const char *salt, const uint8_t hash[32])
{
    a->users = array_reserve(a->users, &a->cap_users, a->n_users + 1, sizeof(*a->users));
    struct user *u = &a->users[a->n_users++];
    *u = (struct user){.name = xstrdup(name), .salt = xstrdup(salt)};
    memcpy(u->hash, hash, 32);
}

static void add_password(struct rpc_auth *a, const char *name, const char *password)
{
    uint8_t raw[16], hash[32];
    char salt[33];
    random_bytes(raw, sizeof(raw));
    hex_encode(salt, raw, sizeof(raw));
    hmac_sha256(hash, salt, 32, password, strlen(password));
    add_user(a, name, salt, hash);
}

static bool add_rpcauth(struct rpc_auth *a, const char *text)
{
    char *s = xstrdup(text), *salt = strchr(s, ':');
    char *hash = salt ? strchr(salt, '$') : NULL;
    uint8_t h[32];
    bool ok = hash && !strchr(hash + 1, '$') && !strchr(salt + 1, ':');
    if (ok) {
        *salt++ = 0;
        *hash++ = 0;
        ok = hex_decode(h, 32, hash);
    }
    if (ok)
        add_user(a, s, salt, h);
    free(s);
    return ok;
}

/* Constant time in what is compared; a wrong name costs a hash as well. */
static bool password_matches(const struct user *u, const char *name, const char *password)
{
    uint8_t hash[32], diff = 0;
    hmac_sha256(hash, u->salt, strlen(u->salt), password, strlen(password));
    for (int i = 0; i < 32; i++)
        diff |= hash[i] ^ u->hash[i];
    size_t len = strlen(u->name), given = strlen(name);
    for (size_t i = 0; i < len; i++)
        diff |= (uint8_t)(u->name[i] ^ name[i < given ? i : given]);
    return diff == 0 && len == given;
}

const char *rpc_auth_user(const struct rpc_auth *a, const char *header)
{
    struct buf plain = BUF_INIT;
    const char *found = NULL;
    if (strncmp(header, "Basic ", 6) != 0 || !base64_decode(header + 6, &plain))
        goto out;
    write_u8(&plain, 0);
    char *name = (char *)plain.data, *password = strchr(name, ':');
    if (!password)
        goto out;
    *password++ = 0;
    for (size_t i = 0; i < a->n_users; i++)
        if (password_matches(&a->users[i], name, password))
            found = a->users[i].name;
out:
    if (plain.data)
        wipe(plain.data, plain.len);
    buf_clear(&plain);
    return found;
}

/* ---- the cookie ---- */

static bool write_cookie(struct rpc_auth *a, const struct rpc_server_options *o, char **error)
{
    uint8_t raw[32];
    char password[65];
    random_bytes(raw, sizeof(raw));
    hex_encode(password, raw, sizeof(raw));
    char *tmp = xasprintf("%s.tmp", o->cookie_file);
    char *text = xasprintf("%s:%s", COOKIE_USER, password);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && fchmod(fd, o->cookie_mode) == 0 && pwrite_all(fd, text, strlen(text), 0) &&
              rename(tmp, o->cookie_file) == 0;
    if (!ok) {
        log_error("Unable to write the RPC authentication cookie %s: %s", o->cookie_file,
                  strerror(errno));
        *error = xstrdup(NOT_STARTED);
    }
    if (fd >= 0)
        close(fd);
    if (ok) {
        a->cookie_file = xstrdup(o->cookie_file);
        add_password(a, COOKIE_USER, password);
        log_info("Generated RPC authentication cookie %s", o->cookie_file);
    } else {
        unlink(tmp);
    }
    wipe(text, strlen(text));
    wipe(password, sizeof(password));
    free(text);
    free(tmp);
    return ok;
}

static bool read_users(struct rpc_auth *a, const struct rpc_server_options *o, char **error)
{
    for (const char *const *s = o->auth; s && *s; s++) {
        if (!add_rpcauth(a, *s)) {
            log_error("Invalid -rpcauth argument.");
            *error = xstrdup(NOT_STARTED);
            return false;
        }
    }
    if (o->password && *o->password)
        add_password(a, o->user ? o->user : "", o->password);
    else if (o->cookie_file)
        return write_cookie(a, o, error);
    return true;
}

/* ---- methods of a user ---- */

static struct allowance *allowance_of(const struct rpc_auth *a, const char *user)
{
    for (size_t i = 0; i < a->n_allowances; i++)
        if (strcmp(a->allowances[i].user, user) == 0)
            return &a->allowances[i];
    return NULL;
}

static bool in_list(char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

/* "user:a, b": a second list of the same user narrows the first. */
static void add_allowance(struct rpc_auth *a, const char *text)
{
    size_t len = strcspn(text, ":"), n = 0;
    char *user = xstrndup(text, len), **list = str_split(text[len] ? text + len + 1 : "", ',', &n);
    for (size_t i = 0; i < n; i++)
        list[i] = str_trim(list[i]);
    struct allowance *old = allowance_of(a, user);
    if (old) {
        size_t kept = 0;
        for (size_t i = 0; i < old->n; i++)
            if (in_list(list, n, old->methods[i]))
                old->methods[kept++] = old->methods[i];
        old->n = kept;
        free(list);
        free(user);
        return;
    }
    a->allowances = array_reserve(a->allowances, &a->cap_allowances, a->n_allowances + 1,
                                  sizeof(*a->allowances));
    a->allowances[a->n_allowances++] = (struct allowance){user, list, n};
}

bool rpc_auth_method(const struct rpc_auth *a, const char *user, const char *method)
{
    const struct allowance *al = allowance_of(a, user);
    return al ? in_list(al->methods, al->n, method) : !a->restricted;
}

/* ---- the whole ---- */

struct rpc_auth *rpc_auth_create(const struct rpc_server_options *o, char **error)
{
    struct rpc_auth *a = xcalloc(1, sizeof(*a));
    for (const char *const *w = o->whitelist; w && *w; w++)
        add_allowance(a, *w);
    a->restricted = o->whitelist_default < 0 ? a->n_allowances > 0 : o->whitelist_default > 0;
    if (read_subnets(a, o, error) && read_users(a, o, error))
        return a;
    rpc_auth_destroy(a);
    return NULL;
}

void rpc_auth_destroy(struct rpc_auth *a)
{
    if (!a)
        return;
    if (a->cookie_file && unlink(a->cookie_file) != 0)
        log_warning("Unable to remove the RPC authentication cookie %s: %s", a->cookie_file,
                    strerror(errno));
    for (size_t i = 0; i < a->n_users; i++) {
        free(a->users[i].name);
        free(a->users[i].salt);
    }
    for (size_t i = 0; i < a->n_allowances; i++) {
        free(a->allowances[i].user);
        free(a->allowances[i].methods);
    }
    free(a->users);
    free(a->allowances);
    free(a->subnets);
    free(a->cookie_file);
    free(a);
}
