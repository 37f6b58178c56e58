/*
 * Types of parameters and results are short texts in the method tables, "{txid:hex, vout?:num}",
 * read when they are needed: when help is asked for, or an options object is to be checked. Trees
 * of nested structs would say the same in five times the lines, and a table that is tedious to
 * write is one that gets out of date. The texts are ours, so a slip in one is a bug (CHECK), and a
 * test walks them all.
 */
#include "rpc/types.h"

#include <stdio.h>

static const char *skip_blanks(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

/* Behind the one type, alternatives included, that begins at p. */
static const char *type_end(const char *p)
{
    int depth = 0;
    for (; *p; p++) {
        if (depth == 0 && (*p == ',' || *p == '}' || *p == ']'))
            break;
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
    }
    CHECK(depth == 0);
    return p;
}

bool rpc_type_alternative(const char **at, const char **begin, size_t *len)
{
    const char *p = skip_blanks(*at), *end = type_end(p);
    if (p == end)
        return false;
    int depth = 0;
    const char *q = p;
    for (; q < end && !(depth == 0 && *q == '|'); q++)
        depth += (*q == '{' || *q == '[') - (*q == '}' || *q == ']');
    *begin = p;
    *len = (size_t)(q - p);
    while (*len > 0 && p[*len - 1] == ' ')
        --*len;
    *at = q < end ? q + 1 : end;
    return true;
}

static const char *kind_of(const char *type, size_t len)
{
    static const struct {
        const char *name, *kind;
    } words[] = {{"str", "string"},  {"hex", "string"}, {"num", "number"},
                 {"time", "number"}, {"amount", NULL},  {"bool", "bool"},
                 {"null", "null"},   {"any", NULL},     {"range", NULL}};
    if (*type == '[')
        return "array";
    if (*type == '{')
        return "object";
    if (*type == '"')
        return "string";
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i].name) == len && strncmp(type, words[i].name, len) == 0)
            return words[i].kind;
    CHECK(!"a type of the method table");
    return NULL;
}

const char *rpc_type_kind(const char *type)
{
    const char *kind = NULL, *begin;
    size_t len;
    for (bool first = true; rpc_type_alternative(&type, &begin, &len); first = false) {
        const char *k = kind_of(begin, len);
        if (!k || (!first && strcmp(k, kind) != 0))
            return NULL;
        kind = k;
    }
    return kind;
}

bool rpc_type_next(const char **at, struct rpc_member *m)
{
    const char *p = *at;
    if (*p == '{' || *p == '[' || *p == ',')
        p++;
    p = skip_blanks(p);
    if (*p == '}' || *p == ']' || *p == 0)
        return false;
    *m = (struct rpc_member){.type = p};
    const char *colon = p + strcspn(p, ":,{}[]|\"");
    if (*colon == ':') { /* a member of an object */
        m->any_key = *p == '<';
        m->optional = colon[-1] == '?';
        const char *name = p + m->any_key;
        size_t len = (size_t)(colon - name) - m->any_key - m->optional;
        CHECK(len < sizeof(m->name));
        memcpy(m->name, name, len);
        m->type = colon + 1;
    }
    *at = type_end(m->type);
    return true;
}

static void usage_members(struct buf *out, const char *type)
{
    struct rpc_member m;
    bool open_end = *type == '[', first = true;
    for (const char *at = type; rpc_type_next(&at, &m); first = false) {
        if (!first)
            write_u8(out, ',');
        if (m.name[0])
            write_printf(out, "\"%s\":", m.name);
        rpc_type_usage(out, m.type);
        open_end |= m.any_key;
    }
    if (open_end)
        write_printf(out, ",...");
}

void rpc_type_usage(struct buf *out, const char *type)
{
    const char *begin, *at = type;
    size_t len;
    if (!rpc_type_alternative(&at, &begin, &len))
        return;
    if (*begin == '{' || *begin == '[') {
        write_u8(out, (uint8_t)*begin);
        usage_members(out, begin);
        write_u8(out, *begin == '{' ? '}' : ']');
    } else if (*begin == '"') {
        write_bytes(out, begin, len);
    } else if (strncmp(begin, "range", len) == 0) {
        write_printf(out, "n or [n,n]");
    } else if (strncmp(begin, "num", len) == 0 || strncmp(begin, "time", len) == 0) {
        write_printf(out, "n");
    } else if (strncmp(begin, "str", len) == 0 || strncmp(begin, "hex", len) == 0) {
        write_printf(out, "\"%.*s\"", (int)len, begin);
    } else {
        write_bytes(out, begin, len);
    }
}

static const char *word_for(const char *type, size_t len)
{
    static const char *const words[][2] = {
        {"str", "\"str\""}, {"hex", "\"hex\""},   {"num", "n"},
        {"time", "xxx"},    {"amount", "n"},      {"bool", "true|false"},
        {"null", "null"},   {"any", "any value"}, {"range", "n or [n,n]"}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i][0]) == len && strncmp(type, words[i][0], len) == 0)
            return words[i][1];
    return NULL;
}

static void describe_members(struct buf *out, const char *type, unsigned indent)
{
    struct rpc_member m;
    for (const char *at = type; rpc_type_next(&at, &m);) {
        write_printf(out, "%*s", (int)indent, "");
        if (m.name[0])
            write_printf(out, "\"%s\" : ", m.name);
        rpc_type_describe(out, m.type, indent);
        bool repeats = *type == '[' || m.any_key;
        write_printf(out, "%s%s\n", m.optional ? "   (optional)" : "", repeats ? ", ..." : "");
    }
}

void rpc_type_describe(struct buf *out, const char *type, unsigned indent)
{
    const char *begin;
    size_t len;
    bool first = true;
    for (const char *at = type; rpc_type_alternative(&at, &begin, &len); first = false) {
        if (!first)
            write_printf(out, " or ");
        const char *word = word_for(begin, len);
        if (word) {
            write_printf(out, "%s", word);
        } else if (*begin == '"') {
            write_bytes(out, begin, len);
        } else {
            write_printf(out, "%c\n", *begin);
            describe_members(out, begin, indent + 2);
            write_printf(out, "%*s%c", (int)indent, "", *begin == '{' ? '}' : ']');
        }
    }
}
