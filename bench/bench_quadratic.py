#!/usr/bin/env python3
"""One block with a legacy transaction of 1 MB whose hashing grows with the square of its size.

    bench/bench_quadratic.py [--node build/src/mited] [--other bitcoind] [-n RUNS]

Each node checks the same block (`generateblock` with submit=false, one script thread), in turns. Prints the medians
and, where the other node is found (BITCOIND or the PATH), their ratio.
"""
import argparse
import base64
import hashlib
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
INPUTS = 6700
# The generator point: any key will do, since no signature is meant to be right.
KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
SCRIPT = bytes([33]) + KEY + b"\xac\x91"  # OP_CHECKSIG OP_NOT


def compact(n):
    return bytes([n]) if n < 253 else b"\xfd" + struct.pack("<H", n)


def transaction(ins, outs):
    raw = struct.pack("<I", 2) + compact(len(ins))
    for txid, n, script in ins:
        raw += txid + struct.pack("<I", n) + compact(len(script)) + script + b"\xff\xff\xff\xff"
    raw += compact(len(outs))
    for value, script in outs:
        raw += struct.pack("<q", value) + compact(len(script)) + script
    return raw + struct.pack("<I", 0)


def wrong_signature(rng):
    """A signature of the right form that verifies nothing."""
    r, s = (bytes([rng.randrange(1, 0x7f)]) + rng.randbytes(31) for _ in range(2))
    der = b"\x02\x20" + r + b"\x02\x20" + s
    return b"\x30" + bytes([len(der)]) + der + b"\x01"


def big_spend(txid, seed):
    rng = random.Random(seed)
    filler = bytes([33]) + KEY + b"\x75"  # as long as the spend of a key hash; dropped
    ins = []
    for i in range(INPUTS):
        sig = wrong_signature(rng)
        ins.append((txid, i, bytes([len(sig)]) + sig + filler))
    return transaction(ins, [(1000, b"\x51")])


class Node:
    def __init__(self, binary, folder):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.folder = folder
        self.process = subprocess.Popen(
            [binary, f"-datadir={folder}", "-regtest", f"-rpcport={self.port}", "-listen=0", "-connect=0", "-par=1",
             "-dnsseed=0", "-blockmaxweight=4000000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cookie = pathlib.Path(folder, "regtest/.cookie")
        for _ in range(600):
            try:
                self.auth = base64.b64encode(cookie.read_bytes()).decode()
                self.call("getblockcount")
                return
            except (OSError, RuntimeError):
                time.sleep(0.05)
        raise RuntimeError(f"{binary} does not answer")

    def call(self, method, *params):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        conn.request("POST", "/", json.dumps({"method": method, "params": params, "id": 1}),
                     {"Authorization": "Basic " + self.auth})
        answer = json.loads(conn.getresponse().read())
        conn.close()
        if answer.get("error"):
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def prepare(self):
        """A chain with the outputs to spend; returns the transaction that spends them."""
        self.call("setmocktime", 1700000000)
        (first, *_) = self.call("generatetodescriptor", 101, "raw(51)")
        coinbase = self.call("getblock", first)["tx"][0]
        fund = transaction([(bytes.fromhex(coinbase)[::-1], 0, b"")], [(100000, SCRIPT)] * INPUTS)
        self.call("generateblock", "raw(51)", [fund.hex()])
        self.funds = hashlib.sha256(hashlib.sha256(fund).digest()).digest()

    def check(self, seed):
        """Another transaction each time, since nodes remember what they have checked."""
        big = big_spend(self.funds, seed).hex()
        start = time.monotonic()
        self.call("generateblock", "raw(51)", [big], False)
        return time.monotonic() - start

    def end(self):
        self.process.terminate()
        self.process.wait()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--node", default=str(TOP / "build/src/mited"))
    ap.add_argument("--other", default=os.environ.get("BITCOIND") or shutil.which("bitcoind"))
    ap.add_argument("-n", type=int, default=5)
    args = ap.parse_args()
    binaries = [b for b in (args.node, args.other) if b]
    with tempfile.TemporaryDirectory(prefix="mite-bench-") as work:
        nodes = []
        try:
            for i, binary in enumerate(binaries):
                folder = pathlib.Path(work, str(i))
                folder.mkdir()
                nodes.append(Node(binary, str(folder)))
                nodes[-1].prepare()
            times = [[] for _ in nodes]
            for seed in range(args.n):
                for node, t in zip(nodes, times):
                    t.append(node.check(seed))
        finally:
            for node in nodes:
                node.end()
    medians = [statistics.median(t) for t in times]
    print(f"{INPUTS} inputs of one transaction:")
    for binary, m in zip(binaries, medians):
        print(f"{m * 1000:8.0f} ms  {binary}")
    if len(medians) == 2:
        print(f"ratio {medians[0] / medians[1]:.2f}")
    else:
        print("no other node to compare with (--other, BITCOIND)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
