/*
 * The life of a call: run, answered now or later, done.
 *
 * The handler's answer and a late answer come through the same functions. What they return is the
 * call itself under another type, which nobody outside can make; a call that was answered inside
 * its handler is finished when the handler has returned, one that waits is finished at once.
 */
#include "rpc/call.h"

#include <stdarg.h>
#include <stdlib.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

static struct rpc_call *active;

static struct rpc_answer *answered(struct rpc_call *call)
{
    CHECK(!call->answered);
    CHECK(call->error_code != 0 || call->result.depth == 0);
    call->answered = true;
    struct rpc_answer *answer = (struct rpc_answer *)call;
    if (!call->in_handler)
        call->done(call, call->done_arg);
    return answer;
}

struct json *rpc_result(struct rpc_call *call)
{
    return &call->result;
}

struct rpc_answer *rpc_ok(struct rpc_call *call)
{
    CHECK(call->error_code == 0 && call->result.out.len > 0);
    return answered(call);
}

struct rpc_answer *rpc_ok_null(struct rpc_call *call)
{
    CHECK(call->result.out.len == 0);
    json_put_null(&call->result, NULL);
    return rpc_ok(call);
}

static void note_error(struct rpc_call *call, enum rpc_code code, const char *fmt, va_list ap)
{
    if (call->error_code != 0)
        return;
    call->error_code = code;
    call->error = xvasprintf(fmt, ap);
}

bool rpc_set_error(struct rpc_call *call, enum rpc_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    note_error(call, code, fmt, ap);
    va_end(ap);
    return false;
}

char *rpc_take_error(struct rpc_call *call, int *code)
{
    char *text = call->error;
    CHECK(call->error_code != 0);
    *code = call->error_code;
    call->error_code = 0;
    call->error = NULL;
    return text;
}

bool rpc_failed(const struct rpc_call *call)
{
    return call->error_code != 0;
}

struct rpc_answer *rpc_fail(struct rpc_call *call)
{
    CHECK(call->error_code != 0);
    json_clear(&call->result);
    return answered(call);
}

struct rpc_answer *rpc_error(struct rpc_call *call, enum rpc_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    note_error(call, code, fmt, ap);
    va_end(ap);
    return rpc_fail(call);
}

struct rpc_answer *rpc_usage(struct rpc_call *call)
{
    struct buf help = BUF_INIT;
    rpc_help_method(&help, call->method);
    rpc_set_error(call, RPC_MISC_ERROR, "%.*s", (int)help.len, (const char *)help.data);
    buf_clear(&help);
    return rpc_fail(call);
}

struct rpc_answer *rpc_later(struct rpc_call *call, void (*cancel)(struct rpc_call *, void *arg),
                             void *arg)
{
    call->cancel = cancel;
    call->cancel_arg = arg;
    return (struct rpc_answer *)call;
}

void rpc_call_cancel(struct rpc_call *call)
{
    void (*cancel)(struct rpc_call *, void *) = call->cancel;
    call->cancel = NULL;
    if (!call->answered && cancel)
        cancel(call, call->cancel_arg);
}

static void link_call(struct rpc_call *call)
{
    call->next = active;
    call->link = &active;
    if (active)
        active->link = &call->next;
    active = call;
}

const struct rpc_call *rpc_active_calls(void)
{
    return active;
}

void rpc_call_free(struct rpc_call *call)
{
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    json_object_put(call->params);
    json_clear(&call->result);
    free(call->args);
    free(call->wallet);
    free(call->error);
    free(call);
}

void rpc_call_run(const struct rpc_context *ctx, const char *method, struct json_object *params,
                  const char *wallet, struct rpc_call **running,
                  void (*done)(struct rpc_call *call, void *arg), void *arg)
{
    struct rpc_call *call = xcalloc(1, sizeof(*call));
    if (running)
        *running = call;
    call->ctx = ctx;
    call->params = json_object_get(params);
    call->wallet = wallet ? xstrdup(wallet) : NULL;
    call->done = done;
    call->done_arg = arg;
    call->start_us = time_mono_us();
    call->in_handler = true;
    link_call(call);
    call->method = rpc_find_method(ctx, method);
    if (!call->method) {
        (void)rpc_error(call, RPC_METHOD_NOT_FOUND, "Method not found");
    } else if (!rpc_bind_args(call)) {
        (void)rpc_fail(call);
    } else {
        log_debug(LOG_rpc, "method %s", call->method->name);
        (void)call->method->handler(call);
    }
    call->in_handler = false;
    if (call->answered)
        done(call, arg);
}

const struct rpc_context *rpc_ctx(const struct rpc_call *call)
{
    return call->ctx;
}

const char *rpc_method_name(const struct rpc_call *call)
{
    return call->method->name;
}

const char *rpc_wallet_name(const struct rpc_call *call)
{
    return call->wallet;
}

bool rpc_deprecated_enabled(const struct rpc_call *call, const char *method)
{
    for (const char *const *d = call->ctx->deprecated; d && *d; d++)
        if (strcmp(*d, method) == 0)
            return true;
    return false;
}
