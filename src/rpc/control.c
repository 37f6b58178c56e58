/* Methods about the server itself, the log and the clock. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "consensus/params.h"
#include "rpc/call.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define MAX_MOCK_TIME UINT32_MAX
#define MAX_SKIP      3600

static struct rpc_answer *help(struct rpc_call *call)
{
    const char *name = rpc_arg_str(call, "command");
    struct buf text = BUF_INIT;
    const struct rpc_method *m = name ? rpc_find_method(call->ctx, name) : NULL;
    if (m)
        rpc_help_method(&text, m);
    else if (name)
        write_printf(&text, "help: unknown command: %s", name);
    else
        rpc_help_list(&text, call->ctx);
    json_put_strn(rpc_result(call), NULL, (const char *)text.data, text.len);
    buf_clear(&text);
    return rpc_ok(call);
}

static struct rpc_answer *stop(struct rpc_call *call)
{
    call->ctx->shutdown(call->ctx->shutdown_arg);
    json_put_str(rpc_result(call), NULL, "mite stopping");
    return rpc_ok(call);
}

static struct rpc_answer *uptime(struct rpc_call *call)
{
    int64_t us = time_mono_us() - rpc_ctx(call)->start_mono_us;
    json_put_int(rpc_result(call), NULL, us / 1000000);
    return rpc_ok(call);
}

static struct rpc_answer *getrpcinfo(struct rpc_call *call)
{
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_begin_array(j, "active_commands");
    for (const struct rpc_call *c = rpc_active_calls(); c; c = c->next) {
        json_begin_object(j, NULL);
        json_put_str(j, "method", c->method->name);
        json_put_int(j, "duration", time_mono_us() - c->start_us);
        json_end(j);
    }
    json_end(j);
    json_put_str(j, "logpath", call->ctx->log_path);
    json_end(j);
    return rpc_ok(call);
}

/* ---- the log ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool switch_categories(struct rpc_call *call, const char *param, bool on)
{
    struct json_object *list = rpc_arg(call, param);
    size_t n = list ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        if (!rpc_check_type(call, v, "str"))
            return false;
        if (!log_enable(json_object_get_string(v), on))
            return rpc_set_error(call, RPC_INVALID_PARAMETER, "unknown logging category %s",
                                 json_object_get_string(v));
    }
    return true;
}

static struct rpc_answer *logging(struct rpc_call *call)
{
    if (!switch_categories(call, "include", true) || !switch_categories(call, "exclude", false))
        return rpc_fail(call);
    struct {
        const char *name;
        enum log_category category;
    } all[LOG_CATEGORY_COUNT];
    size_t n = 0;
    for (int c = 0; c < LOG_CATEGORY_COUNT; c++) {
        if (c == LOG_libevent || c == LOG_lock) /* taken as names, but nothing is logged by them */
            continue;
        all[n].category = (enum log_category)c;
        all[n++].name = log_category_name((enum log_category)c);
    }
    qsort(all, n, sizeof(all[0]), compare_names);
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    for (size_t i = 0; i < n; i++)
        json_put_bool(j, all[i].name, log_category_active(all[i].category));
    json_end(j);
    return rpc_ok(call);
}

/* ---- memory ---- */

static struct rpc_answer *malloc_info_text(struct rpc_call *call)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    bool ok = f && malloc_info(0, f) == 0;
    if (f)
        fclose(f);
    if (ok)
        json_put_strn(rpc_result(call), NULL, text, len);
    free(text);
    return ok ? rpc_ok(call)
              : rpc_error(call, RPC_INVALID_PARAMETER, "mallocinfo mode not available");
}

/* Of the heap, where Core tells of its pool of locked pages: secrets here lock their own. */
static struct rpc_answer *getmemoryinfo(struct rpc_call *call)
{
    const char *mode = rpc_arg_str(call, "mode");
    if (mode && strcmp(mode, "mallocinfo") == 0)
        return malloc_info_text(call);
    if (mode && strcmp(mode, "stats") != 0)
        return rpc_error(call, RPC_INVALID_PARAMETER, "unknown mode %s", mode);
    struct secret_stats s;
    secret_stats(&s);
    struct json *j = rpc_result(call);
    json_begin_object(j, NULL);
    json_begin_object(j, "locked");
    json_put_uint(j, "used", s.used);
    json_put_uint(j, "free", s.total - s.used);
    json_put_uint(j, "total", s.total);
    json_put_uint(j, "locked", s.locked);
    json_put_uint(j, "chunks_used", s.chunks_used);
    json_put_uint(j, "chunks_free", s.chunks_free);
    json_end(j);
    json_end(j);
    return rpc_ok(call);
}

/* ---- for tests ---- */

/* A client's handling of an internal error can be tried by a certain last argument, as in Core. */
static struct rpc_answer *echo(struct rpc_call *call)
{
    struct json *j = rpc_result(call);
    struct json_object *last = rpc_arg(call, "arg9");
    if (json_object_is_type(last, json_type_string) &&
        strcmp(json_object_get_string(last), "trigger_internal_bug") == 0)
        return rpc_error(call, RPC_MISC_ERROR,
                         "Internal bug detected: request.params[9].get_str() != "
                         "\"trigger_internal_bug\"");
    json_begin_array(j, NULL);
    for (size_t i = 0; i < call->n_args; i++)
        json_put_value(j, NULL, call->args[i]);
    json_end(j);
    return rpc_ok(call);
}

static struct rpc_answer *setmocktime(struct rpc_call *call)
{
    int64_t t = rpc_arg_int64(call, "timestamp", 0);
    if (!call->ctx->net->mockable_time)
        return rpc_error(call, RPC_MISC_ERROR,
                         "setmocktime is for regression testing (-regtest mode) only");
    if (rpc_failed(call))
        return rpc_fail(call);
    if (t < 0 || t > MAX_MOCK_TIME)
        return rpc_error(call, RPC_INVALID_PARAMETER,
                         "Mocktime must be in the range [0, %lld], not %lld.",
                         (long long)MAX_MOCK_TIME, (long long)t);
    time_set_mock(t);
    return rpc_ok_null(call);
}

static struct rpc_answer *mockscheduler(struct rpc_call *call)
{
    int64_t delta = rpc_arg_int64(call, "delta_time", 0);
    if (!call->ctx->net->mockable_time)
        return rpc_error(call, RPC_MISC_ERROR,
                         "mockscheduler is for regression testing (-regtest mode) only");
    if (rpc_failed(call))
        return rpc_fail(call);
    if (delta <= 0 || delta > MAX_SKIP)
        return rpc_error(call, RPC_MISC_ERROR,
                         "delta_time must be between 1 and 3600 seconds (1 hr)");
    call->ctx->advance(call->ctx->advance_arg, delta);
    return rpc_ok_null(call);
}

#define ECHO_ARG(n)                                              \
    {                                                            \
        "arg" #n, "str", NULL, "Anything", .flags = RPC_ANY_TYPE \
    }
#define ECHO_ARGS                                                                            \
    RPC_PARAMS(ECHO_ARG(0), ECHO_ARG(1), ECHO_ARG(2), ECHO_ARG(3), ECHO_ARG(4), ECHO_ARG(5), \
               ECHO_ARG(6), ECHO_ARG(7), ECHO_ARG(8), ECHO_ARG(9))

const struct rpc_method rpc_control_methods[] = {
    {"echo", echo, "Returns its arguments.", ECHO_ARGS, "[any]", true},
    {"echojson", echo, "Returns its arguments.", ECHO_ARGS, "[any]", true},
    {"getmemoryinfo", getmemoryinfo, "Memory for secrets, which is locked.",
     RPC_PARAMS({"mode", "str", "\"stats\"", "stats, or mallocinfo for the allocator's own text"}),
     "{locked:{used:num, free:num, total:num, locked:num, chunks_used:num, chunks_free:num}} | "
     "str"},
    {"getrpcinfo", getrpcinfo, "Calls that are under way, and where the log is.", RPC_NO_PARAMS,
     "{active_commands:[{method:str, duration:num}], logpath:str}"},
    {"help", help, "The list of methods, or what one of them does.",
     RPC_PARAMS({"command", "str", "all commands", "The method to tell about"}), "str"},
    {"logging", logging,
     "Switches categories of the log on and off, and lists them.\n"
     "The valid logging categories are: addrman, bench, blockstorage, cmpctblock, coindb, "
     "estimatefee, http, i2p, ipc, kernel, leveldb, mempool, mempoolrej, mining, net, "
     "privatebroadcast, proxy, prune, qt, rand, reindex, rpc, scan, selectcoins, tor, txpackages, "
     "txreconciliation, validation, walletdb, zmq\n"
     "\"all\" and \"1\" stand for all of them.",
     RPC_PARAMS({"include", "[str]", NULL, "To switch on", "[\"include_category\",...]"},
                {"exclude", "[str]", NULL, "To switch off", "[\"exclude_category\",...]"}),
     "{<category>:bool}"},
    {"mockscheduler", mockscheduler, "Lets periodic work believe that it is later.",
     RPC_PARAMS({"delta_time", "num", RPC_REQUIRED, "Seconds"}), "null", true},
    {"setmocktime", setmocktime, "Sets the clock, on networks for tests.",
     RPC_PARAMS({"timestamp", "num", RPC_REQUIRED, "Seconds since 1970; 0: the real time"}), "null",
     true},
    {"stop", stop, "Stops the node.",
     RPC_PARAMS({"wait", "num", NULL, "Not used", .flags = RPC_HIDDEN_PARAM}), "str"},
    {"uptime", uptime, "Seconds since the node was started.", RPC_NO_PARAMS, "num"},
    {0},
};
