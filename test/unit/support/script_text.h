/* Scripts in the notation of script_tests.json and tx_valid.json. */
#ifndef MITE_UNIT_SUPPORT_SCRIPT_TEXT_H
#define MITE_UNIT_SUPPORT_SCRIPT_TEXT_H

#include "script/script.h"

/* Words: "0x14" raw bytes, a decimal number as its shortest push, 'text' as a push, and operations
 * with or without OP_. Appends to out; false where a word is none of these. */
bool script_from_text(const char *s, struct buf *out);

#endif
