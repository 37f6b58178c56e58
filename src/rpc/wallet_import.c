/* importdescriptors and listdescriptors. */
#include <stdlib.h>
#include <string.h>

#include "rpc/range.h"
#include "rpc/wallet_rpc.h"
#include "util/mem.h"
#include "util/time.h"

#define TIMESTAMP_WINDOW 7200

/* One request of importdescriptors, and what became of it. */
struct request {
    struct json_object *data;
    int64_t time;
    bool done;
    int code;
    char *error;
    const char *warnings[8];
    size_t n_warnings;
};

static bool fail(struct request *r, int code, char *text)
{
    r->code = code;
    r->error = text;
    return false;
}

static void warn(struct request *r, const char *text)
{
    if (r->n_warnings < ARRAY_LEN(r->warnings))
        r->warnings[r->n_warnings++] = text;
}

/* Errors that helpers noted on the call become this request's. */
static bool take_error(struct rpc_call *call, struct request *r, bool ok)
{
    if (ok)
        return true;
    r->error = rpc_take_error(call, &r->code);
    return false;
}

struct ranges {
    int64_t begin, end, next; /* end is behind the last */
};

static bool read_range(struct rpc_call *call, struct wallet *w, struct request *r, bool is_range,
                       struct ranges *out)
{
    struct json_object *range = json_get(r->data, "range"), *next = json_get(r->data, "next_index");
    *out = (struct ranges){0, 1, 0};
    if (!is_range)
        return !range || fail(r, RPC_INVALID_PARAMETER,
                              xstrdup("Range should not be specified for an un-ranged descriptor"));
    if (range) {
        if (!take_error(call, r, rpc_get_range(call, range, &out->begin, &out->end)))
            return false;
        out->end++;
    } else {
        warn(r, "Range not given, using default keypool range");
        out->end = wallets_opts(wallet_set(w))->keypool;
    }
    out->next = out->begin;
    if (!next)
        return true;
    if (!json_as_int(next, out->begin, out->end - 1, &out->next))
        return fail(r, RPC_INVALID_PARAMETER, xstrdup("next_index is out of range"));
    return true;
}

/* What excludes each other among the members of a request. */
static bool check_members(struct wallet *w, struct request *r, const struct descriptor *d, size_t n,
                          bool active, bool internal)
{
    bool label = json_get(r->data, "label") != NULL, is_range = descriptor_is_range(d);
    const char *text = NULL;
    if (active && !is_range)
        text = "Active descriptors must be ranged";
    else if (n > 1 && label)
        text = "Multipath descriptors should not have a label";
    else if (is_range && label)
        text = "Ranged descriptors should not have a label";
    else if (internal && label)
        text = "Internal addresses should not have a label";
    if (text)
        return fail(r, RPC_INVALID_PARAMETER, xstrdup(text));
    if (active && !descriptor_is_single_type(d))
        return fail(r, RPC_WALLET_ERROR, xstrdup("Combo descriptors cannot be set to active"));
    if ((wallet_flags(w) & WALLET_FLAG_DISABLE_PRIVATE_KEYS) && descriptor_has_private(d))
        return fail(r, RPC_WALLET_ERROR,
                    xstrdup("Cannot import private keys to a wallet with private keys disabled"));
    return true;
}

static bool check_derivable(struct wallet *w, struct request *r, const struct descriptor *d)
{
    struct expansion e;
    bool ok = descriptor_expand(d, 0, false, &e);
    expansion_clear(&e);
    if (!ok)
        return fail(r, RPC_WALLET_ERROR,
                    xstrdup("Cannot expand descriptor. Probably because of hardened derivations "
                            "without private keys provided"));
    if (wallet_flags(w) & WALLET_FLAG_DISABLE_PRIVATE_KEYS)
        return true;
    if (!descriptor_has_private(d))
        return fail(r, RPC_WALLET_ERROR,
                    xstrdup("Cannot import descriptor without private keys to a wallet with "
                            "private keys enabled"));
    if (!descriptor_has_all_private(d))
        warn(r, "Not all private keys provided. Some wallet functionality may return unexpected "
                "errors");
    return true;
}

/* Takes over d. */
static bool import_one(struct wallet *w, struct request *r, struct descriptor *d,
                       const struct ranges *range, bool active, bool internal)
{
    const char *text = json_object_get_string(json_get(r->data, "desc"));
    struct json_object *label = json_get(r->data, "label");
    struct wallet_import imp = {.d = d,
                                .created = r->time,
                                .active = active,
                                .internal = internal,
                                .range_begin = (int32_t)range->begin,
                                .range_end = (int32_t)range->end,
                                .next = (int32_t)range->next,
                                .label = internal ? NULL
                                         : label  ? json_object_get_string(label)
                                                  : ""};
    char *error = NULL;
    int code = RPC_WALLET_ERROR;
    if (!check_derivable(w, r, d)) {
        descriptor_free(d);
        return false;
    }
    if (active && descriptor_output_type(d) == OUTPUT_UNKNOWN) {
        warn(r, "Unknown output type, cannot set descriptor to active.");
        imp.active = false;
    }
    if (wallet_import_descriptor(w, &imp, &code, &error))
        return true;
    fail(r, RPC_WALLET_ERROR, xasprintf("Could not add descriptor '%s': %s", text, error));
    free(error);
    return false;
}

static bool import_request(struct rpc_call *call, struct wallet *w, struct request *r)
{
    struct json_object *desc = json_get(r->data, "desc"), *v;
    struct descriptor **list;
    size_t n, i = 0;
    struct ranges range;
    char *error = NULL;
    if (!desc)
        return fail(r, RPC_INVALID_PARAMETER, xstrdup("Descriptor not found."));
    if ((v = json_get(r->data, "label")) && strcmp(json_object_get_string(v), "*") == 0)
        return fail(r, RPC_WALLET_INVALID_LABEL_NAME, xstrdup("Invalid label name"));
    bool active = (v = json_get(r->data, "active")) && json_object_get_boolean(v);
    if (!descriptor_parse(&wallet_network(w)->address, json_object_get_string(desc), true, &list,
                          &n, &error))
        return fail(r, RPC_INVALID_ADDRESS_OR_KEY, error);
    struct json_object *given = json_get(r->data, "internal");
    bool internal = given && json_object_get_boolean(given), ok = true;
    if (given && n > 1)
        ok = fail(r, RPC_INVALID_ADDRESS_OR_KEY,
                  xstrdup("Cannot have multipath descriptor while also specifying 'internal'"));
    ok = ok && read_range(call, w, r, descriptor_is_range(list[0]), &range) &&
         check_members(w, r, list[0], n, active, internal);
    for (; ok && i < n; i++)
        ok = import_one(w, r, list[i], &range, active, n == 2 ? i == 1 : internal);
    for (; i < n; i++)
        descriptor_free(list[i]);
    free(list);
    return ok;
}

static bool read_time(struct rpc_call *call, struct request *r, int64_t now)
{
    struct json_object *v = json_get(r->data, "timestamp");
    if (!v)
        return rpc_set_error(call, RPC_TYPE_ERROR, "Missing required timestamp field for key");
    if (json_object_is_type(v, json_type_string) && strcmp(json_object_get_string(v), "now") == 0)
        r->time = now;
    else if (!json_as_int(v, INT64_MIN, INT64_MAX, &r->time))
        return rpc_set_error(call, RPC_TYPE_ERROR,
                             "Expected number or \"now\" timestamp value for key. got type %s",
                             json_type_text(v));
    if (r->time < 1)
        r->time = 1;
    return true;
}

static void put_outcome(struct json *j, const struct request *r)
{
    json_begin_object(j, NULL);
    json_put_bool(j, "success", r->done);
    if (r->error) {
        json_begin_object(j, "error");
        json_put_int(j, "code", r->code);
        json_put_str(j, "message", r->error);
        json_end(j);
    }
    if (r->n_warnings) {
        json_begin_array(j, "warnings");
        for (size_t i = 0; i < r->n_warnings; i++)
            json_put_str(j, NULL, r->warnings[i]);
        json_end(j);
    }
    json_end(j);
}

/* What a scan that stopped means for a request. */
static void note_scan_failure(struct request *r, int64_t stopped_at)
{
    if (!r->done || r->time > stopped_at)
        return;
    r->done = false;
    fail(r, RPC_MISC_ERROR,
         xasprintf("Rescan failed for descriptor with timestamp %lld. There was an error reading a "
                   "block from time %lld, which is after or within %d seconds of key creation, and "
                   "could contain transactions pertaining to the desc. As a result, transactions "
                   "and coins using this desc may not appear in the wallet. This error could "
                   "potentially caused by data corruption. If the issue persists you may want to "
                   "reindex (see -reindex option).",
                   (long long)r->time, (long long)stopped_at, TIMESTAMP_WINDOW));
}

static void scan(struct wallet *w, struct request *r, size_t n, int64_t from_time)
{
    const struct wallet_node *node = wallets_opts(wallet_set(w))->node;
    int32_t last, from = wallet_height_of_time(w, from_time);
    struct block_hash hash;
    int64_t time = 0, mtp, time_max;
    if (from > wallet_last_height(w) || wallet_rescan(w, from, -1, &last))
        return;
    if (node->block_hash(node->arg, last + 1, &hash))
        node->block_times(node->arg, &hash, &time, &mtp, &time_max);
    for (size_t i = 0; i < n; i++)
        note_scan_failure(&r[i], time);
}

static struct rpc_answer *importdescriptors(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    struct json_object *list = rpc_arg(call, "requests");
    int64_t now = time_now(), lowest, mtp = 0, time_max;
    if (!w || !rpc_wallet_unlocked(call, w))
        return rpc_fail(call);
    const struct wallet_node *node = wallets_opts(wallet_set(w))->node;
    if (!node->block_times(node->arg, wallet_last_block(w), &lowest, &mtp, &time_max))
        lowest = mtp = now;
    size_t n = json_object_array_length(list);
    struct request *r = xcalloc(n + 1, sizeof(*r));
    bool ok = true, any = false;
    for (size_t i = 0; i < n && ok; i++) {
        r[i].data = json_object_array_get_idx(list, i);
        ok = rpc_check_type(call, r[i].data, "{}") && read_time(call, &r[i], mtp);
    }
    wallet_import_begin(w);
    for (size_t i = 0; i < n && ok; i++) {
        r[i].done = import_request(call, w, &r[i]);
        any = any || r[i].done;
        if (r[i].time < lowest)
            lowest = r[i].time;
    }
    ok = wallet_import_end(w) && ok;
    if (ok && any)
        scan(w, r, n, lowest);
    json_begin_array(j, NULL);
    for (size_t i = 0; i < n; i++) {
        put_outcome(j, &r[i]);
        free(r[i].error);
    }
    json_end(j);
    free(r);
    if (!ok)
        rpc_set_error(call, RPC_WALLET_ERROR, "The wallet file could not be written");
    return ok ? rpc_ok(call) : rpc_fail(call);
}

/* ---- listdescriptors ---- */

struct shown {
    const struct wallet_descriptor *d;
    char *text;
};

static int compare_shown(const void *a, const void *b)
{
    return strcmp(((const struct shown *)a)->text, ((const struct shown *)b)->text);
}

static void put_descriptor(struct json *j, const struct shown *s)
{
    json_begin_object(j, NULL);
    json_put_str(j, "desc", s->text);
    json_put_int(j, "timestamp", s->d->created);
    json_put_bool(j, "active", s->d->active);
    if (s->d->active)
        json_put_bool(j, "internal", s->d->internal);
    if (descriptor_is_range(s->d->d)) {
        json_begin_array(j, "range");
        json_put_int(j, NULL, s->d->range_begin);
        json_put_int(j, NULL, s->d->range_end - 1);
        json_end(j);
        json_put_int(j, "next", s->d->next);
        json_put_int(j, "next_index", s->d->next);
    }
    json_end(j);
}

static struct rpc_answer *listdescriptors(struct rpc_call *call)
{
    struct wallet *w = rpc_wallet(call);
    struct json *j = rpc_result(call);
    bool private = rpc_arg_bool(call, "private", false), ok = true;
    struct shown *list = NULL;
    const struct wallet_descriptor *d;
    size_t n = 0, cap = 0;
    if (!w || rpc_failed(call))
        return rpc_fail(call);
    if (private && (wallet_flags(w) & WALLET_FLAG_DISABLE_PRIVATE_KEYS))
        return rpc_error(call, RPC_WALLET_ERROR,
                         "Can't get private descriptor string for watch-only wallets");
    if (private && !rpc_wallet_unlocked(call, w))
        return rpc_fail(call);
    const struct address_params *p = &wallet_network(w)->address;
    for (size_t i = 0; (d = wallet_descriptor_at(w, i)); i++) {
        list = array_reserve(list, &cap, n + 1, sizeof(*list));
        list[n].d = d;
        list[n].text = private ? descriptor_to_private_string(p, d->d)
                               : descriptor_to_normalized_string(p, d->d);
        ok = ok && list[n].text;
        n++;
    }
    if (!ok)
        rpc_set_error(call, RPC_WALLET_ERROR, "Can't get descriptor string.");
    if (ok && n)
        qsort(list, n, sizeof(*list), compare_shown);
    json_begin_object(j, NULL);
    json_put_str(j, "wallet_name", wallet_name(w));
    json_begin_array(j, "descriptors");
    for (size_t i = 0; i < n; i++) {
        if (ok)
            put_descriptor(j, &list[i]);
        if (list[i].text)
            wipe(list[i].text, strlen(list[i].text));
        free(list[i].text);
    }
    json_end(j);
    json_end(j);
    free(list);
    return ok ? rpc_ok(call) : rpc_fail(call);
}

const struct rpc_method rpc_wallet_import_methods[] = {
    {"importdescriptors", importdescriptors,
     "Imports descriptors, and scans the chain for them from the earliest time given.",
     RPC_PARAMS({"requests",
                 "[{desc:str, active?:bool, range?:range, next_index?:num, timestamp:any, "
                 "internal?:bool, label?:str}]",
                 RPC_REQUIRED, "The descriptors, with checksum", .usage = "requests"}),
     "[{success:bool, warnings?:[str], error?:{code:num, message:str}}]"},
    {"listdescriptors", listdescriptors, "The wallet's descriptors.",
     RPC_PARAMS({"private", "bool", "false", "With private keys"}),
     "{wallet_name:str, descriptors:[{desc:str, timestamp:time, active:bool, internal?:bool, "
     "range?:[num], next?:num, next_index?:num}]}"},
    {0},
};
