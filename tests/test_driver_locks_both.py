"""What the kernel allows with locks, and what it does not: lint and a run say the same of each driver."""

import pytest

from tophalf.driver.lint import lint
from tophalf.model.simulate import simulate

HEAD = '''from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "card"
irq = 24
rate = 1000

[[call]]
device = "card"
function = "ioctl"
sleep = "1ms"
"""

'''
LINES = HEAD.count("\n")


def both(tmp_path, text):
    """{(line of `text`, kind): remedy} of lint, and of a run."""
    path = tmp_path / "card.py"
    path.write_text(HEAD + text, encoding="utf-8")
    return tuple({(each.line - LINES, each.kind): each.do for each in reports}
                 for reports in (lint(str(path))[0], simulate(str(path)).reports()))  # fmt: skip


def lines(*body):
    return "".join(f"    {line}\n" for line in body)


def driver(ioctl, handler=("dev.n += 1",), probe=(), more=""):
    """The body of ioctl begins at line 2."""
    return (
        f"def ioctl(dev):\n{lines(*ioctl, 'return 0')}\ndef handler(irq, dev):\n{lines(*handler, 'return IRQ_HANDLED')}\n"
        f"def probe(dev):\n{lines(*probe)}    return request_irq(dev.irq, handler, 0, 'card', dev)\n\n{more}"
    )


TAKEN = ("spin_lock(dev.a)", "spin_unlock(dev.a)", "spin_lock(dev.b)", "spin_unlock(dev.b)")


@pytest.mark.parametrize("ioctl", [
    ("local_irq_disable()", "spin_lock(dev.a)", "spin_unlock_irq(dev.a)"),
    ("spin_lock_irq(dev.a)", "spin_lock(dev.b)", "spin_unlock(dev.a)", "spin_unlock_irq(dev.b)"),
])  # fmt: skip
def test_interrupts_that_this_function_turned_off_may_be_turned_on_with_an_unlock(tmp_path, ioctl):
    assert both(tmp_path, driver(ioctl, TAKEN)) == ({}, {})


def test_an_unlock_must_not_turn_interrupts_on_under_a_lock_that_needs_them_off(tmp_path):
    ioctl = ("spin_lock_irq(dev.a)", "spin_lock(dev.b)", "spin_unlock_irq(dev.b)", "spin_unlock(dev.a)")
    linted, ran = both(tmp_path, driver(ioctl, TAKEN))
    assert linted == {(4, "irqs-on"): "dev.a needs them off until it is let go of"}
    assert ran == {(4, "inconsistent-hardirq"): "leave interrupts off until it is let go of"}


def test_a_caller_that_had_them_off_finds_them_on(tmp_path):
    more = "def inner(dev):\n    spin_lock_irq(dev.b)\n    spin_unlock_irq(dev.b)\n"
    text = driver(("flags = spin_lock_irqsave(dev.a)", "inner(dev)", "spin_unlock_irqrestore(dev.a, flags)"), more=more)
    line = text[: text.index("spin_unlock_irq(")].count("\n") + 1
    assert all((line, "irqs-on") in found for found in both(tmp_path, text))


def test_in_a_handler_they_stay_off(tmp_path):
    text = driver(("dev.n += 1",), ("spin_lock(dev.a)", "spin_unlock_irq(dev.a)"))
    assert all((7, "irqs-on") in found for found in both(tmp_path, text))


QUEUES = ('dev.wq = alloc_workqueue("wb", WQ_MEM_RECLAIM, 0)', "INIT_WORK(dev.w, writeback)", "INIT_WORK(dev.s, stats)",
          "INIT_DELAYED_WORK(dev.d, stats)")  # fmt: skip
QUEUEING = ("queue_work(dev.wq, dev.w)", "schedule_work(dev.s)", "schedule_delayed_work(dev.d, 1)")


@pytest.mark.parametrize("call, found", [
    ("flush_work(dev.s)", True), ("cancel_work_sync(dev.s)", False), ("cancel_delayed_work_sync(dev.d)", False),
    ("flush_workqueue(system_wq)", True),
])  # fmt: skip
def test_work_that_frees_memory_may_cancel_any_other_but_not_flush_it(tmp_path, call, found):
    more = f"def stats(work):\n    spend(50000)\n\n\ndef writeback(work):\n    dev = container_of(work)\n    {call}\n"
    reports = both(tmp_path, driver(("dev.n += 1",), QUEUEING, QUEUES, more))
    assert [{kind for _, kind in each} for each in reports] == [{"reclaim"} if found else set()] * 2


@pytest.mark.parametrize("taken, remedy", [
    ("spin_lock(dev.a)", "take it with spin_lock_irqsave here"), ("write_lock(dev.a)", "take it with write_lock_irq here"),
    ("read_lock(dev.a)", "take it with read_lock_irq here"), ("read_lock_bh(dev.a)", "take it with read_lock_irq here"),
])  # fmt: skip
def test_the_remedy_is_a_call_that_the_api_has(tmp_path, taken, remedy):
    unlock = taken.replace("_lock", "_unlock")
    own = "spin_lock(dev.a)" if taken.startswith("spin") else "write_lock(dev.a)"
    text = driver((taken, unlock), (own, own.replace("_lock", "_unlock")))
    assert both(tmp_path, text) == ({(2, "inconsistent-hardirq"): remedy},) * 2


def test_where_interrupts_are_turned_on_under_a_lock_it_is_said_to_leave_them_off(tmp_path):
    ioctl = ("write_lock_irq(dev.a)", "local_irq_enable()", "local_irq_disable()", "write_unlock_irq(dev.a)")
    linted, ran = both(tmp_path, driver(ioctl, ("write_lock(dev.a)", "write_unlock(dev.a)")))
    assert linted == {(3, "irqs-on"): "dev.a needs them off until it is let go of"}
    assert ran == {(3, "inconsistent-hardirq"): "leave interrupts off until it is let go of"}


TIMER = ("hrtimer_setup(dev.t, tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL)", "hrtimer_start(dev.t, 1000000, HRTIMER_MODE_REL)")


def test_the_function_of_an_hrtimer_has_no_thread_to_wake(tmp_path):
    more = "def tick(timer):\n    msleep(1)\n    return HRTIMER_NORESTART\n"
    for found in both(tmp_path, driver(("dev.n += 1",), probe=TIMER, more=more)):
        assert list(found.values()) == ["an hrtimer's function may not sleep: queue a work and sleep in that"]


def test_only_a_timer_of_softirqs_must_not_be_waited_for_in_a_hardirq(tmp_path):
    more = "def tick(timer):\n    return HRTIMER_NORESTART\n\n\ndef expired(timer):\n    spend(5)\n"
    probe = (*TIMER, "timer_setup(dev.u, expired, 0)")
    assert both(tmp_path, driver(("dev.n += 1",), ("hrtimer_cancel(dev.t)",), probe, more)) == ({}, {})
    for found in both(tmp_path, driver(("dev.n += 1",), ("timer_delete_sync(dev.u)",), probe, more)):
        assert found == {(6, "timer-sync"): "use timer_delete"}


def test_a_line_that_is_given_back_twice_is_to_be_given_back_once(tmp_path):
    ioctl = ("free_irq(dev.irq, dev)", "free_irq(dev.irq, dev)", "msleep(100)")
    for found in both(tmp_path, driver(ioctl)):
        assert found[3, "freed-irq"] == "free it once"


def timers(first, second):
    """Two timers that take the table and the statistics in both orders."""
    unlocked = [call.replace("_lock", "_unlock") for call in (first, second)]
    more = "def one(timer):\n" + lines("dev = from_timer(timer)", first, "spin_lock(dev.s)", "spin_unlock(dev.s)", unlocked[0])
    more += "\ndef two(timer):\n" + lines("dev = from_timer(timer)", "spin_lock(dev.s)", second, unlocked[1], "spin_unlock(dev.s)")
    probe = ("timer_setup(dev.one, one, 0)", "timer_setup(dev.two, two, 0)", "mod_timer(dev.one, jiffies)",
             "mod_timer(dev.two, jiffies)")  # fmt: skip
    return driver(("return 0",), probe=probe, more=more)


@pytest.mark.parametrize("first, second, found", [
    ("read_lock(dev.t)", "read_lock(dev.t)", set()), ("write_lock(dev.t)", "read_lock(dev.t)", {"order"}),
    ("read_lock(dev.t)", "write_lock(dev.t)", {"order"}),
])  # fmt: skip
def test_readers_in_interrupts_wait_for_no_reader(tmp_path, first, second, found):
    assert [{kind for _, kind in each} for each in both(tmp_path, timers(first, second))] == [found] * 2


@pytest.mark.parametrize("taken, found", [("read_lock", True), ("read_lock_irq", True), ("read_lock_bh", False)])
def test_a_task_must_not_read_lock_twice(tmp_path, taken, found):
    let_go = taken.replace("lock", "unlock", 1)
    ioctl = (f"{taken}(dev.r)", "read_lock(dev.r)", "read_unlock(dev.r)", f"{let_go}(dev.r)")
    for each in both(tmp_path, driver(ioctl)):
        assert set(each) == ({(3, "self-deadlock")} if found else set())


@pytest.mark.parametrize("queue, found", [("system_bh_wq", False), ("dev.mine", False), ("system_wq", True)])
def test_a_work_of_bh_workqueues_is_cancelled_without_sleeping(tmp_path, queue, found):
    ioctl = (f"queue_work({queue}, dev.w)", "local_bh_disable()", "cancel_work_sync(dev.w)", "local_bh_enable()")
    probe = ('dev.mine = alloc_workqueue("mine", WQ_BH, 0)', "INIT_WORK(dev.w, bottom)")
    for each in both(tmp_path, driver(ioctl, probe=probe, more="def bottom(work):\n    spend(5)\n")):
        assert set(each) == ({(4, "sleep")} if found else set())


def test_not_in_a_hardirq(tmp_path):
    text = driver(("queue_work(system_bh_wq, dev.w)",), ("cancel_work_sync(dev.w)",), ("INIT_WORK(dev.w, bottom)",))
    for each in both(tmp_path, text + "def bottom(work):\n    spend(5)\n"):
        assert (6, "sleep") in each
