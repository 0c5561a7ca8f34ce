"""What docs/examples.md says of each example, with figures that are derived here by hand.

An interrupt's handler begins 0.3 us after the device has asked, its end takes 0.2 us, a switch of tasks 1.5 us.
"""

import os

import pytest

from tophalf.model import fields as f
from tophalf.model.simulate import load_scenario, make_world, simulate
from tophalf.model.table import event_table
from tophalf.vocab import IRQ_HANDLER_ENTRY, IRQ_HANDLER_EXIT, WORKQUEUE_EXECUTE_START

pytestmark = pytest.mark.kernels
EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples")
ENTRY_NS, EXIT_NS, SWITCH_NS = 300, 200, 1500


def example(name, *sets):
    return load_scenario(os.path.join(EXAMPLES, f"{name}.py"), sets)


def ran(name, *sets):
    return simulate(example(name, *sets)).as_dict()


def numbers(found, which=0):
    return found["drivers"][which]["numbers"]


def traced(name, until_ns, *sets):
    world = make_world(example(name, *sets), 0, 100_000)
    world.run(until_ns)
    return event_table(world)


def handlers(table):
    return table.time_ns[table.kind == IRQ_HANDLER_ENTRY].tolist()


def test_a_sensors_reading_each_millisecond_is_read():
    found = ran("sensor")
    assert found["interrupts"] == 100 and numbers(found) == {"samples": 100}
    assert handlers(traced("sensor", 100_000_000)) == [at * 1_000_000 + ENTRY_NS for at in range(100)]


def test_a_sensor_that_is_faster_than_its_thread_interrupts_when_the_thread_is_done():
    first = ENTRY_NS
    # the thread runs, sleeps 350 us, is woken by the timer's interrupt and switched to; there the line is unmasked
    second = first + EXIT_NS + SWITCH_NS + 350_000 + ENTRY_NS + EXIT_NS + SWITCH_NS + ENTRY_NS
    each = EXIT_NS + 350_000 + ENTRY_NS + EXIT_NS + SWITCH_NS + ENTRY_NS  # the thread is on the CPU when its line interrupts
    assert each == 352_500
    expected = [first, *range(second, 100_000_000, each)]
    found = ran("sensor", "driver.rate=4000")
    assert handlers(traced("sensor", 100_000_000, "driver.rate=4000")) == expected
    assert found["interrupts"] == len(expected) == 284 and numbers(found) == {"samples": 283}


def test_two_uarts_echo_each_byte_and_say_what_is_not_theirs():
    found = ran("uart")
    ports = [numbers(found, which) for which in (0, 1)]
    for port in ports:
        assert port["received"] == port["sent"] > 0 and port["queued"] == port["unread"] == 0
        assert port["last"] == port["next"] == port["received"]  # the FIFO numbers what comes
    answers = traced("uart", 100_000_000)
    exits = answers.b[answers.kind == IRQ_HANDLER_EXIT].reshape(-1, 2)  # both handlers, at each interrupt
    assert len(exits) == found["interrupts"]
    assert [int((exits[:, which] == f.IRQ_NONE).sum()) for which in (0, 1)] == [port["not_mine"] for port in ports]
    assert not (exits == f.IRQ_NONE).all(axis=1).any()  # the line never interrupts for nothing


def test_a_tasklet_and_its_port_to_bh_work_do_the_same_at_the_same_cost():
    tasklet, bh_work = ran("tasklet_user"), ran("bh_work")
    assert tasklet["cpus"] == bh_work["cpus"] and numbers(tasklet) == numbers(bh_work)
    assert numbers(tasklet)["done"] == 3 * tasklet["interrupts"]  # three units each
    assert bh_work["work"][0]["executed"] <= bh_work["interrupts"]


def test_a_key_that_bounces_is_looked_at_once_and_never_early():
    found = ran("gpio_key")
    assert found["interrupts"] == 8 and numbers(found) == {"pressed": 1, "presses": 1}
    assert [found["work"][0][name] for name in ("queued", "executed")] == [1, 1]
    table = traced("gpio_key", 100_000_000)
    jiffy, tick_ns = 17_000_000 // 4_000_000 + 20 // 4 + 1, 4_000_000
    # the tick's interrupt, its work of 1.5 us, its end with the way into the softirq of 0.1, and the switch to the worker
    begins = jiffy * tick_ns + ENTRY_NS + 1500 + EXIT_NS + 100 + SWITCH_NS
    assert table.time_ns[table.kind == WORKQUEUE_EXECUTE_START].tolist() == [begins] == [40_003_600]


@pytest.mark.parametrize(("rate", "lost"), [(400, 40), (333, 32), (332, 0)])
def test_a_frame_that_comes_while_another_is_taken_is_an_overrun(rate, lost):
    """The work, the way to it and a tick take 3,003.7 us; at 333 frames a second one comes each 3,003.0."""
    found = ran("grabber", f"driver.rate={rate}")
    assert numbers(found)["overruns"] == lost
    taken = found["interrupts"] - lost
    assert numbers(found)["frames"] in (taken, taken - 1)  # the last may be under way


def test_a_sampler_samples_each_millisecond_and_its_period_does_not_drift():
    found = ran("sampler")
    assert (numbers(found)["samples"], numbers(found)["sum"]) == (99, 99 * 100 // 2)
    # the timer's interrupt starts a conversion of 20 us
    expected = [at * 1_000_000 + ENTRY_NS + 20_000 + ENTRY_NS for at in range(1, 100)]
    assert handlers(traced("sampler", 100_000_000)) == expected


def test_a_nics_interrupts_stop_under_a_flood():
    calm = ran("nic", "machine.seconds=5ms")
    device = calm["drivers"][0]
    assert device["dropped"] == 0 and numbers(calm)["packets"] == device["arrived"]  # each is 300 ns of a CPU that mostly idles
    assert calm["interrupts"] == device["napi"]["polls"] > 0.8 * device["arrived"]
    flood = ran("nic", "driver.rate=4M", "machine.seconds=5ms")
    device, packets = flood["drivers"][0], numbers(flood)["packets"]
    assert flood["interrupts"] <= 3
    assert packets // 64 <= device["napi"]["polls"] <= packets // 64 + 3  # all polls but the first are full
    assert 0.97 < packets / (5_000_000 / 300) <= 1
    assert 0 <= device["arrived"] - packets - device["dropped"] <= 256  # the rest is in the ring


def test_a_queue_is_as_full_as_it_can_be_and_no_fuller():
    world = make_world(example("nvme"), 0)
    device, filled = world.builder.coded[0], []
    for now_ns in range(1_000_000, 20_000_000, 50_000):
        world.run(now_ns)
        filled.append(int(world.memory[device.words["in_flight"]]))
    assert max(filled) == 63 and sum(filled) / len(filled) > 62  # fewer where one has just come back
    found = ran("nvme")
    queue = numbers(found)
    assert queue["cq_head"] == queue["completed"] % 64
    assert queue["sq_tail"] == (queue["completed"] + queue["in_flight"]) % 64
    # eight exponential servers that are never idle: a Poisson process of 100,000 a second
    assert abs(queue["completed"] - 2000) < 5 * 2000**0.5
    assert found["interrupts"] <= queue["completed"]
    (call,) = found["calls"]
    assert (call["done"], call["inside"]) == (queue["completed"] + queue["in_flight"], 4)
    # Little: four tasks are in a call or compute for 1 us
    assert abs(call["done"] * (call["latency_ns"]["mean"] + 1000) / 20_000_000 - 4) < 0.05
