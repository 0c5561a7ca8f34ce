"""Tasks that enter functions of drivers: when, how often, and how long they are there, against plain reckoning; and in scenarios.

Twin of: calling.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_model_code_drivers import Machine
from tophalf.cli.main import main
from tophalf.driver.subset import read_driver
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.code.buildcalls import add_call, add_caller
from tophalf.model.code.generate import Generator
from tophalf.model.simulate import load_scenario, simulate
from tophalf.model.summary import summarise

pytestmark = pytest.mark.kernels
UNTIL_NS = 1_000_000
DRIVER = """
def call(dev, first, step):
    dev.calls += 1
    spend(first + step * (dev.calls % 5))
    return -(dev.calls % 3 == 0)

def probe(dev):
    return 0
"""


def slow_calls(first, step, syscall, rate, run, sleep_ns):
    """(latencies of the calls that are over, how many began)."""
    now, latencies, due = 0, [], 0
    while True:
        now += run
        if rate:
            now = max(now, due * 10**9 // rate)
            due += 1
        if now >= UNTIL_NS:
            return latencies, len(latencies)
        latency = syscall + first + step * ((len(latencies) + 1) % 5)
        if now + latency >= UNTIL_NS:
            return latencies, len(latencies) + 1
        latencies.append(latency)
        now += latency + sleep_ns


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30_000), st.integers(0, 20_000), st.integers(0, 500), st.sampled_from([0, 5_000, 20_000, 100_000]),
       st.sampled_from([0, 700]), st.sampled_from([0, 4_000]))  # fmt: skip
def test_calls_are_made_in_turn_or_at_their_rate(tmp_path_factory, first, step, syscall, rate, run, sleep_ns):
    tmp_path = tmp_path_factory.mktemp("calls")
    machine = Machine(tmp_path, DRIVER, [], costs={"syscall": syscall})
    device, builder = machine.devices[0], machine.builder
    device.generator = Generator(builder, read_driver(tmp_path / "driver.py"))
    call, program = add_call(builder, "app", device, "call", (first, step))
    arrivals = ("constant", rate) if rate else None
    add_caller(builder, call, program, 0, arrivals, builder.cost(run, "run") if run else 0, sleep_ns)
    found = summarise(machine.run(UNTIL_NS).world)["calls"][0]
    latencies, begun = slow_calls(first, step, syscall, rate, run, sleep_ns)
    done = len(latencies)
    assert (found["done"], found["failed"], found["inside"]) == (done, done // 3, begun - done)
    if done:
        ordered, told = sorted(latencies), found["latency_ns"]
        assert (told["mean"], told["max"]) == (sum(latencies) / done, ordered[-1])
        p99 = ordered[-(-done * 990 // 1000) - 1]
        assert abs(told["p99"] - p99) <= p99 / 64 + 1


# In a scenario

SCENARIO = """
from tophalf.kernel import *

SCENARIO = '''
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "dev"
irq = 24
rate = 1000

[[call]]
device = "dev"
function = "read"
arguments = [2]

[[call]]
device = "dev"
function = "poke"
name = "poker"
cpus = "0-1"
tasks = 2
nice = 5
rate = 1000
run = "10us"
'''

def handler(irq, dev):
    write_reg(dev, 0, 1)
    dev.n += 1
    wake_up(dev.q)
    return IRQ_HANDLED

def read(dev, many):
    wait_event(dev.q, dev.n >= many)
    dev.n -= many

def poke(dev):
    spend(1000)
    return -EIO

def work(w):
    spend(10)

def probe(dev):
    init_waitqueue_head(dev.q)
    INIT_WORK(dev.w, work)
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""


def test_a_scenario_lets_tasks_call_and_says_what_came_of_it(tmp_path, capsys):
    path = tmp_path / "dev.py"
    path.write_text(SCENARIO, encoding="utf-8")
    assert main(["run", str(path)]) == 0
    said = capsys.readouterr().out
    assert "call read " in said and "5 of dev (500/s)" in said and "40 failed" in said
    assert main(["run", str(path), "--json"]) == 0
    read, poke = json.loads(capsys.readouterr().out)["calls"]
    assert (read["name"], read["device"], read["function"], read["done"], read["failed"]) == ("read", "dev", "read", 5, 0)
    assert (poke["name"], poke["function"], poke["done"], poke["failed"]) == ("poker", "poke", 40, 40)
    assert poke["latency_ns"]["mean"] >= 1000 and read["inside"] == 1
    builder = simulate(load_scenario(str(path), ())).world.builder
    m = builder.memory
    nices = [(m.strings[m[task + f.K_NAME]], m[task + f.K_PRIORITY]) for task in builder.tasks.values()]
    assert [each for each in nices if each[0] in ("read", "poker")] == [("read", 0)] + 4 * [("poker", 5)]
    assert main(["laws", str(path)]) == 0


@pytest.mark.parametrize("change, what", [
    ("call.0.device=usb", "there is no [[driver]] usb; name one of dev"),
    ("call.0.function=raed", "has no function raed; did you mean read?"),
    ("call.0.function=handler", "handler is the handler of IRQ"),
    ("call.0.function=work", "work is the work"),
    ("call.0.function=probe", "probe is what sets the device up"),
    ("call.0.arguments=1,2", "read takes 1 after the device, not 2; give many"),
    ("call.1.arguments=1", "poke takes 0 after the device, not 1; leave them out"),
    ("call.1.cpus=7", "CPU"),
])  # fmt: skip
def test_what_no_task_can_call_is_refused(tmp_path, change, what):
    path = tmp_path / "dev.py"
    path.write_text(SCENARIO, encoding="utf-8")
    with pytest.raises(TophalfError) as caught:
        simulate(load_scenario(str(path), (change,)))
    assert what in str(caught.value)
