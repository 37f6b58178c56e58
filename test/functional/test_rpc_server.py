"""The RPC server as HTTP clients see it: order, limits, waiting, clients that leave, batches; and the daemon's own
start and stop."""
import base64
import http.client
import json
import os
import signal
import socket
import time

from support.node import wait_until

ADDRESS = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"


class Raw:
    """A connection on which requests are written by hand."""

    def __init__(self, node):
        self.sock = socket.create_connection(("127.0.0.1", node.rpc_port), timeout=20)
        self.auth = base64.b64encode((node.chain_dir / ".cookie").read_bytes()).decode()
        self.data = b""

    def send(self, method, params=(), http="POST", path="/", headers=""):
        body = json.dumps({"method": method, "params": list(params)})
        self.sock.sendall(f"{http} {path} HTTP/1.1\r\nAuthorization: Basic {self.auth}\r\n{headers}"
                          f"Content-Length: {len(body)}\r\n\r\n{body}".encode())

    def answer(self):
        """Status and body of the next answer."""
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length")), 0)
        while len(self.data) < length:
            self.more()
        body, self.data = self.data[:length], self.data[length:]
        return int(head.split()[1]), body

    def more(self):
        data = self.sock.recv(65536)
        assert data, "the server closed the connection"
        self.data += data

    def closed(self):
        return self.sock.recv(1) == b""


def test_pipelined_requests_are_answered_in_order(make_node):
    node = make_node("node")
    raw = Raw(node)
    raw.send("waitforblockheight", [1, 0])
    raw.send("getblockcount")
    raw.send("nosuch")
    time.sleep(0.1)
    node.rpc.generatetoaddress(1, ADDRESS)
    assert json.loads(raw.answer()[1])["result"]["height"] == 1
    assert json.loads(raw.answer()[1])["result"] == 1
    assert raw.answer()[0] == 404


def test_refusals(make_node):
    node = make_node("node")

    def status(*args, **kwargs):
        raw = Raw(node)
        raw.send(*args, **kwargs)
        return raw.answer()[0]
    assert status("uptime", http="GET") == 405
    assert status("uptime", http="TRACE") == 405
    assert status("uptime", path="/nowhere") == 404
    assert status("uptime", headers="Folded: x\r\n y\r\n") == 400
    assert status("uptime", headers="Space : x\r\n") == 400
    assert status("uptime", headers="Content-Length: 1\r\n") == 400
    assert status("uptime", headers=f"Long: {'x' * 9000}\r\n") == 400
    assert status("uptime", headers="Connection: close\r\n") == 200
    raw = Raw(node)
    raw.sock.sendall(f"POST / HTTP/1.1\r\nAuthorization: Basic {raw.auth}\r\n"
                     f"Content-Length: {33 * 1024 * 1024}\r\n\r\n".encode() + b"x" * 100000)
    assert raw.answer()[0] == 413
    raw = Raw(node)
    raw.auth = base64.b64encode(b"a:b").decode()
    raw.send("uptime")
    assert raw.answer()[0] == 401
    assert node.rpc.getblockcount() == 0


def test_chunked_body_and_continue(make_node):
    node = make_node("node")
    raw = Raw(node)
    body = b'{"method":"echo","params":["' + b"a" * 100000 + b'"]}'
    raw.sock.sendall(f"POST / HTTP/1.1\r\nAuthorization: Basic {raw.auth}\r\nTransfer-Encoding: chunked\r\n"
                     "Expect: 100-continue\r\n\r\n".encode())
    assert raw.answer()[0] == 100
    for i in range(0, len(body), 7000):
        part = body[i:i + 7000]
        raw.sock.sendall(b"%x;note\r\n" % len(part) + part + b"\r\n")
    raw.sock.sendall(b"0\r\nTrailer: x\r\n\r\n")
    status, answer = raw.answer()
    assert status == 200 and json.loads(answer)["result"] == ["a" * 100000]


def test_clients_that_leave(make_node):
    """A call whose client has gone is ended, or finishes for nobody; the node goes on."""
    node = make_node("node")
    node.rpc.generatetoaddress(50, ADDRESS)
    for _ in range(20):
        raw = Raw(node)
        raw.send("waitfornewblock")
        raw.sock.close()
        raw = Raw(node)
        raw.send("gettxoutsetinfo", ["muhash"])
        raw.sock.close()
    wait_until(lambda: len(node.rpc.getrpcinfo()["active_commands"]) == 1, "calls to end", alive=node)
    node.rpc.generatetoaddress(1, ADDRESS)
    assert node.rpc.getblockcount() == 51


def test_waiting_calls(make_node):
    node = make_node("node", "-rpcthreads=1", "-rpcworkqueue=1")
    start = time.monotonic()
    tip = node.rpc.getbestblockhash()
    assert node.rpc.waitfornewblock(50)["hash"] == tip
    assert time.monotonic() - start >= 0.05
    assert node.rpc.waitforblock(tip)["height"] == 0
    first, second = Raw(node), Raw(node)
    first.send("waitfornewblock")
    second.send("waitforblockheight", [1])
    time.sleep(0.1)
    third = Raw(node)
    third.send("uptime")
    assert third.answer() == (503, b"Work queue depth exceeded")
    # Stopping answers who waits.
    os.kill(node.process.pid, signal.SIGTERM)
    assert json.loads(first.answer()[1])["result"]["hash"] == tip
    assert json.loads(second.answer()[1])["result"]["hash"] == tip
    assert node.wait_exit() == 0


def test_batch_with_a_call_that_waits(make_node):
    node = make_node("node")
    batch = [{"method": "generatetoaddress", "params": [1, ADDRESS], "id": 1},
             {"jsonrpc": "2.0", "method": "uptime"},
             {"method": "gettxoutsetinfo", "params": ["none"], "id": 2},
             {"jsonrpc": "2.0", "method": "waitforblockheight", "params": [1], "id": 3},
             {"method": "getblockcount", "id": 4}]
    status, _, body = node.rpc.raw(json.dumps(batch))
    answers = json.loads(body)
    assert status == 200 and [a["id"] for a in answers] == [1, 2, 3, 4]
    assert answers[1]["result"]["height"] == 1
    assert answers[2]["result"]["height"] == 1 and "error" not in answers[2]
    assert answers[3]["result"] == 1


def test_large_answer_to_a_slow_reader(make_node):
    node = make_node("node")
    text = "x" * 8_000_000
    raw = Raw(node)
    raw.send("echo", [text])
    time.sleep(0.2)  # the socket's buffers fill up meanwhile; others are served
    assert node.rpc.getblockcount() == 0
    assert json.loads(raw.answer()[1])["result"] == [text]


def test_options_from_files(make_node):
    node = make_node("node", start=False)
    (node.folder / "bitcoin.conf").write_text("uacomment=wrong\n")
    (node.folder / "mite.conf").write_text("uacomment=all\nincludeconf=more.conf\n"
                                           "[regtest]\nuacomment=section\nrpcuser=me\nrpcpassword=secret\n"
                                           "[main]\nuacomment=other\n")
    (node.folder / "more.conf").write_text("uacomment=included\n")
    node.start("-uacomment=cli", wait=False)

    def subversion():
        try:
            c = http.client.HTTPConnection("127.0.0.1", node.rpc_port, timeout=10)
            c.request("POST", "/", '{"method":"getnetworkinfo"}',
                      {"Authorization": "Basic " + base64.b64encode(b"me:secret").decode()})
            return json.loads(c.getresponse().read())["result"]["subversion"]
        except ConnectionError:
            return None
    name = wait_until(subversion, "an answer", alive=node)
    assert name.endswith("(cli; section; all; included)/"), name
    assert not (node.chain_dir / ".cookie").exists()
    assert "secret" not in node.log()
    os.kill(node.process.pid, signal.SIGINT)
    assert node.wait_exit() == 0
    assert node.stderr() == ""


def test_hangup_opens_the_log_again(make_node):
    node = make_node("node")
    log = node.chain_dir / "debug.log"
    log.rename(node.chain_dir / "debug.log.old")
    os.kill(node.process.pid, signal.SIGHUP)
    wait_until(log.exists, "a new log", alive=node)


def test_daemonwait(make_node):
    node = make_node("node", start=False)
    node.start("-daemonwait", wait=False)
    assert node.process.wait(20) == 0
    pid = int((node.chain_dir / "bitcoind.pid").read_text())
    raw = Raw(node)
    raw.send("stop")
    assert raw.answer()[0] == 200
    wait_until(lambda: not (node.chain_dir / "bitcoind.pid").exists(), "the daemon to end")
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the process to end")
