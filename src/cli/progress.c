/*
 * Rates are measured from the first look on, so the time left settles as the wait goes on; the
 * share done is the node's own estimate by transactions, not by blocks, whose sizes differ.
 */
#include "cli/progress.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "util/time.h"

#define CLEAR_LINE "\r\033[K"

char *progress_duration(char out[32], int64_t seconds)
{
    if (seconds < 60)
        snprintf(out, 32, "%" PRId64 " s", seconds);
    else if (seconds < 3600)
        snprintf(out, 32, "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        snprintf(out, 32, "%" PRId64 " h %" PRId64 " min", seconds / 3600, seconds / 60 % 60);
    else
        snprintf(out, 32, "%" PRId64 " d %" PRId64 " h", seconds / 86400, seconds / 3600 % 24);
    return out;
}

void progress_update(struct progress *p, struct json_object *reply)
{
    struct json_object *result, *blocks, *headers, *part;

    if (!json_object_object_get_ex(reply, "result", &result) ||
        !json_object_object_get_ex(result, "blocks", &blocks) ||
        !json_object_object_get_ex(result, "headers", &headers) ||
        !json_object_object_get_ex(result, "verificationprogress", &part))
        return;
    int64_t height = json_object_get_int64(blocks), now = time_mono_us();
    double done = json_object_get_double(part);
    if (p->first_us == 0) {
        p->first_us = now;
        p->first_height = height;
        p->first_part = done;
    }
    if (height >= json_object_get_int64(headers))
        return;
    double seconds = (double)(now - p->first_us) / 1e6;
    fprintf(stderr, CLEAR_LINE "block %" PRId64 " of %" PRId64 ", %.2f %%", height,
            json_object_get_int64(headers), done * 100);
    if (seconds > 0)
        fprintf(stderr, ", %.0f blocks/s", (double)(height - p->first_height) / seconds);
    if (done > p->first_part) {
        char left[32];
        double rest = (1 - done) / ((done - p->first_part) / seconds);
        fprintf(stderr, ", %s left", progress_duration(left, (int64_t)rest));
    }
    fflush(stderr);
    p->shown = true;
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fputs(CLEAR_LINE, stderr);
    p->shown = false;
}
