"""Drivers explored: an interrupt at each step, the smallest case of what is found, and a command that comes to it again.

Twin of: awkward. The slow program counts steps in a list.
"""

import json
import shlex

import pytest

from tophalf.cli.main import main
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.check import awkward as a
from tophalf.model.explore import explore
from tophalf.model.simulate import make_world, simulate
from tophalf.scenario.load import load_scenario

pytestmark = pytest.mark.kernels
# Nothing comes by itself; only an interrupt while `loop` has the flag set takes the lock in a hardirq
RARE = '''from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "5ms"

[[driver]]
name = "card"
irq = 24
arrivals = "times"
times = []

[[call]]
device = "card"
function = "loop"
sleep = "1ms"
"""


def handler(irq, dev):
    if dev.open:
        spin_lock(dev.lock)
        dev.hits += 1
        spin_unlock(dev.lock)
    return IRQ_HANDLED


def loop(dev):
    dev.open = 1
    spin_lock(dev.lock)
    dev.count += 1
    spin_unlock(dev.lock)
    dev.open = 0


def probe(dev):
    return request_irq(dev.irq, handler, 0, "card", dev)
'''
FIRST = RARE.splitlines().index("def loop(dev):") + 2
MENDED = RARE.replace("    spin_lock(dev.lock)\n    dev.count += 1\n    spin_unlock(dev.lock)",
                      "    spin_lock_irq(dev.lock)\n    dev.count += 1\n    spin_unlock_irq(dev.lock)")  # fmt: skip


def driver(tmp_path, text):
    path = tmp_path / "card.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_run_finds_nothing_and_exploring_does_with_a_command_that_comes_to_it_again(tmp_path):
    path = driver(tmp_path, RARE)
    assert simulate(path).reports() == []
    found = explore(path)
    steps = 5 + 5  # statements of both functions: `if` and what is in it, the return
    assert (found.moments, found.runs, found.seeds, found.reached) == (2 * steps, 2 * steps + 1, 1, steps)
    assert {function for function, _ in found.never} == {"handler"}  # nothing comes by itself
    (report,) = found.reports
    assert (report.line, report.kind) == (FIRST + 1, "inconsistent-hardirq")
    words = shlex.split(report.replay)
    assert words[:3] == ["tophalf", "run", path] and words[-1] == f"driver.0.awkward=loop:{FIRST + 2}"
    again = simulate(words[2], int(words[4]), float(words[6]), [words[8]]).reports()
    assert [(each.line, each.kind, each.time_ns) for each in again] == [(report.line, report.kind, report.time_ns)]


def test_nothing_is_found_in_the_mended_twin(tmp_path):
    found = explore(driver(tmp_path, MENDED))
    assert found.reports == [] and found.reached >= 5


def test_fewer_runs_than_moments_are_said_and_more_take_the_next_seed(tmp_path):
    path = driver(tmp_path, RARE)
    few = explore(path, 3)
    assert (few.runs, few.reached <= 2, few.never) == (3, True, [])
    many = explore(path, 30)
    assert (many.runs, many.seeds) == (30, 2)
    said = []
    explore(path, 4, progress=lambda done, whole: said.append((done, whole)))
    assert said == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("is_next, number", [(False, 0), (True, 1)])
@pytest.mark.parametrize("time", [1, 2, 3])
def test_the_interrupt_comes_at_the_step_that_is_meant(tmp_path, is_next, number, time):
    """The slow way: the task calls `loop` each millisecond from the beginning on, and nothing in it takes time."""
    meant = f"loop:{FIRST + 4}{'@next' if is_next else ''}#{time}"
    scenario = load_scenario(driver(tmp_path, MENDED), (f"driver.awkward={meant}",))
    world = make_world(scenario, 0)
    world.run(5_000_000)
    m, builder = world.memory, world.builder
    slow = [call * 1_000_000 for call in range(4)][time - 1]
    assert slow <= int(m[builder.awkward + a.AW_TIME]) < slow + 10_000 * time  # what switches and ticks take
    line = builder.irqs[24]
    assert [int(m[line + f.D_COUNTS + cpu]) for cpu in range(2)] == [1 - number, number]


@pytest.mark.parametrize("moment, what", [
    ("loop:1", r"no statement of loop begins at line 1; its statements begin at lines"),
    ("none:5", "name a function that runs"), ("loop", "is no moment"), ("loop:5@3", "is no moment"), (f"loop:{FIRST}#0", "no time"),
])  # fmt: skip
def test_a_moment_that_there_is_not_is_refused_in_words(tmp_path, moment, what):
    with pytest.raises(TophalfError, match=what):
        simulate(driver(tmp_path, RARE), sets=[f"driver.awkward={moment}"])


def test_at_the_command_line(tmp_path, capsys):
    path = driver(tmp_path, RARE)
    assert main(["lint", path, "--explore"]) == 1
    out = capsys.readouterr().out
    assert "replay: tophalf run" in out and "21 runs" in out
    assert main(["lint", "--explore", path]) == 1 and capsys.readouterr().out == out
    assert main(["lint", "--explore"]) == 2 and "no driver is named" in capsys.readouterr().err
    assert main(["lint", "--json", driver(tmp_path, MENDED), "--explore", "7"]) == 0
    (document,) = json.loads(capsys.readouterr().out)["drivers"]
    assert document["explored"]["runs"] == 7 and document["explored"]["not_run"] is None
    assert main(["lint", path, "--explore", "-1"]) == 2


def test_functions_that_nobody_calls_are_called_by_tasks_where_no_machine_is_said(tmp_path):
    text = "from tophalf.kernel import *\n\ndef read(dev):\n    spin_lock(dev.a)\n    msleep(1)\n    spin_unlock(dev.a)\n"
    (report,) = simulate(driver(tmp_path, text)).reports()
    assert (report.line, report.kind) == (5, "sleep") and 'the task "read"' in report.details[0]


TWO_FILES = """
[machine]
cpus = 1
seconds = "5ms"
[[driver]]
name = "one"
file = "one.py"
irq = 24
arrivals = "times"
times = []
[[driver]]
name = "two"
file = "two.py"
irq = 25
arrivals = "times"
times = []
[[call]]
device = "one"
function = "loop"
sleep = "1ms"
[[call]]
device = "two"
function = "loop"
sleep = "1ms"
"""


def test_a_step_that_two_files_have_is_that_of_the_devices_own_driver(tmp_path):
    code = MENDED[: MENDED.index("SCENARIO")] + MENDED[MENDED.index("def handler"):]
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(code, encoding="utf-8")
    path = tmp_path / "both.toml"
    path.write_text(TWO_FILES, encoding="utf-8")
    line = code.splitlines().index("def loop(dev):") + 2
    for number, name in enumerate(("one.py", "two.py")):
        world = make_world(load_scenario(str(path), (f"driver.{number}.awkward=loop:{line}",)), 0)
        meant = int(world.memory[world.builder.awkward + a.AW_STEP])
        assert next(step for step, at in world.builder.steps.items() if at == meant) == (str(tmp_path / name), "loop", line)
    found = explore(str(path))
    assert (found.moments, found.reached, found.reports) == (2 * 10, 2 * 5, [])  # each device at its own steps
