/*
 * What was verified is not verified again: whole transactions by wtxid and flags (the mempool fills
 * it, block connection asks it), and single signatures.
 */
#ifndef MITE_VALIDATION_SCRIPT_CACHE_H
#define MITE_VALIDATION_SCRIPT_CACHE_H

#include "script/verify.h"

/* Transactions all of whose scripts are good under `flags`. A wtxid commits to the outpoints and
 * witnesses, an outpoint to the output spent: so nothing else matters. Owner's thread. */
struct script_cache;
struct script_cache *script_cache_create(size_t bytes);
void script_cache_destroy(struct script_cache *c);
bool script_cache_has(const struct script_cache *c, const struct wtxid *wtxid, uint32_t flags);
void script_cache_add(struct script_cache *c, const struct wtxid *wtxid, uint32_t flags);

/* Signatures found good. May be used by all threads; the oldest go first. */
struct sig_memo *sig_memo_create(size_t bytes);
void sig_memo_destroy(struct sig_memo *m);

#endif
