"""The main job: two people pay each other, a third joins late, and all agree."""
from decimal import Decimal

from support.node import sync_blocks, sync_mempools, wait_until


def balance(node, wallet, kind="trusted"):
    return node.rpc.wallet(wallet).getbalances()["mine"][kind]


def test_payment(make_node):
    alice, bob = make_node("alice"), make_node("bob")
    alice.connect(bob)
    for node in (alice, bob):
        node.rpc.createwallet(node.name)
    alice.rpc.generatetoaddress(101, alice.rpc.getnewaddress())
    sync_blocks(alice, bob)
    assert balance(alice, "alice") == Decimal("50")
    assert balance(alice, "alice", "immature") == Decimal("5000")

    txid = alice.rpc.sendtoaddress(bob.rpc.getnewaddress(), Decimal("12.5"))
    sync_mempools(alice, bob)
    wait_until(lambda: balance(bob, "bob", "untrusted_pending") == Decimal("12.5"), "bob to see the payment")
    assert bob.rpc.gettransaction(txid)["confirmations"] == 0

    bob.mine(1)
    sync_blocks(alice, bob)
    wait_until(lambda: bob.rpc.gettransaction(txid)["confirmations"] == 1, "confirmation")
    fee = alice.rpc.gettransaction(txid)["fee"]
    assert fee < 0
    assert balance(bob, "bob") == Decimal("12.5")
    # A second coinbase has matured with bob's block.
    assert balance(alice, "alice") == Decimal("100") - Decimal("12.5") + fee

    carol = make_node("carol")
    carol.connect(bob)
    sync_blocks(alice, bob, carol)
    assert len({n.coins_hash() for n in (alice, bob, carol)}) == 1
    for node in (alice, bob, carol):
        node.stop()


def test_payment_back_and_forth_for_each_address_type(make_node):
    alice, bob = make_node("alice"), make_node("bob")
    alice.connect(bob)
    for node in (alice, bob):
        node.rpc.createwallet(node.name)
    alice.rpc.generatetoaddress(101, alice.rpc.getnewaddress())
    for kind in ("legacy", "p2sh-segwit", "bech32", "bech32m"):
        alice.rpc.sendtoaddress(bob.rpc.getnewaddress("", kind), 5)
        alice.mine(1)
        sync_blocks(alice, bob)
        bob.rpc.sendtoaddress(alice.rpc.getnewaddress("", kind), 4)
        bob.mine(1)
        sync_blocks(alice, bob)
    wait_until(lambda: Decimal("3.99") < balance(bob, "bob") < Decimal("4"), "bob's rest")
    assert alice.coins_hash() == bob.coins_hash()


def test_mining_continuously(make_node):
    node = make_node("miner", start=False)
    node.start("-mine=bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202", "-minethreads=1")
    wait_until(lambda: node.rpc.getblockcount() >= 3, "three blocks", alive=node)
    node.stop()
