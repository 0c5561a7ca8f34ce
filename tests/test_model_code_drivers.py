"""Drivers in Python on the model: what their calls of the kernel's API do, when exactly, and what is refused.

Interrupts, switches and softirqs cost nothing here, so that all time is what a driver says.
"""

import pytest

from tophalf.driver.subset import read_driver
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.build import Builder
from tophalf.model.code.buildhardware import add_registers
from tophalf.model.code.generate import Generator
from tophalf.model.code.objects import Device
from tophalf.model.code.probe import Probe
from tophalf.model.irq.builddevices import add_device
from tophalf.model.simulate import load_scenario, simulate

pytestmark = pytest.mark.kernels
HEAD = "from tophalf.kernel import *\n"
PROBE = "\ndef probe(dev):\n    return request_irq(dev.irq, handler, 0, 'dev', dev)\n"
ACK = "    write_reg(dev, 0, 1)\n"


class Machine:
    """Devices of one driver, on lines from 24 on, each at its times and on its CPU."""

    def __init__(self, tmp_path, text, *times, cpus=1, level=False, same_line=False, **how):
        path = tmp_path / "driver.py"
        path.write_text(HEAD + text)
        driver = read_driver(path)
        self.builder = builder = Builder(cpus=cpus, **how)
        self.devices = []
        for number in range(1 if same_line else len(times)):
            builder.irq(24 + number, number % cpus, f.FLOW_LEVEL if level else f.FLOW_EDGE)
        for number, at in enumerate(times):
            irq = 24 if same_line else 24 + number
            line = builder.irqs[irq]
            hardware = add_device(builder, f"dev{number}", line, level, ("times", at))
            device = Device(builder, driver, f"dev{number}", irq, line, hardware, add_registers(builder, hardware, 16))
            Probe(Generator(builder, driver)).run(device)
            self.devices.append(device)

    def run(self, until_ns=10**7):
        self.world = self.builder.world()
        self.world.run(until_ns)
        return self

    def word(self, name, device=0):
        return int(self.world.memory[self.devices[device].words[name]])


def handler(*lines):
    return "def handler(irq, dev):\n" + ACK + "".join(f"    {line}\n" for line in lines) + "    return IRQ_HANDLED\n" + PROBE


def test_a_handler_knows_its_irq_and_its_device_and_time_passes_as_it_says(tmp_path):
    text = handler("dev.first = ktime_get()", "udelay(3)", "spend(250 + irq)", "dev.cpu = smp_processor_id()",
                   "dev.last = ktime_get()", "dev.count += 1", "dev.who = irq")  # fmt: skip
    machine = Machine(tmp_path, text, [1000, 90_000], [2000], cpus=2).run()
    assert [machine.word(name) for name in ("first", "last", "count", "cpu", "who")] == [90_000, 93_274, 2, 0, 24]
    assert [machine.word(name, 1) for name in ("first", "last", "count", "cpu", "who")] == [2000, 5275, 1, 1, 25]


def test_a_shared_level_line_asks_each_driver_and_is_quiet_when_acknowledged(tmp_path):
    text = """
def handler(irq, dev):
    if not read_reg(dev, 0) & 1:
        dev.not_mine += 1
        return IRQ_NONE
    write_reg(dev, 0, 1)
    dev.mine += 1
    return IRQ_HANDLED

def probe(dev):
    return request_irq(dev.irq, handler, IRQF_SHARED, "dev", dev)
"""
    machine = Machine(tmp_path, text, [1000, 5000, 9000], [3000], level=True, same_line=True).run()
    assert (machine.word("mine"), machine.word("not_mine")) == (3, 1)
    assert (machine.word("mine", 1), machine.word("not_mine", 1)) == (1, 3)


def test_a_thread_sleeps_and_holds_a_mutex(tmp_path):
    text = """
def top(irq, dev):
    write_reg(dev, 0, 1)
    return IRQ_WAKE_THREAD

def thread(irq, dev):
    mutex_lock(dev.bus)
    dev.began = ktime_get()
    usleep_range(250, 350)
    dev.samples += 1
    mutex_unlock(dev.bus)
    dev.ended = ktime_get()
    return IRQ_HANDLED

def probe(dev):
    mutex_init(dev.bus)
    return request_threaded_irq(dev.irq, top, thread, IRQF_ONESHOT, "dev", dev)
"""
    machine = Machine(tmp_path, text, [1000, 2_000_000], level=True).run()
    assert [machine.word(name) for name in ("began", "ended", "samples")] == [2_000_000, 2_350_000, 2]


@pytest.mark.parametrize("kernel, ticks", [("6.12", 3), ("6.1", 4)])
def test_msleep_is_in_jiffies_and_never_early(tmp_path, kernel, ticks):
    text = """
def top(irq, dev):
    return IRQ_WAKE_THREAD

def thread(irq, dev):
    msleep(8)
    dev.ended = ktime_get()
    return IRQ_HANDLED

def probe(dev):
    return request_threaded_irq(dev.irq, top, thread, IRQF_ONESHOT, "dev", dev)
"""
    machine = Machine(tmp_path, text, [1000], level=False, hz=250, kernel=kernel).run(50_000_000)
    assert machine.word("ended") == ticks * 4_000_000  # two jiffies from jiffy 0 on, in 6.1 three; the tick after them


def test_tasklets_run_after_the_handler_the_high_ones_first(tmp_path):
    text = """
def note(dev):
    dev.order += 1
    return dev.order

def low(t):
    dev = from_tasklet(t)
    dev.low = note(dev)
    spend(1000)

def high(t):
    dev = from_tasklet(t)
    dev.high = note(dev)
    dev.when = ktime_get()
    spend(500)

def handler(irq, dev):
    tasklet_schedule(dev.slow)
    tasklet_hi_schedule(dev.fast)
    tasklet_schedule(dev.slow)
    spend(2000)
    dev.top = note(dev)
    return IRQ_HANDLED

def probe(dev):
    tasklet_setup(dev.slow, low)
    tasklet_setup(dev.fast, high)
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    machine = Machine(tmp_path, text, [1000]).run()
    assert [machine.word(name) for name in ("top", "high", "low", "order", "when")] == [1, 2, 3, 3, 3000]


def test_a_work_is_queued_once_and_may_sleep(tmp_path):
    text = """
def work(w):
    dev = container_of(w)
    dev.began = ktime_get()
    usleep_range(10, 20)
    dev.done += 1
    dev.ended = ktime_get()

def handler(irq, dev):
    dev.first = queue_work(system_wq, dev.work)
    dev.second = schedule_work(dev.work)
    spend(700)
    return IRQ_HANDLED

def probe(dev):
    INIT_WORK(dev.work, work)
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    machine = Machine(tmp_path, text, [1000]).run()
    assert [machine.word(name) for name in ("first", "second", "done", "began", "ended")] == [1, 0, 1, 1700, 21_700]


def test_interrupts_off_keep_a_handler_away_and_softirqs_wait_for_bottom_halves(tmp_path):
    text = """
def handler(irq, dev):
    dev.when = ktime_get()
    tasklet_schedule(dev.t)
    return IRQ_HANDLED

def run(t):
    dev = from_tasklet(t)
    dev.ran = ktime_get()

def thread(dev):
    spend(500)
    flags = local_irq_save()
    spend(1000)
    local_irq_restore(flags)
    local_bh_disable()
    spend(2000)
    local_bh_enable()
    return 0

def probe(dev):
    tasklet_setup(dev.t, run)
    kthread_run(thread, dev, "worker")
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    assert [Machine(tmp_path, text, [1000]).run().word(name) for name in ("when", "ran")] == [1500, 1500]
    assert [Machine(tmp_path, text, [2000]).run().word(name) for name in ("when", "ran")] == [2000, 3500]


def test_handlers_on_two_cpus_exclude_each_other_by_a_spinlock(tmp_path):
    text = """
def handler(irq, dev):
    flags = spin_lock_irqsave(dev.lock)
    dev.total += irq
    if irq == 25:
        dev.began = ktime_get()
    spend(2000)
    spin_unlock_irqrestore(dev.lock, flags)
    return IRQ_HANDLED

def probe(dev):
    if dev.irq == 25:
        return 0
    return request_irq(24, handler, 0, "a", dev) or request_irq(25, handler, 0, "b", dev)
"""
    machine = Machine(tmp_path, text, [1000], [1550], cpus=2).run()
    assert (machine.word("total"), machine.word("began")) == (49, 3050)  # looks every 100 ns


def test_counters_that_are_atomic_or_a_cpus_own(tmp_path):
    text = handler("atomic_inc(dev.a)", "this_cpu_inc(dev.p)", "atomic_inc(dev.a)", "dev.zero = atomic_dec_and_test(dev.a)",
                   "dev.now = atomic_read(dev.a)", "dev.mine = this_cpu_read(dev.p)")  # fmt: skip
    machine = Machine(tmp_path, text, [1000, 2000]).run()
    assert [machine.word(name) for name in ("zero", "now", "mine")] == [0, 2, 2]


@pytest.mark.parametrize("text, what", [
    (handler("msleep(1)"), "driver.py:4, in handler.*sleeps where its context may not"),
    (handler("dev.x = 1 // (irq - 24)"), "driver.py:4, in handler.*divides by zero"),
    (handler("dev.x = read_reg(dev, 16)"), "driver.py:4, in handler.*register"),
    (handler("mutex_unlock(dev.m)"), "driver.py:4, in handler.*unlocks"),
])  # fmt: skip
def test_what_ends_the_run_names_the_line(tmp_path, text, what):
    with pytest.raises(TophalfError, match=what) as caught:
        Machine(tmp_path, text, [1000]).run()
    assert "simulated time 1000 ns" in str(caught.value)


@pytest.mark.parametrize("text, what", [
    ("def f(dev):\n    return 0\n", "there is no probe"),
    (handler("dev.x = request_irq(dev.irq, handler, 0, 'x', dev)"), "driver.py:2: handler hands itself to the kernel"),
    (handler().replace("dev.irq", "99"), "driver.py:7, IRQ 99 dev: -EINVAL: there is no such line"),
    ("def handler(irq, dev):\n    return 0\n\ndef probe(dev):\n    request_irq(dev.irq, handler, 0, 'a', dev)\n"
     "    return request_irq(dev.irq, handler, IRQF_SHARED, 'b', dev)\n", "-EBUSY: Flags mismatch irq 24"),
])  # fmt: skip
def test_what_is_refused_before_the_run(tmp_path, text, what):
    with pytest.raises(TophalfError) as caught:
        Machine(tmp_path, text, [1000])
    assert what in str(caught.value)


def test_probe_counts_loops_and_asks_as_python_does(tmp_path):
    text = """
N = 3

def handler(irq, dev):
    return IRQ_HANDLED

def twice(n):
    return n * 2

def probe(dev):
    for i in range(N):
        dev.sum += twice(i)
        if i == 1 and not dev.never:
            continue
        write_reg(dev, i, ~i)
    n = 0
    while True:
        n += 1
        if n > 4 or n < 0:
            break
    dev.n = n if dev.sum else -1
    dev.read = read_reg(dev, 2)
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    machine = Machine(tmp_path, text, [1000]).run()
    assert [machine.word(name) for name in ("sum", "n", "read")] == [6, 5, -3]


def test_a_key_that_bounces_is_looked_at_once_when_it_is_quiet(tmp_path):
    text = """
def look(work):
    dev = container_of(work)
    dev.presses += 1
    dev.when = ktime_get()

def handler(irq, dev):
    dev.edges += 1
    mod_delayed_work(system_wq, dev.look, msecs_to_jiffies(18))
    return IRQ_HANDLED

def probe(dev):
    INIT_DELAYED_WORK(dev.look, look)
    return request_irq(dev.irq, handler, 0, "key", dev)
"""
    machine = Machine(tmp_path, text, [1000, 9_000_000, 13_000_000], hz=250).run(100_000_000)
    assert [machine.word(name) for name in ("edges", "presses", "when")] == [3, 1, 36_000_000]  # jiffy 3 + 5, the tick after it


def test_a_runs_summary_has_the_drivers_numbers(tmp_path):
    text = """
def handler(irq, dev):
    dev.first += 1
    atomic_inc(dev.second)
    return IRQ_HANDLED

def probe(dev):
    dev.limit = -7
    atomic_set(dev.second, 40)
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    (tmp_path / "it.py").write_text(f"{HEAD}{text}")
    (tmp_path / "it.toml").write_text("""
[machine]
seconds = "1ms"
[[driver]]
name = "one"
file = "it.py"
irq = 24
arrivals = "times"
times = ["1us", "2us"]
[[driver]]
name = "two"
file = "it.py"
irq = 25
""")
    found = simulate(load_scenario(str(tmp_path / "it.toml"))).as_dict()
    assert [{name: driver[name] for name in ("name", "numbers")} for driver in found["drivers"]] == [
        {"name": "one", "numbers": {"first": 2, "limit": -7, "second": 42}},
        {"name": "two", "numbers": {"first": 0, "limit": -7, "second": 40}},
    ]
