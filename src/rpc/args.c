/*
 * Arguments: from what the caller sent to values by name.
 *
 * Positional arguments are an array. Named ones are an object, whose member "args" may hold leading
 * positional ones besides. Members of an options parameter (RPC_NAMED_OPTIONS) may be given as
 * named arguments too. Then number and JSON types are checked against the method's table; what is
 * inside arrays and objects is checked by the handler, with the functions below.
 */
#include <stdlib.h>

#include "chain/amount.h"
#include "rpc/call.h"
#include "rpc/types.h"
#include "util/mem.h"
#include "util/str.h"

size_t rpc_param_count(const struct rpc_method *m)
{
    size_t n = 0;
    while (m->params && m->params[n].name)
        n++;
    return n;
}

/* One of the names "a|b|c". */
static bool has_name(const char *names, const char *name)
{
    size_t len = strlen(name);
    while (*names) {
        size_t n = strcspn(names, "|");
        if (n == len && strncmp(names, name, n) == 0)
            return true;
        names += n + (names[n] == '|');
    }
    return false;
}

int rpc_param_index(const struct rpc_method *m, const char *name)
{
    size_t n = rpc_param_count(m);
    for (size_t i = 0; i < n; i++)
        if (has_name(m->params[i].name, name))
            return (int)i;
    return -1;
}

/* The options parameter that has a member of this name, -1 where there is none. */
static int options_index(const struct rpc_method *m, const char *name)
{
    size_t n = rpc_param_count(m);
    for (size_t i = 0; i < n; i++) {
        if (!(m->params[i].flags & RPC_NAMED_OPTIONS))
            continue;
        struct rpc_member member;
        for (const char *at = m->params[i].type; rpc_type_next(&at, &member);)
            if (strcmp(member.name, name) == 0)
                return (int)i;
    }
    return -1;
}

static bool bind_named(struct rpc_call *call, const char *name, struct json_object *v,
                       size_t n_positional)
{
    int at = rpc_param_index(call->method, name);
    if (at >= 0) {
        if ((size_t)at < n_positional)
            return rpc_set_error(
                call, RPC_INVALID_PARAMETER,
                "Parameter %s specified twice both as positional and named argument", name);
        if (call->args[at])
            return rpc_set_error(call, RPC_INVALID_PARAMETER, "Unknown named parameter %s", name);
        call->args[at] = v;
    } else {
        at = options_index(call->method, name);
        if (at < 0)
            return rpc_set_error(call, RPC_INVALID_PARAMETER, "Unknown named parameter %s", name);
        if ((size_t)at < n_positional)
            return rpc_set_error(call, RPC_INVALID_PARAMETER,
                                 "Parameter %s conflicts with parameter %s", name,
                                 call->method->params[at].name);
        if (!call->args[at]) { /* held by the parameters, as all values are */
            struct json_object *options = json_object_new_object();
            json_object_object_add(call->params, " options", options);
            call->args[at] = options;
        }
        json_object_object_add(call->args[at], name, json_object_get(v));
    }
    if (call->n_args <= (size_t)at)
        call->n_args = (size_t)at + 1;
    return true;
}

static bool bind_object(struct rpc_call *call, size_t n_params)
{
    struct json_object *first = json_get(call->params, "args");
    size_t n = json_object_is_type(first, json_type_array) ? json_object_array_length(first) : 0;
    if (n > n_params)
        n = n_params + 1; /* one too many is as wrong as ten */
    for (size_t i = 0; i < n; i++)
        call->args[i] = json_object_array_get_idx(first, i);
    call->n_args = n;
    struct json_object_iterator it = json_object_iter_begin(call->params);
    struct json_object_iterator end = json_object_iter_end(call->params);
    /* The object may grow by the options while it is walked, hence the snapshot of its size. */
    int left = json_object_object_length(call->params);
    for (; left > 0 && !json_object_iter_equal(&it, &end); json_object_iter_next(&it), left--) {
        const char *name = json_object_iter_peek_name(&it);
        if (strcmp(name, "args") == 0 && rpc_param_index(call->method, "args") < 0)
            continue;
        if (!bind_named(call, name, json_object_iter_peek_value(&it), n))
            return false;
    }
    return true;
}

static bool check_types(struct rpc_call *call)
{
    struct json wrong;
    json_init(&wrong);
    for (size_t i = 0; call->method->params && call->method->params[i].name; i++) {
        const struct rpc_param *p = &call->method->params[i];
        bool required = p->def && strcmp(p->def, RPC_REQUIRED) == 0;
        const char *kind = rpc_type_kind(p->type), *is = json_type_text(call->args[i]);
        if ((p->flags & RPC_ANY_TYPE) || !kind || (!call->args[i] && !required) ||
            strcmp(kind, is) == 0)
            continue;
        write_printf(&wrong.out,
                     "%s\n    \"Position %zu (%s)\": \"JSON value of type %s is not of expected "
                     "type %s\"",
                     wrong.out.len ? "," : "", i + 1, p->name, is, kind);
    }
    bool ok = wrong.out.len == 0;
    if (!ok)
        rpc_set_error(call, RPC_TYPE_ERROR, "Wrong type passed:\n{%.*s\n}", (int)wrong.out.len,
                      (const char *)wrong.out.data);
    json_clear(&wrong);
    return ok;
}

static bool check_count(struct rpc_call *call, size_t n_params)
{
    size_t required = 0;
    for (size_t i = 0; i < n_params; i++)
        if (call->method->params[i].def && strcmp(call->method->params[i].def, RPC_REQUIRED) == 0)
            required = i + 1;
    if (call->n_args >= required && call->n_args <= n_params)
        return true;
    struct buf help = BUF_INIT;
    rpc_help_method(&help, call->method);
    rpc_set_error(call, RPC_MISC_ERROR, "%.*s", (int)help.len, (const char *)help.data);
    buf_clear(&help);
    return false;
}

bool rpc_bind_args(struct rpc_call *call)
{
    size_t n_params = rpc_param_count(call->method);
    call->args = xcalloc(n_params + 1, sizeof(call->args[0]));
    if (json_object_is_type(call->params, json_type_object)) {
        if (!bind_object(call, n_params))
            return false;
    } else if (call->params) {
        call->n_args = json_object_array_length(call->params);
        for (size_t i = 0; i < call->n_args && i < n_params; i++)
            call->args[i] = json_object_array_get_idx(call->params, i);
    }
    return check_count(call, n_params) && check_types(call);
}

/* ---- getters ---- */

struct json_object *rpc_arg(const struct rpc_call *call, const char *name)
{
    int i = rpc_param_index(call->method, name);
    CHECK(i >= 0);
    return call->args[i];
}

bool rpc_arg_given(const struct rpc_call *call, const char *name)
{
    return rpc_arg(call, name) != NULL;
}

bool rpc_check_type(struct rpc_call *call, struct json_object *v, const char *type)
{
    const char *kind = rpc_type_kind(type), *is = json_type_text(v);
    return !kind || strcmp(kind, is) == 0 ||
           rpc_set_error(call, RPC_TYPE_ERROR, "JSON value of type %s is not of expected type %s",
                         is, kind);
}

const char *rpc_arg_str(struct rpc_call *call, const char *name)
{
    struct json_object *v = rpc_arg(call, name);
    return v && rpc_check_type(call, v, "str") ? json_object_get_string(v) : NULL;
}

bool rpc_arg_bool(struct rpc_call *call, const char *name, bool def)
{
    struct json_object *v = rpc_arg(call, name);
    return v && rpc_check_type(call, v, "bool") ? json_object_get_boolean(v) : def;
}

static int64_t whole_number(struct rpc_call *call, struct json_object *v, int64_t min, int64_t max,
                            int64_t def)
{
    int64_t n;
    if (!v || !rpc_check_type(call, v, "num"))
        return def;
    if (json_as_int(v, min, max, &n))
        return n;
    rpc_set_error(call, RPC_MISC_ERROR, "JSON integer out of range");
    return def;
}

int64_t rpc_arg_int(struct rpc_call *call, const char *name, int64_t def)
{
    return whole_number(call, rpc_arg(call, name), INT32_MIN, INT32_MAX, def);
}

int64_t rpc_arg_int64(struct rpc_call *call, const char *name, int64_t def)
{
    return whole_number(call, rpc_arg(call, name), INT64_MIN, INT64_MAX, def);
}

bool rpc_get_int(struct rpc_call *call, struct json_object *v, int64_t *out)
{
    bool failed_before = rpc_failed(call);
    *out = whole_number(call, v, INT32_MIN, INT32_MAX, 0);
    return v ? failed_before || !rpc_failed(call) : rpc_check_type(call, v, "num");
}

int64_t rpc_arg_verbosity(struct rpc_call *call, const char *name, int64_t def)
{
    struct json_object *v = rpc_arg(call, name);
    if (json_object_is_type(v, json_type_boolean))
        return json_object_get_boolean(v);
    return whole_number(call, v, INT32_MIN, INT32_MAX, def);
}

bool rpc_get_amount(struct rpc_call *call, struct json_object *v, int64_t *satoshi)
{
    enum json_type t = json_object_get_type(v);
    if (t != json_type_int && t != json_type_double && t != json_type_string)
        return rpc_set_error(call, RPC_TYPE_ERROR, "Amount is not a number or string");
    if (!json_as_amount(v, satoshi))
        return rpc_set_error(call, RPC_TYPE_ERROR, "Invalid amount");
    if (!money_range(*satoshi))
        return rpc_set_error(call, RPC_TYPE_ERROR, "Amount out of range");
    return true;
}

bool rpc_arg_amount(struct rpc_call *call, const char *name, int64_t *satoshi)
{
    struct json_object *v = rpc_arg(call, name);
    return v && rpc_get_amount(call, v, satoshi);
}

bool rpc_get_hash(struct rpc_call *call, struct json_object *v, const char *name, uint8_t out[32])
{
    if (!rpc_check_type(call, v, "str"))
        return false;
    const char *s = json_object_get_string(v);
    if (hash_from_hex(out, s))
        return true;
    if (strlen(s) != 64)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "%s must be of length 64 (not %zu, for '%s')", name, strlen(s), s);
    return rpc_set_error(call, RPC_INVALID_PARAMETER, "%s must be hexadecimal string (not '%s')",
                         name, s);
}

bool rpc_get_hex(struct rpc_call *call, struct json_object *v, const char *name, struct buf *out)
{
    if (!rpc_check_type(call, v, "str"))
        return false;
    const char *s = json_object_get_string(v);
    return hex_read(out, s) || rpc_set_error(call, RPC_INVALID_PARAMETER,
                                             "%s must be hexadecimal string (not '%s')", name, s);
}

bool rpc_arg_hash(struct rpc_call *call, const char *name, uint8_t out[32])
{
    struct json_object *v = rpc_arg(call, name);
    return v && rpc_get_hash(call, v, name, out);
}

bool rpc_arg_hex(struct rpc_call *call, const char *name, struct buf *out)
{
    struct json_object *v = rpc_arg(call, name);
    return v && rpc_get_hex(call, v, name, out);
}

static bool check_members(struct rpc_call *call, struct json_object *v, const char *type)
{
    struct rpc_member m;
    for (const char *at = type; rpc_type_next(&at, &m);) {
        struct json_object *member = json_get(v, m.name);
        if (m.any_key || (!member && m.optional))
            continue;
        if (!member)
            return rpc_set_error(call, RPC_TYPE_ERROR, "Missing %s", m.name);
        const char *kind = rpc_type_kind(m.type), *is = json_type_text(member);
        if (kind && strcmp(kind, is) != 0)
            return rpc_set_error(call, RPC_TYPE_ERROR,
                                 "JSON value of type %s for field %s is not of expected type %s",
                                 is, m.name, kind);
    }
    return true;
}

static bool has_member(const char *type, const char *name)
{
    struct rpc_member m;
    for (const char *at = type; rpc_type_next(&at, &m);)
        if (m.any_key || strcmp(m.name, name) == 0)
            return true;
    return false;
}

bool rpc_check_object(struct rpc_call *call, struct json_object *v, const char *type, bool strict)
{
    if (!rpc_check_type(call, v, "{}") || !check_members(call, v, type))
        return false;
    struct json_object_iterator it = json_object_iter_begin(v), end = json_object_iter_end(v);
    for (; strict && !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
        if (!has_member(type, json_object_iter_peek_name(&it)))
            return rpc_set_error(call, RPC_TYPE_ERROR, "Unexpected key %s",
                                 json_object_iter_peek_name(&it));
    return true;
}

bool rpc_arg_check_object(struct rpc_call *call, const char *name, bool strict)
{
    int i = rpc_param_index(call->method, name);
    CHECK(i >= 0);
    return !call->args[i] ||
           rpc_check_object(call, call->args[i], call->method->params[i].type, strict);
}
