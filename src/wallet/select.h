/* Coin selection: which coins pay an amount. Pure; private to wallet/. */
#ifndef MITE_WALLET_SELECT_H
#define MITE_WALLET_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A coin, or several that are spent together or not at all. */
struct select_item {
    int64_t amount; /* what it brings: value, less its fee unless receivers pay the fee */
    int64_t value;
    int64_t fee;       /* of spending it now */
    int64_t fee_later; /* of spending it some day, at the long-term feerate */
    int64_t weight;
};
struct select_params {
    int64_t target;        /* sum of amounts to reach */
    int64_t change_fee;    /* of a change output */
    int64_t change_cost;   /* of making it now and spending it later */
    int64_t change_target; /* change worth aiming at */
    int64_t change_viable; /* less is left to the fee */
    int64_t max_weight;    /* of the inputs */
    int64_t change_weight;
    bool free_change; /* receivers pay for it */
    bool exact;       /* look for sets without change */
    bool frugal;      /* feerates are high: look for the lightest set */
    uint64_t (*random)(void *arg, uint64_t below);
    void *random_arg;
};
struct selection {
    size_t *items; /* indexes, malloc'ed */
    size_t n;
    int64_t amount, value, weight;
    int64_t change;        /* 0: none */
    int64_t waste;         /* against spending the same coins later; less is better */
    const char *algorithm; /* "bnb", "knapsack", "srd", "cg" */
};

/* The set with the least waste that the algorithms find. False where none reaches the target;
 * *too_heavy: only the weight was in the way. */
bool select_coins(const struct select_item *items, size_t n, const struct select_params *p,
                  struct selection *out, bool *too_heavy);
void selection_clear(struct selection *s);

#endif
