"""[[at]] insmod and rmmod: probe and remove as tasks, what they are answered, and what of the driver is left."""

import os

import pytest

from tophalf.cli.main import main
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.code import codefields as k
from tophalf.model.machine.logtexts import read_log
from tophalf.model.machine.sight import Sight
from tophalf.model.simulate import load_scenario, make_world
from tophalf.model.summary import summarise
from tophalf.scenario.driverfile import scenario_text
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
MS = 1_000_000
SAMPLER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples", "sampler.py")
CARD = """
from tophalf.kernel import *

SCENARIO = \"\"\"
[machine]
hz = 1000
[[driver]]
name = "card"
irq = 24
flow = "{flow}"
arrivals = "times"
times = ["1ms", "11ms", "21ms", "31ms", "41ms"]
{more}
\"\"\"


def top(irq, dev):
    write_reg(dev, 0, 1)
    dev.count += 1
    return IRQ_WAKE_THREAD


def thread(irq, dev):
    queue_work(dev.wq, dev.job)
    return IRQ_HANDLED


def job(work):
    dev = container_of(work)
    dev.jobs += 1


def beat(t):
    dev = from_timer(t)
    dev.beats += 1
    mod_timer(t, jiffies + 1)


def probe(dev):
    dev.probes += 1
    dev.wq = alloc_workqueue("card", 0, 0)
    INIT_WORK(dev.job, job)
    timer_setup(dev.timer, beat, 0)
    mod_timer(dev.timer, jiffies + 1)
    return request_threaded_irq(dev.irq, top, thread, IRQF_ONESHOT, "card", dev)


def remove(dev):
    free_irq(dev.irq, dev)
    timer_delete_sync(dev.timer)
    destroy_workqueue(dev.wq)
    dev.removed = ktime_get()
    dev.beats_then = dev.beats
"""


def at(*orders):
    return "".join(f'[[at]]\ntime = "{time}"\n{verb} = "{name}"\n' for time, verb, name in orders)


def card(tmp_path, *orders, flow="level", text=CARD):
    path = tmp_path / "card.py"
    path.write_text(text.replace("{flow}", flow).replace("{more}", at(*orders)), encoding="utf-8")
    return load_scenario(str(path), ())


def ran(scenario, until_ns=50 * MS):
    world = make_world(scenario, 0)
    world.run(until_ns)
    answers = [(one["order"], one["error"], one["why"]) for one in summarise(world)["orders"]]
    return world, answers


def words(world, *names):
    device = world.builder.coded[0]
    return [int(world.memory[device.words[name]]) for name in names]


def test_a_driver_that_is_unloaded_leaves_nothing_behind(tmp_path):
    world, answers = ran(card(tmp_path, ("25ms", "rmmod", "card")))
    assert answers == [("rmmod card", None, "remove begins"), ("rmmod card", None, "remove returned")]
    assert words(world, "count", "jobs", "probes") == [3, 3, 1]  # what comes at 31 ms has nobody
    removed, beats, then = words(world, "removed", "beats", "beats_then")
    assert 25 * MS < removed < 25.1 * MS and beats == then and 10 <= beats <= 13  # a timer of 1 jiffy comes each 2 ms
    m, device = world.memory, world.builder.coded[0]
    assert m[device.line + f.D_ACTIONS] == 0 and m[device.line + f.D_DEPTH] == 1
    assert m[device.hardware + f.V_ASSERTED] == 1 and m[device.registers + k.R_WAITS] == 1  # it asserts its line for ever
    assert read_log(Sight(world)) == ()


@pytest.mark.parametrize("flow", ["edge", "level"])
def test_a_driver_that_is_loaded_late_unloaded_and_loaded_again(tmp_path, flow):
    orders = ("5ms", "insmod", "card"), ("15ms", "rmmod", "card"), ("35ms", "insmod", "card")
    world, answers = ran(card(tmp_path, *orders, flow=flow))
    assert [error for _, error, _ in answers] == [None] * 6
    # at 5 ms what came at 1 ms waits; 11; at 35 ms what came at 21 and 31 (an edge is kept once, a level line asserted); 41
    assert words(world, "count", "jobs", "probes") == [4, 4, 2]


@pytest.mark.parametrize("threadirqs", ["false", "true"])
@pytest.mark.parametrize("preempt", ["voluntary", "full", "rt"])
@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_the_laws_hold_while_drivers_and_cpus_come_and_go(tmp_path, capsys, kernel, preempt, threadirqs):
    """Its CPU goes at 8 ms and comes at 25 ms, its driver is there from 5 to 15 and from 35 to 45 ms."""
    more = 'affinity = "1"\n[[at]]\ntime = "8ms"\noffline = 1\n[[at]]\ntime = "25ms"\nonline = 1\n'
    more += at(("5ms", "insmod", "card"), ("15ms", "rmmod", "card"), ("35ms", "insmod", "card"), ("45ms", "rmmod", "card"))
    machine = f'[machine]\ncpus = 2\nseconds = "60ms"\nkernel = "{kernel}"\npreempt = "{preempt}"\nthreadirqs = {threadirqs}\n'
    path = tmp_path / "card.py"
    text = CARD.replace("[machine]\n", machine).replace("{flow}", "level").replace("{more}", more)
    path.write_text(text, encoding="utf-8")
    assert main(["laws", str(path)]) == 0
    assert "laws that applied hold" in capsys.readouterr().out
    world, answers = ran(load_scenario(str(path), ()), 60 * MS)
    assert words(world, "count", "jobs", "probes") == [4, 4, 2] and [error for _, error, _ in answers] == [None] * 10


def test_orders_that_do_not_fit(tmp_path):
    orders = ("5ms", "insmod", "card"), ("6ms", "insmod", "card"), ("7ms", "rmmod", "card"), ("8ms", "rmmod", "card")
    _, answers = ran(card(tmp_path, *orders))
    assert answers[2] == ("insmod card", "EEXIST", "it is loaded") and answers[-1] == ("rmmod card", "ENOENT", "it is not loaded")


def test_a_probe_that_fails_is_told(tmp_path):
    text = CARD.replace("IRQF_ONESHOT,", "0,").replace("dev.irq, top", "dev.irq, None").replace("def remove", "def never")
    world, answers = ran(card(tmp_path, ("5ms", "insmod", "card"), text=text))
    assert answers[-1] == ("insmod card", "EINVAL", "probe failed")
    assert [line.text for line in read_log(Sight(world))] == [
        "genirq: Threaded irq requested with handler=NULL and !ONESHOT for card (irq 24)"
    ]


def test_what_remove_forgets_is_told(tmp_path):
    body = CARD[CARD.index("    free_irq") : CARD.index("    dev.removed")]
    text = CARD.replace(body, "    queue_delayed_work(system_wq, dev.slow, 100)\n")
    text = text.replace("    INIT_WORK", "    INIT_DELAYED_WORK(dev.slow, job)\n    INIT_WORK")
    _, answers = ran(card(tmp_path, ("25ms", "rmmod", "card"), text=text))
    said = answers[-1][2]
    assert said.startswith("remove returned, and left IRQ 24 with its handler, ")
    assert {"timer pending", "slow queued"} <= set(said.split(", ")) and "job" not in said


def test_an_order_while_another_is_under_way(tmp_path):
    text = CARD.replace("    free_irq(dev.irq, dev)\n", "    msleep(5)\n    free_irq(dev.irq, dev)\n")
    _, answers = ran(card(tmp_path, ("5ms", "rmmod", "card"), ("6ms", "rmmod", "card"), text=text))
    assert answers == [("rmmod card", None, "remove begins"), ("rmmod card", "EBUSY", "an order on it is under way"),
                       ("rmmod card", None, "remove returned")]  # fmt: skip


def test_the_sampler_is_unloaded():
    with open(SAMPLER, encoding="utf-8") as file:
        text = scenario_text(file.read(), "sampler.py") + at(("50500us", "rmmod", "adc"))
    world, answers = ran(read_scenario(text, "sampler.py", SAMPLER), 100 * MS)
    assert words(world, "samples", "stopped") == [50, 1] and [error for _, error, _ in answers] == [None, None]
    timer = world.builder.timers[0].address
    assert world.memory[timer + f.H_CPU] == 0


@pytest.mark.parametrize("name, cut, what", [("care", "", "there is no driver care"), ("card", "def remove", "has no remove(dev)")])
def test_orders_on_what_is_not_there(tmp_path, name, cut, what):
    text = CARD.replace("def remove", "def gone") if cut else CARD
    with pytest.raises(TophalfError) as caught:
        ran(card(tmp_path, ("5ms", "rmmod", name), text=text))
    assert what in caught.value.what and "[at] rmmod" in caught.value.where


EAGER = '''
from tophalf.kernel import *

SCENARIO = """
[machine]
seconds = "10ms"
[[driver]]
name = "card"
irq = 24
start = 8
latency = "{latency}"
"""


def top(irq, dev):
    write_reg(dev, 0, 1)
    dev.done += 1
    return IRQ_HANDLED


def job(work):
    dev = container_of(work)
    dev.jobs += 1


def begin(dev):
    schedule_work(dev.job)
    write_reg(dev, 8, 1)


def probe(dev):
    INIT_WORK(dev.job, job)
    error = request_irq(dev.irq, top, 0, "card", dev)
    if error:
        return error
    begin(dev)
    {last}
    return 0
'''


def eager(tmp_path, last="dev.probes += 1", latency="1ms"):
    """The world after a run of a driver whose probe does more than register."""
    path = tmp_path / "eager.py"
    path.write_text(EAGER.format(last=last, latency=latency), encoding="utf-8")
    world = make_world(load_scenario(str(path), ()), 0)
    world.run(10 * MS)
    return world


def test_a_probe_that_does_more_than_register_is_a_tasks_as_the_run_begins(tmp_path):
    found = summarise(eager(tmp_path))
    assert found["drivers"][0]["numbers"] == {"done": 1, "jobs": 1, "probes": 1}
    assert [answer["why"] for answer in found["orders"]] == ["probe begins", "probe returned"]


def test_what_it_registers_and_gives_back_is_gone(tmp_path):
    found = summarise(eager(tmp_path, "free_irq(dev.irq, dev)"))
    assert found["drivers"][0]["numbers"] == {"done": 0, "jobs": 1} and found["interrupts"] == 0


def test_an_operation_may_take_longer_than_any_cost(tmp_path):
    assert summarise(eager(tmp_path, latency="50s"))["drivers"][0]["numbers"]["done"] == 0
    with pytest.raises(TophalfError, match="give 0 to 3600000000000 ns"):
        eager(tmp_path, latency="3601s")


def test_a_probe_that_fails_as_the_run_begins_ends_it_with_its_line(tmp_path):
    with pytest.raises(TophalfError, match="probe returned -EBUSY") as error:
        eager(tmp_path, "return -EBUSY")
    assert error.value.where.endswith("eager.py:31")
