/*
 * Where a bech32 string was mistyped.
 *
 * The code is linear: a wrong character at a place changes the remainder by an amount that depends
 * on the place and on the difference only. So the remainder of a bad string (against that of a
 * good one) is the sum of its errors' amounts. There are at most 82 * 31 amounts; one error is an
 * amount equal to the remainder, two are a pair that adds up to it, found by sorting. Any two
 * strings of this length differ in five places or more, so what is found is the only answer of at
 * most two errors. Rejected: the algebraic solution over GF(1024), longer and no better here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "chain/bech32.h"
#include "util/mem.h"

#define MAX_AMOUNTS (BECH32_MAX_LEN * 31)

struct amount_of_error {
    uint32_t amount;
    uint8_t position; /* in the values */
};

static int by_amount(const void *a, const void *b)
{
    uint32_t x = ((const struct amount_of_error *)a)->amount;
    uint32_t y = ((const struct amount_of_error *)b)->amount;

    return x < y ? -1 : x > y;
}

static void add_position(struct address_error *error, size_t position)
{
    error->at = xreallocarray(error->at, error->n_at + 1, sizeof(*error->at));
    error->at[error->n_at++] = (int)position;
}

static void set_text(struct address_error *error, const char *text)
{
    snprintf(error->text, sizeof(error->text), "%s", text);
}

/* What each wrong value at each place adds to the remainder, sorted by amount. */
static size_t error_amounts(struct amount_of_error *table, size_t n)
{
    uint8_t values[BECH32_MAX_LEN] = {0};
    uint32_t base = bech32_residue("", values, n);
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        for (uint8_t e = 1; e < 32; e++) {
            values[i] = e;
            table[count++] =
                (struct amount_of_error){bech32_residue("", values, n) ^ base, (uint8_t)i};
        }
        values[i] = 0;
    }
    qsort(table, count, sizeof(*table), by_amount);
    return count;
}

static const struct amount_of_error *find_amount(const struct amount_of_error *table, size_t count,
                                                 uint32_t amount)
{
    struct amount_of_error key = {amount, 0};

    return bsearch(&key, table, count, sizeof(*table), by_amount);
}

/* Places of one or two errors that explain `residue`; 0 where there are none. */
static int find_errors(uint32_t residue, const struct amount_of_error *table, size_t count,
                       size_t at[2])
{
    const struct amount_of_error *found = find_amount(table, count, residue);

    if (found) {
        at[0] = found->position;
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        found = find_amount(table, count, residue ^ table[i].amount);
        if (found && found->position != table[i].position) {
            bool first = table[i].position < found->position;

            at[0] = first ? table[i].position : found->position;
            at[1] = first ? found->position : table[i].position;
            return 2;
        }
    }
    return 0;
}

/* The reading, bech32 or bech32m, that needs fewer corrections. */
static void locate_values(const char *hrp, const uint8_t *values, size_t n,
                          struct address_error *error)
{
    static const char *const texts[] = {"Invalid checksum", "Invalid Bech32 checksum",
                                        "Invalid Bech32m checksum"};
    uint32_t residue = bech32_residue(hrp, values, n);
    struct amount_of_error *table = xcalloc(MAX_AMOUNTS, sizeof(*table));
    size_t count = error_amounts(table, n), best[2] = {0, 0};
    enum bech32_encoding best_enc = BECH32_NONE;
    int n_best = 0;

    for (enum bech32_encoding enc = BECH32; enc <= BECH32M; enc++) {
        size_t at[2];
        int found;

        if (residue == bech32_constant(enc))
            goto out; /* nothing wrong */
        found = find_errors(residue ^ bech32_constant(enc), table, count, at);
        if (found > 0 && (n_best == 0 || found < n_best)) {
            memcpy(best, at, sizeof(best));
            n_best = found;
            best_enc = enc;
        }
    }
    for (int i = 0; i < n_best; i++)
        add_position(error, strlen(hrp) + 1 + best[i]);
    set_text(error, texts[best_enc]);
out:
    free(table);
}

/* Positions of what is not printable, or of the other case than the first letter. */
static void locate_characters(const char *s, struct address_error *error)
{
    bool lower = false, upper = false;

    for (size_t i = 0; s[i]; i++) {
        bool is_lower = s[i] >= 'a' && s[i] <= 'z', is_upper = s[i] >= 'A' && s[i] <= 'Z';

        if (s[i] < 33 || s[i] > 126 || (is_lower && upper) || (is_upper && lower))
            add_position(error, i);
        lower = lower || (is_lower && !upper);
        upper = upper || (is_upper && !lower);
    }
}

void bech32_locate(const char *s, struct address_error *error)
{
    size_t len = strlen(s), hrp_len, n;
    const char *separator = strrchr(s, '1');
    uint8_t values[BECH32_MAX_LEN];
    char hrp[BECH32_MAX_LEN];

    if (len > BECH32_MAX_LEN) {
        for (size_t i = BECH32_MAX_LEN; i < len; i++)
            add_position(error, i);
        set_text(error, "Bech32 string too long");
        return;
    }
    locate_characters(s, error);
    if (error->n_at > 0) {
        set_text(error, "Invalid character or mixed case");
        return;
    }
    if (!separator) {
        set_text(error, "Missing separator");
        return;
    }
    hrp_len = (size_t)(separator - s);
    n = len - hrp_len - 1;
    if (hrp_len == 0 || n < BECH32_CHECKSUM_SIZE) {
        add_position(error, hrp_len);
        set_text(error, "Invalid separator position");
        return;
    }
    for (size_t i = 0; i < hrp_len; i++)
        hrp[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i];
    hrp[hrp_len] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (bech32_value(separator[1 + i]) < 0) {
            add_position(error, hrp_len + 1 + i);
            set_text(error, "Invalid Base 32 character");
            return;
        }
        values[i] = (uint8_t)bech32_value(separator[1 + i]);
    }
    locate_values(hrp, values, n, error);
}
