/*
 * Amounts and feerates.
 *
 * Text is exact: a decimal number with an exponent is read digit by digit into an integer, never
 * through a double. Products of fees and sizes are taken in 128 bits, so no input overflows.
 */
#include "chain/amount.h"

#include <stdio.h>

/* What text may say at most, in units of the last decimal: 18 digits. */
#define AMOUNT_TEXT_MAX      INT64_C(999999999999999999)
#define AMOUNT_TEXT_DECIMALS 8

bool amount_add(int64_t *out, int64_t a, int64_t b)
{
    if (!money_range(a) || !money_range(b) || !money_range(a + b))
        return false;
    *out = a + b;
    return true;
}

char *amount_format(char out[32], int64_t v)
{
    uint64_t abs = v < 0 ? -(uint64_t)v : (uint64_t)v;

    snprintf(out, 32, "%s%llu.%08llu", v < 0 ? "-" : "", (unsigned long long)(abs / COIN),
             (unsigned long long)(abs % COIN));
    return out;
}

/* The digits of a number so far: trailing zeros are held back, so that "1.0000000000" is exact. */
struct mantissa {
    int64_t value;
    int64_t zeros;
};

static bool mantissa_digit(struct mantissa *m, char digit)
{
    if (digit == '0') {
        m->zeros++;
        return true;
    }
    for (int64_t i = 0; i <= m->zeros; i++) {
        if (m->value > AMOUNT_TEXT_MAX / 10)
            return false;
        m->value *= 10;
    }
    m->value += digit - '0';
    m->zeros = 0;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_exponent(const char **s, int64_t *exponent)
{
    bool negative = **s == '-';

    if (**s == '+' || **s == '-')
        ++*s;
    if (!is_digit(**s))
        return false;
    for (; is_digit(**s); ++*s) {
        if (*exponent > AMOUNT_TEXT_MAX / 10)
            return false;
        *exponent = *exponent * 10 + (**s - '0');
    }
    if (negative)
        *exponent = -*exponent;
    return true;
}

/* Digits before and after the point; *decimals counts the latter. */
static bool read_mantissa(const char **s, struct mantissa *m, int64_t *decimals)
{
    if (**s == '0')
        ++*s; /* a number does not go on after a leading zero */
    else if (!is_digit(**s))
        return false;
    else
        for (; is_digit(**s); ++*s)
            if (!mantissa_digit(m, **s))
                return false;
    if (**s != '.')
        return true;
    ++*s;
    if (!is_digit(**s))
        return false;
    for (; is_digit(**s); ++*s, ++*decimals)
        if (!mantissa_digit(m, **s))
            return false;
    return true;
}

bool amount_parse(int64_t *out, const char *s)
{
    struct mantissa m = {0, 0};
    int64_t decimals = 0, exponent = 0;
    bool negative = *s == '-';

    if (negative)
        s++;
    if (!read_mantissa(&s, &m, &decimals))
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (!read_exponent(&s, &exponent))
            return false;
    }
    if (*s != '\0')
        return false;
    exponent += m.zeros - decimals + AMOUNT_TEXT_DECIMALS;
    if (exponent < 0 || exponent >= 18)
        return false;
    for (; exponent > 0; exponent--) {
        if (m.value > AMOUNT_TEXT_MAX / 10)
            return false;
        m.value *= 10;
    }
    *out = negative ? -m.value : m.value;
    return true;
}

static int64_t floor_div(__int128 a, int64_t b)
{
    __int128 q = a / b;

    if (a % b != 0 && a < 0)
        q--;
    return (int64_t)q;
}

int64_t feerate_fee(int64_t sat_per_kvb, int64_t vsize)
{
    int64_t fee = -floor_div(-(__int128)sat_per_kvb * vsize, 1000);

    /* A negative rate never rounds up to nothing. */
    if (fee == 0 && vsize != 0 && sat_per_kvb < 0)
        return -1;
    return fee;
}

int64_t feerate_of(int64_t fee, int64_t vsize)
{
    return vsize > 0 ? floor_div((__int128)fee * 1000, vsize) : 0;
}
