"""Wallets: what was shown survives a kill, and files pass between mite and Bitcoin Core both ways."""
import decimal
import os
import shutil

import pytest
from support.node import Node
from support.rpc import RpcError

BITCOIND = os.environ.get("BITCOIND") or shutil.which("bitcoind")
TYPES = ("legacy", "p2sh-segwit", "bech32", "bech32m")


class CoreNode(Node):
    """Bitcoin Core's daemon in the same clothes."""

    def command(self, extra=()):
        command = super().command(extra)
        return [BITCOIND, *command[1:]]


def facts(wallet):
    """What two programs must say alike of one wallet."""
    return {
        "balances": wallet.getbalances(),
        "unspent": sorted((c["txid"], c["vout"], c["amount"], c["desc"], c["confirmations"])
                          for c in wallet.listunspent(0)),
        # (not the range: loading tops the key pool up)
        "descriptors": [{k: v for k, v in d.items() if k != "range"}
                        for d in wallet.listdescriptors(True)["descriptors"]],
        "transactions": [{k: v for k, v in t.items() if k != "time"}
                         for t in wallet.listtransactions("*", 1000)],
        "labels": wallet.listlabels(),
    }


def test_addresses_survive_a_kill(make_node):
    node = make_node("node")
    node.rpc.createwallet("w")
    w = node.rpc.wallet("w")
    shown = [w.getnewaddress("label", t) for t in TYPES for _ in range(3)]
    sent_to = w.getnewaddress()
    node.mine(101, shown[0])
    txid = w.sendtoaddress(sent_to, 7)
    node.kill()
    node.start()
    node.rpc.loadwallet("w")
    w = node.rpc.wallet("w")
    for address in shown:
        info = w.getaddressinfo(address)
        assert info["ismine"] and info["labels"] == ["label"]
    assert w.gettransaction(txid)["details"]
    fresh = [w.getnewaddress("", t) for t in TYPES]
    assert not set(fresh) & set(shown)


def test_encrypted(make_node):
    node = make_node("node")
    node.rpc.createwallet(wallet_name="e", passphrase="open sesame")
    w = node.rpc.wallet("e")
    address = w.getnewaddress()
    node.mine(101, address)
    with pytest.raises(RpcError) as e:
        w.sendtoaddress(address, 1)
    assert e.value.code == -13
    with pytest.raises(RpcError) as e:
        w.walletpassphrase("open", 10)
    assert e.value.code == -14
    w.walletpassphrase("open sesame", 1000)
    assert w.sendtoaddress(address, 1)
    w.walletlock()
    with pytest.raises(RpcError) as e:
        w.listdescriptors(True)
    assert e.value.code == -13


@pytest.mark.skipif(not BITCOIND, reason="bitcoind is not on the PATH (BITCOIND=path)")
def test_core_takes_over_and_gives_back(tmp_path):
    folder = tmp_path / "data"
    mite = Node(folder, "mite")
    core = CoreNode(folder, "core")
    mite.start()
    try:
        mite.rpc.createwallet(wallet_name="w", load_on_startup=True)
        w = mite.rpc.wallet("w")
        addresses = [w.getnewaddress(t, t) for t in TYPES]
        for address in addresses:
            mite.mine(1, address)
        mite.mine(100)
        for address in addresses:
            w.sendtoaddress(address, 3, "what for", "whom")
        mite.mine(1)
        before = facts(w)
        mite.stop()

        core.start()
        w = core.rpc.wallet("w")
        assert facts(w) == before
        address = w.getnewaddress("by core", "bech32m")
        txid = w.sendtoaddress(address, decimal.Decimal("1.5"))
        core.rpc.generatetoaddress(1, address)
        change = w.getrawchangeaddress("bech32")
        before = facts(w)
        core.stop()

        mite.start()
        w = mite.rpc.wallet("w")
        assert facts(w) == before
        assert w.gettransaction(txid)["confirmations"] == 1
        assert w.getaddressinfo(change)["ismine"]
        assert w.getnewaddress("", "bech32m") != address
        w.sendtoaddress(address, 1)
    finally:
        for node in (mite, core):
            if node.running():
                node.stop()
