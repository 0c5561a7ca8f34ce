"""The drivers of examples/ run on the model, and what they do there keeps the kernel's laws."""

import os

import pytest

from tophalf.cli.main import main
from tophalf.model.simulate import load_scenario, make_world, simulate

pytestmark = pytest.mark.kernels
EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples")
NOT_YET = {"nic.py"}  # NAPI
RUN = sorted(set(os.listdir(EXAMPLES)) - NOT_YET)


def path(name):
    return os.path.join(EXAMPLES, name)


@pytest.mark.parametrize("name", RUN)
def test_an_example_runs_and_keeps_the_laws(name, capsys):
    found = simulate(load_scenario(path(name), ())).as_dict()
    assert found["interrupts"] > 0 and found["lines"][0]["irq"] == 24
    assert main(["laws", path(name)]) == 0
    assert "laws that applied hold" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(NOT_YET))
def test_what_the_model_does_not_have_yet_is_said_with_the_line(name, tmp_path, capsys):
    scenario = tmp_path / "machine.toml"
    scenario.write_text(f'[machine]\nseconds = "1ms"\n[[driver]]\nname = "it"\nirq = 24\nfile = "{path(name)}"\n', encoding="utf-8")
    assert main(["run", str(scenario)]) == 2
    said = capsys.readouterr().err
    assert f"{name}:" in said and "in probe is not run by the model yet" in said and "Traceback" not in said


def test_a_tasklet_and_its_port_to_bh_work_take_the_same_time():
    cpus = [simulate(load_scenario(path(name), ())).as_dict()["cpus"][0] for name in ("tasklet_user.py", "bh_work.py")]
    assert cpus[0] == cpus[1] and cpus[0]["softirq_ns"] > 0


def test_a_sampler_samples_each_millisecond():
    # started at 1, 2, ... 99 ms, each done 20 µs later; the FIFO gives their numbers
    world = make_world(load_scenario(path("sampler.py"), ()), 0)
    world.run(100_000_000)
    device, m = world.builder.coded[0], world.memory
    assert [int(m[device.words[name]]) for name in ("samples", "sum")] == [99, 99 * 100 // 2]
    (timer,) = simulate(load_scenario(path("sampler.py"), ())).as_dict()["timers"]
    assert (timer["name"], timer["kind"], timer["runs"]) == ("adc timer", "hrtimer", 99)
