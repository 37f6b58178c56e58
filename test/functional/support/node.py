"""Daemons under test: started, asked, stopped, killed; each with a data directory and ports of its own."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

from .rpc import Rpc, RpcError

TOP = pathlib.Path(os.environ.get("MITE_TOP", pathlib.Path(__file__).resolve().parents[3]))
BUILD = pathlib.Path(os.environ.get("MITE_BUILD", TOP / "build"))
MITED = os.environ.get("MITED", str(BUILD / "src/mited"))
MITE_CLI = os.environ.get("MITE_CLI", str(BUILD / "src/mite-cli"))
SHARED = pathlib.Path(os.environ.get("MITE_SHARED", TOP.parent / "shared"))
TIMEOUT = 60 * float(os.environ.get("MITE_TIMEOUT_FACTOR", "1"))


def wait_until(condition, what, timeout=TIMEOUT, alive=None):
    """Polls until the condition holds; returns its value. `alive` is a node that must keep running meanwhile."""
    deadline = time.monotonic() + timeout
    delay = 0.002
    while True:
        value = condition()
        if value:
            return value
        if alive is not None and not alive.running():
            raise AssertionError(f"{alive} ended while waited for {what}: {alive.stderr()}")
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(delay)
        delay = min(delay * 1.5, 0.1)


def free_port():
    """A port of the loopback that nobody uses at this moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    """One daemon. `folder` becomes its data directory."""

    def __init__(self, folder, name, args=(), chain="regtest"):
        self.folder, self.name, self.args, self.chain = pathlib.Path(folder), name, list(args), chain
        self.folder.mkdir(parents=True, exist_ok=True)
        self.output_folder = self.folder
        self.port, self.rpc_port = free_port(), free_port()
        self.process = None
        self.rpc = None
        self.program = MITED

    def __str__(self):
        return self.name

    @property
    def chain_dir(self):
        sub = {"main": "", "test": "testnet3"}.get(self.chain, self.chain)
        return self.folder / sub

    def command(self, extra=()):
        return [self.program, f"-datadir={self.folder}", f"-chain={self.chain}", f"-port={self.port}",
                f"-bind=127.0.0.1:{self.port}", f"-rpcport={self.rpc_port}", "-dnsseed=0", "-listenonion=0",
                "-keypool=10", "-fallbackfee=0.0002", *self.args, *extra]

    def start(self, *extra, wait=True, **popen):
        """Starts it and (with `wait`) returns when it answers RPC."""
        assert not self.running(), f"{self} runs already"
        with contextlib.suppress(FileNotFoundError):
            (self.chain_dir / ".cookie").unlink()
        with open(self.output("stdout"), "wb") as out, open(self.output("stderr"), "wb") as err:
            self.process = subprocess.Popen(self.command(extra), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            **popen)
        if wait:
            self.wait_rpc()
        return self

    def wait_rpc(self):
        cookie = self.chain_dir / ".cookie"

        def answers():
            try:
                credentials = cookie.read_text()
                rpc = Rpc(self.rpc_port, credentials)
                rpc.getblockcount()
                return rpc
            except (FileNotFoundError, ConnectionError, ValueError):
                return None
            except RpcError as e:
                if e.code == -28:  # still warming up
                    return None
                raise
            except AssertionError:  # the cookie is being written
                return None
        self.rpc = wait_until(answers, f"{self} to answer", alive=self)
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def output(self, stream):
        """File of what it prints; two nodes on one folder have one each."""
        return self.output_folder / f"{stream}.{self.rpc_port}"

    def stderr(self):
        """What it printed there, warnings apart."""
        lines = self.output("stderr").read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if not line.startswith("Warning: "))

    def log(self):
        return (self.chain_dir / "debug.log").read_text(errors="replace")

    def wait_exit(self, timeout=TIMEOUT):
        """Waits for the end; returns the exit status."""
        status = self.process.wait(timeout)
        if self.rpc:
            self.rpc.close()
        self.rpc = None
        return status

    def stop(self):
        """A clean stop, by RPC: exit status 0 and nothing on stderr."""
        self.rpc.stop()
        status = self.wait_exit()
        assert status == 0, f"{self} ended with status {status}: {self.stderr()}"
        assert self.stderr() == "", self.stderr()

    def kill(self):
        """SIGKILL, as a power cut to the process."""
        self.process.send_signal(signal.SIGKILL)
        self.wait_exit()

    def restart(self, *extra):
        self.stop()
        return self.start(*extra)

    def fails_to_start(self, *extra, **popen):
        """Starts it and expects it to end with status 1; returns the one line on stderr."""
        self.start(*extra, wait=False, **popen)
        status = self.wait_exit()
        assert status == 1, f"status {status}, stderr {self.stderr()!r}"
        lines = self.stderr().splitlines()
        assert len(lines) == 1, lines
        return lines[0]

    # ---- what tests often ask ----

    def connect(self, other):
        """Connects to the other node and waits until both have finished the handshake."""
        before = self.rpc.getconnectioncount(), other.rpc.getconnectioncount()
        self.rpc.addnode(f"127.0.0.1:{other.port}", "onetry")

        def shaken(node, count):
            peers = node.rpc.getpeerinfo()
            return len(peers) > count and all(p["version"] != 0 and p.get("bytesrecv_per_msg", {}).get("verack")
                                              for p in peers)
        wait_until(lambda: shaken(self, before[0]) and shaken(other, before[1]), f"{self} and {other} to shake hands")

    def mine(self, count, address=None):
        """Mines blocks to an address (default: of a key that nobody has) and returns their hashes."""
        return self.rpc.generatetoaddress(count, address or BURN_ADDRESS)

    def tip(self):
        return self.rpc.getbestblockhash()

    def coins_hash(self):
        return self.rpc.gettxoutsetinfo("hash_serialized_3")["hash_serialized_3"]


# P2WPKH of 20 zero bytes on regtest.
BURN_ADDRESS = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"


def sync_blocks(*nodes, timeout=TIMEOUT):
    """Waits until all have the same tip."""
    wait_until(lambda: len({n.tip() for n in nodes}) == 1, "the same tip on " + ", ".join(map(str, nodes)), timeout)


def sync_mempools(*nodes, timeout=TIMEOUT):
    """Waits until all have the same transactions in the pool."""
    wait_until(lambda: len({tuple(sorted(n.rpc.getrawmempool())) for n in nodes}) == 1, "the same pool", timeout)
