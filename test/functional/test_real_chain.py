"""Real blocks of the public networks, from files."""
import pytest
from support.node import wait_until

CHAINS = {
    "main": ("mainnet_0_599.blk", 599, "0000000042844571bc6bce8e1c0fbec99466971eaff89fef8c0d123582181d4d",
             "6b1d7ce40dba4aac9c4d4342c1482f516885b50a6c60c814d82eefc73c9ad8a6"),
    "test": ("testnet3_0_4000.blk", 4000, "00000000185b36fa6e406626a722793bea80531515e0b2a99ff05b73738901f1",
             "d47a6ca2d786f0db1f8ce4bb8d56d5b26778c8dff317f62036e56b9d7ea0e82c"),
    "signet": ("signet_0_120.blk", 120, "0000013673a6d6169418a65dc888b51c10dd666ef0e82785515c2086476066ea",
               "6d9f9fd0d6598843659a78f451c1f577690c1ef4a0d9bd0c41ad3877d85d43d3"),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_load_blocks(make_node, shared, chain):
    name, height, tip, coins = CHAINS[chain]
    node = make_node("node", chain=chain, start=False)
    node.start("-connect=0", f"-loadblock={shared / 'chain/sync' / name}")
    wait_until(lambda: node.rpc.getblockcount() == height, "the tip", alive=node)
    assert node.tip() == tip
    assert node.coins_hash() == coins
    node.restart("-connect=0")
    assert node.tip() == tip


def test_a_flipped_bit_is_refused_and_the_node_goes_on(make_node, shared, tmp_path):
    data = bytearray((shared / "chain/sync/mainnet_0_599.blk").read_bytes())
    place = 0
    for _ in range(300):  # to the record of block 300
        place += 8 + int.from_bytes(data[place + 4:place + 8], "little")
    size = int.from_bytes(data[place + 4:place + 8], "little")
    data[place + 8 + size - 10] ^= 1  # in its last output: the merkle root no longer fits
    damaged = tmp_path / "damaged.blk"
    damaged.write_bytes(data)
    node = make_node("node", chain="main", start=False)
    node.start("-connect=0", f"-loadblock={damaged}")
    wait_until(lambda: node.rpc.getblockcount() == 299, "the last good block", alive=node)
    wait_until(lambda: "bad-txnmrklroot" in node.log(), "the reason in the log", alive=node)
    node.restart("-connect=0", f"-loadblock={shared / 'chain/sync/mainnet_0_599.blk'}")
    wait_until(lambda: node.rpc.getblockcount() == 599, "the rest of the chain", alive=node)
    node.stop()
