"""A data directory that Bitcoin Core wrote, and the answers that it gave: mite must give the same.

Only requests whose answer is a function of the directory and of the request are compared. What depends on the
height at that moment (confirmations, the next block) is left out of the comparison.
"""
import decimal
import json
import shutil
import tarfile

import pytest
from support.rpc import RpcError

# Compared wherever they stand in the transcript: blocks, transactions and text do not change.
STATIC = {"getblock", "getblockheader", "decoderawtransaction", "decodescript", "validateaddress", "verifymessage",
          "createmultisig", "createrawtransaction", "listlabels", "getaddressesbylabel", "getaddressinfo"}
# Compared only where the transcript's chain has its final height: from the first scan of the coins on.
FINAL = {"gettxoutsetinfo", "listwallets", "listbanned"}
WALLETS = ("alice", "bob", "watch", "cold")
FINAL_HEIGHT = 201
# They change as the chain grows on, or with the version of the file's writer.
VOLATILE = {"confirmations", "nextblockhash", "disk_size", "ischange"}
# Of gettxoutsetinfo: there from the coin statistics index, or without it.
BY_INDEX = {"total_unspendable_amount", "block_info", "transactions"}


def scrub(value):
    if isinstance(value, dict):
        return {k: scrub(v) for k, v in value.items() if k not in VOLATILE | BY_INDEX}
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
    node.start("-connect=0")
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
        if line["method"] == "gettxoutsetinfo" and len(line["params"]) > 1:
            continue  # at a height: needs the coin statistics index
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
