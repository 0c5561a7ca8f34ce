"""irqbalance and tuned: how they were started, what irqbalance answered over its socket, bans by environment, damage."""

import os
import socket
import threading

import pytest
from hypothesis import given

from damage import damaged, survives, text_of
from tophalf.errors import FormatError
from tophalf.host.readers.daemons import (
    ask_irqbalance,
    parse_arguments,
    parse_environment,
    parse_environment_file,
    parse_setup,
    read_daemons,
)  # fmt: skip
from tophalf.host.roots import MemoryRoot, live_root

# What irqbalance 1.9.2 answered to "setup", started with -t 7 --banirq=36 -i 38 and IRQBALANCE_BANNED_CPULIST=1.
SETUP = b"SLEEP 7 IRQ 36 LOAD 0 DIFF 0 CLASS 0 IRQ 38 LOAD 0 DIFF 0 CLASS 0 BANNED 00000002"
FILE = b'# comment\n#IRQBALANCE_ONESHOT=\nIRQBALANCE_BANNED_CPULIST="0-1,3"\nIRQBALANCE_ARGS=--banirq=5\n'


def recorded(cmdline=b"/usr/sbin/irqbalance\0--foreground\0--banirq=36\0", **files):
    return {"/proc/1/comm": b"init\n", "/proc/811/comm": b"irqbalance\n", "/proc/811/cmdline": cmdline,
            **{path.replace("__", "/"): data for path, data in files.items()}}  # fmt: skip


def test_this_machine():
    running = {live_root().word(f"/proc/{pid}/comm") for pid in os.listdir("/proc") if pid.isdigit()}
    daemons = read_daemons(live_root())
    assert {name: bool(daemon) for name, daemon in daemons.items()} == {name: name in running for name in ("irqbalance", "tuned")}


@pytest.mark.parametrize(
    ("arguments", "bans", "interval_s"),
    [
        (("--banirq=36", "-i", "38", "-i5"), (5, 36, 38), 10),
        (("-t", "7", "--foreground"), (), 7),
        (("--interval=3", "--banirq", "9", "--banmod=nvme", "--policyscript=/x"), (9,), 3),
        (("--banirq=x", "--banirq", "-t", "-1", "-i"), (), 10),
        ((), (), 10),
    ],
)
def test_arguments(arguments, bans, interval_s):
    assert parse_arguments(("irqbalance", *arguments)) == {"bans": bans, "interval_s": interval_s}


def test_the_list_counts_before_the_mask():
    assert parse_environment(["IRQBALANCE_BANNED_CPUS=c", "IRQBALANCE_BANNED_CPULIST=0-1"]) == (0, 1)
    assert parse_environment(["IRQBALANCE_BANNED_CPUS=0000000c"]) == (2, 3)
    assert parse_environment(["PATH=/bin", "IRQBALANCE_BANNED_CPULIST="]) is None
    with pytest.raises(FormatError, match="IRQBALANCE_BANNED_CPULIST"):
        parse_environment(["IRQBALANCE_BANNED_CPULIST=all"])


def test_a_running_irqbalance_in_a_recording():
    daemon = read_daemons(
        MemoryRoot(recorded(__proc__811__environ=b"A=1\0IRQBALANCE_BANNED_CPULIST=2\0", __etc__default__irqbalance=FILE), {})
    )["irqbalance"]
    assert (daemon.pid, daemon.bans, daemon.banned_cpus, daemon.interval_s) == (811, (36,), (2,), 10)
    assert daemon.arguments[1] == "--foreground"
    daemon = read_daemons(MemoryRoot(recorded(__etc__sysconfig__irqbalance=FILE), {}))["irqbalance"]
    assert daemon.banned_cpus == (0, 1, 3), "without its environment, the file stands in"


def test_tuned_with_its_profile():
    files = {"/proc/1/comm": b"init\n", "/proc/9/comm": b"tuned\n", "/proc/9/cmdline": b"python3\0tuned\0",
             "/etc/tuned/active_profile": b"network-latency\n"}  # fmt: skip
    daemons = read_daemons(MemoryRoot(files, {}))
    assert daemons["irqbalance"] is False and daemons["tuned"].profile == "network-latency"


def test_not_recorded_is_none(data):
    from tophalf.host.door import open_machine

    assert read_daemons(open_machine(f"{data}/hosts/irqbalance.tar.xz").moments[0][1]) is None


def test_what_irqbalance_answered():
    told = parse_setup(text_of(SETUP))
    assert told == {"interval_s": 7, "bans": (36, 38), "banned_cpus": (1,)}
    assert parse_setup("") == {} and parse_setup("SLEEP 10 ") == {"interval_s": 10, "bans": ()}


def test_the_question_carries_our_credentials(tmp_path):
    """irqbalance answers only whom SCM_CREDENTIALS shows to be root (irqbalance.c sock_handle)."""
    path, heard = str(tmp_path / "socket"), []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(1)
        thread = threading.Thread(target=answer_once, args=(server, heard))
        thread.start()
        assert ask_irqbalance(path) == {"interval_s": 7, "bans": (36, 38), "banned_cpus": (1,)}
        thread.join()
    assert heard == [(b"setup", os.getpid(), os.geteuid())]


def answer_once(server, heard):
    connection, _ = server.accept()
    with connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        question, ancillary, _, _ = connection.recvmsg(100, socket.CMSG_SPACE(12))
        pid, uid = (int.from_bytes(ancillary[0][2][at : at + 4], "little") for at in (0, 4))
        heard.append((question, pid, uid))
        connection.send(SETUP)


@given(damaged(SETUP), damaged(FILE), damaged(b"/usr/sbin/irqbalance\0-t\0007\0--banirq=36\0"))
def test_nothing_breaks_the_reader(setup, file, cmdline):
    survives(lambda _: parse_setup(text_of(setup)), {})
    survives(lambda _: parse_environment(parse_environment_file(text_of(file))), {})
    survives(read_daemons, recorded(cmdline, __etc__default__irqbalance=file, __proc__811__environ=file))
    survives(read_daemons, recorded(cmdline, __etc__tuned__active_profile=file))
