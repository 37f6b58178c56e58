"""libmite as its users get it: installed into a fresh prefix, found by pkg-config, linked both ways, and run."""
import json
import os
import re
import shlex
import subprocess

import pytest

from support.node import BUILD, TOP

EXAMPLES = TOP / "contrib/examples"
GENESIS_COINBASE = (
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054"
    "696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420"
    "666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61"
    "deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000")


def make_variable(name):
    """A variable of the build, as its Makefile has it."""
    found = re.search(rf"^{name} = (.*)$", (BUILD / "Makefile").read_text(), flags=re.M)
    return shlex.split(found.group(1)) if found else []


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where the library was installed."""
    dest = tmp_path_factory.mktemp("installed")
    run = subprocess.run(["make", "-C", str(BUILD), "install-libmite", "prefix=/usr", f"DESTDIR={dest}"],
                         capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert run.returncode == 0, run.stdout + run.stderr
    return dest / "usr"


def pkg_config(prefix, *args):
    env = dict(os.environ, PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig"))
    out = subprocess.run(["pkg-config", f"--define-variable=prefix={prefix}", *args, "libmite"], env=env, check=True,
                         capture_output=True, text=True)
    return shlex.split(out.stdout)


@pytest.fixture(scope="module", params=["shared", "static"])
def examples(request, prefix, tmp_path_factory):
    """run(name, *args) -> (exit status, output) of an example, compiled from outside the source tree."""
    out = tmp_path_factory.mktemp(request.param)
    flags = pkg_config(prefix, "--cflags", "--libs", *(["--static"] if request.param == "static" else []))
    if request.param == "static":
        flags = ["-l:libmite.a" if f == "-lmite" else f for f in flags]
    sanitizers = [f for f in make_variable("MITE_CFLAGS") if f.startswith("-fsanitize")]
    for source in sorted(EXAMPLES.glob("*.c")):
        cmd = [*make_variable("CC"), "-Wall", "-Wextra", "-Werror", *sanitizers, str(source), *flags, "-o",
               str(out / source.stem)]
        built = subprocess.run(cmd, capture_output=True, text=True)
        assert built.returncode == 0, built.stderr

    def run(name, *args):
        env = dict(os.environ)
        if request.param == "shared":
            env["LD_LIBRARY_PATH"] = str(prefix / "lib")
        done = subprocess.run([str(out / name), *args], env=env, capture_output=True, text=True)
        assert done.returncode in (0, 1, 2), done.stderr
        return done.returncode, done.stdout
    return run


def test_files(prefix):
    lib = prefix / "lib"
    soname = os.readlink(lib / "libmite.so")
    assert re.fullmatch(r"libmite\.so\.\d+", soname)
    real = os.readlink(lib / soname)
    assert not (lib / real).is_symlink()
    dynamic = subprocess.run(["readelf", "-d", str(lib / real)], capture_output=True, text=True, check=True).stdout
    assert f"[{soname}]" in dynamic
    for header in (TOP / "include/mite").glob("*.h"):
        assert (prefix / "include/mite" / header.name).read_text() == header.read_text()


@pytest.mark.parametrize("args", [("-D", "libmite.so"), ("-g", "libmite.a")], ids=["shared", "static"])
def test_exports_public_names_only(prefix, args):
    out = subprocess.run(["nm", "--defined-only", args[0], str(prefix / "lib" / args[1])], capture_output=True,
                         text=True, check=True).stdout
    names = {line.split()[2].split("@")[0] for line in out.splitlines() if len(line.split()) == 3}
    names = {n for n in names if not n.startswith(("__asan", "__odr_asan", "__ubsan", "_ZTI", "MITE_"))}
    declared = set()
    for header in (TOP / "include/mite").glob("*.h"):
        declared |= set(re.findall(r"^MITE_API [^;]*?\b(mite_\w+)\(", header.read_text(), flags=re.M))
    assert names == declared


def test_headers_stand_alone(prefix, tmp_path):
    """Each header by itself, in C11 and in C++ where a compiler for it is there."""
    for header in sorted((prefix / "include/mite").glob("*.h")):
        source = tmp_path / "one.c"
        source.write_text(f"#include <mite/{header.name}>\n")
        cmd = [*make_variable("CC"), "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
               *pkg_config(prefix, "--cflags"), str(source)]
        done = subprocess.run(cmd, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_inspect(examples):
    status, output = examples("inspect", "main", "tx", GENESIS_COINBASE)
    assert status == 0
    assert output.splitlines() == [
        "transaction 4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
        "  weight 816, 1 inputs, a coinbase",
        "  output 0: 5000000000 satoshi, pubkey, no address",
        "good"]
    assert examples("inspect", "main", "tx", GENESIS_COINBASE[:-2]) == (1, "no transaction\n")
    assert examples("inspect", "main", "tx", "")[0] == 1


def test_inspect_block(examples, shared):
    path = str(shared / "chain/blocks/mainnet-170.bin")
    status, output = examples("inspect", "main", "block", path)
    assert status == 0 and output.endswith("good\n")
    assert "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16" in output
    status, output = examples("inspect", "signet", "block", path)
    assert status == 1 and output.endswith("bad-signet-blksig\n")


def test_verify(examples, shared):
    """A signed transaction of nine inputs; the same with another amount, and with an output too few."""
    tried = 0
    for case in json.loads((shared / "vectors/bip341_wallet_vectors.json").read_text())["keyPathSpending"]:
        outs = [f"{o['scriptPubKey']}:{o['amountSats']}" for o in case["given"]["utxosSpent"]]
        tx = case["auxiliary"]["fullySignedTx"]
        for i in range(len(outs)):
            assert examples("verify", tx, str(i), *outs) == (0, "valid\n")
            tried += 1
        wrong = [*outs[:-1], outs[-1] + "0"]
        assert examples("verify", tx, "0", *wrong) == (1, "Invalid Schnorr signature\n")
        assert examples("verify", tx, "0", *outs[1:])[0] == 1
    assert tried == 9
