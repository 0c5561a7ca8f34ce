"""NAME@SECONDS: the nearest moment is taken and named, one that was not recorded is refused."""

import os
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.errors import MachineError
from tophalf.host.door import open_machine
from tophalf.host.pick import split_moment
from tophalf.host.readers.boot import read_boot
from tophalf.host.sample import take_snapshots

HOSTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "hosts")


def series(folder, times, first=()):
    """A series whose counter is the index of the moment; `first`: more files of the first moment."""
    for index, time in enumerate(times):
        proc = folder / time / "proc"
        proc.mkdir(parents=True)
        (proc / "interrupts").write_text(f"  CPU0\n 5: {index} IO-APIC  5-edge      eth0\n")
        for name, text in first if not index else ():
            (proc / name).write_text(text)
    return folder


def count(machine):
    return take_snapshots(machine, fields=("interrupts",), facts=())[0].interrupts.lines["5"].counts


@given(st.text(), st.floats(min_value=0, max_value=1e6, allow_nan=False))
def test_what_stands_behind_the_last_at_is_the_time(name, seconds):
    assert split_moment(f"{name}@{seconds}") == ((name, seconds) if name else (f"@{seconds}", None))


@pytest.mark.parametrize("argument", ["r.tar", "r@host.tar", "@5", "r.tar@", "r.tar@nan", "r.tar@inf"])
def test_other_names_hold_no_time(argument):
    assert split_moment(argument) == (argument, None)


@pytest.mark.parametrize(
    ("asked", "index", "label"), [("0", 0, "0.000"), ("0.6", 1, "1.002"), ("2.9", 2, "2.500"), ("3.9", 2, "2.500")]
)
def test_the_nearest_moment_is_taken_and_named(tmp_path, asked, index, label):
    machine = open_machine(f"{series(tmp_path / 's', ['000.000', '001.002', '002.500'])}@{asked}")
    assert (machine.label, machine.kind, count(machine)) == (f"s@{label}", "moment", (index,))


@pytest.mark.parametrize("asked", ["4.1", "99", "-2", "1e300"])
def test_a_time_far_outside_is_refused_with_the_range(tmp_path, asked):
    with pytest.raises(MachineError, match=r"its moments go from 0 to 2\.500 s"):
        open_machine(f"{series(tmp_path / 's', ['000.000', '001.002', '002.500'])}@{asked}")


def test_seconds_count_from_the_first_moment(tmp_path):
    machine = open_machine(f"{series(tmp_path / 's', ['1700000000.000', '1700000001.500'])}@1.5")
    assert (machine.label, count(machine)) == ("s@1.500", (1,))


def test_a_file_of_that_very_name_comes_first(tmp_path):
    series(tmp_path / "s@1", ["000.000", "001.000"])
    series(tmp_path / "s", ["000.000", "001.000"])
    machine = open_machine(f"{tmp_path}/s@1")
    assert (machine.label, len(machine.moments)) == ("s@1", 2)


def test_facts_come_from_the_first_moment(tmp_path):
    folder = series(tmp_path / "s", ["000.000", "001.000"], [("version", "Linux version 6.12.1 (x)\n")])
    machine = open_machine(f"{folder}@1")
    assert "6.12.1" in read_boot(machine.facts_root).version
    assert "6.12.1" in take_snapshots(machine)[0].facts.boot.version
    assert machine.moments[0][1].text("/proc/version") is None, "masks and counters are of the moment alone"


def test_what_has_no_moments_is_refused():
    with pytest.raises(MachineError, match="trace alone"):
        open_machine(f"{HOSTS}/slow.trace.dat@1")
    with pytest.raises(MachineError, match="live"):
        open_machine("/@1")


def test_a_moment_of_a_recording_says_whose_its_trace_is(tmp_path):
    series(tmp_path / "s", ["000.000", "001.000"])
    (tmp_path / "s" / "trace").mkdir()
    (tmp_path / "s" / "trace" / "meta.json").write_text("{}")
    assert open_machine(f"{tmp_path}/s@1").notes == []  # meta.json alone is of a recording without tracing
    (tmp_path / "s" / "trace" / "header_page").write_text("")
    assert open_machine(f"{tmp_path}/s@1").notes == ["the trace is of all 2 moments, not of this one alone"]


@pytest.mark.parametrize("packed", [False, True])
def test_two_machines_in_one_place_are_said(tmp_path, packed):
    series(tmp_path / "all" / "b", ["000.000", "001.000"])
    series(tmp_path / "all" / "a", ["000.000", "001.000"])
    path = tmp_path / "all"
    if packed:
        with tarfile.open(tmp_path / "all.tar", "w") as tar:
            tar.add(path, arcname="")
        path = tmp_path / "all.tar"
    machine = open_machine(str(path))
    assert machine.notes == ["holds 2 machines (a, b); showing a"] and len(machine.moments) == 2


def test_one_machine_is_one_also_with_a_container_inside(tmp_path):
    for root in ("m", "m/var/lib/machines/c"):
        (tmp_path / root / "proc").mkdir(parents=True)
        (tmp_path / root / "proc" / "stat").write_text("cpu0 1 2 3 4\n")
    with tarfile.open(tmp_path / "m.tar", "w") as tar:
        tar.add(tmp_path / "m", arcname="m")
    assert open_machine(str(tmp_path / "m.tar")).notes == [] == open_machine(str(tmp_path / "m")).notes
