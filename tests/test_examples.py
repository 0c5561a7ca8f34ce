"""The drivers of examples/ run on the model, and what they do there keeps the kernel's laws."""

import os

import pytest

from tophalf.cli.main import main
from tophalf.model import fields as f
from tophalf.model.code import codefields as k
from tophalf.model.simulate import load_scenario, make_world, simulate

pytestmark = pytest.mark.kernels
EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples")
RUN = sorted(os.listdir(EXAMPLES))


def path(name):
    return os.path.join(EXAMPLES, name)


@pytest.mark.parametrize("name", RUN)
def test_an_example_runs_and_keeps_the_laws(name, capsys):
    found = simulate(load_scenario(path(name), ())).as_dict()
    assert found["interrupts"] > 0 and found["lines"][0]["irq"] == 24
    assert main(["laws", path(name)]) == 0
    assert "laws that applied hold" in capsys.readouterr().out


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


def test_a_nic_polls_more_packets_at_a_time_the_more_come_and_takes_all_or_drops_them():
    counts = []
    for rate in (10_000, 200_000, 5_000_000):
        world = make_world(load_scenario(path("nic.py"), (f"driver.rate={rate}",)), 0)
        world.run(50_000_000)
        m, device, napi = world.memory, world.builder.coded[0], world.builder.napis[0]
        packets, polls = int(m[device.words["packets"]]), int(m[napi + f.N_POLLS])
        arrived, dropped, waiting = (int(m[device.registers + field]) for field in (k.R_ARRIVED, k.R_DROPPED, k.R_WAITS))
        assert packets - int(m[napi + f.N_PACKETS]) in range(65)  # of the poll that goes on
        assert arrived - dropped - packets in range(256) and waiting < 256
        counts.append((packets / polls, dropped > 0))
    assert counts[0][0] < 1.2 and counts[0] < counts[1] < counts[2] and counts[2][0] > 50
    assert [has_dropped for _, has_dropped in counts] == [False, False, True]  # 300 ns each: 3.3 million at most
