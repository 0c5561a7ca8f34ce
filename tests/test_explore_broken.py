"""Broken drivers of which only a run tells, or one with an interrupt at the awkward moment; each mended twin is clean."""

import os
import re

import pytest

from tophalf.driver.lint import lint
from tophalf.model.explore import explore
from tophalf.model.simulate import simulate

pytestmark = pytest.mark.kernels
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "tests", "data", "drivers", "explored")
NAMES = sorted(name for name in os.listdir(FOLDER) if name.endswith(".py"))
ONLY_BY_AN_INTERRUPT_OF_OURS = {"average_of_nothing.py", "count_after_start.py", "lock_while_open.py"}
LINT_FINDS_IT_TOO = {"lock_while_open.py", "gfp_by_state.py"}  # it walks both ways of a condition


def marked(path):
    """{(line, kind)} that the file says are there."""
    with open(path, encoding="utf-8") as file:
        lines = enumerate(file.read().splitlines(), 1)
        return {(number, kind) for number, line in lines for kind in re.findall(r"# BUG (.*)", line) for kind in kind.split()}


def found(reports):
    return {(report.line, report.kind) for report in reports}


@pytest.mark.parametrize("name", NAMES)
def test_a_driver_is_found_by_exploring_where_it_is_broken_and_nowhere_else(name):
    path = os.path.join(FOLDER, name)
    explored = explore(path)
    assert found(explored.reports) == marked(path), [report.text() for report in explored.reports]
    assert bool(explored.reports) == (not name.endswith("_mended.py")) and explored.errors == []
    assert found(simulate(path).reports()) == (set() if name in ONLY_BY_AN_INTERRUPT_OF_OURS else marked(path))
    assert found(lint(path)[0]) == (marked(path) if name in LINT_FINDS_IT_TOO else set())


def test_every_broken_driver_has_a_twin():
    broken = {name for name in NAMES if not name.endswith("_mended.py")}
    assert {name.replace(".py", "_mended.py") for name in broken} == {name for name in NAMES if name.endswith("_mended.py")}


@pytest.mark.parametrize("name", sorted(os.listdir(os.path.join(ROOT, "examples"))))
def test_exploring_an_example_finds_nothing(name):
    """Each of its moments is tried. What is not come to: answers to another device's interrupt, and to an interrupt for nothing."""
    explored = explore(os.path.join(ROOT, "examples", name))
    assert explored.reports == [] and explored.errors == [] and explored.reached >= explored.moments - 4
