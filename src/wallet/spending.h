/* A payment in the making: private to wallet/spend*.c. */
#ifndef MITE_WALLET_SPENDING_H
#define MITE_WALLET_SPENDING_H

#include "wallet/inside.h"
#include "wallet/select.h"

struct choice {
    struct wallet *w;
    const struct spend_request *r;
    int64_t feerate;
    enum spend_fee_source source;
    int64_t discard_feerate;
    enum output_type change_type;
    struct buf change_script; /* empty: none could be made */
    char *change_error;
    int64_t change_size, change_spend_size;
    int64_t paid; /* sum of outputs */
    unsigned n_subtract;
    int64_t base_size; /* virtual size without inputs and change */
    struct select_params params;
    struct wallet_coin *coins; /* candidates */
    size_t n_coins;
    int64_t *coin_weight;
    bool *coin_witness;
    int64_t preset_amount, preset_value, preset_weight;
    bool preset_witness;
    struct tx_out *preset_out;
};

/* What selection came to: indexes into coins. */
struct chosen {
    size_t *coins;
    size_t n;
    int64_t change;
};

/* Sets *error (takes over text) and returns false. */
bool spend_fail(char **error, char *text);
int64_t spend_input_fee(int64_t feerate, int64_t weight);
/* Fills c->coins with what may be chosen. */
void spend_find_candidates(struct choice *c);
/* Chooses for c->params; false: *error. */
bool spend_choose_coins(struct choice *c, struct chosen *out, char **error);

#endif
