"""`tophalf laws`: exit status, JSON and text, on a real trace as it is and with one event gone."""

import json
import lzma
import os

import numpy as np
import pytest

from live_tracing import needs_tracefs
from tophalf import vocab
from tophalf.cli import laws as command
from tophalf.cli.main import main
from tophalf.host.door import open_machine
from tophalf.host.trace.traces import load_events
from tophalf.judge import laws

TRACE = os.path.join("traces", "works-6.12.dat")


@pytest.fixture
def machine(data):
    return open_machine(os.path.join(data, TRACE))


@pytest.fixture
def unlawful(machine):
    """The trace without one softirq_exit in its middle."""
    table = load_events(machine)
    exits = np.flatnonzero(table.kind == vocab.SOFTIRQ_EXIT)
    keep = np.ones(len(table), bool)
    keep[exits[len(exits) // 2]] = False
    return table.rows(keep)


def test_a_lawful_trace_exits_with_0(data, capsys):
    assert main(["laws", os.path.join(data, TRACE)]) == 0
    text = capsys.readouterr().out
    assert "napi-budget" in text
    assert "not exercised" in text
    assert "laws that applied hold" in text


def test_json_holds_what_its_page_says(data, capsys):
    assert main(["laws", "--json", os.path.join(data, TRACE)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["holds"] is True
    assert document["events"] == 3541
    assert document["lost_events"] == 0
    names = [law["law"] for law in document["laws"]]
    assert names == [law.name for law in laws.LAWS]
    assert sorted(document["exercised"] + document["not_exercised"]) == sorted(names)
    for law in document["laws"]:
        assert set(law) == {"law", "statement", "source", "applied", "violation_count", "violations"}
        assert (law["applied"] > 0) == (law["law"] in document["exercised"])


def test_a_violation_exits_with_1_and_is_named(data, tmp_path, capsys):
    """Tracefs text without the line of one softirq_exit."""
    with lzma.open(os.path.join(data, "hosts", "idle-6.18.trace.txt.xz"), "rt") as file:
        lines = file.readlines()
    exits = [at for at, line in enumerate(lines) if "softirq_exit" in line]
    gone = exits[len(exits) // 2]
    changed = tmp_path / "changed.txt"
    changed.write_text("".join(lines[:gone] + lines[gone + 1 :]))
    assert main(["laws", "--json", str(changed)]) == 1
    document = json.loads(capsys.readouterr().out)
    broken = [law for law in document["laws"] if law["violation_count"]]
    assert document["holds"] is False
    assert {law["law"] for law in broken} <= {"softirq-pair", "softirq-not-nested"}
    (violation,) = broken[0]["violations"]
    table = load_events(open_machine(str(changed)))
    assert violation["time_ns"] == table.time_ns[violation["row"]]
    assert violation["cpu"] == table.cpu[violation["row"]]
    assert set(violation) == {"time_ns", "cpu", "row", "what"}


def test_text_names_time_cpu_and_row(machine, unlawful):
    verdicts = laws.judge(unlawful)
    text = command.report(machine, unlawful, verdicts)
    violation = next(verdict for verdict in verdicts if not verdict.holds).violations[0]
    assert f"{violation.time_ns / 10**9:.9f} CPU {violation.cpu} row {violation.row}" in text
    assert "broken" in text


def test_a_machine_without_a_trace_exits_with_2(data, capsys):
    assert main(["laws", os.path.join(data, "hosts", "cpu0.tar.xz")]) == 2
    assert "no tracing in this recording" in capsys.readouterr().err


@needs_tracefs
@pytest.mark.parametrize("words", [["/"], []])
def test_this_host_is_named_by_a_slash_too(capsys, words):
    assert main(["laws", *words, "--seconds", "0.3", "--json"]) in (0, 1)
    head = json.loads(capsys.readouterr().out)["machine"]
    assert (head["label"], head["kind"]) == ("this host", "live")


def test_violations_of_a_law_are_counted_beyond_those_kept(machine):
    table = load_events(machine)
    silent = table.replace(flags=table.flags & ~np.uint16(vocab.FLAG_SOFTIRQ))
    verdict = next(verdict for verdict in laws.judge(silent) if verdict.law.name == "softirq-context")
    assert verdict.violation_count == verdict.applied
    assert len(verdict.violations) == min(verdict.violation_count, 1000)
    assert "and " in command.report(machine, silent, [verdict])
