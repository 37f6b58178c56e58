/* Methods about the server itself. */
#include "rpc/call.h"
#include "util/time.h"

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

static struct rpc_answer *uptime(struct rpc_call *call)
{
    int64_t us = time_mono_us() - rpc_ctx(call)->start_mono_us;
    json_put_int(rpc_result(call), NULL, us / 1000000);
    return rpc_ok(call);
}

const struct rpc_method rpc_control_methods[] = {
    {"help", help, "The list of methods, or what one of them does.",
     RPC_PARAMS({"command", "str", "all commands", "The method to tell about"}), "str"},
    {"uptime", uptime, "Seconds since the node was started.", RPC_NO_PARAMS, "num"},
    {0},
};
