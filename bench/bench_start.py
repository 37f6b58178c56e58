#!/usr/bin/env python3
"""Time from start to the first RPC answer, and resident memory when idle, on regtest.

    bench/bench_start.py [--node build/src/mited] [--other bitcoind] [-n RUNS]

Prints the median of each and, where the other node is found (by default `bitcoind` on the PATH), the ratios,
from runs that alternate between the two.
"""
import argparse
import base64
import http.client
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answer(port, cookie, method):
    """The HTTP status of a call, or None where nobody answers yet."""
    try:
        credentials = base64.b64encode(cookie.read_bytes()).decode()
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        c.request("POST", "/", f'{{"method":"{method}","params":[],"id":1}}', {"Authorization": f"Basic {credentials}"})
        r = c.getresponse()
        r.read()
        return r.status
    except (FileNotFoundError, ConnectionError):
        return None


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def one_run(node):
    """(milliseconds to the first answer, MB when idle, threads)"""
    with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
        port, rpc_port = free_port(), free_port()
        start = time.perf_counter()
        p = subprocess.Popen([node, "-regtest", f"-datadir={folder}", f"-rpcport={rpc_port}", f"-port={port}",
                              f"-bind=127.0.0.1:{port}", "-listenonion=0"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cookie = pathlib.Path(folder, "regtest", ".cookie")
        while answer(rpc_port, cookie, "getblockcount") != 200:
            if p.poll() is not None:
                sys.exit(f"{node} ended with status {p.returncode}")
            time.sleep(0.0005)
        ms = (time.perf_counter() - start) * 1000
        time.sleep(1)  # idle
        mb = resident_mb(p.pid)
        threads = len(list(pathlib.Path(f"/proc/{p.pid}/task").iterdir()))
        answer(rpc_port, cookie, "stop")
        p.wait(60)
        return ms, mb, threads


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--node", default=str(TOP / "build/src/mited"))
    ap.add_argument("--other", default=shutil.which("bitcoind"))
    ap.add_argument("-n", type=int, default=5, help="runs of each")
    args = ap.parse_args()
    nodes = [args.node] + ([args.other] if args.other else [])
    runs = {n: [] for n in nodes}
    for _ in range(args.n):
        for n in nodes:
            runs[n].append(one_run(n))
    medians = {n: [statistics.median(r[i] for r in runs[n]) for i in range(3)] for n in nodes}
    print(f"{'':24}{'first answer':>14}{'idle memory':>14}{'threads':>10}")
    for n in nodes:
        ms, mb, threads = medians[n]
        print(f"{pathlib.Path(n).name:24}{ms:11.1f} ms{mb:11.1f} MB{threads:10.0f}")
    if args.other:
        a, b = medians[args.node], medians[args.other]
        print(f"{'ratio':24}{a[0] / b[0]:14.3f}{a[1] / b[1]:14.3f}")
    else:
        print("no bitcoind on the PATH to compare with")


if __name__ == "__main__":
    main()
