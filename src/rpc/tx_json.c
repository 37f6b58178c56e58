/*
 * Transactions as JSON. Written straight to text; the fields and their order are Bitcoin Core's.
 * Everything here is pure: it runs on workers as well, over immutable transactions.
 */
#include "rpc/tx_json.h"

#include <stdlib.h>

#include "consensus/params.h"
#include "script/descriptor.h"
#include "script/standard.h"
#include "store/blockfile.h"

static void put_asm(struct json *j, struct span script, bool sighash)
{
    json_put_str_take(j, "asm", script_to_asm(script, sighash));
}

bool json_put_script_address(struct json *j, const char *key, const struct network *net,
                             struct span script)
{
    struct destination d;
    if (!script_to_destination(script, &d))
        return false;
    json_put_str_take(j, key, address_encode(&net->address, &d));
    return true;
}

void json_put_script_pubkey_fields(struct json *j, const struct network *net, struct span script,
                                   bool hex)
{
    struct solution s;
    put_asm(j, script, false);
    json_put_str_take(j, "desc", descriptor_infer(&net->address, script, NULL));
    if (hex)
        json_put_hex(j, "hex", script.data, script.len);
    json_put_script_address(j, "address", net, script);
    json_put_str(j, "type", script_type_name(script_solve(script, &s)));
}

void json_put_script_pubkey(struct json *j, const char *key, const struct network *net,
                            struct span script, bool hex)
{
    json_begin_object(j, key);
    json_put_script_pubkey_fields(j, net, script, hex);
    json_end(j);
}

static void put_prevout(struct json *j, const struct network *net, const struct coin *coin)
{
    json_begin_object(j, "prevout");
    json_put_bool(j, "generated", coin->coinbase);
    json_put_int(j, "height", coin->height);
    json_put_amount(j, "value", coin->out.value);
    json_put_script_pubkey(j, "scriptPubKey", net, coin->out.script_pubkey, true);
    json_end(j);
}

static void put_input(struct json *j, const struct network *net, const struct tx_in *in,
                      bool coinbase, const struct coin *prevout)
{
    json_begin_object(j, NULL);
    if (coinbase) {
        json_put_hex(j, "coinbase", in->script_sig.data, in->script_sig.len);
    } else {
        json_put_hash(j, "txid", in->prev.txid.b);
        json_put_int(j, "vout", in->prev.n);
        json_begin_object(j, "scriptSig");
        put_asm(j, in->script_sig, true);
        json_put_hex(j, "hex", in->script_sig.data, in->script_sig.len);
        json_end(j);
    }
    if (in->witness.n > 0) {
        json_begin_array(j, "txinwitness");
        for (uint32_t i = 0; i < in->witness.n; i++)
            json_put_hex(j, NULL, in->witness.items[i].data, in->witness.items[i].len);
        json_end(j);
    }
    if (prevout)
        put_prevout(j, net, prevout);
    json_put_int(j, "sequence", in->sequence);
    json_end(j);
}

static void put_output(struct json *j, const struct network *net, const struct tx_out *out,
                       uint32_t n)
{
    json_begin_object(j, NULL);
    json_put_amount(j, "value", out->value);
    json_put_int(j, "n", n);
    json_put_script_pubkey(j, "scriptPubKey", net, out->script_pubkey, true);
    json_end(j);
}

static int64_t fee_of(const struct tx *tx, const struct tx_undo *undo)
{
    int64_t fee = 0;
    for (uint32_t i = 0; i < undo->n; i++)
        fee += undo->coins[i].out.value;
    for (uint32_t i = 0; i < tx->n_out; i++)
        fee -= tx->out[i].value;
    return fee;
}

void json_put_tx_fields(struct json *j, const struct network *net, const struct tx *tx,
                        const struct tx_undo *undo, bool prevouts, bool hex)
{
    bool coinbase = tx_is_coinbase(tx);
    if (undo && undo->n != tx->n_in)
        undo = NULL;
    json_put_hash(j, "txid", tx->txid.b);
    json_put_hash(j, "hash", tx->wtxid.b);
    json_put_int(j, "version", tx->version);
    json_put_int(j, "size", tx->total_size);
    json_put_int(j, "vsize", tx_vsize(tx));
    json_put_int(j, "weight", tx_weight(tx));
    json_put_int(j, "locktime", tx->lock_time);
    json_begin_array(j, "vin");
    for (uint32_t i = 0; i < tx->n_in; i++)
        put_input(j, net, &tx->in[i], coinbase, undo && prevouts ? &undo->coins[i] : NULL);
    json_end(j);
    json_begin_array(j, "vout");
    for (uint32_t i = 0; i < tx->n_out; i++)
        put_output(j, net, &tx->out[i], i);
    json_end(j);
    if (undo)
        json_put_amount(j, "fee", fee_of(tx, undo));
    if (hex)
        json_put_tx_hex(j, "hex", tx);
}

void json_put_tx_hex(struct json *j, const char *key, const struct tx *tx)
{
    json_put_hex(j, key, tx->raw.data, tx->raw.len);
}
