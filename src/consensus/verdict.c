/* What a rule says of a transaction, header or block: a kind, the field's reason string, a detail.
 */
#include "consensus/verdict.h"

#include <stdarg.h>
#include <stdio.h>

bool verdict_fail(struct verdict *v, enum verdict_kind kind, const char *reason,
                  const char *detail_fmt, ...)
{
    va_list ap;

    v->kind = kind;
    snprintf(v->reason, sizeof(v->reason), "%s", reason);
    va_start(ap, detail_fmt);
    vsnprintf(v->detail, sizeof(v->detail), detail_fmt, ap);
    va_end(ap);
    return false;
}

char *verdict_text(const struct verdict *v, char *out, size_t size)
{
    if (v->kind == VERDICT_VALID)
        snprintf(out, size, "Valid");
    else if (v->detail[0] != '\0')
        snprintf(out, size, "%s, %s", v->reason, v->detail);
    else
        snprintf(out, size, "%s", v->reason);
    return out;
}
