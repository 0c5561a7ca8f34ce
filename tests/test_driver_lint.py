"""Each broken driver of tests/data/drivers is found broken, there and only there; its mended twin and the examples are clean."""

import os
import re
import subprocess
import sys

import pytest

from tophalf.driver.lint import lint

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DRIVERS = os.path.join(ROOT, "tests", "data", "drivers")
EXAMPLES = os.path.join(ROOT, "examples")
NAMES = sorted(name for name in os.listdir(DRIVERS) if name.endswith(".py"))
KINDS = {  # every kind of report that there is
    "sleep", "irqs-on", "inconsistent-hardirq", "inconsistent-softirq", "chain-hardirq", "order", "self-deadlock", "not-held",
    "held-at-end", "irqs-at-end", "preempt-at-end", "level", "claims-all", "never-ends", "too-long", "waits-for-itself",
    "for-ever", "request-refused", "freed-irq", "reclaim", "flags", "bh-irqs", "answer",
}  # fmt: skip


def marked(path):
    """{(line, kind)} that the file says are there."""
    with open(path, encoding="utf-8") as file:
        lines = enumerate(file.read().splitlines(), 1)
        return {(number, kind) for number, line in lines for kind in re.findall(r"# BUG (.*)", line) for kind in kind.split()}


@pytest.mark.parametrize("name", NAMES)
def test_a_driver_is_found_where_it_is_broken_and_nowhere_else(name):
    path = os.path.join(DRIVERS, name)
    reports, notes = lint(path)
    assert {(report.line, report.kind) for report in reports} == marked(path), [report.text() for report in reports]
    assert bool(reports) == (not name.endswith("_mended.py")) and notes == []


def test_every_broken_driver_has_a_twin_and_every_kind_a_driver():
    broken = {name for name in NAMES if not name.endswith("_mended.py")}
    assert {name.replace(".py", "_mended.py") for name in broken} == {name for name in NAMES if name.endswith("_mended.py")}
    assert {kind for name in broken for _, kind in marked(os.path.join(DRIVERS, name))} == KINDS


@pytest.mark.parametrize("name", sorted(os.listdir(EXAMPLES)))
def test_nothing_is_found_in_an_example(name):
    assert lint(os.path.join(EXAMPLES, name)) == ([], [])


STRANGERS = os.path.join(DRIVERS, "strangers")
ONLY_A_RUN_TELLS = {"level_2.py"}  # a branch that reads a status and clears another cause


@pytest.mark.parametrize("name", sorted(name for name in os.listdir(STRANGERS) if name.endswith(".py")))
def test_what_a_stranger_broke_is_found_and_what_they_mended_is_not(name):
    reports, notes = lint(os.path.join(STRANGERS, name))
    assert bool(reports) == (not name.endswith("_mended.py") and name not in ONLY_A_RUN_TELLS) and notes == []


def test_most_of_a_strangers_faults_are_found_on_the_very_line():
    exact = 0
    for name in os.listdir(STRANGERS):
        with open(os.path.join(STRANGERS, name), encoding="utf-8") as file:
            here = [number for number, line in enumerate(file, 1) if "# HERE" in line]
        exact += any(report.line in here for report in lint(os.path.join(STRANGERS, name))[0])
    assert exact >= 56


def test_what_is_said_does_not_hang_on_the_order_of_sets(tmp_path):
    path = tmp_path / "driver.py"
    locks = "".join(f"    if read_reg(dev, {each}):\n        spin_lock(dev.l{each})\n" for each in range(4))
    path.write_text(f"from tophalf.kernel import *\ndef f(dev):\n{locks}    msleep(1)\n", encoding="utf-8")
    command = [sys.executable, "-m", "tophalf", "lint", "--json", str(path)]
    said = {subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True).stdout for seed in "1234"}
    assert len(said) == 1 and b"invalid context" in said.pop()


def found(tmp_path, text):
    path = tmp_path / "driver.py"
    path.write_text("from tophalf.kernel import *\n" + text, encoding="utf-8")
    return [(report.line, report.kind) for report in lint(path)[0]]


def test_a_report_reads_like_the_kernels():
    report = lint(os.path.join(DRIVERS, "sleep_with_spinlock.py"))[0][0]
    assert report.title == "BUG: sleeping function called from invalid context: kmalloc with GFP_KERNEL"
    assert report.details == ("in write, a task; preempt_count 0x1, interrupts on", "dev.lock is held, taken at line 10")
    assert report.text().splitlines()[-1] == "  allocate with GFP_ATOMIC, or where one may sleep"


def test_the_way_to_a_fault_is_told(tmp_path):
    report = lint(os.path.join(DRIVERS, "sleep_in_called.py"))[0][0]
    assert report.details[0].startswith("in settle < expired, the timer dev.timer (line ")


def test_conditions_of_plain_names_go_the_same_way_again(tmp_path):
    both = "def f(dev, on):\n    if on:\n        mutex_lock(dev.m)\n    dev.n += 1\n    if on:\n        mutex_unlock(dev.m)\n"
    assert found(tmp_path, both) == []
    changed = both.replace("dev.n += 1", "on = read_reg(dev, 0)")
    assert found(tmp_path, changed) == [(6, "held-at-end"), (7, "not-held")]


def test_a_loop_is_walked_until_nothing_is_new(tmp_path):
    loop = "def f(dev):\n    spin_lock(dev.a)\n    while read_reg(dev, 0):\n        spin_unlock(dev.a)\n        spin_lock(dev.a)\n"
    loop += "    spin_unlock(dev.a)\n"
    assert found(tmp_path, loop) == []
    assert found(tmp_path, loop.replace("        spin_lock(dev.a)\n", "")) == [(5, "not-held"), (6, "not-held")]


def test_time_of_loops_adds_up_where_it_is_known_how_often(tmp_path):
    timer = "def f(t):\n    for i in range({}):\n        udelay(1)\n\n\ndef probe(dev):\n    timer_setup(dev.t, f, 0)\n"
    assert found(tmp_path, timer.format(100)) == []
    assert found(tmp_path, timer.format(101)) == [(2, "too-long")]


def test_readers_in_an_interrupt_and_in_a_task_agree(tmp_path):
    text = "def f(t):\n    read_lock(t.l)\n    read_unlock(t.l)\n\n\n"
    text += "def g(dev):\n    read_lock(dev.l)\n    read_unlock(dev.l)\n\n\ndef probe(dev):\n    timer_setup(dev.t, f, 0)\n"
    assert found(tmp_path, text) == []
    writes = text.replace("read_lock(dev.l)\n    read_unlock", "write_lock(dev.l)\n    write_unlock")
    assert found(tmp_path, writes) == [(8, "inconsistent-softirq")]


def test_work_on_a_bh_workqueue_is_a_softirq(tmp_path):
    text = "def w(work):\n    msleep(1)\n\n\ndef probe(dev):\n    INIT_WORK(dev.w, w)\n    queue_work({}, dev.w)\n"
    assert found(tmp_path, text.format("system_wq")) == []
    assert found(tmp_path, text.format("system_bh_wq")) == [(3, "sleep")]


def test_what_was_not_walked_is_said(tmp_path):
    path = tmp_path / "driver.py"
    many = "".join(f"    if read_reg(dev, {n}):\n        x{n} = 1\n" for n in range(12))
    path.write_text("from tophalf.kernel import *\ndef f(dev):\n" + many, encoding="utf-8")
    reports, notes = lint(path)
    assert reports == [] and notes == ["f has too many paths: not all were walked"]


def test_a_soft_hrtimer_is_a_softirq(tmp_path):
    text = """def ring(t):
    dev = from_timer(t)
    local_irq_disable()
    local_irq_enable()
    return HRTIMER_NORESTART

def probe(dev):
    hrtimer_setup(dev.timer, ring, CLOCK_MONOTONIC, HRTIMER_MODE_REL)
    return 0
"""
    assert found(tmp_path, text) == [(5, "irqs-on"), (6, "irqs-at-end")]
    assert found(tmp_path, text.replace("REL", "REL_SOFT")) == []
