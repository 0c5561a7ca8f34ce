"""`tophalf diff`: which moments are compared, in words and in the document."""

import json
import os

import pytest

from tophalf.cli.main import main

HOSTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "hosts")
FLOOD, MOVED = f"{HOSTS}/netrx-flood.tar.xz", f"{HOSTS}/irqbalance.tar.xz"


def run(capsys, *arguments):
    status = main(["diff", *map(str, arguments)])
    captured = capsys.readouterr()
    assert not status or not captured.out
    return captured.out if not status else captured.err


def wrapping(folder, counts):
    for second, count in enumerate(counts):
        proc = folder / f"{second:03}.000" / "proc"
        proc.mkdir(parents=True)
        (proc / "interrupts").write_text(f"  CPU0\n 5: {count} IO-APIC  5-edge      eth0\n")
    return folder


def test_unseen_masks_are_said(capsys):
    out = run(capsys, f"{MOVED}@0", f"{MOVED}@6")
    assert "masks, effective masks, affinity hints not recorded in B: not compared" in out
    assert out.startswith("A: irqbalance.tar.xz@0.000, B: irqbalance.tar.xz@6.489, 6.489 s apart\n")
    assert "nothing changed in: interrupt lines\n" in out


def test_what_was_seen_unchanged_is_named(capsys):
    assert "nothing changed in: interrupt lines, masks, effective masks" in run(capsys, FLOOD, FLOOD)


def test_a_flood_shows_as_cpu_time_of_ksoftirqd(capsys):
    rows = {row["what"]: row for row in json.loads(run(capsys, "--json", f"{HOSTS}/balanced.tar.xz", FLOOD))["moved"]}
    assert rows["ksoftirqd/0"]["unit"] == "ms" and 900 < rows["ksoftirqd/0"]["after"] < 1000
    assert "ksoftirqd/0" in run(capsys, f"{HOSTS}/balanced.tar.xz", FLOOD)


def test_both_machines_notes_are_printed(capsys, tmp_path):
    first, second = (wrapping(tmp_path / name, [1, 2]) for name in "ab")
    for folder in (first, second):
        (folder / "000.000" / "proc" / "softirqs").write_text("rubbish\n")
        (folder / "001.000" / "proc" / "softirqs").write_text("rubbish\n")
    (second / "001.000" / "proc" / "stat").write_text("cpu0 x\n")
    out = run(capsys, first, second)
    assert "note on A and B: /proc/softirqs" in out and "note on B: /proc/stat" in out


def test_a_wrap_between_the_ends_of_a_series(capsys, tmp_path):
    out = run(capsys, wrapping(tmp_path / "s", [4294967290, 4]))
    assert out.startswith("s@0.000 against s@1.000, 1.000 s apart\n")
    assert [line.split() for line in out.splitlines() if line.startswith("irq 5")] == [
        ["irq", "5", "eth0", "4.29G", "4", "+10", "(wrapped)"]
    ]


def test_counts_that_look_alike_get_their_digits(capsys, tmp_path):
    out = run(capsys, wrapping(tmp_path / "s", [1_060_001, 1_060_005]))
    assert "irq 5 eth0  1,060,001  1,060,005      +4" in out


@pytest.mark.parametrize(("arguments", "words"), [([f"{FLOOD}@1"], "is one moment: nothing to compare it with"),
                                                  ([f"{FLOOD}@99"], "its moments go from 0 to 9.998 s"),
                                                  (["-", "--seconds", "0"], "is one moment")])  # fmt: skip
def test_what_cannot_be_compared_is_refused(capsys, arguments, words):
    assert words in run(capsys, *arguments)


def test_the_document_names_moments_and_time_between(capsys):
    document = json.loads(run(capsys, "--json", f"{FLOOD}@1", f"{FLOOD}@0"))
    assert (document["a"]["label"], document["b"]["label"]) == ("netrx-flood.tar.xz@0.998", "netrx-flood.tar.xz@0.000")
    assert document["seconds_apart"] == pytest.approx(-0.998) and document["per"] == "since boot"
    assert all(row["change"] < 0 for row in document["moved"])
    assert {"what": "masks", "why": "not recorded in A"} in document["not_compared"]


def test_a_whole_series_against_a_moment_says_its_moment(capsys):
    out = run(capsys, f"{MOVED}@0", FLOOD)
    assert out.startswith("A: irqbalance.tar.xz@0.000, B: netrx-flood.tar.xz@9.998\n")
