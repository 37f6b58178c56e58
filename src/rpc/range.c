/* The "range" of descriptors: a number (the end) or [begin, end], both ends included. */
#include "rpc/range.h"

#define MAX_RANGE 1000000

static bool read_ends(struct rpc_call *call, struct json_object *v, int64_t *begin, int64_t *end)
{
    if (json_object_is_type(v, json_type_int)) {
        *begin = 0;
        *end = json_object_get_int64(v);
        return true;
    }
    if (json_object_is_type(v, json_type_array) && json_object_array_length(v) == 2 &&
        json_as_int(json_object_array_get_idx(v, 0), INT64_MIN, INT64_MAX, begin) &&
        json_as_int(json_object_array_get_idx(v, 1), INT64_MIN, INT64_MAX, end)) {
        if (*begin <= *end)
            return true;
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Range specified as [begin,end] must not have begin after end");
    }
    return rpc_set_error(call, RPC_INVALID_PARAMETER,
                         "Range must be specified as end or as [begin,end]");
}

bool rpc_get_range(struct rpc_call *call, struct json_object *v, int64_t *begin, int64_t *end)
{
    if (!read_ends(call, v, begin, end))
        return false;
    if (*begin < 0)
        return rpc_set_error(call, RPC_INVALID_PARAMETER,
                             "Range should be greater or equal than 0");
    if (*end < 0 || *end > INT32_MAX)
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "End of range is too high");
    if (*end >= *begin + MAX_RANGE)
        return rpc_set_error(call, RPC_INVALID_PARAMETER, "Range is too large");
    return true;
}
