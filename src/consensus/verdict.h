/* What the rules say of a transaction, header or block. */
#ifndef MITE_CONSENSUS_VERDICT_H
#define MITE_CONSENSUS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/check.h"

enum verdict_kind {
    VERDICT_VALID = 0,
    VERDICT_CONSENSUS, /* invalid by the rules: its sender misbehaves */
    VERDICT_MUTATED,   /* the data does not match the header; another copy may be good */
    VERDICT_INVALID_HEADER,
    VERDICT_TIME_FUTURE, /* may become valid */
    VERDICT_MISSING_PREV,
    VERDICT_INVALID_PREV,
    VERDICT_LOW_WORK,       /* header of a chain with too little work */
    VERDICT_CACHED_INVALID, /* known to be invalid */
    /* transactions only */
    VERDICT_POLICY, /* not standard, fee too low... */
    VERDICT_MISSING_INPUTS,
    VERDICT_PREMATURE_SPEND,
    VERDICT_WITNESS_MUTATED,
    VERDICT_WITNESS_STRIPPED,
    VERDICT_CONFLICT,       /* known already, or spent already */
    VERDICT_RECONSIDERABLE, /* too little fee alone; a package may do */
    VERDICT_NO_MEMPOOL,
    /* not the sender's doing */
    VERDICT_ERROR /* disk or database: never taken for "invalid" */
};

struct verdict {
    enum verdict_kind kind;
    char reason[128]; /* "bad-txns-vin-empty" */
    char detail[400]; /* debug message, may be empty */
};

/* Sets and returns false, so that a check can end in `return verdict_fail(...)`. */
bool verdict_fail(struct verdict *v, enum verdict_kind kind, const char *reason,
                  const char *detail_fmt, ...) PRINTF(4, 5);
/* "reason, detail" as RPC and logs show it. */
char *verdict_text(const struct verdict *v, char *out, size_t size);

#endif
