"""What was found wrong while drivers ran: kept once a kind and place, with stack, locks and time; put into words; told at the door.

Twin of: complain. The slow program keeps a list of dicts.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tophalf.cli.main import main
from tophalf.model import fields as f
from tophalf.model.build import Builder
from tophalf.model.check import checkfields as k
from tophalf.model.check.complain import complain, complain_of_task
from tophalf.model.check.reports import cases
from tophalf.model.code.buildcode import COMPLAINTS_MAX, begin_code
from tophalf.model.simulate import simulate

pytestmark = pytest.mark.kernels
SLEEPS = '''from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "10ms"

[[driver]]
name = "sensor"
irq = 24
flow = "level"
cpu = 1
rate = 1000
"""


def locked(dev):
    mutex_lock(dev.bus)


def handler(irq, dev):
    write_reg(dev, 0, 1)
    locked(dev)
    return IRQ_HANDLED


def probe(dev):
    return request_irq(dev.irq, handler, 0, "sensor", dev)
'''


def made():
    builder = Builder(cpus=2)
    begin_code(builder)
    builder.task("app", 1, builder.routines["nothing"])
    return builder.world()


told = st.tuples(st.integers(0, 1), st.integers(32, 34), st.integers(1, 4), st.integers(-5, 5), st.booleans())


@settings(max_examples=30, deadline=None)
@given(st.lists(told, max_size=40))
def test_the_first_of_a_kind_and_place_is_kept_and_others_are_counted(complaints):
    world, slow = made(), {}
    m, cpus = world.memory, world.builder.cpus
    for time_ns, (number, kind, place, about, is_other_task) in enumerate(complaints):
        m[f.G_NOW], cpu = time_ns, cpus[number]
        m[cpu + f.C_PREEMPT_COUNT] = time_ns % 7
        task = world.builder.tasks[max(world.builder.tasks)] if is_other_task else m[cpu + f.C_CURRENT]
        if is_other_task:
            complain_of_task(m, task, kind, place, about, -about)
        else:
            complain(m, cpu, kind, place, about, -about)
        preempt = m[task + f.K_PREEMPT_COUNT] if is_other_task else time_ns % 7
        where = {"time": time_ns, "cpu": 1 if is_other_task else number, "task": task}
        first = where | {"about": about, "preempt": preempt, "count": 0}
        slow.setdefault((kind, place), first)["count"] += 1
    found = {
        (case.kind, case.place): {"time": case.time_ns, "cpu": case.cpu, "task": case.task, "about": case.about,
                                  "preempt": case.preempt_count, "count": case.count}
        for case in cases(world)
    }  # fmt: skip
    assert found == slow
    assert all(case.other == -case.about and len(case.frames) == 1 and case.held == [] for case in cases(world))


def test_there_is_an_end_to_what_is_kept():
    world = made()
    for place in range(COMPLAINTS_MAX + 5):
        complain(world.memory, world.builder.cpus[0], 40, place + 1, 0, 0)
    assert len(cases(world)) == COMPLAINTS_MAX and world.memory[world.builder.checks + k.CK_LOST] == 5


def test_worlds_without_drivers_keep_nothing():
    world = Builder().world()
    complain(world.memory, world.builder.cpus[0], 40, 1, 0, 0)
    assert cases(world) == []


def test_what_ends_a_run_is_reported_with_its_context_and_a_command_that_comes_to_it_again(tmp_path, capsys):
    path = tmp_path / "sensor.py"
    path.write_text(SLEEPS, encoding="utf-8")
    run = simulate(str(path), 7, sets=["driver.rate=2000"])
    (report,) = run.reports()
    assert report.text().splitlines() == [
        f"{path}:18: BUG: sleeping function called from invalid context: mutex_lock",
        "  in locked < handler, hardirq of IRQ 24 on CPU1, over the idle task; preempt_count 0x10000, interrupts off",
        "  a top half may not sleep: return IRQ_WAKE_THREAD and sleep in the thread",
        f"  at {report.time_ns} ns of simulated time",
        f"  replay: tophalf run {path} --seed 7 --set driver.rate=2000",
    ]
    assert "BUG: a driver sleeps" in run.ended.line()
    assert main(["run", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"{path}:18: BUG: sleeping function" in out and "that ended the run" in out
    assert main(["run", "--json", str(path)]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [(each["line"], each["kind"], each["count"]) for each in document["reports"]] == [(18, "sleep", 1)]


def test_the_log_of_the_machine_has_the_title(tmp_path):
    from tophalf.model.machine.logtexts import read_log
    from tophalf.model.machine.sight import Sight

    path = tmp_path / "sensor.py"
    path.write_text(SLEEPS, encoding="utf-8")
    lines = read_log(Sight(simulate(str(path)).world))
    assert [line.text for line in lines] == ["BUG: sleeping function called from invalid context: mutex_lock"]


def test_a_run_of_a_clean_driver_reports_nothing(tmp_path, capsys):
    path = tmp_path / "sensor.py"
    path.write_text(SLEEPS.replace("    locked(dev)\n", ""), encoding="utf-8")
    assert main(["run", "--json", str(path)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["reports"] == [] and document["ended"] is None
