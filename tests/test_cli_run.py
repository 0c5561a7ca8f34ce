"""`tophalf run` and `tophalf scenarios` at the command line."""

import json
import os

import pytest

from tophalf.cli.main import main
from tophalf.cli.run_text import BAR_WIDTH, handler_ns, run_text
from tophalf.scenario.load import builtin_names, load_scenario, read_scenario

pytestmark = pytest.mark.kernels


def test_run_prints_figures_bars_and_lines(capsys):
    assert main(["run", "10gbe-per-packet", "--seconds", "0.005"]) == 0
    text = capsys.readouterr().out
    assert "the load asks for 74.4 CPUs; 1 there" in text
    assert f"CPU0 {'H' * BAR_WIDTH} hardirq 100.0%" in text
    assert "eth0-rx-0" in text


def test_run_as_json(capsys):
    assert main(["run", "mm1", "--seconds", "0.002", "--seed", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["scenario"], found["seed"], found["simulated_ns"]) == ("mm1", 4, 2_000_000)


def test_json_says_what_was_saved_and_what_of_it_had_no_room(tmp_path, capsys, monkeypatch):
    path = str(tmp_path / "run.tar")
    assert main(["run", "mm1", "--seconds", "0.0005", "--save", path, "--json"]) == 0
    saved = json.loads(capsys.readouterr().out)["saved"]
    assert saved == {"path": path, "size_bytes": os.path.getsize(path), "cut": None}
    monkeypatch.setattr("tophalf.model.recorder.TRACE_ROWS", 40)
    monkeypatch.setattr("tophalf.model.recorder.EVENTS_MAX", 50)
    assert main(["run", "mm1", "--seconds", "0.0005", "--save", path, "--force", "--json"]) == 0
    assert "trace" in json.loads(capsys.readouterr().out)["saved"]["cut"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nonesuch"], "no scenario 'nonesuch'"), (["mm1", "--set", "nic.x=1"], "unknown key x"),
        (["mm1", "--seconds", "-1"], "no time to run"), (["mm1", "--set", "nic.rate=-4"], "rate"),
        (["mm1", "--set", "nic.9.rate=4"], "no [[nic]] number 9; it has 1, numbered from 0"),
        (["10gbe-napi", "--set", "nic.tx_rate=1000000000000"], "1,000,000,000,000 packets a second are too many"),
        (["mm1", "--narrate", "5us", "--seconds", "1"], "--seconds and --narrate"), (["mm1", "--force"], "--force is for --save"),
        (["mm1", "--narrate", "5us", "--save", "x"], "--save and --narrate"),
    ],
)  # fmt: skip
def test_faults_are_one_line_and_status_2(arguments, words, capsys):
    assert main(["run", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_scenarios_are_listed_and_shown(capsys):
    assert main(["scenarios"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in builtin_names())
    assert main(["scenarios", "mm1"]) == 0
    assert "exponential 1us" in capsys.readouterr().out
    assert main(["scenarios", "--json"]) == 0
    assert {"name", "title"} == set(json.loads(capsys.readouterr().out)["scenarios"][0])


def test_keys_are_listed(capsys):
    assert main(["scenarios", "--keys"]) == 0
    assert "rx_usecs" in capsys.readouterr().out
    assert main(["scenarios", "--keys", "--json"]) == 0
    keys = json.loads(capsys.readouterr().out)["keys"]
    assert {"section", "key", "kind", "default", "meaning"} == set(keys[0])
    defaults = {(key["section"], key["key"]): key["default"] for key in keys}
    assert defaults["machine", "seconds"] == "1 s" and defaults["timer", "cpus"] == "0" and defaults["nic", "rps_cpus"] is None


def test_a_run_says_which_orders_its_end_came_before_and_what_was_sent(tmp_path, capsys):
    path = tmp_path / "late.toml"
    nic = '[machine]\ncpus = 2\n[[nic]]\nrate = "1k"\ntx_rate = "10k"\n'
    path.write_text(f'{nic}[[at]]\ntime = "2ms"\ndisable_irq = 24\n[[at]]\ntime = "9ms"\noffline = 1\n')
    assert main(["run", str(path), "--seconds", "0.005"]) == 0
    text = capsys.readouterr().out
    assert "not carried out: 1 of [[at]], whose time comes after the end at 5 ms" in text
    assert "at 2 ms: disable_irq" in text and "packets sent" in text and "\n\n\n" not in text


def test_what_a_load_asks_for_is_said_only_where_it_is_known():
    scenario = load_scenario("10gbe-per-packet")
    assert handler_ns(scenario, scenario.all("nic")[0]) == 5000
    scenario = load_scenario("10gbe-napi")
    assert handler_ns(scenario, scenario.all("nic")[0]) == 300 + 500 + 200  # entry and exit by default
    scenario = read_scenario('[[nic]]\nrate = 1000\nmode = "each"\n', "plain.toml")
    assert handler_ns(scenario, scenario.all("nic")[0]) == 300 + 500 + 200  # the handler's by default, too
    scenario = load_scenario("10gbe-per-packet", ["nic.handler_cost=exponential 4us"])
    assert handler_ns(scenario, scenario.all("nic")[0]) is None


def test_bars_of_many_cpus_are_cut():
    scenario = load_scenario("10gbe-napi")
    cpu = {"hardirq_ns": 1, "softirq_ns": 0, "ksoftirqd_ns": 0, "irq_thread_ns": 0, "kworker_ns": 0, "task_ns": 0, "idle_ns": 2}
    found = {
        "scenario": "x", "seed": 0, "simulated_ns": 3, "wall_seconds": 0.0, "interrupts": 0, "polls": 0, "lines": [], "orders": [],
        "drivers": [], "calls": [], "context_switches": {"voluntary": 0, "by_interrupt": 0}, "latency_ns": {"mean": None},
        "packets": {"offered": 0, "dropped": {}}, "disks": [], "work": [], "cpus": [cpu | {"cpu": number} for number in range(40)],
    }  # fmt: skip
    assert "and 8 more CPUs" in run_text(scenario, found)
