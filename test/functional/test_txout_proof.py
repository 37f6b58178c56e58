"""Proofs that transactions are in a block: made, checked, and put into a wallet that has not seen the block."""
from decimal import Decimal

import pytest
from support.node import sync_blocks
from support.rpc import RpcError


def fails(code, text, call, *args):
    with pytest.raises(RpcError) as e:
        call(*args)
    assert (e.value.code, text in str(e.value)) == (code, True), str(e.value)


def test_proofs_of_a_block(make_node):
    node = make_node("alice")
    node.rpc.createwallet("w")
    node.mine(101, node.rpc.getnewaddress())
    txids = [node.rpc.sendtoaddress(node.rpc.getnewaddress(), 1) for _ in range(5)]
    block = node.mine(1)[0]
    everything = node.rpc.getblock(block)["tx"]
    for wanted in (everything[:1], txids[:1], txids[1:3], everything):
        proof = node.rpc.gettxoutproof(wanted, block)
        assert sorted(node.rpc.verifytxoutproof(proof)) == sorted(wanted)
    # Without the block by what is unspent: all of the others may be spent by the one after.
    for wanted in (everything[:1], txids[-1:], everything):
        assert node.rpc.gettxoutproof(wanted) == node.rpc.gettxoutproof(wanted, block)
    proof = node.rpc.gettxoutproof(txids[:1], block)
    broken = proof[:72] + ("00" if proof[72:74] != "00" else "01") + proof[74:]  # the root
    assert node.rpc.verifytxoutproof(broken) == []
    fails(-1, "end of data", node.rpc.verifytxoutproof, proof[:-2])
    fails(-8, "cannot be empty", node.rpc.gettxoutproof, [])
    fails(-8, "duplicated txid", node.rpc.gettxoutproof, [txids[0], txids[0]])
    fails(-5, "Not all transactions found", node.rpc.gettxoutproof, txids[:1], node.rpc.getblockhash(1))
    fails(-5, "Transaction not yet in block", node.rpc.gettxoutproof, ["00" * 32])
    node.rpc.invalidateblock(block)
    fails(-5, "Block not found in chain", node.rpc.verifytxoutproof, proof)


def test_a_wallet_takes_and_forgets_a_payment(make_node):
    alice = make_node("alice")
    bob = make_node("bob", "-deprecatedrpc=removeprunedfunds")
    alice.connect(bob)
    for node in (alice, bob):
        node.rpc.createwallet("w")
    alice.mine(101, alice.rpc.getnewaddress())
    address = alice.rpc.getnewaddress()
    txid = alice.rpc.sendtoaddress(address, 3)
    alice.mine(1)
    sync_blocks(alice, bob)
    raw, proof = alice.rpc.gettransaction(txid)["hex"], alice.rpc.gettxoutproof([txid])

    bob.rpc.createwallet("watch", True)
    watch = bob.rpc.wallet("watch")
    fails(-5, "No addresses in wallet", watch.importprunedfunds, raw, proof)
    assert watch.importdescriptors([{"desc": alice.rpc.getaddressinfo(address)["desc"], "timestamp": "now"}])[0]["success"]
    watch.importprunedfunds(raw, proof)
    assert watch.getbalance() == Decimal(3)
    assert watch.gettransaction(txid)["confirmations"] == 1

    bob.restart()
    bob.rpc.loadwallet("watch")
    watch = bob.rpc.wallet("watch")
    assert watch.getbalance() == Decimal(3)
    watch.removeprunedfunds(txid)
    fails(-4, "does not belong to this wallet", watch.removeprunedfunds, txid)
    assert (watch.getbalance(), watch.listtransactions(), watch.listunspent()) == (0, [], [])
    watch.importprunedfunds(raw, proof)
    assert watch.getbalance() == Decimal(3)
    fails(-32, "-deprecatedrpc=removeprunedfunds", alice.rpc.removeprunedfunds, txid)
