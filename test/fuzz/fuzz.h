/* A fuzz target: takes any bytes, returns 0, and aborts (CHECK) where something that must hold does
 * not. Linked with replay.c, or with libFuzzer in a build with --enable-fuzz. */
#ifndef MITE_FUZZ_H
#define MITE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
