"""The chain of one node and of several: restart, reorganisation, sudden death, a late joiner."""
import random

from support.node import sync_blocks, wait_until


def test_restart_continues(make_node):
    node = make_node("node")
    node.mine(30)
    tip, coins = node.tip(), node.coins_hash()
    node.restart()
    assert (node.tip(), node.coins_hash()) == (tip, coins)
    node.mine(5)
    node.restart()
    assert node.rpc.getblockcount() == 35
    assert node.rpc.getchaintips()[0]["status"] == "active"


def test_reorganisation_of_ten(make_node):
    short, long = make_node("short"), make_node("long")
    short.connect(long)
    short.mine(20)
    sync_blocks(short, long)
    for peer in short.rpc.getpeerinfo():
        short.rpc.disconnectnode("", peer["id"])
    wait_until(lambda: not short.rpc.getpeerinfo() and not long.rpc.getpeerinfo(), "the connection to end")
    lost = short.mine(10, "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202")
    kept = long.mine(11, "bcrt1qs758ursh4q9z627kt3pp5yysm78ddny6txaqgw")
    short.connect(long)
    sync_blocks(short, long)
    assert short.tip() == kept[-1]
    assert short.coins_hash() == long.coins_hash()
    tips = {t["hash"]: t for t in short.rpc.getchaintips()}
    assert tips[lost[-1]]["status"] == "valid-fork"
    assert tips[lost[-1]]["branchlen"] == 10
    assert short.rpc.getblock(lost[-1])["confirmations"] == -1
    short.restart()
    assert short.tip() == kept[-1]


def test_invalidate_and_reconsider(make_node):
    node = make_node("node")
    hashes = node.mine(15)
    coins = node.coins_hash()
    node.rpc.invalidateblock(hashes[4])
    assert node.rpc.getblockcount() == 4
    node.rpc.reconsiderblock(hashes[4])
    assert node.tip() == hashes[-1]
    assert node.coins_hash() == coins


def test_killed_while_it_syncs(make_node):
    """kill -9 at random moments of a sync, then restart: the coins equal those of a node that lived on."""
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    source, target = make_node("source"), make_node("target", "-dbcache=4")
    source.mine(400)
    for _ in range(4):
        goal = rng.randrange(20, 380)
        target.rpc.addnode(f"127.0.0.1:{source.port}", "onetry")
        wait_until(lambda: target.rpc.getblockcount() >= goal, f"height {goal}", alive=target)
        target.kill()
        target.start()
    target.connect(source)
    sync_blocks(source, target)
    assert source.coins_hash() == target.coins_hash()
    target.stop()


def test_late_joiner(make_node):
    first, second = make_node("first"), make_node("second")
    first.connect(second)
    first.mine(150)
    sync_blocks(first, second)
    late = make_node("late")
    late.connect(second)
    sync_blocks(first, second, late)
    first.mine(1)
    sync_blocks(first, second, late)
    assert first.coins_hash() == late.coins_hash()
