/*
 * Events: what happened to the chain, told to everybody who asked for it, in the order in which
 * they asked. See chain.h for what a subscriber may do.
 */
#include "validation/internal.h"

void chain_subscribe(struct chain *c, const struct chain_events *events, void *arg)
{
    CHECK(c->n_subscribers < SUBSCRIBERS_MAX);
    c->subscribers[c->n_subscribers++] = (struct subscriber){*events, arg};
}

void chain_unsubscribe(struct chain *c, const void *arg)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->n_subscribers; i++) {
        if (c->subscribers[i].arg != arg)
            c->subscribers[kept++] = c->subscribers[i];
    }
    c->n_subscribers = kept;
}

/* Calls one member of every subscriber that has it. */
#define TELL(c, member, ...)                                 \
    for (size_t i_ = 0; i_ < (c)->n_subscribers; i_++) {     \
        const struct subscriber *s_ = &(c)->subscribers[i_]; \
        if (s_->events.member)                               \
            s_->events.member(s_->arg, __VA_ARGS__);         \
    }

void event_connected(struct chain *c, const struct block *b, const struct node *n,
                     const struct block_undo *u)
{
    TELL(c, block_connected, b, &n->i, u)
}

void event_disconnected(struct chain *c, const struct block *b, const struct node *n)
{
    TELL(c, block_disconnected, b, &n->i)
}

void event_tip_changed(struct chain *c)
{
    const struct node *tip = tip_node(c);
    const struct block_index *fork;

    if (c->tip_told == tip)
        return;
    fork = chain_fork(c, &c->tip_told->i);
    c->tip_told = tip_node(c);
    TELL(c, tip_changed, &tip->i, fork, c->ibd)
}

void event_header_tip(struct chain *c)
{
    TELL(c, header_tip, &c->best_header->i, c->ibd)
}

void event_checked(struct chain *c, const struct block *b, const struct node *n,
                   const struct verdict *v)
{
    TELL(c, block_checked, b, n ? &n->i : NULL, v)
}

void event_accepted(struct chain *c, const struct block *b, const struct node *n)
{
    TELL(c, block_accepted, b, &n->i)
}

void event_flushed(struct chain *c, const struct node *n)
{
    TELL(c, flushed, &n->i)
}
