"""The command `tophalf affinity`, as its user meets it."""

import json
import os

import pytest

from live_tracing import needs_tracefs
from test_host_affinity import mask_of, movable_line
from tophalf.cli.main import main
from tophalf.host.record.recorder import record

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="writing masks needs root")


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("TOPHALF_STATE", str(tmp_path / "state.json"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def line():
    """A quiet line of this machine; its mask is put back."""
    irq = movable_line()
    before = mask_of(irq)
    yield irq
    with open(f"/proc/irq/{irq}/smp_affinity", "w") as file:
        file.write(before)


@pytest.fixture
def said(capsys):
    """Run tophalf affinity: (exit status, standard output, standard error)."""

    def run(*words):
        status = main(["affinity", *map(str, words)])
        return (status, *capsys.readouterr())

    return run


@AS_ROOT
def test_set_show_and_undo(said, line):
    status, out, _ = said(line, "--list", "0", "--wait", "0.05")
    assert status == 0 and f"IRQ {line}" in out and "-> 0  (mask 1), read as a list" in out
    assert "no interrupt in" in out and f"undo: tophalf affinity --undo {line}" in out
    status, out, _ = said(line)
    assert status == 0 and "affinity            0  (mask 1)" in out
    status, out, _ = said("--undo", line, "--wait", "0.05")
    assert status == 0 and "restored" in out and "what was there before the first change" in out
    status, _, err = said("--undo", line)
    assert status == 2 and f"IRQ {line}: nothing to undo" in err


@AS_ROOT
def test_set_as_json(said, line):
    status, out, _ = said(line, "0x1", "--json", "--wait", "0.02")
    answer = json.loads(out)
    change = answer["changes"][0]
    assert status == 0 and answer["understood_as"] == "mask"
    assert change["irq"] == line and change["after"] == [0] and change["written"] and change["refused"] is None
    assert change["affinity_now"] == [0] and change["undo_left"] == 1
    assert answer["irqbalance"]["running"] in (True, False, None)


def test_dry_run_writes_nothing(said, line):
    before = mask_of(line)
    status, out, _ = said(line, "--dry-run", "0-0")
    assert status == 0 and f"would write 1 to /proc/irq/{line}/smp_affinity" in out and "nothing was written" in out
    assert mask_of(line) == before and not os.path.exists(os.environ["TOPHALF_STATE"])


@pytest.mark.parametrize("word", ["--list", "--mask"])
def test_dry_run_foresees_what_the_kernel_would_refuse(said, line, word):
    with open("/sys/devices/system/cpu/possible") as file:
        beyond = int(file.read().strip().rpartition("-")[2]) + 1
    cpus = f"0-{beyond}" if word == "--list" else f"{(1 << beyond + 1) - 1:x}"
    status, out, _ = said(line, word, cpus, "--dry-run")
    assert status == 2 and "it would be refused: " in out and "a CPU this kernel cannot have (EOVERFLOW)" in out
    if os.geteuid() == 0:
        status, _, err = said(line, word, cpus, "--wait", "0")
        assert status == 2 and "(EOVERFLOW)" in err, "the kernel's own answer"
    (row,) = json.loads(said(line, word, cpus, "--dry-run", "--json")[1])["changes"]
    assert "EOVERFLOW" in row["refused"]


@AS_ROOT
def test_dry_run_of_an_undo(said, line):
    said(line, "0x1", "--wait", "0")
    status, out, _ = said("--undo", "--dry-run")
    assert status == 0 and "nothing was written" in out
    assert said(line, "--json")[1] and mask_of(line).strip().lstrip("0,") == "1"


@AS_ROOT
def test_where_nothing_can_be_kept_the_way_back_is_printed(said, line, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOPHALF_STATE", str(tmp_path / "file" / "state.json"))
    status, out, _ = said(line, "0-0", "--wait", "0")
    assert status == 0 and "could not be kept for --undo" in out and f"undo: tophalf affinity {line} --list 0-" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "which interrupt"),
        (("no-such-name",), "no interrupt has 'no-such-name'"),
        (("99999",), "IRQ 99999: no such interrupt"),
        (("LOC",), "no mask"),
        (("--undo", "5", "0-1"), "--undo takes no CPUS"),
        (("5", "0-1", "--mask", "3"), "given more than once"),
        (("5", "zz"), "neither a CPU mask nor a CPU list"),
        (("5", "f", "--wait", "-1"), "--wait"),
        (("5", "f", "--wait", "nan"), "--wait"),
        (("--undo",), "nothing to undo"),
        (("5", "--machine", "/nonexistent"), "no such file"),
    ],
)
def test_errors_are_one_line_and_status_2(said, words, message):
    status, out, err = said(*words)
    assert status == 2 and message in err and err.count("\n") == 1 and not out


def test_several_lines_ask_for_all(said, data):
    from tophalf.host.readers.interrupts import read_interrupts
    from tophalf.host.roots import live_root

    lines = [line for line in read_interrupts(live_root()).lines.values() if line.irq is not None and line.actions]
    if len(lines) < 2:
        pytest.skip("fewer than two interrupts on this machine")
    status, out, err = said("*", "0-0")
    assert status == 2 and "--all" in err and f"fits {len(lines)} interrupts" in err
    assert said("*", "0-0", "--all", "--dry-run")[1].count("would write") == len(lines)


def test_a_recording_is_shown_and_not_set(said, data):
    recorded = f"{data}/hosts/nvme.tar.xz"
    status, out, _ = said("nvme0q2", "--machine", recorded)
    assert status == 0 and "affinity            1  (mask 2)" in out and "likely" in out
    assert "irqbalance: not known, the process list is not recorded" in out
    for words in (("nvme0q2", "f"), ("--undo",), ("nvme0q2", "f", "--dry-run")):
        status, _, err = said(*words, "--machine", recorded)
        assert status == 2 and "a recording cannot be steered" in err


def test_a_series_shows_the_latest_mask_it_holds(said, data):
    status, out, _ = said("virtio*-input.0", "--machine", f"{data}/hosts/irqbalance.tar.xz", "--json")
    row = json.loads(out)["irqs"][0]
    assert status == 0 and row["affinity"] == [3] and row["effective_affinity"] == [3]


@needs_tracefs
def test_a_recording_of_ours_tells_all_that_the_machine_did(said, line, tmp_path):
    path = str(tmp_path / "host.tar")
    record(path, 0.3, memory_mib=8)
    status, out, _ = said("*", "--machine", path, "--json")
    recorded, live = json.loads(out), json.loads(said("*", "--json")[1])
    assert status == 0 and recorded["irqbalance"] == live["irqbalance"] and recorded["irqbalance"]["running"] is not None
    told = ("irq", "actions", "affinity", "managed", "managed_evidence", "fixed")
    assert [[row[key] for key in told] for row in recorded["irqs"]] == [[row[key] for key in told] for row in live["irqs"]]


@needs_tracefs
def test_a_device_is_found_in_a_recording(said, tmp_path):
    path = str(tmp_path / "host.tar")
    record(path, 0.3, memory_mib=8)
    names = [name for kind in ("net", "block") for name in os.listdir(f"/sys/class/{kind}")]
    live = {name: json.loads(answer[1])["irqs"] for name in names if (answer := said(name, "--json"))[0] == 0}
    for name, rows in live.items():
        status, out, _ = said(name, "--machine", path, "--json")
        assert status == 0 and [row["irq"] for row in json.loads(out)["irqs"]] == [row["irq"] for row in rows], name


def test_a_trace_holds_no_masks(said, data):
    status, _, err = said("5", "--machine", f"{data}/hosts/slow.trace.dat")
    assert status == 2 and "trace alone" in err


def test_every_line_of_this_machine_can_be_shown(said):
    status, out, _ = said("*", "--json")
    document = json.loads(out)
    assert status == 0 and document["irqs"]
    for row in document["irqs"]:
        assert row["affinity"] is None or row["affinity"] == sorted(row["affinity"])
        assert set(row["effective_affinity"] or ()) <= set(row["affinity"] or ())


def test_help_says_how_cpus_are_read(said, capsys):
    with pytest.raises(SystemExit) as ended:
        said("--help")
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert "10 is CPU 10" in text and "--undo" in text and "still lands on" in text
