"""Compact blocks: a block of transactions that both sides know travels as a list of short ids."""
from support.node import sync_blocks, sync_mempools, wait_until

PAYMENTS = 20


def messages(node, kind):
    """Bytes that the node's one peer sent it as such messages."""
    (peer,) = node.rpc.getpeerinfo()
    return peer["bytesrecv_per_msg"].get(kind, 0)


def start_pair(make_node, *bob_args):
    alice, bob = make_node("alice"), make_node("bob", *bob_args)
    alice.rpc.createwallet("alice")
    alice.rpc.generatetoaddress(101, alice.rpc.getnewaddress())
    alice.connect(bob)
    sync_blocks(alice, bob)
    alice.mine(1)
    sync_blocks(alice, bob)
    return alice, bob


def mine_payments(alice, bob):
    """The size of a block of alice's, full of payments that bob has seen."""
    for _ in range(PAYMENTS):
        alice.rpc.sendtoaddress(alice.rpc.getnewaddress(), 1)
    sync_mempools(alice, bob)
    tip = alice.mine(1)[-1]
    sync_blocks(alice, bob)
    block = bob.rpc.getblock(tip)
    assert block["nTx"] == PAYMENTS + 1
    return block["size"]


def test_known_transactions_do_not_travel_twice(make_node):
    alice, bob = start_pair(make_node)
    wait_until(lambda: bob.rpc.getpeerinfo()[0]["bip152_hb_to"], "bob to prefer alice")
    wait_until(lambda: alice.rpc.getpeerinfo()[0]["bip152_hb_from"], "alice to hear of it")
    blocks, compact = messages(bob, "block"), messages(bob, "cmpctblock")
    size = mine_payments(alice, bob)
    assert messages(bob, "block") == blocks
    assert 0 < messages(bob, "cmpctblock") - compact < size / 4
    assert messages(bob, "blocktxn") == 0
    assert alice.coins_hash() == bob.coins_hash()


def test_unknown_transactions_are_asked_for(make_node):
    alice, bob = start_pair(make_node)
    wait_until(lambda: alice.rpc.getpeerinfo()[0]["bip152_hb_from"], "alice to hear of it")
    blocks = messages(bob, "block")
    alice.rpc.generateblock(alice.rpc.getnewaddress(), [unseen(alice)])
    sync_blocks(alice, bob)
    assert messages(bob, "block") == blocks
    assert messages(bob, "blocktxn") > 0


def unseen(node):
    """A signed payment that was not sent to anybody."""
    coin = node.rpc.listunspent()[0]
    raw = node.rpc.createrawtransaction([{"txid": coin["txid"], "vout": coin["vout"]}],
                                        [{node.rpc.getnewaddress(): 49}])
    return node.rpc.signrawtransactionwithwallet(raw)["hex"]


def test_without_transactions_blocks_come_whole(make_node):
    alice, bob = start_pair(make_node, "-blocksonly=1")
    blocks = messages(bob, "block")
    alice.mine(1)
    sync_blocks(alice, bob)
    assert messages(bob, "block") > blocks
    assert messages(bob, "cmpctblock") == 0
    assert not bob.rpc.getpeerinfo()[0]["bip152_hb_to"]
