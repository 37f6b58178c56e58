/* Blocks: what parses is written back byte for byte; its merkle roots and checks come to an end. */
#include "chain/block.h"
#include "consensus/params.h"
#include "consensus/rules.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct block *block = block_parse(data, size);
    if (!block)
        return 0;
    struct buf b = BUF_INIT;
    uint8_t root[32];
    bool mutated;
    struct verdict v;
    block_write(&b, block, true);
    CHECK(span_eq(buf_span(&b), span_of(data, size)));
    block_merkle_root(block, root, &mutated);
    block_witness_merkle_root(block, root);
    witness_commitment_index(block);
    bool strict = block_check(block, network_find("main"), true, true, &v);
    CHECK(!strict || block_check(block, network_find("main"), false, false, &v));
    buf_clear(&b);
    block_unref(block);
    return 0;
}
