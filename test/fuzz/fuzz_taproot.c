/*
 * Taproot spends: a transaction with the witness of its first input, and flags[4] behind it. The
 * output is made to fit the control block, whatever length, leaf version and path that has; else it
 * is a fixed key. Must hold: the leaf counts as committed to, and not by another path; the same
 * verdict twice; more flags are never more lenient.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "script/standard.h"
#include "script/verify.h"
#include "util/mem.h"

/* The control block and script of a script path spend; false where the witness is none. */
static bool find_leaf(const struct witness *w, struct span *control, struct span *script)
{
    uint32_t n = w->n;

    if (n >= 2 && w->items[n - 1].len && w->items[n - 1].data[0] == 0x50)
        n--;
    if (n < 2)
        return false;
    *control = w->items[n - 1];
    *script = w->items[n - 2];
    return control->len >= 33 && (control->len - 33) % 32 == 0 && control->len <= 33 + 32 * 128;
}

/* The output key that the control block leads to; false where its internal key is none. */
static bool output_of(struct span control, struct span script, struct xonly *out, bool *parity)
{
    uint8_t leaf[32], root[32], tweak[32];
    struct xonly internal;

    memcpy(internal.b, control.data + 1, 32);
    tapleaf_hash(leaf, control.data[0] & 0xfe, script);
    taproot_root(root, leaf, control);
    taptweak_hash(tweak, &internal, root);
    return taproot_tweak(out, parity, &internal, tweak);
}

static struct xonly some_key(void)
{
    static const struct seckey key = {.b = {3}, .compressed = true};
    struct pubkey pk;

    CHECK(seckey_pubkey(&pk, &key));
    return pubkey_xonly(&pk);
}

static void verify(const struct tx *tx, const struct tx_out *spent, const struct witness *w,
                   uint32_t flags, bool committed)
{
    uint32_t few = SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_TAPROOT;
    struct sighash_cache c;
    enum script_error err, again;
    bool ok;

    sighash_cache_init_all(&c, tx, spent);
    ok = script_verify_parts(&c, 0, span_of(NULL, 0), w, &spent[0], few, NULL, &err);
    CHECK(script_verify_parts(&c, 0, span_of(NULL, 0), w, &spent[0], few, NULL, &again) == ok);
    CHECK(err == again);
    if (committed)
        CHECK(err != SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH);
    if (!ok)
        CHECK(!script_verify_parts(&c, 0, span_of(NULL, 0), w, &spent[0], few | flags, NULL, NULL));
}

static void check(const struct tx *tx, uint32_t flags)
{
    const struct witness *w = &tx->in[0].witness;
    struct buf output = BUF_INIT;
    struct tx_out *spent = xcalloc(tx->n_in, sizeof(*spent));
    struct xonly key = some_key();
    struct span control, script, own;
    struct buf changed = BUF_INIT;
    bool parity, fits = false;

    if (find_leaf(w, &control, &script) && output_of(control, script, &key, &parity))
        fits = parity == (control.data[0] & 1);
    script_p2tr(&output, &key);
    for (uint32_t i = 0; i < tx->n_in; i++)
        spent[i] = (struct tx_out){i, buf_span(&output)};
    verify(tx, spent, w, flags, fits);
    if (fits && w->n < 100) { /* another path does not lead there */
        struct span items[100];
        struct sighash_cache c;
        enum script_error err;

        write_span(&changed, control);
        changed.data[changed.len - 1] ^= 1;
        own = buf_span(&changed);
        for (uint32_t i = 0; i < w->n; i++)
            items[i] = w->items[i].data == control.data ? own : w->items[i];
        sighash_cache_init_all(&c, tx, spent);
        CHECK(!script_verify_parts(&c, 0, span_of(NULL, 0), &(struct witness){items, w->n},
                                   &spent[0], SCRIPT_VERIFY_MANDATORY, NULL, &err));
        CHECK(err == SCRIPT_ERR_WITNESS_PROGRAM_MISMATCH);
        buf_clear(&changed);
    }
    free(spent);
    buf_clear(&output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r;
    struct tx *tx;

    reader_init(&r, data, size);
    tx = tx_read(&r, true);
    if (!tx)
        return 0;
    if (tx->n_in > 0)
        check(tx, read_u32(&r) & ((1u << 21) - 1));
    tx_unref(tx);
    return 0;
}
