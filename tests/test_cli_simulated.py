"""MACHINE as a scenario's name: every command works on it, says what it says of a recording, and leaves no file behind."""

import json
import os
import subprocess
import sys
import tempfile

import pytest

from tophalf.cli import simulated
from tophalf.cli.main import main
from tophalf.scenario.load import builtin_names, load_scenario

pytestmark = pytest.mark.kernels
SCENARIO = """
title = "a bit of this and that"
[machine]
cpus = 2
seconds = "30ms"
[[nic]]
rate = 50_000
arrivals = "poisson"
packet_cost = "2us"
[[device]]
name = "sensor"
irq = 30
rate = 500
defer = "tasklet"
deferred_cost = "20us"
[[task]]
run = "300us"
sleep = "100us"
"""


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "this.toml"
    path.write_text(SCENARIO)
    return str(path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The same as a recording: (path of the recording, its scenario)."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "this.toml").write_text(SCENARIO)
    simulated.save_run(str(folder / "this.tar"), load_scenario(str(folder / "this.toml")))
    return str(folder / "this.tar")


@pytest.mark.parametrize("command", ["irqs", "cpus", "check", "trace", "laws"])
def test_a_scenario_says_what_its_recording_says(command, scenario, recorded, capsys):
    documents = []
    for argument in (scenario, recorded):
        assert main([command, argument, "--json"]) == 0
        documents.append(json.loads(capsys.readouterr().out))
    assert documents[0]["machine"].pop("label") == "this"
    assert documents[1]["machine"].pop("label") == "this.tar"
    assert documents[0] == documents[1]
    assert documents[0]["machine"]["kernel"] == "6.12.0-tophalf"


@pytest.mark.parametrize("command", ["irqs", "cpus", "check", "trace", "laws"])
def test_people_are_shown_it_too(command, scenario, capsys):
    assert main([command, scenario]) == 0
    assert capsys.readouterr().out.startswith("this")


def test_moments_of_a_scenario_can_be_named(scenario, capsys):
    assert main(["irqs", f"{scenario}@0.03", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["machine"]["label"], shown["machine"]["kind"]) == ("this@0.030", "moment")


def test_a_scenario_with_itself_is_one_machine(scenario, capsys):
    assert main(["diff", scenario, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seconds_apart"] == 0.03
    assert main(["diff", f"{scenario}@0", f"{scenario}@0.03", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seconds_apart"] == 0.03


def test_events_can_be_exported(scenario, tmp_path, capsys):
    assert main(["export", scenario, str(tmp_path / "x.pftrace")]) == 0
    assert os.path.getsize(tmp_path / "x.pftrace") > 10_000


def test_masks_are_shown_and_cannot_be_set(scenario, capsys):
    assert main(["affinity", "24", "--machine", scenario, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["machine"]["label"] == "this"
    assert main(["affinity", "24", "1", "--machine", scenario]) == 2
    assert capsys.readouterr().err.startswith("tophalf affinity: ")


def test_no_file_stays(scenario, tmp_path, monkeypatch, capsys):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    assert main(["check", scenario]) == 0
    assert os.listdir(tmp_path / "temporary") == []


def test_what_is_wrong_with_a_scenario_is_one_line(tmp_path, capsys):
    path = tmp_path / "bad.toml"
    path.write_text("[machine]\ncpus = -1\n")
    assert main(["check", str(path)]) == 2
    assert "bad.toml:2 [machine] cpus" in capsys.readouterr().err


def test_paths_come_before_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert simulated._scenario_of("mm1") == ("mm1", None)
    assert simulated._scenario_of("mm1@0.5") == ("mm1", 0.5)
    (tmp_path / "mm1").mkdir()
    assert simulated._scenario_of("mm1") == (None, None)
    for name in (None, "", "/", "no-such-scenario", "no/such.toml", "x.tar", "@1"):
        assert simulated._scenario_of(name) == (None, None)
    assert all(simulated._scenario_of(name)[0] == name for name in builtin_names() if name != "mm1")


def test_a_recording_without_tracing_is_one(recorded, tmp_path, scenario, capsys):
    path = str(tmp_path / "y.tar")
    simulated.save_run(path, load_scenario(scenario), events=False)
    assert main(["irqs", path]) == main(["check", path]) == 0
    assert "no tracing in this recording" in capsys.readouterr().out
    assert main(["trace", path]) == 2
    assert "no tracing" in capsys.readouterr().err


def test_a_recording_that_exists_is_not_overwritten(recorded, scenario):
    from tophalf.errors import MachineError

    with pytest.raises(MachineError, match="exists already"):
        simulated.save_run(recorded, load_scenario(scenario))


@pytest.mark.parametrize("arguments", [["irqs", "--seconds", "0"], ["irqs", "{host}"], ["check", "no-such"], ["check", "--help"]])
def test_what_is_no_scenario_never_loads_the_model(arguments, data):
    arguments = [argument.format(host=f"{data}/hosts/netrx-flood.tar.xz") for argument in arguments]
    code = f"import sys\nfrom tophalf.cli.main import main\ntry:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
    code += "print(sorted(name for name in sys.modules if name.startswith(('tophalf.model', 'tophalf.scenario', 'numba'))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_trace_that_was_cut_says_so_wherever_it_is_read(scenario, tmp_path, capsys, monkeypatch):
    from tophalf.model import recorder

    monkeypatch.setattr(recorder, "EVENTS_MAX", 1000)
    monkeypatch.setattr(recorder, "TRACE_ROWS", 200)
    path = str(tmp_path / "cut.tar")
    assert main(["run", scenario, "--save", path]) == 0
    assert "it ends after 1,000 events" in capsys.readouterr().out
    for argument in (path, scenario):
        assert main(["check", argument]) == 0
        assert "it ends after 1,000 events" in capsys.readouterr().out
        assert main(["trace", argument, "--json"]) == 0
        assert any("it ends after 1,000 events" in note for note in json.loads(capsys.readouterr().out)["machine"]["notes"])


def test_a_run_can_be_saved(scenario, tmp_path, capsys):
    path = str(tmp_path / "z.tar")
    assert main(["run", scenario, "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert main(["run", scenario, "--save", path, "--json"]) == 0
    saved = json.loads(capsys.readouterr().out)
    assert saved.pop("saved")["path"] == path
    assert saved | {"wall_seconds": 0} == alone | {"wall_seconds": 0}
    assert main(["laws", path]) == 0
    assert main(["run", scenario, "--save", path]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["run", scenario, "--save", path, "--force", "--seconds", "0.01"]) == 0
    assert f"{path}: " in capsys.readouterr().out


NODES = """
[machine]
cpus = 4
nodes = ["0-1", "2-3"]
isolated = "3"
seconds = "300ms"
[[nic]]
name = "eth0"
node = 1
cpus = "0"
rate = 5000
[[nic]]
name = "eth1"
node = 1
irq = 40
cpus = "3"
rate = 5000
"""


def test_rules_see_the_nodes_and_isolated_cpus_of_a_scenario(tmp_path, capsys):
    path = tmp_path / "nodes.toml"
    path.write_text(NODES)
    main(["check", str(path), "--json"])
    found = {finding["rule"]: finding["title"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert "eth0 sits on node 1" in found["irq-remote-node"]
    assert "isolated CPU 3" in found["irq-on-isolated-cpu"]
    for old, new, what in (('"2-3"]', '"2"]', "not each CPU"), ("node = 1\ncpus", "node = 2\ncpus", "no node 2")):
        path.write_text(NODES.replace(old, new))
        assert main(["check", str(path)]) == 2
        assert what in capsys.readouterr().err
