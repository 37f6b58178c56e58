/* Help, made from the method tables: the list, a method's signature, and its page. */
#include <ctype.h>
#include <stdlib.h>

#include "rpc/call.h"
#include "rpc/types.h"
#include "util/mem.h"

static bool is_required(const struct rpc_param *p)
{
    return p->def && strcmp(p->def, RPC_REQUIRED) == 0;
}

static void param_usage(struct buf *out, const struct rpc_param *p)
{
    const char *kind = rpc_type_kind(p->type);
    int name_len = (int)strcspn(p->name, "|");
    if (p->usage)
        write_printf(out, "%s", p->usage);
    else if (kind && strcmp(kind, "string") == 0)
        write_printf(out, "\"%.*s\"", name_len, p->name);
    else if (*p->type != '[' && *p->type != '{')
        write_printf(out, "%.*s", name_len, p->name);
    else
        rpc_type_usage(out, p->type);
    if (p->flags & RPC_NAMED_OPTIONS && !p->usage) { /* more may be given: {"a":n,...} */
        out->len--;
        write_printf(out, ",...}");
    }
}

void rpc_signature(struct buf *out, const struct rpc_method *m)
{
    write_printf(out, "%s", m->name);
    bool optional = false;
    for (const struct rpc_param *p = m->params; p && p->name; p++) {
        if (p->flags & RPC_HIDDEN_PARAM)
            break;
        if (optional != !is_required(p))
            write_printf(out, optional ? " )" : " (");
        optional = !is_required(p);
        write_u8(out, ' ');
        param_usage(out, p);
    }
    if (optional)
        write_printf(out, " )");
}

static void describe_param(struct buf *out, size_t number, const struct rpc_param *p)
{
    struct buf type = BUF_INIT;
    rpc_type_describe(&type, p->type, 4);
    write_printf(out, "%zu. %s   (%s", number, p->name, is_required(p) ? "required" : "optional");
    if (p->def && !is_required(p))
        write_printf(out, ", default=%s", p->def);
    write_printf(out, ") %s\n    %.*s\n", p->about, (int)type.len, (const char *)type.data);
    buf_clear(&type);
}

void rpc_help_method(struct buf *out, const struct rpc_method *m)
{
    rpc_signature(out, m);
    write_printf(out, "\n\n%s\n", m->about);
    size_t n = 0;
    for (const struct rpc_param *p = m->params; p && p->name; p++) {
        if (p->flags & RPC_HIDDEN_PARAM)
            break;
        if (n++ == 0)
            write_printf(out, "\nArguments:\n");
        describe_param(out, n, p);
    }
    if (m->result) {
        write_printf(out, "\nResult:\n");
        rpc_type_describe(out, m->result, 0);
        write_printf(out, "\n");
    }
}

struct line {
    const char *category;
    const struct rpc_method *method;
};

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int c = strcmp(x->category, y->category);
    return c ? c : strcmp(x->method->name, y->method->name);
}

static bool listed(const struct rpc_context *ctx, const struct rpc_table *t)
{
    return strcmp(t->category, "hidden") != 0 &&
           (strcmp(t->category, "wallet") != 0 || ctx->wallets);
}

void rpc_help_list(struct buf *out, const struct rpc_context *ctx)
{
    struct line *lines = NULL;
    size_t n = 0, cap = 0;
    for (const struct rpc_table *t = rpc_tables; t->methods; t++) {
        for (const struct rpc_method *m = t->methods; m->name && listed(ctx, t); m++) {
            if (m->hidden)
                continue;
            lines = array_reserve(lines, &cap, n + 1, sizeof(*lines));
            lines[n++] = (struct line){t->category, m};
        }
    }
    if (n > 1)
        qsort(lines, n, sizeof(*lines), compare_lines);
    for (size_t i = 0; i < n; i++) {
        const char *c = lines[i].category;
        if (i == 0 || strcmp(c, lines[i - 1].category) != 0)
            write_printf(out, "%s== %c%s ==\n", i ? "\n" : "", toupper((unsigned char)c[0]), c + 1);
        rpc_signature(out, lines[i].method);
        write_u8(out, '\n');
    }
    if (out->len > 0)
        out->len--; /* the last line has no end, as in Core */
    free(lines);
}

const struct rpc_method *rpc_find_method(const struct rpc_context *ctx, const char *name)
{
    for (const struct rpc_table *t = rpc_tables; t->methods; t++) {
        if (strcmp(t->category, "wallet") == 0 && !ctx->wallets)
            continue;
        for (const struct rpc_method *m = t->methods; m->name; m++)
            if (strcmp(m->name, name) == 0)
                return m;
    }
    return NULL;
}
