/*
 * Parsing of descriptors: functions around key expressions, by recursive descent over views of the
 * text. Depth is bounded by the grammar (sh, wsh, one leaf) and, in tr(), by the 128 levels of a
 * tree.
 *
 * A multipath text (BIP389) is parsed once for each alternative, each time into a whole tree; the
 * first pass tells how many there are. That costs a second look at the text and spares every later
 * step from carrying lists of lists.
 */
#include <stdio.h>
#include <stdlib.h>

#include "script/descriptor_tree.h"
#include "util/mem.h"
#include "util/str.h"

enum context { IN_TOP, IN_SH, IN_WSH, IN_TR };

struct parser {
    const struct address_params *params;
    size_t alternative; /* of a multipath */
    size_t n_alternatives;
    char *error;
};

static struct node *parse_script(struct parser *ps, struct span text, enum context ctx);

static struct node *fail(struct parser *ps, const char *fmt, ...) PRINTF(2, 3);

/* The first sentence stays. */
static struct node *fail(struct parser *ps, const char *fmt, ...)
{
    va_list ap;

    if (ps->error)
        return NULL;
    va_start(ap, fmt);
    ps->error = xvasprintf(fmt, ap);
    va_end(ap);
    return NULL;
}

/* "name(inside)" -> inside. */
static bool function(struct span *text, const char *name)
{
    size_t n = strlen(name);

    if (text->len < n + 2 || memcmp(text->data, name, n) != 0 || text->data[n] != '(' ||
        text->data[text->len - 1] != ')')
        return false;
    *text = span_of(text->data + n + 1, text->len - n - 2);
    return true;
}

/* Takes one expression: up to a comma or a closing bracket that it did not open. */
static struct span take_expression(struct span *text)
{
    int level = 0;
    size_t i;

    for (i = 0; i < text->len; i++) {
        char c = (char)text->data[i];
        if (c == '(' || c == '{')
            level++;
        else if (level && (c == ')' || c == '}'))
            level--;
        else if (level == 0 && (c == ')' || c == '}' || c == ','))
            break;
    }
    struct span taken = span_of(text->data, i);
    *text = span_of(text->data + i, text->len - i);
    return taken;
}

static bool take_char(struct span *text, char c)
{
    if (!text->len || text->data[0] != (uint8_t)c)
        return false;
    *text = span_of(text->data + 1, text->len - 1);
    return true;
}

static struct node *node_new(enum node_kind kind)
{
    struct node *n = xcalloc(1, sizeof(*n));
    n->kind = kind;
    return n;
}

/* Adds a key to the node. Multipaths of one descriptor have all the same length. */
static bool add_key(struct parser *ps, struct node *n, struct span text, bool uncompressed,
                    bool tap, const char *where)
{
    size_t paths;
    char *why = NULL;

    n->keys = xreallocarray(n->keys, n->n_keys + 1, sizeof(*n->keys));
    bool ok = key_expr_parse(ps->params, text, uncompressed, tap, ps->alternative, &paths,
                             &n->keys[n->n_keys], &why);
    n->n_keys++;
    if (!ok) {
        fail(ps, "%s: %s", where, why);
        free(why);
        return false;
    }
    if (paths > 1 && ps->n_alternatives > 1 && paths != ps->n_alternatives) {
        if (tap && n->kind != NODE_TR && n->kind != NODE_RAWTR)
            fail(ps, "tr(): Multipath subscripts have mismatched lengths");
        else
            fail(ps, "multi(): Multipath derivation paths have mismatched lengths");
        return false;
    }
    if (paths > 1)
        ps->n_alternatives = paths;
    return true;
}

static struct node *parse_single_key(struct parser *ps, enum node_kind kind, struct span text,
                                     enum context ctx)
{
    struct node *n = node_new(kind);
    bool uncompressed = (ctx == IN_TOP || ctx == IN_SH) && kind != NODE_WPKH;
    char where[16];

    snprintf(where, sizeof(where), "%s()", node_names[kind]);
    if (add_key(ps, n, text, uncompressed, ctx == IN_TR, where))
        return n;
    node_free(n);
    return NULL;
}

static bool multi_size_ok(struct parser *ps, const struct node *n, enum context ctx)
{
    bool tap = ctx == IN_TR;
    size_t max = tap ? MAX_PUBKEYS_PER_MULTI_A : MAX_PUBKEYS_PER_MULTISIG, size = 0;

    if (n->n_keys == 0 || n->n_keys > max)
        return fail(ps, "Cannot have %zu keys in %s; must have between 1 and %zu keys, inclusive",
                    n->n_keys, tap ? "multi_a" : "multisig", max);
    if (n->threshold < 1)
        return fail(ps, "Multisig threshold cannot be %u, must be at least 1", n->threshold);
    if (n->threshold > n->n_keys)
        return fail(
            ps,
            "Multisig threshold cannot be larger than the number of keys; threshold is %u but "
            "only %zu keys specified",
            n->threshold, n->n_keys);
    if (ctx == IN_TOP && n->n_keys > 3)
        return fail(ps, "Cannot have %zu pubkeys in bare multisig; only at most 3 pubkeys",
                    n->n_keys);
    for (size_t i = 0; i < n->n_keys; i++)
        size += n->keys[i].pubkey.len + 1u;
    if (ctx == IN_SH && size + 3 > MAX_SCRIPT_ELEMENT_SIZE)
        return fail(ps, "P2SH script is too large, %zu bytes is larger than %d bytes", size + 3,
                    MAX_SCRIPT_ELEMENT_SIZE);
    return true;
}

static struct node *parse_multi(struct parser *ps, enum node_kind kind, struct span text,
                                enum context ctx)
{
    struct node *n = node_new(kind);
    struct span threshold = take_expression(&text);
    char *number = xstrndup((const char *)threshold.data, threshold.len);

    if (!parse_u32(number, &n->threshold)) {
        fail(ps, "Multi threshold '%s' is not valid", number);
        goto failed;
    }
    while (text.len) {
        if (!take_char(&text, ',')) {
            fail(ps, "Multi: expected ',', got '%c'", text.data[0]);
            goto failed;
        }
        struct span key = take_expression(&text);
        if (!add_key(ps, n, key, ctx == IN_TOP || ctx == IN_SH, ctx == IN_TR, "Multi"))
            goto failed;
    }
    if (!multi_size_ok(ps, n, ctx))
        goto failed;
    free(number);
    return n;
failed:
    free(number);
    node_free(n);
    return NULL;
}

static void add_sub(struct node *n, struct node *sub, unsigned depth)
{
    n->sub = xreallocarray(n->sub, n->n_sub + 1, sizeof(*n->sub));
    n->depth = xreallocarray(n->depth, n->n_sub + 1, sizeof(*n->depth));
    n->sub[n->n_sub] = sub;
    n->depth[n->n_sub++] = depth;
}

static struct node *parse_wrapped(struct parser *ps, enum node_kind kind, struct span text,
                                  enum context inner)
{
    struct span expr = take_expression(&text);
    struct node *sub = parse_script(ps, expr, inner);

    if (!sub)
        return NULL;
    if (text.len) { /* more than one argument */
        node_free(sub);
        return fail(ps, "'%.*s' is not a valid descriptor function", (int)expr.len,
                    (const char *)expr.data);
    }
    struct node *n = node_new(kind);
    add_sub(n, sub, 0);
    return n;
}

/* The leaves of a tree from left to right. A branch that is open: whether its right side is next.
 */
static bool parse_tree(struct parser *ps, struct node *n, struct span *text)
{
    bool right[TAPROOT_MAX_DEPTH + 1];
    unsigned depth = 0;

    for (;;) {
        while (take_char(text, '{')) {
            if (depth == TAPROOT_MAX_DEPTH)
                return fail(ps, "tr() supports at most %i nesting levels", TAPROOT_MAX_DEPTH);
            right[depth++] = false;
        }
        struct span leaf = take_expression(text);
        struct node *sub = parse_script(ps, leaf, IN_TR);
        if (!sub)
            return false;
        add_sub(n, sub, depth);
        while (depth && right[depth - 1]) {
            if (!take_char(text, '}'))
                return fail(ps, "tr(): expected '}' after script expression");
            depth--;
        }
        if (depth == 0)
            return true;
        right[depth - 1] = true;
        if (!take_char(text, ','))
            return fail(ps, "tr(): expected ',' after script expression");
    }
}

static struct node *parse_tr(struct parser *ps, struct span text)
{
    struct node *n = node_new(NODE_TR);
    struct span key = take_expression(&text);

    if (!add_key(ps, n, key, false, true, "tr()"))
        goto failed;
    if (text.len) {
        if (!take_char(&text, ',')) {
            fail(ps, "tr: expected ',', got '%c'", text.data[0]);
            goto failed;
        }
        if (!parse_tree(ps, n, &text))
            goto failed;
        if (text.len) {
            fail(ps, "tr(): expected ')' after script expression");
            goto failed;
        }
    }
    return n;
failed:
    node_free(n);
    return NULL;
}

static struct node *parse_rawtr(struct parser *ps, struct span text)
{
    struct node *n = node_new(NODE_RAWTR);
    struct span key = take_expression(&text);

    if (text.len) {
        fail(ps, "rawtr(): only one key expected.");
    } else if (add_key(ps, n, key, false, true, "rawtr()")) {
        return n;
    }
    node_free(n);
    return NULL;
}

static struct node *parse_addr(struct parser *ps, struct span text)
{
    struct node *n = node_new(NODE_ADDR);
    char *s = xstrndup((const char *)text.data, text.len);
    bool ok = address_decode(ps->params, s, &n->destination, NULL);

    free(s);
    if (!ok) {
        node_free(n);
        return fail(ps, "Address is not valid");
    }
    destination_script(&n->destination, &n->script);
    return n;
}

static struct node *parse_raw(struct parser *ps, struct span text)
{
    struct node *n = node_new(NODE_RAW);
    char *s = xstrndup((const char *)text.data, text.len);
    bool ok = is_hex(s) && hex_read(&n->script, s);

    free(s);
    if (ok)
        return n;
    node_free(n);
    return fail(ps, "Raw script is not hex");
}

/* What is no function known here. */
static struct node *fail_unknown(struct parser *ps, struct span text, enum context ctx)
{
    bool function_like = memchr(text.data ? text.data : (const uint8_t *)"", '(', text.len) != NULL;

    if (ctx == IN_SH)
        return fail(ps, "A function is needed within P2SH");
    if (ctx == IN_WSH && !function_like)
        return fail(ps, "A function is needed within P2WSH");
    if (ctx == IN_WSH || (ctx == IN_TR && function_like))
        return fail(ps, "'%.*s': miniscript is not supported", (int)text.len,
                    (const char *)text.data);
    return fail(ps, "'%.*s' is not a valid descriptor function", (int)text.len,
                (const char *)text.data);
}

static struct node *parse_multi_family(struct parser *ps, struct span text, enum context ctx,
                                       bool *matched)
{
    *matched = true;
    for (enum node_kind kind = NODE_MULTI; kind <= NODE_SORTEDMULTI_A; kind++) {
        bool tap = kind == NODE_MULTI_A || kind == NODE_SORTEDMULTI_A;
        if (!function(&text, node_names[kind]))
            continue;
        if (tap == (ctx == IN_TR))
            return parse_multi(ps, kind, text, ctx);
        return fail(ps, tap ? "Can only have multi_a/sortedmulti_a inside tr()"
                            : "Can only have multi/sortedmulti at top level, in sh(), or in wsh()");
    }
    *matched = false;
    return NULL;
}

static struct node *parse_script(struct parser *ps, struct span text, enum context ctx)
{
    bool top = ctx == IN_TOP, top_or_sh = top || ctx == IN_SH, matched;

    if (function(&text, "pk"))
        return parse_single_key(ps, NODE_PK, text, ctx);
    if (ctx != IN_TR && function(&text, "pkh"))
        return parse_single_key(ps, NODE_PKH, text, ctx);
    if (function(&text, "combo"))
        return top ? parse_single_key(ps, NODE_COMBO, text, ctx)
                   : fail(ps, "Can only have combo() at top level");
    struct node *multi = parse_multi_family(ps, text, ctx, &matched);
    if (matched)
        return multi;
    if (function(&text, "wpkh"))
        return top_or_sh ? parse_single_key(ps, NODE_WPKH, text, ctx)
                         : fail(ps, "Can only have wpkh() at top level or inside sh()");
    if (function(&text, "sh"))
        return top ? parse_wrapped(ps, NODE_SH, text, IN_SH)
                   : fail(ps, "Can only have sh() at top level");
    if (function(&text, "wsh"))
        return top_or_sh ? parse_wrapped(ps, NODE_WSH, text, IN_WSH)
                         : fail(ps, "Can only have wsh() at top level or inside sh()");
    if (function(&text, "addr"))
        return top ? parse_addr(ps, text) : fail(ps, "Can only have addr() at top level");
    if (function(&text, "tr"))
        return top ? parse_tr(ps, text) : fail(ps, "Can only have tr at top level");
    if (function(&text, "rawtr"))
        return top ? parse_rawtr(ps, text) : fail(ps, "Can only have rawtr at top level");
    if (function(&text, "raw"))
        return top ? parse_raw(ps, text) : fail(ps, "Can only have raw() at top level");
    return fail_unknown(ps, text, ctx);
}

/* Checks "#checksum" and cuts it off. Returns the text without it (caller frees), or NULL. */
static char *check_checksum(const char *s, bool required, char **error)
{
    const char *hash = strchr(s, '#');
    char sum[9];

    if (hash && strchr(hash + 1, '#')) {
        *error = xstrdup("Multiple '#' symbols");
        return NULL;
    }
    if (!hash && required) {
        *error = xstrdup("Missing checksum");
        return NULL;
    }
    if (hash && strlen(hash + 1) != 8) {
        *error = xasprintf("Expected 8 character checksum, not %zu characters", strlen(hash + 1));
        return NULL;
    }
    char *text = hash ? xstrndup(s, (size_t)(hash - s)) : xstrdup(s);
    if (!descriptor_checksum(text, sum))
        *error = xstrdup("Invalid characters in payload");
    else if (hash && strcmp(sum, hash + 1) != 0)
        *error = xasprintf("Provided checksum '%s' does not match computed checksum '%s'", hash + 1,
                           sum);
    else
        return text;
    wipe(text, strlen(text));
    free(text);
    return NULL;
}

bool descriptor_parse(const struct address_params *p, const char *s, bool require_checksum,
                      struct descriptor ***out, size_t *n, char **error)
{
    struct parser ps = {.params = p, .n_alternatives = 1};
    struct descriptor **list = NULL;
    size_t len = 0;

    *error = NULL;
    char *text = check_checksum(s, require_checksum, error);
    if (!text)
        return false;
    for (ps.alternative = 0; ps.alternative < ps.n_alternatives; ps.alternative++) {
        struct node *root = parse_script(&ps, span_of(text, strlen(text)), IN_TOP);
        if (!root)
            break;
        list = xreallocarray(list, len + 1, sizeof(*list));
        list[len] = xcalloc(1, sizeof(**list));
        list[len++]->root = root;
    }
    wipe(text, strlen(text));
    free(text);
    if (ps.error) {
        descriptors_free(list, len);
        *error = ps.error;
        return false;
    }
    *out = list;
    *n = len;
    return true;
}
