/* decodescript: what a script is, and which addresses would wrap it. */
#include <stdlib.h>

#include "consensus/params.h"
#include "crypto/hash.h"
#include "rpc/tx_json.h"
#include "script/descriptor.h"
#include "util/mem.h"

/* Opcodes that cannot be in a script of segwit version 0: OP_CHECKSIGADD and tapscript's
 * OP_SUCCESS. */
static bool is_tapscript_op(uint8_t op)
{
    return op == OP_CHECKSIGADD || op == OP_RESERVED || op == OP_VER ||
           (op >= OP_CAT && op <= OP_LEFT) || op == OP_RIGHT || (op >= OP_INVERT && op <= OP_XOR) ||
           op == OP_RESERVED1 || op == OP_RESERVED2 || op == OP_2MUL || op == OP_2DIV ||
           (op >= OP_MUL && op <= OP_RSHIFT) || (op >= 187 && op <= 254);
}

static bool has_tapscript_op(struct span script)
{
    struct script_iter it;
    uint8_t op;
    struct span push;
    script_iter_init(&it, script);
    while (script_next(&it, &op, &push))
        if (is_tapscript_op(op))
            return true;
    return false;
}

/* Whether it makes sense as the script of an address. */
static bool can_wrap(struct span script, const struct solution *s)
{
    switch (s->type) {
    case SCRIPT_MULTISIG:
    case SCRIPT_NONSTANDARD:
    case SCRIPT_PUBKEY:
    case SCRIPT_PUBKEYHASH:
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
        return script_has_valid_ops(script) && !script_unspendable(script) &&
               !has_tapscript_op(script);
    case SCRIPT_NULL_DATA:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_WITNESS_UNKNOWN:
    case SCRIPT_WITNESS_V1_TAPROOT:
    case SCRIPT_ANCHOR: return false;
    }
    return false;
}

/* And as one of segwit, whose keys are compressed. */
static bool can_wrap_segwit(const struct solution *s)
{
    switch (s->type) {
    case SCRIPT_MULTISIG:
    case SCRIPT_PUBKEY:
        for (unsigned i = 0; i < s->n_data; i++)
            if (s->data[i].len != 33)
                return false;
        return true;
    case SCRIPT_NONSTANDARD:
    case SCRIPT_PUBKEYHASH: return true;
    case SCRIPT_NULL_DATA:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_WITNESS_UNKNOWN:
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
    case SCRIPT_WITNESS_V1_TAPROOT:
    case SCRIPT_ANCHOR: return false;
    }
    return false;
}

/* The segwit output for it: P2WPKH for what is about one key, P2WSH else. */
static void segwit_output(struct buf *out, struct span script, const struct solution *s)
{
    uint8_t hash[32];
    if (s->type == SCRIPT_PUBKEY) {
        hash160(hash, s->data[0].data, s->data[0].len);
        script_p2wpkh(out, hash);
    } else if (s->type == SCRIPT_PUBKEYHASH) {
        script_p2wpkh(out, s->data[0].data);
    } else {
        sha256(hash, script.data, script.len);
        script_p2wsh(out, hash);
    }
}

static void put_p2sh(struct json *j, const char *key, const struct network *net, struct span script)
{
    struct buf p2sh = BUF_INIT;
    uint8_t hash[20];
    hash160(hash, script.data, script.len);
    script_p2sh(&p2sh, hash);
    json_put_script_address(j, key, net, buf_span(&p2sh));
    buf_clear(&p2sh);
}

static void put_segwit(struct json *j, const struct network *net, struct buf *script,
                       const struct solution *s)
{
    struct buf out = BUF_INIT;
    struct solution o;
    struct expansion known = {.subscripts = script, .n_subscripts = 1};
    segwit_output(&out, buf_span(script), s);
    json_begin_object(j, "segwit");
    json_put_str_take(j, "asm", script_to_asm(buf_span(&out), false));
    json_put_str_take(j, "desc", descriptor_infer(&net->address, buf_span(&out), &known));
    json_put_hex(j, "hex", out.data, out.len);
    json_put_script_address(j, "address", net, buf_span(&out));
    json_put_str(j, "type", script_type_name(script_solve(buf_span(&out), &o)));
    put_p2sh(j, "p2sh-segwit", net, buf_span(&out));
    json_end(j);
    buf_clear(&out);
}

static struct rpc_answer *decodescript(struct rpc_call *call)
{
    const struct network *net = rpc_ctx(call)->net;
    struct buf script = BUF_INIT;
    struct solution s;
    const char *hex = rpc_arg_str(call, "hexstring");
    if (*hex && !rpc_get_hex(call, rpc_arg(call, "hexstring"), "argument", &script)) {
        buf_clear(&script);
        return rpc_fail(call);
    }
    struct json *j = rpc_result(call);
    script_solve(buf_span(&script), &s);
    json_begin_object(j, NULL);
    json_put_script_pubkey_fields(j, net, buf_span(&script), false);
    if (can_wrap(buf_span(&script), &s)) {
        put_p2sh(j, "p2sh", net, buf_span(&script));
        if (can_wrap_segwit(&s))
            put_segwit(j, net, &script, &s);
    }
    json_end(j);
    buf_clear(&script);
    return rpc_ok(call);
}

const struct rpc_method rpc_decodescript_methods[] = {
    {"decodescript", decodescript, "What a script is, and the addresses that would wrap it.",
     RPC_PARAMS({"hexstring", "hex", RPC_REQUIRED, "The script"}),
     "{asm:str, desc:str, type:str, address?:str, p2sh?:str, segwit?:{asm:str, hex:hex, type:str, "
     "address?:str, desc:str, p2sh-segwit:str}}"},
    {0},
};
