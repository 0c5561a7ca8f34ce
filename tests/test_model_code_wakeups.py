"""No wake-up is lost: readers on several CPUs, whatever preempts them, take all that interrupt handlers bring; works that wait."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_model_code_drivers import Machine
from tophalf.driver.subset import read_driver
from tophalf.model.code.buildcalls import add_call, add_caller
from tophalf.model.code.generate import Generator
from tophalf.model.summary import summarise

pytestmark = pytest.mark.kernels
READERS = """
def handler(irq, dev):
    spin_lock(dev.lock)
    dev.there += 1
    dev.came += 1
    spin_unlock(dev.lock)
    wake_up(dev.q)
    return IRQ_HANDLED

def read(dev, work):
    wait_event(dev.q, dev.there > 0)
    spin_lock_irq(dev.lock)
    taken = dev.there > 0
    if taken:
        dev.there -= 1
        dev.taken += 1
    spin_unlock_irq(dev.lock)
    spend(work)
    return 0 if taken else -EAGAIN

def probe(dev):
    init_waitqueue_head(dev.q)
    spin_lock_init(dev.lock)
    if dev.irq == 24:
        return request_irq(24, handler, 0, "dev", dev) or request_irq(25, handler, 0, "dev", dev)
    return 0
"""
PREEMPT = ("none", "voluntary", "full", "rt")
times_ = st.lists(st.integers(0, 100_000), max_size=12, unique=True)
readers_ = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3000)), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(times_, times_, readers_, st.sampled_from(PREEMPT), st.integers(0, 2000))
def test_readers_on_any_cpu_take_all_that_comes(tmp_path_factory, first, second, readers, preempt, cost):
    path, costs = tmp_path_factory.mktemp("readers"), {"context_switch": cost, "irq_exit": cost // 7, "syscall": 100, "ipi": cost}
    machine = Machine(path, READERS, first, second, cpus=3, preempt=preempt, costs=costs)
    device = machine.devices[0]
    device.generator = Generator(machine.builder, read_driver(path / "driver.py"))
    for cpu, work in readers:
        add_caller(machine.builder, *add_call(machine.builder, f"reader{cpu}", device, "read", (work,)), cpu)
    machine.run(500_000)
    calls = summarise(machine.world)["calls"]
    assert machine.word("came") == machine.word("taken") <= len(first) + len(second)  # messages that wait for a handler merge
    assert sum(call["done"] - call["failed"] for call in calls) == machine.word("taken")
    assert all(call["inside"] == 1 for call in calls)  # asleep


def test_a_work_that_waits_lets_another_one_run(tmp_path):
    """A worker that sleeps in a wait queue is no running one (wq_worker_sleeping)."""
    text = """
def waits(w):
    dev = container_of(w)
    wait_event(dev.q, dev.flag)
    dev.over = ktime_get()

def wakes(w):
    dev = container_of(w)
    usleep_range(3, 3)
    dev.flag = 1
    wake_up(dev.q)

def handler(irq, dev):
    schedule_work(dev.first)
    schedule_work(dev.second)
    return IRQ_HANDLED

def probe(dev):
    init_waitqueue_head(dev.q)
    INIT_WORK(dev.first, waits)
    INIT_WORK(dev.second, wakes)
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    assert Machine(tmp_path, text, [1000]).run().word("over") == 4000
