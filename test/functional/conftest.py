"""Fixtures: `make_node` starts daemons and ends them all, `shared` is the folder of test data."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from support.node import SHARED, Node  # noqa: E402


@pytest.fixture
def make_node(tmp_path):
    """make_node("alice", "-txindex=1", start=True): a node with a folder of its own under the test's."""
    nodes = []

    def make(name, *args, start=True, chain="regtest"):
        node = Node(tmp_path / name, name, args, chain)
        nodes.append(node)
        return node.start() if start else node
    yield make
    for node in nodes:
        if node.running():
            node.kill()


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip(f"test data not found at {SHARED}")
    return pathlib.Path(SHARED)
