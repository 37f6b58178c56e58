#!/usr/bin/env python3
"""Runs the whole suite over a build: source checks, unit tests, fuzz corpora, functional tests.

    test/run.py --build DIR [--only source,unit,fuzz,functional] [--jobs N] [-k PATTERN]

Prints a line a program, the output of what failed, and ends with `N passed, N failed, N skipped`.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

TOP = pathlib.Path(__file__).resolve().parent.parent
STAGES = ("source", "unit", "fuzz", "functional")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, name, seconds, counts, output=""):
        """One program's result: (passed, failed, skipped). Output is shown where anything failed."""
        passed, failed, skipped = counts
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        word = "FAILED" if failed else "ok"
        print(f"{word:7}{seconds:7.1f} s  {name}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
        if failed:
            print(output, flush=True)


def environment(build):
    shared = os.environ.get("MITE_SHARED", str(TOP.parent / "shared"))
    return dict(os.environ, MITE_SHARED=shared, MITE_BUILD=str(build), MITE_TOP=str(TOP), LC_ALL="C.UTF-8",
                UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")


def run(cmd, env, timeout):
    """Exit status (None: it ran out of time), output, seconds."""
    start = time.monotonic()
    try:
        p = subprocess.run(cmd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=timeout, errors="replace", text=True)
        return p.returncode, p.stdout, time.monotonic() - start
    except subprocess.TimeoutExpired as e:
        output = e.stdout.decode(errors="replace") if e.stdout else ""
        return None, f"{output}\nran out of its {timeout} s", time.monotonic() - start


def cmocka_counts(status, output):
    """Counts of a cmocka program's closing lines; a program that died counts as one more failure."""
    def total(word):
        return sum(int(n) for n in re.findall(rf"^\[\s+{word}\s+\] (\d+) test\(s\)", output, flags=re.M))
    passed, failed, skipped = total("PASSED"), total("FAILED"), total("SKIPPED")
    if status != 0 and failed == 0 or passed + failed + skipped == 0:
        failed += 1
    return passed, failed, skipped


def stage_source(args, env, tally):
    status, output, seconds = run([str(TOP / "contrib/check-source")], env, 120)
    m = re.search(r"(\d+) passed, (\d+) failed$", output.strip())
    counts = (int(m.group(1)), int(m.group(2)), 0) if m else (0, 1, 0)
    tally.add("check-source", seconds, counts, output)


def stage_unit(args, env, tally):
    programs = sorted(p for p in (args.build / "test/unit").glob("test_*") if p.is_file() and os.access(p, os.X_OK)
                      and p.suffix == "")
    if not programs:
        print("no unit tests were built (cmocka missing?)")
        tally.skipped += 1

    def one(program):
        status, output, seconds = run([str(program)], env, 600)
        return program.name, seconds, cmocka_counts(status, output), output

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name, seconds, counts, output in pool.map(one, programs):
            for line in output.splitlines():
                if "not found" in line and "skipped" in line:
                    print(line)
            tally.add(name, seconds, counts, output)


def stage_fuzz(args, env, tally):
    """Each target replays its corpus: seeds that contrib/fuzz-seeds makes afresh."""
    targets = sorted(p for p in (args.build / "test/fuzz").glob("fuzz_*") if p.is_file() and os.access(p, os.X_OK)
                     and p.suffix == "")
    if not targets:
        return
    with tempfile.TemporaryDirectory(prefix="mite-corpus-") as corpus:
        status, output, seconds = run([str(TOP / "contrib/fuzz-seeds"), corpus], env, 120)
        if status != 0:
            tally.add("fuzz-seeds", seconds, (0, 1, 0), output)
            return
        for target in targets:
            name = target.name.removeprefix("fuzz_")
            seeds = sorted(str(p) for p in pathlib.Path(corpus, name).glob("*"))
            if not seeds:
                tally.add(target.name, 0, (0, 1, 0), "no seeds for it")
                continue
            status, output, seconds = run([str(target), *seeds], env, 300)
            tally.add(target.name, seconds, (len(seeds), 0, 0) if status == 0 else (0, 1, 0), output)


def python_with_pytest():
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import pytest"], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def stage_functional(args, env, tally):
    python = python_with_pytest()
    if python is None:
        tally.add("functional", 0, (0, 1, 0), "pytest not found (Debian: apt-get install python3-pytest)")
        return
    with tempfile.TemporaryDirectory(prefix="mite-functional-") as work:
        report = pathlib.Path(work, "report.xml")
        cmd = [python, "-m", "pytest", str(TOP / "test/functional"), "-q", "-p", "no:cacheprovider",
               f"--junitxml={report}", f"--basetemp={work}/nodes", "--tb=short"]
        has_xdist = subprocess.run([python, "-c", "import xdist"], stderr=subprocess.DEVNULL).returncode == 0
        if has_xdist and args.jobs > 1:
            cmd += ["-n", str(args.jobs)]
        if args.k:
            cmd += ["-k", args.k]
        status, output, seconds = run(cmd, env, 3600)
        if not report.exists():
            tally.add("functional", seconds, (0, 1, 0), output)
            return
        suites = xml.etree.ElementTree.parse(report).getroot().iter("testsuite")
        tests = failed = skipped = 0
        for s in suites:
            tests += int(s.get("tests"))
            failed += int(s.get("failures")) + int(s.get("errors"))
            skipped += int(s.get("skipped"))
        if status not in (0, 1, 5) or status == 1 and failed == 0:
            failed += 1
        tally.add("functional", seconds, (max(tests - failed - skipped, 0), failed, skipped), output)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", type=pathlib.Path, default=TOP / "build", help="where `make` was run")
    ap.add_argument("--only", default=",".join(STAGES), help="stages, with commas")
    ap.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    ap.add_argument("-k", help="only the functional tests that match, as in pytest")
    args = ap.parse_args()
    args.build = args.build.resolve()
    stages = args.only.split(",")
    unknown = [s for s in stages if s not in STAGES]
    if unknown:
        ap.error(f"no such stage: {unknown[0]}; there are {', '.join(STAGES)}")
    env = environment(args.build)
    tally = Tally()
    for stage in stages:
        globals()[f"stage_{stage}"](args, env, tally)
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
