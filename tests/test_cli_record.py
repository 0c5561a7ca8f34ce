"""`tophalf record` and its words."""

import json
import os
import signal
import subprocess
import sys

import pytest

from live_tracing import needs_tracefs
from tophalf.cli.record import summary
from tophalf.host.record.recorder import Recording

COMMAND = [sys.executable, "-m", "tophalf", "record"]


def run(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


@needs_tracefs
def test_it_says_buffers_progress_size_events_losses_and_its_own_cost(tmp_path):
    done = run(str(tmp_path / "host.tar"), "--seconds", "1.2", "--memory", "8")
    assert done.returncode == 0
    cpus = os.sysconf("SC_NPROCESSORS_ONLN")
    assert f"on {cpus} CPUs, buffers of" in done.stderr and "MiB in all" in done.stderr and " events/s  0 lost" in done.stderr
    assert done.stdout.startswith(f"{tmp_path}/host.tar: ") and "none lost; recording took" in done.stdout
    again = run(str(tmp_path / "host.tar"), "--seconds", "1")
    assert again.returncode == 2 and again.stderr.endswith("exists already; name another file, or overwrite it with --force\n")


@needs_tracefs
def test_json_holds_the_figures_and_missing_events_are_said(tmp_path):
    path = str(tmp_path / "host.tar")
    done = run(path, "--seconds", "0.2", "--memory", "8", "--json", "--events", "irq,foo:bar")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["path"] == path and told["lost"] == 0 and told["complete"]
    assert told["size_bytes"] == os.path.getsize(path) and told["cpu_ns"] > 0
    assert "not recorded: foo:bar: this kernel has no such event" in done.stderr


@needs_tracefs
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(tmp_path, number):
    command = [*COMMAND, str(tmp_path / "x.tar"), "--memory", "8"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "recording" in process.stderr.readline()
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0 and "none lost" in output


@needs_tracefs
@pytest.mark.parametrize("arguments", [("--events", "foo:bar"), ("--memory", "1", "--events", "foo:bar")])
def test_what_cannot_be_is_one_line_and_exit_2(tmp_path, arguments):
    done = run(str(tmp_path / "x.tar"), "--seconds", "1", *arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "foo:bar" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("arguments", [("x.tar", "--seconds", "0"), ("x.tar", "--seconds", "nan"), ("x.tar", "--memory", "0"), ()])
def test_nonsense_is_refused_before_anything_is_done(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and "usage: tophalf record" in done.stderr


def test_a_recording_cut_short_says_why():
    told = summary(Recording(
        path="x.tar", elapsed_ns=2 * 10**9, events=1234, lost=5, size_bytes=3_000_000, cpu_ns=10**8, complete=False,
        reason="x.tar: cannot be written further (No space left on device)",
    ))  # fmt: skip
    assert told.splitlines() == [
        "x.tar: 3.0 MB, 1,234 events in 2 s, 5 lost; recording took 5.0 % of a core",
        "tophalf record: cut short: x.tar: cannot be written further (No space left on device)",
    ]
