"""Timers and hrtimers of drivers in Python: when they come, what their calls answer, who waits for whom.

HZ is 250 unless said: a jiffy is 4 ms. A timer of the wheel that is asked for at jiffy n comes at n + 1, never early. Costs are 0.
"""

import pytest

from test_model_code_drivers import Machine
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.check.reports import reports_of

pytestmark = pytest.mark.kernels
MS = 1_000_000
TASK = """
def probe(dev):
    timer_setup(dev.timer, ring, 0)
    kthread_run(work, dev, "work")
    return 0
"""
HIGH = """
def probe(dev):
    hrtimer_setup(dev.timer, ring, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    kthread_run(work, dev, "work")
    return 0
"""


def words(machine, *names):
    return [machine.word(name) for name in names]


def test_probe_arms_timers_and_a_timer_arms_itself_again(tmp_path):
    text = """
def ring(t):
    dev = from_timer(t)
    dev.count += 1
    dev.when = ktime_get()
    dev.at = jiffies
    if dev.count < 3:
        dev.again = mod_timer(t, jiffies + 5)

def probe(dev):
    timer_setup(dev.timer, ring, 0)
    dev.hz = HZ
    dev.first = mod_timer(dev.timer, jiffies + 2)
    dev.second = mod_timer(dev.timer, jiffies + 3)
    return 0
"""
    machine = Machine(tmp_path, text, []).run(100 * MS)
    # asked for at jiffy 3, so at 4; then 4 + 5: at 10; then 15: at 16
    assert words(machine, "count", "when", "at", "again", "first", "second", "hz") == [3, 64 * MS, 16, 0, 0, 1, 250]
    found = machine.builder.timers[0]
    assert (found.name, found.kind) == ("dev0 timer", "wheel")


@pytest.mark.parametrize("hz, asked, jiffy", [
    (250, 62, 63), (250, 63, 64), (250, 100, 104), (1000, 62, 63), (1000, 63, 64), (1000, 520, 576), (250, -5, 1), (250, 0, 1),
])  # fmt: skip
def test_the_wheel_is_coarser_the_farther_a_timer_is(tmp_path, hz, asked, jiffy):
    """Level 0 is good to a jiffy up to 62 of them, level 1 to 8 up to 503, level 2 to 64: rounded up to the next bucket's end."""
    text = f"""
def ring(t):
    dev = from_timer(t)
    dev.when = ktime_get()

def work(dev):
    spend(1000)
    dev.answer = mod_timer(dev.timer, {asked})
    return 0
"""
    machine = Machine(tmp_path, text + TASK, [], hz=hz).run(3000 * MS)
    assert words(machine, "when", "answer") == [jiffy * (1000 // hz) * MS, 0]


def test_what_mod_timer_and_timer_delete_answer(tmp_path):
    text = """
def ring(t):
    dev = from_timer(t)
    dev.count += 1

def work(dev):
    dev.a = mod_timer(dev.timer, jiffies + 5)
    dev.b = mod_timer(dev.timer, jiffies + dev.a + 9)
    dev.c = timer_delete(dev.timer)
    dev.d = timer_delete(dev.timer)
    dev.e = timer_delete_sync(dev.timer)
    dev.g = mod_timer(dev.never, jiffies + 1)
    mod_timer(dev.timer, jiffies + 1)
    msleep(100)
    dev.h = timer_delete_sync(dev.timer)
    return 0
"""
    machine = Machine(tmp_path, text + TASK, []).run(300 * MS)
    assert words(machine, "a", "b", "c", "d", "e", "g", "h", "count") == [0, 1, 1, 0, 0, 0, 0, 1]


def test_timer_delete_sync_waits_for_the_function_on_the_other_cpu(tmp_path):
    """The task is on CPU 0, the handler that arms the timer on CPU 1, where its function runs from 8 ms on for 2 ms."""
    text = """
def ring(t):
    dev = from_timer(t)
    dev.cpu = smp_processor_id()
    dev.began = ktime_get()
    mdelay(2)
    dev.ended = ktime_get()
    mod_timer(t, jiffies + 1)

def work(dev):
    usleep_range(8000, 9000)
    dev.answer = timer_delete_sync(dev.timer)
    dev.gone = ktime_get()
    return 0

def handler(irq, dev):
    mod_timer(dev.timer, jiffies + 1)
    return IRQ_HANDLED

def probe(dev):
    timer_setup(dev.timer, ring, 0)
    kthread_run(work, dev, "work")
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    machine = Machine(tmp_path, text, [], [1000], cpus=2).run(100 * MS)
    assert words_of(machine, 1, "cpu", "began", "ended") == [1, 8 * MS, 10 * MS]
    assert machine.word("gone", 0) == 9 * MS  # its own timer does not run
    assert words_of(machine, 1, "gone", "answer") == [10 * MS, 1]


def words_of(machine, device, *names):
    return [machine.word(name, device) for name in names]


def test_an_hrtimer_comes_in_the_hardirq_and_restarts_itself(tmp_path):
    text = """
def ring(t):
    dev = from_timer(t)
    dev.count += 1
    dev.when = ktime_get()
    udelay(100)
    dev.overruns = hrtimer_forward_now(t, 300000)
    if dev.count == 4:
        return HRTIMER_NORESTART
    return HRTIMER_RESTART

def probe(dev):
    hrtimer_setup(dev.timer, ring, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    hrtimer_start(dev.timer, 250000, HRTIMER_MODE_REL)
    return 0
"""
    machine = Machine(tmp_path, text, []).run(10 * MS)
    assert words(machine, "count", "when", "overruns") == [4, 250_000 + 3 * 300_000, 1]
    m, cpu = machine.world.memory, machine.builder.cpus[0]
    assert m[cpu + f.C_TIMES + f.HARDIRQ] == 400_000 and m[cpu + f.C_TIMES + f.SOFTIRQ] == 0
    timer = machine.builder.timers[0]
    assert (timer.name, timer.kind, timer.cpu) == ("dev0 timer", "hrtimer", 0)


def test_a_function_that_takes_longer_than_its_period_overruns(tmp_path):
    """Due at 1 ms, 2.5 periods of 1 ms each time: forwarded at 3.5 ms by 3 to 4 ms, and so on; the sum is 3 a time."""
    text = """
def ring(t):
    dev = from_timer(t)
    dev.count += 1
    spend(2500000)
    dev.overruns += hrtimer_forward_now(t, 1000000)
    dev.pending = hrtimer_forward_now(t, 1000000)
    return HRTIMER_RESTART

def work(dev):
    spend(1)
    hrtimer_start(dev.timer, 1000000, HRTIMER_MODE_ABS)
    return 0
"""
    machine = Machine(tmp_path, text + HIGH, []).run(11 * MS)
    assert words(machine, "count", "overruns", "pending") == [4, 9, 0]  # at 1, 4, 7 and 10 ms


def test_an_hrtimer_that_is_late_runs_at_once_and_counts_its_periods(tmp_path):
    """ABS at 1 ms, asked for at 5 ms: it expires now, 4 of its periods of 1 ms are over and one more begins."""
    text = """
def ring(t):
    dev = from_timer(t)
    dev.when = ktime_get()
    dev.overruns = hrtimer_forward_now(t, 1000000)
    return HRTIMER_NORESTART

def work(dev):
    mdelay(5)
    hrtimer_start(dev.timer, 1000000, HRTIMER_MODE_ABS)
    spend(10)
    dev.late = hrtimer_cancel(dev.timer)
    return 0
"""
    machine = Machine(tmp_path, text + HIGH, []).run(10 * MS)
    assert words(machine, "when", "overruns", "late") == [5 * MS, 5, 0]


def test_hrtimer_cancel_takes_a_pending_one_away_and_moves_do_not_add_up(tmp_path):
    text = """
def ring(t):
    dev = from_timer(t)
    dev.count += 1
    dev.when = ktime_get()
    return HRTIMER_NORESTART

def work(dev):
    dev.none = hrtimer_cancel(dev.timer)
    hrtimer_start(dev.timer, 1000000, HRTIMER_MODE_REL)
    dev.moved = hrtimer_forward_now(dev.timer, 1000)
    dev.pending = hrtimer_cancel(dev.timer)
    hrtimer_start(dev.timer, 1000000, HRTIMER_MODE_REL)
    hrtimer_start(dev.timer, 3000000, HRTIMER_MODE_REL)
    return 0
"""
    machine = Machine(tmp_path, text + HIGH, []).run(10 * MS)
    assert words(machine, "none", "moved", "pending", "count", "when") == [0, 0, 1, 1, 3 * MS]


def test_hrtimer_cancel_waits_for_the_function_on_another_cpu_and_ends_the_restart(tmp_path):
    """Armed on CPU 1 at 1 µs for 1 ms later, it runs 2 ms; the task on CPU 0 cancels at 2 ms, and looks every 100 ns."""
    text = """
def ring(t):
    dev = from_timer(t)
    dev.cpu = smp_processor_id()
    dev.count += 1
    mdelay(2)
    dev.moves = hrtimer_forward_now(t, 5000000)
    return HRTIMER_RESTART

def work(dev):
    usleep_range(2000, 2000)
    dev.pending = hrtimer_cancel(dev.timer)
    dev.gone = ktime_get()
    return 0

def handler(irq, dev):
    hrtimer_start(dev.timer, 1000000, HRTIMER_MODE_REL)
    return IRQ_HANDLED

def probe(dev):
    hrtimer_setup(dev.timer, ring, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    kthread_run(work, dev, "work")
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    machine = Machine(tmp_path, text, [], [1000], cpus=2).run(50 * MS)
    assert words_of(machine, 1, "cpu", "count", "gone", "pending", "moves") == [1, 1, 3_001_000, 1, 1]


def test_who_starts_a_timer_while_its_function_runs_elsewhere_leaves_it_there(tmp_path):
    """The function runs on CPU 1 from 1 ms to 3 ms; CPU 0 starts it at 2 ms for 4 ms: that counts, not its restart."""
    text = """
def ring(t):
    dev = from_timer(t)
    dev.count += 1
    dev.cpus += smp_processor_id()
    dev.when = ktime_get()
    if dev.count == 2:
        return HRTIMER_NORESTART
    mdelay(2)
    return HRTIMER_RESTART

def work(dev):
    usleep_range(2000, 2000)
    hrtimer_start(dev.timer, 4000000, HRTIMER_MODE_ABS)
    return 0

def handler(irq, dev):
    hrtimer_start(dev.timer, 1000000, HRTIMER_MODE_ABS)
    return IRQ_HANDLED

def probe(dev):
    hrtimer_setup(dev.timer, ring, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    kthread_run(work, dev, "work")
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    machine = Machine(tmp_path, text, [], [1000], cpus=2).run(50 * MS)
    assert words_of(machine, 1, "count", "cpus", "when") == [2, 2, 4 * MS]


@pytest.mark.parametrize("mode, preempt, soft", [
    ("REL", "voluntary", False), ("REL_SOFT", "voluntary", True), ("REL", "rt", True), ("REL_HARD", "rt", False),
])  # fmt: skip
def test_a_soft_hrtimer_runs_in_the_softirq(tmp_path, mode, preempt, soft):
    text = f"""
def ring(t):
    dev = from_timer(t)
    udelay(100)
    dev.count += 1
    return HRTIMER_NORESTART

def probe(dev):
    hrtimer_setup(dev.timer, ring, CLOCK_MONOTONIC, HRTIMER_MODE_{mode})
    hrtimer_start(dev.timer, 250000, HRTIMER_MODE_{mode})
    return 0
"""
    machine = Machine(tmp_path, text, [], preempt=preempt).run(10 * MS)
    assert machine.word("count") == 1
    m, cpu = machine.world.memory, machine.builder.cpus[0]
    in_softirq = m[cpu + f.C_TIMES + f.SOFTIRQ] + m[cpu + f.C_TIMES + f.KSOFTIRQD]
    assert (m[cpu + f.C_TIMES + f.HARDIRQ], in_softirq) == ((0, 100_000) if soft else (100_000, 0))
    assert machine.builder.timers[0].kind == ("soft" if soft else "hrtimer")


@pytest.mark.parametrize("function, wait, title", [
    ("hrtimer_setup(dev.timer, ring, CLOCK_MONOTONIC, HRTIMER_MODE_REL)", "hrtimer_cancel", "hard LOCKUP on cpu 0"),
    ("timer_setup(dev.timer, ring, 0)", "timer_delete_sync", "soft lockup - CPU#0"),
])  # fmt: skip
def test_a_function_that_waits_for_itself_waits_for_ever(tmp_path, function, wait, title):
    start = "hrtimer_start(dev.timer, 1000, HRTIMER_MODE_REL)" if "hr" in function else "mod_timer(dev.timer, jiffies + 1)"
    text = f"""
def ring(t):
    {wait}(t)
    return 0

def probe(dev):
    {function}
    {start}
    return 0
"""
    found = reports_of(Machine(tmp_path, text, []).run(35_000 * MS).world)
    assert any(title in report.title and report.line == 4 for report in found), [report.text() for report in found]


def test_timers_are_set_up_while_the_driver_runs(tmp_path):
    text = """
def one(t):
    dev = from_timer(t)
    dev.one = ktime_get()

def two(t):
    dev = from_timer(t)
    dev.two = ktime_get()
    return HRTIMER_NORESTART

def work(dev):
    timer_setup(dev.slow, one, 0)
    hrtimer_setup(dev.fast, two, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    mod_timer(dev.slow, jiffies + 1)
    hrtimer_start(dev.fast, 70000, HRTIMER_MODE_REL)
    return 0

def probe(dev):
    kthread_run(work, dev, "work")
    return 0
"""
    machine = Machine(tmp_path, text, []).run(100 * MS)
    assert words(machine, "one", "two") == [8 * MS, 70_000]


def test_a_timer_may_not_sleep(tmp_path):
    text = """
def ring(t):
    msleep(1)

def work(dev):
    mod_timer(dev.timer, jiffies + 1)
    return 0
"""
    with pytest.raises(TophalfError) as error:
        Machine(tmp_path, text + TASK, []).run(100 * MS)
    assert "sleeps where its context may not" in error.value.what and "driver.py:4, in ring" in error.value.where


@pytest.mark.parametrize("lines, what", [
    ("timer_setup(dev.timer, ring, 1)", "no flags"), ("hrtimer_setup(dev.timer, ring, 0, 1)", "CLOCK_MONOTONIC"),
])  # fmt: skip
def test_what_is_not_there_is_refused_with_the_line(tmp_path, lines, what):
    text = f"def ring(t):\n    return 0\n\ndef probe(dev):\n    {lines}\n    return 0\n"
    with pytest.raises(TophalfError) as error:
        Machine(tmp_path, text, [])
    assert what in error.value.what and "driver.py:" in error.value.where
