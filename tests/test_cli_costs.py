"""`tophalf costs`: the table shown, and one measured on this machine and used."""

import json
import os

import pytest

import live_tracing
from tophalf.cli.main import main
from tophalf.scenario.costtable import load_cost_table
from tophalf.scenario.sections.costs import MEANINGS


def test_the_assumed_table_is_shown_with_its_sources(capsys):
    assert main(["costs"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in MEANINGS) and "Li, Ding, Shen" in text
    assert main(["costs", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["costs"]
    assert [row["cost"] for row in rows] == list(MEANINGS)
    assert rows[0] == {"cost": "irq_entry", "value": "300 ns", "meaning": MEANINGS["irq_entry"], "source": rows[0]["source"]}


@pytest.mark.parametrize("arguments", [["x.toml", "--measure", "y.toml"], ["--force"], ["/nowhere.toml"]])
def test_what_cannot_be_is_one_line_and_exit_2(arguments, capsys):
    assert main(["costs", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_that_exists_is_kept(tmp_path, capsys):
    path = tmp_path / "t.toml"
    path.write_text("mine")
    assert main(["costs", "--measure", str(path)]) == 2
    assert path.read_text() == "mine" and "--force" in capsys.readouterr().err


@pytest.mark.skipif(live_tracing.why_not() is not None, reason=str(live_tracing.why_not()))
def test_this_machine_is_measured_and_left_as_it_was(tmp_path, monkeypatch, capsys):
    from tophalf.cli import costs_measure

    monkeypatch.setattr(costs_measure, "SECONDS", 1.5)
    path, allowed, instances = str(tmp_path / "t.toml"), os.sched_getaffinity(0), live_tracing.instances()
    assert main(["costs", "--measure", path]) == 0
    assert os.sched_getaffinity(0) == allowed and live_tracing.instances() == instances
    costs, sources = load_cost_table(path)
    measured = {name for name, text in sources.items() if text.startswith("measured")}
    assert {"syscall", "page_fault", "context_switch", "timer_tick", "softirq_entry", "packet"} <= measured
    for name in measured:
        assert 0 < costs[name][1] < 1_000_000, name  # a step of the kernel is no millisecond
    assert main(["run", "one-cpu", "--seconds", "0.001", "--set", f"costs.table={path}"]) == 0
    assert "measured" in capsys.readouterr().out
