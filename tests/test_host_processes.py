"""Finding a process: one started here, ps output as sosreports keep it, damage."""

import os
import subprocess

from hypothesis import given

from damage import damaged, survives, text_of
from tophalf.host.readers.processes import find_processes, parse_ps
from tophalf.host.roots import MemoryRoot, live_root

AUX = b"USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n" \
      b"root           1  0.0  0.1 168000 12000 ?        Ss   Nov21   0:03 /sbin/init splash\n" \
      b"root         811  0.0  0.0  82900  3900 ?        Ssl  Nov21   0:01 /usr/sbin/irqbalance --foreground --banirq=36\n" \
      b"root         902  0.0  0.3 245000 28000 ?        Ssl  Nov21   0:09 /usr/bin/python3 -Es /usr/sbin/tuned -l\n"  # fmt: skip


def test_a_process_started_here(tmp_path):
    script = tmp_path / "thf-test-proc"
    script.write_text("#!/bin/sh\nread line\n")
    script.chmod(0o755)
    with subprocess.Popen([str(script), "--banirq=36", ""], stdin=subprocess.PIPE) as process:
        while live_root().word(f"/proc/{process.pid}/comm") != "thf-test-proc":
            os.sched_yield()
        found = find_processes(live_root(), ("thf-test-proc", "nosuchprocess"))
        process.stdin.close()
    assert found == {"thf-test-proc": (process.pid, ("/bin/sh", str(script), "--banirq=36"))}


def test_a_list_without_process_1_is_no_process_list():
    files = {"/proc/14/comm": b"ksoftirqd/0\n", "/proc/811/comm": b"irqbalance\n", "/proc/811/cmdline": b"irqbalance\0-f\0"}
    root = MemoryRoot(files, {})
    assert find_processes(root, ("irqbalance",)) is None and root.missing["/proc/PID"] == "no process list recorded"
    root = MemoryRoot(files | {"/proc/1/comm": b"init\n"}, {})
    assert find_processes(root, ("irqbalance",)) == {"irqbalance": (811, ("irqbalance", "-f"))}


def test_ps_of_a_sosreport():
    root = MemoryRoot({"/sos_commands/process/ps_auxwwwm": AUX}, {})
    found = find_processes(root, ("irqbalance", "tuned"))
    assert found["irqbalance"] == (811, ("/usr/sbin/irqbalance", "--foreground", "--banirq=36"))
    assert found["tuned"][0] == 902
    assert parse_ps("  PID CMD\n    2 [kthreadd]\n", ("irqbalance",)) == {}
    assert parse_ps("error\n", ("irqbalance",)) is None and parse_ps("", ("irqbalance",)) is None


@given(damaged(AUX), damaged(b"irqbalance\n"), damaged(b"irqbalance\0--banirq=3\0"))
def test_nothing_breaks_the_search(ps, comm, cmdline):
    survives(lambda root: find_processes(root, ("irqbalance",)), {"/sos_commands/process/ps_auxwww": ps})
    files = {"/proc/1/comm": comm, "/proc/1/cmdline": cmdline}
    survives(lambda root: find_processes(root, ("irqbalance",)), files)
    parse_ps(text_of(ps), ("tuned",))
