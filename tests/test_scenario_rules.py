"""Every built-in scenario as a machine: the findings of docs/model/scenarios.md and no other, the trace laws, conservation."""

import json
import os
import re
import shutil

import pytest

from tophalf.cli.check import judge_snapshots, time_trace
from tophalf.cli.main import main
from tophalf.cli.simulated import save_run
from tophalf.compiled import jit_is_enabled
from tophalf.host.door import open_machine
from tophalf.host.sample import take_snapshots
from tophalf.host.trace.traces import load_events
from tophalf.judge import laws
from tophalf.model.summary import TIMES
from tophalf.scenario.load import builtin_names, load_scenario

pytestmark = pytest.mark.skipif(not jit_is_enabled(), reason="millions of packets need the compiled engine")
PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "model", "scenarios.md")
ROW = re.compile(r"^\| `([\w.-]+)` \| ([\d.]+) s \| (.*) \|$", re.M)
with open(PAGE, encoding="utf-8") as _page:
    TABLE = {name: (float(seconds), cell) for name, seconds, cell in ROW.findall(_page.read())}


class Recorded:
    """A scenario that ran for the seconds of the table: path of its recording, outcome, and the machine that it opens as."""

    def __init__(self, name, folder):
        scenario = load_scenario(name)
        self.path = f"{folder}/{name}.tar"
        run, _ = save_run(self.path, scenario, seconds=TABLE[name][0])
        self.outcome, self.preempt = run.as_dict(), scenario.one("machine").preempt
        self.machine = open_machine(self.path)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """name -> Recorded, each run once."""
    folder, made = tmp_path_factory.mktemp("scenarios"), {}

    def of(name):
        if name not in made:
            made[name] = Recorded(name, folder)
        return made[name]

    yield of
    shutil.rmtree(folder)  # some are tens of megabytes


def test_the_table_has_a_row_for_each_scenario():
    assert sorted(TABLE) == builtin_names()


def told(cell):
    """{rule: severity} of a cell: **critical**, warning, *information*; "none" for silence."""
    found = {}
    for word in (part.strip() for part in cell.split(",") if part.strip() != "none"):
        severity = "critical" if word.startswith("**") else "information" if word.startswith("*") else "warning"
        found[word.strip("*")] = severity
    return found


def findings_of(verdict):
    """{rule: worst severity} of all findings, consequences too."""
    order, found = ("information", "warning", "critical"), {}
    for finding in verdict.findings:
        for each in (finding, *(related for _, related in finding.related or ())):
            found[each.rule] = max(found.get(each.rule, "information"), each.severity, key=order.index)
    return found


@pytest.mark.parametrize("name", [name for name in builtin_names() if name in TABLE])
def test_findings_are_those_of_the_table_and_no_others(name, recorded):
    machine = recorded(name).machine
    _, verdict = judge_snapshots(machine, take_snapshots(machine), time_trace(machine))
    assert findings_of(verdict) == told(TABLE[name][1])


@pytest.mark.parametrize("name", [name for name in builtin_names() if name in TABLE])
def test_the_laws_hold_on_its_trace(name, recorded):
    run = recorded(name)
    verdicts = laws.judge(load_events(run.machine), run.preempt == "rt")
    broken = {each.law.name: [one.as_dict() for one in each.violations[:3]] for each in verdicts if not each.holds}
    assert not broken


@pytest.mark.parametrize("name", [name for name in builtin_names() if name in TABLE])
def test_packets_and_time_are_conserved(name, recorded):
    outcome = recorded(name).outcome
    packets = outcome["packets"]
    assert packets["offered"] == packets["delivered"] + sum(packets["dropped"].values()) + packets["in_flight"]
    assert packets["in_flight"] >= 0
    for disk in outcome["disks"]:
        assert disk["submitted"] == disk["completed"] + disk["in_flight"]
    for cpu in outcome["cpus"]:
        assert sum(cpu[part] for part in TIMES) == outcome["simulated_ns"]


@pytest.mark.parametrize("name", [name for name in builtin_names() if name in TABLE])
def test_the_other_commands_work_on_it(name, recorded, capsys):
    run = recorded(name)
    documents = {}
    for command in ("irqs", "cpus", "trace"):
        assert main([command, run.path, "--json"]) == 0
        documents[command] = json.loads(capsys.readouterr().out)
        assert main([command, run.path]) == 0
        assert capsys.readouterr().out.startswith(os.path.basename(run.path))
    shown = {row["irq"] for row in documents["irqs"]["irqs"]}
    assert shown >= {line["irq"] for line in run.outcome["lines"]}
    assert len(documents["cpus"]["cpus"]) >= 1
    assert documents["trace"]["events"] > 0
