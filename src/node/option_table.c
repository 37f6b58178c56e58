/*
 * All options, by group. -help, the manual page and the shell completion are made from this table;
 * names, arguments and defaults are Bitcoin Core's where it has the option.
 */
#include <stdlib.h>
#include <string.h>

#include "node/options.h"
#include "util/bytes.h"
#include "util/mem.h"

#define B     OPTION_BOOL
#define I     OPTION_INT
#define S     OPTION_STRING
#define L     OPTION_LIST
#define A     OPTION_AMOUNT
#define DEBUG OPTION_DEBUG
#define NOT   OPTION_UNSUPPORTED
#define NOP   OPTION_NO_EFFECT
#define NET   OPTION_NETWORK_ONLY
#define CLI   OPTION_CLI
#define ONLY  OPTION_CLI_ONLY
#define GONE  (OPTION_REMOVED | OPTION_HIDDEN)

static const struct option_def general[] = {
    {"alertnotify", "<cmd>", S, NULL, "Run a command when a warning is raised (%s: the message)",
     0},
    {"allowignoredconf", NULL, B, "0",
     "Only warn of a configuration file in the data directory that is not used", 0},
    {"assumevalid", "<hex>", S, NULL,
     "Take the scripts of this block and of those before it for valid (0: verify all; default: a block of the network's parameters)",
     0},
    {"blockfilterindex", "<type>", L, NULL, "Keep an index of compact filters (basic)", 0},
    {"blocknotify", "<cmd>", S, NULL, "Run a command when the tip changes (%s: the block's hash)",
     0},
    {"blockreconstructionextratxn", "<n>", I, "100",
     "Transactions kept besides the mempool for compact blocks", 0},
    {"blocksdir", "<dir>", S, NULL, "Where the blocks folder is (default: the data directory)", 0},
    {"blocksonly", NULL, B, "0", "Take no transactions from peers", 0},
    {"blocksxor", NULL, B, "1", "Obfuscate new block folders with a random key", 0},
    {"coinstatsindex", NULL, B, "0", "Keep statistics of the coins at every height", 0},
    {"conf", "<file>", S, NULL,
     "Configuration file (default: mite.conf, or bitcoin.conf where there is no mite.conf, in the data directory)",
     OPTION_COMMAND_LINE_ONLY | CLI},
    {"daemon", NULL, B, "0", "Run in the background", 0},
    {"daemonwait", NULL, B, "0", "As -daemon, but return only when the node is ready", 0},
    {"datadir", "<dir>", S, NULL, "Data directory (default: ~/.mite)", OPTION_NO_NEGATION | CLI},
    {"dbbatchsize", "<n>", I, "33554432", "Largest batch of the coins database, in bytes",
     DEBUG | NOP},
    {"dbcache", "<n>", I, "450", "Cache of coins in MiB (at least 4)", 0},
    {"debuglogfile", "<file>", S, "debug.log",
     "Log file, in the network's folder unless absolute; -nodebuglogfile writes none", 0},
    {"help", NULL, B, "0", "Print this and exit (also -h, -?)", CLI},
    {"h", NULL, B, "0", "", OPTION_HIDDEN | CLI},
    {"?", NULL, B, "0", "", OPTION_HIDDEN | CLI},
    {"includeconf", "<file>", L, NULL, "Another configuration file (in a configuration file only)",
     OPTION_FILE_ONLY},
    {"loadblock", "<file>", L, NULL, "Import blocks from a file at start", 0},
    {"maxmempool", "<n>", I, "300", "Memory of the mempool in MB", 0},
    {"mempoolexpiry", "<n>", I, "336", "Hours that a transaction stays in the mempool", 0},
    {"minimumchainwork", "<hex>", S, NULL,
     "Least work of a chain worth following (default: of the network's parameters)", 0},
    {"par", "<n>", I, "0",
     "Threads for verification (0: as many as there are processors; below 0: leave so many free; 1: none but the main one)",
     0},
    {"persistmempool", NULL, B, "1", "Keep the mempool over a restart", 0},
    {"persistmempoolv1", NULL, B, "0", "Write mempool.dat in its old form", NOT},
    {"pid", "<file>", S, "bitcoind.pid",
     "File for the process id, in the network's folder unless absolute", 0},
    {"prevoutfetchthreads", "<n>", I, "8", "Threads that fetch coins ahead (here: those of -par)",
     NOP},
    {"prune", "<n>", I, "0", "Delete old blocks: 1 by hand, 550 and more as many MiB are kept", 0},
    {"reindex", NULL, B, "0", "Build block index and coins anew from the block files", 0},
    {"reindex-chainstate", NULL, B, "0", "Build the coins anew from the block files", 0},
    {"settings", "<file>", S, "settings.json",
     "File of settings that the node writes itself; -nosettings for none", 0},
    {"shutdownnotify", "<cmd>", L, NULL, "Run a command before the node stops", 0},
    {"startupnotify", "<cmd>", S, NULL, "Run a command when the node is ready", 0},
    {"txindex", NULL, B, "0", "Keep an index of all transactions", 0},
    {"txospenderindex", NULL, B, "0", "Keep an index of what spends each output", 0},
    {"version", NULL, B, "0", "Print the version and exit", CLI},
};

static const struct option_def connection[] = {
    {"addnode", "<ip>", L, NULL, "Connect to this node and keep the connection", NET},
    {"asmap", "<file>", S, NULL, "Map of networks for choosing peers", NOT},
    {"bantime", "<n>", I, "86400", "Seconds that a ban lasts", 0},
    {"bind", "<addr>[:<port>][=onion]", L, NULL, "Listen at this address (default: any)", NET},
    {"cjdnsreachable", NULL, B, "0", "CJDNS can be reached", NOT},
    {"connect", "<ip>", L, NULL, "Connect to this node only; -noconnect to none", NET},
    {"discover", NULL, B, NULL, "Find out the own addresses", NOP},
    {"dns", NULL, B, "1", "Look up names of nodes given by options", NOP},
    {"dnsseed", NULL, B, NULL,
     "Ask DNS seeds for peers (default: 1 unless -connect or -maxconnections=0)", 0},
    {"externalip", "<ip>", L, NULL, "Own address to tell peers", NOT},
    {"fixedseeds", NULL, B, "1", "Use built-in addresses where DNS gives none", NOP},
    {"forcednsseed", NULL, B, "0", "Ask DNS seeds even where addresses are known", 0},
    {"i2pacceptincoming", NULL, B, "1", "Accept I2P connections", NOP},
    {"i2psam", "<ip:port>", S, NULL, "I2P proxy", NOT},
    {"inboundrelaypercent", "<n>", I, "50",
     "Percent of inbound connections that may relay transactions", 0},
    {"listen", NULL, B, NULL,
     "Accept connections (default: 1 unless -connect, -proxy or -maxconnections=0)", 0},
    {"listenonion", NULL, B, "1", "Make a Tor service", NOP},
    {"maxconnections", "<n>", I, "200", "Most connections at a time", 0},
    {"maxreceivebuffer", "<n>", I, "5000", "Receive buffer of a connection in 1000 bytes", 0},
    {"maxsendbuffer", "<n>", I, "1000", "Send buffer of a connection in 1000 bytes", 0},
    {"maxuploadtarget", "<n>", S, "0", "Most MiB to send in 24 hours (0: no limit)", 0},
    {"natpmp", NULL, B, "0", "Open the port in the router", NOT},
    {"networkactive", NULL, B, "1", "Talk to peers at all", 0},
    {"onion", "<ip:port|path>", S, NULL, "Proxy for Tor addresses", NOT},
    {"onlynet", "<net>", L, NULL, "Connect by this network only", NOT},
    {"peerblockfilters", NULL, B, "0", "Serve compact block filters", NOT},
    {"peerbloomfilters", NULL, B, "0", "Serve bloom filters", NOT},
    {"peertimeout", "<n>", I, "60", "Seconds of silence at the start after which a peer is dropped",
     DEBUG},
    {"port", "<port>", I, NULL,
     "Port of the network (default: 8333, testnet3: 18333, testnet4: 48333, signet: 38333, regtest: 18444)",
     NET},
    {"proxy", "<ip>[:<port>]", L, NULL, "Connect through a SOCKS5 proxy", NOT | OPTION_NEEDS_VALUE},
    {"proxyrandomize", NULL, B, "1", "Other credentials for each connection by proxy", NOP},
    {"seednode", "<ip>", L, NULL, "Ask this node for addresses, then leave it", 0},
    {"timeout", "<n>", I, "5000", "Milliseconds that connecting may take", 0},
    {"torcontrol", "<ip>:<port>", S, NULL, "Control port of Tor", NOT},
    {"torpassword", "<pass>", S, NULL, "Password of Tor's control port", OPTION_SECRET | NOP},
    {"txreconciliation", NULL, B, "0", "Reconcile transactions (BIP330)", DEBUG | NOT},
    {"v2transport", NULL, B, "1", "Encrypted connections (BIP324)", NOP},
    {"whitebind", "<[permissions@]addr>", L, NULL,
     "Listen at this address and give its peers permissions", 0},
    {"whitelist", "<[permissions@]IP or network>", L, NULL,
     "Give peers of these addresses permissions", 0},
};

static const struct option_def wallet[] = {
    {"addresstype", NULL, S, "bech32",
     "Type of new addresses (legacy, p2sh-segwit, bech32, bech32m)", 0},
    {"avoidpartialspends", NULL, B, "0", "Spend all coins of an address together", NOP},
    {"changetype", NULL, S, NULL, "Type of change addresses (default: as fits the payment)", 0},
    {"consolidatefeerate", "<amt>", A, "0.0001",
     "Feerate up to which more inputs than needed are spent", 0},
    {"disablewallet", NULL, B, "0", "No wallets and none of their methods", 0},
    {"discardfee", "<amt>", A, "0.0001", "Feerate that says which change is not worth keeping", 0},
    {"fallbackfee", "<amt>", A, "0.00", "Feerate where none can be estimated (0: then no payment)",
     0},
    {"keypool", "<n>", I, "1000", "Keys made in advance", 0},
    {"maxapsfee", "<amt>", A, "0.00", "Fee that avoiding partial spends may cost", NOP},
    {"mintxfee", "<amt>", A, "0.00001", "Least feerate of payments", NOP},
    {"signer", "<cmd>", S, NULL, "External signer", NOT},
    {"spendzeroconfchange", NULL, B, "1", "Spend own change before it is confirmed", 0},
    {"txconfirmtarget", "<n>", I, "6", "Blocks within which payments are to be confirmed", 0},
    {"unsafesqlitesync", NULL, B, "0", "Do not wait for the disk (tests only)", DEBUG | NOP},
    {"wallet", "<path>", L, NULL, "Load this wallet at start", NET},
    {"walletbroadcast", NULL, B, "1", "Send own transactions to the network", NOP},
    {"walletcrosschain", NULL, B, "0", "Open wallets of other networks", DEBUG | NOT},
    {"walletdir", "<dir>", S, NULL,
     "Where the wallets are (default: wallets in the network's folder)", NET},
    {"walletnotify", "<cmd>", L, NULL, "Run a command when a transaction of a wallet changes", NOT},
    {"walletrbf", NULL, B, "1", "Payments may be replaced", NOP},
    {"walletrejectlongchains", NULL, B, "1", "No payments that the mempool would refuse",
     DEBUG | NOP},
};

static const struct option_def zmq[] = {
    {"zmqpubhashblock", "<address>", L, NULL, "Publish hashes of blocks", NOT},
    {"zmqpubhashblockhwm", "<n>", I, "1000", "Messages that may wait", NOP},
    {"zmqpubhashtx", "<address>", L, NULL, "Publish hashes of transactions", NOT},
    {"zmqpubhashtxhwm", "<n>", I, "1000", "Messages that may wait", NOP},
    {"zmqpubrawblock", "<address>", L, NULL, "Publish blocks", NOT},
    {"zmqpubrawblockhwm", "<n>", I, "1000", "Messages that may wait", NOP},
    {"zmqpubrawtx", "<address>", L, NULL, "Publish transactions", NOT},
    {"zmqpubrawtxhwm", "<n>", I, "1000", "Messages that may wait", NOP},
    {"zmqpubsequence", "<address>", L, NULL, "Publish the order of blocks and transactions", NOT},
    {"zmqpubsequencehwm", "<n>", I, "1000", "Messages that may wait", NOP},
};

static const struct option_def debugging[] = {
    {"acceptstalefeeestimates", NULL, B, "0", "Read fee estimates however old", DEBUG | NOP},
    {"capturemessages", NULL, B, "0", "Write all messages of peers to files", DEBUG | NOT},
    {"checkaddrman", "<n>", I, "0", "Check the address manager every so many operations",
     DEBUG | NOP},
    {"checkblockindex", NULL, I, NULL,
     "Check the block tree as it changes (default: 0, regtest: 1)", DEBUG},
    {"checkblocks", "<n>", I, "6", "Blocks to check at start (0: all)", DEBUG},
    {"checklevel", "<n>", I, "3", "How thorough that check is (0 to 4)", DEBUG},
    {"checkmempool", "<n>", I, NULL,
     "Check the mempool every so many transactions (default: 0, regtest: 1)", DEBUG},
    {"debug", "<category>", L, NULL,
     "Write more to the log: a category (see the logging method), or all of them", 0},
    {"debugexclude", "<category>", L, NULL, "But not this category", 0},
    {"deprecatedrpc", "<method>", L, NULL, "Allow a deprecated method or result", DEBUG},
    {"fastprune", NULL, B, "0", "Small block files, for tests of pruning", DEBUG},
    {"help-debug", NULL, B, "0", "Print also the options for debugging and exit", 0},
    {"limitancestorcount", "<n>", I, "25", "Unconfirmed ancestors that a wallet's payment may have",
     DEBUG | NOP},
    {"limitclustercount", "<n>", I, "64", "Transactions of a cluster", DEBUG},
    {"limitclustersize", "<n>", I, "101", "Size of a cluster in 1000 virtual bytes", DEBUG},
    {"limitdescendantcount", "<n>", I, "25",
     "Unconfirmed descendants that a wallet's payment may lead to", DEBUG | NOP},
    {"logips", NULL, B, "0", "Addresses of peers in the log", 0},
    {"loglevel", "<level>|<category>:<level>", L, NULL,
     "Severity from which lines of the -debug categories are written: info, debug, trace (default: debug)",
     DEBUG | OPTION_NEEDS_VALUE},
    {"loglevelalways", NULL, B, "0", "Category and level in every line", DEBUG},
    {"logratelimit", NULL, B, "1", "Limit what one place in the code may write in an hour", DEBUG},
    {"logsourcelocations", NULL, B, "0", "Where in the code each line comes from", 0},
    {"logthreadnames", NULL, B, "0", "Which thread writes each line", 0},
    {"logtimemicros", NULL, B, "0", "Microseconds in the log", DEBUG},
    {"logtimestamps", NULL, B, "1", "Times in the log", 0},
    {"maxsigcachesize", "<n>", I, "32", "Memory of verified signatures in MiB", DEBUG},
    {"maxtipage", "<n>", I, "86400",
     "Seconds after which a tip is too old for the chain to be synced", DEBUG},
    {"maxtxfee", "<amt>", A, "0.10", "Most that a wallet pays as fee", 0},
    {"mocktime", "<n>", I, "0", "Take this for the time", DEBUG},
    {"printpriority", NULL, B, "0", "Log the feerates of blocks being made", DEBUG | NOP},
    {"printtoconsole", NULL, B, NULL, "Log to standard output (default: 1 where not a daemon)", 0},
    {"rpcdoccheck", NULL, B, "0", "Check results against their description", DEBUG | NOP},
    {"shrinkdebugfile", NULL, B, NULL, "Cut the log file at start (default: 1 without -debug)", 0},
    {"stopafterblockimport", NULL, B, "0", "Stop when the blocks of -loadblock and -reindex are in",
     DEBUG},
    {"stopatheight", "<n>", I, "0", "Stop at this height", DEBUG},
    {"test", "<option>", L, NULL, "Options for tests", DEBUG | NOP},
    {"testactivationheight", "<name@height>", L, NULL,
     "Height at which a buried rule begins (segwit, bip34, dersig, cltv, csv)", DEBUG},
    {"uacomment", "<cmt>", L, NULL, "Comment in the name that peers see", 0},
};

static const struct option_def chain[] = {
    {"chain", "<chain>", S, NULL, "The network: main (default), test, testnet4, signet, regtest",
     CLI},
    {"regtest", NULL, B, "0",
     "As -chain=regtest: a network of one's own, where blocks cost nothing", CLI},
    {"signet", NULL, B, "0", "As -chain=signet", CLI},
    {"signetchallenge", "<hex>", L, NULL, "Script that blocks of the signet must satisfy",
     OPTION_NO_NEGATION | CLI},
    {"signetseednode", "<ip>", L, NULL, "Seed node of the signet", NOT | OPTION_NO_NEGATION | CLI},
    {"testnet", NULL, B, "0", "As -chain=test", CLI},
    {"testnet4", NULL, B, "0", "As -chain=testnet4", CLI},
    {"vbparams", "<deployment:start:end[:height]>", L, NULL, "Times of a deployment (regtest)",
     DEBUG},
};

static const struct option_def relay[] = {
    {"acceptnonstdtxn", NULL, B, NULL,
     "Relay and mine what is valid but not standard (test networks; default: 0)", DEBUG},
    {"bytespersigop", "<n>", I, "20", "Virtual bytes that a signature operation counts", NOP},
    {"datacarrier", NULL, B, "1", "Relay and mine outputs that carry data", 0},
    {"datacarriersize", "<n>", I, "100000", "Bytes of data that a transaction may carry", 0},
    {"dustrelayfee", "<amt>", A, "0.00003", "Feerate that says which outputs are dust", DEBUG},
    {"incrementalrelayfee", "<amt>", A, "0.000001", "Feerate that a replacement must add", DEBUG},
    {"minrelaytxfee", "<amt>", A, "0.000001", "Least feerate that is relayed", 0},
    {"permitbaremultisig", NULL, B, "1", "Relay multisig outputs that are not in P2SH", 0},
    {"privatebroadcast", NULL, B, "0", "Send own transactions by Tor or I2P only", NOT},
    {"txsendrate", "<n>", I, "14", "Transactions a second to each inbound peer", DEBUG},
    {"whitelistforcerelay", NULL, B, "0", "Permission forcerelay for whitelisted peers", 0},
    {"whitelistrelay", NULL, B, "1", "Permission relay for whitelisted peers", 0},
};

static const struct option_def mining[] = {
    {"blockmaxweight", "<n>", I, "4000000", "Largest weight of a block that is made here", 0},
    {"blockmintxfee", "<amt>", A, "0.00000001", "Least feerate of transactions in it", 0},
    {"blockreservedweight", "<n>", I, "8000", "Weight kept for header and coinbase", 0},
    {"blockversion", "<n>", I, "0", "Version of blocks (tests)", DEBUG},
    {"mine", "<address>", S, NULL, "Mine all the time and pay this address", 0},
    {"minethreads", "<n>", I, "0", "Threads that mine (0: all processors)", 0},
};

static const struct option_def rpc[] = {
    {"rest", NULL, B, "0", "Answer REST requests", NOT},
    {"rpcallowip", "<ip>", L, NULL,
     "Who may call: an address, a network/mask or network/bits (default: this machine)", 0},
    {"rpcauth", "<userpw>", L, NULL, "User and hashed password, USER:SALT$HASH", OPTION_SECRET},
    {"rpcbind", "<addr>[:port]", L, NULL,
     "Listen for calls at this address; counts only with -rpcallowip", NET},
    {"rpccookiefile", "<loc>", S, ".cookie",
     "File with the password of this run, in the network's folder unless absolute", CLI},
    {"rpccookieperms", "<readable-by>", S, "owner", "Who may read it (owner, group, all)", 0},
    {"rpcpassword", "<pw>", S, NULL, "Password", OPTION_SECRET | CLI},
    {"rpcport", "<port>", I, NULL,
     "Port for calls (default: 8332, testnet3: 18332, testnet4: 48332, signet: 38332, regtest: 18443)",
     NET | CLI},
    {"rpcservertimeout", "<n>", I, "30", "Seconds that a request may take to come in", DEBUG},
    {"rpcthreads", "<n>", I, "16", "Calls that may be under way at once, besides -rpcworkqueue", 0},
    {"rpcuser", "<user>", S, NULL, "User name", OPTION_SECRET | CLI},
    {"rpcwhitelist", "<whitelist>", L, NULL, "Methods that a user may call, USER:METHOD,METHOD", 0},
    {"rpcwhitelistdefault", NULL, B, NULL,
     "Users without a list may call nothing (default: 1 where there is a list)", 0},
    {"rpcworkqueue", "<n>", I, "64", "Calls that may wait besides", DEBUG},
    {"server", NULL, B, "1", "Answer calls", 0},
};

/* Bitcoin Core once had these. */
static const struct option_def cli[] = {
    {"color", "<when>", S, "auto", "Colours in what -getinfo prints (always, auto, never)",
     ONLY | OPTION_NO_NEGATION},
    {"generate", NULL, B, "0",
     "Mine blocks at once, as getnewaddress and generatetoaddress do; number of blocks and tries may follow",
     ONLY},
    {"getinfo", NULL, B, "0",
     "What one asks first, from several calls: chain, connections, wallets", ONLY},
    {"named", NULL, B, "0", "Arguments are name=value", ONLY},
    {"rpcclienttimeout", "<n>", I, "900", "Seconds to wait for an answer (0: no limit)", ONLY},
    {"rpcconnect", "<ip>", S, "127.0.0.1", "Where the node is, address or address:port", ONLY},
    {"rpcid", "<id>", S, "1", "Id of the JSON-RPC request",
     ONLY | OPTION_NO_NEGATION | OPTION_NEEDS_VALUE},
    {"rpcwait", NULL, B, "0", "Wait for the node to start", ONLY},
    {"rpcwaittimeout", "<n>", I, "0", "Seconds that -rpcwait waits (0: no limit)",
     ONLY | OPTION_NO_NEGATION},
    {"rpcwallet", "<walletname>", S, NULL, "Wallet to ask, by the name it was loaded with", ONLY},
    {"stdin", NULL, B, "0",
     "More arguments from standard input, one a line: for what nobody should see in the list of processes",
     ONLY},
    {"stdinrpcpass", NULL, B, "0", "RPC password from standard input, a line before all others",
     ONLY},
    {"stdinwalletpassphrase", NULL, B, "0",
     "Passphrase of walletpassphrase from standard input, a line", ONLY},
};

static const struct option_def removed[] = {
    {"addrindex", NULL, S, NULL, "", GONE},
    {"alerts", NULL, S, NULL, "", GONE},
    {"banscore", NULL, S, NULL, "", GONE},
    {"benchmark", NULL, S, NULL, "", GONE},
    {"bip16", NULL, S, NULL, "", GONE},
    {"blockminsize", NULL, S, NULL, "", GONE},
    {"blockmaxsize", NULL, S, NULL, "", GONE},
    {"blockprioritysize", NULL, S, NULL, "", GONE},
    {"checkpoints", NULL, S, NULL, "", GONE},
    {"dblogsize", NULL, S, NULL, "", GONE},
    {"debugnet", NULL, S, NULL, "", GONE},
    {"enablebip61", NULL, S, NULL, "", GONE},
    {"feefilter", NULL, S, NULL, "", GONE},
    {"gen", NULL, S, NULL, "", GONE},
    {"genproclimit", NULL, S, NULL, "", GONE},
    {"limitancestorsize", NULL, S, NULL, "", GONE},
    {"limitdescendantsize", NULL, S, NULL, "", GONE},
    {"limitfreerelay", NULL, S, NULL, "", GONE},
    {"maxorphantx", NULL, S, NULL, "", GONE},
    {"maxtimeadjustment", NULL, S, NULL, "", GONE},
    {"mempoolfullrbf", NULL, S, NULL, "", GONE},
    {"mempoolreplacement", NULL, S, NULL, "", GONE},
    {"paytxfee", NULL, S, NULL, "", GONE},
    {"prematurewitness", NULL, S, NULL, "", GONE},
    {"promiscuousmempoolflags", NULL, S, NULL, "", GONE},
    {"relaypriority", NULL, S, NULL, "", GONE},
    {"rescan", NULL, S, NULL, "", GONE},
    {"rpcserialversion", NULL, S, NULL, "", GONE},
    {"rpcssl", NULL, S, NULL, "", GONE},
    {"salvagewallet", NULL, S, NULL, "", GONE},
    {"socks", NULL, S, NULL, "", GONE},
    {"sysperms", NULL, S, NULL, "", GONE},
    {"tor", NULL, S, NULL, "", GONE},
    {"upgradewallet", NULL, S, NULL, "", GONE},
    {"upnp", NULL, S, NULL, "", GONE},
    {"usehd", NULL, S, NULL, "", GONE},
    {"walletprematurewitness", NULL, S, NULL, "", GONE},
    {"whitelistalwaysrelay", NULL, S, NULL, "", GONE},
    {"zapwallettxes", NULL, S, NULL, "", GONE},
};

#define GROUP(title, list)           \
    {                                \
        title, list, ARRAY_LEN(list) \
    }
const struct option_group option_groups[] = {
    GROUP("Options", general),
    GROUP("Connection options", connection),
    GROUP("Wallet options", wallet),
    GROUP("ZeroMQ notification options", zmq),
    GROUP("Debugging/Testing options", debugging),
    GROUP("Chain selection options", chain),
    GROUP("Node relay options", relay),
    GROUP("Block creation options", mining),
    GROUP("RPC server options", rpc),
    GROUP("Client options", cli),
    GROUP("Removed options", removed),
};
const size_t option_group_count = ARRAY_LEN(option_groups);

const struct option_def *option_find(const char *name)
{
    for (size_t g = 0; g < option_group_count; g++)
        for (size_t i = 0; i < option_groups[g].n; i++)
            if (strcmp(option_groups[g].options[i].name, name) == 0)
                return &option_groups[g].options[i];
    return NULL;
}

bool option_has(const struct option_def *def, enum option_program program)
{
    return program == PROGRAM_CLI ? (def->flags & (OPTION_CLI | OPTION_CLI_ONLY)) != 0
                                  : !(def->flags & OPTION_CLI_ONLY);
}

/* Words of `text`, wrapped at 79 columns behind seven blanks. */
static void wrap(struct buf *out, const char *text)
{
    size_t column = 0;
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, " ");
        if (column == 0 || column + 1 + len > 79) {
            write_printf(out, "%s       %.*s", column ? "\n" : "", (int)len, p);
            column = 7 + len;
        } else {
            write_printf(out, " %.*s", (int)len, p);
            column += 1 + len;
        }
        p += len + (p[len] == ' ');
    }
    write_printf(out, "\n\n");
}

static void describe(struct buf *out, const struct option_def *d)
{
    write_printf(out, "  -%s", d->name);
    if (d->arg)
        write_printf(out, "=%s", d->arg);
    write_printf(out, "\n");
    const char *note = d->flags & OPTION_UNSUPPORTED ? " [not supported yet]"
                       : d->flags & OPTION_NO_EFFECT ? " [no effect]"
                                                     : "";
    char *text = d->def ? xasprintf("%s (default: %s)%s", d->help, d->def, note)
                        : xasprintf("%s%s", d->help, note);
    wrap(out, text);
    free(text);
}

char *options_help(enum option_program program, bool debug)
{
    struct buf out = BUF_INIT;
    write_printf(&out, "%s\n\n",
                 program == PROGRAM_CLI
                     ? "Usage: mite-cli [options] <command> [params]\n"
                       "       mite-cli [options] -named <command> [name=value]...\n"
                       "       mite-cli [options] help [command]"
                     : "Usage: mited [options]");
    for (size_t g = 0; g < option_group_count; g++) {
        bool titled = false;
        for (size_t i = 0; i < option_groups[g].n; i++) {
            const struct option_def *d = &option_groups[g].options[i];
            if (!option_has(d, program) || d->flags & OPTION_HIDDEN ||
                (d->flags & OPTION_DEBUG && !debug))
                continue;
            if (!titled)
                write_printf(&out, "%s:\n\n", option_groups[g].title);
            titled = true;
            describe(&out, d);
        }
    }
    write_u8(&out, 0);
    size_t len;
    return (char *)buf_take(&out, &len);
}
