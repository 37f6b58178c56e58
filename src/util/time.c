/*
 * Time: one place that asks the system, and the mock time of setmocktime in front of it.
 *
 * The mock time is atomic because workers and the writer log, and the log asks. Everything that
 * waits or measures uses the monotonic clock, which no test moves.
 */
#include "util/time.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "util/check.h"

static _Atomic int64_t mock;

static int64_t clock_us(clockid_t clock)
{
    struct timespec ts;
    CHECK(clock_gettime(clock, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t time_system_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t time_system(void)
{
    return time_system_us() / 1000000;
}

int64_t time_now(void)
{
    int64_t set = time_get_mock();
    return set ? set : time_system();
}

int64_t time_now_us(void)
{
    int64_t set = time_get_mock();
    return set ? set * 1000000 : time_system_us();
}

void time_set_mock(int64_t seconds)
{
    atomic_store_explicit(&mock, seconds, memory_order_relaxed);
}

int64_t time_get_mock(void)
{
    return atomic_load_explicit(&mock, memory_order_relaxed);
}

int64_t time_mono_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* The calendar from days since 1970, by eras of 400 years that begin on the first of March. */
char *time_iso8601(char out[32], int64_t seconds)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    days += 719468; /* from 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t month = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, (int)month, (int)day,
             (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
    return out;
}
