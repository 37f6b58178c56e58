/*
 * Encryption of private keys, as Core's wallets have it: a passphrase gives, by many rounds of
 * SHA-512, an AES key and initial vector that open the master key; the master key, with the double
 * SHA-256 of a public key as initial vector, opens that key's private one.
 */
#include <openssl/sha.h>
#include <stdlib.h>

#include "crypto/aes.h"
#include "crypto/hash.h"
#include "util/mem.h"
#include "util/random.h"
#include "util/time.h"
#include "wallet/inside.h"

#define MIN_ITERATIONS 25000

/* 32 bytes of key, 16 of initial vector. */
static void stretch(uint8_t out[64], struct span passphrase, const uint8_t salt[8], uint32_t rounds)
{
    size_t n = passphrase.len;
    uint8_t *begin = secret_alloc(n + 8);

    memcpy(begin, passphrase.data, n);
    memcpy(begin + n, salt, 8);
    SHA512(begin, n + 8, out);
    secret_free(begin, n + 8);
    for (uint32_t i = 1; i < rounds; i++)
        SHA512(out, 64, out);
}

bool master_key_open(const struct master_key *m, struct span passphrase, uint8_t out[32])
{
    uint8_t key[64], plain[48];
    size_t n = 0;

    if (m->method != 0 || m->iterations == 0)
        return false;
    stretch(key, passphrase, m->salt, m->iterations);
    bool ok =
        aes256_cbc_decrypt(plain, &n, m->crypted, sizeof(m->crypted), key, key + 32) && n == 32;
    if (ok)
        memcpy(out, plain, 32);
    wipe(key, sizeof(key));
    wipe(plain, sizeof(plain));
    return ok;
}

/* Rounds that take about a tenth of a second here. */
static uint32_t calibrated_rounds(void)
{
    uint8_t key[64];
    static const uint8_t salt[8];
    int64_t start = time_mono_us();

    stretch(key, span_of("calibration", 11), salt, MIN_ITERATIONS);
    int64_t took = time_mono_us() - start;
    if (took < 1)
        took = 1;
    int64_t rounds = MIN_ITERATIONS * INT64_C(100000) / took;
    return rounds < MIN_ITERATIONS ? MIN_ITERATIONS : (uint32_t)rounds;
}

void master_key_seal(struct master_key *m, struct span passphrase, const uint8_t key[32],
                     uint32_t iterations)
{
    uint8_t stretched[64];
    size_t n;

    m->method = 0;
    m->iterations = iterations ? iterations : calibrated_rounds();
    random_bytes(m->salt, sizeof(m->salt));
    stretch(stretched, passphrase, m->salt, m->iterations);
    CHECK(aes256_cbc_encrypt(m->crypted, &n, key, 32, stretched, stretched + 32) &&
          n == sizeof(m->crypted));
    wipe(stretched, sizeof(stretched));
}

void wallet_key_seal(struct wallet_key *k, const struct seckey *plain, const uint8_t master[32])
{
    uint8_t iv[32];
    size_t n;

    CHECK(seckey_pubkey(&k->pubkey, plain));
    sha256d(iv, k->pubkey.data, k->pubkey.len);
    CHECK(aes256_cbc_encrypt(k->secret, &n, plain->b, 32, master, iv) && n == sizeof(k->secret));
}

bool wallet_key_open(const struct wallet_key *k, const uint8_t master[32], struct seckey *out)
{
    uint8_t iv[32], plain[48];
    struct pubkey check;
    size_t n = 0;

    sha256d(iv, k->pubkey.data, k->pubkey.len);
    bool ok = aes256_cbc_decrypt(plain, &n, k->secret, sizeof(k->secret), master, iv) && n == 32;
    if (ok) {
        memcpy(out->b, plain, 32);
        out->compressed = pubkey_compressed(&k->pubkey);
        ok = seckey_pubkey(&check, out) && pubkey_eq(&check, &k->pubkey);
    }
    wipe(plain, sizeof(plain));
    return ok;
}

/* ---- the wallet's lock ---- */

bool wallet_is_encrypted(const struct wallet *w)
{
    return w->n_mkeys > 0;
}

bool wallet_is_locked(const struct wallet *w)
{
    return wallet_is_encrypted(w) && !w->master;
}

int64_t wallet_unlocked_until(const struct wallet *w)
{
    return w->relock_time;
}

void wallet_lock(struct wallet *w)
{
    if (!w->master)
        return;
    wallet_forget_keys(w);
    secret_free(w->master, 32);
    w->master = NULL;
    w->relock_time = 0;
}

/* The right master key opens any of the wallet's keys. */
static bool master_fits(const struct wallet *w, const uint8_t master[32])
{
    for (size_t i = 0; i < w->n_descs; i++) {
        struct seckey k;
        if (w->descs[i]->n_keys == 0)
            continue;
        bool ok = wallet_key_open(&w->descs[i]->keys[0], master, &k);
        wipe(&k, sizeof(k));
        return ok;
    }
    return true;
}

static bool open_master(struct wallet *w, struct span passphrase, uint8_t out[32], size_t *which)
{
    for (size_t i = 0; i < w->n_mkeys; i++) {
        *which = i;
        if (master_key_open(&w->mkeys[i], passphrase, out) && master_fits(w, out))
            return true;
    }
    return false;
}

bool wallet_unlock(struct wallet *w, struct span passphrase, int64_t seconds)
{
    uint8_t *master = secret_alloc(32);
    size_t which;

    if (!open_master(w, passphrase, master, &which)) {
        secret_free(master, 32);
        return false;
    }
    if (w->master)
        secret_free(w->master, 32);
    w->master = master;
    wallet_give_keys(w);
    w->relock_time = time_now() + seconds;
    for (size_t i = 0; i < w->n_descs; i++)
        wallet_top_up(w, w->descs[i], 0);
    wallet_commit(w);
    return true;
}

bool wallet_change_passphrase(struct wallet *w, struct span old_pass, struct span new_pass)
{
    uint8_t master[32];
    size_t which;
    bool was_locked = wallet_is_locked(w);

    if (!was_locked)
        wallet_lock(w);
    if (!open_master(w, old_pass, master, &which))
        return false;
    master_key_seal(&w->mkeys[which], new_pass, master, 0);
    wallet_put_master_key(w, &w->mkeys[which]);
    wipe(master, sizeof(master));
    return wallet_commit(w);
}

/* Seals the keys of one descriptor. */
static void encrypt_descriptor(struct wallet *w, struct wallet_descriptor *d)
{
    size_t n = descriptor_seckeys(d->d, NULL, 0);
    struct seckey *plain = n ? secret_alloc(n * sizeof(*plain)) : NULL;

    descriptor_seckeys(d->d, plain, n);
    for (size_t i = 0; i < n; i++) {
        d->keys = xreallocarray(d->keys, d->n_keys + 1, sizeof(*d->keys));
        wallet_key_seal(&d->keys[d->n_keys], &plain[i], w->master);
        wallet_put_crypted_key(w, d, &d->keys[d->n_keys++]);
    }
    if (plain)
        secret_free(plain, n * sizeof(*plain));
}

bool wallet_encrypt(struct wallet *w, struct span passphrase, char **error)
{
    CHECK(!wallet_is_encrypted(w));
    w->master = secret_alloc(32);
    random_bytes(w->master, 32);
    w->mkeys = xcalloc(1, sizeof(*w->mkeys));
    w->mkeys[0].id = 1;
    w->n_mkeys = 1;
    master_key_seal(&w->mkeys[0], passphrase, w->master, 0);
    wallet_put_master_key(w, &w->mkeys[0]);
    for (size_t i = 0; i < w->n_descs; i++)
        encrypt_descriptor(w, w->descs[i]);
    /* What was made before may lie in a backup in plain: from here on other keys are used. */
    bool ok = (w->flags & WALLET_FLAG_BLANK) || wallet_setup_descriptors(w);
    ok = ok && wallet_db_commit(w->db) && wallet_db_rewrite(w->db);
    wallet_lock(w);
    if (!ok)
        *error = xasprintf("The wallet file could not be written: %s", wallet_db_error(w->db));
    return ok;
}
