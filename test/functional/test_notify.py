"""Commands of the user: -startupnotify, -blocknotify, -alertnotify, -shutdownnotify; and the warnings they tell of."""
from support.node import wait_until

UNKNOWN = 0x20000008
PERIOD = 144
RULES = "Unknown new rules activated (versionbit 3)"


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def test_startup_and_shutdown(make_node, tmp_path):
    log = tmp_path / "log"
    node = make_node("alice", f"-startupnotify=echo up >> {log}", f"-shutdownnotify=sleep 0.3; echo down >> {log}",
                     f"-shutdownnotify=echo too >> {log}")
    wait_until(lambda: lines(log) == ["up"], "the command at start")
    node.stop()
    # The node has waited for both.
    assert sorted(lines(log)) == ["down", "too", "up"]


def test_each_block_is_told_once_and_in_no_more_processes_than_allowed(make_node, tmp_path):
    log = tmp_path / "log"
    node = make_node("alice", f"-blocknotify=echo %s >> {log}")
    hashes = node.mine(60)
    wait_until(lambda: len(lines(log)) >= 60, "all blocks")
    assert sorted(lines(log)) == sorted(hashes)
    node.rpc.invalidateblock(hashes[-1])
    wait_until(lambda: lines(log)[60:] == [hashes[-2]], "the block below")


def test_commands_that_fail_do_no_harm(make_node):
    node = make_node("alice", "-blocknotify=exit 3", "-shutdownnotify=/nonexistent/command 2>/dev/null")
    node.mine(3)
    wait_until(lambda: node.log().count("returned 3") == 3, "the log to say so")
    node.stop()


def test_unknown_rules(make_node, tmp_path):
    log = tmp_path / "log"
    node = make_node("alice", f"-alertnotify=echo %s >> {log}")

    def warned():
        return [RULES in getattr(node.rpc, m)()["warnings"]
                for m in ("getblockchaininfo", "getnetworkinfo", "getmininginfo")]

    node.mine(2 * PERIOD - 1)  # the first period does not count
    node.restart(f"-blockversion={UNKNOWN}")
    node.mine(PERIOD * 3 // 4)
    node.restart()
    node.mine(PERIOD // 4)  # locked in
    node.mine(PERIOD - 1)
    assert warned() == [False] * 3
    node.mine(1)
    assert warned() == [True] * 3
    node.mine(2)
    wait_until(lambda: len(lines(log)) > 0, "the alert")
    assert lines(log) == [RULES]
    node.stop()
