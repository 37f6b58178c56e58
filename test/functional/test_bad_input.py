"""Bad requests get the code and shape that users of bitcoind know; a bad environment gets one clear line."""
import contextlib
import json
import os
import subprocess
import tempfile

import pytest
from support.node import free_port, sync_blocks
from support.rpc import RpcError


def refused(call, code, text=""):
    with pytest.raises(RpcError) as e:
        call()
    assert e.value.code == code, e.value
    assert text in e.value.message, e.value.message


def test_calls_with_wrong_parameters(make_node):
    rpc = make_node("node").rpc
    refused(lambda: rpc.nosuchmethod(), -32601, "Method not found")
    refused(lambda: rpc.getblockhash(), -1, "getblockhash height")
    refused(lambda: rpc.getblockhash(1, 2), -1)
    refused(lambda: rpc.getblockhash("1"), -3, "JSON value of type string is not of expected type number")
    refused(lambda: rpc.getblockhash(10**6), -8, "Block height out of range")
    refused(lambda: rpc.getblockhash(heigth=1), -8, "Unknown named parameter heigth")
    refused(lambda: rpc.getblock("00" * 32), -5, "Block not found")
    refused(lambda: rpc.getblock("zz"), -8, "blockhash must be of length 64")
    refused(lambda: rpc.sendrawtransaction("00"), -22, "TX decode failed")
    refused(lambda: rpc.getnewaddress(), -18, "No wallet is loaded")
    refused(lambda: rpc.generatetoaddress(1, "nonsense"), -5)


def test_malformed_requests(make_node):
    node = make_node("node")

    def post(body):
        status, _, answer = node.rpc.raw(body)
        return status, json.loads(answer) if answer else None
    assert post("{")[1]["error"]["code"] == -32700
    assert post("[]") == (200, [])
    assert post("3")[1]["error"]["code"] == -32600 or post("3")[1]["error"]["code"] == -32700
    assert post('{"method": 3}')[1]["error"]["code"] == -32600
    assert post('{"params": []}')[1]["error"]["code"] == -32600
    status, answer = post('[{"method": "getblockcount", "id": 1}, {"method": "x", "id": 2}, 5]')
    assert status == 200
    assert [a["error"] and a["error"]["code"] for a in answer] == [None, -32601, -32600]
    status, answer = post('{"jsonrpc": "2.0", "method": "nosuch", "id": 1}')
    assert status == 200 and "result" not in answer
    assert post('{"jsonrpc": "2.0", "method": "getblockcount"}')[0] == 204
    deep = "[" * 100000
    assert post(deep)[1]["error"]["code"] == -32700
    assert node.rpc.getblockcount() == 0


def test_wrong_credentials(make_node):
    node = make_node("node")
    status, headers, _ = node.rpc.raw("{}", {"Authorization": "Basic d3Jvbmc6d3Jvbmc="})
    assert status == 401
    assert "Basic" in headers["WWW-Authenticate"]


def test_second_daemon_on_the_same_directory(make_node):
    first = make_node("node")
    second = make_node("node", start=False)
    line = second.fails_to_start()
    assert "Cannot obtain a lock on" in line
    first.mine(1)
    first.stop()


def test_port_in_use(make_node):
    first = make_node("first")
    second = make_node("second", start=False)
    second.port = first.port
    assert "Unable to bind to 127.0.0.1" in second.fails_to_start()
    second.port, second.rpc_port = free_port(), first.rpc_port
    assert "HTTP" in second.fails_to_start() or "RPC" in second.stderr()


def test_directory_without_permission(make_node):
    with tempfile.TemporaryDirectory(prefix="mite-closed-") as folder:
        os.chmod(folder, 0o755)
        node = make_node(folder, start=False)
        (node.folder / "regtest").mkdir()
        who = {}
        if os.getuid() == 0:  # root may write anywhere, so somebody else has to try
            who = {"user": 65534, "group": 65534, "extra_groups": []}
        else:
            os.chmod(node.folder / "regtest", 0o500)
        try:
            line = node.fails_to_start(**who)
        except PermissionError:
            pytest.skip("the build is in a folder that only root may enter")
        assert "annot" in line or "denied" in line, line
        assert not list((node.folder / "regtest").iterdir())


@pytest.fixture
def small_disk():
    """A file system of 150 MB, where this user may mount one."""
    folder = tempfile.mkdtemp(prefix="mite-disk-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", folder], stderr=subprocess.DEVNULL).returncode:
        os.rmdir(folder)
        pytest.skip("cannot mount a file system here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)


@pytest.mark.parametrize("cause", ["a call that flushes", "stop"])
def test_full_disk(make_node, small_disk, tmp_path, cause):
    """One clear line and status 1; with room again the node goes on where it was."""
    node = make_node(f"{small_disk}/node", start=False)
    node.output_folder = tmp_path
    node.start()
    node.mine(20)
    node.restart()
    node.mine(30)
    filler = os.path.join(small_disk, "filler")
    with open(filler, "wb") as f, contextlib.suppress(OSError):
        while True:
            f.write(bytes(1 << 16))
            f.flush()
    if cause == "stop":
        node.rpc.stop()
    else:
        refused(lambda: node.rpc.gettxoutsetinfo(), -32603)
    assert node.wait_exit() == 1
    assert node.stderr() == "Error: Disk space is too low!"
    os.unlink(filler)
    node.start()
    assert node.rpc.getblockcount() >= 20
    node.rpc.generatetoaddress(1, "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202")
    fresh = make_node("fresh")
    fresh.connect(node)
    sync_blocks(node, fresh)
    assert node.coins_hash() == fresh.coins_hash()
    node.stop()


def test_unknown_option_names_the_nearest(make_node):
    node = make_node("node", start=False)
    line = node.fails_to_start("-dbcach=100")
    assert "-dbcach" in line and "-dbcache" in line
