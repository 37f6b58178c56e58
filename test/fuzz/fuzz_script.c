/*
 * Scripts: flags[4] place[1], scriptSig, script, number of witness items[1], the items; each string
 * with a CompactSize length. The place says where the script stands: in the output, or behind the
 * hash of a P2SH, P2WSH or taproot output, which is then made to fit. Must hold: the same verdict
 * twice, and none of fewer flags that is stricter than one of more.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "script/standard.h"
#include "script/verify.h"

enum place { IN_OUTPUT, IN_P2SH, IN_P2WSH, IN_TAPROOT, N_PLACES };

struct input {
    uint32_t flags;
    enum place place;
    struct span script_sig, script;
    struct span items[258];
    uint32_t n_items;
};

static bool read_input(struct input *in, const uint8_t *data, size_t size)
{
    struct reader r;
    reader_init(&r, data, size);
    in->flags = read_u32(&r);
    in->place = (enum place)(read_u8(&r) % N_PLACES);
    in->script_sig = read_var_span(&r, size);
    in->script = read_var_span(&r, size);
    in->n_items = read_u8(&r);
    for (uint32_t i = 0; i < in->n_items; i++)
        in->items[i] = read_var_span(&r, size);
    return reader_ok(&r);
}

/* An output of one leaf under a fixed key: the control block goes into `control`. */
static void taproot_output(struct span script, struct buf *output, struct buf *control)
{
    static const struct seckey key = {.b = {1}, .compressed = true};
    struct pubkey pk;
    struct xonly out;
    uint8_t leaf[32], tweak[32];
    bool parity;
    CHECK(seckey_pubkey(&pk, &key));
    struct xonly internal = pubkey_xonly(&pk);
    tapleaf_hash(leaf, 0xc0, script);
    taptweak_hash(tweak, &internal, leaf);
    CHECK(taproot_tweak(&out, &parity, &internal, tweak));
    script_p2tr(output, &out);
    write_u8(control, (uint8_t)(0xc0 | parity));
    write_bytes(control, internal.b, 32);
}

static void make_output(struct input *in, struct buf *output, struct buf *script_sig,
                        struct buf *control)
{
    uint8_t hash[32];
    write_span(script_sig, in->script_sig);
    if (in->place == IN_OUTPUT) {
        write_span(output, in->script);
    } else if (in->place == IN_P2SH) {
        hash160(hash, in->script.data, in->script.len);
        script_p2sh(output, hash);
        script_push_span(script_sig, in->script);
    } else {
        in->items[in->n_items++] = in->script;
        sha256(hash, in->script.data, in->script.len);
        if (in->place == IN_P2WSH) {
            script_p2wsh(output, hash);
        } else {
            taproot_output(in->script, output, control);
            in->items[in->n_items++] = buf_span(control);
        }
    }
}

static struct tx *make_tx(void)
{
    struct mtx m;
    struct outpoint prev = {.n = 1};
    mtx_init(&m);
    mtx_add_in(&m, &prev, 0);
    mtx_add_in(&m, &prev, SEQUENCE_FINAL);
    mtx_add_out(&m, 1, span_of("\x51", 1));
    struct tx *tx = mtx_finish(&m);
    mtx_clear(&m);
    return tx;
}

static uint32_t sane_flags(uint32_t flags)
{
    if (flags & (SCRIPT_VERIFY_CLEANSTACK | SCRIPT_VERIFY_TAPROOT))
        flags |= SCRIPT_VERIFY_WITNESS;
    return flags & SCRIPT_VERIFY_WITNESS ? flags | SCRIPT_VERIFY_P2SH : flags;
}

static void verify(const struct input *in, struct span script_sig, struct span output)
{
    struct tx *tx = make_tx();
    struct tx_out spent[2] = {{1, output}, {2, output}};
    struct witness w = {in->items, in->n_items};
    struct sighash_cache c;
    enum script_error err, again;
    uint32_t more = sane_flags(in->flags | in->flags >> 16), few = sane_flags(in->flags & more);
    sighash_cache_init_all(&c, tx, spent);
    bool ok = script_verify_parts(&c, 0, script_sig, &w, &spent[0], few, NULL, &err);
    CHECK(ok == (err == SCRIPT_ERR_OK));
    CHECK(script_verify_parts(&c, 0, script_sig, &w, &spent[0], few, NULL, &again) == ok);
    CHECK(err == again);
    CHECK(ok || !script_verify_parts(&c, 0, script_sig, &w, &spent[0], more, NULL, NULL));
    tx_unref(tx);
}

static void read_otherwise(const struct input *in, struct span script_sig, struct span output)
{
    struct tx_in txin = {.script_sig = script_sig, .witness = {in->items, in->n_items}};
    struct solution sol;
    struct destination d;
    if (script_solve(in->script, &sol) != SCRIPT_NONSTANDARD &&
        script_to_destination(in->script, &d)) {
        struct buf back = BUF_INIT;
        destination_script(&d, &back);
        CHECK(span_eq(buf_span(&back), in->script));
        buf_clear(&back);
    }
    CHECK(script_sigops(in->script, true) <= script_sigops(in->script, false));
    p2sh_sigops(&txin, output);
    witness_sigops(&txin, output, SCRIPT_VERIFY_WITNESS);
    free(script_to_asm(in->script, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in;
    if (!read_input(&in, data, size))
        return 0;
    struct buf output = BUF_INIT, script_sig = BUF_INIT, control = BUF_INIT;
    make_output(&in, &output, &script_sig, &control);
    verify(&in, buf_span(&script_sig), buf_span(&output));
    read_otherwise(&in, buf_span(&script_sig), buf_span(&output));
    buf_clear(&output);
    buf_clear(&script_sig);
    buf_clear(&control);
    return 0;
}
