"""A data directory that Bitcoin Core wrote, and the answers that it gave: mite must give the same.

Only requests whose answer is a function of the directory and of the request are compared. What depends on the
height at that moment (confirmations, the next block) is left out of the comparison.
"""
import decimal
import json
import os
import shutil
import tarfile

import pytest
from support.node import MITED, wait_until
from support.rpc import RpcError

# Compared wherever they stand in the transcript: blocks, transactions and text do not change.
STATIC = {"getblock", "getblockheader", "decoderawtransaction", "decodescript", "validateaddress", "verifymessage",
          "createmultisig", "createrawtransaction", "listlabels", "getaddressesbylabel", "getaddressinfo",
          "getblockfilter"}
# Compared only where the transcript's chain has its final height: from the first scan of the coins on.
FINAL = {"gettxoutsetinfo", "listwallets", "listbanned"}
WALLETS = ("alice", "bob", "watch", "cold")
FINAL_HEIGHT = 201
# They change as the chain grows on, or with the version of the file's writer.
VOLATILE = {"confirmations", "nextblockhash", "disk_size", "ischange"}
INDEXES = ("-txindex", "-blockfilterindex", "-coinstatsindex", "-txospenderindex")


def scrub(value):
    if isinstance(value, dict):
        return {k: scrub(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [scrub(v) for v in value]
    return value


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    from support.node import SHARED
    archive = SHARED / "golden/life-1.tar.xz"
    if not archive.exists():
        pytest.skip(f"test data not found at {archive}")
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    lines = [json.loads(line, parse_float=decimal.Decimal) for line in open(folder / "transcript.jsonl")]
    for line in lines:
        line["response"] = json.loads(line["response"], parse_float=decimal.Decimal)
    return folder, lines


@pytest.fixture
def node(make_node, golden):
    folder, _ = golden
    node = make_node("node", start=False)
    shutil.copytree(folder / "datadir/regtest", node.folder / "regtest")
    node.start("-connect=0", *INDEXES)
    for name in WALLETS:
        node.rpc.loadwallet(name)
    return node


def expected(line):
    error = line["response"].get("error")
    return ("error", error["code"], error["message"]) if error else ("result", scrub(line["response"]["result"]))


def given(node, line):
    rpc = node.rpc
    if line["path"].startswith("/wallet/"):
        rpc = rpc.wallet(line["path"].removeprefix("/wallet/"))
    try:
        return "result", scrub(rpc.call(line["method"], line["params"]))
    except RpcError as e:
        return "error", e.code, e.message


def comparable(lines):
    """The lines of the transcript whose answers a node on the final directory must repeat."""
    final = next(i for i, line in enumerate(lines) if line["method"] == "scantxoutset")
    for i, line in enumerate(lines):
        if "(usage)" in json.dumps(line["response"], default=str):
            continue
        if line["method"] in STATIC or line["method"] in FINAL and i > final:
            yield line


def test_opens_it_and_answers_the_same(node, golden):
    _, lines = golden
    assert node.rpc.getblockcount() == FINAL_HEIGHT
    compared, wrong = 0, []
    for line in comparable(lines):
        want, got = expected(line), given(node, line)
        compared += 1
        if want != got:
            wrong.append(f"{line['path']} {line['method']} {json.dumps(line['params'], default=str)[:200]}\n"
                         f"   want {str(want)[:1500]}\n   got  {str(got)[:1500]}")
    assert compared > 30
    assert not wrong, f"{len(wrong)} of {compared} differ:\n" + "\n".join(wrong)


def test_extends_it(node):
    """The chain goes on, and the wallets that were found in the directory spend."""
    node.mine(1)
    assert node.rpc.getblockcount() == FINAL_HEIGHT + 1
    alice, bob = node.rpc.wallet("alice"), node.rpc.wallet("bob")
    txid = alice.sendtoaddress(bob.getnewaddress(), 1)
    node.mine(1)
    assert bob.gettransaction(txid)["confirmations"] == 1
    coins = node.coins_hash()
    node.restart("-connect=0")
    assert node.coins_hash() == coins


def check_indexes(node):
    """All of the chain is in the indexes, and the coins by the index are those of a scan."""
    height = node.rpc.getblockcount()
    wait_until(lambda: all(i == {"synced": True, "best_block_height": height}
                           for i in node.rpc.getindexinfo().values()), "the indexes", alive=node)
    assert len(node.rpc.getindexinfo()) == len(INDEXES)
    scanned = node.rpc.gettxoutsetinfo("muhash", None, False)
    indexed = node.rpc.gettxoutsetinfo("muhash")
    for key in ("height", "bestblock", "txouts", "bogosize", "muhash", "total_amount"):
        assert indexed[key] == scanned[key]
    for h in range(1, height + 1):
        block = node.rpc.getblock(node.rpc.getblockhash(h), 2)
        node.rpc.getblockfilter(block["hash"])
        for tx in block["tx"]:
            found = node.rpc.getrawtransaction(tx["txid"], 1)
            assert (found["blockhash"], found["hex"]) == (block["hash"], tx["hex"])
            spent = [{"txid": i["txid"], "vout": i["vout"]} for i in tx["vin"] if "txid" in i]
            for i in node.rpc.gettxspendingprevout(spent) if spent else []:
                assert (i["blockhash"], i["spendingtxid"]) == (block["hash"], tx["txid"])


def test_indexes(node):
    """Those that Core wrote are gone on with, also over a reorganisation and a restart."""
    check_indexes(node)
    node.mine(2)
    old = node.rpc.getbestblockhash()
    header = node.rpc.getblockfilter(old)["header"]
    stats = node.rpc.gettxoutsetinfo("muhash", old)
    node.rpc.invalidateblock(node.rpc.getblockhash(FINAL_HEIGHT))
    node.mine(5)
    check_indexes(node)
    assert node.rpc.getblockfilter(old)["header"] == header
    assert node.rpc.gettxoutsetinfo("muhash", old) == stats
    node.restart("-connect=0", *INDEXES)
    check_indexes(node)


OTHER_ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"  # the blocks of another branch


def all_stats(node):
    return [node.rpc.gettxoutsetinfo("muhash", h) for h in range(node.rpc.getblockcount() + 1)]


def test_indexes_go_back_and_forth(make_node):
    """What mite builds, the other daemon opens and goes on with, and the other way round."""
    other = os.environ.get("BITCOIND") or shutil.which("bitcoind")
    if not other:
        pytest.skip("no bitcoind on the PATH or in BITCOIND")
    node = make_node("node", "-connect=0", *INDEXES)
    node.mine(120)
    check_indexes(node)
    fork = node.rpc.getblockhash(100)
    node.rpc.invalidateblock(fork)
    node.mine(30, OTHER_ADDRESS)
    check_indexes(node)
    for round in range(2):
        stats = all_stats(node)
        node.stop()
        node.program = other if round == 0 else MITED
        node.start()
        check_indexes(node)
        assert all_stats(node) == stats
        node.rpc.getblockfilter(fork)
        node.mine(3)
        node.rpc.invalidateblock(node.tip())
        node.mine(3, OTHER_ADDRESS)
        check_indexes(node)
