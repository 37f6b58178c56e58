/* Time: the node's clock, which tests can set, and a monotonic one, which they cannot. */
#ifndef MITE_UTIL_TIME_H
#define MITE_UTIL_TIME_H

#include <stddef.h>
#include <stdint.h>

/* Seconds since 1970: the mock time where one is set (setmocktime), the system's otherwise. */
int64_t time_now(void);
/* The same in microseconds (the mock time has whole seconds). */
int64_t time_now_us(void);
/* The system's, mock or not. */
int64_t time_system(void);
int64_t time_system_us(void);
/* 0 takes the mock time away. */
void time_set_mock(int64_t seconds);
int64_t time_get_mock(void);
/* Never goes back; no relation to the date. Durations and timeouts that mock time must not move. */
int64_t time_mono_us(void);
/* "2026-11-22T08:48:14Z" into out. */
char *time_iso8601(char out[32], int64_t seconds);

#endif
