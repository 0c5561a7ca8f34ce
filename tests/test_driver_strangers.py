"""Drivers that somebody broke who had read the documentation alone: what `tophalf run` and `tophalf lint` find of them.

Improved by them since they were first tried, so this is no measure of what is found elsewhere; README.md there has the first count.
Compiled only: some spin for tens of simulated seconds.
"""

import os

import pytest

from tophalf.driver.lint import lint
from tophalf.errors import TophalfError
from tophalf.model.simulate import simulate
from tophalf.scenario.load import load_scenario

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "drivers", "strangers_run")
BROKEN = sorted(name for name in os.listdir(FOLDER) if name.endswith(".py") and not name.endswith("_mended.py"))
# Found, but at another line than the author's: where a loop is, not where it is entered; the last return; the lock before
ELSEWHERE = {
    "context_left_2.py", "context_left_4.py", "never_returns_1.py", "never_returns_2.py", "order_2.py", "too_long_1.py",
    "too_long_2.py", "too_long_3.py", "waits_for_itself_3.py", "waits_for_itself_4.py",
}  # fmt: skip


def found(name):
    """Lines at which a run or the checker of all paths reports something."""
    path = os.path.join(FOLDER, name)
    return {report.line for report in lint(path)[0]} | ran(path)


def ran(path):
    """Lines of a run's reports. A kernel that refuses a driver says where, too."""
    try:
        return {report["line"] for report in simulate(load_scenario(path, ())).as_dict()["reports"]}
    except TophalfError as error:
        assert "Flags mismatch" in str(error) or "!ONESHOT" in str(error), error
        return {int(error.where.split(":")[1].split(",")[0])}


def here(name):
    """The line where its author sees the fault."""
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if "# HERE" in line)


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_stranger_broke_is_found(name):
    lines = found(name)
    assert lines and (here(name) in lines) == (name not in ELSEWHERE)


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_is_found_in_what_they_mended(name):
    assert found(name.replace(".py", "_mended.py")) == set()
