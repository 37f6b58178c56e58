/*
 * The table says of each method its parameters in order: a `*` behind the name means JSON, a `?`
 * JSON or, where that fails, text, a `+`
 * text that may well hold a `=` itself, nothing other text; `|` joins aliases; behind ` : ` stand
 * the members of an options object that may be given by name. The node has the same facts in its
 * own tables (rpc/), but together with the handlers, so that a client that shared them would be as
 * large as the node; a test holds the two against each other.
 */
#include "cli/params.h"

#include <json-c/json.h>
#include <string.h>

#include "rpc/json.h"
#include "util/mem.h"

struct method_params {
    const char *method, *params;
};

/* clang-format off */
static const struct method_params table[] = {
    {"abandontransaction", "txid"},
    {"abortprivatebroadcast", "id"},
    {"abortrescan", ""},
    {"addconnection", "address connection_type v2transport*"},
    {"addhdkey", "hdkey"},
    {"addnode", "node command v2transport*"},
    {"addpeeraddress", "address port* tried*"},
    {"analyzepsbt", "psbt+"},
    {"backupwallet", "destination+"},
    {"bumpfee",
        "txid options* : conf_target* fee_rate* replaceable* outputs* "
        "original_change_index* estimate_mode"},
    {"clearbanned", ""},
    {"combinepsbt", "txs*"},
    {"combinerawtransaction", "txs*"},
    {"converttopsbt", "hexstring permitsigdata* iswitness* psbt_version*"},
    {"createmultisig", "nrequired* keys* address_type"},
    {"createpsbt", "inputs* outputs* locktime* replaceable* version* psbt_version*"},
    {"createrawtransaction", "inputs* outputs* locktime* replaceable* version*"},
    {"createwallet",
        "wallet_name+ disable_private_keys* blank* passphrase+ avoid_reuse* descriptors* "
        "load_on_startup* external_signer*"},
    {"createwalletdescriptor", "type options* : internal* hdkey"},
    {"decodepsbt", "psbt+"},
    {"decoderawtransaction", "hexstring iswitness*"},
    {"decodescript", "hexstring"},
    {"deriveaddresses", "descriptor range*"},
    {"derivehdkey", "path options* : private* hdkey"},
    {"descriptorprocesspsbt", "psbt+ descriptors* sighashtype+ bip32derivs* finalize*"},
    {"disconnectnode", "address nodeid*"},
    {"dumptxoutset", "path+ type+ options* : rollback? in_memory*"},
    {"echo", "arg0 arg1 arg2 arg3 arg4 arg5 arg6 arg7 arg8 arg9"},
    {"echojson", "arg0* arg1* arg2* arg3* arg4* arg5* arg6* arg7* arg8* arg9*"},
    {"encryptwallet", "passphrase+"},
    {"enumeratesigners", ""},
    {"estimaterawfee", "conf_target* threshold*"},
    {"estimatesmartfee", "conf_target* estimate_mode options* : fee_rate_estimator verbosity*"},
    {"exportasmap", "path"},
    {"exportwatchonlywallet", "destination"},
    {"finalizepsbt", "psbt+ extract*"},
    {"fundrawtransaction",
        "hexstring options* iswitness* : add_inputs* include_unsafe* minconf* maxconf* "
        "changePosition* includeWatching* lockUnspents* fee_rate* feeRate* "
        "subtractFeeFromOutputs* input_weights* conf_target* replaceable* solving_data* "
        "max_tx_weight* changeAddress change_type estimate_mode"},
    {"generateblock", "output transactions* submit*"},
    {"generatetoaddress", "nblocks* address maxtries*"},
    {"generatetodescriptor", "num_blocks* descriptor maxtries*"},
    {"getaddednodeinfo", "node"},
    {"getaddressesbylabel", "label+"},
    {"getaddressinfo", "address"},
    {"getaddrmaninfo", ""},
    {"getbalance", "dummy minconf* include_watchonly* avoid_reuse*"},
    {"getbalances", ""},
    {"getbestblockhash", ""},
    {"getblock", "blockhash verbosity|verbose*"},
    {"getblockchaininfo", ""},
    {"getblockcount", ""},
    {"getblockfilter", "blockhash filtertype"},
    {"getblockfrompeer", "blockhash peer_id*"},
    {"getblockhash", "height*"},
    {"getblockheader", "blockhash verbose*"},
    {"getblockstats", "hash_or_height? stats*"},
    {"getblocktemplate", "template_request*"},
    {"getchainstates", ""},
    {"getchaintips", ""},
    {"getchaintxstats", "nblocks* blockhash"},
    {"getconnectioncount", ""},
    {"getdeploymentinfo", "blockhash"},
    {"getdescriptoractivity", "blockhashes* scanobjects* include_mempool*"},
    {"getdescriptorinfo", "descriptor"},
    {"getdifficulty", ""},
    {"gethdkeys", "options* : active_only* private*"},
    {"getindexinfo", "index_name"},
    {"getmemoryinfo", "mode"},
    {"getmempoolancestors", "txid verbose*"},
    {"getmempoolcluster", "txid"},
    {"getmempooldescendants", "txid verbose*"},
    {"getmempoolentry", "txid"},
    {"getmempoolinfo", ""},
    {"getmininginfo", ""},
    {"getnettotals", ""},
    {"getnetworkhashps", "nblocks* height*"},
    {"getnetworkinfo", ""},
    {"getnewaddress", "label+ address_type+"},
    {"getnodeaddresses", "count* network"},
    {"getopenrpcinfo", "show_hidden*"},
    {"getorphantxs", "verbosity*"},
    {"getpeerinfo", ""},
    {"getprioritisedtransactions", ""},
    {"getprivatebroadcastinfo", ""},
    {"getrawaddrman", ""},
    {"getrawchangeaddress", "address_type"},
    {"getrawmempool", "verbose* mempool_sequence*"},
    {"getrawtransaction", "txid verbosity|verbose* blockhash"},
    {"getreceivedbyaddress", "address minconf* include_immature_coinbase*"},
    {"getreceivedbylabel", "label+ minconf* include_immature_coinbase*"},
    {"getrpcinfo", ""},
    {"gettransaction", "txid include_watchonly* verbose*"},
    {"gettxout", "txid n* include_mempool*"},
    {"gettxoutproof", "txids* blockhash"},
    {"gettxoutsetinfo", "hash_type hash_or_height? use_index*"},
    {"gettxspendingprevout", "outputs* options* : mempool_only* return_spending_tx*"},
    {"getwalletinfo", ""},
    {"getzmqnotifications", ""},
    {"help", "command"},
    {"importdescriptors", "requests*"},
    {"importmempool",
        "filepath+ options* : apply_fee_delta_priority* use_current_time* "
        "apply_unbroadcast_set*"},
    {"importprunedfunds", "rawtransaction txoutproof"},
    {"invalidateblock", "blockhash"},
    {"joinpsbts", "txs*"},
    {"keypoolrefill", "newsize*"},
    {"listaddressgroupings", ""},
    {"listbanned", ""},
    {"listdescriptors", "private*"},
    {"listlabels", "purpose"},
    {"listlockunspent", ""},
    {"listreceivedbyaddress",
        "minconf* include_empty* include_watchonly* address_filter "
        "include_immature_coinbase*"},
    {"listreceivedbylabel",
        "minconf* include_empty* include_watchonly* include_immature_coinbase*"},
    {"listsinceblock",
        "blockhash+ target_confirmations* include_watchonly* include_removed* "
        "include_change* label+"},
    {"listtransactions", "label+ count* skip* include_watchonly*"},
    {"listunspent",
        "minconf* maxconf* addresses* include_unsafe* query_options* : minimumAmount* "
        "maximumAmount* maximumCount* minimumSumAmount* include_immature_coinbase*"},
    {"listwalletdir", ""},
    {"listwallets", ""},
    {"loadtxoutset", "path+"},
    {"loadwallet", "filename+ load_on_startup*"},
    {"lockunspent", "unlock* transactions* persistent*"},
    {"logging", "include* exclude*"},
    {"migratewallet", "wallet_name+ passphrase+ load_wallet*"},
    {"mockscheduler", "delta_time*"},
    {"ping", ""},
    {"preciousblock", "blockhash"},
    {"prioritisetransaction", "txid dummy* fee_delta*"},
    {"pruneblockchain", "height*"},
    {"psbtbumpfee",
        "txid options* : conf_target* fee_rate* replaceable* outputs* "
        "original_change_index* psbt_version* estimate_mode"},
    {"reconsiderblock", "blockhash"},
    {"removeprunedfunds", "txid"},
    {"rescanblockchain", "start_height* stop_height*"},
    {"restorewallet", "wallet_name+ backup_file+ load_on_startup*"},
    {"savemempool", ""},
    {"scanblocks",
        "action scanobjects* start_height* stop_height* filtertype options* : "
        "filter_false_positives*"},
    {"scantxoutset", "action scanobjects*"},
    {"send",
        "outputs* conf_target* estimate_mode fee_rate* options* version* : add_inputs* "
        "include_unsafe* minconf* maxconf* add_to_wallet* change_position* "
        "include_watching* inputs* locktime* lock_unspents* psbt* "
        "subtract_fee_from_outputs* replaceable* solving_data* max_tx_weight* "
        "change_address change_type"},
    {"sendall",
        "recipients* conf_target* estimate_mode fee_rate* options* : add_to_wallet* "
        "include_watching* inputs* locktime* lock_unspents* psbt* send_max* minconf* "
        "maxconf* replaceable* solving_data* version*"},
    {"sendmany",
        "dummy+ amounts* minconf* comment+ subtractfeefrom* replaceable* conf_target* "
        "estimate_mode+ fee_rate* verbose*"},
    {"sendmsgtopeer", "peer_id* msg_type msg"},
    {"sendrawtransaction", "hexstring maxfeerate* maxburnamount*"},
    {"sendtoaddress",
        "address+ amount* comment+ comment_to+ subtractfeefromamount* replaceable* "
        "conf_target* estimate_mode+ avoid_reuse* fee_rate* verbose*"},
    {"setban", "subnet command bantime* absolute*"},
    {"setlabel", "address label+"},
    {"setmocktime", "timestamp*"},
    {"setnetworkactive", "state*"},
    {"setwalletflag", "flag value*"},
    {"signmessage", "address message+"},
    {"signmessagewithprivkey", "privkey message+"},
    {"signrawtransactionwithkey", "hexstring privkeys* prevtxs* sighashtype"},
    {"signrawtransactionwithwallet", "hexstring prevtxs* sighashtype"},
    {"simulaterawtransaction", "rawtxs* options* : include_watchonly*"},
    {"stop", ": wait*"},
    {"submitblock", "hexdata dummy"},
    {"submitheader", "hexdata"},
    {"submitpackage", "package* maxfeerate* maxburnamount*"},
    {"testmempoolaccept", "rawtxs* maxfeerate*"},
    {"unloadwallet", "wallet_name+ load_on_startup*"},
    {"uptime", ""},
    {"utxoupdatepsbt", "psbt+ descriptors*"},
    {"validateaddress", "address"},
    {"verifychain", "checklevel* nblocks*"},
    {"verifymessage", "address signature+ message+"},
    {"verifytxoutproof", "proof"},
    {"waitforblock", "blockhash timeout*"},
    {"waitforblockheight", "height* timeout*"},
    {"waitfornewblock", "timeout* current_tip"},
    {"walletcreatefundedpsbt",
        "inputs* outputs* locktime* options* bip32derivs* version* psbt_version* : "
        "add_inputs* include_unsafe* minconf* maxconf* changePosition* includeWatching* "
        "lockUnspents* fee_rate* feeRate* subtractFeeFromOutputs* conf_target* "
        "replaceable* solving_data* max_tx_weight* changeAddress change_type "
        "estimate_mode"},
    {"walletdisplayaddress", "address"},
    {"walletlock", ""},
    {"walletpassphrase", "passphrase+ timeout*"},
    {"walletpassphrasechange", "oldpassphrase+ newpassphrase+"},
    {"walletprocesspsbt", "psbt+ sign* sighashtype+ bip32derivs* finalize*"},
};
/* clang-format on */

size_t cli_method_count(void)
{
    return ARRAY_LEN(table);
}

const char *cli_method_name(size_t i)
{
    return table[i].method;
}

const char *cli_method_params(const char *method)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(table[i].method, method) == 0)
            return table[i].params;
    return NULL;
}

enum param_format { FORMAT_NONE, FORMAT_TEXT, FORMAT_FREE_TEXT, FORMAT_JSON, FORMAT_EITHER };

/* Walks the words of a params string; *word and *len without the mark behind it. */
static const char *next_param(const char *p, const char **word, size_t *len, enum param_format *f)
{
    p += strspn(p, " ");
    if (!*p)
        return NULL;
    *word = p;
    *len = strcspn(p, " ");
    p += *len;
    char mark = (*word)[*len - 1];
    *f = mark == '*'   ? FORMAT_JSON
         : mark == '?' ? FORMAT_EITHER
         : mark == '+' ? FORMAT_FREE_TEXT
                       : FORMAT_TEXT;
    if (*f != FORMAT_TEXT)
        --*len;
    return p;
}

static bool word_has(const char *word, size_t len, const char *name, size_t name_len)
{
    while (len > 0) {
        const char *bar = memchr(word, '|', len);
        size_t part = bar ? (size_t)(bar - word) : len;
        if (part == name_len && memcmp(word, name, part) == 0)
            return true;
        if (!bar)
            return false;
        word += part + 1;
        len -= part + 1;
    }
    return false;
}

static bool format_by_name(const char *params, const char *name, size_t name_len,
                           enum param_format *f)
{
    const char *word;
    size_t len;

    while (params && (params = next_param(params, &word, &len, f)))
        if (word_has(word, len, name, name_len))
            return true;
    *f = FORMAT_NONE;
    return false;
}

static enum param_format format_by_position(const char *params, size_t position)
{
    const char *word;
    size_t len;
    enum param_format f;

    while (params && (params = next_param(params, &word, &len, &f))) {
        if (*word == ':')
            break;
        if (position-- == 0)
            return f;
    }
    return FORMAT_NONE;
}

static bool parse_json(const char *text, struct json_object **value)
{
    bool ok;
    *value = json_parse(text, strlen(text), &ok);
    return ok;
}

static bool convert(const char *text, enum param_format f, struct json_object **value, char **error)
{
    if ((f == FORMAT_JSON || f == FORMAT_EITHER) && parse_json(text, value))
        return true;
    if (f == FORMAT_JSON) {
        *error = xasprintf("Error parsing JSON: %s", text);
        return false;
    }
    *value = json_object_new_string(text);
    return true;
}

static bool add_positional(const char *params, struct json_object *list, const char *arg,
                           char **error)
{
    struct json_object *value;
    size_t position = json_object_array_length(list);

    if (!convert(arg, format_by_position(params, position), &value, error))
        return false;
    json_object_array_add(list, value);
    return true;
}

static char *json_text(struct json_object *o)
{
    return xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
}

char *cli_positional(const char *method, const char *const *args, size_t n, char **error)
{
    const char *params = cli_method_params(method);
    struct json_object *list = json_object_new_array();
    bool ok = true;

    for (size_t i = 0; i < n && ok; i++)
        ok = add_positional(params, list, args[i], error);
    char *text = ok ? json_text(list) : NULL;
    json_object_put(list);
    return text;
}

/* Whether `arg`, whose name the method does not have, is a value that happens to hold a '='. */
static bool is_value(const char *params, size_t position, const char *arg)
{
    struct json_object *value;

    switch (format_by_position(params, position)) {
    case FORMAT_FREE_TEXT: return true;
    case FORMAT_JSON:
        if (!parse_json(arg, &value))
            return false;
        json_object_put(value);
        return true;
    case FORMAT_NONE:
    case FORMAT_TEXT:
    case FORMAT_EITHER: return false;
    }
    return false;
}

static bool add_named(const char *params, struct json_object *named, struct json_object *list,
                      const char *arg, char **error)
{
    const char *equals = strchr(arg, '=');
    enum param_format f = FORMAT_NONE;
    struct json_object *value;

    if (!equals)
        return add_positional(params, list, arg, error);
    size_t name_len = (size_t)(equals - arg);
    if (!format_by_name(params, arg, name_len, &f) &&
        is_value(params, json_object_array_length(list), arg))
        return add_positional(params, list, arg, error);
    if (!convert(equals + 1, f, &value, error))
        return false;
    char *name = xstrndup(arg, name_len);
    json_object_object_add(named, name, value);
    free(name);
    return true;
}

/* The positional ones go in as a member "args" of their own, also beside one that was given by
 * name: the node says what it thinks of that. */
static char *join_named(struct json_object *named, struct json_object *list)
{
    char *text = json_text(named);

    if (json_object_array_length(list) == 0)
        return text;
    char *args = json_text(list);
    size_t len = strlen(text);
    char *joined = xasprintf("%.*s%s\"args\":%s}", (int)len - 1, text,
                             json_object_object_length(named) > 0 ? "," : "", args);
    free(text);
    free(args);
    return joined;
}

char *cli_named(const char *method, const char *const *args, size_t n, char **error)
{
    const char *params = cli_method_params(method);
    struct json_object *named = json_object_new_object(), *list = json_object_new_array();
    bool ok = true;

    for (size_t i = 0; i < n && ok; i++)
        ok = add_named(params, named, list, args[i], error);
    char *text = ok ? join_named(named, list) : NULL;
    json_object_put(named);
    json_object_put(list);
    return text;
}
