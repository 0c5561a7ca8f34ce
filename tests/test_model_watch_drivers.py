"""What a run finds that takes too long, never ends, or answers for another's device: broken drivers through the whole door.

tests/data/drivers/running: each broken driver says in its SCENARIO on what machine, and `# RUN kind` where the run must find it,
and nothing else; nothing is found in its mended twin, nor in the examples.
"""

import os
import re

import pytest

from tophalf.driver.lint import lint
from tophalf.model.simulate import simulate
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DRIVERS = os.path.join(ROOT, "tests", "data", "drivers")
RUNNING = os.path.join(DRIVERS, "running")
EXAMPLES = os.path.join(ROOT, "examples")
NAMES = sorted(name for name in os.listdir(RUNNING) if name.endswith(".py"))
KINDS = {"hard-lockup", "soft-lockup", "rcu-stall", "hung-task", "too-long", "level", "claims-other", "nobody-cared", "for-ever",
         "never-ends"}  # fmt: skip


def text_of(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


EXAMPLES_THAT_RUN = [name for name in sorted(os.listdir(EXAMPLES)) if "SCENARIO = " in text_of(EXAMPLES, name)]


def marked(path):
    """{(line, kind)} that the file says a run finds."""
    lines = enumerate(text_of(path).splitlines(), 1)
    return {(number, kind) for number, line in lines for kind in re.findall(r"# RUN (.*)", line) for kind in kind.split()}


@pytest.mark.parametrize("name", NAMES)
def test_a_run_finds_what_is_broken_there_and_nothing_else(name):
    path = os.path.join(RUNNING, name)
    reports = simulate(path).reports()
    assert {(report.line, report.kind) for report in reports} == marked(path), [report.text() for report in reports]
    assert all(report.path == path and report.replay == f"tophalf run {path} --seed 0" for report in reports)
    assert bool(reports) == (not name.endswith("_mended.py"))


def test_every_broken_driver_has_a_twin_and_every_kind_a_driver():
    broken = {name for name in NAMES if not name.endswith("_mended.py")}
    assert {name.replace(".py", "_mended.py") for name in broken} == {name for name in NAMES if name.endswith("_mended.py")}
    assert {kind for name in broken for _, kind in marked(os.path.join(RUNNING, name))} >= KINDS


@pytest.mark.parametrize("name", EXAMPLES_THAT_RUN)
def test_a_run_finds_nothing_in_an_example(name):
    assert simulate(os.path.join(EXAMPLES, name)).reports() == []


# Exact times and words


def first(name, kind):
    reports = simulate(os.path.join(RUNNING, name)).reports()
    return next(report for report in reports if report.kind == kind)


def test_a_soft_lockup_is_said_at_the_hrtimer_after_twenty_seconds():
    """Never touched since boot: 24 s is 22 units of 2**30 ns, at the first look that is more than 20 later."""
    report = first("soft_lockup.py", "soft-lockup")
    assert report.title.startswith("watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [writer:")
    assert (report.time_ns // 10**9, report.count) == (24, 1)
    assert report.details[0].startswith('in hardirq of local_timer on CPU0, over the task "writer" in copy < writer; preempt_count')


def test_a_hard_lockup_is_said_by_the_nmi_and_once():
    report = first("hard_lockup.py", "hard-lockup")
    assert report.title == "watchdog: Watchdog detected hard LOCKUP on cpu 0"
    assert (report.time_ns, report.count) == (10 * 10**9, 1)
    assert "handler, hardirq of IRQ 24 on CPU0, over the task" in report.details[0]


def test_a_hung_task_is_said_at_the_second_look():
    report = first("hung_task.py", "hung-task")
    assert re.fullmatch(r"INFO: task receive:\d+ blocked for more than 120 seconds\.", report.title)
    assert (report.time_ns, report.count) == (240 * 10**9, 1)


def test_a_stall_is_said_by_another_cpu_where_the_tick_is_stopped():
    report = first("rcu_stall.py", "rcu-stall")
    assert report.title.startswith("rcu: INFO: rcu_preempt detected stalls on CPUs/tasks: 0-...! (detected by 1, t=5252 jiffies)")
    assert report.time_ns // 10**9 == 21


TIMED = '''from tophalf.kernel import *

SCENARIO = """
[machine]
seconds = "10ms"

[[driver]]
name = "card"
irq = 24
arrivals = "times"
times = ["1ms", "2ms", "3ms"]
"""


def handler(irq, dev):
    write_reg(dev, 0, 1)
    dev.count += 1
    spend(99_999 + dev.count)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
'''


def test_a_handler_is_too_long_from_one_nanosecond_more_than_the_chapter_says(tmp_path):
    path = tmp_path / "card.py"
    path.write_text(TIMED, encoding="utf-8")
    (report,) = simulate(str(path)).reports()
    assert (report.line, report.kind, report.count) == (15, "too-long", 2)  # 100,001 and 100,002 ns; 100,000 are not too long
    assert report.title.startswith("the handler handler of IRQ 24 took 100 µs, the longest of 2 such times 100 µs")
    assert report.time_ns // 1000 == 2100


def test_a_handler_that_is_forced_into_a_thread_may_take_its_time(tmp_path):
    path = tmp_path / "card.py"
    path.write_text(TIMED, encoding="utf-8")
    assert simulate(str(path), sets=["machine.threadirqs=true"]).reports() == []


LOOPS = '''from tophalf.kernel import *

SCENARIO = """
[machine]
seconds = "30s"
preempt = "PREEMPT"

[[driver]]
name = "card"
irq = 24
"""


def handler(irq, dev):
    return IRQ_HANDLED


def loop(dev):
    while True:
        udelay(2000)


def probe(dev):
    kthread_run(loop, dev, "loop")
    return request_irq(dev.irq, handler, 0, "card", dev)
'''


@pytest.mark.parametrize("preempt, kinds", [("none", ["soft-lockup"]), ("voluntary", ["soft-lockup"]), ("full", []), ("rt", [])])
def test_a_loop_in_the_kernel_is_a_lockup_only_where_it_cannot_be_preempted(tmp_path, preempt, kinds):
    path = tmp_path / "card.py"
    path.write_text(LOOPS.replace("PREEMPT", preempt), encoding="utf-8")
    reports = simulate(str(path), seconds=49).reports()
    assert [report.kind for report in reports] == kinds
    assert all(report.count == 2 for report in reports)  # at 24 s and, 22 units of 2**30 ns later, at 48 s


def test_a_stranger_whom_lint_cannot_help_is_helped_by_a_run():
    """strangers/level_2.py: a branch that reads a status and acknowledges nothing. Its register 4 is no status here, so its good
    branch has none either; only the cause LINK comes."""
    path = os.path.join(DRIVERS, "strangers", "level_2.py")
    driver = 'name = "phy"\nfile = "level_2.py"\nirq = 24\nflow = "level"\nready = 2\nrate = 100\n'
    assert lint(path) == ([], [])
    (report,) = simulate(read_scenario(f'[machine]\nseconds = "20ms"\n[[driver]]\n{driver}', "level_2", path)).reports()
    here = next(number for number, line in enumerate(text_of(path).splitlines(), 1) if "# HERE" in line)
    assert (report.line, report.kind) == (here, "level")
